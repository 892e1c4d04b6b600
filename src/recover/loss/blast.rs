//! What a loss reaches: whose data, who is down, who still works, what comes back without anybody.

use serde::Serialize;
use serde_json::Value;

use super::{Loss, LossKind};
use crate::engine::rescue::files_text;
use crate::etcd::View;
use crate::object::{ObjectRef, number, text};
use crate::plan::verb::holders;
use crate::recover::Sighting;
use crate::recover::etcd::recorded;
use crate::recover::join::{is_on_a_node, place_of, volumes_of, workload, workloads};
use crate::recover::record::VolumeRecord;
use crate::snapshot::nodes::is_ready as is_node_ready;

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
    if let Some(set) = &loss.set {
        return of_etcd(sighting, loss, set);
    }
    if let Some(namespace) = &loss.namespace {
        return of_namespace(sighting, loss, namespace);
    }
    let Some(claim) = &loss.claim else { return Blast::default() };
    let users = workloads(&sighting.snapshot, claim);
    let running: Vec<&Value> = holders(&sighting.snapshot, claim).filter(|pod| runs(sighting, pod)).collect();
    let name = |pod: &Value| text(pod, "/metadata/name").unwrap_or_default().to_owned();
    let own: Vec<ObjectRef> = users.iter().map(|user| user.pinned.object.clone()).collect();
    Blast {
        data: data(sighting, loss, claim),
        components: if users.is_empty() {
            // Whoever made them may be gone, or of a kind that is not read.
            holders(&sighting.snapshot, claim).filter_map(ObjectRef::of).map(|pod| pod.short()).collect()
        } else {
            users.iter().map(|user| user.component.clone().unwrap_or_else(|| user.pinned.object.short())).collect()
        },
        still_runs: running.into_iter().map(name).collect(),
        still_works: others(sighting, claim.namespace.as_deref(), |other| is_another(other, &own)),
        returns: returns(loss.kind).to_owned(),
    }
}

/// Of a namespace as a whole: the volumes that its claims have, or had, and what is in it still.
fn of_namespace(sighting: &Sighting, loss: &Loss, namespace: &ObjectRef) -> Blast {
    let snapshot = &sighting.snapshot;
    let mut data: Vec<String> = volumes_of(snapshot, &namespace.name).map(place_of).collect();
    data.extend(loss.gone.iter().map(|former| format!("gone: {}", former.told())));
    let data = if data.is_empty() { "no volume is known that was of it".to_owned() } else { data.join("; ") };
    let pods = snapshot.in_namespace("", "Pod", &namespace.name).filter(|pod| runs(sighting, pod));
    let components = others(sighting, Some(&namespace.name), |_| true);
    let still_runs = pods.filter_map(|pod| text(pod, "/metadata/name")).map(str::to_owned).collect();
    Blast { data, components, still_runs, returns: returns(loss.kind).to_owned(), ..Blast::default() }
}

/// Whether a pod runs, as far as anybody can tell: what runs on a node that does not answer nobody sees.
fn runs(sighting: &Sighting, pod: &Value) -> bool {
    let node =
        text(pod, "/spec/nodeName").and_then(|name| sighting.snapshot.get(&ObjectRef::new("v1", "Node", None, name)));
    is_on_a_node(pod) && text(pod, "/status/phase") == Some("Running") && node.is_none_or(is_node_ready)
}

/// The workloads of a namespace, those of them that fit.
fn others(sighting: &Sighting, namespace: Option<&str>, fits: impl Fn(&Value) -> bool) -> Vec<String> {
    let kinds = ["Deployment", "StatefulSet", "DaemonSet"];
    let all = kinds.into_iter().flat_map(|kind| sighting.snapshot.of_kind("apps", kind));
    let here = all.filter(|other| text(other, "/metadata/namespace") == namespace && fits(other));
    here.filter_map(ObjectRef::of).map(|other| other.short()).collect()
}

/// Whether a workload is none of these, and ready.
fn is_another(workload: &Value, own: &[ObjectRef]) -> bool {
    is_ready(workload) && ObjectRef::of(workload).is_some_and(|other| !own.contains(&other))
}

/// An etcd's data is not in one claim, and who uses it names no claim: it is told by the members, and by who names it.
fn of_etcd(sighting: &Sighting, loss: &Loss, set: &ObjectRef) -> Blast {
    let view = sighting.etcds.iter().find(|view| view.set.pinned.object == *set);
    let known = view.and_then(View::revision).map(|revision| format!(", revision {revision}"));
    let then = recorded(&sighting.records, set).map(|(record, then)| {
        format!(", revision {} when last known to be well, at {}", then.revision, record.at.strftime("%F %T UTC"))
    });
    let mut data = loss.claim.as_ref().map_or_else(|| set.to_string(), |claim| data(sighting, loss, claim));
    data.extend(known.into_iter().chain(then));
    let users = users_of(sighting, set);
    let serving = view.into_iter().flat_map(|view| view.serving().map(|(pod, _)| pod.to_owned())).collect();
    let own: Vec<ObjectRef> = users.iter().map(|(object, _)| object.clone()).chain([set.clone()]).collect();
    Blast {
        data,
        components: users.into_iter().map(|(_, name)| name).collect(),
        still_runs: serving,
        still_works: others(sighting, set.namespace.as_deref(), |other| is_another(other, &own)),
        returns: returns(loss.kind).to_owned(),
    }
}

/// The workloads of a namespace that name a member or the service of an etcd in their containers.
fn users_of(sighting: &Sighting, set: &ObjectRef) -> Vec<(ObjectRef, String)> {
    let service = sighting.snapshot.get(set).and_then(|live| text(live, "/spec/serviceName")).unwrap_or(&set.name);
    let kinds = ["Deployment", "StatefulSet", "DaemonSet"];
    let all = kinds.into_iter().flat_map(|kind| sighting.snapshot.of_kind("apps", kind));
    let names = |other: &&Value| {
        let words = other["spec"]["template"]["spec"]["containers"].to_string();
        words.contains(&format!("{service}:"))
            || words.contains(&format!("{service}."))
            || words.contains(&format!("{}-0.", set.name))
    };
    let here = all.filter(|other| text(other, "/metadata/namespace") == set.namespace.as_deref()).filter(names);
    here.filter_map(workload)
        .filter(|workload| workload.pinned.object != *set)
        .map(|user| {
            let name = user.component.clone().unwrap_or_else(|| user.pinned.object.short());
            (user.pinned.object, name)
        })
        .collect()
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
        LossKind::VolumeGoing | LossKind::ClaimGoing => "nothing has to: nothing is gone yet",
        LossKind::ClaimLost
        | LossKind::ClaimGone
        | LossKind::ClaimMisbound
        | LossKind::ClaimRenewed
        | LossKind::ClaimReplaced
        | LossKind::VolumeReleased
        | LossKind::VolumeEmptied
        | LossKind::VolumeScattered
        | LossKind::VolumeReadOnly
        | LossKind::VolumeFull
        | LossKind::EtcdEmptied
        | LossKind::EtcdCorrupt
        | LossKind::EtcdMemberLost
        | LossKind::EtcdFull => "nothing by itself",
        LossKind::ClassGone => "the volume, once there is a class of that name again",
        LossKind::ProvisionerGone => "the volume, once its provisioner runs again",
        LossKind::VolumeUnerased => "room on its disk, once it is erased",
        LossKind::ClaimStranded => "the volume, if a node of that name joins again; otherwise nothing",
        LossKind::AttachStuck => "everything, once that node is ready again",
        LossKind::NodeUnreachable => "everything, once the node is ready again",
        LossKind::EtcdQuorumLost => "everything, once a majority of the members is back with their disks",
        LossKind::NamespaceStuck => {
            "it goes by itself once the owners of its finalizers run again, and its APIs answer; nothing that was in it"
        }
        LossKind::NodeGone => "everything, if the same machine joins again under the same name; otherwise nothing",
    }
}
