//! Commands that a text names, with the cluster that this command was told to work on: pasted as it is printed, a command must
//! not go to another cluster.

use std::sync::{Mutex, PoisonError};

/// What was told, as options; empty where the current context is meant.
static PLACE: Mutex<String> = Mutex::new(String::new());

/// Commands that work on a cluster.
const COMMANDS: [&str; 12] = [
    "prerequisites",
    "images",
    "install",
    "upgrade",
    "rollback",
    "status",
    "open",
    "uninstall",
    "hold",
    "recover",
    "runs",
    "doctor",
];
/// Options that name one already.
const NAMED: [&str; 3] = ["--context", "--sandbox", "--kubeconfig"];

/// What all commands are to be told from now on: options with their values.
pub(crate) fn set(options: &[(&str, Option<String>)]) {
    let written = options.iter().map(|(option, value)| match value {
        Some(value) => format!("{option}={}", quoted(value)),
        None => (*option).to_owned(),
    });
    *PLACE.lock().unwrap_or_else(PoisonError::into_inner) = written.collect::<Vec<_>>().join(" ");
}

/// The text with the place in every command that lacks it.
pub(crate) fn placed(text: &str) -> String {
    let place = PLACE.lock().unwrap_or_else(PoisonError::into_inner);
    if place.is_empty() { text.to_owned() } else { with(text, &place) }
}

fn with(text: &str, place: &str) -> String {
    const NAME: &str = "seaworthy ";
    let (mut whole, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(NAME) {
        let (before, from) = rest.split_at(at + NAME.len());
        whole.push_str(before);
        let command = from.split(['`', '\n', ';']).next().unwrap_or_default();
        let first = command.split([' ', ',', '.', ')']).next().unwrap_or_default();
        let apart = !before[..at].ends_with(|letter: char| letter.is_alphanumeric() || "-_./".contains(letter));
        if apart && (COMMANDS.contains(&first) || first == "why") && !NAMED.iter().any(|named| command.contains(named))
        {
            whole.push_str(place);
            whole.push(' ');
        }
        rest = from;
    }
    whole + rest
}

/// As a shell reads it.
fn quoted(value: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:@%+,=".contains(letter);
    if !value.is_empty() && value.chars().all(plain) {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_goes_where_this_one_went() {
        let said = |text: &str| with(text, "--sandbox=ha");
        assert_eq!(said("go on with: seaworthy runs resume 1"), "go on with: seaworthy --sandbox=ha runs resume 1");
        assert_eq!(
            said("`seaworthy why x` or `seaworthy recover`"),
            "`seaworthy --sandbox=ha why x` or `seaworthy --sandbox=ha recover`"
        );
        for other in [
            "`seaworthy cluster create`",
            "made by seaworthy, installed",
            "seaworthy install --context a",
            "is-seaworthy install",
        ] {
            assert_eq!(said(other), other);
        }
    }

    #[test]
    fn names_are_quoted_for_a_shell() {
        assert_eq!(quoted("kind-one"), "kind-one");
        assert_eq!(quoted("it's me"), "'it'\\''s me'");
    }
}
