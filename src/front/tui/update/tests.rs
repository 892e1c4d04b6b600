mod answers;
mod home;
mod place;
mod recovery;
mod run;

use std::process::ExitCode;

use crossterm::event::KeyCode;
use seaworthy::event::Ended;
use seaworthy::host::HostEvent;
use seaworthy::sandbox::Kind;

use crate::front::failure::Failure;
use crate::front::tui::keys::Place;
use crate::front::tui::model::Turn;
use crate::front::tui::model::{Effect, Exit, Footing, Made, Message, Model, Popup, Screen, Stage, Wish};
use crate::front::tui::testing::*;
use crate::front::tui::update::{begin, update};

const SIZE: (u16, u16) = (80, 24);

fn press(model: &mut Model, code: KeyCode) -> Vec<Effect> {
    update(model, key(code))
}

fn letter(model: &mut Model, letter: char) -> Vec<Effect> {
    press(model, KeyCode::Char(letter))
}

#[test]
fn the_whole_way_by_enter_alone() {
    let mut model = begun(SIZE);
    let effects = press(&mut model, KeyCode::Enter);
    assert!(matches!(effects.as_slice(), [Effect::Survey { context }] if context == "dev"), "{effects:?}");
    update(&mut model, grounded(true));
    press(&mut model, KeyCode::Enter);
    assert_eq!((model.screen, model.place()), (Screen::Images, Place::Images));
    press(&mut model, KeyCode::Enter);
    press(&mut model, KeyCode::Enter);
    assert_eq!((model.screen, model.place()), (Screen::Prerequisites, Place::Prerequisites));
    press(&mut model, KeyCode::Enter);
    assert_eq!((model.screen, model.place()), (Screen::Settings, Place::Settings));
    press(&mut model, KeyCode::Enter);
    assert_eq!(model.place(), Place::Edit);
    typed(&mut model, "swordfish");
    press(&mut model, KeyCode::Enter);
    press(&mut model, KeyCode::Down);
    let effects = press(&mut model, KeyCode::Enter);
    let [Effect::Plan { ticket: 1, request }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(request.choices.secrets, [("password".to_owned(), "swordfish".to_owned())]);
    update(&mut model, Message::Planned { ticket: 1, made: Ok(made()) });
    assert!(press(&mut model, KeyCode::Enter).is_empty(), "its end was not on the screen");
    assert!(model.note.as_ref().unwrap().text.starts_with("the plan goes on below"));
    assert!(matches!(press(&mut model, KeyCode::Enter).as_slice(), [Effect::Run]));
    assert_eq!(model.place(), Place::Run);
    all(&mut model, [finished(Ended::Done), Message::Ended(Ok(ExitCode::SUCCESS))]);
    assert!(matches!(press(&mut model, KeyCode::Enter).as_slice(), [Effect::Open(way)] if way.name == "window"));
    assert!(matches!(letter(&mut model, 'q').as_slice(), [Effect::Quit(Exit::Ended)]));
}

#[test]
fn going_back_and_forward_keeps_every_answer() {
    let mut model = reviewed(SIZE);
    let before = model.command_line();
    for screen in
        [Screen::Settings, Screen::Prerequisites, Screen::Profile, Screen::Images, Screen::Stack, Screen::Cluster]
    {
        press(&mut model, KeyCode::Esc);
        assert_eq!(model.screen, screen);
    }
    assert!(press(&mut model, KeyCode::Left).is_empty());
    assert_eq!(model.screen, Screen::Cluster);
    for _ in 0..6 {
        press(&mut model, KeyCode::Right);
    }
    assert_eq!((model.screen, model.command_line()), (Screen::Review, before));
    assert!(model.command_line().contains("--secret password=@FILE"));
}

/// On the screen that asks for the images, with the cursor on a line.
fn at_way(line: usize) -> Model {
    let mut model = begun(SIZE);
    all(&mut model, [key(KeyCode::Enter), key(KeyCode::Enter)]);
    all(&mut model, (0..line).map(|_| key(KeyCode::Down)));
    press(&mut model, KeyCode::Enter);
    model
}

/// What is planned with, once the required setting is given.
fn origin_planned(model: &mut Model) -> (seaworthy::stack::Choices, crate::front::origin::Origin) {
    all(model, [grounded(true), key(KeyCode::Enter), key(KeyCode::Enter), key(KeyCode::Enter)]);
    typed(model, "swordfish");
    let effects = all(model, [key(KeyCode::Enter), key(KeyCode::Right)]);
    let Some(Effect::Plan { request, .. }) = effects.into_iter().next() else { panic!("no plan was asked for") };
    (request.choices, request.origin)
}

#[test]
fn a_registry_with_a_login_is_asked_for_word_by_word() {
    let mut model = at_way(1);
    assert!(matches!(model.popup, Some(Popup::Field { .. })));
    typed(&mut model, "r.example");
    press(&mut model, KeyCode::Enter);
    press(&mut model, KeyCode::Enter);
    assert_eq!(model.note.as_ref().unwrap().text, "that cannot be left empty");
    typed(&mut model, "robot");
    press(&mut model, KeyCode::Enter);
    typed(&mut model, "opensesame");
    assert_eq!(model.place(), Place::Prompt);
    press(&mut model, KeyCode::Enter);
    assert_eq!(model.screen, Screen::Profile);
    assert!(
        model.command_line().contains("--registry r.example --registry-login robot=@FILE"),
        "{}",
        model.command_line()
    );
    let (_, origin) = origin_planned(&mut model);
    assert_eq!((origin.registry(), origin.login().password.as_str()), (Some("r.example"), "opensesame"));
    assert!(!format!("{origin:?}").contains("opensesame"));
}

#[test]
fn a_way_that_is_given_up_leaves_nothing_behind() {
    let mut model = at_way(1);
    press(&mut model, KeyCode::Esc);
    assert_eq!((model.screen, model.popup.is_none()), (Screen::Images, true));
    all(&mut model, [key(KeyCode::Home), key(KeyCode::Enter)]);
    assert_eq!(model.screen, Screen::Profile);
    assert!(!model.command_line().contains("--regis"), "{}", model.command_line());
    press(&mut model, KeyCode::Esc);
    assert_eq!(model.screen, Screen::Images, "one step back");
}

#[test]
fn a_demonstration_asks_for_no_more_than_the_example_lacks() {
    let mut model = at_way(4);
    assert_eq!(model.screen, Screen::Profile);
    assert!(model.command_line().contains("--stand-ins"), "{}", model.command_line());
    let (choices, _) = origin_planned(&mut model);
    assert!(choices.example);
    for _ in 0..4 {
        press(&mut model, KeyCode::Esc);
    }
    all(&mut model, [key(KeyCode::Home), key(KeyCode::Enter), key(KeyCode::Enter), key(KeyCode::Enter)]);
    let effects = press(&mut model, KeyCode::Right);
    let [Effect::Plan { request, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(!request.choices.example, "what was answered otherwise is forgotten");
}

#[test]
fn what_the_command_line_says_of_images_is_not_asked() {
    let mut model = begun(SIZE);
    model.wish.images = true;
    all(&mut model, [key(KeyCode::Enter), key(KeyCode::Enter)]);
    assert_eq!(model.screen, Screen::Profile);
    press(&mut model, KeyCode::Esc);
    assert_eq!(model.screen, Screen::Stack);
}

#[test]
fn images_go_into_the_nodes_in_a_run_of_its_own_before() {
    let mut model = reviewed(SIZE);
    let mut load = *made();
    load.plan.purpose = seaworthy::plan::Purpose::LoadImages;
    load.plan.reach.clear();
    letter(&mut model, 'r');
    update(&mut model, Message::Planned { ticket: 2, made: Ok(Box::new(load)) });
    assert!(matches!(all(&mut model, agreed()).as_slice(), [Effect::Run]));
    all(&mut model, [finished(Ended::Done), Message::Ended(Ok(ExitCode::SUCCESS))]);
    assert!(model.note.as_ref().unwrap().text.contains("Enter goes on to the installation"));
    let effects = press(&mut model, KeyCode::Enter);
    assert!(matches!(effects.as_slice(), [Effect::Plan { .. }]), "{effects:?}");
    assert_eq!(model.screen, Screen::Review);
}

#[test]
fn a_cluster_that_does_not_answer_is_not_taken() {
    let mut model = begun(SIZE);
    press(&mut model, KeyCode::Up);
    assert!(press(&mut model, KeyCode::Enter).is_empty());
    assert_eq!(model.screen, Screen::Cluster);
    assert!(model.note.as_ref().unwrap().text.starts_with("far: no answer in time"));
    assert!(matches!(letter(&mut model, 'r').as_slice(), [Effect::Look, Effect::Yards]));
    all(&mut model, [kubeconfig(), reached()]);
    assert_eq!(model.clusters.chosen(), Some("far"), "the cursor is where it was");
    press(&mut model, KeyCode::Enter);
    assert!(model.note.as_ref().unwrap().text.ends_with("has not answered yet"));
}

#[test]
fn a_cluster_is_made_beside_the_screen_and_chosen_then() {
    let mut model = begun(SIZE);
    letter(&mut model, 'c');
    press(&mut model, KeyCode::Down);
    assert!(press(&mut model, KeyCode::Enter).is_empty());
    let said = model.note.as_ref().unwrap().text.clone();
    assert!(said.starts_with("kind in podman"), "{said}");
    press(&mut model, KeyCode::Up);
    press(&mut model, KeyCode::Enter);
    typed(&mut model, " no");
    press(&mut model, KeyCode::Enter);
    assert!(model.popup.is_some() && model.note.as_ref().unwrap().bad);
    update(&mut model, control('u'));
    typed(&mut model, "sea");
    press(&mut model, KeyCode::Enter);
    typed(&mut model, "x");
    press(&mut model, KeyCode::Enter);
    assert!(model.note.as_ref().unwrap().text.contains("`1x` is no number of nodes"));
    press(&mut model, KeyCode::Backspace);
    press(&mut model, KeyCode::Backspace);
    typed(&mut model, "3");
    assert!(matches!(press(&mut model, KeyCode::Enter).as_slice(), [Effect::Quit(Exit::Aside)]));
    let words = ["cluster", "create", "kind", "--engine=docker", "--nodes=3", "--name=sea"];
    assert_eq!(model.aside.as_ref().unwrap(), &words);
    // The screen comes back, and asks anew.
    let effects = begin(&mut model);
    assert!(matches!(effects.as_slice(), [Effect::Look, Effect::Yards]), "{effects:?}");
    let Message::Host(HostEvent::Kubeconfig { mut kubeconfig }) = kubeconfig() else { panic!() };
    kubeconfig.contexts[0].name = "kind-sea".to_owned();
    update(&mut model, Message::Host(HostEvent::Kubeconfig { kubeconfig }));
    assert_eq!(model.clusters.chosen(), Some("kind-sea"));
}

/// Nobody is stuck: without any cluster there is a way on.
#[test]
fn without_any_cluster_there_is_the_sandbox_and_back() {
    let mut model = Model::new(begun(SIZE).look, SIZE, Wish::default());
    assert!(begin(&mut model).iter().any(|effect| matches!(effect, Effect::Yards)));
    update(&mut model, Message::Looked);
    assert!(press(&mut model, KeyCode::Enter).is_empty());
    assert_eq!(model.note.as_ref().unwrap().text, "engines and tools have not answered yet");
    press(&mut model, KeyCode::Down);
    update(&mut model, yards());
    let effects = press(&mut model, KeyCode::Enter);
    assert!(matches!(effects.as_slice(), [Effect::Quit(Exit::Turn(Turn::Sandbox(Kind::SingleNode)))]), "{effects:?}");
    let wish = Wish { sandbox: Some(Kind::SingleNode), ..Wish::default() };
    let mut model = Model::new(model.look, SIZE, wish);
    assert!(!begin(&mut model).iter().any(|effect| matches!(effect, Effect::Yards)));
    all(&mut model, [kubeconfig(), key(KeyCode::End)]);
    assert!(matches!(press(&mut model, KeyCode::Enter).as_slice(), [Effect::Quit(Exit::Turn(Turn::Machine))]));
}

#[test]
fn a_named_context_is_where_the_cursor_begins_and_the_person_moves_it() {
    let mut model = begun(SIZE);
    assert_eq!(model.clusters.chosen(), Some("dev"), "the current one");
    let wish = Wish { context: Some("far".to_owned()), ..Wish::default() };
    model = Model::new(model.look, SIZE, wish);
    update(&mut model, kubeconfig());
    assert_eq!(model.clusters.chosen(), Some("far"));
    press(&mut model, KeyCode::Down);
    update(&mut model, reached());
    assert_eq!(model.clusters.chosen(), Some("dev"));
}

#[test]
fn a_profile_whose_volumes_nobody_can_make_is_refused_where_it_is_chosen() {
    let mut model = at_sharing(SIZE);
    assert_eq!((model.screen, model.profile()), (Screen::Profile, Some("ha")));
    update(&mut model, surveyed_for_sharing(Shared::Nobody));
    assert!(press(&mut model, KeyCode::Enter).is_empty());
    assert_eq!(model.screen, Screen::Profile);
    let said = "no StorageClass here makes ReadWriteMany volumes, which it needs";
    assert_eq!(model.note.as_ref().unwrap().text, said);
    let effects = letter(&mut model, 'r');
    assert!(matches!(effects.as_slice(), [Effect::Survey { .. }]), "{effects:?}");
    all(&mut model, [surveyed_for_sharing(Shared::Class), grounded(true)]);
    all(&mut model, [key(KeyCode::Enter), key(KeyCode::Enter)]);
    assert_eq!(model.screen, Screen::Settings, "the class can be named there");
    all(&mut model, [key(KeyCode::Esc), key(KeyCode::Esc)]);
    update(&mut model, surveyed_for_sharing(Shared::Nobody));
    press(&mut model, KeyCode::Down);
    press(&mut model, KeyCode::Enter);
    assert_eq!((model.screen, model.sheet().unwrap().form.profile()), (Screen::Prerequisites, "single-node"));
}

/// What makes such volumes is added first, and its class is named for the stack.
#[test]
fn shared_volumes_that_can_be_had_are_added_and_named() {
    let mut model = at_sharing(SIZE);
    all(&mut model, [surveyed_for_sharing(Shared::Offer), grounded_with_folder()]);
    press(&mut model, KeyCode::Enter);
    assert_eq!(model.screen, Screen::Prerequisites);
    assert!(model.command_line().starts_with("seaworthy prerequisites install shared-path --context=dev && "));
    press(&mut model, KeyCode::Enter);
    let setting = first_stack(&model).definition().shared_class.clone().unwrap();
    let named = format!("--set {setting}=shared");
    assert!(model.command_line().contains(&named), "{}", model.command_line());
    // Left out after all, it names nothing.
    press(&mut model, KeyCode::Esc);
    all(&mut model, [key(KeyCode::Down), key(KeyCode::Enter), key(KeyCode::Right)]);
    assert_eq!(model.screen, Screen::Settings);
    assert!(!model.command_line().contains("shared"), "{}", model.command_line());
}

#[test]
fn prerequisites_are_chosen_and_named_as_on_the_command_line() {
    let mut model = at_prerequisites(SIZE);
    assert!(press(&mut model, KeyCode::Enter).is_empty());
    assert_eq!(model.note.as_ref().unwrap().text, "dev has not answered yet; r asks again");
    update(&mut model, grounded(true));
    let first = "seaworthy prerequisites install metallb kruise --context=dev && seaworthy install";
    assert!(model.command_line().starts_with(first), "{}", model.command_line());
    // What somebody else has is used, taken over, or left to them again.
    press(&mut model, KeyCode::Down);
    letter(&mut model, 'd');
    assert!(model.command_line().contains("install local-path metallb kruise --adopt local-path --context"));
    letter(&mut model, 'd');
    assert!(!model.command_line().contains("--adopt"));
    // The registry, and the proof.
    let line = |model: &mut Model, wanted: Footing| {
        model.groundwork.cursor = model.groundwork.lines().iter().position(|line| *line == wanted).unwrap();
    };
    line(&mut model, Footing::Registry);
    press(&mut model, KeyCode::Enter);
    typed(&mut model, "r.example");
    press(&mut model, KeyCode::Enter);
    line(&mut model, Footing::Proof);
    press(&mut model, KeyCode::Char(' '));
    assert!(model.command_line().contains("kruise --registry r.example --no-check --context=dev"));
    let before = model.command_line();
    all(&mut model, [key(KeyCode::Esc), key(KeyCode::Enter), key(KeyCode::Right), key(KeyCode::Esc)]);
    assert_eq!((model.screen, model.command_line()), (Screen::Prerequisites, before), "no answer is lost");
    letter(&mut model, 'r');
    assert!(!model.command_line().contains("prerequisites"), "nobody knows what is there any more");
    all(&mut model, [surveyed("dev"), grounded(true)]);
    assert!(model.command_line().contains("--registry r.example --no-check"));
}

#[test]
fn addresses_are_judged_as_they_are_typed_and_taken_when_they_are_right() {
    let mut model = at_prerequisites(SIZE);
    update(&mut model, grounded(true));
    let pool = model.groundwork.lines().iter().position(|line| *line == Footing::Pool).unwrap();
    model.groundwork.cursor = pool;
    press(&mut model, KeyCode::Enter);
    for (text, said) in [
        ("nonsense", "`nonsense` is no range of addresses"),
        ("10.0.0.1-10.0.0.9", "is not in 172.18.0.0/16, where the nodes are"),
        ("172.18.0.2-172.18.0.9", "contains 172.18.0.2, node dev-control-plane"),
    ] {
        typed(&mut model, text);
        press(&mut model, KeyCode::Enter);
        let why = model.groundwork.known().unwrap().pool(&[text.to_owned()]).unwrap().unwrap_err().to_string();
        assert!(why.contains(said) && model.popup.is_some(), "{text}: {why}");
        assert!(model.note.as_ref().unwrap().bad, "the window says why");
        update(&mut model, control('u'));
    }
    typed(&mut model, "172.18.9.0-172.18.9.9");
    press(&mut model, KeyCode::Enter);
    assert!(model.popup.is_none());
    assert!(model.command_line().contains("--pool 172.18.9.0-172.18.9.9"), "{}", model.command_line());
    press(&mut model, KeyCode::Enter);
    all(&mut model, [control('u'), key(KeyCode::Enter)]);
    assert!(!model.command_line().contains("--pool"), "the one that is worked out");
    // The addresses mean nothing without what gives them away.
    press(&mut model, KeyCode::Up);
    press(&mut model, KeyCode::Char(' '));
    assert!(model.command_line().starts_with("seaworthy prerequisites install kruise --context="));
}

#[test]
fn what_cannot_be_added_says_why_and_stops_nobody_who_leaves_it_out() {
    let mut model = at_prerequisites(SIZE);
    update(&mut model, grounded(false));
    assert!(model.command_line().starts_with("seaworthy prerequisites install kruise --context="));
    let index = model.groundwork.rows.iter().position(|row| row.prerequisite.name() == "metallb").unwrap();
    let line = model.groundwork.lines().iter().position(|line| *line == Footing::One(index));
    model.groundwork.cursor = line.unwrap();
    press(&mut model, KeyCode::Enter);
    let said = model.note.as_ref().unwrap().text.clone();
    assert!(said.starts_with("metallb cannot be added: no address pool can be worked out"), "{said}");
    letter(&mut model, 'd');
    assert!(model.note.as_ref().unwrap().text.ends_with("there is nothing of anybody else to take over"));
    press(&mut model, KeyCode::Right);
    assert_eq!(model.screen, Screen::Settings, "the plan warns of it");
    // The API server is gone: the keys work, and nothing is added.
    press(&mut model, KeyCode::Esc);
    letter(&mut model, 'r');
    let gone = Message::Grounded { context: "dev".to_owned(), ground: Err("gone".to_owned()) };
    update(&mut model, gone);
    press(&mut model, KeyCode::Right);
    assert_eq!(model.screen, Screen::Settings);
    assert!(model.command_line().starts_with("seaworthy install"));
}

#[test]
fn prerequisites_are_run_before_and_the_installation_is_planned_then() {
    let mut model = reviewed(SIZE);
    letter(&mut model, 'r');
    let first = Made { stage: Stage::Prerequisites, more: vec![plan()], ..*made() };
    update(&mut model, Message::Planned { ticket: 2, made: Ok(Box::new(first)) });
    assert!(matches!(all(&mut model, agreed()).as_slice(), [Effect::Run]));
    all(&mut model, [finished(Ended::Done)]);
    let board = model.board.as_ref().unwrap();
    assert_eq!((board.done, board.total), (5, 5));
    // A check of what was added is a run of its own.
    let again = seaworthy::event::Event::Planned { plan: plan() };
    all(&mut model, [event(again), step("apply:Namespace/sea", 1, seaworthy::event::StepState::Running)]);
    let board = model.board.as_ref().unwrap();
    assert_eq!((board.done, board.total, board.outcome.is_none()), (6, 10, true));
    all(&mut model, [finished(Ended::Done), Message::Ended(Ok(ExitCode::SUCCESS))]);
    assert!(model.note.as_ref().unwrap().text.contains("Enter goes on to the installation"));
    let effects = press(&mut model, KeyCode::Enter);
    assert!(matches!(effects.as_slice(), [Effect::Plan { .. }, Effect::Survey { .. }]), "{effects:?}");
}

#[test]
fn what_is_wrong_is_said_as_it_is_typed_and_stops_nobody_from_typing() {
    let mut model = at_settings(SIZE);
    assert!(press(&mut model, KeyCode::Right).is_empty(), "something is required");
    assert_eq!(model.screen, Screen::Settings);
    let replicas = model.sheet().unwrap().form.settings().iter().position(|known| known.path == "replicas").unwrap();
    model.sheet_mut().unwrap().go_to(replicas);
    press(&mut model, KeyCode::Enter);
    all(&mut model, [control('u')]);
    typed(&mut model, "0");
    let said =
        |model: &Model| model.sheet().unwrap().form.faults_of(replicas).next().map(|fault| fault.message.clone());
    assert_eq!(said(&model).as_deref(), Some("is 0, expected at least 1"));
    all(&mut model, [key(KeyCode::Backspace)]);
    typed(&mut model, "many");
    assert_eq!(said(&model).as_deref(), Some("is `many`, expected a whole number"));
    press(&mut model, KeyCode::Esc);
    assert_eq!((said(&model), model.sheet().unwrap().form.shown(replicas)), (None, "1".to_owned()));
    press(&mut model, KeyCode::Enter);
    typed(&mut model, "2");
    press(&mut model, KeyCode::Tab);
    assert_eq!(model.sheet().unwrap().form.shown(replicas), "12");
    model.sheet_mut().unwrap().go_to(replicas);
    letter(&mut model, 'u');
    assert_eq!(model.sheet().unwrap().form.shown(replicas), "1");
}

#[test]
fn keys_that_are_text_are_text_while_typing() {
    let mut model = at_settings(SIZE);
    press(&mut model, KeyCode::Enter);
    typed(&mut model, "q?k jG");
    assert_eq!((model.place(), model.screen), (Place::Edit, Screen::Settings));
    press(&mut model, KeyCode::Enter);
    assert_eq!(model.sheet().unwrap().form.choices().secrets[0].1, "q?k jG");
    // A secret that is only looked at stays what it is.
    all(&mut model, [key(KeyCode::Enter), key(KeyCode::Enter)]);
    assert_eq!(model.sheet().unwrap().form.choices().secrets[0].1, "q?k jG");
    all(&mut model, [key(KeyCode::Enter), key(KeyCode::Char('x')), key(KeyCode::Esc)]);
    assert_eq!(model.sheet().unwrap().form.choices().secrets[0].1, "q?k jG");
    all(&mut model, [Message::Paste("from the clipboard\n".to_owned()), key(KeyCode::Enter)]);
    assert_eq!(model.sheet().unwrap().form.choices().secrets[0].1, "from the clipboard");
}

#[test]
fn an_answer_to_an_older_question_changes_nothing() {
    let mut model = reviewed(SIZE);
    assert!(matches!(letter(&mut model, 'r').as_slice(), [Effect::Plan { ticket: 2, .. }]));
    update(&mut model, Message::Planned { ticket: 1, made: Ok(made()) });
    assert!(model.review.made().is_none());
    assert!(press(&mut model, KeyCode::Enter).is_empty(), "a plan that is not there cannot be run");
    update(&mut model, surveyed("elsewhere"));
    assert_eq!(model.profiles.room.as_ref().unwrap().0, "dev");
}

#[test]
fn a_refused_plan_is_not_run() {
    let mut model = reviewed(SIZE);
    let mut refused = made();
    refused.refusals = vec![cause(seaworthy::doctor::Outlook::Final)];
    letter(&mut model, 'r');
    update(&mut model, Message::Planned { ticket: 2, made: Ok(refused) });
    assert!(press(&mut model, KeyCode::Enter).is_empty());
    assert_eq!(model.screen, Screen::Review);
    model.wish.dry_run = true;
    letter(&mut model, 'r');
    update(&mut model, Message::Planned { ticket: 3, made: Ok(made()) });
    assert!(press(&mut model, KeyCode::Enter).is_empty());
    let effects = letter(&mut model, 'p');
    assert!(matches!(effects.as_slice(), [Effect::Plan { request, .. }] if request.replan), "{effects:?}");
}

#[test]
fn control_c_stops_a_run_and_leaves_when_it_has_stopped() {
    let mut model = reviewed(SIZE);
    all(&mut model, agreed());
    all(&mut model, stalls());
    assert!(matches!(update(&mut model, control('c')).as_slice(), [Effect::Stop(130)]));
    assert!(model.note.as_ref().unwrap().text.contains("once more to stop at once"));
    assert!(matches!(update(&mut model, Message::Signal(143)).as_slice(), [Effect::Stop(143)]));
    update(&mut model, finished(Ended::Interrupted));
    let effects = update(&mut model, Message::Ended(Ok(ExitCode::from(130))));
    assert!(matches!(effects.as_slice(), [Effect::Quit(Exit::Ended)]), "{effects:?}");
}

#[test]
fn leaving_during_a_run_is_asked_about() {
    let mut model = reviewed(SIZE);
    all(&mut model, agreed());
    assert!(letter(&mut model, 'q').is_empty());
    assert_eq!(model.popup, Some(Popup::Leave));
    letter(&mut model, 'n');
    assert_eq!(model.place(), Place::Run);
    letter(&mut model, 'q');
    assert!(matches!(letter(&mut model, 'y').as_slice(), [Effect::Stop(130)]));
}

#[test]
fn without_a_run_control_c_and_signals_leave_at_once() {
    for screen in [begun(SIZE), reviewed(SIZE)] {
        let mut model = screen;
        assert!(matches!(update(&mut model, control('c')).as_slice(), [Effect::Quit(Exit::Interrupted(130))]));
        assert!(matches!(update(&mut model, Message::Signal(143)).as_slice(), [Effect::Quit(Exit::Interrupted(143))]));
        assert!(matches!(letter(&mut model, 'q').as_slice(), [Effect::Quit(Exit::Declined)]));
    }
}

#[test]
fn a_failed_run_leads_back_to_a_new_plan() {
    let mut model = reviewed(SIZE);
    all(&mut model, agreed());
    all(&mut model, [finished(Ended::Failed), Message::Ended(Ok(ExitCode::FAILURE))]);
    assert_eq!(model.place(), Place::Ended);
    assert!(matches!(press(&mut model, KeyCode::Enter).as_slice(), [Effect::Plan { .. }]));
    assert_eq!(model.screen, Screen::Review);
    assert!(matches!(letter(&mut model, 'q').as_slice(), [Effect::Quit(Exit::Ended)]), "the exit code of the run");
}

#[test]
fn a_run_that_could_not_begin_says_why() {
    let mut model = reviewed(SIZE);
    all(&mut model, agreed());
    let failure = Failure::input("locked", "sea.shop is locked", "wait");
    update(&mut model, Message::Ended(Err(Box::new(failure))));
    assert_eq!(model.place(), Place::Ended);
    assert!(matches!(&model.last, Some(Err(failure)) if failure.id == "locked"));
}

#[test]
fn the_question_of_a_run_takes_only_the_word() {
    let mut model = reviewed(SIZE);
    all(&mut model, agreed());
    let ask = || Message::Asked { question: "Take it over?".to_owned(), word: Some("sea.shop".to_owned()) };
    for (answer, agreed) in [("sea.shop", true), ("yes", false)] {
        update(&mut model, ask());
        typed(&mut model, answer);
        let effects = press(&mut model, KeyCode::Enter);
        assert!(matches!(effects.as_slice(), [Effect::Answer(given)] if *given == agreed), "{answer}: {effects:?}");
    }
    update(&mut model, ask());
    assert!(matches!(press(&mut model, KeyCode::Esc).as_slice(), [Effect::Answer(false)]));
}

#[test]
fn values_are_saved_without_secrets_and_loaded() {
    let mut model = reviewed(SIZE);
    press(&mut model, KeyCode::Esc);
    letter(&mut model, 's');
    let effects = press(&mut model, KeyCode::Enter);
    let [Effect::Save { path, text }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(path.to_str(), Some("shop-values.yaml"));
    assert!(!text.contains("swordfish"), "{text}");
    update(&mut model, Message::Saved(Err("shop-values.yaml is there already".to_owned())));
    assert!(model.note.as_ref().unwrap().bad);
    letter(&mut model, 'l');
    assert!(matches!(press(&mut model, KeyCode::Enter).as_slice(), [Effect::Load { .. }]));
    let text =
        seaworthy::stack::Text { name: "mine.yaml".to_owned(), text: "greeting: hello\nreplicaz: 2\n".to_owned() };
    update(&mut model, Message::Loaded(Ok(text)));
    let form = &model.sheet().unwrap().form;
    let greeting = form.settings().iter().position(|known| known.path == "greeting").unwrap();
    assert_eq!(form.shown(greeting), "hello");
    let other: Vec<String> = form.other_faults().map(ToString::to_string).collect();
    assert_eq!(other, ["mine.yaml:2:1: replicaz: unknown key, did you mean `replicas`?"]);
    assert!(form.options().contains(&"-f mine.yaml".to_owned()));
    assert_eq!(form.choices().secrets.len(), 1, "secrets stay");
}

/// Whatever is pressed, wherever: nothing panics, and Ctrl-C always means something.
#[test]
fn every_key_everywhere() {
    let codes = [
        KeyCode::Enter,
        KeyCode::Esc,
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::Left,
        KeyCode::Right,
        KeyCode::PageUp,
        KeyCode::PageDown,
        KeyCode::Home,
        KeyCode::End,
        KeyCode::Tab,
        KeyCode::Backspace,
        KeyCode::Delete,
        KeyCode::F(5),
    ];
    let letters = "abcdefghijklmnopqrstuvwxyz?GK 0".chars().map(KeyCode::Char);
    let codes: Vec<KeyCode> = codes.into_iter().chain(letters).collect();
    // A walk that is the same every time: a small generator of pseudo-random numbers (Knuth's, MMIX).
    let mut state = 1_u64;
    for walk in 0..40 {
        let mut model = match walk % 3 {
            0 => begun(SIZE),
            1 => reviewed(SIZE),
            _ => at_settings(SIZE),
        };
        let mut ticket = 1;
        for _ in 0..200 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let index = usize::try_from(state >> 33).unwrap() % codes.len();
            for effect in press(&mut model, codes[index]) {
                match effect {
                    Effect::Plan { ticket: asked, .. } => {
                        assert!(asked > ticket || ticket == 1);
                        ticket = asked;
                        update(&mut model, Message::Planned { ticket, made: Ok(made()) });
                    }
                    Effect::Survey { .. } => {
                        update(&mut model, grounded(index.is_multiple_of(2)));
                    }
                    _ => {}
                }
            }
        }
        assert!(!update(&mut model, control('c')).is_empty());
        assert_eq!(first_stack(&model).name(), "shop");
    }
}
