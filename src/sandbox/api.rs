//! The API server: from a request to an answer.

mod apply;
mod asked;
mod body;
mod discovery;
mod logs;
mod metrics;
mod openapi;
mod read;
mod remove;
mod review;
mod table;
mod typed;
mod warning;
mod write;

pub(super) use discovery::VERSION;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use serde::Serialize;
use serde_json::Value;
use tower::BoxError;

use super::Sandbox;
use super::address::{Route, group};
use super::admission::webhooks;
use super::refusal::{Refusal, dotted};
use super::select::Query;
use super::world::World;
use crate::kinds;
use crate::object::{items, text};

/// The body of an answer.
pub(super) type Body = UnsyncBoxBody<Bytes, BoxError>;

/// A kind that is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Served {
    pub(super) kind: String,
    pub(super) namespaced: bool,
    /// Whether it is one of Kubernetes' own.
    pub(super) builtin: bool,
}

/// Answers one request; a refusal is an answer, too.
pub(super) fn answer(sandbox: &Sandbox, request: &Request<Bytes>) -> Response<Body> {
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let path = request.uri().path();
    let answer = match Route::parse(path) {
        Some(route) => dispatch(sandbox, request, &route, &query),
        None if HEALTH.contains(&path) => {
            let verbose = query.get("verbose").is_some();
            Ok(plain(StatusCode::OK, "text/plain", health(path.trim_start_matches('/'), verbose)))
        }
        None => sandbox
            .read(|world| discovery::answer(world, path, accepted(request)))
            .map(|(kind, document)| plain(StatusCode::OK, kind, document.to_string())),
    };
    answer.unwrap_or_else(|refusal| refused(&refusal))
}

fn accepted(request: &Request<Bytes>) -> &str {
    request.headers().get(http::header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default()
}

/// Where an API server says how it is (Kubernetes documentation, "Kubernetes API health endpoints").
const HEALTH: [&str; 3] = ["/healthz", "/livez", "/readyz"];

/// Of the parts that a real one counts, this one has the first two.
fn health(check: &str, verbose: bool) -> String {
    if verbose { format!("[+]ping ok\n[+]etcd ok\n{check} check passed\n") } else { "ok".to_owned() }
}

fn dispatch(
    sandbox: &Sandbox,
    request: &Request<Bytes>,
    route: &Route,
    query: &Query,
) -> Result<Response<Body>, Refusal> {
    if let Some(document) = review::answer(request, route)? {
        return Ok(whole(StatusCode::CREATED, &document));
    }
    if route.api_version == metrics::GROUP {
        return sandbox.read(|world| metrics::answer(world, route));
    }
    let Some(served) = sandbox.read(|world| served(world, route)) else { return nothing(route) };
    sandbox.read(|world| webhooks::connected(world, route))?;
    let shape = table::Shape::of(accepted(request));
    if *request.method() == Method::GET || *request.method() == Method::HEAD {
        return match (&route.name, route.sub.as_deref()) {
            (None, _) if query.is_true("watch") => read::watch(sandbox, (route, &served), query),
            (None, _) => sandbox
                .read(|world| {
                    let list = read::list(world, route, &served, query)?;
                    if shape == table::Shape::Plain {
                        return text_of(&list);
                    }
                    text_of(&shape.answer(document_of(&list)?, world, (route, &served)))
                })
                .map(|text| plain(StatusCode::OK, "application/json", text)),
            (Some(_), Some("log")) => logs::answer(sandbox, route, query),
            (Some(name), sub) => sandbox
                .read(|world| Ok(shape.answer(read::get(world, route, name, sub)?, world, (route, &served))))
                .map(|document| ok(&document)),
        };
    }
    if let Some(refusal) = sandbox.read(World::refuses_writes) {
        return Err(refusal);
    }
    let (answer, warnings) = sandbox.change(|world| write::answer(world, request, (route, &served), query));
    let mut response = match answer {
        Ok((code, document)) => whole(code, &document),
        Err(refusal) => refused(&refusal),
    };
    warning::write(response.headers_mut(), &warnings);
    Ok(response)
}

/// Nothing is served here. A group and version of Kubernetes' own says so itself; a path in no such group, and one in a group of
/// definitions, is nobody's. Source: `k8s.io/apiserver`, `pkg/server/handler.go`, and `k8s.io/apiextensions-apiserver`,
/// `pkg/apiserver/customresource_handler.go`, 1.34.
fn nothing(route: &Route) -> Result<Response<Body>, Refusal> {
    if kinds::BUILTIN.iter().any(|kind| kind.api_version() == route.api_version) {
        return Err(Refusal::no_resource());
    }
    Ok(plain(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", "404 page not found\n".to_owned()))
}

/// A list as JSON. Objects of the world have texts for keys, and so it can be written.
fn text_of(list: &impl Serialize) -> Result<String, Refusal> {
    serde_json::to_string(list).map_err(|error| unwritable(&error))
}

/// The same as a document, for who makes something else of it.
fn document_of(list: &impl Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(list).map_err(|error| unwritable(&error))
}

fn unwritable(error: &serde_json::Error) -> Refusal {
    Refusal::new(500, "InternalError", format!("Internal error occurred: {error}"))
}

fn ok(document: &Value) -> Response<Body> {
    whole(StatusCode::OK, document)
}

/// The kind behind a route: a built-in one, or one that a definition in the sandbox defines.
pub(super) fn served(world: &World, route: &Route) -> Option<Served> {
    let builtin =
        kinds::BUILTIN.iter().find(|kind| kind.plural == route.plural && kind.api_version() == route.api_version);
    if let Some(kind) = builtin {
        return Some(Served { kind: kind.kind.to_owned(), namespaced: kind.namespaced, builtin: true });
    }
    let definition = definition(world, &route.api_version, &route.plural)?;
    let kind = text(definition, "/spec/names/kind")?.to_owned();
    Some(Served { kind, namespaced: definition["spec"]["scope"] == "Namespaced", builtin: false })
}

/// The definition that serves this plural in this group and version. It is named after both.
pub(super) fn definition<'w>(world: &'w World, api_version: &str, plural: &str) -> Option<&'w Value> {
    let definition = world.find("CustomResourceDefinition", None, &dotted(plural, group(api_version)))?;
    defines(definition, api_version).then_some(definition)
}

/// Whether a definition serves this group and version.
pub(super) fn defines(definition: &Value, api_version: &str) -> bool {
    let group = text(definition, "/spec/group").unwrap_or_default();
    let version = |version: &Value| {
        version["served"] != false && format!("{group}/{}", version["name"].as_str().unwrap_or_default()) == api_version
    };
    items(definition, "/spec/versions").any(version)
}

/// A whole answer in JSON.
pub(super) fn whole(code: StatusCode, document: &Value) -> Response<Body> {
    plain(code, "application/json", document.to_string())
}

/// A whole answer of this type.
pub(super) fn plain(code: StatusCode, kind: &'static str, text: String) -> Response<Body> {
    let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = code;
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(kind));
    response
}

/// A refusal as an answer.
pub(super) fn refused(refusal: &Refusal) -> Response<Body> {
    let code = StatusCode::from_u16(refusal.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    whole(code, &refusal.status())
}
