//! What differs from run to run becomes placeholders, in order of appearance, so that two runs can be compared.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::{Map, Value};

/// The letters of generated names.
const LETTERS: &str = "[bcdfghjklmnpqrstvwxz2456789]";
/// Writers of managed fields that are parts of the cluster: controllers of the sandbox own no fields (see architecture.md).
const PARTS: [&str; 3] = ["kube-controller-manager", "kubelet", "kube-scheduler"];

struct Pattern {
    class: &'static str,
    regex: Regex,
}

fn pattern(class: &'static str, text: &str) -> Pattern {
    Pattern { class, regex: Regex::new(text).unwrap() }
}

/// In this order. Group 1 is what is replaced; what stands before it stays.
static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    vec![
        pattern("version", r"(resource version: (?:\d+ \()?)(\d+)\b"),
        pattern("version", r"(resource version: \S+ \()(\d+)\b"),
        pattern("uid", r"()([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"),
        pattern("ip", r"()\b(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})\b"),
        pattern("hash", &format!(r"(-)({LETTERS}{{7,10}})\b")),
        pattern("suffix", &format!(r"(-|>-)({LETTERS}{{5}})\b")),
    ]
});
static TIME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z").unwrap());
static AGE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^(\d+[smhd])+$").unwrap());

/// What was seen so far in a case.
pub(super) struct Normaliser {
    namespace: String,
    nodes: Vec<String>,
    seen: Vec<(&'static str, String)>,
}

impl Normaliser {
    pub(super) fn new(namespace: &str, nodes: &[String]) -> Self {
        Self { namespace: namespace.to_owned(), nodes: nodes.to_vec(), seen: Vec::new() }
    }

    /// The value with placeholders.
    pub(super) fn value(&mut self, value: &Value) -> Value {
        self.under("", value)
    }

    fn under(&mut self, key: &str, value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                let mut plain = Map::new();
                for (key, value) in map {
                    plain.insert(self.text("", key), self.under(key, value));
                }
                Value::Object(plain)
            }
            Value::Array(list) if key.ends_with("managedFields") => self.managers(list),
            Value::Array(list) if key == "causes" => self.causes(list),
            Value::Array(list) => list.iter().map(|item| self.under(key, item)).collect(),
            Value::String(text) => self.text(key, text).into(),
            Value::Number(number) if key.ends_with("nodePort") && number.as_u64().is_some_and(|port| port >= 30000) => {
                "<node-port>".into()
            }
            other => other.clone(),
        }
    }

    /// The API server names the conflicts with several managers in no order.
    fn causes(&mut self, list: &[Value]) -> Value {
        let mut list = list.to_vec();
        if list.iter().all(|cause| cause["reason"] == "FieldManagerConflict") {
            list.sort_by_key(|cause| format!("{} {}", cause["message"], cause["field"]));
        }
        list.iter().map(|cause| self.under("cause", cause)).collect()
    }

    /// The order of managers has no meaning.
    fn managers(&mut self, list: &[Value]) -> Value {
        let mut list: Vec<Value> =
            list.iter().filter(|entry| !PARTS.iter().any(|part| entry["manager"] == *part)).cloned().collect();
        list.sort_by_key(|entry| format!("{} {} {}", entry["manager"], entry["operation"], entry["subresource"]));
        list.iter().map(|entry| self.under("entry", entry)).collect()
    }

    fn text(&mut self, key: &str, text: &str) -> String {
        if key.ends_with("resourceVersion") {
            return if text.is_empty() { String::new() } else { "<version>".to_owned() };
        }
        if key.ends_with("continue") {
            return "<continue>".to_owned();
        }
        if key.ends_with("cells") && AGE.is_match(text) {
            return "<age>".to_owned();
        }
        if key.ends_with("-hash") && !text.contains('-') {
            return self.placeholder("hash", text);
        }
        let mut text = text.replace(&self.namespace, "NS");
        text = TIME.replace_all(&text, "<time>").into_owned();
        for node in self.nodes.clone() {
            if text.contains(&node) {
                let placeholder = self.placeholder("node", &node);
                text = text.replace(&node, &placeholder);
            }
        }
        for Pattern { class, regex } in &*PATTERNS {
            let replace = |found: &Captures<'_>| format!("{}{}", &found[1], self.placeholder(class, &found[2]));
            text = regex.replace_all(&text, replace).into_owned();
        }
        text
    }

    fn placeholder(&mut self, class: &'static str, text: &str) -> String {
        let same = |(known, seen): &&(&str, String)| *known == class && seen == text;
        if !self.seen.iter().any(|entry| same(&entry)) {
            self.seen.push((class, text.to_owned()));
        }
        let mut of_class = self.seen.iter().filter(|(known, _)| *known == class);
        let number = of_class.position(|(_, seen)| seen == text).unwrap_or_default() + 1;
        format!("<{class}-{number}>")
    }
}

#[test]
fn what_differs_from_run_to_run_becomes_a_placeholder() {
    let mut it = Normaliser::new("c-one", &["n-1".to_owned()]);
    let pod = serde_json::json!({"name": "web-6b4c9d5f8-x7k2p", "namespace": "c-one", "nodeName": "n-1", "resourceVersion": "12",
        "hostIP": "10.0.0.1", "podIP": "10.0.0.2", "at": "2026-01-01T00:00:00Z", "pod-template-hash": "6b4c9d5f8",
        "other": "web-6b4c9d5f8-zzzzz", "plain": "a-first-word"});
    let expected = serde_json::json!({"name": "web-<hash-1>-<suffix-1>", "namespace": "NS", "nodeName": "<node-1>",
        "resourceVersion": "<version>", "hostIP": "<ip-1>", "podIP": "<ip-2>", "at": "<time>", "pod-template-hash": "<hash-1>",
        "other": "web-<hash-1>-<suffix-2>", "plain": "a-first-word"});
    assert_eq!(it.value(&pod), expected);
}
