//! Answers to what was asked of others.

use std::process::ExitCode;

use seaworthy::event::Ended;
use seaworthy::stack::Stack;

use super::was_stopped;
use crate::front::tui::model::{Draft, Effect, Exit, Message, Model, Notice, Popup, Screen};

/// Takes an answer in.
pub(super) fn take(model: &mut Model, message: Message) -> Vec<Effect> {
    match message {
        Message::Host(event) => model.clusters.add(event),
        Message::Yards(yards) => {
            let before = model.clusters.line();
            model.clusters.yards = Some(yards);
            // What was below comes to stand lower.
            if let Some(at) = before.and_then(|line| model.clusters.lines().iter().position(|known| *known == line)) {
                model.clusters.cursor = at;
                model.clusters.settle();
            }
        }
        Message::Sandbox { kind, used } => model.clusters.visited(kind, used),
        Message::Looked => {
            model.clusters.done = true;
            model.clusters.settle();
        }
        Message::Stacks { found, broken } => {
            let wanted = model.stacks.wanted.take();
            let at = wanted.and_then(|wanted| found.iter().position(|stack| stack.name() == wanted));
            model.stacks.cursor = at.unwrap_or(model.stacks.cursor);
            model.stacks.found = Some(found);
            model.stacks.broken = broken;
        }
        Message::Home { context, home } => {
            super::home::take(model, &context, home);
            return super::walk::listen(model);
        }
        Message::Words { ticket, words } => super::walk::hear(model, ticket, words),
        Message::Surveyed { context, room } => {
            if let Some((asked, answer)) = &mut model.profiles.room
                && *asked == context
            {
                *answer = Some(room);
            }
        }
        Message::Grounded { context, ground } => {
            if let Some((asked, answer)) = &mut model.groundwork.ground
                && *asked == context
            {
                *answer = Some(ground);
                super::groundwork::judge(model);
            }
        }
        Message::Planned { ticket, made } if ticket == model.review.ticket => {
            (model.review.scroll, model.review.seen) = (0, 0);
            model.review.draft = match made {
                Ok(made) => Draft::Made(made),
                Err(failure) => Draft::Refused(failure),
            };
        }
        Message::Event(event) => {
            let time = model.time;
            if let Some(board) = &mut model.board {
                board.add(*event, time);
            }
        }
        Message::Said { line, good } => {
            if let Some(board) = &mut model.board {
                board.notices.push(Notice { text: line, good });
            }
        }
        Message::Asked { question, word } => super::recovery::asked(model, question, word),
        Message::Logs { ticket, said } => super::logs::take(model, ticket, said),
        Message::LogsOver { ticket, why } => super::logs::over(model, ticket, why),
        Message::Opened(answer) => {
            if let Some((_, open)) = &mut model.ways.open {
                *open = Some(answer);
            }
        }
        Message::Looking { .. }
        | Message::Sighted { .. }
        | Message::Charted { .. }
        | Message::Held(_)
        | Message::Noted { .. }
        | Message::Reported(_) => return super::recovery::take(model, message),
        Message::Ended(result) => return ended(model, result.map_err(|failure| *failure)),
        Message::Saved(answer) => saved(model, answer),
        Message::Loaded(answer) => loaded(model, answer),
        // An answer to what nobody waits for any more, and what `update` has taken already.
        _ => {}
    }
    Vec::new()
}

fn ended(model: &mut Model, result: Result<ExitCode, crate::front::failure::Failure>) -> Vec<Effect> {
    let time = model.time;
    if let Some(board) = &mut model.board {
        board.ended = true;
        board.over.get_or_insert(time);
    }
    // What is being typed for the report is not of the run.
    if !matches!(model.popup, Some(Popup::Note { .. })) {
        model.popup = None;
    }
    model.last = Some(result);
    if was_stopped(model) {
        return vec![Effect::Quit(Exit::Ended)];
    }
    let has_failed = model.board.as_ref().and_then(|board| board.outcome.as_ref());
    let has_failed = has_failed.is_some_and(|outcome| outcome.ended == Ended::Failed);
    if has_failed {
        model.complain("the run has failed; what was done stays, and Enter plans what is left");
    }
    if model.is_recovering() {
        return super::recovery::ended(model);
    }
    if model.is_done() {
        model.tell(if model.is_preparing() {
            "what the stack needs is there; Enter goes on to the installation"
        } else if model.is_loading() {
            "the images are in the nodes; Enter goes on to the installation"
        } else {
            "all is done; Enter shows the way in"
        });
    }
    Vec::new()
}

fn saved(model: &mut Model, answer: Result<seaworthy::stack::Text, String>) {
    match answer {
        Ok(file) => {
            let name = file.name.clone();
            if let Some(sheet) = model.sheet_mut() {
                sheet.form.saved(file);
            }
            model.tell(format!("saved as {name}; secrets are not in it"));
        }
        Err(why) => model.complain(why),
    }
}

fn loaded(model: &mut Model, answer: Result<seaworthy::stack::Text, String>) {
    match answer {
        Ok(file) => {
            let name = file.name.clone();
            if let Some(sheet) = model.sheet_mut() {
                sheet.form.loaded(file);
            }
            model.tell(format!("values of {name} taken"));
        }
        Err(why) => model.complain(why),
    }
}

/// The name under which the values of a stack are saved, unless another one is given.
pub(super) fn values_file(stack: &Stack) -> String {
    format!("{}-values.yaml", stack.name())
}

/// Whether a screen can be gone back from while something is under way there.
pub(super) fn is_left_alone(model: &Model) -> bool {
    model.screen == Screen::Run && model.is_running()
}
