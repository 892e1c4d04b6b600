//! kind's configuration: the user's own file, if there is one, with what was asked for on the command line added. Pure.
//!
//! Source: kind, `pkg/apis/config/v1alpha4/types.go` (v0.33), and its page "Configuration".

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::str::FromStr;

use serde_json::{Map, Value, json};

use crate::network::ports::Port;
use crate::object::text;
use crate::stack::path::Way;
use crate::stack::{Fault, FaultKind, Place, yaml};

/// The version of kind's configuration that is written, and read.
const API_VERSION: &str = "kind.x-k8s.io/v1alpha4";
/// The name that kind itself gives to a cluster when none is said.
const DEFAULT_NAME: &str = "kind";
/// Longer names leave no room for the names of nodes, which are host names.
const LONGEST_NAME: usize = 50;

/// What was asked for.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// The cluster's name.
    pub name: Option<String>,
    /// How many nodes, the control plane's included.
    pub nodes: Option<usize>,
    /// Ports of this machine that lead into the cluster.
    pub ports: Vec<Port>,
    /// Folders of this machine that every node has.
    pub mounts: Vec<Mount>,
    /// The user's own configuration: what it is called, and its text.
    pub file: Option<(String, String)>,
}

/// A folder of this machine that every node has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The folder here.
    pub host: PathBuf,
    /// Where it is in the nodes.
    pub node: PathBuf,
    /// Whether it can only be read there.
    pub read_only: bool,
}

impl FromStr for Mount {
    type Err = String;

    /// `HOST:NODE[:ro]`, both absolute.
    fn from_str(typed: &str) -> Result<Self, String> {
        let (paths, read_only) = typed.strip_suffix(":ro").map_or((typed, false), |paths| (paths, true));
        let (host, node) = paths.split_once(':').unwrap_or_default();
        if !host.starts_with('/') || !node.starts_with('/') || node.contains(':') {
            return Err(format!("`{typed}` is no HOST:NODE[:ro] of two absolute folders, such as /srv/data:/data"));
        }
        Ok(Self { host: host.into(), node: node.into(), read_only })
    }
}

/// kind's configuration, and what it comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The name of the cluster.
    pub name: String,
    /// The configuration as YAML.
    pub text: String,
    /// The containers that it will have, in kind's order.
    pub nodes: Vec<String>,
    /// How many of them are nodes of Kubernetes: several control-plane nodes have a load balancer beside them.
    pub kubernetes: usize,
    /// The node images that it names.
    pub images: Vec<String>,
    /// The ports of this machine that it takes.
    pub ports: Vec<(IpAddr, u16)>,
    /// What may be regretted later.
    pub warnings: Vec<String>,
}

/// Makes the configuration.
///
/// # Errors
/// What cannot be as it is wanted, with the place where it stands.
pub fn config(wish: &Wish) -> Result<Config, Fault> {
    let (place, mut root) = read(wish)?;
    let fault = |way: &str, message: String| place.fault(way, message);
    let name = name(wish, &root).map_err(|message| fault("name", message))?;
    let mut nodes = nodes(wish, &root).map_err(|message| fault("nodes", message))?;
    add_ports(&mut nodes, &wish.ports).map_err(|message| fault("nodes", message))?;
    add_mounts(&mut nodes, &wish.mounts).map_err(|message| fault("nodes", message))?;
    let of_role = |role: &str| nodes.iter().filter(|node| node["role"] == role).count();
    let (control_planes, workers) = (of_role("control-plane"), of_role("worker"));
    let images = nodes.iter().filter_map(|node| text(node, "/image")).map(str::to_owned).collect();
    let warnings = warnings(&root, control_planes);
    root.insert("name".to_owned(), json!(name));
    root.insert("nodes".to_owned(), json!(nodes));
    let ports = ports_of(&nodes);
    let yaml = serde_yaml::to_string(&Value::Object(root)).map_err(|error| fault("", error.to_string()))?;
    let containers = containers(&name, control_planes, workers);
    let kubernetes = control_planes + workers;
    Ok(Config { text: yaml, nodes: containers, kubernetes, name, images, ports, warnings })
}

/// Where a fault is said to be: in the user's file, or nowhere.
struct Positions(Option<(String, crate::stack::node::Node<crate::stack::fault::Mark>)>);

impl Positions {
    fn fault(&self, way: &str, message: String) -> Fault {
        match &self.0 {
            Some((file, node)) => {
                let mark = *node.nearest(&Way::dotted(way));
                Fault::new(FaultKind::BadValue, Place { file: file.as_str().into(), mark }, message)
            }
            None => Fault::nowhere(FaultKind::BadValue, message),
        }
    }
}

fn read(wish: &Wish) -> Result<(Positions, Map<String, Value>), Fault> {
    let Some((file, content)) = &wish.file else {
        let root =
            Map::from_iter([("kind".to_owned(), json!("Cluster")), ("apiVersion".to_owned(), json!(API_VERSION))]);
        return Ok((Positions(None), root));
    };
    let node = yaml::node(file, content)?;
    let value = node.to_value();
    let place = Positions(Some((file.clone(), node)));
    let Value::Object(root) = value else {
        return Err(place.fault("", "a map is expected, as kind's configuration is".to_owned()));
    };
    for (field, wanted) in [("kind", "Cluster"), ("apiVersion", API_VERSION)] {
        match root.get(field) {
            Some(Value::String(is)) if is == wanted => {}
            Some(is) => {
                return Err(
                    place.fault(field, format!("{field} is {is}; kind's configuration has `{field}: {wanted}`"))
                );
            }
            None => {
                return Err(
                    place.fault("", format!("`{field}: {wanted}` is missing, which kind's configuration begins with"))
                );
            }
        }
    }
    Ok((place, root))
}

fn name(wish: &Wish, root: &Map<String, Value>) -> Result<String, String> {
    let of_file = root.get("name").and_then(Value::as_str);
    let name = match (wish.name.as_deref(), of_file) {
        (Some(asked), Some(named)) if asked != named => {
            return Err(format!("the file names the cluster {named}, --name says {asked}; leave one of them out"));
        }
        (asked, named) => asked.or(named).unwrap_or(DEFAULT_NAME),
    };
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if name.is_empty() || !name.chars().all(allowed) || !name.starts_with(ends) || !name.ends_with(ends) {
        return Err(format!(
            "`{name}` is no name for a cluster: lower-case letters, digits, - and . inside, because its nodes are host names"
        ));
    }
    if name.len() > LONGEST_NAME {
        return Err(format!(
            "`{name}` is longer than {LONGEST_NAME} letters, which leaves no room for its nodes' names"
        ));
    }
    Ok(name.to_owned())
}

fn nodes(wish: &Wish, root: &Map<String, Value>) -> Result<Vec<Value>, String> {
    let of_file = match root.get("nodes") {
        None | Some(Value::Null) => None,
        Some(Value::Array(nodes)) => Some(nodes.clone()),
        Some(_) => return Err("nodes is a list".to_owned()),
    };
    let nodes = match (of_file, wish.nodes) {
        (Some(nodes), Some(asked)) if nodes.len() != asked => {
            return Err(format!("the file has {} nodes, --nodes says {asked}; leave one of them out", nodes.len()));
        }
        (Some(nodes), _) => nodes,
        (None, Some(0)) => return Err("a cluster has at least one node".to_owned()),
        (None, asked) => {
            let workers = asked.unwrap_or(1) - 1;
            let worker = std::iter::repeat_n(json!({"role": "worker"}), workers);
            std::iter::once(json!({"role": "control-plane"})).chain(worker).collect()
        }
    };
    let role = |node: &Value| text(node, "/role").unwrap_or("control-plane").to_owned();
    if let Some(strange) = nodes.iter().map(role).find(|role| !["control-plane", "worker"].contains(&role.as_str())) {
        return Err(format!("`{strange}` is no role of a node: control-plane or worker"));
    }
    if !nodes.iter().any(|node| role(node) == "control-plane") {
        return Err("no node has the role control-plane".to_owned());
    }
    // What is left out is control-plane: said, so that nobody has to know.
    let said = |mut node: Value| {
        if node.is_object() {
            node["role"] = json!(role(&node));
        }
        node
    };
    Ok(nodes.into_iter().map(said).collect())
}

/// The items of a node's list, which is made when it is not there.
fn list<'a>(node: &'a mut Value, field: &str) -> Result<&'a mut Vec<Value>, String> {
    let fields = node.as_object_mut().ok_or("a node is a map")?;
    let list = fields.entry(field).or_insert_with(|| json!([]));
    list.as_array_mut().ok_or_else(|| format!("{field} is a list"))
}

fn add_ports(nodes: &mut [Value], ports: &[Port]) -> Result<(), String> {
    for port in ports {
        let taken = ports_of(nodes).iter().any(|(_, host)| *host == port.host);
        if taken {
            return Err(format!("port {} of this machine is mapped twice", port.host));
        }
        // The first of the control plane: where it is alone, everything runs on it; else kube-proxy leads on from there.
        let Some(node) = nodes.iter_mut().find(|node| node["role"] == "control-plane") else { continue };
        let protocol = if port.udp { "UDP" } else { "TCP" };
        list(node, "extraPortMappings")?.push(json!({
            "listenAddress": port.address, "hostPort": port.host, "containerPort": port.node, "protocol": protocol,
        }));
    }
    Ok(())
}

fn ports_of(nodes: &[Value]) -> Vec<(IpAddr, u16)> {
    let mappings = nodes.iter().flat_map(|node| crate::object::items(node, "/extraPortMappings"));
    let port = |mapping: &Value| {
        let host = mapping["hostPort"].as_u64().and_then(|port| u16::try_from(port).ok())?;
        let address = text(mapping, "/listenAddress").and_then(|address| address.parse().ok());
        Some((address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), host))
    };
    mappings.filter_map(port).collect()
}

fn add_mounts(nodes: &mut [Value], mounts: &[Mount]) -> Result<(), String> {
    for mount in mounts {
        for node in nodes.iter_mut() {
            let mounted = list(node, "extraMounts")?;
            if mounted
                .iter()
                .any(|known| text(known, "/containerPath").map(PathBuf::from).as_ref() == Some(&mount.node))
            {
                return Err(format!("{} is mounted twice", mount.node.display()));
            }
            let mut entry = json!({"hostPath": mount.host, "containerPath": mount.node});
            if mount.read_only {
                entry["readOnly"] = json!(true);
            }
            mounted.push(entry);
        }
    }
    Ok(())
}

fn warnings(root: &Map<String, Value>, control_planes: usize) -> Vec<String> {
    let mut warnings = Vec::new();
    let address = root.get("networking").and_then(|networking| text(networking, "/apiServerAddress"));
    let is_open = |address: &&str| address.parse::<IpAddr>().is_ok_and(|address| !address.is_loopback());
    if let Some(address) = address.filter(is_open) {
        warnings.push(format!(
            "the API server will listen on {address}: whoever reaches it can try kind's bootstrap token, which is the same everywhere"
        ));
    }
    if control_planes > 1 {
        warnings.push(format!(
            "{control_planes} control-plane nodes on one machine outlive no more than one does, and their etcd does not come back when the engine gives them other addresses after a reboot (kind issue 1689)"
        ));
    }
    warnings
}

/// The names that kind gives: numbers begin with the second of a role.
fn containers(name: &str, control_planes: usize, workers: usize) -> Vec<String> {
    let of_role = |role: &'static str, count: usize| {
        (1..=count)
            .map(move |number| if number == 1 { format!("{name}-{role}") } else { format!("{name}-{role}{number}") })
    };
    let balancer = (control_planes > 1).then(|| format!("{name}-external-load-balancer"));
    of_role("control-plane", control_planes).chain(of_role("worker", workers)).chain(balancer).collect()
}

#[cfg(test)]
mod tests;
