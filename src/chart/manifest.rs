//! What a chart renders to: objects, and hooks, which helm runs by itself. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::cluster::Resources;
use crate::object::{ObjectRef, text};
use crate::plan::FieldChange;
use crate::plan::difference::difference;
use crate::stack::yaml;

/// Marks a hook, with the events at which helm runs it.
const HOOK: &str = "/metadata/annotations/helm.sh~1hook";
/// Says what helm does to an object when its release goes.
const POLICY: &str = "/metadata/annotations/helm.sh~1resource-policy";
/// The name under which faults name what helm printed.
const FILE: &str = "what the chart renders to";

/// Names the file that what follows it was rendered from.
const SOURCE: &str = "# Source: ";

/// Objects of a release, apart from those that helm makes and takes away on the way.
#[derive(Clone, Default, PartialEq)]
pub struct Manifest {
    /// The objects, in helm's order.
    pub objects: Vec<Value>,
    /// What helm runs at certain events.
    pub hooks: Vec<Value>,
    /// Definitions that helm makes with the first install, and which are part of no release.
    pub definitions: Vec<Value>,
}

impl Manifest {
    /// Reads what `helm template` prints, or what a release keeps.
    ///
    /// # Errors
    /// When it is not YAML, or something in it is no object. No line of the text is quoted: it may hold a secret.
    pub fn read(printed: &str) -> Result<Self, String> {
        let documents = yaml::documents(FILE, printed).map_err(|fault| {
            let message = fault.message.split(": `").next().unwrap_or_default().to_owned();
            format!("it is not YAML: {message}")
        })?;
        let mut manifest = Self::default();
        for (mark, object) in documents {
            let apart = is_apart(printed, mark.line as usize);
            for object in flat(object) {
                if ObjectRef::of(&object).is_none() {
                    return Err(format!("line {}: an object has no apiVersion, kind or name", mark.line));
                }
                let list = match text(&object, HOOK) {
                    _ if apart => &mut manifest.definitions,
                    Some(_) => &mut manifest.hooks,
                    None => &mut manifest.objects,
                };
                list.push(object);
            }
        }
        manifest.hooks.retain(|hook| !is_test(hook));
        Ok(manifest)
    }

    /// Gives objects without a namespace the release's, as helm does.
    pub fn complete(&mut self, namespace: &str, resources: &Resources) {
        for object in self.objects.iter_mut().chain(&mut self.hooks) {
            let Some(reference) = ObjectRef::of(object) else { continue };
            if reference.namespace.as_deref().is_none_or(str::is_empty) && resources.is_namespaced(&reference) {
                object["metadata"]["namespace"] = namespace.into();
            }
        }
    }

    /// The objects' identities.
    pub fn references(&self) -> Vec<ObjectRef> {
        self.objects.iter().filter_map(ObjectRef::of).collect()
    }

    /// In what it differs from what is there, field by field; the values of Secrets are left out.
    pub fn difference(&self, there: &Self) -> Vec<FieldChange> {
        let by_name = |manifest: &Self| -> BTreeMap<String, Value> {
            let named =
                manifest.objects.iter().filter_map(|object| Some((ObjectRef::of(object)?.to_string(), object.clone())));
            named.collect()
        };
        let (now, wanted) = (by_name(there), by_name(self));
        let mut changes = Vec::new();
        for (name, object) in &wanted {
            match now.get(name) {
                None => changes.push(whole(name, None, Some("created"))),
                Some(before) => changes.extend(difference(before, object).into_iter().map(|change| {
                    let path = format!("{name} {}", change.path);
                    FieldChange { path, ..change }
                })),
            }
        }
        let gone = now.keys().filter(|name| !wanted.contains_key(*name));
        changes.extend(gone.map(|name| whole(name, Some("there"), None)));
        changes
    }
}

/// Whether what begins at this line is from the chart's folder `crds`.
fn is_apart(printed: &str, line: usize) -> bool {
    let source = printed.lines().take(line).filter_map(|line| line.strip_prefix(SOURCE)).last();
    source.is_some_and(|source| source.contains("/crds/") && !source.contains("/templates/"))
}

/// Whether helm leaves an object when its release goes.
pub fn is_kept(object: &Value) -> bool {
    text(object, POLICY).is_some_and(|policy| policy.trim() == "keep")
}

/// The events at which helm runs a hook.
pub fn events(hook: &Value) -> Vec<&str> {
    text(hook, HOOK).unwrap_or_default().split(',').map(str::trim).collect()
}

/// `helm test` is not part of an install.
fn is_test(hook: &Value) -> bool {
    let events = events(hook);
    !events.is_empty() && events.iter().all(|event| event.starts_with("test"))
}

/// Helm takes the objects of a List one by one.
fn flat(object: Value) -> Vec<Value> {
    match object {
        Value::Null => Vec::new(),
        Value::Object(mut map) if map.get("kind").is_some_and(|kind| kind == "List") => {
            map.remove("items").and_then(|items| items.as_array().cloned()).unwrap_or_default()
        }
        object => vec![object],
    }
}

fn whole(name: &str, now: Option<&str>, wanted: Option<&str>) -> FieldChange {
    FieldChange { path: name.to_owned(), now: now.map(Value::from), wanted: wanted.map(Value::from) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "---\n# Source: a/crds/c.yaml\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: c}\n\
        ---\n# Source: a/templates/x.yaml\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n\
        ---\n# nothing\n---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {a: swordfish}}\n\
        ---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: j, annotations: {helm.sh/hook: 'pre-delete, pre-upgrade'}}\n\
        ---\napiVersion: v1\nkind: Pod\nmetadata: {name: t, annotations: {helm.sh/hook: test}}\n\
        ---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r, annotations: {helm.sh/resource-policy: keep}}\n";

    #[test]
    fn objects_hooks_and_tests_are_told_apart() {
        let mut manifest = Manifest::read(PRINTED).unwrap();
        manifest.complete("sea", &Resources::default());
        let names =
            |objects: &[Value]| objects.iter().filter_map(ObjectRef::of).map(|it| it.to_string()).collect::<Vec<_>>();
        assert_eq!(names(&manifest.objects), ["Service/sea/web", "Secret/sea/s", "ClusterRole/r"]);
        assert_eq!(names(&manifest.hooks), ["Job/sea/j"]);
        assert_eq!(names(&manifest.definitions), ["CustomResourceDefinition/c"]);
        assert_eq!(events(&manifest.hooks[0]), ["pre-delete", "pre-upgrade"]);
        assert_eq!(manifest.objects.iter().map(is_kept).collect::<Vec<_>>(), [false, false, true]);
    }

    #[test]
    fn what_is_no_object_is_named_and_no_secret_quoted() {
        assert!(Manifest::read("").unwrap().objects.is_empty());
        assert_eq!(Manifest::read("a: 1\n").err().unwrap(), "line 1: an object has no apiVersion, kind or name");
        let broken = Manifest::read("apiVersion: v1\npassword: \"swordfish\n").err().unwrap();
        assert!(broken.contains("not YAML") && !broken.contains("swordfish"), "{broken}");
    }

    #[test]
    fn a_difference_names_object_and_field_and_hides_secrets() {
        let read = |text: &str| Manifest::read(text).unwrap();
        let after = read(
            &PRINTED
                .replace("port: 80", "port: 81")
                .replace("swordfish", "marlin")
                .replace("ClusterRole\nmetadata: {name: r", "ClusterRole\nmetadata: {name: q"),
        );
        let told: Vec<String> = after
            .difference(&read(PRINTED))
            .into_iter()
            .map(|change| format!("{} {:?}", change.path, change.wanted))
            .collect();
        let whole = told.join("\n");
        assert!(whole.contains("Service/web spec.ports[80]") || whole.contains("Service/web spec.ports"), "{whole}");
        assert!(whole.contains("Secret/s stringData.a") && !whole.contains("marlin"), "{whole}");
        assert!(
            whole.contains("ClusterRole/q Some(String(\"created\"))") && whole.contains("ClusterRole/r None"),
            "{whole}"
        );
        assert!(read(PRINTED).difference(&read(PRINTED)).is_empty());
    }
}
