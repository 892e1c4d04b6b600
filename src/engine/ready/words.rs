//! The last words of a container that ended: its status holds only an exit code, unless the pod asks for more
//! (`terminationMessagePolicy`), so they are read from its log, once for each end, and kept where the status would hold them.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;
use kube::{Api, Client};
use serde_json::Value;

use crate::object::{ObjectRef, items, text};

/// Lines that are read.
const LINES: i64 = 5;
/// Bytes that are read at the most: a line has no limit.
const BYTES: i64 = 4096;

/// One end of one container: (uid of the pod, container, when).
type End = (String, String, String);

/// What is known of the ends of containers.
#[derive(Default)]
pub(crate) struct Words {
    asked: BTreeSet<End>,
    known: BTreeMap<End, String>,
}

/// An end whose last words are not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Silence {
    end: End,
    namespace: String,
    pod: String,
    container: String,
    /// Whether the container runs again, or is about to: the words are in the log of the one before.
    previous: bool,
}

impl Words {
    /// The ends of a pod's containers that nobody has asked about yet; from now on somebody has.
    pub(crate) fn ask(&mut self, pod: &Value) -> Vec<Silence> {
        silences(pod).into_iter().filter(|silence| self.asked.insert(silence.end.clone())).collect()
    }

    /// Keeps what was read.
    pub(crate) fn keep(&mut self, silence: Silence, words: String) {
        self.known.insert(silence.end, words);
    }

    /// Puts what is known where the status would hold it.
    pub(crate) fn fill(&self, pod: &mut Value) {
        let uid = text(pod, "/metadata/uid").unwrap_or_default().to_owned();
        for list in ["containerStatuses", "initContainerStatuses"] {
            let statuses = pod["status"].get_mut(list).and_then(Value::as_array_mut);
            for status in statuses.into_iter().flatten() {
                let name = text(status, "/name").unwrap_or_default().to_owned();
                for state in ["state", "lastState"] {
                    let Some(ended) = status.get_mut(state).and_then(|state| state.get_mut("terminated")) else {
                        continue;
                    };
                    let at = text(ended, "/finishedAt").unwrap_or_default().to_owned();
                    if let Some(words) = self.known.get(&(uid.clone(), name.clone(), at)) {
                        ended["message"] = Value::from(words.as_str());
                    }
                }
            }
        }
    }
}

/// Whether a container of the pod has ended, now or before.
pub(crate) fn has_ended(pod: &Value) -> bool {
    let statuses = items(pod, "/status/containerStatuses").chain(items(pod, "/status/initContainerStatuses"));
    let ended =
        |status: &Value| status.pointer("/state/terminated").or(status.pointer("/lastState/terminated")).is_some();
    statuses.into_iter().any(ended)
}

/// The ends of a pod's containers of which the status says nothing but a code.
fn silences(pod: &Value) -> Vec<Silence> {
    let Some(ObjectRef { namespace: Some(namespace), name, .. }) = ObjectRef::of(pod) else { return Vec::new() };
    let uid = text(pod, "/metadata/uid").unwrap_or_default();
    let statuses = items(pod, "/status/containerStatuses").chain(items(pod, "/status/initContainerStatuses"));
    let of_status = |status: &Value| {
        let container = text(status, "/name")?.to_owned();
        let (ended, previous) = match (status.pointer("/state/terminated"), status.pointer("/lastState/terminated")) {
            (Some(now), _) => (now, false),
            (None, before) => (before?, true),
        };
        let told = text(ended, "/message").is_some_and(|message| !message.is_empty());
        let failed = ended["exitCode"].as_i64().is_some_and(|code| code != 0);
        let at = text(ended, "/finishedAt")?.to_owned();
        let end = (uid.to_owned(), container.clone(), at);
        (failed && !told).then(|| Silence { end, namespace: namespace.clone(), pod: name.clone(), container, previous })
    };
    statuses.filter_map(of_status).collect()
}

/// Reads the last lines. Not being allowed to, or coming too late, is no failure: the exit code is there.
pub(crate) async fn read(client: &Client, silence: &Silence) -> Option<String> {
    let params = LogParams {
        container: Some(silence.container.clone()),
        previous: silence.previous,
        tail_lines: Some(LINES),
        limit_bytes: Some(BYTES),
        ..LogParams::default()
    };
    let pods: Api<Pod> = Api::namespaced(client.clone(), &silence.namespace);
    let log = pods.logs(&silence.pod, &params).await;
    let log =
        log.map_err(|error| tracing::debug!(%error, pod = silence.pod, "its last words could not be read")).ok()?;
    Some(log.trim_end().to_owned()).filter(|log| !log.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(message: Option<&str>) -> Value {
        let mut ended = json!({"exitCode": 1, "finishedAt": "2026-11-20T10:00:00Z"});
        if let Some(message) = message {
            ended["message"] = message.into();
        }
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n", "uid": "u"},
            "status": {"containerStatuses": [{"name": "c", "state": {"waiting": {}}, "lastState": {"terminated": ended}}]}})
    }

    #[test]
    fn an_end_is_asked_about_once_and_told_from_then_on() {
        let mut words = Words::default();
        let asked = words.ask(&pod(None));
        assert_eq!(asked.len(), 1);
        assert!(asked[0].previous && asked[0].container == "c");
        assert_eq!(words.ask(&pod(None)), []);
        assert_eq!(words.ask(&pod(Some("it says why"))), []);
        words.keep(asked[0].clone(), "out of luck".to_owned());
        let mut told = pod(None);
        words.fill(&mut told);
        assert_eq!(told, pod(Some("out of luck")));
    }

    #[test]
    fn an_end_in_good_order_needs_no_words() {
        let mut pod = pod(None);
        pod["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] = json!(0);
        assert_eq!(Words::default().ask(&pod), []);
    }
}
