//! hello: asks for nothing, and never changes a text on its way to the page.

use super::{assert_helpful, object, objects, required, says, stack, title};

#[test]
fn it_asks_for_nothing() {
    let hello = stack("hello");
    assert_eq!(required(&hello), [""; 0]);
    assert_helpful(&hello);
    let made = objects(&hello, "single-node", &[]);
    let titles: Vec<String> = made.iter().map(title).collect();
    assert_eq!(
        titles,
        ["PersistentVolumeClaim/hello-data", "ConfigMap/hello-web", "Service/hello-web", "Deployment/hello-web"]
    );
}

#[test]
fn a_greeting_cannot_become_a_part_of_the_page() {
    let made = objects(&stack("hello"), "single-node", &["page.greeting=<script>\"&'"]);
    let page = object(&made, "ConfigMap/hello-web")["data"]["page.html"].as_str().unwrap();
    assert!(page.contains("<h1>&lt;script&gt;&quot;&amp;&#x27;</h1>"), "{page}");
}

#[test]
fn a_changed_text_starts_a_new_pod() {
    let mark = |set: &[&str]| {
        let made = objects(&stack("hello"), "single-node", set);
        object(&made, "Deployment/hello-web")["spec"]["template"]["metadata"]["annotations"]["checksum/config"].clone()
    };
    assert_eq!(mark(&[]), mark(&["persistence.size=1Gi"]));
    assert_ne!(mark(&[]), mark(&["page.greeting=Hello"]));
}

#[test]
fn a_claim_of_the_users_is_used_and_none_is_made() {
    let hello = stack("hello");
    let made = objects(&hello, "single-node", &["persistence.existingClaim=mine"]);
    assert!(made.iter().all(|object| object["kind"] != "PersistentVolumeClaim"));
    let volumes = &object(&made, "Deployment/hello-web")["spec"]["template"]["spec"]["volumes"];
    assert_eq!(volumes[2]["persistentVolumeClaim"]["claimName"], "mine");
    let both = ["persistence.existingClaim=mine", "persistence.storageClass=fast"];
    says(&hello, "single-node", &both, "persistence.storageClass: warning: the claim is there already");
}

#[test]
fn bad_values_are_refused() {
    let hello = stack("hello");
    for (set, said) in [
        ("page.greeting=", "page.greeting"),
        ("persistence.size=0", "persistence.size"),
        ("persistence.storageClass=A_B", "persistence.storageClass"),
        ("service.port=0", "service.port"),
        ("image.repository=a b", "image.repository"),
        ("replicas=2", "replicas: unknown key"),
    ] {
        says(&hello, "single-node", &[set], said);
    }
}
