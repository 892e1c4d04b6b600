//! What the controllers of storage and workloads do, as measured on real clusters: provisioning, binding, protection, reclaiming,
//! and pods of Deployments. A disk is a path with contents: what a policy of Delete erases is gone for good.

use seaworthy::object::{items, number, text};
use serde_json::{Value, json};

use super::address::Address;
use super::store::Store;

/// Lets every controller act until none has anything to do.
pub(super) fn settle(store: &mut Store) {
    for _ in 0..50 {
        let before = store.version;
        finish_deletions(store);
        pods(store);
        bind(store);
        release(store);
        report(store);
        if store.version == before {
            return;
        }
    }
    panic!("the controllers do not come to rest");
}

fn all(store: &Store, plural: &str) -> Vec<(Address, Value)> {
    store
        .objects
        .iter()
        .filter(|(place, _)| place.plural == plural)
        .map(|(place, object)| (place.clone(), object.clone()))
        .collect()
}

fn is_going(object: &Value) -> bool {
    text(object, "/metadata/deletionTimestamp").is_some()
}

fn volume(name: &str) -> Address {
    Address::new("v1", "persistentvolumes", None, name)
}

fn is_used(store: &Store, claim: &Value) -> bool {
    let names = |volume: &Value| volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"];
    let mut pods = store.objects.iter().filter(|(place, _)| place.plural == "pods");
    pods.any(|(place, pod)| {
        place.namespace.as_deref() == text(claim, "/metadata/namespace") && items(pod, "/spec/volumes").any(names)
    })
}

/// `pvc-protection` holds a claim while a pod names it, `pv-protection` a volume while it is bound.
fn finish_deletions(store: &mut Store) {
    for (place, claim) in all(store, "persistentvolumeclaims") {
        if is_going(&claim) && !is_used(store, &claim) {
            store.remove(&place);
        }
    }
    for (place, volume) in all(store, "persistentvolumes") {
        let free = items(&volume, "/metadata/finalizers").next().is_none();
        if is_going(&volume) && (free || volume["status"]["phase"] != "Bound") {
            store.remove(&place);
        }
    }
    for (place, pod) in all(store, "pods") {
        if is_going(&pod) {
            store.remove(&place);
        }
    }
}

/// As many pods as a Deployment wants, of its present template.
fn pods(store: &mut Store) {
    for (place, deployment) in all(store, "deployments") {
        let uid = &deployment["metadata"]["uid"];
        let template = &deployment["spec"]["template"];
        let mine: Vec<(Address, Value)> = all(store, "pods")
            .into_iter()
            .filter(|(_, pod)| pod["metadata"]["ownerReferences"][0]["uid"] == *uid)
            .collect();
        let (fresh, old): (Vec<_>, Vec<_>) = mine
            .into_iter()
            .partition(|(_, pod)| pod["metadata"]["annotations"] == template["metadata"]["annotations"]);
        for (place, _) in &old {
            store.remove(place);
        }
        let wanted = usize::try_from(number(&deployment, "/spec/replicas").unwrap_or(1)).unwrap();
        for (place, _) in fresh.iter().skip(wanted) {
            store.remove(place);
        }
        for _ in fresh.len()..wanted {
            let name = format!("{}-{}", deployment["metadata"]["name"].as_str().unwrap(), store.version);
            let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": place.namespace,
                "annotations": template["metadata"]["annotations"], "labels": template["metadata"]["labels"],
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "controller": true, "uid": uid,
                    "name": deployment["metadata"]["name"]}]},
                "spec": template["spec"], "status": {"phase": "Pending"}});
            store.put(&Address::new("v1", "pods", place.namespace.as_deref(), &name), pod);
        }
    }
}

/// Whether a volume may be bound to a claim: it names no claim, or this one; a uid in it must be this one's.
fn fits(volume: &Value, claim: &Value) -> bool {
    let reference = &volume["spec"]["claimRef"];
    let uid = reference["uid"].as_str();
    let named =
        reference["name"] == claim["metadata"]["name"] && reference["namespace"] == claim["metadata"]["namespace"];
    reference.is_null() || (named && uid.is_none_or(|uid| claim["metadata"]["uid"] == uid))
}

fn bind(store: &mut Store) {
    for (place, mut claim) in all(store, "persistentvolumeclaims") {
        let volumes = all(store, "persistentvolumes");
        let found = match text(&claim, "/spec/volumeName") {
            Some(name) => volumes.into_iter().find(|(place, _)| place.name.as_deref() == Some(name)),
            None => {
                volumes.into_iter().find(|(_, volume)| !volume["spec"]["claimRef"].is_null() && fits(volume, &claim))
            }
        };
        let was_bound = claim["metadata"]["annotations"]["pv.kubernetes.io/bind-completed"] == "yes";
        match found {
            Some((at, mut volume)) if fits(&volume, &claim) => {
                let metadata = &claim["metadata"];
                volume["spec"]["claimRef"] = json!({"kind": "PersistentVolumeClaim", "apiVersion": "v1", "name": metadata["name"],
                    "namespace": metadata["namespace"], "uid": metadata["uid"]});
                volume["status"] = json!({"phase": "Bound"});
                claim["spec"]["volumeName"] = at.name.clone().unwrap().into();
                claim["metadata"]["annotations"]["pv.kubernetes.io/bind-completed"] = "yes".into();
                claim["status"] = json!({"phase": "Bound", "capacity": volume["spec"]["capacity"]});
                store.put(&at, volume);
            }
            _ if was_bound => claim["status"] = json!({"phase": "Lost"}),
            _ => {
                claim["status"] = json!({"phase": "Pending"});
                if text(&claim, "/spec/volumeName").is_none() && is_used(store, &claim) {
                    provision(store, &claim);
                }
            }
        }
        if claim["metadata"]["finalizers"].is_null() {
            claim["metadata"]["finalizers"] = json!(["kubernetes.io/pvc-protection"]);
        }
        store.put(&place, claim);
    }
}

/// As local-path does, once a pod waits for the claim.
fn provision(store: &mut Store, claim: &Value) {
    let part = |pointer| text(claim, pointer).unwrap().to_owned();
    let name = format!("pvc-{}", part("/metadata/uid"));
    let path = format!("/opt/{name}_{}_{}", part("/metadata/namespace"), part("/metadata/name"));
    store.disks.insert(path.clone(), "empty".to_owned());
    let made = json!({"apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {"name": name, "finalizers": ["kubernetes.io/pv-protection"]},
        "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "persistentVolumeReclaimPolicy": "Delete",
            "hostPath": {"path": path, "type": "DirectoryOrCreate"},
            "claimRef": {"kind": "PersistentVolumeClaim", "namespace": part("/metadata/namespace"),
                "name": part("/metadata/name"), "uid": part("/metadata/uid")}},
        "status": {"phase": "Available"}});
    store.put(&volume(&name), made);
}

/// A volume whose claim is gone is let go; with a policy of Delete the provisioner erases it.
fn release(store: &mut Store) {
    for (place, mut volume) in all(store, "persistentvolumes") {
        let reference = volume["spec"]["claimRef"].clone();
        let Some(uid) = reference["uid"].as_str() else {
            if volume["status"]["phase"] != "Available" {
                volume["status"] = json!({"phase": "Available"});
                store.put(&place, volume);
            }
            continue;
        };
        let claim = Address::new(
            "v1",
            "persistentvolumeclaims",
            reference["namespace"].as_str(),
            reference["name"].as_str().unwrap(),
        );
        if store.objects.get(&claim).is_some_and(|claim| claim["metadata"]["uid"] == uid) {
            continue;
        }
        if volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete" {
            store.disks.remove(volume["spec"]["hostPath"]["path"].as_str().unwrap());
            store.remove(&place);
        } else if volume["status"]["phase"] != "Released" {
            volume["status"] = json!({"phase": "Released"});
            store.put(&place, volume);
        }
    }
}

/// Pods run when all their claims are bound; those that run go on when a claim is lost. Deployments count them.
fn report(store: &mut Store) {
    for (place, mut pod) in all(store, "pods").into_iter().filter(|(_, pod)| pod["status"]["phase"] == "Pending") {
        let bound = |volume: &Value| {
            text(volume, "/persistentVolumeClaim/claimName").is_none_or(|name| {
                let claim = Address::new("v1", "persistentvolumeclaims", place.namespace.as_deref(), name);
                store.objects.get(&claim).is_some_and(|claim| claim["status"]["phase"] == "Bound" && !is_going(claim))
            })
        };
        if items(&pod, "/spec/volumes").all(bound) {
            let container = pod["spec"]["containers"][0]["name"].clone();
            pod["spec"]["nodeName"] = "node-1".into();
            pod["status"] = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
                "containerStatuses": [{"name": container, "ready": true, "state": {"running": {}}}]});
            store.put(&place, pod);
        }
    }
    for (place, mut deployment) in all(store, "deployments") {
        let mine = |pod: &Value| pod["metadata"]["ownerReferences"][0]["uid"] == deployment["metadata"]["uid"];
        let pods: Vec<Value> = all(store, "pods").into_iter().map(|(_, pod)| pod).filter(mine).collect();
        let ready = pods.iter().filter(|pod| pod["status"]["phase"] == "Running").count();
        let status = json!({"observedGeneration": deployment["metadata"]["generation"], "replicas": pods.len(),
            "updatedReplicas": pods.len(), "readyReplicas": ready, "availableReplicas": ready});
        if deployment["status"] != status {
            deployment["status"] = status;
            store.put(&place, deployment);
        }
    }
}
