//! `pods/log`: what a simulated container has said.

use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use serde_json::Value;
use tower::BoxError;

use super::{Body, plain};
use crate::object::{items, text};
use crate::sandbox::Sandbox;
use crate::sandbox::address::Route;
use crate::sandbox::containers;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::select::Query;
use crate::sandbox::world::World;

/// How long a follower of a silent container is kept before it is told that there is nothing new.
const QUIET: Duration = Duration::from_secs(1);

pub(super) fn answer(sandbox: &Sandbox, route: &Route, query: &Query) -> Result<Response<Body>, Refusal> {
    let lines = sandbox.read(|world| said(world, route, query))?;
    let tail = query.get("tailLines").and_then(|text| text.parse::<usize>().ok()).unwrap_or(usize::MAX);
    let skip = lines.len().saturating_sub(tail);
    let text = whole_lines(&lines[skip..]);
    if !query.is_true("follow") {
        return Ok(plain(StatusCode::OK, "text/plain", text));
    }
    let start = (sandbox.clone(), route.clone(), query.get("container").map(str::to_owned), lines.len(), Some(text));
    let follow = stream::unfold(start, |(sandbox, route, container, seen, first)| async move {
        if let Some(first) = first {
            return Some((Ok::<_, BoxError>(frame(first)), (sandbox, route, container, seen, None)));
        }
        let query = Query::parse(&container.as_ref().map_or(String::new(), |name| format!("container={name}")));
        loop {
            // Its end is the end of the container, or of the pod.
            let lines = sandbox.read(|world| said(world, &route, &query)).ok()?;
            if let Some(news) = lines.get(seen..).filter(|news| !news.is_empty()) {
                let text = whole_lines(news);
                let seen = lines.len();
                return Some((Ok(frame(text)), (sandbox, route, container, seen, None)));
            }
            if !sandbox.read(|world| runs(world, &route, container.as_deref())) {
                return None;
            }
            let changed = sandbox.changes();
            tokio::select! {
                biased;
                () = changed.rung() => {}
                () = tokio::time::sleep(QUIET) => {}
            }
        }
    });
    let mut response = Response::new(StreamBody::new(follow).boxed_unsync());
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("text/plain"));
    Ok(response)
}

fn whole_lines(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
}

fn frame(text: String) -> Frame<Bytes> {
    Frame::data(Bytes::from(text))
}

fn said(world: &World, route: &Route, query: &Query) -> Result<Vec<String>, Refusal> {
    let name = route.name.as_deref().unwrap_or_default();
    let missing = || Refusal::not_found("", "pods", name);
    let pod = world.store.get(&route.object(name)).ok_or_else(missing)?;
    let container = choose(pod, query.get("container"))?;
    let status = containers::status(pod, container);
    let previous = query.is_true("previous");
    if previous && status.is_none_or(|status| status["lastState"].get("terminated").is_none()) {
        let message = format!("previous terminated container \"{container}\" in pod \"{name}\" not found");
        return Err(Refusal::new(400, "BadRequest", message));
    }
    let waiting = status.is_none_or(|status| status["state"].get("waiting").is_some() && status["restartCount"] == 0);
    if waiting {
        let reason = status.and_then(|status| text(status, "/state/waiting/reason")).unwrap_or("ContainerCreating");
        let why = if reason == "ContainerCreating" { reason.to_owned() } else { format!("waiting to start: {reason}") };
        let message = format!("container \"{container}\" in pod \"{name}\" is {why}");
        return Err(Refusal::new(400, "BadRequest", message));
    }
    Ok(containers::log(world, pod, container))
}

fn choose<'a>(pod: &'a Value, asked: Option<&str>) -> Result<&'a str, Refusal> {
    let name = text(pod, "/metadata/name").unwrap_or_default();
    let names = |pointer| items(pod, pointer).filter_map(|container| text(container, "/name"));
    let all: Vec<&str> = names("/spec/containers").chain(names("/spec/initContainers")).collect();
    match asked {
        Some(asked) => all
            .into_iter()
            .find(|known| *known == asked)
            .ok_or_else(|| Refusal::new(400, "BadRequest", format!("container {asked} is not valid for pod {name}"))),
        None if names("/spec/containers").count() > 1 => {
            let said = names("/spec/containers").collect::<Vec<_>>().join(" ");
            Err(Refusal::new(
                400,
                "BadRequest",
                format!("a container name must be specified for pod {name}, choose one of: [{said}]"),
            ))
        }
        None => all.into_iter().next().ok_or_else(Refusal::no_resource),
    }
}

fn runs(world: &World, route: &Route, container: Option<&str>) -> bool {
    let pod = route.name.as_deref().and_then(|name| world.store.get(&route.object(name)));
    let running = |status: &Value| status["state"].get("running").is_some();
    pod.is_some_and(|pod| {
        items(pod, "/status/containerStatuses")
            .any(|status| running(status) && container.is_none_or(|name| status["name"] == name))
    })
}
