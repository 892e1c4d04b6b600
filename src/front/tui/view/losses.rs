//! What is lost: each loss with its facts and what it reaches, and below it the playbooks that could be run.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use seaworthy::recover::subject::option;

use super::{List, item, marked, prose, remedy};
use crate::front::failure::Failure;
use crate::front::home_text::verdict;
use crate::front::look::{Look, Mark, columns};
use crate::front::recover_text::{Proposal, loss_name, loss_rows, none_text, promise};
use crate::front::tui::model::{Brake, Known, LossSpot, Model, Seen, Sight};

/// Columns of a label.
const LABEL: usize = 12;

/// The verdict, and how the brake stands.
pub(super) fn headline(model: &Model, width: usize) -> Vec<Line<'static>> {
    let known = model.recovery.known();
    let mut lines = match &model.recovery.sight {
        Sight::None => Vec::new(),
        Sight::Looking(what) => marked(model, Mark::Busy, &format!("looking for what is lost: {what}"), width),
        Sight::Failed(failure) => failed(model, failure, width),
        Sight::Seen => {
            let said = known.map(said).into_iter();
            let lines = said.flat_map(|(mark, text)| marked(model, mark, &text, width));
            lines.map(|line| line.patch_style(Look::strong())).collect()
        }
    };
    let silent = model.watch.known().filter(|home| home.freshness.broken.is_some());
    match (&model.recovery.sight, known, silent) {
        (Sight::Seen, _, Some(home)) => {
            lines.extend(marked(model, Mark::Careful, &format!("{}; r looks again", verdict(home).1), width));
        }
        (Sight::Looking(_) | Sight::Failed(_), Some(seen), _) => {
            let text = format!("what is below was seen at {}", seen.at.strftime("%H:%M:%S UTC"));
            lines.extend(marked(model, Mark::Careful, &text, width));
        }
        _ => {}
    }
    lines.extend(brake(model, width));
    lines
}

fn failed(model: &Model, failure: &Failure, width: usize) -> Vec<Line<'static>> {
    let mut lines = marked(model, Mark::Bad, &format!("{}; r looks again", failure.message), width);
    lines.extend(failure.causes.iter().flat_map(|cause| prose(cause, 2, width, Style::new())));
    lines.extend(remedy(model, failure.hint.as_deref(), width));
    lines
}

/// How many losses there are, and how sure that is.
fn said(seen: &Seen) -> (Mark, String) {
    let certain = seen.certain();
    let suspected = seen.losses.len() - certain;
    let at = seen.at.strftime("%H:%M:%S UTC");
    let are = |number: usize| format!("{} {}", lost(number), if number == 1 { "is" } else { "are" });
    match (certain, suspected) {
        (0, 0) if !seen.open.is_empty() => {
            let open = match seen.open.len() {
                1 => "1 recovery is".to_owned(),
                many => format!("{many} recoveries are"),
            };
            (Mark::Careful, format!("no loss is recognised, and {open} not finished (looked at {at})"))
        }
        (0, 0) => (Mark::Good, format!("{} (looked at {at})", none_text(seen.records))),
        (0, _) => (
            Mark::Careful,
            format!("{} suspected: nothing is proposed for one fact alone (looked at {at})", are(suspected)),
        ),
        (_, 0) => (Mark::Bad, format!("{} certain (looked at {at})", are(certain))),
        _ => (Mark::Bad, format!("{} certain, and {suspected} suspected (looked at {at})", are(certain))),
    }
}

fn lost(number: usize) -> String {
    if number == 1 { "1 loss".to_owned() } else { format!("{number} losses") }
}

/// How the brake stands, for every screen from which it can be pulled.
pub(super) fn brake(model: &Model, width: usize) -> Vec<Line<'static>> {
    match &model.recovery.brake {
        Brake::Loose => Vec::new(),
        Brake::Pulling(scope) => marked(model, Mark::Busy, &format!("hold: keeping every volume {scope}"), width),
        Brake::Held(Ok(text)) => marked(model, Mark::Good, &format!("hold: {text}"), width),
        Brake::Held(Err(why)) => marked(model, Mark::Bad, &format!("hold: {why}"), width),
    }
}

pub(super) fn list(model: &Model, width: usize) -> List {
    let Some(seen) = model.recovery.known() else { return List { lines: Vec::new(), cursor: 0 } };
    let cursor = model.recovery.cursor;
    let line = |(index, spot): (usize, &LossSpot<'_>)| row(model, width, index == cursor, *spot);
    let mut lines: Vec<Line<'static>> = seen.spots().iter().enumerate().map(line).collect();
    lines.extend(seen.unread.iter().flat_map(|text| marked(model, Mark::Careful, text, width)));
    List { lines, cursor }
}

fn row(model: &Model, width: usize, here: bool, spot: LossSpot<'_>) -> Line<'static> {
    let (mark, text) = words(spot);
    let indent = if matches!(spot, LossSpot::Playbook(..)) { "   " } else { "" };
    let style = if mark == Mark::Good { Style::new() } else { model.look.style(mark) };
    let text = format!("{indent}{} {text}", model.look.mark(mark, model.clock));
    item(model, width, here, &text, style)
}

/// A line of the list: its mark and its words.
pub(crate) fn words(spot: LossSpot<'_>) -> (Mark, String) {
    match spot {
        LossSpot::Loss(known) => {
            let (kind, about) = loss_name(&known.loss);
            if known.loss.certain {
                (Mark::Bad, format!("{kind}: {about}"))
            } else {
                (Mark::Careful, format!("suspected: {kind}: {about}"))
            }
        }
        LossSpot::Playbook(_, proposal) => {
            let (mark, text) = outlook(proposal);
            (mark, format!("{}: {text}", proposal.playbook))
        }
        LossSpot::Run(run, of) => (Mark::Careful, format!("not finished: {of} (run {run})")),
    }
}

/// What becomes of the data by a playbook, in few words.
fn outlook(proposal: &Proposal) -> (Mark, &'static str) {
    (if proposal.brings_back { Mark::Good } else { Mark::Careful }, proposal.outlook)
}

/// What the line under the cursor is about.
pub(super) fn details(model: &Model, width: usize) -> Vec<Line<'static>> {
    match model.recovery.spot() {
        None => Vec::new(),
        Some(LossSpot::Loss(known)) => about_loss(model, known, width),
        Some(LossSpot::Playbook(_, proposal)) => about_playbook(model, proposal, width),
        Some(LossSpot::Run(run, of)) => {
            let text =
                format!("{of} has not come to its end; Enter shows what is left to do, and nothing is written yet");
            let mut lines = marked(model, Mark::Careful, &text, width);
            let report = format!("`seaworthy runs report {run}` tells what it has left behind");
            lines.extend(prose(&model.placed(&report), 2, width, Look::faint()));
            lines
        }
    }
}

fn about_loss(model: &Model, known: &Known, width: usize) -> Vec<Line<'static>> {
    let loss = &known.loss;
    let (kind, about) = loss_name(loss);
    let (mark, text) = if loss.certain {
        (Mark::Bad, format!("{kind}: {about}"))
    } else {
        (Mark::Careful, format!("suspected: {kind}: {about}"))
    };
    let mut lines: Vec<Line<'static>> =
        marked(model, mark, &text, width).into_iter().map(|line| line.patch_style(Look::strong())).collect();
    let since = known.last_good.map_or_else(
        || "not known: no record of it is kept here".to_owned(),
        |at| format!("at {}; what was written since is not known", at.strftime("%F %T UTC")),
    );
    // What to do first is not to be scrolled to.
    let (first, rest): (Vec<_>, Vec<_>) =
        loss_rows(loss).into_iter().partition(|(label, _)| ["means", "seen", "first", "then"].contains(label));
    for (label, text) in first.into_iter().chain(rest).chain([("was well", since)]) {
        lines.extend(labelled(label, &model.placed(&text), width, Style::new()));
    }
    if let Some(backup) = &known.backup {
        lines.extend(labelled("backup", &backup.promise(), width, Style::new()));
        lines.extend(prose(&model.placed(&backup.command), 2, width, Look::faint()));
    }
    for text in &known.instead {
        lines.extend(labelled("then", &model.placed(text), width, Style::new()));
    }
    for proposal in &known.proposals {
        let text = format!("{}: {}", proposal.playbook, promise(proposal));
        lines.extend(labelled("playbook", &text, width, Style::new()));
    }
    lines
}

fn about_playbook(model: &Model, proposal: &Proposal, width: usize) -> Vec<Line<'static>> {
    let (mark, word) = outlook(proposal);
    let title = format!("{}: {}", proposal.playbook, proposal.title);
    let mut lines: Vec<Line<'static>> = prose(&title, 0, width, Look::strong());
    lines.extend(marked(model, mark, word, width));
    let (option, subject) = option(&proposal.subject);
    let rows = [
        (option.trim_start_matches('-'), &subject),
        ("lost", &proposal.lost),
        ("untouched", &proposal.untouched),
        ("comes back", &proposal.returns),
    ];
    lines.extend(rows.into_iter().flat_map(|(label, text)| labelled(label, text, width, Style::new())));
    lines.extend(prose(&model.placed(&proposal.command), 2, width, Look::faint()));
    lines
}

/// A text with its label; what goes on below stands below the text. A label that is too long has a line of its own.
pub(super) fn labelled(label: &str, text: &str, width: usize, style: Style) -> Vec<Line<'static>> {
    let mut lines = prose(text, LABEL + 2, width, style);
    if columns(label) >= LABEL {
        return prose(label, 2, width, Look::faint()).into_iter().chain(lines).collect();
    }
    if let Some(first) = lines.first_mut() {
        let text: String = first.spans.iter().map(|span| span.content.trim_start()).collect();
        let label = Span::styled(format!("  {label:<LABEL$}"), Look::faint());
        *first = Line::from(vec![label, Span::styled(text, style)]);
    }
    lines
}
