//! What is wrong, where, with which evidence; and what suffers from it.

use serde::Serialize;

use super::change::Change;
use super::check::{Check, Severity};
use super::remedy::Remedy;
use super::stall::words::clip;
use crate::object::{ObjectRef, printable};

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Id of the check.
    pub id: String,
    /// How bad it is.
    pub severity: Severity,
    /// What the check is about.
    pub title: String,
    /// Where: the object that somebody has to do something about. Of pods it is what made them.
    pub object: ObjectRef,
    /// The objects in which it shows, when that is not `object` itself: the pods of a Deployment.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub instances: Vec<ObjectRef>,
    /// The reason in a word, as Kubernetes names it where it does.
    pub reason: String,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What was seen, a line each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// What concerns it and has changed since the cluster was last well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<Change>,
    /// What to do, with the command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// What can be done about it from here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Remedy>,
    /// The same for the same trouble, whatever the pods are called now.
    pub fingerprint: String,
    /// Objects that suffer from it and are not found by themselves.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub symptoms: Vec<ObjectRef>,
    /// Findings of which this is the cause.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Finding>,
    /// Whether the check's own severity does not hold here.
    #[serde(skip)]
    own_severity: bool,
}

/// What is found where data is lost, or goes with the next thing that is deleted; `recover` is for it.
const OF_DATA: &[&str] = &["V009", "V010", "V024", "V025", "V028"];

impl Finding {
    pub(super) fn new(object: ObjectRef, reason: &str, message: impl AsRef<str>) -> Self {
        Self {
            id: String::new(),
            severity: Severity::Error,
            title: String::new(),
            object,
            instances: Vec::new(),
            reason: clip(reason),
            message: clip(message.as_ref()),
            evidence: Vec::new(),
            changed: Vec::new(),
            fix: None,
            remedy: None,
            fingerprint: String::new(),
            symptoms: Vec::new(),
            causes: Vec::new(),
            own_severity: false,
        }
    }

    pub(super) fn fix(mut self, fix: impl AsRef<str>) -> Self {
        self.fix = Some(printable(fix.as_ref()));
        self
    }

    pub(super) fn severity(mut self, severity: Severity) -> Self {
        (self.severity, self.own_severity) = (severity, true);
        self
    }

    pub(super) fn saw(mut self, line: impl AsRef<str>) -> Self {
        self.evidence.push(clip(line.as_ref()));
        self
    }

    /// As the finding of a check that is data.
    pub(super) fn named(mut self, id: &str, severity: Severity, title: &str) -> Self {
        id.clone_into(&mut self.id);
        self.title = clip(title);
        self.severity = severity;
        self.fingerprint = format!("{}/{}", self.id, self.object);
        self
    }

    /// As the finding of a check.
    pub(super) fn of(mut self, check: &Check) -> Self {
        check.id.clone_into(&mut self.id);
        check.title.clone_into(&mut self.title);
        if !self.own_severity {
            self.severity = check.severity;
        }
        self.fingerprint = format!("{}/{}", self.id, self.object);
        self
    }

    /// Where it shows itself: in its instances, or in the object.
    pub fn places(&self) -> &[ObjectRef] {
        if self.instances.is_empty() { std::slice::from_ref(&self.object) } else { &self.instances }
    }

    /// The worst of it and of all below it.
    pub fn worst(&self) -> Severity {
        self.causes.iter().map(Self::worst).fold(self.severity, Ord::max)
    }

    /// Whether data is lost by it or by something below it, or about to be: it comes before all that is as bad, for whatever is done
    /// about the others may take the rest.
    pub fn loses_data(&self) -> bool {
        OF_DATA.contains(&self.id.as_str()) || self.causes.iter().any(Self::loses_data)
    }

    /// Everything that suffers from it: symptoms, findings below, and their symptoms.
    pub fn suffering(&self) -> usize {
        self.symptoms.len() + self.causes.iter().map(|below| below.places().len() + below.suffering()).sum::<usize>()
    }

    /// Whether it, or something below it, concerns a namespace.
    pub fn touches(&self, namespace: &str) -> bool {
        let places = std::iter::once(&self.object).chain(&self.instances).chain(&self.symptoms);
        let inside = |place: &ObjectRef| {
            place.namespace.as_deref() == Some(namespace) || place.kind == "Namespace" && place.name == namespace
        };
        places.into_iter().any(inside) || self.causes.iter().any(|below| below.touches(namespace))
    }

    /// Itself and everything below it.
    pub fn walk(&self) -> Vec<&Finding> {
        std::iter::once(self).chain(self.causes.iter().flat_map(Finding::walk)).collect()
    }
}
