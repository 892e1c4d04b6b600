//! Why no plan can be made of a playbook, and what to do about that.

use crate::error::{Class, Explain};
use crate::object::ObjectRef;
use crate::plan::verb::{COPYING_IN, QUARANTINE};

/// No plan can be made.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The claim is of no etcd.
    #[error("{} is of no etcd that is recognised", .0.as_ref().map_or_else(|| "what is named".to_owned(), ToString::to_string))]
    NoEtcd(Option<ObjectRef>),
    /// Nobody tells what the member is.
    #[error("no member of {set} that answers tells who {pod} is")]
    NoMember {
        /// The `StatefulSet`.
        set: ObjectRef,
        /// The pod.
        pod: String,
    },
    /// Nothing says whether members found or join.
    #[error("the template of {0} does not say --initial-cluster-state, nor ETCD_INITIAL_CLUSTER_STATE")]
    NoState(ObjectRef),
    /// A majority may still come back.
    #[error("{set} may have a majority again: {} hold what they had", pods.join(", "))]
    MayComeBack {
        /// The `StatefulSet`.
        set: ObjectRef,
        /// The members that are there, or may come back.
        pods: Vec<String>,
    },
    /// Where a member has its data is not told, or is not on its claim.
    #[error("the template of {0} does not say --data-dir, or its data folder is not on the claim of a member")]
    NoDataFolder(ObjectRef),
    /// Scripts of its own change the members when a pod stops.
    #[error("{0} runs a script when a pod of it stops (lifecycle.preStop), which may take members out by itself")]
    ScriptedEtcd(ObjectRef),
    /// The volume of a claim cannot be made larger.
    #[error("the volume of {0} cannot be made larger: {1}")]
    CannotGrow(ObjectRef, String),
    /// What was asked for is not more than it has.
    #[error("{claim} has {has}, and {} is not more than that", if size.is_empty() { "nothing" } else { size })]
    NotLarger {
        /// The claim.
        claim: Box<ObjectRef>,
        /// What it asks for now.
        has: String,
        /// What was asked for.
        size: String,
    },
    /// The namespace was not told to go.
    #[error("the namespace {0} was not told to go, or is gone")]
    NotStuck(String),
    /// Nothing in the namespace waits for an owner of its own, or an API.
    #[error("the namespace {namespace} waits for nothing that could be taken off: it goes by itself after {}", if left.is_empty() { "its controller has looked again".to_owned() } else { left.join(", ") })]
    GoesByItself {
        /// The namespace.
        namespace: String,
        /// What is still in it.
        left: Vec<String>,
    },
    /// No set makes the claim.
    #[error("{0} is none that a StatefulSet makes for one of its pods")]
    NoSet(ObjectRef),
    /// The claim is neither there nor known.
    #[error("{0} is not there, and nothing that was kept on this machine tells what it was")]
    NoClaim(ObjectRef),
    /// The component has no claim of that role, or more than one.
    #[error("component `{component}` of {namespace} mounts {found} claims{}; the playbook needs one", volume.as_ref().map_or_else(String::new, |volume| format!(" as volume `{volume}`")))]
    NoRole {
        /// The component.
        component: String,
        /// The namespace.
        namespace: String,
        /// The volume of its pods.
        volume: Option<String>,
        /// How many there are.
        found: usize,
    },
    /// A component that is not there.
    #[error("no Deployment or StatefulSet of {namespace} is component `{component}`")]
    NoComponent {
        /// The component.
        component: String,
        /// The namespace.
        namespace: String,
    },
    /// A pod that cannot be stopped by scaling.
    #[error("{pod} uses {claim} and cannot be stopped by scaling: it belongs to {owner}")]
    Unstoppable {
        /// The pod.
        pod: Box<ObjectRef>,
        /// The claim.
        claim: Box<ObjectRef>,
        /// Its owner.
        owner: String,
    },
    /// The volume is gone, and nothing tells where its bytes are.
    #[error("{volume} is gone: no export and no record on this machine has it, and it cannot be rebuilt: {why}")]
    NoManifest {
        /// The volume.
        volume: ObjectRef,
        /// Why not.
        why: String,
    },
    /// Claim and volume are as they should be.
    #[error("{0} is bound to its volume; there is nothing to bind back")]
    NothingLost(ObjectRef),
    /// The claim waits for no volume.
    #[error("{0} does not wait for a volume: it is {1}")]
    NothingWaits(ObjectRef, String),
    /// No volume of the claims is attached to a node that is away.
    #[error("no volume of {0} is attached to a node that is not there, or not ready")]
    NotAttached(String),
    /// The claim's volume lies on no node of its own.
    #[error("the volume of {0} is not tied to a node, or is not there")]
    NoNode(String),
    /// The node is there and well, or is gone already.
    #[error("node {0} is {1}: there is nothing to take away")]
    NoDeadNode(String, &'static str),
    /// Nobody is known who would take the bytes away.
    #[error("{0} was made by hand: nobody erases what is on it")]
    NobodyErases(String),
    /// The node on which a volume lies is away.
    #[error("{0} lies on {1}, which is not there, or not ready: nobody can erase it")]
    OutOfReach(String, String),
    /// Which volume is to be erased is not said.
    #[error("{}", if volumes.is_empty() { format!("no volume that was let go was of {claim}") } else { format!("which volume of {claim} is to be erased? {}: {}", if volumes.len() == 1 { "1 was let go".to_owned() } else { format!("{} were let go", volumes.len()) }, volumes.join(", ")) })]
    WhichVolume {
        /// The claim.
        claim: ObjectRef,
        /// Every volume of it that was let go.
        volumes: Vec<String>,
    },
    /// Nothing is copied, and so nothing is moved.
    #[error("nothing of {0} can be moved: {1}")]
    NothingToMove(ObjectRef, String),
    /// A node that was named is not there.
    #[error("there is no node {0}")]
    NoSuchNode(String),
    /// There is no node to move to.
    #[error("there is no node to move to: beside {nodes} none takes pods, has room and is one that its pods may go to")]
    NowhereElse {
        /// Where they lie.
        nodes: String,
        /// The stack and the namespace of which there can be a backup.
        save: Option<(String, String)>,
    },
    /// The namespace of the claims was told to go.
    #[error("namespace {0} was told to go: nothing can be made in it")]
    NamespaceGoes(String),
    /// What the claim held is being copied onto its volume by a run that has not come to its end.
    #[error(
        "what {0} held was copied out, and is not all on its new volume yet: a recovery that moves it has not come to its end"
    )]
    HalfCopied(ObjectRef),
    /// Something that has to be known before a claim is taken from its pods could not be read.
    #[error("{kind} could not be read, and without that nothing is taken from its pods: {why}")]
    Unread {
        /// What.
        kind: String,
        /// Why.
        why: String,
    },
    /// No released volume names the claim.
    #[error("no volume that was let go names {0}")]
    NoVolume(ObjectRef),
    /// More than one volume was let go by a claim of this name.
    #[error("{} volumes were let go by {claim}: {}", volumes.len(), volumes.join(", "))]
    ManyVolumes {
        /// The claim.
        claim: ObjectRef,
        /// The volumes.
        volumes: Vec<String>,
    },
}

impl Explain for CompileError {
    fn id(&self) -> &'static str {
        match self {
            Self::NoEtcd(_) => "no-etcd",
            Self::NoMember { .. } => "no-etcd-member",
            Self::NoState(_) => "no-initial-cluster-state",
            Self::MayComeBack { .. } => "may-come-back",
            Self::NoDataFolder(_) => "no-data-folder",
            Self::ScriptedEtcd(_) => "scripted-etcd",
            Self::NoSet(_) => "no-set",
            Self::CannotGrow(..) => "cannot-grow",
            Self::NotLarger { .. } => "not-larger",
            Self::NotStuck(_) => "not-stuck",
            Self::GoesByItself { .. } => "goes-by-itself",
            Self::NoClaim(_) => "no-claim",
            Self::NoRole { .. } => "no-claim-of-role",
            Self::NoComponent { .. } => "no-component",
            Self::Unstoppable { .. } => "unstoppable-pod",
            Self::NoManifest { .. } => "no-volume-manifest",
            Self::NothingLost(_) => "nothing-lost",
            Self::NotAttached(_) => "not-attached",
            Self::NothingWaits(..) => "nothing-waits",
            Self::NoNode(_) => "no-node",
            Self::NoDeadNode(..) => "no-dead-node",
            Self::NobodyErases(_) => "nobody-erases",
            Self::OutOfReach(..) => "node-out-of-reach",
            Self::WhichVolume { .. } => "which-volume",
            Self::NothingToMove(..) => "nothing-to-move",
            Self::NoSuchNode(_) => "no-such-node",
            Self::NowhereElse { .. } => "nowhere-else",
            Self::NamespaceGoes(_) => "namespace-goes",
            Self::HalfCopied(_) => "half-copied",
            Self::Unread { .. } => "unread",
            Self::NoVolume(_) => "no-released-volume",
            Self::ManyVolumes { .. } => "many-released-volumes",
        }
    }

    fn class(&self) -> Class {
        Class::Input
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoEtcd(_)
            | Self::NoMember { .. }
            | Self::NoState(_)
            | Self::MayComeBack { .. }
            | Self::NoDataFolder(_)
            | Self::ScriptedEtcd(_) => return self.etcd_hint(),
            Self::NoClaim(claim) | Self::NoVolume(claim) => {
                let namespace = claim.namespace.as_deref().unwrap_or_default();
                format!(
                    "`seaworthy recover -n {namespace}` shows what is lost there, `kubectl get pv,pvc -n {namespace}` which volumes and claims there are"
                )
            }
            Self::CannotGrow(..) => {
                "`seaworthy recover move` copies what is on it to another volume; a larger claim is made with a backup and `restore`".to_owned()
            }
            Self::NotLarger { .. } => "name a larger size: --set size=20Gi".to_owned(),
            Self::NotStuck(_) => {
                "`seaworthy recover` without a name shows every namespace that does not go; `seaworthy uninstall` tells one to go"
                    .to_owned()
            }
            Self::GoesByItself { namespace, .. } => format!(
                "see what keeps them: `seaworthy doctor -n {namespace}`; pods of a machine that is off for good go with `seaworthy recover node-off`"
            ),
            Self::NoSet(_) => "`seaworthy recover replace` puts a fresh volume in the place of any claim's".to_owned(),
            Self::NoRole { .. } | Self::NoComponent { .. } => {
                "name the claim with --claim NAMESPACE/NAME, and the namespace of the stack with --namespace".to_owned()
            }
            Self::Unstoppable { pod, .. } => format!(
                "stop it by hand (kubectl delete -n {} pod/{}, or suspend its owner), then run the same command again",
                pod.namespace.as_deref().unwrap_or_default(),
                pod.name
            ),
            Self::NoManifest { .. } => {
                "if you have its manifest, make it again with `kubectl create` and the claim's uid in spec.claimRef"
                    .to_owned()
            }
            Self::NoNode(_) | Self::NoDeadNode(..) => {
                "`seaworthy recover` without a name shows what is lost, and proposes what fits".to_owned()
            }
            Self::NobodyErases(name) => format!(
                "keep it, delete what is on it where it lies (`kubectl get pv {name} -o yaml` shows where), then `kubectl delete pv {name}`"
            ),
            Self::OutOfReach(..) => {
                "bring the node back first; if its disk is gone for good, `kubectl delete pv NAME` takes the object away"
                    .to_owned()
            }
            Self::WhichVolume { volumes, .. } => match volumes.first() {
                Some(volume) => format!("name it: --set volume={volume}"),
                None => "`kubectl get pv` shows every volume and the claim that it was of; name that with --claim".to_owned(),
            },
            Self::NothingToMove(..) => {
                "`seaworthy recover replace` puts a fresh, empty volume in its place; the old one is kept aside".to_owned()
            }
            Self::NoSuchNode(_) => "`kubectl get nodes` shows which there are; without the setting one is chosen".to_owned(),
            Self::NowhereElse { save: None, .. } => "mend the disk, or add a node".to_owned(),
            Self::NowhereElse { save: Some((stack, namespace)), .. } => format!(
                "`seaworthy backup {stack} -n {namespace}` saves what can be read; then mend the disk, or add a node"
            ),
            Self::NamespaceGoes(name) => format!(
                "`seaworthy hold -n {name}` keeps its volumes, `seaworthy recover finish -n {name}` lets it go; what is installed anew then gets them back with `seaworthy recover`"
            ),
            Self::HalfCopied(claim) => format!(
                "on the machine where it was begun `seaworthy runs resume` goes on with it; without that machine what it held is on the volume that was put aside (kubectl get pv -l {QUARANTINE}), and after `kubectl annotate pvc {} -n {} {COPYING_IN}-` the claim can be recovered as it is",
                claim.name,
                claim.namespace.as_deref().unwrap_or_default()
            ),
            Self::Unread { kind, .. } => format!(
                "the same again when it can be read; `kubectl auth can-i list {}` says whether you may",
                kind.to_lowercase() + "s"
            ),
            Self::NothingLost(_) | Self::NothingWaits(..) | Self::NotAttached(_) => {
                "`seaworthy recover` without a name shows what is lost".to_owned()
            }
            Self::ManyVolumes { .. } => {
                "label those that are not wanted: kubectl label pv NAME seaworthy.dev/quarantine=unwanted".to_owned()
            }
        })
    }
}

impl CompileError {
    /// What to do about those that are about an etcd.
    fn etcd_hint(&self) -> Option<String> {
        Some(match self {
            Self::NoEtcd(_) => "name the claim of one of its members with --claim NAMESPACE/NAME".to_owned(),
            Self::NoMember { set, .. } => format!(
                "a member is replaced while a majority of the others serves: kubectl get pods -n {}",
                set.namespace.as_deref().unwrap_or_default()
            ),
            Self::NoState(set) => format!(
                "add --initial-cluster-state=new to its arguments with updateStrategy OnDelete: kubectl edit -n {} statefulset/{}",
                set.namespace.as_deref().unwrap_or_default(),
                set.name
            ),
            Self::MayComeBack { set, .. } => format!(
                "bring them back, nothing is lost then: kubectl get pods -n {} -o wide shows what keeps them; a machine that never comes \
                 back is taken away with `seaworthy recover node-off`",
                set.namespace.as_deref().unwrap_or_default()
            ),
            Self::NoDataFolder(set) => format!(
                "restore it by hand, with `etcdutl snapshot restore` in a pod that has the claim: kubectl get -n {} statefulset/{} -o yaml shows where",
                set.namespace.as_deref().unwrap_or_default(),
                set.name
            ),
            Self::ScriptedEtcd(_) => {
                "follow the guide of its chart; such scripts add and remove members themselves when a pod is deleted"
                    .to_owned()
            }
            _ => return None,
        })
    }
}
