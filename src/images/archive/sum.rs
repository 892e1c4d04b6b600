//! Checksums of what is read and written.

use std::io::{self, Read, Write};

use sha2::{Digest as _, Sha256};

use super::layout::Blob;

/// SHA-256 in hexadecimal, as `sha256sum` writes it.
pub(crate) use crate::engine::rescue::shelf::checksum;

/// Reads on, and adds up what goes through.
pub(crate) struct Summing<R> {
    from: R,
    hash: Sha256,
    length: u64,
    first: [u8; 4],
}

impl<R> Summing<R> {
    pub(crate) fn new(from: R) -> Self {
        Self { from, hash: Sha256::new(), length: 0, first: [0; 4] }
    }

    /// What has gone through.
    pub(crate) fn blob(self) -> Blob {
        Blob { sum: hex(&self.hash.finalize()), size: self.length, first: self.first }
    }
}

impl<R: Read> Read for Summing<R> {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(piece)?;
        if let Some(place) = usize::try_from(self.length).ok().filter(|place| *place < self.first.len()) {
            let more = read.min(self.first.len() - place);
            self.first[place..place + more].copy_from_slice(&piece[..more]);
        }
        self.hash.update(&piece[..read]);
        self.length += read as u64;
        Ok(read)
    }
}

/// Copies everything, and says what it was.
pub(crate) fn copy(from: impl Read, to: &mut impl Write) -> io::Result<Blob> {
    let mut summing = Summing::new(from);
    io::copy(&mut summing, to)?;
    Ok(summing.blob())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// How a layer is compressed, by its first bytes; `None`: it is a plain tar. Source: RFC 1952 (gzip), RFC 8878 (zstd).
pub(crate) fn compression(first: [u8; 4]) -> Option<&'static str> {
    match first {
        [0x1f, 0x8b, ..] => Some("gzip"),
        [0x28, 0xb5, 0x2f, 0xfd] => Some("zstd"),
        _ => None,
    }
}

/// Whether a text is a SHA-256 in hexadecimal.
pub(crate) fn is_sum(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_the_checksum_of_what_was_copied() {
        let text = vec![7; 300_000];
        let mut copied = Vec::new();
        let blob = copy(text.as_slice(), &mut copied).unwrap();
        assert_eq!((copied, blob), (text.clone(), Blob { sum: checksum(&text), size: 300_000, first: [7; 4] }));
        let empty = copy([].as_slice(), &mut Vec::new()).unwrap().sum;
        assert_eq!(empty, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
