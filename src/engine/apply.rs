//! Writing one object, and deleting one.

mod displace;

use either::Either;
use kube::Client;
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use kube::core::{ApiResource, Request};
use serde_json::Value;

use crate::object::{ObjectRef, text};
use crate::plan::compare::{compare, wants_recreate};
use crate::plan::{Change, Choice, Conflict, FIELD_MANAGER, FieldChange};
use crate::snapshot::collect::url;

/// How often a forced apply looks again when the object changes between look and write (controllers write all the time).
const LOOKS: usize = 5;

/// An apply that was not done because the object is not what the plan was made from.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The API server, or the way to it.
    #[error(transparent)]
    Kube(#[from] kube::Error),
    /// Since the plan was made, somebody else took fields that the plan does not know about.
    #[error("changed by somebody else since the plan was made: {}", fields.join(", "))]
    Drifted {
        /// `path (owner)` of each field.
        fields: Vec<String>,
    },
}

/// What is sent for an object: without the fields that are left to their owners.
pub(super) fn to_send(object: &Value, change: &Change) -> Value {
    without_kept(object, conflicts_of(change))
}

fn conflicts_of(change: &Change) -> &[Conflict] {
    match change {
        Change::Update { conflicts, .. } => conflicts,
        _ => &[],
    }
}

/// Applies an object (see [`to_send`]) as its step says. Returns it as the API server stored it.
pub(super) async fn apply(
    client: &Client,
    resource: &ApiResource,
    object: &Value,
    change: &Change,
) -> Result<Value, ApplyError> {
    match change {
        Change::Update { conflicts, resource_version, fields }
            if conflicts.iter().any(|c| c.choice != Choice::Keep) || changes_strategy(object, fields) =>
        {
            take(client, resource, object, conflicts, resource_version).await
        }
        _ => Ok(patch(client, resource, object, PatchParams::apply(FIELD_MANAGER)).await?),
    }
}

/// Whether a Deployment goes from one strategy to the other, for which room has to be made.
fn changes_strategy(object: &Value, fields: &[FieldChange]) -> bool {
    wants_recreate(object) && fields.iter().any(|field| field.path == "spec.strategy.type")
}

/// Applies with force, but only over the conflicts that were shown: bound to the version that was looked at, and looked
/// at again whenever that has changed.
async fn take(
    client: &Client,
    resource: &ApiResource,
    object: &Value,
    shown: &[Conflict],
    resource_version: &str,
) -> Result<Value, ApplyError> {
    let mut version = resource_version.to_owned();
    for _ in 0..LOOKS {
        match force(client, resource, object, (shown, &version)).await {
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            answer => return Ok(answer?),
        }
        let live = get(client, resource, object).await?;
        let news = unknown_conflicts(object, &live, shown);
        if !news.is_empty() {
            return Err(ApplyError::Drifted { fields: news });
        }
        text(&live, "/metadata/resourceVersion").unwrap_or_default().clone_into(&mut version);
    }
    Err(ApplyError::Drifted { fields: vec!["the object changes faster than it can be written".to_owned()] })
}

/// One attempt of [`take`]. Answers 409 when the object is not of that version any more.
async fn force(
    client: &Client,
    resource: &ApiResource,
    object: &Value,
    (shown, version): (&[Conflict], &str),
) -> Result<Value, kube::Error> {
    let version = displace::displace(client, resource, object, (shown, version)).await?;
    let mut bound = object.clone();
    bound["metadata"]["resourceVersion"] = Value::from(version);
    patch(client, resource, &bound, PatchParams::apply(FIELD_MANAGER).force()).await
}

fn unknown_conflicts(object: &Value, live: &Value, shown: &[Conflict]) -> Vec<String> {
    let comparison = compare(object, live);
    let is_new = |path: &String| !shown.iter().any(|conflict| &conflict.path == path || conflict.pointer.is_empty());
    comparison
        .conflicts()
        .filter(|changed| is_new(&changed.path))
        .map(|changed| format!("{} ({})", changed.path, changed.owners.join(", ")))
        .collect()
}

/// The object without the fields that are left to their owners.
pub fn without_kept(object: &Value, conflicts: &[Conflict]) -> Value {
    let mut object = object.clone();
    // From the back, so that an index into a list stays true while later items go.
    let mut kept: Vec<&str> =
        conflicts.iter().filter(|c| c.choice == Choice::Keep).map(|conflict| conflict.pointer.as_str()).collect();
    kept.sort_by_key(|pointer| {
        pointer.rsplit_once('/').map(|(parent, last)| (parent, last.parse::<usize>().ok(), last))
    });
    for pointer in kept.into_iter().rev() {
        let Some((parent, last)) = pointer.rsplit_once('/') else { continue };
        match object.pointer_mut(parent) {
            Some(Value::Object(map)) => {
                map.remove(&last.replace("~1", "/").replace("~0", "~"));
            }
            Some(Value::Array(list)) => {
                if let Some(index) = last.parse::<usize>().ok().filter(|index| *index < list.len()) {
                    list.remove(index);
                }
            }
            _ => {}
        }
    }
    object
}

async fn patch(
    client: &Client,
    resource: &ApiResource,
    object: &Value,
    params: PatchParams,
) -> Result<Value, kube::Error> {
    let name = text(object, "/metadata/name").unwrap_or_default();
    let request = Request::new(url(resource, text(object, "/metadata/namespace")))
        .patch(name, &params.validation_strict(), &Patch::Apply(object))
        .map_err(kube::Error::BuildRequest)?;
    client.request::<Value>(request).await
}

/// What the server would make of an apply, with force, so that every effect of it is seen. Writes nothing.
pub async fn rehearse(client: &Client, resource: &ApiResource, object: &Value) -> Result<Value, kube::Error> {
    patch(client, resource, object, PatchParams::apply(FIELD_MANAGER).force().dry_run()).await
}

async fn get(client: &Client, resource: &ApiResource, object: &Value) -> Result<Value, kube::Error> {
    let name = text(object, "/metadata/name").unwrap_or_default();
    let request = Request::new(url(resource, text(object, "/metadata/namespace")))
        .get(name, &kube::api::GetParams::default())
        .map_err(kube::Error::BuildRequest)?;
    client.request::<Value>(request).await
}

/// What a delete came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Deletion {
    /// It is gone.
    Gone,
    /// It will go once its finalizers are done.
    Going,
    /// Another object of that name is there now: not the one that was to go.
    AnotherOne,
}

/// What becomes of the pods of a workload that is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pods {
    /// They go first.
    Go,
    /// They go on, and belong to nobody until somebody selects them.
    GoOn,
}

/// Deletes this incarnation of an object. Workloads go when their pods are gone, or leave them.
pub(super) async fn delete(
    client: &Client,
    resource: &ApiResource,
    (reference, uid): (&ObjectRef, &str),
    pods: Pods,
) -> Result<Deletion, kube::Error> {
    let only = Preconditions { uid: Some(uid.to_owned()), resource_version: None };
    let params = match reference.kind.as_str() {
        _ if pods == Pods::GoOn => DeleteParams::orphan(),
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" | "CronJob" => DeleteParams::foreground(),
        _ => DeleteParams::background(),
    };
    let request = Request::new(url(resource, reference.namespace.as_deref()))
        .delete(&reference.name, &params.preconditions(only))
        .map_err(kube::Error::BuildRequest)?;
    match client.request_status::<Value>(request).await {
        Ok(Either::Left(object)) if object.pointer("/metadata/deletionTimestamp").is_some() => Ok(Deletion::Going),
        Ok(_) => Ok(Deletion::Gone),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(Deletion::Gone),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(Deletion::AnotherOne),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn kept_fields_are_left_out_of_what_is_sent() {
        let object =
            json!({"metadata": {"annotations": {"a/b": "1", "c": "2"}}, "spec": {"replicas": 3, "items": [1, 2, 3]}});
        let conflict = |pointer: &str, choice| Conflict {
            path: pointer.to_owned(),
            pointer: pointer.to_owned(),
            owners: Vec::new(),
            now: None,
            wanted: None,
            choice,
            rival: None,
        };
        let conflicts = [
            conflict("/spec/replicas", Choice::Keep),
            conflict("/metadata/annotations/a~1b", Choice::Keep),
            conflict("/metadata/annotations/c", Choice::Take),
            conflict("/spec/items/0", Choice::Keep),
            conflict("/spec/items/2", Choice::Keep),
        ];
        assert_eq!(
            without_kept(&object, &conflicts),
            json!({"metadata": {"annotations": {"c": "2"}}, "spec": {"items": [2]}})
        );
    }
}
