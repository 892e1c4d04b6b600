//! The snapshot of a database as it is streamed: lines of JSON with a piece each; the last 32 bytes are the SHA-256 of all before them.
//! Source: `server/etcdserver/api/v3rpc/maintenance.go` of etcd 3.4 to 3.6.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::object::text;

/// Bytes of the checksum at the end.
pub const SUM: usize = 32;

/// A piece of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Bytes that come after it, without the checksum.
    pub remaining: u64,
}

/// Reads a line of the stream; what it says instead, where it is no piece.
///
/// # Errors
/// With etcd's own words, or with what is wrong with the line.
pub fn piece(line: &[u8]) -> Result<Piece, String> {
    let value: Value = serde_json::from_slice(line).map_err(|error| format!("a line that is no JSON: {error}"))?;
    if let Some(said) = text(&value, "/error/message") {
        return Err(said.to_owned());
    }
    let Some(result) = value.get("result") else { return Err("a line without a result".to_owned()) };
    let blob = text(result, "/blob").unwrap_or_default();
    let bytes = STANDARD.decode(blob).map_err(|error| format!("a piece that cannot be decoded: {error}"))?;
    let remaining = match &result["remaining_bytes"] {
        Value::String(text) => text.parse().map_err(|_| format!("no number of bytes: {text}"))?,
        other => other.as_u64().unwrap_or(0),
    };
    Ok(Piece { bytes, remaining })
}

/// Sums up a snapshot while it passes. The last 32 bytes are held back from the sum, because they are it.
#[derive(Debug, Default)]
pub struct Tail {
    sum: Sha256,
    held: Vec<u8>,
    bytes: u64,
    remaining: Option<u64>,
}

impl Tail {
    /// Takes a piece.
    pub fn take(&mut self, piece: &Piece) {
        self.bytes += piece.bytes.len() as u64;
        self.remaining = Some(piece.remaining);
        self.held.extend_from_slice(&piece.bytes);
        let sure = self.held.len().saturating_sub(SUM);
        self.sum.update(&self.held[..sure]);
        self.held.drain(..sure);
    }

    /// How many bytes have passed, with the checksum.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many bytes there were, when all of it has passed and the checksum is that of what was before it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn end(self) -> Result<u64, String> {
        match self.remaining {
            None => return Err("nothing was sent".to_owned()),
            Some(0) => {}
            Some(remaining) => return Err(format!("it broke off with {remaining} bytes to come")),
        }
        if self.bytes <= SUM as u64 {
            return Err(format!("it has only {} bytes", self.bytes));
        }
        if self.sum.finalize()[..] == self.held[..] {
            Ok(self.bytes)
        } else {
            Err("its checksum is not that of its bytes".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(data: &[u8], size: usize) -> Vec<Piece> {
        let sum = Sha256::digest(data).to_vec();
        let mut remaining = data.len() as u64;
        let mut pieces: Vec<Piece> = data
            .chunks(size)
            .map(|chunk| {
                remaining -= chunk.len() as u64;
                Piece { bytes: chunk.to_vec(), remaining }
            })
            .collect();
        pieces.push(Piece { bytes: sum, remaining: 0 });
        pieces
    }

    fn end(pieces: &[Piece]) -> Result<u64, String> {
        let mut tail = Tail::default();
        for piece in pieces {
            tail.take(piece);
        }
        tail.end()
    }

    #[test]
    fn a_whole_snapshot_is_known_by_its_last_bytes_however_it_is_cut() {
        let data = vec![7; 1000];
        for size in [1, 31, 32, 33, 999, 1000] {
            assert_eq!(end(&pieces(&data, size)), Ok(1032), "{size}");
        }
    }

    #[test]
    fn a_snapshot_that_broke_off_or_was_changed_is_refused() {
        let whole = pieces(&[7; 1000], 100);
        assert!(end(&whole[..5]).unwrap_err().contains("500 bytes to come"));
        assert!(end(&whole[..10]).unwrap_err().contains("checksum"), "the sum itself is missing");
        assert!(end(&[]).unwrap_err().contains("nothing"));
        let mut changed = whole;
        changed[3].bytes[4] ^= 1;
        assert!(end(&changed).unwrap_err().contains("checksum"));
    }

    #[test]
    fn a_line_is_a_piece_or_the_words_of_etcd() {
        let line = br#"{"result":{"remaining_bytes":"12","blob":"AAA="}}"#;
        assert_eq!(piece(line).unwrap(), Piece { bytes: vec![0, 0], remaining: 12 });
        assert_eq!(piece(br#"{"result":{"blob":"AAA="}}"#).unwrap().remaining, 0);
        let refused = br#"{"error":{"code":14,"message":"etcdserver: server stopped"}}"#;
        assert_eq!(piece(refused).unwrap_err(), "etcdserver: server stopped");
        for bad in [&b"{}"[..], b"<html>", br#"{"result":{"blob":"?"}}"#] {
            assert!(piece(bad).is_err());
        }
    }
}
