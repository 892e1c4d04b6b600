//! `recover`: without a name recognise and propose; with one, run the playbook.

mod agree;
mod draft;
mod guide;
mod healed;
mod instead;
mod propose;

use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;
use seaworthy::cluster::Cluster;
use seaworthy::engine::journal::{Inputs, RunRecord, RunState};
use seaworthy::object::ObjectRef;
use seaworthy::plan::uninstall::Destroy;
use seaworthy::plan::verb::Verb;
use seaworthy::plan::{Installation, Plan, Purpose};
use seaworthy::recover::look::{self, Looking};
use seaworthy::recover::playbook::Task;
use seaworthy::recover::{Loss, Playbook, Playbooks, Sighting, join, recognise, record};

pub(super) use self::agree::{agree, note_agreement};
pub(super) use self::draft::{Subject, whether_lost};
pub(super) use self::healed::still_lost;
pub(super) use self::propose::{offers, unfinished};
use super::namespace::known_namespace;
use super::voyage::{Voyage, show_plan};
use super::{Failure, Session, install};
use crate::front::{can_ask, say};

/// The answers of a cluster, or their absence, behind which its control plane may be lost.
const SILENCES: [&str; 12] = [
    "no-context",
    "unknown-context",
    "unknown-cluster",
    "bad-kubeconfig",
    "connection-refused",
    "unknown-host",
    "timeout",
    "unreachable",
    "unknown-authority",
    "certificate-expired",
    "server-error",
    "not-kubernetes",
];
/// A guide is only shown.
const ALL_BUT_GUIDES: [&str; 11] = [
    "playbook",
    "namespace",
    "claim",
    "set",
    "destroy_data",
    "consent",
    "helper_image",
    "no_copy",
    "dry_run",
    "replan",
    "take_lock",
];

/// `recover`
#[derive(Debug, Default, Args)]
pub(crate) struct RecoverArgs {
    /// Name of the playbook: detach, erase, etcd-member, etcd-restore, etcd-space, finish, give-back, grow, move, node-back, node-off, provision,
    /// rebind, replace, reunite, or one of a stack, such as newton-v2t/etcd (default: recognise what is lost, and propose)
    pub(crate) playbook: Option<String>,
    /// Show what to do by hand where no playbook can act; without a name: which guides there are. No cluster is needed
    #[arg(long, value_name = "GUIDE", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ALL_BUT_GUIDES)]
    pub(crate) guide: Option<String>,
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
    #[arg(long, value_name = "OBJECT", value_parser = seaworthy::plan::uninstall::DataName::of_any_kind)]
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
pub(super) struct Scene {
    pub(super) cluster: Cluster,
    pub(super) sighting: Sighting,
    pub(super) playbooks: Playbooks,
    pub(super) losses: Vec<Loss>,
}

impl Scene {
    /// Looks at the cluster, or at one namespace of it, and tells what is read as it goes.
    pub(super) async fn look(
        session: &Session,
        (cluster, namespace): (Cluster, Option<&str>),
        playbooks: Playbooks,
        tell: impl Fn(Looking),
    ) -> Result<Self, Failure> {
        let records = record::all(&session.state_dir()?, &cluster.id);
        let sighting = look::sight_telling(&cluster, namespace, records, tell).await;
        let sighting = sighting.map_err(|error| Failure::kube(&error))?;
        let losses = recognise(&sighting);
        Ok(Self { cluster, sighting, playbooks, losses })
    }
}

pub(crate) async fn run(session: &Session, arguments: &RecoverArgs) -> Result<ExitCode, Failure> {
    if let Some(name) = &arguments.guide {
        return guide::show(session, name);
    }
    let playbooks = Playbooks::read(&session.catalogue())?;
    if arguments.playbook.is_none() {
        only_looks(arguments)?;
    }
    if let Some(name) = &arguments.playbook {
        playbooks.get(name).map_err(|error| guide::or_not(session, name).unwrap_or_else(|| error.into()))?;
    }
    let claim = arguments.claim.as_deref().map(named_claim).transpose()?;
    let namespace = claim.as_ref().and_then(|claim| claim.namespace.clone()).or_else(|| arguments.namespace.clone());
    let cluster = session.connect().await.map_err(with_guides)?;
    // A volume that is to be erased may have outlived the namespace of its claim.
    let erases = |name: &String| playbooks.get(name).is_ok_and(|playbook| playbook.sheet.steps.contains(&Task::Erase));
    if let Some(namespace) = namespace.as_ref().filter(|_| !arguments.playbook.as_ref().is_some_and(erases)) {
        known_namespace(&cluster, namespace).await?;
    }
    let scene = Scene::look(session, (cluster, namespace.as_deref()), playbooks, |_| {}).await;
    let scene = scene.map_err(with_guides)?;
    for unread in &scene.sighting.snapshot.unread {
        say(unread.to_string());
    }
    match &arguments.playbook {
        None => Ok(propose::propose(session, &scene)),
        Some(name) => recover(session, arguments, &scene, scene.playbooks.get(name)?, claim).await,
    }
}

/// Without a playbook nothing is done that these could be about.
fn only_looks(arguments: &RecoverArgs) -> Result<(), Failure> {
    let given = [
        ("--set", !arguments.set.is_empty()),
        ("--destroy-data", !arguments.destroy_data.is_empty()),
        ("--consent", arguments.consent.is_some()),
        ("--helper-image", arguments.helper_image.is_some()),
        ("--no-copy", arguments.no_copy),
        ("--dry-run", arguments.dry_run),
        ("--replan", arguments.replan),
        ("--take-lock", arguments.take_lock.is_some()),
    ];
    let Some((option, _)) = given.into_iter().find(|(_, is_given)| *is_given) else { return Ok(()) };
    let message = format!("{option} is about a playbook, and none is named");
    Err(Failure::input("no-playbook", message, "`seaworthy recover` shows which one fits what is lost; name that one"))
}

/// Where the cluster does not answer, what is lost may be the cluster's own.
fn with_guides(failure: Failure) -> Failure {
    // Neither a file of this machine nor a sandbox in use has anything to do with it.
    if !SILENCES.contains(&failure.id.as_str()) {
        return failure;
    }
    let guides = "if its control plane itself is lost: `seaworthy recover --guide`";
    let hint = failure.hint.as_ref().map_or_else(|| guides.to_owned(), |hint| format!("{hint}; {guides}"));
    Failure { hint: Some(hint), ..failure }
}

pub(super) fn named_claim(text: &str) -> Result<ObjectRef, Failure> {
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
    let subject = Subject::of((session, arguments), scene, playbook, named).await?;
    let course = Course::of(arguments.dry_run, arguments.replan);
    let about = (&subject.installation, Purpose::Recover);
    if let Some(open) = open_or_not(session, &scene.cluster, about, &subject.inputs, course).await? {
        return install::resume(session, scene.cluster.clone(), &open, arguments.take_lock.as_deref()).await;
    }
    let (mut prepared, remarks) = subject.plan((session, arguments), scene, Timestamp::now()).await?;
    if arguments.dry_run {
        return Ok(show_plan(session, &scene.cluster, &prepared, &remarks));
    }
    can_answer(&prepared.plan, playbook)?;
    for claim in &subject.claims {
        say(whether_lost(&scene.losses, claim).unwrap_or_else(|none| none));
    }
    let destroy = Destroy(arguments.destroy_data.iter().cloned().collect());
    if let (Some(word), None) = (&arguments.consent, &playbook.sheet.consent) {
        let message = format!("--consent={word}: `{}` asks for no word", playbook.name);
        return Err(Failure::input("no-consent-asked", message, "leave it out"));
    }
    let asked = playbook.sheet.consent.as_ref().map(|consent| (consent, arguments.consent.as_deref()));
    let agreed = agree(session, (&destroy, asked), &mut prepared.plan).await?;
    let (cluster, take_lock, inputs) = (scene.cluster.clone(), arguments.take_lock.as_deref(), subject.inputs);
    let (command, face, record, passing) = (None, session.face(), None, false);
    let voyage = Voyage { session, command, face, cluster, inputs, record, take_lock, remarks, agreed, passing };
    voyage.sail(prepared, None).await
}

/// A question in the middle of a run needs somebody to answer it: without, it would end there, with the application stopped.
fn can_answer(plan: &Plan, playbook: &Playbook) -> Result<(), Failure> {
    let question = plan.steps.iter().find_map(|step| match step.verb()? {
        Verb::Ask { question, .. } => Some(question),
        _ => None,
    });
    let Some(question) = question.filter(|_| !can_ask()) else { return Ok(()) };
    let message =
        format!("`{}` asks something half way, and there is no terminal to ask on; nothing was written", playbook.name);
    let hint = "run the same command on a terminal; --dry-run shows every step";
    Err(Failure::input("cannot-ask", message, hint).because(vec![format!("it would ask: {question}")]))
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
    let Some(open) = latest.filter(|run| run.is_in_the_way_of(inputs) && course != Course::Show) else {
        return Ok(None);
    };
    if course == Course::Replan {
        session.runs()?.abandon(&open.run).await?;
        return Ok(None);
    }
    if open.plan.purpose == purpose && open.inputs == *inputs {
        let how = if open.state == RunState::Failed { ", which failed half way (--replan gives it up)" } else { "" };
        say(format!("going on with run {} of {}{how}", open.run, open.at.strftime("%F %T")));
        return Ok(Some(open));
    }
    Err(other_run_open(&open, inputs))
}

pub(super) fn other_run_open(open: &RunRecord, inputs: &Inputs) -> Failure {
    let at = open.at.strftime("%F %T");
    let message = format!("run {} of {at} is not finished, and wants something else", open.run);
    let hint =
        format!("finish it with `seaworthy runs resume {}`, or add --replan to give it up for this one", open.run);
    Failure::input("unfinished-run", message, hint).because(inputs.differences(&open.inputs))
}
