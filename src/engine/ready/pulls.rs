//! What kubelets tell of images: asked for, there, how long it took and how large it is. Pure.
//!
//! Their words are those of `pkg/kubelet/images/image_manager.go`: `Pulling image "X"`, then `Successfully pulled image "X" in 3.2s
//! (4s including waiting). Image size: 20000000 bytes.`, which has no size before Kubernetes 1.29. Until then they tell nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::doctor::stall::event_time;
use crate::event::{Pull, PullState};
use crate::images::full_name;
use crate::object::{ObjectRef, items, number, text};
use crate::snapshot::Snapshot;

/// Images that are told.
const MOST: usize = 20;

/// One event, as far as it is about an image.
#[derive(Debug, PartialEq)]
struct Word<'a> {
    image: &'a str,
    state: PullState,
    millis: Option<u64>,
    bytes: Option<u64>,
}

/// The images that these pods' kubelets were asked for, what is still to come first.
pub(super) fn pulls(pods: &[&Value], snapshot: &Snapshot) -> Vec<Pull> {
    let mut found: BTreeMap<(String, Option<String>), Pull> = BTreeMap::new();
    for pod in pods {
        let Some(reference) = ObjectRef::of(pod) else { continue };
        let node = text(pod, "/spec/nodeName").map(str::to_owned);
        let mut words: Vec<(Option<Timestamp>, Word<'_>)> =
            snapshot.events_about(&reference).filter_map(|event| Some((event_time(event), word(event)?))).collect();
        // Kubelets write whole seconds: what was asked for in the same one comes first.
        words.sort_by_key(|(at, word)| (*at, word.state != PullState::Asked));
        for (at, word) in words {
            let pull = found.entry((word.image.to_owned(), node.clone())).or_insert_with(|| Pull {
                image: word.image.to_owned(),
                node: node.clone(),
                state: PullState::Present,
                since: None,
                millis: None,
                bytes: None,
            });
            take(pull, at, &word);
        }
    }
    let mut all: Vec<Pull> = found.into_values().collect();
    for pull in all.iter_mut().filter(|pull| pull.state == PullState::Asked) {
        pull.bytes = known_size(&pull.image, snapshot);
    }
    all.sort_by_key(|pull| match pull.state {
        PullState::Asked => 0,
        PullState::Failed => 1,
        PullState::Done => 2,
        PullState::Present => 3,
    });
    all.truncate(MOST);
    all
}

/// What comes later counts, but that a node has what it has just pulled is no news of it.
fn take(pull: &mut Pull, at: Option<Timestamp>, word: &Word<'_>) {
    match word.state {
        PullState::Present => {}
        PullState::Asked => (pull.state, pull.since, pull.millis, pull.bytes) = (PullState::Asked, at, None, None),
        state => {
            pull.state = state;
            (pull.millis, pull.bytes) = (word.millis, word.bytes);
        }
    }
}

fn word(event: &Value) -> Option<Word<'_>> {
    let (reason, message) = (text(event, "/reason")?, text(event, "/message")?);
    let (before, rest) = message.split_once('"')?;
    let (image, after) = rest.split_once('"')?;
    let state = match (reason, before.trim_end()) {
        ("Pulling", _) => PullState::Asked,
        ("Failed", "Failed to pull image") | ("BackOff", "Back-off pulling image") => PullState::Failed,
        ("Pulled", "Successfully pulled image") => PullState::Done,
        ("Pulled", _) if after.contains("already present") => PullState::Present,
        _ => return None,
    };
    let took = after.strip_prefix(" in ").and_then(|after| millis(after.split_whitespace().next()?));
    let bytes = after.split_once("Image size: ").and_then(|(_, size)| size.split(' ').next()?.parse().ok());
    let is_done = state == PullState::Done;
    Some(Word { image, state, millis: took.filter(|_| is_done), bytes: bytes.filter(|_| is_done) })
}

/// A duration as Go writes it: `1m3.2s`, `853ms`, `1h0m2s`.
fn millis(text: &str) -> Option<u64> {
    let mut rest = text.trim_end_matches([',', '.']);
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        total += number
            * match &rest[..unit] {
                "h" => 3_600_000.0,
                "m" => 60_000.0,
                "s" => 1000.0,
                "ms" => 1.0,
                "us" | "µs" => 0.001,
                "ns" => 0.000_001,
                _ => return None,
            };
        rest = &rest[unit..];
    }
    // A year is no pull.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and a year")]
    (0.0..3.2e10).contains(&total).then(|| total.round() as u64)
}

/// The size of an image as a node tells it that has it.
fn known_size(image: &str, snapshot: &Snapshot) -> Option<u64> {
    let wanted = full_name(image);
    let has = |known: &&Value| items(known, "/names").filter_map(Value::as_str).any(|name| full_name(name) == wanted);
    let on = |node: &Value| {
        let known = items(node, "/status/images").find(has)?;
        u64::try_from(number(known, "/sizeBytes")?).ok()
    };
    snapshot.of_kind("", "Node").find_map(on)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn durations_as_go_writes_them() {
        let table = [("3.2s", Some(3200)), ("853ms", Some(853)), ("1m3.2s", Some(63_200)), ("1h0m2s", Some(3_602_000))];
        for (text, wanted) in table.into_iter().chain([("0s", Some(0)), ("s", None), ("5", None), ("-1s", None)]) {
            assert_eq!(millis(text), wanted, "{text}");
        }
        assert_eq!(millis("1.5µs"), Some(0));
        assert_eq!(millis("9999999999h"), None);
    }

    fn event(name: &str, second: u32, (reason, message): (&str, &str)) -> Value {
        let at = format!("2026-11-20T10:00:{second:02}Z");
        json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": format!("{name}.{reason}{second}"), "namespace": "sea"},
            "involvedObject": {"kind": "Pod", "namespace": "sea", "name": name}, "reason": reason, "message": message,
            "firstTimestamp": at, "lastTimestamp": at})
    }

    fn told(events: &[(u32, (&str, &str))]) -> Vec<Pull> {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "sea"}, "spec": {"nodeName": "n"}});
        let mut snapshot = Snapshot::default();
        for (second, words) in events {
            snapshot.insert(event("p", *second, *words));
        }
        snapshot.insert(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "other"},
            "status": {"images": [{"names": ["docker.io/library/web:1"], "sizeBytes": 7}]}}));
        pulls(&[&pod], &snapshot)
    }

    const ASKED: (&str, &str) = ("Pulling", "Pulling image \"web:1\"");
    const CAME: (&str, &str) = (
        "Pulled",
        "Successfully pulled image \"web:1\" in 39.356s (49.356s including waiting). Image size: 41901587 bytes.",
    );

    #[test]
    fn a_pull_is_told_from_its_beginning_to_its_end() {
        let asked = told(&[(1, ASKED)]);
        assert_eq!((asked[0].state, asked[0].bytes), (PullState::Asked, Some(7)), "as the other node has it");
        assert_eq!(asked[0].since.unwrap().to_string(), "2026-11-20T10:00:01Z");
        let came = told(&[(1, CAME), (1, ASKED)]);
        assert_eq!((came[0].state, came[0].millis, came[0].bytes), (PullState::Done, Some(39_356), Some(41_901_587)));
        assert_eq!(came[0].rate(), Some(1_064_681));
        let failed = told(&[(1, ASKED), (2, ("Failed", "Failed to pull image \"web:1\": not found"))]);
        assert_eq!(failed[0].state, PullState::Failed);
        let again = told(&[(2, ("Failed", "Failed to pull image \"web:1\": not found")), (3, ASKED)]);
        assert_eq!(again[0].state, PullState::Asked, "it is tried again");
    }

    #[test]
    fn what_was_there_and_what_is_of_another_kind() {
        let there = ("Pulled", "Container image \"web:1\" already present on machine");
        assert_eq!(told(&[(1, there)])[0].state, PullState::Present);
        assert_eq!(told(&[(1, ASKED), (2, CAME), (3, there)])[0].bytes, Some(41_901_587));
        let old = ("Pulled", "Successfully pulled image \"web:1\" in 1.2s (1.2s including waiting)");
        assert_eq!((told(&[(1, old)])[0].millis, told(&[(1, old)])[0].rate()), (Some(1200), None));
        let others =
            [("Created", "Created container: web"), ("Failed", "Error: ErrImagePull"), ("Pulled", "what \"is\" this")];
        assert_eq!(told(&others.map(|words| (1, words))), []);
    }
}
