//! What the profile of a stack wants of a cluster that is made for it: ports and folders. Pure.

use std::path::{Path, PathBuf};

use super::config::{Mount, Wish};
use crate::network::ports::Port;
use crate::prerequisites::Prerequisite;
use crate::prerequisites::shared_path::FOLDER;
use crate::stack::definition::Needs;

/// Adds the profile's ports, but for those that were asked for otherwise: the port of the machine is taken already, or the
/// node's has a way to it.
pub fn add_ports(wish: &mut Wish, needs: &Needs) {
    // Whether each can be read was a matter of loading the stack.
    for port in needs.ports.iter().filter_map(|text| text.parse::<Port>().ok()) {
        let asked = |known: &Port| {
            (known.host, known.udp) == (port.host, port.udp) || (known.node, known.udp) == (port.node, port.udp)
        };
        if !wish.ports.iter().any(asked) {
            wish.ports.push(port);
        }
    }
}

/// The folders that all nodes are to share, by their path in the nodes. `shared`: whether shared-path's is asked for.
pub fn folders(needs: &Needs, shared: bool) -> Vec<PathBuf> {
    let shares = shared || needs.prerequisites.iter().any(|name| name == Prerequisite::SharedPath.name());
    shares.then_some(FOLDER).into_iter().chain(needs.folders.iter().map(String::as_str)).map(PathBuf::from).collect()
}

/// Mounts the folders below `root` of this machine, those that are not mounted already. Answers with those that have to be made.
pub fn share(wish: &mut Wish, folders: &[PathBuf], root: &Path) -> Vec<PathBuf> {
    let mut made = Vec::new();
    for node in folders {
        if wish.mounts.iter().any(|mount| mount.node == *node) {
            continue;
        }
        let host = if node == Path::new(FOLDER) { root.join("shared") } else { root.join("folders").join(flat(node)) };
        wish.mounts.push(Mount { host: host.clone(), node: node.clone(), read_only: false });
        made.push(host);
    }
    made
}

/// One name for a path: a dash in place of each slash.
fn flat(path: &Path) -> String {
    path.to_string_lossy().trim_matches('/').replace('/', "-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clusters::kind::config::config;

    fn needs() -> Needs {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let (ports, folders) = (texts(&["8080:30080", "53:30053/udp"]), texts(&["/srv/data"]));
        Needs { ports, folders, prerequisites: texts(&["shared-path"]), ..Needs::default() }
    }

    fn wish(ports: &[&str]) -> Wish {
        Wish { ports: ports.iter().map(|port| port.parse().unwrap()).collect(), ..Wish::default() }
    }

    fn ports(asked: &[&str]) -> Vec<String> {
        let mut wish = wish(asked);
        add_ports(&mut wish, &needs());
        wish.ports.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn ports_of_the_profile_give_way_to_those_that_were_asked_for() {
        assert_eq!(ports(&[]), ["127.0.0.1:8080 -> 30080", "127.0.0.1:53 -> 30053/udp"]);
        assert_eq!(ports(&["9090:30080"]), ["127.0.0.1:9090 -> 30080", "127.0.0.1:53 -> 30053/udp"]);
        assert_eq!(
            ports(&["8080:31000", "53:30053"]),
            ["127.0.0.1:8080 -> 31000", "127.0.0.1:53 -> 30053", "127.0.0.1:53 -> 30053/udp"]
        );
    }

    #[test]
    fn every_node_has_the_folders_and_each_is_made_once() {
        let mut wish = Wish { nodes: Some(2), ..wish(&[]) };
        wish.mounts.push("/mine:/srv/data".parse().unwrap());
        let wanted = folders(&needs(), false);
        assert_eq!(wanted, [PathBuf::from(FOLDER), PathBuf::from("/srv/data")]);
        assert_eq!(share(&mut wish, &wanted, Path::new("/state/demo")), [PathBuf::from("/state/demo/shared")]);
        let text = config(&wish).unwrap().text;
        assert_eq!(text.matches(FOLDER).count(), 2, "{text}");
        let mut bare = Wish::default();
        let made = share(&mut bare, &folders(&needs(), true), Path::new("/state/demo"));
        assert_eq!(made, [PathBuf::from("/state/demo/shared"), PathBuf::from("/state/demo/folders/srv-data")]);
        assert!(folders(&Needs::default(), false).is_empty());
    }
}
