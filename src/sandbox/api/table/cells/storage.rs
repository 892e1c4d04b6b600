//! Claims, volumes and classes.

use serde_json::Value;

use crate::object::{items, text};

pub(super) fn volume(column: &str, volume: &Value) -> Value {
    let part = |pointer| text(volume, pointer).unwrap_or_default();
    match column {
        "Capacity" => part("/spec/capacity/storage").into(),
        "Access Modes" => modes(volume, "/spec/accessModes").into(),
        "Reclaim Policy" => part("/spec/persistentVolumeReclaimPolicy").into(),
        "Status" if volume["metadata"].get("deletionTimestamp").is_some() => "Terminating".into(),
        "Status" => part("/status/phase").into(),
        "Claim" if volume["spec"]["claimRef"].is_object() => {
            format!("{}/{}", part("/spec/claimRef/namespace"), part("/spec/claimRef/name")).into()
        }
        "StorageClass" => part("/spec/storageClassName").into(),
        "VolumeAttributesClass" => text(volume, "/spec/volumeAttributesClassName").unwrap_or("<unset>").into(),
        "Reason" => part("/status/reason").into(),
        "VolumeMode" => text(volume, "/spec/volumeMode").unwrap_or("<unset>").into(),
        _ => "".into(),
    }
}

pub(super) fn class(column: &str, class: &Value) -> Value {
    const DEFAULT: &str = "/metadata/annotations/storageclass.kubernetes.io~1is-default-class";
    let part = |pointer| text(class, pointer).unwrap_or_default();
    match column {
        "Name" if text(class, DEFAULT) == Some("true") => format!("{} (default)", part("/metadata/name")).into(),
        "Name" => part("/metadata/name").into(),
        "Provisioner" => part("/provisioner").into(),
        "ReclaimPolicy" => text(class, "/reclaimPolicy").unwrap_or("Delete").into(),
        "VolumeBindingMode" => text(class, "/volumeBindingMode").unwrap_or("Immediate").into(),
        _ => (class["allowVolumeExpansion"] == true).into(),
    }
}

/// `RWO,RWX`
fn modes(object: &Value, pointer: &str) -> String {
    let short = |mode: &Value| match mode.as_str() {
        Some("ReadWriteOnce") => "RWO",
        Some("ReadOnlyMany") => "ROX",
        Some("ReadWriteMany") => "RWX",
        Some("ReadWriteOncePod") => "RWOP",
        _ => "",
    };
    items(object, pointer).map(short).collect::<Vec<_>>().join(",")
}

pub(super) fn claim(column: &str, claim: &Value) -> Value {
    let part = |pointer| text(claim, pointer).unwrap_or_default();
    match column {
        "Status" if claim["metadata"].get("deletionTimestamp").is_some() => "Terminating".into(),
        "Status" => part("/status/phase").into(),
        "Volume" => part("/spec/volumeName").into(),
        "Capacity" => part("/status/capacity/storage").into(),
        "Access Modes" => modes(claim, "/status/accessModes").into(),
        "StorageClass" => part("/spec/storageClassName").into(),
        "VolumeAttributesClass" => text(claim, "/spec/volumeAttributesClassName").unwrap_or("<unset>").into(),
        _ => text(claim, "/spec/volumeMode").unwrap_or("<unset>").into(),
    }
}
