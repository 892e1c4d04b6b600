//! What people call an object, and which one they mean.

use kube::core::ApiResource;
use serde_json::Value;

use super::fault::WhyError;
use crate::cluster::Served;
use crate::doctor::evidence::Evidence;
use crate::error::closest;
use crate::kinds::{self, BUILTIN};
use crate::object::{ObjectRef, items, printable, text};

/// An object as somebody typed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The kind, by any of its names, with its group where that was typed.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The namespace, where it was given.
    pub namespace: Option<String>,
}

impl Asked {
    /// Reads `KIND/NAME`, `KIND NAME`, or `KIND/NAMESPACE/NAME`, as the doctor writes them.
    ///
    /// # Errors
    /// When the words are something else.
    pub fn parse(words: &[String], namespace: Option<&str>) -> Result<Self, WhyError> {
        let typed = words.join(" ");
        let parts: Vec<&str> = match words {
            [one] => one.split('/').collect(),
            [kind, name] if !kind.contains('/') && !name.contains('/') => vec![kind, name],
            _ => Vec::new(),
        };
        if parts.iter().any(|part| part.trim().is_empty()) {
            return Err(WhyError::NoObject(typed));
        }
        let own = |one: &str| Some(one.to_owned());
        let (kind, place, name) = match parts.as_slice() {
            [kind, name] => (kind, namespace.and_then(own), name),
            [_, place, _] if namespace.is_some_and(|given| given != *place) => {
                return Err(WhyError::TwoNamespaces(typed.clone(), (*place).to_owned()));
            }
            [kind, place, name] => (kind, own(place), name),
            _ => return Err(WhyError::NoObject(typed)),
        };
        Ok(Self { kind: (*kind).to_owned(), name: (*name).to_owned(), namespace: place })
    }
}

/// A kind with all its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kind {
    /// Where it is in the API, in the version that is read.
    pub resource: ApiResource,
    /// All versions that are served.
    pub versions: Vec<String>,
    /// Whether its objects live in a namespace.
    pub namespaced: bool,
    names: Vec<String>,
    is_builtin: bool,
}

impl Kind {
    fn fits(&self, word: &str) -> bool {
        let (name, place) = word.split_once('.').map_or((word, None), |(name, place)| (name, Some(place)));
        // `deployments.v1.apps`: the version has to be one that is served; which one is read makes no difference.
        let versioned = place.map(|place| place.split_once('.').unwrap_or((place, "")));
        let versioned = versioned.filter(|(version, _)| self.versions.iter().any(|own| own == version));
        let group = versioned.map(|(_, group)| group).or(place);
        let is_group = group.is_none_or(|group| group.eq_ignore_ascii_case(&self.resource.group));
        is_group && self.names.iter().any(|own| own.eq_ignore_ascii_case(name))
    }

    /// Its name with its group.
    fn full(&self) -> String {
        if self.resource.group.is_empty() {
            self.resource.plural.clone()
        } else {
            format!("{}.{}", self.resource.plural, self.resource.group)
        }
    }
}

/// The kinds that are known without asking: built in, or defined in the cluster.
pub(super) fn known(evidence: &Evidence) -> Vec<Kind> {
    let built_in = BUILTIN.iter().map(|kind| Kind {
        resource: ApiResource {
            group: kind.group.to_owned(),
            version: kind.version.to_owned(),
            api_version: kind.api_version(),
            kind: kind.kind.to_owned(),
            plural: kind.plural.to_owned(),
        },
        versions: vec![kind.version.to_owned()],
        namespaced: kind.namespaced,
        names: [kind.kind.to_owned(), kind.plural.to_owned()]
            .into_iter()
            .chain(kinds::short_names(kind.kind).map(str::to_owned))
            .collect(),
        is_builtin: true,
    });
    let definitions = evidence.snapshot.of_kind("apiextensions.k8s.io", "CustomResourceDefinition");
    built_in.chain(definitions.filter_map(defined)).collect()
}

fn defined(definition: &Value) -> Option<Kind> {
    let part = |pointer| text(definition, pointer).unwrap_or_default().to_owned();
    let served: Vec<&Value> = items(definition, "/spec/versions").filter(|version| version["served"] == true).collect();
    // The version in which objects are stored needs no conversion, which may be what is broken.
    let version = served.iter().find(|version| version["storage"] == true).or(served.first())?;
    let version = text(version, "/name")?.to_owned();
    let group = part("/spec/group");
    let short = items(definition, "/spec/names/shortNames").filter_map(Value::as_str).map(str::to_owned);
    Some(Kind {
        resource: ApiResource {
            api_version: format!("{group}/{version}"),
            group,
            version,
            kind: part("/spec/names/kind"),
            plural: part("/spec/names/plural"),
        },
        versions: served.iter().filter_map(|version| text(version, "/name")).map(str::to_owned).collect(),
        namespaced: part("/spec/scope") == "Namespaced",
        names: [part("/spec/names/kind"), part("/spec/names/plural"), part("/spec/names/singular")]
            .into_iter()
            .chain(short)
            .collect(),
        is_builtin: false,
    })
}

impl From<Served> for Kind {
    fn from(served: Served) -> Self {
        let Served { resource, namespaced, singular, short } = served;
        let names = [resource.kind.clone(), resource.plural.clone(), singular].into_iter().chain(short);
        let names = names.filter(|name| !name.is_empty()).collect();
        Self { versions: vec![resource.version.clone()], namespaced, names, is_builtin: false, resource }
    }
}

/// The kind that a word means. As with kubectl, the one that comes with Kubernetes goes before others of its name.
///
/// # Errors
/// When there is none, or there are several.
pub(super) fn kind_called<'a>(word: &str, kinds: &'a [Kind], silent: &[String]) -> Result<&'a Kind, WhyError> {
    let mut fitting: Vec<&Kind> = kinds.iter().filter(|kind| kind.fits(word)).collect();
    if fitting.iter().any(|kind| kind.is_builtin) {
        fitting.retain(|kind| kind.is_builtin);
    }
    match fitting.as_slice() {
        [one] => Ok(one),
        [] => {
            let names =
                kinds.iter().flat_map(|kind| &kind.names).filter(|name| name.len() > 2).map(|name| name.to_lowercase());
            let names: Vec<String> = names.collect();
            let nearest = closest(word, names.iter().map(String::as_str)).map(str::to_owned);
            Err(WhyError::NoKind { kind: word.to_owned(), nearest, silent: silent.to_vec() })
        }
        several => Err(WhyError::SeveralKinds {
            kind: word.to_owned(),
            names: several.iter().map(|kind| kind.full()).collect(),
        }),
    }
}

/// The object that is meant: in the namespace that was given, else in the usual one, else wherever there is just one.
///
/// # Errors
/// When objects of that name are in several namespaces, none of which was named.
pub(super) fn object_called(
    asked: &Asked,
    kind: &Kind,
    usual: &str,
    evidence: &Evidence,
) -> Result<ObjectRef, WhyError> {
    let resource = &kind.resource;
    let at = |namespace: Option<&str>| ObjectRef::new(&resource.api_version, &resource.kind, namespace, &asked.name);
    if !kind.namespaced {
        return Ok(at(None));
    }
    let first = at(Some(asked.namespace.as_deref().unwrap_or(usual)));
    if asked.namespace.is_some() || evidence.snapshot.get(&first).is_some() {
        return Ok(first);
    }
    let named = |object: &&Value| text(object, "/metadata/name") == Some(asked.name.as_str());
    let places = evidence.snapshot.of_kind(&resource.group, &resource.kind).filter(named);
    let places: Vec<String> = places.filter_map(|one| text(one, "/metadata/namespace")).map(str::to_owned).collect();
    match places.as_slice() {
        [] => Ok(first),
        [one] => Ok(at(Some(one))),
        _ => {
            let (kind, name) = (asked.kind.clone(), asked.name.clone());
            Err(WhyError::SeveralObjects { kind, name, namespaces: places })
        }
    }
}

/// Why an object is not in the evidence. `told`: of which objects something is said; some of them are missed, not there.
pub(super) fn absent(object: &ObjectRef, evidence: &Evidence, told: &[ObjectRef]) -> WhyError {
    if let Some(why) = evidence.gap(&object.kind).filter(|_| evidence.snapshot.is_unread(&object.kind)) {
        return WhyError::Unread { object: object.clone(), why };
    }
    let all = evidence.snapshot.of_kind(object.group(), &object.kind);
    let named = |one: &Value| {
        Some((text(one, "/metadata/name")?.to_owned(), text(one, "/metadata/namespace").map(str::to_owned)))
    };
    let missed = told.iter().filter(|one| (one.group(), &one.kind) == (object.group(), &object.kind));
    let missed = missed.map(|one| (one.name.clone(), one.namespace.clone()));
    let mut all: Vec<(String, Option<String>)> = all.filter_map(named).chain(missed).collect();
    // Its own namespace first.
    all.sort_by_key(|(_, namespace)| *namespace != object.namespace);
    let near = closest(&object.name, all.iter().map(|(name, _)| name.as_str()));
    let near = near.and_then(|near| all.iter().find(|(name, _)| name == near));
    let nearest = near.map(|(name, namespace)| {
        let place = namespace.as_deref().filter(|_| *namespace != object.namespace);
        let kind = object.kind.to_lowercase();
        printable(&place.map_or_else(|| format!("{kind}/{name}"), |place| format!("{kind}/{name} -n {place}")))
    });
    WhyError::Missing { object: object.clone(), nearest }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Explain as _;
    use crate::snapshot::Snapshot;
    use jiff::Timestamp;
    use serde_json::json;

    fn asked(words: &[&str], namespace: Option<&str>) -> Result<Asked, WhyError> {
        Asked::parse(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), namespace)
    }

    #[test]
    fn objects_are_named_as_people_type_them() {
        for (words, kind, namespace, name) in [
            (vec!["po/web-0"], "po", None, "web-0"),
            (vec!["pod", "web-0"], "pod", None, "web-0"),
            (vec!["deployments.apps/web"], "deployments.apps", None, "web"),
            (vec!["Deployment/shop/web"], "Deployment", Some("shop"), "web"),
            (vec!["clusterrole/system:node"], "clusterrole", None, "system:node"),
        ] {
            let read = asked(&words, None).unwrap();
            assert_eq!(
                (read.kind.as_str(), read.namespace.as_deref(), read.name.as_str()),
                (kind, namespace, name),
                "{words:?}"
            );
        }
        for words in [
            vec!["web"],
            vec!["/web"],
            vec!["po/"],
            vec!["po/ "],
            vec!["a/b/c/d"],
            vec!["po/web", "x"],
            vec!["a", "b", "c"],
            vec![],
        ] {
            assert_eq!(asked(&words, None).unwrap_err().id(), "bad-object", "{words:?}");
        }
        assert_eq!(asked(&["po/shop/web"], Some("sea")).unwrap_err().id(), "bad-object");
        assert_eq!(asked(&["po/shop/web"], Some("shop")).unwrap().namespace.as_deref(), Some("shop"));
    }

    fn definition(group: &str, kind: &str, plural: &str) -> Value {
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": format!("{plural}.{group}")},
            "spec": {"group": group, "scope": "Namespaced", "names": {"kind": kind, "plural": plural, "shortNames": [kind[..3].to_lowercase()]},
                "versions": [{"name": "v1", "served": true, "storage": false}, {"name": "v2", "served": true, "storage": true}]}})
    }

    #[test]
    fn kinds_are_found_by_every_name_and_told_apart_by_their_group() {
        let mut snapshot = Snapshot::default();
        for (group, kind, plural) in
            [("a.io", "Barge", "barges"), ("b.io", "Barge", "barges"), ("c.io", "Service", "services")]
        {
            snapshot.insert(definition(group, kind, plural));
        }
        let evidence = Evidence::new(snapshot, Timestamp::UNIX_EPOCH);
        let kinds = known(&evidence);
        let full = |word: &str| kind_called(word, &kinds, &[]).map(|kind| (kind.full(), kind.resource.version.clone()));
        for (word, found) in [
            ("po", "pods"),
            ("Pods", "pods"),
            ("deploy.apps", "deployments.apps"),
            ("deployments.v1.apps", "deployments.apps"),
            ("svc", "services"),
            ("service", "services"),
            ("services.c.io", "services.c.io"),
            ("bar.b.io", "barges.b.io"),
            ("barges.v1.a.io", "barges.a.io"),
        ] {
            assert_eq!(full(word).unwrap().0, found, "{word}");
        }
        assert_eq!(full("barges.a.io").unwrap().1, "v2");
        assert_eq!(
            full("barge").unwrap_err().to_string(),
            "there are several kinds called `barge`: barges.a.io, barges.b.io"
        );
        let wrong = full("deploymnet").unwrap_err();
        assert_eq!(wrong.to_string(), "the cluster has no kind called `deploymnet`; did you mean `deployment`?");
        assert_eq!(full("deployments.b.io").unwrap_err().id(), "unknown-kind");
    }

    #[test]
    fn a_name_that_is_nearly_right_is_told() {
        let pod = |namespace: &str| json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-0", "namespace": namespace}});
        let mut snapshot = Snapshot::default();
        snapshot.insert(pod("sea"));
        let evidence = Evidence::new(snapshot, Timestamp::UNIX_EPOCH);
        let told = |namespace: &str| {
            absent(&ObjectRef::new("v1", "Pod", Some(namespace), "wbe-0"), &evidence, &[]).to_string()
        };
        assert_eq!(told("sea"), "Pod/sea/wbe-0 is not there; did you mean `pod/web-0`?");
        assert_eq!(told("shop"), "Pod/shop/wbe-0 is not there; did you mean `pod/web-0 -n sea`?");
        let missed = ObjectRef::new("v1", "ConfigMap", Some("sea"), "settings");
        let asked = ObjectRef { namespace: Some("shop".to_owned()), ..missed.clone() };
        assert_eq!(
            absent(&asked, &evidence, &[missed]).to_string(),
            "ConfigMap/shop/settings is not there; did you mean `configmap/settings -n sea`?"
        );
    }
}
