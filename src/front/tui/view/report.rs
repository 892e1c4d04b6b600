//! What came of a recovery: the report that is on this machine's disk, as it is read by people.

use ratatui::style::Style;
use ratatui::text::Line;

use super::{PROSE, hanging, marked, prose};
use crate::front::look::{Look, Mark, columns};
use crate::front::tui::model::{Model, Told};

/// Blanks between the cells of a table.
const GAP: &str = "  ";

pub(super) fn lines(model: &Model, width: u16) -> Vec<Line<'static>> {
    let width = usize::from(width).min(PROSE);
    match &model.recovery.report {
        None => marked(model, Mark::Busy, "reading the report", width),
        Some(Err(why)) => marked(model, Mark::Bad, why, width),
        Some(Ok(told)) => of_report(model, told, width),
    }
}

fn of_report(model: &Model, told: &Told, width: usize) -> Vec<Line<'static>> {
    let file = told.file.display();
    let mut lines = prose(&format!("{file}, and the same as JSON beside it"), 0, width, Look::faint());
    let text = model.placed(&told.report.markdown());
    let mut table: Vec<Vec<String>> = Vec::new();
    for line in text.lines() {
        if let Some(row) = line.strip_prefix('|') {
            table.extend(cells(row));
            continue;
        }
        lines.extend(rows(&std::mem::take(&mut table), width));
        lines.extend(one(line, width));
    }
    lines.extend(rows(&table, width));
    lines
}

/// A line of Markdown, of those that a report has beside tables: headings, lists, and text.
fn one(line: &str, width: usize) -> Vec<Line<'static>> {
    if line.is_empty() {
        return vec![Line::default()];
    }
    if let Some(heading) = line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')) {
        return prose(heading, 0, width, Look::strong());
    }
    let inner = line.trim_start();
    let indent = line.len() - inner.len();
    match inner.strip_prefix("* ") {
        Some(item) => hanging(&format!("{:indent$}- ", ""), &plain(item), width, Style::new()),
        None => prose(&plain(line), 0, width, Style::new()),
    }
}

/// The cells of a row of a table. The line below its head, and an empty head, say nothing.
fn cells(row: &str) -> Option<Vec<String>> {
    let row = row.strip_suffix('|').unwrap_or(row).replace("\\|", "\u{0}");
    let cells: Vec<String> = row.split('|').map(|cell| plain(&cell.replace('\u{0}', "|")).trim().to_owned()).collect();
    let says_something = cells.iter().any(|cell| !cell.trim_matches('-').is_empty());
    says_something.then_some(cells)
}

/// A table: every column but the last is as wide as its widest cell.
fn rows(table: &[Vec<String>], width: usize) -> Vec<Line<'static>> {
    let widest = |column: usize| table.iter().filter_map(|row| row.get(column)).map(|cell| columns(cell)).max();
    let row = |row: &Vec<String>| {
        let Some((last, first)) = row.split_last() else { return Vec::new() };
        let pad = |(column, cell): (usize, &String)| {
            let blanks = widest(column).unwrap_or_default() - columns(cell);
            format!("{GAP}{cell}{:blanks$}", "")
        };
        let before: String = first.iter().enumerate().map(pad).collect();
        let before = format!("{before}{GAP}");
        if columns(&before) <= width * 2 / 3 {
            return hanging(&before, last, width, Style::new());
        }
        // There is no room beside it.
        let head = prose(&first.join(GAP), GAP.len(), width, Look::faint());
        head.into_iter().chain(prose(last, 2 * GAP.len(), width, Style::new())).collect()
    };
    table.iter().flat_map(row).collect()
}

/// Marks of emphasis are for files.
fn plain(text: &str) -> String {
    text.replace("**", "")
}
