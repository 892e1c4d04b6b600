//! What a simulated container is: its status in a pod, what it writes to its log, and what it asks of its node.

use serde_json::Value;

use super::world::World;
use super::{etcd, place_of};
use crate::engine::rescue::copy::SLEEP;
use crate::object::{has_ended, is_true, items, text};

/// The status of a container, or init container, of a pod.
pub(super) fn status<'a>(pod: &'a Value, container: &str) -> Option<&'a Value> {
    let all = items(pod, "/status/containerStatuses").chain(items(pod, "/status/initContainerStatuses"));
    all.into_iter().find(|status| status["name"] == container)
}

/// Whether a pod is ready in which an image runs whose name holds this: the controllers that were installed, and not those that
/// every cluster has.
pub(super) fn runs_image(world: &World, part: &str) -> bool {
    let holds = |container: &Value| text(container, "/image").is_some_and(|image| image.contains(part));
    world.store.all("Pod").any(|pod| is_ready(pod) && items(pod, "/spec/containers").any(holds))
}

/// The last line of a container that crashes.
pub(super) const LAST_WORDS: &str = "fatal: the sandbox was told to let this container crash";

/// The lines of its log: when it was started, what its stack says of it, and how it ended. A simulated container does nothing,
/// and so says nothing else.
pub(super) fn log(world: &World, pod: &Value, container: &str) -> Vec<String> {
    let Some(status) = status(pod, container) else { return Vec::new() };
    let ended = |state: &Value| {
        let code = state["terminated"]["exitCode"].as_i64()?;
        let words = || etcd::last_words(world, pod, container).unwrap_or_else(|| LAST_WORDS.to_owned());
        Some(if code == 0 { "done".to_owned() } else { words() })
    };
    let image = text(status, "/image").unwrap_or_default();
    let mut lines = vec![format!("sandbox: container {container} of image {image} started; nothing runs in it")];
    lines.extend(promised(world, pod).iter().cloned());
    lines.extend(refused(world, pod, container));
    lines.extend(etcd::complaint(world, pod, container));
    lines.extend(ended(&status["state"]).or_else(|| ended(&status["lastState"])));
    lines
}

/// What a container says of each folder that it could not write to.
fn refused(world: &World, pod: &Value, container: &str) -> Vec<String> {
    let it = items(pod, "/spec/containers").find(|it| it["name"] == container);
    let folders = it.map(|it| folders(world, pod, it)).unwrap_or_default();
    let said = |(path, place): (&str, String)| {
        Some(format!("write {path}/{container}.log: {}", world.disk_refuses(&place)?.said()))
    };
    folders.into_iter().filter_map(said).collect()
}

/// What the stack that a pod belongs to says of this component's log.
fn promised<'a>(world: &'a World, pod: &Value) -> &'a [String] {
    let component = text(pod, "/metadata/labels/app.kubernetes.io~1component");
    let lines = || world.logs.get(text(pod, "/metadata/namespace")?)?.get(component?);
    lines().map_or(&[], Vec::as_slice)
}

/// The folders on disks that a container has mounted by claims: where, and which.
pub(super) fn folders<'a>(world: &'a World, pod: &'a Value, container: &'a Value) -> Vec<(&'a str, String)> {
    let of = |mount: &'a Value| {
        let volume = items(pod, "/spec/volumes").find(|volume| volume["name"] == mount["name"])?;
        let claim = text(volume, "/persistentVolumeClaim/claimName")?;
        Some((text(mount, "/mountPath")?, place_of(world, text(pod, "/metadata/namespace")?, claim)?))
    };
    items(container, "/volumeMounts").filter_map(of).collect()
}

/// The folder that a pod has for itself (`emptyDir`), as a container has it mounted at a path.
pub(super) fn own_folder(pod: &Value, container: &Value, path: &str) -> Option<String> {
    let mount = items(container, "/volumeMounts").find(|mount| mount["mountPath"] == path)?;
    let volume = items(pod, "/spec/volumes").find(|volume| volume["name"] == mount["name"])?;
    volume.get("emptyDir")?;
    Some(format!("{}{}", own_folders(pod), text(volume, "/name")?))
}

/// What the places of all pods' own folders begin with.
pub(super) const POD: &str = "pod:";

/// What the places of all such folders of a pod begin with; they go with it.
pub(super) fn own_folders(pod: &Value) -> String {
    format!("{POD}{}/", text(pod, "/metadata/uid").unwrap_or_default())
}

/// Whether a container waits to be talked to, and does nothing by itself: the one by which volumes are copied.
pub(super) fn waits(container: &Value) -> bool {
    items(container, "/command").last().and_then(Value::as_str) == Some(SLEEP)
}

/// A container that has started leaves a line on each volume of a claim that it may write to: what can be lost, and found.
pub(super) fn leave_trace(world: &mut World, pod: &Value, container: &Value) {
    let name = text(container, "/name").unwrap_or_default();
    let line = format!("{name} of {} started at {}\n", text(pod, "/metadata/name").unwrap_or_default(), world.now);
    let read_only = |path: &str| {
        items(container, "/volumeMounts").any(|mount| mount["mountPath"] == path && mount["readOnly"] == true)
    };
    let places = folders(world, pod, container);
    let writable = places.into_iter().filter(|(path, _)| !read_only(path)).map(|(_, place)| place);
    let writable: Vec<String> = writable.filter(|place| world.disk_refuses(place).is_none()).collect();
    for place in writable {
        world.disks.make(&place).entry(format!("{name}.log")).or_default().extend(line.as_bytes());
    }
}

/// Whether a pod counts for its owner: it has not ended and is not to go.
pub(super) fn is_active(pod: &Value) -> bool {
    !has_ended(pod) && pod["metadata"].get("deletionTimestamp").is_none()
}

/// Whether a pod is ready.
pub(super) fn is_ready(pod: &Value) -> bool {
    is_true(pod, "Ready")
}
