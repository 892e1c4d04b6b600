//! The way from a run to the full screen and back.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use seaworthy::event::Event;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::front::ask::{Answer, Ask};
use crate::front::event_log::EventLog;
use crate::front::signals::Signals;
use crate::front::tui::model::Message;

/// A run tells the screen, and the screen answers.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    screen: mpsc::Sender<Message>,
    /// Whoever waits for the answer to a question.
    waiting: Arc<Mutex<Option<oneshot::Sender<Answer>>>>,
    events: Option<PathBuf>,
    /// What stops the run.
    pub(crate) signals: Signals,
}

impl Link {
    pub(crate) fn new(screen: mpsc::Sender<Message>, events: Option<PathBuf>, signals: Signals) -> Self {
        Self { screen, waiting: Arc::default(), events, signals }
    }

    /// A line for the screen. It is gone when nobody takes it.
    pub(super) fn say(&self, line: &str) {
        self.send(Message::Said { line: line.to_owned(), good: false });
    }

    /// The same for what went well.
    pub(super) fn say_well(&self, line: &str) {
        self.send(Message::Said { line: line.to_owned(), good: true });
    }

    fn send(&self, message: Message) {
        if let Err(TrySendError::Full(message)) = self.screen.try_send(message) {
            let screen = self.screen.clone();
            tokio::spawn(async move { screen.send(message).await });
        }
    }

    /// The plan was agreed to when it was started from the screen that shows it; everything else is asked there.
    pub(super) async fn ask(&self, ask: Ask) -> Option<Answer> {
        let (question, word) = match ask {
            Ask::Agree => return Some(Answer::Yes),
            Ask::Whether { question } => (question, None),
            Ask::Typed { question, word } => (question, Some(word)),
        };
        let (sender, receiver) = oneshot::channel();
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        self.screen.send(Message::Asked { question, word }).await.ok()?;
        let stop = self.signals.token();
        tokio::select! {
            answer = receiver => answer.ok(),
            () = stop.cancelled() => Some(Answer::Interrupted),
        }
    }

    /// The person has answered.
    pub(crate) fn answer(&self, agreed: bool) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waiting) = waiting {
            // A run that was stopped meanwhile takes no answer.
            let _ = waiting.send(if agreed { Answer::Yes } else { Answer::No });
        }
    }

    /// Passes the events on until the run ends.
    pub(super) fn follow(&self, mut events: mpsc::Receiver<Event>) -> color_eyre::Result<JoinHandle<()>> {
        let mut log = EventLog::open(self.events.as_deref())?;
        let link = self.clone();
        Ok(tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if let Some(why) = log.write(&event) {
                    link.say(&why);
                }
                let last = matches!(event, Event::Finished { .. });
                // The screen is gone when nobody takes it; the run goes on to its end.
                let _ = link.screen.send(Message::Event(Box::new(event))).await;
                if last {
                    break;
                }
            }
        }))
    }
}
