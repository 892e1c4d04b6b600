//! Configurations of webhooks. Source: `pkg/apis/admissionregistration/validation/validation.go`, 1.34.

use serde_json::{Value, json};

use super::name::SUBDOMAIN;
use super::{Faults, PORT, invalid};
use crate::object::{items, number, text};
use crate::sandbox::refusal::unsupported;
use crate::stack::names::is_subdomain;

/// Fields of which each has one of a few values, in the order in which they are judged.
const CHOICES: [(&str, &[&str]); 3] = [
    ("failurePolicy", &["Fail", "Ignore"]),
    ("matchPolicy", &["Equivalent", "Exact"]),
    ("sideEffects", &["None", "NoneOnDryRun"]),
];
const OPERATIONS: &[&str] = &["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
const SCOPES: &[&str] = &["*", "Cluster", "Namespaced"];
/// What a webhook may be asked in.
const REVIEWS: [&str; 2] = ["v1", "v1beta1"];
const FORM: &str = "; desired format: https://host[/path]";

/// What does not fit in a configuration.
pub(super) fn all(object: &Value, faults: &mut Faults) {
    let mut names: Vec<&str> = Vec::new();
    for (index, hook) in items(object, "/webhooks").enumerate() {
        let field = format!("webhooks[{index}]");
        one(hook, &field, faults);
        reviews(hook, &format!("{field}.admissionReviewVersions"), faults);
        let name = text(hook, "/name").unwrap_or_default();
        if names.contains(&name) {
            faults.push((format!("{field}.name"), format!("Duplicate value: {}", json!(name))));
        }
        names.push(name);
    }
}

fn one(hook: &Value, field: &str, faults: &mut Faults) {
    name(text(hook, "/name").unwrap_or_default(), format!("{field}.name"), faults);
    for (index, rule) in items(hook, "/rules").enumerate() {
        self::rule(rule, &format!("{field}.rules[{index}]"), faults);
    }
    for (name, known) in CHOICES {
        match text(hook, &format!("/{name}")) {
            None if name == "sideEffects" => {
                let fault = format!("Required value: must specify one of {}", known.join(", "));
                faults.push((format!("{field}.{name}"), fault));
            }
            value => choice(value, known, format!("{field}.{name}"), faults),
        }
    }
    if let Some(seconds) = number(hook, "/timeoutSeconds").filter(|seconds| !(1..=30).contains(seconds)) {
        let fault = invalid(seconds, "the timeout value must be between 1 and 30 seconds");
        faults.push((format!("{field}.timeoutSeconds"), fault));
    }
    choice(text(hook, "/reinvocationPolicy"), &["IfNeeded", "Never"], format!("{field}.reinvocationPolicy"), faults);
    client(&hook["clientConfig"], &format!("{field}.clientConfig"), faults);
}

fn name(name: &str, field: String, faults: &mut Faults) {
    if name.is_empty() {
        faults.push((field, "Required value".to_owned()));
    } else if !is_subdomain(name) {
        faults.push((field, invalid(json!(name), SUBDOMAIN)));
    } else if name.split('.').count() < 3 {
        faults.push((field, invalid(json!(name), "should be a domain with at least three segments separated by dots")));
    }
}

/// A value that is there is one of those that there are.
fn choice(value: Option<&str>, known: &[&str], field: String, faults: &mut Faults) {
    if let Some(value) = value.filter(|value| !known.contains(value)) {
        faults.push((field, unsupported(json!(value), known.iter().map(|known| json!(known)))));
    }
}

fn rule(rule: &Value, field: &str, faults: &mut Faults) {
    let everything = |list: &str| items(rule, &format!("/{list}")).any(|item| item == "*");
    let count = |list: &str| items(rule, &format!("/{list}")).count();
    let lists = [("operations", "operations"), ("apiGroups", "API groups"), ("apiVersions", "API versions")];
    for (list, what) in lists {
        if count(list) == 0 {
            faults.push((format!("{field}.{list}"), "Required value".to_owned()));
        } else if count(list) > 1 && everything(list) {
            let fault = format!("if '*' is present, must not specify other {what}");
            faults.push((format!("{field}.{list}"), invalid(&rule[list], &fault)));
        }
        for (index, item) in items(rule, &format!("/{list}")).enumerate() {
            match list {
                "operations" => choice(item.as_str(), OPERATIONS, format!("{field}.{list}[{index}]"), faults),
                "apiVersions" if item == "" => {
                    faults.push((format!("{field}.{list}[{index}]"), "Required value".to_owned()));
                }
                _ => {}
            }
        }
    }
    resources(rule, &format!("{field}.resources"), faults);
    choice(text(rule, "/scope"), SCOPES, format!("{field}.scope"), faults);
}

fn resources(rule: &Value, field: &str, faults: &mut Faults) {
    let all: Vec<&str> = items(rule, "/resources").filter_map(Value::as_str).collect();
    if all.is_empty() {
        faults.push((field.to_owned(), "Required value".to_owned()));
    }
    for (index, resource) in all.iter().enumerate() {
        let (before, place) = (&all[..index], format!("{field}[{index}]"));
        if resource.is_empty() {
            faults.push((place, "Required value".to_owned()));
            continue;
        }
        let Some((kind, sub)) = resource.split_once('/') else { continue };
        for wide in [format!("{kind}/*"), format!("*/{sub}")] {
            if before.contains(&wide.as_str()) {
                let fault = format!("if '{wide}' is present, must not specify {resource}");
                faults.push((place.clone(), invalid(json!(resource), &fault)));
            }
        }
    }
    if all.len() > 1 && all.contains(&"*/*") {
        let fault = "if '*/*' is present, must not specify other resources";
        faults.push((field.to_owned(), invalid(&rule["resources"], fault)));
    }
    // What is named last without a part decides, as it does there.
    let last = all.iter().rev().find(|resource| !resource.contains('/') && !resource.is_empty());
    if all.contains(&"*") && last.is_some_and(|last| *last != "*") {
        let fault = "if '*' is present, must not specify other resources without subresources";
        faults.push((field.to_owned(), invalid(&rule["resources"], fault)));
    }
}

fn client(client: &Value, field: &str, faults: &mut Faults) {
    match (text(client, "/url"), client.get("service").filter(|service| !service.is_null())) {
        (Some(url), None) => self::url(url, &format!("{field}.url"), faults),
        (None, Some(service)) => self::service(service, &format!("{field}.service"), faults),
        _ => faults.push((field.to_owned(), "Required value: exactly one of url or service is required".to_owned())),
    }
}

fn url(url: &str, field: &str, faults: &mut Faults) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let end = |letter: char| "/?#".contains(letter);
    let host = rest.split(end).next().filter(|_| !scheme.is_empty()).unwrap_or_default();
    let (user, host) = host.rsplit_once('@').map_or((None, host), |(user, host)| (Some(user), host));
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    let mut refuse = |value: &str, fault: &str| faults.push((field.to_owned(), invalid(json!(value), fault)));
    if scheme != "https" {
        refuse(scheme, &format!("'https' is the only allowed URL scheme{FORM}"));
    }
    if host.is_empty() {
        refuse(host, &format!("host must be specified{FORM}"));
    }
    if let Some(user) = user {
        refuse(user, "user information is not permitted in the URL");
    }
    if !fragment.is_empty() {
        refuse(fragment, "fragments are not permitted in the URL");
    }
    if !query.is_empty() {
        refuse(query, "query parameters are not permitted in the URL");
    }
}

fn service(service: &Value, field: &str, faults: &mut Faults) {
    for key in ["name", "namespace"] {
        if text(service, &format!("/{key}")).is_none_or(str::is_empty) {
            faults.push((format!("{field}.{key}"), "Required value".to_owned()));
        }
    }
    if let Some(port) = number(service, "/port").filter(|port| !(1..=65535).contains(port)) {
        faults.push((format!("{field}.port"), invalid(port, &format!("port is not valid: {PORT}"))));
    }
    let path = text(service, "/path").filter(|path| !["", "/"].contains(path));
    let Some(path) = path else { return };
    let mut refuse = |fault: &str| faults.push((format!("{field}.path"), invalid(json!(path), fault)));
    if path == "//" {
        return refuse("segment[0] may not be empty");
    }
    if !path.starts_with('/') {
        refuse("must start with a '/'");
    }
    let steps = path.get(1..).unwrap_or_default();
    for (index, step) in steps.strip_suffix('/').unwrap_or(steps).split('/').enumerate() {
        if step.is_empty() {
            refuse(&format!("segment[{index}] may not be empty"));
        }
    }
}

fn reviews(hook: &Value, field: &str, faults: &mut Faults) {
    let all: Vec<&str> = items(hook, "/admissionReviewVersions").filter_map(Value::as_str).collect();
    let known = REVIEWS.join(", ");
    if all.is_empty() {
        faults.push((field.to_owned(), format!("Required value: must specify one of {known}")));
        return;
    }
    for (index, version) in all.iter().enumerate().filter(|(index, version)| all[..*index].contains(version)) {
        faults.push((format!("{field}[{index}]"), invalid(json!(version), "duplicate version")));
    }
    if !all.iter().any(|version| REVIEWS.contains(version)) {
        let fault = format!("must include at least one of {known}");
        faults.push((field.to_owned(), invalid(&hook["admissionReviewVersions"], &fault)));
    }
}
