//! Where the images come from: asked line by line, and put in the place of options.

use crate::cli::Failure;
use crate::cli::install::InstallArgs;
use crate::front::origin::{Field, Origin, WAYS, Way};
use crate::front::questions;

/// Whether the command line has said it already.
pub(super) fn is_said(arguments: &InstallArgs) -> bool {
    let choice = &arguments.choice;
    let registry = choice.registry.is_some() || choice.pull_secret.is_some() || !choice.registry_login.is_empty();
    registry || choice.stand_ins || arguments.load_images.is_some()
}

/// Asks, unless the command line has said it.
pub(super) fn ask(arguments: &InstallArgs) -> Result<Origin, Failure> {
    let mut origin = Origin::default();
    if is_said(arguments) {
        return Ok(origin);
    }
    let lines: Vec<String> = WAYS.iter().map(|(_, line, _)| (*line).to_owned()).collect();
    let chosen = questions::choose("Where do its images come from?", &lines, 0)?;
    origin.way = WAYS[chosen].0;
    for field in origin.way.fields() {
        let answer = match field {
            Field::Password => questions::password(field.question())?,
            field if field.is_optional() => questions::text(field.question())?,
            field => questions::some_text(field.question())?,
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
