//! What has to be read beside what checks read, so that something can be said of an object.

use crate::object::ObjectRef;

const RBAC: &str = "rbac.authorization.k8s.io/v1";
const STORAGE: &str = "storage.k8s.io/v1";
const ADMISSION: &str = "admissionregistration.k8s.io/v1";

/// Where a kind is read: in the namespace of the object, or in all.
enum Where {
    Here,
    Everywhere,
}

/// (kind that is asked about, what is read for it, where)
const ROWS: &[(&str, &str, &str, Where)] = &[
    ("StatefulSet", "apps/v1", "ControllerRevision", Where::Here),
    ("DaemonSet", "apps/v1", "ControllerRevision", Where::Here),
    ("Pod", "networking.k8s.io/v1", "NetworkPolicy", Where::Here),
    ("ServiceAccount", RBAC, "RoleBinding", Where::Everywhere),
    ("ServiceAccount", RBAC, "ClusterRoleBinding", Where::Everywhere),
    ("ServiceAccount", RBAC, "Role", Where::Here),
    ("ServiceAccount", RBAC, "ClusterRole", Where::Everywhere),
    ("Role", RBAC, "RoleBinding", Where::Here),
    ("ClusterRole", RBAC, "RoleBinding", Where::Everywhere),
    ("ClusterRole", RBAC, "ClusterRoleBinding", Where::Everywhere),
    ("RoleBinding", "v1", "ServiceAccount", Where::Everywhere),
    ("ClusterRoleBinding", "v1", "ServiceAccount", Where::Everywhere),
    ("PersistentVolume", STORAGE, "VolumeAttachment", Where::Everywhere),
    ("CSIDriver", STORAGE, "CSINode", Where::Everywhere),
    ("ValidatingAdmissionPolicy", ADMISSION, "ValidatingAdmissionPolicyBinding", Where::Everywhere),
    ("ValidatingAdmissionPolicyBinding", ADMISSION, "ValidatingAdmissionPolicy", Where::Everywhere),
];

/// What has to be read for an object before it is known.
pub(super) fn of_kind(object: &ObjectRef) -> Vec<ObjectRef> {
    let rows = ROWS.iter().filter(|(kind, ..)| *kind == object.kind);
    let mut found: Vec<ObjectRef> = rows
        .map(|(_, version, kind, place)| {
            let namespace = object.namespace.as_deref().filter(|_| matches!(place, Where::Here));
            ObjectRef::new(version, kind, namespace, "")
        })
        .collect();
    if object.kind == "Node" {
        found.push(ObjectRef::new("coordination.k8s.io/v1", "Lease", Some(super::node::LEASES), &object.name));
    }
    found
}

/// What has to be read once the object is known: its owners, and the role of a binding.
pub(super) fn of_live(live: &serde_json::Value) -> Vec<ObjectRef> {
    super::owners::owners(live).chain(super::access::role_of(live)).collect()
}
