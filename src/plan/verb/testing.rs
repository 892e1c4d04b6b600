//! Pictures, and the word for how a verb stands in one.

use serde_json::Value;

use super::Standing;
use crate::snapshot::Snapshot;

pub(super) fn picture(objects: &[Value]) -> Snapshot {
    objects.iter().cloned().collect()
}

pub(super) fn word(standing: &Standing) -> &'static str {
    match standing {
        Standing::Proven { .. } => "proven",
        Standing::Early { .. } => "early",
        Standing::Open { .. } => "open",
        Standing::Shut { .. } => "shut",
    }
}
