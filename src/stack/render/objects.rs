//! From rendered texts to objects that know where they come from.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::super::fault::{Fault, FaultKind, Mark, Place};
use super::super::node::Node;
use super::super::path::Way;
use super::super::{names, yaml};
use super::lint;
use crate::kinds::{self, Kind};

/// One rendered object.
#[derive(Clone)]
pub struct Rendered {
    /// The object, with its namespace.
    pub object: Value,
    /// The component it belongs to; none for shared ones.
    pub component: Option<String>,
    /// The line of the template where it begins.
    pub origin: Place,
    /// Its kind; none for custom ones.
    pub kind: Option<&'static Kind>,
    sheet: Arc<Sheet>,
    document: usize,
}

impl fmt::Debug for Rendered {
    /// Names the object and leaves out what is in it: it may be a Secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} in `{}` ({})", self.title(), self.namespace(), self.origin)
    }
}

/// The rendered text of one template; positions are looked up only when something is wrong.
struct Sheet {
    file: Arc<str>,
    text: String,
    lines: Vec<u32>,
    nodes: OnceLock<Vec<Node<Mark>>>,
}

impl Sheet {
    /// The place in the template of a place in the rendered text.
    fn place(&self, mark: Mark) -> Place {
        let index = (mark.line as usize).saturating_sub(1);
        let line = self.lines.get(index).or(self.lines.last()).copied().unwrap_or(1);
        Place { file: self.file.clone(), mark: Mark { line, column: 0 } }
    }
}

impl Rendered {
    /// Its name.
    pub fn name(&self) -> &str {
        self.object["metadata"]["name"].as_str().unwrap_or_default()
    }

    /// Its namespace, empty for objects of the whole cluster.
    pub fn namespace(&self) -> &str {
        self.object["metadata"]["namespace"].as_str().unwrap_or_default()
    }

    /// Its `apiVersion`.
    pub fn api_version(&self) -> &str {
        self.object["apiVersion"].as_str().unwrap_or_default()
    }

    /// Its `kind`.
    pub fn kind_name(&self) -> &str {
        self.object["kind"].as_str().unwrap_or_default()
    }

    /// `Kind/name`, for people.
    pub fn title(&self) -> String {
        format!("{}/{}", self.kind_name(), self.name())
    }

    /// The template's line of a field, or of the deepest field on the way to it that there is.
    pub fn place(&self, way: &Way) -> Place {
        let nodes =
            self.sheet.nodes.get_or_init(|| yaml::nodes(&self.sheet.file, &self.sheet.text).unwrap_or_default());
        match nodes.get(self.document) {
            Some(node) if !way.is_root() => self.sheet.place(*node.nearest(way)),
            _ => self.origin.clone(),
        }
    }
}

/// Gathers objects and everything that is wrong with them.
pub(super) struct Collector<'a> {
    namespace: &'a str,
    objects: Vec<Rendered>,
    seen: HashMap<(String, String, String, String), Place>,
    faults: Vec<Fault>,
}

impl<'a> Collector<'a> {
    pub(super) fn new(namespace: &'a str) -> Self {
        Self { namespace, objects: Vec::new(), seen: HashMap::new(), faults: Vec::new() }
    }

    pub(super) fn fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    pub(super) fn finish(self) -> Result<Vec<Rendered>, Vec<Fault>> {
        if self.faults.is_empty() { Ok(self.objects) } else { Err(self.faults) }
    }

    /// What could be read, and everything that could not.
    pub(super) fn apart(self) -> (Vec<Rendered>, Vec<Fault>) {
        (self.objects, self.faults)
    }

    /// Reads the objects of one rendered text.
    pub(super) fn read(&mut self, file: &str, text: String, component: Option<&str>) {
        let lines = lint::template_lines(&text);
        let sheet = Arc::new(Sheet { file: file.into(), text, lines, nodes: OnceLock::new() });
        let documents = match yaml::documents(file, &sheet.text) {
            Ok(documents) => documents,
            Err(fault) => return self.faults.push(in_template(&fault, &sheet)),
        };
        for (document, (mark, object)) in documents.into_iter().enumerate() {
            let origin = sheet.place(mark);
            let kind = kinds::builtin(
                object["apiVersion"].as_str().unwrap_or_default(),
                object["kind"].as_str().unwrap_or_default(),
            );
            let component = component.map(str::to_owned);
            let mut rendered = Rendered { object, component, origin, kind, sheet: sheet.clone(), document };
            match self.complete(&mut rendered) {
                Ok(()) => self.objects.push(rendered),
                Err(message) => {
                    let fault = Fault::new(FaultKind::BadObject, rendered.origin.clone(), message);
                    self.faults.push(fault);
                }
            }
        }
    }

    /// Gives the object its namespace and checks that it can be told from all others.
    fn complete(&mut self, rendered: &mut Rendered) -> Result<(), String> {
        identify(&rendered.object)?;
        let title = rendered.title();
        match rendered.kind {
            None if kinds::is_builtin_group(rendered.api_version()) => {
                return Err(unknown_kind(rendered.api_version(), rendered.kind_name()));
            }
            Some(kind) if kind.namespaced => {
                if let Some(metadata) = rendered.object["metadata"].as_object_mut() {
                    let namespace = metadata.entry("namespace").or_insert(Value::Null);
                    if namespace.is_null() {
                        *namespace = self.namespace.into();
                    }
                }
            }
            Some(_) if !rendered.namespace().is_empty() => {
                return Err(format!("{title} has a namespace, but belongs to the whole cluster"));
            }
            _ => {}
        }
        if !rendered.namespace().is_empty() && !names::is_label(rendered.namespace()) {
            return Err(format!("`{}` is not a namespace's name", rendered.namespace()));
        }
        if let Some(problem) = name_problem(rendered.kind_name(), rendered.name()) {
            return Err(format!("{title}: {problem}"));
        }
        self.remember(rendered);
        Ok(())
    }

    fn remember(&mut self, rendered: &Rendered) {
        let group = rendered.api_version().rsplit_once('/').map_or("", |(group, _)| group);
        let identity = [group, rendered.kind_name(), rendered.namespace(), rendered.name()].map(str::to_owned);
        if let Some(first) = self.seen.insert(identity.into(), rendered.origin.clone()) {
            let message = format!("{} is also at {first}", rendered.title());
            self.faults.push(Fault::new(FaultKind::DuplicateObject, rendered.origin.clone(), message));
        }
    }
}

/// A fault of the rendered text, at the template's line. The line's text is left out: it may hold a secret.
fn in_template(fault: &Fault, sheet: &Sheet) -> Fault {
    let mark = match &fault.place {
        Some(super::super::fault::Origin::Place(place)) => place.mark,
        _ => Mark::default(),
    };
    let message = fault.message.split(": `").next().unwrap_or_default();
    let message = format!("what this renders to is not YAML: {message}");
    Fault::new(FaultKind::BadTemplate, sheet.place(mark), message)
}

/// A kind that one of Kubernetes' own groups does not have, or has in another version.
fn unknown_kind(api_version: &str, kind: &str) -> String {
    let unknown = format!("there is no kind {kind} in {api_version}");
    if let Some(known) = kinds::BUILTIN.iter().find(|known| known.kind == kind) {
        return format!("{unknown}; it is in {}", known.api_version());
    }
    let meant = crate::error::closest(kind, kinds::BUILTIN.iter().map(|known| known.kind));
    format!("{unknown}{}", meant.map(|kind| format!(", did you mean {kind}?")).unwrap_or_default())
}

/// Whether the object says what it is.
fn identify(object: &Value) -> Result<(), String> {
    let text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    if !object.is_object() {
        return Err("is not a Kubernetes object".to_owned());
    }
    if let Some(field) = ["apiVersion", "kind"].into_iter().find(|field| !text(&object[*field])) {
        return Err(format!("`{field}` is missing or no text"));
    }
    let kind = object["kind"].as_str().unwrap_or_default();
    if kind == "List" {
        return Err("write the objects of a List apart, with `---` between them".to_owned());
    }
    if kind == "Namespace" {
        return Err("the release's Namespace is made by seaworthy; a stack makes none".to_owned());
    }
    if !text(&object["metadata"]["name"]) {
        return Err(format!("`metadata.name` of this {kind} is missing or no text"));
    }
    Ok(())
}

/// What is wrong with a name for an object of this kind.
fn name_problem(kind: &str, name: &str) -> Option<String> {
    let longest = match kind {
        // The controllers append a hash or a time, and the whole must fit a label.
        "StatefulSet" | "CronJob" => 52,
        "Service" | "Job" => 63,
        _ => 253,
    };
    let fits = match kind {
        "Service" => names::is_service(name),
        "Role" | "RoleBinding" | "ClusterRole" | "ClusterRoleBinding" => !name.contains(['/', '%']),
        _ => names::is_subdomain(name),
    };
    if name.len() > longest {
        return Some(format!("the name has {} characters; at most {longest} are allowed", name.len()));
    }
    (!fits).then(|| "the name is not a DNS name: small letters, digits and `-`".to_owned())
}
