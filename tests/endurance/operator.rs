//! An operator with a machine of their own, who does what the program does for a command: look, decide, lock, write the
//! journal, run, record.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use seaworthy::cluster::{Cluster, Meter, Resources};
use seaworthy::engine::journal::{Inputs, Journal, RunRecord, RunState, Runs};
use seaworthy::engine::lock::{Holder, Lock};
use seaworthy::engine::record::{InstallRecord, applied};
use seaworthy::engine::{self, Context, Limits};
use seaworthy::event::{Ended, Outcome};
use seaworthy::host::Surroundings;
use seaworthy::object::ObjectRef;
use seaworthy::plan::install::{Desired, Policy};
use seaworthy::plan::uninstall::{DataName, Destroy};
use seaworthy::plan::{Action, Plan, Purpose};
use seaworthy::prepare::{self, Prepared};
use seaworthy::recover::archive::Archive;
use seaworthy::recover::compile::{Copies, Wish, compile};
use seaworthy::recover::{self, Sighting, join, record, subject};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::errand::{Errand, PLAYBOOKS};
use super::sea::Sea;
use super::stock::Stock;
use super::watchdog::{Log, NAMESPACE};
use super::weather::Process;

/// What is said where nothing can be done: the claim is gone, or nobody has kept what its volume was.
pub(crate) const NO_PLAN: &str = "no plan: ";

/// What an operator wants.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Order {
    /// These values, by their number among [`WANTED`].
    Install(usize),
    /// Everything gone, with the data or without.
    Uninstall { data: bool },
    /// The claim bound again to what is left of its volume.
    Rebind,
    /// The stack in which a playbook is practised.
    Deploy(&'static Errand),
    /// The playbook run.
    Recover(&'static Errand),
}

impl Order {
    /// The installation that it is about.
    pub(crate) fn stock(&self) -> &'static Stock {
        match self {
            Self::Install(number) => Stock::shop(*number),
            Self::Uninstall { .. } | Self::Rebind => Stock::shop(0),
            Self::Deploy(errand) | Self::Recover(errand) => &errand.stock,
        }
    }
}

/// How a try has ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum End {
    Done,
    /// It has not come to its end, for this reason.
    Not(String),
}

/// Somebody at a machine.
#[derive(Debug, Clone)]
pub(crate) struct Operator {
    pub(crate) name: &'static str,
    pub(crate) state: PathBuf,
}

impl Operator {
    /// What somebody who looks for losses sees.
    pub(crate) async fn sight(&self, cluster: &Cluster, namespace: &str) -> Result<Sighting, String> {
        let records = record::all(&self.state, &cluster.id);
        recover::look::sight(cluster, Some(namespace), records).await.map_err(|error| error.to_string())
    }

    /// A folder that no recovery has exported to.
    fn next_export(&self) -> PathBuf {
        let mut folders = (0_u32..).map(|number| self.state.join(format!("exports/{number}")));
        folders.find(|folder| !folder.exists()).unwrap_or_default()
    }
}

fn inputs(stock: &Stock) -> Inputs {
    Inputs {
        binary: "0".to_owned(),
        stack_version: stock.installation.version.clone(),
        release: stock.installation.release.clone(),
        profile: stock.installation.profile.clone(),
        values: stock.values.clone(),
        policy: Policy::default(),
        ..Inputs::default()
    }
}

fn desired(stock: &Stock, inventory: Vec<ObjectRef>) -> Desired {
    Desired {
        objects: stock.objects.clone(),
        after: stock.after.clone(),
        namespace_labels: stock.namespace_labels.clone(),
        inventory,
        ..Desired::default()
    }
}

/// One try of an order by a process that may die in the middle of it.
pub(crate) async fn attempt(sea: &Arc<Sea>, operator: &Operator, order: &Order, process: &Process) -> End {
    let cluster = sea.sandbox.cluster_through(Meter::new(false), |quay| process.reach(sea.clone(), quay));
    sea.note(&format!("{} begins {order:?}", process.holder));
    let work = Box::pin(obey(sea, operator, order, (process, cluster)));
    let end = tokio::select! {
        biased;
        () = process.dead.cancelled() => End::Not("killed".to_owned()),
        end = work => end.unwrap_or_else(End::Not),
    };
    // What a process has left running ends with it.
    process.dead.cancel();
    sea.note(&format!("{} ends {order:?}: {end:?}", process.holder));
    end
}

async fn obey(
    sea: &Sea,
    operator: &Operator,
    order: &Order,
    (process, cluster): (&Process, Cluster),
) -> Result<End, String> {
    let runs = Runs::new(&operator.state).by(cluster.clock.clone());
    let key = order.stock().installation.key();
    let latest = runs.latest(&cluster.id.uid, &key).map_err(|error| error.to_string())?;
    let open = latest.clone().filter(|run| run.state.is_unfinished());
    let record = InstallRecord::read(&cluster.client, &key).await.map_err(|error| error.to_string())?;
    let trip = match order {
        Order::Install(_) | Order::Deploy(_) => {
            install(&cluster, order.stock(), (record.as_ref(), latest.as_ref(), open)).await?
        }
        Order::Uninstall { data } => uninstall(&cluster, *data, (record.as_ref(), latest.as_ref(), open)).await?,
        Order::Rebind => {
            let claim = join::claim_ref(NAMESPACE, "shop-data");
            recover(&cluster, operator, ("rebind", claim), (record.as_ref(), order.stock(), (latest.as_ref(), open)))
                .await?
        }
        Order::Recover(errand) => {
            let about = (errand.practice.playbook.as_str(), errand.subject(sea));
            recover(&cluster, operator, about, (record.as_ref(), order.stock(), (latest.as_ref(), open))).await?
        }
    };
    if let Some(run) = &trip.given_up {
        runs.abandon(run).await.map_err(|error| error.to_string())?;
    }
    if let Some(cause) = trip.prepared.refusals.first() {
        return Ok(End::Not(format!("refused: {} {}", cause.id, cause.message)));
    }
    if trip.prepared.plan.summary().undecided > 0 {
        return Ok(End::Not("somebody else's fields are in the way".to_owned()));
    }
    let whole = |record: &InstallRecord| *record == InstallRecord::of(&trip.prepared.plan, &trip.inputs, &record.run);
    let due = match trip.prepared.plan.purpose {
        Purpose::Install => !record.as_ref().is_some_and(whole),
        _ => record.is_some(),
    };
    sail(sea, operator, trip, (process, cluster, &runs, due)).await
}

/// What is to be run.
struct Trip {
    prepared: Prepared,
    inputs: Inputs,
    /// The run that it goes on with.
    open: Option<String>,
    given_up: Option<String>,
}

async fn install(
    cluster: &Cluster,
    stock: &Stock,
    (record, latest, open): (Option<&InstallRecord>, Option<&RunRecord>, Option<RunRecord>),
) -> Result<Trip, String> {
    let wanted = inputs(stock);
    if let Some(open) = open.as_ref().filter(|open| open.inputs == wanted && open.plan.purpose == Purpose::Install) {
        let mut recorded = open.plan.clone();
        fill_secrets(&mut recorded, stock);
        let prepared = prepare::resume(cluster, (&recorded, &open.done), Policy::default())
            .await
            .map_err(|error| error.to_string())?;
        return Ok(Trip { prepared, inputs: wanted, open: Some(open.run.clone()), given_up: None });
    }
    let desired = desired(stock, applied(record, latest));
    let prepared = prepare::install(cluster, stock.installation.clone(), desired, Policy::default()).await;
    let prepared = prepared.map_err(|error| error.to_string())?;
    Ok(Trip { prepared, inputs: wanted, open: None, given_up: open.map(|open| open.run) })
}

fn fill_secrets(recorded: &mut Plan, stock: &Stock) {
    for step in &mut recorded.steps {
        let Action::Apply { object } = &mut step.action else { continue };
        let same = |(_, fresh): &&(Option<String>, Value)| ObjectRef::of(fresh) == ObjectRef::of(object);
        if let Some((_, fresh)) = stock.objects.iter().find(same).filter(|_| object["kind"] == "Secret") {
            object["stringData"] = fresh["stringData"].clone();
        }
    }
}

/// What a plan that takes the data along is told to destroy.
fn data() -> Destroy {
    let claim = ObjectRef::new("v1", "PersistentVolumeClaim", Some(NAMESPACE), "shop-data");
    let secret = ObjectRef::new("v1", "Secret", Some(NAMESPACE), "shop-login");
    Destroy(BTreeSet::from([DataName::from(&claim), DataName::from(&secret)]))
}

async fn uninstall(
    cluster: &Cluster,
    with_data: bool,
    (record, latest, open): (Option<&InstallRecord>, Option<&RunRecord>, Option<RunRecord>),
) -> Result<Trip, String> {
    let installation = record.map_or_else(|| Stock::shop(0).installation.clone(), |record| record.installation.clone());
    let destroy = if with_data { data() } else { Destroy::default() };
    let known = applied(record, latest);
    let prepared = prepare::uninstall(cluster, installation.clone(), &known, &destroy).await;
    let prepared = prepared.map_err(|error| error.to_string())?;
    let inputs = Inputs { release: installation.release, values: json!({"uninstall": with_data}), ..Inputs::default() };
    Ok(Trip { prepared, inputs, open: None, given_up: open.map(|open| open.run) })
}

async fn recover(
    cluster: &Cluster,
    operator: &Operator,
    (playbook, subject): (&str, ObjectRef),
    (record, stock, (latest, open)): (Option<&InstallRecord>, &Stock, (Option<&RunRecord>, Option<RunRecord>)),
) -> Result<Trip, String> {
    let inputs = Inputs { values: json!({"playbook": playbook, "claim": subject.to_string()}), ..Inputs::default() };
    let of_ours = |run: &&RunRecord| run.plan.purpose == Purpose::Recover;
    if let Some(open) = open.as_ref().filter(of_ours) {
        return resumed(cluster, open, inputs).await;
    }
    let failed = latest.filter(of_ours).filter(|run| run.state == RunState::Failed);
    // Whoever sees it end in the same way again and again gives it up with --replan.
    if let Some(failed) = failed.filter(|run| run.is_half_done() && run.inputs == inputs && run.resumed < 4) {
        return resumed(cluster, failed, inputs).await;
    }
    let playbook = PLAYBOOKS.get(playbook).map_err(|error| error.to_string())?;
    let sighting = operator.sight(cluster, &stock.installation.namespace).await?;
    let export = operator.next_export();
    let wish = Wish {
        snapshots: Vec::new(),
        copies: Copies { folder: export.join("data").display().to_string(), image: None, skip: false },
        playbook,
        claims: subject::claims(playbook, &subject, (&recover::recognise(&sighting), &sighting)),
        archive: &Archive::read(&operator.state, &sighting.records),
        sighting: &sighting,
        cluster: cluster.id.clone(),
        installation: stock.installation.clone(),
        reach: None,
        settings: subject::settings(playbook, record.map(|record| &record.inputs.values)),
        folder: export.display().to_string(),
        at: cluster.clock.now(),
    };
    let plan = match (compile(&wish), failed) {
        (Ok(plan), _) => plan,
        // As the program says then: what a run that failed has left may fit no plan but its own.
        (Err(_), Some(failed)) => return resumed(cluster, failed, inputs).await,
        (Err(error), None) => return Err(format!("{NO_PLAN}{error}")),
    };
    let mut resources = Resources::default();
    let read = plan.steps.iter().flat_map(|step| step.action.reads());
    resources.resolve_kinds(&cluster.client, read).await.map_err(|error| error.to_string())?;
    let prepared = Prepared { plan, snapshot: sighting.snapshot.clone(), resources, refusals: Vec::new() };
    Ok(Trip { prepared, inputs, open: None, given_up: open.map(|open| open.run) })
}

/// A recovery as it stands in its journal.
async fn resumed(cluster: &Cluster, run: &RunRecord, inputs: Inputs) -> Result<Trip, String> {
    let known = (&run.plan, &run.done);
    let prepared = prepare::resume(cluster, known, Policy::default()).await.map_err(|error| error.to_string())?;
    Ok(Trip { prepared, inputs, open: Some(run.run.clone()), given_up: None })
}

/// From a plan to its end.
async fn sail(
    sea: &Sea,
    operator: &Operator,
    trip: Trip,
    (process, cluster, runs, due): (&Process, Cluster, &Runs, bool),
) -> Result<End, String> {
    let Trip { prepared, inputs, open, .. } = trip;
    let plan = &prepared.plan;
    agree(sea, plan);
    let (key, cancel) = (plan.installation.key(), CancellationToken::new());
    if !plan.writes() && !due && open.is_none() {
        // As the program does: nothing is locked or written down, and all is waited for all the same.
        let (outcome, _) = run(sea, prepared, (&cluster, None, cancel)).await;
        return Ok(end_of(&outcome));
    }
    let holder: Holder = process.holder.parse().map_err(|()| "no holder".to_owned())?;
    let lock =
        Lock::acquire_as(holder, &cluster, &key, true, cancel.clone()).await.map_err(|error| error.to_string())?;
    let journal = match &open {
        Some(run) => runs.resume(run, "0").await,
        None => runs.open(inputs.clone(), plan.without_secrets()).await,
    };
    let journal = journal.map_err(|error| error.to_string())?;
    let purpose = plan.purpose;
    let installation = plan.installation.clone();
    let (outcome, plan) = run(sea, prepared, (&cluster, Some(&journal), cancel)).await;
    if outcome.ended == Ended::Done {
        let written = match purpose {
            Purpose::Install => InstallRecord::of(&plan, &inputs, &outcome.run).write(&cluster.client).await,
            Purpose::Uninstall => InstallRecord::delete(&cluster.client, &key).await,
            _ => Ok(()),
        };
        // What the cluster remembers is best effort: the journal suffices.
        sea.note(&format!("record: {:?}", written.is_ok()));
        if purpose == Purpose::Uninstall {
            let _ = record::forget(&operator.state, &cluster.id, &installation);
        } else if let Ok((taken, volumes)) = record::take(&cluster, &installation).await {
            let _ = record::keep(&operator.state, taken, (&volumes, &[]));
        }
    }
    if let Err(error) = lock.release().await {
        sea.note(&format!("the lock was not given back: {error}"));
    }
    Ok(end_of(&outcome))
}

fn end_of(outcome: &Outcome) -> End {
    match outcome.ended {
        Ended::Done => End::Done,
        Ended::Interrupted => End::Not("interrupted".to_owned()),
        Ended::Failed => {
            End::Not(outcome.causes.first().map(|cause| format!("{}: {}", cause.id, cause.message)).unwrap_or_default())
        }
    }
}

/// Whoever runs a plan with irreversible steps has agreed to each of them.
fn agree(sea: &Sea, plan: &Plan) {
    for step in &plan.steps {
        let verb = matches!(&step.action, Action::Rescue { verb, .. } if verb.is_irreversible());
        if let Some(object) = step.action.object().filter(|_| verb) {
            let plural = if object.kind == "PersistentVolume" { "persistentvolumes" } else { "persistentvolumeclaims" };
            sea.watch(|watchdog| watchdog.consent.insert(format!("{plural}/{}", object.name)));
        }
    }
}

async fn run(
    sea: &Sea,
    prepared: Prepared,
    (cluster, journal, cancel): (&Cluster, Option<&Journal>, CancellationToken),
) -> (Outcome, Plan) {
    let Prepared { plan, snapshot, resources, .. } = prepared;
    let (events, mut receiver) = mpsc::channel(256);
    let mut log = Log::of(&plan);
    let context = Context {
        cluster: cluster.clone(),
        here: Surroundings::new(std::iter::empty(), 1000),
        resources,
        snapshot,
        events,
        cancel,
        limits: Limits::default(),
        stacks: None,
        commands: None,
    };
    let listen = async {
        while let Some(event) = receiver.recv().await {
            sea.note(&serde_json::to_string(&event).unwrap_or_default());
            for text in sea.watch(|watchdog| watchdog.event(&mut log, &event)) {
                sea.violation(text);
            }
        }
    };
    let work = async {
        let outcome = engine::run(&plan, &context, journal).await;
        drop(context);
        outcome
    };
    let (outcome, ()) = futures::join!(work, listen);
    (outcome, plan)
}
