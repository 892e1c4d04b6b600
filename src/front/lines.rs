//! Questions on a terminal that knows no escape sequences (`TERM=dumb`): a line with the question, and a line that is read.

use std::io::{BufRead as _, Write as _};
use std::sync::OnceLock;

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use seaworthy::error::Class;

use super::failure::Failure;
use super::say;

/// Whether the terminal is such a one.
static DUMB: OnceLock<bool> = OnceLock::new();

/// Said once, by whoever has read the environment.
pub(crate) fn set(dumb: bool) {
    DUMB.get_or_init(|| dumb);
}

pub(super) fn is_dumb() -> bool {
    DUMB.get().copied().unwrap_or(false)
}

/// A line of text; `None` when nothing comes any more.
pub(super) fn line(question: &str) -> std::io::Result<Option<String>> {
    say(question);
    let mut text = String::new();
    let read = std::io::stdin().lock().read_line(&mut text)?;
    Ok((read > 0).then(|| text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// The same without showing what is typed.
fn hidden(question: &str) -> std::io::Result<Option<String>> {
    let input = std::io::stdin();
    let before = tcgetattr(&input)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&input, OptionalActions::Now, &silent)?;
    let answer = line(question);
    tcsetattr(&input, OptionalActions::Now, &before)?;
    // The end of the line was not shown either.
    let _ = writeln!(std::io::stderr());
    answer
}

/// Asks until the answer is right; `wrong` says what is wrong with one.
pub(super) fn right(
    question: &str,
    is_secret: bool,
    wrong: impl Fn(&str) -> Option<String>,
) -> Result<String, Failure> {
    loop {
        let read = if is_secret { hidden(question) } else { line(question) };
        let answer = read.map_err(|error| {
            let message = format!("the question could not be asked: {error}");
            Failure::input("cannot-ask", message, "name a stack and add --yes")
        })?;
        let Some(answer) = answer else {
            return Err(Failure::new("declined", Class::Declined, "left; nothing was written", None));
        };
        match wrong(&answer) {
            None => return Ok(answer),
            Some(why) => say(format!("  {why}")),
        }
    }
}

/// Yes or no; nothing typed means the usual.
pub(super) fn whether(question: &str, usual: bool) -> Result<bool, Failure> {
    let question = format!("{question} [{}]", if usual { "Y/n" } else { "y/N" });
    let answer = right(&question, false, |text| yes(text, usual).is_none().then(|| "answer y or n".to_owned()))?;
    Ok(yes(&answer, usual).unwrap_or(usual))
}

pub(super) fn yes(text: &str, usual: bool) -> Option<bool> {
    match text.trim().to_lowercase().as_str() {
        "" => Some(usual),
        "y" | "yes" => Some(true),
        "n" | "no" => Some(false),
        _ => None,
    }
}

/// The number of one of some lines, by its number or by a part of it that no other has.
pub(super) fn choose(question: &str, lines: &[String], usual: usize) -> Result<usize, Failure> {
    for (number, line) in lines.iter().enumerate() {
        say(format!("{:>3}  {line}", number + 1));
    }
    let question = format!("{question} (a number or a part of a line; nothing: {})", usual + 1);
    let wrong = |text: &str| {
        meant(lines, text, usual)
            .is_none()
            .then(|| format!("there are 1 to {}, and no line has just this", lines.len()))
    };
    let answer = right(&question, false, wrong)?;
    Ok(meant(lines, &answer, usual).unwrap_or(usual))
}

fn meant(lines: &[String], text: &str, usual: usize) -> Option<usize> {
    let text = text.trim().to_lowercase();
    if text.is_empty() {
        return Some(usual);
    }
    if let Ok(number) = text.parse::<usize>() {
        return number.checked_sub(1).filter(|index| *index < lines.len());
    }
    let mut fits = (0..lines.len()).filter(|index| lines[*index].to_lowercase().contains(&text));
    fits.next().filter(|_| fits.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_meant_by_its_number_or_a_part_that_is_its_own() {
        let lines = ["hello 1.0", "geodata 2.0", "hello-again"].map(str::to_owned);
        for (text, expected) in
            [("", Some(1)), ("1", Some(0)), ("4", None), ("0", None), ("geo", Some(1)), ("hello", None)]
        {
            assert_eq!(meant(&lines, text, 1), expected, "{text}");
        }
        assert_eq!(
            ["", "Y", "no", "perhaps"].map(|text| yes(text, false)),
            [Some(false), Some(true), Some(false), None]
        );
    }
}
