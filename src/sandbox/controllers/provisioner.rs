//! local-path: makes a directory on the chosen node for a claim, and a volume that leads there.

use serde_json::{Value, json};

use crate::object::text;
use crate::sandbox::containers::is_ready;
use crate::sandbox::defaults;
use crate::sandbox::disks::Disks;
use crate::sandbox::harbour::{PROVISIONER, STORAGE};
use crate::sandbox::store::read_time;
use crate::sandbox::world::World;

const BY: &str = "persistentvolume-controller";
/// How long it takes to make a directory, in seconds: a helper pod has to start.
const CREATION: i64 = 2;

/// Whether the provisioner runs: without its pod nothing is made and nothing deleted.
pub(super) fn is_there(world: &World) -> bool {
    let ours = |pod: &&Value| {
        pod["metadata"]["namespace"] == STORAGE && pod["metadata"]["labels"]["app"] == "local-path-provisioner"
    };
    !world.suffers("provisioner-away", "") && world.store.all("Pod").any(|pod| ours(&pod) && is_ready(pod))
}

/// Asks for a volume: the controller names who is to make it, then waits.
pub(super) fn provision(world: &mut World, claim: &Value, class: &Value) {
    let provisioner = text(class, "/provisioner").unwrap_or_default();
    if provisioner == "kubernetes.io/no-provisioner" {
        return;
    }
    let mut claim = claim.clone();
    for key in ["volume.beta.kubernetes.io/storage-provisioner", "volume.kubernetes.io/storage-provisioner"] {
        claim["metadata"]["annotations"][key] = provisioner.into();
    }
    let claim = world.put(claim);
    let message = format!(
        "Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered."
    );
    let asked = world
        .store
        .all("Event")
        .find(|event| {
            event["involvedObject"]["uid"] == claim["metadata"]["uid"] && event["reason"] == "ExternalProvisioning"
        })
        .cloned();
    let Some(asked) = asked else { return world.event(&claim, ("Normal", "ExternalProvisioning"), &message, BY) };
    let since = read_time(&asked, "/firstTimestamp").unwrap_or(world.now);
    if provisioner == PROVISIONER && is_there(world) && world.is_since(since, CREATION) {
        make(world, &claim, class);
    }
}

/// What [`provision`] has asked for is made.
pub(super) fn run(world: &mut World) {
    // Telling who works on a claim is the provisioner's own.
    for claim in world.all("PersistentVolumeClaim") {
        let asked = claim["metadata"]["annotations"]["volume.kubernetes.io/storage-provisioner"] == PROVISIONER;
        if asked
            && claim["status"]["phase"] == "Pending"
            && claim["spec"].get("volumeName").is_none()
            && is_there(world)
        {
            let namespace = text(&claim, "/metadata/namespace").unwrap_or_default();
            let message = format!(
                "External provisioner is provisioning volume for claim \"{namespace}/{}\"",
                text(&claim, "/metadata/name").unwrap_or_default()
            );
            if !world.store.all("Event").any(|event| {
                event["involvedObject"]["uid"] == claim["metadata"]["uid"] && event["reason"] == "Provisioning"
            }) {
                world.event(&claim, ("Normal", "Provisioning"), &message, PROVISIONER);
            }
        }
    }
}

fn make(world: &mut World, claim: &Value, class: &Value) {
    let part = |pointer| text(claim, pointer).unwrap_or_default().to_owned();
    let (namespace, name) = (part("/metadata/namespace"), part("/metadata/name"));
    let volume = format!("pvc-{}", part("/metadata/uid"));
    let chosen = part("/metadata/annotations/volume.kubernetes.io~1selected-node");
    let first =
        || world.store.all("Node").next().and_then(|node| text(node, "/metadata/name")).unwrap_or_default().to_owned();
    let node = if chosen.is_empty() { first() } else { chosen };
    let mut object = json!({"apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {"name": volume, "annotations": {"local.path.provisioner/selected-node": node, "pv.kubernetes.io/provisioned-by": PROVISIONER}},
        "spec": {"accessModes": claim["spec"]["accessModes"], "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": name, "namespace": namespace,
                "uid": claim["metadata"]["uid"], "resourceVersion": claim["metadata"]["resourceVersion"]},
            "hostPath": {"path": format!("/opt/local-path-provisioner/{volume}_{namespace}_{name}"), "type": "DirectoryOrCreate"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}]}},
            "persistentVolumeReclaimPolicy": class["reclaimPolicy"], "storageClassName": class["metadata"]["name"]}});
    defaults::complete(&mut object, None, world);
    world.disks.make(&Disks::place(&object));
    world.put(object);
    world.event(
        claim,
        ("Normal", "ProvisioningSucceeded"),
        &format!("Successfully provisioned volume {volume}"),
        PROVISIONER,
    );
}
