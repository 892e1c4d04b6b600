//! What has to be read to judge a plan: only what the plan itself makes necessary, and nothing when it makes nothing.

use std::collections::BTreeSet;

use futures::future::join_all;
use k8s_openapi::api::authorization::v1::ResourceAttributes;
use kube::Client;
use serde_json::Value;

use super::rights::{Right, needed as needed_rights};
use super::{Around, Subject, images, references, written};
use crate::cluster::{Cluster, Resources};
use crate::engine::review::may;
use crate::host::distribution::recognise;
use crate::images::registry::Registries;
use crate::object::{ObjectRef, text};
use crate::prerequisites::{Picture, Prerequisite, Wants, assess};
use crate::snapshot::collect::{Query, Scope, collect};

/// Reads it. `known`: where the plan's kinds live; `picture`: what was read of the cluster for its needs; `registries`: who is asked for
/// images, where there is somebody to be asked.
///
/// # Errors
/// When the API server is gone. What may not be read is part of the answer.
pub async fn look(
    cluster: &Cluster,
    subject: Subject<'_>,
    known: &Resources,
    picture: Option<&Picture>,
    registries: Option<&Registries>,
) -> Result<Around, kube::Error> {
    if written(subject.plan).next().is_none() {
        return Ok(Around::default());
    }
    let rights = needed_rights(subject, known);
    let (snapshot, version, lacking) = tokio::join!(
        collect(&cluster.client, queries(subject, known)),
        cluster.client.apiserver_version(),
        lacking(&cluster.client, rights),
    );
    let (mut snapshot, version) = (snapshot?, version?.git_version);
    if let Some(picture) = picture {
        snapshot.extend(picture.snapshot.clone());
    }
    let nodes: Vec<_> =
        snapshot.of_kind("", "Node").filter_map(|node| serde_json::from_value(node.clone()).ok()).collect();
    let distribution = Some(recognise(&nodes, &version).distribution);
    let load_balancer = picture.map(|picture| assess(Prerequisite::Metallb, picture, &Wants::default()).standing());
    let unknown_kinds = Some(unknown(subject, known));
    let images = match registries {
        Some(registries) => images::ask(registries, images::needed(subject, &snapshot), subject.plan, &snapshot).await,
        None => Vec::new(),
    };
    Ok(Around { snapshot, version, distribution, unknown_kinds, load_balancer, images, lacking })
}

fn unknown(subject: Subject<'_>, known: &Resources) -> BTreeSet<ObjectRef> {
    written(subject.plan).filter_map(ObjectRef::of).filter(|object| known.of(object).is_none()).collect()
}

fn queries(subject: Subject<'_>, known: &Resources) -> Vec<Query> {
    let plan = subject.plan;
    let has = |test: fn(&Value) -> bool| written(plan).any(test);
    let mut wanted: Vec<(ObjectRef, Scope)> = Vec::new();
    let mut all =
        |api_version: &str, kind: &str| wanted.push((ObjectRef::new(api_version, kind, None, ""), Scope::All));
    if has(|object| object.pointer("/spec/template/spec/containers").is_some()) {
        all("v1", "Node");
        all("v1", "Pod");
    }
    if has(|object| object["kind"] == "Service" && object["spec"]["type"].as_str().is_some_and(|it| it != "ClusterIP"))
    {
        all("v1", "Service");
    }
    if has(|object| object["kind"] == "PersistentVolumeClaim") {
        all("v1", "PersistentVolume");
    }
    if has(|object| object["kind"] == "Ingress") {
        all("networking.k8s.io/v1", "IngressClass");
    }
    let objects: Vec<&Value> = plan.objects().collect();
    let named = references::needed(objects.iter().copied()).into_iter();
    wanted.extend(named.map(|needed| (needed.object.clone(), Scope::Named(needed.object.name))));
    let (release, namespace) = (&plan.installation.release, Some(plan.installation.namespace.as_str()));
    let records = Scope::Labelled(format!("owner=helm,name={release}"));
    wanted.push((ObjectRef::new("v1", "Secret", namespace, ""), records));
    let query = |(object, scope): (ObjectRef, Scope)| {
        Some(Query { resource: known.of(&object)?, namespace: object.namespace, scope })
    };
    let mut queries: Vec<Query> = wanted.into_iter().filter_map(query).collect();
    queries.extend(pools(plan.objects()));
    queries
}

/// The pools of a load balancer, where addresses are asked for; where there is no such kind, there are none.
fn pools<'a>(mut objects: impl Iterator<Item = &'a Value>) -> Option<Query> {
    let asks = objects.any(|object| object["kind"] == "Service" && text(object, "/spec/type") == Some("LoadBalancer"));
    asks.then(crate::network::pools_query)
}

/// The rights that this user has not. Whoever may do everything is asked once; an API server that does not answer such questions is not
/// taken to say no.
async fn lacking(client: &Client, rights: BTreeSet<Right>) -> BTreeSet<Right> {
    let everything = Right { verb: "*", group: "*".to_owned(), resource: "*".to_owned(), namespace: None };
    if has(client, &everything).await == Some(true) {
        return BTreeSet::new();
    }
    let asked =
        rights.into_iter().map(|right| async move { (has(client, &right).await == Some(false)).then_some(right) });
    join_all(asked).await.into_iter().flatten().collect()
}

async fn has(client: &Client, right: &Right) -> Option<bool> {
    let attributes = ResourceAttributes {
        group: Some(right.group.clone()),
        resource: Some(right.resource.clone()),
        namespace: right.namespace.clone(),
        verb: Some(right.verb.to_owned()),
        ..ResourceAttributes::default()
    };
    may(client, attributes).await
}
