//! Namespaces that were told to go and are still there: what is left in them, and what that waits for. Pure.
//!
//! Kubernetes says in a namespace's conditions which resources are left, which finalizers they have, and which APIs it could not ask
//! (`pkg/controller/namespace/deletion/status_condition_utils.go`, v1.34).

use jiff::Timestamp;
use serde_json::Value;

use crate::object::{ObjectRef, items, text};
use crate::plan::verb::Pinned;

/// Finalizers whose owners run wherever Kubernetes runs: they go by themselves as soon as what they protect is not used any more.
const OF_KUBERNETES: [&str; 5] = [
    "kubernetes.io/pvc-protection",
    "kubernetes.io/pv-protection",
    "batch.kubernetes.io/job-tracking",
    "foregroundDeletion",
    "orphan",
];

/// A namespace that is on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck {
    /// The namespace.
    pub namespace: Pinned,
    /// When it was told to go.
    pub since: Timestamp,
    /// What is still in it, as far as that could be read.
    pub left: Vec<Left>,
    /// The APIs that do not answer, so that nobody knows what of theirs is in it.
    pub apis: Vec<SilentApi>,
    /// What is left and could not be read: which, and why.
    pub unread: Vec<String>,
}

/// An object that is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The object.
    pub object: Pinned,
    /// Whether it was told to go, too.
    pub is_going: bool,
    /// What has to be taken off it before it goes.
    pub finalizers: Vec<String>,
}

/// An added API that does not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SilentApi {
    /// The `APIService`.
    pub api: Pinned,
    /// What the API server says of it.
    pub why: String,
    /// Whether the Service behind it is there: somebody may then bring it back.
    pub has_service: bool,
}

impl Stuck {
    /// What is left that waits for an owner who may not be there any more: each with the finalizers of such owners.
    pub fn held(&self) -> impl Iterator<Item = (&Pinned, Vec<String>)> {
        let held = self.left.iter().filter(|left| left.is_held());
        held.map(|left| (&left.object, left.foreign().cloned().collect()))
    }

    /// What is left and goes as soon as whatever uses it is gone.
    pub fn others(&self) -> impl Iterator<Item = &ObjectRef> {
        self.left.iter().filter(|left| !left.is_held()).map(|left| &left.object.object)
    }
}

impl Left {
    /// An object of a namespace; `None` when it has no identity.
    pub fn of(live: &Value) -> Option<Self> {
        let finalizers = items(live, "/metadata/finalizers").filter_map(Value::as_str).map(str::to_owned);
        let is_going = text(live, "/metadata/deletionTimestamp").is_some();
        Some(Self { object: Pinned::of(live)?, is_going, finalizers: finalizers.collect() })
    }

    /// The finalizers of owners that need not run.
    fn foreign(&self) -> impl Iterator<Item = &String> {
        self.finalizers.iter().filter(|name| !OF_KUBERNETES.contains(&name.as_str()))
    }

    /// Whether it was told to go, and waits for such an owner.
    fn is_held(&self) -> bool {
        self.is_going && self.foreign().next().is_some()
    }
}

/// When a namespace was told to go; `None` when it was not.
pub fn told_to_go(namespace: &Value) -> Option<Timestamp> {
    text(namespace, "/metadata/deletionTimestamp")?.parse().ok()
}

fn says<'a>(namespace: &'a Value, kind: &str) -> Option<&'a str> {
    let is_true = |condition: &&Value| condition["type"] == kind && condition["status"] == "True";
    items(namespace, "/status/conditions").find(is_true).and_then(|condition| text(condition, "/message"))
}

/// The resources that are left in a namespace, each with its group: `("widgets", "example.com")`, `("pods", "")`.
pub fn resources_left(namespace: &Value) -> Vec<(String, String)> {
    let Some((_, list)) = says(namespace, "NamespaceContentRemaining").and_then(|said| said.split_once(": ")) else {
        return Vec::new();
    };
    let one = |part: &str| {
        let (resource, group) = part.split_whitespace().next()?.split_once('.')?;
        Some((resource.to_owned(), group.to_owned()))
    };
    list.split(", ").filter_map(one).collect()
}

/// Whether an API could not be asked for what of it is in the namespace.
pub fn has_silent_apis(namespace: &Value) -> bool {
    says(namespace, "NamespaceDeletionDiscoveryFailure").is_some()
        || says(namespace, "NamespaceDeletionContentFailure").is_some()
}

/// What the API server says of an added API that does not answer; `None` of one that does.
pub fn silence(api: &Value) -> Option<String> {
    let available = items(api, "/status/conditions").find(|condition| condition["type"] == "Available")?;
    let said = || text(available, "/message").or(text(available, "/reason")).unwrap_or("not available");
    (available["status"] != "True").then(|| said().to_owned())
}

/// The Service that an added API is served by.
pub fn service_of(api: &Value) -> Option<ObjectRef> {
    let part = |pointer| text(api, pointer);
    Some(ObjectRef::new("v1", "Service", part("/spec/service/namespace"), part("/spec/service/name")?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_left_is_read_out_of_the_conditions() {
        let said = "Some resources are remaining: configmaps. has 1 resource instances, widgets.example.com has 2 resource instances";
        let condition = |status: &str| json!({"status": {"conditions": [{"type": "NamespaceContentRemaining", "status": status, "message": said}]}});
        let left = [("configmaps".to_owned(), String::new()), ("widgets".to_owned(), "example.com".to_owned())];
        assert_eq!(resources_left(&condition("True")), left);
        assert_eq!(resources_left(&condition("False")), []);
        assert_eq!(
            resources_left(
                &json!({"status": {"conditions": [{"type": "NamespaceContentRemaining", "status": "True", "message": "?"}]}})
            ),
            []
        );
    }

    #[test]
    fn only_what_was_told_to_go_and_waits_for_somebody_else_is_held() {
        let left = |name: &str, going: bool, finalizers: &[&str]| {
            let going = if going { json!("2026-01-01T00:00:00Z") } else { Value::Null };
            let live = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "n", "uid": name,
                "deletionTimestamp": going, "finalizers": finalizers}});
            Left::of(&live).unwrap()
        };
        let stuck = Stuck {
            namespace: Pinned { object: ObjectRef::new("v1", "Namespace", None, "n"), uid: "u".to_owned() },
            since: Timestamp::UNIX_EPOCH,
            left: vec![
                left("held", true, &["example.com/f", "foregroundDeletion"]),
                left("used", true, &["kubernetes.io/pvc-protection"]),
                left("fresh", false, &["example.com/f"]),
            ],
            apis: Vec::new(),
            unread: Vec::new(),
        };
        let held: Vec<_> = stuck.held().map(|(object, names)| (object.object.name.as_str(), names)).collect();
        assert_eq!(held, [("held", vec!["example.com/f".to_owned()])]);
        let others: Vec<_> = stuck.others().map(|object| object.name.as_str()).collect();
        assert_eq!(others, ["used", "fresh"]);
    }

    #[test]
    fn an_api_that_answers_says_nothing() {
        let api = |status: &str| {
            json!({"spec": {"service": {"namespace": "n", "name": "s"}}, "status": {"conditions": [
            {"type": "Available", "status": status, "message": "no endpoints"}]}})
        };
        assert_eq!(silence(&api("False")).as_deref(), Some("no endpoints"));
        assert_eq!(silence(&api("True")), None);
        assert_eq!(service_of(&api("True")), Some(ObjectRef::new("v1", "Service", Some("n"), "s")));
        assert_eq!(silence(&json!({"status": {}})), None, "nobody has looked yet");
    }
}
