//! Runs the steps of a case, and tells what differs from its recording.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::Method;
use regex::Regex;
use serde_json::{Map, Value, json};

use super::case::{Case, Step};
use super::look::at;
use super::normalise::Normaliser;
use super::target::{Answer, Sent, Target};

/// How long an answer is waited for, in the cluster's time, and how often it is asked for.
const DEADLINE: Duration = Duration::from_secs(180);
const EVERY: Duration = Duration::from_millis(200);
/// What every namespace gets from controllers, on which pods depend.
const INHABITANTS: [&str; 2] = ["serviceaccounts/default", "configmaps/kube-root-ca.crt"];

static NS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\bNS\b").unwrap());
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// What was answered step by step, or why a step could not be taken.
pub(super) type Answers = Result<Vec<Value>, String>;

/// Runs a case in a namespace of its own, which goes at the end.
pub(super) async fn run(case: &Case, target: &Target) -> Answers {
    let _leap = target.clock.as_ref().map(seaworthy::cluster::Clock::leap);
    let namespace = format!("conf-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let mut run = Run {
        target,
        normaliser: Normaliser::new(&namespace, &target.nodes),
        namespace: namespace.clone(),
        kept: BTreeMap::new(),
    };
    let answers = run.all(case).await;
    for path in case.after.iter().map(|path| run.filled(path)).chain([format!("/api/v1/namespaces/{namespace}")]) {
        let sent = Sent { method: Method::DELETE, path: &path, kind: "application/json", accept: None, body: None };
        // A case may have deleted it itself.
        let (code, answer) = target.send(&sent).await;
        if ![200, 202, 404, 409].contains(&code) {
            return Err(format!("{path} could not be deleted: {answer}"));
        }
    }
    answers
}

struct Run<'a> {
    target: &'a Target,
    namespace: String,
    normaliser: Normaliser,
    kept: BTreeMap<String, String>,
}

impl Run<'_> {
    async fn all(&mut self, case: &Case) -> Answers {
        self.settle_in().await?;
        let mut answers = Vec::new();
        let mut last = Value::Null;
        for step in &case.steps {
            answers.push(self.step(step, &mut last).await?);
        }
        Ok(answers)
    }

    async fn settle_in(&self) -> Result<(), String> {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}});
        let sent = Sent {
            method: Method::POST,
            path: "/api/v1/namespaces",
            kind: "application/json",
            accept: None,
            body: Some(&namespace),
        };
        let (code, answer) = self.target.send(&sent).await;
        if code != 201 {
            return Err(format!("no namespace: {answer}"));
        }
        for inhabitant in INHABITANTS {
            let path = format!("/api/v1/namespaces/{}/{inhabitant}", self.namespace);
            let sent = Sent { method: Method::GET, path: &path, kind: "application/json", accept: None, body: None };
            self.patiently(&sent, &BTreeMap::from([("code".to_owned(), json!(200))]))
                .await
                .map_err(|why| format!("{inhabitant}: {why}"))?;
        }
        Ok(())
    }

    async fn step(&mut self, step: &Step, last: &mut Value) -> Answered {
        if let Some(path) = &step.watch {
            return Ok(self.watch(step, &self.filled(path)).await);
        }
        let Some(request) = &step.request else {
            self.keep(step, last)?;
            return Ok(json!({"step": step.title()}));
        };
        let (method, path) = request.split_once(' ').ok_or("a step is METHOD path")?;
        let (path, body) = (self.filled(path), step.body.as_ref().map(|body| self.filled_in(body)));
        let method = method.parse().map_err(|_| format!("{method} is no method"))?;
        let sent = Sent {
            method,
            path: &path,
            kind: step.content_type(),
            accept: step.accept.as_deref(),
            body: body.as_ref(),
        };
        let answer = self.patiently(&sent, &step.until).await.map_err(|why| format!("{request}: {why}"))?;
        let code = answer.code;
        *last = answer.body;
        self.keep(step, last)?;
        let mut said = json!({"step": step.title(), "code": code});
        if step.warnings {
            said["warnings"] = self.normaliser.value(&json!(answer.warnings));
        }
        match &step.look {
            Some(look) => said["look"] = self.looked(last, look),
            None if code >= 400 => said["body"] = self.normaliser.value(last),
            None => {}
        }
        Ok(said)
    }

    /// Sends a request, and again until the answer is what is waited for.
    async fn patiently(&self, sent: &Sent<'_>, until: &BTreeMap<String, Value>) -> Result<Answer, String> {
        let end = tokio::time::Instant::now() + DEADLINE;
        loop {
            let answer = self.target.answer(sent).await;
            let seen = |key: &str| match key {
                "code" => json!(answer.code),
                "warnings" => json!(answer.warnings.len()),
                pointer => at(&answer.body, pointer),
            };
            let missing = until.iter().find(|(key, wanted)| seen(key) != self.filled_in(wanted));
            let Some((key, wanted)) = missing else { return Ok(answer) };
            if tokio::time::Instant::now() > end {
                return Err(format!("{key} did not become {wanted}: it is {} ({})", seen(key), answer.code));
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    async fn watch(&mut self, step: &Step, path: &str) -> Value {
        let (code, events) = self.target.watch(path).await;
        let seen: Vec<Value> = events
            .iter()
            .map(|event| match &step.look {
                Some(look) if code < 400 && event["type"] != "ERROR" => {
                    json!({"type": event["type"], "look": self.looked(&event["object"], look)})
                }
                _ => self.normaliser.value(event),
            })
            .collect();
        json!({"step": step.title(), "code": code, "events": seen})
    }

    fn looked(&mut self, answer: &Value, look: &[String]) -> Value {
        // The pointer is the key, so that the last word of it says what the value is.
        let found: Map<String, Value> = look.iter().map(|pointer| (pointer.clone(), at(answer, pointer))).collect();
        self.normaliser.value(&Value::Object(found))
    }

    fn keep(&mut self, step: &Step, last: &Value) -> Result<(), String> {
        for (name, pointer) in &step.keep {
            let text = match at(last, pointer) {
                Value::Null => return Err(format!("{}: there is no {pointer} in {last}", step.title())),
                Value::String(text) => text,
                other => other.to_string(),
            };
            self.kept.insert(name.clone(), text);
        }
        Ok(())
    }

    fn filled(&self, text: &str) -> String {
        let mut text = NS.replace_all(text, self.namespace.as_str()).into_owned();
        for (name, value) in self.kept.iter().rev() {
            text = text.replace(&format!("${name}"), value);
        }
        text
    }

    fn filled_in(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.filled(text).into(),
            Value::Array(list) => list.iter().map(|item| self.filled_in(item)).collect(),
            Value::Object(map) => map.iter().map(|(key, value)| (self.filled(key), self.filled_in(value))).collect(),
            other => other.clone(),
        }
    }
}

type Answered = Result<Value, String>;

/// What of the answers is not as recorded, a line each.
pub(super) fn differences(expected: &[Value], got: &Answers) -> Vec<String> {
    let got = match got {
        Ok(got) => got,
        Err(why) => return vec![why.clone()],
    };
    let mut found = Vec::new();
    for (expected, got) in expected.iter().zip(got) {
        compare(expected, got, expected["step"].as_str().unwrap_or_default(), &mut found);
    }
    found
}

fn compare(expected: &Value, got: &Value, place: &str, found: &mut Vec<String>) {
    match (expected, got) {
        (Value::Object(one), Value::Object(other)) => {
            let keys = one.keys().chain(other.keys().filter(|key| !one.contains_key(*key)));
            for key in keys {
                let (left, right) = (one.get(key).unwrap_or(&Value::Null), other.get(key).unwrap_or(&Value::Null));
                compare(left, right, &format!("{place} {key}"), found);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (left, right)) in one.iter().zip(other).enumerate() {
                compare(left, right, &format!("{place} {index}"), found);
            }
        }
        (expected, got) if expected != got => found.push(format!("{place}: expected {expected}, got {got}")),
        _ => {}
    }
}
