//! How many files a volume holds: asked in a container that has it mounted, where that container has a shell. Nothing is
//! started for it and nothing written.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::AttachParams;
use kube::{Api, Client};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::AsyncReadExt as _;

use super::pods_in;
use crate::doctor::{Cause, Outlook};
use crate::engine::apply::ApplyError;
use crate::engine::step::{Doing, Ending, done, unknown_kind};
use crate::error::root;
use crate::object::{ObjectRef, items, text};
use crate::plan::verb::holders;
use crate::snapshot::Snapshot;
use crate::snapshot::collect::{Query, Scope, collect};

/// How long one container may take to count.
const PATIENCE: Duration = Duration::from_secs(10);
/// Counting ends here: enough to tell full from empty, and no disk is walked for minutes.
const MOST: u64 = 100_000;

/// Deleted files that are named one by one.
const NAMED: u64 = 20;

/// What a container is asked, with the path as its argument: the folder's inode, the number of files, what can be told of the file
/// system, and which files were deleted that a program of the container has open still (`proc_pid_fd(5)`). `-xdev`: what else is mounted
/// below is not this volume.
pub(crate) fn script() -> String {
    let held = format!(
        "ls -l /proc/[0-9]*/fd | grep -F -e \"-> $1/\" | grep \" (deleted)$\" | sed \"s/.* -> /deleted /\" | sort -u | head -n {NAMED}"
    );
    format!(
        "ls -di \"$1\" && find \"$1\" -xdev -type f 2>/dev/null | head -n {MOST} | wc -l && {{ df -Pk \"$1\"; grep -F \" $1 \" /proc/self/mountinfo; {held}; }} 2>/dev/null; true"
    )
}

/// What a volume holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "known", rename_all = "kebab-case")]
pub enum Files {
    /// Counted.
    Counted {
        /// Regular files, up to 100000.
        files: u64,
        /// Inode of the volume's root folder: another one is another folder, whatever is in it.
        root: u64,
    },
    /// Could not be counted.
    Unknown {
        /// Why.
        why: String,
    },
}

/// The file system of a volume, as a container sees it that has it mounted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disk {
    /// The pod that was asked.
    pub pod: String,
    /// The node that it runs on.
    pub node: String,
    /// The container of it.
    pub container: String,
    /// Where it has the volume mounted.
    pub path: String,
    /// Whether the file system itself is read-only, however it is mounted (the options of the super block, `proc_pid_mountinfo(5)`).
    pub read_only: bool,
    /// Its type, where that is told: `ext4`, `nfs4` (`proc_pid_mountinfo(5)`).
    pub kind: Option<String>,
    /// How large it is, where that is told.
    pub room: Option<Room>,
    /// A line of that pod's log that says that there is no room.
    pub said: Option<String>,
    /// Files that were deleted, and that a program of the container has open still: they can be read as long as it runs. Twenty at most.
    pub held: Vec<String>,
}

/// What there is room for in a file system, KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// All of it.
    pub size: u64,
    /// What is left for who is not root.
    pub free: u64,
}

/// Below this a file system has no room, KiB; a smaller one below a twentieth of it.
const LEAST: u64 = 1024;

impl Disk {
    /// Whether it has no room left.
    pub fn is_full(&self) -> bool {
        self.room.is_some_and(|room| room.free < LEAST && room.free * 20 < room.size)
    }
}

impl Doing<'_> {
    pub(super) async fn count(&self, claim: &ObjectRef, at_least: u64, limit: Duration) -> Ending {
        let pods = pods_in(claim.namespace.as_deref().unwrap_or_default());
        let Some(resource) = self.context.resources.of(&pods) else { return Ending::Failed(unknown_kind(&pods)) };
        let query = Query { resource, namespace: pods.namespace, scope: Scope::All };
        let read = || async { Ok::<_, ApplyError>(collect(&self.context.cluster.client, vec![query.clone()]).await?) };
        let seen = match self.patiently(claim, read).await {
            Ok(seen) => seen,
            Err(ending) => return ending,
        };
        let counting = async { ask_pods(&self.context.cluster.client, &seen, claim).await.0 };
        let files = tokio::select! {
            biased;
            () = self.context.cancel.cancelled() => return Ending::Stopped,
            files = tokio::time::timeout(limit, counting) => files.unwrap_or_else(|_| unknown("it took too long")),
        };
        match files {
            Files::Counted { files, .. } if files < at_least => Ending::Failed(too_few(claim, files, at_least)),
            Files::Counted { files, .. } => done(false, Some(files_text(files))),
            Files::Unknown { why } => done(false, Some(format!("unknown: {why}"))),
        }
    }
}

fn too_few(claim: &ObjectRef, files: u64, at_least: u64) -> Cause {
    Cause {
        id: "volume-emptied".to_owned(),
        object: Some(claim.clone()),
        reason: "Emptied".to_owned(),
        message: format!(
            "its volume holds {files} files; at least {at_least} was expected, from what it is known to have held"
        ),
        remedy: Some(
            "the volume is bound, but this is not the data: look for another Released volume, or a backup".to_owned(),
        ),
        outlook: Outlook::Final,
    }
}

/// `1 file`, `2 files`.
pub fn files_text(number: u64) -> String {
    crate::clusters::count(usize::try_from(number).unwrap_or(usize::MAX), "file")
}

fn unknown(why: impl Into<String>) -> Files {
    Files::Unknown { why: why.into() }
}

/// Asks the pods that run with the claim, one after the other, until one can tell: what the volume holds, and of its file system.
pub async fn ask_pods(client: &Client, seen: &Snapshot, claim: &ObjectRef) -> (Files, Option<Disk>) {
    let mut why = "no running pod has it mounted".to_owned();
    for pod in holders(seen, claim) {
        for (container, path) in mounts(pod, claim) {
            match ask(client, pod, &container, &path).await {
                Ok((files, disk)) => return (files, Some(disk)),
                Err(said) => {
                    why = format!("{} in {container}: {said}", text(pod, "/metadata/name").unwrap_or_default());
                }
            }
        }
    }
    (unknown(why), None)
}

/// Asks every pod that runs with the claim for files that were deleted and are open still: a container sees only its own programs.
pub async fn ask_for_held(client: &Client, seen: &Snapshot, claim: &ObjectRef) -> Option<Disk> {
    for pod in holders(seen, claim) {
        for (container, path) in mounts(pod, claim) {
            // One that cannot tell has said so before, where it matters.
            if let Ok((_, disk)) = ask(client, pod, &container, &path).await
                && !disk.held.is_empty()
            {
                return Some(disk);
            }
        }
    }
    None
}

/// Asks one pod of every node on which pods run with the claim.
pub async fn ask_on_nodes(client: &Client, seen: &Snapshot, claim: &ObjectRef) -> Vec<(Files, Disk)> {
    let mut told: Vec<(Files, Disk)> = Vec::new();
    for pod in holders(seen, claim) {
        let node = text(pod, "/spec/nodeName").unwrap_or_default();
        for (container, path) in mounts(pod, claim) {
            if told.iter().any(|(_, disk)| disk.node == node) {
                break;
            }
            // One that cannot tell is no fact.
            told.extend(ask(client, pod, &container, &path).await.ok());
        }
    }
    told
}

/// The running containers of a pod that have the whole volume of a claim mounted, and where.
pub(super) fn mounts(pod: &Value, claim: &ObjectRef) -> Vec<(String, String)> {
    let volumes: Vec<&str> = items(pod, "/spec/volumes")
        .filter(|volume| text(volume, "/persistentVolumeClaim/claimName") == Some(&claim.name))
        .filter_map(|volume| text(volume, "/name"))
        .collect();
    let runs = |name: &str| {
        items(pod, "/status/containerStatuses")
            .any(|status| status["name"] == name && status.pointer("/state/running").is_some())
    };
    let of = |container: &Value| {
        let name = text(container, "/name").filter(|name| runs(name))?;
        let whole = |mount: &&Value| mount.get("subPath").is_none() && mount.get("subPathExpr").is_none();
        let path = items(container, "/volumeMounts")
            .filter(whole)
            .find(|mount| text(mount, "/name").is_some_and(|name| volumes.contains(&name)))?;
        Some((name.to_owned(), text(path, "/mountPath")?.to_owned()))
    };
    items(pod, "/spec/containers").filter_map(of).collect()
}

async fn ask(client: &Client, pod: &Value, container: &str, path: &str) -> Result<(Files, Disk), String> {
    let (out, failed) = say_in(client, pod, (container, path), &script()).await?;
    let (files, disk) = parse(&out).ok_or_else(|| failed.unwrap_or_else(|| "its answer makes no sense".to_owned()))?;
    let node = text(pod, "/spec/nodeName").unwrap_or_default().to_owned();
    let pod = text(pod, "/metadata/name").unwrap_or_default().to_owned();
    Ok((files, Disk { pod, node, container: container.to_owned(), path: path.to_owned(), ..disk }))
}

/// Runs a script in a container, with a path as its argument: what it said, and what went wrong when it ended badly.
pub(super) async fn say_in(
    client: &Client,
    pod: &Value,
    (container, path): (&str, &str),
    script: &str,
) -> Result<(String, Option<String>), String> {
    let namespace = text(pod, "/metadata/namespace").unwrap_or_default();
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let name = text(pod, "/metadata/name").unwrap_or_default().to_owned();
    // The path is an argument, not part of the script.
    let command = ["sh", "-c", script, "sh", path].map(str::to_owned);
    let params = AttachParams::default().container(container).stdin(false).stdout(true).stderr(true);
    let talk = async {
        let mut process = pods.exec(&name, command, &params).await.map_err(|error| root(&error))?;
        let status = process.take_status();
        let (mut out, mut err) = (String::new(), String::new());
        if let Some(mut stdout) = process.stdout() {
            stdout.read_to_string(&mut out).await.map_err(|error| error.to_string())?;
        }
        if let Some(mut stderr) = process.stderr() {
            stderr.read_to_string(&mut err).await.map_err(|error| error.to_string())?;
        }
        let status = match status {
            Some(status) => status.await,
            None => None,
        };
        let went_well = status.as_ref().is_some_and(|status| status.status.as_deref() == Some("Success"));
        let said = status.and_then(|status| status.message).unwrap_or_else(|| "the connection broke off".to_owned());
        let why = if err.trim().is_empty() { said } else { err.trim().to_owned() };
        Ok((out, (!went_well).then_some(why)))
    };
    tokio::time::timeout(PATIENCE, talk).await.map_err(|_| format!("no answer within {} s", PATIENCE.as_secs()))?
}

/// `1234 /data` and `42`, a line each, and then what the container's programs tell of the file system.
fn parse(out: &str) -> Option<(Files, Disk)> {
    let mut lines = out.lines();
    let root = lines.next()?.split_whitespace().next()?.parse().ok()?;
    let files = lines.next()?.trim().parse().ok()?;
    let mut disk = Disk::default();
    for line in lines {
        if let Some(deleted) = line.strip_prefix("deleted ") {
            disk.held.push(deleted.trim_end_matches(" (deleted)").to_owned());
            continue;
        }
        disk.room = disk.room.or_else(|| room(line));
        // What was mounted last lies on top.
        if let Some((kind, read_only)) = mounted(line) {
            disk.kind = Some(kind);
            disk.read_only = read_only;
        }
    }
    Some((Files::Counted { files, root }, disk))
}

/// `FILESYSTEM SIZE USED FREE USED% PATH`, as `df -P` has it (POSIX); the name in front may have blanks.
fn room(line: &str) -> Option<Room> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let at = words.iter().position(|word| word.strip_suffix('%').is_some_and(|number| number.parse::<u8>().is_ok()))?;
    let number = |back: usize| words.get(at.checked_sub(back)?)?.parse().ok();
    Some(Room { size: number(3)?, free: number(1)? })
}

/// The type of a file system, and whether it is read-only. A line of `/proc/self/mountinfo`: behind ` - ` are the type, the source, and
/// the options of the super block.
fn mounted(line: &str) -> Option<(String, bool)> {
    let mut words = line.split_once(" - ")?.1.split_whitespace();
    let (kind, options) = (words.next()?, words.nth(1)?);
    Some((kind.to_owned(), options.split(',').any(|option| option == "ro")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_answer_of_a_container_is_read_or_refused() {
        let files = Files::Counted { files: 3, root: 17 };
        assert_eq!(parse("17 /data\n   3\n"), Some((files, Disk::default())));
        for bad in ["", "17 /data\n", "x /data\n3\n", "17 /data\nmany\n"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }

    /// As busybox 1.36, coreutils 9.1 and Linux 6.1 print it.
    #[test]
    fn what_a_file_system_says_of_itself_is_read() {
        let head = "Filesystem           1024-blocks    Used Available Capacity Mounted on\n";
        let mount = "812 790 8:1 /vol/x /data rw,relatime master:1 - ext4 /dev/sda1";
        let cases = [
            (
                format!("{head}/dev/sda1 1000 900 100 90% /data\n{mount} rw,errors=remount-ro\n"),
                false,
                Some((1000, 100)),
            ),
            (format!("{head}/dev/sda1 1000 1000 0 100% /data\n{mount} ro,errors=remount-ro\n"), true, Some((1000, 0))),
            (format!("{mount} rw\n{}\n", mount.replace("rw,relatime", "ro,relatime") + " ro"), true, None),
            (format!("{head}//server/a share 1000 1 999 1% /data\n"), false, Some((1000, 999))),
            (format!("{}\n", mount.replace("rw,", "ro,") + " rw"), false, None),
            ("df: not found\n".to_owned(), false, None),
        ];
        for (said, read_only, room) in cases {
            let (_, disk) = parse(&format!("17 /data\n3\n{said}")).unwrap();
            assert_eq!(disk.read_only, read_only, "{said}");
            assert_eq!(disk.kind.as_deref(), said.contains(" - ").then_some("ext4"), "{said}");
            assert_eq!(disk.room.map(|room| (room.size, room.free)), room, "{said}");
        }
    }

    #[test]
    fn files_that_were_deleted_and_are_open_still_are_named() {
        let (_, disk) = parse("17 /data\n0\ndeleted /data/a b (deleted)\ndeleted /data/100% (deleted)\n").unwrap();
        assert_eq!(disk, Disk { held: vec!["/data/a b".to_owned(), "/data/100%".to_owned()], ..Disk::default() });
    }

    #[test]
    fn only_running_containers_with_the_whole_volume_are_asked() {
        let claim = ObjectRef::new("v1", "PersistentVolumeClaim", Some("n"), "data");
        let mount = |path: &str| json!([{"name": "v", "mountPath": path}]);
        let pod = json!({"spec": {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}, {"name": "w"}],
            "containers": [{"name": "a", "volumeMounts": [{"name": "w", "mountPath": "/w"}]},
                {"name": "b", "volumeMounts": [{"name": "v", "mountPath": "/part", "subPath": "x"}]},
                {"name": "c", "volumeMounts": mount("/c")}, {"name": "d", "volumeMounts": mount("/d")}]},
            "status": {"containerStatuses": [{"name": "a", "state": {"running": {}}}, {"name": "b", "state": {"running": {}}},
                {"name": "c", "state": {"waiting": {}}}, {"name": "d", "state": {"running": {}}}]}});
        assert_eq!(mounts(&pod, &claim), [("d".to_owned(), "/d".to_owned())]);
    }
}
