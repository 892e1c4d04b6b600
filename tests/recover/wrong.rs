//! Wrong turns: on a healthy cluster, on the wrong claim, twice at once, a node that comes back in the middle, a full disk, and without
//! the rights. Each time nothing is lost, and what is said names the thing and the way out.

use seaworthy::event::Ended;
use seaworthy::recover::compile::CompileError;

use super::harbour::{Harbour, claim, playbook};
use crate::engine::fake::Fate;

#[tokio::test]
async fn on_a_healthy_cluster_nothing_is_bound_back() {
    let harbour = Harbour::new().await;
    assert_eq!(harbour.losses().await, []);
    let refused = harbour.compile(&playbook("common", "rebind"), claim("history")).await.unwrap_err();
    assert!(matches!(refused, CompileError::NothingLost(_)), "{refused}");
    let refused = harbour.compile(&playbook("common", "node-back"), claim("nowhere")).await.unwrap_err();
    assert!(matches!(refused, CompileError::NoNode(_)), "{refused}");
}

/// The playbook of another stack names components that are not here.
#[tokio::test]
async fn the_wrong_stack_has_no_such_component() {
    let harbour = Harbour::new().await;
    harbour.fake.delete_by_hand(&claim("history"));
    let refused = harbour.compile(&playbook("telemetry-pipeline", "collector"), claim("history")).await.unwrap_err();
    assert!(refused.to_string().contains("component `collector`"), "{refused}");
}

/// Without the right to keep the volume nothing goes: what would have been lost without it is still there.
#[tokio::test]
async fn without_the_right_to_keep_the_volume_nothing_is_stopped_or_deleted() {
    let harbour = Harbour::new().await;
    let path = harbour.path("history");
    harbour.fake.delete_by_hand(&claim("history"));
    let plan = harbour.compile(&playbook("common", "rebind"), claim("history")).await.unwrap();
    let before = harbour.essence();
    harbour.fake.rule(|call| {
        let refused = call.method == "PATCH" && call.path.contains("/persistentvolumes/");
        if refused {
            Fate::Refused(403, "persistentvolumes is forbidden: User \"ann\" cannot patch it")
        } else {
            Fate::Answered
        }
    });
    let run = harbour.run(plan).await;
    assert_eq!(run.outcome.ended, Ended::Failed);
    let cause = &run.outcome.causes[0];
    assert!(cause.message.contains("forbidden"), "{cause:?}");
    assert_eq!(harbour.essence(), before);
    assert_eq!(harbour.fake.disk(&path).as_deref(), Some("the history"));
}

/// The manifests come first: where they cannot be kept, nothing is done.
#[tokio::test]
async fn with_no_room_for_the_manifests_nothing_is_done() {
    let harbour = Harbour::new().await;
    harbour.fake.delete_by_hand(&claim("history"));
    // A file where the folder is to be: as final as a full disk, and the same on every machine.
    std::fs::write(harbour.state.path().join("exports"), "in the way").unwrap();
    let plan = harbour.compile(&playbook("common", "rebind"), claim("history")).await.unwrap();
    let before = harbour.fake.writes().len();
    let run = harbour.run(plan).await;
    assert_eq!(run.outcome.ended, Ended::Failed);
    assert!(run.outcome.causes[0].message.contains("exports"), "{:?}", run.outcome.causes);
    assert_eq!(harbour.fake.writes().len(), before);
}

/// Somebody else has made the claim anew while this recovery was being agreed to.
#[tokio::test]
async fn two_at_once_do_not_undo_each_other() {
    let harbour = Harbour::new().await;
    harbour.fake.delete_by_hand(&claim("history"));
    let path = harbour.path("history");
    let (first, second) = (
        harbour.compile(&playbook("common", "rebind"), claim("history")).await.unwrap(),
        harbour.compile(&playbook("common", "rebind"), claim("history")).await.unwrap(),
    );
    harbour.run(first).await.went_well();
    let essence = harbour.essence();
    let late = harbour.run(second).await;
    // What it is about is gone, before it has written anything; the data is where it was.
    assert_eq!(
        (late.outcome.causes[0].id.as_str(), late.outcome.requests.writes),
        ("export-gone", 0),
        "{:?}",
        late.outcome
    );
    assert_eq!(harbour.fake.disk(&path).as_deref(), Some("the history"));
    assert_eq!(harbour.path("history"), path);
    assert_eq!(harbour.essence().keys().collect::<Vec<_>>(), essence.keys().collect::<Vec<_>>());
}
