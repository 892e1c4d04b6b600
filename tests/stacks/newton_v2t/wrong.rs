//! Settings that are refused or warned of: for each values file all that is said, word for word.

use super::super::{Wrong, assert_told, stack};
use super::NAME;

/// What is enough for the profile single-node.
const ENOUGH: &str = "global: {imageTag: '1.0'}
core: {image: {repository: registry.example.org/newton/core}}
agent: {image: {repository: registry.example.org/newton/agent}}
dashboard: {image: {repository: registry.example.org/newton/dashboard}}
";

#[rustfmt::skip]
const TABLE: &[Wrong] = &[
    // images
    ("single-node", "", &[]),
    ("single-node", "global: {imageTag: null}", &["global.imageTag: is required (Image tag) and has no default; give it with `--set global.imageTag=...` or in a file with `-f`"]),
    ("single-node", "global: {imageTag: latest}", &["warning: global.imageTag: the tag latest means another image on another day, and on another node"]),
    ("single-node", "global: {imageTag: 'one two'}", &["global.imageTag: is `one two`, expected an image's tag: letters, digits, `_`, `.` and `-`, at most 128"]),
    ("single-node", "core: {image: {repository: null}}", &["core.image.repository: is required (Image) and has no default; give it with `--set core.image.repository=...` or in a file with `-f`"]),
    ("single-node", "core: {image: {repository: core}}", &["core.image.repository: is `core`, expected a text like `registry.example.com/newton/core` (Registry and name, without the tag. The images are private, so there is no default)"]),
    ("single-node", "core: {image: {repository: 'registry.example.org/newton/core:1.0'}}", &["core.image.repository: is `registry.example.org/newton/core:1.0`, expected a text like `registry.example.com/newton/core` (Registry and name, without the tag. The images are private, so there is no default)"]),
    ("single-node", "core: {image: {repository: $(REGISTRY)/core}}", &["core.image.repository: is `$(REGISTRY)/core`, expected a text like `registry.example.com/newton/core` (Registry and name, without the tag. The images are private, so there is no default)"]),
    ("single-node", "core: {extraEnv: [{name: LICENCE_URL, value: https://$(REGISTRY)/licence}]}", &["core.extraEnv[0].value: `$(REGISTRY)` only stands for a value in the documents; give your own"]),
    ("single-node", "agent: {image: {digest: 'sha256:abc'}}", &["agent.image.digest: is `sha256:abc`, expected an empty text or a text like `^sha256:[a-f0-9]{64}$` (Pins the image whatever its tag; goes before the tag)"]),
    ("single-node", "global: {imagePullSecrets: [{name: My Login}]}", &["global.imagePullSecrets[0].name: is `My Login`, expected a DNS name: small letters, digits, `-` and `.`"]),
    ("single-node", "global: {imagePullSecrets: [login]}", &["global.imagePullSecrets[0]: is `login`, expected a map"]),
    // members and pods
    ("single-node", "etcd: {replicaCount: 2}", &["etcd.replicaCount: etcd decides by majority, and an even number of members survives no more losses than one less; use 1, 3 or 5"]),
    ("single-node", "etcd: {replicaCount: 4}", &["etcd.replicaCount: etcd decides by majority, and an even number of members survives no more losses than one less; use 1, 3 or 5"]),
    ("single-node", "etcd: {replicaCount: 7}", &["etcd.replicaCount: is 7, expected at most 5"]),
    ("single-node", "etcd: {replicaCount: 0}", &["etcd.replicaCount: is 0, expected at least 1"]),
    ("ha", "etcd: {replicaCount: 1}", &["warning: etcd.replicaCount: one member of etcd does not survive the loss of its node; use 3 or 5", "warning: etcd.persistence.storageClass: etcd waits for the disk at every write, and a shared file system is slow at that; name a class of block or local storage for it"]),
    ("ha", "", &["warning: etcd.persistence.storageClass: etcd waits for the disk at every write, and a shared file system is slow at that; name a class of block or local storage for it"]),
    ("single-node", "etcd: {members: 3}", &["etcd.members: unknown key"]),
    ("single-node", "etcd: {initialClusterState: old}", &["etcd.initialClusterState: is `old`, expected one of `new`, `existing`"]),
    ("single-node", "etcd: {initialClusterToken: 'a token'}", &["etcd.initialClusterToken: is `a token`, expected a text like `^[A-Za-z0-9._-]*$` (Keeps members of one cluster from talking to another's. Empty is made of the names of release and namespace)"]),
    ("single-node", "etcd: {extraArgs: [quota-backend-bytes=1]}", &["etcd.extraArgs[0]: is `quota-backend-bytes=1`, expected a text like `^--`"]),
    ("single-node", "etcd: {antiAffinity: never}", &["etcd.antiAffinity: is `never`, expected one of `preferred`, `required`"]),
    ("single-node", "core: {replicaCount: 2}", &["core.replicaCount: the profile single-node has one Core; several belong to the profile ha", "core.replicaCount: several Cores share the workspace and the history; persistence.accessModes has to be ReadWriteMany"]),
    ("single-node", "core: {replicaCount: '2'}", &["core.replicaCount: is `2`, expected a whole number"]),
    ("single-node", "dashboard: {replicas: 2}", &["dashboard.replicas: unknown key"]),
    ("single-node", "agent: {replicaCount: -1}", &["agent.replicaCount: is -1, expected at least 0"]),
    ("single-node", "agent: {autoscaling: {enabled: true, minReplicas: 9}}", &["agent.autoscaling.maxReplicas: maxReplicas is below minReplicas"]),
    ("single-node", "agent: {autoscaling: {enabled: true}, resources: {requests: {cpu: null}}}", &["agent.autoscaling.enabled: the agents' CPU request is what the load is measured against; set agent.resources.requests.cpu"]),
    ("single-node", "agent: {health: {path: /health}}", &["agent.health.port: a path to ask for needs a port to ask at"]),
    ("single-node", "agent: {resources: {requests: {memory: 2 GB}}}", &["agent.resources.requests.memory: is `2 GB`, expected a quantity such as `500m` or `2Gi`"]),
    ("single-node", "agent: {resources: {limit: {cpu: '1'}}}", &["agent.resources.limit: unknown key, did you mean `limits`?"]),
    // volumes
    ("single-node", "global: {storageClass: ''}", &["global.storageClass: is ``, expected a text that is not empty", "global.storageClass: is ``, expected a DNS name: small letters, digits, `-` and `.`"]),
    ("single-node", "global: {storageClass: Ceph_FS}", &["global.storageClass: is `Ceph_FS`, expected a DNS name: small letters, digits, `-` and `.`"]),
    ("single-node", "persistence: {accessModes: [ReadWriteMany]}", &["persistence.accessModes: the class local-path gives volumes of one node only; use ReadWriteOnce, or another class"]),
    ("single-node", "persistence: {accessModes: [ReadWriteOncePod]}", &["persistence.accessModes: Core and the agents share the workspace; a volume for a single pod lets only one of them start", "persistence.accessModes: the class local-path gives volumes of one node only; use ReadWriteOnce, or another class"]),
    ("single-node", "persistence: {accessModes: [ReadOnlyMany]}", &["persistence.accessModes: Core writes to the workspace and to the history; a volume that is only read is of no use to it", "persistence.accessModes: the class local-path gives volumes of one node only; use ReadWriteOnce, or another class"]),
    ("single-node", "persistence: {accessModes: ReadWriteOnce}", &["persistence.accessModes: is `ReadWriteOnce`, expected a list"]),
    ("single-node", "persistence: {accessModes: [RWX]}", &["persistence.accessModes[0]: is `RWX`, expected one of `ReadWriteOnce`, `ReadWriteOncePod`, `ReadWriteMany`, `ReadOnlyMany`"]),
    ("ha", "{persistence: {accessModes: [ReadWriteOnce]}, etcd: {persistence: {storageClass: block}}}", &["core.replicaCount: several Cores share the workspace and the history; persistence.accessModes has to be ReadWriteMany", "persistence.accessModes: Core and the agents share the workspace, so without ReadWriteMany all of them are tied to one node"]),
    ("ha", "{persistence: {accessModes: [ReadWriteOnce]}, core: {replicaCount: 1}, etcd: {persistence: {storageClass: block}}}", &["persistence.accessModes: Core and the agents share the workspace, so without ReadWriteMany all of them are tied to one node"]),
    ("ha", "{persistence: {workspace: {storageClass: local-path}}, etcd: {persistence: {storageClass: block}}}", &["persistence.accessModes: the class local-path gives volumes of one node only; use ReadWriteOnce, or another class"]),
    ("single-node", "persistence: {history: {size: 10 GB}}", &["persistence.history.size: is `10 GB`, expected a quantity such as `500m` or `2Gi`"]),
    ("single-node", "persistence: {workspace: {size: '0'}}", &["persistence.workspace.size: is `0`, expected a text like `10Gi` (How much room it has)"]),
    ("single-node", "persistence: {history: {enabled: false, existingClaim: mine}}", &["warning: persistence.history.existingClaim: the history is switched off; this claim is not used"]),
    ("single-node", "persistence: {history: {existingClaim: mine}, workspace: {existingClaim: mine}}", &["persistence.workspace.existingClaim: history and workspace need a claim each; whoever replaces one of them would replace both"]),
    ("single-node", "etcd: {persistence: {storageClass: Fast_SSD}}", &["etcd.persistence.storageClass: is `Fast_SSD`, expected an empty text or a DNS name: small letters, digits, `-` and `.` (Empty takes the one for all parts. Local or block storage suits etcd, a shared file system does not)"]),
    ("single-node", "persistance: {history: {enabled: false}}", &["persistance: unknown key, did you mean `persistence`?"]),
    // ways in, and what the images are told
    ("single-node", "core: {ingress: {enabled: true}}", &["core.ingress.hosts: name at least one host, or every request to the ingress controller would go to Core"]),
    ("single-node", "dashboard: {ingress: {enabled: true}}", &["dashboard.ingress.hosts: name at least one host, or every request to the ingress controller would go to the dashboard"]),
    ("single-node", "core: {ingress: {enabled: true, hosts: [{host: 'a.example.org/'}]}}", &[r"core.ingress.hosts[0].host: is `a.example.org/`, expected a text like `^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$` (A DNS name that leads to the ingress controller; a leading *. is allowed)"]),
    ("single-node", "core: {service: {type: Public}}", &["core.service.type: is `Public`, expected one of `ClusterIP`, `NodePort`, `LoadBalancer`"]),
    ("single-node", "core: {port: 70000}", &["core.port: is 70000, expected at most 65535"]),
    ("single-node", "core: {historyPath: history}", &["core.historyPath: is `history`, expected a text like `^(/[A-Za-z0-9._-]+)+$` (Where the volume is in the container)"]),
    ("single-node", "core: {workspacePath: /}", &["core.workspacePath: is `/`, expected a text like `^(/[A-Za-z0-9._-]+)+$` (Where the volume is in the containers of Core and of the agents)"]),
    ("single-node", "core: {variables: {etcd: ETCD ENDPOINTS}}", &["core.variables.etcd: is `ETCD ENDPOINTS`, expected an empty text or a text like `^[A-Za-z_][A-Za-z0-9_]*$` (Addresses of all members, with commas between them)"]),
    ("single-node", "core: {health: {path: health}}", &["core.health.path: is `health`, expected an empty text or a text like `/health` (What to ask over HTTP whether it is well. Empty only looks whether it listens)"]),
    ("single-node", "core: {health: {startupSeconds: 1}}", &["core.health.startupSeconds: is 1, expected at least 5"]),
    ("single-node", "core: {import: {finishedPattern: 'import('}}", &["core.import.finishedPattern: is `import(`, expected a regular expression"]),
    ("single-node", "podDisruptionBudget: {enabled: 'yes'}", &["podDisruptionBudget.enabled: is `yes`, expected true or false"]),
    ("single-node", "podDisruptionBudget: {minAvailable: 1}", &["podDisruptionBudget.minAvailable: unknown key; known are enabled"]),
];

#[test]
fn what_is_wrong_is_said_word_for_word() {
    assert_told(&stack(NAME), ENOUGH, TABLE);
}
