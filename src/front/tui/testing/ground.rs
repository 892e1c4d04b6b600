//! Clusters as prerequisites are judged by them.

use std::sync::{Arc, LazyLock};

use crossterm::event::KeyCode;
use seaworthy::host::distribution::Distribution;
use seaworthy::host::engines::Product;
use seaworthy::network::{Family, Folder, Inputs, Network, NodeAddress, Reach, Seen, Subnet};
use seaworthy::prerequisites::Picture;
use seaworthy::prerequisites::picture::KubeletCertificates;
use seaworthy::snapshot::Snapshot;
use seaworthy::stack::{Catalogue, Stack};
use serde_json::{Value, json};

use super::{all, begun, key, surveyed};
use crate::front::tui::model::{Message, Model};
use seaworthy::prerequisites::Ground;

fn node() -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "dev-control-plane"},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]}})
}

/// Of somebody else, and by the names that the official manifests have; `release`: of whom Helm says that it is.
fn local_path(release: &str) -> [Value; 2] {
    let name = "local-path-provisioner";
    let image = "rancher/local-path-provisioner:v0.0.26";
    let annotations = json!({"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": "storage"});
    let workload = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": "local-path-storage", "generation": 1, "annotations": annotations},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}},
            "template": {"spec": {"containers": [{"name": name, "image": image}]}}},
        "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1,
            "conditions": [{"type": "Available", "status": "True"}]}});
    let class = json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "rancher.io/local-path",
        "metadata": {"name": "local-path", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}});
    [workload, class]
}

/// The network of kind, or none that is known here.
fn seen(known: bool) -> Seen {
    let subnet = Subnet { subnet: "172.18.0.0/16".parse().unwrap(), gateway: None, range: None, reserved: [].into() };
    let network = Network { name: "kind".to_owned(), engine: Product::Docker, subnets: vec![subnet] };
    let address = "172.18.0.2".parse().unwrap();
    let strange = ["node far is not a container of an engine that answers here".to_owned()];
    let inputs = Inputs {
        network: known.then_some(network),
        strange: if known { Vec::new() } else { strange.into() },
        nodes: vec![NodeAddress { node: "dev-control-plane".to_owned(), address }],
        families: vec![Family::V4],
        needed: 3,
        ..Inputs::default()
    };
    let reach = known.then(|| Reach::Direct { interface: "br-kind".to_owned(), below_windows: false });
    Seen { inputs, reach }
}

fn ground(release: &str, known: bool) -> Ground {
    let mut snapshot = Snapshot::default();
    std::iter::once(node()).chain(local_path(release)).for_each(|object| snapshot.insert(object));
    let (distribution, kubelets) = (Distribution::Kind, KubeletCertificates::SelfSigned);
    let picture = Picture { snapshot, distribution, server: Some((1, 34)), kubelets };
    Ground { picture, seen: Some(seen(known)), folder: None }
}

/// What is there is known. `known`: where the nodes are, too.
pub(in crate::front::tui) fn grounded(known: bool) -> Message {
    Message::Grounded { context: "dev".to_owned(), ground: Ok(Arc::new(ground("disks", known))) }
}

/// All nodes have a folder in common.
pub(in crate::front::tui) fn grounded_with_folder() -> Message {
    let folder = Some(Ok(Folder { path: "/srv/shared".to_owned() }));
    let ground = Ground { folder, ..ground("disks", true) };
    Message::Grounded { context: "dev".to_owned(), ground: Ok(Arc::new(ground)) }
}

/// As whoever made it likes.
pub(in crate::front::tui) fn grounded_by_somebody_strange() -> Message {
    let release = format!("a{}\u{1b}[2J", "-very-long-name".repeat(12));
    Message::Grounded { context: "dev".to_owned(), ground: Ok(Arc::new(ground(&release, true))) }
}

/// A stack that needs several of them, read once.
static NEEDY: LazyLock<Arc<Stack>> = LazyLock::new(|| {
    let catalogue = Catalogue::default();
    let needs = |stack: &Stack| {
        let ha = stack.definition().profiles.get("ha");
        ha.is_some_and(|profile| profile.needs.prerequisites.len() > 2)
    };
    let mut stacks = catalogue.names().into_iter().filter_map(|name| catalogue.get(&name).ok());
    Arc::new(stacks.find(needs).unwrap())
});

/// On the step of the prerequisites, of a stack that needs several of them; nothing has answered yet.
pub(in crate::front::tui) fn at_prerequisites(size: (u16, u16)) -> Model {
    let mut model = begun(size);
    let stacks = Message::Stacks { found: vec![NEEDY.clone()], broken: Vec::new() };
    let enter = || key(KeyCode::Enter);
    all(&mut model, [stacks, enter(), surveyed("dev"), enter(), enter(), key(KeyCode::Home), enter()]);
    model
}
