//! Commands that a text names, with the cluster that this command was told to work on: pasted as it is printed, a command must
//! not go to another cluster.

use std::sync::{Mutex, PoisonError};

use super::form::quoted;

/// What was told.
static PLACE: Mutex<Place> = Mutex::new(Place { cluster: String::new(), profiles: String::new() });

/// What leads to the same cluster, and to the same stacks, as options; empty where nothing was told.
struct Place {
    cluster: String,
    profiles: String,
}

/// Commands that work on a cluster.
const COMMANDS: [&str; 13] = [
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
    "why",
];
/// Those among them that look a stack up by its name.
const OF_STACKS: [&str; 7] = ["images", "install", "upgrade", "rollback", "status", "open", "uninstall"];
/// Options that name a cluster already.
const NAMED: [&str; 3] = ["--context", "--sandbox", "--kubeconfig"];

/// What all commands are to be told from now on: the cluster, and the folders of stacks of one's own.
pub(crate) fn set(cluster: &[(&str, Option<String>)], profiles: &[String]) {
    let option = |(option, value): &(&str, Option<String>)| match value {
        Some(value) => format!("{option}={}", quoted(value)),
        None => (*option).to_owned(),
    };
    let cluster: Vec<String> = cluster.iter().map(option).collect();
    let profiles: Vec<String> = profiles.iter().map(|folder| format!("--profiles={}", quoted(folder))).collect();
    let place = Place { cluster: cluster.join(" "), profiles: profiles.join(" ") };
    *PLACE.lock().unwrap_or_else(PoisonError::into_inner) = place;
}

/// The text with the place in every command that lacks it.
pub(crate) fn placed(text: &str) -> String {
    let place = PLACE.lock().unwrap_or_else(PoisonError::into_inner);
    if place.cluster.is_empty() && place.profiles.is_empty() { text.to_owned() } else { with(text, &place) }
}

fn with(text: &str, place: &Place) -> String {
    const NAME: &str = "seaworthy ";
    let (mut whole, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(NAME) {
        let (before, from) = rest.split_at(at + NAME.len());
        whole.push_str(before);
        let command = from.split(['`', '\n', ';']).next().unwrap_or_default();
        let first = command.split([' ', ',', '.', ')']).next().unwrap_or_default();
        let apart = !before[..at].ends_with(|letter: char| letter.is_alphanumeric() || "-_./".contains(letter));
        if apart && COMMANDS.contains(&first) {
            let cluster = Some(&place.cluster).filter(|_| !NAMED.iter().any(|named| command.contains(named)));
            let profiles =
                Some(&place.profiles).filter(|_| OF_STACKS.contains(&first) && !command.contains("--profiles"));
            for told in cluster.into_iter().chain(profiles).filter(|told| !told.is_empty()) {
                whole.push_str(told);
                whole.push(' ');
            }
        }
        rest = from;
    }
    whole + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_goes_where_this_one_went() {
        let place = Place { cluster: "--sandbox=ha".to_owned(), profiles: "--profiles=mine".to_owned() };
        let said = |text: &str| with(text, &place);
        assert_eq!(said("seaworthy open shop"), "seaworthy --sandbox=ha --profiles=mine open shop");
        assert_eq!(said("go on with: seaworthy runs resume 1"), "go on with: seaworthy --sandbox=ha runs resume 1");
        assert_eq!(
            said("`seaworthy why x` or `seaworthy recover`"),
            "`seaworthy --sandbox=ha why x` or `seaworthy --sandbox=ha recover`"
        );
        for other in [
            "`seaworthy cluster create`",
            "made by seaworthy, installed",
            "seaworthy doctor --context a",
            "is-seaworthy install",
        ] {
            assert_eq!(said(other), other);
        }
    }
}
