//! Following logs, and asking where no pattern is known.

use std::time::Duration;

use seaworthy::event::{Ended, Event};
use seaworthy::plan::Action;
use seaworthy::plan::verb::Verb;
use seaworthy::recover::playbook::{Question, Task};

use super::harbour::{Harbour, claim, playbook};

#[tokio::test]
async fn agents_start_only_when_the_import_is_said_to_be_finished() {
    let harbour = Harbour::new().await;
    let plan = harbour.compile(&playbook("newton-v2t", "workspace"), claim("workspace")).await.unwrap();
    let run = harbour.run(plan).await.went_well();
    let done = run.steps(|state| matches!(state, seaworthy::event::StepState::Done { .. }));
    let place = |id: &str| done.iter().position(|step| *step == id).unwrap_or_else(|| panic!("{id} in {done:#?}"));
    let order = [
        "stop:Deployment/sea/app-agent",
        "stop:Deployment/sea/app-core",
        "delete:PersistentVolumeClaim/sea/app-workspace",
        "start:Deployment/sea/app-core",
        "follow:Deployment/sea/app-core",
        "start:Deployment/sea/app-agent",
    ];
    let places: Vec<usize> = order.iter().map(|id| place(id)).collect();
    assert!(places.is_sorted(), "{done:#?}");
}

#[tokio::test]
async fn a_log_that_stays_silent_ends_at_the_deadline_with_its_last_words() {
    let harbour = Harbour::new().await;
    harbour.fake.says("core", "still importing\u{1b}[2J");
    let mut plan = harbour.compile(&playbook("newton-v2t", "workspace"), claim("workspace")).await.unwrap();
    for step in &mut plan.steps {
        if let Action::Rescue { verb, limit } = &mut step.action
            && matches!(**verb, Verb::Follow { .. })
        {
            *limit = 1;
        }
    }
    let run = harbour.run(plan).await;
    assert_eq!((run.outcome.ended, run.reasons()), (Ended::Failed, vec!["Timeout"]));
    let message = &run.outcome.causes[0].message;
    assert!(message.contains("still importing") && !message.contains('\u{1b}'), "{message}");
}

#[tokio::test]
async fn a_log_that_says_no_ends_at_once() {
    let harbour = Harbour::new().await;
    harbour.fake.says("core", "import of services failed: no route to host");
    let plan = harbour.compile(&playbook("newton-v2t", "workspace"), claim("workspace")).await.unwrap();
    let run = harbour.run(plan).await;
    assert_eq!(run.reasons(), ["LogSaysNo"]);
    assert!(run.outcome.millis < u64::try_from(Duration::from_secs(60).as_millis()).unwrap());
}

#[tokio::test]
async fn without_a_pattern_a_person_is_asked_and_nobody_is_no_yes() {
    let harbour = Harbour::new().await;
    let mut newton = playbook("newton-v2t", "workspace");
    newton.sheet.settings.get_mut("importDone").unwrap().default.clear();
    let plan = harbour.compile(&newton, claim("workspace")).await.unwrap();
    let run = harbour.run(plan).await;
    assert_eq!(run.reasons(), ["NobodyAnswers"]);
}

#[tokio::test]
async fn a_restart_replaces_the_pods_once() {
    let harbour = Harbour::new().await;
    let mut newton = playbook("newton-v2t", "workspace");
    newton.sheet.steps = vec![Task::Export, Task::Restart(vec!["bell".to_owned()])];
    let bells = || {
        let pods = harbour.fake.state().into_iter().filter(|object| object["kind"] == "Pod");
        let names = pods.map(|pod| pod["metadata"]["name"].as_str().unwrap().to_owned());
        names.filter(|name| name.starts_with("app-bell")).collect::<Vec<_>>()
    };
    let before = bells();
    let plan = harbour.compile(&newton, claim("workspace")).await.unwrap();
    harbour.run(plan.clone()).await.went_well();
    let after = bells();
    assert!(before != after && after.len() == 1, "{before:?}, {after:?}");
    // The same plan again finds it done.
    harbour.run(plan).await.went_well();
    assert_eq!(bells(), after);
}

#[tokio::test]
async fn an_answer_goes_to_the_journal_and_is_not_asked_for_again() {
    let harbour = Harbour::new().await;
    let mut asking = playbook("newton-v2t", "workspace");
    let question = Question { question: "is there a copy?".to_owned(), word: Some("copy".to_owned()) };
    asking.sheet.steps = vec![Task::Export, Task::Ask(question)];
    let plan = harbour.compile(&asking, claim("workspace")).await.unwrap();
    for (agreed, ended) in [(false, Ended::Failed), (true, Ended::Done)] {
        let (run, record) = harbour.answer(plan.clone(), agreed).await;
        assert_eq!(run.outcome.ended, ended);
        assert!(run.events.iter().any(|event| matches!(event, Event::Ask { word: Some(word), .. } if word == "copy")));
        assert_eq!(record.agreed.len(), usize::from(agreed));
    }
}
