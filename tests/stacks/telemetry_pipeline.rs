//! telemetry-pipeline: what a profile makes, what doctor commands of its document find it by, and what is refused.

mod wrong;

use super::{assert_helpful, object, objects, required, stack, title};

const NAME: &str = "telemetry-pipeline";

fn titles(profile: &str, set: &[&str]) -> Vec<String> {
    objects(&stack(NAME), profile, set).iter().map(title).collect()
}

#[test]
fn only_the_registry_has_to_be_given() {
    let pipeline = stack(NAME);
    assert_eq!(required(&pipeline), ["global.imageRegistry"]);
    assert_helpful(&pipeline);
}

#[test]
fn what_a_profile_makes() {
    let one = titles("single-node", &[]);
    let expected = [
        "ServiceAccount/telemetry-pipeline",
        "Service/telemetry-pipeline-mq",
        "Deployment/telemetry-pipeline-mq",
        "PersistentVolumeClaim/telemetry-pipeline-collector-pvc",
        "Service/telemetry-pipeline-collector",
        "Deployment/telemetry-pipeline-collector",
        "Service/telemetry-pipeline-api-gateway",
        "Deployment/telemetry-pipeline-api-gateway",
        "ConfigMap/telemetry-pipeline-streamer-config",
        "DaemonSet/telemetry-pipeline-streamer",
    ];
    assert_eq!(one, expected);
    let more: Vec<String> = titles("ha", &[]).into_iter().filter(|title| !one.contains(title)).collect();
    let gateway = ["HorizontalPodAutoscaler", "PodDisruptionBudget"];
    assert_eq!(more, gateway.map(|kind| format!("{kind}/telemetry-pipeline-api-gateway")));
}

/// What is told a container by its name, as `kubectl logs -c`, fits an installation of the chart as well.
#[test]
fn containers_have_the_names_of_the_chart() {
    let made = objects(&stack(NAME), "single-node", &[]);
    for (workload, container) in [
        ("DaemonSet/telemetry-pipeline-streamer", "telemetry-streamer"),
        ("Deployment/telemetry-pipeline-collector", "telemetry-collector"),
        ("Deployment/telemetry-pipeline-api-gateway", "api-gateway"),
    ] {
        assert_eq!(object(&made, workload)["spec"]["template"]["spec"]["containers"][0]["name"], container);
    }
}

/// The document's commands select by these labels, whatever the release is called.
#[test]
fn pods_bear_the_labels_that_the_document_selects_by() {
    let made = objects(&stack(NAME), "single-node", &["dashboard.enabled=true"]);
    for (workload, component) in [
        ("DaemonSet/telemetry-pipeline-streamer", "streamer"),
        ("Deployment/telemetry-pipeline-collector", "collector"),
        ("Deployment/telemetry-pipeline-api-gateway", "api-gateway"),
    ] {
        let labels = &object(&made, workload)["spec"]["template"]["metadata"]["labels"];
        assert_eq!(labels["app.kubernetes.io/component"], component);
        assert_eq!(labels["app.kubernetes.io/name"], NAME);
    }
    let port = &object(&made, "Service/telemetry-pipeline-api-gateway")["spec"]["ports"][0]["port"];
    assert_eq!(*port, 80, "the document forwards 8081:80");
}
