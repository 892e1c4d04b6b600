//! The profiles of a stack, and what each needs beside what the cluster has.

use ratatui::style::Style;
use ratatui::text::Line;
use seaworthy::prepare::sharing::Shares;
use seaworthy::prepare::{Need, Room};
use seaworthy::stack::definition::Needs;

use super::{List, item, marked, prose};
use crate::front::tui::look::Mark;
use crate::front::tui::model::Model;

pub(super) fn list(model: &Model, width: usize) -> List {
    let Some(stack) = model.stack() else { return List { lines: Vec::new(), cursor: 0 } };
    let line = |(index, (name, profile)): (usize, (&String, &seaworthy::stack::definition::Profile))| {
        let text = format!("{name:<12} {}{}", profile.title, verdict(model, index, &profile.needs));
        item(model, width, index == model.profiles.cursor, &text, Style::new())
    };
    let lines = stack.definition().profiles.iter().enumerate().map(line).collect();
    List { lines, cursor: model.profiles.cursor }
}

/// Whether the cluster can carry it, as far as that is known.
fn verdict(model: &Model, index: usize, needs: &Needs) -> String {
    let Some(room) = model.profiles.offered() else { return String::new() };
    let missing: Vec<String> = beside(model, room, index, needs)
        .into_iter()
        .filter(|need| need.met == Some(false))
        .map(|need| need.what)
        .collect();
    if missing.is_empty() { " (fits)".to_owned() } else { format!(" (too little: {})", missing.join(", ")) }
}

fn beside(model: &Model, room: &Room, index: usize, needs: &Needs) -> Vec<Need> {
    room.beside(needs, model.profiles.shares.get(index).unwrap_or(&Shares::default()))
}

pub(super) fn details(model: &Model, width: usize) -> Vec<Line<'static>> {
    let Some(stack) = model.stack() else { return Vec::new() };
    let Some(profile) = stack.definition().profiles.values().nth(model.profiles.cursor) else { return Vec::new() };
    let about = prose(&profile.description, 0, width, Style::new());
    let asked = match &model.profiles.room {
        Some((_, Some(Ok(room)))) => return judged(model, room, &profile.needs, (about, width)),
        Some((context, Some(Err(why)))) => {
            let text = format!("what {context} offers is not known: {why}; r asks again");
            marked(model, Mark::Careful, &text, width)
        }
        Some((context, None)) => marked(model, Mark::Busy, &format!("asking {context} what it offers"), width),
        None => Vec::new(),
    };
    about.into_iter().chain(asked).collect()
}

/// What is missing first: on a small screen the rest is cut off.
fn judged(
    model: &Model,
    room: &Room,
    needs: &Needs,
    (about, width): (Vec<Line<'static>>, usize),
) -> Vec<Line<'static>> {
    let needs = beside(model, room, model.profiles.cursor, needs);
    let (missing, rest): (Vec<Need>, Vec<Need>) = needs.into_iter().partition(|need| need.met == Some(false));
    let lines = |needs: Vec<Need>| needs.into_iter().flat_map(|need| need_lines(model, &need, width));
    lines(missing).chain(about).chain(lines(rest)).collect()
}

fn need_lines(model: &Model, need: &Need, width: usize) -> Vec<Line<'static>> {
    let mark = match need.met {
        Some(true) => Mark::Good,
        Some(false) => Mark::Bad,
        None => Mark::Idle,
    };
    marked(model, mark, &format!("{}: needs {}, there: {}", need.what, need.needed, need.there), width)
}
