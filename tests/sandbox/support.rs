//! A sandbox to talk to as any client of Kubernetes does.

use http::{Method, Request};
use seaworthy::cluster::Clock;
use seaworthy::object::ObjectRef;
use seaworthy::sandbox::{Kind, Sandbox};
use serde_json::{Value, json};

/// A new cluster with a namespace of its own, whose time leaps.
pub(crate) struct Harbour {
    pub(crate) sandbox: Sandbox,
    client: kube::Client,
    pub(crate) clock: Clock,
}

/// The namespace of everything here.
pub(crate) const SEA: &str = "sea";

impl Harbour {
    pub(crate) async fn new(kind: Kind) -> Self {
        let sandbox = Sandbox::new(kind);
        let (client, clock) = (sandbox.client(), sandbox.clock());
        let harbour = Self { sandbox, client, clock };
        harbour.make(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SEA}})).await.unwrap();
        harbour
    }

    /// Sends a request; the `Status` of a refusal comes back as it is.
    pub(crate) async fn send(&self, method: Method, path: &str, kind: &str, body: &Value) -> Result<Value, Value> {
        let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(body).unwrap() };
        let request = Request::builder().method(method).uri(path).header("content-type", kind).body(body).unwrap();
        let text = match self.client.request_text(request).await {
            Ok(text) => text,
            Err(kube::Error::Api(status)) => return Err(serde_json::to_value(&status).unwrap()),
            Err(error) => panic!("{path}: {error}"),
        };
        Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, Value> {
        self.send(Method::GET, path, "application/json", &Value::Null).await
    }

    pub(crate) async fn make(&self, object: &Value) -> Result<Value, Value> {
        let path = collection(object);
        self.send(Method::POST, &path, "application/json", object).await
    }

    pub(crate) async fn merge(&self, path: &str, patch: &Value) -> Result<Value, Value> {
        self.send(Method::PATCH, path, "application/merge-patch+json", patch).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<Value, Value> {
        self.send(Method::DELETE, path, "application/json", &Value::Null).await
    }

    /// Waits until the object at this path is so, in the time of this machine.
    pub(crate) async fn until(&self, path: &str, is_so: impl Fn(&Value) -> bool) {
        let wait = async {
            while !is_so(&self.get(path).await.unwrap()) {
                // Looked for again until it is so: the time of the sandbox goes on by itself.
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        };
        let late = tokio::time::timeout(std::time::Duration::from_secs(60), wait).await;
        assert!(late.is_ok(), "{path}: {}", self.get(path).await.unwrap());
    }

    /// An object of a kind in the namespace of these tests, or of the cluster.
    pub(crate) fn see(&self, api_version: &str, kind: &str, name: &str) -> Option<Value> {
        let global = ["Node", "PersistentVolume", "Namespace", "StorageClass"].contains(&kind);
        self.sandbox.object(&ObjectRef::new(api_version, kind, (!global).then_some(SEA), name))
    }

    /// All events about an object: reason and message.
    pub(crate) fn events(&self, name: &str) -> Vec<(String, String)> {
        let all = self.sandbox.objects();
        let about = all.iter().filter(|object| object["kind"] == "Event" && object["involvedObject"]["name"] == name);
        let own = |event: &Value, key: &str| event[key].as_str().unwrap().to_owned();
        about.map(|event| (own(event, "reason"), own(event, "message"))).collect()
    }
}

/// Where objects of this kind are made.
pub(crate) fn collection(object: &Value) -> String {
    let reference = ObjectRef::of(object).unwrap_or_else(|| {
        ObjectRef::new(object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap(), None, "")
    });
    let kind = seaworthy::kinds::builtin(&reference.api_version, &reference.kind).unwrap();
    let root =
        if kind.group.is_empty() { "/api/v1".to_owned() } else { format!("/apis/{}/{}", kind.group, kind.version) };
    let scope = if kind.namespaced { format!("/namespaces/{SEA}") } else { String::new() };
    format!("{root}{scope}/{}", kind.plural)
}

/// A claim of the default class.
pub(crate) fn claim(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": SEA},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "64Mi"}}}})
}

/// A pod with a claim.
pub(crate) fn pod(name: &str, claim: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": SEA, "labels": {"app": name}},
        "spec": {"containers": [{"name": "main", "image": "app:1", "ports": [{"name": "http", "containerPort": 8080}]}],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]}})
}
