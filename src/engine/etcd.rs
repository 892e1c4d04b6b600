//! Talking to one member of an application's etcd: its v3 API as JSON over HTTP (`/v3/...` on the client port, on by default since etcd
//! 3.4), through a forward to its pod. No program has to be in the pod's image for it.

mod error;
mod snapshot;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::error::root;
use crate::etcd::{self, Alarm, EtcdSet, Id, Member, Status};
use crate::object::ObjectRef;

pub use error::EtcdError;
pub use snapshot::{Saved, whole};

/// How long a question may take. A member that waits for a majority gives up after 7 s itself (etcd 3.6: 5 s and two elections).
const ANSWER: Duration = Duration::from_secs(10);
/// How long what walks through the whole database may take.
const LONG: Duration = Duration::from_secs(300);
/// How long the node may take to say why a port cannot be reached, after the data has ended.
const WHY: Duration = Duration::from_millis(50);
/// How much of an answer is read, bytes.
const MOST: usize = 4 << 20;

/// The first key and the end of all keys, as a range of etcd has them: a zero byte.
const ALL: &str = "AA==";

/// A member of an etcd.
#[derive(Clone)]
pub struct Gateway {
    client: Client,
    pod: ObjectRef,
    port: u16,
    tls: bool,
}

impl Gateway {
    /// The member in a pod of an etcd.
    pub fn new(client: &Client, set: &EtcdSet, pod: &str) -> Self {
        Self { client: client.clone(), pod: set.pod(pod), port: set.port, tls: set.tls }
    }

    /// What it says of itself. Works without a majority.
    pub async fn status(&self) -> Result<Status, EtcdError> {
        self.read("/v3/maintenance/status", &json!({}), etcd::status).await
    }

    /// The members as this one knows them. Works without a majority: nothing is asked of the others (`linearizable` is not set; etcd 3.4
    /// does not know it, and refuses what it does not know).
    pub async fn members(&self) -> Result<Vec<Member>, EtcdError> {
        self.read("/v3/cluster/member/list", &json!({}), etcd::members).await
    }

    /// How many keys there are. Works without a majority.
    pub async fn keys(&self) -> Result<u64, EtcdError> {
        let all = json!({"key": ALL, "range_end": ALL, "count_only": true, "serializable": true});
        self.read("/v3/kv/range", &all, |answer| etcd::count(answer, "/count")).await
    }

    /// The hash of all keys up to a revision; `None` where this version of etcd does not tell over its gateway.
    pub async fn hash(&self, revision: i64) -> Result<Option<u64>, EtcdError> {
        let body = json!({"revision": revision.to_string()});
        match self.ask("/v3/maintenance/hashkv", &body, LONG).await {
            Ok(answer) => Ok(etcd::hash(&answer)),
            // Up to 3.5 it has the path of another hash, and which of the two answers there hangs on the version.
            Err(EtcdError::Refused { status: 404, .. }) => {
                Ok(etcd::hash(&self.ask("/v3/maintenance/hash", &body, LONG).await?))
            }
            Err(error) => Err(error),
        }
    }

    /// Forgets what keys were before a revision. Done already is done.
    pub async fn compact(&self, revision: i64) -> Result<(), EtcdError> {
        let body = json!({"revision": revision.to_string(), "physical": true});
        match self.ask("/v3/kv/compaction", &body, LONG).await {
            Err(EtcdError::Refused { message, .. }) if message.contains("has been compacted") => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// Gives back the space of the database file that holds nothing. The member answers nothing else meanwhile.
    pub async fn defragment(&self) -> Result<(), EtcdError> {
        self.ask("/v3/maintenance/defragment", &json!({}), LONG).await.map(drop)
    }

    /// The alarms that are raised, of all members.
    pub async fn alarms(&self) -> Result<Vec<Alarm>, EtcdError> {
        self.read("/v3/maintenance/alarm", &json!({"action": "GET"}), etcd::alarms).await
    }

    /// Takes an alarm back. Member 0 does not stand for all of them here, as it does for `etcdctl`.
    pub async fn disarm(&self, alarm: &Alarm) -> Result<(), EtcdError> {
        let body = json!({"action": "DEACTIVATE", "memberID": alarm.member.0.to_string(), "alarm": alarm.alarm});
        self.ask("/v3/maintenance/alarm", &body, ANSWER).await.map(drop)
    }

    /// Adds a member that has not started yet.
    pub async fn add(&self, peer: &str) -> Result<Vec<Member>, EtcdError> {
        self.read("/v3/cluster/member/add", &json!({"peerURLs": [peer]}), etcd::members).await
    }

    /// Takes a member out of the cluster for good: its number never comes back. One that is out already is done.
    pub async fn remove(&self, member: Id) -> Result<(), EtcdError> {
        let body = json!({"ID": member.0.to_string()});
        match self.ask("/v3/cluster/member/remove", &body, ANSWER).await {
            Err(EtcdError::Refused { message, .. }) if message.contains("member not found") => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// Writes a key, reads it, and deletes it: whether what is written is kept.
    pub async fn probe(&self, key: &str, value: &str) -> Result<(), EtcdError> {
        let (key, value) = (STANDARD.encode(key), STANDARD.encode(value));
        self.ask("/v3/kv/put", &json!({"key": key, "value": value}), ANSWER).await?;
        let read = self.ask("/v3/kv/range", &json!({"key": key}), ANSWER).await?;
        self.ask("/v3/kv/deleterange", &json!({"key": key}), ANSWER).await?;
        if read["kvs"][0]["value"] == value.as_str() {
            Ok(())
        } else {
            Err(self.unclear("/v3/kv/range", "the key that was just written reads otherwise"))
        }
    }

    async fn read<T>(&self, path: &str, body: &Value, of: impl Fn(&Value) -> Option<T>) -> Result<T, EtcdError> {
        let answer = self.ask(path, body, ANSWER).await?;
        of(&answer).ok_or_else(|| self.unclear(path, "the answer is none of etcd's"))
    }

    async fn ask(&self, path: &str, body: &Value, patience: Duration) -> Result<Value, EtcdError> {
        let talk = async {
            let mut line = self.open().await?;
            let response = line.send(path, body).await.map_err(|why| self.no_way(why))?;
            let status = response.status();
            let read = Limited::new(response.into_body(), MOST).collect().await;
            let bytes = read.map_err(|error| self.no_way(error.to_string()))?.to_bytes();
            let answer = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
            if status.is_success() { Ok(answer) } else { Err(self.refused(path, status.as_u16(), &answer)) }
        };
        let late = |_| EtcdError::Late { pod: self.pod.clone(), path: path.to_owned(), seconds: patience.as_secs() };
        tokio::time::timeout(patience, talk).await.map_err(late)?
    }

    /// A connection to the member, through the API server.
    async fn open(&self) -> Result<Line, EtcdError> {
        if self.tls {
            return Err(EtcdError::Tls { pod: self.pod.clone() });
        }
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), self.pod.namespace.as_deref().unwrap_or_default());
        let mut forward =
            pods.portforward(&self.pod.name, &[self.port]).await.map_err(|error| self.no_way(root(&error)))?;
        let refused = forward.take_error(self.port);
        let Some(stream) = forward.take_stream(self.port) else { return Err(self.no_way("no stream".to_owned())) };
        let shaken = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = shaken.map_err(|error| self.no_way(root(&error)))?;
        let driver = tokio::spawn(connection);
        Ok(Line { sender, driver, forward, refused: refused.map(|why| Box::pin(why) as Why) })
    }

    fn no_way(&self, why: String) -> EtcdError {
        EtcdError::NoWay { pod: self.pod.clone(), port: self.port, why }
    }

    fn unclear(&self, path: &str, why: &str) -> EtcdError {
        EtcdError::Unclear { pod: self.pod.clone(), path: path.to_owned(), why: why.to_owned() }
    }

    /// In etcd's own words. Up to 3.5 they stand in `error` and in `message`, from 3.6 on in `message`.
    fn refused(&self, path: &str, status: u16, answer: &Value) -> EtcdError {
        let said = answer["message"].as_str().or_else(|| answer["error"].as_str()).unwrap_or("it does not say why");
        let pod = self.pod.clone();
        // etcd 3.4: 3 (invalid argument), 3.5 and later: 16 (unauthenticated) or 7 (permission denied).
        if said.contains("user name is empty") || said.contains("permission denied") {
            return EtcdError::NeedsLogin { pod };
        }
        EtcdError::Refused { pod, path: path.to_owned(), status, message: said.to_owned() }
    }
}

type Why = std::pin::Pin<Box<dyn Future<Output = Option<String>> + Send>>;

/// One connection to a member. It ends when it is dropped.
struct Line {
    sender: hyper::client::conn::http1::SendRequest<Full<Bytes>>,
    driver: tokio::task::JoinHandle<Result<(), hyper::Error>>,
    forward: kube::api::Portforwarder,
    refused: Option<Why>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.driver.abort();
        self.forward.abort();
    }
}

impl Line {
    /// Sends a question. The body of the answer is on its way as long as the line is there.
    async fn send(&mut self, path: &str, body: &Value) -> Result<http::Response<Incoming>, String> {
        let request = http::Request::post(path)
            .header(http::header::HOST, "127.0.0.1")
            .header(http::header::CONTENT_TYPE, "application/json")
            .header(http::header::USER_AGENT, concat!("seaworthy/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(Bytes::from(body.to_string())))
            .map_err(|error| error.to_string())?;
        match self.sender.send_request(request).await {
            Ok(response) => Ok(response),
            Err(error) => Err(self.why().await.unwrap_or_else(|| root(&error))),
        }
    }

    /// Why nothing came: what the node says of the port is nearer to the cause than that the stream has ended.
    async fn why(&mut self) -> Option<String> {
        tokio::time::timeout(WHY, self.refused.take()?).await.ok().flatten()
    }
}
