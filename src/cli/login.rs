//! `--registry-login`: a name and a file with its password, or a file of logins as docker and podman keep them.

use std::collections::BTreeSet;
use std::path::Path;

use seaworthy::images::login::{Login, Logins, PullLogin, of_file};
use seaworthy::images::{self, registry_of};
use seaworthy::stack::Rendered;

use super::choose::read;
use super::{Choice, Failure};

/// How it is written.
const FORM: &str = "write USER=@FILE, USER@REGISTRY=@FILE, or @FILE for a file as `docker login` writes it";

/// The logins that the pods of these objects pull with; none when neither one was given nor one is kept.
pub(super) fn logins(choice: &Choice, objects: &[Rendered]) -> Result<Option<PullLogin>, Failure> {
    let mut found = Logins::new();
    let registries = registries(objects);
    if let Some(typed) = &choice.typed_login {
        found.insert(only(choice, &registries)?, typed.clone());
    }
    for given in &choice.registry_login {
        match Given::of(given)? {
            Given::File(file) => {
                let names = registries.iter().map(String::as_str);
                let logins = of_file(&read(Path::new(file))?, names);
                found.extend(logins.map_err(|error| {
                    Failure::input("no-registry-login", format!("--registry-login {file}: {error}"), FORM)
                })?);
            }
            Given::User { user, registry, file } => {
                let registry = match registry {
                    Some(registry) => registry.to_owned(),
                    None => only(choice, &registries)?,
                };
                let password = read(Path::new(file))?.trim_end_matches(['\r', '\n']).to_owned();
                if password.is_empty() {
                    let message = format!("--registry-login {user}: {file} is empty, and has to hold the password");
                    return Err(Failure::input("no-registry-login", message, FORM));
                }
                if !registries.contains(&registry) {
                    return Err(foreign(&registry, &registries));
                }
                found.insert(registry, Login { user: user.to_owned(), password });
            }
        }
    }
    if found.is_empty() {
        return Ok(choice.keep_login.then_some(PullLogin::Kept));
    }
    Ok(Some(PullLogin::Given(found)))
}

/// One of them, as typed.
#[derive(Debug, PartialEq, Eq)]
enum Given<'a> {
    File(&'a str),
    User { user: &'a str, registry: Option<&'a str>, file: &'a str },
}

impl<'a> Given<'a> {
    fn of(text: &'a str) -> Result<Self, Failure> {
        if let Some(file) = text.strip_prefix('@') {
            return Ok(Self::File(file));
        }
        let name = text.split('=').next().unwrap_or_default();
        let Some((who, file)) = text.split_once("=@").filter(|(who, file)| !who.is_empty() && !file.is_empty()) else {
            // What follows may be the password itself.
            let message =
                format!("--registry-login {name}: a password has to be in a file, where only you can read it");
            return Err(Failure::input("no-registry-login", message, FORM));
        };
        let (user, registry) = who.rsplit_once('@').map_or((who, None), |(user, registry)| (user, Some(registry)));
        Ok(Self::User { user, registry, file })
    }
}

/// The registries of these objects' images.
fn registries(objects: &[Rendered]) -> BTreeSet<String> {
    let objects: Vec<_> = objects.iter().map(|one| (one.component.clone(), one.object.clone())).collect();
    images::of_objects(&objects).iter().map(|one| registry_of(&one.image)).collect()
}

/// Where it is not said, there has to be one alone.
fn only(choice: &Choice, registries: &BTreeSet<String>) -> Result<String, Failure> {
    let named = choice.registry.as_deref().and_then(|registry| registry.split('/').next());
    if let Some(registry) = named {
        return Ok(registry.to_owned());
    }
    let mut all = registries.iter();
    if let (Some(one), None) = (all.next(), all.next()) {
        return Ok(one.clone());
    }
    let names = registries.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let message = format!("--registry-login does not say of which registry it is; the images come from {names}");
    Err(Failure::input("no-registry-login", message, "write USER@REGISTRY=@FILE"))
}

fn foreign(registry: &str, registries: &BTreeSet<String>) -> Failure {
    let names = registries.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let message = format!("--registry-login is for {registry}, and the images come from {names}");
    Failure::input("no-registry-login", message, "name that registry, or have all images come from it with --registry")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_logs_in_where() {
        let user = |user, registry, file| Given::User { user, registry, file };
        let table = [
            ("@config.json", Given::File("config.json")),
            ("robot=@-", user("robot", None, "-")),
            ("robot@r.example:5000=@pass", user("robot", Some("r.example:5000"), "pass")),
            ("me@example.org@r.example=@a=b", user("me@example.org", Some("r.example"), "a=b")),
        ];
        for (text, wanted) in table {
            assert_eq!(Given::of(text).unwrap(), wanted);
        }
        for broken in ["robot", "robot=hunter2", "=@file", "robot=@"] {
            let failure = Given::of(broken).unwrap_err();
            assert!(!failure.message.contains("hunter2"), "{}", failure.message);
        }
    }
}
