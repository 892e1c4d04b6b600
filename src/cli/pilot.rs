//! Between engine and front end: puts the questions of a run to the person.

use seaworthy::event::{Command, Event};
use seaworthy::object::printable;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

use crate::front::ask::{Answer, Ask};
use crate::front::face::Face;

/// Events that may wait.
const EVENTS: usize = 256;

/// The way to the front end, its end, and the way back.
pub(super) type Front = (mpsc::Sender<Event>, JoinHandle<()>, Option<Mutex<mpsc::Receiver<Command>>>);

/// Passes every event on to what shows it, until that has ended.
pub(super) fn follow(face: Face, shown: mpsc::Sender<Event>, front: JoinHandle<()>) -> Front {
    let (sender, mut events) = mpsc::channel(EVENTS);
    let (answers, commands) = mpsc::channel(EVENTS);
    let task = tokio::spawn(async move {
        while let Some(event) = events.recv().await {
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
