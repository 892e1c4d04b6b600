//! `uninstall`: everything goes but what may hold data.

use std::process::ExitCode;

use clap::Args;
use seaworthy::engine::journal::Inputs;
use seaworthy::engine::record::InstallRecord;
use seaworthy::object::ObjectRef;
use seaworthy::plan::install::Policy;
use seaworthy::plan::uninstall::{DataName, Destroy};
use seaworthy::plan::{Installation, Plan};
use seaworthy::prepare;
use serde_json::Value;

use super::choose::check_name;
use super::install::applied;
use super::voyage::{Remarks, Voyage, show_plan};
use super::{Failure, Session};
use crate::front::say;

/// `uninstall`
#[derive(Debug, Args)]
pub(crate) struct UninstallArgs {
    /// Name of the stack
    pub(crate) stack: String,
    /// Its namespace (default: the stack's own)
    #[arg(short, long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// Delete this object although it may hold data: KIND/NAMESPACE/NAME; may be repeated
    #[arg(long, value_name = "OBJECT")]
    pub(crate) destroy_data: Vec<seaworthy::plan::uninstall::DataName>,
    /// Show what would go and what would stay; write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Take over the lock of a run that was not heard of for a minute
    #[arg(long, value_name = "INSTALLATION")]
    pub(crate) take_lock: Option<String>,
}

pub(crate) async fn run(session: &Session, arguments: &UninstallArgs) -> Result<ExitCode, Failure> {
    let bare = bare_installation(session, &arguments.stack, arguments.namespace.as_deref())?;
    let cluster = session.connect().await?;
    let key = bare.key();
    let record = InstallRecord::read(&cluster.client, &key).await.map_err(|error| Failure::kube(&error))?;
    let installation = record.as_ref().map_or(bare, |record| record.installation.clone());
    let destroy = Destroy(arguments.destroy_data.iter().cloned().collect());
    let latest = session.runs()?.latest(&cluster.id.uid, &key)?;
    let known = applied(record.as_ref(), latest.as_ref());
    let busy = session.busy("looking for what belongs to it");
    let prepared =
        prepare::uninstall(&cluster, installation, &known, &destroy).await.map_err(|error| Failure::kube(&error))?;
    drop(busy);
    if arguments.dry_run {
        return Ok(show_plan(session, &cluster, &prepared, &Remarks::default()));
    }
    if let Some(slip) = slip(&destroy, &prepared.plan, &known) {
        let message = format!("{} is not there, or not part of this installation; nothing was deleted", slip.name);
        return Err(Failure::input("unknown-data", message, "--dry-run shows what would go and what would stay"));
    }
    if !prepared.plan.writes() && record.is_none() {
        let namespace = &prepared.plan.installation.namespace;
        let mut message = format!("{} is not installed in namespace {namespace}", arguments.stack);
        for step in &prepared.plan.steps {
            let object = step.title.trim_start_matches("keep ");
            message = format!("{message}\nstill there: {object}");
        }
        return Err(Failure::input(
            "not-installed",
            message,
            "`seaworthy status` shows what is; choose with --namespace",
        ));
    }
    if let Some(open) = latest.filter(|run| run.state.is_unfinished()) {
        session.runs()?.abandon(&open.run).await?;
        say(format!("run {} was not finished; it is given up for this one", open.run));
    }
    let inputs = inputs(&prepared.plan.installation, record.as_ref());
    let (take_lock, remarks) = (arguments.take_lock.as_deref(), Remarks::default());
    let voyage = Voyage { session, face: session.face(), cluster, inputs, record, take_lock, remarks, agreed: false };
    voyage.sail(prepared, None).await
}

/// A name in `--destroy-data` that means nothing: whoever mistyped it would believe the data gone. What an interrupted run
/// has destroyed already is no slip, nor is what goes with its namespace.
fn slip<'a>(destroy: &'a Destroy, plan: &Plan, known: &[ObjectRef]) -> Option<&'a DataName> {
    let namespace = ObjectRef::new("v1", "Namespace", None, &plan.installation.namespace);
    let means_nothing = |name: &&DataName| {
        let only = Destroy([(*name).clone()].into());
        let goes_along = destroy.names(&namespace) && name.namespace.as_ref() == Some(&plan.installation.namespace);
        let planned = plan.steps.iter().filter_map(|step| step.action.object());
        !goes_along && !planned.chain(known.iter().cloned()).any(|object| only.names(&object))
    };
    destroy.0.iter().find(means_nothing)
}

/// An installation of which nothing is known but where it would be.
pub(super) fn bare_installation(
    session: &Session,
    stack: &str,
    namespace: Option<&str>,
) -> Result<Installation, Failure> {
    let (namespace, version) = match (session.catalogue().get(stack), namespace) {
        (Ok(known), namespace) => {
            let definition = known.definition();
            (namespace.unwrap_or(definition.default_namespace()).to_owned(), definition.version.clone())
        }
        // Its folder may be gone since it was installed; with a namespace it can still be found by its labels.
        (Err(_), Some(namespace)) => (namespace.to_owned(), String::new()),
        (Err(error), None) => return Err(error.into()),
    };
    check_name("--namespace", &namespace)?;
    let (stack, release, profile) = (stack.to_owned(), stack.to_owned(), String::new());
    Ok(Installation { stack, version, namespace, release, profile })
}

fn inputs(installation: &Installation, record: Option<&InstallRecord>) -> Inputs {
    let bare = || Inputs {
        binary: env!("CARGO_PKG_VERSION").to_owned(),
        stack_version: installation.version.clone(),
        release: installation.release.clone(),
        profile: installation.profile.clone(),
        values: Value::Null,
        policy: Policy::default(),
    };
    record.map_or_else(bare, |record| record.inputs.clone())
}
