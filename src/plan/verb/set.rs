//! Setting single fields of an object, only as long as they are as they were seen. What they were stands in the plan: it can be undone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Standing;
use super::words::shown;
use crate::object::text;
use crate::plan::FieldChange;

/// Annotation in which an object says what fields of it were before a recovery set them for a while: a JSON object of pointers, each with its
/// value, or null where there was none. It outlives a recovery that was given up, and the machine that it ran on.
const BEFORE: &str = "seaworthy.dev/before-recovery";

/// A field, as it was seen and as it is to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// JSON pointer (RFC 6901).
    pub pointer: String,
    /// What it was; `None`: not there.
    #[serde(default)]
    pub now: Option<Value>,
    /// What it is to be; `None`: not there.
    #[serde(default)]
    pub wanted: Option<Value>,
}

impl Field {
    /// The field that is to be as wanted, from the live object. `None` when it is already.
    pub fn of(live: &Value, pointer: &str, wanted: Option<Value>) -> Option<Self> {
        let now = live.pointer(pointer).cloned();
        (now != wanted).then(|| Self { pointer: pointer.to_owned(), now, wanted })
    }

    /// The same, back again.
    #[must_use]
    pub fn back(&self) -> Self {
        Self { pointer: self.pointer.clone(), now: self.wanted.clone(), wanted: self.now.clone() }
    }

    /// As a plan shows it.
    pub(super) fn shown(&self) -> FieldChange {
        FieldChange { path: path(&self.pointer), now: self.now.clone(), wanted: self.wanted.clone() }
    }
}

/// Fields that are set for a while, and how they are put back.
#[derive(Debug, Clone, PartialEq)]
pub struct Meanwhile {
    /// What is set; the first of it is what stands in the annotation of the object. Nothing: an earlier recovery has done so.
    pub set: Vec<Field>,
    /// What is put back, and the annotation taken away.
    pub back: Vec<Field>,
}

impl Meanwhile {
    /// Each pointer with what it is to be. What an earlier recovery has set and not put back comes back as it was before that one. `None`:
    /// all of them are so by themselves.
    pub fn of(live: &Value, wanted: impl IntoIterator<Item = (String, Option<Value>)>) -> Option<Self> {
        let mut known = before(live);
        let mut originals = known.clone();
        let (mut set, mut back) = (Vec::new(), Vec::new());
        for (pointer, value) in wanted {
            let now = live.pointer(&pointer).cloned();
            let original = match known.remove(&pointer) {
                Some(original) => original,
                None if now == value => continue,
                None => now,
            };
            originals.insert(pointer.clone(), original.clone());
            set.extend(Field::of(live, &pointer, value.clone()));
            back.push(Field { pointer, now: value, wanted: original });
        }
        if back.is_empty() {
            return None;
        }
        let note = |fields: &BTreeMap<String, Option<Value>>| Some(Value::from(json!(fields).to_string()));
        let pointer = note_pointer();
        if let Some(first) = Field::of(live, &pointer, note(&originals)) {
            set.insert(0, first);
        }
        // What another recovery has set stays noted.
        let left = if known.is_empty() { None } else { note(&known) };
        back.push(Field { pointer, now: note(&originals), wanted: left });
        Some(Self { set, back })
    }
}

/// Whether a recovery has set this field of an object, and not put it back.
pub fn is_set_meanwhile(live: &Value, pointer: &str) -> bool {
    before(live).contains_key(pointer)
}

fn note_pointer() -> String {
    format!("/metadata/annotations/{}", escaped(BEFORE))
}

fn before(live: &Value) -> BTreeMap<String, Option<Value>> {
    let note = live["metadata"]["annotations"][BEFORE].as_str();
    note.and_then(|note| serde_json::from_str(note).ok()).unwrap_or_default()
}

/// Whether these fields are the end of a while: what was noted is taken away.
pub fn ends_a_while(fields: &[Field]) -> Option<bool> {
    let pointer = note_pointer();
    let note = fields.iter().find(|field| field.pointer == pointer)?;
    let count = |value: &Option<Value>| {
        let text = value.as_ref().and_then(Value::as_str);
        text.and_then(|text| serde_json::from_str::<BTreeMap<String, Value>>(text).ok()).map_or(0, |noted| noted.len())
    };
    Some(count(&note.wanted) < count(&note.now))
}

/// As people write it: `metadata.annotations[a.b/c]`, `webhooks[0].failurePolicy`.
fn path(pointer: &str) -> String {
    let mut path = String::new();
    for part in pointer.split('/').skip(1).map(unescaped) {
        let plain = part.chars().all(|letter| letter.is_ascii_alphanumeric())
            && !part.starts_with(|c: char| c.is_ascii_digit());
        match (plain, path.is_empty()) {
            (true, true) => path.push_str(&part),
            (true, false) => path.extend([".", &part]),
            (false, _) => path.extend(["[", &part, "]"]),
        }
    }
    path
}

fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

/// A name as a part of a JSON pointer.
pub fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// How the fields stand in the live object.
pub(super) fn standing(live: &Value, fields: &[Field]) -> Standing {
    let is = |field: &Field, value: &Option<Value>| live.pointer(&field.pointer) == value.as_ref();
    if fields.iter().all(|field| is(field, &field.wanted)) {
        return Standing::Proven {
            note: fields.iter().map(|field| said(field, field.wanted.as_ref())).collect::<Vec<_>>().join(", "),
        };
    }
    match fields.iter().find(|field| !is(field, &field.wanted) && !is(field, &field.now)) {
        None => Standing::Open {
            progress: fields.iter().map(|field| said(field, field.now.as_ref())).collect::<Vec<_>>().join(", "),
        },
        Some(field) => {
            let there = live.pointer(&field.pointer);
            let why = format!(
                "{}; it was seen with {}; {}",
                said(field, there),
                said(field, field.now.as_ref()),
                shown(Some(live))
            );
            Standing::Shut { why }
        }
    }
}

fn said(field: &Field, value: Option<&Value>) -> String {
    match value {
        Some(value) => format!("{} is {value}", path(&field.pointer)),
        None => format!("{} is not set", path(&field.pointer)),
    }
}

/// The JSON patch (RFC 6902) that sets them in this very state of the object: uid and resource version are replaced by
/// themselves, which the server refuses (409) when they are others.
pub fn patch(live: &Value, fields: &[Field]) -> Value {
    let mut steps = Vec::new();
    for part in ["uid", "resourceVersion"] {
        let value = text(live, &format!("/metadata/{part}")).unwrap_or_default();
        steps.push(json!({"op": "replace", "path": format!("/metadata/{part}"), "value": value}));
    }
    let mut made = BTreeSet::new();
    for field in fields {
        let is_there = live.pointer(&field.pointer).is_some();
        match &field.wanted {
            Some(value) => {
                let above = missing(live, &field.pointer).filter(|above| made.insert(*above));
                steps.extend(above.map(|above| json!({"op": "add", "path": above, "value": {}})));
                let op = if is_there { "replace" } else { "add" };
                steps.push(json!({"op": op, "path": field.pointer, "value": value}));
                made.insert(&field.pointer);
            }
            None if is_there => steps.push(json!({"op": "remove", "path": field.pointer})),
            None => {}
        }
    }
    steps.into()
}

/// The same without what binds it to a state, for a command that a person may type.
pub(super) fn plain(fields: &[Field]) -> Value {
    let step = |field: &Field| match &field.wanted {
        // In a list `add` puts one in between.
        Some(value) if field.now.is_some() => json!({"op": "replace", "path": field.pointer, "value": value}),
        Some(value) => json!({"op": "add", "path": field.pointer, "value": value}),
        None => json!({"op": "remove", "path": field.pointer}),
    };
    // Who types it remembers what it was.
    let note = note_pointer();
    fields.iter().filter(|field| field.pointer != note).map(step).collect()
}

/// The objects above a field that are not there, from the top.
fn missing<'a>(live: &Value, pointer: &'a str) -> impl Iterator<Item = &'a str> {
    let above = pointer.match_indices('/').map(|(at, _)| &pointer[..at]).filter(|above| !above.is_empty());
    above.filter(|above| live.pointer(above).is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(pointer: &str, now: Option<Value>, wanted: Option<Value>) -> Field {
        Field { pointer: pointer.to_owned(), now, wanted }
    }

    fn live() -> Value {
        json!({"metadata": {"name": "x", "uid": "u", "resourceVersion": "7"}, "spec": {"paused": true},
            "webhooks": [{"name": "a", "failurePolicy": "Fail"}]})
    }

    fn patched(fields: &[Field]) -> Value {
        let mut after = live();
        let steps: json_patch::Patch = serde_json::from_value(patch(&after, fields)).unwrap();
        json_patch::patch(&mut after, &steps).unwrap();
        after
    }

    #[test]
    fn a_field_is_set_where_its_parents_are_missing_too_and_back_again() {
        let fields = [
            field("/spec/paused", Some(true.into()), None),
            field("/metadata/annotations/a.b~1c", None, Some("1".into())),
            field("/metadata/annotations/d", None, Some("2".into())),
            field("/webhooks/0/failurePolicy", Some("Fail".into()), Some("Ignore".into())),
        ];
        let after = patched(&fields);
        assert_eq!(after["spec"], json!({}));
        assert_eq!(after["metadata"]["annotations"], json!({"a.b/c": "1", "d": "2"}));
        assert_eq!(after["webhooks"][0], json!({"name": "a", "failurePolicy": "Ignore"}));
        assert!(matches!(standing(&after, &fields), Standing::Proven { .. }));
        let back: Vec<Field> = fields.iter().map(Field::back).collect();
        let steps: json_patch::Patch = serde_json::from_value(patch(&after, &back)).unwrap();
        let mut again = after;
        json_patch::patch(&mut again, &steps).unwrap();
        again["metadata"].as_object_mut().unwrap().remove("annotations");
        assert_eq!(again, live());
    }

    #[test]
    fn what_was_set_for_a_while_is_put_back_by_whoever_comes_next() {
        let wanted = || [("/spec/paused".to_owned(), None), ("/spec/size".to_owned(), Some(json!(3)))];
        let first = Meanwhile::of(&live(), wanted()).unwrap();
        assert_eq!(
            (first.set.len(), ends_a_while(&first.set), ends_a_while(&first.back)),
            (3, Some(false), Some(true))
        );
        let apply = |object: &Value, fields: &[Field]| {
            let mut after = object.clone();
            let steps: json_patch::Patch = serde_json::from_value(patch(&after, fields)).unwrap();
            json_patch::patch(&mut after, &steps).unwrap();
            after
        };
        let held = apply(&live(), &first.set);
        assert_eq!(held["spec"], json!({"size": 3}));
        // It was given up, and another begins from what is there.
        let second = Meanwhile::of(&held, wanted()).unwrap();
        assert_eq!(second.set, []);
        let mut back = apply(&held, &second.back);
        assert_eq!(back["metadata"].as_object_mut().unwrap().remove("annotations"), Some(json!({})));
        assert_eq!(back, live());
        // One that wants something else leaves alone what the first one has noted.
        let other = Meanwhile::of(&held, [("/spec/other".to_owned(), Some(json!(true)))]).unwrap();
        let after = apply(&apply(&held, &other.set), &other.back);
        assert_eq!(after, held);
        assert_eq!(Meanwhile::of(&live(), [("/spec/paused".to_owned(), Some(json!(true)))]), None);
    }

    #[test]
    fn what_somebody_else_has_set_meanwhile_is_left_alone() {
        let other = [field("/spec/paused", Some(false.into()), None)];
        match standing(&live(), &other) {
            Standing::Shut { why } => {
                assert!(why.starts_with("spec.paused is true; it was seen with spec.paused is false"), "{why}");
            }
            standing => panic!("{standing:?}"),
        }
        assert!(matches!(standing(&live(), &[field("/spec/paused", Some(true.into()), None)]), Standing::Open { .. }));
    }

    #[test]
    fn a_path_reads_as_people_write_it() {
        assert_eq!(
            path("/metadata/annotations/storageclass.kubernetes.io~1is-default-class"),
            "metadata.annotations[storageclass.kubernetes.io/is-default-class]"
        );
        assert_eq!(path("/webhooks/0/failurePolicy"), "webhooks[0].failurePolicy");
    }
}
