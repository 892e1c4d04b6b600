//! What of an object cannot be judged, because it does not fit its type: what is said of it would only follow.

use super::super::path::{Step, Way};
use super::super::typed::{Misfit, Problem};

/// The fields of an object that are not what they should be, or not there.
#[derive(Default)]
pub(super) struct Doubt(Vec<Way>);

impl Doubt {
    pub(super) fn of(misfits: &[Misfit]) -> Self {
        let ways = misfits.iter().flat_map(|misfit| {
            let above = || Way(misfit.way.0[..misfit.way.0.len().saturating_sub(1)].to_vec());
            match &misfit.problem {
                Problem::Missing(field) => vec![misfit.way.key(field)],
                // What was meant is not there.
                Problem::Unknown { closest: Some(meant), .. } => vec![misfit.way.clone(), above().key(meant)],
                Problem::Unknown { .. } | Problem::Wrong(_) => vec![misfit.way.clone()],
            }
        });
        Self(ways.collect())
    }

    /// Whether a fault of the field at the way can come of it.
    pub(super) fn explains(&self, way: &Way) -> bool {
        self.0.iter().any(|doubt| way.0.starts_with(&doubt.0) || doubt.0.starts_with(&way.0))
            || (has(way, "volumeMounts") && (self.is_about("volumes") || self.is_about("volumeClaimTemplates")))
            || (has(way, "port") && self.is_about("ports"))
            || (has(way, "selector") && self.hides_labels())
    }

    /// Whether the ports or labels of its pods cannot be told.
    pub(super) fn hides_pods(&self) -> bool {
        self.is_about("ports") || self.is_about("containers") || self.hides_labels()
    }

    fn hides_labels(&self) -> bool {
        ["labels", "metadata", "template"].iter().any(|name| self.0.iter().any(|way| ends(way, name)))
    }

    /// Whether a list or map of this name, or something in it, is in doubt.
    fn is_about(&self, name: &str) -> bool {
        let names_item = |way: &Way| has(way, name) && ["name", "ports"].iter().any(|last| ends(way, last));
        self.0.iter().any(|way| ends(way, name) || names_item(way) || ends_at_item(way, name))
    }
}

fn has(way: &Way, name: &str) -> bool {
    way.0.iter().any(|step| matches!(step, Step::Key(key) if key == name))
}

fn ends(way: &Way, name: &str) -> bool {
    matches!(way.0.last(), Some(Step::Key(key)) if key == name)
}

/// Whether it is a whole item of a list of this name.
fn ends_at_item(way: &Way, name: &str) -> bool {
    matches!(way.0.as_slice(), [.., Step::Key(key), Step::Index(_)] if key == name)
}
