//! What has to be read to judge the prerequisites.

use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;

use super::version;
use crate::cluster::{Cluster, Resources, kubelet};
use crate::engine::ready::judge::{Readiness, judge};
use crate::host::distribution::{Distribution, recognise};
use crate::object::{ObjectRef, text};
use crate::snapshot::Snapshot;
use crate::snapshot::collect::{Query, Scope, collect};
use crate::snapshot::nodes::is_ready;

/// Kinds of which all is read.
const WHOLE: [(&str, &str); 9] = [
    ("v1", "Namespace"),
    ("v1", "Node"),
    ("v1", "Service"),
    ("v1", "PersistentVolume"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "DaemonSet"),
    ("storage.k8s.io/v1", "StorageClass"),
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
];

/// Objects that give something away. Definitions are read by name: a cluster may have megabytes of them.
const TELLING: [(&str, &str, Option<&str>, &str); 8] = [
    ("apiregistration.k8s.io/v1", "APIService", None, "v1beta1.metrics.k8s.io"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition", None, "ipaddresspools.metallb.io"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition", None, "metallbs.metallb.io"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition", None, "clonesets.apps.kruise.io"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition", None, "podunavailablebudgets.policy.kruise.io"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition", None, "ciliumloadbalancerippools.cilium.io"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition", None, "servicegroups.purelb.io"),
    ("v1", "ConfigMap", Some("metallb-system"), "config"),
];

/// How long a kubelet may take to say how it is configured.
const KUBELET: Duration = Duration::from_secs(5);

/// Whose certificates the kubelets serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KubeletCertificates {
    /// The cluster's authority signs them.
    Signed,
    /// Each has made its own, which nobody can verify.
    SelfSigned,
    /// It could not be read.
    Unknown(String),
}

/// What a cluster has of what the prerequisites are judged by.
#[derive(Debug, Clone)]
pub struct Picture {
    /// Its objects.
    pub snapshot: Snapshot,
    /// Which distribution it is.
    pub distribution: Distribution,
    /// Major and minor of the API server's version; `None` if it says neither.
    pub server: Option<(u64, u64)>,
    /// What kubelets serve.
    pub kubelets: KubeletCertificates,
}

/// Reads it: a list for each of a few kinds, and some objects by name.
///
/// # Errors
/// When the API server is gone. What may not be read is part of the picture.
pub async fn look(cluster: &Cluster) -> Result<Picture, kube::Error> {
    let resources = Resources::default();
    let whole = WHOLE.iter().filter_map(|(version, kind)| {
        let resource = resources.of(&ObjectRef::new(version, kind, None, ""))?;
        Some(Query { resource, namespace: None, scope: Scope::All })
    });
    let telling = TELLING.iter().filter_map(|(version, kind, namespace, name)| {
        let resource = resources.of(&ObjectRef::new(version, kind, *namespace, name))?;
        Some(Query { resource, namespace: namespace.map(str::to_owned), scope: Scope::Named((*name).to_owned()) })
    });
    let queries: Vec<Query> = whole.chain(telling).collect();
    let (snapshot, version) = tokio::join!(collect(&cluster.client, queries), cluster.client.apiserver_version());
    let (snapshot, version) = (snapshot?, version?.git_version);
    let nodes: Vec<_> =
        snapshot.of_kind("", "Node").filter_map(|node| serde_json::from_value(node.clone()).ok()).collect();
    let distribution = recognise(&nodes, &version).distribution;
    let kubelets = kubelets(cluster, &snapshot, distribution).await?;
    Ok(Picture { server: version::of_server(&version), distribution, kubelets, snapshot })
}

/// Asks one kubelet for its configuration (`/configz`); a kind node's is known.
async fn kubelets(
    cluster: &Cluster,
    snapshot: &Snapshot,
    distribution: Distribution,
) -> Result<KubeletCertificates, kube::Error> {
    let unknown = |why: String| match distribution {
        Distribution::Kind => KubeletCertificates::SelfSigned,
        _ => KubeletCertificates::Unknown(why),
    };
    // The API server waits long for a kubelet that is gone.
    let mut ready = snapshot.of_kind("", "Node").filter(|node| is_ready(node));
    let Some(node) = ready.find_map(|node| text(node, "/metadata/name")) else {
        return Ok(unknown("no node is ready, or none can be read".to_owned()));
    };
    match timeout(KUBELET, kubelet::configuration(&cluster.client, node)).await {
        Ok(Ok(configuration)) => Ok(certificates(&configuration)),
        Err(_) => Ok(unknown(format!("the kubelet of {node} has not answered within {} s", KUBELET.as_secs()))),
        Ok(Err(kube::Error::Api(status))) => Ok(unknown(status.message.clone())),
        Ok(Err(error)) if distribution == Distribution::Kind => Ok(unknown(error.to_string())),
        Ok(Err(error)) => Err(error),
    }
}

fn certificates(configuration: &Value) -> KubeletCertificates {
    let own = |pointer: &str| configuration.pointer(pointer);
    let asks = own("/kubeletconfig/serverTLSBootstrap") == Some(&Value::Bool(true));
    // One that has made its own names the file that it has put it into.
    let own_made = |file: &str| file.is_empty() || file.ends_with("/pki/kubelet.crt");
    let given = text(configuration, "/kubeletconfig/tlsCertFile").is_some_and(|file| !own_made(file));
    if asks || given { KubeletCertificates::Signed } else { KubeletCertificates::SelfSigned }
}

impl Picture {
    /// The first of these kinds that may not be read, with what the API server said: then nothing can be said about what is
    /// there.
    pub(super) fn blind(&self, kinds: &[&str]) -> Option<String> {
        let unread = self.snapshot.unread.iter().find(|unread| kinds.contains(&unread.kind.as_str()))?;
        Some(format!("{} cannot be read, so what is there is not known: {}", unread.kind, unread.why))
    }

    /// How many Services ask for an address of their own.
    pub fn load_balancers(&self) -> u32 {
        let asks = |service: &&Value| service["spec"]["type"] == "LoadBalancer";
        u32::try_from(self.snapshot.of_kind("", "Service").filter(asks).count()).unwrap_or(u32::MAX)
    }

    /// How many nodes there are.
    pub fn nodes(&self) -> usize {
        self.snapshot.of_kind("", "Node").count()
    }

    /// A definition of custom objects.
    pub(super) fn definition(&self, name: &str) -> Option<&Value> {
        let reference = ObjectRef::new("apiextensions.k8s.io/v1", "CustomResourceDefinition", None, name);
        self.snapshot.get(&reference)
    }

    /// The workloads of a kind that a test picks, but for those that are going, by themselves or with their namespace.
    pub(super) fn workloads<'a>(
        &'a self,
        kind: &'a str,
        is_it: impl Fn(&Value) -> bool + 'a,
    ) -> impl Iterator<Item = &'a Value> {
        self.snapshot.of_kind("apps", kind).filter(move |workload| !self.is_going(workload) && is_it(workload))
    }

    fn is_going(&self, object: &Value) -> bool {
        let going = |object: &Value| object.pointer("/metadata/deletionTimestamp").is_some();
        let namespace = text(object, "/metadata/namespace").unwrap_or_default();
        let namespace = ObjectRef::new("v1", "Namespace", None, namespace);
        going(object) || self.snapshot.get(&namespace).is_some_and(going)
    }

    /// Whether objects are all ready; what is not is named.
    pub(super) fn health<'a>(&self, objects: impl IntoIterator<Item = &'a Value>) -> super::Health {
        let unready = objects.into_iter().find_map(|object| {
            let reference = ObjectRef::of(object)?;
            if object["spec"]["replicas"] == 0 {
                return Some(format!("{reference} is scaled to nothing"));
            }
            match judge(object, &self.snapshot) {
                Readiness::Ready { .. } => None,
                Readiness::Waiting { progress } => Some(format!("{reference}: {progress}")),
                Readiness::Failed { reason, message } => Some(format!("{reference}: {reason}: {message}")),
            }
        });
        unready.map_or(super::Health::Healthy, |why| super::Health::Unhealthy { why })
    }
}

/// A label of an object.
pub(super) fn label<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object.get("metadata")?.get("labels")?.get(name)?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_kubelet_says_how_it_came_by_its_certificate() {
        let served = |configuration: Value| certificates(&json!({"kubeletconfig": configuration}));
        assert_eq!(served(json!({})), KubeletCertificates::SelfSigned);
        assert_eq!(served(json!({"tlsCertFile": ""})), KubeletCertificates::SelfSigned);
        assert_eq!(served(json!({"tlsCertFile": "/var/lib/kubelet/pki/kubelet.crt"})), KubeletCertificates::SelfSigned);
        assert_eq!(served(json!({"serverTLSBootstrap": true})), KubeletCertificates::Signed);
        assert_eq!(served(json!({"tlsCertFile": "/etc/kubelet.crt"})), KubeletCertificates::Signed);
    }
}
