//! Between what waits (the engine's streams) and what blocks (readers and writers of tar).

use std::io::{self, Read, Write};

use bytes::Bytes;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// How many pieces may be on their way.
const PIECES: usize = 8;
/// The size of the pieces that are written, in bytes.
const PIECE: usize = 256 * 1024;

/// What the blocking side reads.
pub(super) struct PipeReader {
    pieces: Receiver<Result<Bytes, String>>,
    rest: Bytes,
}

/// A pipe whose end blocks. It is at its end when the sender is dropped.
pub(super) fn to_reader() -> (Sender<Result<Bytes, String>>, PipeReader) {
    let (sender, pieces) = channel(PIECES);
    (sender, PipeReader { pieces, rest: Bytes::new() })
}

impl Read for PipeReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.pieces.blocking_recv() {
                None => return Ok(0),
                Some(Ok(piece)) => self.rest = piece,
                Some(Err(why)) => return Err(io::Error::other(why)),
            }
        }
        let length = self.rest.len().min(into.len());
        into[..length].copy_from_slice(&self.rest.split_to(length));
        Ok(length)
    }
}

/// What the blocking side writes to; whoever reads has gone when it fails.
pub(super) struct PipeWriter {
    pieces: Sender<Bytes>,
    kept: Vec<u8>,
}

/// A pipe whose beginning blocks.
pub(super) fn from_writer() -> (PipeWriter, Receiver<Bytes>) {
    let (pieces, receiver) = channel(PIECES);
    (PipeWriter { pieces, kept: Vec::with_capacity(PIECE) }, receiver)
}

impl Write for PipeWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.kept.extend_from_slice(bytes);
        if self.kept.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.kept.is_empty() {
            return Ok(());
        }
        let piece = Bytes::from(std::mem::replace(&mut self.kept, Vec::with_capacity(PIECE)));
        self.pieces.blocking_send(piece).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}
