//! The bit of Protobuf that kubectl cannot do without: it asks what it may do (`auth can-i`) in it, whatever the server accepts.
//! Everything else that comes in Protobuf is answered 415, as by an API server that does not know the type.
//!
//! Source: Kubernetes, `apimachinery/pkg/runtime/serializer/protobuf` (the envelope) and `api/authorization/v1/generated.proto`.

use serde_json::{Map, Value};

/// What an envelope begins with.
const MAGIC: &[u8] = b"k8s\0";
/// Fields of `ResourceAttributes`, by their number from 1.
const ATTRIBUTES: [&str; 7] = ["namespace", "verb", "group", "version", "resource", "subresource", "name"];

/// Whether a body is Protobuf.
pub(super) fn is(body: &[u8]) -> bool {
    body.starts_with(MAGIC)
}

/// A review of the own access, as it would be in JSON. `None`: it is not well formed.
pub(super) fn access_review(body: &[u8]) -> Option<Value> {
    let unknown = fields(body.strip_prefix(MAGIC)?)?;
    let kind = fields(part(&unknown, 1)?)?;
    let word = |number| part(&kind, number).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let mut review = Map::from_iter([
        ("apiVersion".to_owned(), Value::from(word(1)?)),
        ("kind".to_owned(), Value::from(word(2)?)),
        ("metadata".to_owned(), Value::Object(Map::new())),
    ]);
    let spec = fields(part(&fields(part(&unknown, 2)?)?, 2)?)?;
    if let Some(resource) = part(&spec, 1) {
        let told = fields(resource)?;
        let attributes = ATTRIBUTES.iter().enumerate().filter_map(|(index, name)| {
            let bytes = part(&told, index + 1).filter(|bytes| !bytes.is_empty())?;
            Some(((*name).to_owned(), Value::from(String::from_utf8_lossy(bytes).into_owned())))
        });
        let attributes = Value::Object(attributes.collect());
        review
            .insert("spec".to_owned(), Value::Object(Map::from_iter([("resourceAttributes".to_owned(), attributes)])));
    }
    Some(Value::Object(review))
}

/// The fields of a message whose values have a length, by their number; numbers are passed over.
fn fields(mut bytes: &[u8]) -> Option<Vec<(usize, &[u8])>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        match key & 7 {
            0 => {
                varint(&mut bytes)?;
            }
            2 => {
                let length = varint(&mut bytes)?;
                let (value, rest) = bytes.split_at_checked(length)?;
                found.push((key >> 3, value));
                bytes = rest;
            }
            _ => return None,
        }
    }
    Some(found)
}

fn part<'a>(fields: &[(usize, &'a [u8])], number: usize) -> Option<&'a [u8]> {
    fields.iter().find(|(known, _)| *known == number).map(|(_, value)| *value)
}

fn varint(bytes: &mut &[u8]) -> Option<usize> {
    let mut number = 0_usize;
    for shift in (0..usize::BITS).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= usize::from(first & 0x7f).checked_shl(shift)?;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn field(number: u8, value: &[u8]) -> Vec<u8> {
        let length = u8::try_from(value.len()).unwrap();
        [&[number << 3 | 2, length], value].concat()
    }

    #[test]
    fn a_review_of_access_is_read() {
        let attributes = [field(1, b"sea"), field(2, b"create"), field(5, b"pods")].concat();
        let review = field(2, &field(1, &attributes));
        let kind = [field(1, b"authorization.k8s.io/v1"), field(2, b"SelfSubjectAccessReview")].concat();
        let body = [MAGIC, &field(1, &kind), &field(2, &review)].concat();
        assert!(is(&body));
        let read = access_review(&body).unwrap();
        assert_eq!(read["kind"], "SelfSubjectAccessReview");
        assert_eq!(
            read["spec"]["resourceAttributes"],
            json!({"namespace": "sea", "verb": "create", "resource": "pods"})
        );
        for cut in 0..body.len() {
            // Whatever is cut off: no panic.
            let _ = access_review(&body[..cut]);
        }
    }
}
