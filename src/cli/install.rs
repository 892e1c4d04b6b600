//! `install`: bad input is found before anything is asked of a cluster, refusals before anything is written.

use std::process::ExitCode;

use seaworthy::cluster::Cluster;
use seaworthy::engine::journal::{Inputs, RunRecord};
use seaworthy::engine::record::{self, InstallRecord};
use seaworthy::object::ObjectRef;
use seaworthy::plan::install::{Desired, Policy};
use seaworthy::plan::{self, Installation, Plan};
use seaworthy::prepare::needs::shortfalls;
use seaworthy::prepare::{self, Prepared};

use super::choose::{Chosen, choose};
use super::voyage::{Remarks, Voyage, show_plan};
use super::{Failure, InstallArgs, OnConflict, Session};
use crate::front::say;

pub(crate) async fn run(session: &Session, arguments: &InstallArgs) -> Result<ExitCode, Failure> {
    let chosen = choose(session, &arguments.choice, false)?;
    let cluster = session.connect().await?;
    session.simulate(&chosen.reach);
    let policy = policy(arguments);
    let inputs = inputs(&chosen, policy);
    let runs = session.runs()?;
    let key = chosen.installation.key();
    let latest = runs.latest(&cluster.id.uid, &key)?;
    let record = InstallRecord::read(&cluster.client, &key).await.map_err(|error| Failure::kube(&error))?;
    let open = latest.clone().filter(|run| run.state.is_unfinished());
    if let Some(open) = open.filter(|_| !arguments.dry_run) {
        if open.inputs == inputs && open.plan.purpose == plan::Purpose::Install {
            say(format!("going on with run {} of {}", open.run, open.at.strftime("%F %T")));
            return resume(session, cluster, &open, Some(&chosen), arguments.take_lock.as_deref()).await;
        }
        if !arguments.replan {
            return Err(other_run_open(&open, &inputs));
        }
        runs.abandon(&open.run).await?;
    }
    let desired = desired(&chosen, record.as_ref(), latest.as_ref());
    let busy = session.busy("comparing with what is there");
    let prepared = prepare::install(&cluster, chosen.installation.clone(), desired, policy)
        .await
        .map_err(|error| Failure::kube(&error))?;
    let remarks = Remarks {
        differences: record.as_ref().map(|record| inputs.differences(&record.inputs)).unwrap_or_default(),
        warnings: shortfalls(&cluster, &prepared.plan, &chosen.needs).await.map_err(|error| Failure::kube(&error))?,
    };
    drop(busy);
    if arguments.dry_run {
        return Ok(show_plan(session, &cluster, &prepared, &remarks));
    }
    let take_lock = arguments.take_lock.as_deref();
    Voyage { session, face: session.face(), cluster, inputs, record, take_lock, remarks }.sail(prepared, None).await
}

/// Takes a recorded run up again: the same steps, each with what the cluster still lacks.
pub(super) async fn resume(
    session: &Session,
    cluster: Cluster,
    open: &RunRecord,
    chosen: Option<&Chosen>,
    take_lock: Option<&str>,
) -> Result<ExitCode, Failure> {
    let policy = open.inputs.policy;
    let mut recorded = open.plan.clone();
    if let Some(chosen) = chosen {
        fill_secrets(&mut recorded, chosen);
    }
    let prepared = prepare::resume(&cluster, &recorded, policy).await.map_err(|error| Failure::kube(&error))?;
    let key = open.plan.installation.key();
    let record = InstallRecord::read(&cluster.client, &key).await.map_err(|error| Failure::kube(&error))?;
    let (inputs, remarks) = (open.inputs.clone(), Remarks::default());
    let voyage = Voyage { session, face: session.face(), cluster, inputs, record, take_lock, remarks };
    voyage.sail(prepared, Some(&open.run)).await
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

fn policy(arguments: &InstallArgs) -> Policy {
    let conflicts = arguments.on_conflict.map(|choice| match choice {
        OnConflict::Keep => plan::Choice::Keep,
        OnConflict::Take => plan::Choice::Take,
        OnConflict::Stop => plan::Choice::Stop,
    });
    Policy { conflicts, adopt: arguments.adopt }
}

fn inputs(chosen: &Chosen, policy: Policy) -> Inputs {
    let Installation { version, release, profile, .. } = chosen.installation.clone();
    Inputs {
        binary: env!("CARGO_PKG_VERSION").to_owned(),
        stack_version: version,
        release,
        profile,
        values: chosen.values.without_secrets(),
        policy,
    }
}

/// What is wanted, and what was applied before.
fn desired(chosen: &Chosen, record: Option<&InstallRecord>, latest: Option<&RunRecord>) -> Desired {
    Desired {
        objects: chosen.objects.clone(),
        after: chosen.after.clone(),
        reach: chosen.reach.clone(),
        inventory: applied(record, latest),
    }
}

/// Everything that was applied before: by the last finished run, and by the last run on this machine, finished or not.
pub(super) fn applied(record: Option<&InstallRecord>, latest: Option<&RunRecord>) -> Vec<ObjectRef> {
    let mut inventory: Vec<ObjectRef> = record.map(|record| record.inventory.clone()).unwrap_or_default();
    inventory.extend(latest.into_iter().flat_map(|run| run.plan.objects().filter_map(ObjectRef::of)));
    inventory.sort();
    inventory.dedup();
    inventory
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

/// What the cluster remembers of a plan once it has been run.
pub(super) fn record_of(prepared: &Prepared, inputs: &Inputs, run: &str) -> InstallRecord {
    let applied = prepared.plan.objects().filter_map(ObjectRef::of);
    let kept = prepared.plan.steps.iter().filter(|step| matches!(step.change, plan::Change::Keep { .. }));
    let mut inventory: Vec<ObjectRef> = applied.chain(kept.filter_map(|step| step.action.object())).collect();
    inventory.sort();
    inventory.dedup();
    InstallRecord {
        format: record::FORMAT,
        installation: prepared.plan.installation.clone(),
        // How conflicts were met is the run's own business: the same values are the same installation.
        inputs: Inputs { policy: Policy::default(), ..inputs.clone() },
        inventory,
        reach: prepared.plan.reach.clone(),
        run: run.to_owned(),
    }
}
