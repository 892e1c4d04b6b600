//! A story of one loss: a stack that is well, something that is lost, and its playbook run in every weather: requests that are refused,
//! lost, late and repeated, processes that are killed, a second operator with a machine of their own who wants the same.
//!
//! What must hold beside what the watchdog looks after: it ends well; nothing is lost any more; what the playbook saves is there; and
//! what was stopped or held meanwhile is as it was.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use seaworthy::cluster::{Clock, Cluster, Meter};
use seaworthy::object::{ObjectRef, text};
use seaworthy::recover::{join, recognise, record};
use serde_json::Value;
use tokio::time::sleep;

use super::errand::{Errand, seen};
use super::operator::{End, NO_PLAN, Order};
use super::voyage::{Report, Storms, Voyage};

/// A loss that is a standing fault of the sandbox would be mended with it.
const STORMS: Storms = Storms { strikes: &["api-down=20", "api-down=90"], mended: false };
/// The file by which a volume is known again.
const MARKER: &str = "treasure";
/// Until somebody notices: controllers have taken in what was broken, and a pod without a node has been so for long enough to be a fact.
const NOTICED: Duration = Duration::from_secs(400);
/// A lock that could not be given back has expired then, and a workload that was started is ready.
const SETTLED: Duration = Duration::from_secs(180);
/// What a recovery stops, holds, and has to give back.
const KEPT: [&str; 7] =
    ["CronJob", "DaemonSet", "Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget", "StatefulSet", "CloneSet"];

/// How many losses are practised.
pub(crate) fn losses() -> u64 {
    Errand::all().len() as u64
}

/// Sails one seed; each loss comes once in [`losses`]. `keep`: with every line of what happened.
pub(crate) fn salvage(seed: u64, keep: bool) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime").block_on(tell(seed, keep))
}

async fn tell(seed: u64, keep: bool) -> Report {
    // From before anything looks at a clock until after the last look.
    let _leap = Clock::starting_at(Timestamp::UNIX_EPOCH).leap();
    let errand = &Errand::all()[usize::try_from(seed % losses()).unwrap_or(0)];
    let voyage = Voyage::new((seed, keep), errand.kind(), errand.stock.installation.clone(), STORMS);
    let mut told = Told { voyage, errand };
    if let Err(why) = told.all().await {
        told.voyage.sea.violation(format!("{errand:?}: {why}"));
    }
    told.voyage.report(vec![format!("{errand:?}")])
}

struct Told {
    voyage: Voyage,
    errand: &'static Errand,
}

impl Told {
    async fn all(&mut self) -> Result<(), String> {
        self.voyage.sea.set_calm(true);
        let stock = &self.errand.stock;
        self.voyage.sea.sandbox.simulate(&[], (&stock.installation.namespace, &stock.says));
        let (deploy, recover) = (Order::Deploy(self.errand), Order::Recover(self.errand));
        match self.voyage.once(&deploy).await {
            End::Done => {}
            End::Not(why) => return Err(format!("it is not installed: {why}")),
        }
        let subject = self.errand.subject(&self.voyage.sea);
        self.mark(&subject).await?;
        let before = self.kept();
        self.strike(&subject);
        if !self.is_lost(&subject).await? {
            return Err("the loss is not recognised".to_owned());
        }
        self.voyage.sea.set_calm(false);
        // Who finds nothing to do leaves it to the other one, who may have begun it, or done it.
        for _ in 0..2 {
            match self.voyage.order(&recover, |_| Order::Recover(self.errand)).await {
                Ok(()) => break,
                Err(why) if why.starts_with(NO_PLAN) => self.voyage.operators.swap(0, 1),
                Err(why) => return Err(format!("it does not come to its end in fine weather: {why}")),
            }
        }
        sleep(SETTLED).await;
        if subject.kind == "Namespace" { self.gone(&subject).await } else { self.after(&subject, &before).await }
    }

    /// The cluster in fine weather, for who looks.
    fn cluster(&self) -> Cluster {
        self.voyage.sea.sandbox.cluster_through(Meter::new(false), |quay| quay)
    }

    /// Something is on the volume, and it is written down how it is when all is well.
    async fn mark(&self, subject: &ObjectRef) -> Result<(), String> {
        let (sandbox, namespace) = (&self.voyage.sea.sandbox, &self.errand.stock.installation.namespace);
        if subject.kind != "Namespace" && !sandbox.write_file((namespace, &subject.name), MARKER, b"gold") {
            return Err(format!("{subject} has no volume"));
        }
        let taken = record::take(&self.cluster(), &self.errand.stock.installation).await;
        let state = &self.voyage.operators[0].state;
        let (record, volumes) = taken.map_err(|error| error.to_string())?;
        record::keep(state, record, (&volumes, &[])).map_err(|error| error.to_string())?;
        Ok(())
    }

    fn strike(&self, subject: &ObjectRef) {
        let sandbox = &self.voyage.sea.sandbox;
        let target = if self.errand.fault.is_of_a_node() {
            join::host_of(&seen(sandbox).snapshot, subject).unwrap_or_default().to_owned()
        } else {
            let namespace = subject.namespace.as_ref().map_or_else(String::new, |name| format!("{name}/"));
            format!("{namespace}{}", subject.name)
        };
        self.voyage.sea.fault(self.errand.fault.name);
        sandbox.strike(self.errand.fault, &target);
    }

    async fn is_lost(&self, subject: &ObjectRef) -> Result<bool, String> {
        sleep(NOTICED).await;
        let namespace = &self.errand.stock.installation.namespace;
        let sighting = self.voyage.operators[0].sight(&self.cluster(), namespace).await?;
        let losses = recognise(&sighting);
        let ours = losses.iter().find(|loss| loss.kind == self.errand.practice.loss && loss.object() == Some(subject));
        Ok(ours.is_some_and(|loss| loss.certain && loss.facts.len() >= 2))
    }

    /// What must be so when a namespace was let go: it is gone, and no loss is left of it.
    async fn gone(&self, namespace: &ObjectRef) -> Result<(), String> {
        let is_there = self.voyage.sea.sandbox.object(namespace).is_some();
        if is_there || self.is_lost(namespace).await? { Err(format!("{namespace} is still there")) } else { Ok(()) }
    }

    /// What must be so in the end.
    async fn after(&self, claim: &ObjectRef, before: &BTreeMap<String, String>) -> Result<(), String> {
        let now = self.kept();
        let apart = before.iter().find(|(object, spec)| now.get(*object) != Some(*spec));
        if let Some((object, was)) = apart {
            return Err(format!("{object} was {was}, and is {:?}", now.get(object)));
        }
        if let Some(object) = self.unready() {
            return Err(format!("{object} is not ready"));
        }
        if self.is_lost(claim).await? {
            return Err("it is still lost".to_owned());
        }
        let files = self.voyage.sea.sandbox.files(claim.namespace.as_deref().unwrap_or_default(), &claim.name);
        if self.errand.practice.saves && !files.is_some_and(|files| files.contains_key(MARKER)) {
            return Err("what was on the volume is gone".to_owned());
        }
        Ok(())
    }

    /// What the stack's objects that a recovery stops and holds want. The mark of a restart is no part of that.
    fn kept(&self) -> BTreeMap<String, String> {
        let objects = self.voyage.sea.sandbox.objects();
        let ours = objects.iter().filter(|object| {
            text(object, "/metadata/namespace") == Some(&self.errand.stock.installation.namespace)
                && text(object, "/kind").is_some_and(|kind| KEPT.contains(&kind))
        });
        let spec = |object: &Value| {
            let mut spec = object["spec"].clone();
            if let Some(template) = spec.pointer_mut("/template/metadata").and_then(Value::as_object_mut) {
                template.remove("annotations");
            }
            let ours = object["metadata"]["annotations"].as_object().into_iter().flatten();
            let ours: Vec<&String> =
                ours.map(|(name, _)| name).filter(|name| name.starts_with("seaworthy.dev/")).collect();
            format!("{ours:?} {spec}")
        };
        ours.map(|object| (format!("{}/{}", object["kind"], object["metadata"]["name"]), spec(object))).collect()
    }

    /// A workload with fewer ready pods than it wants.
    fn unready(&self) -> Option<String> {
        let objects = self.voyage.sea.sandbox.objects();
        let short = objects.iter().find(|object| {
            text(object, "/metadata/namespace") == Some(&self.errand.stock.installation.namespace)
                && matches!(text(object, "/kind"), Some("Deployment" | "StatefulSet"))
                && object["status"]["readyReplicas"].as_i64().unwrap_or(0)
                    < object["spec"]["replicas"].as_i64().unwrap_or(1)
        });
        short.map(|object| format!("{}/{}", object["kind"], object["metadata"]["name"]))
    }
}
