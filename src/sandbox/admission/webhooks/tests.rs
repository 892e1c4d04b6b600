use super::*;
use crate::sandbox::world::World;
use crate::sandbox::{Kind, harbour};

fn world(hooks: &Value) -> World {
    let mut world = harbour::fresh(Kind::SingleNode, jiff::Timestamp::UNIX_EPOCH, "webhooks".to_owned());
    world
        .put(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "sea", "labels": {"tier": "deep"}}}));
    world.put(json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": VALIDATING, "metadata": {"name": "guard"}, "webhooks": hooks}));
    world
}

fn hook(rest: &Value) -> Value {
    let mut hook = json!({"name": "guard.sea.test", "clientConfig": {"service": {"namespace": "sea", "name": "guard"}},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]});
    for (key, value) in rest.as_object().unwrap() {
        hook[key] = value.clone();
    }
    hook
}

/// Whether a webhook is asked about a new pod with the label `app: boat` in the namespace `sea`.
fn is_asked(rest: &Value) -> bool {
    let world = world(&json!([hook(rest)]));
    let pod = json!({"metadata": {"name": "a", "labels": {"app": "boat"}}});
    let address = Address::new("v1", "pods", Some("sea"), "a");
    validating(&world, &Asking::write(&address, None, &pod, None)).is_err()
}

#[test]
fn a_webhook_is_asked_about_what_its_rules_and_selectors_take() {
    let rule = |rule: Value| json!({"rules": [rule]});
    let table = [
        (json!({}), true),
        (json!({"failurePolicy": "Ignore"}), false),
        (json!({"objectSelector": {"matchLabels": {"app": "boat"}}}), true),
        (json!({"objectSelector": {"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}}), false),
        (json!({"namespaceSelector": {"matchLabels": {"tier": "deep"}}}), true),
        (
            json!({"namespaceSelector": {"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["deep"]}]}}),
            false,
        ),
        (
            rule(
                json!({"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"], "scope": "*"}),
            ),
            true,
        ),
        (
            rule(
                json!({"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"], "scope": "Namespaced"}),
            ),
            true,
        ),
        (
            rule(
                json!({"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"], "scope": "Cluster"}),
            ),
            false,
        ),
        (rule(json!({"apiGroups": ["apps"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]})), false),
        (rule(json!({"apiGroups": [""], "apiVersions": ["v2"], "operations": ["*"], "resources": ["*"]})), false),
        (rule(json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["*"]})), false),
        (
            rule(
                json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods/exec"]}),
            ),
            false,
        ),
        (json!({"rules": []}), false),
    ];
    for (rest, expected) in table {
        assert_eq!(is_asked(&rest), expected, "{rest}");
    }
}

/// As long as the Service has somebody who is ready, the webhook agrees.
#[test]
fn a_webhook_agrees_as_soon_as_somebody_is_ready_and_fails_when_told_to() {
    const POST: &str = "Post \"https://guard.sea.svc:443/?timeout=10s\": ";
    let mut world = world(&json!([hook(&json!({}))]));
    let pod = json!({"metadata": {"name": "a"}});
    let address = Address::new("v1", "pods", Some("sea"), "a");
    let said = |world: &World| {
        let refusal = validating(world, &Asking::write(&address, None, &pod, None)).err();
        refusal.map_or_else(String::new, |refusal| {
            refusal.message.rsplit("webhook: ").next().unwrap_or_default().to_owned()
        })
    };
    assert_eq!(said(&world), format!("{POST}service \"guard\" not found"));
    world.put(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "sea", "name": "guard"}, "spec": {"ports": [{"name": "https", "port": 443}]}}));
    assert_eq!(said(&world), format!("{POST}no endpoints available for service \"guard\""));
    let slice = |ready: bool| {
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"namespace": "sea", "name": "guard-a", "labels": {"kubernetes.io/service-name": "guard"}},
        "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": ready}}], "ports": [{"name": "https", "port": 9443}]})
    };
    world.put(slice(false));
    assert_eq!(said(&world), format!("{POST}no endpoints available for service \"guard\""));
    world.put(slice(true));
    assert_eq!(said(&world), "");
    world.faults.insert("no-answer".to_owned(), vec!["guard".to_owned()]);
    assert_eq!(
        said(&world),
        "an error on the server (\"the sandbox was told to let this application fail\") has prevented the request from succeeding"
    );
}

#[test]
fn conditions_that_the_sandbox_cannot_judge_are_said_when_they_are_written() {
    let hooks = json!([hook(&json!({"matchConditions": [{"name": "a", "expression": "true"}]}))]);
    let refusal = judge(&json!({"kind": MUTATING, "webhooks": hooks})).unwrap_err();
    assert_eq!((refusal.code, refusal.message.contains("guard.sea.test")), (501, true), "{}", refusal.message);
    assert!(judge(&json!({"kind": "Boat", "webhooks": hooks})).is_ok());
}
