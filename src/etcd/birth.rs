//! What the member in a pod is told of itself when it begins: the same has to be said when its data is made from a snapshot.
//!
//! Source: `etcdutl snapshot restore` (`etcdutl/etcdutl/snapshot_command.go` of etcd 3.6) and the flags of the server
//! (`server/embed/config.go`).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::set::{mounted, setting};
use super::{EtcdSet, of};
use crate::object::{items, text};

/// Who a member is, and where its data is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Birth {
    /// Its name (`--name`).
    pub name: String,
    /// Its address for the others (`--initial-advertise-peer-urls`).
    pub peer: String,
    /// All members with their addresses (`--initial-cluster`).
    pub cluster: String,
    /// Its data folder (`--data-dir`).
    pub folder: String,
    /// Where its claim is mounted, at or above the data folder.
    pub mount: String,
}

/// What the member in a pod of a `StatefulSet` is told; `None` where its data folder is not on its claim, or not told.
pub fn birth(set: &Value, pod: &str) -> Option<Birth> {
    let known = of(set)?;
    let container =
        items(set, "/spec/template/spec/containers").find(|container| container["name"] == known.container.as_str())?;
    let told = |flag: &str, variable: &str| {
        let text = setting(container, flag, variable)?;
        Some(expanded(container, (&known, pod), &text))
    };
    let name = told("name", "ETCD_NAME").unwrap_or_else(|| "default".to_owned());
    let peer = told("initial-advertise-peer-urls", "ETCD_INITIAL_ADVERTISE_PEER_URLS")
        .unwrap_or_else(|| "http://localhost:2380".to_owned());
    let cluster = told("initial-cluster", "ETCD_INITIAL_CLUSTER").unwrap_or_else(|| format!("{name}={peer}"));
    let folder = told("data-dir", "ETCD_DATA_DIR")?;
    let template = mounted(set, container).and_then(|template| text(template, "/metadata/name"))?;
    let mount = items(container, "/volumeMounts").find(|mount| mount["name"] == template)?;
    let mount = text(mount, "/mountPath")?.trim_end_matches('/').to_owned();
    let below = folder.trim_end_matches('/') == mount || folder.starts_with(&format!("{mount}/"));
    below.then_some(Birth { name, peer, cluster, folder, mount })
}

/// `$(NAME)` as Kubernetes expands it in arguments, from the container's own variables.
fn expanded(container: &Value, (set, pod): (&EtcdSet, &str), text: &str) -> String {
    let mut said = text.to_owned();
    for (name, value) in variables(container, &set.namespace, pod) {
        said = said.replace(&format!("$({name})"), &value);
    }
    said
}

/// The variables of a container whose values are known before it runs: those that stand there, and those of the pod's own name.
fn variables(container: &Value, namespace: &str, pod: &str) -> Vec<(String, String)> {
    let mut known: Vec<(String, String)> = Vec::new();
    for pair in items(container, "/env") {
        let value = match text(pair, "/valueFrom/fieldRef/fieldPath") {
            Some("metadata.name") => Some(pod.to_owned()),
            Some("metadata.namespace") => Some(namespace.to_owned()),
            _ => text(pair, "/value").map(str::to_owned),
        };
        let (Some(name), Some(mut value)) = (text(pair, "/name"), value) else { continue };
        // A variable may use those before it.
        for (earlier, meant) in &known {
            value = value.replace(&format!("$({earlier})"), meant);
        }
        known.push((name.to_owned(), value));
    }
    known
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(container: &Value) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "StatefulSet",
            "metadata": {"name": "db", "namespace": "shop", "uid": "u"},
            "spec": {"replicas": 3,
                "volumeClaimTemplates": [{"metadata": {"name": "data", "labels": {"seaworthy.dev/role": "etcd"}}}],
                "template": {"spec": {"containers": [container]}}}})
    }

    #[test]
    fn arguments_are_expanded_as_the_pod_has_them() {
        let container = json!({"name": "etcd", "image": "etcd:3.6.4",
            "args": ["--name=$(POD)", "--data-dir=/data/etcd", "--initial-advertise-peer-urls=http://$(ADDRESS):2380",
                "--initial-cluster=db-0=http://db-0.db.shop:2380,db-1=http://db-1.db.shop:2380"],
            "env": [{"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                {"name": "NS", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
                {"name": "ADDRESS", "value": "$(POD).db.$(NS)"}],
            "ports": [{"name": "client", "containerPort": 2379}],
            "volumeMounts": [{"name": "data", "mountPath": "/data/"}]});
        let birth = birth(&set(&container), "db-1").unwrap();
        assert_eq!(birth.name, "db-1");
        assert_eq!(birth.peer, "http://db-1.db.shop:2380");
        assert_eq!((birth.folder.as_str(), birth.mount.as_str()), ("/data/etcd", "/data"));
        assert!(birth.cluster.starts_with("db-0=http://db-0.db.shop:2380,"));
    }

    #[test]
    fn the_environment_says_it_as_well_and_one_alone_is_called_default() {
        let container = json!({"name": "etcd", "image": "etcd:3.4.23",
            "env": [{"name": "ETCD_DATA_DIR", "value": "/data"}],
            "ports": [{"name": "client", "containerPort": 2379}],
            "volumeMounts": [{"name": "data", "mountPath": "/data"}]});
        let birth = birth(&set(&container), "db-0").unwrap();
        assert_eq!(birth.name, "default");
        assert_eq!(birth.cluster, "default=http://localhost:2380");
    }

    #[test]
    fn a_folder_that_is_not_on_the_claim_is_not_made() {
        for folder in ["/other", "/database", "data.etcd"] {
            let container = json!({"name": "etcd", "image": "etcd:3.4.23", "args": [format!("--data-dir={folder}")],
                "ports": [{"name": "client", "containerPort": 2379}],
                "volumeMounts": [{"name": "data", "mountPath": "/data"}]});
            assert_eq!(birth(&set(&container), "db-0"), None, "{folder}");
        }
    }
}
