//! Commands that a text names, with the cluster that this command was told to work on: pasted as it is printed, a command must
//! not go to another cluster.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use seaworthy::sandbox::Kind;

use super::form::quoted;

/// What the command line told.
static PLACE: Mutex<Place> = Mutex::new(Place { cluster: String::new(), profiles: String::new() });

/// What leads to the same cluster, and to the same stacks, as options; empty where nothing was told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    cluster: String,
    profiles: String,
}

/// Commands that work on a cluster.
const COMMANDS: [&str; 16] = [
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
    "backup",
    "restore",
    "bundle",
    "runs",
    "doctor",
    "why",
];
/// Those among them that look a stack up by its name.
const OF_STACKS: [&str; 9] =
    ["images", "install", "upgrade", "rollback", "status", "open", "uninstall", "backup", "restore"];
/// Options that name a cluster already.
const NAMED: [&str; 3] = ["--context", "--sandbox", "--kubeconfig"];

/// A sandbox that is not the usual one is told to these, too; a cluster means nothing to them.
const OF_SANDBOX: &str = "sandbox";
/// These only look stacks up.
const WITHOUT_CLUSTER: [&str; 2] = ["stacks", "render"];

impl Place {
    /// The sandbox, or a context of a kubeconfig file; and the folders of stacks of one's own.
    pub(crate) fn of(
        sandbox: Option<Kind>,
        kubeconfig: Option<&Path>,
        context: Option<&str>,
        profiles: &[PathBuf],
    ) -> Self {
        let option = |name: &str, value: &str| format!("{name}={}", quoted(value));
        let path = |name: &str, path: &Path| option(name, &path.display().to_string());
        let sandbox = sandbox.map(|kind| {
            if kind == Kind::default() { "--sandbox".to_owned() } else { option("--sandbox", &kind.to_string()) }
        });
        let file = kubeconfig.map(|file| path("--kubeconfig", file));
        let context = context.map(|context| option("--context", context));
        let cluster: Vec<String> = [sandbox, file, context].into_iter().flatten().collect();
        let profiles: Vec<String> = profiles.iter().map(|folder| path("--profiles", folder)).collect();
        Self { cluster: cluster.join(" "), profiles: profiles.join(" ") }
    }

    /// The text with this place in every command that lacks it.
    pub(crate) fn put_into(&self, text: &str) -> String {
        if self.cluster.is_empty() && self.profiles.is_empty() { text.to_owned() } else { with(text, self) }
    }

    /// What a command has to be told that begins with this word, and lacks it.
    fn told_to<'a>(&'a self, first: &str, command: &str) -> impl Iterator<Item = &'a str> {
        let on_cluster = COMMANDS.contains(&first) || first == OF_SANDBOX && self.cluster.starts_with("--sandbox=");
        let of_stacks = OF_STACKS.contains(&first) || WITHOUT_CLUSTER.contains(&first);
        let is_named = NAMED.iter().any(|named| command.contains(named));
        let cluster = Some(self.cluster.as_str()).filter(|_| on_cluster && !is_named);
        let profiles = Some(self.profiles.as_str()).filter(|_| of_stacks && !command.contains("--profiles"));
        cluster.into_iter().chain(profiles).filter(|told| !told.is_empty())
    }
}

/// All lines are to be told this from now on.
pub(crate) fn set(place: Place) {
    *PLACE.lock().unwrap_or_else(PoisonError::into_inner) = place;
}

/// The text with what the command line told in every command that lacks it.
pub(crate) fn placed(text: &str) -> String {
    PLACE.lock().unwrap_or_else(PoisonError::into_inner).put_into(text)
}

fn with(text: &str, place: &Place) -> String {
    const NAME: &str = "seaworthy ";
    let (mut whole, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(NAME) {
        let (before, from) = rest.split_at(at + NAME.len());
        whole.push_str(before);
        let command = from.split(['`', '\n', ';']).next().unwrap_or_default();
        let first = command.split([' ', ',', '.', ')']).next().unwrap_or_default();
        let apart =
            !bare_end(&before[..at]).ends_with(|letter: char| letter.is_alphanumeric() || "-_./".contains(letter));
        for told in place.told_to(first, command).filter(|_| apart) {
            whole.push_str(told);
            whole.push(' ');
        }
        rest = from;
    }
    whole + rest
}

/// The text without a colour at its end, whose last letter is none of the text's.
fn bare_end(text: &str) -> &str {
    let colour = text.rfind("\x1b[").filter(|at| text[at + 2..].strip_suffix('m').is_some_and(is_colour));
    colour.map_or(text, |at| &text[..at])
}

fn is_colour(code: &str) -> bool {
    code.chars().all(|letter| letter.is_ascii_digit() || letter == ';')
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
        assert_eq!(said("\u{1b}[32mseaworthy recover x"), "\u{1b}[32mseaworthy --sandbox=ha recover x", "in a colour");
        assert_eq!(said("seaworthy stacks show shop"), "seaworthy --profiles=mine stacks show shop");
        assert_eq!(said("`seaworthy sandbox reset`"), "`seaworthy --sandbox=ha sandbox reset`");
        let other = Place { cluster: "--context=dev".to_owned(), ..Place::default() };
        assert_eq!(with("`seaworthy sandbox reset`", &other), "`seaworthy sandbox reset`");
        for other in [
            "`seaworthy cluster create`",
            "made by seaworthy, installed",
            "seaworthy doctor --context a",
            "is-seaworthy install",
        ] {
            assert_eq!(said(other), other);
        }
    }

    #[test]
    fn a_place_is_told_as_it_would_be_typed() {
        let of = |sandbox, file: Option<&str>, context| {
            Place::of(sandbox, file.map(Path::new), context, &["my stacks".into()]).put_into("seaworthy open shop")
        };
        assert_eq!(of(Some(Kind::SingleNode), None, None), "seaworthy --sandbox --profiles='my stacks' open shop");
        assert_eq!(
            of(None, Some("a/b"), Some("x y")),
            "seaworthy --kubeconfig=a/b --context='x y' --profiles='my stacks' open shop"
        );
    }
}
