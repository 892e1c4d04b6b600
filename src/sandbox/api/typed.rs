//! Whether what was sent is of the type that it has to be, in the words of who looks: the decoder of a write, and the merge of an apply.

use serde_json::Value;

use super::Served;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::schema::{self, Schema};

/// What was sent can be read into its type, and with `fieldValidation=Strict` has no field that the type does not have; what a
/// definition does not know of a custom object is left out when it is stored.
pub(super) fn decoded(schema: Schema<'_>, object: &mut Value, served: &Served, is_strict: bool) -> Result<(), Refusal> {
    let unknown = if is_strict { schema::unknown(schema, object) } else { Vec::new() };
    if served.builtin
        && let Err(fault) = schema::decode(schema, object)
    {
        return Err(Refusal::undecodable(object, &fault));
    }
    if unknown.is_empty() {
        return Ok(());
    }
    let said: Vec<String> = unknown.iter().map(|field| format!("unknown field \"{field}\"")).collect();
    Err(Refusal::undecodable(object, &format!("strict decoding error: {}", said.join(", "))))
}

/// What an apply sends is of its type, or nobody could own it.
pub(super) fn typed(schema: Schema<'_>, wanted: &Value) -> Result<(), Refusal> {
    let Some(fault) = schema::misfit(schema, wanted) else { return Ok(()) };
    let place = |key: &str| wanted["metadata"][key].as_str().unwrap_or_default();
    let message = format!(
        "failed to create typed patch object ({}/{}; {}): {fault}",
        place("namespace"),
        place("name"),
        type_of(wanted)
    );
    Err(Refusal::new(500, "", message))
}

/// The type that an object says it is of, as Go prints it: `apps/v1, Kind=Deployment`, and `/v1, Kind=Pod` of the core group.
pub(super) fn type_of(object: &Value) -> String {
    let part = |key: &str| object[key].as_str().unwrap_or_default();
    let version = part("apiVersion");
    let slash = if version.contains('/') { "" } else { "/" };
    format!("{slash}{version}, Kind={}", part("kind"))
}
