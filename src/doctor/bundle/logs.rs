//! Reads the last lines of all containers, of what is unwell first, and no more than can be carried.

use std::time::Duration;

use futures::{AsyncReadExt as _, StreamExt as _, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;
use kube::{Api, Client};
use serde_json::Value;

use super::{Gap, Log};
use crate::error::root;
use crate::logs::plain;
use crate::object::{items, number, text};
use crate::snapshot::Snapshot;

/// Lines of a log.
const LINES: usize = 2000;
/// Bytes of a log that are kept, and that are read at the most: a line has no limit.
const BYTES: usize = 512 * 1024;
const READ: usize = 16 * BYTES;
/// Bytes of all logs together.
const ALL: usize = 64 * 1024 * 1024;
/// How long one log may take.
const ONE: Duration = Duration::from_secs(15);
/// Logs that are read at once.
const AT_ONCE: usize = 8;

/// One log that there is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Source {
    namespace: String,
    pod: String,
    container: String,
    previous: bool,
    is_well: bool,
}

impl Source {
    fn place(&self) -> String {
        let Self { namespace, pod, container, .. } = self;
        let before = if self.previous { " before its restart" } else { "" };
        format!("log of container {container} of Pod/{namespace}/{pod}{before}")
    }
}

/// Reads them all, for so long.
pub(super) async fn read(
    client: &Client,
    objects: &Snapshot,
    namespace: Option<&str>,
    deadline: Duration,
) -> (Vec<Log>, Vec<Gap>) {
    let pods = objects
        .of_kind("", "Pod")
        .filter(|pod| namespace.is_none_or(|only| text(pod, "/metadata/namespace") == Some(only)));
    let mut sources: Vec<Source> = pods.flat_map(sources).collect();
    sources.sort_by_key(|source| source.is_well);
    let end = tokio::time::Instant::now() + deadline;
    let one = |source: Source| async move {
        let read = tokio::time::timeout_at(end.min(tokio::time::Instant::now() + ONE), log(client, &source)).await;
        let log = read.unwrap_or_else(|_| Err("no answer in time".to_owned()));
        (source, log)
    };
    let (mut logs, mut gaps, mut bytes, mut left) = (Vec::new(), Vec::new(), 0, 0);
    let mut answers = stream::iter(sources).map(one).buffered(AT_ONCE);
    while let Some((source, answer)) = answers.next().await {
        match answer {
            Ok(log) if bytes + log.text.len() > ALL => left += usize::from(!log.text.is_empty()),
            Ok(log) => {
                bytes += log.text.len();
                logs.push(log);
            }
            Err(why) => gaps.push(Gap::new(source.place(), why)),
        }
    }
    if left > 0 {
        gaps.push(Gap::new(
            format!("{left} logs of containers that are well"),
            "all logs together would be larger than 64 MiB; name a stack or a namespace",
        ));
    }
    (logs, gaps)
}

/// The logs of a pod: of each container that has begun, and of the one before where it was started again.
fn sources(pod: &Value) -> Vec<Source> {
    let part = |pointer: &str| text(pod, pointer).unwrap_or_default().to_owned();
    let (namespace, name) = (part("/metadata/namespace"), part("/metadata/name"));
    let lists = ["/status/initContainerStatuses", "/status/containerStatuses", "/status/ephemeralContainerStatuses"];
    let mut found = Vec::new();
    for status in lists.iter().flat_map(|list| items(pod, list)) {
        let Some(container) = text(status, "/name") else { continue };
        let restarts = number(status, "/restartCount").unwrap_or(0);
        let ended = status.pointer("/state/terminated");
        let has_begun = status.pointer("/state/running").or(ended).is_some() || restarts > 0;
        let is_well = status["ready"] == true && restarts == 0 || ended.is_some_and(|ended| ended["exitCode"] == 0);
        let source = |previous| Source {
            namespace: namespace.clone(),
            pod: name.clone(),
            container: container.to_owned(),
            previous,
            is_well,
        };
        found.extend(has_begun.then(|| source(false)));
        found.extend((restarts > 0 && status.pointer("/lastState/terminated").is_some()).then(|| source(true)));
    }
    found
}

async fn log(client: &Client, source: &Source) -> Result<Log, String> {
    let params = LogParams {
        container: Some(source.container.clone()),
        previous: source.previous,
        tail_lines: i64::try_from(LINES).ok(),
        limit_bytes: i64::try_from(READ).ok(),
        timestamps: true,
        ..LogParams::default()
    };
    let pods: Api<Pod> = Api::namespaced(client.clone(), &source.namespace);
    let mut stream = pods.log_stream(&source.pod, &params).await.map_err(|error| root(&error))?;
    let (mut kept, mut piece, mut read) = (Vec::new(), vec![0; 32 * 1024], 0);
    loop {
        let length = stream.read(&mut piece).await.map_err(|error| error.to_string())?;
        if length == 0 {
            break;
        }
        read += length;
        kept.extend_from_slice(&piece[..length]);
        if kept.len() > 2 * BYTES {
            kept.drain(..kept.len() - BYTES);
        }
    }
    let Source { namespace, pod, container, previous, .. } = source.clone();
    let (text, cut) = kept_text(&kept, read);
    Ok(Log { namespace, pod, container, previous, text, cut })
}

/// The last lines as a terminal may show them, and what is missing.
fn kept_text(kept: &[u8], read: usize) -> (String, Option<String>) {
    let kept = &kept[kept.len().saturating_sub(BYTES)..];
    let is_cut = read > kept.len();
    // The first line is not whole then.
    let whole = kept.iter().position(|byte| *byte == b'\n').filter(|_| is_cut).map_or(0, |end| end + 1);
    let lines: Vec<String> = String::from_utf8_lossy(&kept[whole..]).lines().map(plain).collect();
    let cut = if is_cut {
        Some(format!("only its last {} KiB", BYTES / 1024))
    } else {
        (lines.len() >= LINES).then(|| format!("only its last {LINES} lines"))
    };
    let mut text = lines.join("\n");
    text.push_str(if text.is_empty() { "" } else { "\n" });
    (text, cut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_has_begun_has_a_log_and_what_crashed_one_of_before() {
        let pod = json!({"metadata": {"namespace": "n", "name": "p"}, "status": {
            "initContainerStatuses": [{"name": "init", "restartCount": 0, "state": {"terminated": {"exitCode": 0}}}],
            "containerStatuses": [
                {"name": "waits", "restartCount": 0, "state": {"waiting": {}}},
                {"name": "crashes", "restartCount": 3, "ready": false, "state": {"waiting": {}}, "lastState": {"terminated": {}}}]}});
        let found: Vec<(String, bool, bool)> =
            sources(&pod).into_iter().map(|source| (source.container, source.previous, source.is_well)).collect();
        let expected = [("init", false, true), ("crashes", false, false), ("crashes", true, false)];
        assert_eq!(found, expected.map(|(name, previous, well)| (name.to_owned(), previous, well)));
    }

    #[test]
    fn what_is_cut_is_said_and_begins_with_a_whole_line() {
        let long = format!("{}\nlast \u{1b}[31mred\u{1b}[0m\n", "x".repeat(BYTES));
        let (text, cut) = kept_text(long.as_bytes(), long.len());
        assert_eq!((text.as_str(), cut.as_deref()), ("last red\n", Some("only its last 512 KiB")));
        assert_eq!(kept_text(b"one\n", 4), ("one\n".to_owned(), None));
        assert_eq!(kept_text("a\n".repeat(LINES).as_bytes(), 2 * LINES).1.as_deref(), Some("only its last 2000 lines"));
    }
}
