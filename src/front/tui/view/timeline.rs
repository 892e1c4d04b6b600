//! A run over its time.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::List;
use super::run::{end_words, step_words};
use crate::front::look::{Look, columns};
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

/// A line each for the time, every step, what was said beside them, and what the marks mean.
pub(super) fn list(model: &Model, width: usize) -> List {
    let Some(board) = &model.board else { return List { lines: Vec::new(), cursor: 0 } };
    let look = model.look;
    let chart = chart(model, board);
    let longest = chart.longest();
    let cursor_width = columns(look.cursor(true));
    let title = (width / 3).clamp(TITLE.0, TITLE.1);
    let room = width.saturating_sub(cursor_width + MARK + 2 + title + 1 + TIME).max(4);
    let indent = cursor_width + MARK + 2 + title + 1;
    let axis = Span::styled(format!("{:indent$}{}", "", chart.axis(room)), Look::faint());
    let (mut lines, mut cursor) = (vec![Line::from(axis)], 0);
    for (index, post) in board.posts().enumerate() {
        let here = index == board.at();
        if here {
            cursor = lines.len();
        }
        let style = if here { Look::chosen() } else { Style::new() };
        let pointer = Span::raw(look.cursor(here));
        let Post::Step(step) = post else {
            let (mark, text, tail) = match post {
                Post::Notice(number) => {
                    (board.notices[number].mark(), board.notices[number].text.clone(), String::new())
                }
                _ => end_words(model, board),
            };
            let text = look.cut(&format!("{text}{tail}"), width.saturating_sub(cursor_width + MARK));
            let sign = Span::styled(format!("{:<MARK$}", look.mark(mark, model.clock)), look.style(mark));
            lines.push(Line::from(vec![pointer, sign, Span::styled(text, style)]));
            continue;
        };
        let (mark, ..) = step_words(model, &board.rows[step], width);
        let (bar, sign) = (&chart.bars[step], look.mark(mark, model.clock));
        let star = if longest[step] { "* " } else { "  " };
        let drawn = chart.drawn(bar, room, look.unicode);
        let on_way = if longest[step] { Look::strong() } else { Style::new() };
        lines.push(Line::from(vec![
            pointer,
            Span::styled(format!("{sign:<MARK$}"), look.style(mark)),
            Span::styled(star, Look::strong()),
            Span::styled(padded(&look.cut(&bar.title, title), title), style),
            Span::styled(format!(" {drawn} "), on_way.patch(look.style(mark))),
            Span::raw(chart.time(bar)),
        ]));
    }
    lines.push(Line::styled(look.cut(&Chart::legend(look.unicode), width), Look::faint()));
    List { lines, cursor }
}

fn padded(text: &str, width: usize) -> String {
    let pad = width.saturating_sub(columns(text));
    format!("{text}{:pad$}", "")
}
