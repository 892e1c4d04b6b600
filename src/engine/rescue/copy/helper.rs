//! The pod in which a volume is copied, when no container of the application is to be asked: one for each claim, by a name that every
//! process finds again, and of an image that the volume's node has already.

use k8s_openapi::api::core::v1::{ContainerState, Pod, PodStatus};
use serde_json::{Value, json};

use super::talk::Place;
use crate::engine::rescue::shelf::checksum;
use crate::object::{ObjectRef, items, text};
use crate::plan::verb::{HELPER, holders, is_helper};
use crate::recover::join::{hosts, volume_of};
use crate::snapshot::Snapshot;

/// Annotation with the checksum of what the pod is to be: another one of its name is of an earlier run, and goes.
pub(super) const SPEC: &str = "seaworthy.dev/helper-spec";
/// How long a helper may live, seconds: nobody is there to delete it when its run was killed and never taken up.
const LIFE: u64 = 6 * 3600;
/// The name of its container.
const CONTAINER: &str = "copy";
/// It sleeps, and ends at once when it is told to.
pub(crate) const SLEEP: &str = "trap 'exit 0' TERM INT; sleep 86400 & wait";

/// Images that are known to carry sh, tar and the rest, by the last part of their names, the smallest first: busybox, the same as k3s
/// brings it along for its volumes, and what the images of most programs are built on. kind's helper for volumes has no tar.
const KNOWN: [&str; 12] = [
    "busybox",
    "mirrored-library-busybox",
    "klipper-helm",
    "alpine",
    "debian",
    "ubuntu",
    "nginx",
    "redis",
    "postgres",
    "python",
    "mariadb",
    "mysql",
];

/// Which way the data goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Out,
    In,
}

impl Way {
    fn path(self) -> &'static str {
        match self {
            Self::Out => "/src",
            Self::In => "/dst",
        }
    }

    /// What root in a container may not do without being told: see the files of others; and give files away, and set their rights. All of
    /// them are in what Pod Security calls the baseline (`DAC_READ_SEARCH` is not, and is not needed beside `DAC_OVERRIDE`).
    fn capabilities(self) -> &'static [&'static str] {
        match self {
            Self::Out => &["DAC_OVERRIDE"],
            Self::In => &["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID"],
        }
    }
}

/// The name of the helper of a claim, the same for every process.
pub(super) fn name(claim: &ObjectRef) -> String {
    format!("seaworthy-copy-{}", &checksum(claim.name.as_bytes())[..10])
}

/// Which pod.
pub(super) fn reference(claim: &ObjectRef) -> ObjectRef {
    ObjectRef::new("v1", "Pod", claim.namespace.as_deref(), &name(claim))
}

/// The pod for a claim.
pub(super) fn pod(claim: &ObjectRef, way: Way, image: &str, pull_secrets: &Value) -> Value {
    let spec = json!({
        "restartPolicy": "Never",
        "activeDeadlineSeconds": LIFE,
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        // Where the bytes are is said by the volume. A node that takes no new pods takes this one.
        "tolerations": [{"operator": "Exists", "effect": "NoSchedule"}],
        "imagePullSecrets": pull_secrets,
        "securityContext": {"runAsUser": 0, "runAsGroup": 0, "runAsNonRoot": false, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{
            "name": CONTAINER, "image": image, "imagePullPolicy": "IfNotPresent",
            "command": ["sh", "-c", SLEEP],
            "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "1", "memory": "256Mi"}},
            "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"], "add": way.capabilities()}},
            "volumeMounts": [{"name": "volume", "mountPath": way.path(), "readOnly": way == Way::Out}],
        }],
        "volumes": [{"name": "volume", "persistentVolumeClaim": {"claimName": claim.name}}],
    });
    let mark = checksum(spec.to_string().as_bytes());
    json!({"apiVersion": "v1", "kind": "Pod", "spec": spec, "metadata": {
        "name": name(claim), "namespace": claim.namespace,
        "labels": {HELPER: "copy", "app.kubernetes.io/managed-by": "seaworthy"},
        // A proxy beside it would keep it from ending, and has nothing to do.
        "annotations": {SPEC: mark, "sidecar.istio.io/inject": "false", "linkerd.io/inject": "disabled"}}})
}

/// Whether the pod that is there is the one that is wanted, and can still be used.
pub(super) fn is_same(live: &Pod, wanted: &Value) -> bool {
    let mark = live.metadata.annotations.as_ref().and_then(|all| all.get(SPEC));
    let phase = live.status.as_ref().and_then(|status| status.phase.as_deref());
    mark.map(String::as_str) == wanted["metadata"]["annotations"][SPEC].as_str()
        && live.metadata.deletion_timestamp.is_none()
        && !matches!(phase, Some("Failed" | "Succeeded"))
}

/// Where it can be talked to.
pub(super) fn place(claim: &ObjectRef, way: Way, image: &str) -> Place {
    Place {
        namespace: claim.namespace.clone().unwrap_or_default(),
        pod: name(claim),
        container: CONTAINER.to_owned(),
        path: way.path().to_owned(),
        image: image.to_owned(),
    }
}

/// How far a helper is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum State {
    Starting(String),
    Running,
    Hopeless(String),
}

/// Reads it from the pod.
pub(super) fn state(pod: Option<&Pod>) -> State {
    let Some(status) = pod.and_then(|pod| pod.status.as_ref()) else {
        return State::Starting("it is not there yet".to_owned());
    };
    let container = status.container_statuses.iter().flatten().next().and_then(|container| container.state.as_ref());
    if container.is_some_and(|state| state.running.is_some()) {
        return State::Running;
    }
    if let Some(ended) = container.and_then(|state| state.terminated.as_ref()) {
        let said = ended.message.as_deref().or(ended.reason.as_deref()).unwrap_or_default();
        return State::Hopeless(format!("it ended with exit code {}: {said}", ended.exit_code));
    }
    if let Some(state) = waiting(container) {
        return state;
    }
    if status.phase.as_deref() == Some("Failed") {
        return State::Hopeless(status.message.clone().unwrap_or_else(|| "it failed".to_owned()));
    }
    State::Starting(unscheduled(status))
}

/// Why a container waits, if it does, and whether it would for ever.
pub(super) fn waiting(container: Option<&ContainerState>) -> Option<State> {
    let waiting = container?.waiting.as_ref()?;
    let reason = waiting.reason.clone().unwrap_or_default();
    let words = format!("{reason}: {}", waiting.message.as_deref().unwrap_or_default());
    let never = [
        "ErrImagePull",
        "ImagePullBackOff",
        "ErrImageNeverPull",
        "InvalidImageName",
        "CreateContainerError",
        "RunContainerError",
    ];
    Some(if never.contains(&reason.as_str()) { State::Hopeless(words) } else { State::Starting(words) })
}

/// Why a pod has no node, as the scheduler says.
pub(super) fn unscheduled(status: &PodStatus) -> String {
    let unscheduled = status.conditions.iter().flatten().find(|it| it.type_ == "PodScheduled" && it.status == "False");
    let words = unscheduled.and_then(|condition| condition.message.clone());
    words.unwrap_or_else(|| "it has no node yet".to_owned())
}

/// The images to try, in order: the one that was named, and no other; else what a node of the volume has and is known to carry tar,
/// then what the claim's own pods run.
pub(super) fn images(seen: &Snapshot, claim: &ObjectRef, named: Option<&str>) -> Vec<String> {
    if let Some(named) = named {
        return vec![named.to_owned()];
    }
    let hosts: Vec<&str> = volume_of(seen, claim).map(hosts).unwrap_or_default();
    let is_meant = |node: &&Value| {
        hosts.is_empty() || hosts.iter().any(|host| node["metadata"]["labels"]["kubernetes.io/hostname"] == *host)
    };
    let there: Vec<&str> = seen
        .of_kind("", "Node")
        .filter(is_meant)
        .flat_map(|node| items(node, "/status/images"))
        .filter_map(best_name)
        .collect();
    let known = KNOWN.iter().flat_map(|known| there.iter().copied().filter(move |image| last_part(image) == *known));
    let mut images: Vec<String> = known.map(str::to_owned).collect();
    images.extend(own_images(seen, claim));
    let mut fresh = std::collections::BTreeSet::new();
    images.retain(|image| fresh.insert(image.clone()));
    images
}

/// A tag rather than a checksum: a container that names an image by its tag is what made it come.
fn best_name(image: &Value) -> Option<&str> {
    let names = || items(image, "/names").filter_map(Value::as_str).filter(|name| !name.starts_with("sha256:"));
    names().find(|name| !name.contains('@')).or_else(|| names().next())
}

/// `busybox` of `docker.io/library/busybox:1.36` and of `host:5000/busybox@sha256:00`.
fn last_part(image: &str) -> &str {
    let name = image.split('@').next().unwrap_or(image);
    let last = name.rsplit('/').next().unwrap_or(name);
    last.split(':').next().unwrap_or(last)
}

/// The images of the workloads that use a claim, and of its pods.
fn own_images(seen: &Snapshot, claim: &ObjectRef) -> Vec<String> {
    let users = crate::recover::join::workloads(seen, claim);
    let templates = users.iter().filter_map(|user| seen.get(&user.pinned.object)).map(|live| &live["spec"]["template"]);
    let pods = holders(seen, claim).filter(|pod| !is_helper(pod));
    let of = |object: &Value| {
        items(object, "/spec/containers")
            .filter_map(|container| text(container, "/image"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    templates.flat_map(of).chain(pods.flat_map(of)).collect()
}

/// The Secrets with which what uses a claim pulls its images.
pub(super) fn pull_secrets(seen: &Snapshot, claim: &ObjectRef) -> Value {
    let users = crate::recover::join::workloads(seen, claim);
    let secrets =
        users.iter().filter_map(|user| seen.get(&user.pinned.object)?.pointer("/spec/template/spec/imagePullSecrets"));
    secrets.into_iter().next().cloned().unwrap_or_else(|| json!([]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim() -> ObjectRef {
        ObjectRef::new("v1", "PersistentVolumeClaim", Some("n"), "data")
    }

    #[test]
    fn an_image_that_is_there_and_carries_tar_comes_first() {
        let mut seen = Snapshot::default();
        seen.insert(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a", "labels": {"kubernetes.io/hostname": "a"}},
            "status": {"images": [{"names": ["docker.io/kindest/local-path-helper:v1"]}, {"names": ["x/alpine@sha256:00", "x:5000/alpine:3"]},
                {"names": ["docker.io/rancher/mirrored-library-busybox:1.36.1"]}]}}));
        seen.insert(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "b", "labels": {"kubernetes.io/hostname": "b"}},
            "status": {"images": [{"names": ["busybox:1"]}]}}));
        seen.insert(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "n", "uid": "1"},
            "spec": {"template": {"spec": {"containers": [{"image": "own:1"}], "volumes": [{"persistentVolumeClaim": {"claimName": "data"}}]}}}}));
        assert_eq!(images(&seen, &claim(), None)[0], "busybox:1", "a volume of no node can be read on any");
        seen.insert(
            json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "n"},
            "spec": {"volumeName": "v"}}),
        );
        seen.insert(json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "v"}, "spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions":
            [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["a"]}]}]}}}}));
        let found = images(&seen, &claim(), None);
        assert_eq!(found, ["docker.io/rancher/mirrored-library-busybox:1.36.1", "x:5000/alpine:3", "own:1"]);
        assert_eq!(images(&seen, &claim(), Some("mine:1")), ["mine:1"]);
    }

    #[test]
    fn a_helper_has_no_more_rights_than_the_baseline_allows_and_no_token() {
        let out = pod(&claim(), Way::Out, "busybox:1", &json!([]));
        let container = &out["spec"]["containers"][0];
        assert_eq!(container["securityContext"]["capabilities"], json!({"drop": ["ALL"], "add": ["DAC_OVERRIDE"]}));
        assert_eq!(container["volumeMounts"][0]["readOnly"], true);
        assert_eq!(out["spec"]["automountServiceAccountToken"], false);
        assert_eq!(out["metadata"]["name"], pod(&claim(), Way::In, "other:1", &json!([]))["metadata"]["name"]);
        let into = pod(&claim(), Way::In, "busybox:1", &json!([]));
        assert_ne!(out["metadata"]["annotations"][SPEC], into["metadata"]["annotations"][SPEC]);
        assert_eq!(into["spec"]["containers"][0]["volumeMounts"][0]["readOnly"], false);
    }
}
