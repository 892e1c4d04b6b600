//! A pseudo-terminal with the program in it.

use std::io::{Read as _, Write};
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::engine::fake::{Fake, Server};
use crate::test::kubeconfig;

/// The longest that the program may take to show something.
const PATIENCE: Duration = Duration::from_secs(30);
/// The stacks of the tests.
const STACKS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/cli/stacks");

/// A terminal of 80 columns and 24 lines, in which the program runs before a cluster in memory.
pub(super) struct Terminal {
    pub(super) fake: Fake,
    pub(super) home: TempDir,
    server: Server,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    screen: Arc<(Mutex<vt100::Parser>, Condvar)>,
    reader: JoinHandle<()>,
    /// Whether nobody reads any more after the next output.
    closing: Arc<AtomicBool>,
    settings: String,
}

fn some(number: u16) -> NonZero<u16> {
    NonZero::new(number).unwrap()
}

fn size(lines: u16, columns: u16) -> PtySize {
    PtySize { rows: lines, cols: columns, pixel_width: 0, pixel_height: 0 }
}

impl Terminal {
    /// Starts the program with these arguments.
    pub(super) fn start(arguments: &[&str]) -> Self {
        Self::start_program(env!("CARGO_BIN_EXE_seaworthy"), arguments, &[])
    }

    /// Starts any program, with what ours needs around it.
    pub(super) fn start_program(program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let fake = Fake::new();
        let server = fake.serve();
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(home.path().join(".kube")).unwrap();
        let text = kubeconfig(&format!("http://{}", server.address));
        std::fs::write(home.path().join(".kube/config"), text).unwrap();
        Self::start_in((fake, server, home), program, arguments, environment)
    }

    /// Starts it with what is there already.
    fn start_in(
        (fake, server, home): (Fake, Server, TempDir),
        program: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let pair = native_pty_system().openpty(size(24, 80)).unwrap();
        let settings = settings(pair.master.as_ref());
        let mut command = CommandBuilder::new(program);
        command.env_clear();
        let path = home.path().display().to_string();
        let state = format!("{path}/state");
        let usual =
            [("HOME", path.as_str()), ("SEAWORTHY_STATE_DIR", &state), ("TERM", "xterm-256color"), ("LANG", "C.UTF-8")];
        for (name, value) in usual.iter().chain(environment) {
            command.env(name, value);
        }
        command.args(arguments);
        command.cwd(home.path());
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let screen = Arc::new((Mutex::new(vt100::Parser::new(some(24), some(80), 1000)), Condvar::new()));
        let (mut reader, seen) = (pair.master.try_clone_reader().unwrap(), screen.clone());
        let closing = Arc::new(AtomicBool::new(false));
        let is_closing = closing.clone();
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // An error is the end: the other side of the terminal is closed.
            while let Ok(length @ 1..) = reader.read(&mut bytes) {
                // A test that has failed already needs no screen.
                let Ok(mut parser) = seen.0.lock() else { break };
                parser.process(&bytes[..length]);
                drop(parser);
                seen.1.notify_all();
                if is_closing.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Self { fake, home, server, master: pair.master, keys, child, screen, reader, closing, settings }
    }

    /// Starts the wizard with the stacks of the tests.
    pub(super) fn wizard(more: &[&str]) -> Self {
        Self::start(&[&["install", "--profiles", STACKS], more].concat())
    }

    /// Types.
    pub(super) fn keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits until the screen is as wanted, and gives its text.
    #[track_caller]
    pub(super) fn until(&self, what: &str, wanted: impl Fn(&vt100::Screen) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut parser = self.screen.0.lock().unwrap();
        while !wanted(parser.screen()) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {what} on the screen:\n{}", parser.screen().contents());
            parser = self.screen.1.wait_timeout(parser, left).unwrap().0;
        }
        parser.screen().contents()
    }

    /// Waits until the screen shows a text.
    #[track_caller]
    pub(super) fn see(&self, text: &str) -> String {
        self.until(text, |screen| screen.contents().contains(text))
    }

    /// Another size, as when a window is dragged.
    pub(super) fn resize(&self, lines: u16, columns: u16) {
        self.screen.0.lock().unwrap().screen_mut().set_size(some(lines), some(columns));
        self.master.resize(size(lines, columns)).unwrap();
    }

    pub(super) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.process_id().unwrap()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    /// Kills the program without a word, and starts it again in another terminal, as the same person before the same cluster.
    #[track_caller]
    pub(super) fn killed_and_started_again(mut self, arguments: &[&str]) -> Self {
        self.signal(Signal::KILL);
        end_of(self.child.as_mut()).expect("it was killed");
        let there = (self.fake, self.server, self.home);
        Self::start_in(there, env!("CARGO_BIN_EXE_seaworthy"), arguments, &[])
    }

    /// Many sizes one after the other, as when a window is dragged to and fro; what is shown meanwhile nobody can read.
    pub(super) fn storm(&self, sizes: impl Iterator<Item = (u16, u16)>) {
        for (lines, columns) in sizes {
            self.master.resize(size(lines, columns)).unwrap();
        }
    }

    /// Waits for the end of the program: its exit code, and all that it leaves on the screen. The terminal must be as it
    /// was before.
    #[track_caller]
    pub(super) fn ended(mut self) -> (u32, String, TempDir) {
        let code = end_of(self.child.as_mut());
        let contents = |terminal: &Self| terminal.screen.0.lock().unwrap().screen().contents();
        let code = code.unwrap_or_else(|| panic!("it has not ended:\n{}", contents(&self)));
        self.as_before();
        let text = contents(&self);
        (code, text, self.home)
    }

    /// Takes the terminal away, as when its window is closed, and waits for the end of the program: its exit code. `key` has to
    /// show something, so that the reader, which holds the terminal open, wakes.
    #[track_caller]
    pub(super) fn hang_up(mut self, key: &str) -> u32 {
        self.closing.store(true, Ordering::Relaxed);
        self.keys(key);
        self.reader.join().unwrap();
        drop((self.keys, self.master));
        end_of(self.child.as_mut()).expect("the program outlived its terminal")
    }

    /// The terminal is as it was before the program began.
    #[track_caller]
    pub(super) fn as_before(&self) {
        self.until("the ordinary screen", |screen| {
            !screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste()
        });
        assert_eq!(settings(self.master.as_ref()), self.settings);
    }

    /// What the program does to the terminal while it has it.
    #[track_caller]
    pub(super) fn is_taken(&self) {
        // After SIGCONT it is taken twice: in between it may be seen given back.
        self.until("the other screen, and a terminal with other settings", |screen| {
            screen.alternate_screen() && screen.hide_cursor() && settings(self.master.as_ref()) != self.settings
        });
    }
}

/// The exit code of a program that ends in time; one that does not is ended. Its end is told to whoever waits for it alone, and who
/// waits cannot be called back: it is looked for again and again.
fn end_of(child: &mut (dyn Child + Send + Sync)) -> Option<u32> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status.exit_code());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    None
}

/// What `stty -a` would tell: as many control characters as Linux has, and not what follows them in musl's structure.
fn settings(master: &dyn MasterPty) -> String {
    let it = master.get_termios().unwrap();
    let characters = &it.control_chars[..19];
    format!("{:?}", (it.input_flags, it.output_flags, it.control_flags, it.local_flags, characters))
}
