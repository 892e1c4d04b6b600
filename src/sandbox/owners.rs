//! Server-side apply, and who owns a field after any other write. KEP-555; the texts are those of the API server 1.34.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::fields::{self, Way};
use super::refusal::Refusal;
use super::schema::Schema;
use super::store::time;
use crate::object::items;

/// Who writes, and when.
pub(super) struct Writer<'a> {
    pub(super) manager: &'a str,
    /// `None`, or `status` and its kin.
    pub(super) subresource: Option<&'a str>,
    /// How the fields of the object are merged.
    pub(super) schema: Option<Schema<'a>>,
    pub(super) now: Timestamp,
}

struct Entry {
    head: Value,
    ways: BTreeSet<Way>,
}

fn entries(object: Option<&Value>) -> Vec<Entry> {
    let known = object.into_iter().flat_map(|object| items(object, "/metadata/managedFields"));
    known.map(|entry| Entry { ways: fields::from_fields(&entry["fieldsV1"]), head: entry.clone() }).collect()
}

impl Writer<'_> {
    fn head(&self, operation: &str, api_version: &Value) -> Value {
        let mut head = json!({"manager": self.manager, "operation": operation, "apiVersion": api_version});
        // Entries of a scale are put beside those of its object, of whose times it knows nothing. Source: `k8s.io/apimachinery`,
        // `pkg/util/managedfields/scalehandler.go`, 1.34.
        if self.subresource != Some("scale") {
            head["time"] = time(self.now).into();
        }
        head["fieldsType"] = "FieldsV1".into();
        if let Some(subresource) = self.subresource {
            head["subresource"] = subresource.into();
        }
        head
    }

    fn is(&self, entry: &Entry, operation: &str) -> bool {
        entry.head["manager"] == self.manager
            && entry.head["operation"] == operation
            && entry.head["subresource"].as_str() == self.subresource
    }
}

fn write(object: &mut Value, mut entries: Vec<Entry>) {
    entries.retain(|entry| !entry.ways.is_empty());
    let order = |entry: &Entry| {
        (entry.head["operation"] == "Update", entry.head["time"].to_string(), entry.head["manager"].to_string())
    };
    entries.sort_by_key(order);
    let written = entries.into_iter().map(|entry| {
        let mut head = entry.head;
        head["fieldsV1"] = fields::to_fields(&entry.ways);
        head
    });
    let written: Vec<Value> = written.collect();
    if written.is_empty()
        && let Some(metadata) = object["metadata"].as_object_mut()
    {
        metadata.shift_remove("managedFields");
        return;
    }
    object["metadata"]["managedFields"] = written.into();
}

/// Whoever wrote before anybody's fields were known.
fn before_first_apply(live: &Value, writer: &Writer<'_>) -> Entry {
    let earlier = Writer { manager: "before-first-apply", subresource: None, ..*writer };
    Entry { head: earlier.head("Update", &live["apiVersion"]), ways: fields::leaves(live, writer.schema) }
}

/// What an apply makes of the live object.
pub(super) fn apply(live: Option<&Value>, wanted: &Value, writer: &Writer<'_>, force: bool) -> Result<Value, Refusal> {
    let ways = fields::leaves(wanted, writer.schema);
    let (ours, mut others): (Vec<Entry>, Vec<Entry>) =
        entries(live).into_iter().partition(|entry| writer.is(entry, "Apply"));
    let before = ours.into_iter().next();
    if let Some(live) = live.filter(|_| before.is_none() && others.is_empty()) {
        others.push(before_first_apply(live, writer));
    }
    let mut after = live.cloned().unwrap_or_else(|| fresh(wanted));
    let conflicts = conflicts(&after, wanted, &ways, &mut others);
    if !conflicts.is_empty() && !force && !live.is_some_and(|live| is_kubectls_own(live, &conflicts, writer)) {
        return Err(conflict(&conflicts));
    }
    for way in before.iter().flat_map(|entry| entry.ways.difference(&ways)) {
        if !others.iter().any(|entry| entry.ways.contains(way)) {
            fields::remove(&mut after, way);
        }
    }
    for way in &ways {
        if let Some(value) = fields::get(wanted, way) {
            fields::set(&mut after, way, value);
        }
    }
    fields::order_as(&mut after, wanted, writer.schema);
    if let Some(live) = live {
        follow(live, wanted, &mut after, writer);
    }
    let mut head = writer.head("Apply", &wanted["apiVersion"]);
    // What changes nothing of the object has no time of its own.
    if live == Some(&after) {
        head = before.map_or(head, |entry| entry.head);
        if !items(&after, "/metadata/managedFields")
            .any(|known| known["manager"] == head["manager"] && known["operation"] == "Apply")
            && let Some(head) = head.as_object_mut()
        {
            head.shift_remove("time");
        }
    }
    others.push(Entry { head, ways });
    write(&mut after, others);
    Ok(after)
}

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What kubectl applied from the client's side it may apply from the server's: the fields of its annotation that are as it
/// left them are no conflict. Source: `k8s.io/apimachinery`, `pkg/util/managedfields/internal/lastappliedmanager.go`.
fn is_kubectls_own(live: &Value, conflicts: &[(String, Way)], writer: &Writer<'_>) -> bool {
    let last = live["metadata"]["annotations"][LAST_APPLIED].as_str();
    let last = last.filter(|_| writer.manager == "kubectl").and_then(|text| serde_json::from_str::<Value>(text).ok());
    last.is_some_and(|last| {
        conflicts
            .iter()
            .all(|(_, way)| fields::get(&last, way).is_some() && fields::get(&last, way) == fields::get(live, way))
    })
}

/// The annotation of kubectl's own way to apply follows an apply by kubectl.
fn follow(live: &Value, wanted: &Value, after: &mut Value, writer: &Writer<'_>) {
    if writer.manager == "kubectl" && live["metadata"]["annotations"].get(LAST_APPLIED).is_some() {
        after["metadata"]["annotations"][LAST_APPLIED] = format!("{wanted}\n").into();
    }
}

fn fresh(wanted: &Value) -> Value {
    let mut metadata = wanted["metadata"].clone();
    if let Some(map) = metadata.as_object_mut() {
        map.retain(|key, _| key == "name" || key == "namespace");
    }
    json!({"apiVersion": wanted["apiVersion"], "kind": wanted["kind"], "metadata": metadata})
}

/// The fields that others hold with another value, by manager; they lose them.
fn conflicts(live: &Value, wanted: &Value, ways: &BTreeSet<Way>, others: &mut [Entry]) -> Vec<(String, Way)> {
    let mut found = Vec::new();
    for entry in others {
        let differs = |way: &&Way| {
            way.last().is_none_or(|part| part != ".") && fields::get(live, way) != fields::get(wanted, way)
        };
        let clashes: Vec<Way> = ways.intersection(&entry.ways).filter(differs).cloned().collect();
        for way in clashes {
            found.push((named(&entry.head), way.clone()));
            entry.ways.remove(&way);
        }
    }
    found.sort();
    found
}

/// `"kubectl" using apps/v1`, as the API server names a manager.
fn named(head: &Value) -> String {
    let manager = head["manager"].as_str().unwrap_or_default();
    let with = head["subresource"].as_str().map_or(String::new(), |sub| format!(" with subresource \"{sub}\""));
    let using = if head["operation"] == "Update" {
        format!(" using {}", head["apiVersion"].as_str().unwrap_or_default())
    } else {
        String::new()
    };
    format!("\"{manager}\"{with}{using}")
}

/// `.spec.template.spec.containers[name="web"].image`
fn dotted(way: &Way) -> String {
    let part = |part: &String| match (part.strip_prefix("f:"), part.strip_prefix("k:")) {
        (Some(field), _) => format!(".{field}"),
        (_, Some(_)) => fields::shown(part),
        _ => String::new(),
    };
    way.iter().map(part).collect()
}

fn conflict(found: &[(String, Way)]) -> Refusal {
    let found: Vec<(String, String)> = found.iter().map(|(manager, way)| (manager.clone(), dotted(way))).collect();
    let mut by_manager: Vec<(String, Vec<String>)> = Vec::new();
    for (manager, field) in &found {
        match by_manager.iter_mut().find(|(known, _)| known == manager) {
            Some((_, fields)) => fields.push(field.clone()),
            None => by_manager.push((manager.clone(), vec![field.clone()])),
        }
    }
    let count = if found.len() == 1 { "1 conflict".to_owned() } else { format!("{} conflicts", found.len()) };
    let said = by_manager.iter().map(|(manager, fields)| match fields.as_slice() {
        [only] if found.len() == 1 => format!("conflict with {manager}: {only}"),
        many => format!("conflicts with {manager}:\n- {}", many.join("\n- ")),
    });
    let message = format!("Apply failed with {count}: {}", said.collect::<Vec<_>>().join("\n"));
    let causes: Vec<Value> = found
        .iter()
        .map(|(manager, field)| json!({"reason": "FieldManagerConflict", "message": format!("conflict with {manager}"), "field": field}))
        .collect();
    Refusal::new(409, "Conflict", message).with(json!({"causes": causes}))
}

/// Whoever changes a field without apply owns it from then on; a field that is gone has no owner.
pub(super) fn track(live: Option<&Value>, after: &mut Value, writer: &Writer<'_>) {
    // Whoever writes one empty entry wants nobody to own anything; nor do those that come after it, until somebody applies.
    let is_cleared =
        after["metadata"].get("managedFields").is_some_and(|list| *list == json!([{}]) || *list == json!([]));
    let is_unmanaged = live.is_some_and(|live| items(live, "/metadata/managedFields").next().is_none());
    if is_cleared || is_unmanaged {
        return write(after, Vec::new());
    }
    let mut all = fields::leaves(after, writer.schema);
    all.extend(fields::made(&all, live, writer.schema));
    let is_new = |way: &&Way| match live {
        Some(live) if way.last().is_some_and(|part| part == ".") => fields::get(live, way).is_none(),
        None => true,
        Some(live) => fields::get(live, way) != fields::get(after, way),
    };
    let mut theirs: BTreeSet<Way> = all.iter().filter(is_new).cloned().collect();
    let mut known = entries(live);
    if theirs.is_empty() {
        for entry in &mut known {
            entry.ways.retain(|way| fields::get(after, way).is_some());
        }
        return write(after, known);
    }
    for entry in &mut known {
        let own = writer.is(entry, "Update");
        entry.ways.retain(|way| fields::get(after, way).is_some() && (own || !theirs.contains(way)));
    }
    let (own, mut others): (Vec<Entry>, Vec<Entry>) = known.into_iter().partition(|entry| writer.is(entry, "Update"));
    theirs.extend(own.into_iter().flat_map(|entry| entry.ways));
    others.push(Entry { head: writer.head("Update", &after["apiVersion"].clone()), ways: theirs });
    write(after, others);
}
