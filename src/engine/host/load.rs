//! Putting an image into a node: asked first what it has, and again when it was put there.

use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use bollard::Docker;
use bytes::Bytes;
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::{Work, failure, pipe};
use crate::doctor::{Cause, Outlook};
use crate::engine::step::{Ending, done};
use crate::error::root;
use crate::host::exec::{self, Broken, Ended};
use crate::host::text::clean;
use crate::images::archive::{self, send};
use crate::images::full_name;
use crate::images::runtime::{self, Held, Standing};
use crate::plan::task::Door;
use crate::plan::task::image::{Cargo, IMPORT, ImageSource, NodeDoor, short, size};

/// How long the kubelet's view of the runtime may lag behind the runtime: it hears of new images by events.
const LAG: Duration = Duration::from_secs(10);
/// The pause before it is asked again.
const PAUSE: Duration = Duration::from_millis(200);
/// How long a runtime may take to say what it has.
const ANSWER: Duration = Duration::from_secs(60);

/// An archive on its way, piece by piece.
type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, String>> + Send>>;

impl Work<'_> {
    pub(super) async fn load_image(&self, node: &NodeDoor, cargo: &Cargo) -> Ending {
        match self.load(node, cargo).await {
            Ok(ending) | Err(ending) => ending,
        }
    }

    async fn load(&self, node: &NodeDoor, cargo: &Cargo) -> Result<Ending, Ending> {
        let Some(from) = &cargo.from else { return Ok(done(false, None)) };
        let docker = self.open(&node.engine).await?;
        if self.has(&docker, node, cargo).await? {
            return Ok(done(false, Some("it is there already".to_owned())));
        }
        let began = Instant::now();
        let (pieces, _reading) = self.pieces(from, cargo).await?;
        let sent = self.watched(pieces, cargo.size);
        let command = import(&docker, node).await;
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let ended = exec::give(&docker, &node.container, &command, Some(Box::pin(sent))).await;
        if let Some(cause) = self.not_imported(node, cargo, ended) {
            return Err(Ending::Failed(cause));
        }
        self.proved(&docker, node, cargo).await?;
        let seconds = began.elapsed().as_secs_f64();
        Ok(done(true, Some(format!("{} in {seconds:.1} s", size(cargo.size)))))
    }

    /// Whether the node has it, as the kubelet sees it.
    async fn has(&self, docker: &Docker, node: &NodeDoor, cargo: &Cargo) -> Result<bool, Ending> {
        let held = self.held(docker, node).await?;
        Ok(runtime::stands(&held, &cargo.image, cargo.id.as_deref()) == Standing::There)
    }

    async fn held(&self, docker: &Docker, node: &NodeDoor) -> Result<Vec<Held>, Ending> {
        let ended = timeout(ANSWER, exec::run(docker, &node.container, &runtime::ASK)).await;
        let ended = ended.map_err(|_| self.unknown(node, "crictl does not answer"))?;
        let ended = ended.map_err(|error| self.unknown(node, &clean(&root(&error))))?;
        if ended.code != 0 {
            return Err(self.unknown(node, &format!("crictl ended with {}: {}", ended.code, ended.words())));
        }
        runtime::held(&ended.stdout).map_err(|why| self.unknown(node, &why))
    }

    fn unknown(&self, node: &NodeDoor, why: &str) -> Ending {
        let message = format!("node {} cannot be asked which images it has: {why}", node.name);
        let remedy = Some("`seaworthy cluster list` shows whether it runs; then `seaworthy runs resume`".to_owned());
        let cause = failure(self.task, "node-silent", "NodeSilent", &message);
        Ending::Failed(Cause { remedy, outlook: Outlook::Stuck, ..cause })
    }

    /// The image as an archive, and what has to live as long as that is read.
    async fn pieces(
        &self,
        from: &ImageSource,
        cargo: &Cargo,
    ) -> Result<(Pieces, Option<AbortOnDropHandle<()>>), Ending> {
        match from {
            ImageSource::Engine { engine, name } => Ok((self.exported(engine, &[name.as_str()]).await?, None)),
            ImageSource::Archive { file } => {
                let (pieces, reading) = unpacked(file, cargo);
                Ok((pieces, Some(reading)))
            }
        }
    }

    /// What an engine exports.
    pub(super) async fn exported(&self, engine: &Door, names: &[&str]) -> Result<Pieces, Ending> {
        // Docker 20.10 gathers all of it before it answers at all.
        let docker = self.open_for(engine, self.limit()).await?;
        Ok(Box::pin(docker.export_images(names).map_err(|error| clean(&root(&error)))))
    }

    /// The same pieces, with a word now and then on how far they are. A piece that does not come in time ends them.
    pub(super) fn watched(&self, pieces: Pieces, total: u64) -> impl Stream<Item = Result<Bytes, String>> + Send {
        let start = (pieces, 0_u64, Instant::now());
        stream::unfold(Some(start), move |state| async move {
            let (mut pieces, sent, spoken) = state?;
            let piece = match timeout(self.limit(), pieces.next()).await {
                Err(_) => return Some((Err(format!("nothing came for {} s", self.limit().as_secs())), None)),
                Ok(None) => return None,
                Ok(Some(Err(why))) => return Some((Err(why), None)),
                Ok(Some(Ok(piece))) => piece,
            };
            let sent = sent + piece.len() as u64;
            let now = Instant::now();
            let spoken = if now - spoken >= Duration::from_millis(500) {
                self.say(&format!("{} of about {}", size(sent), size(total)), None);
                now
            } else {
                spoken
            };
            Some((Ok(piece), Some((pieces, sent, spoken))))
        })
    }

    fn not_imported(&self, node: &NodeDoor, cargo: &Cargo, ended: Result<Ended, Broken<String>>) -> Option<Cause> {
        let (id, message) = match ended {
            Ok(ended) if ended.code == 0 => return None,
            Ok(ended) => ("import-failed", format!("ctr ended with {}: {}", ended.code, ended.words())),
            Err(Broken::Engine(error)) => ("engine-refused", clean(&root(&error))),
            Err(Broken::Input(why)) => ("source-failed", why),
        };
        let message = format!("{} could not be put into {}: {message}", cargo.image, node.name);
        let full = message.contains("no space left on device");
        let remedy = if full {
            format!("make room where {} keeps its data, then `seaworthy runs resume`", node.engine.product)
        } else {
            "`seaworthy runs resume` tries again".to_owned()
        };
        let cause = failure(self.task, id, "NotLoaded", &message);
        Some(Cause { remedy: Some(remedy), outlook: Outlook::Stuck, ..cause })
    }

    async fn proved(&self, docker: &Docker, node: &NodeDoor, cargo: &Cargo) -> Result<(), Ending> {
        let began = Instant::now();
        loop {
            let held = self.held(docker, node).await?;
            let stands = runtime::stands(&held, &cargo.image, cargo.id.as_deref());
            if stands == Standing::There {
                return Ok(());
            }
            if began.elapsed() > LAG {
                let what = match stands {
                    Standing::Other(id) => format!("it still has another image of that name, {}", short(id)),
                    _ => "it does not have it".to_owned(),
                };
                let message = format!("{} was put into {}, and {what}", cargo.image, node.name);
                return Err(Ending::Failed(failure(self.task, "not-loaded", "NotLoaded", &message)));
            }
            sleep(PAUSE).await;
        }
    }
}

/// One image of an archive, read by a thread.
fn unpacked(file: &Path, cargo: &Cargo) -> (Pieces, AbortOnDropHandle<()>) {
    let (writer, receiver) = pipe::from_writer();
    let (file, image) = (file.to_owned(), cargo.image.clone());
    let reading = tokio::task::spawn_blocking(move || {
        let archive = archive::open(&file).map_err(|error| error.to_string())?;
        let found = archive.image(&image).ok_or_else(|| format!("{} does not hold {image}", file.display()))?;
        send::send(&archive, found, &full_name(&image), writer).map_err(|error| error.to_string())
    });
    let (told, fault) = tokio::sync::oneshot::channel();
    let wait = tokio::spawn(async move {
        let ended = reading.await.unwrap_or_else(|error| Err(error.to_string()));
        // Nobody listens any more when the import has ended by itself.
        let _ = told.send(ended);
    });
    let pieces = stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
    let last = stream::once(fault).filter_map(|ended| async move {
        match ended {
            Ok(Err(why)) => Some(Err(why)),
            Ok(Ok(())) | Err(_) => None,
        }
    });
    (Box::pin(pieces.map(Ok).chain(last)), AbortOnDropHandle::new(wait))
}

/// The command that imports, for the snapshotter that the kubelet uses: an image that is unpacked for another one would be
/// unpacked a second time. What cannot be asked is left to containerd.
async fn import(docker: &Docker, node: &NodeDoor) -> Vec<String> {
    let asked = timeout(ANSWER, exec::run(docker, &node.container, &runtime::CONFIGURED)).await;
    let config = asked.ok().and_then(Result::ok).map(|ended| String::from_utf8_lossy(&ended.stdout).into_owned());
    let snapshotter = config.and_then(|config| runtime::snapshotter(&config));
    let option = snapshotter.map(|name| format!("--snapshotter={name}"));
    IMPORT.iter().map(ToString::to_string).chain(option).chain(["-".to_owned()]).collect()
}
