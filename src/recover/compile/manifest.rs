//! Manifests of claims and volumes that are made again: from the live object, from what was kept, or rebuilt.

use serde_json::{Map, Value, json};

use crate::object::{ObjectRef, again, text};
use crate::plan::verb::{ORIGINAL_POLICY, REQUEUED};
use crate::recover::join::volume_ref;
use crate::snapshot::Snapshot;
use crate::snapshot::classes::{DEFAULT_MARKS, is_default};

/// Annotations by which the controllers, and a recovery, remember how a claim was bound.
const BINDING: [&str; 5] = [
    REQUEUED,
    "pv.kubernetes.io/",
    "volume.kubernetes.io/selected-node",
    "volume.kubernetes.io/storage-provisioner",
    "volume.beta.kubernetes.io/storage-provisioner",
];
/// The provisioner whose volumes can be rebuilt from the claim alone.
const LOCAL_PATH: &str = "rancher.io/local-path";

/// The claim, to be made again: bound to this volume, or to whichever is provisioned.
pub fn fresh_claim(claim: &Value, volume: Option<&str>) -> Value {
    let mut claim = again(claim);
    if let Some(annotations) = claim.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.retain(|key, _| !BINDING.iter().any(|binding| key.starts_with(binding)));
    }
    if let Some(spec) = claim["spec"].as_object_mut() {
        spec.shift_remove("volumeName");
    }
    if let Some(volume) = volume {
        claim["spec"]["volumeName"] = volume.into();
    }
    claim
}

/// A class, to be made again. Of two default classes the newer would serve claims that name none, so it is not marked as one where there
/// is another by now.
pub(super) fn class_for(class: &Value, snapshot: &Snapshot) -> Value {
    let mut class = again(class);
    let taken = snapshot.of_kind("storage.k8s.io", "StorageClass").any(is_default);
    if let Some(annotations) =
        class.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut).filter(|_| taken)
    {
        annotations.retain(|key, _| !DEFAULT_MARKS.contains(&key.as_str()));
    }
    class
}

/// A claim for a volume of whose claim nothing was kept: what the volume itself tells.
pub(super) fn claim_for(volume: &Value, claim: &ObjectRef) -> Value {
    let mut spec = Map::new();
    for key in ["accessModes", "volumeMode", "storageClassName"] {
        spec.extend(volume["spec"].get(key).map(|value| (key.to_owned(), value.clone())));
    }
    spec.insert("resources".to_owned(), json!({"requests": volume["spec"]["capacity"]}));
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": claim.name, "namespace": claim.namespace}, "spec": spec})
}

/// The volume, to be made again for this claim. With the uid of a claim that is there it is bound to it; without one it waits for the
/// next claim of that name. A volume with no claim at all, or with a name but the wrong uid, would be anybody's or nobody's.
pub(super) fn volume_for(volume: &Value, claim: &ObjectRef, uid: Option<&str>) -> Value {
    let mut made = again(volume);
    let policy = text(volume, "/spec/persistentVolumeReclaimPolicy").filter(|policy| *policy != "Retain");
    if let Some(policy) = policy {
        made["metadata"]["annotations"][ORIGINAL_POLICY] = policy.into();
    }
    made["spec"]["persistentVolumeReclaimPolicy"] = "Retain".into();
    let mut reference =
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": claim.namespace, "name": claim.name});
    if let Some(uid) = uid {
        reference["uid"] = uid.into();
    }
    made["spec"]["claimRef"] = reference;
    // A folder that is not there must be an error when a pod starts, not a new and empty folder.
    if made.pointer("/spec/hostPath/type").is_some_and(|kind| kind == "DirectoryOrCreate" || kind == "") {
        made["spec"]["hostPath"]["type"] = "Directory".into();
    }
    made
}

/// A volume of the local-path provisioner from its claim alone: it names volumes, folders and nodes by rule (`pvc-<uid>`, and
/// `<base>/<volume>_<namespace>_<claim>`; local-path-provisioner v0.0.26 to v0.0.37, provisioner.go).
///
/// # Errors
/// What is not known.
pub fn rebuilt_volume(snapshot: &Snapshot, claim: &Value) -> Result<Value, String> {
    let get =
        |pointer: &str, what: &str| text(claim, pointer).ok_or_else(|| format!("the claim does not tell its {what}"));
    let (namespace, name) = (get("/metadata/namespace", "namespace")?, get("/metadata/name", "name")?);
    let volume = get("/spec/volumeName", "volume")?;
    let class = get("/spec/storageClassName", "storage class")?;
    let annotation = |key: &str| claim["metadata"]["annotations"][key].as_str();
    let known = snapshot.get(&ObjectRef::new("storage.k8s.io/v1", "StorageClass", None, class));
    let provisioner = known.and_then(|class| text(class, "/provisioner"));
    let provisioner = provisioner.or_else(|| annotation("volume.kubernetes.io/storage-provisioner"));
    if provisioner != Some(LOCAL_PATH) {
        return Err(format!(
            "only volumes of {LOCAL_PATH} can be, and class {class} is of {}",
            provisioner.unwrap_or("an unknown provisioner")
        ));
    }
    let node = annotation("volume.kubernetes.io/selected-node").ok_or("the claim does not tell its node")?;
    let live = snapshot.get(&ObjectRef::new("v1", "Node", None, node));
    let host = live.and_then(|node| node["metadata"]["labels"]["kubernetes.io/hostname"].as_str()).unwrap_or(node);
    let base = base(snapshot, node)?;
    let capacity = claim.pointer("/status/capacity").or_else(|| claim.pointer("/spec/resources/requests"));
    let spec = json!({
        "capacity": capacity, "accessModes": claim["spec"]["accessModes"], "volumeMode": claim["spec"]["volumeMode"],
        "storageClassName": class, "persistentVolumeReclaimPolicy": "Delete",
        "hostPath": {"path": format!("{base}/{volume}_{namespace}_{name}"), "type": "DirectoryOrCreate"},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions":
            [{"key": "kubernetes.io/hostname", "operator": "In", "values": [host]}]}]}}});
    let annotations =
        json!({"pv.kubernetes.io/provisioned-by": LOCAL_PATH, "local.path.provisioner/selected-node": node});
    let made = volume_ref(volume);
    Ok(json!({"apiVersion": made.api_version, "kind": made.kind,
        "metadata": {"name": volume, "annotations": annotations}, "spec": spec}))
}

/// Where the provisioner makes folders on a node: the one path of the node's entry, or of the default one.
fn base(snapshot: &Snapshot, node: &str) -> Result<String, String> {
    let maps = snapshot.of_kind("", "ConfigMap").filter(|map| map["metadata"]["name"] == "local-path-config");
    let config = maps
        .filter_map(|map| map["data"]["config.json"].as_str())
        .find_map(|text| serde_json::from_str::<Value>(text).ok());
    let config = config.ok_or("the provisioner's ConfigMap local-path-config is not there, or cannot be read")?;
    let entries = crate::object::items(&config, "/nodePathMap").collect::<Vec<_>>();
    let entry = |name: &str| entries.iter().find(|entry| entry["node"] == name);
    let entry = entry(node).or_else(|| entry("DEFAULT_PATH_FOR_NON_LISTED_NODES"));
    let paths: Vec<&str> =
        entry.into_iter().flat_map(|entry| crate::object::items(entry, "/paths")).filter_map(Value::as_str).collect();
    match paths.as_slice() {
        [path] => Ok(path.trim_end_matches('/').to_owned()),
        [] => Err(format!("the provisioner has no path on node {node}")),
        paths => Err(format!("the provisioner has {} paths on node {node}: {}", paths.len(), paths.join(", "))),
    }
}
