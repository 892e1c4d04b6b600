//! Whether a node is this machine. Pure.

use std::net::IpAddr;

use serde_json::Value;

use crate::host::identity::Identity;
use crate::object::{items, printable, text};

/// How a node looks beside this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::images::nodes) enum Likeness {
    /// It has no address of this machine.
    Elsewhere,
    /// It has one, and something else speaks against it: what.
    Doubtful(String),
    /// It is this machine.
    Same,
}

/// All have to fit: a private address is another machine's, too; the boot is also that of every container of this machine; the
/// machine's id is in every copy of its disk. What this machine does not tell of itself is no proof, but for the machine's id,
/// which not every system has.
pub(in crate::images::nodes) fn likeness(node: &Value, me: &Identity) -> Likeness {
    let internal = items(node, "/status/addresses").filter(|address| address["type"] == "InternalIP");
    let mut addresses = internal.filter_map(|address| text(address, "/address")?.parse::<IpAddr>().ok());
    if !addresses.any(|address| me.addresses.contains(&address)) {
        return Likeness::Elsewhere;
    }
    let said = |field: &str| text(node, &format!("/status/nodeInfo/{field}")).unwrap_or_default().trim();
    let Some(boot) = me.boot.as_deref() else {
        return Likeness::Doubtful("this system does not tell its boot id".to_owned());
    };
    if !said("bootID").eq_ignore_ascii_case(boot) {
        let theirs = printable(said("bootID"));
        return Likeness::Doubtful(format!(
            "the node's boot id is `{theirs}`, and this machine's `{boot}`: it is another machine, or its kubelet has not \
            reported since this one was started"
        ));
    }
    match me.machine.as_deref() {
        Some(machine) if !said("machineID").is_empty() && !said("machineID").eq_ignore_ascii_case(machine) => {
            let theirs = printable(said("machineID"));
            Likeness::Doubtful(format!(
                "the node's machine id is `{theirs}`, and this machine's `{machine}`: one of them is a container of the other, \
                or beside it"
            ))
        }
        _ => Likeness::Same,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const BOOT: &str = "40aedacb-1f0d-41d4-996a-2a71f15b6b97";

    fn me() -> Identity {
        Identity {
            boot: Some(BOOT.to_owned()),
            machine: Some("3d12".to_owned()),
            addresses: ["10.0.0.5", "fd00::5"].map(|address| address.parse().unwrap()).to_vec(),
        }
    }

    fn node(address: &str, boot: &str, machine: &str) -> Value {
        json!({"status": {
            "addresses": [{"type": "ExternalIP", "address": "192.0.2.1"}, {"type": "InternalIP", "address": address},
                {"type": "Hostname", "address": "one"}],
            "nodeInfo": {"bootID": boot, "machineID": machine},
        }})
    }

    fn doubt(node: &Value, me: &Identity) -> String {
        match likeness(node, me) {
            Likeness::Doubtful(why) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn address_boot_and_machine_have_to_fit() {
        assert_eq!(likeness(&node("10.0.0.5", BOOT, "3d12"), &me()), Likeness::Same);
        assert_eq!(likeness(&node("fd00::5", &BOOT.to_uppercase(), "3D12"), &me()), Likeness::Same);
        assert_eq!(likeness(&node("10.0.0.6", BOOT, "3d12"), &me()), Likeness::Elsewhere);
        assert_eq!(likeness(&node("no address", BOOT, "3d12"), &me()), Likeness::Elsewhere);
        assert_eq!(likeness(&json!({}), &me()), Likeness::Elsewhere);
        let external = Identity { addresses: vec!["192.0.2.1".parse().unwrap()], ..me() };
        assert_eq!(likeness(&node("10.0.0.5", BOOT, "3d12"), &external), Likeness::Elsewhere);
        let before = doubt(&node("10.0.0.5", "another", "3d12"), &me());
        assert!(before.contains("the node's boot id is `another`, and this machine's `40aedacb"), "{before}");
        let beside = doubt(&node("10.0.0.5", BOOT, "ffff"), &me());
        assert!(beside.contains("the node's machine id is `ffff`, and this machine's `3d12`"), "{beside}");
    }

    #[test]
    fn what_is_not_told_is_no_proof_but_a_machine_without_an_id_has_none_to_show() {
        let none = Identity { machine: None, ..me() };
        assert_eq!(likeness(&node("10.0.0.5", BOOT, "3d12"), &none), Likeness::Same);
        assert_eq!(likeness(&node("10.0.0.5", BOOT, ""), &me()), Likeness::Same);
        assert!(doubt(&node("10.0.0.5", "", "3d12"), &me()).contains("the node's boot id is ``"));
        let silent = Identity { boot: None, ..me() };
        assert_eq!(doubt(&node("10.0.0.5", "", ""), &silent), "this system does not tell its boot id");
        let hostile = doubt(&node("10.0.0.5", "\u{1b}[2J", "3d12"), &me());
        assert!(!hostile.contains('\u{1b}'), "{hostile}");
    }
}
