//! Claims that are made anew while a volume still has the data of the former one. Pure.

use serde_json::Value;

use super::{Around, Objection, Subject};
use crate::object::{ObjectRef, text};
use crate::plan::verb::QUARANTINE;
use crate::plan::{Action, Change, Plan};

/// A claim that is made gets an empty volume, whatever was kept of the one before it. That is no loss: the data stays where it is. But nobody
/// who starts his application with an empty volume expects it.
pub(super) fn judge(subject: Subject<'_>, around: &Around) -> Vec<Objection> {
    let volumes = || around.snapshot.of_kind("", "PersistentVolume");
    let one = |claim: ObjectRef| {
        let volume = volumes().find(|volume| has_data_of(volume, &claim))?;
        let name = text(volume, "/metadata/name")?;
        let of = format!("{}/{}", claim.namespace.as_deref().unwrap_or_default(), claim.name);
        let message = format!(
            "{claim} would be made with an empty volume, and {name} still has the data of a claim of that name"
        );
        let remedy = format!("to have the data back: `seaworthy recover rebind --claim {of}`");
        Some(Objection::warning("claims", message, remedy).about(claim))
    };
    made(subject.plan).filter_map(one).collect()
}

/// The claims that the plan makes and that are not there.
fn made(plan: &Plan) -> impl Iterator<Item = ObjectRef> {
    plan.steps.iter().filter_map(|step| match &step.action {
        Action::Apply { object } if step.change == Change::Create && object["kind"] == "PersistentVolumeClaim" => {
            ObjectRef::of(object)
        }
        _ => None,
    })
}

/// One that a recovery has put aside is not wanted by anybody.
fn has_data_of(volume: &Value, claim: &ObjectRef) -> bool {
    text(volume, "/status/phase") == Some("Released")
        && text(volume, "/spec/claimRef/name") == Some(&claim.name)
        && text(volume, "/spec/claimRef/namespace") == claim.namespace.as_deref()
        && volume["metadata"]["labels"].get(QUARANTINE).is_none()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{around, plan, subject};
    use super::*;

    #[test]
    fn a_claim_that_is_made_anew_beside_its_data_is_told() {
        let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "n"}, "spec": {}});
        let plan = plan([claim]);
        let told = |namespace: &str, phase: &str, labels: Value| {
            let volume = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "v", "labels": labels},
                "spec": {"claimRef": {"namespace": namespace, "name": "data"}}, "status": {"phase": phase}});
            judge(subject(&plan), &around([volume]))
        };
        let objections = told("n", "Released", Value::Null);
        assert!(objections[0].message.contains("v still has the data"), "{objections:?}");
        assert!(!objections[0].refuses, "the data stays where it is");
        assert!(told("m", "Released", Value::Null).is_empty(), "another namespace's");
        assert!(told("n", "Bound", Value::Null).is_empty(), "somebody's");
        assert!(
            told("n", "Released", json!({"seaworthy.dev/quarantine": "replaced"})).is_empty(),
            "put aside on purpose"
        );
    }
}
