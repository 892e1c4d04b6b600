//! Who makes the volumes of a class. Pure.
//!
//! A class names its provisioner by a word, and nothing leads from the word to the workload that answers to it: the workload is known by
//! that word among what its containers are told. local-path is told none unless it is to have another one (local-path-provisioner v0.0.30,
//! `main.go`), and is known by its image.

use serde_json::Value;

use crate::object::{ObjectRef, items, number, text};
use crate::snapshot::Snapshot;

/// The node on which the volume of a claim is to be made, as the scheduler says it.
pub const CHOSEN: &str = "volume.kubernetes.io/selected-node";
/// The class of static volumes: nobody makes any (Kubernetes documentation, "Storage Classes", Local).
pub const NOBODY: &str = "kubernetes.io/no-provisioner";
/// What local-path answers to unless it is told another name.
const LOCAL_PATH: &str = "rancher.io/local-path";
/// The name of its program, as its image has it.
const LOCAL_PATH_PROGRAM: &str = "local-path-provisioner";
/// The kinds of workloads in which provisioners run.
pub const KINDS: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];

/// Who makes volumes for a name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Maker<'a> {
    /// A workload that runs.
    Runs(&'a Value),
    /// A workload of which no pod is ready.
    Idle(&'a Value),
    /// None is there, and one would be known if it were.
    Absent,
    /// None is known.
    Unknown,
}

/// A reference to a class.
pub fn class_ref(name: &str) -> ObjectRef {
    ObjectRef::new("storage.k8s.io/v1", "StorageClass", None, name)
}

/// By whom a volume was made, who erases it, too (`pv.kubernetes.io/provisioned-by`).
pub fn made_by(volume: &Value) -> Option<&str> {
    volume["metadata"]["annotations"]["pv.kubernetes.io/provisioned-by"].as_str()
}

/// Who asked whom for the volume of a claim (`volume.kubernetes.io/storage-provisioner`, before Kubernetes 1.23 with `beta`).
pub fn asked(claim: &Value) -> Option<&str> {
    let of = |key: &str| claim["metadata"]["annotations"][key].as_str();
    of("volume.kubernetes.io/storage-provisioner").or_else(|| of("volume.beta.kubernetes.io/storage-provisioner"))
}

/// The node on which the volume of a claim is to be made.
pub fn chosen(claim: &Value) -> Option<&str> {
    claim["metadata"]["annotations"][CHOSEN].as_str()
}

/// Who makes the volumes of this provisioner.
pub fn maker<'a>(snapshot: &'a Snapshot, provisioner: &str) -> Maker<'a> {
    let workloads = KINDS.into_iter().flat_map(|kind| snapshot.of_kind("apps", kind));
    let found: Vec<&Value> = workloads.filter(|workload| makes(workload, provisioner)).collect();
    match found.iter().find(|workload| is_running(workload)).or_else(|| found.first()) {
        Some(workload) if is_running(workload) => Maker::Runs(workload),
        Some(workload) => Maker::Idle(workload),
        None if provisioner == LOCAL_PATH && !KINDS.iter().any(|kind| snapshot.is_unread(kind)) => Maker::Absent,
        None => Maker::Unknown,
    }
}

/// Whether a workload answers to the name of a provisioner.
pub fn makes(workload: &Value, provisioner: &str) -> bool {
    let is_told = |container: &Value| {
        let words = ["/command", "/args"].into_iter().flat_map(|part| items(container, part)).filter_map(Value::as_str);
        let named =
            |word: &str| word == provisioner || word.rsplit_once('=').is_some_and(|(_, name)| name == provisioner);
        words.map(named).chain(items(container, "/env").map(|it| text(it, "/value") == Some(provisioner))).any(|it| it)
    };
    let has_another_name = |container: &Value| {
        let mut words =
            ["/command", "/args"].into_iter().flat_map(|part| items(container, part)).filter_map(Value::as_str);
        words.any(|word| word.contains("-provisioner-name"))
            || items(container, "/env").any(|it| it["name"] == "PROVISIONER_NAME")
    };
    let is_usual = |container: &Value| {
        provisioner == LOCAL_PATH
            && text(container, "/image").is_some_and(|image| image.contains(LOCAL_PATH_PROGRAM))
            && !has_another_name(container)
    };
    items(workload, "/spec/template/spec/containers").any(|container| is_told(container) || is_usual(container))
}

fn is_running(workload: &Value) -> bool {
    let ready = number(workload, "/status/readyReplicas").or_else(|| number(workload, "/status/numberReady"));
    ready.unwrap_or(0) > 0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn workload(container: &Value, ready: i64) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "maker", "namespace": "s", "uid": "m"},
            "spec": {"replicas": 1, "template": {"spec": {"containers": [container]}}}, "status": {"readyReplicas": ready}})
    }

    #[test]
    fn a_provisioner_is_known_by_what_it_is_told_or_by_its_image() {
        let image = "rancher/local-path-provisioner:v0.0.30";
        let cases = [
            (json!({"image": image}), LOCAL_PATH, true),
            (json!({"image": image, "args": ["--provisioner-name=example.com/shared"]}), LOCAL_PATH, false),
            (json!({"image": image, "args": ["--provisioner-name=example.com/shared"]}), "example.com/shared", true),
            (
                json!({"image": image, "command": ["start", "--provisioner-name", "example.com/shared"]}),
                "example.com/shared",
                true,
            ),
            (
                json!({"image": image, "env": [{"name": "PROVISIONER_NAME", "value": "example.com/x"}]}),
                LOCAL_PATH,
                false,
            ),
            (
                json!({"image": "nfs", "env": [{"name": "PROVISIONER_NAME", "value": "example.com/x"}]}),
                "example.com/x",
                true,
            ),
            (json!({"image": "driver", "args": ["--drivername=ebs.csi.aws.com"]}), "ebs.csi.aws.com", true),
            (json!({"image": "driver"}), "ebs.csi.aws.com", false),
        ];
        for (container, provisioner, expected) in cases {
            assert_eq!(makes(&workload(&container, 1), provisioner), expected, "{container} {provisioner}");
        }
    }

    #[test]
    fn what_may_not_be_seen_is_not_absent() {
        let mut snapshot = Snapshot::default();
        assert_eq!(maker(&snapshot, LOCAL_PATH), Maker::Absent);
        assert_eq!(maker(&snapshot, "ebs.csi.aws.com"), Maker::Unknown, "it may run under a name that tells nothing");
        let unread = crate::snapshot::Unread { kind: "Deployment".into(), namespace: None, why: "forbidden".into() };
        snapshot.unread.push(unread);
        assert_eq!(maker(&snapshot, LOCAL_PATH), Maker::Unknown);
        let idle = workload(&json!({"image": LOCAL_PATH_PROGRAM}), 0);
        snapshot.insert(idle.clone());
        assert_eq!(maker(&snapshot, LOCAL_PATH), Maker::Idle(&idle));
    }
}
