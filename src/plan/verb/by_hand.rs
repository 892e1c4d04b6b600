//! The commands of verbs that take more than one: a pod is made for what needs one, what is copied ends on the machine of whoever types, and
//! nothing stays behind.

use std::path::Path;

use serde_json::{Value, json};

use super::words::named;
use super::{COPYING_IN, Seed};
use crate::engine::rescue::copy::archive::Paths;
use crate::object::ObjectRef;

/// The image of a pod that copies where none is named.
const IMAGE: &str = "busybox";
/// Where such a pod has the volume.
const PATH: &str = "/data";
/// A pod that is forgotten ends by itself, seconds.
const SLEEP: &str = "21600";

fn namespace(object: &ObjectRef) -> &str {
    object.namespace.as_deref().unwrap_or("default")
}

/// In one line: whatever it is indented by, it can be pasted.
pub(super) fn create(object: &Value) -> String {
    format!("echo '{}' | kubectl create -f -", object.to_string().replace('\'', r"'\''"))
}

fn archive(folder: &str, claim: &ObjectRef) -> String {
    Paths::of(Path::new(folder), claim).tar.display().to_string()
}

/// A pod that has a claim's volume, what is done in it, and its end.
fn in_a_pod(claim: &ObjectRef, (image, read_only): (Option<&str>, bool), does: impl FnOnce(&str) -> String) -> String {
    let (namespace, pod) = (namespace(claim), format!("copy-{}", claim.name));
    let object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": pod, "namespace": namespace},
        "spec": {"restartPolicy": "Never",
            "containers": [{"name": "copy", "image": image.unwrap_or(IMAGE), "command": ["sleep", SLEEP],
                "volumeMounts": [{"name": "data", "mountPath": PATH, "readOnly": read_only}]}],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim.name}}]}});
    [
        create(&object),
        format!("kubectl wait -n {namespace} pod/{pod} --for=condition=Ready --timeout=5m"),
        does(&format!("-n {namespace} {pod}")),
        format!("kubectl delete pod -n {namespace} {pod}"),
    ]
    .join("\n")
}

pub(super) fn copy_out(claim: &ObjectRef, folder: &str, image: Option<&str>) -> String {
    let file = archive(folder, claim);
    in_a_pod(claim, (image, true), |pod| {
        format!(
            "mkdir -p {folder}\nkubectl exec {pod} -- tar -cf - -C {PATH} --numeric-owner . > {file}\ntar -tf {file} | wc -l"
        )
    })
}

pub(super) fn copy_in(claim: &ObjectRef, folder: &str, image: Option<&str>) -> String {
    let file = archive(folder, claim);
    in_a_pod(claim, (image, false), |pod| {
        format!(
            "kubectl exec -i {pod} -- tar -xpf - -C {PATH} --numeric-owner < {file}\nkubectl exec {pod} -- find {PATH} -xdev -type f | wc -l"
        )
    }) + &format!("\nkubectl annotate {} {COPYING_IN}-", named(claim))
}

/// Asked in a pod that runs with the claim: it is named by who uses it.
pub(super) fn count(claim: &ObjectRef) -> String {
    let namespace = namespace(claim);
    format!(
        "kubectl describe pvc -n {namespace} {} | grep -A1 'Used By'    # POD; PATH is where it has the claim mounted\nkubectl exec -n {namespace} POD -- find PATH -xdev -type f | wc -l",
        claim.name
    )
}

/// Images of etcd have neither a shell nor `tar`: the snapshot is taken over a forward, by `etcdctl` of this machine.
pub(super) fn snapshot(set: &ObjectRef, pod: &str, file: &str) -> String {
    format!(
        "kubectl port-forward -n {} pod/{pod} 2379:2379 & FORWARD=$!\nsleep 3\netcdctl --endpoints=http://127.0.0.1:2379 snapshot save {file}\nkill $FORWARD",
        namespace(set)
    )
}

/// A pod with the claim, into which the snapshot is brought before etcd's own program makes the data of it.
pub(super) fn seed(seed: &Seed) -> String {
    const INTO: &str = "/seed/snapshot.db";
    let (namespace, pod) = (namespace(&seed.claim), format!("seed-{}", seed.pod));
    let program: Vec<String> = std::iter::once("etcdutl".to_owned()).chain(seed.arguments(INTO)).collect();
    let waits = "until [ -e /seed/done ]; do sleep 1; done";
    let own = json!({"name": "seed", "mountPath": "/seed"});
    let object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": pod, "namespace": namespace},
        "spec": {"restartPolicy": "Never",
            "initContainers": [{"name": "take", "image": seed.image.as_deref().unwrap_or(IMAGE), "command": ["sh", "-c", waits], "volumeMounts": [own]}],
            "containers": [{"name": "restore", "image": "IMAGE-OF-THE-ETCD", "command": program,
                "volumeMounts": [own, {"name": "data", "mountPath": seed.birth.mount}]}],
            "volumes": [{"name": "seed", "emptyDir": {}}, {"name": "data", "persistentVolumeClaim": {"claimName": seed.claim.name}}]}});
    [
        create(&object),
        format!(
            "until kubectl exec -i -n {namespace} {pod} -c take -- sh -c 'cat > {INTO} && touch /seed/done' < {}; do sleep 2; done",
            seed.file
        ),
        format!("kubectl wait -n {namespace} pod/{pod} --for=jsonpath='{{.status.phase}}'=Succeeded --timeout=5m"),
        format!("kubectl delete pod -n {namespace} {pod}"),
    ]
    .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim() -> ObjectRef {
        ObjectRef::new("v1", "PersistentVolumeClaim", Some("shop"), "data")
    }

    #[test]
    fn a_copy_has_a_pod_that_is_made_for_it_and_goes_again() {
        let said = copy_out(&claim(), "here/data", None);
        let lines: Vec<&str> = said.lines().collect();
        assert!(lines[0].ends_with("| kubectl create -f -") && lines[0].contains(r#""claimName":"data""#), "{said}");
        assert!(
            said.contains("exec -n shop copy-data -- tar -cf - -C /data --numeric-owner . > here/data/shop.data.tar"),
            "{said}"
        );
        assert!(said.ends_with("kubectl delete pod -n shop copy-data"), "{said}");
        let back = copy_in(&claim(), "here/data", Some("alpine"));
        assert!(
            back.contains("-i -n shop copy-data -- tar -xpf") && back.contains("< here/data/shop.data.tar"),
            "{back}"
        );
        assert!(back.contains(r#""image":"alpine""#) && back.contains(r#""readOnly":false"#), "{back}");
    }

    #[test]
    fn a_snapshot_ends_on_this_machine() {
        let set = ObjectRef::new("apps/v1", "StatefulSet", Some("shop"), "db");
        let said = snapshot(&set, "db-0", "here/db.db");
        assert!(
            said.contains("pod/db-0 2379:2379") && said.contains("127.0.0.1:2379 snapshot save here/db.db"),
            "{said}"
        );
    }
}
