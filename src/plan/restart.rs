//! Pods whose `ServiceAccount` was deleted: they hold tokens of the account that is gone, which the API server refuses although an
//! account of that name is there again (tokens are bound to its uid: Kubernetes, "Managing Service Accounts"). Only new pods
//! help, and nothing but the missing account shows that they are needed.

use serde_json::Value;

use super::install::apply_id;
use super::verb::{Pinned, Verb};
use super::{Action, Change, Step};
use crate::object::{ObjectRef, text};
use crate::snapshot::Snapshot;

/// Kinds that replace their pods by themselves when their template changes.
const WORKLOADS: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];

/// Adds a step for each workload that is there and runs as an account that is not. What waits for the workload waits for its
/// new pods.
pub(super) fn add(steps: &mut Vec<Step>, snapshot: &Snapshot) {
    let restarts: Vec<(ObjectRef, Step)> = steps.iter().filter_map(|step| restart(step, steps, snapshot)).collect();
    for (workload, restart) in &restarts {
        let waits = |step: &&mut Step| matches!(&step.action, Action::Await { object } if object == workload);
        steps.iter_mut().filter(waits).for_each(|step| step.needs.push(restart.id.clone()));
    }
    steps.extend(restarts.into_iter().map(|(_, step)| step));
}

fn restart(step: &Step, all: &[Step], snapshot: &Snapshot) -> Option<(ObjectRef, Step)> {
    let Action::Apply { object } = &step.action else { return None };
    let reference = ObjectRef::of(object).filter(|reference| WORKLOADS.contains(&reference.kind.as_str()))?;
    let live = snapshot.get(&reference).filter(|_| step.change != Change::Create)?;
    let account = apply_id(&account(object, &reference)?);
    all.iter().find(|other| other.id == account && other.change == Change::Create)?;
    // A mark that no earlier restart has left; the time would do as well, and this makes the same plan of the same picture.
    let at = format!("account-{}", text(live, "/metadata/resourceVersion")?);
    let verb = Verb::Restart { workload: Pinned::of(live)?, at };
    let restart = Step {
        id: format!("restart:{reference}"),
        title: format!("restart {reference}, whose account is made anew"),
        component: step.component.clone(),
        needs: vec![account, step.id.clone()],
        change: verb.change(),
        action: Action::Rescue { verb: Box::new(verb), limit: 0 },
    };
    Some((reference, restart))
}

/// The account that the pods run as, when it is not the one that every namespace has.
fn account(object: &Value, workload: &ObjectRef) -> Option<ObjectRef> {
    let name = text(object, "/spec/template/spec/serviceAccountName")?;
    Some(ObjectRef::new("v1", "ServiceAccount", workload.namespace.as_deref(), name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn workload(kind: &str) -> Value {
        json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web", "namespace": "sea", "uid": "u", "resourceVersion": "7"},
            "spec": {"template": {"spec": {"serviceAccountName": "runner"}}}})
    }

    fn apply(object: Value, change: Change) -> Step {
        let reference = ObjectRef::of(&object).unwrap();
        let (id, action) = (apply_id(&reference), Action::Apply { object });
        Step { id, title: String::new(), component: None, needs: Vec::new(), action, change }
    }

    fn added(kind: &str, account: Change, own: Change) -> Vec<String> {
        let account = apply(
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "runner", "namespace": "sea"}}),
            account,
        );
        let live = workload(kind);
        let wait = Step {
            id: "await".to_owned(),
            action: Action::Await { object: ObjectRef::of(&live).unwrap() },
            ..apply(live.clone(), Change::Observe)
        };
        let mut steps = vec![account, apply(live.clone(), own), wait];
        let mut snapshot = Snapshot::default();
        snapshot.insert(live);
        add(&mut steps, &snapshot);
        let waits = steps[2].needs.clone();
        let ids: Vec<String> = steps[3..].iter().map(|step| step.id.clone()).collect();
        assert_eq!(waits, ids, "what waits for it waits for its new pods");
        ids
    }

    #[test]
    fn pods_of_an_account_that_is_made_anew_are_replaced() {
        assert_eq!(added("Deployment", Change::Create, Change::Unchanged), ["restart:Deployment/sea/web"]);
        assert_eq!(added("DaemonSet", Change::Create, Change::Unchanged), ["restart:DaemonSet/sea/web"]);
    }

    #[test]
    fn all_else_is_left_running() {
        assert_eq!(added("Deployment", Change::Unchanged, Change::Unchanged), [""; 0]);
        assert_eq!(added("Deployment", Change::Create, Change::Create), [""; 0], "its pods are not there yet");
        assert_eq!(added("Job", Change::Create, Change::Unchanged), [""; 0], "it replaces no pods");
    }
}
