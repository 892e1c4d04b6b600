//! A recovery by keys, right ones and wrong ones.

use seaworthy::engine::journal::RunState;
use seaworthy::plan::Purpose;
use seaworthy::recover::LossKind;
use seaworthy::recover::join::claim_ref;
use seaworthy::recover::subject::namespace;

use super::*;
use crate::front::tui::model::{LossSpot, Sight, What};

fn note_of(model: &Model) -> &str {
    model.note.as_ref().map_or("", |note| note.text.as_str())
}

fn is_complaint(model: &Model) -> bool {
    model.note.as_ref().is_some_and(|note| note.bad)
}

/// What has to be typed, one after the other.
fn words(model: &Model) -> Vec<String> {
    model.recovery.passage().unwrap().asked.iter().map(|question| question.word.clone()).collect()
}

/// Of a namespace as a whole there is no claim.
#[test]
fn a_namespace_that_does_not_go_is_recovered_by_its_name() {
    let mut seen = seen();
    let known = &mut seen.losses[0];
    known.loss.kind = LossKind::NamespaceStuck;
    (known.loss.claim, known.loss.namespace) = (None, Some(namespace("old")));
    known.proposals.truncate(1);
    let proposal = &mut known.proposals[0];
    (proposal.playbook, proposal.subject) = ("finish".to_owned(), namespace("old"));
    let mut model = at_losses(SIZE);
    let known = sighted(&model, seen);
    update(&mut model, known);
    assert!(matches!(model.recovery.spot(), Some(LossSpot::Loss(known)) if known.loss.home() == Some("old")));
    press(&mut model, KeyCode::Enter);
    let effects = press(&mut model, KeyCode::Enter);
    let [Effect::Chart { wanted, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(wanted.command(), "seaworthy recover finish --namespace old");
}

#[test]
fn from_home_to_the_report_by_keys() {
    let mut model = at_home(SIZE, Ok(home(false)));
    let effects = letter(&mut model, 'v');
    assert!(matches!(effects.as_slice(), [Effect::Sight { context, .. }] if context == "dev"), "{effects:?}");
    assert_eq!((model.screen, model.place()), (Screen::Losses, Place::Losses));
    assert!(press(&mut model, KeyCode::Enter).is_empty(), "nothing is known yet");
    let known = sighted(&model, seen());
    update(&mut model, known);
    assert!(press(&mut model, KeyCode::Enter).is_empty(), "from the loss to its first playbook");
    assert!(matches!(model.recovery.spot(), Some(LossSpot::Playbook(_, proposal)) if proposal.playbook == "rebind"));
    press(&mut model, KeyCode::Down);
    let effects = press(&mut model, KeyCode::Enter);
    let [Effect::Chart { ticket, wanted }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(wanted.what, What::Playbook { name: "replace".to_owned(), subject: claim_ref("sea", "shop-lost") });
    assert_eq!(wanted.seen, Some(seen().at), "the report tells when it was recognised");
    let made = Message::Charted { ticket: *ticket, passage: Ok(Box::new(passage())) };
    update(&mut model, made);
    assert_eq!(model.place(), Place::Recovery);
    assert!(press(&mut model, KeyCode::Enter).is_empty() && model.popup.is_none(), "its end was not on the screen");
    assert!(note_of(&model).starts_with("the plan goes on below"));
    press(&mut model, KeyCode::Enter);
    let mut effects = Vec::new();
    for word in words(&model) {
        assert!(matches!(model.popup, Some(Popup::Agree { .. })));
        typed(&mut model, &word);
        effects = press(&mut model, KeyCode::Enter);
    }
    assert!(matches!(effects.as_slice(), [Effect::Run]), "{effects:?}");
    assert_eq!(model.place(), Place::Run);
    all(&mut model, steps_done(2));
    all(&mut model, [Message::Reported(Ok(Box::new(told(RunState::Done)))), finished(Ended::Done)]);
    assert!(update(&mut model, Message::Ended(Ok(ExitCode::SUCCESS))).is_empty());
    assert_eq!(note_of(&model), "all is done; Enter shows the report");
    press(&mut model, KeyCode::Enter);
    assert_eq!(model.place(), Place::Report);
    let effects = letter(&mut model, 'y');
    assert!(
        matches!(effects.as_slice(), [Effect::Copy(text)] if text == "seaworthy --context=dev runs report 20261120-100030"),
        "{effects:?}"
    );
    press(&mut model, KeyCode::Esc);
    assert_eq!(model.screen, Screen::Run);
    let effects = press(&mut model, KeyCode::Esc);
    assert!(matches!(effects.as_slice(), [Effect::Sight { .. }]), "what is lost now is looked at: {effects:?}");
    assert_eq!(model.screen, Screen::Losses);
}

#[test]
fn escape_is_one_step_back_at_every_stage() {
    let mut model = planned_at(SIZE, passage());
    press(&mut model, KeyCode::End);
    press(&mut model, KeyCode::Enter);
    for (screen, effects) in [
        (Screen::Recovery, "the window is closed"),
        (Screen::Losses, "the plan is left"),
        (Screen::Home, "the losses are left"),
        (Screen::Cluster, "home is left"),
    ] {
        assert!(press(&mut model, KeyCode::Esc).is_empty(), "{effects}");
        assert_eq!((model.screen, model.popup.is_none()), (screen, true), "{effects}");
    }
    assert!(model.board.is_none(), "nothing was begun");
}

#[test]
fn only_the_very_words_agree() {
    let mut model = planned_at(SIZE, passage_with_settings());
    press(&mut model, KeyCode::End);
    press(&mut model, KeyCode::Enter);
    let wanted = words(&model);
    assert!(wanted.len() > 1, "{wanted:?}");
    for wrong in ["", "yes", "lose", &wanted[1]] {
        all(&mut model, [control('u')]);
        typed(&mut model, wrong);
        assert!(press(&mut model, KeyCode::Enter).is_empty(), "{wrong}");
        assert!(is_complaint(&model) && model.recovery.agreed == 0, "{wrong}");
        assert!(matches!(model.popup, Some(Popup::Agree { .. })), "what was typed can be mended");
    }
    all(&mut model, [control('u')]);
    typed(&mut model, &wanted[0]);
    assert!(press(&mut model, KeyCode::Enter).is_empty());
    assert_eq!(model.recovery.agreed, 1);
    press(&mut model, KeyCode::Esc);
    assert_eq!(note_of(&model), "not agreed; the plan was not begun");
    press(&mut model, KeyCode::Enter);
    assert_eq!(model.recovery.agreed, 0, "it begins at the first word again");
}

#[test]
fn of_what_is_only_suspected_no_plan_is_made() {
    let mut model = at_losses(SIZE);
    let known = sighted(&model, seen_suspected());
    update(&mut model, known);
    assert!(press(&mut model, KeyCode::Enter).is_empty());
    assert!(is_complaint(&model) && model.screen == Screen::Losses);
    let mut none = at_losses(SIZE);
    let known = sighted(&none, seen_well(0));
    update(&mut none, known);
    assert!(press(&mut none, KeyCode::Enter).is_empty());
    let first = none.recovery.look;
    let [Effect::Sight { ticket, .. }] = letter(&mut none, 'r')[..] else { panic!("it looks again") };
    assert!(ticket > first);
    assert!(matches!(none.recovery.sight, Sight::Looking(_)));
}

#[test]
fn wrong_keys_do_nothing() {
    type State = fn((u16, u16)) -> Model;
    let states: [(State, &str); 4] = [
        (at_losses, "fdimtoxlpsacnj"),
        (lost_at, "fdimtoxlpsacn"),
        (recovering, "vhrspcxmdifa"),
        (recovered, "vrspcxmdif"),
    ];
    for (state, keys) in states {
        for pressed in keys.chars() {
            let mut model = state(SIZE);
            let before = model.screen;
            let effects = letter(&mut model, pressed);
            assert!(effects.is_empty(), "{before:?} {pressed}: {effects:?}");
            assert_eq!((model.screen, model.popup.is_none()), (before, true), "{pressed}");
        }
    }
}

#[test]
fn settings_are_regular_expressions_and_make_another_plan() {
    let mut model = planned_at(SIZE, passage_with_settings());
    letter(&mut model, 's');
    assert!(matches!(model.popup, Some(Popup::Setting { number: 0, .. })));
    all(&mut model, [control('u')]);
    typed(&mut model, "done (");
    assert!(press(&mut model, KeyCode::Enter).is_empty() && is_complaint(&model));
    assert!(note_of(&model).starts_with("that is no regular expression: "), "{}", note_of(&model));
    press(&mut model, KeyCode::Backspace);
    typed(&mut model, "all");
    let several = model.recovery.passage().unwrap().settings.len();
    let mut effects = press(&mut model, KeyCode::Enter);
    for _ in 1..several {
        assert!(effects.is_empty() && matches!(model.popup, Some(Popup::Setting { .. })), "the next one");
        effects = press(&mut model, KeyCode::Enter);
    }
    let [Effect::Chart { wanted, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(wanted.settings.values().collect::<Vec<_>>(), ["done all"]);
    assert!(
        wanted.command().contains("'=done all'") || wanted.command().contains("=done all'"),
        "{}",
        wanted.command()
    );
}

/// The plan that is run is that of the settings that are said.
#[test]
fn who_leaves_the_settings_half_way_has_set_the_first() {
    let mut model = planned_at(SIZE, passage_with_settings());
    letter(&mut model, 's');
    assert!(press(&mut model, KeyCode::Esc).is_empty());
    assert_eq!(note_of(&model), "nothing was set");
    letter(&mut model, 's');
    typed(&mut model, "x");
    press(&mut model, KeyCode::Enter);
    let effects = press(&mut model, KeyCode::Esc);
    assert!(matches!(effects.as_slice(), [Effect::Chart { wanted, .. }] if wanted.settings.len() == 1), "{effects:?}");
}

#[test]
fn copies_are_left_out_and_taken_in_again() {
    let mut model = planned_at(SIZE, passage());
    for no_copy in [true, false] {
        let effects = letter(&mut model, 'c');
        let [Effect::Chart { wanted, .. }] = effects.as_slice() else { panic!("{effects:?}") };
        assert_eq!(wanted.no_copy, no_copy);
        assert_eq!(wanted.command().contains("--no-copy"), no_copy);
        let made = charted(&model, passage());
        update(&mut model, made);
    }
    let mut fixed = passage();
    fixed.copies = false;
    let mut model = planned_at(SIZE, fixed);
    assert!(letter(&mut model, 'c').is_empty() && is_complaint(&model));
}

#[test]
fn with_read_only_a_plan_is_shown_and_nothing_more() {
    let mut model = planned_at(SIZE, passage());
    model.wish.read_only = true;
    for pressed in [KeyCode::Char('h'), KeyCode::End, KeyCode::Enter, KeyCode::Enter] {
        assert!(press(&mut model, pressed).is_empty());
    }
    assert!(is_complaint(&model) && model.popup.is_none());
}

#[test]
fn notes_go_beside_the_run_and_into_a_report_that_is_there() {
    let mut model = recovering(SIZE);
    letter(&mut model, 'n');
    assert!(press(&mut model, KeyCode::Enter).is_empty() && is_complaint(&model), "it says nothing");
    typed(&mut model, "disk 3 replaced");
    press(&mut model, KeyCode::Esc);
    letter(&mut model, 'n');
    let effects = press(&mut model, KeyCode::Enter);
    let [Effect::Note { run, text }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((run.as_str(), text.as_str()), ("20261120-100030", "disk 3 replaced"), "what was typed was kept");
    let noted = |written| Message::Noted { text: "disk 3 replaced".to_owned(), written };
    assert!(update(&mut model, noted(Err("the disk is full".to_owned()))).is_empty());
    assert!(is_complaint(&model) && note_of(&model).contains("the disk is full"));
    letter(&mut model, 'n');
    assert_eq!(model.popup.as_mut().and_then(Popup::line).map(|line| line.text()).as_deref(), Some("disk 3 replaced"));
    press(&mut model, KeyCode::Enter);
    assert!(update(&mut model, noted(Ok(()))).is_empty(), "its report is still to come");
    all(&mut model, [Message::Reported(Ok(Box::new(told(RunState::Done)))), finished(Ended::Done)]);
    let effects = update(&mut model, Message::Ended(Ok(ExitCode::SUCCESS)));
    assert!(matches!(effects.as_slice(), [Effect::Report { .. }]), "it may have come after the report: {effects:?}");
    let effects = update(&mut model, noted(Ok(())));
    assert!(matches!(effects.as_slice(), [Effect::Report { .. }]), "{effects:?}");
}

#[test]
fn a_note_of_another_run_says_so() {
    let mut model = reviewed(SIZE);
    all(&mut model, agreed().into_iter().chain(stalls()));
    assert!(letter(&mut model, 'n').is_empty());
    assert!(is_complaint(&model) && model.popup.is_none());
}

/// What somebody types is not lost because the run asks, or ends.
#[test]
fn a_note_that_is_begun_outlives_a_question_and_the_end() {
    let ask = |word: Option<&str>| Message::Asked { question: "Is it off?".to_owned(), word: word.map(str::to_owned) };
    let mut model = recovering(SIZE);
    letter(&mut model, 'n');
    typed(&mut model, "half");
    update(&mut model, ask(None));
    assert!(matches!(model.popup, Some(Popup::Whether { .. })));
    assert!(matches!(letter(&mut model, 'y').as_slice(), [Effect::Answer(true)]));
    letter(&mut model, 'n');
    all(&mut model, [finished(Ended::Done), Message::Ended(Ok(ExitCode::SUCCESS))]);
    assert_eq!(model.popup.as_mut().and_then(Popup::line).map(|line| line.text()).as_deref(), Some("half"));
}

#[test]
fn a_yes_or_no_of_the_run_is_asked_and_not_taken_for_granted() {
    for (pressed, agreed) in [(KeyCode::Char('y'), true), (KeyCode::Char('n'), false)] {
        let mut model = recovering(SIZE);
        update(&mut model, Message::Asked { question: "Is it off?".to_owned(), word: None });
        assert!(press(&mut model, KeyCode::Enter).is_empty(), "Enter is no answer");
        let effects = press(&mut model, pressed);
        assert!(matches!(effects.as_slice(), [Effect::Answer(said)] if *said == agreed), "{effects:?}");
        assert_eq!(model.place(), Place::Run);
    }
    let mut model = recovering(SIZE);
    update(&mut model, Message::Asked { question: "Is it off?".to_owned(), word: None });
    assert!(matches!(update(&mut model, control('c')).as_slice(), [Effect::Stop(130)]));
}

/// What a question is about can be looked at before it is answered: Escape is no answer.
#[test]
fn a_question_is_put_off_to_look_first() {
    let mut model = recovering(SIZE);
    assert!(letter(&mut model, 'a').is_empty() && is_complaint(&model), "nothing was asked yet");
    update(&mut model, Message::Asked { question: "Do the logs say so?".to_owned(), word: None });
    assert_eq!(model.place(), Place::Question);
    assert!(press(&mut model, KeyCode::Esc).is_empty());
    assert_eq!((model.place(), note_of(&model)), (Place::Run, "the run waits for your answer; a asks again"));
    assert!(matches!(letter(&mut model, 'l').as_slice(), [Effect::Logs { .. }]));
    press(&mut model, KeyCode::Esc);
    assert!(letter(&mut model, 'a').is_empty());
    assert!(matches!(model.popup, Some(Popup::Whether { .. })));
    assert!(matches!(letter(&mut model, 'y').as_slice(), [Effect::Answer(true)]));
    assert!(letter(&mut model, 'a').is_empty() && is_complaint(&model), "it was answered");
}

#[test]
fn an_unfinished_recovery_goes_on_from_home_and_from_the_losses() {
    let mut open = home_with_run();
    open.runs[0].run.purpose = Purpose::Recover;
    let mut model = at_home(SIZE, Ok(open));
    let at = model.watch.entries("").iter().position(|entry| matches!(entry, crate::front::tui::model::Entry::Run(_)));
    model.watch.cursor = at.unwrap();
    let effects = press(&mut model, KeyCode::Enter);
    let [Effect::Chart { wanted, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(wanted.what, What::Run("20261120-094500".to_owned()));
    assert_eq!(wanted.command(), "seaworthy runs resume 20261120-094500");
    press(&mut model, KeyCode::Esc);
    assert_eq!(model.screen, Screen::Home, "it was not chosen among losses");
    let mut model = lost_at(SIZE);
    press(&mut model, KeyCode::End);
    let effects = press(&mut model, KeyCode::Enter);
    assert!(
        matches!(effects.as_slice(), [Effect::Chart { wanted, .. }] if wanted.what == What::Run("20261119-230000".to_owned()))
    );
    assert!(letter(&mut model, 'c').is_empty() && is_complaint(&model), "what goes on is as it was begun");
}

#[test]
fn a_recovery_that_failed_shows_its_report_and_is_planned_on() {
    let mut model = unrecovered(SIZE);
    press(&mut model, KeyCode::Enter);
    assert_eq!(model.screen, Screen::Report);
    press(&mut model, KeyCode::Esc);
    let effects = press(&mut model, KeyCode::Esc);
    let [Effect::Chart { wanted, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(matches!(&wanted.what, What::Run(_)), "{wanted:?}");
}

/// The lock is held, for instance: nothing was begun.
#[test]
fn a_recovery_that_was_not_begun_is_planned_again() {
    let mut model = agreed_at(SIZE);
    let message = "sea/shop is held by process 4711 of this machine, since 2 min";
    let failure = Failure::new("locked", seaworthy::error::Class::Failed, message, None);
    update(&mut model, Message::Ended(Err(Box::new(failure))));
    assert!(is_complaint(&model));
    let effects = press(&mut model, KeyCode::Enter);
    assert!(
        matches!(effects.as_slice(), [Effect::Chart { wanted, .. }] if matches!(wanted.what, What::Playbook { .. })),
        "{effects:?}"
    );
}

#[test]
fn another_cluster_has_other_losses() {
    let mut model = lost_at(SIZE);
    let before = model.recovery.look;
    all(&mut model, [key(KeyCode::Esc), key(KeyCode::Esc), key(KeyCode::Up), key(KeyCode::Up)]);
    model.clusters.host.kubeconfig.contexts[0].name = "other".to_owned();
    model.watch.context = Some("another".to_owned());
    super::super::recovery::forget(&mut model);
    assert!(model.recovery.known().is_none() && model.recovery.look > before);
    let late = Message::Sighted { ticket: before, seen: Ok(Box::new(seen())) };
    update(&mut model, late);
    assert!(model.recovery.known().is_none());
}

#[test]
fn what_is_looked_for_is_found_in_losses_plan_and_report() {
    let mut model = lost_at(SIZE);
    letter(&mut model, '/');
    typed(&mut model, "fresh empty");
    press(&mut model, KeyCode::Enter);
    assert!(matches!(model.recovery.spot(), Some(LossSpot::Playbook(_, proposal)) if proposal.playbook == "replace"));
    let mut model = planned_at(SIZE, passage());
    letter(&mut model, '/');
    typed(&mut model, "before it runs");
    press(&mut model, KeyCode::Enter);
    assert!(model.recovery.scroll > 0);
}
