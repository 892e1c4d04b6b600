//! Where the images of a stack come from: asked before anything else about it, because many are in registries that do not give them to everybody.

use std::path::PathBuf;

use seaworthy::images::login::Login;

use crate::cli::Failure;
use crate::cli::install::InstallArgs;
use crate::front::form::quoted;
use crate::front::questions;

/// The answers, in the order in which they are offered.
const WAYS: [&str; 5] = [
    "the registries that the stack names, which give them to everybody",
    "a registry that wants a login",
    "this machine: what its container engines have is put into the nodes",
    "an archive, made by `seaworthy images save` or `docker save`",
    "nowhere: a demonstration, with a busybox in the place of every program",
];

/// What was answered, as options of the command line.
pub(super) fn options(arguments: &InstallArgs) -> Vec<String> {
    let choice = &arguments.choice;
    let registry = choice.registry.iter().map(|registry| format!("--registry {}", quoted(registry)));
    let login =
        choice.typed_login.iter().map(|login| format!("--registry-login {}", quoted(&format!("{}=@FILE", login.user))));
    let load = arguments.load_images.iter().map(|from| match from {
        None => "--load-images".to_owned(),
        Some(from) => format!("--load-images={}", quoted(&from.display().to_string())),
    });
    let stand_ins = choice.stand_ins.then(|| "--stand-ins".to_owned());
    registry.chain(login).chain(load).chain(stand_ins).collect()
}

/// Asks, unless the command line has said it.
pub(super) fn ask(arguments: &mut InstallArgs) -> Result<(), Failure> {
    let choice = &arguments.choice;
    let said = choice.registry.is_some() || choice.pull_secret.is_some() || !choice.registry_login.is_empty();
    if said || choice.stand_ins || arguments.load_images.is_some() {
        return Ok(());
    }
    let lines: Vec<String> = WAYS.iter().map(ToString::to_string).collect();
    match questions::choose("Where do its images come from?", &lines, 0)? {
        1 => {
            let registry = questions::text("Registry? (empty: the one that the stack names)")?;
            let user = questions::some_text("User name?")?;
            let password = questions::password("Password, or token?")?;
            arguments.choice.registry = Some(registry).filter(|registry| !registry.is_empty());
            arguments.choice.typed_login = Some(Login { user, password });
        }
        2 => arguments.load_images = Some(None),
        3 => arguments.load_images = Some(Some(PathBuf::from(questions::some_text("Archive?")?))),
        4 => arguments.choice.stand_ins = true,
        _ => {}
    }
    Ok(())
}
