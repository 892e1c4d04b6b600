//! Where an object or a collection is: the path of a request, taken apart.

use serde_json::{Value, json};

use crate::kinds;
use crate::object::ObjectRef;

/// The place of one object. The order groups the objects of a kind and namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Address {
    pub(super) api_version: String,
    pub(super) plural: String,
    pub(super) namespace: Option<String>,
    pub(super) name: String,
}

impl Address {
    pub(super) fn new(api_version: &str, plural: &str, namespace: Option<&str>, name: &str) -> Self {
        let namespace = namespace.filter(|namespace| !namespace.is_empty()).map(str::to_owned);
        Self { api_version: api_version.to_owned(), plural: plural.to_owned(), namespace, name: name.to_owned() }
    }

    /// Of an object of a built-in kind, or of a custom one whose plural is its kind with an `s`.
    pub(super) fn of(object: &ObjectRef) -> Self {
        let guess = format!("{}s", object.kind.to_lowercase());
        let plural = kinds::builtin(&object.api_version, &object.kind).map_or(guess.as_str(), |kind| kind.plural);
        Self::new(&object.api_version, plural, object.namespace.as_deref(), &object.name)
    }

    pub(super) fn group(&self) -> &str {
        group(&self.api_version)
    }

    /// What a refusal is about, as its `details`.
    pub(super) fn details(&self) -> Value {
        json!({"name": self.name, "group": self.group(), "kind": self.plural})
    }
}

/// The group of an `apiVersion`; empty for the core group.
pub(super) fn group(api_version: &str) -> &str {
    parts(api_version).0
}

/// Group and version of an `apiVersion`.
pub(super) fn parts(api_version: &str) -> (&str, &str) {
    api_version.rsplit_once('/').unwrap_or(("", api_version))
}

/// A path below `/api/v1` or `/apis/GROUP/VERSION`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) api_version: String,
    pub(super) plural: String,
    pub(super) namespace: Option<String>,
    /// `None`: the collection.
    pub(super) name: Option<String>,
    /// `status`, `scale`, `log`, ...
    pub(super) sub: Option<String>,
}

impl Route {
    pub(super) fn parse(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let (api_version, rest) = match parts.as_slice() {
            ["api", version, rest @ ..] => ((*version).to_owned(), rest),
            ["apis", group, version, rest @ ..] => (format!("{group}/{version}"), rest),
            _ => return None,
        };
        let (namespace, rest) = match rest {
            ["namespaces", name, sub @ ("status" | "finalize")] => {
                return Some(Self::whole(api_version, "namespaces", None, Some(name), Some(sub)));
            }
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some(*namespace), rest),
            rest => (None, rest),
        };
        match rest {
            [plural] => Some(Self::whole(api_version, plural, namespace, None, None)),
            [plural, name] => Some(Self::whole(api_version, plural, namespace, Some(name), None)),
            // `pods/NAME/proxy/...` and `services/NAME/proxy/...` are named by their first part.
            [plural, name, sub, ..] => Some(Self::whole(api_version, plural, namespace, Some(name), Some(sub))),
            [] => None,
        }
    }

    fn whole(version: String, plural: &str, namespace: Option<&str>, name: Option<&str>, sub: Option<&str>) -> Self {
        let own = |text: Option<&str>| text.map(str::to_owned);
        Self {
            api_version: version,
            plural: plural.to_owned(),
            namespace: own(namespace),
            name: own(name),
            sub: own(sub),
        }
    }

    pub(super) fn group(&self) -> &str {
        group(&self.api_version)
    }

    /// The object at this route, under a name that may be known only from the body.
    pub(super) fn object(&self, name: &str) -> Address {
        Address::new(&self.api_version, &self.plural, self.namespace.as_deref(), name)
    }

    /// Whether an object is in this collection.
    pub(super) fn holds(&self, object: &Address) -> bool {
        (&self.api_version, &self.plural) == (&object.api_version, &object.plural)
            && (self.namespace.is_none() || self.namespace == object.namespace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_apart() {
        let table = [
            ("/api/v1/pods", Some(("v1", "pods", None, None, None))),
            ("/api/v1/namespaces/a", Some(("v1", "namespaces", None, Some("a"), None))),
            ("/api/v1/namespaces/a/status", Some(("v1", "namespaces", None, Some("a"), Some("status")))),
            ("/api/v1/namespaces/a/pods/b/log", Some(("v1", "pods", Some("a"), Some("b"), Some("log")))),
            ("/apis/apps/v1/namespaces/a/deployments", Some(("apps/v1", "deployments", Some("a"), None, None))),
            ("/apis/apps/v1", None),
            ("/version", None),
        ];
        for (path, expected) in table {
            let route = Route::parse(path);
            let found = route.as_ref().map(|route| {
                (
                    &*route.api_version,
                    &*route.plural,
                    route.namespace.as_deref(),
                    route.name.as_deref(),
                    route.sub.as_deref(),
                )
            });
            assert_eq!(found, expected, "{path}");
        }
    }
}
