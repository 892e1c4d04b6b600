//! The spec of a pod. Source: `pkg/apis/core/validation/validation.go`, 1.34.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Faults, invalid, port};
use crate::object::{items, text};
use crate::stack::quantity;

/// What does not fit in a pod's spec, which stands at `at`.
pub(super) fn spec(spec: &Value, at: &str, faults: &mut Faults) {
    spec_with(spec, at, &[], faults);
}

/// The same with volumes that come from elsewhere: the claims of a stateful set.
pub(super) fn spec_with(spec: &Value, at: &str, claims: &[&str], faults: &mut Faults) {
    if items(spec, "/containers").next().is_none() {
        faults.push((format!("{at}.containers"), "Required value".to_owned()));
    }
    let volumes = items(spec, "/volumes").filter_map(|volume| text(volume, "/name"));
    let volumes: BTreeSet<&str> = volumes.chain(claims.iter().copied()).collect();
    let mut names = BTreeSet::new();
    for list in ["containers", "initContainers"] {
        for (index, container) in items(spec, &format!("/{list}")).enumerate() {
            let place = format!("{at}.{list}[{index}]");
            let name = text(container, "/name").unwrap_or_default();
            if name.is_empty() {
                faults.push((format!("{place}.name"), "Required value".to_owned()));
            } else if !names.insert(name.to_owned()) {
                faults.push((format!("{place}.name"), format!("Duplicate value: {}", json!(name))));
            }
            one(container, &place, &volumes, faults);
        }
    }
}

fn one(container: &Value, place: &str, volumes: &BTreeSet<&str>, faults: &mut Faults) {
    if text(container, "/image").is_none_or(str::is_empty) {
        faults.push((format!("{place}.image"), "Required value".to_owned()));
    }
    for (index, entry) in items(container, "/ports").enumerate() {
        port(faults, format!("{place}.ports[{index}].containerPort"), &entry["containerPort"]);
    }
    for (index, mount) in items(container, "/volumeMounts").enumerate() {
        let name = text(mount, "/name").unwrap_or_default();
        if !volumes.contains(name) {
            faults.push((format!("{place}.volumeMounts[{index}].name"), format!("Not found: {}", json!(name))));
        }
    }
    for (resource, limit) in container["resources"]["limits"].as_object().into_iter().flatten() {
        let request = &container["resources"]["requests"][resource];
        let size = |value: &Value| value.as_str().and_then(quantity::parse);
        if size(request) > size(limit) {
            let shown = limit.as_str().unwrap_or_default();
            let fault = format!("must be less than or equal to {resource} limit of {shown}");
            faults.push((format!("{place}.resources.requests"), invalid(request, &fault)));
        }
    }
}
