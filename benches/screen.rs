//! The full screen from outside, in a real pseudo-terminal of 200 columns and 60 lines, before clusters of about 5,000 and 15,000 objects:
//! time to the first frame beside that of `--version`, a key to its frame beside the echo of `cat`, what a frame costs, what the
//! screen costs when nobody does anything, and what it weighs: `cargo bench --bench screen`.
#![allow(clippy::unwrap_used, reason = "a panic is the report")]
#![allow(clippy::print_stdout, reason = "a bench speaks")]

mod crowd;

use std::io::{Read as _, Write};
use std::net::Ipv4Addr;
use std::num::NonZero;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use seaworthy::sandbox::{Kind, Sandbox};

const PROGRAM: &str = env!("CARGO_BIN_EXE_seaworthy");
const LINES: u16 = 60;
const COLUMNS: u16 = 200;
const STARTS: usize = 20;
const KEYS: usize = 1000;
/// In which nobody does anything.
const IDLE: Duration = Duration::from_secs(60);
/// The longest that anything may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// After the last byte of a frame nothing comes for so long.
const QUIET: Duration = Duration::from_millis(5);
const NODES: usize = 100;
/// About 5,000 objects, and three times as many.
const DEPLOYMENTS: [usize; 2] = [8, 25];
const REPLICAS: usize = 100;
/// Clock ticks of a second in `/proc/PID/stat` (proc(5), `_SC_CLK_TCK`), which is 100 on every Linux that we build for.
const TICKS: f64 = 100.0;

fn main() {
    let home = tempfile::tempdir().unwrap();
    starts(home.path());
    let echo = echo(home.path());
    for deployments in DEPLOYMENTS {
        let (sender, receiver) = mpsc::channel();
        // It serves until the end of this program.
        std::thread::spawn(move || serve(deployments, &sender));
        let (address, objects): (String, usize) = receiver.recv().unwrap();
        println!("a cluster of {objects} objects on {NODES} nodes, {COLUMNS}x{LINES}:");
        kubeconfig(home.path(), &address);
        at_home(home.path(), &echo);
    }
}

/// Time to the first frame, beside what the program takes to say its version.
fn starts(home: &Path) {
    let mut frames = times(STARTS, || {
        let terminal = Terminal::start(home, PROGRAM, &["--sandbox"]);
        terminal.until("the first frame", |screen| screen.contents().contains("Seaworthy"));
        let took = terminal.began.elapsed();
        terminal.end();
        took
    });
    let mut versions = times(STARTS, || {
        let mut terminal = Terminal::start(home, PROGRAM, &["--version"]);
        terminal.until("the version", |screen| screen.contents().contains("seaworthy"));
        let took = terminal.began.elapsed();
        terminal.child.wait().unwrap();
        took
    });
    let (frame, version) = (at(&mut frames, 50), at(&mut versions, 50));
    println!(
        "first frame after {:.1} ms (of {STARTS}: median; {:.1} at most), {:.1} times what `--version` takes ({:.1} ms)",
        millis(frame),
        millis(at(&mut frames, 100)),
        frame.as_secs_f64() / version.as_secs_f64(),
        millis(version)
    );
}

/// A key to what answers it in the same terminal when nothing is drawn at all.
fn echo(home: &Path) -> Vec<Duration> {
    let mut terminal = Terminal::start(home, "sh", &["-c", "stty raw -echo; echo ready; exec cat"]);
    terminal.until("cat", |screen| screen.contents().contains("ready"));
    let times = terminal.answers("x", "x", KEYS);
    terminal.end();
    times
}

fn at_home(home: &Path, echo: &[Duration]) {
    let mut terminal = Terminal::start(home, PROGRAM, &[]);
    terminal.until("the cluster", |screen| screen.contents().contains("v1."));
    terminal.keys("\r");
    let began = Instant::now();
    terminal.until("all that is watched", |screen| screen.contents().contains("healthy: "));
    println!("home knows all that it watches after {:.2} s", began.elapsed().as_secs_f64());
    // What is read last stands below the nodes.
    terminal.keys("\x1b[F");
    terminal.until("the prerequisites", |screen| screen.contents().contains("kruise"));
    terminal.keys("\x1b[H");
    terminal.until("the first node", |screen| !screen.contents().contains("kruise"));
    let before = terminal.cpu();
    let mut times = terminal.answers("j", "k", KEYS);
    let spent = terminal.cpu() - before;
    let mut echo = echo.to_vec();
    println!(
        "a key to its frame: {:.2} ms (median), {:.2} ms (99 of 100); the echo of `cat`: {:.2} ms, {:.2} ms",
        millis(at(&mut times, 50)),
        millis(at(&mut times, 99)),
        millis(at(&mut echo, 50)),
        millis(at(&mut echo, 99))
    );
    let frames = f64::from(u32::try_from(KEYS).unwrap());
    println!("a frame: {:.2} ms of one core (of {KEYS}, with all that was done beside it)", spent * 1000.0 / frames);
    let before = terminal.cpu();
    std::thread::sleep(IDLE);
    let spent = terminal.cpu() - before;
    println!("idle: {:.2} % of one core over {} s", spent * 100.0 / IDLE.as_secs_f64(), IDLE.as_secs());
    println!("resident: {} MiB, {} MiB at most", terminal.memory("VmRSS:") >> 10, terminal.memory("VmHWM:") >> 10);
    terminal.end();
}

fn times(rounds: usize, mut work: impl FnMut() -> Duration) -> Vec<Duration> {
    (0..rounds).map(|_| work()).collect()
}

/// The time that so many of a hundred do not exceed.
fn at(times: &mut [Duration], percent: usize) -> Duration {
    times.sort();
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// What has come out of a terminal, and when it came last.
struct Seen {
    parser: vt100::Parser,
    bytes: usize,
    last: Instant,
}

struct Terminal {
    began: Instant,
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    _master: Box<dyn MasterPty + Send>,
}

impl Terminal {
    fn start(home: &Path, program: &str, arguments: &[&str]) -> Self {
        let size = PtySize { rows: LINES, cols: COLUMNS, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(program);
        command.env_clear();
        for (name, value) in [("PATH", "/usr/bin:/bin"), ("TERM", "xterm-256color"), ("LANG", "C.UTF-8")] {
            command.env(name, value);
        }
        command.env("HOME", home);
        command.args(arguments);
        command.cwd(home);
        let parser = vt100::Parser::new(NonZero::new(LINES).unwrap(), NonZero::new(COLUMNS).unwrap(), 0);
        let seen = Arc::new((Mutex::new(Seen { parser, bytes: 0, last: Instant::now() }), Condvar::new()));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let here = seen.clone();
        let began = Instant::now();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        std::thread::spawn(move || {
            let mut bytes = vec![0; 1 << 16];
            // An error is the end: the other side of the terminal is closed.
            while let Ok(length @ 1..) = reader.read(&mut bytes) {
                let now = Instant::now();
                let mut seen = here.0.lock().unwrap();
                seen.parser.process(&bytes[..length]);
                (seen.bytes, seen.last) = (seen.bytes + length, now);
                drop(seen);
                here.1.notify_all();
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Self { began, child, keys, seen, _master: pair.master }
    }

    fn keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    fn until(&self, what: &str, wanted: impl Fn(&vt100::Screen) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = self.seen.0.lock().unwrap();
        while !wanted(seen.parser.screen()) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {what} on the screen:\n{}", seen.parser.screen().contents());
            seen = self.seen.1.wait_timeout(seen, left).unwrap().0;
        }
    }

    /// Presses one key and the other in turn, and waits for what each draws.
    fn answers(&mut self, one: &str, other: &str, rounds: usize) -> Vec<Duration> {
        let mut times = Vec::with_capacity(rounds);
        for round in 0..rounds {
            self.wait_for_quiet();
            let before = self.seen.0.lock().unwrap().bytes;
            let began = Instant::now();
            self.keys(if round % 2 == 0 { one } else { other });
            let mut seen = self.seen.0.lock().unwrap();
            while seen.bytes == before {
                assert!(began.elapsed() < PATIENCE, "a key was not answered");
                seen = self.seen.1.wait_timeout(seen, PATIENCE).unwrap().0;
            }
            times.push(seen.last.duration_since(began));
        }
        times
    }

    fn wait_for_quiet(&self) {
        loop {
            let since = self.seen.0.lock().unwrap().last.elapsed();
            match QUIET.checked_sub(since) {
                Some(left) => std::thread::sleep(left),
                None => return,
            }
        }
    }

    fn end(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn proc(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.child.process_id().unwrap())).unwrap()
    }

    /// Seconds of a core that it has used (proc(5): utime and stime, the fourteenth and fifteenth field).
    fn cpu(&self) -> f64 {
        let stat = self.proc("stat");
        // Its name may hold blanks, and ends with the last parenthesis.
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        fields[11..13].iter().map(|ticks| ticks.parse::<f64>().unwrap() / TICKS).sum()
    }

    /// KiB.
    fn memory(&self, what: &str) -> u64 {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix(what)).unwrap();
        line.trim().trim_end_matches(" kB").trim().parse().unwrap()
    }
}

fn kubeconfig(home: &Path, address: &str) {
    let text = format!(
        "apiVersion: v1\nkind: Config\nclusters: [{{name: c, cluster: {{server: \"http://{address}\"}}}}]\nusers: [{{name: u, user: {{}}}}]\n\
         contexts: [{{name: many, context: {{cluster: c, user: u}}}}]\ncurrent-context: many\n"
    );
    std::fs::create_dir_all(home.join(".kube")).unwrap();
    std::fs::write(home.join(".kube/config"), text).unwrap();
}

/// Makes the cluster, says where it is, and serves it; in its own time until all runs, then in that of this machine.
fn serve(deployments: usize, ready: &mpsc::Sender<(String, usize)>) {
    let making = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let sandbox = making.block_on(make(deployments));
    sandbox.clock().play(1);
    let serving = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    serving.block_on(async {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        ready.send((listener.local_addr().unwrap().to_string(), sandbox.objects().len())).unwrap();
        sandbox.serve(listener).await.unwrap();
    });
}

async fn make(deployments: usize) -> Sandbox {
    let sandbox = Sandbox::new(Kind::SingleNode);
    let _leap = sandbox.clock().leap();
    let client = sandbox.client();
    crowd::add_nodes(&client, NODES).await;
    crowd::run_pods(&client, deployments, REPLICAS).await;
    sandbox
}
