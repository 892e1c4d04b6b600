//! A run: how far it is, every step, and below a step that stalls why it does.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use seaworthy::doctor::{Cause, Outlook};

use super::{marked, prose};
use crate::front::paint::{Paint, time};
use crate::front::plain::{cause_text, finished_text};
use crate::front::tui::look::{Look, Mark};
use crate::front::tui::model::{Board, Model, Row, RowState};

/// Columns of the bar.
const BAR: usize = 24;

/// How far it is, on one line that never scrolls away.
pub(super) fn head(model: &Model) -> Line<'static> {
    model.board.as_ref().map_or_else(Line::default, |board| progress(model, board))
}

/// The lines below, and the one where something is under way.
pub(super) fn lines(model: &Model, width: u16) -> (Vec<Line<'static>>, usize) {
    let width = usize::from(width);
    let Some(board) = &model.board else { return (Vec::new(), 0) };
    let mut lines = Vec::new();
    let mut busy = None;
    for row in &board.rows {
        if matches!(row.state, RowState::Busy { .. }) {
            busy.get_or_insert(lines.len());
        }
        lines.extend(row_lines(model, row, width));
    }
    lines.extend(board.notices.iter().flat_map(|notice| marked(model, Mark::Careful, notice, width)));
    if let Some(outcome) = &board.outcome {
        lines.push(Line::default());
        lines.extend(prose(&finished_text(outcome, Paint(false)), 0, width, Look::strong()));
    }
    if let Some(Err(failure)) = &model.last {
        lines.extend(marked(model, Mark::Bad, &failure.message, width));
        lines.extend(failure.causes.iter().flat_map(|cause| prose(cause, 2, width, Style::new())));
        lines.extend(failure.hint.iter().flat_map(|hint| prose(&format!("hint: {hint}"), 2, width, Style::new())));
    }
    let last = lines.len();
    (lines, busy.unwrap_or(last))
}

fn progress(model: &Model, board: &Board) -> Line<'static> {
    let (full, empty) = if model.look.unicode { ("█", "░") } else { ("#", ".") };
    let filled = (board.done * BAR).checked_div(board.total).unwrap_or_default().min(BAR);
    let took = board.over.unwrap_or(model.clock).saturating_sub(board.began);
    let run = if board.run.is_empty() { String::new() } else { format!("  run {}", board.run) };
    let stopping = if board.stopping && !board.ended { "  stopping" } else { "" };
    let text = format!(" {}/{}  {}{run}{stopping}", board.done, board.total, time(took / 100 * 100));
    let bar = format!("{}{}", full.repeat(filled), empty.repeat(BAR - filled));
    Line::from(vec![Span::styled(bar, model.look.style(Mark::Busy)), Span::raw(text)])
}

fn row_lines(model: &Model, row: &Row, width: usize) -> Vec<Line<'static>> {
    let title = &row.title;
    match &row.state {
        RowState::Open => marked(model, Mark::Idle, title, width),
        RowState::Left => marked(model, Mark::Careful, &format!("{title} (its end was not waited for)"), width),
        RowState::Skipped => marked(model, Mark::Skipped, &format!("{title} (not done)"), width),
        RowState::Done { changed, millis, note } => {
            let note = note.as_ref().map_or_else(String::new, |note| format!(" ({note})"));
            let took = if *changed || *millis >= 100 { format!("  {}", time(*millis)) } else { String::new() };
            marked(model, Mark::Good, &format!("{title}{note}{took}"), width)
        }
        RowState::Failed(cause) => {
            let mut lines = marked(model, Mark::Bad, title, width);
            lines.extend(cause_lines(model, cause, width));
            lines
        }
        RowState::Busy { since, progress, cause } => {
            let waited = format!("{} s", model.clock.saturating_sub(*since) / 1000);
            let progress = if progress.is_empty() { String::new() } else { format!(": {progress}") };
            let mut lines = marked(model, Mark::Busy, &format!("{title}{progress}  {waited}"), width);
            lines.extend(cause.iter().flat_map(|cause| cause_lines(model, cause, width)));
            lines
        }
    }
}

fn cause_lines(model: &Model, cause: &Cause, width: usize) -> Vec<Line<'static>> {
    let style = match cause.outlook {
        Outlook::Passing => Look::faint(),
        Outlook::Stuck => model.look.style(Mark::Careful),
        Outlook::Final => model.look.style(Mark::Bad),
    };
    let mut lines = prose(&cause_text(cause), 4, width, style);
    let remedy = cause.remedy.iter().filter(|_| cause.outlook != Outlook::Passing);
    lines.extend(remedy.flat_map(|remedy| prose(&format!("do: {remedy}"), 4, width, Style::new())));
    lines
}
