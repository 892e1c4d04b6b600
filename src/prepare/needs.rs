//! Whether a cluster has what a profile says that it needs. It only warns: what is short may come (nodes that are being
//! added), and nobody knows a cluster better than its owner.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::room::standings;
use super::sharing::Shares;
use crate::cluster::{Cluster, Resources};
use crate::object::{ObjectRef, items, text};
use crate::plan::{Change, Plan, Step};
use crate::prerequisites::{self, Picture};
use crate::snapshot::collect::{Query, Scope, collect};
use crate::snapshot::nodes::takes_pods;
use crate::snapshot::{Snapshot, classes};
use crate::stack::definition::Needs;
use crate::stack::quantity::{self, Nano};

/// What the prerequisites are judged by, where a plan that makes something new needs one of them, shares volumes, or asks for addresses.
///
/// # Errors
/// When the API server is gone.
pub async fn picture(
    cluster: &Cluster,
    plan: &Plan,
    needs: &Needs,
    shares: &Shares,
) -> Result<Option<Picture>, kube::Error> {
    let asks = |object: &Value| object["kind"] == "Service" && object["spec"]["type"] == "LoadBalancer";
    let matters = !needs.prerequisites.is_empty() || !shares.claims.is_empty() || plan.objects().any(asks);
    let makes = plan.summary().create > 0 || plan.steps.iter().any(becomes_balanced);
    if makes && matters { prerequisites::look(cluster).await.map(Some) } else { Ok(None) }
}

/// Whether a Service that is there is changed to one that asks for an address.
fn becomes_balanced(step: &Step) -> bool {
    let Change::Update { fields, .. } = &step.change else { return false };
    fields.iter().any(|field| field.path == "spec.type" && field.wanted == Some("LoadBalancer".into()))
}

/// What of its needs a cluster does not have, a sentence each: what is needed, and what is there. Without a picture a read for the
/// nodes and one for the storage classes, where there is something to compare with them; none when the plan makes nothing new.
///
/// # Errors
/// When the API server is gone.
pub async fn shortfalls(
    cluster: &Cluster,
    plan: &Plan,
    needs: &Needs,
    picture: Option<&Picture>,
) -> Result<Vec<String>, kube::Error> {
    if plan.summary().create == 0 {
        return Ok(Vec::new());
    }
    if let Some(picture) = picture {
        // Nodes and classes are among what the prerequisites are judged by.
        let mut short = judge(plan, needs, &picture.snapshot);
        short.extend(missing_prerequisites(picture, plan, needs));
        return Ok(short);
    }
    let has_claims = plan.objects().any(|object| claims(object).next().is_some());
    let asked = [(is_sized(needs), NODES), (has_claims, CLASSES)];
    let around = look(cluster, asked.into_iter().filter_map(|(is_asked, kind)| is_asked.then_some(kind))).await?;
    Ok(judge(plan, needs, &around))
}

/// The prerequisites that the profile needs and nobody can count on, each with what to type.
fn missing_prerequisites(picture: &Picture, plan: &Plan, needs: &Needs) -> Vec<String> {
    let standings = standings(picture);
    let missing = needs.prerequisites.iter().filter_map(|name| match standings.get(name) {
        Some((Some(false), why)) => {
            let profile = &plan.installation.profile;
            Some(format!("profile {profile} needs {name}: {why}; `seaworthy prerequisites install {name}` installs it"))
        }
        _ => None,
    });
    missing.collect()
}

/// Whether the nodes have to be looked at: a cluster with less than one of them is no cluster.
fn is_sized(needs: &Needs) -> bool {
    needs.nodes > 1 || !needs.cpu.is_empty() || !needs.memory.is_empty()
}

const NODES: (&str, &str) = ("v1", "Node");
const CLASSES: (&str, &str) = ("storage.k8s.io/v1", "StorageClass");

async fn look(
    cluster: &Cluster,
    kinds: impl Iterator<Item = (&'static str, &'static str)>,
) -> Result<Snapshot, kube::Error> {
    let resources = Resources::default();
    let query = |(api_version, kind)| {
        let resource = resources.of(&ObjectRef::new(api_version, kind, None, ""))?;
        Some(Query { resource, namespace: None, scope: Scope::All })
    };
    collect(&cluster.client, kinds.filter_map(query).collect()).await
}

fn judge(plan: &Plan, needs: &Needs, around: &Snapshot) -> Vec<String> {
    let readable = |kind: &str| !around.is_unread(kind);
    let profile = &plan.installation.profile;
    let mut found = Vec::new();
    if readable("Node") && is_sized(needs) {
        found.extend(nodes(needs, around));
    }
    if readable("StorageClass") && needs.storage_class && !has_default_class(around) {
        let claims: Vec<String> = plan.objects().flat_map(claims_without_class).collect();
        if !claims.is_empty() {
            let names = claims.join(", ");
            found.push(format!("a default StorageClass, for {names}; no class is marked as the default"));
        }
    }
    if readable("StorageClass") {
        found.extend(missing_classes(plan, around));
    }
    found.into_iter().map(|short| format!("profile {profile} needs {short}")).collect()
}

fn nodes(needs: &Needs, around: &Snapshot) -> Vec<String> {
    let all: Vec<&Value> = around.of_kind("", "Node").collect();
    let usable: Vec<&Value> = all.iter().copied().filter(|node| takes_pods(node)).collect();
    let mut found = Vec::new();
    if usable.len() < needs.nodes as usize {
        let (wanted, there, all) = (needs.nodes, usable.len(), all.len());
        found.push(format!("{wanted} schedulable nodes; there are {there} of {all}"));
    }
    for (name, title, wanted) in [("cpu", "CPU", &needs.cpu), ("memory", "memory", &needs.memory)] {
        let there = usable.iter().map(|node| allocatable(node, name)).sum::<Nano>();
        if quantity::parse(wanted).is_some_and(|wanted| there < wanted) {
            found.push(format!("{wanted} {title}; all nodes together have {}", shown(there, wanted)));
        }
    }
    found
}

pub(super) fn allocatable(node: &Value, resource: &str) -> Nano {
    text(node, &format!("/status/allocatable/{resource}")).and_then(quantity::parse).unwrap_or(0)
}

/// Units of quantities; the empty one is at the end of every text.
const UNITS: [(&str, Nano); 5] =
    [("Ti", ONE << 40), ("Gi", ONE << 30), ("Mi", ONE << 20), ("m", ONE / 1000), ("", ONE)];
const ONE: Nano = 1_000_000_000;

/// In the unit of another quantity, so that both can be compared; rounded down.
pub(super) fn shown(amount: Nano, like: &str) -> String {
    let (unit, one) = UNITS.into_iter().find(|(unit, _)| like.ends_with(unit)).unwrap_or(("", ONE));
    match (amount / one, amount * 10 / one % 10) {
        (whole, 0) => format!("{whole}{unit}"),
        (whole, tenth) => format!("{whole}.{tenth}{unit}"),
    }
}

fn has_default_class(around: &Snapshot) -> bool {
    default_class(around).is_some()
}

/// The class that claims without one get.
pub(super) fn default_class(around: &Snapshot) -> Option<&Value> {
    around.of_kind("storage.k8s.io", "StorageClass").find(|class| classes::is_default(class))
}

/// The claims of an object that leave the choice of the class to the cluster.
fn claims_without_class(object: &Value) -> Vec<String> {
    let open = |claim: &&Value| claim.pointer("/spec/storageClassName").is_none_or(Value::is_null);
    claims(object).filter(|(_, claim)| open(claim)).map(|(name, _)| name).collect()
}

/// The claims of an object, and of the pods that it makes, each with the object's name.
pub(super) fn claims(object: &Value) -> impl Iterator<Item = (String, &Value)> {
    let reference = ObjectRef::of(object);
    let is_claim = reference.as_ref().is_some_and(|reference| reference.kind == "PersistentVolumeClaim");
    let name = reference.map(|reference| reference.short()).unwrap_or_default();
    let own = is_claim.then_some(object);
    own.into_iter().chain(items(object, "/spec/volumeClaimTemplates")).map(move |claim| (name.clone(), claim))
}

/// The classes that claims name and the cluster does not have. A claim that names its volume too needs none, and neither
/// does one with an empty name, or one whose class is only the word by which it and a volume of the plan find each other.
fn missing_classes(plan: &Plan, around: &Snapshot) -> Vec<String> {
    let there: BTreeSet<&str> =
        around.of_kind("storage.k8s.io", "StorageClass").filter_map(|class| text(class, "/metadata/name")).collect();
    let volumes = plan.objects().filter(|object| object["kind"] == "PersistentVolume");
    let words: BTreeSet<&str> = volumes.filter_map(|volume| text(volume, "/spec/storageClassName")).collect();
    let unknown = |class: &&str| !class.is_empty() && !there.contains(class) && !words.contains(class);
    let mut missing: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, claim) in plan.objects().flat_map(claims) {
        let class = text(claim, "/spec/storageClassName").filter(unknown);
        if let Some(class) = class.filter(|_| claim.pointer("/spec/volumeName").is_none()) {
            missing.entry(class).or_default().push(name);
        }
    }
    let known = if there.is_empty() { "none".to_owned() } else { there.into_iter().collect::<Vec<_>>().join(", ") };
    let said = |(class, names): (&str, Vec<String>)| {
        format!("the storage class {class}, for {}; there is {known}", names.join(", "))
    };
    missing.into_iter().map(said).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ClusterId;
    use crate::plan::{Action, Change, Installation, Purpose, Step};
    use serde_json::json;

    fn plan(object: Value) -> Plan {
        let own = |text: &str| text.to_owned();
        let installation = Installation {
            stack: own("shop"),
            version: own("1"),
            namespace: own("sea"),
            release: own("shop"),
            profile: own("ha"),
        };
        let (needs, action) = (Vec::new(), Action::Apply { object });
        let step = Step { id: own("a"), title: own("a"), component: None, needs, action, change: Change::Create };
        let cluster = ClusterId { context: own("c"), server: own("s"), uid: own("u") };
        Plan { purpose: Purpose::Install, installation, cluster, steps: vec![step], reach: Vec::new(), occasion: None }
    }

    fn claim(class: &Value) -> Value {
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "sea"},
            "spec": {"storageClassName": class}})
    }

    fn node(name: &str, spec: &Value, ready: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": spec,
            "status": {"allocatable": {"cpu": "1500m", "memory": "2Gi"}, "conditions": [{"type": "Ready", "status": ready}]}})
    }

    fn class(default: &str) -> Value {
        json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
            "metadata": {"name": "c", "annotations": {classes::DEFAULT_MARKS[0]: default}}})
    }

    fn needs() -> Needs {
        let (cpu, memory) = ("2".to_owned(), "4Gi".to_owned());
        Needs { nodes: 2, cpu, memory, storage_class: true, ..Needs::default() }
    }

    fn judged(around: impl IntoIterator<Item = Value>, class: &Value) -> Vec<String> {
        let mut snapshot = Snapshot::default();
        around.into_iter().for_each(|object| snapshot.insert(object));
        judge(&plan(claim(class)), &needs(), &snapshot)
    }

    #[test]
    fn what_is_enough_is_not_spoken_of() {
        let soft = json!({"taints": [{"key": "a", "effect": "PreferNoSchedule"}]});
        let around = [node("a", &json!({}), "True"), node("b", &soft, "True"), class("true")];
        assert_eq!(judged(around, &Value::Null), [""; 0]);
    }

    #[test]
    fn what_is_short_is_named_with_what_is_there() {
        let tainted = json!({"taints": [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]});
        let cordoned = json!({"unschedulable": true});
        let around = [
            node("a", &json!({}), "True"),
            node("b", &tainted, "True"),
            node("c", &cordoned, "True"),
            node("d", &json!({}), "Unknown"),
            class("false"),
        ];
        let said = judged(around.clone(), &Value::Null);
        assert_eq!(
            said,
            [
                "profile ha needs 2 schedulable nodes; there are 1 of 4",
                "profile ha needs 2 CPU; all nodes together have 1.5",
                "profile ha needs 4Gi memory; all nodes together have 2Gi",
                "profile ha needs a default StorageClass, for PersistentVolumeClaim/data; no class is marked as the default",
            ]
        );
        assert_eq!(judged(around, &json!("c")).len(), 3, "a claim that names its class needs no default");
    }

    #[test]
    fn a_class_that_a_claim_names_has_to_be_there() {
        let nodes = || ["a", "b"].map(|name| node(name, &json!({}), "True"));
        let around = || nodes().into_iter().chain([class("false")]);
        let short = "profile ha needs the storage class fast, for PersistentVolumeClaim/data; there is";
        assert_eq!(judged(around(), &json!("fast")), [format!("{short} c")]);
        assert_eq!(judged(nodes(), &json!("fast")), [format!("{short} none")]);
        assert_eq!(judged(around(), &json!("")), [""; 0], "a volume made by hand");
        let set = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "namespace": "sea"},
            "spec": {"volumeClaimTemplates": [claim(&json!("fast")), claim(&json!("c"))]}});
        let mut snapshot = Snapshot::default();
        around().for_each(|object| snapshot.insert(object));
        assert_eq!(
            judge(&plan(set), &needs(), &snapshot),
            ["profile ha needs the storage class fast, for StatefulSet/db; there is c"]
        );
        let mut bound = claim(&json!("fast"));
        bound["spec"]["volumeName"] = json!("made-by-hand");
        assert_eq!(judge(&plan(bound), &needs(), &snapshot), [""; 0]);
        let mut both = plan(claim(&json!("manual")));
        let volume = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "v"}, "spec": {"storageClassName": "manual"}});
        both.steps.extend(plan(volume).steps);
        assert_eq!(judge(&both, &needs(), &snapshot), [""; 0], "the plan brings the volume");
    }

    #[test]
    fn what_may_not_be_read_is_not_judged() {
        let unread = |kind: &str| crate::snapshot::Unread { kind: kind.into(), namespace: None, why: "no".into() };
        let mut snapshot = Snapshot::default();
        snapshot.unread.extend([unread("Node"), unread("StorageClass")]);
        assert_eq!(judge(&plan(claim(&Value::Null)), &needs(), &snapshot), [""; 0]);
    }
}
