//! What a recovery saves of the cluster before it changes anything.

use crate::plan::verb::Selection;

/// What is to be saved: everything that tells what a claim's data was, who used it and how it was bound.
pub fn selections(namespace: Option<&str>) -> Vec<Selection> {
    let global = [
        ("v1", "PersistentVolume"),
        ("storage.k8s.io/v1", "StorageClass"),
        ("v1", "Node"),
        ("storage.k8s.io/v1", "VolumeAttachment"),
    ];
    let local = [
        ("v1", "PersistentVolumeClaim"),
        ("v1", "Pod"),
        ("v1", "ConfigMap"),
        ("v1", "Service"),
        ("v1", "ServiceAccount"),
        ("v1", "Event"),
        ("apps/v1", "Deployment"),
        ("apps/v1", "StatefulSet"),
        ("apps/v1", "DaemonSet"),
        ("apps/v1", "ReplicaSet"),
        ("batch/v1", "Job"),
        ("batch/v1", "CronJob"),
        ("autoscaling/v2", "HorizontalPodAutoscaler"),
        ("policy/v1", "PodDisruptionBudget"),
        ("networking.k8s.io/v1", "Ingress"),
        ("networking.k8s.io/v1", "NetworkPolicy"),
    ];
    let selection = |(api_version, kind): (&str, &str), namespace: Option<&str>| Selection {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.map(str::to_owned),
    };
    let global = global.into_iter().map(|kind| selection(kind, None));
    global.chain(local.into_iter().map(|kind| selection(kind, namespace))).collect()
}
