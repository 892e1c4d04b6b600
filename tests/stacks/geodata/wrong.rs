//! Wrong values, each with all that is said of it.

use super::{NAME, stack, told};

/// Profile, what is set, and the lines. Those that are warnings stop nothing.
const TABLE: &[(&str, &[&str], &[&str])] = &[
    (
        "single-node",
        &["prefect.apiURL="],
        &[
            "--set prefect.apiURL: is ``, expected a text like `https://prefect.example.com/api` (http or https, the host, and a path that ends with /api, or with the account and the workspace for Prefect Cloud. On your machine `prefect config view` shows it)",
        ],
    ),
    (
        "single-node",
        &["prefect.apiURL=[YOUR_API_URL]"],
        &["--set prefect.apiURL: `YOUR_API_URL` only stands for a value in the documents; give your own"],
    ),
    (
        "single-node",
        &["prefect.apiURL=https://YOUR_URL_HERE/api"],
        &["--set prefect.apiURL: `YOUR_URL_HERE` only stands for a value in the documents; give your own"],
    ),
    (
        "single-node",
        &["prefect.apiURL=prefect.example.com"],
        &["--set prefect.apiURL: a URL begins with http:// or https://"],
    ),
    (
        "single-node",
        &["prefect.apiURL=https://prefect.example.com"],
        &[
            "--set prefect.apiURL: the API of a Prefect server is at /api, without a slash behind it; `prefect config view` shows the whole URL",
        ],
    ),
    (
        "single-node",
        &["prefect.apiURL=https://prefect.example.com/api/"],
        &[
            "--set prefect.apiURL: the API of a Prefect server is at /api, without a slash behind it; `prefect config view` shows the whole URL",
        ],
    ),
    (
        "single-node",
        &["prefect.apiURL=http://localhost:4200/api"],
        &[
            "--set prefect.apiURL: in a pod this address is the pod itself; give one that leads from the cluster to the Prefect server",
        ],
    ),
    (
        "single-node",
        &["prefect.apiURL=https://api.prefect.cloud/api"],
        &[
            "--set prefect.apiURL: Prefect Cloud has one API for each workspace; copy the whole URL, https://api.prefect.cloud/api/accounts/ID/workspaces/ID, from `prefect config view`",
            "embedded:geodata/values.yaml:5:3: prefect.apiKey: Prefect Cloud answers nobody without an API key; give one, or the Secret that has it in prefect.existingSecret.name",
        ],
    ),
    (
        "single-node",
        &[
            "prefect.apiURL=https://api.prefect.cloud/api/accounts/0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0/workspaces/9f8e7d6c-5b4a-3928-1706-f5e4d3c2b1a0",
        ],
        &[
            "embedded:geodata/values.yaml:5:3: prefect.apiKey: Prefect Cloud answers nobody without an API key; give one, or the Secret that has it in prefect.existingSecret.name",
        ],
    ),
    (
        "single-node",
        &["prefect.apiURL=http://prefect.example.com/api", "prefect.apiKey=pnu_0123456789"],
        &[
            "--set prefect.apiURL: warning: the API key would cross the network in the clear; use https where the server has it",
        ],
    ),
    (
        "single-node",
        &["prefect.apiKey=YOUR_API_KEY_HERE"],
        &["--set prefect.apiKey: `YOUR_API_KEY` only stands for a value in the documents; give your own"],
    ),
    (
        "single-node",
        &["prefect.apiKey=two words"],
        &[
            r"--set prefect.apiKey: is <secret>, expected a text like `^[^\s]*$` (Prefect Cloud wants one; a server of your own may answer without. It goes into the Secret prefect-api. Workers that run already take a new one when they are restarted)",
        ],
    ),
    (
        "single-node",
        &["prefect.apiKey=pnu_0123456789", "prefect.existingSecret.name=mine"],
        &[
            "--set prefect.existingSecret.name: the key comes either from this Secret or from prefect.apiKey; leave one of them out",
        ],
    ),
    (
        "single-node",
        &["prefect.existingSecret.name=Mine"],
        &[
            "--set prefect.existingSecret.name: is `Mine`, expected an empty text or a DNS name: small letters, digits, `-` and `.` (Empty makes one of the API key, where that is given)",
        ],
    ),
    (
        "single-node",
        &["prefect.workPool="],
        &[
            "--set prefect.workPool: is ``, expected a text like `^[^/%&<>]+$` (Of type kubernetes. Deployments name the same; no slash, percent sign, ampersand or angle bracket)",
        ],
    ),
    (
        "single-node",
        &["prefect.workPool=geo/data"],
        &[
            "--set prefect.workPool: is `geo/data`, expected a text like `^[^/%&<>]+$` (Of type kubernetes. Deployments name the same; no slash, percent sign, ampersand or angle bracket)",
        ],
    ),
    ("single-node", &["prefect.replicas=0"], &["--set prefect.replicas: is 0, expected at least 1"]),
    ("single-node", &["prefect.replicas=two"], &["--set prefect.replicas: is `two`, expected a whole number"]),
    (
        "ha",
        &["prefect.replicas=1"],
        &[
            "--set prefect.replicas: warning: while the only worker is moved to another node, no flow run starts; use 2 or more",
        ],
    ),
    (
        "single-node",
        &["prefect.workQueue=geodata"],
        &[
            "--set prefect.workQueue: warning: changes nothing: it belonged to agents; workers ask all queues of prefect.workPool",
        ],
    ),
    (
        "single-node",
        &["namespace=geodata"],
        &[
            "--set namespace: warning: changes nothing: objects and jobs go to the namespace of the release, --namespace",
        ],
    ),
    (
        "single-node",
        &["agent_container=prefecthq/prefect:2.7.3-python3.8"],
        &[
            "--set agent_container: warning: changes nothing: Prefect's agents are gone; the image of the workers is workerContainer",
        ],
    ),
    (
        "single-node",
        &["prefect.apiUrl=https://prefect.example.com/api"],
        &["--set prefect.apiUrl: unknown key, did you mean `apiURL`?"],
    ),
    (
        "single-node",
        &["workerContainer=prefecthq/prefect"],
        &["--set workerContainer: which version of the image is meant belongs behind its name, as a tag or a digest"],
    ),
    (
        "single-node",
        &["workerContainer=prefecthq/prefect:2.19.6-python3.10"],
        &["--set workerContainer: Prefect's images can start jobs only where the tag ends in -kubernetes"],
    ),
    (
        "single-node",
        &["workerContainer=registry.example.com/prefect:latest"],
        &[
            "--set workerContainer: warning: the tag latest means another Prefect on another day, and its major version has to be the server's; name a version",
        ],
    ),
    (
        "single-node",
        &["workerContainer=[image]"],
        &[
            "--set workerContainer: is `[image]`, expected a text like `^([a-z0-9]([a-zA-Z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?/)?[a-z0-9]+([._/-]+[a-z0-9]+)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[a-f0-9]{64})?$` (With its tag or digest. Prefect of the server's major version, with what it needs for Kubernetes)",
        ],
    ),
    (
        "single-node",
        &["prod.nfs.address=128.239.59.130", "prod.nfs.mountPath=/sciclone/nova/test/geo"],
        &["--set prod.nfs.address: `128.239.59.130` only stands for a value in the documents; give your own"],
    ),
    (
        "single-node",
        &["prod.nfs.address=nfs.example.com"],
        &[
            "embedded:geodata/values.yaml:36:22: prod.nfs.mountPath: which folder the NFS server exports is needed as well",
        ],
    ),
    (
        "single-node",
        &["prod.nfs.mountPath=/exports"],
        &[
            "embedded:geodata/values.yaml:36:9: prod.nfs.address: which NFS server exports prod.nfs.mountPath is needed as well",
        ],
    ),
    (
        "ha",
        &["prod.nfs.address=nfs.example.com", "prod.nfs.mountPath=exports"],
        &[
            "--set prod.nfs.mountPath: is `exports`, expected an empty text or a text like `/exports/geodata` (On the server; begins with a slash)",
        ],
    ),
    (
        "ha",
        &["dev.enabled=true"],
        &[
            "--set dev.enabled: warning: each node has its own dev.localDir unless something outside of Kubernetes makes it one folder, as the mounts of kind do; without that a job does not see what another wrote",
        ],
    ),
    (
        "ha",
        &["dev.enabled=true", "prod.nfs.address=nfs.example.com", "prod.nfs.mountPath=/exports"],
        &[
            "--set dev.enabled: the data is either in a folder of the nodes or on the NFS server prod.nfs.address; choose one of them",
        ],
    ),
    (
        "single-node",
        &["dev.localDir=data"],
        &[
            "--set dev.localDir: is `data`, expected a text like `^/` (It has to be there on every node that runs jobs, and the jobs' user has to be let in. Begins with a slash)",
        ],
    ),
    (
        "single-node",
        &["persistence.accessModes={ReadWriteMany}"],
        &[
            "--set persistence.accessModes: the class local-path gives volumes of one node only; use ReadWriteOnce, or another class",
        ],
    ),
    (
        "ha",
        &["persistence.accessModes={ReadWriteOnce}"],
        &[
            "--set persistence.accessModes: jobs run on any node, and only ReadWriteMany lets several nodes write to one volume",
        ],
    ),
    (
        "ha",
        &["persistence.storageClass=local-path"],
        &[
            "embedded:geodata/ha.yaml:7:3: persistence.accessModes: the class local-path gives volumes of one node only; use ReadWriteOnce, or another class",
        ],
    ),
    (
        "single-node",
        &["persistence.accessModes={ReadWriteOncePod}"],
        &[
            "--set persistence.accessModes: all jobs share the volume; one for a single pod would let them run only one after the other",
        ],
    ),
    (
        "single-node",
        &["persistence.accessModes={ReadOnlyMany}"],
        &[
            "--set persistence.accessModes: the jobs write their results; a volume that is only read is of no use to them",
        ],
    ),
    (
        "single-node",
        &["persistence.size=10 GB"],
        &["--set persistence.size: is `10 GB`, expected a quantity such as `500m` or `2Gi`"],
    ),
    (
        "single-node",
        &["persistence.size=0"],
        &["--set persistence.size: is `0`, expected a text like `10Gi` (How much room the claim asks for)"],
    ),
    (
        "single-node",
        &["persistence.mountPath=/"],
        &[
            "--set persistence.mountPath: is `/`, expected a text like `^(/[A-Za-z0-9._-]+)+$` (Where flows find the data; absolute, and not the root)",
        ],
    ),
    (
        "single-node",
        &["persistence.existingClaim=a", "dev.enabled=true"],
        &[
            "--set persistence.existingClaim: a claim that is there already has its volume; dev and prod.nfs would make another",
        ],
    ),
    (
        "single-node",
        &["job.image=geo"],
        &["--set job.image: which version of the image is meant belongs behind its name, as a tag or a digest"],
    ),
    ("single-node", &["job.runAsUser=0"], &["--set job.runAsUser: is 0, expected at least 1"]),
    (
        "single-node",
        &["job.resources.limits.memory=much"],
        &["--set job.resources.limits.memory: is `much`, expected a quantity such as `500m` or `2Gi`"],
    ),
    ("single-node", &["job.ttlSeconds=0"], &["--set job.ttlSeconds: is 0, expected at least 60"]),
    (
        "single-node",
        &["job.ttlSeconds=null"],
        &[
            "--set job.ttlSeconds: warning: finished jobs and their pods then stay until somebody deletes them, and pile up",
        ],
    ),
    ("single-node", &["job.podStartSeconds=5"], &["--set job.podStartSeconds: is 5, expected at least 30"]),
    (
        "single-node",
        &["job.serviceAccountName=geodata-launcher"],
        &[
            "--set job.serviceAccountName: the jobs would have the workers' rights, to start further jobs among them; give them an account of their own",
        ],
    ),
    (
        "single-node",
        &["job.serviceAccountName=dask-job"],
        &["--set job.serviceAccountName: this account is only made with dask.enabled"],
    ),
    (
        "single-node",
        &["job.env.1A=x"],
        &[
            "embedded:geodata/values.yaml:64:3: job.env: is a map, expected other names of its entries: a text like `^[A-Za-z_][A-Za-z0-9_]*$` (Names and texts in the environment of every flow. A secret belongs into a Prefect block)",
        ],
    ),
    (
        "single-node",
        &["prefect.clusterUID=my cluster"],
        &[
            "--set prefect.clusterUID: is `my cluster`, expected a text like `^[A-Za-z0-9-]*$` (By which Prefect tells clusters apart. Empty is the uid of the namespace kube-system, which the workers then have to be allowed to read; with a name, nothing is made in kube-system)",
        ],
    ),
    (
        "single-node",
        &["persistence.storageClass=Fast"],
        &["--set persistence.storageClass: is `Fast`, expected the name of a storage class"],
    ),
    (
        "ha",
        &["prefect.resources.requests.cpu=1 core"],
        &["--set prefect.resources.requests.cpu: is `1 core`, expected a quantity such as `500m` or `2Gi`"],
    ),
    (
        "single-node",
        &["podDisruptionBudget.enabled=yes"],
        &["--set podDisruptionBudget.enabled: is `yes`, expected true or false"],
    ),
];

#[test]
fn wrong_values_are_named_with_place_and_remedy() {
    let geodata = stack(NAME);
    for (profile, set, expected) in TABLE {
        assert_eq!(told(&geodata, profile, set), *expected, "{profile} {set:?}");
    }
}
