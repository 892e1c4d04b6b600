//! Counts every request below the client, and refuses writes when the run is to be read-only.

use std::ops::Sub;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use futures::future::{Either, Ready, ready};
use http::{Method, Request, Response};
use serde::{Deserialize, Serialize};
use tower::{BoxError, Layer, Service};

use super::fence::Fence;

/// How many requests went to the API server, by what they could do there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// GET: get, list, watch, and the upgrade that opens a forward.
    pub reads: u64,
    /// Requests that could change something.
    pub writes: u64,
    /// Requests with `dryRun=All`, and the reviews that only ask (`SelfSubjectAccessReview` and its kin).
    pub dry: u64,
    /// Writes that `--read-only`, or a lock that had run out, refused before they left the program.
    pub refused: u64,
}

impl Sub for Counts {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            reads: self.reads.saturating_sub(other.reads),
            writes: self.writes.saturating_sub(other.writes),
            dry: self.dry.saturating_sub(other.dry),
            refused: self.refused.saturating_sub(other.refused),
        }
    }
}

#[derive(Default)]
struct Counters {
    reads: AtomicU64,
    writes: AtomicU64,
    dry: AtomicU64,
    refused: AtomicU64,
}

/// A tower layer below the client. Clones share their counts, and begin at the same one.
#[derive(Clone, Default)]
pub struct Meter {
    counters: Arc<Counters>,
    /// What had been counted before the counts of this one begin.
    before: Counts,
    read_only: bool,
    /// The locks that writes stand under.
    pub(crate) fence: Fence,
}

impl Meter {
    /// A meter that lets everything pass, or one that refuses every request that could change something.
    pub fn new(read_only: bool) -> Self {
        Self { counters: Arc::default(), before: Counts::default(), read_only, fence: Fence::default() }
    }

    /// The same counters, read from here on as if only `spent` had been counted: for one of several runs of a command.
    #[must_use]
    pub fn since(&self, spent: Counts) -> Self {
        Self { before: self.total() - spent, ..self.clone() }
    }

    /// The counts up to now.
    pub fn counts(&self) -> Counts {
        self.total() - self.before
    }

    fn total(&self) -> Counts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            reads: load(&self.counters.reads),
            writes: load(&self.counters.writes),
            dry: load(&self.counters.dry),
            refused: load(&self.counters.refused),
        }
    }

    /// Whether writes are refused.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }
}

/// A request that could change something was about to leave while `--read-only` was in force.
#[derive(Debug, thiserror::Error)]
#[error("refused by --read-only: {method} {path}")]
pub struct RefusedWrite {
    /// HTTP method.
    pub method: String,
    /// Path of the request.
    pub path: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Effect {
    Read,
    Dry,
    Write,
}

fn effect(method: &Method, path: &str, query: Option<&str>) -> Effect {
    if method == Method::GET || method == Method::HEAD || method == Method::OPTIONS {
        return Effect::Read;
    }
    let dry = query.is_some_and(|query| query.split('&').any(|pair| pair == "dryRun=All"));
    // Reviews are answered, never stored.
    let review = path.starts_with("/apis/authorization.k8s.io/") || path.starts_with("/apis/authentication.k8s.io/");
    if dry || (method == Method::POST && review) { Effect::Dry } else { Effect::Write }
}

fn is_of_lock(path: &str) -> bool {
    path.starts_with("/apis/coordination.k8s.io/")
}

impl<S> Layer<S> for Meter {
    type Service = Metered<S>;

    fn layer(&self, inner: S) -> Metered<S> {
        Metered { inner, meter: self.clone() }
    }
}

/// The service that [`Meter`] makes.
#[derive(Clone)]
pub struct Metered<S> {
    inner: S,
    meter: Meter,
}

impl<S, Q, R> Service<Request<Q>> for Metered<S>
where
    S: Service<Request<Q>, Response = Response<R>>,
    S::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Either<Ready<Result<S::Response, BoxError>>, futures::future::ErrInto<S::Future, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        use futures::TryFutureExt as _;
        let counters = &self.meter.counters;
        let counter = match effect(request.method(), request.uri().path(), request.uri().query()) {
            Effect::Read => &counters.reads,
            Effect::Dry => &counters.dry,
            Effect::Write if self.meter.read_only => {
                counters.refused.fetch_add(1, Ordering::Relaxed);
                let refused =
                    RefusedWrite { method: request.method().to_string(), path: request.uri().path().to_owned() };
                return Either::Left(ready(Err(refused.into())));
            }
            // The lock itself is renewed and given back all the same.
            Effect::Write
                if !is_of_lock(request.uri().path())
                    && let Some(run_out) = self.meter.fence.objection() =>
            {
                counters.refused.fetch_add(1, Ordering::Relaxed);
                return Either::Left(ready(Err(run_out.into())));
            }
            Effect::Write => &counters.writes,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        Either::Right(self.inner.call(request).err_into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_run_counts_its_own() {
        let all = Meter::new(false);
        all.counters.reads.store(7, Ordering::Relaxed);
        all.counters.writes.store(2, Ordering::Relaxed);
        let own = all.since(Counts { reads: 3, ..Counts::default() });
        all.counters.writes.store(5, Ordering::Relaxed);
        assert_eq!(own.counts(), Counts { reads: 3, writes: 3, ..Counts::default() });
        assert_eq!(all.counts(), Counts { reads: 7, writes: 5, ..Counts::default() });
    }

    #[test]
    fn a_request_is_judged_by_what_it_can_do() {
        let cases = [
            (Method::GET, "/api/v1/pods", None, Effect::Read),
            (Method::PATCH, "/api/v1/namespaces/a/pods/b", Some("fieldManager=x&dryRun=All"), Effect::Dry),
            (Method::PATCH, "/api/v1/namespaces/a/pods/b", Some("fieldManager=dryRun"), Effect::Write),
            (Method::POST, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", None, Effect::Dry),
            (Method::POST, "/api/v1/namespaces", None, Effect::Write),
            (Method::DELETE, "/apis/authorization.k8s.io/v1/x", None, Effect::Write),
        ];
        for (method, path, query, expected) in cases {
            assert_eq!(effect(&method, path, query), expected, "{method} {path} {query:?}");
        }
    }
}
