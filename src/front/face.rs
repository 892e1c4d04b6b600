//! The front end that a voyage speaks through: lines on standard error, or the full screen.

mod link;

use std::path::PathBuf;

use seaworthy::event::Event;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::ask::{self, Answer, Ask};
use super::paint::Paint;
use super::plain::{End, Plain};
use super::{can_ask, say};
use crate::front::signals::{self, Signals};
pub(crate) use link::Link;

/// What the first signal of a run is answered with.
const FAREWELL: &str = "stopping after what is under way; once more to stop at once";

/// One front end.
#[derive(Debug, Clone)]
pub(crate) enum Face {
    /// Lines, and questions below them.
    Lines(Lines),
    /// The full screen.
    Screen(Link),
}

/// How the lines look, and where the events go besides.
#[derive(Debug, Clone)]
pub(crate) struct Lines {
    /// With a moving part.
    pub(crate) lively: bool,
    /// The colours.
    pub(crate) paint: Paint,
    /// `--events`.
    pub(crate) events: Option<PathBuf>,
}

impl Face {
    /// Shows what is to be agreed to. On the full screen that was looked at before.
    pub(crate) fn show(&self, text: impl FnOnce(Paint) -> String) {
        if let Self::Lines(lines) = self {
            say(text(lines.paint));
        }
    }

    /// A line that belongs to no step.
    pub(crate) fn say(&self, line: &str) {
        match self {
            Self::Lines(_) => say(line),
            Self::Screen(link) => link.say(line),
        }
    }

    /// The same for something that went well.
    pub(crate) fn say_well(&self, line: &str) {
        match self {
            Self::Lines(_) => say(line),
            Self::Screen(link) => link.say_well(line),
        }
    }

    /// Puts a question to the user. `None`: nobody is there who could answer.
    pub(crate) async fn ask(&self, ask: Ask) -> color_eyre::Result<Option<Answer>> {
        match self {
            Self::Lines(_) if !can_ask() => Ok(None),
            Self::Lines(_) => ask::put(&ask).map(Some),
            Self::Screen(link) => Ok(link.ask(ask).await),
        }
    }

    /// Shows the events of a run until it ends.
    pub(crate) fn follow(&self, events: mpsc::Receiver<Event>, end: End) -> color_eyre::Result<JoinHandle<()>> {
        match self {
            Self::Lines(lines) => {
                let plain = Plain::new(lines.lively, lines.paint, lines.events.as_deref())?;
                Ok(tokio::spawn(plain.ending_with(end).follow(events)))
            }
            Self::Screen(link) => link.follow(events),
        }
    }

    /// What stops a run in good order.
    pub(crate) fn signals(&self) -> Signals {
        match self {
            Self::Lines(_) => signals::watch(FAREWELL),
            Self::Screen(link) => link.signals.clone(),
        }
    }
}
