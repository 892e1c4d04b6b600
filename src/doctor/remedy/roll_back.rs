//! Back to the pod template that worked: of a Deployment by its `ReplicaSet`s, of a `StatefulSet` or `DaemonSet` by its `ControllerRevision`s.

use serde_json::Value;

use super::Remedy;
use crate::doctor::evidence::Evidence;
use crate::doctor::finding::Finding;
use crate::doctor::revisions::{self, number_of};
use crate::object::{is_true, number, text};
use crate::plan::FieldChange;
use crate::plan::verb::{Pinned, Verb, template_differences, template_of};

/// What names the revision of a pod of a StatefulSet (its name) or of a DaemonSet (its hash).
const REVISION: &str = "controller-revision-hash";

/// Not of a rollout that is paused, which goes nowhere. Only while the newer template does not work: pods of it are not ready. Where pods of
/// the older one still run it is known to work.
pub(super) fn offer(finding: &Finding, evidence: &Evidence) -> Option<Remedy> {
    let live = evidence.snapshot.get(&finding.object)?;
    let kind = text(live, "/kind").filter(|kind| ["Deployment", "StatefulSet", "DaemonSet"].contains(kind))?;
    if live["spec"]["paused"] == true {
        return None;
    }
    let revisions = Revisions { live, evidence };
    let from = revisions.newest()?;
    let wanted = number(live, if kind == "DaemonSet" { "/status/desiredNumberScheduled" } else { "/spec/replicas" });
    let ready = revisions.ready(from);
    if ready > 0 && ready >= wanted.unwrap_or(1) {
        return None;
    }
    let to = revisions.older(from)?;
    let (workload, old, new) = (Pinned::of(live)?, Pinned::of(to)?, Pinned::of(from)?);
    // The step of it names the object that has the template.
    let (number, holder) = (number_of(to)?, text(to, "/metadata/name")?);
    let title = format!("give {} the pod template of revision {number} again ({holder})", finding.object.short());
    let fields = template_differences(&template_of(from), &template_of(to));
    // What keeps a pod off every node is another one only where the older template asks for something else.
    if finding.id.starts_with('S') && !fields.iter().any(places) {
        return None;
    }
    let stuck = if kind == "StatefulSet" { revisions.stuck(from) } else { Vec::new() };
    let back = Verb::RollBack { workload, from: new, to: old, fields, ready: stuck.is_empty() };
    let steps = std::iter::once(back).chain(stuck.into_iter().map(|object| Verb::Delete { object })).collect();
    let remedy = Remedy::steps(title, steps)?;
    Some(match kind {
        "StatefulSet" => {
            remedy.asked("what has a number usually has data, which the newer version may have changed for good")
        }
        _ if revisions.ready(to) > 0 => remedy,
        _ => remedy.asked("no pod of the older template is ready, so it may not work either"),
    })
}

/// Whether a field has to do with where a pod may run.
fn places(field: &FieldChange) -> bool {
    const PARTS: [&str; 5] = ["resources", "nodeSelector", "affinity", "tolerations", "topologySpreadConstraints"];
    PARTS.iter().any(|part| field.path.contains(part))
}

/// The templates that a workload had.
struct Revisions<'a> {
    live: &'a Value,
    evidence: &'a Evidence,
}

impl<'a> Revisions<'a> {
    fn newest(&self) -> Option<&'a Value> {
        revisions::newest(self.live, &self.evidence.snapshot)
    }

    /// The newest of the older ones; one whose pods are ready before all others.
    fn older(&self, newest: &Value) -> Option<&'a Value> {
        let older = revisions::of(self.live, &self.evidence.snapshot)
            .filter(|one| number_of(one) < number_of(newest) && number_of(one).is_some());
        older.max_by_key(|one| (self.ready(one) > 0, number_of(one)))
    }

    /// How many pods of a revision are ready.
    fn ready(&self, revision: &Value) -> i64 {
        if revision["kind"] == "ReplicaSet" {
            return number(revision, "/status/readyReplicas").unwrap_or(0);
        }
        let ready = self.pods(revision).filter(|pod| is_true(pod, "Ready")).count();
        i64::try_from(ready).unwrap_or(i64::MAX)
    }

    fn pods(&self, revision: &'a Value) -> impl Iterator<Item = &'a Value> {
        let name = text(revision, "/metadata/name").unwrap_or_default();
        let is_of = move |pod: &&Value| {
            let of = pod["metadata"]["labels"][REVISION].as_str().unwrap_or_default();
            of == name || (!of.is_empty() && name.ends_with(&format!("-{of}")))
        };
        self.evidence.snapshot.owned_by(self.live).filter(|one| one["kind"] == "Pod").filter(is_of)
    }

    /// The pods that a StatefulSet waits for before it replaces any, so that it would never replace these:
    /// <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback>.
    fn stuck(&self, newest: &'a Value) -> Vec<Pinned> {
        if self.live["spec"]["podManagementPolicy"] == "Parallel" {
            return Vec::new();
        }
        self.pods(newest).filter(|pod| !is_true(pod, "Ready")).filter_map(Pinned::of).collect()
    }
}
