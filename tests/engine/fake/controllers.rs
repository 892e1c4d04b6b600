//! What the controllers of Kubernetes would write into a status.

use serde_json::{Value, json};

/// The status of an object, ready or, when it is held, on the way. `None`: the kind has none that anybody looks at.
pub(super) fn status(object: &Value, held: bool) -> Option<Value> {
    let seen = object["metadata"]["generation"].clone();
    let wanted = object["spec"]["replicas"].as_u64().unwrap_or(1);
    let ready = if held { 0 } else { wanted };
    Some(match object["kind"].as_str()? {
        "Deployment" => json!({"observedGeneration": seen, "replicas": wanted, "updatedReplicas": wanted,
            "readyReplicas": ready, "availableReplicas": ready}),
        "StatefulSet" => json!({"observedGeneration": seen, "replicas": wanted, "readyReplicas": ready,
            "updatedReplicas": wanted, "currentRevision": "r", "updateRevision": "r"}),
        "PersistentVolumeClaim" => json!({"phase": if held { "Pending" } else { "Bound" }}),
        "Job" if !held => json!({"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]}),
        "Job" => json!({"active": 1}),
        "CustomResourceDefinition" => {
            let status = if held { "False" } else { "True" };
            json!({"conditions": [{"type": "Established", "status": status}, {"type": "NamesAccepted", "status": "True"}]})
        }
        _ => return None,
    })
}
