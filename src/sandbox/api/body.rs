//! What a write carries: its body as a document, or why it is none, in the words of the API server, which are those of Go's parser
//! of JSON. Source: `k8s.io/apimachinery`, `pkg/runtime/serializer/json`, and `k8s.io/apiserver`,
//! `pkg/endpoints/handlers/rest.go`, 1.34.

mod json;
mod keys;

pub(super) use keys::Key;

use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json as document};

use super::asked::Asked;
use crate::sandbox::ids::hexadecimal;
use crate::sandbox::protobuf;
use crate::sandbox::refusal::Refusal;

/// How much of a body is repeated when it is refused.
const SHOWN: usize = 30;

/// The document that a request carries; an empty one where it need not carry any.
pub(super) fn read(request: &Request<Bytes>, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let bytes = request.body();
    let is_object = [Method::POST, Method::PUT].contains(request.method()) && asked.route.sub.is_none();
    if bytes.is_empty() && !is_object {
        return Ok(document!({}));
    }
    if protobuf::is(bytes) {
        if let Some(body) = protobuf::object(bytes) {
            return Ok(body);
        }
        let message = "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml";
        return Err(Refusal::new(415, "UnsupportedMediaType", message));
    }
    // What is no JSON may be YAML where it says so, or where it is a patch: an apply is one.
    let is_json = is_object && !asked.kind.contains("yaml");
    let fault = match serde_json::from_slice(bytes) {
        Ok(Value::Object(map)) => {
            let is_again = asked.served.builtin && asked.keys.iter().any(|key| key.is_again);
            return Ok(keys::together(bytes).filter(|_| is_again).unwrap_or(Value::Object(map)));
        }
        Ok(other) if !is_object => return Ok(other),
        Ok(other) => mistyped(&other),
        Err(_) if is_json => json::fault(bytes).unwrap_or_else(|| "invalid UTF-8".to_owned()),
        Err(_) => match serde_yaml::from_str::<Value>(std::str::from_utf8(bytes).unwrap_or_default()) {
            Ok(Value::Object(map)) => return Ok(Value::Object(map)),
            Ok(other) if !is_object => return Ok(other),
            Ok(other) => mistyped(&other),
            Err(error) => return Err(unrecognized(asked, &error.to_string(), bytes)),
        },
    };
    Err(unrecognized(asked, &format!("couldn't get version/kind; json parse error: {fault}"), bytes))
}

/// The fields of a body of JSON as they were written. An apply is YAML, and read by another decoder.
pub(super) fn written(request: &Request<Bytes>, asked: &Asked<'_>) -> Vec<Key> {
    if asked.kind.contains("yaml") { Vec::new() } else { keys::keys(request.body()) }
}

fn unrecognized(asked: &Asked<'_>, fault: &str, bytes: &[u8]) -> Refusal {
    let kind = &asked.served.kind;
    let message = format!("the object provided is unrecognized (must be of type {kind}): {fault} ({})", summary(bytes));
    Refusal::new(400, "BadRequest", message)
}

/// A document that is no object.
fn mistyped(document: &Value) -> String {
    let word = match document {
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Bool(_) => "bool",
        _ => "number",
    };
    format!(
        "json: cannot unmarshal {word} into Go value of type struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}"
    )
}

/// The beginning of a body: as it is where it may be JSON, in hexadecimal digits elsewhere.
fn summary(bytes: &[u8]) -> String {
    let (shown, more) = if bytes.len() > SHOWN { (&bytes[..SHOWN], " ...") } else { (bytes, "") };
    match bytes.first() {
        None => "<empty>".to_owned(),
        Some(b'{') => format!("{}{more}", String::from_utf8_lossy(shown)),
        Some(_) => {
            format!("{}{more}", hexadecimal(shown))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_shown_as_far_as_it_helps() {
        assert_eq!(summary(b""), "<empty>");
        assert_eq!(summary(b"{not json"), "{not json");
        assert_eq!(summary(format!("{{{}", "a".repeat(40)).as_bytes()), format!("{{{} ...", "a".repeat(29)));
        assert_eq!(summary(b"[1]"), "5b315d");
    }

    #[test]
    fn what_is_no_object_is_named_by_its_type() {
        for (document, word) in [(document!([1]), "array"), (document!("a"), "string"), (document!(1), "number")] {
            assert!(mistyped(&document).starts_with(&format!("json: cannot unmarshal {word} into ")), "{document}");
        }
    }
}
