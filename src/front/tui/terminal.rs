//! The terminal is taken, and given back as it was: at the end, at a panic, and while the shell has it.
//!
//! Everything is drawn on standard error: standard output is for results.

use std::io::{self, stderr, stdin};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::clipboard::CopyToClipboard;
use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::execute;
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use rustix::process::{Pid, Signal, getpgid, getpid, getppid, getsid, kill_current_process_group, kill_process};
use rustix::termios::{OptionalActions, OutputModes, tcgetattr, tcsetattr};

use super::Stage;

/// The screen is ours.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// Something panicked while it was.
static BROKEN: AtomicBool = AtomicBool::new(false);

/// The screen, for as long as this lives.
pub(crate) struct Screen;

impl Screen {
    /// Takes the screen. From now on a panic gives it back before anything is said about it.
    pub(crate) fn take() -> io::Result<Self> {
        guard_panics();
        let screen = Self;
        enter()?;
        Ok(screen)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave();
    }
}

impl Stage for Screen {
    fn suspend(&mut self) -> io::Result<()> {
        if is_minded() {
            kill_current_process_group(Signal::TSTP)?;
        }
        Ok(())
    }

    fn sleep(&mut self) -> io::Result<()> {
        if !is_minded() {
            return Ok(());
        }
        leave();
        // Stops every thread here and now; what follows happens when the shell has sent SIGCONT.
        kill_process(getpid(), Signal::STOP)?;
        enter()
    }

    fn retake(&mut self) -> io::Result<()> {
        leave();
        enter()
    }

    fn copy(&mut self, text: &str) -> io::Result<()> {
        execute!(stderr(), CopyToClipboard::to_clipboard_from(text))
    }

    fn is_gone(&self) -> bool {
        crate::front::terminal_is_gone()
    }

    fn is_broken(&self) -> bool {
        BROKEN.load(Ordering::SeqCst)
    }
}

/// Whether somebody would wake us: a process group whose parent is in the same session, as below a shell (the kernel does
/// not stop the others at SIGTSTP either).
fn is_minded() -> bool {
    let parent = getppid();
    let group = |pid: Option<Pid>| getpgid(pid).ok();
    parent.is_some() && getsid(parent).ok() == getsid(None).ok() && group(parent) != group(None)
}

/// Keys one by one, without the screen, for as long as this lives.
pub(crate) struct Keys;

impl Keys {
    /// From now on. Lines that are said meanwhile still end as lines do.
    pub(crate) fn take() -> io::Result<Self> {
        enable_raw_mode()?;
        let keys = Self;
        let mut modes = tcgetattr(stdin())?;
        modes.output_modes |= OutputModes::OPOST | OutputModes::ONLCR;
        tcsetattr(stdin(), OptionalActions::Now, &modes)?;
        Ok(keys)
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        // There is nobody left to tell when that fails.
        let _ = disable_raw_mode();
    }
}

/// What stands on the ordinary screen goes; what has scrolled away stays.
pub(crate) fn clear() -> io::Result<()> {
    execute!(stderr(), Clear(ClearType::All), MoveTo(0, 0))
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    execute!(stderr(), EnterAlternateScreen, EnableBracketedPaste, Hide)
}

/// Gives the screen back. There is nobody left to tell when that fails.
fn leave() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _ = execute!(stderr(), DisableBracketedPaste, LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}

/// Before `std::process::exit`, which runs no destructor.
pub(crate) fn give_back() {
    leave();
}

/// The report of a panic would be lost on the alternate screen, and a raw terminal is of no use to anybody.
fn guard_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if TAKEN.load(Ordering::SeqCst) {
                BROKEN.store(true, Ordering::SeqCst);
                leave();
            }
            report(panic);
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use portable_pty::{CommandBuilder, PtySize, native_pty_system};
    use std::io::Read as _;

    /// Set in the process that is to panic: this very test, in a terminal of its own.
    const ROLE: &str = "SEAWORTHY_TEST_PANICS";

    #[test]
    fn a_panic_gives_the_terminal_back_before_it_is_reported() {
        if std::env::var_os(ROLE).is_some() {
            // Nothing but the hook may give it back.
            std::mem::forget(Screen::take().unwrap());
            panic!("overboard");
        }
        let pair = native_pty_system().openpty(PtySize::default()).unwrap();
        // As many control characters as Linux has; what follows them in musl's structure is left as it was.
        let settings = || {
            let it = pair.master.get_termios().unwrap();
            (it.input_flags, it.output_flags, it.control_flags, it.local_flags, it.control_chars[..19].to_vec())
        };
        let before = settings();
        let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
        let name = concat!(module_path!(), "::a_panic_gives_the_terminal_back_before_it_is_reported");
        command.args(["--exact", name.split_once("::").unwrap().1, "--nocapture"]);
        command.env(ROLE, "1");
        let mut child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut said = Vec::new();
        // The terminal ends with an error when the last process in it has ended.
        let _ = pair.master.try_clone_reader().unwrap().read_to_end(&mut said);
        assert_eq!(child.wait().unwrap().exit_code(), 101);
        let said = String::from_utf8_lossy(&said);
        let at = |text: &str| said.find(text).unwrap_or_else(|| panic!("no {text:?} in {said:?}"));
        assert!(at("\x1b[?1049h") < at("\x1b[?1049l") && at("\x1b[?1049l") < at("overboard"), "{said:?}");
        assert!(at("\x1b[?25h") < at("overboard"), "the cursor is there again");
        assert_eq!(settings(), before);
    }
}
