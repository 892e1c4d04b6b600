//! The clusters to choose from, each answer as it comes.

use ratatui::style::Style;
use ratatui::text::Line;
use seaworthy::error::Explain as _;
use seaworthy::host::clusters::{ClusterAnswer, ClusterFact, Reach};
use serde_json::Value;

use super::{List, item, marked, prose};
use crate::front::paint::count;
use crate::front::tui::look::{Look, Mark};
use crate::front::tui::model::{Model, Standing};

/// What there is to do for somebody who has none.
const NO_CLUSTER: [&str; 3] = [
    "`seaworthy cluster create` makes one on this machine, with kind in Docker or Podman",
    "`seaworthy --sandbox` tries everything on a simulated one",
    "--kubeconfig FILE, or KUBECONFIG, names the file of one that is there already",
];

pub(super) fn list(model: &Model, width: usize) -> List {
    let clusters = &model.clusters;
    let line = |(index, context): (usize, &seaworthy::host::kubeconfig::ContextFact)| {
        let (mark, said) = state(model, &context.name);
        let current = if context.current { " (current)" } else { "" };
        let text = format!("{} {}{current}  {said}", model.look.mark(mark, model.clock), context.name);
        let style = if mark == Mark::Good { Style::new() } else { model.look.style(mark) };
        item(model, width, index == clusters.cursor, &text, style)
    };
    let mut lines: Vec<Line<'static>> = clusters.host.kubeconfig.contexts.iter().enumerate().map(line).collect();
    if lines.is_empty() {
        let text = if clusters.done { "no kubeconfig names a cluster" } else { "reading the kubeconfig files" };
        let mark = if clusters.done { Mark::Bad } else { Mark::Busy };
        lines = marked(model, mark, text, width);
        if clusters.done {
            lines.extend(NO_CLUSTER.iter().flat_map(|text| prose(text, 2, width, Style::new())));
        }
    }
    List { lines, cursor: clusters.cursor }
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
        if let Standing::Known(fact) = clusters.standing(&context.name) {
            lines.extend(known(model, fact, width));
        }
    }
    for problem in &clusters.host.kubeconfig.problems {
        let hint = problem.hint().map_or_else(String::new, |hint| format!(" ({hint})"));
        lines.extend(marked(model, Mark::Careful, &format!("{problem}{hint}"), width));
    }
    lines
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
            lines.extend(why.remedy.iter().flat_map(|remedy| prose(remedy, 2, width, Style::new())));
            lines
        }
    }
}
