//! Questions one after the other, on plain lines.

use inquire::validator::Validation;
use inquire::{Confirm, InquireError, Password, PasswordDisplayMode, Select, Text};
use seaworthy::error::Class;
use seaworthy::stack::{Fault, Severity};

use super::form::Form;
use super::say;
use crate::cli::Failure;

/// One of some texts.
pub(crate) fn select(question: &str, texts: Vec<String>, usual: usize) -> Result<String, Failure> {
    Select::new(question, texts).with_starting_cursor(usual).prompt().map_err(ended)
}

/// The number of one of some lines.
pub(crate) fn choose(question: &str, lines: &[String], usual: usize) -> Result<usize, Failure> {
    if lines.is_empty() {
        return Ok(0);
    }
    let chosen = Select::new(question, lines.to_vec()).with_starting_cursor(usual).raw_prompt().map_err(ended)?;
    Ok(chosen.index)
}

/// A line of text, which may be empty.
pub(crate) fn text(question: &str) -> Result<String, Failure> {
    Text::new(question).prompt().map(|text| text.trim().to_owned()).map_err(ended)
}

/// A line of text that is not empty.
pub(crate) fn some_text(question: &str) -> Result<String, Failure> {
    let asked = Text::new(question).with_validator(|text: &str| Ok(not_empty(text)));
    asked.prompt().map(|text| text.trim().to_owned()).map_err(ended)
}

/// A text that is not shown, and not empty.
pub(crate) fn password(question: &str) -> Result<String, Failure> {
    let asked = Password::new(question).with_display_mode(PasswordDisplayMode::Masked).without_confirmation();
    asked.with_validator(|text: &str| Ok(not_empty(text))).prompt().map_err(ended)
}

fn not_empty(text: &str) -> Validation {
    if text.trim().is_empty() { Validation::Invalid("is required".into()) } else { Validation::Valid }
}

/// What is required, each until it is right; then whatever else the person wants to set.
pub(crate) fn settings(form: &mut Form) -> Result<(), Failure> {
    let required: Vec<usize> = numbers(form, |form, index| form.settings()[index].required);
    for index in required {
        one(form, index)?;
    }
    loop {
        for fault in form.other_faults() {
            say(fault.to_string());
        }
        let (errors, first) = form.errors();
        match first {
            Some(index) => one(form, index)?,
            None if errors > 0 => {
                let hint = "mend them in the values file, or choose another stack or profile";
                return Err(Failure::input("bad-value", format!("{errors} faults cannot be mended here"), hint));
            }
            None if !more()? => return Ok(()),
            None => {
                let paths: Vec<String> = form.settings().iter().map(|setting| setting.path.clone()).collect();
                let index = choose("Which setting? (type a part of its name)", &paths, 0)?;
                one(form, index)?;
            }
        }
    }
}

fn more() -> Result<bool, Failure> {
    Confirm::new("Change another setting? All have defaults.").with_default(false).prompt().map_err(ended)
}

fn numbers(form: &Form, which: impl Fn(&Form, usize) -> bool) -> Vec<usize> {
    (0..form.settings().len()).filter(|index| which(form, *index)).collect()
}

/// Asks for one setting; what the schema says is wrong is said at once, and it is asked again.
fn one(form: &mut Form, index: usize) -> Result<(), Failure> {
    let setting = form.settings()[index].clone();
    let title = setting.title.clone().unwrap_or_else(|| setting.path.clone());
    let help = setting.description.clone().unwrap_or_else(|| setting.kind.clone());
    let trial = form.clone();
    let judge = move |text: &str| {
        let mut trial = trial.clone();
        trial.put(index, text);
        let wrong = |fault: &&Fault| fault.severity == Severity::Error;
        let first = trial.faults_of(index).find(wrong).map(|fault| fault.message.clone());
        Ok(first.map_or(Validation::Valid, |message| Validation::Invalid(message.into())))
    };
    let text = if setting.secret {
        let password = Password::new(&title).with_help_message(&help).with_display_mode(PasswordDisplayMode::Masked);
        password.without_confirmation().with_validator(judge).prompt().map_err(ended)?
    } else {
        let usual = form.editable(index);
        let text = Text::new(&title).with_help_message(&help).with_validator(judge);
        if usual.is_empty() { text.prompt() } else { text.with_initial_value(&usual).prompt() }.map_err(ended)?
    };
    form.put(index, &text);
    Ok(())
}

fn ended(error: InquireError) -> Failure {
    match error {
        InquireError::OperationCanceled => Failure::new("declined", Class::Declined, "left; nothing was written", None),
        InquireError::OperationInterrupted => {
            Failure::new("interrupted", Class::Interrupted, "interrupted; nothing was written", None)
        }
        other => Failure::input(
            "cannot-ask",
            format!("the question could not be asked: {other}"),
            "name a stack and add --yes",
        ),
    }
}
