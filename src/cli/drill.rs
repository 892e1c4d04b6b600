//! `drill`: practising. Each exercise has a sandbox of its own, in which the program does what a person would type: a stack is installed, its data
//! is marked, one thing is broken, and then the loss has to be recognised, the playbook run, and the data compared.

mod exercise;
mod shore;

use std::process::ExitCode;

use clap::Args;
use seaworthy::recover::drill::Drilled;
use seaworthy::recover::{LossKind, Playbook, Playbooks};
use serde_json::json;

use self::exercise::Exercise;
use super::{Failure, Session};
use crate::front::recover_text::drills_text;
use crate::front::say;

/// `drill`
#[derive(Debug, Args)]
pub(crate) struct DrillArgs {
    /// The playbook to practise: rebind, newton-v2t/history
    #[arg(required_unless_present = "all")]
    pub(crate) playbook: Option<String>,
    /// Every playbook, with each loss that it is for
    #[arg(long, conflicts_with = "playbook")]
    pub(crate) all: bool,
    /// Only this loss of those that the playbook is for: claim-lost, node-gone
    #[arg(long, value_name = "LOSS")]
    pub(crate) loss: Option<String>,
}

pub(crate) async fn run(session: &Session, arguments: &DrillArgs) -> Result<ExitCode, Failure> {
    let playbooks = Playbooks::read(&session.catalogue())?;
    let chosen: Vec<&Playbook> = match &arguments.playbook {
        Some(name) => vec![playbooks.get(name)?],
        None => playbooks.0.iter().collect(),
    };
    let loss = arguments.loss.as_deref().map(loss_called).transpose()?;
    let exercises: Vec<Exercise> = chosen.iter().flat_map(|playbook| Exercise::all(playbook)).collect();
    let exercises: Vec<Exercise> =
        exercises.into_iter().filter(|exercise| loss.is_none_or(|loss| exercise.loss == loss)).collect();
    if exercises.is_empty() {
        return Err(nothing(&chosen, loss));
    }
    let mut drilled = Vec::new();
    for (number, exercise) in exercises.iter().enumerate() {
        let text =
            format!("drill {} of {}: {}, {}", number + 1, exercises.len(), exercise.playbook, exercise.loss.name());
        let _busy = session.busy(&text);
        if !session.is_lively() {
            say(&text);
        }
        drilled.push(exercise.run(session).await?);
    }
    let passed = drilled.iter().all(Drilled::has_passed);
    session.print("Drill", &json!({"passed": passed, "drills": drilled}), || drills_text(&drilled, session.style()));
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn loss_called(name: &str) -> Result<LossKind, Failure> {
    LossKind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
        let names: Vec<&str> = LossKind::ALL.into_iter().map(LossKind::name).collect();
        let hint = match seaworthy::error::closest(name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", names.join(", ")),
        };
        Failure::input("unknown-loss", format!("there is no loss `{name}`"), hint)
    })
}

fn nothing(chosen: &[&Playbook], loss: Option<LossKind>) -> Failure {
    let names: Vec<&str> = chosen.iter().map(|playbook| playbook.name.as_str()).collect();
    let what = loss.map_or_else(String::new, |loss| format!(" for {}", loss.name()));
    let hint = "`drill:` in a playbook says how it is practised: see docs/recovering.md";
    Failure::input("nothing-to-practise", format!("{} cannot be practised{what}", names.join(", ")), hint)
}
