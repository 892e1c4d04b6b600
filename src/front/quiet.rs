//! What is typed while something moves on the terminal is not shown: an Enter would push what moves down a line, and a piece of
//! it would stay. Signals are typed as ever.

use std::io::stdin;
use std::sync::{Mutex, PoisonError};

use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

/// How many displays move, and how the terminal was before the first of them.
static BEFORE: Mutex<(usize, Option<Termios>)> = Mutex::new((0, None));

/// The terminal is quiet until this is dropped.
#[derive(Debug)]
pub(crate) struct Quiet(());

impl Quiet {
    pub(crate) fn begin() -> Self {
        let mut state = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
        if state.0 == 0 {
            state.1 = hush();
        }
        state.0 += 1;
        Self(())
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let mut state = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 = state.0.saturating_sub(1);
        if state.0 == 0 {
            give_back(state.1.take());
        }
    }
}

/// Before `std::process::exit`, which runs no destructor.
pub(crate) fn end() {
    give_back(BEFORE.lock().unwrap_or_else(PoisonError::into_inner).1.take());
}

/// A program in the background would be stopped for touching the terminal.
fn is_ours() -> bool {
    tcgetpgrp(stdin()).is_ok_and(|group| group == getpgrp())
}

fn hush() -> Option<Termios> {
    let before = tcgetattr(stdin()).ok().filter(|_| is_ours())?;
    let mut quiet = before.clone();
    quiet.local_modes.remove(LocalModes::ECHO);
    tcsetattr(stdin(), OptionalActions::Now, &quiet).ok()?;
    Some(before)
}

/// Whatever fails here, the terminal is not there any more.
fn give_back(before: Option<Termios>) {
    if let Some(before) = before.filter(|_| is_ours()) {
        let _ = tcsetattr(stdin(), OptionalActions::Now, &before);
    }
}
