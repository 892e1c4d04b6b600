//! A run: how far it is, every step, and of the step that the cursor is on what it sees, and why it is not further.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use seaworthy::doctor::{Cause, Outlook};
use seaworthy::event::{Ended, Facts, Outcome, Part, PullState};

use super::{List, marked, prose, remedy, timeline};
use crate::front::facts_text::{coming, moved_text, name, part_text, pull_text};
use crate::front::look::{Look, Mark, columns};
use crate::front::paint::{Paint, time, whole_time};
use crate::front::plain::finished_text;
use crate::front::tui::model::{Board, Model, Notice, Post, Row, RowState};

/// Columns of the bar, where there is room and where there is not.
const BAR: (usize, usize) = (24, 12);
/// A screen that is less wide has no room for the wide one.
const ROOM: usize = 80;
/// From this width on a line has room for more than how far it is.
const ROOMY: usize = 75;
/// A step that took less says nothing of its time, milliseconds.
const WORTH_SAYING: u64 = 100;

/// How far it is, on lines that never scroll away.
pub(super) fn head(model: &Model, width: usize) -> Vec<Line<'static>> {
    let Some(board) = &model.board else { return Vec::new() };
    let over_time = board.timeline.then(|| timeline::head(model, board, width));
    let clock = board.recovery.map(|known_for| clock(model, board, known_for, width));
    std::iter::once(progress(model, board, width)).chain(clock).chain(over_time.into_iter().flatten()).collect()
}

/// The clock of a recovery: for how long the loss is known, and what the step that is under way has left.
fn clock(model: &Model, board: &Board, known_for: u64, width: usize) -> Line<'static> {
    let now = board.over.unwrap_or(model.time);
    let known = format!("the loss is known for {}", whole_time(known_for + now.saturating_sub(board.began)));
    if model.recovery.put_off.is_some() {
        let text = format!("{known}; it waits for your answer (a)");
        return Line::styled(model.look.cut(&text, width), model.look.style(Mark::Careful));
    }
    let busy = board.rows.iter().position(|row| matches!(row.state, RowState::Busy { .. }));
    let step = busy.map_or_else(String::new, |index| {
        let row = &board.rows[index];
        let spent = whole_time(now.saturating_sub(row.begun.unwrap_or(now)));
        let limit = row.limit.map_or_else(String::new, |limit| format!(" of {} at most", whole_time(limit)));
        format!("; step {} for {spent}{limit}", index + 1)
    });
    Line::raw(model.look.cut(&format!("{known}{step}"), width))
}

fn progress(model: &Model, board: &Board, width: usize) -> Line<'static> {
    let columns_of_bar = if width < ROOM { BAR.1 } else { BAR.0 };
    let (full, empty) = if model.look.unicode { ("█", "░") } else { ("#", ".") };
    let filled = (board.done * columns_of_bar).checked_div(board.total).unwrap_or_default().min(columns_of_bar);
    let bar = format!("{}{}", full.repeat(filled), empty.repeat(columns_of_bar - filled));
    let took = board.over.unwrap_or(model.time).saturating_sub(board.began);
    let stopping = if board.stopping && !board.ended { "  stopping" } else { "" };
    // Its clock is the sandbox's, which goes faster than the one on the wall.
    let simulated = if model.wish.sandbox.is_some() { " of simulated time" } else { "" };
    let mut text = format!(" {}/{}  {}{simulated}{stopping}", board.done, board.total, time(took / 100 * 100));
    let run = format!("  run {}", board.run);
    // It is needed least here.
    if !board.run.is_empty() && columns_of_bar + columns(&text) + columns(&run) <= width {
        text.push_str(&run);
    }
    let text = model.look.cut(&text, width.saturating_sub(columns_of_bar));
    Line::from(vec![Span::styled(bar, model.look.style(Mark::Busy)), Span::raw(text)])
}

/// One line a step, and below one that stalls why, in another.
pub(super) fn list(model: &Model, width: usize) -> List {
    let Some(board) = &model.board else { return List { lines: Vec::new(), cursor: 0 } };
    let (mut lines, mut cursor) = (Vec::new(), 0);
    for (index, post) in board.posts().enumerate() {
        let here = index == board.at();
        if here {
            cursor = lines.len();
        }
        let (mark, text, tail) = match post {
            Post::Step(index) => step_words(model, &board.rows[index], width),
            Post::Notice(index) => (board.notices[index].mark(), board.notices[index].text.clone(), String::new()),
            Post::End => end_words(model, board),
        };
        lines.push(line(model, width, here, (mark, &text, &tail)));
        if let Post::Step(index) = post {
            lines.extend(below(model, &board.rows[index], width));
        }
    }
    List { lines, cursor }
}

impl Notice {
    /// What went well is no reason to be careful.
    pub(super) fn mark(&self) -> Mark {
        if self.good { Mark::Good } else { Mark::Careful }
    }
}

/// A line of the list. What it is about gives way to how far it is.
fn line(model: &Model, width: usize, here: bool, (mark, text, tail): (Mark, &str, &str)) -> Line<'static> {
    let look = model.look;
    let (cursor, sign) = (look.cursor(here), look.mark(mark, model.clock));
    let room = width.saturating_sub(columns(cursor) + columns(sign) + 1);
    let tail = look.cut(tail, room.saturating_sub(room / 3));
    let text = look.cut(text, room.saturating_sub(columns(&tail)));
    let style = if here { Look::chosen() } else { Style::new() };
    let sign = Span::styled(format!("{sign} "), look.style(mark));
    Line::from(vec![Span::raw(cursor), sign, Span::styled(format!("{text}{tail}"), style)])
}

/// The mark of a step, its title, and how far it is.
pub(super) fn step_words(model: &Model, row: &Row, width: usize) -> (Mark, String, String) {
    let hard =
        if row.hard { format!(" ({} cannot be taken back)", model.look.mark(Mark::Bad, 0)) } else { String::new() };
    let title = format!("{}{hard}", row.title);
    match &row.state {
        RowState::Open => (Mark::Idle, title, String::new()),
        RowState::Left => (Mark::Careful, title, " (its end was not waited for)".to_owned()),
        RowState::Skipped => (Mark::Skipped, title, " (not done)".to_owned()),
        RowState::Done { changed, millis, note } => {
            let proof = row.proof.as_ref().map(|proof| format!(": {proof}"));
            let note = note.as_ref().map(|note| format!(" ({note})"));
            let note = note.or(proof).unwrap_or_default();
            let worth_it = *changed || *millis >= WORTH_SAYING;
            let took = if worth_it { format!("  {}", time(*millis)) } else { String::new() };
            (Mark::Good, format!("{title}{note}"), took)
        }
        RowState::Failed(_) => (Mark::Bad, title, String::new()),
        RowState::Busy { progress, .. } => {
            let mark = if row.is_stuck() { Mark::Careful } else { Mark::Busy };
            let waited = whole_time(model.time.saturating_sub(row.begun.unwrap_or(model.time)));
            // Where there is little room the details say it.
            let limit = row.limit.filter(|_| width >= ROOMY);
            let limit = limit.map_or_else(String::new, |limit| format!(" of {}", whole_time(limit)));
            let seen = row.seen.as_ref().filter(|_| width >= ROOMY);
            let coming = seen.map_or_else(String::new, |(_, facts)| coming(&facts.pulls));
            let progress = if progress.is_empty() { String::new() } else { format!(": {progress}") };
            (mark, title, format!("{progress}{coming}  {waited}{limit}"))
        }
    }
}

/// Why a step stalls or has failed, as far as one line goes; the details have all of it.
fn below(model: &Model, row: &Row, width: usize) -> Option<Line<'static>> {
    let cause = row.cause().filter(|_| row.is_stuck())?;
    let text = model.look.cut(&format!("{}: {}", cause.reason, cause.message), width.saturating_sub(6));
    Some(Line::styled(format!("      {text}"), model.look.style(cause_mark(cause))))
}

pub(super) fn end_words(model: &Model, board: &Board) -> (Mark, String, String) {
    let failure = model.last.as_ref().and_then(|last| last.as_ref().err());
    let (mark, text) = match &board.outcome {
        Some(Outcome { ended: Ended::Done, .. }) if failure.is_none() => (Mark::Good, "done".to_owned()),
        Some(Outcome { ended: Ended::Interrupted, .. }) => (Mark::Careful, "interrupted".to_owned()),
        Some(Outcome { ended: Ended::Failed, .. }) => (Mark::Bad, "failed".to_owned()),
        _ => (Mark::Bad, failure.map_or_else(|| "ended".to_owned(), |failure| failure.message.clone())),
    };
    let took = board.outcome.as_ref().map_or_else(String::new, |outcome| format!("  {}", time(outcome.millis)));
    (mark, text, took)
}

/// About the line that the cursor is on.
pub(super) fn details(model: &Model, width: usize) -> Vec<Line<'static>> {
    let Some(board) = &model.board else { return Vec::new() };
    match board.post() {
        None => Vec::new(),
        Some(Post::Step(index)) => step_details(model, board, &board.rows[index], width),
        Some(Post::Notice(index)) => marked(model, board.notices[index].mark(), &board.notices[index].text, width),
        Some(Post::End) => end_details(model, board, width),
    }
}

fn end_details(model: &Model, board: &Board, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if let Some(outcome) = &board.outcome {
        match outcome.ended {
            Ended::Failed => lines.extend(outcome.causes.iter().flat_map(|cause| cause_lines(model, cause, width))),
            _ => lines.extend(prose(
                &model.placed(&finished_text((outcome, false), Paint(false))),
                0,
                width,
                Look::strong(),
            )),
        }
    }
    if let Some(Err(failure)) = &model.last {
        lines.extend(marked(model, Mark::Bad, &failure.message, width));
        lines.extend(failure.causes.iter().flat_map(|cause| prose(cause, 2, width, Style::new())));
        lines.extend(remedy(model, failure.hint.as_deref(), width));
    }
    lines
}

fn step_details(model: &Model, board: &Board, row: &Row, width: usize) -> Vec<Line<'static>> {
    let mut lines = about(board, row, width);
    lines.extend(rules(model, row, width));
    lines.extend(deadline(model, row, width));
    lines.extend(row.cause().into_iter().flat_map(|cause| cause_lines(model, cause, width)));
    if let Some((_, facts)) = &row.seen {
        lines.extend(fact_lines(model, board, (row, facts), width));
    }
    if let RowState::Done { note: Some(note), .. } = &row.state {
        lines.extend(marked(model, Mark::Good, note, width));
    }
    lines
}

/// What the step is about, and how it stands in a word.
fn about(board: &Board, row: &Row, width: usize) -> Vec<Line<'static>> {
    let object = row.object.as_ref().filter(|object| object.api_version != "host");
    let object = object.map_or_else(|| row.title.clone(), |object| name(object, &board.here));
    let component = row.component.as_ref().map_or_else(String::new, |component| format!(" of {component}"));
    let state = match &row.state {
        RowState::Open if row.needs.is_empty() => "not begun".to_owned(),
        RowState::Open => "not begun: what it needs comes first".to_owned(),
        RowState::Busy { progress, .. } if progress.is_empty() => "under way".to_owned(),
        RowState::Busy { progress, .. } => progress.clone(),
        RowState::Done { changed: true, millis, .. } => format!("done in {}", time(*millis)),
        RowState::Done { millis, .. } if *millis >= WORTH_SAYING => format!("as wanted after {}", time(*millis)),
        RowState::Done { .. } => "as wanted; nothing was written".to_owned(),
        RowState::Failed(_) => "failed".to_owned(),
        RowState::Left => "begun; its end was not waited for".to_owned(),
        RowState::Skipped => "not done in this run".to_owned(),
    };
    prose(&format!("{object}{component}: {state}"), 0, width, Look::strong())
}

/// Of a step of a recovery: when it is begun, and by what it is known to be done.
fn rules(model: &Model, row: &Row, width: usize) -> Vec<Line<'static>> {
    let is_done = matches!(row.state, RowState::Done { .. });
    let gate = row.gate.iter().filter(|_| !is_done);
    let mut lines: Vec<Line<'static>> =
        gate.flat_map(|gate| prose(&format!("gate: {gate}"), 2, width, Style::new())).collect();
    if let Some(proof) = &row.proof {
        if is_done {
            lines.extend(marked(model, Mark::Good, &format!("proof, as it was seen: {proof}"), width));
        } else {
            lines.extend(prose(&format!("proof: {proof}"), 2, width, Style::new()));
        }
    }
    if row.hard {
        lines.extend(marked(model, Mark::Bad, "it cannot be taken back; its name was typed", width));
    }
    lines
}

/// What is still to come stands before what is there already.
fn fact_lines(model: &Model, board: &Board, (row, facts): (&Row, &Facts), width: usize) -> Vec<Line<'static>> {
    let over = row.ended.is_some();
    let mut lines = facts.parts.iter().filter_map(|part| part_line(row, part, &board.here)).collect::<Vec<_>>();
    let now = row.ended.unwrap_or(model.time);
    lines.extend(facts.pulls.iter().map(|pull| {
        let mark = match pull.state {
            PullState::Asked if over => Mark::Idle,
            PullState::Asked => Mark::Busy,
            PullState::Failed => Mark::Careful,
            PullState::Done | PullState::Present => Mark::Good,
        };
        (mark, format!("image {}", pull_text(pull, row.age(pull, now))))
    }));
    lines.extend(facts.moved.map(|moved| (if over { Mark::Good } else { Mark::Busy }, moved_text(moved))));
    lines.sort_by_key(|(mark, _)| *mark == Mark::Good);
    let mut lines: Vec<Line<'static>> =
        lines.iter().flat_map(|(mark, text)| marked(model, *mark, text, width)).collect();
    if facts.more > 0 {
        lines.extend(prose(&format!("and {} more", facts.more), 2, width, Look::faint()));
    }
    lines
}

fn part_line(row: &Row, part: &Part, here: &str) -> Option<(Mark, String)> {
    let over = row.ended.is_some();
    let mark = if part.ready >= part.wanted {
        Mark::Good
    } else if row.is_stuck() || over {
        Mark::Careful
    } else {
        Mark::Busy
    };
    // What was seen last is not what is, once nobody looks any more and all went well.
    let is_past = over && matches!(row.state, RowState::Done { .. }) && mark != Mark::Good;
    (!is_past).then(|| (mark, part_text(part, here)))
}

/// What becomes of a step that waits.
fn deadline(model: &Model, row: &Row, width: usize) -> Vec<Line<'static>> {
    let waits = matches!(row.state, RowState::Busy { .. });
    let left = row.left(model.time).filter(|_| waits);
    let said =
        left.map(|left| format!("If it is not ready in {}, the run fails and can be resumed.", whole_time(left)));
    said.iter().flat_map(|text| prose(text, 0, width, Style::new())).collect()
}

fn cause_mark(cause: &Cause) -> Mark {
    match cause.outlook {
        Outlook::Passing => Mark::Idle,
        Outlook::Stuck => Mark::Careful,
        Outlook::Final => Mark::Bad,
    }
}

fn cause_lines(model: &Model, cause: &Cause, width: usize) -> Vec<Line<'static>> {
    let here = model.board.as_ref().map_or("", |board| &board.here);
    let object = cause.object.as_ref().map_or_else(String::new, |object| format!("{} ", name(object, here)));
    let text = format!("{object}{}: {}", cause.reason, cause.message);
    let mut lines = marked(model, cause_mark(cause), &text, width);
    let remedy_due = cause.remedy.as_deref().filter(|_| cause.outlook != Outlook::Passing);
    lines.extend(remedy(model, remedy_due, width));
    lines
}
