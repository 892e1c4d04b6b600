//! Kinds that neither come with every cluster nor are defined in it: what the API server says that it serves.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResourceList;
use kube::Client;
use kube::core::ApiResource;

/// How long one group may take: an added API that is down answers late.
const SHORT: Duration = Duration::from_secs(5);
/// Groups that are asked at once.
const AT_ONCE: usize = 8;

/// A kind, with the names by which people call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// Where it is in the API.
    pub resource: ApiResource,
    /// Whether its objects live in a namespace.
    pub namespaced: bool,
    /// Its name for one.
    pub singular: String,
    /// Its short names.
    pub short: Vec<String>,
}

/// What the API server serves, and the groups that could not be asked.
#[derive(Debug, Default)]
pub struct Discovery {
    /// The kinds, of each group in the version that it prefers.
    pub kinds: Vec<Served>,
    /// Groups that did not answer.
    pub silent: Vec<String>,
}

/// Asks for the kinds of all groups but these: one request for the groups, and one for each.
///
/// # Errors
/// When the groups cannot be listed. A group that does not answer is part of the answer.
pub async fn discover(client: &Client, known: &BTreeSet<String>) -> Result<Discovery, kube::Error> {
    let groups = client.list_api_groups().await?.groups;
    let versions = groups.into_iter().filter(|group| !known.contains(&group.name)).filter_map(|group| {
        let version = group.preferred_version.or_else(|| group.versions.into_iter().next())?;
        Some(version.group_version)
    });
    let versions: Vec<String> =
        std::iter::once("v1".to_owned()).filter(|_| !known.contains("")).chain(versions).collect();
    let ask = |version: String| async move {
        let list = async {
            if version.contains('/') {
                client.list_api_group_resources(&version).await
            } else {
                client.list_core_api_resources(&version).await
            }
        };
        let answer = tokio::time::timeout(SHORT, list).await;
        (version, answer)
    };
    let mut answers = stream::iter(versions.into_iter().map(ask)).buffer_unordered(AT_ONCE);
    let mut found = Discovery::default();
    while let Some((version, answer)) = answers.next().await {
        match answer {
            Ok(Ok(list)) => found.kinds.extend(kinds(&version, list)),
            Ok(Err(_)) | Err(_) => found.silent.push(version),
        }
    }
    found.kinds.sort_by(|a, b| (&a.resource.group, &a.resource.kind).cmp(&(&b.resource.group, &b.resource.kind)));
    found.silent.sort();
    Ok(found)
}

/// The kinds of a group that can be read; what stands below another (`pods/log`) is none.
fn kinds(api_version: &str, list: APIResourceList) -> impl Iterator<Item = Served> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let (group, version, api_version) = (group.to_owned(), version.to_owned(), api_version.to_owned());
    let readable =
        list.resources.into_iter().filter(|one| !one.name.contains('/') && one.verbs.iter().any(|verb| verb == "get"));
    readable.map(move |one| Served {
        resource: ApiResource {
            group: group.clone(),
            version: version.clone(),
            api_version: api_version.clone(),
            kind: one.kind,
            plural: one.name,
        },
        namespaced: one.namespaced,
        singular: one.singular_name,
        short: one.short_names.unwrap_or_default(),
    })
}
