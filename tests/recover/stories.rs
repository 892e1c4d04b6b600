//! The losses there are, recognised by two facts, brought back, and the contents compared; and each recovery broken off at every write.

use std::collections::BTreeMap;

use futures::future::join_all;
use seaworthy::object::ObjectRef;
use seaworthy::recover::LossKind;
use serde_json::json;

use super::harbour::{Harbour, claim, deployment, kustomizations, playbook};
use crate::engine::fake::{Fake, Fate};

/// A way to lose something, and what brings it back.
#[derive(Clone, Copy)]
struct Story {
    breaks: fn(&Harbour),
    kind: LossKind,
    stack: &'static str,
    playbook: &'static str,
    claim: &'static str,
    /// What is on the claim's disk in the end.
    ends_with: &'static str,
}

fn delete_volume(harbour: &Harbour) {
    harbour.fake.delete_by_hand(&harbour.volume("history"));
}

fn delete_claim(harbour: &Harbour) {
    harbour.fake.delete_by_hand(&claim("history"));
}

fn delete_both(harbour: &Harbour) {
    delete_volume(harbour);
    delete_claim(harbour);
}

fn lose_volume(harbour: &Harbour) {
    harbour.fake.remove(&harbour.volume("history"));
}

fn retain(harbour: &Harbour) {
    harbour.fake.set(&harbour.volume("history"), "spec.persistentVolumeReclaimPolicy", &json!("Retain"), "kubectl");
}

/// The claim is gone, nothing made it anew: its pods wait.
fn release_volume(harbour: &Harbour) {
    retain(harbour);
    harbour.fake.set(&deployment("core"), "spec.replicas", &json!(0), "kubectl");
    delete_claim(harbour);
    harbour.fake.set(&deployment("core"), "spec.replicas", &json!(1), "kubectl");
}

/// Somebody made the claim anew, and it got a fresh volume.
fn replace_claim(harbour: &Harbour) {
    release_volume(harbour);
    harbour.fake.made_by_hand(&json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "app-history", "namespace": "sea"}, "spec": {"accessModes": ["ReadWriteOnce"]}}));
    // The one that the binder took before: it was reserved by name and uid, and that uid is gone.
    assert_eq!(harbour.fake.disk(&harbour.path("history")).as_deref(), Some("empty"));
}

const KEPT: &str = "the history";

fn stories() -> Vec<Story> {
    let rebind = |breaks: fn(&Harbour), kind| Story {
        breaks,
        kind,
        stack: "common",
        playbook: "rebind",
        claim: "history",
        ends_with: KEPT,
    };
    let newton = |playbook, claim| Story {
        breaks: |harbour| harbour.fake.fill(&harbour.path("history"), "gone bad"),
        kind: LossKind::VolumeEmptied,
        stack: "newton-v2t",
        playbook,
        claim,
        ends_with: "empty",
    };
    vec![
        rebind(delete_volume, LossKind::VolumeGoing),
        rebind(delete_claim, LossKind::ClaimGoing),
        rebind(delete_both, LossKind::ClaimGoing),
        rebind(lose_volume, LossKind::ClaimLost),
        rebind(release_volume, LossKind::VolumeReleased),
        rebind(replace_claim, LossKind::VolumeReleased),
        newton("history", "history"),
        newton("workspace", "workspace"),
    ]
}

fn core_runs(harbour: &Harbour) {
    for (component, replicas) in [("core", 1), ("agent", 2), ("bell", 1)] {
        let live = harbour.fake.object(&deployment(component)).unwrap();
        assert_eq!(
            (&live["spec"]["replicas"], &live["status"]["readyReplicas"]),
            (&json!(replicas), &json!(replicas)),
            "{component}"
        );
        assert!(live["metadata"]["annotations"]["seaworthy.dev/original-replicas"].is_null(), "{component}");
    }
}

async fn told(story: Story) -> Harbour {
    let harbour = Harbour::new().await;
    (story.breaks)(&harbour);
    harbour
}

/// Everything that is on a disk when the story begins is there when it ends: nothing that held data was erased.
fn disks(harbour: &Harbour) -> Vec<String> {
    ["history", "workspace"]
        .map(|name| harbour.records[0].volumes.iter().find(|volume| volume.claim == claim(name)).unwrap().place.clone())
        .into()
}

#[tokio::test]
async fn what_is_lost_is_recognised_and_brought_back() {
    for (number, story) in stories().into_iter().enumerate() {
        let harbour = told(story).await;
        if story.stack == "common" {
            let losses = harbour.losses().await;
            let found = losses.iter().find(|loss| loss.claim == Some(claim(story.claim)) && loss.kind == story.kind);
            let loss = found.unwrap_or_else(|| panic!("story {number}: {losses:#?}"));
            assert!(loss.certain && loss.facts.len() >= 2, "story {number}: {:?}", loss.facts);
            assert_eq!(loss.blast.components, ["core"], "story {number}");
            assert!(loss.blast.still_works.contains(&"Deployment/app-bell".to_owned()), "{:?}", loss.blast);
        }
        let plan = harbour.compile(&playbook(story.stack, story.playbook), claim(story.claim)).await.unwrap();
        harbour.run(plan).await.went_well();
        assert_eq!(harbour.fake.disk(&harbour.path(story.claim)).as_deref(), Some(story.ends_with), "story {number}");
        core_runs(&harbour);
        for disk in disks(&harbour) {
            assert!(harbour.fake.disk(&disk).is_some(), "story {number}: {disk} was erased");
        }
        let left = harbour.losses().await;
        assert!(left.is_empty(), "story {number}: {left:#?}");
    }
}

/// From this write on the server is gone; the answer to the one before may be lost.
fn gone_from(fake: &Fake, write: usize, answer_lost: bool) {
    let (mut gone, mut writes) = (false, 0);
    fake.rule(move |call| {
        let this = call.write.is_some() && {
            writes += 1;
            writes == write + 1
        };
        if this && answer_lost {
            gone = true;
            return Fate::AnswerLost;
        }
        gone |= this;
        if gone { Fate::Lost } else { Fate::Answered }
    });
}

async fn broken_off(story: Story, (write, answer_lost): (usize, bool), expected: &BTreeMap<String, String>) {
    let harbour = told(story).await;
    let plan = harbour.compile(&playbook(story.stack, story.playbook), claim(story.claim)).await.unwrap();
    harbour.run_and_resume(plan, |fake| gone_from(fake, write, answer_lost)).await.went_well();
    assert_eq!(harbour.essence(), *expected, "broken off at write {write}, answer lost: {answer_lost}");
}

#[tokio::test]
async fn broken_off_at_any_write_each_ends_the_same() {
    let mut reached = 0;
    for story in stories() {
        let whole = told(story).await;
        let plan = whole.compile(&playbook(story.stack, story.playbook), claim(story.claim)).await.unwrap();
        let before = whole.fake.writes().len();
        whole.run(plan).await.went_well();
        let writes = whole.fake.writes().len() - before;
        let expected = whole.essence();
        let cases = (0..writes).flat_map(|write| [(write, false), (write, true)]);
        join_all(cases.map(|case| broken_off(story, case, &expected))).await;
        reached += writes;
    }
    assert!(reached >= 40, "only {reached} writes were reached");
}

/// Flux would start again what is stopped, and make the claim anew while its volume is being put back.
#[tokio::test]
async fn who_would_undo_it_is_held_meanwhile_and_goes_on_afterwards_broken_off_or_not() {
    let flux = ObjectRef::new("kustomize.toolkit.fluxcd.io/v1", "Kustomization", Some("sea"), "shop");
    let kept = async || {
        let harbour = Harbour::new().await;
        harbour.fake.made_by_hand(&kustomizations());
        harbour.fake.made_by_hand(&json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": "shop", "namespace": "sea"}, "spec": {"prune": true}}));
        for (mark, value) in [("name", "shop"), ("namespace", "sea")] {
            let label = format!("kustomize.toolkit.fluxcd.io/{mark}");
            let mut live = harbour.fake.object(&deployment("core")).unwrap();
            live["metadata"]["labels"][label] = value.into();
            harbour.fake.set(&deployment("core"), "metadata.labels", &live["metadata"]["labels"], "kubectl");
        }
        delete_claim(&harbour);
        harbour
    };
    let suspended = |harbour: &Harbour| harbour.fake.object(&flux).unwrap()["spec"].get("suspend").cloned();
    let harbour = kept().await;
    let plan = harbour.compile(&playbook("common", "rebind"), claim("history")).await.unwrap();
    let titles: Vec<&str> = plan.steps.iter().map(|step| step.title.as_str()).collect();
    let place = |title: &str| {
        titles.iter().position(|other| other.starts_with(title)).unwrap_or_else(|| panic!("{title}: {titles:?}"))
    };
    let order =
        ["hold Kustomization/sea/shop", "stop Deployment", "start Deployment", "let Kustomization/sea/shop go on"]
            .map(place);
    assert!(order.is_sorted(), "{titles:?}");
    let before = harbour.fake.writes().len();
    harbour.run(plan).await.went_well();
    assert_eq!(suspended(&harbour), None);
    let writes = harbour.fake.writes().len() - before;
    for write in 0..writes {
        let harbour = kept().await;
        let plan = harbour.compile(&playbook("common", "rebind"), claim("history")).await.unwrap();
        harbour.run_and_resume(plan, |fake| gone_from(fake, write, true)).await.went_well();
        assert_eq!(suspended(&harbour), None, "broken off at write {write}");
    }
}

/// A volume that lets go of a claim with a policy of Delete is erased. It has to be kept before the claim may go.
#[tokio::test]
async fn without_the_recovery_the_same_loss_erases_the_data() {
    let harbour = Harbour::new().await;
    let path = harbour.path("history");
    delete_claim(&harbour);
    harbour.fake.set(&deployment("core"), "spec.replicas", &json!(0), "kubectl");
    assert_eq!(harbour.fake.disk(&path), None, "the fake reclaims as a provisioner does");
}

#[tokio::test]
async fn a_volume_that_nobody_kept_a_manifest_of_is_rebuilt_or_refused_by_name() {
    let mut harbour = Harbour::new().await;
    lose_volume(&harbour);
    harbour.records.clear();
    let error = harbour.compile(&playbook("common", "rebind"), claim("history")).await.unwrap_err();
    assert!(error.to_string().contains("cannot be rebuilt"), "{error}");
    assert!(ObjectRef::of(&harbour.fake.object(&claim("history")).unwrap()).is_some());
}
