//! `StatefulSets`: pods with a number, each with claims of its own.

use std::sync::Arc;

use serde_json::{Value, json};

use super::ownership::adopt;
use super::pods::{create, discard, from_template, is_available, template_hash, without_zeros};
use super::{retention, revisions};
use crate::object::{change_list, has_ended, items, number, text};
use crate::sandbox::admission;
use crate::sandbox::containers::is_ready;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::world::World;

const BY: &str = "statefulset-controller";
const REVISION: &str = "controller-revision-hash";

pub(super) fn run(world: &mut World) {
    for set in world.all("StatefulSet") {
        if set["metadata"].get("deletionTimestamp").is_none() {
            order(world, &set);
        }
    }
}

fn revision(set: &Value) -> String {
    format!("{}-{}", text(set, "/metadata/name").unwrap_or_default(), template_hash(&set["spec"]["template"]))
}

fn number_of(pod: &Value) -> i64 {
    text(pod, "/metadata/name").and_then(|name| name.rsplit('-').next()?.parse().ok()).unwrap_or(-1)
}

fn order(world: &mut World, set: &Value) {
    let wanted = number(set, "/spec/replicas").unwrap_or(1);
    let first = number(set, "/spec/ordinals/start").unwrap_or(0);
    let parallel = set["spec"]["podManagementPolicy"] == "Parallel";
    let update = revision(set);
    revisions::note(world, set, &update, &template_hash(&set["spec"]["template"]));
    let prefix = format!("{}-", text(set, "/metadata/name").unwrap_or_default());
    let is_numbered = |pod: &Value| {
        let number = text(pod, "/metadata/name").and_then(|name| name.strip_prefix(&prefix));
        number.is_some_and(|number| number.parse::<u32>().is_ok())
    };
    adopt(world, "Pod", set, is_numbered);
    let mut pods = world.owned("Pod", set);
    pods.sort_by_key(|pod| number_of(pod));
    let is_whole = |pod: &Value| is_ready(pod) && pod["metadata"].get("deletionTimestamp").is_none();
    for place in first..first + wanted {
        match pods.iter().find(|pod| number_of(pod) == place) {
            Some(pod) if has_ended(pod) => {
                discard(world, set, pod, BY);
            }
            Some(pod) if !is_whole(pod) && !parallel => break,
            Some(_) => {}
            None if retention::is_stale(world, set, &format!("{prefix}{place}")) => break,
            None => {
                // The next one waits until this one is there, unless all may come at once.
                let made = place_pod(world, set, place, &update);
                if !made || !parallel {
                    break;
                }
            }
        }
    }
    let is_superfluous = |pod: &Value| !(first..first + wanted).contains(&number_of(pod));
    // Before any pod goes, so that its claims can go with it.
    for pod in world.owned("Pod", set) {
        retention::settle(world, set, &pod, is_superfluous(&pod));
    }
    for pod in pods.iter().rev().filter(|pod| is_superfluous(pod)) {
        discard(world, set, pod, BY);
        if !parallel {
            break;
        }
    }
    // While it waits for a pod it replaces none, not even that one.
    if parallel || pods.iter().all(|pod| is_whole(pod) || is_superfluous(pod)) {
        renew(world, set, &pods, &update);
    }
    judge(world, set, &update);
}

/// Makes the claims of a pod and the pod.
fn place_pod(world: &mut World, set: &Value, place: i64, update: &str) -> bool {
    let name = format!("{}-{place}", text(set, "/metadata/name").unwrap_or_default());
    let mut pod = from_template(
        set,
        Some(&name),
        &[
            ("statefulset.kubernetes.io/pod-name", name.clone()),
            ("apps.kubernetes.io/pod-index", place.to_string()),
            (REVISION, update.to_owned()),
        ],
    );
    pod["spec"]["hostname"] = name.as_str().into();
    if let Some(service) = text(set, "/spec/serviceName").filter(|service| !service.is_empty()) {
        pod["spec"]["subdomain"] = service.into();
    }
    for template in items(set, "/spec/volumeClaimTemplates") {
        let volume = text(template, "/metadata/name").unwrap_or_default();
        let claim = format!("{volume}-{name}");
        if let Err(why) = claim_for(world, set, template, &claim) {
            let message = format!(
                "create Pod {name} in StatefulSet {} failed error: {why}",
                text(set, "/metadata/name").unwrap_or_default()
            );
            world.event(set, ("Warning", "FailedCreate"), &message, BY);
            return false;
        }
        change_list(&mut pod["spec"]["volumes"], |list| {
            list.retain(|known| known["name"] != volume);
            list.push(json!({"name": volume, "persistentVolumeClaim": {"claimName": claim}}));
        });
    }
    let made = create(world, set, pod, BY).is_ok();
    if made {
        let set_name = text(set, "/metadata/name").unwrap_or_default();
        world.event(
            set,
            ("Normal", "SuccessfulCreate"),
            &format!("create Pod {name} in StatefulSet {set_name} successful"),
            BY,
        );
    }
    made
}

fn claim_for(world: &mut World, set: &Value, template: &Value, name: &str) -> Result<(), String> {
    let namespace = text(set, "/metadata/namespace");
    if let Some(live) = world.find("PersistentVolumeClaim", namespace, name) {
        let going = live["metadata"].get("deletionTimestamp").is_some();
        return if going { Err(format!("pvc {name} is being deleted")) } else { Ok(()) };
    }
    // The template's own labels, and those of the selector over them: by the former `uninstall` and recovery find the claim.
    let mut labels = template["metadata"]["labels"].as_object().cloned().unwrap_or_default();
    labels.extend(set["spec"]["selector"]["matchLabels"].as_object().cloned().unwrap_or_default());
    let mut claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "spec": template["spec"],
        "metadata": {"name": name, "namespace": namespace, "labels": labels}});
    if template["metadata"]["annotations"].is_object() {
        claim["metadata"]["annotations"] = template["metadata"]["annotations"].clone();
    }
    let refused = |refusal: Refusal| format!("failed to create PVC {name}: {}", refusal.message);
    admission::admit(world, &mut claim).map_err(refused)?;
    world.put(claim);
    let set_name = text(set, "/metadata/name").unwrap_or_default();
    let pod = name.strip_prefix(&format!("{}-", text(template, "/metadata/name").unwrap_or_default())).unwrap_or(name);
    let message = format!("create Claim {name} Pod {pod} in StatefulSet {set_name} success");
    world.event(set, ("Normal", "SuccessfulCreate"), &message, BY);
    Ok(())
}

/// Replaces pods of an older template, the highest first, each when all others are whole.
fn renew(world: &mut World, set: &Value, pods: &[Arc<Value>], update: &str) {
    if set["spec"]["updateStrategy"]["type"] == "OnDelete" {
        return;
    }
    let from = number(set, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
    if pods.iter().any(|pod| pod["metadata"].get("deletionTimestamp").is_some()) {
        return;
    }
    for pod in pods.iter().rev().filter(|pod| number_of(pod) >= from) {
        if pod["metadata"]["labels"][REVISION] != update {
            return discard(world, set, pod, BY);
        }
        if !is_ready(pod) {
            return;
        }
    }
}

fn judge(world: &mut World, set: &Value, update: &str) {
    let pods = world.owned("Pod", set);
    let seconds = number(set, "/spec/minReadySeconds").unwrap_or(0);
    let ready = pods.iter().filter(|pod| is_ready(pod)).count();
    let available = pods.iter().filter(|pod| is_available(world, pod, seconds)).count();
    let updated = pods.iter().filter(|pod| pod["metadata"]["labels"][REVISION] == update).count();
    let wanted = usize::try_from(number(set, "/spec/replicas").unwrap_or(1)).unwrap_or(0);
    let before = text(set, "/status/currentRevision").unwrap_or(update).to_owned();
    let current = if updated == wanted && pods.len() == wanted && ready == wanted { update.to_owned() } else { before };
    let of_current = pods.iter().filter(|pod| pod["metadata"]["labels"][REVISION] == current.as_str()).count();
    let status = json!({"observedGeneration": set["metadata"]["generation"], "replicas": pods.len(), "readyReplicas": ready,
        "currentReplicas": of_current, "updatedReplicas": updated, "availableReplicas": available,
        "currentRevision": current, "updateRevision": update, "collisionCount": 0});
    world.put_status(set, without_zeros(status, &["replicas", "collisionCount", "availableReplicas"]));
}
