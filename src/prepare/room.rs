//! What a profile needs, beside what the cluster has.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::needs::{allocatable, default_class, shown};
use super::sharing::{Offer, Shares, Sharing, sharing};
use crate::cluster::Cluster;
use crate::network::Shore;
use crate::object::text;
use crate::prerequisites::{Health, Picture, Prerequisite, Verdict, Wants, assess};
use crate::snapshot::Snapshot;
use crate::snapshot::nodes::takes_pods;
use crate::stack::definition::Needs;
use crate::stack::quantity::{self, Nano};

/// What a cluster offers to workloads that tolerate nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Nodes that take pods; `None` if they could not be read.
    pub nodes: Option<u32>,
    /// Allocatable processors of these nodes, in nano units. What runs there already is not taken off.
    pub cpu: Nano,
    /// Allocatable memory of these nodes, in nano bytes.
    pub memory: Nano,
    /// The default storage class: `Some(None)` when there is none, `None` if that could not be read.
    pub storage_class: Option<Option<String>>,
    /// Whether each prerequisite can be counted on, by its name, and why; `None` when that cannot be told.
    #[serde(default)]
    pub prerequisites: BTreeMap<String, (Option<bool>, String)>,
    /// The prerequisites that are not there and can be added.
    #[serde(default)]
    pub addable: BTreeSet<String>,
    /// What there is for volumes that several nodes write to.
    #[serde(default)]
    pub sharing: Sharing,
}

/// One thing that a profile needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// What, such as `memory`.
    pub what: String,
    /// How much of it is needed.
    pub needed: String,
    /// How much of it there is.
    pub there: String,
    /// Whether that is enough; `None` when it cannot be told.
    pub met: Option<bool>,
    /// Whether what is missing can be added before the stack.
    #[serde(default)]
    pub can_be_added: bool,
}

/// What a cluster offers, from what the prerequisites are judged by, among it nodes and storage classes. `shore` is awaited only where it
/// decides whether the nodes share a folder.
pub async fn room(cluster: &Cluster, picture: &Picture, shore: impl Future<Output = Shore>) -> Room {
    let sharing = sharing(cluster, picture, shore).await;
    Room { prerequisites: standings(picture), addable: addable(picture), sharing, ..measure(&picture.snapshot) }
}

/// How each prerequisite stands, by its name.
pub(super) fn standings(picture: &Picture) -> BTreeMap<String, (Option<bool>, String)> {
    let standing = |it: Prerequisite| (it.to_string(), assess(it, picture, &Wants::default()).standing());
    Prerequisite::ALL.into_iter().map(standing).collect()
}

/// Those whose installation would make a difference, as far as that can be said before anybody has looked around the cluster.
fn addable(picture: &Picture) -> BTreeSet<String> {
    let would = |it: &Prerequisite| {
        let found = assess(*it, picture, &Wants::default());
        let is_broken = matches!(found.found.as_ref().map(|found| &found.health), Some(Health::Unhealthy { .. }));
        match found.verdict {
            Verdict::Install { .. } => true,
            Verdict::Keep { .. } => is_broken,
            // The addresses are asked for, or worked out, where it is added.
            Verdict::Blocked(_) => found.wants_pool && found.found.is_none(),
            Verdict::Use { .. } | Verdict::Upgrade { .. } | Verdict::Leave { .. } => false,
        }
    };
    Prerequisite::ALL.into_iter().filter(would).map(|it| it.to_string()).collect()
}

fn measure(around: &Snapshot) -> Room {
    let unread = |kind: &str| around.is_unread(kind);
    let nodes: Vec<&Value> = around.of_kind("", "Node").filter(|node| takes_pods(node)).collect();
    let sum = |resource: &str| -> Nano { nodes.iter().map(|node| allocatable(node, resource)).sum() };
    let class = default_class(around).and_then(|class| text(class, "/metadata/name")).map(str::to_owned);
    Room {
        nodes: (!unread("Node")).then(|| u32::try_from(nodes.len()).unwrap_or(u32::MAX)),
        cpu: sum("cpu"),
        memory: sum("memory"),
        storage_class: (!unread("StorageClass")).then_some(class),
        prerequisites: BTreeMap::new(),
        addable: BTreeSet::new(),
        sharing: Sharing::default(),
    }
}

impl Room {
    /// Each need of a profile, and of the volumes that it shares, beside what there is.
    pub fn beside(&self, needs: &Needs, shares: &Shares) -> Vec<Need> {
        let mut all = vec![self.nodes(needs.nodes)];
        all.extend(self.amount("CPU", &needs.cpu, self.cpu));
        all.extend(self.amount("memory", &needs.memory, self.memory));
        if needs.storage_class {
            all.push(self.storage(needs));
        }
        all.extend(self.sharing.need(shares));
        all.extend(needs.prerequisites.iter().map(|name| self.prerequisite(name)));
        all
    }

    /// Whether volumes that nobody can make yet could be, once a prerequisite is there.
    pub fn can_be_shared(&self, shares: &Shares) -> bool {
        self.sharing.refuses(shares) && matches!(self.sharing.offer, Offer::Install(_))
    }

    fn prerequisite(&self, name: &str) -> Need {
        let unknown = || (None, "nobody knows how to look for it".to_owned());
        let (met, there) = self.prerequisites.get(name).cloned().unwrap_or_else(unknown);
        let can_be_added = met == Some(false) && self.addable.contains(name);
        Need { what: name.to_owned(), needed: String::new(), there, met, can_be_added }
    }

    fn nodes(&self, needed: u32) -> Need {
        let there = self.nodes.map_or_else(|| "may not be read".to_owned(), |nodes| format!("{nodes} schedulable"));
        let met = self.nodes.map(|nodes| nodes >= needed);
        Need { what: "nodes".to_owned(), needed: needed.to_string(), there, met, can_be_added: false }
    }

    fn amount(&self, what: &str, needed: &str, there: Nano) -> Option<Need> {
        let wanted = quantity::parse(needed)?;
        let (there, met) = match self.nodes {
            Some(_) => (format!("{} allocatable", shown(there, needed)), Some(there >= wanted)),
            None => ("may not be read".to_owned(), None),
        };
        Some(Need { what: what.to_owned(), needed: needed.to_owned(), there, met, can_be_added: false })
    }

    /// The class comes with local-path, where that is added.
    fn storage(&self, needs: &Needs) -> Need {
        let brings = |name: &String| *name == Prerequisite::LocalPath.to_string() && self.addable.contains(name);
        let (there, met) = match &self.storage_class {
            None => ("may not be read".to_owned(), None),
            Some(None) => ("no class is marked as the default".to_owned(), Some(false)),
            Some(Some(class)) => (class.clone(), Some(true)),
        };
        let can_be_added = met == Some(false) && needs.prerequisites.iter().any(brings);
        Need { what: "default StorageClass".to_owned(), needed: String::new(), there, met, can_be_added }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn node(name: &str, spec: &Value, ready: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": spec, "status": {
            "allocatable": {"cpu": "1500m", "memory": "1Gi"}, "conditions": [{"type": "Ready", "status": ready}]}})
    }

    fn needs() -> Needs {
        Needs {
            nodes: 2,
            cpu: "2".into(),
            memory: "3Gi".into(),
            storage_class: true,
            prerequisites: vec!["x".into()],
            ..Needs::default()
        }
    }

    #[test]
    fn only_nodes_that_take_pods_count() {
        let mut snapshot = Snapshot::default();
        let tainted = json!({"taints": [{"key": "k", "effect": "NoSchedule"}]});
        snapshot.insert(node("a", &json!({}), "True"));
        snapshot.insert(node("b", &json!({"taints": [{"key": "k", "effect": "PreferNoSchedule"}]}), "True"));
        snapshot.insert(node("c", &tainted, "True"));
        snapshot.insert(node("d", &json!({"unschedulable": true}), "True"));
        snapshot.insert(node("e", &json!({}), "Unknown"));
        let class = json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fast",
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}});
        snapshot.insert(class);
        let needs = measure(&snapshot).beside(&needs(), &Shares::default());
        let told: Vec<_> = needs.iter().map(|need| (need.there.as_str(), need.met)).collect();
        let expected = [
            ("2 schedulable", Some(true)),
            ("3 allocatable", Some(true)),
            ("2Gi allocatable", Some(false)),
            ("fast", Some(true)),
            ("nobody knows how to look for it", None),
        ];
        assert_eq!(told, expected);
    }

    /// What the next step adds is not counted as missing for good.
    #[test]
    fn what_can_be_added_is_told_from_what_cannot() {
        let mut room = measure(&Snapshot::default());
        let missing = |name: &str| (name.to_owned(), (Some(false), "not there".to_owned()));
        room.prerequisites = [missing("kruise"), missing("local-path"), missing("metallb")].into();
        room.addable = ["kruise".to_owned(), "local-path".to_owned()].into();
        let names = ["kruise", "local-path", "metallb"].map(str::to_owned);
        let needs = Needs { prerequisites: names.into(), ..needs() };
        let all = room.beside(&needs, &Shares::default());
        let added: Vec<&str> = all.iter().filter(|need| need.can_be_added).map(|need| need.what.as_str()).collect();
        assert_eq!(added, ["default StorageClass", "kruise", "local-path"]);
        let alone = Needs { prerequisites: Vec::new(), ..needs };
        assert!(room.beside(&alone, &Shares::default()).iter().all(|need| !need.can_be_added), "nobody adds it");
    }

    #[test]
    fn what_may_not_be_read_is_not_called_missing() {
        let mut snapshot = Snapshot::default();
        let unread = |kind: &str| crate::snapshot::Unread { kind: kind.into(), namespace: None, why: "no".into() };
        snapshot.unread = vec![unread("Node"), unread("StorageClass")];
        assert!(measure(&snapshot).beside(&needs(), &Shares::default()).iter().all(|need| need.met.is_none()));
    }
}
