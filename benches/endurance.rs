//! Many seeds of the endurance of `tests/endurance`: `cargo bench --bench endurance -- [SEEDS [FIRST [THREADS]]]`. Every fiftieth is
//! sailed twice and has to be the same story. Ends in failure when something that must hold was broken; `-- seed NUMBER` tells one
//! story line by line. `-- losses [SEEDS ...]` and `-- loss NUMBER` are the same for the losses that
//! playbooks are practised for, of which each comes once before the first comes again.
#![allow(clippy::unwrap_used, reason = "a panic is the report")]
#![allow(clippy::print_stdout, reason = "a bench speaks")]

#[path = "../tests/endurance/mod.rs"]
mod endurance;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use endurance::{Report, losses, sail, salvage};

/// Tells a seed; `true`: with every line.
type Tell = fn(u64, bool) -> Report;

/// What came of all seeds so far.
#[derive(Default)]
struct Sum {
    seeds: u64,
    tries: u64,
    orders: u64,
    twice: u64,
    faults: BTreeMap<&'static str, usize>,
    checked: BTreeMap<&'static str, usize>,
    broken: Vec<(u64, Vec<String>, Vec<String>)>,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let number = |index: usize, usual: u64| words.get(index).and_then(|word| word.parse().ok()).unwrap_or(usual);
    let threads = |index| number(index, std::thread::available_parallelism().map_or(1, |count| count.get() as u64));
    match words.first().map(String::as_str) {
        Some("seed") => tell(sail, number(1, 0)),
        Some("loss") => tell(salvage, number(1, 0)),
        Some("losses") => many(salvage, (number(1, losses()), number(2, 0)), threads(3)),
        _ => many(sail, (number(0, 500), number(1, 0)), threads(2)),
    }
}

fn tell(story: Tell, seed: u64) -> ExitCode {
    let report = story(seed, true);
    report.lines.iter().for_each(|line| println!("{line}"));
    println!("{:?}: {} tries, {:?}", report.orders, report.tries, report.faults);
    report.violations.iter().for_each(|text| println!("BROKEN: {text}"));
    ExitCode::from(u8::from(!report.violations.is_empty()))
}

fn many(story: Tell, (seeds, first): (u64, u64), threads: u64) -> ExitCode {
    let (next, sum, began) = (AtomicU64::new(first), Mutex::new(Sum::default()), Instant::now());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + seeds {
                        break;
                    }
                    one(story, seed, &sum);
                }
            });
        }
    });
    let sum = sum.into_inner().unwrap();
    println!(
        "{} seeds in {:.1} s: {} orders, {} tries, {} sailed twice",
        sum.seeds,
        began.elapsed().as_secs_f64(),
        sum.orders,
        sum.tries,
        sum.twice
    );
    println!("faults: {:?}", sum.faults);
    println!("checked: {:?}", sum.checked);
    println!("broken: {}", sum.broken.len());
    for (seed, orders, texts) in &sum.broken {
        println!("seed {seed} {orders:?}: {texts:#?}");
    }
    ExitCode::from(u8::from(!sum.broken.is_empty()))
}

fn one(story: Tell, seed: u64, sum: &Mutex<Sum>) {
    let mut report = story(seed, false);
    let twice = seed.is_multiple_of(50);
    if twice && story(seed, false).sum != report.sum {
        report.violations.push("sailed twice, it is another story".to_owned());
    }
    let mut sum = sum.lock().unwrap();
    sum.seeds += 1;
    sum.twice += u64::from(twice);
    sum.tries += u64::from(report.tries);
    sum.orders += report.orders.len() as u64;
    for (name, count) in report.faults {
        *sum.faults.entry(name).or_default() += count;
    }
    for (name, count) in report.checked {
        *sum.checked.entry(name).or_default() += count;
    }
    if !report.violations.is_empty() {
        sum.broken.push((report.seed, report.orders, report.violations));
    }
}
