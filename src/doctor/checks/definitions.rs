//! Definitions of custom resources that stop what uses them.

use serde_json::Value;

use super::services::ready_endpoints;
use super::{each, each_that, looks};
use crate::doctor::check::{Check, Severity, Verdict};
use crate::doctor::evidence::Evidence;
use crate::doctor::finding::Finding;
use crate::object::{ObjectRef, items, text};

const DEFINITION: (&str, &str) = ("apiextensions.k8s.io", "CustomResourceDefinition");

/// The rows.
pub(super) const ROWS: &[Check] = &[
    looks(
        ("X008", Severity::Error, "the webhook that converts a custom resource is down"),
        [
            "Objects of the kind are converted between versions by a webhook, and no pod behind it is ready: they cannot be listed, and \
            nothing that lists all kinds gets on, such as the deletion of a namespace.",
            "Bring its server back, `kubectl get pods -n NAMESPACE`, or install it again.",
            "a definition that converts nothing, and a webhook outside of the cluster (`url`).",
        ],
        &["CustomResourceDefinition", "Service", "EndpointSlice"],
        no_converter,
    ),
    looks(
        ("X009", Severity::Warning, "a custom resource is kept in a version that is not served"),
        [
            "Objects of the kind may still lie in etcd in a version that the definition no longer serves: the next version of it that drops \
            the version is refused.",
            "Write every object once more, `kubectl get NAME -A -o json | kubectl replace -f -`; then take the version out of \
            `status.storedVersions`.",
            "an older version that is still served.",
        ],
        &["CustomResourceDefinition"],
        unserved,
    ),
];

fn no_converter(evidence: &Evidence) -> Verdict {
    let converts = |definition: &Value| definition.pointer("/spec/conversion/webhook/clientConfig/service").is_some();
    each_that(evidence, DEFINITION, converts, |definition, reference| {
        let service = definition.pointer("/spec/conversion/webhook/clientConfig/service")?;
        let service = ObjectRef::new("v1", "Service", text(service, "/namespace"), text(service, "/name")?);
        let namespace = service.namespace.clone().unwrap_or_default();
        let what = if evidence.knows("Service", &namespace) && evidence.snapshot.get(&service).is_none() {
            "does not exist"
        } else if ready_endpoints(&service, evidence)? == 0 {
            "has no pod that is ready"
        } else {
            return None;
        };
        let message = format!(
            "{} is converted by the Service {namespace}/{}, which {what}: it cannot be listed",
            reference.name, service.name
        );
        let fix = format!("Bring its server back, or install it again: `kubectl get pods -n {namespace}`.");
        Some(Finding::new(reference, "ConversionWebhookDown", message).fix(fix))
    })
}

fn unserved(evidence: &Evidence) -> Verdict {
    each(evidence, DEFINITION, |definition, reference| {
        let served = |version: &str| {
            items(definition, "/spec/versions").any(|one| one["name"] == version && one["served"] == true)
        };
        let stored = items(definition, "/status/storedVersions").filter_map(Value::as_str);
        let lost: Vec<&str> = stored.filter(|version| !served(version)).collect();
        (!lost.is_empty()).then(|| {
            let message =
                format!("objects of {} may be kept as {}, which is not served", reference.name, lost.join(", "));
            let kept = items(definition, "/spec/versions").find(|one| one["storage"] == true);
            let kept = kept.and_then(|one| text(one, "/name")).unwrap_or("VERSION");
            let name = &reference.name;
            let fix = format!(
                "Write them once more: `kubectl get {name} -A -o json | kubectl replace -f -`; then `kubectl patch crd {name} \
                --subresource=status --type=merge -p '{{\"status\":{{\"storedVersions\":[\"{kept}\"]}}}}'`."
            );
            Finding::new(reference, "StoredVersionNotServed", message).fix(fix)
        })
    })
}
