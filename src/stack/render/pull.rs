//! What is changed in the pods of a stack that need not know of it: the Secret with which they pull, where the user named one.

use serde_json::{Value, json};

/// The pod that an object is, or makes others from: `metadata` and `spec`.
pub(in crate::stack) fn pod_template(object: &mut Value) -> Option<&mut Value> {
    let way = match object["kind"].as_str() {
        Some("Pod") => "",
        Some("CronJob") => "/spec/jobTemplate/spec/template",
        _ => "/spec/template",
    };
    object.pointer_mut(way).filter(|template| template.pointer("/spec/containers").is_some())
}

/// Adds the Secret to what a workload's pods pull with, unless it is there.
pub(in crate::stack) fn pull_with(object: &mut Value, secret: &str) {
    let Some(spec) = pod_template(object).and_then(|template| template["spec"].as_object_mut()) else { return };
    let secrets = spec.entry("imagePullSecrets").or_insert_with(|| json!([]));
    if let Some(secrets) = secrets.as_array_mut()
        && !secrets.iter().any(|one| one["name"] == secret)
    {
        secrets.push(json!({"name": secret}));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pod_pulls_with_it_once() {
        let pod = json!({"containers": [], "imagePullSecrets": [{"name": "own"}]});
        let mut objects = [
            json!({"kind": "Pod", "spec": {"containers": []}}),
            json!({"kind": "Deployment", "spec": {"template": {"spec": pod}}}),
            json!({"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": []}}}}}}),
            json!({"kind": "ConfigMap", "spec": {"template": {"spec": {}}}}),
        ];
        for object in &mut objects {
            pull_with(object, "login");
            pull_with(object, "login");
        }
        let [one, two, three, none] = objects;
        assert_eq!(one["spec"]["imagePullSecrets"], json!([{"name": "login"}]));
        assert_eq!(two["spec"]["template"]["spec"]["imagePullSecrets"], json!([{"name": "own"}, {"name": "login"}]));
        let cron = &three["spec"]["jobTemplate"]["spec"]["template"]["spec"]["imagePullSecrets"];
        assert_eq!(*cron, json!([{"name": "login"}]));
        assert_eq!(none["spec"]["template"]["spec"], json!({}));
    }
}
