//! Is what is live what we want? Decided from the live object and its managed fields, without asking the server.
//!
//! Server-side apply records which fields each manager owns (`metadata.managedFields`, in the format `FieldsV1`;
//! Kubernetes documentation, "Server-Side Apply"; structured-merge-diff v4/v6 `fieldpath`). An apply changes nothing
//! exactly when the fields that we own are the fields that we would send and each has the value that we would send. The
//! walk below checks that, and finds on the way the fields that somebody else owns with another value: the conflicts that
//! the server would refuse.

mod equal;

use std::borrow::Cow;

use k8s_openapi::ByteString;
use serde_json::{Map, Value};

use super::FIELD_MANAGER;
use crate::object::{items, text};
use equal::{Equality, compare_leaf, is_empty};

/// Who is said to own a number of replicas that nobody owns. A scale to 0 goes through `autoscaling/v1` Scale, which leaves
/// out a 0, so that the API server takes the field from its owner and gives it to nobody, and leaves it so when it is scaled
/// up again (seen with Kubernetes 1.34). Only the default, 1, is owned by nobody without that.
pub const UNNAMED_SCALER: &str = "kubectl scale or an autoscaler";

/// What the walk found.
#[derive(Debug, Default)]
pub struct Comparison {
    /// Fields that an apply would change, or would make ours. Empty: an apply changes nothing.
    pub changed: Vec<Changed>,
    /// The live object holds more inside a field of ours than we wrote: defaults of the server, most likely. Only the
    /// server can tell.
    pub unsure: bool,
}

/// A field that an apply would change.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// As people write it.
    pub path: String,
    /// JSON pointer in the wanted object (for a removed field: where it would be).
    pub pointer: String,
    /// The value now.
    pub now: Option<Value>,
    /// The value wanted.
    pub wanted: Option<Value>,
    /// Other managers that own the field now, when the value would change.
    pub owners: Vec<String>,
    /// The field is an item of a list and somebody else's item stands in its place, under another key but with the same
    /// name (the port of a Service that was given another number). The key of that item, as `FieldsV1` writes it.
    pub rival: Option<String>,
}

impl Comparison {
    /// Whether an apply is known to change nothing.
    pub fn is_same(&self) -> bool {
        self.changed.is_empty() && !self.unsure
    }

    /// Whether an apply alone cannot succeed, because somebody else's list items have to go first.
    pub fn has_rivals(&self) -> bool {
        self.changed.iter().any(|changed| changed.rival.is_some())
    }

    /// The fields that somebody else owns with another value.
    pub fn conflicts(&self) -> impl Iterator<Item = &Changed> {
        self.changed.iter().filter(|changed| !changed.owners.is_empty())
    }
}

/// Compares what we want with what is live.
pub fn compare(wanted: &Value, live: &Value) -> Comparison {
    let empty = Value::Object(Map::new());
    let mut ours = None;
    let mut others = Vec::new();
    for entry in items(live, "/metadata/managedFields") {
        let manager = text(entry, "/manager").unwrap_or_default();
        // Status has its own writers and is never applied by us.
        if entry.get("subresource").is_some_and(|s| s == "status") {
            continue;
        }
        let fields = entry.get("fieldsV1").unwrap_or(&empty);
        if manager == FIELD_MANAGER && text(entry, "/operation") == Some("Apply") {
            ours = Some(fields);
        } else {
            others.push(Owner { manager, fields });
        }
    }
    let mut walk = Walk { result: Comparison::default() };
    let live = with_string_data(wanted, live);
    walk.value(&Place::root(), Sides { ours, others: &others, wanted: Some(wanted), live: Some(&live) });
    walk.result
}

/// The live object as somebody who wrote `stringData` would read it back: the server keeps it under `data`, but records
/// our ownership under the name that we wrote.
fn with_string_data<'a>(wanted: &Value, live: &'a Value) -> Cow<'a, Value> {
    let Some(names) = wanted.get("stringData").and_then(Value::as_object).filter(|_| wanted["kind"] == "Secret") else {
        return Cow::Borrowed(live);
    };
    let decoded = |name: &String| {
        let bytes: ByteString = serde_json::from_value(live.get("data")?.get(name)?.clone()).ok()?;
        Some((name.clone(), Value::from(String::from_utf8(bytes.0).ok()?)))
    };
    let mut live = live.clone();
    live["stringData"] = Value::Object(names.keys().filter_map(decoded).collect());
    Cow::Owned(live)
}

#[derive(Clone, Copy)]
struct Owner<'a> {
    manager: &'a str,
    fields: &'a Value,
}

/// The same place seen from all sides.
#[derive(Clone, Copy)]
struct Sides<'a, 'o> {
    /// The fields below this place that we own; `None`: nothing here is ours.
    ours: Option<&'a Value>,
    others: &'o [Owner<'a>],
    wanted: Option<&'a Value>,
    live: Option<&'a Value>,
}

/// Where the walk is.
#[derive(Clone)]
struct Place {
    path: String,
    pointer: String,
}

impl Place {
    fn root() -> Self {
        Self { path: String::new(), pointer: String::new() }
    }

    fn key(&self, key: &str) -> Self {
        let name = if key.contains(['.', '/', '[']) { format!("[{key}]") } else { format!(".{key}") };
        let path = format!("{}{name}", self.path);
        Self {
            path: path.strip_prefix('.').map_or_else(|| path.clone(), str::to_owned),
            pointer: format!("{}/{}", self.pointer, key.replace('~', "~0").replace('/', "~1")),
        }
    }

    fn item(&self, label: &str, index: Option<usize>) -> Self {
        let index = index.map_or_else(|| "-".to_owned(), |index| index.to_string());
        Self { path: format!("{}[{label}]", self.path), pointer: format!("{}/{index}", self.pointer) }
    }

    fn is_root(&self) -> bool {
        self.pointer.is_empty()
    }

    fn is_identity(&self, key: &str) -> bool {
        match self.pointer.as_str() {
            "" => matches!(key, "apiVersion" | "kind" | "status"),
            "/metadata" => matches!(key, "name" | "namespace" | "managedFields" | "resourceVersion" | "uid"),
            _ => false,
        }
    }
}

struct Walk {
    result: Comparison,
}

fn child<'a>(fields: Option<&'a Value>, key: &str) -> Option<&'a Value> {
    fields.and_then(|fields| fields.get(key))
}

fn narrow<'a>(others: &[Owner<'a>], key: &str) -> Vec<Owner<'a>> {
    others
        .iter()
        .filter_map(|owner| owner.fields.get(key).map(|fields| Owner { manager: owner.manager, fields }))
        .collect()
}

/// How the fields below a place are recorded.
fn has_children(fields: &Value, prefix: &str) -> bool {
    fields.as_object().is_some_and(|map| map.keys().any(|key| key.starts_with(prefix)))
}

impl Walk {
    fn value(&mut self, place: &Place, sides: Sides<'_, '_>) {
        let recorded = |prefix| {
            sides.ours.is_some_and(|fields| has_children(fields, prefix))
                || (sides.ours.is_none() && sides.others.iter().any(|owner| has_children(owner.fields, prefix)))
        };
        match (sides.wanted, sides.ours) {
            (None, None) => {}
            (Some(Value::Object(_)), _) if place.is_root() || recorded("f:") => self.map(place, sides),
            (Some(Value::Array(_)), _) if recorded("k:") => self.keyed_list(place, sides),
            (Some(Value::Array(wanted)), Some(ours)) if has_children(ours, "v:") => {
                self.set(place, ours, wanted, sides);
            }
            (None, Some(ours))
                if has_children(ours, "f:") && !ours.as_object().is_some_and(|m| m.contains_key(".")) =>
            {
                self.map(place, sides);
            }
            _ => self.leaf(place, sides),
        }
    }

    fn map(&mut self, place: &Place, sides: Sides<'_, '_>) {
        let wanted = sides.wanted.and_then(Value::as_object);
        let keys_wanted = wanted.into_iter().flat_map(Map::keys).map(String::as_str);
        let keys_ours = sides.ours.and_then(Value::as_object).into_iter().flat_map(Map::keys);
        let keys_gone = keys_ours
            .filter_map(|key| key.strip_prefix("f:"))
            .filter(|key| !wanted.is_some_and(|w| w.contains_key(*key)));
        for key in keys_wanted.chain(keys_gone).filter(|key| !place.is_identity(key)) {
            let field = format!("f:{key}");
            let others = narrow(sides.others, &field);
            let below = Sides {
                ours: child(sides.ours, &field),
                others: &others,
                wanted: wanted.and_then(|wanted| wanted.get(key)),
                live: sides.live.and_then(|live| live.get(key)),
            };
            self.value(&place.key(key), below);
        }
    }

    /// A list whose items are known by key fields (`x-kubernetes-list-type: map`).
    fn keyed_list(&mut self, place: &Place, sides: Sides<'_, '_>) {
        let wanted = sides.wanted.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let live = sides.live.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let recorded = sides.ours.into_iter().chain(sides.others.iter().map(|owner| owner.fields));
        let Some(key_names) = recorded.filter_map(Value::as_object).flat_map(Map::keys).find_map(|key| key_names(key))
        else {
            return self.leaf(place, sides);
        };
        for (index, item) in wanted.iter().enumerate() {
            let key = item_key(item, &key_names);
            let field = |fields: &Value| find_item(fields, &key).map(str::to_owned);
            let ours = sides.ours.and_then(|fields| field(fields).and_then(|name| fields.get(name)));
            let others: Vec<Owner<'_>> = sides
                .others
                .iter()
                .filter_map(|owner| {
                    let fields = owner.fields.get(field(owner.fields)?)?;
                    Some(Owner { manager: owner.manager, fields })
                })
                .collect();
            let place = place.item(&label(&key), Some(index));
            if let Some(rival) = rival(item, (wanted, live), &key_names, sides.others) {
                self.result.changed.push(Changed { path: place.path, pointer: place.pointer, ..rival });
                continue;
            }
            let live = live.iter().find(|item| item_key(item, &key_names) == key);
            let below = Sides { ours, others: &others, wanted: Some(item), live };
            self.item(&place, below);
        }
        self.result.unsure |= order_matters(place) && in_other_order(wanted, live, &key_names);
        let gone = sides.ours.and_then(Value::as_object).into_iter().flat_map(Map::keys).filter_map(|name| {
            let key: Value = serde_json::from_str(name.strip_prefix("k:")?).ok()?;
            (!wanted.iter().any(|item| item_key(item, &key_names) == key)).then_some(key)
        });
        for key in gone {
            let now = live.iter().find(|item| item_key(item, &key_names) == key).cloned();
            self.changed(&place.item(&label(&key), None), now, None, Vec::new());
        }
    }

    /// An item of a keyed list: its own fields, or, where it is not there at all, the item as a whole.
    fn item(&mut self, place: &Place, sides: Sides<'_, '_>) {
        if sides.live.is_none() {
            return self.changed(place, None, sides.wanted.cloned(), Vec::new());
        }
        // An item without fields of its own is owned as a whole (imagePullSecrets).
        if sides.ours.and_then(Value::as_object).is_some_and(Map::is_empty) {
            return self.leaf(place, sides);
        }
        self.map(place, sides);
    }

    /// A list of scalars that is a set (finalizers).
    fn set(&mut self, place: &Place, ours: &Value, wanted: &[Value], sides: Sides<'_, '_>) {
        let owned: Vec<Value> = ours
            .as_object()
            .into_iter()
            .flat_map(Map::keys)
            .filter_map(|key| serde_json::from_str(key.strip_prefix("v:")?).ok())
            .collect();
        let live = sides.live.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let same = owned.len() == wanted.len() && wanted.iter().all(|item| owned.contains(item) && live.contains(item));
        if !same {
            self.changed(place, sides.live.cloned(), sides.wanted.cloned(), Vec::new());
        }
    }

    fn leaf(&mut self, place: &Place, sides: Sides<'_, '_>) {
        let Some(wanted) = sides.wanted else {
            return self.changed(place, sides.live.cloned(), None, Vec::new());
        };
        // A map that nobody recorded as a whole (a Service's selector is): go down to the fields that really clash.
        let whole = |owner: &Owner<'_>| owner.fields.as_object().is_some_and(Map::is_empty);
        if let (Value::Object(map), None, Some(Value::Object(_))) = (wanted, sides.ours, sides.live)
            && !map.is_empty()
            && !sides.others.iter().any(whole)
        {
            return self.map(place, sides);
        }
        let equality = compare_leaf(&place.path, wanted, sides.live);
        match (equality, sides.ours) {
            (Equality::Same, Some(_)) => {}
            (Equality::More, Some(_)) => self.result.unsure = true,
            // An empty map or list that the server did not keep is owned by nobody.
            (Equality::Same, None) if is_empty(wanted) && sides.live.is_none() => {}
            (Equality::Same | Equality::More, None) => {
                self.changed(place, sides.live.cloned(), Some(wanted.clone()), Vec::new());
            }
            (Equality::Different, _) => {
                let mut owners: Vec<String> = sides.others.iter().map(|owner| owner.manager.to_owned()).collect();
                owners.dedup();
                if owners.is_empty() && sides.ours.is_none() && is_scaled(place, sides.live) {
                    owners.push(UNNAMED_SCALER.to_owned());
                }
                self.changed(place, sides.live.cloned(), Some(wanted.clone()), owners);
            }
        }
    }

    fn changed(&mut self, place: &Place, now: Option<Value>, wanted: Option<Value>, owners: Vec<String>) {
        self.result.changed.push(Changed {
            path: place.path.clone(),
            pointer: place.pointer.clone(),
            now,
            wanted,
            owners,
            rival: None,
        });
    }
}

/// Whether a number of replicas that nobody owns was set all the same.
fn is_scaled(place: &Place, live: Option<&Value>) -> bool {
    place.pointer == "/spec/replicas" && live.and_then(Value::as_i64).is_some_and(|number| number != 1)
}

/// Who set the number of replicas of a live object, when it was not us and not the API server's default.
pub fn replicas_owner(live: &Value) -> Option<String> {
    let owns = |entry: &&Value| entry.pointer("/fieldsV1/f:spec/f:replicas").is_some();
    let owners: Vec<&str> =
        items(live, "/metadata/managedFields").filter(owns).filter_map(|entry| text(entry, "/manager")).collect();
    let number = live.pointer("/spec/replicas").and_then(Value::as_i64);
    match owners.as_slice() {
        [] => number.filter(|number| *number != 1).map(|_| UNNAMED_SCALER.to_owned()),
        owners if owners.contains(&FIELD_MANAGER) => None,
        owners => Some(owners.join(", ")),
    }
}

/// Somebody else's item that has the name of one that we want and is missing, under another key. An apply only adds to a
/// list what others own items of, and the API server refuses two items of one name.
fn rival(
    item: &Value,
    (wanted, live): (&[Value], &[Value]),
    key_names: &[String],
    others: &[Owner<'_>],
) -> Option<Changed> {
    let name = item.get("name").filter(|_| !key_names.iter().any(|key| key == "name"))?;
    let has = |list: &[Value], key: &Value| list.iter().any(|other| &item_key(other, key_names) == key);
    if has(live, &item_key(item, key_names)) {
        return None;
    }
    let stands_there = |other: &&Value| other.get("name") == Some(name) && !has(wanted, &item_key(other, key_names));
    let other = live.iter().find(stands_there)?;
    let key = item_key(other, key_names);
    let owned: Vec<(&str, &str)> =
        others.iter().filter_map(|owner| Some((owner.manager, find_item(owner.fields, &key)?))).collect();
    let (_, field) = *owned.first()?;
    let mut owners: Vec<String> = owned.iter().map(|(manager, _)| (*manager).to_owned()).collect();
    owners.dedup();
    Some(Changed {
        path: String::new(),
        pointer: String::new(),
        now: Some(other.clone()),
        wanted: Some(item.clone()),
        owners,
        rival: Some(field.to_owned()),
    })
}

/// Lists with keys whose order means something all the same: what is started first, and what `$(NAME)` can refer to.
fn order_matters(place: &Place) -> bool {
    [".initContainers", ".env"].iter().any(|name| place.path.ends_with(name))
}

/// Whether the items that are on both sides stand in another order.
fn in_other_order(wanted: &[Value], live: &[Value], key_names: &[String]) -> bool {
    let keys = |list: &[Value]| -> Vec<Value> { list.iter().map(|item| item_key(item, key_names)).collect() };
    let (wanted, live) = (keys(wanted), keys(live));
    let common = |of: &[Value], other: &[Value]| -> Vec<Value> {
        of.iter().filter(|key| other.contains(key)).cloned().collect()
    };
    common(&wanted, &live) != common(&live, &wanted)
}

fn key_names(field: &str) -> Option<Vec<String>> {
    let key: Map<String, Value> = serde_json::from_str(field.strip_prefix("k:")?).ok()?;
    Some(key.keys().cloned().collect())
}

/// The key of an item, with the one default that Kubernetes fills into keys (`protocol` of a port).
fn item_key(item: &Value, names: &[String]) -> Value {
    let field = |name: &String| {
        let value = item.get(name).cloned().or_else(|| (name == "protocol").then(|| Value::from("TCP")));
        value.map(|value| (name.clone(), value))
    };
    Value::Object(names.iter().filter_map(field).collect())
}

fn find_item<'a>(fields: &'a Value, key: &Value) -> Option<&'a str> {
    fields
        .as_object()?
        .keys()
        .find(|name| name.strip_prefix("k:").and_then(|k| serde_json::from_str::<Value>(k).ok()).as_ref() == Some(key))
        .map(String::as_str)
}

/// `web` for `{"name":"web"}`, `80/TCP` for a port.
fn label(key: &Value) -> String {
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    key.as_object().into_iter().flat_map(Map::values).map(plain).collect::<Vec<_>>().join("/")
}

/// Whether the object is a Deployment that is to be made anew at each change, and has no more to say of its strategy. What the server once
/// filled in for another strategy belongs to nobody, contradicts this one, and is not taken away by an apply.
pub fn wants_recreate(object: &Value) -> bool {
    let strategy = &object["spec"]["strategy"];
    object["kind"] == "Deployment" && strategy["type"] == "Recreate" && strategy.get("rollingUpdate").is_none()
}

/// Whether the live object has what contradicts the wanted one (see [`wants_recreate`]), so that it has to go first.
pub fn contradicts(wanted: &Value, live: &Value) -> bool {
    wants_recreate(wanted) && live.pointer("/spec/strategy/rollingUpdate").is_some_and(|it| !it.is_null())
}

#[cfg(test)]
mod tests;
