//! What is left in namespaces that were told to go. Reads only, and only where there is such a namespace.

use kube::Client;
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::Value;

use crate::cluster::Resources;
use crate::kinds;
use crate::object::ObjectRef;
use crate::plan::verb::Pinned;
use crate::recover::stuck::{Left, SilentApi, Stuck, has_silent_apis, resources_left, service_of, silence, told_to_go};
use crate::snapshot::Snapshot;
use crate::snapshot::collect::{Query, Scope, collect};

/// Every namespace of the picture that is on its way out.
pub(super) async fn stuck(client: &Client, seen: &Snapshot) -> Result<Vec<Stuck>, kube::Error> {
    // Of the whole cluster, so asked once, and only where a namespace waits for one.
    let is_asked = |namespace: &Value| told_to_go(namespace).is_some() && has_silent_apis(namespace);
    let apis = if seen.of_kind("", "Namespace").any(is_asked) { silent_apis(client).await? } else { Vec::new() };
    let mut all = Vec::new();
    for namespace in seen.of_kind("", "Namespace") {
        let (Some(pinned), Some(since)) = (Pinned::of(namespace), told_to_go(namespace)) else { continue };
        let apis = if has_silent_apis(namespace) { apis.clone() } else { Vec::new() };
        let mut stuck = Stuck { namespace: pinned, since, left: Vec::new(), apis, unread: Vec::new() };
        contents(client, (namespace, seen), &mut stuck).await?;
        all.push(stuck);
    }
    Ok(all)
}

/// What its conditions say is left, read now, and its pods: as long as there are any nothing else is deleted, and the conditions say nothing
/// (Kubernetes 1.33, KEP-5080).
async fn contents(
    client: &Client,
    (namespace, seen): (&Value, &Snapshot),
    stuck: &mut Stuck,
) -> Result<(), kube::Error> {
    let mut queries = Vec::new();
    for (plural, group) in resources_left(namespace) {
        match resource(client, &plural, &group).await {
            Ok(Some(resource)) => {
                let namespace = Some(stuck.namespace.object.name.clone());
                queries.push(Query { resource, namespace, scope: Scope::All });
            }
            Ok(None) => stuck.unread.push(format!("{plural}.{group}: no such resource is served any more")),
            Err(error) => stuck.unread.push(format!("{plural}.{group}: {}", crate::error::root(&error))),
        }
    }
    let read = collect(client, queries).await?;
    let pods = seen.in_namespace("", "Pod", &stuck.namespace.object.name);
    stuck.left = read.objects().chain(pods).filter_map(Left::of).collect();
    stuck.left.sort_by(|a, b| a.object.object.cmp(&b.object.object));
    stuck.left.dedup_by(|a, b| a.object == b.object);
    stuck.unread.extend(read.unread.iter().map(ToString::to_string));
    Ok(())
}

/// Where the API keeps a resource that is known by its plural and its group: in the version that the server prefers. The core group has one.
async fn resource(client: &Client, plural: &str, group: &str) -> Result<Option<ApiResource>, kube::Error> {
    if let Some(kind) = kinds::of_core(plural).filter(|_| group.is_empty()) {
        return Ok(Resources::default().of(&ObjectRef::new(&kind.api_version(), kind.kind, None, "")));
    }
    let (version, list) = if group.is_empty() {
        ("v1".to_owned(), client.list_core_api_resources("v1").await?)
    } else {
        let groups = client.list_api_groups().await?.groups;
        let Some(group) = groups.into_iter().find(|one| one.name == group) else { return Ok(None) };
        let Some(preferred) = group.preferred_version.or_else(|| group.versions.into_iter().next()) else {
            return Ok(None);
        };
        let list = client.list_api_group_resources(&preferred.group_version).await?;
        (preferred.version, list)
    };
    let found = list.resources.into_iter().find(|one| one.name == plural);
    Ok(found
        .map(|found| ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, &version, &found.kind), plural)))
}

/// The added APIs that do not answer, each with whether its Service is there.
async fn silent_apis(client: &Client) -> Result<Vec<SilentApi>, kube::Error> {
    let resources = Resources::default();
    let of = |reference: &ObjectRef, scope: Scope| {
        let resource = resources.of(reference)?;
        Some(Query { resource, namespace: reference.namespace.clone(), scope })
    };
    let api = ObjectRef::new("apiregistration.k8s.io/v1", "APIService", None, "");
    let apis = collect(client, of(&api, Scope::All).into_iter().collect()).await?;
    let silent: Vec<(&Value, String)> = apis.objects().filter_map(|live| Some((live, silence(live)?))).collect();
    let services = silent.iter().filter_map(|(live, _)| service_of(live));
    let services = services.filter_map(|service| of(&service, Scope::Named(service.name.clone()))).collect();
    let services = collect(client, services).await?;
    let one = |(live, why): (&Value, String)| {
        let service = service_of(live);
        // What may not be read may be there.
        let has_service =
            service.is_some_and(|service| services.get(&service).is_some() || services.is_unread("Service"));
        Some(SilentApi { api: Pinned::of(live)?, why, has_service })
    };
    Ok(silent.into_iter().filter_map(one).collect())
}
