//! A Job that gave up, or was never begun.

use serde_json::Value;

use super::site::Site;
use super::words::clip;
use super::{Rule, Subject};
use crate::doctor::{Cause, Outlook};
use crate::object::{items, text};

pub(super) const RULES: &[Rule] = &[
    Rule { id: "J001", group: "job", title: "a Job has failed", on: Subject::Top, find: failed },
    Rule { id: "J002", group: "job", title: "a Job is suspended", on: Subject::Top, find: suspended },
];

fn failure(object: &Value) -> Option<&Value> {
    let job = object["kind"] == "Job";
    items(object, "/status/conditions").find(|one| job && one["type"] == "Failed" && one["status"] == "True")
}

/// Whether the object is a Job that will not try again.
pub(super) fn gave_up(object: &Value) -> bool {
    failure(object).is_some()
}

/// The cause of the last failure of a Job that will not try again.
pub(super) fn final_now(cause: Cause) -> Cause {
    cause.outlook(Outlook::Final)
}

fn failed(site: &Site<'_>) -> Option<Cause> {
    let failure = failure(site.object)?;
    let reason = text(failure, "/reason").unwrap_or("Failed");
    let said = clip(text(failure, "/message").unwrap_or_default());
    let message = format!("the Job `{}` has failed: {said}", site.reference.name);
    let remedy = format!(
        "Read its log, `kubectl logs job/{}{}`; then delete the Job to have it made anew.",
        site.reference.name,
        site.flag()
    );
    Some(site.stuck(reason, message).remedy(remedy).outlook(Outlook::Final))
}

fn suspended(site: &Site<'_>) -> Option<Cause> {
    let suspended = site.object.pointer("/spec/suspend").and_then(Value::as_bool) == Some(true);
    (suspended && site.reference.kind == "Job").then(|| {
        let remedy = format!(
            "Let it run: `kubectl patch job {}{} -p '{{\"spec\":{{\"suspend\":false}}}}'`.",
            site.reference.name,
            site.flag()
        );
        site.stuck("Suspended", format!("the Job `{}` is suspended", site.reference.name)).remedy(remedy)
    })
}
