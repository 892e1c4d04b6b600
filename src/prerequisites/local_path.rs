//! Volumes from a folder of the node: what is there of rancher.io/local-path.
//!
//! kind and k3s bring it along. Two provisioners of this name both act on every claim (facts/prerequisites: local-path), so
//! a second one is never installed; where only the class that stacks name is missing, only that is made.

use serde_json::{Value, json};

use super::picture::{Picture, label};
use super::{Found, Health, Manager, Prerequisite, Verdict, Wants, version};
use crate::object::{ObjectRef, items, text};
use crate::snapshot::classes::is_default;

const PROVISIONER: &str = "rancher.io/local-path";
/// The class that stacks name, and that k3s has.
const CLASS: &str = "local-path";

pub(super) fn assess(picture: &Picture, wants: &Wants) -> (Option<Found>, Verdict) {
    if let Some(because) = picture.blind(&["StorageClass", "Deployment"]) {
        return (None, Verdict::blind(because, "look with a user that may list them"));
    }
    let serves = |it: &Value| provides(it) && provisioner_name(it).is_none_or(|name| name == PROVISIONER);
    let provisioners: Vec<&Value> = picture.workloads("Deployment", serves).collect();
    match provisioners.as_slice() {
        [] => (None, nobody_provides(picture, wants)),
        [one] => {
            let found = found(picture, one);
            let verdict = one_provides(picture, &found, one);
            (Some(found), verdict)
        }
        [first, second, ..] => {
            let mut found = found(picture, first);
            found.objects.extend(ObjectRef::of(second));
            (Some(found), two_provide(first, second))
        }
    }
}

fn provides(deployment: &Value) -> bool {
    let is = |name: &str| label(deployment, name) == Some("local-path-provisioner");
    is("app") || is("app.kubernetes.io/name") || version::image_of(deployment, "/local-path-provisioner").is_some()
}

/// The name under which a Deployment of this program makes volumes, where that is not the usual one: `--provisioner-name`, or
/// `PROVISIONER_NAME` (local-path-provisioner v0.0.30 and v0.0.37, main.go).
pub(super) fn provisioner_name(deployment: &Value) -> Option<&str> {
    items(deployment, "/spec/template/spec/containers").find_map(|container| {
        let words = items(container, "/command").chain(items(container, "/args"));
        let words: Vec<&str> = words.filter_map(Value::as_str).collect();
        let is_flag = |word: &str| word.strip_prefix("--").or(word.strip_prefix('-')) == Some("provisioner-name");
        let joined = words.iter().find_map(|word| Some(word.split_once('=').filter(|(name, _)| is_flag(name))?.1));
        let apart = || words.windows(2).find(|pair| is_flag(pair[0])).map(|pair| pair[1]);
        let mut variables = items(container, "/env");
        let variable = || text(variables.find(|variable| variable["name"] == "PROVISIONER_NAME")?, "/value");
        joined.or_else(apart).or_else(variable)
    })
}

fn classes(picture: &Picture) -> impl Iterator<Item = &Value> {
    picture.snapshot.of_kind("storage.k8s.io", "StorageClass")
}

fn served(picture: &Picture) -> impl Iterator<Item = &Value> {
    classes(picture).filter(|class| text(class, "/provisioner") == Some(PROVISIONER))
}

fn name(object: &Value) -> &str {
    text(object, "/metadata/name").unwrap_or_default()
}

/// The default class, unless it is the one that we make.
fn other_default(picture: &Picture) -> Option<&Value> {
    let ours = |class: &Value| name(class) == CLASS && Manager::of(class) == Manager::Seaworthy;
    classes(picture).filter(|class| is_default(class)).find(|class| !ours(class))
}

fn found(picture: &Picture, provisioner: &Value) -> Found {
    let image = version::image_of(provisioner, "local-path-provisioner");
    let classes = served(picture).filter_map(ObjectRef::of);
    Found {
        version: image.and_then(version::of_image).map(|version| version.to_string()),
        manager: Manager::of(provisioner),
        health: picture.health([provisioner]),
        objects: ObjectRef::of(provisioner).into_iter().chain(classes).collect(),
    }
}

fn nobody_provides(picture: &Picture, wants: &Wants) -> Verdict {
    let other = other_default(picture);
    if let Some(class) = other.filter(|class| !wants.by_name && text(class, "/provisioner") != Some(PROVISIONER)) {
        let provisioner = text(class, "/provisioner").unwrap_or_default();
        return Verdict::Use {
            because: format!("the default StorageClass {} ({provisioner}) gives volumes", name(class)),
        };
    }
    let because = match served(picture).next() {
        Some(class) => format!("StorageClass {} is there, but nobody provides its volumes", name(class)),
        None if other.is_some() => "nothing provides volumes of local-path".to_owned(),
        None => "there is no default StorageClass, and nothing provides volumes of local-path".to_owned(),
    };
    Verdict::Install { because, values: whole(other.is_none()) }
}

fn whole(default: bool) -> Value {
    json!({"provisioner": {"enabled": true}, "alias": {"enabled": false}, "storageClass": {"name": CLASS, "default": default}})
}

/// Ours over what somebody else has installed: its class stays the default one if it is.
pub(super) fn adopted(picture: &Picture) -> Value {
    let theirs = served(picture).any(|class| name(class) == CLASS && is_default(class));
    whole(theirs || other_default(picture).is_none())
}

fn one_provides(picture: &Picture, found: &Found, provisioner: &Value) -> Verdict {
    if found.manager == Manager::Seaworthy {
        return super::ours(Prerequisite::LocalPath, found, whole(other_default(picture).is_none()));
    }
    if let Health::Unhealthy { why } = &found.health {
        let because = format!("the provisioner that is there ({}) does not work: {why}", found.manager);
        let object = ObjectRef::of(provisioner).map(|reference| reference.to_string()).unwrap_or_default();
        return Verdict::blocked(
            because,
            format!("`seaworthy why {object}` says what is wrong; a second one would fight with it"),
        );
    }
    let class = served(picture).find(|class| name(class) == CLASS);
    match class.map(Manager::of) {
        Some(Manager::Seaworthy) => Verdict::Keep { values: alias() },
        Some(_) => {
            Verdict::Use { because: format!("StorageClass {CLASS} and its provisioner are there ({})", found.manager) }
        }
        None => Verdict::Install {
            because: format!(
                "its provisioner is there ({}), only a StorageClass of the name {CLASS} is missing",
                found.manager
            ),
            values: alias(),
        },
    }
}

fn alias() -> Value {
    json!({"provisioner": {"enabled": false}, "alias": {"enabled": true, "name": CLASS}})
}

fn two_provide(first: &Value, second: &Value) -> Verdict {
    let named = |object: &Value| ObjectRef::of(object).map(|reference| reference.to_string()).unwrap_or_default();
    Verdict::blocked(
        format!("two provisioners act on each claim: {} and {}", named(first), named(second)),
        "take one of them away; where their folders differ, volumes of the one that goes stay with their folder",
    )
}
