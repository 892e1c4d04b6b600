//! Commands in containers of this machine's engines.

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::StartExecResults;
use bollard::models::ExecConfig;
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use tokio::io::AsyncWriteExt as _;

/// The most bytes kept of each output.
const MOST_OUTPUT: usize = 16 * 1024 * 1024;

/// How a command ended.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    /// Its exit code; -1 when the engine does not tell.
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

/// Why a command that is given something did not come to its end.
#[derive(Debug)]
pub(crate) enum Broken<E> {
    /// The engine.
    Engine(Error),
    /// What it was to be given.
    Input(E),
}

impl<E> From<Error> for Broken<E> {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

/// Runs a command without input.
pub(crate) async fn run(docker: &Docker, container: &str, command: &[&str]) -> Result<Ended, Error> {
    match give(docker, container, command, None::<futures::stream::Empty<Result<Bytes, ()>>>).await {
        Ok(ended) => Ok(ended),
        Err(Broken::Engine(error)) => Err(error),
        // There is none that could break.
        Err(Broken::Input(())) => Ok(Ended::default()),
    }
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
