//! Which of several causes is the one to show.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::doctor::{Cause, Outlook};

/// Of several causes at one object: the weightiest; of those the first.
pub(super) fn at_one(causes: impl Iterator<Item = Cause>) -> Option<Cause> {
    let mut best: Option<Cause> = None;
    for cause in causes {
        if best.as_ref().is_none_or(|best| cause.outlook > best.outlook) {
            let heaviest = cause.outlook == Outlook::Final;
            best = Some(cause);
            if heaviest {
                break;
            }
        }
    }
    best
}

/// Of the causes of several siblings: the weightiest, then the most frequent, then the first by name.
pub(super) fn among(causes: Vec<Cause>) -> Option<Cause> {
    let outlook = causes.iter().map(|cause| cause.outlook).max()?;
    let mut groups: BTreeMap<(String, String), Vec<Cause>> = BTreeMap::new();
    for cause in causes.into_iter().filter(|cause| cause.outlook == outlook) {
        groups.entry((cause.id.clone(), cause.reason.clone())).or_default().push(cause);
    }
    let first = |group: &[Cause]| group.iter().map(|cause| cause.object.clone()).min();
    let group = groups.into_values().min_by_key(|group| (Reverse(group.len()), first(group)))?;
    group.into_iter().min_by(|a, b| a.object.cmp(&b.object).then_with(|| a.message.cmp(&b.message)))
}
