//! Workloads that are written so that something will go wrong, or may have been forgotten.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{each, flag, looks};
use crate::doctor::check::{Check, Severity, Verdict};
use crate::doctor::evidence::Evidence;
use crate::doctor::finding::Finding;
use crate::engine::ready::judge::claims;
use crate::object::{ObjectRef, has_ended, is_true, items, number, text};

/// The rows.
pub(super) const ROWS: &[Check] = &[
    looks(
        ("P023", Severity::Warning, "a probe names a port that its container does not have"),
        [
            "The probe asks at a port by its name, and the container declares no port of that name: the probe can never succeed.",
            "Give the port the name, or correct the probe.",
            "a probe that gives the port as a number, and a port of another container of the pod with a probe of its own.",
        ],
        &["Deployment", "StatefulSet", "DaemonSet"],
        lost_probe,
    ),
    looks(
        ("P029", Severity::Info, "a pod has nobody who makes it anew"),
        [
            "No controller owns the pod: when its node is lost or drained, it does not come back.",
            "Run it as a Deployment, or as a Job when it is to end.",
            "static pods, which their kubelet keeps, pods of `kube-system`, and pods that have ended.",
        ],
        &["Pod"],
        alone,
    ),
    looks(
        ("W008", Severity::Warning, "pods of a DaemonSet run where they should not"),
        [
            "Labels or taints of a node have changed, and the node still runs a pod of the DaemonSet that is not meant for it.",
            "Compare the nodes with its `nodeSelector` and tolerations: `kubectl get nodes --show-labels`.",
            "nodes on which it runs as it should, not ready ones too: their pods have findings of their own.",
        ],
        &["DaemonSet"],
        misplaced,
    ),
    looks(
        ("W010", Severity::Info, "a workload is scaled to nothing"),
        [
            "The workload is to have no pods. It may have been switched off for a while and forgotten.",
            "Scale it up when it is wanted: `kubectl scale KIND/NAME --replicas=1`.",
            "old ReplicaSets of a Deployment, which are kept for a rollback.",
        ],
        &["Deployment", "StatefulSet"],
        nothing,
    ),
    looks(
        ("W016", Severity::Warning, "a rollout will wait for a volume that the old pod holds"),
        [
            "The Deployment starts the new pod before it stops the old one, both want a volume that only one node may have, and the \
            volume does not keep them on one node: the new pod can wait for ever.",
            "Set `strategy.type` to Recreate.",
            "a volume that lies on one node, where the new pod goes as well, and a cluster of one node.",
        ],
        &["Deployment", "PersistentVolumeClaim", "PersistentVolume", "Node"],
        waits_for_itself,
    ),
    looks(
        ("J005", Severity::Warning, "runs of a CronJob pile up"),
        [
            "More than three runs of the CronJob are under way at once: each takes longer than the time to the next.",
            "Set `concurrencyPolicy` to Forbid or Replace, or run it less often.",
            "up to three runs at a time.",
        ],
        &["CronJob"],
        piles,
    ),
    looks(
        ("J006", Severity::Info, "many finished Jobs are kept"),
        [
            "More than fifty Jobs have ended and stay, with their pods: lists get long, and etcd with them.",
            "Set `ttlSecondsAfterFinished`, and delete the old ones.",
            "Jobs of a CronJob, which keeps as many as it says, and Jobs that go by themselves.",
        ],
        &["Job"],
        kept,
    ),
];

const MAKERS: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];
/// Runs of a CronJob that may be under way at once.
const RUNS: usize = 3;
/// Finished Jobs that a namespace may have.
const JOBS: usize = 50;

fn lost_probe(evidence: &Evidence) -> Verdict {
    let workloads: Vec<&Value> = MAKERS.iter().flat_map(|kind| evidence.snapshot.of_kind("apps", kind)).collect();
    let findings = workloads.iter().filter_map(|workload| {
        let (container, probe, port) = items(workload, "/spec/template/spec/containers").find_map(lost_port)?;
        let reference = ObjectRef::of(workload)?;
        let message =
            format!("the {probe} of container `{container}` asks at the port `{port}`, which it does not declare");
        let fix = format!(
            "Correct it: `kubectl edit {} {}{}`.",
            reference.kind.to_lowercase(),
            reference.name,
            flag(&reference)
        );
        Some(Finding::new(reference, "PortNotFound", message).fix(fix))
    });
    Verdict::of(workloads.len(), findings.collect())
}

/// A container with a probe that asks at a port by a name which the container does not know.
fn lost_port(container: &Value) -> Option<(&str, &'static str, &str)> {
    ["startupProbe", "readinessProbe", "livenessProbe"].into_iter().find_map(|probe| {
        let asks = container.get(probe)?;
        let port = text(asks, "/httpGet/port").or_else(|| text(asks, "/tcpSocket/port"))?;
        // A number may be written as text.
        let is_name = port.parse::<u16>().is_err();
        let known = items(container, "/ports").any(|one| one["name"] == port);
        (is_name && !known).then_some((text(container, "/name")?, probe, port))
    })
}

fn alone(evidence: &Evidence) -> Verdict {
    each(evidence, ("", "Pod"), |pod, reference| {
        let is_static = pod["metadata"]["annotations"]["kubernetes.io/config.mirror"].is_string();
        let is_owned = items(pod, "/metadata/ownerReferences").next().is_some();
        let is_system = reference.namespace.as_deref() == Some("kube-system");
        (!is_static && !is_owned && !is_system && !has_ended(pod)).then(|| {
            let message = format!("nobody makes the pod {} anew when its node is lost", reference.name);
            Finding::new(reference, "NoController", message)
                .fix("Run it as a Deployment, or as a Job when it is to end.")
        })
    })
}

fn misplaced(evidence: &Evidence) -> Verdict {
    each(evidence, ("apps", "DaemonSet"), |set, reference| {
        let count = number(set, "/status/numberMisscheduled").filter(|count| *count > 0)?;
        let message = format!("{count} of its pods run on nodes that it is not meant for");
        let fix = format!("See where: `kubectl get pods{} -o wide`.", flag(&reference));
        Some(Finding::new(reference, "Misscheduled", message).fix(fix))
    })
}

fn nothing(evidence: &Evidence) -> Verdict {
    let workloads: Vec<&Value> = MAKERS[..2].iter().flat_map(|kind| evidence.snapshot.of_kind("apps", kind)).collect();
    let off = workloads.iter().filter(|workload| number(workload, "/spec/replicas") == Some(0));
    let findings = off.filter_map(|workload| ObjectRef::of(workload)).map(|reference| {
        let message = format!("{} is scaled to nothing", reference.short());
        let kind = reference.kind.to_lowercase();
        let fix = format!(
            "Scale it up when it is wanted: `kubectl scale {kind}/{}{} --replicas=1`.",
            reference.name,
            flag(&reference)
        );
        Finding::new(reference, "ScaledToZero", message).fix(fix)
    });
    let findings = findings.collect();
    Verdict::of(workloads.len(), findings)
}

fn waits_for_itself(evidence: &Evidence) -> Verdict {
    let snapshot = &evidence.snapshot;
    let several = snapshot.of_kind("", "Node").nth(1).is_some();
    each(evidence, ("apps", "Deployment"), |deployment, reference| {
        let rolls = text(deployment, "/spec/strategy/type") != Some("Recreate")
            && deployment
                .pointer("/spec/strategy/rollingUpdate/maxSurge")
                .is_none_or(|surge| surge != 0 && surge != "0%");
        if !several || !rolls || number(deployment, "/spec/replicas").unwrap_or(1) != 1 {
            return None;
        }
        let namespace = reference.namespace.clone();
        // The template of a pod has the shape of a pod.
        let claim = claims(deployment.pointer("/spec/template")?).find(|claim| {
            let claim = ObjectRef::new("v1", "PersistentVolumeClaim", namespace.as_deref(), claim);
            snapshot.get(&claim).is_some_and(|claim| moves_and_is_held(claim, evidence))
        })?;
        let message =
            format!("a rollout of {} starts the new pod while the old one holds the claim {claim}", reference.name);
        let fix = format!(
            "Stop the old one first: `kubectl patch deployment {}{} -p '{{\"spec\":{{\"strategy\":{{\"type\":\"Recreate\",\"rollingUpdate\":null}}}}}}'`.",
            reference.name,
            flag(&reference)
        );
        Some(Finding::new(reference, "RollingUpdate", message).fix(fix))
    })
}

/// Whether only one node may have the volume of a claim at a time, and it is none that lies on a node.
fn moves_and_is_held(claim: &Value, evidence: &Evidence) -> bool {
    let one_node = |mode: &Value| mode == "ReadWriteOnce" || mode == "ReadWriteOncePod";
    let volume = text(claim, "/spec/volumeName").map(|name| ObjectRef::new("v1", "PersistentVolume", None, name));
    let volume = volume.and_then(|volume| evidence.snapshot.get(&volume));
    let stays = volume.is_some_and(|volume| {
        super::volumes::nodes_of(volume).next().is_some() || volume.pointer("/spec/hostPath").is_some()
    });
    volume.is_some() && !stays && items(claim, "/spec/accessModes").all(one_node)
}

fn piles(evidence: &Evidence) -> Verdict {
    each(evidence, ("batch", "CronJob"), |job, reference| {
        let active = items(job, "/status/active").count();
        (active > RUNS).then(|| {
            let message = format!("{active} runs of {} are under way at once", reference.name);
            let fix = format!("See them: `kubectl get jobs{}`.", flag(&reference));
            Finding::new(reference, "RunsPileUp", message).fix(fix)
        })
    })
}

fn kept(evidence: &Evidence) -> Verdict {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let stays = |job: &&Value| {
        (is_true(job, "Complete") || is_true(job, "Failed"))
            && job["spec"]["ttlSecondsAfterFinished"].is_null()
            && items(job, "/metadata/ownerReferences").next().is_none()
    };
    for job in evidence.snapshot.of_kind("batch", "Job").filter(stays) {
        *counts.entry(text(job, "/metadata/namespace").unwrap_or_default()).or_default() += 1;
    }
    let findings = counts.iter().filter(|(_, count)| **count > JOBS).map(|(namespace, count)| {
        let message = format!("{count} finished Jobs are kept in the namespace {namespace}");
        let fix = format!("See them: `kubectl get jobs -n {namespace}`.");
        Finding::new(ObjectRef::new("v1", "Namespace", None, namespace), "FinishedJobs", message).fix(fix)
    });
    let findings = findings.collect();
    Verdict::of(evidence.snapshot.of_kind("batch", "Job").count(), findings)
}
