//! A start for a stack of one's own: a copy of a small embedded one under another name. Pure; nothing is written here.

use std::path::Path;

use thiserror::Error;

use super::definition::Definition;
use super::fault::{StackError, any_error};
use super::source::{Catalogue, Folder, Home, built_in, starter_name};
use super::validate::validate;
use super::{names, typed, yaml};
use crate::error::{Class, Explain};

/// Why there is no new stack of this name.
#[derive(Debug, Error)]
pub enum StarterError {
    /// The name is not one that a stack and its objects can have.
    #[error("`{0}` cannot be a stack's name: at most 63 small letters, digits and `-`, a letter first")]
    BadName(String),
    /// A built-in stack has the name.
    #[error("`{0}` is a built-in stack; a folder of this name would hide it")]
    BuiltIn(String),
    /// What is made under this name would be refused by Kubernetes: most likely the name is too long.
    #[error("under the name `{name}` the new stack could not be used:\n{faults}")]
    Unusable {
        /// The name.
        name: String,
        /// What is wrong, a fault a line.
        faults: String,
    },
    /// The embedded stack cannot be read, or does not say its name where it should.
    #[error("the embedded stack to start from cannot be used: {0}")]
    Broken(String),
}

impl Explain for StarterError {
    fn id(&self) -> &'static str {
        match self {
            Self::BadName(_) => "bad-name",
            Self::BuiltIn(_) => "built-in-stack",
            Self::Unusable { .. } => "unusable-name",
            Self::Broken(_) => "broken-starter",
        }
    }

    fn class(&self) -> Class {
        if matches!(self, Self::Broken(_)) { Class::Failed } else { Class::Input }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::BadName(_) => "choose a name such as `my-stack`",
            Self::BuiltIn(_) => "choose another name; see those that are taken with `seaworthy stacks list`",
            Self::Unusable { .. } => "choose a shorter name",
            Self::Broken(_) => "this is a fault of the program; report it with its version",
        };
        Some(hint.to_owned())
    }
}

impl From<StackError> for StarterError {
    fn from(error: StackError) -> Self {
        Self::Broken(error.to_string())
    }
}

/// The texts of a new stack of this name, to be written to this folder.
///
/// # Errors
/// When the name is none, or taken by a built-in stack, or makes objects that Kubernetes refuses.
pub fn start(name: &str, home: &Path) -> Result<Folder, StarterError> {
    if !names::is_service(name) {
        return Err(StarterError::BadName(name.to_owned()));
    }
    if built_in(name) {
        return Err(StarterError::BuiltIn(name.to_owned()));
    }
    let starter = starter_name().ok_or_else(|| StarterError::Broken("it is not named".to_owned()))?;
    let mut folder = Catalogue::default().folder(starter)?;
    folder.home = Home::Folder(home.to_owned());
    name.clone_into(&mut folder.name);
    rename(&mut folder, name)?;
    let report = validate(&folder);
    if any_error(&report.faults) {
        let faults: Vec<String> = report.faults.iter().map(ToString::to_string).collect();
        return Err(StarterError::Unusable { name: name.to_owned(), faults: faults.join("\n") });
    }
    Ok(folder)
}

/// Writes the new name where `stack.yaml` has the old one: its two lines `name:` and `title:`. In quotes, since `null` and
/// `true` are names too.
fn rename(folder: &mut Folder, name: &str) -> Result<(), StarterError> {
    let sheet = folder.files.entry("stack.yaml".to_owned()).or_default();
    let line = |line: &str| match line.split_once(": ") {
        Some((key @ ("name" | "title"), _)) => format!("{key}: \"{name}\"\n"),
        _ => format!("{line}\n"),
    };
    *sheet = sheet.lines().map(line).collect();
    let node = yaml::node("stack.yaml", sheet).map_err(|fault| StarterError::Broken(fault.to_string()))?;
    match typed::read::<Definition>(&node.to_value()) {
        Ok(definition) if definition.name == name && definition.default_namespace() == name => Ok(()),
        _ => Err(StarterError::Broken("its stack.yaml does not say its name on a line of its own".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(name: &str) -> Result<Folder, StarterError> {
        start(name, Path::new("there"))
    }

    #[test]
    fn a_new_stack_is_good_and_bears_its_name_everywhere() {
        for name in ["mine", "null", "true", "a-1"] {
            let folder = made(name).unwrap();
            let report = validate(&folder);
            assert!(report.faults.is_empty(), "{name}: {report:#?}");
            let stack = crate::stack::Stack::load(&folder).unwrap();
            let prepared = stack.prepare(&crate::stack::Choices::default(), &stack.release(None, None)).unwrap();
            for object in prepared.objects {
                assert!(object.name().starts_with(name) && object.namespace() == name, "{}", object.title());
            }
        }
    }

    #[test]
    fn a_name_that_cannot_be_one_is_refused() {
        let long = "a".repeat(63);
        let starter = starter_name().unwrap();
        for (name, id) in [
            ("", "bad-name"),
            ("Mine", "bad-name"),
            ("../up", "bad-name"),
            ("9lives", "bad-name"),
            (starter, "built-in-stack"),
            (&long, "unusable-name"),
        ] {
            assert_eq!(made(name).unwrap_err().id(), id, "{name}");
        }
    }

    #[test]
    fn a_starter_that_does_not_say_its_name_is_a_fault_of_ours() {
        let mut folder = made("mine").unwrap();
        folder.files.insert("stack.yaml".to_owned(), "format: 1\n".to_owned());
        let error = rename(&mut folder, "other").unwrap_err();
        assert_eq!((error.id(), error.class()), ("broken-starter", Class::Failed));
    }
}
