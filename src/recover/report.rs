//! The report of a recovery, from its journal: what was lost and by which facts, what was done when and by whom, what became of the
//! data, and what is left to do. It accuses nobody and holds no values of Secrets. Pure.

mod markdown;
mod rest;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::cluster::ClusterId;
use crate::engine::journal::{Entry, Note, RunRecord, RunState, Times};
use crate::event::Ended;
use crate::object::ObjectRef;
use crate::plan::verb::{EtcdAct, Tend, Verb};
use crate::plan::{Installation, Lost, Occasion, Step};

/// The report of a recovery.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The run.
    pub run: String,
    /// How it ended.
    pub state: RunState,
    /// Version of the program that made the plan.
    pub program: String,
    /// Of which cluster.
    pub cluster: ClusterId,
    /// Of which installation.
    pub installation: Installation,
    /// Why it was made.
    pub occasion: Occasion,
    /// When the data was last known to be well; the time before that is not measured.
    pub last_good: Option<Timestamp>,
    /// What came when.
    pub timeline: Vec<Moment>,
    /// From the beginning to the end of the run, all tries together, seconds.
    pub seconds: f64,
    /// From the first stop to the last start of a workload in the last try, seconds.
    pub seconds_down: Option<f64>,
    /// Whether anything was stopped.
    pub has_stopped: bool,
    /// Of all that, what was spent waiting for people, seconds.
    pub seconds_asked: f64,
    /// How often it was taken up again.
    pub resumed: usize,
    /// What became of the data of each claim.
    pub data: Vec<Fate>,
    /// What went wrong, in the last try.
    pub failures: Vec<String>,
    /// What is left behind, and where.
    pub left: Vec<String>,
    /// What is to be done next.
    pub next: Vec<String>,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// When, by the clock of this machine.
    pub at: Timestamp,
    /// Who tells it.
    pub by: Teller,
    /// What.
    pub what: String,
}

/// Who tells of a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Teller {
    /// The program.
    Tool,
    /// A person.
    Operator,
}

/// What became of the data of a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fate {
    /// The claim.
    pub claim: ObjectRef,
    /// How many files it held when it was last known to be well; `None`: not known.
    pub files_then: Option<u64>,
    /// What was counted in the end, in the words of that step; `None`: nobody counted.
    pub counted: Option<String>,
    /// What that means.
    pub verdict: Verdict,
}

/// What became of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The volume that held it is bound to its claim again.
    Saved,
    /// A volume is bound to its claim again, and the recovery did not come to where that is proven to be the data.
    Bound,
    /// The claim has a fresh volume; the former one is kept aside with its bytes.
    KeptAside,
    /// The claim has a fresh volume, and of the former one nothing is left in the cluster.
    Lost,
    /// The claim has a fresh volume, and what was in it came from the other members of an etcd.
    FromOthers,
    /// Made from a snapshot of an etcd.
    FromSnapshot,
    /// The claim had no volume and has one now.
    First,
    /// A volume that nobody wanted was erased.
    Erased,
    /// Nothing was taken away or replaced.
    Untouched,
    /// The namespace is gone, and the volumes that its claims had are kept.
    VolumesKept,
    /// The recovery did not come so far.
    Undecided,
}

impl Verdict {
    /// In words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Saved => "saved: its volume is bound to it again",
            Self::Bound => "its volume is bound to it again; nothing has proven yet that the data on it is what it was",
            Self::KeptAside => "a fresh volume; the former one is put aside with its bytes",
            Self::Lost => "a fresh volume; nothing of the former one is left in the cluster",
            Self::FromSnapshot => "made from the snapshot; the former volume is put aside with its bytes",
            Self::FromOthers => "caught up from the other members; the former volume is put aside with its bytes",
            Self::First => "a fresh, empty volume; the claim had none",
            Self::Erased => "erased, as was asked for",
            Self::Untouched => "there, as it was",
            Self::VolumesKept => {
                "gone, as was asked for; whatever volumes were left of it are kept, with all that is on them"
            }
            Self::Undecided => "not decided: the recovery did not come so far",
        }
    }
}

/// The report of a run; `None` when it is no recovery, or one of an older program, which did not write down why it was made.
pub fn report(record: &RunRecord, entries: &[Entry], notes: &[Note]) -> Option<Report> {
    let occasion = record.plan.occasion.as_deref()?.clone();
    let ended = entries.last().map_or(record.at, time_of);
    let data: Vec<Fate> = occasion.losses.iter().map(|lost| fate(record, entries, lost)).collect();
    Some(Report {
        run: record.run.clone(),
        state: record.state,
        program: record.inputs.binary.clone(),
        cluster: record.plan.cluster.clone(),
        installation: record.plan.installation.clone(),
        last_good: occasion.losses.iter().filter_map(|lost| lost.last_good).min(),
        timeline: timeline(record, entries, &occasion, notes),
        seconds: if record.resumed == 0 { spent(record) } else { seconds(ended.duration_since(record.at)) },
        seconds_down: down(entries),
        has_stopped: entries.iter().any(
            |entry| matches!(entry, Entry::Done { step, .. } | Entry::Intent { step, .. } if step.starts_with("stop:")),
        ),
        seconds_asked: asked(record, entries),
        resumed: record.resumed,
        failures: record.causes.iter().map(|cause| cause.message.clone()).collect(),
        left: rest::left(record, entries),
        next: rest::next(record, entries, &data),
        data,
        occasion,
    })
}

impl Report {
    /// Whether the data of any claim was not brought back.
    fn is_any_lost(&self) -> bool {
        let is_there = |verdict| {
            matches!(
                verdict,
                Verdict::Saved
                    | Verdict::FromOthers
                    | Verdict::FromSnapshot
                    | Verdict::Untouched
                    | Verdict::VolumesKept
                    | Verdict::First
                    | Verdict::Erased
            )
        };
        self.data.iter().any(|fate| !is_there(fate.verdict))
    }

    /// As a document for people.
    pub fn markdown(&self) -> String {
        markdown::text(self)
    }
}

fn time_of(entry: &Entry) -> Timestamp {
    match entry {
        Entry::Opened { at, .. }
        | Entry::Intent { at, .. }
        | Entry::Done { at, .. }
        | Entry::Failed { at, .. }
        | Entry::Answered { at, .. }
        | Entry::Resumed { at, .. }
        | Entry::Closed { at, .. }
        | Entry::Abandoned { at } => *at,
    }
}

fn seconds(time: SignedDuration) -> f64 {
    time.as_secs_f64().max(0.0)
}

/// Of the one try, by the clock of the cluster, which in a sandbox is not this machine's.
fn spent(record: &RunRecord) -> f64 {
    seconds(record.times.until.duration_since(record.times.since))
}

/// From the first stop of the first try to the last start of the last one.
fn down(entries: &[Entry]) -> Option<f64> {
    let tries = Times::of_each_try(entries);
    let spans = || tries.iter().flat_map(|times| &times.steps);
    let first = spans().filter(|(step, _)| step.starts_with("stop:")).map(|(_, span)| span.began).min()?;
    let last = spans().filter(|(step, _)| step.starts_with("start:")).filter_map(|(_, span)| span.ended).max()?;
    Some(seconds(last.duration_since(first)))
}

fn verb<'a>(record: &'a RunRecord, step: &str) -> Option<&'a Verb> {
    record.plan.step(step)?.verb()
}

fn asked(record: &RunRecord, entries: &[Entry]) -> f64 {
    let of = |entry: &Entry| match entry {
        Entry::Done { step, took, .. } if matches!(verb(record, step), Some(Verb::Ask { .. })) => took.millis,
        _ => None,
    };
    entries
        .iter()
        .filter_map(of)
        .map(|millis| Duration::from_millis(millis).as_secs_f64())
        .fold(0.0, |sum, one| sum + one)
}

fn timeline(record: &RunRecord, entries: &[Entry], occasion: &Occasion, notes: &[Note]) -> Vec<Moment> {
    let tool = |at: Timestamp, what: String| Moment { at, by: Teller::Tool, what };
    let operator = |at: Timestamp, what: String| Moment { at, by: Teller::Operator, what };
    let title = |step: &str| record.plan.step(step).map_or_else(|| step.to_owned(), |step| step.title.clone());
    let mut moments: Vec<Moment> = occasion
        .losses
        .iter()
        .filter_map(|lost| Some(tool(lost.last_good?, format!("{} was well", lost.claim))))
        .collect();
    moments.push(tool(occasion.at, format!("recognised: {}", kinds(occasion))));
    for entry in entries {
        moments.extend(match entry {
            Entry::Opened { at, .. } => {
                let agreed = occasion
                    .agreed
                    .iter()
                    .map(|object| operator(*at, format!("agreed by name: {}", agreed(record, object))));
                let begun = tool(*at, format!("{} began the recovery", occasion.by));
                agreed.chain([begun]).collect()
            }
            // Its answer stands there already.
            Entry::Done { step, .. } if matches!(verb(record, step), Some(Verb::Ask { .. })) => Vec::new(),
            Entry::Done { step, at, note, .. } => {
                let note = note.as_ref().map_or_else(String::new, |note| format!(": {note}"));
                vec![tool(*at, format!("{}{note}", title(step)))]
            }
            Entry::Failed { step, at, cause, .. } => {
                vec![tool(*at, format!("{} failed: {}", title(step), cause.message))]
            }
            Entry::Answered { step, at, agreed } => {
                let answer = if *agreed { "yes" } else { "no" };
                vec![operator(*at, format!("{}: {answer}", title(step)))]
            }
            Entry::Resumed { at, .. } => vec![tool(*at, "taken up again".to_owned())],
            Entry::Closed { at, ended } => vec![tool(*at, format!("ended: {}", word(*ended)))],
            Entry::Abandoned { at } => vec![tool(*at, "given up".to_owned())],
            Entry::Intent { .. } => Vec::new(),
        });
    }
    moments.extend(notes.iter().map(|note| operator(note.at, note.text.clone())));
    moments.sort_by_key(|moment| moment.at);
    moments
}

/// What was agreed to for an object: the title of the step.
fn agreed(record: &RunRecord, object: &ObjectRef) -> String {
    let hard =
        record.plan.steps.iter().find(|step| {
            step.verb().is_some_and(|verb| verb.is_irreversible() && verb.object().as_ref() == Some(object))
        });
    hard.map_or_else(|| format!("delete {object}"), |step| step.title.clone())
}

fn word(ended: Ended) -> &'static str {
    match ended {
        Ended::Done => "done",
        Ended::Failed => "failed",
        Ended::Interrupted => "interrupted",
    }
}

fn kinds(occasion: &Occasion) -> String {
    let one = |lost: &Lost| match &lost.kind {
        Some(kind) => format!("{kind} of {}", lost.claim),
        None => format!("no loss of {}; it was asked for all the same", lost.claim),
    };
    occasion.losses.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Whether the step came to its end, in this try or an earlier one.
fn is_done(record: &RunRecord, entries: &[Entry], step: &Step) -> bool {
    record.state == RunState::Done
        || entries.iter().any(|entry| matches!(entry, Entry::Done { step: done, .. } if *done == step.id))
}

fn fate(record: &RunRecord, entries: &[Entry], lost: &Lost) -> Fate {
    let mut fate =
        Fate { claim: lost.claim.clone(), files_then: lost.files_then, counted: None, verdict: Verdict::Undecided };
    let mut aside = false;
    for step in record.plan.steps.iter().filter(|step| is_done(record, entries, step)) {
        match step.verb() {
            Some(Verb::Keep { volume, quarantine: Some(_) }) => {
                aside |= Some(&volume.object.name) == lost.volume.as_ref();
            }
            Some(Verb::Create { object, .. }) if ObjectRef::of(object).as_ref() == Some(&lost.claim) => {
                let fresh = object["spec"]["volumeName"].is_null();
                if fresh {
                    fate.verdict = if aside { Verdict::KeptAside } else { Verdict::Lost };
                }
            }
            Some(Verb::Bound { claim, volume: Some(_) }) if *claim == lost.claim => {
                fate.verdict = if record.state == RunState::Done { Verdict::Saved } else { Verdict::Bound };
            }
            Some(Verb::Renew { claim, .. }) if claim.object == lost.claim => fate.verdict = Verdict::KeptAside,
            Some(Verb::Etcd { act: EtcdAct::Joined { pod }, .. }) if lost.claim.name.ends_with(&format!("-{pod}")) => {
                fate.verdict = Verdict::FromOthers;
            }
            Some(Verb::Seed(seed)) if seed.claim == lost.claim => fate.verdict = Verdict::FromSnapshot,
            Some(Verb::Bound { claim, volume: None }) if *claim == lost.claim && fate.verdict == Verdict::Undecided => {
                // A claim that waits names no volume: where one is known it is the former one, and gone.
                fate.verdict = if lost.volume.is_some() { Verdict::Lost } else { Verdict::First };
            }
            Some(Verb::Tend { act: Tend::Erase { .. }, .. }) => fate.verdict = Verdict::Erased,
            Some(Verb::Tend { act: Tend::BackInService { .. }, .. } | Verb::Etcd { act: EtcdAct::Disarm, .. })
                if fate.verdict == Verdict::Undecided =>
            {
                fate.verdict = Verdict::Untouched;
            }
            Some(Verb::Tend { object, act: Tend::Gone { .. } }) if *object == lost.claim => {
                fate.verdict = Verdict::VolumesKept;
            }
            Some(Verb::Count { claim, .. }) if *claim == lost.claim => {
                fate.counted = entries.iter().rev().find_map(|entry| match entry {
                    Entry::Done { step: done, note, .. } if *done == step.id => note.clone(),
                    _ => None,
                });
            }
            _ => {}
        }
    }
    // At its end nothing was taken away or replaced that no step tells of: it was waited for, or given more room.
    if record.state == RunState::Done && fate.verdict == Verdict::Undecided {
        fate.verdict = Verdict::Untouched;
    }
    fate
}

#[cfg(test)]
mod tests;
