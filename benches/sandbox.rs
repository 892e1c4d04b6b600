//! A large sandbox: how long 5,000 pods on 200 nodes take to run, what they weigh, and how long a list of them takes, beside what
//! writing the same list as JSON takes, which whoever serves it has to do: `cargo bench --bench sandbox`.
#![allow(clippy::unwrap_used, reason = "a panic is the report")]
#![allow(clippy::print_stdout, reason = "a bench speaks")]

use std::time::{Duration, Instant};

use http::{Method, Request};
use seaworthy::sandbox::{Kind, Sandbox};
use serde_json::{Value, json};

const NODES: usize = 200;
const DEPLOYMENTS: usize = 50;
const REPLICAS: usize = 100;
const ROUNDS: usize = 15;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let empty = resident();
    let sandbox = Sandbox::new(Kind::SingleNode);
    let _leap = sandbox.clock().leap();
    let client = sandbox.client();
    let began = Instant::now();
    let first = ask(&client, Method::GET, "/api/v1/nodes/sandbox-1", &Value::Null).await;
    for number in 2..=NODES {
        let mut node = first.clone();
        let name = format!("sandbox-{number}");
        node["metadata"] = json!({"name": name, "labels": {"kubernetes.io/hostname": name}});
        node["spec"]["podCIDR"] = format!("10.{}.{}.0/24", 100 + number / 250, number % 250).into();
        ask(&client, Method::POST, "/api/v1/nodes", &node).await;
    }
    let with_nodes = began.elapsed();
    for number in 0..DEPLOYMENTS {
        ask(&client, Method::POST, "/apis/apps/v1/namespaces/default/deployments", &deployment(number)).await;
    }
    let mut ready = 0;
    let limit = tokio::time::Instant::now() + Duration::from_secs(600);
    while ready < DEPLOYMENTS * REPLICAS && tokio::time::Instant::now() < limit {
        // Of the sandbox's time, which leaps where nothing else is to be done.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let list = ask(&client, Method::GET, "/apis/apps/v1/namespaces/default/deployments", &Value::Null).await;
        let count = |one: &Value| usize::try_from(one["status"]["readyReplicas"].as_u64().unwrap_or(0)).unwrap_or(0);
        ready = list["items"].as_array().unwrap().iter().map(count).sum();
    }
    assert_eq!(ready, DEPLOYMENTS * REPLICAS, "not all pods have come up");
    let running = began.elapsed();
    println!(
        "{NODES} nodes after {:.2} s, {ready} pods ready after {:.2} s",
        with_nodes.as_secs_f64(),
        running.as_secs_f64()
    );
    println!("resident: {} MiB more than before", (resident() - empty) >> 10);
    let path = "/api/v1/namespaces/default/pods";
    let list = ask(&client, Method::GET, path, &Value::Null).await;
    let write = median(|| drop(std::hint::black_box(list.to_string())));
    let mut asked: Vec<Duration> = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        std::hint::black_box(text(&client, Method::GET, path, &Value::Null).await);
        asked.push(began.elapsed());
    }
    asked.sort();
    let page = {
        let began = Instant::now();
        std::hint::black_box(text(&client, Method::GET, &format!("{path}?limit=500"), &Value::Null).await);
        began.elapsed()
    };
    let asked = asked[ROUNDS / 2];
    println!(
        "a list of all pods: {:.1} ms, {:.2} times what writing it as JSON takes ({:.1} ms); a page of 500: {:.1} ms",
        millis(asked),
        asked.as_secs_f64() / write.as_secs_f64(),
        millis(write),
        millis(page)
    );
}

fn deployment(number: usize) -> Value {
    let name = format!("many-{number}");
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "default"},
        "spec": {"replicas": REPLICAS, "selector": {"matchLabels": {"app": name}}, "template": {"metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "main", "image": "many:1", "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}}}]}}}})
}

async fn text(client: &kube::Client, method: Method, path: &str, body: &Value) -> String {
    let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(body).unwrap() };
    let request =
        Request::builder().method(method).uri(path).header("content-type", "application/json").body(body).unwrap();
    client.request_text(request).await.unwrap()
}

async fn ask(client: &kube::Client, method: Method, path: &str, body: &Value) -> Value {
    serde_json::from_str(&text(client, method, path, body).await).unwrap()
}

fn median(mut work: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            work();
            began.elapsed()
        })
        .collect();
    times.sort();
    times[ROUNDS / 2]
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Resident memory of this process, KiB (proc(5)).
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse().ok()).unwrap_or(0)
}
