//! What logs say, for the steps that ask for it.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;
use kube::{Api, Client};
use serde_json::Value;

use super::command::name;
use super::expect::Answer;
use super::form::{LogLook, Step};
use super::{Holding, Pattern, Site};
use crate::doctor::evidence::logs;
use crate::doctor::stall::words::clip;
use crate::object::{is_true, items, number, text};

/// Lines that are read of a log, and bytes at the most.
const LINES: i64 = 200;
const BYTES: i64 = 64 << 10;
/// Logs that are read at once, and how long each may take.
const AT_ONCE: usize = 8;
const PATIENCE: Duration = Duration::from_secs(5);
/// Pods of a component whose logs are read: what fails fails in many of them alike.
const PODS: usize = 6;

/// One log that is to be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogAsk {
    /// The namespace of the pod.
    pub namespace: String,
    /// The pod.
    pub pod: String,
    /// Its container.
    pub container: String,
    /// Whether the log of the container before this one is meant.
    pub previous: bool,
}

/// What was read, or why not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words(BTreeMap<LogAsk, Result<String, String>>);

impl Words {
    /// Adds what one log says.
    pub fn keep(&mut self, ask: LogAsk, said: Result<String, String>) {
        self.0.insert(ask, said);
    }

    /// Whether a log was asked for.
    pub fn has(&self, ask: &LogAsk) -> bool {
        self.0.contains_key(ask)
    }

    /// What they tell of a pattern; `None` while some were not read, unless one says it.
    pub(super) fn answer(&self, asks: &[LogAsk], pattern: &Pattern) -> Option<Answer> {
        if asks.is_empty() {
            return None;
        }
        let read = asks.iter().filter_map(|ask| Some((ask, self.0.get(ask)?)));
        let said: Vec<String> = read
            .filter_map(|(ask, said)| {
                // The last line tells how it is now.
                let line = said.as_ref().ok()?.lines().rev().find(|line| pattern.says.is_match(line))?;
                Some(told(&ask.pod, &ask.container, line))
            })
            .collect();
        if !said.is_empty() {
            return Some(Answer::of(Holding::DoesNotHold, said));
        }
        if asks.iter().any(|ask| !self.has(ask)) {
            return None;
        }
        let why = asks.iter().find_map(|ask| Some((ask, self.0.get(ask)?.as_ref().err()?)));
        if let Some((LogAsk { pod, container, .. }, why)) = why {
            return Some(Answer::unknown(format!(
                "the log of pod {pod}, container {container}, could not be read: {why}"
            )));
        }
        let seen = match asks.len() {
            1 => format!("no line of the log's last {LINES} is like `{}`", pattern.example),
            many => format!("no line of the last {LINES} of {many} logs is like `{}`", pattern.example),
        };
        Some(Answer::of(Holding::Holds, vec![seen]))
    }
}

fn told(pod: &str, container: &str, line: &str) -> String {
    clip(&format!("pod {pod}, container {container}: {}", line.trim()))
}

impl Site<'_> {
    /// What is known of logs without reading any, and what has to be read.
    pub(super) fn logged(&self, log: &LogLook, step: &Step, pods: &[&Value]) -> (Answer, Vec<LogAsk>) {
        if pods.is_empty() {
            return (self.nothing(step), Vec::new());
        }
        let concerned: Vec<&Value> =
            pods.iter().copied().filter(|pod| log.ready || !is_true(pod, "Ready")).take(PODS).collect();
        if concerned.is_empty() {
            return (
                Answer::of(Holding::Holds, vec!["its pods are ready, so that nobody need ask them".to_owned()]),
                Vec::new(),
            );
        }
        let is_meant = |container: &str| log.container.as_deref().is_none_or(|meant| meant == container);
        let lines = concerned.iter().flat_map(|pod| {
            let words = logs(pod).filter(|(container, _)| is_meant(container));
            let pod = name(pod);
            words.flat_map(move |(container, said)| said.lines().map(move |line| (pod, container, line)))
        });
        let said: Vec<String> = lines
            .filter(|(_, _, line)| log.says.is_match(line))
            .map(|(pod, container, line)| told(pod, container, line))
            .collect();
        if !said.is_empty() {
            return (Answer::of(Holding::DoesNotHold, said), Vec::new());
        }
        let asks: Vec<LogAsk> =
            concerned.iter().flat_map(|pod| Self::asks(pod)).filter(|ask| is_meant(&ask.container)).collect();
        let why =
            if asks.is_empty() { "no container has begun, so that there is no log" } else { "the log was not read" };
        (Answer::unknown(why), asks)
    }

    /// The logs that a pod has. That of the container before is of interest while this one is not well.
    fn asks(pod: &Value) -> Vec<LogAsk> {
        let statuses = items(pod, "/status/initContainerStatuses").chain(items(pod, "/status/containerStatuses"));
        let ask = |container: &str, previous: bool| LogAsk {
            namespace: text(pod, "/metadata/namespace").unwrap_or_default().to_owned(),
            pod: name(pod).to_owned(),
            container: container.to_owned(),
            previous,
        };
        statuses
            .filter_map(|status| Some((text(status, "/name")?, status)))
            .flat_map(|(container, status)| {
                let has_begun = status["state"].get("running").is_some() || status["state"].get("terminated").is_some();
                let was_there = number(status, "/restartCount").unwrap_or_default() > 0 && status["ready"] != true;
                let now = has_begun.then(|| ask(container, false));
                now.into_iter().chain(was_there.then(|| ask(container, true)))
            })
            .collect()
    }
}

/// Reads logs. Not being allowed to, and coming too late, is told of each.
pub async fn read(client: &Client, asks: Vec<LogAsk>) -> Words {
    let read = |ask: LogAsk| async move {
        let params = LogParams {
            container: Some(ask.container.clone()),
            previous: ask.previous,
            tail_lines: Some(LINES),
            limit_bytes: Some(BYTES),
            ..LogParams::default()
        };
        let pods: Api<Pod> = Api::namespaced(client.clone(), &ask.namespace);
        let said = match tokio::time::timeout(PATIENCE, pods.logs(&ask.pod, &params)).await {
            Ok(Ok(log)) => Ok(log),
            Ok(Err(kube::Error::Api(status))) => Err(clip(&status.message)),
            Ok(Err(error)) => Err(clip(&error.to_string())),
            Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
        };
        (ask, said)
    };
    stream::iter(asks)
        .map(read)
        .buffer_unordered(AT_ONCE)
        .fold(Words::default(), |mut words, (ask, said)| async move {
            words.keep(ask, said);
            words
        })
        .await
}
