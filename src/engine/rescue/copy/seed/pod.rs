//! The pod in which etcd's own program makes a member's data. Its image has no shell, so a container before it takes the file in.

use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use serde_json::{Value, json};

use super::super::helper::{self, SPEC};
use super::super::talk::Place;
use crate::engine::rescue::shelf::checksum;
use crate::object::items;
use crate::plan::verb::{HELPER, Seed};
use crate::recover::join::{hosts, volume_of};
use crate::snapshot::Snapshot;

/// The container that takes the snapshot in, and the one that makes the data.
const TAKER: &str = "take-in";
const MAKER: &str = "make";
/// Where both have the folder for the snapshot.
const FOLDER: &str = "/seed";
/// Where the snapshot is, once it is whole.
pub(super) const FILE: &str = "/seed/snapshot.db";
/// Takes away what an earlier try has left in the data folder, where one has, and waits for the snapshot. It comes through exec, and a
/// shell can only look again and again.
pub(crate) const WAIT: &str = r#"trap 'exit 1' TERM INT
[ -z "$2" ] || { rm -rf "$2/member" && { rmdir "$2" 2>/dev/null || true; } } || exit 1
while [ ! -f "$1/snapshot.db" ]; do sleep 1; done"#;
/// So many bytes of standard input become the snapshot, when they have that checksum.
pub(crate) const TAKE: &str = r#"head -c "$2" >"$1/part" && sum=$(sha256sum "$1/part") && [ "${sum%% *}" = "$3" ] && mv "$1/part" "$1/snapshot.db""#;
/// How long such a pod may live, seconds: nobody is there to delete it when its run was killed and never taken up.
const LIFE: u64 = 3600;
/// Nobody, for a container that must not be root and is told no other number.
const NOBODY: u32 = 65534;

/// The programs that can do it, by their age: `etcdutl` from etcd 3.5 on; before, and up to 3.5, `etcdctl`.
pub(super) const PROGRAMS: [&str; 2] = ["etcdutl", "etcdctl"];

/// What the pod is made with, beside what the plan says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Means<'a> {
    /// The image that takes the snapshot in.
    pub(super) image: &'a str,
    /// The program that makes the data.
    pub(super) program: &'a str,
    /// The checksum of the snapshot.
    pub(super) sum: &'a str,
    /// Whether what is in the data folder is what an earlier try has left.
    pub(super) begun: bool,
}

/// The pod. `set`: the live `StatefulSet`, of which it takes the image, the rights, and where pods may be.
pub(super) fn pod(seen: &Snapshot, set: &Value, seed: &Seed, means: Means<'_>) -> Value {
    let template = &set["spec"]["template"]["spec"];
    let own = etcd::container(set);
    let mut taker = json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});
    let told = |part: &Value| part["securityContext"]["runAsUser"].as_i64();
    let non_root = |part: &Value| part["securityContext"]["runAsNonRoot"] == true;
    if let Some(user) = told(&own) {
        taker["runAsUser"] = user.into();
    } else if (non_root(template) || non_root(&own)) && told(template).is_none() {
        taker["runAsUser"] = NOBODY.into();
    }
    let command: Vec<String> = std::iter::once(means.program.to_owned()).chain(seed.arguments(FILE)).collect();
    let keep = |key: &str| template.get(key).cloned().unwrap_or(Value::Null);
    let mut spec = json!({
        "restartPolicy": "Never",
        "activeDeadlineSeconds": LIFE,
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "imagePullSecrets": keep("imagePullSecrets"),
        "securityContext": keep("securityContext"),
        "nodeSelector": keep("nodeSelector"),
        "tolerations": keep("tolerations"),
        "priorityClassName": keep("priorityClassName"),
        "affinity": affinity(seen, template, seed),
        "initContainers": [{
            "name": TAKER, "image": means.image, "imagePullPolicy": "IfNotPresent",
            "command": ["sh", "-c", WAIT, "sh", FOLDER, if means.begun { &seed.birth.folder } else { "" }],
            "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "1", "memory": "256Mi"}},
            "securityContext": taker,
            "volumeMounts": [
                {"name": "seed", "mountPath": FOLDER},
                {"name": "volume", "mountPath": seed.birth.mount},
            ],
        }],
        "containers": [{
            "name": MAKER, "image": own["image"], "imagePullPolicy": own["imagePullPolicy"],
            "command": command,
            // Up to 3.4 `etcdctl` speaks the API of etcd 2 otherwise.
            "env": [{"name": "ETCDCTL_API", "value": "3"}],
            "terminationMessagePolicy": "FallbackToLogsOnError",
            "resources": own.get("resources").cloned().unwrap_or(Value::Null),
            "securityContext": own.get("securityContext").cloned().unwrap_or(Value::Null),
            "volumeMounts": [
                {"name": "seed", "mountPath": FOLDER, "readOnly": true},
                {"name": "volume", "mountPath": seed.birth.mount},
            ],
        }],
        "volumes": [
            {"name": "seed", "emptyDir": {}},
            {"name": "volume", "persistentVolumeClaim": {"claimName": seed.claim.name}},
        ],
    });
    without_nothing(&mut spec);
    // Whether it was made for this. Not the whole of it: where it may run is otherwise once the claim has its volume.
    let mark = checksum(format!("{} {} {} {}", means.image, means.program, means.sum, seed.token).as_bytes());
    json!({"apiVersion": "v1", "kind": "Pod", "spec": spec, "metadata": {
        "name": helper::name(&seed.claim), "namespace": seed.claim.namespace,
        "labels": {HELPER: "seed", "app.kubernetes.io/managed-by": "seaworthy"},
        "annotations": {SPEC: mark, "sidecar.istio.io/inject": "false", "linkerd.io/inject": "disabled"}}})
}

/// What the template does not say is not said here.
fn without_nothing(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(without_nothing);
        }
        Value::Array(all) => all.iter_mut().for_each(without_nothing),
        _ => {}
    }
}

mod etcd {
    use serde_json::Value;

    use crate::object::items;

    /// The container of the template that is the member.
    pub(super) fn container(set: &Value) -> Value {
        let name = crate::etcd::of(set).map(|set| set.container);
        let mut all = items(set, "/spec/template/spec/containers");
        all.find(|container| container["name"].as_str() == name.as_deref()).cloned().unwrap_or_default()
    }
}

/// Which nodes may have it. A fresh claim gets its disk where this pod runs, and the member has to be able to run there afterwards: so it
/// goes where the template says, and away from the disks of the other members where the template keeps members apart. That rule itself
/// would not do: pods that have ended do not count for it.
fn affinity(seen: &Snapshot, template: &Value, seed: &Seed) -> Value {
    let mut node = template["affinity"]["nodeAffinity"].clone();
    if volume_of(seen, &seed.claim).is_none() {
        let volumes = seed.others.iter().filter_map(|claim| volume_of(seen, claim));
        let mut taken: Vec<&str> = volumes.flat_map(hosts).collect();
        taken.sort_unstable();
        taken.dedup();
        let apart = &template["affinity"]["podAntiAffinity"];
        let elsewhere = json!({"key": "kubernetes.io/hostname", "operator": "NotIn", "values": taken});
        if taken.is_empty() {
        } else if items(apart, "/requiredDuringSchedulingIgnoredDuringExecution").next().is_some() {
            require(&mut node, &elsewhere);
        } else {
            let wish = json!({"weight": 100, "preference": {"matchExpressions": [elsewhere]}});
            push(&mut node["preferredDuringSchedulingIgnoredDuringExecution"], wish);
        }
    }
    if node.is_null() { Value::Null } else { json!({"nodeAffinity": node}) }
}

/// Any one term is enough for a node: so each gets the expression.
fn require(node: &mut Value, expression: &Value) {
    let terms = &mut node["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"];
    match terms.as_array_mut().filter(|terms| !terms.is_empty()) {
        Some(terms) => terms.iter_mut().for_each(|term| push(&mut term["matchExpressions"], expression.clone())),
        None => *terms = json!([{"matchExpressions": [expression]}]),
    }
}

fn push(list: &mut Value, item: Value) {
    match list.as_array_mut() {
        Some(all) => all.push(item),
        None => *list = json!([item]),
    }
}

/// Where the snapshot is sent to.
pub(super) fn place(seed: &Seed, image: &str) -> Place {
    Place {
        namespace: seed.claim.namespace.clone().unwrap_or_default(),
        pod: helper::name(&seed.claim),
        container: TAKER.to_owned(),
        path: FOLDER.to_owned(),
        image: image.to_owned(),
    }
}

/// How far the pod is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Something is still to come.
    Starting(String),
    /// The snapshot is waited for.
    Waiting,
    /// Its data is being made.
    Making,
    /// It is made.
    Made,
    /// It has not the program.
    NoProgram(String),
    /// It will not be made.
    Hopeless(String),
}

/// Whether the pod that is there was made for this, whatever has become of it.
pub(super) fn is_same(live: &Pod, wanted: &Value) -> bool {
    let mark = live.metadata.annotations.as_ref().and_then(|all| all.get(SPEC));
    mark.map(String::as_str) == wanted["metadata"]["annotations"][SPEC].as_str()
        && live.metadata.deletion_timestamp.is_none()
}

/// Reads it from the pod.
pub(super) fn state(pod: Option<&Pod>) -> State {
    let Some(status) = pod.and_then(|pod| pod.status.as_ref()) else {
        return State::Starting("it is not there yet".to_owned());
    };
    let phase = status.phase.as_deref();
    if phase == Some("Succeeded") {
        return State::Made;
    }
    let first = |list: &Option<Vec<ContainerStatus>>| list.iter().flatten().next().and_then(|one| one.state.clone());
    let (taker, maker) = (first(&status.init_container_statuses), first(&status.container_statuses));
    if let Some(ended) = maker.as_ref().and_then(|state| state.terminated.as_ref()).filter(|ended| ended.exit_code != 0)
    {
        let said = ended.message.as_deref().or(ended.reason.as_deref()).unwrap_or_default();
        let words = format!("exit code {}: {}", ended.exit_code, crate::object::printable(said.trim()));
        // The runtime could not start it: there is no such file in the image (containerd: `StartError`, CRI-O and Docker:
        // `ContainerCannotRun`).
        let is_missing = matches!(ended.reason.as_deref(), Some("StartError" | "ContainerCannotRun"));
        return if is_missing { State::NoProgram(words) } else { State::Hopeless(words) };
    }
    if let Some(ended) = taker.as_ref().and_then(|state| state.terminated.as_ref()) {
        return match ended.exit_code {
            0 => match helper::waiting(maker.as_ref()) {
                Some(helper::State::Hopeless(why)) => State::Hopeless(why),
                _ => State::Making,
            },
            code => State::Hopeless(format!("{TAKER} ended with exit code {code}")),
        };
    }
    if taker.as_ref().is_some_and(|state| state.running.is_some()) {
        return State::Waiting;
    }
    if phase == Some("Failed") {
        return State::Hopeless(status.message.clone().unwrap_or_else(|| "it failed".to_owned()));
    }
    match helper::waiting(taker.as_ref()) {
        Some(helper::State::Hopeless(why)) => State::Hopeless(why),
        Some(helper::State::Starting(why)) => State::Starting(why),
        _ => State::Starting(helper::unscheduled(status)),
    }
}

#[cfg(test)]
mod tests;
