//! Front ends: they show events and ask questions, and hold no logic.

pub(crate) mod ago;
pub(crate) mod ask;
mod attended;
pub(crate) mod busy;
pub(crate) mod earlier;
pub(crate) mod event_log;
pub(crate) mod face;
pub(crate) mod facts_text;
pub(crate) mod failure;
pub(crate) mod first;
pub(crate) mod fold;
pub(crate) mod form;
pub(crate) mod home_text;
pub(crate) mod lines;
pub(crate) mod look;
pub(crate) mod mask;
pub(crate) mod origin;
pub(crate) mod paint;
pub(crate) mod patience;
pub(crate) mod place;
pub(crate) mod plain;
pub(crate) mod plan_text;
pub(crate) mod prerequisites_text;
pub(crate) mod questions;
pub(crate) mod quiet;
pub(crate) mod recover_text;
pub(crate) mod report_junit;
pub(crate) mod report_sarif;
pub(crate) mod report_text;
pub(crate) mod screen;
pub(crate) mod signals;
pub(crate) mod stack_text;
pub(crate) mod timeline;
pub(crate) mod tui;
pub(crate) mod walk_text;
pub(crate) mod yard;

use std::io::{IsTerminal as _, Write as _};

/// A line beside the result. It may be said while a run is being shown: then it goes above what moves.
pub(crate) fn say(line: impl AsRef<str>) {
    screen::show(Some(line.as_ref()), &[], |line| line.text.clone());
}

/// A line on standard error. A reader that has gone away (`| head`, a closed window) stops no run: `eprintln` would panic.
pub(crate) fn tell(line: &str) {
    let mut out = std::io::stderr();
    let width = screen::width(&out);
    let _ = writeln!(out, "{}", fold::fold(&place::placed(line), width));
}

/// Whether the terminal has hung up, which is not always heard of by a signal: somebody may shield us from it (`nohup`,
/// `timeout`), or the question may end first.
pub(crate) fn terminal_is_gone() -> bool {
    // tty_ioctl(4): every question to a terminal that hung up is answered with EIO.
    rustix::termios::tcgetattr(std::io::stdin()).is_err_and(|error| error == rustix::io::Errno::IO)
}

/// Whether there is somebody who could answer a question.
pub(crate) fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}
