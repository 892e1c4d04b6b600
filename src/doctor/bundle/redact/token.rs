//! What stands in the place of a secret: the same for the same secret, and no proof of any guess.

use std::fmt::Write as _;
use std::ops::Range;

use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};
use sha2::{Digest as _, Sha256};

/// How every token begins.
pub(super) const BEGIN: &str = "<hidden:";
/// Bytes of a token that are shown: with fewer, two of a thousand secrets would too often look like one.
const SHOWN: usize = 4;
/// Bytes of a whole token.
const LENGTH: usize = BEGIN.len() + 2 * SHOWN + 1;

/// The random key of one bundle. It is in no file: without it nobody can try guesses against a token.
pub struct Sealer([u8; 32]);

impl Sealer {
    /// With a key from the kernel's own random numbers.
    ///
    /// # Errors
    /// When the kernel has none to give.
    pub fn random() -> Result<Self, Errno> {
        let mut key = [0; 32];
        let mut filled = 0;
        while filled < key.len() {
            filled += getrandom(&mut key[filled..], GetRandomFlags::empty())?;
        }
        Ok(Self(key))
    }

    /// With a key of one's own, for tests and measurements.
    pub fn with_key(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The token of a secret.
    pub fn token(&self, secret: &str) -> String {
        let sum = Sha256::new().chain_update(self.0).chain_update(secret.as_bytes()).finalize();
        let mut token = String::with_capacity(LENGTH);
        token.push_str(BEGIN);
        for byte in &sum[..SHOWN] {
            // Writing to a String cannot fail.
            let _ = write!(token, "{byte:02x}");
        }
        token.push('>');
        token
    }
}

/// Whether a token, or a part of one, is in a range of a text.
pub(super) fn is_in(text: &str, range: &Range<usize>) -> bool {
    let bytes = text.as_bytes();
    let from = range.start.saturating_sub(LENGTH - 1);
    let is_digit = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    (from..range.end).filter_map(|at| bytes.get(at..at + LENGTH)).any(|word| {
        word.strip_prefix(BEGIN.as_bytes())
            .and_then(|rest| rest.strip_suffix(b">"))
            .is_some_and(|sum| sum.iter().all(is_digit))
    })
}
