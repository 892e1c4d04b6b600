//! A run as lines: on a terminal below them what is being waited for, moving; elsewhere each line with its time.

mod board;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use seaworthy::cluster::Counts;
use seaworthy::doctor::{Cause, Outlook};
use seaworthy::event::{Ended, Event, Facts, Outcome, PullState, StepState};
use seaworthy::object::printable;
use seaworthy::plan::Purpose;
use tokio::sync::mpsc;

use super::event_log::EventLog;
use super::facts_text::{coming, pull_text};
use super::paint::{Paint, count, one_line, time};
use board::Board;

/// How often the moving part moves.
const FRAME: Duration = Duration::from_millis(120);
/// How often lines are looked at where nothing moves.
const SLOW_FRAME: Duration = Duration::from_secs(1);
/// A step that found everything as it should be in less than this is not worth a line, milliseconds.
const WORTH_SAYING: u64 = 100;

/// Shows the events of a run until it ends. The lines go to standard error.
pub(crate) struct Plain {
    paint: Paint,
    board: Board,
    events: EventLog,
    steps: HashMap<String, String>,
    /// Ids of the steps that write.
    writes: HashSet<String>,
    /// Whether the plan writes to this machine.
    saves: bool,
    /// Steps that only look, and were begun and given up.
    left: usize,
    /// Steps that were not begun.
    skipped: usize,
    end: End,
    /// Images that have come, and where.
    pulled: HashSet<(String, Option<String>)>,
}

/// What is said at the end of a run.
#[derive(Debug)]
pub(crate) struct End {
    /// The command that opens what was installed: said when all went well, before the last line.
    pub(crate) way_in: Option<String>,
    /// Whether somebody may go on with the run when it is stopped.
    pub(crate) resumable: bool,
}

impl End {
    /// The last line. What is taken away again is not offered to be gone on with.
    /// `saves`: whether the plan writes to this machine, as `hold` and `backup` do.
    fn last_text(&self, (outcome, saves): (&Outcome, bool), paint: Paint) -> String {
        match outcome.ended {
            Ended::Interrupted if !self.resumable => stopped_text(outcome),
            Ended::Failed if self.resumable && !outcome.run.is_empty() => {
                let on = format!("when that is mended, go on with: seaworthy runs resume {}", outcome.run);
                format!("{on}\n{}", finished_text((outcome, saves), paint))
            }
            _ => finished_text((outcome, saves), paint),
        }
    }
}

impl Default for End {
    fn default() -> Self {
        Self { way_in: None, resumable: true }
    }
}

impl Plain {
    /// Lively: with a moving part. `events`: also write each event to this file.
    pub(crate) fn new(lively: bool, paint: Paint, events: Option<&Path>) -> color_eyre::Result<Self> {
        let (board, events) = (Board::new(lively, paint), EventLog::open(events)?);
        let (steps, writes) = (HashMap::new(), HashSet::new());
        Ok(Self {
            paint,
            board,
            events,
            steps,
            writes,
            saves: false,
            left: 0,
            skipped: 0,
            end: End::default(),
            pulled: HashSet::new(),
        })
    }

    /// With this to be said at the end.
    pub(crate) fn ending_with(self, end: End) -> Self {
        Self { end, ..self }
    }

    /// Until the run has finished and all it said is shown.
    pub(crate) async fn follow(mut self, mut receiver: mpsc::Receiver<Event>) {
        let mut clock = tokio::time::interval(if self.board.is_lively() { FRAME } else { SLOW_FRAME });
        loop {
            let event = tokio::select! {
                event = receiver.recv() => event,
                _ = clock.tick() => {
                    self.board.tick();
                    continue;
                }
            };
            let Some(event) = event else { break };
            self.write_event(&event);
            if matches!(event, Event::Finished { .. }) {
                self.board.clear();
                self.show(&event);
                break;
            }
            self.show(&event);
        }
        self.board.clear();
    }

    fn write_event(&mut self, event: &Event) {
        if let Some(why) = self.events.write(event) {
            self.board.line(&why);
        }
    }

    fn show(&mut self, event: &Event) {
        match event {
            Event::Planned { plan } => {
                // Nearly everything is in one namespace, which the first line has named.
                let here = format!("/{}/", plan.installation.namespace);
                let short = |title: &str| title.replacen(&here, "/", 1);
                self.steps = plan.steps.iter().map(|step| (step.id.clone(), short(&step.title))).collect();
                let writing = plan.steps.iter().filter(|step| step.change.writes());
                self.writes = writing.map(|step| step.id.clone()).collect();
                self.saves = saves(plan.purpose);
            }
            Event::Started { run, total } => self.started(run, *total),
            Event::Step { id, done, total, state } => self.step(id, (*done, *total), state),
            Event::Waiting { id, progress, cause, facts, .. } => {
                self.pulled(facts);
                self.waiting(id, &format!("{progress}{}", coming(&facts.pulls)), cause.as_ref());
            }
            // The question is put by whoever runs the plan; nothing may move below it.
            Event::Ask { .. } => self.board.clear(),
            Event::Notice { text } => self.board.line(&self.paint.careful(&printable(text))),
            Event::Finished { outcome } => {
                if let Some(line) = self.end.way_in.take().filter(|_| outcome.ended == Ended::Done) {
                    self.board.line(&line);
                }
                if let Some(rest) = rest_text(self.left, self.skipped) {
                    self.board.line(&self.paint.faint(&rest));
                }
                self.board.line(&self.end.last_text((outcome, self.saves), self.paint));
            }
        }
    }

    fn started(&mut self, run: &str, total: usize) {
        if !run.is_empty() {
            self.board.line(&self.paint.faint(&format!("run {run}: {}", count(total, "step"))));
        }
    }

    fn step(&mut self, id: &str, (done, total): (usize, usize), state: &StepState) {
        let title = self.steps.get(id).cloned().unwrap_or_else(|| id.to_owned());
        self.board.progress(done, total);
        match state {
            StepState::Running => self.board.begin(id, &title),
            StepState::Done { changed, millis, note } => {
                self.board.end(id);
                let note = note.as_ref().map_or_else(String::new, |note| format!(" ({})", printable(note)));
                let worth_it = *changed || !note.is_empty() || *millis >= WORTH_SAYING;
                if worth_it {
                    let took = self.paint.faint(&time(*millis));
                    self.board.line(&format!("{} {title}{note} {took}", self.paint.good("ok  ")));
                }
            }
            // Why is said once, at the end, where it is looked for.
            StepState::Failed { .. } => {
                self.board.end(id);
                self.board.line(&format!("{} {title}", self.paint.bad("FAIL")));
            }
            StepState::Left => {
                self.board.end(id);
                if self.writes.contains(id) {
                    self.board
                        .line(&format!("{} {title} (begun; its end was not waited for)", self.paint.careful("left")));
                } else {
                    self.left += 1;
                }
            }
            StepState::Skipped => self.skipped += 1,
        }
    }

    /// Each image that has come, once.
    fn pulled(&mut self, facts: &Facts) {
        for pull in facts.pulls.iter().filter(|pull| pull.state == PullState::Done) {
            if self.pulled.insert((pull.image.clone(), pull.node.clone())) {
                self.board.line(&self.paint.faint(&one_line(&format!("     image {}", pull_text(pull, None)))));
            }
        }
    }

    fn waiting(&mut self, id: &str, progress: &str, cause: Option<&Cause>) {
        let title = self.steps.get(id).cloned().unwrap_or_else(|| id.to_owned());
        let urgent = cause.is_some_and(|cause| cause.outlook >= Outlook::Stuck);
        let line = format!("{title}: {}", printable(progress));
        self.board.wait(id, &line, cause.map(cause_text).as_deref(), urgent);
    }
}

/// What a run that did not get to its end has not done: `14 steps were not begun, 2 waits were given up`.
fn rest_text(left: usize, skipped: usize) -> Option<String> {
    let were = |number: usize, noun: &str, what: &str| {
        (number > 0).then(|| format!("{} {} {what}", count(number, noun), if number == 1 { "was" } else { "were" }))
    };
    let parts: Vec<String> =
        [were(skipped, "step", "not begun"), were(left, "wait", "given up")].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// `Pod/ns/name ErrImagePull: message`.
pub(crate) fn cause_text(cause: &Cause) -> String {
    let object = cause.object.as_ref().map_or_else(String::new, |object| format!("{object} "));
    one_line(&format!("{object}{}: {}", cause.reason, cause.message))
}

/// Whether what such a plan is for is written to this machine: it is done, also where the cluster was only read.
pub(crate) fn saves(purpose: Purpose) -> bool {
    matches!(purpose, Purpose::Hold | Purpose::Backup)
}

/// The last line: how it ended, and when it failed, always why.
pub(crate) fn finished_text((outcome, saves): (&Outcome, bool), paint: Paint) -> String {
    let counts = &outcome.requests;
    let requests =
        format!("{}, {}", count(to_usize(counts.writes), "write"), count(to_usize(counts.reads + counts.dry), "read"));
    let took = time(outcome.millis);
    match outcome.ended {
        // Without a run nothing was recorded; what was written then was written without a journal, as `hold` does.
        Ended::Done if outcome.run.is_empty() && outcome.requests.writes == 0 && !saves => paint.good(&format!(
            "nothing to do: all is as wanted ({} checked in {took}; {requests})",
            count(outcome.total, "step")
        )),
        // A plan of this machine asks no cluster.
        Ended::Done if *counts == Counts::default() => {
            paint.good(&format!("done in {took}: {}", count(outcome.total, "step")))
        }
        Ended::Done => paint.good(&format!("done in {took}: {} ({requests})", count(outcome.total, "step"))),
        Ended::Interrupted => {
            format!("{}; go on with: seaworthy runs resume {}", stopped_text(outcome), outcome.run)
        }
        Ended::Failed => {
            let mut lines: Vec<String> = Vec::new();
            for cause in outcome.causes.iter().rev() {
                lines.extend(cause.remedy.as_ref().map(|remedy| format!(" hint: {}", printable(remedy))));
                lines.push(paint.bad(&format!("failed after {took}: {}", cause_text(cause))));
            }
            lines.join("\n")
        }
    }
}

fn stopped_text(outcome: &Outcome) -> String {
    format!("interrupted after {} of {}", outcome.done, count(outcome.total, "step"))
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_gone_on_with_is_offered() {
        let outcome = Outcome {
            run: "20260102-030405".to_owned(),
            ended: Ended::Interrupted,
            done: 3,
            total: 5,
            causes: Vec::new(),
            requests: Counts::default(),
            millis: 1,
        };
        let said = |resumable| End { way_in: None, resumable }.last_text((&outcome, false), Paint(false));
        assert_eq!(said(false), "interrupted after 3 of 5 steps");
        assert_eq!(said(true), "interrupted after 3 of 5 steps; go on with: seaworthy runs resume 20260102-030405");
    }

    #[test]
    fn what_was_saved_to_this_machine_was_not_nothing() {
        let requests = Counts { reads: 4, ..Counts::default() };
        let outcome = Outcome {
            run: String::new(),
            ended: Ended::Done,
            done: 2,
            total: 2,
            causes: Vec::new(),
            requests,
            millis: 1,
        };
        let said = |purpose| finished_text((&outcome, saves(purpose)), Paint(false));
        assert_eq!(said(Purpose::Hold), "done in 1 ms: 2 steps (0 writes, 4 reads)");
        assert_eq!(
            said(Purpose::Install),
            "nothing to do: all is as wanted (2 steps checked in 1 ms; 0 writes, 4 reads)"
        );
    }
}
