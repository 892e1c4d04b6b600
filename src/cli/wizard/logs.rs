//! Passes logs on to the screen, for as long as they are shown.

use std::time::Duration;

use kube::Client;
use seaworthy::logs::{self, Said};
use seaworthy::object::ObjectRef;
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::front::mask::Mask;
use crate::front::tui::model::Message;

/// Lines that may wait, and that go to the screen at once: a program that writes without end must leave it room to be drawn.
const MANY: usize = 500;
/// The pause between two of those.
const TOGETHER: Duration = Duration::from_millis(50);

/// Until nobody listens, or nothing can be followed.
pub(super) async fn keep(
    client: Client,
    (ticket, object): (u64, ObjectRef),
    mask: Mask,
    messages: mpsc::Sender<Message>,
) {
    let (sender, mut said) = mpsc::channel(MANY);
    let follow = async move { logs::follow(&client, &object, &sender).await };
    let screen = messages.clone();
    let pass_on = async move {
        let mut batch = Vec::new();
        while said.recv_many(&mut batch, MANY).await > 0 {
            let said = batch.drain(..).map(|said| masked(said, &mask)).collect();
            // The screen is gone when nobody takes it.
            if screen.send(Message::Logs { ticket, said }).await.is_err() {
                return;
            }
            sleep(TOGETHER).await;
        }
    };
    let (why, ()) = tokio::join!(follow, pass_on);
    let _ = messages.send(Message::LogsOver { ticket, why }).await;
}

fn masked(said: Said, mask: &Mask) -> Said {
    match said {
        Said::Line { source, text } => Said::Line { source, text: mask.hide(&text) },
        Said::Note(text) => Said::Note(mask.hide(&text)),
    }
}
