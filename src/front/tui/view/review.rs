//! The plan as a tree, with every field that would change, and the command line that does the same.

use ratatui::style::Style;
use ratatui::text::Line;
use seaworthy::images::{Image, of_objects};
use seaworthy::plan::{Change, Plan, Step};
use serde_json::Value;

use super::{PROSE, marked, prose, remedy};
use crate::front::look::{Look, Mark};
use crate::front::paint::{Paint, count};
use crate::front::plain::cause_text;
use crate::front::plan_text::{step_lines, summary_text};
use crate::front::tui::model::{Draft, Made, Model, Stage};

/// Whether the plan is refused because of an unfinished run.
pub(super) fn is_other_run(model: &Model) -> bool {
    matches!(&model.review.draft, Draft::Refused(failure) if failure.id == "unfinished-run")
}

pub(super) fn lines(model: &Model, width: u16) -> Vec<Line<'static>> {
    let width = usize::from(width);
    let mut lines = match &model.review.draft {
        Draft::None => Vec::new(),
        Draft::Making => marked(model, Mark::Busy, "looking at the cluster and making the plan", width),
        Draft::Refused(failure) => {
            let mut lines = marked(model, Mark::Bad, &failure.message, width);
            lines.extend(failure.causes.iter().flat_map(|cause| prose(cause, 2, width, Style::new())));
            lines.extend(remedy(model, failure.hint.as_deref(), width));
            lines
        }
        Draft::Made(made) => made_lines(model, made, width),
    };
    lines.push(Line::default());
    lines.push(Line::styled("The same from a shell", Look::strong()));
    lines.extend(prose(&model.command_line(), 2, width, Style::new()));
    lines
}

fn made_lines(model: &Model, made: &Made, width: usize) -> Vec<Line<'static>> {
    let mut lines = match made.stage {
        Stage::Prerequisites => {
            let text = match made.then {
                None => {
                    "First the prerequisites. Once they are installed, the plan of the stack itself is made and shown before it runs."
                }
                Some(_) => "First the prerequisites; the stack's own plan is below.",
            };
            prose(text, 0, width, Style::new())
        }
        Stage::Images | Stage::Install => heading(&made.plan, width),
    };
    let notes = [
        made.goes_on.as_ref().map(|run| format!("goes on with the unfinished run {run}")),
        made.gives_up.as_ref().map(|run| format!("gives up the unfinished run {run}")),
        model.wish.read_only.then(|| "--read-only: nothing will be written".to_owned()),
    ];
    lines.extend(notes.into_iter().flatten().flat_map(|note| marked(model, Mark::Careful, &note, width)));
    if !made.differences.is_empty() {
        lines.extend(prose("Differs from the last run:", 0, width, Look::strong()));
        lines.extend(made.differences.iter().flat_map(|line| prose(line, 2, width, Style::new())));
    }
    for cause in &made.refusals {
        lines.extend(marked(model, Mark::Bad, &format!("would be refused: {}", cause_text(cause)), width));
        lines.extend(remedy(model, cause.remedy.as_deref(), width));
    }
    if let Some(why) = made.objection() {
        lines.extend(marked(model, Mark::Bad, why, width));
    }
    lines.extend(made.warnings.iter().flat_map(|warning| marked(model, Mark::Careful, warning, width.min(PROSE))));
    lines.extend(prose(&made.time, 0, width, Style::new()));
    lines.extend(images(model, made, width));
    for plan in made.plans() {
        if made.stage == Stage::Prerequisites {
            lines.extend(heading(plan, width));
        }
        lines.extend(tree(model, plan, width));
    }
    lines.extend(made.proofs.iter().flat_map(|text| marked(model, Mark::Idle, text, width.min(PROSE))));
    match &made.then {
        None => {}
        Some(Ok(then)) => lines.extend(std::iter::once(Line::default()).chain(made_lines(model, then, width))),
        Some(Err(why)) => {
            let text = format!("The stack itself cannot be planned before that is there: {why}");
            lines.extend(marked(model, Mark::Careful, &text, width.min(PROSE)));
        }
    }
    lines
}

/// Whether there are any.
pub(super) fn has_images(made: &Made) -> bool {
    !images_of(made).is_empty()
}

fn images_of(made: &Made) -> Vec<Image> {
    let objects: Vec<(Option<String>, Value)> =
        made.plans().flat_map(Plan::objects).map(|object| (None, object.clone())).collect();
    of_objects(&objects)
}

/// The images of all that is applied, folded away unless somebody asks.
fn images(model: &Model, made: &Made, width: usize) -> Vec<Line<'static>> {
    let images = images_of(made);
    if images.is_empty() {
        return Vec::new();
    }
    let open = model.review.images;
    let how = if open { "" } else { " (i shows them)" };
    let head = format!("{} {}{how}", model.look.fold(open), count(images.len(), "image"));
    let mut lines = vec![Line::styled(model.look.cut(&head, width), Look::strong())];
    let shown = images.iter().filter(|_| open);
    lines.extend(shown.flat_map(|image| prose(&image.image, 2, width, Style::new())));
    lines
}

/// What a plan is about, and what it comes to.
fn heading(plan: &Plan, width: usize) -> Vec<Line<'static>> {
    let installation = &plan.installation;
    let text = format!(
        "{} {} ({}) into namespace {} of {}: {}",
        installation.stack,
        installation.version,
        installation.profile,
        installation.namespace,
        plan.cluster.context,
        summary_text(plan)
    );
    prose(&text, 0, width, Look::strong())
}

/// The steps below the component that they belong to.
fn tree(model: &Model, plan: &Plan, width: usize) -> Vec<Line<'static>> {
    let mut order: Vec<Option<&str>> = Vec::new();
    for step in &plan.steps {
        let component = step.component.as_deref();
        if !order.contains(&component) {
            order.push(component);
        }
    }
    let mut lines = Vec::new();
    for component in order {
        let steps: Vec<&Step> = plan.steps.iter().filter(|step| step.component.as_deref() == component).collect();
        let title = component.unwrap_or("for all parts");
        lines.push(Line::styled(format!("{} {title}", model.look.fold(true)), Look::strong()));
        for step in &steps {
            let text = step_lines(step, &plan.installation.namespace, Paint(false));
            lines.extend(text.iter().flat_map(|text| step_line(model, text, width)));
        }
        lines.extend(prose(&rest(&steps), 2, width, Look::faint()));
    }
    lines
}

/// One line of a step, coloured by its mark.
fn step_line(model: &Model, text: &str, width: usize) -> Vec<Line<'static>> {
    let inner = text.trim_start();
    let indent = text.len() - inner.len();
    let style = match inner.chars().next() {
        Some('+') => model.look.style(Mark::Good),
        Some('-' | '!') => model.look.style(Mark::Bad),
        Some('~' | '=') => model.look.style(Mark::Careful),
        _ => Style::new(),
    };
    prose(inner, indent, width, style)
}

/// What has no line of its own: what stays as it is, and what is waited for.
fn rest(steps: &[&Step]) -> String {
    let unchanged = steps.iter().filter(|step| matches!(step.change, Change::Unchanged)).count();
    let watched = steps.iter().filter(|step| matches!(step.change, Change::Observe)).count();
    let unchanged = (unchanged > 0).then(|| format!("{unchanged} unchanged"));
    let watched = (watched > 0).then(|| match watched {
        1 => "then waits until it is ready".to_owned(),
        many => format!("then waits until {many} objects are ready"),
    });
    [unchanged, watched].into_iter().flatten().collect::<Vec<_>>().join(", ")
}
