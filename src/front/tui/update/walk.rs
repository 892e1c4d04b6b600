//! Symptoms of an installation, and the way through one: what their keys do.

use seaworthy::doctor::walk::Words;

use crate::front::tui::model::{Effect, Entry, Model, Screen, Tour};

/// To the symptoms of what the line of home is about.
pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    let Some(installation) = model.troubled() else {
        model.complain("the cursor is on no stack that has symptoms to go through, and on no finding of one");
        return Vec::new();
    };
    let of = Some((installation.stack.clone(), installation.namespace.clone()));
    let kind = match model.entry() {
        Some(Entry::Finding(finding, _)) => Some(finding.object.kind.clone()),
        _ => None,
    };
    let ticket = model.tour.ticket;
    model.tour = Tour { of, ticket, ..Tour::default() };
    model.screen = Screen::Walks;
    // Whoever comes from a finding most likely sees what is about such an object.
    let walks = model.walks();
    let near = walks.iter().find(|walked| walked.is_wrong() && Some(&walked.about.kind) == kind.as_ref());
    model.tour.chosen = near.or(walks.first()).map(|walked| walked.name.clone());
    Vec::new()
}

/// Into the walk-through that the cursor is on, or to the next of its steps.
pub(super) fn next(model: &mut Model) -> Vec<Effect> {
    let Some(walked) = model.walked() else { return Vec::new() };
    if model.screen == Screen::Walks {
        model.tour.chosen = Some(walked.name);
        model.tour.step = 0;
        model.screen = Screen::Walk;
        return listen(model);
    }
    if model.tour.step + 1 < walked.steps.len() {
        model.tour.step += 1;
    } else {
        model.tell("this was the last step; Esc goes back to the symptoms");
    }
    Vec::new()
}

/// Moves the cursor.
pub(super) fn scroll(model: &mut Model, by: isize) {
    let moved = |at: usize, length: usize| at.saturating_add_signed(by).min(length.saturating_sub(1));
    let walks = model.walks();
    let at = model.walk_cursor(&walks);
    if model.screen == Screen::Walks {
        model.tour.chosen = walks.get(moved(at, walks.len())).map(|walked| walked.name.clone());
        return;
    }
    let steps = walks.get(at).map_or(0, |walked| walked.steps.len());
    model.tour.step = moved(model.tour.step, steps);
}

/// Asks for the logs that the steps on the screen ask for, where that is due.
pub(super) fn listen(model: &mut Model) -> Vec<Effect> {
    let (Some(asks), Some(context)) = (model.unheard(), model.watch.context.clone()) else { return Vec::new() };
    let tour = &mut model.tour;
    tour.ticket += 1;
    (tour.asked, tour.awaited) = (Some(model.clock), true);
    vec![Effect::Words { ticket: tour.ticket, context, asks }]
}

/// Takes in what logs have said.
pub(super) fn hear(model: &mut Model, ticket: u64, words: Words) {
    if ticket == model.tour.ticket {
        // It counts from now on, however long it took.
        (model.tour.words, model.tour.awaited, model.tour.asked) = (words, false, Some(model.clock));
    }
}
