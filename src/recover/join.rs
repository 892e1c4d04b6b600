//! Who uses which claim, and where its data lies: pods, workloads, claims, volumes and nodes joined by what they name, never by
//! labels or by the look of a name.

use serde_json::Value;

use crate::object::{ObjectRef, has_ended, items, number, text};
use crate::plan::verb::{ORIGINAL_REPLICAS, Pinned, holders};
use crate::snapshot::Snapshot;
use crate::snapshot::storage::wants;

/// The kinds whose number of replicas can be set.
pub const SCALABLE: [&str; 3] = ["Deployment", "StatefulSet", "ReplicaSet"];

/// A workload that uses a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// Which.
    pub pinned: Pinned,
    /// The label `app.kubernetes.io/component`, its own or its pods'.
    pub component: Option<String>,
    /// The replicas it has, or is known to have had before it was stopped.
    pub replicas: i64,
    /// How long its pods may take to end, seconds.
    pub grace: u64,
}

/// A reference to a claim.
pub fn claim_ref(namespace: &str, name: &str) -> ObjectRef {
    ObjectRef::new("v1", "PersistentVolumeClaim", Some(namespace), name)
}

/// A reference to a volume.
pub fn volume_ref(name: &str) -> ObjectRef {
    ObjectRef::new("v1", "PersistentVolume", None, name)
}

/// The claim that a volume names, whether it is there or not.
pub fn claim_of(volume: &Value) -> Option<ObjectRef> {
    Some(claim_ref(text(volume, "/spec/claimRef/namespace")?, text(volume, "/spec/claimRef/name")?))
}

/// Every volume that a claim of a namespace has, or had.
pub fn volumes_of<'a>(snapshot: &'a Snapshot, namespace: &'a str) -> impl Iterator<Item = &'a Value> {
    let of_it = move |volume: &&Value| text(volume, "/spec/claimRef/namespace") == Some(namespace);
    snapshot.of_kind("", "PersistentVolume").filter(of_it)
}

/// Every workload that uses a claim: those whose pods name it, and those whose template does, also when they have no pods.
pub fn workloads(snapshot: &Snapshot, claim: &ObjectRef) -> Vec<Workload> {
    let mut found: Vec<Workload> = Vec::new();
    let by_pods = holders(snapshot, claim).filter_map(|pod| top_owner(snapshot, pod));
    let by_template = snapshot.objects().filter(|object| wants(object, claim)).map(|object| top(snapshot, object));
    for workload in by_pods.chain(by_template).filter_map(workload) {
        if !found.iter().any(|known| known.pinned == workload.pinned) {
            found.push(workload);
        }
    }
    found.sort_by(|a, b| a.pinned.object.cmp(&b.pinned.object));
    found
}

/// The workloads of a component in a namespace.
pub fn of_component(snapshot: &Snapshot, namespace: &str, component: &str) -> Vec<Workload> {
    let kinds = ["Deployment", "StatefulSet"].into_iter().flat_map(|kind| snapshot.of_kind("apps", kind));
    let here = kinds.filter(|object| text(object, "/metadata/namespace") == Some(namespace));
    here.filter_map(workload).filter(|workload| workload.component.as_deref() == Some(component)).collect()
}

/// What a workload is for recovery.
pub fn workload(object: &Value) -> Option<Workload> {
    let label = "app.kubernetes.io/component";
    let own = object["metadata"]["labels"][label].as_str();
    let component = own.or_else(|| object["spec"]["template"]["metadata"]["labels"][label].as_str());
    let remembered = object["metadata"]["annotations"][ORIGINAL_REPLICAS].as_str().and_then(|text| text.parse().ok());
    let grace = number(object, "/spec/template/spec/terminationGracePeriodSeconds").unwrap_or(30);
    Some(Workload {
        pinned: Pinned::of(object)?,
        component: component.map(str::to_owned),
        replicas: remembered.or_else(|| number(object, "/spec/replicas")).unwrap_or(1),
        grace: u64::try_from(grace).unwrap_or(30),
    })
}

/// The workload that a pod belongs to in the end.
pub fn top_owner<'a>(snapshot: &'a Snapshot, pod: &'a Value) -> Option<&'a Value> {
    owner(snapshot, pod).map(|owner| top(snapshot, owner))
}

/// The volume that a claim names, when both are there.
pub fn volume_of<'a>(snapshot: &'a Snapshot, claim: &ObjectRef) -> Option<&'a Value> {
    snapshot.get(&volume_ref(text(snapshot.get(claim)?, "/spec/volumeName")?))
}

/// The host name to which the volume of a claim is tied, known from the volume: the claim itself may be gone.
pub fn host_of<'a>(snapshot: &'a Snapshot, claim: &ObjectRef) -> Option<&'a str> {
    let volume = snapshot.of_kind("", "PersistentVolume").find(|volume| claim_of(volume).as_ref() == Some(claim))?;
    hosts(volume).first().copied()
}

fn top<'a>(snapshot: &'a Snapshot, object: &'a Value) -> &'a Value {
    owner(snapshot, object).unwrap_or(object)
}

fn owner<'a>(snapshot: &'a Snapshot, object: &'a Value) -> Option<&'a Value> {
    let controller = items(object, "/metadata/ownerReferences").find(|owner| owner["controller"] == true)?;
    let (api_version, kind) = (text(controller, "/apiVersion")?, text(controller, "/kind")?);
    let namespace = text(object, "/metadata/namespace");
    let owner = snapshot.get(&ObjectRef::new(api_version, kind, namespace, text(controller, "/name")?))?;
    (owner["metadata"]["uid"] == controller["uid"]).then_some(owner)
}

/// Whether a pod may have the volume mounted: it was given a node, and has not ended.
pub fn is_on_a_node(pod: &Value) -> bool {
    text(pod, "/spec/nodeName").is_some_and(|node| !node.is_empty()) && !has_ended(pod)
}

/// The host names that a volume is tied to (`spec.nodeAffinity` on `kubernetes.io/hostname`); none: it is not tied to a node.
pub fn hosts(volume: &Value) -> Vec<&str> {
    items(volume, "/spec/nodeAffinity/required/nodeSelectorTerms")
        .flat_map(|term| items(term, "/matchExpressions"))
        .filter(|expression| expression["key"] == "kubernetes.io/hostname" && expression["operator"] == "In")
        .flat_map(|expression| items(expression, "/values"))
        .filter_map(Value::as_str)
        .collect()
}

/// The node with this host name.
pub fn node_of_host<'a>(snapshot: &'a Snapshot, host: &str) -> Option<&'a Value> {
    snapshot.of_kind("", "Node").find(|node| node["metadata"]["labels"]["kubernetes.io/hostname"] == host)
}

/// Where a volume's bytes are, for people: `/opt/x on node-1`.
pub fn place_of(volume: &Value) -> String {
    let path = text(volume, "/spec/hostPath/path").or_else(|| text(volume, "/spec/local/path"));
    let nfs = || {
        text(volume, "/spec/nfs/path")
            .map(|path| format!("{path} of {}", text(volume, "/spec/nfs/server").unwrap_or("?")))
    };
    let driver = || text(volume, "/spec/csi/driver").map(|driver| format!("driver {driver}"));
    let place =
        path.map(str::to_owned).or_else(nfs).or_else(driver).unwrap_or_else(|| "a place that is not known".to_owned());
    match hosts(volume).as_slice() {
        [] => place,
        hosts => format!("{place} on {}", hosts.join(", ")),
    }
}
