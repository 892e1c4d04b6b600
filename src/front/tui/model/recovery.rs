//! What is lost, the plan that brings it back, and what came of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use seaworthy::object::ObjectRef;
use seaworthy::plan::verb::Verb;
use seaworthy::plan::{Action, Plan};
use seaworthy::recover::Loss;
use seaworthy::recover::agreement::Question;
use seaworthy::recover::report::Report;
use seaworthy::recover::subject::option;

use super::{Board, Line, Model, Row, RowState, Screen};
use crate::front::failure::Failure;
use crate::front::form::quoted;
use crate::front::recover_text::{FromBackup, Proposal};

/// The screens of a recovery, in their order, with their names.
pub(crate) const STAGES: [(Screen, &str); 4] =
    [(Screen::Losses, "Losses"), (Screen::Recovery, "Plan"), (Screen::Run, "Run"), (Screen::Report, "Report")];

/// What is known of losses, and of the recovery that was chosen.
#[derive(Default)]
pub(crate) struct Recovery {
    pub(crate) sight: Sight,
    /// What was seen last; it stays while somebody looks again, and when nothing more can be seen.
    pub(crate) last: Option<Box<Seen>>,
    /// The number of the last look.
    pub(crate) look: u64,
    /// The line of the losses and their playbooks.
    pub(crate) cursor: usize,
    /// How old the knowledge of the loss is, and when that was so, both in milliseconds.
    pub(crate) age: Option<(u64, u64)>,
    /// What was chosen.
    pub(crate) wanted: Option<Wanted>,
    /// The number of the last request for a plan.
    pub(crate) ticket: u64,
    /// Its plan, once it is made; or why there is none.
    pub(crate) plan: Option<Result<Box<Passage>, Box<Failure>>>,
    pub(crate) scroll: usize,
    /// The furthest line from which the plan was shown.
    pub(crate) seen: usize,
    /// How many of the questions are answered.
    pub(crate) agreed: usize,
    pub(crate) brake: Brake,
    /// A question of the run that was put off.
    pub(crate) put_off: Option<String>,
    /// A note that was begun and is not sent.
    pub(crate) note: Line,
    /// Something was noted beside this run.
    pub(crate) noted: bool,
    /// What came of the recovery; or why that cannot be told.
    pub(crate) report: Option<Result<Box<Told>, String>>,
    pub(crate) report_scroll: usize,
}

/// What was seen of losses.
#[derive(Default)]
pub(crate) enum Sight {
    /// Nobody has looked.
    #[default]
    None,
    /// Somebody looks; what is read now.
    Looking(String),
    /// It was seen.
    Seen,
    /// It could not be seen.
    Failed(Box<Failure>),
}

/// What is lost, by what was seen.
#[derive(Debug)]
pub(crate) struct Seen {
    /// When, by the clock of this machine.
    pub(crate) at: Timestamp,
    /// The losses, the certain ones first.
    pub(crate) losses: Vec<Known>,
    /// What could not be read, and why.
    pub(crate) unread: Vec<String>,
    /// How many records of healthy installations it was compared with.
    pub(crate) records: usize,
    /// Recoveries that did not come to their end, by the names of their runs, and what of.
    pub(crate) open: Vec<(String, String)>,
}

/// A loss, and what could be done about it.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) loss: Loss,
    /// When the data was last known to be well.
    pub(crate) last_good: Option<Timestamp>,
    pub(crate) proposals: Vec<Proposal>,
    /// A backup that has it, where no playbook brings it back.
    pub(crate) backup: Option<FromBackup>,
    /// Why no playbook is proposed, and what to do instead.
    pub(crate) instead: Vec<String>,
}

/// A line of the screen of losses.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Spot<'a> {
    /// What is lost.
    Loss(&'a Known),
    /// What could be done about it.
    Playbook(&'a Known, &'a Proposal),
    /// A recovery that did not come to its end: its run, and what of.
    Run(&'a str, &'a str),
}

impl Spot<'_> {
    /// What it is about, in the same words at every look.
    pub(crate) fn about(&self) -> String {
        let of = |known: &Known| {
            let object = known.loss.object();
            format!("{} {}", known.loss.kind.name(), object.map(ToString::to_string).unwrap_or_default())
        };
        match self {
            Self::Loss(known) => of(known),
            Self::Playbook(known, proposal) => format!("{} by {}", of(known), proposal.playbook),
            Self::Run(run, _) => (*run).to_owned(),
        }
    }
}

impl Seen {
    /// The lines.
    pub(crate) fn spots(&self) -> Vec<Spot<'_>> {
        let losses = self.losses.iter().flat_map(|known| {
            let playbooks = known.proposals.iter().map(move |proposal| Spot::Playbook(known, proposal));
            std::iter::once(Spot::Loss(known)).chain(playbooks)
        });
        let runs = self.open.iter().map(|(run, of)| Spot::Run(run, of));
        losses.chain(runs).collect()
    }

    /// How many losses are certain.
    pub(crate) fn certain(&self) -> usize {
        self.losses.iter().filter(|known| known.loss.certain).count()
    }
}

/// How the brake stands.
#[derive(Default)]
pub(crate) enum Brake {
    /// Nobody has pulled it.
    #[default]
    Loose,
    /// It is being pulled, for this scope.
    Pulling(String),
    /// What it came to.
    Held(Result<String, String>),
}

/// What a plan is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) context: String,
    pub(crate) what: What,
    /// Settings of the playbook that were typed.
    pub(crate) settings: BTreeMap<String, String>,
    /// What can still be read is not copied out.
    pub(crate) no_copy: bool,
    /// An unfinished run is given up for it.
    pub(crate) replan: bool,
    /// When the loss was recognised, by the clock of this machine.
    pub(crate) seen: Option<Timestamp>,
}

/// A new recovery, or one that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// A playbook, for a claim, or for a namespace as a whole.
    Playbook { name: String, subject: ObjectRef },
    /// A run that did not come to its end.
    Run(String),
}

impl Wanted {
    /// The command that does the same.
    pub(crate) fn command(&self) -> String {
        let (name, subject) = match &self.what {
            What::Run(run) => return format!("seaworthy runs resume {run}"),
            What::Playbook { name, subject } => (name, subject),
        };
        let (option, subject) = option(subject);
        let mut words = vec![format!("seaworthy recover {name} {option} {subject}")];
        words.extend(self.settings.iter().map(|(name, value)| format!("--set {}", quoted(&format!("{name}={value}")))));
        words.extend(self.no_copy.then(|| "--no-copy".to_owned()));
        words.extend(self.replan.then(|| "--replan".to_owned()));
        words.join(" ")
    }
}

/// The plan of a recovery, with all that is said before anybody agrees to it.
#[derive(Debug)]
pub(crate) struct Passage {
    pub(crate) plan: Plan,
    /// What has to be typed before it runs.
    pub(crate) asked: Vec<Question>,
    /// What can be set for it: name, title, and what it is now.
    pub(crate) settings: Vec<Setting>,
    /// Whether the playbook copies out what can still be read, where nobody forbids it.
    pub(crate) copies: bool,
    /// What is odd, but stops nothing.
    pub(crate) warnings: Vec<String>,
    /// How long it may take, as far as that is known.
    pub(crate) time: String,
    /// The unfinished run that it goes on with.
    pub(crate) goes_on: Option<String>,
    /// The unfinished run that is given up for it.
    pub(crate) gives_up: Option<String>,
    /// For how long the loss was known when this was planned, milliseconds; where an earlier run tells.
    pub(crate) known_for: Option<u64>,
}

/// Something that can be set for a playbook: a regular expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) value: String,
}

/// A report, and where it was written.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) report: Report,
    pub(crate) file: PathBuf,
}

impl Recovery {
    /// What was seen last, once anything was.
    pub(crate) fn known(&self) -> Option<&Seen> {
        self.last.as_deref()
    }

    /// The line that the cursor is on.
    pub(crate) fn spot(&self) -> Option<Spot<'_>> {
        self.known()?.spots().get(self.cursor).copied()
    }

    /// The plan, once it is made.
    pub(crate) fn passage(&self) -> Option<&Passage> {
        self.plan.as_ref()?.as_ref().ok().map(Box::as_ref)
    }

    /// The question that is to be answered next.
    pub(crate) fn question(&self) -> Option<&Question> {
        self.passage()?.asked.get(self.agreed)
    }

    /// What came of it, once that is known.
    pub(crate) fn told(&self) -> Option<&Told> {
        self.report.as_ref()?.as_ref().ok().map(Box::as_ref)
    }

    /// Whether the brake is being pulled.
    pub(crate) fn is_braking(&self) -> bool {
        matches!(self.brake, Brake::Pulling(_))
    }

    /// For how long the loss has been known, at this time.
    pub(crate) fn known_for(&self, now: u64) -> u64 {
        self.age.map_or(0, |(age, at)| age + now.saturating_sub(at))
    }

    /// The namespace of the loss that the cursor is on, or that the plan is about.
    pub(crate) fn namespace(&self, screen: Screen) -> Option<String> {
        if screen == Screen::Recovery {
            return self.passage().map(|passage| passage.plan.installation.namespace.clone());
        }
        match self.spot()? {
            Spot::Loss(known) | Spot::Playbook(known, _) => known.loss.home().map(str::to_owned),
            Spot::Run(..) => None,
        }
    }
}

impl Model {
    /// Whether the run on the screen is a recovery.
    pub(crate) fn is_recovering(&self) -> bool {
        self.board.as_ref().is_some_and(|board| board.recovery.is_some())
    }

    /// Whether one of the screens of a recovery is shown.
    pub(crate) fn is_in_recovery(&self) -> bool {
        matches!(self.screen, Screen::Losses | Screen::Recovery | Screen::Report)
            || self.screen == Screen::Run && self.is_recovering()
    }

    /// Whether something of a recovery is awaited on the screen.
    pub(crate) fn recovery_moves(&self) -> bool {
        let recovery = &self.recovery;
        let looking = matches!(recovery.sight, Sight::Looking(_)) && self.screen == Screen::Losses;
        let planning = recovery.plan.is_none() && self.screen == Screen::Recovery;
        let reporting = recovery.report.is_none() && self.screen == Screen::Report;
        looking || planning || reporting || recovery.is_braking()
    }
}

impl Board {
    /// What the recovery has stopped and not started again, by what is done until now.
    pub(crate) fn stopped(&self) -> Vec<String> {
        let mut stopped: Vec<String> = Vec::new();
        let is_done = |row: &&Row| matches!(row.state, RowState::Done { .. });
        for (name, is_stopped) in self.rows.iter().filter(is_done).filter_map(|row| row.stops.clone()) {
            stopped.retain(|known| *known != name);
            stopped.extend(is_stopped.then_some(name));
        }
        stopped
    }
}

/// What a step of a recovery stops or starts again.
pub(super) fn stops(action: &Action) -> Option<(String, bool)> {
    let Action::Rescue { verb, .. } = action else { return None };
    match verb.as_ref() {
        Verb::Scale { workload, to, .. } => Some((workload.object.short(), *to == 0)),
        _ => None,
    }
}
