//! Deciding about a cluster of kind: what stands in its way is said before anything is waited for. Pure.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::config::Config;
use crate::clusters::{Decision, Found, Picture, found, refusal, step};
use crate::doctor::Cause;
use crate::host::engines::{Engine, Product, UnusableEngine};
use crate::host::networks::EngineNetworks;
use crate::host::resources::Cgroups;
use crate::plan::task::{Anew, Door, KindCluster, Task};
use crate::plan::{Installation, Plan, Purpose};
use crate::prerequisites::version::of_image;

/// Free space below which nodes do not even unpack their image, and below which they soon do not run well, in bytes.
const LEAST_DISK: u64 = 3 << 30;
const SOME_DISK: u64 = 10 << 30;
/// Instances of inotify that a node of kind takes, roughly: systemd, kubelet, containerd, and each pod's share.
const INSTANCES: u64 = 64;
/// Memory that the first node of a cluster takes with its control plane, and each further node, without pods of anybody:
/// roughly, in bytes.
const CONTROL_PLANE: u64 = 700 << 20;
const NODE: u64 = 300 << 20;
/// Control groups that have to be left to a user whose engine runs without root.
const DELEGATED: [&str; 3] = ["cpu", "memory", "pids"];
/// The first kubelet that refuses control groups of version 1 unless told otherwise (KEP-5573), as (major, minor).
const WITHOUT_V1: (u64, u64) = (1, 35);
/// The node images that versions of kind were made for (kind, `pkg/apis/config/defaults/image.go`), as far as known here.
const MADE_FOR: [(&str, &str); 2] = [("0.33", "kindest/node:v1.37.0"), ("0.32", "kindest/node:v1.36.1")];

/// What was chosen besides the configuration.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The engine.
    pub engine: Option<Product>,
    /// The node image.
    pub image: Option<String>,
    /// The kubeconfig file that gets the context.
    pub kubeconfig: Option<PathBuf>,
    /// Leave the containers of a failed creation as they are.
    pub retain: bool,
    /// Whether a certificate authority was mounted into the nodes.
    pub authority: bool,
    /// Folders that are made when they are not there.
    pub folders: Vec<PathBuf>,
    /// Of an unfinished creation that is given up: when its plan was made, and where it keeps its evidence.
    pub left: Option<(Timestamp, PathBuf)>,
}

/// Decides. `state`: the folder of this program's state; `now`: what of the cluster is older is not of this plan.
pub fn decide(
    picture: &Picture,
    (config, options): (&Config, &Options),
    (state, now): (&Path, Timestamp),
    place: crate::cluster::ClusterId,
) -> Decision {
    let mut decision = Decision { warnings: config.warnings.clone(), ..Decision::default() };
    let (engine, kind) = (choose_engine(picture, options.engine), kind_tool(picture));
    let (engine, (program, version)) = match (engine, kind) {
        (Ok(engine), Ok(kind)) => (engine, kind),
        (engine, kind) => {
            decision.refusals.extend(engine.err().into_iter().chain(kind.err()).map(|cause| *cause));
            return decision;
        }
    };
    if let Some(other) = other_engine(picture, engine).filter(|_| options.engine.is_none()) {
        let (here, there) = (engine.engine.product, other.engine.product);
        decision
            .warnings
            .push(format!("{here} and {there} both answer; {here} is taken (--engine {there} takes the other)"));
    }
    let wanted = wanted_image((config, options), &version);
    let same = |there: &Found| there.distribution == "kind" && there.name == config.name;
    let there = found::found(picture).into_iter().find(same);
    // What a creation has left that did not come to its end: kind writes the context last.
    let half = there.as_ref().filter(|there| options.left.is_some() && there.context.is_none());
    if let Some(half) = half {
        let names: Vec<&str> = half.nodes.iter().map(|node| node.name.as_str()).collect();
        decision
            .warnings
            .push(format!("what the run that is given up has left is deleted first: {}", names.join(", ")));
    }
    let checks = [
        client(picture, &engine.engine),
        there.as_ref().filter(|_| half.is_none()).map(taken_name),
        free_ports(picture, config),
        rootless(picture, &engine.engine),
        disk(picture, &engine.engine, &mut decision.warnings),
        control_groups(picture, &engine.engine, (config, wanted.as_deref()), &mut decision.warnings),
    ];
    decision.refusals.extend(checks.into_iter().flatten());
    decision.warnings.extend(memory(picture, config));
    decision.warnings.extend(inotify(picture, config));
    decision.warnings.extend(proxies(picture));
    decision.warnings.extend(image(picture, engine, wanted));
    if decision.refusals.is_empty() {
        let cluster = KindCluster {
            name: config.name.clone(),
            engine: Door::of(&engine.engine),
            program,
            kubeconfig: options.kubeconfig.clone(),
        };
        // By these the containers of the run that is given up are known as our own.
        let stamp = now.strftime("%Y%m%d-%H%M%S");
        let fresh = || (now, state.join("clusters").join(&config.name).join(format!("failed-{stamp}")));
        let begun = half.and(options.left.clone()).unwrap_or_else(fresh);
        decision.plan = Some(plan(&cluster, (config, options), begun, (place, &version)));
    }
    decision
}

fn plan(
    cluster: &KindCluster,
    (config, options): (&Config, &Options),
    (since, evidence): (Timestamp, PathBuf),
    (place, version): (crate::cluster::ClusterId, &str),
) -> Plan {
    let name = cluster.name.clone();
    let create = Task::CreateKind {
        image: options.image.clone(),
        config: config.text.clone(),
        nodes: config.nodes.clone(),
        folders: options.folders.clone(),
        since,
        evidence,
        retain: options.retain,
        cluster: cluster.clone(),
    };
    let mut steps = vec![step(format!("create:kind/{name}"), create, Vec::new())];
    let first = steps[0].id.clone();
    if options.authority {
        let nodes = config.nodes.iter().filter(|node| !node.ends_with("-external-load-balancer"));
        steps.extend(nodes.map(|node| {
            let task = Task::TrustAuthority { engine: cluster.engine.clone(), container: node.clone() };
            step(format!("trust:{node}"), task, vec![first.clone()])
        }));
    }
    let ready = Task::ClusterReady {
        context: cluster.context(),
        kubeconfig: cluster.kubeconfig.clone(),
        nodes: config.kubernetes,
        anew: Anew::default(),
    };
    let before = steps.iter().map(|step| step.id.clone()).collect();
    steps.push(step(format!("ready:kind/{name}"), ready, before));
    let installation = Installation::of_cluster("kind", &name, version);
    Plan { purpose: Purpose::CreateCluster, installation, cluster: place, steps, reach: Vec::new(), occasion: None }
}

/// The engine that was asked for; else the one that was named most explicitly, Docker before Podman, as kind chooses.
fn choose_engine(picture: &Picture, asked: Option<Product>) -> Result<&EngineNetworks, Box<Cause>> {
    let fits = |engine: &&EngineNetworks| asked.is_none_or(|asked| engine.engine.product == asked);
    let usable = picture.engines.iter().filter(fits).filter(|engine| engine.engine.product != Product::Other);
    let chosen = usable.min_by_key(|engine| engine.engine.product == Product::Podman);
    chosen.ok_or_else(|| {
        let what = asked.map_or_else(|| "no container engine".to_owned(), |asked| format!("no {asked}"));
        let noteworthy = picture.unusable.iter().filter(|engine| engine.is_noteworthy());
        let whys: Vec<String> = noteworthy.map(ToString::to_string).collect();
        let message = match whys.as_slice() {
            [] => format!("{what} answers on this machine"),
            whys => format!("{what} answers on this machine ({})", whys.join("; ")),
        };
        let variable = picture.unusable.iter().find_map(UnusableEngine::variable);
        let correct = variable.map(|name| format!("correct {name}, or unset it; ")).unwrap_or_default();
        let start = match asked {
            Some(Product::Docker) => "start Docker (systemctl start docker), or install it",
            Some(Product::Podman) => "start Podman (systemctl start podman.socket), or install it",
            _ => "start Docker (systemctl start docker) or Podman (systemctl start podman.socket), or install one",
        };
        let remedy = format!("{correct}{start}; `seaworthy detect` shows who answers");
        Box::new(refusal("E001", "NoEngine", &message, &remedy))
    })
}

/// An engine of another product that would do, too.
fn other_engine<'a>(picture: &'a Picture, chosen: &EngineNetworks) -> Option<&'a EngineNetworks> {
    let other = |engine: &&EngineNetworks| ![chosen.engine.product, Product::Other].contains(&engine.engine.product);
    picture.engines.iter().find(other)
}

/// The program, and its version.
pub(in crate::clusters) fn kind_tool(picture: &Picture) -> Result<(PathBuf, String), Box<Cause>> {
    let remedy = "install it: go install sigs.k8s.io/kind@latest, brew install kind, or the binary of its release page onto the PATH";
    let tool = picture.tools.iter().find(|tool| tool.name == "kind");
    let found = tool.and_then(|tool| Some((tool, tool.path.clone()?)));
    let Some((tool, path)) = found else {
        return Err(Box::new(refusal(
            "no-kind",
            "NoKind",
            "kind is not on the PATH, and it makes the cluster",
            remedy,
        )));
    };
    if let Some(version) = tool.version() {
        return Ok((path, version.to_owned()));
    }
    let message = format!("{} does not tell its version", path.display());
    Err(Box::new(refusal("no-kind", "NoKind", &message, remedy)))
}

/// kind talks to an engine through its client only.
fn client(picture: &Picture, engine: &Engine) -> Option<Cause> {
    let name = engine.product.to_string();
    if picture.tool(&name).is_some() {
        return None;
    }
    let message = format!("{name} answers, but its client `{name}` is not on the PATH, and kind uses that");
    Some(refusal("no-client", "NoClient", &message, &format!("install the command `{name}`")))
}

/// The name belongs to this one.
fn taken_name(there: &Found) -> Cause {
    let name = &there.name;
    let state = if there.is_up() { "is there" } else { "is there, and not all of it runs" };
    let message = format!("a cluster {name} {state} in {}", there.engine);
    let remedy = if there.is_up() {
        format!("use it with --context kind-{name}, choose another --name, or `seaworthy cluster delete {name}`")
    } else {
        format!("bring it back with `seaworthy cluster up {name}`, or `seaworthy cluster delete {name}`")
    };
    refusal("cluster-exists", "NameTaken", &message, &remedy)
}

fn free_ports(picture: &Picture, config: &Config) -> Option<Cause> {
    let wanted = |port: u16| config.ports.iter().any(|(_, wanted)| *wanted == port);
    let (port, why) = picture.taken.iter().find(|(port, _)| wanted(*port))?;
    let of_container = picture.engines.iter().flat_map(|engine| &engine.containers);
    let owner = of_container.filter(|container| container.ports.iter().any(|(here, _)| here == port)).map(|c| &c.name);
    let whose = owner.map(|name| format!(" (container {name} has it)")).next().unwrap_or_default();
    let message = format!("port {port} of this machine cannot be had: {why}{whose}");
    Some(refusal("port-taken", "PortTaken", &message, "choose another port, or stop what has it"))
}

/// Without root, systemd has to leave control groups to the user.
fn rootless(picture: &Picture, engine: &Engine) -> Option<Cause> {
    if engine.rootless != Some(true) {
        return None;
    }
    if engine.cgroup_version == Some(1) {
        let message = format!("{} runs without root, which needs control groups of version 2", engine.product);
        let remedy = "boot with systemd.unified_cgroup_hierarchy=1, or use an engine with root";
        return Some(refusal("H016", "CgroupV1", &message, remedy));
    }
    let given = picture.delegated.as_ref()?;
    let missing: Vec<&str> = DELEGATED.into_iter().filter(|name| !given.iter().any(|known| known == name)).collect();
    if missing.is_empty() {
        return None;
    }
    let message = format!("systemd does not leave {} to this user, and nodes need them", missing.join(", "));
    let remedy = "write Delegate=yes below [Service] into /etc/systemd/system/user@.service.d/delegate.conf, run systemctl daemon-reload, log in again";
    Some(refusal("H017", "NotDelegated", &message, remedy))
}

fn disk(picture: &Picture, engine: &Engine, warnings: &mut Vec<String>) -> Option<Cause> {
    let root = PathBuf::from(engine.data_root.as_ref()?);
    let disks = &picture.resources.as_ref()?.disks;
    let disk = disks.iter().find(|disk| disk.folders.contains(&root))?;
    let gib = disk.free >> 30;
    let message = format!("{gib} GiB are free where {} keeps its data ({})", engine.product, root.display());
    if disk.free < LEAST_DISK {
        let remedy = "free some: docker system df shows what can go";
        return Some(refusal("H005", "DiskFull", &format!("only {message}, and a node takes 3"), remedy));
    }
    if disk.free < SOME_DISK {
        warnings.push(format!("only {message}; kubelets begin to evict pods when a disk is 85 % full"));
    }
    None
}

/// kubelets refuse the first version of control groups, unless told otherwise.
fn control_groups(
    picture: &Picture,
    engine: &Engine,
    (config, wanted): (&Config, Option<&str>),
    warnings: &mut Vec<String>,
) -> Option<Cause> {
    let is_first = engine.cgroup_version == Some(1)
        || picture.resources.as_ref().and_then(|known| known.cgroups).is_some_and(|groups| groups != Cgroups::V2);
    if !is_first {
        return None;
    }
    let mut images = wanted.into_iter().chain(config.images.iter().map(String::as_str));
    let refused = images.find(|image| kubernetes_of(image).is_some_and(|version| version >= WITHOUT_V1));
    let told = config.text.contains("failCgroupV1");
    if let Some(image) = refused.filter(|_| !told) {
        let message = format!("this machine has control groups of version 1, which the kubelet of {image} refuses");
        let remedy = "use a node image of Kubernetes 1.34 (--image kindest/node:v1.34.4), boot with systemd.unified_cgroup_hierarchy=1, or set failCgroupV1: false for the kubelet in a file given with --config";
        return Some(refusal("H016", "CgroupV1", &message, remedy));
    }
    if !told && wanted.and_then(kubernetes_of).is_none() {
        warnings.push("this machine has control groups of version 1, which kubelets from 1.35 on refuse".to_owned());
    }
    None
}

/// Kubernetes' version of a node image, by its tag.
fn kubernetes_of(image: &str) -> Option<(u64, u64)> {
    let version = of_image(image)?;
    Some((version.major, version.minor))
}

/// Nodes that this machine cannot carry come up one by one and then fall over together.
fn memory(picture: &Picture, config: &Config) -> Option<String> {
    let available = picture.resources.as_ref()?.memory_available?;
    let wanted = CONTROL_PLANE + u64::try_from(config.nodes.len()).ok()?.saturating_sub(1) * NODE;
    let mib = |bytes: u64| bytes >> 20;
    (available < wanted).then(|| {
        format!(
            "{} nodes want about {} MiB of memory before any pod of a stack runs, and {} MiB are available",
            config.nodes.len(),
            mib(wanted),
            mib(available)
        )
    })
}

fn inotify(picture: &Picture, config: &Config) -> Option<String> {
    let instances = picture.resources.as_ref()?.inotify_instances?;
    let wanted = INSTANCES * u64::try_from(config.nodes.len()).ok()?;
    (instances < wanted.max(128)).then(|| {
        let enough = wanted.max(512).next_power_of_two();
        format!(
            "fs.inotify.max_user_instances is {instances}, and these nodes want about {wanted}: if one does not come up (\"too many open files\"), sysctl fs.inotify.max_user_instances={enough}"
        )
    })
}

/// kind passes proxies on to its nodes; one on this machine's loopback is not there for them.
fn proxies(picture: &Picture) -> Vec<String> {
    let loopback = |url: &str| {
        let url = crate::cluster::fault::without_userinfo(url);
        ["//localhost", "//127.", "//[::1]"].iter().any(|begin| url.contains(begin))
    };
    let named = picture.proxies.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("NO_PROXY"));
    let far = named.clone().find(|(_, url)| loopback(url)).map(|(name, url)| {
        let url = crate::cluster::fault::without_userinfo(url);
        format!(
            "{name} is {url}, which the nodes get, too, and where nobody answers them: their loopback is another one"
        )
    });
    let passed = named
        .map(|(name, _)| name.as_str())
        .next()
        .map(|name| format!("the nodes get the proxy of {name}; kind adds its own networks to NO_PROXY"));
    far.or(passed).into_iter().collect()
}

/// The node image that kind will take, as far as that is known.
fn wanted_image((config, options): (&Config, &Options), version: &str) -> Option<String> {
    let by_kind = || {
        let known = MADE_FOR.iter().find(|(kind, _)| version.trim_start_matches('v').starts_with(kind));
        known.map(|(_, image)| (*image).to_owned())
    };
    options.image.clone().or_else(|| config.images.first().cloned()).or_else(by_kind)
}

/// Whether the node image is here; what is not is pulled, which takes a while or is not possible.
fn image(picture: &Picture, engine: &EngineNetworks, wanted: Option<String>) -> Option<String> {
    let here = picture.images_of(&engine.engine)?;
    let is_here = |wanted: &str| here.iter().any(|name| same_image(name, wanted));
    if wanted.as_deref().is_some_and(is_here) {
        return None;
    }
    let what = wanted.unwrap_or_else(|| "the node image that this kind was made for".to_owned());
    let others: Vec<&str> = here.iter().map(String::as_str).filter(|name| name.contains("kindest/node:")).collect();
    let instead = match others.as_slice() {
        [] => format!("without a way to it, bring it with: {} load -i FILE", engine.engine.product),
        others => format!("here are: {} (--image)", others.join(", ")),
    };
    Some(format!("{what} is not on this machine and is pulled first, about 400 MB; {instead}"))
}

/// `docker.io/kindest/node:v1@sha256:x` is `kindest/node:v1`. What Podman calls `localhost/...` is not: kind asks for the other.
fn same_image(name: &str, wanted: &str) -> bool {
    let bare = |name: &str| {
        let name = name.split('@').next().unwrap_or_default();
        name.strip_prefix("docker.io/").unwrap_or(name).to_owned()
    };
    name == wanted || bare(name) == bare(wanted)
}

#[cfg(test)]
mod tests;
