//! What happens to the full screen, and what it wants done.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use crossterm::event::KeyEvent;
use seaworthy::doctor::walk::{LogAsk, Words};
use seaworthy::event::Event;
use seaworthy::home::Home;
use seaworthy::host::HostEvent;
use seaworthy::logs::Said;
use seaworthy::object::ObjectRef;
use seaworthy::plan::{self, Reach};
use seaworthy::prepare::Room;
use seaworthy::prerequisites::Ground;
use seaworthy::sandbox::Kind;
use seaworthy::stack::{Choices, Stack, Text};

use super::recovery::{Passage, Seen, Told, Wanted};
use super::review::Made;
use crate::front::failure::Failure;
use crate::front::first::First;
use crate::front::origin::Origin;
use crate::front::yard::Yard;

/// Something happened.
pub(crate) enum Message {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has another size.
    Resize(u16, u16),
    /// Time has passed: milliseconds since the start, here and by the clock of the cluster, which in a sandbox is another.
    Tick { clock: u64, time: u64 },
    /// Something is known of this machine's clusters.
    Host(HostEvent),
    /// All is known.
    Looked,
    /// What is in a sandbox of an earlier visit: how many stacks, `None` where there was none; or why that cannot be told.
    Sandbox { kind: Kind, used: Result<Option<usize>, String> },
    /// The ways to make a cluster on this machine are known.
    Yards(Vec<Yard>),
    /// The stacks are read.
    Stacks { found: Vec<Arc<Stack>>, broken: Vec<String> },
    /// What is known of the cluster that is looked at; or why nothing can be.
    Home { context: String, home: Result<Box<Home>, String> },
    /// Logs that steps of a walk-through ask for were read. The number is the question's.
    Words { ticket: u64, words: Words },
    /// What a cluster offers is known.
    Surveyed { context: String, room: Result<Room, String> },
    /// What the prerequisites are judged by is known.
    Grounded { context: String, ground: Result<Arc<Ground>, String> },
    /// A plan was made, or refused. The number is the request's.
    Planned { ticket: u64, made: Result<Box<Made>, Box<Failure>> },
    /// The run tells something.
    Event(Box<Event>),
    /// The run says a line; `good`: that something went well.
    Said { line: String, good: bool },
    /// The run asks: for a word, or for yes or no.
    Asked { question: String, word: Option<String> },
    /// Logs have said this. The number is the question's.
    Logs { ticket: u64, said: Vec<Said> },
    /// Nothing more comes of them, because.
    LogsOver { ticket: u64, why: String },
    /// The run is over.
    Ended(Result<ExitCode, Box<Failure>>),
    /// The way in is open at this address, or not.
    Opened(Result<String, String>),
    /// A values file was written, or not.
    Saved(Result<Text, String>),
    /// A values file was read, or not.
    Loaded(Result<Text, String>),
    /// Whoever looks for losses reads this now. The number is the look's.
    Looking { ticket: u64, what: String },
    /// What is lost is known; or why it cannot be. The number is the look's.
    Sighted { ticket: u64, seen: Result<Box<Seen>, Box<Failure>> },
    /// The plan of a recovery was made, or refused. The number is the request's.
    Charted { ticket: u64, passage: Result<Box<Passage>, Box<Failure>> },
    /// What the brake came to, in words.
    Held(Result<String, String>),
    /// A note was written down, or not.
    Noted { text: String, written: Result<(), String> },
    /// What came of a recovery, or why that cannot be told.
    Reported(Result<Box<Told>, String>),
    /// A signal asks to end; 128 plus its number.
    Signal(u8),
    /// SIGTSTP: the shell wants the terminal.
    Stopped,
    /// SIGCONT: the shell has given it back.
    Continued,
}

/// Something is to be done. Its answer comes back as a message.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Ask this machine for its clusters.
    Look,
    /// Ask engines and tools how a cluster could be made.
    Yards,
    /// Read the stacks.
    Stacks,
    /// Look at a cluster from now on, and no longer at another.
    Watch { context: String },
    /// Read the logs that steps of a walk-through ask for.
    Words { ticket: u64, context: String, asks: Vec<LogAsk> },
    /// Put a text into the clipboard.
    Copy(String),
    /// Ask a cluster what it offers.
    Survey { context: String },
    /// Make a plan. A later request makes this one pointless.
    Plan { ticket: u64, request: Box<Request> },
    /// Run the plan that was made last.
    Run,
    /// Stop the run; the second time at once.
    Stop(u8),
    /// Answer the run's question.
    Answer(bool),
    /// Follow the logs of the pods of an object, and no longer those of another.
    Logs { ticket: u64, object: ObjectRef },
    /// Follow no logs any more.
    NoLogs,
    /// Open a way in, and close the one that is open.
    Open(Box<Reach>),
    /// Close the way in.
    Close,
    /// Look for losses.
    Sight { ticket: u64, context: String },
    /// Make the plan of a recovery. A later request makes this one pointless.
    Chart { ticket: u64, wanted: Box<Wanted> },
    /// Pull the brake, in this namespace or everywhere.
    Hold { context: String, namespace: Option<String> },
    /// Write a note down beside a run.
    Note { run: String, text: String },
    /// Tell what came of a run.
    Report { run: String },
    /// Write a values file.
    Save { path: PathBuf, text: String },
    /// Read a values file.
    Load { path: PathBuf },
    /// Ask to be stopped, with all that belongs to this command, as the terminal does at Ctrl-Z.
    Suspend,
    /// Stop, and take the terminal again when the shell calls.
    Sleep,
    /// Take the terminal again, however it was left.
    Retake,
    /// Leave.
    Quit(Exit),
}

/// What a plan is made from.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) context: String,
    pub(crate) stack: Arc<Stack>,
    pub(crate) choices: Choices,
    pub(crate) origin: Origin,
    /// What is to be there before it.
    pub(crate) prerequisites: Option<First>,
    pub(crate) conflicts: Option<plan::Choice>,
    pub(crate) adopt: bool,
    pub(crate) replan: bool,
}

/// How the full screen was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Without a run.
    Declined,
    /// By a signal or Ctrl-C without a run: the exit code.
    Interrupted(u8),
    /// After a run, or where none was to be.
    Ended,
    /// For a command of ours; the screen comes back.
    Aside,
    /// For this sandbox, or from it for the clusters of this machine.
    Turn(Turn),
}

/// Other clusters than those that a session was begun with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// A simulated one.
    Sandbox(Kind),
    /// Those of this machine.
    Machine,
}
