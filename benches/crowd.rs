//! A large cluster in a sandbox, in the time of the sandbox.

use std::time::Duration;

use http::{Method, Request};
use serde_json::{Value, json};

/// Of the sandbox's time: all pods have come up by then, or something is wrong.
const LIMIT: Duration = Duration::from_secs(600);
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

/// Makes the nodes that are missing to so many, as the first one is.
pub(crate) async fn add_nodes(client: &kube::Client, nodes: usize) {
    let first = ask(client, Method::GET, "/api/v1/nodes/sandbox-1", &Value::Null).await;
    for number in 2..=nodes {
        let mut node = first.clone();
        let name = format!("sandbox-{number}");
        node["metadata"] = json!({"name": name, "labels": {"kubernetes.io/hostname": name}});
        node["spec"]["podCIDR"] = format!("10.{}.{}.0/24", 100 + number / 250, number % 250).into();
        ask(client, Method::POST, "/api/v1/nodes", &node).await;
    }
}

/// Makes Deployments, and waits until all their pods are ready.
pub(crate) async fn run_pods(client: &kube::Client, deployments: usize, replicas: usize) {
    for number in 0..deployments {
        ask(client, Method::POST, DEPLOYMENTS, &deployment(number, replicas)).await;
    }
    let (wanted, limit) = ((deployments * replicas) as u64, tokio::time::Instant::now() + LIMIT);
    loop {
        // It leaps where nothing else is to be done.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let list = ask(client, Method::GET, DEPLOYMENTS, &Value::Null).await;
        let ready = list["items"].as_array().unwrap().iter().filter_map(|one| one["status"]["readyReplicas"].as_u64());
        if ready.sum::<u64>() == wanted {
            return;
        }
        assert!(tokio::time::Instant::now() < limit, "not all pods have come up");
    }
}

fn deployment(number: usize, replicas: usize) -> Value {
    let name = format!("many-{number}");
    let container =
        json!({"name": "main", "image": "many:1", "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}}});
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "default"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}}})
}

/// The text of an answer.
pub(crate) async fn text(client: &kube::Client, method: Method, path: &str, body: &Value) -> String {
    let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(body).unwrap() };
    let request =
        Request::builder().method(method).uri(path).header("content-type", "application/json").body(body).unwrap();
    client.request_text(request).await.unwrap()
}

async fn ask(client: &kube::Client, method: Method, path: &str, body: &Value) -> Value {
    serde_json::from_str(&text(client, method, path, body).await).unwrap()
}
