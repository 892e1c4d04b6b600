//! Back to the pod template that a workload had before: what `kubectl rollout undo` does, bound to the two revisions that were seen: the
//! `ReplicaSet`s of a Deployment, the `ControllerRevision`s of a `StatefulSet` or `DaemonSet`. Templates stay in the cluster; a plan, and so
//! a journal, names only where they are and what differs.

use serde_json::{Value, json};

use super::standing::{replicas, rollout, same};
use super::{Field, Pinned, Standing, set_patch};
use crate::object::{number, text};
use crate::plan::FieldChange;
use crate::plan::difference::{HIDDEN, difference};
use crate::snapshot::Snapshot;

/// What the Deployment controller adds to the template of each ReplicaSet (`pod-template-hash`).
const HASH: &str = "pod-template-hash";

/// The template of a revision as its workload has it. A `ControllerRevision` holds it as a patch (`kubectl rollout undo` applies it so).
pub fn template_of(revision: &Value) -> Value {
    if revision["kind"] == "ControllerRevision" {
        let mut template = revision["data"]["spec"]["template"].clone();
        if let Some(patch) = template.as_object_mut() {
            patch.remove("$patch");
        }
        return template;
    }
    let mut template = revision["spec"]["template"].clone();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove(HASH);
    }
    template
}

/// What differs between two templates. Programs take passwords in arguments and environment: that these differ is said, and not how.
pub fn differences(now: &Value, wanted: &Value) -> Vec<FieldChange> {
    let wrapped = |template: &Value| json!({"spec": {"template": template}});
    let mut changes = difference(&wrapped(now), &wrapped(wanted));
    for change in &mut changes {
        let told = ["].env", "].args", "].command"].iter().any(|part| change.path.contains(part));
        let whole = change.path.ends_with("containers") || change.path.ends_with(']');
        if told || whole {
            for value in [&mut change.now, &mut change.wanted] {
                *value = value.take().map(|_| Value::from(HIDDEN));
            }
        }
    }
    changes
}

pub(super) fn standing(snapshot: &Snapshot, [workload, from, to]: [&Pinned; 3], ready: bool) -> Standing {
    let (live, to) = match (same(snapshot, workload), same(snapshot, to)) {
        (Ok(live), Ok(to)) => (live, template_of(to)),
        (Err(standing), _) | (_, Err(standing)) => return standing,
    };
    let now = &live["spec"]["template"];
    if *now == to {
        return if ready { progress(live) } else { Standing::Proven { note: "it has that template".to_owned() } };
    }
    match same(snapshot, from) {
        Ok(from) if template_of(from) == *now => Standing::Open { progress: "still of the newer template".to_owned() },
        Ok(_) => Standing::Shut { why: format!("somebody has changed the template of {} meanwhile", workload.object) },
        Err(standing) => standing,
    }
}

/// How far the rollout to the wanted template is.
fn progress(live: &Value) -> Standing {
    let (wanted, counts) = match text(live, "/kind") {
        Some("DaemonSet") => (
            number(live, "/status/desiredNumberScheduled").unwrap_or(0),
            ["updatedNumberScheduled", "currentNumberScheduled", "numberAvailable"],
        ),
        _ => (replicas(live), ["updatedReplicas", "replicas", "availableReplicas"]),
    };
    match rollout(live, wanted, counts) {
        ([updated, ..], true) => {
            Standing::Proven { note: format!("{updated} of {wanted} pods of that template, and ready") }
        }
        ([.., available], false) => Standing::Open { progress: format!("{available} of {wanted} ready") },
    }
}

/// The JSON patch that gives it the template, in this very state; `None` when it has it.
pub fn patch(snapshot: &Snapshot, workload: &Pinned, to: &Pinned) -> Option<Value> {
    let (live, to) = (snapshot.get(&workload.object)?, template_of(snapshot.get(&to.object)?));
    let template = Field::of(live, "/spec/template", Some(to))?;
    Some(set_patch(live, &[template]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::ObjectRef;

    fn template(image: &str) -> Value {
        json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": image}]}})
    }

    fn replica_set(name: &str, image: &str) -> Value {
        let mut template = template(image);
        template["metadata"]["labels"][HASH] = name.into();
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": name, "namespace": "n", "uid": name, "resourceVersion": "1"}, "spec": {"template": template}})
    }

    fn deployment(image: &str, available: i64) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "n", "uid": "web", "resourceVersion": "9", "generation": 3},
            "spec": {"replicas": 2, "template": template(image)},
            "status": {"observedGeneration": 3, "updatedReplicas": 2, "replicas": 2, "availableReplicas": available}})
    }

    fn pins() -> [Pinned; 3] {
        [("Deployment", "web"), ("ReplicaSet", "new"), ("ReplicaSet", "old")].map(|(kind, name)| Pinned {
            object: ObjectRef::new("apps/v1", kind, Some("n"), name),
            uid: name.to_owned(),
        })
    }

    fn seen(live: Value) -> (Standing, Option<Value>) {
        let mut snapshot = Snapshot::default();
        for object in [live, replica_set("old", "web:1"), replica_set("new", "web:2")] {
            snapshot.insert(object);
        }
        let [workload, from, to] = &pins();
        (standing(&snapshot, [workload, from, to], true), patch(&snapshot, workload, to))
    }

    #[test]
    fn a_deployment_goes_back_and_is_proven_when_its_pods_are_ready() {
        let (standing, patch) = seen(deployment("web:2", 0));
        assert!(matches!(standing, Standing::Open { .. }), "{standing:?}");
        let patch = patch.unwrap();
        assert_eq!(patch[2]["value"], template("web:1"), "without the hash of the ReplicaSet");
        assert_eq!((&patch[0]["value"], &patch[1]["value"]), (&json!("web"), &json!("9")));
        let (standing, patch) = seen(deployment("web:1", 1));
        assert!(matches!(standing, Standing::Open { .. }) && patch.is_none(), "{standing:?}");
        assert!(matches!(seen(deployment("web:1", 2)).0, Standing::Proven { .. }));
    }

    #[test]
    fn the_template_of_a_controller_revision_is_no_patch_any_more() {
        let revision = json!({"kind": "ControllerRevision", "data": {"spec": {"template": {"$patch": "replace", "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "c", "image": "web:1"}]}}}}, "revision": 1});
        assert_eq!(template_of(&revision), template("web:1"));
    }

    #[test]
    fn a_daemon_set_has_come_back_when_every_node_has_a_pod_that_is_available() {
        let set = |available: i64| {
            json!({"kind": "DaemonSet", "metadata": {"generation": 2}, "status": {"observedGeneration": 2, "desiredNumberScheduled": 3,
                "currentNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": available}})
        };
        assert!(matches!(progress(&set(2)), Standing::Open { progress } if progress == "2 of 3 ready"));
        assert!(matches!(progress(&set(3)), Standing::Proven { .. }));
    }

    #[test]
    fn a_template_of_somebody_else_is_left_alone() {
        assert!(matches!(seen(deployment("web:3", 2)).0, Standing::Shut { .. }));
    }

    #[test]
    fn what_differs_is_said_and_no_password() {
        let mut wanted = template("web:1");
        wanted["spec"]["containers"][0]["env"] = json!([{"name": "PASSWORD", "value": "hunter2"}]);
        let said = serde_json::to_string(&differences(&template("web:2"), &wanted)).unwrap();
        assert!(said.contains("containers[c].image") && said.contains("web:2") && !said.contains("hunter2"), "{said}");
    }
}
