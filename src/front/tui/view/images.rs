//! Where the images come from.

use ratatui::style::Style;
use ratatui::text::Line;

use super::{List, item, marked, prose};
use crate::front::look::{Look, Mark};
use crate::front::origin::{Field, WAYS, Way, lines, question, unpublished};
use crate::front::tui::model::Model;

pub(super) fn list(model: &Model, width: usize) -> List {
    let Some(stack) = model.stack() else { return List { lines: Vec::new(), cursor: 0 } };
    let cursor = model.images.cursor;
    let line = |(index, text): (usize, String)| item(model, width, index == cursor, &text, Style::new());
    let head = Line::styled(question(stack), Look::strong());
    let lines = std::iter::once(head).chain(lines(stack).into_iter().enumerate().map(line)).collect();
    List { lines, cursor: cursor + 1 }
}

pub(super) fn details(model: &Model, width: usize) -> Vec<Line<'static>> {
    let (way, _, about) = WAYS[model.images.cursor.min(WAYS.len() - 1)];
    let why = model.stack().and_then(|stack| unpublished(stack)).filter(|_| way == Way::Open);
    let mut lines = why.map_or_else(Vec::new, |why| marked(model, Mark::Careful, &why, width));
    lines.extend(prose(about, 0, width, Style::new()));
    let given = way.fields().iter().map(|field| (field, said(model, *field))).filter(|(_, text)| !text.is_empty());
    lines.extend(
        given.flat_map(|(field, text)| prose(&format!("{} {text}", field.question()), 0, width, Look::faint())),
    );
    lines
}

/// What was answered; of a password only that it was.
fn said(model: &Model, field: Field) -> &str {
    let origin = &model.images.origin;
    if origin.is_kept(field) { "kept, and not shown" } else { origin.get(field) }
}
