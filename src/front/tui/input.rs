//! What is typed, read on a thread of its own. crossterm reads without end from a terminal that has gone away (0.29, `mio.rs`: every error
//! but two is tried again), and must not keep the loop from hearing of it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::{Context, Poll};
use std::time::Duration;

use crossterm::event::{Event, poll, read};
use futures::Stream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// How often the thread looks by itself whether anybody still listens. crossterm 0.29 asks without a pause for the last millisecond of each
/// wait (`tty.rs`: what is left of it is given in whole milliseconds), so that ten a second took one part in a hundred of a core.
const PULSE: Duration = Duration::from_secs(10);
/// How long its end is waited for: it never ends once the terminal has gone away.
const PATIENCE: Duration = Duration::from_secs(1);

/// Keys, pastes and sizes, in their order.
pub(crate) struct Typed {
    events: UnboundedReceiver<io::Result<Event>>,
    stopped: Arc<AtomicBool>,
    ended: Receiver<()>,
}

impl Typed {
    /// Begins to read.
    pub(crate) fn new() -> Self {
        let (sender, events) = unbounded_channel();
        let (ending, ended) = channel();
        let stopped = Arc::new(AtomicBool::new(false));
        let is_stopped = stopped.clone();
        std::thread::spawn(move || listen(&sender, &is_stopped, &ending));
        Self { events, stopped, ended }
    }
}

/// Until nobody listens. The channel that is dropped with the thread says that it has ended.
fn listen(events: &UnboundedSender<io::Result<Event>>, is_stopped: &AtomicBool, _ending: &Sender<()>) {
    while !is_stopped.load(Ordering::Relaxed) {
        let event = match poll(PULSE) {
            Ok(false) => continue,
            Ok(true) => read(),
            Err(error) => Err(error),
        };
        let is_broken = event.is_err();
        if events.send(event).is_err() || is_broken {
            return;
        }
    }
}

impl Stream for Typed {
    type Item = io::Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.poll_recv(context)
    }
}

/// Whoever reads the terminal next (a question, the shell) gets all that is typed from then on.
impl Drop for Typed {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // Whoever reads is woken by what every terminal may say at any time; a failure leaves the pulse.
        if let Err(error) = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::WINCH) {
            tracing::debug!(%error, "who reads the terminal could not be woken");
        }
        // An error is the end: the thread has dropped its side, or reads for ever.
        let _ = self.ended.recv_timeout(PATIENCE);
    }
}
