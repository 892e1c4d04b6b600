//! Signals: the first asks what is under way to stop in good order, the second ends the program at once. Where nothing is under
//! way, the first does.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError, Weak};

use crate::front::{quiet, say};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Those who are told of signals, the newest last: a check runs installations, and the innermost stops first.
static WATCHERS: Mutex<Vec<Watcher>> = Mutex::new(Vec::new());
/// The process has one answer to each signal.
static WATCHING: Once = Once::new();

/// Somebody who is told of signals as long as there is somebody.
struct Watcher {
    code: Weak<AtomicU8>,
    cancel: CancellationToken,
    farewell: &'static str,
}

/// What the signals so far mean.
#[derive(Debug, Clone)]
pub(crate) struct Signals {
    cancel: CancellationToken,
    code: Arc<AtomicU8>,
}

impl Signals {
    /// Those of nobody yet: somebody has to pass them on with [`Signals::order`].
    pub(crate) fn new() -> Self {
        Self { cancel: CancellationToken::new(), code: Arc::default() }
    }

    /// An order to end, with the exit code it asks for. `false`: it is not the first, and is meant at once.
    pub(crate) fn order(&self, code: u8) -> bool {
        let first = self.code.swap(code, Ordering::Relaxed) == 0;
        if first {
            self.cancel.cancel();
        }
        first
    }

    /// Cancelled at the first signal.
    pub(crate) fn token(&self) -> CancellationToken {
        self.cancel.clone()
    }

    /// The exit code of the first signal, if there was one: 128 plus its number.
    pub(crate) fn code(&self) -> Option<u8> {
        Some(self.code.load(Ordering::Relaxed)).filter(|code| *code != 0)
    }

    /// What comes of this, or the exit code of the signal that came before.
    pub(crate) async fn heed<T>(&self, what: impl Future<Output = T>) -> Result<T, u8> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(self.code().unwrap_or(130)),
            done = what => Ok(done),
        }
    }
}

/// Watches for SIGINT, SIGTERM and SIGHUP until what comes back is dropped. The first is answered with `farewell`.
pub(crate) fn watch(farewell: &'static str) -> Signals {
    let signals = Signals::new();
    let watcher = Watcher { code: Arc::downgrade(&signals.code), cancel: signals.token(), farewell };
    let mut watchers = WATCHERS.lock().unwrap_or_else(PoisonError::into_inner);
    watchers.retain(|watcher| watcher.code.strong_count() > 0);
    watchers.push(watcher);
    drop(watchers);
    // A thread of its own: a question keeps the thread of the program busy, and must not keep it from ending when the terminal
    // it was asked on has gone away.
    WATCHING.call_once(|| {
        let (ready, waiting) = std::sync::mpsc::channel();
        std::thread::spawn(move || listen(&ready));
        // A thread that cannot watch has said so, and hangs up.
        let _ = waiting.recv();
    });
    signals
}

fn listen(ready: &std::sync::mpsc::Sender<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let watched = runtime.and_then(|runtime| {
        runtime.block_on(async {
            let all = [(SignalKind::interrupt(), 130), (SignalKind::terminate(), 143), (SignalKind::hangup(), 129)];
            let streams = all.map(|(kind, code)| Ok((signal(kind)?, code)));
            let streams = streams.into_iter().collect::<std::io::Result<Vec<_>>>()?;
            // Nobody waits any more when the program has ended meanwhile.
            let _ = ready.send(());
            futures::future::join_all(streams.into_iter().map(|(stream, code)| obey(stream, code))).await;
            Ok(())
        })
    });
    if let Err(error) = watched {
        tracing::warn!(%error, "signals cannot be watched and will end the program at once");
    }
}

async fn obey(mut stream: tokio::signal::unix::Signal, code: u8) {
    while stream.recv().await.is_some() {
        match pass_on(code) {
            Some(farewell) => say(farewell),
            None => end_now(code),
        }
    }
}

/// Tells whoever is at work now. `None`: nobody is, or was told before.
fn pass_on(code: u8) -> Option<&'static str> {
    let mut watchers = WATCHERS.lock().unwrap_or_else(PoisonError::into_inner);
    watchers.retain(|watcher| watcher.code.strong_count() > 0);
    let watcher = watchers.last()?;
    let signals = Signals { cancel: watcher.cancel.clone(), code: watcher.code.upgrade()? };
    signals.order(code).then_some(watcher.farewell)
}

/// The user insists. What was under way is in the journal as intended, and is looked at again by the next run.
#[expect(clippy::exit, reason = "the second signal is an order to end at once")]
pub(crate) fn end_now(code: u8) {
    quiet::end();
    // A question may have left it raw.
    let _ = crossterm::terminal::disable_raw_mode();
    std::process::exit(i32::from(code));
}
