//! `prerequisites install`: decided together, agreed to together, run one after the other.

use std::process::ExitCode;

use seaworthy::cluster::Cluster;
use seaworthy::error::Class;
use seaworthy::event::Ended;
use seaworthy::network::Reach;
use seaworthy::plan::Plan;
use seaworthy::prerequisites::{Asked, Assessment, Ground, Judged, Picture, Prerequisite, Verdict, look};
use seaworthy::stack::{Catalogue, Choices, Stack, Text};
use serde_json::{Value, json};

use super::check::{self, Checks, Way};
use super::{InstallArgs, look_around, picture_of};
use crate::cli::choose::{Chosen, choose_of};
use crate::cli::install::{self, Ready, decide};
use crate::cli::landing::Landing;
use crate::cli::voyage::{agree_to_all, refuse, tell_dry_run};
use crate::cli::{Choice, Failure, Session, pool};
use crate::front::face::Face;
use crate::front::failure::code;
use crate::front::first::First;
use crate::front::paint::Paint;
use crate::front::plain::cause_text;
use crate::front::plan_text::plan_text;
use crate::front::prerequisites_text::list_text;
use crate::front::say;

/// One that is to be installed, with its plan.
struct Planned {
    prerequisite: Prerequisite,
    ready: Ready,
}

/// Everything that was decided; nothing of it is run yet.
pub(crate) struct Order {
    arguments: InstallArgs,
    cluster: Cluster,
    assessments: Vec<Assessment>,
    planned: Vec<Planned>,
    reach: Option<Reach>,
}

pub(super) async fn run(session: &Session, arguments: &InstallArgs) -> Result<ExitCode, Failure> {
    check(arguments)?;
    let cluster = session.connect().await?;
    run_on(session, cluster, arguments).await
}

/// On this cluster, whatever the command line names.
pub(crate) async fn run_on(session: &Session, cluster: Cluster, arguments: &InstallArgs) -> Result<ExitCode, Failure> {
    let (cluster, picture) = picture_of(session, cluster).await?;
    let asked = arguments.asked();
    let ground = look_around((session, &cluster), picture, std::slice::from_ref(&asked), true).await;
    let (judged, chosen) = choose_all(&ground, arguments)?;
    if !session.is_json() {
        say(list_text(&judged.all));
        if let Some((proof, reach)) = &judged.pool {
            say(pool::text(proof, reach.as_ref(), session.style().paint));
        }
    }
    let busy = session.busy("comparing with what is there");
    let planned = plan_all(session, &cluster, arguments, &chosen).await?;
    drop(busy);
    if arguments.dry_run {
        let proofs = proofs(arguments, &planned)?;
        return Ok(show(session, &cluster, &judged.all, (&planned, &proofs)));
    }
    let order = Order::new(arguments, cluster, judged, planned)?;
    let face = session.face();
    let plans: Vec<&Plan> = order.plans().collect();
    agree_to_all(session, &face, &plans, &order.proofs()?).await?;
    order.sail(session, face).await
}

/// The same for a screen that shows by itself that something is under way, what the plans are, and that they are agreed to; `None`: there
/// is nothing to do.
pub(crate) async fn order(
    session: &Session,
    cluster: Cluster,
    arguments: &InstallArgs,
) -> Result<Option<Order>, Failure> {
    let picture = look(&cluster).await.map_err(|error| Failure::kube(&error))?;
    let asked = arguments.asked();
    let ground = look_around((session, &cluster), picture, std::slice::from_ref(&asked), false).await;
    let (judged, chosen) = choose_all(&ground, arguments)?;
    let planned = plan_all(session, &cluster, arguments, &chosen).await?;
    let order = Order::new(arguments, cluster, judged, planned)?;
    let writes = order.plans().any(Plan::writes);
    Ok(writes.then_some(order))
}

impl InstallArgs {
    fn asked(&self) -> Asked {
        Asked { names: self.names.clone(), pool: self.pool.clone(), adopt: self.adopt.clone() }
    }

    fn first(&self) -> First {
        First {
            names: self.names.clone(),
            pool: self.pool.clone(),
            adopt: self.adopt.clone(),
            registry: self.registry.clone(),
            no_check: self.no_check,
        }
    }
}

impl Order {
    fn new(arguments: &InstallArgs, cluster: Cluster, judged: Judged, planned: Vec<Planned>) -> Result<Self, Failure> {
        for one in &planned {
            refuse(&one.ready.prepared).map_err(|failure| about(one.prerequisite, failure))?;
        }
        let (arguments, reach) = (arguments.clone(), judged.pool.and_then(|(_, reach)| reach));
        Ok(Self { arguments, cluster, assessments: judged.all, planned, reach })
    }

    /// The plans, in the order in which they are run.
    pub(crate) fn plans(&self) -> impl Iterator<Item = &Plan> {
        self.planned.iter().map(|one| &one.ready.prepared.plan)
    }

    /// What is to be said before it is agreed to.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = String> {
        let of = |one: &Planned| {
            let name = one.prerequisite;
            one.ready.remarks.warnings.iter().map(move |warning| format!("{name}: {warning}")).collect::<Vec<_>>()
        };
        self.planned.iter().flat_map(of)
    }

    /// What is made to prove that they work, and taken away again; in the order in which it is done.
    ///
    /// # Errors
    /// When what proves one cannot be rendered.
    pub(crate) fn proofs(&self) -> Result<Vec<String>, Failure> {
        proofs(&self.arguments, &self.planned)
    }

    /// Runs what was agreed to, and proves that it works.
    pub(crate) async fn sail(self, session: &Session, face: Face) -> Result<ExitCode, Failure> {
        let Self { arguments, cluster, assessments, planned, reach } = self;
        let way = Way { session, face, cluster, registry: arguments.registry.clone(), reach };
        sail(&way, &arguments, &assessments, planned).await
    }
}

/// What is made to prove those that are changed.
fn proofs(arguments: &InstallArgs, planned: &[Planned]) -> Result<Vec<String>, Failure> {
    let changed = planned.iter().filter(|one| !arguments.no_check && one.ready.prepared.plan.writes());
    changed.map(|one| check::outline(one.prerequisite, arguments.registry.as_ref())).collect()
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

/// Those that are to be installed, with their values: what was typed wrongly is said before anything else.
fn choose_all(ground: &Ground, arguments: &InstallArgs) -> Result<(Judged, Vec<(Prerequisite, Chosen)>), Failure> {
    let judged = ground.judge(&arguments.asked()).map_err(Failure::refused)?;
    let must =
        |assessment: &&Assessment| !arguments.names.is_empty() || arguments.adopt.contains(&assessment.prerequisite);
    refuse_blocked(judged.all.iter().filter(must))?;
    let due = judged.all.iter().filter_map(|it| Some((it.prerequisite, it.verdict.values()?)));
    let chosen = due.map(|(name, values)| Ok((name, chosen(name, values, &ground.picture, arguments)?)));
    let chosen = chosen.collect::<Result<_, Failure>>()?;
    Ok((judged, chosen))
}

async fn plan_all(
    session: &Session,
    cluster: &Cluster,
    arguments: &InstallArgs,
    chosen: &[(Prerequisite, Chosen)],
) -> Result<Vec<Planned>, Failure> {
    let mut planned = Vec::new();
    for (prerequisite, chosen) in chosen {
        let prerequisite = *prerequisite;
        let adopt = arguments.adopt.contains(&prerequisite);
        let how = install::InstallArgs {
            adopt,
            // Whoever is taken over from has set fields otherwise.
            on_conflict: adopt.then_some(install::OnConflict::Take),
            dry_run: arguments.dry_run,
            replan: arguments.replan,
            ..install::InstallArgs::default()
        };
        let ready = decide(session, cluster.clone(), chosen, &how).await?;
        planned.push(Planned { prerequisite, ready });
    }
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
    choose_of(&stack, &choice, &choices).map_err(|failure| with_settings(&stack, failure))
}

/// `stacks show` knows no prerequisite, so its settings are named in place.
fn with_settings(stack: &Stack, failure: Failure) -> Failure {
    if !failure.hint.as_deref().is_some_and(|hint| hint.contains("seaworthy stacks show")) {
        return failure;
    }
    let settings: Vec<String> =
        stack.settings().into_iter().filter(|it| !it.advanced).map(|it| format!("{} ({})", it.path, it.kind)).collect();
    Failure { hint: Some(format!("settings of {}: {}", stack.name(), settings.join(", "))), ..failure }
}

/// The profile that wants the most nodes and has them.
fn usual_profile(stack: &Stack, nodes: usize) -> Option<String> {
    let profiles = stack.definition().profiles.iter();
    let fits = profiles.filter(|(_, profile)| usize::try_from(profile.needs.nodes).is_ok_and(|needed| needed <= nodes));
    fits.max_by_key(|(_, profile)| profile.needs.nodes).map(|(name, _)| name.clone())
}

/// `--dry-run`.
fn show(
    session: &Session,
    cluster: &Cluster,
    assessments: &[Assessment],
    (planned, proofs): (&[Planned], &[String]),
) -> ExitCode {
    let plans: Vec<Plan> = planned.iter().map(|one| one.ready.prepared.plan.without_secrets()).collect();
    let refusals: Vec<_> = planned.iter().flat_map(|one| one.ready.prepared.refusals.clone()).collect();
    let document = json!({"cluster": cluster.id, "prerequisites": assessments, "plans": plans, "proofs": proofs, "refusals": refusals});
    session.print("Prerequisites", &document, || {
        let plans = plans.iter().map(|plan| plan_text(plan, Paint(false)));
        plans.chain(proofs.iter().cloned()).collect::<Vec<_>>().join("\n")
    });
    tell_dry_run(session, cluster, &plans.iter().collect::<Vec<_>>());
    if refusals.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(code(Class::Input)) }
}

/// Runs them one after the other, then checks those that were changed. None needs another, so one that fails keeps nothing
/// from the others; a signal does.
async fn sail(
    way: &Way<'_>,
    arguments: &InstallArgs,
    assessments: &[Assessment],
    planned: Vec<Planned>,
) -> Result<ExitCode, Failure> {
    let session = way.session;
    let Run { landings, changed, not_begun, stopped } = run_all(way, arguments, planned).await?;
    let due = stopped.is_none() && !arguments.no_check;
    let checks = if due { check::all(way, &changed).await? } else { Checks::default() };
    if session.is_json() {
        let mut document = document(assessments, &landings);
        document["checks"] = check::document(&checks)["checks"].take();
        document["notBegun"] = json!(not_begun);
        session.print("Prerequisites", &document, String::new);
    }
    let failed: Vec<&(Prerequisite, Landing)> =
        landings.iter().filter(|(_, landing)| landing.outcome.ended == Ended::Failed).collect();
    // Behind a failure others have had their say: the last lines repeat what is not as it was wanted.
    if landings.len() > 1 {
        for (prerequisite, landing) in &failed {
            way.face.say(&failed_text(*prerequisite, landing));
        }
    }
    tell_not_begun(way, arguments, &not_begun);
    for line in passed_over(assessments) {
        way.face.say(&line);
    }
    let code = stopped.unwrap_or(u8::from(!failed.is_empty()));
    Ok(ExitCode::from(if code == 0 { checks.code() } else { code }))
}

/// What came of the plans.
#[derive(Default)]
struct Run {
    landings: Vec<(Prerequisite, Landing)>,
    /// Those that are whole, and were not before.
    changed: Vec<Prerequisite>,
    not_begun: Vec<Prerequisite>,
    /// The exit code of the signal that stopped them.
    stopped: Option<u8>,
}

async fn run_all(way: &Way<'_>, arguments: &InstallArgs, planned: Vec<Planned>) -> Result<Run, Failure> {
    let mut run = Run::default();
    let mut planned = planned.into_iter();
    while let Some(Planned { prerequisite, ready }) = planned.next() {
        let writes = ready.prepared.plan.writes();
        let take_lock = arguments.take_lock.as_deref();
        let landing = Box::pin(ready.land(way.session, way.face.clone(), take_lock)).await;
        let landing = landing.inspect_err(|_| {
            let rest: Vec<Prerequisite> = planned.as_slice().iter().map(|one| one.prerequisite).collect();
            tell_not_begun(way, arguments, &rest);
        })?;
        let ended = landing.outcome.ended;
        run.stopped = (ended == Ended::Interrupted).then(|| landing.code());
        run.landings.push((prerequisite, landing));
        if ended == Ended::Done && writes {
            run.changed.push(prerequisite);
        }
        if run.stopped.is_some() {
            run.not_begun = planned.map(|one| one.prerequisite).collect();
            break;
        }
    }
    Ok(run)
}

fn failed_text(prerequisite: Prerequisite, landing: &Landing) -> String {
    let cause = landing.outcome.causes.first().map(cause_text).unwrap_or_default();
    format!("{prerequisite} was not installed: {cause}")
}

/// What nobody named and cannot be installed; it must not be missed among what was.
fn passed_over(assessments: &[Assessment]) -> impl Iterator<Item = String> {
    assessments.iter().filter_map(|assessment| match &assessment.verdict {
        Verdict::Blocked(blocked) => {
            Some(format!("{} was passed over: {}; {}", assessment.prerequisite, blocked.because, blocked.remedy))
        }
        _ => None,
    })
}

/// Names what nobody has begun, and the command that installs it.
fn tell_not_begun(way: &Way<'_>, arguments: &InstallArgs, names: &[Prerequisite]) {
    if !names.is_empty() {
        way.face.say(&not_begun_text(arguments, names));
    }
}

fn not_begun_text(arguments: &InstallArgs, names: &[Prerequisite]) -> String {
    let listed = names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let rest = First { names: names.to_vec(), ..arguments.first() };
    format!("not begun: {listed}; install with: {}", rest.command().join(" "))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_begun_is_named_with_its_command() {
        let arguments = InstallArgs { pool: vec!["10.0.0.1-10.0.0.9".to_owned()], ..InstallArgs::default() };
        let said = |names: &[Prerequisite]| not_begun_text(&arguments, names);
        assert_eq!(
            said(&[Prerequisite::Kruise]),
            "not begun: kruise; install with: seaworthy prerequisites install kruise"
        );
        assert_eq!(
            said(&[Prerequisite::Metallb, Prerequisite::Kruise]),
            "not begun: metallb, kruise; install with: seaworthy prerequisites install metallb kruise --pool 10.0.0.1-10.0.0.9"
        );
    }
}
