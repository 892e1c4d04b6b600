//! What this machine has: processors, memory, free disk, and the kernel settings that Kubernetes trips over.

use super::surroundings::Surroundings;
use rustix::fs::StatVfs;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Folders where engines and clusters keep images and volumes, on Linux.
const DATA_ROOTS: &[&str] = &["/var/lib/docker", "/var/lib/containers", "/var/lib/containerd", "/var/lib/rancher"];
/// The same for engines without root, in the home folder.
const HOME_DATA_ROOTS: &[&str] = &[".local/share/docker", ".local/share/containers"];

/// The machine's resources. `None` means that this system does not tell, as elsewhere than on Linux.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// Processors this process may use: affinity and the cgroup's quota are taken into account.
    pub cpus: Option<usize>,
    /// All memory, in bytes.
    pub memory_total: Option<u64>,
    /// Memory that can be had without swapping, in bytes.
    pub memory_available: Option<u64>,
    /// The kernel's release, such as `6.12.0-amd64`.
    pub kernel: Option<String>,
    /// Which version of control groups is mounted; recent kubelets refuse the first.
    pub cgroups: Option<Cgroups>,
    /// `fs.inotify.max_user_instances`; a kind cluster of several nodes needs more than the usual 128.
    pub inotify_instances: Option<u64>,
    /// `fs.inotify.max_user_watches`.
    pub inotify_watches: Option<u64>,
    /// Whether this process itself runs in a container, where addresses and engines may be the outer machine's.
    pub in_container: bool,
    /// Free space, one entry for each file system that holds a folder of interest.
    pub disks: Vec<Disk>,
}

/// Which control groups are mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cgroups {
    /// Version 1 only.
    V1,
    /// Version 1 with an empty version 2 beside it; counts as version 1.
    Hybrid,
    /// Version 2 only.
    V2,
}

/// Free space of one file system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// The folders of interest that lie on it, or will once they are made.
    pub folders: Vec<PathBuf>,
    /// What an ordinary user may still fill, in bytes.
    pub free: u64,
    /// Its size, in bytes.
    pub total: u64,
    /// Files that can still be made; `None` where the file system has no such limit.
    pub free_inodes: Option<u64>,
}

/// Reads the resources. It asks file systems, so a dead network mount can hold it up.
pub fn read(here: &Surroundings, folders: &[PathBuf]) -> Resources {
    let memory = fs::read_to_string(here.at_root("/proc/meminfo")).unwrap_or_default();
    Resources {
        cpus: std::thread::available_parallelism().ok().map(usize::from),
        memory_total: meminfo(&memory, "MemTotal:"),
        memory_available: meminfo(&memory, "MemAvailable:"),
        kernel: setting(here, "/proc/sys/kernel/osrelease"),
        cgroups: cgroups(here),
        inotify_instances: setting(here, "/proc/sys/fs/inotify/max_user_instances"),
        inotify_watches: setting(here, "/proc/sys/fs/inotify/max_user_watches"),
        in_container: in_container(here),
        disks: disks(here, folders),
    }
}

fn setting<T: FromStr>(here: &Surroundings, path: &str) -> Option<T> {
    fs::read_to_string(here.at_root(path)).ok()?.trim().parse().ok()
}

/// A line of `/proc/meminfo`, whose unit is always KiB, in bytes.
fn meminfo(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

fn cgroups(here: &Surroundings) -> Option<Cgroups> {
    let has = |path: &str| here.at_root(path).exists();
    if has("/sys/fs/cgroup/cgroup.controllers") {
        Some(Cgroups::V2)
    } else if has("/sys/fs/cgroup/unified/cgroup.controllers") {
        Some(Cgroups::Hybrid)
    } else {
        has("/sys/fs/cgroup/memory").then_some(Cgroups::V1)
    }
}

/// Whether this process itself runs in a container.
pub(crate) fn in_container(here: &Surroundings) -> bool {
    // Docker and Podman leave a file; of the others the first process' control group tells.
    ["/.dockerenv", "/run/.containerenv"].iter().any(|file| here.at_root(file).exists())
        || fs::read_to_string(here.at_root("/proc/1/cgroup"))
            .is_ok_and(|groups| ["docker", "kubepods", "libpod"].iter().any(|name| groups.contains(name)))
}

fn disks(here: &Surroundings, folders: &[PathBuf]) -> Vec<Disk> {
    let roots = DATA_ROOTS.iter().map(|root| here.at_root(root));
    let home_roots = HOME_DATA_ROOTS.iter().filter_map(|root| here.at_home(root));
    let engines = roots.chain(home_roots).filter(|root| root.exists());
    let mut disks: Vec<(u64, Disk)> = Vec::new();
    for folder in folders.iter().cloned().chain(engines) {
        let Some(stat) = nearest(&folder).and_then(|there| rustix::fs::statvfs(there).ok()) else { continue };
        match disks.iter_mut().find(|(id, disk)| *id == stat.f_fsid && disk.total == total(&stat)) {
            Some((_, disk)) => disk.folders.push(folder),
            None => disks.push((stat.f_fsid, disk(folder, &stat))),
        }
    }
    disks.into_iter().map(|(_, disk)| disk).collect()
}

/// The folder, or the closest one above it that exists already.
fn nearest(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|folder| folder.exists())
}

fn total(stat: &StatVfs) -> u64 {
    stat.f_blocks.saturating_mul(stat.f_frsize)
}

fn disk(folder: PathBuf, stat: &StatVfs) -> Disk {
    Disk {
        folders: vec![folder],
        free: stat.f_bavail.saturating_mul(stat.f_frsize),
        total: total(stat),
        // btrfs and others make inodes as they go, and report none at all.
        free_inodes: (stat.f_files > 0).then_some(stat.f_favail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::testing::{in_folder, write};

    #[test]
    fn the_settings_of_a_machine_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let here = in_folder(folder.path());
        write(&here.at_root("/proc/meminfo"), "MemTotal:       16 kB\nMemAvailable:    8 kB\n");
        write(&here.at_root("/proc/sys/kernel/osrelease"), "6.12.0-amd64\n");
        write(&here.at_root("/proc/sys/fs/inotify/max_user_instances"), "128\n");
        write(&here.at_root("/sys/fs/cgroup/unified/cgroup.controllers"), "");
        write(&here.at_root("/proc/1/cgroup"), "12:pids:/kubepods/besteffort/pod1\n");

        let found = read(&here, &[folder.path().join("state/seaworthy")]);
        assert_eq!(found.memory_total, Some(16 * 1024));
        assert_eq!(found.memory_available, Some(8 * 1024));
        assert_eq!(found.kernel.as_deref(), Some("6.12.0-amd64"));
        assert_eq!(found.inotify_instances, Some(128));
        assert_eq!(found.inotify_watches, None);
        assert_eq!(found.cgroups, Some(Cgroups::Hybrid));
        assert!(found.in_container);
        assert_eq!(found.disks.len(), 1, "a folder that is still to be made lies on the disk above it");
        assert!(found.disks[0].total >= found.disks[0].free);
    }

    #[test]
    fn another_system_tells_nothing_and_that_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let found = read(&in_folder(folder.path()), &[]);
        assert_eq!((found.kernel, found.cgroups, found.memory_total), (None, None, None));
        assert!(!found.in_container && found.disks.is_empty());
    }

    #[test]
    fn folders_of_one_file_system_are_one_disk() {
        let folder = tempfile::tempdir().unwrap();
        let here = in_folder(folder.path());
        write(&here.at_root("/var/lib/docker/x"), "");
        write(&here.at_home(".local/share/containers/x").unwrap(), "");
        let disks = disks(&here, &[folder.path().join("state")]);
        assert_eq!(disks.len(), 1);
        assert_eq!(disks[0].folders.len(), 3);
    }
}
