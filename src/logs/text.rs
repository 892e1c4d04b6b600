//! Lines of logs as a terminal may show them. Pure.

use jiff::Timestamp;

use crate::object::printable;

/// The line without escape sequences (colours, titles, movements of the cursor); what is left of control characters is a `?`, and
/// tabs are blanks.
pub fn plain(line: &str) -> String {
    let mut kept = String::with_capacity(line.len());
    let mut rest = line.trim_end_matches('\r').chars();
    while let Some(letter) = rest.next() {
        match letter {
            '\u{1b}' => match rest.clone().next() {
                Some('[') => skip_control(&mut rest),
                Some(']' | 'P' | 'X' | '^' | '_') => skip_string(&mut rest),
                // Two letters, or one between them that names a set of characters.
                Some('(' | ')' | '*' | '+' | '#' | '%') => drop(rest.nth(1)),
                Some(_) => drop(rest.next()),
                None => {}
            },
            '\u{9b}' => skip_control(&mut rest),
            '\u{90}' | '\u{9d}' => skip_string(&mut rest),
            '\t' => kept.push_str("    "),
            letter => kept.push(letter),
        }
    }
    printable(&kept).replace('\n', " ")
}

/// Parameters, and the letter that ends them.
fn skip_control(rest: &mut std::str::Chars<'_>) {
    let mut ahead = rest.clone();
    if ahead.clone().next() == Some('[') {
        ahead.next();
    }
    for letter in ahead.by_ref() {
        match letter {
            '\u{40}'..='\u{7e}' => break,
            '\u{20}'..='\u{3f}' => {}
            // It is none: what follows is text again.
            _ => return,
        }
    }
    *rest = ahead;
}

/// Up to its end, or to the end of the line.
fn skip_string(rest: &mut std::str::Chars<'_>) {
    while let Some(letter) = rest.next() {
        match letter {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => {
                rest.next();
                return;
            }
            _ => {}
        }
    }
}

/// With `timestamps=true` each line begins with its time.
pub(crate) fn split_time(line: &str) -> (Option<Timestamp>, &str) {
    match line.split_once(' ') {
        Some((time, rest)) => time.parse().map_or((None, line), |time| (Some(time), rest)),
        None => line.parse().map_or((None, line), |time| (Some(time), "")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_taken_out_and_the_text_stays() {
        let table = [
            ("\u{1b}[31mred\u{1b}[0m text", "red text"),
            ("\u{1b}[38;2;1;2;3mtrue", "true"),
            ("\u{1b}]0;title\u{7}after", "after"),
            ("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("\u{1b}[2J\u{1b}[Hcleared", "cleared"),
            ("\u{1b}(Bcharset", "charset"),
            ("\u{9b}1mc1", "c1"),
            ("50%\rdone\r", "50%?done"),
            ("a\tb\u{7}", "a    b?"),
            ("\u{1b}", ""),
            ("\u{1b}[", ""),
            ("\u{1b}]never ends", ""),
            ("日本語", "日本語"),
        ];
        for (line, wanted) in table {
            assert_eq!(plain(line), wanted, "{line:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_gets_through(line in "(\u{1b}|\u{9b}|\\[|\\]|[0-9;]|m|x|\u{7}|\\PC){0,40}") {
            let shown = plain(&line);
            proptest::prop_assert!(!shown.contains(|c: char| c.is_control()), "{shown:?}");
        }
    }

    #[test]
    fn the_time_of_a_line_is_no_part_of_it() {
        let (at, text) = split_time("2026-11-20T10:00:00.123456789Z import finished");
        assert_eq!((at.map(Timestamp::as_second), text), (Some(1_795_168_800), "import finished"));
        assert_eq!(split_time("no time here"), (None, "no time here"));
        assert_eq!(split_time("word"), (None, "word"));
        let (at, text) = split_time("2026-11-20T10:00:00Z");
        assert!(at.is_some() && text.is_empty(), "an empty line");
    }
}
