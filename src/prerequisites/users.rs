//! What would miss a prerequisite that goes.

use serde_json::Value;

use super::picture::Picture;
use super::{Prerequisite, shared_path};
use crate::cluster::{Cluster, Resources};
use crate::object::{ObjectRef, items, text};
use crate::plan::{NAMESPACE_LABEL, STACK_LABEL};
use crate::snapshot::Snapshot;
use crate::snapshot::collect::{Query, Scope, collect};

/// Objects that need it, a line each with what becomes of them. Empty: nothing does.
///
/// # Errors
/// When the API server is gone.
pub async fn users(
    cluster: &Cluster,
    prerequisite: Prerequisite,
    picture: &Picture,
) -> Result<Vec<String>, kube::Error> {
    Ok(match prerequisite {
        Prerequisite::LocalPath => volumes(&picture.snapshot, "rancher.io/local-path"),
        Prerequisite::SharedPath => volumes(&picture.snapshot, shared_path::PROVISIONER),
        Prerequisite::MetricsServer => {
            let scalers = read(cluster, "autoscaling/v2", "HorizontalPodAutoscaler").await?;
            told(scalers.objects(), "keeps the size that it has")
        }
        Prerequisite::Metallb => {
            told(picture.snapshot.of_kind("", "Service").filter(|it| has_address(it)), "loses its address")
        }
        Prerequisite::Kruise => {
            let sets = read(cluster, "apps.kruise.io/v1alpha1", "CloneSet").await?;
            told(sets.objects(), "is looked after by nobody; deleting the definition deletes it with its pods")
        }
    })
}

fn told<'a>(objects: impl Iterator<Item = &'a Value>, fate: &str) -> Vec<String> {
    objects.filter_map(ObjectRef::of).map(|object| format!("{object} {fate}")).collect()
}

/// The volumes that a provisioner has made, each with the claim that it is for.
fn volumes(snapshot: &Snapshot, provisioner: &str) -> Vec<String> {
    let provided =
        |volume: &&Value| volume["metadata"]["annotations"]["pv.kubernetes.io/provisioned-by"] == provisioner;
    let of = |volume: &Value| {
        let part = |key: &str| volume["spec"]["claimRef"][key].as_str().unwrap_or("nobody").to_owned();
        let claim = format!("PersistentVolumeClaim/{}/{}", part("namespace"), part("name"));
        Some(format!("{} of {claim} stays where it is, and its folder is never cleaned up", ObjectRef::of(volume)?))
    };
    snapshot.of_kind("", "PersistentVolume").filter(provided).filter_map(of).collect()
}

fn has_address(service: &Value) -> bool {
    service["spec"]["type"] == "LoadBalancer" && items(service, "/status/loadBalancer/ingress").next().is_some()
}

async fn read(cluster: &Cluster, api_version: &str, kind: &str) -> Result<Snapshot, kube::Error> {
    let stub = serde_json::json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": ""}});
    let mut resources = Resources::default();
    resources.resolve(&cluster.client, &[&stub]).await?;
    let resource = resources.of(&ObjectRef::new(api_version, kind, None, ""));
    let query = resource.map(|resource| Query { resource, namespace: None, scope: Scope::All });
    collect(&cluster.client, query.into_iter().collect()).await
}

/// What of an installation may go although such kinds are never deleted by implication: its own Secrets, definitions of which no
/// object of anybody else is left, and its namespace when nothing in it is somebody else's.
///
/// # Errors
/// When the API server is gone.
pub async fn empty(
    cluster: &Cluster,
    (stack, namespace): (&str, &str),
    known: &[ObjectRef],
) -> Result<Vec<ObjectRef>, kube::Error> {
    let mut empty: Vec<ObjectRef> = known.iter().filter(|object| object.kind == "Secret").cloned().collect();
    let theirs = |object: &Value| is_theirs(object, (stack, namespace));
    for definition in known.iter().filter(|object| object.kind == "CustomResourceDefinition") {
        let objects = instances(cluster, definition).await?;
        let outside = |object: &&Value| text(object, "/metadata/namespace") != Some(namespace) && theirs(object);
        if objects.unread.is_empty() && !objects.objects().any(|object| outside(&object)) {
            empty.push(definition.clone());
        }
    }
    let own = ObjectRef::new("v1", "Namespace", None, namespace);
    if known.contains(&own) && inhabitants(cluster, namespace).await?.is_some_and(|all| !all.objects().any(theirs)) {
        empty.push(own);
    }
    Ok(empty)
}

/// What controllers make for themselves in their own namespace, with neither an owner nor our labels: stack, kind, name. A label
/// would not help: kruise-manager writes the whole Secret when it makes its certificate.
const MADE_BY_CONTROLLERS: [(&str, &str, &str); 1] = [("kruise", "Secret", "kruise-webhook-certs")];

/// Whether somebody else would miss it.
fn is_theirs(object: &Value, (stack, namespace): (&str, &str)) -> bool {
    let label = |name: &str| text(object, &format!("/metadata/labels/{}", name.replace('/', "~1")));
    let owned = items(object, "/metadata/ownerReferences").next().is_some();
    let ours = (label(STACK_LABEL), label(NAMESPACE_LABEL)) == (Some(stack), Some(namespace));
    let identity =
        (stack, text(object, "/kind").unwrap_or_default(), text(object, "/metadata/name").unwrap_or_default());
    !owned && !ours && !MADE_BY_CONTROLLERS.contains(&identity)
}

/// All objects of a definition.
async fn instances(cluster: &Cluster, definition: &ObjectRef) -> Result<Snapshot, kube::Error> {
    let resources = Resources::default();
    let named = |resource| Query { resource, namespace: None, scope: Scope::Named(definition.name.clone()) };
    let found = collect(&cluster.client, resources.of(definition).map(named).into_iter().collect()).await?;
    let Some(live) = found.get(definition) else { return Ok(found) };
    let mut resources = Resources::default();
    resources.learn(live);
    let (group, kind) =
        (text(live, "/spec/group").unwrap_or_default(), text(live, "/spec/names/kind").unwrap_or_default());
    let served = items(live, "/spec/versions").find(|version| version["served"] == true);
    let version = served.and_then(|version| text(version, "/name")).unwrap_or_default();
    let resource = resources.of(&ObjectRef::new(&format!("{group}/{version}"), kind, None, ""));
    let query = resource.map(|resource| Query { resource, namespace: None, scope: Scope::All });
    collect(&cluster.client, query.into_iter().collect()).await
}

/// What somebody would miss of a namespace; `None` when not all of it may be read.
async fn inhabitants(cluster: &Cluster, namespace: &str) -> Result<Option<Snapshot>, kube::Error> {
    const KINDS: [(&str, &str); 9] = [
        ("v1", "Pod"),
        ("v1", "PersistentVolumeClaim"),
        ("v1", "Service"),
        ("v1", "Secret"),
        ("apps/v1", "Deployment"),
        ("apps/v1", "StatefulSet"),
        ("apps/v1", "DaemonSet"),
        ("batch/v1", "Job"),
        ("batch/v1", "CronJob"),
    ];
    let resources = Resources::default();
    let query = |(version, kind): &(&str, &str)| {
        let resource = resources.of(&ObjectRef::new(version, kind, None, ""))?;
        Some(Query { resource, namespace: Some(namespace.to_owned()), scope: Scope::All })
    };
    let all = collect(&cluster.client, KINDS.iter().filter_map(query).collect()).await?;
    Ok(all.unread.is_empty().then_some(all))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn whoever_uses_a_volume_is_named() {
        let volume = |name: &str, by: &str| {
            json!({"apiVersion": "v1", "kind": "PersistentVolume",
                "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": by}},
                "spec": {"claimRef": {"namespace": "sea", "name": "charts"}}})
        };
        let mut snapshot = Snapshot::default();
        snapshot.insert(volume("one", shared_path::PROVISIONER));
        snapshot.insert(volume("two", "rancher.io/local-path"));
        let line = "PersistentVolume/one of PersistentVolumeClaim/sea/charts stays where it is, and its folder is never cleaned up";
        assert_eq!(volumes(&snapshot, shared_path::PROVISIONER), [line]);
    }

    #[test]
    fn only_what_somebody_else_would_miss_is_theirs() {
        let object = |kind: &str, name: &str, metadata: Value| {
            let mut object = json!({"kind": kind, "metadata": metadata});
            object["metadata"]["name"] = json!(name);
            object
        };
        let labels = |stack: &str| json!({"labels": {STACK_LABEL: stack, NAMESPACE_LABEL: "kruise-system"}});
        for (object, expected) in [
            (object("Deployment", "manager", labels("kruise")), false),
            (object("Deployment", "manager", labels("other")), true),
            (object("Pod", "manager-1", json!({"ownerReferences": [{"kind": "ReplicaSet"}]})), false),
            (object("Secret", "kruise-webhook-certs", json!({})), false),
            (object("ConfigMap", "kruise-webhook-certs", json!({})), true),
            (object("Secret", "login", json!({})), true),
        ] {
            assert_eq!(is_theirs(&object, ("kruise", "kruise-system")), expected, "{object}");
        }
        let certificate = object("Secret", "kruise-webhook-certs", json!({}));
        assert!(is_theirs(&certificate, ("metallb", "kruise-system")));
    }
}
