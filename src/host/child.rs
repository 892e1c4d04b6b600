//! Running somebody else's program: for a limited time, with limited output, and with nothing left behind.

mod give;

use futures::future::ready;
use futures::stream::{self, Stream, StreamExt as _};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt as _};
use tokio::process::Command;
use tokio_util::codec::{FramedRead, LinesCodec};

use super::text::clean;

pub(crate) use give::{ask, give, tend};

/// The most bytes kept of each output; a program that prints more gets a closed pipe.
const MOST_OUTPUT: u64 = 64 * 1024;

/// The most bytes of a line that are kept of a program that is listened to.
const LONGEST_LINE: usize = 16 * 1024;

/// A program that has ended.
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

/// Why there is no end to report.
#[derive(Debug)]
pub(crate) enum ChildFault {
    /// It had not ended in time and was killed.
    Hung,
    /// It could not be started or waited for.
    Failed(io::Error),
}

/// Runs a program without input, with exactly the given variables, and kills it with its children after `limit`, or
/// when this future is dropped.
pub(crate) async fn run(
    program: &Path,
    arguments: &[String],
    variables: &BTreeMap<String, String>,
    limit: Duration,
) -> Result<Finished, ChildFault> {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(variables);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A group of its own, so that what it starts in turn can be ended with it.
    command.process_group(0).kill_on_drop(true);
    tokio::time::timeout(limit, finish(command)).await.unwrap_or(Err(ChildFault::Hung))
}

/// Runs a program that takes its time: gives it `input`, and every line of either output to `heard` as it comes, as one
/// line of text that is safe to show. The program and its children are killed when this future is dropped.
///
/// # Errors
/// When it cannot be started or waited for.
pub(crate) async fn listen(
    program: &Path,
    arguments: &[String],
    variables: &BTreeMap<String, String>,
    input: &str,
    mut heard: impl FnMut(String),
) -> io::Result<ExitStatus> {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(variables);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.process_group(0).kill_on_drop(true);
    let mut child = command.spawn()?;
    let mut group = Group(child.id());
    let stdin = child.stdin.take();
    let give = async {
        if let Some(mut stdin) = stdin {
            // A program that ends without reading says by itself why.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
    };
    let mut lines = stream::select(lines(child.stdout.take()), lines(child.stderr.take()));
    let listen = async {
        while let Some(line) = lines.next().await {
            heard(clean(&line));
        }
    };
    tokio::join!(give, listen);
    let status = child.wait().await?;
    group.0 = None;
    Ok(status)
}

/// The lines of a pipe, without those that are longer than anybody reads.
fn lines(pipe: Option<impl AsyncRead + Unpin>) -> impl Stream<Item = String> + Unpin {
    let lines =
        stream::iter(pipe).flat_map(|pipe| FramedRead::new(pipe, LinesCodec::new_with_max_length(LONGEST_LINE)));
    Box::pin(lines.filter_map(|line| ready(line.ok())))
}

async fn finish(mut command: Command) -> Result<Finished, ChildFault> {
    let mut child = command.spawn().map_err(ChildFault::Failed)?;
    let mut group = Group(child.id());
    let (stdout, stderr) =
        tokio::join!(read_some(child.stdout.take(), MOST_OUTPUT), read_some(child.stderr.take(), MOST_OUTPUT));
    let status = child.wait().await.map_err(ChildFault::Failed)?;
    group.0 = None;
    Ok(Finished { status, stdout, stderr })
}

/// Reads up to the limit; dropping the pipe after that ends a program that never stops printing.
async fn read_some(pipe: Option<impl AsyncRead + Unpin>, most: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        // What was read before an error is still worth showing.
        let _ = pipe.take(most).read_to_end(&mut bytes).await;
    }
    bytes
}

/// A process of this machine that runs a program with arguments that begin with these words; as far as the system tells,
/// which is on Linux.
pub(crate) fn find(program: &Path, words: &[&str]) -> Option<i32> {
    let entries = std::fs::read_dir("/proc").ok()?;
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let runs = |pid: &i32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let mut typed = line.split(|byte| *byte == 0);
        typed.next() == Some(program.as_os_str().as_encoded_bytes())
            && words.iter().all(|word| typed.next() == Some(word.as_bytes()))
    };
    pids.into_iter().find(runs)
}

/// Waits until a process that need not be a child of this one has ended.
pub(crate) async fn wait_for(pid: i32) {
    #[cfg(target_os = "linux")]
    if let Some(pid) = rustix::process::Pid::from_raw(pid)
        && let Ok(process) = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())
    {
        // It becomes readable when the process ends (pidfd_open(2)). A thread waits, because there is no safe way to hand it
        // to the runtime; who stops listening leaves it behind until then.
        let wait = move || {
            let mut asked = [rustix::event::PollFd::new(&process, rustix::event::PollFlags::IN)];
            rustix::event::poll(&mut asked, None)
        };
        let _ = tokio::task::spawn_blocking(wait).await;
    }
    // Elsewhere nothing is found that could be waited for.
    #[cfg(not(target_os = "linux"))]
    let _ = pid;
}

/// The process group of a child that still runs; ended when dropped. Empty once the child has been waited for, when
/// its number may already belong to another process.
struct Group(Option<u32>);

impl Group {
    /// Asks all of it to end.
    fn ask(&self) {
        if let Some(id) = self.0.and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw) {
            // It may have ended by itself just now.
            let _ = rustix::process::kill_process_group(id, rustix::process::Signal::TERM);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let id = self.0.and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(id) = id {
            // It may have ended by itself just now.
            let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    async fn shell(script: &str, limit: Duration) -> Result<Finished, ChildFault> {
        run(Path::new("/bin/sh"), &["-c".into(), script.into()], &BTreeMap::new(), limit).await
    }

    #[tokio::test]
    async fn output_status_and_variables_are_the_childs_own() {
        let ended = shell("echo out; echo err >&2; echo ${HOME-none}; exit 3", Duration::from_secs(30)).await.unwrap();
        assert_eq!(ended.stdout, b"out\nnone\n");
        assert_eq!(ended.stderr, b"err\n");
        assert_eq!(ended.status.code(), Some(3));
    }

    #[tokio::test]
    async fn a_program_is_heard_line_by_line_and_given_its_input() {
        let mut heard = Vec::new();
        let script = "read name; echo \"hello $name\"; printf 'one\\033[1m two\\n' >&2; printf 'no end'; exit 4";
        let arguments = ["-c".to_owned(), script.to_owned()];
        let say = |line| heard.push(line);
        let status = listen(Path::new("/bin/sh"), &arguments, &BTreeMap::new(), "world\n", say).await.unwrap();
        heard.sort();
        assert_eq!((heard.join(","), status.code()), ("hello world,no end,one two".to_owned(), Some(4)));
    }

    #[tokio::test]
    async fn who_stops_listening_ends_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let script = format!("/bin/sleep 600 & echo $! > {0}.new; mv {0}.new {0}; wait", file.display());
        let arguments = ["-c".to_owned(), script];
        let variables = BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
        let written = async {
            while !file.exists() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            status = listen(Path::new("/bin/sh"), &arguments, &variables, "", drop) => panic!("{status:?}"),
            () = written => {}
        }
        let pid = std::fs::read_to_string(file).unwrap();
        assert!(ends(pid.trim()).await, "the grandchild lives");
    }

    #[tokio::test]
    async fn endless_output_is_cut() {
        let ended =
            shell("while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done", Duration::from_secs(30)).await;
        assert_eq!(ended.unwrap().stdout.len() as u64, MOST_OUTPUT);
    }

    #[tokio::test]
    async fn a_hanging_program_is_killed_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let started = Instant::now();
        let file = folder.path().join("pid");
        let script = format!("/bin/sleep 600 & echo $! > {}; wait", file.display());
        assert!(matches!(shell(&script, Duration::from_secs(1)).await, Err(ChildFault::Hung)));
        assert!(started.elapsed() < Duration::from_secs(5));
        let pid = std::fs::read_to_string(file).unwrap();
        assert!(ends(pid.trim()).await, "the grandchild lives");
    }

    #[tokio::test]
    async fn a_process_is_found_by_what_it_runs_and_waited_for() {
        let word = format!("600.{}", std::process::id());
        let sleep = Path::new("/bin/sleep");
        assert_eq!(find(sleep, &[&word]), None);
        let mut child = Command::new(sleep).arg(&word).kill_on_drop(true).spawn().unwrap();
        let pid = i32::try_from(child.id().unwrap()).unwrap();
        // Between fork and exec it is still this program.
        while find(sleep, &[&word]) != Some(pid) {
            tokio::task::yield_now().await;
        }
        let mut waiting = std::pin::pin!(wait_for(pid));
        assert!(futures::poll!(waiting.as_mut()).is_pending());
        child.start_kill().unwrap();
        tokio::time::timeout(Duration::from_secs(30), waiting).await.unwrap();
        child.wait().await.unwrap();
        assert_eq!(find(sleep, &[&word]), None);
    }

    /// Whether a process is gone, or waits only to be reaped.
    async fn ends(pid: &str) -> bool {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(10) {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            if stat.is_empty() || stat.contains(") Z ") {
                return true;
            }
            tokio::task::yield_now().await;
        }
        false
    }

    #[tokio::test]
    async fn what_cannot_start_says_why() {
        let fault = run(Path::new("/nonexistent/tool"), &[], &BTreeMap::new(), Duration::from_secs(1)).await;
        assert!(matches!(fault, Err(ChildFault::Failed(error)) if error.kind() == io::ErrorKind::NotFound));
    }
}
