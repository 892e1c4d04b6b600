//! One run at a time for each installation, kept by a Lease in the cluster, so that it holds between machines too.

mod holder;

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, Client};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use holder::Holder;

use crate::error::Explain;
use crate::plan::FIELD_MANAGER;

/// Where the program keeps what it must remember in the cluster.
pub const SYSTEM_NAMESPACE: &str = "seaworthy-system";
/// A Lease that was not renewed for this long may be taken over by somebody who says so.
const EXPIRY: Duration = Duration::from_secs(60);
/// How often a held Lease is renewed.
const RENEWAL: Duration = Duration::from_secs(15);

/// Why the lock was not to be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else is at work.
    #[error("{key} is locked by {holder}, last heard of {} ago", age(*since))]
    Held {
        /// The installation.
        key: String,
        /// Who.
        holder: String,
        /// When the lock was last renewed.
        since: Timestamp,
        /// Whether it may be taken over by somebody who says so.
        expired: bool,
    },
    /// The API server refused, or is gone.
    #[error("cannot lock {key}: {source}")]
    Refused {
        /// The installation.
        key: String,
        /// What it said.
        source: Box<kube::Error>,
    },
}

fn age(since: Timestamp) -> String {
    format!("{} s", Timestamp::now().duration_since(since).as_secs())
}

impl Explain for LockError {
    fn id(&self) -> &'static str {
        match self {
            Self::Held { .. } => "locked",
            Self::Refused { .. } => "lock-refused",
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
            Self::Refused { .. } => format!(
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
    renewal: JoinHandle<()>,
}

impl Lock {
    /// Takes the lock of an installation. A holder that is a dead process of this host and boot is taken over at once;
    /// one that was not heard of for 60 s when `take_over` is set. `lost` is cancelled when somebody else takes the lock.
    pub async fn acquire(
        client: &Client,
        key: &str,
        take_over: bool,
        lost: CancellationToken,
    ) -> Result<Self, LockError> {
        let refused = |source| LockError::Refused { key: key.to_owned(), source: Box::new(source) };
        let leases: Api<Lease> = Api::namespaced(client.clone(), SYSTEM_NAMESPACE);
        let me = Holder::this_process();
        let wanted = lease(key, &me);
        let taken = match leases.create(&PostParams::default(), &wanted).await {
            Err(kube::Error::Api(status)) if status.code == 404 => {
                make_namespace(client).await.map_err(refused)?;
                leases.create(&PostParams::default(), &wanted).await
            }
            answer => answer,
        };
        match taken {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.is_already_exists() => {
                let there = leases.get(key).await.map_err(refused)?;
                may_take(key, &there, &me, take_over)?;
                let mut mine = wanted;
                // Whoever changes it between the two requests wins.
                mine.metadata.resource_version = there.metadata.resource_version;
                leases.replace(key, &PostParams::default(), &mine).await.map_err(refused)?;
            }
            Err(error) => return Err(refused(error)),
        }
        let renewal = tokio::spawn(renew(leases.clone(), key.to_owned(), me.clone(), lost));
        Ok(Self { leases, name: key.to_owned(), me, renewal })
    }

    /// Gives the lock back, if it is still ours: who takes it over keeps the object and its uid.
    pub async fn release(self) -> Result<(), kube::Error> {
        self.renewal.abort();
        let Some(there) = self.leases.get_opt(&self.name).await? else { return Ok(()) };
        let holder = there.spec.and_then(|spec| spec.holder_identity);
        if holder != Some(self.me.to_string()) {
            return Ok(());
        }
        let as_seen = Preconditions { uid: there.metadata.uid, resource_version: there.metadata.resource_version };
        match self.leases.delete(&self.name, &DeleteParams::default().preconditions(as_seen)).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 404 || status.code == 409 => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn lease(key: &str, holder: &Holder) -> Lease {
    let now = MicroTime(Timestamp::now());
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

fn may_take(key: &str, there: &Lease, me: &Holder, take_over: bool) -> Result<(), LockError> {
    let spec = there.spec.clone().unwrap_or_default();
    let holder = spec.holder_identity.unwrap_or_default();
    let since = spec.renew_time.map_or(Timestamp::UNIX_EPOCH, |time| time.0);
    let dead = holder.parse::<Holder>().is_ok_and(|holder| holder.is_dead_neighbour(me));
    let expired = Timestamp::now().duration_since(since).as_secs() >= EXPIRY.as_secs().cast_signed();
    if dead || holder.is_empty() || (expired && take_over) {
        return Ok(());
    }
    Err(LockError::Held { key: key.to_owned(), holder, since, expired })
}

async fn make_namespace(client: &Client) -> Result<(), kube::Error> {
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(client.clone());
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM_NAMESPACE,
        "labels": {"app.kubernetes.io/managed-by": FIELD_MANAGER}}});
    namespaces.patch(SYSTEM_NAMESPACE, &PatchParams::apply(FIELD_MANAGER), &Patch::Apply(namespace)).await.map(|_| ())
}

/// Renews until aborted. A renewal that finds another holder, or none for as long as the lease lasts, ends the run.
async fn renew(leases: Api<Lease>, name: String, me: Holder, lost: CancellationToken) {
    let mut timer = tokio::time::interval(RENEWAL);
    timer.tick().await;
    let mut renewed = Timestamp::now();
    loop {
        timer.tick().await;
        match renew_once(&leases, &name, &me).await {
            Ok(true) => renewed = Timestamp::now(),
            Ok(false) => return lost.cancel(),
            Err(error) => tracing::warn!(%error, "the lock was not renewed"),
        }
        if Timestamp::now().duration_since(renewed).as_secs() >= EXPIRY.as_secs().cast_signed() {
            return lost.cancel();
        }
    }
}

/// `false`: somebody else holds it now.
async fn renew_once(leases: &Api<Lease>, name: &str, me: &Holder) -> Result<bool, kube::Error> {
    let Some(mut lease) = leases.get_opt(name).await? else { return Ok(false) };
    let spec = lease.spec.get_or_insert_default();
    if spec.holder_identity.as_deref() != Some(me.to_string().as_str()) {
        return Ok(false);
    }
    spec.renew_time = Some(MicroTime(Timestamp::now()));
    leases.replace(name, &PostParams::default(), &lease).await.map(|_| true)
}
