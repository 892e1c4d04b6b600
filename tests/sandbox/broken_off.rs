//! Recoveries of claims and volumes in the sandbox: each loss is recognised for certain, its playbook brings back what it says, and broken
//! off at any write, with its answer or without, it is taken up and comes to the same end.

mod namespaces;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use seaworthy::cluster::{Cluster, Meter, Resources};
use seaworthy::engine::Limits;
use seaworthy::error::Explain as _;
use seaworthy::event::Ended;
use seaworthy::object::ObjectRef;
use seaworthy::plan::verb::{OUT_OF_SERVICE, Pinned, Tend, Verb};
use seaworthy::plan::{Action, Plan};
use seaworthy::prepare::Prepared;
use seaworthy::recover::archive::Archive;
use seaworthy::recover::compile::{self, CompileError, Wish};
use seaworthy::recover::{LossKind, Record, Sighting, join, look, recognise, record};
use seaworthy::sandbox::faults::find;
use seaworthy::sandbox::{Kind, Sandbox};
use seaworthy::snapshot::Snapshot;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::cut::{Cut, WHOLE, cut, run_and_resume, voyage};
use super::support::{Harbour, SEA, claim};
use crate::engine::harbour::{Run, installation};
use crate::recover::harbour::playbook;

/// What is done to the cluster.
type Breaks = fn(&Sandbox);

/// A loss, of which claim, and what is done about it.
#[derive(Clone, Copy)]
struct Story {
    breaks: Breaks,
    kind: LossKind,
    playbook: &'static str,
    claim: &'static str,
    /// What is on the volume of the claim in the end; nothing: a fresh one.
    ends_with: Option<&'static str>,
}

fn strike(sandbox: &Sandbox, fault: &str, claim: &str) {
    sandbox.strike(find(fault).unwrap(), &format!("{SEA}/{claim}"));
}

fn workload(kind: &str, name: &str, more: &Value) -> Value {
    let labels = json!({"app": name});
    let volumes = (kind == "Deployment")
        .then(|| json!([{"name": "data", "persistentVolumeClaim": {"claimName": format!("{name}-data")}}]));
    let mut object = json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": SEA},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels},
            "spec": {"volumes": volumes, "containers": [{"name": "main", "image": "app:1",
                "volumeMounts": [{"name": "data", "mountPath": "/data"}]}]}}}});
    for (key, value) in more.as_object().unwrap() {
        object["spec"][key] = value.clone();
    }
    object
}

/// Lets so much time of the cluster go by.
async fn later(harbour: &Harbour, seconds: u64) {
    let _leap = harbour.clock.leap();
    // The cluster's time, which leaps. Not at once for all: whoever waits for a disk at the same time is not to be too late for it.
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// Two Deployments with a claim each and a set of two pods with theirs, which deletes them with its pods.
struct Wreck {
    harbour: Harbour,
    state: TempDir,
    records: Vec<Record>,
    story: Story,
}

impl Wreck {
    async fn new(story: Story) -> Self {
        let harbour = Harbour::new(Kind::Ha).await;
        for name in ["web", "bell"] {
            harbour.make(&claim(&format!("{name}-data"))).await.unwrap();
            harbour.make(&workload("Deployment", name, &json!({}))).await.unwrap();
        }
        let mut template = claim("data");
        template["metadata"] = json!({"name": "data"});
        let set = json!({"replicas": 2, "serviceName": "store", "volumeClaimTemplates": [template],
            "persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete", "whenDeleted": "Delete"}});
        harbour.make(&workload("StatefulSet", "store", &set)).await.unwrap();
        later(&harbour, 60).await;
        for claim in ["web-data", "bell-data", "data-store-0", "data-store-1"] {
            assert!(harbour.sandbox.write_file((SEA, claim), "what", claim.as_bytes()), "{claim}");
        }
        let cluster = harbour.sandbox.cluster(Meter::new(false));
        let (taken, _) = record::take(&cluster, &installation()).await.unwrap();
        // Long enough for what is made anew to be younger than the rest.
        later(&harbour, 300).await;
        (story.breaks)(&harbour.sandbox);
        later(&harbour, 400).await;
        Self { harbour, state: tempfile::tempdir().unwrap(), records: vec![taken], story }
    }

    fn cluster(&self) -> Cluster {
        self.harbour.sandbox.cluster(Meter::new(false))
    }

    async fn sighting(&self) -> Sighting {
        look::sight(&self.cluster(), None, self.records.clone()).await.unwrap()
    }

    /// None of a story about the namespace as a whole.
    fn claims(&self) -> Vec<ObjectRef> {
        let named = (!self.story.claim.is_empty()).then(|| join::claim_ref(SEA, self.story.claim));
        named.into_iter().collect()
    }

    async fn plan(&self) -> Result<Plan, CompileError> {
        let cluster = self.cluster();
        compile::compile(&Wish {
            playbook: &playbook("common", self.story.playbook),
            claims: self.claims(),
            sighting: &self.sighting().await,
            archive: &Archive::read(self.state.path(), &self.records),
            snapshots: Vec::new(),
            cluster: cluster.id.clone(),
            installation: installation(),
            reach: None,
            settings: [].into(),
            copies: compile::Copies {
                // What moves is copied; elsewhere the old volume has what was on it.
                skip: self.story.playbook != "move",
                folder: self.state.path().join("copies").display().to_string(),
                image: None,
            },
            folder: self.state.path().join("exports/one").display().to_string(),
            at: "2026-01-02T03:04:05Z".parse().unwrap(),
        })
    }

    async fn run(&self, cluster: Cluster, plan: Plan) -> Run {
        run_and_resume(self.state.path(), (cluster, || self.cluster()), plan, Some(true)).await
    }

    fn on(&self, claim: &str) -> Option<String> {
        let files = self.harbour.sandbox.files(SEA, claim)?;
        files.get("what").map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// What matters in the end: names that come out of uids are left out.
    async fn essence(&self) -> BTreeMap<String, Vec<String>> {
        later(&self.harbour, 60).await;
        let mut essence: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for object in self.harbour.sandbox.objects() {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            let (kind, spec) = (object["kind"].as_str().unwrap_or_default(), &object["spec"]);
            let said = match kind {
                "PersistentVolume" => format!(
                    "{} {} {} {}",
                    spec["claimRef"]["name"],
                    object["status"]["phase"],
                    spec["persistentVolumeReclaimPolicy"],
                    object["metadata"]["labels"]
                ),
                "PersistentVolumeClaim" => format!("{name} {} {:?}", object["status"]["phase"], self.on(name)),
                "Deployment" | "StatefulSet" => format!(
                    "{name} {} {} {} {}",
                    spec["replicas"],
                    object["status"]["readyReplicas"],
                    object["metadata"]["annotations"]["seaworthy.dev/original-replicas"],
                    spec["persistentVolumeClaimRetentionPolicy"]
                ),
                "StorageClass" | "Namespace" => format!("{name} {}", object["status"]["phase"]),
                "Node" => {
                    let taints = spec["taints"].as_array().into_iter().flatten();
                    format!("{name} {:?}", taints.map(|taint| taint["key"].clone()).collect::<Vec<_>>())
                }
                "VolumeAttachment" => format!("{} {}", spec["source"], spec["nodeName"]),
                _ => continue,
            };
            essence.entry(kind.to_owned()).or_default().push(said);
        }
        for said in essence.values_mut() {
            said.sort();
        }
        essence
    }
}

/// Strikes the node on which the volume of a claim lies.
fn strike_node(sandbox: &Sandbox, fault: &str) {
    let live = sandbox.object(&join::claim_ref(SEA, "web-data")).unwrap();
    let volume = sandbox.object(&join::volume_ref(live["spec"]["volumeName"].as_str().unwrap())).unwrap();
    sandbox.strike(find(fault).unwrap(), join::hosts(&volume)[0]);
}

fn stories() -> Vec<Story> {
    let story = |breaks: Breaks, kind, playbook, claim, ends_with| Story { breaks, kind, playbook, claim, ends_with };
    vec![
        story(|it| strike(it, "class-gone", "web-data"), LossKind::ClassGone, "provision", "web-data", None),
        story(
            |it| strike(it, "provisioner-gone", "web-data"),
            LossKind::ProvisionerGone,
            "provision",
            "web-data",
            None,
        ),
        story(|it| strike(it, "claim-stranded", "web-data"), LossKind::ClaimStranded, "provision", "web-data", None),
        story(
            |it| strike(it, "claim-renewed", "data-store-1"),
            LossKind::ClaimRenewed,
            "reunite",
            "data-store-1",
            Some("data-store-1"),
        ),
        story(
            |it| strike(it, "claim-misbound", "web-data"),
            LossKind::ClaimMisbound,
            "give-back",
            "web-data",
            Some("web-data"),
        ),
        story(
            |it| strike(it, "volumes-swapped", "web-data"),
            LossKind::ClaimMisbound,
            "give-back",
            "web-data",
            Some("web-data"),
        ),
        story(|it| strike_node(it, "attach-stuck"), LossKind::AttachStuck, "detach", "web-data", Some("web-data")),
        story(|it| strike_node(it, "disk-read-only"), LossKind::VolumeReadOnly, "move", "web-data", Some("web-data")),
        // Its set deletes its claims with its pods: stopping it would be the loss of the other one.
        story(
            |it| strike(it, "claim-deleted", "data-store-0"),
            LossKind::ClaimGoing,
            "rebind",
            "data-store-0",
            Some("data-store-0"),
        ),
    ]
}

async fn through(story: Story, way: Cut) -> (BTreeMap<String, Vec<String>>, usize) {
    cut_off(Wreck::new(story).await, way).await
}

async fn cut_off(wreck: Wreck, way: Cut) -> (BTreeMap<String, Vec<String>>, usize) {
    let plan = wreck.plan().await.unwrap();
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = seen.clone();
    let cluster = wreck.harbour.sandbox.cluster_through(Meter::new(false), |quay| cut(quay, way, counted));
    let run = wreck.run(cluster, plan).await;
    let causes: Vec<&String> = run.outcome.causes.iter().map(|cause| &cause.message).collect();
    assert_eq!(run.outcome.ended, Ended::Done, "{:?} cut at {}: {causes:?}", wreck.story.kind, way.at);
    (wreck.essence().await, seen.load(Ordering::Relaxed))
}

#[tokio::test]
async fn each_loss_is_certain_and_its_playbook_brings_back_what_it_says() {
    for story in stories() {
        let wreck = Wreck::new(story).await;
        let of_it = |losses: Vec<seaworthy::recover::Loss>| {
            let claim = join::claim_ref(SEA, story.claim);
            losses.into_iter().filter(|loss| loss.claim.as_ref() == Some(&claim)).collect::<Vec<_>>()
        };
        let losses = of_it(recognise(&wreck.sighting().await));
        let found: Vec<(LossKind, bool)> = losses.iter().map(|loss| (loss.kind, loss.certain)).collect();
        assert_eq!(found, [(story.kind, true)], "{losses:#?}");
        let plan = wreck.plan().await.unwrap();
        wreck.run(wreck.cluster(), plan).await.went_well();
        let left = of_it(recognise(&wreck.sighting().await));
        assert!(left.is_empty(), "{:?}: {left:#?}", story.kind);
        assert_eq!(wreck.on(story.claim).as_deref(), story.ends_with, "{:?}", story.kind);
        for other in ["web-data", "bell-data", "data-store-0", "data-store-1"] {
            assert!(other == story.claim || wreck.on(other).as_deref() == Some(other), "{:?}: {other}", story.kind);
        }
        let set = wreck.harbour.see("apps/v1", "StatefulSet", "store").unwrap();
        let policy = &set["spec"]["persistentVolumeClaimRetentionPolicy"];
        assert_eq!(*policy, json!({"whenScaled": "Delete", "whenDeleted": "Delete"}), "{:?}", story.kind);
    }
}

/// How many stories go side by side.
const AT_ONCE: usize = 8;

#[tokio::test]
async fn broken_off_at_any_write_each_ends_the_same() {
    for story in stories() {
        let (expected, writes) = through(story, WHOLE).await;
        assert!(writes >= 1, "{:?}: nothing is written", story.kind);
        let cuts = (1..=writes).flat_map(|at| [false, true].map(|answer_lost| Cut { members: false, at, answer_lost }));
        // A few at a time: all of them at once would keep each other waiting.
        let stories = cuts.map(|way| async move { (way.at, through(story, way).await.0) });
        let ends: Vec<_> = futures::stream::iter(stories).buffer_unordered(AT_ONCE).collect().await;
        for (at, essence) in ends {
            assert_eq!(essence, expected, "{:?} cut at write {at}", story.kind);
        }
    }
}

/// Whoever switches the machine on again would see everything on it thrown out.
#[tokio::test]
async fn a_node_that_was_marked_is_marked_no_more_when_the_recovery_fails() {
    let story = stories().into_iter().find(|story| story.kind == LossKind::AttachStuck).unwrap();
    let wreck = Wreck::new(story).await;
    let node = |wreck: &Wreck| {
        let nodes = wreck.harbour.sandbox.objects().into_iter().filter(|object| object["kind"] == "Node");
        let marked = |node: &Value| node["spec"]["taints"].to_string().contains(OUT_OF_SERVICE);
        nodes.filter(marked).count()
    };
    let mut plan = wreck.plan().await.unwrap();
    // As if the attachment never went: what is waited for is an object that stays.
    let stays = wreck.harbour.see("apps/v1", "Deployment", "bell").and_then(|live| Pinned::of(&live)).unwrap();
    for step in &mut plan.steps {
        if let Action::Rescue { verb, limit } = &mut step.action
            && let Verb::Tend { object, act: Tend::Gone { uid } } = &mut **verb
        {
            (*object, *uid, *limit) = (stays.object.clone(), stays.uid.clone(), 5);
        }
    }
    let cluster = wreck.cluster();
    let _leap = cluster.clock.leap();
    let limits = Limits { wait: Duration::from_secs(60), api_away: Duration::from_secs(10), in_flight: 8 };
    let prepared =
        Prepared { plan, snapshot: Snapshot::default(), resources: Resources::default(), refusals: Vec::new() };
    let run = voyage(cluster, limits, Some(true)).run(prepared, None).await;
    assert_eq!(run.outcome.ended, Ended::Failed);
    assert!(run.outcome.causes[0].message.contains("bell"), "{:?}", run.outcome.causes);
    assert_eq!(node(&wreck), 0, "the mark is still there");
    let attachments = wreck.harbour.sandbox.objects().into_iter().filter(|one| one["kind"] == "VolumeAttachment");
    assert_eq!(attachments.count(), 0, "it was there for long enough to let the attachments go");
}

/// Whoever makes volumes erases them, too. What was let go while it was away is kept before it is started.
#[tokio::test]
async fn a_provisioner_that_is_started_again_erases_nothing() {
    let story = stories().into_iter().find(|story| story.kind == LossKind::ProvisionerGone).unwrap();
    let wreck = Wreck::new(story).await;
    // Its claims go with it, and their volumes have the policy Delete.
    wreck.harbour.delete(&format!("/apis/apps/v1/namespaces/{SEA}/statefulsets/store")).await.unwrap();
    later(&wreck.harbour, 60).await;
    let released = |policy: &str| {
        let objects = wreck.harbour.sandbox.objects();
        let volumes = objects.iter().filter(|one| one["kind"] == "PersistentVolume");
        let is_one = |one: &&Value| {
            one["status"]["phase"] == "Released" && one["spec"]["persistentVolumeReclaimPolicy"] == policy
        };
        volumes.filter(is_one).count()
    };
    assert_eq!(released("Delete"), 2);
    let plan = wreck.plan().await.unwrap();
    wreck.run(wreck.cluster(), plan).await.went_well();
    later(&wreck.harbour, 60).await;
    assert_eq!(released("Retain"), 2);
}

/// Two volumes wait to be erased, of claims that nobody remembers, while whoever would do it was scaled to nothing.
async fn unwanted() -> Wreck {
    let story = stories().into_iter().find(|story| story.kind == LossKind::ProvisionerGone).unwrap();
    let mut wreck = Wreck::new(story).await;
    wreck.harbour.delete(&format!("/apis/apps/v1/namespaces/{SEA}/statefulsets/store")).await.unwrap();
    later(&wreck.harbour, 60).await;
    wreck.records.clear();
    wreck.story = Story { kind: LossKind::VolumeUnerased, playbook: "erase", claim: "data-store-0", ..story };
    wreck
}

/// The volumes of the set, each with the policy that it has, as long as it is there.
fn of_the_set(wreck: &Wreck) -> Vec<(String, String)> {
    let volumes = wreck.harbour.sandbox.objects().into_iter().filter(|one| one["kind"] == "PersistentVolume");
    let words = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = volumes
        .map(|one| (words(&one["spec"]["claimRef"]["name"]), words(&one["spec"]["persistentVolumeReclaimPolicy"])));
    let mut found: Vec<_> = all.filter(|(claim, _)| claim.starts_with("data-store")).collect();
    found.sort();
    found
}

#[tokio::test]
async fn what_nobody_wants_is_erased_and_what_waits_beside_it_is_kept() {
    let wreck = unwanted().await;
    let losses = recognise(&wreck.sighting().await);
    let found: Vec<(LossKind, Option<&str>, bool)> = losses
        .iter()
        .map(|loss| (loss.kind, loss.claim.as_ref().map(|claim| claim.name.as_str()), loss.certain))
        .collect();
    let unerased = |claim| (LossKind::VolumeUnerased, Some(claim), true);
    assert!(found.contains(&unerased("data-store-0")) && found.contains(&unerased("data-store-1")), "{losses:#?}");
    let plan = wreck.plan().await.unwrap();
    wreck.run(wreck.cluster(), plan).await.went_well();
    later(&wreck.harbour, 60).await;
    assert_eq!(of_the_set(&wreck), [("data-store-1".to_owned(), "Retain".to_owned())]);
    let (expected, writes) = cut_off(unwanted().await, WHOLE).await;
    for at in 1..=writes {
        for answer_lost in [false, true] {
            let (essence, _) = cut_off(unwanted().await, Cut { members: false, at, answer_lost }).await;
            assert_eq!(essence, expected, "cut at write {at}");
        }
    }
}

/// One that a claim has, or that a recovery has put aside, is erased only by its name, and one that is in use never.
#[tokio::test]
async fn a_volume_is_erased_by_its_name_alone() {
    let mut wreck = unwanted().await;
    wreck.story.claim = "bell-data";
    let error = wreck.plan().await.unwrap_err();
    assert_eq!(error.id(), "which-volume", "{error}");
    assert!(error.to_string().contains("no volume that was let go was of"), "{error}");
    wreck.story.claim = "data-store-1";
    let mut plan = wreck.plan().await.unwrap();
    // As if a claim had taken it in between.
    let bound = wreck
        .harbour
        .sandbox
        .objects()
        .into_iter()
        .find(|one| one["kind"] == "PersistentVolume" && one["spec"]["claimRef"]["name"] == "bell-data");
    let bound = Pinned::of(&bound.unwrap()).unwrap();
    for step in &mut plan.steps {
        if let Action::Rescue { verb, .. } = &mut step.action
            && let Verb::Tend { object, act: Tend::Erase { uid } } = &mut **verb
        {
            (*object, *uid) = (bound.object.clone(), bound.uid.clone());
        }
    }
    let run = wreck.run(wreck.cluster(), plan).await;
    assert_eq!(run.outcome.ended, Ended::Failed);
    assert!(run.outcome.causes[0].message.contains("Bound"), "{:?}", run.outcome.causes);
    assert_eq!(wreck.on("bell-data").as_deref(), Some("bell-data"));
}

/// Without the policy being changed first, the stop that is to save the claims is what deletes them.
#[tokio::test]
async fn a_set_that_deletes_its_claims_would_lose_them_by_being_stopped() {
    let wreck = Wreck::new(Story { breaks: |_| {}, ..stories()[0] }).await;
    let path = format!("/apis/apps/v1/namespaces/{SEA}/statefulsets/store");
    wreck.harbour.merge(&path, &json!({"spec": {"replicas": 0}})).await.unwrap();
    later(&wreck.harbour, 60).await;
    let left =
        |name: &str| wreck.harbour.sandbox.object(&ObjectRef::new("v1", "PersistentVolumeClaim", Some(SEA), name));
    assert!(left("data-store-0").is_none() && left("data-store-1").is_none());
    assert!(left("web-data").is_some());
}

/// What is often advised: the volume is then kept for a claim of that name, and the one that was bound to it never takes it.
#[tokio::test]
async fn a_volume_whose_uid_was_taken_away_by_hand_is_given_back() {
    let story = stories().into_iter().find(|story| story.kind == LossKind::ClaimMisbound).unwrap();
    let wreck = Wreck::new(story).await;
    let live = wreck.harbour.sandbox.object(&join::claim_ref(SEA, story.claim)).unwrap();
    let path = format!("/api/v1/persistentvolumes/{}", live["spec"]["volumeName"].as_str().unwrap());
    wreck.harbour.merge(&path, &json!({"spec": {"claimRef": {"uid": null}}})).await.unwrap();
    later(&wreck.harbour, 60).await;
    let losses = recognise(&wreck.sighting().await);
    assert!(losses.iter().any(|loss| loss.kind == LossKind::ClaimMisbound && loss.certain), "{losses:#?}");
    let plan = wreck.plan().await.unwrap();
    wreck.run(wreck.cluster(), plan).await.went_well();
    assert_eq!(wreck.on(story.claim).as_deref(), Some(story.claim));
    assert_eq!(recognise(&wreck.sighting().await), []);
}
