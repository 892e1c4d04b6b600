//! Quotas that are nearly used up.

use serde_json::Value;

use super::{each, flag, looks};
use crate::doctor::check::{Check, Severity, Verdict};
use crate::doctor::evidence::Evidence;
use crate::doctor::finding::Finding;
use crate::stack::quantity;

/// The rows.
pub(super) const ROWS: &[Check] = &[looks(
    ("Q002", Severity::Warning, "a quota is nearly used up"),
    [
        "More than nine tenths of what the namespace may have are in use. A rollout needs room for one pod more than usual, and is \
        refused when there is none.",
        "Raise the quota, or take away what is not needed.",
        "a quota of 0, which forbids on purpose.",
    ],
    &["ResourceQuota"],
    nearly,
)];

/// The tenths from which on it is worth a warning.
const NEARLY: i128 = 9;

fn nearly(evidence: &Evidence) -> Verdict {
    each(evidence, ("", "ResourceQuota"), |quota, reference| {
        let hard = quota.pointer("/status/hard").and_then(Value::as_object)?;
        let mut full: Vec<String> = hard
            .iter()
            .filter_map(|(name, limit)| {
                let (used, limit) = (quota["status"]["used"][name].as_str()?, limit.as_str()?);
                let (share, whole) = (quantity::parse(used)?, quantity::parse(limit)?);
                (whole > 0 && share.saturating_mul(10) > whole.saturating_mul(NEARLY))
                    .then(|| format!("{name} {used} of {limit}"))
            })
            .collect();
        full.sort();
        (!full.is_empty()).then(|| {
            let message = format!("the quota `{}` is nearly used up: {}", reference.name, full.join(", "));
            let fix = format!("Raise it: `kubectl edit resourcequota {}{}`.", reference.name, flag(&reference));
            Finding::new(reference, "NearlyUsedUp", message).fix(fix)
        })
    })
}
