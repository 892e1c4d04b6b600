//! The journal of a run on disk: JSON Lines, intent before act, so that a killed run can be taken up again.
//!
//! One thread writes. Intents that arrive while it waits for the disk are written together and made durable by one
//! `fdatasync`, so 200 steps in flight cost a few waits, not 200.

pub mod entry;
mod estimate;
mod ledger;
pub mod runs;
mod times;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

pub use entry::{ChartInput, Entry, Inputs, Took};
pub use estimate::{Estimate, estimate};
pub use ledger::{Trace, ledger};
pub use runs::{Note, RunRecord, RunState, Runs};
pub use times::{Span, Times};

use crate::error::Explain;
use crate::file_lock::FileLock;

/// The journal could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Reading or writing failed.
    #[error("journal {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A line in the middle of a journal is not what this program writes.
    #[error("journal {}:{line}: {message}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
    /// There is no such run.
    #[error("no run `{run}` in {}", dir.display())]
    Unknown {
        /// What was asked for.
        run: String,
        /// Where it was looked for.
        dir: PathBuf,
    },
    /// Another process is running it now.
    #[error("run `{run}` is being run by another process")]
    Busy {
        /// The run.
        run: String,
    },
}

impl Explain for JournalError {
    fn id(&self) -> &'static str {
        match self {
            Self::Io { .. } => "journal-io",
            Self::Broken { .. } => "journal-broken",
            Self::Unknown { .. } => "unknown-run",
            Self::Busy { .. } => "run-busy",
        }
    }

    fn class(&self) -> crate::error::Class {
        match self {
            Self::Unknown { .. } => crate::error::Class::Input,
            _ => crate::error::Class::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(
            match self {
                Self::Io { .. } => {
                    "make room or choose another folder with SEAWORTHY_STATE_DIR; then run the same command again"
                }
                Self::Broken { .. } => {
                    "move the file away to go on without it; `install` then compares with the cluster itself"
                }
                Self::Unknown { .. } => "`seaworthy runs list` shows the runs there are",
                Self::Busy { .. } => "wait for it, or end that process",
            }
            .to_owned(),
        )
    }
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> JournalError + '_ {
    move |source| JournalError::Io { path: path.to_owned(), source }
}

enum Message {
    /// Write; the answer comes when it is durable.
    Commit(Entry, oneshot::Sender<Result<(), String>>),
    /// Write with the next commit, or at the end.
    Note(Entry),
}

/// An open journal. Dropping it closes the file; what was noted is written.
pub struct Journal {
    run: String,
    path: PathBuf,
    pen: Pen,
}

/// Who writes.
enum Pen {
    /// A thread of its own.
    Thread { sender: Option<mpsc::Sender<Message>>, writer: Option<JoinHandle<()>> },
    /// Whoever has something to write, and waits for the disk: nothing happens meanwhile, so that what happens does not depend
    /// on how fast a disk is.
    Here(Mutex<Scribe>),
}

impl Journal {
    /// Starts the writer on a file that is open, locked and at its end.
    fn start(run: String, path: PathBuf, file: FileLock) -> Self {
        let (sender, receiver) = mpsc::channel();
        let scribe = Scribe::new(file);
        let writer = std::thread::spawn(move || write_all(scribe, &receiver));
        Self { run, path, pen: Pen::Thread { sender: Some(sender), writer: Some(writer) } }
    }

    /// The same without a writer: see [`Pen::Here`].
    fn start_here(run: String, path: PathBuf, file: FileLock) -> Self {
        Self { run, path, pen: Pen::Here(Mutex::new(Scribe::new(file))) }
    }

    /// Id of the run.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Writes an entry and returns when the disk has it.
    pub async fn commit(&self, entry: Entry) -> Result<(), JournalError> {
        let failed = |message: String| io(&self.path)(std::io::Error::other(message));
        let sender = match &self.pen {
            Pen::Here(scribe) => return lock_of(scribe).write(&[entry], true).map_err(failed),
            Pen::Thread { sender, .. } => sender,
        };
        let (answer, receiver) = oneshot::channel();
        send(sender.as_ref(), Message::Commit(entry, answer));
        match receiver.await {
            Ok(answer) => answer.map_err(failed),
            Err(_) => Err(failed("the writer has ended".to_owned())),
        }
    }

    /// Writes an entry some time later, in order. For what can be learnt from the cluster again.
    pub fn note(&self, entry: Entry) {
        match &self.pen {
            Pen::Thread { sender, .. } => send(sender.as_ref(), Message::Note(entry)),
            Pen::Here(scribe) => {
                if let Err(error) = lock_of(scribe).write(&[entry], false) {
                    tracing::error!(%error, "an entry of the journal could not be written");
                }
            }
        }
    }
}

fn lock_of(scribe: &Mutex<Scribe>) -> MutexGuard<'_, Scribe> {
    scribe.lock().unwrap_or_else(PoisonError::into_inner)
}

fn send(sender: Option<&mpsc::Sender<Message>>, message: Message) {
    // A writer that is gone has dropped the receiver of a commit, which is how its caller learns of it.
    if let Some(sender) = sender {
        let _ = sender.send(message);
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        let Pen::Thread { sender, writer } = &mut self.pen else { return };
        sender.take();
        if let Some(writer) = writer.take() {
            // The writer only ends by itself; a panic in it has been reported to every commit already.
            let _ = writer.join();
        }
    }
}

/// The file, and how much of it is whole lines.
struct Scribe {
    file: FileLock,
    whole: std::io::Result<u64>,
}

impl Scribe {
    fn new(file: FileLock) -> Self {
        let whole = file.metadata().map(|metadata| metadata.len());
        Self { file, whole }
    }

    /// Writes entries, and waits for the disk when somebody waits for it.
    fn write(&mut self, entries: &[Entry], durable: bool) -> Result<(), String> {
        let mut text = Vec::new();
        for entry in entries {
            if let Err(error) = serde_json::to_writer(&mut text, entry) {
                tracing::error!(%error, "an entry of the journal could not be written as JSON");
            }
            text.push(b'\n');
        }
        let written = self.file.write_all(&text).and_then(|()| if durable { self.file.sync_data() } else { Ok(()) });
        match (&written, &mut self.whole) {
            (Ok(()), Ok(whole)) => *whole += text.len() as u64,
            // Half a line (the disk is full) must not stand in the way of the next one, which may fit again.
            (Err(_), Ok(whole)) => {
                if let Err(error) = self.file.set_len(*whole) {
                    tracing::error!(%error, "half a line is left in the journal");
                }
            }
            (_, Err(_)) => {}
        }
        written.map_err(|error| error.to_string())
    }
}

fn write_all(mut scribe: Scribe, receiver: &mpsc::Receiver<Message>) {
    while let Ok(first) = receiver.recv() {
        let (mut entries, mut waiting) = (Vec::new(), Vec::new());
        for message in std::iter::once(first).chain(receiver.try_iter()) {
            match message {
                Message::Commit(entry, answer) => {
                    waiting.push(answer);
                    entries.push(entry);
                }
                Message::Note(entry) => entries.push(entry),
            }
        }
        let answer = scribe.write(&entries, !waiting.is_empty());
        for waiter in waiting {
            // A caller that was cancelled no longer waits.
            let _ = waiter.send(answer.clone());
        }
    }
}
