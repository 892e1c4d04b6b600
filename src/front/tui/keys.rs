//! Every key, once: what it does, where, and what is said about it. The bottom bar and `?` are drawn from this table.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Where a key is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Home,
    Storage,
    /// The symptoms of a stack.
    Walks,
    /// The way through one of them.
    Walk,
    /// What is lost, and what could be done about it.
    Losses,
    /// The plan of a recovery.
    Recovery,
    /// What came of a recovery.
    Report,
    Cluster,
    Stack,
    Images,
    Profile,
    /// The profiles stand side by side.
    Columns,
    Prerequisites,
    Settings,
    /// A setting is being typed.
    Edit,
    Review,
    /// A run is under way.
    Run,
    /// A run has ended.
    Ended,
    /// The logs of a step of a run, under way or not.
    Logs,
    Reach,
    /// The keys are shown.
    Help,
    /// A line is being typed in a window: a file's name, a word to agree.
    Prompt,
    /// Yes or no.
    Leave,
    /// A question of the run: yes or no.
    Question,
}

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    /// Take what the cursor is on, and go on.
    Next,
    /// Take what the cursor is on, and stay.
    Change,
    Back,
    /// Ask again what may have changed.
    Again,
    Undo,
    Advanced,
    Save,
    Load,
    Conflicts,
    Adopt,
    Replan,
    /// Show the images of the plan, or fold them away.
    Images,
    /// To the ways to make a cluster.
    Create,
    /// Look at the cluster.
    GoHome,
    /// Begin the way to an installed stack.
    Install,
    /// Where data lies.
    Map,
    /// Through the symptoms of a stack.
    Troubleshoot,
    /// Open a way into what is installed.
    OpenStack,
    /// The run over its time, or its steps.
    Timeline,
    /// What the pods of a step say.
    Logs,
    /// What is wrong, in full.
    Doctor,
    /// Do what can be done about a finding.
    Fix,
    /// The brake.
    Hold,
    /// Copy out first what can still be read, or not.
    Copies,
    /// What can be set for a playbook.
    Settings,
    /// Write something down for the report.
    Note,
    /// What is lost, and how it comes back.
    Recover,
    /// Show only some lines.
    Filter,
    /// Put into the clipboard what kubectl would be asked.
    Copy,
    /// Take what was typed.
    Take,
    /// Take what was typed, and go to the next setting.
    TakeNext,
    /// Give up what was typed.
    Drop,
    /// All that is said about a line, as a window.
    Details,
    Help,
    Quit,
    Yes,
    No,
    /// Look first, and answer later.
    LookFirst,
    /// The question that was put off.
    Answer,
    Interrupt,
    Suspend,
}

/// A row of the table.
pub(crate) struct Binding {
    pub(crate) keys: &'static [Press],
    pub(crate) action: Action,
    pub(crate) places: &'static [Place],
    /// For the bottom bar; empty: only `?` shows it.
    pub(crate) short: &'static str,
    pub(crate) help: &'static str,
}

/// A key to press.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Press {
    Key(KeyCode),
    Control(char),
}

use self::Action as A;
use self::Place as P;
use self::Press::{Control, Key};
use crossterm::event::KeyCode::{Char, End, Enter, Esc, Home, Left, PageDown, PageUp, Right, Tab};

/// All places, so that those which share keys stand together: columns, a run, screens, their keys, and where text is typed or asked for.
const EVERYWHERE: &[Place] = &[
    P::Columns,
    P::Run,
    P::Logs,
    P::Home,
    P::Storage,
    P::Walks,
    P::Walk,
    P::Losses,
    P::Recovery,
    P::Report,
    P::Cluster,
    P::Stack,
    P::Images,
    P::Profile,
    P::Prerequisites,
    P::Settings,
    P::Review,
    P::Ended,
    P::Reach,
    P::Help,
    P::Edit,
    P::Prompt,
    P::Leave,
    P::Question,
];
const NOT_IN_A_RUN: &[Place] = EVERYWHERE.split_at(3).1;
const WITHOUT_TEXT: &[Place] = EVERYWHERE.split_at(19).0;
const LISTS: &[Place] = EVERYWHERE.split_at(20).0;
/// Where one step back leads somewhere, and nothing lies beside.
const STEPS: &[Place] = LISTS.split_at(2).1;

/// Where the lines are few and `/` leads from one to the next.
const ON_THE_WAY: &[Place] = &[
    P::Cluster,
    P::Stack,
    P::Images,
    P::Profile,
    P::Columns,
    P::Prerequisites,
    P::Settings,
    P::Review,
    P::Run,
    P::Ended,
    P::Reach,
    P::Losses,
    P::Recovery,
    P::Report,
];

const fn row(
    keys: &'static [Press],
    action: Action,
    places: &'static [Place],
    short: &'static str,
    help: &'static str,
) -> Binding {
    Binding { keys, action, places, short, help }
}

/// The table, in the order of the bottom bar.
pub(crate) const BINDINGS: &[Binding] = &[
    row(
        &[Key(Enter), Key(Right)],
        A::Next,
        &[P::Cluster, P::Stack, P::Images, P::Profile],
        "choose",
        "take this one and go on",
    ),
    row(&[Key(Enter)], A::Next, &[P::Columns], "choose", "take this one and go on"),
    row(&[Key(Left)], A::Up, &[P::Columns], "left", "to the profile on the left"),
    row(&[Key(Right)], A::Down, &[P::Columns], "right", "to the profile on the right"),
    row(
        &[Key(Enter), Key(Char(' '))],
        A::Change,
        &[P::Settings],
        "change",
        "type a value, switch it, open or fold a group",
    ),
    row(&[Key(Right), Key(Tab)], A::Next, &[P::Settings], "go on", "on to the plan"),
    row(
        &[Key(Enter), Key(Char(' '))],
        A::Change,
        &[P::Prerequisites],
        "change",
        "add it or leave it out, type the addresses, show the others, go on",
    ),
    row(
        &[Key(Char('d'))],
        A::Adopt,
        &[P::Prerequisites],
        "take over",
        "take it over from whoever has installed it, or not",
    ),
    row(&[Key(Right), Key(Tab)], A::Next, &[P::Prerequisites], "go on", "on to the settings"),
    row(
        &[Key(Enter), Key(Right)],
        A::Next,
        &[P::Home],
        "why",
        "ask why, or go on with an open run; the screen comes back",
    ),
    row(
        &[Key(Char('f'))],
        A::Fix,
        &[P::Home],
        "fix",
        "do what can be done about this finding: shown, asked about, proven",
    ),
    row(&[Key(Enter), Key(Right)], A::Next, &[P::Walks], "go through", "go through this symptom, step by step"),
    row(&[Key(Enter), Key(Right)], A::Next, &[P::Walk], "next step", "to the next step"),
    row(
        &[Key(Enter), Key(Right)],
        A::Next,
        &[P::Losses],
        "choose",
        "to the plan of this playbook, or to what an unfinished recovery has left to do; nothing is written yet",
    ),
    row(
        &[Key(Enter)],
        A::Next,
        &[P::Recovery],
        "run it",
        "agree to this plan and run it; what cannot be taken back has its name typed first",
    ),
    row(
        &[Key(Char('h'))],
        A::Hold,
        &[P::Losses, P::Recovery],
        "hold",
        "the brake, at once: every volume of the namespace of this loss is kept (of the cluster, where the cursor is on none), and manifests are saved",
    ),
    row(
        &[Key(Char('s'))],
        A::Settings,
        &[P::Recovery],
        "settings",
        "what can be set for this playbook, one after the other",
    ),
    row(
        &[Key(Char('c'))],
        A::Copies,
        &[P::Recovery],
        "copy or not",
        "copy out first what can still be read, or not; the bytes stay in the old volume either way",
    ),
    row(
        &[Key(Char('n'))],
        A::Note,
        &[P::Run, P::Ended, P::Report],
        "note",
        "write down what you saw or did by hand, with its time, for the report of a recovery",
    ),
    row(&[Key(Char('r'))], A::Again, &[P::Losses], "look again", "look again for what is lost"),
    row(
        &[Key(Char('t'))],
        A::Troubleshoot,
        &[P::Home],
        "troubleshoot",
        "the symptoms of the stack that the cursor is on, or that its finding is of, step by step",
    ),
    row(&[Key(Char('r'))], A::Again, &[P::Home], "reload", "read the cluster again"),
    row(&[Key(Char('c'))], A::Create, &[P::Cluster], "create", "to the ways to make a cluster on this machine"),
    row(&[Key(Char('d'))], A::Doctor, &[P::Home], "doctor", "all that is wrong, with what programs said last"),
    row(&[Key(Char('i'))], A::Install, &[P::Home], "install", "install a stack"),
    row(&[Key(Char('o'))], A::OpenStack, &[P::Home], "open", "open the way into the stack that the cursor is on"),
    row(&[Key(Char('v'))], A::Recover, &[P::Home, P::Storage], "recover", "what is lost, and how it comes back"),
    row(&[Key(Char('m'))], A::Map, &[P::Home], "map", "the storage map: claim, volume, node"),
    row(
        &[Key(Char('/'))],
        A::Filter,
        &[P::Home, P::Storage, P::Logs],
        "filter",
        "show only lines that hold these words",
    ),
    row(&[Key(Enter)], A::Next, &[P::Review], "run it", "agree to this plan and run it"),
    row(&[Key(Enter)], A::Next, &[P::Ended], "go on", "on to the way in; when it has failed, plan what is left"),
    row(&[Key(Char('a'))], A::Answer, &[P::Run], "answer", "answer the question that the run waits with"),
    row(&[Key(Char('l'))], A::Logs, &[P::Run, P::Ended], "logs", "what the pods of this step say, and go on to say"),
    row(&[Key(Char('t'))], A::Timeline, &[P::Run, P::Ended], "timeline", "the run over its time, or its steps again"),
    row(&[Key(Enter)], A::Next, &[P::Reach], "open", "open the way that the cursor is on"),
    row(&[Key(Enter)], A::Take, &[P::Edit, P::Prompt], "accept", "take what was typed"),
    row(&[Key(Tab)], A::TakeNext, &[P::Edit], "next", "take what was typed and go to the next setting"),
    row(&[Key(Esc)], A::Drop, &[P::Edit, P::Prompt], "cancel", "leave it as it was"),
    row(&[Key(Char('y'))], A::Yes, &[P::Leave, P::Question], "yes", "agree"),
    row(&[Key(Char('n'))], A::No, &[P::Question], "no", "do not; the step fails"),
    row(&[Key(Esc)], A::LookFirst, &[P::Question], "look first", "look at the run first; it waits, and a asks again"),
    row(&[Key(Char('n')), Key(Esc)], A::No, &[P::Leave], "no", "do not"),
    row(&[Key(Esc), Key(Left)], A::Back, STEPS, "back", "one step back; no answer is lost"),
    row(&[Key(Esc)], A::Back, &[P::Columns], "back", "one step back; no answer is lost"),
    row(&[Key(Char('u'))], A::Undo, &[P::Settings], "undo", "give this setting back the value it had"),
    row(&[Key(Char('a'))], A::Advanced, &[P::Settings], "advanced", "show or hide settings that few people need"),
    row(&[Key(Char('s'))], A::Save, &[P::Settings], "save", "save what you chose as a values file, without secrets"),
    row(&[Key(Char('l'))], A::Load, &[P::Settings], "load", "take values from a file"),
    row(
        &[Key(Char('o'))],
        A::Conflicts,
        &[P::Review],
        "conflicts",
        "fields of others: stop at them, keep theirs, take ours",
    ),
    row(&[Key(Char('d'))], A::Adopt, &[P::Review], "take over", "take over objects that are there already, or not"),
    row(
        &[Key(Char('p'))],
        A::Replan,
        &[P::Review, P::Recovery],
        "plan anew",
        "close the unfinished run as it is and plan anew",
    ),
    row(&[Key(Char('i'))], A::Images, &[P::Review], "images", "show the images of this plan, or fold them away"),
    row(
        &[Key(Char('r'))],
        A::Again,
        &[P::Cluster, P::Profile, P::Columns, P::Prerequisites, P::Review, P::Recovery],
        "reload",
        "ask the cluster again",
    ),
    row(
        &[Key(Char('h'))],
        A::GoHome,
        &[P::Ended, P::Reach, P::Report],
        "home",
        "look at the cluster: health, findings, storage",
    ),
    row(
        &[Key(Char('y'))],
        A::Copy,
        &[P::Cluster, P::Stack, P::Settings, P::Review, P::Losses, P::Recovery, P::Report],
        "copy",
        "copy it as it would be typed in a shell",
    ),
    row(&[Key(Char('y'))], A::Copy, &[P::Reach], "copy", "copy the address, or the command that opens it"),
    row(
        &[Key(Char('y'))],
        A::Copy,
        &[P::Home, P::Storage, P::Walks, P::Walk, P::Run, P::Ended],
        "copy",
        "copy what kubectl would be asked about it",
    ),
    row(&[Key(KeyCode::Down), Key(Char('j'))], A::Down, LISTS, "down", "down"),
    row(&[Key(KeyCode::Up), Key(Char('k'))], A::Up, LISTS, "", "up"),
    row(&[Key(Char('/'))], A::Filter, ON_THE_WAY, "find", "to the next line that holds these words"),
    row(&[Key(PageUp)], A::PageUp, LISTS, "", "a page up"),
    row(&[Key(PageDown)], A::PageDown, LISTS, "", "a page down"),
    row(&[Key(Home), Key(Char('g'))], A::First, LISTS, "", "to the top"),
    row(&[Key(End), Key(Char('G'))], A::Last, LISTS, "", "to the end"),
    row(&[Key(Char('z'))], A::Details, LISTS, "", "all that is said about this line, in a window, or back"),
    row(&[Key(Char('?'))], A::Help, LISTS, "keys", "show or hide the keys"),
    row(&[Key(Char('q'))], A::Quit, WITHOUT_TEXT, "quit", "leave; a run under way is stopped first, if you agree"),
    row(&[Control('c')], A::Interrupt, &[P::Run], "stop", "stop the run at a safe point; once more: at once"),
    row(&[Control('c')], A::Interrupt, &[P::Logs], "", "stop the run; where none is under way, leave"),
    row(&[Control('c')], A::Interrupt, NOT_IN_A_RUN, "", "leave at once"),
    row(&[Control('c')], A::Interrupt, &[P::Columns], "", "leave at once"),
    row(&[Control('z')], A::Suspend, EVERYWHERE, "", "back to the shell; `fg` comes back here"),
];

/// What a key does at a place.
pub(crate) fn action(place: Place, key: KeyEvent) -> Option<Action> {
    let pressed = press(key)?;
    let row = BINDINGS.iter().find(|row| row.places.contains(&place) && row.keys.contains(&pressed));
    row.map(|row| row.action)
}

fn press(key: KeyEvent) -> Option<Press> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        Char(character) if control => Some(Control(character.to_ascii_lowercase())),
        _ if control || key.modifiers.contains(KeyModifiers::ALT) => None,
        code => Some(Key(code)),
    }
}

/// The rows that count at a place.
pub(crate) fn at(place: Place) -> impl Iterator<Item = &'static Binding> {
    BINDINGS.iter().filter(move |row| row.places.contains(&place))
}

impl Press {
    /// The key's name.
    pub(crate) fn name(self, unicode: bool) -> String {
        match self {
            Control(character) => format!("Ctrl-{}", character.to_ascii_uppercase()),
            Key(Char(' ')) => "Space".to_owned(),
            Key(Char(character)) => character.to_string(),
            Key(Left) => if unicode { "←" } else { "Left" }.to_owned(),
            Key(Right) => if unicode { "→" } else { "Right" }.to_owned(),
            Key(KeyCode::Up) => if unicode { "↑" } else { "Up" }.to_owned(),
            Key(KeyCode::Down) => if unicode { "↓" } else { "Down" }.to_owned(),
            Key(PageUp) => "PgUp".to_owned(),
            Key(PageDown) => "PgDn".to_owned(),
            Key(code) => format!("{code:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things_at_one_place() {
        for place in EVERYWHERE {
            let mut seen = Vec::new();
            for row in at(*place) {
                for key in row.keys {
                    assert!(!seen.contains(key), "{place:?} {key:?}");
                    seen.push(*key);
                }
            }
        }
    }

    #[test]
    fn every_place_says_how_to_leave_it() {
        for place in EVERYWHERE {
            let ways = [A::Back, A::Drop, A::No, A::Quit];
            let said = |row: &Binding| !row.short.is_empty() && ways.contains(&row.action);
            assert!(at(*place).any(said), "{place:?}");
            assert!(at(*place).any(|row| row.action == A::Interrupt), "{place:?}");
        }
    }

    #[test]
    fn keys_are_looked_up_with_their_modifiers() {
        let pressed = |code, modifiers| action(P::Settings, KeyEvent::new(code, modifiers));
        assert_eq!(pressed(Char('a'), KeyModifiers::NONE), Some(A::Advanced));
        assert_eq!(pressed(Char('a'), KeyModifiers::CONTROL), None);
        assert_eq!(pressed(Char('G'), KeyModifiers::SHIFT), Some(A::Last));
        assert_eq!(pressed(Char('c'), KeyModifiers::CONTROL), Some(A::Interrupt));
        assert_eq!(Key(PageDown).name(true), "PgDn");
        assert_eq!(Key(Esc).name(false), "Esc");
    }
}
