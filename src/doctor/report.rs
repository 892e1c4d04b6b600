//! All checks over one evidence: the findings as a tree, and what could not be told.

use serde::Serialize;

use super::change::Since;
use super::check::{Check, Severity, Verdict};
use super::checks;
use super::evidence::{ClusterFacts, Evidence};
use super::finding::Finding;
use super::{survey, tree};
use crate::object::printable;
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
    /// Whether nothing at error or worse was found.
    pub healthy: bool,
    /// In numbers.
    pub summary: Summary,
    /// The roots, worst first; symptoms below them.
    pub findings: Vec<Finding>,
    /// What has changed since nothing was wrong, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Since>,
    /// Checks that could not tell, and why.
    pub unknown: Vec<Unknown>,
    /// What could not be read.
    pub unread: Vec<Unread>,
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
}

/// Which checks, and for whom.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Only these checks or groups of ids (`P003`, `P`); all when empty.
    pub only: Vec<String>,
    /// None of these.
    pub skip: Vec<String>,
    /// Only what concerns this namespace.
    pub namespace: Option<String>,
}

impl Choice {
    /// Whether nothing is left out.
    pub fn is_everything(&self) -> bool {
        self.only.is_empty() && self.skip.is_empty() && self.namespace.is_none()
    }

    fn wants(&self, check: &Check) -> bool {
        let meant = |names: &[String]| names.iter().any(|name| is_meant(name, check.id));
        (self.only.is_empty() || meant(&self.only)) && !meant(&self.skip)
    }

    /// Whether the check of a finding was asked for; one that was not may stand above it as its cause.
    pub fn asks(&self, finding: &Finding) -> bool {
        checks::find(&finding.id).is_some_and(|check| self.wants(check))
    }

    /// The names that mean no check.
    pub fn strangers(&self) -> Vec<&str> {
        let known = |name: &&str| checks::all().any(|check| is_meant(name, check.id));
        self.only.iter().chain(&self.skip).map(String::as_str).filter(|name| !known(name)).collect()
    }
}

/// `P003` means that check, `P` all whose id begins with these letters.
fn is_meant(name: &str, id: &str) -> bool {
    let name = name.to_uppercase();
    name == id || !name.is_empty() && name == id.trim_end_matches(|c: char| c.is_ascii_digit())
}

/// Judges the evidence.
pub fn judge(evidence: &Evidence, choice: &Choice) -> Report {
    let mut summary = Summary { objects: evidence.snapshot.len(), ..Summary::default() };
    let (mut findings, mut unknown) = (Vec::new(), Vec::new());
    // All are asked, so that a cause that was not asked for still takes its symptoms.
    for check in checks::all() {
        let wanted = choice.wants(check);
        match check.evaluate(evidence) {
            Verdict::Pass { looked } => summary.count(looked, wanted),
            Verdict::Found { looked, findings: found } => {
                summary.count(looked, wanted);
                findings.extend(found);
            }
            Verdict::Unknown { because } if wanted => {
                unknown.push(Unknown { id: check.id.to_owned(), because: printable(&because) });
            }
            Verdict::Unknown { .. } => {}
        }
    }
    let mut roots = tree::grow(survey::by_maker(findings, evidence), evidence);
    roots.retain(|root| root.walk().into_iter().any(|finding| choice.asks(finding)));
    if let Some(namespace) = &choice.namespace {
        roots.retain(|root| root.touches(namespace));
    }
    summary.unknown = unknown.len();
    summary.weigh(&roots);
    Report {
        cluster: evidence.cluster.clone(),
        taken: evidence.taken,
        headline: headline(&roots, &summary),
        healthy: summary.critical + summary.errors == 0,
        summary,
        findings: roots,
        since: None,
        unknown,
        unread: evidence.snapshot.unread.clone(),
    }
}

impl Summary {
    fn count(&mut self, looked: usize, wanted: bool) {
        if wanted {
            *(if looked > 0 { &mut self.evaluated } else { &mut self.idle }) += 1;
        }
    }

    fn weigh(&mut self, roots: &[Finding]) {
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
    /// Whether nothing is wrong at all.
    pub fn is_green(&self) -> bool {
        self.worst().is_none_or(|worst| worst <= Severity::Info) && self.summary.evaluated > 0
    }

    /// The worst that was found.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(Finding::worst).max()
    }
}

/// One line that says it all: an operator at three in the morning reads no other.
fn headline(roots: &[Finding], summary: &Summary) -> String {
    let Some(first) = roots.first().filter(|first| first.worst() > Severity::Info) else {
        let so_far = match summary.unknown {
            0 => String::new(),
            1 => "; 1 check could not tell".to_owned(),
            unknown => format!("; {unknown} checks could not tell"),
        };
        let word = if summary.evaluated == 0 { "nothing could be judged" } else { "healthy" };
        return format!("{word}: {} checks, {} objects{so_far}", summary.evaluated, summary.objects);
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
