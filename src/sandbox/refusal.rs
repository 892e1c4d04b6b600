//! What the API server says when it says no: a `Status`, with the reasons and texts of the real one.

use std::fmt::Display;

use serde_json::{Value, json};

const NO_RESOURCE: &str = "the server could not find the requested resource";
const NO_MEDIA: &str = "415: Unsupported Media Type";

/// A request that is refused.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    /// HTTP status.
    pub(super) code: u16,
    /// `NotFound`, `Conflict`, ...
    pub(super) reason: &'static str,
    /// For people.
    pub(super) message: String,
    /// `details`: what it is about, and the fields.
    pub(super) details: Value,
}

impl Refusal {
    pub(super) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: json!({}) }
    }

    pub(super) fn with(mut self, details: Value) -> Self {
        self.details = details;
        self
    }

    /// No such object.
    pub(super) fn not_found(group: &str, plural: &str, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", dotted(plural, group));
        Self::new(404, "NotFound", message).with(json!({"name": name, "group": group, "kind": plural}))
    }

    /// No such path or kind.
    pub(super) fn no_resource() -> Self {
        Self::new(404, "NotFound", NO_RESOURCE)
    }

    /// A patch of a type that nobody has heard of.
    pub(super) fn no_media() -> Self {
        Self::new(415, "UnsupportedMediaType", NO_MEDIA)
    }

    /// What a real cluster has and the sandbox has not. It names itself, so that nobody takes it for a fault of theirs.
    pub(super) fn not_simulated(what: &str) -> Self {
        Self::new(501, "NotImplemented", format!("the sandbox does not simulate {what}"))
    }

    /// An object that its type cannot hold.
    pub(super) fn undecodable(object: &Value, fault: &str) -> Self {
        let part = |key: &str| object[key].as_str().unwrap_or_default();
        let (kind, version) = (part("kind"), part("apiVersion").rsplit('/').next().unwrap_or_default());
        let message = format!("{kind} in version \"{version}\" cannot be handled as a {kind}: {fault}");
        Self::new(400, "BadRequest", message)
    }

    /// Fields that do not fit, each as `field: message`.
    pub(super) fn invalid(kind: &str, group: &str, name: &str, faults: &[(String, String)]) -> Self {
        let mut lines: Vec<String> = faults.iter().map(|(field, message)| format!("{field}: {message}")).collect();
        lines.dedup();
        let said = if let [only] = lines.as_slice() { only.clone() } else { format!("[{}]", lines.join(", ")) };
        let causes: Vec<Value> = faults
            .iter()
            .map(|(field, message)| json!({"reason": reason(message), "message": message, "field": field}))
            .collect();
        Self::new(422, "Invalid", format!("{} \"{name}\" is invalid: {said}", dotted(kind, group)))
            .with(json!({"name": name, "group": group, "kind": kind, "causes": causes}))
    }

    /// The body of the answer.
    pub(super) fn status(&self) -> Value {
        let mut status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "details": self.details, "code": self.code});
        // As Go's `omitempty` writes it.
        if let Some(details) = status["details"].as_object_mut() {
            details.retain(|_, value| !value.is_null() && value != "");
        }
        // A handler that does not know what it is about says so with empty details.
        let is_nameless = self.reason == "MethodNotAllowed" || self.message == NO_RESOURCE || self.message == NO_MEDIA;
        if let Some(map) = status.as_object_mut().filter(|_| !is_nameless) {
            map.retain(|key, value| !(key == "details" && *value == json!({}) || key == "reason" && value == ""));
        }
        status
    }
}

/// The reason of a fault of a field, which its message begins with. Source: `k8s.io/apimachinery`, `pkg/util/validation/field`.
fn reason(message: &str) -> &'static str {
    // What a definition wants of another type.
    if message.starts_with("Invalid value") && message.contains(" must be of type ") {
        return "FieldValueTypeInvalid";
    }
    let known = [
        ("Required value", "FieldValueRequired"),
        ("Forbidden", "FieldValueForbidden"),
        ("Duplicate value", "FieldValueDuplicate"),
        ("Not found", "FieldValueNotFound"),
        ("Unsupported value", "FieldValueNotSupported"),
        ("Too long", "FieldValueTooLong"),
        ("Too many", "FieldValueTooMany"),
    ];
    known.iter().find(|(start, _)| message.starts_with(start)).map_or("FieldValueInvalid", |(_, reason)| reason)
}

/// What is said of a value that is none of those that there are.
pub(super) fn unsupported(value: impl Display, known: impl IntoIterator<Item = impl Display>) -> String {
    let known: Vec<String> = known.into_iter().map(|known| known.to_string()).collect();
    format!("Unsupported value: {value}: supported values: {}", known.join(", "))
}

/// `deployments.apps`; `pods` in the core group.
pub(super) fn dotted(name: &str, group: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{name}.{group}") }
}
