//! Long lines on a terminal: broken between words, below where their text begins.
//!
//! A terminal breaks them inside of words. What is to be copied stays whole where it has room in a line; a command that is longer is
//! broken as a shell has it, with a backslash, and is one when it is pasted.

/// A line that leaves less room than this for its text is left to the terminal.
const LEAST: usize = 20;
/// Labels that the text of a line is put behind are shorter than this.
const LABEL: usize = 24;
/// What a line of a command ends with that goes on in the next.
const GOES_ON: &str = " \\";
/// What a command to be copied begins with.
const PROGRAMS: [&str; 12] =
    ["seaworthy", "kubectl", "sudo", "helm", "docker", "podman", "kind", "k3s", "systemctl", "curl", "echo", "crictl"];

/// The text with every line that is wider than `width` broken; unchanged where no width is known.
pub(crate) fn fold(text: &str, width: Option<usize>) -> String {
    let Some(width) = width else { return text.to_owned() };
    text.split('\n').map(|line| fold_line(line, width)).collect::<Vec<_>>().join("\n")
}

fn fold_line(line: &str, width: usize) -> String {
    let indent = text_column(line);
    if length(line) <= width || width < indent + LEAST {
        return line.to_owned();
    }
    let (head, text) = line.split_at(line.len() - line.trim_start_matches(' ').len());
    let (mut folded, mut column) = (head.to_owned(), head.len());
    for Word { gap, text, of_command } in words(text, width - indent) {
        let wide = length(text);
        let room = if of_command { width - GOES_ON.len() } else { width };
        if column + gap + wide > room && column > indent {
            // A command that goes on says so, and is one when it is pasted.
            folded.push_str(if of_command && !begins_program(text) { GOES_ON } else { "" });
            folded.push('\n');
            folded.push_str(&" ".repeat(indent));
            column = indent;
        } else {
            folded.push_str(&" ".repeat(gap));
            column += gap;
        }
        folded.push_str(text);
        column += wide;
    }
    folded
}

/// Where the text of a line begins: behind its label (`    why:   `, `  seen        `, `error: `), else a little further in
/// than the line itself.
fn text_column(line: &str) -> usize {
    let plain = bare(line);
    let start = plain.len() - plain.trim_start_matches(' ').len();
    let text = &plain[start..];
    let label = text.find("  ").into_iter().chain(text.find(": ").map(|at| at + 1)).min();
    let behind = label.filter(|at| *at < LABEL && !text[..*at].trim_end_matches(':').contains("  "));
    match behind {
        Some(at) if text[..at].split(' ').count() <= 2 => {
            start + at + (text[at..].len() - text[at..].trim_start_matches(' ').len())
        }
        _ => start + 2,
    }
}

/// What is not broken, with the blanks in front of it.
struct Word<'a> {
    gap: usize,
    text: &'a str,
    /// It is a part of a command that is longer than a line.
    of_command: bool,
}

/// The words of a text; what is to be copied whole is one, as long as it has room in a line.
fn words(text: &str, room: usize) -> Vec<Word<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let word = rest.trim_start_matches(' ');
        let gap = rest.len() - word.len();
        let is_command = begins_command(text.len() - word.len(), text);
        let whole = &word[..if is_command { word.trim_end().len() } else { word_length(word) }];
        rest = &word[whole.len()..];
        if length(whole) <= room {
            found.extend((!whole.is_empty()).then_some(Word { gap, text: whole, of_command: false }));
            continue;
        }
        let of_command = is_command || begins_program(whole);
        let parts = parts(whole).enumerate();
        found.extend(parts.map(|(number, (blanks, text))| Word {
            gap: if number == 0 { gap } else { blanks },
            text,
            of_command,
        }));
    }
    found
}

/// A text at its blanks, but for those that a shell takes as a part of a word; with the blanks in front of each part.
fn parts(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let word = rest.trim_start_matches(' ');
        let gap = rest.len() - word.len();
        let mut quote = None;
        let end = word.char_indices().find(|(_, letter)| {
            quote = match (quote, letter) {
                (None, '\'' | '"') => Some(*letter),
                (Some(open), letter) if open == *letter => None,
                (quote, _) => quote,
            };
            *letter == ' ' && quote.is_none()
        });
        let (part, after) = word.split_at(end.map_or(word.len(), |(at, _)| at));
        rest = after;
        (!part.is_empty()).then_some((gap, part))
    })
}

/// Whether the first word of a text is a program, behind a backquote or not.
fn begins_program(text: &str) -> bool {
    let plain = bare(text);
    PROGRAMS.contains(&plain.trim_start_matches('`').split(' ').next().unwrap_or_default())
}

/// Whether a command begins here that goes on to the end of the line: at its start, or behind a label.
fn begins_command(at: usize, text: &str) -> bool {
    let before = &text[..at];
    let apart = before.is_empty() || before.ends_with("  ") || before.ends_with(": ");
    apart && !text[at..].starts_with('`') && begins_program(&text[at..])
}

/// Up to the next blank that is not between two backquotes.
fn word_length(word: &str) -> usize {
    let mut quoted = false;
    for (at, letter) in word.char_indices() {
        match letter {
            '`' => quoted = !quoted && word[at + 1..].contains('`'),
            ' ' if !quoted => return at,
            _ => {}
        }
    }
    word.len()
}

/// Characters that take a place on the screen.
fn length(text: &str) -> usize {
    bare(text).chars().count()
}

/// The text without colours.
fn bare(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("\x1b[") {
        plain.push_str(&rest[..at]);
        rest = rest[at..].split_once('m').map_or("", |(_, rest)| rest);
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str, width: usize) -> Vec<String> {
        fold(text, Some(width)).split('\n').map(str::to_owned).collect()
    }

    #[test]
    fn lines_break_between_words_below_their_text() {
        let said = folded("    why:  the volume is on a node that is gone", 30);
        assert_eq!(said, ["    why:  the volume is on a", "          node that is gone"]);
        assert_eq!(
            folded("error: nothing answers at this address", 28),
            ["error: nothing answers at", "       this address"]
        );
        assert_eq!(folded("one two three four five six", 22), ["one two three four", "  five six"]);
        assert_eq!(folded("  + create Deployment/web of sea", 24), ["  + create", "    Deployment/web of", "    sea"]);
    }

    #[test]
    fn what_fits_and_what_goes_to_a_file_is_left() {
        assert_eq!(folded("a  b   c", 80), ["a  b   c"]);
        let long = "word ".repeat(50);
        assert_eq!(fold(&long, None), long);
        assert_eq!(fold(&long, Some(10)), long, "no room for words");
    }

    #[test]
    fn commands_stay_whole() {
        let command = "next: kubectl get pods --selector app=web";
        assert_eq!(folded(command, 41).len(), 1);
        let hint = "the node is full: run `docker system prune --all --force` and look again";
        assert_eq!(
            folded(hint, 50),
            ["the node is full: run", "  `docker system prune --all --force` and look", "  again"]
        );
        assert_eq!(folded("  sudo sysctl fs.inotify.max_user_watches=524288 now", 52).len(), 1);
    }

    #[test]
    fn what_is_longer_than_a_line_breaks_at_blanks() {
        assert_eq!(
            folded("next: kubectl get pods --namespace sea --selector app=web --output wide", 40),
            ["next: kubectl get pods --namespace sea \\", "      --selector app=web --output wide"]
        );
        let quoted = folded("  seaworthy install shop --set 'greeting=good day to all of you' --dry-run", 40);
        assert_eq!(
            quoted,
            ["  seaworthy install shop --set \\", "    'greeting=good day to all of you' \\", "    --dry-run"]
        );
        assert_eq!(
            folded("look at `a text that is longer than any line of it` again", 30),
            ["look at `a text that is longer", "  than any line of it` again"]
        );
        assert_eq!(
            folded("do: run `seaworthy prerequisites install metallb --pool 10.0.0.1-10.0.0.9`", 34),
            ["do: run `seaworthy prerequisites \\", "    install metallb --pool \\", "    10.0.0.1-10.0.0.9`"]
        );
        for line in folded(&"very-long-words-without-a-blank ".repeat(4), 33) {
            assert!(line.trim().split(' ').all(|word| word == "very-long-words-without-a-blank"), "{line}");
        }
    }

    #[test]
    fn colours_take_no_room() {
        let painted = "\x1b[32mok  \x1b[0m create Deployment/web \x1b[2m1.2 s\x1b[0m";
        assert_eq!(folded(painted, 32).len(), 1);
        assert_eq!(folded(painted, 28), ["\x1b[32mok  \x1b[0m create Deployment/web", "     \x1b[2m1.2 s\x1b[0m"]);
    }
}
