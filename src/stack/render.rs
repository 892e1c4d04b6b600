//! From values to Kubernetes objects: templates that are checked when they are loaded, and render to JSON scalars only.

pub mod context;
mod lenient;
pub mod lint;
mod login;
pub mod objects;
mod pull;
mod whole;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior};

use super::definition::Definition;
use super::fault::{Fault, FaultKind, Origin, Place};
use super::names;
use super::source::Folder;
use super::values::Values;
pub(super) use lenient::examine;
pub use objects::Rendered;
pub(super) use pull::{pod_template, pull_with};

/// What an installation is called, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Release {
    /// Its name; the stack's unless the user chose another.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The registry all images come from, when the user chose one.
    pub registry: Option<String>,
    /// A Secret in its namespace with which every pod pulls, when the user chose one.
    pub pull_secret: Option<String>,
    /// Whether a [stand-in](super::stand_in) runs in the place of every program.
    pub stand_ins: bool,
}

impl Release {
    /// What is wrong with the names the user chose.
    pub fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (option, name) in [("--name", &self.name), ("--namespace", &self.namespace)] {
            if !names::is_label(name) {
                let message = format!("`{name}` is not a DNS label: at most 63 small letters, digits and `-`");
                faults.push(Fault::new(FaultKind::BadValue, Origin::Option(option), message));
            }
        }
        let is_host = |host: &str| !host.is_empty() && !host.contains(char::is_whitespace) && !host.contains("://");
        if let Some(registry) = self.registry.as_deref().filter(|registry| !is_host(registry)) {
            let message = format!("`{registry}` is not a registry such as `registry.example.org:5000`");
            faults.push(Fault::new(FaultKind::BadValue, Origin::Option("--registry"), message));
        }
        if let Some(secret) = self.pull_secret.as_deref().filter(|secret| !names::is_subdomain(secret)) {
            let message = format!("`{secret}` is not a name that a Secret can have");
            faults.push(Fault::new(FaultKind::BadValue, Origin::Option("--pull-secret"), message));
        }
        faults
    }

    /// That it goes where its stack works, where that is one namespace alone.
    pub fn check_place(&self, definition: &Definition) -> Option<Fault> {
        let only = definition.default_namespace();
        let why = definition.only_namespace.as_deref().filter(|_| self.namespace != only)?;
        let message = format!("`{}` works in the namespace `{only}` alone: {why}", definition.name);
        Some(Fault::new(FaultKind::BadValue, Origin::Option("--namespace"), message))
    }
}

/// The templates of a stack, ready to be evaluated.
#[derive(Debug, Clone)]
pub struct Templates {
    env: Environment<'static>,
    /// The file of each template, as a user would find it again, and its text.
    files: Arc<BTreeMap<String, (String, String)>>,
    /// Manifests that cannot be evaluated.
    broken: Arc<BTreeSet<String>>,
}

impl Templates {
    /// Checks and compiles everything under `manifests/` and `files/`; with everything that is not as it must be. What cannot be evaluated is passed over
    /// when the rest is rendered.
    pub fn read(folder: &Folder) -> (Self, Vec<Fault>) {
        let mut env = environment();
        let (mut files, mut broken, mut faults) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
        for (path, text) in &folder.files {
            let file = folder.home.file(path);
            let is_manifest = path.starts_with("manifests/");
            let mut prepared = match path.split('/').next() {
                Some("manifests") => lint::prepare(&file, text),
                Some("files") => lint::Prepared { text: text.clone(), faults: Vec::new(), is_plain: true },
                _ => continue,
            };
            files.insert(path.clone(), (file, text.clone()));
            faults.append(&mut prepared.faults);
            let compiled = prepared.is_plain.then(|| env.add_template_owned(path.clone(), prepared.text));
            if let Some(Err(error)) = &compiled {
                faults.push(template_fault(&files, error));
            }
            if !matches!(compiled, Some(Ok(()))) {
                broken.insert(path.clone());
                // A manifest that takes a broken file in is not broken with it.
                if !is_manifest && let Err(error) = env.add_template_owned(path.clone(), String::new()) {
                    faults.push(template_fault(&files, &error));
                }
            }
        }
        (Self { env, files: Arc::new(files), broken: Arc::new(broken) }, faults)
    }

    /// The file of a template, as a user would find it again.
    fn file<'a>(&'a self, path: &'a str) -> &'a str {
        self.files.get(path).map_or(path, |(file, _)| file)
    }

    /// The rendered text of one manifest.
    fn text(&self, path: &str, names: &Value) -> Result<String, Fault> {
        let rendered = self.env.get_template(path).and_then(|template| template.render(names.clone()));
        rendered.map_err(|error| template_fault(&self.files, &error))
    }

    /// A line of plain text with expressions in it, such as a Service's name in `stack.yaml`.
    ///
    /// # Errors
    /// When it cannot be read or evaluated; the place is the caller's to know.
    pub fn line(&self, text: &str, names: &Value) -> Result<String, String> {
        self.env.render_str(text, names.clone()).map_err(|error| plain(&error, Some(text)))
    }

    /// Whether an expression is true.
    ///
    /// # Errors
    /// When it cannot be read or evaluated.
    pub fn is_true(&self, expression: &str, names: &Value) -> Result<bool, String> {
        let compiled = self.env.compile_expression(expression).map_err(|error| plain(&error, Some(expression)))?;
        let value = compiled.eval(names.clone()).map_err(|error| plain(&error, Some(expression)))?;
        if value.is_undefined() {
            return Err("is undefined".to_owned());
        }
        Ok(value.is_true())
    }

    /// Whether an expression can be read.
    ///
    /// # Errors
    /// When it cannot.
    pub fn check_expression(&self, expression: &str) -> Result<(), String> {
        self.env.compile_expression(expression).map(|_| ()).map_err(|error| plain(&error, Some(expression)))
    }
}

/// Renders all objects of a stack: the shared ones first, then each component's in their order.
///
/// # Errors
/// Every template that cannot be evaluated and every object that cannot be told from what it made.
pub fn render(
    definition: &Definition,
    templates: &Templates,
    values: &Values,
    names: &Value,
    release: &Release,
) -> Result<Vec<Rendered>, Vec<Fault>> {
    let mut collector = objects::Collector::new(&release.namespace);
    for (component, path) in manifests(definition, values) {
        match templates.text(&path, names) {
            Ok(text) => {
                collector.read(templates.file(&path), text, component);
            }
            Err(fault) => collector.fault(fault),
        }
    }
    collector.finish()
}

/// The manifests of everything that is on, in their order, with the component that each belongs to.
fn manifests<'a>(definition: &'a Definition, values: &'a Values) -> impl Iterator<Item = (Option<&'a str>, String)> {
    let enabled = definition.components.iter().filter(|component| is_enabled(component.enabled.as_deref(), values));
    let shared = definition.shared.iter().map(|file| (None, file));
    let owned =
        enabled.flat_map(|component| component.manifests.iter().map(|file| (Some(component.name.as_str()), file)));
    shared.chain(owned).map(|(component, file)| (component, format!("manifests/{file}")))
}

/// Whether a component with this switch is on: it has none, or the value is true.
pub fn is_enabled(switch: Option<&str>, values: &Values) -> bool {
    switch.is_none_or(|way| values.get(way) == Some(&serde_json::Value::Bool(true)))
}

fn environment() -> Environment<'static> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_auto_escape_callback(
        |name| if name.starts_with("manifests/") { AutoEscape::Json } else { AutoEscape::None },
    );
    env.set_formatter(write_value);
    // Errors then know which expression they are about.
    env.set_debug(true);
    let mut syntax = minijinja::syntax::SyntaxConfig::builder();
    if let Ok(syntax) = syntax.keep_trailing_newline(true).build() {
        env.set_syntax(syntax);
    }
    env.add_filter("checksum", |text: &str| context::checksum(text));
    env.add_filter("image", |state: &State<'_, '_>, map: Value| context::image_filter(state, &map));
    env
}

/// Writes an expression's value: JSON on one line in a manifest, as it is elsewhere.
fn write_value(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    if matches!(state.auto_escape(), AutoEscape::Json) {
        let json =
            serde_json::to_string(value).map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))?;
        return write_json(out, &json).map_err(Error::from);
    }
    if value.is_none() {
        return Err(Error::new(ErrorKind::InvalidOperation, "is null; say what to write with `default`"));
    }
    write!(out, "{value}").map_err(Error::from)
}

/// JSON is YAML but for a few characters that YAML wants escaped.
fn write_json(out: &mut Output<'_>, json: &str) -> std::fmt::Result {
    let special = |character: char| {
        matches!(character, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    let mut rest = json;
    while let Some(at) = rest.find(special) {
        let Some(character) = rest[at..].chars().next() else { break };
        write!(out, "{}\\u{:04x}", &rest[..at], u32::from(character))?;
        rest = &rest[at + character.len_utf8()..];
    }
    out.write_str(rest)
}

fn template_fault(files: &BTreeMap<String, (String, String)>, error: &Error) -> Fault {
    let known = error.name().and_then(|name| files.get(name));
    let file = known.map_or_else(|| error.name().unwrap_or("template").to_owned(), |(file, _)| file.clone());
    let line = error.line().and_then(|line| u32::try_from(line).ok()).unwrap_or_default();
    Fault::new(FaultKind::BadTemplate, Place::line(file, line), plain(error, None))
}

/// An error of a template in one line, with the expression it is about.
fn plain(error: &Error, source: Option<&str>) -> String {
    let source = error.template_source().or(source);
    let expression = source.zip(error.range()).and_then(|(source, range)| source.get(range)).map(str::trim);
    let expression = expression.filter(|text| !text.is_empty() && text.len() < 120 && !text.contains('\n'));
    let message = match (error.kind(), error.detail()) {
        (ErrorKind::UndefinedError, None) => "is undefined".to_owned(),
        (kind, None) => kind.to_string(),
        (_, Some(detail)) => detail.to_owned(),
    };
    match expression {
        Some(expression) if !message.contains(expression) => format!("`{expression}`: {message}"),
        _ => message,
    }
}
