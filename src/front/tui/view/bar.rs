//! The bottom line: the keys that count here, as many as fit.

use ratatui::text::{Line, Span};

use super::{recovery, review};
use crate::front::look::columns;
use crate::front::tui::keys::{self, Action, Binding, Place};
use crate::front::tui::model::{Board, Entry, Footing, LossSpot, Model, Passage, Popup, Screen, Sheet, Spot};

/// What is always shown, and last: how to leave, in this order.
fn is_needed(row: &Binding) -> bool {
    matches!(row.action, Action::Back | Action::Drop | Action::No | Action::Help | Action::Quit | Action::Interrupt)
}

pub(super) fn line(model: &Model, width: u16) -> Line<'static> {
    let rows = keys::at(model.place()).filter(|row| !row.short.is_empty() && matters(model, row));
    let (last, first): (Vec<&Binding>, Vec<&Binding>) = rows.partition(|row| is_needed(row));
    let shown = |row: &Binding| (row.keys[0].name(model.look.unicode), label(model, row).to_owned());
    let size = |(key, short): &(String, String)| columns(key) + columns(short) + 3;
    let last: Vec<_> = last.into_iter().map(shown).collect();
    let mut room = usize::from(width).saturating_sub(last.iter().map(size).sum());
    // What matters most stands first.
    let labels = first.into_iter().map(shown).take_while(|label| {
        let left = room.checked_sub(size(label));
        room = left.unwrap_or_default();
        left.is_some()
    });
    let mut spans = Vec::new();
    for (key, short) in labels.chain(last) {
        spans.push(Span::styled(key, model.look.key()));
        spans.push(Span::raw(format!(" {short}  ")));
    }
    Line::from(spans)
}

/// What a key does now, where that is not what it does most of the time.
fn label(model: &Model, row: &Binding) -> &'static str {
    match (model.place(), row.action) {
        (Place::Ended, Action::Next) if model.is_recovering() && model.recovery.report.is_some() => "report",
        (Place::Ended, Action::Next) if !model.is_done() => "plan again",
        (Place::Losses, Action::Next) if matches!(model.recovery.spot(), Some(LossSpot::Loss(_))) => "playbooks",
        (Place::Losses, Action::Next) => "plan",
        (Place::Home, Action::Next) => match model.entry() {
            Some(Entry::Run(_)) => "resume",
            Some(Entry::Stack(_)) => "status",
            Some(Entry::Prerequisite(_)) => "list",
            _ => row.short,
        },
        (_, Action::Change) if is_going_on(model) => "go on",
        (Place::Prompt, Action::Drop) if model.filters() && matches!(model.popup, Some(Popup::Filter { .. })) => {
            "show all"
        }
        (Place::Prerequisites, Action::Adopt) if model.groundwork.row().is_some_and(|row| row.adopted) => "leave it",
        _ => row.short,
    }
}

/// Whether the cursor is on the line that leads to the next step.
fn is_going_on(model: &Model) -> bool {
    match model.screen {
        Screen::Prerequisites => model.groundwork.line() == Footing::GoOn,
        Screen::Settings => model.sheet().and_then(Sheet::spot) == Some(Spot::GoOn),
        _ => false,
    }
}

/// Whether there is a plan of a recovery of which this holds.
fn has_passage(model: &Model, holds: impl Fn(&Passage) -> bool) -> bool {
    model.recovery.passage().is_some_and(holds)
}

/// Whether a key could do anything now.
fn matters(model: &Model, row: &Binding) -> bool {
    let conflicts = || model.review.made().is_some_and(|made| made.plan.conflicts().next().is_some());
    match row.action {
        Action::Conflicts => conflicts() || model.review.conflicts.is_some(),
        Action::Adopt if model.screen == Screen::Prerequisites => {
            model.groundwork.row().is_some_and(|row| row.adoption.is_some())
        }
        Action::Note => model.is_recovering(),
        Action::Answer => model.recovery.put_off.is_some(),
        Action::Settings => has_passage(model, |passage| !passage.settings.is_empty()),
        Action::Copies => has_passage(model, |passage| passage.copies),
        Action::Next if model.screen == Screen::Losses => model.recovery.spot().is_some(),
        Action::Next if model.screen == Screen::Recovery => has_passage(model, |_| !model.wish.read_only),
        Action::Replan if model.screen == Screen::Recovery => {
            recovery::is_other_run(model) || model.recovery.wanted.as_ref().is_some_and(|wanted| wanted.replan)
        }
        Action::Adopt => conflicts() || model.review.adopt,
        Action::Images => model.review.made().is_some_and(review::has_images),
        Action::Replan => model.review.replan || review::is_other_run(model),
        Action::Next if model.screen == Screen::Review => {
            model.review.made().is_some_and(|made| made.objection().is_none()) && !model.wish.dry_run
        }
        Action::Next if is_going_on(model) => false,
        Action::Next if model.screen == Screen::Home => model.entry().is_some(),
        Action::Next if model.screen == Screen::Reach => model.ways.can_be_opened(),
        Action::Copy => model.copied().is_some(),
        Action::Logs => model.board.as_ref().and_then(Board::logged).is_some(),
        Action::Create => model.wish.sandbox.is_none(),
        Action::Back => model.screen != Screen::Cluster || model.popup.is_some(),
        Action::Fix => matches!(model.entry(), Some(Entry::Finding(finding, _)) if finding.remedy.is_some()),
        Action::Troubleshoot => model.troubled().is_some(),
        Action::Next if model.screen == Screen::Walks => model.walked().is_some(),
        Action::OpenStack => matches!(model.entry(), Some(Entry::Stack(_))),
        Action::Undo => model.sheet().and_then(|sheet| Some(sheet.form.is_typed(sheet.setting()?))) == Some(true),
        _ => true,
    }
}
