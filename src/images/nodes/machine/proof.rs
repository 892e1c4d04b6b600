//! Whether a containerd is that of a node. Pure.

use std::collections::BTreeSet;

use crate::clusters::count;

/// `known`: the containers that the node has by the API server, or why they could not be read; `there`: those that the containerd
/// has; `told`: whether the node's kubelet says that it speaks to this socket. An id of a container is given once in the
/// world, so one that both have is proof; it is given back. A node that has none at all is known by its kubelet's word.
///
/// # Errors
/// Why that is not proved.
pub(super) fn proof<'a>(
    known: Result<&BTreeSet<String>, &String>,
    there: &'a BTreeSet<String>,
    told: bool,
) -> Result<Option<&'a str>, String> {
    let known = known.map_err(|why| format!("which containers the node has cannot be read: {why}"))?;
    if let Some(both) = there.iter().find(|id| known.contains(*id)) {
        return Ok(Some(both));
    }
    match (known.len(), told) {
        (0, true) => Ok(None),
        (0, false) => Err(
            "no container runs on the node by which it could be known, and its kubelet does not say where it listens"
                .to_owned(),
        ),
        (number, _) => Err(format!(
            "by the API server the node has {}, and this containerd none of them",
            count(number, "container")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(ids: &[&str]) -> BTreeSet<String> {
        ids.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn one_container_that_both_know_is_proof() {
        for told in [true, false] {
            assert_eq!(proof(Ok(&ids(&["a", "b"])), &ids(&["b", "c"]), told), Ok(Some("b")));
            let other = proof(Ok(&ids(&["a"])), &ids(&["c"]), told).unwrap_err();
            assert_eq!(other, "by the API server the node has 1 container, and this containerd none of them");
            assert!(proof(Ok(&ids(&["a"])), &ids(&[]), told).is_err());
            let refused = "pods is forbidden".to_owned();
            let unread = proof(Err(&refused), &ids(&["c"]), told).unwrap_err();
            assert_eq!(unread, "which containers the node has cannot be read: pods is forbidden");
        }
    }

    #[test]
    fn an_empty_node_is_known_by_its_kubelets_word() {
        assert_eq!(proof(Ok(&ids(&[])), &ids(&["c"]), true), Ok(None));
        assert!(proof(Ok(&ids(&[])), &ids(&["c"]), false).unwrap_err().contains("does not say where it listens"));
    }
}
