//! What pods read of ConfigMaps and Secrets, while they run.

use std::collections::BTreeMap;

use serde_json::Value;

use super::volumes::{has_just_started, run};
use super::{installed, looks};
use crate::doctor::check::{Check, Severity, Verdict};
use crate::doctor::evidence::Evidence;
use crate::doctor::finding::Finding;
use crate::doctor::stall::creates;
use crate::doctor::stall::words::in_namespace;
use crate::object::{ObjectRef, items, text};
use crate::references::{Need, of_pods};

/// The rows.
pub(super) const ROWS: &[Check] = &[looks(
    ("F011", Severity::Error, "a ConfigMap or Secret that running pods need is gone"),
    [
        "Somebody deleted it while pods run that read it. They go on with what they have read; the next one that starts waits for it for ever.",
        "Make it again before anything restarts: with `seaworthy upgrade STACK` where a stack brought it. What a pod has mounted can still be \
        read there: `kubectl exec POD -- cat FILE`.",
        "a reference that is optional, a pod that waits for it already (F001, F002), and one that has just started: it may be younger than the list.",
    ],
    &["Pod", "ConfigMap", "Secret"],
    gone,
)];

fn gone(evidence: &Evidence) -> Verdict {
    let mut gone: BTreeMap<ObjectRef, Vec<ObjectRef>> = BTreeMap::new();
    let pods = evidence.snapshot.of_kind("", "Pod").filter(|pod| runs(pod) && !has_just_started(pod, evidence));
    let mut looked = 0;
    for pod in pods {
        let namespace = text(pod, "/metadata/namespace").unwrap_or_default();
        let Some((spec, own)) = pod.get("spec").zip(ObjectRef::of(pod)) else { continue };
        let needs = of_pods(spec).into_iter().filter(|one| one.need == Need::Required);
        for one in needs.filter(|one| ["ConfigMap", "Secret"].contains(&one.kind)) {
            looked += 1;
            let object = ObjectRef::new("v1", one.kind, Some(namespace), one.name);
            if evidence.knows(one.kind, namespace) && evidence.snapshot.get(&object).is_none() {
                let pods = gone.entry(object).or_default();
                if !pods.contains(&own) {
                    pods.push(own.clone());
                }
            }
        }
    }
    Verdict::of(looked, gone.into_iter().map(|(object, pods)| finding(object, pods, evidence)).collect())
}

/// Whether its containers have been set up: then it has read what it needs.
fn runs(pod: &Value) -> bool {
    let waits = |status: &Value| text(status, "/state/waiting/reason") == Some("CreateContainerConfigError");
    let mut statuses = items(pod, "/status/containerStatuses").chain(items(pod, "/status/initContainerStatuses"));
    text(pod, "/status/phase") == Some("Running") && !statuses.any(waits)
}

fn finding(object: ObjectRef, pods: Vec<ObjectRef>, evidence: &Evidence) -> Finding {
    let message = format!(
        "the {} `{}` is not there, and {} with it; whatever starts anew waits for it",
        object.kind,
        object.name,
        run(&pods)
    );
    let place = in_namespace(object.namespace.as_deref());
    let fix = match installed::stack_of(&object, &evidence.snapshot) {
        Some(stack) => {
            format!("Put it back before they restart: `seaworthy upgrade {stack}{place}`, with the values of before.")
        }
        None => format!(
            "Make it again before they restart: `{} {}{place} --from-file=KEY=FILE`.",
            creates(&object.kind),
            object.name
        ),
    };
    let mut finding = Finding::new(object, "Gone", message).fix(fix);
    finding.symptoms = pods;
    finding
}
