//! What a run has done, as reports tell it in the end.

use seaworthy::event::{Event, StepState};
use serde::Serialize;

/// A step that is done, for the report at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Told {
    /// Id of the step.
    pub(crate) id: String,
    /// For people.
    pub(crate) title: String,
    /// Whether it wrote.
    pub(crate) changed: bool,
    /// How long it took, milliseconds.
    pub(crate) millis: u64,
    /// What the proof was.
    pub(crate) note: Option<String>,
}

impl Told {
    /// What an event says of a step that is done. `titles`: of each step by its id.
    pub(crate) fn of(event: &Event, titles: &[(String, String)]) -> Option<Self> {
        let Event::Step { id, state: StepState::Done { changed, millis, note }, .. } = event else { return None };
        let title = titles.iter().find(|(known, _)| known == id).map_or(id, |(_, title)| title);
        let (id, title, note) = (id.clone(), title.clone(), note.clone());
        Some(Self { id, title, changed: *changed, millis: *millis, note })
    }
}
