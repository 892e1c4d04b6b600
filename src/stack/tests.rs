//! A small stack, loaded, merged and rendered.

use serde_json::json;

use super::*;

pub(crate) const STACK: &str = "\
format: 1
name: demo
title: Demo
description: For tests.
version: 1.2.3
kubernetes: '>=1.23'
components:
  - name: web
    title: Web
    enabled: web.enabled
    manifests: [web.yaml]
    after: [db]
  - name: db
    title: Database
    manifests: [db.yaml]
shared: [account.yaml]
profiles:
  single-node: {title: One, description: Small., needs: {nodes: 1, cpu: 500m, memory: 1Gi}}
  ha: {title: Many, description: Large.}
rules:
  - {path: web.replicas, when: values.web.enabled, check: values.web.replicas <= 9, message: too many}
reach:
  - {name: web, title: Web, component: web, service: \"{{ r ~ '-web' }}\", port: http, path: /, expect: {status: 200}}
";

pub(crate) const SCHEMA: &str = "\
type: object
additionalProperties: false
properties:
  web:
    type: object
    additionalProperties: false
    properties:
      enabled: {type: boolean, title: Serve the page}
      replicas: {type: integer, minimum: 1}
      image: {type: object, properties: {repository: {type: string}, tag: {type: string}}}
      password: {type: string, minLength: 1, title: Password of the page, x-seaworthy: {secret: true}}
    required: [password]
";

const WEB: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ r ~ '-web' }}
  labels: {{ labels('web') }}
spec:
  replicas: {{ values.web.replicas }}
  selector:
    matchLabels: {{ selector('web') }}
  template:
    metadata:
      labels: {{ selector('web') }}
      annotations:
        checksum/config: {{ file('page.html')|checksum }}
    spec:
      containers:
        - name: web
          image: {{ image(values.web.image) }}
{% if profile == 'ha' %}
          imagePullPolicy: Always
{% endif %}
          ports:
{% for port in [80, 81] %}
            - containerPort: {{ port }}
{% endfor %}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ r ~ '-page' }}
data:
  page.html: {{ file('page.html') }}
";

const DB: &str = "\
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {ports: [{port: 1}]}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ r ~ '-web' }}
spec: {ports: [{port: 80, name: http}]}
";

pub(crate) fn folder(changes: &[(&str, &str)]) -> Folder {
    let mut files: BTreeMap<String, String> = [
        ("stack.yaml", STACK),
        ("values.schema.yaml", SCHEMA),
        ("values.yaml", "web:\n  enabled: true\n  replicas: 1\n  image: {repository: web, tag: '1'}\n"),
        ("single-node.yaml", ""),
        ("ha.yaml", "web: {replicas: 3}\n"),
        ("example.yaml", "web: {password: example}\n"),
        ("manifests/web.yaml", WEB),
        ("manifests/db.yaml", DB),
        ("manifests/account.yaml", "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {{ r }}\n"),
        ("files/page.html", "<b>\"{{ r }}\" & 'é'</b>\n"),
    ]
    .map(|(path, text)| (path.to_owned(), text.to_owned()))
    .into();
    for (path, text) in changes {
        files.insert((*path).to_owned(), (*text).to_owned());
    }
    Folder { home: Home::Embedded("demo".into()), name: "demo".into(), files }
}

pub(crate) fn stack(changes: &[(&str, &str)]) -> Stack {
    Stack::load(&folder(changes)).unwrap()
}

fn objects(stack: &Stack, choices: &Choices) -> Vec<Rendered> {
    let values = stack.values(choices).unwrap();
    stack.render(&values, &stack.release(Some("my"), None)).unwrap()
}

pub(crate) fn profile(name: &str) -> Choices {
    Choices { profile: Some(name.into()), example: true, ..Choices::default() }
}

#[test]
fn a_stack_renders_to_objects_in_order() {
    let objects = objects(&stack(&[]), &profile("ha"));
    let titles: Vec<String> = objects.iter().map(Rendered::title).collect();
    assert_eq!(
        titles,
        [
            "ServiceAccount/my-demo",
            "Deployment/my-demo-web",
            "ConfigMap/my-demo-page",
            "Service/db",
            "Service/my-demo-web"
        ]
    );
    let components: Vec<_> = objects.iter().map(|object| object.component.as_deref()).collect();
    assert_eq!(components, [None, Some("web"), Some("web"), Some("db"), Some("db")]);
    assert!(objects.iter().all(|object| object.namespace() == "demo"));
    let web = &objects[1].object;
    assert_eq!(web["spec"]["replicas"], json!(3));
    assert_eq!(web["spec"]["template"]["spec"]["containers"][0]["image"], json!("web:1"));
    assert_eq!(web["spec"]["template"]["spec"]["containers"][0]["ports"][1]["containerPort"], json!(81));
    let labels = json!({"app.kubernetes.io/name": "demo", "app.kubernetes.io/instance": "my", "app.kubernetes.io/component": "web",
        "app.kubernetes.io/version": "1.2.3", "app.kubernetes.io/part-of": "demo", "app.kubernetes.io/managed-by": "seaworthy"});
    assert_eq!(web["metadata"]["labels"], labels);
    assert_eq!(objects[2].object["data"]["page.html"], json!("<b>\"my-demo\" & 'é'</b>\n"));
}

#[test]
fn every_object_and_field_knows_its_line() {
    let objects = objects(&stack(&[]), &profile("ha"));
    assert_eq!(objects[1].origin.to_string(), "embedded:demo/manifests/web.yaml:1");
    assert_eq!(objects[2].origin.mark.line, 27);
    let table = [
        ("spec.replicas", 7),
        ("spec.template.spec.containers[0].imagePullPolicy", 20),
        ("spec.template.spec.containers[0].ports", 22),
        ("spec.template.spec.containers[0].ports[1].containerPort", 24),
        ("spec.template.spec.containers[0].nothing", 17),
    ];
    for (way, line) in table {
        assert_eq!(objects[1].place(&path::Way::dotted(way)).mark.line, line, "{way}");
    }
}

#[test]
fn a_component_that_is_off_renders_nothing() {
    let choices = Choices { set: vec!["web.enabled=false".into()], ..profile("ha") };
    assert_eq!(objects(&stack(&[]), &choices).len(), 3);
}

#[test]
fn an_unknown_profile_is_answered_with_those_there_are() {
    let said = |name: &str| stack(&[]).values(&profile(name)).unwrap_err().to_string();
    assert_eq!(said("single"), "demo has no profile `single`, did you mean `single-node`?");
    assert_eq!(said("zzz"), "demo has no profile `zzz`; it has `ha`, `single-node`");
}

#[test]
fn faults_of_templates_name_their_line() {
    let head = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n";
    let table = [
        ("data: {{ values.nothing }}", 5, "`values.nothing` is undefined"),
        ("data: {{ values.web.nothing.deeper }}", 5, "is undefined"),
        ("data: {{ nothing }}", 5, "`nothing` is undefined"),
        ("data: {{ file('nothing') }}", 5, "there is no files/nothing"),
        ("data:\n  a: 1\n  a: 2", 7, "the key `a` stands here a second time"),
        ("{% if true %}\n{% endif %}\n{% if true %}\n x: {{ values.zzz }}\n{% endif %}", 8, "`values.zzz`"),
        ("data:\n{% if true %}\n  a: {{ r }}\n b: 1\n{% endif %}", 8, "is not YAML"),
    ];
    for (text, line, message) in table {
        let stack = stack(&[("manifests/web.yaml", &format!("{head}{text}\n"))]);
        let values = stack.values(&profile("ha")).unwrap();
        let error = stack.render(&values, &stack.release(None, None)).unwrap_err().to_string();
        let place = format!("embedded:demo/manifests/web.yaml:{line}: ");
        assert!(error.starts_with(&place) && error.contains(message), "{text}\n{error}");
    }
}

#[test]
fn objects_that_cannot_be_told_are_refused() {
    let table = [
        ("a: 1", "`apiVersion` is missing"),
        ("- 1", "is not a Kubernetes object"),
        ("apiVersion: v1\nkind: List\nitems: []", "apart"),
        ("apiVersion: v1\nkind: Secret\nmetadata: {}", "`metadata.name` of this Secret"),
        ("apiVersion: v1\nkind: Secret\nmetadata: {name: A_b}", "not a DNS name"),
        ("apiVersion: v1\nkind: Deployment\nmetadata: {name: x}", "no kind Deployment in v1; it is in apps/v1"),
        (
            "apiVersion: v1\nkind: Service\nmetadata: {name: db}",
            "Service/db is also at embedded:demo/manifests/web.yaml:1",
        ),
        (
            "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: x, namespace: y}",
            "belongs to the whole cluster",
        ),
    ];
    for (text, message) in table {
        let stack = stack(&[("manifests/web.yaml", text)]);
        let values = stack.values(&profile("ha")).unwrap();
        let error = stack.render(&values, &stack.release(None, None)).unwrap_err().to_string();
        assert!(error.contains(message), "{text}\n{error}");
    }
}

#[test]
fn faults_of_stack_yaml_are_told_at_once_with_their_place() {
    let text = STACK
        .replace("title: Web\n", "titel: Web\n")
        .replace("after: [db]", "after: dp")
        .replace("nodes: 1", "nodes: one");
    let error = Stack::load(&folder(&[("stack.yaml", &text)])).unwrap_err().to_string();
    let expected = [
        "stack.yaml:9:5: components[0].titel: unknown key, did you mean `title`?",
        "components[0].after: expected a list, found the text `dp`",
        "needs.nodes: expected a whole number, found the text `one`",
    ];
    for expected in expected {
        assert!(error.contains(expected), "{expected}\n---\n{error}");
    }
}

/// Asserts that each change of a text is told of: what stands in it, what comes in its place, what is said then.
#[track_caller]
pub(crate) fn assert_told(text: &str, changes: &[(&str, &str, &str)], told: impl Fn(&str) -> String) {
    for (from, to, said) in changes {
        assert!(text.contains(from), "{from} is not in the text");
        let told = told(&text.replacen(from, to, 1));
        assert!(told.contains(said), "{to}\n---\n{told}");
    }
}

#[test]
fn what_does_not_fit_together_is_told() {
    let table = [
        ("name: demo", "name: other", "is not the folder's name, `demo`"),
        ("after: [db]", "after: [dbb]", "there is no component `dbb`, did you mean `db`?"),
        ("manifests: [db.yaml]", "manifests: [db.yml]", "there is no manifests/db.yml, did you mean `db.yaml`?"),
        ("manifests: [db.yaml]", "manifests: []", "manifests/db.yaml: no component uses it"),
        (
            "manifests: [db.yaml]",
            "manifests: [db.yaml, web.yaml]",
            "manifests/web.yaml is also used at components[0].manifests[0]",
        ),
        ("manifests: [db.yaml]", "manifests: [db.yaml]\n    after: [web]", "these wait for each other: web, db"),
        ("enabled: web.enabled", "enabled: web.enabeld", "no value `web.enabeld`, did you mean `web.enabled`?"),
        ("enabled: web.enabled", "enabled: web.replicas", "`web.replicas` is not true or false"),
        ("ha: {", "hha: {", "unknown profile; known are single-node, ha"),
        (
            "ha: {",
            "ha: {survives: [{loss: pod, holds: \"yes\", what: a}, {loss: pod, holds: \"no\", what: b}], ",
            "profiles.ha.survives[1].loss: the loss of a pod is told already",
        ),
        ("ha: {", "ha: {survives: [{loss: moon, holds: \"no\", what: a}], ", "`moon` is not one of pod, node, disk"),
        ("cpu: 500m", "cpu: 500mm", "`500mm` is not a quantity"),
        ("'>=1.23'", "'newest'", "is not a version requirement"),
        ("path: web.replicas", "path: web.replica", "did you mean `web.replicas`?"),
        ("values.web.replicas <= 9", "values.web.replicas <=", "rules[0].check: "),
        ("component: web", "component: wbe", "there is no component `wbe`, did you mean `web`?"),
        ("path: /,", "path: x,", "a path begins with `/`"),
        ("format: 1", "format: 2", "this program reads format 1"),
        (
            "format: 1",
            "format: 1\nsharedClass: web.replica",
            "sharedClass: the schema has no value `web.replica`, did you mean `web.replicas`?",
        ),
        (
            "format: 1",
            "format: 1\npodSecurity: lax",
            "podSecurity: `lax` is not one of privileged, baseline, restricted",
        ),
    ];
    assert_told(STACK, &table, |text| Stack::load(&folder(&[("stack.yaml", text)])).unwrap_err().to_string());
    let error = Stack::load(&folder(&[("notes.txt", "x")])).unwrap_err().to_string();
    assert_eq!(error, "embedded:demo/notes.txt: is not part of a stack; nothing reads it");
    let warnings = stack(&[("files/unused", "x")]).warnings().to_vec();
    assert_eq!(warnings[0].to_string(), "embedded:demo/files/unused: warning: no template uses `file('unused')`");
}

#[test]
fn prepare_gives_everything_an_installation_needs() {
    let stack = stack(&[]);
    let prepared = stack.prepare(&profile("ha"), &stack.release(None, Some("other"))).unwrap();
    assert_eq!(prepared.objects.len(), 5);
    assert!(prepared.objects.iter().all(|object| object.namespace() == "other"));
    assert_eq!(prepared.reach[0].service, "demo-web");
    let error = stack.prepare(&Choices::default(), &stack.release(None, None)).unwrap_err();
    assert_eq!(crate::error::Explain::id(&error), "missing-value");
    assert!(error.to_string().starts_with("web.password: is required"), "{error}");
}

#[test]
fn what_goes_wrong_never_shows_a_secret() {
    let account = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n";
    let table =
        ["data: {{ values.web.password }}", "immutable: {{ values.web.password }}", "zzz: {{ values.web.password.x }}"];
    for line in table {
        let stack = stack(&[("manifests/account.yaml", &format!("{account}{line}\n"))]);
        let choices = Choices { secrets: vec![("web.password".into(), "hunter2".into())], ..profile("ha") };
        let error = stack.prepare(&choices, &stack.release(None, None)).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
}

#[test]
fn a_secret_outside_of_a_secret_is_told() {
    let text = "apiVersion: v1\nkind: KIND\nmetadata:\n  name: x\nFIELD:\n  a: {{ 'p=' ~ values.web.password }}\n";
    let warnings = |kind, field| {
        let stack = stack(&[("manifests/account.yaml", &text.replace("KIND", kind).replace("FIELD", field))]);
        let choices = Choices { secrets: vec![("web.password".into(), "correct horse".into())], ..profile("ha") };
        stack.prepare(&choices, &stack.release(None, None)).unwrap().warnings
    };
    assert!(warnings("Secret", "stringData").is_empty());
    let told = warnings("ConfigMap", "data")[0].to_string();
    let expected = "manifests/account.yaml:6: warning: data.a: the secret `web.password` lies here in the clear; put it into a Secret (ConfigMap/x)";
    assert!(told.ends_with(expected), "{told}");
}

#[test]
fn a_template_that_misses_a_removed_value_says_who_removed_it() {
    let stack = stack(&[]);
    let choices = Choices { set: vec!["web.replicas=null".into()], ..profile("ha") };
    let values = stack.values(&choices).unwrap();
    let error = stack.render(&values, &stack.release(None, None)).unwrap_err().to_string();
    assert!(
        error.ends_with("`values.web.replicas` is undefined; it was removed with null (--set web.replicas)"),
        "{error}"
    );
}

#[test]
fn names_the_user_chose_are_checked() {
    let stack = stack(&[]);
    let (registry, pull_secret) = (Some("https://x".into()), Some("Login".into()));
    let release = Release { registry, pull_secret, ..stack.release(Some("My"), Some("a.b")) };
    let error = stack.prepare(&profile("ha"), &release).unwrap_err().to_string();
    for option in ["--name: `My`", "--namespace: `a.b`", "--registry: `https://x`", "--pull-secret: `Login`"] {
        assert!(error.contains(option), "{error}");
    }
}

#[test]
fn a_stack_of_one_namespace_goes_nowhere_else() {
    let stack = stack(&[(
        "stack.yaml",
        &STACK.replace("rules:", "namespace: default\nonlyNamespace: its code looks there\nrules:"),
    )]);
    assert!(stack.prepare(&profile("ha"), &stack.release(None, None)).is_ok());
    let error = stack.prepare(&profile("ha"), &stack.release(None, Some("other"))).unwrap_err().to_string();
    assert_eq!(error, "--namespace: `demo` works in the namespace `default` alone: its code looks there");
}

#[test]
fn large_files_and_odd_texts_pass_through_a_manifest_unchanged() {
    let large = format!(
        "{}\u{7f}\u{85}\u{2028}\u{feff}\u{1f600}\u{0}\ttab \\ \"quote\" {{ : # - &x *y\r\n",
        "0123456789 ".repeat(30_000)
    );
    let stack = stack(&[("files/page.html", &large.replace("{{", "{"))]);
    let objects = objects(&stack, &profile("ha"));
    assert_eq!(objects[2].object["data"]["page.html"], json!(large.replace("{{", "{")));
}

#[test]
fn a_file_can_use_names_and_other_files_but_not_itself() {
    let stack = |text: &str| stack(&[("files/page.html", text), ("files/inner", "{{ profile }}{{ stack.version }}")]);
    let objects = objects(&stack("a {{ file('inner') }} {{ values.web.replicas }}"), &profile("ha"));
    assert_eq!(objects[2].object["data"]["page.html"], json!("a ha1.2.3 3"));
    let table = [
        ("x\n{{ file('page.html') }}", "files/page.html:2: ", "includes itself"),
        ("x\n\n{{ values.zzz }}", "files/page.html:3: ", "`values.zzz` is undefined"),
        ("{{ none }}", "files/page.html:1: ", "is null"),
    ];
    for (text, place, message) in table {
        let stack = stack(text);
        let values = stack.values(&profile("ha")).unwrap();
        let error = stack.render(&values, &stack.release(None, None)).unwrap_err().to_string();
        assert!(error.contains(place) && error.contains(message), "{text}\n{error}");
    }
    let error = Stack::load(&folder(&[("files/page.html", "x\n{{ 1 + }}")])).unwrap_err().to_string();
    assert!(error.starts_with("embedded:demo/files/page.html:2: "), "{error}");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(40))]

    #[test]
    fn no_text_makes_anything_panic(
        path in proptest::sample::select(vec![
            "stack.yaml", "values.yaml", "values.schema.yaml", "ha.yaml", "example.yaml", "manifests/web.yaml", "files/page.html",
        ]),
        text in "([a-z]{1,8}: )?([-\\[\\]{}%|>'\"#:,.&*!~\\\\ \n0-9a-zé]|\\{\\{ | \\}\\}|\\{% if | %\\}|\n  |values|type|properties|kind){0,40}",
    ) {
        let report = validate(&folder(&[(path, &text)]));
        let _ = report.faults.iter().map(ToString::to_string).collect::<Vec<_>>();
    }

    #[test]
    fn no_change_of_a_stack_makes_anything_panic(at in 0..STACK.len(), cut in 0..40usize, text in "[-a-z:\\[\\]{}'\"\n 0-9]{0,8}") {
        let end = (at + cut).min(STACK.len());
        let changed = format!("{}{text}{}", &STACK[..at], &STACK[end..]);
        validate(&folder(&[("stack.yaml", &changed)]));
    }

    #[test]
    fn no_change_of_a_template_makes_anything_panic(at in 0..WEB.len(), cut in 0..40usize, text in "[-a-z:\\[\\]{}%'\"\n 0-9]{0,8}") {
        let end = (at + cut).min(WEB.len());
        let changed = format!("{}{text}{}", &WEB[..at], &WEB[end..]);
        validate(&folder(&[("manifests/web.yaml", &changed)]));
    }
}

#[test]
fn the_example_in_the_documentation_is_a_stack() {
    let page = include_str!("../../docs/writing-a-stack.md");
    let example = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let definition: Definition = typed::read(&yaml::node("docs", example).unwrap().to_value()).unwrap();
    assert_eq!(definition.components[0].after, ["mq"]);
    let formats = schema::formats::FORMATS.iter().map(|format| format.name).filter(|name| *name != "dns-name");
    for format in formats {
        assert!(page.contains(&format!("`{format}`")), "{format} is not documented");
    }
}
