//! What a kubelet concludes of a pod from the states of its containers: its phase, and its conditions.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::object::{items, text};
use crate::sandbox::store::time;

/// Phase and conditions, from what the containers are.
pub(super) fn conclude(
    status: &mut Value,
    pod: &Value,
    (init, main): (&[Value], &[Value]),
    initialised: bool,
    now: Timestamp,
) {
    let code = |status: &Value| status["state"]["terminated"]["exitCode"].as_i64();
    let policy = text(pod, "/spec/restartPolicy").unwrap_or("Always");
    let failed = |statuses: &[Value]| statuses.iter().any(|status| code(status).is_some_and(|code| code != 0));
    let all_ended = main.iter().all(|status| code(status).is_some());
    let begun = main.iter().any(|status| status["state"].get("waiting").is_none() || status["restartCount"] != 0);
    let phase = if policy != "Always" && all_ended && !failed(main) {
        "Succeeded"
    } else if policy == "Never" && ((all_ended && failed(main)) || failed(init)) {
        "Failed"
    } else if begun {
        "Running"
    } else {
        "Pending"
    };
    status["phase"] = phase.into();
    status["observedGeneration"] = 1.into();
    let ready = phase == "Running" && main.iter().all(|status| status["ready"] == true);
    let unready: Vec<&str> =
        main.iter().filter(|status| status["ready"] != true).filter_map(|status| text(status, "/name")).collect();
    let before = status["conditions"].clone();
    let gated = gates(pod, &before);
    let done = phase == "Succeeded";
    let why = if done {
        ("PodCompleted", String::new())
    } else {
        ("ContainersNotReady", format!("containers with unready status: [{}]", unready.join(" ")))
    };
    let not_initialised = init
        .iter()
        .filter(|status| code(status) != Some(0))
        .filter_map(|status| text(status, "/name"))
        .collect::<Vec<_>>()
        .join(" ");
    let incomplete = ("ContainersNotInitialized", format!("containers with incomplete status: [{not_initialised}]"));
    let wanted = [
        (
            "PodReadyToStartContainers",
            status.get("podIP").is_some() && phase != "Succeeded" && phase != "Failed",
            ("", String::new()),
        ),
        ("Initialized", initialised, incomplete),
        (
            "Ready",
            ready && gated.is_empty(),
            if ready { ("ReadinessGatesNotReady", gated.join(", ")) } else { why.clone() },
        ),
        ("ContainersReady", ready, why),
    ];
    let mut conditions: Vec<Value> =
        wanted.into_iter().map(|(kind, is, why)| condition(&before, kind, is, why, now)).collect();
    // The others are of the scheduler, and of those that open the gates.
    conditions.extend(items(&before, "").filter(|condition| !OWN.iter().any(|own| condition["type"] == *own)).cloned());
    status["conditions"] = conditions.into();
}

/// The conditions that the kubelet writes itself.
const OWN: [&str; 4] = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady"];

/// The gates that somebody else has not opened: conditions without which a pod is not ready. Source: `GeneratePodReadyCondition` in
/// `pkg/kubelet/status/generate.go`, 1.34.
fn gates(pod: &Value, conditions: &Value) -> Vec<String> {
    let shut = |kind: &str| match items(conditions, "").find(|condition| condition["type"] == kind) {
        None => Some(format!("corresponding condition of pod readiness gate {kind:?} does not exist.")),
        Some(condition) if condition["status"] != "True" => {
            let status = text(condition, "/status").unwrap_or_default();
            Some(format!("the status of pod readiness gate {kind:?} is not \"True\", but {status}"))
        }
        Some(_) => None,
    };
    items(pod, "/spec/readinessGates").filter_map(|gate| text(gate, "/conditionType")).filter_map(shut).collect()
}

fn condition(before: &Value, kind: &str, is: bool, (reason, message): (&str, String), now: Timestamp) -> Value {
    let value = if is { "True" } else { "False" };
    let kept = items(before, "").find(|known| known["type"] == kind && known["status"] == value);
    let since = kept.map_or(json!(time(now)), |known| known["lastTransitionTime"].clone());
    let mut condition = json!({"type": kind, "status": value, "lastProbeTime": null, "lastTransitionTime": since, "observedGeneration": 1});
    if !is && !reason.is_empty() {
        condition["reason"] = reason.into();
        if !message.is_empty() {
            condition["message"] = message.into();
        }
    }
    condition
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_is_shut_until_its_condition_is_true() {
        let pod = json!({"spec": {"readinessGates": [{"conditionType": "a/b"}, {"conditionType": "c"}]}});
        assert_eq!(
            gates(&pod, &json!([{"type": "c", "status": "Unknown"}])),
            [
                "corresponding condition of pod readiness gate \"a/b\" does not exist.",
                "the status of pod readiness gate \"c\" is not \"True\", but Unknown"
            ]
        );
        assert!(gates(&pod, &json!([{"type": "a/b", "status": "True"}, {"type": "c", "status": "True"}])).is_empty());
        assert!(gates(&json!({"spec": {}}), &Value::Null).is_empty());
    }
}
