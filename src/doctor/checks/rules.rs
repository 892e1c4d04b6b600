//! Checks whose looking is done by the rules about stalls: here is what they mean.

pub(super) mod admission;
pub(super) mod containers;
pub(super) mod images;
pub(super) mod network;
pub(super) mod pods;
pub(super) mod scheduling;
pub(super) mod volumes;
pub(super) mod workloads;

use super::Texts;
use crate::doctor::check::{Check, Judge, Severity};

/// What every rule about pods leaves alone.
const PASSED: &str = "events and restarts of a pod that is ready now: what is over is over.";

/// A check whose looking is done by the rules that carry its id.
pub(super) const fn row(
    id: &'static str,
    severity: Severity,
    title: &'static str,
    texts: Texts,
    reads: &'static [&'static str],
) -> Check {
    let [explain, fix, unless] = texts;
    Check { id, severity, title, explain, fix, unless, reads, judge: Judge::Rules }
}

const fn error(id: &'static str, title: &'static str, texts: Texts, reads: &'static [&'static str]) -> Check {
    row(id, Severity::Error, title, texts, reads)
}

const fn warning(id: &'static str, title: &'static str, texts: Texts, reads: &'static [&'static str]) -> Check {
    row(id, Severity::Warning, title, texts, reads)
}
