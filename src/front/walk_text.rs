//! Walk-throughs in words: for lines, and what the full screen shares with them.

use seaworthy::doctor::walk::{Holding, Walked, WalkedStep};

use super::look::Mark;
use super::paint::{count, one_line, wrap_around_commands};
use super::place::placed;
use super::report_text::Style;
use super::tui::model::kubectl;

/// Columns of a line of prose.
const WIDTH: usize = 96;
/// Columns before the text of a line below a step.
const INDENT: usize = 13;

/// How a step stands, as a mark.
pub(crate) fn mark(state: &Holding) -> Mark {
    match state {
        Holding::Holds => Mark::Good,
        Holding::DoesNotHold => Mark::Bad,
        Holding::CannotTell { .. } => Mark::Idle,
        Holding::NothingToLookAt { .. } => Mark::Skipped,
    }
}

/// How a walk-through stands, as a mark. What cannot be told in part is not said to be well.
pub(crate) fn mark_of(walked: &Walked) -> Mark {
    match walked.counts() {
        [0, 0, 0, _] => Mark::Skipped,
        [_, 0, 0, _] => Mark::Good,
        [_, 0, _, _] => Mark::Idle,
        _ => Mark::Bad,
    }
}

/// Worst first: those that name a cause, with the most that does not hold before the others, those of which not all can be told,
/// the others; each by name.
pub(crate) fn sort(walks: &mut [Walked]) {
    let rank = |walked: &Walked| match (walked.names(), walked.counts()) {
        (Some(step), _) if step.stop => 0,
        (Some(_), _) => 1,
        (None, [_, _, unknown, _]) if unknown > 0 => 2,
        (None, _) => 3,
    };
    walks.sort_by_key(|walked| (rank(walked), std::cmp::Reverse(walked.counts()[1])));
}

/// What a walk-through came to, in a line.
pub(crate) fn verdict(walked: &Walked) -> String {
    let steps = walked.steps.len();
    match (walked.cause, walked.counts()) {
        (Some(at), [_, bad, ..]) => {
            let more = if bad > 1 { format!("; {} do not hold in all", count(bad, "step")) } else { String::new() };
            format!("step {} of {steps} does not hold (\"{}\"){more}", at + 1, walked.steps[at].title)
        }
        (None, [good, _, unknown, nothing]) => {
            let good = if good == steps {
                format!("{} hold", count(good, "step"))
            } else {
                format!("{good} of {} hold", count(steps, "step"))
            };
            let rest = [(unknown, format!("{unknown} cannot be told")), (nothing, has_nothing(nothing))];
            let rest = rest.into_iter().filter(|(number, _)| *number > 0).map(|(_, words)| format!(", {words}"));
            good + &rest.collect::<String>()
        }
    }
}

fn has_nothing(number: usize) -> String {
    format!("{number} {} nothing to look at", if number == 1 { "has" } else { "have" })
}

/// All symptoms of an installation.
pub(crate) fn list_text(walks: &[Walked], style: Style) -> String {
    let Some(first) = walks.first() else { return String::new() };
    let (stack, namespace) = (&first.stack, &first.namespace);
    let mut lines = vec![style.paint.strong(&format!("{stack} in {namespace}: {}", count(walks.len(), "symptom")))];
    for walked in walks {
        lines.push(String::new());
        lines.push(format!("{} {}: {}", style.sign(mark_of(walked)), walked.name, one_line(&walked.symptom)));
        lines.push(format!("    {}", one_line(&verdict(walked))));
    }
    lines.push(String::new());
    lines.push(format!("step by step: `seaworthy doctor {stack} --walk {}`", first.name));
    lines.join("\n")
}

/// What a walk-through is about, before its steps.
pub(crate) fn head_text(walked: &Walked, style: Style) -> String {
    let about = format!("{}: {}", walked.name, walked.symptom);
    format!("{}\n{} in {}, {}", style.paint.strong(&one_line(&about)), walked.stack, walked.namespace, walked.about)
}

/// A step with all that is to be said of it.
pub(crate) fn step_text(walked: &Walked, number: usize, context: Option<&str>, style: Style) -> String {
    let step = &walked.steps[number];
    let title = format!("{}/{} {}", number + 1, walked.steps.len(), one_line(&step.title));
    let mut lines = vec![format!("{} {}", style.sign(mark(&step.state)), style.paint.strong(&title))];
    for (label, text) in parts(step, context) {
        let text = placed(&text);
        let label = format!("    {label:<8} ");
        let is_command = text.starts_with("kubectl");
        let wrapped = if is_command { vec![one_line(&text)] } else { wrap_around_commands(&text, WIDTH - INDENT) };
        for (index, line) in wrapped.into_iter().enumerate() {
            lines.push(if index == 0 { format!("{label}{line}") } else { format!("{:INDENT$}{line}", "") });
        }
    }
    lines.join("\n")
}

/// What is to be said of a step, each with its label: what to do before what it means, because not all may have room. What holds
/// needs no remedy.
pub(crate) fn parts(step: &WalkedStep, context: Option<&str>) -> Vec<(&'static str, String)> {
    let mut parts = Vec::new();
    match &step.state {
        Holding::CannotTell { because } => parts.push(("unknown:", because.clone())),
        Holding::NothingToLookAt { because } => parts.push(("nothing:", because.clone())),
        Holding::Holds | Holding::DoesNotHold => {}
    }
    parts.extend(step.seen.iter().map(|seen| ("saw:", seen.clone())));
    if step.state == Holding::DoesNotHold {
        parts.push(("do:", step.otherwise.clone()));
        for found in &step.findings {
            let is_seen = step.seen.iter().any(|seen| seen.starts_with(&format!("{} ", found.id)));
            if !is_seen {
                parts.push(("doctor:", format!("{} {}: {}", found.id, found.object, found.message)));
            }
            parts.extend(found.fix.iter().map(|fix| ("fix:", format!("{fix} ({})", found.id))));
        }
        if !step.stop {
            parts.push(("next:", "the steps below may tell why; where they all hold, this is it".to_owned()));
        }
    }
    parts.push(("look:", command(step, context)));
    // What a step would mean if it did not hold is nothing to whoever looks for the cause, when it does or is not in use.
    if matches!(step.state, Holding::DoesNotHold | Holding::CannotTell { .. }) {
        parts.push(("means:", step.means.clone()));
    }
    parts
}

/// The command of a step, with the cluster that it is about.
pub(crate) fn command(step: &WalkedStep, context: Option<&str>) -> String {
    step.command
        .strip_prefix("kubectl")
        .map_or_else(|| step.command.clone(), |rest| format!("{}{rest}", kubectl(context)))
}

/// What all steps come to.
pub(crate) fn end_text(walked: &Walked) -> String {
    match (walked.names(), walked.cause, walked.counts()) {
        (Some(step), Some(at), _) => {
            format!("the cause is most likely what step {} shows (\"{}\" does not hold)", at + 1, one_line(&step.title))
        }
        (_, _, [_, _, 0, nothing]) => {
            let but = if nothing > 0 { format!(", {}", has_nothing(nothing)) } else { String::new() };
            format!(
                "no step fails{but}: it is none of the known causes; `seaworthy doctor {} -n {}` looks at everything",
                walked.stack, walked.namespace
            )
        }
        (_, _, [_, _, unknown, _]) => {
            let each = if unknown == 1 { "the reason stands with it" } else { "the reasons stand with them" };
            format!("no step fails; {} cannot be told, and {each}", count(unknown, "step"))
        }
    }
}

/// A whole walk-through.
pub(crate) fn walk_text(walked: &Walked, context: Option<&str>, style: Style) -> String {
    let steps = (0..walked.steps.len()).map(|number| format!("\n{}", step_text(walked, number, context, style)));
    let lines: Vec<String> = std::iter::once(head_text(walked, style)).chain(steps).collect();
    format!("{}\n\n{}", lines.join("\n"), end_text(walked))
}
