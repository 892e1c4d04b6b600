//! `render`: every embedded stack, in every profile, as YAML and as JSON.

use serde_json::Value;

use crate::test::Test;

/// (stack, profile) of everything that is embedded.
pub(super) fn all() -> Vec<(String, String)> {
    let list = Test::new().line("stacks list -o json").any_stdout().run().json();
    let stacks = list["items"].as_array().unwrap().clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let profiles = |stack: &Value| {
        let name = text(&stack["name"]);
        stack["profiles"].as_array().unwrap().iter().map(|profile| (name.clone(), text(profile))).collect::<Vec<_>>()
    };
    stacks.iter().flat_map(profiles).collect()
}

#[test]
fn the_example_of_every_stack_is_the_same_in_yaml_and_json() {
    for (stack, profile) in all() {
        let line = format!("render {stack} --profile {profile} --example");
        let yaml = Test::new().line(&line).touches_nothing().any_stdout().any_stderr().run().stdout;
        let json = Test::new().line(&line).line("-o json").touches_nothing().any_stdout().any_stderr().run().json();
        let documents: Vec<Value> = serde_yaml::from_multiple(&yaml).unwrap();
        let known = |mut objects: Vec<Value>| {
            // What is made at random is made anew each time.
            for object in objects.iter_mut().filter(|object| object["kind"] == "Secret") {
                object["stringData"] = Value::Null;
            }
            objects
        };
        assert_eq!(known(documents), known(json["items"].as_array().unwrap().clone()), "{stack} {profile}");
        for object in json["items"].as_array().unwrap() {
            for field in ["/apiVersion", "/kind", "/metadata/name"] {
                assert!(
                    object.pointer(field).is_some_and(Value::is_string),
                    "{stack} {profile}: no {field} in {object}"
                );
            }
        }
    }
}

/// What an object makes pods from.
fn pod_template(object: &Value) -> Option<&Value> {
    let template = object.pointer("/spec/template").or_else(|| object.pointer("/spec/jobTemplate/spec/template"))?;
    template["spec"].get("containers").is_some().then_some(template)
}

fn containers(template: &Value) -> impl Iterator<Item = &Value> {
    ["initContainers", "containers"].iter().flat_map(|list| template["spec"][*list].as_array().into_iter().flatten())
}

#[test]
fn with_stand_ins_no_stack_needs_an_image_of_its_own_nor_a_value() {
    for (stack, profile) in all() {
        let line = format!("render {stack} --profile {profile} --stand-ins --registry r.example -o json");
        let document = Test::new().line(&line).touches_nothing().any_stdout().any_stderr().run().json();
        let templates: Vec<&Value> = document["items"].as_array().unwrap().iter().filter_map(pod_template).collect();
        assert!(!templates.is_empty(), "{stack} {profile}");
        for template in templates {
            assert_eq!(template["metadata"]["labels"]["seaworthy.dev/stand-in"], "true", "{stack} {profile}");
            for container in containers(template) {
                assert_eq!(container["image"], "r.example/library/busybox:1.37.0", "{stack} {profile}");
                assert_eq!(container["command"][0], "/bin/sh", "{stack} {profile}");
            }
        }
    }
}

#[test]
fn later_values_win() {
    let port = |line: &str| {
        let test = Test::new().line("render telemetry-pipeline --example -o json").line(line);
        let test = test.file("a.yaml", "mq: {port: 7001}\n").file("b.yaml", "mq: {port: 7002}\n").file("c", "7003");
        let document = test.touches_nothing().any_stdout().any_stderr().stdin("mq: {port: 7004}").run().json();
        let mut services = document["items"].as_array().unwrap().iter().filter(|object| object["kind"] == "Service");
        let mq = services.find(|service| service["metadata"]["name"].as_str().unwrap().ends_with("-mq")).unwrap();
        mq["spec"]["ports"][0]["port"].clone()
    };
    assert_eq!(port("-f a.yaml -f b.yaml"), 7002);
    assert_eq!(port("-f b.yaml -f a.yaml"), 7001);
    assert_eq!(port("-f a.yaml --set mq.port=7005 -f b.yaml"), 7005);
    assert_eq!(port("-f -"), 7004);
}

#[test]
fn names_follow_the_release_and_the_namespace() {
    let line = "render telemetry-pipeline --example --name blue --namespace sea -o json";
    let document = Test::new().line(line).touches_nothing().any_stdout().any_stderr().run().json();
    for object in document["items"].as_array().unwrap() {
        let name = object["metadata"]["name"].as_str().unwrap();
        assert!(name.starts_with("blue"), "{name}");
        assert_eq!(object["metadata"]["namespace"], "sea", "{name}");
    }
}

#[test]
fn the_registry_option_answers_the_value_that_is_required_for_it() {
    let output =
        Test::new().line("render telemetry-pipeline --registry localhost:5000").any_stdout().any_stderr().run();
    let images: Vec<&str> = output.stdout.lines().filter_map(|line| line.trim().strip_prefix("image: ")).collect();
    assert!(!images.is_empty() && images.iter().all(|image| image.starts_with("localhost:5000/")), "{images:?}");
}
