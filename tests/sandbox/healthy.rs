//! A cluster on which all went well: whatever is installed, the doctor has nothing to say about it.

use seaworthy::stack::Catalogue;

use crate::test::{Output, Test};

fn say(before: Option<Output>, line: &str) -> Output {
    before.map_or_else(Test::new, Test::after).line(line).any_stdout().any_stderr().run()
}

/// Every stack in every profile, with what it needs of the cluster: nothing at warning or above, from any of the checks.
#[test]
fn every_profile_of_every_stack_is_healthy() {
    let catalogue = Catalogue::default();
    for name in catalogue.names() {
        let stack = catalogue.get(&name).unwrap();
        for profile in ["single-node", "ha"] {
            // Not every stack has both.
            let Ok(about) = stack.profile(Some(profile)) else { continue };
            let place = format!("--sandbox={profile} --yes");
            let mut needs = about.needs.prerequisites.clone();
            // Volumes that several nodes write to.
            let shared = stack.definition().shared_class.as_ref().filter(|_| profile == "ha");
            let set = shared.map(|setting| format!("--set {setting}=shared")).unwrap_or_default();
            needs.extend(shared.map(|_| "shared-path".to_owned()));
            let needs = needs.join(" ");
            let ready = (!needs.is_empty()).then(|| say(None, &format!("prerequisites install {needs} {place}")));
            let installed = say(ready, &format!("install {name} --profile {profile} {set} {place}"));
            let doctor = say(Some(installed), &format!("doctor --fail-on warning {place}"));
            assert!(doctor.stdout.starts_with("[ok] healthy: "), "{name} {profile}: {}", doctor.stdout);
            symptoms(doctor, &name, &place);
        }
    }
}

/// Of what is well no step of a walk-through may say that it is not.
fn symptoms(before: Output, stack: &str, place: &str) {
    let walks = Test::after(before).line(&format!("doctor {stack} --walk -o json {place}"));
    let walks = walks.any_status().any_stdout().any_stderr().run();
    if walks.stdout.contains("\"no-walks\"") {
        return;
    }
    let document = walks.json();
    let all = document["items"].as_array().unwrap();
    let steps = all.iter().flat_map(|walk| walk["steps"].as_array().unwrap());
    let wrong: Vec<_> = steps.filter(|step| step["state"] == "does-not-hold").collect();
    assert_eq!(wrong, Vec::<&serde_json::Value>::new(), "{stack} {place}");
    let told = |walk: &serde_json::Value| walk["steps"].as_array().unwrap().iter().any(|step| step["state"] == "holds");
    assert!(all.iter().any(told), "{stack} {place}: {document}");
}
