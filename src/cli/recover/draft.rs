//! From a playbook and what was seen to a plan that can be agreed to: the same for lines and for the full screen.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;
use seaworthy::cluster::Resources;
use seaworthy::engine::journal::{Inputs, RunRecord, RunState};
use seaworthy::engine::lock::Holder;
use seaworthy::engine::record::InstallRecord;
use seaworthy::engine::rescue::backup::DATA;
use seaworthy::object::ObjectRef;
use seaworthy::plan::{Installation, NAMESPACE_LABEL, STACK_LABEL};
use seaworthy::prepare::Prepared;
use seaworthy::recover::archive::Archive;
use seaworthy::recover::compile::{self, Copies, Wish, claim_of_role, unreadable};
use seaworthy::recover::occasion::occasion;
use seaworthy::recover::playbook::Task;
use seaworthy::recover::{Loss, Playbook, join, subject};
use serde_json::json;

use super::{RecoverArgs, Scene, unfinished};
use crate::cli::hold::export_folder;
use crate::cli::voyage::Remarks;
use crate::cli::{Failure, Session};

/// What a recovery is about, before there is a plan.
pub(in crate::cli) struct Subject<'a> {
    pub(in crate::cli) playbook: &'a Playbook,
    /// The claim that was chosen first, then those that go with it; none where it is about a namespace as a whole.
    pub(in crate::cli) claims: Vec<ObjectRef>,
    /// The claim that was chosen, or the namespace.
    of: ObjectRef,
    pub(in crate::cli) installation: Installation,
    record: Option<InstallRecord>,
    pub(in crate::cli) settings: BTreeMap<String, String>,
    pub(in crate::cli) inputs: Inputs,
}

impl<'a> Subject<'a> {
    /// Finds out what it is about. `named`: the claim or the namespace, where it was named.
    pub(in crate::cli) async fn of(
        (session, arguments): (&Session, &RecoverArgs),
        scene: &Scene,
        playbook: &'a Playbook,
        named: Option<ObjectRef>,
    ) -> Result<Self, Failure> {
        if playbook.sheet.is_of_a_namespace() {
            return Self::of_namespace((session, arguments), scene, playbook, named).await;
        }
        let claim = match named {
            Some(claim) => claim,
            None => choose_claim(session, arguments, scene, playbook)?,
        };
        let claims = subject::claims(playbook, &claim, (&scene.losses, &scene.sighting));
        let (installation, record) = installation_of(scene, playbook, &claim).await?;
        let settings = settings(playbook, &arguments.set, record.as_ref())?;
        let inputs = inputs(&installation, playbook, &claim, &settings);
        Ok(Self { playbook, claims, of: claim, installation, record, settings, inputs })
    }

    /// Of a namespace as a whole: under the lock of the stack that the playbook is of. One that is gone has no way in that could prove it.
    async fn of_namespace(
        (session, arguments): (&Session, &RecoverArgs),
        scene: &Scene,
        playbook: &'a Playbook,
        named: Option<ObjectRef>,
    ) -> Result<Self, Failure> {
        let of = match named.filter(|named| named.kind == "Namespace") {
            Some(named) => named,
            None => choose_namespace((session, arguments), scene, playbook)?,
        };
        let (installation, record) = installed(scene, playbook, of.name.clone()).await?;
        let settings = settings(playbook, &arguments.set, record.as_ref())?;
        let inputs = inputs(&installation, playbook, &of, &settings);
        Ok(Self { playbook, claims: Vec::new(), of, installation, record, settings, inputs })
    }

    /// Makes the plan. `seen`: when the loss was recognised, by the clock of this machine.
    pub(in crate::cli) async fn plan(
        &self,
        (session, arguments): (&Session, &RecoverArgs),
        scene: &Scene,
        seen: Timestamp,
    ) -> Result<(Prepared, Remarks), Failure> {
        let folder = export_folder(session, &format!("recover-{}", self.of.name))?;
        let copies = Copies {
            folder: Path::new(&folder).join(DATA).display().to_string(),
            image: arguments.helper_image.clone(),
            skip: arguments.no_copy,
        };
        let wish = Wish {
            playbook: self.playbook,
            claims: self.claims.clone(),
            sighting: &scene.sighting,
            archive: &Archive::read(&session.state_dir()?, &scene.sighting.records),
            cluster: scene.cluster.id.clone(),
            installation: self.installation.clone(),
            reach: self.record.as_ref().and_then(|record| record.reach.first().cloned()),
            settings: self.settings.clone(),
            copies,
            snapshots: Vec::new(),
            folder,
            at: Timestamp::now(),
        };
        let mut plan = match compile::compile(&wish) {
            Ok(plan) => plan,
            Err(error) => return Err(self.or_go_on(session, scene, error.into())),
        };
        let known = (scene.losses.as_slice(), &scene.sighting);
        let about = if self.claims.is_empty() { std::slice::from_ref(&self.of) } else { &self.claims };
        plan.occasion = Some(Box::new(occasion(self.playbook, about, known, (seen, &whoever()))));
        let remarks = Remarks { warnings: not_copied(&wish), ..Remarks::default() };
        let snapshot = scene.sighting.snapshot.clone();
        let mut resources = Resources::default();
        let read = plan.steps.iter().flat_map(|step| step.action.reads());
        resources.resolve_kinds(&scene.cluster.client, read).await.map_err(|error| Failure::kube(&error))?;
        Ok((Prepared { plan, snapshot, resources, refusals: Vec::new() }, remarks))
    }

    /// What a run of the same that failed has left may fit no plan but its own.
    fn or_go_on(&self, session: &Session, scene: &Scene, failure: Failure) -> Failure {
        let latest = session.runs().and_then(|runs| Ok(runs.latest(&scene.cluster.id.uid, &self.installation.key())?));
        match latest {
            Ok(Some(run)) if run.state == RunState::Failed && run.inputs == self.inputs => {
                let on = format!("`seaworthy runs resume {}` goes on where this recovery failed", run.run);
                let hint = failure.hint.as_ref().map_or_else(|| on.clone(), |hint| format!("{on}; {hint}"));
                Failure { hint: Some(hint), ..failure }
            }
            _ => failure,
        }
    }
}

/// Whether anything says that this claim is lost: whoever replaces what is not lost should know it.
pub(in crate::cli) fn whether_lost(losses: &[Loss], claim: &ObjectRef) -> Result<String, String> {
    match losses.iter().find(|loss| loss.claim.as_ref() == Some(claim)) {
        Some(loss) => Ok(format!("{claim}: {} ({})", loss.kind.name(), loss.facts.join("; "))),
        None => Err(format!("{claim}: no loss is recognised; nothing that is seen says that it is lost")),
    }
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
    let claims = lost(scene, playbook, |loss| loss.claim.as_ref());
    only(
        (session, playbook, scene),
        &claims,
        &format!("claims are lost that `{}` is for", playbook.name),
        ("--claim NAMESPACE/NAME", "a claim"),
    )
}

/// What is lost for certain that a playbook is for.
fn lost(scene: &Scene, playbook: &Playbook, of: impl Fn(&Loss) -> Option<&ObjectRef>) -> BTreeSet<ObjectRef> {
    let fits = |loss: &&Loss| loss.certain && playbook.sheet.losses.contains(&loss.kind);
    scene.losses.iter().filter(fits).filter_map(|loss| of(loss).cloned()).collect()
}

/// The only one of them; where there are others, or none, it has to be named with an option.
fn only(
    (session, playbook, scene): (&Session, &Playbook, &Scene),
    found: &BTreeSet<ObjectRef>,
    many: &str,
    (option, what): (&str, &str),
) -> Result<ObjectRef, Failure> {
    let mut all = found.iter();
    match (all.next(), all.next()) {
        (Some(one), None) => Ok(one.clone()),
        (None, _) => Err(suspected(scene, playbook).or_else(|| begun(session, scene, playbook)).unwrap_or_else(|| {
            Failure::input(
                "nothing-lost",
                format!("no loss is recognised that `{}` is for", playbook.name),
                format!("`seaworthy recover` shows what is recognised; {option} names {what}"),
            )
        })),
        (Some(_), Some(_)) => {
            let lines = found.iter().map(ToString::to_string).collect();
            let message = format!("{} {many}", found.len());
            Err(Failure::input("many-losses", message, format!("choose one with {option}")).because(lines))
        }
    }
}

/// The recovery by this playbook that was begun and has not ended: past its turning point nothing is recognised any more.
fn begun(session: &Session, scene: &Scene, playbook: &Playbook) -> Option<Failure> {
    let is_its =
        |run: &RunRecord| run.plan.occasion.as_ref().is_some_and(|occasion| occasion.playbook == playbook.name);
    let run = unfinished(session, scene).into_iter().find(is_its)?.run;
    let message =
        format!("nothing is lost any more that `{}` is for, and run {run} of it is not finished", playbook.name);
    Some(Failure::input("unfinished-run", message, format!("`seaworthy runs resume {run}` goes on with it")))
}

/// That what a playbook is for is only suspected: it is not chosen unasked.
fn suspected(scene: &Scene, playbook: &Playbook) -> Option<Failure> {
    let loss = scene.losses.iter().find(|loss| !loss.certain && playbook.sheet.losses.contains(&loss.kind))?;
    let object = loss.object()?;
    let (option, named) = subject::option(object);
    let message = format!(
        "{} of {object}, which `{}` is for, is only suspected: one fact says so",
        loss.kind.name(),
        playbook.name
    );
    let hint = format!(
        "look again in some minutes: `seaworthy recover -n {}`; whoever knows that it is so names it: `seaworthy recover {} {option} {named}`",
        loss.home().unwrap_or_default(),
        playbook.name
    );
    Some(Failure::input("only-suspected", message, hint).because(loss.facts.clone()))
}

/// The namespace that was named, that of the playbook's stack, or the only one that does not go.
fn choose_namespace(
    (session, arguments): (&Session, &RecoverArgs),
    scene: &Scene,
    playbook: &Playbook,
) -> Result<ObjectRef, Failure> {
    if let Some(name) = &arguments.namespace {
        return Ok(subject::namespace(name));
    }
    if let Some(stack) = &playbook.stack {
        return Ok(subject::namespace(session.catalogue().get(stack)?.definition().default_namespace()));
    }
    let namespaces = lost(scene, playbook, |loss| loss.namespace.as_ref());
    only((session, playbook, scene), &namespaces, "namespaces do not go", ("--namespace NAME", "a namespace"))
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
    match by_label {
        Some((stack, namespace)) => recorded(scene, stack, namespace).await,
        None => installed(scene, playbook, namespace).await,
    }
}

/// The installation of a playbook's stack in a namespace; of a playbook that fits all stacks, one that only its recoveries have.
async fn installed(
    scene: &Scene,
    playbook: &Playbook,
    namespace: String,
) -> Result<(Installation, Option<InstallRecord>), Failure> {
    let stack = playbook.stack.clone().unwrap_or_else(|| "recover".to_owned());
    recorded(scene, stack, namespace).await
}

/// An installation with its record, where there is one.
async fn recorded(
    scene: &Scene,
    stack: String,
    namespace: String,
) -> Result<(Installation, Option<InstallRecord>), Failure> {
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
    let mut settings = subject::settings(playbook, record.map(|record| &record.inputs.values));
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
    of: &ObjectRef,
    settings: &BTreeMap<String, String>,
) -> Inputs {
    let sheet = &playbook.sheet;
    let values = json!({"playbook": playbook.name, "claim": of.to_string(), "settings": settings,
        "lost": sheet.lost, "untouched": sheet.untouched, "returns": sheet.returns});
    Inputs::of(installation, values)
}
