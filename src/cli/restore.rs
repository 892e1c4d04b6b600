//! `restore`: bring an installation's data back from a backup.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;
use seaworthy::cluster::Resources;
use seaworthy::engine::journal::Inputs;
use seaworthy::engine::rescue::backup::{self, Manifest};
use seaworthy::engine::rescue::secrets::{self, envelope};
use seaworthy::object::ObjectRef;
use seaworthy::plan::uninstall::{DataName, Destroy};
use seaworthy::plan::verb::Verb;
use seaworthy::plan::{Plan, Purpose, Step};
use seaworthy::prepare::Prepared;
use seaworthy::recover::backup::{Only, Wanted};
use seaworthy::stack::Stack;
use serde_json::json;

use super::backup::{Berths, absolute, folder, restore_command};
use super::hold::export_folder;
use super::recover::{Course, agree, named_claim, open_or_not};
use super::uninstall::bare_installation;
use super::voyage::{Remarks, Voyage, show_plan};
use super::{Failure, Session, install};
use crate::front::ago::ago;
use crate::front::form::quoted;
use crate::front::paint::count;
use crate::front::say;

/// `restore`
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// Name of the stack
    pub(crate) stack: String,
    /// Its namespace (default: the stack's own)
    #[arg(short, long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// The folder of the backup (default: the newest one that is whole)
    #[arg(long, value_name = "DIR")]
    pub(crate) from: Option<PathBuf>,
    /// Bring back only what is on this claim's volume, and nothing else of the backup; may be repeated
    #[arg(long, value_name = "NAMESPACE/NAME", conflicts_with = "identity")]
    pub(crate) claim: Vec<String>,
    /// Agree that what is on this claim's volume now goes: KIND/NAMESPACE/NAME; may be repeated
    #[arg(long, value_name = "OBJECT")]
    pub(crate) destroy_data: Vec<DataName>,
    /// The file with the key to the Secrets in the backup: those that are gone are made again
    #[arg(long, value_name = "FILE")]
    pub(crate) identity: Option<PathBuf>,
    /// Bring back only the Secrets that are gone; no workload stops, and no volume is touched
    #[arg(long, requires = "identity", conflicts_with_all = ["claim", "destroy_data"])]
    pub(crate) secrets_only: bool,
    /// Copy with this image, which must have sh, tar, find and sha256sum (default: one that the volume's node has)
    #[arg(long, value_name = "IMAGE")]
    pub(crate) helper_image: Option<String>,
    /// Verify the backup and show every step with its gate and its proof; write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Give up an unfinished run of this installation and plan anew
    #[arg(long)]
    pub(crate) replan: bool,
    /// Take over the lock of a run that was not heard of for a minute
    #[arg(long, value_name = "INSTALLATION")]
    pub(crate) take_lock: Option<String>,
}

pub(crate) async fn run(session: &Session, arguments: &RestoreArgs) -> Result<ExitCode, Failure> {
    let claims = arguments.claim.iter().map(|claim| named_claim(claim)).collect::<Result<Vec<_>, _>>()?;
    let only = match (arguments.secrets_only, claims.is_empty()) {
        (true, _) => Only::Secrets,
        (false, true) => Only::Everything,
        (false, false) => Only::Claims(claims),
    };
    let bare = bare_installation(session, &arguments.stack, arguments.namespace.as_deref())?;
    let cluster = session.connect().await?;
    let scene = Berths::look(session, cluster, bare).await?;
    let from = match &arguments.from {
        Some(from) => absolute(("--from", from), ("bad-folder", "name the folder of a backup"))?,
        None => newest(&folder(session, None, &scene)?)?,
    };
    let named = |file| absolute(("--identity", file), ("bad-identity", "name a file"));
    let identity = arguments.identity.as_deref().map(named).transpose()?;
    let mut values = json!({"restore": arguments.stack, "from": from});
    if let Some(identity) = &identity {
        values["identity"] = json!(identity);
    }
    match &only {
        Only::Everything => {}
        Only::Claims(_) => values["claims"] = json!(arguments.claim),
        Only::Secrets => values["only"] = json!("secrets"),
    }
    let inputs = Inputs::of(&scene.installation, values);
    let course = Course::of(arguments.dry_run, arguments.replan);
    if let Some(open) =
        open_or_not(session, &scene.cluster, (&scene.installation, Purpose::Restore), &inputs, course).await?
    {
        return install::resume(session, scene.cluster, &open, arguments.take_lock.as_deref()).await;
    }
    let manifest = verified(session, &from)?;
    fits(&scene, &from, &manifest)?;
    has(&from, &manifest, &only)?;
    if let Some(identity) = &identity {
        opens(&from, &manifest, identity)?;
    }
    let known = session.catalogue().get(&arguments.stack).ok();
    let wanted = scene.wanted(from.display().to_string(), arguments.helper_image.clone(), Timestamp::now());
    let wanted = Wanted { definition: known.as_ref().map(Stack::definition), only, ..wanted };
    say(told(&scene, &wanted, (&from, &manifest), identity.is_some()));
    let export = export_folder(session, &format!("restore-{}", arguments.stack))?;
    let plan = wanted.restore(&manifest, export.clone(), identity.map(|identity| identity.display().to_string()))?;
    let summary = came_back(&plan, &manifest, (&from, &export));
    let resources = Resources::default();
    let mut prepared = Prepared { plan, snapshot: scene.sighting.snapshot.clone(), resources, refusals: Vec::new() };
    if arguments.dry_run {
        return Ok(show_plan(session, &scene.cluster, &prepared, &Remarks::default()));
    }
    let destroy = Destroy(arguments.destroy_data.iter().cloned().collect());
    let agreed = agree(session, (&destroy, None), &mut prepared.plan).await?;
    let (command, face, passing, remarks) = (None, session.face(), false, Remarks::default());
    let (cluster, record, take_lock) = (scene.cluster, scene.record, arguments.take_lock.as_deref());
    let voyage = Voyage { session, command, face, cluster, inputs, record, take_lock, remarks, agreed, passing };
    let landing = voyage.land(prepared, None).await?;
    if landing.code() == 0 && !session.is_json() {
        say(summary);
    }
    Ok(landing.show(session, &session.face()))
}

/// What came back, and what it took the place of.
fn came_back(plan: &Plan, manifest: &Manifest, (from, export): (&Path, &str)) -> String {
    let files = |claim: &ObjectRef| {
        let known = manifest.claims().find(|(own, _)| *own == claim);
        known.map_or_else(String::new, |(_, files)| count(usize::try_from(files).unwrap_or(usize::MAX), "file"))
    };
    let line = |step: &Step| match step.verb()? {
        Verb::CopyIn { claim, over, .. } => {
            let instead =
                if *over { "in place of what was on its volume, which is gone" } else { "on a volume that was empty" };
            Some(format!("  {claim}: {}, {instead}", files(claim)))
        }
        Verb::Seed(seed) => {
            Some(format!("  {}: from the snapshot, on a fresh volume; the former one is put aside", seed.claim))
        }
        Verb::Secrets(_) => Some("  the Secrets that were gone".to_owned()),
        _ => None,
    };
    let head = format!("restored from {}, of {}", from.display(), manifest.at.strftime("%F %T UTC"));
    let tail = format!("  manifests as they were before it are in {export}");
    std::iter::once(head).chain(plan.steps.iter().filter_map(line)).chain([tail]).collect::<Vec<_>>().join("\n")
}

/// Whether what is to be brought back is there.
fn has(from: &Path, manifest: &Manifest, only: &Only) -> Result<(), Failure> {
    let Only::Claims(only) = only else { return Ok(()) };
    let Some(missing) = only.iter().find(|claim| !manifest.claims().any(|(own, _)| own == *claim)) else {
        return Ok(());
    };
    let message = format!("{} holds no files of {missing}", from.display());
    let known: Vec<String> = manifest.claims().map(|(claim, _)| claim.to_string()).collect();
    // Two folders above it is where all of its kind are kept.
    let to = from
        .ancestors()
        .nth(2)
        .map_or_else(String::new, |root| format!(" --to {}", quoted(&root.display().to_string())));
    let hint = format!(
        "choose one that it holds, or another backup with --from: `seaworthy backup list{to}` shows what there is"
    );
    Err(Failure::input("not-in-backup", message, hint).because(known))
}

/// Whether the key opens what is in the backup, before anything is asked.
fn opens(from: &Path, manifest: &Manifest, identity: &Path) -> Result<(), Failure> {
    if manifest.secrets().is_empty() {
        let message = format!("{} holds no Secrets that a key would open", from.display());
        return Err(Failure::input("no-secrets", message, "leave --identity out"));
    }
    let file = from.join(secrets::FILE);
    let sealed = std::fs::read(&file).map_err(|error| Failure::file(&file, &error))?;
    envelope::open(&sealed, identity)?;
    Ok(())
}

fn newest(folder: &Path) -> Result<PathBuf, Failure> {
    let root = folder.parent().unwrap_or(folder);
    let own = |path: &Path| path.parent() == Some(folder);
    let all: Vec<_> = backup::all(root).into_iter().filter(|(path, _)| own(path)).collect();
    let is_any = !all.is_empty();
    let whole: Vec<(PathBuf, Manifest)> =
        all.into_iter().filter_map(|(path, known)| Some((path, known.ok()?))).collect();
    let has_all = |(_, manifest): &&(PathBuf, Manifest)| manifest.head.losses.is_empty();
    let found = whole.iter().find(has_all).map(|(path, _)| path.clone());
    for (path, manifest) in whole.iter().take_while(|one| !has_all(one)) {
        let what: Vec<&str> = manifest.head.losses.iter().map(|lost| lost.what.as_str()).collect();
        say(format!("passed over {}: it was made when {} was lost", path.display(), what.join(", ")));
    }
    if let (None, Some((path, _))) = (&found, whole.first()) {
        let message = format!("every backup in {} was made after a loss", folder.display());
        let hint = format!(
            "what is in the newest of them is brought back with --from {}",
            quoted(&path.display().to_string())
        );
        return Err(Failure::input("no-backup", message, hint));
    }
    found.ok_or_else(|| {
        let message = if is_any {
            format!("no backup in {} is whole", folder.display())
        } else {
            format!("there is no backup in {}", folder.display())
        };
        let hint =
            "one that was made with --to is named with --from: `seaworthy backup list --to DIR` shows which there are";
        Failure::input("no-backup", message, hint)
    })
}

/// Every byte is read before anything is asked.
fn verified(session: &Session, from: &Path) -> Result<Manifest, Failure> {
    let busy = session.busy("reading every byte of the backup");
    let manifest = backup::verify(from);
    drop(busy);
    Ok(manifest?)
}

fn fits(scene: &Berths, from: &Path, manifest: &Manifest) -> Result<(), Failure> {
    let (is, was) = (&scene.installation, &manifest.head.installation);
    if is.key() != was.key() {
        let message = format!("{} is a backup of {} in namespace {}", from.display(), was.stack, was.namespace);
        let hint = format!("name what it is of: {}", restore_command(was, Some(from)));
        return Err(Failure::input("other-backup", message, hint));
    }
    if scene.record.is_none()
        && scene.sighting.snapshot.of_kind("apps", "Deployment").next().is_none()
        && scene.sighting.snapshot.of_kind("apps", "StatefulSet").next().is_none()
    {
        let message = format!(
            "{} is not installed in namespace {}: there is nothing to bring data back to",
            is.stack, is.namespace
        );
        let hint = format!(
            "install it first, with the values of the backup: seaworthy install {} -n {} -f {}/values.json",
            is.stack,
            is.namespace,
            from.display()
        );
        return Err(Failure::input("not-installed", message, hint));
    }
    Ok(())
}

/// What is brought back, from when.
fn told(scene: &Berths, wanted: &Wanted<'_>, (from, manifest): (&Path, &Manifest), has_key: bool) -> String {
    let age = ago(Timestamp::now(), manifest.at);
    let moment =
        if manifest.head.consistent { "of one moment" } else { "taken while it ran: its parts may not fit together" };
    let mut lines = vec![format!("{}: verified, {age} old, {moment}", from.display())];
    if manifest.head.cluster.uid != scene.cluster.id.uid {
        lines.push(format!("it is of another cluster: {}", manifest.head.cluster.context));
    }
    lines.extend(manifest.head.losses.iter().map(|lost| format!("  it does not have {}: {}", lost.what, lost.why)));
    lines.extend(
        wanted.chosen(manifest).map(|(claim, files)| {
            format!("  {claim}: {}", count(usize::try_from(files).unwrap_or(usize::MAX), "file"))
        }),
    );
    if matches!(wanted.only, Only::Claims(_)) {
        return lines.join("\n");
    }
    let etcds = manifest.etcds().filter(|_| wanted.only == Only::Everything);
    lines.extend(etcds.map(|(set, _)| {
        format!(
            "  {set}: {}",
            if wanted.from_snapshots(manifest).iter().any(|(own, _)| own.pinned.object == *set) {
                "from its snapshot; its members get fresh volumes, and the old ones are kept"
            } else if scene.sighting.snapshot.get(set).is_some() {
                "as its members' files were; the snapshot is not needed"
            } else {
                "it is not installed, and its snapshot is not used"
            }
        )
    }));
    let what = if has_key { "is made if it is gone" } else { "stays in the backup: --identity names the key" };
    lines.extend(manifest.secrets().iter().map(|secret| format!("  {secret}: {what}")));
    let left_out = manifest.head.left_out.iter().filter(|_| wanted.only == Only::Everything);
    lines.extend(left_out.map(|left| format!("  not in it: {} ({})", left.what, left.why)));
    lines.join("\n")
}
