//! Settings that are refused or warned of: for each values file all that is said, word for word.

use super::super::{Wrong, assert_told, stack};
use super::NAME;

/// What is enough for the profile single-node.
const ENOUGH: &str = "global: {imageRegistry: registry.example.org/telemetry}";

#[rustfmt::skip]
const TABLE: &[Wrong] = &[
    // images
    ("single-node", "", &[]),
    ("single-node", "global: {imageRegistry: null}", &["global.imageRegistry: is required (Image registry) and has no default; give it with `--set global.imageRegistry=...` or in a file with `-f`"]),
    ("single-node", "global: {imageRegistry: docker.io/telemetry-pipeline}", &["global.imageRegistry: `docker.io/telemetry-pipeline` only stands for a value in the documents; give your own"]),
    ("single-node", "global: {imageRegistry: 'https://registry.example.org'}", &["global.imageRegistry: is `https://registry.example.org`, expected a text like `registry.example.com/telemetry` (Where your built images are: the part before the image's name, such as registry.example.com/telemetry or, after the application's own build script, localhost:5000. The project publishes none, so there is no default)"]),
    ("single-node", "global: {imageRegistry: Registry.example.org}", &["global.imageRegistry: is `Registry.example.org`, expected a text like `registry.example.com/telemetry` (Where your built images are: the part before the image's name, such as registry.example.com/telemetry or, after the application's own build script, localhost:5000. The project publishes none, so there is no default)"]),
    ("single-node", "global: {imageTag: 'v2 0'}", &["global.imageTag: is `v2 0`, expected a text like `^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$` (The tag of every image that has none of its own. A fixed one, not latest, lets all nodes run the same)"]),
    ("single-node", "imagePullSecrets: [login]", &["imagePullSecrets[0]: is `login`, expected a map"]),
    ("single-node", "collector: {image: {tag: v2.0.0, digest: 'sha256:abc'}}", &["collector.image.digest: is `sha256:abc`, expected an empty text or a text like `^sha256:[a-f0-9]{64}$` (Pins the image whatever its tag; goes before the tag)"]),
    // what the document shows
    ("single-node", "collector: {replicaCount: 3, persistence: {enabled: true, size: 100Gi, storageClass: fast-ssd}, autoscaling: {enabled: true, minReplicas: 2, maxReplicas: 5, targetCPUUtilizationPercentage: 70}}", &["collector.persistence.storageClass: `fast-ssd` only stands for a value in the documents; give your own", "collector.persistence.accessModes: several collectors share one volume; it has to be ReadWriteMany, which local-path cannot give", "warning: collector.replicaCount: every collector is sent every message, so more of them take no load off each other, and what the gateway lists depends on whom it asks"]),
    ("single-node", "mq: {persistence: {enabled: true, size: 5Gi, dir: /var/lib/mq}, autoscaling: {enabled: true, minReplicas: 1, maxReplicas: 3}}", &["mq.autoscaling: unknown key"]),
    ("single-node", "streamer: {persistence: {enabled: true, size: 5Gi}}", &["warning: streamer.persistence: changes nothing: the streamer keeps nothing; a larger table comes from streamer.existingConfigMap or the image"]),
    ("single-node", r#"streamer: {csvData: "gpu_id,utilization,temperature,memory_used\ngpu-001,85.5,72.3,4096\n# ... more data\n"}"#, &["streamer.csvData: not every row has as many columns as the header; the rows below the first such row would never be sent"]),
    ("single-node", "apiGateway: {cors: {enabled: true, allowedOrigins: ['https://a.example.org']}}", &["warning: apiGateway.cors: changes nothing: the gateway lets every web page ask it; close it at the ingress"]),
    ("single-node", "monitoring: {serviceMonitor: {enabled: true, interval: 30s, labels: {release: prometheus}}}", &["warning: monitoring: changes nothing: no part of the application serves metrics for Prometheus, and it brings no Grafana dashboard"]),
    ("single-node", "monitoring: {grafana: {enabled: true, dashboardsConfigMap: telemetry-dashboards}}", &["warning: monitoring: changes nothing: no part of the application serves metrics for Prometheus, and it brings no Grafana dashboard"]),
    ("single-node", "apiGateway: {ingress: {enabled: true, className: nginx, hosts: [{host: telemetry-api.example.com}]}}", &["apiGateway.ingress.hosts[0].host: `telemetry-api.example.com` only stands for a value in the documents; give your own"]),
    ("single-node", "apiGateway: {ingress: {enabled: true, hosts: [{host: telemetry-api.production.com}], tls: [{secretName: telemetry-api-tls, hosts: [telemetry-api.production.com]}]}}", &["apiGateway.ingress.hosts[0].host: `telemetry-api.production.com` only stands for a value in the documents; give your own", "apiGateway.ingress.tls[0].hosts[0]: `telemetry-api.production.com` only stands for a value in the documents; give your own"]),
    ("single-node", "apiGateway: {ingress: {enabled: true, hosts: [{host: api.telemetry.local}]}}", &["apiGateway.ingress.hosts[0].host: `api.telemetry.local` only stands for a value in the documents; give your own"]),
    ("single-node", "{collector: {enabled: false}, apiGateway: {enabled: false}, streamer: {workers: 4, rate: 20.0}}", &["warning: collector.enabled: nothing takes the messages out of this queue; each is thrown away after two minutes", "warning: streamer.rate: for every message the collector reads the GPU's whole file again; above one a second it falls behind within days and drops messages"]),
    ("single-node", "{streamer: {enabled: false}, collector: {enabled: false}}", &["apiGateway.collectorUrl: the collector is switched off and no other one is named; the gateway would answer every question with an error"]),
    ("single-node", "global: {storageClass: FAST-SSD}", &["global.storageClass: is `FAST-SSD`, expected one of ``, `-` or a DNS name: small letters, digits, `-` and `.` (For every volume that names none of its own. Empty takes the cluster's default, a minus sign takes none)"]),
    // what the chart has and nothing reads
    ("single-node", "{streamer: {metricsPort: 9090}, collector: {metricsPort: 9091}, apiGateway: {metricsPort: 9092}}", &["warning: streamer.metricsPort: changes nothing: nothing in the application listens there", "warning: collector.metricsPort: changes nothing: nothing in the application listens there", "warning: apiGateway.metricsPort: changes nothing: nothing in the application listens there"]),
    ("single-node", "streamer: {livenessProbe: {periodSeconds: 5}}", &["warning: streamer.livenessProbe: changes nothing: the streamer serves nothing that a probe could ask"]),
    ("single-node", "collector: {config: {server: {port: 1}}}", &["warning: collector.config: changes nothing: no program of the application reads a configuration file"]),
    ("single-node", "mq: {topics: [gpu-telemetry]}", &["warning: mq.topics: changes nothing: the application has one topic, telemetry"]),
    ("single-node", "security: {podSecurityStandards: {enabled: true}}", &["warning: security: changes nothing: the pods meet the Pod Security level restricted whatever is written here"]),
    ("single-node", "collector: {service: {extraPorts: [{name: more, port: 1}]}}", &["collector.service.extraPorts: is a list, expected at most 0 items"]),
    // the table
    ("single-node", r#"streamer: {csvData: "gpu,value\na,1\n"}"#, &["streamer.csvData: the first line names neither a column uuid nor a column gpu_id; the collector would refuse every row"]),
    ("single-node", r#"streamer: {csvData: "uuid,value\n"}"#, &["streamer.csvData: there is no row below the header"]),
    ("single-node", r#"streamer: {csvData: "uuid,value\na,1\nb\n"}"#, &["streamer.csvData: not every row has as many columns as the header; the rows below the first such row would never be sent"]),
    ("single-node", r#"streamer: {csvData: "uuid,value\na,1\n", hostnames: [node-a]}"#, &["warning: streamer.hostnames: the table has no column Hostname, so all of its rows are sent"]),
    ("single-node", "streamer: {existingConfigMap: My_Table}", &["streamer.existingConfigMap: is `My_Table`, expected an empty text or a DNS name: small letters, digits, `-` and `.` (Name of a ConfigMap of yours in the namespace with the key telemetry.csv, instead of the text above)"]),
    ("single-node", "streamer: {workers: 0}", &["streamer.workers: is 0, expected at least 1"]),
    ("single-node", "streamer: {rate: 0}", &["streamer.rate: is 0, expected more than 0"]),
    ("single-node", "streamer: {rate: 10/s}", &["streamer.rate: is `10/s`, expected a number"]),
    ("single-node", "streamer: {rate: 10.0}", &["warning: streamer.rate: for every message the collector reads the GPU's whole file again; above one a second it falls behind within days and drops messages"]),
    // parts that need each other
    ("single-node", "mq: {enabled: false}", &["mq.externalHost: the queue is switched off and no other one is named; the streamer and the collector have nothing to talk to"]),
    ("single-node", "mq: {externalHost: 'http://queue'}", &["mq.externalHost: is `http://queue`, expected an empty text or a DNS name: small letters, digits, `-` and `.` (Host name of the queue to use when none is installed here. It is spoken to at the port below and at 9091)"]),
    ("single-node", "mq: {port: 9091}", &["mq.port: 9091 is where the collector is served; choose another port for HTTP"]),
    ("single-node", "mq: {port: 0}", &["mq.port: is 0, expected at least 1"]),
    ("single-node", "mq: {ackTimeout: soon}", &[r"mq.ackTimeout: is `soon`, expected a text like `30s` (After how long a message that nobody took is offered again)"]),
    ("single-node", "mq: {persistence: {dir: data}}", &["mq.persistence.dir: is `data`, expected a text like `^/[A-Za-z0-9._/-]+$` (Where the log is, inside the container)"]),
    ("single-node", "mq: {persistence: {enabled: true}}", &["warning: mq.persistence.enabled: the queue's log is only added to, never read or shortened; when its volume is full the queue refuses messages and the pipeline stops"]),
    ("single-node", "apiGateway: {collectorUrl: 'collector:8080'}", &["apiGateway.collectorUrl: is `collector:8080`, expected an empty text or a text like `http://collector.other-namespace:8080` (Address of the collector to ask. Empty asks the one installed here)"]),
    ("single-node", "apiGateway: {port: 80}", &["warning: apiGateway.port: the gateway does not run as root; many container runtimes do not let it open a port below 1024"]),
    ("single-node", "{dashboard: {enabled: true}, apiGateway: {enabled: false}}", &["dashboard.enabled: the dashboard finds the queue, the collector and the gateway only beside itself; switch all three on"]),
    // volumes and numbers
    ("single-node", "collector: {persistence: {size: 10 GB}}", &["collector.persistence.size: is `10 GB`, expected a quantity such as `500m` or `2Gi`"]),
    ("single-node", "collector: {persistence: {accessModes: []}}", &["collector.persistence.accessModes: is a list, expected at least 1 items"]),
    ("single-node", "collector: {persistence: {accessModes: [ReadOnlyMany]}}", &["collector.persistence.accessModes[0]: is `ReadOnlyMany`, expected one of `ReadWriteOnce`, `ReadWriteOncePod`, `ReadWriteMany`"]),
    ("single-node", "collector: {persistence: {storageClass: Fast_SSD}}", &["collector.persistence.storageClass: is `Fast_SSD`, expected one of ``, `-` or a DNS name: small letters, digits, `-` and `.` (Empty takes the one for all parts, else the cluster's default. A minus sign takes none, for volumes made by hand)"]),
    ("single-node", "collector: {workers: 12}", &["collector.workers: is 12, expected at most 11"]),
    ("single-node", "collector: {workers: 4}", &["warning: collector.workers: every worker is sent every message; more of them do the same work several times and count it several times"]),
    ("single-node", "collector: {maxEntriesPerGPU: 0}", &["collector.maxEntriesPerGPU: is 0, expected at least 1"]),
    ("single-node", "collector: {resources: {requests: {cpu: 1}}}", &["collector.resources.requests.cpu: is 1, expected a text"]),
    ("single-node", "collector: {resources: {requests: {memory: much}}}", &["collector.resources.requests.memory: is `much`, expected a quantity such as `500m` or `2Gi`"]),
    ("single-node", "collector: {service: {type: LoadBalancer}}", &["collector.service.type: is `LoadBalancer`, expected `ClusterIP`"]),
    ("single-node", "apiGateway: {replicaCount: '2'}", &["apiGateway.replicaCount: is `2`, expected a whole number"]),
    ("ha", "apiGateway: {autoscaling: {minReplicas: 5, maxReplicas: 3}}", &["apiGateway.autoscaling.maxReplicas: maxReplicas is below minReplicas"]),
    ("ha", "apiGateway: {resources: {requests: {cpu: null}}}", &["apiGateway.resources.requests: scaling by CPU is a share of the CPU request, and there is none"]),
    ("single-node", "podDisruptionBudget: {enabled: true}", &["podDisruptionBudget.minAvailable: there are no more gateways than the budget keeps, so no node with one of them can ever be drained"]),
    ("ha", "podDisruptionBudget: {maxUnavailable: 1}", &["podDisruptionBudget.maxUnavailable: give exactly one of minAvailable and maxUnavailable; the other one is an empty text"]),
    ("ha", "podDisruptionBudget: {minAvailable: half}", &["podDisruptionBudget.minAvailable: is `half`, expected a text like `^([0-9]{1,3}%)?$` (How many, or what share, must stay. Empty when the other one is given)"]),
    // ways in
    ("single-node", "apiGateway: {ingress: {enabled: true}}", &["apiGateway.ingress.hosts: an ingress needs at least one host"]),
    ("single-node", "apiGateway: {ingress: {enabled: true, hosts: [{host: 'https://a.example.org'}]}}", &[r"apiGateway.ingress.hosts[0].host: is `https://a.example.org`, expected a text like `^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$` (A DNS name that leads to the ingress controller; a leading *. is allowed)"]),
    ("single-node", "apiGateway: {ingress: {enabled: true, hosts: [{host: a.example.org, paths: [{path: api}]}]}}", &["apiGateway.ingress.hosts[0].paths[0].path: is `api`, expected a text like `^/` (Begins with a slash)"]),
    ("single-node", "apiGateway: {ingress: {enabled: true, hosts: [{host: a.example.org}], tls: [{hosts: [b.example.org]}]}}", &["apiGateway.ingress.tls: a certificate is asked for a host that is not among the hosts"]),
    ("single-node", "apiGateway: {ingress: {enabled: true, className: nginx, annotations: {kubernetes.io/ingress.class: nginx}, hosts: [{host: a.example.org}]}}", &["apiGateway.ingress.className: the class is given twice, here and as an annotation; Kubernetes before 1.27 refuses that"]),
    ("single-node", "{dashboard: {enabled: true, ingress: {enabled: true}}}", &["dashboard.ingress.hosts: an ingress needs at least one host"]),
    ("single-node", "networkPolicy: {enabled: true, policyTypes: [Egres]}", &["networkPolicy.policyTypes[0]: is `Egres`, expected one of `Ingress`, `Egress`"]),
    // names
    ("single-node", "logging: {level: TRACE}", &["logging.level: is `TRACE`, expected one of `DEBUG`, `INFO`, `WARN`, `ERROR`"]),
    ("single-node", "nameOverride: other", &["nameOverride: is `other`, expected an empty text"]),
    ("single-node", "streamre: {rate: 1}", &["streamre: unknown key, did you mean `streamer`?"]),
];

#[test]
fn what_is_wrong_is_said_word_for_word() {
    assert_told(&stack(NAME), ENOUGH, TABLE);
}
