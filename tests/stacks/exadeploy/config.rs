//! What the three programs are told: field by field the same as what the official chart 1.1.0 tells them of the same settings.
//! Each table is what the chart's own two examples come to, measured on its output; what is ours is listed beside it.

use seaworthy::stack::values::Text;
use seaworthy::stack::{Choices, Release};
use serde_json::Value;

use super::pbtxt::fields;
use super::{EXADEPLOY, NAME, object};

/// What both say whatever is set.
const ALWAYS: &[&str] = &[
    "module_repository.cache_dir = \"/tmp/module_repository/cache\"",
    "scheduler.session_reinitialization_first_heartbeat_timeout_seconds = 60",
    "scheduler.log_invocation_time = true",
    "scheduler.max_consecutive_runner_creation_failures = 5",
    "scheduler.runner_create_failure_cooldown_seconds = 100",
    "scheduler.runner_service_creation_timeout_seconds = 600",
    "scheduler.load_balancing_enabled = true",
    "scheduler.autoscaling_enabled = true",
    "scheduler.autoscaling_config = {}",
    "scheduler.use_runner_image_from_module = true",
    "runner.kubernetes_launch_backend.namespace = \"default\"",
    "runner.kubernetes_launch_backend.external_service_hostname = \"\"",
    "billing_addr = \"https://billing.exafunction.com\"",
    "kubernetes_secret_dir = \"/etc/system_secrets\"",
];

/// Three images and the name of a Secret.
const SIMPLE: &str = "
exafunction: {apiKeySecret: {name: api-key-secret}}
scheduler: {image: 'foo.us-west-1.amazonaws.com/scheduler:bar_1234'}
moduleRepository: {image: 'foo.us-west-1.amazonaws.com/moduleRepository:bar_1234'}
runner: {image: 'foo.us-west-1.amazonaws.com/runner:bar_1234'}
";

const OF_SIMPLE: &[&str] = &[
    "module_repository.listen_port = 50051",
    "module_repository.hostname = \"module-repository-service.default.svc.cluster.local\"",
    "module_repository.local_data_backend = {}",
    "module_repository.local_metadata_backend.base_dir = \"/tmp/exafunction/module_repository/metadata\"",
    "scheduler.hostname = \"scheduler-service\"",
    "scheduler.listen_port = 50050",
    "scheduler.placement_group_deletion_lag_seconds = 5",
    "scheduler.runner_creation_timeout_seconds = 600",
    "scheduler.runner_deletion_lag_seconds = 5",
    "runner.kubernetes_launch_backend.docker_image = \"foo.us-west-1.amazonaws.com/runner:bar_1234\"",
    "runner.kubernetes_launch_backend.runner_port = 50100",
    "runner.kubernetes_launch_backend.value_store_port = 50101",
    "runner.kubernetes_launch_backend.runner_pod_app_label_value = \"exafunction-runner\"",
    "runner.kubernetes_launch_backend.runner_service_app_label_value = \"exafunction-runner-service\"",
    "runner.kubernetes_launch_backend.service_account_name = \"exadeploy\"",
    "runner.value_store_threads = 4",
    "metrics_export_port = 2112",
];

/// Nearly everything that can be set, on AWS.
const FULL: &str = "
exafunction:
  apiKeySecret: {name: api-key-secret, key: api_key_custom}
  suffix: example
  annotations: {my-annotation: my-value}
  clusterDomain: custom.domain
scheduler:
  image: foo.us-west-1.amazonaws.com/scheduler:bar_1234
  port: 50
  cpuLimit: 10200m
  nodeSelector: {role: scheduler}
  tolerations: [{key: dedicated, operator: Equal, value: scheduler, effect: NoSchedule}]
  ingress: {enabled: true, className: nginx, host: scheduler.custom.domain}
  serviceAccountName: my-scheduler-serviceaccount
  extraEnvs: [{name: EXA_SCHEDULER_EXTRA_ENV, value: my-value}]
  placementGroupDeletionLagSeconds: 50
  runnerCreationTimeoutSeconds: 6000
  runnerDeletionLagSeconds: 50
  minRunners: 2
  maxRunners: 10
  disableClientsKillingRunners: false
  additionalConfig: 'my-config: \"my-value\"'
moduleRepository:
  image: foo.us-west-1.amazonaws.com/moduleRepository:bar_1234
  port: 51
  nodeSelector: {role: module-repository}
  tolerations: [{key: dedicated, operator: Equal, value: module-repository, effect: NoSchedule}]
  ingress: {enabled: true, className: nginx, host: modulerepository.custom.domain}
  backend:
    type: remote
    remote:
      postgres:
        {host: postgres.custom.domain, port: 54320, database: my-postgres, user: my-user,
        passwordSecret: {name: postgres-secret, key: postgres_password_custom},
        sslCertificateName: postgres-ssl-cert, sslConfigMapName: postgres-ssl-cmap}
      dataBackend: s3
      s3:
        {region: us-west-1, bucket: my-bucket,
        awsAccessKeySecret: {name: aws-secret, accessKeyIdKey: access_key_custom, secretAccessKeyKey: secret_key_custom}}
  serviceAccountName: my-module-repository-serviceaccount
  additionalConfig: 'my-config: \"my-value\"'
runner:
  image: foo.us-west-1.amazonaws.com/runner:bar_1234
  port: 100
  valueStorePort: 101
  cpuLimit: 2400m
  memoryLimit: 10Gi
  nodeSelector: {role: runner}
  tolerations: [{key: dedicated, operator: Equal, value: runner, effect: NoSchedule}]
  createHeadlessService: true
  serviceAccountName: my-runner-serviceaccount
  cpuOnly: true
  valueStoreThreads: 40
  serializeAll: true
  additionalConfig: 'my-config: \"my-value\"'
prometheus: {port: 21120}
rbac: {create: false}
serviceAccount: {create: false, name: my-serviceaccount, annotations: {my-annotation: my-value}}
";

const OF_FULL: &[&str] = &[
    "module_repository.listen_port = 51",
    "module_repository.hostname = \"modulerepository.custom.domain\"",
    "module_repository.external_port = 80",
    "module_repository.internal_hostname = \"module-repository-service-example.default.svc.custom.domain\"",
    "module_repository.postgres_metadata_backend = {}",
    "module_repository.s3_data_backend.region = \"us-west-1\"",
    "module_repository.s3_data_backend.bucket = \"my-bucket\"",
    "module_repository.s3_data_backend.base_dir = \"/module_repository\"",
    "module_repository.my-config = \"my-value\"",
    "scheduler.hostname = \"scheduler-service-example\"",
    "scheduler.listen_port = 50",
    "scheduler.placement_group_deletion_lag_seconds = 50",
    "scheduler.min_runners = 2",
    "scheduler.max_runners = 10",
    "scheduler.runner_creation_timeout_seconds = 6000",
    "scheduler.runner_deletion_lag_seconds = 50",
    "scheduler.my-config = \"my-value\"",
    "runner.cpu_only = true",
    "runner.kubernetes_launch_backend.docker_image = \"foo.us-west-1.amazonaws.com/runner:bar_1234\"",
    "runner.kubernetes_launch_backend.runner_port = 100",
    "runner.kubernetes_launch_backend.value_store_port = 101",
    "runner.kubernetes_launch_backend.memory_limit = \"10Gi\"",
    "runner.kubernetes_launch_backend.cpu_limit = \"2400m\"",
    "runner.kubernetes_launch_backend.pod_annotations.key = \"my-annotation\"",
    "runner.kubernetes_launch_backend.pod_annotations.value = \"my-value\"",
    "runner.kubernetes_launch_backend.node_selectors.key = \"role\"",
    "runner.kubernetes_launch_backend.node_selectors.value = \"runner\"",
    "runner.kubernetes_launch_backend.tolerations.key = \"dedicated\"",
    "runner.kubernetes_launch_backend.tolerations.operator = \"Equal\"",
    "runner.kubernetes_launch_backend.tolerations.value = \"runner\"",
    "runner.kubernetes_launch_backend.tolerations.effect = \"NoSchedule\"",
    "runner.kubernetes_launch_backend.runner_pod_app_label_value = \"exafunction-runner-example\"",
    "runner.kubernetes_launch_backend.runner_service_app_label_value = \"exafunction-runner-service-example\"",
    "runner.kubernetes_launch_backend.runner_pod_name_suffix = \"example\"",
    "runner.kubernetes_launch_backend.create_headless_service = true",
    "runner.kubernetes_launch_backend.subdomain = \"headless-example\"",
    "runner.kubernetes_launch_backend.service_account_name = \"my-runner-serviceaccount\"",
    "runner.kubernetes_launch_backend.aws_credentials.access_key_id_secret_name = \"aws-secret\"",
    "runner.kubernetes_launch_backend.aws_credentials.access_key_id_secret_key = \"access_key_custom\"",
    "runner.kubernetes_launch_backend.aws_credentials.secret_access_key_secret_name = \"aws-secret\"",
    "runner.kubernetes_launch_backend.aws_credentials.secret_access_key_secret_key = \"secret_key_custom\"",
    "runner.value_store_threads = 40",
    "runner.serialize_all = true",
    "runner.load_from_blob_storage = true",
    "runner.my-config = \"my-value\"",
    "metrics_export_port = 21120",
    "postgres_name = \"my-postgres\"",
    "postgres_host = \"postgres.custom.domain\"",
    "postgres_user = \"my-user\"",
    "postgres_port = 54320",
    "postgres_ssl_cert_path = \"/etc/ssl-cert/postgres-ssl-cert\"",
];

/// Where the cache of both examples is otherwise, and why: the profile single-node leaves a laptop's disk alone.
const SMALL_CACHE: &str = "module_repository.max_cache_size_in_gb = 10";
const CACHE: &str = "module_repository.max_cache_size_in_gb = 50";

/// The fields of the configuration that is made of a values file in a profile, sorted.
fn told(profile: &str, file: &str, set: &[&str]) -> Vec<String> {
    let file = Text { name: "mine.yaml".into(), text: file.into() };
    let set = set.iter().map(|text| (*text).to_owned()).collect();
    let choices = Choices { profile: Some(profile.into()), files: vec![file], set, ..Choices::default() };
    let release = Release { name: NAME.into(), namespace: "default".into(), ..Release::default() };
    let prepared =
        EXADEPLOY.prepare(&choices, &release).unwrap_or_else(|error| panic!("{set:?}: {error}", set = choices.set));
    let objects: Vec<Value> = prepared.objects.into_iter().map(|made| made.object).collect();
    let maps = objects.iter().filter(|object| object["data"].get("exafunction_config.pbtxt").is_some());
    let [map] = maps.collect::<Vec<_>>()[..] else { panic!("one configuration is wanted") };
    let mut fields = fields(map["data"]["exafunction_config.pbtxt"].as_str().unwrap());
    fields.sort();
    fields
}

#[track_caller]
fn assert_told(profile: &str, file: &str, wanted: &[&[&str]]) {
    let mut wanted: Vec<&str> = wanted.concat();
    wanted.sort_unstable();
    assert_eq!(told(profile, file, &[]), wanted);
}

#[test]
fn the_charts_two_examples_tell_the_programs_what_the_chart_tells_them() {
    // What the profile has for laptops: the cache, and runners that are few and need no GPU.
    let small: &[&str] = &[SMALL_CACHE, "scheduler.max_runners = 2", "runner.cpu_only = true"];
    assert_told("single-node", SIMPLE, &[ALWAYS, OF_SIMPLE, small]);
    // Without it nothing is otherwise.
    let as_chart = format!("{SIMPLE}\n")
        .replace("scheduler: {", "scheduler: {maxRunners: null, ")
        .replace("runner: {", "runner: {cpuOnly: false, ")
        .replace("moduleRepository: {", "moduleRepository: {storage: {cacheGb: 50}, ");
    assert_told("single-node", &as_chart, &[ALWAYS, OF_SIMPLE, &[CACHE]]);
    assert_told("single-node", FULL, &[ALWAYS, OF_FULL, &[SMALL_CACHE]]);
    assert_told("ha", FULL, &[ALWAYS, OF_FULL, &[CACHE]]);
}

/// What neither example sets, by the names that the chart's template has for it.
#[test]
fn every_other_setting_has_the_charts_name() {
    let base = told("single-node", SIMPLE, &[]);
    let table: [(&str, &[&str], &[&str]); 9] = [
        ("scheduler.disableClientsKillingRunners=true", &["scheduler.disable_clients_killing_runners = true"], &[]),
        (
            "runner.useLoadBalancerServiceIp=true",
            &["runner.kubernetes_launch_backend.use_load_balancer_service_ip = true"],
            &[],
        ),
        (
            "runner.ingress.enabled=true,runner.ingress.host=runners.example.org",
            &[
                "runner.kubernetes_launch_backend.create_ingress_per_runner = true",
                "runner.kubernetes_launch_backend.external_service_hostname = \"runners.example.org\"",
            ],
            &["runner.kubernetes_launch_backend.external_service_hostname = \"\""],
        ),
        (
            "exafunction.clusterDomain=",
            &["module_repository.hostname = \"module-repository-service\""],
            &["module_repository.hostname = \"module-repository-service.default.svc.cluster.local\""],
        ),
        ("scheduler.minRunners=0,scheduler.maxRunners=0", &[], &["scheduler.max_runners = 2"]),
        ("scheduler.minRunners=1", &["scheduler.min_runners = 1"], &[]),
        (
            "runner.tolerations[0].key=gpu,runner.tolerations[0].operator=Exists,runner.tolerations[0].effect=NoExecute",
            &[
                "runner.kubernetes_launch_backend.tolerations.key = \"gpu\"",
                "runner.kubernetes_launch_backend.tolerations.operator = \"Exists\"",
                "runner.kubernetes_launch_backend.tolerations.effect = \"NoExecute\"",
            ],
            &[],
        ),
        // A text cannot end the field that it stands in.
        (
            r#"exafunction.annotations.note=a"} b \\ c"#,
            &[
                "runner.kubernetes_launch_backend.pod_annotations.key = \"note\"",
                "runner.kubernetes_launch_backend.pod_annotations.value = \"a\"} b \\ c\"",
            ],
            &[],
        ),
        (
            "runner.image=r.example.org:5000/a/runner@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            &[concat!(
                "runner.kubernetes_launch_backend.docker_image = \"r.example.org:5000/a/runner@sha256:",
                "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\""
            )],
            &["runner.kubernetes_launch_backend.docker_image = \"foo.us-west-1.amazonaws.com/runner:bar_1234\""],
        ),
    ];
    for (set, more, less) in table {
        let mut wanted: Vec<&str> = base.iter().map(String::as_str).filter(|field| !less.contains(field)).collect();
        wanted.extend(more);
        wanted.sort_unstable();
        assert_eq!(told("single-node", SIMPLE, &[set]), wanted, "{set}");
    }
}

#[test]
fn with_googles_storage_runners_are_told_of_no_keys() {
    let gcs = "moduleRepository.backend.remote.dataBackend=gcs,moduleRepository.backend.remote.gcs.bucket=my-bucket,\
               moduleRepository.backend.remote.gcs.gcpCredentialsSecret.name=gcp-secret";
    let told = told("ha", FULL, &[gcs]);
    let has = |start: &str| told.iter().any(|field| field.starts_with(start));
    assert!(has("module_repository.gcs_data_backend.bucket = \"my-bucket\""), "{told:#?}");
    assert!(has("module_repository.gcs_data_backend.base_dir = \"/module_repository\""), "{told:#?}");
    assert!(has("runner.load_from_blob_storage = true"), "{told:#?}");
    assert!(!has("runner.kubernetes_launch_backend.aws_credentials") && !has("module_repository.s3"), "{told:#?}");
}

/// Ours: a certificate at the ingress moves the port that clients are told.
#[test]
fn clients_are_told_the_port_that_the_ingress_serves() {
    let set = "moduleRepository.ingress.tls[0].secretName=cert";
    let told = told("ha", FULL, &[set]);
    assert!(told.contains(&"module_repository.external_port = 443".to_owned()), "{told:#?}");
}

#[test]
fn a_registry_of_ones_own_holds_for_runners_too() {
    let release = Release {
        name: NAME.into(),
        namespace: "default".into(),
        registry: Some("r.example.org".into()),
        ..Release::default()
    };
    let made = EXADEPLOY.prepare(&super::example("single-node", &[]), &release).unwrap().objects;
    let objects: Vec<Value> = made.into_iter().map(|made| made.object).collect();
    let config = object(&objects, "ConfigMap/exafunction-config")["data"]["exafunction_config.pbtxt"].to_string();
    assert!(config.contains("r.example.org/exadeploy/runner:1.0"), "{config}");
    let image = &object(&objects, "Deployment/scheduler")["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!(image, "r.example.org/exadeploy/scheduler:1.0");
}
