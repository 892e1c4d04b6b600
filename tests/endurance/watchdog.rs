//! What must hold at every request and every event, whatever the weather:
//!
//! * nothing that may hold data is destroyed without consent;
//! * no step begins before what it needs is done, and none is done twice in one run;
//! * whoever writes to an installation holds its lock;
//! * a run that has ended well has done every step;
//! * no secret is in any event, journal or record.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use http::Method;
use http::request::Parts;
use seaworthy::event::{Ended, Event, StepState};
use seaworthy::object::ObjectRef;
use seaworthy::plan::{Change, Installation, Plan};
use seaworthy::sandbox::Sandbox;

/// The value of the only secret, which is nowhere but in the cluster.
pub(crate) const SECRET: &str = "tr0ub4dor-and-3";
/// Where the installation and its lock are.
pub(crate) const NAMESPACE: &str = "sea";
const SYSTEM: &str = "seaworthy-system";
/// Kinds that may hold data, or hold what does.
const DATA: [&str; 3] = ["persistentvolumeclaims", "persistentvolumes", "namespaces"];

/// What is known so far.
#[derive(Default)]
pub(crate) struct Watchdog {
    /// Whose lock keeps others out of which namespace.
    pub(crate) installation: Option<Installation>,
    pub(crate) violations: Vec<String>,
    /// `plural/name` of what may be destroyed now.
    pub(crate) consent: BTreeSet<String>,
    /// How often each invariant was checked.
    pub(crate) checked: BTreeMap<&'static str, usize>,
}

/// A run as its events tell it.
pub(crate) struct Log {
    needs: BTreeMap<String, Vec<String>>,
    changes: BTreeMap<String, Change>,
    done: BTreeSet<String>,
    begun: BTreeSet<String>,
}

impl Watchdog {
    fn count(&mut self, name: &'static str) {
        *self.checked.entry(name).or_default() += 1;
    }

    /// A request arrives at the API server.
    pub(crate) fn request(&mut self, holder: &str, parts: &Parts, body: &Bytes, sandbox: &Sandbox) -> Vec<String> {
        let query = parts.uri.query().unwrap_or_default();
        if parts.method == Method::GET || query.contains("dryRun") || parts.uri.path().contains("selfsubject") {
            return Vec::new();
        }
        let mut broken = Vec::new();
        let path = parts.uri.path();
        let words: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        if parts.method == Method::DELETE {
            self.count("consent");
            broken.extend(self.destroys(&words).map(|what| format!("{holder} destroys {what} without consent")));
        }
        let ours = self.installation.as_ref();
        let ours = ours.filter(|ours| words.windows(2).any(|pair| pair == ["namespaces", ours.namespace.as_str()]));
        if let Some(lease) = ours.filter(|_| words.len() > 4).map(Installation::key) {
            self.count("lock");
            let lease = ObjectRef::new("coordination.k8s.io/v1", "Lease", Some(SYSTEM), &lease);
            let held =
                sandbox.object(&lease).and_then(|lease| Some(lease["spec"]["holderIdentity"].as_str()?.to_owned()));
            if held.as_deref() != Some(holder) {
                broken.push(format!("{holder} writes {} {path} while {held:?} holds the lock", parts.method));
            }
        }
        if !path.contains("/secrets/") {
            self.count("secrets in requests");
            if contains(body, SECRET) {
                broken.push(format!("{holder} sends the secret to {path}"));
            }
        }
        broken
    }

    /// What a deletion destroys that may hold data, and nobody has agreed to.
    fn destroys(&self, words: &[&str]) -> Option<String> {
        let at = words.iter().position(|word| DATA.contains(word) && !(*word == "namespaces" && words.len() > 4))?;
        let what = format!("{}/{}", words[at], words.get(at + 1).copied().unwrap_or("*"));
        (!self.consent.contains(&what)).then_some(what)
    }

    /// An event of a run.
    pub(crate) fn event(&mut self, log: &mut Log, event: &Event) -> Vec<String> {
        let mut broken = Vec::new();
        self.count("secrets in events");
        if serde_json::to_string(event).is_ok_and(|text| text.contains(SECRET)) {
            broken.push(format!("the secret is in an event: {event:?}"));
        }
        match event {
            Event::Step { id, state: StepState::Running, .. } => {
                self.count("gates");
                let open: Vec<&String> =
                    log.needs.get(id).into_iter().flatten().filter(|need| !log.done.contains(*need)).collect();
                if !open.is_empty() {
                    broken.push(format!("{id} begins before {open:?}"));
                }
                if !log.begun.insert(id.clone()) {
                    broken.push(format!("{id} begins twice"));
                }
            }
            Event::Step { id, state: StepState::Done { .. }, .. } if !log.done.insert(id.clone()) => {
                broken.push(format!("{id} is done twice"));
            }
            Event::Finished { outcome } if outcome.ended == Ended::Done => {
                self.count("finished");
                let open: Vec<&String> = log.changes.keys().filter(|id| !log.done.contains(*id)).collect();
                if !open.is_empty() || !outcome.causes.is_empty() {
                    broken.push(format!("a run ended well without {open:?}, or with {:?}", outcome.causes));
                }
            }
            _ => {}
        }
        broken
    }

    /// Bytes that were written down somewhere.
    pub(crate) fn written(&mut self, what: &str, bytes: &[u8]) -> Option<String> {
        self.count("secrets on disk");
        contains(bytes, SECRET).then(|| format!("the secret is in {what}"))
    }
}

impl Log {
    pub(crate) fn of(plan: &Plan) -> Self {
        let needs = plan.steps.iter().map(|step| (step.id.clone(), step.needs.clone())).collect();
        let changes = plan.steps.iter().map(|step| (step.id.clone(), step.change.clone())).collect();
        Self { needs, changes, done: BTreeSet::new(), begun: BTreeSet::new() }
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
