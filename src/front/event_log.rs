//! `--events`: every event of a run as a line of JSON.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use color_eyre::eyre::WrapErr as _;
use seaworthy::event::Event;

/// The file, as long as it can be written.
pub(crate) struct EventLog(Option<File>);

impl EventLog {
    /// Nothing is written without a path.
    pub(crate) fn open(path: Option<&Path>) -> color_eyre::Result<Self> {
        let open = |path: &Path| File::create(path).wrap_err_with(|| format!("events file {}", path.display()));
        Ok(Self(path.map(open).transpose()?))
    }

    /// Writes one event. What comes back is why no more will be written.
    pub(crate) fn write(&mut self, event: &Event) -> Option<String> {
        let file = self.0.as_mut()?;
        let line = serde_json::to_vec(event).map_err(std::io::Error::from);
        let written = line.and_then(|line| file.write_all(&[line.as_slice(), b"\n"].concat()));
        let why = format!("events are no longer written: {}", written.err()?);
        self.0 = None;
        Some(why)
    }
}
