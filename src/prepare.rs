//! Look and decide: reads what a plan needs, in as few requests as can be, and makes the plan. Writes nothing.

pub mod chart;
pub mod discover;
mod health;
pub mod needs;
pub mod outline;
mod rehearse;
mod room;
mod secrets;
pub mod sharing;

use std::collections::{BTreeMap, BTreeSet};

use kube::core::ApiResource;
use serde_json::{Value, json};

use crate::cluster::{Cluster, Resources};
use crate::doctor::Cause;
use crate::kinds;
use crate::object::{ObjectRef, text};
use crate::plan::install::{self, Desired, Policy};
use crate::plan::uninstall::{self, Destroy, Made};
use crate::plan::{Action, FIELD_MANAGER, Installation, NAMESPACE_LABEL, Plan, STACK_LABEL, verb};
use crate::snapshot::Snapshot;
use crate::snapshot::collect::{Query, Scope, collect, queries_for};
use crate::stack::{RunTime, runtime};

pub use health::{Health, MISSING, ObjectHealth, health, seen};
pub use room::{Need, Room, room};
pub use secrets::{fill as fill_secret, made as made_secret};

/// A plan with what it was made from.
pub struct Prepared {
    /// The plan.
    pub plan: Plan,
    /// The picture it was made from.
    pub snapshot: Snapshot,
    /// Where its kinds live.
    pub resources: Resources,
    /// What the API server would refuse, as far as it was asked: known before anything is written.
    pub refusals: Vec<Cause>,
}

/// Makes the plan that brings an installation to what is desired.
pub async fn install(
    cluster: &Cluster,
    installation: Installation,
    mut desired: Desired,
    policy: Policy,
) -> Result<Prepared, kube::Error> {
    add_namespace(&mut desired, &installation.namespace);
    desired.objects.iter_mut().for_each(|(_, object)| mark(object, &installation));
    let mut resources = Resources::default();
    let objects: Vec<&Value> = desired.objects.iter().map(|(_, object)| object).collect();
    resources.resolve(&cluster.client, &objects).await?;
    let mut snapshot = look(cluster, &resources, objects.iter().filter_map(|object| ObjectRef::of(object))).await?;
    let leftover: Vec<ObjectRef> =
        desired.inventory.iter().filter(|old| snapshot.get(old).is_none()).cloned().collect();
    snapshot.extend(look(cluster, &resources, leftover.into_iter()).await?);
    desired.objects.iter_mut().for_each(|(_, object)| secrets::fill(object, &snapshot));
    let (needed, known) = secrets::told(desired.objects.iter().map(|(_, object)| object));
    let (rehearsals, refused) = rehearse::all(cluster, &resources, known.into_iter(), (&snapshot, policy)).await?;
    let refusals = needed.into_iter().chain(refused).collect();
    let plan = install::plan(&desired, installation, cluster.id.clone(), (&snapshot, &rehearsals), policy);
    Ok(Prepared { plan, snapshot, resources, refusals })
}

/// A recorded plan as it stands in the cluster now. `done`: the steps that its journal knows to be done.
pub async fn resume(
    cluster: &Cluster,
    (recorded, done): (&Plan, &BTreeSet<String>),
    policy: Policy,
) -> Result<Prepared, kube::Error> {
    let mut resources = Resources::default();
    let released: Vec<Value> = recorded.wanted().map(|object| chart::stub(&object)).collect();
    resources.resolve(&cluster.client, &recorded.objects().chain(&released).collect::<Vec<_>>()).await?;
    let about: Vec<ObjectRef> = recorded.steps.iter().flat_map(|step| step.action.reads()).collect();
    resources.resolve_kinds(&cluster.client, about.iter().cloned()).await?;
    let snapshot = look(cluster, &resources, about.into_iter()).await?;
    let mut recorded = recorded.clone();
    for step in &mut recorded.steps {
        if let Action::Apply { object } = &mut step.action {
            secrets::fill(object, &snapshot);
        }
    }
    let (needed, known) = secrets::told(recorded.objects());
    let (rehearsals, refused) = rehearse::all(cluster, &resources, known.into_iter(), (&snapshot, policy)).await?;
    let refusals = needed.into_iter().chain(refused).collect();
    let mut plan = install::refresh(&recorded, (&snapshot, &rehearsals), policy);
    verb::pass(&mut plan, &snapshot, done);
    Ok(Prepared { plan, snapshot, resources, refusals })
}

/// Makes the plan that takes an installation away. `known`: what is known to have been applied; without it, objects of
/// every built-in kind are looked for by their labels.
pub async fn uninstall(
    cluster: &Cluster,
    installation: Installation,
    known: &[ObjectRef],
    destroy: &Destroy,
) -> Result<Prepared, kube::Error> {
    let every: Vec<ObjectRef> =
        kinds::BUILTIN.iter().map(|kind| ObjectRef::new(&kind.api_version(), kind.kind, None, "")).collect();
    // Claims made from a template are in no list of what was applied.
    let claims = ObjectRef::new("v1", "PersistentVolumeClaim", None, "");
    let kinds: Vec<ObjectRef> = known.iter().cloned().chain([claims]).collect();
    let sought = if known.is_empty() { &every } else { &kinds };
    let mut resources = Resources::default();
    let stubs: Vec<Value> = sought
        .iter()
        .map(|kind| json!({"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": ""}}))
        .collect();
    resources.resolve(&cluster.client, &stubs.iter().collect::<Vec<_>>()).await?;
    let belongings = belongings(cluster, &resources, &installation, sought).await?;
    let neighbours = neighbours(cluster, &resources, &installation, &belongings, destroy).await?;
    let plan = uninstall::plan(installation, cluster.id.clone(), (&belongings, &neighbours), destroy);
    Ok(Prepared { plan, snapshot: belongings, resources, refusals: Vec::new() })
}

/// What the application of an installation has made while it ran: what these selectors find. A kind that the cluster does not know (any more)
/// has no objects.
pub async fn made(
    cluster: &Cluster,
    installation: &Installation,
    selectors: &[RunTime],
) -> Result<Vec<Made>, kube::Error> {
    let mut resources = Resources::default();
    let stub = |it: &RunTime| json!({"apiVersion": it.api_version, "kind": it.kind, "metadata": {"name": ""}});
    let stubs: Vec<Value> = selectors.iter().map(stub).collect();
    resources.resolve(&cluster.client, &stubs.iter().collect::<Vec<_>>()).await?;
    let mut found = Vec::new();
    for one in selectors {
        let kind = ObjectRef::new(&one.api_version, &one.kind, None, "");
        let Some(resource) = resources.of(&kind) else { continue };
        let place = one.namespace.clone().unwrap_or_else(|| installation.namespace.clone());
        let namespace = resources.is_namespaced(&kind).then_some(place);
        let scope = if one.selector.is_empty() { Scope::All } else { Scope::Labelled(one.selector.clone()) };
        let snapshot = collect(&cluster.client, vec![Query { resource, namespace, scope }]).await?;
        // Whether it can be read was a matter of resolving it.
        let names = runtime::names(one).ok().flatten();
        let is_meant = |object: &&Value| {
            names.as_ref().is_none_or(|names| text(object, "/metadata/name").is_some_and(|name| names.is_match(name)))
        };
        // What is going already neither stays nor has to be taken away.
        let is_staying = |object: &&Value| text(object, "/metadata/deletionTimestamp").is_none();
        let meant = snapshot.objects().filter(is_meant).filter(is_staying);
        found.extend(meant.map(|object| Made {
            why: format!("the application has made it ({})", one.title),
            object: object.clone(),
        }));
    }
    Ok(found)
}

/// Everything of these kinds that carries the labels of an installation: in its namespace, and in those where something is sought by name.
async fn belongings(
    cluster: &Cluster,
    resources: &Resources,
    installation: &Installation,
    sought: &[ObjectRef],
) -> Result<Snapshot, kube::Error> {
    let labels = format!("{STACK_LABEL}={},{NAMESPACE_LABEL}={}", installation.stack, installation.namespace);
    let mut queries: BTreeMap<(String, String, Option<String>), Query> = BTreeMap::new();
    for kind in sought {
        let Some(resource) = resources.of(kind) else { continue };
        let namespaced = resources.is_namespaced(kind);
        for place in [Some(&installation.namespace), kind.namespace.as_ref()].into_iter().flatten() {
            let namespace = namespaced.then(|| place.clone());
            let key = (resource.group.clone(), resource.kind.clone(), namespace.clone());
            let scope = Scope::Labelled(labels.clone());
            queries.entry(key).or_insert_with(|| Query { resource: resource.clone(), namespace, scope });
        }
    }
    collect(&cluster.client, queries.into_values().collect()).await
}

/// When the namespace itself is to be destroyed: the claims in it that are not the installation's, whoever made them.
async fn neighbours(
    cluster: &Cluster,
    resources: &Resources,
    installation: &Installation,
    belongings: &Snapshot,
    destroy: &Destroy,
) -> Result<Vec<ObjectRef>, kube::Error> {
    let namespace = ObjectRef::new("v1", "Namespace", None, &installation.namespace);
    let claims = ObjectRef::new("v1", "PersistentVolumeClaim", None, "");
    let Some(resource) = resources.of(&claims).filter(|_| destroy.names(&namespace)) else { return Ok(Vec::new()) };
    let query = Query { resource, namespace: Some(installation.namespace.clone()), scope: Scope::All };
    let all = collect(&cluster.client, vec![query]).await?;
    let claims = all.objects().filter_map(ObjectRef::of);
    Ok(claims.filter(|claim| belongings.get(claim).is_none() && !destroy.names(claim)).collect())
}

async fn look(
    cluster: &Cluster,
    resources: &Resources,
    objects: impl Iterator<Item = ObjectRef>,
) -> Result<Snapshot, kube::Error> {
    let located: Vec<(ObjectRef, ApiResource)> =
        objects.filter_map(|object| resources.of(&object).map(|resource| (object, resource))).collect();
    let queries = queries_for(located.iter().map(|(object, resource)| (object, resource)));
    collect(&cluster.client, queries).await
}

/// The namespace is planned like every other object. Those that every cluster has are nobody's to make.
fn add_namespace(desired: &mut Desired, namespace: &str) {
    let there = |object: &Value| object["kind"] == "Namespace" && object["metadata"]["name"] == namespace;
    if namespace == "default" || desired.objects.iter().any(|(_, object)| there(object)) {
        return;
    }
    let mut labels = desired.namespace_labels.clone();
    labels.insert("app.kubernetes.io/managed-by".to_owned(), FIELD_MANAGER.to_owned());
    let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}});
    desired.objects.insert(0, (None, object));
}

/// Marks an object as belonging to an installation, so that it can be found without any record.
fn mark(object: &mut Value, installation: &Installation) {
    label(&mut object["metadata"], installation);
    // The claims that a StatefulSet makes outlive it, and only their template can say whose they are.
    let templates = object.pointer_mut("/spec/volumeClaimTemplates").and_then(Value::as_array_mut);
    templates.into_iter().flatten().for_each(|template| label(&mut template["metadata"], installation));
}

fn label(metadata: &mut Value, installation: &Installation) {
    let labels = &mut metadata["labels"];
    labels[STACK_LABEL] = Value::from(installation.stack.clone());
    labels[NAMESPACE_LABEL] = Value::from(installation.namespace.clone());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_namespace_says_what_its_pods_may_do() {
        let level = ("pod-security.kubernetes.io/enforce".to_owned(), "privileged".to_owned());
        let mut desired = Desired { namespace_labels: [level].into(), ..Desired::default() };
        add_namespace(&mut desired, "sea");
        let labels =
            json!({"app.kubernetes.io/managed-by": "seaworthy", "pod-security.kubernetes.io/enforce": "privileged"});
        assert_eq!(desired.objects[0].1["metadata"], json!({"name": "sea", "labels": labels}));
        add_namespace(&mut desired, "sea");
        assert_eq!(desired.objects.len(), 1);
        let mut nobodys = Desired::default();
        add_namespace(&mut nobodys, "default");
        assert!(nobodys.objects.is_empty());
    }

    #[test]
    fn claims_made_from_a_template_are_marked_too() {
        let text = |text: &str| text.to_owned();
        let (stack, namespace) = (text("shop"), text("sea"));
        let installation =
            Installation { stack, namespace, version: text("1"), release: text("shop"), profile: text("ha") };
        let marks = json!({STACK_LABEL: "shop", NAMESPACE_LABEL: "sea"});
        let mut set =
            json!({"metadata": {"name": "db"}, "spec": {"volumeClaimTemplates": [{"metadata": {"name": "data"}}]}});
        mark(&mut set, &installation);
        assert_eq!(set["metadata"]["labels"], marks);
        assert_eq!(set["spec"]["volumeClaimTemplates"][0]["metadata"], json!({"name": "data", "labels": marks}));
        let mut plain = json!({"metadata": {"name": "web"}, "spec": {}});
        mark(&mut plain, &installation);
        assert_eq!(plain, json!({"metadata": {"name": "web", "labels": marks}, "spec": {}}));
    }
}
