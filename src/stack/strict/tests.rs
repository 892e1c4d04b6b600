//! Objects that Kubernetes would refuse, and what is said about them.

use super::super::tests::{profile, stack};

/// All faults of one manifest.
fn faults(manifest: &str) -> Vec<String> {
    let stack = stack(&[("manifests/web.yaml", manifest)]);
    let values = stack.values(&profile("single-node")).unwrap();
    let objects = stack.render(&values, &stack.release(None, None)).unwrap();
    super::check(&objects).iter().map(ToString::to_string).collect()
}

/// A Deployment with these lines in its pod's `spec`.
fn deployment(pod: &str) -> String {
    let pod = pod.replace('\n', "\n      ");
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: x}}\nspec:\n  selector: {{matchLabels: {{a: b}}}}\n  \
         template:\n    metadata: {{labels: {{a: b}}}}\n    spec:\n      {pod}\n"
    )
}

/// A Deployment with these lines in its container.
fn container(lines: &str) -> String {
    deployment(&format!("containers:\n- name: c\n  image: i:1\n  {}", lines.replace('\n', "\n  ")))
}

#[test]
fn a_good_object_has_no_faults() {
    let good = container(
        "ports: [{name: http, containerPort: 80}]\nenv: [{name: A, value: b}]\nresources: {requests: {cpu: 1}, limits: {cpu: 1000m}}\n\
         readinessProbe: {httpGet: {port: http}}",
    );
    assert_eq!(faults(&good), Vec::<String>::new());
}

#[test]
fn fields_are_checked_with_line_and_way() {
    let file = "embedded:demo/manifests/web.yaml";
    let table = [
        (
            container("imagePullPolcy: Always"),
            12,
            "spec.template.spec.containers[0].imagePullPolcy: unknown field of Deployment/x, did you mean `imagePullPolicy`?",
        ),
        (
            container("args: x"),
            12,
            "spec.template.spec.containers[0].args: expected a list, found the text `x` (Deployment/x)",
        ),
        (
            container("ports:\n- name: http"),
            13,
            "spec.template.spec.containers[0].ports[0]: `containerPort` is missing (Deployment/x)",
        ),
        (
            container("env: [{value: x}]"),
            12,
            "spec.template.spec.containers[0].env[0]: `name` is missing (Deployment/x)",
        ),
        (
            deployment("containers: [{image: x}]"),
            9,
            "spec.template.spec.containers[0]: `name` is missing (Deployment/x)",
        ),
        (
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec:\n  replicas: 1".into(),
            4,
            "spec: `selector` is missing (Deployment/x)",
        ),
    ];
    for (manifest, line, expected) in table {
        let faults = faults(&manifest);
        assert_eq!(faults.first(), Some(&format!("{file}:{line}: {expected}")), "{manifest}\n{faults:#?}");
    }
}

#[test]
fn what_no_type_shows_is_checked_too() {
    let service =
        |ports: &str| format!("apiVersion: v1\nkind: Service\nmetadata: {{name: x}}\nspec: {{ports: {ports}}}\n");
    let claim =
        |spec: &str| format!("apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: x}}\nspec: {spec}\n");
    let table = [
        (deployment("containers: []"), "a pod needs at least one container"),
        (
            deployment("restartPolicy: Never\ncontainers: [{name: c, image: i}]"),
            "restartPolicy is Never; here it can be Always",
        ),
        (deployment("containers: [{name: c, image: i}, {name: c, image: i}]"), "two containers are named `c`"),
        (deployment("containers: [{name: C, image: i}]"), "`C` is not a DNS label"),
        (deployment("containers: [{name: c, image: i}]\nvolumes: [{name: v}, {name: v}]"), "two volumes are named `v`"),
        (
            deployment("containers: [{name: c, image: i}]\nvolumes: [{name: v, emptyDir: {}, hostPath: {path: /}}]"),
            "has 2 sources",
        ),
        (deployment("containers: [{name: c}]"), "`` is not an image"),
        (container("imagePullPolicy: Sometimes"), "`Sometimes` is not one of Always"),
        (container("ports: [{containerPort: 1}, {containerPort: 1}]"), "port 1/TCP is there twice"),
        (container("ports: [{containerPort: 1, name: a}, {containerPort: 2, name: a}]"), "two ports are named `a`"),
        (container("ports: [{containerPort: 70000}]"), "is not a port from 1 to 65535"),
        (container("ports: [{containerPort: 1, name: much-too-long-a-name}]"), "cannot name a port"),
        (container("env: [{name: A}, {name: A}]"), "`A` is set twice"),
        (
            container("env: [{name: A, value: x, valueFrom: {fieldRef: {fieldPath: y}}}]"),
            "has both `value` and `valueFrom`",
        ),
        (container("volumeMounts: [{name: data, mountPath: /x}]"), "the pod has no volume `data`"),
        (container("resources: {limits: {memory: 1GB}}"), "`1GB` is not a quantity"),
        (
            container("resources: {requests: {cpu: 2}, limits: {cpu: 1500m}}"),
            "requests 2 of cpu, but is limited to 1500m",
        ),
        (container("readinessProbe: {httpGet: {port: http}}"), "the container has no port `http`"),
        (container("livenessProbe: {periodSeconds: 1}"), "has 0 actions"),
        (container("").replace("{labels: {a: b}}", "{labels: {a: c}}"), "selects a=b, but its pods have c"),
        (container("").replace("{matchLabels: {a: b}}", "{}"), "selects nothing"),
        (service("[]"), "a Service needs at least one port"),
        (service("[{port: 1}, {port: 2}]"), "of several ports each needs a name"),
        (service("[{port: 1, name: a}, {port: 1, name: b}]"), "port 1/TCP is there twice"),
        (service("[{port: 0}]"), "is not a port from 1 to 65535"),
        (claim("{resources: {requests: {storage: 1Gi}}}"), "needs `accessModes`"),
        (claim("{accessModes: [RWO], resources: {requests: {storage: 1Gi}}}"), "`RWO` is not one of"),
        (claim("{accessModes: [ReadWriteOnce], resources: {requests: {storage: lots}}}"), "`lots` is not a quantity"),
        (claim("{accessModes: [ReadWriteOnce]}"), "needs `resources.requests.storage`"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, labels: {a: 'b c'}}".into(), "is not a label's value"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {'a b': c}".into(), "is not a file's name"),
        (
            format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x}}\ndata: {{a: '{}'}}",
                "x".repeat((1 << 20) + 1)
            ),
            "at most 1 MiB is allowed",
        ),
        (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData: {a: 12345}".into(),
            "is not what this field of Secret/x must be",
        ),
    ];
    for (manifest, expected) in table {
        let faults = faults(&manifest);
        assert!(
            faults.iter().any(|fault| fault.contains(expected)),
            "{expected}\n{}\n{faults:#?}",
            &manifest[..manifest.len().min(600)]
        );
        assert!(!faults.join("").contains("12345"));
    }
}

#[test]
fn objects_are_checked_together() {
    let service = |port: &str| {
        let service = format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: x}}\nspec: {{selector: {{a: b}}, ports: [{{port: 1, targetPort: {port}}}]}}\n"
        );
        format!("{}---\n{service}", container("ports: [{name: http, containerPort: 80}]"))
    };
    assert!(faults(&service("http")).is_empty() && faults(&service("8080")).is_empty());
    let expected = "spec.ports[0].targetPort: Deployment/x has no port `htp`, did you mean `http`? (Service/x)";
    assert!(faults(&service("htp"))[0].ends_with(expected), "{:?}", faults(&service("htp")));
    let selects_nothing = service("http").replace("selector: {a: b}", "selector: {a: z}");
    assert!(
        faults(&selects_nothing)[0].contains("warning: spec.selector: selects no pods"),
        "{:?}",
        faults(&selects_nothing)
    );
    let account = deployment("serviceAccountName: zzz\ncontainers: [{name: c, image: i}]");
    assert!(faults(&account)[0].contains("this stack has no ServiceAccount `zzz`"));
}

#[test]
fn a_rolling_update_over_a_claim_for_one_is_warned_of() {
    let claim = |modes: &str| {
        format!(
            "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: data}}\n\
             spec: {{accessModes: [{modes}], resources: {{requests: {{storage: 1Gi}}}}}}\n---\n"
        )
    };
    let held = deployment(
        "volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]\n\
         containers: [{name: c, image: 'i:1', volumeMounts: [{name: data, mountPath: /data}]}]",
    );
    let said = faults(&(claim("ReadWriteOnce") + &held));
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].contains("warning: spec.strategy: the claim `data` is ReadWriteOnce: while an update is rolled out"),
        "{said:?}"
    );
    assert_eq!(faults(&(claim("ReadWriteMany") + &held)), Vec::<String>::new());
    let recreated = held.replace("spec:\n  selector", "spec:\n  strategy: {type: Recreate}\n  selector");
    assert_eq!(faults(&(claim("ReadWriteOncePod") + &recreated)), Vec::<String>::new());
    let one_by_one = held.replace("spec:\n  selector", "spec:\n  strategy: {rollingUpdate: {maxSurge: 0}}\n  selector");
    assert_eq!(faults(&(claim("ReadWriteOnce") + &one_by_one)), Vec::<String>::new());
}

#[test]
fn custom_objects_pass_with_a_note() {
    let stack = stack(&[(
        "manifests/web.yaml",
        "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: x}\nspec: {any: 1}",
    )]);
    let values = stack.values(&profile("ha")).unwrap();
    let objects = stack.render(&values, &stack.release(None, None)).unwrap();
    assert!(super::check(&objects).is_empty());
    assert_eq!(super::unchecked(&objects), ["metallb.io/v1beta1 IPAddressPool"]);
}

#[test]
fn a_fault_of_a_type_hides_no_other_and_brings_none_that_only_follows() {
    let told = |manifest: &str, parts: &[&str]| {
        let faults = faults(manifest);
        assert_eq!(faults.len(), parts.len(), "{faults:#?}");
        for part in parts {
            assert!(faults.iter().any(|fault| fault.contains(part)), "{part}: {faults:#?}");
        }
    };
    let mounted = "volumeMounts: [{name: confg, mountPath: /x}]\nimagePullPolcy: Never";
    let mut pod = container(mounted);
    pod.push_str("      volumes: [{name: config, emptyDir: {}}]\n");
    told(&pod, &["imagePullPolcy: unknown field", "the pod has no volume `confg`, did you mean `config`?"]);
    // The volumes are not there because of the slip.
    told(
        &pod.replace("      volumes:", "      volumess:"),
        &["imagePullPolcy: unknown field", "volumess: unknown field"],
    );
    let service = |pod: &str, port: &str| {
        format!(
            "{pod}---\napiVersion: v1\nkind: Service\nmetadata: {{name: s}}\nspec: {{selector: {{a: b}}, ports: [{{port: 1, targetPort: {port}}}]}}\n"
        )
    };
    let served = |name: &str| container(&format!("ports: [{{name: {name}, containerPort: 80}}]\nargs: a"));
    told(
        &service(&served("http"), "htp"),
        &["args: expected a list", "Deployment/x has no port `htp`, did you mean `http`?"],
    );
    told(&service(&served("8"), "http"), &["args: expected a list", "ports[0].name: expected a text"]);
    // Labels that cannot be read select nothing, and say nothing.
    let labels = served("http").replace("metadata: {labels: {a: b}}", "metadata: {labels: 3}");
    told(&labels, &["args: expected a list", "labels: expected"]);
}
