//! How long a plan may take, by the runs of the same steps that this machine remembers. Pure.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{RunRecord, RunState};
use crate::plan::{Change, Plan};

/// How long earlier runs took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// How many there are.
    pub runs: usize,
    /// The quickest.
    pub least: SignedDuration,
    /// The slowest.
    pub most: SignedDuration,
}

/// By the finished runs on the same cluster that had the same to do; nothing, where there was none. One that was taken up again does not count:
/// the time between is nobody's.
pub fn estimate(runs: &[RunRecord], plan: &Plan) -> Option<Estimate> {
    let wanted = due(plan);
    let same = |run: &&RunRecord| {
        let whole = run.state == RunState::Done && run.resumed == 0;
        whole
            && run.plan.cluster.uid == plan.cluster.uid
            && run.plan.purpose == plan.purpose
            && due(&run.plan) == wanted
    };
    let took: Vec<SignedDuration> = runs.iter().filter(same).filter_map(took).collect();
    let (least, most) = (took.iter().min()?, took.iter().max()?);
    Some(Estimate { runs: took.len(), least: *least, most: *most })
}

/// From its beginning to its last entry. A journal that tells nothing of times is of an older program.
fn took(run: &RunRecord) -> Option<SignedDuration> {
    let (since, until) = (run.times.since, run.times.until);
    (since > Timestamp::UNIX_EPOCH).then(|| until.duration_since(since))
}

/// The steps that have something to do.
fn due(plan: &Plan) -> BTreeSet<&str> {
    let idle = |change: &Change| matches!(change, Change::Unchanged | Change::Observe | Change::Keep { .. });
    plan.steps.iter().filter(|step| !idle(&step.change)).map(|step| step.id.as_str()).collect()
}
