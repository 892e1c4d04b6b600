//! The least that somebody must be allowed to for a whole diagnosis, as a `ClusterRole`: made from the list of kinds that are read.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::checks;
use super::evidence::resources;

/// The name of the role.
const NAME: &str = "seaworthy-reader";
/// `watch` is for `doctor --watch` and home.
const VERBS: &str = "[list, watch]";

/// The role as YAML, to be applied as it is.
pub fn cluster_role() -> String {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for resource in resources().filter(|resource| resource.kind != "Secret") {
        groups.entry(resource.group).or_default().push(resource.plural);
    }
    let mut text = format!(
        "# What `seaworthy doctor` and `why` read. Of a kind that is not here, such as a RoleBinding, `why` reads the object that it\n\
         # is asked about and what that refers to: add those kinds where they shall be explained.\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\n\
         metadata:\n  name: {NAME}\nrules:\n"
    );
    for (group, mut plurals) in groups {
        plurals.sort();
        rule(&mut text, &group, &plurals.join(", "), VERBS);
    }
    text.push_str("  # Which cluster it is.\n  - apiGroups: [\"\"]\n    resources: [namespaces]\n    resourceNames: [kube-system]\n    verbs: [get]\n");
    text.push_str("  # Last words of containers that end or are not ready.\n");
    rule(&mut text, "", "pods/log", "[get]");
    let _ = write!(
        text,
        "  # Kubernetes cannot allow the names of Secrets alone: who may list them is sent the values as well. They are dropped as they\n  \
         # are read; names of keys and the public part of certificates stay. Without this rule these checks cannot tell:\n  # {}.\n",
        blind_without_secrets().join(", ")
    );
    rule(&mut text, "", "secrets", VERBS);
    text.push_str("  # The version, the clock, and how the API server is.\n  - nonResourceURLs: [/version, /readyz]\n    verbs: [get]\n");
    text
}

/// The checks that read Secrets.
fn blind_without_secrets() -> Vec<&'static str> {
    let mut ids: Vec<&str> =
        checks::all().filter(|check| check.reads.contains(&"Secret")).map(|check| check.id).collect();
    ids.sort_unstable();
    ids
}

fn rule(text: &mut String, group: &str, resources: &str, verbs: &str) {
    let group = if group.is_empty() { "\"\"" } else { group };
    let _ = write!(text, "  - apiGroups: [{group}]\n    resources: [{resources}]\n    verbs: {verbs}\n");
}

#[cfg(test)]
mod tests;
