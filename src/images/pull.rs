//! The Secrets with which images are pulled: which pods name which, and whether they can do it. Never what is in them.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::ByteString;
use serde::Serialize;
use serde_json::Value;

use super::registry_of;
use crate::cluster::{Cluster, Resources};
use crate::object::{ObjectRef, items, printable, text};
use crate::plan::order::pod_spec;
use crate::snapshot::Snapshot;
use crate::snapshot::collect::{Query, Scope, collect};

/// The type that the kubelet reads, and its key. Source: Kubernetes, "Pull an Image from a Private Registry"; the older
/// `kubernetes.io/dockercfg` has the registries at its top.
pub(super) const TYPES: [(&str, &str, &str); 2] =
    [("kubernetes.io/dockerconfigjson", ".dockerconfigjson", "/auths"), ("kubernetes.io/dockercfg", ".dockercfg", "")];

/// A Secret with which pods pull.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PullSecret {
    /// Its name.
    pub name: String,
    /// The registries that the images of those pods come from.
    pub registries: BTreeSet<String>,
    /// The components whose pods name it.
    pub components: BTreeSet<String>,
    /// What there is; `None` when the cluster was not asked.
    pub state: Option<State>,
}

/// What there is of a Secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum State {
    /// It is there and names a registry of these images.
    Fit {
        /// The registries of the images that it does not name; from those they have to be public.
        unnamed: Vec<String>,
    },
    /// It is not there.
    Missing,
    /// It may not be read.
    Unread {
        /// What the API server says.
        why: String,
    },
    /// It is of no use.
    Unfit {
        /// Why.
        why: String,
    },
}

/// Every pull secret that pods of these objects name, themselves or by a service account among them.
pub fn of_objects(objects: &[(Option<String>, Value)]) -> Vec<PullSecret> {
    let accounts = Accounts::of(objects.iter().map(|(_, object)| object));
    let mut found: BTreeMap<String, PullSecret> = BTreeMap::new();
    for (component, object) in objects {
        let Some(spec) = pod_spec(object) else { continue };
        for name in accounts.secrets(spec) {
            let secret = found.entry(name.to_owned()).or_insert_with(|| empty(name));
            secret.components.extend(component.clone());
            let containers = items(spec, "/initContainers").chain(items(spec, "/containers"));
            secret.registries.extend(containers.filter_map(|one| text(one, "/image")).map(registry_of));
        }
    }
    found.into_values().collect()
}

/// The service accounts of a plan: pods pull with the Secrets of theirs, too.
pub(crate) struct Accounts<'a>(BTreeMap<&'a str, &'a Value>);

impl<'a> Accounts<'a> {
    /// Those among these objects.
    pub(crate) fn of(objects: impl Iterator<Item = &'a Value>) -> Self {
        let accounts = objects.filter(|object| object["kind"] == "ServiceAccount");
        Self(accounts.filter_map(|object| Some((text(object, "/metadata/name")?, object))).collect())
    }

    /// The names of the Secrets that pods of this specification pull with.
    pub(crate) fn secrets<'b>(&'b self, spec: &'b Value) -> impl Iterator<Item = &'b str> {
        let account = text(spec, "/serviceAccountName").and_then(|name| self.0.get(name));
        let of_account = account.into_iter().flat_map(|account| items(account, "/imagePullSecrets"));
        items(spec, "/imagePullSecrets").chain(of_account).filter_map(|one| text(one, "/name"))
    }
}

fn empty(name: &str) -> PullSecret {
    let name = name.to_owned();
    PullSecret { name, registries: BTreeSet::new(), components: BTreeSet::new(), state: None }
}

/// Looks at these Secrets: one request each.
///
/// # Errors
/// When the API server is gone.
pub async fn look(cluster: &Cluster, namespace: &str, secrets: &mut [PullSecret]) -> Result<(), kube::Error> {
    let resources = Resources::default();
    let reference = ObjectRef::new("v1", "Secret", Some(namespace), "");
    let query = |secret: &PullSecret| {
        let resource = resources.of(&reference)?;
        let scope = Scope::Named(secret.name.clone());
        Some(Query { resource, namespace: Some(namespace.to_owned()), scope })
    };
    let found = collect(&cluster.client, secrets.iter().filter_map(query).collect()).await?;
    for secret in secrets.iter_mut() {
        secret.state = Some(judge(&found, namespace, secret));
    }
    Ok(())
}

fn judge(found: &Snapshot, namespace: &str, secret: &PullSecret) -> State {
    if let Some(object) = found.get(&ObjectRef::new("v1", "Secret", Some(namespace), &secret.name)) {
        return state(object, &secret.registries);
    }
    match found.unread.iter().find(|unread| unread.kind == "Secret") {
        Some(unread) => State::Unread { why: printable(&unread.why) },
        None => State::Missing,
    }
}

fn state(object: &Value, registries: &BTreeSet<String>) -> State {
    let unfit = |why: String| State::Unfit { why };
    let kind = text(object, "/type").unwrap_or("Opaque");
    let Some((_, key, place)) = TYPES.iter().find(|(name, ..)| *name == kind) else {
        return unfit(format!("its type is {}, and has to be {}", printable(kind), TYPES[0].0));
    };
    let known = match known(&object["data"][key], place) {
        Ok(known) => known,
        Err(why) => return unfit(format!("its {key} {why}")),
    };
    let unnamed: Vec<String> =
        registries.iter().filter(|wanted| !known.iter().any(|name| name == *wanted)).cloned().collect();
    if unnamed.len() == registries.len() {
        let names = if known.is_empty() { "no registry".to_owned() } else { known.join(", ") };
        return unfit(format!("it is for {names}, and the images come from {}", unnamed.join(", ")));
    }
    State::Fit { unnamed }
}

/// The registries that a Secret names, and nothing else of it.
fn known(value: &Value, place: &str) -> Result<Vec<String>, &'static str> {
    // Nothing at all would be read as an empty text.
    let text = value.as_str().ok_or("is missing")?;
    let bytes: ByteString = serde_json::from_value(text.into()).map_err(|_| "is not base64")?;
    let config: Value = serde_json::from_slice(&bytes.0).map_err(|_| "is not JSON")?;
    let registries = config.pointer(place).and_then(Value::as_object).ok_or("names no registries")?;
    Ok(registries.keys().map(|name| printable(&host(name))).collect())
}

/// The host in the name of a registry as clients write it: with scheme and path, and Docker Hub under an older name.
pub(super) fn host(name: &str) -> String {
    let rest = name.split_once("://").map_or(name, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or_default();
    if ["index.docker.io", "registry-1.docker.io"].contains(&host) { "docker.io".to_owned() } else { host.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A Secret with this text under this key.
    fn secret(kind: &str, key: &str, text: &str) -> Value {
        let bytes = serde_json::to_value(ByteString(text.as_bytes().to_vec())).unwrap();
        json!({"apiVersion": "v1", "kind": "Secret", "type": kind, "data": {key: bytes}})
    }

    fn of(registries: &[&str]) -> BTreeSet<String> {
        registries.iter().map(ToString::to_string).collect()
    }

    const TYPE: &str = "kubernetes.io/dockerconfigjson";
    const KEY: &str = ".dockerconfigjson";

    #[test]
    fn pods_name_their_secrets_or_their_account_does() {
        let pod = |image: &str, more: Value| {
            let mut spec = json!({"containers": [{"image": image}]});
            spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": spec}}})
        };
        let account =
            json!({"kind": "ServiceAccount", "metadata": {"name": "robot"}, "imagePullSecrets": [{"name": "b"}]});
        let objects = [
            (Some("web".to_owned()), pod("r.example/web:1", json!({"imagePullSecrets": [{"name": "a"}]}))),
            (
                Some("job".to_owned()),
                pod("busybox", json!({"serviceAccountName": "robot", "imagePullSecrets": [{"name": "a"}]})),
            ),
            (Some("free".to_owned()), pod("q.example/x", json!({}))),
            (None, account),
        ];
        let found = of_objects(&objects);
        let told: Vec<_> =
            found.iter().map(|one| (one.name.as_str(), one.registries.clone(), one.components.len())).collect();
        assert_eq!(told, [("a", of(&["docker.io", "r.example"]), 2), ("b", of(&["docker.io"]), 1)]);
    }

    #[test]
    fn a_secret_is_judged_by_type_and_registries() {
        let config = r#"{"auths": {"https://index.docker.io/v1/": {"auth": "c2VjcmV0"}, "r.example:5000": {}}}"#;
        let good = secret(TYPE, KEY, config);
        assert_eq!(state(&good, &of(&["docker.io"])), State::Fit { unnamed: vec![] });
        let partly = State::Fit { unnamed: vec!["q.example".to_owned()] };
        assert_eq!(state(&good, &of(&["q.example", "r.example:5000"])), partly);
        let old = secret("kubernetes.io/dockercfg", ".dockercfg", r#"{"r.example": {}}"#);
        assert_eq!(state(&old, &of(&["r.example"])), State::Fit { unnamed: vec![] });
        let why = |object: &Value| match state(object, &of(&["x.example"])) {
            State::Unfit { why } => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(why(&good), "it is for docker.io, r.example:5000, and the images come from x.example");
        assert_eq!(
            why(&secret("Opaque", KEY, config)),
            "its type is Opaque, and has to be kubernetes.io/dockerconfigjson"
        );
        assert_eq!(why(&secret(TYPE, "other", config)), "its .dockerconfigjson is missing");
        let mut broken = secret(TYPE, KEY, config);
        broken["data"][KEY] = "%%%".into();
        assert_eq!(why(&broken), "its .dockerconfigjson is not base64");
        assert_eq!(why(&secret(TYPE, KEY, "x")), "its .dockerconfigjson is not JSON");
        assert_eq!(why(&secret(TYPE, KEY, "{}")), "its .dockerconfigjson names no registries");
        assert!(!format!("{:?}", state(&good, &of(&["x.example"]))).contains("c2VjcmV0"));
    }
}
