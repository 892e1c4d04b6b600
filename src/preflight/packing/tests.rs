use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::Around;
use super::super::testing::{around, asks, deployment, lines, node, plan, running, subject, workload};
use super::judge;
use crate::host::distribution::Distribution;

fn told(objects: impl IntoIterator<Item = Value>, cluster: impl IntoIterator<Item = Value>) -> Vec<String> {
    let plan = plan(objects);
    lines(&judge(subject(&plan), &around(cluster)))
}

fn two_nodes() -> [Value; 2] {
    [node("a", "2", "4Gi"), node("b", "2", "4Gi")]
}

#[test]
fn what_fits_is_not_spoken_of() {
    let objects = [deployment("web", 3, &asks("1", "1Gi")), deployment("db", 1, &asks("1", "2Gi"))];
    assert_eq!(told(objects, two_nodes()), [""; 0]);
    // By sizes alone a greedy search fails here: 3+3 and 2+2+2 into two nodes of 6.
    let six = [node("a", "6", "8Gi"), node("b", "6", "8Gi")];
    let objects = [deployment("three", 2, &asks("3", "1Mi")), deployment("two", 3, &asks("2", "1Mi"))];
    assert_eq!(told(objects, six), [""; 0]);
}

#[test]
fn a_pod_that_no_node_is_large_enough_for_is_refused_with_the_figures() {
    assert_eq!(
        told([deployment("web", 1, &asks("3", "1Gi"))], two_nodes()),
        ["refuses: a pod of Deployment/sea/web asks for 3000m cpu, and the largest node that takes it has 2000m cpu"]
    );
    let gpu = json!({"containers": [{"name": "main", "resources": {"limits": {"nvidia.com/gpu": "1"}}}]});
    assert_eq!(
        told([deployment("runner", 1, &gpu)], two_nodes()),
        [
            "refuses: a pod of Deployment/sea/runner asks for 1 nvidia.com/gpu, and the largest node that takes it has 0 nvidia.com/gpu"
        ]
    );
    assert_eq!(told([deployment("none", 0, &asks("9", "1Gi"))], two_nodes()), [""; 0]);
}

#[test]
fn what_runs_there_takes_room_but_not_the_plans_own_pods() {
    let objects = || [deployment("web", 2, &asks("1500m", "1Gi"))];
    let other = running("other-1", "b", asks("1", "1Gi"));
    assert_eq!(
        told(objects(), two_nodes().into_iter().chain([other])),
        [
            "refuses: 1 of 2 pods fit on the nodes at once; there is no room for one of Deployment/sea/web, which asks for 1500m cpu and 1024Mi memory"
        ]
    );
    let mut own = running("web-1", "b", asks("1500m", "1Gi"));
    own["metadata"] = json!({"name": "web-1", "namespace": "sea", "labels": {"app": "web", "pod-template-hash": "1"}});
    assert_eq!(told(objects(), two_nodes().into_iter().chain([own])), [""; 0]);
    let mut done = running("job", "b", asks("2", "1Gi"));
    done["status"]["phase"] = json!("Succeeded");
    assert_eq!(told(objects(), two_nodes().into_iter().chain([done])), [""; 0]);
}

#[test]
fn labels_and_taints_leave_no_node() {
    let mut pod = asks("1", "1Gi");
    pod["nodeSelector"] = json!({"disk": "ssd"});
    let said = told([deployment("db", 1, &pod)], two_nodes());
    assert_eq!(said, ["refuses: no node takes the pods of Deployment/sea/db: none has the labels that it asks for"]);
    let mut tainted = node("a", "2", "4Gi");
    tainted["spec"]["taints"] = json!([{"key": "dedicated", "value": "x", "effect": "NoSchedule"}]);
    let said = told([deployment("db", 1, &asks("1", "1Gi"))], [tainted]);
    assert_eq!(said, ["refuses: no node takes the pods of Deployment/sea/db: it tolerates the taints of none"]);
    let mut cordoned = node("a", "2", "4Gi");
    cordoned["spec"]["unschedulable"] = json!(true);
    let said = told([deployment("db", 1, &asks("1", "1Gi"))], [cordoned]);
    assert_eq!(said, ["refuses: no node takes the pods of Deployment/sea/db: none is ready and open to pods"]);
}

#[test]
fn what_may_come_is_only_warned_of() {
    let db = || [deployment("db", 1, &asks("1", "1Gi"))];
    assert_eq!(told(db(), []), [""; 0], "nothing to judge by");
    let mut away = node("a", "2", "4Gi");
    away["status"]["conditions"][0]["status"] = json!("Unknown");
    away["spec"]["taints"] = json!([{"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}]);
    assert!(told(db(), [away.clone()])[0].starts_with("warns: no node takes"));
    assert!(
        told([deployment("db", 1, &asks("4", "1Gi"))], [away])[0].starts_with("refuses: a pod of"),
        "not even then"
    );
    let plan = plan([deployment("db", 1, &asks("4", "1Gi"))]);
    let cloud = Around { distribution: Some(Distribution::Cloud), ..around(two_nodes()) };
    assert!(lines(&judge(subject(&plan), &cloud))[0].starts_with("warns: a pod of"), "nodes come as they are needed");
}

#[test]
fn members_that_keep_apart_need_a_node_each() {
    let mut pod = asks("100m", "64Mi");
    pod["affinity"] = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
        {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "etcd"}}}]}});
    let set = |replicas| workload("StatefulSet", "etcd", &json!(replicas), &pod);
    assert_eq!(told([set(2)], two_nodes()), [""; 0]);
    assert_eq!(
        told([set(3)], two_nodes()),
        [
            "refuses: 2 of 3 pods fit on the nodes at once; there is no room for one of StatefulSet/sea/etcd, which asks for 100m cpu and 64Mi memory on a node without another of its kind"
        ]
    );
}

#[test]
fn a_daemon_has_to_fit_on_every_node_and_a_port_is_taken_once() {
    let daemon = workload("DaemonSet", "agent", &Value::Null, &asks("500m", "64Mi"));
    let busy = running("busy", "b", asks("1800m", "1Gi"));
    assert_eq!(
        told([daemon], two_nodes().into_iter().chain([busy])),
        [
            "refuses: DaemonSet/sea/agent has a pod on every node, and b has no room for it: it asks for 500m cpu and 64Mi memory, free are 200m cpu and 3072Mi memory"
        ]
    );
    let mut pod = asks("100m", "64Mi");
    pod["containers"][0]["ports"] = json!([{"containerPort": 80, "hostPort": 80}]);
    let said = told([deployment("edge", 3, &pod)], two_nodes());
    assert!(said[0].starts_with("refuses: 2 of 3 pods fit") && said[0].ends_with("and its port 80/TCP"), "{said:?}");
}

#[test]
fn the_least_of_an_autoscaler_counts_and_nothing_is_said_of_what_makes_no_pods() {
    let mut web = deployment("web", 1, &asks("1", "1Gi"));
    web["spec"].as_object_mut().unwrap().remove("replicas");
    let scaler = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web", "namespace": "sea"},
        "spec": {"minReplicas": 5, "maxReplicas": 9, "scaleTargetRef": {"kind": "Deployment", "name": "web"}}});
    assert!(told([web, scaler], two_nodes())[0].starts_with("refuses: 4 of 5 pods fit"));
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "namespace": "sea"}});
    assert_eq!(told([map], []), [""; 0]);
}

proptest! {
    /// Whatever was cut out of the nodes fits into them again.
    #[test]
    fn what_a_cluster_was_cut_into_fits(cuts in prop::collection::vec((0_usize..3, 1_u32..900), 1..12)) {
        let mut free = [2000_u32; 3];
        let mut objects = Vec::new();
        for (number, (at, milli)) in cuts.into_iter().enumerate() {
            if free[at] >= milli {
                free[at] -= milli;
                objects.push(deployment(&format!("d{number}"), 1, &asks(&format!("{milli}m"), "1Mi")));
            }
        }
        let nodes = ["a", "b", "c"].map(|name| node(name, "2", "4Gi"));
        let said = told(objects, nodes);
        prop_assert!(!said.iter().any(|line| line.starts_with("refuses")), "{said:?}");
    }

    /// More than there is never fits.
    #[test]
    fn more_than_there_is_is_refused(replicas in 5_u32..9) {
        let said = told([deployment("web", replicas, &asks("1", "1Mi"))], two_nodes());
        prop_assert!(said[0].starts_with("refuses: 4 of"), "{said:?}");
    }
}
