//! What pods name and the plan does not make: a Secret that is not there keeps a container from starting for ever. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Around, Objection, Subject, written};
use crate::object::{ObjectRef, text};
use crate::references::{self, Named, Need};

/// On a workload: what its pods read that something else makes once it runs, such as `Secret/memberlist`; separated by spaces.
const COMES_LATER: &str = "seaworthy.dev/comes-later";

/// Something that the pods of a workload need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Needed {
    pub(super) object: ObjectRef,
    /// Entries of a Secret or `ConfigMap`.
    keys: BTreeSet<String>,
    /// The workload.
    by: ObjectRef,
    /// Without it pods may still start.
    soft: bool,
}

/// What the workloads of these objects need and the objects do not bring themselves, each once.
pub(super) fn needed<'a>(objects: impl Iterator<Item = &'a Value> + Clone) -> Vec<Needed> {
    let own: BTreeSet<ObjectRef> = objects.clone().filter_map(ObjectRef::of).collect();
    let mut found: BTreeMap<ObjectRef, Needed> = BTreeMap::new();
    for object in objects {
        let Some((by, spec)) = pods(object) else { continue };
        let later = object["metadata"]["annotations"][COMES_LATER].as_str().unwrap_or_default();
        for mut one in of_pods(spec, &by) {
            let comes = later.split_whitespace().any(|name| name == one.object.short());
            if comes || own.iter().any(|own| own.same_object(&one.object)) {
                continue;
            }
            let known = found.entry(one.object.clone()).or_insert_with(|| one.clone());
            known.keys.append(&mut one.keys);
            known.soft &= one.soft;
        }
    }
    found.into_values().collect()
}

fn pods(object: &Value) -> Option<(ObjectRef, &Value)> {
    let spec =
        object.pointer("/spec/template/spec").or_else(|| object.pointer("/spec/jobTemplate/spec/template/spec"))?;
    Some((ObjectRef::of(object)?, spec))
}

fn of_pods(spec: &Value, by: &ObjectRef) -> Vec<Needed> {
    let needed = |object: ObjectRef, key: Option<&str>, soft: bool| Needed {
        object,
        keys: key.map(str::to_owned).into_iter().collect(),
        by: by.clone(),
        soft,
    };
    let is_sought =
        |one: &Named<'_>| one.need != Need::Optional && !(one.kind == "ServiceAccount" && one.name == "default");
    let named = references::of_pods(spec).into_iter().filter(is_sought).map(|one| {
        let object = ObjectRef::new("v1", one.kind, by.namespace.as_deref(), one.name);
        needed(object, one.key, one.need == Need::Pull)
    });
    let built_in = |name: &&str| !name.is_empty() && !name.starts_with("system-");
    let class = text(spec, "/priorityClassName").filter(built_in);
    let class =
        class.map(|name| needed(ObjectRef::new("scheduling.k8s.io/v1", "PriorityClass", None, name), None, false));
    named.chain(class).collect()
}

pub(super) fn judge(subject: Subject<'_>, around: &Around) -> Vec<Objection> {
    // The plan as a whole brings what it brings, changed or not; only what it writes can still fail.
    let writes: BTreeSet<ObjectRef> = written(subject.plan).filter_map(ObjectRef::of).collect();
    let objects: Vec<&Value> = subject.plan.objects().collect();
    let unread = |kind: &str| around.snapshot.is_unread(kind);
    let all = needed(objects.iter().copied());
    all.iter()
        .filter(|one| writes.contains(&one.by) && !unread(&one.object.kind))
        .filter_map(|one| objection(one, around))
        .collect()
}

fn objection(needed: &Needed, around: &Around) -> Option<Objection> {
    let Needed { object, keys, by, soft } = needed;
    let Some(there) = around.snapshot.get(object) else {
        let message = format!("{object} is not there, which {by} needs and this stack does not make");
        let objection = if *soft { Objection::warning } else { Objection::refusal };
        return Some(objection("references", message, remedy(object, keys)).about(object.clone()));
    };
    let has = |key: &&String| {
        ["data", "stringData", "binaryData"].iter().any(|part| there[*part].get(key.as_str()).is_some())
    };
    let missing: Vec<&str> = keys.iter().filter(|key| !has(key)).map(String::as_str).collect();
    if missing.is_empty() {
        return None;
    }
    let message = format!("{object} has no entry {}, which {by} reads", missing.join(", "));
    let remedy = "add it, or name the Secret that has it in the values";
    Some(Objection::refusal("references", message, remedy).about(object.clone()))
}

fn remedy(object: &ObjectRef, keys: &BTreeSet<String>) -> String {
    let place = object.namespace.as_ref().map(|namespace| format!(" -n {namespace}")).unwrap_or_default();
    let name = &object.name;
    let words: Vec<String> = keys.iter().map(|key| format!("--from-file={key}=FILE")).collect();
    let entries = if words.is_empty() { String::new() } else { format!(" {}", words.join(" ")) };
    match object.kind.as_str() {
        "Secret" if keys.is_empty() => {
            format!("make it first: `kubectl create secret`{place}, or name another one in the values")
        }
        "Secret" => format!("make it first: `kubectl create secret generic {name}{place}{entries}`"),
        "ConfigMap" => format!("make it first: `kubectl create configmap {name}{place}{entries}`"),
        "ServiceAccount" => format!("make it first: `kubectl create serviceaccount {name}{place}`"),
        kind => format!("make the {kind} first, or name another one in the values"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{around, deployment, lines, plan, subject};
    use super::*;

    fn object(kind: &str, name: &str) -> Value {
        json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "sea"}, "data": {"password": "eA=="}})
    }

    fn told(pod: &Value, brought: Vec<Value>, there: Vec<Value>) -> Vec<String> {
        let plan = plan(brought.into_iter().chain([deployment("web", 1, pod)]));
        lines(&judge(subject(&plan), &around(there)))
    }

    fn reads(secret: &str, key: &str) -> Value {
        json!({"containers": [{"name": "main", "env": [{"name": "P", "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}]}]})
    }

    #[test]
    fn what_nobody_brings_is_refused_and_what_somebody_brings_is_not() {
        let pod = reads("login", "password");
        assert_eq!(
            told(&pod, vec![], vec![]),
            ["refuses: Secret/sea/login is not there, which Deployment/sea/web needs and this stack does not make"]
        );
        assert_eq!(told(&pod, vec![object("Secret", "login")], vec![]), [""; 0]);
        assert_eq!(told(&pod, vec![], vec![object("Secret", "login")]), [""; 0]);
        assert_eq!(
            told(&reads("login", "user"), vec![], vec![object("Secret", "login")]),
            ["refuses: Secret/sea/login has no entry user, which Deployment/sea/web reads"]
        );
    }

    #[test]
    fn every_way_of_naming_something_counts_once() {
        let pod = json!({"serviceAccountName": "runner", "priorityClassName": "high", "imagePullSecrets": [{"name": "pull"}],
            "containers": [{"name": "main", "envFrom": [{"configMapRef": {"name": "conf"}}, {"secretRef": {"name": "maybe", "optional": true}}]}],
            "volumes": [{"name": "a", "configMap": {"name": "conf", "items": [{"key": "x"}]}}, {"name": "b", "persistentVolumeClaim": {"claimName": "data"}},
                {"name": "c", "projected": {"sources": [{"secret": {"name": "part"}}]}}, {"name": "d", "secret": {"secretName": "soft", "optional": true}}]});
        let said = told(&pod, vec![], vec![]);
        let kinds: Vec<&str> = said.iter().filter_map(|line| line.split(" is not there").next()).collect();
        assert_eq!(
            kinds,
            [
                "refuses: PriorityClass/high",
                "refuses: ConfigMap/sea/conf",
                "refuses: PersistentVolumeClaim/sea/data",
                "refuses: Secret/sea/part",
                "warns: Secret/sea/pull",
                "refuses: ServiceAccount/sea/runner"
            ]
        );
    }

    #[test]
    fn what_comes_later_is_waited_for() {
        let mut web = deployment("web", 1, &reads("memberlist", "key"));
        web["metadata"]["annotations"] = json!({COMES_LATER: "ConfigMap/x Secret/memberlist"});
        let plan = plan([web]);
        assert_eq!(lines(&judge(subject(&plan), &around([]))), [""; 0]);
    }
}
