//! The templates that a `StatefulSet` or `DaemonSet` had, as `ControllerRevisions`: what `kubectl rollout undo` goes back to.
//! Source: Kubernetes, `pkg/controller/history/controller_history.go`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::ownership::owner_reference;
use crate::object::{number, text};
use crate::sandbox::world::World;

/// How many of the past are kept unless the workload says another number.
const HISTORY: i64 = 10;

/// Notes the template that a workload has now under the name that its revision has, as the newest one; too old ones go.
pub(super) fn note(world: &mut World, set: &Value, name: &str, hash: &str) {
    let mut known = world.owned("ControllerRevision", set);
    known.sort_by_key(|one| number(one, "/revision"));
    let last = known.last().and_then(|one| number(one, "/revision")).unwrap_or(0);
    let is_now = |one: &&Arc<Value>| text(one, "/metadata/name") == Some(name);
    match known.iter().find(is_now) {
        Some(now) if number(now, "/revision") == Some(last) => {}
        // One that comes back is the newest again.
        Some(now) => {
            let mut now = Value::clone(now);
            now["revision"] = (last + 1).into();
            world.put(now);
        }
        None => {
            let mut template = set["spec"]["template"].clone();
            template["$patch"] = "replace".into();
            let mut labels = set["spec"]["template"]["metadata"]["labels"].as_object().cloned().unwrap_or_default();
            labels.insert("controller.kubernetes.io/hash".to_owned(), hash.into());
            if set["kind"] == "DaemonSet" {
                labels.insert("controller-revision-hash".to_owned(), hash.into());
            }
            world.put(json!({"apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": last + 1,
                "metadata": {"name": name, "namespace": set["metadata"]["namespace"], "labels": labels,
                    "ownerReferences": [owner_reference(set)]},
                "data": {"spec": {"template": template}}}));
        }
    }
    let kept = usize::try_from(number(set, "/spec/revisionHistoryLimit").unwrap_or(HISTORY)).unwrap_or(0);
    let past = known.iter().filter(|one| !is_now(one) && !is_used(world, set, one));
    let past: Vec<&Arc<Value>> = past.collect();
    past.iter().take(past.len().saturating_sub(kept)).for_each(|one| world.discard(one));
}

/// Whether pods of it are there.
fn is_used(world: &World, set: &Value, revision: &Value) -> bool {
    let name = text(revision, "/metadata/name").unwrap_or_default();
    let hash = text(revision, "/metadata/labels/controller.kubernetes.io~1hash");
    let of = |pod: &Value| pod["metadata"]["labels"]["controller-revision-hash"].as_str().map(str::to_owned);
    world.owned("Pod", set).iter().filter_map(|pod| of(pod)).any(|of| of == name || Some(of.as_str()) == hash)
}
