//! Why a command ended without success: one shape for people and programs.

use seaworthy::cluster::fault::classify;
use seaworthy::doctor::Cause;
use seaworthy::error::{Class, Explain};
use seaworthy::network::Refusal;
use seaworthy::object::printable;
use serde::Serialize;

use crate::front::terminal_is_gone;

/// A failure that is ready to be shown.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Failure {
    /// Stable id.
    pub(crate) id: String,
    /// What it means for the exit code.
    pub(crate) class: Class,
    /// What went wrong; more lines where more is wrong.
    pub(crate) message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
    /// What stood in the way, a line each. They are shown last, so that the last line of a refused plan says why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) causes: Vec<String>,
    /// The first of what stood in the way, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<Box<Cause>>,
}

impl<E: Explain> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(error.id(), error.class(), error.to_string(), error.hint())
    }
}

impl Failure {
    /// A failure of which nothing more is known than its words.
    pub(crate) fn new(id: &str, class: Class, message: impl Into<String>, hint: Option<String>) -> Self {
        Self { id: id.to_owned(), class, message: message.into(), hint, causes: Vec::new(), cause: None }
    }

    /// Bad usage or input.
    pub(crate) fn input(id: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(id, Class::Input, message, Some(hint.into()))
    }

    /// A command line that cannot be read.
    pub(crate) fn usage(error: &clap::Error) -> Self {
        let text = error.render().to_string();
        // The usage line and the pointer to --help below it are for people.
        let message = text.split("\n\nUsage:").next().unwrap_or_default();
        let message = message.strip_prefix("error: ").unwrap_or(message).trim_end();
        let message = message.trim_end_matches("For more information, try '--help'.").trim_end();
        Self::input("usage", message, "the same with --help shows what can be written")
    }

    /// The same failure, with what stood in the way.
    pub(crate) fn because(mut self, causes: Vec<String>) -> Self {
        self.causes = causes;
        self
    }

    /// The same failure, with what it comes from.
    pub(crate) fn rooted(mut self, cause: Cause) -> Self {
        self.cause = Some(Box::new(cause));
        self
    }

    /// The API server, or the way to it, while something was read.
    pub(crate) fn kube(error: &kube::Error) -> Self {
        classify(error).into()
    }

    /// No addresses for load balancers, line by line what stands in the way.
    pub(crate) fn refused(refusal: Refusal) -> Self {
        let lines = refusal.lines().iter().map(|line| printable(line)).collect();
        Self::from(refusal).because(lines)
    }

    /// Whoever was asked pressed Ctrl-C, or closed the window.
    pub(crate) fn interrupted() -> Self {
        let class = if terminal_is_gone() { Class::HungUp } else { Class::Interrupted };
        Self::new("interrupted", class, "interrupted; nothing was written", None)
    }

    /// A file that a user named.
    pub(crate) fn file(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::input(
            "unreadable-file",
            format!("{}: {error}", path.display()),
            "give the path of a file that can be read",
        )
    }

    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        code(self.class)
    }
}

/// The exit code of a class.
pub(crate) fn code(class: Class) -> u8 {
    match class {
        Class::Failed => 1,
        Class::Input => 2,
        Class::Declined => 4,
        Class::Interrupted => 130,
        Class::HungUp => 129,
    }
}
