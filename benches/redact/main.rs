//! How many secrets are hidden, how many ordinary words stay, and how fast: `cargo bench --bench redact`. The secrets come from
//! formats as those who issue them publish them, and from chance; the rules know nothing of them. `SEAWORTHY_LOGS` names a folder with
//! real logs, such as `logs/` of a cluster of `tests/cluster`, for the ordinary words.
#![allow(clippy::unwrap_used, reason = "a panic is the report")]
#![allow(clippy::print_stdout, reason = "a bench speaks")]
#![expect(clippy::cast_precision_loss, reason = "shares and rates are shown with three digits")]

mod logs;
mod secrets;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use seaworthy::doctor::bundle::redact::{Known, Redactor, Sealer, Values};
use secrets::{Chance, Sample};

/// Samples of each kind of secret.
const EACH: usize = 200;
/// Lines of each kind of program.
const LINES: usize = 4000;
/// Bytes for the measurement of speed.
const BYTES: usize = 100_000_000;
/// Values of Secrets that are looked for at the same time.
const KNOWN: usize = 200;
/// One line with a secret follows so many others.
const RARE: usize = 500;

fn main() {
    let mut chance = Chance::new(7);
    let redactor = Redactor::new(Sealer::with_key([7; 32]), Known::default());
    let samples = secrets::samples(&mut chance, EACH);
    recall(&redactor, &samples);
    let made = logs::made(&mut chance, LINES);
    let real = logs::real();
    let words: Vec<(usize, usize)> =
        made.iter().chain(&real).map(|(name, text)| readable(&redactor, name, text)).collect();
    let (kept, all) = words.into_iter().fold((0, 0), |(kept, all), (k, a)| (kept + k, all + a));
    println!("readable: {:.3} % of {all} ordinary words", percent(kept, all));
    speed(&mut chance, &samples, made.iter().chain(&real).map(|(_, text)| text.as_str()));
}

/// Secrets of which nothing is left to read.
fn recall(redactor: &Redactor, samples: &[Sample]) {
    let mut kinds: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut missed: BTreeMap<&str, &Sample> = BTreeMap::new();
    for sample in samples {
        let left = redactor.text(&sample.text).text;
        let is_hidden = sample.secrets.iter().all(|secret| !left.contains(secret.as_str()));
        let (hidden, all) = kinds.entry(sample.kind).or_default();
        *all += 1;
        *hidden += usize::from(is_hidden);
        if !is_hidden {
            missed.entry(sample.kind).or_insert(sample);
        }
    }
    let (hidden, all) = kinds.values().fold((0, 0), |(hidden, all), (h, a)| (hidden + h, all + a));
    println!("hidden: {hidden} of {all} secrets of {} kinds, {:.2} %", kinds.len(), percent(hidden, all));
    for (kind, (hidden, all)) in kinds.iter().filter(|(_, (hidden, all))| hidden < all) {
        println!("  {kind}: {hidden} of {all}; such as {:?}", missed[kind].text);
    }
}

/// How long this thread has been on a core: others may have it meanwhile.
fn on_core() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

/// Words of ordinary logs that stay as they are, and all of them.
fn readable(redactor: &Redactor, name: &str, text: &str) -> (usize, usize) {
    let ranges = redactor.ranges(text);
    let all = text.split_whitespace().count();
    let gone: usize = ranges.iter().map(|(range, _)| text[range.clone()].split_whitespace().count()).sum();
    println!("  {:.3} % of {all} words of {name}", percent(all - gone, all));
    for (range, rule) in ranges.iter().take(3) {
        println!("    {rule}: {:?}", text[range.clone()].chars().take(100).collect::<String>());
    }
    (all - gone, all)
}

fn speed<'a>(chance: &mut Chance, samples: &[Sample], logs: impl Iterator<Item = &'a str>) {
    let mut values = Values::default();
    (0..KNOWN).for_each(|_| values.take("password", &chance.password(16)));
    let redactor = Redactor::new(Sealer::with_key([7; 32]), Known::of(values));
    let lines: Vec<&str> = logs.flat_map(str::lines).collect();
    let mut text = String::with_capacity(BYTES + 4096);
    let mut number = 0;
    while text.len() < BYTES {
        text.push_str(lines[number % lines.len()]);
        text.push('\n');
        number += 1;
        if number.is_multiple_of(RARE) {
            text.push_str(&samples[number % samples.len()].text);
            text.push('\n');
        }
    }
    let (began, worked) = (Instant::now(), on_core());
    let left = redactor.text(&text);
    let (took, worked) = (began.elapsed(), on_core().saturating_sub(worked));
    let rate = text.len() as f64 / 1e6 / worked.as_secs_f64();
    println!(
        "{:.0} MB in {:.2} s on one core ({:.2} s by the clock): {rate:.0} MB/s, {} hidden, {KNOWN} values looked for",
        text.len() as f64 / 1e6,
        worked.as_secs_f64(),
        took.as_secs_f64(),
        left.hidden.len()
    );
}

fn percent(part: usize, all: usize) -> f64 {
    part as f64 * 100.0 / all.max(1) as f64
}
