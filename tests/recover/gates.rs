//! Somebody else has been here: the run stops, shows both, and destroys nothing.

use seaworthy::event::Ended;
use seaworthy::plan::Action;
use seaworthy::plan::verb::Verb;
use seaworthy::recover::compile::{self, CompileError};
use serde_json::json;

use super::harbour::{Harbour, claim, deployment, playbook};

#[tokio::test]
async fn a_workload_that_somebody_scales_meanwhile_is_left_to_them() {
    let harbour = Harbour::new().await;
    harbour.fake.delete_by_hand(&claim("history"));
    let plan = harbour.compile(&playbook("common", "rebind"), claim("history")).await.unwrap();
    harbour.fake.set(&deployment("core"), "spec.replicas", &json!(5), "kubectl");
    let run = harbour.run(plan).await;
    assert_eq!((run.outcome.ended, run.reasons()), (Ended::Failed, vec!["GateShut"]));
    let message = &run.outcome.causes[0].message;
    assert!(
        message.contains("somebody gave it 5") && message.contains("proof wanted") && message.contains("gate wanted"),
        "{message}"
    );
    assert!(harbour.fake.object(&claim("history")).is_some());
}

#[tokio::test]
async fn a_claim_that_a_pod_uses_is_not_deleted() {
    let harbour = Harbour::new().await;
    let mut plan = harbour.compile(&playbook("common", "replace"), claim("history")).await.unwrap();
    // As if somebody had started a pod right after it was seen that there is none.
    let stops = |verb: &Verb| matches!(verb, Verb::Scale { to: 0, .. } | Verb::Unreferenced { .. });
    plan.steps.retain(|step| !matches!(&step.action, Action::Rescue { verb, .. } if stops(verb)));
    let run = harbour.run(plan).await;
    assert_eq!(run.reasons(), ["GateShut"]);
    assert!(run.outcome.causes[0].message.contains("held by app-core-"), "{:?}", run.outcome.causes);
    assert!(harbour.fake.object(&claim("history")).unwrap()["metadata"]["deletionTimestamp"].is_null());
}

#[tokio::test]
async fn another_incarnation_is_never_touched() {
    let harbour = Harbour::new().await;
    let plan = harbour.compile(&playbook("common", "replace"), claim("history")).await.unwrap();
    let volume = harbour.volume("history");
    let mut anew = harbour.fake.object(&volume).unwrap();
    harbour.fake.remove(&volume);
    anew["metadata"] = json!({"name": volume.name});
    harbour.fake.made_by_hand(&anew);
    let before = harbour.fake.writes().len();
    let run = harbour.run(plan).await;
    assert_eq!(run.outcome.ended, Ended::Failed);
    assert_eq!(harbour.fake.writes().len(), before, "something was written");
}

#[tokio::test]
async fn every_delete_carries_uid_and_resource_version_and_irreversible_steps_are_marked() {
    let harbour = Harbour::new().await;
    let plan = harbour.compile(&playbook("common", "replace"), claim("history")).await.unwrap();
    let hard: Vec<&str> = plan
        .steps
        .iter()
        .filter(|step| matches!(&step.action, Action::Rescue { verb, .. } if verb.is_irreversible()))
        .map(|step| step.id.as_str())
        .collect();
    assert_eq!(hard, ["delete:PersistentVolumeClaim/sea/app-history"]);
    harbour.run(plan).await.went_well();
    let bodies = harbour.fake.delete_bodies();
    assert!(!bodies.is_empty());
    for body in bodies {
        let conditions = &body["preconditions"];
        assert!(conditions["uid"].is_string() && conditions["resourceVersion"].is_string(), "{body}");
    }
}

#[tokio::test]
async fn nothing_is_made_of_what_is_well_and_a_pod_of_nobody_is_named() {
    let harbour = Harbour::new().await;
    let error = harbour.compile(&playbook("common", "rebind"), claim("history")).await.unwrap_err();
    assert!(matches!(error, CompileError::NothingLost(_)), "{error}");
    harbour.fake.made_by_hand(&json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "loose", "namespace": "sea"},
        "spec": {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "app-history"}}], "containers": [{"name": "c"}]},
        "status": {"phase": "Pending"}}));
    let error = harbour.compile(&playbook("common", "replace"), claim("history")).await.unwrap_err();
    assert!(error.to_string().contains("Pod/sea/loose") && error.to_string().contains("nothing"), "{error}");
}

#[tokio::test]
async fn the_brake_keeps_every_volume_and_writes_nothing_else() {
    let harbour = Harbour::new().await;
    let sighting = harbour.sighting().await;
    let volumes =
        sighting.snapshot.of_kind("", "PersistentVolume").filter_map(seaworthy::plan::verb::Pinned::of).collect();
    let folder = harbour.state.path().join("exports/hold");
    let hold = || {
        let what = compile::selections(Some("sea"));
        compile::hold(
            (harbour.voyage().cluster.id, super::harbour::installation()),
            Vec::clone(&volumes),
            what,
            (folder.display().to_string(), None),
        )
    };
    let before = harbour.fake.writes().len();
    harbour.run(hold()).await.went_well();
    let writes: Vec<String> = harbour.fake.writes().split_off(before);
    assert_eq!(writes.len(), 2, "{writes:#?}");
    assert!(writes.iter().all(|write| write.starts_with("PATCH /api/v1/persistentvolumes/")), "{writes:#?}");
    for name in ["history", "workspace"] {
        let live = harbour.fake.object(&harbour.volume(name)).unwrap();
        assert_eq!(live["spec"]["persistentVolumeReclaimPolicy"], "Retain");
        assert_eq!(live["metadata"]["annotations"]["seaworthy.dev/original-reclaim-policy"], "Delete");
        assert!(folder.join(format!("PersistentVolumeClaim/sea/app-{name}.json")).is_file());
    }
    harbour.run(hold()).await.went_well();
    assert_eq!(harbour.fake.writes().len(), before + 2, "a second time writes nothing");
    assert!(hold().steps.iter().all(|step| matches!(&step.action, Action::Rescue { verb, .. } if matches!(**verb, Verb::Keep { .. } | Verb::Export { .. }))));
}
