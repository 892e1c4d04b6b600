//! Logs: the lines of containers, below a line that says whose they are.

use ratatui::text::{Line, Span};
use seaworthy::logs::{Said, Source};

use super::marked;
use crate::front::facts_text::name;
use crate::front::look::{Look, Mark, columns};
use crate::front::tui::model::{Logs, Model};

/// All that is shown of them.
pub(super) fn lines(model: &Model, logs: &Logs, (width, height): (usize, usize)) -> Vec<Line<'static>> {
    let mut lines = vec![heading(model, logs, width)];
    let room = height.saturating_sub(1).max(1);
    let shown = logs.shown(&model.filter());
    let mut body = match logs.top {
        Some(top) => down(model, &shown, top.min(shown.len().saturating_sub(1)), (width, room)),
        None => up(model, logs, &shown, (width, room)),
    };
    if body.is_empty() {
        body = nothing(model, logs, width);
    }
    lines.extend(body);
    lines
}

fn heading(model: &Model, logs: &Logs, width: usize) -> Line<'static> {
    let here = model.board.as_ref().map_or("", |board| board.here.as_str());
    let filter = model.filter();
    let filter = if filter.is_empty() { String::new() } else { format!("  / {filter}") };
    let paused = logs.top.map_or_else(String::new, |top| {
        let all = logs.shown(&model.filter()).len();
        format!("  (paused at line {} of {all}; End follows again)", top + 1)
    });
    let text = format!("Logs of {}{filter}{paused}", name(&logs.object, here));
    Line::styled(model.look.cut(&text, width), Look::strong())
}

fn nothing(model: &Model, logs: &Logs, width: usize) -> Vec<Line<'static>> {
    match &logs.over {
        Some(why) => marked(model, Mark::Careful, why, width),
        None if logs.lines.is_empty() => marked(model, Mark::Busy, "asking for the logs", width),
        None => marked(model, Mark::Idle, "no line holds all these words", width),
    }
}

/// From a line on, as many as fit.
fn down(model: &Model, shown: &[&Said], top: usize, (width, room): (usize, usize)) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let mut before = None;
    for said in shown.iter().skip(top) {
        lines.extend(said_lines(model, said, before, width));
        before = source(said).or(before);
        if lines.len() >= room {
            break;
        }
    }
    lines.truncate(room);
    lines
}

/// The last that fit, and why nothing more comes.
fn up(model: &Model, logs: &Logs, shown: &[&Said], (width, room): (usize, usize)) -> Vec<Line<'static>> {
    // A line takes at least one row.
    let first = shown.len().saturating_sub(room);
    let mut lines = down(model, shown, first, (width, usize::MAX));
    if !lines.is_empty() {
        lines.extend(logs.over.iter().flat_map(|why| marked(model, Mark::Careful, why, width)));
    }
    let hidden = lines.len().saturating_sub(room);
    lines.split_off(hidden)
}

fn source(said: &Said) -> Option<&Source> {
    match said {
        Said::Line { source, .. } => Some(source),
        Said::Note(_) => None,
    }
}

/// A line in as many rows as it takes; where another container begins to speak, which.
fn said_lines(model: &Model, said: &Said, before: Option<&Source>, width: usize) -> Vec<Line<'static>> {
    match said {
        Said::Note(text) => marked(model, Mark::Careful, text, width),
        Said::Line { source, text } => {
            let heading = (before != Some(source)).then(|| speaker(model, source, width));
            let rows = folded(text, width, model.look.unicode).into_iter().map(Line::raw);
            heading.into_iter().chain(rows).collect()
        }
    }
}

fn speaker(model: &Model, source: &Source, width: usize) -> Line<'static> {
    let Source { pod, container, previous } = source;
    let previous = if *previous { ", before its restart" } else { "" };
    let dash = if model.look.unicode { "──" } else { "--" };
    let text = model.look.cut(&format!("{dash} {pod} {container}{previous} "), width);
    let rest = model.look.rule(u16::try_from(width.saturating_sub(columns(&text))).unwrap_or(0));
    Line::from(Span::styled(format!("{text}{rest}"), model.look.key()))
}

/// The line broken where the screen ends: blanks in a log mean something. What the terminal cannot show is a `?`.
fn folded(text: &str, width: usize, unicode: bool) -> Vec<String> {
    let width = width.max(1);
    let (mut rows, mut row, mut taken) = (Vec::new(), String::new(), 0);
    for letter in seaworthy::object::printable(text).chars() {
        let letter = if unicode || letter.is_ascii() { letter } else { '?' };
        let wide = columns(letter.encode_utf8(&mut [0; 4]));
        if taken + wide > width && !row.is_empty() {
            rows.push(std::mem::take(&mut row));
            taken = 0;
        }
        row.push(letter);
        taken += wide;
    }
    rows.push(row);
    rows
}

/// How many lines of containers hold these words.
pub(super) fn found(logs: &Logs, filter: &str) -> usize {
    logs.shown(filter).into_iter().filter(|said| source(said).is_some()).count()
}
