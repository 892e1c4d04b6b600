//! Rehearsals: what the API server would make of an update, asked before anything is written.

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use kube::Client;
use kube::core::ApiResource;
use serde_json::Value;

use crate::cluster::{Cluster, Resources};
use crate::doctor::{Cause, refusal};
use crate::engine::apply::rehearse;
use crate::object::{ObjectRef, text};
use crate::plan::install::{self, Policy, Rehearsal, Rehearsals};
use crate::plan::replace::replacement;
use crate::snapshot::Snapshot;

/// Rehearsals in flight at once.
const IN_FLIGHT: usize = 12;
/// Letters of a name that are kept where something has to come behind it; the strictest kinds take 52.
const FREE_NAME: usize = 47;

/// Asks the API server what it would make of every update. A refusal is an answer too.
pub(super) async fn all(
    cluster: &Cluster,
    resources: &Resources,
    objects: impl Iterator<Item = &Value>,
    (snapshot, policy): (&Snapshot, Policy),
) -> Result<(Rehearsals, Vec<Cause>), kube::Error> {
    let asked = install::to_rehearse(objects, snapshot).into_iter().filter_map(|object| {
        let reference = ObjectRef::of(object)?;
        Some((resources.of(&reference)?, reference, object))
    });
    let ask = |(resource, reference, object): (ApiResource, ObjectRef, &Value)| {
        let (client, object) = (cluster.client.clone(), object.clone());
        async move {
            let answer = match asked_of(&client, &resource, (&object, &reference)).await? {
                Ok(after) => Ok(Rehearsal::After(after)),
                Err(cause) if cause.id == "immutable" => {
                    fixed(&client, &resource, (&object, snapshot.get(&reference)), (cause, policy)).await?
                }
                Err(cause) => Err(cause),
            };
            Ok::<_, kube::Error>((reference, answer))
        }
    };
    let answers: Vec<(ObjectRef, Result<Rehearsal, Cause>)> =
        stream::iter(asked.map(ask).collect::<Vec<_>>()).buffer_unordered(IN_FLIGHT).try_collect().await?;
    let mut rehearsals = Rehearsals::new();
    let mut refusals = Vec::new();
    for (reference, answer) in answers {
        match answer {
            Ok(after) => {
                rehearsals.insert(reference, after);
            }
            Err(cause) => refusals.push(cause),
        }
    }
    Ok((rehearsals, refusals))
}

/// What the API server would make of an apply, or why it would refuse it.
async fn asked_of(
    client: &Client,
    resource: &ApiResource,
    (object, reference): (&Value, &ObjectRef),
) -> Result<Result<Value, Cause>, kube::Error> {
    match rehearse(client, resource, object).await {
        Ok(after) => Ok(Ok(after)),
        Err(kube::Error::Api(status)) => {
            Ok(Err(refusal::refused(reference, status.code, &status.reason, &status.message)))
        }
        Err(error) => Err(error),
    }
}

/// What can be done about a field that can no longer be changed. What is deleted has to come back, so a new one is rehearsed, too, under a
/// name that is free.
async fn fixed(
    client: &Client,
    resource: &ApiResource,
    (object, live): (&Value, Option<&Value>),
    (cause, policy): (Cause, Policy),
) -> Result<Result<Rehearsal, Cause>, kube::Error> {
    let Some(live) = live else { return Ok(Err(cause)) };
    let replacement = match replacement(object, live, &cause.message) {
        Ok(replacement) => replacement,
        Err(why) => {
            let remedy = format!("keep the value as it was; it is not replaced, because {why}");
            return Ok(Err(Cause { remedy: Some(remedy), ..cause }));
        }
    };
    if !policy.recreate {
        let remedy = format!(
            "keep the value as it was, or add --recreate to have it deleted and made anew: {}",
            replacement.effect
        );
        return Ok(Err(Cause { remedy: Some(remedy), ..cause }));
    }
    let anew = under_a_free_name(object);
    let Some(reference) = ObjectRef::of(&anew) else { return Ok(Err(cause)) };
    let answer = asked_of(client, resource, (&anew, &reference)).await?;
    Ok(answer.map(|_| Rehearsal::Fixed(Box::new(replacement))))
}

/// The same object, as it could be made beside the one that is there.
fn under_a_free_name(object: &Value) -> Value {
    let mut anew = object.clone();
    let name = text(object, "/metadata/name").unwrap_or_default();
    let kept: String = name.chars().take(FREE_NAME).collect();
    anew["metadata"]["name"] = format!("{}-anew", kept.trim_end_matches(['-', '.'])).into();
    // What only one Service can have is in the hands of the one that is there.
    if anew["kind"] == "Service" {
        if let Some(spec) = anew["spec"].as_object_mut() {
            for field in ["clusterIP", "clusterIPs", "healthCheckNodePort", "loadBalancerIP"] {
                spec.shift_remove(field);
            }
        }
        for port in anew["spec"]["ports"].as_array_mut().into_iter().flatten() {
            port.as_object_mut().map(|port| port.shift_remove("nodePort"));
        }
    }
    anew
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_rehearsed_one_takes_nothing_that_the_other_still_has() {
        let name = |name: &str| under_a_free_name(&json!({"metadata": {"name": name}}))["metadata"]["name"].clone();
        assert_eq!(name("web"), "web-anew");
        assert_eq!(name(&"a".repeat(63)), format!("{}-anew", "a".repeat(47)));
        assert_eq!(name(&format!("{}-{}", "a".repeat(46), "b".repeat(9))), format!("{}-anew", "a".repeat(46)));
        let service = json!({"kind": "Service", "metadata": {"name": "s"}, "spec": {"clusterIP": "10.0.0.9", "clusterIPs": ["10.0.0.9"],
            "type": "NodePort", "ports": [{"port": 80, "nodePort": 30080}]}});
        assert_eq!(under_a_free_name(&service)["spec"], json!({"type": "NodePort", "ports": [{"port": 80}]}));
    }
}
