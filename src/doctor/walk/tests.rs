use serde_json::{Value, json};

use super::*;
use crate::doctor::evidence::kept;
use crate::doctor::report::{Choice, judge};
use crate::doctor::stacks::examine;
use crate::plan::STACK_LABEL;
use crate::snapshot::{Snapshot, Unread};
use crate::stack::Catalogue;
use crate::stack::tests::{assert_told, folder};

const WALK: &str = "
symptom: the page does not come
about: {kind: Deployment, component: web}
steps:
- title: it is there
  at: {kind: Deployment, component: web}
  expect: [present]
  means: It makes the pods.
  otherwise: Install it.
- title: its pods begin
  at: {kind: Pod, component: web}
  checks: [P002]
  means: The image.
  otherwise: Push it.
  then: go-on
- title: it says nothing bad
  at: {kind: Pod, component: web}
  log: {says: 'no such table', ready: true}
  example: 'ERROR: no such table users'
  means: The database is empty.
  otherwise: 'Fill it: `kubectl -n NAMESPACE exec NAME -- fill`, never RENAME.'
- title: it has a replica
  at: {kind: Deployment, component: web}
  expect: [{at: /spec/replicas, above: 0}]
  example: {kind: Deployment, spec: {replicas: 0}}
  means: Nothing is wanted.
  otherwise: Scale it.
";

fn walks(text: &str) -> (Vec<Walk>, Vec<String>) {
    let (walks, faults) = form::read(&folder(&[("walks/no-page.yaml", text)]));
    (walks, faults.iter().map(ToString::to_string).collect())
}

fn the_walk() -> Walk {
    let (mut walks, faults) = walks(WALK);
    assert_eq!(faults, [""; 0]);
    walks.remove(0)
}

fn object(version: &str, kind: &str, name: &str, more: &Value) -> Value {
    let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "sea", "uid": name, "labels":
        {STACK_LABEL: "demo", "app.kubernetes.io/component": "web"}}});
    let fields = more.as_object().cloned().unwrap_or_default();
    object.as_object_mut().unwrap().extend(fields);
    object
}

fn pod(ready: bool, restarts: u64) -> Value {
    let status = if ready { "True" } else { "False" };
    let containers = json!([{"name": "c", "ready": ready, "restartCount": restarts, "state": {"running": {}}}]);
    object(
        "v1",
        "Pod",
        "web-1",
        &json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": status}],
        "containerStatuses": containers}}),
    )
}

fn deployment(replicas: u64) -> Value {
    object(
        "apps/v1",
        "Deployment",
        "web",
        &json!({"spec": {"replicas": replicas}, "status": {"readyReplicas": replicas}}),
    )
}

fn evidence(objects: Vec<Value>) -> Evidence {
    let mut snapshot = Snapshot::default();
    for object in objects {
        snapshot.insert(kept(object));
    }
    Evidence::new(snapshot, "2026-11-20T10:00:00Z".parse().unwrap())
}

fn walked(objects: Vec<Value>) -> Walked {
    gone(&the_walk(), &evidence(objects))
}

fn gone(one: &Walk, evidence: &Evidence) -> Walked {
    walk(one, "sea", evidence, &judge(evidence, &Choice::default()))
}

fn states(walked: &Walked) -> Vec<&'static str> {
    let word = |step: &WalkedStep| match step.state {
        Holding::Holds => "holds",
        Holding::DoesNotHold => "does not",
        Holding::CannotTell { .. } => "cannot tell",
        Holding::NothingToLookAt { .. } => "nothing",
    };
    walked.steps.iter().map(word).collect()
}

#[test]
fn what_is_wrong_with_the_form_is_told_with_its_remedy() {
    let changes = [
        ("symptom: the page does not come", "symptom: ''", "`symptom` is empty; say what the person sees"),
        ("symptom:", "symptoms:", "embedded:demo/walks/no-page.yaml:2:1: unknown field `symptoms`"),
        ("expect: [present]", "expect: [presnt]", "did you mean `present`?"),
        (
            "expect: [present]",
            "expect: [endpoints]",
            "steps[0]: `endpoints` cannot be expected of a Deployment; of Service it can",
        ),
        ("expect: [present]", "expect: [present]\n  checks: [P001]", "steps[0]: give one of `expect`, `checks`, `log`"),
        ("expect: [present]", "expect: [{log: x}]", "steps[0]: `expect` takes `at`; a log has the field `log`"),
        (
            "expect: [present]",
            "expect: [{key: a}]",
            "`key` cannot be expected of a Deployment; of ConfigMap, Secret it can",
        ),
        ("expect: [present]", "expect: [present]\n  example: x", "`example` proves nothing here"),
        ("checks: [P002]", "checks: [P0002x]", "steps[1]: there is no check `P0002x`"),
        ("checks: [P002]", "checks: [demo/gone]", "steps[1].checks: the stack has no check `demo/gone`"),
        (
            "kind: Pod, component: web}\n  checks",
            "kind: Pdo, component: web}\n  checks",
            "steps[1]: `Pdo` is no kind that the doctor reads, did you mean `Pod`?",
        ),
        ("kind: Pod, component: web}\n  log", "kind: Job, component: web}\n  log", "steps[2]: only pods have a log"),
        ("'no such table', ready", "'no such (table', ready", "unclosed group"),
        ("no such table users", "all is well", "steps[2]: `example` is no line that `no such table` finds"),
        ("  example: 'ERROR: no such table users'\n", "", "`example` is missing: a line that `says` has to find"),
        ("spec: {replicas: 0}}", "spec: {replicas: 1}}", "`example` is as it should be"),
        ("then: go-on", "then: run", "unknown variant `run`"),
        ("otherwise: Install it.", "otherwise: ''", "steps[0]: `otherwise` is empty"),
        ("about: {kind: Deployment", "about: {kind: Deploy", "about: `Deploy` is no kind that the doctor reads"),
    ];
    assert_told(WALK, &changes, |text| {
        let folder = folder(&[("walks/no-page.yaml", text)]);
        let told: Vec<String> = examine(&folder).faults(false).iter().map(ToString::to_string).collect();
        told.join("\n")
    });
    let (_, told) = form::read(&folder(&[
        ("walks/No Page.yaml", WALK),
        ("walks/a.yaml", "symptom: x\nabout: {kind: Pod}\nsteps: []\n"),
    ]));
    assert!(told[0].to_string().contains("a walk-through is a file NAME.yaml"), "{told:?}");
    assert!(told[1].to_string().contains("`steps` is empty"), "{told:?}");
}

#[test]
fn components_are_those_of_some_profile() {
    let folder = folder(&[("walks/no-page.yaml", WALK)]);
    let mut proof = examine(&folder);
    let made = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "labels": {"app.kubernetes.io/component": "wbe"}}});
    proof.used_by(std::iter::once(&made));
    let told: Vec<String> = proof.faults(true).iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 5, "{told:#?}");
    let said =
        "embedded:demo/walks/no-page.yaml: about: no profile makes anything of a component `web`, did you mean `wbe`?";
    assert_eq!(told[0], said);
}

#[test]
fn what_is_well_holds_and_a_log_has_to_be_read_first() {
    let walked = walked(vec![deployment(1), pod(true, 0)]);
    assert_eq!(states(&walked), ["holds", "holds", "cannot tell", "holds"]);
    let ask =
        LogAsk { namespace: "sea".to_owned(), pod: "web-1".to_owned(), container: "c".to_owned(), previous: false };
    assert_eq!((walked.cause, walked.asks()), (None, vec![ask.clone()]));
    let heard = |said: Result<&str, &str>| {
        let mut words = Words::default();
        words.keep(ask.clone(), said.map(str::to_owned).map_err(str::to_owned));
        walked.clone().heard(&words)
    };
    let good = heard(Ok("ready\nlistening"));
    assert_eq!((states(&good)[2], good.counts()), ("holds", [4, 0, 0, 0]));
    let bad = heard(Ok("ERROR: no such table users\nbye"));
    assert_eq!((states(&bad)[2], bad.cause), ("does not", Some(2)));
    assert_eq!(good.steps[2].seen, ["no line of the log's last 200 is like `ERROR: no such table users`"]);
    assert_eq!(bad.steps[2].seen, ["pod web-1, container c: ERROR: no such table users"]);
    let Holding::CannotTell { because } = &heard(Err("forbidden")).steps[2].state.clone() else { panic!() };
    assert_eq!(because, "the log of pod web-1, container c, could not be read: forbidden");
}

/// What a container said that has ended is in the log of the one before, also while none runs.
#[test]
fn a_container_that_ended_is_asked_for_its_last_log() {
    let mut crashed = pod(false, 2);
    crashed["status"]["containerStatuses"][0]["state"] = json!({"waiting": {"reason": "CrashLoopBackOff"}});
    let asks = walked(vec![deployment(1), crashed]).asks();
    assert_eq!(asks.iter().map(|ask| ask.previous).collect::<Vec<_>>(), [true]);
    let asks = walked(vec![deployment(1), pod(false, 2)]).asks();
    assert_eq!(asks.iter().map(|ask| ask.previous).collect::<Vec<_>>(), [false, true]);
    assert_eq!(walked(vec![deployment(1), pod(true, 2)]).asks().len(), 1, "it is well again");
}

#[test]
fn the_first_step_with_a_last_word_names_the_cause() {
    let mut waiting = pod(false, 0);
    waiting["spec"] = json!({"nodeName": "w1", "containers": [{"name": "c", "image": "example/web:2"}]});
    waiting["status"]["containerStatuses"][0]["state"] = json!({"waiting": {"reason": "ImagePullBackOff", "message":
        "Back-off pulling image \"example/web:2\": ErrImagePull: rpc error: code = NotFound desc = failed to resolve reference \"registry.example.com/example/web:2\": registry.example.com/example/web:2: not found"}});
    let walked = walked(vec![deployment(0), waiting]);
    assert_eq!(states(&walked), ["holds", "does not", "cannot tell", "does not"]);
    // The second step goes on, so that the fourth is the one that names it.
    assert_eq!(walked.cause, Some(3));
    let step = &walked.steps[1];
    assert_eq!(step.findings[0].id, "P002");
    assert!(step.seen[0].starts_with("P002 Pod/sea/web-1: "), "{:?}", step.seen);
    assert!(
        matches!(&walked.steps[2].state, Holding::CannotTell { because } if because == "no container has begun, so that there is no log")
    );
    assert_eq!(walked.steps[3].seen, ["Deployment web: scaled to nothing; /spec/replicas is 0"]);
}

#[test]
fn what_is_not_there_and_what_was_not_read_are_two_things() {
    let absent = walked(vec![]);
    assert_eq!(states(&absent), ["does not", "cannot tell", "cannot tell", "cannot tell"]);
    assert_eq!(absent.steps[0].seen, ["there is no Deployment of web in namespace sea"]);
    let mut unread = evidence(vec![]);
    unread.snapshot.unread.push(Unread { kind: "Deployment".to_owned(), namespace: None, why: "forbidden".to_owned() });
    let unread = gone(&the_walk(), &unread);
    assert_eq!((states(&unread)[0], unread.cause), ("cannot tell", None));
    let mut other = evidence(vec![]);
    other.only = Some("hill".to_owned());
    assert_eq!(states(&gone(&the_walk(), &other))[0], "cannot tell");
}

const SCALED: &str = "
symptom: nothing answers
about: {kind: Deployment, component: web}
steps:
- {title: its image can be had, at: {kind: Pod, component: web}, checks: [P002], means: m, otherwise: o, none: web.enabled is off}
- {title: one answers, at: {kind: Deployment, component: web}, checks: [P002], means: m, otherwise: Run one.}
- {title: it is ready, at: {kind: Deployment, component: web}, expect: [ready], means: m, otherwise: o}
- {title: it can be reached, at: {kind: Service, component: web}, expect: [endpoints], means: m, otherwise: o}
- {title: it has a way in, at: {kind: Ingress, component: web}, expect: [class], means: m, otherwise: o, none: web.ingress is off}
";

/// No pod of none is ready: that is the cause, and no proof that all is well.
#[test]
fn what_is_scaled_to_nothing_is_named_as_the_cause() {
    let mut idle = deployment(0);
    idle["spec"]["template"] = json!({"metadata": {"labels": {"app": "web"}}});
    let service = object("v1", "Service", "web", &json!({"spec": {"selector": {"app": "web"}}}));
    let (mut walks, faults) = walks(SCALED);
    assert_eq!(faults, [""; 0]);
    let walked = gone(&walks.remove(0), &evidence(vec![idle, service]));
    assert_eq!(states(&walked), ["cannot tell", "does not", "does not", "does not", "nothing"]);
    assert_eq!((walked.cause, walked.counts()), (Some(1), [0, 3, 1, 1]));
    let Holding::CannotTell { because } = &walked.steps[0].state else { panic!("{:?}", walked.steps[0]) };
    assert_eq!(because, "there is no Pod of web in namespace sea: Deployment/web is scaled to nothing");
    let Holding::NothingToLookAt { because } = &walked.steps[4].state else { panic!("{:?}", walked.steps[4]) };
    assert_eq!(because, "there is no Ingress of web in namespace sea: web.ingress is off");
    assert_eq!(walked.steps[1].seen, ["Deployment web: scaled to nothing"]);
    assert!(
        walked.steps[3].seen[0].ends_with("Deployment/web behind it is scaled to nothing"),
        "{:?}",
        walked.steps[3]
    );
    for step in &walked.steps[1..4] {
        assert!(step.otherwise.contains("`kubectl scale deployment web -n sea --replicas=1`"), "{step:#?}");
        assert_eq!(step.findings, [], "the finding is in what to do already: {}", step.title);
    }
}

#[test]
fn a_container_that_runs_and_is_not_ready_does_not_answer() {
    let step = "symptom: s\nabout: {kind: Pod}\nsteps:\n- {title: t, at: {kind: Pod, component: web}, expect: [answers], means: m, otherwise: o}\n";
    let of = |pod: Value| {
        let (mut walks, faults) = walks(step);
        assert_eq!(faults, [""; 0]);
        gone(&walks.remove(0), &evidence(vec![pod]))
    };
    assert_eq!(states(&of(pod(true, 0))), ["holds"]);
    assert_eq!(states(&of(pod(false, 0))), ["does not"]);
    let mut waiting = pod(false, 0);
    waiting["status"]["containerStatuses"][0]["state"] = json!({"waiting": {"reason": "ContainerCreating"}});
    assert_eq!(states(&of(waiting)), ["cannot tell"]);
}

#[test]
fn commands_select_by_labels_that_the_objects_carry() {
    let mut charted = deployment(1);
    charted["metadata"]["labels"]["app.kubernetes.io/name"] = json!("demo");
    let mut crashed = pod(false, 3);
    crashed["metadata"]["labels"]["app.kubernetes.io/name"] = json!("demo");
    let walked = walked(vec![charted, crashed]);
    let commands: Vec<&str> = walked.steps.iter().map(|step| step.command.as_str()).collect();
    assert_eq!(
        commands,
        [
            "kubectl -n sea get deployment -l app.kubernetes.io/name=demo,app.kubernetes.io/component=web -o wide",
            "kubectl -n sea describe pod -l app.kubernetes.io/name=demo,app.kubernetes.io/component=web",
            "kubectl -n sea logs -l app.kubernetes.io/name=demo,app.kubernetes.io/component=web --all-containers --tail=200 --previous --prefix",
            "kubectl -n sea get deployment -l app.kubernetes.io/name=demo,app.kubernetes.io/component=web -o wide",
        ]
    );
    assert_eq!(walked.steps[2].otherwise, "Fill it: `kubectl -n sea exec web-1 -- fill`, never RENAME.");
}

#[test]
fn each_named_expectation_fails_where_it_should() {
    let step = |at: &str, expect: &str| {
        let step = format!("- {{title: t, at: {at}, expect: [{expect}], means: m, otherwise: o}}");
        let (mut walks, faults) = walks(&format!("symptom: s\nabout: {{kind: Pod}}\nsteps:\n{step}\n"));
        assert_eq!(faults, [""; 0], "{step}");
        walks.remove(0)
    };
    let claim = |phase: &str| {
        object(
            "v1",
            "PersistentVolumeClaim",
            "data",
            &json!({"spec": {"storageClassName": "fast-ssd"}, "status": {"phase": phase}}),
        )
    };
    let service = object("v1", "Service", "web", &json!({"spec": {"type": "LoadBalancer", "selector": {"a": "b"}}}));
    let ingress = object("networking.k8s.io/v1", "Ingress", "web", &json!({"spec": {"ingressClassName": "nginx"}}));
    let config = object("v1", "ConfigMap", "web", &json!({"data": {"other": ""}}));
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}});
    for (at, expect, made, seen) in [
        ("{kind: PersistentVolumeClaim}", "bound", claim("Pending"), "is Pending, not Bound"),
        ("{kind: PersistentVolumeClaim}", "class", claim("Pending"), "there is no StorageClass fast-ssd"),
        ("{kind: PersistentVolumeClaim}", "ready", claim("Pending"), "not bound to a volume yet"),
        ("{kind: Service}", "endpoints", service.clone(), "no pod that is ready stands behind it"),
        ("{kind: Service}", "address", service, "has no address"),
        ("{kind: Ingress}", "class", ingress, "there is no IngressClass nginx"),
        ("{kind: ConfigMap}", "{key: table.csv}", config, "keys other; has no key `table.csv`"),
        ("{kind: Node}", "ready", node, "is not ready"),
        ("{kind: Pod, component: web}", "ready", pod(false, 1), "pod web-1: Running, 1 restart"),
        ("{kind: Secret, name: key}", "present", deployment(1), "there is no Secret key in namespace sea"),
    ] {
        let walked = gone(&step(at, expect), &evidence(vec![made]));
        assert_eq!(states(&walked), ["does not"], "{at} {expect}");
        assert!(walked.steps[0].seen[0].contains(seen), "{at} {expect}: {:?}", walked.steps[0].seen);
    }
    // A volume that is there needs no class any more.
    assert_eq!(
        states(&gone(&step("{kind: PersistentVolumeClaim}", "class"), &evidence(vec![claim("Bound")]))),
        ["holds"]
    );
}

/// Whatever is built in can be read, and leads only to what there is.
#[test]
fn what_is_built_in_is_whole() {
    let catalogue = Catalogue::default();
    let named = regex::Regex::new("`seaworthy doctor ([a-z0-9-]+) --walk ([a-z-]+) -n NAMESPACE`").unwrap();
    let bare = regex::Regex::new("(?i)(?:go through|see|and) `[a-z]+-[a-z-]+`").unwrap();
    let mut led = 0;
    let mut number = 0;
    for name in catalogue.names() {
        let folder = catalogue.folder(&name).unwrap();
        let (walks, faults) = form::read(&folder);
        assert_eq!(faults, [], "{name}");
        number += walks.len();
        for one in &walks {
            let texts = one.steps.iter().flat_map(|step| [&step.otherwise, &step.means]);
            let texts: Vec<&str> = texts.map(String::as_str).collect();
            let texts = texts.join("\n");
            assert!(!bare.is_match(&texts), "{name}/{}: a name is no command: {texts}", one.name);
            for found in named.captures_iter(&texts) {
                led += 1;
                let is_there = name == found[1] && walks.iter().any(|walk| walk.name == found[2]);
                assert!(is_there, "{name}/{}: {}", one.name, &found[0]);
            }
        }
    }
    assert!(number >= 30 && led >= 30, "{number} {led}");
}
