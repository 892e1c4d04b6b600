//! The application in a simulated pod: it answers HTTP on the ports of its containers, as far as a stack promises answers.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::DuplexStream;

use super::Sandbox;
use super::address::Route;
use super::controllers::target;
use super::etcd;
use super::world::World;
use crate::object::{items, text};
use crate::plan::Reach;
use crate::snapshot::placing::matches;

/// Answers on a connection to a port of a pod, if a container says that it listens there.
pub(super) fn listen(sandbox: &Sandbox, route: &Route, port: u16, stream: DuplexStream) -> Result<(), String> {
    let name = route.name.clone().unwrap_or_default();
    let pod = sandbox.read(|world| world.store.get(&route.object(&name)).cloned()).unwrap_or_default();
    let ports = |container| items(container, "/ports");
    let known = items(&pod, "/spec/containers").flat_map(ports).any(|known| known["containerPort"] == port);
    let etcd = sandbox.read(|world| etcd::listens(world, &pod, port));
    if !known || etcd == Some(false) {
        return Err(format!("error forwarding port {port} to pod {name}: connection refused"));
    }
    if etcd.is_some() {
        listen_as_etcd(sandbox.clone(), pod, stream);
        return Ok(());
    }
    let (sandbox, route) = (sandbox.clone(), route.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = sandbox.read(|world| answer(world, &route, port, request.uri().path()));
        async move { Ok::<_, Infallible>(answer) }
    });
    tokio::spawn(async move {
        // A client that hangs up is none of the application's business.
        let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    });
    Ok(())
}

/// A member of an etcd is asked for more than pages.
fn listen_as_etcd(sandbox: Sandbox, pod: Value, stream: DuplexStream) {
    let service = service_fn(move |request: Request<Incoming>| {
        let (sandbox, pod) = (sandbox.clone(), pod.clone());
        async move {
            let path = request.uri().path().to_owned();
            let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            let (status, said) = sandbox.change(|world| etcd::answer(world, &pod, &path, &body));
            let mut response = Response::new(Full::new(Bytes::from(said)));
            *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            Ok::<_, Infallible>(response)
        }
    });
    tokio::spawn(async move {
        // A client that hangs up is none of the application's business.
        let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    });
}

fn answer(world: &World, route: &Route, port: u16, path: &str) -> Response<Full<Bytes>> {
    let name = route.name.as_deref().unwrap_or_default();
    let Some(pod) = world.store.get(&route.object(name)) else {
        return said(StatusCode::BAD_GATEWAY, "the pod is gone");
    };
    let ways: Vec<&Reach> = world.ways.iter().filter(|way| leads_to(world, way, pod, port)).collect();
    if ways.iter().any(|way| world.suffers("no-answer", &way.service)) {
        return said(StatusCode::INTERNAL_SERVER_ERROR, "the sandbox was told to let this application fail");
    }
    match ways.iter().find(|way| way.path == path) {
        Some(way) => {
            let text = format!(
                "{}\n{} of the sandbox: nothing runs here.\n",
                way.contains.as_deref().unwrap_or_default(),
                way.title
            );
            said(StatusCode::from_u16(way.status).unwrap_or(StatusCode::OK), &text)
        }
        None if ways.is_empty() => said(StatusCode::OK, "the sandbox: nothing runs here\n"),
        None => said(StatusCode::NOT_FOUND, "the sandbox knows no answer to this path\n"),
    }
}

/// Whether a way in ends at this port of this pod: through the Service, its selector and its port.
fn leads_to(world: &World, way: &Reach, pod: &Value, port: u16) -> bool {
    let Some(service) = world.find("Service", Some(&way.namespace), &way.service) else { return false };
    let named = |known: &&Value| known["name"] == way.port.as_str() || known["port"] == way.port;
    text(pod, "/metadata/namespace") == Some(&way.namespace)
        && matches(&service["spec"]["selector"], &pod["metadata"]["labels"])
        && items(service, "/spec/ports").filter(named).any(|known| target(pod, known) == Some(i64::from(port)))
}

fn said(code: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text.to_owned())));
    *response.status_mut() = code;
    response
}
