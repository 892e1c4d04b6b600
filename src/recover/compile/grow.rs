//! Giving a volume more room, where its class allows that.

use serde_json::Value;

use super::{CompileError, Draft, LIMIT_PATCH};
use crate::object::{ObjectRef, text};
use crate::plan::verb::{Field, Pinned, Tend, Verb};
use crate::snapshot::Snapshot;
use crate::snapshot::provisioner::class_ref;
use crate::stack::quantity;

/// The setting that says how large it is to be.
const SIZE: &str = "size";
/// Where a claim says how large it is to be.
const ASKED: &str = "/spec/resources/requests/storage";
/// A driver that has to copy takes its time; one that only changes a number is done in seconds.
const LIMIT_GROW: u64 = 600;

/// Whether the volume of a claim can be made larger: its class says so (`allowVolumeExpansion`).
pub fn can_grow(snapshot: &Snapshot, claim: &ObjectRef) -> bool {
    snapshot.get(claim).is_some_and(|live| refusal(snapshot, live).is_none())
}

/// Why the volume of a claim cannot be made larger.
fn refusal(snapshot: &Snapshot, live: &Value) -> Option<String> {
    let bound = text(live, "/status/phase") == Some("Bound") && text(live, "/status/capacity/storage").is_some();
    let class = text(live, "/spec/storageClassName").filter(|name| !name.is_empty());
    match class.map(|name| (name, snapshot.get(&class_ref(name)))) {
        _ if !bound => Some("it is not bound to a volume".to_owned()),
        None => Some("it has no class, and only volumes of a class grow".to_owned()),
        Some((name, None)) => Some(format!("its class {name} is not there")),
        Some((name, Some(class))) if class["allowVolumeExpansion"] != true => {
            Some(format!("its class {name} does not allow it (allowVolumeExpansion)"))
        }
        Some(_) => None,
    }
}

impl Draft<'_> {
    /// The claim asks for more, and whoever made its volume does the rest. Nothing is stopped for it.
    pub(super) fn grow(&mut self, claim: &ObjectRef) -> Result<(), CompileError> {
        let snapshot = &self.wish.sighting.snapshot;
        let live = snapshot.get(claim).ok_or_else(|| CompileError::NoClaim(claim.clone()))?;
        if let Some(why) = refusal(snapshot, live) {
            return Err(CompileError::CannotGrow(claim.clone(), why));
        }
        let has = text(live, ASKED).unwrap_or("0").to_owned();
        let named = self.wish.settings.get(SIZE).filter(|size| !size.is_empty());
        let size = named.cloned().unwrap_or_else(|| twice(&has));
        let is_larger = quantity::parse(&size).zip(quantity::parse(&has)).is_some_and(|(wanted, has)| wanted > has);
        let (Some(object), true) = (Pinned::of(live), is_larger) else {
            return Err(CompileError::NotLarger { claim: Box::new(claim.clone()), has, size });
        };
        let does = format!("ask for {size} for {claim}, which has {has}");
        let fields: Vec<Field> = Field::of(live, ASKED, Some(size.clone().into())).into_iter().collect();
        let uid = object.uid.clone();
        self.push(Verb::Set { object, does, fields }, LIMIT_PATCH);
        self.push(Verb::Tend { object: claim.clone(), act: Tend::Grown { uid, size } }, LIMIT_GROW);
        Ok(())
    }
}

/// Twice as much, in the same unit: a number of people's stays one.
fn twice(size: &str) -> String {
    let end = size.find(|character: char| !character.is_ascii_digit()).unwrap_or(size.len());
    let (number, unit) = size.split_at(end);
    match number.parse::<u64>().ok().and_then(|number| number.checked_mul(2)) {
        Some(number) if !unit.starts_with('.') => format!("{number}{unit}"),
        // A fraction: as a whole number of bytes.
        _ => quantity::parse(size).map_or_else(String::new, |nano| (nano * 2 / 1_000_000_000).to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_keeps_the_unit() {
        for (size, doubled) in [("16Mi", "32Mi"), ("8Gi", "16Gi"), ("1000", "2000"), ("1.5Gi", "3221225472"), ("", "")]
        {
            assert_eq!(twice(size), doubled, "{size}");
        }
    }
}
