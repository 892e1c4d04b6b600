//! What a step that waits sees, as data: how far each object is, and what happens to images. The words of an event say the
//! same for people.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::object::ObjectRef;

/// What is seen. What is empty is not written.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// When it was looked, by the cluster's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// The object that is waited for, and below it what it is made of; of that, what is not ready first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// Parts that were left out because there are many.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: usize,
    /// Images that were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pulls: Vec<Pull>,
    /// What we move ourselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<Moved>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl Facts {
    /// Whether nothing is seen.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.pulls.is_empty() && self.moved.is_none()
    }

    /// Whether the same is seen, whenever it was looked.
    pub fn says_as(&self, other: &Self) -> bool {
        Self { at: None, ..self.clone() } == Self { at: None, ..other.clone() }
    }
}

/// How far an object is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    /// Which object.
    pub object: ObjectRef,
    /// How many are ready: pods of a workload, containers of a pod, pods that a Job has ended well; of everything else itself.
    pub ready: u64,
    /// How many are wanted.
    pub wanted: u64,
    /// What is said of it in a word or a line, where that is more than a number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub said: String,
    /// The node of a pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
}

/// An image that a kubelet was asked for. While it is pulled the kubelet tells no bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pull {
    /// The image, as the pod names it.
    pub image: String,
    /// The node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// How it stands.
    pub state: PullState,
    /// Since when it is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// How long it took, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub millis: Option<u64>,
    /// Its size, compressed as registries have it: as the kubelet says once it is there, before that as a node has it that has
    /// it already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

/// How the pull of an image stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PullState {
    /// It was asked for, and has not come yet.
    Asked,
    /// It has come.
    Done,
    /// The node had it.
    Present,
    /// It has not come; the kubelet tries again.
    Failed,
}

impl Pull {
    /// Bytes a second, once it has come.
    pub fn rate(&self) -> Option<u64> {
        rate(self.bytes?, self.millis?)
    }
}

/// Bytes that we put into a node ourselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Moved {
    /// Sent so far.
    pub bytes: u64,
    /// About how many there are; 0 where nobody knows.
    pub total: u64,
    /// Since the first byte, milliseconds.
    pub millis: u64,
}

impl Moved {
    /// Bytes a second so far.
    pub fn rate(&self) -> Option<u64> {
        rate(self.bytes, self.millis)
    }
}

fn rate(bytes: u64, millis: u64) -> Option<u64> {
    bytes.checked_mul(1000)?.checked_div(millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_needs_time_and_bytes() {
        let moved = |bytes, millis| Moved { bytes, total: 0, millis }.rate();
        assert_eq!(moved(20_000_000, 4000), Some(5_000_000));
        assert_eq!(moved(1, 0), None);
        assert_eq!(moved(u64::MAX, 1), None, "nobody has that many");
    }

    #[test]
    fn what_is_empty_is_not_written_and_need_not_be_there() {
        assert_eq!(serde_json::to_string(&Facts::default()).unwrap(), "{}");
        let facts: Facts = serde_json::from_str(r#"{"pulls":[{"image":"a","state":"asked"}]}"#).unwrap();
        assert_eq!(facts.pulls[0].state, PullState::Asked);
        assert!(facts.says_as(&Facts { at: Some(Timestamp::UNIX_EPOCH), ..facts.clone() }));
    }
}
