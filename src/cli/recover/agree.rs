//! What cannot be taken back, and what a playbook wants agreed to, has its word typed.

use seaworthy::object::ObjectRef;
use seaworthy::plan::uninstall::Destroy;
use seaworthy::plan::verb::{Tend, Verb};
use seaworthy::plan::{Action, Plan, Purpose};
use seaworthy::recover::playbook::Consent;

use crate::cli::voyage::{declined, unanswerable};
use crate::cli::{Failure, Session};
use crate::front::ask::{Answer, Ask};
use crate::front::paint::Paint;
use crate::front::plan_text::plan_text;
use crate::front::say;

/// What cannot be taken back wants its name typed, here or on the command line; `--yes` does not cover it.
/// `consent`: what the playbook asks, and the word that was given for it.
pub(in crate::cli) async fn agree(
    session: &Session,
    (destroy, consent): (&Destroy, Option<(&Consent, Option<&str>)>),
    plan: &mut Plan,
) -> Result<bool, Failure> {
    let named: Vec<ObjectRef> = irreversible(plan).collect();
    if let Some(occasion) = &mut plan.occasion {
        occasion.agreed = named;
    }
    let open: Vec<ObjectRef> = irreversible(plan).filter(|object| !destroy.names(object)).collect();
    let consent = consent.filter(|(consent, given)| *given != Some(&consent.word)).map(|(consent, _)| consent);
    if open.is_empty() && consent.is_none() {
        return Ok(false);
    }
    say(plan_text(plan, Paint(session.is_colourful())));
    if let Some(consent) = consent {
        let question = format!("{}. Type {} to agree:", consent.question, consent.word);
        match session
            .face()
            .ask(Ask::Typed { question, word: consent.word.clone() })
            .await
            .map_err(|error| unanswerable(&error))?
        {
            Some(Answer::Yes) => {}
            Some(Answer::No) => return Err(declined()),
            Some(Answer::Interrupted) => return Err(Failure::interrupted()),
            None => return Err(needs_names(&open, Some(consent))),
        }
    }
    for object in &open {
        let what = match (plan.purpose, object.kind.as_str()) {
            (Purpose::Restore, _) => "what is on its volume now is overwritten",
            (_, "Node") => {
                "its machine has to be switched off: what ran there is started elsewhere, and must not run twice"
            }
            _ => "its volume's bytes are kept",
        };
        let goes = if is_marked(plan, object) {
            "is taken for switched off, with all that runs there, which"
        } else {
            "goes and"
        };
        let question = format!("{object} {goes} cannot be taken back ({what}). Type its name to agree:");
        let ask = Ask::Typed { question, word: object.name.clone() };
        match session.face().ask(ask).await.map_err(|error| unanswerable(&error))? {
            Some(Answer::Yes) => {}
            Some(Answer::No) => return Err(declined()),
            Some(Answer::Interrupted) => return Err(Failure::interrupted()),
            None => return Err(needs_names(&open, None)),
        }
    }
    Ok(true)
}

fn needs_names(open: &[ObjectRef], consent: Option<&Consent>) -> Failure {
    let mut names: Vec<String> = open.iter().map(|object| format!("--destroy-data={object}")).collect();
    names.extend(consent.map(|consent| format!("--consent={}", consent.word)));
    let message =
        "some steps cannot be taken back, and there is no terminal to have their names typed on; nothing was written";
    Failure::input("destroy-data-needed", message, format!("name each of them: {}", names.join(" ")))
}

/// Whether a node is only marked, and stays.
fn is_marked(plan: &Plan, object: &ObjectRef) -> bool {
    plan.steps.iter().any(|step| match &step.action {
        Action::Rescue { verb, .. } => {
            matches!(&**verb, Verb::Tend { object: node, act: Tend::OutOfService { .. } } if node == object)
        }
        _ => false,
    })
}

fn irreversible(plan: &Plan) -> impl Iterator<Item = ObjectRef> {
    plan.steps.iter().filter_map(|step| match &step.action {
        Action::Rescue { verb, .. } if verb.is_irreversible() => verb.object(),
        _ => None,
    })
}
