//! Where the containerd of a node listens. Pure.

use std::path::PathBuf;

use serde_json::Value;

use super::is_k3s;
use crate::object::{printable, text};

/// The socket of containerd where nothing was told otherwise, and that of k3s and RKE2.
const USUAL: &str = "/run/containerd/containerd.sock";
const RANCHER: &str = "/run/k3s/containerd/containerd.sock";
/// What kubeadm has told its kubelet once.
const KUBEADM: &str = "/metadata/annotations/kubeadm.alpha.kubernetes.io~1cri-socket";

/// Where to knock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sockets {
    /// The kubelet said so; then there is one, and no other can be it.
    pub(super) told: bool,
    /// In the order in which to try.
    pub(super) paths: Vec<PathBuf>,
}

/// `configuration`: what the kubelet says of itself. Kubernetes before 1.27 does not tell the endpoint there.
///
/// # Errors
/// When the kubelet names something that is no socket.
pub(super) fn sockets(node: &Value, configuration: Result<&Value, &String>) -> Result<Sockets, String> {
    let endpoint = configuration.ok().and_then(|said| text(said, "/kubeletconfig/containerRuntimeEndpoint"));
    if let Some(endpoint) = endpoint.filter(|endpoint| !endpoint.is_empty()) {
        let path = path(endpoint);
        let path = path.ok_or_else(|| format!("its kubelet speaks to {}, which is no socket", printable(endpoint)))?;
        return Ok(Sockets { told: true, paths: vec![path] });
    }
    let usual = if is_k3s(node) { [RANCHER, USUAL] } else { [USUAL, RANCHER] };
    let mut paths: Vec<PathBuf> = text(node, KUBEADM).and_then(path).into_iter().collect();
    for usual in usual.map(PathBuf::from) {
        if !paths.contains(&usual) {
            paths.push(usual);
        }
    }
    Ok(Sockets { told: false, paths })
}

/// `unix:///PATH`, or the path alone. `/var/run` is `/run` wherever there is a `/run`.
fn path(endpoint: &str) -> Option<PathBuf> {
    let path = endpoint.strip_prefix("unix://").unwrap_or(endpoint);
    let path = path.strip_prefix("/var/run/").map_or_else(|| path.to_owned(), |rest| format!("/run/{rest}"));
    (path.starts_with('/') && !path.chars().any(char::is_control)).then(|| PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn node(version: &str, annotated: Option<&str>) -> Value {
        json!({"metadata": {"annotations": {"kubeadm.alpha.kubernetes.io/cri-socket": annotated}},
            "status": {"nodeInfo": {"kubeletVersion": version}}})
    }

    fn found(node: &Value, endpoint: Option<&str>) -> (bool, Vec<String>) {
        let configuration = json!({"kubeletconfig": {"containerRuntimeEndpoint": endpoint}});
        let Sockets { told, paths } = sockets(node, Ok(&configuration)).unwrap();
        (told, paths.iter().map(|path| path.display().to_string()).collect())
    }

    #[test]
    fn the_kubelets_word_counts_alone() {
        let k3s = node("v1.34.1+k3s1", Some("unix:///x.sock"));
        assert_eq!(found(&k3s, Some("unix:///run/own/c.sock")), (true, vec!["/run/own/c.sock".to_owned()]));
        let plain = node("v1.34.1", None);
        assert_eq!(found(&plain, Some("/var/run/containerd/containerd.sock")), (true, vec![USUAL.to_owned()]));
        let far = json!({"kubeletconfig": {"containerRuntimeEndpoint": "tcp://10.0.0.1:1\u{1b}"}});
        assert_eq!(
            sockets(&plain, Ok(&far)).unwrap_err(),
            "its kubelet speaks to tcp://10.0.0.1:1?, which is no socket"
        );
    }

    #[test]
    fn otherwise_the_usual_places_are_tried_its_own_first() {
        let both = |first: &str, second: &str| (false, vec![first.to_owned(), second.to_owned()]);
        assert_eq!(found(&node("v1.34.1", None), None), both(USUAL, RANCHER));
        assert_eq!(found(&node("v1.34.1", None), Some("")), both(USUAL, RANCHER));
        assert_eq!(found(&node("v1.34.1+k3s1", None), None), both(RANCHER, USUAL));
        let annotated = node("v1.26.0", Some("unix:///var/run/containerd/containerd.sock"));
        assert_eq!(found(&annotated, None), both(USUAL, RANCHER));
        let own = found(&node("v1.26.0", Some("/run/own.sock")), None);
        assert_eq!(own.1, ["/run/own.sock", USUAL, RANCHER]);
        let refused = "nodes \"one\" is forbidden".to_owned();
        assert!(!sockets(&annotated, Err(&refused)).unwrap().told);
    }
}
