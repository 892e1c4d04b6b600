//! Deciding which images go into which nodes. Pure.

use super::Image;
use super::nodes::{Inside, Node};
use super::runtime::{Held, Standing, stands};
use super::stock::{Found, Stock, Ware};
use crate::cluster::ClusterId;
use crate::clusters::{Decision, refusal, step};
use crate::doctor::Cause;
use crate::error::closest;
use crate::object::ObjectRef;
use crate::plan::task::Task;
use crate::plan::task::image::{Cargo, ImageSource, NodeDoor, Way};
use crate::plan::{Installation, Plan, Purpose, Step};

/// What to do when no engine has an image, other than to pull it.
const ELSE: &str = ", build it, or bring it in an archive (--from FILE, made by `seaworthy images save`)";

/// What decides.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The images that are needed.
    pub images: &'a [Image],
    /// The nodes of the cluster.
    pub nodes: &'a [Node],
    /// Only these of them; empty: all.
    pub only: &'a [String],
    /// Where images are to be had.
    pub stock: &'a Stock,
    /// Nothing will be done: then what cannot be asked without root is taken from what the API server tells.
    pub rehearsal: bool,
    /// What was typed, for whoever has to type it again as root.
    pub command: &'a str,
}

/// The images that a node lacks, go into it from where they are to be had; one after the other for each node, because each
/// import reads and writes as fast as the disk can. `place`: this machine.
pub fn decide(inputs: Inputs<'_>, installation: &Installation, place: ClusterId) -> Decision {
    // An engine that could not be asked may have what another one has, too, or have it newer.
    let silent = inputs.stock.silent.iter().map(|why| format!("a container engine could not be asked: {why}"));
    let mut decision = Decision { warnings: silent.collect(), ..Decision::default() };
    let mut steps: Vec<Step> = Vec::new();
    let unknown = inputs.only.iter().filter(|name| !inputs.nodes.iter().any(|node| node.name == **name));
    decision.refusals.extend(unknown.map(|name| unknown_node(name, inputs.nodes)));
    for node in inputs.nodes.iter().filter(|node| inputs.only.is_empty() || inputs.only.contains(&node.name)) {
        match &node.inside {
            Inside::Closed(_) if lacks_nothing(node, inputs) => decision.warnings.push(by_hearsay(node)),
            Inside::Closed(why) => decision.refusals.push(out_of_reach(node, why, inputs)),
            Inside::Locked { door, .. } if !inputs.rehearsal => {
                decision.refusals.push(needs_root(node, door, inputs.command));
            }
            Inside::Locked { door, told } => {
                decision.warnings.push(guessed(node, door, inputs.command));
                into_node(node, (door, told), inputs, &mut steps, &mut decision.refusals);
            }
            Inside::Open { door, held } => {
                into_node(node, (door, held), inputs, &mut steps, &mut decision.refusals);
            }
        }
    }
    if decision.refusals.is_empty() {
        let installation = installation.clone();
        decision.plan = Some(Plan {
            purpose: Purpose::LoadImages,
            installation,
            cluster: place,
            steps,
            reach: Vec::new(),
            occasion: None,
        });
    }
    decision
}

/// Whether a node that cannot be got into has told that it has every image, and none is here that could differ from it.
fn lacks_nothing(node: &Node, inputs: Inputs<'_>) -> bool {
    inputs.images.iter().all(|image| {
        let here = matches!(inputs.stock.of(&image.image), Found::Here(_));
        !here && !matches!(stands(&node.told, &image.image, None), Standing::Missing)
    })
}

fn by_hearsay(node: &Node) -> String {
    format!("node {} cannot be asked from here; it has told the API server that it has every image", node.name)
}

/// What a node lacks, one after the other.
fn into_node(
    node: &Node,
    (door, held): (&NodeDoor, &[Held]),
    inputs: Inputs<'_>,
    steps: &mut Vec<Step>,
    refusals: &mut Vec<Cause>,
) {
    let mut last: Option<String> = None;
    for image in inputs.images {
        match cargo(&image.image, held, node, inputs.stock) {
            Ok(cargo) => steps.push(load(door, cargo, &mut last)),
            Err(cause) => add(refusals, *cause),
        }
    }
}

/// What holds for several nodes is said once.
fn add(refusals: &mut Vec<Cause>, cause: Cause) {
    if !refusals.contains(&cause) {
        refusals.push(cause);
    }
}

fn load(node: &NodeDoor, cargo: Cargo, last: &mut Option<String>) -> Step {
    let id = format!("load:{}/{}", node.name, cargo.image);
    let writes = cargo.from.is_some();
    let needs = if writes { last.replace(id.clone()).into_iter().collect() } else { Vec::new() };
    step(id, Task::LoadImage { node: node.clone(), cargo }, needs)
}

/// How an image gets into a node, if it has to.
fn cargo(image: &str, held: &[Held], node: &Node, stock: &Stock) -> Result<Cargo, Box<Cause>> {
    let there = |size| Cargo { image: image.to_owned(), id: None, size, from: None, replaces: None };
    let ware = match (stock.of(image), stands(held, image, None)) {
        (Found::Here(ware), _) => ware,
        (_, Standing::There | Standing::Other(_) | Standing::Untold) => return Ok(there(0)),
        (found, Standing::Missing) => return Err(Box::new(not_here(image, found, stock, ELSE))),
    };
    // Of a node that could not be asked it is not known which one it has, and it is not loaded now.
    let wanted = ware.id.as_deref().filter(|_| !matches!(node.inside, Inside::Locked { .. }));
    let replaces = match stands(held, image, wanted) {
        Standing::There => return Ok(there(ware.size)),
        // Once more does no harm, and brings the one that is wanted.
        Standing::Missing | Standing::Untold => None,
        Standing::Other(id) => Some(id.to_owned()),
    };
    if image.contains('@') {
        return Err(Box::new(by_digest(image)));
    }
    fits(image, ware, node)?;
    let (id, from) = (ware.id.clone(), Some(ware.from.clone()));
    Ok(Cargo { image: image.to_owned(), id, size: ware.size, from, replaces })
}

/// What does not say what it is for fits everywhere.
fn fits(image: &str, ware: &Ware, node: &Node) -> Result<(), Box<Cause>> {
    let differs = |one: &str, other: &str| !one.is_empty() && !other.is_empty() && one != other;
    if !differs(&ware.architecture, &node.architecture) && !differs(&ware.os, &node.os) {
        return Ok(());
    }
    let message = format!(
        "{image} is made for {}/{}, and node {} is {}/{}",
        ware.os, ware.architecture, node.name, node.os, node.architecture
    );
    let remedy = match &ware.from {
        ImageSource::Engine { engine, .. } => {
            format!("{} pull --platform {}/{} {image}", engine.product, node.os, node.architecture)
        }
        ImageSource::Archive { .. } => {
            format!("save it on a machine that has it for {}/{}", node.os, node.architecture)
        }
    };
    let about = ObjectRef::new("v1", "Node", None, &node.name);
    Err(Box::new(Cause {
        object: Some(about),
        ..refusal("image-architecture", "WrongArchitecture", &message, &remedy)
    }))
}

/// `otherwise`: what else can be done than to get it into an engine.
pub(super) fn not_here(image: &str, found: &Found, stock: &Stock, otherwise: &str) -> Cause {
    if image.contains('@') {
        return by_digest(image);
    }
    if let Found::OtherName { engine, names } = found {
        let whole = super::full_name(image);
        let names = if names.is_empty() { "no name".to_owned() } else { names.join(", ") };
        let message = format!("{image} is {whole} for a node, and {engine} has it as {names}");
        let remedy = format!("{} tag {image} {whole}", engine.product);
        return refusal("image-other-name", "OtherName", &message, &remedy);
    }
    let asked = match (stock.asked.as_slice(), stock.silent.as_slice()) {
        ([], []) => "no container engine answers on this machine".to_owned(),
        ([], silent) => format!("no container engine can be asked ({})", silent.join("; ")),
        (asked, []) => format!("{} does not have it", asked.join(", ")),
        (asked, silent) => format!("{} does not have it ({})", asked.join(", "), silent.join("; ")),
    };
    let start = if stock.asked.is_empty() {
        "start Docker or Podman (`seaworthy detect` shows who answers), then "
    } else {
        ""
    };
    let remedy = format!("{start}docker pull {image}{otherwise}");
    refusal("image-not-here", "NoImage", &format!("{image}: {asked}"), &remedy)
}

fn by_digest(image: &str) -> Cause {
    let message = format!(
        "{image} is named by its digest, which is that of the registry's manifest; what is loaded has one of its own"
    );
    refusal("image-by-digest", "ByDigest", &message, "name it by a tag, or let the nodes pull it from a registry")
}

fn unknown_node(name: &str, nodes: &[Node]) -> Cause {
    let known: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
    let remedy = match closest(name, known.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("there are: {}", known.join(", ")),
    };
    refusal("unknown-node", "NoNode", &format!("the cluster has no node {name}"), &remedy)
}

/// It is this machine, and only root gets into it; root is asked for, never taken.
fn needs_root(node: &Node, door: &NodeDoor, command: &str) -> Cause {
    let name = &node.name;
    let message = format!("node {name} is this machine, and only root may speak to its containerd{}", behind(door));
    let about = ObjectRef::new("v1", "Node", None, name);
    Cause { object: Some(about), ..refusal("needs-root", "NeedsRoot", &message, &format!("sudo -E {command}")) }
}

/// What is said of a plan for a node that could not be asked.
fn guessed(node: &Node, door: &NodeDoor, command: &str) -> String {
    let name = &node.name;
    format!(
        "node {name} is this machine, and only root may ask its containerd{} what it has: this is what the node told the API         server, which is not all, and not which image a name stands for; for certainty: sudo -E {command}",
        behind(door)
    )
}

fn behind(door: &NodeDoor) -> String {
    match &door.way {
        Way::Machine(runtime) => format!(" ({}: permission denied)", runtime.socket.display()),
        Way::Container { .. } => String::new(),
    }
}

/// A node that this program cannot get into: what to type there for the images that may be missing.
fn out_of_reach(node: &Node, why: &str, inputs: Inputs<'_>) -> Cause {
    let name = &node.name;
    let import = match (node.k3s, node.runtime.starts_with("containerd://")) {
        (true, _) => "sudo k3s ctr -n k8s.io images import -",
        (false, true) => "sudo ctr -n k8s.io images import -",
        (false, false) => "sudo podman load",
    };
    let archive = inputs.stock.found.values().find_map(|found| match found {
        Found::Here(Ware { from: ImageSource::Archive { file }, .. }) => Some(file),
        _ => None,
    });
    let images: Vec<&str> = inputs.images.iter().map(|image| image.image.as_str()).collect();
    let there = if node.here { import.to_owned() } else { format!("ssh {name} {import}") };
    let remedy = match archive {
        Some(file) => format!("type: {there} < {}", file.display()),
        None => format!("type: docker save {} | {there}", images.join(" ")),
    };
    let about = ObjectRef::new("v1", "Node", None, name);
    let message = format!("no image can be put into node {name} from here: {why}");
    Cause { object: Some(about), ..refusal("node-out-of-reach", "OutOfReach", &message, &remedy) }
}

#[cfg(test)]
mod tests;
