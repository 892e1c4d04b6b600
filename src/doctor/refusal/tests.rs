//! Answers of a real API server, and from the documentation what could not be provoked.

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Recorded {
    name: String,
    reference: ObjectRef,
    code: u16,
    reason: String,
    message: String,
}

/// Name of the recording; id, reason and outlook of the cause; a piece of its message.
const EXPECTED: &[(&str, &str, &str, Outlook, &str)] = &[
    ("conflict", "conflict", "Conflict", Outlook::Final, "Deployment/web belong to kubectl: .spec.replicas"),
    ("immutable-selector", "immutable", "Immutable", Outlook::Final, "spec.selector"),
    ("immutable-statefulset", "immutable", "Immutable", Outlook::Final, "updates to statefulset spec"),
    ("immutable-job", "immutable", "Immutable", Outlook::Final, "spec.template"),
    ("immutable-claim", "immutable", "Immutable", Outlook::Final, "spec is immutable after creation"),
    ("immutable-configmap", "immutable", "Immutable", Outlook::Final, "data"),
    ("invalid", "invalid", "Invalid", Outlook::Final, "in spec.replicas, spec.template.spec.containers[0].name"),
    (
        "unknown-field",
        "invalid",
        "Invalid",
        Outlook::Final,
        "in spec.template.spec.containers[name=\"main\"].imagePullPolcy",
    ),
    ("node-port-taken", "SV008", "PortAllocated", Outlook::Final, "node port 30123 is taken"),
    ("node-port-range", "SV008", "PortAllocated", Outlook::Final, "node port 80 is outside"),
    ("cluster-ip-taken", "SV008", "PortAllocated", Outlook::Final, "address"),
    ("too-large", "F006", "RequestEntityTooLarge", Outlook::Final, "ConfigMap/big"),
    ("far-too-large", "F006", "RequestEntityTooLarge", Outlook::Final, "ConfigMap/huge"),
    ("etcd-too-large", "F006", "RequestEntityTooLarge", Outlook::Final, "larger"),
    ("unknown-kind", "X007", "UnknownKind", Outlook::Stuck, "kind Thing of example.com/v1"),
    ("no-namespace", "no-namespace", "NamespaceNotFound", Outlook::Stuck, "stall-nowhere"),
    (
        "forbidden",
        "K011",
        "Forbidden",
        Outlook::Final,
        "alice may not patch deployments.apps in the namespace stall-refused",
    ),
    (
        "forbidden-cluster",
        "K011",
        "Forbidden",
        Outlook::Final,
        "clusterroles.rbac.authorization.k8s.io in the whole cluster",
    ),
    ("escalation", "K011", "Forbidden", Outlook::Final, "bob may not patch roles"),
    (
        "quota",
        "Q001",
        "ExceededQuota",
        Outlook::Stuck,
        "asked for configmaps=1, in use configmaps=2, limit configmaps=1",
    ),
    (
        "webhook-denied",
        "X013",
        "AdmissionDenied",
        Outlook::Final,
        "check.stall.example of this cluster denies it: every container",
    ),
    (
        "policy",
        "X013",
        "AdmissionDenied",
        Outlook::Final,
        "replicas.example.com of this cluster denies it: failed expression",
    ),
    ("webhook-refused", "X001", "FailedCallingWebhook", Outlook::Stuck, "cannot be reached: dial tcp"),
    ("webhook-timeout", "X005", "FailedCallingWebhook", Outlook::Stuck, "not answer in time"),
    ("webhook-x509", "X003", "FailedCallingWebhook", Outlook::Stuck, "certificate"),
    ("webhook-no-service", "X002", "FailedCallingWebhook", Outlook::Stuck, "its Service does not exist"),
    ("webhook-no-endpoints", "X001", "FailedCallingWebhook", Outlook::Stuck, "no pod of it is ready"),
    ("pod-security", "Z004", "PodSecurity", Outlook::Final, "baseline:latest: host namespaces (hostNetwork=true)"),
    ("limit-range", "Q004", "LimitRange", Outlook::Final, "maximum memory usage per Container is 64Mi"),
    ("service-account", "R003", "ServiceAccountNotFound", Outlook::Stuck, "`builder`"),
    ("claim-smaller", "claim-smaller", "Smaller", Outlook::Final, "data cannot be made smaller"),
    ("claim-larger", "claim-larger", "NotExpandable", Outlook::Final, "data cannot be made larger"),
    ("priority-class", "W004", "PriorityClassNotFound", Outlook::Stuck, "`important`"),
    ("terminating", "T001", "NamespaceTerminating", Outlook::Stuck, "stall-terminating is being deleted"),
    ("exists", "exists", "AlreadyExists", Outlook::Final, "ConfigMap/fixed"),
    ("changed", "changed", "Conflict", Outlook::Stuck, "at the same time"),
    ("unauthorized", "K006", "Unauthorized", Outlook::Final, "does not know us"),
    ("busy", "A004", "TooManyRequests", Outlook::Stuck, "come back later"),
    ("no-leader", "A001", "InternalError", Outlook::Stuck, "leader changed"),
    ("timeout", "A001", "Timeout", Outlook::Stuck, "did not complete"),
];

#[test]
fn refusals_are_told_apart() {
    let file =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/stall/refused.json")).unwrap();
    let recorded: Vec<Recorded> = serde_json::from_str(&file).unwrap();
    for one in &recorded {
        let (_, id, reason, outlook, piece) =
            EXPECTED.iter().find(|row| row.0 == one.name).unwrap_or_else(|| panic!("{} is not expected", one.name));
        let cause = refused(&one.reference, one.code, &one.reason, &one.message);
        assert_eq!(
            (cause.id.as_str(), cause.reason.as_str(), cause.outlook),
            (*id, *reason, *outlook),
            "{}: {cause:?}",
            one.name
        );
        assert!(cause.message.contains(piece), "{}: {}", one.name, cause.message);
        assert!(cause.object.is_some() && !cause.message.contains('\n'), "{}", one.name);
    }
    assert_eq!(recorded.len(), EXPECTED.len());
}

/// What has to be changed is said in full: a message that is too long for it leaves that to the remedy.
#[test]
fn all_that_pods_must_change_for_a_namespace_is_said() {
    let rules = "privileged (container \"c\" must not set securityContext.privileged=true), allowPrivilegeEscalation != false (container \"c\" \
        must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container \"c\" must set \
        securityContext.capabilities.drop=[\"ALL\"]), runAsNonRoot != true (pod or container \"c\" must set securityContext.runAsNonRoot=true)";
    let said = format!("pods \"a\" is forbidden: violates PodSecurity \"restricted:latest\": {rules}");
    let cause = refused(&ObjectRef::new("apps/v1", "Deployment", Some("n"), "web"), 403, "Forbidden", &said);
    let told = "level restricted:latest: privileged, allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true";
    assert!(cause.message.ends_with(told), "{}", cause.message);
    let remedy = cause.remedy.unwrap();
    assert!(remedy.contains(rules) && remedy.contains("`kubectl label namespace n "), "{remedy}");
}

#[test]
fn the_object_at_the_root_is_named() {
    let ours = ObjectRef::new("apps/v1", "Deployment", Some("n"), "web");
    for (message, root) in [
        (
            "pods \"a\" is forbidden: exceeded quota: team, requested: pods=1, used: pods=1, limited: pods=1",
            "ResourceQuota/n/team",
        ),
        ("error looking up service account n/b: serviceaccount \"b\" not found", "ServiceAccount/n/b"),
        ("pods \"a\" is forbidden: violates PodSecurity \"restricted:latest\": x", "Namespace/n"),
        ("anything else", "Deployment/n/web"),
    ] {
        assert_eq!(refused(&ours, 403, "Forbidden", message).object.unwrap().to_string(), root);
    }
}
