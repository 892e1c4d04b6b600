//! Holding those who would undo a stop, and letting them go again.

use super::{Draft, LIMIT_PATCH};
use crate::plan::verb::{Meanwhile, Pinned, Verb};
use crate::recover::join::Workload;
use crate::recover::keeper::{self, Hold};

impl Draft<'_> {
    /// Sets fields for a while, unless an earlier recovery has done so.
    pub(super) fn set_meanwhile(&mut self, object: &Pinned, fields: &Meanwhile, does: String) {
        if !fields.set.is_empty() {
            self.push(Verb::Set { object: object.clone(), does, fields: fields.set.clone() }, LIMIT_PATCH);
        }
    }

    /// Whoever keeps one of these workloads as it is lets it alone from here on. What cannot be told so is asked of the person.
    pub(super) fn hold_keepers(&mut self, workloads: &[Workload]) {
        let snapshot = &self.wish.sighting.snapshot;
        let live: Vec<_> = workloads.iter().filter_map(|workload| snapshot.get(&workload.pinned.object)).collect();
        for hold in live.iter().flat_map(|live| keeper::of(snapshot, live)) {
            if self.held.contains(&hold) {
                continue;
            }
            let does = format!("hold {}, which would undo it", hold.keeper.object);
            self.set_meanwhile(&hold.keeper, &hold.fields, does);
            self.held.push(hold);
        }
        for keeper in live.iter().flat_map(|live| keeper::unseen(snapshot, live)) {
            let question = format!("{keeper} may not be read here, and would undo what is done. Is it suspended?");
            self.push(Verb::Ask { question, word: None }, 0);
        }
        for (live, owner) in live.iter().filter_map(|live| Some((live, keeper::operated(live)?))) {
            let name = live["metadata"]["name"].as_str().unwrap_or_default();
            let kind = live["kind"].as_str().unwrap_or_default();
            let question = format!(
                "{kind}/{name} is made by the operator of {owner}, which would start it again. Have you paused {owner}, or stopped its operator?"
            );
            self.push(Verb::Ask { question, word: None }, 0);
        }
    }

    /// Everybody who was held goes on as before, the last first.
    pub(super) fn release_keepers(&mut self) {
        for Hold { keeper, fields } in std::mem::take(&mut self.held).into_iter().rev() {
            let does = format!("let {} go on", keeper.object);
            self.push(Verb::Set { object: keeper, does, fields: fields.back }, LIMIT_PATCH);
        }
    }
}
