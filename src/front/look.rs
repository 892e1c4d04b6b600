//! How things look: colours that only underline what marks and words say, and marks for terminals without Unicode.

use ratatui::style::{Color, Modifier, Style};

/// What the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    /// Colours may be used (`NO_COLOR` is not set).
    pub(crate) colour: bool,
    /// The locale is UTF-8.
    pub(crate) unicode: bool,
}

/// The state of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// As it should be.
    Good,
    /// Wrong.
    Bad,
    /// To be looked at.
    Careful,
    /// Under way.
    Busy,
    /// Not begun, not known.
    Idle,
    /// Passed over.
    Skipped,
}

/// The moving mark of what is under way.
const SPINNER: [&str; 8] = ["⠋", "⠙", "⠸", "⠴", "⠦", "⠇", "⠏", "⠹"];
const PLAIN_SPINNER: [&str; 4] = ["|", "/", "-", "\\"];
/// How long one of its pictures stands, milliseconds.
const PICTURE: u64 = 125;

impl Look {
    /// The mark, at this time; four columns at most.
    pub(crate) fn mark(self, mark: Mark, clock: u64) -> &'static str {
        let turn = usize::try_from(clock / PICTURE).unwrap_or_default();
        match (mark, self.unicode) {
            (Mark::Good, true) => "✓",
            (Mark::Good, false) => "ok",
            (Mark::Bad, true) => "✗",
            (Mark::Bad, false) => "NO",
            (Mark::Careful, _) => "!",
            (Mark::Busy, true) => SPINNER[turn % SPINNER.len()],
            (Mark::Busy, false) => PLAIN_SPINNER[turn % PLAIN_SPINNER.len()],
            (Mark::Idle, true) => "·",
            (Mark::Idle, false) => ".",
            (Mark::Skipped, _) => "-",
        }
    }

    /// The style that goes with a mark.
    pub(crate) fn style(self, mark: Mark) -> Style {
        match mark {
            Mark::Good => self.coloured(Color::Green),
            Mark::Bad => self.coloured(Color::Red).add_modifier(Modifier::BOLD),
            Mark::Careful => self.coloured(Color::Yellow),
            Mark::Busy => self.coloured(Color::Cyan),
            Mark::Idle | Mark::Skipped => Self::faint(),
        }
    }

    fn coloured(self, colour: Color) -> Style {
        if self.colour { Style::new().fg(colour) } else { Style::new() }
    }

    /// What is beside the point.
    pub(crate) fn faint() -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// Headings, and where one is.
    pub(crate) fn strong() -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// Names of keys.
    pub(crate) fn key(self) -> Style {
        self.coloured(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    /// The line that the cursor is on.
    pub(crate) fn chosen() -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// The mark of the line that the cursor is on.
    pub(crate) fn cursor(self, here: bool) -> &'static str {
        match (here, self.unicode) {
            (true, true) => "▸ ",
            (true, false) => "> ",
            (false, _) => "  ",
        }
    }

    /// Between the steps of a way.
    pub(crate) fn arrow(self) -> &'static str {
        if self.unicode { " › " } else { " > " }
    }

    /// The same, where there is little room.
    pub(crate) fn tight_arrow(self) -> &'static str {
        if self.unicode { "› " } else { "> " }
    }

    /// An open or a closed group.
    pub(crate) fn fold(self, open: bool) -> &'static str {
        match (open, self.unicode) {
            (true, true) => "▾",
            (false, true) => "▹",
            // A plus is what a plan creates, and `>` the cursor.
            (true, false) => "[-]",
            (false, false) => "[+]",
        }
    }

    /// A line across.
    pub(crate) fn rule(self, width: u16) -> String {
        if self.unicode { "─" } else { "-" }.repeat(usize::from(width))
    }

    /// Text in one line of at most this many columns; control characters are gone.
    pub(crate) fn cut(self, text: &str, width: usize) -> String {
        let line = crate::front::paint::one_line(text);
        if columns(&line) <= width {
            return line;
        }
        let (end, room) = if self.unicode { ("…", 1) } else { ("..", 2) };
        let mut kept = String::new();
        for character in line.chars() {
            if columns(&kept) + columns(&character.to_string()) + room > width {
                break;
            }
            kept.push(character);
        }
        format!("{kept}{end}")
    }
}

/// How many columns of a terminal a text takes.
pub(crate) fn columns(text: &str) -> usize {
    ratatui::text::Span::raw(text).width()
}

/// The text in lines of at most `width` columns, broken between words where that can be; its own line ends stay.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in seaworthy::object::printable(text).lines() {
        wrap_line(paragraph, width.max(1), &mut lines);
    }
    lines
}

fn wrap_line(paragraph: &str, width: usize, lines: &mut Vec<String>) {
    let mut line = String::new();
    for word in paragraph.split_whitespace() {
        if !line.is_empty() && columns(&line) + 1 + columns(word) > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        for character in word.chars() {
            if columns(&line) + columns(&character.to_string()) > width {
                lines.push(std::mem::take(&mut line));
            }
            line.push(character);
        }
    }
    lines.push(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_keep_to_their_columns() {
        let look = Look { colour: true, unicode: true };
        assert_eq!(look.cut("日本語", 5), "日本…");
        assert_eq!(Look { unicode: false, ..look }.cut("abcdef", 5), "abc..");
        assert_eq!(look.cut("a\x1b[2Jb", 10), "a?[2Jb");
        assert_eq!(wrap("a bc  def ghijklm\nn", 4), ["a bc", "def", "ghij", "klm", "n"]);
        assert!(wrap("日本語 日本語", 5).iter().all(|line| columns(line) <= 5));
    }

    /// No meaning by colour alone: every mark is another text.
    #[test]
    fn marks_differ_without_colour() {
        for unicode in [true, false] {
            let look = Look { colour: false, unicode };
            let all = [Mark::Good, Mark::Bad, Mark::Careful, Mark::Busy, Mark::Idle, Mark::Skipped];
            let marks: std::collections::BTreeSet<_> = all.iter().map(|mark| look.mark(*mark, 0)).collect();
            assert_eq!(marks.len(), all.len());
            assert!(unicode || marks.iter().all(|mark| mark.is_ascii()));
            assert!(all.iter().all(|mark| look.style(*mark).fg.is_none()));
        }
    }
}
