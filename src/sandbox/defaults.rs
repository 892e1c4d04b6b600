//! What the API server fills in when an object is written. Source: `pkg/apis/*/v1/defaults.go` of Kubernetes 1.34.

use serde_json::{Map, Value, json};

use super::world::World;
use crate::object::{change_list, text};
use crate::snapshot::classes::is_default;

/// Sets fields that are not there.
fn fill(object: &mut Value, defaults: Value) {
    let (Some(map), Value::Object(defaults)) = (object.as_object_mut(), defaults) else { return };
    for (key, value) in defaults {
        if map.get(&key).is_none_or(Value::is_null) {
            map.insert(key, value);
        }
    }
}

/// The list under a key, to change its items.
fn each(object: &mut Value, key: &str, mut change: impl FnMut(&mut Value)) {
    if let Some(items) = object.get_mut(key).and_then(Value::as_array_mut) {
        items.iter_mut().for_each(&mut change);
    }
}

/// Fills in an object of a built-in kind that is about to be stored; `live` is what was there.
pub(super) fn complete(object: &mut Value, live: Option<&Value>, world: &mut World) {
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    match object["kind"].as_str().unwrap_or_default() {
        "Namespace" => namespace(object),
        "Pod" => pod(object, world),
        "Deployment" => deployment(&mut object["spec"]),
        "ReplicaSet" | "ReplicationController" => replica_set(&mut object["spec"]),
        "StatefulSet" => stateful_set(&mut object["spec"]),
        "DaemonSet" => daemon_set(object, live),
        "Job" => job(object),
        "CronJob" => fill(
            &mut object["spec"],
            json!({"concurrencyPolicy": "Allow", "suspend": false,
            "successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1}),
        ),
        "Service" => super::services::complete(object, live, world),
        "PersistentVolumeClaim" => claim(object, live, world),
        "PersistentVolume" => volume(object, live),
        "LimitRange" => super::admission::defaulted(object),
        "Secret" => fill(object, json!({"type": "Opaque"})),
        "StorageClass" => fill(object, json!({"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"})),
        "NetworkPolicy" => fill(&mut object["spec"], json!({"policyTypes": ["Ingress"]})),
        "CustomResourceDefinition" => definition(object),
        "ValidatingWebhookConfiguration" => each(object, "webhooks", webhook),
        "MutatingWebhookConfiguration" => each(object, "webhooks", |hook| {
            fill(hook, json!({"reinvocationPolicy": "Never"}));
            webhook(hook);
        }),
        "HorizontalPodAutoscaler" => fill(
            &mut object["spec"],
            json!({"minReplicas": 1, "metrics": [{"type": "Resource", "resource": {"name": "cpu",
                "target": {"type": "Utilization", "averageUtilization": 80}}}]}),
        ),
        "Ingress" => fill(object, json!({"status": {"loadBalancer": {}}})),
        "PriorityClass" => fill(object, json!({"preemptionPolicy": "PreemptLowerPriority"})),
        _ => {}
    }
    string_data(object);
}

/// What is written as `stringData` is kept as `data`.
fn string_data(object: &mut Value) {
    if object["kind"] != "Secret" {
        return;
    }
    let Some(Value::Object(texts)) = object.as_object_mut().and_then(|map| map.shift_remove("stringData")) else {
        return;
    };
    for (key, text) in texts {
        let bytes = k8s_openapi::ByteString(text.as_str().unwrap_or_default().as_bytes().to_vec());
        object["data"][key] = serde_json::to_value(bytes).unwrap_or_default();
    }
}

fn namespace(object: &mut Value) {
    let name = object["metadata"]["name"].clone();
    object["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
    fill(object, json!({"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}));
}

fn deployment(spec: &mut Value) {
    fill(spec, json!({"replicas": 1, "progressDeadlineSeconds": 600, "revisionHistoryLimit": 10, "strategy": {}}));
    fill(&mut spec["strategy"], json!({"type": "RollingUpdate"}));
    if spec["strategy"]["type"] == "RollingUpdate" {
        fill(&mut spec["strategy"], json!({"rollingUpdate": {}}));
        fill(&mut spec["strategy"]["rollingUpdate"], json!({"maxSurge": "25%", "maxUnavailable": "25%"}));
    }
    template(&mut spec["template"]);
}

fn replica_set(spec: &mut Value) {
    fill(spec, json!({"replicas": 1}));
    template(&mut spec["template"]);
}

fn stateful_set(spec: &mut Value) {
    fill(
        spec,
        json!({"replicas": 1, "podManagementPolicy": "OrderedReady", "revisionHistoryLimit": 10, "updateStrategy": {},
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"}}),
    );
    fill(&mut spec["updateStrategy"], json!({"type": "RollingUpdate"}));
    if spec["updateStrategy"]["type"] == "RollingUpdate" {
        fill(&mut spec["updateStrategy"], json!({"rollingUpdate": {"partition": 0}}));
    }
    each(spec, "volumeClaimTemplates", |template| {
        fill(template, json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "status": {"phase": "Pending"}}));
        fill(&mut template["spec"], json!({"volumeMode": "Filesystem"}));
    });
    template(&mut spec["template"]);
}

fn daemon_set(object: &mut Value, live: Option<&Value>) {
    // Deprecated, and still counted.
    const COUNT: &str = "deprecated.daemonset.template.generation";
    let spec = &mut object["spec"];
    fill(spec, json!({"revisionHistoryLimit": 10, "updateStrategy": {}}));
    fill(&mut spec["updateStrategy"], json!({"type": "RollingUpdate"}));
    if spec["updateStrategy"]["type"] == "RollingUpdate" {
        fill(&mut spec["updateStrategy"], json!({"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}));
    }
    template(&mut spec["template"]);
    let before = live.map_or(0, |live| {
        let count = live["metadata"]["annotations"][COUNT].as_str();
        count.and_then(|count| count.parse::<u64>().ok()).unwrap_or(1)
    });
    let is_new = live.is_none_or(|live| live["spec"]["template"] != object["spec"]["template"]);
    object["metadata"]["annotations"][COUNT] = (before + u64::from(is_new)).to_string().into();
}

/// The selector and the labels by which a job knows its pods. It has them from the beginning when it has its uid.
fn job_labels(object: &mut Value) {
    let (uid, name) = (object["metadata"]["uid"].clone(), object["metadata"]["name"].clone());
    if uid.is_null() || object["spec"].get("selector").is_some() || object["spec"]["manualSelector"] == true {
        return;
    }
    object["spec"]["selector"] = json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}});
    for (key, value) in [
        ("controller-uid", &uid),
        ("batch.kubernetes.io/controller-uid", &uid),
        ("job-name", &name),
        ("batch.kubernetes.io/job-name", &name),
    ] {
        object["spec"]["template"]["metadata"]["labels"][key] = value.clone();
    }
}

fn job(object: &mut Value) {
    let spec = &mut object["spec"];
    fill(
        spec,
        json!({"backoffLimit": 6, "completionMode": "NonIndexed", "suspend": false, "parallelism": 1,
        "podReplacementPolicy": "TerminatingOrFailed", "manualSelector": false}),
    );
    if spec["parallelism"] == 1 {
        fill(spec, json!({"completions": 1}));
    }
    template(&mut spec["template"]);
    job_labels(object);
}

fn claim(object: &mut Value, live: Option<&Value>, world: &World) {
    fill(&mut object["spec"], json!({"volumeMode": "Filesystem"}));
    if live.is_none() {
        object["status"] = json!({"phase": "Pending"});
        finalizer(object, "kubernetes.io/pvc-protection");
        let default = world.store.all("StorageClass").find(|class| is_default(class));
        let default = default.and_then(|class| text(class, "/metadata/name"));
        if let Some(class) = default.filter(|_| object["spec"].get("storageClassName").is_none_or(Value::is_null)) {
            object["spec"]["storageClassName"] = class.into();
        }
    }
}

fn volume(object: &mut Value, live: Option<&Value>) {
    fill(&mut object["spec"], json!({"volumeMode": "Filesystem", "persistentVolumeReclaimPolicy": "Retain"}));
    if object["spec"].get("hostPath").is_some() {
        fill(&mut object["spec"]["hostPath"], json!({"type": ""}));
    }
    if let Some(reference) = object["spec"].get_mut("claimRef").filter(|reference| reference.is_object()) {
        fill(reference, json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim"}));
    }
    if live.is_none() {
        object["status"] = json!({"phase": "Pending"});
        finalizer(object, "kubernetes.io/pv-protection");
    }
}

/// Puts a finalizer on an object that does not have it yet.
pub(super) fn finalizer(object: &mut Value, name: &str) {
    change_list(&mut object["metadata"]["finalizers"], |list| {
        if !list.iter().any(|known| known == name) {
            list.push(name.into());
        }
    });
}

fn definition(object: &mut Value) {
    fill(&mut object["spec"], json!({"conversion": {"strategy": "None"}}));
    let names = &mut object["spec"]["names"];
    let kind = text(names, "/kind").unwrap_or_default().to_owned();
    fill(names, json!({"singular": kind.to_lowercase(), "listKind": format!("{kind}List")}));
}

/// Source: `pkg/apis/admissionregistration/v1/defaults.go`.
fn webhook(hook: &mut Value) {
    fill(
        hook,
        json!({"failurePolicy": "Fail", "matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {}, "timeoutSeconds": 10}),
    );
    each(hook, "rules", |rule| fill(rule, json!({"scope": "*"})));
    if let Some(service) = hook["clientConfig"].get_mut("service") {
        fill(service, json!({"port": 443}));
    }
}

fn template(template: &mut Value) {
    if !template.is_object() {
        return;
    }
    fill(template, json!({"metadata": {}}));
    pod_spec(&mut template["spec"]);
}

fn pod(object: &mut Value, world: &World) {
    pod_spec(&mut object["spec"]);
    let spec = &mut object["spec"];
    let class = text(spec, "/priorityClassName").and_then(|name| world.find("PriorityClass", None, name));
    if let Some(class) = class {
        let (value, policy) = (class["value"].clone(), class["preemptionPolicy"].clone());
        fill(spec, json!({"priority": value, "preemptionPolicy": policy}));
    }
    fill(
        spec,
        json!({"serviceAccountName": "default", "enableServiceLinks": true, "preemptionPolicy": "PreemptLowerPriority", "priority": 0}),
    );
    let account = spec["serviceAccountName"].clone();
    fill(spec, json!({"serviceAccount": account}));
    tolerations(spec);
    fill(object, json!({"status": {"phase": "Pending", "qosClass": quality(&object["spec"])}}));
}

/// The admission plugin `DefaultTolerationSeconds`.
fn tolerations(spec: &mut Value) {
    change_list(&mut spec["tolerations"], |list| {
        for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
            if !list
                .iter()
                .any(|known| known["key"] == key || (known["operator"] == "Exists" && known.get("key").is_none()))
            {
                list.push(json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}));
            }
        }
    });
}

/// `Guaranteed`, `Burstable` or `BestEffort`. Source: Kubernetes, "Pod Quality of Service Classes".
pub(super) fn quality(spec: &Value) -> &'static str {
    let containers = || crate::object::items(spec, "/containers").chain(crate::object::items(spec, "/initContainers"));
    let empty = |value: &Value| value.as_object().is_none_or(Map::is_empty);
    let none =
        |container: &Value| empty(&container["resources"]["requests"]) && empty(&container["resources"]["limits"]);
    let full = |container: &Value| {
        let part = |which: &str, what: &str| container["resources"][which].get(what).cloned();
        ["cpu", "memory"]
            .iter()
            .all(|what| part("limits", what).is_some() && part("limits", what) == part("requests", what))
    };
    if containers().all(none) {
        "BestEffort"
    } else if containers().all(full) {
        "Guaranteed"
    } else {
        "Burstable"
    }
}

fn pod_spec(spec: &mut Value) {
    fill(
        spec,
        json!({"restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler",
        "terminationGracePeriodSeconds": 30, "securityContext": {}}),
    );
    if let Some(account) = spec.get("serviceAccountName").cloned() {
        fill(spec, json!({"serviceAccount": account}));
    }
    for list in ["containers", "initContainers"] {
        each(spec, list, container);
    }
    each(spec, "volumes", pod_volume);
}

fn container(container: &mut Value) {
    let image = text(container, "/image").unwrap_or_default();
    let tag = image.rsplit('/').next().and_then(|last| last.split_once(':')).map(|(_, tag)| tag);
    let policy = if image.contains('@') || tag.is_some_and(|tag| tag != "latest") { "IfNotPresent" } else { "Always" };
    fill(
        container,
        json!({"imagePullPolicy": policy, "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File", "resources": {}}),
    );
    requests(&mut container["resources"]);
    each(container, "ports", |port| fill(port, json!({"protocol": "TCP"})));
    each(container, "env", |variable| {
        if let Some(field) = variable.get_mut("valueFrom").and_then(|from| from.get_mut("fieldRef")) {
            fill(field, json!({"apiVersion": "v1"}));
        }
    });
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(probe).filter(|probe| probe.is_object()) {
            fill(
                probe,
                json!({"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}),
            );
            if let Some(get) = probe.get_mut("httpGet") {
                fill(get, json!({"path": "/", "scheme": "HTTP"}));
            }
        }
    }
}

/// A limit without a request is its own request.
fn requests(resources: &mut Value) {
    if let Some(limits) = resources.get("limits").filter(|limits| limits.is_object()).cloned() {
        fill(resources, json!({"requests": {}}));
        fill(&mut resources["requests"], limits);
    }
}

fn pod_volume(volume: &mut Value) {
    for kind in ["configMap", "secret", "projected", "downwardAPI"] {
        if let Some(source) = volume.get_mut(kind).filter(|source| source.is_object()) {
            fill(source, json!({"defaultMode": 420}));
        }
    }
    if let Some(path) = volume.get_mut("hostPath").filter(|path| path.is_object()) {
        fill(path, json!({"type": ""}));
    }
}
