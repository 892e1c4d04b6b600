//! Who holds a lock: enough to know whether that process can still be alive.

use std::fmt;
use std::str::FromStr;

/// A process of a host since one of its boots. Written as `host/boot/pid/start`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    host: String,
    boot: String,
    pid: i32,
    /// Start of the process in ticks since the boot: a pid that was given to another process has another.
    start: u64,
}

impl Holder {
    /// This process.
    pub fn this_process() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default().trim().replace('/', "_");
        let pid = rustix::process::getpid().as_raw_nonzero().get();
        Self {
            host: rustix::system::uname().nodename().to_string_lossy().replace('/', "_"),
            boot: read("/proc/sys/kernel/random/boot_id"),
            pid,
            start: start_of(pid).unwrap_or_default(),
        }
    }

    /// A process of a machine of which nothing can be known from here.
    pub fn elsewhere(host: &str, pid: i32) -> Self {
        Self { host: host.to_owned(), boot: String::new(), pid, start: 0 }
    }

    /// For people: `process 4711 on harbour`.
    pub fn named(&self) -> String {
        format!("process {} on {}", self.pid, self.host)
    }

    /// Whether this is a process of the same host and boot as `me` that has ended. Of other hosts nothing is known, and
    /// without a boot id (not Linux) neither.
    pub fn is_dead_neighbour(&self, me: &Self) -> bool {
        let neighbour = self.host == me.host && self.boot == me.boot && !self.boot.is_empty();
        neighbour && start_of(self.pid) != Some(self.start)
    }
}

/// Start time of a process that runs.
fn start_of(pid: i32) -> Option<u64> {
    start_in(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Field 22 of `/proc/PID/stat` (proc(5)); the name before it may hold spaces and brackets. A zombie has ended: where nobody reaps, as in
/// many containers, it stays for as long as they do.
fn start_in(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") { None } else { fields.nth(18)?.parse().ok() }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.host, self.boot, self.pid, self.start)
    }
}

impl FromStr for Holder {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let parts: Vec<&str> = text.split('/').collect();
        let [host, boot, pid, start] = parts.as_slice() else { return Err(()) };
        let number = |text: &str| text.parse().map_err(|_| ());
        Ok(Self {
            host: (*host).to_owned(),
            boot: (*boot).to_owned(),
            pid: pid.parse().map_err(|_| ())?,
            start: number(start)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zombie_has_ended() {
        let stat = |state: &str| format!("7 (a) b) {state} 1 7 7 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 4711 0 0 184");
        assert_eq!(start_in(&stat("S")), Some(4711));
        assert_eq!((start_in(&stat("Z")), start_in(&stat("X"))), (None, None));
        assert_eq!(start_in("7 (cut"), None);
    }

    #[test]
    fn only_a_process_of_this_boot_can_be_known_to_be_dead() {
        let me = Holder::this_process();
        assert_eq!(me.to_string().parse::<Holder>().unwrap(), me);
        assert!(!me.is_dead_neighbour(&me));
        let reused_pid = Holder { start: me.start + 1, ..me.clone() };
        assert!(reused_pid.is_dead_neighbour(&me));
        let elsewhere = Holder { host: "elsewhere".to_owned(), ..reused_pid.clone() };
        assert!(!elsewhere.is_dead_neighbour(&me));
        let before_reboot = Holder { boot: "earlier".to_owned(), ..reused_pid };
        assert!(!before_reboot.is_dead_neighbour(&me));
        assert!("garbage".parse::<Holder>().is_err());
    }
}
