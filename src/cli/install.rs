//! `install`: bad input is found before anything is asked of a cluster, refusals before anything is written.

mod inputs;
mod preflight;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use seaworthy::cluster::{Cluster, Counts};
use seaworthy::engine::journal::{Inputs, RunRecord};
use seaworthy::engine::record::InstallRecord;
use seaworthy::object::ObjectRef;
use seaworthy::plan::{self, Plan};
use seaworthy::prepare::{self, Prepared};
use seaworthy::stack::stand_in;

use super::chart::{self, ChartArgs, Source};
use super::choose::{Chosen, choose, choose_and_say};
use super::images::load::before_install;
use super::landing::Landing;
use super::voyage::{Remarks, Voyage, show_plan};
use super::{Failure, Session, recover, wizard};
use crate::front::face::Face;
use crate::front::say;
pub(super) use inputs::conflict_choice;
use inputs::{desired, inputs, policy};
pub(super) use preflight::{check_name, refuse_unshared};
use preflight::{judge, sort};

/// `install`
#[derive(Debug, Clone, Default, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct InstallArgs {
    /// Name of the stack; `seaworthy stacks list` shows them (default: asked for, with all else, on a terminal)
    pub(crate) stack: Option<String>,
    #[command(flatten)]
    pub(crate) choice: super::Choice,
    #[command(flatten)]
    pub(crate) chart: ChartArgs,
    /// Show the plan and every field that would change; write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Fields that somebody else owns: keep theirs, take ours, or stop (default: take back what kubectl changed, stop at the rest)
    #[arg(long, value_enum, hide_possible_values = true, value_name = "keep|take|stop")]
    pub(crate) on_conflict: Option<OnConflict>,
    /// Take over objects that are there already and were not made by seaworthy
    #[arg(long, conflicts_with = "chart")]
    pub(crate) adopt: bool,
    /// Delete and make anew what can no longer be changed (an immutable field), where that loses no data; the plan says what it means
    #[arg(long, conflicts_with = "chart")]
    pub(crate) recreate: bool,
    /// Do not refuse what this check says cannot succeed; may be repeated
    #[arg(long, value_name = "CHECK", value_parser = check_name)]
    #[arg(help = format!("Only warn of what this check refuses; may be repeated: {}", seaworthy::preflight::names()))]
    pub(crate) ignore: Vec<String>,
    /// First put the images that the nodes lack into them, from the engines of this machine, or from ARCHIVE: for images that no registry gives
    #[arg(long, value_name = "ARCHIVE", num_args = 0..=1, require_equals = true, conflicts_with = "chart")]
    #[expect(clippy::option_option, reason = "not asked for; asked for; from an archive")]
    pub(crate) load_images: Option<Option<PathBuf>>,
    /// Give up an unfinished run of this installation and plan anew
    #[arg(long)]
    pub(crate) replan: bool,
    /// Take over the lock of a run that was not heard of for a minute
    #[arg(long, value_name = "INSTALLATION")]
    pub(crate) take_lock: Option<String>,
    /// The command, where it is another.
    #[arg(skip)]
    pub(crate) command: Option<&'static str>,
    /// What was answered to questions, in place of what the options say of values.
    #[arg(skip)]
    pub(crate) answered: Option<seaworthy::stack::Choices>,
}

/// What to do with fields that somebody else owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnConflict {
    /// Leave their value.
    Keep,
    /// Set ours.
    Take,
    /// Refuse the plan.
    Stop,
}

/// A plan that is ready to be shown and run, and what it was made from.
pub(super) struct Ready {
    /// See [`Voyage`].
    pub(super) command: Option<&'static str>,
    pub(super) cluster: Cluster,
    pub(super) inputs: Inputs,
    pub(super) record: Option<InstallRecord>,
    pub(super) prepared: Prepared,
    pub(super) remarks: Remarks,
    /// The unfinished run that it goes on with.
    pub(super) open: Option<String>,
    /// The unfinished run that is given up for it.
    pub(super) given_up: Option<String>,
    /// The requests that it took so far.
    pub(super) spent: Counts,
    /// It is taken away again by the same command: nobody opens it, and nobody goes on with it.
    pub(super) passing: bool,
}

pub(crate) async fn run(session: &Arc<Session>, arguments: &InstallArgs) -> Result<ExitCode, Failure> {
    if arguments.stack.is_none() && arguments.chart.chart.is_some() {
        let message = "--chart needs the name of the stack whose chart it is";
        return Err(Failure::input("no-stack", message, "`seaworthy stacks list` shows them"));
    }
    if arguments.stack.is_none() {
        return wizard::run(session, arguments).await;
    }
    run_on(session, session.globals.context.as_deref(), arguments).await
}

/// With a stack, on this context.
pub(super) async fn run_on(
    session: &Session,
    context: Option<&str>,
    arguments: &InstallArgs,
) -> Result<ExitCode, Failure> {
    let stack = session.catalogue().get(arguments.stack.as_deref().unwrap_or_default())?;
    let chosen = match &arguments.answered {
        Some(choices) => choose_and_say(&stack, &arguments.choice, choices)?,
        None => choose(session, stack.name(), &arguments.choice, false)?,
    };
    if let Some(from) = &arguments.load_images {
        let what = (chosen.installation.stack.as_str(), from.as_deref());
        let code = before_install((session, context), &chosen.objects, what, arguments.dry_run).await?;
        if code != 0 {
            return Ok(ExitCode::from(code));
        }
    }
    let busy = session.busy("comparing with what is there");
    let source = Source::find(session, &stack, (&arguments.chart, &arguments.choice)).await?;
    let cluster = session.connect_to(context).await?;
    let ready = decide_on(session, cluster, (&chosen, source.as_ref()), arguments).await;
    drop(busy);
    let ready = ready?;
    if arguments.dry_run {
        return Ok(show_plan(session, &ready.cluster, &ready.prepared, &ready.remarks));
    }
    if let Some(open) = &ready.open {
        say(format!("going on with run {open}"));
    }
    ready.sail(session, session.face(), arguments.take_lock.as_deref()).await
}

/// Looks and decides: the plan that brings the installation to what was chosen, or goes on with one that does.
pub(super) async fn decide(
    session: &Session,
    cluster: Cluster,
    chosen: &Chosen,
    arguments: &InstallArgs,
) -> Result<Ready, Failure> {
    let before = cluster.meter.counts();
    let ready = decide_on(session, cluster, (chosen, None), arguments).await?;
    Ok(Ready { spent: ready.cluster.meter.counts() - before, ..ready })
}

/// The same, with helm in the place of the built-in manifests where there is a source.
async fn decide_on(
    session: &Session,
    cluster: Cluster,
    (chosen, source): (&Chosen, Option<&Source>),
    arguments: &InstallArgs,
) -> Result<Ready, Failure> {
    session.simulate(&chosen.reach, (&chosen.installation.namespace, &chosen.simulation));
    let policy = policy(arguments);
    let inputs = Inputs { chart: source.map(Source::input), ..inputs(chosen, policy) };
    let key = chosen.installation.key();
    let latest = session.runs()?.latest(&cluster.id.uid, &key)?;
    let open = latest.as_ref().filter(|run| run.state.is_unfinished() && !arguments.dry_run);
    if let Some(open) = open {
        if open.inputs == inputs && open.plan.purpose == plan::Purpose::Install {
            return go_on(cluster, open, Some((chosen, source))).await;
        }
        if !arguments.replan {
            return Err(other_run_open(open, &inputs));
        }
    }
    let given_up = open.map(|run| run.run.clone());
    let record = InstallRecord::read(&cluster.client, &key).await.map_err(|error| Failure::kube(&error))?;
    chart::one_way(record.as_ref(), source)?;
    one_name(record.as_ref(), &chosen.installation)?;
    let (prepared, warnings) = if let Some(source) = source {
        released(session, &cluster, (chosen, source), &arguments.ignore).await?
    } else {
        let desired = desired(chosen, record.as_ref(), latest.as_ref());
        let prepared = prepare::install(&cluster, chosen.installation.clone(), desired, policy).await;
        let mut prepared = prepared.map_err(|error| Failure::kube(&error))?;
        let objections =
            judge(session, &cluster, chosen, (&prepared.plan, &prepared.resources), &arguments.ignore).await?;
        let mut warnings = sort(objections, &mut prepared, &arguments.ignore);
        warnings.extend(used_again(record.as_ref(), &prepared.plan));
        warnings.extend(left_alone(&prepared));
        if chosen.stand_ins {
            warnings.insert(0, stand_in::WARNING.to_owned());
        }
        (prepared, warnings)
    };
    let differences = record.as_ref().map(|record| inputs.differences(&record.inputs)).unwrap_or_default();
    let remarks = Remarks { differences, warnings };
    let (spent, passing, command) = (Counts::default(), false, arguments.command);
    Ok(Ready { command, cluster, inputs, record, prepared, remarks, open: None, given_up, spent, passing })
}

/// Volumes of an earlier installation, which a new one goes on with: who wants to begin anew has to know.
fn used_again(record: Option<&InstallRecord>, plan: &Plan) -> Vec<String> {
    let there = plan.steps.iter().filter(|step| !matches!(step.change, plan::Change::Create | plan::Change::Delete));
    let claims = there.filter_map(|step| match &step.action {
        plan::Action::Apply { object } => ObjectRef::of(object).filter(|it| it.kind == "PersistentVolumeClaim"),
        _ => None,
    });
    let line = |claim: ObjectRef| format!("{claim} is there already, and is used with what is in it");
    if record.is_some() { Vec::new() } else { claims.map(line).collect() }
}

/// What somebody else has set, and stays so.
fn left_alone(prepared: &Prepared) -> Vec<String> {
    let kept = plan::install::kept(&prepared.plan, &prepared.snapshot);
    let line = |(object, conflict): (ObjectRef, plan::Conflict)| {
        format!("{object} {} stays as {} has set it", conflict.path, conflict.owners.join(", "))
    };
    kept.into_iter().map(line).collect()
}

/// The names of all objects hang on the release's: under another one the installation would begin anew, with empty volumes.
fn one_name(record: Option<&InstallRecord>, chosen: &plan::Installation) -> Result<(), Failure> {
    let Some(is) = record.map(|record| &record.installation).filter(|is| is.release != chosen.release) else {
        return Ok(());
    };
    let (stack, namespace) = (&is.stack, &is.namespace);
    let message = format!(
        "{stack} in namespace {namespace} has the release name {}; under the name {} it would begin anew, without its data; nothing was written",
        is.release, chosen.release
    );
    let hint = format!(
        "add --name {}, choose another --namespace, or first take it away with `seaworthy uninstall {stack} -n {namespace}`",
        is.release
    );
    Err(Failure::input("other-name", message, hint))
}

/// The plan that has helm bring a release to its chart, judged by the objects that it comes to.
async fn released(
    session: &Session,
    cluster: &Cluster,
    (chosen, source): (&Chosen, &Source),
    ignored: &[String],
) -> Result<(Prepared, Vec<String>), Failure> {
    let known = source.objections(chosen)?;
    let made = source.prepare(session, cluster, chosen).await?;
    let mut prepared = made.prepared;
    let mut judged = judge(session, cluster, chosen, (&made.shadow, &prepared.resources), ignored).await?;
    if !prepared.plan.writes() {
        judged.1.clear();
    }
    judged.1.retain(|objection| objection.check != "helm-release");
    judged.1.splice(0..0, known);
    let mut warnings = made.warnings;
    warnings.extend(sort(judged, &mut prepared, ignored));
    Ok((prepared, warnings))
}

/// A recorded run as it stands now: the same steps, each with what the cluster still lacks.
async fn go_on(
    cluster: Cluster,
    open: &RunRecord,
    chosen: Option<(&Chosen, Option<&Source>)>,
) -> Result<Ready, Failure> {
    let mut recorded = open.plan.clone();
    match chosen {
        Some((chosen, Some(source))) => chart::fill(&mut recorded, chosen, source),
        Some((chosen, None)) => fill_secrets(&mut recorded, chosen),
        None => {}
    }
    let policy = open.inputs.policy;
    let mut prepared =
        prepare::resume(&cluster, (&recorded, &open.done), policy).await.map_err(|error| Failure::kube(&error))?;
    // What was answered once is not asked again.
    for step in prepared.plan.steps.iter_mut().filter(|step| open.agreed.contains(&step.id)) {
        step.change = plan::Change::Unchanged;
    }
    let key = open.plan.installation.key();
    let record = InstallRecord::read(&cluster.client, &key).await.map_err(|error| Failure::kube(&error))?;
    let (inputs, open) = (open.inputs.clone(), Some(open.run.clone()));
    let (spent, passing, remarks) = (Counts::default(), false, Remarks::default());
    // A run that is taken up again has its command already.
    Ok(Ready { command: None, cluster, inputs, record, prepared, remarks, open, given_up: None, spent, passing })
}

impl Ready {
    /// Shows it, asks, runs it, and says how it ended.
    pub(super) async fn sail(
        self,
        session: &Session,
        face: Face,
        take_lock: Option<&str>,
    ) -> Result<ExitCode, Failure> {
        let (voyage, prepared, open) = self.embark(session, face, take_lock, false).await?;
        voyage.sail(prepared, open.as_deref()).await
    }

    /// Runs what was shown and agreed to already.
    pub(super) async fn land(self, session: &Session, face: Face, take_lock: Option<&str>) -> Result<Landing, Failure> {
        let (voyage, prepared, open) = self.embark(session, face, take_lock, true).await?;
        voyage.land(prepared, open.as_deref()).await
    }

    async fn embark<'a>(
        self,
        session: &'a Session,
        face: Face,
        take_lock: Option<&'a str>,
        agreed: bool,
    ) -> Result<(Voyage<'a>, Prepared, Option<String>), Failure> {
        if let Some(run) = &self.given_up {
            session.runs()?.abandon(run).await?;
        }
        let Self { command, mut cluster, inputs, record, prepared, remarks, open, spent, passing, .. } = self;
        if agreed {
            // It may be one of several, and counts its own.
            cluster.meter = cluster.meter.since(spent);
        }
        let voyage = Voyage { session, command, face, cluster, inputs, record, take_lock, remarks, agreed, passing };
        Ok((voyage, prepared, open))
    }
}

/// A recorded run as it stands now, ready to be taken up again.
pub(super) async fn taken_up(cluster: Cluster, open: &RunRecord) -> Result<Ready, Failure> {
    chart::unchanged(open)?;
    recover::still_lost(&cluster, open).await?;
    go_on(cluster, open, None).await
}

/// Takes a recorded run up again.
pub(super) async fn resume(
    session: &Session,
    cluster: Cluster,
    open: &RunRecord,
    take_lock: Option<&str>,
) -> Result<ExitCode, Failure> {
    taken_up(cluster, open).await?.sail(session, session.face(), take_lock).await
}

/// The values of Secrets are in no journal: they come from what is given now.
fn fill_secrets(recorded: &mut Plan, chosen: &Chosen) {
    for step in &mut recorded.steps {
        let plan::Action::Apply { object } = &mut step.action else { continue };
        if object["kind"] != "Secret" {
            continue;
        }
        let same = |(_, fresh): &&(Option<String>, serde_json::Value)| ObjectRef::of(fresh) == ObjectRef::of(object);
        if let Some((_, fresh)) = chosen.objects.iter().find(same) {
            for key in ["data", "stringData"] {
                if let Some(values) = fresh.get(key) {
                    object[key] = values.clone();
                }
            }
        }
    }
}

fn other_run_open(open: &RunRecord, inputs: &Inputs) -> Failure {
    let mut message =
        format!("run {} of {} is not finished, and wants something else:", open.run, open.at.strftime("%F %T"));
    for line in inputs.differences(&open.inputs) {
        message = format!("{message}\n{line}");
    }
    Failure::input(
        "unfinished-run",
        message,
        format!("finish it with `seaworthy runs resume {}`, or add --replan to give it up for this one", open.run),
    )
}
