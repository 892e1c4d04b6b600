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

/// Agrees only to the very word.
fn typed(question: &str, word: &str) -> color_eyre::Result<Answer> {
    let help = format!("type {word} to agree");
    if lines::is_dumb() {
        let answer = attended(|| lines::line(&format!("{question} ({help})")))?;
        return Ok(if answer.is_some_and(|text| text.trim() == word) { Answer::Yes } else { Answer::No });
    }
    match attended(|| Text::new(question).with_help_message(&help).prompt()) {
        Ok(text) if text.trim() == word => Ok(Answer::Yes),
        Ok(_) => Ok(Answer::No),
        Err(error) => ended(error),
    }
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
