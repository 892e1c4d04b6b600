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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_goes_in_comes_out_and_a_fault_is_told() {
        let (sender, mut reader) = to_reader();
        let reading = tokio::task::spawn_blocking(move || {
            let mut text = Vec::new();
            (reader.read_to_end(&mut text).map_err(|error| error.to_string()), text)
        });
        for piece in ["one ", "", "two"] {
            sender.send(Ok(Bytes::from(piece))).await.unwrap();
        }
        sender.send(Err("cut".to_owned())).await.unwrap();
        assert_eq!(reading.await.unwrap(), (Err("cut".to_owned()), b"one two".to_vec()));
    }

    #[tokio::test]
    async fn who_writes_learns_that_nobody_reads_any_more() {
        let (mut writer, mut receiver) = from_writer();
        let writing = tokio::task::spawn_blocking(move || {
            writer.write_all(&vec![1; PIECE + 1]).unwrap();
            writer.flush().unwrap();
            writer
        });
        let mut length = 0;
        while length < PIECE + 1 {
            length += receiver.recv().await.unwrap().len();
        }
        drop(receiver);
        let mut writer = writing.await.unwrap();
        let gone = tokio::task::spawn_blocking(move || writer.write_all(&vec![1; PIECE]).unwrap_err().kind());
        assert_eq!(gone.await.unwrap(), io::ErrorKind::BrokenPipe);
    }
}
