//! Whether this user may do what the plan does. What is asked is decided here, purely; `look` asks it.

use std::collections::BTreeSet;

use super::{Around, Objection, Subject};
use crate::cluster::Resources;
use crate::plan::{Action, Change};

/// The right to do something with objects of a kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// `create`, `patch`, `delete`.
    pub verb: &'static str,
    /// The group of the kind.
    pub group: String,
    /// Its plural.
    pub resource: String,
    /// Where; `None`: objects in no namespace.
    pub namespace: Option<String>,
}

/// The rights that a plan needs: an apply is a `patch`, and a `create` where the object is not there yet (KEP-555).
pub(super) fn needed(subject: Subject<'_>, resources: &Resources) -> BTreeSet<Right> {
    let mut needed = BTreeSet::new();
    for step in &subject.plan.steps {
        let verbs: &[&'static str] = match (&step.action, &step.change) {
            (Action::Apply { .. }, Change::Create) => &["create", "patch"],
            (Action::Apply { .. }, Change::Update { .. }) => &["patch"],
            (Action::Apply { .. }, Change::Replace { .. }) => &["create", "delete", "patch"],
            (Action::Delete { .. }, Change::Delete) => &["delete"],
            _ => continue,
        };
        let Some(object) = step.action.object() else { continue };
        let Some(resource) = resources.of(&object) else { continue };
        needed.extend(verbs.iter().map(|verb| Right {
            verb,
            group: resource.group.clone(),
            resource: resource.plural.clone(),
            namespace: object.namespace.clone(),
        }));
    }
    needed
}

pub(super) fn judge(subject: Subject<'_>, around: &Around) -> Vec<Objection> {
    if around.lacking.is_empty() {
        return Vec::new();
    }
    let named: Vec<String> = around.lacking.iter().map(told).collect();
    let message = format!("this user may not {}", named.join("; nor "));
    let purpose = subject.plan.purpose.word();
    let remedy = format!(
        "use a user that may, or have them granted; `kubectl auth can-i --list` shows what this one may do. Nothing of the {purpose} was written"
    );
    vec![Objection::refusal("rights", message, remedy)]
}

fn told(right: &Right) -> String {
    let kind =
        if right.group.is_empty() { right.resource.clone() } else { format!("{}.{}", right.resource, right.group) };
    let place =
        right.namespace.as_ref().map_or_else(|| " of the cluster".to_owned(), |name| format!(" in namespace {name}"));
    format!("{} {kind}{place}", right.verb)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{around, deployment, lines, plan, subject};
    use super::*;

    #[test]
    fn an_apply_is_a_patch_and_a_create_where_nothing_is_there() {
        let role =
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "r"}});
        let mut plan = plan([deployment("web", 1, &json!({})), role]);
        plan.steps[1].change = Change::Update { fields: vec![], conflicts: vec![], resource_version: String::new() };
        let rights = needed(subject(&plan), &Resources::default());
        let told: Vec<String> = rights.iter().map(told).collect();
        assert_eq!(
            told,
            [
                "create deployments.apps in namespace sea",
                "patch deployments.apps in namespace sea",
                "patch clusterroles.rbac.authorization.k8s.io of the cluster"
            ]
        );
        let lacking = Around { lacking: rights.into_iter().skip(2).collect(), ..around([]) };
        assert_eq!(
            lines(&judge(subject(&plan), &lacking)),
            ["refuses: this user may not patch clusterroles.rbac.authorization.k8s.io of the cluster"]
        );
    }
}
