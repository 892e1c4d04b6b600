//! Why nothing can be said of what was asked about.

use crate::error::{Class, Explain};
use crate::object::{ObjectRef, printable};

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum WhyError {
    /// The words are no name of an object.
    #[error("`{}` names no object", printable(.0))]
    NoObject(String),
    /// A namespace in the object's name, and another one beside it.
    #[error("`{}` names the namespace `{}`, and --namespace another one", printable(.0), printable(.1))]
    TwoNamespaces(String, String),
    /// There is no such kind.
    #[error("the cluster has no kind called `{}`{}", printable(.kind), .nearest.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    NoKind {
        /// What was typed.
        kind: String,
        /// The nearest that there is.
        nearest: Option<String>,
        /// Groups of the API that did not answer.
        silent: Vec<String>,
    },
    /// Several groups have a kind of that name.
    #[error("there are several kinds called `{}`: {}", printable(.kind), .names.join(", "))]
    SeveralKinds {
        /// What was typed.
        kind: String,
        /// The names that are clear.
        names: Vec<String>,
    },
    /// Objects of that name are in several namespaces.
    #[error("there are several {}/{}: in the namespaces {}", printable(.kind), printable(.name), .namespaces.join(", "))]
    SeveralObjects {
        /// The kind, as it was typed.
        kind: String,
        /// The name.
        name: String,
        /// Where they are.
        namespaces: Vec<String>,
    },
    /// It may be there; it could not be read.
    #[error("{object} could not be read: {why}")]
    Unread {
        /// Which object.
        object: ObjectRef,
        /// What the API server said.
        why: String,
    },
    /// It is not there.
    #[error("{object} is not there{}", .nearest.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    Missing {
        /// Which object.
        object: ObjectRef,
        /// The nearest of its kind.
        nearest: Option<String>,
    },
    /// The API server did not say what it serves.
    #[error("the API server does not say which kinds it serves: {0}")]
    Discovery(String),
}

impl Explain for WhyError {
    fn id(&self) -> &'static str {
        match self {
            Self::NoObject(_) | Self::TwoNamespaces(..) => "bad-object",
            Self::NoKind { .. } => "unknown-kind",
            Self::SeveralKinds { .. } => "several-kinds",
            Self::SeveralObjects { .. } => "several-objects",
            Self::Unread { .. } => "unread-object",
            Self::Missing { .. } => "no-such-object",
            Self::Discovery(_) => "no-discovery",
        }
    }

    fn class(&self) -> Class {
        if matches!(self, Self::Discovery(_)) { Class::Failed } else { Class::Input }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoObject(_) => "write KIND/NAME, such as deploy/web or pvc/data".to_owned(),
            Self::TwoNamespaces(..) => "leave one of them out".to_owned(),
            Self::NoKind { silent, .. } if !silent.is_empty() => {
                format!(
                    "it may be one of an API that does not answer: {}; see `kubectl get apiservices`",
                    silent.join(", ")
                )
            }
            Self::NoKind { .. } => "`kubectl api-resources` lists the kinds".to_owned(),
            Self::SeveralKinds { names, .. } => {
                format!("write it with its group: {}/NAME", names.first().map_or("KIND.GROUP", |name| name))
            }
            Self::SeveralObjects { .. } => "say which with --namespace".to_owned(),
            Self::Unread { .. } => "ask for the right to read it".to_owned(),
            Self::Missing { object, .. } => {
                let all = if object.namespace.is_some() { " -A" } else { "" };
                format!("see what is: `kubectl get {}{all}`", object.kind.to_lowercase())
            }
            Self::Discovery(_) => "see whether it answers: `kubectl api-resources`".to_owned(),
        })
    }
}
