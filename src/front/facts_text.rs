//! What a wait sees, in words: shared by the full screen and the lines.

use seaworthy::event::{Moved, Part, Pull, PullState};
use seaworthy::object::ObjectRef;
use seaworthy::plan::task::image::size;

use super::paint::{count, time};

/// `Pod/web-7dbd: 0 of 1 ready, CrashLoopBackOff, on dev-worker`. `here`: the namespace that needs no saying.
pub(crate) fn part_text(part: &Part, here: &str) -> String {
    let Part { ready, wanted, .. } = part;
    let said = if part.said.is_empty() { String::new() } else { format!(", {}", part.said) };
    let node = part.node.as_ref().map_or_else(String::new, |node| format!(", on {node}"));
    let state = match (*wanted, is_counted(&part.object)) {
        // Words say more than "0 of 1" of what is one thing.
        (1, false) if !part.said.is_empty() => format!(": {}", part.said),
        (1, false) => if *ready == 0 { ": not ready" } else { ": ready" }.to_owned(),
        _ => format!(": {ready} of {wanted} ready{said}"),
    };
    format!("{}{state}{node}", name(&part.object, here))
}

/// Whether it is made of things that are counted.
fn is_counted(object: &ObjectRef) -> bool {
    matches!(
        object.kind.as_str(),
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" | "Pod" | "Service"
    )
}

/// The name of an object, with its namespace where that is another one.
pub(crate) fn name(object: &ObjectRef, here: &str) -> String {
    if object.namespace.as_deref() == Some(here) { object.short() } else { object.to_string() }
}

/// How an image stands: `web:1 on dev-worker: 20.0 MB in 3.2 s, 6.2 MB/s`. `age`: milliseconds since it was asked for.
pub(crate) fn pull_text(pull: &Pull, age: Option<u64>) -> String {
    let node = pull.node.as_ref().map_or_else(String::new, |node| format!(" on {node}"));
    let known = pull.bytes.map(size);
    let state = match pull.state {
        PullState::Asked => {
            let since = age.map_or_else(String::new, |age| format!(" for {} s", age / 1000));
            let size = known.map_or_else(String::new, |size| format!(", {size} in all"));
            format!("being pulled{since}{size}")
        }
        PullState::Done => {
            let took = pull.millis.map(|millis| format!("in {}", time(millis)));
            let rate = pull.rate().map_or_else(String::new, |rate| format!(", {}/s", size(rate)));
            let said: Vec<String> = known.into_iter().chain(took).collect();
            if said.is_empty() { "pulled".to_owned() } else { format!("pulled, {}{rate}", said.join(" ")) }
        }
        PullState::Present => "was on the node".to_owned(),
        PullState::Failed => "pull failed; the kubelet retries".to_owned(),
    };
    format!("{}{node}: {state}", pull.image)
}

/// Images that are still to come, in a few words behind what a step waits for.
pub(crate) fn coming(pulls: &[Pull]) -> String {
    let mut coming: Vec<&str> =
        pulls.iter().filter(|pull| pull.state == PullState::Asked).map(|pull| pull.image.as_str()).collect();
    coming.dedup();
    match coming.as_slice() {
        [] => String::new(),
        [one] => format!(", pulling {one}"),
        more => format!(", pulling {}", count(more.len(), "image")),
    }
}

/// `12.0 MB of about 30.0 MB, 4.0 MB/s, about 5 s to go`.
pub(crate) fn moved_text(moved: Moved) -> String {
    let of = if moved.total == 0 { String::new() } else { format!(" of about {}", size(moved.total)) };
    let rate = moved.rate().filter(|rate| *rate > 0);
    let left = moved.total.saturating_sub(moved.bytes);
    let to_go = rate.filter(|_| left > 0).map_or_else(String::new, |rate| format!(", about {} s to go", left / rate));
    let rate = rate.map_or_else(String::new, |rate| format!(", {}/s", size(rate)));
    format!("{}{of}{rate}{to_go}", size(moved.bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_told_with_what_is_known_of_them() {
        let pull = |state, millis, bytes| Pull {
            image: "web:1".to_owned(),
            node: Some("dev-1".to_owned()),
            state,
            since: None,
            millis,
            bytes,
        };
        let told = |state, millis, bytes| pull_text(&pull(state, millis, bytes), Some(12_500));
        assert_eq!(told(PullState::Asked, None, None), "web:1 on dev-1: being pulled for 12 s");
        assert_eq!(
            told(PullState::Asked, None, Some(20_000_000)),
            "web:1 on dev-1: being pulled for 12 s, 20.0 MB in all"
        );
        assert_eq!(
            told(PullState::Done, Some(3200), Some(20_000_000)),
            "web:1 on dev-1: pulled, 20.0 MB in 3.2 s, 6.2 MB/s"
        );
        assert_eq!(told(PullState::Done, Some(3200), None), "web:1 on dev-1: pulled, in 3.2 s");
        assert_eq!(told(PullState::Done, None, None), "web:1 on dev-1: pulled");
        let all = [PullState::Asked, PullState::Done].map(|state| pull(state, None, None));
        assert_eq!((coming(&all).as_str(), coming(&all[1..]).as_str()), (", pulling web:1", ""));
        let moved = Moved { bytes: 12_000_000, total: 30_000_000, millis: 3000 };
        assert_eq!(moved_text(moved), "12.0 MB of about 30.0 MB, 4.0 MB/s, about 4 s to go");
        assert_eq!(moved_text(Moved { bytes: 5, total: 0, millis: 0 }), "5 bytes");
    }

    #[test]
    fn one_thing_is_told_in_words_and_many_in_numbers() {
        let part = |kind: &str, ready, wanted, said: &str| {
            let object = ObjectRef::new("v1", kind, Some("sea"), "x");
            part_text(&Part { object, ready, wanted, said: said.to_owned(), node: None }, "sea")
        };
        assert_eq!(part("Deployment", 1, 3, ""), "Deployment/x: 1 of 3 ready");
        assert_eq!(part("Pod", 0, 1, "CrashLoopBackOff"), "Pod/x: 0 of 1 ready, CrashLoopBackOff");
        assert_eq!(part("PersistentVolumeClaim", 0, 1, "Pending"), "PersistentVolumeClaim/x: Pending");
        assert_eq!(part("PersistentVolumeClaim", 1, 1, ""), "PersistentVolumeClaim/x: ready");
    }
}
