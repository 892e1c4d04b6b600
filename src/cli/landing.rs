//! How a voyage has ended: what is said, and the exit code.

use std::process::ExitCode;

use seaworthy::doctor::Cause;
use seaworthy::error::Class;
use seaworthy::event::{Ended, Outcome};
use serde_json::{Value, json};

use super::Session;
use super::report::Written;
use crate::front::face::Face;
use crate::front::plain::cause_text;
use crate::front::recover_text::report_text;

/// The end of a run.
pub(super) struct Landing {
    pub(super) outcome: Outcome,
    /// 128 plus the number of the signal that stopped it.
    pub(super) signal: Option<u8>,
    /// What came of a recovery.
    pub(super) report: Option<Written>,
}

impl Landing {
    pub(super) fn code(&self) -> u8 {
        match self.outcome.ended {
            Ended::Done => 0,
            Ended::Failed => 1,
            Ended::Interrupted => self.signal.unwrap_or(130),
        }
    }

    /// For programs.
    pub(super) fn document(&self) -> Value {
        let mut document = json!({"outcome": self.outcome});
        if let Some(written) = &self.report {
            document["report"] = json!(written.report);
        }
        if let Some(cause) = self.outcome.causes.first() {
            document["error"] = error(cause);
        }
        document
    }

    /// Says what is left to say, and gives the exit code.
    pub(super) fn show(&self, session: &Session, face: &Face) -> ExitCode {
        if session.is_json() {
            session.print("Run", &self.document(), String::new);
        } else if let Some(written) = &self.report {
            let text = report_text(&written.report, &written.file);
            if self.outcome.ended == Ended::Done { face.say_well(&text) } else { face.say(&text) }
        }
        ExitCode::from(self.code())
    }
}

fn error(cause: &Cause) -> Value {
    let hint = cause.remedy.clone();
    json!({"id": cause.id, "class": Class::Failed, "message": cause_text(cause), "hint": hint, "cause": cause})
}
