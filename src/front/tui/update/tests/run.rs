//! The run, its logs and its time.

use super::*;

/// On the run, with the wait for the queue under way.
fn at_run() -> Model {
    let mut model = reviewed(SIZE);
    all(&mut model, agreed().into_iter().chain(stalls()));
    model
}

/// The title of the step that the cursor is on.
fn chosen(model: &Model) -> &str {
    model.board.as_ref().unwrap().chosen().map_or("", |row| &row.title)
}

#[test]
fn the_cursor_follows_what_is_under_way_until_somebody_moves_it() {
    let mut model = reviewed(SIZE);
    all(&mut model, agreed());
    assert_eq!(chosen(&model), "create Namespace/sea", "what comes first");
    all(&mut model, stalls());
    assert_eq!(chosen(&model), "wait for Deployment/mq", "what is under way");
    press(&mut model, KeyCode::Up);
    assert_eq!(chosen(&model), "create Deployment/mq");
    let done = || seaworthy::event::StepState::Done { changed: true, millis: 5, note: None };
    all(&mut model, [step("await:Deployment/sea/mq", 3, done())]);
    all(&mut model, [step("apply:Deployment/sea/web", 3, seaworthy::event::StepState::Running)]);
    assert_eq!(chosen(&model), "create Deployment/mq", "it stays where it was put");
    press(&mut model, KeyCode::End);
    assert_eq!(chosen(&model), "update Deployment/web", "and follows again");
    press(&mut model, KeyCode::Home);
    assert_eq!(chosen(&model), "create Namespace/sea");
}

#[test]
fn after_its_end_a_run_can_still_be_looked_at() {
    let mut model = at_run();
    all(&mut model, [finished(Ended::Failed), Message::Ended(Ok(ExitCode::FAILURE))]);
    assert_eq!(chosen(&model), "", "how it ended comes first");
    for title in ["apply Service/web", "update Deployment/web", "wait for Deployment/mq"] {
        press(&mut model, KeyCode::Up);
        assert_eq!(chosen(&model), title);
    }
    press(&mut model, KeyCode::PageDown);
    assert_eq!(chosen(&model), "");
}

#[test]
fn the_logs_of_a_step_are_asked_for_and_older_answers_passed_over() {
    let mut model = at_run();
    let effects = letter(&mut model, 'l');
    let [Effect::Logs { ticket: 1, object }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(object.to_string(), "Deployment/sea/mq");
    assert_eq!(model.place(), Place::Logs);
    assert!(matches!(press(&mut model, KeyCode::Esc).as_slice(), [Effect::NoLogs]));
    assert_eq!((model.screen, model.place()), (Screen::Run, Place::Run), "the run goes on");
    letter(&mut model, 'l');
    update(&mut model, Message::Logs { ticket: 1, said: many(3) });
    assert!(model.logs.as_ref().unwrap().lines.is_empty(), "those were of before");
    update(&mut model, Message::Logs { ticket: 2, said: many(3) });
    assert_eq!(model.logs.as_ref().unwrap().lines.len(), 3);
    update(&mut model, Message::LogsOver { ticket: 1, why: "late".to_owned() });
    assert_eq!(model.logs.as_ref().unwrap().over, None);
    assert!(matches!(update(&mut model, control('c')).as_slice(), [Effect::Stop(130)]), "also from here");
}

#[test]
fn logs_are_filtered_and_scrolled_and_the_cursor_of_the_run_stays() {
    let mut model = at_run();
    letter(&mut model, 'l');
    update(&mut model, Message::Logs { ticket: 1, said: many(300) });
    press(&mut model, KeyCode::Up);
    let top = model.logs.as_ref().unwrap().top;
    assert!(top.is_some());
    update(&mut model, Message::Logs { ticket: 1, said: many(10) });
    assert_eq!(model.logs.as_ref().unwrap().top, top, "what is read stays");
    press(&mut model, KeyCode::End);
    assert_eq!(model.logs.as_ref().unwrap().top, None);
    letter(&mut model, '/');
    typed(&mut model, "message 29");
    press(&mut model, KeyCode::Enter);
    assert_eq!(model.filter(), "message 29");
    let logs = model.logs.as_ref().unwrap();
    assert_eq!(logs.shown(&logs.filter).len(), 13, "29, 129, 229, and 290 to 299");
    press(&mut model, KeyCode::Esc);
    assert_eq!((model.place(), model.filter().as_str()), (Place::Logs, ""), "the first step back is from the filter");
    press(&mut model, KeyCode::Esc);
    assert_eq!((chosen(&model), model.place()), ("wait for Deployment/mq", Place::Run));
}

#[test]
fn what_has_no_logs_says_so() {
    let mut model = at_run();
    all(&mut model, [finished(Ended::Done), Message::Ended(Ok(ExitCode::SUCCESS))]);
    assert!(letter(&mut model, 'l').is_empty());
    assert_eq!(model.note.as_ref().unwrap().text, "no pods belong to this line, and so no logs");
}

#[test]
fn the_timeline_keeps_the_cursor() {
    let mut model = at_run();
    press(&mut model, KeyCode::Up);
    letter(&mut model, 't');
    assert!(model.board.as_ref().unwrap().timeline);
    press(&mut model, KeyCode::Up);
    letter(&mut model, 't');
    assert_eq!(chosen(&model), "create Namespace/sea");
}

#[test]
fn what_the_cursor_is_on_in_a_run_is_copied_as_kubectl_would_be_asked() {
    let mut model = at_run();
    let effects = letter(&mut model, 'y');
    let [Effect::Copy(text)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(text, "kubectl --context dev -n sea describe deployment.apps mq");
    all(&mut model, [finished(Ended::Done), Message::Ended(Ok(ExitCode::SUCCESS))]);
    assert!(letter(&mut model, 'y').is_empty(), "the cursor is on no object");
}
