//! Home: what is wrong, what is installed, what it runs on.

use ratatui::style::Style;
use ratatui::text::Line;
use seaworthy::doctor::finding::Finding;
use seaworthy::doctor::remedy::{self, Remedy, Way};
use seaworthy::home::{Home, NodeState, OpenRun};
use seaworthy::object::ObjectRef;
use seaworthy::prepare::{Health, ObjectHealth};
use seaworthy::stack::stand_in;

use super::{List, item, marked, prose};
use crate::front::home_text;
use crate::front::home_text::{NOTHING, gaps, of_change, of_entry, of_finding, of_prerequisite, verdict};
use crate::front::look::{Look, Mark};
use crate::front::paint::{Paint, one_line};
use crate::front::plan_text::step_lines;
use crate::front::tui::model::{Entry, Model};

/// From this share on a gauge is worth a second look, of 100.
const FULL: u32 = 90;

/// How the cluster is.
pub(super) fn headline(model: &Model, width: usize) -> Vec<Line<'static>> {
    let (mark, text) = match &model.watch.home {
        None => (Mark::Busy, "connecting".to_owned()),
        Some(Err(why)) => (Mark::Bad, format!("{why}; r tries again")),
        Some(Ok(home)) if home.freshness.broken.is_some() => {
            let (mark, text) = verdict(home);
            (mark, format!("{text}. r reads it again, d asks the doctor"))
        }
        Some(Ok(home)) => verdict(home),
    };
    let lost = model.watch.known().and_then(home_text::lost);
    let lost = lost.map(|text| marked(model, Mark::Bad, &format!("{text}; v shows what to do"), width));
    let lines = marked(model, mark, &text, width).into_iter().chain(lost.into_iter().flatten());
    lines.map(|line| line.patch_style(Look::strong())).collect()
}

/// Which cluster it is.
pub(super) fn about(model: &Model) -> String {
    let context = model.watch.context.clone().unwrap_or_default();
    let version = model.watch.known().and_then(|home| home.cluster.version.clone());
    version.map_or(context.clone(), |version| format!("{context} ({version})"))
}

pub(super) fn list(model: &Model, width: usize) -> List {
    let watch = &model.watch;
    let entries = watch.entries(&model.filter());
    let (mut lines, mut cursor) = (Vec::new(), 0);
    let mut part = None;
    for (index, entry) in entries.iter().enumerate() {
        if part != Some(entry.part()) {
            part = Some(entry.part());
            lines
                .extend(watch.known().map(|home| Line::styled(home_text::heading(home, entry.part()), Look::strong())));
        }
        if index == watch.cursor {
            cursor = lines.len();
        }
        let Some(home) = watch.known() else { continue };
        let (mark, text) = of_entry(entry, home, (model.look, width));
        // What was well then may not be now.
        let mark = if mark == Mark::Good && home.freshness.broken.is_some() { Mark::Idle } else { mark };
        let style = if mark == Mark::Good { Style::new() } else { model.look.style(mark) };
        let text = format!("{} {text}", model.look.mark(mark, model.clock));
        lines.push(item(model, width, index == watch.cursor, &text, style));
    }
    if let Some(home) = watch.known().filter(|_| model.filter().is_empty()) {
        lines.extend(absent(model, home, width));
    } else if entries.is_empty() && watch.known().is_some() {
        let text = format!("nothing holds `{}`; / changes the filter", &model.filter());
        lines.extend(marked(model, Mark::Idle, &text, width));
    }
    List { lines, cursor }
}

/// What is worth a word because there is none of it.
fn absent(model: &Model, home: &Home, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if home.installations.is_empty() && home.freshness.awaited == 0 {
        lines.extend(marked(model, Mark::Idle, &format!("{NOTHING}; i installs a stack"), width));
    }
    lines.extend(gaps(home).into_iter().flat_map(|(mark, text)| marked(model, mark, &text, width)));
    lines
}

pub(super) fn details(model: &Model, width: usize) -> Vec<Line<'static>> {
    match model.entry() {
        Some(Entry::Finding(finding, _)) => about_finding(model, finding, width),
        Some(Entry::Change(change)) => {
            let said = model.watch.known().map(|home| of_change(home, change));
            said.iter().flat_map(|text| prose(text, 0, width, Style::new())).collect()
        }
        Some(Entry::Stack(health)) => about_stack(model, health, width),
        Some(Entry::Run(run)) => about_run(model, run, width),
        Some(Entry::Node(node)) => about_node(model, node, width),
        Some(Entry::Prerequisite(it)) => {
            let (mark, text) = of_prerequisite(it);
            marked(model, mark, &text, width)
        }
        None => Vec::new(),
    }
}

fn about_finding(model: &Model, finding: &Finding, width: usize) -> Vec<Line<'static>> {
    let (mark, _) = of_finding(finding, 0);
    let mut lines = marked(model, mark, &format!("{}: {}", finding.object, finding.message), width);
    lines.extend(super::remedy(model, finding.fix.as_deref(), width));
    lines.extend(finding.remedy.iter().flat_map(|remedy| offered(model, remedy, finding, width)));
    let home = model.watch.known();
    let changed = finding.changed.iter().filter_map(|change| Some(of_change(home?, change)));
    let changed = changed.map(|text| format!("since all was well: {text}"));
    lines.extend(changed.flat_map(|text| prose(&text, 2, width, Style::new())));
    lines.extend(finding.evidence.iter().flat_map(|seen| prose(seen, 2, width, Look::faint())));
    let suffering = match finding.suffering() {
        0 => None,
        1 => Some("1 object is affected".to_owned()),
        many => Some(format!("{many} objects are affected")),
    };
    lines.extend(suffering.iter().flat_map(|text| prose(text, 2, width, Style::new())));
    lines.extend(prose(&format!("{} {}", finding.id, finding.title), 2, width, Look::faint()));
    lines
}

/// What `f` does: the title, and what it changes as the plan shows it.
fn offered(model: &Model, remedy: &Remedy, finding: &Finding, width: usize) -> Vec<Line<'static>> {
    let asked = remedy.warning().map_or_else(String::new, |warning| format!(" ({warning})"));
    let mut lines = prose(&format!("f: {}{asked}", remedy.title), 2, width, Look::strong());
    let plan = match &remedy.way {
        Way::Steps(verbs) => {
            let namespace = finding.object.namespace.as_deref().unwrap_or_default();
            let steps = remedy::steps(verbs.clone());
            steps.iter().flat_map(|step| step_lines(step, namespace, Paint(false))).collect()
        }
        Way::Command(words) => vec![model.placed(&format!("seaworthy {}", words.join(" ")))],
    };
    lines.extend(plan.iter().flat_map(|line| prose(line, 5, width, Style::new())));
    lines
}

fn about_stack(model: &Model, health: &Health, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if health.stand_ins {
        lines.extend(marked(model, Mark::Careful, stand_in::WARNING, width));
    }
    if let Some(run) = &health.run {
        let cause = run.causes.first().map_or_else(String::new, |cause| format!(": {}", one_line(&cause.message)));
        lines.extend(marked(
            model,
            Mark::Careful,
            &format!("{} (run {}) did not end well{cause}", run.command, run.run),
            width,
        ));
    }
    let (bad, good): (Vec<&ObjectHealth>, Vec<&ObjectHealth>) =
        health.objects.iter().filter(|object| object.is_worth_a_line()).partition(|object| !object.is_healthy());
    for object in bad.into_iter().chain(good) {
        let mark = match object.healthy {
            Some(true) => Mark::Good,
            Some(false) => Mark::Bad,
            None => Mark::Careful,
        };
        let why = object.cause.as_ref().map_or_else(String::new, |cause| format!(": {}", one_line(&cause.message)));
        let name = short(&object.object, &health.installation.namespace);
        lines.extend(marked(model, mark, &format!("{name}  {}{why}", object.state), width));
    }
    lines
}

/// Without the namespace that is said already.
fn short(object: &ObjectRef, namespace: &str) -> String {
    object.to_string().replacen(&format!("/{namespace}/"), "/", 1)
}

fn about_run(model: &Model, run: &OpenRun, width: usize) -> Vec<Line<'static>> {
    let begun = run.at.strftime("%F %T");
    let mut lines =
        marked(model, Mark::Careful, &format!("run {} of {begun} is under way, or was stopped", run.run.run), width);
    let causes = run.run.causes.iter().map(|cause| one_line(&cause.message));
    lines.extend(causes.flat_map(|cause| prose(&cause, 2, width, Style::new())));
    let said = format!("seaworthy runs resume {0} goes on; seaworthy runs abort {0} gives it up", run.run.run);
    lines.extend(prose(&model.placed(&said), 2, width, Style::new()));
    lines
}

fn about_node(model: &Model, node: &NodeState, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let about = [&node.role, &node.version, &node.address].into_iter().filter(|text| !text.is_empty());
    lines.extend(prose(&about.cloned().collect::<Vec<_>>().join(", "), 0, width, Style::new()));
    lines.extend(node.remarks.iter().flat_map(|remark| marked(model, Mark::Careful, remark, width)));
    let milli = |nano: i128| format!("{}m", nano / 1_000_000);
    let mebi = |nano: i128| format!("{}Mi", (nano / 1_000_000_000) >> 20);
    let shares = [
        (node.cpu, format!("CPU requests: {} of {} allocatable", milli(node.cpu.taken), milli(node.cpu.whole))),
        (
            node.memory,
            format!("memory requests: {} of {} allocatable", mebi(node.memory.taken), mebi(node.memory.whole)),
        ),
        (node.pods, format!("pods: {} of {}", node.pods.taken, node.pods.whole)),
    ];
    for (share, text) in shares {
        let full = if share.percent() >= FULL { "; nearly nothing is left" } else { "" };
        lines.extend(prose(&format!("{text}{full}"), 0, width, Style::new()));
    }
    lines
}
