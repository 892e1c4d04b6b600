//! A few seeds of `endurance`.

use crate::endurance::sail;

/// Few here, where nothing is optimised; `SEAWORTHY_SEEDS` says otherwise.
const SEEDS: u64 = 12;

fn seeds() -> u64 {
    std::env::var("SEAWORTHY_SEEDS").map_or(SEEDS, |text| text.parse().expect("SEAWORTHY_SEEDS is a number"))
}

#[test]
fn no_order_of_faults_breaks_what_must_hold() {
    let (seeds, threads) = (seeds(), std::thread::available_parallelism().map_or(1, usize::from));
    let one = |seed: u64| {
        let report = sail(seed, false);
        assert!(report.violations.is_empty(), "{report:#?}");
        assert_eq!((report.seed, report.orders[0].as_str()), (seed, "Install(0)"));
        assert!(report.tries > 0 && report.checked["lock"] > 0, "{report:#?}");
        report.faults.values().sum::<usize>()
    };
    let faults: usize = std::thread::scope(|scope| {
        let share = |first: u64| scope.spawn(move || (first..seeds).step_by(threads).map(one).sum::<usize>());
        let shares: Vec<_> = (0..threads as u64).map(share).collect();
        shares.into_iter().map(|share| share.join().expect("a seed has failed; see above")).sum()
    });
    println!("{seeds} seeds, {faults} faults");
    assert!(faults as u64 > seeds, "only {faults} faults: the weather was too fine to prove anything");
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
}
