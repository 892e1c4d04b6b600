//! An application with two volumes of known contents, ways to lose them, and what is left of it.

use std::collections::BTreeMap;

use seaworthy::engine::Limits;
use seaworthy::engine::journal::{RunRecord, Runs};
use seaworthy::object::ObjectRef;
use seaworthy::plan::{Installation, Plan};
use seaworthy::prepare::{self, Prepared};
use seaworthy::recover::archive::Archive;
use seaworthy::recover::compile::{self, CompileError, Wish};
use seaworthy::recover::playbook::{Playbook, sheet};
use seaworthy::recover::{Loss, Record, Sighting, look, recognise, record};
use seaworthy::stack::Catalogue;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::engine::fake::Fake;
use crate::engine::harbour::{Run, SEA, Voyage, inputs};

pub(crate) const DONE: &str = "import finished";

fn workload(component: &str, replicas: u64, claims: &[&str]) -> Value {
    let volumes: Vec<Value> = claims
        .iter()
        .map(|claim| json!({"name": claim, "persistentVolumeClaim": {"claimName": format!("app-{claim}")}}))
        .collect();
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": format!("app-{component}"), "namespace": SEA, "labels": {"app.kubernetes.io/component": component}},
        "spec": {"replicas": replicas, "template": {"metadata": {"labels": {"app.kubernetes.io/component": component}},
            "spec": {"volumes": volumes, "containers": [{"name": "main", "image": "main:1"}]}}}})
}

pub(crate) fn claim(name: &str) -> ObjectRef {
    ObjectRef::new("v1", "PersistentVolumeClaim", Some(SEA), &format!("app-{name}"))
}

pub(crate) fn deployment(component: &str) -> ObjectRef {
    ObjectRef::new("apps/v1", "Deployment", Some(SEA), &format!("app-{component}"))
}

/// A cluster with the application, its disks filled, and its record.
pub(crate) struct Harbour {
    pub(crate) fake: Fake,
    pub(crate) state: TempDir,
    pub(crate) records: Vec<Record>,
}

impl Harbour {
    pub(crate) async fn new() -> Self {
        let fake = Fake::new().with_storage();
        fake.made_by_hand(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SEA}}));
        for name in ["history", "workspace"] {
            fake.made_by_hand(&json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "metadata": {"name": format!("app-{name}"), "namespace": SEA}, "spec": {"accessModes": ["ReadWriteOnce"]}}));
        }
        let parts: [(&str, u64, &[&str]); 3] =
            [("core", 1, &["history", "workspace"]), ("agent", 2, &["workspace"]), ("bell", 1, &[])];
        for (component, replicas, claims) in parts {
            fake.made_by_hand(&workload(component, replicas, claims));
        }
        fake.says("core", DONE);
        let voyage = Voyage::new(&fake);
        let (record, _) = record::take(&voyage.cluster, &installation()).await.unwrap();
        let harbour = Self { fake, state: tempfile::tempdir().unwrap(), records: vec![record] };
        for name in ["history", "workspace"] {
            harbour.fake.fill(&harbour.path(name), &format!("the {name}"));
        }
        harbour
    }

    pub(crate) fn voyage(&self) -> Voyage {
        Voyage::new(&self.fake)
    }

    /// The volume that a claim is bound to.
    pub(crate) fn volume(&self, name: &str) -> ObjectRef {
        let live = self.fake.object(&claim(name)).unwrap();
        ObjectRef::new("v1", "PersistentVolume", None, live["spec"]["volumeName"].as_str().unwrap())
    }

    /// Where its bytes are.
    pub(crate) fn path(&self, name: &str) -> String {
        self.fake.object(&self.volume(name)).unwrap()["spec"]["hostPath"]["path"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn sighting(&self) -> Sighting {
        look::sight(&self.voyage().cluster, None, self.records.clone()).await.unwrap()
    }

    pub(crate) async fn losses(&self) -> Vec<Loss> {
        recognise(&self.sighting().await)
    }

    pub(crate) async fn compile(&self, playbook: &Playbook, claim: ObjectRef) -> Result<Plan, CompileError> {
        let sighting = self.sighting().await;
        let settings = playbook.sheet.settings.iter().map(|(name, setting)| (name.clone(), setting.default.clone()));
        compile::compile(&Wish {
            snapshots: Vec::new(),
            playbook,
            claims: vec![claim],
            sighting: &sighting,
            archive: &Archive::read(self.state.path(), &self.records),
            cluster: self.voyage().cluster.id,
            installation: installation(),
            reach: None,
            settings: settings.collect(),
            copies: compile::Copies { skip: true, ..compile::Copies::default() },
            folder: self.state.path().join("exports/one").display().to_string(),
            at: "2026-01-02T03:04:05Z".parse().unwrap(),
        })
    }

    pub(crate) async fn run(&self, plan: Plan) -> Run {
        self.voyage().run(prepared(plan), None).await
    }

    /// Runs a plan in a journal, with an API server that may break off; then takes the run up again until it is done.
    pub(crate) async fn run_and_resume(&self, plan: Plan, breaks: impl FnOnce(&Fake)) -> Run {
        let runs = Runs::new(self.state.path());
        let mut voyage = self.voyage();
        let patient = voyage.limits;
        voyage.limits = Limits { api_away: std::time::Duration::ZERO, ..patient };
        let journal = runs.open(inputs(), plan.without_secrets()).await.unwrap();
        let id = journal.run().to_owned();
        breaks(&self.fake);
        let first = voyage.run(prepared(plan), Some(&journal)).await;
        drop(journal);
        self.fake.rule(|_| crate::engine::fake::Fate::Answered);
        if first.outcome.ended == seaworthy::event::Ended::Done {
            return first;
        }
        voyage.limits = patient;
        let recorded = runs.load(&id).unwrap();
        let prepared = prepare::resume(&voyage.cluster, (&recorded.plan, &recorded.done), voyage.policy).await.unwrap();
        let journal = runs.resume(&id, "0").await.unwrap();
        voyage.run(prepared, Some(&journal)).await
    }

    /// Runs a plan with somebody who answers every question, and reads its journal.
    pub(crate) async fn answer(&self, plan: Plan, agreed: bool) -> (Run, RunRecord) {
        let runs = Runs::new(self.state.path());
        let journal = runs.open(inputs(), plan.without_secrets()).await.unwrap();
        let id = journal.run().to_owned();
        let voyage = Voyage { answer: Some(agreed), ..self.voyage() };
        let run = voyage.run(prepared(plan), Some(&journal)).await;
        drop(journal);
        (run, runs.load(&id).unwrap())
    }

    /// What matters in the end: each claim with what is on its disk and how it is kept, each Deployment with its pods, and what was
    /// put aside. Names that come out of uids are left out.
    pub(crate) fn essence(&self) -> BTreeMap<String, String> {
        let mut essence = BTreeMap::new();
        for object in self.fake.state() {
            let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            let said = match object["kind"].as_str().unwrap_or_default() {
                "PersistentVolume" => {
                    let path = object["spec"]["hostPath"]["path"].as_str().unwrap_or_default();
                    let disk = self.fake.disk(path).unwrap_or_else(|| "erased".to_owned());
                    let of = &object["spec"]["claimRef"]["name"];
                    (
                        format!("volume of {of} with {disk}"),
                        format!(
                            "{} {} {}",
                            object["status"]["phase"],
                            object["spec"]["persistentVolumeReclaimPolicy"],
                            object["metadata"]["labels"]
                        ),
                    )
                }
                "PersistentVolumeClaim" => {
                    let path =
                        object["spec"]["volumeName"].as_str().map(|_| self.path(name.trim_start_matches("app-")));
                    (name, format!("{} {:?}", object["status"]["phase"], path.and_then(|path| self.fake.disk(&path))))
                }
                "Deployment" => {
                    (name, format!("{} {} {}", object["spec"]["replicas"], object["status"], remembered(&object)))
                }
                _ => continue,
            };
            essence.insert(said.0, said.1);
        }
        essence
    }
}

/// What a stop leaves on a workload, and a start takes away.
fn remembered(workload: &Value) -> String {
    workload["metadata"]["annotations"][seaworthy::plan::verb::ORIGINAL_REPLICAS].to_string()
}

pub(crate) fn installation() -> Installation {
    crate::engine::harbour::installation()
}

fn prepared(plan: Plan) -> Prepared {
    Prepared { plan, snapshot: seaworthy::snapshot::Snapshot::default(), resources: with_flux(), refusals: Vec::new() }
}

/// The kind of Flux's that the stories keep workloads by.
pub(crate) fn kustomizations() -> Value {
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "kustomizations.kustomize.toolkit.fluxcd.io"},
        "spec": {"group": "kustomize.toolkit.fluxcd.io", "names": {"kind": "Kustomization", "plural": "kustomizations"}, "scope": "Namespaced",
            "versions": [{"name": "v1", "served": true, "storage": true}]}})
}

fn with_flux() -> seaworthy::cluster::Resources {
    let mut resources = seaworthy::cluster::Resources::default();
    resources.learn(&kustomizations());
    resources
}

/// A playbook of the program's own.
pub(crate) fn playbook(stack: &str, name: &str) -> Playbook {
    let folder = Catalogue::default().folder(stack).unwrap();
    let sheet = sheet(name, &folder.files[&format!("playbooks/{name}.yaml")]).unwrap();
    Playbook { name: name.to_owned(), stack: None, sheet }
}
