//! The kinds that every Kubernetes cluster has: their plural name, and whether they live in a namespace.
//!
//! Knowing them makes discovery needless: a plan, a snapshot and a manifest without a namespace are all answered from here.

/// One built-in kind of Kubernetes objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The API group, empty for the core group.
    pub group: &'static str,
    /// The version of the group.
    pub version: &'static str,
    /// The kind, as written in a manifest.
    pub kind: &'static str,
    /// The plural name, as written in a URL.
    pub plural: &'static str,
    /// Whether objects of it live in a namespace.
    pub namespaced: bool,
}

impl Kind {
    /// The `apiVersion` of a manifest: `v1`, or `group/version`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }
}

/// The built-in kind with this `apiVersion` and `kind`.
pub fn builtin(api_version: &str, kind: &str) -> Option<&'static Kind> {
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    BUILTIN.iter().find(|known| known.kind == kind && known.version == version && known.group == group)
}

/// The kind of the core group with this plural name.
pub fn of_core(plural: &str) -> Option<&'static Kind> {
    BUILTIN.iter().find(|known| known.plural == plural && known.group.is_empty())
}

/// Whether the group is one of Kubernetes' own, so that a kind which is not in the table is a slip and not a custom one.
pub fn is_builtin_group(api_version: &str) -> bool {
    let (group, _) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    BUILTIN.iter().any(|known| known.group == group)
}

const fn namespaced(group: &'static str, version: &'static str, kind: &'static str, plural: &'static str) -> Kind {
    Kind { group, version, kind, plural, namespaced: true }
}

const fn global(group: &'static str, version: &'static str, kind: &'static str, plural: &'static str) -> Kind {
    Kind { group, version, kind, plural, namespaced: false }
}

/// All of them, by group.
pub const BUILTIN: &[Kind] = &[
    namespaced("", "v1", "ConfigMap", "configmaps"),
    namespaced("", "v1", "Endpoints", "endpoints"),
    namespaced("", "v1", "Event", "events"),
    namespaced("", "v1", "LimitRange", "limitranges"),
    namespaced("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
    namespaced("", "v1", "Pod", "pods"),
    namespaced("", "v1", "PodTemplate", "podtemplates"),
    namespaced("", "v1", "ReplicationController", "replicationcontrollers"),
    namespaced("", "v1", "ResourceQuota", "resourcequotas"),
    namespaced("", "v1", "Secret", "secrets"),
    namespaced("", "v1", "Service", "services"),
    namespaced("", "v1", "ServiceAccount", "serviceaccounts"),
    global("", "v1", "Namespace", "namespaces"),
    global("", "v1", "Node", "nodes"),
    global("", "v1", "PersistentVolume", "persistentvolumes"),
    namespaced("apps", "v1", "ControllerRevision", "controllerrevisions"),
    namespaced("apps", "v1", "DaemonSet", "daemonsets"),
    namespaced("apps", "v1", "Deployment", "deployments"),
    namespaced("apps", "v1", "ReplicaSet", "replicasets"),
    namespaced("apps", "v1", "StatefulSet", "statefulsets"),
    namespaced("batch", "v1", "CronJob", "cronjobs"),
    namespaced("batch", "v1", "Job", "jobs"),
    namespaced("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    namespaced("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"),
    namespaced("networking.k8s.io", "v1", "Ingress", "ingresses"),
    namespaced("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"),
    global("networking.k8s.io", "v1", "IngressClass", "ingressclasses"),
    global("networking.k8s.io", "v1", "ServiceCIDR", "servicecidrs"),
    namespaced("rbac.authorization.k8s.io", "v1", "Role", "roles"),
    namespaced("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings"),
    global("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles"),
    global("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings"),
    namespaced("storage.k8s.io", "v1", "CSIStorageCapacity", "csistoragecapacities"),
    global("storage.k8s.io", "v1", "CSIDriver", "csidrivers"),
    global("storage.k8s.io", "v1", "CSINode", "csinodes"),
    global("storage.k8s.io", "v1", "StorageClass", "storageclasses"),
    global("storage.k8s.io", "v1", "VolumeAttachment", "volumeattachments"),
    global("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions"),
    global("apiregistration.k8s.io", "v1", "APIService", "apiservices"),
    global("admissionregistration.k8s.io", "v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations"),
    global("admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies"),
    global(
        "admissionregistration.k8s.io",
        "v1",
        "ValidatingAdmissionPolicyBinding",
        "validatingadmissionpolicybindings",
    ),
    global("admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations"),
    namespaced("coordination.k8s.io", "v1", "Lease", "leases"),
    global("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses"),
    namespaced("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
    global("certificates.k8s.io", "v1", "CertificateSigningRequest", "certificatesigningrequests"),
    global("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses"),
];

/// The short names that `kubectl api-resources` shows.
const SHORT: &[(&str, &str)] = &[
    ("cm", "ConfigMap"),
    ("ep", "Endpoints"),
    ("ev", "Event"),
    ("limits", "LimitRange"),
    ("pvc", "PersistentVolumeClaim"),
    ("po", "Pod"),
    ("rc", "ReplicationController"),
    ("quota", "ResourceQuota"),
    ("svc", "Service"),
    ("sa", "ServiceAccount"),
    ("ns", "Namespace"),
    ("no", "Node"),
    ("pv", "PersistentVolume"),
    ("ds", "DaemonSet"),
    ("deploy", "Deployment"),
    ("rs", "ReplicaSet"),
    ("sts", "StatefulSet"),
    ("cj", "CronJob"),
    ("hpa", "HorizontalPodAutoscaler"),
    ("pdb", "PodDisruptionBudget"),
    ("ing", "Ingress"),
    ("netpol", "NetworkPolicy"),
    ("sc", "StorageClass"),
    ("crd", "CustomResourceDefinition"),
    ("crds", "CustomResourceDefinition"),
    ("pc", "PriorityClass"),
    ("csr", "CertificateSigningRequest"),
];

/// The short names of a kind.
pub fn short_names(kind: &str) -> impl Iterator<Item = &'static str> {
    SHORT.iter().filter(move |(_, known)| *known == kind).map(|(short, _)| *short)
}

/// The built-in kind that a word means as people type it: `pod`, `pods`, `po`, `Pod`.
pub fn called(word: &str) -> Option<&'static Kind> {
    let word = word.to_lowercase();
    let short = SHORT.iter().find(|(short, _)| *short == word).map(|(_, kind)| *kind);
    BUILTIN.iter().find(|kind| {
        short.map_or_else(|| kind.plural == word || kind.kind.eq_ignore_ascii_case(&word), |short| kind.kind == short)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_by_api_version_and_kind() {
        let table = [
            ("v1", "Service", Some(("services", true))),
            ("apps/v1", "Deployment", Some(("deployments", true))),
            ("storage.k8s.io/v1", "StorageClass", Some(("storageclasses", false))),
            ("apps/v1beta1", "Deployment", None),
            ("v1", "Deployment", None),
            ("metallb.io/v1beta1", "IPAddressPool", None),
        ];
        for (api_version, kind, expected) in table {
            assert_eq!(builtin(api_version, kind).map(|kind| (kind.plural, kind.namespaced)), expected, "{kind}");
        }
    }

    #[test]
    fn the_table_has_no_kind_twice_and_answers_for_itself() {
        for (index, kind) in BUILTIN.iter().enumerate() {
            assert_eq!(builtin(&kind.api_version(), kind.kind), Some(kind));
            assert!(!BUILTIN[..index].contains(kind), "{} twice", kind.kind);
        }
    }

    #[test]
    fn kinds_are_found_by_every_name_that_people_type() {
        for (word, kind) in
            [("po", "Pod"), ("pods", "Pod"), ("Pod", "Pod"), ("deploy", "Deployment"), ("PVC", "PersistentVolumeClaim")]
        {
            assert_eq!(called(word).map(|kind| kind.kind), Some(kind), "{word}");
        }
        assert_eq!(called("barges"), None);
        for (short, kind) in SHORT {
            assert!(BUILTIN.iter().any(|known| known.kind == *kind), "{short}");
        }
    }

    #[test]
    fn groups_of_kubernetes_are_told_from_others() {
        assert!(is_builtin_group("v1") && is_builtin_group("apps/v1beta1"));
        assert!(!is_builtin_group("metallb.io/v1beta1"));
    }
}
