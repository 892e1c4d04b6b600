//! What the engine is given in these tests, and what came of it.

use std::time::Duration;

use seaworthy::cluster::Cluster;
use seaworthy::engine::journal::{Inputs, Journal};
use seaworthy::engine::{self, Context, Limits};
use seaworthy::event::{Command, Ended, Event, Outcome, StepState};
use seaworthy::object::ObjectRef;
use seaworthy::plan::Installation;
use seaworthy::plan::install::{Desired, Policy};
use seaworthy::prepare::{self, Prepared};
use serde_json::{Value, json};
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

use super::fake::Fake;

/// The namespace of everything here.
pub(crate) const SEA: &str = "sea";

pub(crate) fn config(name: &str, value: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": SEA}, "data": {"a": value}})
}

pub(crate) fn claim(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": SEA},
        "spec": {"accessModes": ["ReadWriteOnce"]}})
}

/// A Deployment that mounts config maps.
pub(crate) fn deployment(name: &str, configs: &[&str]) -> Value {
    let volumes: Vec<Value> =
        configs.iter().map(|config| json!({"name": config, "configMap": {"name": config}})).collect();
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": SEA},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": name}}, "template": {"metadata": {"labels": {"app": name}},
            "spec": {"volumes": volumes, "containers": [{"name": "web", "image": "web:1"}]}}}})
}

pub(crate) fn reference(object: &Value) -> ObjectRef {
    ObjectRef::of(object).unwrap()
}

/// These objects, and nothing said about order or ways in.
pub(crate) fn desired(objects: impl IntoIterator<Item = Value>) -> Desired {
    Desired { objects: objects.into_iter().map(|object| (None, object)).collect(), ..Desired::default() }
}

/// Two components, the second after the first, with a claim, a ConfigMap for each, and one for both.
pub(crate) fn shop() -> Desired {
    let part = |name: &str, object: Value| (Some(name.to_owned()), object);
    Desired {
        objects: vec![
            part("web", deployment("web", &["shared", "web"])),
            part("web", config("web", "1")),
            part("mq", deployment("mq", &["shared", "mq"])),
            part("mq", config("mq", "1")),
            part("mq", claim("data")),
            (None, config("shared", "1")),
        ],
        after: [("web".to_owned(), vec!["mq".to_owned()])].into(),
        ..Desired::default()
    }
}

pub(crate) fn installation() -> Installation {
    let own = |text: &str| text.to_owned();
    Installation {
        stack: own("shop"),
        version: own("1"),
        namespace: own(SEA),
        release: own("shop"),
        profile: own("single-node"),
    }
}

pub(crate) fn inputs() -> Inputs {
    let own = |text: &str| text.to_owned();
    let policy = Policy::default();
    Inputs {
        binary: own("0"),
        stack_version: own("1"),
        release: own("shop"),
        profile: own("ha"),
        policy,
        ..Inputs::default()
    }
}

/// What came of a run.
pub(crate) struct Run {
    pub(crate) outcome: Outcome,
    pub(crate) events: Vec<Event>,
}

impl Run {
    /// Ids of the steps that ended in this state, in the order in which they did.
    pub(crate) fn steps(&self, wanted: impl Fn(&StepState) -> bool) -> Vec<&str> {
        let all = self.events.iter().filter_map(|event| match event {
            Event::Step { id, state, .. } if wanted(state) => Some(id.as_str()),
            _ => None,
        });
        all.collect()
    }

    /// Reasons of the causes, the root first.
    pub(crate) fn reasons(&self) -> Vec<&str> {
        self.outcome.causes.iter().map(|cause| cause.reason.as_str()).collect()
    }

    #[track_caller]
    pub(crate) fn went_well(self) -> Self {
        assert_eq!(self.outcome.ended, Ended::Done, "{:#?}", self.outcome.causes);
        self
    }
}

/// One way of running plans.
pub(crate) struct Voyage {
    pub(crate) cluster: Cluster,
    pub(crate) limits: Limits,
    pub(crate) policy: Policy,
    pub(crate) cancel: CancellationToken,
    /// Told of every event as it happens.
    pub(crate) watcher: Option<mpsc::UnboundedSender<Event>>,
    /// What every question is answered with; `None`: nobody is there.
    pub(crate) answer: Option<bool>,
}

impl Voyage {
    pub(crate) fn new(fake: &Fake) -> Self {
        // Long enough for a busy machine, short enough to see what hangs.
        let limits = Limits { wait: Duration::from_secs(20), api_away: Duration::from_secs(10), in_flight: 24 };
        let (cluster, policy, cancel) = (fake.cluster(), Policy::default(), CancellationToken::new());
        Self { cluster, limits, policy, cancel, watcher: None, answer: None }
    }

    pub(crate) async fn prepare(&self, desired: Desired) -> Prepared {
        prepare::install(&self.cluster, installation(), desired, self.policy).await.unwrap()
    }

    pub(crate) async fn run(&self, prepared: Prepared, journal: Option<&Journal>) -> Run {
        let (sender, mut receiver) = mpsc::channel(16);
        let Prepared { plan, snapshot, resources, .. } = prepared;
        let (cluster, cancel, limits) = (self.cluster.clone(), self.cancel.clone(), self.limits);
        let (answers, commands) = mpsc::channel(16);
        let commands = self.answer.map(|_| Mutex::new(commands));
        let here = seaworthy::host::Surroundings::new([], 1000);
        let context =
            Context { cluster, here, resources, snapshot, events: sender, cancel, limits, stacks: None, commands };
        let run = async {
            let outcome = engine::run(&plan, &context, journal).await;
            drop(context);
            outcome
        };
        let listen = async {
            let mut events = Vec::new();
            while let Some(event) = receiver.recv().await {
                // Who only wants to see the beginning may stop listening.
                if let Some(watcher) = &self.watcher {
                    let _ = watcher.send(event.clone());
                }
                if let (Event::Ask { id, .. }, Some(agreed)) = (&event, self.answer) {
                    answers.send(Command::Answer { id: id.clone(), agreed }).await.unwrap();
                }
                events.push(event);
            }
            events
        };
        let (outcome, events) = tokio::join!(run, listen);
        Run { outcome, events }
    }

    /// Prepares and runs.
    pub(crate) async fn install(&self, desired: Desired) -> Run {
        let prepared = self.prepare(desired).await;
        self.run(prepared, None).await
    }
}

/// Installs, and expects that to go well.
pub(crate) async fn installed(fake: &Fake, wanted: Desired) -> Run {
    Voyage::new(fake).install(wanted).await.went_well()
}
