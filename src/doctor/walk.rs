//! Walk-throughs: what to look at, step by step, when somebody sees a symptom of a stack. Data in the folder `walks/` of a
//! stack; nothing here knows the name of one.
//!
//! ```text
//! walk-through + evidence + report -- walk -> Walked, and which logs it asks for -- read -> Words -- heard -> Walked
//! ```
//!
//! Pure but for [`read`]: evidence and findings are the doctor's own, and logs are read only for the steps that ask for them.

mod command;
mod expect;
mod form;
mod place;
mod scaled;
mod words;

use serde::Serialize;

use super::evidence::Evidence;
use super::finding::Finding;
use super::report::Report;
use crate::object::ObjectRef;

use expect::Answer;
pub(in crate::doctor) use form::read as read_form;
pub use form::{About, Walk};
pub(in crate::doctor) use form::{Step, components};
pub use place::namespaces;
pub use words::{LogAsk, Words, read};

#[cfg(test)]
mod tests;

/// Findings that are shown with a step.
const FINDINGS: usize = 3;

/// A walk-through of one installation, gone through.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Walked {
    /// The stack.
    pub stack: String,
    /// The namespace that it is installed in.
    pub namespace: String,
    /// The walk-through's name.
    pub name: String,
    /// What the person sees.
    pub symptom: String,
    /// What it is about.
    pub about: About,
    /// The steps, in their order.
    pub steps: Vec<WalkedStep>,
    /// The number of the step that names the cause: the first that does not hold and after which there is nothing to look for,
    /// else the first that does not hold.
    pub cause: Option<usize>,
}

/// One step, looked at.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WalkedStep {
    /// What should be so.
    pub title: String,
    /// Whether it is.
    #[serde(flatten)]
    pub state: Holding,
    /// What was seen, a line each.
    pub seen: Vec<String>,
    /// What this tells.
    pub means: String,
    /// What to do when it is not so.
    pub otherwise: String,
    /// Whether nothing further needs to be looked at when it is not so.
    pub stop: bool,
    /// What shows the same with kubectl.
    pub command: String,
    /// What the doctor finds about the objects that were looked at, when it is not so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Found>,
    /// The logs that have to be read before it can be told.
    #[serde(skip)]
    pub asks: Vec<LogAsk>,
    /// What must not stand in them.
    #[serde(skip)]
    pattern: Option<Pattern>,
}

/// A regular expression, with a line that it finds: what people are shown. The same when it is written the same.
#[derive(Debug, Clone)]
struct Pattern {
    says: regex::Regex,
    example: String,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.says.as_str() == other.says.as_str()
    }
}

/// Whether what a step expects is so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum Holding {
    /// It is.
    Holds,
    /// It is not.
    DoesNotHold,
    /// The evidence does not tell.
    CannotTell {
        /// Why not.
        because: String,
    },
    /// There is nothing of what it looks at, and that is as it is meant to be: it is switched off, or of another's making.
    NothingToLookAt {
        /// Why there is nothing.
        because: String,
    },
}

/// A finding of the doctor, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// Id of the check.
    pub id: String,
    /// Where.
    pub object: ObjectRef,
    /// What is wrong.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl From<&Finding> for Found {
    fn from(finding: &Finding) -> Self {
        let Finding { id, object, message, fix, .. } = finding.clone();
        Self { id, object, message, fix }
    }
}

/// Goes through a walk-through of the installation in a namespace. What logs say is told by [`Walked::heard`].
pub fn walk(walk: &Walk, namespace: &str, evidence: &Evidence, report: &Report) -> Walked {
    let site = Site { stack: &walk.stack, namespace, evidence, report };
    let steps: Vec<WalkedStep> = walk.steps.iter().map(|step| site.look(step)).collect();
    Walked {
        stack: walk.stack.clone(),
        namespace: namespace.to_owned(),
        name: walk.name.clone(),
        symptom: walk.symptom.clone(),
        about: walk.about.clone(),
        cause: cause(&steps),
        steps,
    }
}

fn cause(steps: &[WalkedStep]) -> Option<usize> {
    let fails = |step: &WalkedStep| step.state == Holding::DoesNotHold;
    let last_word = steps.iter().position(|step| fails(step) && step.stop);
    last_word.or_else(|| steps.iter().position(fails))
}

impl Walked {
    /// Whether some step does not hold.
    pub fn is_wrong(&self) -> bool {
        self.cause.is_some()
    }

    /// The step that names the cause.
    pub fn names(&self) -> Option<&WalkedStep> {
        self.steps.get(self.cause?)
    }

    /// The logs that are to be read, each once.
    pub fn asks(&self) -> Vec<LogAsk> {
        let mut all: Vec<LogAsk> = self.steps.iter().flat_map(|step| step.asks.iter().cloned()).collect();
        all.sort();
        all.dedup();
        all
    }

    /// The same with what logs said.
    #[must_use]
    pub fn heard(mut self, words: &Words) -> Self {
        for step in &mut self.steps {
            step.hear(words);
        }
        self.cause = cause(&self.steps);
        self
    }

    /// How many steps hold, do not, cannot be told, and have nothing to look at.
    pub fn counts(&self) -> [usize; 4] {
        let count = |is: fn(&Holding) -> bool| self.steps.iter().filter(|step| is(&step.state)).count();
        [
            count(|state| *state == Holding::Holds),
            count(|state| *state == Holding::DoesNotHold),
            count(|state| matches!(state, Holding::CannotTell { .. })),
            count(|state| matches!(state, Holding::NothingToLookAt { .. })),
        ]
    }
}

impl WalkedStep {
    fn hear(&mut self, words: &Words) {
        let Some(pattern) = &self.pattern else { return };
        if let Some(Answer { state, seen, .. }) = words.answer(&self.asks, pattern) {
            (self.state, self.seen) = (state, seen);
        }
    }
}

/// Where a walk-through is gone through.
struct Site<'a> {
    stack: &'a str,
    namespace: &'a str,
    evidence: &'a Evidence,
    report: &'a Report,
}

impl Site<'_> {
    fn look(&self, step: &Step) -> WalkedStep {
        let objects = self.objects(&step.at);
        let (answer, asks) = match self.gap(&step.at) {
            Some(because) => (Answer::unknown(because), Vec::new()),
            None => self.answer(step, &objects),
        };
        let wrong = answer.state == Holding::DoesNotHold;
        // What is wrong is what there is something to do about.
        let bad = answer.bad.map_or_else(|| objects.clone(), |at| vec![objects[at]]);
        let scaled = self.scaled_finding(step, &bad).filter(|_| wrong);
        let mut findings = if wrong { self.findings(step, &objects) } else { Vec::new() };
        findings.retain(|found| scaled.is_none_or(|told| (&told.id, &told.object) != (&found.id, &found.object)));
        let otherwise = self.filled(&step.otherwise, step, &bad);
        WalkedStep {
            title: step.title.clone(),
            findings,
            state: answer.state,
            seen: answer.seen,
            means: step.means.clone(),
            otherwise: scaled.and_then(|told| told.fix.clone()).unwrap_or(otherwise),
            stop: step.stops(),
            command: self.command(step, &objects),
            asks,
            pattern: step.log.as_ref().map(|log| Pattern { says: log.says.clone(), example: step.example_line() }),
        }
    }

    /// What the doctor says of the objects of a step that does not hold; what the step asks for comes first.
    fn findings(&self, step: &Step, objects: &[&serde_json::Value]) -> Vec<Found> {
        let mut all: Vec<&Finding> = self.concerning(objects).collect();
        all.sort_by_key(|finding| !step.asks_for(&finding.id));
        all.truncate(FINDINGS);
        all.into_iter().map(Found::from).collect()
    }
}
