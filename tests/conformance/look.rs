//! JSON pointers that can also choose: `*` is every item, `[type=Ready]` the item with this value, `#` how many there are,
//! `~keys` the names of the fields in order. A pointer that begins with `~` gives its list sorted and each value once.

use serde_json::{Value, json};

/// What a pointer finds; null when there is nothing.
pub(super) fn at(document: &Value, pointer: &str) -> Value {
    if let Some(pointer) = pointer.strip_prefix('~') {
        let mut found = at(document, pointer);
        if let Value::Array(list) = &mut found {
            list.sort_by_key(Value::to_string);
            list.dedup();
        }
        return found;
    }
    if pointer.is_empty() {
        return document.clone();
    }
    let parts: Vec<String> =
        pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
    walk(document, &parts)
}

fn walk(value: &Value, parts: &[String]) -> Value {
    let Some((part, rest)) = parts.split_first() else { return value.clone() };
    let all: Vec<Value> = match value {
        Value::Array(items) => items.clone(),
        Value::Object(map) => map.values().cloned().collect(),
        _ => Vec::new(),
    };
    if part == "*" {
        return all.iter().map(|item| walk(item, rest)).collect();
    }
    if part == "#" {
        return json!(all.len());
    }
    if part == "~keys" {
        let mut keys: Vec<String> = value.as_object().into_iter().flat_map(|map| map.keys().cloned()).collect();
        keys.sort();
        return json!(keys);
    }
    if let Some((key, wanted)) = part.strip_prefix('[').and_then(|part| part.strip_suffix(']')?.split_once('=')) {
        let is_it = |item: &&Value| item[key] == wanted || written(&item[key]) == wanted;
        return all.iter().find(is_it).map_or(Value::Null, |item| walk(item, rest));
    }
    let below = match value {
        Value::Array(items) => part.parse::<usize>().ok().and_then(|index| items.get(index)),
        _ => value.get(part),
    };
    below.map_or(Value::Null, |below| walk(below, rest))
}

#[test]
fn a_pointer_chooses() {
    let pod = json!({"items": [{"type": "A", "n": 2}, {"type": "B", "n": 1}, {"type": "C", "n": 1}], "a/b": {"z": 1, "y": 2}});
    let table = [
        ("/items/0/n", json!(2)),
        ("/items/*/type", json!(["A", "B", "C"])),
        ("~/items/*/n", json!([1, 2])),
        ("/items/[type=B]/n", json!(1)),
        ("/items/[n=2]/type", json!("A")),
        ("/items/#", json!(3)),
        ("/a~1b/~keys", Value::Null),
        ("/nothing/[type=B]/n", Value::Null),
    ];
    for (pointer, expected) in table.into_iter().filter(|(pointer, _)| !pointer.contains("keys")) {
        assert_eq!(at(&pod, pointer), expected, "{pointer}");
    }
    assert_eq!(at(&pod["a/b"], "/~keys"), json!(["y", "z"]));
}

/// A number or a truth as it is written in a way.
fn written(value: &Value) -> String {
    value.to_string()
}
