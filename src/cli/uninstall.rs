//! `uninstall`: everything goes but what may hold data.

mod all;

use std::process::ExitCode;

use clap::Args;
use seaworthy::cluster::{Cluster, Counts};
use seaworthy::engine::journal::{Inputs, RunRecord};
use seaworthy::engine::record::{InstallRecord, applied};
use seaworthy::object::ObjectRef;
use seaworthy::plan::uninstall::{DataName, Destroy, Made, add_made};
use seaworthy::plan::{Change, Installation, Plan};
use seaworthy::prepare::{self, Prepared};
use seaworthy::stack::Choices;
use serde_json::Value;

use super::chart;
use super::choose::check_name;
use super::landing::Landing;
use super::voyage::{Remarks, Voyage, agree_to_all, refuse, show_plan};
use super::{Failure, Session};
use crate::front::face::Face;
use crate::front::say;

/// `uninstall`
#[derive(Debug, Args)]
pub(crate) struct UninstallArgs {
    /// Name of the stack
    pub(crate) stack: Option<String>,
    /// Everything that was ever installed: all stacks, then the prerequisites that nothing needs any more; says what is left on this machine
    #[arg(long, conflicts_with_all = ["stack", "namespace", "take_lock"])]
    pub(crate) all: bool,
    /// Its namespace (default: the stack's own)
    #[arg(short, long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// Delete this object although it may hold data: KIND/NAMESPACE/NAME; may be repeated
    #[arg(long, value_name = "OBJECT")]
    pub(crate) destroy_data: Vec<seaworthy::plan::uninstall::DataName>,
    /// Take away, too, what was made while it ran and nothing owns: kernels, jobs, runners of the application, and what hooks of a chart have left
    #[arg(long)]
    pub(crate) runtime: bool,
    /// Show what would go and what would stay; write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Take over the lock of a run that was not heard of for a minute
    #[arg(long, value_name = "INSTALLATION")]
    pub(crate) take_lock: Option<String>,
}

pub(crate) async fn run(session: &Session, arguments: &UninstallArgs) -> Result<ExitCode, Failure> {
    let Some(stack) = &arguments.stack else {
        if arguments.all {
            return all::run(session, arguments).await;
        }
        let hint = "name it (`seaworthy status` shows what is installed), or take everything away with --all";
        return Err(Failure::input("no-stack", "no stack is named", hint));
    };
    let bare = bare_installation(session, stack, arguments.namespace.as_deref())?;
    let cluster = session.connect().await?;
    let destroy = Destroy(arguments.destroy_data.iter().cloned().collect());
    let busy = session.busy("looking for what belongs to it");
    let traces = Traces::read(session, cluster, bare).await?;
    let made = traces.made(session).await?;
    let mut removal = traces.removal(&destroy, &made).await?;
    let hooks = removal.take_release(session, &destroy).await?;
    add_made(&mut removal.prepared.plan, &[made, hooks].concat(), arguments.runtime, &destroy);
    drop(busy);
    if arguments.dry_run {
        return Ok(show_plan(session, &removal.traces.cluster, &removal.prepared, &removal.remarks()));
    }
    if let Some(slip) = slip(&destroy, &[&removal]) {
        let message = format!("{} is not there, or not part of this installation; nothing was deleted", slip.name);
        return Err(Failure::input("unknown-data", message, "--dry-run shows what would go and what would stay"));
    }
    if !removal.prepared.plan.writes() && removal.traces.record.is_none() {
        return Err(not_installed(stack, &removal.prepared.plan));
    }
    removal.sail(session, session.face(), arguments.take_lock.as_deref()).await
}

fn not_installed(stack: &str, plan: &Plan) -> Failure {
    let mut message = format!("{stack} is not installed in namespace {}", plan.installation.namespace);
    for step in &plan.steps {
        let object = step.title.trim_start_matches("keep ");
        message = format!("{message}\nstill there: {object}");
    }
    Failure::input("not-installed", message, "`seaworthy status` shows what is; choose with --namespace")
}

/// What is known of an installation that is to go.
pub(super) struct Traces {
    pub(super) cluster: Cluster,
    installation: Installation,
    record: Option<InstallRecord>,
    latest: Option<RunRecord>,
    /// What was applied.
    pub(super) known: Vec<ObjectRef>,
    /// The requests that were counted before.
    before: Counts,
}

/// The plan that takes it away.
pub(super) struct Removal {
    traces: Traces,
    pub(super) prepared: Prepared,
    /// What is worth saying of it.
    said: Vec<String>,
    /// The requests that it took so far.
    spent: Counts,
    /// It was made by the same command, for a check: nobody goes on with a run of it.
    pub(super) passing: bool,
}

impl Traces {
    /// From the record in the cluster, and from the runs of this machine.
    pub(super) async fn read(session: &Session, cluster: Cluster, bare: Installation) -> Result<Self, Failure> {
        let (key, before) = (bare.key(), cluster.meter.counts());
        let record = InstallRecord::read(&cluster.client, &key).await.map_err(|error| Failure::kube(&error))?;
        let installation = record.as_ref().map_or(bare, |record| record.installation.clone());
        let latest = session.runs()?.latest(&cluster.id.uid, &key)?;
        let known = applied(record.as_ref(), latest.as_ref());
        Ok(Self { cluster, installation, record, latest, known, before })
    }

    /// What its application has made while it ran, as its stack tells; nothing where the stack is not here any more.
    async fn made(&self, session: &Session) -> Result<Vec<Made>, Failure> {
        let (Ok(stack), Some(record)) = (session.catalogue().get(&self.installation.stack), &self.record) else {
            return Ok(Vec::new());
        };
        let profile = Some(self.installation.profile.clone());
        let choices = Choices { profile, recorded: Some(record.inputs.values.clone()), ..Choices::default() };
        let release = stack.release(Some(&self.installation.release), Some(&self.installation.namespace));
        let selectors = stack.values(&choices).and_then(|values| stack.runtime(&values, &release))?;
        let made = prepare::made(&self.cluster, &self.installation, &selectors).await;
        made.map_err(|error| Failure::kube(&error))
    }

    /// Looks for what belongs to it. `made`: what else is to be dealt with, of whatever kinds.
    pub(super) async fn removal(self, destroy: &Destroy, made: &[Made]) -> Result<Removal, Failure> {
        let kinds = made
            .iter()
            .filter_map(|made| ObjectRef::of(&made.object))
            .map(|it| ObjectRef { name: String::new(), ..it });
        // Without anything known, every kind is looked for.
        let known: Vec<ObjectRef> =
            if self.known.is_empty() { Vec::new() } else { self.known.iter().cloned().chain(kinds).collect() };
        let prepared = prepare::uninstall(&self.cluster, self.installation.clone(), &known, destroy)
            .await
            .map_err(|error| Failure::kube(&error))?;
        let spent = self.cluster.meter.counts() - self.before;
        Ok(Removal { traces: self, prepared, said: Vec::new(), spent, passing: false })
    }
}

impl Removal {
    /// Whether this name is of something that it takes away, keeps, or has taken away before.
    fn knows(&self, destroy: &Destroy, name: &DataName) -> bool {
        let place = &self.prepared.plan.installation.namespace;
        let only = Destroy([name.clone()].into());
        let namespace = ObjectRef::new("v1", "Namespace", None, place);
        let goes_along = destroy.names(&namespace) && name.namespace.as_ref() == Some(place);
        let planned = self.prepared.plan.steps.iter().filter_map(|step| step.action.object());
        goes_along || planned.chain(self.traces.known.iter().cloned()).any(|object| only.names(&object))
    }

    /// Adds what takes away a release of helm, where it was made from a chart. What its hooks have made stays, and is the answer.
    async fn take_release(&mut self, session: &Session, destroy: &Destroy) -> Result<Vec<Made>, Failure> {
        let Traces { cluster, installation, record, latest, .. } = &self.traces;
        let place = chart::release_of(session, cluster, installation, (record.as_ref(), latest.as_ref())).await?;
        let Some(place) = place else { return Ok(Vec::new()) };
        let removal = chart::remove(cluster, &mut self.prepared, &place, destroy).await?;
        self.said = removal.said;
        Ok(removal.made)
    }

    /// What stays.
    fn kept(&self) -> impl Iterator<Item = ObjectRef> {
        let kept = self.prepared.plan.steps.iter().filter(|step| matches!(step.change, Change::Keep { .. }));
        kept.filter_map(|step| step.action.object())
    }

    fn remarks(&self) -> Remarks {
        Remarks { warnings: self.said.clone(), ..Remarks::default() }
    }

    /// Shows the plan, asks, runs it, and says how it ended.
    async fn sail(self, session: &Session, face: Face, take_lock: Option<&str>) -> Result<ExitCode, Failure> {
        let (voyage, prepared) = self.embark(session, face, take_lock, false).await?;
        voyage.sail(prepared, None).await
    }

    /// Runs what was shown and agreed to already.
    pub(super) async fn land(self, session: &Session, face: Face, take_lock: Option<&str>) -> Result<Landing, Failure> {
        let (voyage, prepared) = self.embark(session, face, take_lock, true).await?;
        voyage.land(prepared, None).await
    }

    async fn embark<'a>(
        self,
        session: &'a Session,
        face: Face,
        take_lock: Option<&'a str>,
        agreed: bool,
    ) -> Result<(Voyage<'a>, Prepared), Failure> {
        let (remarks, passing) = (self.remarks(), self.passing);
        let Traces { mut cluster, record, latest, .. } = self.traces;
        if agreed {
            // It may be one of several, and counts its own.
            cluster.meter = cluster.meter.since(self.spent);
        }
        if let Some(open) = latest.filter(|run| run.state.is_unfinished()) {
            session.runs()?.abandon(&open.run).await?;
            if !passing {
                say(format!("run {} was not finished; it is given up for this one", open.run));
            }
        }
        let inputs = inputs(&self.prepared.plan.installation, record.as_ref());
        let command = None;
        let voyage = Voyage { session, command, face, cluster, inputs, record, take_lock, remarks, agreed, passing };
        Ok((voyage, self.prepared))
    }
}

/// Takes them away, agreed to together, one after the other; the first that fails ends it. The documents of the runs, and the exit code of the
/// last.
pub(super) async fn take_all_away(
    session: &Session,
    removals: Vec<Removal>,
    take_lock: Option<&str>,
) -> Result<(Vec<Value>, u8), Failure> {
    for removal in &removals {
        refuse(&removal.prepared)?;
    }
    let face = session.face();
    let plans: Vec<&Plan> = removals.iter().map(|removal| &removal.prepared.plan).collect();
    agree_to_all(session, &face, &plans, &[]).await?;
    let (mut runs, mut code) = (Vec::new(), 0);
    let mut removals = removals.into_iter();
    while let Some(removal) = removals.next() {
        let landing = Box::pin(removal.land(session, face.clone(), take_lock)).await;
        let landing = landing.inspect_err(|_| tell_not_begun(&face, removals.as_slice()))?;
        runs.push(landing.document());
        code = landing.code();
        if code != 0 {
            tell_not_begun(&face, removals.as_slice());
            break;
        }
    }
    Ok((runs, code))
}

/// Names what stays because something before it failed.
fn tell_not_begun(face: &Face, rest: &[Removal]) {
    let names: Vec<String> = rest.iter().map(|removal| removal.prepared.plan.installation.key()).collect();
    if !names.is_empty() {
        face.say(&format!("not begun: {}; the same command again goes on with all that is left", names.join(", ")));
    }
}

/// Puts runs into a document; the error of the last is that of the whole.
pub(super) fn tell_runs(document: &mut Value, name: &str, runs: Vec<Value>) {
    let error = runs.last().and_then(|run| run.get("error").cloned());
    document[name] = runs.into();
    if let Some(error) = error {
        document["error"] = error;
    }
}

/// A name in `--destroy-data` that means nothing: whoever mistyped it would believe the data gone. What an interrupted run
/// has destroyed already is no slip, nor is what goes with its namespace.
fn slip<'a>(destroy: &'a Destroy, removals: &[&Removal]) -> Option<&'a DataName> {
    let means_nothing = |name: &&DataName| !removals.iter().any(|removal| removal.knows(destroy, name));
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
    let bare = || Inputs::of(installation, Value::Null);
    record.map_or_else(bare, |record| record.inputs.clone())
}
