//! Where an object or a collection is, from the path of a request.

use seaworthy::kinds;
use seaworthy::object::ObjectRef;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address {
    pub(super) api_version: String,
    pub(super) plural: String,
    pub(super) namespace: Option<String>,
    /// `None`: the collection.
    pub(super) name: Option<String>,
}

impl Address {
    pub(super) fn new(api_version: &str, plural: &str, namespace: Option<&str>, name: &str) -> Self {
        let (api_version, plural) = (api_version.to_owned(), plural.to_owned());
        Self { api_version, plural, namespace: namespace.map(str::to_owned), name: Some(name.to_owned()) }
    }

    /// Of an object of a built-in kind, or of a custom one whose plural is its kind with an `s`.
    pub(super) fn of(object: &ObjectRef) -> Self {
        let guess = format!("{}s", object.kind.to_lowercase());
        let plural = kinds::builtin(&object.api_version, &object.kind).map_or(guess.as_str(), |kind| kind.plural);
        Self::new(&object.api_version, plural, object.namespace.as_deref(), &object.name)
    }

    pub(super) fn parse(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let (api_version, rest) = match parts.as_slice() {
            ["api", version, rest @ ..] => ((*version).to_owned(), rest),
            ["apis", group, version, rest @ ..] => (format!("{group}/{version}"), rest),
            _ => return None,
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some((*namespace).to_owned()), rest),
            rest => (None, rest),
        };
        let (plural, name) = match rest {
            [plural] => (plural, None),
            [plural, name] => (plural, Some((*name).to_owned())),
            _ => return None,
        };
        Some(Self { api_version, plural: (*plural).to_owned(), namespace, name })
    }

    /// Whether an object is in this collection.
    pub(super) fn holds(&self, object: &Self) -> bool {
        (&self.api_version, &self.plural) == (&object.api_version, &object.plural)
            && (self.namespace.is_none() || self.namespace == object.namespace)
    }
}
