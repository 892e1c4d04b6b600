//! What the pure parts cost for a thousand objects, beside the parsing of the same objects as JSON, which every tool of
//! this kind has to do: `cargo bench`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use seaworthy::doctor::evidence::Evidence;
use seaworthy::doctor::report::{Choice, judge};
use seaworthy::plan::compare::compare;
use seaworthy::snapshot::Snapshot;
use seaworthy::stack::{Choices, Stack, source::read_folder};
use serde_json::{Value, json};

const OBJECTS: usize = 1000;
const ROUNDS: usize = 15;

const FILES: [(&str, &str); 6] = [
    (
        "stack.yaml",
        "format: 1\nname: many\ntitle: Many\ndescription: Many maps.\nversion: 1.0.0\nnamespace: many\ncomponents:\n  - \
         {name: maps, title: Maps, manifests: [maps.yaml]}\nprofiles:\n  single-node: {title: One, description: One., \
         needs: {nodes: 1}}\n",
    ),
    (
        "values.schema.yaml",
        "type: object\nadditionalProperties: false\nproperties:\n  count: {type: integer, title: Count}\n",
    ),
    ("values.yaml", "count: 1000\n"),
    ("single-node.yaml", "{}\n"),
    ("example.yaml", "{}\n"),
    (
        "manifests/maps.yaml",
        "{% for i in range(values.count) %}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ r ~ '-' ~ i }}\n  \
         labels: {{ labels('maps') }}\ndata:\n  text: {{ 'some text ' ~ i }}\n{% endfor %}\n",
    ),
];

fn main() {
    let folder = std::env::temp_dir().join(format!("seaworthy-bench-{}", std::process::id())).join("many");
    for (path, text) in FILES {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    let stack = Stack::load(&read_folder(&folder).expect("a folder")).expect("a stack");
    let release = stack.release(None, None);
    let objects: Vec<Value> = stack
        .prepare(&Choices::default(), &release)
        .expect("objects")
        .objects
        .into_iter()
        .map(|rendered| rendered.object)
        .collect();
    assert_eq!(objects.len(), OBJECTS);
    let live: Vec<Value> = objects.iter().map(applied).collect();
    let text = serde_json::to_string(&live).expect("JSON");

    let parse = median(|| drop(black_box(serde_json::from_str::<Value>(&text).expect("JSON"))));
    let prepare = median(|| drop(black_box(stack.prepare(&Choices::default(), &release).expect("objects"))));
    let decide = median(|| {
        assert!(objects.iter().zip(&live).all(|(wanted, live)| compare(wanted, live).is_same()));
    });
    println!("{OBJECTS} objects, medians of {ROUNDS}");
    for (what, took) in
        [("parse as JSON", parse), ("values to checked objects", prepare), ("compare with live", decide)]
    {
        println!(
            "{what:<28} {:>8.2} ms  {:>5.2} x",
            took.as_secs_f64() * 1e3,
            took.as_secs_f64() / parse.as_secs_f64()
        );
    }
    doctor();
    std::fs::remove_dir_all(folder.parent().expect("a parent")).expect("to clean up");
}

/// Pods of the cluster that the doctor judges; every tenth is not well.
const PODS: usize = 2000;

/// All checks over one evidence.
fn doctor() {
    let snapshot = cluster();
    let now = "2026-11-20T10:00:00Z".parse().expect("a time");
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..ROUNDS {
        let evidence = Evidence::new(snapshot.clone(), now);
        let begun = Instant::now();
        let report = black_box(judge(&evidence, &Choice::default()));
        times.push(begun.elapsed());
        assert!(report.summary.errors >= 40 && report.summary.symptoms >= 40, "{:?}", report.summary);
    }
    times.sort();
    let took = times[ROUNDS / 2].as_secs_f64() * 1e3;
    println!("{:<28} {took:>8.2} ms  ({PODS} pods, {} objects)", "doctor, all checks", snapshot.len());
}

/// Deployments of ten pods each with their Services; of every tenth the image does not exist.
fn cluster() -> Snapshot {
    let mut snapshot = Snapshot::default();
    for node in 0..50 {
        snapshot.insert(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": format!("n{node}")},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]}}));
    }
    for number in 0..PODS / 10 {
        let (name, namespace, broken) = (format!("app{number}"), format!("team{}", number % 20), number % 5 == 0);
        for object in workload(&name, &namespace, broken) {
            snapshot.insert(object);
        }
        for pod in 0..10 {
            snapshot.insert(pod_of(&name, &namespace, pod, broken && pod % 2 == 0));
        }
    }
    snapshot
}

fn workload(name: &str, namespace: &str, broken: bool) -> [Value; 4] {
    [
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace, "uid": name, "generation": 1},
            "spec": {"replicas": 10, "template": {"metadata": {"labels": {"app": name}}}},
            "status": {"observedGeneration": 1, "replicas": 10}}),
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": format!("{name}-1"), "namespace": namespace,
            "uid": format!("{name}-1"), "generation": 1, "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": name,
            "uid": name, "controller": true}]}, "spec": {"replicas": 10}, "status": {"observedGeneration": 1, "replicas": 10}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace},
            "spec": {"selector": {"app": name}, "ports": [{"port": 80}]}}),
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": name, "namespace": namespace,
            "labels": {"kubernetes.io/service-name": name}}, "endpoints": [{"conditions": {"ready": !broken}}]}),
    ]
}

fn pod_of(name: &str, namespace: &str, number: usize, broken: bool) -> Value {
    let status = if broken {
        json!({"name": "main", "ready": false, "restartCount": 0, "state": {"waiting": {"reason": "ImagePullBackOff",
            "message": "Back-off pulling image \"a:1\": ErrImagePull: rpc error: code = NotFound desc = a:1: not found"}}})
    } else {
        json!({"name": "main", "ready": true, "restartCount": 0, "state": {"running": {}}})
    };
    let ready = if broken { "False" } else { "True" };
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("{name}-1-{number}"), "namespace": namespace,
        "uid": format!("{name}-1-{number}"), "labels": {"app": name}, "creationTimestamp": "2026-11-20T09:00:00Z",
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": format!("{name}-1"), "uid": format!("{name}-1"), "controller": true}]},
        "spec": {"nodeName": format!("n{}", number % 50), "containers": [{"name": "main", "image": "a:1"}]},
        "status": {"phase": if broken { "Pending" } else { "Running" }, "containerStatuses": [status],
            "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": ready, "lastTransitionTime": "2026-11-20T09:00:00Z"}]}})
}

/// The object as an API server keeps it after our apply.
fn applied(object: &Value) -> Value {
    let labels = object["metadata"]["labels"].as_object().into_iter().flat_map(serde_json::Map::keys);
    let mut owned = json!({"f:data": {"f:text": {}}, "f:metadata": {"f:labels": {}}});
    for label in labels {
        owned["f:metadata"]["f:labels"][format!("f:{label}")] = json!({});
    }
    let mut live = object.clone();
    live["metadata"]["managedFields"] =
        json!([{"manager": "seaworthy", "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": owned}]);
    live["metadata"]["resourceVersion"] = json!("1");
    live
}

fn median(mut work: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            work();
            begun.elapsed()
        })
        .collect();
    times.sort();
    times[ROUNDS / 2]
}
