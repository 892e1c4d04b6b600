//! Text from elsewhere (tools, servers, files), made safe to show.

/// The most characters kept of what somebody else said.
const LONGEST: usize = 300;

/// One line without terminal sequences, control characters and direction overrides, at most 300 characters.
///
/// Whitespace, newlines included, becomes single spaces, so that a few lines of an error fit one field.
pub(crate) fn clean(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text.chars();
    let mut length = 0;
    while let Some(character) = rest.next() {
        if length == LONGEST {
            kept.push('…');
            break;
        }
        if character == '\u{1b}' {
            skip_sequence(&mut rest);
        } else if character.is_whitespace() {
            if !kept.is_empty() && !kept.ends_with(' ') {
                kept.push(' ');
                length += 1;
            }
        } else if !character.is_control() && !is_invisible(character) {
            kept.push(character);
            length += 1;
        }
    }
    kept.truncate(kept.trim_end().len());
    kept
}

/// Consumes what follows an escape character: a CSI sequence to its final letter, an OSC string to its end, or one letter.
fn skip_sequence(rest: &mut std::str::Chars<'_>) {
    match rest.next() {
        Some('[') => {
            rest.find(|character| ('@'..='~').contains(character));
        }
        Some(']' | 'P' | '^' | '_' | 'X') => {
            // A string ends with a bell, or with an escape and the letter after it.
            let end = rest.find(|character| matches!(character, '\u{7}' | '\u{1b}' | '\u{9c}'));
            if end == Some('\u{1b}') {
                rest.next();
            }
        }
        _ => {}
    }
}

/// Characters that change how their neighbours look, or hide: direction marks and zero-width ones.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn sequences_and_controls_are_gone() {
        for (dirty, tidy) in [
            ("plain", "plain"),
            ("\u{1b}[1;31mred\u{1b}[0m", "red"),
            ("\u{1b}]0;title\u{7}text", "text"),
            ("\u{1b}]8;;http://x\u{1b}\\link", "link"),
            ("a\r\n  b\t\tc\n", "a b c"),
            ("bell\u{7}\u{0}", "bell"),
            ("\u{202e}evil", "evil"),
            ("\u{1b}", ""),
        ] {
            assert_eq!(clean(dirty), tidy, "{dirty:?}");
        }
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        let cut = clean(&"x".repeat(1000));
        assert_eq!(cut.chars().count(), 301);
        assert!(cut.ends_with('…'));
    }
}
