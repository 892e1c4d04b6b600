//! Whether the namespace that somebody named is there: what is said of nothing would read as if all were well.

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::ListParams;
use seaworthy::cluster::Cluster;
use seaworthy::doctor::evidence::Evidence;
use seaworthy::error::closest;
use seaworthy::object::{printable, text};

use super::Failure;

/// Namespaces that are named in a hint.
const SHOWN: usize = 8;

/// Refuses the name of a namespace that is not there. Whoever may read neither it nor the list of them is let through, and so is
/// everybody when the API server does not answer: what is read next says that better.
///
/// # Errors
/// When there is no such namespace.
pub(crate) async fn known_namespace(cluster: &Cluster, name: &str) -> Result<(), Failure> {
    let all: Api<Namespace> = Api::all(cluster.client.clone());
    let is_refused = match all.get_metadata(name).await {
        Err(kube::Error::Api(status)) if matches!(status.code, 403 | 404) => status.code == 403,
        _ => return Ok(()),
    };
    let listed = all.list_metadata(&ListParams::default()).await;
    let names = listed.map(|list| list.items.into_iter().filter_map(|one| one.metadata.name).collect::<Vec<_>>());
    match names {
        Ok(names) if names.iter().any(|known| known == name) => Ok(()),
        Ok(names) => Err(unknown(name, &names)),
        Err(_) if is_refused => Ok(()),
        Err(_) => Err(unknown(name, &[])),
    }
}

/// The same for evidence: by its Namespaces, and where it holds none by what lives in them.
///
/// # Errors
/// When there is no such namespace, or nothing of it is in the evidence.
pub(crate) fn namespace_in(evidence: &Evidence, name: &str) -> Result<(), Failure> {
    let names = |objects: &mut dyn Iterator<Item = Option<&str>>| {
        let mut names: Vec<String> = objects.flatten().map(str::to_owned).collect();
        names.sort();
        names.dedup();
        names
    };
    let there = match evidence.gap("Namespace") {
        None => names(&mut evidence.snapshot.of_kind("", "Namespace").map(|one| text(one, "/metadata/name"))),
        // What was read in one namespace only was read in that one.
        Some(_) if evidence.only.is_some() => return Ok(()),
        Some(_) => names(&mut evidence.snapshot.objects().map(|one| text(one, "/metadata/namespace"))),
    };
    if there.is_empty() || there.iter().any(|known| known == name) { Ok(()) } else { Err(unknown(name, &there)) }
}

fn unknown(name: &str, there: &[String]) -> Failure {
    let hint = match closest(name, there.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{}`?", printable(near)),
        None if (1..=SHOWN).contains(&there.len()) => format!("there are {}", printable(&there.join(", "))),
        None => "`kubectl get namespaces` lists those that there are".to_owned(),
    };
    Failure::input("unknown-namespace", format!("there is no namespace `{}`", printable(name)), hint)
}
