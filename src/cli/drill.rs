//! `drill`: practising. Each exercise has a sandbox of its own, in which the program does what a person would type: a stack is installed, its data
//! is marked, one thing is broken, and then the loss has to be recognised, the playbook run, and the data compared.

mod exercise;
mod ground;
mod shore;

use std::process::ExitCode;

use clap::Args;
use seaworthy::engine::rescue::practice;
use seaworthy::recover::drill::Drilled;
use seaworthy::recover::{LossKind, Playbook, Playbooks};
use serde_json::json;

use self::exercise::Exercise;
use self::ground::Ground;
use super::{Failure, Session};
use crate::front::recover_text::drills_text;
use crate::front::say;

/// `drill`
#[derive(Debug, Args)]
pub(crate) struct DrillArgs {
    /// The playbook to practise: rebind, newton-v2t/history
    pub(crate) playbook: Option<String>,
    /// Every playbook, with each loss that it is for
    #[arg(long, conflicts_with = "playbook")]
    pub(crate) all: bool,
    /// Only make the loss, in a sandbox that is left for you to recover in
    #[arg(long, conflicts_with = "all")]
    pub(crate) by_hand: bool,
    /// Make the loss on the cluster that is connected to, in a namespace with the label seaworthy.dev/drill=allowed where the stack is installed
    #[arg(long, conflicts_with_all = ["all", "by_hand"], requires = "namespace")]
    pub(crate) cluster: bool,
    /// With --cluster, the namespace
    #[arg(short, long, value_name = "NAME", requires = "cluster")]
    pub(crate) namespace: Option<String>,
    /// With --cluster, agree to the loss by the names of cluster and namespace: CONTEXT/NAMESPACE
    #[arg(long, value_name = "WORD", requires = "cluster")]
    pub(crate) consent: Option<String>,
    /// Only this loss of those that the playbook is for: claim-lost, node-gone
    #[arg(long, value_name = "LOSS")]
    pub(crate) loss: Option<String>,
}

pub(crate) async fn run(session: &Session, arguments: &DrillArgs) -> Result<ExitCode, Failure> {
    let playbooks = Playbooks::read(&session.catalogue())?;
    let chosen: Vec<&Playbook> = match &arguments.playbook {
        Some(name) => vec![playbooks.get(name).map_err(|_| unknown(name, &playbooks))?],
        None if arguments.all => playbooks.0.iter().collect(),
        None => return Err(no_playbook(&playbooks)),
    };
    let loss = arguments.loss.as_deref().map(loss_called).transpose()?;
    let exercises: Vec<Exercise> = chosen.iter().flat_map(|playbook| Exercise::all(playbook)).collect();
    let exercises: Vec<Exercise> =
        exercises.into_iter().filter(|exercise| loss.is_none_or(|loss| exercise.0.loss == loss)).collect();
    let exercises = if arguments.cluster { possible(exercises)? } else { exercises };
    if exercises.is_empty() {
        return Err(nothing(&chosen, loss, &playbooks));
    }
    if arguments.by_hand {
        return by_hand(session, &exercises).await;
    }
    let ground = match arguments.namespace.as_deref().filter(|_| arguments.cluster) {
        Some(namespace) => Some(Ground::new(session, namespace, arguments.consent.as_deref()).await?),
        None => None,
    };
    let mut drilled = Vec::new();
    for (number, exercise) in exercises.iter().enumerate() {
        let text =
            format!("drill {} of {}: {}, {}", number + 1, exercises.len(), exercise.0.playbook, exercise.0.loss.name());
        let _busy = session.busy(&text);
        if !session.is_lively() {
            say(&text);
        }
        let one = match &ground {
            Some(ground) => exercise.run_on(ground).await?,
            None => exercise.run(session).await?,
        };
        let is_lost = ground.is_some() && !one.has_passed();
        drilled.push(one);
        // What is lost on a cluster and not recovered is for its people; nothing more is lost there.
        if is_lost {
            break;
        }
    }
    let passed = drilled.iter().all(Drilled::has_passed);
    session.print("Drill", &json!({"passed": passed, "drills": drilled}), || {
        drills_text(&drilled, session.style(), if ground.is_some() { "cluster" } else { "sandbox" })
    });
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Those of which the loss can be made on a cluster.
fn possible(exercises: Vec<Exercise>) -> Result<Vec<Exercise>, Failure> {
    let first = exercises.first().map(|exercise| exercise.0.loss);
    let possible: Vec<Exercise> =
        exercises.into_iter().filter(|exercise| practice::LOSSES.contains(&exercise.0.loss)).collect();
    match (first, possible.is_empty()) {
        (Some(loss), true) => Err(practice::PracticeError::NotHere(loss).into()),
        _ => Ok(possible),
    }
}

/// Makes the loss, and says how to get at it.
async fn by_hand(session: &Session, exercises: &[Exercise]) -> Result<ExitCode, Failure> {
    let Some((exercise, others)) = exercises.split_first() else { return Ok(ExitCode::SUCCESS) };
    let made = {
        let _busy = session.busy("making the loss");
        exercise.by_hand(session).await?
    };
    session.print("Practice", &json!(made), || {
        let folder = made.folder.display();
        let others: Vec<&str> = others.iter().map(|other| other.0.loss.name()).collect();
        let more = match others.as_slice() {
            [] => String::new(),
            others => format!("\nThe playbook is for {} as well: --loss chooses.", others.join(", ")),
        };
        format!(
            "{} of {} is made, in a sandbox of its own. It is yours now:\n\n    export SEAWORTHY_STATE_DIR={folder}\n    seaworthy --sandbox={} recover\n\nWhen you are done: rm -r {folder}{more}",
            made.loss.name(),
            made.claim,
            made.sandbox
        )
    });
    Ok(ExitCode::SUCCESS)
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

/// What each playbook practises, a line each; those that cannot be practised are not named.
fn practised(playbooks: &Playbooks) -> String {
    let line = |playbook: &Playbook| {
        let losses = losses(playbook);
        (!losses.is_empty()).then(|| format!("\n  {}: {}", playbook.name, losses.join(", ")))
    };
    let lines: String = playbooks.0.iter().filter_map(line).collect();
    format!("these can be practised, each for these losses:{lines}")
}

fn losses(playbook: &Playbook) -> Vec<&'static str> {
    Exercise::all(playbook).iter().map(|exercise| exercise.0.loss.name()).collect()
}

const HINT: &str = "`seaworthy drill PLAYBOOK` practises one of these, `seaworthy drill --all` all of them";

fn no_playbook(playbooks: &Playbooks) -> Failure {
    Failure::input("no-playbook", format!("no playbook was named; {}", practised(playbooks)), HINT)
}

/// Of what is known only that is named which can be practised.
fn unknown(name: &str, playbooks: &Playbooks) -> Failure {
    let known = playbooks.0.iter().filter(|playbook| !losses(playbook).is_empty());
    let hint = match seaworthy::error::closest(name, known.map(|playbook| playbook.name.as_str())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => HINT.to_owned(),
    };
    Failure::input("unknown-playbook", format!("there is no playbook `{name}`; {}", practised(playbooks)), hint)
}

fn nothing(chosen: &[&Playbook], loss: Option<LossKind>, playbooks: &Playbooks) -> Failure {
    let names: Vec<&str> = chosen.iter().map(|playbook| playbook.name.as_str()).collect();
    let what = loss.map_or_else(String::new, |loss| format!(" for {}", loss.name()));
    let message = match names.as_slice() {
        [one] => format!("{one} cannot be practised{what}"),
        _ => format!("no playbook can be practised{what}"),
    };
    let known: Vec<&str> = chosen.iter().flat_map(|playbook| losses(playbook)).collect();
    let others = |loss: LossKind| {
        let of_it = playbooks.0.iter().filter(|playbook| losses(playbook).contains(&loss.name()));
        of_it.map(|playbook| playbook.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let elsewhere = loss.map(others).filter(|others| !others.is_empty());
    let elsewhere = elsewhere.map_or_else(String::new, |others| format!("; that is practised by {others}"));
    let hint = match (names.as_slice(), known.is_empty()) {
        ([_], false) => format!("it is practised for {}{elsewhere}", known.join(", ")),
        _ => "`drill:` in a playbook says how it is practised: see docs/recovering.md".to_owned(),
    };
    Failure::input("nothing-to-practise", message, hint)
}
