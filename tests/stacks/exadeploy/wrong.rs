//! Settings that are refused or warned of: for each values file all that is said, word for word.

use seaworthy::stack::Choices;
use seaworthy::stack::values::Text;

use super::super::{Wrong, says, told_of};
use super::EXADEPLOY;

/// What is enough for the profile single-node.
const ENOUGH: &str = "
exafunction: {apiKeySecret: {name: api-key}}
scheduler: {image: 'r.example.org/scheduler:1'}
moduleRepository: {image: 'r.example.org/repository:1'}
runner: {image: 'r.example.org/runner:1'}
";

#[rustfmt::skip]
const TABLE: &[Wrong] = &[
    // what the vendor gives
    ("single-node", "exafunction: {apiKeySecret: {name: null}}", &["exafunction.apiKeySecret.value: the vendor's API key is needed: give it with `--secret exafunction.apiKeySecret.value=@FILE`, or name a Secret that holds it in exafunction.apiKeySecret.name"]),
    ("single-node", "exafunction: {apiKeySecret: {value: typed}}", &["exafunction.apiKeySecret.name: the API key is given and a Secret that holds one is named; leave one of the two out"]),
    ("single-node", "exafunction: {apiKeySecret: {name: null, value: 'two words'}}", &[r"exafunction.apiKeySecret.value: is <secret>, expected a text like `^\S*$` (Ours, not the chart's. The key itself, as the vendor gave it; a Secret is made of it. A new one is read when the scheduler starts again)"]),
    ("single-node", "scheduler: {image: null}", &["scheduler.image: is required (Image of the scheduler) and has no default; give it with `--set scheduler.image=...` or in a file with `-f`"]),
    ("single-node", "runner: {image: r.example.org/runner}", &["runner.image: is `r.example.org/runner`, expected a text like `registry.example.org/exadeploy/runner:1.0` (As the vendor gave it, with its tag or digest; the images are private, so there is no default)"]),
    ("single-node", "runner: {image: 'r.example.org:5000/runner'}", &["runner.image: is `r.example.org:5000/runner`, expected a text like `registry.example.org/exadeploy/runner:1.0` (As the vendor gave it, with its tag or digest; the images are private, so there is no default)"]),
    ("single-node", "scheduler: {image: 'foo.bar.com/scheduler:abcd_1234'}", &["scheduler.image: `foo.bar.com` only stands for a value in the documents; give your own"]),
    ("single-node", "moduleRepository: {backend: {remote: {postgres: {host: postgres.example.com}}}}", &["moduleRepository.backend.remote.postgres.host: `postgres.example.com` only stands for a value in the documents; give your own"]),
    // where modules are kept
    ("single-node", "moduleRepository: {backend: {type: postgres}}", &["moduleRepository.backend.type: is `postgres`, expected one of `local`, `remote`"]),
    ("single-node", "moduleRepository: {backend: {type: remote}}", &["moduleRepository.backend.remote.postgres.host: the remote backend needs a PostgreSQL; give its host", "moduleRepository.backend.remote.postgres.port: the remote backend needs the port of its PostgreSQL, 5432 most likely", "moduleRepository.backend.remote.postgres.database: the remote backend needs the name of a database that is there", "moduleRepository.backend.remote.postgres.user: the remote backend needs a user who may write to the database", "moduleRepository.backend.remote.postgres.passwordSecret.value: the remote backend needs the user's password: give it with `--secret moduleRepository.backend.remote.postgres.passwordSecret.value=@FILE`, or name a Secret that holds it in moduleRepository.backend.remote.postgres.passwordSecret.name", "moduleRepository.backend.remote.s3.region: the bucket's region is needed, such as us-west-1", "moduleRepository.backend.remote.s3.bucket: the remote backend needs a bucket that is there", "moduleRepository.backend.remote.s3.awsAccessKeySecret.accessKeyId: the bucket's access keys are needed: give both with `--secret moduleRepository.backend.remote.s3.awsAccessKeySecret.accessKeyId=@FILE` and the same for secretAccessKey, or name a Secret that holds them in moduleRepository.backend.remote.s3.awsAccessKeySecret.name"]),
    ("ha", "", &["moduleRepository.backend.remote.postgres.host: the remote backend needs a PostgreSQL; give its host", "moduleRepository.backend.remote.postgres.port: the remote backend needs the port of its PostgreSQL, 5432 most likely", "moduleRepository.backend.remote.postgres.database: the remote backend needs the name of a database that is there", "moduleRepository.backend.remote.postgres.user: the remote backend needs a user who may write to the database", "moduleRepository.backend.remote.postgres.passwordSecret.value: the remote backend needs the user's password: give it with `--secret moduleRepository.backend.remote.postgres.passwordSecret.value=@FILE`, or name a Secret that holds it in moduleRepository.backend.remote.postgres.passwordSecret.name", "moduleRepository.backend.remote.s3.region: the bucket's region is needed, such as us-west-1", "moduleRepository.backend.remote.s3.bucket: the remote backend needs a bucket that is there", "moduleRepository.backend.remote.s3.awsAccessKeySecret.accessKeyId: the bucket's access keys are needed: give both with `--secret moduleRepository.backend.remote.s3.awsAccessKeySecret.accessKeyId=@FILE` and the same for secretAccessKey, or name a Secret that holds them in moduleRepository.backend.remote.s3.awsAccessKeySecret.name"]),
    ("ha", "moduleRepository: {backend: {type: local}}", &["moduleRepository.backend.type: with the local backend all modules are lost with the repository's pod; the profile ha needs the remote one"]),
    ("single-node", "moduleRepository: {backend: {type: remote, postgres: {host: pg.example.org, port: 5432, database: exadeploy, user: exadeploy, passwordSecret: {name: pg}}, dataBackend: s3, s3: {region: us-east-1, bucket: modules, awsAccessKeySecret: {name: aws}}}}", &["moduleRepository.backend.postgres: unknown key here; its place is `moduleRepository.backend.remote.postgres`", "moduleRepository.backend.dataBackend: unknown key here; its place is `moduleRepository.backend.remote.dataBackend`", "moduleRepository.backend.s3: unknown key here; its place is `moduleRepository.backend.remote.s3`"]),
    ("single-node", "moduleRepository: {backend: {type: remote, dataBackend: gcs, gcs: {region: us-east1, bucket: modules}}}", &["moduleRepository.backend.dataBackend: unknown key here; its place is `moduleRepository.backend.remote.dataBackend`", "moduleRepository.backend.gcs: unknown key here; its place is `moduleRepository.backend.remote.gcs`"]),
    ("single-node", "moduleRepository: {backend: {remote: {gcs: {region: us-east1}}}}", &["moduleRepository.backend.remote.gcs.region: unknown key; known are bucket, gcpCredentialsSecret"]),
    ("single-node", "moduleRepository: {backend: {remote: {dataBackend: azure}}}", &["moduleRepository.backend.remote.dataBackend: is `azure`, expected one of `s3`, `gcs`"]),
    ("single-node", "moduleRepository: {backend: {remote: {postgres: {port: '5432'}}}}", &["moduleRepository.backend.remote.postgres.port: is `5432`, expected null or a whole number"]),
    ("single-node", "moduleRepository: {backend: {remote: {postgres: {port: 70000}}}}", &["moduleRepository.backend.remote.postgres.port: is 70000, expected at most 65535"]),
    ("single-node", "moduleRepository: {backend: {remote: {postgres: {host: 'pg:5432'}}}}", &["moduleRepository.backend.remote.postgres.host: is `pg:5432`, expected a text like `postgres.example.org` (DNS name or address of the PostgreSQL, as pods reach it, without a port)"]),
    ("single-node", "moduleRepository: {backend: {type: remote, remote: {postgres: {host: pg.example.org, port: 5432, database: exadeploy, user: exadeploy, passwordSecret: {name: pg}}, s3: {region: us-east-1, bucket: modules, awsAccessKeySecret: {accessKeyId: A}}}}}", &["moduleRepository.backend.remote.s3.awsAccessKeySecret.accessKeyId: the bucket's access keys are needed: give both with `--secret moduleRepository.backend.remote.s3.awsAccessKeySecret.accessKeyId=@FILE` and the same for secretAccessKey, or name a Secret that holds them in moduleRepository.backend.remote.s3.awsAccessKeySecret.name"]),
    ("single-node", "moduleRepository: {backend: {type: remote, remote: {postgres: {host: pg.example.org, port: 5432, database: exadeploy, user: exadeploy, passwordSecret: {name: pg}}, s3: {region: us_east_1, bucket: modules, awsAccessKeySecret: {name: aws}}}}}", &["moduleRepository.backend.remote.s3.region: is `us_east_1`, expected a text like `us-west-1` (Of the bucket, as AWS writes it)"]),
    ("single-node", "moduleRepository: {backend: {type: remote, remote: {postgres: {host: pg.example.org, port: 5432, database: exadeploy, user: exadeploy, passwordSecret: {name: pg}}, s3: {region: us-east-1, bucket: modules, awsAccessKeySecret: {name: aws, accessKeyIdKey: same, secretAccessKeyKey: same}}}}}", &["moduleRepository.backend.remote.s3.awsAccessKeySecret.secretAccessKeyKey: the two access keys need names of their own in the Secret"]),
    ("single-node", "moduleRepository: {backend: {type: remote, remote: {postgres: {host: pg.example.org, port: 5432, database: exadeploy, user: exadeploy, passwordSecret: {name: pg}}, dataBackend: gcs}}}", &["moduleRepository.backend.remote.gcs.bucket: the remote backend needs a bucket that is there", "moduleRepository.backend.remote.gcs.gcpCredentialsSecret.value: the bucket's credentials are needed: give the JSON file with `--secret moduleRepository.backend.remote.gcs.gcpCredentialsSecret.value=@FILE`, or name a Secret that holds it in moduleRepository.backend.remote.gcs.gcpCredentialsSecret.name", "warning: moduleRepository.backend.remote.dataBackend: runners are given no credentials for Google's storage, only the repository is; their nodes or their account (runner.serviceAccountName) have to be allowed to read the bucket"]),
    ("single-node", "moduleRepository: {backend: {remote: {postgres: {sslCertificateName: ca.pem}}}}", &["moduleRepository.backend.remote.postgres.sslConfigMapName: the configuration would name a certificate that is mounted nowhere; name the ConfigMap that holds it"]),
    ("single-node", "moduleRepository: {backend: {remote: {postgres: {sslConfigMapName: ca}}}}", &["moduleRepository.backend.remote.postgres.sslCertificateName: the ConfigMap would be mounted and the connection not be encrypted; name the certificate's file in it"]),
    ("single-node", "moduleRepository: {backend: {remote: {postgres: {sslConfigMapName: ca, sslCertificateName: certs/ca.pem}}}}", &["moduleRepository.backend.remote.postgres.sslCertificateName: is `certs/ca.pem`, expected a text like `^([A-Za-z0-9_-][A-Za-z0-9._-]*)?$` (Name of the .pem file in the ConfigMap below, where the connection is to be encrypted)"]),
    ("single-node", "moduleRepository: {backend: {local: {localMetadataBaseDir: ''}}}", &["moduleRepository.backend.local.localMetadataBaseDir: is ``, expected a text like `^(/[A-Za-z0-9._-]+)+$` (In the repository's container; used by the local backend. Empty is no folder)"]),
    ("single-node", "moduleRepository: {storage: {existingClaim: mine}}", &["moduleRepository.storage.existingClaim: this claim is not used; it needs moduleRepository.storage.kind=persistentVolumeClaim"]),
    ("single-node", "moduleRepository: {storage: {cacheGb: 0}}", &["moduleRepository.storage.cacheGb: is 0, expected at least 1"]),
    // runners
    ("single-node", "scheduler: {minRunners: 3, maxRunners: 2}", &["scheduler.maxRunners: maxRunners is below minRunners"]),
    ("single-node", "scheduler: {minRunners: 3}", &["scheduler.maxRunners: maxRunners is below minRunners"]),
    ("single-node", "scheduler: {maxRunners: -1}", &["scheduler.maxRunners: is -1, expected at least 0"]),
    ("single-node", "scheduler: {minRunners: '1'}", &["scheduler.minRunners: is `1`, expected null or a whole number"]),
    ("single-node", "runner: {valueStorePort: 50100}", &["runner.valueStorePort: the value store needs another port than the runner beside it"]),
    ("single-node", "prometheus: {port: 50051}", &["prometheus.port: every part serves its metrics at this port, so it has to be another one than the parts' own"]),
    ("single-node", "runner: {tolerations: [{key: gpu}]}", &["runner.tolerations[0].operator: is required (Operator) and has no default; give it with `--set runner.tolerations[0].operator=...` or in a file with `-f`", "runner.tolerations[0].effect: is required (Effect) and has no default; give it with `--set runner.tolerations[0].effect=...` or in a file with `-f`"]),
    ("single-node", "runner: {tolerations: [{key: gpu, operator: Equal, effect: NoSchedule}]}", &["runner.tolerations[0].value: is required (Value) and has no default; give it with `--set runner.tolerations[0].value=...` or in a file with `-f`"]),
    ("single-node", "runner: {cpuLimit: 2}", &["runner.cpuLimit: is 2, expected null or a text"]),
    ("single-node", "scheduler: {cpuLimit: fast}", &["scheduler.cpuLimit: is `fast`, expected a quantity such as `500m` or `2Gi`"]),
    ("single-node", "scheduler: {resources: {limits: {cpu: '1'}}}", &["scheduler.resources: unknown key"]),
    ("single-node", "exafunction: {suffix: Two}", &["exafunction.suffix: is `Two`, expected an empty text or a DNS label: at most 63 small letters, digits and `-` (Behind the names of all objects but the account and its rights, for a second system in a namespace; it has to fit into the names of runners, so at most 35 characters)"]),
    ("single-node", "nameOverride: other", &["nameOverride: is `other`, expected an empty text"]),
    // what is pasted into the configuration
    ("single-node", "scheduler: {additionalConfig: 'a { b: 1'}", &["scheduler.additionalConfig: the braces do not match, or are more than six deep"]),
    ("single-node", "moduleRepository: {additionalConfig: 'a: 1 } b {'}", &["moduleRepository.additionalConfig: the braces do not match, or are more than six deep"]),
    ("single-node", r#"runner: {additionalConfig: 'a: "x'}"#, &["runner.additionalConfig: a quotation mark is not closed"]),
    ("single-node", "runner:
  additionalConfig: |
    a:
      b: 1
", &["runner.additionalConfig: this is YAML; protobuf text is wanted: `name: value` and `name { ... }`, and for a list the same name several times"]),
    ("single-node", "runner:
  additionalConfig: |
    a: 1
    - b
", &["runner.additionalConfig: this is YAML; protobuf text is wanted: `name: value` and `name { ... }`, and for a list the same name several times"]),
    ("single-node", r#"runner:
  additionalConfig: |
    a: "}" b { c { d: "\\\"{" } } # fine
"#, &[]),
    // ways in
    ("single-node", "scheduler: {service: {type: Public}}", &["scheduler.service.type: is `Public`, expected one of `ClusterIP`, `NodePort`, `LoadBalancer`"]),
    ("single-node", "scheduler: {ingress: {enabled: true, tls: [{secretName: cert}]}}", &["scheduler.ingress.host: an ingress needs a host, or every request to the ingress controller would go to the scheduler"]),
    ("single-node", "moduleRepository: {ingress: {enabled: true, tls: [{secretName: cert}]}}", &["moduleRepository.ingress.host: an ingress needs a host, which clients and runners are told"]),
    ("single-node", "scheduler: {ingress: &same {enabled: true, host: a.example.org, tls: [{secretName: cert}]}}
moduleRepository: {ingress: *same}", &["moduleRepository.ingress.host: scheduler and module repository need a host each; both are served at /"]),
    ("single-node", "runner: {ingress: {enabled: true}}", &["runner.ingress.host: an ingress for each runner needs the host that clients are told"]),
    ("single-node", "scheduler: {ingress: {enabled: true, host: a.example.org}}", &["warning: scheduler.ingress.tls: gRPC needs HTTP/2, which ingress-nginx speaks only where there is a certificate"]),
    ("single-node", "rbac: {create: false}", &["warning: rbac.create: without rights of its own making the scheduler makes no runner, unless you bind its account to a Role of yours"]),
    ("single-node", "scheduler: {maxRunners: null}
runner: {useLoadBalancerServiceIp: true}", &["warning: scheduler.maxRunners: every runner takes an address of the load balancer, and nothing says how many runners there can be"]),
    ("single-node", "exafunction: {imagePullSecrets: [{name: login}]}
runner: {serviceAccountName: mine}", &["warning: exafunction.imagePullSecrets: runners pull with what their account has, and this account is not made here; add the Secrets to its imagePullSecrets yourself"]),
    ("ha", "moduleRepository: {storage: {kind: persistentVolumeClaim}, backend: {remote: {postgres: {host: pg.example.org, port: 5432, database: exadeploy, user: exadeploy, passwordSecret: {name: pg}}, s3: {region: us-east-1, bucket: modules, awsAccessKeySecret: {name: aws}}}}}", &["warning: moduleRepository.storage.kind: modules are in the bucket and need no volume; one of a single node ties the repository to that node, and it does not come back elsewhere"]),
];

#[test]
fn what_is_wrong_is_said_once_and_word_for_word() {
    for (profile, text, wanted) in TABLE {
        let mut wanted: Vec<&str> = wanted.to_vec();
        let mut told = told_of(&EXADEPLOY, ENOUGH, profile, text);
        told.sort();
        wanted.sort_unstable();
        assert_eq!(told, wanted, "{profile}:\n{text}");
    }
}

/// A fault of a file is told with its line.
#[test]
fn what_is_wrong_has_its_place() {
    let file = Text { name: "mine.yaml".into(), text: "runner:\n  port: 1\n  valueStorePort: 1\n".into() };
    let choices = Choices { files: vec![file], example: true, ..Choices::default() };
    let faults = EXADEPLOY.check(&EXADEPLOY.values(&choices).unwrap());
    let message = "mine.yaml:3:3: runner.valueStorePort: the value store needs another port than the runner beside it";
    assert_eq!(faults.iter().map(ToString::to_string).collect::<Vec<_>>(), [message]);
}

#[test]
fn the_examples_are_good() {
    for profile in ["single-node", "ha"] {
        says(&EXADEPLOY, profile, &[], "");
    }
}
