//! Questions one after the other, on plain lines.

use crossterm::terminal::{Clear, ClearType};
use inquire::validator::Validation;
use inquire::{Confirm, InquireError, Password, PasswordDisplayMode, Select, Text};
use seaworthy::error::Class;
use seaworthy::stack::{Fault, FaultKind, Severity};

use super::attended::attended;
use super::form::Form;
use super::lines as plain;
use super::say;
use crate::front::failure::Failure;

/// The number of one of some lines.
pub(crate) fn choose(question: &str, lines: &[String], usual: usize) -> Result<usize, Failure> {
    if lines.is_empty() {
        return Ok(0);
    }
    if plain::is_dumb() {
        return attended(|| plain::choose(question, lines, usual));
    }
    // A list that begins elsewhere than at its top keeps its place, or it would lose it before anything is typed.
    let from_top = usual == 0;
    loop {
        let shown: Vec<String> = lines.iter().map(String::as_str).chain([NOTHING]).map(str::to_owned).collect();
        let score = |typed: &str, _: &String, line: &str, index: usize| score(lines, typed, line, index);
        let asked =
            Select::new(question, shown).with_scorer(&score).with_reset_cursor(from_top).with_starting_cursor(usual);
        let chosen = attended(|| asked.raw_prompt()).map_err(ended)?;
        if chosen.index < lines.len() {
            return Ok(chosen.index);
        }
    }
}

/// Stands in a list where nothing fits what was typed; chosen, it asks again.
const NOTHING: &str = "(nothing has this in it; Backspace takes letters back, Enter shows all again)";

/// How well a line fits what was typed; the last one, behind the lines, only when none of them does.
fn score(lines: &[String], typed: &str, line: &str, index: usize) -> Option<i64> {
    let usual = |index: usize, line: &str| Select::<&str>::DEFAULT_SCORER(typed, &line, line, index);
    if index < lines.len() {
        return usual(index, line);
    }
    let fits = lines.iter().enumerate().any(|(index, line)| usual(index, line).is_some());
    (!fits).then_some(0)
}

/// A line of text that begins as it is now; only what is optional may be empty.
pub(crate) fn text(question: &str, now: &str, is_optional: bool) -> Result<String, Failure> {
    if plain::is_dumb() {
        return dumb_text(question, now, |text| (!is_optional && text.trim().is_empty()).then(required));
    }
    let judge = move |text: &str| Ok(if is_optional { Validation::Valid } else { not_empty(text) });
    let asked = Text::new(question).with_validator(judge);
    let asked = if now.is_empty() { asked } else { asked.with_initial_value(now) };
    attended(|| asked.prompt()).map(|text| text.trim().to_owned()).map_err(ended)
}

/// A line of text of which is said what is wrong with it, and which is asked for until nothing is.
pub(crate) fn right_text(
    question: &str,
    wrong: impl Fn(&str) -> Option<String> + Clone + 'static,
) -> Result<String, Failure> {
    if plain::is_dumb() {
        return dumb_text(question, "", wrong);
    }
    let judge = move |text: &str| Ok(wrong(text).map_or(Validation::Valid, |why| Validation::Invalid(why.into())));
    attended(|| Text::new(question).with_validator(judge).prompt()).map(|text| text.trim().to_owned()).map_err(ended)
}

/// Yes or no.
pub(crate) fn whether(question: &str, usual: bool) -> Result<bool, Failure> {
    if plain::is_dumb() {
        return attended(|| plain::whether(question, usual));
    }
    attended(|| Confirm::new(question).with_default(usual).prompt()).map_err(ended)
}

/// A text that is not shown, and not empty.
pub(crate) fn password(question: &str) -> Result<String, Failure> {
    if plain::is_dumb() {
        return attended(|| plain::right(question, true, |text| text.trim().is_empty().then(required)));
    }
    let asked = Password::new(question).with_display_mode(PasswordDisplayMode::Masked).without_confirmation();
    attended(|| asked.with_validator(|text: &str| Ok(not_empty(text))).prompt()).map_err(ended)
}

/// Another one in the place of one that was typed before; `None`: that stays.
pub(crate) fn new_password(question: &str) -> Result<Option<String>, Failure> {
    if plain::is_dumb() {
        let text = attended(|| plain::right(&format!("{question} ({KEPT})"), true, |_| None))?;
        return Ok(Some(text).filter(|text| !text.trim().is_empty()));
    }
    let asked = Password::new(question).with_display_mode(PasswordDisplayMode::Masked).without_confirmation();
    let text = attended(|| asked.with_help_message(KEPT).prompt()).map_err(ended)?;
    Ok(Some(text).filter(|text| !text.trim().is_empty()))
}

/// What is said of a secret that was typed before.
const KEPT: &str = "there is one already: Enter keeps it, and what is typed replaces it";

fn required() -> String {
    "is required".to_owned()
}

/// A line on a terminal without escape sequences; nothing typed leaves it as it is now.
fn dumb_text(question: &str, now: &str, wrong: impl Fn(&str) -> Option<String>) -> Result<String, Failure> {
    let typed = |text: &str| if text.trim().is_empty() { now.to_owned() } else { text.trim().to_owned() };
    let question = if now.is_empty() { format!("{question}:") } else { format!("{question} [{now}]:") };
    attended(|| plain::right(&question, false, |text| wrong(&typed(text)))).map(|text| typed(&text))
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
    whether("Change another setting? All have defaults.", false)
}

fn numbers(form: &Form, which: impl Fn(&Form, usize) -> bool) -> Vec<usize> {
    (0..form.settings().len()).filter(|index| which(form, *index)).collect()
}

/// Asks for one setting; what the schema says is wrong is said at once, and it is asked again.
fn one(form: &mut Form, index: usize) -> Result<(), Failure> {
    let setting = form.settings()[index].clone();
    let title = setting.title.clone().unwrap_or_else(|| setting.path.clone());
    let help = setting.description.clone().unwrap_or_else(|| setting.kind.clone());
    let is_kept = setting.secret && form.is_typed(index);
    let help = if is_kept { KEPT.to_owned() } else { help };
    let trial = form.clone();
    let wrong = move |text: &str| {
        if is_kept && text.is_empty() {
            return None;
        }
        let mut trial = trial.clone();
        trial.put(index, text);
        trial.faults_of(index).find(|fault| fault.severity == Severity::Error).map(told)
    };
    let judge = {
        let wrong = wrong.clone();
        move |text: &str| Ok(wrong(text).map_or(Validation::Valid, |message| Validation::Invalid(message.into())))
    };
    let text = if plain::is_dumb() {
        let asked = format!("{title} ({help})");
        if setting.secret {
            attended(|| plain::right(&asked, true, &wrong))?
        } else {
            dumb_text(&asked, &form.editable(index), &wrong)?
        }
    } else if setting.secret {
        let password = Password::new(&title).with_help_message(&help).with_display_mode(PasswordDisplayMode::Masked);
        attended(|| password.without_confirmation().with_validator(judge).prompt()).map_err(ended)?
    } else {
        let usual = form.editable(index);
        let text = Text::new(&title).with_help_message(&help).with_validator(judge);
        let text = if usual.is_empty() { text } else { text.with_initial_value(&usual) };
        attended(|| text.prompt()).map_err(ended)?
    };
    if !(is_kept && text.is_empty()) {
        form.put(index, &text);
    }
    Ok(())
}

/// What is wrong with an answer; how else it could be given is nothing to whoever is asked.
fn told(fault: &Fault) -> String {
    match fault.kind {
        FaultKind::MissingValue => "is required".to_owned(),
        _ => fault.message.clone(),
    }
}

/// A question that was broken off leaves its help where the next line is written.
pub(super) fn clear_below() {
    // Nobody is left to be told that the terminal has gone away.
    let _ =
        crossterm::execute!(std::io::stderr(), crossterm::cursor::MoveToColumn(0), Clear(ClearType::FromCursorDown));
}

fn ended(error: InquireError) -> Failure {
    match error {
        InquireError::OperationCanceled => Failure::new("declined", Class::Declined, "left; nothing was written", None),
        InquireError::OperationInterrupted => {
            clear_below();
            Failure::interrupted()
        }
        // Whatever the library makes of it: it may say that there never was one.
        _ if super::terminal_is_gone() => Failure::interrupted(),
        other => Failure::input(
            "cannot-ask",
            format!("the question could not be asked: {other}"),
            "name a stack and add --yes",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_when_nothing_fits() {
        let lines = ["hello", "geodata"].map(str::to_owned);
        let shown = |typed: &str| {
            let all = lines.iter().map(String::as_str).chain([NOTHING]).enumerate();
            all.filter(|(index, line)| score(&lines, typed, line, *index).is_some())
                .map(|(_, line)| line)
                .collect::<Vec<_>>()
        };
        assert_eq!(shown(""), ["hello", "geodata"]);
        assert_eq!(shown("geo"), ["geodata"]);
        assert_eq!(shown("9"), [NOTHING]);
    }

    #[test]
    fn a_question_says_what_is_wrong_and_names_no_option() {
        let fault = |kind| Fault::nowhere(kind, "is required (URL) and has no default; give it with `--set a=...`");
        assert_eq!(told(&fault(FaultKind::MissingValue)), "is required");
        assert!(told(&fault(FaultKind::BadValue)).ends_with("--set a=...`"));
    }
}
