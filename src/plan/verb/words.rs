//! How a verb reads: its title, gate and proof, and the kubectl commands that do the same.

use serde_json::Value;

use super::{EtcdAct, Pinned, QUARANTINE, RESTARTED_AT, Verb, by_hand};
use crate::object::{ObjectRef, text};
use crate::plan::FieldChange;

/// What a run gives a step that has no limit of its own unless `--timeout` says otherwise, seconds.
const USUAL: u64 = 600;

impl Verb {
    /// The step's title: a verb and what it is about.
    pub fn title(&self) -> String {
        match self {
            Self::Export { must, .. } if must.is_empty() => "save all manifests".to_owned(),
            Self::Export { must, .. } => format!("save all manifests, among them {}", few(must)),
            Self::Keep { volume, quarantine: Some(_) } => format!("put aside {}", volume.object),
            Self::Keep { volume, .. } => format!("keep {}", volume.object),
            Self::Scale { workload, to: 0, .. } => format!("stop {}", workload.object),
            Self::Scale { workload, to, .. } => format!("start {} with {to}", workload.object),
            Self::Unreferenced { claim } => format!("wait until no pod uses {claim}"),
            Self::Delete { object } => format!("delete {}", object.object),
            Self::Release { volume, .. } => format!("let go {}", volume.object),
            Self::Free { volume, .. } => format!("free {}", volume.object),
            Self::Create { object, .. } => match ObjectRef::of(object) {
                Some(object) => format!("recreate {object}"),
                None => "recreate an object without a name".to_owned(),
            },
            Self::Bound { claim, volume } => {
                let volume = volume.as_ref().map_or_else(String::new, |volume| format!(" to {volume}"));
                format!("bind {claim}{volume}")
            }
            Self::NodeReady { node, .. } => format!("wait until node {node} is ready"),
            Self::Restart { workload, .. } => format!("restart {}", workload.object),
            Self::Set { does, .. } => does.clone(),
            Self::RollBack { workload, to, .. } => {
                format!("give {} the pod template of {} again", workload.object, to.object.name)
            }
            Self::Follow { workload, .. } => format!("follow the logs of {}", workload.object),
            Self::Count { claim, .. } => format!("count the files of {claim}"),
            Self::Renew { claim, pod } => format!("delete {} and {pod}, which are made anew", claim.object),
            Self::Etcd { set, act } => act.title(&set.object.to_string()),
            Self::Tend { object, act } => act.title(object),
            Self::CopyOut { claim, .. } => format!("copy out {}", claim.object),
            Self::CopyIn { claim, .. } => format!("copy in {claim}"),
            Self::Seed(seed) => format!("make the data of {} from the snapshot", seed.pod),
            Self::Secrets(secrets) => secrets.title(),
            Self::Seal { .. } => "seal the backup".to_owned(),
            Self::Ask { question, .. } => format!("ask: {question}"),
        }
    }

    /// What must be so before it is done.
    pub fn gate(&self) -> String {
        match self {
            Self::Export { .. } => "the objects are there".to_owned(),
            Self::Keep { .. } => "the volume is the one that was seen".to_owned(),
            Self::Scale { to: 0, original, .. } => {
                format!("it is the one that was seen, and has {original} or 0 replicas")
            }
            Self::Scale { to, .. } => format!("it is the one that was seen, and has 0 or {to} replicas"),
            Self::Delete { object } if object.object.kind == "PersistentVolumeClaim" => {
                "it is the one that was seen, and no pod uses it".to_owned()
            }
            Self::Delete { object } if object.object.kind == "Node" => {
                "it is the one that was seen, and not ready".to_owned()
            }
            Self::Delete { .. } | Self::Restart { .. } => "it is the one that was seen".to_owned(),
            Self::Set { .. } => "it is the one that was seen, and nobody has set those fields meanwhile".to_owned(),
            Self::RollBack { .. } => "it is the one that was seen, and still has the newer template".to_owned(),
            Self::Release { .. } => {
                "its deletion was asked for, its policy is Retain, and no pod uses its claim".to_owned()
            }
            Self::Free { .. } => "it is Released, its policy is Retain, and it still names the claim".to_owned(),
            Self::Create { .. } => "nothing has that name".to_owned(),
            Self::Renew { .. } => "it is the one that was seen, and no other pod uses it".to_owned(),
            Self::Etcd { act, .. } => act.gate().to_owned(),
            Self::Tend { act, .. } => act.gate(),
            Self::CopyOut { quiet: true, .. } => {
                "it is the one that was seen, bound, and no pod has it mounted; there is room here".to_owned()
            }
            Self::CopyOut { .. } => "it is the one that was seen, and bound; there is room here".to_owned(),
            Self::CopyIn { over: false, .. } => "its archive is whole, no pod uses it, and it is empty".to_owned(),
            Self::CopyIn { .. } => "its archive is whole, and no pod uses it; what is on it goes".to_owned(),
            Self::Seed(_) => "the snapshot is whole, and no pod uses the claim, which is empty".to_owned(),
            Self::Secrets(secrets) => secrets.gate().to_owned(),
            Self::Seal { .. } => "every part is whole".to_owned(),
            Self::Unreferenced { .. }
            | Self::NodeReady { .. }
            | Self::Bound { .. }
            | Self::Follow { .. }
            | Self::Count { .. }
            | Self::Ask { .. } => "nothing is written".to_owned(),
        }
    }

    /// What is observed when it is done.
    pub fn proof(&self) -> String {
        match self {
            Self::Export { .. } => "every file is read again, and is what was sent".to_owned(),
            Self::Keep { .. } => "the policy reads Retain".to_owned(),
            Self::Scale { to: 0, .. } => "0 replicas wanted, 0 there".to_owned(),
            Self::Scale { to: 1, .. } => "1 replica wanted, and ready".to_owned(),
            Self::Scale { to, .. } => format!("{to} replicas wanted, all ready"),
            Self::Unreferenced { .. } => "no pod of any phase names the claim".to_owned(),
            Self::Delete { .. } | Self::Release { .. } => "this incarnation is gone".to_owned(),
            Self::Free { .. } => "it does not name the old claim any more".to_owned(),
            Self::Create { .. } => "it is there, as sent".to_owned(),
            Self::Renew { .. } => "another claim has its name, and is Bound".to_owned(),
            Self::Etcd { act, .. } => act.proof().to_owned(),
            Self::Tend { object, act } => act.proof(object),
            Self::Bound { .. } => "claim and volume name each other, and both are Bound".to_owned(),
            Self::NodeReady { host, .. } => format!("it is Ready, and its host name is {host}"),
            Self::Set { .. } => "the fields read so".to_owned(),
            Self::RollBack { ready: true, .. } => "all pods are of that template, and ready".to_owned(),
            Self::RollBack { .. } => "it has that template".to_owned(),
            Self::Restart { .. } => "every pod is of the new template, and ready".to_owned(),
            Self::Follow { until, .. } => format!("a line matches /{until}/"),
            Self::Count { at_least: 0, .. } => "a number, or why there is none".to_owned(),
            Self::Count { at_least, .. } => format!("at least {at_least}"),
            Self::CopyOut { .. } => {
                "the archive has its end mark, and each of its files the checksum that it has in the pod".to_owned()
            }
            Self::Seed(_) => "etcd's own program has made it, and the claim says of which snapshot".to_owned(),
            Self::Secrets(secrets) => secrets.proof().to_owned(),
            Self::Seal { .. } => "every file is read again, and has the checksum that its manifest says".to_owned(),
            Self::CopyIn { .. } => "each file has the checksum, rights and owner that it has in the archive".to_owned(),
            Self::Ask { word: Some(word), .. } => format!("`{word}` was typed"),
            Self::Ask { .. } => "the answer was yes".to_owned(),
        }
    }

    /// The kubectl commands that do the same; `None` where there are none. `limit`: how long it may take, seconds; 0: as the run says.
    pub fn kubectl(&self, limit: u64) -> Option<String> {
        let timeout = format!("--timeout={}s", if limit == 0 { USUAL } else { limit });
        Some(match self {
            Self::Keep { volume, quarantine: Some(why) } => format!(
                "kubectl label pv {0} {QUARANTINE}={why} && kubectl patch pv {0} -p '{{\"spec\":{{\"persistentVolumeReclaimPolicy\":\"Retain\"}}}}'",
                volume.object.name
            ),
            Self::Keep { volume, .. } => format!(
                "kubectl patch pv {} -p '{{\"spec\":{{\"persistentVolumeReclaimPolicy\":\"Retain\"}}}}'",
                volume.object.name
            ),
            Self::Scale { workload, to, .. } => format!("kubectl scale {} --replicas={to}", named(&workload.object)),
            Self::Unreferenced { claim } => format!("kubectl get pods{} -o json | grep {}", scope(claim), claim.name),
            Self::Delete { object } => format!("kubectl delete {}", named(&object.object)),
            Self::Release { volume, .. } => format!(
                "kubectl patch pv {} --type merge -p '{{\"metadata\":{{\"finalizers\":null}}}}'",
                volume.object.name
            ),
            Self::Free { volume, .. } => format!(
                "kubectl patch pv {} --type merge -p '{{\"spec\":{{\"claimRef\":{{\"uid\":null,\"resourceVersion\":null}}}}}}'",
                volume.object.name
            ),
            Self::Create { object, .. } => by_hand::create(object),
            Self::Bound { claim, .. } => {
                format!("kubectl wait --for=jsonpath='{{.status.phase}}'=Bound {timeout} {}", named(claim))
            }
            Self::NodeReady { node, .. } => format!("kubectl wait --for=condition=Ready {timeout} node/{node}"),
            Self::Restart { workload, .. } => format!("kubectl rollout restart {}", named(&workload.object)),
            Self::Set { object, fields, .. } => {
                format!("kubectl patch {} --type json -p '{}'", named(&object.object), super::set::plain(fields))
            }
            Self::RollBack { workload, .. } => format!("kubectl rollout undo {}", named(&workload.object)),
            Self::Follow { workload, .. } => format!("kubectl logs -f {}", named(&workload.object)),
            Self::Renew { claim, pod } => {
                format!("kubectl delete{} pvc/{} pod/{}", scope(pod), claim.object.name, pod.name)
            }
            Self::Tend { object, act } => act.kubectl(object, &timeout),
            Self::Etcd { set, act: EtcdAct::Snapshot { file } } => {
                by_hand::snapshot(&set.object, EtcdAct::ANSWERS, file)
            }
            Self::Etcd { set, act } => {
                let exec = format!("kubectl exec{} {} -- etcdctl", scope(&set.object), act.asked());
                act.commands().into_iter().map(|command| format!("{exec} {command}")).collect::<Vec<_>>().join("\n")
            }
            Self::CopyOut { claim, folder, image, .. } => by_hand::copy_out(&claim.object, folder, image.as_deref()),
            Self::CopyIn { claim, folder, image, .. } => by_hand::copy_in(claim, folder, image.as_deref()),
            Self::Seed(seed) => by_hand::seed(seed),
            Self::Count { claim, .. } => by_hand::count(claim),
            Self::Secrets(secrets) => secrets.commands(),
            Self::Export { .. } | Self::Seal { .. } | Self::Ask { .. } => return None,
        })
    }

    /// The fields that it changes.
    pub(super) fn fields(&self) -> Vec<FieldChange> {
        let field =
            |path: &str, now: Option<Value>, wanted: Option<Value>| FieldChange { path: path.to_owned(), now, wanted };
        match self {
            Self::Keep { quarantine, .. } => {
                let policy = field("spec.persistentVolumeReclaimPolicy", None, Some("Retain".into()));
                let label = quarantine
                    .as_ref()
                    .map(|why| field(&format!("metadata.labels[{QUARANTINE}]"), None, Some(why.as_str().into())));
                std::iter::once(policy).chain(label).collect()
            }
            Self::Scale { to: 0, original, .. } => {
                vec![field("spec.replicas", Some((*original).into()), Some(0.into()))]
            }
            Self::Scale { to, .. } => vec![field("spec.replicas", Some(0.into()), Some((*to).into()))],
            Self::Free { claim_uid, .. } => vec![field("spec.claimRef.uid", Some(claim_uid.as_str().into()), None)],
            Self::Restart { at, .. } => {
                let path = format!("spec.template.metadata.annotations[{RESTARTED_AT}]");
                vec![field(&path, None, Some(at.as_str().into()))]
            }
            Self::Set { fields, .. } => fields.iter().map(super::set::Field::shown).collect(),
            Self::RollBack { fields, .. } => fields.clone(),
            Self::CopyIn { folder, .. } => {
                vec![field("(the files on its volume)", None, Some(format!("as in {folder}").into()))]
            }
            _ => Vec::new(),
        }
    }

    /// A name for the step's id, the same in every plan for the same objects.
    pub fn id(&self) -> String {
        let verb = match self {
            Self::Export { .. } => "export",
            Self::Keep { quarantine: None, .. } => "keep",
            Self::Keep { .. } => "quarantine",
            Self::Scale { to: 0, .. } => "stop",
            Self::Scale { .. } => "start",
            Self::Unreferenced { .. } => "unreferenced",
            Self::Delete { .. } => "delete",
            Self::Release { .. } => "release",
            Self::Free { .. } => "free",
            Self::Create { .. } => "create",
            Self::Bound { .. } => "bound",
            Self::NodeReady { .. } => "node-ready",
            Self::Restart { .. } => "restart",
            Self::Set { .. } => "set",
            Self::RollBack { .. } => "roll-back",
            Self::Follow { .. } => "follow",
            Self::Count { .. } => "count",
            Self::Renew { .. } => "renew",
            Self::Tend { act, .. } => act.id(),
            Self::Etcd { set, act } => return format!("{}:{}", act.id(), set.object),
            Self::CopyOut { .. } => "copy-out",
            Self::CopyIn { .. } => "copy-in",
            Self::Seed(_) => "seed",
            Self::Secrets(secrets) => secrets.id(),
            Self::Seal { .. } => "seal",
            Self::Ask { question, .. } => return format!("ask:{question}"),
        };
        self.object().map_or_else(|| verb.to_owned(), |object| format!("{verb}:{object}"))
    }
}

/// The first, and how many more.
fn few(objects: &[Pinned]) -> String {
    let first = objects.first().map_or_else(String::new, |first| first.object.to_string());
    match objects.len() {
        0 | 1 => first,
        many => format!("{first} and {} more", many - 1),
    }
}

fn scope(object: &ObjectRef) -> String {
    object.namespace.as_ref().map_or_else(String::new, |namespace| format!(" -n {namespace}"))
}

pub(super) fn named(object: &ObjectRef) -> String {
    format!("{}/{}{}", object.kind.to_lowercase(), object.name, scope(object))
}

/// The words of one side of a stop: what is there, shown beside what was expected.
pub(super) fn shown(live: Option<&Value>) -> String {
    let Some(live) = live else { return "it is not there".to_owned() };
    let part = |pointer: &str, label: &str| text(live, pointer).map(|value| format!("{label} {value}"));
    let parts = [
        part("/metadata/uid", "uid"),
        part("/status/phase", "phase"),
        part("/metadata/deletionTimestamp", "being deleted since"),
        part("/spec/volumeName", "volume"),
        part("/spec/persistentVolumeReclaimPolicy", "policy"),
        live.pointer("/spec/replicas").map(|replicas| format!("replicas {replicas}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
