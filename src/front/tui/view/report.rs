//! What came of a recovery: the report that is on this machine's disk, as it is read by people.

use ratatui::style::Style;
use ratatui::text::Line;

use super::{PROSE, marked, prose};
use crate::front::look::{Look, Mark};
use crate::front::tui::model::{Model, Told};

/// Blanks between the cells of a table.
const GAP: &str = "  ";

pub(super) fn lines(model: &Model, width: u16) -> Vec<Line<'static>> {
    let width = usize::from(width).min(PROSE);
    match &model.recovery.report {
        None => marked(model, Mark::Busy, "reading the report", width),
        Some(Err(why)) => marked(model, Mark::Bad, why, width),
        Some(Ok(told)) => of_report(told, width),
    }
}

fn of_report(told: &Told, width: usize) -> Vec<Line<'static>> {
    let file = told.file.display();
    let mut lines = prose(&format!("{file}, and the same as JSON beside it"), 0, width, Look::faint());
    lines.extend(told.report.markdown().lines().flat_map(|line| one(line, width)));
    lines
}

/// A line of Markdown, of those that a report has: headings, tables, lists, and text.
fn one(line: &str, width: usize) -> Vec<Line<'static>> {
    if let Some(heading) = line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')) {
        return prose(heading, 0, width, Look::strong());
    }
    if let Some(cells) = line.strip_prefix('|') {
        return row(cells, width);
    }
    let inner = line.trim_start();
    let indent = line.len() - inner.len();
    match inner.strip_prefix("* ") {
        Some(item) => hanging(&format!("{:indent$}- ", ""), &plain(item), width),
        None => prose(&plain(line), 0, width, Style::new()),
    }
}

/// A row of a table. The line below its head, and an empty head, say nothing.
fn row(cells: &str, width: usize) -> Vec<Line<'static>> {
    let cells = cells.strip_suffix('|').unwrap_or(cells).replace("\\|", "\u{0}");
    let cells: Vec<String> = cells.split('|').map(|cell| cell.replace('\u{0}', "|").trim().to_owned()).collect();
    let says_nothing = cells.iter().all(|cell| cell.trim_matches('-').is_empty());
    let Some((last, first)) = cells.split_last().filter(|_| !says_nothing) else { return Vec::new() };
    let first: String = first.iter().map(|cell| format!("{cell}{GAP}")).collect();
    hanging(&format!("{GAP}{first}"), &plain(last), width)
}

/// Marks of emphasis are for files.
fn plain(text: &str) -> String {
    text.replace("**", "")
}

/// A text behind something; what goes on below stands below the text, where that leaves it room.
fn hanging(before: &str, text: &str, width: usize) -> Vec<Line<'static>> {
    let indent = crate::front::look::columns(before);
    if indent > width / 2 {
        return prose(&format!("{}{text}", before.trim_start()), GAP.len(), width, Style::new());
    }
    let mut lines = prose(text, indent, width, Style::new());
    if let Some(first) = lines.first_mut() {
        let text: String = first.spans.iter().map(|span| span.content.trim_start()).collect();
        *first = Line::raw(format!("{before}{text}"));
    }
    lines
}
