//! The ways in, once the stack is installed.

use ratatui::style::Style;
use ratatui::text::Line;

use super::{List, item, marked, prose};
use crate::front::look::{Look, Mark};
use crate::front::tui::model::Model;

pub(super) fn list(model: &Model, width: usize) -> List {
    let line = |(index, way): (usize, &seaworthy::plan::Reach)| {
        let open = match &model.ways.open {
            Some((open, Some(Ok(url)))) if *open == index => format!("  open at {url}{}", way.path),
            Some((open, None)) if *open == index => "  is being opened".to_owned(),
            _ => String::new(),
        };
        item(model, width, index == model.ways.cursor, &format!("{:<10} {}{open}", way.name, way.title), Style::new())
    };
    let mut lines: Vec<Line<'static>> = model.ways.all.iter().enumerate().map(line).collect();
    if lines.is_empty() {
        lines = marked(model, Mark::Idle, "this stack says nothing of how it is reached", width);
    }
    List { lines, cursor: model.ways.cursor }
}

pub(super) fn details(model: &Model, width: usize) -> Vec<Line<'static>> {
    let Some(way) = model.ways.all.get(model.ways.cursor) else { return Vec::new() };
    let mut lines = Vec::new();
    match &model.ways.open {
        Some((open, Some(Ok(url)))) if *open == model.ways.cursor => {
            lines.extend(marked(model, Mark::Good, &format!("{}: {url}{}", way.title, way.path), width));
            lines.extend(prose("It stays open as long as this screen does.", 2, width, Style::new()));
        }
        Some((open, Some(Err(why)))) if *open == model.ways.cursor => {
            lines.extend(marked(model, Mark::Bad, why, width));
        }
        Some((open, None)) if *open == model.ways.cursor => {
            lines.extend(marked(model, Mark::Busy, "opening", width));
        }
        _ => lines.extend(prose("Enter opens it.", 0, width, Style::new())),
    }
    lines.extend(prose("Any time later, from a shell:", 0, width, Look::strong()));
    lines.extend(model.way_in().iter().flat_map(|command| prose(command, 2, width, Style::new())));
    lines
}
