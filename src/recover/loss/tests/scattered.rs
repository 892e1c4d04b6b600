//! A volume that is another folder on every node, and what only looks so.

use super::*;

/// The healthy cluster with a volume that is tied to no node.
fn untied() -> Vec<Value> {
    let mut objects = healthy();
    change(&mut objects, "PersistentVolume", "/spec/nodeAffinity", Value::Null);
    objects
}

fn on(node: &str, (files, root): (u64, u64), kind: &str) -> (Files, Disk) {
    let disk = Disk {
        pod: format!("web-on-{node}"),
        node: node.to_owned(),
        path: "/data".to_owned(),
        kind: Some(kind.to_owned()),
        ..Disk::default()
    };
    (Files::Counted { files, root }, disk)
}

fn seen(objects: &[Value], per_node: &[(Files, Disk)]) -> Sighting {
    Sighting { per_node: [(claim_ref("n", "c"), per_node.to_vec())].into(), ..sighting(objects) }
}

#[test]
fn folders_of_two_nodes_are_told_from_one_that_both_have() {
    let two = [on("a", (12, 7), "ext4"), on("b", (0, 8), "ext4")];
    let losses = recognise(&seen(&untied(), &two));
    assert_eq!(
        losses.iter().map(|loss| (loss.kind, loss.certain)).collect::<Vec<_>>(),
        [(LossKind::VolumeScattered, true)]
    );
    let facts = losses[0].facts.join("\n");
    for words in ["nothing ties the volume to a node", "on a (/data in web-on-a)", "12 files", "on b", "0 files"] {
        assert!(facts.contains(words), "{words}: {facts}");
    }
    // One node has the share mounted, and the other has not: it writes below the mount point.
    let unmounted = [on("a", (12, 7), "nfs4"), on("b", (1, 8), "xfs")];
    assert_eq!(found(&seen(&untied(), &unmounted)), [(LossKind::VolumeScattered, true)]);
    for (same, why) in [
        ([on("a", (12, 7), "ext4"), on("b", (12, 7), "ext4")], "the same folder of the host, while somebody writes"),
        ([on("a", (12, 7), "nfs4"), on("b", (11, 7), "nfs4")], "the same share"),
        ([on("a", (12, 7), "cifs"), on("b", (12, 8), "fuse.rclone")], "inodes that were made up"),
        ([on("a", (0, 7), "ext4"), on("b", (0, 8), "ext4")], "nothing was written yet"),
    ] {
        assert_eq!(found(&seen(&untied(), &same)), [], "{why}");
    }
    assert_eq!(found(&seen(&untied(), &two[..1])), [], "only one node uses it");
    assert_eq!(found(&seen(&healthy(), &two)), [], "it is tied to a node");
    let unknown = (Files::Unknown { why: "no shell".to_owned() }, Disk::default());
    assert_eq!(found(&seen(&untied(), &[two[0].clone(), unknown])), [], "who cannot tell is no fact");
}

/// The pod that was asked first runs on the node with the empty folder: by the record it would be an emptied volume.
#[test]
fn what_is_on_another_node_was_not_erased() {
    let mut sighting = seen(&untied(), &[on("b", (0, 8), "ext4"), on("a", (40, 7), "ext4")]);
    sighting.records = vec![record(40, 7)];
    sighting.files = [(claim_ref("n", "c"), Files::Counted { files: 0, root: 8 })].into();
    assert_eq!(found(&sighting), [(LossKind::VolumeScattered, true)]);
    sighting.per_node.clear();
    assert_eq!(found(&sighting), [(LossKind::VolumeEmptied, true)]);
}
