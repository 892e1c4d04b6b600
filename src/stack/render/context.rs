//! The names that templates know.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::value::{Serde, Value};
use minijinja::{Error, ErrorKind, State, context};
use sha2::{Digest, Sha256};

use super::super::definition::Definition;
use super::super::values::Values;
use super::Release;

/// Names of Kubernetes objects made from the base name are kept below this.
const LONGEST_BASE: usize = 63;

/// The base of object names: the release's name if it contains the stack's, else both.
pub fn base_name(release: &str, stack: &str) -> String {
    let mut name = if release.contains(stack) { release.to_owned() } else { format!("{release}-{stack}") };
    let mut end = LONGEST_BASE.min(name.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    name.trim_end_matches('-').to_owned()
}

/// Everything a template can name.
pub fn names(definition: &Definition, values: &Values, release: &Release) -> Value {
    let registry = release.registry.clone();
    let (all, few) = (labels(definition, release), selector(definition, release));
    let names = context! {
        values => Value::from(Serde(values.tree())),
        r => base_name(&release.name, &definition.name),
        release => context! { name => &release.name, namespace => &release.namespace },
        stack => context! { name => &definition.name, version => &definition.version },
        profile => values.profile(),
        labels => Value::from_function(move |component: Option<String>| of_component(&all, component)),
        selector => Value::from_function(move |component: Option<String>| of_component(&few, component)),
        image => Value::from_function(move |map: Value| image(&map, registry.as_deref())),
    };
    let file = file_function(names.clone(), Arc::from([]));
    context! { file => file, ..names }
}

type Labels = BTreeMap<&'static str, String>;

/// The labels that never change between versions.
fn selector(definition: &Definition, release: &Release) -> Labels {
    [("app.kubernetes.io/name", definition.name.clone()), ("app.kubernetes.io/instance", release.name.clone())].into()
}

/// All labels of an object.
pub(super) fn labels(definition: &Definition, release: &Release) -> Labels {
    let mut labels = selector(definition, release);
    labels.extend([
        ("app.kubernetes.io/version", label_value(&definition.version)),
        ("app.kubernetes.io/part-of", definition.name.clone()),
        ("app.kubernetes.io/managed-by", "seaworthy".to_owned()),
    ]);
    labels
}

/// The labels, with that of the component when there is one.
fn of_component(labels: &Labels, component: Option<String>) -> Value {
    let component = component.map(|component| ("app.kubernetes.io/component", component));
    labels.clone().into_iter().chain(component).collect::<Labels>().into()
}

/// A version as a label's value, which cannot have the `+` of build metadata.
fn label_value(version: &str) -> String {
    version.replace('+', "_").chars().take(63).collect()
}

/// The image a map describes: `registry/repository:tag`, or `@digest`.
fn image(map: &Value, registry: Option<&str>) -> Result<String, Error> {
    let field = |name: &str| -> Result<Option<String>, Error> {
        let value = map.get_attr(name)?;
        if value.is_undefined() || value.is_none() {
            return Ok(None);
        }
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Ok(Some(text).filter(|text| !text.is_empty()))
    };
    let refused = |message: String| Error::new(ErrorKind::InvalidOperation, message);
    let repository = field("repository")?.ok_or_else(|| refused("the image has no repository".to_owned()))?;
    let (own_registry, repository) = match field("registry")? {
        Some(registry) => (Some(registry), repository),
        None => split_registry(&repository),
    };
    let name = match registry.map(str::to_owned).or(own_registry) {
        Some(registry) => format!("{}/{repository}", registry.trim_end_matches('/')),
        None => repository,
    };
    match (field("digest")?, field("tag")?) {
        (Some(digest), _) => Ok(format!("{name}@{digest}")),
        (None, Some(tag)) => Ok(format!("{name}:{tag}")),
        (None, None) => Err(refused(format!("the image {name} has neither tag nor digest"))),
    }
}

/// Splits off a registry that is written in front of the repository.
fn split_registry(repository: &str) -> (Option<String>, String) {
    match repository.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => {
            (Some(host.to_owned()), rest.to_owned())
        }
        _ => (None, repository.to_owned()),
    }
}

/// `file(name)`, which refuses to render a file that is being rendered.
fn file_function(names: Value, open: Arc<[String]>) -> Value {
    Value::from_function(move |state: &State<'_, '_>, name: String| -> Result<String, Error> {
        if open.contains(&name) {
            return Err(Error::new(ErrorKind::InvalidOperation, format!("files/{name} includes itself")));
        }
        let path = format!("files/{name}");
        if state.env().templates().all(|(known, _)| known != path) {
            let known = state.env().templates().filter_map(|(known, _)| known.strip_prefix("files/"));
            let meant = crate::error::closest(&name, known).map(|name| format!(", did you mean `{name}`?"));
            let message = format!("there is no {path}{}", meant.unwrap_or_default());
            return Err(Error::new(ErrorKind::TemplateNotFound, message));
        }
        let inner: Arc<[String]> = open.iter().cloned().chain([name]).collect();
        let file = file_function(names.clone(), inner);
        state.env().get_template(&path)?.render(context! { file => file, ..names.clone() })
    })
}

/// The SHA-256 of a text, in hexadecimal.
pub fn checksum(text: &str) -> String {
    use std::fmt::Write;
    Sha256::digest(text).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// `image` as a filter: without the release's registry it cannot be one, so it looks the function up.
pub fn image_filter(state: &State<'_, '_>, map: &Value) -> Result<Value, Error> {
    let missing = || Error::new(ErrorKind::UnknownFunction, "`image` is not known here");
    state.lookup("image").ok_or_else(missing)?.call(&mut state.env().empty_state(), std::slice::from_ref(map))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_of_names() {
        let long = "x".repeat(70);
        let table = [
            ("geo", "geodata", "geo-geodata"),
            ("geodata", "geodata", "geodata"),
            ("my-geodata-2", "geodata", "my-geodata-2"),
        ];
        for (release, stack, expected) in table {
            assert_eq!(base_name(release, stack), expected);
        }
        assert_eq!(base_name(&long, "s").len(), 63);
        assert_eq!(base_name(&format!("{}-y", "x".repeat(62)), "s"), "x".repeat(62));
    }

    #[test]
    fn images() {
        let made =
            |map: serde_json::Value, registry| image(&Value::from(Serde(map)), registry).map_err(|e| e.to_string());
        let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        let table = [
            (r#"{"repository": "redis", "tag": "7"}"#, None, "redis:7"),
            (r#"{"registry": "r.io", "repository": "a/b", "tag": 7}"#, None, "r.io/a/b:7"),
            (r#"{"registry": "r.io", "repository": "a/b", "tag": "7"}"#, Some("l:5000/"), "l:5000/a/b:7"),
            (r#"{"repository": "r.io/a/b", "tag": "7"}"#, Some("l:5000"), "l:5000/a/b:7"),
            (r#"{"registry": "", "repository": "a", "tag": "", "digest": "sha256:1"}"#, None, "a@sha256:1"),
        ];
        for (map, registry, expected) in table {
            assert_eq!(made(json(map), registry).unwrap(), expected, "{map}");
        }
        assert!(made(json(r#"{"repository": "a"}"#), None).unwrap_err().contains("neither tag nor digest"));
        assert!(made(json("{}"), None).unwrap_err().contains("no repository"));
    }

    #[test]
    fn checksum_is_sha256() {
        assert!(checksum("").starts_with("e3b0c44298fc1c14"));
    }
}
