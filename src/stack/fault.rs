//! What can be wrong with a stack or with the values given to it, and where.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::path::Way;
use crate::error::{Class, Explain};

/// What the names of files begin with that are in the program itself.
pub(super) const EMBEDDED: &str = "embedded:";

/// A position in a text; lines and columns count from 1, and line 0 means the whole file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// The line.
    pub line: u32,
    /// The column; 0 means the whole line.
    pub column: u32,
}

/// A position in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, as a user would find it again.
    pub file: Arc<str>,
    /// Where in it.
    pub mark: Mark,
}

impl Place {
    /// The whole file.
    pub fn file(file: impl Into<Arc<str>>) -> Self {
        Self { file: file.into(), mark: Mark::default() }
    }

    /// A line of the file.
    pub fn line(file: impl Into<Arc<str>>, line: u32) -> Self {
        Self { file: file.into(), mark: Mark { line, column: 0 } }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mark {
            Mark { line: 0, .. } => formatter.write_str(&self.file),
            Mark { line, column: 0 } => write!(formatter, "{}:{line}", self.file),
            Mark { line, column } => write!(formatter, "{}:{line}:{column}", self.file),
        }
    }
}

/// Where a value came from. Never holds the value, so it can always be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file: the stack's own, or one given with `-f`.
    Place(Place),
    /// `--set`, with the way it sets.
    Set(Arc<str>),
    /// `--set-file`, with the way it sets and the file.
    SetFile(Arc<str>, Arc<str>),
    /// `--secret`, with its name.
    Secret(Arc<str>),
    /// A form that somebody filled in.
    Form,
    /// What the last run recorded.
    Recorded,
    /// A secret that is made at random because nobody gave one.
    Made,
    /// Another option of the command line.
    Option(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Place(place) => place.fmt(formatter),
            Self::Set(way) => write!(formatter, "--set {way}"),
            Self::SetFile(way, file) => write!(formatter, "--set-file {way}={file}"),
            Self::Secret(name) => write!(formatter, "--secret {name}"),
            Self::Option(option) => formatter.write_str(option),
            Self::Form => formatter.write_str("typed in"),
            Self::Recorded => formatter.write_str("recorded by the last run"),
            Self::Made => formatter.write_str("made at random"),
        }
    }
}

impl From<Place> for Origin {
    fn from(place: Place) -> Self {
        Self::Place(place)
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What kind of fault it is; its kebab-case name is the stable id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// A text is not YAML.
    BrokenYaml,
    /// A `--set` that cannot be read.
    BrokenSet,
    /// A value the stack does not know.
    UnknownValue,
    /// A value of the wrong type.
    WrongType,
    /// A value of the right type that is not allowed.
    BadValue,
    /// A value without a default was not given.
    MissingValue,
    /// A rule of the stack across its values.
    BrokenRule,
    /// The stack's own files do not fit together.
    BadStack,
    /// A template that cannot be read or evaluated.
    BadTemplate,
    /// A field that the Kubernetes type does not have.
    UnknownField,
    /// An object that Kubernetes would refuse, or that cannot work.
    BadObject,
    /// Two objects with one identity.
    DuplicateObject,
}

impl FaultKind {
    /// The stable id.
    pub fn id(self) -> &'static str {
        match self {
            Self::BrokenYaml => "broken-yaml",
            Self::BrokenSet => "broken-set",
            Self::UnknownValue => "unknown-value",
            Self::WrongType => "wrong-type",
            Self::BadValue => "bad-value",
            Self::MissingValue => "missing-value",
            Self::BrokenRule => "broken-rule",
            Self::BadStack => "bad-stack",
            Self::BadTemplate => "bad-template",
            Self::UnknownField => "unknown-field",
            Self::BadObject => "bad-object",
            Self::DuplicateObject => "duplicate-object",
        }
    }
}

/// Whether a fault stops the work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// It does.
    #[default]
    Error,
    /// It is only said.
    Warning,
}

/// One thing that is wrong: where, on which way, and what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// What kind of fault.
    pub kind: FaultKind,
    /// Whether it stops the work.
    pub severity: Severity,
    /// Where it comes from, when that is known.
    pub place: Option<Origin>,
    /// The way to the value or field; empty for the whole file.
    pub way: Way,
    /// What is wrong, in plain words.
    pub message: String,
}

impl Fault {
    /// An error at a place.
    pub fn new(kind: FaultKind, place: impl Into<Origin>, message: impl Into<String>) -> Self {
        let place = Some(place.into());
        Self { kind, severity: Severity::Error, place, way: Way::default(), message: message.into() }
    }

    /// An error that has no place, such as a value nobody gave.
    pub fn nowhere(kind: FaultKind, message: impl Into<String>) -> Self {
        Self { kind, severity: Severity::Error, place: None, way: Way::default(), message: message.into() }
    }

    /// The same fault, about the value at the end of the way.
    #[must_use]
    pub fn on(mut self, way: Way) -> Self {
        self.way = way;
        self
    }

    /// Whether the place already says which value it is: `--set web.port: ...`.
    fn is_named_by_origin(&self) -> bool {
        match &self.place {
            Some(Origin::Set(way) | Origin::SetFile(way, _) | Origin::Secret(way)) => **way == *self.way.to_string(),
            _ => false,
        }
    }

    /// The same fault with another severity.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }
}

impl Fault {
    /// Whether it warns of a value that nobody gave.
    fn is_of_default(&self, place: &Place) -> bool {
        self.severity == Severity::Warning && place.file.starts_with(EMBEDDED) && place.file.ends_with("/values.yaml")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            // Nobody can open that file; what it is a default of is named by its way.
            Some(Origin::Place(place)) if self.is_of_default(place) => {
                formatter.write_str("by default: ")?;
            }
            Some(place) => write!(formatter, "{place}: ")?,
            None => {}
        }
        if self.severity == Severity::Warning {
            formatter.write_str("warning: ")?;
        }
        if !self.way.is_root() && !self.is_named_by_origin() {
            write!(formatter, "{}: ", self.way)?;
        }
        formatter.write_str(&self.message)
    }
}

/// Whether one of the faults stops the work.
pub fn any_error(faults: &[Fault]) -> bool {
    faults.iter().any(|fault| fault.severity == Severity::Error)
}

/// Why a stack cannot be used as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StackError {
    /// There is no stack of this name.
    #[error("there is no stack `{name}`{}", meant(closest.as_ref(), "known are", known))]
    UnknownStack {
        /// What was asked for.
        name: String,
        /// The name that was probably meant.
        closest: Option<String>,
        /// The names there are.
        known: Vec<String>,
    },
    /// The stack has no profile of this name.
    #[error("{stack} has no profile `{name}`{}", meant(closest.as_ref(), "it has", known))]
    UnknownProfile {
        /// The stack.
        stack: String,
        /// What was asked for.
        name: String,
        /// The name that was probably meant.
        closest: Option<String>,
        /// The profiles there are.
        known: Vec<String>,
    },
    /// The stack's folder cannot be read.
    #[error("{path}: {reason}")]
    Unreadable {
        /// The folder or file.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// Something in the stack, the values or what they make is wrong: all of it, one fault a line.
    #[error("{}", lines(.0))]
    Faults(Vec<Fault>),
}

impl StackError {
    /// All faults, where there are some.
    pub fn faults(&self) -> &[Fault] {
        match self {
            Self::Faults(faults) => faults,
            _ => &[],
        }
    }
}

impl From<Fault> for StackError {
    fn from(fault: Fault) -> Self {
        Self::Faults(vec![fault])
    }
}

impl Explain for StackError {
    fn id(&self) -> &'static str {
        match self {
            Self::UnknownStack { .. } => "unknown-stack",
            Self::UnknownProfile { .. } => "unknown-profile",
            Self::Unreadable { .. } => "unreadable-stack",
            Self::Faults(faults) => faults
                .iter()
                .find(|fault| fault.severity == Severity::Error)
                .or(faults.first())
                .map_or("bad-stack", |fault| fault.kind.id()),
        }
    }

    fn class(&self) -> Class {
        Class::Input
    }

    fn hint(&self) -> Option<String> {
        let of_option = |fault: &Fault| matches!(fault.place, Some(Origin::Option(_)));
        if self.faults().iter().find(|fault| fault.severity == Severity::Error).is_some_and(of_option) {
            return None;
        }
        let hint = match self.id() {
            "unknown-stack" => "list them with `seaworthy stacks list`, or add a folder of yours with `--profiles DIR`",
            "unknown-profile" | "unknown-value" | "wrong-type" | "bad-value" | "missing-value" | "broken-rule" => {
                "see every setting with `seaworthy stacks show STACK`"
            }
            "broken-set" => "write it as `--set a.b=1,c[0]=x`; `\\,` and `\\.` stand for themselves",
            "bad-stack" | "bad-template" | "unknown-field" | "bad-object" | "duplicate-object" => {
                "find all faults of a stack with `seaworthy stacks validate DIR`"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// The name that was probably meant, or else all that could be.
fn meant(closest: Option<&String>, all: &str, known: &[String]) -> String {
    match closest {
        Some(name) => format!(", did you mean `{name}`?"),
        None => format!("; {all} {}", list(known)),
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Where something stops the work, what is only worth saying is left for when it goes on.
fn lines(faults: &[Fault]) -> String {
    let stops = any_error(faults);
    let said = faults.iter().filter(|fault| !stops || fault.severity == Severity::Error);
    said.map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_says_the_place_first() {
        let place = Place { file: "values.yaml".into(), mark: Mark { line: 12, column: 3 } };
        let fault = Fault::new(FaultKind::UnknownValue, place, "unknown key, did you mean `replicaCount`?")
            .on(Way::dotted("collector.replicaCont"));
        let text = "values.yaml:12:3: collector.replicaCont: unknown key, did you mean `replicaCount`?";
        assert_eq!(fault.to_string(), text);
        assert_eq!(StackError::from(fault.clone()).id(), "unknown-value");
        let warning = fault.severity(Severity::Warning);
        assert!(warning.to_string().starts_with("values.yaml:12:3: warning: collector"));
    }

    #[test]
    fn the_ids_are_what_serde_writes() {
        for kind in [FaultKind::BrokenYaml, FaultKind::UnknownField, FaultKind::MissingValue, FaultKind::BrokenSet] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.id());
        }
    }

    #[test]
    fn an_unknown_stack_names_those_there_are() {
        let known = vec!["geodata".to_owned(), "exadeploy".to_owned()];
        let none = StackError::UnknownStack { name: "zzz".into(), closest: None, known: known.clone() };
        assert_eq!(none.to_string(), "there is no stack `zzz`; known are `geodata`, `exadeploy`");
        let error = StackError::UnknownStack { name: "geodat".into(), closest: Some("geodata".into()), known };
        assert_eq!(error.to_string(), "there is no stack `geodat`, did you mean `geodata`?");
        assert_eq!(error.class(), Class::Input);
    }
}
