//! The folder of runs: finding, opening, taking up and forgetting them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::entry::FORMAT;
use super::{Entry, Inputs, Journal, JournalError, Times, io};
use crate::cluster::Clock;
use crate::doctor::Cause;
use crate::event::Ended;
use crate::file_lock::FileLock;
use crate::heir;
use crate::plan::verb::Verb;
use crate::plan::{Plan, Purpose, Step};

/// How many runs of one installation are kept; the oldest closed ones go first.
const KEPT: usize = 20;
/// How many are kept of all together, and of each installation even then: what can be gone back to.
const KEPT_OF_ALL: usize = 400;
const KEPT_AT_LEAST: usize = 3;

/// The folder of journals.
#[derive(Debug, Clone)]
pub struct Runs {
    dir: PathBuf,
    /// By whose time runs are named; with one, journals are written by whoever has something to write.
    clock: Option<Clock>,
}

/// A run as its journal tells it.
#[derive(Debug, Clone)]
pub struct RunRecord {
    /// Id.
    pub run: String,
    /// When it was opened.
    pub at: Timestamp,
    /// The command, where it is not told by the plan's purpose.
    pub command: Option<String>,
    /// What was chosen.
    pub inputs: Inputs,
    /// The plan as it was recorded.
    pub plan: Plan,
    /// How it stands.
    pub state: RunState,
    /// Ids of the steps that are done.
    pub done: BTreeSet<String>,
    /// Ids of the steps whose question was answered with yes.
    pub agreed: BTreeSet<String>,
    /// The causes of the failures of the last try.
    pub causes: Vec<Cause>,
    /// Times that it was taken up again.
    pub resumed: usize,
    /// When its steps were begun and ended.
    pub times: Times,
}

impl RunRecord {
    /// What was asked for, in a word: `install`, `upgrade`, `delete-cluster`.
    pub fn word(&self) -> &str {
        self.command.as_deref().unwrap_or_else(|| self.plan.purpose.word())
    }

    /// Whether what is asked for with these inputs has to decide about this run first.
    pub fn is_in_the_way_of(&self, inputs: &Inputs) -> bool {
        self.state.is_unfinished() || (self.is_half_done() && self.inputs == *inputs)
    }

    /// Whether it is a recovery that has failed half way: a claim was deleted and not made again, or what was copied out is not on the fresh
    /// volume yet. A plan that was made anew would take what is there for all there is, so it is to be gone on with.
    pub fn is_half_done(&self) -> bool {
        let is_done = |step: &Step| self.done.contains(&step.id);
        let verbs = || self.plan.steps.iter().filter_map(|step| Some((step, step.verb()?)));
        self.state == RunState::Failed
            && self.plan.purpose == Purpose::Recover
            && verbs().any(|(step, verb)| verb.is_irreversible() && is_done(step))
            && verbs().any(|(step, verb)| matches!(verb, Verb::CopyIn { .. } | Verb::Create { .. }) && !is_done(step))
    }
}

/// What somebody said of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// When.
    pub at: Timestamp,
    /// What.
    pub text: String,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunState {
    /// Being run now, or killed in the middle.
    Open,
    /// Finished.
    Done,
    /// Ended at a failure.
    Failed,
    /// Stopped in good order.
    Interrupted,
    /// Given up.
    Abandoned,
}

impl RunState {
    /// Whether a new install has to decide about this run first.
    pub fn is_unfinished(self) -> bool {
        matches!(self, Self::Open | Self::Interrupted)
    }

    /// Whether nobody can go on with it.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Abandoned)
    }
}

/// The name of a run, and its journal as it stands on disk.
pub type Written = (String, String);

impl Runs {
    /// The runs below a state folder. Nothing is made before the first run.
    pub fn new(state_dir: &Path) -> Self {
        Self { dir: state_dir.join("runs"), clock: None }
    }

    /// The same for a simulation, in which nothing may hang on the time of day or on how fast a disk is: runs are named by this
    /// clock, and journals written at once and not by a thread.
    #[must_use]
    pub fn by(self, clock: Clock) -> Self {
        Self { clock: Some(clock), ..self }
    }

    fn now(&self) -> Timestamp {
        self.clock.as_ref().map_or_else(Timestamp::now, Clock::now)
    }

    fn start(&self, run: String, path: PathBuf, file: FileLock) -> Journal {
        if self.clock.is_some() { Journal::start_here(run, path, file) } else { Journal::start(run, path, file) }
    }

    /// Opens a new run and makes its plan durable. Forgets the oldest closed runs beyond the twenty that are kept.
    pub async fn open(&self, inputs: Inputs, plan: Plan) -> Result<Journal, JournalError> {
        self.open_for(None, inputs, plan).await
    }

    /// The same, for a command that the plan's purpose does not tell.
    ///
    /// # Errors
    /// When the folder or the file cannot be written.
    pub async fn open_for(&self, command: Option<&str>, inputs: Inputs, plan: Plan) -> Result<Journal, JournalError> {
        heir::make_folder(&self.dir).map_err(io(&self.dir))?;
        // Values may name hosts and people; nobody else on this machine needs to read them.
        fs::set_permissions(&self.dir, fs::Permissions::from_mode(0o700)).map_err(io(&self.dir))?;
        self.forget_oldest((&plan.cluster.uid, &plan.installation.key()))?;
        let at = self.now();
        let (run, path, file) = self.create(at)?;
        let file = lock(file, &path, &run)?;
        let journal = self.start(run.clone(), path, file);
        let (command, inputs, plan) = (command.map(str::to_owned), Box::new(inputs), Box::new(plan));
        journal.commit(Entry::Opened { format: FORMAT, run, at, command, inputs, plan }).await?;
        // The name of the file must survive a crash as well as its content.
        File::open(&self.dir).and_then(|dir| dir.sync_all()).map_err(io(&self.dir))?;
        Ok(journal)
    }

    fn create(&self, at: Timestamp) -> Result<(String, PathBuf, File), JournalError> {
        let stamp = at.strftime("%Y%m%d-%H%M%S").to_string();
        // After the last of this second: the name of one that was forgotten would come before those that are left.
        let first = order(&stamp).0;
        let of_now = self.names()?.iter().map(|name| order(name).0).filter(|name| name.starts_with(&first)).max();
        let used = of_now.map_or(0, |last| last.get(first.len()).copied().unwrap_or(1));
        for number in used + 1.. {
            let run = if number == 1 { stamp.clone() } else { format!("{stamp}-{number}") };
            let path = self.path(&run);
            match OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path) {
                Ok(file) => {
                    heir::inherit(&path).map_err(io(&path))?;
                    return Ok((run, path, file));
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(io(&path)(error)),
            }
        }
        unreachable!("the numbers do not end")
    }

    /// Opens the journal of a run that is not finished, to go on with it.
    pub async fn resume(&self, run: &str, binary: &str) -> Result<Journal, JournalError> {
        let path = self.known(run)?;
        let file = OpenOptions::new().append(true).open(&path).map_err(io(&path))?;
        let file = lock(file, &path, run)?;
        mend_last_line(&path)?;
        let journal = self.start(run.to_owned(), path, file);
        journal.commit(Entry::Resumed { at: self.now(), binary: binary.to_owned() }).await?;
        Ok(journal)
    }

    /// Marks a run as given up. Nothing in the cluster changes.
    pub async fn abandon(&self, run: &str) -> Result<(), JournalError> {
        let path = self.known(run)?;
        let file = OpenOptions::new().append(true).open(&path).map_err(io(&path))?;
        let file = lock(file, &path, run)?;
        mend_last_line(&path)?;
        self.start(run.to_owned(), path, file).commit(Entry::Abandoned { at: self.now() }).await
    }

    /// Deletes the journal of a run that is not being run now.
    pub fn purge(&self, run: &str) -> Result<(), JournalError> {
        let path = self.known(run)?;
        let file = File::open(&path).map_err(io(&path))?;
        let _held = lock(file, &path, run)?;
        let notes = self.notes_path(run);
        match fs::remove_file(&notes) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(&notes)(error)),
            _ => {}
        }
        fs::remove_file(&path).map_err(io(&path))
    }

    /// Every run, oldest first. A journal that cannot be read is reported, and hides no other.
    pub fn list(&self) -> Result<(Vec<RunRecord>, Vec<JournalError>), JournalError> {
        let mut records = Vec::new();
        let mut broken = Vec::new();
        for run in self.names()? {
            match self.load(&run) {
                Ok(record) => records.push(record),
                Err(error) => broken.push(error),
            }
        }
        Ok((records, broken))
    }

    /// The journals of the runs of a cluster as they stand on disk, by the names of the runs. One that cannot be read is
    /// reported, and hides no other.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn texts_of(&self, cluster_uid: &str) -> Result<(Vec<Written>, Vec<JournalError>), JournalError> {
        let (mut texts, mut broken) = (Vec::new(), Vec::new());
        for run in self.names()? {
            match self.load(&run) {
                Ok(record) if record.plan.cluster.uid != cluster_uid => {}
                Ok(_) => {
                    let path = self.path(&run);
                    match fs::read(&path) {
                        Ok(bytes) => texts.push((run, String::from_utf8_lossy(&bytes).into_owned())),
                        Err(error) => broken.push(io(&path)(error)),
                    }
                }
                Err(error) => broken.push(error),
            }
        }
        Ok((texts, broken))
    }

    /// One run.
    pub fn load(&self, run: &str) -> Result<RunRecord, JournalError> {
        let path = self.known(run)?;
        replay(&path, &fs::read(&path).map_err(io(&path))?)
    }

    /// Everything that stands in the journal of a run, in order.
    ///
    /// # Errors
    /// When there is no such run, or its journal cannot be read.
    pub fn entries(&self, run: &str) -> Result<Vec<Entry>, JournalError> {
        let path = self.known(run)?;
        let bytes = fs::read(&path).map_err(io(&path))?;
        let broken = |(number, error): (usize, serde_json::Error)| JournalError::Broken {
            path: path.clone(),
            line: number + 1,
            message: error.to_string(),
        };
        let parsed =
            lines(&bytes).enumerate().map(|(number, line)| serde_json::from_slice(line).map_err(|e| (number, e)));
        parsed.collect::<Result<_, _>>().map_err(broken)
    }

    /// Writes down what somebody says of a run, also while it is being run.
    ///
    /// # Errors
    /// When there is no such run, or the file cannot be written.
    pub fn add_note(&self, run: &str, text: &str) -> Result<(), JournalError> {
        self.known(run)?;
        let path = self.notes_path(run);
        let line = serde_json::to_string(&Note { at: self.now(), text: text.to_owned() }).unwrap_or_default();
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path).map_err(io(&path))?;
        heir::inherit(&path).map_err(io(&path))?;
        // One write, so that two that come at once stay two lines.
        file.write_all(format!("{line}\n").as_bytes()).and_then(|()| file.sync_data()).map_err(io(&path))
    }

    /// What was said of a run, in order. A line that was cut off is passed over.
    pub fn notes(&self, run: &str) -> Vec<Note> {
        let text = fs::read(self.notes_path(run)).unwrap_or_default();
        lines(&text).filter_map(|line| serde_json::from_slice(line).ok()).collect()
    }

    fn notes_path(&self, run: &str) -> PathBuf {
        self.dir.join(format!("{run}.notes"))
    }

    /// The newest run of an installation in a cluster that was not given up.
    pub fn latest(&self, cluster_uid: &str, key: &str) -> Result<Option<RunRecord>, JournalError> {
        let matches = |record: &RunRecord| {
            record.plan.cluster.uid == cluster_uid
                && record.plan.installation.key() == key
                && record.state != RunState::Abandoned
        };
        for run in self.names()?.into_iter().rev() {
            match self.load(&run) {
                Ok(record) if matches(&record) => return Ok(Some(record)),
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "a journal was passed over"),
            }
        }
        Ok(None)
    }

    fn unknown(&self, run: &str) -> JournalError {
        JournalError::Unknown { run: run.to_owned(), dir: self.dir.clone() }
    }

    /// The journal of a run that there is.
    fn known(&self, run: &str) -> Result<PathBuf, JournalError> {
        let path = self.path(run);
        if is_run_name(run) && path.is_file() { Ok(path) } else { Err(self.unknown(run)) }
    }

    fn path(&self, run: &str) -> PathBuf {
        self.dir.join(format!("{run}.jsonl"))
    }

    fn names(&self) -> Result<Vec<String>, JournalError> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io(&self.dir)(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(io(&self.dir))?.file_name();
            names.extend(name.to_string_lossy().strip_suffix(".jsonl").map(str::to_owned));
        }
        names.sort_by_key(|name| order(name));
        Ok(names)
    }

    /// Makes room for one more run of an installation.
    fn forget_oldest(&self, about: (&str, &str)) -> Result<(), JournalError> {
        let names = self.names()?;
        if names.len() < KEPT {
            return Ok(());
        }
        // What runs have done to this machine is known from them alone (see [`super::ledger()`]).
        let known: Vec<RunRecord> = names.iter().filter_map(|run| self.load(run).ok()).collect();
        let counted: Vec<&RunRecord> = known.iter().filter(|record| !record.plan.purpose.is_of_host()).collect();
        let own = |record: &RunRecord| (record.plan.cluster.uid.clone(), record.plan.installation.key());
        let mut left: BTreeMap<(String, String), usize> = BTreeMap::new();
        for record in &counted {
            *left.entry(own(record)).or_default() += 1;
        }
        let mut all = counted.len();
        for record in counted.into_iter().filter(|record| !record.state.is_unfinished()) {
            let of = own(record);
            let Some(number) = left.get_mut(&of) else { continue };
            let surplus = (of.0.as_str(), of.1.as_str()) == about && *number >= KEPT;
            if (surplus || (all >= KEPT_OF_ALL && *number > KEPT_AT_LEAST)) && self.purge(&record.run).is_ok() {
                *number -= 1;
                all -= 1;
            }
        }
        Ok(())
    }
}

/// By time, and within a second by number: the tenth comes after the second.
fn order(run: &str) -> (Vec<u64>, String) {
    (run.split('-').map(|part| part.parse().unwrap_or(0)).collect(), run.to_owned())
}

/// Only what `create` makes: a name from the command line must not lead out of the folder.
fn is_run_name(run: &str) -> bool {
    !run.is_empty() && run.chars().all(|c| c.is_ascii_digit() || c == '-')
}

fn lock(file: File, path: &Path, run: &str) -> Result<FileLock, JournalError> {
    let lock = FileLock::take(file).map_err(io(path))?;
    lock.ok_or_else(|| JournalError::Busy { run: run.to_owned() })
}

/// A kill in the middle of a write leaves a line without an end; what follows must start on a new one.
fn mend_last_line(path: &Path) -> Result<(), JournalError> {
    let text = fs::read(path).map_err(io(path))?;
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    if whole == text.len() {
        return Ok(());
    }
    let file = OpenOptions::new().write(true).open(path).map_err(io(path))?;
    file.set_len(whole as u64).and_then(|()| file.sync_data()).map_err(io(path))
}

/// The lines of a journal. A last one without an end was cut off by a kill: what it says was never promised to anybody.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(&bytes[..0], |end| &bytes[..end]);
    whole.split(|byte| *byte == b'\n').filter(|_| !whole.is_empty())
}

fn replay(path: &Path, bytes: &[u8]) -> Result<RunRecord, JournalError> {
    let broken = |line: usize, message: String| JournalError::Broken { path: path.to_owned(), line: line + 1, message };
    let mut record: Option<RunRecord> = None;
    let mut times = Times::default();
    for (number, line) in lines(bytes).enumerate() {
        let entry: Entry = serde_json::from_slice(line).map_err(|error| broken(number, error.to_string()))?;
        times.add(&entry);
        match (&mut record, entry) {
            (None, Entry::Opened { format, .. }) if format != FORMAT => {
                return Err(broken(number, format!("format {format}; this program reads {FORMAT}")));
            }
            (None, Entry::Opened { run, at, command, inputs, plan, .. }) => {
                let (inputs, plan, state, resumed) = (*inputs, *plan, RunState::Open, 0);
                let (done, agreed, causes) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
                let times = Times::default();
                record =
                    Some(RunRecord { run, at, command, inputs, plan, state, done, agreed, causes, resumed, times });
            }
            (Some(record), entry) => apply(record, entry),
            (None, _) => return Err(broken(number, "the first line does not open a run".to_owned())),
        }
    }
    let record = record.map(|record| RunRecord { times, ..record });
    record.ok_or_else(|| broken(0, "it is empty: the run was ended before its plan was written".to_owned()))
}

fn apply(record: &mut RunRecord, entry: Entry) {
    match entry {
        Entry::Opened { .. } | Entry::Intent { .. } | Entry::Answered { agreed: false, .. } => {}
        Entry::Answered { step, .. } => {
            record.agreed.insert(step);
        }
        // That a wait has come to its end is asked of the cluster again.
        Entry::Done { step, .. } => {
            if record.plan.step(&step).is_none_or(|step| step.change.writes()) {
                record.done.insert(step);
            }
        }
        Entry::Failed { cause, .. } => record.causes.push(cause),
        Entry::Resumed { .. } => {
            record.resumed += 1;
            record.state = RunState::Open;
            record.causes.clear();
        }
        Entry::Closed { ended, .. } => {
            record.state = match ended {
                Ended::Done => RunState::Done,
                Ended::Failed => RunState::Failed,
                Ended::Interrupted => RunState::Interrupted,
            };
        }
        Entry::Abandoned { .. } => record.state = RunState::Abandoned,
    }
}

#[cfg(test)]
mod tests;
