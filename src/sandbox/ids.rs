//! Names that must not repeat: uids, the ends of generated names, hashes of templates, addresses.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The letters that Kubernetes makes names of: no vowels, so that no words come about.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// A source of names; two with different seeds share none.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Ids {
    seed: String,
    count: u64,
}

impl Ids {
    pub(super) fn new(seed: String) -> Self {
        Self { seed, count: 0 }
    }

    fn next(&mut self) -> [u8; 32] {
        self.count += 1;
        Sha256::digest(format!("{}/{}", self.seed, self.count)).into()
    }

    /// A uid in the form of a random UUID.
    pub(super) fn uid(&mut self) -> String {
        let mut bytes = self.next();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex = |range: std::ops::Range<usize>| hexadecimal(&bytes[range]);
        format!("{}-{}-{}-{}-{}", hex(0..4), hex(4..6), hex(6..8), hex(8..10), hex(10..16))
    }

    /// The five letters that end a generated name.
    pub(super) fn suffix(&mut self) -> String {
        letters(&self.next(), 5)
    }

    /// A number that was not given before.
    pub(super) fn number(&mut self) -> u64 {
        self.count += 1;
        self.count
    }
}

/// A hash of a text, in the letters of names.
pub(super) fn hash(text: &str, length: usize) -> String {
    letters(&Sha256::digest(text).into(), length)
}

/// A whole hash, as images and containers are known by.
pub(super) fn digest(text: &str) -> String {
    hexadecimal(&Sha256::digest(text))
}

/// Sixteen hexadecimal digits of a text: the end of an event's name.
pub(super) fn short(text: &str) -> String {
    hexadecimal(&Sha256::digest(text)[..8])
}

fn letters(bytes: &[u8; 32], length: usize) -> String {
    bytes.iter().take(length).map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
}

/// Bytes in hexadecimal digits.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0f)]).collect()
}
