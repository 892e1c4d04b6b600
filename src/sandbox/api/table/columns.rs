//! Which columns the table of a kind has. Source: `pkg/printers/internalversion`, 1.34; those of custom kinds are what their definition says.

use serde_json::{Value, json};

use crate::object::{items, number, text};

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    kind: String,
    /// Above 0: only shown with `-o wide`.
    priority: i64,
    /// Where it is, in a custom object.
    pub(super) path: Option<String>,
}

/// The columns of one of Kubernetes' own kinds.
pub(super) fn builtin(kind: &str) -> Vec<Column> {
    let column = |said: &&str| {
        let name = said.trim_start_matches('+');
        let priority = i64::from(said.starts_with('+'));
        Column { name: name.to_owned(), kind: kind_of(name).to_owned(), priority, path: None }
    };
    names(kind).iter().map(column).collect()
}

/// The columns of a custom kind: its name, and those of its version in the definition, or the age where that has none.
pub(super) fn custom(version: &Value) -> Vec<Column> {
    let column = |name: &str, kind: &str, priority, path: &str| Column {
        name: name.to_owned(),
        kind: kind.to_owned(),
        priority,
        path: Some(path.to_owned()),
    };
    let own: Vec<Column> = items(version, "/additionalPrinterColumns")
        .filter_map(|said| {
            let priority = number(said, "/priority").unwrap_or(0);
            Some(column(text(said, "/name")?, text(said, "/type")?, priority, text(said, "/jsonPath")?))
        })
        .collect();
    let age = || vec![column("Age", "date", 0, ".metadata.creationTimestamp")];
    let mut all = vec![column("Name", "string", 0, ".metadata.name")];
    all.extend(if own.is_empty() { age() } else { own });
    all
}

impl Column {
    pub(super) fn is_date(&self) -> bool {
        self.kind == "date"
    }

    pub(super) fn is_text(&self) -> bool {
        self.kind == "string"
    }

    pub(super) fn definition(&self) -> Value {
        let format = if self.name == "Name" { "name" } else { "" };
        json!({"name": self.name, "type": self.kind, "format": format, "description": "", "priority": self.priority})
    }
}

fn kind_of(name: &str) -> &'static str {
    const NUMBERS: [&str; 4] = ["Up-to-date", "Available", "Desired", "Current"];
    if NUMBERS.contains(&name) { "integer" } else { "string" }
}

type Names = &'static [&'static str];

/// The columns of a kind in their order; those of `-o wide` begin with a `+`.
fn names(kind: &str) -> Names {
    match kind {
        "ConfigMap" => &["Name", "Data", "Age"],
        "Secret" => &["Name", "Type", "Data", "Age"],
        "Namespace" => &["Name", "Status", "Age"],
        "ServiceAccount" => &["Name", "Secrets", "Age"],
        "PriorityClass" => &["Name", "Value", "Global-Default", "Age", "PreemptionPolicy"],
        "Lease" => &["Name", "Holder", "Age"],
        "Role" | "ClusterRole" | "CustomResourceDefinition" => &["Name", "Created At"],
        "RoleBinding" | "ClusterRoleBinding" => &["Name", "Role", "Age", "+Users", "+Groups", "+ServiceAccounts"],
        "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => &["Name", "Webhooks", "Age"],
        "Event" => &[
            "Last Seen",
            "Type",
            "Reason",
            "Object",
            "+Subobject",
            "+Source",
            "Message",
            "+First Seen",
            "+Count",
            "+Name",
        ],
        _ => workload(kind).or_else(|| storage(kind)).or_else(|| network(kind)).unwrap_or(&["Name", "Age"]),
    }
}

fn workload(kind: &str) -> Option<Names> {
    Some(match kind {
        "Pod" => &["Name", "Ready", "Status", "Restarts", "Age", "+IP", "+Node", "+Nominated Node", "+Readiness Gates"],
        "Deployment" => &["Name", "Ready", "Up-to-date", "Available", "Age", "+Containers", "+Images", "+Selector"],
        "ReplicaSet" | "ReplicationController" => {
            &["Name", "Desired", "Current", "Ready", "Age", "+Containers", "+Images", "+Selector"]
        }
        "StatefulSet" => &["Name", "Ready", "Age", "+Containers", "+Images"],
        "DaemonSet" => &[
            "Name",
            "Desired",
            "Current",
            "Ready",
            "Up-to-date",
            "Available",
            "Node Selector",
            "Age",
            "+Containers",
            "+Images",
            "+Selector",
        ],
        "Job" => &["Name", "Status", "Completions", "Duration", "Age", "+Containers", "+Images", "+Selector"],
        "CronJob" => &[
            "Name",
            "Schedule",
            "Timezone",
            "Suspend",
            "Active",
            "Last Schedule",
            "Age",
            "+Containers",
            "+Images",
            "+Selector",
        ],
        "PodDisruptionBudget" => &["Name", "Min Available", "Max Unavailable", "Allowed Disruptions", "Age"],
        "HorizontalPodAutoscaler" => &["Name", "Reference", "Targets", "MinPods", "MaxPods", "Replicas", "Age"],
        "Node" => &[
            "Name",
            "Status",
            "Roles",
            "Age",
            "Version",
            "+Internal-IP",
            "+External-IP",
            "+OS-Image",
            "+Kernel-Version",
            "+Container-Runtime",
        ],
        _ => return None,
    })
}

fn storage(kind: &str) -> Option<Names> {
    Some(match kind {
        "PersistentVolumeClaim" => &[
            "Name",
            "Status",
            "Volume",
            "Capacity",
            "Access Modes",
            "StorageClass",
            "VolumeAttributesClass",
            "Age",
            "+VolumeMode",
        ],
        "PersistentVolume" => &[
            "Name",
            "Capacity",
            "Access Modes",
            "Reclaim Policy",
            "Status",
            "Claim",
            "StorageClass",
            "VolumeAttributesClass",
            "Reason",
            "Age",
            "+VolumeMode",
        ],
        "StorageClass" => &["Name", "Provisioner", "ReclaimPolicy", "VolumeBindingMode", "AllowVolumeExpansion", "Age"],
        _ => return None,
    })
}

fn network(kind: &str) -> Option<Names> {
    Some(match kind {
        "Service" => &["Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "+Selector"],
        "Endpoints" => &["Name", "Endpoints", "Age"],
        "EndpointSlice" => &["Name", "AddressType", "Ports", "Endpoints", "Age"],
        "Ingress" => &["Name", "Class", "Hosts", "Address", "Ports", "Age"],
        "IngressClass" => &["Name", "Controller", "Parameters", "Age"],
        "NetworkPolicy" => &["Name", "Pod-Selector", "Age"],
        _ => return None,
    })
}
