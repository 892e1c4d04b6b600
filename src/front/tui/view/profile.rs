//! The profiles of a stack, and what each needs beside what the cluster has.

use ratatui::style::Style;
use ratatui::text::Line;
use seaworthy::prepare::{Need, Room};

use super::{List, item, marked, prose};
use crate::front::tui::look::Mark;
use crate::front::tui::model::Model;

pub(super) fn list(model: &Model, width: usize) -> List {
    let Some(stack) = model.stack() else { return List { lines: Vec::new(), cursor: 0 } };
    let line = |(index, (name, profile)): (usize, (&String, &seaworthy::stack::definition::Profile))| {
        let text = format!("{name:<12} {}{}", profile.title, verdict(model, &profile.needs));
        item(model, width, index == model.profiles.cursor, &text, Style::new())
    };
    let lines = stack.definition().profiles.iter().enumerate().map(line).collect();
    List { lines, cursor: model.profiles.cursor }
}

fn room(model: &Model) -> Option<&Room> {
    match &model.profiles.room {
        Some((_, Some(Ok(room)))) => Some(room),
        _ => None,
    }
}

/// Whether the cluster can carry it, as far as that is known.
fn verdict(model: &Model, needs: &seaworthy::stack::definition::Needs) -> String {
    let Some(room) = room(model) else { return String::new() };
    let missing: Vec<String> =
        room.beside(needs).into_iter().filter(|need| need.met == Some(false)).map(|need| need.what).collect();
    if missing.is_empty() { " (fits)".to_owned() } else { format!(" (too little: {})", missing.join(", ")) }
}

pub(super) fn details(model: &Model, width: usize) -> Vec<Line<'static>> {
    let Some(stack) = model.stack() else { return Vec::new() };
    let Some(profile) = stack.definition().profiles.values().nth(model.profiles.cursor) else { return Vec::new() };
    let mut lines = prose(&profile.description, 0, width, Style::new());
    match &model.profiles.room {
        Some((_, Some(Ok(room)))) => {
            lines.extend(room.beside(&profile.needs).iter().flat_map(|need| need_lines(model, need, width)));
        }
        Some((context, Some(Err(why)))) => {
            let text = format!("what {context} offers is not known: {why}; r asks again");
            lines.extend(marked(model, Mark::Careful, &text, width));
        }
        Some((context, None)) => {
            lines.extend(marked(model, Mark::Busy, &format!("asking {context} what it offers"), width));
        }
        None => {}
    }
    lines
}

fn need_lines(model: &Model, need: &Need, width: usize) -> Vec<Line<'static>> {
    let mark = match need.met {
        Some(true) => Mark::Good,
        Some(false) => Mark::Bad,
        None => Mark::Idle,
    };
    marked(model, mark, &format!("{}: needs {}, there: {}", need.what, need.needed, need.there), width)
}
