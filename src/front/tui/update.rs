//! What follows from what happened: the only code that changes the model. It does nothing else: what is to be done comes
//! back as effects.

mod answers;
mod choose;
mod clusters;
mod copy;
mod find;
mod groundwork;
mod home;
mod logs;
mod press;
mod recovery;
mod settings;
mod walk;

use crossterm::event::KeyEvent;
use seaworthy::event::Ended;

use super::keys::{Place, action};
use super::model::{Effect, Exit, Message, Model, Popup, Screen};

/// What the full screen begins with; after a command that it made room for it goes on as it was.
pub(crate) fn begin(model: &mut Model) -> Vec<Effect> {
    if model.aside.take().is_none() {
        return [Effect::Look, Effect::Stacks].into_iter().chain(clusters::ask(model)).collect();
    }
    model.was_aside = true;
    let missed = std::mem::take(&mut model.missed);
    let mut effects: Vec<Effect> = missed.into_iter().flat_map(|message| update(model, message)).collect();
    effects.extend(match model.clusters.made.take() {
        Some((context, _)) => {
            model.clusters.welcome(context);
            std::iter::once(Effect::Look).chain(clusters::ask(model)).collect()
        }
        None => Vec::new(),
    });
    effects
}

/// Takes a message in.
pub(crate) fn update(model: &mut Model, message: Message) -> Vec<Effect> {
    match message {
        Message::Key(key) => press_key(model, key),
        Message::Paste(text) => {
            paste(model, &text);
            Vec::new()
        }
        Message::Resize(columns, lines) => {
            model.size = (columns, lines);
            Vec::new()
        }
        Message::Tick { clock, time } => {
            (model.clock, model.time) = (clock, time);
            Vec::new()
        }
        Message::Signal(code) => end(model, code),
        Message::Stopped => vec![Effect::Sleep],
        Message::Continued => vec![Effect::Retake],
        answer => answers::take(model, answer),
    }
}

fn press_key(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    let place = model.place();
    match action(place, key) {
        Some(action) => {
            model.note = None;
            press::act(model, action)
        }
        None if matches!(place, Place::Edit | Place::Prompt) => {
            type_key(model, key);
            Vec::new()
        }
        None => Vec::new(),
    }
}

fn type_key(model: &mut Model, key: KeyEvent) {
    match model.popup.as_mut().and_then(Popup::line) {
        Some(line) => line.press(key),
        None => settings::type_into(model, |line| line.press(key)),
    }
}

fn paste(model: &mut Model, text: &str) {
    match (&mut model.popup, model.screen) {
        (Some(popup), _) => {
            if let Some(line) = popup.line() {
                line.insert(text.trim_end_matches(['\r', '\n']));
            }
        }
        (None, Screen::Settings) => settings::paste(model, text),
        (None, _) => {}
    }
}

/// Ctrl-C or a signal: a run stops at a safe point, and at once the second time; without one there is nothing to stop.
fn end(model: &mut Model, code: u8) -> Vec<Effect> {
    if let Some(board) = model.board.as_mut().filter(|board| !board.ended) {
        board.stopping = true;
        if let Some(Popup::Note { line }) = model.popup.take() {
            model.recovery.note = line;
        }
        model.tell("stopping after what is under way; once more to stop at once");
        return vec![Effect::Stop(code)];
    }
    vec![Effect::Quit(if model.last.is_some() { Exit::Ended } else { Exit::Interrupted(code) })]
}

/// Whether the run ended because somebody asked for it: then nobody wants to stay.
fn was_stopped(model: &Model) -> bool {
    let board = model.board.as_ref();
    board.is_some_and(|board| {
        board.stopping && board.outcome.as_ref().is_none_or(|outcome| outcome.ended == Ended::Interrupted)
    })
}

#[cfg(test)]
mod tests;
