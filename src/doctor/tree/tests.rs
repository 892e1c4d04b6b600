//! One cause, its symptoms below it.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::doctor::evidence::{self, Evidence};
use crate::doctor::report::{Choice, Report, judge};
use crate::snapshot::Snapshot;

const LONG_AGO: &str = "2026-11-20T09:40:00Z";

fn report(items: Vec<Value>) -> Report {
    let mut snapshot = Snapshot::default();
    for item in items {
        snapshot.insert(item);
    }
    judge(&Evidence::new(snapshot, "2026-11-20T10:00:00Z".parse::<Timestamp>().unwrap()), &Choice::default())
}

fn node(name: &str, ready: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "status": {"conditions": [{"type": "Ready", "status": ready, "reason": "NodeStatusUnknown",
            "message": "Kubelet stopped posting node status.", "lastTransitionTime": LONG_AGO}]}})
}

fn service(name: &str) -> [Value; 2] {
    [
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "shop"},
            "spec": {"selector": {"app": name}, "ports": [{"port": 80}]}}),
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": format!("{name}-1"),
            "namespace": "shop", "labels": {"kubernetes.io/service-name": name}}, "endpoints": [{"conditions": {"ready": false}}]}),
    ]
}

/// A Deployment with a pod; `status` is of the pod's only container.
fn workload(name: &str, node: &str, status: &Value) -> [Value; 3] {
    let owner = |kind: &str, name: &str| json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": name, "controller": true}]);
    let set = format!("{name}-5d");
    [
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "shop", "uid": name, "generation": 1},
            "spec": {"replicas": 1, "template": {"metadata": {"labels": {"app": name}}}},
            "status": {"observedGeneration": 1, "replicas": 1, "conditions": [{"type": "Progressing", "status": "False",
                "reason": "ProgressDeadlineExceeded", "message": "ReplicaSet has timed out progressing."}]}}),
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": set, "namespace": "shop", "uid": set, "generation": 1,
            "ownerReferences": owner("Deployment", name)}, "spec": {"replicas": 1}, "status": {"observedGeneration": 1, "replicas": 1}}),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("{set}-x"), "namespace": "shop", "uid": format!("{set}-x"),
            "labels": {"app": name}, "ownerReferences": owner("ReplicaSet", &set), "creationTimestamp": LONG_AGO},
            "spec": {"nodeName": node, "containers": [{"name": "main", "image": format!("example/{name}:1")}]},
            "status": {"phase": "Running", "containerStatuses": [status],
                "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "False", "lastTransitionTime": LONG_AGO}]}}),
    ]
}

fn crash(words: &str) -> Value {
    json!({"name": "main", "ready": false, "restartCount": 9, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "message": words}}})
}

fn no_image() -> Value {
    json!({"name": "main", "ready": false, "restartCount": 0, "state": {"waiting": {"reason": "ImagePullBackOff",
        "message": "Back-off pulling image \"example/db:1\": ErrImagePull: rpc error: code = NotFound desc = example/db:1: not found"}}})
}

#[test]
fn a_node_that_is_gone_is_one_finding_with_its_pods_their_rollouts_and_services() {
    let running = json!({"name": "main", "ready": true, "restartCount": 0, "state": {"running": {}}});
    let mut items = vec![node("w1", "True"), node("w2", "Unknown")];
    for name in ["web", "db"] {
        items.extend(workload(name, "w2", &running));
        items.extend(service(name));
    }
    items.push(json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv-1"}, "status": {"phase": "Bound"},
        "spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [
            {"key": "kubernetes.io/hostname", "operator": "In", "values": ["w2"]}]}]}}}}));
    let report = report(items);
    assert_eq!(report.findings.len(), 1, "{:#?}", report.findings);
    let root = &report.findings[0];
    assert_eq!((root.id.as_str(), root.object.to_string().as_str()), ("N001", "Node/w2"));
    // Two pods, two Services, two rollouts, a volume.
    assert_eq!(root.suffering(), 7, "{root:#?}");
    assert!(report.headline.starts_with("Node/w2: the node w2 has not been ready for 20 min"), "{}", report.headline);
    assert!(report.headline.ends_with("(N001, 7 symptoms)"), "{}", report.headline);
}

#[test]
fn a_program_that_names_a_service_suffers_from_what_is_wrong_there() {
    let mut items = vec![node("w1", "True")];
    items.extend(workload(
        "web",
        "w1",
        &crash("dial tcp: lookup db on 10.96.0.10:53: no such host\nconnect to db:5432: connection refused"),
    ));
    items.extend(workload("db", "w1", &no_image()));
    items.extend(service("web"));
    items.extend(service("db"));
    let report = report(items);
    let roots: Vec<_> = report.findings.iter().map(|root| (root.id.as_str(), root.object.to_string())).collect();
    assert_eq!(roots, [("P002", "Deployment/shop/db".to_owned())], "{:#?}", report.findings);
    assert_eq!(report.summary.symptoms, 5, "{:#?}", report.findings);
}

/// An image that does not exist does not come from the pressure on the node that the pod happens to be on.
#[test]
fn what_happens_at_the_same_place_is_not_the_cause() {
    let mut pressed = node("w1", "True");
    pressed["status"]["conditions"].as_array_mut().unwrap().push(json!({"type": "DiskPressure", "status": "True"}));
    let mut items = vec![pressed];
    items.extend(workload("db", "w1", &no_image()));
    let report = report(items);
    let mut roots: Vec<_> = report.findings.iter().map(|root| root.id.as_str()).collect();
    roots.sort_unstable();
    assert_eq!(roots, ["N004", "P002"]);
}

/// Nobody is told to take a taint away that Kubernetes sets again, nor that it is a trouble of its own.
#[test]
fn a_taint_of_a_condition_is_its_condition() {
    let mut pressed = node("w1", "True");
    pressed["status"]["conditions"].as_array_mut().unwrap().push(json!({"type": "DiskPressure", "status": "True"}));
    pressed["spec"] = json!({"taints": [{"key": "node.kubernetes.io/disk-pressure", "effect": "NoSchedule"}]});
    let mut tainted = node("w1", "True");
    tainted["spec"] = json!({"taints": [{"key": "team", "value": "red", "effect": "NoSchedule"}]});
    let found = |node: Value, taint: &str| {
        let mut pod = workload("web", "", &json!({}))[2].clone();
        pod["spec"].as_object_mut().unwrap().remove("nodeName");
        let said = format!("0/1 nodes are available: 1 node(s) had untolerated taint {{{taint}: }}.");
        pod["status"] = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": said, "lastTransitionTime": LONG_AGO}]});
        let report = report(vec![node, pod]);
        let told = report
            .findings
            .iter()
            .flat_map(|root| root.walk())
            .map(|one| (one.id.clone(), one.fix.clone().unwrap_or_default()));
        (report.findings.len(), told.collect::<Vec<_>>())
    };
    let (roots, told) = found(pressed, "node.kubernetes.io/disk-pressure");
    assert_eq!((roots, told[0].0.as_str(), told[1].0.as_str()), (1, "N004", "S003"), "{told:?}");
    assert!(told[1].1.contains("kubectl describe node w1") && !told[1].1.contains("kubectl taint"), "{told:?}");
    let (_, told) = found(tainted, "team");
    assert_eq!(told[0].1, "Remove it, `kubectl taint node w1 team=red:NoSchedule-`, or add a toleration.");
}

/// What crashes can be started again; what is lost cannot be found again by whoever deletes a little more.
#[test]
fn data_that_is_lost_comes_first() {
    let mut items = vec![node("w1", "True")];
    for name in ["a", "b"] {
        items.extend(workload(name, "w1", &crash("panic")));
        items.extend(service(name));
    }
    items.push(
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "shop"},
        "spec": {"volumeName": "pv-1"}, "status": {"phase": "Lost"}}),
    );
    let report = report(items);
    assert_eq!(report.findings[0].id, "V009", "{:#?}", report.findings);
    assert!(report.headline.starts_with("PersistentVolumeClaim/shop/data: "), "{}", report.headline);
}

/// Where nobody wrote values down, nobody is sent to look for them.
#[test]
fn values_are_named_only_where_there_are_some() {
    let killed = json!({"name": "main", "ready": false, "restartCount": 2, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}});
    let fix = |label: Value| {
        let mut items = vec![node("w1", "True")];
        items.extend(workload("web", "w1", &killed));
        items[1]["metadata"]["labels"] = label;
        for container in items.iter_mut().filter_map(|item| item.pointer_mut("/spec/containers/0")) {
            container["resources"] = json!({"limits": {"memory": "64Mi"}});
        }
        report(items).findings[0].fix.clone().unwrap()
    };
    assert_eq!(fix(json!({})), "Raise the container's memory limit.");
    assert_eq!(fix(json!({"seaworthy.dev/stack": "web"})), "Raise the container's memory limit in the values.");
}

/// Two programs that wait for each other are two findings below each other at the most, never none.
#[test]
fn a_circle_has_an_end() {
    let mut items = vec![node("w1", "True")];
    for (name, other) in [("a", "b"), ("b", "a")] {
        items.extend(workload(name, "w1", &crash(&format!("connect to {other}:80: connection refused"))));
        items.extend(service(name));
    }
    let report = report(items);
    let all: usize = report.findings.iter().map(|root| root.walk().len()).sum();
    assert_eq!(all, 6, "{:#?}", report.findings);
}

#[test]
fn names_that_do_not_resolve_come_from_dns_when_dns_is_down() {
    let mut items = vec![node("w1", "True")];
    items.extend(workload("web", "w1", &crash("lookup api.example.org: server misbehaving")));
    let [mut dns, mut slice] = service("kube-dns");
    for object in [&mut dns, &mut slice] {
        object["metadata"]["namespace"] = json!("kube-system");
    }
    items.extend([dns, slice]);
    let report = report(items);
    assert_eq!(report.findings.len(), 1, "{:#?}", report.findings);
    assert!(
        report.headline.starts_with("Service/kube-system/kube-dns: cluster DNS does not answer"),
        "{}",
        report.headline
    );
}

/// A read failed: what made the pods is known by their names.
#[test]
fn without_its_replica_set_a_pod_still_leads_to_its_deployment() {
    let [deployment, _, mut pod] = workload("db", "w1", &no_image());
    pod["metadata"]["labels"]["pod-template-hash"] = "5d".into();
    let named = |items: Vec<Value>| {
        let report = report(items);
        report.findings.iter().map(|finding| finding.object.short()).collect::<Vec<_>>()
    };
    assert_eq!(named(vec![node("w1", "True"), deployment, pod.clone()])[0], "Deployment/db");
    // Nobody says that a Deployment made it.
    assert_eq!(named(vec![node("w1", "True"), pod])[0], "ReplicaSet/db-5d");
}

/// A pod that finds no node, and the volume that it had.
fn nodeless(name: &str) -> [Value; 2] {
    let claim = format!("data-{name}");
    [
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop", "uid": name, "creationTimestamp": LONG_AGO},
            "spec": {"containers": [{"name": "main", "image": "i"}]},
            "status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                "message": "no nodes available to schedule pods"}]}}),
        json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": format!("pv-{name}"), "creationTimestamp": LONG_AGO},
            "spec": {"claimRef": {"name": claim, "namespace": "shop"}, "nodeAffinity": {"required": {"nodeSelectorTerms": [{
                "matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["n1"]}]}]}}},
            "status": {"phase": "Bound"}}),
    ]
}

#[test]
fn without_nodes_there_is_one_thing_to_mend() {
    let report = report(["a", "b", "c"].iter().flat_map(|name| nodeless(name)).collect());
    // Beside it there is a note that nobody makes such pods anew.
    let root = &report.findings[0];
    assert!(report.findings[1..].iter().all(|one| one.id == "P029"), "{:#?}", report.findings);
    assert_eq!((root.id.as_str(), root.object.to_string()), ("N001", "Cluster/nodes".to_owned()));
    assert_eq!(root.symptoms.len(), 3, "{root:#?}");
    assert_eq!(root.causes.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["V010"; 3]);
    assert!(root.loses_data());
}

#[test]
fn a_service_whose_workload_somebody_deleted_hangs_below_that() {
    let record =
        json!({"inventory": [{"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "web"}]});
    let record = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shop.stall", "namespace": "seaworthy-system",
        "labels": {"seaworthy.dev/record": "installation"}}, "data": {"record.json": record.to_string()}});
    let home =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}, "status": {"phase": "Active"}});
    let [web, mut slice] = service("web");
    slice["endpoints"] = json!([]);
    let [.., mut pod] = workload("other", "n1", &json!({"name": "main", "ready": true, "state": {"running": {}}}));
    pod["status"]["conditions"][1]["status"] = json!("True");
    let found = report(vec![web, slice, home, pod, evidence::kept(record.clone())]);
    let roots: Vec<_> = found.findings.iter().map(|one| (one.id.as_str(), one.object.to_string())).collect();
    assert_eq!(roots, [("W017", "Deployment/shop/web".to_owned())], "{:#?}", found.findings);
    assert_eq!(found.findings[0].causes[0].id, "SV001");
    assert!(found.findings[0].fix.as_deref().unwrap_or_default().contains("`seaworthy upgrade stall -n shop`"));

    let homeless = report(vec![evidence::kept(record)]);
    let roots: Vec<_> = homeless.findings.iter().map(|one| (one.id.as_str(), one.object.to_string())).collect();
    assert_eq!(roots, [("W017", "Namespace/shop".to_owned())], "its objects are no findings beside it");
}

#[test]
fn who_reads_of_an_etcd_that_ends_is_led_to_its_data() {
    let mut items = workload("store", "n1", &crash("panic"));
    let plain = report(items.to_vec());
    assert!(!plain.findings[0].fix.as_deref().unwrap().contains("seaworthy recover"), "{:#?}", plain.findings);
    items[2]["spec"]["containers"][0]["image"] = json!("example/etcd:v3.6.4");
    let etcd = report(items.to_vec());
    assert!(etcd.findings[0].fix.as_deref().unwrap().contains("seaworthy recover"), "{:#?}", etcd.findings);
}

/// A pod that no node takes because somebody closed them.
#[test]
fn closed_nodes_are_one_thing_to_mend_and_it_is_said_how() {
    let found = |closed: &[&str]| {
        let nodes = closed.iter().map(|name| {
            let mut node = node(name, "True");
            node["spec"] = json!({"unschedulable": true});
            node
        });
        let said = format!("0/{0} nodes are available: {0} node(s) were unschedulable.", closed.len());
        let pods = ["a", "b"].into_iter().map(|name| {
            let mut pod = nodeless(name)[0].clone();
            pod["status"]["conditions"][0]["message"] = json!(said);
            pod
        });
        report(nodes.chain(pods).collect())
    };
    let one = found(&["n1"]);
    // Beside it there is a note that nobody makes such pods anew.
    let root = &one.findings[0];
    assert!(one.findings[1..].iter().all(|one| one.id == "P029"), "{:#?}", one.findings);
    assert_eq!((root.id.as_str(), root.object.to_string().as_str()), ("S003", "Node/n1"));
    assert_eq!(root.symptoms.len(), 2, "{root:#?}");
    assert_eq!(root.fix.as_deref(), Some("Open it again: `kubectl uncordon n1`."));
    let two = found(&["n1", "n2"]);
    assert_eq!(two.findings[0].object.to_string(), "Cluster/nodes");
    assert_eq!(two.findings[0].fix.as_deref(), Some("Open them again: `kubectl uncordon n1 n2`."));
}

/// Who corrects the image does not correct the port, nor gets an address by that.
#[test]
fn what_is_wrong_with_a_service_or_a_way_in_is_not_the_doing_of_its_pods() {
    let mut items = vec![node("w1", "True")];
    items.extend(workload("web", "w1", &no_image()));
    let [mut web, slice] = service("web");
    web["spec"]["ports"] = json!([{"port": 80, "targetPort": "http"}]);
    web["spec"]["type"] = json!("LoadBalancer");
    web["metadata"]["creationTimestamp"] = json!(LONG_AGO);
    let ingress = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web", "namespace": "shop",
        "creationTimestamp": LONG_AGO}, "spec": {"rules": [{"http": {"paths": [
            {"path": "/", "backend": {"service": {"name": "web", "port": {"number": 80}}}},
            {"path": "/x", "backend": {"service": {"name": "none", "port": {"number": 80}}}}]}}], "tls": [{"secretName": "none"}]}});
    items.extend([web, slice, ingress]);
    let report = report(items);
    let mut roots: Vec<_> = report.findings.iter().map(|root| root.id.as_str()).collect();
    roots.sort_unstable();
    assert_eq!(roots, ["I002", "I003", "I005", "I006", "L001", "P002", "SV003"], "{:#?}", report.findings);
}

/// What a set's own fields say is not mended with its claims, and a volume that was let go is told below the pods that still run with it.
#[test]
fn what_a_specification_says_stands_by_itself_and_one_loss_is_told_once() {
    let set = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "namespace": "shop", "uid": "db", "generation": 1},
        "spec": {"replicas": 1, "serviceName": "none", "template": {"spec": {"volumes": []}},
            "volumeClaimTemplates": [{"metadata": {"name": "data"}}]}, "status": {"observedGeneration": 1, "replicas": 1}});
    let mut pod = nodeless("db-0")[0].clone();
    pod["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": "db", "controller": true}]);
    pod["spec"]["volumes"] = json!([{"name": "data", "persistentVolumeClaim": {"claimName": "data-db-0"}}]);
    pod["status"]["conditions"][0]["message"] =
        json!("0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.");
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data-db-0", "namespace": "shop",
        "creationTimestamp": LONG_AGO}, "spec": {"storageClassName": "nope"}, "status": {"phase": "Pending"}});
    let found = report(vec![node("w1", "True"), set.clone(), pod.clone(), claim]);
    let mut roots: Vec<_> = found.findings.iter().map(|root| root.id.as_str()).collect();
    roots.sort_unstable();
    assert_eq!(roots, ["S006", "W006"], "{:#?}", found.findings);

    pod["spec"]["nodeName"] = json!("w1");
    pod["status"] = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]});
    let volume = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv-1"}, "status": {"phase": "Released"},
        "spec": {"persistentVolumeReclaimPolicy": "Retain", "claimRef": {"name": "data-db-0", "namespace": "shop", "uid": "old"}}});
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "none", "namespace": "shop"},
        "spec": {"clusterIP": "None"}});
    let lost = report(vec![node("w1", "True"), set, pod, volume, service]);
    let roots: Vec<_> = lost.findings.iter().map(|root| root.id.as_str()).collect();
    assert_eq!(roots, ["V028"], "{:#?}", lost.findings);
    assert_eq!(lost.findings[0].causes[0].id, "V012");
}
