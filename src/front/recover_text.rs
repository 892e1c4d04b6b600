//! Losses, recoveries and their reports, as people read them.

mod toll;

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use seaworthy::engine::journal::RunState;
use seaworthy::object::{ObjectRef, printable};
use seaworthy::plan::verb::Verb;
use seaworthy::plan::{Action, Change, Occasion, Plan, Purpose, Step};
use seaworthy::recover::drill::{Data, Drilled};
use seaworthy::recover::former::Former;
use seaworthy::recover::playbook::{Sheet, Task};
use seaworthy::recover::report::Report;
use seaworthy::recover::subject::option;
use seaworthy::recover::{Loss, LossKind, Playbook};
use serde::Serialize;

use self::toll::{backup_lines, bytes_text, down_lines, stopped};
use super::paint::{Paint, count, time, whole_time};
use super::patience;
use super::place::placed;
use super::report_text::Style;

/// For programs, which paste a command as it stands.
fn where_it_leads<S: serde::Serializer>(command: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&placed(command))
}

/// A recovery that is proposed for a loss.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Proposal {
    /// What to type.
    #[serde(serialize_with = "where_it_leads")]
    pub(crate) command: String,
    /// The playbook.
    #[serde(skip)]
    pub(crate) playbook: String,
    /// What it is about: a claim, or a namespace as a whole.
    #[serde(skip)]
    pub(crate) subject: ObjectRef,
    /// The playbook's name for people.
    pub(crate) title: String,
    /// What is lost for good when it is done.
    pub(crate) lost: String,
    /// What it does not touch.
    #[serde(skip)]
    pub(crate) untouched: String,
    /// What comes back by itself.
    #[serde(skip)]
    pub(crate) returns: String,
    /// Whether the data is there afterwards.
    pub(crate) brings_back: bool,
    /// What becomes of the data.
    #[serde(skip)]
    pub(crate) outlook: &'static str,
}

impl Proposal {
    /// A playbook for a claim, or for a namespace as a whole.
    pub(crate) fn of(playbook: &Playbook, subject: ObjectRef, loss: &Loss) -> Self {
        let sheet = &playbook.sheet;
        let (option, named) = option(&subject);
        Self {
            command: format!("seaworthy recover {} {option} {named}", playbook.name),
            playbook: playbook.name.clone(),
            subject,
            title: sheet.title.clone(),
            lost: sheet.lost.clone(),
            untouched: sheet.untouched.clone(),
            returns: sheet.returns.clone(),
            brings_back: sheet.brings_back(),
            outlook: outlook(&playbook.sheet, loss),
        }
    }
}

/// What becomes of the data of a loss. What is there still is not brought back.
fn outlook(sheet: &Sheet, loss: &Loss) -> &'static str {
    match loss.kind {
        LossKind::VolumeReadOnly | LossKind::VolumeFull if sheet.steps.contains(&Task::Move) => {
            "keeps what can be read"
        }
        LossKind::VolumeGoing | LossKind::ClaimGoing | LossKind::VolumeFull | LossKind::EtcdFull
            if sheet.brings_back() =>
        {
            "keeps the data"
        }
        LossKind::ClassGone | LossKind::ProvisionerGone | LossKind::ClaimStranded
            if loss.gone.is_empty() && sheet.makes_fresh() =>
        {
            "gives the claim an empty volume"
        }
        _ if sheet.brings_back() => "brings the data back",
        _ if sheet.makes_fresh() => "does not bring the data back: a fresh, empty volume",
        _ => "brings no data back",
    }
}

/// A backup that has what is lost.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FromBackup {
    /// What to type.
    #[serde(serialize_with = "where_it_leads")]
    pub(crate) command: String,
    /// Where it is.
    pub(crate) folder: PathBuf,
    /// From when.
    pub(crate) at: Timestamp,
}

impl FromBackup {
    /// What it brings back.
    pub(crate) fn promise(&self) -> String {
        format!("brings back what the backup of {} has", self.at.strftime("%F %T UTC"))
    }
}

/// What could be done about a loss.
#[derive(Debug, Default)]
pub(crate) struct Offer {
    pub(crate) proposals: Vec<Proposal>,
    /// Where no playbook brings the data back.
    pub(crate) backup: Option<FromBackup>,
    /// Why no playbook is proposed, and what to do instead.
    pub(crate) instead: Vec<String>,
}

/// What an earlier loss has left without data.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Gone {
    #[serde(flatten)]
    pub(crate) former: Former,
    /// The backup that has it.
    pub(crate) backup: Option<FromBackup>,
}

/// What is not there any more since an earlier loss, and what has it.
pub(crate) fn gone_text(gone: &Gone, paint: Paint) -> String {
    let head = paint.careful(&printable(&format!("gone since an earlier loss: {}", gone.former.told())));
    match &gone.backup {
        None => format!("{head}\n  no backup that is kept here has it"),
        Some(backup) => {
            let command = paint.strong(&printable(&backup.command));
            format!("{head}\n  then        {command}\n              {}", backup.promise())
        }
    }
}

/// What is lost, why that is said, what it reaches and what could be done.
pub(crate) fn losses_text(losses: &[Loss], offers: &[Offer], records: usize, paint: Paint) -> String {
    if losses.is_empty() {
        return none_text(records);
    }
    let texts: Vec<String> = losses.iter().zip(offers).map(|(loss, offer)| loss_text(loss, offer, paint)).collect();
    texts.join("\n\n")
}

/// That nothing is lost, and what it was compared with.
pub(crate) fn none_text(records: usize) -> String {
    let known = match records {
        0 => "; no record of a healthy installation with volumes is kept here, so a volume that was silently emptied would not show"
            .to_owned(),
        records => format!("; compared with {}", count(records, "record")),
    };
    format!("no loss is recognised{known}")
}

/// What is lost, in two words: its kind, and of what.
pub(crate) fn loss_name(loss: &Loss) -> (&'static str, String) {
    let about = loss.object().map_or_else(String::new, ToString::to_string);
    (loss.kind.name(), printable(&about))
}

/// All that is said of a loss, each with its label: the facts, what it reaches, and what to do first.
pub(crate) fn loss_rows(loss: &Loss) -> Vec<(&'static str, String)> {
    let list = |names: &[String]| if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    let blast = &loss.blast;
    let mut rows = vec![("means", loss.meaning().to_owned())];
    rows.extend(loss.facts.iter().map(|fact| ("seen", fact.clone())));
    rows.extend([("data", blast.data.clone()), ("used by", list(&blast.components))]);
    // That nobody does would read as if everything was down.
    let some = |label, names: &[String]| (!names.is_empty()).then(|| (label, list(names)));
    rows.extend([some("still runs", &blast.still_runs), some("still works", &blast.still_works)].into_iter().flatten());
    rows.extend([("comes back", blast.returns.clone()), ("first", loss.advice())]);
    rows.extend(loss.kind.guide().map(|guide| ("by hand", format!("`seaworthy recover --guide {guide}`"))));
    if !loss.certain {
        rows.push(("then", "only one fact says so: look again in some minutes before anything is done".to_owned()));
    }
    rows
}

/// Whether a playbook brings the data back, and what is lost where it does not.
pub(crate) fn promise(proposal: &Proposal) -> String {
    if proposal.brings_back {
        return proposal.outlook.to_owned();
    }
    format!("{}; lost: {}", proposal.outlook, printable(&proposal.lost))
}

/// What came of drills: a line each, and of those that went wrong where.
pub(crate) fn drills_text(drills: &[Drilled], style: Style, place: &str) -> String {
    let row = |one: &Drilled| {
        let data = one.data.map_or("-", |data| match data {
            Data::Saved => "saved",
            Data::Fresh => "a fresh volume",
        });
        let seconds = format!("{:.0} s", Duration::from_millis(one.millis).as_secs_f64());
        [one.playbook.clone(), one.loss.name().to_owned(), data.to_owned(), format!("{} steps", one.steps), seconds]
    };
    let rows: Vec<[String; 5]> = drills.iter().map(row).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..5).map(width).collect();
    let mut lines = Vec::new();
    for (drill, row) in drills.iter().zip(&rows) {
        let mark = if drill.has_passed() { style.good() } else { style.bad() };
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        lines.push(format!("{mark} {}", cells.join("  ").trim_end()));
        lines.extend(drill.facts.iter().map(|fact| format!("    seen    {}", printable(fact))));
        lines.extend(drill.failed.iter().map(|failed| format!("    wrong   {}", printable(failed))));
        lines.extend(drill.folder.iter().map(|folder| format!("    left in {}", folder.display())));
    }
    let passed = drills.iter().filter(|drill| drill.has_passed()).count();
    lines.push(format!(
        "{passed} of {} came to what they have to; times are the {place}'s",
        count(drills.len(), "drill")
    ));
    lines.join("\n")
}

fn loss_text(loss: &Loss, offer: &Offer, paint: Paint) -> String {
    let (kind, about) = loss_name(loss);
    let verdict = if loss.certain { paint.bad(kind) } else { paint.careful(&format!("suspected: {kind}")) };
    let head = format!("{verdict} {}", paint.strong(&about));
    let lines = loss_rows(loss).into_iter().map(|(label, text)| format!("  {label:<11} {text}"));
    // What brings the data back comes first.
    let word = |number: usize| if number == 0 { "then       " } else { "or         " };
    let saved = offer.backup.iter().flat_map(|backup| {
        let command = paint.strong(&printable(&backup.command));
        [format!("  {} {command}", word(0)), format!("              {}", paint.good(&backup.promise()))]
    });
    let instead = offer.instead.iter().map(|text| format!("  {} {}", word(0), printable(text)));
    let before = usize::from(offer.backup.is_some());
    let proposed = offer.proposals.iter().enumerate().flat_map(|(number, proposal)| {
        let what = if proposal.brings_back {
            paint.good(proposal.outlook)
        } else {
            format!("{}; lost: {}", paint.bad(proposal.outlook), printable(&proposal.lost))
        };
        [
            format!("  {} {}", word(number + before), paint.strong(&printable(&proposal.command))),
            format!("              {what}"),
        ]
    });
    // What the cluster wrote is cleaned before anything is painted: our colours are escape sequences, too.
    let cleaned = lines.map(|line| printable(&line));
    std::iter::once(head).chain(cleaned).chain(saved).chain(proposed).chain(instead).collect::<Vec<_>>().join("\n")
}

/// The plan of a recovery: each step with its gate, its proof and how long it may take.
pub(crate) fn plan_text(plan: &Plan, paint: Paint) -> String {
    text(plan, paint, false)
}

/// A plan of any kind; of a recovery also with the kubectl commands that would do the same.
pub(crate) fn plan_text_in_full(plan: &Plan, paint: Paint) -> String {
    match plan.purpose {
        Purpose::Recover | Purpose::Backup | Purpose::Restore => text(plan, paint, true),
        _ => super::plan_text::plan_text(plan, paint),
    }
}

fn text(plan: &Plan, paint: Paint, commands: bool) -> String {
    let installation = &plan.installation;
    let verb = plan.purpose.word();
    // What belongs to no installation has the name of the verb, and what is about all namespaces none.
    let of = Some(&installation.stack).filter(|stack| *stack != verb);
    let of = of.map_or_else(String::new, |stack| format!(" {}", paint.strong(&printable(stack))));
    let within = Some(&installation.namespace).filter(|namespace| !namespace.is_empty());
    let within = within.map_or_else(String::new, |namespace| format!(" in namespace {}", printable(namespace)));
    let mut lines = vec![format!("{verb}{of}{within} of {}", printable(&plan.cluster.context))];
    lines.extend(plan.occasion.iter().flat_map(|occasion| occasion_lines(occasion, paint)));
    lines.extend(backup_lines(plan));
    lines.extend(down_lines(plan));
    for (number, step) in plan.steps.iter().enumerate() {
        lines.extend(step_lines(number + 1, step, paint, commands));
    }
    lines.push(sum_text(plan));
    lines.join("\n")
}

/// What the steps of a recovery come to.
pub(crate) fn sum_text(plan: &Plan) -> String {
    let left = plan.steps.iter().filter(|step| step.change != Change::Unchanged).count();
    let hard = plan.steps.iter().filter(|step| is_irreversible(step)).count();
    match hard {
        0 if plan.purpose == Purpose::Backup => {
            let again = if stopped(plan).next().is_some() { "; what is stopped for it is started again" } else { "" };
            format!("{}, which only read in the cluster{again}", count(left, "step"))
        }
        0 => format!("{}, none of which destroys anything", count(left, "step")),
        hard if plan.purpose == Purpose::Restore => {
            format!("{}, of which {hard} cannot be taken back: what is on these volumes now goes", count(left, "step"))
        }
        hard => format!("{}, of which {hard} cannot be taken back{}", count(left, "step"), bytes_text(plan)),
    }
}

/// Why, and what it costs: before anybody agrees to it.
fn occasion_lines(occasion: &Occasion, paint: Paint) -> Vec<String> {
    let mut lines = vec![format!("  {}", printable(&occasion.title))];
    for lost in &occasion.losses {
        let kind = lost.kind.as_deref().unwrap_or("no loss is recognised");
        lines.push(format!("  {}", printable(&format!("{kind}: {}", lost.data))));
    }
    // Members of one etcd are one loss.
    lines.dedup();
    lines.push(format!("  lost       {}", paint.careful(&printable(&occasion.lost))));
    lines.push(format!("  untouched  {}", printable(&occasion.untouched)));
    lines.push(format!("  comes back {}", printable(&occasion.returns)));
    lines
}

/// Whether a step cannot be taken back.
pub(crate) fn is_irreversible(step: &Step) -> bool {
    matches!(&step.action, Action::Rescue { verb, .. } if verb.is_irreversible() && step.change != Change::Unchanged)
}

/// Cleaned before it is painted.
fn step_lines(number: usize, step: &Step, paint: Paint, commands: bool) -> Vec<String> {
    let title = printable(&step.title);
    let Action::Rescue { verb, limit } = &step.action else {
        return vec![format!("  {number:>2} {title}")];
    };
    if step.change == Change::Unchanged {
        return vec![paint.faint(&format!("  {number:>2} {title}: done, and need not be done again"))];
    }
    let hard = if verb.is_irreversible() { paint.bad(" (cannot be taken back)") } else { String::new() };
    let mut lines =
        vec![format!("  {number:>2} {}{hard}", paint.strong(&title)), format!("       {}", rule_text(verb, *limit))];
    let command = verb.kubectl(*limit).filter(|_| commands).unwrap_or_default();
    // Lines of a manifest stand at the margin, so that they can be copied with the line that ends them.
    lines.extend(command.lines().enumerate().map(|(number, line)| {
        let line = printable(line);
        if number == 0 { format!("       same {line}") } else { line }
    }));
    lines
}

/// When a step is begun, when it is done, and how long it may take.
pub(crate) fn rule_text(verb: &Verb, limit: u64) -> String {
    let limit = match limit {
        0 => format!("{} (--timeout)", whole_time(millis(patience::seconds()))),
        limit => whole_time(millis(limit)),
    };
    printable(&format!("gate {}; proof {}; within {limit}", verb.gate(), verb.proof()))
}

fn millis(seconds: u64) -> u64 {
    u64::try_from(Duration::from_secs(seconds).as_millis()).unwrap_or(u64::MAX)
}

/// What was lost, what was saved, and how long it took. `file`: where the whole report is.
pub(crate) fn report_text(report: &Report, file: &Path) -> String {
    let occasion = &report.occasion;
    let claims: Vec<String> = report.data.iter().map(|fate| fate.claim.to_string()).collect();
    let mut lines = vec![format!("report: {} for {}", occasion.playbook, claims.join(", "))];
    if report.state == RunState::Done {
        lines.push(format!("  lost       {}", occasion.lost));
        lines.push(format!("  untouched  {}", occasion.untouched));
        lines.push(format!("  comes back {}", occasion.returns));
    }
    for fate in &report.data {
        let of = if report.data.len() > 1 { format!(" ({})", fate.claim.name) } else { String::new() };
        lines.push(format!("  data       {}{of}", fate.verdict.meaning()));
        lines.extend(fate.counted.iter().map(|counted| format!("  in it now  {counted}{of}")));
    }
    lines.extend(
        report.seconds_down.map(|seconds| {
            format!("  down for   {} (from the first stop to the last start)", time(of_seconds(seconds)))
        }),
    );
    lines.push(format!("  took       {}", time(of_seconds(report.seconds))));
    if report.state != RunState::Done {
        // Whoever stops here has to know what that leaves behind.
        lines.extend(report.left.iter().map(|left| format!("  left       {left}")));
        lines.extend(report.next.first().map(|next| format!("  next       {next}")));
    }
    lines.push(format!("  written to {}", file.display()));
    printable(&lines.join("\n"))
}

fn of_seconds(seconds: f64) -> u64 {
    u64::try_from(Duration::try_from_secs_f64(seconds).unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use seaworthy::plan::Plan;
    use serde_json::json;

    use super::*;

    /// What a cluster wrote cannot move the cursor, and our own colours come through.
    #[test]
    fn colours_stay_and_escape_sequences_of_others_do_not() {
        let step = json!({"id": "rescue:x", "title": "stop \u{1b}[2Jweb", "change": {"kind": "observe"}, "action": {"do": "await",
            "object": {"apiVersion": "v1", "kind": "Pod", "namespace": "sea", "name": "x"}}});
        let plan: Plan = serde_json::from_value(json!({"purpose": "recover",
            "installation": {"stack": "shop", "version": "1", "namespace": "sea\u{1b}[31m", "release": "shop", "profile": "ha"},
            "cluster": {"context": "dev", "server": "s", "uid": "u"}, "steps": [step]}))
        .unwrap();
        let text = plan_text(&plan, Paint(true));
        assert!(text.starts_with("recover \u{1b}[1mshop\u{1b}[0m in namespace sea?[31m of dev"), "{text:?}");
        assert!(text.contains("stop ?[2Jweb"), "{text:?}");
        assert!(!plan_text(&plan, Paint(false)).contains('\u{1b}'));
    }
}
