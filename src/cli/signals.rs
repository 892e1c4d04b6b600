//! Signals: the first asks the run to stop in good order, the second ends the program at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::front::say;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

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
}

/// Begins to watch for SIGINT, SIGTERM and SIGHUP. The first is answered with `farewell`.
pub(crate) fn watch(farewell: &'static str) -> Signals {
    let signals = Signals::new();
    for (kind, code) in [(SignalKind::interrupt(), 130), (SignalKind::terminate(), 143), (SignalKind::hangup(), 129)] {
        match signal(kind) {
            Ok(stream) => {
                tokio::spawn(obey(signals.clone(), stream, code, farewell));
            }
            Err(error) => tracing::warn!(%error, "a signal cannot be watched and will end the program at once"),
        }
    }
    signals
}

async fn obey(signals: Signals, mut stream: tokio::signal::unix::Signal, code: u8, farewell: &str) {
    while stream.recv().await.is_some() {
        if !signals.order(code) {
            end_now(code);
        }
        say(farewell);
    }
}

/// The user insists. What was under way is in the journal as intended, and is looked at again by the next run.
#[expect(clippy::exit, reason = "the second signal is an order to end at once")]
pub(crate) fn end_now(code: u8) {
    std::process::exit(i32::from(code));
}
