//! Between engine and front end: puts the questions of a run to the person, and remembers what each step came to.

use seaworthy::event::{Command, Event};
use seaworthy::object::printable;
use seaworthy::plan::Plan;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

use crate::front::ask::{Answer, Ask};
use crate::front::face::Face;
use crate::front::told::Told;

/// Events that may wait.
const EVENTS: usize = 256;

/// The way to the front end, what it was told in the end, and the way back.
pub(super) type Front = (mpsc::Sender<Event>, JoinHandle<Vec<Told>>, Option<Mutex<mpsc::Receiver<Command>>>);

/// Passes every event on to what shows it, until that has ended.
pub(super) fn follow(face: Face, plan: &Plan, shown: mpsc::Sender<Event>, front: JoinHandle<()>) -> Front {
    let (sender, mut events) = mpsc::channel(EVENTS);
    let (answers, commands) = mpsc::channel(EVENTS);
    let titles: Vec<(String, String)> = plan.steps.iter().map(|step| (step.id.clone(), step.title.clone())).collect();
    let task = tokio::spawn(async move {
        let mut told = Vec::new();
        while let Some(event) = events.recv().await {
            told.extend(Told::of(&event, &titles));
            let asked = if let Event::Ask { id, question, word } = &event {
                Some((id.clone(), ask(question, word.as_deref())))
            } else {
                None
            };
            let ended = matches!(event, Event::Finished { .. });
            // A front end that has ended shows nothing any more.
            let _ = shown.send(event).await;
            if ended {
                break;
            }
            if let Some((id, ask)) = asked {
                let agreed = matches!(face.ask(ask).await, Ok(Some(Answer::Yes)));
                // An engine that has ended asks nothing any more.
                let _ = answers.send(Command::Answer { id, agreed }).await;
            }
        }
        drop(shown);
        // The front end has shown everything when it has seen the end of the run.
        let _ = front.await;
        told
    });
    (sender, task, crate::front::can_ask().then(|| Mutex::new(commands)))
}

fn ask(question: &str, word: Option<&str>) -> Ask {
    let question = printable(question);
    match word {
        Some(word) => Ask::Typed { question, word: word.to_owned() },
        None => Ask::Whether { question },
    }
}
