//! Quotas and limit ranges. Source: `ValidateResourceQuota` and `ValidateLimitRange` in `pkg/apis/core/validation/validation.go`, 1.34.

use serde_json::{Value, json};

use super::{Faults, invalid};
use crate::object::{items, text};
use crate::sandbox::amount::Amount;

/// What a quota may count without a group of its own.
const COUNTED: [&str; 9] = [
    "configmaps",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "services",
    "services.loadbalancers",
    "services.nodeports",
];
const MEASURED: [&str; 10] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.storage",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
];
/// Scopes of which an object cannot be in both.
const OPPOSITES: [(&str, &str); 2] = [("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating")];
const OTHER_SCOPES: [&str; 3] = ["PriorityClass", "CrossNamespacePodAffinity", "VolumeAttributesClass"];

/// What does not fit in a quota.
pub(super) fn quota(object: &Value, faults: &mut Faults) {
    for (name, value) in object["spec"]["hard"].as_object().into_iter().flatten() {
        let field = format!("spec.hard[{name}]");
        let amount = Amount::of(value).unwrap_or_default();
        let is_known = COUNTED.contains(&name.as_str()) || MEASURED.contains(&name.as_str());
        let is_huge = name.strip_prefix("requests.").unwrap_or(name).starts_with("hugepages-");
        if !name.contains('/') && !is_known && !is_huge {
            faults.push((field.clone(), invalid(json!(name), "must be a standard resource for quota")));
        }
        if amount.nano() < 0 {
            let value = json!(amount.to_string());
            faults.push((field.clone(), invalid(value, "must be greater than or equal to 0")));
        }
        if COUNTED.contains(&name.as_str()) && amount.nano() % 1_000_000_000 != 0 {
            faults.push((field, invalid(json!(amount.to_string()), "must be an integer")));
        }
    }
    let scopes: Vec<&str> = items(object, "/spec/scopes").filter_map(Value::as_str).collect();
    let has = |scope: &str| scopes.contains(&scope);
    let is_known = |scope: &&str| {
        OTHER_SCOPES.contains(scope) || OPPOSITES.iter().any(|(one, other)| one == scope || other == scope)
    };
    let shown = &object["spec"]["scopes"];
    for _ in scopes.iter().filter(|scope| !is_known(scope)) {
        faults.push(("spec.scopes".to_owned(), invalid(shown, "unsupported scope")));
    }
    for _ in OPPOSITES.iter().filter(|(one, other)| has(one) && has(other)) {
        faults.push(("spec.scopes".to_owned(), invalid(shown, "conflicting scopes")));
    }
}

/// What does not fit in a limit range: types, and values that contradict each other.
pub(super) fn limit_range(object: &Value, faults: &mut Faults) {
    let mut seen: Vec<&str> = Vec::new();
    for (index, limit) in items(object, "/spec/limits").enumerate() {
        let field = |name: &str| format!("spec.limits[{index}].{name}");
        let kind = text(limit, "/type").unwrap_or_default();
        if !kind.contains('/') && !["Pod", "Container", "PersistentVolumeClaim"].contains(&kind) {
            let fault = invalid(json!(kind), "must be a standard limit type or fully qualified");
            faults.push((field("type"), fault));
        }
        if seen.contains(&kind) {
            faults.push((field("type"), format!("Duplicate value: {}", json!(kind))));
        }
        seen.push(kind);
        let is_there = |part: &str| limit[part].as_object().is_some_and(|map| !map.is_empty());
        if kind == "Pod" {
            for part in ["default", "defaultRequest"].into_iter().filter(|part| is_there(part)) {
                let fault = "Forbidden: may not be specified when `type` is 'Pod'";
                faults.push((field(part), fault.to_owned()));
            }
        }
        if kind == "PersistentVolumeClaim" && ["min", "max"].iter().all(|part| limit[*part].get("storage").is_none()) {
            let fault = "Required value: either minimum or maximum storage value is required, but neither was provided";
            faults.push((field("limits"), fault.to_owned()));
        }
        contradictions(limit, &format!("spec.limits[{index}]"), faults);
    }
}

/// Pairs of which the first must not be more than the second: where the fault stands, whose value is shown, and what each is called.
const ORDER: [(&str, &str, &str, &str, &str, &str); 6] = [
    ("min", "max", "min", "min", "min value", "max value"),
    ("min", "defaultRequest", "defaultRequest", "defaultRequest", "min value", "default request value"),
    ("defaultRequest", "max", "defaultRequest", "defaultRequest", "default request value", "max value"),
    ("defaultRequest", "default", "defaultRequest", "defaultRequest", "default request value", "default limit value"),
    ("min", "default", "default", "min", "min value", "default value"),
    ("default", "max", "default", "max", "default value", "max value"),
];

fn contradictions(limit: &Value, at: &str, faults: &mut Faults) {
    let parts = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"];
    let named = parts.iter().filter_map(|part| limit[*part].as_object()).flat_map(|map| map.keys());
    let resources: std::collections::BTreeSet<&String> = named.collect();
    for resource in resources {
        let amount = |part: &str| limit[part].get(resource).and_then(Amount::of);
        for (less, more, field, shown, less_word, more_word) in ORDER {
            let (Some(less), Some(more), Some(shown)) = (amount(less), amount(more), amount(shown)) else { continue };
            if less.nano() > more.nano() {
                let fault = format!("{less_word} {less} is greater than {more_word} {more}");
                faults.push((format!("{at}.{field}[{resource}]"), invalid(json!(shown.to_string()), &fault)));
            }
        }
        if let Some(ratio) = amount("maxLimitRequestRatio").filter(|ratio| ratio.nano() < 1_000_000_000) {
            let fault = format!("ratio {ratio} is less than 1");
            faults.push((format!("{at}.maxLimitRequestRatio[{resource}]"), invalid(json!(ratio.to_string()), &fault)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(look: fn(&Value, &mut Faults), spec: &Value) -> Vec<String> {
        let mut faults = Faults::new();
        look(&json!({"spec": spec}), &mut faults);
        faults.into_iter().map(|(field, fault)| format!("{field}: {fault}")).collect()
    }

    #[test]
    fn a_quota_counts_what_can_be_counted() {
        let good = json!({"hard": {"pods": "5", "limits.cpu": "1500m", "count/boats.sea": "1", "requests.hugepages-2Mi": "1"}, "scopes": ["BestEffort"]});
        assert!(told(quota, &good).is_empty());
        assert_eq!(
            told(
                quota,
                &json!({"hard": {"boats": "1", "pods": "1500m", "secrets": "-1"}, "scopes": ["Terminating", "NotTerminating", "Odd"]})
            ),
            [
                "spec.hard[boats]: Invalid value: \"boats\": must be a standard resource for quota",
                "spec.hard[pods]: Invalid value: \"1500m\": must be an integer",
                "spec.hard[secrets]: Invalid value: \"-1\": must be greater than or equal to 0",
                "spec.scopes: Invalid value: [\"Terminating\",\"NotTerminating\",\"Odd\"]: unsupported scope",
                "spec.scopes: Invalid value: [\"Terminating\",\"NotTerminating\",\"Odd\"]: conflicting scopes",
            ]
        );
    }

    #[test]
    fn a_limit_range_does_not_contradict_itself() {
        let limits = json!({"limits": [
            {"type": "Container", "min": {"cpu": "2"}, "max": {"cpu": "1"}, "maxLimitRequestRatio": {"cpu": "500m"}},
            {"type": "Container"}, {"type": "Pod", "default": {"cpu": "1"}}, {"type": "PersistentVolumeClaim"}, {"type": "Odd"}]});
        assert_eq!(
            told(limit_range, &limits),
            [
                "spec.limits[0].min[cpu]: Invalid value: \"2\": min value 2 is greater than max value 1",
                "spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: \"500m\": ratio 500m is less than 1",
                "spec.limits[1].type: Duplicate value: \"Container\"",
                "spec.limits[2].default: Forbidden: may not be specified when `type` is 'Pod'",
                "spec.limits[3].limits: Required value: either minimum or maximum storage value is required, but neither was provided",
                "spec.limits[4].type: Invalid value: \"Odd\": must be a standard limit type or fully qualified",
            ]
        );
        assert!(
            told(
                limit_range,
                &json!({"limits": [{"type": "Container", "min": {"cpu": "1"}, "max": {"cpu": "1000m"}}]})
            )
            .is_empty()
        );
    }
}
