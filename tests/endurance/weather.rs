//! What stands between an operator and the API server: it refuses, is slow, hangs up before or after the request has done what
//! it asked for, is cut off for a while; and a process dies in the middle of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use seaworthy::sandbox::Quay;
use serde_json::json;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tower::{BoxError, Service as _, ServiceExt as _};

use super::chance::Chance;
use super::sea::Sea;

/// What the API server answers.
type Answer = Response<UnsyncBoxBody<Bytes, BoxError>>;

/// One process: where its requests go through, until it is dead.
#[derive(Clone)]
pub(crate) struct Process {
    pub(crate) holder: String,
    /// Cancelled when the process dies.
    pub(crate) dead: CancellationToken,
    chance: Arc<Mutex<Chance>>,
    cut_until: Arc<Mutex<Option<Instant>>>,
    /// Requests until it is killed, if it is.
    fuse: Arc<Mutex<Option<u64>>>,
}

/// What happens to a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Passes,
    Refused(u16, &'static str),
    LostBefore,
    LostAfter,
    Slow(u64),
    Cut(u64),
    KilledBefore,
    KilledAfter,
}

impl Process {
    pub(crate) fn new(holder: String, mut chance: Chance, killed: bool) -> Self {
        let fuse = killed.then(|| chance.below(60));
        Self {
            holder,
            dead: CancellationToken::new(),
            chance: Arc::new(Mutex::new(chance)),
            cut_until: Arc::default(),
            fuse: Arc::new(Mutex::new(fuse)),
        }
    }

    fn fate(&self, sea: &Sea, request: &Request<kube::client::Body>) -> Fate {
        let mut fuse = self.fuse.lock().unwrap_or_else(PoisonError::into_inner);
        let mut chance = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(left) = fuse.as_mut() {
            if *left == 0 {
                return if chance.one_in(2) { Fate::KilledBefore } else { Fate::KilledAfter };
            }
            *left -= 1;
        }
        if sea.is_calm() {
            return Fate::Passes;
        }
        let is_write = request.method() != Method::GET;
        match chance.below(220) {
            0 | 1 => Fate::Refused(429, "TooManyRequests"),
            2 | 3 => Fate::Refused(500, "InternalError"),
            4 => Fate::Refused(503, "ServiceUnavailable"),
            5 => Fate::Refused(504, "Timeout"),
            6 if is_write => Fate::Refused(409, "Conflict"),
            7 if chance.one_in(3) => Fate::Refused(403, "Forbidden"),
            8..11 => Fate::LostBefore,
            11..14 => Fate::LostAfter,
            14..22 => Fate::Slow(100 + chance.below(25_000)),
            22 => Fate::Cut(2 + chance.below(100)),
            _ => Fate::Passes,
        }
    }

    /// The API server as this process reaches it.
    pub(crate) fn reach(&self, sea: Arc<Sea>, quay: Quay) -> Quay {
        let process = self.clone();
        Quay::new(tower::service_fn(move |request| {
            let (process, sea, quay) = (process.clone(), sea.clone(), quay.clone());
            async move { process.send(&sea, quay, request).await }
        }))
    }

    async fn send(&self, sea: &Sea, quay: Quay, request: Request<kube::client::Body>) -> Result<Answer, BoxError> {
        let line = format!("{} {} {}", self.holder, request.method(), request.uri());
        sea.note(&line);
        if self.dead.is_cancelled() {
            return std::future::pending().await;
        }
        self.wait_while_cut(sea).await?;
        match self.fate(sea, &request) {
            Fate::Passes => self.pass(sea, quay, request).await,
            Fate::Refused(code, reason) => {
                sea.fault(reason);
                Ok(refusal(code, reason))
            }
            Fate::LostBefore => {
                sea.fault("lost before");
                Err(hung_up())
            }
            Fate::LostAfter => {
                sea.fault("lost after");
                drop(self.pass(sea, quay, request).await?);
                Err(hung_up())
            }
            Fate::Slow(millis) => {
                sea.fault("slow");
                sleep(Duration::from_millis(millis)).await;
                self.pass(sea, quay, request).await
            }
            Fate::Cut(seconds) => {
                sea.fault("cut off");
                let until = Instant::now() + Duration::from_secs(seconds);
                *self.cut_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
                Err(hung_up())
            }
            Fate::KilledBefore => {
                sea.fault("killed before");
                self.dead.cancel();
                std::future::pending().await
            }
            Fate::KilledAfter => {
                sea.fault("killed after");
                drop(self.pass(sea, quay, request).await?);
                self.dead.cancel();
                std::future::pending().await
            }
        }
    }

    /// While it is cut off, a connection is refused after a moment.
    async fn wait_while_cut(&self, sea: &Sea) -> Result<(), BoxError> {
        let until = *self.cut_until.lock().unwrap_or_else(PoisonError::into_inner);
        match until {
            Some(until) if Instant::now() < until && !sea.is_calm() => {
                sleep(Duration::from_millis(200)).await;
                Err(hung_up())
            }
            _ => Ok(()),
        }
    }

    async fn pass(&self, sea: &Sea, mut quay: Quay, request: Request<kube::client::Body>) -> Result<Answer, BoxError> {
        let (parts, body) = request.into_parts();
        let bytes = body.collect().await?.to_bytes();
        let broken = sea.watch(|watchdog| watchdog.request(&self.holder, &parts, &bytes, &sea.sandbox));
        for text in broken {
            sea.violation(text);
        }
        let request = Request::from_parts(parts, kube::client::Body::from(bytes.to_vec()));
        quay.ready().await?.call(request).await
    }
}

fn hung_up() -> BoxError {
    std::io::Error::new(std::io::ErrorKind::ConnectionReset, "the other side has hung up").into()
}

fn refusal(code: u16, reason: &str) -> Answer {
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": reason, "code": code,
        "message": format!("the weather refuses it: {reason}")});
    let body = Full::new(Bytes::from(status.to_string())).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = http::StatusCode::from_u16(code).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}
