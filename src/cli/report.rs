//! The report of a recovery: written when it ends, and `runs report`, `runs note`.

use std::path::PathBuf;
use std::process::ExitCode;

use seaworthy::engine::rescue::shelf;
use seaworthy::event::Outcome;
use seaworthy::recover::report::{Report, report};
use serde_json::json;

use super::{Failure, Session};
use crate::front::place::placed;

/// A report, and the document in which it stands.
pub(super) struct Written {
    pub(super) report: Report,
    pub(super) file: PathBuf,
}

/// Writes the report of the run that has just ended, beside its JSON; `None` when it was no recovery.
pub(super) fn write(session: &Session, outcome: &Outcome) -> Result<Option<Written>, Failure> {
    // A run that wrote nothing has no journal, and so no name.
    if outcome.run.is_empty() {
        return Ok(None);
    }
    let Some(report) = of(session, &outcome.run)? else { return Ok(None) };
    keep(session, report).map(Some)
}

fn keep(session: &Session, report: Report) -> Result<Written, Failure> {
    let folder = session.state_dir()?.join("reports");
    let file = folder.join(format!("{}.md", report.run));
    shelf::replace(&file, placed(&report.markdown()).as_bytes())?;
    let document = serde_json::to_string_pretty(&report).unwrap_or_default();
    shelf::replace(&file.with_extension("json"), document.as_bytes())?;
    Ok(Written { report, file })
}

fn of(session: &Session, run: &str) -> Result<Option<Report>, Failure> {
    let runs = session.runs()?;
    Ok(report(&runs.load(run)?, &runs.entries(run)?, &runs.notes(run)))
}

/// Writes it again, with what was noted meanwhile.
pub(super) fn renew(session: &Session, run: &str) -> Result<Written, Failure> {
    let Some(report) = of(session, run)? else {
        let message = format!("run {run} is no recovery, so there is nothing to report");
        return Err(Failure::input("no-report", message, format!("`seaworthy runs show {run}` tells what it did")));
    };
    keep(session, report)
}

/// `runs report`: as it is now.
pub(super) fn show(session: &Session, run: &str) -> Result<ExitCode, Failure> {
    let written = renew(session, run)?;
    session.print("Report", &written.report, || written.report.markdown().trim_end().to_owned());
    Ok(ExitCode::SUCCESS)
}

/// `runs note`
pub(super) fn note(session: &Session, run: &str, words: &[String]) -> Result<ExitCode, Failure> {
    let text = words.join(" ");
    if text.trim().is_empty() {
        return Err(Failure::input("empty-note", "the note says nothing", "write what was seen or done by hand"));
    }
    session.runs()?.add_note(run, &text)?;
    session.print("Note", &json!({"run": run, "text": text}), || format!("noted beside run {run}"));
    Ok(ExitCode::SUCCESS)
}
