//! What tells this machine from every other, in the words in which a kubelet tells it of its node.

use std::fs;
use std::net::IpAddr;

use super::links::Links;
use super::surroundings::Surroundings;

/// Where a machine keeps its id: the places in which a kubelet looks for it, in its order (cadvisor, `--machine-id-file`).
const MACHINE_ID: [&str; 2] = ["/etc/machine-id", "/var/lib/dbus/machine-id"];

/// Who this machine is. Containers share the boot with the machine around them, and may have copied its id, but not its
/// addresses; a machine copied from another has the id of that one, but a boot of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// The id of this start of the kernel; `None` where the system has none, as elsewhere than on Linux.
    pub boot: Option<String>,
    /// The id of the installation; `None` where none was given.
    pub machine: Option<String>,
    /// Its addresses, without those that every machine has.
    pub addresses: Vec<IpAddr>,
}

/// Reads it. `links`: the addresses and routes, as far as they are known.
pub fn read(here: &Surroundings, links: Option<&Links>) -> Identity {
    let line = |path: &str| {
        let text = fs::read_to_string(here.at_root(path)).ok()?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let addresses = links.iter().flat_map(|links| links.addresses.iter().copied());
    Identity {
        boot: line("/proc/sys/kernel/random/boot_id"),
        machine: MACHINE_ID.into_iter().find_map(line),
        addresses: addresses.filter(|address| !address.is_loopback() && !address.is_unspecified()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::testing::{in_folder, write};

    #[test]
    fn it_is_read_where_a_kubelet_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let here = in_folder(folder.path());
        assert_eq!(read(&here, None), Identity::default());
        write(&here.at_root("/proc/sys/kernel/random/boot_id"), "40aedacb-1f0d\n");
        write(&here.at_root("/var/lib/dbus/machine-id"), "of-dbus\n");
        write(&here.at_root("/etc/machine-id"), "\n");
        let addresses = ["127.0.0.1", "10.0.0.5", "::1"].map(|address| address.parse().unwrap()).to_vec();
        let links = Links { addresses, ..Links::default() };
        let found = read(&here, Some(&links));
        assert_eq!(found.boot.as_deref(), Some("40aedacb-1f0d"));
        // One that is there and empty is none (systemd makes it so for the first boot).
        assert_eq!(found.machine.as_deref(), Some("of-dbus"));
        assert_eq!(found.addresses, ["10.0.0.5".parse::<IpAddr>().unwrap()]);
        write(&here.at_root("/etc/machine-id"), "3d1219c7\n");
        assert_eq!(read(&here, None).machine.as_deref(), Some("3d1219c7"));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_machine_tells_its_boot() {
        assert!(read(&Surroundings::new([], 0), None).boot.is_some());
    }
}
