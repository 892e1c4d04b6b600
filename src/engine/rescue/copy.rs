//! Copying what a volume holds to this machine and back, as an archive of tar through exec, and never believing it: what comes through
//! exec is cut short now and then and still ends with success (kubernetes #60140). A copy counts when the archive has its end mark and
//! every entry of it is, by its checksum, what a list made in the pod says.

pub mod archive;
mod berth;
mod causes;
mod helper;
mod inward;
pub mod list;
#[cfg(test)]
mod scripts;
mod seed;
mod talk;

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::pods_in;
use crate::engine::apply::ApplyError;
use crate::engine::step::{Doing, Ending, done, unknown_kind};
use crate::engine::wait::Wait;
use crate::object::{ObjectRef, text};
use crate::plan::Step;
use crate::plan::verb::Pinned;
use crate::snapshot::Snapshot;
use crate::snapshot::collect::{Query, Scope, collect};
use archive::{ArchiveError, Certificate, Paths};
use berth::{Berth, Wanted, used_by};
use helper::Way;
use list::{Kind, List};
use talk::{Ended, Place};

pub(crate) use berth::PROBE;
pub(crate) use helper::SLEEP;
pub(crate) use list::SCRIPT as LIST;
pub(crate) use seed::pod::{TAKE, WAIT};

/// A copy that is broken starts over whole, so often in all.
const TRIES: usize = 3;
/// What is written to the disk at once, bytes.
const PIECE: usize = 1 << 20;
/// The slowest that a copy may be, bytes a second, and what it may take beside that.
const PACE: u64 = 5_000_000;
const BESIDE: Duration = Duration::from_secs(120);
/// How often it is said how far a copy is.
const SAY: Duration = Duration::from_secs(2);

/// How much is on the volume, in KiB.
pub(crate) const SIZE: &str = r#"du -sk "$1""#;
/// Everything below the path as an archive on standard output. Numbers, not names: another image has other users.
pub(crate) const OUT: &str = r#"tar -c -f - -C "$1" --numeric-owner ."#;
/// So many bytes of standard input, unpacked: that standard input has ended is only told by newer servers, so nobody waits for it.
pub(crate) const IN: &str = r#"head -c "$2" | tar -x -p -f - -C "$1" --numeric-owner"#;
/// Takes away what is on the volume, but for what belongs to its file system.
pub(crate) const CLEAR: &str = r#"find "$1" -mindepth 1 -maxdepth 1 ! -name lost+found -exec rm -rf {} +"#;

/// Why a try came to nothing.
enum Broken {
    /// It may be better the next time.
    Again(String),
    /// It will not.
    Never(Ending),
}

impl From<Ending> for Broken {
    fn from(ending: Ending) -> Self {
        Self::Never(ending)
    }
}

impl From<String> for Broken {
    fn from(why: String) -> Self {
        Self::Again(why)
    }
}

/// What is to be copied out.
pub(super) struct Out<'a> {
    pub(super) claim: &'a Pinned,
    pub(super) folder: &'a str,
    pub(super) image: Option<&'a str>,
    pub(super) quiet: bool,
}

/// What is to be copied in.
pub(super) struct In<'a> {
    pub(super) claim: &'a ObjectRef,
    pub(super) folder: &'a str,
    pub(super) image: Option<&'a str>,
    pub(super) over: bool,
}

impl Doing<'_> {
    /// Copies a volume out, unless a copy of this very claim is there and proven.
    pub(super) async fn copy_out(&self, step: &Step, out: &Out<'_>, limit: Duration) -> Ending {
        let claim = &out.claim.object;
        let paths = Paths::of(Path::new(out.folder), claim);
        match self.certified(claim, &paths).await {
            Err(ending) => return ending,
            Ok(Some(known)) if known.uid == out.claim.uid => {
                self.cast_off(claim).await;
                return done(false, Some(known.words()));
            }
            Ok(_) => {}
        }
        let work = self.copied_out(step, out, &paths, limit);
        let ending = tokio::select! {
            biased;
            () = self.context.cancel.cancelled() => Ending::Stopped,
            ending = work => match ending {
                Ok(known) => done(true, Some(format!("{}; written to {}", known.words(), paths.tar.display()))),
                Err(ending) => ending,
            },
        };
        self.cast_off(claim).await;
        ending
    }

    async fn copied_out(
        &self,
        step: &Step,
        out: &Out<'_>,
        paths: &Paths,
        limit: Duration,
    ) -> Result<Certificate, Ending> {
        let claim = &out.claim.object;
        let seen = self.look_at(claim).await?;
        let live = seen.get(claim).filter(|live| text(live, "/metadata/uid") == Some(&out.claim.uid));
        let Some(live) = live else {
            let why = format!("it is not there any more as uid {}", out.claim.uid);
            return Err(Ending::Failed(causes::shut(claim, &why)));
        };
        let phase = text(live, "/status/phase").unwrap_or("of no phase");
        if phase != "Bound" {
            return Err(Ending::Failed(causes::shut(claim, &format!("it is {phase}"))));
        }
        if let Some(pod) = used_by(&seen, claim).filter(|_| out.quiet) {
            return Err(Ending::Failed(causes::in_use(claim, pod)));
        }
        let volume = text(live, "/spec/volumeName").unwrap_or_default().to_owned();
        let berth = Box::pin(self.berth(&seen, &Wanted { claim, way: Way::Out, image: out.image })).await?;
        let limit = limit.max(self.room(claim, paths, &berth.place).await?);
        let head = |list: &List, (bytes, sha256): (u64, String), changed: Vec<String>| Certificate {
            format: archive::FORMAT,
            at: Timestamp::now(),
            claim: claim.clone(),
            uid: out.claim.uid.clone(),
            volume: volume.clone(),
            bytes,
            sha256,
            list_sha256: String::new(),
            files: list.files().0,
            content: list.files().1,
            live: berth.live,
            changed,
            left_out: list.named(Kind::Other),
            by: format!("{}/{} ({})", berth.place.pod, berth.place.container, berth.place.image),
        };
        let copy = || self.one_copy(step, claim, paths, &berth);
        let (list, sum, changed) = self.again_and_again(claim, limit, copy).await?;
        // Nothing is proven as long as the helper holds the claim.
        self.cast_off(claim).await;
        let (paths, certificate) = (paths.clone(), head(&list, sum, changed));
        self.at_disk(claim, move || archive::certify(&paths, &list, certificate)).await
    }

    /// Whole, or anew, a few times.
    async fn again_and_again<T, F: Future<Output = Result<T, Broken>>>(
        &self,
        claim: &ObjectRef,
        limit: Duration,
        copy: impl Fn() -> F,
    ) -> Result<T, Ending> {
        let mut last = String::new();
        for number in 1..=TRIES {
            match timeout(limit, copy()).await {
                Ok(Ok(copied)) => return Ok(copied),
                Ok(Err(Broken::Never(ending))) => return Err(ending),
                Ok(Err(Broken::Again(why))) => last = why,
                Err(_) => return Err(Ending::Failed(causes::late(claim, limit.as_secs()))),
            }
            if number < TRIES {
                let text = format!("{claim}: {last}; it is copied anew, from the beginning");
                self.context.emit(crate::event::Event::Notice { text }).await;
            }
        }
        Err(Ending::Failed(causes::unproven(claim, TRIES, &last)))
    }

    /// One copy, and its proof: the archive's length and checksum, what is in it, and what changed meanwhile.
    async fn one_copy(
        &self,
        step: &Step,
        claim: &ObjectRef,
        paths: &Paths,
        berth: &Berth,
    ) -> Result<(List, (u64, String), Vec<String>), Broken> {
        let before = self.list(&berth.place).await?;
        self.fetch(step, claim, paths, berth).await?;
        // What can be written to meanwhile is looked at again; what cannot is as it was.
        let after = if berth.live { self.list(&berth.place).await? } else { before.clone() };
        let part = paths.part.clone();
        let looked = move || Ok((archive::look_through(&part)?, archive::sum_of(&part)?));
        let (list, sum) = match self.context.cluster.clock.at_disk(looked).await {
            Ok(Ok(found)) => found,
            Ok(Err(error @ ArchiveError::Broken { .. })) => return Err(Broken::Again(error.to_string())),
            Ok(Err(error)) => return Err(Broken::Never(Ending::Failed(causes::local(claim, &error)))),
            Err(error) => return Err(Broken::Again(error.to_string())),
        };
        // What went away between two looks is no failure where somebody writes; what can never be read is.
        let later = after.named(Kind::Unreadable);
        let mut unreadable = before.named(Kind::Unreadable);
        unreadable.retain(|name| later.contains(name));
        if !unreadable.is_empty() {
            return Err(Broken::Again(causes::unreadable(&unreadable)));
        }
        let (steady, changed) = before.steady(&after);
        let differs: Vec<String> = steady
            .differences(&list)
            .into_iter()
            .filter(|line| !berth.live || !line.ends_with("is too much"))
            .collect();
        if differs.is_empty() {
            Ok((with_others(list, &after), sum, changed))
        } else {
            Err(Broken::Again(list::some(&differs)))
        }
    }

    async fn list(&self, place: &Place) -> Result<List, String> {
        list::parse(&talk::ask(&self.context.cluster.client, place, LIST).await?)
    }

    /// The archive's bytes, to the disk.
    async fn fetch(&self, step: &Step, claim: &ObjectRef, paths: &Paths, berth: &Berth) -> Result<(), Broken> {
        let (sender, pieces) = mpsc::channel(talk::PIECES);
        let hear = talk::listen(&self.context.cluster.client, &berth.place, OUT, sender);
        let (told, written) = tokio::join!(hear, self.written(step, claim, paths, pieces));
        written?;
        let told = told?;
        // GNU tar ends with 1 when a file changed while it was read: what changed is found out, and named.
        if !(berth.live && told.ended == Ended::Code(1)) {
            told.well("tar")?;
        }
        Ok(())
    }

    async fn written(
        &self,
        step: &Step,
        claim: &ObjectRef,
        paths: &Paths,
        mut pieces: mpsc::Receiver<Vec<u8>>,
    ) -> Result<(), Ending> {
        let part = paths.part.clone();
        let mut file = self.at_disk(claim, move || archive::begin(&part)).await?;
        let (mut bytes, mut said) = (0, Instant::now());
        let mut held: Vec<u8> = Vec::with_capacity(PIECE);
        loop {
            let piece = pieces.recv().await;
            let is_end = piece.is_none();
            held.extend(piece.unwrap_or_default());
            if held.len() >= PIECE || is_end {
                bytes += held.len();
                let (part, piece) = (paths.part.clone(), std::mem::take(&mut held));
                file = self.at_disk(claim, move || archive::add(&part, file, &piece)).await?;
            }
            if is_end {
                break;
            }
            if said.elapsed() >= SAY {
                said = Instant::now();
                self.say_copied(step, claim, bytes as u64);
            }
        }
        let part = paths.part.clone();
        self.at_disk(claim, move || archive::keep(&part, &file)).await
    }

    fn say_copied(&self, step: &Step, claim: &ObjectRef, bytes: u64) {
        let wait = Wait::new(self.context, &self.tracker, &step.id, claim);
        wait.say(&format!("{} MiB copied", bytes >> 20), None);
    }

    /// Whether there is room for it here; and how long it may take.
    async fn room(&self, claim: &ObjectRef, paths: &Paths, place: &Place) -> Result<Duration, Ending> {
        let told = talk::ask(&self.context.cluster.client, place, SIZE).await;
        let size = told.and_then(|answer| {
            let text = String::from_utf8_lossy(&answer).into_owned();
            let number = text.split_whitespace().next().and_then(|word| word.parse::<u64>().ok());
            number.ok_or_else(|| format!("du said {:?}", text.trim()))
        });
        let kib = size.map_err(|why| Ending::Failed(causes::shut(claim, &format!("its size is not known: {why}"))))?;
        let folder = paths.tar.parent().unwrap_or(Path::new(".")).to_owned();
        let free = self.at_disk(claim, move || free_in(folder)).await?;
        // Headers and padding come to it, and the machine is not to be filled to the brim.
        let needed = kib.saturating_mul(1024).saturating_add(kib * 103).saturating_add(16 << 20);
        if needed > free.1 {
            return Err(Ending::Failed(causes::no_room(claim, &free.0, (needed, free.1))));
        }
        Ok(Duration::from_secs(kib * 1024 / PACE) + BESIDE)
    }

    /// The claim, every volume and node, and all that could use the claim, as they are now.
    async fn look_at(&self, claim: &ObjectRef) -> Result<Snapshot, Ending> {
        let namespace = claim.namespace.as_deref().unwrap_or_default();
        let kind = |api: &str, kind: &str| ObjectRef::new(api, kind, Some(namespace), "");
        let objects = [
            ObjectRef::new("v1", "PersistentVolume", None, ""),
            ObjectRef::new("v1", "Node", None, ""),
            kind("v1", "PersistentVolumeClaim"),
            pods_in(namespace),
            kind("apps/v1", "Deployment"),
            kind("apps/v1", "StatefulSet"),
            kind("apps/v1", "ReplicaSet"),
        ];
        let mut queries = Vec::new();
        for object in objects {
            let Some(resource) = self.context.resources.of(&object) else {
                return Err(Ending::Failed(unknown_kind(&object)));
            };
            queries.push(Query { resource, namespace: object.namespace, scope: Scope::All });
        }
        let read = || async { Ok::<_, ApplyError>(collect(&self.context.cluster.client, queries.clone()).await?) };
        self.patiently(claim, read).await
    }

    async fn certified(&self, claim: &ObjectRef, paths: &Paths) -> Result<Option<Certificate>, Ending> {
        let paths = paths.clone();
        self.at_disk(claim, move || archive::certified(&paths)).await
    }

    /// Work of this machine's disk; what goes wrong there ends the step.
    async fn at_disk<T: Send + 'static>(
        &self,
        claim: &ObjectRef,
        work: impl FnOnce() -> Result<T, ArchiveError> + Send + 'static,
    ) -> Result<T, Ending> {
        match self.context.cluster.clock.at_disk(work).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(Ending::Failed(causes::local(claim, &error))),
            Err(error) => Err(Ending::Failed(causes::unproven(claim, 1, &error.to_string()))),
        }
    }
}

/// Sockets are in no archive; that they were there is told all the same.
fn with_others(mut list: List, seen: &List) -> List {
    let others = seen.0.iter().filter(|(_, entry)| entry.kind == Kind::Other);
    list.0.extend(others.map(|(path, entry)| (path.clone(), entry.clone())));
    list
}

/// The folder, or the first above it that is there, and how many bytes are free for us there.
fn free_in(folder: PathBuf) -> Result<(PathBuf, u64), ArchiveError> {
    super::shelf::make_folder(&folder)?;
    let told = rustix::fs::statvfs(&folder);
    let told = told.map_err(|error| {
        ArchiveError::Shelf(super::shelf::ShelfError::Io { path: folder.clone(), source: error.into() })
    })?;
    Ok((folder, told.f_bavail.saturating_mul(told.f_frsize)))
}
