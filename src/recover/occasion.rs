//! What a recovery is about, from what was recognised. Pure.

use jiff::Timestamp;
use serde_json::Value;

use super::etcd;
use super::former::{self, Former};
use super::join::{claim_of, hosts, node_of_host, place_of, volume_ref, workloads};
use super::playbook::{Part, Sheet, Task};
use super::record::VolumeRecord;
use super::{Loss, LossKind, Playbook, Record, Sighting};
use crate::object::{ObjectRef, text};
use crate::plan::{Lost, Occasion};
use crate::snapshot::Snapshot;
use crate::snapshot::nodes::is_ready;
use crate::snapshot::storage::was_let_go;

/// Why these claims are recovered, or this namespace. `at` and `by`: when, by the clock of this machine, and who does it, for people.
pub fn occasion(
    playbook: &Playbook,
    claims: &[ObjectRef],
    (losses, sighting): (&[Loss], &Sighting),
    (at, by): (Timestamp, &str),
) -> Occasion {
    let sheet = &playbook.sheet;
    Occasion {
        playbook: playbook.name.clone(),
        title: sheet.title.clone(),
        at,
        by: by.to_owned(),
        losses: claims.iter().map(|claim| lost(claim, sheet, (losses, sighting))).collect(),
        lost: with_gone(&sheet.lost, &gone(claims, losses, sighting)),
        untouched: sheet.untouched.clone(),
        returns: sheet.returns.clone(),
        agreed: Vec::new(),
    }
}

/// What is gone already of what a recovery is about. Where nothing is recognised of a namespace, its records tell it.
fn gone(about: &[ObjectRef], losses: &[Loss], sighting: &Sighting) -> Vec<Former> {
    let of_one = |object: &ObjectRef| {
        let known: Vec<Former> = losses
            .iter()
            .filter(|loss| loss.object() == Some(object))
            .flat_map(|loss| loss.gone.iter().cloned())
            .collect();
        if known.is_empty() && object.kind == "Namespace" {
            return former::of_namespace(sighting, &object.name);
        }
        known
    };
    let mut all: Vec<Former> = about.iter().flat_map(of_one).collect();
    all.dedup();
    all
}

/// What a playbook loses, after what was lost before it began.
fn with_gone(lost: &str, gone: &[Former]) -> String {
    if gone.is_empty() { lost.to_owned() } else { format!("already gone: {}; beside that: {lost}", former::list(gone)) }
}

fn lost(claim: &ObjectRef, sheet: &Sheet, (losses, sighting): (&[Loss], &Sighting)) -> Lost {
    // What the playbook is for goes before what else is lost with it; of an etcd as a whole it is told by one of its members.
    let is_its = |loss: &&Loss| sheet.losses.contains(&loss.kind);
    let of_claim = || losses.iter().filter(|loss| loss.object() == Some(claim));
    let same = |loss: &&Loss| {
        sheet.etcd == Some(Part::All)
            && loss.claim.as_ref().is_some_and(|own| etcd::is_same(&sighting.snapshot, own, claim))
    };
    let of_etcd = || losses.iter().filter(is_its).find(same);
    let loss = of_claim().find(is_its).or_else(of_etcd).or_else(|| of_claim().next());
    let then = known(claim, sighting);
    let named = sighting.snapshot.get(claim).and_then(|live| text(live, "/spec/volumeName").map(str::to_owned));
    let of_loss = loss.and_then(|loss| loss.volume.as_ref()).map(|volume| volume.name.clone());
    let volume = named.or(of_loss);
    let users = || workloads(&sighting.snapshot, claim).into_iter().map(|user| user.pinned.object.short()).collect();
    let place = || volume.as_ref().and_then(|name| sighting.snapshot.get(&volume_ref(name))).map(place_of);
    let data = || place().map_or_else(|| claim.to_string(), |place| format!("{claim}, {place}"));
    // What is erased is not what the claim has now.
    let data = || if sheet.steps.contains(&Task::Erase) { let_go(claim, sighting) } else { data() };
    Lost {
        claim: claim.clone(),
        kind: loss.map(|loss| loss.kind.name().to_owned()),
        facts: loss.map(|loss| loss.facts.clone()).unwrap_or_default(),
        data: loss.map_or_else(data, |loss| loss.blast.data.clone()),
        used_by: loss.map_or_else(users, |loss| loss.blast.components.clone()),
        still_works: loss.map(|loss| loss.blast.still_works.clone()).unwrap_or_default(),
        last_good: then.map(|(at, _)| at),
        files_then: then.map(|(_, volume)| volume.files_then()).filter(|files| *files > 0),
        volume,
    }
}

/// The volumes that a claim has let go, and where they are.
fn let_go(claim: &ObjectRef, sighting: &Sighting) -> String {
    let of_it = |volume: &&Value| claim_of(volume).as_ref() == Some(claim) && was_let_go(volume);
    let volumes = sighting.snapshot.of_kind("", "PersistentVolume").filter(of_it);
    let places: Vec<String> = volumes.map(place_of).collect();
    format!("let go by {claim}: {}", if places.is_empty() { "nothing".to_owned() } else { places.join(", ") })
}

/// What says that nothing is lost any more of what a node had taken along: the node is back, and every claim is bound to the volume that
/// it had. Other losses do not heal by themselves, and of them nothing is said.
pub fn healed(occasion: &Occasion, snapshot: &Snapshot) -> Option<Vec<String>> {
    let of_nodes = [LossKind::NodeGone, LossKind::NodeUnreachable].map(LossKind::name);
    let one = |lost: &Lost| {
        let kind = lost.kind.as_deref()?;
        let name = lost.volume.as_deref()?;
        let is_bound = snapshot.get(&lost.claim).is_some_and(|live| {
            text(live, "/spec/volumeName") == Some(name)
                && text(live, "/status/phase") == Some("Bound")
                && text(live, "/metadata/deletionTimestamp").is_none()
        });
        let node = hosts(snapshot.get(&volume_ref(name))?).into_iter().find_map(|host| node_of_host(snapshot, host))?;
        let node_name = text(node, "/metadata/name")?;
        let is_back = of_nodes.contains(&kind) && is_bound && is_ready(node);
        is_back.then(|| format!("node {node_name} is ready, and {} is bound to {name} on it", lost.claim))
    };
    let facts: Option<Vec<String>> = occasion.losses.iter().map(one).collect();
    facts.filter(|facts| !facts.is_empty())
}

/// When the data of a claim was last known to be well.
pub fn last_good(claim: &ObjectRef, sighting: &Sighting) -> Option<Timestamp> {
    known(claim, sighting).map(|(at, _)| at)
}

/// What the newest record tells of a claim.
fn known<'a>(claim: &ObjectRef, sighting: &'a Sighting) -> Option<(Timestamp, &'a VolumeRecord)> {
    let of = |record: &'a Record| Some((record.at, record.volumes.iter().find(|volume| volume.claim == *claim)?));
    sighting.records.iter().filter_map(of).max_by_key(|(at, _)| *at)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::recover::join::claim_ref;

    fn seen(ready: &str, volume: &str) -> Snapshot {
        let objects: [Value; 3] = [
            json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n-1", "labels": {"kubernetes.io/hostname": "h-1"}},
                "status": {"conditions": [{"type": "Ready", "status": ready}]}}),
            json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "v"}, "spec": {"nodeAffinity": {"required":
                {"nodeSelectorTerms": [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["h-1"]}]}]}}}}),
            json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c", "namespace": "n"},
                "spec": {"volumeName": volume}, "status": {"phase": "Bound"}}),
        ];
        objects.into_iter().collect()
    }

    fn lost(kind: LossKind) -> Occasion {
        let playbook = Playbook {
            name: "node-off".to_owned(),
            stack: None,
            sheet: crate::recover::playbook::sheet(
                "x",
                "format: 1\ntitle: t\nlosses: [node-gone]\nlost: l\nuntouched: u\nreturns: r\nsteps: [export]\n",
            )
            .unwrap(),
        };
        let claim = claim_ref("n", "c");
        let sighting = Sighting { snapshot: seen("Unknown", "v"), ..Sighting::default() };
        let mut occasion = occasion(&playbook, &[claim], (&[], &sighting), (Timestamp::UNIX_EPOCH, "somebody"));
        occasion.losses[0].kind = Some(kind.name().to_owned());
        occasion
    }

    #[test]
    fn what_a_node_had_taken_along_is_no_longer_lost_when_it_is_back_with_the_volume() {
        let facts = |kind, ready, volume| healed(&lost(kind), &seen(ready, volume));
        let back = facts(LossKind::NodeGone, "True", "v").unwrap();
        assert_eq!(back, ["node n-1 is ready, and PersistentVolumeClaim/n/c is bound to v on it"]);
        assert_eq!(facts(LossKind::NodeUnreachable, "Unknown", "v"), None);
        assert_eq!(facts(LossKind::NodeUnreachable, "True", "another"), None, "it is replaced already");
        assert_eq!(facts(LossKind::VolumeEmptied, "True", "v"), None, "that does not heal");
    }
}
