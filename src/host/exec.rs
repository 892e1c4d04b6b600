//! Commands in containers of this machine's engines, and how commands end.

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::StartExecResults;
use bollard::models::ExecConfig;
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use tokio::io::AsyncWriteExt as _;

/// The most bytes kept of each output.
pub(super) const MOST_OUTPUT: usize = 16 * 1024 * 1024;

/// How a command ended.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    /// Its exit code; -1 when that is not told, 128 and the signal's number when one ended it.
    pub(crate) code: i64,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Ended {
    /// What it said, on whichever output, as one line.
    pub(crate) fn words(&self) -> String {
        let said = if self.stderr.iter().all(u8::is_ascii_whitespace) { &self.stdout } else { &self.stderr };
        super::text::clean(&String::from_utf8_lossy(said))
    }
}

/// Why a command did not come to its end.
#[derive(Debug)]
pub(crate) enum Broken<E> {
    /// It could not be run, or not be followed to its end: what the engine or the system says.
    Place(String),
    /// What it was to be given broke off.
    Input(E),
}

impl<E> From<Error> for Broken<E> {
    fn from(error: Error) -> Self {
        Self::Place(super::text::clean(&crate::error::root(&error)))
    }
}

/// No input.
pub(crate) type Nothing = futures::stream::Empty<Result<Bytes, std::convert::Infallible>>;

/// Runs a command without input. The error is what the engine says.
pub(crate) async fn run(docker: &Docker, container: &str, command: &[&str]) -> Result<Ended, String> {
    give(docker, container, command, None::<Nothing>).await.map_err(|broken| match broken {
        Broken::Place(why) => why,
        Broken::Input(never) => match never {},
    })
}

/// Runs a command, and gives it `input`. A command that ends before it has taken everything is not at fault by that alone.
pub(crate) async fn give<E>(
    docker: &Docker,
    container: &str,
    command: &[&str],
    input: Option<impl Stream<Item = Result<Bytes, E>> + Unpin>,
) -> Result<Ended, Broken<E>> {
    let config = ExecConfig {
        cmd: Some(command.iter().map(ToString::to_string).collect()),
        attach_stdin: Some(input.is_some()),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        ..ExecConfig::default()
    };
    let exec = docker.create_exec(container, config).await?;
    let mut ended = Ended::default();
    if let StartExecResults::Attached { output, input: mut stdin } = docker.start_exec(&exec.id, None).await? {
        let send = async {
            if let Some(mut input) = input {
                while let Some(piece) = input.next().await {
                    let piece = piece.map_err(Broken::Input)?;
                    if stdin.write_all(&piece).await.is_err() {
                        break;
                    }
                }
                // The command ends when its input does.
                let _ = stdin.shutdown().await;
            }
            Ok::<(), Broken<E>>(())
        };
        let mut heard = std::pin::pin!(hear(output, &mut ended));
        tokio::select! {
            // A command that has ended takes nothing any more.
            over = &mut heard => over?,
            sent = send => {
                sent?;
                heard.await?;
            }
        }
    }
    ended.code = docker.inspect_exec(&exec.id).await?.exit_code.unwrap_or(-1);
    Ok(ended)
}

async fn hear<E>(
    mut output: impl Stream<Item = Result<LogOutput, Error>> + Unpin,
    ended: &mut Ended,
) -> Result<(), Broken<E>> {
    while let Some(part) = output.next().await {
        let (kept, text) = match part? {
            LogOutput::StdErr { message } => (&mut ended.stderr, message),
            LogOutput::StdOut { message } | LogOutput::Console { message } | LogOutput::StdIn { message } => {
                (&mut ended.stdout, message)
            }
        };
        let room = MOST_OUTPUT.saturating_sub(kept.len()).min(text.len());
        kept.extend_from_slice(&text[..room]);
    }
    Ok(())
}
