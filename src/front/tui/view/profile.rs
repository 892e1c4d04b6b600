//! The profiles of a stack: side by side where there is room, below each other where not. What each comes to, what it outlives, and what it
//! needs beside what the cluster has.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use seaworthy::prepare::outline::{Outline, Pods, Volume};
use seaworthy::prepare::{Need, Room};
use seaworthy::stack::Stack;
use seaworthy::stack::definition::{Holds, Loss, Needs, Profile};

use super::{List, PROSE, draw_details, draw_list, item, marked, prose};
use crate::front::look::{Look, Mark, columns as wide};
use crate::front::paint::count;
use crate::front::stack_text::Fit;
use crate::front::tui::model::Model;

/// From this width on they stand side by side.
const BESIDE: u16 = 100;
/// Columns of what a row is about.
const ABOUT: usize = 17;
/// Lines that are left for the profile under the cursor, at least.
const BELOW: usize = 6;

/// A cell of the table.
type Cell = (Option<Mark>, String);

pub(super) fn draw(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let Some(stack) = model.stack() else { return };
    let beside = columns(model, (area.width, area.height));
    let all = stack.definition().profiles.len().min(usize::from(area.height) / 2);
    let length = beside.as_ref().map_or(all, Vec::len);
    let above = Constraint::Length(u16::try_from(length).unwrap_or(u16::MAX));
    let [above, below] = Layout::vertical([above, Constraint::Min(0)]).areas(area);
    let width = usize::from(below.width).min(PROSE);
    match beside {
        Some(beside) => frame.render_widget(Paragraph::new(beside), above),
        None => draw_list(model, frame, above, list(model, usize::from(above.width))),
    }
    draw_details(model, frame, below, details(model, width));
}

/// The profiles side by side; `None`: there is no room for it.
pub(super) fn columns(model: &Model, (width, height): (u16, u16)) -> Option<Vec<Line<'static>>> {
    let stack = model.stack().filter(|_| width >= BESIDE)?;
    let lines = table(model, stack, usize::from(width));
    (lines.len() + BELOW <= usize::from(height)).then_some(lines)
}

pub(super) fn list(model: &Model, width: usize) -> List {
    let Some(stack) = model.stack() else { return List { lines: Vec::new(), cursor: 0 } };
    let line = |(index, (name, profile)): (usize, (&String, &Profile))| {
        let verdict = verdict(model, index, &profile.needs).1;
        let verdict = if verdict.is_empty() { verdict } else { format!(" ({verdict})") };
        let text = format!("{name:<12} {}{verdict}", profile.title);
        item(model, width, index == model.profiles.cursor, &text, Style::new())
    };
    let lines = stack.definition().profiles.iter().enumerate().map(line).collect();
    List { lines, cursor: model.profiles.cursor }
}

/// Whether the cluster can carry it, as far as that is known.
fn verdict(model: &Model, index: usize, needs: &Needs) -> Cell {
    let Some(room) = model.profiles.offered() else { return (None, String::new()) };
    let fit = Fit::of(&beside(model, room, index, needs));
    (Some(if fit.is_enough() { Mark::Good } else { Mark::Bad }), fit.to_string())
}

fn beside(model: &Model, room: &Room, index: usize, needs: &Needs) -> Vec<Need> {
    room.beside(needs, &model.profiles.outline(index).shares)
}

/// All profiles in columns.
fn table(model: &Model, stack: &Stack, width: usize) -> Vec<Line<'static>> {
    let profiles: Vec<(&String, &Profile)> = stack.definition().profiles.iter().collect();
    let room = (width.saturating_sub(ABOUT) / profiles.len().max(1)).saturating_sub(2);
    let mut heads = vec![Span::raw(format!("{:ABOUT$}", ""))];
    for (index, (name, profile)) in profiles.iter().enumerate() {
        let here = index == model.profiles.cursor;
        let text = model.look.cut(&format!("{name}: {}", profile.title), room.saturating_sub(2));
        let pad = (room + 2).saturating_sub(wide(model.look.cursor(here)) + wide(&text));
        heads.push(Span::raw(model.look.cursor(here)));
        heads.push(Span::styled(text, if here { Look::chosen() } else { Look::strong() }));
        heads.push(Span::raw(" ".repeat(pad)));
    }
    let mut lines = vec![Line::from(heads)];
    for (about, cells) in rows(model, stack, &profiles) {
        let about = model.look.cut(&about, ABOUT - 2);
        let mut spans = vec![Span::styled(format!("{about:ABOUT$}"), Look::faint())];
        spans.extend(cells.into_iter().map(|cell| cell_span(model, cell, room)));
        lines.push(Line::from(spans));
    }
    lines
}

fn cell_span(model: &Model, (mark, text): Cell, room: usize) -> Span<'static> {
    let sign = mark.map_or("", |mark| model.look.mark(mark, model.clock));
    let text = model.look.cut(&format!("{sign:<2}{text}"), room);
    let pad = (room + 2).saturating_sub(wide(&text));
    let style = mark.filter(|mark| *mark != Mark::Good).map_or(Style::new(), |mark| model.look.style(mark));
    Span::styled(format!("{text}{:pad$}", ""), style)
}

/// Each row: what it is about, and a cell for each profile.
fn rows(model: &Model, stack: &Stack, profiles: &[(&String, &Profile)]) -> Vec<(String, Vec<Cell>)> {
    let each = |cell: &dyn Fn(usize, &Profile) -> Cell| -> Vec<Cell> {
        profiles.iter().enumerate().map(|(index, (_, profile))| cell(index, profile)).collect()
    };
    let mut rows = Vec::new();
    if model.profiles.offered().is_some() {
        rows.push(("this cluster".to_owned(), each(&|index, profile| verdict(model, index, &profile.needs))));
    }
    for loss in Loss::ALL {
        let cells = each(&|_, profile| match profile.survival(loss) {
            Some(survival) => (Some(holds(survival.holds)), survival.holds.name().to_owned()),
            None => (None, String::new()),
        });
        if cells.iter().any(|(mark, _)| mark.is_some()) {
            rows.push((format!("outlives {}", loss.name()), cells));
        }
    }
    for (component, title) in parts(stack) {
        let cells = each(&|index, _| (None, pods(model.profiles.outline(index), component)));
        if cells.iter().any(|(_, text)| !text.is_empty()) {
            rows.push((title.to_owned(), cells));
        }
    }
    rows.push(("volumes".to_owned(), each(&|index, _| (None, volumes(model.profiles.outline(index))))));
    rows.push(("nodes".to_owned(), each(&|_, profile| (None, profile.needs.nodes.to_string()))));
    let room = |needs: &Needs| match (needs.cpu.as_str(), needs.memory.as_str()) {
        ("", memory) => memory.to_owned(),
        (cpu, "") => cpu.to_owned(),
        (cpu, memory) => format!("{cpu} CPU, {memory} memory"),
    };
    rows.push(("room".to_owned(), each(&|_, profile| (None, room(&profile.needs)))));
    let first = |profile: &Profile| match profile.needs.prerequisites.as_slice() {
        [] => "nothing".to_owned(),
        names => names.join(", "),
    };
    rows.push(("prerequisites".to_owned(), each(&|_, profile| (None, first(profile)))));
    rows
}

/// The components with their titles; behind them what belongs to none.
fn parts(stack: &Stack) -> impl Iterator<Item = (Option<&str>, &str)> {
    let components = &stack.definition().components;
    let known = components.iter().map(|component| (Some(component.name.as_str()), component.title.as_str()));
    known.chain([(None, "beside them")])
}

/// How many pods a component has.
fn pods(outline: &Outline, component: Option<&str>) -> String {
    let said = outline.of_component(component).map(|workload| match workload.pods {
        Pods::Count(pods) => count(usize::try_from(pods).unwrap_or(usize::MAX), "pod"),
        Pods::Between(least, most) => format!("{least} to {most} pods"),
        Pods::EachNode => "a pod on each node".to_owned(),
        Pods::Job => "a job".to_owned(),
    });
    said.collect::<Vec<_>>().join(", ")
}

fn volumes(outline: &Outline) -> String {
    if outline.volumes.is_empty() {
        return "none".to_owned();
    }
    outline.volumes.iter().map(volume).collect::<Vec<_>>().join(", ")
}

fn volume(volume: &Volume) -> String {
    let copies = match volume.copies {
        None => "on each node ".to_owned(),
        Some(1) => String::new(),
        Some(copies) => format!("{copies} x "),
    };
    let class = volume.class.as_ref().map_or_else(String::new, |class| format!(" of class {class}"));
    let shared = if volume.shared { " shared" } else { "" };
    format!("{copies}{}{shared}{class}", volume.size)
}

fn holds(holds: Holds) -> Mark {
    match holds {
        Holds::Yes => Mark::Good,
        Holds::Partly => Mark::Careful,
        Holds::No => Mark::Bad,
    }
}

/// What is to be said of the profile under the cursor. What is missing comes first: on a small screen the rest is cut off.
pub(super) fn details(model: &Model, width: usize) -> Vec<Line<'static>> {
    let is_beside = super::has_columns(model);
    let at = model.profiles.cursor;
    let Some(stack) = model.stack() else { return Vec::new() };
    let Some(profile) = stack.definition().profiles.values().nth(at) else { return Vec::new() };
    let mut lines = Vec::new();
    let needs = model.profiles.offered().map(|room| beside(model, room, at, &profile.needs)).unwrap_or_default();
    let (missing, met): (Vec<Need>, Vec<Need>) = needs.into_iter().partition(|need| need.met == Some(false));
    let (added, missing): (Vec<Need>, Vec<Need>) = missing.into_iter().partition(|need| need.can_be_added);
    let missing = || missing.iter().chain(&added);
    lines.extend(missing().flat_map(|need| need_lines(model, need, width)));
    match &model.profiles.room {
        Some((context, Some(Err(why)))) => {
            let text = format!("what {context} offers is not known: {why}; r asks again");
            lines.extend(marked(model, Mark::Careful, &text, width));
        }
        Some((context, None)) => {
            lines.extend(marked(model, Mark::Busy, &format!("asking {context} what it offers"), width));
        }
        _ => {}
    }
    if is_beside {
        lines.extend(prose(&profile.description, 0, width, Style::new()));
    }
    for survival in &profile.survives {
        let text = format!("loss of {}: {}", survival.loss.name(), survival.what);
        lines.extend(marked(model, holds(survival.holds), &text, width));
    }
    let outline = model.profiles.outline(at);
    if is_beside && outline.volumes.len() > 1 {
        // A column has no room for several.
        lines.extend(prose(&format!("Volumes: {}", volumes(outline)), 0, width, Style::new()));
    }
    if !is_beside {
        let parts = parts(stack).map(|(component, title)| (title, pods(outline, component)));
        let parts: Vec<String> =
            parts.filter(|(_, pods)| !pods.is_empty()).map(|(title, pods)| format!("{title} {pods}")).collect();
        lines.extend(prose(&format!("{}; volumes: {}", parts.join(", "), volumes(outline)), 0, width, Style::new()));
    }
    lines.extend(met.iter().flat_map(|need| need_lines(model, need, width)));
    if !is_beside {
        lines.extend(prose(&profile.description, 0, width, Look::faint()));
    }
    lines
}

fn need_lines(model: &Model, need: &Need, width: usize) -> Vec<Line<'static>> {
    let (mark, more) = match need.met {
        Some(true) => (Mark::Good, ""),
        Some(false) if need.can_be_added => (Mark::Idle, "; offered at the next step"),
        Some(false) => (Mark::Bad, ""),
        None => (Mark::Idle, ""),
    };
    let text = match need.needed.as_str() {
        "" => format!("{}: needed; {}{more}", need.what, need.there),
        needed => format!("{}: needs {needed}, there: {}{more}", need.what, need.there),
    };
    marked(model, mark, &text, width)
}
