//! A check: a row of data, and a pure look at the evidence.

use serde::{Deserialize, Serialize};

use super::evidence::Evidence;
use super::finding::Finding;

/// How bad it is when a check finds something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing; nothing is wrong.
    Info,
    /// It works, but not as it should, or not for long.
    Warning,
    /// Something does not work.
    Error,
    /// Much does not work, nothing new can be made, or data is lost or goes with the next thing that is deleted.
    Critical,
}

impl Severity {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }
}

/// What a check says of the evidence.
#[derive(Debug)]
pub enum Verdict {
    /// Nothing is wrong with what was looked at.
    Pass {
        /// How many objects that were.
        looked: usize,
    },
    /// Something is wrong.
    Found {
        /// How many objects were looked at.
        looked: usize,
        /// What is wrong; never empty.
        findings: Vec<Finding>,
    },
    /// The evidence does not tell.
    Unknown {
        /// Why not.
        because: String,
    },
}

impl Verdict {
    /// Found when there are findings, else passed.
    pub(super) fn of(looked: usize, findings: Vec<Finding>) -> Self {
        if findings.is_empty() { Self::Pass { looked } } else { Self::Found { looked, findings } }
    }
}

/// How a check looks.
#[derive(Clone, Copy)]
pub enum Judge {
    /// With the rules about stalls that carry its id ([`super::stall`]): they also serve a wait that stalls.
    Rules,
    /// With a function of its own.
    Look(fn(&Evidence) -> Verdict),
}

/// One row of the catalogue.
pub struct Check {
    /// Stable id: a letter or two for the group, and a number.
    pub id: &'static str,
    /// How bad it is; a finding may be milder or worse where the evidence says so.
    pub severity: Severity,
    /// What is wrong when it finds something.
    pub title: &'static str,
    /// What it means, and how it comes about.
    pub explain: &'static str,
    /// What to do.
    pub fix: &'static str,
    /// What looks alike and is not reported.
    pub unless: &'static str,
    /// The kinds without which nothing can be said; the first is what it looks at.
    pub reads: &'static [&'static str],
    /// How it looks.
    pub judge: Judge,
}

impl Check {
    /// Looks. What the evidence does not hold is never taken for healthy.
    pub fn evaluate(&self, evidence: &Evidence) -> Verdict {
        if let Some(because) = self.reads.iter().find_map(|kind| evidence.gap(kind)) {
            return Verdict::Unknown { because };
        }
        let verdict = match self.judge {
            Judge::Rules => {
                let survey = evidence.survey();
                Verdict::of(survey.count(self.reads.first().unwrap_or(&"")), survey.findings(self.id))
            }
            Judge::Look(look) => look(evidence),
        };
        match verdict {
            Verdict::Found { looked, findings } => {
                Verdict::Found { looked, findings: findings.into_iter().map(|one| one.of(self)).collect() }
            }
            other => other,
        }
    }

    /// The words of its id's letters: `pods`, `storage`.
    pub fn group(&self) -> &'static str {
        let letters = self.id.trim_end_matches(|c: char| c.is_ascii_digit());
        GROUPS.iter().find(|(key, _)| *key == letters).map_or("other", |(_, name)| name)
    }
}

/// What the letters of an id stand for.
pub const GROUPS: &[(&str, &str)] = &[
    ("E", "container engine"),
    ("K", "kubeconfig"),
    ("A", "API server"),
    ("N", "nodes"),
    ("S", "scheduling"),
    ("P", "pods and containers"),
    ("F", "configuration that pods need"),
    ("W", "workloads and rollouts"),
    ("J", "jobs"),
    ("V", "storage"),
    ("SV", "services"),
    ("D", "cluster DNS"),
    ("I", "ingress"),
    ("L", "load balancer"),
    ("M", "metrics and autoscaling"),
    ("B", "disruption budgets"),
    ("Q", "quotas and limits"),
    ("R", "rights and accounts"),
    ("X", "webhooks and added APIs"),
    ("KR", "OpenKruise"),
    ("T", "what does not go"),
    ("C", "certificates"),
    ("ET", "etcd"),
    ("Z", "security"),
];
