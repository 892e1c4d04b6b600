//! The remedies, a row for each: which findings it is for, and what it comes to in this cluster.

use serde_json::Value;

use super::{Remedy, roll_back};
use crate::doctor::evidence::Evidence;
use crate::doctor::finding::Finding;
use crate::object::{ObjectRef, is_true, items, number, text};
use crate::plan::verb::{Field, Pinned, Verb, escaped};
use crate::snapshot::classes::{DEFAULT_MARKS, is_default};

/// Looks at a finding of its checks.
type Offer = fn(&Finding, &Evidence) -> Option<Remedy>;

/// Ids of checks, and what can be done about what they find.
pub(super) const ROWS: &[(&[&str], Offer)] = &[
    (&["W015"], resume),
    (&["J002"], unsuspend),
    (&["V001"], default_class),
    (&["V002"], one_default),
    (&["S003"], open_nodes),
    (&["X001", "X002"], ask_no_webhook),
    (&["D001"], start_dns),
    (&["I001"], only_ingress_class),
    (&["M005"], metrics),
    (&["L001"], load_balancer),
    (&["P025", "P026"], delete_failed),
    (&["W007"], let_go),
    (OF_A_TEMPLATE, roll_back::offer),
];

/// What a new pod template can bring about.
const OF_A_TEMPLATE: &[&str] = &[
    "W001", "W002", "P001", "P002", "P003", "P004", "P006", "P007", "P008", "P009", "P010", "P011", "P013", "P014",
    "P015", "P017", "P021", "P022", "F001", "F002", "F003", "S001", "S002", "S004", "R003",
];

/// A step that sets fields of a live object, where they are not as wanted already.
fn set(live: &Value, does: impl Into<String>, fields: &[(&str, Option<Value>)]) -> Option<Verb> {
    let fields: Vec<Field> =
        fields.iter().filter_map(|(pointer, wanted)| Field::of(live, pointer, wanted.clone())).collect();
    let object = Pinned::of(live)?;
    (!fields.is_empty()).then(|| Verb::Set { object, does: does.into(), fields })
}

fn resume(finding: &Finding, evidence: &Evidence) -> Option<Remedy> {
    let live = evidence.snapshot.get(&finding.object)?;
    let title = format!("let the rollout of {} go on", finding.object.short());
    Remedy::steps(&title, set(live, &title, &[("/spec/paused", None)]).into_iter().collect())
}

/// Not what a queue holds back (Kueue's label), which starts it by itself.
fn unsuspend(finding: &Finding, evidence: &Evidence) -> Option<Remedy> {
    let live = evidence.snapshot.get(&finding.object)?;
    if !live["metadata"]["labels"]["kueue.x-k8s.io/queue-name"].is_null() || !live["spec"]["managedBy"].is_null() {
        return None;
    }
    let title = format!("let {} run", finding.object.short());
    Remedy::steps(&title, set(live, &title, &[("/spec/suspend", Some(false.into()))]).into_iter().collect())
}

/// Only where there is nothing to choose.
fn default_class(_: &Finding, evidence: &Evidence) -> Option<Remedy> {
    if evidence.gap("StorageClass").is_some() {
        return None;
    }
    let classes: Vec<&Value> = evidence.snapshot.of_kind("storage.k8s.io", "StorageClass").collect();
    match classes.as_slice() {
        [] => Some(Remedy::command("install the local-path provisioner", &["prerequisites", "install", "local-path"])),
        [class] => {
            let title = format!("make the class {} the default", text(class, "/metadata/name")?);
            Remedy::steps(&title, mark_default(class, &title, true).into_iter().collect())
        }
        _ => None,
    }
}

fn mark_default(class: &Value, does: &str, wanted: bool) -> Option<Verb> {
    let marks = DEFAULT_MARKS.iter().enumerate();
    // The older mark counts as well, where it stands.
    let due = marks
        .filter(|(number, mark)| if wanted { *number == 0 } else { class["metadata"]["annotations"][mark] == "true" });
    let pointers: Vec<String> = due.map(|(_, mark)| format!("/metadata/annotations/{}", escaped(mark))).collect();
    let value: Value = wanted.to_string().into();
    let fields: Vec<(&str, Option<Value>)> =
        pointers.iter().map(|pointer| (pointer.as_str(), Some(value.clone()))).collect();
    set(class, does, &fields)
}

/// The newest stays, which is the one that Kubernetes takes.
fn one_default(finding: &Finding, evidence: &Evidence) -> Option<Remedy> {
    let classes = evidence.snapshot.of_kind("storage.k8s.io", "StorageClass");
    let others =
        classes.filter(|class| is_default(class) && text(class, "/metadata/name") != Some(&finding.object.name));
    let steps = others.filter_map(|class| {
        mark_default(class, &format!("make the class {} no default any more", text(class, "/metadata/name")?), false)
    });
    Remedy::steps(format!("keep {} as the only default class", finding.object.name), steps.collect())
}

fn open_nodes(finding: &Finding, evidence: &Evidence) -> Option<Remedy> {
    let closed = evidence
        .snapshot
        .of_kind("", "Node")
        .filter(|node| node["spec"]["unschedulable"] == true && is_true(node, "Ready"));
    let steps = closed.filter_map(|node| {
        set(node, format!("open node {} to pods", text(node, "/metadata/name")?), &[("/spec/unschedulable", None)])
    });
    let about = [&finding.message].into_iter().chain(&finding.evidence);
    let is_closed = about
        .into_iter()
        .any(|line| line.contains("node.kubernetes.io/unschedulable") || line.contains("were unschedulable"));
    let stays = "pods that came meanwhile stay, and somebody may have closed the nodes on purpose";
    Remedy::steps("open the closed nodes", steps.filter(|_| is_closed).collect()).map(|remedy| remedy.asked(stays))
}

fn ask_no_webhook(finding: &Finding, evidence: &Evidence) -> Option<Remedy> {
    let live = evidence.snapshot.get(&finding.object)?;
    let pointers: Vec<String> = items(live, "/webhooks")
        .enumerate()
        .filter(|(_, hook)| {
            text(hook, "/failurePolicy") == Some("Fail") && hook.pointer("/clientConfig/service").is_some()
        })
        .map(|(number, _)| format!("/webhooks/{number}/failurePolicy"))
        .collect();
    let fields: Vec<(&str, Option<Value>)> =
        pointers.iter().map(|pointer| (pointer.as_str(), Some("Ignore".into()))).collect();
    let title = format!("go on without the webhooks of {} while they cannot be asked", finding.object.name);
    let stays = "what is let through meanwhile stays";
    Remedy::steps(&title, set(live, &title, &fields).into_iter().collect()).map(|remedy| remedy.asked(stays))
}

/// Two, as kubeadm starts it.
const DNS_PODS: i64 = 2;

/// Only when somebody has stopped it.
fn start_dns(_: &Finding, evidence: &Evidence) -> Option<Remedy> {
    let is_dns = |live: &&Value| {
        text(live, "/metadata/namespace") == Some("kube-system")
            && live["spec"]["template"]["metadata"]["labels"]["k8s-app"] == "kube-dns"
            && number(live, "/spec/replicas") == Some(0)
    };
    let workload = evidence.snapshot.of_kind("apps", "Deployment").find(is_dns).and_then(Pinned::of)?;
    let title = format!("start {} again", workload.object.short());
    Remedy::steps(title, vec![Verb::Scale { workload, to: DNS_PODS, original: 0 }])
}

fn only_ingress_class(finding: &Finding, evidence: &Evidence) -> Option<Remedy> {
    let live = evidence.snapshot.get(&finding.object).filter(|live| live["kind"] == "Ingress")?;
    let classes: Vec<&Value> = evidence.snapshot.of_kind("networking.k8s.io", "IngressClass").collect();
    let [class] = classes.as_slice() else { return None };
    let name = text(class, "/metadata/name")?;
    let title = format!("give {} the class {name}", finding.object.short());
    Remedy::steps(&title, set(live, &title, &[("/spec/ingressClassName", Some(name.into()))]).into_iter().collect())
}

fn metrics(_: &Finding, evidence: &Evidence) -> Option<Remedy> {
    let served = evidence.snapshot.get(&ObjectRef::new(
        "apiregistration.k8s.io/v1",
        "APIService",
        None,
        "v1beta1.metrics.k8s.io",
    ));
    (served.is_none() && evidence.gap("APIService").is_none())
        .then(|| Remedy::command("install metrics-server", &["prerequisites", "install", "metrics-server"]))
}

fn load_balancer(_: &Finding, evidence: &Evidence) -> Option<Remedy> {
    // Somebody's speakers may only be down; then it is not another one that is needed.
    let there = evidence
        .snapshot
        .of_kind("apps", "DaemonSet")
        .any(|set| text(set, "/metadata/namespace") == Some("metallb-system"));
    (!there).then(|| Remedy::command("install MetalLB", &["prerequisites", "install", "metallb"]))
}

fn let_go(finding: &Finding, evidence: &Evidence) -> Option<Remedy> {
    let pods = finding.instances.iter().filter_map(|pod| evidence.snapshot.get(pod)).filter_map(Pinned::of);
    let steps: Vec<Verb> = pods.map(|object| Verb::Delete { object }).collect();
    let title = format!("let {} make its pod anew", finding.object.short());
    Remedy::steps(title, steps).map(|remedy| remedy.asked("the pod's log goes with it"))
}

fn delete_failed(finding: &Finding, evidence: &Evidence) -> Option<Remedy> {
    let pods = finding.places().iter().filter_map(|place| evidence.snapshot.get(place));
    let is_left_over = |pod: &&Value| {
        pod["kind"] == "Pod"
            && pod["status"]["phase"] == "Failed"
            && items(pod, "/metadata/ownerReferences").next().is_some()
    };
    let steps: Vec<Verb> =
        pods.filter(is_left_over).filter_map(Pinned::of).map(|object| Verb::Delete { object }).collect();
    let remedy = Remedy::steps("delete the pods that have failed; others have taken their places", steps);
    remedy.map(|remedy| remedy.asked("their logs go with them"))
}
