//! newton-v2t: what recovery finds its volumes by, what changes with the profile, and the rules across values.

mod wrong;

use serde_json::{Value, json};

use super::{assert_helpful, object, objects, required, says, stack, title};

const NAME: &str = "newton-v2t";
const FILE_SYSTEM: &str = "warning: etcd.persistence.storageClass: etcd waits for the disk at every write";

fn made(profile: &str, set: &[&str]) -> Vec<Value> {
    objects(&stack(NAME), profile, set)
}

fn titles(profile: &str, set: &[&str]) -> Vec<String> {
    made(profile, set).iter().map(title).collect()
}

fn container<'a>(objects: &'a [Value], title: &str) -> &'a Value {
    &object(objects, title)["spec"]["template"]["spec"]["containers"][0]
}

/// The value of a variable of the workload's container.
fn variable<'a>(objects: &'a [Value], title: &str, name: &str) -> Option<&'a str> {
    let variables = container(objects, title)["env"].as_array().unwrap();
    variables.iter().find(|variable| variable["name"] == name).map(|variable| variable["value"].as_str().unwrap())
}

#[test]
fn only_the_images_have_to_be_given() {
    let newton = stack(NAME);
    let images = ["global.imageTag", "core.image.repository", "agent.image.repository", "dashboard.image.repository"];
    assert_eq!(required(&newton), images);
    assert_helpful(&newton);
}

#[test]
fn what_a_profile_makes() {
    let one = [
        "ServiceAccount/newton-v2t",
        "Service/newton-v2t-etcd",
        "StatefulSet/newton-v2t-etcd",
        "PersistentVolumeClaim/newton-v2t-history",
        "PersistentVolumeClaim/newton-v2t-workspace",
        "Service/newton-v2t-core",
        "Deployment/newton-v2t-core",
        "Deployment/newton-v2t-agent",
        "Service/newton-v2t-dashboard",
        "Deployment/newton-v2t-dashboard",
    ];
    assert_eq!(titles("single-node", &[]), one);
    let budgets: Vec<String> = titles("ha", &[]).into_iter().filter(|title| !one.contains(&title.as_str())).collect();
    let parts = ["etcd", "core", "dashboard"];
    assert_eq!(budgets, parts.map(|part| format!("PodDisruptionBudget/newton-v2t-{part}")));
}

/// Recovery goes by these labels, and by the same names of the pods' volumes where a claim is not ours.
#[test]
fn each_volume_names_its_role() {
    for profile in ["single-node", "ha"] {
        let made = made(profile, &[]);
        for role in ["history", "workspace"] {
            let claim = object(&made, &format!("PersistentVolumeClaim/newton-v2t-{role}"));
            assert_eq!(claim["metadata"]["labels"]["seaworthy.dev/role"], role);
            let source = json!({"name": role, "persistentVolumeClaim": {"claimName": format!("newton-v2t-{role}")}});
            let volumes = &object(&made, "Deployment/newton-v2t-core")["spec"]["template"]["spec"]["volumes"];
            assert!(volumes.as_array().unwrap().contains(&source), "{volumes}");
        }
        let etcd = object(&made, "StatefulSet/newton-v2t-etcd");
        let labels = &etcd["spec"]["volumeClaimTemplates"][0]["metadata"]["labels"];
        assert_eq!(labels["seaworthy.dev/role"], "etcd");
        // A claim template can never be changed, so nothing in it may follow the version.
        assert!(labels.get("app.kubernetes.io/version").is_none(), "{labels}");
    }
}

#[test]
fn the_line_that_ends_the_import_is_told_to_recovery() {
    let pattern = |set: &[&str]| {
        let made = made("single-node", set);
        object(&made, "Deployment/newton-v2t-core")["metadata"]["annotations"]["seaworthy.dev/import-finished"].clone()
    };
    assert_eq!(pattern(&[]), "import.*(finished|complete|done)");
    assert_eq!(pattern(&["core.import.finishedPattern=all \\\\d+ loaded"]), "all \\d+ loaded");
    says(&stack(NAME), "single-node", &["core.import.finishedPattern=import("], "core.import.finishedPattern");
}

#[test]
fn members_of_etcd_know_each_other_and_core_knows_them_all() {
    for (profile, set, members) in [("single-node", "", 1), ("ha", "", 3), ("ha", "etcd.replicaCount=5", 5)] {
        let set: Vec<&str> = [set].into_iter().filter(|set| !set.is_empty()).collect();
        let made = made(profile, &set);
        let host = |number: u32| format!("newton-v2t-etcd-{number}.newton-v2t-etcd.newton-v2t.svc");
        let joined = |of: &dyn Fn(u32) -> String| (0..members).map(of).collect::<Vec<_>>().join(",");
        let cluster = joined(&|number| format!("newton-v2t-etcd-{number}=http://{}:2380", host(number)));
        let args = container(&made, "StatefulSet/newton-v2t-etcd")["args"].as_array().unwrap();
        assert!(args.contains(&json!(format!("--initial-cluster={cluster}"))), "{args:#?}");
        assert!(args.contains(&json!("--data-dir=/var/lib/etcd/data")), "the folder's mode is etcd's own: 0700");
        assert_eq!(object(&made, "StatefulSet/newton-v2t-etcd")["spec"]["replicas"], members);
        let endpoints = joined(&|number| format!("http://{}:2379", host(number)));
        assert_eq!(variable(&made, "Deployment/newton-v2t-core", "ETCD_ENDPOINTS"), Some(endpoints.as_str()));
    }
}

#[test]
fn core_is_replaced_in_place_only_where_several_nodes_can_write() {
    let strategy = |profile| {
        object(&made(profile, &[]), "Deployment/newton-v2t-core")["spec"]["strategy"]["type"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(strategy("single-node"), "Recreate");
    assert_eq!(strategy("ha"), "RollingUpdate");
}

#[test]
fn members_of_etcd_keep_apart_in_ha() {
    let apart = |profile, set: &[&str]| {
        let made = made(profile, set);
        let affinity = object(&made, "StatefulSet/newton-v2t-etcd")["spec"]["template"]["spec"]["affinity"].clone();
        affinity["podAntiAffinity"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    let (must, should) =
        ("requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution");
    assert_eq!(apart("single-node", &[]), [should]);
    assert_eq!(apart("ha", &[]), [must]);
    assert_eq!(apart("ha", &["etcd.antiAffinity=preferred"]), [should]);
}

#[test]
fn what_the_images_are_told_bears_the_names_they_want() {
    let set =
        ["core.variables.history=HIST", "agent.variables.core=", "agent.health.port=9000", "agent.variables.port=P"];
    let made = made("single-node", &set);
    let (core, agent) = ("Deployment/newton-v2t-core", "Deployment/newton-v2t-agent");
    assert_eq!(variable(&made, core, "HIST"), Some("/var/lib/newton/history"));
    assert_eq!(variable(&made, core, "HISTORY_DIR"), None);
    assert_eq!(variable(&made, agent, "CORE_URL"), None);
    assert_eq!(variable(&made, agent, "P"), Some("9000"));
    assert_eq!(container(&made, agent)["readinessProbe"]["tcpSocket"]["port"], "http");
}

#[test]
fn without_a_history_nothing_of_it_is_left() {
    let made = made("single-node", &["persistence.history.enabled=false"]);
    assert!(!made.iter().any(|object| title(object) == "PersistentVolumeClaim/newton-v2t-history"));
    let core = object(&made, "Deployment/newton-v2t-core").to_string();
    assert!(!core.contains("history") && !core.contains("HISTORY"), "{core}");
}

#[test]
fn no_pod_gets_a_token() {
    for object in made("ha", &[]).iter().filter(|object| object["spec"]["template"].is_object()) {
        let spec = &object["spec"]["template"]["spec"];
        assert_eq!(spec["automountServiceAccountToken"], false, "{}", title(object));
        assert_eq!(spec["serviceAccountName"], NAME, "{}", title(object));
    }
}

#[test]
fn the_rules_across_values() {
    let newton = stack(NAME);
    let block = "etcd.persistence.storageClass=ceph-block";
    says(&newton, "single-node", &[], "");
    says(&newton, "ha", &[], FILE_SYSTEM);
    says(&newton, "ha", &[block], "");
    let table: [(&str, &[&str], &str); 18] = [
        ("ha", &["etcd.replicaCount=2"], "--set etcd.replicaCount: etcd decides by majority"),
        ("ha", &["etcd.replicaCount=4"], "use 1, 3 or 5"),
        ("ha", &["etcd.replicaCount=7"], "etcd.replicaCount"),
        ("ha", &["etcd.replicaCount=1"], "etcd.replicaCount: warning: one member of etcd"),
        ("single-node", &["core.replicaCount=2"], "core.replicaCount: the profile single-node has one Core"),
        ("ha", &["persistence.accessModes={ReadWriteOnce}"], "core.replicaCount: several Cores share"),
        ("ha", &["persistence.accessModes={ReadWriteOnce}", "core.replicaCount=1"], "all of them are tied to one node"),
        ("single-node", &["persistence.accessModes={ReadWriteMany}"], "the class local-path gives volumes of one node"),
        ("ha", &["persistence.workspace.storageClass=local-path"], "the class local-path gives volumes of one node"),
        ("single-node", &["persistence.accessModes={ReadWriteOncePod}"], "lets only one of them start"),
        ("single-node", &["persistence.accessModes={ReadOnlyMany}"], "Core writes to the workspace"),
        ("single-node", &["global.storageClass="], "global.storageClass"),
        ("single-node", &["global.imageTag=latest"], "global.imageTag: warning: "),
        ("single-node", &["core.image.repository=core"], "core.image.repository"),
        ("single-node", &["agent.health.path=/health"], "agent.health.port: a path to ask for needs a port"),
        ("single-node", &["core.ingress.enabled=true"], "core.ingress.hosts: name at least one host"),
        (
            "single-node",
            &["persistence.history.existingClaim=a", "persistence.workspace.existingClaim=a"],
            "history and workspace need a claim each",
        ),
        (
            "single-node",
            &["agent.autoscaling.enabled=true", "agent.autoscaling.minReplicas=9"],
            "agent.autoscaling.maxReplicas: maxReplicas is below minReplicas",
        ),
    ];
    for (profile, set, said) in table {
        says(&newton, profile, set, said);
    }
    let own = ["persistence.history.storageClass=nfs", "persistence.workspace.storageClass=nfs"];
    says(&newton, "single-node", &[own[0], own[1], "persistence.accessModes={ReadWriteMany}"], "");
}
