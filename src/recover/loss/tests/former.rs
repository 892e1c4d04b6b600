use super::*;

/// The claim was made anew, and waits for a volume of a class that is not there; the record knows it with its volume and three files.
fn made_anew() -> Sighting {
    let mut objects = without("PersistentVolume");
    change(&mut objects, "PersistentVolumeClaim", "/metadata/uid", json!("c2"));
    change(&mut objects, "PersistentVolumeClaim", "/spec", json!({"storageClassName": "fast"}));
    change(&mut objects, "PersistentVolumeClaim", "/status/phase", json!("Pending"));
    change(&mut objects, "PersistentVolumeClaim", "/metadata/annotations", json!({}));
    Sighting { records: vec![record(3, 7)], ..sighting(&objects) }
}

#[test]
fn a_claim_that_was_made_anew_has_lost_what_its_former_volume_held() {
    let losses = recognise(&made_anew());
    assert_eq!((losses[0].kind, losses.len()), (LossKind::ClassGone, 1));
    assert_eq!((losses[0].gone[0].volume.as_str(), losses[0].gone[0].files), ("v", 3));
    assert!(losses[0].meaning().contains("data is lost"), "{}", losses[0].meaning());
    assert!(losses[0].advice().contains("only from a backup"), "{}", losses[0].advice());
    assert!(losses[0].has_no_data());
    // The other fact is the class; that the data is gone says nothing of it.
    assert!(!losses[0].certain);
    let fresh = Sighting { records: Vec::new(), ..made_anew() };
    let losses = recognise(&fresh);
    assert!(losses[0].gone.is_empty() && losses[0].meaning().contains("no data is at risk"), "{losses:?}");
}

#[test]
fn a_volume_that_was_let_go_is_not_gone() {
    let mut objects = healthy();
    change(&mut objects, "PersistentVolume", "/status/phase", json!("Released"));
    let sighting = Sighting { records: vec![record(3, 7)], ..sighting(&objects) };
    assert_eq!(crate::recover::former::of_claim(&sighting, &claim_ref("n", "c")), None);
}

/// The namespace was told to go: claims and volumes are gone before it is, and nobody names them any more.
#[test]
fn what_a_record_knows_of_a_namespace_that_goes_is_lost() {
    let going = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n", "deletionTimestamp": "2026-01-01T00:59:00Z"}});
    let other = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}});
    let seen = |objects: &[Value], files: u64| Sighting { records: vec![record(files, 7)], ..sighting(objects) };
    assert_eq!(found(&seen(&[going.clone(), other.clone()], 3)), [(LossKind::ClaimGone, true)]);
    let gone = seen(&[other], 3);
    assert_eq!(found(&gone), [(LossKind::ClaimGone, true)], "there is no such namespace any more");
    assert_eq!(recognise(&gone)[0].gone[0].files, 3);
    assert_eq!(found(&seen(&[going], 0)), [], "nothing was on it");
    assert_eq!(found(&Sighting { namespace: Some("m".to_owned()), ..gone }), [], "it was not looked for there");
    // Somebody may have taken it away on purpose.
    let stays = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}});
    assert_eq!(found(&seen(&[stays], 3)), [(LossKind::ClaimGone, false)]);
}

#[test]
fn a_volume_that_is_kept_already_need_not_be_held() {
    let mut objects = healthy();
    change(&mut objects, "PersistentVolumeClaim", "/metadata/deletionTimestamp", json!("2026-01-01T00:59:00Z"));
    change(&mut objects, "PersistentVolume", "/spec/persistentVolumeReclaimPolicy", json!("Delete"));
    assert!(recognise(&sighting(&objects))[0].advice().contains("seaworthy hold"));
    change(&mut objects, "PersistentVolume", "/spec/persistentVolumeReclaimPolicy", json!("Retain"));
    assert!(recognise(&sighting(&objects))[0].advice().contains("kept already"));
}

#[test]
fn a_pod_of_a_node_that_does_not_answer_is_not_said_to_run() {
    let mut objects = healthy();
    change(&mut objects, "PersistentVolume", "/metadata/deletionTimestamp", json!("2026-01-01T00:59:00Z"));
    assert_eq!(recognise(&sighting(&objects))[0].blast.still_runs, ["web-1"]);
    change(&mut objects, "Node", "/status/conditions/0/status", json!("Unknown"));
    let losses = recognise(&sighting(&objects));
    let going = losses.iter().find(|loss| loss.kind == LossKind::VolumeGoing).unwrap();
    assert!(going.blast.still_runs.is_empty(), "{going:?}");
}
