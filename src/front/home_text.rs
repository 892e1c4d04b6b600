//! What home shows, in words: for the full screen and for plain lines.

use seaworthy::doctor::change::Change;
use seaworthy::doctor::check::Severity;
use seaworthy::doctor::finding::Finding;
use seaworthy::home::{Home, NodeState, OpenRun, PrerequisiteState, Share};
use seaworthy::object::ObjectRef;
use seaworthy::plan::Installation;
use seaworthy::prepare::discover::Stage;
use seaworthy::prepare::{Health, ObjectHealth};
use seaworthy::recover::map::Chain;

use super::look::{Look, Mark, columns};
use super::paint::{count, one_line};
use super::recover_text::loss_name;
use super::tui::model::{Entry, Part, Watch};

/// What there is to do where nothing is installed.
pub(crate) const NOTHING: &str = "nothing is installed here yet";
/// Columns of a gauge.
const GAUGE: usize = 10;
/// Columns of cursor and mark before a line.
const BEFORE: usize = 4;
/// Columns that names of nodes are set to at most.
const NAME: usize = 30;
/// Lines of a part that are shown as plain lines; the others are counted.
const SHOWN: usize = 20;

/// A line of home: its mark and its words.
pub(crate) fn of_entry(entry: &Entry<'_>, home: &Home, (look, width): (Look, usize)) -> (Mark, String) {
    match entry {
        Entry::Finding(finding, depth) => of_finding(finding, *depth),
        Entry::Change(change) => (Mark::Idle, of_change(home, change)),
        Entry::Stack(health) => of_stack(health),
        Entry::Run(run) => of_run(run),
        Entry::Node(node) => of_node(home, node, (look, width)),
        Entry::Prerequisite(it) => of_prerequisite(it),
    }
}

/// The heading of a part.
pub(crate) fn heading(home: &Home, part: Part) -> String {
    let since = home.report.since.as_ref().filter(|_| part == Part::Changes);
    let since = since.map_or_else(String::new, |since| since.green.strftime(" (%F %H:%M UTC)").to_string());
    format!("{}{since}", part.title())
}

/// A finding, and how deep below its cause it stands.
pub(crate) fn of_finding(finding: &Finding, depth: usize) -> (Mark, String) {
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

/// What has changed, of which object.
pub(crate) fn of_change(home: &Home, change: &Change) -> String {
    one_line(&format!("{} {}", change.object, change.words(home.taken)))
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
    (Mark::Careful, format!("{} {}: {done} of {} done", run.run.command, run.of, count(all, "step")))
}

fn of_node(home: &Home, node: &NodeState, (look, width): (Look, usize)) -> (Mark, String) {
    let mark = match (node.ready, node.remarks.is_empty()) {
        (false, _) => Mark::Bad,
        (true, false) => Mark::Careful,
        (true, true) => Mark::Good,
    };
    let Share { taken, whole } = node.pods;
    let longest = home.nodes.iter().map(|node| columns(&node.name)).max().unwrap_or_default().min(NAME);
    let said = |bar: &dyn Fn(Share) -> String| {
        let figure = |what: &str, share: Share| format!("{what} {}{:>3}%", bar(share), share.percent());
        let (cpu, memory) = (figure("CPU", node.cpu), figure("memory", node.memory));
        format!("{:<longest$}  {cpu}  {memory}  pods {taken}/{whole}", node.name)
    };
    // Where bars have no room, the numbers have.
    let wide = said(&|share| format!("{} ", gauge(look, share)));
    let text = if columns(&wide) + BEFORE > width { said(&|_| String::new()) } else { wide };
    let remark = node.remarks.first().map_or_else(String::new, |remark| format!("  {}", one_line(remark)));
    (mark, format!("{text}{remark}"))
}

/// How much is taken, as a bar.
fn gauge(look: Look, share: Share) -> String {
    let percent = usize::try_from(share.percent().min(100)).unwrap_or(100);
    let full = (percent * GAUGE).div_ceil(100);
    let (taken, free) = if look.unicode { ("█", "░") } else { ("#", ".") };
    format!("{}{}", taken.repeat(full), free.repeat(GAUGE - full))
}

/// A prerequisite: whether it is there, and who looks after it.
pub(crate) fn of_prerequisite(it: &PrerequisiteState) -> (Mark, String) {
    let mark = match it.there {
        Some(true) => Mark::Good,
        Some(false) => Mark::Idle,
        None => Mark::Careful,
    };
    let by = it.manager.as_ref().filter(|_| it.there == Some(true)).map_or_else(String::new, |by| format!(", {by}"));
    (mark, format!("{}: {}{by}", it.prerequisite, one_line(&it.said)))
}

/// How the cluster is, in a line.
pub(crate) fn verdict(home: &Home) -> (Mark, String) {
    if let Some((since, why)) = &home.freshness.broken {
        let seconds = home.taken.duration_since(*since).as_secs().max(0);
        let then = since.strftime("%H:%M:%S UTC");
        let context = &home.cluster.context;
        let text = format!("{context} has not answered for {seconds} s: {}; all below is from {then}", one_line(why));
        return (Mark::Bad, text);
    }
    if home.freshness.awaited > 0 {
        return (Mark::Busy, format!("reading: {} to come", count(home.freshness.awaited, "kind")));
    }
    let bad: Vec<&str> = home
        .installations
        .iter()
        .filter(|health| !health.is_healthy())
        .map(|health| health.installation.stack.as_str())
        .collect();
    let mark = match home.report.worst() {
        Some(Severity::Critical | Severity::Error) => Mark::Bad,
        Some(Severity::Warning) => Mark::Careful,
        _ if !bad.is_empty() || !home.report.unsettled.is_empty() => Mark::Careful,
        // What could not be told is not taken for well.
        _ if home.report.summary.unknown > 0 => Mark::Idle,
        _ => Mark::Good,
    };
    if home.report.is_green() && !bad.is_empty() {
        let are = if bad.len() == 1 { "is" } else { "are" };
        return (mark, one_line(&format!("{} {are} not as wanted; nothing else is wrong", bad.join(", "))));
    }
    (mark, one_line(&home.report.headline))
}

/// The losses that are certain by what is seen, in a line.
pub(crate) fn lost(home: &Home) -> Option<String> {
    let first = home.losses.first().filter(|_| home.freshness.broken.is_none())?;
    let (kind, _) = loss_name(first);
    let place = |object: &ObjectRef| object.namespace.as_ref().map_or_else(String::new, |place| format!("{place}/"));
    let about = first.object();
    let about = about.map_or_else(String::new, |about| format!(" of {}{}", place(about), about.name));
    let more = match home.losses.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let what = if first.is_of_data() { "a loss is certain" } else { "no data is lost, and a recovery is due" };
    Some(one_line(&format!("{what}: {kind}{about}{more}")))
}

/// What could not be known, a line each.
pub(crate) fn gaps(home: &Home) -> Vec<(Mark, String)> {
    let mut lines = Vec::new();
    match &home.prerequisites {
        None => lines.push((Mark::Busy, "looking at the prerequisites".to_owned())),
        Some(Err(why)) => lines.push((Mark::Careful, format!("prerequisites could not be read: {why}"))),
        Some(Ok(_)) => {}
    }
    let unread = &home.report.unread;
    if let Some(first) = unread.first() {
        let kinds = count(unread.len(), "kind");
        let text = format!("{kinds} may not be read, and nothing is said of them: {} ({})", first.kind, first.why);
        lines.push((Mark::Careful, text));
    }
    lines
}

/// All of home as plain lines. Marks are words: who hears the screen read cannot see a colour or a sign.
pub(crate) fn text(watch: &Watch, look: Look) -> Vec<String> {
    let Some(home) = watch.known() else { return Vec::new() };
    let said = |(mark, text): (Mark, String)| format!("{} {text}", word(mark));
    let mut lines = vec![said(verdict(home))];
    lines
        .extend(lost(home).map(|text| {
            said((Mark::Bad, format!("{text}; `seaworthy recover` shows what it reaches and what to do")))
        }));
    let entries = watch.entries("");
    for part in [Part::Findings, Part::Stacks, Part::Runs, Part::Changes, Part::Nodes, Part::Prerequisites] {
        let of_part: Vec<&Entry<'_>> = entries.iter().filter(|entry| entry.part() == part).collect();
        if of_part.is_empty() {
            continue;
        }
        lines.push(format!("{}:", heading(home, part)));
        let line = |entry: &&Entry<'_>| format!("  {}", said(of_entry(entry, home, (look, 0))));
        lines.extend(of_part.iter().take(SHOWN).map(line));
        if of_part.len() > SHOWN {
            lines.push(format!("  and {} more", of_part.len() - SHOWN));
        }
    }
    if home.installations.is_empty() {
        lines.push(said((Mark::Idle, NOTHING.to_owned())));
    }
    lines.extend(gaps(home).into_iter().map(said));
    lines
}

/// The storage map as plain lines.
pub(crate) fn storage_text(watch: &Watch) -> Vec<String> {
    let chains = watch.chains("");
    if chains.is_empty() {
        return vec!["no claims and no volumes are here".to_owned()];
    }
    let line = |chain: &&Chain| {
        let pods = if chain.pods.is_empty() { "no pod".to_owned() } else { chain.pods.join(", ") };
        let claim = chain.claim.as_ref().map_or_else(|| "no claim".to_owned(), ToString::to_string);
        let volume = chain.volume.as_deref().unwrap_or("no volume yet");
        let nodes = if chain.nodes.is_empty() { String::new() } else { format!(", on {}", chain.nodes.join(", ")) };
        let place = if chain.place.is_empty() { String::new() } else { format!(", data in {}", chain.place) };
        let broken = chain.broken.as_ref().map_or_else(String::new, |broken| format!("; broken: {}", broken.why));
        let mark = word(of_chain(chain));
        one_line(&format!("{mark} {pods}, {claim} ({}, {}), {volume}{nodes}{place}{broken}", chain.phase, chain.size))
    };
    chains.iter().map(line).collect()
}

/// Whether a chain holds.
pub(crate) fn of_chain(chain: &Chain) -> Mark {
    match (&chain.broken, chain.phase.as_str()) {
        (Some(_), _) => Mark::Bad,
        (None, "Bound") => Mark::Good,
        (None, _) => Mark::Careful,
    }
}

/// A mark as a word.
fn word(mark: Mark) -> &'static str {
    match mark {
        Mark::Good => "[ok]",
        Mark::Bad => "[fail]",
        Mark::Careful => "[warn]",
        Mark::Busy => "[wait]",
        Mark::Idle => "[info]",
        Mark::Skipped => "[skip]",
    }
}
