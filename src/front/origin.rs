//! Where the images of a stack come from: asked before anything else about it, because many are in registries that do not give them to everybody.

use std::path::{Path, PathBuf};

use seaworthy::engine::journal::Inputs;
use seaworthy::images::login::Login;
use seaworthy::stack::Stack;

use super::form::quoted;

/// A place that images come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Way {
    /// The registries that the stack names.
    #[default]
    Open,
    /// A registry that wants a login.
    Login,
    /// The container engines of this machine.
    Engines,
    /// An archive.
    Archive,
    /// Nowhere: stand-ins.
    StandIns,
}

/// The ways in the order in which they are offered, each in a line, and what there is to know about it.
pub(crate) const WAYS: [(Way, &str, &str); 5] = [
    (
        Way::Open,
        "the stack's own registries, which are public",
        "The nodes pull as the manifests say. Before anything is written, each registry is asked whether it has the images and lets us pull them.",
    ),
    (
        Way::Login,
        "a private registry (user name and password or token)",
        "The login becomes an imagePullSecret in the stack's namespace, and every pod pulls with it. Without a registry of your own, the stack's is used. The password is kept only in the cluster.",
    ),
    (
        Way::Engines,
        "this machine: from its container engines into the nodes",
        "For nodes that are containers of this machine, or this machine itself. What they lack is loaded from Docker or Podman first, in a run of its own that is shown before.",
    ),
    (
        Way::Archive,
        "an archive, made by `seaworthy images save` or `docker save`",
        "Every checksum in it is checked. What the nodes lack is loaded first, in a run of its own that is shown before.",
    ),
    (
        Way::StandIns,
        "nowhere: a demonstration, with busybox in place of every program",
        "Every object is the stack's own, but what runs is busybox, which answers probes and the way in, and does nothing else. What has no default is taken from the stack's example.",
    ),
];

/// What is asked about a stack.
pub(crate) fn question(stack: &Stack) -> String {
    format!("Where do the images of {} come from?", stack.name())
}

/// The ways as they are offered for a stack, each in a line.
pub(crate) fn lines(stack: &Stack) -> Vec<String> {
    let line = |(way, line, _): &(Way, &str, &str)| match (way, &stack.definition().unpublished) {
        (Way::Open, Some(_)) => "the stack's own registries (not public)".to_owned(),
        _ => (*line).to_owned(),
    };
    WAYS.iter().map(line).collect()
}

/// Why the registries that a stack names are of no use, and what is instead.
pub(crate) fn unpublished(stack: &Stack) -> Option<String> {
    let why = stack.definition().unpublished.as_ref()?;
    let sentence = why.chars().take(1).flat_map(char::to_uppercase).chain(why.chars().skip(1)).collect::<String>();
    Some(format!(
        "{sentence}. If you do not have these images, choose the demonstration; if you do, name your registry, or load them from this machine or an archive."
    ))
}

/// What is asked about a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Registry,
    User,
    Password,
    Archive,
}

impl Field {
    /// The question.
    pub(crate) fn question(self) -> &'static str {
        match self {
            Self::Registry => "Registry? (empty: the stack's own)",
            Self::User => "User name?",
            Self::Password => "Password, or token?",
            Self::Archive => "Archive? (the path of its file)",
        }
    }

    /// Whether it may be left empty.
    pub(crate) fn is_optional(self) -> bool {
        self == Self::Registry
    }
}

impl Way {
    /// Whether images are put into nodes first.
    pub(crate) fn loads(self) -> bool {
        matches!(self, Self::Engines | Self::Archive)
    }

    /// What there is to answer, in this order.
    pub(crate) fn fields(self) -> &'static [Field] {
        match self {
            Self::Login => &[Field::Registry, Field::User, Field::Password],
            Self::Archive => &[Field::Archive],
            Self::Open | Self::Engines | Self::StandIns => &[],
        }
    }
}

/// The option that has stand-ins run.
pub(crate) const STAND_INS: &str = "--stand-ins";

/// The option that has images put into the nodes first: from the engines of this machine, or from an archive.
pub(crate) fn load_option(archive: Option<&Path>) -> String {
    let from = archive.map(|archive| format!("={}", quoted(&archive.display().to_string())));
    format!("--load-images{}", from.unwrap_or_default())
}

/// The answers. Those to a way that was not taken in the end are kept for whoever comes back to it.
#[derive(Clone, Default)]
pub(crate) struct Origin {
    pub(crate) way: Way,
    registry: String,
    user: String,
    password: String,
    archive: String,
}

impl std::fmt::Debug for Origin {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Origin").field("way", &self.way).finish_non_exhaustive()
    }
}

impl Origin {
    /// Begins with where the images of an installation came from. A password is in no record: it is asked for.
    pub(crate) fn begin_with(&mut self, inputs: &Inputs) {
        if inputs.stand_ins {
            self.way = Way::StandIns;
        } else if inputs.login {
            self.way = Way::Login;
            self.put(Field::Registry, inputs.registry.as_deref().unwrap_or_default());
        }
    }

    /// An answer as it can be shown and begun with; a secret is typed anew.
    pub(crate) fn get(&self, field: Field) -> &str {
        match field {
            Field::Registry => &self.registry,
            Field::User => &self.user,
            Field::Password => "",
            Field::Archive => &self.archive,
        }
    }

    /// Whether there is an answer already that is not shown, and that stays where nothing is typed.
    pub(crate) fn is_kept(&self, field: Field) -> bool {
        field == Field::Password && !self.password.is_empty()
    }

    pub(crate) fn put(&mut self, field: Field, text: &str) {
        // A password is for one registry and one user: it is not shown to another.
        if matches!(field, Field::Registry | Field::User) && self.get(field) != text.trim() {
            self.password.clear();
        }
        let place = match field {
            Field::Registry => &mut self.registry,
            Field::User => &mut self.user,
            Field::Password => &mut self.password,
            Field::Archive => &mut self.archive,
        };
        text.trim().clone_into(place);
    }

    /// The registry of all images, where one was named.
    pub(crate) fn registry(&self) -> Option<&str> {
        Some(self.registry.as_str()).filter(|registry| self.way == Way::Login && !registry.is_empty())
    }

    /// Who pulls.
    pub(crate) fn login(&self) -> Login {
        Login { user: self.user.clone(), password: self.password.clone() }
    }

    /// Where the archive lies.
    pub(crate) fn archive(&self) -> PathBuf {
        PathBuf::from(&self.archive)
    }

    /// The answers as options of the command line.
    pub(crate) fn options(&self) -> Vec<String> {
        match self.way {
            Way::Open => Vec::new(),
            Way::Login => {
                let registry = self.registry().map(|registry| format!("--registry {}", quoted(registry)));
                let login = format!("--registry-login {}", quoted(&format!("{}=@FILE", self.user)));
                registry.into_iter().chain([login]).collect()
            }
            Way::Engines => vec![load_option(None)],
            Way::Archive => vec![load_option(Some(&self.archive()))],
            Way::StandIns => vec![STAND_INS.to_owned()],
        }
    }
}
