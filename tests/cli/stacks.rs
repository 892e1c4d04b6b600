//! `stacks list|show|validate`.

use super::render::all;
use crate::test::Test;

#[test]
fn every_stack_is_listed_shown_and_good() {
    let list = Test::new().line("stacks list").touches_nothing().any_stdout().run().stdout;
    for (stack, profile) in all() {
        assert!(list.contains(&stack), "{list}");
        let shown = Test::new().line("stacks show").line(&stack).touches_nothing().any_stdout().run();
        assert!(shown.stdout.contains(&profile), "{}", shown.stdout);
        let verdict = Test::new().line("stacks validate").line(&stack).touches_nothing().any_stdout().run();
        let last = verdict.stdout.lines().last().unwrap_or_default();
        assert!(last.starts_with(&format!("{stack} is good: ")), "{}", verdict.stdout);
    }
}

#[test]
fn an_empty_folder_is_no_stack() {
    Test::new()
        .line("stacks validate ./mine")
        .file("mine/notes", "")
        .touches_nothing()
        .status(2)
        .stdout(
            "./mine/stack.yaml: the file is missing
./mine/values.schema.yaml: the file is missing
./mine/values.yaml: the file is missing
mine cannot be used: 3 faults to mend",
        )
        .run();
}

#[test]
fn a_folder_that_holds_stacks_says_which() {
    for (folder, said) in [("st", "st"), ("./st", "./st")] {
        let error = format!(
            "error: {said} has no stack.yaml; {said}/mine, {said}/other have
 hint: check one of them: `seaworthy stacks validate {said}/mine`"
        );
        let test = Test::new().file("st/mine/stack.yaml", "").file("st/other/stack.yaml", "").file("st/notes", "");
        test.line("stacks validate").line(folder).touches_nothing().status(2).stderr(&error).run();
    }
    // A name is a name even where a folder of that name lies.
    let test = Test::new().file("hello/mine/stack.yaml", "").line("stacks validate hello").touches_nothing();
    assert!(test.any_stdout().run().stdout.contains("hello is good"));
}

const BROKEN: [(&str, &str); 6] = [
    ("values.yaml", "size: 16Mo\nport: eighty\nextra: 1\nservice: {}\n"),
    ("value.yaml", ""),
    (
        "values.schema.yaml",
        "type: object\nadditionalProperties: false\nproperties:\n  size: {type: string, format: quantity}\n  port: {type: integer, format: port}\n  service: {type: object}\n",
    ),
    ("single-node.yaml", ""),
    (
        "manifests/web.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ r }}-web\ndata:\n{% if %}\n  a: b\n{% endif %}\n",
    ),
    (
        "manifests/app.yaml",
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ r }}-app\nspec:\n  selector: {{ selector('web') }}\n  ports:\n    - {name: http, port: 80, targetPort: htp}\n\
         ---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ r ~ '-app' }}\nspec:\n  replicas: {{ values.service.prot }}\n  selector:\n    matchLabels: {{ selector('web') }}\n  \
         template:\n    metadata:\n      labels: {{ selector('web') }}\n    spec:\n      volumes:\n        - {name: config, emptyDir: {}}\n      containers:\n        - name: web\n          \
         image: web:1\n          ports:\n            - name: http\n              containerPort: {{ values.port }}\n          volumeMounts:\n            - {name: confg, mountPath: /x}\n",
    ),
];

const BROKEN_STACK: &str = "format: 1
name: mien
title: Mine
description: For a test.
version: 1.0.0
components:
  - {name: web, title: Web, manifests: [web.yaml, app.yaml]}
profiles:
  single: {title: One, description: One., needs: {cpu: 10mm}}
rules:
  - {path: port, when: values.nothing, check: values.port > 1, message: low, severity: wrn}
reach:
  - {name: web, title: Web, component: wbe, service: x, port: http}
";

#[test]
fn every_fault_is_told_at_once_and_none_that_only_follows() {
    let mut test = Test::new().file("mine/stack.yaml", BROKEN_STACK);
    for (path, text) in BROKEN {
        test = test.file(&format!("mine/{path}"), text);
    }
    let said = test.line("stacks validate mine").touches_nothing().status(2).any_stdout().run().stdout;
    let expected = [
        "mine/stack.yaml:11:78: rules[0].severity: `wrn` is not one of error, warning",
        "mine/stack.yaml:2:1: name: `mien` is not the folder's name, `mine`",
        "mine/stack.yaml:9:3: profiles.single: unknown profile; known are single-node, ha",
        "mine/stack.yaml:9:51: profiles.single.needs.cpu: `10mm` is not a quantity such as `500m` or `2Gi`",
        "mine/stack.yaml:13:29: reach[0].component: there is no component `wbe`, did you mean `web`?",
        "mine/stack.yaml:11:18: rules[0].when: is undefined",
        "mine/value.yaml: is not part of a stack; nothing reads it",
        "mine/values.yaml:1:1: size: is `16Mo`, expected",
        "mine/values.yaml:2:1: port: is `eighty`, expected a whole number",
        "mine/values.yaml:3:1: extra: unknown key; known are size, port, service",
        "mine/manifests/web.yaml:4: an expression must be a whole scalar",
        "mine/manifests/web.yaml:6: ",
        "mine/manifests/app.yaml:4: an expression must be a whole scalar",
        "mine/manifests/app.yaml:15: `values.service.prot` is undefined",
        "mine/manifests/app.yaml:8: spec.ports[0].targetPort: Deployment/mien-app has no port `htp`, did you mean `http`? (Service/mien-app)",
        "mine/manifests/app.yaml:31: spec.template.spec.containers[0].volumeMounts[0].name: the pod has no volume `confg`, did you mean `config`? (Deployment/mien-app)",
    ];
    for part in expected {
        assert!(said.contains(part), "{part}\nis not in\n{said}");
    }
    let last = format!("mine cannot be used: {} faults to mend", expected.len());
    assert!(said.ends_with(&format!("{last}\n")) || said.ends_with(&last), "{said}");
}

#[test]
fn a_folder_of_stacks_that_is_not_there_is_said() {
    let output =
        Test::new().line("stacks list --profiles gone").touches_nothing().status(2).any_stdout().any_stderr().run();
    assert!(output.stderr.contains("gone"), "{}", output.stderr);
}

const NEXT: &str = "
    seaworthy --profiles stacks install mine --dry-run   # what an install would do
    seaworthy --profiles stacks install mine             # do it
    seaworthy stacks validate stacks/mine                # after each change
";

#[test]
fn a_new_stack_is_written_good_and_never_over_another() {
    let said = format!("stacks/mine: 7 files written\nmine is good as it is\n{NEXT}");
    let written = Test::new().line("stacks new mine --dir stacks").touches_nothing().stdout(&said).run();
    let page = written.home.path().join("stacks/mine/files/page.html");
    std::fs::write(&page, "my own").unwrap();
    let taken = "error: `stacks/mine` is there already; nothing was written
 hint: choose another name, or another folder with --dir";
    let again = Test::after(written).line("stacks new mine --dir stacks").status(2).stderr(taken).run();
    assert_eq!(std::fs::read_to_string(page).unwrap(), "my own");

    // The commands that it names, but for the one that needs a cluster.
    let good = "mine is good: 4 objects in single-node";
    let checked = Test::after(again).line("stacks validate stacks/mine").stdout(good).run();
    let listed = Test::after(checked).line("--profiles stacks stacks list").any_stdout().run();
    assert!(listed.stdout.contains("mine "), "{}", listed.stdout);
    let rendered = Test::after(listed).line("--profiles stacks render mine").any_stdout().run();
    assert!(rendered.stdout.contains("name: mine-web"), "{}", rendered.stdout);
}

#[test]
fn a_new_stack_in_json_names_what_was_written() {
    let document = Test::new().line("stacks new mine -o json").touches_nothing().any_stdout().run().json();
    assert_eq!(document["folder"], "./mine");
    assert_eq!(document["next"][2], "seaworthy stacks validate ./mine");
    assert_eq!(document["files"].as_array().unwrap().len(), 7);
    assert_eq!(document["validation"]["faults"].as_array().unwrap().len(), 0);
}

#[test]
fn a_new_stack_needs_a_name_of_its_own() {
    for (name, said) in [
        ("Mine", "error: `Mine` cannot be a stack's name"),
        ("../mine", "error: `../mine` cannot be a stack's name"),
        ("hello", "error: `hello` is a built-in stack"),
    ] {
        let output = Test::new().line("stacks new").line(name).touches_nothing().status(2).any_stderr().run();
        assert!(output.stderr.starts_with(said) && output.stderr.contains(" hint: choose"), "{}", output.stderr);
        assert!(!output.home.path().join(name).exists());
    }
}

#[test]
fn a_folder_that_cannot_be_written_to_is_named() {
    let test = Test::new().line("stacks new mine --dir file").file("file", "x").touches_nothing();
    let output = test.status(1).any_stderr().run();
    assert!(output.stderr.starts_with("error: file: "), "{}", output.stderr);
}
