//! GET: one object, a list, a watch.

use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http::Response;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use tower::BoxError;

use super::{Body, Served};
use crate::sandbox::Sandbox;
use crate::sandbox::address::{Address, Route};
use crate::sandbox::refusal::Refusal;
use crate::sandbox::select::{Query, Selector, written};
use crate::sandbox::store::News;
use crate::sandbox::world::World;

/// How often a watch that asks for bookmarks gets one.
const BOOKMARK: Duration = Duration::from_secs(60);

pub(super) fn get(world: &World, route: &Route, name: &str, sub: Option<&str>) -> Result<Value, Refusal> {
    let live =
        world.store.get(&route.object(name)).ok_or_else(|| Refusal::not_found(route.group(), &route.plural, name))?;
    match sub {
        None | Some("status") => Ok(live.clone()),
        Some("scale") => scale(live),
        Some("exec" | "attach" | "portforward") => Err(Refusal::new(400, "BadRequest", "Upgrade request required")),
        Some(other) => Err(Refusal::not_simulated(&format!("{}/{other}", route.plural))),
    }
}

/// The `Scale` of a workload.
pub(super) fn scale(live: &Value) -> Result<Value, Refusal> {
    if live["spec"].get("replicas").is_none() {
        return Err(Refusal::no_resource());
    }
    let metadata = &live["metadata"];
    let replicas = &live["spec"]["replicas"];
    let spec = if *replicas == 0 { json!({}) } else { json!({"replicas": replicas}) };
    Ok(json!({"kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"], "creationTimestamp": metadata["creationTimestamp"]},
        "spec": spec, "status": {"replicas": live["status"]["replicas"].as_i64().unwrap_or(0), "selector": written(&live["spec"]["selector"]["matchLabels"])}}))
}

/// A list before it is written: its items are those of the world, and none is copied.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listed<'w> {
    kind: String,
    api_version: String,
    metadata: Value,
    items: Vec<Item<'w>>,
}

/// An item of a list. What a list is of its items are; only custom ones say it themselves.
struct Item<'w> {
    object: &'w Value,
    is_builtin: bool,
}

impl Serialize for Item<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.object {
            Value::Object(map) if self.is_builtin => {
                serializer.collect_map(map.iter().filter(|(key, _)| *key != "kind" && *key != "apiVersion"))
            }
            other => other.serialize(serializer),
        }
    }
}

pub(super) fn list<'w>(world: &'w World, route: &Route, served: &Served, query: &Query) -> Result<Listed<'w>, Refusal> {
    let selector = Selector::for_kind(query, &served.kind, served.builtin)?;
    let all = world.store.range(&route.api_version, &route.plural);
    let fits = all.filter(|(address, object)| route.holds(address) && selector.takes(object));
    let mut found: Vec<(&Address, &Value)> = fits.collect();
    // Where a page begins: behind the last object of the one before.
    if let Some(token) = query.get("continue").filter(|token| !token.is_empty()) {
        let (namespace, name) =
            token.split_once('/').ok_or_else(|| Refusal::new(400, "BadRequest", "continue key is not valid"))?;
        let last = route_address(route, namespace, name);
        found.retain(|(address, _)| **address > last);
    }
    let mut metadata = json!({"resourceVersion": world.store.version.to_string()});
    let limit = query.get("limit").and_then(|limit| limit.parse::<usize>().ok()).filter(|limit| *limit > 0);
    let is_selected = query.get("labelSelector").is_some() || query.get("fieldSelector").is_some();
    if let Some(limit) = limit.filter(|limit| *limit < found.len()) {
        let remaining = found.len() - limit;
        found.truncate(limit);
        if let Some((last, _)) = found.last() {
            metadata["continue"] = format!("{}/{}", last.namespace.as_deref().unwrap_or_default(), last.name).into();
            // Whoever selects is not told, because nobody has counted.
            if !is_selected {
                metadata["remainingItemCount"] = remaining.into();
            }
        }
    }
    let items = found.into_iter().map(|(_, object)| Item { object, is_builtin: served.builtin });
    let (kind, api_version) = (format!("{}List", served.kind), route.api_version.clone());
    Ok(Listed { kind, api_version, metadata, items: items.collect() })
}

fn route_address(route: &Route, namespace: &str, name: &str) -> Address {
    Address::new(&route.api_version, &route.plural, Some(namespace), name)
}

/// Whether a watch is to begin with all there is; `None`: as its version says.
fn begin(query: &Query) -> Result<Option<bool>, Refusal> {
    let Some(wanted) = query.get("sendInitialEvents") else { return Ok(None) };
    if query.get("resourceVersionMatch") != Some("NotOlderThan") {
        let fault = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
        let faults = [("resourceVersionMatch".to_owned(), fault.to_owned())];
        return Err(Refusal::invalid("ListOptions", "meta.k8s.io", "", &faults));
    }
    Ok(Some(wanted == "true"))
}

/// The version that is asked for; 0: none.
fn version(query: &Query) -> Result<u64, Refusal> {
    let text = query.get("resourceVersion").filter(|text| !text.is_empty()).unwrap_or("0");
    text.parse().map_err(|_| {
        let message = format!(
            "resourceVersion: Invalid value: \"{text}\": strconv.ParseUint: parsing \"{text}\": invalid syntax"
        );
        Refusal::new(500, "", message)
    })
}

/// The bookmark behind the last of the first events.
fn end_of_first(served: &Served, route: &Route, seen: u64) -> String {
    let object = json!({"kind": served.kind, "apiVersion": route.api_version, "metadata":
        {"resourceVersion": seen.to_string(), "annotations": {"k8s.io/initial-events-end": "true"}}});
    line("BOOKMARK", &object)
}

/// What an event is to a client that sees only what it selects: coming into the selection and leaving it, too.
fn told(news: &News, selector: &Selector) -> Option<String> {
    let was = news.before.as_ref().is_some_and(|before| selector.takes(before));
    let is = news.verb != "DELETED" && selector.takes(&news.object);
    match (was, is) {
        (true, true) => Some(line("MODIFIED", &news.object)),
        (false, true) => Some(line("ADDED", &news.object)),
        (true, false) if news.verb == "DELETED" => Some(line("DELETED", &news.object)),
        (true, false) => {
            let mut last = Value::clone(news.before.as_ref()?);
            last["metadata"]["resourceVersion"] = news.version.to_string().into();
            Some(line("DELETED", &last))
        }
        (false, false) => None,
    }
}

/// One open watch.
struct Watch {
    sandbox: Sandbox,
    changed: crate::bell::Ear,
    route: Route,
    kind: String,
    selector: Selector,
    seen: u64,
    bookmarks: bool,
    end: tokio::time::Instant,
}

/// The changes since a version, and those to come, a line each. Ends when the client's time is up.
pub(super) fn watch(
    sandbox: &Sandbox,
    (route, served): (&Route, &Served),
    query: &Query,
) -> Result<Response<Body>, Refusal> {
    let selector = Selector::for_kind(query, &served.kind, served.builtin)?;
    let wants_first = begin(query)?;
    let from = version(query)?;
    let forgotten = sandbox.read(|world| world.store.forgotten);
    let mut seconds = query.get("timeoutSeconds").and_then(|text| text.parse().ok()).unwrap_or(3600);
    let mut first = String::new();
    let mut seen = from;
    if from > 0 && from < forgotten {
        let message = format!("too old resource version: {from} ({forgotten})");
        first = line("ERROR", &Refusal::new(410, "Expired", message).status());
        seconds = 0;
        seen = u64::MAX;
    } else if wants_first.unwrap_or(from == 0) {
        // Without a version a watch begins with what there is.
        (first, seen) = sandbox.read(|world| {
            let all = world.store.range(&route.api_version, &route.plural);
            let fits = all.filter(|(address, object)| route.holds(address) && selector.takes(object));
            (fits.map(|(_, object)| line("ADDED", object)).collect(), world.store.version)
        });
        if wants_first.is_some() && query.is_true("allowWatchBookmarks") {
            first.push_str(&end_of_first(served, route, seen));
        }
    } else if from == 0 {
        seen = sandbox.read(|world| world.store.version);
    }
    let watch = Watch {
        changed: sandbox.changes(),
        sandbox: sandbox.clone(),
        route: route.clone(),
        kind: served.kind.clone(),
        selector,
        seen,
        bookmarks: query.is_true("allowWatchBookmarks"),
        end: tokio::time::Instant::now() + Duration::from_secs(seconds),
    };
    let begin = (!first.is_empty()).then_some(first);
    let lines = stream::unfold((begin, watch), |(begin, mut watch)| async move {
        let lines = match begin {
            Some(first) => first,
            None => watch.next().await?,
        };
        Some((Ok::<_, BoxError>(Frame::data(Bytes::from(lines))), (None, watch)))
    });
    let mut response = Response::new(StreamBody::new(lines).boxed_unsync());
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    Ok(response)
}

impl Watch {
    /// The next lines; `None` when the time is up.
    async fn next(&mut self) -> Option<String> {
        loop {
            self.changed.heed();
            let lines = self.news();
            if !lines.is_empty() {
                return Some(lines);
            }
            tokio::select! {
                biased;
                () = self.changed.rung() => {}
                () = tokio::time::sleep_until(self.end) => return None,
                () = tokio::time::sleep(BOOKMARK), if self.bookmarks => return Some(self.bookmark()),
            }
        }
    }

    fn news(&mut self) -> String {
        let Self { sandbox, route, selector, seen, .. } = self;
        if *seen == u64::MAX {
            return String::new();
        }
        sandbox.read(|world| {
            let news = world.store.since(*seen).filter(|news| route.holds(&news.address));
            let lines = news.filter_map(|news| told(news, selector)).collect();
            *seen = world.store.version;
            lines
        })
    }

    fn bookmark(&self) -> String {
        let object = json!({"kind": self.kind, "apiVersion": self.route.api_version, "metadata": {"resourceVersion": self.seen.to_string()}});
        line("BOOKMARK", &object)
    }
}

fn line(verb: &str, object: &Value) -> String {
    format!("{}\n", json!({"type": verb, "object": object}))
}
