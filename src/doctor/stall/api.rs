//! Kinds that were added to the cluster: their definition, their API server, and what their objects say of themselves.

use serde_json::Value;

use super::site::Site;
use super::words::clip;
use super::{Rule, Subject};
use crate::doctor::{Cause, Outlook};
use crate::engine::ready::judge::{Readiness, judge};
use crate::object::{ObjectRef, text};
use crate::snapshot::Snapshot;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "X007",
        group: "api",
        title: "the names of a CustomResourceDefinition are taken",
        on: Subject::Top,
        find: names,
    },
    Rule { id: "X010", group: "api", title: "the server of an API is not available", on: Subject::Top, find: server },
    Rule { id: "failed", group: "api", title: "a custom resource says that it failed", on: Subject::Top, find: said },
];

fn names(site: &Site<'_>) -> Option<Cause> {
    let clash = site.condition("NamesAccepted").filter(|clash| clash["status"] == "False")?;
    let said = clip(text(clash, "/message").unwrap_or_default());
    let message = format!("the kind of `{}` cannot be served: {said}", site.reference.name);
    let remedy = "Find the other definition, `kubectl get crd`, and delete it together with its objects, or keep it and leave this one out.";
    Some(
        site.stuck(text(clash, "/reason").unwrap_or("NamesNotAccepted"), message)
            .remedy(remedy)
            .outlook(Outlook::Final),
    )
}

/// The Service behind an `APIService`, if it is in the snapshot.
pub(super) fn service_of<'a>(api: &Value, snapshot: &'a Snapshot) -> Option<&'a Value> {
    let part = |pointer| text(api, pointer);
    snapshot.get(&ObjectRef::new("v1", "Service", part("/spec/service/namespace"), part("/spec/service/name")?))
}

fn server(site: &Site<'_>) -> Option<Cause> {
    let available =
        site.condition("Available").filter(|one| one["status"] != "True" && site.reference.kind == "APIService")?;
    let said = clip(text(available, "/message").unwrap_or_default());
    let message = format!("the API {} is not available: {said}", site.reference.name);
    let part = |pointer| text(site.object, pointer).unwrap_or("unknown");
    let remedy = format!(
        "Look after its server: `kubectl get service,endpointslices,pods -n {}`.",
        part("/spec/service/namespace")
    );
    Some(site.stuck(text(available, "/reason").unwrap_or("Unavailable"), message).remedy(remedy))
}

/// What an object of another maker says of itself once it gave up.
fn said(site: &Site<'_>) -> Option<Cause> {
    let named = ["Stalled", "Failed"].iter().any(|kind| site.condition(kind).is_some());
    let Readiness::Failed { reason, message } = judge(site.object, site.snapshot) else { return None };
    (named && site.reference.kind != "Job").then(|| {
        let message = format!("{} says that it failed: {}", site.reference.short(), clip(&message));
        let (kind, name) = (site.reference.kind.to_lowercase(), &site.reference.name);
        let remedy = format!("Look at what its controller says: `kubectl describe {kind} {name}{}`.", site.flag());
        site.stuck(&reason, message).remedy(remedy).outlook(Outlook::Final)
    })
}
