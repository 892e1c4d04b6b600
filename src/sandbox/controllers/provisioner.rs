//! local-path: makes a directory on the chosen node for a claim, and a volume that leads there. The same program may run a second
//! time under another name, with a folder that all nodes share (`assets/shared-path`).

use serde_json::{Value, json};

use crate::object::{items, text};
use crate::prerequisites::shared_path;
use crate::sandbox::containers::is_ready;
use crate::sandbox::defaults;
use crate::sandbox::disks::Disks;
use crate::sandbox::harbour::{PROVISIONER, STORAGE};
use crate::sandbox::store::read_time;
use crate::sandbox::world::World;

const BY: &str = "persistentvolume-controller";
/// How long it takes to make a directory, in seconds: a helper pod has to start.
const CREATION: i64 = 2;

/// Those that make volumes here.
const PROVISIONERS: [&str; 2] = [PROVISIONER, shared_path::PROVISIONER];

/// Whether a provisioner runs: without its pod nothing is made and nothing deleted.
pub(super) fn is_there(world: &World, provisioner: &str) -> bool {
    let of_the_cluster = |pod: &Value| {
        pod["metadata"]["namespace"] == STORAGE && pod["metadata"]["labels"]["app"] == "local-path-provisioner"
    };
    let shares = |pod: &Value| {
        items(pod, "/spec/containers").any(|container| items(container, "/command").any(|word| word == provisioner))
    };
    let runs = |pod: &Value| match provisioner {
        PROVISIONER => of_the_cluster(pod),
        shared_path::PROVISIONER => shares(pod),
        _ => false,
    };
    !world.suffers("provisioner-away", "") && world.store.all("Pod").any(|pod| runs(pod) && is_ready(pod))
}

/// What the program says of a claim for which it makes nothing (local-path-provisioner v0.0.30, as recorded in
/// `tests/fixtures/stall/claim-modes.json`).
fn refusal(provisioner: &str, claim: &Value, class: &Value) -> Option<String> {
    let one_node = |mode: &Value| mode == "ReadWriteOnce" || mode == "ReadWriteOncePod";
    let refused = provisioner == PROVISIONER && !items(claim, "/spec/accessModes").all(one_node);
    refused.then(|| {
        format!(
            "failed to provision volume with StorageClass \"{}\": NodePath only supports ReadWriteOnce and ReadWriteOncePod (1.22+) access modes",
            text(class, "/metadata/name").unwrap_or_default()
        )
    })
}

/// On a node that is not there nothing is made, and nobody takes the choice back (sig-storage-lib-external-provisioner v11,
/// `controller.go`, `getProvisionedVolumeNode`).
fn no_node(world: &World, claim: &Value) -> Option<String> {
    let node = text(claim, "/metadata/annotations/volume.kubernetes.io~1selected-node")?;
    let is_there = world.find("Node", None, node).is_some();
    (!is_there).then(|| format!("failed to get target node: nodes \"{node}\" not found"))
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
    if !is_there(world, provisioner) || !world.is_since(since, CREATION) {
        return;
    }
    match refusal(provisioner, &claim, class).or_else(|| no_node(world, &claim)) {
        Some(why) => world.event(&claim, ("Warning", "ProvisioningFailed"), &why, provisioner),
        None => make(world, &claim, class, provisioner),
    }
}

/// What [`provision`] has asked for is made.
pub(super) fn run(world: &mut World) {
    // Telling who works on a claim is the provisioner's own.
    for claim in world.all("PersistentVolumeClaim") {
        let asked = text(&claim, "/metadata/annotations/volume.kubernetes.io~1storage-provisioner");
        let Some(provisioner) = PROVISIONERS.into_iter().find(|known| asked == Some(known)) else { continue };
        if claim["status"]["phase"] == "Pending"
            && claim["spec"].get("volumeName").is_none()
            && is_there(world, provisioner)
        {
            let namespace = text(&claim, "/metadata/namespace").unwrap_or_default();
            let message = format!(
                "External provisioner is provisioning volume for claim \"{namespace}/{}\"",
                text(&claim, "/metadata/name").unwrap_or_default()
            );
            if !world.store.all("Event").any(|event| {
                event["involvedObject"]["uid"] == claim["metadata"]["uid"] && event["reason"] == "Provisioning"
            }) {
                world.event(&claim, ("Normal", "Provisioning"), &message, provisioner);
            }
        }
    }
}

fn make(world: &mut World, claim: &Value, class: &Value, provisioner: &str) {
    let part = |pointer| text(claim, pointer).unwrap_or_default().to_owned();
    let (namespace, name) = (part("/metadata/namespace"), part("/metadata/name"));
    let volume = format!("pvc-{}", part("/metadata/uid"));
    let chosen = part("/metadata/annotations/volume.kubernetes.io~1selected-node");
    let first =
        || world.store.all("Node").next().and_then(|node| text(node, "/metadata/name")).unwrap_or_default().to_owned();
    let node = if chosen.is_empty() { first() } else { chosen };
    let shares = provisioner == shared_path::PROVISIONER;
    let base = if shares { shared_path::FOLDER } else { "/opt/local-path-provisioner" };
    let mut object = json!({"apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {"name": volume, "annotations": {"local.path.provisioner/selected-node": node, "pv.kubernetes.io/provisioned-by": provisioner}},
        "spec": {"accessModes": claim["spec"]["accessModes"], "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": name, "namespace": namespace,
                "uid": claim["metadata"]["uid"], "resourceVersion": claim["metadata"]["resourceVersion"]},
            "hostPath": {"path": format!("{base}/{volume}_{namespace}_{name}"), "type": "DirectoryOrCreate"},
            "persistentVolumeReclaimPolicy": class["reclaimPolicy"], "storageClassName": class["metadata"]["name"]}});
    if !shares {
        object["spec"]["nodeAffinity"] = json!({"required": {"nodeSelectorTerms": [{"matchExpressions":
            [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}]}});
    }
    defaults::complete(&mut object, None, world);
    world.disks.make(&Disks::place(&object));
    world.put(object);
    world.event(
        claim,
        ("Normal", "ProvisioningSucceeded"),
        &format!("Successfully provisioned volume {volume}"),
        provisioner,
    );
}
