//! Draws the model, and does nothing else.

mod cluster;
mod groundwork;
mod home;
mod images;
mod logs;
mod popup;
mod profile;
mod reach;
mod review;
mod run;
mod settings;
mod stack;
mod storage;
mod timeline;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::keys::{self, Action, Binding};
use super::model::{Entry, Model, Note, SCREENS, Screen, find};
use crate::front::look::{Look, Mark, columns, wrap};

/// From this width on, details stand beside the list and not below it.
const WIDE: u16 = 120;
/// Below this width there is no room for our name.
const NARROW: u16 = 40;
/// Lines that details get below a list, at most.
const DETAILS: u16 = 9;
/// The longest line of prose that is pleasant to read.
const PROSE: usize = 110;
/// Lines around the body: the way and its rule above, the note and the keys below.
const AROUND: u16 = 4;

/// Draws everything.
pub(crate) fn view(model: &Model, frame: &mut Frame<'_>) {
    let rows = [Constraint::Length(2), Constraint::Min(1), Constraint::Length(1), Constraint::Length(1)];
    let [head, body, note, bar] = Layout::vertical(rows).areas(frame.area());
    frame.render_widget(Paragraph::new(heading(model, head.width)), head);
    match model.screen {
        Screen::Home => list_and_details(model, frame, body, home::list, home::details),
        // A chain is long: it has the whole width.
        Screen::Storage => parted(model, frame, stacked(body), storage::list, storage::details),
        Screen::Cluster => list_and_details(model, frame, body, cluster::list, cluster::details),
        Screen::Stack => parted(model, frame, stack::areas(model, body), stack::list, stack::details),
        Screen::Images => list_and_details(model, frame, body, images::list, images::details),
        Screen::Profile => profile::draw(model, frame, body),
        Screen::Prerequisites => list_and_details(model, frame, body, groundwork::list, groundwork::details),
        Screen::Settings => settings::draw(model, frame, body),
        Screen::Review => scrolled(frame, body, review::lines(model, body.width), model.review.scroll),
        Screen::Run if model.logs.is_some() => {
            let size = (usize::from(body.width), usize::from(body.height));
            let lines = model.logs.iter().flat_map(|shown| logs::lines(model, shown, size));
            frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), body);
        }
        Screen::Run => {
            let [head, body] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(body);
            frame.render_widget(Paragraph::new(run::head(model)), head);
            let over_time = model.board.as_ref().is_some_and(|board| board.timeline);
            let list = if over_time { timeline::list } else { run::list };
            parted(model, frame, run::areas(model, body, over_time), list, run::details);
        }
        Screen::Reach => list_and_details(model, frame, body, reach::list, reach::details),
    }
    frame.render_widget(Paragraph::new(note_line(model, note.width)), note);
    frame.render_widget(Paragraph::new(bar_line(model, bar.width)), bar);
    popup::draw(model, frame);
}

/// Lines that the body has in a terminal of this size.
pub(crate) fn body_height(size: (u16, u16)) -> usize {
    usize::from(size.1.saturating_sub(AROUND)).max(1)
}

/// How far the plan can be scrolled.
pub(crate) fn review_overflow(model: &Model) -> usize {
    review::lines(model, model.size.0).len().saturating_sub(body_height(model.size))
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
        Screen::Review => review::lines(model, model.size.0).iter().map(ToString::to_string).collect(),
        _ => find::lines(model),
    }
}

/// How far the keys can be scrolled.
pub(crate) fn help_overflow(model: &Model) -> usize {
    popup::help_overflow(model)
}

fn heading(model: &Model, width: u16) -> Vec<Line<'static>> {
    let look = model.look;
    let brand = if width < NARROW { "" } else { "Seaworthy  " };
    let mut spans = vec![Span::styled(brand, Look::strong())];
    if model.is_at_home() {
        let place = if model.screen == Screen::Home { "Home" } else { "Storage" };
        let filter = model.filter();
        let filter = if filter.is_empty() { String::new() } else { format!("  / {filter}") };
        let room = usize::from(width).saturating_sub(brand.len() + place.len());
        let about = look.cut(&format!("  {}{filter}", home::about(model)), room);
        spans.extend([Span::styled(place, Look::chosen()), Span::raw(about)]);
        return vec![Line::from(spans), Line::styled(look.rule(width), Look::faint())];
    }
    let names: usize = SCREENS.iter().map(|(_, name)| name.len()).sum();
    let at = SCREENS.iter().position(|(screen, _)| *screen == model.screen).unwrap_or_default();
    // Where not all fits, our own name goes first, then the room between the names.
    let between = [look.arrow(), look.tight_arrow()].map(|arrow| names + columns(arrow) * (SCREENS.len() - 1));
    let ways =
        [(brand, look.arrow(), between[0]), ("", look.arrow(), between[0]), ("", look.tight_arrow(), between[1])];
    let fits = ways.into_iter().find(|(brand, _, needed)| brand.len() + needed <= usize::from(width));
    let Some((brand, arrow, _)) = fits else {
        spans.push(Span::raw(format!("{}/{} {}", at + 1, SCREENS.len(), SCREENS[at].1)));
        return vec![Line::from(spans), Line::styled(look.rule(width), Look::faint())];
    };
    spans = vec![Span::styled(brand, Look::strong())];
    for (index, (screen, name)) in SCREENS.iter().enumerate() {
        if index > 0 {
            spans.push(Span::styled(arrow, Look::faint()));
        }
        let style = if *screen == model.screen {
            Look::chosen()
        } else if index < at {
            Style::new()
        } else {
            Look::faint()
        };
        spans.push(Span::styled(*name, style));
    }
    vec![Line::from(spans), Line::styled(look.rule(width), Look::faint())]
}

fn note_line(model: &Model, width: u16) -> Line<'static> {
    let look = model.look;
    match &model.note {
        None => Line::default(),
        Some(Note { text, bad: false }) => Line::raw(look.cut(&model.placed(text), usize::from(width))),
        Some(Note { text, bad: true }) => {
            let mark = look.mark(Mark::Bad, 0);
            let text = look.cut(&model.placed(text), usize::from(width).saturating_sub(columns(mark) + 1));
            Line::styled(format!("{mark} {text}"), look.style(Mark::Bad))
        }
    }
}

/// The keys that count here, as many as fit; those for help and for leaving always.
fn bar_line(model: &Model, width: u16) -> Line<'static> {
    let look = model.look;
    let rows: Vec<&Binding> =
        keys::at(model.place()).filter(|row| !row.short.is_empty() && matters(model, row)).collect();
    let label = |row: &Binding| (row.keys[0].name(look.unicode), row.short.to_owned());
    let needed = |row: &&Binding| matches!(row.action, Action::Help | Action::Quit);
    let size = |(key, short): &(String, String)| columns(key) + columns(short) + 3;
    let (last, first): (Vec<&Binding>, Vec<&Binding>) = rows.into_iter().partition(needed);
    let last: Vec<_> = last.into_iter().map(label).collect();
    let mut room = usize::from(width).saturating_sub(last.iter().map(size).sum());
    let mut labels = Vec::new();
    for label in first.into_iter().map(label) {
        if size(&label) <= room {
            room -= size(&label);
            labels.push(label);
        }
    }
    let mut spans = Vec::new();
    for (key, short) in labels.into_iter().chain(last) {
        spans.push(Span::styled(key, look.key()));
        spans.push(Span::raw(format!(" {short}  ")));
    }
    Line::from(spans)
}

/// Whether a key could do anything now.
fn matters(model: &Model, row: &Binding) -> bool {
    let conflicts = || model.review.made().is_some_and(|made| made.plan.conflicts().next().is_some());
    match row.action {
        Action::Conflicts => conflicts() || model.review.conflicts.is_some(),
        Action::Adopt if model.screen == Screen::Prerequisites => {
            model.groundwork.row().is_some_and(|row| row.adoption.is_some())
        }
        Action::Adopt => conflicts() || model.review.adopt,
        Action::Images => model.review.made().is_some_and(review::has_images),
        Action::Replan => model.review.replan || review::is_other_run(model),
        Action::Next if model.screen == Screen::Review => {
            model.review.made().is_some_and(|made| made.objection().is_none()) && !model.wish.dry_run
        }
        Action::Back => model.screen != Screen::Cluster || model.popup.is_some(),
        Action::OpenStack => matches!(model.entry(), Some(Entry::Stack(_))),
        Action::Undo => model.sheet().and_then(|sheet| Some(sheet.form.is_typed(sheet.setting()?))) == Some(true),
        _ => true,
    }
}

/// What a list shows, and which of its lines the cursor is on.
struct List {
    lines: Vec<Line<'static>>,
    cursor: usize,
}

/// A list with what is to be said about the line under the cursor: below it, or beside it where there is room.
fn list_and_details(
    model: &Model,
    frame: &mut Frame<'_>,
    area: Rect,
    list: impl Fn(&Model, usize) -> List,
    details: impl Fn(&Model, usize) -> Vec<Line<'static>>,
) {
    parted(model, frame, divided(area), list, details);
}

fn parted(
    model: &Model,
    frame: &mut Frame<'_>,
    (above, below): (Rect, Rect),
    list: impl Fn(&Model, usize) -> List,
    details: impl Fn(&Model, usize) -> Vec<Line<'static>>,
) {
    let list = list(model, usize::from(above.width));
    draw_list(frame, above, list);
    let lines = details(model, usize::from(below.width).min(PROSE));
    draw_details(model, frame, below, lines);
}

/// The areas of a list and of its details.
fn divided(area: Rect) -> (Rect, Rect) {
    if area.width >= WIDE {
        let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).spacing(2).areas(area);
        return (left, right);
    }
    stacked(area)
}

/// Details below the list.
fn stacked(area: Rect) -> (Rect, Rect) {
    let low = DETAILS.min(area.height / 2);
    let [above, below] = Layout::vertical([Constraint::Min(1), Constraint::Length(low)]).areas(area);
    (above, below)
}

/// As much of a list as fits, with the cursor in it.
fn draw_list(frame: &mut Frame<'_>, area: Rect, list: List) {
    let height = usize::from(area.height);
    let most = list.lines.len().saturating_sub(height);
    let top = list.cursor.saturating_sub(height / 2).min(most);
    scrolled(frame, area, list.lines, top);
}

/// Details have a rule of their own above them.
fn draw_details(model: &Model, frame: &mut Frame<'_>, area: Rect, lines: Vec<Line<'static>>) {
    let rule = Line::styled(model.look.rule(area.width), Look::faint());
    let mut all: Vec<Line<'static>> = std::iter::once(rule).chain(lines).collect();
    let height = usize::from(area.height);
    if all.len() > height && height > 1 {
        all.truncate(height - 1);
        let more = if model.look.unicode { "…" } else { "..." };
        all.push(Line::styled(more, Look::faint()));
    }
    frame.render_widget(Paragraph::new(all), area);
}

fn scrolled(frame: &mut Frame<'_>, area: Rect, lines: Vec<Line<'static>>, top: usize) {
    let shown: Vec<Line<'static>> = lines.into_iter().skip(top).take(usize::from(area.height)).collect();
    frame.render_widget(Paragraph::new(shown), area);
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
