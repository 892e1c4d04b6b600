//! What the newest revision of a workload changed against the one before: names of fields, and values that are short and open.

use serde_json::Value;

use super::case::{Case, plain, some};
use crate::doctor::revisions;
use crate::object::text;

/// The label by which a controller tells templates apart, not a change of its own.
const HASHES: &[&str] = &["pod-template-hash", "controller-revision-hash", "pod-template-generation"];
/// Longest value that is shown.
const LONG: usize = 60;
/// Fields whose items are told apart by one of their own.
const KEYS: &[&str] = &["name", "containerPort", "mountPath", "key", "topologyKey"];
/// Below these only the names of what changed are told: their values may be secret, or say nothing to people.
const CLOSED: &[&str] = &["annotations", "env", "args", "command", "envFrom"];

/// The newest two of the revisions of a workload, newest first, each with its number, its template and its object.
fn newest_two<'a>(case: &Case<'a>) -> Vec<(i64, &'a Value, &'a Value)> {
    if !["Deployment", "StatefulSet", "DaemonSet"].contains(&case.object.kind.as_str()) {
        return Vec::new();
    }
    let all = revisions::of(case.live, case.snapshot());
    let mut all: Vec<(i64, &Value, &Value)> =
        all.filter_map(|one| Some((revisions::number_of(one)?, revisions::template(one)?, one))).collect();
    all.sort_by_key(|(revision, ..)| std::cmp::Reverse(*revision));
    all.truncate(2);
    all
}

/// `revision 4, 3 min ago, against 3: app.image 1.0 -> 1.1`.
pub(super) fn told(case: &Case<'_>) -> Option<String> {
    let all = newest_two(case);
    let [(newest, now, made), (before, was, _)] = all.as_slice() else { return None };
    let changes = changes(was, now);
    let what = if changes.is_empty() {
        "a value that evidence does not keep (environment, arguments), or nothing that pods see".to_owned()
    } else {
        some(&changes)
    };
    // A ReplicaSet to which somebody went back was made long before; the Deployment knows when that was.
    let is_back = made["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"].is_string();
    let ago = if is_back {
        case.condition("Progressing").and_then(|one| case.ago(one, "/lastUpdateTime"))
    } else {
        case.ago(made, "/metadata/creationTimestamp")
    };
    let ago = ago.map(|ago| format!(" ({ago})")).unwrap_or_default();
    Some(format!("revision {newest}{ago} against {before}: {what}"))
}

/// What differs between two templates, a line for each field.
pub(super) fn changes(was: &Value, now: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", was, now, &mut found);
    found
}

fn compare(path: &str, was: &Value, now: &Value, found: &mut Vec<String>) {
    if was == now {
        return;
    }
    match (was, now) {
        (Value::Object(was), Value::Object(now)) => {
            let mut keys: Vec<&String> = was.keys().chain(now.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys.into_iter().filter(|key| !HASHES.contains(&key.as_str())) {
                pair(&join(path, key), was.get(key), now.get(key), found);
            }
        }
        (Value::Array(was), Value::Array(now)) => match key_of(was, now) {
            Some(key) => {
                let name = |item: &Value| item.get(key).map(plain).unwrap_or_default();
                let mut names: Vec<String> = was.iter().chain(now).map(name).collect();
                names.sort();
                names.dedup();
                for one in names {
                    let find = |list: &[Value]| list.iter().find(|item| name(item) == one).cloned();
                    pair(&join(path, &one), find(was).as_ref(), find(now).as_ref(), found);
                }
            }
            None => found.push(format!("{path} changed")),
        },
        _ => found.push(scalar(path, was, now)),
    }
}

fn pair(path: &str, was: Option<&Value>, now: Option<&Value>, found: &mut Vec<String>) {
    match (was, now) {
        (Some(was), Some(now)) => compare(path, was, now, found),
        (None, Some(now)) if is_short(now) && !is_closed(path) => found.push(format!("{path} added: {}", plain(now))),
        (None, Some(_)) => found.push(format!("{path} added")),
        (Some(_), None) => found.push(format!("{path} removed")),
        (None, None) => {}
    }
}

/// The parts of a path that everybody knows are left out: `spec.containers.app.image` is `app.image`.
fn join(path: &str, key: &str) -> String {
    let known = ["spec", "containers", "initContainers", "metadata", "template"];
    match (path.is_empty(), known.contains(&key)) {
        (_, true) => path.to_owned(),
        (true, false) => key.to_owned(),
        (false, false) => format!("{path}.{key}"),
    }
}

fn key_of(was: &[Value], now: &[Value]) -> Option<&'static str> {
    KEYS.iter().copied().find(|key| was.iter().chain(now).all(|item| item.get(key).is_some()))
}

fn is_short(value: &Value) -> bool {
    !value.is_object() && !value.is_array() && plain(value).chars().count() <= LONG
}

fn is_closed(path: &str) -> bool {
    path.split('.').any(|part| CLOSED.contains(&part))
}

fn scalar(path: &str, was: &Value, now: &Value) -> String {
    if is_closed(path) || !is_short(was) && !path.ends_with("image") {
        return format!("{path} changed");
    }
    let (was, now) = (plain(was), plain(now));
    // Of an image that only got another tag the tag is enough.
    match (was.rsplit_once(':'), now.rsplit_once(':')) {
        (Some((one, old)), Some((other, new))) if one == other && path.ends_with("image") => {
            format!("{path} :{old} -> :{new}")
        }
        _ => format!("{path} {was} -> {now}"),
    }
}

/// Pods of a revision that is not the newest.
pub(super) fn stragglers(case: &Case<'_>) -> usize {
    let newest = revisions::newest(case.live, case.snapshot()).and_then(|set| text(set, "/metadata/uid"));
    let sets = case.snapshot().owned_by(case.live).filter(|set| set["kind"] == "ReplicaSet");
    sets.filter(|set| text(set, "/metadata/uid") != newest)
        .map(|set| {
            case.snapshot().owned_by(set).filter(|pod| pod["kind"] == "Pod" && !crate::object::has_ended(pod)).count()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_revision_tells_fields_and_short_values_and_no_value_of_an_environment() {
        let template = |image: &str, env: Value, memory: &str| {
            json!({"metadata": {"labels": {"pod-template-hash": image}, "annotations": {"token": image}},
                "spec": {"containers": [{"name": "app", "image": image, "env": env, "args": [image],
                    "resources": {"limits": {"memory": memory}}}]}})
        };
        let was = template("reg/app:1.0", json!([{"name": "OLD"}, {"name": "KEY", "value": "hunter1"}]), "64Mi");
        let now = template(
            "reg/app:1.1",
            json!([{"name": "NEW", "value": "x"}, {"name": "KEY", "value": "hunter2"}]),
            "128Mi",
        );
        let told = changes(&was, &now);
        assert_eq!(
            told,
            [
                "annotations.token changed",
                "app.args changed",
                "app.env.KEY.value changed",
                "app.env.NEW added",
                "app.env.OLD removed",
                "app.image :1.0 -> :1.1",
                "app.resources.limits.memory 64Mi -> 128Mi",
            ]
        );
        assert_eq!(changes(&now, &now), [""; 0]);
        assert_eq!(
            changes(
                &json!({"spec": {"containers": [{"name": "a"}]}}),
                &json!({"spec": {"containers": [{"name": "b"}]}})
            ),
            ["a removed", "b added"]
        );
    }
}
