//! Which kinds somebody has read, and when each of them was written last: a controller whose reads have not changed, and for
//! which nothing is due, would do what it did before, which was nothing.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::OnceLock;

use crate::kinds;

/// A set of kinds: a bit for each of the built-in ones, and one for all others together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Kinds(u128);

/// The bit of all kinds that are not built in.
const CUSTOM: usize = 127;

impl Kinds {
    pub(super) const ALL: Self = Self(u128::MAX);

    /// The kind that is served there.
    pub(super) fn of(api_version: &str, plural: &str) -> Self {
        static PLACES: OnceLock<HashMap<&'static str, Vec<(String, usize)>>> = OnceLock::new();
        let places = PLACES.get_or_init(|| {
            let mut places: HashMap<&'static str, Vec<(String, usize)>> = HashMap::new();
            for (number, kind) in kinds::BUILTIN.iter().enumerate() {
                places.entry(kind.plural).or_default().push((kind.api_version(), number.min(CUSTOM - 1)));
            }
            places
        });
        let known = places.get(plural).and_then(|known| known.iter().find(|(version, _)| version == api_version));
        Self(1 << known.map_or(CUSTOM, |(_, number)| *number))
    }

    fn bits(self) -> impl Iterator<Item = usize> {
        (0..128).filter(move |bit| self.0 >> bit & 1 == 1)
    }
}

/// What was read since the last reset, and the version at which each kind was written last.
#[derive(Debug)]
pub(super) struct Tides {
    read: Cell<u128>,
    written: Box<[u64; 128]>,
}

impl Default for Tides {
    fn default() -> Self {
        Self { read: Cell::new(0), written: Box::new([0; 128]) }
    }
}

impl Tides {
    pub(super) fn read(&self, kinds: Kinds) {
        self.read.set(self.read.get() | kinds.0);
    }

    /// What was read, which is forgotten with that.
    pub(super) fn take_read(&self) -> Kinds {
        Kinds(self.read.take())
    }

    pub(super) fn written(&mut self, kinds: Kinds, version: u64) {
        for bit in kinds.bits() {
            self.written[bit] = version;
        }
    }

    /// Whether any of these was written after a version.
    pub(super) fn changed_since(&self, kinds: Kinds, version: u64) -> bool {
        kinds.bits().any(|bit| self.written[bit] > version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_bit_of_its_own() {
        let mut seen = 0_u128;
        for kind in kinds::BUILTIN {
            let Kinds(bit) = Kinds::of(&kind.api_version(), kind.plural);
            assert!(bit.is_power_of_two() && seen & bit == 0, "{}", kind.kind);
            seen |= bit;
        }
        assert_eq!(Kinds::of("apps.kruise.io/v1alpha1", "clonesets"), Kinds(1 << CUSTOM));
    }

    #[test]
    fn what_was_not_read_does_not_matter() {
        let (pods, maps) = (Kinds::of("v1", "pods"), Kinds::of("v1", "configmaps"));
        let mut tides = Tides::default();
        tides.read(pods);
        let read = tides.take_read();
        tides.written(maps, 7);
        assert!(!tides.changed_since(read, 6));
        tides.written(pods, 8);
        assert!(tides.changed_since(read, 7) && !tides.changed_since(read, 8));
    }
}
