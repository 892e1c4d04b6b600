//! The metrics API: what is there of it is its `APIService`, whoever serves it.

use semver::Version;
use serde_json::{Value, json};

use super::picture::{KubeletCertificates, Picture};
use super::{Found, Health, Manager, Verdict, version};
use crate::object::{ObjectRef, text};

/// Version of metrics-server for servers of at least this version (its README's matrix), the newest first.
static VERSIONS: [((u64, u64), Version); 3] =
    [((1, 34), Version::new(0, 9, 0)), ((1, 31), Version::new(0, 8, 1)), ((1, 27), Version::new(0, 7, 2))];

pub(super) fn assess(picture: &Picture) -> (Option<Found>, Verdict) {
    if let Some(because) = picture.blind(&["APIService"]) {
        return (None, Verdict::blind(because, "look with a user that may get APIServices"));
    }
    let name = ObjectRef::new("apiregistration.k8s.io/v1", "APIService", None, "v1beta1.metrics.k8s.io");
    let Some(wanted) = wanted(picture) else { return (None, too_old()) };
    match picture.snapshot.get(&name) {
        None => {
            let because = "nobody serves the metrics API".to_owned();
            (None, Verdict::Install { because, values: values(picture, wanted) })
        }
        Some(service) => {
            let found = found(picture, service);
            let verdict = there(picture, service, &found, wanted);
            (Some(found), verdict)
        }
    }
}

/// The newest version that the cluster's own allows.
fn wanted(picture: &Picture) -> Option<&'static Version> {
    VERSIONS.iter().find(|(least, _)| picture.server.is_none_or(|server| server >= *least)).map(|(_, version)| version)
}

fn too_old() -> Verdict {
    let because = "metrics-server has no version for Kubernetes below 1.27";
    Verdict::blocked(because, "upgrade the cluster, or go without")
}

/// Ours over what somebody else has installed.
pub(super) fn adopted(picture: &Picture, because: String) -> Verdict {
    wanted(picture).map_or_else(too_old, |wanted| Verdict::Install { because, values: values(picture, wanted) })
}

fn values(picture: &Picture, wanted: &Version) -> Value {
    // Where it could not be read it stays off: who cannot reach the kubelets finds that in the log, and decides.
    let insecure = picture.kubelets == KubeletCertificates::SelfSigned;
    json!({"image": {"tag": format!("v{wanted}")}, "insecureKubeletCertificates": insecure})
}

fn server<'a>(picture: &'a Picture, service: &Value) -> Option<&'a Value> {
    let namespace = text(service, "/spec/service/namespace")?;
    let mut there = picture.snapshot.in_namespace("apps", "Deployment", namespace);
    there.find(|deployment| version::image_of(deployment, "metrics-server").is_some())
}

fn found(picture: &Picture, service: &Value) -> Found {
    let server = server(picture, service);
    let image = server.and_then(|server| version::image_of(server, "metrics-server"));
    Found {
        version: image.and_then(version::of_image).map(|version| version.to_string()),
        manager: Manager::of(service),
        health: picture.health([service]),
        objects: [Some(service), server].into_iter().flatten().filter_map(ObjectRef::of).collect(),
    }
}

fn there(picture: &Picture, service: &Value, found: &Found, wanted: &Version) -> Verdict {
    if found.manager == Manager::Seaworthy {
        return super::beside(found, wanted, values(picture, wanted));
    }
    let part = |pointer| text(service, pointer).unwrap_or("?");
    let by = format!("Service {}/{}", part("/spec/service/namespace"), part("/spec/service/name"));
    match &found.health {
        Health::Healthy => Verdict::Use { because: format!("{by} serves the metrics API ({})", found.manager) },
        Health::Unhealthy { why } => Verdict::blocked(
            format!("{by} ought to serve the metrics API ({}) and does not: {why}", found.manager),
            "mend it, or delete the APIService if it was left behind: as long as it is there no namespace can be deleted",
        ),
    }
}
