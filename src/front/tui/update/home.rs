//! Home and the storage map: what their keys do.

use seaworthy::home::Home;
use seaworthy::plan::Purpose;

use super::press::survey;
use super::recovery;
use crate::front::tui::keys::Action;
use crate::front::tui::model::{Effect, Entry, Exit, Line, Model, Part, Screen};

/// To the home screen of the chosen cluster.
pub(super) fn go(model: &mut Model) -> Vec<Effect> {
    let Some(context) = model.clusters.chosen().map(str::to_owned) else { return Vec::new() };
    model.screen = Screen::Home;
    if model.watch.context.as_ref() == Some(&context) && matches!(model.watch.home, Some(Ok(_))) {
        return Vec::new();
    }
    model.watch.turn_to(context.clone());
    recovery::forget(model);
    vec![Effect::Watch { context }]
}

/// Everything is read again.
pub(super) fn anew(model: &mut Model) -> Vec<Effect> {
    let Some(context) = model.watch.context.clone() else { return Vec::new() };
    model.watch.home = None;
    vec![Effect::Watch { context }]
}

/// Takes in what is known now; the cursor stays on what it was on.
pub(super) fn take(model: &mut Model, context: &str, home: Result<Box<Home>, String>) {
    if model.watch.context.as_deref() != Some(context) {
        return;
    }
    let filter = model.filter();
    let (was, place) = (model.entry().as_ref().map(name), model.entry().as_ref().map(place_of));
    let link = model.chain().map(|chain| (chain.claim.clone(), chain.volume.clone()));
    model.watch.home = Some(home);
    let entries = model.watch.entries(&filter);
    let same = was.and_then(|was| entries.iter().position(|entry| name(entry) == was));
    // What is wrong with an object may be another thing now.
    let same = same.or_else(|| place.and_then(|was| entries.iter().position(|entry| place_of(entry) == was)));
    let cursor = same.unwrap_or(model.watch.cursor).min(entries.len().saturating_sub(1));
    let chains = model.watch.chains(&filter);
    let same =
        link.and_then(|link| chains.iter().position(|chain| (&chain.claim, &chain.volume) == (&link.0, &link.1)));
    let link = same.unwrap_or(model.watch.link).min(chains.len().saturating_sub(1));
    (model.watch.cursor, model.watch.link) = (cursor, link);
}

/// By which a line is known again.
fn name(entry: &Entry<'_>) -> String {
    match entry {
        Entry::Finding(finding, _) => finding.fingerprint.clone(),
        Entry::Change(change) => format!("change/{}/{}", change.object, change.how),
        Entry::Stack(health) => health.installation.key(),
        Entry::Run(run) => run.run.run.clone(),
        Entry::Node(node) => format!("node/{}", node.name),
        Entry::Prerequisite(it) => format!("prerequisite/{}", it.prerequisite),
    }
}

/// Where a line stands: its part, and the object that it is about.
fn place_of(entry: &Entry<'_>) -> (Part, String) {
    let about = match entry {
        Entry::Finding(finding, _) => finding.object.to_string(),
        Entry::Change(change) => change.object.to_string(),
        other => name(other),
    };
    (entry.part(), about)
}

pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::GoHome => return go(model),
        Action::Install => {
            model.screen = Screen::Stack;
            return survey(model, false);
        }
        Action::Map => model.screen = Screen::Storage,
        Action::Doctor => return aside(model, vec!["doctor".to_owned()]),
        Action::Fix => return fix(model),
        Action::Recover => return recovery::open(model),
        Action::OpenStack => return open(model),
        Action::Next => {
            if let Some(run) = recovery_of(model) {
                return recovery::resume(model, run);
            }
            let command = model.entry().as_ref().map(Entry::command);
            return command.map_or_else(Vec::new, |words| aside(model, words));
        }
        _ => {}
    }
    Vec::new()
}

/// The unfinished recovery that the cursor is on.
fn recovery_of(model: &Model) -> Option<String> {
    match model.entry()? {
        Entry::Run(run) if run.run.purpose == Purpose::Recover => Some(run.run.run.clone()),
        _ => None,
    }
}

fn fix(model: &mut Model) -> Vec<Effect> {
    let Some(Entry::Finding(finding, _)) = model.entry() else {
        model.complain("the cursor is on no finding");
        return Vec::new();
    };
    if finding.remedy.is_none() && finding.loses_data() {
        model.complain("that is for a recovery, which asks before it does anything: v");
        return Vec::new();
    }
    if finding.remedy.is_none() {
        model.complain("nothing can be done about it from here; what to do is said beside it");
        return Vec::new();
    }
    let words = ["doctor", "--fix", "--only", &finding.fingerprint].map(str::to_owned).to_vec();
    aside(model, words)
}

fn open(model: &mut Model) -> Vec<Effect> {
    let Some(Entry::Stack(health)) = model.entry() else {
        model.complain("the cursor is on no stack");
        return Vec::new();
    };
    let (stack, namespace) = (health.installation.stack.clone(), health.installation.namespace.clone());
    aside(model, vec!["open".to_owned(), stack, "--namespace".to_owned(), namespace])
}

/// The screen makes room for a command of ours.
fn aside(model: &mut Model, words: Vec<String>) -> Vec<Effect> {
    model.aside = Some(words);
    vec![Effect::Quit(Exit::Aside)]
}

/// The window of the filter is closed.
pub(super) fn filter(model: &mut Model, taken: bool, line: &Line) {
    model.watch.filter = if taken { line.text().trim().to_owned() } else { String::new() };
    (model.watch.cursor, model.watch.link) = (0, 0);
}
