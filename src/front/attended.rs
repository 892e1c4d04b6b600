//! A terminal is watched while something is asked on it.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use super::terminal_is_gone;
use crate::front::signals::end_now;

/// How often it is looked at.
const PULSE: Duration = Duration::from_millis(250);

/// What a question comes to. It ends the program when the terminal goes away: whoever is shielded from the signal (a shell that
/// traps it, `setsid`) would ask for ever, with a core busy, because crossterm reads such a terminal again and again (0.29,
/// `mio.rs`). Nothing is under way while a question is asked.
pub(super) fn attended<T>(question: impl FnOnce() -> T) -> T {
    let (asking, over) = channel::<()>();
    std::thread::spawn(move || {
        while over.recv_timeout(PULSE) == Err(RecvTimeoutError::Timeout) {
            if terminal_is_gone() {
                end_now(129);
            }
        }
    });
    let answer = question();
    drop(asking);
    answer
}
