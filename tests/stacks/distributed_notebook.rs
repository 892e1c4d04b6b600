//! distributed-notebook: what the application's code looks for by name, rights that are no more than it uses, a token that lies in a Secret
//! alone, and what is said about values that cannot work.

use std::sync::LazyLock;

use seaworthy::stack::{Stack, runtime};
use serde_json::{Value, json};

use super::{assert_helpful, object, objects, required, says, stack, title, told};

/// Loaded once: it is one of the larger ones.
static NOTEBOOK: LazyLock<Stack> = LazyLock::new(|| stack("distributed-notebook"));
/// What stands for a secret that is made when the cluster is known.
const MADE: &str = "<made at random>";

fn made(profile: &str, set: &[&str]) -> Vec<Value> {
    objects(&NOTEBOOK, profile, set)
}

fn titles(profile: &str, set: &[&str]) -> Vec<String> {
    made(profile, set).iter().map(title).collect()
}

fn pod<'a>(objects: &'a [Value], title: &str) -> &'a Value {
    &object(objects, title)["spec"]["template"]["spec"]
}

fn container<'a>(objects: &'a [Value], title: &str, name: &str) -> &'a Value {
    let containers = pod(objects, title)["containers"].as_array().unwrap();
    containers.iter().find(|container| container["name"] == name).unwrap()
}

/// The keys of the configuration that gateway and daemons read.
fn configuration(set: &[&str]) -> Value {
    let made = made("ha", set);
    let text = object(&made, "ConfigMap/daemon-configmap")["data"]["daemon.yml"].as_str().unwrap();
    let lines = text.lines().filter_map(|line| line.split_once(": "));
    let values =
        lines.map(|(key, value)| (key.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| value.into())));
    Value::Object(values.collect())
}

fn ports(objects: &[Value], service: &str) -> Vec<(String, u64)> {
    let ports = object(objects, &format!("Service/{service}"))["spec"]["ports"].as_array().unwrap();
    let port = |port: &Value| (port["name"].as_str().unwrap().to_owned(), port["port"].as_u64().unwrap());
    ports.iter().map(port).collect()
}

#[test]
fn only_the_remote_storage_has_to_be_given() {
    let notebook = &*NOTEBOOK;
    assert_eq!(required(notebook), ["remote_storage.hostname"]);
    assert_helpful(notebook);
}

#[test]
fn what_a_profile_makes() {
    let one = [
        "ServiceAccount/gateway-service-account",
        "ServiceAccount/local-daemon-service-account",
        "Role/gateway-role",
        "RoleBinding/gateway-role-binding",
        "ClusterRole/cluster-gateway-role",
        "ClusterRoleBinding/cluster-gateway-role-binding",
        "ClusterRoleBinding/scheduler-extender-kube-scheduler",
        "ClusterRoleBinding/scheduler-extender-volume-scheduler",
        "ClusterRole/pod-access-role",
        "ClusterRoleBinding/local-daemon-pod-access",
        "ConfigMap/daemon-configmap",
        "ConfigMap/kernel-entrypoint-configmap",
        "ConfigMap/kube-scheduler-config",
        "ConfigMap/scheduler-extender-configuration",
        "Service/gateway",
        "Service/gateway-provisioner",
        "Deployment/gateway",
        "Service/local-daemon-network",
        "Service/daemon-network",
        "StatefulSet/local-daemon",
        "Secret/jupyter-notebook-token",
        "PersistentVolumeClaim/jupyter-notebook-work",
        "Service/jupyter-notebook",
        "Deployment/jupyter-notebook",
        "Service/workload-driver",
        "Deployment/workload-driver",
    ];
    assert_eq!(titles("single-node", &[]), one);
    let more: Vec<String> = titles("ha", &[]).into_iter().filter(|title| !one.contains(&title.as_str())).collect();
    assert_eq!(more, ["PodDisruptionBudget/local-daemon"]);
    let replicas = |profile| object(&made(profile, &[]), "StatefulSet/local-daemon")["spec"]["replicas"].clone();
    assert_eq!((replicas("single-node"), replicas("ha")), (json!(1), json!(3)));
}

/// Code and images look for these by name, so they have them whatever the release is called; and only in this namespace.
#[test]
fn names_do_not_follow_the_release_and_the_namespace_is_the_only_one() {
    let notebook = &*NOTEBOOK;
    let choices = super::example("ha", &[]);
    let mine = notebook.prepare(&choices, &notebook.release(Some("mine"), None)).unwrap();
    let named: Vec<String> = mine.objects.iter().map(|made| title(&made.object)).collect();
    assert_eq!(named, titles("ha", &[]));
    let error = notebook.prepare(&choices, &notebook.release(None, Some("other"))).unwrap_err().to_string();
    assert_eq!(
        error.lines().next().unwrap(),
        "--namespace: `distributed-notebook` works in the namespace `default` alone: its code makes kernels there and looks for them nowhere else"
    );
}

#[test]
fn each_workload_has_the_label_that_the_chart_selects_by() {
    let made = made("ha", &[]);
    for (workload, app) in [
        ("Deployment/gateway", "gateway"),
        ("StatefulSet/local-daemon", "local-daemon"),
        ("Deployment/jupyter-notebook", "jupyter-notebook"),
        ("Deployment/workload-driver", "workload-driver"),
    ] {
        let labels = &object(&made, workload)["spec"]["template"]["metadata"]["labels"];
        assert_eq!(labels["app"], app);
        assert_eq!(labels["app.kubernetes.io/component"], app);
    }
    assert_eq!(object(&made, "Service/gateway-provisioner")["spec"]["selector"]["app"], "gateway");
}

/// Nobody may everything, and nobody may what the code does not do.
#[test]
fn no_account_may_more_than_its_program_does() {
    let made = made("ha", &[]);
    for object in &made {
        assert_ne!(object["roleRef"]["name"], "cluster-admin", "{}", title(object));
        for rule in object["rules"].as_array().into_iter().flatten() {
            for field in ["apiGroups", "resources", "verbs"] {
                assert!(!rule[field].as_array().unwrap().contains(&json!("*")), "{}: {rule}", title(object));
            }
        }
    }
    assert_eq!(
        object(&made, "Role/gateway-role")["rules"],
        json!([
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]},
            {"apiGroups": [""], "resources": ["configmaps", "services"], "verbs": ["create"]},
            {"apiGroups": ["apps.kruise.io"], "resources": ["clonesets"], "verbs": ["get", "create", "update", "delete"]},
            {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
            {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "resourceNames": ["scheduler-extender"], "verbs": ["get", "update"]},
        ])
    );
    assert_eq!(
        object(&made, "ClusterRole/cluster-gateway-role")["rules"],
        json!([{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "patch"]}])
    );
    assert_eq!(
        object(&made, "ClusterRole/pod-access-role")["rules"],
        json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}])
    );
    for (workload, account) in [
        ("Deployment/gateway", json!("gateway-service-account")),
        ("StatefulSet/local-daemon", json!("local-daemon-service-account")),
        ("Deployment/jupyter-notebook", Value::Null),
        ("Deployment/workload-driver", Value::Null),
    ] {
        let pod = pod(&made, workload);
        assert_eq!(pod["automountServiceAccountToken"], !account.is_null(), "{workload}");
        assert_eq!(pod["serviceAccountName"], account, "{workload}");
    }
}

/// A connection that says nothing ends the gateway at the port for daemons, and a daemon's registry at the port for kernels.
#[test]
fn no_probe_connects_where_silence_kills() {
    let made = made("ha", &[]);
    for (workload, name, port) in
        [("Deployment/gateway", "gateway", "filter"), ("StatefulSet/local-daemon", "local-daemon", "metrics")]
    {
        let container = container(&made, workload, name);
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
            let asks = ["tcpSocket", "httpGet"].map(|how| container[probe][how]["port"].clone());
            assert!(asks.contains(&json!(port)), "{workload} {probe}: {asks:?}");
        }
    }
    let ports = container(&made, "Deployment/gateway", "gateway")["ports"].as_array().unwrap().clone();
    assert!(ports.contains(&json!({"name": "filter", "containerPort": 8078, "protocol": "TCP"})));
}

#[test]
fn jupyter_is_never_open_and_its_token_lies_in_a_secret_alone() {
    let token = |set: &[&str]| object(&made("ha", set), "Secret/jupyter-notebook-token")["stringData"]["token"].clone();
    assert_eq!(token(&[]), MADE);
    assert_eq!(token(&["notebook_server.token=0123456789abcdefXYZ"]), "0123456789abcdefXYZ");
    let made = made("ha", &["notebook_server.token=0123456789abcdefXYZ"]);
    for object in made.iter().filter(|object| object["kind"] != "Secret") {
        assert!(!object.to_string().contains("0123456789abcdefXYZ"), "{}", title(object));
    }
    let server = container(&made, "Deployment/jupyter-notebook", "jupyter-notebook");
    let from =
        |name: &str| json!([{"name": "JUPYTER_TOKEN", "valueFrom": {"secretKeyRef": {"name": name, "key": "token"}}}]);
    assert_eq!(server["env"], from("jupyter-notebook-token"));
    assert!(!server["args"].to_string().contains("token"), "{server}");

    let own = objects(&NOTEBOOK, "ha", &["notebook_server.existing_secret=mine"]);
    assert!(own.iter().all(|object| object["kind"] != "Secret"));
    assert_eq!(container(&own, "Deployment/jupyter-notebook", "jupyter-notebook")["env"], from("mine"));
}

/// Keys as today's code has them, and those of builds before.
#[test]
fn the_configuration_has_the_keys_that_the_code_reads() {
    let set = [
        "gateway.scheduler.max_actual_gpu_per_node=4",
        "gateway.scheduler.gpu_allocation_granularity=2",
        "gateway.scheduler.scaling_in_limit=5",
        "gateway.scheduler.execution_time_sampling_window=-1",
        "remote_storage.type=s3",
        "remote_storage.hostname=bucket",
        "notebook_server.image=example.org/jupyter",
        "notebook_server.image_tag=v1",
    ];
    let read = configuration(&set);
    for (key, value) in [
        ("deployment_mode", json!("kubernetes")),
        ("kubernetes-namespace", json!("default")),
        ("kube-namespace", json!("default")),
        ("remote-storage", json!("s3")),
        ("remote-storage-endpoint", json!("bucket")),
        ("provisioner", json!("gateway:8081")),
        ("port", json!(8080)),
        ("num-resource-ports", json!(4)),
        ("gpus-per-host", json!(4)),
        ("scaling-in-limit", json!(5)),
        ("execution-time-sampling-window", json!(-1)),
        ("min_cluster_nodes", json!(3)),
        ("notebook-image-name", json!("example.org/jupyter")),
        ("notebook-image-tag", json!("v1")),
        ("use-stateful-set", json!(false)),
        ("local_mode", json!(false)),
    ] {
        assert_eq!(read[key], value, "{key}");
    }
    // Every key of the chart is still there.
    assert!(read.as_object().unwrap().len() >= 50, "{read:#}");
    let daemon = made("ha", &set);
    let variables = container(&daemon, "StatefulSet/local-daemon", "local-daemon")["env"].as_array().unwrap();
    assert!(variables.contains(&json!({"name": "KERNEL_IMAGE", "value": "example.org/jupyter:v1"})));
    assert!(variables.contains(&json!({"name": "NUM_RESOURCE_PORTS", "value": "2"})));
}

#[test]
fn a_registry_is_that_of_the_kernels_too() {
    let notebook = &*NOTEBOOK;
    let mut release = notebook.release(None, None);
    release.registry = Some("registry.example.org:5000".into());
    let prepared = notebook.prepare(&super::example("ha", &[]), &release).unwrap();
    let configuration =
        prepared.objects.iter().find(|made| title(&made.object) == "ConfigMap/daemon-configmap").unwrap();
    let text = configuration.object["data"]["daemon.yml"].as_str().unwrap();
    assert!(text.contains("notebook-image-name: \"registry.example.org:5000/scusemua/jupyter-gpu\"\n"), "{text}");
}

#[test]
fn ports_are_those_of_the_values() {
    let plain = made("ha", &[]);
    let many = ports(&plain, "gateway");
    assert_eq!(many.len(), 27);
    assert!(many.contains(&("provisioner".into(), 8081)) && many.contains(&("res-port-15".into(), 9022)));
    assert_eq!(ports(&plain, "gateway-provisioner"), [("provisioner".to_owned(), 8081)]);
    assert_eq!(ports(&plain, "jupyter-notebook").len(), 9);
    assert_eq!(ports(&plain, "local-daemon-network").len(), ports(&plain, "daemon-network").len() + 1);
    let moved = made("ha", &["scheduler_extender.port=8085", "gateway.scheduler.scheduler_http_port=8086"]);
    let config = |name: &str, key: &str| object(&moved, name)["data"][key].as_str().unwrap().to_owned();
    assert!(config("ConfigMap/kube-scheduler-config", "config.yaml").contains("urlPrefix: http://127.0.0.1:8085/\n"));
    assert_eq!(
        config("ConfigMap/scheduler-extender-configuration", "config.yaml"),
        "port: 8085\ncluster-gateway-port: 8086\n"
    );
    // Below 1024 its user may not listen without more.
    assert_eq!(pod(&moved, "Deployment/gateway")["securityContext"].get("sysctls"), None);
    let sysctl = json!([{"name": "net.ipv4.ip_unprivileged_port_start", "value": "80"}]);
    assert_eq!(pod(&plain, "Deployment/gateway")["securityContext"]["sysctls"], sysctl);
}

#[test]
fn services_are_of_the_type_that_is_wanted() {
    let kind = |profile, set: &[&str], name: &str| {
        object(&made(profile, set), &format!("Service/{name}"))["spec"]["type"].as_str().unwrap().to_owned()
    };
    for name in ["gateway", "gateway-provisioner", "jupyter-notebook"] {
        assert_eq!(kind("single-node", &[], name), "ClusterIP");
        assert_eq!(kind("ha", &[], name), "LoadBalancer");
    }
    assert_eq!(kind("ha", &["notebook_server.service_type=NodePort"], "jupyter-notebook"), "NodePort");
    for name in ["daemon-network", "local-daemon-network", "workload-driver"] {
        assert_eq!(kind("ha", &[], name), "ClusterIP");
    }
    let made = made("ha", &[]);
    assert_eq!(object(&made, "Service/local-daemon-network")["spec"]["internalTrafficPolicy"], "Local");
    assert_eq!(object(&made, "Service/daemon-network")["spec"].get("internalTrafficPolicy"), None);
}

#[test]
fn daemons_keep_apart_and_start_together() {
    let made = made(
        "ha",
        &[
            "local_daemon.persistence.storage_class=fast",
            "local_daemon.device_plugin.path=/var/lib/k0s/kubelet/device-plugins/",
        ],
    );
    let daemon = object(&made, "StatefulSet/local-daemon");
    assert_eq!(daemon["spec"]["podManagementPolicy"], "Parallel");
    let apart = &pod(&made, "StatefulSet/local-daemon")["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    assert_eq!(apart[0]["topologyKey"], "kubernetes.io/hostname");
    let claim = &daemon["spec"]["volumeClaimTemplates"][0];
    assert_eq!(claim["spec"]["storageClassName"], "fast");
    assert_eq!(claim["metadata"]["labels"]["seaworthy.dev/role"], "node-local");
    // A claim template can never be changed, so nothing in it may follow the version.
    assert_eq!(claim["metadata"]["labels"].get("app.kubernetes.io/version"), None);
    let folder = "/var/lib/k0s/kubelet/device-plugins/";
    let volumes = pod(&made, "StatefulSet/local-daemon")["volumes"].as_array().unwrap();
    assert!(volumes.contains(&json!({"name": "device-plugin", "hostPath": {"type": "Directory", "path": folder}})));
    let daemon = container(&made, "StatefulSet/local-daemon", "local-daemon");
    assert!(
        daemon["volumeMounts"].as_array().unwrap().contains(&json!({"name": "device-plugin", "mountPath": folder}))
    );
    assert_eq!(daemon["securityContext"]["runAsUser"], 0);
}

#[test]
fn notebooks_are_on_a_volume_that_recovery_finds() {
    let made = made("ha", &[]);
    let claim = object(&made, "PersistentVolumeClaim/jupyter-notebook-work");
    assert_eq!(claim["metadata"]["labels"]["seaworthy.dev/role"], "notebooks");
    let source = json!({"name": "notebooks", "persistentVolumeClaim": {"claimName": "jupyter-notebook-work"}});
    assert!(pod(&made, "Deployment/jupyter-notebook")["volumes"].as_array().unwrap().contains(&source));
    assert_eq!(object(&made, "Deployment/jupyter-notebook")["spec"]["strategy"]["type"], "Recreate");
    assert!(
        titles("ha", &["notebook_server.persistence.existing_claim=mine"])
            .iter()
            .all(|title| !title.contains("PersistentVolumeClaim"))
    );
    let none = objects(&NOTEBOOK, "ha", &["notebook_server.persistence.enabled=false"]);
    assert_eq!(pod(&none, "Deployment/jupyter-notebook").get("volumes"), None);
}

#[test]
fn a_changed_configuration_starts_its_readers_anew() {
    let mark = |set: &[&str], workload: &str| {
        object(&made("ha", set), workload)["spec"]["template"]["metadata"]["annotations"]["checksum/config"].clone()
    };
    for (workload, set, changes) in [
        ("Deployment/gateway", "smr.port=8090", true),
        ("StatefulSet/local-daemon", "smr.port=8090", true),
        ("Deployment/gateway", "scheduler_extender.port=8085", true),
        ("StatefulSet/local-daemon", "scheduler_extender.port=8085", false),
        ("Deployment/gateway", "notebook_server.persistence.size=9Gi", false),
    ] {
        assert_eq!(mark(&[], workload) != mark(&[set], workload), changes, "{workload} {set}");
    }
}

/// Kernels by their label; what the gateway leaves of them by name alone, and never what is the stack's own or somebody else's.
#[test]
fn kernels_are_found_when_the_rest_goes() {
    let choices = super::example("ha", &[]);
    let made = NOTEBOOK.runtime(&NOTEBOOK.values(&choices).unwrap(), &NOTEBOOK.release(None, None)).unwrap();
    let found: Vec<_> = made.iter().map(|made| (made.kind.as_str(), made.selector.as_str())).collect();
    assert_eq!(found, [("CloneSet", "kernel"), ("Service", "app"), ("ConfigMap", "")]);
    assert!(made.iter().all(|made| made.namespace.as_deref() == Some("default")));
    let is_named = |at: usize, name: &str| runtime::names(&made[at]).unwrap().unwrap().is_match(name);
    let id = "3f0c9a52-7d41-4b8e-9c1a-5e2f7a6b8d90";
    assert!(is_named(1, &format!("kernel-{id}-svc")) && is_named(2, &format!("kernel-{id}-configmap")));
    for name in ["gateway", "kernel-svc", &format!("my-kernel-{id}-svc")] {
        assert!(!is_named(1, name), "{name}");
    }
    for name in ["kernel-entrypoint-configmap", "daemon-configmap", "kernel-configmap"] {
        assert!(!is_named(2, name), "{name}");
    }
}

#[test]
fn what_nothing_reads_is_said() {
    let notebook = &*NOTEBOOK;
    for (set, said) in [
        ("replicaCount=3", "--set replicaCount: warning: changes nothing: gateway and Jupyter have one pod each"),
        (
            "autoscaling.enabled=true",
            "--set autoscaling.enabled: warning: autoscaling: changes nothing: nothing of it can be scaled by load",
        ),
        ("ingress.enabled=true", "--set ingress.enabled: warning: ingress: changes nothing: the chart makes none"),
        ("service.port=80", "--set service.port: warning: service: changes nothing: the ports are those of gateway"),
        (
            "serviceAccount.create=false",
            "--set serviceAccount.create: warning: serviceAccount: changes nothing: the accounts have fixed names",
        ),
        ("affinity.x=y", "--set affinity.x: warning: affinity: changes nothing: "),
    ] {
        says(notebook, "ha", &[set], said);
    }
}

/// Before an install, whether kernels can start at all.
#[test]
fn one_node_is_told_that_no_kernel_starts() {
    let notebook = &*NOTEBOOK;
    let kernel = "warning: local_daemon.replicas: no kernel can start, because each has three replicas on three nodes with a daemon; for kernels take the profile ha";
    says(notebook, "single-node", &[], kernel);
    assert!(told(notebook, "ha", &[]).iter().all(|line| !line.contains("no kernel can start")));
    let description = &notebook.profile(Some("single-node")).unwrap().description;
    assert!(description.contains("No kernel can start"), "{description}");
    let description = &notebook.profile(Some("ha")).unwrap().description;
    assert!(
        description.contains("three must be nodes whose names do not end in\ncontrol-plane")
            || description.contains("do not end in control-plane"),
        "{description}"
    );
}

/// Whole messages of values that cannot work, each as its only error.
#[test]
fn wrong_values_and_what_is_said_about_them() {
    let notebook = &*NOTEBOOK;
    let mut wrong = Vec::new();
    for (profile, set, message) in WRONG {
        let choices = super::example(profile, set);
        let values = notebook.values(&choices).unwrap();
        let faults: Vec<String> = notebook.check(&values).iter().map(ToString::to_string).collect();
        let errors: Vec<&String> = faults.iter().filter(|line| !line.contains(": warning: ")).collect();
        if errors != [message] {
            wrong.push(format!("{profile} {set:?}\n  said: {errors:?}\n  not:  {message:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const WRONG: &[(&str, &[&str], &str)] = &[
    ("ha", &["namespace=notebooks"], "--set namespace: is `notebooks`, expected `default`"),
    (
        "ha",
        &["remote_storage.hostname=172.17.0.1:9000"],
        "--set remote_storage.hostname: `172.17.0.1:9000` only stands for a value in the documents; give your own",
    ),
    (
        "ha",
        &["remote_storage.hostname=redis"],
        "--set remote_storage.hostname: of a Redis both host and port are needed, such as redis.storage.svc:6379",
    ),
    (
        "ha",
        &["remote_storage.hostname=redis:99999"],
        "--set remote_storage.hostname: a port is a number from 1 to 65535",
    ),
    (
        "ha",
        &["remote_storage.type=s3"],
        "embedded:distributed-notebook/example.yaml:2:3: remote_storage.hostname: of S3 the name of a bucket is needed, which has no port",
    ),
    ("ha", &["remote_storage.type=hdfs"], "--set remote_storage.type: is `hdfs`, expected one of `redis`, `s3`"),
    (
        "ha",
        &["gateway.scheduler.scheduling_policy=dynamic-v3"],
        "--set gateway.scheduler.scheduling_policy: is `dynamic-v3`, expected `static`",
    ),
    (
        "ha",
        &["gateway.scheduler.gpu_allocation_granularity=0"],
        "--set gateway.scheduler.gpu_allocation_granularity: is 0, expected at least 1",
    ),
    (
        "ha",
        &["gateway.scheduler.gpu_allocation_granularity=0.5"],
        "--set gateway.scheduler.gpu_allocation_granularity: is `0.5`, expected a whole number",
    ),
    (
        "ha",
        &["gateway.scheduler.gpu_allocation_granularity=16"],
        "--set gateway.scheduler.gpu_allocation_granularity: a kernel would get more GPUs than a node has",
    ),
    (
        "ha",
        &["gateway.scheduler.max_actual_gpu_per_node=0"],
        "--set gateway.scheduler.max_actual_gpu_per_node: is 0, expected at least 1",
    ),
    (
        "ha",
        &["gateway.scheduler.max_kubernetes_nodes=2"],
        "--set gateway.scheduler.max_kubernetes_nodes: max_kubernetes_nodes is below min_kubernetes_nodes",
    ),
    ("ha", &["common.use_stateful_set=true"], "--set common.use_stateful_set: is true, expected false"),
    ("ha", &["common.local_mode=true"], "--set common.local_mode: is true, expected false"),
    (
        "ha",
        &["local_daemon.replicas=2"],
        "--set local_daemon.replicas: the profile ha has daemons on three nodes or more; with fewer no kernel can start",
    ),
    (
        "ha",
        &["gateway.grpc_port=8090"],
        "--set gateway.grpc_port: the gateway's port for Jupyter and the daemons' port are one key of the configuration; give gateway.grpc_port and local_daemon.network.port the same number",
    ),
    (
        "ha",
        &["gateway.provisioner_port=8079"],
        "embedded:distributed-notebook/values.yaml:9:1: gateway: two of the ports of the gateway's pod are the same; scheduler, extender, gateway and metrics share its network",
    ),
    (
        "ha",
        &["local_daemon.network.jupyter.starting_resource_port=9000"],
        "--set local_daemon.network.jupyter.starting_resource_port: the ports of the GPUs, two for each part of a node's GPUs from here on, take one that is another's",
    ),
    (
        "ha",
        &["local_daemon.network.jupyter.starting_resource_port=65530"],
        "--set local_daemon.network.jupyter.starting_resource_port: the ports of the GPUs would go beyond 65535",
    ),
    (
        "ha",
        &["notebook_server.port=9003"],
        "--set notebook_server.port: Jupyter's own port is one of those of its messages",
    ),
    (
        "ha",
        &["local_daemon.network.local_service_name=daemon-network"],
        "embedded:distributed-notebook/values.yaml:71:5: local_daemon.network.global_service_name: the Service of all nodes and the one of the same node need a name each",
    ),
    (
        "ha",
        &["local_daemon.network.local_service_name=gateway"],
        "embedded:distributed-notebook/values.yaml:68:3: local_daemon.network: this name is that of another Service of the stack",
    ),
    (
        "ha",
        &["scheduler_extender.config_map_name=daemon-configmap"],
        "--set scheduler_extender.config_map_name: this name is that of another ConfigMap of the stack",
    ),
    (
        "ha",
        &["notebook_server.token=short"],
        "--set notebook_server.token: is <secret>, expected a text like `^[A-Za-z0-9._~-]{16,128}$` (With it users log in: at least 16 letters, digits, dots, dashes, underscores and tildes. An addition; in the chart anybody who reaches Jupyter is in, and can run anything in the cluster)",
    ),
    (
        "ha",
        &["notebook_server.persistence.path=/home/jovyan"],
        "--set notebook_server.persistence.path: a volume there would cover what the image brings; take a folder below, such as /home/jovyan/work",
    ),
    (
        "ha",
        &["local_daemon.persistence.size=0"],
        "--set local_daemon.persistence.size: is `0`, expected a text like `10Gi` (How much room it has)",
    ),
    (
        "ha",
        &["gateway.image=gateway"],
        "--set gateway.image: is `gateway`, expected a text like `^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+$` (Name without the tag, of a build of gateway/gateway.go. What was built of gateway/cmd (possible since March 2025) ends at once in Kubernetes)",
    ),
    (
        "ha",
        &["notebook_server.service_type=ExternalName"],
        "--set notebook_server.service_type: is `ExternalName`, expected one of `LoadBalancer`, `NodePort`, `ClusterIP`",
    ),
    (
        "ha",
        &["kube_scheduler.image_tag=v1 34"],
        "--set kube_scheduler.image_tag: is `v1 34`, expected an image's tag: letters, digits, `_`, `.` and `-`, at most 128",
    ),
    (
        "ha",
        &["local_daemon.device_plugin.path=device-plugins"],
        "--set local_daemon.device_plugin.path: is `device-plugins`, expected a text like `^(/[A-Za-z0-9._-]+)+/?$` (On the nodes; it is mounted at the same place. Elsewhere where the kubelet's root is, as with k0s and MicroK8s)",
    ),
    (
        "ha",
        &["gateway.schedular.x=1"],
        "--set gateway.schedular.x: gateway.schedular: unknown key, did you mean `scheduler`?",
    ),
];
