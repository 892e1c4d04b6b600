//! A way to the cluster that ends at a request, and runs that are taken up again after it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{Method, Request};
use kube::client::Body;
use seaworthy::cluster::{Cluster, Resources};
use seaworthy::engine::Limits;
use seaworthy::engine::journal::Runs;
use seaworthy::event::Ended;
use seaworthy::plan::Plan;
use seaworthy::plan::install::Policy;
use seaworthy::prepare::{self, Prepared};
use seaworthy::sandbox::Quay;
use seaworthy::snapshot::Snapshot;
use tokio_util::sync::CancellationToken;
use tower::{BoxError, ServiceExt as _};

use crate::engine::harbour::{Run, Voyage, inputs};

/// Where the way to the cluster ends.
#[derive(Clone, Copy)]
pub(super) struct Cut {
    /// Whether questions to members count, too.
    pub(super) members: bool,
    /// The request that is the last.
    pub(super) at: usize,
    /// Whether it arrives, and only its answer is lost.
    pub(super) answer_lost: bool,
}

impl Cut {
    fn counts(self, request: &Request<Body>) -> bool {
        let writes = matches!(*request.method(), Method::POST | Method::PATCH | Method::DELETE | Method::PUT);
        writes || self.members && request.uri().path().ends_with("/portforward")
    }
}

fn gone() -> BoxError {
    std::io::Error::new(std::io::ErrorKind::ConnectionRefused, "the way to the cluster has ended").into()
}

/// Ends the way to the cluster at a request; counts those that there are.
pub(super) fn cut(quay: Quay, cut: Cut, seen: Arc<AtomicUsize>) -> Quay {
    Quay::new(tower::service_fn(move |request: Request<Body>| {
        let (quay, seen) = (quay.clone(), seen.clone());
        async move {
            let counts = cut.counts(&request);
            let number = seen.fetch_add(usize::from(counts), Ordering::Relaxed) + usize::from(counts);
            let is_last = counts && number == cut.at;
            if number > cut.at || number == cut.at && !counts || is_last && !cut.answer_lost {
                return Err(gone());
            }
            let answer = quay.oneshot(request).await?;
            if is_last { Err(gone()) } else { Ok(answer) }
        }
    }))
}

/// One that does not end.
pub(super) const WHOLE: Cut = Cut { members: false, at: usize::MAX, answer_lost: false };

pub(super) fn voyage(cluster: Cluster, limits: Limits, answer: Option<bool>) -> Voyage {
    let (policy, cancel) = (Policy::default(), CancellationToken::new());
    Voyage { cluster, limits, policy, cancel, watcher: None, answer }
}

/// Runs a plan over a way that may end, and takes it up again over one that does not; `answer`: to every question.
pub(super) async fn run_and_resume(
    state: &Path,
    (cluster, again): (Cluster, impl Fn() -> Cluster),
    plan: Plan,
    answer: Option<bool>,
) -> Run {
    let runs = Runs::new(state);
    let limits = Limits { wait: Duration::from_secs(600), api_away: Duration::ZERO, in_flight: 8 };
    let _leap = cluster.clock.leap();
    let first = voyage(cluster, limits, answer);
    let journal = runs.open(inputs(), plan.without_secrets()).await.unwrap();
    let id = journal.run().to_owned();
    let prepared =
        Prepared { plan, snapshot: Snapshot::default(), resources: Resources::default(), refusals: Vec::new() };
    let ended = first.run(prepared, Some(&journal)).await;
    drop(journal);
    if ended.outcome.ended == Ended::Done {
        return ended;
    }
    let second = voyage(again(), Limits { api_away: Duration::from_secs(10), ..limits }, answer);
    let recorded = runs.load(&id).unwrap();
    let known = (&recorded.plan, &recorded.done);
    let prepared = prepare::resume(&second.cluster, known, second.policy).await.unwrap();
    let journal = runs.resume(&id, "0").await.unwrap();
    second.run(prepared, Some(&journal)).await
}
