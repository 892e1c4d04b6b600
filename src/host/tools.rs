//! Command-line tools on PATH, with what they say their version is.

mod table;

use super::child::{self, ChildFault, Finished};
use super::surroundings::Surroundings;
use super::text::clean;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

pub use table::{TOOLS, ToolRow, VersionAt};

/// One tool of the table, as found on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// The command, such as `kubectl`.
    pub name: String,
    /// What Seaworthy or its user would need it for.
    pub purpose: String,
    /// Where it was found; `None` if it is not on PATH.
    pub path: Option<PathBuf>,
    /// What asking for its version gave.
    #[serde(flatten)]
    pub state: ToolState,
}

/// What asking a tool for its version gave; in JSON, the variant's name in `state`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum ToolState {
    /// Not on PATH.
    Absent,
    /// It works.
    Works {
        /// The version as the tool writes it, such as `v1.34.2` or `4.3.1`.
        version: String,
        /// The tool it really is when it answers as another one, such as `podman` for a `docker` of podman-docker.
        answers_as: Option<String>,
    },
    /// It did not answer in time and was killed.
    Hung {
        /// How long it was given, in milliseconds.
        after_ms: u64,
    },
    /// It ended with an error.
    Failed {
        /// The exit status in words.
        status: String,
        /// What it printed.
        said: String,
    },
    /// It ended well, but printed no version.
    Unintelligible {
        /// What it printed.
        said: String,
    },
    /// It is there, but cannot be started: another architecture, a missing interpreter.
    Unstartable {
        /// What the operating system said.
        error: String,
    },
}

impl Tool {
    /// The version, if the tool works.
    pub fn version(&self) -> Option<&str> {
        match &self.state {
            ToolState::Works { version, .. } => Some(version),
            _ => None,
        }
    }

    /// Where a tool is in the table, which is also the order to show them in.
    pub(super) fn rank(&self) -> usize {
        TOOLS.iter().position(|row| row.name == self.name).unwrap_or(TOOLS.len())
    }
}

/// Finds one tool on the PATH of the surroundings and asks its version.
pub async fn probe(row: &ToolRow, here: &Surroundings, limit: Duration) -> Tool {
    let path = find(row.name, here);
    let state = match &path {
        None => ToolState::Absent,
        Some(path) => {
            let arguments: Vec<String> = row.arguments.iter().map(ToString::to_string).collect();
            match child::run(path, &arguments, &here.variables, limit).await {
                Ok(finished) => read(row, &finished),
                Err(ChildFault::Hung) => ToolState::Hung { after_ms: super::millis(limit) },
                Err(ChildFault::Failed(error)) => ToolState::Unstartable { error: error.to_string() },
            }
        }
    };
    Tool { name: row.name.into(), purpose: row.purpose.into(), path, state }
}

/// The first executable of that name on the PATH of the surroundings.
pub fn find(name: &str, here: &Surroundings) -> Option<PathBuf> {
    which::which_in_global(name, here.variable("PATH")).ok()?.next()
}

fn read(row: &ToolRow, finished: &Finished) -> ToolState {
    let stdout = String::from_utf8_lossy(&finished.stdout);
    let said = || match clean(&stdout) {
        said if said.is_empty() => clean(&String::from_utf8_lossy(&finished.stderr)),
        said => said,
    };
    if !finished.status.success() {
        let stderr = clean(&String::from_utf8_lossy(&finished.stderr));
        let said = if stderr.is_empty() { said() } else { stderr };
        return ToolState::Failed { status: finished.status.to_string(), said };
    }
    match row.version.read(&stdout) {
        Some(version) => ToolState::Works { version, answers_as: impostor(row.name, &stdout) },
        None => ToolState::Unintelligible { said: said() },
    }
}

/// The other tool of the table whose name the output begins with.
fn impostor(name: &str, output: &str) -> Option<String> {
    let first = clean(output).split(' ').next()?.to_lowercase();
    TOOLS.iter().find(|row| row.name == first && row.name != name).map(|row| row.name.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::testing::{fixtures, in_folder};
    use std::time::Instant;

    /// Fake tools are files of the repository: one written here could still be open for writing in a process that
    /// another test is just starting, and then cannot be executed ("text file busy").
    fn here() -> Surroundings {
        let mut here = in_folder(&fixtures());
        here.variables.insert("PATH".into(), fixtures().join("tools").display().to_string());
        here
    }

    async fn ask(name: &str) -> ToolState {
        let row = TOOLS.iter().find(|row| row.name == name).unwrap();
        probe(row, &here(), Duration::from_secs(30)).await.state
    }

    fn works(version: &str) -> ToolState {
        ToolState::Works { version: version.into(), answers_as: None }
    }

    #[tokio::test]
    async fn versions_are_read_as_each_tool_prints_them() {
        assert_eq!(ask("kubectl").await, works("v1.34.2"));
        assert_eq!(ask("helm").await, works("v3.19.0+g3d8990f"));
        assert_eq!(ask("minikube").await, ToolState::Absent);
    }

    #[tokio::test]
    async fn a_docker_that_is_podman_is_found_out() {
        let expected = ToolState::Works { version: "4.3.1".into(), answers_as: Some("podman".into()) };
        assert_eq!(ask("docker").await, expected);
    }

    #[tokio::test]
    async fn a_crash_and_nonsense_are_reported_with_what_was_printed() {
        let ToolState::Failed { status, said } = ask("kind").await else { panic!("kind crashes") };
        assert_eq!((status.as_str(), said.as_str()), ("exit status: 2", "panic: no such thing"));
        assert_eq!(ask("k3d").await, ToolState::Unintelligible { said: "hello there".into() });
        assert!(matches!(ask("k9s").await, ToolState::Unstartable { .. }));
    }

    #[tokio::test]
    async fn a_hanging_tool_is_given_up() {
        let row = TOOLS.iter().find(|row| row.name == "podman").unwrap();
        let started = Instant::now();
        let tool = probe(row, &here(), Duration::from_millis(100)).await;
        assert_eq!(tool.state, ToolState::Hung { after_ms: 100 });
        assert!(started.elapsed() < Duration::from_secs(5));
    }

    #[tokio::test]
    async fn a_tool_survives_json() {
        let row = &TOOLS[0];
        let tool = probe(row, &here(), Duration::from_secs(30)).await;
        let json = serde_json::to_value(&tool).unwrap();
        assert_eq!(json["state"], "works");
        assert_eq!(serde_json::from_value::<Tool>(json).unwrap(), tool);
    }
}
