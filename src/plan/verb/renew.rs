//! A claim of a `StatefulSet` and its pod, made anew by the `StatefulSet` while its other pods go on.

use super::standing::{holders, is_helper};
use super::words::shown;
use super::{Pinned, Standing};
use crate::object::{ObjectRef, text};
use crate::snapshot::Snapshot;

pub(super) fn standing(snapshot: &Snapshot, claim: &Pinned, pod: &ObjectRef) -> Standing {
    let Some(live) = snapshot.get(&claim.object) else {
        return Standing::Open { progress: "the claim is gone, and not made anew yet".to_owned() };
    };
    let phase = text(live, "/status/phase").unwrap_or_default();
    if text(live, "/metadata/uid") != Some(&claim.uid) {
        return match text(live, "/spec/volumeName") {
            Some(volume) if phase == "Bound" => Standing::Proven { note: format!("made anew, and bound to {volume}") },
            _ => Standing::Open { progress: format!("made anew, phase {phase}") },
        };
    }
    // A copy that was broken off has left its pod: that goes, too.
    let others: Vec<&str> = holders(snapshot, &claim.object)
        .filter(|holder| !is_helper(holder))
        .filter_map(|holder| text(holder, "/metadata/name"))
        .filter(|name| *name != pod.name)
        .collect();
    if !others.is_empty() {
        let why = format!(
            "{} is to go with {pod}, and is used by {} too: {}",
            claim.object,
            others.join(", "),
            shown(Some(live))
        );
        return Standing::Shut { why };
    }
    Standing::Open {
        progress: if text(live, "/metadata/deletionTimestamp").is_some() { "being deleted" } else { "there" }
            .to_owned(),
    }
}
