//! A plan as people read it.

use seaworthy::plan::task::Task;
use seaworthy::plan::{Action, Change, Choice, Conflict, FieldChange, Plan, Purpose, Step};
use serde_json::Value;

use super::paint::{Paint, cut};
use super::recover_text;

/// How much of a value is shown.
const VALUE: usize = 60;
/// How much of it behind the first letter that differs is seen at least.
const BEHIND: usize = 10;

/// The plan: one line for each object that changes, its fields below it; what stays as it is is only counted.
pub(crate) fn plan_text(plan: &Plan, paint: Paint) -> String {
    let installation = &plan.installation;
    let mut lines = vec![match plan.purpose {
        Purpose::Recover | Purpose::Hold | Purpose::Backup | Purpose::Restore => {
            return recover_text::plan_text(plan, paint);
        }
        Purpose::Install => format!(
            "{} {} ({}) into namespace {} of {}",
            paint.strong(&installation.stack),
            installation.version,
            installation.profile,
            installation.namespace,
            plan.cluster.context
        ),
        Purpose::CreateCluster | Purpose::StartCluster | Purpose::DeleteCluster => {
            format!("{} {} on this machine", plan.purpose.word(), paint.strong(&installation.release))
        }
        Purpose::LoadImages => {
            let (stack, cluster) = (&installation.stack, &installation.release);
            format!("images of {} into the nodes of {cluster}", paint.strong(stack))
        }
        Purpose::SaveImages => format!("images of {}", paint.strong(&installation.stack)),
        Purpose::Remedy => {
            // What belongs to no namespace is locked under a name that is none.
            let about = plan.steps.iter().find_map(|step| step.action.object());
            let place = about.and_then(|object| object.namespace).map(|name| format!("namespace {name} of "));
            format!("in {}{}", place.unwrap_or_default(), plan.cluster.context)
        }
        Purpose::Uninstall => format!(
            "take {} away from namespace {} of {}",
            paint.strong(&installation.stack),
            installation.namespace,
            plan.cluster.context
        ),
    }];
    // What goes away must not be missed among what comes.
    let (gone, rest): (Vec<&Step>, Vec<&Step>) = plan.steps.iter().partition(|step| step.change == Change::Delete);
    for step in gone.into_iter().chain(rest) {
        lines.extend(step_lines(step, &plan.installation.namespace, paint));
    }
    lines.push(summary_text(plan));
    lines.join("\n")
}

/// `3 to create, 1 to update, 12 unchanged`.
pub(crate) fn summary_text(plan: &Plan) -> String {
    let summary = plan.summary();
    let parts = [
        (summary.create, "to create"),
        (summary.update, "to update"),
        (summary.replace, "to replace"),
        (summary.delete, "to delete"),
        (summary.keep, "to keep"),
        (summary.unchanged, "unchanged"),
    ];
    let said: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    if said.is_empty() { "nothing to do".to_owned() } else { said.join(", ") }
}

pub(crate) fn step_lines(step: &Step, namespace: &str, paint: Paint) -> Vec<String> {
    if let Action::Host { task } = &step.action {
        return task_lines(task, &step.change, paint);
    }
    // Nearly everything is in one namespace, which the first line has named.
    let about = step.title.split_once(' ').map_or("", |(_, about)| about).replacen(&format!("/{namespace}/"), "/", 1);
    match &step.change {
        Change::Create => vec![format!("  {} {about}", paint.good("+ create"))],
        Change::Delete => vec![format!("  {} {about}", paint.bad("- delete"))],
        Change::Keep { why } => vec![format!("  {} {about}: {why}", paint.careful("= keep  "))],
        Change::Update { fields, .. } if matches!(step.action, Action::Rescue { .. }) => {
            let head = format!("  {} {}", paint.careful("~"), step.title);
            let nothing = "      what differs is environment, arguments or commands, which are not shown".to_owned();
            let fields: Vec<String> = fields.iter().map(field_line).collect();
            std::iter::once(head).chain(if fields.is_empty() { vec![nothing] } else { fields }).collect()
        }
        Change::Update { fields, conflicts, .. } => {
            let head = format!("  {} {about}", paint.careful("~ update"));
            std::iter::once(head).chain(update_lines(fields, conflicts, paint)).collect()
        }
        Change::Replace { replacement } => {
            let head = format!("  {} {about}", paint.bad("-/+ replace"));
            let why = [replacement.said.clone(), replacement.effect.clone()].map(|line| format!("      {line}"));
            std::iter::once(head).chain(replacement.fields.iter().map(field_line)).chain(why).collect()
        }
        Change::Unchanged | Change::Observe => Vec::new(),
    }
}

/// A step of this machine, with what there is to know about it.
fn task_lines(task: &Task, change: &Change, paint: Paint) -> Vec<String> {
    let mark = match change {
        Change::Create => paint.good("+"),
        Change::Delete => paint.bad("-"),
        Change::Replace { .. } => paint.bad("-/+"),
        Change::Update { .. } => paint.careful("~"),
        Change::Observe => paint.faint("?"),
        Change::Unchanged | Change::Keep { .. } => return Vec::new(),
    };
    let head = format!("  {mark} {}", task.title());
    let fields = match change {
        Change::Update { fields, conflicts, .. } => update_lines(fields, conflicts, paint),
        _ => Vec::new(),
    };
    let details = task.details().into_iter().map(|line| format!("      {line}"));
    std::iter::once(head).chain(details).chain(fields).collect()
}

/// Field by field; one that somebody else owns is told as that alone.
fn update_lines(fields: &[FieldChange], conflicts: &[Conflict], paint: Paint) -> Vec<String> {
    let alone = |field: &&FieldChange| !conflicts.iter().any(|conflict| conflict.path == field.path);
    if fields.is_empty() && conflicts.is_empty() {
        return vec![
            "      no value changes; it only gives up fields that somebody else is to decide about".to_owned(),
        ];
    }
    let fields = fields.iter().filter(alone).map(field_line);
    fields.chain(conflicts.iter().map(|conflict| conflict_line(conflict, paint))).collect()
}

fn field_line(field: &FieldChange) -> String {
    if field.now.is_none() && field.wanted.is_none() {
        return format!("      {}", field.path);
    }
    let (now, wanted) = apart(field.now.as_ref(), field.wanted.as_ref());
    format!("      {}: {now} -> {wanted}", field.path)
}

fn conflict_line(conflict: &Conflict, paint: Paint) -> String {
    let owners = conflict.owners.join(", ");
    if conflict.pointer.is_empty() {
        let rest = format!("is there already and was not made by seaworthy (made by {owners})");
        return format!("      {} {rest}", paint.bad("!"));
    }
    let (now, wanted) = (value(conflict.now.as_ref()), value(conflict.wanted.as_ref()));
    let what = match conflict.choice {
        Choice::Keep => format!("kept at {now}, not set to {wanted}"),
        Choice::Take => format!("taken back: {now} -> {wanted}"),
        Choice::Stop => format!("{now}, wanted {wanted}: undecided"),
    };
    format!("      {} {} (owned by {owners}): {what}", paint.bad("!"), conflict.path)
}

fn value(value: Option<&Value>) -> String {
    cut(&whole(value), VALUE)
}

fn whole(value: Option<&Value>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(Value::String(text)) => format!("{text:?}"),
        Some(other) => other.to_string(),
    }
}

/// Two values that differ, cut so that it is seen where.
fn apart(now: Option<&Value>, wanted: Option<&Value>) -> (String, String) {
    let (now, wanted) = (whole(now), whole(wanted));
    let same = now.chars().zip(wanted.chars()).take_while(|(one, other)| one == other).count();
    let skipped = if same + BEHIND < VALUE { 0 } else { same.saturating_sub(VALUE / 3) };
    let part = |text: &str| {
        let rest: String = text.chars().skip(skipped).collect();
        cut(&if skipped > 0 { format!("…{rest}") } else { rest }, VALUE)
    };
    (part(&now), part(&wanted))
}

/// Why a plan is refused: the fields about which nothing was decided.
pub(crate) fn undecided_lines(plan: &Plan) -> Vec<String> {
    plan.conflicts()
        .filter(|(_, conflict)| conflict.choice == Choice::Stop)
        .map(|(step, conflict)| {
            let about = step.title.split_once(' ').map_or("", |(_, about)| about);
            format!("{about} {}", conflict_line(conflict, Paint(false)).trim_start().trim_start_matches("! "))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::apart;

    #[test]
    fn where_two_values_differ_is_seen() {
        assert_eq!(apart(Some(&json!("a")), None), ("\"a\"".to_owned(), "nothing".to_owned()));
        let endpoints = |last: &str| {
            json!(format!("http://etcd-0.etcd.newton-v2t.svc:2379,http://etcd-1.etcd.newton-v2t.svc:{last}"))
        };
        let (now, wanted) = apart(Some(&endpoints("2379")), Some(&endpoints("2380")));
        assert!(now.ends_with("2379\"") && wanted.ends_with("2380\""), "{now} {wanted}");
        assert!(now.starts_with('…') && now.chars().count() <= 60);
    }
}
