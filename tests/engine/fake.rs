//! An API server in memory: the real client and the real engine above it, and faults at will.
//!
//! It knows lists, watches, server-side apply with owners and conflicts, preconditions, finalizers and the few controllers
//! without which nothing becomes ready. It does not default, validate or authorise.

mod address;
mod controllers;
mod fields;
mod serve;
mod store;
mod volumes;

use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::{Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use seaworthy::cluster::{Clock, Cluster, ClusterId, Meter};
use seaworthy::object::ObjectRef;
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::{BoxError, Layer as _};

use address::Address;
use store::{Asked, Refusal, Store, refusal};

pub(crate) use serve::Server;

type Body = UnsyncBoxBody<Bytes, BoxError>;

/// One request that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    /// Counted from 0, over all requests.
    pub(crate) number: usize,
    /// Counted from 0, over the requests that write.
    pub(crate) write: Option<usize>,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
}

impl Call {
    pub(crate) fn is_watch(&self) -> bool {
        self.query.split('&').any(|pair| pair == "watch=true")
    }
}

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Answered,
    /// The server is not there.
    Lost,
    /// The server does it, and its answer is lost.
    AnswerLost,
    /// The server says no: status and reason.
    Refused(u16, &'static str),
    /// To a review of access: no.
    Denied,
    /// No answer, ever.
    Hanging,
}

type Rule = Box<dyn FnMut(&Call) -> Fate + Send>;

struct Inner {
    store: Mutex<Store>,
    rule: Mutex<Rule>,
    log: Mutex<Vec<Call>>,
    deletes: Mutex<Vec<Value>>,
    /// Writes in flight now, and the most there ever were.
    in_flight: Mutex<(usize, usize)>,
    changed: watch::Sender<u64>,
}

#[derive(Clone)]
pub(crate) struct Fake {
    inner: Arc<Inner>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

impl Fake {
    pub(crate) fn new() -> Self {
        let fake = Self {
            inner: Arc::new(Inner {
                store: Mutex::default(),
                rule: Mutex::new(Box::new(|_| Fate::Answered)),
                log: Mutex::default(),
                deletes: Mutex::default(),
                in_flight: Mutex::default(),
                changed: watch::Sender::new(0),
            }),
        };
        for name in ["kube-system", "default"] {
            fake.made_by_hand(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}));
        }
        fake
    }

    /// The cluster, as a client sees it that has just connected.
    pub(crate) fn cluster(&self) -> Cluster {
        self.cluster_with(Meter::new(false))
    }

    pub(crate) fn cluster_with(&self, meter: Meter) -> Cluster {
        let fake = self.clone();
        let service = tower::service_fn(move |request: Request<kube::client::Body>| {
            let fake = fake.clone();
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect().await?.to_bytes();
                fake.answer(Request::from_parts(parts, body)).await
            }
        });
        let client = kube::Client::new(meter.layer(service), "default");
        let id = ClusterId { context: "fake".to_owned(), server: "http://fake".to_owned(), uid: "uid-1".to_owned() };
        Cluster { client, id, meter, clock: Clock::real() }
    }

    /// Decides the fate of every request from now on.
    pub(crate) fn rule(&self, rule: impl FnMut(&Call) -> Fate + Send + 'static) {
        *lock(&self.inner.rule) = Box::new(rule);
    }

    /// Every request so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        lock(&self.inner.log).clone()
    }

    /// The requests so far that write, as `PATCH /path`.
    pub(crate) fn writes(&self) -> Vec<String> {
        let writes = self.calls().into_iter().filter(|call| call.write.is_some());
        writes.map(|call| format!("{} {}", call.method, call.path)).collect()
    }

    pub(crate) fn most_in_flight(&self) -> usize {
        lock(&self.inner.in_flight).1
    }

    /// All objects, without what differs between two ways to the same state.
    pub(crate) fn state(&self) -> Vec<Value> {
        let store = lock(&self.inner.store);
        let plain = |object: &Value| {
            let mut object = object.clone();
            let metadata = object["metadata"].as_object_mut().unwrap();
            for key in ["uid", "resourceVersion", "generation", "creationTimestamp"] {
                metadata.shift_remove(key);
            }
            if let Some(status) = object["status"].as_object_mut() {
                status.shift_remove("observedGeneration");
            }
            object
        };
        store.objects.values().map(plain).collect()
    }

    pub(crate) fn object(&self, reference: &ObjectRef) -> Option<Value> {
        lock(&self.inner.store).objects.get(&Address::of(reference)).cloned()
    }

    fn change<T>(&self, change: impl FnOnce(&mut Store) -> T) -> T {
        let mut store = lock(&self.inner.store);
        let answer = change(&mut store);
        if store.storage {
            volumes::settle(&mut store);
        }
        drop(store);
        self.inner.changed.send_modify(|count| *count += 1);
        answer
    }

    /// Somebody makes an object without us.
    pub(crate) fn made_by_hand(&self, object: &Value) {
        let address = Address::of(&ObjectRef::of(object).unwrap());
        let asked = Asked { manager: "somebody", force: true, dry: false };
        self.change(|store| store.apply(&address, object, &asked))
            .unwrap_or_else(|refused| panic!("{}", refused.message));
    }

    /// Somebody sets one field: `spec.replicas`, `spec.template.spec.containers[web].image`.
    pub(crate) fn set(&self, reference: &ObjectRef, path: &str, value: &Value, manager: &str) {
        let way = path.split('.').flat_map(|part| match part.split_once('[') {
            Some((list, name)) => {
                vec![format!("f:{list}"), format!("k:{}", json!({"name": name.trim_end_matches(']')}))]
            }
            None => vec![format!("f:{part}")],
        });
        let (way, address) = (way.collect(), Address::of(reference));
        self.change(|store| {
            let mut live = store.objects[&address].clone();
            store::take(&mut live, &way, value, manager);
            store.put(&address, live)
        });
    }

    /// Somebody sets the number of replicas through a scale that went by 0: nobody owns it from then on.
    pub(crate) fn scale(&self, reference: &ObjectRef, replicas: u64) {
        self.set(reference, "spec.replicas", &json!(replicas), "nobody");
        let address = Address::of(reference);
        self.change(|store| {
            let mut live = store.objects[&address].clone();
            let entries = live["metadata"]["managedFields"].as_array_mut().unwrap();
            entries.retain(|entry| entry["manager"] != "nobody");
            store.put(&address, live)
        });
    }

    /// From now on volumes are provisioned, bound, protected and reclaimed, and Deployments have pods.
    pub(crate) fn with_storage(self) -> Self {
        self.change(|store| store.storage = true);
        self
    }

    /// Somebody asks for the deletion of an object, as `kubectl delete` does: finalizers hold it.
    pub(crate) fn delete_by_hand(&self, reference: &ObjectRef) {
        self.change(|store| store.delete(&Address::of(reference), &json!({})))
            .unwrap_or_else(|refused| panic!("{}", refused.message));
    }

    /// What is on the disk at this path; `None`: it was erased.
    pub(crate) fn disk(&self, path: &str) -> Option<String> {
        lock(&self.inner.store).disks.get(path).cloned()
    }

    /// Writes to the disk at this path.
    pub(crate) fn fill(&self, path: &str, contents: &str) {
        lock(&self.inner.store).disks.insert(path.to_owned(), contents.to_owned());
    }

    /// The bodies of all deletes so far.
    pub(crate) fn delete_bodies(&self) -> Vec<Value> {
        lock(&self.inner.deletes).clone()
    }

    /// All pods of a component say this line, the ones that come later too.
    pub(crate) fn says(&self, component: &str, line: &str) {
        lock(&self.inner.store).logs.insert(component.to_owned(), line.to_owned());
    }

    /// Somebody deletes an object, finalizers or not.
    pub(crate) fn remove(&self, reference: &ObjectRef) {
        self.change(|store| store.remove(&Address::of(reference)));
    }

    /// `Kind/name` does not become ready until it is released.
    pub(crate) fn hold(&self, what: &str) {
        self.change(|store| store.held.insert(what.to_owned()));
    }

    pub(crate) fn release(&self, reference: &ObjectRef) {
        self.change(|store| {
            store.held.remove(&reference.short());
            store.look_after(&Address::of(reference));
        });
    }

    async fn answer(&self, request: Request<Bytes>) -> Result<Response<Body>, BoxError> {
        let call = self.enter(&request);
        let writes = call.write.is_some();
        if writes {
            let mut in_flight = lock(&self.inner.in_flight);
            in_flight.0 += 1;
            in_flight.1 = in_flight.1.max(in_flight.0);
        }
        // Others may arrive before this one is answered.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        if writes {
            lock(&self.inner.in_flight).0 -= 1;
        }
        let fate = lock(&self.inner.rule)(&call);
        let lost = || BoxError::from(std::io::Error::new(std::io::ErrorKind::ConnectionRefused, "connection refused"));
        let review = request.uri().path().ends_with("/selfsubjectaccessreviews");
        match fate {
            Fate::Answered | Fate::Denied if review => {
                let status = json!({"allowed": fate == Fate::Answered});
                Ok(whole(
                    201,
                    &json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
                    "spec": {}, "status": status}),
                ))
            }
            Fate::Answered | Fate::Denied => Ok(self.handle(&request)),
            Fate::AnswerLost => {
                drop(self.handle(&request));
                Err(lost())
            }
            Fate::Lost => Err(lost()),
            Fate::Refused(code, reason) => Ok(refused(&refusal(code, reason, format!("the rule says {reason}")))),
            Fate::Hanging => std::future::pending().await,
        }
    }

    fn enter(&self, request: &Request<Bytes>) -> Call {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let mut log = lock(&self.inner.log);
        let review = request.uri().path().starts_with("/apis/authorization.k8s.io/");
        let is_write = *request.method() != Method::GET && !query.contains("dryRun=All") && !review;
        let write = is_write.then(|| log.iter().filter(|call| call.write.is_some()).count());
        let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
        let call = Call { number: log.len(), write, method, path, query };
        log.push(call.clone());
        call
    }

    fn handle(&self, request: &Request<Bytes>) -> Response<Body> {
        let query = request.uri().query().unwrap_or_default();
        let has = |pair: &str| query.split('&').any(|known| known == pair);
        if let Some(answer) = self.log_of(request.uri().path()) {
            return answer;
        }
        if request.uri().path() == "/version" {
            return whole(
                200,
                &json!({"major": "1", "minor": "34", "gitVersion": "v1.34.2", "gitCommit": "", "gitTreeState": "",
                "buildDate": "", "goVersion": "", "compiler": "", "platform": ""}),
            );
        }
        let Some(address) = Address::parse(request.uri().path()) else { return self.discover(request.uri().path()) };
        let body = || serde_json::from_slice::<Value>(request.body()).unwrap_or_default();
        let method = request.method().clone();
        if method == Method::GET && address.name.is_none() {
            return if has("watch=true") { self.watch(address, query) } else { self.list(&address, query) };
        }
        if method == Method::DELETE {
            lock(&self.inner.deletes).push(body());
        }
        let answer = self.change(|store| {
            if method == Method::GET {
                return store.get(&address);
            }
            let is = |kind: &str| request.headers().get("content-type").is_some_and(|known| known == kind);
            if method == Method::PATCH && is("application/merge-patch+json") {
                return store.merge(&address, &body());
            }
            if method == Method::PATCH && is("application/json-patch+json") {
                return store.steps(&address, body());
            }
            if method == Method::PATCH {
                let manager = query.split('&').find_map(|pair| pair.strip_prefix("fieldManager=")).unwrap_or("nobody");
                let asked = Asked { manager, force: has("force=true"), dry: has("dryRun=All") };
                return store.apply(&address, &body(), &asked);
            }
            if method == Method::POST {
                let object = body();
                let name = object["metadata"]["name"].as_str().map(str::to_owned);
                return store.create(&Address { name, ..address.clone() }, &object);
            }
            if method == Method::PUT { store.replace(&address, &body()) } else { store.delete(&address, &body()) }
        });
        match answer {
            Ok(object) => whole(200, &object),
            Err(refusal) => refused(&refusal),
        }
    }

    /// The log of a pod: what its component says, and then nothing more for as long as it is followed.
    fn log_of(&self, path: &str) -> Option<Response<Body>> {
        let pod = Address::parse(path.strip_suffix("/log")?)?;
        let store = lock(&self.inner.store);
        let Some(live) = store.objects.get(&pod) else {
            return Some(refused(&refusal(404, "NotFound", "the pod is gone")));
        };
        let component = live["metadata"]["labels"]["app.kubernetes.io/component"].as_str().unwrap_or_default();
        let line = store.logs.get(component).cloned();
        let lines = line.map(|line| Ok(Frame::data(Bytes::from(format!("2026-01-01T00:00:00Z {line}\n")))));
        let body = stream::iter(lines).chain(stream::pending::<Result<_, BoxError>>());
        Some(Response::new(StreamBody::new(body).boxed_unsync()))
    }

    fn list(&self, address: &Address, query: &str) -> Response<Body> {
        let store = lock(&self.inner.store);
        let Some((kind, _)) = store.kind(address) else {
            return refused(&refusal(404, "NotFound", "the server could not find the requested resource"));
        };
        let selector = selector(query);
        let fits = |(place, object): &(&Address, &Value)| address.holds(place) && carries(object, &selector);
        let found: Vec<&Value> = store.objects.iter().filter(fits).map(|(_, object)| object).collect();
        let metadata = json!({"resourceVersion": store.version.to_string()});
        whole(
            200,
            &json!({"apiVersion": address.api_version, "kind": format!("{kind}List"), "metadata": metadata, "items": found}),
        )
    }

    fn watch(&self, address: Address, query: &str) -> Response<Body> {
        let from =
            query.split('&').find_map(|pair| pair.strip_prefix("resourceVersion=")).and_then(|text| text.parse().ok());
        let start = (self.clone(), self.inner.changed.subscribe(), address, from.unwrap_or(0_u64));
        let events = stream::unfold(start, |(fake, mut changed, address, seen)| async move {
            loop {
                changed.borrow_and_update();
                let (lines, latest) = fake.since(&address, seen);
                if !lines.is_empty() {
                    return Some((
                        Ok::<_, BoxError>(Frame::data(Bytes::from(lines))),
                        (fake, changed, address, latest),
                    ));
                }
                changed.changed().await.ok()?;
            }
        });
        Response::new(StreamBody::new(events).boxed_unsync())
    }

    fn since(&self, address: &Address, seen: u64) -> (String, u64) {
        let store = lock(&self.inner.store);
        let news = store.history.iter().filter(|(version, _, place, _)| *version > seen && address.holds(place));
        let lines = news.map(|(_, verb, _, object)| format!("{}\n", json!({"type": verb, "object": object})));
        (lines.collect(), store.version)
    }

    fn discover(&self, path: &str) -> Response<Body> {
        let api_version = path.trim_start_matches("/apis/");
        let store = lock(&self.inner.store);
        let definitions = store.objects.values().filter(|object| object["kind"] == "CustomResourceDefinition");
        let ours = definitions
            .filter(|definition| api_version.starts_with(definition["spec"]["group"].as_str().unwrap_or("?")));
        let resources: Vec<Value> = ours
            .map(|definition| {
                let names = &definition["spec"]["names"];
                json!({"name": names["plural"], "singularName": "", "kind": names["kind"], "verbs": ["get"],
                    "namespaced": definition["spec"]["scope"] == "Namespaced"})
            })
            .collect();
        if resources.is_empty() {
            return refused(&refusal(404, "NotFound", "the server could not find the requested resource"));
        }
        whole(
            200,
            &json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": resources}),
        )
    }
}

fn selector(query: &str) -> Vec<(String, Option<String>)> {
    let text = query.split('&').find_map(|pair| pair.strip_prefix("labelSelector=")).unwrap_or_default();
    let text = text.replace("%3D", "=").replace("%2C", ",").replace("%2F", "/");
    let pairs = text.split(',').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').map_or((pair, None), |(key, value)| (key, Some(value)))).map(own).collect()
}

fn own((key, value): (&str, Option<&str>)) -> (String, Option<String>) {
    (key.to_owned(), value.map(str::to_owned))
}

/// A key without a value asks only that the label is there.
fn carries(object: &Value, selector: &[(String, Option<String>)]) -> bool {
    let label = |key: &String| object["metadata"]["labels"].get(key);
    selector.iter().all(|(key, value)| match value {
        Some(value) => label(key).is_some_and(|label| label == value),
        None => label(key).is_some(),
    })
}

fn whole(code: u16, document: &Value) -> Response<Body> {
    let body = Full::new(Bytes::from(document.to_string())).map_err(|never| match never {});
    Response::builder().status(code).header("content-type", "application/json").body(body.boxed_unsync()).unwrap()
}

fn refused(refusal: &Refusal) -> Response<Body> {
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": refusal.code,
        "reason": refusal.reason, "message": refusal.message, "details": {"causes": refusal.causes}});
    whole(refusal.code, &status)
}
