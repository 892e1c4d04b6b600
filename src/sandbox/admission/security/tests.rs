use super::*;

#[test]
fn wrong_labels_are_refused_when_they_come() {
    let labelled =
        |labels: &Value| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n", "labels": labels}});
    let wrong = labelled(
        &json!({"pod-security.kubernetes.io/enforce": "strict", "pod-security.kubernetes.io/warn-version": "1.34"}),
    );
    let refusal = judge_labels(&wrong, None).unwrap_err();
    assert_eq!(
        refusal.message,
        "Namespace \"n\" is invalid: [metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: \"strict\": must be one of privileged, baseline, restricted, metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: \"1.34\": must be \"latest\" or \"v1.x\"]"
    );
    assert!(judge_labels(&wrong, Some(&wrong)).is_ok(), "what is there is not held against it");
    assert!(judge_labels(&labelled(&json!({"pod-security.kubernetes.io/enforce-version": "v1.5"})), None).is_ok());
}

#[test]
fn labels_that_say_nothing_right_are_the_strictest() {
    let of = |labels: &Value| Policy::enforced(&json!({"metadata": {"labels": labels}})).shown();
    assert_eq!(of(&json!({})), "privileged:latest");
    assert_eq!(of(&json!({"pod-security.kubernetes.io/enforce": "strict"})), "restricted:latest");
    let labels = json!({"pod-security.kubernetes.io/enforce": "baseline", "pod-security.kubernetes.io/enforce-version": "v1.22"});
    assert_eq!(of(&labels), "baseline:v1.22");
    for wrong in ["v1.01", "v1.", "v1.+1", "v2.1", "1.3", ""] {
        assert_eq!(version(wrong), None, "{wrong}");
    }
}

/// What Kubernetes' own module says of each pod: `k8s.io/pod-security-admission` 0.34.4, asked for the details of what it forbids.
#[test]
fn every_check_says_what_kubernetes_says() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("../../../../tests/fixtures/pod-security.json")).unwrap();
    let mut told = std::collections::BTreeSet::new();
    for case in &cases {
        let part = |key: &str| case[key].as_str().unwrap();
        let policy = Policy { level: level(part("policy")).unwrap(), version: version(part("version")).unwrap() };
        let said = policy.forbids(&case["pod"]).unwrap_or_default();
        assert_eq!(said, part("said"), "{case}");
        let minor = policy.version.0.unwrap_or(NEWEST).min(NEWEST);
        told.extend(checks().filter(|check| (check.judge)(&case["pod"], minor).is_some()).map(|check| check.name));
    }
    assert_eq!(told.len(), checks().count(), "each check has a pod that it forbids");
}
