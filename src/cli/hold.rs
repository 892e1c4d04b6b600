//! `hold`: the brake. It asks nothing, takes no lock and needs no journal, because it must work when nothing else does.

use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;
use seaworthy::cluster::{Cluster, Resources};
use seaworthy::engine::rescue::{secrets, shelf};
use seaworthy::engine::{self, Context, Limits};
use seaworthy::event::{Ended, Event, Outcome};
use seaworthy::plan::verb::{Pinned, Secrets, SecretsAct};
use seaworthy::plan::{Installation, Plan};
use seaworthy::recover::compile::{hold, selections};
use seaworthy::recover::{join, look};
use seaworthy::snapshot::Snapshot;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::backup::known_recipients;
use super::namespace::known_namespace;
use super::uninstall::bare_installation;
use super::{Failure, Session};
use crate::front::paint::count;
use crate::front::plain::End;
use crate::front::say;

/// `hold`
#[derive(Debug, Args)]
pub(crate) struct HoldArgs {
    /// Name of the stack (default: every volume of the cluster)
    pub(crate) stack: Option<String>,
    /// Its namespace (default: the stack's own)
    #[arg(short, long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// Also save Secrets, encrypted with age for this public key (`age1...`); may be repeated
    #[arg(long, value_name = "RECIPIENT")]
    pub(crate) with_secrets: Vec<String>,
}

/// Events that may wait for the front end.
const EVENTS: usize = 256;

pub(crate) async fn run(session: &Session, arguments: &HoldArgs) -> Result<ExitCode, Failure> {
    known_recipients(&arguments.with_secrets)?;
    let installation = match &arguments.stack {
        Some(stack) => bare_installation(session, stack, arguments.namespace.as_deref())?,
        None => everything(arguments.namespace.as_deref().unwrap_or_default()),
    };
    let cluster = session.connect().await?;
    if let Some(namespace) = &arguments.namespace {
        known_namespace(&cluster, namespace).await?;
    }
    let (events, receiver) = mpsc::channel(EVENTS);
    let front = session
        .face()
        .follow(receiver, End::default())
        .map_err(|error| Failure::input("unwritable-file", format!("{error:#}"), "choose another file for --events"))?;
    let braked = brake(session, cluster, (installation, &arguments.with_secrets), events).await?;
    // What could not be shown is in the outcome.
    let _ = front.await;
    let Braked { outcome, kept, folder } = &braked;
    if session.is_json() {
        session.print("Hold", &json!({"outcome": outcome, "volumes": kept, "folder": folder}), String::new);
    } else if outcome.ended == Ended::Done {
        let secrets = if arguments.with_secrets.is_empty() {
            "; Secrets are left out (--with-secrets saves them, encrypted)".to_owned()
        } else {
            format!(", Secrets in {}", beside(folder))
        };
        say(format!("{} kept, manifests in {folder}{secrets}", count(*kept, "volume")));
    }
    Ok(if outcome.ended == Ended::Done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What the brake came to.
pub(super) struct Braked {
    pub(super) outcome: Outcome,
    /// How many volumes are kept.
    pub(super) kept: usize,
    /// Where the manifests are.
    pub(super) folder: String,
}

/// Keeps every volume in scope and saves what tells of the data, at once.
pub(super) async fn brake(
    session: &Session,
    cluster: Cluster,
    (installation, recipients): (Installation, &[String]),
    events: mpsc::Sender<Event>,
) -> Result<Braked, Failure> {
    let namespace = Some(installation.namespace.as_str()).filter(|namespace| !namespace.is_empty());
    let snapshot = look::volumes(&cluster).await.map_err(|error| Failure::kube(&error))?;
    let volumes = in_scope(&snapshot, namespace);
    let folder = own_folder(session)?;
    let (what, kept) = (selections(namespace), volumes.len());
    let secrets = (!recipients.is_empty()).then(|| Secrets {
        namespace: namespace.map(str::to_owned),
        file: beside(&folder),
        act: SecretsAct::Save { recipients: recipients.to_vec() },
    });
    let plan = hold((cluster.id.clone(), installation), volumes, what, (folder.clone(), secrets));
    let outcome = sail(session, cluster, plan, snapshot, events).await;
    Ok(Braked { outcome, kept, folder })
}

/// Where the Secrets of an export are: not in its folder, which is whole when all of its own files are there.
fn beside(folder: &str) -> String {
    format!("{folder}-{}", secrets::FILE)
}

/// The scope of the brake where no stack is named: a namespace, or all of them.
pub(super) fn everything(namespace: &str) -> Installation {
    let nothing = String::new;
    let namespace = namespace.to_owned();
    Installation { stack: "hold".to_owned(), version: nothing(), namespace, release: nothing(), profile: nothing() }
}

fn in_scope(snapshot: &Snapshot, namespace: Option<&str>) -> Vec<Pinned> {
    let here = |volume: &&serde_json::Value| {
        namespace.is_none() || join::claim_of(volume).is_some_and(|claim| claim.namespace.as_deref() == namespace)
    };
    snapshot.of_kind("", "PersistentVolume").filter(here).filter_map(Pinned::of).collect()
}

/// A folder for an export, by time.
pub(super) fn export_folder(session: &Session, what: &str) -> Result<String, Failure> {
    let stamp = Timestamp::now().strftime("%Y%m%d-%H%M%S");
    Ok(session.state_dir()?.join("exports").join(format!("{stamp}-{what}")).display().to_string())
}

/// A folder of its own, taken at once: two that begin in the same second are two.
fn own_folder(session: &Session) -> Result<String, Failure> {
    let name = export_folder(session, "hold")?;
    shelf::make_folder(&session.state_dir()?.join("exports"))?;
    let mut folders = std::iter::once(name.clone()).chain((2..).map(|number| format!("{name}-{number}")));
    loop {
        let folder = folders.next().unwrap_or_default();
        match DirBuilder::new().mode(0o700).create(&folder) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Failure::file(Path::new(&folder), &error)),
            Ok(()) => return Ok(folder),
        }
    }
}

async fn sail(
    session: &Session,
    cluster: Cluster,
    plan: Plan,
    snapshot: Snapshot,
    events: mpsc::Sender<Event>,
) -> Outcome {
    // The channel is new and has room.
    let _ = events.send(Event::Planned { plan: plan.clone() }).await;
    let limits = Limits { wait: session.globals.timeout, ..Limits::default() };
    let resources = Resources::default();
    let cancel = CancellationToken::new();
    let here = session.here.clone();
    let context = Context { cluster, here, resources, snapshot, events, cancel, limits, stacks: None, commands: None };
    engine::run(&plan, &context, None).await
}
