//! A machine as tests want it: Docker with its client, kind, enough of everything.

use crate::clusters::{KIND_LABEL, KIND_ROLE, Picture};
use crate::host::engines::{Address, Engine, NamedBy, Product};
use crate::host::networks::{Attachment, Container, EngineNetworks};
use crate::host::resources::{Cgroups, Disk, Resources};
use crate::host::tools::{Tool, ToolState};

/// The address of an engine in tests.
pub(super) fn url(product: Product) -> String {
    format!("unix:///run/{product}.sock")
}

pub(super) fn engine(product: Product) -> EngineNetworks {
    let engine = serde_json::json!({
        "id": product.to_string(), "product": product, "version": "29.1.0", "api_version": "1.52", "rootless": false,
        "cgroup_version": 2, "cgroup_driver": "systemd", "storage_driver": "overlay2", "data_root": "/var/lib/docker",
        "cpus": 4, "memory": 8_u64 << 30, "os": "linux", "arch": "amd64", "system": "Debian", "addresses": [],
    });
    let address = Address { url: url(product), named_by: vec![NamedBy::Default], preference: 0 };
    let engine = Engine { addresses: vec![address], ..serde_json::from_value(engine).unwrap() };
    EngineNetworks { engine, networks: Vec::new(), containers: Vec::new(), unread: Vec::new() }
}

pub(super) fn tool(name: &str, version: &str) -> Tool {
    Tool {
        name: name.to_owned(),
        purpose: String::new(),
        path: Some(format!("/usr/bin/{name}").into()),
        state: ToolState::Works { version: version.to_owned(), answers_as: None },
    }
}

/// A container of a kind cluster.
pub(super) fn node(cluster: &str, name: &str, role: &str, address: Option<&str>) -> Container {
    let labels = [(KIND_LABEL, cluster), (KIND_ROLE, role)].map(|(key, value)| (key.to_owned(), value.to_owned()));
    let addresses = address.iter().map(|address| address.parse().unwrap()).collect();
    Container {
        name: name.to_owned(),
        labels: labels.into(),
        running: address.is_some(),
        attachments: vec![Attachment { network: "kind".to_owned(), addresses, ..Attachment::default() }],
        ..Container::default()
    }
}

pub(super) fn machine() -> Picture {
    let images = vec!["kindest/node:v1.37.0".to_owned(), "kindest/node:v1.34.0".to_owned()];
    let disk = Disk { folders: vec!["/var/lib/docker".into()], free: 50 << 30, total: 100 << 30, free_inodes: None };
    let resources = Resources {
        cgroups: Some(Cgroups::V2),
        inotify_instances: Some(8192),
        disks: vec![disk],
        ..Resources::default()
    };
    Picture {
        engines: vec![engine(Product::Docker)],
        images: [(url(Product::Docker), images)].into(),
        tools: vec![tool("kind", "v0.33.0"), tool("docker", "29.1.0"), tool("podman", "5.6.0")],
        resources: Some(resources),
        contexts: vec!["kind-demo".to_owned()],
        uid: 1000,
        ..Picture::default()
    }
}
