//! A few seeds of `endurance`.

use crate::endurance::sail;

/// Few here, where nothing is optimised; CI sails five hundred.
const SEEDS: u64 = 12;

#[test]
fn no_order_of_faults_breaks_what_must_hold() {
    let mut faults = 0;
    for seed in 0..SEEDS {
        let report = sail(seed, false);
        assert!(report.violations.is_empty(), "{report:#?}");
        assert_eq!((report.seed, report.orders[0].as_str()), (seed, "Install(0)"));
        assert!(report.tries > 0 && report.checked["lock"] > 0, "{report:#?}");
        faults += report.faults.values().sum::<usize>();
    }
    assert!(faults > 10, "only {faults} faults: the weather was too fine to prove anything");
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
