//! Look and decide for a release of helm: what the chart renders to with these values on this cluster, what helm knows, and what is there.

use std::collections::BTreeSet;

use futures::future::try_join_all;
use serde_json::{Value, json};

use super::{Prepared, look};
use crate::chart::helm::{Identity, Target};
use crate::chart::{Access, Helm, HelmError, Manifest, Reference, Releases, secret};
use crate::cluster::{Cluster, Resources};
use crate::doctor::{Cause, Outlook};
use crate::error::{Class, Explain};
use crate::host::Surroundings;
use crate::kinds;
use crate::object::ObjectRef;
use crate::plan::chart::{Removal, Wanted, add, add_removal};
use crate::plan::install::{self, Desired, Policy, Rehearsals};
use crate::plan::task::helm::{Deployment, Place};
use crate::plan::uninstall::Destroy;
use crate::plan::{Choice, Installation, Plan, Reach};
use crate::snapshot::Snapshot;
use crate::snapshot::collect::{Query, Scope, collect};
use crate::stack::chart::ChartValues;
use crate::stack::strict::unknown_fields;

/// Why no plan was made.
#[derive(Debug, thiserror::Error)]
pub enum ChartError {
    /// The API server.
    #[error("{}", crate::error::root(.0))]
    Kube(#[from] kube::Error),
    /// helm.
    #[error(transparent)]
    Helm(#[from] HelmError),
    /// What helm printed, or keeps, cannot be read.
    #[error("{0}")]
    Unreadable(String),
}

impl Explain for ChartError {
    fn id(&self) -> &'static str {
        match self {
            Self::Kube(_) => "api",
            Self::Helm(error) => error.id(),
            Self::Unreadable(_) => "unreadable-chart",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Kube(_) => Class::Failed,
            Self::Helm(_) | Self::Unreadable(_) => Class::Input,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Kube(_) => None,
            Self::Helm(error) => error.hint(),
            Self::Unreadable(_) => {
                Some("`helm template` shows what the chart renders to, `helm history` what helm keeps".to_owned())
            }
        }
    }
}

/// A release that is asked for.
pub struct Asked<'a> {
    /// The program.
    pub helm: &'a Helm,
    /// Through what it gets at the cluster.
    pub access: Access,
    /// The chart.
    pub reference: &'a Reference,
    /// What the chart says of itself.
    pub identity: &'a Identity,
    /// The values.
    pub values: ChartValues,
    /// The ways in of the stack.
    pub reach: &'a [Reach],
    /// Whether a release that helm holds to be under way may be freed.
    pub unlock: bool,
    /// By which the plan knows its own revision again.
    pub mark: String,
}

impl Asked<'_> {
    /// The version that helm is told, so that it takes what was looked at.
    fn pin(&self) -> Option<&str> {
        let pinned = self.reference.text.contains("@sha256:") || !self.reference.is_remote();
        (!pinned).then_some(self.identity.version.as_str())
    }

    fn place(&self, installation: &Installation) -> Place {
        Place {
            release: installation.release.clone(),
            namespace: installation.namespace.clone(),
            program: self.helm.program.clone(),
            cascades: self.helm.cascades(),
            context: self.access.context.clone(),
            kubeconfig: self.access.kubeconfig.clone(),
        }
    }
}

/// A plan with a release in it.
pub struct ChartPrepared {
    /// The plan, and what it was made from.
    pub prepared: Prepared,
    /// What it comes to as objects: for what judges plans by what they apply.
    pub shadow: Plan,
    /// What is odd, but stops nothing.
    pub warnings: Vec<String>,
}

/// Makes the plan that brings a release to its chart.
///
/// # Errors
/// When the cluster cannot be read, or the chart does not render.
pub async fn chart(
    cluster: &Cluster,
    here: &Surroundings,
    installation: Installation,
    mut asked: Asked<'_>,
) -> Result<ChartPrepared, ChartError> {
    let read = Releases::read(&cluster.client, &installation.namespace, &installation.release);
    let version = async { cluster.client.apiserver_version().await };
    let (releases, version, apis) = tokio::try_join!(read, version, apis(cluster))?;
    let mut releases = releases.map_err(ChartError::Unreadable)?;
    let kept = releases.newest().map(|release| &release.values);
    let missing = secret::fill(&mut asked.values.tree, &asked.values.secrets, kept);
    let access = asked.access.clone();
    let target = Target {
        release: &installation.release,
        namespace: &installation.namespace,
        kubernetes: &version.git_version,
        apis: &apis,
        upgrade: releases.deployed().is_some().then_some(&access),
    };
    let printed = asked.helm.template((asked.reference, asked.pin()), &target, &asked.values.tree, here).await?;
    let unreadable =
        |why| ChartError::Unreadable(format!("what the chart {} renders to cannot be read: {why}", asked.reference));
    let mut manifest = Manifest::read(&printed).map_err(unreadable)?;
    let (resources, live) = around(cluster, &installation, &mut manifest, &mut releases).await?;
    let mut prepared = super::install(cluster, installation.clone(), Desired::default(), Policy::default()).await?;
    let reach: Vec<Reach> = asked.reach.iter().filter(|reach| leads_somewhere(reach, &manifest)).cloned().collect();
    let shadow = shadow(&manifest, &prepared.plan, &live);
    let warnings = warnings(&asked, &manifest, reach.is_empty());
    let deployment = deployment(&asked, &manifest, &releases, asked.place(&installation));
    let now = cluster.clock.now();
    let wanted = Wanted {
        deployment,
        manifest: &manifest,
        releases: &releases,
        live: &live,
        reach: &reach,
        unlock: asked.unlock,
        on_server: asked.helm.applies_on_server(),
        now,
    };
    prepared.refusals.extend((!missing.is_empty()).then(|| secrets_needed(&missing)));
    prepared.refusals.extend(add(&mut prepared.plan, wanted));
    prepared.snapshot.extend(live);
    prepared.resources = resources;
    Ok(ChartPrepared { prepared, shadow, warnings })
}

/// Where the kinds live, and what of the objects is there; objects get their namespaces.
async fn around(
    cluster: &Cluster,
    installation: &Installation,
    manifest: &mut Manifest,
    releases: &mut Releases,
) -> Result<(Resources, Snapshot), kube::Error> {
    let mut resources = Resources::default();
    let newest = releases.0.first().map(|release| &release.manifest);
    let all = [Some(&*manifest), newest].into_iter().flatten();
    let older = releases.0.iter().skip(1).flat_map(|release| &release.manifest.hooks);
    let all = all.flat_map(|it| it.definitions.iter().chain(&it.objects).chain(&it.hooks));
    let objects: Vec<&Value> = all.chain(older).collect();
    resources.resolve(&cluster.client, &objects).await?;
    manifest.complete(&installation.namespace, &resources);
    for release in &mut releases.0 {
        release.manifest.complete(&installation.namespace, &resources);
    }
    let old = releases.0.first().map(|release| release.manifest.references()).unwrap_or_default();
    let live = look(cluster, &resources, manifest.references().into_iter().chain(old)).await?;
    Ok((resources, live))
}

fn deployment(asked: &Asked<'_>, manifest: &Manifest, releases: &Releases, place: Place) -> Deployment {
    Deployment {
        place,
        chart: asked.reference.text.clone(),
        pin: asked.pin().map(str::to_owned),
        named: format!("{} {}", asked.identity.name, asked.identity.version),
        values: asked.values.tree.clone(),
        secrets: asked.values.secrets.clone(),
        before: releases.revision(),
        mark: asked.helm.labels().then(|| asked.mark.clone()),
        force: false,
        objects: manifest.references(),
        hooks: manifest.hooks.iter().filter_map(ObjectRef::of).collect(),
    }
}

/// The plan that would make the same objects without helm.
fn shadow(manifest: &Manifest, plan: &Plan, live: &Snapshot) -> Plan {
    let all = manifest.definitions.iter().chain(&manifest.objects).chain(&manifest.hooks);
    let desired = Desired { objects: all.map(|object| (None, object.clone())).collect(), ..Desired::default() };
    let policy = Policy { conflicts: Some(Choice::Take), adopt: true, recreate: false };
    install::plan(&desired, plan.installation.clone(), plan.cluster.clone(), (live, &Rehearsals::new()), policy)
}

fn leads_somewhere(reach: &Reach, manifest: &Manifest) -> bool {
    let service = ObjectRef::new("v1", "Service", Some(&reach.namespace), &reach.service);
    let ports = |object: &Value| {
        crate::object::items(object, "/spec/ports")
            .any(|port| port["name"] == reach.port.as_str() || port["port"].as_u64() == reach.port.parse().ok())
    };
    manifest.objects.iter().any(|object| ObjectRef::of(object).as_ref() == Some(&service) && ports(object))
}

fn warnings(asked: &Asked<'_>, manifest: &Manifest, unreachable: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if asked.reference.is_loose() {
        lines.push(format!(
            "the chart {} can be another one tomorrow; pin it with --chart-version {}",
            asked.reference, asked.identity.version
        ));
    }
    if !asked.values.left_out.is_empty() {
        lines.push(format!("the chart has no such setting, and is not given it: {}", asked.values.left_out.join(", ")));
    }
    for object in &manifest.objects {
        let unknown = unknown_fields(object);
        if let Some(reference) = ObjectRef::of(object).filter(|_| !unknown.is_empty()) {
            lines.push(format!(
                "{reference} of the chart has fields that its kind does not have: {}",
                unknown.join(", ")
            ));
        }
    }
    if unreachable && !asked.reach.is_empty() {
        let services: Vec<&str> = asked.reach.iter().map(|reach| reach.service.as_str()).collect();
        lines.push(format!(
            "whether it answers is not proved: the chart makes no Service {} with the port that is known",
            services.join(", ")
        ));
    }
    lines
}

fn secrets_needed(missing: &[String]) -> Cause {
    Cause {
        id: "secret-needed".to_owned(),
        object: None,
        reason: "SecretNeeded".to_owned(),
        message: format!(
            "values that are kept nowhere here, and that the release does not have: {}",
            missing.join(", ")
        ),
        remedy: Some("give them with --secret PATH=@FILE".to_owned()),
        outlook: Outlook::Final,
    }
}

/// What the API server has, as charts ask for it: groups with versions, and kinds of them.
async fn apis(cluster: &Cluster) -> Result<Vec<String>, kube::Error> {
    let (core, groups) = tokio::try_join!(cluster.client.list_core_api_versions(), cluster.client.list_api_groups())?;
    let served =
        groups.groups.iter().flat_map(|group| group.versions.iter().map(|version| version.group_version.clone()));
    let mut apis: Vec<String> = core.versions.into_iter().chain(served).collect();
    let (known, custom): (Vec<String>, Vec<String>) =
        apis.iter().cloned().partition(|api| kinds::is_builtin_group(api));
    let builtin = kinds::BUILTIN.iter().filter(|kind| known.contains(&kind.api_version()));
    let mut named: Vec<String> = builtin.map(|kind| format!("{}/{}", kind.api_version(), kind.kind)).collect();
    let lists = custom.iter().map(|api| async move {
        match cluster.client.list_api_group_resources(api).await {
            // An API service that is broken says nothing of the others.
            Err(kube::Error::Api(_)) => Ok(Vec::new()),
            Err(error) => Err(error),
            Ok(list) => Ok(list
                .resources
                .into_iter()
                .filter(|it| !it.name.contains('/'))
                .map(|it| format!("{api}/{}", it.kind))
                .collect()),
        }
    });
    named.extend(try_join_all(lists).await?.into_iter().flatten());
    apis.extend(named);
    Ok(apis)
}

/// Adds what takes a release away to the plan that takes away what else there is.
///
/// # Errors
/// When helm's records or the objects cannot be read.
pub async fn removal(
    cluster: &Cluster,
    prepared: &mut Prepared,
    place: &Place,
    destroy: &Destroy,
) -> Result<Removal, ChartError> {
    let installation = prepared.plan.installation.clone();
    let read = Releases::read(&cluster.client, &place.namespace, &place.release).await?;
    let mut releases = read.map_err(ChartError::Unreadable)?;
    let (resources, mut live) = around(cluster, &installation, &mut Manifest::default(), &mut releases).await?;
    let claims = ObjectRef::new("v1", "PersistentVolumeClaim", Some(&place.namespace), "");
    let query = resources.of(&claims).map(|resource| Query {
        resource,
        namespace: claims.namespace.clone(),
        scope: Scope::All,
    });
    let claims = collect(&cluster.client, query.into_iter().collect()).await?;
    let names: Vec<ObjectRef> = claims.objects().filter_map(ObjectRef::of).collect();
    live.extend(claims);
    let hooks = releases.0.iter().flat_map(|release| &release.manifest.hooks).filter_map(ObjectRef::of);
    live.extend(look(cluster, &resources, hooks.collect::<BTreeSet<_>>().into_iter()).await?);
    let removal = add_removal(&mut prepared.plan, place, &releases, (&live, &names), destroy);
    prepared.snapshot.extend(live);
    prepared.resources.learn_from(resources);
    Ok(removal)
}

/// Objects as their kinds are looked for.
pub(super) fn stub(object: &ObjectRef) -> Value {
    json!({"apiVersion": object.api_version, "kind": object.kind, "metadata": {"name": object.name}})
}
