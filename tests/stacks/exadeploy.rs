//! exadeploy: what the programs are told, what is made of which settings, and which settings are refused.

mod config;
mod pbtxt;
mod wrong;

use std::sync::LazyLock;

use seaworthy::stack::Stack;
use serde_json::{Value, json};

use super::{assert_helpful, example, object, objects, required, stack, title};

const NAME: &str = "exadeploy";
static EXADEPLOY: LazyLock<Stack> = LazyLock::new(|| stack(NAME));

fn made(profile: &str, set: &[&str]) -> Vec<Value> {
    objects(&EXADEPLOY, profile, set)
}

fn titles(profile: &str, set: &[&str]) -> Vec<String> {
    made(profile, set).iter().map(title).collect()
}

/// The pod of a Deployment.
fn pod<'a>(objects: &'a [Value], name: &str) -> &'a Value {
    &object(objects, &format!("Deployment/{name}"))["spec"]["template"]["spec"]
}

fn named<'a>(list: &'a Value, name: &str) -> Option<&'a Value> {
    list.as_array().unwrap().iter().find(|one| one["name"] == name)
}

const S3: &str = "moduleRepository.backend.type=remote";

#[test]
fn only_the_images_have_no_default() {
    assert_eq!(required(&EXADEPLOY), ["scheduler.image", "moduleRepository.image", "runner.image"]);
    assert_helpful(&EXADEPLOY);
}

#[test]
fn what_a_profile_makes() {
    let one = [
        "ConfigMap/exafunction-config",
        "ConfigMap/exafunction-grafana-dashboard",
        "Secret/exafunction-api-key",
        "ServiceAccount/exadeploy",
        "Role/exadeploy-role",
        "RoleBinding/exadeploy-rolebinding",
        "Service/module-repository-service",
        "Deployment/module-repository",
        "Service/scheduler-service",
        "Service/scheduler-metrics",
        "Deployment/scheduler",
    ];
    assert_eq!(titles("single-node", &[]), one);
    let more: Vec<String> = titles("ha", &[]).into_iter().filter(|title| !one.contains(&title.as_str())).collect();
    assert_eq!(more, ["Secret/exafunction-postgres-password", "Secret/exafunction-s3-access-key"]);
}

#[test]
fn a_profile_says_how_it_is_reached() {
    for (profile, kind) in [("single-node", "ClusterIP"), ("ha", "LoadBalancer")] {
        let made = made(profile, &[]);
        for name in ["scheduler-service", "module-repository-service"] {
            assert_eq!(object(&made, &format!("Service/{name}"))["spec"]["type"], kind, "{profile} {name}");
        }
        assert_eq!(object(&made, "Service/scheduler-metrics")["spec"]["type"], "ClusterIP");
    }
}

/// The names that the chart gives a suffix have it here, too; the account and its rights have none.
#[test]
fn a_second_system_fits_beside_the_first() {
    let set = [
        "exafunction.suffix=two,runner.createHeadlessService=true,moduleRepository.storage.kind=persistentVolumeClaim",
        "scheduler.ingress.enabled=true,scheduler.ingress.host=a.example.org",
        "moduleRepository.ingress.enabled=true,moduleRepository.ingress.host=b.example.org",
        "moduleRepository.backend.remote.dataBackend=gcs,moduleRepository.backend.remote.gcs.bucket=abc",
        "moduleRepository.backend.remote.gcs.gcpCredentialsSecret.value=x",
    ];
    let titles = titles("ha", &set);
    let without: Vec<&String> = titles.iter().filter(|title| !title.ends_with("-two")).collect();
    assert_eq!(without, ["ServiceAccount/exadeploy", "Role/exadeploy-role", "RoleBinding/exadeploy-rolebinding"]);
    assert!(titles.contains(&"Service/headless-two".to_owned()) && titles.len() == 17, "{titles:#?}");
    for object in made("ha", &set) {
        let text = object.to_string();
        let names = [
            "scheduler-service",
            "module-repository-service",
            "exafunction-config",
            "exafunction-runner",
            "exafunction-api-key",
        ];
        for name in names {
            let bare = text.match_indices(name).filter(|(at, _)| !text[at + name.len()..].starts_with("-two"));
            let bare = bare.filter(|(at, _)| !text[at + name.len()..].starts_with("-service-two"));
            assert_eq!(bare.count(), 0, "{name} without the suffix in {}", title(&object));
        }
    }
}

#[test]
fn pods_are_found_by_the_charts_label() {
    let made = made("ha", &["exafunction.suffix=two"]);
    for (workload, service) in
        [("module-repository-two", "module-repository-service-two"), ("scheduler-two", "scheduler-service-two")]
    {
        let workload_object = object(&made, &format!("Deployment/{workload}"));
        assert_eq!(workload_object["spec"]["template"]["metadata"]["labels"]["app"], workload);
        assert_eq!(object(&made, &format!("Service/{service}"))["spec"]["selector"]["app"], workload);
    }
}

/// Each secret is one whole value of a Secret, and nowhere else.
#[test]
fn secrets_lie_in_secrets_alone() {
    let given = [
        ("exafunction.apiKeySecret.value", "very-secret-1", "exafunction-api-key", "api_key"),
        (
            "moduleRepository.backend.remote.postgres.passwordSecret.value",
            "very-secret-2",
            "exafunction-postgres-password",
            "postgres_password",
        ),
        (
            "moduleRepository.backend.remote.s3.awsAccessKeySecret.accessKeyId",
            "very-secret-3",
            "exafunction-s3-access-key",
            "access_key",
        ),
        (
            "moduleRepository.backend.remote.s3.awsAccessKeySecret.secretAccessKey",
            "very-secret-4",
            "exafunction-s3-access-key",
            "secret_key",
        ),
        (
            "moduleRepository.backend.remote.gcs.gcpCredentialsSecret.value",
            "very-secret-5",
            "exafunction-gcp-credentials",
            "gcp-credentials.json",
        ),
    ];
    for (backend, kept) in [("s3", &given[..4]), ("gcs", &[given[0], given[1], given[4]][..])] {
        let mut choices = example("ha", &["moduleRepository.backend.remote.gcs.bucket=abc"]);
        choices.set.push(format!("moduleRepository.backend.remote.dataBackend={backend}"));
        choices.secrets = given.iter().map(|(way, value, ..)| ((*way).to_owned(), (*value).to_owned())).collect();
        let prepared = EXADEPLOY.prepare(&choices, &EXADEPLOY.release(None, None)).unwrap();
        let objects: Vec<Value> = prepared.objects.into_iter().map(|made| made.object).collect();
        for (_, value, secret, key) in kept {
            assert_eq!(object(&objects, &format!("Secret/{secret}"))["stringData"][key], *value);
        }
        let elsewhere: Vec<String> =
            objects.iter().filter(|object| object["kind"] != "Secret").map(Value::to_string).collect();
        assert!(elsewhere.iter().all(|text| !text.contains("very-secret")), "{elsewhere:#?}");
        assert!(!prepared.values.chosen().to_string().contains("very-secret"));
    }
}

#[test]
fn a_secret_of_ones_own_is_used_and_none_is_made() {
    let named = "exafunction.apiKeySecret.value=,exafunction.apiKeySecret.name=mine,exafunction.apiKeySecret.key=k,\
        moduleRepository.backend.remote.postgres.passwordSecret.value=,moduleRepository.backend.remote.postgres.passwordSecret.name=pg,\
        moduleRepository.backend.remote.s3.awsAccessKeySecret.accessKeyId=,moduleRepository.backend.remote.s3.awsAccessKeySecret.secretAccessKey=,\
        moduleRepository.backend.remote.s3.awsAccessKeySecret.name=aws";
    let made = made("ha", &[named]);
    assert!(made.iter().all(|object| object["kind"] != "Secret"));
    let secret = |name: &str, key: &str, path: &str| json!({"secretName": name, "items": [{"key": key, "path": path}]});
    let volume = |workload| named_volume(&made, workload, "system-secrets")["secret"].clone();
    assert_eq!(volume("scheduler"), secret("mine", "k", "api_key"));
    assert_eq!(volume("module-repository"), secret("pg", "postgres_password", "postgres_password"));
    let env = &pod(&made, "module-repository")["containers"][0]["env"];
    let reference = |name: &str| one_named(env, name)["valueFrom"]["secretKeyRef"].clone();
    assert_eq!(reference("AWS_ACCESS_KEY_ID"), json!({"name": "aws", "key": "access_key"}));
    assert_eq!(reference("AWS_SECRET_ACCESS_KEY"), json!({"name": "aws", "key": "secret_key"}));
}

fn named_volume<'a>(objects: &'a [Value], workload: &str, name: &str) -> &'a Value {
    one_named(&pod(objects, workload)["volumes"], name)
}

fn one_named<'a>(list: &'a Value, name: &str) -> &'a Value {
    named(list, name).unwrap_or_else(|| panic!("no {name} in {list}"))
}

/// The mounts of the module repository, as `volume at path`.
fn mounts(objects: &[Value]) -> Vec<String> {
    let mounts = pod(objects, "module-repository")["containers"][0]["volumeMounts"].as_array().unwrap();
    mounts
        .iter()
        .map(|mount| format!("{} at {}", mount["name"].as_str().unwrap(), mount["mountPath"].as_str().unwrap()))
        .collect()
}

#[test]
fn what_modules_are_kept_in_has_a_limit() {
    let limit = |profile, set: &[&str]| named_volume(&made(profile, set), "module-repository", "modules").clone();
    assert_eq!(limit("single-node", &[])["emptyDir"]["sizeLimit"], "12Gi");
    assert_eq!(limit("ha", &[])["emptyDir"]["sizeLimit"], "60Gi");
    let kept = ["moduleRepository.storage.kind=persistentVolumeClaim,moduleRepository.storage.storageClass=local-path"];
    let made = made("single-node", &kept);
    let claim = object(&made, "PersistentVolumeClaim/module-repository");
    assert_eq!(claim["spec"]["resources"]["requests"]["storage"], "12Gi");
    assert_eq!(claim["spec"]["storageClassName"], "local-path");
    // Recovery finds it by role and by the volume's name.
    assert_eq!(claim["metadata"]["labels"]["seaworthy.dev/role"], "modules");
    assert_eq!(
        named_volume(&made, "module-repository", "modules")["persistentVolumeClaim"]["claimName"],
        "module-repository"
    );
    let own = "moduleRepository.storage.kind=persistentVolumeClaim,moduleRepository.storage.existingClaim=mine";
    let volume = limit("single-node", &[own]);
    assert_eq!(volume["persistentVolumeClaim"]["claimName"], "mine");
    assert!(!titles("single-node", &[own]).contains(&"PersistentVolumeClaim/module-repository".to_owned()));
}

#[test]
fn the_repository_is_given_what_its_backend_needs() {
    assert_eq!(mounts(&made("single-node", &[])), ["config at /etc/config", "modules at /tmp"]);
    let elsewhere = ["moduleRepository.backend.local.localMetadataBaseDir=/srv/metadata"];
    assert_eq!(
        mounts(&made("single-node", &elsewhere)),
        ["config at /etc/config", "modules at /tmp", "modules at /srv/metadata"]
    );
    let remote = ["config at /etc/config", "modules at /tmp", "system-secrets at /etc/system_secrets"];
    assert_eq!(mounts(&made("single-node", &[S3])), remote);
    let postgres = "moduleRepository.backend.remote.postgres";
    let certificate = format!("{postgres}.sslCertificateName=ca.pem,{postgres}.sslConfigMapName=ca");
    let encrypted = made("ha", &[&certificate]);
    assert_eq!(mounts(&encrypted), [remote[0], remote[1], remote[2], "ssl-cert at /etc/ssl-cert"]);
    assert_eq!(named_volume(&encrypted, "module-repository", "ssl-cert")["configMap"]["name"], "ca");
    // A certificate for a PostgreSQL that is not used is not mounted.
    assert_eq!(mounts(&made("single-node", &[&certificate])), ["config at /etc/config", "modules at /tmp"]);
    let gcs = "moduleRepository.backend.remote.dataBackend=gcs,moduleRepository.backend.remote.gcs.bucket=abc,\
               moduleRepository.backend.remote.gcs.gcpCredentialsSecret.name=gcp";
    let google = made("ha", &[gcs]);
    assert_eq!(mounts(&google), [remote[0], remote[1], remote[2], "gcp-credentials at /etc/credentials/"]);
    let env = &pod(&google, "module-repository")["containers"][0]["env"];
    assert_eq!(
        *env,
        json!([{"name": "GOOGLE_APPLICATION_CREDENTIALS", "value": "/etc/credentials/gcp-credentials.json"}])
    );
}

/// Two repositories side by side would each know a part of what a local backend has, or hold one volume.
#[test]
fn the_repository_is_replaced_in_place_only_where_nothing_is_kept_in_it() {
    let strategy = |profile, set: &[&str]| {
        object(&made(profile, set), "Deployment/module-repository")["spec"]["strategy"]["type"].clone()
    };
    assert_eq!(strategy("single-node", &[]), "Recreate");
    assert_eq!(strategy("ha", &[]), "RollingUpdate");
    assert_eq!(strategy("ha", &["moduleRepository.storage.kind=persistentVolumeClaim"]), "Recreate");
    assert_eq!(object(&made("ha", &[]), "Deployment/scheduler")["spec"]["strategy"]["type"], "Recreate");
}

#[test]
fn rights_go_to_who_makes_runners() {
    let subject = |set: &[&str]| {
        let made = made("single-node", set);
        let name = titles("single-node", set).into_iter().find(|title| title.starts_with("RoleBinding/")).unwrap();
        object(&made, &name)["subjects"][0]["name"].clone()
    };
    assert_eq!(subject(&[]), "exadeploy");
    assert_eq!(subject(&["serviceAccount.name=ours"]), "ours");
    assert_eq!(subject(&["serviceAccount.create=false"]), "default");
    assert_eq!(subject(&["scheduler.serviceAccountName=theirs"]), "theirs");
    let role = |set: &[&str]| object(&made("single-node", set), "Role/exadeploy-role")["rules"].clone();
    let rule = |group: &str, resource: &str, verbs: &[&str]| json!({"apiGroups": [group], "resources": [resource], "verbs": verbs});
    let services = ["create", "get", "list", "delete"];
    let usual = [rule("", "pods", &["*"]), rule("", "secrets", &["get"]), rule("", "services", &services)];
    assert_eq!(role(&[]), json!(usual));
    let ingresses = rule("networking.k8s.io", "ingresses", &services);
    let set = ["runner.ingress.enabled=true,runner.ingress.host=r.example.org"];
    assert_eq!(role(&set), json!([usual[0], usual[1], usual[2], ingresses]));
    // The module repository asks the Kubernetes API nothing.
    assert_eq!(pod(&made("ha", &[]), "module-repository")["automountServiceAccountToken"], false);
    assert!(pod(&made("ha", &[]), "scheduler").get("automountServiceAccountToken").is_none());
}

/// Runners are pods that nothing here makes: they pull with what their account has.
#[test]
fn runners_pull_with_the_accounts_secrets() {
    let made = made("single-node", &["exafunction.imagePullSecrets[0].name=login"]);
    let login = json!([{"name": "login"}]);
    assert_eq!(object(&made, "ServiceAccount/exadeploy")["imagePullSecrets"], login);
    for workload in ["scheduler", "module-repository"] {
        assert_eq!(pod(&made, workload)["imagePullSecrets"], login, "{workload}");
    }
}

#[test]
fn a_changed_configuration_replaces_both_pods_and_an_image_only_its_own() {
    let mark = |workload: &str, set: &[&str]| {
        object(&made("single-node", set), &format!("Deployment/{workload}"))["spec"]["template"].clone()
    };
    for workload in ["scheduler", "module-repository"] {
        assert_ne!(mark(workload, &[]), mark(workload, &["runner.valueStoreThreads=5"]), "{workload}");
    }
    let image = ["scheduler.image=registry.example.org/exadeploy/scheduler:1.1"];
    assert_ne!(mark("scheduler", &[]), mark("scheduler", &image));
    assert_eq!(mark("module-repository", &[]), mark("module-repository", &image));
}

#[test]
fn the_schedulers_limit_is_what_is_set_aside_for_it() {
    let resources = |set: &[&str]| pod(&made("single-node", set), "scheduler")["containers"][0]["resources"].clone();
    assert_eq!(resources(&[]), json!({"requests": {"cpu": "0.5"}, "limits": {"cpu": "0.5"}}));
    assert_eq!(
        resources(&["scheduler.cpuLimit=10200m"]),
        json!({"requests": {"cpu": "10200m"}, "limits": {"cpu": "10200m"}})
    );
}

/// Both are found by their annotations, and by nothing that the user wrote less.
#[test]
fn metrics_are_announced() {
    let made = made("ha", &["prometheus.port=9000,exafunction.annotations.team=a"]);
    for workload in ["scheduler", "module-repository"] {
        let annotations =
            &object(&made, &format!("Deployment/{workload}"))["spec"]["template"]["metadata"]["annotations"];
        let said =
            ["prometheus.io/scrape", "prometheus.io/port", "team"].map(|name| annotations[name].as_str().unwrap());
        assert_eq!(said, ["true", "9000", "a"], "{workload}");
    }
}

/// What it asks for are the metrics that the programs have, of this system alone.
#[test]
fn the_dashboard_asks_for_metrics_that_there_are() {
    let made = made("single-node", &["exafunction.suffix=two"]);
    let map = object(&made, "ConfigMap/exafunction-grafana-dashboard-two");
    assert_eq!(map["metadata"]["labels"]["grafana_dashboard"], "1");
    let dashboard: Value = serde_json::from_str(map["data"]["exafunction.json"].as_str().unwrap()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let queries: Vec<&str> = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap())
        .map(|target| target["expr"].as_str().unwrap())
        .collect();
    let known = ["scheduler_", "runner_", "value_store_", "grpc_server_"];
    for query in &queries {
        assert!(known.iter().any(|start| query.contains(start)) && query.contains("-two-["), "{query}");
    }
    assert!(panels.len() == 10 && queries.len() == 18, "{} panels, {} queries", panels.len(), queries.len());
    let places: std::collections::BTreeSet<String> = panels.iter().map(|panel| panel["gridPos"].to_string()).collect();
    assert_eq!(places.len(), panels.len(), "two panels in one place");
    assert!(!titles("ha", &["grafana.dashboard=false"]).iter().any(|title| title.contains("grafana")));
}

/// Uninstall finds what the scheduler has made by what the scheduler was told to label it with.
#[test]
fn what_is_made_at_run_time_is_found_again() {
    let set = ["exafunction.suffix=two"];
    let values = EXADEPLOY.values(&example("single-node", &set)).unwrap();
    let made_later = EXADEPLOY.runtime(&values, &EXADEPLOY.release(None, None)).unwrap();
    let found: Vec<String> = made_later.iter().map(|made| format!("{} {}", made.kind, made.selector)).collect();
    assert_eq!(found, ["Pod app=exafunction-runner-two", "Service app=exafunction-runner-service-two"]);
    let made = made("single-node", &set);
    let config =
        object(&made, "ConfigMap/exafunction-config-two")["data"]["exafunction_config.pbtxt"].as_str().unwrap();
    for label in [
        "pod_app_label_value: \"exafunction-runner-two\"",
        "service_app_label_value: \"exafunction-runner-service-two\"",
    ] {
        assert!(config.contains(label), "{config}");
    }
}
