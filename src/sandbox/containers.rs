//! What a simulated container is: its status in a pod, what it writes to its log, and what it asks of its node.

use serde_json::Value;

use super::world::World;
use crate::object::{items, text};

/// The status of a container, or init container, of a pod.
pub(super) fn status<'a>(pod: &'a Value, container: &str) -> Option<&'a Value> {
    let all = items(pod, "/status/containerStatuses").chain(items(pod, "/status/initContainerStatuses"));
    all.into_iter().find(|status| status["name"] == container)
}

/// The last line of a container that crashes.
pub(super) const LAST_WORDS: &str = "fatal: the sandbox was told to let this container crash";

/// The lines of its log: when it was started, and how it ended. A simulated container does nothing, and so says nothing else.
pub(super) fn log(world: &World, pod: &Value, container: &str) -> Vec<String> {
    let Some(status) = status(pod, container) else { return Vec::new() };
    let ended = |state: &Value| {
        let code = state["terminated"]["exitCode"].as_i64()?;
        Some(if code == 0 { "done".to_owned() } else { LAST_WORDS.to_owned() })
    };
    let image = text(status, "/image").unwrap_or_default();
    let mut lines = vec![format!("sandbox: container {container} of image {image} started; nothing runs in it")];
    lines.extend(ended(&status["state"]).or_else(|| ended(&status["lastState"])));
    let _ = world;
    lines
}

/// Whether a pod counts for its owner: it has not ended and is not to go.
pub(super) fn is_active(pod: &Value) -> bool {
    !matches!(text(pod, "/status/phase"), Some("Succeeded" | "Failed"))
        && pod["metadata"].get("deletionTimestamp").is_none()
}

/// Whether a pod is ready.
pub(super) fn is_ready(pod: &Value) -> bool {
    items(pod, "/status/conditions").any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}
