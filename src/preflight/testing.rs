//! Plans and clusters for the tests of the checks.

use serde_json::{Value, json};

use super::{Around, Objection, Subject};
use crate::cluster::ClusterId;
use crate::plan::{Action, Change, Installation, Plan, Purpose, Step};
use crate::snapshot::Snapshot;

/// A plan that makes these objects.
pub(super) fn plan(objects: impl IntoIterator<Item = Value>) -> Plan {
    let own = |text: &str| text.to_owned();
    let (stack, version, namespace, release, profile) = (own("shop"), own("1"), own("sea"), own("shop"), own("ha"));
    let step = |(number, object): (usize, Value)| Step {
        id: format!("apply:{number}"),
        title: format!("create {number}"),
        component: None,
        needs: Vec::new(),
        action: Action::Apply { object },
        change: Change::Create,
    };
    Plan {
        purpose: Purpose::Install,
        installation: Installation { stack, version, namespace, release, profile },
        cluster: ClusterId { context: own("c"), server: own("s"), uid: own("u") },
        steps: objects.into_iter().enumerate().map(step).collect(),
        reach: Vec::new(),
        occasion: None,
    }
}

pub(super) fn around(objects: impl IntoIterator<Item = Value>) -> Around {
    let mut snapshot = Snapshot::default();
    objects.into_iter().for_each(|object| snapshot.insert(object));
    Around { snapshot, version: "v1.34.4".to_owned(), ..Around::default() }
}

pub(super) fn subject(plan: &Plan) -> Subject<'_> {
    Subject { plan, kubernetes: None }
}

/// Each objection in a line: `refuses: message` or `warns: message`.
pub(super) fn lines(objections: &[Objection]) -> Vec<String> {
    let line = |it: &Objection| format!("{}: {}", if it.refuses { "refuses" } else { "warns" }, it.message);
    objections.iter().map(line).collect()
}

pub(super) fn deployment(name: &str, replicas: u32, pod: &Value) -> Value {
    workload("Deployment", name, &json!(replicas), pod)
}

pub(super) fn workload(kind: &str, name: &str, replicas: &Value, pod: &Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": "sea"},
        "spec": {"replicas": replicas, "template": {"metadata": {"labels": {"app": name}}, "spec": pod}}})
}

/// A pod of one container that asks for this.
pub(super) fn asks(cpu: &str, memory: &str) -> Value {
    json!({"containers": [{"name": "main", "resources": {"requests": {"cpu": cpu, "memory": memory}}}]})
}

pub(super) fn node(name: &str, cpu: &str, memory: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}}, "spec": {},
        "status": {"allocatable": {"cpu": cpu, "memory": memory, "pods": "110"},
            "conditions": [{"type": "Ready", "status": "True"}]}})
}

/// A pod that runs on a node.
pub(super) fn running(name: &str, node: &str, mut pod: Value) -> Value {
    pod["nodeName"] = json!(node);
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "other", "labels": {}}, "spec": pod,
        "status": {"phase": "Running"}})
}
