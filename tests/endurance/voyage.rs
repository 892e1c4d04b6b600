//! One order after the other, each tried until it is done, in weather that gets fine at last.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use seaworthy::plan::Installation;
use seaworthy::sandbox::{Kind, Sandbox, faults};
use tempfile::TempDir;
use tokio::time::sleep;

use super::chance::Chance;
use super::operator::{End, NO_PLAN, Operator, Order, attempt};
use super::sea::Sea;
use super::weather::Process;

/// After so many tries the weather is fine, and after so many more it must be done.
const STORMY: u32 = 6;
const TRIES: u32 = 14;

/// How a story went.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) seed: u64,
    /// The sum of everything that happened.
    pub(crate) sum: u64,
    pub(crate) orders: Vec<String>,
    pub(crate) tries: u32,
    pub(crate) faults: std::collections::BTreeMap<&'static str, usize>,
    pub(crate) checked: std::collections::BTreeMap<&'static str, usize>,
    pub(crate) violations: Vec<String>,
    /// Everything that happened, when it was asked for.
    pub(crate) lines: Vec<String>,
}

/// What may go wrong with the cluster itself.
#[derive(Clone, Copy)]
pub(crate) struct Storms {
    /// Faults that come.
    pub(crate) strikes: &'static [&'static str],
    /// Whether they are mended again. With them goes every loss that is a standing fault of the sandbox.
    pub(crate) mended: bool,
}

/// Two operators, each with a machine of their own, and the cluster.
pub(crate) struct Voyage {
    pub(crate) sea: Arc<Sea>,
    pub(crate) operators: [Operator; 2],
    pub(crate) home: TempDir,
    pub(crate) chance: Chance,
    pub(crate) storms: Storms,
    seed: u64,
    tries: u32,
    processes: i32,
}

impl Voyage {
    pub(crate) fn new((seed, keep): (u64, bool), kind: Kind, installation: Installation, storms: Storms) -> Self {
        let home = home();
        let origin: Timestamp = "2026-01-02T03:04:05Z".parse().expect("a time");
        let sea = Sea::new(Sandbox::seeded(kind, origin, &seed.to_string()), home.path(), keep);
        sea.watch(|watchdog| watchdog.installation = Some(installation));
        let operators = ["ann", "bob"].map(|name| Operator { name, state: home.path().join(name) });
        Self { sea, operators, home, chance: Chance::new(seed), storms, seed, tries: 0, processes: 0 }
    }

    /// How it went.
    pub(crate) fn report(&self, orders: Vec<String>) -> Report {
        self.look_into_files();
        let (sum, faults, lines) = self.sea.sum();
        let (violations, checked) = self.sea.watch(|watchdog| (watchdog.violations.clone(), watchdog.checked.clone()));
        Report { seed: self.seed, sum, orders, tries: self.tries, faults, checked, violations, lines }
    }

    pub(crate) fn process(&mut self, operator: &Operator, killed: bool) -> Process {
        self.processes += 1;
        let holder = seaworthy::engine::lock::Holder::elsewhere(operator.name, self.processes).to_string();
        Process::new(holder, self.chance.branch(), killed)
    }

    /// The first operator, at once, with nothing in the way but the weather.
    pub(crate) async fn once(&mut self, order: &Order) -> End {
        let ann = self.operators[0].clone();
        let process = self.process(&ann, false);
        attempt(&self.sea, &ann, order, &process).await
    }

    /// One order, tried until it is done; the weather is fine then. `rival`: what somebody else may want at the same time.
    ///
    /// # Errors
    /// Why it does not come to its end.
    pub(crate) async fn order(&mut self, order: &Order, rival: impl Fn(&mut Chance) -> Order) -> Result<(), String> {
        let mut last = String::new();
        for number in 0..TRIES {
            let calm = number >= STORMY;
            if calm {
                self.calm();
            }
            self.tries += 1;
            match self.try_once(order, calm, &rival).await {
                End::Done => {
                    self.calm();
                    return Ok(());
                }
                // A recovery that cannot be is refused before anything is written.
                End::Not(why) if calm && why.starts_with(NO_PLAN) => return Err(why),
                End::Not(why) => last = why,
            }
            let pause = 1 + self.chance.below(90);
            sleep(Duration::from_secs(pause)).await;
        }
        Err(last)
    }

    fn calm(&self) {
        self.sea.set_calm(true);
        if self.storms.mended {
            self.sea.sandbox.mend();
        }
    }

    /// Once, with a storm beside it, and sometimes with somebody else at the same time.
    async fn try_once(&mut self, order: &Order, calm: bool, rival: impl Fn(&mut Chance) -> Order) -> End {
        let killed = !calm && self.chance.one_in(3);
        let [ann, bob] = self.operators.clone();
        let first = self.process(&ann, killed);
        let second = (!calm && self.chance.one_in(6)).then(|| self.process(&bob, false));
        let other = rival(&mut self.chance);
        let storm = (!calm && self.chance.one_in(2)).then(|| self.chance.branch());
        let (sea, storms) = (self.sea.clone(), self.storms);
        let beside = async {
            if let Some(second) = &second {
                sea.fault("a second operator");
                attempt(&sea, &bob, &other, second).await;
            }
        };
        let storm = async {
            if let Some(chance) = storm {
                rage(&sea, chance, storms).await;
            }
            std::future::pending::<()>().await;
        };
        let work = async { futures::join!(attempt(&sea, &ann, order, &first), beside).0 };
        tokio::select! {
            biased;
            end = work => end,
            () = storm => End::Not("the storm has ended".to_owned()),
        }
    }

    /// No secret in anything that was written to a disk, nor in the records in the cluster.
    fn look_into_files(&self) {
        let mut folders = vec![self.home.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(bytes) = std::fs::read(&path) {
                    let name = path.strip_prefix(self.home.path()).unwrap_or(&path).display().to_string();
                    if let Some(text) = self.sea.watch(|watchdog| watchdog.written(&name, &bytes)) {
                        self.sea.violation(text);
                    }
                }
            }
        }
    }
}

/// In memory where that can be: how fast a disk is matters to nobody here.
fn home() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder")
}

/// Faults of the cluster, one after the other, until it is enough; now and then the clock jumps.
async fn rage(sea: &Sea, mut chance: Chance, storms: Storms) {
    for _ in 0..=chance.below(4) {
        sleep(Duration::from_millis(200 + chance.below(20_000))).await;
        let chosen = *chance.pick(storms.strikes);
        let (name, target) = chosen.split_once('=').unwrap_or((chosen, ""));
        if let Some(fault) = faults::find(name) {
            sea.fault(fault.name);
            sea.sandbox.strike(fault, target);
        }
        sleep(Duration::from_millis(200 + chance.below(40_000))).await;
        if chance.one_in(4) {
            sea.fault("the clock jumps");
            tokio::time::advance(Duration::from_secs(chance.below(7200))).await;
        }
        if !chance.one_in(4) && storms.mended {
            sea.sandbox.mend();
        }
    }
}
