//! A story: what is asked for and what goes wrong meanwhile, both decided by the seed; and that it ends well.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use seaworthy::cluster::Clock;
use seaworthy::object::ObjectRef;
use seaworthy::sandbox::{Kind, Sandbox, faults};
use tempfile::TempDir;
use tokio::time::sleep;

use super::chance::Chance;
use super::operator::{End, NO_PLAN, Operator, Order, WANTED, attempt};
use super::sea::Sea;
use super::watchdog::NAMESPACE;
use super::weather::Process;

/// After so many tries the weather is fine, and after so many more it must be done.
const STORMY: u32 = 6;
const TRIES: u32 = 14;
/// Faults of the cluster that come and go.
const STORMS: [&str; 7] =
    ["node-unreachable", "provisioner-away", "image-missing", "crash", "not-ready", "no-room", "api-down=20"];
/// What lies on the volume from the first installation on.
const TREASURE: &str = "treasure";

/// How a story went.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) seed: u64,
    /// The sum of everything that happened.
    pub(crate) sum: u64,
    pub(crate) orders: Vec<String>,
    pub(crate) tries: u32,
    pub(crate) faults: BTreeMap<&'static str, usize>,
    pub(crate) checked: BTreeMap<&'static str, usize>,
    pub(crate) violations: Vec<String>,
    /// Everything that happened, when it was asked for.
    pub(crate) lines: Vec<String>,
}

/// Sails one seed. `keep`: with every line of what happened.
pub(crate) fn sail(seed: u64, keep: bool) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime").block_on(tell(seed, keep))
}

async fn tell(seed: u64, keep: bool) -> Report {
    // From before anything looks at a clock until after the last look.
    let _leap = Clock::starting_at(Timestamp::UNIX_EPOCH).leap();
    let mut chance = Chance::new(seed);
    let home = home();
    let origin: Timestamp = "2026-01-02T03:04:05Z".parse().expect("a time");
    let sandbox =
        Sandbox::seeded(if chance.one_in(3) { Kind::Ha } else { Kind::SingleNode }, origin, &seed.to_string());
    let sea = Sea::new(sandbox, home.path(), keep);
    let operators = ["ann", "bob"].map(|name| Operator { name, state: home.path().join(name) });
    let mut told = Told { sea, operators, home, chance, tries: 0, processes: 0, lost: false, laid: false, over: false };
    let mut orders = vec![Order::Install(0)];
    let more = told.chance.below(3);
    orders.extend((0..more).map(|_| told.next_order()));
    for order in &orders {
        told.order(order).await;
        if told.over {
            break;
        }
    }
    told.look_into_files();
    let (sum, faults, lines) = told.sea.sum();
    let (violations, checked) = told.sea.watch(|watchdog| (watchdog.violations.clone(), watchdog.checked.clone()));
    let orders = orders.iter().map(|order| format!("{order:?}")).collect();
    Report { seed, sum, orders, tries: told.tries, faults, checked, violations, lines }
}

/// In memory where that can be: how fast a disk is matters to nobody here.
fn home() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder")
}

struct Told {
    sea: Arc<Sea>,
    operators: [Operator; 2],
    home: TempDir,
    chance: Chance,
    tries: u32,
    processes: i32,
    /// Whether the data is gone on purpose.
    lost: bool,
    /// Whether something was put on the volume.
    laid: bool,
    /// Whether the data is lost for good, with which nothing else can go on.
    over: bool,
}

impl Told {
    fn next_order(&mut self) -> Order {
        match self.chance.below(8) {
            0 => Order::Uninstall { data: false },
            1 => Order::Uninstall { data: true },
            2 | 3 => Order::Rebind,
            _ => Order::Install(usize::try_from(self.chance.below(WANTED.len() as u64)).unwrap_or(0)),
        }
    }

    fn process(&mut self, operator: &Operator, killed: bool) -> Process {
        self.processes += 1;
        let holder = seaworthy::engine::lock::Holder::elsewhere(operator.name, self.processes).to_string();
        Process::new(holder, self.chance.branch(), killed)
    }

    /// One order, tried until it is done.
    async fn order(&mut self, order: &Order) {
        self.prepare(order);
        let mut last = String::new();
        for number in 0..TRIES {
            let calm = number >= STORMY;
            if calm {
                self.sea.set_calm(true);
                self.sea.sandbox.mend();
            }
            self.tries += 1;
            let end = self.try_once(order, calm).await;
            match end {
                End::Done => {
                    self.sea.set_calm(true);
                    self.sea.sandbox.mend();
                    self.after(order).await;
                    return self.sea.set_calm(false);
                }
                // A recovery that cannot be is refused before anything is written, which is an end, too.
                End::Not(why) if calm && *order == Order::Rebind && why.starts_with(NO_PLAN) => {
                    self.over = true;
                    return;
                }
                End::Not(why) => last = why,
            }
            let pause = 1 + self.chance.below(90);
            sleep(Duration::from_secs(pause)).await;
        }
        self.sea.violation(format!("{order:?} does not come to its end in fine weather: {last}"));
        self.sea.set_calm(false);
    }

    /// What an order is about has to be so first, and what it may destroy is agreed to.
    fn prepare(&mut self, order: &Order) {
        let sandbox = &self.sea.sandbox;
        match order {
            Order::Uninstall { data: true } => {
                self.lost = true;
                self.sea.watch(|watchdog| watchdog.consent.insert("persistentvolumeclaims/shop-data".to_owned()));
            }
            Order::Rebind => {
                if let Some(fault) = faults::find("volume-lost").filter(|_| volume(sandbox).is_some()) {
                    sandbox.strike(fault, "sea/shop-data");
                    self.sea.fault("volume-lost");
                }
            }
            _ => {}
        }
    }

    /// Once, with a storm beside it, and sometimes with somebody else at the same time.
    async fn try_once(&mut self, order: &Order, calm: bool) -> End {
        let killed = !calm && self.chance.one_in(3);
        let [ann, bob] = self.operators.clone();
        let first = self.process(&ann, killed);
        let rival = (!calm && self.chance.one_in(6)).then(|| self.process(&bob, false));
        let other = Order::Install(usize::try_from(self.chance.below(WANTED.len() as u64)).unwrap_or(0));
        let storm = (!calm && self.chance.one_in(2)).then(|| self.chance.branch());
        let sea = self.sea.clone();
        let beside = async {
            if let Some(rival) = &rival {
                sea.fault("a second operator");
                attempt(&sea, &bob, &other, rival).await;
            }
        };
        let storm = async {
            if let Some(chance) = storm {
                rage(&sea, chance).await;
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

    /// What must hold now that an order is done, looked at in fine weather.
    async fn after(&mut self, order: &Order) {
        let ann = self.operators[0].clone();
        // A lock that could not be given back has expired then.
        sleep(Duration::from_secs(120)).await;
        if let Order::Install(number) = order {
            // What somebody else has done at the same time is as good, so it is asked for once more before it is compared.
            for last in [false, true] {
                let process = self.process(&ann, false);
                let before = self.writes();
                let end = attempt(&self.sea, &ann, order, &process).await;
                if end != End::Done {
                    self.sea.violation(format!("done, and then not: {end:?}"));
                } else if last && self.writes() != before {
                    self.sea.violation("an installation that is done is written to again".to_owned());
                }
            }
            self.compare(*number);
            self.lost = false;
            self.sea.watch(|watchdog| watchdog.consent.clear());
        }
        self.treasure();
    }

    /// Versions of everything that is installed: they move with every write.
    fn writes(&self) -> Vec<String> {
        let objects = self.sea.sandbox.objects();
        let ours = objects.iter().filter(|object| {
            object["metadata"]["namespace"] == NAMESPACE
                && object["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "seaworthy"
                && object["kind"] != "Pod"
                && object["kind"] != "ReplicaSet"
        });
        ours.map(|object| {
            format!("{}/{} {}", object["kind"], object["metadata"]["name"], object["metadata"]["generation"])
        })
        .collect()
    }

    /// The cluster is as the values say.
    fn compare(&self, number: usize) {
        let (replicas, greeting) = WANTED[number];
        let web = self.sea.sandbox.object(&ObjectRef::new("apps/v1", "Deployment", Some(NAMESPACE), "shop-web"));
        let ready = web.as_ref().map(|web| (web["spec"]["replicas"].clone(), web["status"]["readyReplicas"].clone()));
        if ready != Some((replicas.into(), replicas.into())) {
            self.sea.violation(format!("{replicas} windows are wanted, and there are {ready:?}"));
        }
        let map = self.sea.sandbox.object(&ObjectRef::new("v1", "ConfigMap", Some(NAMESPACE), "shop-web"));
        if map.is_none_or(|map| map["data"]["greeting"] != greeting) {
            self.sea.violation(format!("the window does not say {greeting}"));
        }
    }

    /// What was put on the volume is still there, unless it was to go.
    fn treasure(&mut self) {
        let sandbox = &self.sea.sandbox;
        if self.lost {
            self.laid = false;
            return;
        }
        let is_there = sandbox.files(NAMESPACE, "shop-data").is_some_and(|files| files.contains_key(TREASURE));
        if self.laid && !is_there {
            self.sea.violation("what lay on the volume is gone, and nobody agreed to that".to_owned());
        }
        self.laid = is_there || sandbox.write_file((NAMESPACE, "shop-data"), TREASURE, b"gold");
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

fn volume(sandbox: &Sandbox) -> Option<String> {
    let claim = sandbox.object(&ObjectRef::new("v1", "PersistentVolumeClaim", Some(NAMESPACE), "shop-data"))?;
    claim["spec"]["volumeName"].as_str().map(str::to_owned)
}

/// Faults of the cluster, one after the other, until it is enough; now and then the clock jumps.
async fn rage(sea: &Sea, mut chance: Chance) {
    for _ in 0..=chance.below(4) {
        sleep(Duration::from_millis(200 + chance.below(20_000))).await;
        let chosen = *chance.pick(&STORMS);
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
        if !chance.one_in(4) {
            sea.sandbox.mend();
        }
    }
}
