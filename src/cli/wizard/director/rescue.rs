//! What the screens of a recovery want done.

use std::process::ExitCode;
use std::sync::PoisonError;
use std::time::Duration;

use seaworthy::error::Class;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Crew;
use crate::cli::Failure;
use crate::cli::landing::Landing;
use crate::cli::wizard::recovery;
use crate::front::tui::model::{Message, Wanted};

/// How long a cluster may take that is asked for every volume and every member of an etcd.
const LONG_PATIENCE: Duration = Duration::from_secs(90);

impl Crew {
    pub(super) fn sight(&mut self, ticket: u64, context: String) {
        if let Some(older) = self.sighting.take() {
            older.abort();
        }
        let (session, messages) = (self.session.clone(), self.messages.clone());
        self.sighting = Some(self.begin(async move {
            // What is read is told for the eye alone: a busy screen goes without.
            let tell = |what| drop(messages.try_send(Message::Looking { ticket, what }));
            let seen = timeout(LONG_PATIENCE, Box::pin(recovery::sight(&session, &context, tell))).await;
            let seen = seen.unwrap_or_else(|_| Err(too_late()));
            Message::Sighted { ticket, seen: seen.map(Box::new).map_err(Box::new) }
        }));
    }

    pub(super) fn chart(&mut self, ticket: u64, wanted: Box<Wanted>) {
        if let Some(older) = self.planning.take() {
            older.abort();
        }
        let (session, drafted) = (self.session.clone(), self.drafted.clone());
        self.planning = Some(self.begin(async move {
            let made = timeout(LONG_PATIENCE, Box::pin(recovery::draft(&session, &wanted))).await;
            let passage = match made.unwrap_or_else(|_| Err(too_late())) {
                Ok((next, passage)) => {
                    *drafted.lock().unwrap_or_else(PoisonError::into_inner) = Some((ticket, next));
                    Ok(Box::new(passage))
                }
                Err(failure) => Err(Box::new(failure)),
            };
            Message::Charted { ticket, passage }
        }));
    }

    pub(super) fn hold(&self, context: String, namespace: Option<String>) {
        let session = self.session.clone();
        drop(self.begin(async move {
            let held = recovery::hold(&session, &context, namespace.as_deref()).await;
            Message::Held(held.map_err(|failure| told(&failure)))
        }));
    }

    pub(super) fn note(&self, run: String, text: String) {
        let session = self.session.clone();
        drop(self.begin(async move {
            let written = recovery::note(&session, &run, &text).map_err(|failure| told(&failure));
            Message::Noted { text, written }
        }));
    }

    pub(super) fn report(&self, run: String) {
        let session = self.session.clone();
        drop(self.begin(async move {
            Message::Reported(recovery::told(&session, &run).map(Box::new).map_err(|failure| told(&failure)))
        }));
    }
}

/// A failure in a line, with what to do about it.
fn told(failure: &Failure) -> String {
    match &failure.hint {
        Some(hint) => format!("{} ({hint})", failure.message),
        None => failure.message.clone(),
    }
}

fn too_late() -> Failure {
    let message = format!("the cluster has not told all that is asked for within {} s", LONG_PATIENCE.as_secs());
    Failure::new(
        "no-answer",
        Class::Failed,
        message,
        Some("look again; `seaworthy doctor` tells what answers".to_owned()),
    )
}

/// A recovery has ended: its report goes to the screen before its end does.
pub(super) async fn landed(
    landing: Result<Landing, Failure>,
    messages: &mpsc::Sender<Message>,
) -> Result<ExitCode, Failure> {
    let landing = landing?;
    let code = landing.code();
    if let Some(written) = landing.report {
        let report = Message::Reported(Ok(Box::new(recovery::of_written(written))));
        // The screen is gone when nobody takes it.
        let _ = messages.send(report).await;
    }
    Ok(ExitCode::from(code))
}
