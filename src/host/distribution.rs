//! Which Kubernetes distribution a cluster is, from its nodes and its version alone.
//!
//! Names of contexts and local binaries are hints at best: a context can be renamed, a kubeconfig copied. The evidence is
//! what the nodes carry (facts/prerequisites: detect).

use k8s_openapi::api::core::v1::Node;
use serde::{Deserialize, Serialize};

/// A distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Distribution {
    /// Kubernetes in containers, by kind.
    Kind,
    /// k3s in containers, by k3d.
    K3d,
    /// k3s.
    K3s,
    /// RKE2.
    Rke2,
    /// k0s.
    K0s,
    /// minikube.
    Minikube,
    /// `MicroK8s`.
    Microk8s,
    /// The single node inside Docker Desktop.
    DockerDesktop,
    /// `OpenShift`, which Seaworthy refuses.
    Openshift,
    /// A cloud's own, with its storage and load balancers.
    Cloud,
    /// Set up with kubeadm.
    Kubeadm,
    /// None of these, or the nodes disagree, or could not be read.
    Other,
}

/// A distribution and what gave it away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recognised {
    /// The distribution.
    pub distribution: Distribution,
    /// The evidence in words; empty if there was none.
    pub because: String,
}

/// Evidence on one node: the distribution and what shows it.
type Evidence = Option<(Distribution, String)>;

/// Marks in the version of a server or kubelet.
const VERSIONS: &[(&str, Distribution)] = &[
    ("+k3s", Distribution::K3s),
    ("-k3s", Distribution::K3s),
    ("+rke2", Distribution::Rke2),
    ("+k0s", Distribution::K0s),
    ("-eks-", Distribution::Cloud),
    ("-gke.", Distribution::Cloud),
];

/// Labels that only one distribution puts on its nodes.
const LABELS: &[(&str, Distribution)] = &[
    ("minikube.k8s.io/name", Distribution::Minikube),
    ("microk8s.io/cluster", Distribution::Microk8s),
    ("node.openshift.io/os_id", Distribution::Openshift),
];

/// What a provider id begins with. Anything else with a scheme is a cloud's.
const PROVIDERS: &[(&str, Distribution)] = &[("kind://", Distribution::Kind), ("k3s://", Distribution::K3s)];

/// kubeadm's own annotation; kind and others use kubeadm too, so it is asked last.
const KUBEADM: &str = "kubeadm.alpha.kubernetes.io/cri-socket";

/// Recognises a cluster from its nodes (any number of them) and the version its API server reports.
///
/// Nodes that disagree give [`Distribution::Other`]; without nodes, the version alone decides.
pub fn recognise(nodes: &[Node], version: &str) -> Recognised {
    let mut found = nodes.iter().map(of_node);
    let first = found.next().flatten();
    let agree = found.all(|other| other.as_ref().map(|other| other.0) == first.as_ref().map(|first| first.0));
    if !agree {
        return Recognised { distribution: Distribution::Other, because: "the nodes disagree".into() };
    }
    let (distribution, because) = first.or_else(|| of_version(version)).unwrap_or((Distribution::Other, String::new()));
    Recognised { distribution, because }
}

fn of_node(node: &Node) -> Evidence {
    let name = node.metadata.name.as_deref().unwrap_or_default();
    let labels = node.metadata.labels.as_ref();
    let provider = node.spec.as_ref().and_then(|spec| spec.provider_id.as_deref()).unwrap_or_default();
    let kubelet = node.status.as_ref().and_then(|status| status.node_info.as_ref());
    let kubelet = kubelet.map(|info| info.kubelet_version.as_str()).unwrap_or_default();

    let label = LABELS.iter().find(|(label, _)| labels.is_some_and(|labels| labels.contains_key(*label)));
    let own = label.map(|(label, distribution)| (*distribution, format!("node label {label}")));
    own.or_else(|| of_provider(provider))
        .or_else(|| of_version(kubelet))
        .map(|evidence| k3d(name, evidence))
        .or_else(|| (name == "docker-desktop").then(|| (Distribution::DockerDesktop, "the node's name".into())))
        .or_else(|| of_other_provider(provider))
        .or_else(|| of_kubeadm(node))
}

fn of_provider(provider: &str) -> Evidence {
    let (mark, distribution) = PROVIDERS.iter().find(|(mark, _)| provider.starts_with(mark))?;
    Some((*distribution, format!("providerID {mark}")))
}

fn of_version(version: &str) -> Evidence {
    let (mark, distribution) = VERSIONS.iter().find(|(mark, _)| version.contains(mark))?;
    Some((*distribution, format!("version {mark}")))
}

/// k3d runs plain k3s; only the names of its nodes tell.
fn k3d(name: &str, (distribution, because): (Distribution, String)) -> (Distribution, String) {
    let numbered = name.rsplit_once('-').is_some_and(|(_, number)| number.parse::<u32>().is_ok());
    let role = name.contains("-server-") || name.contains("-agent-");
    if distribution == Distribution::K3s && name.starts_with("k3d-") && role && numbered {
        return (Distribution::K3d, format!("{because}, node {name}"));
    }
    (distribution, because)
}

fn of_other_provider(provider: &str) -> Evidence {
    let (scheme, _) = provider.split_once("://")?;
    Some((Distribution::Cloud, format!("providerID {scheme}://")))
}

fn of_kubeadm(node: &Node) -> Evidence {
    let annotations = node.metadata.annotations.as_ref()?;
    annotations.contains_key(KUBEADM).then(|| (Distribution::Kubeadm, format!("node annotation {KUBEADM}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn node(name: &str, parts: &Value) -> Node {
        let mut node = json!({"metadata": {"name": name}, "spec": {}, "status": {"nodeInfo": {
            "architecture": "amd64", "bootID": "", "containerRuntimeVersion": "", "kernelVersion": "",
            "kubeProxyVersion": "", "machineID": "", "operatingSystem": "linux", "osImage": "", "systemUUID": "",
            "kubeletVersion": parts["kubelet"].as_str().unwrap_or("v1.34.2"),
        }}});
        node["metadata"]["labels"] = parts["labels"].clone();
        node["metadata"]["annotations"] = parts["annotations"].clone();
        node["spec"]["providerID"] = parts["provider"].clone();
        serde_json::from_value(node).unwrap()
    }

    fn of(name: &str, parts: &Value, version: &str) -> Distribution {
        recognise(&[node(name, parts)], version).distribution
    }

    #[test]
    fn each_distribution_is_recognised_by_its_own_marks() {
        let kubeadm = json!({"annotations": {KUBEADM: "unix:///run/containerd/containerd.sock"}});
        let kind = json!({"provider": "kind://docker/kind/kind-control-plane", "annotations": {KUBEADM: "x"}});
        for (name, parts, expected) in [
            ("kind-control-plane", kind, Distribution::Kind),
            ("host", json!({"provider": "k3s://host", "kubelet": "v1.34.1+k3s1"}), Distribution::K3s),
            ("host", json!({"provider": "openstack:///x", "kubelet": "v1.34.1+k3s1"}), Distribution::K3s),
            ("k3d-dev-server-0", json!({"provider": "k3s://k3d-dev-server-0"}), Distribution::K3d),
            ("k3d-dev-agent-12", json!({"kubelet": "v1.31.5+k3s1"}), Distribution::K3d),
            ("k3d-lookalike", json!({"provider": "k3s://k3d-lookalike"}), Distribution::K3s),
            ("a", json!({"kubelet": "v1.33.1+rke2r1"}), Distribution::Rke2),
            ("a", json!({"kubelet": "v1.33.1+k0s"}), Distribution::K0s),
            (
                "mk",
                json!({"labels": {"minikube.k8s.io/name": "mk"}, "annotations": {KUBEADM: "x"}}),
                Distribution::Minikube,
            ),
            ("a", json!({"labels": {"microk8s.io/cluster": "true"}}), Distribution::Microk8s),
            ("a", json!({"labels": {"node.openshift.io/os_id": "rhcos"}}), Distribution::Openshift),
            ("docker-desktop", kubeadm.clone(), Distribution::DockerDesktop),
            (
                "ip-10-0-0-1",
                json!({"provider": "aws:///eu-west-1a/i-0", "kubelet": "v1.33.1-eks-1"}),
                Distribution::Cloud,
            ),
            ("a", json!({"provider": "digitalocean://1"}), Distribution::Cloud),
            ("a", kubeadm, Distribution::Kubeadm),
            ("a", json!({}), Distribution::Other),
        ] {
            assert_eq!(of(name, &parts, "v1.34.2"), expected, "{name} {parts}");
        }
    }

    #[test]
    fn without_nodes_the_version_decides() {
        assert_eq!(recognise(&[], "v1.34.1+k3s1").distribution, Distribution::K3s);
        assert_eq!(recognise(&[], "v1.34.1").distribution, Distribution::Other);
    }

    #[test]
    fn nodes_that_disagree_are_unknown() {
        let nodes = [node("a", &json!({"provider": "kind://docker/k/a"})), node("b", &json!({}))];
        let found = recognise(&nodes, "v1.34.1");
        assert_eq!((found.distribution, found.because.as_str()), (Distribution::Other, "the nodes disagree"));
    }
}
