//! Answers outlive the way back, the sandbox and a run that failed.

use super::*;
use crate::front::form::tests::shop;
use crate::front::origin::Way;
use crate::front::tui::model::Kept;

/// A registry with a login, answered.
fn with_login() -> Model {
    let mut model = at_way(1);
    for text in ["r.example", "robot", "opensesame"] {
        typed(&mut model, text);
        press(&mut model, KeyCode::Enter);
    }
    assert_eq!(model.screen, Screen::Profile);
    model
}

fn password(model: &Model) -> String {
    model.images.origin.login().password
}

#[test]
fn a_password_that_was_typed_is_kept_with_enter() {
    let mut model = with_login();
    press(&mut model, KeyCode::Esc);
    all(&mut model, (0..4).map(|_| key(KeyCode::Enter)));
    assert_eq!((model.screen, password(&model).as_str()), (Screen::Profile, "opensesame"));
    // What is typed replaces it.
    press(&mut model, KeyCode::Esc);
    all(&mut model, (0..3).map(|_| key(KeyCode::Enter)));
    typed(&mut model, "another");
    press(&mut model, KeyCode::Enter);
    assert_eq!(password(&model), "another");
}

/// A password is for one registry: it is not shown to another that was typed later.
#[test]
fn a_password_does_not_go_to_another_registry() {
    let mut model = with_login();
    press(&mut model, KeyCode::Esc);
    press(&mut model, KeyCode::Enter);
    typed(&mut model, "/elsewhere");
    all(&mut model, (0..3).map(|_| key(KeyCode::Enter)));
    assert_eq!(model.note.as_ref().unwrap().text, "that cannot be left empty");
    assert!(model.popup.is_some() && password(&model).is_empty());
}

/// Another model, as the program makes one when it turns to the sandbox or back.
fn turned(before: &mut Model, sandbox: Option<Kind>) -> Model {
    let kept: Kept = before.keep();
    let mut model = Model::new(before.look, SIZE, Wish { sandbox, ..Wish::default() });
    model.go_on_with(kept);
    let stacks = Message::Stacks { found: vec![at_sharing(SIZE).stack().unwrap().clone(), shop()], broken: Vec::new() };
    all(&mut model, [kubeconfig(), reached(), Message::Looked, stacks]);
    model
}

#[test]
fn answers_go_along_to_the_sandbox_and_back() {
    let mut model = reviewed(SIZE);
    let before = model.command_line();
    let mut inside = turned(&mut model, Some(Kind::SingleNode));
    press(&mut inside, KeyCode::Enter);
    assert_eq!(inside.stack().unwrap().name(), "shop", "the cursor is on the stack that was chosen");
    all(&mut inside, [grounded(true)].into_iter().chain((0..4).map(|_| key(KeyCode::Enter))));
    assert_eq!(inside.screen, Screen::Settings);
    assert!(matches!(press(&mut inside, KeyCode::Right).as_slice(), [Effect::Plan { .. }]), "nothing is asked again");
    assert_eq!(inside.command_line(), before.replace("--context=dev", "--sandbox"));
    let mut back = turned(&mut inside, None);
    all(&mut back, [key(KeyCode::Enter), surveyed("dev"), grounded(true)]);
    all(&mut back, (0..4).map(|_| key(KeyCode::Enter)));
    press(&mut back, KeyCode::Right);
    assert_eq!((back.screen, back.command_line()), (Screen::Review, before));
}

/// In a sandbox nothing can be put into nodes; outside of it the answer still stands.
#[test]
fn images_for_nodes_mean_nothing_in_the_sandbox() {
    let mut model = at_way(2);
    assert_eq!(model.images.origin.way, Way::Engines);
    let mut inside = turned(&mut model, Some(Kind::Ha));
    assert_eq!(inside.images.origin.way, Way::Open);
    assert_eq!(turned(&mut inside, None).images.origin.way, Way::Engines);
}

#[test]
fn after_a_run_that_failed_the_way_begins_with_its_answers() {
    let mut model = reviewed(SIZE);
    model.wish.home = true;
    all(&mut model, agreed());
    all(&mut model, [finished(Ended::Failed), Message::Ended(Ok(ExitCode::FAILURE))]);
    let before = model.command_line();
    letter(&mut model, 'h');
    update(&mut model, Message::Home { context: "dev".to_owned(), home: Ok(Box::new(home(false))) });
    assert_eq!(model.screen, Screen::Home);
    letter(&mut model, 'i');
    all(&mut model, (0..4).map(|_| key(KeyCode::Enter)));
    assert_eq!(model.screen, Screen::Settings);
    let effects = press(&mut model, KeyCode::Right);
    let [Effect::Plan { request, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(request.choices.secrets, [("password".to_owned(), "swordfish".to_owned())]);
    assert_eq!(model.command_line(), before);
}

/// A stack that is there already: the form begins with what was recorded of it, and asks for secrets alone.
#[test]
fn what_is_installed_is_what_the_way_begins_with() {
    let mut home = home(true);
    home.records[0].inputs.chosen = serde_json::json!({"replicas": 7, "password": "<secret>"});
    home.records[0].installation.profile = "ha".to_owned();
    let mut model = at_home(SIZE, Ok(home));
    letter(&mut model, 'i');
    press(&mut model, KeyCode::Enter);
    let said = model.note.as_ref().unwrap().text.clone();
    assert_eq!(said, "begins with what run 20261120-090000 has installed; secrets are asked for");
    let form = &model.sheet().unwrap().form;
    assert_eq!(form.profile(), "ha");
    assert!(form.options().contains(&"--set replicas=7".to_owned()), "{:?}", form.options());
    assert_eq!(form.errors().0, 1, "the password");
    // Of another namespace nothing is known.
    let mut model = at_home(SIZE, Ok(crate::front::tui::testing::home(true)));
    model.wish.namespace = Some("elsewhere".to_owned());
    letter(&mut model, 'i');
    press(&mut model, KeyCode::Enter);
    assert!(model.note.is_none() && model.sheet().unwrap().form.options().len() == 1);
}
