//! From what was chosen to a plan, and how it is shown.

use seaworthy::plan;

use super::director::Next;
use super::origin;
use crate::cli::choose::choose_of;
use crate::cli::forecast::time_of;
use crate::cli::images::load::load_for;
use crate::cli::install::{InstallArgs, OnConflict, decide};
use crate::cli::prerequisites::{self, InstallArgs as InstallFirst, Order};
use crate::cli::{Failure, Session};
use crate::front::plain::cause_text;
use crate::front::tui::model::{Made, Request, Stage};

/// What comes first of all that is chosen. What is only shown is shown whole.
pub(super) async fn draft(
    session: &Session,
    arguments: InstallArgs,
    request: Request,
) -> Result<(Next, Made), Failure> {
    let is_shown = arguments.dry_run;
    let Some((order, mut made)) = first(session, is_shown, &request).await? else {
        return stack(session, arguments, request).await;
    };
    if is_shown {
        made.then = Some(then(Box::pin(stack(session, arguments, request)).await));
    }
    Ok((Next::Prepare(Box::new(order)), made))
}

/// What the stack needs of the cluster, and nobody has yet.
async fn first(session: &Session, dry_run: bool, request: &Request) -> Result<Option<(Order, Made)>, Failure> {
    let Some(before) = request.prerequisites.clone() else { return Ok(None) };
    let before = InstallFirst { replan: request.replan, dry_run, ..before.into() };
    let cluster = session.connect_to(Some(&request.context)).await?;
    let Some(order) = prerequisites::order(session, cluster, &before).await? else { return Ok(None) };
    let mut plans = order.plans().map(plan::Plan::without_secrets).filter(plan::Plan::writes);
    let Some(first) = plans.next() else { return Ok(None) };
    let more: Vec<plan::Plan> = plans.collect();
    let time = time_of(session, std::iter::once(&first).chain(&more));
    let warnings = order.warnings().collect();
    let made = Made { more, time, proofs: order.proofs()?, ..Made::of(first, warnings, Stage::Prerequisites) };
    Ok(Some((order, made)))
}

/// The stack's own plan as long as what it needs is not there: what is refused then may be right once it is.
fn then(made: Result<(Next, Made), Failure>) -> Result<Box<Made>, String> {
    let (_, made) = made.map_err(|failure| failure.message)?;
    match made.refusals.first() {
        None => Ok(Box::new(made)),
        Some(cause) => Err(cause_text(cause)),
    }
}

/// The stack itself, or the images that its nodes lack.
async fn stack(session: &Session, mut arguments: InstallArgs, request: Request) -> Result<(Next, Made), Failure> {
    origin::tell(&request.origin, &mut arguments);
    arguments.on_conflict = request.conflicts.map(on_conflict).or(arguments.on_conflict);
    arguments.adopt |= request.adopt;
    arguments.replan |= request.replan;
    let chosen = choose_of(&request.stack, &arguments.choice, &request.choices)?;
    if let Some(from) = &arguments.load_images {
        let what = (chosen.installation.stack.as_str(), from.as_deref());
        let load = load_for((session, Some(&request.context)), &chosen.objects, what).await?;
        if load.plan.writes() {
            let time = time_of(session, std::iter::once(&load.plan));
            let made = Made { time, ..Made::of(load.plan.clone(), load.remarks.warnings.clone(), Stage::Images) };
            return Ok((Next::Load(Box::new(load)), made));
        }
    }
    let cluster = session.connect_to(Some(&request.context)).await?;
    let ready = decide(session, cluster, &chosen, &arguments).await?;
    let made = Made {
        plan: ready.prepared.plan.without_secrets(),
        more: Vec::new(),
        proofs: Vec::new(),
        then: None,
        stage: Stage::Install,
        time: time_of(session, std::iter::once(&ready.prepared.plan)),
        refusals: ready.prepared.refusals.clone(),
        differences: ready.remarks.differences.clone(),
        warnings: chosen
            .warnings
            .iter()
            .map(ToString::to_string)
            .chain(ready.remarks.warnings.iter().cloned())
            .collect(),
        goes_on: ready.open.clone(),
        gives_up: ready.given_up.clone(),
    };
    Ok((Next::Install(Box::new(ready)), made))
}

fn on_conflict(choice: plan::Choice) -> OnConflict {
    match choice {
        plan::Choice::Keep => OnConflict::Keep,
        plan::Choice::Take => OnConflict::Take,
        plan::Choice::Stop => OnConflict::Stop,
    }
}
