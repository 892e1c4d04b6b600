//! Values of Secrets that nobody gives now: they are in no journal, no record and no file, only in the cluster. What was written there before is
//! taken from there; what is to be made at random is made when it is not there yet. What stands in their place must never be written.

use k8s_openapi::ByteString;
use rustix::rand::{GetRandomFlags, getrandom};
use serde_json::Value;

use crate::doctor::Cause;
use crate::engine::secret_needed;
use crate::object::ObjectRef;
use crate::plan::difference::{HIDDEN, hides_values};
use crate::snapshot::Snapshot;
use crate::stack::values::MADE;

/// How long a secret is that is made: 24 of 62 characters are 142 bits.
const LENGTH: usize = 24;
/// What it is made of: nothing that a shell, a URL or a configuration file takes for something else.
const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Puts in what is known of a Secret's values.
pub fn fill(object: &mut Value, snapshot: &Snapshot) {
    if object["kind"] != "Secret" {
        return;
    }
    let live = ObjectRef::of(object).and_then(|secret| snapshot.get(&secret));
    for field in ["data", "stringData"] {
        let values = object.get_mut(field).and_then(Value::as_object_mut).into_iter().flatten();
        for (key, value) in values.filter(|(_, value)| *value == HIDDEN || *value == MADE) {
            let kept = live.and_then(|live| live["data"].get(key));
            match kept.and_then(|kept| if field == "data" { Some(kept.clone()) } else { as_text(kept) }) {
                Some(kept) => *value = kept,
                None if *value == MADE => *value = made().map_or_else(|| HIDDEN.into(), Value::from),
                None => {}
            }
        }
    }
}

/// The Secrets of which a value is still missing, as refusals, and all other objects.
pub(super) fn told<'a>(objects: impl Iterator<Item = &'a Value>) -> (Vec<Cause>, Vec<&'a Value>) {
    let (needed, known): (Vec<&Value>, Vec<&Value>) = objects.partition(|object| hides_values(object));
    (needed.into_iter().filter_map(ObjectRef::of).map(|secret| secret_needed(&secret)).collect(), known)
}

fn as_text(value: &Value) -> Option<Value> {
    let bytes: ByteString = serde_json::from_value(value.clone()).ok()?;
    String::from_utf8(bytes.0).ok().map(Value::from)
}

/// A secret from the kernel's own random numbers; none when the kernel has none to give.
pub fn made() -> Option<String> {
    let mut secret = String::with_capacity(LENGTH);
    let mut bytes = [0_u8; 64];
    while secret.len() < LENGTH {
        let read = getrandom(&mut bytes, GetRandomFlags::empty()).ok()?;
        // Larger ones would make the first letters likelier than the others.
        let even = bytes[..read].iter().filter(|byte| usize::from(**byte) < 256 / LETTERS.len() * LETTERS.len());
        let letters = even.map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]));
        secret.extend(letters.take(LENGTH - secret.len()));
    }
    Some(secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn secret(values: &Value) -> Value {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "n"}, "stringData": values})
    }

    #[test]
    fn what_the_cluster_has_is_kept_and_what_it_lacks_is_made_or_asked_for() {
        let mut snapshot = Snapshot::default();
        let mut live = secret(&json!({}));
        live["data"] = json!({"kept": "aHVudGVyMg==", "made": "b2xk"});
        snapshot.insert(live);
        let wanted = json!({"kept": HIDDEN, "made": MADE, "given": "new"});
        let mut again = secret(&wanted);
        fill(&mut again, &snapshot);
        assert_eq!(again["stringData"], json!({"kept": "hunter2", "made": "old", "given": "new"}));
        let mut first = secret(&wanted);
        fill(&mut first, &Snapshot::default());
        assert_eq!(first["stringData"]["kept"], HIDDEN);
        let (needed, known) = told([&first, &again].into_iter());
        assert_eq!((needed.len(), known.len()), (1, 1));
        let mut map = json!({"kind": "ConfigMap", "data": {"a": MADE}});
        fill(&mut map, &Snapshot::default());
        assert_eq!(map["data"]["a"], MADE, "only Secrets have secrets");
    }

    #[test]
    fn secrets_that_are_made_are_long_and_differ() {
        let (one, other) = (made().unwrap(), made().unwrap());
        assert_ne!(one, other);
        assert!(one.len() == LENGTH && one.bytes().all(|byte| LETTERS.contains(&byte)), "{one}");
    }
}
