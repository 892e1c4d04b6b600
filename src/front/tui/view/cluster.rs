//! The clusters to choose from, each answer as it comes.

use ratatui::style::Style;
use ratatui::text::Line;
use seaworthy::error::Explain as _;
use seaworthy::host::clusters::{ClusterAnswer, ClusterFact, Reach};
use seaworthy::sandbox::Kind;
use serde_json::Value;

use super::{List, item, marked, prose, remedy};
use crate::front::look::{Look, Mark};
use crate::front::paint::count;
use crate::front::place::Place;
use crate::front::tui::model::{Berth, Model, Standing};

pub(super) fn list(model: &Model, width: usize) -> List {
    let clusters = &model.clusters;
    let contexts = clusters.host.kubeconfig.contexts.len();
    let mut lines = Vec::new();
    if contexts == 0 {
        let text = if clusters.done { "no kubeconfig names a cluster" } else { "reading the kubeconfig files" };
        let mark = if clusters.done { Mark::Bad } else { Mark::Busy };
        lines = marked(model, mark, text, width);
    }
    let mut cursor = 0;
    for (position, berth) in clusters.lines().into_iter().enumerate() {
        if position == contexts {
            lines.push(Line::styled(heading(model), Look::strong()));
        }
        let here = position == clusters.cursor;
        if here {
            cursor = lines.len();
        }
        let (text, style) = text(model, berth);
        lines.push(item(model, width, here, &text, style));
    }
    List { lines, cursor }
}

/// What stands above the lines that are no clusters.
fn heading(model: &Model) -> &'static str {
    match (model.wish.sandbox.is_some(), model.clusters.host.kubeconfig.contexts.is_empty()) {
        (true, _) => "Or a real one",
        (false, true) => "Make a cluster, or try everything in a simulated one",
        (false, false) => "Or make one, or try everything in a simulated one",
    }
}

fn text(model: &Model, berth: Berth) -> (String, Style) {
    let clusters = &model.clusters;
    let look = model.look;
    let with = |mark: Mark, text: &str| (format!("{} {text}", look.mark(mark, model.clock)), look.style(mark));
    match berth {
        Berth::Context(index) => {
            let Some(context) = clusters.host.kubeconfig.contexts.get(index) else { return Default::default() };
            let (mark, said) = state(model, &context.name);
            let current = if context.current { " (current)" } else { "" };
            let style = if mark == Mark::Good { Style::new() } else { look.style(mark) };
            (format!("{} {}{current}  {said}", look.mark(mark, model.clock), context.name), style)
        }
        Berth::Asking => with(Mark::Busy, "asking engines and tools how one could be made"),
        Berth::Make(index) => match clusters.yards.as_ref().and_then(|yards| yards.get(index)) {
            Some(yard) if yard.is_free() => (format!("+ {}", yard.maker.title()), Style::new()),
            Some(yard) => with(Mark::Bad, &format!("{} (cannot be made here)", yard.maker.title())),
            None => Default::default(),
        },
        Berth::Sandbox(kind) => {
            let used = match clusters.used.get(kind.name()) {
                None => String::new(),
                Some(Ok(stacks)) => format!(" (used: {})", count(*stacks, "stack")),
                Some(Err(_)) => " (used, and broken)".to_owned(),
            };
            (format!("+ the sandbox {kind}{used}: nothing in it is real"), Style::new())
        }
        Berth::Machine => ("+ the clusters of this machine".to_owned(), Style::new()),
    }
}

fn state(model: &Model, context: &str) -> (Mark, String) {
    match model.clusters.standing(context) {
        Standing::Asked => (Mark::Busy, "is being asked".to_owned()),
        Standing::Unasked => (Mark::Idle, "was not asked".to_owned()),
        Standing::Known(ClusterFact { reach: Reach::Reached(answer), .. }) => (Mark::Good, answered(answer)),
        Standing::Known(ClusterFact { reach: Reach::Unreached(why), .. }) => (Mark::Bad, why.message.clone()),
    }
}

fn answered(answer: &ClusterAnswer) -> String {
    let kind = serde_json::to_value(answer.recognised.distribution).ok();
    let kind = kind.as_ref().and_then(Value::as_str).filter(|kind| *kind != "other");
    let kind = kind.map_or_else(String::new, |kind| format!("{kind}, "));
    let nodes = answer.nodes.map(|nodes| count(usize::try_from(nodes).unwrap_or(usize::MAX), "node"));
    let nodes = nodes.unwrap_or_else(|| "nodes may not be read".to_owned());
    format!("{}, {kind}{nodes}, {} ms", answer.version, answer.latency_ms)
}

pub(super) fn details(model: &Model, width: usize) -> Vec<Line<'static>> {
    let clusters = &model.clusters;
    let mut lines = Vec::new();
    if let Some(context) = clusters.host.kubeconfig.contexts.get(clusters.cursor) {
        let server = context.server.as_deref().unwrap_or("no address");
        let file = context.file.display();
        let about = if model.wish.sandbox.is_some() { server.to_owned() } else { format!("{server}, from {file}") };
        lines.extend(prose(&about, 0, width, Style::new()));
        lines.extend(model.wish.sandbox.into_iter().flat_map(|kind| visited(model, kind, width)));
        if let Standing::Known(fact) = clusters.standing(&context.name) {
            lines.extend(known(model, fact, width));
        }
    }
    lines.extend(making(model, width));
    for problem in &clusters.host.kubeconfig.problems {
        let hint = problem.hint().map_or_else(String::new, |hint| format!(" ({hint})"));
        lines.extend(marked(model, Mark::Careful, &format!("{problem}{hint}"), width));
    }
    if clusters.host.kubeconfig.contexts.is_empty() && clusters.done && model.wish.sandbox.is_none() {
        let text = "--kubeconfig FILE, or KUBECONFIG, names the file of a cluster that is there already.";
        lines.extend(prose(text, 0, width, Look::faint()));
    }
    lines
}

/// What becomes of a line that is no cluster yet; what is missing for it first.
fn making(model: &Model, width: usize) -> Vec<Line<'static>> {
    let say = |text: &str| prose(text, 0, width, Style::new());
    match model.clusters.line() {
        Some(Berth::Make(_)) => {
            let Some(yard) = model.clusters.yard() else { return Vec::new() };
            let missing = yard.refusals.iter().flat_map(|why| marked(model, Mark::Bad, why, width));
            let mut lines: Vec<Line<'static>> = missing.collect();
            if yard.is_free() {
                lines.extend(say("Enter asks for its name and its nodes, leaves the full screen to show the plan, asks before anything is made, and comes back here."));
            }
            lines.extend(yard.warnings.iter().flat_map(|text| marked(model, Mark::Careful, text, width)));
            let command = format!("The same from a shell: seaworthy {}", yard.maker.command(&yard.name, "1").join(" "));
            lines.extend(prose(&command, 0, width, Look::faint()));
            lines
        }
        Some(Berth::Sandbox(kind)) => {
            let nodes = if kind == Kind::SingleNode { "one node" } else { "several nodes" };
            let text = format!(
                "A simulated cluster of {nodes} inside this program; everything else is the real code. It keeps what is installed in it, and nothing outside of it changes. The same from a shell: seaworthy --sandbox={kind}"
            );
            visited(model, kind, width).into_iter().chain(say(&text)).collect()
        }
        Some(Berth::Machine) => {
            say("The contexts of the kubeconfig files, and the ways to make a cluster. The sandbox stays as it is.")
        }
        Some(Berth::Context(_) | Berth::Asking) | None => Vec::new(),
    }
}

/// What earlier visits have left in a sandbox, and how it begins anew.
fn visited(model: &Model, kind: Kind, width: usize) -> Vec<Line<'static>> {
    let anew = Place::of(Some(kind), None, None, &[]).put_into("`seaworthy sandbox reset`");
    let from = if model.wish.sandbox.is_some() { "from a shell, once this is left, " } else { "" };
    let text = match model.clusters.used.get(kind.name()) {
        None => return Vec::new(),
        Some(Ok(stacks)) => format!("Used: {} of earlier visits; {from}{anew} begins anew.", count(*stacks, "stack")),
        Some(Err(why)) => format!("It cannot be read: {why}; {from}{anew} begins anew."),
    };
    marked(model, Mark::Careful, &text, width)
}

fn known(model: &Model, fact: &ClusterFact, width: usize) -> Vec<Line<'static>> {
    match &fact.reach {
        Reach::Reached(answer) => {
            let mut lines = Vec::new();
            if !answer.recognised.because.is_empty() {
                lines.extend(prose(&format!("recognised by {}", answer.recognised.because), 0, width, Look::faint()));
            }
            for unread in &answer.unread {
                lines.extend(marked(model, Mark::Careful, &format!("{}: {}", unread.what, unread.fault), width));
            }
            lines
        }
        Reach::Unreached(why) => {
            let mut lines = marked(model, Mark::Bad, &why.message, width);
            lines.extend(remedy(model, why.remedy.as_deref(), width));
            lines
        }
    }
}
