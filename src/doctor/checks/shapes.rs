//! Workloads that are written so that something will go wrong, or may have been forgotten.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{each, each_workload, flag, kubectl, looks};
use crate::doctor::check::{Check, Severity, Verdict};
use crate::doctor::evidence::Evidence;
use crate::doctor::finding::Finding;
use crate::engine::ready::judge::claims;
use crate::object::{ObjectRef, has_ended, is_true, items, number, text};
use crate::plan::verb::ORIGINAL_REPLICAS;

/// The rows.
pub(super) const ROWS: &[Check] = &[
    looks(
        ("P023", Severity::Warning, "a probe names a port that its container does not have"),
        [
            "The probe asks at a port by its name, and the container declares no port of that name: the probe can never succeed.",
            "Give the container's port that name, or correct the probe: `kubectl edit KIND NAME`.",
            "a probe that gives the port as a number, also where the number is written as text.",
        ],
        &["Deployment", "StatefulSet", "DaemonSet"],
        lost_probe,
    ),
    looks(
        ("P029", Severity::Info, "nobody makes a pod anew"),
        [
            "No controller owns the pod: when its node is lost or drained, it does not come back.",
            "Run it as a Deployment, or as a Job when it is to end; delete it when nobody needs it any more.",
            "static pods, which their kubelet keeps, pods of `kube-system`, and pods that have ended.",
        ],
        &["Pod"],
        alone,
    ),
    looks(
        ("W008", Severity::Warning, "pods of a DaemonSet run where they should not"),
        [
            "Labels or taints of a node have changed, and the node still runs a pod of the DaemonSet that is not meant for it.",
            "Delete those pods, or mend its `nodeSelector` and tolerations: compare with `kubectl get nodes --show-labels`.",
            "pods that are where they should be and are not ready: they have findings of their own.",
        ],
        &["DaemonSet"],
        misplaced,
    ),
    looks(
        ("W010", Severity::Info, "a workload is scaled to nothing"),
        [
            "The workload is to have no pods. It may have been switched off for a while and forgotten.",
            "Scale it up when it is wanted: `kubectl scale KIND/NAME --replicas=1`.",
            "old ReplicaSets of a Deployment, which are kept for a rollback, and what an autoscaler scales.",
        ],
        &["Deployment", "StatefulSet"],
        nothing,
    ),
    looks(
        ("W016", Severity::Warning, "a rollout will wait for a volume that the old pod holds"),
        [
            "The Deployment starts the new pod before it stops the old one, both want a volume that only one node may have, and the \
            volume does not keep them on one node: the new pod can wait for ever.",
            "Set `strategy.type` to Recreate: the old pod then goes first.",
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
            "Set `ttlSecondsAfterFinished`, and delete the old ones: `kubectl delete jobs -n NAMESPACE --field-selector status.successful=1`.",
            "Jobs of a CronJob, which keeps as many as it says, and Jobs that go by themselves.",
        ],
        &["Job"],
        kept,
    ),
];

/// Runs of a CronJob that may be under way at once.
const RUNS: usize = 3;
/// Finished Jobs that a namespace may have.
const JOBS: usize = 50;

fn lost_probe(evidence: &Evidence) -> Verdict {
    each_workload(evidence, &["Deployment", "StatefulSet", "DaemonSet"], |workload, reference| {
        let (container, probe, port) = items(workload, "/spec/template/spec/containers").find_map(lost_port)?;
        let message =
            format!("the {probe} of container `{container}` asks at the port `{port}`, which it does not declare");
        let fix = format!("Give its port that name, or correct the probe: `{}`.", kubectl("edit", &reference));
        Some(Finding::new(reference, "PortNotFound", message).fix(fix))
    })
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

/// Of a namespace they are one finding: who makes one such pod often makes a thousand.
fn alone(evidence: &Evidence) -> Verdict {
    let (mut looked, mut alone) = (0, BTreeMap::<String, Vec<ObjectRef>>::new());
    for pod in evidence.snapshot.of_kind("", "Pod") {
        looked += 1;
        let is_static = pod["metadata"]["annotations"]["kubernetes.io/config.mirror"].is_string();
        let is_owned = items(pod, "/metadata/ownerReferences").next().is_some();
        let Some(pod) = ObjectRef::of(pod).filter(|_| !is_static && !is_owned && !has_ended(pod)) else { continue };
        let namespace = pod.namespace.clone().unwrap_or_default();
        if namespace != "kube-system" {
            alone.entry(namespace).or_default().push(pod);
        }
    }
    if alone.is_empty() {
        return Verdict::Pass { looked };
    }
    let findings = alone.into_iter().map(|(namespace, pods)| made_by_nobody(&namespace, pods)).collect();
    Verdict::Found { looked, findings }
}

fn made_by_nobody(namespace: &str, pods: Vec<ObjectRef>) -> Finding {
    if let [pod] = pods.as_slice() {
        let message = format!("nobody makes the pod {} anew when its node is lost", pod.name);
        let fix = format!(
            "Run it as a Deployment, or as a Job when it is to end; if nobody needs it: `{}`.",
            kubectl("delete", pod)
        );
        return Finding::new(pod.clone(), "NoController", message).fix(fix);
    }
    let named: Vec<&str> = pods.iter().take(3).map(|pod| pod.name.as_str()).collect();
    let more = if pods.len() > named.len() { format!(" and {} more", pods.len() - named.len()) } else { String::new() };
    let message = format!(
        "nobody makes {} pods of the namespace {namespace} anew when their nodes are lost: {}{more}",
        pods.len(),
        named.join(", ")
    );
    let fix = "Run them as Deployments, or as Jobs when they are to end; delete those that nobody needs.";
    let mut finding =
        Finding::new(ObjectRef::new("v1", "Namespace", None, namespace), "NoController", message).fix(fix);
    finding.instances = pods;
    finding
}

fn misplaced(evidence: &Evidence) -> Verdict {
    each(evidence, ("apps", "DaemonSet"), |set, reference| {
        let count = number(set, "/status/numberMisscheduled").filter(|count| *count > 0)?;
        let message = if count == 1 {
            "1 pod of the DaemonSet runs on a node that is not meant for it".to_owned()
        } else {
            format!("{count} pods of the DaemonSet run on nodes that are not meant for them")
        };
        let fix = format!(
            "Compare its nodeSelector and tolerations with the nodes, and delete what is left over: `kubectl get pods{} -o wide`.",
            flag(&reference)
        );
        Some(Finding::new(reference, "Misscheduled", message).fix(fix))
    })
}

fn nothing(evidence: &Evidence) -> Verdict {
    each_workload(evidence, &["Deployment", "StatefulSet"], |workload, reference| {
        if number(workload, "/spec/replicas") != Some(0) || is_autoscaled(&reference, evidence) {
            return None;
        }
        let message = format!("{} is scaled to nothing", reference.short());
        if workload["metadata"]["annotations"].get(ORIGINAL_REPLICAS).is_some() {
            let message = format!("{message} by a recovery that has not come to its end");
            let fix = "Do not scale it up by hand: `seaworthy recover` names the run, `seaworthy runs resume` goes on with it.";
            return Some(Finding::new(reference, "ScaledToZero", message).severity(Severity::Warning).fix(fix));
        }
        let fix = format!("Scale it up when it is wanted: `{} --replicas=1`.", kubectl("scale", &reference));
        Some(Finding::new(reference, "ScaledToZero", message).fix(fix))
    })
}

/// Whether an autoscaler decides how many pods a workload has.
fn is_autoscaled(workload: &ObjectRef, evidence: &Evidence) -> bool {
    let autoscalers = evidence.snapshot.of_kind("autoscaling", "HorizontalPodAutoscaler");
    autoscalers.filter_map(super::autoscaling::target).any(|target| target.same_object(workload))
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
            format!("a rollout of `{}` starts the new pod while the old one holds the claim `{claim}`", reference.name);
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
            let message = format!("{active} runs of the CronJob `{}` are under way at once", reference.name);
            let fix = format!(
                "Let each end before the next begins: `kubectl patch cronjob {}{} -p '{{\"spec\":{{\"concurrencyPolicy\":\"Forbid\"}}}}'`.",
                reference.name,
                flag(&reference)
            );
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
        let fix =
            format!("Set `ttlSecondsAfterFinished`, and delete what nobody needs: `kubectl get jobs -n {namespace}`.");
        Finding::new(ObjectRef::new("v1", "Namespace", None, namespace), "FinishedJobs", message).fix(fix)
    });
    let findings = findings.collect();
    Verdict::of(evidence.snapshot.of_kind("batch", "Job").count(), findings)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::snapshot::Snapshot;

    #[test]
    fn a_thousand_pods_that_nobody_makes_anew_are_one_finding() {
        let mut snapshot = Snapshot::default();
        for number in 0..1000 {
            let name = format!("p{number:04}");
            snapshot.insert(
                json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "a"}, "status": {"phase": "Running"}}),
            );
        }
        let evidence = Evidence::new(snapshot, "2026-11-20T10:00:00Z".parse().unwrap());
        let Verdict::Found { looked: 1000, findings } = alone(&evidence) else { panic!() };
        let [finding] = findings.as_slice() else { panic!("{findings:?}") };
        assert_eq!((finding.object.to_string(), finding.instances.len()), ("Namespace/a".to_owned(), 1000));
        let words = "nobody makes 1000 pods of the namespace a anew when their nodes are lost: p0000, p0001, p0002 and 997 more";
        assert_eq!(finding.message, words);
    }
}
