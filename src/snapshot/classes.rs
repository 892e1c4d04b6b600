//! Storage classes, as the API server reads them.

use serde_json::Value;

/// Either of these marks a class as the default one (Kubernetes documentation, "Change the default `StorageClass`"); the API
/// server reads both.
pub const DEFAULT_MARKS: [&str; 2] =
    ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];

/// Whether claims that name no class get this one.
pub fn is_default(class: &Value) -> bool {
    DEFAULT_MARKS.iter().any(|mark| class["metadata"]["annotations"][mark] == "true")
}
