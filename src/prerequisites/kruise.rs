//! `CloneSet`s: what is there of `OpenKruise`, whole or as the slice that `assets/kruise` installs.

use serde_json::{Value, json};

use super::picture::Picture;
use super::{Found, Health, Manager, Prerequisite, Verdict, version};
use crate::object::{ObjectRef, items, text};

const DEFINITION: &str = "clonesets.apps.kruise.io";
const WEBHOOKS: [(&str, &str); 2] = [
    ("MutatingWebhookConfiguration", "kruise-mutating-webhook-configuration"),
    ("ValidatingWebhookConfiguration", "kruise-validating-webhook-configuration"),
];

pub(super) fn assess(picture: &Picture) -> (Option<Found>, Verdict) {
    let kinds = ["Deployment", "CustomResourceDefinition", WEBHOOKS[0].0, WEBHOOKS[1].0];
    if let Some(because) = picture.blind(&kinds) {
        return (None, Verdict::blind(because, "look with a user that may list them"));
    }
    let manager = picture.workloads("Deployment", |it| version::image_of(it, "kruise-manager").is_some()).next();
    let definition = picture.definition(DEFINITION);
    let webhooks: Vec<&Value> = WEBHOOKS.iter().filter_map(|(kind, name)| webhook(picture, kind, name)).collect();
    let values = json!({});
    match (manager, definition) {
        (Some(manager), _) => {
            let found = found(picture, manager, definition, &webhooks);
            let verdict = there(&found, definition.is_some(), values);
            (Some(found), verdict)
        }
        (None, None) if webhooks.is_empty() => {
            (None, Verdict::Install { because: "OpenKruise, which makes CloneSets, is not there".to_owned(), values })
        }
        (None, definition) => (None, half(definition, &webhooks, values)),
    }
}

fn webhook<'a>(picture: &'a Picture, kind: &str, name: &str) -> Option<&'a Value> {
    picture.snapshot.get(&ObjectRef::new("admissionregistration.k8s.io/v1", kind, None, name))
}

fn found(picture: &Picture, manager: &Value, definition: Option<&Value>, webhooks: &[&Value]) -> Found {
    let image = version::image_of(manager, "kruise-manager").and_then(version::of_image);
    let health = match picture.health([manager]) {
        Health::Healthy if webhooks.len() < WEBHOOKS.len() || !webhooks.iter().all(|it| is_certified(it)) => {
            Health::Unhealthy { why: "its webhooks have no certificate".to_owned() }
        }
        health => health,
    };
    let objects = [Some(manager), definition].into_iter().flatten().chain(webhooks.iter().copied());
    Found {
        version: image.map(|version| version.to_string()),
        manager: Manager::of(manager),
        health,
        objects: objects.filter_map(ObjectRef::of).collect(),
    }
}

/// The manager writes its certificate into each entry once it is up.
fn is_certified(webhook: &Value) -> bool {
    items(webhook, "/webhooks").all(|entry| text(entry, "/clientConfig/caBundle").is_some_and(|it| !it.is_empty()))
}

fn there(found: &Found, defined: bool, values: Value) -> Verdict {
    if found.manager == Manager::Seaworthy {
        return super::ours(Prerequisite::Kruise, found, values);
    }
    match &found.health {
        Health::Healthy if defined => Verdict::Use { because: format!("OpenKruise is there ({})", found.manager) },
        Health::Healthy => Verdict::blocked(
            format!("OpenKruise is there ({}) without a definition of CloneSets", found.manager),
            "install it whole the way it was installed",
        ),
        Health::Unhealthy { why } => Verdict::blocked(
            format!("the OpenKruise that is there ({}) does not work: {why}", found.manager),
            "`seaworthy doctor` says what is wrong; a second one would fight with it",
        ),
    }
}

/// Ours knows one of its kinds; over a whole one it would leave all other kinds without anybody who looks after them.
pub(super) fn whole(found: &Found) -> Verdict {
    let because =
        format!("OpenKruise ({}) has more kinds than the CloneSets of ours, which would be left alone", found.manager);
    Verdict::blocked(because, "leave it there: it is used as it is; upgrade it the way it was installed")
}

/// Without its manager: definitions take `CloneSet`s that nobody looks after, webhooks refuse every one.
fn half(definition: Option<&Value>, webhooks: &[&Value], values: Value) -> Verdict {
    let foreign =
        definition.into_iter().chain(webhooks.iter().copied()).find(|it| Manager::of(it) != Manager::Seaworthy);
    match foreign.and_then(|it| Some((ObjectRef::of(it)?, Manager::of(it)))) {
        None => Verdict::Install { because: "its manager is gone".to_owned(), values },
        Some((object, manager)) => Verdict::blocked(
            format!("{object} ({manager}) is left of an OpenKruise of which nothing runs"),
            "take it away first; deleting the definition deletes every CloneSet with its pods",
        ),
    }
}
