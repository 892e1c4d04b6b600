//! A stack as far as its folder can be read: what can be used is, and what cannot is told, so that one fault hides no other.

use std::collections::BTreeMap;

use super::definition::Definition;
use super::fault::{Fault, Origin};
use super::load::{self, PROFILES, Sheet};
use super::node::Node;
use super::render::Templates;
use super::schema::Schema;
use super::source::Folder;
use super::{Stack, values};

/// What a folder comes to.
pub(super) struct Draft {
    /// The stack, without what has a fault; none where it has no values, or where nothing says what it is.
    pub(super) stack: Option<Stack>,
    /// Everything that is wrong or odd.
    pub(super) faults: Vec<Fault>,
}

/// Reads what can be read.
pub(super) fn read(folder: &Folder) -> Draft {
    let mut faults = Vec::new();
    let read = kept(load::read(folder), &mut faults);
    let read = read.map(|(definition, sheet, mut found)| {
        faults.append(&mut found);
        (definition, sheet)
    });
    let schema = kept(required(folder, "values.schema.yaml", Schema::read), &mut faults);
    let defaults = kept(required(folder, "values.yaml", values::layer), &mut faults);
    let (templates, mut found) = Templates::read(folder);
    faults.append(&mut found);
    let example = optional(folder, "example.yaml", &mut faults);
    let names: Vec<String> = match &read {
        Some((definition, _)) => definition.profiles.keys().cloned().collect(),
        None => PROFILES.iter().map(|name| (*name).to_owned()).collect(),
    };
    let profiles: BTreeMap<String, Node<Origin>> =
        names.into_iter().map(|name| (name.clone(), layer(folder, &name, &mut faults))).collect();
    if let Some((definition, sheet)) = &read {
        faults.append(&mut load::cross_check(folder, definition, sheet, schema.as_ref(), &templates));
    }
    let (definition, sheet) = read.unwrap_or_else(|| unknown(folder, &profiles));
    // Without a schema every value is as good as any other.
    let schema = schema.or_else(|| Schema::read(&folder.home.file("values.schema.yaml"), "{}").ok());
    let stack = defaults.zip(schema).map(|(defaults, schema)| Stack {
        definition,
        folder: folder.clone(),
        sheet,
        schema,
        defaults,
        profiles,
        example,
        templates,
        warnings: Vec::new(),
    });
    Draft { stack, faults }
}

/// What stands for a `stack.yaml` that cannot be read: the values can be looked at without it, and nothing is rendered.
fn unknown(folder: &Folder, profiles: &BTreeMap<String, Node<Origin>>) -> (Definition, Sheet) {
    let definition = Definition::unknown(&folder.name, profiles.keys().cloned());
    (definition, Sheet::blank(folder.home.file("stack.yaml")))
}

/// What a profile changes; nothing where its file cannot be read, which is told.
fn layer(folder: &Folder, profile: &str, faults: &mut Vec<Fault>) -> Node<Origin> {
    let path = format!("{profile}.yaml");
    let nothing = || Node::map(Origin::Place(folder.home.place(&path)));
    optional(folder, &path, faults).unwrap_or_else(nothing)
}

/// The value, or none and its faults among the others.
fn kept<T>(result: Result<T, Vec<Fault>>, faults: &mut Vec<Fault>) -> Option<T> {
    result.map_err(|mut found| faults.append(&mut found)).ok()
}

fn required<T>(folder: &Folder, path: &str, read: impl Fn(&str, &str) -> Result<T, Fault>) -> Result<T, Vec<Fault>> {
    load::text(folder, path).and_then(|text| read(&folder.home.file(path), text)).map_err(|fault| vec![fault])
}

fn optional(folder: &Folder, path: &str, faults: &mut Vec<Fault>) -> Option<Node<Origin>> {
    let text = folder.files.get(path)?;
    values::layer(&folder.home.file(path), text).map_err(|fault| faults.push(fault)).ok()
}
