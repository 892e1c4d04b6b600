//! The form of the settings, with help for the one under the cursor.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use seaworthy::stack::{Fault, FaultKind, Setting, Severity};
use serde_json::Value;

use super::{List, WIDE, draw_beside, draw_list, halves, inner, item, list_and_details, marked, prose};
use crate::front::look::{Look, Mark, columns};
use crate::front::tui::model::{Model, Sheet, Spot};

pub(super) fn draw(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let Some(sheet) = model.sheet() else { return };
    if area.width < WIDE {
        return list_and_details(model, frame, area, (list, details));
    }
    let (left, right) = halves(area);
    draw_list(model, frame, left, list(model, usize::from(left.width)));
    // What is chosen, as it would be saved, below the help: as much as there is room for.
    let lines = details(model, inner(right));
    let help = u16::try_from(lines.len() + 1).unwrap_or(u16::MAX).min(right.height / 2);
    let [help, file] = Layout::vertical([Constraint::Length(help), Constraint::Min(0)]).areas(right);
    draw_beside(model, frame, help, lines);
    draw_beside(model, frame, file, values_file(model, sheet, inner(file)));
}

pub(super) fn list(model: &Model, width: usize) -> List {
    let Some(sheet) = model.sheet() else { return List { lines: Vec::new(), cursor: 0 } };
    let spots = sheet.spots();
    let lines = spots.iter().enumerate().map(|(index, spot)| line(model, sheet, spot, index == sheet.cursor, width));
    List { lines: lines.collect(), cursor: sheet.cursor }
}

/// The values file as it would be saved now.
fn values_file(model: &Model, sheet: &Sheet, width: usize) -> Vec<Line<'static>> {
    let head = Line::styled("As a values file (s saves it; secrets are not in it)", Look::strong());
    let text = match sheet.form.as_file() {
        Ok(text) => text,
        Err(why) => return std::iter::once(head).chain(marked(model, Mark::Bad, &why, width)).collect(),
    };
    let text = if text.trim() == "{}" { "# nothing is chosen beyond the profile" } else { &text };
    std::iter::once(head).chain(text.lines().map(|line| Line::raw(model.look.cut(line, width)))).collect()
}

fn line(model: &Model, sheet: &Sheet, spot: &Spot, here: bool, width: usize) -> Line<'static> {
    match spot {
        Spot::Title(title) => Line::styled((*title).to_owned(), Look::strong()),
        Spot::GoOn => {
            let (errors, _) = sheet.form.errors();
            let rest = if errors == 0 { String::new() } else { format!(" ({errors} to mend first)") };
            item(model, width, here, &format!("Go on to the plan{rest}"), Look::strong())
        }
        Spot::Group(group) => group_line(model, sheet, group, here, width),
        Spot::Setting(index) => setting_line(model, sheet, *index, here, width),
    }
}

fn group_line(model: &Model, sheet: &Sheet, group: &str, here: bool, width: usize) -> Line<'static> {
    let look = model.look;
    let (all, typed, wrong) = sheet.counts(group);
    let mut text = format!("{} {group} ({all})", look.fold(sheet.is_open(group)));
    if typed > 0 {
        text = format!("{text}, {typed} changed");
    }
    if wrong > 0 {
        text = format!("{text}, {} {wrong} to look at", look.mark(Mark::Careful, 0));
    }
    item(model, width, here, &text, Style::new())
}

fn setting_line(model: &Model, sheet: &Sheet, index: usize, here: bool, width: usize) -> Line<'static> {
    let look = model.look;
    let setting = &sheet.form.settings()[index];
    let mark = mark(sheet, index);
    let sign = mark.map_or("", |mark| look.mark(mark, 0));
    let name = if setting.required { title(setting) } else { setting.path.clone() };
    let name_room = (width / 2).clamp(16, 44);
    let name = look.cut(&name, name_room);
    let head = format!("{sign:<2} {name}{:pad$}  ", "", pad = name_room.saturating_sub(columns(&name)));
    let cursor = look.cursor(here);
    if let Some((edited, line)) = &sheet.editing
        && *edited == index
    {
        let room = width.saturating_sub(columns(cursor) + columns(&head));
        let mut spans = vec![Span::raw(cursor), Span::raw(head)];
        spans.extend(typing(model, line, setting.secret, room));
        return Line::from(spans);
    }
    let unit = setting.unit.as_ref().map_or_else(String::new, |unit| format!(" {unit}"));
    let shown = sheet.form.shown(index);
    let value = if shown.is_empty() && setting.required {
        "(not given yet)".to_owned()
    } else {
        format!("{}{unit}", lines_as_one(model, &shown))
    };
    let changed = if sheet.form.is_typed(index) { "* " } else { "" };
    let style = mark.map_or(Style::new(), |mark| look.style(mark));
    item(model, width, here, &format!("{head}{changed}{value}"), style)
}

/// The line that is being typed, with its cursor; of a long one the part around the cursor.
fn typing(model: &Model, line: &crate::front::tui::model::Line, secret: bool, room: usize) -> Vec<Span<'static>> {
    let (before, after) = line.around();
    let masked = |text: &str| {
        if secret { "*".repeat(text.chars().count()) } else { lines_as_one(model, &seaworthy::object::printable(text)) }
    };
    let (before, after) = (masked(&before), masked(&after));
    let mut start = before.chars().count().min(before.chars().count().saturating_sub(room.saturating_sub(2)));
    let mut left: String = before.chars().skip(start).collect();
    while columns(&left) + 1 > room && !left.is_empty() {
        start += 1;
        left = before.chars().skip(start).collect();
    }
    let under = after.chars().next().unwrap_or(' ').to_string();
    let right = model
        .look
        .cut(&after.chars().skip(1).collect::<String>(), room.saturating_sub(columns(&left) + columns(&under)));
    vec![Span::styled(left, Look::strong()), Span::styled(under, Look::chosen()), Span::raw(right)]
}

/// Line ends as a mark.
fn lines_as_one(model: &Model, text: &str) -> String {
    text.trim_end_matches('\n').replace('\n', if model.look.unicode { "⏎" } else { "\\n" })
}

/// Error, warning, or nothing.
fn mark(sheet: &Sheet, index: usize) -> Option<Mark> {
    let worst = sheet.form.faults_of(index).next()?;
    Some(if worst.severity == Severity::Error { Mark::Bad } else { Mark::Careful })
}

fn title(setting: &Setting) -> String {
    setting.title.clone().unwrap_or_else(|| setting.path.clone())
}

pub(super) fn details(model: &Model, width: usize) -> Vec<Line<'static>> {
    let Some(sheet) = model.sheet() else { return Vec::new() };
    let mut lines = Vec::new();
    match sheet.spot() {
        Some(Spot::Setting(index)) => {
            let setting = &sheet.form.settings()[index];
            for fault in sheet.form.faults_of(index) {
                let mark = if fault.severity == Severity::Error { Mark::Bad } else { Mark::Careful };
                lines.extend(marked(model, mark, &fault_text(setting, fault), width));
            }
            lines.extend(help(setting, width));
        }
        Some(Spot::Group(group)) => {
            lines.extend(prose(&format!("Enter opens and folds the settings below {group}."), 0, width, Style::new()));
        }
        _ => {
            let text = "What is required comes first; everything below has a default that works for this profile.";
            lines.extend(prose(text, 0, width, Style::new()));
        }
    }
    for fault in sheet.form.other_faults() {
        let mark = if fault.severity == Severity::Error { Mark::Bad } else { Mark::Careful };
        lines.extend(marked(model, mark, &fault.to_string(), width));
    }
    lines
}

/// What the schema says; where it speaks of options of the command line, the form speaks of itself.
fn fault_text(setting: &Setting, fault: &Fault) -> String {
    let below = fault.way.to_string();
    let below = below.strip_prefix(&setting.path).unwrap_or_default().trim_start_matches('.').to_owned();
    let place = if below.is_empty() { String::new() } else { format!("{below}: ") };
    if fault.kind == FaultKind::MissingValue {
        return format!("{place}is required and has no default");
    }
    // What is said of the setting stands below anyway.
    let words = setting.description.as_deref().unwrap_or_default().trim_end_matches('.');
    let message = fault.message.strip_suffix(&format!(" ({words})")).unwrap_or(&fault.message);
    format!("{place}{message}")
}

fn help(setting: &Setting, width: usize) -> Vec<Line<'static>> {
    let mut lines = vec![Line::from(vec![
        Span::styled(title(setting), Look::strong()),
        Span::styled(format!("  {}", setting.path), Look::faint()),
    ])];
    lines.extend(setting.description.iter().flat_map(|text| prose(text, 0, width, Style::new())));
    lines.extend(prose(&facts(setting), 0, width, Look::faint()));
    lines
}

/// Type, default and bounds in one sentence.
fn facts(setting: &Setting) -> String {
    let mut facts = vec![format!("Type: {}", setting.kind)];
    facts.extend(setting.unit.as_ref().map(|unit| format!("in {unit}")));
    if !setting.options.is_empty() {
        let options: Vec<String> = setting.options.iter().map(Setting::write).collect();
        facts.push(format!("one of {}", options.join(", ")));
    }
    facts.extend(setting.minimum.as_ref().map(|least| format!("at least {least}")));
    facts.extend(setting.maximum.as_ref().map(|most| format!("at most {most}")));
    let empty = |value: &Value| Setting::write(value).is_empty();
    facts.extend(
        setting
            .default
            .as_ref()
            .filter(|value| !empty(value))
            .map(|value| format!("default {}", Setting::write(value))),
    );
    facts.extend(setting.profiles.iter().map(|(name, value)| format!("{name}: {}", Setting::write(value))));
    if setting.secret {
        facts.push("secret: shown nowhere, kept only in the cluster".to_owned());
    }
    facts.join("; ")
}
