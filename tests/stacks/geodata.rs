//! geodata: what a profile makes, what the jobs of flow runs will look like, what the workers may do, and what is refused.

mod life;
mod wrong;

use seaworthy::stack::Choices;
use serde_json::{Value, json};

use super::{assert_helpful, object, objects, required, says, stack, title, told};

const NAME: &str = "geodata";
const CLOUD: &str = "prefect.apiURL=https://api.prefect.cloud/api/accounts/0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0/workspaces/9f8e7d6c-5b4a-3928-1706-f5e4d3c2b1a0";
const KEY: &str = "prefect.apiKey=pnu_0123456789";
const NFS: [&str; 2] = ["prod.nfs.address=nfs.example.com", "prod.nfs.mountPath=/exports/geodata"];

fn made(profile: &str, set: &[&str]) -> Vec<Value> {
    objects(&stack(NAME), profile, set)
}

fn titles(profile: &str, set: &[&str]) -> Vec<String> {
    made(profile, set).iter().map(title).collect()
}

fn worker(objects: &[Value]) -> &Value {
    &object(objects, "Deployment/prefect-agent")["spec"]["template"]["spec"]
}

/// What is written to the work pool.
fn template(set: &[&str]) -> Value {
    let made = made("single-node", set);
    let text = object(&made, "ConfigMap/prefect-agent")["data"]["base-job-template.json"].as_str().unwrap().to_owned();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

fn pod_of_jobs(template: &Value) -> &Value {
    &template["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]
}

/// The verbs that a role gives for a resource.
fn verbs(objects: &[Value], role: &str, resource: &str) -> Vec<String> {
    let rules = object(objects, role)["rules"].as_array().unwrap();
    let about = rules.iter().filter(|rule| rule["resources"].as_array().unwrap().contains(&json!(resource)));
    about.flat_map(|rule| rule["verbs"].as_array().unwrap()).map(|verb| verb.as_str().unwrap().to_owned()).collect()
}

#[test]
fn only_the_server_has_to_be_given() {
    let geodata = stack(NAME);
    assert_eq!(required(&geodata), ["prefect.apiURL"]);
    assert_helpful(&geodata);
}

#[test]
fn what_a_profile_makes() {
    let check = |titles: &[String]| titles.iter().position(|title| title.starts_with("Job/geodata-check-")).unwrap();
    let mut one = titles("single-node", &[]);
    one.remove(check(&one));
    let expected = [
        "ServiceAccount/geodata-launcher",
        "Role/geodata-prefect-agent",
        "RoleBinding/launch-jobs",
        "Role/geodata-geodata-agent-system",
        "RoleBinding/geodata-geodata-check-namespaces",
        "PersistentVolumeClaim/nova-geodata-prod",
        "ConfigMap/prefect-agent",
        "Service/prefect-agent",
        "Deployment/prefect-agent",
    ];
    assert_eq!(one, expected);
    let all = titles("ha", &[NFS[0], NFS[1], KEY, "dask.enabled=true"]);
    let more: Vec<&str> = all
        .iter()
        .map(String::as_str)
        .filter(|title| !expected.contains(title) && !title.starts_with("Job/"))
        .collect();
    let expected = [
        "PersistentVolume/nova-geodata-prod-pv-geodata-geodata",
        "Secret/prefect-api",
        "PodDisruptionBudget/prefect-agent",
        "ServiceAccount/dask-job",
        "Role/geodata-role-cluster",
        "RoleBinding/geodata-dask-rolebinding-cluster",
    ];
    assert_eq!(more, expected);
    assert!(titles("single-node", &["check.enabled=false"]).iter().all(|title| !title.starts_with("Job/")));
    assert_eq!(object(&made("ha", &[]), "Deployment/prefect-agent")["spec"]["replicas"], 3);
}

#[test]
fn the_workers_are_found_as_the_charts_are() {
    let made = made("single-node", &[]);
    let deployment = object(&made, "Deployment/prefect-agent");
    let label = json!({"app": "prefect-agent"});
    assert_eq!(deployment["spec"]["selector"]["matchLabels"], label);
    assert_eq!(deployment["spec"]["template"]["metadata"]["labels"]["app"], "prefect-agent");
    assert_eq!(object(&made, "Service/prefect-agent")["spec"]["selector"], label);
    let pod = worker(&made);
    assert_eq!(
        (pod["containers"][0]["name"].as_str(), pod["serviceAccountName"].as_str()),
        (Some("agent"), Some("geodata-launcher"))
    );
}

#[test]
fn a_worker_is_started_with_what_prefect_takes() {
    let command = |set: &[&str]| {
        let made = made("single-node", set);
        let words = worker(&made)["containers"][0]["command"].as_array().unwrap();
        words.iter().map(|word| word.as_str().unwrap()).collect::<Vec<_>>().join(" ")
    };
    let usual = "prefect worker start --pool geodata-pool --type kubernetes --name $(POD_NAME) --install-policy never \
                 --with-healthcheck --base-job-template /etc/geodata/base-job-template.json";
    assert_eq!(command(&[]), usual);
    assert_eq!(
        command(&["prefect.limit=5", "prefect.workPool=other"]),
        format!("{usual} --limit 5").replace("geodata-pool", "other")
    );
    let first = |set: &[&str]| worker(&made("single-node", set))["initContainers"][0]["command"][2].clone();
    assert_eq!((first(&[]), first(&["prefect.managePool=false"])), (json!("manage"), json!("check")));
}

/// Nobody reads it in a Deployment, a ConfigMap or a job.
#[test]
fn the_key_is_in_a_secret_and_nowhere_else() {
    let made = made("single-node", &[KEY]);
    let with: Vec<String> =
        made.iter().filter(|object| object.to_string().contains("pnu_0123456789")).map(title).collect();
    assert_eq!(with, ["Secret/prefect-api"]);
    let reference =
        json!({"name": "PREFECT_API_KEY", "valueFrom": {"secretKeyRef": {"name": "prefect-api", "key": "api-key"}}});
    for list in ["initContainers", "containers"] {
        let variables = worker(&made)[list][0]["env"].as_array().unwrap();
        assert!(variables.contains(&reference), "{variables:#?}");
    }
    let jobs = template(&[KEY]);
    assert_eq!(pod_of_jobs(&jobs)["containers"][0]["env"], json!([reference]));
    // Prefect would add the worker's own key; null takes it out.
    assert_eq!(jobs["variables"]["properties"]["env"]["default"]["PREFECT_API_KEY"], Value::Null);
    let own = ["prefect.existingSecret.name=mine", "prefect.existingSecret.key=k"];
    assert!(!titles("single-node", &own).contains(&"Secret/prefect-api".to_owned()));
    let theirs = template(&own);
    let reference = &pod_of_jobs(&theirs)["containers"][0]["env"][0]["valueFrom"]["secretKeyRef"];
    assert_eq!(*reference, json!({"name": "mine", "key": "k"}));
    // A server that asks for none.
    assert!(!pod_of_jobs(&template(&[])).to_string().contains("PREFECT_API_KEY"));
}

#[test]
fn the_workers_may_do_what_they_do_and_no_more() {
    let role = "Role/geodata-prefect-agent";
    let plain = made("single-node", &[]);
    assert_eq!(verbs(&plain, role, "jobs"), ["create", "get", "list", "watch", "delete"]);
    assert_eq!(verbs(&plain, role, "pods"), ["list", "watch"]);
    assert_eq!(verbs(&plain, role, "pods/log"), ["get"]);
    assert_eq!(verbs(&plain, role, "events"), ["list"]);
    assert_eq!(verbs(&plain, role, "secrets"), [""; 0]);
    assert_eq!(verbs(&made("single-node", &[KEY]), role, "secrets"), ["create", "get", "update", "delete"]);
    assert_eq!(verbs(&made("single-node", &[KEY, "prefect.keyInSecret=false"]), role, "secrets"), [""; 0]);
    let system = object(&plain, "Role/geodata-geodata-agent-system");
    assert_eq!(system["metadata"]["namespace"], "kube-system");
    assert_eq!(
        system["rules"],
        json!([{"apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["kube-system"], "verbs": ["get"]}])
    );
    let named = made("single-node", &["prefect.clusterUID=nova"]);
    assert!(named.iter().all(|object| object["metadata"]["namespace"] != "kube-system"));
    for binding in plain.iter().filter(|object| object["kind"] == "RoleBinding") {
        assert_eq!(binding["subjects"][0]["name"], "geodata-launcher", "{}", title(binding));
        assert_eq!(binding["roleRef"]["apiGroup"], "rbac.authorization.k8s.io");
    }
}

/// Prefect refuses a template whose places have no variables, and leaves a place out whose variable has no default.
#[test]
fn every_place_of_the_template_has_its_variable() {
    let template = template(&[KEY]);
    let known = template["variables"]["properties"].as_object().unwrap();
    let text = template["job_configuration"].to_string();
    let places: Vec<&str> =
        text.split("{{ ").skip(1).map(|rest| rest.split_once(" }}").unwrap_or_else(|| panic!("{rest}")).0).collect();
    assert!(places.len() > 20 && places.iter().all(|place| known.contains_key(*place)), "{places:?}");
    assert!(known.keys().all(|name| places.contains(&name.as_str())), "a variable without a place");
    for (name, variable) in known {
        assert!(variable["title"].is_string() && variable["description"].is_string(), "{name}");
    }
}

#[test]
fn jobs_write_to_the_claim_as_the_user_that_owns_the_data() {
    let template = template(&[]);
    let pod = pod_of_jobs(&template);
    assert_eq!(pod["volumes"][0]["persistentVolumeClaim"]["claimName"], "nova-geodata-prod");
    assert_eq!(pod["containers"][0]["volumeMounts"], json!([{"name": "data", "mountPath": "/sciclone/nova/REU/geo"}]));
    let security = &pod["securityContext"];
    assert_eq!([&security["runAsUser"], &security["runAsGroup"], &security["fsGroup"]], [9198, 9915, 9915]);
    assert_eq!(template["job_configuration"]["namespace"], "geodata");
    // What Prefect's worker looks for in a job before it makes it.
    assert_eq!(
        (&pod["parallelism"], &pod["completions"], &pod["restartPolicy"]),
        (&json!(1), &json!(1), &json!("Never"))
    );
    assert_eq!(pod["containers"][0]["name"], "prefect-job");
}

#[test]
fn the_settings_of_jobs_reach_the_template() {
    let set = [
        "job.image=registry.example.com:5000/geo@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "job.ttlSeconds=null",
        "job.resources.requests.cpu=500m",
        "job.serviceAccountName=mine",
        "imagePullSecrets[0].name=login",
        "job.nodeSelector.disk=large",
        "persistence.existingClaim=theirs",
    ];
    let template = template(&set);
    let variables = &template["variables"]["properties"];
    let default = |name: &str| variables[name].get("default").cloned();
    assert_eq!(default("image"), Some(json!(set[0].trim_start_matches("job.image="))));
    assert_eq!(default("finished_job_ttl"), None);
    assert_eq!(default("cpu_request"), Some(json!("500m")));
    assert_eq!(default("cpu_limit"), None);
    assert_eq!(
        (default("service_account_name"), default("automount_service_account_token")),
        (Some(json!("mine")), Some(json!(true)))
    );
    let pod = pod_of_jobs(&template);
    assert_eq!(pod["imagePullSecrets"], json!([{"name": "login"}]));
    assert_eq!(pod["nodeSelector"], json!({"disk": "large"}));
    assert_eq!(pod["volumes"][0]["persistentVolumeClaim"]["claimName"], "theirs");
}

/// The check is a job, which can never be changed: whatever it is made of is in its name.
#[test]
fn the_check_is_another_one_when_it_checks_something_else() {
    let check = |set: &[&str]| titles("single-node", set).into_iter().find(|title| title.starts_with("Job/")).unwrap();
    let usual = check(&[]);
    assert_eq!(usual, check(&["prefect.replicas=2", KEY]));
    for set in ["job.image=other:1", "job.runAsUser=1000", "persistence.mountPath=/data", "persistence.existingClaim=a"]
    {
        assert_ne!(usual, check(&[set]), "{set}");
    }
    let made = made("single-node", &[]);
    let job = made.iter().find(|object| object["kind"] == "Job").unwrap();
    let (pod, template) = (&job["spec"]["template"]["spec"], template(&[]));
    for field in ["runAsUser", "runAsGroup", "fsGroup"] {
        assert_eq!(pod["securityContext"][field], pod_of_jobs(&template)["securityContext"][field]);
    }
    assert_eq!(pod["containers"][0]["image"], template["variables"]["properties"]["image"]["default"]);
    assert_eq!(pod["containers"][0]["volumeMounts"], pod_of_jobs(&template)["containers"][0]["volumeMounts"]);
}

#[test]
fn a_volume_made_by_hand_and_its_claim_know_each_other() {
    for (set, class, volume) in [
        (&NFS[..], "nfs", "nova-geodata-prod-pv-geodata-geodata"),
        (&["dev.enabled=true"], "manual", "local-geodata-dev-pv-geodata-geodata"),
    ] {
        let made = made("ha", set);
        let (claim, volume) = (
            object(&made, "PersistentVolumeClaim/nova-geodata-prod"),
            object(&made, &format!("PersistentVolume/{volume}")),
        );
        assert_eq!(claim["spec"]["volumeName"], volume["metadata"]["name"]);
        assert_eq!(volume["spec"]["claimRef"]["name"], claim["metadata"]["name"]);
        assert_eq!(volume["spec"]["claimRef"]["namespace"], "geodata");
        for object in [claim, volume] {
            assert_eq!(object["spec"]["storageClassName"], class);
            assert_eq!(object["spec"]["accessModes"], json!(["ReadWriteMany"]));
            assert_eq!(object["metadata"]["labels"]["seaworthy.dev/role"], "data");
        }
        assert_eq!(volume["spec"]["persistentVolumeReclaimPolicy"], "Retain");
    }
    let nfs = object(&made("ha", &NFS), "PersistentVolume/nova-geodata-prod-pv-geodata-geodata").clone();
    assert_eq!(nfs["spec"]["nfs"], json!({"server": "nfs.example.com", "path": "/exports/geodata"}));
    assert_eq!(nfs["spec"]["mountOptions"], json!(["hard", "nfsvers=4.1"]));
    let class = |value: &str| {
        let made = made("single-node", &[&format!("persistence.storageClass={value}")]);
        object(&made, "PersistentVolumeClaim/nova-geodata-prod")["spec"].get("storageClassName").cloned()
    };
    assert_eq!((class(""), class("-"), class("fast")), (None, Some(json!("")), Some(json!("fast"))));
}

/// Two installations do not share what lies outside of their namespaces.
#[test]
fn names_outside_of_the_namespace_tell_it() {
    let geodata = stack(NAME);
    let outside = |namespace: &str| {
        let choices = Choices { set: NFS.map(str::to_owned).to_vec(), ..super::example("single-node", &[]) };
        let prepared = geodata.prepare(&choices, &geodata.release(None, Some(namespace))).unwrap();
        let all = prepared.objects.into_iter().map(|made| made.object);
        all.filter(|object| object["metadata"]["namespace"] != namespace)
            .map(|object| title(&object))
            .collect::<Vec<_>>()
    };
    let (one, other) = (outside("one"), outside("other"));
    assert_eq!(one.len(), 3, "{one:?}");
    assert!(one.iter().all(|title| !other.contains(title)), "{one:?} {other:?}");
}

#[test]
fn what_is_well_is_not_spoken_of() {
    let geodata = stack(NAME);
    says(&geodata, "single-node", &[], "");
    says(&geodata, "single-node", &[CLOUD, KEY], "");
    says(&geodata, "single-node", &[CLOUD, "prefect.existingSecret.name=mine"], "");
    says(&geodata, "single-node", &["prefect.apiURL=http://prefect.tools.svc:4200/api", KEY], "");
    says(&geodata, "single-node", &["prefect.apiURL=https://[2001:db8::1]:4200/prefect/api"], "");
    says(&geodata, "single-node", &["dev.enabled=true"], "");
    says(&geodata, "ha", &NFS, "");
    says(&geodata, "ha", &["persistence.storageClass=shared"], "");
    says(&geodata, "ha", &["persistence.existingClaim=theirs", "persistence.accessModes={ReadWriteOnce}"], "");
}
