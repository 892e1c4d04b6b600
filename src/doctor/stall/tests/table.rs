//! Every fixture with what must be said of it.

use super::Outlook::{Final, Passing, Stuck};
use super::*;

/// Fixture; id; the start of `Kind/namespace/name` without the fixture's namespace; reason; outlook.
type Row = (&'static str, &'static str, &'static str, &'static str, Outlook);

const EXPECTED: &[Row] = &[
    ("anti-affinity", "S008", "Pod/web-", "Unschedulable", Stuck),
    ("apiservice-failed-discovery", "X010", "APIService/v1.ghost.example", "FailedDiscoveryCheck", Stuck),
    ("apiservice-no-service", "X010", "APIService/v1.ghost.example", "ServiceNotFound", Stuck),
    ("claim-consumer", "S001", "Pod/web-", "Unschedulable", Stuck),
    ("claim-lost", "V009", "PersistentVolumeClaim/data", "ClaimLost", Final),
    ("claim-missing", "S006", "PersistentVolumeClaim/data", "Unschedulable", Stuck),
    ("claim-modes", "V007", "PersistentVolumeClaim/data", "ProvisioningFailed", Final),
    ("claim-no-class", "V003", "PersistentVolumeClaim/data", "StorageClassNotFound", Stuck),
    ("claim-no-default", "V001", "PersistentVolumeClaim/data", "FailedBinding", Stuck),
    ("claim-no-provisioner", "V006", "PersistentVolumeClaim/data", "ExternalProvisioning", Stuck),
    ("claim-selector", "V007", "PersistentVolumeClaim/data", "ProvisioningFailed", Final),
    ("claim-sts", "V003", "PersistentVolumeClaim/v-db-0", "StorageClassNotFound", Stuck),
    ("cpu", "S001", "Pod/web-", "Unschedulable", Stuck),
    ("crd-clash", "X007", "CustomResourceDefinition/barges.stall.example", "ListKindConflict", Final),
    ("deadline", "W001", "Deployment/web", "ProgressDeadlineExceeded", Stuck),
    ("doc-bad-flag", "P001", "Pod/web-1-a", "CrashLoopBackOff", Final),
    ("doc-claim-bound-elsewhere", "V005", "PersistentVolumeClaim/data", "FailedBinding", Stuck),
    ("doc-claim-failed", "V005", "PersistentVolumeClaim/data", "ProvisioningFailed", Stuck),
    ("doc-claim-helper", "P004", "Pod/local-path-storage/helper-pod-create-pvc-c1", "ErrImagePull", Stuck),
    ("doc-claim-provisioning", "provisioning", "PersistentVolumeClaim/data", "Provisioning", Passing),
    ("doc-custom-failed", "failed", "Database/db", "BadVersion", Final),
    ("doc-custom-pods", "P001", "Pod/db-0", "CrashLoopBackOff", Stuck),
    ("doc-dependency-early", "P017", "Pod/web-1-a", "Error", Passing),
    ("doc-evicted-disk", "P025", "Pod/web-1-a", "Evicted", Stuck),
    ("doc-exec-format", "P006", "Pod/web-1-a", "CrashLoopBackOff", Final),
    ("doc-exec-format-start", "P006", "Pod/web-1-a", "StartError", Final),
    ("doc-image-cri-o", "P002", "Pod/web-1-a", "ErrImagePull", Final),
    ("doc-image-first-try", "P002", "Pod/web-1-a", "ErrImagePull", Stuck),
    ("doc-image-hub-limit", "P005", "Pod/web-1-a", "ErrImagePull", Stuck),
    ("doc-image-old-kubelet", "P002", "Pod/web-1-a", "ErrImagePull", Final),
    ("doc-lb-pool", "L005", "Service/web", "AllocationFailed", Stuck),
    ("doc-mount-early", "P020", "Pod/web-1-a", "FailedMount", Passing),
    ("doc-no-network", "P019", "Pod/web-1-a", "FailedCreatePodSandBox", Stuck),
    ("doc-no-nodes", "N001", "Cluster/nodes", "NoNodes", Stuck),
    ("doc-node-gone", "N001", "Node/gone", "NodeGone", Stuck),
    ("doc-node-lost", "P028", "Pod/web-1-a", "NodeLost", Stuck),
    ("doc-node-network", "N002", "Node/n1", "KubeletNotReady", Stuck),
    ("doc-read-only-mount", "P010", "Pod/web-1-a", "RunContainerError", Stuck),
    ("doc-scheduling-young", "scheduling", "Pod/web-1-a", "Pending", Passing),
    ("doc-several", "P007", "Pod/web-1-c", "ErrImageNeverPull", Final),
    ("doc-taint-named", "S003", "Pod/web-1-a", "Unschedulable", Stuck),
    ("doc-taint-not-ready", "N001", "Pod/web-1-a", "Unschedulable", Stuck),
    ("doc-unseen", "W003", "Deployment/web", "NotObserved", Stuck),
    ("doc-volume-affinity", "S005", "Pod/web-1-a", "Unschedulable", Stuck),
    ("evicted", "P025", "Pod/p", "Evicted", Final),
    ("exit-0", "P001", "Pod/web-", "CrashLoopBackOff", Stuck),
    ("exit-1", "P017", "Pod/web-", "CrashLoopBackOff", Stuck),
    ("exit-126", "P013", "Pod/web-", "CrashLoopBackOff", Final),
    ("exit-127", "P013", "Pod/web-", "CrashLoopBackOff", Final),
    ("exit-132", "P014", "Pod/web-", "CrashLoopBackOff", Final),
    ("exit-137", "P012", "Pod/web-", "CrashLoopBackOff", Stuck),
    ("exit-139", "P015", "Pod/web-", "CrashLoopBackOff", Stuck),
    ("exit-143", "P016", "Pod/web-", "CrashLoopBackOff", Stuck),
    ("exit-2-silent", "P001", "Pod/web-", "CrashLoopBackOff", Stuck),
    ("gated", "S010", "Pod/web-", "SchedulingGated", Stuck),
    ("gpu", "S002", "Pod/web-", "Unschedulable", Stuck),
    ("host-port", "S007", "Pod/web-", "Unschedulable", Stuck),
    ("image-denied", "P003", "Pod/web-", "ErrImagePull", Stuck),
    ("image-invalid", "P008", "Pod/web-", "InvalidImageName", Final),
    ("image-limited", "P005", "Pod/web-", "ErrImagePull", Stuck),
    ("image-missing", "P002", "Pod/web-", "ErrImagePull", Final),
    ("image-never", "P007", "Pod/web-", "ErrImageNeverPull", Final),
    ("image-no-such-host", "P004", "Pod/web-", "ErrImagePull", Stuck),
    ("image-platform", "P006", "Pod/web-", "ErrImagePull", Final),
    ("image-private", "P003", "Pod/web-", "ErrImagePull", Stuck),
    ("image-pulling", "pulling", "Pod/web-", "Pulling", Passing),
    ("image-refused", "P004", "Pod/web-", "ErrImagePull", Stuck),
    ("image-server-error", "P004", "Pod/web-", "ErrImagePull", Stuck),
    ("image-x509", "P004", "Pod/web-", "ErrImagePull", Stuck),
    ("init-crash", "P001", "Pod/web-", "CrashLoopBackOff", Stuck),
    ("init-running", "initializing", "Pod/web-", "PodInitializing", Passing),
    ("job-backoff", "P001", "Pod/setup-", "Error", Final),
    ("job-deadline", "J001", "Job/setup", "DeadlineExceeded", Final),
    ("job-retry", "P017", "Pod/setup-", "CrashLoopBackOff", Stuck),
    ("job-suspended", "J002", "Job/setup", "Suspended", Stuck),
    ("lb-no-controller", "L001", "Service/web", "NoAddress", Stuck),
    ("limit-range", "Q004", "ReplicaSet/web-", "LimitRange", Final),
    ("liveness", "P022", "Pod/web-", "Unhealthy", Stuck),
    ("memory", "S001", "Pod/web-", "Unschedulable", Stuck),
    ("mount-hostpath", "P020", "Pod/web-", "FailedMount", Stuck),
    ("mount-no-configmap", "F001", "ConfigMap/settings", "FailedMount", Stuck),
    ("mount-no-driver", "V020", "Pod/web-", "FailedMount", Stuck),
    ("mount-no-key", "F003", "ConfigMap/settings", "FailedMount", Stuck),
    ("mount-no-secret", "F002", "Secret/tls", "FailedMount", Stuck),
    ("multi-attach", "P020", "Pod/web-", "FailedAttachVolume", Stuck),
    ("no-configmap", "F001", "ConfigMap/settings", "CreateContainerConfigError", Stuck),
    ("no-configmap-key", "F003", "ConfigMap/settings", "CreateContainerConfigError", Stuck),
    ("no-executable", "P013", "Pod/web-", "StartError", Final),
    ("no-priority", "W004", "PriorityClass/important", "PriorityClassNotFound", Stuck),
    ("no-scheduler", "S011", "Pod/web-", "Unscheduled", Stuck),
    ("no-secret", "F002", "Secret/api-key", "CreateContainerConfigError", Stuck),
    ("no-secret-key", "F003", "Secret/api-key", "CreateContainerConfigError", Stuck),
    ("no-service-account", "R003", "ServiceAccount/builder", "ServiceAccountNotFound", Stuck),
    ("no-service-account-job", "R003", "ServiceAccount/builder", "ServiceAccountNotFound", Stuck),
    ("node-affinity", "P026", "Pod/p", "NodeAffinity", Final),
    ("node-dead", "N001", "Node/stall-dead", "NodeStatusUnknown", Stuck),
    ("not-executable", "P013", "Pod/web-", "StartError", Final),
    ("oom", "P011", "Pod/web-", "OOMKilled", Stuck),
    ("out-of-cpu", "P026", "Pod/p", "OutOfcpu", Final),
    ("paused", "W015", "Deployment/web", "DeploymentPaused", Stuck),
    ("pod-security", "Z004", "Namespace/stall-pod-security", "PodSecurity", Final),
    ("pod-security-ds", "Z004", "Namespace/stall-pod-security-ds", "PodSecurity", Final),
    ("post-start", "P010", "Pod/web-", "PostStartHookError", Stuck),
    ("quota-claims", "Q001", "ResourceQuota/team", "ExceededQuota", Stuck),
    ("quota-cpu", "Q003", "ResourceQuota/team", "FailedQuota", Final),
    ("quota-pods", "Q001", "ResourceQuota/team", "ExceededQuota", Stuck),
    ("readiness", "P021", "Pod/web-", "Unhealthy", Stuck),
    ("readiness-exec", "P021", "Pod/web-", "Unhealthy", Stuck),
    ("readiness-gate", "P021", "Pod/web-", "ReadinessGatesNotReady", Stuck),
    ("readiness-status", "P021", "Pod/web-", "Unhealthy", Stuck),
    ("run-as-non-root", "P009", "Pod/web-", "CreateContainerConfigError", Final),
    ("selector", "S004", "Pod/web-", "Unschedulable", Stuck),
    ("spread", "S008", "Pod/web-", "Unschedulable", Stuck),
    ("starting", "starting", "Pod/web-", "Starting", Passing),
    ("startup", "P022", "Pod/web-", "Unhealthy", Stuck),
    ("taint", "S003", "Pod/web-", "Unschedulable", Stuck),
    ("terminating", "P027", "Pod/p", "Terminating", Stuck),
    ("too-many-pods", "S009", "Pod/web-", "Unschedulable", Stuck),
    ("two-causes", "P001", "Pod/web-", "CrashLoopBackOff", Stuck),
    ("unreachable-taint", "N001", "Node/stall-dead", "NodeStatusUnknown", Stuck),
    ("volume-node", "S005", "Pod/web-", "Unschedulable", Stuck),
    ("webhook-denied", "X013", "ReplicaSet/web-", "AdmissionDenied", Stuck),
    (
        "webhook-no-endpoints",
        "X001",
        "ValidatingWebhookConfiguration/stall-webhook-no-endpoints",
        "FailedCallingWebhook",
        Stuck,
    ),
    ("webhook-no-service", "X002", "ReplicaSet/web-", "FailedCallingWebhook", Stuck),
    ("webhook-refused", "X001", "ReplicaSet/web-", "FailedCallingWebhook", Stuck),
    ("webhook-timeout", "X005", "ReplicaSet/web-", "FailedCallingWebhook", Stuck),
    ("webhook-x509", "X003", "ReplicaSet/web-", "FailedCallingWebhook", Stuck),
];

/// Fixtures in which what is waited for is ready, with what is noted.
const READY: &[(&str, Option<&str>)] = &[
    ("apiservice-fine", None),
    ("claim-waits", Some("waits for its first consumer")),
    ("crd-fine", None),
    ("doc-lb-fine", Some("172.18.255.1")),
    ("fine", None),
    ("ingress", Some("no address yet")),
    ("job-complete", None),
    ("service-no-pods", None),
    ("service-unready", None),
];

/// Fixtures in which it is only a matter of time, and nothing can be said.
const SILENT: &[&str] = &["doc-claim-names-volume", "job-running"];

#[test]
fn every_stall_has_its_root() {
    for (name, id, object, reason, outlook) in EXPECTED {
        let recorded = read(name);
        let snapshot = snapshot(recorded.items);
        let readiness = judge(snapshot.get(&recorded.waited).unwrap(), &snapshot);
        assert!(!matches!(readiness, Readiness::Ready { .. }), "{name}: {readiness:?}");
        let cause = cause(&recorded.waited, &snapshot, recorded.now).unwrap_or_else(|| panic!("{name}: no cause"));
        let said = (cause.id.as_str(), cause.reason.as_str(), cause.outlook);
        assert_eq!(said, (*id, *reason, *outlook), "{name}: {cause:#?}");
        let root = cause.object.unwrap().to_string().replacen(&format!("/stall-{name}/"), "/", 1);
        assert!(root.starts_with(object), "{name}: {root}");
        assert!(cause.message.chars().count() <= 300 && !cause.message.contains('\n'), "{name}: {}", cause.message);
        assert!(cause.remedy.is_some() || *outlook == Passing, "{name}: no remedy");
    }
}

#[test]
fn what_is_ready_is_called_ready() {
    for (name, expected) in READY {
        let recorded = read(name);
        let snapshot = snapshot(recorded.items);
        let readiness = judge(snapshot.get(&recorded.waited).unwrap(), &snapshot);
        assert_eq!(readiness, Readiness::Ready { note: expected.map(str::to_owned) }, "{name}");
    }
    for name in SILENT {
        let recorded = read(name);
        assert_eq!(cause(&recorded.waited, &snapshot(recorded.items), recorded.now), None, "{name}");
    }
}

#[test]
fn every_fixture_is_in_a_table_and_says_where_it_is_from() {
    let mut listed: BTreeSet<String> = EXPECTED.iter().map(|row| row.0.to_owned()).collect();
    listed.extend(READY.iter().map(|row| row.0.to_owned()));
    listed.extend(SILENT.iter().map(|name| (*name).to_owned()));
    let mut there = BTreeSet::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
        if name != "refused" {
            let source = read(&name).source;
            assert!(source == "documentation" || source.starts_with("recorded, Kubernetes "), "{name}: {source}");
            assert_eq!(source == "documentation", name.starts_with("doc-"), "{name}");
            there.insert(name);
        }
    }
    assert_eq!(there, listed);
}
