//! `--chart REF`: a stack from its official chart, by helm, as a release that goes through the same plan, run and record as all else.

use std::path::Path;

use clap::Args;
use seaworthy::chart::digest::digest;
use seaworthy::chart::helm::Identity;
use seaworthy::chart::reference::There;
use seaworthy::chart::{Access, Form, Helm, Reference};
use seaworthy::cluster::Cluster;
use seaworthy::engine::journal::{ChartInput, RunRecord};
use seaworthy::engine::record::InstallRecord;
use seaworthy::plan::chart::Removal;
use seaworthy::plan::task::Task;
use seaworthy::plan::task::helm::Place;
use seaworthy::plan::uninstall::Destroy;
use seaworthy::plan::{Action, Installation, Plan};
use seaworthy::preflight::{self, Objection};
use seaworthy::prepare::chart::{Asked, ChartPrepared};
use seaworthy::prepare::{self, Prepared};
use seaworthy::stack::chart::{ChartValues, values};
use seaworthy::stack::definition::Chart;
use seaworthy::stack::{Release, Stack};

use super::choose::Chosen;
use super::{Choice, Failure, Session};

/// What is said of a chart.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ChartArgs {
    /// Where it is.
    #[arg(
        long,
        value_name = "REF",
        conflicts_with_all = ["on_conflict", "registry_login"],
        help = "Install from the official chart with helm (3.8 or newer): a folder, a .tgz, oci://HOST/PATH, https://HOST/CHART.tgz or REPOSITORY/CHART"
    )]
    pub(crate) chart: Option<String>,
    /// Version of the chart (default: the newest)
    #[arg(long, value_name = "VERSION")]
    pub(crate) chart_version: Option<String>,
    /// Free a release that helm holds to be under way for more than ten minutes: back to the revision before, or its record goes
    #[arg(long)]
    pub(crate) unlock_release: bool,
}

impl ChartArgs {
    /// What was chosen before, where nothing is said now.
    pub(super) fn or_before(&self, before: Option<&ChartInput>) -> Self {
        let Some(before) = before.filter(|_| self.chart.is_none()) else { return self.clone() };
        let chart_version = self.chart_version.clone().or_else(|| before.version.clone());
        Self { chart: Some(before.reference.clone()), chart_version, unlock_release: self.unlock_release }
    }

    /// What means nothing without a chart.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let option = self
            .chart_version
            .as_ref()
            .map(|_| "--chart-version")
            .or(self.unlock_release.then_some("--unlock-release"));
        match option.filter(|_| self.chart.is_none()) {
            None => Ok(()),
            Some(option) => {
                let message = format!("{option} says something of a chart, and no chart is named");
                Err(Failure::input("no-chart", message, "name it with --chart REF"))
            }
        }
    }
}

/// A chart that is there, and the helm that will install it.
pub(super) struct Source {
    helm: Helm,
    reference: Reference,
    identity: Identity,
    /// Of its files, where it lies on this machine.
    digest: Option<String>,
    /// What the stack knows of its chart.
    known: Chart,
    stack: Stack,
    release: Release,
    unlock: bool,
}

impl Source {
    /// Finds helm and the chart, before anything is asked of a cluster; none without `--chart`.
    pub(super) async fn find(
        session: &Session,
        stack: &Stack,
        (arguments, choice): (&ChartArgs, &Choice),
    ) -> Result<Option<Self>, Failure> {
        arguments.check()?;
        let Some(text) = &arguments.chart else { return Ok(None) };
        let known = stack.definition().chart.clone().ok_or_else(|| no_chart(stack))?;
        possible(session, choice)?;
        let path = Path::new(text);
        let mut reference = Reference::read(text, arguments.chart_version.as_deref(), There::at(path))?;
        if let Form::Folder(path) | Form::Archive(path) = &reference.form {
            // It is remembered, and upgraded from another folder.
            let whole = std::fs::canonicalize(path).map_err(|error| Failure::file(path, &error))?;
            reference.text = whole.display().to_string();
        }
        let helm = Helm::find(&session.here).await?;
        let identity = helm.identify(&reference, &session.here).await?;
        check_version(&reference, &identity)?;
        let digest = digest_of(&reference.form)?;
        let release = stack.release(choice.name.as_deref(), choice.namespace.as_deref());
        let (stack, unlock) = (stack.clone(), arguments.unlock_release);
        Ok(Some(Self { helm, reference, identity, digest, known, stack, release, unlock }))
    }

    /// As it is written down.
    pub(super) fn input(&self) -> ChartInput {
        ChartInput {
            reference: self.reference.text.clone(),
            version: self.reference.version.clone(),
            named: self.named(),
            digest: self.digest.clone(),
        }
    }

    fn named(&self) -> String {
        format!("{} {}", self.identity.name, self.identity.version)
    }

    /// The values as the chart takes them.
    pub(super) fn values(&self, chosen: &Chosen) -> ChartValues {
        values(&self.known, &chosen.values)
    }

    /// What is known not to work.
    pub(super) fn objections(&self, chosen: &Chosen) -> Result<Vec<Objection>, Failure> {
        let known = self.stack.chart_failures(&self.identity.version, &chosen.values, &self.release)?;
        Ok(preflight::chart::failures(&self.named(), &known))
    }

    /// Looks and decides.
    pub(super) async fn prepare(
        &self,
        session: &Session,
        cluster: &Cluster,
        chosen: &Chosen,
    ) -> Result<ChartPrepared, Failure> {
        let asked = Asked {
            helm: &self.helm,
            access: access(session, cluster),
            reference: &self.reference,
            identity: &self.identity,
            values: self.values(chosen),
            reach: &chosen.reach,
            unlock: self.unlock,
            mark: mark(),
        };
        let installation = chosen.installation.clone();
        let mut made = prepare::chart::chart(cluster, &session.here, installation, asked).await?;
        if self.identity.name != self.known.name {
            let line = format!(
                "the chart calls itself {}; {} takes its settings' names from {}",
                self.identity.name,
                self.stack.name(),
                self.known.name
            );
            made.warnings.push(line);
        } else if self.identity.version != self.known.version {
            let line = format!(
                "the chart is {}; the settings' names are those of {}",
                self.identity.version, self.known.version
            );
            made.warnings.push(line);
        }
        Ok(made)
    }
}

fn digest_of(form: &Form) -> Result<Option<String>, Failure> {
    digest(form).map_err(|(path, error)| Failure::file(&path, &error))
}

/// A run deploys the chart that its plan was made from: where helm has still to do it, the chart must be the same.
pub(super) fn unchanged(open: &RunRecord) -> Result<(), Failure> {
    let deploys =
        |action: &Action| matches!(action, Action::Host { task } if matches!(**task, Task::DeployRelease { .. }));
    let due = open.plan.steps.iter().any(|step| deploys(&step.action) && !open.done.contains(&step.id));
    let Some(chart) = open.inputs.chart.as_ref().filter(|chart| due && chart.digest.is_some()) else { return Ok(()) };
    let reference = Reference::read(&chart.reference, None, There::at(Path::new(&chart.reference)))?;
    if digest_of(&reference.form)? == chart.digest {
        return Ok(());
    }
    let Installation { stack, namespace, .. } = &open.plan.installation;
    let message = format!(
        "the files of the chart {} ({}) have changed since run {} was planned; nothing was written",
        chart.named, chart.reference, open.run
    );
    let hint = format!(
        "the command of the run with --replan plans anew, such as `seaworthy install {stack} -n {namespace} --chart {} --replan`, with the same values",
        chart.reference
    );
    Err(Failure::input("chart-changed", message, hint))
}

/// Different in every plan, and short enough for a label.
fn mark() -> String {
    jiff::Timestamp::now().as_nanosecond().to_string()
}

fn access(session: &Session, cluster: &Cluster) -> Access {
    Access { context: cluster.id.context.clone(), kubeconfig: session.globals.kubeconfig.clone() }
}

fn no_chart(stack: &Stack) -> Failure {
    let message = format!("{} knows no official chart, so its settings are no chart's", stack.name());
    Failure::input(
        "no-chart",
        message,
        "leave --chart out; in a stack of your own, `chart: {name, version}` in stack.yaml names it",
    )
}

/// What helm and its charts cannot do.
fn possible(session: &Session, choice: &Choice) -> Result<(), Failure> {
    if session.globals.sandbox.is_some() {
        let message = "helm cannot reach the sandbox, which is inside of this process";
        return Err(Failure::input("chart-in-sandbox", message, "leave --chart out, or choose a real cluster"));
    }
    if choice.stand_ins {
        let message = "--stand-ins changes objects, and those of a chart are helm's to make";
        return Err(Failure::input("chart-option", message, "leave --chart or --stand-ins out"));
    }
    if choice.pull_secret.is_some() {
        let message = "--pull-secret changes objects, and those of a chart are helm's to make";
        return Err(Failure::input("chart-option", message, "set the chart's own setting for it with --set"));
    }
    Ok(())
}

/// Helm does not look at the version of what lies on this machine.
fn check_version(reference: &Reference, identity: &Identity) -> Result<(), Failure> {
    let asked = reference.version.as_ref().filter(|_| !reference.is_remote());
    match asked.filter(|asked| asked.trim_start_matches('v') != identity.version.trim_start_matches('v')) {
        None => Ok(()),
        Some(asked) => {
            let message = format!("the chart at {reference} is version {}, not {asked}", identity.version);
            Err(Failure::input(
                "chart-version",
                message,
                "leave --chart-version out, or give the chart that has this version",
            ))
        }
    }
}

/// One installation is made in one way: helm does not take over what we made, and we do not write over what helm keeps.
pub(super) fn one_way(record: Option<&InstallRecord>, source: Option<&Source>) -> Result<(), Failure> {
    let Some(record) = record else { return Ok(()) };
    let Installation { stack, namespace, .. } = &record.installation;
    match (&record.inputs.chart, source) {
        (Some(chart), None) => {
            let message = format!(
                "{stack} in namespace {namespace} was installed from the chart {} ({}), and helm keeps it",
                chart.named, chart.reference
            );
            let hint = format!(
                "`seaworthy upgrade {stack} -n {namespace}` goes on with the chart; --chart REF names it again; `seaworthy uninstall` comes before the built-in manifests"
            );
            Err(Failure::input("installed-from-chart", message, hint))
        }
        (None, Some(_)) => {
            let message = format!(
                "{stack} in namespace {namespace} was installed from the built-in manifests, and helm does not take over what it has not made"
            );
            let hint = format!(
                "leave --chart out; or `seaworthy uninstall {stack} -n {namespace}` first, which leaves the data"
            );
            Err(Failure::input("installed-without-chart", message, hint))
        }
        _ => Ok(()),
    }
}

/// What the values are in a plan that was written down without its secrets.
pub(super) fn fill(recorded: &mut Plan, chosen: &Chosen, source: &Source) {
    let given = source.values(chosen).tree;
    for step in &mut recorded.steps {
        let Action::Host { task } = &mut step.action else { continue };
        let Task::DeployRelease { deployment } = &mut **task else { continue };
        for pointer in &deployment.secrets {
            if let (Some(value), Some(given)) = (deployment.values.pointer_mut(pointer), given.pointer(pointer)) {
                *value = given.clone();
            }
        }
    }
}

/// The release of an installation that was made from a chart, or was on the way to it.
pub(super) async fn release_of(
    session: &Session,
    cluster: &Cluster,
    installation: &Installation,
    (record, latest): (Option<&InstallRecord>, Option<&RunRecord>),
) -> Result<Option<Place>, Failure> {
    let recorded = record.is_some_and(|record| record.inputs.chart.is_some());
    let planned = latest.and_then(|run| run.plan.deployment());
    if !recorded && (record.is_some() || planned.is_none()) {
        return Ok(None);
    }
    let helm = Helm::find(&session.here).await?;
    let Access { context, kubeconfig } = access(session, cluster);
    let (release, namespace) = (installation.release.clone(), installation.namespace.clone());
    let release = planned.map_or(release, |deployment| deployment.place.release.clone());
    let cascades = helm.cascades();
    Ok(Some(Place { release, namespace, program: helm.program, cascades, context, kubeconfig }))
}

/// Adds to a plan what takes the release away; what is worth saying about it, and what stays.
pub(super) async fn remove(
    cluster: &Cluster,
    prepared: &mut Prepared,
    place: &Place,
    destroy: &Destroy,
) -> Result<Removal, Failure> {
    Ok(prepare::chart::removal(cluster, prepared, place, destroy).await?)
}

/// What helm does, and this program does not do for it.
pub(super) fn no_way_back(installation: &Installation, chart: &ChartInput) -> Failure {
    let Installation { stack, namespace, release, .. } = installation;
    let message =
        format!("{stack} in namespace {namespace} is made from the chart {}, and its history is helm's", chart.named);
    let hint = format!(
        "`helm history {release} -n {namespace}` shows the revisions, `helm rollback {release} REVISION -n {namespace}` goes back to one"
    );
    Failure::input("installed-from-chart", message, hint)
}
