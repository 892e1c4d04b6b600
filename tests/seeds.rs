//! A few seeds of `endurance`.

use crate::endurance::{Report, losses, sail, salvage};

/// Few here, where nothing is optimised; `SEAWORTHY_SEEDS` says otherwise.
const SEEDS: u64 = 12;

fn seeds() -> u64 {
    std::env::var("SEAWORTHY_SEEDS").map_or(SEEDS, |text| text.parse().expect("SEAWORTHY_SEEDS is a number"))
}

#[test]
fn no_order_of_faults_breaks_what_must_hold() {
    let one = |seed: u64| {
        let report = sail(seed, false);
        assert_eq!((report.seed, report.orders[0].as_str()), (seed, "Install(0)"));
        assert!(report.tries > 0 && report.checked["lock"] > 0, "{report:#?}");
        report
    };
    assert_all(&(0..seeds()).collect::<Vec<_>>(), one);
}

/// Sails each of these, on every core. `one`: tells a story.
fn assert_all(seeds: &[u64], one: impl Fn(u64) -> Report + Sync) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let one = &|seed: u64| {
        let report = one(seed);
        assert!(report.violations.is_empty(), "{report:#?}");
        report.faults.values().sum::<usize>()
    };
    let faults: usize = std::thread::scope(|scope| {
        let share = |first: usize| {
            scope.spawn(move || seeds.iter().skip(first).step_by(threads).map(|seed| one(*seed)).sum::<usize>())
        };
        let shares: Vec<_> = (0..threads).map(share).collect();
        shares.into_iter().map(|share| share.join().expect("a seed has failed; see above")).sum()
    });
    println!("{} seeds, {faults} faults", seeds.len());
    assert!(faults > seeds.len(), "only {faults} faults: the weather was too fine to prove anything");
}

#[test]
fn a_seed_is_one_story() {
    for seed in [3, 7] {
        let (first, second) = (sail(seed, true), sail(seed, true));
        let apart = first.lines.iter().zip(&second.lines).position(|(one, other)| one != other);
        if let Some(at) = apart {
            let around = |lines: &[String]| lines[at.saturating_sub(8)..(at + 4).min(lines.len())].join("\n");
            panic!("seed {seed}, line {at}:\n{}\n\n{}", around(&first.lines), around(&second.lines));
        }
        assert_eq!((first.sum, first.lines.len()), (second.sum, second.lines.len()), "seed {seed}");
    }
    assert_eq!(salvage(5, false).sum, salvage(5, false).sum);
}

/// Every playbook where `SEAWORTHY_SEEDS` asks for many, each with every loss that it is practised for; a few of them otherwise.
#[test]
fn no_order_of_faults_loses_what_a_playbook_saves() {
    let wanted: Vec<u64> = match seeds() {
        few if few <= SEEDS => (0..losses()).step_by(4).collect(),
        many => (0..losses().max(many / 8)).collect(),
    };
    let one = |seed: u64| {
        let report = salvage(seed, false);
        assert!(report.checked["lock"] > 0 && report.checked["finished"] > 0, "{report:#?}");
        report
    };
    assert_all(&wanted, one);
}
