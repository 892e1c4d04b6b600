//! How a write is asked for, and whether what was sent can be meant so.

use std::cell::RefCell;

use serde_json::Value;

use super::body::Key;
use super::{Served, definition, typed};
use crate::object::text;
use crate::sandbox::address::{Address, Route};
use crate::sandbox::owners::Writer;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::schema::Schema;
use crate::sandbox::select::Query;
use crate::sandbox::world::World;

/// How a write was asked for.
pub(super) struct Asked<'a> {
    pub(super) route: &'a Route,
    pub(super) served: &'a Served,
    pub(super) query: &'a Query,
    pub(super) manager: String,
    pub(super) kind: String,
    /// The fields of its body.
    pub(super) keys: Vec<Key>,
    /// What its answer is to warn of.
    pub(super) warnings: RefCell<Vec<String>>,
}

/// What is to be done about fields that there are not, and such as are there twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Validation {
    Ignore,
    Warn,
    Strict,
}

impl Asked<'_> {
    pub(super) fn is_dry(&self) -> bool {
        self.query.get("dryRun") == Some("All")
    }

    pub(super) fn schema<'w>(&self, world: &'w World) -> Option<Schema<'w>> {
        if self.served.builtin {
            return Schema::builtin(&self.route.api_version, &self.served.kind);
        }
        let definition = definition(world, &self.route.api_version, &self.route.plural)?;
        Schema::custom(definition, &self.route.api_version)
    }

    pub(super) fn validation(&self) -> Validation {
        match self.query.get("fieldValidation") {
            Some("Ignore") => Validation::Ignore,
            Some("Strict") => Validation::Strict,
            _ => Validation::Warn,
        }
    }

    pub(super) fn warn(&self, warnings: Vec<String>) {
        self.warnings.borrow_mut().extend(warnings);
    }

    pub(super) fn writer<'w>(&'w self, world: &'w World) -> Writer<'w> {
        Writer {
            manager: &self.manager,
            subresource: self.route.sub.as_deref().filter(|sub| *sub == "status" || *sub == "scale"),
            schema: self.schema(world),
            now: world.now,
        }
    }

    /// Checks what was sent on its own.
    pub(super) fn check(&self, world: &World, object: &mut Value, address: &Address) -> Result<(), Refusal> {
        let (kind, version) = (object["kind"].clone(), object["apiVersion"].clone());
        if kind.is_null() || version.is_null() {
            object["kind"] = self.served.kind.as_str().into();
            object["apiVersion"] = self.route.api_version.as_str().into();
        } else if version == self.route.api_version.as_str() && kind != self.served.kind.as_str() {
            let (kind, served) = (kind.as_str().unwrap_or_default(), &self.served.kind);
            let short = version.as_str().and_then(|version| version.rsplit('/').next()).unwrap_or_default();
            let group = self.route.group().split('.').next().filter(|group| !group.is_empty()).unwrap_or("core");
            let message = format!(
                "{kind} in version \"{short}\" cannot be handled as a {served}: converting ({short}.{kind}) to ({group}.{served}): unknown conversion"
            );
            return Err(Refusal::new(400, "BadRequest", message));
        } else if kind != self.served.kind.as_str() || version != self.route.api_version.as_str() {
            let message = format!(
                "the API version in the data ({}) does not match the expected API version ({})",
                version.as_str().unwrap_or_default(),
                self.route.api_version
            );
            return Err(Refusal::new(400, "BadRequest", message));
        }
        if let Some(schema) = self.schema(world) {
            typed::decoded(schema, object, self)?;
        }
        let namespace = text(object, "/metadata/namespace");
        if namespace.is_some() && namespace != address.namespace.as_deref() {
            return Err(Refusal::new(
                400,
                "BadRequest",
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
        if self.served.namespaced && address.namespace.is_none() {
            return Err(Refusal::new(
                405,
                "MethodNotAllowed",
                "the server does not allow this method on the requested resource",
            ));
        }
        let name = text(object, "/metadata/name").filter(|name| !name.is_empty());
        if let Some(name) = name.filter(|name| *name != address.name) {
            let message =
                format!("the name of the object ({name}) does not match the name on the URL ({})", address.name);
            return Err(Refusal::new(400, "BadRequest", message));
        }
        if let Some(namespace) = &address.namespace {
            object["metadata"]["namespace"] = namespace.as_str().into();
        }
        Ok(())
    }
}
