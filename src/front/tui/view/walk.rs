//! The symptoms of an installation, and the way through one: its steps, and what is to be said of the one under the cursor.

use ratatui::style::Style;
use ratatui::text::Line;
use seaworthy::doctor::walk::{Walked, WalkedStep};

use super::{List, item, marked, prose};
use crate::front::look::{Look, Mark};
use crate::front::tui::model::{Model, Screen};
use crate::front::walk_text::{mark, mark_of, parts, verdict};

/// Which installation it is.
pub(super) fn about(model: &Model) -> String {
    model.tour.of.as_ref().map_or_else(String::new, |(stack, namespace)| format!("{stack} in {namespace}"))
}

/// The question, or the symptom that is gone through with what it came to.
pub(super) fn headline(model: &Model, width: usize) -> Vec<Line<'static>> {
    let walked = model.walked().filter(|_| model.screen == Screen::Walk);
    let lines = if let Some(walked) = walked {
        marked(model, mark_of(&walked), &format!("{}: {}", walked.symptom, verdict(&walked)), width)
    } else {
        let marks = [Mark::Bad, Mark::Good, Mark::Idle, Mark::Skipped].map(|mark| model.look.mark(mark, 0));
        let [bad, good, idle, skipped] = marks;
        let text = format!(
            "What do you see? {bad} shows now, {good} does not, {idle} cannot be told in full, {skipped} is not in use."
        );
        prose(&text, 0, width, Style::new())
    };
    lines.into_iter().map(|line| line.patch_style(Look::strong())).collect()
}

/// The symptoms.
pub(super) fn symptoms(model: &Model, width: usize) -> List {
    let walks = model.walks();
    let cursor = model.walk_cursor(&walks);
    let line =
        |(index, walked): (usize, &Walked)| row(model, width, index == cursor, (mark_of(walked), &walked.symptom));
    let lines = walks.iter().enumerate().map(line).collect();
    List { lines: or_word(model, lines, width), cursor }
}

/// The steps.
pub(super) fn steps(model: &Model, width: usize) -> List {
    let steps = model.walked().map(|walked| walked.steps).unwrap_or_default();
    let line = |(index, step): (usize, &WalkedStep)| {
        let text = format!("{}. {}", index + 1, step.title);
        row(model, width, index == model.tour.step, (mark_now(model, step), &text))
    };
    let lines = steps.iter().enumerate().map(line).collect();
    List { lines: or_word(model, lines, width), cursor: model.tour.step }
}

/// A step of which logs are still to be read is under way.
fn mark_now(model: &Model, step: &WalkedStep) -> Mark {
    let is_open = model.tour.awaited && step.asks.iter().any(|ask| !model.tour.words.has(ask));
    if is_open { Mark::Busy } else { mark(&step.state) }
}

fn row(model: &Model, width: usize, here: bool, (mark, text): (Mark, &str)) -> Line<'static> {
    let style = if mark == Mark::Good { Style::new() } else { model.look.style(mark) };
    item(model, width, here, &format!("{} {text}", model.look.mark(mark, model.clock)), style)
}

fn or_word(model: &Model, lines: Vec<Line<'static>>, width: usize) -> Vec<Line<'static>> {
    if !lines.is_empty() {
        return lines;
    }
    let word = if model.watch.known().is_none() { "connecting" } else { "it is not installed any more" };
    marked(model, Mark::Idle, word, width)
}

/// What the symptom under the cursor came to.
pub(super) fn about_symptom(model: &Model, width: usize) -> Vec<Line<'static>> {
    let Some(walked) = model.walked() else { return Vec::new() };
    let mut lines = marked(model, mark_of(&walked), &verdict(&walked), width);
    if let Some(step) = walked.names() {
        lines.extend(step.seen.iter().flat_map(|seen| prose(seen, 2, width, Style::new())));
        lines.extend(said(model, "do:", &step.otherwise, width));
    }
    lines.extend(prose(&format!("{}, about {}", walked.name, walked.about), 2, width, Look::faint()));
    let command = format!("seaworthy doctor {} -n {} --walk {}", walked.stack, walked.namespace, walked.name);
    lines.extend(prose(&model.placed(&command), 2, width, Look::faint()));
    lines
}

/// What is to be said of the step under the cursor.
pub(super) fn about_step(model: &Model, width: usize) -> Vec<Line<'static>> {
    let Some(walked) = model.walked() else { return Vec::new() };
    let Some(step) = walked.steps.get(model.tour.step) else { return Vec::new() };
    let mark = mark_now(model, step);
    let mut lines = marked(model, mark, &format!("{}. {}", model.tour.step + 1, step.title), width);
    if walked.cause == Some(model.tour.step) {
        lines.extend(prose("this is most likely the cause", 2, width, Look::strong()));
    }
    let context = model.watch.context.as_deref().filter(|_| model.wish.sandbox.is_none());
    for (label, text) in parts(step, context) {
        let text = if mark == Mark::Busy && label == "unknown:" { "its log is being read".to_owned() } else { text };
        lines.extend(said(model, label, &text, width));
    }
    lines
}

/// A line with its label; what goes on below stands below the text.
fn said(model: &Model, label: &str, text: &str, width: usize) -> Vec<Line<'static>> {
    let style = if label == "means:" { Look::faint() } else { Style::new() };
    prose(&model.placed(&format!("{label} {text}")), 2, width, style)
}
