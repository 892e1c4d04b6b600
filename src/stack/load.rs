//! Reading `stack.yaml` and checking that a stack's files fit together.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::definition::{Component, Definition, Source};
use super::fault::{Fault, FaultKind, Mark, Place, Severity};
use super::node::Node;
use super::path::{Step, Way};
use super::render::Templates;
use super::schema::Schema;
use super::source::Folder;
use super::typed::{self, Misfit, Problem};
use super::{names, quantity, yaml};
use crate::error::closest;
use crate::network::ports::Port;

/// The version of the format that this program reads.
const FORMAT: u32 = 1;

/// The profiles a stack may have.
pub(super) const PROFILES: [&str; 2] = ["single-node", "ha"];

/// Folders whose files other modules read, by their own rules.
const ELSEWHERE: [&str; 3] = ["playbooks", "checks", "walks"];

/// `stack.yaml` with the position of everything in it.
#[derive(Debug, Clone)]
pub struct Sheet {
    file: String,
    nodes: Node<Mark>,
    /// What does not fit, and was left out when it was read.
    left_out: Vec<Way>,
}

impl Sheet {
    /// The sheet of a file of which nothing is known.
    pub fn blank(file: String) -> Self {
        Self { file, nodes: Node::map(Mark::default()), left_out: Vec::new() }
    }

    /// A fault of the value at the way.
    pub fn fault(&self, way: &str, message: impl Into<String>) -> Fault {
        let way = self.written(Way::dotted(way));
        let place = Place { file: self.file.as_str().into(), mark: *self.nodes.nearest(&way) };
        Fault::new(FaultKind::BadStack, place, message).on(way)
    }

    /// Whether all of a part of the file was read.
    fn is_whole(&self, part: &str) -> bool {
        let part = Step::Key(part.to_owned());
        !self.left_out.iter().any(|way| way.0.first() == Some(&part))
    }

    /// The way as it is in the file, where items were left out.
    fn written(&self, way: Way) -> Way {
        let mut written = Way::default();
        for step in way.0 {
            let Step::Index(mut left) = step else {
                written.0.push(step);
                continue;
            };
            let mut at = 0;
            loop {
                let is_left_out = self.left_out.contains(&written.with(Step::Index(at)));
                if !is_left_out && left == 0 {
                    break;
                }
                left -= usize::from(!is_left_out);
                at += 1;
            }
            written.0.push(Step::Index(at));
        }
        written
    }
}

/// Reads `stack.yaml`, as far as it can be: without what is not as it must be, of which each is a fault.
///
/// # Errors
/// When nothing can be made of it: it is missing, not YAML, or of another format.
pub fn read(folder: &Folder) -> Result<(Definition, Sheet, Vec<Fault>), Vec<Fault>> {
    let text = text(folder, "stack.yaml").map_err(|fault| vec![fault])?;
    let file = folder.home.file("stack.yaml");
    let nodes = yaml::node(&file, text).map_err(|fault| vec![fault])?;
    let value = nodes.to_value();
    let mut sheet = Sheet { file, nodes, left_out: Vec::new() };
    if value["format"] != FORMAT && value.get("format").is_some_and(Value::is_number) {
        let message = format!("this program reads format {FORMAT}; the stack has format {}", value["format"]);
        return Err(vec![sheet.fault("format", message)]);
    }
    let mut draft = typed::draft::<Definition>(&value);
    let faults: Vec<Fault> = draft.misfits.iter().map(|misfit| fault_of(&sheet, misfit)).collect();
    if draft.read.is_none() {
        let (patched, gone) = with_head(value, &draft.left_out, folder);
        draft = typed::draft(&patched);
        draft.left_out.extend(gone);
    }
    sheet.left_out = draft.left_out;
    match draft.read {
        Some(definition) => Ok((definition, sheet, faults)),
        None => Err(faults),
    }
}

fn fault_of(sheet: &Sheet, misfit: &Misfit) -> Fault {
    sheet.fault(&misfit.way.to_string(), said(&misfit.problem))
}

/// The same with something in the place of everything without which no stack is read, so that the rest of it can be.
fn with_head(mut value: Value, left_out: &[Way], folder: &Folder) -> (Value, Vec<Way>) {
    let stands = [
        ("format", Value::from(FORMAT)),
        ("name", folder.name.as_str().into()),
        ("title", "".into()),
        ("description", "".into()),
        ("version", "0.0.0".into()),
        ("profiles", json!({})),
    ];
    let mut gone = Vec::new();
    if let Some(head) = value.as_object_mut() {
        for (name, stand) in stands {
            let way = Way::default().key(name);
            if !head.contains_key(name) || left_out.contains(&way) {
                head.insert(name.to_owned(), stand);
                gone.push(way);
            }
        }
    }
    (value, gone)
}

fn said(problem: &Problem) -> String {
    match problem {
        Problem::Unknown { .. } => format!("unknown key, {problem}"),
        other => other.to_string(),
    }
}

/// The text of a file that a stack must have.
///
/// # Errors
/// When it does not have it.
pub fn text<'a>(folder: &'a Folder, path: &str) -> Result<&'a str, Fault> {
    let missing = || Fault::new(FaultKind::BadStack, folder.home.place(path), "the file is missing");
    folder.files.get(path).map(String::as_str).ok_or_else(missing)
}

/// Everything in the stack's files that does not fit together, but for what only follows from a fault that is told already: from what was left out, or
/// from a schema that cannot be read.
pub fn cross_check(
    folder: &Folder,
    definition: &Definition,
    sheet: &Sheet,
    schema: Option<&Schema>,
    templates: &Templates,
) -> Vec<Fault> {
    let mut checker = Checker { folder, definition, sheet, schema, templates, faults: Vec::new() };
    checker.head();
    checker.profiles();
    checker.components();
    checker.order();
    checker.manifests();
    checker.rules();
    checker.reach();
    checker.simulation();
    checker.sources();
    checker.chart();
    checker.files();
    checker.faults
}

struct Checker<'a> {
    folder: &'a Folder,
    definition: &'a Definition,
    sheet: &'a Sheet,
    schema: Option<&'a Schema>,
    templates: &'a Templates,
    faults: Vec<Fault>,
}

impl Checker<'_> {
    fn fault(&mut self, way: &str, message: impl Into<String>) {
        self.faults.push(self.sheet.fault(way, message));
    }

    fn head(&mut self) {
        let Definition { name, namespace, kubernetes, .. } = self.definition;
        if !names::is_label(name) {
            self.fault("name", format!("`{name}` is not a DNS label: small letters, digits and `-`"));
        } else if *name != self.folder.name {
            self.fault("name", format!("`{name}` is not the folder's name, `{}`", self.folder.name));
        }
        if let Some(namespace) = namespace.as_deref().filter(|namespace| !names::is_label(namespace)) {
            self.fault("namespace", format!("`{namespace}` is not a namespace's name"));
        }
        if let Some(setting) = &self.definition.shared_class {
            self.known_value("sharedClass", setting);
        }
        if let Some(Err(error)) = kubernetes.as_deref().map(semver::VersionReq::parse) {
            self.fault("kubernetes", format!("is not a version requirement such as `>=1.23`: {error}"));
        }
    }

    fn profiles(&mut self) {
        if self.definition.profiles.is_empty() && self.sheet.is_whole("profiles") {
            self.fault("profiles", format!("at least one of {} is needed", PROFILES.join(", ")));
        }
        for (name, profile) in &self.definition.profiles {
            let way = format!("profiles.{name}");
            if !PROFILES.contains(&name.as_str()) {
                self.fault(&way, format!("unknown profile; known are {}", PROFILES.join(", ")));
            } else if !self.folder.files.contains_key(&format!("{name}.yaml")) {
                self.fault(&way, format!("there is no file {name}.yaml with what this profile changes"));
            }
            for (index, survival) in profile.survives.iter().enumerate() {
                let before = &profile.survives[..index];
                if before.iter().any(|other| other.loss == survival.loss) {
                    let message = format!("the loss of {} is told already", survival.loss.name());
                    self.fault(&format!("{way}.survives[{index}].loss"), message);
                }
            }
            for (index, port) in profile.needs.ports.iter().enumerate() {
                if let Err(message) = port.parse::<Port>() {
                    self.fault(&format!("{way}.needs.ports[{index}]"), message);
                }
            }
            for (index, folder) in profile.needs.folders.iter().enumerate() {
                if !folder.starts_with('/') || folder.contains([':', ',']) {
                    let message = format!("`{folder}` is not the absolute path of a folder");
                    self.fault(&format!("{way}.needs.folders[{index}]"), message);
                }
            }
            for (field, text) in [("cpu", &profile.needs.cpu), ("memory", &profile.needs.memory)] {
                if !text.is_empty() && quantity::parse(text).is_none() {
                    self.fault(
                        &format!("{way}.needs.{field}"),
                        format!("`{text}` is not a quantity such as `500m` or `2Gi`"),
                    );
                }
            }
        }
    }

    fn components(&mut self) {
        let mut seen = BTreeSet::new();
        for (index, component) in self.definition.components.iter().enumerate() {
            let way = format!("components[{index}]");
            let Component { name, enabled, .. } = component;
            if !names::is_label(name) {
                self.fault(&format!("{way}.name"), format!("`{name}` is not a DNS label"));
            } else if !seen.insert(name) {
                self.fault(&format!("{way}.name"), format!("there are two components `{name}`"));
            }
            if let Some(path) = enabled {
                self.known_value(&format!("{way}.enabled"), path);
                if self.schema.is_some_and(|schema| !schema.types(&Way::dotted(path)).allows("boolean")) {
                    self.fault(&format!("{way}.enabled"), format!("`{path}` is not true or false in the schema"));
                }
            }
            for (position, after) in component.after.iter().enumerate() {
                self.known_component(&format!("{way}.after[{position}]"), after);
            }
        }
    }

    fn known_component(&mut self, way: &str, name: &str) {
        if self.definition.component(name).is_none() && self.sheet.is_whole("components") {
            let known = self.definition.components.iter().map(|component| component.name.as_str());
            let meant = closest(name, known).map(|name| format!(", did you mean `{name}`?")).unwrap_or_default();
            self.fault(way, format!("there is no component `{name}`{meant}"));
        }
    }

    fn known_value(&mut self, way: &str, path: &str) {
        let steps = Way::dotted(path);
        let Some(schema) = self.schema.filter(|schema| !schema.knows(&steps)) else { return };
        let above = Way(steps.0[..steps.0.len() - 1].to_vec());
        let last = path.rsplit('.').next().unwrap_or(path);
        let meant =
            closest(last, schema.properties(&above)).map(|name| format!(", did you mean `{}`?", above.key(name)));
        self.fault(way, format!("the schema has no value `{path}`{}", meant.unwrap_or_default()));
    }

    /// Components must be able to wait for each other without waiting for themselves.
    fn order(&mut self) {
        let mut done = BTreeSet::new();
        loop {
            let before = done.len();
            for component in &self.definition.components {
                let waits = component
                    .after
                    .iter()
                    .any(|after| !done.contains(after.as_str()) && self.definition.component(after).is_some());
                if !waits {
                    done.insert(component.name.as_str());
                }
            }
            if done.len() == before {
                break;
            }
        }
        let stuck: Vec<_> = self.definition.components.iter().filter(|c| !done.contains(c.name.as_str())).collect();
        if let Some(first) = stuck.first() {
            let names: Vec<_> = stuck.iter().map(|component| component.name.as_str()).collect();
            let index = self.definition.components.iter().position(|c| c.name == first.name).unwrap_or_default();
            self.fault(
                &format!("components[{index}].after"),
                format!("these wait for each other: {}", names.join(", ")),
            );
        }
    }

    /// Every file under `manifests/` belongs to one component or is shared.
    fn manifests(&mut self) {
        let mut owners: BTreeMap<&str, String> = BTreeMap::new();
        let shared = self.definition.shared.iter().enumerate().map(|(at, file)| (format!("shared[{at}]"), file));
        let owned = self.definition.components.iter().enumerate().flat_map(|(index, component)| {
            let way = move |(at, file)| (format!("components[{index}].manifests[{at}]"), file);
            component.manifests.iter().enumerate().map(way)
        });
        for (way, file) in shared.chain(owned) {
            if !self.folder.files.contains_key(&format!("manifests/{file}")) {
                let known = self.folder.files.keys().filter_map(|path| path.strip_prefix("manifests/"));
                let meant = closest(file, known).map(|name| format!(", did you mean `{name}`?")).unwrap_or_default();
                self.fault(&way, format!("there is no manifests/{file}{meant}"));
            } else if let Some(first) = owners.insert(file, way.clone()) {
                self.fault(&way, format!("manifests/{file} is also used at {first}"));
            }
        }
        if !self.sheet.is_whole("components") || !self.sheet.is_whole("shared") {
            return;
        }
        let unused: Vec<_> = self.folder.files.keys().filter(|path| path.starts_with("manifests/")).collect();
        for path in unused {
            if !owners.contains_key(path.trim_start_matches("manifests/")) {
                let message = "no component uses it, and it is not shared";
                self.faults.push(Fault::new(FaultKind::BadStack, self.folder.home.place(path), message));
            }
        }
    }

    fn rules(&mut self) {
        for (index, rule) in self.definition.rules.iter().enumerate() {
            let way = format!("rules[{index}]");
            self.known_value(&format!("{way}.path"), &rule.path);
            for (field, expression) in [("when", rule.when.as_deref()), ("check", Some(rule.check.as_str()))] {
                if let Some(Err(error)) = expression.map(|expression| self.templates.check_expression(expression)) {
                    self.fault(&format!("{way}.{field}"), error);
                }
            }
        }
    }

    fn simulation(&mut self) {
        for component in self.definition.simulation.keys() {
            self.known_component(&format!("simulation.{component}"), component);
        }
    }

    /// What is said about chart and document needs one that is named.
    fn sources(&mut self) {
        for (index, difference) in self.definition.differs.iter().enumerate() {
            if difference.what.trim().is_empty() {
                self.fault(&format!("differs[{index}].what"), "says nothing");
            }
            if difference.from == Source::Chart && self.definition.chart.is_none() {
                self.fault(&format!("differs[{index}].from"), "no chart is named that it could differ from");
            }
        }
        for (index, text) in self.definition.placeholders.iter().enumerate() {
            // Each is looked for inside of every value.
            if text.trim().len() < 4 {
                self.fault(&format!("placeholders[{index}]"), format!("`{text}` is too short to be told from a value"));
            }
        }
    }

    fn chart(&mut self) {
        let Some(chart) = &self.definition.chart else { return };
        for (index, path) in chart.ours.iter().enumerate() {
            self.known_value(&format!("chart.ours[{index}]"), path);
        }
        for (index, failure) in chart.failures.iter().enumerate() {
            let way = format!("chart.failures[{index}]");
            if failure.what.trim().is_empty() {
                self.fault(&format!("{way}.what"), "says nothing");
            }
            if let Some(Err(error)) = failure.versions.as_deref().map(semver::VersionReq::parse) {
                self.fault(&format!("{way}.versions"), format!("is not a version requirement such as `<1.2`: {error}"));
            }
            if let Some(Err(error)) = failure.when.as_deref().map(|when| self.templates.check_expression(when)) {
                self.fault(&format!("{way}.when"), error);
            }
        }
    }

    fn reach(&mut self) {
        for (index, reach) in self.definition.reach.iter().enumerate() {
            let way = format!("reach[{index}]");
            if !names::is_label(&reach.name) {
                self.fault(&format!("{way}.name"), format!("`{}` is not a DNS label", reach.name));
            }
            self.known_component(&format!("{way}.component"), &reach.component);
            if !reach.service.contains("{{") && !names::is_service(&reach.service) {
                self.fault(&format!("{way}.service"), format!("`{}` is not a Service's name", reach.service));
            }
            if reach.path.as_deref().is_some_and(|path| !path.starts_with('/')) {
                self.fault(&format!("{way}.path"), "a path begins with `/`");
            }
        }
    }

    /// Nothing lies around that nobody reads.
    fn files(&mut self) {
        let templates: Vec<&str> =
            self.folder.files.iter().filter(|(path, _)| is_template(path)).map(|(_, text)| text.as_str()).collect();
        let literal = |name: &str| {
            templates.iter().any(|text| text.contains(&format!("'{name}'")) || text.contains(&format!("\"{name}\"")))
        };
        let mut faults = Vec::new();
        for path in self.folder.files.keys() {
            let place = self.folder.home.place(path);
            if let Some(name) = path.strip_prefix("files/") {
                if !literal(name) {
                    let fault = Fault::new(FaultKind::BadStack, place, format!("no template uses `file('{name}')`"));
                    faults.push(fault.severity(Severity::Warning));
                }
            } else if !self.is_known(path) {
                let meant = closest(path, KNOWN.into_iter().chain(TEXTS))
                    .filter(|meant| !self.folder.files.contains_key(*meant));
                let meant = meant.map(|meant| format!(", did you mean `{meant}`?")).unwrap_or_default();
                let message = format!("is not part of a stack; nothing reads it{meant}");
                faults.push(Fault::new(FaultKind::BadStack, place, message));
            }
        }
        self.faults.append(&mut faults);
    }

    fn is_known(&self, path: &str) -> bool {
        if let Some((folder, _)) = path.split_once('/') {
            return folder == "manifests" || ELSEWHERE.contains(&folder);
        }
        let profiles = &self.definition.profiles;
        // The file of a profile whose name has a fault is told with it.
        let is_meant = |name: &str| {
            PROFILES.contains(&name)
                && (!self.sheet.is_whole("profiles")
                    || profiles.keys().any(|known| !PROFILES.contains(&known.as_str())))
        };
        let is_profile = path.strip_suffix(".yaml").is_some_and(|name| profiles.contains_key(name) || is_meant(name));
        is_profile || path.to_ascii_lowercase().ends_with(".md") || KNOWN.contains(&path)
    }
}

/// The files at the top of a stack's folder.
const KNOWN: [&str; 5] = ["stack.yaml", "values.schema.yaml", "values.yaml", "example.yaml", "LICENSE"];

/// Files of profiles, as they can be called.
const TEXTS: [&str; 2] = ["single-node.yaml", "ha.yaml"];

fn is_template(path: &str) -> bool {
    path.starts_with("manifests/") || path.starts_with("files/")
}
