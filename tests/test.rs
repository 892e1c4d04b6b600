//! The program from outside: what it is given, and all that it answers.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// One start of the program in an empty home, with an empty environment. What is not expected is a failure: each stream
/// is asserted as a whole and is expected to be empty when nothing is said of it.
#[must_use = "only `run` runs it"]
pub(crate) struct Test {
    home: TempDir,
    args: Vec<String>,
    env: BTreeMap<String, String>,
    stdin: String,
    status: Option<i32>,
    stdout: Expected,
    stderr: Expected,
    /// Counts connections that nobody should have made.
    nobody: Option<TcpListener>,
    before: Option<String>,
}

enum Expected {
    Exactly(String),
    Anything,
}

/// What the program answered, with what differs from run to run filtered out.
pub(crate) struct Output {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) home: TempDir,
}

impl Output {
    /// The one JSON document on standard output.
    pub(crate) fn json(&self) -> Value {
        let document: Value = serde_json::from_str(&self.stdout).expect("exactly one JSON document on standard output");
        assert_eq!(document["schemaVersion"], 1, "{document}");
        assert!(document["kind"].is_string(), "{document}");
        document
    }

    /// Where runs are kept.
    pub(crate) fn state(&self) -> PathBuf {
        self.home.path().join("state")
    }
}

impl Test {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name).display().to_string();
        let env = [("HOME", path("")), ("PATH", path("bin")), ("SEAWORTHY_STATE_DIR", path("state"))];
        Self {
            env: env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            home,
            args: Vec::new(),
            stdin: String::new(),
            status: Some(0),
            stdout: Expected::Exactly(String::new()),
            stderr: Expected::Exactly(String::new()),
            nobody: None,
            before: None,
        }
    }

    /// Goes on in the home of an earlier run.
    pub(crate) fn after(output: Output) -> Self {
        let fresh = Self::new();
        let moved =
            |value: String| value.replace(fresh.home.path().to_str().unwrap(), output.home.path().to_str().unwrap());
        let env = fresh.env.into_iter().map(|(name, value)| (name, moved(value))).collect();
        Self { env, home: output.home, ..Self::new() }
    }

    pub(crate) fn args<const N: usize>(mut self, args: [&str; N]) -> Self {
        self.args.extend(args.map(str::to_owned));
        self
    }

    /// The arguments, as one would type them where none holds a space.
    pub(crate) fn line(mut self, line: &str) -> Self {
        self.args.extend(line.split_whitespace().map(str::to_owned));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Writes a file below the home, which is also where the program is started.
    pub(crate) fn file(self, path: &str, text: &str) -> Self {
        let path = self.home.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    pub(crate) fn stdin(mut self, text: &str) -> Self {
        text.clone_into(&mut self.stdin);
        self
    }

    /// What a shell does before it becomes the program.
    pub(crate) fn before(mut self, script: &str) -> Self {
        self.before = Some(script.to_owned());
        self
    }

    /// The exit code; a signal that ended the program counts below zero.
    pub(crate) fn status(mut self, status: i32) -> Self {
        self.status = Some(status);
        self
    }

    /// For what is asserted otherwise.
    pub(crate) fn any_status(mut self) -> Self {
        self.status = None;
        self
    }

    pub(crate) fn stdout(mut self, text: &str) -> Self {
        self.stdout = Expected::Exactly(text.to_owned());
        self
    }

    pub(crate) fn stderr(mut self, text: &str) -> Self {
        self.stderr = Expected::Exactly(text.to_owned());
        self
    }

    /// For what is asserted otherwise.
    pub(crate) fn any_stdout(mut self) -> Self {
        self.stdout = Expected::Anything;
        self
    }

    /// For what is asserted otherwise.
    pub(crate) fn any_stderr(mut self) -> Self {
        self.stderr = Expected::Anything;
        self
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// A kubeconfig whose context `harbour` leads to this address.
    pub(crate) fn cluster(self, address: &str) -> Self {
        let text = kubeconfig(&format!("http://{address}"));
        self.file(".kube/config", &text)
    }

    /// Nothing may be written to disk, and no cluster asked.
    pub(crate) fn touches_nothing(mut self) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        self.nobody = Some(listener);
        self.cluster(&address)
    }

    /// Runs the program and compares.
    #[track_caller]
    pub(crate) fn run(self) -> Output {
        self.start().finish()
    }

    /// Starts the program, for what happens to it on the way.
    pub(crate) fn start(self) -> Running {
        let mut command = match &self.before {
            // The shell makes what the program then finds itself in.
            Some(script) => {
                let mut shell = Command::new("/bin/sh");
                shell.args(["-c", &format!("{script}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_seaworthy")]);
                shell
            }
            None => Command::new(env!("CARGO_BIN_EXE_seaworthy")),
        };
        command.args(&self.args).env_clear().envs(&self.env).current_dir(self.home.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program that has ended without reading its input is none of our business.
        let _ = child.stdin.take().unwrap().write_all(self.stdin.as_bytes());
        Running { test: self, child }
    }

    /// The home's path is another in every run.
    fn filter(&self, text: &[u8]) -> String {
        let home = self.home.path().display().to_string();
        std::str::from_utf8(text).expect("the program writes UTF-8").replace(&home, "[HOME]")
    }
}

/// The program under way.
pub(crate) struct Running {
    test: Test,
    child: Child,
}

impl Running {
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end and compares.
    #[track_caller]
    pub(crate) fn finish(self) -> Output {
        let Self { test, child } = self;
        let output = child.wait_with_output().unwrap();
        let (stdout, stderr) = (test.filter(&output.stdout), test.filter(&output.stderr));
        for (name, expected, said) in [("stdout", &test.stdout, &stdout), ("stderr", &test.stderr, &stderr)] {
            if let Expected::Exactly(expected) = expected {
                let same = expected.trim_end() == said.trim_end();
                assert!(same, "{name} of {:?} is\n{said}\nand not\n{expected}", test.args);
            }
        }
        let status = output.status.code().or_else(|| output.status.signal().map(|signal| -signal));
        if test.status.is_some() {
            assert_eq!(status, test.status, "status of {:?}; it said\n{stdout}{stderr}", test.args);
        }
        if let Some(listener) = &test.nobody {
            assert!(listener.accept().is_err(), "{:?} asked the cluster", test.args);
            assert!(!test.home.path().join("state").exists(), "{:?} wrote to disk", test.args);
        }
        Output { stdout, stderr, home: test.home }
    }
}

/// A kubeconfig with one context.
pub(crate) fn kubeconfig(server: &str) -> String {
    format!(
        "apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: \"{server}\"}}}}]
users: [{{name: u, user: {{token: t}}}}]
contexts: [{{name: harbour, context: {{cluster: c, user: u}}}}]
current-context: harbour
"
    )
}
