//! Claims, volumes, classes and attachments.

use serde_json::Value;

use super::case::{Case, Said, Trouble, counted, some, words};
use crate::engine::ready::judge::{Readiness, consumers, judge};
use crate::object::{ObjectRef, text};

/// A claim.
pub(super) fn claim(case: &Case<'_>) -> Said {
    let phase = case.text("/status/phase").unwrap_or("no phase yet");
    let size = case.text("/status/capacity/storage").or_else(|| case.text("/spec/resources/requests/storage"));
    let size = size.map(|size| format!(", {size}")).unwrap_or_default();
    let modes: Vec<&str> = case.items("/spec/accessModes").filter_map(Value::as_str).collect();
    let class =
        case.text("/spec/storageClassName").map_or_else(|| ", no class".to_owned(), |class| format!(", class {class}"));
    // A claim that waits for its first pod is as ready as it can be.
    let waits = match judge(case.live, case.snapshot()) {
        Readiness::Ready { note: Some(note) } | Readiness::Waiting { progress: note } => format!(": {note}"),
        _ => String::new(),
    };
    let users: Vec<String> = consumers(case.object, case.snapshot())
        .filter_map(|pod| {
            let node = text(pod, "/spec/nodeName").map(|node| format!(" on {node}")).unwrap_or_default();
            Some(format!("pod {}{node}", text(pod, "/metadata/name")?))
        })
        .collect();
    let unused = users.is_empty().then(|| "no pod that is there".to_owned());
    let asked = case.text("/spec/resources/requests/storage");
    let has = case.text("/status/capacity/storage");
    let growing = asked.zip(has).filter(|(asked, has)| !crate::stack::quantity::equal(asked, has));
    let growing = growing.map(|(asked, has)| format!("asks for {asked} and has {has}"));
    let volume = case.text("/spec/volumeName").map(|name| ObjectRef::new("v1", "PersistentVolume", None, name));
    let lost = volume.as_ref().filter(|volume| case.lacks(volume)).map(|volume| {
        Trouble::new(format!("its volume {} is not there", volume.name))
            .fix("`seaworthy recover` says what can be done.")
    });
    let node = volume.as_ref().and_then(|volume| case.snapshot().get(volume)).and_then(placed);
    let volume = volume.map(|volume| format!("{}{}", volume.name, node.unwrap_or_default()));
    Said::new(format!("{phase}{size}{class}{waits}"))
        .amiss("size", growing)
        .note("used by", (!users.is_empty()).then(|| some(&users)).or(unused))
        .note("volume", volume)
        .note("modes", (!modes.is_empty()).then(|| modes.join(", ")))
        .wrong(lost)
}

/// The node that a volume is on.
fn placed(volume: &Value) -> Option<String> {
    let nodes: Vec<&str> = crate::doctor::checks::volumes::nodes_of(volume).collect();
    (!nodes.is_empty()).then(|| format!(", only on {}", some(&nodes)))
}

/// A volume.
pub(super) fn volume(case: &Case<'_>) -> Said {
    let phase = case.text("/status/phase").unwrap_or("no phase yet");
    let size = case.text("/spec/capacity/storage").map(|size| format!(", {size}")).unwrap_or_default();
    let class = case.text("/spec/storageClassName").map(|class| format!(", class {class}")).unwrap_or_default();
    let policy = case.text("/spec/persistentVolumeReclaimPolicy").unwrap_or("Retain");
    let policy = format!(", {policy} when its claim goes");
    let claim = case
        .text("/spec/claimRef/name")
        .map(|name| ObjectRef::new("v1", "PersistentVolumeClaim", case.text("/spec/claimRef/namespace"), name));
    let is_lost = claim.as_ref().is_some_and(|claim| case.lacks(claim));
    let claim = claim.map(|claim| if is_lost { format!("{claim}, which is not there") } else { claim.to_string() });
    let said = Said::new(format!("{phase}{size}{class}{policy}"));
    let said = if is_lost { said.amiss("claim", claim) } else { said.note("claim", claim) };
    let driver = case.text("/spec/csi/driver").map(|driver| format!("CSI driver {driver}"));
    let path = ["/spec/local/path", "/spec/hostPath/path", "/spec/nfs/path"].into_iter().find_map(|at| case.text(at));
    let place = path.map(|path| format!("the folder {path}{}", placed(case.live).unwrap_or_default()));
    let told = case.text("/status/message").or_else(|| case.text("/status/reason")).map(str::to_owned);
    said.amiss("told", told).note("where", driver.or(place)).note("attached", attachments(case))
}

/// Where a volume is attached, where that was read.
fn attachments(case: &Case<'_>) -> Option<String> {
    let all = case.snapshot().of_kind("storage.k8s.io", "VolumeAttachment");
    let own = all.filter(|one| text(one, "/spec/source/persistentVolumeName") == Some(&case.object.name));
    let nodes: Vec<String> = own
        .map(|one| {
            let node = text(one, "/spec/nodeName").unwrap_or_default();
            let word = if one["status"]["attached"] == true { "to" } else { "not yet to" };
            format!("{word} {node}")
        })
        .collect();
    (!nodes.is_empty()).then(|| some(&nodes))
}

/// A `StorageClass`.
pub(super) fn class(case: &Case<'_>) -> Said {
    let default = case.live["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] == "true";
    let default = if default { "the default, " } else { "" };
    let provisioner = case.text("/provisioner").unwrap_or("nobody");
    let mode = match case.text("/volumeBindingMode") {
        Some("WaitForFirstConsumer") => "at the first use",
        _ => "at once",
    };
    let claims: Vec<&Value> = case
        .snapshot()
        .of_kind("", "PersistentVolumeClaim")
        .filter(|claim| text(claim, "/spec/storageClassName") == Some(&case.object.name))
        .collect();
    let unbound = claims.iter().filter(|claim| text(claim, "/status/phase") == Some("Pending")).count();
    let unbound = (unbound > 0).then(|| format!("{} not bound", counted(unbound, "claim")));
    let policy = case.text("/reclaimPolicy").unwrap_or("Delete");
    let grows = if case.live["allowVolumeExpansion"] == true { "volumes can grow" } else { "volumes cannot grow" };
    Said::new(format!("{default}provisioned by {provisioner}, bound {mode}, {}", counted(claims.len(), "claim")))
        .amiss("claims", unbound)
        .note("volumes", format!("{policy} when their claim goes; {grows}"))
}

/// A `VolumeAttachment`.
pub(super) fn attachment(case: &Case<'_>) -> Said {
    let node = case.text("/spec/nodeName").unwrap_or_default();
    let volume = case.text("/spec/source/persistentVolumeName").unwrap_or("a volume of a pod");
    let attached = case.live["status"]["attached"] == true;
    let state = if attached {
        format!("{volume} is attached to {node}")
    } else {
        format!("{volume} is not attached to {node} yet")
    };
    let error = |field: &str| case.text(&format!("/status/{field}/message"));
    let attacher = case.text("/spec/attacher").map(|by| format!("by {by}"));
    let lost = ObjectRef::new("v1", "Node", None, node);
    let gone = case.lacks(&lost).then(|| {
        Trouble::new(format!("the node {node} is not there any more, and the volume counts as attached to it"))
            .fix(format!("When the machine is surely off: `kubectl delete volumeattachment {}`.", case.object.name))
    });
    let failed = error("attachError").map(|why| Trouble::new(format!("{volume} cannot be attached to {node}: {why}")));
    let held = error("detachError").map(|why| Trouble::new(format!("{volume} cannot be detached from {node}: {why}")));
    Said::new(state)
        .note("attacher", attacher)
        .wrong(gone)
        .wrong(failed.or(held).map(|trouble| trouble.fix("Look after the CSI driver on that node and its controller.")))
}

/// A CSI driver: on which nodes it is.
pub(super) fn driver(case: &Case<'_>) -> Said {
    let nodes = case.snapshot().of_kind("storage.k8s.io", "CSINode");
    let has = nodes
        .filter(|node| crate::object::items(node, "/spec/drivers").any(|one| one["name"] == case.object.name.as_str()));
    let has = has.count();
    let state = match (has, case.evidence.gap("Node")) {
        (0, _) => "on no node that told so".to_owned(),
        (has, None) => format!("on {has} of {}", counted(case.snapshot().of_kind("", "Node").count(), "node")),
        (has, Some(_)) => format!("on {}", counted(has, "node")),
    };
    let attach = case.live["spec"]["attachRequired"] != false;
    Said::new(state).note("attach", (!attach).then(|| "its volumes need not be attached".to_owned()))
}

/// What the CSI drivers of a node are.
pub(super) fn csi_node(case: &Case<'_>) -> Said {
    let names: Vec<&str> = case.items("/spec/drivers").filter_map(|driver| text(driver, "/name")).collect();
    Said::new(if names.is_empty() { "no CSI driver".to_owned() } else { format!("CSI drivers: {}", some(&names)) })
}

/// A snapshot of a volume, or its content, whose controller tells it in a way of its own.
pub(super) fn volume_snapshot(case: &Case<'_>) -> Said {
    let ready = case.live["status"]["readyToUse"] == true;
    let state = if ready { "ready to use" } else { "not ready to use yet" };
    let of = case.text("/spec/source/persistentVolumeClaimName").map(|claim| format!("PersistentVolumeClaim/{claim}"));
    let error = case.live.pointer("/status/error").map(words).filter(|words| !words.is_empty());
    Said::new(state).note("source", of).wrong(error.map(|why| Trouble::new(format!("the snapshot failed: {why}"))))
}
