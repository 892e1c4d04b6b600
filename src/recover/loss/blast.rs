//! What a loss reaches: whose data, who is down, who still works, what comes back without anybody.

use serde::Serialize;
use serde_json::Value;

use super::{Loss, LossKind};
use crate::engine::rescue::files_text;
use crate::object::{ObjectRef, number, text};
use crate::plan::verb::holders;
use crate::recover::Sighting;
use crate::recover::join::{is_on_a_node, place_of, workloads};
use crate::recover::record::VolumeRecord;

/// What a loss reaches.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Blast {
    /// Which data: the claim, its size, and where its bytes are.
    pub data: String,
    /// The workloads that use it.
    pub components: Vec<String>,
    /// Of these, those that still run with it: whatever restarts their pods ends that.
    pub still_runs: Vec<String>,
    /// The other workloads of the namespace, which do not use it and are ready.
    pub still_works: Vec<String>,
    /// What comes back by itself.
    pub returns: String,
}

pub(super) fn of(sighting: &Sighting, loss: &Loss) -> Blast {
    let Some(claim) = &loss.claim else { return Blast::default() };
    let users = workloads(&sighting.snapshot, claim);
    let running = holders(&sighting.snapshot, claim).filter(|pod| is_on_a_node(pod));
    let name = |pod: &Value| text(pod, "/metadata/name").unwrap_or_default().to_owned();
    let others =
        ["Deployment", "StatefulSet", "DaemonSet"].into_iter().flat_map(|kind| sighting.snapshot.of_kind("apps", kind));
    let works = others
        .filter(|other| text(other, "/metadata/namespace") == claim.namespace.as_deref() && is_ready(other))
        .filter_map(ObjectRef::of)
        .filter(|other| !users.iter().any(|user| user.pinned.object == *other))
        .map(|other| other.short());
    Blast {
        data: data(sighting, loss, claim),
        components: users
            .iter()
            .map(|user| user.component.clone().unwrap_or_else(|| user.pinned.object.short()))
            .collect(),
        still_runs: running.map(name).collect(),
        still_works: works.collect(),
        returns: returns(loss.kind).to_owned(),
    }
}

fn is_ready(workload: &Value) -> bool {
    let wanted = number(workload, "/spec/replicas").or_else(|| number(workload, "/status/desiredNumberScheduled"));
    let ready = number(workload, "/status/readyReplicas").or_else(|| number(workload, "/status/numberReady"));
    wanted.unwrap_or(1) > 0 && ready.unwrap_or(0) >= wanted.unwrap_or(1)
}

fn data(sighting: &Sighting, loss: &Loss, claim: &ObjectRef) -> String {
    let live = sighting.snapshot.get(claim);
    let size = live.and_then(|live| {
        text(live, "/status/capacity/storage").or_else(|| text(live, "/spec/resources/requests/storage"))
    });
    let volume = loss.volume.as_ref().and_then(|volume| sighting.snapshot.get(volume));
    let then = sighting.records.iter().flat_map(|record| &record.volumes).find(|volume| volume.claim == *claim);
    let place = volume.map(place_of).or_else(|| then.map(|then| then.place.clone()));
    let held = then.map(VolumeRecord::files_then).filter(|files| *files > 0);
    let mut text = claim.to_string();
    for part in
        [size.map(str::to_owned), place, held.map(|files| format!("{} when last known to be well", files_text(files)))]
    {
        text.extend(part.map(|part| format!(", {part}")));
    }
    text
}

fn returns(kind: LossKind) -> &'static str {
    match kind {
        LossKind::VolumeGoing | LossKind::ClaimGoing => "nothing; but nothing is gone yet either",
        LossKind::ClaimLost | LossKind::ClaimGone | LossKind::VolumeReleased | LossKind::VolumeEmptied => "nothing",
        LossKind::NodeUnreachable => "everything, once the node is ready again",
        LossKind::NodeGone => "everything, if the same machine joins again under the same name; otherwise nothing",
    }
}
