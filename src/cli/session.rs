//! What a command needs from outside: the global options, the environment, and where its output goes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use seaworthy::cluster::{Cluster, ConnectOptions, Meter, connect};
use seaworthy::doctor::change::file::Marks;
use seaworthy::engine::journal::Runs;
use seaworthy::host::Surroundings;
use seaworthy::images::registry::Registries;
use seaworthy::network::{self, Shore};
use seaworthy::plan::Reach;
use seaworthy::sandbox::{Kind, Sandbox};
use seaworthy::stack::Catalogue;
use serde::Serialize;
use serde_json::{Value, json};
use tracing_subscriber::EnvFilter;

use super::{Command, Failure, Format, Globals};
use crate::front::busy::Busy;
use crate::front::face::{Face, Lines};
use crate::front::fold::fold;
use crate::front::paint::Paint;
use crate::front::patience;
use crate::front::place::{self, Place, placed};
use crate::front::report_text::Style;
use crate::front::tui::model::{Kept, Turn};
use crate::front::{lines, screen, tell};

/// Version of the JSON documents that this program writes.
const SCHEMA_VERSION: u32 = 1;
/// How much faster than on the wall time goes in a sandbox that somebody looks at.
const PACE: u32 = 10;
/// How long the API server may take to answer the first request.
const CONNECT: Duration = Duration::from_secs(10);

/// One invocation.
pub(crate) struct Session {
    pub(crate) globals: Globals,
    pub(crate) here: Surroundings,
    meter: OnceLock<Meter>,
    sandbox: OnceLock<Sandbox>,
    /// What was chosen in the place of this session's clusters.
    turn: OnceLock<Turn>,
    /// What was answered before that, for whoever asks next.
    answers: Mutex<Option<Kept>>,
}

impl Session {
    /// # Errors
    /// When the log cannot be written where it is wanted.
    pub(crate) fn new(globals: Globals) -> Result<Self, Failure> {
        start_log(&globals)?;
        can_write_events(&globals)?;
        one_cluster(&globals)?;
        set_place(&globals);
        let here = Surroundings::new(variables(), rustix::process::geteuid().as_raw());
        lines::set(here.variable("TERM") == Some("dumb"));
        Ok(Self::at(globals, here))
    }

    fn at(globals: Globals, here: Surroundings) -> Self {
        Self {
            globals,
            here,
            meter: OnceLock::new(),
            sandbox: OnceLock::new(),
            turn: OnceLock::new(),
            answers: Mutex::default(),
        }
    }

    /// What was begun with these options goes on in a sandbox, or with the clusters that they name; answers that were given go along.
    pub(crate) fn turned(globals: &Globals, turn: Turn, before: &Self) -> Self {
        let sandbox = match turn {
            Turn::Sandbox(kind) => Some(kind),
            Turn::Machine => None,
        };
        let mut globals = Globals { sandbox, ..globals.clone() };
        if sandbox.is_some() {
            (globals.kubeconfig, globals.context) = (None, None);
        }
        set_place(&globals);
        let answers = Mutex::new(before.take_answers());
        Self { answers, ..Self::at(globals, before.here.clone()) }
    }

    /// The person has chosen a sandbox in the place of clusters, or the other way round.
    pub(crate) fn turn_to(&self, turn: Turn) {
        self.turn.get_or_init(|| turn);
    }

    /// Keeps what was answered for whoever asks next.
    pub(crate) fn keep_answers(&self, answers: Kept) {
        *self.answers.lock().unwrap_or_else(PoisonError::into_inner) = Some(answers);
    }

    /// What was answered before, once.
    pub(crate) fn take_answers(&self) -> Option<Kept> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// What was chosen so.
    pub(crate) fn turn(&self) -> Option<Turn> {
        self.turn.get().copied()
    }

    /// The same with the clusters of another kubeconfig file.
    pub(crate) fn with_kubeconfig(&self, file: &std::path::Path) -> Self {
        let globals = Globals { kubeconfig: Some(file.to_owned()), context: None, ..self.globals.clone() };
        set_place(&globals);
        Self::at(globals, self.here.clone())
    }

    /// The same, turned to another context: what is typed there is typed here.
    pub(crate) fn turned_to(&self, context: &str) -> Self {
        let mut globals = self.globals.clone();
        if globals.sandbox.is_none() {
            globals.context = Some(context.to_owned());
        }
        set_place(&globals);
        let sandbox = self.sandbox.get().cloned().map_or_else(OnceLock::new, OnceLock::from);
        Self { sandbox, ..Self::at(globals, self.here.clone()) }
    }

    /// Whether a display may move: a person looks at it, and did not ask for lines.
    pub(crate) fn is_lively(&self) -> bool {
        let dumb = self.here.variable("TERM") == Some("dumb") || self.here.variable("CI").is_some();
        std::io::stderr().is_terminal() && !self.globals.plain && !dumb
    }

    /// Whether the locale is UTF-8, by the rules of POSIX.
    pub(crate) fn is_unicode(&self) -> bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| self.here.variable(name));
        locale.is_some_and(|name| {
            let name = name.to_lowercase();
            name.contains("utf-8") || name.contains("utf8")
        })
    }

    /// Whether colours may be used on standard error.
    pub(crate) fn is_colourful(&self) -> bool {
        self.is_lively() && self.here.variable("NO_COLOR").is_none()
    }

    /// The front end without a screen of its own.
    pub(crate) fn face(&self) -> Face {
        let (lively, paint) = (self.is_lively(), Paint(self.is_colourful()));
        Face::Lines(Lines { lively, paint, events: self.globals.events.clone() })
    }

    /// A sign of life until what comes back is dropped.
    pub(crate) fn busy(&self, text: &str) -> Busy {
        Busy::begin(text, self.is_lively())
    }

    /// How a result on standard output is dressed.
    pub(crate) fn style(&self) -> Style {
        let variable = |name: &str| self.here.variable(name).filter(|value| !value.is_empty());
        let plain = self.globals.plain || variable("TERM") == Some("dumb");
        let coloured = std::io::stdout().is_terminal() && !plain && variable("NO_COLOR").is_none();
        // The first of these that is set says which letters the terminal knows.
        let letters = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable).unwrap_or_default().to_lowercase();
        let unicode = !plain && (letters.contains("utf-8") || letters.contains("utf8"));
        Style { paint: Paint(coloured), unicode }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.globals.output == Format::Json
    }

    /// Where runs, records and undo data are kept.
    pub(crate) fn state_dir(&self) -> Result<PathBuf, Failure> {
        let home = || self.here.at_home(".local/state");
        self.here
            .variable("SEAWORTHY_STATE_DIR")
            .map(PathBuf::from)
            .or_else(|| Some(self.here.variable("XDG_STATE_HOME").map(PathBuf::from).or_else(home)?.join("seaworthy")))
            .ok_or_else(|| {
                Failure::input(
                    "no-state-dir",
                    "there is no home folder to keep the journal in",
                    "set SEAWORTHY_STATE_DIR",
                )
            })
    }

    pub(crate) fn runs(&self) -> Result<Runs, Failure> {
        Ok(Runs::new(&self.state_dir()?))
    }

    /// How clusters look when nothing is wrong with them.
    pub(crate) fn marks(&self) -> Result<Marks, Failure> {
        Ok(Marks::new(&self.state_dir()?))
    }

    pub(crate) fn catalogue(&self) -> Catalogue {
        Catalogue::new(self.globals.profiles.clone())
    }

    /// The sandbox of this kind, opened once.
    pub(crate) fn sandbox(&self, kind: Kind) -> Result<&Sandbox, Failure> {
        if let Some(open) = self.sandbox.get() {
            return Ok(open);
        }
        let sandbox = Sandbox::open(&self.state_dir()?, kind)?;
        if self.is_lively() {
            sandbox.clock().play(PACE);
        }
        Ok(self.sandbox.get_or_init(|| sandbox))
    }

    /// What the stack promises of its ways in is what its simulated application answers, and what it says of its logs is what
    /// its simulated containers write.
    pub(crate) fn simulate(&self, ways: &[Reach], logs: (&str, &BTreeMap<String, Vec<String>>)) {
        if let Some(sandbox) = self.sandbox.get() {
            sandbox.simulate(ways, logs);
        }
    }

    /// Lets go of what was opened.
    pub(crate) fn close(&self) -> Result<(), Failure> {
        Ok(self.sandbox.get().map_or(Ok(()), Sandbox::save)?)
    }

    /// What the machine around the cluster has: this one, or that of a sandbox, which no engine here has anything to do with.
    pub(crate) async fn shore(&self) -> Shore {
        match self.sandbox.get() {
            Some(sandbox) => sandbox.shore(),
            None => network::shore(&self.here).await,
        }
    }

    /// Who may be asked for images: nobody from a sandbox, in which nothing is pulled.
    pub(crate) fn registries(&self) -> Option<Registries> {
        self.globals.sandbox.is_none().then(Registries::new)
    }

    pub(crate) async fn connect(&self) -> Result<Cluster, Failure> {
        let busy = self.busy("asking the cluster who it is");
        let cluster = self.connect_to(self.globals.context.as_deref()).await;
        drop(busy);
        cluster
    }

    /// Connects to another context than the one of the command line, without a sign of life: the full screen has its own.
    pub(crate) async fn connect_to(&self, context: Option<&str>) -> Result<Cluster, Failure> {
        if let Some(kind) = self.globals.sandbox {
            let cluster = self.sandbox(kind)?.cluster(Meter::new(self.globals.read_only));
            self.meter.get_or_init(|| cluster.meter.clone());
            return Ok(cluster);
        }
        let options = ConnectOptions {
            kubeconfig: self.globals.kubeconfig.clone(),
            context: context.map(str::to_owned),
            read_only: self.globals.read_only,
            timeout: CONNECT,
        };
        let cluster = connect(&self.here, &options).await?;
        self.meter.get_or_init(|| cluster.meter.clone());
        Ok(cluster)
    }

    /// The last word of `--read-only`: what it took.
    pub(crate) fn account(&self) {
        if let Some(meter) = self.meter.get().filter(|meter| meter.is_read_only()) {
            let counts = meter.counts();
            crate::front::say(format!("read-only: {} writes, {} reads", counts.writes, counts.reads + counts.dry));
        }
    }

    /// Writes a result: the text for people, or the document for programs.
    pub(crate) fn print(&self, kind: &str, document: &impl Serialize, text: impl FnOnce() -> String) {
        if self.is_json() {
            return write_out(&json_text(kind, document));
        }
        write_out(&fold(placed(&text()).trim_end(), screen::width(std::io::stdout())));
    }

    /// One of several results, as one line: the text, or the document.
    pub(crate) fn print_line(&self, kind: &str, document: &impl Serialize, text: impl FnOnce() -> String) {
        let line = if self.is_json() { document_of(kind, document).to_string() } else { placed(&text()) };
        write_out(line.trim_end());
    }

    /// The doctor's formats are nobody else's.
    ///
    /// # Errors
    /// When another command is asked for one of them.
    pub(crate) fn speaks(&self, command: Option<&Command>) -> Result<(), Failure> {
        let is_common = matches!(self.globals.output, Format::Text | Format::Json);
        if is_common || matches!(command, Some(Command::Doctor(_))) {
            return Ok(());
        }
        let hint = "leave -o out, or give -o json; junit and sarif are formats of `seaworthy doctor`";
        Err(Failure::input("usage", "only doctor writes junit and sarif", hint))
    }

    /// The same for a text that other programs read: no line of it is broken.
    pub(crate) fn print_as_it_is(&self, kind: &str, document: &impl Serialize, text: &str) {
        if self.is_json() { write_out(&json_text(kind, document)) } else { write_out(text.trim_end()) }
    }

    /// Shows a failure and gives its exit code.
    pub(crate) fn fail(&self, failure: &Failure) -> ExitCode {
        fail(failure, self.globals.output)
    }
}

/// Shows a failure as it was asked for, and gives its exit code.
pub(super) fn fail(failure: &Failure, format: Format) -> ExitCode {
    if format == Format::Json {
        return fail_as_json(failure);
    }
    for (number, line) in failure.message.lines().enumerate() {
        tell(&format!("{}{line}", if number == 0 { "error: " } else { "       " }));
    }
    if let Some(hint) = &failure.hint {
        tell(&format!(" hint: {hint}"));
    }
    for cause in &failure.causes {
        tell(&format!("  why: {cause}"));
    }
    ExitCode::from(failure.code())
}

/// From now on the commands that a text names lead to this cluster. A stack of one's own is found again where it was found.
fn set_place(globals: &Globals) {
    let Globals { sandbox, kubeconfig, context, profiles, timeout, .. } = globals;
    patience::set(*timeout);
    place::set(Place::of(*sandbox, kubeconfig.as_deref(), context.as_deref(), profiles));
}

/// A sandbox is no cluster of a kubeconfig: who names both means one of them.
fn one_cluster(globals: &Globals) -> Result<(), Failure> {
    let other = globals.kubeconfig.as_ref().map(|_| "--kubeconfig").or(globals.context.as_ref().map(|_| "--context"));
    match other.filter(|_| globals.sandbox.is_some()) {
        None => Ok(()),
        Some(other) => {
            let message = format!("--sandbox and {other} name two clusters");
            Err(Failure::input("two-clusters", message, "leave one of them out"))
        }
    }
}

/// Variables that are not text can hold nothing that this program looks for.
fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// A failure as the one document on standard output.
pub(super) fn fail_as_json(failure: &Failure) -> ExitCode {
    let hint = failure.hint.as_deref().map(placed);
    write_out(&json_text("Error", &json!({"error": Failure { hint, ..failure.clone() }})));
    ExitCode::from(failure.code())
}

fn json_text(kind: &str, document: &impl Serialize) -> String {
    format!("{:#}", document_of(kind, document))
}

pub(super) fn document_of(kind: &str, document: &impl Serialize) -> Value {
    let mut whole = json!({"schemaVersion": SCHEMA_VERSION, "kind": kind});
    match serde_json::to_value(document) {
        Ok(Value::Object(map)) => map.into_iter().for_each(|(key, value)| whole[key] = value),
        Ok(other) => whole["items"] = other,
        Err(error) => whole["error"] = json!({"id": "unserialisable", "message": error.to_string()}),
    }
    whole
}

/// Whether events can be written where they are wanted. A command that has none to write leaves the file empty.
fn can_write_events(globals: &Globals) -> Result<(), Failure> {
    let Some(path) = &globals.events else { return Ok(()) };
    File::options().create(true).append(true).open(path).map(drop).map_err(|error| {
        let message = format!("events cannot be written to {}: {error}", path.display());
        Failure::input("unwritable-file", message, "choose another file for --events")
    })
}

/// A reader that has gone away (`| head`) is no failure of ours.
pub(super) fn write_out(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

fn start_log(globals: &Globals) -> Result<(), Failure> {
    if globals.verbose == 0 && globals.log_file.is_none() {
        return Ok(());
    }
    let level = match globals.verbose {
        0 | 1 => "seaworthy=info",
        2 => "seaworthy=debug,kube=info",
        _ => "seaworthy=trace,kube=debug,tower=debug",
    };
    let log = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(level)).with_ansi(false);
    match &globals.log_file {
        Some(path) => {
            let file = File::options().create(true).append(true).open(path).map_err(|error| {
                let message = format!("the log cannot be written to {}: {error}", path.display());
                Failure::input("unwritable-file", message, "choose another file for --log-file")
            })?;
            log.with_writer(file).init();
        }
        None => log.with_writer(std::io::stderr).init(),
    }
    Ok(())
}
