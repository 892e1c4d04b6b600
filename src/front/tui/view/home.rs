//! Home: what is wrong, what is installed, what it runs on.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use seaworthy::doctor::change::Change;
use seaworthy::doctor::check::Severity;
use seaworthy::doctor::finding::Finding;
use seaworthy::home::{Home, NodeState, OpenRun, PrerequisiteState, Share};
use seaworthy::object::ObjectRef;
use seaworthy::plan::Installation;
use seaworthy::prepare::discover::Stage;
use seaworthy::prepare::{Health, ObjectHealth};
use seaworthy::stack::stand_in;

use super::{List, item, marked, prose};
use crate::front::paint::{count, one_line};
use crate::front::tui::look::{Look, Mark, columns};
use crate::front::tui::model::{Entry, Model, Part};

/// What there is to do where nothing is installed.
const NOTHING: &str = "nothing is installed here yet; i installs a stack";
/// Columns of a gauge.
const GAUGE: usize = 10;
/// Columns that names of nodes are set to at most.
const NAME: usize = 30;
/// From this share on a gauge is worth a second look, of 100.
const FULL: u32 = 90;

/// The first line: how the cluster is.
pub(super) fn headline(model: &Model, width: usize) -> Line<'static> {
    let look = model.look;
    let (mark, text) = match &model.watch.home {
        None => (Mark::Busy, "connecting".to_owned()),
        Some(Err(why)) => (Mark::Bad, format!("{why}; r tries again")),
        Some(Ok(home)) => verdict(home),
    };
    let sign = look.mark(mark, model.clock);
    let text = look.cut(&text, width.saturating_sub(columns(sign) + 1));
    Line::from(vec![Span::styled(format!("{sign} "), look.style(mark)), Span::styled(text, Look::strong())])
}

/// Which cluster it is.
pub(super) fn about(model: &Model) -> String {
    let context = model.watch.context.clone().unwrap_or_default();
    let version = model.watch.known().and_then(|home| home.cluster.version.clone());
    version.map_or(context.clone(), |version| format!("{context} ({version})"))
}

fn verdict(home: &Home) -> (Mark, String) {
    if let Some((since, why)) = &home.freshness.broken {
        let seconds = home.taken.duration_since(*since).as_secs().max(0);
        return (Mark::Bad, format!("no answer for {seconds} s, what follows is from before: {}", one_line(why)));
    }
    if home.freshness.awaited > 0 {
        return (Mark::Busy, format!("reading: {} to come", count(home.freshness.awaited, "kind")));
    }
    let bad = home.installations.iter().filter(|health| !health.is_healthy()).count();
    let mark = match home.report.worst() {
        Some(Severity::Critical | Severity::Error) => Mark::Bad,
        Some(Severity::Warning) => Mark::Careful,
        _ if bad > 0 => Mark::Careful,
        _ => Mark::Good,
    };
    (mark, one_line(&home.report.headline))
}

pub(super) fn list(model: &Model, width: usize) -> List {
    let watch = &model.watch;
    let entries = watch.entries(&model.filter());
    let (mut lines, mut cursor) = (vec![headline(model, width)], 0);
    let mut part = None;
    for (index, entry) in entries.iter().enumerate() {
        if part != Some(entry.part()) {
            part = Some(entry.part());
            lines.push(heading(model, entry.part()));
        }
        if index == watch.cursor {
            cursor = lines.len();
        }
        let (mark, text) = line(model, entry, width);
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

fn heading(model: &Model, part: Part) -> Line<'static> {
    let since = model.watch.known().and_then(|home| home.report.since.as_ref()).filter(|_| part == Part::Changes);
    let since = since.map_or_else(String::new, |since| since.green.strftime(" (%F %H:%M UTC)").to_string());
    Line::styled(format!("{}{since}", part.title()), Look::strong())
}

/// What is worth a word because there is none of it.
fn absent(model: &Model, home: &Home, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if home.installations.is_empty() && home.freshness.awaited == 0 {
        lines.extend(marked(model, Mark::Idle, NOTHING, width));
    }
    match &home.prerequisites {
        None => lines.extend(marked(model, Mark::Busy, "looking at the prerequisites", width)),
        Some(Err(why)) => {
            lines.extend(marked(model, Mark::Careful, &format!("prerequisites could not be read: {why}"), width));
        }
        Some(Ok(_)) => {}
    }
    let unread = &home.report.unread;
    if let Some(first) = unread.first() {
        let kinds = count(unread.len(), "kind");
        let text = format!("{kinds} may not be read, and nothing is said of them: {} ({})", first.kind, first.why);
        lines.extend(marked(model, Mark::Careful, &text, width));
    }
    lines
}

fn line(model: &Model, entry: &Entry<'_>, width: usize) -> (Mark, String) {
    match entry {
        Entry::Finding(finding, depth) => of_finding(finding, *depth),
        Entry::Change(change) => (Mark::Idle, of_change(model, change)),
        Entry::Stack(health) => of_stack(health),
        Entry::Run(run) => of_run(run),
        Entry::Node(node) => of_node(model, node, width),
        Entry::Prerequisite(it) => of_prerequisite(it),
    }
}

fn of_finding(finding: &Finding, depth: usize) -> (Mark, String) {
    let mark = match finding.severity {
        Severity::Critical | Severity::Error => Mark::Bad,
        Severity::Warning => Mark::Careful,
        Severity::Info => Mark::Idle,
    };
    let indent = "  ".repeat(depth);
    let suffering = match finding.suffering() {
        0 => String::new(),
        many => format!(" (+{many})"),
    };
    (mark, format!("{indent}{} {}: {}{suffering}", finding.object, finding.reason, one_line(&finding.message)))
}

fn of_change(model: &Model, change: &Change) -> String {
    let now = model.watch.known().map_or(jiff::Timestamp::UNIX_EPOCH, |home| home.taken);
    one_line(&format!("{} {}", change.object, change.words(now)))
}

fn of_stack(health: &Health) -> (Mark, String) {
    let Installation { stack, namespace, version, profile, .. } = &health.installation;
    let mark = match health.stage {
        Stage::Leftover => Mark::Idle,
        _ if health.is_healthy() => Mark::Good,
        Stage::Unfinished if health.objects.iter().all(ObjectHealth::is_healthy) => Mark::Careful,
        _ => Mark::Bad,
    };
    let known = [stack, version, profile].into_iter().filter(|text| !text.is_empty());
    let known: Vec<&str> = known.map(String::as_str).collect();
    (mark, format!("{} in {namespace}: {}", known.join(" "), health.verdict()))
}

fn of_run(run: &OpenRun) -> (Mark, String) {
    let (done, all) = run.done;
    (Mark::Careful, format!("{} {}: {done} of {all} steps done; Enter goes on with it", run.run.command, run.of))
}

fn of_node(model: &Model, node: &NodeState, width: usize) -> (Mark, String) {
    let mark = match (node.ready, node.remarks.is_empty()) {
        (false, _) => Mark::Bad,
        (true, false) => Mark::Careful,
        (true, true) => Mark::Good,
    };
    let Share { taken, whole } = node.pods;
    let figures = if width < 60 {
        format!("cpu {}% mem {}%", node.cpu.percent(), node.memory.percent())
    } else {
        let gauge = |share: Share| format!("{} {:>3}%", gauge(model.look, share), share.percent());
        format!("cpu {}  mem {}  pods {taken}/{whole}", gauge(node.cpu), gauge(node.memory))
    };
    let remark = node.remarks.first().map_or_else(String::new, |remark| format!("  {}", one_line(remark)));
    let all = model.watch.known().map_or(&[][..], |home| home.nodes.as_slice());
    let longest = all.iter().map(|node| columns(&node.name)).max().unwrap_or_default().min(NAME);
    (mark, format!("{:<longest$}  {figures}{remark}", node.name))
}

/// How much is taken, as a bar.
fn gauge(look: Look, share: Share) -> String {
    let percent = usize::try_from(share.percent().min(100)).unwrap_or(100);
    let full = (percent * GAUGE).div_ceil(100);
    let (taken, free) = if look.unicode { ("█", "░") } else { ("#", ".") };
    format!("{}{}", taken.repeat(full), free.repeat(GAUGE - full))
}

fn of_prerequisite(it: &PrerequisiteState) -> (Mark, String) {
    let mark = match it.there {
        Some(true) => Mark::Good,
        Some(false) => Mark::Idle,
        None => Mark::Careful,
    };
    let by = it.manager.as_ref().filter(|_| it.there == Some(true)).map_or_else(String::new, |by| format!(", {by}"));
    (mark, format!("{}: {}{by}", it.prerequisite, one_line(&it.said)))
}

pub(super) fn details(model: &Model, width: usize) -> Vec<Line<'static>> {
    match model.entry() {
        Some(Entry::Finding(finding, _)) => about_finding(model, finding, width),
        Some(Entry::Change(change)) => prose(&of_change(model, change), 0, width, Style::new()),
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
    let mut lines = marked(model, mark, &format!("{} {}", finding.object, finding.message), width);
    lines.extend(finding.fix.iter().flat_map(|fix| prose(&format!("do: {fix}"), 2, width, Style::new())));
    let changed = finding.changed.iter().map(|change| format!("since all was well: {}", of_change(model, change)));
    lines.extend(changed.flat_map(|text| prose(&text, 2, width, Style::new())));
    lines.extend(finding.evidence.iter().flat_map(|seen| prose(seen, 2, width, Look::faint())));
    let suffering = match finding.suffering() {
        0 => None,
        1 => Some("1 object suffers from it".to_owned()),
        many => Some(format!("{many} objects suffer from it")),
    };
    lines.extend(suffering.iter().flat_map(|text| prose(text, 2, width, Style::new())));
    lines.extend(prose(&format!("{} {}", finding.id, finding.title), 2, width, Look::faint()));
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
    lines.extend(prose(&said, 2, width, Style::new()));
    lines
}

fn about_node(model: &Model, node: &NodeState, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let about = [&node.role, &node.version, &node.address].into_iter().filter(|text| !text.is_empty());
    lines.extend(prose(&about.cloned().collect::<Vec<_>>().join(", "), 0, width, Style::new()));
    lines.extend(node.remarks.iter().flat_map(|remark| marked(model, Mark::Careful, remark, width)));
    for (what, share) in [("CPU", node.cpu), ("memory", node.memory), ("pods", node.pods)] {
        let full = if share.percent() >= FULL { "; nearly nothing is left" } else { "" };
        let amount = |nano: i128| match what {
            "CPU" => format!("{}m", nano / 1_000_000),
            "memory" => format!("{} Mi", (nano / 1_000_000_000) >> 20),
            _ => nano.to_string(),
        };
        let text = format!("{what}: {} of {} asked for{full}", amount(share.taken), amount(share.whole));
        lines.extend(prose(&text, 0, width, Style::new()));
    }
    lines
}
