//! The writes of a recovery, one request each, bound to the incarnation that was seen.

use kube::Client;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::{ApiResource, Request};
use serde_json::{Value, json};

use crate::engine::apply::ApplyError;
use crate::engine::step::Doing;
use crate::object::{ObjectRef, text};
use crate::plan::FIELD_MANAGER;
use crate::plan::verb::{ORIGINAL_POLICY, ORIGINAL_REPLICAS, Pinned, QUARANTINE, RESTARTED_AT, Verb};
use crate::plan::verb::{holders, is_helper, rollback_patch, set_patch};
use crate::snapshot::Snapshot;
use crate::snapshot::collect::url;

/// What came of an act.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Acted {
    /// The server took it.
    Changed,
    /// The verb only waits.
    Nothing,
    /// The object is not as it was seen any more.
    Outdated,
}

/// Does what a verb does, to what was seen.
pub(super) async fn act(doing: &Doing<'_>, verb: &Verb, seen: &Snapshot) -> Result<Acted, ApplyError> {
    let answer = match verb {
        Verb::Delete { object } => delete(doing, object, seen).await,
        Verb::Create { object, .. } => create(doing, object).await,
        Verb::Unreferenced { claim } => match clear_helpers(doing, claim, seen).await {
            Ok(false) => return Ok(Acted::Nothing),
            Ok(true) => Ok(()),
            Err(error) => Err(error),
        },
        Verb::Renew { claim, pod } => match renew(doing, (claim, pod), seen).await {
            Ok(false) => return Ok(Acted::Nothing),
            Ok(true) => Ok(()),
            Err(error) => Err(error),
        },
        Verb::Set { .. } | Verb::RollBack { .. } => match steps(verb, seen) {
            Some((object, steps)) => patch_by_steps(doing, &object, steps).await,
            None => return Ok(Acted::Nothing),
        },
        _ => match change(verb, seen) {
            Some((object, change)) => patch(doing, &object, &Patch::Merge(&change)).await,
            None => return Ok(Acted::Nothing),
        },
    };
    match answer {
        Ok(()) => Ok(Acted::Changed),
        Err(ApplyError::Kube(kube::Error::Api(status))) if matches!(status.code, 404 | 409) => Ok(Acted::Outdated),
        Err(error) => Err(error),
    }
}

/// The merge patch of a verb. A `uid` in a patch is a precondition: the server refuses it on another incarnation.
fn change(verb: &Verb, seen: &Snapshot) -> Option<(ObjectRef, Value)> {
    let bound = |pinned: &Pinned, mut change: Value| {
        change["metadata"]["uid"] = pinned.uid.as_str().into();
        Some((pinned.object.clone(), change))
    };
    let version = |pinned: &Pinned| seen.get(&pinned.object).map(|live| live["metadata"]["resourceVersion"].clone());
    match verb {
        Verb::Keep { volume, quarantine } => bound(volume, keep(seen.get(&volume.object), quarantine.as_deref())),
        Verb::Scale { workload, to, original } => {
            let remembered = if *to == 0 { json!(original.to_string()) } else { Value::Null };
            let change =
                json!({"metadata": {"annotations": {ORIGINAL_REPLICAS: remembered}}, "spec": {"replicas": to}});
            bound(workload, change)
        }
        Verb::Release { volume, .. } => {
            bound(volume, json!({"metadata": {"resourceVersion": version(volume), "finalizers": null}}))
        }
        Verb::Free { volume, .. } => {
            let change = json!({"metadata": {"resourceVersion": version(volume)},
                "spec": {"claimRef": {"uid": null, "resourceVersion": null}}});
            bound(volume, change)
        }
        Verb::Tend { object, act } => Some((object.clone(), act.patch(seen.get(object))?)),
        Verb::Restart { workload, at } => {
            bound(workload, json!({"spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: at}}}}}))
        }
        _ => None,
    }
}

/// The JSON patch of a verb, bound to the state that was seen.
fn steps(verb: &Verb, seen: &Snapshot) -> Option<(ObjectRef, Value)> {
    match verb {
        Verb::Set { object, fields, .. } => Some((object.object.clone(), set_patch(seen.get(&object.object)?, fields))),
        Verb::RollBack { workload, to, .. } => Some((workload.object.clone(), rollback_patch(seen, workload, to)?)),
        _ => None,
    }
}

async fn patch_by_steps(doing: &Doing<'_>, object: &ObjectRef, steps: Value) -> Result<(), ApplyError> {
    let steps: json_patch::Patch = serde_json::from_value(steps).map_err(kube::Error::SerdeError)?;
    patch(doing, object, &Patch::<Value>::Json(steps)).await
}

fn keep(live: Option<&Value>, quarantine: Option<&str>) -> Value {
    let mut change = json!({"spec": {"persistentVolumeReclaimPolicy": "Retain"}});
    let policy = live.and_then(|live| text(live, "/spec/persistentVolumeReclaimPolicy"));
    // The first to keep it remembers; a second one must not take Retain for the original.
    if let Some(policy) = policy.filter(|policy| *policy != "Retain") {
        change["metadata"]["annotations"][ORIGINAL_POLICY] = policy.into();
    }
    if let Some(why) = quarantine {
        change["metadata"]["labels"][QUARANTINE] = why.into();
    }
    change
}

fn place(doing: &Doing<'_>, object: &ObjectRef) -> Result<(Client, ApiResource), ApplyError> {
    let missing = || kube::Error::Service(format!("the kind {} is unknown", object.kind).into());
    let resource = doing.context.resources.of(object).ok_or_else(missing)?;
    Ok((doing.context.cluster.client.clone(), resource))
}

async fn patch<P: serde::Serialize + std::fmt::Debug>(
    doing: &Doing<'_>,
    object: &ObjectRef,
    change: &Patch<P>,
) -> Result<(), ApplyError> {
    let (client, resource) = place(doing, object)?;
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let request = Request::new(url(&resource, object.namespace.as_deref()))
        .patch(&object.name, &params, change)
        .map_err(kube::Error::BuildRequest)?;
    client.request::<Value>(request).await?;
    Ok(())
}

/// Bound to the very state in which it was seen: a claim that was bound or marked meanwhile is looked at again.
async fn delete(doing: &Doing<'_>, object: &Pinned, seen: &Snapshot) -> Result<(), ApplyError> {
    let (client, resource) = place(doing, &object.object)?;
    let version = seen.get(&object.object).and_then(|live| text(live, "/metadata/resourceVersion"));
    let only = Preconditions { uid: Some(object.uid.clone()), resource_version: version.map(str::to_owned) };
    let request = Request::new(url(&resource, object.object.namespace.as_deref()))
        .delete(&object.object.name, &DeleteParams::background().preconditions(only))
        .map_err(kube::Error::BuildRequest)?;
    client.request_status::<Value>(request).await?;
    Ok(())
}

/// A copy that was killed has left its pod, which holds the claim and ends by itself only after hours. Whether there was one.
async fn clear_helpers(doing: &Doing<'_>, claim: &ObjectRef, seen: &Snapshot) -> Result<bool, ApplyError> {
    let helpers: Vec<Pinned> = holders(seen, claim).filter(|pod| is_helper(pod)).filter_map(Pinned::of).collect();
    for helper in &helpers {
        delete(doing, helper, seen).await?;
    }
    Ok(!helpers.is_empty())
}

/// The claim first: it then waits for its pod, and the pod cannot come back with it. One that waits for a node does not hold its claim: it
/// is left without, and its set makes none for a pod that is there. Whether anything was deleted.
async fn renew(doing: &Doing<'_>, (claim, pod): (&Pinned, &ObjectRef), seen: &Snapshot) -> Result<bool, ApplyError> {
    match seen.get(&claim.object) {
        Some(live) if text(live, "/metadata/uid") != Some(&claim.uid) => return Ok(false),
        Some(live) => {
            clear_helpers(doing, &claim.object, seen).await?;
            if text(live, "/metadata/deletionTimestamp").is_none() {
                delete(doing, claim, seen).await?;
            }
        }
        None if seen.get(pod).is_none() => return Ok(false),
        None => {}
    }
    if let Some(pod) = seen.get(pod).and_then(Pinned::of) {
        delete(doing, &pod, seen).await?;
    }
    Ok(true)
}

async fn create(doing: &Doing<'_>, object: &Value) -> Result<(), ApplyError> {
    let unnamed = || kube::Error::Service("the object to make has no name".into());
    let reference = ObjectRef::of(object).ok_or_else(unnamed)?;
    let (client, resource) = place(doing, &reference)?;
    let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
    let body = serde_json::to_vec(object).map_err(kube::Error::SerdeError)?;
    let request = Request::new(url(&resource, reference.namespace.as_deref()))
        .create(&params, body)
        .map_err(kube::Error::BuildRequest)?;
    client.request::<Value>(request).await?;
    Ok(())
}
