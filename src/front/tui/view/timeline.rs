//! A run over its time.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::List;
use super::run::{end_words, step_words};
use crate::front::look::{Look, Mark, columns};
use crate::front::timeline::{Bar, Chart};
use crate::front::tui::model::{Board, Model, Post, RowState};

/// Columns that titles get, at least and at most.
const TITLE: (usize, usize) = (10, 50);
/// Columns of a time.
const TIME: usize = 11;
/// Columns of a mark: as wide as the widest.
const MARK: usize = 3;

fn chart(model: &Model, board: &Board) -> Chart {
    let since = |at: u64| at.saturating_sub(board.began);
    let bars = board.rows.iter().map(|row| Bar {
        title: row.title.clone(),
        begun: row.begun.map(since),
        ended: row.ended.map(since),
        needs: row.needs.clone(),
        waits: row.waits,
        failed: matches!(row.state, RowState::Failed(_)),
    });
    Chart { bars: bars.collect(), whole: since(board.over.unwrap_or(model.time)) }
}

/// The columns of a line.
struct Widths {
    title: usize,
    bar: usize,
    /// What stands before the bar.
    indent: usize,
}

fn widths(model: &Model, width: usize) -> Widths {
    let title = (width / 3).clamp(TITLE.0, TITLE.1);
    let indent = columns(model.look.cursor(true)) + MARK + 2 + title + 1;
    Widths { title, bar: width.saturating_sub(indent + TIME).max(4), indent }
}

/// What the marks mean, and the time.
pub(super) fn head(model: &Model, board: &Board, width: usize) -> [Line<'static>; 2] {
    let Widths { bar, indent, .. } = widths(model, width);
    let axis = format!("{:indent$}{}", "", chart(model, board).axis(bar));
    [Chart::legend(model.look.unicode), axis].map(|text| Line::styled(model.look.cut(&text, width), Look::faint()))
}

/// A line each for every step, and for what was said beside them.
pub(super) fn list(model: &Model, width: usize) -> List {
    let Some(board) = &model.board else { return List { lines: Vec::new(), cursor: 0 } };
    let chart = chart(model, board);
    let longest = chart.longest();
    let line = |(index, post): (usize, Post)| {
        let here = index == board.at();
        match post {
            Post::Step(step) => step_line(model, (board, &chart), (step, longest[step]), here, width),
            Post::Notice(number) => {
                let notice = &board.notices[number];
                other_line(model, (notice.mark(), &notice.text), here, width)
            }
            Post::End => {
                let (mark, text, tail) = end_words(model, board);
                other_line(model, (mark, &format!("{text}{tail}")), here, width)
            }
        }
    };
    List { lines: board.posts().enumerate().map(line).collect(), cursor: board.at() }
}

fn other_line(model: &Model, (mark, text): (Mark, &str), here: bool, width: usize) -> Line<'static> {
    let look = model.look;
    let pointer = look.cursor(here);
    let text = look.cut(text, width.saturating_sub(columns(pointer) + MARK));
    let sign = Span::styled(format!("{:<MARK$}", look.mark(mark, model.clock)), look.style(mark));
    Line::from(vec![Span::raw(pointer), sign, Span::styled(text, chosen(here))])
}

fn step_line(
    model: &Model,
    (board, chart): (&Board, &Chart),
    (step, is_critical): (usize, bool),
    here: bool,
    width: usize,
) -> Line<'static> {
    let look = model.look;
    let widths = widths(model, width);
    let (mark, ..) = step_words(model, &board.rows[step], width);
    let bar = &chart.bars[step];
    let (star, on_way) = if is_critical { ("* ", Look::strong()) } else { ("  ", Style::new()) };
    let sign = look.mark(mark, model.clock);
    Line::from(vec![
        Span::raw(look.cursor(here)),
        Span::styled(format!("{sign:<MARK$}"), look.style(mark)),
        Span::styled(star, Look::strong()),
        Span::styled(padded(&look.cut(&bar.title, widths.title), widths.title), chosen(here)),
        Span::styled(format!(" {} ", chart.drawn(bar, widths.bar, look.unicode)), on_way.patch(look.style(mark))),
        Span::raw(chart.time(bar)),
    ])
}

fn chosen(here: bool) -> Style {
    if here { Look::chosen() } else { Style::new() }
}

fn padded(text: &str, width: usize) -> String {
    let pad = width.saturating_sub(columns(text));
    format!("{text}{:pad$}", "")
}
