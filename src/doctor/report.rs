//! All checks over one evidence: the findings as a tree, and what could not be told.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::change::Since;
use super::check::{Check, Severity, Verdict};
use super::checks;
use super::evidence::{ClusterFacts, Evidence};
use super::finding::Finding;
use super::stacks::{Knowledge, StackCheck};
use super::suppress::Suppressed;
use super::unsettled::{self, Unsettled};
use super::{survey, tree};
use crate::object::{printable, text};
use crate::snapshot::Unread;

/// What was found, and how much was looked at.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The cluster, if the evidence tells.
    pub cluster: Option<ClusterFacts>,
    /// When the evidence was taken.
    pub taken: jiff::Timestamp,
    /// The first line: the root of the worst, or that all is well.
    pub headline: String,
    /// Whether nothing at error or worse was found, and every check could tell; what is on its way is told by `unsettled`.
    pub healthy: bool,
    /// In numbers.
    pub summary: Summary,
    /// The roots, worst first; symptoms below them.
    pub findings: Vec<Finding>,
    /// What is not ready, without being wrong yet, whichever checks were asked: they may be about to find it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unsettled: Vec<Unsettled>,
    /// What has changed since nothing was wrong, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Since>,
    /// What was found and is not shown, where suppressions were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<Suppressed>,
    /// Checks that could not tell, and why.
    pub unknown: Vec<Unknown>,
    /// What could not be read.
    pub unread: Vec<Unread>,
    /// Every check that was asked for, with how it went.
    #[serde(skip)]
    pub checks: Vec<Outcome>,
    /// Claims that are bound: what is on their volumes is not looked at.
    #[serde(skip)]
    pub bound: usize,
    /// What of the cluster was asked for, in words; empty: all of it.
    #[serde(skip)]
    scope: String,
    /// The same as options, for a command that asks for the same: ` -n shop --only V`.
    #[serde(skip)]
    pub options: String,
}

/// How a check went; what it found is among the findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its id.
    pub id: String,
    /// What is wrong when it finds something.
    pub title: String,
    /// Its group.
    pub group: String,
    /// How it went.
    pub state: State,
}

/// Whether a check could tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It looked.
    Looked {
        /// At how many objects.
        objects: usize,
    },
    /// It could not tell.
    Unknown {
        /// Why.
        because: String,
    },
}

impl State {
    fn of(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Pass { looked } | Verdict::Found { looked, .. } => Self::Looked { objects: *looked },
            Verdict::Unknown { because } => Self::Unknown { because: printable(because) },
        }
    }
}

impl Outcome {
    fn of(check: &Check, verdict: &Verdict) -> Self {
        let (title, group) = (check.title.to_owned(), check.group().to_owned());
        Self { id: check.id.to_owned(), title, group, state: State::of(verdict) }
    }

    fn of_stack(check: &StackCheck, verdict: &Verdict) -> Self {
        let group = check.id.split('/').next().unwrap_or_default().to_owned();
        Self { id: check.id.clone(), title: check.title.clone(), group, state: State::of(verdict) }
    }
}

/// A check that could not tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unknown {
    /// Its id.
    pub id: String,
    /// Why.
    pub because: String,
}

/// A report in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Checks that looked at something.
    pub evaluated: usize,
    /// Checks for which the cluster has nothing to look at.
    pub idle: usize,
    /// Checks that could not tell.
    pub unknown: usize,
    /// Objects in the evidence.
    pub objects: usize,
    /// Roots that are critical.
    pub critical: usize,
    /// Roots that are errors.
    pub errors: usize,
    /// Roots that are warnings.
    pub warnings: usize,
    /// Roots that are only worth knowing.
    pub infos: usize,
    /// Objects that suffer from them.
    pub symptoms: usize,
    /// Findings that are suppressed, with those below them.
    pub suppressed: usize,
}

/// Which checks, and for whom.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Only these checks, groups of ids (`P003`, `P`), or findings by their fingerprints; all when empty.
    pub only: Vec<String>,
    /// None of these.
    pub skip: Vec<String>,
    /// Only what concerns this namespace.
    pub namespace: Option<String>,
    /// What stacks say of themselves; that of the embedded ones unless given.
    pub stacks: Option<Arc<Knowledge>>,
}

impl Choice {
    /// Whether nothing is left out.
    pub fn is_everything(&self) -> bool {
        self.only.is_empty() && self.skip.is_empty() && self.namespace.is_none()
    }

    /// What of the cluster that is, in words.
    fn scope(&self) -> String {
        let namespace = self.namespace.as_ref().map_or_else(String::new, |name| format!(" in namespace {name}"));
        let some = !self.only.is_empty() || !self.skip.is_empty();
        if some { namespace + " by the checks that were asked" } else { namespace }
    }

    /// The same as options of the command line.
    fn options(&self) -> String {
        let list = |name: &str, all: &[String]| {
            if all.is_empty() { String::new() } else { format!(" --{name} {}", all.join(",")) }
        };
        let namespace = self.namespace.as_ref().map_or_else(String::new, |name| format!(" -n {name}"));
        namespace + &list("only", &self.only) + &list("skip", &self.skip)
    }

    /// Whether this check is asked.
    fn wants(&self, id: &str) -> bool {
        (self.only.is_empty() || self.only.iter().any(|name| asks_for(name, id)))
            && !self.skip.iter().any(|name| is_meant(name, id))
    }

    /// What stacks say of themselves.
    pub fn knowledge(&self) -> &Knowledge {
        match &self.stacks {
            Some(own) => own,
            None => Knowledge::built_in(),
        }
    }

    /// Whether the check of a finding was asked for; one that was not may stand above it as its cause.
    pub fn asks(&self, finding: &Finding) -> bool {
        let meant = |names: &[String]| {
            names.iter().any(|name| is_meant(name, &finding.id) || name.eq_ignore_ascii_case(&finding.fingerprint))
        };
        (self.only.is_empty() || meant(&self.only)) && !meant(&self.skip)
    }

    /// The names that mean no check.
    pub fn strangers(&self) -> Vec<&str> {
        let known = |name: &&str| {
            checks::all().any(|check| asks_for(name, check.id))
                || self.knowledge().checks().iter().any(|check| asks_for(name, &check.id))
        };
        self.only.iter().chain(&self.skip).map(String::as_str).filter(|name| !known(name)).collect()
    }
}

/// `P003` means that check, `P` all whose id begins with these letters; the name of a stack all of its own.
fn is_meant(name: &str, id: &str) -> bool {
    let group = id.split_once('/').map_or(id.trim_end_matches(|c: char| c.is_ascii_digit()), |(stack, _)| stack);
    !name.is_empty() && (name.eq_ignore_ascii_case(id) || name.eq_ignore_ascii_case(group))
}

/// Whether the check has to be asked for this name: it is meant, or one of its findings.
fn asks_for(name: &str, id: &str) -> bool {
    is_meant(name, id) || is_one_of(name, id)
}

/// Whether this is the fingerprint of a finding of the check.
fn is_one_of(fingerprint: &str, id: &str) -> bool {
    let (begin, rest) = fingerprint.split_at_checked(id.len()).unwrap_or_default();
    begin.eq_ignore_ascii_case(id) && rest.starts_with('/')
}

/// Judges the evidence.
pub fn judge(evidence: &Evidence, choice: &Choice) -> Report {
    let (findings, checks) = ask(evidence, choice);
    let mut summary = Summary { objects: evidence.snapshot.len(), ..Summary::default() };
    let mut unknown = Vec::new();
    for outcome in &checks {
        match &outcome.state {
            State::Looked { objects: 0 } => summary.idle += 1,
            State::Looked { .. } => summary.evaluated += 1,
            State::Unknown { because } => {
                unknown.push(Unknown { id: outcome.id.clone(), because: because.clone() });
            }
        }
    }
    let mut unsettled = unsettled::of(&findings, evidence);
    let mut roots = tree::grow(survey::by_maker(findings, evidence), evidence);
    roots.retain(|root| root.walk().into_iter().any(|finding| choice.asks(finding)));
    if let Some(namespace) = &choice.namespace {
        roots.retain(|root| root.touches(namespace));
        unsettled.retain(|one| one.object.namespace.as_ref() == Some(namespace));
    }
    summary.unknown = unknown.len();
    summary.weigh(&roots);
    let scope = choice.scope();
    Report {
        cluster: evidence.cluster.clone(),
        taken: evidence.taken,
        headline: headline(&roots, &unsettled, (&summary, &scope)),
        healthy: summary.is_healthy(),
        summary,
        findings: roots,
        unsettled,
        since: None,
        suppressed: None,
        unknown,
        unread: evidence.snapshot.unread.clone(),
        checks,
        bound: bound(evidence, choice),
        scope,
        options: choice.options(),
    }
}

fn bound(evidence: &Evidence, choice: &Choice) -> usize {
    let is_meant = |claim: &&Value| {
        text(claim, "/status/phase") == Some("Bound")
            && (choice.namespace.is_none() || text(claim, "/metadata/namespace") == choice.namespace.as_deref())
    };
    evidence.snapshot.of_kind("", "PersistentVolumeClaim").filter(is_meant).count()
}

/// Asks every check, those that are not wanted too, so that a cause that was not asked for still takes its symptoms; and how
/// those went that are wanted.
fn ask(evidence: &Evidence, choice: &Choice) -> (Vec<Finding>, Vec<Outcome>) {
    let known = choice.knowledge();
    let (mut findings, mut outcomes) = (Vec::new(), Vec::new());
    for check in checks::all() {
        let verdict = check.evaluate(evidence);
        outcomes.extend(choice.wants(check.id).then(|| Outcome::of(check, &verdict)));
        if let Verdict::Found { findings: found, .. } = verdict {
            findings.extend(found.into_iter().filter(|finding| !known.allows(finding, &evidence.snapshot)));
        }
    }
    for check in known.checks() {
        let verdict = check.evaluate(evidence);
        outcomes.extend(choice.wants(&check.id).then(|| Outcome::of_stack(check, &verdict)));
        if let Verdict::Found { findings: found, .. } = verdict {
            findings.extend(found);
        }
    }
    (findings, outcomes)
}

impl Summary {
    /// What could not be told is never taken for well.
    fn is_healthy(&self) -> bool {
        self.critical + self.errors + self.unknown == 0 && self.evaluated > 0
    }

    fn weigh(&mut self, roots: &[Finding]) {
        (self.critical, self.errors, self.warnings, self.infos, self.symptoms) = (0, 0, 0, 0, 0);
        for root in roots {
            let counter = match root.worst() {
                Severity::Critical => &mut self.critical,
                Severity::Error => &mut self.errors,
                Severity::Warning => &mut self.warnings,
                Severity::Info => &mut self.infos,
            };
            *counter += 1;
            self.symptoms += root.suffering();
        }
    }
}

impl Report {
    /// Goes on with these roots; what was taken out is told.
    pub(super) fn suppress(&mut self, roots: Vec<Finding>, told: Suppressed) {
        self.summary.suppressed = told.findings.iter().map(|quiet| quiet.finding.walk().len()).sum();
        self.summary.weigh(&roots);
        self.headline = headline(&roots, &self.unsettled, (&self.summary, &self.scope));
        self.healthy = self.summary.is_healthy();
        (self.findings, self.suppressed) = (roots, Some(told));
    }

    /// Whether nothing is wrong at all, or on its way.
    pub fn is_green(&self) -> bool {
        let is_calm = self.worst().is_none_or(|worst| worst <= Severity::Info);
        is_calm && self.unsettled.is_empty() && self.summary.evaluated > 0
    }

    /// Whether nothing of the cluster was left out.
    pub fn is_of_everything(&self) -> bool {
        self.scope.is_empty()
    }

    /// The worst that was found.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(Finding::worst).max()
    }
}

/// One line that says it all: an operator at three in the morning reads no other.
fn headline(roots: &[Finding], unsettled: &[Unsettled], (summary, scope): (&Summary, &str)) -> String {
    let Some(first) = roots.first().filter(|first| first.worst() > Severity::Info) else {
        if let Some(first) = unsettled.first() {
            let more = match unsettled.len() - 1 {
                0 => String::new(),
                1 => "; 1 more is not settled".to_owned(),
                many => format!("; {many} more are not settled"),
            };
            return format!("nothing found so far; not settled: {}{more}", first.line());
        }
        let so_far = match summary.unknown {
            0 => String::new(),
            1 => "; 1 check could not tell".to_owned(),
            unknown => format!("; {unknown} checks could not tell"),
        };
        let word = match (summary.evaluated, summary.unknown) {
            (0, _) => "nothing could be judged",
            (_, 0) => "healthy",
            _ => "nothing found in what could be read",
        };
        let beside = if summary.suppressed > 0 { " beside what is suppressed" } else { "" };
        let number = |many: usize, noun: &str| format!("{many} {noun}{}", if many == 1 { "" } else { "s" });
        let (asked, seen) = (number(summary.evaluated, "check"), number(summary.objects, "object"));
        return format!("{word}{scope}{beside}: {asked}, {seen}{so_far}");
    };
    let suffering = match first.suffering() {
        0 => String::new(),
        1 => ", 1 symptom".to_owned(),
        many => format!(", {many} symptoms"),
    };
    let others = match roots.iter().filter(|root| root.worst() > Severity::Info).count() - 1 {
        0 => String::new(),
        1 => "; 1 more finding".to_owned(),
        many => format!("; {many} more findings"),
    };
    format!("{}: {} ({}{suffering}{others})", first.object, first.message, first.id)
}
