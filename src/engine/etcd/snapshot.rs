//! A snapshot of a member's database as a file of this machine: mode 0600, under its name only when it is whole and durable.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use bytes::{Buf as _, Bytes, BytesMut};
use http_body_util::BodyExt as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{EtcdError, Gateway};
use crate::cluster::Clock;
use crate::engine::rescue::copy::archive::read_on;
use crate::engine::rescue::shelf;
use crate::etcd::{Piece, Tail, piece};

/// A line holds 32 KiB as base64; more is no piece of a snapshot.
const LINE: usize = 1 << 20;
/// The size and the SHA-256, in hexadecimal, of a snapshot's file that is there and whole: at its end is the checksum of what is before
/// it. `None` of any other.
pub fn whole(path: &Path) -> Option<(u64, String)> {
    let (mut tail, mut all) = (Tail::default(), Sha256::new());
    let take = |bytes: &[u8]| {
        all.update(bytes);
        tail.take(&Piece { bytes: bytes.to_vec(), remaining: 0 });
        Ok(())
    };
    read_on(path, take).ok()?;
    let bytes = tail.end().ok()?;
    Some((bytes, shelf::hexadecimal(&all.finalize())))
}

/// A snapshot that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The file.
    pub path: PathBuf,
    /// Its size, bytes, with the checksum at its end.
    pub bytes: u64,
}

impl Gateway {
    /// Streams a snapshot into a file that is not there yet. It works without a majority. `heard` is told how many bytes there are so far,
    /// and how many are to come.
    ///
    /// # Errors
    /// When the member or the disk refuses, or what came is not whole; no file of that name is there then.
    pub async fn snapshot(&self, path: &Path, clock: &Clock, heard: impl Fn(u64, u64)) -> Result<Saved, EtcdError> {
        let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
        let unmade = |error: shelf::ShelfError| EtcdError::Disk {
            path: folder.clone(),
            source: std::io::Error::other(error.to_string()),
        };
        shelf::make_folder(&folder).map_err(unmade)?;
        let part = path.with_extension("db.part");
        let (file, bytes) = match self.stream(&part, heard).await {
            Ok(streamed) => streamed,
            Err(error) => {
                // What is not whole is no snapshot, and the next try begins anew, whether this one could be removed or not.
                let _ = fs::remove_file(&part);
                return Err(error);
            }
        };
        let (place, name) = (path.to_owned(), path.to_owned());
        let settle = move || {
            file.sync_all()?;
            fs::rename(&part, &place)?;
            File::open(&folder)?.sync_all()
        };
        let settled = clock.at_disk(settle).await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        settled.map_err(|source| EtcdError::Disk { path: name.clone(), source })?;
        Ok(Saved { path: name, bytes })
    }

    async fn stream(&self, part: &Path, heard: impl Fn(u64, u64)) -> Result<(File, u64), EtcdError> {
        const PATH: &str = "/v3/maintenance/snapshot";
        let disk = |source| EtcdError::Disk { path: part.to_owned(), source };
        let torn = |why: String| EtcdError::Torn { pod: self.pod.clone(), why };
        let mut line = self.open().await?;
        let response = line.send(PATH, &json!({})).await.map_err(|why| self.no_way(why))?;
        let (status, mut body) = (response.status(), response.into_body());
        if !status.is_success() {
            let bytes = body.collect().await.map_err(|error| self.no_way(error.to_string()))?.to_bytes();
            let answer = serde_json::from_slice(&bytes).unwrap_or_default();
            return Err(self.refused(PATH, status.as_u16(), &answer));
        }
        let mut options = File::options();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(part).map_err(disk)?;
        let (mut lines, mut tail) = (Lines::default(), Tail::default());
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| torn(format!("it broke off: {error}")))?;
            lines.add(&frame.into_data().unwrap_or_default()).map_err(torn)?;
            while let Some(line) = lines.next() {
                let piece = piece(&line).map_err(torn)?;
                file.write_all(&piece.bytes).map_err(disk)?;
                tail.take(&piece);
                heard(tail.bytes(), piece.remaining);
            }
        }
        if let Some(line) = lines.rest() {
            let piece = piece(&line).map_err(torn)?;
            file.write_all(&piece.bytes).map_err(disk)?;
            tail.take(&piece);
        }
        Ok((file, tail.end().map_err(torn)?))
    }
}

/// Lines out of what comes in pieces of any size.
#[derive(Default)]
struct Lines(BytesMut);

impl Lines {
    fn add(&mut self, bytes: &Bytes) -> Result<(), String> {
        self.0.extend_from_slice(bytes);
        if self.0.len() > LINE && !self.0.contains(&b'\n') {
            return Err(format!("a line of more than {LINE} bytes"));
        }
        Ok(())
    }

    fn next(&mut self) -> Option<Bytes> {
        let end = self.0.iter().position(|byte| *byte == b'\n')?;
        let line = self.0.split_to(end).freeze();
        self.0.advance(1);
        Some(line)
    }

    /// The last line may have no end.
    fn rest(self) -> Option<Bytes> {
        let rest = self.0.freeze();
        (!rest.iter().all(u8::is_ascii_whitespace)).then_some(rest)
    }
}
