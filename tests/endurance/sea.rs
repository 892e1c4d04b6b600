//! What all processes of a story share: the cluster, the log, the watchdog.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use seaworthy::sandbox::Sandbox;

use super::watchdog::Watchdog;

/// One story's world.
pub(crate) struct Sea {
    pub(crate) sandbox: Sandbox,
    pub(crate) watchdog: Mutex<Watchdog>,
    log: Mutex<Log>,
    /// The folder of this sail, which is another one each time.
    home: String,
    /// No fault of the way to the API server any more.
    calm: Mutex<bool>,
}

#[derive(Default)]
struct Log {
    hash: u64,
    lines: Vec<String>,
    keep: bool,
    faults: BTreeMap<&'static str, usize>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sea {
    pub(crate) fn new(sandbox: Sandbox, home: &std::path::Path, keep: bool) -> Arc<Self> {
        let log = Log { hash: 0xcbf2_9ce4_8422_2325, keep, ..Log::default() };
        let watchdog = Mutex::new(Watchdog::default());
        let home = home.display().to_string();
        Arc::new(Self { sandbox, watchdog, log: Mutex::new(log), home, calm: Mutex::new(false) })
    }

    /// Something happened: it counts for the story's sum, by which two sails of one seed are compared.
    pub(crate) fn note(&self, line: &str) {
        let line = line.replace(&self.home, "~");
        let mut log = lock(&self.log);
        for byte in line.bytes() {
            log.hash = (log.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if log.keep {
            let line = format!("{} {line}", self.sandbox.clock().now().strftime("%H:%M:%S%.3f"));
            log.lines.push(line);
        }
    }

    /// A fault was injected.
    pub(crate) fn fault(&self, name: &'static str) {
        *lock(&self.log).faults.entry(name).or_default() += 1;
        self.note(name);
    }

    pub(crate) fn violation(&self, text: String) {
        self.note(&text);
        lock(&self.watchdog).violations.push(text);
    }

    pub(crate) fn set_calm(&self, calm: bool) {
        *lock(&self.calm) = calm;
    }

    pub(crate) fn is_calm(&self) -> bool {
        *lock(&self.calm)
    }

    /// The sum of all that happened, the faults by name, and the lines, if they were kept.
    pub(crate) fn sum(&self) -> (u64, BTreeMap<&'static str, usize>, Vec<String>) {
        let log = lock(&self.log);
        (log.hash, log.faults.clone(), log.lines.clone())
    }

    pub(crate) fn watch<T>(&self, look: impl FnOnce(&mut Watchdog) -> T) -> T {
        look(&mut lock(&self.watchdog))
    }
}
