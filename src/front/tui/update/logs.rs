//! Logs: opened, scrolled, filtered and closed.

use seaworthy::logs::Said;

use crate::front::tui::model::{Board, Effect, Logs, Model};
use crate::front::tui::view;

/// Opens the logs of what the cursor is on.
pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    let Some(object) = model.board.as_ref().and_then(Board::logged).cloned() else {
        model.complain("no pods belong to this line, and so no logs");
        return Vec::new();
    };
    model.asked_logs += 1;
    model.logs = Some(Logs::new(model.asked_logs, object.clone()));
    vec![Effect::Logs { ticket: model.asked_logs, object }]
}

pub(super) fn close(model: &mut Model) -> Vec<Effect> {
    model.logs = None;
    vec![Effect::NoLogs]
}

pub(super) fn take(model: &mut Model, ticket: u64, said: Vec<Said>) {
    if let Some(logs) = model.logs.as_mut().filter(|logs| logs.ticket == ticket) {
        logs.add(said);
    }
}

pub(super) fn over(model: &mut Model, ticket: u64, why: String) {
    if let Some(logs) = model.logs.as_mut().filter(|logs| logs.ticket == ticket) {
        logs.over = Some(why);
    }
}

pub(super) fn scroll(model: &mut Model, by: isize) {
    let page = view::body_height(model.size).saturating_sub(1).max(1);
    if let Some(logs) = &mut model.logs {
        logs.scroll(by, page);
    }
}

pub(super) fn filter(model: &mut Model, text: String) {
    if let Some(logs) = &mut model.logs {
        (logs.filter, logs.top) = (text, None);
    }
}
