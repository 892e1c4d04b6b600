//! k3s on this machine itself: one server, made a unit of systemd. Its program has to be here already; nothing is downloaded. Pure.
//!
//! Sources: k3s' documentation, "Requirements", "Configuration Options", "Configuring an HTTP proxy", "High Availability Embedded etcd";
//! facts/prerequisites: detect.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::{Decision, Picture, refusal, step};
use crate::cluster::ClusterId;
use crate::doctor::Cause;
use crate::plan::task::{Anew, Task};
use crate::plan::{Installation, Plan, Purpose};
use crate::stack::{Fault, FaultKind, Place, yaml};

/// The unit of a server.
pub const UNIT: &str = "k3s.service";
/// Where the unit is written, and the variables that it has.
const UNIT_FILE: &str = "/etc/systemd/system/k3s.service";
const ENVIRONMENT_FILE: &str = "/etc/systemd/system/k3s.service.env";
/// k3s' own settings, and the kubeconfig that it writes, which only root may read.
const CONFIG_FILE: &str = "/etc/rancher/k3s/config.yaml";
/// The kubeconfig that k3s writes.
pub const KUBECONFIG: &str = "/etc/rancher/k3s/k3s.yaml";
/// The context in it.
pub const CONTEXT: &str = "default";
/// The token with which further hosts join.
const TOKEN_FILE: &str = "/var/lib/rancher/k3s/server/node-token";
/// The ports of the API server and of the kubelet.
pub const PORTS: [u16; 2] = [6443, 10250];
/// The networks of pods and services, unless told otherwise: no proxy is asked for these.
const INSIDE: [&str; 6] = ["127.0.0.0/8", "10.42.0.0/16", "10.43.0.0/16", ".svc", ".cluster.local", "localhost"];

/// What is here of k3s.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Facts {
    /// Whether systemd runs this machine.
    pub systemd: bool,
    /// Files of an installation that are there already.
    pub there: Vec<PathBuf>,
    /// Whether the unit runs; `None`: there is none.
    pub active: Option<bool>,
}

/// What was asked for.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// The name of the node; k3s takes the host's when there is none.
    pub name: Option<String>,
    /// With an etcd of its own, which further servers can join.
    pub ha: bool,
    /// The user's own settings: what the file is called, and its text.
    pub file: Option<(String, String)>,
}

/// The settings, as YAML.
///
/// # Errors
/// What of the user's own file cannot be, with its place.
pub fn config(wish: &Wish) -> Result<String, Fault> {
    let mut root = match &wish.file {
        None => Map::new(),
        Some((file, text)) => {
            let node = yaml::node(file, text)?;
            let place = Place { file: file.as_str().into(), mark: node.at };
            match node.to_value() {
                Value::Object(root) => root,
                _ => return Err(Fault::new(FaultKind::BadValue, place, "a map is expected, as k3s' config.yaml is")),
            }
        }
    };
    let ours =
        [("node-name", wish.name.as_ref().map(|name| json!(name))), ("cluster-init", wish.ha.then(|| json!(true)))];
    for (key, value) in ours {
        let Some(value) = value else { continue };
        if let Some(other) = root.get(key).filter(|other| **other != value) {
            let (file, _) = wish.file.as_ref().map_or(("", ""), |(file, text)| (file.as_str(), text.as_str()));
            let message = format!("{key} is {other} there, and {value} was asked for; leave one of them out");
            return Err(Fault::new(FaultKind::BadValue, Place::file(file), message));
        }
        root.insert(key.to_owned(), value);
    }
    if root.is_empty() {
        return Ok(String::new());
    }
    serde_yaml::to_string(&Value::Object(root)).map_err(|error| Fault::nowhere(FaultKind::BadValue, error.to_string()))
}

/// Decides. `settings`: as [`config`] made them; `command`: what was typed, for whoever has to type it again as root.
pub fn decide(picture: &Picture, (wish, settings): (&Wish, &str), command: &str, place: ClusterId) -> Decision {
    let mut decision = Decision::default();
    let program = program(picture);
    let checks = [
        program.as_ref().err().map(|cause| (**cause).clone()),
        root(picture, command),
        systemd(picture),
        absent(picture),
        ports(picture),
    ];
    decision.refusals.extend(checks.into_iter().flatten());
    let (environment, warning) = environment(picture);
    decision.warnings.extend(warning);
    if let Ok((program, version)) = program
        && decision.refusals.is_empty()
    {
        decision.plan = Some(plan((&program, &version), (wish, settings), environment, place));
    }
    decision
}

fn plan(
    (program, version): (&Path, &str),
    (wish, settings): (&Wish, &str),
    environment: Option<String>,
    place: ClusterId,
) -> Plan {
    let name = wish.name.clone().unwrap_or_else(|| place.server.clone());
    let file = |path: &str, text: String, mode: u32| {
        step(format!("write:{path}"), Task::WriteFile { path: path.into(), text, mode }, Vec::new())
    };
    let mut steps = Vec::new();
    if !settings.is_empty() {
        steps.push(file(CONFIG_FILE, settings.to_owned(), 0o600));
    }
    steps.extend(environment.map(|text| file(ENVIRONMENT_FILE, text, 0o600)));
    steps.push(file(UNIT_FILE, unit(program), 0o644));
    let before = steps.iter().map(|step| step.id.clone()).collect();
    steps.extend(start(before));
    let profile = if wish.ha { "ha" } else { "single-node" }.to_owned();
    let installation = Installation { profile, ..Installation::of_cluster("k3s", &name, version) };
    Plan { purpose: Purpose::CreateCluster, installation, cluster: place, steps, reach: Vec::new(), occasion: None }
}

/// Starting the unit, and waiting for what it is to bring.
fn start(before: Vec<String>) -> Vec<crate::plan::Step> {
    let start = step(format!("start:{UNIT}"), Task::StartUnit { unit: UNIT.to_owned() }, before);
    let ready = Task::ClusterReady {
        context: CONTEXT.to_owned(),
        kubeconfig: Some(KUBECONFIG.into()),
        nodes: 1,
        anew: Anew::default(),
    };
    let needs = vec![start.id.clone()];
    vec![start, step("ready:k3s".to_owned(), ready, needs)]
}

/// The plan that starts a server again.
pub fn up(place: ClusterId) -> Plan {
    let installation = Installation::of_cluster("k3s", &place.server, "");
    Plan {
        purpose: Purpose::StartCluster,
        installation,
        cluster: place,
        steps: start(Vec::new()),
        reach: Vec::new(),
        occasion: None,
    }
}

/// k3s tells systemd when it serves, keeps its pods when it is stopped, and mounts and limits for them what it needs.
fn unit(program: &Path) -> String {
    format!(
        "# Written by seaworthy.\n[Unit]\nDescription=k3s server\nWants=network-online.target\nAfter=network-online.target\n\n[Service]\nType=notify\nEnvironmentFile=-{ENVIRONMENT_FILE}\nExecStartPre=-modprobe br_netfilter\nExecStartPre=-modprobe overlay\nExecStart={} server\nKillMode=process\nDelegate=yes\nLimitNOFILE=1048576\nLimitNPROC=infinity\nLimitCORE=infinity\nTasksMax=infinity\nTimeoutStartSec=0\nRestart=always\nRestartSec=5s\n\n[Install]\nWantedBy=multi-user.target\n",
        program.display()
    )
}

/// The proxies, for images that the server pulls. One with a password is left to the user: a plan is written down.
fn environment(picture: &Picture) -> (Option<String>, Option<String>) {
    let named = |wanted: &str| {
        let of = |(name, url): (&String, &String)| name.eq_ignore_ascii_case(wanted).then(|| url.clone());
        picture.proxies.iter().find_map(of)
    };
    let proxies: Vec<(&str, String)> =
        ["HTTP_PROXY", "HTTPS_PROXY"].into_iter().filter_map(|name| Some((name, named(name)?))).collect();
    if proxies.is_empty() {
        return (None, None);
    }
    if proxies.iter().any(|(_, url)| url.contains('@')) {
        let warning = format!(
            "your proxy has a password, which is not written down: put it into {ENVIRONMENT_FILE}, mode 0600, before images have to be pulled"
        );
        return (None, Some(warning));
    }
    let own = named("NO_PROXY").into_iter();
    let spared: Vec<String> = own.chain(INSIDE.map(str::to_owned)).collect();
    let lines = proxies.iter().map(|(name, url)| format!("{name}={url}"));
    let text: Vec<String> = lines.chain([format!("NO_PROXY={}", spared.join(","))]).collect();
    (Some(text.join("\n") + "\n"), None)
}

fn program(picture: &Picture) -> Result<(PathBuf, String), Box<Cause>> {
    let tool = picture.tool("k3s");
    let found = tool.and_then(|tool| Some((tool.path.clone()?, tool.version()?.to_owned())));
    found.ok_or_else(|| {
        let remedy = "put the k3s program of a release onto the PATH, /usr/local/bin for example, executable; for a machine without network its archive of images, too, into /var/lib/rancher/k3s/agent/images";
        Box::new(refusal("no-k3s", "NoK3s", "k3s is not on the PATH, or does not tell its version", remedy))
    })
}

/// Root is asked for, never taken.
fn root(picture: &Picture, command: &str) -> Option<Cause> {
    (picture.uid != 0).then(|| {
        let message = "k3s is a service of the machine, and making one needs root";
        refusal(
            "needs-root",
            "NeedsRoot",
            message,
            &format!("sudo --preserve-env=HTTP_PROXY,HTTPS_PROXY,NO_PROXY {command}"),
        )
    })
}

fn systemd(picture: &Picture) -> Option<Cause> {
    (!picture.k3s.systemd).then(|| {
        let remedy = "start it as your system starts services: `k3s server`; then use it with --kubeconfig /etc/rancher/k3s/k3s.yaml";
        refusal("no-systemd", "NoSystemd", "systemd does not run this machine, and k3s would not come back after a reboot", remedy)
    })
}

/// What somebody has installed is not written over.
fn absent(picture: &Picture) -> Option<Cause> {
    let first = picture.k3s.there.first()?;
    let message = format!("k3s is here already, or was: {}", first.display());
    let remedy = match picture.k3s.active {
        Some(true) => format!("use it with --kubeconfig {KUBECONFIG}"),
        Some(false) => "`seaworthy cluster up k3s` starts it again".to_owned(),
        None => "k3s-uninstall.sh takes a former installation away; look first whether its volumes are still wanted"
            .to_owned(),
    };
    Some(refusal("cluster-exists", "K3sThere", &message, &remedy))
}

fn ports(picture: &Picture) -> Option<Cause> {
    let (port, why) = picture.taken.iter().find(|(port, _)| PORTS.contains(port))?;
    let message = format!("k3s needs port {port} of this machine: {why}");
    Some(refusal("port-taken", "PortTaken", &message, &format!("stop what has it: ss -ltnp 'sport = :{port}'")))
}

/// What to type on further hosts. `address`: one of this machine that they reach.
pub fn join(ha: bool, address: &str) -> Vec<String> {
    let token = format!("TOKEN=$(sudo cat {TOKEN_FILE})   # on this machine");
    let mut lines = vec![token];
    if ha {
        lines.push(format!("K3S_TOKEN=$TOKEN k3s server --server https://{address}:6443   # on two further servers, one after the other"));
    }
    lines.push(format!(
        "K3S_TOKEN=$TOKEN k3s agent --server https://{address}:6443    # on every host that only takes pods"
    ));
    lines
}

#[cfg(test)]
mod tests;
