//! `recover`: without a name recognise and propose; with one, run the playbook.

mod agree;
mod propose;

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;
use seaworthy::cluster::{Cluster, Resources};
use seaworthy::engine::journal::{Inputs, RunRecord};
use seaworthy::engine::lock::Holder;
use seaworthy::engine::record::InstallRecord;
use seaworthy::engine::rescue::backup::DATA;
use seaworthy::object::{ObjectRef, text};
use seaworthy::plan::uninstall::Destroy;
use seaworthy::plan::{Installation, NAMESPACE_LABEL, Purpose, STACK_LABEL};
use seaworthy::prepare::Prepared;
use seaworthy::recover::archive::Archive;
use seaworthy::recover::compile::{self, Copies, Wish, claim_of_role, unreadable};
use seaworthy::recover::loss::companions;
use seaworthy::recover::occasion::occasion;
use seaworthy::recover::playbook::{Part, Task};
use seaworthy::recover::{Loss, Playbook, Playbooks, Sighting, etcd, join, look, recognise, record};
use serde_json::json;

pub(super) use self::agree::agree;
use super::hold::export_folder;
use super::namespace::known_namespace;
use super::voyage::{Remarks, Voyage, show_plan};
use super::{Failure, Session, install};
use crate::front::say;

/// `recover`
#[derive(Debug, Args)]
pub(crate) struct RecoverArgs {
    /// Name of the playbook (default: recognise what is lost, and propose)
    pub(crate) playbook: Option<String>,
    /// Look only in this namespace
    #[arg(short, long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// The claim that it is about (default: the one that is lost, or the one that the playbook names)
    #[arg(long, value_name = "NAMESPACE/NAME")]
    pub(crate) claim: Option<String>,
    /// A setting of the playbook: name=value
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// Agree to a step that cannot be taken back: KIND/NAMESPACE/NAME; may be repeated
    #[arg(long, value_name = "OBJECT")]
    pub(crate) destroy_data: Vec<seaworthy::plan::uninstall::DataName>,
    /// Agree to what the playbook asks to be agreed to, by its word
    #[arg(long, value_name = "WORD")]
    pub(crate) consent: Option<String>,
    /// Copy out with this image, which must have sh, tar, find and sha256sum (default: one that the volume's node has)
    #[arg(long, value_name = "IMAGE")]
    pub(crate) helper_image: Option<String>,
    /// Do not copy out what can still be read before a volume is replaced; its bytes stay in the old volume
    #[arg(long)]
    pub(crate) no_copy: bool,
    /// Show every step with its gate, its proof and how long it may take; write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Give up an unfinished run of this installation and plan anew
    #[arg(long)]
    pub(crate) replan: bool,
    /// Take over the lock of a run that was not heard of for a minute
    #[arg(long, value_name = "INSTALLATION")]
    pub(crate) take_lock: Option<String>,
}

/// What a recovery is decided on.
struct Scene {
    cluster: Cluster,
    sighting: Sighting,
    playbooks: Playbooks,
    losses: Vec<Loss>,
}

pub(crate) async fn run(session: &Session, arguments: &RecoverArgs) -> Result<ExitCode, Failure> {
    let playbooks = Playbooks::read(&session.catalogue())?;
    if let Some(name) = &arguments.playbook {
        playbooks.get(name)?;
    }
    let claim = arguments.claim.as_deref().map(named_claim).transpose()?;
    let namespace = claim.as_ref().and_then(|claim| claim.namespace.clone()).or_else(|| arguments.namespace.clone());
    let cluster = session.connect().await?;
    if let Some(namespace) = &namespace {
        known_namespace(&cluster, namespace).await?;
    }
    let records = record::all(&session.state_dir()?, &cluster.id);
    let sighting = look::sight(&cluster, namespace.as_deref(), records).await.map_err(|error| Failure::kube(&error))?;
    for unread in &sighting.snapshot.unread {
        say(format!("{} could not be read, so nothing is said of it: {}", unread.kind, unread.why));
    }
    let losses = recognise(&sighting);
    let scene = Scene { cluster, sighting, playbooks, losses };
    match &arguments.playbook {
        None => Ok(propose::propose(session, &scene)),
        Some(name) => recover(session, arguments, &scene, scene.playbooks.get(name)?, claim).await,
    }
}

fn named_claim(text: &str) -> Result<ObjectRef, Failure> {
    match text.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
            Ok(join::claim_ref(namespace, name))
        }
        _ => Err(Failure::input(
            "bad-claim",
            format!("--claim {text}: expected NAMESPACE/NAME"),
            "write --claim shop/data",
        )),
    }
}

async fn recover(
    session: &Session,
    arguments: &RecoverArgs,
    scene: &Scene,
    playbook: &Playbook,
    named: Option<ObjectRef>,
) -> Result<ExitCode, Failure> {
    let claim = match named {
        Some(claim) => claim,
        None => choose_claim(session, arguments, scene, playbook)?,
    };
    let claims = claims(scene, playbook, &claim);
    let (installation, record) = installation_of(scene, playbook, &claim).await?;
    let settings = settings(playbook, &arguments.set, record.as_ref())?;
    let inputs = inputs(&installation, playbook, &claim, &settings);
    let course = Course::of(arguments.dry_run, arguments.replan);
    let about = (&installation, Purpose::Recover);
    if let Some(open) = open_or_not(session, &scene.cluster, about, &inputs, course).await? {
        return install::resume(session, scene.cluster.clone(), &open, arguments.take_lock.as_deref()).await;
    }
    let folder = export_folder(session, &format!("recover-{}", claim.name))?;
    let copies = Copies {
        folder: std::path::Path::new(&folder).join(DATA).display().to_string(),
        image: arguments.helper_image.clone(),
        skip: arguments.no_copy,
    };
    let wish = Wish {
        playbook,
        claims: claims.clone(),
        sighting: &scene.sighting,
        archive: &Archive::read(&session.state_dir()?, &scene.sighting.records),
        cluster: scene.cluster.id.clone(),
        installation,
        reach: record.and_then(|record| record.reach.into_iter().next()),
        settings,
        copies,
        snapshots: Vec::new(),
        folder,
        at: Timestamp::now(),
    };
    let mut plan = compile::compile(&wish)?;
    plan.occasion =
        Some(Box::new(occasion(playbook, &claims, (&scene.losses, &scene.sighting), (Timestamp::now(), &whoever()))));
    let remarks = Remarks { warnings: not_copied(&wish), ..Remarks::default() };
    let snapshot = scene.sighting.snapshot.clone();
    let mut resources = Resources::default();
    let read = plan.steps.iter().flat_map(|step| step.action.reads());
    resources.resolve_kinds(&scene.cluster.client, read).await.map_err(|error| Failure::kube(&error))?;
    let mut prepared = Prepared { plan, snapshot, resources, refusals: Vec::new() };
    if arguments.dry_run {
        return Ok(show_plan(session, &scene.cluster, &prepared, &remarks));
    }
    for claim in &claims {
        say_whether_lost(scene, claim);
    }
    let destroy = Destroy(arguments.destroy_data.iter().cloned().collect());
    let asked = playbook.sheet.consent.as_ref().map(|consent| (consent, arguments.consent.as_deref()));
    let agreed = agree(session, (&destroy, asked), &mut prepared.plan).await?;
    let (cluster, take_lock) = (scene.cluster.clone(), arguments.take_lock.as_deref());
    let (command, face, record, passing) = (None, session.face(), None, false);
    let voyage = Voyage { session, command, face, cluster, inputs, record, take_lock, remarks, agreed, passing };
    voyage.sail(prepared, None).await
}

/// The claim that was chosen first, then those that go with it.
fn claims(scene: &Scene, playbook: &Playbook, claim: &ObjectRef) -> Vec<ObjectRef> {
    let snapshot = &scene.sighting.snapshot;
    let others = match playbook.sheet.etcd {
        None => companions(&scene.losses, snapshot, claim),
        Some(Part::Member) => Vec::new(),
        Some(Part::All) => etcd::all_claims(snapshot, claim).unwrap_or_default(),
    };
    std::iter::once(claim.clone()).chain(others.into_iter().filter(|other| other != claim)).collect()
}

/// Who recovers, for the report.
fn whoever() -> String {
    let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "somebody".to_owned());
    format!("{user}, {}", Holder::this_process().named())
}

/// What a playbook would copy out, and cannot.
fn not_copied(wish: &Wish<'_>) -> Vec<String> {
    if !wish.playbook.sheet.steps.contains(&Task::CopyOut) {
        return Vec::new();
    }
    let why = |claim: &ObjectRef| match (wish.copies.skip, unreadable(wish.sighting, claim)) {
        (true, _) => Some("--no-copy".to_owned()),
        (false, why) => why,
    };
    let line = |claim: &ObjectRef| Some(format!("nothing is copied out of {claim}: {}", why(claim)?));
    wish.claims.iter().filter_map(line).collect()
}

/// Whoever replaces what is not lost should know it.
fn say_whether_lost(scene: &Scene, claim: &ObjectRef) {
    match scene.losses.iter().find(|loss| loss.claim.as_ref() == Some(claim)) {
        Some(loss) => say(format!("{claim}: {} ({})", loss.kind.name(), loss.facts.join("; "))),
        None => say(format!("{claim}: no loss is recognised; nothing that is seen says that it is lost")),
    }
}

/// The claim of the playbook's role in its stack's namespace, or the only lost claim that it is for.
fn choose_claim(
    session: &Session,
    arguments: &RecoverArgs,
    scene: &Scene,
    playbook: &Playbook,
) -> Result<ObjectRef, Failure> {
    if let (Some(role), Some(stack)) = (&playbook.sheet.claim, &playbook.stack) {
        let namespace = match &arguments.namespace {
            Some(namespace) => namespace.clone(),
            None => session.catalogue().get(stack)?.definition().default_namespace().to_owned(),
        };
        return Ok(claim_of_role(&scene.sighting, &namespace, role)?);
    }
    let fits = |loss: &&Loss| loss.certain && playbook.sheet.losses.contains(&loss.kind);
    let claims: BTreeSet<ObjectRef> = scene.losses.iter().filter(fits).filter_map(|loss| loss.claim.clone()).collect();
    let name = &playbook.name;
    match claims.into_iter().collect::<Vec<_>>().as_slice() {
        [claim] => Ok(claim.clone()),
        [] => Err(Failure::input(
            "nothing-lost",
            format!("no loss is recognised that `{name}` is for"),
            "`seaworthy recover` shows what is recognised; --claim NAMESPACE/NAME names a claim",
        )),
        many => {
            let lines = many.iter().map(ToString::to_string).collect();
            let message = format!("{} claims are lost that `{name}` is for", many.len());
            Err(Failure::input("many-losses", message, "choose one with --claim NAMESPACE/NAME").because(lines))
        }
    }
}

/// Whose claim it is, with its record; its lock keeps an install of the same out, and its way in proves the recovery. Labels say it, of
/// the claim or of what uses it; the objects of a chart have none of ours, and are in the inventory of their installation.
async fn installation_of(
    scene: &Scene,
    playbook: &Playbook,
    claim: &ObjectRef,
) -> Result<(Installation, Option<InstallRecord>), Failure> {
    let users = join::workloads(&scene.sighting.snapshot, claim);
    let objects: Vec<ObjectRef> =
        std::iter::once(claim.clone()).chain(users.into_iter().map(|user| user.pinned.object)).collect();
    let by_label = objects.iter().find_map(|object| by_labels(scene, object));
    let inventoried = match by_label {
        Some(_) => None,
        None => by_inventory(scene, &objects).await.map_err(|error| Failure::kube(&error))?,
    };
    if let Some(record) = inventoried {
        return Ok((record.installation.clone(), Some(record)));
    }
    let namespace = claim.namespace.clone().unwrap_or_default();
    let own = || (playbook.stack.clone().unwrap_or_else(|| "recover".to_owned()), namespace);
    let (stack, namespace) = by_label.unwrap_or_else(own);
    let bare =
        Installation { release: stack.clone(), stack, version: String::new(), namespace, profile: String::new() };
    let record =
        InstallRecord::read(&scene.cluster.client, &bare.key()).await.map_err(|error| Failure::kube(&error))?;
    Ok((record.as_ref().map_or(bare, |record| record.installation.clone()), record))
}

/// Stack and namespace, as the labels of an object have them.
fn by_labels(scene: &Scene, object: &ObjectRef) -> Option<(String, String)> {
    let labels = &scene.sighting.snapshot.get(object)?["metadata"]["labels"];
    Some((labels[STACK_LABEL].as_str()?.to_owned(), labels[NAMESPACE_LABEL].as_str()?.to_owned()))
}

/// The installation that one of these objects was made for. Who may not read records recovers without.
async fn by_inventory(scene: &Scene, objects: &[ObjectRef]) -> Result<Option<InstallRecord>, kube::Error> {
    let records = match InstallRecord::list(&scene.cluster.client).await {
        Err(kube::Error::Api(status)) if status.code == 403 => Vec::new(),
        records => records?,
    };
    Ok(records.into_iter().find(|record| record.inventory.iter().any(|object| objects.contains(object))))
}

/// On the command line, in the values that the installation was made with, or by default.
fn settings(
    playbook: &Playbook,
    set: &[String],
    record: Option<&InstallRecord>,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut settings: BTreeMap<String, String> = BTreeMap::new();
    for (name, setting) in &playbook.sheet.settings {
        let pointer = setting.value.as_ref().map(|value| format!("/{}", value.replace('.', "/")));
        let recorded = pointer.and_then(|pointer| text(&record?.inputs.values, &pointer).map(str::to_owned));
        settings.insert(name.clone(), recorded.unwrap_or_else(|| setting.default.clone()));
    }
    for pair in set {
        let known: Vec<&str> = settings.keys().map(String::as_str).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let bad = |what: &str| {
            Failure::input(
                "broken-set",
                format!("--set {pair}: {what}"),
                format!("settings of `{}`: {known}", playbook.name),
            )
        };
        let (name, value) = pair.split_once('=').ok_or_else(|| bad("expected NAME=VALUE"))?;
        if let Err(error) = regex::Regex::new(value) {
            return Err(bad(&format!("no regular expression: {error}")));
        }
        let place = settings.get_mut(name).ok_or_else(|| bad("the playbook has no such setting"))?;
        value.clone_into(place);
    }
    Ok(settings)
}

fn inputs(
    installation: &Installation,
    playbook: &Playbook,
    claim: &ObjectRef,
    settings: &BTreeMap<String, String>,
) -> Inputs {
    let sheet = &playbook.sheet;
    let values = json!({"playbook": playbook.name, "claim": claim.to_string(), "settings": settings,
        "lost": sheet.lost, "untouched": sheet.untouched, "returns": sheet.returns});
    Inputs::of(installation, values)
}

/// What is done about a run of the same installation that is not finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    /// Nothing: a plan is only shown.
    Show,
    /// It is gone on with when it wants the same, and stands in the way otherwise.
    GoOn,
    /// It is given up.
    Replan,
}

impl Course {
    pub(super) fn of(dry_run: bool, replan: bool) -> Self {
        match (dry_run, replan) {
            (true, _) => Self::Show,
            (false, true) => Self::Replan,
            (false, false) => Self::GoOn,
        }
    }
}

/// The run to go on with, when there is an unfinished one that wants the same.
pub(super) async fn open_or_not(
    session: &Session,
    cluster: &Cluster,
    (installation, purpose): (&Installation, Purpose),
    inputs: &Inputs,
    course: Course,
) -> Result<Option<RunRecord>, Failure> {
    let latest = session.runs()?.latest(&cluster.id.uid, &installation.key())?;
    let Some(open) = latest.filter(|run| run.state.is_unfinished() && course != Course::Show) else { return Ok(None) };
    if course == Course::Replan {
        session.runs()?.abandon(&open.run).await?;
        return Ok(None);
    }
    if open.plan.purpose == purpose && open.inputs == *inputs {
        say(format!("going on with run {} of {}", open.run, open.at.strftime("%F %T")));
        return Ok(Some(open));
    }
    Err(other_run_open(&open, inputs))
}

fn other_run_open(open: &RunRecord, inputs: &Inputs) -> Failure {
    let at = open.at.strftime("%F %T");
    let message = format!("run {} of {at} is not finished, and wants something else", open.run);
    let hint =
        format!("finish it with `seaworthy runs resume {}`, or add --replan to give it up for this one", open.run);
    Failure::input("unfinished-run", message, hint).because(inputs.differences(&open.inputs))
}
