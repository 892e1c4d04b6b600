//! A sign of life while something is looked at that may take long: an API server far away, a dead socket's deadline.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::quiet::Quiet;

/// What is answered sooner than this needs no sign of life.
const PATIENCE: Duration = Duration::from_millis(300);
/// How often the sign moves.
const FRAME: Duration = Duration::from_millis(120);

/// Something is being looked at; the sign goes away when this is dropped.
pub(crate) struct Busy(Option<(Sender<()>, JoinHandle<()>)>);

impl Busy {
    /// Begins. With `lively` unset nothing is shown at all.
    pub(crate) fn begin(text: &str, lively: bool) -> Self {
        if !lively {
            return Self(None);
        }
        let (end, ended) = mpsc::channel::<()>();
        let text = text.to_owned();
        // A thread of its own: what is waited for may keep the runtime busy.
        let thread = std::thread::spawn(move || {
            if ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let _quiet = Quiet::begin();
                let spinner = ProgressBar::new_spinner().with_style(style()).with_message(text);
                spinner.enable_steady_tick(FRAME);
                // Whatever is received: it is over.
                let _ = ended.recv();
                spinner.finish_and_clear();
            }
        });
        Self(Some((end, thread)))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.0.take() {
            drop(end);
            // The line must be gone before anything else is written; a thread that panicked has said so itself.
            let _ = thread.join();
        }
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {msg} {elapsed}").unwrap_or_else(|_| ProgressStyle::default_spinner())
}

#[cfg(test)]
mod tests {
    use super::Busy;
    use std::time::{Duration, Instant};

    #[test]
    fn a_quick_answer_is_not_held_up() {
        let began = Instant::now();
        for _ in 0..20 {
            drop(Busy::begin("nothing", true));
        }
        assert!(began.elapsed() < Duration::from_secs(3), "each was waited for");
    }
}
