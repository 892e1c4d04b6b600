use super::*;

#[test]
fn a_volume_that_names_another_uid_has_strayed_from_its_claim() {
    let mut objects = healthy();
    change(&mut objects, "PersistentVolume", "/spec/claimRef/uid", json!("another"));
    assert_eq!(found(&sighting(&objects)), [(LossKind::ClaimMisbound, false)], "the controller has not looked yet");
    change(&mut objects, "PersistentVolumeClaim", "/status/phase", json!("Lost"));
    change(&mut objects, "PersistentVolume", "/status/phase", json!("Released"));
    let losses = recognise(&sighting(&objects));
    assert_eq!(
        losses.iter().map(|loss| (loss.kind, loss.certain)).collect::<Vec<_>>(),
        [(LossKind::ClaimMisbound, true)]
    );
    assert!(losses[0].facts[0].ends_with("v names a claim of that name with uid another, and this one has another"));
    change(&mut objects, "PersistentVolume", "/spec/claimRef", json!({"namespace": "n", "name": "d", "uid": "d1"}));
    assert!(recognise(&sighting(&objects))[0].facts[0].ends_with("v names PersistentVolumeClaim/n/d"));
    // Somebody took the uid away by hand: the volume waits for a claim of that name, and the one that was bound never takes it.
    change(&mut objects, "PersistentVolume", "/spec/claimRef", json!({"namespace": "n", "name": "c"}));
    change(&mut objects, "PersistentVolume", "/status/phase", json!("Available"));
    let losses = recognise(&sighting(&objects));
    assert_eq!((losses[0].kind, losses[0].certain), (LossKind::ClaimMisbound, true), "{losses:#?}");
    assert!(losses[0].facts[0].contains("without its uid"), "{losses:#?}");
}

/// A claim that was made by hand for a volume that an earlier one let go waits for it; it has had nothing yet.
#[test]
fn a_claim_that_asks_for_a_volume_has_not_lost_it() {
    let mut objects = healthy();
    change(&mut objects, "PersistentVolume", "/spec/claimRef/uid", json!("earlier"));
    change(&mut objects, "PersistentVolume", "/status/phase", json!("Released"));
    change(&mut objects, "PersistentVolumeClaim", "/metadata/annotations", json!({}));
    change(&mut objects, "PersistentVolumeClaim", "/status/phase", json!("Pending"));
    assert_eq!(found(&sighting(&objects)), [(LossKind::VolumeReleased, true)]);
    // One that is reserved by its name alone is on its way.
    change(&mut objects, "PersistentVolume", "/spec/claimRef/uid", Value::Null);
    change(&mut objects, "PersistentVolume", "/status/phase", json!("Available"));
    assert_eq!(found(&sighting(&objects)), []);
}

const BEFORE: &str = "2026-01-01T00:00:00Z";
const LATER: &str = "2026-01-01T00:40:00Z";

/// A set with two claims; the first was made anew and has another volume than the one that is Released.
fn set(first: &str, second: &str) -> Vec<Value> {
    let claim = |name: &str, uid: &str, volume: &str, made: &str| {
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "n", "uid": uid, "creationTimestamp": made,
            "annotations": {"pv.kubernetes.io/bind-completed": "yes"}}, "spec": {"volumeName": volume}, "status": {"phase": "Bound"}})
    };
    let volume = |name: &str, claim: &str, uid: &str, phase: &str| {
        json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name, "uid": name},
            "spec": {"claimRef": {"namespace": "n", "name": claim, "uid": uid}}, "status": {"phase": phase}})
    };
    vec![
        json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "s", "namespace": "n", "uid": "s", "creationTimestamp": BEFORE},
            "spec": {"replicas": 2, "volumeClaimTemplates": [{"metadata": {"name": "data"}}]}}),
        claim("data-s-0", "fresh", "w", first),
        claim("data-s-1", "sibling", "x", second),
        volume("v", "data-s-0", "earlier", "Released"),
        volume("w", "data-s-0", "fresh", "Bound"),
        volume("x", "data-s-1", "sibling", "Bound"),
    ]
}

#[test]
fn a_claim_that_its_set_made_anew_is_told_from_one_that_is_merely_wanted() {
    let mut objects = set(LATER, BEFORE);
    let losses = recognise(&sighting(&objects));
    assert_eq!((losses[0].kind, losses[0].certain, losses.len()), (LossKind::ClaimRenewed, true, 1));
    assert!(losses[0].facts[1].contains("long after StatefulSet/n/s"), "{:?}", losses[0].facts);
    // Put aside on purpose, as `replace` does it.
    objects[3]["metadata"]["labels"] = json!({crate::plan::verb::QUARANTINE: "replaced"});
    assert_eq!(found(&sighting(&objects)), []);
}

#[test]
fn a_claim_whose_former_volume_is_gone_needs_the_record_and_its_age() {
    let mut objects = set(LATER, BEFORE);
    objects.remove(3);
    assert_eq!(found(&sighting(&objects)), [], "nothing says that there was another");
    let mut then = record(3, 1);
    then.volumes[0].claim = claim_ref("n", "data-s-0");
    let seen = |objects: &[Value]| found(&Sighting { records: vec![then.clone()], ..sighting(objects) });
    assert_eq!(seen(&objects), [(LossKind::ClaimReplaced, true)]);
    // All of them are of one age: the set was installed anew.
    let young = set(LATER, LATER).into_iter().filter(|object| object["metadata"]["name"] != "v").collect::<Vec<_>>();
    assert_eq!(seen(&young), [(LossKind::ClaimReplaced, false)]);
    objects[1]["metadata"]["uid"] = "c1".into();
    objects[3]["spec"]["claimRef"]["uid"] = "c1".into();
    assert_eq!(seen(&objects), [], "it is the very claim of the record");
}
