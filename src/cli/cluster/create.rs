//! `cluster create`: what stands in the way is said before anything is waited for.

mod k3s;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use seaworthy::cluster::Cluster;
use seaworthy::clusters::kind::config::{Mount, Wish, config};
use seaworthy::clusters::kind::create::{Options, decide};
use seaworthy::clusters::kind::profile;
use seaworthy::clusters::{Decision, found};
use seaworthy::engine::journal::{Inputs, RunRecord};
use seaworthy::network::ports::Port;
use seaworthy::plan::task::Task;
use seaworthy::plan::{Installation, Plan, Purpose};
use seaworthy::stack::Fault;
use seaworthy::stack::definition::Needs;
use serde_json::{Value, json};

use super::{picture, place, prepared, refused, voyage};
use crate::cli::voyage::{Remarks, show_plan};
use crate::cli::{EngineName, Failure, Session};
use crate::front::say;

/// Where a certificate authority lies in a node: below the folder of which Debian's `update-ca-certificates` reads all.
const AUTHORITY: &str = "/usr/local/share/ca-certificates/seaworthy.crt";
/// Nodes of profile ha, when no stack says how many it wants: one control plane and two that take pods.
const HA_NODES: usize = 3;

/// `cluster create`
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct CreateArgs {
    /// kind: nodes in containers; k3s: one server on this machine itself, as root
    #[arg(value_enum, hide_possible_values = true, default_value = "kind", value_name = "WITH")]
    with: Maker,
    /// Name of the cluster; its context is kind-NAME (default: kind). Of k3s: name of the node (default: the host's)
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// single-node, or ha: one control plane and two nodes more, or as many as the stack of --stack wants
    #[arg(long, value_name = "PROFILE")]
    profile: Option<String>,
    /// As many nodes as this stack wants in the profile, with the ports and the shared folders that it names
    #[arg(long, value_name = "STACK")]
    stack: Option<String>,
    /// How many nodes, the control plane's included
    #[arg(long, value_name = "N", value_parser = node_count, allow_negative_numbers = true, conflicts_with = "stack")]
    nodes: Option<usize>,
    /// docker or podman (default: whichever answers, docker first)
    #[arg(long, value_enum, hide_possible_values = true, value_name = "ENGINE")]
    engine: Option<EngineName>,
    /// The node image, such as kindest/node:v1.34.0 (default: the one that your kind was made for)
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    /// A port of this machine that leads to one of the cluster.
    #[arg(long = "port", value_name = "PORTS")]
    #[arg(
        help = "A port of this machine that leads to one of the cluster: [ADDRESS:]HOST:NODE[/udp]; may be repeated"
    )]
    ports: Vec<Port>,
    /// A folder of this machine that every node has.
    #[arg(long = "mount", value_name = "FOLDERS")]
    #[arg(help = "A folder of this machine that every node has: HOST:NODE[:ro]; may be repeated")]
    mounts: Vec<Mount>,
    /// A folder of this machine that every node has and shared-path makes volumes of: for profiles that share volumes
    #[arg(long)]
    shared_volumes: bool,
    /// A file with the certificate of your network's own authority, which the nodes are to trust
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// A configuration of your own, of kind or of k3s, to which all this is added
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Leave the containers of a failed creation as they are; its logs are kept in any case
    #[arg(long)]
    retain: bool,
    /// Show the plan; do nothing
    #[arg(long)]
    dry_run: bool,
    /// Give up an unfinished creation of this cluster
    #[arg(long)]
    replan: bool,
}

/// What makes the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Maker {
    /// kind.
    Kind,
    /// k3s.
    K3s,
}

fn node_count(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| "expected how many nodes, a whole number from 1 on".to_owned())
}

pub(super) async fn run(session: &Session, arguments: &CreateArgs) -> Result<ExitCode, Failure> {
    let place = place(session);
    if arguments.with == Maker::K3s {
        return k3s::run(session, arguments, place).await;
    }
    let mut wish = wish(session, arguments)?;
    let needs = needs(session, arguments)?;
    profile::add_ports(&mut wish, &needs);
    let folders = share(session, arguments, &needs, &mut wish)?;
    let config = config(&wish).map_err(|fault| misfit(&fault))?;
    let values = json!({"config": config.text, "image": arguments.image});
    let left = match open_run(session, arguments, ("kind", &config.name, &values), &place).await? {
        Open::GoneOn(code) => return Ok(code),
        Open::GivenUp(run) => left_by(&run.plan),
        Open::None => None,
    };
    let picture = picture(session, &config.ports).await;
    let options = options(session, arguments, (folders, left));
    let state = session.state_dir()?;
    let decision = decide(&picture, (&config, &options), (&state, Timestamp::now()), place.id.clone());
    sail(session, arguments, (place, decision, values), || next(&config.name)).await
}

/// Refuses, shows or runs what was decided; `next`: what there is to do with the cluster then.
async fn sail(
    session: &Session,
    arguments: &CreateArgs,
    (place, decision, values): (Cluster, Decision, Value),
    next: impl FnOnce() -> String,
) -> Result<ExitCode, Failure> {
    let Some(plan) = decision.plan else {
        return Err(refused(&decision.refusals));
    };
    let remarks = Remarks { warnings: decision.warnings, ..Remarks::default() };
    if arguments.dry_run {
        return Ok(show_plan(session, &place, &prepared(plan), &remarks));
    }
    let voyage = voyage(session, place, Inputs::of(&plan.installation, values), remarks);
    let code = voyage.sail(prepared(plan), None).await?;
    if code == ExitCode::SUCCESS && !session.is_json() {
        say(next());
    }
    Ok(code)
}

pub(super) fn misfit(fault: &Fault) -> Failure {
    let hint = "`seaworthy cluster create --help` shows what can be asked for; kind's page \"Configuration\" what its file may hold";
    Failure::input(fault.kind.id(), fault.to_string(), hint)
}

/// What there is to do with a cluster that was just made.
pub(super) fn next(name: &str) -> String {
    format!(
        "what stacks expect of it: seaworthy prerequisites install --context kind-{name}\na stack: seaworthy install --context kind-{name}"
    )
}

/// What became of an unfinished run about the same cluster.
enum Open {
    /// There is none.
    None,
    /// It was gone on with, and ended so.
    GoneOn(ExitCode),
    /// It is given up; in a rehearsal it would be.
    GivenUp(Box<RunRecord>),
}

/// By what the containers are known that a creation has left.
fn left_by(plan: &Plan) -> Option<(Timestamp, PathBuf)> {
    plan.tasks().find_map(|task| match task {
        Task::CreateKind { since, evidence, .. } => Some((*since, evidence.clone())),
        _ => None,
    })
}

/// What going on with a creation takes away first: containers that are there, of a cluster that kind has not come to the end
/// of, where it writes the context.
pub(super) async fn half_made(session: &Session, plan: &Plan) -> Option<String> {
    if plan.purpose != Purpose::CreateCluster || left_by(plan).is_none() {
        return None;
    }
    let (picture, name) = (picture(session, &[]).await, &plan.installation.release);
    let half = found(&picture).into_iter().find(|there| there.name == *name && there.context.is_none())?;
    let names: Vec<&str> = half.nodes.iter().map(|node| node.name.as_str()).collect();
    Some(format!("what the earlier try has left is deleted first: {}", names.join(", ")))
}

/// Goes on with a creation of this name that was stopped. `about`: distribution, name, and what was chosen.
async fn open_run(
    session: &Session,
    arguments: &CreateArgs,
    about: (&str, &str, &Value),
    place: &Cluster,
) -> Result<Open, Failure> {
    let key = Installation::of_cluster(about.0, about.1, "").key();
    let latest = session.runs()?.latest(&place.id.uid, &key)?;
    let Some(open) = latest.filter(|run| run.state.is_unfinished()) else { return Ok(Open::None) };
    if arguments.replan {
        if !arguments.dry_run {
            session.runs()?.abandon(&open.run).await?;
        }
        return Ok(Open::GivenUp(Box::new(open)));
    }
    if arguments.dry_run {
        return Ok(Open::None);
    }
    if open.plan.purpose == Purpose::CreateCluster && open.inputs.values == *about.2 {
        say(format!("going on with run {}", open.run));
        return super::resume(session, &open).await.map(Open::GoneOn);
    }
    let message = format!("run {} ({}) of this cluster is unfinished", open.run, open.plan.purpose.word());
    let hint = format!("`seaworthy runs resume {}` goes on with it, --replan gives it up", open.run);
    Err(Failure::input("other-run-open", message, hint))
}

/// `left`: see [`left_by`].
fn options(
    session: &Session,
    arguments: &CreateArgs,
    (folders, left): (Vec<PathBuf>, Option<(Timestamp, PathBuf)>),
) -> Options {
    Options {
        engine: arguments.engine.map(EngineName::product),
        image: arguments.image.clone(),
        kubeconfig: session.globals.kubeconfig.clone(),
        retain: arguments.retain,
        authority: arguments.ca.is_some(),
        folders,
        left,
    }
}

fn wish(session: &Session, arguments: &CreateArgs) -> Result<Wish, Failure> {
    let mut mounts = arguments.mounts.clone();
    if let Some(missing) = mounts.iter().find(|mount| !mount.host.exists()) {
        let message = format!("--mount: {} is not there", missing.host.display());
        return Err(Failure::input("no-folder", message, "make the folder, so that its owner and rights are yours"));
    }
    if let Some(file) = &arguments.ca {
        mounts.push(Mount { host: authority(file)?, node: AUTHORITY.into(), read_only: true });
    }
    if let Some(image) =
        arguments.image.as_ref().filter(|image| image.is_empty() || image.contains(char::is_whitespace))
    {
        let message = format!("--image: `{image}` is not the name of an image");
        return Err(Failure::input("bad-image", message, "write it as kindest/node:v1.34.4"));
    }
    let file = own_file(arguments)?;
    Ok(Wish {
        name: arguments.name.clone(),
        nodes: nodes(session, arguments)?,
        ports: arguments.ports.clone(),
        mounts,
        file,
    })
}

/// What the profile of the stack of `--stack` needs; nothing without one.
fn needs(session: &Session, arguments: &CreateArgs) -> Result<Needs, Failure> {
    let Some(name) = &arguments.stack else { return Ok(Needs::default()) };
    Ok(session.catalogue().get(name)?.profile(arguments.profile.as_deref())?.needs.clone())
}

/// Gives every node the folders that all of them are to share, and names those of this machine that have to be made for it.
fn share(session: &Session, arguments: &CreateArgs, needs: &Needs, wish: &mut Wish) -> Result<Vec<PathBuf>, Failure> {
    let wanted = profile::folders(needs, arguments.shared_volumes);
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let name = config(wish).map_err(|fault| misfit(&fault))?.name;
    Ok(profile::share(wish, &wanted, &cluster_folder(session, &name)?))
}

/// The folder of this machine below which lies what the nodes of a cluster share; it outlives the cluster.
pub(super) fn cluster_folder(session: &Session, name: &str) -> Result<PathBuf, Failure> {
    let folder = session.state_dir()?.join("clusters").join(name);
    std::path::absolute(&folder).map_err(|error| Failure::file(&folder, &error))
}

/// The user's own configuration: what the file is called, and its text.
fn own_file(arguments: &CreateArgs) -> Result<Option<(String, String)>, Failure> {
    let Some(path) = &arguments.config else { return Ok(None) };
    let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    Ok(Some((path.display().to_string(), text)))
}

/// The whole path of a file that holds a certificate.
fn authority(file: &Path) -> Result<PathBuf, Failure> {
    let text = fs::read_to_string(file).map_err(|error| Failure::file(file, &error))?;
    if !text.contains("-----BEGIN CERTIFICATE-----") {
        let message = format!("{} holds no certificate in PEM", file.display());
        return Err(Failure::input(
            "no-certificate",
            message,
            "give the authority's certificate as it begins with -----BEGIN CERTIFICATE-----",
        ));
    }
    file.canonicalize().map_err(|error| Failure::file(file, &error))
}

/// How many nodes the profile wants. The control plane of several nodes takes no pods and comes on top.
fn nodes(session: &Session, arguments: &CreateArgs) -> Result<Option<usize>, Failure> {
    if arguments.nodes.is_some() {
        return Ok(arguments.nodes);
    }
    if let Some(name) = &arguments.stack {
        let stack = session.catalogue().get(name)?;
        let profile = stack.profile(arguments.profile.as_deref())?;
        let wanted = usize::try_from(profile.needs.nodes).unwrap_or(usize::MAX);
        return Ok(Some(if wanted <= 1 { 1 } else { wanted.saturating_add(1) }));
    }
    match arguments.profile.as_deref() {
        None => Ok(None),
        Some("single-node") => Ok(Some(1)),
        Some("ha") => Ok(Some(HA_NODES)),
        Some(other) => {
            let message = format!("`{other}` is no profile of a cluster");
            Err(Failure::input(
                "unknown-profile",
                message,
                "single-node, ha, or a profile of the stack named with --stack",
            ))
        }
    }
}
