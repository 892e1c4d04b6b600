//! Whether what was sent is of the type that it has to be, in the words of who looks: the decoder of a write, and the merge of an apply.

use serde_json::Value;

use super::Served;
use super::asked::{Asked, Validation};
use super::body::Key;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::schema::{self, Field, Schema};

/// What was sent can be read into its type. Fields that the type does not have, and such as are there twice, are refused or warned of.
pub(super) fn decoded(schema: Schema<'_>, object: &mut Value, asked: &Asked<'_>) -> Result<(), Refusal> {
    let found = doubtful(schema, object, asked);
    read(schema, object, asked.served)?;
    told(found, asked, |fault| Refusal::undecodable(object, fault))
}

/// What was found is refused, warned of or passed over, as it was asked for.
fn told(found: Vec<String>, asked: &Asked<'_>, refuse: impl FnOnce(&str) -> Refusal) -> Result<(), Refusal> {
    match asked.validation() {
        Validation::Strict if !found.is_empty() => {
            return Err(refuse(&format!("strict decoding error: {}", found.join(", "))));
        }
        Validation::Warn => asked.warn(found),
        Validation::Strict | Validation::Ignore => {}
    }
    Ok(())
}

/// The same of an object as a patch leaves it.
pub(super) fn patched(schema: Schema<'_>, object: &mut Value, patch: &Value, asked: &Asked<'_>) -> Result<(), Refusal> {
    let of_json = if patch.is_array() { "json patch " } else { "" };
    let again = asked.keys.iter().filter(|key| key.is_again);
    let mut found: Vec<String> = again.map(|key| format!("{of_json}duplicate field \"{}\"", key.path)).collect();
    let mut unknown = unknown(schema, object, asked.served);
    // A patched object is written out anew, by the letters of its fields.
    if asked.served.builtin {
        unknown.sort();
    }
    found.extend(unknown.iter().map(|field| format!("unknown field \"{field}\"")));
    let whole = object.to_string();
    read(schema, object, asked.served)?;
    told(found, asked, |fault| {
        let is_strategic = asked.kind.starts_with("application/strategic");
        let shown = if is_strategic { in_go(patch) } else { whole };
        let fault = format!("Invalid value: {}: {fault}", Value::from(shown));
        Refusal::invalid("", "", "", &[("patch".to_owned(), fault)])
    })
}

fn read(schema: Schema<'_>, object: &mut Value, served: &Served) -> Result<(), Refusal> {
    if !served.builtin {
        // What a definition does not know is left out when it is stored; metadata are of a type like any other.
        if let (Field::Known(schema), Some(metadata)) = (schema.field("metadata"), object.get_mut("metadata")) {
            schema::prune(schema, metadata);
        }
        return Ok(());
    }
    schema::decode(schema, object).map_err(|fault| Refusal::undecodable(object, &fault))
}

/// Unknown fields. Those of a custom object's metadata are found first, the others when it is pruned, sorted.
fn unknown(schema: Schema<'_>, object: &Value, served: &Served) -> Vec<String> {
    let mut found = schema::unknown(schema, object);
    if !served.builtin {
        found.sort_by_key(|field| (!field.starts_with("metadata."), field.clone()));
    }
    found
}

/// What a strict decoder finds fault with: in the order of the document, or that of a custom object.
fn doubtful(schema: Schema<'_>, object: &Value, asked: &Asked<'_>) -> Vec<String> {
    let unknown = unknown(schema, object, asked.served);
    let said = |field: &str| format!("unknown field \"{field}\"");
    let again = |key: &Key| format!("duplicate field \"{}\"", key.path);
    if !asked.served.builtin || asked.keys.is_empty() {
        let again = asked.keys.iter().filter(|key| key.is_again).map(again);
        return again.chain(unknown.iter().map(|field| said(field))).collect();
    }
    let mut found = Vec::new();
    for key in &asked.keys {
        let fault = if key.is_again {
            again(key)
        } else if unknown.contains(&key.path) {
            said(&key.path)
        } else {
            continue;
        };
        if !found.contains(&fault) {
            found.push(fault);
        }
    }
    found
}

/// A value as Go prints it with `%+v`.
fn in_go(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut fields: Vec<(&String, &Value)> = map.iter().collect();
            fields.sort_by_key(|(name, _)| name.as_str());
            let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}:{}", in_go(value))).collect();
            format!("map[{}]", fields.join(" "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(in_go).collect::<Vec<_>>().join(" ")),
        Value::String(text) => text.clone(),
        Value::Null => "<nil>".to_owned(),
        other => other.to_string(),
    }
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

#[test]
fn a_patch_is_shown_as_go_prints_it() {
    let patch = serde_json::json!({"spec": {"b": [{"n": null}, 1.5], "a": "x"}, "flag": true});
    assert_eq!(in_go(&patch), "map[flag:true spec:map[a:x b:[map[n:<nil>] 1.5]]]");
}
