//! A recovery, from what is lost to what came of it: recognised, compiled and reported by the real code.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crossterm::event::KeyCode;
use jiff::{SignedDuration, Timestamp};
use seaworthy::cluster::ClusterId;
use seaworthy::engine::journal::{Entry, Inputs, Note, RunRecord, RunState, Times, Took};
use seaworthy::event::{Ended, Event, Facts, StepState};
use seaworthy::object::ObjectRef;
use seaworthy::plan::uninstall::Destroy;
use seaworthy::plan::{Plan, Step};
use seaworthy::recover::agreement::questions;
use seaworthy::recover::archive::Archive;
use seaworthy::recover::compile::{Copies, Wish, compile};
use seaworthy::recover::join::claim_ref;
use seaworthy::recover::occasion::occasion;
use seaworthy::recover::report::report;
use seaworthy::recover::{Loss, LossKind, Playbook, Playbooks, Sighting, recognise};
use seaworthy::stack::Catalogue;
use serde_json::json;

use super::home::sea;
use super::{all, at_home, cause, event, finished, home, key, plan, tick};
use crate::front::recover_text::Proposal;
use crate::front::tui::model::{Effect, Known, Message, Model, Passage, Seen, Setting, Told};

/// When the loss was recognised.
fn at(second: i64) -> Timestamp {
    "2026-11-20T10:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(second)
}

/// The broken cluster, in which somebody uses the claim that is lost.
fn sighting() -> Sighting {
    let mut snapshot = sea(false).snapshot;
    let volumes = json!([{"name": "data", "persistentVolumeClaim": {"claimName": "shop-lost"}}]);
    let workload = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop-keeper", "namespace": "sea", "uid": "keeper"},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "keeper"}}, "template": {"metadata": {"labels": {"app": "keeper"}},
            "spec": {"volumes": volumes, "containers": [{"name": "c", "image": "registry.example.com/harbour/keeper:1.0.0"}]}}},
        "status": {"replicas": 1}});
    snapshot.insert(workload);
    snapshot.unread.clear();
    Sighting { snapshot, now: at(0), ..Sighting::default() }
}

fn lost() -> ObjectRef {
    claim_ref("sea", "shop-lost")
}

/// Read once for the many screens that show one.
static PLAYBOOKS: LazyLock<Playbooks> = LazyLock::new(|| Playbooks::read(&Catalogue::default()).unwrap());
/// The same for what is lost, and for the plan.
static LOSSES: LazyLock<Vec<Loss>> = LazyLock::new(|| recognise(&sighting()));
static PLAN: LazyLock<Plan> = LazyLock::new(compiled);

fn playbook(is_it: impl Fn(&Playbook) -> bool) -> Playbook {
    PLAYBOOKS.0.iter().find(|playbook| is_it(playbook)).unwrap().clone()
}

fn replace() -> Playbook {
    playbook(|playbook| playbook.name == "replace")
}

/// A loss that is certain, one that is only suspected, a recovery that did not come to its end, and a kind that may not be read.
pub(in crate::front::tui) fn seen() -> Seen {
    let certain = LOSSES.iter().find(|loss| loss.kind == LossKind::ClaimLost).unwrap().clone();
    assert!(certain.certain, "{certain:?}");
    let fact = "node dev-worker has not been ready for 60 min\u{1b}[2J".to_owned();
    let suspected = Loss {
        kind: LossKind::NodeUnreachable,
        claim: Some(claim_ref("sea", "shop-data")),
        facts: vec![fact],
        certain: false,
        ..certain.clone()
    };
    let proposals = [playbook(|playbook| playbook.name == "rebind"), replace()];
    let proposals = proposals.iter().map(|playbook| Proposal::of(playbook, lost(), &certain)).collect();
    Seen {
        at: at(0),
        losses: vec![
            Known { loss: certain, last_good: Some(at(-7200)), proposals, backup: None, instead: Vec::new() },
            Known { loss: suspected, last_good: None, proposals: Vec::new(), backup: None, instead: Vec::new() },
        ],
        unread: vec![
            "StorageClass could not be read, so nothing is said of it: storageclasses is forbidden".to_owned(),
        ],
        records: 1,
        open: vec![("20261119-230000".to_owned(), "rebind for shop-old".to_owned())],
    }
}

/// Nothing is lost.
pub(in crate::front::tui) fn seen_well(records: usize) -> Seen {
    Seen { losses: Vec::new(), unread: Vec::new(), records, open: Vec::new(), ..seen() }
}

/// Only a suspicion.
pub(in crate::front::tui) fn seen_suspected() -> Seen {
    let mut seen = seen();
    seen.losses.remove(0);
    Seen { open: Vec::new(), unread: Vec::new(), ..seen }
}

/// At the losses, while somebody looks.
pub(in crate::front::tui) fn at_losses(size: (u16, u16)) -> Model {
    let mut model = at_home(size, Ok(home(false)));
    all(&mut model, [key(KeyCode::Char('v'))]);
    model
}

/// This was seen.
pub(in crate::front::tui) fn sighted(model: &Model, seen: Seen) -> Message {
    Message::Sighted { ticket: model.recovery.look, seen: Ok(Box::new(seen)) }
}

/// At the losses, with the cursor on the first.
pub(in crate::front::tui) fn lost_at(size: (u16, u16)) -> Model {
    let mut model = at_losses(size);
    let seen = sighted(&model, seen());
    all(&mut model, [seen]);
    model
}

/// A fresh volume in the place of the lost one.
fn recovery_plan() -> Plan {
    PLAN.clone()
}

fn compiled() -> Plan {
    let (sighting, playbook) = (sighting(), replace());
    let folder = "/home/a/.local/state/seaworthy/exports/20261120-100010-recover-shop-lost".to_owned();
    let wish = Wish {
        playbook: &playbook,
        claims: vec![lost()],
        sighting: &sighting,
        archive: &Archive::default(),
        cluster: ClusterId {
            context: "dev".to_owned(),
            server: "https://127.0.0.1:6443".to_owned(),
            uid: "u".to_owned(),
        },
        installation: plan().installation,
        reach: None,
        settings: BTreeMap::new(),
        copies: Copies { folder: format!("{folder}/data"), image: None, skip: false },
        snapshots: Vec::new(),
        folder,
        at: at(10),
    };
    let mut plan = compile(&wish).unwrap();
    let by = (at(0), "ada, process 7 on harbour");
    plan.occasion = Some(Box::new(occasion(&playbook, &[lost()], (&LOSSES, &sighting), by)));
    plan
}

pub(in crate::front::tui) fn passage() -> Passage {
    let plan = recovery_plan();
    Passage {
        asked: questions(&plan, &Destroy::default(), None),
        settings: Vec::new(),
        copies: true,
        warnings: vec![format!("nothing is copied out of {}: its volume is not there", lost())],
        time: "took 41.0 s to 1 min 12 s in 3 earlier runs like this one".to_owned(),
        goes_on: None,
        gives_up: None,
        known_for: None,
        plan,
    }
}

/// One that also asks for a word of its own, and can be set.
pub(in crate::front::tui) fn passage_with_settings() -> Passage {
    let consented = playbook(|playbook| playbook.stack.is_some() && playbook.sheet.consent.is_some());
    let set = playbook(|playbook| playbook.sheet.settings.len() > 1);
    let setting = |(name, setting): (&String, &seaworthy::recover::playbook::Setting)| Setting {
        name: name.clone(),
        title: setting.title.clone(),
        value: setting.default.clone(),
    };
    let mut passage = passage();
    passage.asked = questions(&passage.plan, &Destroy::default(), consented.sheet.consent.as_ref());
    passage.settings = set.sheet.settings.iter().map(setting).collect();
    passage
}

/// To the plan of the second playbook: it is being made.
pub(in crate::front::tui) fn charting(size: (u16, u16)) -> Model {
    let mut model = lost_at(size);
    let effects = all(&mut model, [key(KeyCode::Enter), key(KeyCode::Down), key(KeyCode::Enter)]);
    assert!(matches!(effects.as_slice(), [Effect::Chart { .. }]), "{effects:?}");
    model
}

pub(in crate::front::tui) fn charted(model: &Model, passage: Passage) -> Message {
    Message::Charted { ticket: model.recovery.ticket, passage: Ok(Box::new(passage)) }
}

/// The plan is on the screen.
pub(in crate::front::tui) fn planned_at(size: (u16, u16), passage: Passage) -> Model {
    let mut model = charting(size);
    let charted = charted(&model, passage);
    all(&mut model, [charted]);
    model
}

/// Every word was typed, and the run has begun.
pub(in crate::front::tui) fn agreed_at(size: (u16, u16)) -> Model {
    let mut model = planned_at(size, passage());
    all(&mut model, [tick(30_000), key(KeyCode::End), key(KeyCode::Enter)]);
    while let Some(word) = model.recovery.question().map(|question| question.word.clone()) {
        super::typed(&mut model, &word);
        all(&mut model, [key(KeyCode::Enter)]);
    }
    assert!(model.is_recovering());
    model
}

fn happens(step: &Step, done: usize, total: usize, state: StepState) -> Message {
    event(Event::Step { id: step.id.clone(), done, total, state })
}

/// So many steps are done, and the next waits.
pub(in crate::front::tui) fn steps_done(number: usize) -> Vec<Message> {
    let plan = recovery_plan();
    let total = plan.steps.len();
    let mut messages = vec![event(Event::Started { run: "20261120-100030".to_owned(), total })];
    for (index, step) in plan.steps.iter().take(number).enumerate() {
        let note = (index == 0).then(|| "7 files in the export".to_owned());
        messages.push(happens(step, index, total, StepState::Running));
        messages.push(happens(step, index + 1, total, StepState::Done { changed: true, millis: 1200, note }));
    }
    if let Some(step) = plan.steps.get(number) {
        messages.push(happens(step, number, total, StepState::Running));
        let object = step.action.object().unwrap_or_else(lost);
        let (progress, facts) = ("1 pod still names it".to_owned(), Box::new(Facts::default()));
        messages.push(event(Event::Waiting { id: step.id.clone(), object, progress, cause: None, limit: None, facts }));
    }
    messages
}

/// How many steps there are.
pub(in crate::front::tui) fn all_steps() -> usize {
    recovery_plan().steps.len()
}

/// While it runs: everything up to the stop is done, and time has passed.
pub(in crate::front::tui) fn recovering(size: (u16, u16)) -> Model {
    let mut model = agreed_at(size);
    let stop = recovery_plan().steps.iter().position(|step| step.id.starts_with("stop:")).unwrap();
    all(&mut model, steps_done(stop + 1).into_iter().chain([tick(42_000)]));
    model
}

/// What came of it.
pub(in crate::front::tui) fn told(state: RunState) -> Told {
    let plan = recovery_plan();
    let ended = if state == RunState::Done { Ended::Done } else { Ended::Failed };
    let done = if state == RunState::Done { plan.steps.len() } else { 4 };
    let second = |index: usize| i64::try_from(31 + index).unwrap();
    let entry = |(index, step): (usize, &Step)| Entry::Done {
        step: step.id.clone(),
        at: at(second(index)),
        changed: true,
        note: None,
        took: Took { millis: Some(1000), after: None },
    };
    let mut entries: Vec<Entry> = plan.steps.iter().take(done).enumerate().map(entry).collect();
    entries.push(Entry::Closed { at: at(90), ended });
    let notes = [Note { at: at(33), text: "called | the datacentre:\u{1b}[2J the disk is gone".to_owned() }];
    let record = RunRecord {
        run: "20261120-100030".to_owned(),
        at: at(30),
        command: None,
        inputs: Inputs { binary: "0.1.0".to_owned(), ..Inputs::default() },
        state,
        done: plan.steps.iter().take(done).map(|step| step.id.clone()).collect(),
        agreed: [].into(),
        causes: if state == RunState::Done { Vec::new() } else { vec![cause(seaworthy::doctor::Outlook::Final)] },
        resumed: 0,
        times: Times { since: at(30), until: at(90), steps: [].into() },
        plan,
    };
    let file = "/home/a/.local/state/seaworthy/reports/20261120-100030.md".into();
    Told { report: report(&record, &entries, &notes).unwrap(), file }
}

/// It came to its end.
pub(in crate::front::tui) fn recovered(size: (u16, u16)) -> Model {
    let mut model = agreed_at(size);
    let end = [
        tick(90_000),
        Message::Reported(Ok(Box::new(told(RunState::Done)))),
        finished(Ended::Done),
        Message::Ended(Ok(std::process::ExitCode::SUCCESS)),
    ];
    all(&mut model, steps_done(all_steps()).into_iter().chain(end));
    model
}

/// It did not.
pub(in crate::front::tui) fn unrecovered(size: (u16, u16)) -> Model {
    let mut model = recovering(size);
    let id = recovery_plan().steps.get(model.board.as_ref().map_or(0, |board| board.done)).map(|step| step.id.clone());
    let state = StepState::Failed { cause: cause(seaworthy::doctor::Outlook::Final) };
    let total = all_steps();
    let end = [
        event(Event::Step { id: id.unwrap_or_default(), done: 4, total, state }),
        Message::Reported(Ok(Box::new(told(RunState::Failed)))),
        finished(Ended::Failed),
        Message::Ended(Ok(std::process::ExitCode::FAILURE)),
    ];
    all(&mut model, end);
    model
}
