//! Long lines on a terminal: broken between words, below where their text begins.
//!
//! A terminal breaks them inside of words. What is to be copied is left to it all the same: a command that it broke is one
//! line again when it is pasted, and one that we broke would be two.

/// A line that leaves less room than this for its text is left to the terminal.
const LEAST: usize = 20;
/// Labels that the text of a line is put behind are shorter than this.
const LABEL: usize = 24;
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
    for (gap, word) in words(text) {
        let wide = length(word);
        if column + gap + wide > width && column > indent {
            folded.push('\n');
            folded.push_str(&" ".repeat(indent));
            column = indent;
        } else {
            folded.push_str(&" ".repeat(gap));
            column += gap;
        }
        folded.push_str(word);
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

/// Words with the blanks in front of each; what is to be copied whole is one.
fn words(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let word = rest.trim_start_matches(' ');
        let gap = rest.len() - word.len();
        let whole =
            if begins_command(text.len() - word.len(), text) { word.trim_end().len() } else { word_length(word) };
        if whole > 0 {
            found.push((gap, &word[..whole]));
        }
        rest = &word[whole..];
    }
    found
}

/// Whether a command begins here that goes on to the end of the line: at its start, or behind a label.
fn begins_command(at: usize, text: &str) -> bool {
    let before = &text[..at];
    let apart = before.is_empty() || before.ends_with("  ") || before.ends_with(": ");
    let first = bare(&text[at..]);
    apart && PROGRAMS.contains(&first.split(' ').next().unwrap_or_default())
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
        let command = "next: kubectl get pods --namespace sea --selector app=web --output wide";
        assert_eq!(folded(command, 40).len(), 1);
        let hint = "the node is full: run `docker system prune --all --force` and look again";
        assert_eq!(
            folded(hint, 50),
            ["the node is full: run", "  `docker system prune --all --force` and look", "  again"]
        );
        assert_eq!(folded("  sudo sysctl fs.inotify.max_user_watches=524288 now", 30).len(), 1);
    }

    #[test]
    fn colours_take_no_room() {
        let painted = "\x1b[32mok  \x1b[0m create Deployment/web \x1b[2m1.2 s\x1b[0m";
        assert_eq!(folded(painted, 32).len(), 1);
        assert_eq!(folded(painted, 28), ["\x1b[32mok  \x1b[0m create Deployment/web", "     \x1b[2m1.2 s\x1b[0m"]);
    }
}
