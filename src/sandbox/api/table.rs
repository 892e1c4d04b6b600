//! What `kubectl get` asks for: tables, and metadata alone. Source: `pkg/printers/internalversion`, 1.34.

mod cells;
mod columns;

use jiff::Timestamp;
use jsonpath_rust::JsonPath as _;
use serde_json::{Value, json};

use super::{Served, definition};
use crate::object::items;
use crate::sandbox::address::Route;
use crate::sandbox::schema::version_of;
use crate::sandbox::world::World;
use columns::Column;

const GROUP: &str = "meta.k8s.io/v1";

/// What a client wants an answer as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// The object itself.
    Plain,
    /// A table, which kubectl prints.
    Table,
    /// Metadata only.
    Metadata,
}

impl Shape {
    /// By the first of the types in `Accept` that is served.
    pub(super) fn of(accept: &str) -> Self {
        let first = accept.split(',').next().unwrap_or_default();
        if first.contains("as=Table") {
            Self::Table
        } else if first.contains("as=PartialObjectMetadata") {
            Self::Metadata
        } else {
            Self::Plain
        }
    }

    /// An answer in this shape: of a list or of one object.
    pub(super) fn answer(self, document: Value, world: &World, (route, served): (&Route, &Served)) -> Value {
        let is_list = document.get("items").is_some_and(Value::is_array);
        let all: Vec<&Value> = if is_list { items(&document, "/items").collect() } else { vec![&document] };
        match self {
            Self::Plain => document,
            Self::Table => {
                let columns = columns_of(world, route, served);
                let cells = |object: &Value| -> Vec<Value> {
                    columns.iter().map(|column| cell(&served.kind, column, object, world.now)).collect()
                };
                let rows: Vec<Value> =
                    all.iter().map(|object| json!({"cells": cells(object), "object": metadata(object)})).collect();
                let definitions: Vec<Value> = columns.iter().map(Column::definition).collect();
                json!({"kind": "Table", "apiVersion": GROUP, "metadata": head(&document, is_list),
                    "columnDefinitions": definitions, "rows": rows})
            }
            Self::Metadata if is_list => {
                let all: Vec<Value> = all.into_iter().map(metadata).collect();
                json!({"kind": "PartialObjectMetadataList", "apiVersion": GROUP, "metadata": document["metadata"], "items": all})
            }
            Self::Metadata => metadata(&document),
        }
    }
}

fn head(document: &Value, is_list: bool) -> Value {
    if is_list {
        document["metadata"].clone()
    } else {
        json!({"resourceVersion": document["metadata"]["resourceVersion"]})
    }
}

fn metadata(object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": GROUP, "metadata": object["metadata"]})
}

fn columns_of(world: &World, route: &Route, served: &Served) -> Vec<Column> {
    if served.builtin {
        return columns::builtin(&served.kind);
    }
    let definition = definition(world, &route.api_version, &route.plural);
    let version = definition.and_then(|definition| version_of(definition, &route.api_version));
    version.map_or_else(|| columns::builtin(&served.kind), columns::custom)
}

fn cell(kind: &str, column: &Column, object: &Value, now: Timestamp) -> Value {
    let Some(path) = &column.path else { return cells::cell(kind, &column.name, object, now) };
    // One that is not understood shows nothing, as one that leads nowhere.
    let found = object.query(&format!("${path}")).unwrap_or_default();
    let Some(found) = found.first() else { return Value::Null };
    match *found {
        Value::String(time) if column.is_date() => {
            time.parse().map_or(Value::Null, |since| cells::span(since, now).into())
        }
        _ if column.is_text() => found.as_str().map_or_else(|| found.to_string(), str::to_owned).into(),
        other => other.clone(),
    }
}
