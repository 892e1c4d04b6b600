//! The place of an exercise: a state folder with a sandbox in it, and the program there as somebody would type it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use seaworthy::sandbox::{Kind, Sandbox};
use serde_json::Value;
use tokio::process::Command;

use crate::cli::{Failure, Session};

/// A state folder of its own.
pub(super) struct Shore<'a> {
    session: &'a Session,
    folder: PathBuf,
    kind: Kind,
}

/// Runs a command of ours, with options that say where, and a state folder.
pub(super) async fn say(session: &Session, place: &[OsString], folder: &Path, words: &[&str]) -> Result<Said, Failure> {
    let program = std::env::current_exe().map_err(|error| Failure::file(Path::new("this program"), &error))?;
    let mut command = Command::new(&program);
    for profiles in &session.globals.profiles {
        command.arg("--profiles").arg(profiles);
    }
    command.args(place).args(["--yes", "-o", "json"]).args(words);
    command.env("SEAWORTHY_STATE_DIR", folder).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.map_err(|error| Failure::file(&program, &error))?;
    let document = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    let lines = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok(Said { code: output.status.code().unwrap_or(-1), document, lines })
}

/// What the program said.
pub(super) struct Said {
    pub(super) code: i32,
    /// Its document; null where it wrote none.
    pub(super) document: Value,
    /// What it said beside that.
    pub(super) lines: String,
}

impl<'a> Shore<'a> {
    /// A new one; what an earlier exercise of the same name has left goes.
    pub(super) fn new(session: &'a Session, name: &str, kind: Kind) -> Result<Self, Failure> {
        let folder = session.state_dir()?.join("drills").join(name);
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Failure::file(&folder, &error)),
            _ => std::fs::create_dir_all(&folder).map_err(|error| Failure::file(&folder, &error))?,
        }
        Ok(Self { session, folder, kind })
    }

    /// `single-node`, `ha`.
    pub(super) fn kind_name(&self) -> String {
        self.kind.name().to_owned()
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a stack is installed unless somebody says otherwise.
    pub(super) fn namespace_of(&self, stack: &str) -> Result<String, Failure> {
        Ok(self.session.catalogue().get(stack)?.definition().default_namespace().to_owned())
    }

    /// The sandbox between two commands; no command gets it as long as this is there.
    pub(super) fn sandbox(&self) -> Result<Sandbox, Failure> {
        Ok(Sandbox::open(&self.folder, self.kind)?)
    }

    /// Runs a command of ours.
    pub(super) async fn say(&self, words: &[&str]) -> Result<Said, Failure> {
        let sandbox = OsString::from(format!("--sandbox={}", self.kind.name()));
        say(self.session, &[sandbox], &self.folder, words).await
    }

    /// Takes it away.
    pub(super) fn leave(self) -> Result<(), Failure> {
        std::fs::remove_dir_all(&self.folder).map_err(|error| Failure::file(&self.folder, &error))
    }
}
