//! The Pod Security Standards that a namespace enforces by its labels. Source: the admission plugin `PodSecurity`,
//! `k8s.io/pod-security-admission` 0.34. Only pods are refused, under `enforce`; under `warn` the template of a workload is judged, too.
//! `audit` has no effect: there is no log of it.

mod baseline;
mod restricted;

use std::collections::BTreeMap;

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

/// What a namespace enforces, or warns of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Policy {
    level: Level,
    version: Version,
}

impl Policy {
    /// What the labels say; what they say wrongly is taken for the strictest.
    fn enforced(namespace: &Value) -> Self {
        Self {
            level: label(namespace, "enforce")
                .map_or(Level::Privileged, |text| level(text).unwrap_or(Level::Restricted)),
            version: label(namespace, "enforce-version").and_then(version).unwrap_or(Version(None)),
        }
    }

    /// Without a level of its own for warnings, a namespace warns of what it enforces. What is said wrongly is not warned of.
    fn warned_of(namespace: &Value) -> Self {
        let said = label(namespace, "warn-version").map(|text| version(text).unwrap_or(Version(None)));
        let enforced = Self::enforced(namespace);
        let is_valid = label(namespace, "enforce").is_some_and(|text| level(text).is_some());
        match label(namespace, "warn") {
            Some(text) => {
                Self { level: level(text).unwrap_or(Level::Privileged), version: said.unwrap_or(Version(None)) }
            }
            None if is_valid && enforced.level > Level::Privileged => {
                Self { level: enforced.level, version: said.unwrap_or(enforced.version) }
            }
            None => Self { level: Level::Privileged, version: Version(None) },
        }
    }

    fn shown(&self) -> String {
        let level = LEVELS.iter().find(|(_, level)| *level == self.level).map_or("", |(name, _)| name);
        self.version.0.map_or_else(|| format!("{level}:latest"), |minor| format!("{level}:v1.{minor}"))
    }

    /// What is forbidden of a pod, all of it. `None`: nothing.
    fn forbids(&self, pod: &Value) -> Option<String> {
        let said: Vec<String> =
            self.found(pod).into_iter().map(|(reason, detail)| format!("{reason} ({detail})")).collect();
        (!said.is_empty()).then(|| said.join(", "))
    }

    /// Each check that forbids something of a pod, as reason and detail.
    fn found(&self, pod: &Value) -> Vec<(String, String)> {
        let minor = self.version.0.unwrap_or(NEWEST).min(NEWEST);
        let applies = |check: &&Check| check.level <= self.level && check.since <= minor;
        let replaced: Vec<&str> = checks().filter(applies).map(|check| check.replaces).collect();
        let standing = checks().filter(applies).filter(|check| !replaced.contains(&check.name));
        standing.filter_map(|check| (check.judge)(pod, minor)).collect()
    }
}

fn label<'a>(namespace: &'a Value, key: &str) -> Option<&'a str> {
    namespace["metadata"]["labels"][format!("{LABEL}{key}")].as_str()
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

/// Whether there is anything to judge: of what may be changed in a pod only images count.
fn is_new(pod: &Value, live: Option<&Value>) -> bool {
    let images = |pod: &Value| containers(pod).map(|container| container["image"].clone()).collect::<Vec<_>>();
    live.is_none_or(|live| images(live) != images(pod))
}

fn home<'a>(world: &'a World, object: &Value) -> Option<&'a Value> {
    world.find("Namespace", None, text(object, "/metadata/namespace")?)
}

/// What of an object is kept and warned of: a pod below what its namespace warns of, a workload that would make one, and a namespace
/// whose pods are below what it enforces from now on.
pub(super) fn warnings(world: &World, object: &Value, live: Option<&Value>) -> Vec<String> {
    let builtin = ["v1", "apps/v1", "batch/v1"].iter().any(|known| object["apiVersion"] == *known);
    let template = match text(object, "/kind").filter(|_| builtin).unwrap_or_default() {
        "Namespace" => return live.map_or_else(Vec::new, |live| warn_of_pods(world, object, live)),
        "Pod" if is_new(object, live) => object,
        "ReplicationController" | "ReplicaSet" | "Deployment" | "StatefulSet" | "DaemonSet" | "Job" => {
            &object["spec"]["template"]
        }
        "PodTemplate" => &object["template"],
        "CronJob" => &object["spec"]["jobTemplate"]["spec"]["template"],
        _ => return Vec::new(),
    };
    let Some(namespace) = home(world, object).filter(|_| template.is_object()) else { return Vec::new() };
    let policy = Policy::warned_of(namespace);
    let why = policy.forbids(template);
    why.map(|why| format!("would violate PodSecurity {:?}: {why}", policy.shown())).into_iter().collect()
}

/// Pods are left as they are when their namespace becomes stricter; those of one reason are told together, by the first of them.
fn warn_of_pods(world: &World, namespace: &Value, live: &Value) -> Vec<String> {
    let (policy, before) = (Policy::enforced(namespace), Policy::enforced(live));
    let is_looser = policy.version == before.version && policy.level <= before.level;
    if policy == before || policy.level == Level::Privileged || is_looser {
        return Vec::new();
    }
    let name = text(namespace, "/metadata/name").unwrap_or_default();
    let pods = world.store.all("Pod").filter(|pod| text(pod, "/metadata/namespace") == Some(name));
    let mut said: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for pod in pods {
        let reasons: Vec<String> = policy.found(pod).into_iter().map(|(reason, _)| reason).collect();
        if !reasons.is_empty() {
            said.entry(reasons.join(", ")).or_default().push(text(pod, "/metadata/name").unwrap_or_default());
        }
    }
    if said.is_empty() {
        return Vec::new();
    }
    let mut told: Vec<String> = said.iter().map(|(reasons, pods)| format!("{}: {reasons}", together(pods))).collect();
    told.sort();
    let all =
        format!("existing pods in namespace {name:?} violate the new PodSecurity enforce level {:?}", policy.shown());
    told.insert(0, all);
    told
}

/// The first of some pods, and how many others.
fn together(pods: &[&str]) -> String {
    let first = pods.iter().min().copied().unwrap_or_default();
    match pods.len() {
        1 => first.to_owned(),
        2 => format!("{first} (and 1 other pod)"),
        many => format!("{first} (and {} other pods)", many - 1),
    }
}

fn judge_pod(world: &World, pod: &Value, live: Option<&Value>) -> Result<(), Refusal> {
    if !is_new(pod, live) {
        return Ok(());
    }
    let Some(namespace) = home(world, pod) else { return Ok(()) };
    let policy = Policy::enforced(namespace);
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
