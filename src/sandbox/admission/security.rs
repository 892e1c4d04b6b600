//! The Pod Security Standards that a namespace enforces by its labels. Source: the admission plugin `PodSecurity`,
//! `k8s.io/pod-security-admission` 0.34. Only pods are refused, under `enforce`; `audit` and `warn` have no effect here.

mod baseline;
mod restricted;

use serde_json::{Value, json};

use super::forbidden_pod;
use crate::object::{items, text};
use crate::sandbox::refusal::Refusal;
use crate::sandbox::validate::Faults;
use crate::sandbox::world::World;

const LABEL: &str = "pod-security.kubernetes.io/";
/// The newest version of the standards that is known.
const NEWEST: u32 = 34;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Privileged,
    Baseline,
    Restricted,
}

const LEVELS: [(&str, Level); 3] =
    [("privileged", Level::Privileged), ("baseline", Level::Baseline), ("restricted", Level::Restricted)];

/// One check of a standard: what it says of a pod that it forbids, as reason and detail.
struct Check {
    name: &'static str,
    level: Level,
    /// The minor version since which it is part of the standard.
    since: u32,
    /// A check of the baseline in whose place it stands.
    replaces: &'static str,
    judge: fn(&Value, u32) -> Option<(String, String)>,
}

/// All of them, in the order in which they are told: by level, then by the letters of their names.
fn checks() -> impl Iterator<Item = &'static Check> {
    baseline::CHECKS.iter().chain(restricted::CHECKS)
}

/// A version of the standards by its minor number; without one it is the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Version(Option<u32>);

/// What a namespace enforces.
struct Policy {
    level: Level,
    version: Version,
}

impl Policy {
    /// What the labels say; what they say wrongly is taken for the strictest.
    fn of(namespace: &Value) -> Self {
        let label = |key: &str| namespace["metadata"]["labels"][format!("{LABEL}{key}")].as_str();
        Self {
            level: label("enforce").map_or(Level::Privileged, |text| level(text).unwrap_or(Level::Restricted)),
            version: label("enforce-version").and_then(version).unwrap_or(Version(None)),
        }
    }

    fn shown(&self) -> String {
        let level = LEVELS.iter().find(|(_, level)| *level == self.level).map_or("", |(name, _)| name);
        self.version.0.map_or_else(|| format!("{level}:latest"), |minor| format!("{level}:v1.{minor}"))
    }

    /// What is forbidden of a pod, all of it. `None`: nothing.
    fn forbids(&self, pod: &Value) -> Option<String> {
        let minor = self.version.0.unwrap_or(NEWEST).min(NEWEST);
        let applies = |check: &&Check| check.level <= self.level && check.since <= minor;
        let replaced: Vec<&str> = checks().filter(applies).map(|check| check.replaces).collect();
        let said = checks().filter(applies).filter(|check| !replaced.contains(&check.name)).filter_map(|check| {
            let (reason, detail) = (check.judge)(pod, minor)?;
            Some(format!("{reason} ({detail})"))
        });
        let said: Vec<String> = said.collect();
        (!said.is_empty()).then(|| said.join(", "))
    }
}

fn level(text: &str) -> Option<Level> {
    LEVELS.iter().find(|(name, _)| *name == text).map(|(_, level)| *level)
}

/// `latest` or `v1.34`.
fn version(text: &str) -> Option<Version> {
    if text == "latest" {
        return Some(Version(None));
    }
    let minor = text.strip_prefix("v1.")?;
    let is_written_so = minor == "0" || minor.starts_with(|letter: char| ('1'..='9').contains(&letter));
    minor.parse().ok().filter(|_| is_written_so).map(|minor| Version(Some(minor)))
}

/// Refuses a pod below the standard of its namespace, and labels of namespaces that name none.
pub(super) fn judge(world: &World, object: &Value, live: Option<&Value>) -> Result<(), Refusal> {
    match text(object, "/kind") {
        Some("Pod") if text(object, "/apiVersion") == Some("v1") => judge_pod(world, object, live),
        Some("Namespace") => judge_labels(object, live),
        _ => Ok(()),
    }
}

fn judge_pod(world: &World, pod: &Value, live: Option<&Value>) -> Result<(), Refusal> {
    // Of what may be changed in a pod only images count.
    let images = |pod: &Value| containers(pod).map(|container| container["image"].clone()).collect::<Vec<_>>();
    if live.is_some_and(|live| images(live) == images(pod)) {
        return Ok(());
    }
    let Some(namespace) = world.find("Namespace", None, text(pod, "/metadata/namespace").unwrap_or_default()) else {
        return Ok(());
    };
    let policy = Policy::of(namespace);
    match policy.forbids(pod) {
        Some(why) => Err(forbidden_pod(pod, &format!("violates PodSecurity {:?}: {why}", policy.shown()))),
        None => Ok(()),
    }
}

/// Labels that name no standard are refused when they come, and not held against a namespace that has them.
fn judge_labels(namespace: &Value, live: Option<&Value>) -> Result<(), Refusal> {
    let faults = faults(namespace);
    if faults.is_empty() || live.is_some_and(|live| self::faults(live) == faults) {
        return Ok(());
    }
    Err(Refusal::invalid("Namespace", "", text(namespace, "/metadata/name").unwrap_or_default(), &faults))
}

fn faults(namespace: &Value) -> Faults {
    let mut faults = Faults::new();
    for mode in ["enforce", "audit", "warn"] {
        for (key, is_version) in [(format!("{LABEL}{mode}"), false), (format!("{LABEL}{mode}-version"), true)] {
            let Some(value) = namespace["metadata"]["labels"][&key].as_str() else { continue };
            let (is_known, fault) = if is_version {
                (version(value).is_some(), "must be \"latest\" or \"v1.x\"")
            } else {
                (level(value).is_some(), "must be one of privileged, baseline, restricted")
            };
            if is_known {
                continue;
            }
            faults.push((format!("metadata.labels[{key}]"), format!("Invalid value: {}: {fault}", json!(value))));
        }
    }
    faults
}

/// All containers of a pod, in the order in which they are told.
fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    super::containers(pod).chain(items(pod, "/spec/ephemeralContainers"))
}

/// The names of the containers of which something is true.
fn those(pod: &Value, is_so: impl Fn(&Value) -> bool) -> Vec<&str> {
    containers(pod).filter(|container| is_so(container)).filter_map(|container| text(container, "/name")).collect()
}

fn quoted<T: AsRef<str>>(words: impl IntoIterator<Item = T>) -> String {
    words.into_iter().map(|word| format!("\"{}\"", word.as_ref())).collect::<Vec<_>>().join(", ")
}

/// `word` or `words`.
fn plural(word: &str, count: usize) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}

/// What so many of something do.
fn uses(count: usize) -> &'static str {
    if count == 1 { "uses" } else { "use" }
}

/// `container "a"`, `containers "a", "b"`.
fn named(names: &[&str]) -> String {
    format!("{} {}", plural("container", names.len()), quoted(names))
}

/// Who sets something: the pod itself, some containers. `None`: nobody.
fn setters(of_pod: bool, names: &[&str]) -> Option<String> {
    let containers = (!names.is_empty()).then(|| named(names));
    let all: Vec<String> = of_pod.then(|| "pod".to_owned()).into_iter().chain(containers).collect();
    (!all.is_empty()).then(|| all.join(" and "))
}

/// What the pod itself and its containers say in a field of their security contexts, where they say anything.
fn said<'a>(holder: &'a Value, field: &str) -> Option<&'a Value> {
    holder.pointer(&format!("/securityContext{field}")).filter(|value| !value.is_null())
}

#[cfg(test)]
mod tests;
