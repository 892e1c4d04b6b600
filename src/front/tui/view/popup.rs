//! Windows over the screen.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Paragraph};

use super::{Style, details, excerpt, groundwork, logs, marked, prose};
use crate::front::look::{Look, Mark, columns};
use crate::front::origin::Field;
use crate::front::tui::keys;
use crate::front::tui::model::{Board, Line as Typed, Model, Popup, Screen, find};
use crate::front::yard::Maker;

pub(super) fn draw(model: &Model, frame: &mut Frame<'_>) {
    let Some(popup) = &model.popup else { return };
    let width = frame.area().width.saturating_sub(4).min(76);
    let inner = usize::from(width.saturating_sub(2));
    let most = usize::from(frame.area().height.saturating_sub(4));
    let (title, lines) = match popup {
        Popup::Help(from) => ("Keys", excerpt(model.look, help(model, inner), *from, most)),
        Popup::Details(from) => ("Details", excerpt(model.look, details(model, inner), *from, most)),
        Popup::File { save, line } => file(model, *save, line, inner),
        Popup::Field { field, line } => field_lines(model, *field, line, inner),
        Popup::Make { maker, name, line } => ("A new cluster", make(model, (*maker, name.as_deref()), line, inner)),
        Popup::Pool { line } => (groundwork::POOL, pool(model, line, inner)),
        Popup::Registry { line } => ("Registry", registry(model, line, inner)),
        Popup::Word { question, word, line } => word_lines(model, question, word, line, inner),
        Popup::Whether { question } => ("A question", whether(question, inner)),
        Popup::Agree { line } => ("To be agreed to", agree(model, line, inner)),
        Popup::Setting { number, line } => ("Settings", setting(model, *number, line, inner)),
        Popup::Note { line } => ("For the report", note(model, line, inner)),
        Popup::Leave => ("Leave?", leave(model, inner)),
        Popup::Filter { line } if model.filters() => ("Filter", filter(model, line, inner)),
        Popup::Filter { line } => ("Find", find_lines(model, line, inner)),
    };
    let said = said(model, inner);
    let lines: Vec<Line<'static>> = lines.into_iter().chain(said).collect();
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).min(frame.area().height.saturating_sub(2));
    let area = match popup {
        // What is looked for stays in sight.
        Popup::Filter { .. } => lowest(frame.area(), width, height),
        _ => centred(frame.area(), width, height),
    };
    let block = Block::bordered().title(title);
    let block = if model.look.unicode { block.border_type(BorderType::Rounded) } else { block.border_set(ASCII) };
    // Shreds of what lies below tell nothing.
    let is_narrow = frame.area().width.saturating_sub(area.width) < BESIDE;
    let row = Rect { x: frame.area().x, width: frame.area().width, ..area };
    frame.render_widget(Clear, if is_narrow { row } else { area });
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

/// What is wrong with what was typed, below it: the note line is too short for a rule that one needs.
fn said(model: &Model, width: usize) -> Vec<Line<'static>> {
    let note = model.note.as_ref().filter(|_| model.popup.as_ref().is_some_and(Popup::is_typed));
    note.map(|note| marked(model, if note.bad { Mark::Bad } else { Mark::Idle }, &note.text, width)).unwrap_or_default()
}

pub(super) const ASCII: ratatui::symbols::border::Set<'static> = ratatui::symbols::border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

/// Columns beside a window, on both sides together, from which on something can be read there.
const BESIDE: u16 = 30;

/// Above the note and the keys.
fn lowest(area: Rect, width: u16, height: u16) -> Rect {
    let middle = centred(area, width, height);
    Rect { y: (area.y + area.height).saturating_sub(height + 2), ..middle }
}

fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let (x, y) = (area.x + area.width.saturating_sub(width) / 2, area.y + area.height.saturating_sub(height) / 2);
    Rect { x, y, width: width.min(area.width), height: height.min(area.height) }
}

/// How far it can be scrolled.
pub(super) fn overflow(model: &Model) -> usize {
    let width = usize::from(model.size.0.saturating_sub(6).min(74));
    let lines = match &model.popup {
        Some(Popup::Help(_)) => help(model, width),
        Some(Popup::Details(_)) => details(model, width),
        _ => Vec::new(),
    };
    super::overflow(lines.len(), usize::from(model.size.1.saturating_sub(4)))
}

fn filter(model: &Model, line: &Typed, width: usize) -> Vec<Line<'static>> {
    let found = match model.screen {
        Screen::Run => model.logs.as_ref().map_or(0, |logs| logs::found(logs, &line.text())),
        Screen::Storage => model.watch.chains(&line.text()).len(),
        _ => model.watch.entries(&line.text()).len(),
    };
    let mut lines = vec![typed(model, line, width)];
    lines.extend(prose(&holding(found), 0, width, Look::faint()));
    lines
}

fn holding(lines: usize) -> String {
    if lines == 1 { "1 line holds all these words".to_owned() } else { format!("{lines} lines hold all these words") }
}

fn find_lines(model: &Model, line: &Typed, width: usize) -> Vec<Line<'static>> {
    let found = find::found(&super::findable(model), &line.text()).len();
    let said = format!("{}; Enter goes to the next", holding(found));
    std::iter::once(typed(model, line, width)).chain(prose(&said, 0, width, Look::faint())).collect()
}

/// The keys that count below this window.
fn help(model: &Model, width: usize) -> Vec<Line<'static>> {
    let below = model.place_below();
    let names = |row: &keys::Binding| {
        let names: Vec<String> = row.keys.iter().map(|key| key.name(model.look.unicode)).collect();
        names.join(" ")
    };
    let rows: Vec<(String, &str)> = keys::at(below).map(|row| (names(row), row.help)).collect();
    let widest = rows.iter().map(|(names, _)| columns(names)).max().unwrap_or_default();
    let lines = |(names, help): &(String, &str)| {
        let mut lines = prose(help, widest + 2, width, Style::new());
        if let Some(first) = lines.first_mut() {
            let text = first.to_string();
            let pad = widest + 2 - columns(names);
            let key = Span::styled(names.clone(), model.look.key());
            *first = Line::from(vec![key, Span::raw(format!("{:pad$}{}", "", text.trim_start()))]);
        }
        lines
    };
    rows.iter().flat_map(lines).collect()
}

fn file(model: &Model, save: bool, line: &Typed, width: usize) -> (&'static str, Vec<Line<'static>>) {
    let (title, text) = if save {
        ("Save values", "What you chose goes into this file, without secrets:")
    } else {
        ("Load values", "Values are taken from this file; they go before what you typed:")
    };
    let mut lines = prose(text, 0, width, Style::new());
    lines.push(typed(model, line, width));
    (title, lines)
}

fn field_lines(model: &Model, field: Field, line: &Typed, width: usize) -> (&'static str, Vec<Line<'static>>) {
    let mut lines = prose(field.question(), 0, width, Style::new());
    let masked = || Typed::new(&"*".repeat(line.text().chars().count()));
    lines.push(if field == Field::Password { typed(model, &masked(), width) } else { typed(model, line, width) });
    if model.images.origin.is_kept(field) {
        lines.extend(prose(
            "There is one already: Enter keeps it, and what is typed replaces it.",
            0,
            width,
            Look::faint(),
        ));
    }
    ("Images", lines)
}

fn make(model: &Model, (maker, name): (Maker, Option<&str>), line: &Typed, width: usize) -> Vec<Line<'static>> {
    let question = match name {
        None => format!("{}. Its name?", maker.title()),
        Some(name) => format!("{}. How many nodes should {name} have, with the control plane?", maker.title()),
    };
    let mut lines = prose(&question, 0, width, Style::new());
    lines.push(typed(model, line, width));
    lines
}

/// What is wrong with it is said while it is typed.
fn pool(model: &Model, line: &Typed, width: usize) -> Vec<Line<'static>> {
    let mut lines = prose(&groundwork::pool_question(), 0, width, Style::new());
    lines.push(typed(model, line, width));
    lines.extend(groundwork::typed_pool(model, &line.text(), width));
    lines
}

fn registry(model: &Model, line: &Typed, width: usize) -> Vec<Line<'static>> {
    let text = "Registry of the images of what is added; empty: the registries in the manifests.";
    let mut lines = prose(text, 0, width, Style::new());
    lines.push(typed(model, line, width));
    lines
}

fn word_lines(
    model: &Model,
    question: &str,
    word: &str,
    line: &Typed,
    width: usize,
) -> (&'static str, Vec<Line<'static>>) {
    let mut lines = prose(question, 0, width, Style::new());
    lines.extend(prose(&format!("Type {word} to agree:"), 0, width, Style::new()));
    lines.push(typed(model, line, width));
    ("A question", lines)
}

fn whether(question: &str, width: usize) -> Vec<Line<'static>> {
    let mut lines = prose(question, 0, width, Style::new());
    lines.push(Line::raw("y yes, n no, Esc to look first"));
    lines
}

/// The word that has to be typed before a recovery runs, and which of how many.
fn agree(model: &Model, line: &Typed, width: usize) -> Vec<Line<'static>> {
    let recovery = &model.recovery;
    let Some(question) = recovery.question() else { return Vec::new() };
    let all = recovery.passage().map_or(0, |passage| passage.asked.len());
    let mut lines = prose(&question.text, 0, width, Style::new());
    let which = if all > 1 { format!(" ({} of {all})", recovery.agreed + 1) } else { String::new() };
    lines.extend(prose(&format!("Type {} to agree{which}:", question.word), 0, width, Look::strong()));
    lines.push(typed(model, line, width));
    lines
}

fn setting(model: &Model, number: usize, line: &Typed, width: usize) -> Vec<Line<'static>> {
    let settings = model.recovery.passage().map(|passage| passage.settings.as_slice()).unwrap_or_default();
    let Some(setting) = settings.get(number) else { return Vec::new() };
    let which = if settings.len() > 1 { format!(" ({} of {})", number + 1, settings.len()) } else { String::new() };
    let text = format!("{}{which}: {}:", setting.name, setting.title);
    let mut lines = prose(&text, 0, width, Style::new());
    lines.push(typed(model, line, width));
    lines
}

fn note(model: &Model, line: &Typed, width: usize) -> Vec<Line<'static>> {
    let text = "What you saw, or did by hand. It stands in the report with the time of now:";
    let mut lines = prose(text, 0, width, Style::new());
    lines.push(typed(model, line, width));
    lines
}

fn leave(model: &Model, width: usize) -> Vec<Line<'static>> {
    let text =
        "A run is under way. Stop it at a safe point and leave? It can be taken up again with `seaworthy runs resume`.";
    let mut lines = prose(&model.placed(text), 0, width, Style::new());
    let stopped = model.board.as_ref().map(Board::stopped).unwrap_or_default();
    if !stopped.is_empty() {
        let text = format!("Stopped until then: {}.", stopped.join(", "));
        lines.extend(prose(&text, 0, width, Look::strong()));
    }
    lines.push(Line::raw("y yes, n no"));
    lines
}

fn typed(model: &Model, line: &Typed, width: usize) -> Line<'static> {
    let (before, after) = line.around();
    let hidden = before.chars().count().saturating_sub(width.saturating_sub(2));
    let before: String = before.chars().skip(hidden).collect();
    let under = after.chars().next().unwrap_or(' ').to_string();
    let rest: String = after.chars().skip(1).collect();
    let rest = model.look.cut(&rest, width.saturating_sub(columns(&before) + 1));
    Line::from(vec![Span::raw(before), Span::styled(under, Look::chosen()), Span::raw(rest)])
}
