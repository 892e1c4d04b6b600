//! What has changed since the cluster was last well: images, configuration, certificates, addresses, where volumes lie.
//!
//! A [`Mark`] is taken of a cluster in which nothing is wrong. When something is, what differs from it is shown with the finding
//! that it concerns (`near`), by whom and when where the API server knows.

mod facts;
pub mod file;
mod near;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::evidence::{ClusterFacts, Evidence};
use super::finding::Finding;
use super::report::Report;
use super::stall::words::{clip, span};
use crate::engine::ready::judge::{Readiness, judge};
use crate::object::{ObjectRef, has_ended, is_true, items, text};
use crate::plan::FIELD_MANAGER;
use facts::{Facts, MARK};

/// Seconds that pods have to have been ready for, as a wait of the engine believes them: what has only just come up may fall again.
const SETTLED: i64 = 10;
/// Where evidence keeps who changed an object last, and when.
pub(super) const CHANGED: &str = "seaworthy.dev/changed";

/// A cluster as it was when nothing was wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mark {
    /// The cluster.
    pub cluster: ClusterFacts,
    /// When, by the cluster's own clock.
    pub taken: Timestamp,
    objects: Vec<Marked>,
}

/// An object of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Marked {
    #[serde(flatten)]
    object: ObjectRef,
    uid: String,
    facts: Facts,
}

/// Something that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Of which object.
    pub object: ObjectRef,
    /// What of it, and how.
    #[serde(flatten)]
    pub how: How,
    /// Who wrote to the object last, as it calls itself: `kubectl-edit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// How something has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum How {
    /// It was not there.
    New,
    /// It is not there any more.
    Gone,
    /// It is another one of the same name.
    Anew,
    /// Something that can be shown.
    Value {
        /// What: `image of web`.
        what: String,
        /// As it was.
        was: String,
        /// As it is.
        is: String,
    },
    /// Something that is not kept: that it is not the same is all that is known.
    Content {
        /// What: `its content`.
        what: String,
    },
}

/// Since when the cluster is not well any more, and what has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Since {
    /// When nothing was wrong with it for the last time that anybody looked.
    pub green: Timestamp,
    /// Everything that differs.
    pub changes: Vec<Change>,
}

impl Mark {
    /// The mark of a cluster in which nothing is wrong. `None` where not all of it was read, or where something is still on
    /// its way: what is rolled out just now has not shown yet that it works.
    pub fn of(evidence: &Evidence) -> Option<Self> {
        let cluster = evidence.cluster.clone().filter(|cluster| !cluster.uid.is_empty())?;
        (evidence.is_whole() && is_settled(evidence)).then(|| Self {
            cluster,
            taken: evidence.taken,
            objects: marked(evidence),
        })
    }

    /// Whether another mark tells the same.
    pub fn is_like(&self, other: &Self) -> bool {
        self.cluster.uid == other.cluster.uid && self.objects == other.objects
    }

    /// What is not as it was; nothing is said about kinds that were not read.
    pub fn changes(&self, evidence: &Evidence) -> Vec<Change> {
        let now = marked(evidence);
        let now: BTreeMap<&ObjectRef, &Marked> = now.iter().map(|marked| (&marked.object, marked)).collect();
        let was: BTreeMap<&ObjectRef, &Marked> = self.objects.iter().map(|marked| (&marked.object, marked)).collect();
        let known = |object: &ObjectRef| match &object.namespace {
            Some(namespace) => evidence.knows(&object.kind, namespace),
            None => evidence.gap(&object.kind).is_none(),
        };
        let mut changes = Vec::new();
        for object in was.keys().chain(now.keys()).copied().collect::<BTreeSet<_>>() {
            let how = match (was.get(object), now.get(object)) {
                (Some(was), Some(now)) => differences(was, now),
                (None, Some(_)) => vec![How::New],
                // What nobody names any more is of no account, and may be there still.
                (Some(_), None) if known(object) && evidence.snapshot.get(object).is_none() => vec![How::Gone],
                _ => Vec::new(),
            };
            let (by, at) = self.author(object, evidence);
            // What we have installed since is no change of what was.
            let is_ours = by.as_deref() == Some(FIELD_MANAGER);
            let how = how.into_iter().filter(|how| !(is_ours && *how == How::New));
            changes.extend(how.map(|how| {
                let (object, by) = (object.clone(), by.clone());
                Change { object, how, by, at }
            }));
        }
        changes
    }

    /// Who changed an object last, and when, if that was after the mark was taken.
    fn author(&self, object: &ObjectRef, evidence: &Evidence) -> (Option<String>, Option<Timestamp>) {
        let live = evidence.snapshot.get(object);
        let part = |name: &str| live?.get(CHANGED)?.get(name)?.as_str();
        // Fields are noted to the second.
        let at = part("at").and_then(|at| at.parse::<Timestamp>().ok());
        let at = at.filter(|at| at.as_second() >= self.taken.as_second());
        (at.and(part("by")).map(clip), at)
    }
}

/// Who changed an object last, of what the API server notes about its fields: status apart, which controllers write all the time.
pub(super) fn last_change(object: &Value) -> Option<Value> {
    let entries = items(object, "/metadata/managedFields").filter(|entry| text(entry, "/subresource").is_none());
    let last = entries.max_by_key(|entry| text(entry, "/time").unwrap_or_default())?;
    Some(json!({"by": text(last, "/manager")?, "at": text(last, "/time")?}))
}

fn marked(evidence: &Evidence) -> Vec<Marked> {
    let named = facts::named(evidence);
    let mut objects: Vec<Marked> = evidence
        .snapshot
        .objects()
        .filter_map(|live| {
            let object = ObjectRef::of(live)?;
            let facts = facts::of(live, &object, &named)?;
            Some(Marked { object, uid: text(live, "/metadata/uid").unwrap_or_default().to_owned(), facts })
        })
        .collect();
    objects.sort_by(|one, other| one.object.cmp(&other.object));
    objects
}

/// Whether nothing is being rolled out.
fn is_settled(evidence: &Evidence) -> bool {
    const KINDS: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];
    let snapshot = &evidence.snapshot;
    let mut workloads = KINDS.iter().flat_map(|kind| snapshot.of_kind("apps", kind));
    let mut pods = snapshot.of_kind("", "Pod").filter(|pod| !has_ended(pod));
    let lasts = |pod: &Value| {
        let ready = items(pod, "/status/conditions").find(|condition| condition["type"] == "Ready");
        is_true(pod, "Ready")
            && ready.and_then(|ready| evidence.since(ready, "/lastTransitionTime")).is_none_or(|since| since >= SETTLED)
    };
    workloads.all(|workload| matches!(judge(workload, snapshot), Readiness::Ready { .. })) && pods.all(lasts)
}

fn differences(was: &Marked, now: &Marked) -> Vec<How> {
    let mut found = Vec::new();
    if was.uid != now.uid {
        found.push(How::Anew);
    }
    for what in was.facts.keys().chain(now.facts.keys()).collect::<BTreeSet<_>>() {
        let fact =
            |marked: &'_ Marked, without| marked.facts.get(what).cloned().unwrap_or_else(|| String::from(without));
        let (was, is) = (fact(was, "nothing"), fact(now, "gone"));
        if was == is {
            continue;
        }
        found.push(if was.starts_with(MARK) || is.starts_with(MARK) {
            How::Content { what: what.clone() }
        } else {
            How::Value { what: what.clone(), was: clip(&was), is: clip(&is) }
        });
    }
    // That something of it was changed is worth a word only where nothing better is known.
    if found.len() > 1 {
        found.retain(|how| !matches!(how, How::Content { what } if what == facts::ANYTHING));
    }
    found
}

impl Report {
    /// Adds what has changed since the mark: each finding has what concerns it.
    pub fn compare(&mut self, mark: &Mark, evidence: &Evidence) {
        let changes = mark.changes(evidence);
        for root in &mut self.findings {
            attach(root, &changes, evidence, &BTreeSet::new());
        }
        self.since = Some(Since { green: mark.taken, changes });
    }
}

/// What a finding shows is not shown again below it.
fn attach(finding: &mut Finding, changes: &[Change], evidence: &Evidence, above: &BTreeSet<usize>) {
    let near = near::of(finding, evidence);
    let here: BTreeSet<usize> = changes
        .iter()
        .enumerate()
        .filter(|(index, change)| !above.contains(index) && near.iter().any(|one| one.same_object(&change.object)))
        .map(|(index, _)| index)
        .collect();
    finding.changed = here.iter().map(|index| changes[*index].clone()).collect();
    let shown: BTreeSet<usize> = here.union(above).copied().collect();
    for below in &mut finding.causes {
        attach(below, changes, evidence, &shown);
    }
}

impl Since {
    /// What no finding shows.
    pub fn elsewhere<'a>(&'a self, findings: &'a [Finding]) -> impl Iterator<Item = &'a Change> {
        let shown: Vec<&Change> =
            findings.iter().flat_map(Finding::walk).flat_map(|finding| &finding.changed).collect();
        self.changes.iter().filter(move |change| !shown.contains(change))
    }
}

impl Change {
    /// In a line, without the object: `image of web: was shop:1, is shop:2 (kubectl-edit, 3 min before)`.
    pub fn words(&self, now: Timestamp) -> String {
        let by = self.by.as_deref().map(|by| format!("by {by}"));
        let at = self.at.map(|at| format!("{} ago", span(super::stall::words::seconds(at, now))));
        let author: Vec<String> = by.into_iter().chain(at).collect();
        let author = if author.is_empty() { String::new() } else { format!(" ({})", author.join(", ")) };
        format!("{}{author}", self.how)
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New => write!(f, "is new"),
            Self::Gone => write!(f, "is gone"),
            Self::Anew => write!(f, "is another one of the same name"),
            Self::Value { what, was, is } => write!(f, "{what}: was {was}, is {is}"),
            Self::Content { what } => write!(f, "{what} changed"),
        }
    }
}

#[cfg(test)]
mod tests;
