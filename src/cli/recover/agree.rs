//! What cannot be taken back, and what a playbook wants agreed to, has its word typed.

use seaworthy::object::ObjectRef;
use seaworthy::plan::Plan;
use seaworthy::plan::uninstall::{DataName, Destroy};
use seaworthy::recover::agreement::{Question, irreversible, questions};
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
    note_agreement(plan);
    fits(plan, destroy, consent)?;
    let consent = consent.filter(|(consent, given)| *given != Some(&consent.word)).map(|(consent, _)| consent);
    let open = questions(plan, destroy, consent);
    if open.is_empty() {
        return Ok(false);
    }
    say(plan_text(plan, Paint(session.is_colourful())));
    for (number, question) in open.iter().enumerate() {
        match session.face().ask(asked(question)).await.map_err(|error| unanswerable(&error))? {
            Some(Answer::Yes) => {}
            Some(Answer::No) => return Err(declined()),
            Some(Answer::Interrupted) => return Err(Failure::interrupted()),
            None => return Err(needs_names(&open[number..])),
        }
    }
    Ok(true)
}

/// What was agreed to has to be asked for: who mistypes a name has not agreed to what goes.
fn fits(plan: &Plan, destroy: &Destroy, consent: Option<(&Consent, Option<&str>)>) -> Result<(), Failure> {
    let goes: Vec<ObjectRef> = irreversible(plan).collect();
    if let Some(other) = destroy.0.iter().find(|name| !goes.iter().any(|object| DataName::from(object) == **name)) {
        let named = [Some(&other.kind), other.namespace.as_ref(), Some(&other.name)];
        let named: Vec<&str> = named.into_iter().flatten().map(String::as_str).collect();
        let message =
            format!("--destroy-data={}: this plan does not take that away; nothing was written", named.join("/"));
        let options: Vec<String> = goes.iter().map(|object| format!("--destroy-data={object}")).collect();
        let hint = if options.is_empty() {
            "leave it out: nothing of this plan destroys anything".to_owned()
        } else {
            format!("what goes is named so: {}", options.join(" "))
        };
        return Err(Failure::input("not-destroyed", message, hint));
    }
    let Some((asked, given)) = consent else { return Ok(()) };
    match given.filter(|word| *word != asked.word) {
        None => Ok(()),
        Some(word) => {
            let message = format!("--consent={word}: that is not the word of this playbook; nothing was written");
            let hint = format!("{}: --consent={}", asked.question, asked.word);
            Err(Failure::input("other-word", message, hint))
        }
    }
}

/// What is agreed to by whoever runs the plan stands in its journal.
pub(in crate::cli) fn note_agreement(plan: &mut Plan) {
    let named: Vec<ObjectRef> = irreversible(plan).collect();
    if let Some(occasion) = &mut plan.occasion {
        occasion.agreed = named;
    }
}

fn asked(question: &Question) -> Ask {
    let how = match question.object {
        Some(_) => "Type its name to agree:".to_owned(),
        None => format!("Type {} to agree:", question.word),
    };
    Ask::Typed { question: format!("{} {how}", question.text), word: question.word.clone() }
}

fn needs_names(open: &[Question]) -> Failure {
    let (names, consents): (Vec<&Question>, Vec<&Question>) =
        open.iter().partition(|question| question.object.is_some());
    let options: Vec<String> = names.into_iter().chain(consents).map(Question::option).collect();
    let message =
        "some steps cannot be taken back, and there is no terminal to have their names typed on; nothing was written";
    Failure::input("destroy-data-needed", message, format!("name each of them: {}", options.join(" ")))
}
