use serde_json::json;

use super::*;
use crate::cluster::ClusterId;
use crate::engine::journal::Inputs;
use crate::plan::install::Policy;
use crate::plan::{Action, Change, Plan, Step};

fn installation() -> Installation {
    let own = |text: &str| text.to_owned();
    Installation {
        stack: own("shop"),
        version: own("1"),
        namespace: own("sea"),
        release: own("shop"),
        profile: own("ha"),
    }
}

fn object(kind: &str) -> Value {
    let api_version = if kind == "Deployment" { "apps/v1" } else { "v1" };
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "x", "namespace": "sea",
        "labels": {STACK_LABEL: "shop", NAMESPACE_LABEL: "sea"}}})
}

fn inputs() -> Inputs {
    let own = |text: &str| text.to_owned();
    let (values, policy) = (Value::Null, Policy::default());
    Inputs {
        binary: own("0"),
        stack_version: own("1"),
        release: own("shop"),
        profile: own("ha"),
        values,
        policy,
        ..Inputs::default()
    }
}

fn run(id: &str, purpose: Purpose, state: RunState) -> RunRecord {
    let object = object("Deployment");
    let step = Step {
        id: "apply".to_owned(),
        title: "create".to_owned(),
        component: None,
        needs: Vec::new(),
        action: Action::Apply { object },
        change: Change::Create,
    };
    let cluster = ClusterId { context: "c".to_owned(), server: "s".to_owned(), uid: "u".to_owned() };
    RunRecord {
        run: id.to_owned(),
        at: jiff::Timestamp::UNIX_EPOCH,
        command: None,
        inputs: inputs(),
        plan: Plan {
            purpose,
            installation: installation(),
            cluster,
            steps: vec![step],
            reach: Vec::new(),
            occasion: None,
        },
        state,
        done: BTreeSet::new(),
        agreed: BTreeSet::new(),
        causes: Vec::new(),
        resumed: 0,
        times: crate::engine::journal::Times::default(),
    }
}

fn record(run: &str) -> InstallRecord {
    InstallRecord {
        format: 1,
        installation: installation(),
        inputs: inputs(),
        inventory: Vec::new(),
        reach: Vec::new(),
        run: run.to_owned(),
    }
}

fn stage(records: &[InstallRecord], kinds: &[&str], runs: &[RunRecord]) -> Option<Stage> {
    let mut labelled = Snapshot::default();
    for kind in kinds {
        labelled.insert(object(kind));
    }
    let found = installations(records, &labelled, runs, &Sought::default());
    assert!(found.len() < 2, "{found:?}");
    found.first().map(|found| found.stage)
}

#[test]
fn what_is_known_is_put_together() {
    use Purpose::{Install, Uninstall};
    use RunState::{Abandoned, Done, Failed, Interrupted, Open};
    let old = "20260101-000000";
    let new = "20260102-000000";
    let all: &[&str] = &["Deployment", "PersistentVolumeClaim"];
    let data: &[&str] = &["PersistentVolumeClaim"];
    let one = |purpose, state| vec![run(new, purpose, state)];
    let cases = [
        ("nothing", vec![], &[][..], vec![], None),
        ("a first install failed", vec![], all, one(Install, Failed), Some(Stage::Unfinished)),
        ("it failed before it made anything", vec![], &[], one(Install, Failed), None),
        ("killed, on another machine", vec![], all, vec![], Some(Stage::Unfinished)),
        ("killed before it made anything", vec![], &[], one(Install, Open), Some(Stage::Unfinished)),
        ("finished", vec![record(new)], all, one(Install, Done), Some(Stage::Finished)),
        ("finished, and the record was refused", vec![], all, one(Install, Done), Some(Stage::Finished)),
        ("finished elsewhere", vec![record(new)], all, vec![run(old, Install, Open)], Some(Stage::Finished)),
        ("an upgrade was killed", vec![record(old)], all, one(Install, Open), Some(Stage::Unfinished)),
        ("an upgrade failed", vec![record(old)], all, one(Install, Failed), Some(Stage::Finished)),
        ("taken away", vec![], &[], one(Uninstall, Done), None),
        ("taken away but for its data", vec![], data, one(Uninstall, Done), Some(Stage::Leftover)),
        ("taken away on another machine", vec![], data, vec![], Some(Stage::Leftover)),
        ("taken away elsewhere since", vec![], &[], one(Install, Done), None),
        ("half taken away", vec![record(old)], all, one(Uninstall, Interrupted), Some(Stage::Unfinished)),
        ("not quite taken away", vec![record(old)], all, one(Uninstall, Failed), Some(Stage::Unfinished)),
        ("given up", vec![], &[], one(Install, Abandoned), None),
    ];
    for (name, records, kinds, runs, wanted) in cases {
        assert_eq!(stage(&records, kinds, &runs), wanted, "{name}");
    }
}

#[test]
fn only_what_is_sought_is_found() {
    let mut labelled = Snapshot::default();
    labelled.insert(object("Deployment"));
    let count = |stack: Option<&str>, namespace: Option<&str>| {
        let sought = Sought { stack: stack.map(str::to_owned), namespace: namespace.map(str::to_owned) };
        installations(&[], &labelled, &[run("1", Purpose::Install, RunState::Open)], &sought).len()
    };
    assert_eq!((count(None, None), count(None, Some("sea")), count(Some("shop"), Some("sea"))), (1, 1, 1));
    assert_eq!((count(None, Some("land")), count(Some("boat"), None)), (0, 0));
}
