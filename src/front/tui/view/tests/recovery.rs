//! The screens of a recovery.

use super::*;
use crate::front::tui::model::{Brake, Effect, Sight};
use seaworthy::engine::journal::RunState;
use seaworthy::recover::LossKind;

fn letter(letter: char) -> Message {
    key(KeyCode::Char(letter))
}

fn looking(size: Size) -> Model {
    let model = at_losses(size);
    let what = "reading volumes, claims, nodes, pods and what they belong to".to_owned();
    let ticket = model.recovery.look;
    after(model, [Message::Looking { ticket, what }])
}

fn seen_as(size: Size, seen: crate::front::tui::model::Seen) -> Model {
    let model = at_losses(size);
    let seen = sighted(&model, seen);
    after(model, [seen])
}

fn unseen(size: Size) -> Model {
    let model = at_losses(size);
    let message = "the API server at https://127.0.0.1:6443 does not answer\u{1b}[2J";
    let hint = "is the cluster running? `seaworthy doctor` tells what answers";
    let failure = Failure::new("unreachable", seaworthy::error::Class::Failed, message, Some(hint.to_owned()));
    let ticket = model.recovery.look;
    after(model, [Message::Sighted { ticket, seen: Err(Box::new(failure)) }])
}

/// What was seen stays when nothing more can be.
fn unseen_again(size: Size) -> Model {
    let model = after(lost_at(size), [letter('r')]);
    let message = "cluster of context `dev` (https://127.0.0.1:6443): connection refused";
    let failure = Failure::new("refused", seaworthy::error::Class::Failed, message, None);
    let ticket = model.recovery.look;
    after(model, [Message::Sighted { ticket, seen: Err(Box::new(failure)) }])
}

/// The cluster was pulled away after it was looked at.
fn silent_losses(size: Size) -> Model {
    let home = Message::Home { context: "dev".to_owned(), home: Ok(Box::new(silent())) };
    after(lost_at(size), [home])
}

fn held(size: Size, came: Result<&str, &str>) -> Model {
    let came = came.map(str::to_owned).map_err(str::to_owned);
    after(lost_at(size), [letter('h'), Message::Held(came)])
}

fn other_run(size: Size) -> Model {
    let model = charting(size);
    let message = "run 20261119-230000 of 2026-11-19 23:00:00 is not finished, and wants something else";
    let hint = "finish it with `seaworthy runs resume 20261119-230000`, or add --replan to give it up for this one";
    let failure = Failure::input("unfinished-run", message, hint)
        .because(vec!["playbook: \"replace\", was \"rebind\"".to_owned()]);
    let ticket = model.recovery.ticket;
    after(model, [Message::Charted { ticket, passage: Err(Box::new(failure)) }])
}

fn in_settings(size: Size) -> Model {
    after(planned_at(size, passage_with_settings()), [letter('s')])
}

/// A word is asked for, and the wrong one was typed.
fn in_words(size: Size) -> Model {
    let model = after(planned_at(size, passage_with_settings()), [key(KeyCode::End), key(KeyCode::Enter)]);
    let mut model = model;
    typed(&mut model, "yes");
    after(model, [key(KeyCode::Enter)])
}

fn in_note(size: Size) -> Model {
    let mut model = after(recovering(size), [letter('n')]);
    typed(&mut model, "called the datacentre: the disk is gone");
    model
}

fn noted() -> Message {
    Message::Noted { text: "called the datacentre: the disk is gone".to_owned(), written: Ok(()) }
}

pub(super) fn at_recoveries(size: Size) -> Vec<(&'static str, Model)> {
    let down = || key(KeyCode::Down);
    let asked = Message::Asked { question: "Has the machine been switched off?".to_owned(), word: None };
    let resumed = {
        let mut passage = passage();
        (passage.copies, passage.asked) = (false, Vec::new());
        (passage.goes_on, passage.known_for) = (Some("20261120-100030".to_owned()), Some(600_000));
        passage
    };
    vec![
        ("losses-looking", looking(size)),
        ("losses-refused", unseen(size)),
        ("losses-none", seen_as(size, seen_well(2))),
        (
            "losses-unfinished",
            seen_as(size, {
                let mut seen = seen_well(1);
                seen.open = vec![("20261119-230000".to_owned(), "rebind for shop-old".to_owned())];
                seen
            }),
        ),
        ("losses-suspected", seen_as(size, seen_suspected())),
        ("losses", lost_at(size)),
        ("losses-playbook", after(lost_at(size), [down(), down()])),
        ("losses-run", after(lost_at(size), [key(KeyCode::End)])),
        ("losses-silent", silent_losses(size)),
        ("losses-lost-again", unseen_again(size)),
        ("losses-holding", after(lost_at(size), [letter('h')])),
        ("losses-held", held(size, Ok("2 volumes of namespace sea kept, manifests in /x; Secrets are left out"))),
        ("losses-not-held", held(size, Err("1 of 3 steps done: Forbidden: persistentvolumes is forbidden"))),
        ("recovery-planning", charting(size)),
        ("recovery", planned_at(size, passage())),
        ("recovery-end", after(planned_at(size, passage_with_settings()), [key(KeyCode::End)])),
        ("recovery-goes-on", planned_at(size, resumed)),
        ("recovery-refused", other_run(size)),
        ("recovery-word", in_words(size)),
        ("recovery-setting", in_settings(size)),
        ("recovering", recovering(size)),
        ("recovering-note", in_note(size)),
        ("recovering-asked", after(recovering(size), [asked])),
        ("recovering-leave", after(recovering(size), [letter('q')])),
        ("recovered", after(recovered(size), [noted()])),
        ("unrecovered", unrecovered(size)),
        ("report", after(recovered(size), [key(KeyCode::Enter)])),
        ("report-end", after(recovered(size), [key(KeyCode::Enter), key(KeyCode::End)])),
        ("report-unfinished", after(unrecovered(size), [key(KeyCode::Enter), key(KeyCode::End)])),
    ]
}

/// What is said without colours as well: certain or suspected, whether the data comes back, what cannot be taken back.
#[test]
fn words_carry_what_colours_say() {
    let losses = text(&lost_at((200, 60)));
    assert!(losses.contains("✗ claim-lost: ") && losses.contains("! suspected: node-unreachable: "), "{losses}");
    assert!(losses.contains("✓ rebind: brings the data back"), "{losses}");
    assert!(losses.contains("! replace: does not bring the data back: a fresh, empty volume"), "{losses}");
    let plan = text(&planned_at((200, 90), passage()));
    assert!(plan.contains("(✗ cannot be taken back)"), "{plan}");
}

/// Every step of the plan has what it is judged by, and the run shows what was seen.
#[test]
fn every_step_has_gate_proof_and_limit() {
    let plan = text(&planned_at((120, 200), passage()));
    for (step, what) in passage().plan.steps.iter().zip(1..) {
        assert!(plan.contains(&format!("{what:>3}. {}", step.title)), "{what}: {plan}");
    }
    let rules = plan.matches("gate ").count();
    assert_eq!(rules, passage().plan.steps.len(), "{plan}");
    let run = text(&recovering((200, 60)));
    assert!(run.contains("(7 files in the export)"), "a step's own words: {run}");
    assert!(run.contains("stop Deployment/shop-keeper: 0 replicas wanted, 0 there"), "or its proof: {run}");
    assert!(run.contains("the loss is known for 42 s; step "), "{run}");
}

/// What the run has stopped is said before anybody leaves it so.
#[test]
fn who_leaves_is_told_what_stays_stopped() {
    let text = text(&after(recovering((80, 24)), [letter('q')]));
    assert!(text.contains("Stopped until then: Deployment/shop-keeper."), "{text}");
}

#[test]
fn a_loss_that_is_certain_stands_on_home_in_a_line() {
    let broken = text(&at_home((120, 40), Ok(home(false))));
    assert!(broken.contains("✗ a loss is certain: claim-lost of sea/shop-lost; v shows what to do"), "{broken}");
    assert!(!text(&at_home((120, 40), Ok(home(true)))).contains("a loss is certain"));
    let mut waits = home(false);
    waits.losses.truncate(1);
    waits.losses[0].kind = LossKind::ProvisionerGone;
    let waits = text(&at_home((120, 40), Ok(waits)));
    assert!(waits.contains("✗ no data is lost, and a recovery is due: provisioner-gone of sea/shop-lost"), "{waits}");
}

/// The report is that of the file, and says where it is.
#[test]
fn the_whole_report_is_on_the_screen() {
    let model = after(recovered((120, 120)), [key(KeyCode::Enter)]);
    let text = text(&model);
    assert!(text.contains("reports/20261120-100030.md, and the same as JSON beside it"), "{text}");
    assert!(text.contains("operator   called | the datacentre:?[2J the disk is gone"), "{text}");
    let steps = told(RunState::Done).report.timeline.len();
    assert_eq!(text.matches("2026-11-20 10:").count(), steps + 1, "each moment, and when it was recognised: {text}");
}

/// A look that was asked for before another one comes to nothing, and so does a plan.
#[test]
fn older_answers_are_passed_over() {
    let mut model = lost_at((80, 24));
    all(&mut model, [letter('r')]);
    let old = Message::Sighted { ticket: model.recovery.look - 1, seen: Ok(Box::new(seen_well(0))) };
    all(&mut model, [old]);
    assert!(matches!(model.recovery.sight, Sight::Looking(_)), "the second look is still under way");
    assert_eq!(model.recovery.known().unwrap().records, 1, "what was seen before stays");
    let mut model = charting((80, 24));
    let effects = all(&mut model, [letter('c')]);
    assert!(effects.is_empty(), "nothing can be changed before there is a plan: {effects:?}");
    let old = Message::Charted { ticket: model.recovery.ticket - 1, passage: Ok(Box::new(passage())) };
    all(&mut model, [old]);
    assert!(model.recovery.plan.is_none());
}

#[test]
fn the_brake_is_pulled_once_and_in_the_namespace_of_the_loss() {
    let mut model = lost_at((80, 24));
    let effects = all(&mut model, [letter('h')]);
    let [Effect::Hold { context, namespace }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((context.as_str(), namespace.as_deref()), ("dev", Some("sea")));
    assert!(all(&mut model, [letter('h')]).is_empty());
    assert!(model.note.as_ref().unwrap().bad);
    assert!(all(&mut model, [letter('q')]).is_empty(), "it takes a moment");
    all(&mut model, [Message::Held(Ok("kept".to_owned()))]);
    assert!(matches!(model.recovery.brake, Brake::Held(Ok(_))));
    assert_eq!(all(&mut model, [letter('q')]).len(), 1);
}
