//! Running a program in a container through exec, with what it is told and what it says as streams.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::api::AttachParams;
use kube::{Api, Client};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;

use crate::cluster::Clock;
use crate::error::root;

/// What fits into the pipe of one stream, bytes.
const PIPE: usize = 256 * 1024;
/// How many pieces may wait to be taken.
pub(super) const PIECES: usize = 4;
/// How much of what went wrong is shown, bytes.
const SAID: usize = 600;
/// How long a program that has said everything may take to say how it ended.
const LAST_WORD: Duration = Duration::from_secs(30);

/// A container that can be talked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) namespace: String,
    pub(super) pod: String,
    pub(super) container: String,
    /// Where it has the volume mounted.
    pub(super) path: String,
    /// The image that runs in it, for people.
    pub(super) image: String,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// With this exit code.
    Code(i64),
    /// Nobody said: the connection broke off.
    Untold,
}

/// A talk that came to its end, with what was said of what went wrong.
pub(super) struct Told {
    pub(super) ended: Ended,
    pub(super) err: String,
}

impl Told {
    /// Nothing when it went well, else what went wrong.
    pub(super) fn well(self, what: &str) -> Result<(), String> {
        match self.ended {
            Ended::Code(0) => Ok(()),
            Ended::Code(code) if self.err.is_empty() => Err(format!("{what} ended with exit code {code}")),
            Ended::Code(code) => Err(format!("{what} ended with exit code {code}: {}", self.err)),
            Ended::Untold => Err(format!("the connection to {what} broke off")),
        }
    }
}

/// Asks a script, with the place's path as its first argument, and hears all of its answer.
pub(super) async fn ask(client: &Client, place: &Place, script: &str) -> Result<Vec<u8>, String> {
    let (sender, mut pieces) = mpsc::channel(PIECES);
    let collect = async {
        let mut all = Vec::new();
        while let Some(piece) = pieces.recv().await {
            all.extend(piece);
        }
        all
    };
    let (told, all) = tokio::join!(listen(client, place, script, sender), collect);
    told?.well("the program")?;
    Ok(all)
}

/// Runs a script and gives on what it says, piece by piece, until nobody takes it any more.
pub(super) async fn listen(
    client: &Client,
    place: &Place,
    script: &str,
    pieces: mpsc::Sender<Vec<u8>>,
) -> Result<Told, String> {
    let mut process = start(client, place, (script, &[]), false).await?;
    let status = process.take_status();
    let (stdout, stderr) = (process.stdout(), process.stderr());
    let hear = async move {
        let Some(mut stdout) = stdout else { return Ok(()) };
        loop {
            let mut piece = Vec::with_capacity(PIPE);
            if stdout.read_buf(&mut piece).await.map_err(|error| error.to_string())? == 0 {
                return Ok::<_, String>(());
            }
            pieces.send(piece).await.map_err(|_| "what it said could not be kept".to_owned())?;
        }
    };
    let (heard, err) = tokio::join!(hear, remarks(stderr));
    heard?;
    Ok(Told { ended: end(status).await, err })
}

/// Runs a script and tells it all the pieces. They come from a disk, for which virtual time does not leap.
pub(super) async fn tell(
    client: &Client,
    clock: &Clock,
    place: &Place,
    (script, arguments): (&str, &[&str]),
    mut pieces: mpsc::Receiver<Vec<u8>>,
) -> Result<Told, String> {
    let mut process = start(client, place, (script, arguments), true).await?;
    let status = process.take_status();
    let (stdin, stdout, stderr) = (process.stdin(), process.stdout(), process.stderr());
    let speak = async move {
        let Some(mut stdin) = stdin else { return Ok(()) };
        while let Some(piece) = clock.outside(pieces.recv()).await {
            // A program that has ended hears nothing any more; what it said tells why.
            if stdin.write_all(&piece).await.is_err() {
                return Ok(());
            }
        }
        // Its length was told: it ends without hearing of the end.
        stdin.flush().await.map_err(|error| error.to_string())
    };
    // How it ended is only waited for when it has said all: until then it may take as long as it likes.
    let all = async {
        let (_, err) = tokio::join!(remarks(stdout), remarks(stderr));
        (err, end(status).await)
    };
    let (mut speak, mut all) = (std::pin::pin!(speak), std::pin::pin!(all));
    let (spoken, (err, ended)) = tokio::select! {
        biased;
        // It ended before it was told all.
        told = &mut all => (Ok(()), told),
        spoken = &mut speak => (spoken, all.await),
    };
    spoken?;
    Ok(Told { ended, err })
}

async fn start(
    client: &Client,
    place: &Place,
    (script, arguments): (&str, &[&str]),
    stdin: bool,
) -> Result<kube::api::AttachedProcess, String> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), &place.namespace);
    // The path is an argument, not part of the script.
    let command = ["sh", "-c", script, "sh", &place.path].into_iter().chain(arguments.iter().copied());
    let command: Vec<String> = command.map(str::to_owned).collect();
    let params = AttachParams::default()
        .container(&place.container)
        .stdin(stdin)
        .stdout(true)
        .stderr(true)
        .max_stdout_buf_size(PIPE)
        .max_stdin_buf_size(PIPE);
    pods.exec(&place.pod, command, &params).await.map_err(|error| root(&error))
}

/// The beginning of what a stream says; the rest is read and let go, so that nobody waits.
async fn remarks(stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else { return String::new() };
    let mut said = Vec::new();
    let mut piece = vec![0; 4096];
    while let Ok(count) = stream.read(&mut piece).await {
        if count == 0 {
            break;
        }
        said.extend(&piece[..count.min(SAID.saturating_sub(said.len()))]);
    }
    crate::object::printable(String::from_utf8_lossy(&said).trim()).replace('\n', "; ")
}

/// How it ended, as the server says.
async fn end(status: Option<impl Future<Output = Option<Status>>>) -> Ended {
    let Some(status) = status else { return Ended::Untold };
    let Ok(Some(status)) = tokio::time::timeout(LAST_WORD, status).await else { return Ended::Untold };
    if status.status.as_deref() == Some("Success") {
        return Ended::Code(0);
    }
    let causes = status.details.and_then(|details| details.causes).unwrap_or_default();
    let code = causes.into_iter().find(|cause| cause.reason.as_deref() == Some("ExitCode"));
    code.and_then(|cause| cause.message?.parse().ok()).map_or(Ended::Code(-1), Ended::Code)
}
