//! `stacks list|show|validate`.

use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use seaworthy::stack::definition::{Chart, ChartFailure, Difference, RunTime, Survival};
use seaworthy::stack::{Report, Setting, Severity, Stack, source, validate as validate_stack, validate_folder};
use serde_json::json;

use super::{Failure, Session};
use crate::front::paint::{count, cut, table};
use crate::front::say;

/// `stacks ...`
#[derive(Debug, Subcommand)]
pub(crate) enum StacksCommand {
    /// All stacks, a line each
    List,
    /// One stack: components, profiles, what it needs, every setting
    Show {
        /// Name of the stack
        stack: String,
    },
    /// Check a stack of your own: every fault at once, with file, line and field
    Validate {
        /// A folder, or the name of a stack
        stack: String,
    },
    /// Begin a stack of your own: a small one that works, to be changed
    New {
        /// What it is to be called
        name: String,
        /// The folder to put its folder into
        #[arg(long, value_name = "DIR", default_value = ".")]
        dir: PathBuf,
    },
}

pub(crate) fn list(session: &Session) -> ExitCode {
    let (stacks, broken) = session.catalogue().stacks();
    let mut rows = Vec::new();
    let mut documents = Vec::new();
    for stack in &stacks {
        let definition = stack.definition();
        let profiles: Vec<&str> = definition.profiles.keys().map(String::as_str).collect();
        let name = stack.name();
        rows.push(vec![name.to_owned(), definition.version.clone(), profiles.join(", "), definition.title.clone()]);
        documents.push(json!({"name": name, "version": definition.version, "title": definition.title,
            "description": definition.description, "profiles": profiles}));
    }
    for (name, error) in &broken {
        say(format!("{name} cannot be used:\n{error}"));
    }
    session.print("Stacks", &documents, || table(&["STACK", "VERSION", "PROFILES", "WHAT IT IS"], &rows));
    if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) }
}

pub(crate) fn show(session: &Session, name: &str) -> Result<ExitCode, Failure> {
    let stack = session.catalogue().get(name)?;
    let settings = stack.settings();
    let document = json!({"stack": stack.definition(), "settings": settings});
    session.print("Stack", &document, || show_text(&stack));
    Ok(ExitCode::SUCCESS)
}

fn show_text(stack: &Stack) -> String {
    let definition = stack.definition();
    let mut lines = vec![format!("{} {}: {}", definition.name, definition.version, definition.title)];
    lines.push(definition.description.clone());
    lines.push(format!("\nnamespace   {} (or --namespace)", definition.default_namespace()));
    lines.extend(definition.kubernetes.as_ref().map(|range| format!("Kubernetes  {range}")));
    lines.push("\nCOMPONENTS".to_owned());
    for component in &definition.components {
        let switch = component.enabled.as_ref().map_or_else(String::new, |path| format!(" (switched by {path})"));
        lines.push(format!("  {:<16} {}{switch}", component.name, component.title));
    }
    lines.push("\nPROFILES".to_owned());
    for (name, profile) in &definition.profiles {
        let needs = &profile.needs;
        let room = format!("{}, {} CPU, {} memory", count(needs.nodes as usize, "node"), needs.cpu, needs.memory);
        lines.push(format!("  {name:<16} {} Needs {room}.", profile.description));
        let told = |it: &Survival| format!("    loss of {:<8} {}: {}", it.loss.name(), it.holds.name(), it.what);
        lines.extend(profile.survives.iter().map(told));
    }
    lines.extend(definition.chart.iter().flat_map(chart_lines));
    if !definition.differs.is_empty() {
        lines.push("\nWHAT DIFFERS".to_owned());
        let line = |difference: &Difference| format!("  from {}: {}", difference.from.name(), difference.what);
        lines.extend(definition.differs.iter().map(line));
    }
    if !definition.runtime.is_empty() {
        lines.push("\nWHAT IT MAKES WHILE IT RUNS (nothing owns it; `uninstall` finds it)".to_owned());
        let line = |made: &RunTime| {
            let selector = Some(&made.selector).filter(|selector| !selector.is_empty());
            let told = selector.map(|selector| format!(" with the label {}", any(selector)));
            let named = made.names.as_ref().map(|names| format!(" named like {}", any(names)));
            format!("  {:<16} {}{}{}", made.title, made.kind, told.unwrap_or_default(), named.unwrap_or_default())
        };
        lines.extend(definition.runtime.iter().map(line));
    }
    lines.push("\nSETTINGS (required ones first)".to_owned());
    let mut settings = stack.settings();
    settings.sort_by_key(|setting| (!setting.required, setting.advanced));
    lines.extend(settings.iter().map(setting_line));
    lines.join("\n")
}

/// A text of a stack in which `*` stands for whatever depends on its values.
fn any(text: &str) -> String {
    let mut parts = text.split("{{");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |said, part| format!("{said}*{}", part.split_once("}}").map_or("", |(_, rest)| rest)))
}

/// What `--chart` installs from, and what is known of it.
fn chart_lines(chart: &Chart) -> Vec<String> {
    let mut lines = vec![format!("\nOFFICIAL CHART (--chart)\n  {} {}", chart.name, chart.version)];
    for ChartFailure { versions, when, what, fatal } in &chart.failures {
        let mark = if *fatal { "fails" } else { "note" };
        let versions = versions.as_ref().map_or_else(String::new, |versions| format!(" in {versions}"));
        let when = when.as_ref().map_or_else(String::new, |when| format!(", when {}", when.replace("values.", "")));
        lines.push(format!("  {mark}{versions}{when}: {what}"));
    }
    if !chart.ours.is_empty() {
        lines.push(format!("  it does not have these settings: {}", chart.ours.join(", ")));
    }
    lines
}

fn setting_line(setting: &Setting) -> String {
    let default = match (&setting.default, setting.required) {
        (_, true) => "required".to_owned(),
        _ if setting.made => "made".to_owned(),
        (Some(value), _) => cut(&value.to_string(), 40),
        (None, _) => "not set".to_owned(),
    };
    let about = setting.title.as_ref().or(setting.description.as_ref()).cloned().unwrap_or_default();
    let unit = setting.unit.as_ref().map_or_else(String::new, |unit| format!(" [{unit}]"));
    let about = setting.inert.as_ref().map_or(about, |why| format!("changes nothing: {why}"));
    format!("  {:<44} {:<16} {default}{unit}  {about}", setting.path, cut(&setting.kind, 16))
}

pub(crate) fn validate(session: &Session, stack: &str) -> Result<ExitCode, Failure> {
    let path = Path::new(stack);
    let report = if is_folder(session, stack) {
        holds_one(path)?;
        validate_folder(path)?
    } else {
        validate_stack(&session.catalogue().folder(stack)?)
    };
    session.print("Validation", &report, || report_text(&report));
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

/// Whether a folder is meant. A name is a name even where a folder of that name happens to lie.
fn is_folder(session: &Session, stack: &str) -> bool {
    let path = Path::new(stack);
    let is_known = || session.catalogue().names().iter().any(|name| name == stack);
    stack.contains(['/', '.']) || path.join("stack.yaml").is_file() || (path.is_dir() && !is_known())
}

/// A folder of stacks is no stack: which of them is meant, only the user can say.
fn holds_one(dir: &Path) -> Result<(), Failure> {
    let stacks = source::stacks_in(dir);
    if dir.join("stack.yaml").is_file() || stacks.is_empty() {
        return Ok(());
    }
    let paths: Vec<String> = stacks.iter().map(|name| dir.join(name).display().to_string()).collect();
    let have = if paths.len() == 1 { "has" } else { "have" };
    let message = format!("{} has no stack.yaml; {} {have}", dir.display(), paths.join(", "));
    Err(Failure::input(
        "no-stack-here",
        message,
        format!("check one of them: `seaworthy stacks validate {}`", paths[0]),
    ))
}

/// The faults, and last what they come to.
fn report_text(report: &Report) -> String {
    let mut lines: Vec<String> = report.faults.iter().map(ToString::to_string).collect();
    lines.extend(
        report.unchecked.iter().map(|kind| format!("note: the fields of {kind} cannot be checked without its cluster")),
    );
    let objects: Vec<String> =
        report.objects.iter().map(|(profile, number)| format!("{} in {profile}", count(*number, "object"))).collect();
    let errors = report.faults.iter().filter(|fault| fault.severity == Severity::Error).count();
    let warnings = match report.faults.len() - errors {
        0 => String::new(),
        number => format!(", and {} to look at", count(number, "warning")),
    };
    lines.push(if report.is_good() {
        format!("{} is good: {}", report.name, objects.join(", "))
    } else {
        format!("{} cannot be used: {} to mend{warnings}", report.name, count(errors, "fault"))
    });
    lines.join("\n")
}
