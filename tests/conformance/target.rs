//! What is asked: a new sandbox for each case, or a real cluster.

use bytes::Bytes;
use futures::StreamExt as _;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use kube::client::Body;
use seaworthy::cluster::Clock;
use seaworthy::sandbox::{Kind, Sandbox};
use serde_json::{Value, json};

use super::case::Case;

const KUBECONFIG: &str = "SEAWORTHY_CONFORMANCE_KUBECONFIG";

/// Whether a real cluster is asked.
pub(super) fn is_real() -> bool {
    std::env::var_os(KUBECONFIG).is_some()
}

pub(super) struct Target {
    client: kube::Client,
    /// The time that leaps.
    pub(super) clock: Option<Clock>,
    /// The names of its nodes.
    pub(super) nodes: Vec<String>,
}

/// A request as it goes out.
pub(super) struct Sent<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) kind: &'a str,
    pub(super) accept: Option<&'a str>,
    pub(super) body: Option<&'a Value>,
}

/// An answer as it came.
pub(super) struct Answer {
    pub(super) code: u16,
    /// Which need not be JSON.
    pub(super) body: Value,
    /// Its `Warning` headers.
    pub(super) warnings: Vec<String>,
}

impl Target {
    pub(super) async fn of(case: &Case) -> Self {
        let (client, clock) = if let Some(path) = std::env::var_os(KUBECONFIG) {
            (real(&path).await, None)
        } else {
            let sandbox = Sandbox::new(if case.nodes > 1 { Kind::Ha } else { Kind::SingleNode });
            (sandbox.client(), Some(sandbox.clock()))
        };
        let mut target = Self { client, clock, nodes: Vec::new() };
        let (_, list) = target.get("/api/v1/nodes").await;
        let names = list["items"].as_array().expect("a cluster has nodes").iter();
        target.nodes = names.map(|node| node["metadata"]["name"].as_str().unwrap().to_owned()).collect();
        assert!(target.nodes.len() >= case.nodes as usize, "{} needs {} nodes", case.name, case.nodes);
        target
    }

    pub(super) async fn get(&self, path: &str) -> (u16, Value) {
        self.send(&Sent { method: Method::GET, path, kind: "application/json", accept: None, body: None }).await
    }

    /// Code and body of the answer.
    pub(super) async fn send(&self, sent: &Sent<'_>) -> (u16, Value) {
        let answer = self.answer(sent).await;
        (answer.code, answer.body)
    }

    pub(super) async fn answer(&self, sent: &Sent<'_>) -> Answer {
        let (code, bytes, warnings) = self.bytes(sent).await;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { code, body: serde_json::from_str(&text).unwrap_or(Value::String(text)), warnings }
    }

    /// All events of a watch, or the one answer that refuses it.
    pub(super) async fn watch(&self, path: &str) -> (u16, Vec<Value>) {
        let joint = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{joint}watch=true");
        let sent = Sent { method: Method::GET, path: &path, kind: "application/json", accept: None, body: None };
        let (code, bytes, _) = self.bytes(&sent).await;
        let lines = serde_json::Deserializer::from_slice(&bytes).into_iter();
        let events: Result<Vec<Value>, _> = lines.collect();
        let mut events = events.unwrap_or_else(|_| vec![json!(String::from_utf8_lossy(&bytes))]);
        // Bookmarks come when the server thinks it time; only the one that ends the first events is an answer.
        let is_timed =
            |event: &Value| event["type"] == "BOOKMARK" && event["object"]["metadata"].get("annotations").is_none();
        events.retain(|event| !is_timed(event));
        (code, events)
    }

    async fn bytes(&self, sent: &Sent<'_>) -> (u16, Bytes, Vec<String>) {
        let body = sent.body.map_or_else(Vec::new, |body| match body {
            Value::String(text) => text.clone().into_bytes(),
            body => serde_json::to_vec(body).unwrap(),
        });
        let mut request =
            Request::builder().method(sent.method.clone()).uri(sent.path).header("user-agent", "conformance/1");
        if !body.is_empty() {
            request = request.header("content-type", sent.kind);
        }
        if let Some(accept) = sent.accept {
            request = request.header("accept", accept);
        }
        let request = request.body(Body::from(body)).unwrap();
        let response = self.client.send(request).await.unwrap_or_else(|error| panic!("{}: {error:?}", sent.path));
        let code = response.status().as_u16();
        let warnings = response.headers().get_all(http::header::WARNING).iter();
        let warnings = warnings.map(|warning| String::from_utf8_lossy(warning.as_bytes()).into_owned()).collect();
        let mut stream = response.into_body().into_data_stream();
        let mut whole = Vec::new();
        while let Some(part) = stream.next().await {
            whole.extend_from_slice(&part.unwrap_or_else(|error| panic!("{}: {error:?}", sent.path)));
        }
        (code, whole.into(), warnings)
    }
}

async fn real(path: &std::ffi::OsStr) -> kube::Client {
    let config = kube::config::Kubeconfig::read_from(path).unwrap();
    let config =
        kube::Config::from_custom_kubeconfig(config, &kube::config::KubeConfigOptions::default()).await.unwrap();
    kube::Client::try_from(config).unwrap()
}
