//! The objects of the fake, and what the writing verbs do to them.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::ByteString;
use seaworthy::kinds;
use seaworthy::object::{items, text};
use serde_json::{Value, json};

use super::address::Address;
use super::controllers;
use super::fields::{self, Way};

/// Why the server says no: status, reason, message and, for conflicts, the fields.
pub(crate) struct Refusal {
    pub(super) code: u16,
    pub(super) reason: &'static str,
    pub(super) message: String,
    pub(super) causes: Vec<Value>,
}

pub(super) fn refusal(code: u16, reason: &'static str, message: impl Into<String>) -> Refusal {
    Refusal { code, reason, message: message.into(), causes: Vec::new() }
}

/// How an apply was asked for.
pub(super) struct Asked<'a> {
    pub(super) manager: &'a str,
    pub(super) force: bool,
    pub(super) dry: bool,
}

#[derive(Default)]
pub(super) struct Store {
    pub(super) objects: BTreeMap<Address, Value>,
    pub(super) version: u64,
    uids: u64,
    /// Everything that ever happened, for watches: version, type, object.
    pub(super) history: Vec<(u64, &'static str, Address, Value)>,
    /// `Kind/name` of what does not become ready by itself.
    pub(super) held: BTreeSet<String>,
    /// Whether the controllers of storage are at work (see `volumes`).
    pub(super) storage: bool,
    /// What is on each disk, by path.
    pub(super) disks: BTreeMap<String, String>,
    /// What the pods of each component say.
    pub(super) logs: BTreeMap<String, String>,
}

impl Store {
    /// The kind that an address is about.
    pub(super) fn kind(&self, address: &Address) -> Option<(String, bool)> {
        let builtin = kinds::BUILTIN
            .iter()
            .find(|kind| kind.api_version() == address.api_version && kind.plural == address.plural);
        builtin.map(|kind| (kind.kind.to_owned(), kind.namespaced)).or_else(|| self.custom(address))
    }

    fn custom(&self, address: &Address) -> Option<(String, bool)> {
        let mut definitions = self.objects.values().filter(|object| object["kind"] == "CustomResourceDefinition");
        let definition = definitions.find(|definition| {
            let serves = |version: &Value| {
                let group = text(definition, "/spec/group").unwrap_or_default();
                format!("{group}/{}", version["name"].as_str().unwrap_or_default()) == address.api_version
            };
            text(definition, "/spec/names/plural") == Some(&address.plural)
                && items(definition, "/spec/versions").any(serves)
        })?;
        let kind = text(definition, "/spec/names/kind")?.to_owned();
        Some((kind, definition["spec"]["scope"] == "Namespaced"))
    }

    fn not_found(address: &Address) -> Refusal {
        refusal(
            404,
            "NotFound",
            format!("{} \"{}\" not found", address.plural, address.name.clone().unwrap_or_default()),
        )
    }

    pub(super) fn get(&self, address: &Address) -> Result<Value, Refusal> {
        self.objects.get(address).cloned().ok_or_else(|| Self::not_found(address))
    }

    fn check_place(&self, address: &Address) -> Result<(String, bool), Refusal> {
        let kind = self
            .kind(address)
            .ok_or_else(|| refusal(404, "NotFound", "the server could not find the requested resource"))?;
        let namespace = address.namespace.clone().map(|name| Address::new("v1", "namespaces", None, &name));
        match namespace {
            Some(namespace) if !self.objects.contains_key(&namespace) => Err(Self::not_found(&namespace)),
            _ => Ok(kind),
        }
    }

    /// Server-side apply.
    pub(super) fn apply(&mut self, address: &Address, wanted: &Value, asked: &Asked<'_>) -> Result<Value, Refusal> {
        self.check_place(address)?;
        let live = self.objects.get(address).cloned();
        if let (Some(version), Some(live)) = (text(wanted, "/metadata/resourceVersion"), &live)
            && text(live, "/metadata/resourceVersion") != Some(version)
        {
            return Err(refusal(
                409,
                "Conflict",
                "the object has been modified; please apply your changes to the latest version",
            ));
        }
        let after = merged(live.as_ref(), wanted, asked)?;
        if asked.dry {
            return Ok(after);
        }
        Ok(self.put(address, after))
    }

    pub(super) fn create(&mut self, address: &Address, object: &Value) -> Result<Value, Refusal> {
        let (kind, _) = self.check_place(address)?;
        if self.objects.contains_key(address) {
            let message = format!("{} \"{}\" already exists", address.plural, address.name.clone().unwrap_or_default());
            return Err(refusal(409, "AlreadyExists", message));
        }
        let mut object = object.clone();
        object["apiVersion"] = address.api_version.clone().into();
        object["kind"] = kind.into();
        Ok(self.put(address, object))
    }

    pub(super) fn replace(&mut self, address: &Address, object: &Value) -> Result<Value, Refusal> {
        let live = self.get(address)?;
        let version = text(object, "/metadata/resourceVersion");
        if version.is_some() && version != text(&live, "/metadata/resourceVersion") {
            return Err(refusal(409, "Conflict", "the object has been modified"));
        }
        let mut object = object.clone();
        for key in ["apiVersion", "kind"] {
            object[key] = live[key].clone();
        }
        Ok(self.put(address, object))
    }

    /// A JSON merge patch (RFC 7386); `uid` and `resourceVersion` in it are preconditions.
    pub(super) fn merge(&mut self, address: &Address, change: &Value) -> Result<Value, Refusal> {
        let mut live = self.get(address)?;
        for field in ["uid", "resourceVersion"] {
            let wanted = change["metadata"][field].as_str();
            if wanted.is_some() && wanted != live["metadata"][field].as_str() {
                return Err(refusal(409, "Conflict", format!("precondition failed: {field} differs")));
            }
        }
        merge(&mut live, change);
        Ok(self.put(address, live))
    }

    /// A JSON patch; one that sets uid or resource version to another one is refused.
    pub(super) fn steps(&mut self, address: &Address, steps: Value) -> Result<Value, Refusal> {
        let live = self.get(address)?;
        let mut after = live.clone();
        let steps: json_patch::Patch = serde_json::from_value(steps).unwrap();
        json_patch::patch(&mut after, &steps).map_err(|error| refusal(422, "Invalid", error.to_string()))?;
        let changed =
            ["uid", "resourceVersion"].iter().find(|field| after["metadata"][field] != live["metadata"][field]);
        match changed {
            Some(field) => Err(refusal(409, "Conflict", format!("precondition failed: {field} differs"))),
            None => Ok(self.put(address, after)),
        }
    }

    /// Deletes; with finalizers, or where dependents go first, the object only begins to go.
    pub(super) fn delete(&mut self, address: &Address, options: &Value) -> Result<Value, Refusal> {
        let mut live = self.get(address)?;
        for field in ["uid", "resourceVersion"] {
            let wanted = options.pointer(&format!("/preconditions/{field}")).and_then(Value::as_str);
            if wanted.is_some() && wanted != live["metadata"][field].as_str() {
                return Err(refusal(409, "Conflict", format!("precondition failed: {field} differs")));
            }
        }
        let foreground = options["propagationPolicy"] == "Foreground";
        if items(&live, "/metadata/finalizers").next().is_none() && !foreground {
            self.remove(address);
            return Ok(json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}));
        }
        live["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        let going = self.put(address, live);
        // The garbage collector has nothing to do here, and is done at once.
        if items(&going, "/metadata/finalizers").next().is_none() {
            self.remove(address);
        }
        Ok(going)
    }

    pub(super) fn remove(&mut self, address: &Address) {
        let mut gone = self.objects.remove(address).unwrap();
        self.version += 1;
        gone["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.history.push((self.version, "DELETED", address.clone(), gone));
    }

    /// Stores an object as the server would: with version, generation and, from its controller, a status.
    pub(super) fn put(&mut self, address: &Address, mut object: Value) -> Value {
        let live = self.objects.get(address);
        if live == Some(&object) {
            return object;
        }
        let verb = if live.is_some() { "MODIFIED" } else { "ADDED" };
        let generation = live.map_or(0, |live| live["metadata"]["generation"].as_u64().unwrap_or(0));
        let changed = live.is_none_or(|live| live.get("spec") != object.get("spec"));
        if live.is_none() {
            self.uids += 1;
            object["metadata"]["uid"] = format!("uid-{}", self.uids).into();
            object["metadata"]["creationTimestamp"] = jiff::Timestamp::now().strftime("%FT%TZ").to_string().into();
        }
        object["metadata"]["generation"] = (generation + u64::from(changed)).into();
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.history.push((self.version, verb, address.clone(), object.clone()));
        self.objects.insert(address.clone(), object.clone());
        self.look_after(address);
        object
    }

    /// What the controller of the kind would write into the status, unless it is held.
    pub(super) fn look_after(&mut self, address: &Address) {
        if self.storage {
            return;
        }
        let Some(object) = self.objects.get(address) else { return };
        let name = format!(
            "{}/{}",
            text(object, "/kind").unwrap_or_default(),
            text(object, "/metadata/name").unwrap_or_default()
        );
        let Some(status) = controllers::status(object, self.held.contains(&name)) else { return };
        if object.get("status") == Some(&status) {
            return;
        }
        let mut object = object.clone();
        object["status"] = status;
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.history.push((self.version, "MODIFIED", address.clone(), object.clone()));
        self.objects.insert(address.clone(), object);
    }
}

fn merge(live: &mut Value, change: &Value) {
    let Some(change) = change.as_object() else {
        *live = change.clone();
        return;
    };
    if !live.is_object() {
        *live = json!({});
    }
    for (key, value) in change {
        if value.is_null() {
            live.as_object_mut().unwrap().shift_remove(key);
        } else {
            merge(&mut live[key], value);
        }
    }
}

fn entry(manager: &str, operation: &str, api_version: &Value, ways: &BTreeSet<Way>) -> Value {
    json!({"manager": manager, "operation": operation, "apiVersion": api_version, "fieldsType": "FieldsV1",
        "fieldsV1": fields::to_fields(ways)})
}

/// The entries of the managed fields, but for this manager's own.
fn others(live: Option<&Value>, manager: &str) -> (BTreeSet<Way>, Vec<(Value, BTreeSet<Way>)>) {
    let mut ours = BTreeSet::new();
    let mut others = Vec::new();
    for known in live.into_iter().flat_map(|live| items(live, "/metadata/managedFields")) {
        let ways = fields::from_fields(&known["fieldsV1"]);
        if known["manager"] == manager && known["operation"] == "Apply" {
            ours = ways;
        } else {
            others.push((known.clone(), ways));
        }
    }
    (ours, others)
}

fn merged(live: Option<&Value>, wanted: &Value, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let (before, mut others) = others(live, asked.manager);
    let ways = fields::leaves(wanted);
    let mut causes = Vec::new();
    let mut after = live.cloned().unwrap_or_else(|| {
        let mut metadata = wanted["metadata"].clone();
        metadata.as_object_mut().unwrap().retain(|key, _| key == "name" || key == "namespace");
        json!({"apiVersion": wanted["apiVersion"], "kind": wanted["kind"], "metadata": metadata})
    });
    for (known, theirs) in &mut others {
        let clash = |way: &&Way| {
            way.last().is_none_or(|part| part != ".") && fields::get(&after, way) != fields::get(wanted, way)
        };
        let clashes: Vec<Way> = ways.intersection(theirs).filter(clash).cloned().collect();
        for way in clashes {
            causes.push(json!({"reason": "FieldManagerConflict", "field": way.join("."),
                "message": format!("conflict with {}", known["manager"])}));
            theirs.remove(&way);
        }
    }
    if !causes.is_empty() && !asked.force {
        let message = format!("Apply failed with {} conflicts", causes.len());
        return Err(Refusal { causes, ..refusal(409, "Conflict", message) });
    }
    for way in before.difference(&ways).filter(|way| !others.iter().any(|(_, theirs)| theirs.contains(*way))) {
        fields::remove(&mut after, way);
    }
    for way in &ways {
        fields::set(&mut after, way, fields::get(wanted, way).unwrap());
    }
    fields::order_as(&mut after, wanted);
    let mut entries: Vec<Value> = others
        .into_iter()
        .filter(|(_, ways)| !ways.is_empty())
        .map(|(known, ways)| {
            entry(known["manager"].as_str().unwrap(), known["operation"].as_str().unwrap(), &known["apiVersion"], &ways)
        })
        .collect();
    entries.push(entry(asked.manager, "Apply", &wanted["apiVersion"], &ways));
    entries.sort_by_key(|entry| entry["manager"].to_string());
    after["metadata"]["managedFields"] = entries.into();
    keep_string_data(&mut after);
    Ok(after)
}

/// What is written as `stringData` is kept as `data`, owned under the name under which it was written.
fn keep_string_data(object: &mut Value) {
    let Some(Value::Object(texts)) = object.as_object_mut().unwrap().shift_remove("stringData") else { return };
    for (key, text) in texts {
        let bytes = ByteString(text.as_str().unwrap().as_bytes().to_vec());
        object["data"][key] = serde_json::to_value(bytes).unwrap();
    }
}

/// Somebody sets a field with an update: it is theirs from now on.
pub(super) fn take(live: &mut Value, way: &Way, value: &Value, manager: &str) {
    fields::set(live, way, value);
    let api_version = live["apiVersion"].clone();
    let (_, all) = others(Some(live), "");
    let mut theirs: BTreeSet<Way> = [way.clone()].into();
    let mut entries = Vec::new();
    for (known, mut ways) in all {
        if known["manager"] == manager && known["operation"] == "Update" {
            theirs.extend(ways);
            continue;
        }
        ways.remove(way);
        entries.push(entry(
            known["manager"].as_str().unwrap(),
            known["operation"].as_str().unwrap(),
            &known["apiVersion"],
            &ways,
        ));
    }
    entries.push(entry(manager, "Update", &api_version, &theirs));
    entries.sort_by_key(|entry| entry["manager"].to_string());
    live["metadata"]["managedFields"] = entries.into();
}
