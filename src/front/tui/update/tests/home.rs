//! Home, and what is done from there.

use super::*;

fn home_of(model: &Model) -> &seaworthy::home::Home {
    model.watch.known().unwrap()
}

#[test]
fn without_a_wish_the_chosen_cluster_is_looked_at_first() {
    let mut model = begun(SIZE);
    model.wish.home = true;
    let effects = press(&mut model, KeyCode::Enter);
    assert!(matches!(effects.as_slice(), [Effect::Watch { context }] if context == "dev"), "{effects:?}");
    assert_eq!((model.screen, model.place()), (Screen::Home, Place::Home));
    // Of another cluster nothing is shown.
    update(&mut model, Message::Home { context: "far".to_owned(), home: Ok(Box::new(home(true))) });
    assert!(model.watch.known().is_none());
    update(&mut model, Message::Home { context: "dev".to_owned(), home: Ok(Box::new(home(true))) });
    assert_eq!(home_of(&model).nodes.len(), 2);
    let effects = letter(&mut model, 'i');
    assert!(matches!(effects.as_slice(), [Effect::Survey { .. }]), "{effects:?}");
    assert_eq!(model.screen, Screen::Stack);
    press(&mut model, KeyCode::Esc);
    assert_eq!(model.screen, Screen::Home);
    letter(&mut model, 'm');
    assert_eq!(model.screen, Screen::Storage);
    all(&mut model, [key(KeyCode::Esc), key(KeyCode::Esc)]);
    assert_eq!(model.screen, Screen::Cluster);
    // It is looked at still.
    assert!(press(&mut model, KeyCode::Enter).is_empty());
    assert!(matches!(letter(&mut model, 'q').as_slice(), [Effect::Quit(Exit::Ended)]));
}

#[test]
fn the_cursor_stays_on_its_line_when_others_come_before_it() {
    let mut model = at_home(SIZE, Ok(home(true)));
    let names = |model: &Model| model.watch.entries("")[model.watch.cursor].kubectl(None);
    while !names(&model).ends_with("node dev-worker") {
        press(&mut model, KeyCode::Down);
    }
    let before = model.watch.cursor;
    update(&mut model, Message::Home { context: "dev".to_owned(), home: Ok(Box::new(home(false))) });
    assert!(model.watch.cursor > before);
    assert!(names(&model).ends_with("node dev-worker"));
}

#[test]
fn what_was_typed_as_a_filter_is_what_is_shown_until_it_is_taken_back() {
    let mut model = at_home(SIZE, Ok(home(true)));
    let all_lines = model.watch.entries("").len();
    letter(&mut model, '/');
    typed(&mut model, "worker");
    assert_eq!((model.place(), model.filter().as_str()), (Place::Prompt, "worker"));
    press(&mut model, KeyCode::Enter);
    assert_eq!(model.watch.entries(&model.filter()).len(), 1);
    letter(&mut model, '/');
    press(&mut model, KeyCode::Esc);
    assert_eq!(model.watch.entries(&model.filter()).len(), all_lines);
}

#[test]
fn commands_are_run_beside_the_screen_and_it_comes_back_as_it_was() {
    let mut model = at_home(SIZE, Ok(home(false)));
    let effects = press(&mut model, KeyCode::Enter);
    assert!(matches!(effects.as_slice(), [Effect::Quit(Exit::Aside)]), "{effects:?}");
    let words = model.aside.clone().unwrap();
    assert_eq!(words[0], "why", "{words:?}");
    assert!(crate::front::tui::update::begin(&mut model).is_empty());
    assert_eq!((model.screen, model.aside.as_ref()), (Screen::Home, None));
    letter(&mut model, 'd');
    assert_eq!(model.aside.as_deref(), Some(["doctor".to_owned()].as_slice()));
}

/// The last look at the cluster was of before the command; what came meanwhile is not looked at again for a minute.
#[test]
fn what_came_while_a_command_had_the_terminal_is_taken_in() {
    let mut model = at_home(SIZE, Ok(home(false)));
    letter(&mut model, 'd');
    model.missed = vec![Message::Home { context: "dev".to_owned(), home: Ok(Box::new(home(true))) }];
    assert!(crate::front::tui::update::begin(&mut model).is_empty());
    assert!(home_of(&model).is_green() && model.missed.is_empty());
    letter(&mut model, 'd');
    model.missed = vec![Message::Signal(143)];
    let effects = crate::front::tui::update::begin(&mut model);
    assert!(matches!(effects.as_slice(), [Effect::Quit(Exit::Interrupted(143))]), "{effects:?}");
}

#[test]
fn only_what_can_be_done_is_done() {
    let mut model = at_home(SIZE, Ok(home(false)));
    assert!(letter(&mut model, 'f').is_empty());
    assert!(model.note.as_ref().is_some_and(|note| note.bad), "nothing can be done about this one from here");
}

#[test]
fn what_is_copied_is_said_too() {
    let mut model = at_home(SIZE, Ok(home(true)));
    let effects = letter(&mut model, 'y');
    let [Effect::Copy(text)] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(text.starts_with("kubectl --context dev "), "{text}");
    assert!(model.note.as_ref().unwrap().text.ends_with(text.as_str()));
    letter(&mut model, 'm');
    let effects = letter(&mut model, 'y');
    let [Effect::Copy(text)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(text, "kubectl --context dev -n sea describe persistentvolumeclaim shop-data");
}

#[test]
fn a_cluster_that_cannot_be_reached_is_asked_again_by_r() {
    let mut model = at_home(SIZE, Err("refused".to_owned()));
    for pressed in ['y', 'o'] {
        assert!(letter(&mut model, pressed).is_empty());
        assert!(model.note.as_ref().unwrap().bad);
    }
    assert!(press(&mut model, KeyCode::Enter).is_empty());
    let effects = letter(&mut model, 'r');
    assert!(matches!(effects.as_slice(), [Effect::Watch { context }] if context == "dev"), "{effects:?}");
}
