//! What a value at a place of an object may be: schemas of `OpenAPI` v3, as the API server publishes them for Kubernetes' own
//! kinds, and as definitions have them for custom ones.
//!
//! Those of Kubernetes' own kinds are data, read off a real API server: `tests/cluster/schema-record` writes
//! `schema/kubernetes.json`, and `api/openapi.rs` serves it.

mod decode;
mod structural;
mod typed;

pub(super) use decode::{decode, prune, unknown};
pub(super) use structural::{complete, faults};
pub(super) use typed::misfit;

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::address::parts;
use crate::object::{items, text};

/// Where one schema names another.
pub(super) const COMPONENTS: &str = "#/components/schemas/";
/// What all objects have.
pub(super) const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

static TYPES: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    // Made by a machine and read by a test: it cannot fail to parse.
    serde_json::from_str(include_str!("schema/kubernetes.json")).unwrap_or_default()
});

/// The name of the type of each kind, by `apiVersion` and kind.
static KINDS: LazyLock<HashMap<(String, String), &'static str>> = LazyLock::new(|| {
    let mut kinds = HashMap::new();
    for (name, schema) in TYPES.iter() {
        for known in items(schema, "/x-kubernetes-group-version-kind") {
            let part = |key: &str| known[key].as_str().unwrap_or_default();
            let slash = if part("group").is_empty() { "" } else { "/" };
            let api_version = format!("{}{slash}{}", part("group"), part("version"));
            kinds.insert((api_version, part("kind").to_owned()), name.as_str());
        }
    }
    kinds
});

/// The types of Kubernetes' own kinds, by name.
pub(super) fn types() -> &'static Map<String, Value> {
    &TYPES
}

/// The name of the type of one of Kubernetes' own kinds.
pub(super) fn name_of(api_version: &str, kind: &str) -> Option<&'static str> {
    KINDS.get(&(api_version.to_owned(), kind.to_owned())).copied()
}

/// What a definition says of one of its versions.
pub(super) fn version_of<'a>(definition: &'a Value, api_version: &str) -> Option<&'a Value> {
    let (_, wanted) = parts(api_version);
    items(definition, "/spec/versions").find(|known| text(known, "/name") == Some(wanted))
}

/// The schema of one place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schema<'a> {
    /// As the place has it: with its default, and how its list is merged.
    place: &'a Value,
    /// The type that it names, or itself.
    of: &'a Value,
    origin: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Builtin,
    /// A whole custom object, whose metadata no definition describes.
    CustomRoot,
    Custom,
}

/// What a schema says of a field.
#[derive(Debug, Clone, Copy)]
pub(super) enum Field<'a> {
    Known(Schema<'a>),
    /// Anything may be there.
    Open,
    /// There is no such field.
    Unknown,
}

impl<'a> Field<'a> {
    pub(super) fn known(self) -> Option<Schema<'a>> {
        match self {
            Self::Known(schema) => Some(schema),
            Self::Open | Self::Unknown => None,
        }
    }
}

/// What the items of a list are to each other.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Listing<'a> {
    /// The list is one value.
    Atomic,
    Set,
    /// Items are known by these fields; where there is one, with what an item has that does not write it.
    Map(Vec<(&'a str, Option<&'a Value>)>),
}

/// How a strategic merge patch goes into a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Merging<'a> {
    Replace,
    /// Items are known by this field.
    By(&'a str),
    AsSet,
}

/// What kind of value it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Text,
    Truth,
    Whole,
    Number,
    List,
    /// Names and values of one type.
    Map,
    Struct,
    /// A number of bytes, of cores: a text or a number.
    Quantity,
    WholeOrText,
    Any,
}

impl<'a> Schema<'a> {
    /// Of one of Kubernetes' own kinds.
    pub(super) fn builtin(api_version: &str, kind: &str) -> Option<Schema<'static>> {
        Schema::named(name_of(api_version, kind)?)
    }

    fn named(name: &str) -> Option<Schema<'static>> {
        TYPES.get(name).map(|schema| Schema { place: schema, of: schema, origin: Origin::Builtin })
    }

    /// Of the objects that a definition defines.
    pub(super) fn custom(definition: &'a Value, api_version: &str) -> Option<Self> {
        let schema = version_of(definition, api_version)?.pointer("/schema/openAPIV3Schema")?;
        Some(Self { place: schema, of: schema, origin: Origin::CustomRoot })
    }

    fn below(self, place: &'a Value) -> Self {
        if self.origin != Origin::Builtin {
            return Self { place, of: place, origin: Origin::Custom };
        }
        let reference = text(place, "/$ref").or_else(|| text(place, "/allOf/0/$ref"));
        let named = reference.and_then(|name| TYPES.get(name.strip_prefix(COMPONENTS)?));
        Self { place, of: named.unwrap_or(place), origin: Origin::Builtin }
    }

    fn attribute(self, name: &str) -> Option<&'a Value> {
        self.place.get(name).or_else(|| self.of.get(name))
    }

    fn says(self, name: &str) -> bool {
        self.attribute(name).is_some_and(|is| *is == true)
    }

    /// Whether it is that of a whole custom object.
    fn is_root(self) -> bool {
        self.origin == Origin::CustomRoot
    }

    /// The raw schema.
    pub(super) fn raw(self) -> &'a Value {
        self.of
    }

    /// The name of the type, without where it comes from: `PodSpec`.
    pub(super) fn type_name(self) -> Option<&'a str> {
        let reference = text(self.place, "/$ref").or_else(|| text(self.place, "/allOf/0/$ref"))?;
        Some(reference.strip_prefix(COMPONENTS).unwrap_or(reference))
    }

    pub(super) fn field(self, name: &str) -> Field<'a> {
        let is_object = self.is_root() || self.says("x-kubernetes-embedded-resource");
        if is_object && name == "metadata" {
            return Schema::named(META).map_or(Field::Open, Field::Known);
        }
        if let Some(place) = self.of.get("properties").and_then(|fields| fields.get(name)) {
            return Field::Known(self.below(place));
        }
        if is_object && ["apiVersion", "kind"].contains(&name) {
            return Field::Open;
        }
        match self.of.get("additionalProperties") {
            Some(Value::Object(_)) => Field::Known(self.below(&self.of["additionalProperties"])),
            Some(Value::Bool(true)) => Field::Open,
            _ if self.is_open() || self.sort() == Sort::Any => Field::Open,
            _ => Field::Unknown,
        }
    }

    /// Whether fields that it does not name are kept.
    pub(super) fn is_open(self) -> bool {
        self.says("x-kubernetes-preserve-unknown-fields")
    }

    pub(super) fn item(self) -> Option<Self> {
        self.of.get("items").map(|place| self.below(place))
    }

    /// The names of the fields that must be there.
    pub(super) fn required(self) -> impl Iterator<Item = &'a str> {
        self.of.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    pub(super) fn default(self) -> Option<&'a Value> {
        self.place.get("default")
    }

    /// Whether it is owned as a whole (KEP-1152): said so, or of a type that nobody looks into.
    pub(super) fn is_atomic(self) -> bool {
        let said = self.attribute("x-kubernetes-map-type").is_some_and(|kind| *kind == "atomic");
        // What a definition keeps unseen is looked into; what is of no type in Kubernetes' own kinds is not.
        said || self.sort() == Sort::Any && !self.is_open()
    }

    pub(super) fn listing(self) -> Listing<'a> {
        match self.attribute("x-kubernetes-list-type").and_then(Value::as_str) {
            Some("set") => Listing::Set,
            Some("map") => Listing::Map(self.keys()),
            _ => Listing::Atomic,
        }
    }

    fn keys(self) -> Vec<(&'a str, Option<&'a Value>)> {
        let keys = self.attribute("x-kubernetes-list-map-keys").and_then(Value::as_array).into_iter().flatten();
        let default = |key: &str| self.item()?.field(key).known()?.default();
        keys.filter_map(Value::as_str).map(|key| (key, default(key))).collect()
    }

    /// How a strategic merge patch goes into it.
    pub(super) fn merging(self) -> Merging<'a> {
        let strategy = self.attribute("x-kubernetes-patch-strategy").and_then(Value::as_str).unwrap_or_default();
        match self.attribute("x-kubernetes-patch-merge-key").and_then(Value::as_str) {
            _ if !strategy.split(',').any(|part| part == "merge") => Merging::Replace,
            Some(key) => Merging::By(key),
            None => Merging::AsSet,
        }
    }

    pub(super) fn sort(self) -> Sort {
        if let Some(name) = self.type_name() {
            if name.ends_with(".resource.Quantity") {
                return Sort::Quantity;
            }
            if name.ends_with(".intstr.IntOrString") {
                return Sort::WholeOrText;
            }
        }
        if self.says("x-kubernetes-int-or-string") {
            return Sort::WholeOrText;
        }
        match self.of.get("type").and_then(Value::as_str) {
            Some("string") => Sort::Text,
            Some("boolean") => Sort::Truth,
            Some("integer") => Sort::Whole,
            Some("number") => Sort::Number,
            Some("array") => Sort::List,
            Some("object") if self.of.get("properties").is_some() => Sort::Struct,
            Some("object") if self.of.get("additionalProperties").is_some() => Sort::Map,
            // A definition that names no field knows none.
            Some("object") if self.origin != Origin::Builtin && !self.is_open() => Sort::Struct,
            _ => Sort::Any,
        }
    }

    /// Whether a value that is not written is there all the same, as the fields of Go's structures are.
    pub(super) fn is_always(self, parent: Self, name: &str) -> bool {
        self.place.get("default").is_some_and(|default| *default == json!({}))
            || parent.required().any(|field| field == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;

    fn at<'a>(schema: Schema<'a>, way: &[&str]) -> Schema<'a> {
        way.iter().fold(schema, |schema, name| match *name {
            "*" => schema.item().unwrap(),
            name => schema.field(name).known().unwrap_or_else(|| panic!("no {name} in {schema:?}")),
        })
    }

    #[test]
    fn every_kind_of_the_table_has_a_type() {
        for kind in kinds::BUILTIN {
            assert!(name_of(&kind.api_version(), kind.kind).is_some(), "{kind:?}");
        }
    }

    #[test]
    fn lists_are_merged_as_the_api_server_publishes_it() {
        let pod = Schema::builtin("v1", "Pod").unwrap();
        let tcp = json!("TCP");
        let ports = at(pod, &["spec", "containers", "*", "ports"]);
        let Listing::Map(keys) = ports.listing() else { panic!("{ports:?}") };
        assert_eq!(keys[1], ("protocol", Some(&tcp)));
        assert_eq!(keys[0].0, "containerPort");
        assert_eq!(ports.merging(), Merging::By("containerPort"));
        assert_eq!(at(pod, &["metadata", "finalizers"]).listing(), Listing::Set);
        assert_eq!(at(pod, &["metadata", "finalizers"]).merging(), Merging::AsSet);
        assert_eq!(at(pod, &["spec", "tolerations"]).listing(), Listing::Atomic);
        assert_eq!(at(pod, &["spec", "tolerations"]).merging(), Merging::Replace);
        assert!(matches!(at(pod, &["spec", "imagePullSecrets"]).listing(), Listing::Map(_)));
        let account = Schema::builtin("v1", "ServiceAccount").unwrap();
        assert_eq!(at(account, &["imagePullSecrets"]).listing(), Listing::Atomic);
    }

    #[test]
    fn a_place_knows_what_kind_of_value_it_has() {
        let set = Schema::builtin("apps/v1", "StatefulSet").unwrap();
        let table = [
            (&["spec", "replicas"][..], Sort::Whole),
            (&["spec", "template"], Sort::Struct),
            (&["metadata", "labels"], Sort::Map),
            (&["spec", "template", "spec", "containers", "*", "resources", "limits", "cpu"], Sort::Quantity),
            (&["spec", "template", "spec", "containers", "*", "livenessProbe", "httpGet", "port"], Sort::WholeOrText),
        ];
        for (way, sort) in table {
            assert_eq!(at(set, way).sort(), sort, "{way:?}");
        }
        assert!(at(set, &["spec", "selector"]).is_atomic());
        assert!(matches!(set.field("sepc"), Field::Unknown));
    }

    #[test]
    fn a_custom_object_has_the_metadata_of_all() {
        let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}});
        let definition = json!({"spec": {"versions": [{"name": "v1", "schema": {"openAPIV3Schema": schema}}]}});
        let boat = Schema::custom(&definition, "seaworthy.test/v1").unwrap();
        assert_eq!(at(boat, &["metadata", "finalizers"]).listing(), Listing::Set);
        assert!(matches!(at(boat, &["spec"]).field("anything"), Field::Open));
        assert!(!at(boat, &["spec"]).is_atomic());
        assert!(matches!(boat.field("status"), Field::Unknown));
        assert!(Schema::custom(&definition, "seaworthy.test/v2").is_none());
    }
}
