//! `prerequisites install`: decided together, agreed to together, run one after the other.

use std::process::ExitCode;

use seaworthy::cluster::Cluster;
use seaworthy::plan::Plan;
use seaworthy::prerequisites::{Assessment, Picture, Prerequisite, Verdict};
use seaworthy::stack::{Catalogue, Choices, Stack, Text};
use serde_json::{Value, json};

use super::check::{self, Way};
use super::{Asked, InstallArgs, Judged, judge, list_text, picture};
use crate::cli::choose::{Chosen, choose_of};
use crate::cli::install::{self, Ready, decide};
use crate::cli::landing::Landing;
use crate::cli::voyage::{agree_to_all, refuse};
use crate::cli::{Choice, Failure, Session, pool};
use crate::front::paint::Paint;
use crate::front::plan_text::plan_text;
use crate::front::say;

/// One that is to be installed, with its plan.
struct Planned {
    prerequisite: Prerequisite,
    ready: Ready,
}

pub(super) async fn run(session: &Session, arguments: &InstallArgs) -> Result<ExitCode, Failure> {
    check(arguments)?;
    let (cluster, picture) = picture(session).await?;
    let asked = Asked { names: arguments.names.clone(), pool: arguments.pool.clone(), adopt: arguments.adopt.clone() };
    let Judged { all: assessments, pool } = judge(session, &cluster, &picture, &asked).await?;
    let must =
        |assessment: &&Assessment| !arguments.names.is_empty() || arguments.adopt.contains(&assessment.prerequisite);
    refuse_blocked(assessments.iter().filter(must))?;
    if !session.is_json() {
        say(list_text(&assessments));
        if let Some((proof, reach)) = &pool {
            say(pool::text(proof, reach.as_ref(), session.style().paint));
        }
    }
    let planned = plan_all(session, &cluster, &picture, arguments, &assessments).await?;
    if arguments.dry_run {
        return Ok(show(session, &cluster, &assessments, &planned));
    }
    for one in &planned {
        refuse(&one.ready.prepared).map_err(|failure| about(one.prerequisite, failure))?;
    }
    let face = session.face();
    let plans: Vec<&Plan> = planned.iter().map(|one| &one.ready.prepared.plan).collect();
    agree_to_all(session, &face, &plans).await?;
    let reach = pool.and_then(|(_, reach)| reach);
    let way = Way { session, face, cluster, registry: arguments.registry.clone(), reach };
    sail(&way, arguments, &assessments, planned).await
}

/// A refusal says which of them it is about, and what to type here.
fn about(prerequisite: Prerequisite, failure: Failure) -> Failure {
    let message = format!("{prerequisite}: {}", failure.message);
    let adopts = failure.hint.as_deref().is_some_and(|hint| hint.starts_with("--adopt"));
    let hint =
        if adopts { Some(format!("--adopt {prerequisite} takes over what is there")) } else { failure.hint.clone() };
    Failure { message, hint, ..failure }
}

fn check(arguments: &InstallArgs) -> Result<(), Failure> {
    if !arguments.set.is_empty() && arguments.names.len() != 1 {
        let message = "--set is for a single prerequisite";
        return Err(Failure::input("ambiguous-value", message, "name one, or leave --set out"));
    }
    if let Some(other) = arguments.adopt.iter().find(|it| !arguments.names.is_empty() && !arguments.names.contains(it))
    {
        let message = format!("--adopt {other}: it is not among what is to be installed");
        return Err(Failure::input("adopt-without-name", message, format!("name {other} too, or leave --adopt out")));
    }
    let about_pool = arguments.names.is_empty() || arguments.names.contains(&Prerequisite::Metallb);
    if !arguments.pool.is_empty() && !about_pool {
        let message = "--pool is for metallb, which is not among what is to be installed";
        return Err(Failure::input("pool-without-metallb", message, "name metallb too, or leave --pool out"));
    }
    Ok(())
}

/// Who names one is told why it cannot be; who names none gets what can be.
fn refuse_blocked<'a>(mut assessments: impl Iterator<Item = &'a Assessment>) -> Result<(), Failure> {
    let blocked = assessments.find_map(|assessment| match &assessment.verdict {
        Verdict::Blocked(blocked) => Some((assessment.prerequisite, blocked)),
        _ => None,
    });
    match blocked {
        None => Ok(()),
        Some((prerequisite, blocked)) => {
            let message = format!("{prerequisite} cannot be installed: {}; nothing was written", blocked.because);
            Err(Failure::input("prerequisite-blocked", message, blocked.remedy.clone()))
        }
    }
}

async fn plan_all(
    session: &Session,
    cluster: &Cluster,
    picture: &Picture,
    arguments: &InstallArgs,
    assessments: &[Assessment],
) -> Result<Vec<Planned>, Failure> {
    let busy = session.busy("comparing with what is there");
    let mut planned = Vec::new();
    for assessment in assessments {
        let Some(values) = assessment.verdict.values() else { continue };
        let prerequisite = assessment.prerequisite;
        let chosen = chosen(prerequisite, values, picture, arguments)?;
        let adopt = arguments.adopt.contains(&prerequisite);
        let how = install::InstallArgs {
            adopt,
            // Whoever is taken over from has set fields otherwise.
            on_conflict: adopt.then_some(install::OnConflict::Take),
            dry_run: arguments.dry_run,
            replan: arguments.replan,
            ..install::InstallArgs::default()
        };
        let ready = decide(session, cluster.clone(), &chosen, &how).await?;
        planned.push(Planned { prerequisite, ready });
    }
    drop(busy);
    Ok(planned)
}

/// Its stack, with the values that were decided from the cluster, and above them what the user says.
fn chosen(
    prerequisite: Prerequisite,
    values: &Value,
    picture: &Picture,
    arguments: &InstallArgs,
) -> Result<Chosen, Failure> {
    let stack = Catalogue::prerequisites().get(prerequisite.name())?;
    let profile = arguments.profile.clone().or_else(|| usual_profile(&stack, picture.nodes()));
    let decided = Text { name: "what was decided from the cluster".to_owned(), text: values.to_string() };
    let choices = Choices { profile, files: vec![decided], set: arguments.set.clone(), ..Choices::default() };
    let choice = Choice { registry: arguments.registry.clone(), ..Choice::default() };
    choose_of(&stack, &choice, &choices)
}

/// The profile that wants the most nodes and has them.
fn usual_profile(stack: &Stack, nodes: usize) -> Option<String> {
    let profiles = stack.definition().profiles.iter();
    let fits = profiles.filter(|(_, profile)| usize::try_from(profile.needs.nodes).is_ok_and(|needed| needed <= nodes));
    fits.max_by_key(|(_, profile)| profile.needs.nodes).map(|(name, _)| name.clone())
}

/// `--dry-run`.
fn show(session: &Session, cluster: &Cluster, assessments: &[Assessment], planned: &[Planned]) -> ExitCode {
    let plans: Vec<Plan> = planned.iter().map(|one| one.ready.prepared.plan.without_secrets()).collect();
    let refusals: Vec<_> = planned.iter().flat_map(|one| one.ready.prepared.refusals.clone()).collect();
    let document = json!({"cluster": cluster.id, "prerequisites": assessments, "plans": plans, "refusals": refusals});
    session.print("Prerequisites", &document, || {
        plans.iter().map(|plan| plan_text(plan, Paint(false))).collect::<Vec<_>>().join("\n")
    });
    if !session.is_json() {
        say("dry run: nothing was written");
    }
    if refusals.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs them one after the other, then checks those that were changed; the first that does not come to its end is the last.
async fn sail(
    way: &Way<'_>,
    arguments: &InstallArgs,
    assessments: &[Assessment],
    planned: Vec<Planned>,
) -> Result<ExitCode, Failure> {
    let session = way.session;
    let mut landings: Vec<(Prerequisite, Landing)> = Vec::new();
    let mut changed = Vec::new();
    for Planned { prerequisite, ready } in planned {
        if ready.prepared.plan.writes() {
            changed.push(prerequisite);
        }
        let take_lock = arguments.take_lock.as_deref();
        let landing = Box::pin(ready.land(session, way.face.clone(), take_lock)).await?;
        let code = landing.code();
        landings.push((prerequisite, landing));
        if code != 0 {
            break;
        }
    }
    let worst = landings.last().map_or(0, |(_, landing)| landing.code());
    let due = worst == 0 && !arguments.no_check;
    let checked = if due { check::all(way, &changed).await? } else { Vec::new() };
    if session.is_json() {
        let mut document = document(assessments, &landings);
        document["checks"] = check::document(&checked)["checks"].take();
        session.print("Prerequisites", &document, String::new);
    }
    Ok(ExitCode::from(if check::all_work(&checked) { worst } else { 1 }))
}

fn document(assessments: &[Assessment], landings: &[(Prerequisite, Landing)]) -> Value {
    let run = |(prerequisite, landing): &(Prerequisite, Landing)| {
        let mut document = landing.document();
        document["prerequisite"] = json!(prerequisite);
        document
    };
    let runs: Vec<Value> = landings.iter().map(run).collect();
    let error = runs.iter().find_map(|run| run.get("error").cloned());
    let mut document = json!({"prerequisites": assessments, "runs": runs});
    if let Some(error) = error {
        document["error"] = error;
    }
    document
}
