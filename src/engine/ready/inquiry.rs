//! What the doctor says of a wait that stalls: the root that `seaworthy doctor` would name, with its id and in its words.
//!
//! The rules about stalls see what a wait watches. The root may lie outside: the Deployment behind a webhook in another
//! namespace, a quota, the cluster's DNS, what a stack's own checks know. So a wait that stalls has the evidence read once, beside
//! the wait and never in its way, and asks all checks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::cluster::Cluster;
use crate::doctor::check::Severity;
use crate::doctor::evidence::{Evidence, Scope, kept, objects};
use crate::doctor::finding::Finding;
use crate::doctor::report::{Choice, judge};
use crate::doctor::stacks::Knowledge;
use crate::doctor::why::{concerns, concerns_by};
use crate::doctor::{Cause, Outlook};
use crate::object::ObjectRef;
use crate::snapshot::Snapshot;

/// How old an answer may be before the doctor is asked again.
const AGE: Duration = Duration::from_secs(10);
/// How long reading may take. A cluster that is slower than that is not read in the middle of a run.
const LIMIT: Duration = Duration::from_secs(8);

/// Asks the doctor, at most once in a while for each namespace.
#[derive(Clone)]
pub(super) struct Inquiry {
    cluster: Cluster,
    stacks: Option<Arc<Knowledge>>,
    answers: Arc<Mutex<BTreeMap<Option<String>, Answer>>>,
}

#[derive(Default)]
struct Answer {
    asked: Option<Instant>,
    known: Option<Arc<Known>>,
}

/// What was read, and what the checks found in it.
struct Known {
    evidence: Evidence,
    roots: Vec<Finding>,
}

impl Inquiry {
    pub(super) fn new(cluster: &Cluster, stacks: Option<Arc<Knowledge>>) -> Self {
        Self { cluster: cluster.clone(), stacks, answers: Arc::default() }
    }

    fn with<T>(&self, namespace: Option<&str>, change: impl FnOnce(&mut Answer) -> T) -> T {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        change(answers.entry(namespace.map(str::to_owned)).or_default())
    }

    /// Whether it is time to ask; who is told so has to ask.
    pub(super) fn is_due(&self, namespace: Option<&str>) -> bool {
        self.with(namespace, |answer| {
            let due = answer.asked.is_none_or(|asked| asked.elapsed() >= AGE);
            if due {
                answer.asked = Some(Instant::now());
            }
            due
        })
    }

    /// Whether an answer is there.
    pub(super) fn has_answered(&self, namespace: Option<&str>) -> bool {
        self.with(namespace, |answer| answer.known.is_some())
    }

    /// Reads the evidence and asks all checks. `picture` is what the waits have seen, which is newer. That it cannot be read, or
    /// not in time, is no failure of the run: what the wait knows itself stays.
    pub(super) async fn ask(&self, namespace: Option<String>, picture: impl FnOnce() -> Snapshot) {
        let scope = Scope { namespace: namespace.clone() };
        let mut evidence = match timeout(LIMIT, objects(&self.cluster, &scope)).await {
            Ok(Ok(evidence)) => evidence,
            Ok(Err(error)) => {
                tracing::debug!(%error, "the doctor cannot be asked about a wait");
                return;
            }
            Err(_) => {
                tracing::debug!("the evidence about a wait was not read within {} s", LIMIT.as_secs());
                return;
            }
        };
        for object in picture().objects() {
            evidence.snapshot.insert(kept(object.clone()));
        }
        let choice = Choice { stacks: self.stacks.clone(), ..Choice::default() };
        let roots = judge(&evidence, &choice).findings;
        let known = Arc::new(Known { evidence, roots });
        self.with(namespace.as_deref(), |answer| answer.known = Some(known));
    }

    /// The root of why an object is not as it should be, when that is another one than the wait knows itself.
    pub(super) fn root(&self, object: &ObjectRef, own: Option<&Cause>) -> Option<Cause> {
        let known = self.with(object.namespace.as_deref(), |answer| answer.known.clone())?;
        known.root(object, own)
    }
}

impl Known {
    fn root(&self, object: &ObjectRef, own: Option<&Cause>) -> Option<Cause> {
        let root = match own {
            // The doctor's word counts where it knows what the wait knows, and what lies behind it.
            Some(own) => concerns_by(&own.id, object, &self.roots, &self.evidence)?.root,
            None => concerns(object, &self.roots, &self.evidence).first()?.root,
        };
        let is_same = own.is_some_and(|own| own.id == root.id);
        if is_same || root.worst() < Severity::Error {
            return None;
        }
        Some(Cause {
            id: root.id.clone(),
            object: Some(root.object.clone()),
            reason: root.reason.clone(),
            message: root.message.clone(),
            remedy: root.fix.clone(),
            outlook: own.map_or(Outlook::Stuck, |own| own.outlook),
        })
    }
}
