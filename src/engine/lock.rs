//! One run at a time for each installation, kept by a Lease in the cluster, so that it holds between machines too.

mod holder;
mod machine;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::authorization::v1::ResourceAttributes;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, Client};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use holder::Holder;
pub use machine::MachineLock;

use crate::cluster::fault::classify;
use crate::cluster::fence::Fenced;
use crate::cluster::{Clock, Cluster};
use crate::error::Explain;
use crate::plan::FIELD_MANAGER;

/// Where the program keeps what it must remember in the cluster.
pub const SYSTEM_NAMESPACE: &str = "seaworthy-system";
/// A Lease that was not renewed for this long may be taken over by somebody who says so.
const EXPIRY: Duration = Duration::from_secs(60);
/// Nothing is written any more under a Lease that was not renewed for this long: what is on its way then arrives before it
/// may be somebody else's. A machine that was asleep finds out so before it looks.
const TRUSTED: Duration = Duration::from_secs(50);
/// How often a held Lease is renewed.
const RENEWAL: Duration = Duration::from_secs(15);

/// Why the lock was not to be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else is at work.
    #[error("{key} is locked by {holder}, last heard of {silent} s ago")]
    Held {
        /// The installation.
        key: String,
        /// Who, and since when, for people.
        holder: String,
        /// Seconds since the lock was last renewed.
        silent: i64,
        /// Whether it may be taken over by somebody who says so.
        expired: bool,
    },
    /// The API server refused, or is gone.
    #[error("cannot lock {key}: {}", classify(source))]
    Refused {
        /// The installation.
        key: String,
        /// What it said.
        source: Box<kube::Error>,
    },
    /// The namespace of locks is being deleted, by an `uninstall --all` most likely.
    #[error("cannot lock {key}: namespace `{SYSTEM_NAMESPACE}`, where locks are kept, is being deleted")]
    Going {
        /// The installation.
        key: String,
    },
    /// The API server would refuse.
    #[error("cannot lock {key}: this user may not create leases.coordination.k8s.io in namespace `{SYSTEM_NAMESPACE}`")]
    NotAllowed {
        /// The installation.
        key: String,
    },
    /// Another process of this machine is at work.
    #[error("{key} is being worked on by {holder}")]
    HeldHere {
        /// The cluster of this machine.
        key: String,
        /// Who, for people.
        holder: String,
    },
    /// The file of the lock cannot be made.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

impl Explain for LockError {
    fn id(&self) -> &'static str {
        match self {
            Self::Held { .. } | Self::HeldHere { .. } => "locked",
            Self::Refused { .. } | Self::Going { .. } | Self::NotAllowed { .. } | Self::File { .. } => "lock-refused",
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Held { key, expired: true, .. } => {
                format!("if that run is dead, take its lock over: the same command with --take-lock {key}")
            }
            Self::Held { .. } => {
                "wait for it to end, or end it; a dead one's lock can be taken over after 60 s".to_owned()
            }
            Self::Going { .. } => {
                format!("wait until it is gone (`kubectl get namespace {SYSTEM_NAMESPACE}`), and do the same again")
            }
            Self::HeldHere { .. } => "wait for it to end, or end it".to_owned(),
            Self::File { .. } => {
                "see that the folder can be written to, or choose another with SEAWORTHY_STATE_DIR".to_owned()
            }
            Self::Refused { source, .. } if !is_about_rights(source) => format!(
                "the lock is a Lease in namespace {SYSTEM_NAMESPACE}, and nothing was begun without it; do the same again when the API server takes writes (`seaworthy doctor` says how it is)"
            ),
            Self::Refused { .. } | Self::NotAllowed { .. } => format!(
                "the lock is a Lease in namespace {SYSTEM_NAMESPACE}; the user of this context must be able to create, get, update and delete it"
            ),
        })
    }
}

/// The held lock. [`Lock::release`] gives it back; a lock that is only dropped expires.
pub struct Lock {
    leases: Api<Lease>,
    name: String,
    me: Holder,
    /// The Lease as this process wrote it last.
    written: Arc<Mutex<Preconditions>>,
    renewal: JoinHandle<()>,
}

impl Lock {
    /// Takes the lock of an installation. A holder that is a dead process of this host and boot is taken over at once;
    /// one that was not heard of for 60 s when `take_over` is set. `lost` is cancelled when somebody else takes the lock.
    pub async fn acquire(
        cluster: &Cluster,
        key: &str,
        take_over: bool,
        lost: CancellationToken,
    ) -> Result<Self, LockError> {
        Self::acquire_as(Holder::this_process(), cluster, key, take_over, lost).await
    }

    /// The same, for a holder that is not this process.
    ///
    /// # Errors
    /// As [`Lock::acquire`].
    pub async fn acquire_as(
        me: Holder,
        Cluster { client, clock, meter, .. }: &Cluster,
        key: &str,
        take_over: bool,
        lost: CancellationToken,
    ) -> Result<Self, LockError> {
        let refused = |source| refused(key, source);
        let leases: Api<Lease> = Api::namespaced(client.clone(), SYSTEM_NAMESPACE);
        let asked = clock.now();
        let wanted = lease(key, &me, asked);
        let taken = match leases.create(&PostParams::default(), &wanted).await {
            Err(kube::Error::Api(status)) if status.code == 404 => {
                make_namespace(client).await.map_err(refused)?;
                leases.create(&PostParams::default(), &wanted).await
            }
            answer => answer,
        };
        let held = match taken {
            Ok(held) => held,
            Err(kube::Error::Api(status)) if status.is_already_exists() => {
                let there = leases.get(key).await.map_err(refused)?;
                may_take(key, &there, (&me, clock.now()), take_over)?;
                let mut mine = wanted;
                // Whoever changes it between the two requests wins.
                mine.metadata.resource_version = there.metadata.resource_version;
                leases.replace(key, &PostParams::default(), &mine).await.map_err(refused)?
            }
            Err(error) => return Err(refused(error)),
        };
        let written = Arc::new(Mutex::new(as_written(held)));
        let fenced = meter.fence.put(key, clock, trusted(asked), lost.clone());
        let about = (key.to_owned(), me.clone(), clock.clone());
        let renewal = tokio::spawn(renew(leases.clone(), about, (written.clone(), fenced), lost));
        Ok(Self { leases, name: key.to_owned(), me, written, renewal })
    }

    /// Whether the lock could be had, found out without taking it: one read and one review of access.
    ///
    /// # Errors
    /// When somebody holds it who is alive as far as can be known, or it may not be taken or looked at. One that was not
    /// heard of for a minute is left to [`Lock::acquire`], which can be told to take over.
    pub async fn look(Cluster { client, clock, .. }: &Cluster, key: &str, take_over: bool) -> Result<(), LockError> {
        let refused = |source| refused(key, source);
        let leases: Api<Lease> = Api::namespaced(client.clone(), SYSTEM_NAMESPACE);
        let (there, allowed) = tokio::join!(leases.get_opt(key), may_create(client));
        if !allowed {
            return Err(LockError::NotAllowed { key: key.to_owned() });
        }
        let Some(there) = there.map_err(refused)? else { return Ok(()) };
        match may_take(key, &there, (&Holder::this_process(), clock.now()), take_over) {
            Err(LockError::Held { expired: true, .. }) => Ok(()),
            answer => answer,
        }
    }

    /// Gives the lock back, if it is still as this process wrote it: who has taken it over has changed it.
    pub async fn release(self) -> Result<(), kube::Error> {
        self.renewal.abort();
        let as_written = self.written.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match self.leases.delete(&self.name, &DeleteParams::default().preconditions(as_written)).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 409 => self.release_renewed().await,
            Err(error) => Err(error),
        }
    }

    /// Somebody has changed the Lease: another holder, or a renewal of ours of which the answer was not awaited.
    async fn release_renewed(self) -> Result<(), kube::Error> {
        let Some(there) = self.leases.get_opt(&self.name).await? else { return Ok(()) };
        let holder = there.spec.as_ref().and_then(|spec| spec.holder_identity.clone());
        if holder != Some(self.me.to_string()) {
            return Ok(());
        }
        match self.leases.delete(&self.name, &DeleteParams::default().preconditions(as_written(there))).await {
            Err(kube::Error::Api(status)) if status.code == 404 || status.code == 409 => Ok(()),
            answer => answer.map(|_| ()),
        }
    }
}

/// Whether a refusal is about what this user may do.
fn is_about_rights(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if [401, 403].contains(&status.code))
}

/// Into a namespace that is going nothing can be put, which is told as a missing right (`NamespaceTerminating`; Kubernetes,
/// `plugin/pkg/admission/namespace/lifecycle`).
fn refused(key: &str, source: kube::Error) -> LockError {
    let key = key.to_owned();
    match source {
        kube::Error::Api(status) if status.code == 403 && status.message.contains("because it is being terminated") => {
            LockError::Going { key }
        }
        source => LockError::Refused { key, source: Box::new(source) },
    }
}

fn as_written(lease: Lease) -> Preconditions {
    Preconditions { uid: lease.metadata.uid, resource_version: lease.metadata.resource_version }
}

fn lease(key: &str, holder: &Holder, now: Timestamp) -> Lease {
    let now = MicroTime(now);
    Lease {
        metadata: ObjectMeta { name: Some(key.to_owned()), ..ObjectMeta::default() },
        spec: Some(LeaseSpec {
            holder_identity: Some(holder.to_string()),
            acquire_time: Some(now.clone()),
            renew_time: Some(now),
            lease_duration_seconds: i32::try_from(EXPIRY.as_secs()).ok(),
            ..LeaseSpec::default()
        }),
    }
}

/// Whether this user may make a Lease. An API server that does not answer such questions is not taken to say no.
async fn may_create(client: &Client) -> bool {
    let attributes = ResourceAttributes {
        group: Some("coordination.k8s.io".to_owned()),
        resource: Some("leases".to_owned()),
        namespace: Some(SYSTEM_NAMESPACE.to_owned()),
        verb: Some("create".to_owned()),
        ..ResourceAttributes::default()
    };
    super::review::may(client, attributes).await != Some(false)
}

fn may_take(key: &str, there: &Lease, (me, now): (&Holder, Timestamp), take_over: bool) -> Result<(), LockError> {
    let spec = there.spec.clone().unwrap_or_default();
    let holder = spec.holder_identity.unwrap_or_default();
    let since = spec.renew_time.map_or(Timestamp::UNIX_EPOCH, |time| time.0);
    let dead = holder.parse::<Holder>().is_ok_and(|holder| holder.is_dead_neighbour(me));
    let silent = now.duration_since(since).as_secs();
    let expired = silent >= EXPIRY.as_secs().cast_signed();
    if dead || holder.is_empty() || (expired && take_over) {
        return Ok(());
    }
    let acquired = spec.acquire_time.map_or(since, |time| time.0).strftime("%H:%M:%S");
    let who = holder.parse::<Holder>().map_or(holder, |holder| holder.named());
    let holder = format!("{who}, since {acquired} UTC");
    Err(LockError::Held { key: key.to_owned(), holder, silent, expired })
}

async fn make_namespace(client: &Client) -> Result<(), kube::Error> {
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(client.clone());
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM_NAMESPACE,
        "labels": {"app.kubernetes.io/managed-by": FIELD_MANAGER}}});
    namespaces.patch(SYSTEM_NAMESPACE, &PatchParams::apply(FIELD_MANAGER), &Patch::Apply(namespace)).await.map(|_| ())
}

/// Renews until aborted. A renewal that finds another holder, or none for as long as the lease lasts, ends the run.
async fn renew(
    leases: Api<Lease>,
    (name, me, clock): (String, Holder, Clock),
    (written, fenced): (Arc<Mutex<Preconditions>>, Fenced),
    lost: CancellationToken,
) {
    let mut timer = tokio::time::interval(RENEWAL);
    timer.tick().await;
    let mut renewed = clock.now();
    loop {
        timer.tick().await;
        let asked = clock.now();
        match renew_once(&leases, &name, (&me, asked)).await {
            Ok(Some(lease)) => {
                renewed = asked;
                fenced.move_to(trusted(asked));
                *written.lock().unwrap_or_else(PoisonError::into_inner) = as_written(lease);
            }
            Ok(None) => return lost.cancel(),
            Err(error) => tracing::warn!(%error, "the lock was not renewed"),
        }
        if clock.now().duration_since(renewed).as_secs() >= EXPIRY.as_secs().cast_signed() {
            return lost.cancel();
        }
    }
}

fn trusted(renewed: Timestamp) -> Timestamp {
    renewed.saturating_add(TRUSTED).unwrap_or(renewed)
}

/// `None`: somebody else holds it now.
async fn renew_once(
    leases: &Api<Lease>,
    name: &str,
    (me, now): (&Holder, Timestamp),
) -> Result<Option<Lease>, kube::Error> {
    let Some(mut lease) = leases.get_opt(name).await? else { return Ok(None) };
    let spec = lease.spec.get_or_insert_default();
    if spec.holder_identity.as_deref() != Some(me.to_string().as_str()) {
        return Ok(None);
    }
    spec.renew_time = Some(MicroTime(now));
    leases.replace(name, &PostParams::default(), &lease).await.map(Some)
}
