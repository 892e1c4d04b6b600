//! The moving part of a terminal: a few lines below all that stays, drawn anew in place.
//!
//! A terminal that is made narrower breaks the lines that were drawn wider, so what has to be taken away is counted anew at
//! each drawing, with the width of now.

use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

/// Lengths of the lines that stand below what stays, in characters.
static DRAWN: Mutex<Vec<usize>> = Mutex::new(Vec::new());

/// How much there is to draw on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) width: usize,
    pub(crate) height: usize,
}

/// One line of the moving part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Without colours.
    pub(crate) text: String,
    /// Whether somebody has to do something.
    pub(crate) urgent: bool,
}

/// The size of the terminal behind standard error, or the one that every terminal has at least.
pub(crate) fn size() -> Size {
    let told = rustix::termios::tcgetwinsize(std::io::stderr()).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
    told.map_or(Size { width: 80, height: 24 }, |size| Size {
        width: usize::from(size.ws_col),
        height: usize::from(size.ws_row),
    })
}

/// How wide a line may be that goes there: as wide as the terminal, and as wide as it likes elsewhere.
pub(crate) fn width(out: impl std::os::fd::AsFd) -> Option<usize> {
    let told = rustix::termios::tcgetwinsize(out).ok()?;
    Some(usize::from(told.ws_col)).filter(|width| *width > 0)
}

/// Writes what stays, and below it the moving part as it is now. Everything goes out at once, so that nothing flickers.
pub(crate) fn show(stays: Option<&str>, moves: &[Line], colour: impl Fn(&Line) -> String) {
    let mut drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut out = if drawn.is_empty() { String::new() } else { erasure(&drawn, size().width) };
    if let Some(stays) = stays {
        out.push_str(&super::fold::fold(&super::place::placed(stays), width(std::io::stderr())));
        out.push('\n');
    }
    for line in moves {
        out.push_str(&colour(line));
        out.push('\n');
    }
    *drawn = moves.iter().map(|line| line.text.chars().count()).collect();
    // Nobody is left to be told that the terminal has gone away.
    let _ = std::io::stderr().write_all(out.as_bytes());
}

/// What takes these lines away: up to the first of them, and clear from there.
fn erasure(drawn: &[usize], width: usize) -> String {
    let rows: usize = drawn.iter().map(|length| length.div_ceil(width.max(1)).max(1)).sum();
    format!("\x1b[{rows}A\r\x1b[0J")
}

#[cfg(test)]
mod tests {
    use super::erasure;

    #[test]
    fn lines_that_a_narrower_terminal_broke_are_taken_away_whole() {
        assert_eq!(erasure(&[79, 10, 0], 80), "\x1b[3A\r\x1b[0J");
        assert_eq!(erasure(&[79, 10, 0], 40), "\x1b[4A\r\x1b[0J");
        assert_eq!(erasure(&[79, 60], 20), "\x1b[7A\r\x1b[0J");
    }
}
