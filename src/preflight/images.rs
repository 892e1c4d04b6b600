//! Whether what the pods run can be pulled: there, for the login that the pods have, and for the processors of the nodes. What nodes have already is not
//! asked for. Pure but for `ask`, which asks the registries.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt as _;
use futures::stream;
use serde_json::Value;

use super::{Around, Objection, Subject, written};
use crate::images::login::{self, Logins};
use crate::images::pull::Accounts;
use crate::images::registry::{Answer, Registries};
use crate::images::{Presence, full_name, presence, registry_of};
use crate::object::{ObjectRef, items, text};
use crate::plan::Plan;
use crate::plan::order::pod_spec;
use crate::snapshot::Snapshot;

/// So many images are asked for at once.
const AT_ONCE: usize = 8;

/// An image that some node would have to pull.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Needed {
    image: String,
    /// A workload whose pods run it.
    by: Option<ObjectRef>,
    /// Secrets that those pods pull with.
    secrets: BTreeSet<String>,
    /// Some nodes have it already, so that pods may run there.
    elsewhere: bool,
}

/// An image, and what its registry says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    needed: Needed,
    answer: Answer,
}

/// What the nodes would have to pull for this plan; without nodes nobody pulls anything.
pub(super) fn needed(subject: Subject<'_>, nodes: &Snapshot) -> Vec<Needed> {
    if nodes.of_kind("", "Node").next().is_none() {
        return Vec::new();
    }
    let accounts = Accounts::of(subject.plan.objects());
    let mut known: BTreeMap<&str, Presence> = BTreeMap::new();
    let mut found: BTreeMap<String, Needed> = BTreeMap::new();
    for object in written(subject.plan) {
        let Some(spec) = pod_spec(object) else { continue };
        for container in items(spec, "/initContainers").chain(items(spec, "/containers")) {
            let Some(image) = text(container, "/image") else { continue };
            let there = known.entry(image).or_insert_with(|| presence(nodes, image));
            let always = pulled_always(container, image);
            if container["imagePullPolicy"] == "Never"
                || (!always && there.missing.is_empty() && !there.there.is_empty())
            {
                continue;
            }
            let needed = found.entry(image.to_owned()).or_insert_with(|| Needed {
                image: image.to_owned(),
                by: ObjectRef::of(object),
                secrets: BTreeSet::new(),
                elsewhere: !always && !there.there.is_empty(),
            });
            needed.secrets.extend(accounts.secrets(spec).map(str::to_owned));
        }
    }
    found.into_values().collect()
}

/// Kubernetes, "Images", "Default image pull policy".
fn pulled_always(container: &Value, image: &str) -> bool {
    match text(container, "/imagePullPolicy") {
        Some(policy) => policy == "Always",
        None => full_name(image).ends_with(":latest"),
    }
}

/// Asks for all of them at once, each with the login that its pods would show.
pub(super) async fn ask(registries: &Registries, needed: Vec<Needed>, plan: &Plan, live: &Snapshot) -> Vec<Asked> {
    let logins: BTreeMap<String, Logins> = needed
        .iter()
        .flat_map(|one| &one.secrets)
        .filter_map(|name| Some((name.clone(), login::of_secret(secret(name, plan, live)?))))
        .collect();
    let one = |needed: Needed| {
        let known: Logins = needed
            .secrets
            .iter()
            .filter_map(|name| logins.get(name))
            .flatten()
            .map(|(registry, login)| (registry.clone(), login.clone()))
            .collect();
        async move {
            let answer = registries.ask(&needed.image, &known).await;
            Asked { needed, answer }
        }
    };
    let mut asked: Vec<Asked> = stream::iter(needed).map(one).buffer_unordered(AT_ONCE).collect().await;
    asked.sort_by(|one, other| one.needed.image.cmp(&other.needed.image));
    asked
}

/// A Secret as the plan makes it, else as it is there.
fn secret<'a>(name: &str, plan: &'a Plan, live: &'a Snapshot) -> Option<&'a Value> {
    let is_it = |object: &&Value| object["kind"] == "Secret" && text(object, "/metadata/name") == Some(name);
    plan.objects()
        .find(is_it)
        .or_else(|| live.get(&ObjectRef::new("v1", "Secret", Some(&plan.installation.namespace), name)))
}

pub(super) fn judge(_: Subject<'_>, around: &Around) -> Vec<Objection> {
    let mut objections: Vec<Objection> = around.images.iter().filter_map(|asked| objection(asked, around)).collect();
    objections.extend(unknown(&around.images));
    objections
}

fn objection(asked: &Asked, around: &Around) -> Option<Objection> {
    let Asked { needed, answer } = asked;
    let registry = registry_of(&needed.image);
    let image = &needed.image;
    let (message, remedy) = match answer {
        Answer::There { architectures } => return unfit(needed, architectures, around),
        Answer::Unknown { .. } => return None,
        Answer::Missing => (
            format!("{registry} has no image {image}"),
            "correct its name or tag, name the registry that has it with --registry, or put it into the nodes with `seaworthy images load`".to_owned(),
        ),
        Answer::Refused { as_user: None } => (
            format!("{registry} does not give {image} to anybody without a login, if it has it at all"),
            format!("log in with --registry-login USER@{registry}=@FILE, or put it into the nodes with `seaworthy images load`"),
        ),
        Answer::Refused { as_user: Some(user) } => (
            format!("{registry} does not give {image} to {user}, or refuses the password"),
            format!("give another login with --registry-login USER@{registry}=@FILE; a token may have expired, or may not read this image"),
        ),
    };
    let objection = if needed.elsewhere { Objection::warning } else { Objection::refusal };
    Some(about(objection("images", message, remedy), needed))
}

fn about(objection: Objection, needed: &Needed) -> Objection {
    match &needed.by {
        Some(by) => objection.about(by.clone()),
        None => objection,
    }
}

/// An image for other processors than those of the nodes that would pull it.
fn unfit(needed: &Needed, architectures: &BTreeSet<String>, around: &Around) -> Option<Objection> {
    if architectures.is_empty() {
        return None;
    }
    let architecture = |node| text(node, "/status/nodeInfo/architecture").map(str::to_owned);
    let nodes: BTreeSet<String> = around.snapshot.of_kind("", "Node").filter_map(architecture).collect();
    let lacking: Vec<&str> = nodes.difference(architectures).map(String::as_str).collect();
    if lacking.is_empty() {
        return None;
    }
    let image = &needed.image;
    let there = architectures.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let message = format!("{image} is made for {there}, and there are nodes of {}", lacking.join(", "));
    let none_fits = lacking.len() == nodes.len() && !needed.elsewhere;
    let (objection, remedy) = if none_fits {
        (Objection::refusal as fn(_, String, _) -> _, "take an image that was built for these nodes, too")
    } else {
        (
            Objection::warning as fn(_, String, _) -> _,
            "what is placed on those nodes does not start; a nodeSelector for kubernetes.io/arch keeps it off them",
        )
    };
    Some(about(objection("images", message, remedy), needed))
}

/// Of registries that could not be asked, one warning each.
fn unknown(asked: &[Asked]) -> Vec<Objection> {
    let mut silent: BTreeMap<String, (Vec<&str>, &str)> = BTreeMap::new();
    for one in asked {
        if let Answer::Unknown { why } = &one.answer {
            silent.entry(registry_of(&one.needed.image)).or_insert((Vec::new(), why)).0.push(&one.needed.image);
        }
    }
    let line = |(registry, (images, why)): (String, (Vec<&str>, &str))| {
        let message = format!(
            "whether the nodes can pull {} is not known: {registry} cannot be asked from this machine ({why})",
            images.join(", ")
        );
        Objection::warning(
            "images",
            message,
            "`seaworthy images load` puts images into nodes of this machine without a registry",
        )
    };
    silent.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{around, deployment, lines, node, plan, subject};
    use super::*;
    use serde_json::json;

    fn pod(image: &str) -> Value {
        json!({"containers": [{"name": "main", "image": image}], "imagePullSecrets": [{"name": "login"}]})
    }

    fn node_with(name: &str, architecture: &str, images: &[&str]) -> Value {
        let mut node = node(name, "1", "1Gi");
        node["status"]["nodeInfo"] = json!({"architecture": architecture});
        node["status"]["images"] = json!([{"names": images}]);
        node
    }

    fn asked(image: &str, answer: Answer) -> Asked {
        let needed = Needed { image: image.into(), by: None, secrets: BTreeSet::new(), elsewhere: false };
        Asked { needed, answer }
    }

    fn there(architectures: &[&str]) -> Answer {
        Answer::There { architectures: architectures.iter().map(ToString::to_string).collect() }
    }

    #[test]
    fn what_all_nodes_have_is_not_asked_for() {
        let plan = plan([
            deployment("a", 1, &pod("r.example/there:1")),
            deployment("b", 1, &pod("r.example/half:1")),
            deployment("c", 1, &pod("r.example/there")),
            deployment(
                "d",
                1,
                &json!({"containers": [{"name": "main", "image": "r.example/never:1", "imagePullPolicy": "Never"}]}),
            ),
        ]);
        let both = ["r.example/there:1", "r.example/there:latest"];
        let nodes =
            around([node_with("x", "amd64", &[both[0], both[1], "r.example/half:1"]), node_with("y", "amd64", &both)]);
        let found = needed(subject(&plan), &nodes.snapshot);
        let told: Vec<_> = found.iter().map(|one| (one.image.as_str(), one.elsewhere, one.secrets.len())).collect();
        assert_eq!(told, [("r.example/half:1", true, 1), ("r.example/there", false, 1)]);
    }

    #[test]
    fn what_cannot_be_pulled_is_refused_and_what_is_not_known_is_said_once() {
        let unknown = |why: &str| Answer::Unknown { why: why.into() };
        let refused = |user: Option<&str>| Answer::Refused { as_user: user.map(Into::into) };
        let mut half = asked("r.example/half:1", Answer::Missing);
        half.needed.elsewhere = true;
        let images = vec![
            asked("r.example/a:1", there(&["amd64", "arm64"])),
            asked("r.example/b:1", there(&["amd64"])),
            asked("r.example/c:1", there(&["s390x"])),
            asked("r.example/d:1", Answer::Missing),
            half,
            asked("r.example/e:1", refused(None)),
            asked("r.example/f:1", refused(Some("robot"))),
            asked("q.example/g:1", unknown("no route")),
            asked("q.example/h:1", unknown("no route")),
            asked("r.example/i:1", there(&[])),
        ];
        let nodes = [node_with("x", "amd64", &[]), node_with("y", "arm64", &[])];
        let found = judge(subject(&plan([])), &Around { images, ..around(nodes) });
        assert_eq!(
            lines(&found),
            [
                "warns: r.example/b:1 is made for amd64, and there are nodes of arm64",
                "refuses: r.example/c:1 is made for s390x, and there are nodes of amd64, arm64",
                "refuses: r.example has no image r.example/d:1",
                "warns: r.example has no image r.example/half:1",
                "refuses: r.example does not give r.example/e:1 to anybody without a login, if it has it at all",
                "refuses: r.example does not give r.example/f:1 to robot, or refuses the password",
                "warns: whether the nodes can pull q.example/g:1, q.example/h:1 is not known: q.example cannot be asked from this machine (no route)",
            ]
        );
    }
}
