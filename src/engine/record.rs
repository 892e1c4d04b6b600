//! What the cluster itself remembers of an installation, so that another machine can upgrade or uninstall it: a ConfigMap
//! in `seaworthy-system`. Best effort: the journal on disk and the labels on the objects suffice.

use std::fmt::Debug;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, Preconditions};
use kube::core::NamespaceResourceScope;
use kube::runtime::wait::{await_condition, conditions};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::journal::{Inputs, RunRecord};
use super::lock::SYSTEM_NAMESPACE;
use crate::object::ObjectRef;
use crate::plan::install::Policy;
use crate::plan::{Change, FIELD_MANAGER, Installation, Plan, Reach};

/// The version of this format.
pub const FORMAT: u32 = 1;
/// How long an empty namespace may take to go.
const GONE: Duration = Duration::from_secs(30);
/// Label of each ConfigMap that is a record.
pub(crate) const LABEL: &str = "seaworthy.dev/record";
/// Annotation of a record with the time of the newest backup. In the cluster, and not only where the backup is: whoever looks from another
/// machine knows as well that there is one. Where it is, is said to nobody.
pub(crate) const LAST_BACKUP: &str = "seaworthy.dev/last-backup";

/// An installation as the last finished run left it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstallRecord {
    /// See [`FORMAT`].
    pub format: u32,
    /// Which installation.
    pub installation: Installation,
    /// What was chosen.
    pub inputs: Inputs,
    /// Every object that was applied.
    pub inventory: Vec<ObjectRef>,
    /// The ways in.
    #[serde(default)]
    pub reach: Vec<Reach>,
    /// The run that left it so.
    pub run: String,
}

/// Whether a live object is the record of an installation.
pub(crate) fn is_one(map: &Value) -> bool {
    map["metadata"]["namespace"] == SYSTEM_NAMESPACE && map["metadata"]["labels"][LABEL] == "installation"
}

/// Namespace and stack of an installation, out of the name of its record: neither can hold a dot ([`Installation::key`]).
pub(crate) fn named(record: &str) -> Option<(&str, &str)> {
    record.split_once('.')
}

/// Everything that was applied before: by the last finished run, and by the last run of this machine, finished or not.
pub fn applied(record: Option<&InstallRecord>, latest: Option<&RunRecord>) -> Vec<ObjectRef> {
    let mut inventory: Vec<ObjectRef> = record.map(|record| record.inventory.clone()).unwrap_or_default();
    inventory.extend(latest.into_iter().flat_map(|run| run.plan.wanted()));
    inventory.sort();
    inventory.dedup();
    inventory
}

impl InstallRecord {
    /// What the cluster remembers of a plan once it has been run.
    pub fn of(plan: &Plan, inputs: &Inputs, run: &str) -> Self {
        let kept = plan.steps.iter().filter(|step| matches!(step.change, Change::Keep { .. }));
        let mut inventory: Vec<ObjectRef> = plan.wanted().chain(kept.filter_map(|step| step.action.object())).collect();
        inventory.sort();
        inventory.dedup();
        Self {
            format: FORMAT,
            installation: plan.installation.clone(),
            // How conflicts were met is the run's own business: the same values are the same installation.
            inputs: Inputs { policy: Policy::default(), ..inputs.clone() },
            inventory,
            reach: plan.reach.clone(),
            run: run.to_owned(),
        }
    }

    /// Writes it.
    pub async fn write(&self, client: &Client) -> Result<(), kube::Error> {
        let text = serde_json::to_string(self).map_err(kube::Error::SerdeError)?;
        let name = self.installation.key();
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": SYSTEM_NAMESPACE, "labels": {LABEL: "installation"}},
            "data": {"record.json": text}});
        api(client).patch(&name, &PatchParams::apply(FIELD_MANAGER).force(), &Patch::Apply(map)).await.map(|_| ())
    }

    /// Notes on the record of an installation that it has a backup of this time. One that is not there is not made.
    ///
    /// # Errors
    /// When the API server is gone, or refuses it.
    pub async fn note_backup(client: &Client, key: &str, at: Timestamp) -> Result<(), kube::Error> {
        let change = json!({"metadata": {"annotations": {LAST_BACKUP: at.strftime("%FT%TZ").to_string()}}});
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        match api(client).patch(key, &params, &Patch::Merge(&change)).await {
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            answer => answer.map(|_| ()),
        }
    }

    /// Reads the record of an installation. `None`: there is none, or it may not be read.
    pub async fn read(client: &Client, key: &str) -> Result<Option<Self>, kube::Error> {
        match api(client).get_opt(key).await {
            Ok(map) => Ok(map.as_ref().and_then(parse)),
            Err(kube::Error::Api(status)) if status.code == 403 => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Every record in the cluster.
    pub async fn list(client: &Client) -> Result<Vec<Self>, kube::Error> {
        let list = api(client).list(&ListParams::default().labels(LABEL)).await?;
        Ok(list.items.iter().filter_map(parse).collect())
    }

    /// Deletes the record of an installation; one that is not there is gone already.
    pub async fn delete(client: &Client, key: &str) -> Result<(), kube::Error> {
        match api(client).delete(key, &DeleteParams::default()).await {
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            answer => answer.map(|_| ()),
        }
    }
}

/// What became of the namespace of records and locks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Swept {
    /// It is deleted.
    Deleted,
    /// It was deleted, and was still there when there was no more waiting for it.
    Going,
    /// There was none.
    Absent,
    /// Something in it is needed, or of somebody else.
    Kept {
        /// What.
        because: String,
    },
}

/// Takes away the namespace of records and locks once nothing of any use is in it.
///
/// # Errors
/// When the API server is gone, or refuses to delete it.
pub async fn sweep(client: &Client) -> Result<Swept, kube::Error> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let Some(namespace) = namespaces.get_opt(SYSTEM_NAMESPACE).await? else { return Ok(Swept::Absent) };
    let found =
        [everything::<ConfigMap>(client).await?, everything::<Lease>(client).await?, everything::<Pod>(client).await?];
    // Kubernetes itself puts its authority into every namespace.
    let authority = format!("ConfigMap/{SYSTEM_NAMESPACE}/kube-root-ca.crt");
    let found: Vec<String> = found.concat().into_iter().filter(|name| *name != authority).collect();
    if !found.is_empty() {
        return Ok(Swept::Kept { because: format!("{} is there", found.join(", ")) });
    }
    // Another of the same name, made meanwhile, is not meant.
    let uid = namespace.metadata.uid;
    let only_it = Preconditions { uid: uid.clone(), resource_version: None };
    match namespaces.delete(SYSTEM_NAMESPACE, &DeleteParams::default().preconditions(only_it)).await {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(Swept::Absent),
        answer => {
            answer?;
            // Nobody can take a lock in a namespace that is going.
            let gone = conditions::is_deleted(uid.as_deref().unwrap_or_default());
            let gone = await_condition(namespaces, SYSTEM_NAMESPACE, gone);
            Ok(if matches!(timeout(GONE, gone).await, Ok(Ok(_))) { Swept::Deleted } else { Swept::Going })
        }
    }
}

/// All of one kind in the namespace of records and locks, as they are written: `KIND/NAMESPACE/NAME`.
async fn everything<K>(client: &Client) -> Result<Vec<String>, kube::Error>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let list = Api::<K>::namespaced(client.clone(), SYSTEM_NAMESPACE).list(&ListParams::default()).await?;
    let names = list.items.iter().filter_map(|object| object.meta().name.as_deref());
    Ok(names.map(|name| format!("{}/{SYSTEM_NAMESPACE}/{name}", K::kind(&()))).collect())
}

fn api(client: &Client) -> Api<ConfigMap> {
    Api::namespaced(client.clone(), SYSTEM_NAMESPACE)
}

fn parse(map: &ConfigMap) -> Option<InstallRecord> {
    let text = map.data.as_ref()?.get("record.json")?;
    let format = serde_json::from_str::<Value>(text).ok()?.get("format")?.as_u64()?;
    if format != u64::from(FORMAT) {
        tracing::warn!(name = ?map.metadata.name, format, "a record of another version was passed over");
        return None;
    }
    serde_json::from_str(text).map_err(|error| tracing::warn!(%error, "a broken record was passed over")).ok()
}
