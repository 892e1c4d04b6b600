//! `backup`: copy what an installation has to this machine; `backup list`: what there is.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use seaworthy::cluster::{Cluster, Resources};
use seaworthy::engine::journal::Inputs;
use seaworthy::engine::record::InstallRecord;
use seaworthy::engine::rescue::backup::{self, Manifest};
use seaworthy::engine::rescue::secrets::{envelope, is_kept};
use seaworthy::engine::rescue::shelf;
use seaworthy::error::Explain as _;
use seaworthy::object::ObjectRef;
use seaworthy::plan::verb::LeftOut;
use seaworthy::plan::{Installation, Purpose};
use seaworthy::prepare::Prepared;
use seaworthy::recover::backup::{Only, Wanted, claims};
use seaworthy::recover::{look, record};
use seaworthy::snapshot::collect::{Query, Scope, collect};
use seaworthy::stack::Stack;
use serde_json::json;

use super::recover::{Course, open_or_not};
use super::uninstall::bare_installation;
use super::voyage::{Remarks, Voyage, show_plan};
use super::{Failure, Session, install};
use crate::front::ago::ago;
use crate::front::form::quoted;
use crate::front::paint::{count, table};
use crate::front::say;

/// `backup`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct BackupArgs {
    #[command(subcommand)]
    pub(crate) command: Option<BackupCommand>,
    /// Name of the stack
    #[arg(required = true)]
    pub(crate) stack: Option<String>,
    /// Its namespace (default: the stack's own)
    #[arg(short, long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// Where backups are kept (default: backups/ below the state folder); `backup list` and `restore` have to be told it, too
    #[arg(long, value_name = "DIR")]
    pub(crate) to: Option<PathBuf>,
    /// Stop what writes for as long as it takes, so that all is of one moment; it is started again on every way out
    #[arg(long)]
    pub(crate) consistent: bool,
    /// Copy with this image, which must have sh, tar, find and sha256sum (default: one that the volume's node has)
    #[arg(long, value_name = "IMAGE")]
    pub(crate) helper_image: Option<String>,
    /// Also save its Secrets, encrypted with age for this public key (`age1...`); may be repeated
    #[arg(long, value_name = "RECIPIENT")]
    pub(crate) with_secrets: Vec<String>,
    /// Show every step with its gate and its proof, and what would be left out; write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Give up an unfinished run of this installation and begin anew
    #[arg(long)]
    pub(crate) replan: bool,
    /// Take over the lock of a run that was not heard of for a minute
    #[arg(long, value_name = "INSTALLATION")]
    pub(crate) take_lock: Option<String>,
}

/// `backup ...`
#[derive(Debug, Subcommand)]
pub(crate) enum BackupCommand {
    /// All backups that are kept in one place, the newest first: how old, of what, and whether each is whole
    List {
        /// Where they are kept (default: backups/ below the state folder)
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
        /// Read every byte and compare it with its checksum
        #[arg(long)]
        verify: bool,
    },
}

/// Whether all of these are public keys. Not clap's to say: it would repeat a secret one that was given by mistake.
pub(super) fn known_recipients(recipients: &[String]) -> Result<(), Failure> {
    for text in recipients {
        envelope::recipient(text)?;
    }
    Ok(())
}

pub(crate) async fn run(session: &Session, arguments: &BackupArgs) -> Result<ExitCode, Failure> {
    let Some(stack) = &arguments.stack else {
        return match &arguments.command {
            Some(BackupCommand::List { to, verify }) => list(session, to.as_deref(), *verify),
            None => Err(Failure::input("no-stack", "no stack is named", "`seaworthy status` shows what is installed")),
        };
    };
    known_recipients(&arguments.with_secrets)?;
    let bare = bare_installation(session, stack, arguments.namespace.as_deref())?;
    let cluster = session.connect().await?;
    let scene = Berths::look(session, cluster, bare).await?;
    if claims(&scene.sighting.snapshot, &scene.installation, scene.inventory()).is_empty() && scene.record.is_none() {
        return Err(not_installed(&scene.installation));
    }
    let mut values = json!({"backup": stack, "consistent": arguments.consistent, "to": arguments.to});
    if !arguments.with_secrets.is_empty() {
        values["withSecrets"] = json!(arguments.with_secrets);
    }
    let inputs = Inputs::of(&scene.installation, values);
    let (at, course) = (Timestamp::now(), Course::of(arguments.dry_run, arguments.replan));
    if let Some(open) =
        open_or_not(session, &scene.cluster, (&scene.installation, Purpose::Backup), &inputs, course).await?
    {
        return install::resume(session, scene.cluster, &open, arguments.take_lock.as_deref()).await;
    }
    let root = folder(session, arguments.to.as_deref(), &scene)?;
    if let Some(to) = &arguments.to {
        takes_files(to, &root, arguments.dry_run)?;
    }
    let folder = own_folder(&root, at);
    let known = session.catalogue().get(stack).ok();
    let wanted = scene.wanted(folder.display().to_string(), arguments.helper_image.clone(), at);
    let (definition, recipients) = (known.as_ref().map(Stack::definition), arguments.with_secrets.clone());
    let wanted = Wanted { definition, recipients, ..wanted };
    let left_out = if arguments.with_secrets.is_empty() {
        secrets(&scene.cluster, &scene.installation.namespace).await?
    } else {
        Vec::new()
    };
    let not_saved = left_out_lines(&left_out);
    let plan = wanted.backup(arguments.consistent, left_out)?;
    let losses = plan.sealed().map(|(_, head)| head.losses.clone()).unwrap_or_default();
    let lost = losses.iter().map(|lost| {
        format!(
            "{} is lost, and is not in this backup ({}); an older one may have it, and `restore` takes that",
            lost.what, lost.why
        )
    });
    let warnings = lost.chain(not_saved).collect();
    let resources = Resources::default();
    let prepared = Prepared { plan, snapshot: scene.sighting.snapshot.clone(), resources, refusals: Vec::new() };
    let remarks = Remarks { warnings, ..Remarks::default() };
    if arguments.dry_run {
        return Ok(show_plan(session, &scene.cluster, &prepared, &remarks));
    }
    if !prepared.plan.writes() {
        // A plan that leaves the cluster as it is is not shown, and this has to be heard all the same.
        remarks.warnings.iter().for_each(|warning| say(format!("warning: {warning}")));
    }
    let of = scene.installation.clone();
    let (command, face, passing, agreed) = (None, session.face(), false, false);
    let (cluster, record, take_lock) = (scene.cluster, scene.record, arguments.take_lock.as_deref());
    let voyage = Voyage { session, command, face, cluster, inputs, record, take_lock, remarks, agreed, passing };
    let landing = voyage.land(prepared, None).await?;
    if session.is_json() {
        let mut document = landing.document();
        document["folder"] = json!(folder);
        document["backup"] = json!(backup::read(&folder).ok());
        session.print("Backup", &document, String::new);
    } else if landing.code() == 0 {
        // One that was made after a loss is only taken by its name.
        let named = (arguments.to.is_some() || !losses.is_empty()).then_some(folder.as_path());
        let command = restore_command(&of, named);
        say(format!("backup in {}; it is brought back with: {command}", folder.display()));
    }
    Ok(ExitCode::from(landing.code()))
}

/// The command that brings a backup back; `from`: its folder, where `restore` does not find it by itself.
pub(super) fn restore_command(installation: &Installation, from: Option<&Path>) -> String {
    let from = from.map_or_else(String::new, |from| format!(" --from {}", quoted(&from.display().to_string())));
    format!("seaworthy restore {} -n {}{from}", installation.stack, installation.namespace)
}

/// Whether a folder that was named with --to can be written to, before anything is begun. A plan that is only shown makes none.
fn takes_files(to: &Path, root: &Path, only_shown: bool) -> Result<(), Failure> {
    let refused = |why: String| {
        let message = format!("--to {}: {why}", to.display());
        Failure::input(
            "bad-folder",
            message,
            "name another folder with --to; without it backups go below the state folder",
        )
    };
    let there = root.ancestors().find(|folder| folder.exists()).unwrap_or(root);
    if !there.is_dir() {
        return Err(refused(format!("{} is no folder", there.display())));
    }
    if only_shown {
        return Ok(());
    }
    shelf::make_folder(root).map_err(|error| refused(error.to_string()))?;
    probe(root).map_err(|error| refused(format!("nothing can be written there: {error}")))
}

/// Writes a file into a folder and takes it away again.
fn probe(folder: &Path) -> std::io::Result<()> {
    let file = folder.join(format!(".{}.probe", std::process::id()));
    std::fs::write(&file, b"x")?;
    std::fs::remove_file(&file)
}

/// The folder of a backup that begins now; the second of one second has a number.
fn own_folder(all: &Path, at: Timestamp) -> PathBuf {
    let name = at.strftime("%Y%m%d-%H%M%S").to_string();
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    let mut names = std::iter::once(name.clone()).chain(numbered);
    all.join(names.find(|name| !all.join(name).exists()).unwrap_or(name))
}

/// What a backup or a restore is decided on.
pub(super) struct Berths {
    pub(super) cluster: Cluster,
    pub(super) installation: Installation,
    pub(super) record: Option<InstallRecord>,
    pub(super) sighting: seaworthy::recover::Sighting,
}

impl Berths {
    pub(super) async fn look(session: &Session, cluster: Cluster, bare: Installation) -> Result<Self, Failure> {
        let record = InstallRecord::read(&cluster.client, &bare.key()).await.map_err(|error| Failure::kube(&error))?;
        let installation = record.as_ref().map_or(bare, |record| record.installation.clone());
        let records = record::all(&session.state_dir()?, &cluster.id);
        let sighting = look::sight(&cluster, Some(&installation.namespace), records).await;
        let sighting = sighting.map_err(|error| Failure::kube(&error))?;
        for unread in &sighting.snapshot.unread {
            say(format!("{} could not be read, so nothing is known of it: {}", unread.kind, unread.why));
        }
        Ok(Self { cluster, installation, record, sighting })
    }

    fn inventory(&self) -> &[ObjectRef] {
        self.record.as_ref().map(|record| record.inventory.as_slice()).unwrap_or_default()
    }

    pub(super) fn wanted(&self, folder: String, image: Option<String>, at: Timestamp) -> Wanted<'_> {
        Wanted {
            sighting: &self.sighting,
            cluster: self.cluster.id.clone(),
            installation: self.installation.clone(),
            record: self.record.as_ref(),
            definition: None,
            folder,
            image,
            recipients: Vec::new(),
            only: Only::Everything,
            at,
        }
    }
}

/// A path that was given with an option, wherever it is read: a journal outlives the folder that it was written in. `refusal`: the id and
/// the hint where it is none.
pub(super) fn absolute((option, path): (&str, &Path), refusal: (&'static str, &str)) -> Result<PathBuf, Failure> {
    let (id, hint) = refusal;
    std::path::absolute(path).map_err(|error| Failure::input(id, format!("{option} {}: {error}", path.display()), hint))
}

/// Where the backups of a cluster are unless somebody says otherwise.
pub(super) fn usual_root(session: &Session, cluster: &Cluster) -> Result<PathBuf, Failure> {
    Ok(session.state_dir()?.join("backups").join(&cluster.id.uid))
}

/// Where the backups of an installation are.
pub(super) fn folder(session: &Session, to: Option<&Path>, scene: &Berths) -> Result<PathBuf, Failure> {
    let root = match to {
        Some(to) => absolute(("--to", to), ("bad-folder", "name a folder"))?,
        None => usual_root(session, &scene.cluster)?,
    };
    Ok(root.join(scene.installation.key()))
}

/// The Secrets of a namespace, by name: they are not in a backup.
async fn secrets(cluster: &Cluster, namespace: &str) -> Result<Vec<LeftOut>, Failure> {
    let kind = ObjectRef::new("v1", "Secret", Some(namespace), "");
    let Some(resource) = Resources::default().of(&kind) else { return Ok(Vec::new()) };
    let query = Query { resource, namespace: kind.namespace.clone(), scope: Scope::All };
    let seen = collect(&cluster.client, vec![query]).await.map_err(|error| Failure::kube(&error))?;
    let why = "Secrets stay in the cluster; --with-secrets saves them, encrypted".to_owned();
    if let Some(unread) = seen.unread.first() {
        let what = format!("the Secrets of namespace {namespace}");
        return Ok(vec![LeftOut { what, why: format!("they may not be listed: {}", unread.why) }]);
    }
    let names = seen.of_kind("", "Secret").filter(|secret| is_kept(secret)).filter_map(ObjectRef::of);
    Ok(names.map(|secret| LeftOut { what: secret.to_string(), why: why.clone() }).collect())
}

fn left_out_lines(left_out: &[LeftOut]) -> Vec<String> {
    left_out.iter().map(|left| format!("not in the backup: {} ({})", left.what, left.why)).collect()
}

fn not_installed(installation: &Installation) -> Failure {
    let message = format!("{} is not installed in namespace {}", installation.stack, installation.namespace);
    Failure::input("not-installed", message, "`seaworthy status` shows what is; choose with --namespace")
}

fn list(session: &Session, to: Option<&Path>, verify: bool) -> Result<ExitCode, Failure> {
    let roots: Vec<PathBuf> = if let Some(to) = to {
        vec![to.to_owned()]
    } else {
        let clusters = std::fs::read_dir(session.state_dir()?.join("backups")).into_iter().flatten().flatten();
        clusters.map(|entry| entry.path()).collect()
    };
    let mut found: Vec<(PathBuf, Result<Manifest, backup::BackupError>)> =
        roots.iter().flat_map(|root| backup::all(root)).collect();
    found.sort_by(|a, b| b.0.file_name().cmp(&a.0.file_name()));
    if verify {
        found = found
            .into_iter()
            .map(|(folder, known)| (folder.clone(), known.and_then(|_| backup::verify(&folder))))
            .collect();
    }
    let document: Vec<serde_json::Value> = found
        .iter()
        .map(|(folder, known)| match known {
            Ok(manifest) => json!({"folder": folder, "whole": true, "verified": verify, "backup": manifest}),
            Err(error) => {
                json!({"folder": folder, "whole": false, "error": {"id": error.id(), "message": error.to_string()}})
            }
        })
        .collect();
    session.print("Backups", &document, || {
        if found.is_empty() {
            return match to {
                None => "no backup yet; `seaworthy backup STACK` makes one; those that were made with --to are listed with `seaworthy backup list --to DIR`".to_owned(),
                Some(to) => format!("no backup in {}", to.display()),
            };
        }
        table(
            &["AGE", "STACK", "NAMESPACE", "MOMENT", "HOLDS", "SECRETS", "STATE", "FOLDER"],
            &found.iter().map(row).collect::<Vec<_>>(),
        )
    });
    let broken = found.iter().any(|(_, known)| known.is_err());
    Ok(if broken && verify { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn row((folder, known): &(PathBuf, Result<Manifest, backup::BackupError>)) -> Vec<String> {
    let place = folder.display().to_string();
    match known {
        Ok(manifest) => {
            let installation = &manifest.head.installation;
            let (claims, files) =
                manifest.claims().fold((0, 0), |(claims, files), (_, more)| (claims + 1, files + more));
            vec![
                ago(Timestamp::now(), manifest.at),
                installation.stack.clone(),
                installation.namespace.clone(),
                if manifest.head.consistent { "one" } else { "live" }.to_owned(),
                format!("{}, {}", count(claims, "volume"), count(usize::try_from(files).unwrap_or(usize::MAX), "file")),
                match (manifest.secrets().len(), manifest.head.recipients.is_empty()) {
                    (_, true) => "left out".to_owned(),
                    (saved, false) => saved.to_string(),
                },
                if manifest.head.losses.is_empty() { "whole" } else { "made after a loss" }.to_owned(),
                place,
            ]
        }
        Err(error) => {
            let state = if error.id() == "backup-not-whole" { "not whole".to_owned() } else { error.id().to_owned() };
            let unknown = || "?".to_owned();
            // The folder of an installation has its key, and a backup's own the time.
            let key = folder.parent().and_then(Path::file_name).map(|key| key.to_string_lossy().into_owned());
            let (stack, namespace) = key
                .as_deref()
                .and_then(|key| key.split_once('.'))
                .map_or_else(|| (unknown(), unknown()), |(stack, namespace)| (stack.to_owned(), namespace.to_owned()));
            vec![unknown(), stack, namespace, unknown(), unknown(), unknown(), state, place]
        }
    }
}
