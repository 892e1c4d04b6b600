//! What is not ready and not yet wrong: it may pass, and until it has, nobody is told that all is well.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::check::Severity;
use super::evidence::Evidence;
use super::finding::Finding;
use super::stall::{self, words::clip, words::span};
use super::survey::{owner, top};
use crate::engine::ready::judge::{Readiness, judge};
use crate::object::{ObjectRef, has_ended, items, text};

/// The kinds that are looked at: what makes pods that are meant to go on running.
const KINDS: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];

/// A workload on its way, or a namespace on its way out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unsettled {
    /// Which.
    pub object: ObjectRef,
    /// How far it is: `0 of 1 pods ready`, `was told to go 30 s ago`.
    pub state: String,
    /// Seconds since its newest pod that is not ready became so.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    pub seconds: Option<i64>,
    /// What it waits for, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Unsettled {
    /// In a few words.
    pub fn line(&self) -> String {
        let time = self.seconds.map_or_else(String::new, |seconds| format!(" for {}", span(seconds)));
        format!("{} {}{time}", self.object, self.state)
    }
}

/// The workloads that are not ready and that no finding is about.
pub(super) fn of(findings: &[Finding], evidence: &Evidence) -> Vec<Unsettled> {
    let snapshot = &evidence.snapshot;
    let told = findings.iter().filter(|finding| finding.severity > Severity::Info);
    let told = told.flat_map(|one| std::iter::once(&one.object).chain(&one.instances).chain(&one.symptoms));
    let told: BTreeSet<ObjectRef> = told.map(|place| top(place, snapshot)).collect();
    let all = KINDS.iter().flat_map(|kind| snapshot.of_kind("apps", kind)).filter(|object| owner(object).is_none());
    let going = going(&told, evidence);
    let open = all.filter_map(|object| {
        let reference = ObjectRef::of(object).filter(|reference| !told.contains(reference))?;
        let Readiness::Waiting { progress } = judge(object, snapshot) else { return None };
        Some(Unsettled {
            why: stall::cause(&reference, snapshot, evidence.taken).map(|cause| cause.message),
            seconds: pods(object, evidence).filter_map(|pod| unready_for(pod, evidence)).min(),
            object: reference,
            state: progress,
        })
    });
    open.chain(going).collect()
}

/// The namespaces that were told to go and of which nothing is found.
fn going(told: &BTreeSet<ObjectRef>, evidence: &Evidence) -> Vec<Unsettled> {
    let one = |namespace: &Value| {
        let object = ObjectRef::of(namespace).filter(|object| !told.contains(object))?;
        let since = evidence.since(namespace, "/metadata/deletionTimestamp")?;
        let said = items(namespace, "/status/conditions").find(|one| one["status"] == "True");
        let why = said.and_then(|said| text(said, "/message")).map(clip);
        Some(Unsettled { object, state: format!("was told to go {} ago", span(since)), seconds: None, why })
    };
    evidence.snapshot.of_kind("", "Namespace").filter_map(one).collect()
}

/// The pods of a workload that are not ready, its own and those of its sets.
fn pods<'a>(workload: &'a Value, evidence: &'a Evidence) -> impl Iterator<Item = &'a Value> {
    let snapshot = &evidence.snapshot;
    let below = snapshot.owned_by(workload).flat_map(|child| std::iter::once(child).chain(snapshot.owned_by(child)));
    below.filter(|one| one["kind"] == "Pod" && !has_ended(one) && !is_ready(one))
}

fn is_ready(pod: &Value) -> bool {
    items(pod, "/status/conditions").any(|one| one["type"] == "Ready" && one["status"] == "True")
}

/// Seconds that a pod has not been ready; of one that says nothing of it, its age.
pub(super) fn unready_for(pod: &Value, evidence: &Evidence) -> Option<i64> {
    let ready = items(pod, "/status/conditions").find(|one| one["type"] == "Ready" && one["status"] != "True");
    let since = ready.filter(|ready| text(ready, "/lastTransitionTime").is_some());
    since
        .and_then(|ready| evidence.since(ready, "/lastTransitionTime"))
        .or_else(|| evidence.since(pod, "/metadata/creationTimestamp"))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::{Value, json};

    use crate::doctor::evidence::Evidence;
    use crate::doctor::report::{Choice, Report, judge};
    use crate::snapshot::Snapshot;

    fn owned(kind: &str, by: &str) -> Value {
        json!([{"apiVersion": "apps/v1", "kind": kind, "name": by, "uid": by, "controller": true}])
    }

    /// A Deployment with a pod that has run for long and has not been ready since `unready`, and its Service.
    fn items(unready: &str) -> Vec<Value> {
        let meta = |name: &str, by: Option<&str>| {
            let mut meta = json!({"name": name, "namespace": "shop", "uid": name, "generation": 1, "labels": {"app": "web"},
                "creationTimestamp": "2026-11-20T09:00:00Z"});
            if let Some(kind) = by {
                let (kind, name) = kind.split_once('/').unwrap();
                meta["ownerReferences"] = owned(kind, name);
            }
            meta
        };
        let status = json!({"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "unavailableReplicas": 1});
        let container = json!({"name": "main", "ready": false, "restartCount": 0, "state": {"running": {"startedAt": "2026-11-20T09:00:00Z"}}});
        let unhealthy = json!({"apiVersion": "v1", "kind": "Event", "type": "Warning", "reason": "Unhealthy", "count": 1,
            "message": "Readiness probe failed: HTTP probe failed with statuscode: 503", "lastTimestamp": unready,
            "metadata": {"name": "e", "namespace": "shop"}, "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": "shop",
            "name": "web-5d-x", "uid": "web-5d-x", "fieldPath": "spec.containers{main}"}});
        vec![
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta("web", None), "status": status,
                "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}}}}}),
            json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": meta("web-5d", Some("Deployment/web")),
                "spec": {"replicas": 1}, "status": {"observedGeneration": 1, "replicas": 1}}),
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": meta("web-5d-x", Some("ReplicaSet/web-5d")),
                "spec": {"nodeName": "w1", "containers": [{"name": "main", "image": "web:1", "readinessProbe": {"httpGet": {"port": 80}}}]},
                "status": {"phase": "Running", "containerStatuses": [container], "conditions": [
                    {"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "False", "lastTransitionTime": unready}]}}),
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"},
                "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}),
            json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": "web-1", "namespace": "shop",
                "labels": {"kubernetes.io/service-name": "web"}}, "endpoints": [{"conditions": {"ready": false}}]}),
            unhealthy,
        ]
    }

    fn report(items: Vec<Value>) -> Report {
        let mut snapshot = Snapshot::default();
        for item in items {
            snapshot.insert(item);
        }
        judge(&Evidence::new(snapshot, "2026-11-20T10:00:00Z".parse::<Timestamp>().unwrap()), &Choice::default())
    }

    #[test]
    fn what_is_not_ready_yet_is_told_and_nobody_is_told_that_all_is_well() {
        let report = report(items("2026-11-20T09:59:56Z"));
        assert_eq!(
            report.headline, "nothing found so far; not settled: Deployment/shop/web 0 of 1 pods ready for 4 s",
            "{:#?}",
            report.findings
        );
        assert!(!report.is_green());
        assert!(report.unsettled[0].why.as_ref().unwrap().contains("readiness probe"), "{:?}", report.unsettled);
    }

    /// The Service suffers from what its pods are about to say.
    #[test]
    fn a_service_waits_for_what_its_pods_will_say() {
        let mut early = items("2026-11-20T09:59:20Z");
        assert!(report(early.clone()).findings.is_empty(), "{:#?}", report(early).findings);
        early[5]["count"] = json!(5);
        assert_eq!(
            report(items("2026-11-20T09:58:30Z")).findings.iter().map(|root| root.id.as_str()).collect::<Vec<_>>(),
            ["P021"],
            "whatever became of the events, it has not been ready for long"
        );
        let late = report(early);
        let roots: Vec<&str> = late.findings.iter().map(|root| root.id.as_str()).collect();
        assert_eq!(roots, ["P021"], "{:#?}", late.findings);
        assert!(late.unsettled.is_empty(), "{:?}", late.unsettled);
    }

    #[test]
    fn a_namespace_on_its_way_out_is_not_settled() {
        let going = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "old", "deletionTimestamp": "2026-11-20T09:59:30Z"},
            "status": {"phase": "Terminating", "conditions": [{"type": "NamespaceFinalizersRemaining", "status": "True",
                "message": "Some content in the namespace has finalizers remaining: example.com/f in 1 resource instances"}]}});
        let report = report(vec![going]);
        assert!(
            report.headline.starts_with("nothing found so far; not settled: Namespace/old was told to go 30 s ago"),
            "{}",
            report.headline
        );
        assert!(report.unsettled[0].why.as_ref().unwrap().contains("example.com/f"), "{:?}", report.unsettled);
    }

    #[test]
    fn a_pod_that_ends_within_its_grace_is_no_finding() {
        let mut ending = items("2026-11-20T09:00:00Z");
        ending[0]["spec"]["replicas"] = json!(0);
        ending[2]["metadata"]["deletionTimestamp"] = json!("2026-11-20T10:00:20Z");
        ending[2]["metadata"]["deletionGracePeriodSeconds"] = json!(30);
        ending[2]["status"]["conditions"] =
            json!([{"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-20T09:00:00Z"}]);
        let ids = |items| {
            report(items).findings.iter().flat_map(|root| root.walk()).map(|one| one.id.clone()).collect::<Vec<_>>()
        };
        assert_eq!(ids(ending.clone()), ["W010"]);
        // What does not end is one.
        ending[2]["metadata"]["deletionTimestamp"] = json!("2026-11-20T09:50:00Z");
        assert!(ids(ending).contains(&"P027".to_owned()));
    }
}
