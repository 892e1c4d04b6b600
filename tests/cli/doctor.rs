//! `doctor`, `why` and `explain`, on evidence from files.

use crate::test::Test;

/// A Deployment whose image does not exist, and the Service in front of it.
const BROKEN: &str = include_str!("../fixtures/cli/doctor/broken.yaml");

fn broken() -> Test {
    Test::new()
        .file("broken.yaml", BROKEN)
        .line("doctor --from broken.yaml --now 2026-11-20T10:00:00Z")
        .touches_nothing()
}

#[test]
fn the_first_line_names_the_root() {
    let output = broken().status(3).any_stdout().run();
    insta::assert_snapshot!("broken", output.stdout);
}

#[test]
fn letters_follow_the_terminal() {
    let output = broken().env("LANG", "C.UTF-8").status(3).any_stdout().run();
    assert!(output.stdout.starts_with("✘ Deployment/shop/web: "), "{}", output.stdout);
    let output = broken().env("LANG", "C.UTF-8").line("--plain").status(3).any_stdout().run();
    assert!(output.stdout.starts_with("[fail] Deployment/shop/web: "), "{}", output.stdout);
}

#[test]
fn one_document_for_programs() {
    let output = broken().line("-o json").status(3).any_stdout().run();
    let document = output.json();
    assert_eq!((&document["kind"], &document["healthy"]), (&"Doctor".into(), &false.into()));
    let finding = &document["findings"][0];
    assert_eq!((&finding["id"], &finding["severity"]), (&"P002".into(), &"error".into()));
    assert_eq!(finding["fingerprint"], "P002/Deployment/shop/web");
    assert_eq!(finding["causes"][0]["id"], "SV002");
    assert!(document["summary"]["unknown"].as_u64() > Some(0));
}

#[test]
fn what_counts_as_a_failure_can_be_chosen() {
    let warning = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: PersistentVolume\n  metadata: {name: pv-1}\n  spec: \
                   {persistentVolumeReclaimPolicy: Retain}\n  status: {phase: Released}\n";
    let test = |line: &str| Test::new().file("w.yaml", warning).line("doctor --from w.yaml").line(line).any_stdout();
    let output = test("").status(0).run();
    assert!(
        output.stdout.starts_with("[warn] PersistentVolume/pv-1: the volume pv-1 is Released"),
        "{}",
        output.stdout
    );
    test("--fail-on warning").status(3).run();
    let output = test("--fail-on warning --skip V012").status(0).run();
    let told = "[unkn] nothing found in what could be read by the checks that were asked: ";
    assert!(output.stdout.starts_with(told), "{}", output.stdout);
    test("--fail-on warning --only n,p001").status(0).run();
    test("--fail-on warning --only v").status(3).run();
    test("--fail-on warning -n shop").status(0).run();
}

#[test]
fn bad_input_is_named() {
    for (line, said) in [
        (
            "doctor --from gone.json",
            "error: gone.json: No such file or directory (os error 2)\n hint: name a file that is there and that you may read",
        ),
        ("doctor --from broken.yaml --only Q99", "error: there is no check `Q99`\n hint: "),
        ("explain X999", "error: there is no check `X999`\n hint:"),
        (
            "why web --from broken.yaml",
            "error: `web` names no object\n hint: write KIND/NAME, such as deploy/web or pvc/data",
        ),
        (
            "why barge/web --from broken.yaml",
            "error: the cluster has no kind called `barge`\n hint: `kubectl api-resources` lists the kinds",
        ),
        (
            "why deploymnet/web --from broken.yaml",
            "error: the cluster has no kind called `deploymnet`; did you mean `deployment`?\n hint: `kubectl api-resources`",
        ),
        ("why a/b/c/d --from broken.yaml", "error: `a/b/c/d` names no object\n hint: write KIND/NAME"),
        (
            "why deploy/shop/web -n sea --from broken.yaml",
            "error: `deploy/shop/web` names the namespace `shop`, and --namespace another one\n hint: leave one of them out",
        ),
        (
            "why deploy/wbe --from broken.yaml",
            "error: Deployment/default/wbe is not there; did you mean `deployment/web -n shop`?\n hint: see what is: `kubectl get deployment -A`",
        ),
    ] {
        let output = Test::new().file("broken.yaml", BROKEN).line(line).status(2).any_stderr().run();
        assert!(output.stderr.starts_with(said), "{line}: {}", output.stderr);
    }
    let output = Test::new().line("doctor --now 2026-11-20T10:00:00Z").status(2).any_stderr().run();
    assert!(output.stderr.contains("--from <FILE>"), "{}", output.stderr);
}

#[test]
fn evidence_is_kept_and_judged_again() {
    let first = broken().line("--save kept.json").status(3).any_stdout().any_stderr().run();
    let said = first.stdout.clone();
    assert_eq!(first.stderr.trim_end(), "evidence of 6 objects kept in kept.json");
    let again = Test::after(first).line("doctor --from kept.json").status(3).any_stdout().run();
    assert_eq!(said, again.stdout);
}

#[test]
fn five_lines_about_one_object() {
    for object in ["deploy/web", "po/web-5d-x", "svc/web", "Node/w1"] {
        let status = if object == "Node/w1" { 0 } else { 3 };
        let output = Test::new()
            .file("b.yaml", BROKEN)
            .args(["why", object, "--from", "b.yaml"])
            .status(status)
            .any_stdout()
            .run();
        insta::assert_snapshot!(object.replace('/', "-"), without_ages(&output.stdout));
    }
}

/// Objects as people name them, and what programs get.
#[test]
fn an_object_is_named_as_with_kubectl_and_told_to_programs() {
    let ask = |words: &[&str]| {
        let line = format!("why {} --from b.yaml -o json", words.join(" "));
        Test::new().file("b.yaml", BROKEN).line(&line).status(3).any_stdout().run().json()
    };
    let first = ask(&["deployments.apps/web"]);
    for words in [vec!["deploy", "web"], vec!["Deployment/shop/web"], vec!["deployments.v1.apps/web", "-n", "shop"]] {
        assert_eq!(ask(&words), first, "{words:?}");
    }
    assert_eq!((&first["kind"], &first["check"], &first["well"]), (&"Why".into(), &"P002".into(), &false.into()));
    let served = serde_json::json!({"about": "served", "says": "by Service/web", "amiss": false});
    assert_eq!(first["details"].as_array().unwrap().as_slice(), [served]);
}

#[test]
fn what_cannot_be_told_apart_or_read_is_said() {
    let map = |namespace: &str| {
        format!("- {{apiVersion: v1, kind: ConfigMap, metadata: {{name: c, namespace: {namespace}}}}}\n")
    };
    let list = format!("apiVersion: v1\nkind: List\nitems:\n{}{}", map("a"), map("b"));
    let test = |line: &str, status: i32| Test::new().file("l.yaml", &list).line(line).status(status);
    let several = test("why cm/c --from l.yaml", 2).any_stderr().run();
    assert_eq!(
        several.stderr.trim_end(),
        "error: there are several cm/c: in the namespaces a, b\n hint: say which with --namespace"
    );
    test("why cm/c -n b --from l.yaml", 0).any_stdout().run();
    let refused = "schemaVersion: 1\nkind: Evidence\ntaken: \"2026-11-20T10:00:00Z\"\nitems: []\nunread:\n- {kind: Secret, namespace: null, \
                   why: secrets is forbidden}\n";
    let unread = Test::new().file("e.yaml", refused).line("why secret/s --from e.yaml").status(2).any_stderr().run();
    assert_eq!(
        unread.stderr.trim_end(),
        "error: Secret/default/s could not be read: Secret could not be read: secrets is forbidden\n hint: ask for the right to read it"
    );
}

/// The time at which a file is judged is that of the file.
fn without_ages(text: &str) -> String {
    let words = text.split(' ').collect::<Vec<_>>();
    let is_age = |index: usize| {
        words
            .get(index + 1)
            .is_some_and(|unit| ["s", "min", "h"].contains(&unit.trim_end_matches([',', ':', '\n', ';'])))
    };
    words.iter().enumerate().map(|(index, word)| if is_age(index) { "N" } else { word }).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_check_is_explained_without_a_cluster() {
    let output = Test::new().line("explain p002").touches_nothing().any_stdout().run();
    insta::assert_snapshot!("explain", output.stdout);
    let list = Test::new().line("explain").touches_nothing().any_stdout().run();
    assert!(list.stdout.lines().count() > 80, "{}", list.stdout);
    let document = Test::new().line("explain SV002 -o json").any_stdout().run().json();
    assert_eq!((&document["kind"], &document["id"]), (&"Check".into(), &"SV002".into()));
}

/// A claim that waits for a default class where there is one class that could be it: something can be done about that.
const NO_DEFAULT: &str = "apiVersion: v1\nkind: List\nitems:\n\
    - {apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: slow, uid: s, resourceVersion: '1'}, provisioner: example.com/slow}\n\
    - {apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, namespace: shop, uid: d, creationTimestamp: 2026-11-20T09:00:00Z}, \
       spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}, status: {phase: Pending}}\n\
    - {apiVersion: v1, kind: Event, metadata: {name: e, namespace: shop}, reason: FailedBinding, count: 5, lastTimestamp: 2026-11-20T09:59:00Z, \
       message: no persistent volumes available for this claim and no storage class is set, \
       involvedObject: {apiVersion: v1, kind: PersistentVolumeClaim, name: data, namespace: shop, uid: d}}\n";

/// What is published is what is written: with findings, with what can be done, with nothing, and with suppressions.
#[test]
fn the_document_is_as_its_schema_says() {
    let schema: serde_json::Value = serde_json::from_str(include_str!("../../docs/doctor.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let quiet = "suppress: [{check: P002, object: '*', reason: known}, {check: V012, object: '*', reason: old, until: 2020-01-01}]";
    let healthy = "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Namespace, metadata: {name: a}}]\n";
    for (file, line, status) in [
        (BROKEN, "", 3),
        (NO_DEFAULT, "--now 2026-11-20T10:00:00Z", 3),
        (BROKEN, "--suppress quiet.yaml", 0),
        (healthy, "", 0),
    ] {
        let test = Test::new().file("e.yaml", file).file("quiet.yaml", quiet);
        let output = test.line("doctor --from e.yaml -o json").line(line).status(status).any_stdout().run();
        let document = output.json();
        assert_eq!(document.to_string().contains("\"remedy\":"), file == NO_DEFAULT, "{document:#}");
        let faults: Vec<String> =
            schema.iter_errors(&document).map(|fault| format!("{} at {}", fault, fault.instance_path())).collect();
        assert_eq!(faults, [""; 0], "{line}: {document}");
    }
    let mut wrong = broken().line("-o json").status(3).any_stdout().run().json();
    wrong["findings"][0]["severity"] = "terrible".into();
    assert!(!schema.is_valid(&wrong));
}

/// The evidence may be of a cluster that this machine does not even reach.
#[test]
fn nothing_of_a_file_is_done_to_the_cluster_that_is_chosen_here() {
    let now = "--now 2026-11-20T10:00:00Z";
    let output =
        Test::new().file("e.yaml", NO_DEFAULT).line("doctor --from e.yaml").line(now).status(3).any_stdout().run();
    let offered =
        "can:   make the class slow the default (on that cluster, `seaworthy doctor --fix` shows it, and asks)";
    assert!(output.stdout.contains(offered), "{}", output.stdout);
    assert!(output.stdout.ends_with("\nnext, on that cluster: seaworthy doctor --fix\n"), "{}", output.stdout);
}

#[test]
fn evidence_comes_from_standard_input_too() {
    let piped =
        |text: &str| Test::new().stdin(text).line("doctor --from - --now 2026-11-20T10:00:00Z").touches_nothing();
    let output = piped(BROKEN).status(3).any_stdout().run();
    assert!(output.stdout.starts_with("[fail] Deployment/shop/web: "), "{}", output.stdout);
    let output = piped("").status(2).any_stderr().run();
    assert!(output.stderr.starts_with("error: -: no Kubernetes list and no evidence"), "{}", output.stderr);
}

/// What cannot be had is refused with what is wrong about it, and with what can be given instead.
#[test]
fn what_cannot_be_had_so_is_refused_in_plain_words() {
    for (line, said) in [
        ("doctor --from .", "error: .: it is a folder without evidence.json"),
        (
            "doctor --from no.json",
            "error: no.json: No such file or directory (os error 2)\n hint: name a file that is there",
        ),
        ("doctor --from e.yaml --save .", "error: . is a folder\n hint: name a file in it that is not there yet"),
        ("doctor --from e.yaml --now yesterday", "expected a time such as 2026-11-20T10:00:00Z"),
        (
            "doctor --from e.yaml --sandbox",
            "error: --from names a file, and --sandbox a cluster\n hint: leave one of them out",
        ),
        ("why deploy/web --from e.yaml --context c", "error: --from names a file, and --context a cluster"),
        (
            "doctor --from r.json",
            "error: r.json: it is a report of the doctor, and not the evidence that it judged\n hint: give the evidence: `evidence.json`",
        ),
        ("doctor --from old.json", "error: old.json: it is a report of the doctor"),
        (
            "doctor --fix --read-only",
            "error: --fix changes the cluster, which is refused by --read-only\n hint: leave one of the two out",
        ),
        ("doctor --undo --read-only", "error: --undo changes the cluster"),
        ("doctor --fix --yes -o junit", "error: junit and sarif are of findings, and --fix tells of what was done"),
        ("doctor --from e.yaml --events no/such", "error: events cannot be written to no/such"),
        ("doctor hello -n shop --from e.yaml", "error: hello is not installed in namespace shop"),
    ] {
        let files = Test::new().file("e.yaml", BROKEN).file("r.json", "{\"kind\": \"Doctor\", \"headline\": \"x\"}");
        let output =
            files.file("old.json", "{\"headline\": \"x\"}").line(line).status(2).any_stderr().any_stdout().run();
        assert!(output.stderr.contains(said), "{line}: {}", output.stderr);
    }
}

#[test]
fn what_is_lived_with_is_counted_and_not_shown() {
    let quiet = "suppress:\n- {fingerprint: P002/Deployment/shop/web, reason: it comes on Monday, until: 2026-12-31}\n- {check: V012, object: PersistentVolume/*, reason: the old disk}\n- {check: P002, object: '*', reason: over, until: 2026-01-01}\n";
    let output = broken().file("quiet.yaml", quiet).line("--suppress quiet.yaml").status(0).any_stdout().run();
    insta::assert_snapshot!("suppressed", output.stdout);
    let document = broken().file("quiet.yaml", quiet).line("--suppress quiet.yaml -o json").any_stdout().run().json();
    assert!(document["summary"]["suppressed"].as_u64() > Some(0), "{document}");
    assert!(
        document["summary"]["errors"] == 0 && document["healthy"] == false,
        "six checks could not tell: {document}"
    );
    for (text, said) in [
        ("suppress: [{check: P002, object: '*'}]", "error: quiet.yaml:1:26: missing field `reason`"),
        ("suppress: [{check: P02, object: '*', reason: x}]", "error: quiet.yaml: suppress[0]: there is no check `P02`"),
    ] {
        let output = broken().file("quiet.yaml", text).line("--suppress quiet.yaml").status(2).any_stderr().run();
        assert!(output.stderr.starts_with(said) && output.stderr.contains(" hint: "), "{}", output.stderr);
    }
}

#[test]
fn ci_systems_read_junit() {
    let output = broken().line("-o junit").status(3).any_stdout().run();
    let cases = output.stdout.matches("<testcase ").count();
    assert!(output.stdout.contains(&format!("tests=\"{cases}\" failures=\"")) && cases > 125, "{}", output.stdout);
    let failed: Vec<&str> = output.stdout.lines().filter(|line| line.contains("<failure ")).collect();
    assert!(failed.iter().any(|line| line.contains("Deployment/shop/web: ")), "{failed:?}");
    let opened = ["testsuites", "testsuite", "failure", "system-out"];
    for tag in opened {
        let opens =
            output.stdout.matches(&format!("<{tag}>")).count() + output.stdout.matches(&format!("<{tag} ")).count();
        assert_eq!(opens, output.stdout.matches(&format!("</{tag}>")).count(), "{tag}");
    }
    let head: Vec<&str> =
        output.stdout.lines().filter(|line| !line.contains("<testcase") || line.contains("P002")).take(6).collect();
    insta::assert_snapshot!("junit", head.join("\n"));
}

#[test]
fn code_scanners_read_sarif() {
    let quiet = "suppress: [{check: SV002, object: '*', reason: known}]";
    let output = broken().file("q.yaml", quiet).line("-o sarif --suppress q.yaml").status(3).any_stdout().run();
    let document: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let run = &document["runs"][0];
    assert_eq!(document["version"], "2.1.0");
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert!(rules.len() >= 125 && !results.is_empty());
    let counted = Test::new().line("explain -o json").any_stdout().run().json()["items"].as_array().unwrap().len();
    assert_eq!(rules.len(), counted, "those of stacks, too");
    for result in results {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(["error", "warning", "note"].iter().any(|level| result["level"] == *level), "{result}");
        assert!(
            result["message"]["text"].is_string()
                && result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"].is_string()
        );
        assert!(result["partialFingerprints"]["seaworthy/v1"].is_string());
        assert_eq!(result["suppressions"].is_array(), result["ruleId"] == "SV002", "{result}");
    }
    assert!(results.iter().any(|result| result["ruleId"] == "P002"));
    let notes = run["invocations"][0]["toolExecutionNotifications"].as_array().unwrap();
    assert!(
        !notes.is_empty()
            && notes.iter().all(|note| note["message"]["text"].as_str().unwrap().starts_with("could not tell: "))
    );
}

#[test]
fn only_the_doctor_writes_for_scanners() {
    for format in ["junit", "sarif"] {
        let output = Test::new().line("stacks list -o").line(format).touches_nothing().status(2).any_stderr().run();
        assert!(output.stderr.starts_with("error: only doctor writes junit and sarif\n hint: "), "{}", output.stderr);
    }
    let output = Test::new().line("doctor --watch -o sarif").touches_nothing().status(2).any_stderr().run();
    assert!(output.stderr.contains("--watch goes on"), "{}", output.stderr);
}

#[test]
fn the_role_for_reading_is_printed() {
    let output = Test::new().line("doctor --print-role").touches_nothing().any_stdout().run();
    insta::assert_snapshot!("role", output.stdout);
}

/// The fingerprint of a finding means that one alone; a mistyped one is refused.
#[test]
fn one_finding_by_its_fingerprint() {
    let output = broken().line("--only P002/Deployment/shop/web -o json").status(3).any_stdout().run();
    assert_eq!(output.json()["findings"][0]["fingerprint"], "P002/Deployment/shop/web");
    let output = broken().line("--only P002/Deployment/shop/wbe -o json").any_stdout().run();
    assert_eq!(output.json()["findings"], serde_json::json!([]));
    let output = broken().line("--skip P002/Deployment/shop/web -o json").status(3).any_stdout().run();
    let others = &output.json()["findings"][0]["causes"];
    assert_eq!(others[0]["id"], "SV002", "what hangs below it was not left out");
    broken().line("--only P0O2/Deployment/shop/web").status(2).any_stderr().run();
}

#[test]
fn many_findings_of_one_check_are_counted() {
    let pod = |number: i32| {
        format!(
            "  - {{apiVersion: v1, kind: Pod, metadata: {{name: p, namespace: n{number}}}, spec: {{containers: []}}, status: {{phase: Running}}}}"
        )
    };
    let pods: Vec<String> = (0..12).map(pod).collect();
    let test = Test::new().file("pods.yaml", &format!("apiVersion: v1\nkind: List\nitems:\n{}\n", pods.join("\n")));
    let output = test.line("doctor --from pods.yaml --only P029").any_stdout().any_stderr().run();
    assert_eq!(output.stdout.matches("see:   seaworthy explain P029").count(), 10, "{}", output.stdout);
    assert!(
        output.stdout.contains("P029 info  2 more; `seaworthy doctor --only P029 -o json` names them"),
        "{}",
        output.stdout
    );
}
