//! The place of a plan that is about this machine only.

use std::convert::Infallible;
use std::fs;
use std::future::{Ready, ready};

use http::{Request, Response, StatusCode};
use kube::client::{Body, ClientBuilder};
use tower::service_fn;

use super::{Clock, Cluster, ClusterId, Meter};
use crate::host::Surroundings;

/// This machine, in the place of a cluster: no API server is behind it, and a request that were made all the same would be
/// answered with that. Its identity is the machine's, so that a run of another machine is not taken up here.
pub fn host(here: &Surroundings, read_only: bool) -> Cluster {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let machine = fs::read_to_string(here.at_root("/etc/machine-id")).unwrap_or_default();
    // A container may have no id of its own; its name is all there is then.
    let identity = if machine.trim().is_empty() { name.as_str() } else { machine.trim() };
    let id = ClusterId { context: "this machine".to_owned(), server: name.clone(), uid: format!("host:{identity}") };
    let meter = Meter::new(read_only);
    let client = ClientBuilder::new(service_fn(nobody), "default").with_layer(&meter).build();
    Cluster { client, id, meter, clock: Clock::real() }
}

fn nobody(_: Request<Body>) -> Ready<Result<Response<Body>, Infallible>> {
    let mut answer = Response::new(Body::from(b"{\"kind\":\"Status\",\"message\":\"there is no cluster\"}".to_vec()));
    *answer.status_mut() = StatusCode::NOT_FOUND;
    ready(Ok(answer))
}
