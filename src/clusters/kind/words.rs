//! What kind and its nodes say, understood: how far it is, and why it failed. The texts are those of kind 0.27 to 0.33, of
//! Docker 20.10 and later, Podman 4, systemd 252, and kubeadm and kubelet 1.34; `tests/fixtures/kind` has them recorded.

use crate::doctor::{Cause, Outlook};

/// The id of a failure whose words are not known.
pub const UNKNOWN: &str = "kind-failed";
/// The id of a kubelet that did not come, when nothing says why.
pub const KUBELET: &str = "kubelet-not-healthy";

/// The id of a control plane that did not come, when nothing says why.
pub const CONTROL_PLANE: &str = "control-plane-not-healthy";

/// The id of a name that another cluster has.
pub const NAME_TAKEN: &str = "cluster-exists";

/// Whether the cause says only what did not come, and not why: what the nodes themselves say is nearer to the root.
pub fn is_shallow(cause: &Cause) -> bool {
    [UNKNOWN, KUBELET, CONTROL_PLANE].contains(&cause.id.as_str())
}

/// Whether a node that says this over and over will never come: there is no use in waiting until kubeadm gives it up.
pub fn is_hopeless(cause: &Cause) -> bool {
    ["kubelet-ends", "no-oom-score", "H016", "H008", "H005"].contains(&cause.id.as_str())
}

/// A line about how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// It has begun.
    Begun(String),
    /// It is done.
    Done(String),
    /// It has failed.
    Failed(String),
}

/// Reads a line of `kind create cluster`; `None` when it is about something else.
pub fn stage(line: &str) -> Option<Stage> {
    let mut marks = line.trim().chars();
    let mark = marks.next()?;
    let text = plain(marks.as_str());
    match mark {
        '•' => Some(Stage::Begun(text)),
        '✓' => Some(Stage::Done(text)),
        '✗' => Some(Stage::Failed(text)),
        _ => None,
    }
}

/// Without pictures and dots.
fn plain(text: &str) -> String {
    let ascii: String = text.chars().filter(char::is_ascii).collect();
    ascii.trim_end_matches(['.', ' ']).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One way to fail: known by words that stand together in one line.
struct Known {
    words: &'static [&'static str],
    id: &'static str,
    reason: &'static str,
    message: &'static str,
    remedy: &'static str,
}

const fn known(
    words: &'static [&'static str],
    (id, reason): (&'static str, &'static str),
    message: &'static str,
    remedy: &'static str,
) -> Known {
    Known { words, id, reason, message, remedy }
}

/// The nearest to the root first.
const KNOWN: &[Known] = &[
    known(
        &["no space left on device"],
        ("H005", "DiskFull"),
        "the disk is full",
        "free some space where the engine keeps its data: docker system df shows what can go",
    ),
    known(
        &["too many open files"],
        ("H008", "Inotify"),
        "the kernel's limit of inotify instances is used up, and each node takes dozens",
        "raise it: sysctl fs.inotify.max_user_instances=512 fs.inotify.max_user_watches=524288, and write both into /etc/sysctl.d",
    ),
    known(
        &["configured to not run on a host using cgroup v1"],
        ("H016", "CgroupV1"),
        "this machine has control groups of version 1, which this kubelet refuses",
        "boot with the unified hierarchy (systemd.unified_cgroup_hierarchy=1), or use a node image of Kubernetes 1.34",
    ),
    known(
        &["requires cgroup v2"],
        ("H016", "CgroupV1"),
        "an engine without root needs control groups of version 2",
        "boot with the unified hierarchy (systemd.unified_cgroup_hierarchy=1), or use an engine with root",
    ),
    known(
        &["Delegate=yes"],
        ("H017", "NotDelegated"),
        "systemd does not leave the control groups of processors, memory and processes to this user",
        "write Delegate=yes below [Service] into /etc/systemd/system/user@.service.d/delegate.conf, run systemctl daemon-reload, log in again",
    ),
    known(
        &["alternative telinit"],
        ("E005", "EngineInit"),
        "the engine puts a process of its own before the node's systemd",
        "take \"init\": true out of the engine's daemon.json, and restart it",
    ),
    known(
        &["can't get final child's PID from pipe"],
        ("no-oom-score", "NoOomScore"),
        "containers of a node cannot be started, most likely because they may not change how soon the kernel ends them on this machine",
        "write containerdConfigPatches with restrict_oom_score_adj = true below [plugins.\"io.containerd.grpc.v1.cri\"] into a file given with --config",
    ),
    known(
        &["\"command failed\" err="],
        ("kubelet-ends", "KubeletEnds"),
        "the kubelet of a node ends as soon as it is started",
        "mend what it names; its settings are the kubeadmConfigPatches of a file given with --config",
    ),
    known(
        &["node(s) already exist for a cluster"],
        (NAME_TAKEN, "NameTaken"),
        "a cluster of that name is there",
        "choose another --name, or delete it with `seaworthy cluster delete`",
    ),
    known(
        &["port is already allocated"],
        ("port-taken", "PortTaken"),
        "another container has a port of this machine that the cluster wants",
        "choose another port with --port, or stop what has it",
    ),
    known(
        &["address already in use"],
        ("port-taken", "PortTaken"),
        "a program of this machine has a port that the cluster wants",
        "choose another port with --port, or stop what has it",
    ),
    known(
        &["bind: permission denied"],
        ("port-not-allowed", "LowPort"),
        "ports below 1024 are not for an engine without root",
        "choose a port from 1024 on with --port, or lower sysctl net.ipv4.ip_unprivileged_port_start",
    ),
    known(
        &["expose privileged port"],
        ("port-not-allowed", "LowPort"),
        "ports below 1024 are not for an engine without root",
        "choose a port from 1024 on with --port, or lower sysctl net.ipv4.ip_unprivileged_port_start",
    ),
    known(
        &["failed to pull image"],
        ("no-node-image", "NoImage"),
        "the node image is not on this machine and cannot be pulled",
        "bring it with `docker load`, or name one that is there with --image",
    ),
    known(
        &["non-overlapping"],
        ("no-subnet", "NoSubnet"),
        "the engine has no free subnet for another network",
        "take away networks that nobody uses: docker network prune; or widen default-address-pools in daemon.json",
    ),
    known(
        &["Cannot connect to", "daemon"],
        ("no-engine", "NoEngine"),
        "the container engine does not answer",
        "start it: systemctl start docker, or the podman socket",
    ),
    known(
        &["permission denied", "docker daemon"],
        ("E002", "NotAllowed"),
        "this user may not use the container engine",
        "join the group docker and log in again, or use an engine without root",
    ),
    known(
        &["unable to apply caps: operation not permitted"],
        ("not-privileged", "NotPrivileged"),
        "this machine does not let containers have all capabilities, which nodes need",
        "run it on a machine, or in an outer container, that is not restricted itself",
    ),
    known(
        &["failed to get rootfs info"],
        ("E007", "Filesystem"),
        "the kubelet does not find the device below its file system (btrfs, zfs or an encrypted disk)",
        "mount that device into the nodes with extraMounts in a file given with --config",
    ),
    known(
        &["is not a valid cluster name"],
        ("bad-name", "BadName"),
        "kind does not take the name",
        "choose another --name: lower-case letters, digits, - and . inside",
    ),
    known(
        &["executable file not found in $PATH"],
        ("no-client", "NoClient"),
        "kind does not find the client of the engine",
        "install the command that it names",
    ),
    known(
        &["could not determine kind / apiVersion for config"],
        ("bad-config", "BadConfig"),
        "kind cannot read the configuration",
        "mend the file given with --config; see kind's page about its configuration",
    ),
    known(
        &["unable to decode config"],
        ("bad-config", "BadConfig"),
        "kind does not understand the configuration",
        "mend the file given with --config; see kind's page about its configuration",
    ),
    known(
        &["ERROR:", "invalid configuration"],
        ("bad-config", "BadConfig"),
        "kind refuses the configuration",
        "mend the file given with --config; see kind's page about its configuration",
    ),
    known(
        &["kubelet is not healthy"],
        (KUBELET, "KubeletNotHealthy"),
        "the kubelet of a node does not become healthy",
        "read kubelet.log in the logs that were kept",
    ),
    known(
        &["kube-apiserver is not healthy after"],
        (CONTROL_PLANE, "ControlPlaneNotHealthy"),
        "the kubelet runs, and the control plane that it is to start does not come up",
        "read kubelet.log and containerd.log in the logs that were kept",
    ),
    known(
        &["could not find a log line that matches"],
        ("node-not-up", "NodeNotUp"),
        "a node's container started, and its systemd did not come up",
        "read serial.log in the logs that were kept",
    ),
];

/// The cause that these lines name, nearest to the root; `None` when none of them is known.
pub fn recognise(lines: &[String]) -> Option<Cause> {
    let says = |line: &str, words: &[&str]| words.iter().all(|word| line.to_lowercase().contains(&word.to_lowercase()));
    KNOWN.iter().find_map(|known| {
        let line = lines.iter().find(|line| says(line, known.words))?;
        Some(cause(known.id, known.reason, &format!("{}: {}", known.message, short(line)), Some(known.remedy)))
    })
}

/// Why kind ended with this code: what is known, else its own last words.
pub fn explain(lines: &[String], code: Option<i32>) -> Cause {
    recognise(lines).unwrap_or_else(|| {
        // What kind ran has its own last words below those of kind: `error: ...` of kubeadm.
        let inner = lines.iter().rev().find_map(|line| line.strip_prefix("error: "));
        let own =
            inner.or_else(|| lines.iter().rev().find_map(|line| line.split_once("ERROR: ").map(|(_, words)| words)));
        let last = own.or(lines.last().map(String::as_str)).unwrap_or("it said nothing");
        let code = code.map_or_else(|| "was killed".to_owned(), |code| format!("ended with {code}"));
        cause(UNKNOWN, "KindFailed", &format!("kind {code}: {}", short(last)), None)
    })
}

/// As much of a line as fits below each other: the end says more than the beginning, which repeats the command.
fn short(line: &str) -> String {
    const MOST: usize = 240;
    let line = line.trim().trim_start_matches("ERROR: ");
    // Kubernetes' programs put the words between quotes.
    let line = line.split_once(" err=\"").map_or(line, |(_, words)| words.trim_end_matches('"'));
    let from = line.char_indices().rev().nth(MOST - 1).map_or(0, |(at, _)| at);
    if from == 0 { line.to_owned() } else { format!("…{}", &line[from..]) }
}

fn cause(id: &str, reason: &str, message: &str, remedy: Option<&str>) -> Cause {
    Cause {
        id: id.to_owned(),
        object: None,
        reason: reason.to_owned(),
        message: message.to_owned(),
        remedy: remedy.map(str::to_owned),
        outlook: Outlook::Final,
    }
}

#[cfg(test)]
mod tests;
