//! Where in the API each kind lives. Built-in kinds are known; only custom ones are asked for.

use std::collections::HashMap;

use kube::Client;
use kube::core::ApiResource;
use serde_json::Value;

use crate::kinds;
use crate::object::{ObjectRef, items, text};

/// The API resource of each kind that a plan is about.
#[derive(Debug, Clone, Default)]
pub struct Resources {
    custom: HashMap<(String, String), (ApiResource, bool)>,
}

impl Resources {
    /// The resource of an object's kind; `None` for a custom kind that nobody defines.
    pub fn of(&self, reference: &ObjectRef) -> Option<ApiResource> {
        kinds::builtin(&reference.api_version, &reference.kind)
            .map(resource)
            .or_else(|| self.custom_kind(reference).map(|(resource, _)| resource.clone()))
    }

    /// Whether objects of this kind live in a namespace. Unknown kinds are taken to.
    pub fn is_namespaced(&self, reference: &ObjectRef) -> bool {
        kinds::builtin(&reference.api_version, &reference.kind)
            .map(|kind| kind.namespaced)
            .or_else(|| self.custom_kind(reference).map(|(_, namespaced)| *namespaced))
            .unwrap_or(true)
    }

    fn custom_kind(&self, reference: &ObjectRef) -> Option<&(ApiResource, bool)> {
        self.custom.get(&(reference.api_version.clone(), reference.kind.clone()))
    }

    /// Learns the kinds that a CustomResourceDefinition defines.
    pub fn learn(&mut self, definition: &Value) {
        let part = |pointer| text(definition, pointer).unwrap_or_default().to_owned();
        let (group, kind, plural) = (part("/spec/group"), part("/spec/names/kind"), part("/spec/names/plural"));
        let namespaced = part("/spec/scope") == "Namespaced";
        for version in items(definition, "/spec/versions").filter_map(|version| text(version, "/name")) {
            let api_version = format!("{group}/{version}");
            let resource = ApiResource {
                group: group.clone(),
                version: version.to_owned(),
                api_version: api_version.clone(),
                kind: kind.clone(),
                plural: plural.clone(),
            };
            self.custom.insert((api_version, kind.clone()), (resource, namespaced));
        }
    }

    /// Learns what another has learnt.
    pub fn learn_from(&mut self, other: Self) {
        self.custom.extend(other.custom);
    }

    /// Learns what the objects need: from the definitions among them, and from the API server for what remains: one
    /// request for each group and version. A group that the server does not know stays unknown.
    pub async fn resolve(&mut self, client: &Client, objects: &[&Value]) -> Result<(), kube::Error> {
        objects.iter().filter(|object| object["kind"] == "CustomResourceDefinition").for_each(|crd| self.learn(crd));
        self.resolve_kinds(client, objects.iter().filter_map(|object| ObjectRef::of(object))).await
    }

    /// The same for objects of which no more is known than what they are called.
    pub async fn resolve_kinds(
        &mut self,
        client: &Client,
        references: impl Iterator<Item = ObjectRef>,
    ) -> Result<(), kube::Error> {
        let unknown = references.filter(|reference| self.of(reference).is_none());
        let mut versions: Vec<String> = unknown.map(|reference| reference.api_version).collect();
        versions.sort();
        versions.dedup();
        for version in versions {
            self.discover(client, &version).await?;
        }
        Ok(())
    }

    async fn discover(&mut self, client: &Client, api_version: &str) -> Result<(), kube::Error> {
        let list = match client.list_api_group_resources(api_version).await {
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(()),
            answer => answer?,
        };
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        for found in list.resources.into_iter().filter(|resource| !resource.name.contains('/')) {
            let resource = ApiResource {
                group: group.to_owned(),
                version: version.to_owned(),
                api_version: api_version.to_owned(),
                kind: found.kind.clone(),
                plural: found.name,
            };
            self.custom.insert((api_version.to_owned(), found.kind), (resource, found.namespaced));
        }
        Ok(())
    }
}

fn resource(kind: &kinds::Kind) -> ApiResource {
    let api_version =
        if kind.group.is_empty() { kind.version.to_owned() } else { format!("{}/{}", kind.group, kind.version) };
    ApiResource {
        group: kind.group.to_owned(),
        version: kind.version.to_owned(),
        api_version,
        kind: kind.kind.to_owned(),
        plural: kind.plural.to_owned(),
    }
}
