//! Who says what of a kind: one row each. What has no row is told by its conditions, events and owners, as everything is.

use super::case::{Case, Said};
use super::{access, api, conditions, config, jobs, limits, network, node, records, scaling, storage, workloads};

/// What a kind says of itself.
type Say = fn(&Case<'_>) -> Said;

/// (API group, kind, what it says of itself)
pub(super) const ROWS: &[(&str, &str, Say)] = &[
    ("", "Pod", workloads::pod),
    ("apps", "Deployment", workloads::deployment),
    ("apps", "ReplicaSet", workloads::replica_set),
    ("", "ReplicationController", workloads::replica_set),
    ("apps", "StatefulSet", workloads::stateful_set),
    ("apps", "DaemonSet", workloads::daemon_set),
    ("apps", "ControllerRevision", records::revision),
    ("batch", "Job", jobs::job),
    ("batch", "CronJob", jobs::cron_job),
    ("", "Node", node::node),
    ("", "Namespace", records::namespace),
    ("", "Service", network::service),
    ("", "Endpoints", network::slice),
    ("discovery.k8s.io", "EndpointSlice", network::slice),
    ("networking.k8s.io", "Ingress", network::ingress),
    ("networking.k8s.io", "IngressClass", network::ingress_class),
    ("networking.k8s.io", "NetworkPolicy", network::policy),
    ("networking.k8s.io", "ServiceCIDR", records::addresses),
    ("", "PersistentVolumeClaim", storage::claim),
    ("", "PersistentVolume", storage::volume),
    ("storage.k8s.io", "StorageClass", storage::class),
    ("storage.k8s.io", "VolumeAttachment", storage::attachment),
    ("storage.k8s.io", "CSIDriver", storage::driver),
    ("storage.k8s.io", "CSINode", storage::csi_node),
    ("snapshot.storage.k8s.io", "VolumeSnapshot", storage::volume_snapshot),
    ("snapshot.storage.k8s.io", "VolumeSnapshotContent", storage::volume_snapshot),
    ("autoscaling", "HorizontalPodAutoscaler", scaling::autoscaler),
    ("policy", "PodDisruptionBudget", scaling::budget),
    ("", "ResourceQuota", limits::quota),
    ("", "LimitRange", limits::range),
    ("scheduling.k8s.io", "PriorityClass", limits::priority),
    ("node.k8s.io", "RuntimeClass", limits::runtime),
    ("", "ServiceAccount", access::account),
    ("rbac.authorization.k8s.io", "Role", access::role),
    ("rbac.authorization.k8s.io", "ClusterRole", access::role),
    ("rbac.authorization.k8s.io", "RoleBinding", access::binding),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding", access::binding),
    ("", "ConfigMap", config::holder),
    ("", "Secret", config::holder),
    ("apiextensions.k8s.io", "CustomResourceDefinition", api::definition),
    ("apiregistration.k8s.io", "APIService", api::service),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", api::webhooks),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration", api::webhooks),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy", api::policy),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding", api::policy_binding),
    ("certificates.k8s.io", "CertificateSigningRequest", api::signing),
    ("flowcontrol.apiserver.k8s.io", "FlowSchema", api::flow),
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration", api::flow),
    ("coordination.k8s.io", "Lease", records::lease),
    ("", "Event", records::event),
    ("events.k8s.io", "Event", records::event),
];

/// Kinds whose own row says all that their conditions would, or better.
const TELL_THEIRS: &[&str] = &[
    "Deployment",
    "ReplicaSet",
    "Node",
    "HorizontalPodAutoscaler",
    "PodDisruptionBudget",
    "APIService",
    "CustomResourceDefinition",
    "CertificateSigningRequest",
    "Pod",
    "Job",
    "FlowSchema",
    "Namespace",
];

/// What an object says of itself.
pub(super) fn said(case: &Case<'_>) -> Said {
    let (group, kind) = (case.object.group(), case.object.kind.as_str());
    let row = ROWS.iter().find(|(known, name, _)| (*known, *name) == (group, kind));
    let own = row.map_or_else(|| conditions::custom(case), |(.., say)| say(case));
    if row.is_some() && TELL_THEIRS.contains(&kind) {
        return own.with(conditions::behind(case));
    }
    own.with(conditions::behind(case)).with(conditions::said(case))
}
