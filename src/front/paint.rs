//! Colours that only underline what the words say already, and texts cut to a width.

/// Whether to use colours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint(pub(crate) bool);

impl Paint {
    fn wrap(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.wrap("32", text)
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.wrap("31", text)
    }

    pub(crate) fn careful(self, text: &str) -> String {
        self.wrap("33", text)
    }

    pub(crate) fn faint(self, text: &str) -> String {
        self.wrap("2", text)
    }

    pub(crate) fn strong(self, text: &str) -> String {
        self.wrap("1", text)
    }
}

/// The text in one line, with nothing that moves the cursor.
pub(crate) fn one_line(text: &str) -> String {
    seaworthy::object::printable(text).replace(['\n', '\t'], " ")
}

/// The text in one line of at most `width` characters.
pub(crate) fn cut(text: &str, width: usize) -> String {
    let line = one_line(text);
    if line.chars().count() <= width {
        return line;
    }
    let kept: String = line.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// The text in lines of at most `width` characters, broken between words where that can be.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines: Vec<String> = Vec::new();
    for word in seaworthy::object::printable(text).split_whitespace() {
        match lines.last_mut() {
            Some(line) if length(line) + 1 + length(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => {
                let letters: Vec<char> = word.chars().collect();
                lines.extend(letters.chunks(width).map(|part| part.iter().collect::<String>()));
            }
        }
    }
    lines
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// The same, but what stands in backquotes stays in one line, however long: a command that is broken over two cannot be pasted.
pub(crate) fn wrap_around_commands(text: &str, width: usize) -> Vec<String> {
    let text = seaworthy::object::printable(text);
    let mut pieces: Vec<String> = Vec::new();
    let mut is_open = false;
    for word in text.split_whitespace() {
        match pieces.last_mut().filter(|_| is_open) {
            Some(piece) => *piece = format!("{piece} {word}"),
            None => pieces.push(word.to_owned()),
        }
        is_open ^= word.matches('`').count() % 2 == 1;
    }
    let mut lines: Vec<String> = Vec::new();
    for piece in pieces {
        match lines.last_mut() {
            Some(line) if length(line) + 1 + length(&piece) <= width => *line = format!("{line} {piece}"),
            _ if piece.contains('`') => lines.push(piece),
            _ => lines.extend(wrap(&piece, width)),
        }
    }
    lines
}

/// `1.2 s`, `350 ms`, `2 min 5 s`.
pub(crate) fn time(millis: u64) -> String {
    match millis {
        0..1000 => format!("{millis} ms"),
        1000..60_000 => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        _ => format!("{} min {} s", millis / 60_000, millis % 60_000 / 1000),
    }
}

/// The same in whole seconds, for what moves: `5 s`, `2 min 5 s`.
pub(crate) fn whole_time(millis: u64) -> String {
    match millis / 1000 {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// `1 step`, `2 steps`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Columns, each as wide as its widest cell; the last is not padded.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(head.get(column).map(|cell| cell.chars().count())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let body = rows.iter().map(|row| line(row.iter().map(String::as_str).collect()));
    std::iter::once(line(head.to_vec())).chain(body).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_to_one_line() {
        assert_eq!(cut("a\nb", 10), "a b");
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(wrap("a bc  def ghijklm", 4), ["a bc", "def", "ghij", "klm"]);
        assert_eq!(wrap_around_commands("do `a b c d`, ab cdefgh", 6), ["do", "`a b c d`,", "ab", "cdefgh"]);
        assert_eq!(time(999), "999 ms");
        assert_eq!(time(61_500), "1 min 1 s");
        assert_eq!([900, 5900, 65_000, 300_000].map(whole_time), ["0 s", "5 s", "1 min 5 s", "5 min"]);
        assert_eq!(table(&["A", "LONG"], &[vec!["xx".into(), "y".into()]]), "A   LONG\nxx  y");
    }
}
