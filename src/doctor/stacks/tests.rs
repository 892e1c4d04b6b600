use super::*;
use crate::stack::tests::{assert_told, folder};

const CHECK: &str = "
severity: warning
title: several queues share one volume
explain: Each of them believes that it is alone.
fix: Run one.
unless: a queue without a volume.
look: {kind: Deployment, component: queue, when: [{at: /spec/replicas, above: 1}]}
with: {kind: PersistentVolumeClaim, component: queue, when: [{at: /spec/accessModes/0, is: ReadWriteOnce}]}
examples:
  object: Deployment/a/queue
  fail: [&d {apiVersion: apps/v1, kind: Deployment, metadata: {name: queue, namespace: a, labels: {app.kubernetes.io/component: queue}}, spec: {replicas: 2}}, &c {apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, namespace: a, labels: {app.kubernetes.io/component: queue}}, spec: {accessModes: [ReadWriteOnce]}}]
  healthy: [{apiVersion: apps/v1, kind: Deployment, metadata: {name: queue, namespace: a, labels: {app.kubernetes.io/component: queue}}, spec: {replicas: 1}}, *c]
  lookalike: [*d]
";

fn faults(files: &[(&str, &str)]) -> Vec<String> {
    examine(&folder(files)).faults(true).iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_built_in_can_be_read() {
    let (known, faults) = Knowledge::of(&[Catalogue::default(), Catalogue::prerequisites()]);
    assert_eq!(faults, [""; 0]);
    assert!(known.checks().len() >= 4, "{}", known.checks().len());
}

#[test]
fn a_check_is_proved_by_its_examples() {
    assert_eq!(faults(&[("checks/shared.yaml", CHECK)]), [""; 0]);
    let changes = [
        ("above: 1", "above: 2", "examples.fail: nothing is found"),
        ("above: 1", "above: 0", "examples.healthy: Deployment/a/queue is found and must not be"),
        ("lookalike: [*d]", "lookalike: []", "examples.lookalike: there is nothing to look at"),
        (
            "object: Deployment/a/queue",
            "object: Deployment/a/other",
            "examples.fail: found Deployment/a/queue, not `Deployment/a/other`",
        ),
        ("kind: Deployment, component", "kind: Deploymnet, component", "did you mean `Deployment`?"),
        ("at: /spec/replicas", "at: spec.replicas", "is no JSON pointer"),
        ("above: 1", "above: 1, below: 3", "give `log`, or `at` with one of"),
        ("{at: /spec/replicas, above: 1}", "{log: x}", "only pods have a log"),
        ("fix: Run one.", "fixx: Run one.", "embedded:demo/checks/shared.yaml:5:1: unknown field `fixx`"),
    ];
    assert_told(CHECK, &changes, |text| faults(&[("checks/shared.yaml", text)]).join("\n"));
}

/// YAML's old booleans are names here, as for kubectl.
#[test]
fn a_namespace_may_be_called_as_it_likes() {
    for name in ["n", "y", "on", "no"] {
        let check = CHECK.replace("namespace: a", &format!("namespace: {name}"));
        let check = check.replace("Deployment/a/queue", &format!("Deployment/{name}/queue"));
        assert_eq!(faults(&[("checks/shared.yaml", &check)]), [""; 0], "{name}");
    }
}

#[test]
fn an_allowance_has_a_reason_and_is_needed() {
    let file = |entry: &str| format!("allow:\n- {entry}\n");
    let entry = file("{check: Z001, component: agent, reason: it mounts volumes}");
    let told = faults(&[("checks/allow.yaml", &entry)]);
    assert_eq!(
        told,
        [
            "embedded:demo/checks/allow.yaml: `Z001 agent` allows what no profile makes the doctor find; take the entry out"
        ]
    );
    let folder = folder(&[("checks/allow.yaml", &entry)]);
    let mut proof = examine(&folder);
    let agent = serde_json::json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "agent", "namespace": "a", "labels":
        {STACK_LABEL: "demo", COMPONENT: "agent"}}, "spec": {"template": {"spec": {"hostPID": true}}}});
    proof.used_by(std::iter::once(&agent));
    assert_eq!(proof.faults(true), []);
    for (entry, said) in [
        ("{check: Z001, reason: ''}", "the reason is empty"),
        ("{check: Z0001, reason: x}", "did you mean Z001?"),
        ("{check: Z001}", "reason"),
    ] {
        let told = faults(&[("checks/allow.yaml", &file(entry))]);
        assert!(told[0].contains(said), "{told:?}");
    }
}
