//! Pods whose `ServiceAccount` was deleted: they hold tokens of the account that is gone, which the API server refuses although an
//! account of that name is there again (tokens are bound to its uid: Kubernetes, "Managing Service Accounts"). Only new pods
//! help, and nothing but the missing account shows that they are needed.

use serde_json::Value;

use super::install::apply_id;
use super::verb::{Pinned, Verb};
use super::{Action, Change, Step};
use crate::object::{ObjectRef, items, text};
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
    let live = snapshot.get(&reference).filter(|_| !matches!(step.change, Change::Create | Change::Replace { .. }))?;
    let account = apply_id(&account(object, &reference)?);
    let anew = all.iter().find(|other| other.id == account && other.change == Change::Create)?;
    if !holds_token(object, anew) {
        return None;
    }
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

/// Whether the pods have a token: the pod's word counts before the account's, and a volume of its own before both.
fn holds_token(object: &Value, account: &Step) -> bool {
    let pod = &object["spec"]["template"]["spec"];
    let of_account = match &account.action {
        Action::Apply { object } => object["automountServiceAccountToken"].as_bool(),
        _ => None,
    };
    let sources = items(pod, "/volumes").flat_map(|volume| items(volume, "/projected/sources"));
    pod["automountServiceAccountToken"].as_bool().or(of_account).unwrap_or(true)
        || sources.into_iter().any(|source| source.get("serviceAccountToken").is_some())
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
        added_with(workload(kind), &Value::Null, account, own)
    }

    fn added_with(live: Value, automount: &Value, account: Change, own: Change) -> Vec<String> {
        let account = apply(
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "runner", "namespace": "sea"},
                "automountServiceAccountToken": automount}),
            account,
        );
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
    fn pods_without_a_token_are_left_running() {
        let with = |pod: Value, account: Value| {
            let mut live = workload("Deployment");
            live["spec"]["template"]["spec"]["automountServiceAccountToken"] = pod;
            added_with(live, &account, Change::Create, Change::Unchanged).len()
        };
        assert_eq!(with(json!(false), Value::Null), 0);
        assert_eq!(with(Value::Null, json!(false)), 0);
        assert_eq!(with(json!(true), json!(false)), 1, "the pod's word counts before the account's");
        let mut projected = workload("Deployment");
        projected["spec"]["template"]["spec"]["automountServiceAccountToken"] = json!(false);
        projected["spec"]["template"]["spec"]["volumes"] =
            json!([{"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]);
        assert_eq!(added_with(projected, &Value::Null, Change::Create, Change::Unchanged).len(), 1);
    }

    #[test]
    fn all_else_is_left_running() {
        assert_eq!(added("Deployment", Change::Unchanged, Change::Unchanged), [""; 0]);
        assert_eq!(added("Deployment", Change::Create, Change::Create), [""; 0], "its pods are not there yet");
        assert_eq!(added("Job", Change::Create, Change::Unchanged), [""; 0], "it replaces no pods");
    }
}
