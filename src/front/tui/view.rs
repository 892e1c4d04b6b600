//! Draws the model, and does nothing else.

mod bar;
mod cluster;
mod groundwork;
mod head;
mod home;
mod images;
mod logs;
mod losses;
mod popup;
mod profile;
mod reach;
mod recovery;
mod report;
mod review;
mod run;
mod settings;
mod stack;
mod storage;
mod timeline;
mod walk;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Padding, Paragraph};

pub(crate) use losses::words as losses_words;

use super::model::{Model, Note, Popup, Screen, find};
use crate::front::look::{Look, Mark, columns, wrap};
use crate::front::paint::count;

/// From this width on, details stand beside the list and not below it: half of it is then as wide as a narrow screen.
const WIDE: u16 = 150;
/// Lines that details get below a list, at least.
const DETAILS: u16 = 9;
/// The longest line of prose that is pleasant to read.
const PROSE: usize = 110;
/// Lines around the body: the way and its rule above, the note and the keys below.
const AROUND: u16 = 4;

/// Draws everything.
pub(crate) fn view(model: &Model, frame: &mut Frame<'_>) {
    let rows = [Constraint::Length(2), Constraint::Min(1), Constraint::Length(1), Constraint::Length(1)];
    let [head, body, note, bar] = Layout::vertical(rows).areas(frame.area());
    frame.render_widget(Paragraph::new(head::lines(model, head.width)), head);
    let [above, body] = head_and_body(model, body);
    frame.render_widget(Paragraph::new(fixed(model, above.width)), above);
    match (model.screen, parts(model)) {
        (Screen::Review | Screen::Recovery | Screen::Report, _) => {
            scrolled(model.look, frame, body, text(model, body.width), top(model));
        }
        (Screen::Profile, _) => profile::draw(model, frame, body),
        (Screen::Settings, _) => settings::draw(model, frame, body),
        (_, Some(parts)) => list_and_details(model, frame, body, parts),
        (_, None) => {
            let size = (usize::from(body.width), usize::from(body.height));
            let lines = model.logs.iter().flat_map(|shown| logs::lines(model, shown, size));
            frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), body);
        }
    }
    frame.render_widget(Paragraph::new(note_line(model, note.width)), note);
    frame.render_widget(Paragraph::new(bar::line(model, bar.width)), bar);
    popup::draw(model, frame);
}

/// What a list shows, and which of its lines the cursor is on.
struct List {
    lines: Vec<Line<'static>>,
    cursor: usize,
}

/// Makes the list of a screen for so many columns.
type ListOf = fn(&Model, usize) -> List;
/// Makes what is to be said about the line under the cursor.
type DetailsOf = fn(&Model, usize) -> Vec<Line<'static>>;

/// What a screen consists of; `None`: of one text.
fn parts(model: &Model) -> Option<(ListOf, DetailsOf)> {
    Some(match model.screen {
        Screen::Home => (home::list, home::details),
        Screen::Storage => (storage::list, storage::details),
        Screen::Walks => (walk::symptoms, walk::about_symptom),
        Screen::Walk => (walk::steps, walk::about_step),
        Screen::Losses => (losses::list, losses::details),
        Screen::Cluster => (cluster::list, cluster::details),
        Screen::Stack => (stack::list, stack::details),
        Screen::Images => (images::list, images::details),
        Screen::Profile => (profile::list, profile::details),
        Screen::Prerequisites => (groundwork::list, groundwork::details),
        Screen::Settings => (settings::list, settings::details),
        Screen::Run if model.logs.is_some() => return None,
        Screen::Run if model.has_timeline() => (timeline::list, run::details),
        Screen::Run => (run::list, run::details),
        Screen::Reach => (reach::list, reach::details),
        Screen::Review | Screen::Recovery | Screen::Report => return None,
    })
}

/// What stands above a list and never scrolls away.
fn fixed(model: &Model, width: u16) -> Vec<Line<'static>> {
    let width = usize::from(width);
    match model.screen {
        Screen::Home => home::headline(model, width),
        Screen::Walks | Screen::Walk => walk::headline(model, width),
        Screen::Losses => losses::headline(model, width),
        Screen::Run if model.logs.is_none() => run::head(model, width),
        _ => Vec::new(),
    }
}

fn head_and_body(model: &Model, area: Rect) -> [Rect; 2] {
    let head = u16::try_from(fixed(model, area.width).len()).unwrap_or(u16::MAX).min(area.height / 2);
    Layout::vertical([Constraint::Length(head), Constraint::Min(0)]).areas(area)
}

/// What is to be said about the line under the cursor.
fn details(model: &Model, width: usize) -> Vec<Line<'static>> {
    parts(model).map(|(_, details)| details(model, width)).unwrap_or_default()
}

/// Whether something is said about the line under the cursor.
pub(crate) fn has_details(model: &Model) -> bool {
    parts(model).is_some()
}

/// Lines that the body has in a terminal of this size.
pub(crate) fn body_height(size: (u16, u16)) -> usize {
    usize::from(size.1.saturating_sub(AROUND)).max(1)
}

/// The text of a screen that is one.
fn text(model: &Model, width: u16) -> Vec<Line<'static>> {
    match model.screen {
        Screen::Review => review::lines(model, width),
        Screen::Recovery => recovery::lines(model, width),
        Screen::Report => report::lines(model, width),
        _ => Vec::new(),
    }
}

/// The line from which it is shown.
fn top(model: &Model) -> usize {
    match model.screen {
        Screen::Recovery => model.recovery.scroll,
        Screen::Report => model.recovery.report_scroll,
        _ => model.review.scroll,
    }
}

/// How far the text of a screen that is one can be scrolled.
pub(crate) fn text_overflow(model: &Model) -> usize {
    overflow(text(model, model.size.0).len(), body_height(model.size))
}

/// Whether the profiles stand side by side.
pub(crate) fn has_columns(model: &Model) -> bool {
    let height = u16::try_from(body_height(model.size)).unwrap_or(u16::MAX);
    let are_several = model.stack().is_some_and(|stack| stack.definition().profiles.len() > 1);
    are_several && profile::columns(model, (model.size.0, height)).is_some()
}

/// What `/` can find on this screen, line by line.
pub(crate) fn findable(model: &Model) -> Vec<String> {
    match model.screen {
        Screen::Review | Screen::Recovery | Screen::Report => {
            text(model, model.size.0).iter().map(ToString::to_string).collect()
        }
        _ => find::lines(model),
    }
}

/// How far what lies over the screen can be scrolled.
pub(crate) fn popup_overflow(model: &Model) -> usize {
    popup::overflow(model)
}

fn note_line(model: &Model, width: u16) -> Line<'static> {
    let look = model.look;
    // Below what is typed into a window it has more room.
    let note = model.note.as_ref().filter(|_| !model.popup.as_ref().is_some_and(Popup::is_typed));
    match note {
        None => Line::default(),
        Some(Note { text, bad: false }) => Line::raw(look.cut(&model.placed(text), usize::from(width))),
        Some(Note { text, bad: true }) => {
            let mark = look.mark(Mark::Bad, 0);
            let text = look.cut(&model.placed(text), usize::from(width).saturating_sub(columns(mark) + 1));
            Line::styled(format!("{mark} {text}"), look.style(Mark::Bad))
        }
    }
}

/// A list with what is to be said about the line under the cursor: below it, or beside it where there is room.
fn list_and_details(model: &Model, frame: &mut Frame<'_>, area: Rect, (list, details): (ListOf, DetailsOf)) {
    // A chain of the storage map and a run over its time are as wide as the screen.
    let is_wide = model.screen == Screen::Storage || model.screen == Screen::Run && model.has_timeline();
    if area.width >= WIDE && !is_wide {
        let (left, right) = halves(area);
        draw_list(model, frame, left, list(model, usize::from(left.width)));
        let mut lines = details(model, inner(right));
        let rest = timeline_below(model, inner(right));
        if lines.len() + rest.len() <= usize::from(right.height) {
            lines.extend(rest);
        }
        return draw_beside(model, frame, right, lines);
    }
    let list = list(model, usize::from(area.width));
    let lines = details(model, usize::from(area.width).min(PROSE));
    let (above, below) = stacked(area, list.lines.len(), lines.len());
    draw_list(model, frame, above, list);
    draw_details(model, frame, below, lines);
}

/// A run over its time, where there is room beside its steps.
fn timeline_below(model: &Model, width: usize) -> Vec<Line<'static>> {
    let Some(board) = model.board.as_ref().filter(|_| model.screen == Screen::Run) else { return Vec::new() };
    let head = std::iter::once(Line::default()).chain(timeline::head(model, board, width));
    head.chain(timeline::list(model, width).lines).collect()
}

fn halves(area: Rect) -> (Rect, Rect) {
    let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).spacing(1).areas(area);
    (left, right)
}

/// Columns of details beside a list: a line and a blank part them.
fn inner(area: Rect) -> usize {
    usize::from(area.width.saturating_sub(2)).min(PROSE)
}

/// Details below a list. They get what they need, and what the list leaves free, as long as the list keeps some lines.
fn stacked(area: Rect, list: usize, details: usize) -> (Rect, Rect) {
    let lines = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
    let least = DETAILS.min(area.height / 2);
    let most = area.height - lines(list).min(area.height * 2 / 5);
    let low = lines(details + 1).clamp(least, most.max(least));
    let [above, below] = Layout::vertical([Constraint::Min(1), Constraint::Length(low)]).areas(area);
    (above, below)
}

/// As much of a list as fits, with the cursor in it.
fn draw_list(model: &Model, frame: &mut Frame<'_>, area: Rect, list: List) {
    // Its last line may say how much more there is.
    let shown = usize::from(area.height).saturating_sub(1);
    let top = list.cursor.saturating_sub(shown / 2);
    scrolled(model.look, frame, area, list.lines, top);
}

/// Details have a rule of their own above them.
fn draw_details(model: &Model, frame: &mut Frame<'_>, area: Rect, lines: Vec<Line<'static>>) {
    let rule = Line::styled(model.look.rule(area.width), Look::faint());
    let lines = shortened(model, lines, usize::from(area.height).saturating_sub(1));
    frame.render_widget(Paragraph::new(std::iter::once(rule).chain(lines).collect::<Vec<_>>()), area);
}

/// The same beside a list.
fn draw_beside(model: &Model, frame: &mut Frame<'_>, area: Rect, lines: Vec<Line<'static>>) {
    let lines = shortened(model, lines, usize::from(area.height));
    let padding = Padding::left(1);
    let block = Block::new().borders(Borders::LEFT).border_style(Look::faint()).padding(padding);
    let block = if model.look.unicode { block } else { block.border_set(popup::ASCII) };
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

/// As many lines as fit. What does not is a key away.
fn shortened(model: &Model, mut lines: Vec<Line<'static>>, height: usize) -> Vec<Line<'static>> {
    let hidden = overflow(lines.len(), height);
    if hidden > 0 && height > 1 {
        lines.truncate(height - 1);
        let more = if model.look.unicode { "…" } else { "..." };
        lines.push(Line::styled(format!("{more} {} (z)", count(hidden, "more line")), model.look.key()));
    }
    lines
}

/// How many of so many lines have no room in this height: a line that counts them takes one, too.
fn overflow(lines: usize, height: usize) -> usize {
    if lines <= height { 0 } else { lines - height.saturating_sub(1).max(1) }
}

/// The lines from `top` on that fit; where there are more, the last says how many.
fn excerpt(look: Look, lines: Vec<Line<'static>>, top: usize, height: usize) -> Vec<Line<'static>> {
    let hidden = overflow(lines.len(), height);
    if hidden == 0 {
        return lines;
    }
    let top = top.min(hidden);
    let more = [(top, "above"), (hidden - top, "below")];
    let more = more.into_iter().filter(|(lines, _)| *lines > 0);
    let more: Vec<String> = more.map(|(lines, place)| format!("{} {place}", count(lines, "more line"))).collect();
    let shown = height.saturating_sub(1).max(1);
    let mut rows: Vec<Line<'static>> = lines.into_iter().skip(top).take(shown).collect();
    if height > 1 {
        rows.push(Line::styled(format!("  {} (PgUp, PgDn)", more.join(", ")), look.key()));
    }
    rows
}

fn scrolled(look: Look, frame: &mut Frame<'_>, area: Rect, lines: Vec<Line<'static>>, top: usize) {
    frame.render_widget(Paragraph::new(excerpt(look, lines, top, usize::from(area.height))), area);
}

/// A line of a list, as wide as the list.
fn item(model: &Model, width: usize, here: bool, text: &str, style: Style) -> Line<'static> {
    let look = model.look;
    let cursor = look.cursor(here);
    let text = look.cut(text, width.saturating_sub(columns(cursor)));
    let style = if here { style.patch(Look::chosen()) } else { style };
    Line::from(vec![Span::raw(cursor), Span::styled(text, style)])
}

/// Text in as many lines as it takes, indented.
fn prose(text: &str, indent: usize, width: usize, style: Style) -> Vec<Line<'static>> {
    let room = width.saturating_sub(indent).max(10);
    let line = |text: String| Line::styled(format!("{:indent$}{text}", ""), style);
    wrap(text, room).into_iter().map(line).collect()
}

/// A text behind something; what goes on below stands below the text.
fn hanging(before: &str, text: &str, width: usize, style: Style) -> Vec<Line<'static>> {
    let mut lines = prose(text, columns(before), width, style);
    if let Some(first) = lines.first_mut() {
        let text: String = first.spans.iter().map(|span| span.content.trim_start()).collect();
        *first = Line::styled(format!("{before}{text}"), style);
    }
    lines
}

/// What there is to do about what was said above.
fn remedy(model: &Model, text: Option<&str>, width: usize) -> Vec<Line<'static>> {
    text.map(|text| prose(&model.placed(&format!("do: {text}")), 2, width, Style::new())).unwrap_or_default()
}

/// A mark, and text beside it in as many lines as it takes.
fn marked(model: &Model, mark: Mark, text: &str, width: usize) -> Vec<Line<'static>> {
    let sign = model.look.mark(mark, model.clock);
    let indent = columns(sign) + 1;
    let mut lines = prose(&model.placed(text), indent, width, Style::new());
    if let Some(first) = lines.first_mut() {
        let text: String = first.spans.iter().map(|span| span.content.trim_start()).collect();
        *first = Line::from(vec![Span::styled(format!("{sign} "), model.look.style(mark)), Span::raw(text)]);
    }
    lines
}

#[cfg(test)]
mod tests;
