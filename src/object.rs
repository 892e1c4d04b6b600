//! The identity of a Kubernetes object, and small readers of its untyped JSON.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which object: enough to find it again, and to be a stable name in plans and journals.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectRef {
    /// `v1`, `apps/v1`, ...
    #[serde(rename = "apiVersion")]
    pub api_version: String,
    /// `Deployment`, ...
    pub kind: String,
    /// `None` for cluster-scoped objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// `metadata.name`.
    pub name: String,
}

impl ObjectRef {
    /// An object of a built-in or custom kind.
    pub fn new(api_version: &str, kind: &str, namespace: Option<&str>, name: &str) -> Self {
        Self {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        }
    }

    /// Reads the identity from an object's own fields; `None` when kind, version or name is missing.
    pub fn of(object: &Value) -> Option<Self> {
        Some(Self {
            api_version: text(object, "/apiVersion")?.to_owned(),
            kind: text(object, "/kind")?.to_owned(),
            namespace: text(object, "/metadata/namespace").map(str::to_owned),
            name: text(object, "/metadata/name")?.to_owned(),
        })
    }

    /// The API group; empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version.rsplit_once('/').map_or("", |(group, _)| group)
    }

    /// Whether both name the same object, whatever version of the API they were read through.
    pub fn same_object(&self, other: &Self) -> bool {
        (self.group(), &self.kind, &self.namespace, &self.name)
            == (other.group(), &other.kind, &other.namespace, &other.name)
    }

    /// `Kind/name`, for lines that already say the namespace.
    pub fn short(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }
}

/// `Kind/namespace/name`, or `Kind/name` for cluster-scoped objects.
impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{}/{namespace}/{}", self.kind, self.name),
            None => write!(f, "{}/{}", self.kind, self.name),
        }
    }
}

/// Whether the condition of this type in the status of an object is `True`.
pub fn is_true(object: &Value, condition: &str) -> bool {
    items(object, "/status/conditions").any(|known| known["type"] == condition && known["status"] == "True")
}

/// Whether a pod has ended. Its object stays, and holds its claims still.
pub fn has_ended(pod: &Value) -> bool {
    matches!(text(pod, "/status/phase"), Some("Succeeded" | "Failed"))
}

/// The value at a JSON pointer. Unlike [`Value::pointer`] it copies nothing where no part is escaped: every look at every
/// object of a watch comes through here.
pub fn at<'a>(value: &'a Value, pointer: &str) -> Option<&'a Value> {
    if pointer.contains('~') {
        return value.pointer(pointer);
    }
    pointer.split('/').skip(1).try_fold(value, |value, part| match value {
        Value::Object(map) => map.get(part),
        Value::Array(list) => list.get(part.parse::<usize>().ok()?),
        _ => None,
    })
}

/// The text at a JSON pointer.
pub fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    at(value, pointer).and_then(Value::as_str)
}

/// The whole number at a JSON pointer.
pub fn number(value: &Value, pointer: &str) -> Option<i64> {
    at(value, pointer).and_then(Value::as_i64)
}

/// What the server writes into the metadata of an object, and what belongs to the incarnation that is gone.
const INCARNATION: [&str; 10] = [
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "finalizers",
    "managedFields",
    "ownerReferences",
    "selfLink",
];

/// The object, to be made again.
pub fn again(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(map) = object.as_object_mut() {
        map.shift_remove("status");
    }
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.retain(|key, _| !INCARNATION.contains(&key.as_str()));
    }
    object
}

/// The items of the list at a JSON pointer; none when there is no list.
pub fn items<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    at(value, pointer).and_then(Value::as_array).into_iter().flatten()
}

/// Changes the list in a place; where there is none, it begins as an empty one.
pub fn change_list(place: &mut Value, change: impl FnOnce(&mut Vec<Value>)) {
    let mut list = match place.take() {
        Value::Array(list) => list,
        _ => Vec::new(),
    };
    change(&mut list);
    *place = list.into();
}

/// Text from a cluster made fit for a terminal: control characters (but for line ends and tabs) become `?`.
///
/// Names, events and logs are written by whoever can write to the cluster; an escape sequence in them could rewrite the
/// screen of the person who reads them.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn identity_is_read_from_the_object_and_ignores_the_version() {
        let old = json!({"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "a", "namespace": "n"}});
        let mut new = old.clone();
        new["apiVersion"] = json!("autoscaling/v2");
        let (old, new) = (ObjectRef::of(&old).unwrap(), ObjectRef::of(&new).unwrap());
        assert_ne!(old, new);
        assert!(old.same_object(&new));
        assert_eq!(new.to_string(), "HorizontalPodAutoscaler/n/a");
        assert_eq!(ObjectRef::of(&json!({"kind": "Pod"})), None);
    }

    #[test]
    fn a_pointer_leads_where_serde_json_says() {
        let value = json!({"a": [{"b/c": 1}, 2], "": 3});
        for pointer in ["/a/0", "/a/1", "/a/2", "/a/0/b~1c", "/x", "/a/b", "", "/"] {
            assert_eq!(at(&value, pointer), value.pointer(pointer), "{pointer}");
        }
    }

    #[test]
    fn printable_disarms_escape_sequences() {
        assert_eq!(printable("a\x1b[2Jb\n\tc\u{9b}d"), "a?[2Jb\n\tc?d");
    }
}
