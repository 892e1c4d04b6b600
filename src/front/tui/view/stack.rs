//! The stacks to choose from: what each is, what it needs and costs, and what has to be at hand.

use ratatui::style::Style;
use ratatui::text::Line;
use seaworthy::stack::Stack;

use super::{List, item, marked, prose};
use crate::front::look::{Look, Mark};
use crate::front::stack_text::{at_hand, costs};
use crate::front::tui::model::Model;

pub(super) fn list(model: &Model, width: usize) -> List {
    let Some(found) = &model.stacks.found else {
        return List { lines: marked(model, Mark::Busy, "reading the stacks", width), cursor: 0 };
    };
    let widest = found.iter().map(|stack| stack.name().len()).max().unwrap_or_default();
    let line = |(index, stack): (usize, &std::sync::Arc<Stack>)| {
        let definition = stack.definition();
        let text = format!("{:<widest$}  {:<8} {}", definition.name, definition.version, definition.title);
        item(model, width, index == model.stacks.cursor, &text, Style::new())
    };
    let mut lines: Vec<Line<'static>> = found.iter().enumerate().map(line).collect();
    for why in &model.stacks.broken {
        lines.extend(marked(model, Mark::Bad, why, width));
    }
    if lines.is_empty() {
        lines = marked(model, Mark::Bad, "there is no stack", width);
    }
    List { lines, cursor: model.stacks.cursor }
}

/// What has to be at hand comes first: on a small screen the rest is cut off.
pub(super) fn details(model: &Model, width: usize) -> Vec<Line<'static>> {
    let Some(stack) = model.stack() else { return Vec::new() };
    let definition = stack.definition();
    let mut lines = prose(&at_hand(stack), 0, width, Look::strong());
    for (name, profile) in &definition.profiles {
        lines.extend(prose(&costs(name, profile), 0, width, Style::new()));
    }
    lines.extend(prose(&definition.description, 0, width, Style::new()));
    let parts: Vec<&str> = definition.components.iter().map(|component| component.title.as_str()).collect();
    lines.extend(prose(&format!("Parts: {}", parts.join(", ")), 0, width, Style::new()));
    let kubernetes = definition.kubernetes.as_ref().map(|range| format!("Kubernetes {range}"));
    lines.extend(kubernetes.into_iter().flat_map(|text| prose(&text, 0, width, Look::faint())));
    lines
}
