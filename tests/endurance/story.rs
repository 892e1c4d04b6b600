//! A story of the shop: what is asked for and what goes wrong meanwhile, both decided by the seed; and that it ends well.

use std::time::Duration;

use jiff::Timestamp;
use seaworthy::cluster::Clock;
use seaworthy::object::ObjectRef;
use seaworthy::sandbox::{Kind, Sandbox, faults};
use tokio::time::sleep;

use super::chance::Chance;
use super::operator::{End, NO_PLAN, Order};
use super::stock::{Stock, WANTED};
use super::voyage::{Report, Storms, Voyage};
use super::watchdog::NAMESPACE;

/// Faults of the cluster that come and go.
const STORMS: Storms = Storms {
    strikes: &["node-unreachable", "provisioner-away", "image-missing", "crash", "not-ready", "no-room", "api-down=20"],
    mended: true,
};
/// What lies on the volume from the first installation on.
const TREASURE: &str = "treasure";

/// Sails one seed. `keep`: with every line of what happened.
pub(crate) fn sail(seed: u64, keep: bool) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime").block_on(tell(seed, keep))
}

async fn tell(seed: u64, keep: bool) -> Report {
    // From before anything looks at a clock until after the last look.
    let _leap = Clock::starting_at(Timestamp::UNIX_EPOCH).leap();
    let kind = if Chance::new(seed).one_in(3) { Kind::Ha } else { Kind::SingleNode };
    let voyage = Voyage::new((seed, keep), kind, Stock::shop(0).installation.clone(), STORMS);
    let mut told = Told { voyage, lost: false, laid: false, over: false };
    let mut orders = vec![Order::Install(0)];
    let more = told.voyage.chance.below(3);
    orders.extend((0..more).map(|_| told.next_order()));
    for order in &orders {
        told.order(order).await;
        if told.over {
            break;
        }
    }
    told.voyage.report(orders.iter().map(|order| format!("{order:?}")).collect())
}

/// What somebody else wants at the same time.
fn rival(chance: &mut Chance) -> Order {
    Order::Install(usize::try_from(chance.below(WANTED.len() as u64)).unwrap_or(0))
}

struct Told {
    voyage: Voyage,
    /// Whether the data is gone on purpose.
    lost: bool,
    /// Whether something was put on the volume.
    laid: bool,
    /// Whether the data is lost for good, with which nothing else can go on.
    over: bool,
}

impl Told {
    fn next_order(&mut self) -> Order {
        match self.voyage.chance.below(8) {
            0 => Order::Uninstall { data: false },
            1 => Order::Uninstall { data: true },
            2 | 3 => Order::Rebind,
            _ => rival(&mut self.voyage.chance),
        }
    }

    /// One order to its end, and what must hold then.
    async fn order(&mut self, order: &Order) {
        self.prepare(order);
        match self.voyage.order(order, rival).await {
            Ok(()) => self.after(order).await,
            // Its volume is gone, and nobody has kept what it was.
            Err(why) if *order == Order::Rebind && why.starts_with(NO_PLAN) => self.over = true,
            Err(why) => self.voyage.sea.violation(format!("{order:?} does not come to its end in fine weather: {why}")),
        }
        self.voyage.sea.set_calm(false);
    }

    /// What an order is about has to be so first, and what it may destroy is agreed to.
    fn prepare(&mut self, order: &Order) {
        let sandbox = &self.voyage.sea.sandbox;
        match order {
            Order::Uninstall { data: true } => {
                self.lost = true;
                self.voyage
                    .sea
                    .watch(|watchdog| watchdog.consent.insert("persistentvolumeclaims/shop-data".to_owned()));
            }
            Order::Rebind => {
                if let Some(fault) = faults::find("volume-lost").filter(|_| volume(sandbox).is_some()) {
                    sandbox.strike(fault, "sea/shop-data");
                    self.voyage.sea.fault("volume-lost");
                }
            }
            _ => {}
        }
    }

    /// What must hold now that an order is done, looked at in fine weather.
    async fn after(&mut self, order: &Order) {
        // A lock that could not be given back has expired then.
        sleep(Duration::from_secs(120)).await;
        if let Order::Install(number) = order {
            // What somebody else has done at the same time is as good, so it is asked for once more before it is compared.
            for last in [false, true] {
                let before = self.writes();
                let end = self.voyage.once(order).await;
                if end != End::Done {
                    self.voyage.sea.violation(format!("done, and then not: {end:?}"));
                } else if last && self.writes() != before {
                    self.voyage.sea.violation("an installation that is done is written to again".to_owned());
                }
            }
            self.compare(*number);
            self.lost = false;
            self.voyage.sea.watch(|watchdog| watchdog.consent.clear());
        }
        self.treasure();
    }

    /// Versions of everything that is installed: they move with every write.
    fn writes(&self) -> Vec<String> {
        let objects = self.voyage.sea.sandbox.objects();
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
        let web = self.voyage.sea.sandbox.object(&ObjectRef::new("apps/v1", "Deployment", Some(NAMESPACE), "shop-web"));
        let ready = web.as_ref().map(|web| (web["spec"]["replicas"].clone(), web["status"]["readyReplicas"].clone()));
        if ready != Some((replicas.into(), replicas.into())) {
            self.voyage.sea.violation(format!("{replicas} windows are wanted, and there are {ready:?}"));
        }
        let map = self.voyage.sea.sandbox.object(&ObjectRef::new("v1", "ConfigMap", Some(NAMESPACE), "shop-web"));
        if map.is_none_or(|map| map["data"]["greeting"] != greeting) {
            self.voyage.sea.violation(format!("the window does not say {greeting}"));
        }
    }

    /// What was put on the volume is still there, unless it was to go.
    fn treasure(&mut self) {
        let sandbox = &self.voyage.sea.sandbox;
        if self.lost {
            self.laid = false;
            return;
        }
        let is_there = sandbox.files(NAMESPACE, "shop-data").is_some_and(|files| files.contains_key(TREASURE));
        if self.laid && !is_there {
            self.voyage.sea.violation("what lay on the volume is gone, and nobody agreed to that".to_owned());
        }
        self.laid = is_there || sandbox.write_file((NAMESPACE, "shop-data"), TREASURE, b"gold");
    }
}

fn volume(sandbox: &Sandbox) -> Option<String> {
    let claim = sandbox.object(&ObjectRef::new("v1", "PersistentVolumeClaim", Some(NAMESPACE), "shop-data"))?;
    claim["spec"]["volumeName"].as_str().map(str::to_owned)
}
