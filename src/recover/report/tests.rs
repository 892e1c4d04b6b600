use serde_json::json;

use super::*;
use crate::doctor::{Cause, Outlook};
use crate::engine::journal::{Inputs, Times, Took};
use crate::plan::Action;
use crate::plan::verb::{ORIGINAL_POLICY, Pinned};
use crate::plan::{Plan, Purpose};
use crate::recover::join::{claim_ref, volume_ref};

fn at(second: i64) -> Timestamp {
    Timestamp::new(second, 0).unwrap()
}

fn step(verb: Verb) -> Step {
    let (id, title, change) = (verb.id(), verb.title(), verb.change());
    let action = Action::Rescue { verb: Box::new(verb), limit: 1 };
    Step { id, title, component: None, needs: Vec::new(), action, change }
}

fn pinned(object: ObjectRef) -> Pinned {
    Pinned { object, uid: "u".to_owned() }
}

fn record(steps: Vec<Step>, state: RunState) -> RunRecord {
    let own = str::to_owned;
    let lost = Lost {
        claim: claim_ref("n", "c"),
        volume: Some(own("v")),
        kind: Some(own("claim-lost")),
        facts: vec![own("one"), own("two")],
        data: own("PersistentVolumeClaim/n/c, /opt/v on host-1"),
        used_by: vec![own("core")],
        still_works: Vec::new(),
        last_good: Some(at(10)),
        files_then: Some(3),
    };
    let occasion = Occasion {
        playbook: own("rebind"),
        title: own("Bind it back"),
        at: at(100),
        by: own("ada, process 7 on harbour"),
        losses: vec![lost],
        lost: own("nothing"),
        untouched: own("the rest"),
        returns: own("all"),
        agreed: vec![claim_ref("n", "c")],
    };
    let installation = Installation {
        stack: own("shop"),
        version: own("1"),
        namespace: own("n"),
        release: own("shop"),
        profile: own("ha"),
    };
    let cluster = ClusterId { context: own("dev"), server: own("s"), uid: own("u") };
    let plan = Plan {
        purpose: Purpose::Recover,
        installation,
        cluster,
        steps,
        reach: Vec::new(),
        occasion: Some(Box::new(occasion)),
    };
    RunRecord {
        run: own("1"),
        at: at(101),
        command: None,
        inputs: Inputs::default(),
        plan,
        state,
        done: [].into(),
        agreed: [].into(),
        causes: Vec::new(),
        resumed: 0,
        times: Times { since: at(101), until: at(131), steps: [].into() },
    }
}

fn done(step: &Step, second: i64, note: Option<&str>) -> Entry {
    let took = Took { millis: Some(2000), after: None };
    Entry::Done { step: step.id.clone(), at: at(second), changed: true, note: note.map(str::to_owned), took }
}

fn aside() -> Step {
    step(Verb::Keep { volume: pinned(volume_ref("v")), quarantine: Some("replaced".to_owned()) })
}

fn fresh() -> Step {
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c", "namespace": "n"}, "spec": {}});
    step(Verb::Create { object: claim, instead_of: None })
}

#[test]
fn what_became_of_the_data_follows_from_what_was_done() {
    let bound = step(Verb::Bound { claim: claim_ref("n", "c"), volume: Some("v".to_owned()) });
    let cases = [
        (vec![bound], RunState::Done, Verdict::Saved),
        (vec![aside(), fresh()], RunState::Done, Verdict::KeptAside),
        (vec![fresh()], RunState::Done, Verdict::Lost),
        (vec![aside(), fresh()], RunState::Failed, Verdict::Undecided),
    ];
    for (steps, state, expected) in cases {
        let told = report(&record(steps.clone(), state), &[], &[]).unwrap();
        assert_eq!(told.data[0].verdict, expected, "{steps:#?}");
    }
}

#[test]
fn the_document_tells_who_did_what_when() {
    let ask = step(Verb::Ask { question: "is it back?".to_owned(), word: None });
    let count = step(Verb::Count { claim: claim_ref("n", "c"), at_least: 1 });
    let bound = step(Verb::Bound { claim: claim_ref("n", "c"), volume: Some("v".to_owned()) });
    let entries = [
        Entry::Answered { step: ask.id.clone(), at: at(105), agreed: true },
        done(&ask, 105, Some("yes")),
        done(&bound, 110, Some("Bound to v")),
        done(&count, 112, Some("3 files")),
        Entry::Closed { at: at(131), ended: Ended::Done },
    ];
    let notes = [Note { at: at(103), text: "called | the datacentre".to_owned() }];
    let told = report(&record(vec![ask, bound, count], RunState::Done), &entries, &notes).unwrap();
    assert_eq!((told.seconds, told.seconds_asked, told.last_good), (30.0, 2.0, Some(at(10))));
    insta::assert_snapshot!(told.markdown());
}

#[test]
fn what_failed_and_what_is_next_is_said() {
    let mut record = record(vec![aside(), fresh()], RunState::Failed);
    record.causes = vec![Cause {
        id: "x".to_owned(),
        object: None,
        reason: "R".to_owned(),
        message: "the disk is full".to_owned(),
        remedy: None,
        outlook: Outlook::Final,
    }];
    let entries = [done(&aside(), 102, None)];
    let told = report(&record, &entries, &[]).unwrap();
    assert_eq!(told.failures, ["the disk is full"]);
    assert!(told.left[0].contains("PersistentVolume/v, put aside"), "{:?}", told.left);
    assert!(told.next[0].contains("seaworthy runs resume 1"), "{:?}", told.next);
    record.plan.occasion = None;
    assert_eq!(report(&record, &entries, &[]), None);
}

/// What only stood still while something outside of the cluster was mended is there; a namespace that was let go is gone.
#[test]
fn of_a_namespace_that_is_done_something_is_decided() {
    let verdict = |verb: Verb, state: RunState| {
        let mut record = record(vec![step(verb)], state);
        let occasion = record.plan.occasion.as_mut().unwrap();
        occasion.losses[0].claim = crate::recover::subject::namespace("n");
        report(&record, &[], &[]).unwrap().data[0].verdict
    };
    let ask = || Verb::Ask { question: "is it back?".to_owned(), word: None };
    let object = crate::recover::subject::namespace("n");
    let gone = Verb::Tend { object, act: Tend::Gone { uid: "u".to_owned() } };
    assert_eq!(verdict(ask(), RunState::Done), Verdict::Untouched);
    assert_eq!(verdict(ask(), RunState::Failed), Verdict::Undecided);
    assert_eq!(verdict(gone, RunState::Done), Verdict::VolumesKept);
}

#[test]
fn a_volume_that_was_given_more_room_is_there_as_it_was() {
    let grown =
        || Verb::Tend { object: claim_ref("n", "c"), act: Tend::Grown { uid: "u".to_owned(), size: "2Gi".to_owned() } };
    let verdict = |state| report(&record(vec![step(grown())], state), &[], &[]).unwrap().data[0].verdict;
    assert_eq!(verdict(RunState::Done), Verdict::Untouched);
    assert_eq!(verdict(RunState::Failed), Verdict::Undecided);
}

#[test]
fn a_volume_that_was_erased_and_a_claim_whose_former_volume_is_gone_are_told() {
    let erase = step(Verb::Tend { object: volume_ref("v"), act: Tend::Erase { uid: "u".to_owned() } });
    assert_eq!(report(&record(vec![erase], RunState::Done), &[], &[]).unwrap().data[0].verdict, Verdict::Erased);
    let bound = || vec![step(Verb::Bound { claim: claim_ref("n", "c"), volume: None })];
    let told = report(&record(bound(), RunState::Done), &[], &[]).unwrap();
    assert_eq!(told.data[0].verdict, Verdict::Lost);
    assert!(told.next.iter().any(|next| next.contains("only from a backup")), "{:?}", told.next);
    let mut first = record(bound(), RunState::Done);
    first.plan.occasion.as_mut().unwrap().losses[0].volume = None;
    assert_eq!(report(&first, &[], &[]).unwrap().data[0].verdict, Verdict::First);
}

#[test]
fn a_volume_is_told_once_and_what_is_next_names_it() {
    let keep = step(Verb::Keep { volume: pinned(volume_ref("v")), quarantine: None });
    let claim = pinned(claim_ref("n", "c"));
    let copy = step(Verb::CopyOut { claim, folder: "/x/data".to_owned(), image: None, quiet: true });
    let told = report(&record(vec![keep, copy, aside(), fresh()], RunState::Done), &[], &[]).unwrap();
    let of_volume: Vec<&String> = told.left.iter().filter(|left| left.contains("PersistentVolume/v")).collect();
    assert_eq!(of_volume, ["PersistentVolume/v, put aside with its bytes; nothing deletes it"]);
    assert!(told.left.iter().any(|left| left.contains("/x/data/n.c.tar")), "{:?}", told.left);
    assert!(told.next[0].contains("`seaworthy recover erase --claim n/c --set volume=v`"), "{:?}", told.next);
}

#[test]
fn a_volume_that_was_made_anew_says_what_its_policy_was() {
    let volume = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "v", "annotations": {ORIGINAL_POLICY: "Delete"}}});
    let made = step(Verb::Create { object: volume, instead_of: None });
    let told = report(&record(vec![made], RunState::Done), &[], &[]).unwrap();
    assert!(told.left[0].contains("it was Delete before: `kubectl patch pv v"), "{:?}", told.left);
}

#[test]
fn what_was_told_to_start_is_not_said_to_be_stopped() {
    let workload = pinned(ObjectRef::new("apps/v1", "Deployment", Some("n"), "web"));
    let scale = |to| step(Verb::Scale { workload: workload.clone(), to, original: 1 });
    let (stop, start) = (scale(0), scale(1));
    let begun = Entry::Intent { step: start.id.clone(), at: at(104) };
    let entries = [done(&stop, 103, None), begun];
    let told = report(&record(vec![stop.clone(), start.clone()], RunState::Interrupted), &entries, &[]).unwrap();
    assert!(told.left[0].contains("was told to start with 1 replica;"), "{:?}", told.left);
    assert!(
        told.markdown().contains("| down, from the first stop to the last start | not ended |"),
        "{}",
        told.markdown()
    );
    let told = report(&record(vec![stop, start], RunState::Interrupted), &entries[..1], &[]).unwrap();
    assert!(told.left[0].contains("is stopped; it had 1 replica,"), "{:?}", told.left);
}
