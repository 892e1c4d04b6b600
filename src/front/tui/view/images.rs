//! Where the images come from.

use ratatui::style::Style;
use ratatui::text::Line;

use super::{List, item, prose};
use crate::front::origin::{Field, WAYS};
use crate::front::tui::look::Look;
use crate::front::tui::model::Model;

pub(super) fn list(model: &Model, width: usize) -> List {
    let cursor = model.images.cursor;
    let line =
        |(index, (_, text, _)): (usize, &(_, &str, &str))| item(model, width, index == cursor, text, Style::new());
    let head = Line::styled("Where do its images come from?", Look::strong());
    let lines = std::iter::once(head).chain(WAYS.iter().enumerate().map(line)).collect();
    List { lines, cursor: cursor + 1 }
}

pub(super) fn details(model: &Model, width: usize) -> Vec<Line<'static>> {
    let (way, _, about) = WAYS[model.images.cursor.min(WAYS.len() - 1)];
    let mut lines = prose(about, 0, width, Style::new());
    let shown = way.fields().iter().filter(|field| **field != Field::Password);
    let given = shown.map(|field| (field, model.images.origin.get(*field))).filter(|(_, text)| !text.is_empty());
    lines.extend(
        given.flat_map(|(field, text)| prose(&format!("{} {text}", field.question()), 0, width, Look::faint())),
    );
    lines
}
