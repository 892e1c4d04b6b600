//! A simulated cluster inside the process: the real code above the real Kubernetes client, against an API server in memory,
//! controllers, and nodes on which nothing runs.
//!
//! ```text
//! kube::Client -- tower Service --> api --> store <--> controllers (until nothing is left to do)
//!                                              |            |
//!                                            watch        clock: when the next thing is due
//! ```
//!
//! Behaviour and texts are those of Kubernetes 1.34, as far as `install`, `status`, `doctor` and the playbooks of stacks ask
//! for them. What is not simulated answers 501 with a `Status` that names it. There is no authorisation: everything is
//! allowed.

mod address;
mod admission;
mod amount;
mod api;
mod application;
mod containers;
mod controllers;
mod defaults;
mod disks;
mod etcd;
mod exec;
pub mod faults;
mod fields;
mod file;
mod forward;
mod harbour;
mod ids;
mod kind;
mod merge;
mod owners;
mod protobuf;
mod refusal;
mod schema;
mod select;
mod serve;
mod services;
mod shore;
mod store;
mod tides;
mod validate;
mod websocket;
mod world;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use serde_json::Value;
use tower::{BoxError, Layer as _};

use crate::bell::{Bell, Ear};
use crate::cluster::clock::Clock;
use crate::cluster::{Cluster, ClusterId, Meter};
use crate::object::{ObjectRef, text};
use crate::plan::Reach;
use address::Address;
use world::World;

pub use disks::Files;
pub use file::{SandboxError, reset, used};
pub use kind::Kind;

/// The API server of a sandbox as a service.
pub type Quay = tower::util::BoxCloneService<Request<kube::client::Body>, Response<api::Body>, BoxError>;

/// A simulated cluster. Clones are the same cluster.
#[derive(Clone)]
pub struct Sandbox {
    inner: Arc<Inner>,
}

struct Inner {
    world: Mutex<World>,
    clock: Clock,
    changed: Bell,
    file: Option<file::Held>,
}

impl Sandbox {
    /// A new cluster that is forgotten when it is dropped.
    pub fn new(kind: Kind) -> Self {
        let now = Timestamp::now();
        Self::with(harbour::fresh(kind, now, seed(now)), None)
    }

    /// A new cluster in which everything that looks like chance hangs on the seed, at a time of its own.
    pub fn seeded(kind: Kind, origin: Timestamp, seed: &str) -> Self {
        let world = harbour::fresh(kind, origin, seed.to_owned());
        Self::at(world, None, origin)
    }

    /// The cluster of this kind that is kept in a folder; a new one when there is none. No other process can have it as
    /// long as this one does.
    ///
    /// # Errors
    /// When another process has it, or its file cannot be read, understood or written.
    pub fn open(state: &std::path::Path, kind: Kind) -> Result<Self, SandboxError> {
        let (held, kept) = file::Held::open(state, kind)?;
        let now = Timestamp::now();
        let sandbox = Self::with(kept.unwrap_or_else(|| harbour::fresh(kind, now, seed(now))), Some(held));
        sandbox.save()?;
        Ok(sandbox)
    }

    fn with(world: World, file: Option<file::Held>) -> Self {
        // A clock that has leapt ahead does not go back.
        let now = world.now.max(Timestamp::now());
        Self::at(world, file, now)
    }

    fn at(mut world: World, file: Option<file::Held>, now: Timestamp) -> Self {
        let clock = Clock::starting_at(now);
        world.settle(clock.now());
        Self { inner: Arc::new(Inner { world: Mutex::new(world), clock, changed: Bell::default(), file }) }
    }

    /// Writes the cluster down, if it is kept anywhere.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn save(&self) -> Result<(), SandboxError> {
        match &self.inner.file {
            Some(file) => file.write(&self.lock()),
            None => Ok(()),
        }
    }

    /// Which nodes it has.
    pub fn kind(&self) -> Kind {
        self.lock().kind
    }

    /// Its time.
    pub fn clock(&self) -> Clock {
        self.inner.clock.clone()
    }

    /// A client. It has to be made within a runtime, on which the cluster goes on from then on.
    pub fn client(&self) -> kube::Client {
        kube::Client::new(self.service(), "default")
    }

    /// The cluster as a command gets it that connects to it.
    pub fn cluster(&self, meter: Meter) -> Cluster {
        self.cluster_through(meter, |quay| quay)
    }

    /// The cluster as a client has it between which and the API server something stands: `between` gets the API server as a
    /// service, and gives one that passes requests on, or does not.
    pub fn cluster_through(&self, meter: Meter, between: impl FnOnce(Quay) -> Quay) -> Cluster {
        let (kind, uid) = (self.kind(), harbour::identity(&self.lock()));
        let client = kube::Client::new(meter.layer(between(Quay::new(self.service()))), "default");
        let id = ClusterId { context: format!("the sandbox {kind}"), server: "memory of this process".to_owned(), uid };
        Cluster { client, id, meter, clock: self.clock() }
    }

    fn service(
        &self,
    ) -> impl tower::Service<Request<kube::client::Body>, Response = Response<api::Body>, Error = BoxError, Future: Send>
    + Clone
    + Send
    + use<> {
        tokio::spawn(keep_going(Arc::downgrade(&self.inner)));
        let sandbox = self.clone();
        tower::service_fn(move |request: Request<kube::client::Body>| {
            let sandbox = sandbox.clone();
            async move {
                if request.headers().contains_key(http::header::UPGRADE) {
                    return serve::upgraded(sandbox, request).await;
                }
                let (mut parts, body) = request.into_parts();
                let agent = HeaderValue::from_static(concat!("seaworthy/", env!("CARGO_PKG_VERSION")));
                parts.headers.entry(http::header::USER_AGENT).or_insert(agent);
                let body = body.collect().await?.to_bytes();
                sandbox.answer(&Request::from_parts(parts, body)).await
            }
        })
    }

    /// Answers a request as the API server would, and takes as long as it was told to.
    async fn answer(&self, request: &Request<Bytes>) -> Result<Response<api::Body>, BoxError> {
        if let Some(delay) = self.read(World::delay) {
            self.inner.clock.pass(delay).await;
        }
        if self.read(World::is_away) {
            let error = std::io::Error::new(std::io::ErrorKind::ConnectionRefused, "the sandbox was told to be down");
            return Err(error.into());
        }
        if self.read(|world| world.faults.contains_key("certificate-expired")) {
            let expired = rustls::Error::InvalidCertificate(rustls::CertificateError::Expired);
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, expired).into());
        }
        Ok(api::answer(self, request))
    }

    /// Tells the simulated applications what to answer: the ways into the stacks that come here. A container is no more
    /// than its status, so what a stack promises of its ways in is all that can be known. `logs`: what the components of a
    /// namespace say when they have started.
    pub fn simulate(&self, ways: &[Reach], (namespace, logs): (&str, &BTreeMap<String, Vec<String>>)) {
        self.stir(|world| {
            world.logs.entry(namespace.to_owned()).or_default().extend(logs.clone());
            world.ways.retain(|known| {
                !ways.iter().any(|way| {
                    (&way.namespace, &way.service, &way.path) == (&known.namespace, &known.service, &known.path)
                })
            });
            world.ways.extend_from_slice(ways);
        });
    }

    /// Whether a fault would strike anything as it is now.
    pub fn aim(&self, fault: &faults::Fault, target: &str) -> faults::Aim {
        fault.aim(&self.lock(), target)
    }

    /// Breaks something; see [`faults::FAULTS`].
    pub fn strike(&self, fault: &faults::Fault, target: &str) {
        self.stir(|world| fault.apply(world, target));
    }

    /// Mends what lasts, brings back nodes that are gone; objects that were deleted stay deleted.
    pub fn mend(&self) {
        self.stir(faults::mend);
    }

    /// Takes back one fault, by its name.
    pub fn heal(&self, fault: &faults::Fault) {
        self.stir(|world| faults::heal(world, fault.name));
    }

    /// The faults that last, each with its target, which may be empty.
    pub fn faults(&self) -> Vec<(String, String)> {
        let of = |(name, targets): (&String, &Vec<String>)| {
            targets.iter().map(|target| (name.clone(), target.clone())).collect::<Vec<_>>()
        };
        self.lock().faults.iter().flat_map(of).collect()
    }

    /// An object as it is now.
    pub fn object(&self, reference: &ObjectRef) -> Option<Value> {
        self.lock().store.get(&Address::of(reference)).cloned()
    }

    /// All objects as they are now.
    pub fn objects(&self) -> Vec<Value> {
        self.lock().store.iter().map(|(_, object)| object.clone()).collect()
    }

    /// What lies on the volume of a claim; `None`: the claim has none.
    pub fn files(&self, namespace: &str, claim: &str) -> Option<Files> {
        self.read(|world| Some(world.disks.files(&place_of(world, namespace, claim)?).cloned().unwrap_or_default()))
    }

    /// Puts a file on the volume of a claim. `false`: the claim has none.
    pub fn write_file(&self, (namespace, claim): (&str, &str), path: &str, content: &[u8]) -> bool {
        self.change(|world| {
            let Some(place) = place_of(world, namespace, claim) else { return false };
            world.disks.make(&place).insert(path.to_owned(), content.to_vec());
            true
        })
    }

    /// Lets so many seconds of the cluster's time pass at once, but for what its clients see of the clock.
    pub fn rest(&self, seconds: i64) {
        self.change(|world| world.rest(seconds));
    }

    /// Lets so many seconds of the cluster's time go by, in which nobody is there: whoever opens it next comes that much later.
    pub fn pass(&self, seconds: i64) {
        self.change(|world| {
            let end = world.now.saturating_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
            world.rest(seconds);
            world.settle(end);
        });
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.inner.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changes(&self) -> Ear {
        self.inner.changed.listen()
    }

    fn read<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        let mut world = self.lock();
        world.now = world.now.max(self.inner.clock.now());
        look(&world)
    }

    /// Changes something that is no object, so that every controller looks again.
    fn stir(&self, change: impl FnOnce(&mut World)) {
        self.change(|world| {
            change(world);
            world.stir();
        });
    }

    /// Changes something, lets the controllers react, and writes it down: an answer is only given for what is kept.
    fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        self.inner.change(change)
    }
}

/// Whoever waits for what comes next hears that nothing does.
impl Drop for Inner {
    fn drop(&mut self) {
        self.changed.ring();
    }
}

impl Inner {
    fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let (before, now) = ((world.store.version, world.disks.changes()), self.clock.now());
        world.now = world.now.max(now);
        let answer = change(&mut world);
        world.settle(now);
        if let Some(file) = &self.file
            && (world.store.version, world.disks.changes()) != before
            && let Err(error) = file.write(&world)
        {
            tracing::error!(%error, "the sandbox could not be written down");
        }
        drop(world);
        self.changed.ring();
        answer
    }
}

fn place_of(world: &World, namespace: &str, claim: &str) -> Option<String> {
    let claim = world.find("PersistentVolumeClaim", Some(namespace), claim)?;
    Some(disks::Disks::place(world.find("PersistentVolume", None, text(claim, "/spec/volumeName")?)?))
}

/// Different for every new cluster.
fn seed(now: Timestamp) -> String {
    static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    format!("{}/{}/{count}", now.as_nanosecond(), std::process::id())
}

/// Wakes the controllers when something is due, as long as anybody holds the cluster.
async fn keep_going(inner: Weak<Inner>) {
    let Some(mut changed) = inner.upgrade().map(|inner| inner.changed.listen()) else { return };
    loop {
        changed.heed();
        let Some(it) = inner.upgrade() else { return };
        let due = it.world.lock().unwrap_or_else(PoisonError::into_inner).due();
        let pause =
            due.map(|due| std::time::Duration::try_from(due.duration_since(it.clock.now())).unwrap_or_default());
        drop(it);
        let Some(pause) = pause else {
            changed.rung().await;
            continue;
        };
        tokio::select! {
            biased;
            () = changed.rung() => {}
            () = tokio::time::sleep(pause) => {
                let Some(it) = inner.upgrade() else { return };
                it.change(|_| ());
            }
        }
    }
}
