//! Workloads and what goes with them. Source: `pkg/apis/{apps,batch,policy,autoscaling}/validation`, 1.34.

use serde_json::{Value, json};

use super::{Faults, invalid, pod};
use crate::object::{items, number, text};
use crate::snapshot::placing::matches;

/// A workload that selects the pods it makes.
pub(super) fn selected(object: &Value, faults: &mut Faults) {
    let (spec, labels) = (&object["spec"], &object["spec"]["template"]["metadata"]["labels"]);
    if number(object, "/spec/replicas").is_some_and(|count| count < 0) {
        faults.push(("spec.replicas".to_owned(), invalid(&spec["replicas"], "must be greater than or equal to 0")));
    }
    let has_selector = spec["selector"].is_object();
    if !has_selector {
        faults.push(("spec.selector".to_owned(), "Required value".to_owned()));
    }
    if !has_selector || !matches(&spec["selector"], labels) {
        let fault = invalid(labels, "`selector` does not match template `labels`");
        faults.push(("spec.template.metadata.labels".to_owned(), fault));
    }
    let claims: Vec<&str> =
        items(object, "/spec/volumeClaimTemplates").filter_map(|claim| text(claim, "/metadata/name")).collect();
    pod::spec_with(&spec["template"]["spec"], "spec.template.spec", &claims, faults);
}

/// A job's pods end.
pub(super) fn job(object: &Value, faults: &mut Faults) {
    ending(&object["spec"]["template"]["spec"], "spec.template.spec", faults);
}

fn ending(spec: &Value, at: &str, faults: &mut Faults) {
    pod::spec(spec, at, faults);
    if !["OnFailure", "Never"].contains(&text(spec, "/restartPolicy").unwrap_or_default()) {
        faults
            .push((format!("{at}.restartPolicy"), "Required value: valid values: \"OnFailure\", \"Never\"".to_owned()));
    }
}

/// Five fields or a word make a schedule.
pub(super) fn cron_job(object: &Value, faults: &mut Faults) {
    let schedule = text(object, "/spec/schedule").unwrap_or_default();
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    if !schedule.starts_with('@') && fields.len() != 5 {
        let fault = format!("expected exactly 5 fields, found {}: [{}]", fields.len(), fields.join(" "));
        faults.push(("spec.schedule".to_owned(), invalid(json!(schedule), &fault)));
    }
    ending(&object["spec"]["jobTemplate"]["spec"]["template"]["spec"], "spec.jobTemplate.spec.template.spec", faults);
}

/// A budget has one bound.
pub(super) fn budget(object: &Value, faults: &mut Faults) {
    let spec = &object["spec"];
    if spec.get("minAvailable").is_some() && spec.get("maxUnavailable").is_some() {
        let shown = json!({"MinAvailable": spec["minAvailable"], "Selector": spec["selector"],
            "MaxUnavailable": spec["maxUnavailable"], "UnhealthyPodEvictionPolicy": spec["unhealthyPodEvictionPolicy"]});
        let fault = invalid(shown, "minAvailable and maxUnavailable cannot be both set");
        faults.push(("spec".to_owned(), fault));
    }
}

/// An autoscaler has room between its bounds.
pub(super) fn autoscaler(object: &Value, faults: &mut Faults) {
    let count = |pointer| number(object, pointer).unwrap_or(0);
    let (least, most) = (count("/spec/minReplicas"), count("/spec/maxReplicas"));
    if most < least {
        let fault = invalid(most, "must be greater than or equal to `minReplicas`");
        faults.push(("spec.maxReplicas".to_owned(), fault));
    }
}
