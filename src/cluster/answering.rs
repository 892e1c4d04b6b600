//! A server for tests, that answers with what it was told to, one answer after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

/// A client of a server that answers with these codes, the last of them for ever, and how often it was asked. `well`: what comes with 200.
pub(crate) fn answering(codes: &'static [u16], well: &Value) -> (Client, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let (counted, well) = (asked.clone(), well.clone());
    let service = tower::service_fn(move |_: Request<Body>| {
        let code = codes[counted.fetch_add(1, Ordering::Relaxed).min(codes.len() - 1)];
        let body = if code == 200 {
            well.clone()
        } else {
            json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": format!("it says {code}"), "code": code})
        };
        let answer = Response::builder().status(code).body(Body::from(body.to_string().into_bytes()));
        async move { answer }
    });
    (Client::new(service, "default"), asked)
}
