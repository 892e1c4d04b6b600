//! What has changed between two looks. Pure.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::check::Severity;
use super::finding::Finding;
use super::report::Report;
use crate::object::ObjectRef;

/// What was found so far.
#[derive(Debug, Default)]
pub struct Watch {
    known: BTreeMap<String, Known>,
    looked: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    id: String,
    severity: Severity,
    object: ObjectRef,
    message: String,
}

/// Something that has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct News {
    /// How.
    pub what: Turn,
    /// Id of the check.
    pub id: String,
    /// How bad it is now; of what is gone, how bad it was.
    pub severity: Severity,
    /// Where.
    pub object: ObjectRef,
    /// What is, or was, wrong.
    pub message: String,
}

/// How something has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Turn {
    /// It was there when the watch began.
    Now,
    /// It was not there before.
    New,
    /// It is worse than before.
    Worse,
    /// It is not there any more.
    Gone,
}

impl Turn {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::New => "new",
            Self::Worse => "worse",
            Self::Gone => "gone",
        }
    }
}

impl Watch {
    /// Takes a look in; what has changed since the one before: what is new, worse, gone; at the first what there is now. What is there stands as in the report, a cause
    /// before what suffers from it; what is gone, the worst first.
    pub fn look(&mut self, report: &Report) -> Vec<News> {
        let found = || report.findings.iter().flat_map(Finding::walk);
        let now: BTreeMap<String, Known> = found().map(|one| (one.fingerprint.clone(), Known::of(one))).collect();
        let turn = |one: &Finding| match self.known.get(&one.fingerprint) {
            None if self.is_new() => Some(Turn::Now),
            None => Some(Turn::New),
            Some(before) => (before.severity < one.severity).then_some(Turn::Worse),
        };
        let mut news: Vec<News> = found().filter_map(|one| Some(Known::of(one).news(turn(one)?))).collect();
        news.sort_by_key(|one| one.what);
        let mut gone: Vec<&Known> =
            self.known.iter().filter(|(key, _)| !now.contains_key(*key)).map(|(_, one)| one).collect();
        gone.sort_by_key(|one| (Reverse(one.severity), &one.id, &one.object));
        news.extend(gone.into_iter().map(|one| one.news(Turn::Gone)));
        (self.known, self.looked) = (now, true);
        news
    }

    /// Whether nothing has been looked at yet.
    pub fn is_new(&self) -> bool {
        !self.looked
    }
}

/// Whether the cluster answers, as it was told last.
#[derive(Debug, Default)]
pub struct Contact {
    is_lost: bool,
}

/// That the cluster does not answer any more, or does again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "turn")]
pub enum ContactTurn {
    /// It does not answer.
    Lost {
        /// Since when.
        since: Timestamp,
        /// Its last words.
        why: String,
    },
    /// It answers again.
    Back,
}

impl Contact {
    /// Takes in since when and why the cluster does not answer; what of that is news.
    pub fn look(&mut self, broken: Option<(Timestamp, String)>) -> Option<ContactTurn> {
        let was_lost = std::mem::replace(&mut self.is_lost, broken.is_some());
        match (was_lost, broken) {
            (false, Some((since, why))) => Some(ContactTurn::Lost { since, why }),
            (true, None) => Some(ContactTurn::Back),
            _ => None,
        }
    }
}

impl Known {
    fn of(finding: &Finding) -> Self {
        Self {
            id: finding.id.clone(),
            severity: finding.severity,
            object: finding.object.clone(),
            message: finding.message.clone(),
        }
    }

    fn news(&self, what: Turn) -> News {
        News {
            what,
            id: self.id.clone(),
            severity: self.severity,
            object: self.object.clone(),
            message: self.message.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::evidence::{Evidence, kept};
    use crate::doctor::report::{Choice, judge};
    use crate::snapshot::Snapshot;
    use serde_json::{Value, json};

    fn report(items: &[Value]) -> Report {
        let mut snapshot = Snapshot::default();
        for item in items {
            snapshot.insert(kept(item.clone()));
        }
        judge(&Evidence::new(snapshot, "2026-11-20T10:00:00Z".parse().unwrap()), &Choice::default())
    }

    fn volume(name: &str, phase: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
            "spec": {"persistentVolumeReclaimPolicy": "Retain"}, "status": {"phase": phase}})
    }

    fn told(news: &[News]) -> Vec<String> {
        news.iter().map(|one| format!("{} {} {}", one.what.word(), one.id, one.object)).collect()
    }

    #[test]
    fn only_what_has_changed_is_told() {
        let mut watch = Watch::default();
        assert!(watch.is_new());
        let first = watch.look(&report(&[volume("a", "Released"), volume("b", "Failed")]));
        assert_eq!(told(&first), ["now V013 PersistentVolume/b", "now V012 PersistentVolume/a"]);
        assert!(!watch.is_new());
        assert_eq!(watch.look(&report(&[volume("a", "Released"), volume("b", "Failed")])), []);
        let last = watch.look(&report(&[volume("a", "Bound"), volume("b", "Failed"), volume("c", "Failed")]));
        assert_eq!(told(&last), ["new V013 PersistentVolume/c", "gone V012 PersistentVolume/a"]);
    }

    #[test]
    fn a_cause_is_told_before_what_suffers_from_it() {
        let mut report = report(&[volume("a", "Released"), volume("b", "Failed")]);
        let below = report.findings.remove(0);
        report.findings[0].causes.push(below);
        let told = told(&Watch::default().look(&report));
        assert_eq!(told, ["now V012 PersistentVolume/a", "now V013 PersistentVolume/b"], "the worse one is below");
    }

    #[test]
    fn a_cluster_that_goes_away_and_comes_back_is_told_once_each() {
        let (mut contact, since) = (Contact::default(), "2026-11-20T10:00:00Z".parse().unwrap());
        let broken = || Some((since, "connection refused".to_owned()));
        assert_eq!(contact.look(None), None);
        assert_eq!(contact.look(broken()), Some(ContactTurn::Lost { since, why: "connection refused".to_owned() }));
        assert_eq!(contact.look(broken()), None);
        assert_eq!(contact.look(None), Some(ContactTurn::Back));
        assert_eq!(contact.look(None), None);
    }

    #[test]
    fn what_gets_worse_is_told() {
        let mut report = report(&[volume("a", "Released")]);
        let mut watch = Watch::default();
        watch.look(&report);
        report.findings[0].severity = Severity::Critical;
        assert_eq!(told(&watch.look(&report)), ["worse V012 PersistentVolume/a"]);
        report.findings[0].severity = Severity::Info;
        assert_eq!(watch.look(&report), [], "what gets better is still there, and no news");
    }
}
