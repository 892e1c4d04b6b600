//! How long plans may take, by what this machine remembers.

use jiff::SignedDuration;
use seaworthy::engine::journal::{Estimate, estimate};
use seaworthy::plan::Plan;

use super::Session;
use crate::front::paint::{count, time};

/// How long plans may take that are run one after the other, by what this machine remembers of the same steps.
pub(crate) fn time_of<'a>(session: &Session, plans: impl Iterator<Item = &'a Plan>) -> String {
    let runs = match session.runs().and_then(|runs| Ok(runs.list()?)) {
        Ok((runs, _)) => runs,
        Err(failure) => return format!("time unknown: {}", failure.message),
    };
    let estimates: Option<Vec<Estimate>> =
        plans.filter(|plan| plan.writes()).map(|plan| estimate(&runs, plan)).collect();
    let Some(estimates) = estimates else {
        return "time unknown: no earlier run like this one on this machine".to_owned();
    };
    let sum = |one: fn(&Estimate) -> SignedDuration| {
        let millis: i128 = estimates.iter().map(|estimate| one(estimate).as_millis()).sum();
        time(u64::try_from(millis).unwrap_or_default() / 100 * 100)
    };
    let (least, most) = (sum(|estimate| estimate.least), sum(|estimate| estimate.most));
    let runs = estimates.iter().map(|estimate| estimate.runs).min().unwrap_or_default();
    let span = if least == most { least } else { format!("{least} to {most}") };
    match estimates.as_slice() {
        [] => "there is nothing to do".to_owned(),
        _ => format!("took {span} in {} like this one", count(runs, "earlier run")),
    }
}
