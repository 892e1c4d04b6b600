//! Recoveries of an etcd, broken off at every write to the API server and at many questions to the members, and taken up again: each comes
//! to the same end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use http::Method;
use seaworthy::cluster::{Cluster, Meter, Resources};
use seaworthy::engine::Limits;
use seaworthy::event::Ended;
use seaworthy::plan::Plan;
use seaworthy::prepare::Prepared;
use seaworthy::recover::archive::Archive;
use seaworthy::recover::compile::{self, CompileError, Wish};
use seaworthy::recover::{join, look};
use seaworthy::snapshot::Snapshot;
use serde_json::Value;
use tempfile::TempDir;

use super::cut::{Cut, WHOLE, cut, run_and_resume, voyage};
use super::etcd::Store;
use super::support::SEA;
use crate::engine::harbour::{Run, installation};
use crate::recover::harbour::playbook;

/// An etcd with a loss, and the folder of whoever recovers it.
struct Wreck {
    store: Store,
    state: TempDir,
    playbook: &'static str,
    claim: &'static str,
}

impl Wreck {
    async fn new(playbook: &'static str, (fault, target): (&str, &str), claim: &'static str) -> Self {
        let store = Store::new(3).await;
        store.used().await;
        store.member(0).probe("/probe", "one").await.unwrap();
        store.strike(fault, target);
        Self { store, state: tempfile::tempdir().unwrap(), playbook, claim }
    }

    fn cluster(&self) -> Cluster {
        self.store.harbour.sandbox.cluster(Meter::new(false))
    }

    async fn plan(&self) -> Result<Plan, CompileError> {
        let cluster = self.cluster();
        let sighting = look::sight(&cluster, None, Vec::new()).await.unwrap();
        compile::compile(&Wish {
            snapshots: Vec::new(),
            playbook: &playbook("common", self.playbook),
            claims: vec![join::claim_ref(SEA, self.claim)],
            sighting: &sighting,
            archive: &Archive::default(),
            cluster: cluster.id.clone(),
            installation: installation(),
            reach: None,
            settings: [].into(),
            copies: compile::Copies { skip: true, ..compile::Copies::default() },
            folder: self.state.path().join("exports/one").display().to_string(),
            at: "2026-01-02T03:04:05Z".parse().unwrap(),
        })
    }

    async fn run(&self, cluster: Cluster, plan: Plan) -> Run {
        run_and_resume(self.state.path(), (cluster, || self.cluster()), plan, None).await
    }

    /// What matters in the end.
    async fn essence(&self) -> Vec<String> {
        self.store.harbour.sandbox.rest(30);
        let set = self.store.harbour.see("apps/v1", "StatefulSet", "store").unwrap();
        let mut said = vec![
            set["spec"]["template"].to_string(),
            set["spec"]["updateStrategy"].to_string(),
            set["status"]["readyReplicas"].to_string(),
        ];
        let members = self.store.member(0).members().await.unwrap();
        let mut names: Vec<String> = members
            .iter()
            .map(|member| format!("{} {:?} {}", member.name, member.peers, member.has_started()))
            .collect();
        names.sort();
        said.extend(names);
        for number in 0..3 {
            let status = self.store.member(number).status().await.unwrap();
            said.push(format!("{number} {} {:?}", status.leader.is_some(), status.errors));
        }
        let volumes = self.store.harbour.sandbox.objects();
        let mut volumes: Vec<String> =
            volumes.iter().filter(|one| one["kind"] == "PersistentVolume").map(volume).collect();
        volumes.sort();
        said.extend(volumes);
        said
    }
}

fn volume(volume: &Value) -> String {
    format!(
        "{} {} {} {}",
        volume["spec"]["claimRef"]["name"],
        volume["status"]["phase"],
        volume["spec"]["persistentVolumeReclaimPolicy"],
        volume["metadata"]["labels"]["seaworthy.dev/quarantine"]
    )
}

/// A playbook, what breaks, and the claim of the member.
type Story = (&'static str, (&'static str, &'static str), &'static str);

const MEMBER: Story = ("etcd-member", ("etcd-member-wiped", "sea/store-1"), "data-store-1");
const RESTORE: Story = ("etcd-restore", ("etcd-majority-gone", ""), "data-store-0");
const SPACE: Story = ("etcd-space", ("etcd-full", ""), "data-store-0");

async fn through(story: Story, way: Cut) -> (Vec<String>, usize, Ended) {
    let wreck = Wreck::new(story.0, story.1, story.2).await;
    let plan = wreck.plan().await.unwrap();
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = seen.clone();
    let cluster = wreck.store.harbour.sandbox.cluster_through(Meter::new(false), |quay| cut(quay, way, counted));
    let run = wreck.run(cluster, plan).await;
    let causes: Vec<&String> = run.outcome.causes.iter().map(|cause| &cause.message).collect();
    assert_eq!(run.outcome.ended, Ended::Done, "{} cut at {}: {causes:?}", story.0, way.at);
    (wreck.essence().await, seen.load(Ordering::Relaxed), run.outcome.ended)
}

/// How many stories go side by side.
const AT_ONCE: usize = 6;

#[tokio::test]
async fn broken_off_at_any_write_each_recovery_of_an_etcd_ends_the_same() {
    for (story, at_least) in [(MEMBER, 6), (SPACE, 0), (RESTORE, 20)] {
        let (expected, writes, _) = through(story, WHOLE).await;
        assert!(writes >= at_least, "only {writes} writes");
        let cuts = (1..=writes).flat_map(|at| [false, true].map(|answer_lost| Cut { members: false, at, answer_lost }));
        // A few at a time: all of them at once keep each other waiting for longer than a member is waited for.
        let stories = cuts.map(|way| async move { (way.at, through(story, way).await.0) });
        let ends: Vec<_> = futures::stream::iter(stories).buffer_unordered(AT_ONCE).collect().await;
        for (at, essence) in ends {
            assert_eq!(essence, expected, "{} cut at write {at}", story.0);
        }
    }
}

#[tokio::test]
async fn broken_off_between_questions_to_members_each_recovery_of_an_etcd_ends_the_same() {
    for story in [MEMBER, SPACE, RESTORE] {
        let (expected, asked, _) = through(story, Cut { members: true, ..WHOLE }).await;
        assert!(asked > 30, "only {asked} questions");
        for at in (3..=asked).step_by(13) {
            let (essence, ..) = through(story, Cut { members: true, at, answer_lost: at % 2 == 0 }).await;
            assert_eq!(essence, expected, "{} cut at question {at}", story.0);
        }
    }
}

/// The recovered member has what the others have, under a number of its own; nobody else was restarted, and the snapshot is whole.
#[tokio::test]
async fn a_member_comes_back_with_what_the_others_have_and_they_go_on() {
    let wreck = Wreck::new(MEMBER.0, MEMBER.1, MEMBER.2).await;
    let uid = |name: &str| wreck.store.harbour.see("v1", "Pod", name).unwrap()["metadata"]["uid"].clone();
    let before = (uid("store-0"), uid("store-2"));
    let template = wreck.store.harbour.see("apps/v1", "StatefulSet", "store").unwrap()["spec"]["template"].clone();
    let plan = wreck.plan().await.unwrap();
    wreck.run(wreck.cluster(), plan).await.went_well();
    assert_eq!((uid("store-0"), uid("store-2")), before);
    let set = wreck.store.harbour.see("apps/v1", "StatefulSet", "store").unwrap();
    assert_eq!((&set["spec"]["template"], &set["status"]["readyReplicas"]), (&template, &3.into()));
    assert_eq!(
        wreck.store.member(1).status().await.unwrap().cluster,
        wreck.store.member(0).status().await.unwrap().cluster
    );
    let saved = std::fs::metadata(wreck.state.path().join("exports/one.store.db")).unwrap();
    assert!(saved.len() > 4096);
}

/// All that the member that is left has is there, in a cluster of another number, and the old disks are kept.
#[tokio::test]
async fn an_etcd_that_lost_its_majority_for_good_begins_again_with_what_is_left() {
    let wreck = Wreck::new(RESTORE.0, RESTORE.1, RESTORE.2).await;
    let then = wreck.store.member(2).status().await.unwrap();
    let keys = wreck.store.member(2).keys().await.unwrap();
    assert!(then.leader.is_none() && keys > 0, "{then:?}");
    let plan = wreck.plan().await.unwrap();
    wreck.run(wreck.cluster(), plan).await.went_well();
    for number in 0..3 {
        let now = wreck.store.member(number).status().await.unwrap();
        assert!(
            now.leader.is_some() && now.revision >= then.revision && now.cluster != then.cluster,
            "{number}: {now:?}"
        );
        assert_eq!(wreck.store.member(number).keys().await.unwrap(), keys);
    }
    let kept = wreck.store.harbour.sandbox.objects();
    let kept = kept.iter().filter(|one| one["metadata"]["labels"]["seaworthy.dev/quarantine"] == "replaced").count();
    assert_eq!(kept, 1, "of the others there was nothing left to keep");
    let helpers = wreck.store.harbour.sandbox.objects();
    assert!(!helpers.iter().any(|one| one["metadata"]["labels"]["seaworthy.dev/helper"].is_string()));
}

/// Members that crash may come back with all that they have: then a snapshot of one of them would be a second cluster.
#[tokio::test]
async fn as_long_as_a_majority_may_come_back_nothing_is_restored() {
    let wreck = Wreck::new("etcd-restore", ("etcd-quorum-lost", ""), "data-store-0").await;
    let error = wreck.plan().await.unwrap_err();
    assert!(error.to_string().contains("may have a majority again: store-0, store-1, store-2"), "{error}");
    let wreck = Wreck::new("etcd-restore", ("etcd-member-wiped", "sea/store-1"), "data-store-0").await;
    let error = wreck.plan().await.unwrap_err();
    assert!(error.to_string().contains("may have a majority again"), "{error}");
}

/// A majority that came back between the plan and its first step has everything: nothing is touched.
#[tokio::test]
async fn a_majority_that_comes_back_in_the_middle_stops_a_restore() {
    let wreck = Wreck::new(RESTORE.0, RESTORE.1, RESTORE.2).await;
    let plan = wreck.plan().await.unwrap();
    let well = Store::new(3).await;
    let volumes = |store: &Store| {
        store
            .harbour
            .sandbox
            .objects()
            .iter()
            .filter(|one| one["kind"] == "PersistentVolumeClaim")
            .cloned()
            .collect::<Vec<_>>()
    };
    let before = volumes(&well);
    let cluster = well.harbour.sandbox.cluster(Meter::new(false));
    let limits = Limits { wait: Duration::from_secs(60), api_away: Duration::from_secs(10), in_flight: 8 };
    let _leap = cluster.clock.leap();
    // The same etcd, by name; its uid is taken from where it is well.
    let own = well.harbour.see("apps/v1", "StatefulSet", "store").unwrap()["metadata"]["uid"].clone();
    let lost = wreck.store.harbour.see("apps/v1", "StatefulSet", "store").unwrap()["metadata"]["uid"].clone();
    let text = serde_json::to_string(&plan).unwrap().replace(lost.as_str().unwrap(), own.as_str().unwrap());
    let mut plan: Plan = serde_json::from_str(&text).unwrap();
    plan.cluster = cluster.id.clone();
    plan.steps.retain(|step| !step.id.starts_with("export") && !step.id.starts_with("keep"));
    plan.steps[0].needs.clear();
    let prepared =
        Prepared { plan, snapshot: Snapshot::default(), resources: Resources::default(), refusals: Vec::new() };
    let run = voyage(cluster, limits, None).run(prepared, None).await;
    assert_eq!(run.outcome.ended, Ended::Failed);
    let said = &run.outcome.causes[0].message;
    assert!(said.contains("serve with a leader: everything is there again"), "{said}");
    assert_eq!(volumes(&well), before);
}

#[tokio::test]
async fn without_a_majority_or_with_scripts_no_member_is_replaced() {
    let wreck = Wreck::new("etcd-member", ("etcd-quorum-lost", ""), "data-store-1").await;
    let plan = wreck.plan().await.unwrap();
    let limits = Limits { wait: Duration::from_secs(60), api_away: Duration::from_secs(10), in_flight: 8 };
    let cluster = wreck.cluster();
    let _leap = cluster.clock.leap();
    let prepared =
        Prepared { plan, snapshot: Snapshot::default(), resources: Resources::default(), refusals: Vec::new() };
    let run = voyage(cluster, limits, None).run(prepared, None).await;
    assert_eq!(run.outcome.ended, Ended::Failed);
    // Members that crash serve for a second each time: there is no leader, or the member is found not to be lost.
    let said = &run.outcome.causes[0].message;
    assert!(said.contains("there is no leader") || said.contains("it is not lost"), "{said}");
    let claim = wreck.store.harbour.see("v1", "PersistentVolumeClaim", "data-store-1").unwrap();
    assert!(claim["metadata"]["deletionTimestamp"].is_null());
    let path = format!("/apis/apps/v1/namespaces/{SEA}/statefulsets/store");
    let hook = serde_json::json!({"spec": {"template": {"spec": {"containers": [{"name": "etcd", "lifecycle": {"preStop": {"exec": {"command": ["x"]}}}}]}}}});
    wreck.store.harbour.send(Method::PATCH, &path, "application/strategic-merge-patch+json", &hook).await.unwrap();
    let error = wreck.plan().await.unwrap_err();
    assert!(error.to_string().contains("lifecycle.preStop"), "{error}");
}
