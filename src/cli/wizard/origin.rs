//! Where the images come from: asked line by line, and put in the place of options.

use seaworthy::stack::Stack;

use crate::cli::Failure;
use crate::cli::install::InstallArgs;
use crate::front::origin::{Field, Origin, WAYS, Way, lines, question, unpublished};
use crate::front::{questions, say};

/// Whether the command line has said it already.
pub(super) fn is_said(arguments: &InstallArgs) -> bool {
    let choice = &arguments.choice;
    let registry = choice.registry.is_some() || choice.pull_secret.is_some() || !choice.registry_login.is_empty();
    registry || choice.stand_ins || arguments.load_images.is_some()
}

/// Asks. What was answered before stands there already.
pub(super) fn ask(stack: &Stack, before: &Origin) -> Result<Origin, Failure> {
    let mut origin = before.clone();
    unpublished(stack).into_iter().for_each(say);
    let usual = WAYS.iter().position(|(way, ..)| *way == before.way).unwrap_or_default();
    let chosen = questions::choose(&question(stack), &lines(stack), usual)?;
    origin.way = WAYS[chosen].0;
    for field in origin.way.fields() {
        let now = origin.get(*field);
        let answer = match field {
            Field::Password if origin.is_kept(*field) => match questions::new_password(field.question())? {
                Some(answer) => answer,
                None => continue,
            },
            Field::Password => questions::password(field.question())?,
            field => questions::text(field.question(), now, field.is_optional())?,
        };
        origin.put(*field, &answer);
    }
    Ok(origin)
}

/// Puts the answers in the place of options.
pub(super) fn tell(origin: &Origin, arguments: &mut InstallArgs) {
    match origin.way {
        Way::Open => {}
        Way::Login => {
            arguments.choice.registry = origin.registry().map(str::to_owned);
            arguments.choice.typed_login = Some(origin.login());
        }
        Way::Engines => arguments.load_images = Some(None),
        Way::Archive => arguments.load_images = Some(Some(origin.archive())),
        Way::StandIns => arguments.choice.stand_ins = true,
    }
}
