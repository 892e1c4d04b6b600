//! Symptoms of a stack, and the way through one.

use crossterm::event::KeyCode;
use seaworthy::doctor::walk::{LogAsk, Words};

use super::{Size, after};
use crate::front::tui::model::{Effect, Entry, Message, Model, Screen};
use crate::front::tui::testing::*;

/// On the symptoms of the stack of the home screen.
pub(super) fn at_symptoms(size: Size, well: bool) -> Model {
    let mut model = at_home(size, Ok(home_with_walks(well)));
    let entries = model.watch.entries("");
    let stack = entries.iter().position(|entry| matches!(entry, Entry::Stack(_))).unwrap();
    model.watch.cursor = stack;
    after(model, [key(KeyCode::Char('t'))])
}

/// In the walk-through of this name, on this step.
fn in_walk(size: Size, well: bool, name: &str, step: usize) -> Model {
    let mut model = at_symptoms(size, well);
    model.tour.chosen = Some(name.to_owned());
    let steps = (0..step).map(|_| key(KeyCode::Down));
    after(model, std::iter::once(key(KeyCode::Enter)).chain(steps))
}

/// What its log said has come.
fn heard(model: Model, said: Result<&str, &str>) -> Model {
    let mut words = Words::default();
    let (namespace, pod) = ("sea".to_owned(), "shop-web-7dbd656c9f-cw986".to_owned());
    let ask = LogAsk { namespace, pod, container: "c".to_owned(), previous: false };
    words.keep(ask, said.map(str::to_owned).map_err(str::to_owned));
    let ticket = model.tour.ticket;
    after(model, [Message::Words { ticket, words }])
}

pub(super) fn at_walks(size: Size) -> Vec<(&'static str, Model)> {
    vec![
        ("symptoms", at_symptoms(size, false)),
        ("symptoms-well", at_symptoms(size, true)),
        ("walk-holds", in_walk(size, true, "page-away", 0)),
        ("walk-does-not-hold", in_walk(size, false, "page-away", 3)),
        ("walk-log", heard(in_walk(size, false, "page-away", 1), Ok("ready\nERROR: no such table orders"))),
        ("walk-reading", in_walk(size, false, "page-away", 1)),
        ("walk-cannot-tell", in_walk(size, false, "page-away", 2)),
        ("walk-finding", in_walk(size, false, "orders-lost", 1)),
        ("walk-copied", after(in_walk(size, false, "orders-lost", 0), [key(KeyCode::Char('y'))])),
    ]
}

/// A log is asked for where a step wants it, once until its answer is there, and again when that has become old.
#[test]
fn what_logs_say_comes_when_it_is_read() {
    let size = (120, 40);
    let again = || Message::Home { context: "dev".to_owned(), home: Ok(Box::new(home_with_walks(true))) };
    let mut model = at_symptoms(size, true);
    assert!(model.tour.asked.is_none(), "nobody has asked for a log yet");
    model.tour.chosen = Some("page-away".to_owned());
    let effects = all(&mut model, [key(KeyCode::Enter)]);
    assert!(
        matches!(&effects[..], [Effect::Words { asks, .. }] if asks[0].pod == "shop-web-7dbd656c9f-cw986"),
        "{effects:?}"
    );
    assert!(all(&mut model, [tick(60_000), again()]).is_empty(), "its answer is still to come");
    let model = heard(after(model, [key(KeyCode::Down)]), Ok("ready\nERROR: no such table orders"));
    let step = model.walked_step().unwrap();
    assert_eq!(step.seen, ["pod shop-web-7dbd656c9f-cw986, container c: ERROR: no such table orders"]);
    assert_eq!(model.walked().unwrap().cause, Some(1));
    let mut model = heard(model, Ok("ready"));
    assert_ne!(model.walked().unwrap().cause, Some(1));
    assert!(all(&mut model, [again()]).is_empty(), "it was just read");
    assert_eq!(all(&mut model, [tick(80_000), again()]).len(), 1);
}

/// From a finding the keys lead to the symptoms of its stack, and back.
#[test]
fn a_finding_leads_to_the_symptoms_of_its_stack() {
    let mut model = at_home((120, 40), Ok(home_with_walks(false)));
    let at = model.watch.entries("").iter().position(
        |entry| matches!(entry, Entry::Finding(finding, _) if finding.object.kind == "PersistentVolumeClaim"),
    );
    model.watch.cursor = at.unwrap();
    let model = after(model, [key(KeyCode::Char('t'))]);
    assert_eq!((model.screen, model.tour.chosen.as_deref()), (Screen::Walks, Some("orders-lost")));
    let model = after(model, [key(KeyCode::Enter), key(KeyCode::Esc)]);
    assert_eq!(model.screen, Screen::Walks);
    let model = after(model, [key(KeyCode::Esc)]);
    assert_eq!(model.screen, Screen::Home);
    let mut node = model;
    node.watch.cursor = node.watch.entries("").iter().position(|entry| matches!(entry, Entry::Node(_))).unwrap();
    let node = after(node, [key(KeyCode::Char('t'))]);
    assert_eq!(node.screen, Screen::Home);
    assert!(node.note.is_some_and(|note| note.bad));
}

/// It is judged again with each look at the cluster, and the cursor stays.
#[test]
fn what_is_mended_is_seen_to_hold() {
    let model = in_walk((120, 40), false, "orders-lost", 1);
    assert!(model.walked().unwrap().is_wrong());
    let mended = Message::Home { context: "dev".to_owned(), home: Ok(Box::new(home_with_walks(true))) };
    let model = after(model, [mended]);
    assert!(!model.walked().unwrap().is_wrong());
    assert_eq!((model.tour.step, model.walked().unwrap().name.as_str()), (1, "orders-lost"));
}
