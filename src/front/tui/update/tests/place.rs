//! A command on the screen leads to the cluster that the screen is about.

use super::*;
use crate::front::form::tests::shop;

fn copied(model: &mut Model) -> String {
    let effects = letter(model, 'y');
    let [Effect::Copy(text)] = effects.as_slice() else { panic!("{effects:?}") };
    text.clone()
}

/// At home in a sandbox, with stacks of one's own, and the cursor on this line.
fn at_home_in_sandbox(line: &str) -> Model {
    let mut model = at_home(SIZE, Ok(home(true)));
    model.wish.sandbox = Some(Kind::Ha);
    model.wish.profiles = vec!["mine".into()];
    let is_there = |model: &Model| model.entry().unwrap().kubectl(None).contains(line);
    while !is_there(&model) {
        let before = model.watch.cursor;
        press(&mut model, KeyCode::Down);
        assert_ne!(model.watch.cursor, before, "no {line}");
    }
    model
}

#[test]
fn what_is_copied_leads_to_the_sandbox_that_is_looked_at() {
    let mut model = at_home_in_sandbox("seaworthy prerequisites");
    assert_eq!(copied(&mut model), "seaworthy --sandbox=ha prerequisites list");
    letter(&mut model, 'i');
    assert_eq!(copied(&mut model), "seaworthy --profiles=mine stacks show shop");
}

/// The name of a sandbox is no context of any kubeconfig.
#[test]
fn what_is_copied_of_a_sandbox_among_clusters_is_a_command_that_reaches_it() {
    let mut model = at_home_in_sandbox("seaworthy prerequisites");
    press(&mut model, KeyCode::Esc);
    assert_eq!(model.screen, Screen::Cluster);
    assert_eq!(copied(&mut model), "seaworthy --sandbox=ha doctor");
}

#[test]
fn what_is_copied_leads_to_the_context_that_is_looked_at() {
    let mut model = at_home(SIZE, Ok(home(true)));
    model.wish.kubeconfig = Some("a/config".into());
    while !matches!(model.entry(), Some(crate::front::tui::model::Entry::Prerequisite(_))) {
        press(&mut model, KeyCode::Down);
    }
    assert_eq!(copied(&mut model), "seaworthy --kubeconfig=a/config --context=dev prerequisites list");
}

#[test]
fn the_plan_as_a_command_names_stacks_of_ones_own() {
    let mut model = reviewed(SIZE);
    model.wish.profiles = vec!["my stacks".into()];
    let line = copied(&mut model);
    assert!(line.starts_with("seaworthy --profiles='my stacks' install shop --context=dev "), "{line}");
}

/// Where there is room for columns, the arrows choose one of them; Esc goes back.
#[test]
fn arrows_choose_among_profiles_that_stand_side_by_side() {
    let mut model = begun((120, 40));
    all(&mut model, [key(KeyCode::Enter), surveyed("dev"), key(KeyCode::Enter), key(KeyCode::Enter)]);
    assert_eq!((model.screen, model.place()), (Screen::Profile, Place::Columns));
    press(&mut model, KeyCode::Home);
    let first = model.profile().map(str::to_owned);
    press(&mut model, KeyCode::Right);
    assert_eq!(model.screen, Screen::Profile);
    assert_ne!(model.profile().map(str::to_owned), first);
    press(&mut model, KeyCode::Left);
    assert_eq!((model.screen, model.profile().map(str::to_owned)), (Screen::Profile, first));
    press(&mut model, KeyCode::Esc);
    assert_eq!(model.screen, Screen::Images);
    // Below each other they are a list, from which Left leads back.
    let mut model = begun(SIZE);
    all(&mut model, (0..3).map(|_| key(KeyCode::Enter)));
    assert_eq!((model.screen, model.place()), (Screen::Profile, Place::Profile));
    press(&mut model, KeyCode::Left);
    assert_eq!(model.screen, Screen::Images);
    assert_eq!(shop().definition().profiles.len(), 2);
}
