//! Questions to a person.

use inquire::{Confirm, InquireError, Text};

use super::attended::attended;
use super::lines;

/// What came of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Agreed.
    Yes,
    /// Not agreed, or Escape.
    No,
    /// Ctrl-C, or the terminal has gone away.
    Interrupted,
}

/// A question, whichever front end puts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Whether the plan that was just shown is to be run.
    Agree,
    /// Yes or no.
    Whether {
        /// The question.
        question: String,
    },
    /// Agreed to only by typing the very word.
    Typed {
        /// The question.
        question: String,
        /// The word.
        word: String,
    },
}

/// Puts a question, on the terminal.
pub(crate) fn put(ask: &Ask) -> color_eyre::Result<Answer> {
    match ask {
        Ask::Agree => confirm("Go ahead?"),
        Ask::Whether { question } => confirm(question),
        Ask::Typed { question, word } => typed(question, word),
    }
}

/// Yes or no; no is what an empty answer means.
fn confirm(question: &str) -> color_eyre::Result<Answer> {
    if lines::is_dumb() {
        let answer = attended(|| lines::line(&format!("{question} [y/N]")))?;
        return Ok(match answer {
            Some(text) if lines::yes(&text, false) == Some(true) => Answer::Yes,
            _ => Answer::No,
        });
    }
    match attended(|| Confirm::new(question).with_default(false).prompt()) {
        Ok(true) => Ok(Answer::Yes),
        Ok(false) => Ok(Answer::No),
        Err(error) => ended(error),
    }
}

/// How often a word may be typed: a slip is no answer.
const TRIES: usize = 3;

/// Agrees only to the very word. Nothing is no.
fn typed(question: &str, word: &str) -> color_eyre::Result<Answer> {
    let mut help = format!("type {word} to agree");
    for _ in 0..TRIES {
        let text = if lines::is_dumb() {
            attended(|| lines::line(&format!("{question} ({help})")))?.unwrap_or_default()
        } else {
            match attended(|| Text::new(question).with_help_message(&help).prompt()) {
                Ok(text) => text,
                Err(error) => return ended(error),
            }
        };
        match text.trim() {
            "" => return Ok(Answer::No),
            text if is_meant(text, question, word) => return Ok(Answer::Yes),
            text => help = format!("`{text}` is not it: type {word} to agree, or nothing to decline"),
        }
    }
    Ok(Answer::No)
}

/// Whether the word was typed, alone or with what stands before it in the question: `PersistentVolume/pvc-1` for `pvc-1`.
fn is_meant(text: &str, question: &str, word: &str) -> bool {
    let is_whole = text.strip_suffix(word).is_some_and(|kind| kind.ends_with('/'));
    text == word
        || is_whole && question.split_whitespace().any(|part| part.trim_end_matches([',', '.', ';', ':', '?']) == text)
}

fn ended(error: InquireError) -> color_eyre::Result<Answer> {
    match error {
        InquireError::OperationCanceled => Ok(Answer::No),
        InquireError::OperationInterrupted => {
            super::questions::clear_below();
            Ok(Answer::Interrupted)
        }
        // Whatever the library makes of it: it may say that there never was one.
        _ if super::terminal_is_gone() => Ok(Answer::Interrupted),
        other => Err(other.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_may_be_typed_as_the_question_has_it() {
        let question = "delete PersistentVolume/pvc-1, its bytes are kept?";
        for (text, meant) in [
            ("pvc-1", true),
            ("PersistentVolume/pvc-1", true),
            ("PersistentVolume/pvc-2", false),
            ("Claim/pvc-1", false),
            ("vc-1", false),
            ("xpvc-1", false),
        ] {
            assert_eq!(is_meant(text, question, "pvc-1"), meant, "{text}");
        }
    }
}
