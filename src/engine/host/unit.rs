//! Files and units of this machine: what a cluster without containers is made of.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use super::{Work, failure};
use crate::doctor::{Cause, Outlook};
use crate::engine::rescue::shelf;
use crate::engine::step::{Ending, done};
use crate::host::{child, tools};

/// How long systemd may take to tell something.
const ANSWER: Duration = Duration::from_secs(10);
/// How many of a unit's last words are looked at.
const LAST_WORDS: &str = "20";

impl Work<'_> {
    pub(super) fn write_file(&self, path: &Path, text: &str, mode: u32) -> Ending {
        let is_there = fs::read(path).is_ok_and(|there| there == text.as_bytes());
        if is_there {
            return done(false, None);
        }
        let written = shelf::put(path, text.as_bytes()).map_err(|error| error.to_string()).and_then(|_| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(|error| error.to_string())
        });
        match written {
            Ok(()) => done(true, None),
            Err(why) => {
                let cause = failure(self.task, "not-written", "NotWritten", &why);
                let remedy = "what is there already is somebody's: move it away, or take its content up with --config";
                Ending::Failed(Cause { remedy: Some(remedy.to_owned()), ..cause })
            }
        }
    }

    pub(super) async fn start_unit(&self, unit: &str) -> Ending {
        if self.is_active(unit).await {
            return done(false, None);
        }
        for words in [&["daemon-reload"][..], &["enable", "--now", unit]] {
            self.say(&format!("systemctl {}", words.join(" ")), None);
            // Whether it runs is asked afterwards; why not stands in its journal.
            if let Err(why) = self.systemctl(words, self.limit()).await {
                return Ending::Failed(self.not_started(unit, &why).await);
            }
        }
        if self.is_active(unit).await {
            return done(true, None);
        }
        Ending::Failed(self.not_started(unit, "it is not active after its start").await)
    }

    async fn is_active(&self, unit: &str) -> bool {
        self.systemctl(&["is-active", "--quiet", unit], ANSWER).await.is_ok()
    }

    async fn not_started(&self, unit: &str, why: &str) -> Cause {
        let words = ["--unit", unit, "--output", "cat", "--no-pager", "--lines", LAST_WORDS];
        let said = self.tool("journalctl", &words, ANSWER).await.unwrap_or_default();
        let last =
            said.lines().rev().find(|line| is_telling(line)).map_or_else(String::new, |line| format!(": {line}"));
        let cause = failure(self.task, "unit-not-started", "NotStarted", &format!("{unit}: {why}{last}"));
        let remedy = Some(format!("see what it says: journalctl -u {unit}; then `seaworthy runs resume`"));
        Cause { remedy, outlook: Outlook::Stuck, ..cause }
    }

    async fn systemctl(&self, words: &[&str], limit: Duration) -> Result<String, String> {
        self.tool("systemctl", words, limit).await
    }

    /// Runs a tool of this machine: what it printed, or why it did not come to a good end.
    async fn tool(&self, name: &str, words: &[&str], limit: Duration) -> Result<String, String> {
        let here = &self.doing.context.here;
        let path = tools::find(name, here).ok_or_else(|| format!("{name} is not on the PATH"))?;
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        match child::run(&path, &words, &here.variables, limit).await {
            Ok(ended) if ended.status.success() => Ok(String::from_utf8_lossy(&ended.stdout).into_owned()),
            Ok(ended) => {
                let said = crate::host::text::clean(&String::from_utf8_lossy(&ended.stderr));
                Err(if said.is_empty() { format!("{name} ended with {}", ended.status) } else { said })
            }
            Err(child::ChildFault::Hung) => Err(format!("{name} did not end within {} s", limit.as_secs())),
            Err(child::ChildFault::Failed(error)) => Err(format!("{name}: {error}")),
        }
    }
}

/// systemd's own lines about a unit say that it ended, and not why.
fn is_telling(line: &str) -> bool {
    !line.trim().is_empty()
        && ![
            "Main process exited",
            "Failed with result",
            "Scheduled restart job",
            "Failed to start",
            "Stopped ",
            "Starting ",
        ]
        .iter()
        .any(|own| line.contains(own))
}
