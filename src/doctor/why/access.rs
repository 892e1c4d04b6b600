//! Who may do what: accounts, roles and bindings. What is named and not there is said; what a rule means is left to `kubectl auth`.

use serde_json::Value;

use super::case::{Case, Said, Trouble, counted, some};
use crate::object::{ObjectRef, items, text};

const RBAC: &str = "rbac.authorization.k8s.io";
const V1: &str = "rbac.authorization.k8s.io/v1";

/// A `RoleBinding` or a `ClusterRoleBinding`.
pub(super) fn binding(case: &Case<'_>) -> Said {
    let (kind, name) = (case.text("/roleRef/kind").unwrap_or_default(), case.text("/roleRef/name").unwrap_or_default());
    let role = role_of(case.live);
    let subjects: Vec<String> = case.items("/subjects").map(subject).collect();
    let to = if subjects.is_empty() { "nobody".to_owned() } else { some(&subjects) };
    let lost: Vec<String> =
        accounts(case.live).filter(|account| case.lacks(account)).map(|one| one.to_string()).collect();
    let no_role = role.filter(|role| case.lacks(role)).map(|role| {
        let fix = format!(
            "Make it, or delete the binding, which cannot be changed: `kubectl delete {} {}{}`.",
            case.object.kind.to_lowercase(),
            case.object.name,
            case.flag()
        );
        Trouble::new(format!("it gives {role}, which is not there: it allows nothing")).fix(fix)
    });
    let nobody = (subjects.is_empty()).then(|| "it has no subjects: it allows nobody anything".to_owned());
    let lost_all = (!lost.is_empty() && lost.len() == subjects.len()).then(|| {
        Trouble::new(format!("it is for {}, which is not there", some(&lost)))
            .fix("Correct the subject's name or namespace, or make the account.")
    });
    Said::new(format!("gives {kind}/{name} to {to}"))
        .amiss("not there", (!lost.is_empty()).then(|| some(&lost)))
        .amiss("subjects", nobody)
        .wrong(no_role)
        .wrong(lost_all)
}

fn subject(subject: &Value) -> String {
    let namespace = text(subject, "/namespace").map(|namespace| format!("{namespace}/")).unwrap_or_default();
    format!("{}/{namespace}{}", text(subject, "/kind").unwrap_or_default(), text(subject, "/name").unwrap_or_default())
}

/// The role that a binding gives.
pub(super) fn role_of(binding: &Value) -> Option<ObjectRef> {
    let (kind, name) = (text(binding, "/roleRef/kind")?, text(binding, "/roleRef/name")?);
    let namespace = text(binding, "/metadata/namespace").filter(|_| kind == "Role");
    Some(ObjectRef::new(V1, kind, namespace, name))
}

/// The accounts that a binding is for.
pub(super) fn accounts(binding: &Value) -> impl Iterator<Item = ObjectRef> {
    let own = text(binding, "/metadata/namespace");
    items(binding, "/subjects").filter(|subject| subject["kind"] == "ServiceAccount").filter_map(move |subject| {
        Some(ObjectRef::new("v1", "ServiceAccount", text(subject, "/namespace").or(own), text(subject, "/name")?))
    })
}

fn bindings<'a>(case: &Case<'a>) -> impl Iterator<Item = &'a Value> {
    let snapshot = case.snapshot();
    ["RoleBinding", "ClusterRoleBinding"].into_iter().flat_map(|kind| snapshot.of_kind(RBAC, kind))
}

/// A Role or a `ClusterRole`.
pub(super) fn role(case: &Case<'_>) -> Said {
    let rules = case.items("/rules").count();
    let all = case.items("/rules").any(|rule| {
        let any = |field: &str| items(rule, field).any(|one| one == "*");
        any("/verbs") && any("/resources") && any("/apiGroups")
    });
    let gathers = case.live.get("aggregationRule").is_some();
    let word = match (rules, all, gathers) {
        (0, _, true) => "gathers other roles, none of which fits: it allows nothing".to_owned(),
        (0, ..) => "no rules: it allows nothing".to_owned(),
        (_, true, _) => "allows everything".to_owned(),
        (rules, ..) => counted(rules, "rule"),
    };
    let own = |binding: &&Value| role_of(binding).is_some_and(|role| role.same_object(case.object));
    let given: Vec<String> =
        bindings(case).filter(own).filter_map(ObjectRef::of).map(|binding| binding.to_string()).collect();
    let nobody = case.evidence.looked_for(&ObjectRef::new(V1, "RoleBinding", case.object.namespace.as_deref(), ""));
    let given = match given.as_slice() {
        [] if nobody => Some("no binding gives it".to_owned()),
        [] => None,
        some_ => Some(format!("by {}", some(some_))),
    };
    Said::new(word).note("given", given)
}

/// A `ServiceAccount`.
pub(super) fn account(case: &Case<'_>) -> Said {
    let is = |pod: &&Value| text(pod, "/spec/serviceAccountName").unwrap_or("default") == case.object.name;
    let pods = case
        .snapshot()
        .in_namespace("", "Pod", case.namespace())
        .filter(is)
        .filter(|pod| !crate::object::has_ended(pod))
        .count();
    let own = |binding: &&Value| accounts(binding).any(|account| account.same_object(case.object));
    let roles: Vec<String> = bindings(case)
        .filter(own)
        .filter_map(|binding| {
            let role = role_of(binding)?;
            let lost = if case.lacks(&role) { ", which is not there" } else { "" };
            Some(format!("{}{lost}", role.short()))
        })
        .collect();
    let read = case.evidence.looked_for(&ObjectRef::new(V1, "ClusterRoleBinding", None, ""));
    let roles = match roles.as_slice() {
        [] if read => Some("none of its own".to_owned()),
        [] => None,
        some_ => Some(some(some_)),
    };
    let lost = ["/imagePullSecrets", "/secrets"]
        .into_iter()
        .flat_map(|list| case.items(list))
        .filter_map(|one| text(one, "/name"));
    let lost: Vec<&str> = lost.filter(|name| case.lacks(&case.neighbour("v1", "Secret", name))).collect();
    let shut = (case.live["automountServiceAccountToken"] == false)
        .then(|| "its pods get no token unless they ask".to_owned());
    let namespace = ObjectRef::new("v1", "Namespace", None, case.namespace());
    let shut_down = case.snapshot().get(&namespace).is_some_and(|one| one["metadata"]["deletionTimestamp"].is_string());
    let shut_down =
        shut_down.then(|| Trouble::new("its namespace is being deleted: no new token is given").root(namespace));
    Said::new(format!("used by {}", counted(pods, "pod")))
        .wrong(shut_down)
        .amiss("secrets", (!lost.is_empty()).then(|| format!("named and not there: {}", some(&lost))))
        .note("roles", roles)
        .note("token", shut)
}
