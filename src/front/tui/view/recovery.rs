//! The plan of a recovery: what it costs, every step with its gate, its proof and its limit, what has to be typed before it runs, and what
//! can be set.

use ratatui::style::Style;
use ratatui::text::Line;
use seaworthy::plan::{Action, Change, Lost, Occasion, Step};
use seaworthy::recover::subject::option;

use super::losses::{brake, labelled};
use super::{PROSE, hanging, marked, prose, remedy};
use crate::front::failure::Failure;
use crate::front::look::{Look, Mark};
use crate::front::paint::count;
use crate::front::recover_text::{is_irreversible, rule_text, sum_text};
use crate::front::tui::model::{Model, Passage, What};

/// Whether the plan is refused because of an unfinished run.
pub(super) fn is_other_run(model: &Model) -> bool {
    matches!(&model.recovery.plan, Some(Err(failure)) if failure.id == "unfinished-run")
}

pub(super) fn lines(model: &Model, width: u16) -> Vec<Line<'static>> {
    let width = usize::from(width).min(PROSE);
    let mut lines = brake(model, width);
    match &model.recovery.plan {
        None => lines.extend(marked(model, Mark::Busy, "looking at the cluster anew and making the plan", width)),
        Some(Err(failure)) => lines.extend(refused(model, failure, width)),
        Some(Ok(passage)) => lines.extend(planned(model, passage, width)),
    }
    if let Some(wanted) = &model.recovery.wanted {
        lines.extend(heading("The same from a shell", width));
        lines.extend(prose(&model.placed(&wanted.command()), 2, width, Style::new()));
    }
    lines
}

fn heading(text: &str, width: usize) -> Vec<Line<'static>> {
    std::iter::once(Line::default()).chain(prose(text, 0, width, Look::strong())).collect()
}

fn refused(model: &Model, failure: &Failure, width: usize) -> Vec<Line<'static>> {
    let mut lines = marked(model, Mark::Bad, &failure.message, width);
    lines.extend(failure.causes.iter().flat_map(|cause| prose(cause, 2, width, Style::new())));
    lines.extend(remedy(model, failure.hint.as_deref(), width));
    if failure.id == "unfinished-run" {
        lines.extend(prose(
            "p gives it up for this one, once this plan is run; to go on with it, Esc, and choose it below the losses",
            2,
            width,
            Style::new(),
        ));
    }
    lines
}

fn planned(model: &Model, passage: &Passage, width: usize) -> Vec<Line<'static>> {
    let plan = &passage.plan;
    let installation = &plan.installation;
    let title = plan.occasion.as_ref().map_or_else(String::new, |occasion| format!(": {}", occasion.title));
    let head = format!(
        "recover {} in namespace {} of {}{title}",
        installation.stack, installation.namespace, plan.cluster.context
    );
    let mut lines = prose(&head, 0, width, Look::strong());
    let notes = [
        passage.goes_on.as_ref().map(|run| format!("goes on with the unfinished run {run}")),
        passage.gives_up.as_ref().map(|run| format!("gives up the unfinished run {run}; what it did stays as it is")),
        model.wish.read_only.then(|| "--read-only: nothing will be written".to_owned()),
    ];
    lines.extend(notes.into_iter().flatten().flat_map(|note| marked(model, Mark::Careful, &note, width)));
    lines.extend(plan.occasion.iter().flat_map(|occasion| costs(model, occasion, width)));
    lines.extend(passage.warnings.iter().flat_map(|warning| marked(model, Mark::Careful, warning, width)));
    lines.extend(prose(&passage.time, 0, width, Look::faint()));
    lines.extend(heading(&sum_text(plan), width));
    for (number, step) in plan.steps.iter().enumerate() {
        lines.extend(step_lines(model, number + 1, step, width));
    }
    lines.extend(asked(passage, width));
    lines.extend(settings(passage, width));
    lines
}

/// Why, and what it costs.
fn costs(model: &Model, occasion: &Occasion, width: usize) -> Vec<Line<'static>> {
    let lost = |lost: &Lost| {
        let doubt = || (Mark::Careful, format!("nothing that is seen says that this is lost: {}", lost.data));
        let known = lost.kind.as_ref().map(|kind| (Mark::Bad, format!("{kind}: {}", lost.data)));
        let (mark, text) = known.unwrap_or_else(doubt);
        marked(model, mark, &text, width)
    };
    let mut lines: Vec<Line<'static>> = occasion.losses.iter().flat_map(lost).collect();
    lines.extend(labelled("lost", &occasion.lost, width, model.look.style(Mark::Careful)));
    lines.extend(labelled("untouched", &occasion.untouched, width, Style::new()));
    lines.extend(labelled("comes back", &occasion.returns, width, Style::new()));
    lines
}

/// A step: its title, and below it when it is begun, when it is done, and how long it may take.
fn step_lines(model: &Model, number: usize, step: &Step, width: usize) -> Vec<Line<'static>> {
    let (before, title) = (format!("{number:>3}. "), step.title.clone());
    if step.change == Change::Unchanged {
        return hanging(&before, &format!("{title}: done, and need not be done again"), width, Look::faint());
    }
    let (text, style) = if is_irreversible(step) {
        let sign = model.look.mark(Mark::Bad, 0);
        (format!("{title} ({sign} cannot be taken back)"), model.look.style(Mark::Bad))
    } else {
        (title, Look::strong())
    };
    let mut lines = hanging(&before, &text, width, style);
    if let Action::Rescue { verb, limit } = &step.action {
        lines.extend(prose(&rule_text(verb, *limit), 5, width, Style::new()));
    }
    lines
}

/// What has to be typed.
fn asked(passage: &Passage, width: usize) -> Vec<Line<'static>> {
    let mut lines = heading("Before it runs", width);
    if passage.asked.is_empty() {
        lines.extend(prose("nothing has to be typed; Enter runs it", 2, width, Style::new()));
        return lines;
    }
    let text = format!("Enter asks for {}:", count(passage.asked.len(), "word"));
    lines.extend(prose(&text, 2, width, Style::new()));
    for question in &passage.asked {
        lines.extend(prose(&question.word, 4, width, Look::strong()));
        lines.extend(prose(&question.text, 6, width, Style::new()));
    }
    lines
}

fn settings(passage: &Passage, width: usize) -> Vec<Line<'static>> {
    if passage.settings.is_empty() {
        return Vec::new();
    }
    let mut lines = heading("Settings (s changes them)", width);
    for setting in &passage.settings {
        let value = if setting.value.is_empty() { "(not known: you are asked instead)" } else { &setting.value };
        lines.extend(prose(&format!("{}: {value}", setting.name), 2, width, Style::new()));
        lines.extend(prose(&setting.title, 4, width, Look::faint()));
    }
    lines
}

/// Cluster, claim and playbook, as far as they are chosen.
pub(super) fn subject(model: &Model) -> Vec<String> {
    let cluster = match (model.wish.sandbox, &model.watch.context) {
        (Some(kind), _) => Some(format!("sandbox {kind} (simulated)")),
        (None, context) => context.as_ref().map(|context| format!("cluster {context}")),
    };
    let chosen = model.recovery.wanted.as_ref().filter(|_| model.screen != super::Screen::Losses);
    let what = chosen.map(|wanted| match &wanted.what {
        What::Playbook { name, subject } => format!("{name} for {}", option(subject).1),
        What::Run(run) => format!("run {run}"),
    });
    cluster.into_iter().chain(what).collect()
}
