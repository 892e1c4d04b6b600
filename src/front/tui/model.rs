//! All that the full screen knows. Only `update` changes it, and only `view` reads it to draw.

mod board;
mod clusters;
pub(crate) mod find;
mod groundwork;
mod home;
mod kept;
mod line;
mod logs;
mod message;
mod recovery;
mod review;
mod sheet;
mod shell;
mod walk;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, LazyLock};

use seaworthy::event::Ended;
use seaworthy::plan::{Purpose, Reach};
use seaworthy::prepare::Room;
use seaworthy::prepare::outline::Outline;
use seaworthy::recover::map::Chain;
use seaworthy::sandbox::Kind;
use seaworthy::stack::{Choices, Stack};

use super::keys::Place;
use super::view;
use crate::front::failure::Failure;
use crate::front::look::Look;
use crate::front::origin::{Field, Origin, Way};
use crate::front::yard::Maker;
pub(crate) use board::{Board, Notice, Post, Row, RowState};
pub(crate) use clusters::{Berth, Clusters, Standing};
pub(crate) use groundwork::{Footing, Groundwork, Preparation, needed, pools};
pub(crate) use home::{Entry, Part, Watch, describe, kubectl};
pub(crate) use kept::Kept;
pub(crate) use line::Line;
pub(crate) use logs::Logs;
pub(crate) use message::{Effect, Exit, Message, Request, Turn};
pub(crate) use recovery::{
    Brake, Known, Passage, Recovery, STAGES, Seen, Setting, Sight, Spot as LossSpot, Told, Wanted, What,
};
pub(crate) use review::{Draft, Made, Review, Stage};
pub(crate) use sheet::{Sheet, Spot};
pub(crate) use walk::Tour;

/// The steps of the way, in their order; and beside it home, with the storage map, the symptoms of stacks, and what is lost behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Screen {
    Home,
    Storage,
    Walks,
    Walk,
    Losses,
    /// The plan of a recovery.
    Recovery,
    /// What came of one.
    Report,
    Cluster,
    Stack,
    Images,
    Profile,
    Prerequisites,
    Settings,
    Review,
    Run,
    Reach,
}

/// Those of the way, with their names.
pub(crate) const SCREENS: [(Screen, &str); 9] = [
    (Screen::Cluster, "Cluster"),
    (Screen::Stack, "Stack"),
    (Screen::Images, "Images"),
    (Screen::Profile, "Profile"),
    (Screen::Prerequisites, "Prerequisites"),
    (Screen::Settings, "Settings"),
    (Screen::Review, "Review"),
    (Screen::Run, "Run"),
    (Screen::Reach, "Reach"),
];

/// What the command line has said already.
#[allow(clippy::struct_excessive_bools, reason = "each is an option that was typed or not")]
#[derive(Debug, Clone, Default)]
pub(crate) struct Wish {
    /// `--context`.
    pub(crate) context: Option<String>,
    /// `--sandbox`.
    pub(crate) sandbox: Option<Kind>,
    /// `--kubeconfig`, or the file of a cluster that was made on the way.
    pub(crate) kubeconfig: Option<PathBuf>,
    /// `--profiles`: the folders of stacks of one's own.
    pub(crate) profiles: Vec<PathBuf>,
    /// `--namespace`.
    pub(crate) namespace: Option<String>,
    /// `--namespace` and the other options that the way does not ask for, as they would be typed.
    pub(crate) options: Vec<String>,
    /// Values, and the profile.
    pub(crate) choices: Choices,
    /// `--registry`.
    pub(crate) registry: Option<String>,
    /// Whether the command line says where the images come from.
    pub(crate) images: bool,
    /// `--read-only`: a plan that would write is refused.
    pub(crate) read_only: bool,
    /// `--dry-run`: the plan is only shown.
    pub(crate) dry_run: bool,
    /// Nothing was asked for: the chosen cluster is looked at before anything is installed.
    pub(crate) home: bool,
}

/// What lies over the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Popup {
    /// The keys, from this line on.
    Help(usize),
    /// All that is to be said about the line under the cursor, from this line on.
    Details(usize),
    /// The name of a file, to save or to load.
    File { save: bool, line: Line },
    /// Something about where the images come from.
    Field { field: Field, line: Line },
    /// The addresses for load balancers.
    Pool { line: Line },
    /// The registry of what is added before the stack.
    Registry { line: Line },
    /// A cluster is to be made: its name is asked for first, and how many nodes it has then.
    Make { maker: Maker, name: Option<String>, line: Line },
    /// A question of the run, answered by typing a word.
    Word { question: String, word: String, line: Line },
    /// A question of the run, answered with yes or no.
    Whether { question: String },
    /// What has to be agreed to before a recovery runs, by its word.
    Agree { line: Line },
    /// A setting of the playbook, by its number.
    Setting { number: usize, line: Line },
    /// Something for the report of a recovery.
    Note { line: Line },
    /// Whether to stop the run.
    Leave,
    /// What to look for.
    Filter { line: Line },
}

impl Popup {
    /// Whether something is typed into it.
    pub(crate) fn is_typed(&self) -> bool {
        !matches!(self, Self::Help(_) | Self::Details(_) | Self::Leave | Self::Whether { .. })
    }

    /// What is typed into it.
    pub(crate) fn line(&mut self) -> Option<&mut Line> {
        match self {
            Self::File { line, .. }
            | Self::Field { line, .. }
            | Self::Pool { line }
            | Self::Registry { line }
            | Self::Make { line, .. }
            | Self::Word { line, .. }
            | Self::Agree { line }
            | Self::Setting { line, .. }
            | Self::Note { line }
            | Self::Filter { line } => Some(line),
            Self::Help(_) | Self::Details(_) | Self::Leave | Self::Whether { .. } => None,
        }
    }

    /// The line that it begins with, where it can be scrolled.
    pub(crate) fn first_line(&mut self) -> Option<&mut usize> {
        match self {
            Self::Help(from) | Self::Details(from) => Some(from),
            _ => None,
        }
    }
}

/// A line for the person, below the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) text: String,
    pub(crate) bad: bool,
}

/// The stacks that can be chosen.
#[derive(Default)]
pub(crate) struct Stacks {
    /// `None` until they are read.
    pub(crate) found: Option<Vec<Arc<Stack>>>,
    /// Those that cannot be used, and why.
    pub(crate) broken: Vec<String>,
    pub(crate) cursor: usize,
    /// The one to begin at.
    pub(crate) wanted: Option<String>,
}

/// Where the images come from.
#[derive(Debug, Default)]
pub(crate) struct Images {
    pub(crate) cursor: usize,
    pub(crate) origin: Origin,
    /// The way that was answered and means nothing in the sandbox.
    pub(crate) set_aside: Option<Way>,
}

/// What the chosen cluster offers to a profile.
#[derive(Default)]
pub(crate) struct Profiles {
    pub(crate) cursor: usize,
    /// The context that was asked, and its answer once it is there.
    pub(crate) room: Option<(String, Option<Result<Room, String>>)>,
    /// What each profile comes to, in their order, with what was chosen when the stack was.
    pub(crate) outlines: Vec<Outline>,
}

/// What stands for a profile of which nothing is known.
static NOTHING: LazyLock<Outline> = LazyLock::new(Outline::default);

impl Profiles {
    /// What a profile comes to, by its number.
    pub(crate) fn outline(&self, index: usize) -> &Outline {
        self.outlines.get(index).unwrap_or(&NOTHING)
    }

    /// What the cluster that was asked offers, once it has said so.
    pub(crate) fn offered(&self) -> Option<&Room> {
        match &self.room {
            Some((_, Some(Ok(room)))) => Some(room),
            _ => None,
        }
    }
}

/// The ways in, once the stack is installed.
#[derive(Debug, Default)]
pub(crate) struct Ways {
    pub(crate) all: Vec<Reach>,
    pub(crate) cursor: usize,
    /// The entry that is open, and its address, or why it could not be opened.
    pub(crate) open: Option<(usize, Option<Result<String, String>>)>,
}

impl Ways {
    /// Whether the one that the cursor is on is neither open nor about to be.
    pub(crate) fn can_be_opened(&self) -> bool {
        let is_open = matches!(&self.open, Some((at, None | Some(Ok(_)))) if *at == self.cursor);
        !self.all.is_empty() && !is_open
    }

    /// The address of the one that the cursor is on, once it is open.
    pub(crate) fn address(&self) -> Option<String> {
        match &self.open {
            Some((open, Some(Ok(url)))) if *open == self.cursor => {
                Some(format!("{url}{}", self.all.get(self.cursor)?.path))
            }
            _ => None,
        }
    }
}

/// Everything.
pub(crate) struct Model {
    pub(crate) look: Look,
    /// Columns and lines of the terminal.
    pub(crate) size: (u16, u16),
    /// Milliseconds since the start.
    pub(crate) clock: u64,
    /// The same by the clock of the cluster: a run is told by no other.
    pub(crate) time: u64,
    pub(crate) screen: Screen,
    pub(crate) popup: Option<Popup>,
    pub(crate) note: Option<Note>,
    pub(crate) wish: Wish,
    pub(crate) clusters: Clusters,
    pub(crate) stacks: Stacks,
    pub(crate) images: Images,
    pub(crate) profiles: Profiles,
    pub(crate) groundwork: Groundwork,
    /// Every stack that was looked at keeps its answers.
    pub(crate) sheets: BTreeMap<String, Sheet>,
    pub(crate) review: Review,
    pub(crate) board: Option<Board>,
    /// What is lost, and how it comes back.
    pub(crate) recovery: Recovery,
    /// The logs that lie over the run.
    pub(crate) logs: Option<Logs>,
    /// How often logs were asked for.
    pub(crate) asked_logs: u64,
    pub(crate) ways: Ways,
    pub(crate) watch: Watch,
    /// Where the person is among the symptoms of a stack.
    pub(crate) tour: Tour,
    /// What was looked for last with `/`.
    pub(crate) sought: String,
    /// The command of ours that the screen makes room for.
    pub(crate) aside: Option<Vec<String>>,
    /// What came while it did.
    pub(crate) missed: Vec<Message>,
    /// Whether it has made room for one: what that has written is not known here.
    pub(crate) was_aside: bool,
    /// How the last run ended.
    pub(crate) last: Option<Result<ExitCode, Failure>>,
}

impl Model {
    pub(crate) fn new(look: Look, size: (u16, u16), wish: Wish) -> Self {
        Self {
            look,
            size,
            clock: 0,
            time: 0,
            screen: Screen::Cluster,
            popup: None,
            note: None,
            clusters: Clusters::new(wish.context.clone(), wish.sandbox.is_some()),
            wish,
            stacks: Stacks::default(),
            images: Images::default(),
            profiles: Profiles::default(),
            groundwork: Groundwork::default(),
            sheets: BTreeMap::new(),
            review: Review::default(),
            board: None,
            recovery: Recovery::default(),
            logs: None,
            asked_logs: 0,
            ways: Ways::default(),
            watch: Watch::default(),
            tour: Tour::default(),
            sought: String::new(),
            aside: None,
            missed: Vec::new(),
            was_aside: false,
            last: None,
        }
    }

    /// Which keys count.
    pub(crate) fn place(&self) -> Place {
        match &self.popup {
            Some(Popup::Help(_) | Popup::Details(_)) => return Place::Help,
            Some(Popup::Leave) => return Place::Leave,
            Some(Popup::Whether { .. }) => return Place::Question,
            Some(_) => return Place::Prompt,
            None => {}
        }
        self.place_below()
    }

    /// Which keys count on the screen itself.
    pub(crate) fn place_below(&self) -> Place {
        match self.screen {
            Screen::Home => Place::Home,
            Screen::Storage => Place::Storage,
            Screen::Walks => Place::Walks,
            Screen::Walk => Place::Walk,
            Screen::Losses => Place::Losses,
            Screen::Recovery => Place::Recovery,
            Screen::Report => Place::Report,
            Screen::Cluster => Place::Cluster,
            Screen::Stack => Place::Stack,
            Screen::Images => Place::Images,
            Screen::Profile if view::has_columns(self) => Place::Columns,
            Screen::Profile => Place::Profile,
            Screen::Prerequisites => Place::Prerequisites,
            Screen::Settings if self.sheet().is_some_and(|sheet| sheet.editing.is_some()) => Place::Edit,
            Screen::Settings => Place::Settings,
            Screen::Review => Place::Review,
            Screen::Run if self.logs.is_some() => Place::Logs,
            Screen::Run if self.is_running() => Place::Run,
            Screen::Run => Place::Ended,
            Screen::Reach => Place::Reach,
        }
    }

    /// Whether the run is shown over its time.
    pub(crate) fn has_timeline(&self) -> bool {
        self.board.as_ref().is_some_and(|board| board.timeline)
    }

    /// Whether the last run came to a good end.
    pub(crate) fn is_done(&self) -> bool {
        let outcome = self.board.as_ref().and_then(|board| board.outcome.as_ref());
        outcome.is_some_and(|outcome| outcome.ended == Ended::Done)
            && matches!(self.last, Some(Ok(code)) if code == ExitCode::SUCCESS)
    }

    /// Whether a run is under way.
    pub(crate) fn is_running(&self) -> bool {
        self.board.as_ref().is_some_and(|board| !board.ended)
    }

    /// Whether the plan on the screen puts images into nodes, before the installation.
    pub(crate) fn is_loading(&self) -> bool {
        !self.is_recovering() && self.review.made().is_some_and(|made| made.plan.purpose == Purpose::LoadImages)
    }

    /// Whether the plans on the screen are what has to be there before the installation.
    pub(crate) fn is_preparing(&self) -> bool {
        !self.is_recovering() && self.review.made().is_some_and(|made| made.stage == Stage::Prerequisites)
    }

    /// Whether something moves on the screen.
    pub(crate) fn is_busy(&self) -> bool {
        let looking = self.screen == Screen::Cluster && !self.clusters.done;
        let surveying = matches!(self.profiles.room, Some((_, None))) && self.screen == Screen::Profile;
        let asking = self.screen == Screen::Prerequisites && self.groundwork.is_asking();
        let planning = matches!(self.review.draft, Draft::Making) && self.screen == Screen::Review;
        let opening = matches!(self.ways.open, Some((_, None))) && self.screen == Screen::Reach;
        let watching = self.is_at_home() && self.watch.known().is_none_or(|home| home.freshness.awaited > 0);
        let listening = self.logs.as_ref().is_some_and(|logs| logs.lines.is_empty() && logs.over.is_none());
        let hearing = self.screen == Screen::Walk && self.tour.awaited;
        let waiting = listening
            || hearing
            || looking
            || surveying
            || asking
            || planning
            || opening
            || watching && self.watch.home_may_come();
        waiting || self.is_running() || self.recovery_moves() || self.stacks.found.is_none()
    }

    /// Whether `/` hides lines here; elsewhere it leads to the next that holds the words.
    pub(crate) fn filters(&self) -> bool {
        self.is_at_home() || self.logs.is_some()
    }

    /// Whether the cluster is looked at.
    pub(crate) fn is_at_home(&self) -> bool {
        matches!(self.screen, Screen::Home | Screen::Storage | Screen::Walks | Screen::Walk)
    }

    /// The line of the home screen that the cursor is on.
    pub(crate) fn entry(&self) -> Option<Entry<'_>> {
        self.watch.entries(&self.filter()).get(self.watch.cursor).copied()
    }

    /// The line of the storage map that the cursor is on.
    pub(crate) fn chain(&self) -> Option<&Chain> {
        self.watch.chains(&self.filter()).get(self.watch.link).copied()
    }

    /// What is looked for: as it is typed.
    pub(crate) fn filter(&self) -> String {
        match &self.popup {
            Some(Popup::Filter { line }) => line.text(),
            _ => match &self.logs {
                Some(logs) if self.screen == Screen::Run => logs.filter.clone(),
                _ => self.watch.filter.clone(),
            },
        }
    }

    /// The stack that the cursor is on.
    pub(crate) fn stack(&self) -> Option<&Arc<Stack>> {
        self.stacks.found.as_ref()?.get(self.stacks.cursor)
    }

    /// The settings of that stack.
    pub(crate) fn sheet(&self) -> Option<&Sheet> {
        self.sheets.get(self.stack()?.name())
    }

    pub(crate) fn sheet_mut(&mut self) -> Option<&mut Sheet> {
        let name = self.stack()?.name().to_owned();
        self.sheets.get_mut(&name)
    }

    /// The name of the profile that the cursor is on.
    pub(crate) fn profile(&self) -> Option<&str> {
        self.stack()?.definition().profiles.keys().nth(self.profiles.cursor).map(String::as_str)
    }

    /// Says something below the screen.
    pub(crate) fn tell(&mut self, text: impl Into<String>) {
        self.note = Some(Note { text: text.into(), bad: false });
    }

    /// Says below the screen what is wrong.
    pub(crate) fn complain(&mut self, text: impl Into<String>) {
        self.note = Some(Note { text: text.into(), bad: true });
    }
}
