//! What must not be shown: values that a run puts into Secrets, wherever a program repeats them.

use k8s_openapi::ByteString;
use seaworthy::plan::difference::HIDDEN;
use seaworthy::plan::{Action, Plan};
use serde_json::Value;

/// Shorter values (`true`, `admin`) would blacken half of a log and hide nothing.
const LEAST: usize = 6;
/// Of a value of several lines each line counts that is at least so long.
const LEAST_LINE: usize = 16;

/// The values, the longest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mask(Vec<String>);

impl Mask {
    /// Of a plan that still has its secrets.
    pub(crate) fn of(plan: &Plan) -> Self {
        let mut words = Vec::new();
        for step in &plan.steps {
            let Action::Apply { object } = &step.action else { continue };
            if object["kind"] != "Secret" {
                continue;
            }
            let texts = object["stringData"].as_object().into_iter().flatten();
            texts.filter_map(|(_, text)| text.as_str()).for_each(|text| take(text, &mut words));
            let data = object["data"].as_object().into_iter().flatten();
            data.filter_map(|(_, data)| decoded(data)).for_each(|text| take(&text, &mut words));
        }
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        words.dedup();
        Self(words)
    }

    /// The text with none of them in it.
    pub(crate) fn hide(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, word| {
            if text.contains(word.as_str()) { text.replace(word.as_str(), HIDDEN) } else { text }
        })
    }
}

fn decoded(data: &Value) -> Option<String> {
    let bytes: ByteString = serde_json::from_value(data.clone()).ok()?;
    String::from_utf8(bytes.0).ok()
}

fn take(text: &str, words: &mut Vec<String>) {
    let whole = text.trim();
    if !whole.contains('\n') {
        words.extend((whole.len() >= LEAST).then(|| whole.to_owned()));
        return;
    }
    let lines = whole.lines().map(str::trim).filter(|line| line.len() >= LEAST_LINE);
    words.extend(lines.map(str::to_owned));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_of_secrets_are_hidden_and_nothing_else() {
        let step = |object: Value| json!({"id": object["metadata"]["name"], "title": "", "change": {"kind": "create"}, "action": {"do": "apply", "object": object}});
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "sea"},
            "stringData": {"password": "swordfish", "on": "true", "key": "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA7\nshort\n"},
            "data": {"token": "b3BlbnNlc2FtZQ==", "bytes": "/w==", "broken": 5}});
        let other =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "in the open"}});
        let plan = json!({"purpose": "install", "installation": {"stack": "s", "version": "1", "namespace": "sea", "release": "s", "profile": "p"},
            "cluster": {"context": "c", "server": "s", "uid": "u"}, "steps": [step(secret), step(other)]});
        let mask = Mask::of(&serde_json::from_value(plan).unwrap());
        assert_eq!(mask.hide("user=admin pass=swordfish on=true"), "user=admin pass=<secret> on=true");
        assert_eq!(mask.hide("opensesame MIIEpAIBAAKCAQEA7 short"), "<secret> <secret> short");
        assert_eq!(mask.hide("in the open"), "in the open");
    }
}
