//! A program that is given a stream, and whose whole answer is wanted.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Group, read_some};
use crate::host::exec::{Broken, Ended, MOST_OUTPUT, Nothing};

/// Runs a program without input, for `limit` at the most. The error is why there is no answer, in words that follow its name.
pub(crate) async fn ask(
    command: &[String],
    variables: &BTreeMap<String, String>,
    limit: Duration,
) -> Result<Ended, String> {
    match timeout(limit, give(command, variables, None::<Nothing>)).await {
        Err(_) => Err(format!("does not answer within {} s", limit.as_secs())),
        Ok(Err(Broken::Place(why))) => Err(format!("cannot be run: {why}")),
        Ok(Err(Broken::Input(never))) => match never {},
        Ok(Ok(ended)) => Ok(ended),
    }
}

/// Runs a program, the first of these words, with exactly the given variables, and gives it `input`. One that ends before it
/// has taken everything is not at fault by that alone. It is killed with its children when the input breaks off, so that it
/// takes no half for the whole, and when this future is dropped.
pub(crate) async fn give<E>(
    command: &[String],
    variables: &BTreeMap<String, String>,
    input: Option<impl Stream<Item = Result<Bytes, E>> + Unpin>,
) -> Result<Ended, Broken<E>> {
    let mut child = prepared(command, variables, input.is_some())?.spawn().map_err(place)?;
    // The group is ended before its input is closed: what is declared last is dropped first.
    let mut stdin = child.stdin.take();
    let mut group = Group(child.id());
    let most = u64::try_from(MOST_OUTPUT).unwrap_or(u64::MAX);
    let hear = async { tokio::join!(read_some(child.stdout.take(), most), read_some(child.stderr.take(), most)) };
    let send = async {
        if let (Some(mut input), Some(pipe)) = (input, stdin.as_mut()) {
            while let Some(piece) = input.next().await {
                if pipe.write_all(&piece?).await.is_err() {
                    break;
                }
            }
        }
        Ok::<(), E>(())
    };
    let heard = {
        let mut hear = std::pin::pin!(hear);
        let early = tokio::select! {
            // A program that has closed its outputs takes nothing any more.
            heard = &mut hear => Some(heard),
            sent = send => {
                sent.map_err(Broken::Input)?;
                None
            }
        };
        // It ends when its input does.
        drop(stdin.take());
        match early {
            Some(heard) => heard,
            None => hear.await,
        }
    };
    let status = child.wait().await.map_err(place)?;
    group.0 = None;
    Ok(Ended { code: code(status), stdout: heard.0, stderr: heard.1 })
}

/// Runs a program that changes something elsewhere: gives it `input`, and when it is to stop asks it to end (SIGTERM) and lets it tidy
/// up for a while before it is killed. The error is why there is no answer, in words that follow its name.
pub(crate) async fn tend(
    command: &[String],
    variables: &BTreeMap<String, String>,
    input: &[u8],
    (stop, patience): (&CancellationToken, Duration),
) -> Result<Ended, String> {
    let broken = |broken: Broken<Infallible>| match broken {
        Broken::Place(why) => format!("cannot be run: {why}"),
        Broken::Input(never) => match never {},
    };
    let failed = |error: io::Error| format!("cannot be run: {error}");
    let mut child = prepared(command, variables, true).map_err(broken)?.spawn().map_err(failed)?;
    let stdin = child.stdin.take();
    let mut group = Group(child.id());
    let most = u64::try_from(MOST_OUTPUT).unwrap_or(u64::MAX);
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let send = async {
        if let Some(mut pipe) = stdin {
            // A program that ends without reading says by itself why.
            let _ = pipe.write_all(input).await;
        }
    };
    let end = async {
        let ((), stdout, stderr) = tokio::join!(send, read_some(out, most), read_some(err, most));
        child.wait().await.map(|status| Ended { code: code(status), stdout, stderr })
    };
    let mut end = std::pin::pin!(end);
    let ended = tokio::select! {
        ended = &mut end => ended,
        () = stop.cancelled() => {
            group.ask();
            timeout(patience, end).await.unwrap_or_else(|_| Err(io::Error::other("it did not end when it was asked to, and was killed")))
        }
    };
    let ended = ended.map_err(failed)?;
    group.0 = None;
    Ok(ended)
}

fn prepared<E>(command: &[String], variables: &BTreeMap<String, String>, takes: bool) -> Result<Command, Broken<E>> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(Broken::Place("no program is named".to_owned()));
    };
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(variables);
    command.stdin(if takes { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.process_group(0).kill_on_drop(true);
    Ok(command)
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn place<E>(error: io::Error) -> Broken<E> {
    Broken::Place(error.to_string())
}

fn code(status: ExitStatus) -> i64 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).map_or(-1, i64::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream;

    const LIMIT: Duration = Duration::from_secs(30);

    fn shell(script: &str) -> Vec<String> {
        ["/bin/sh", "-c", script].map(str::to_owned).to_vec()
    }

    fn variables() -> BTreeMap<String, String> {
        BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())])
    }

    fn pieces(pieces: &[Result<&'static str, &'static str>]) -> impl Stream<Item = Result<Bytes, String>> + Unpin {
        let pieces: Vec<_> = pieces.iter().map(|piece| piece.map(Bytes::from).map_err(str::to_owned)).collect();
        stream::iter(pieces)
    }

    #[tokio::test]
    async fn it_takes_all_and_its_whole_answer_is_kept() {
        let input = pieces(&[Ok("one "), Ok(""), Ok("two")]);
        let ended = give(&shell("cat; echo said >&2; exit 3"), &variables(), Some(input)).await.unwrap();
        assert_eq!((ended.code, ended.stdout.as_slice(), ended.words()), (3, &b"one two"[..], "said".to_owned()));
        let long = ask(&shell("head -c 200000 /dev/zero | tr '\\0' x"), &variables(), LIMIT).await.unwrap();
        assert_eq!((long.code, long.stdout.len()), (0, 200_000));
    }

    #[tokio::test]
    async fn it_is_ended_when_its_input_breaks_off() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("taken");
        let script = format!("echo $$ > {0}.pid; cat > {0}; echo all > {0}.all", file.display());
        let begun = file.with_extension("pid");
        let (first, broken) = (pieces(&[Ok("half")]), pieces(&[Err("it broke off")]));
        let started = stream::once(async move {
            while std::fs::read_to_string(&begun).unwrap_or_default().is_empty() {
                tokio::task::yield_now().await;
            }
            Ok(Bytes::new())
        });
        let input = Box::pin(started.chain(first).chain(broken));
        let ended = give(&shell(&script), &variables(), Some(input)).await;
        assert!(matches!(&ended, Err(Broken::Input(why)) if why == "it broke off"), "{ended:?}");
        let pid = std::fs::read_to_string(file.with_extension("pid")).unwrap();
        let began = std::time::Instant::now();
        let gone = || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
            stat.is_empty() || stat.contains(") Z ")
        };
        while !gone() {
            assert!(began.elapsed() < LIMIT, "it lives");
            tokio::task::yield_now().await;
        }
        assert!(!file.with_extension("all").exists(), "it took the half for the whole");
    }

    #[tokio::test]
    async fn one_that_ends_early_is_told_by_its_code() {
        let endless = stream::repeat_with(|| Ok::<_, String>(Bytes::from_static(&[b'x'; 4096])));
        let ended = give(&shell("echo enough; exit 5"), &variables(), Some(endless)).await.unwrap();
        assert_eq!((ended.code, ended.words()), (5, "enough".to_owned()));
        let killed = ask(&shell("kill -KILL $$"), &variables(), LIMIT).await.unwrap();
        assert_eq!(killed.code, 128 + 9);
    }

    #[tokio::test]
    async fn one_that_is_to_stop_may_tidy_up_and_is_killed_when_it_will_not() {
        let stop = CancellationToken::new();
        let quiet = tend(&shell("cat"), &variables(), b"all", (&stop, LIMIT)).await.unwrap();
        assert_eq!((quiet.code, quiet.stdout.as_slice()), (0, &b"all"[..]));
        // Told to stop once it has said how it takes that.
        let told = async |trap: &str, patience: Duration| {
            let folder = tempfile::tempdir().unwrap();
            let (ready, stop) = (folder.path().join("ready"), CancellationToken::new());
            // It has no children, which could be born between the word and its effect.
            let script = format!("{trap}; : >{}; while :; do :; done", ready.display());
            let (words, given) = (shell(&script), variables());
            let tell = async {
                while !ready.exists() {
                    tokio::task::yield_now().await;
                }
                stop.cancel();
            };
            tokio::join!(tend(&words, &given, b"", (&stop, patience)), tell).0
        };
        let tidy = told("trap 'echo tidied; exit 7' TERM", LIMIT).await.unwrap();
        assert_eq!((tidy.code, tidy.stdout.as_slice()), (7, &b"tidied\n"[..]));
        let killed = told("trap '' TERM", Duration::from_millis(500)).await.unwrap_err();
        assert!(killed.contains("was killed"), "{killed}");
        stop.cancel();
        let none = tend(&["/nonexistent/helm".to_owned()], &variables(), b"", (&stop, LIMIT)).await.unwrap_err();
        assert!(none.starts_with("cannot be run: No such file"), "{none}");
    }

    #[tokio::test]
    async fn what_gives_no_answer_says_why() {
        let hung = ask(&shell("sleep 600"), &variables(), Duration::from_secs(1)).await.unwrap_err();
        assert_eq!(hung, "does not answer within 1 s");
        let none = ask(&["/nonexistent/ctr".to_owned()], &variables(), LIMIT).await.unwrap_err();
        assert_eq!(none, "cannot be run: No such file or directory (os error 2)");
        assert_eq!(ask(&[], &variables(), LIMIT).await.unwrap_err(), "cannot be run: no program is named");
    }
}
