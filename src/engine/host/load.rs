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
use crate::event::Moved;
use crate::host::child;
use crate::host::exec::{self, Broken, Ended};
use crate::host::knock::{Knock, knock};
use crate::host::text::clean;
use crate::images::archive::{self, send};
use crate::images::runtime::{self, Held, Standing};
use crate::images::{ask, full_name};
use crate::plan::task::Door;
use crate::plan::task::image::{Cargo, ImageSource, NodeDoor, Runtime, Way, import_inside, short, size};

/// How long the kubelet's view of the runtime may lag behind the runtime: it hears of new images by events.
const LAG: Duration = Duration::from_secs(10);
/// The pause before it is asked again.
const PAUSE: Duration = Duration::from_millis(200);

/// What the system says of a disk without room, in the words of Go.
const FULL: &str = "no space left on device";

/// An archive on its way, piece by piece.
type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, String>> + Send>>;

/// A node's container runtime that is spoken to.
enum Reached<'a> {
    Container { docker: Docker, container: &'a str },
    Machine(&'a Runtime),
}

impl Work<'_> {
    pub(super) async fn load_image(&self, node: &NodeDoor, cargo: &Cargo) -> Ending {
        match self.load(node, cargo).await {
            Ok(ending) | Err(ending) => ending,
        }
    }

    async fn load(&self, node: &NodeDoor, cargo: &Cargo) -> Result<Ending, Ending> {
        let Some(from) = &cargo.from else { return Ok(done(false, None)) };
        let reached = self.reached(node).await?;
        if self.has(&reached, node, cargo).await? {
            return Ok(done(false, Some("it is there already".to_owned())));
        }
        let began = Instant::now();
        let (pieces, _reading) = self.pieces(from, cargo).await?;
        let sent = self.watched(pieces, cargo.size);
        let ended = self.import(&reached, Box::pin(sent)).await;
        if let Some(cause) = self.not_imported(node, cargo, ended) {
            return Err(Ending::Failed(cause));
        }
        self.proved(&reached, node, cargo).await?;
        let seconds = began.elapsed().as_secs_f64();
        Ok(done(true, Some(format!("{} in {seconds:.1} s", size(cargo.size)))))
    }

    /// The node's runtime, or why it cannot be spoken to.
    async fn reached<'a>(&self, node: &'a NodeDoor) -> Result<Reached<'a>, Ending> {
        match &node.way {
            Way::Container { engine, container } => {
                Ok(Reached::Container { docker: self.open(engine).await?, container })
            }
            Way::Machine(runtime) => self.same(node, runtime).await.map(|()| Reached::Machine(runtime)),
        }
    }

    /// Whether the containerd of this machine is the one that the plan was made for.
    async fn same(&self, node: &NodeDoor, runtime: &Runtime) -> Result<(), Ending> {
        let here = &self.doing.context.here;
        let socket = runtime.socket.display();
        match knock(here, &runtime.socket).await {
            Knock::Open => {}
            Knock::Shut(why) => return Err(self.unknown(node, &format!("{socket}: {why}"))),
            Knock::Locked => {
                let message = format!("only root may speak to the containerd of node {} ({socket})", node.name);
                return Err(self.stuck("needs-root", "NeedsRoot", &message, "sudo -E seaworthy runs resume"));
            }
        }
        let server = ask::server(here, runtime).await.map_err(|why| self.unknown(node, &why))?;
        if server == runtime.server {
            return Ok(());
        }
        let message = format!(
            "the containerd at {socket} is {server}, and the plan was made for {}: node {} was set up anew, or is another",
            runtime.server, node.name
        );
        let remedy = "`seaworthy images load` makes a plan for what is there now";
        Err(self.stuck("other-containerd", "OtherContainerd", &message, remedy))
    }

    /// Whether the node has it, as the kubelet sees it.
    async fn has(&self, reached: &Reached<'_>, node: &NodeDoor, cargo: &Cargo) -> Result<bool, Ending> {
        let held = self.held(reached, node).await?;
        Ok(runtime::stands(&held, &cargo.image, cargo.id.as_deref()) == Standing::There)
    }

    async fn held(&self, reached: &Reached<'_>, node: &NodeDoor) -> Result<Vec<Held>, Ending> {
        let held = match reached {
            Reached::Container { docker, container } => ask::container(docker, container).await,
            Reached::Machine(runtime) => ask::machine(&self.doing.context.here, runtime).await,
        };
        held.map_err(|why| self.unknown(node, &why))
    }

    fn unknown(&self, node: &NodeDoor, why: &str) -> Ending {
        let message = format!("node {} cannot be asked which images it has: {why}", node.name);
        let remedy = match &node.way {
            Way::Container { .. } => "`seaworthy cluster list` shows whether it runs; then `seaworthy runs resume`",
            Way::Machine(_) => "see whether its containerd, or k3s, runs; then `seaworthy runs resume`",
        };
        self.stuck("node-silent", "NodeSilent", &message, remedy)
    }

    fn stuck(&self, id: &str, reason: &str, message: &str, remedy: &str) -> Ending {
        let cause = failure(self.task, id, reason, message);
        Ending::Failed(Cause { remedy: Some(remedy.to_owned()), outlook: Outlook::Stuck, ..cause })
    }

    /// Gives the archive to the node's runtime, for the snapshotter that the kubelet uses: an image that is unpacked for another
    /// one would be unpacked a second time.
    async fn import(
        &self,
        reached: &Reached<'_>,
        pieces: impl Stream<Item = Result<Bytes, String>> + Unpin,
    ) -> Result<Ended, Broken<String>> {
        match reached {
            Reached::Container { docker, container } => {
                let command = import_inside(ask::configured(docker, container).await.as_deref());
                let command: Vec<&str> = command.iter().map(String::as_str).collect();
                exec::give(docker, container, &command, Some(pieces)).await
            }
            Reached::Machine(runtime) => {
                child::give(&runtime.import(), &self.doing.context.here.variables, Some(pieces)).await
            }
        }
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
        let began = Instant::now();
        let start = (pieces, 0_u64, began);
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
                let millis = u64::try_from((now - began).as_millis()).unwrap_or(u64::MAX);
                let moved = Moved { bytes: sent, total, millis };
                let rate = moved.rate().map_or_else(String::new, |rate| format!(", {}/s", size(rate)));
                self.say_moved(&format!("{} of about {}{rate}", size(sent), size(total)), moved);
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
            Ok(ended) => ("import-failed", format!("ctr ended with {}: {}", ended.code, at_the_root(&ended))),
            Err(Broken::Place(why)) => match &node.way {
                Way::Container { .. } => ("engine-refused", why),
                Way::Machine(_) => ("import-failed", format!("ctr cannot be run: {why}")),
            },
            Err(Broken::Input(why)) => ("source-failed", why),
        };
        let message = format!("{} could not be put into {}: {message}", cargo.image, node.name);
        let full = message.contains(FULL);
        let remedy = if full {
            let who = match &node.way {
                Way::Container { engine, .. } => engine.product.to_string(),
                Way::Machine(_) => "the containerd of this machine".to_owned(),
            };
            format!("make room where {who} keeps its data, then `seaworthy runs resume`")
        } else {
            "`seaworthy runs resume` tries again".to_owned()
        };
        let cause = failure(self.task, id, "NotLoaded", &message);
        Some(Cause { remedy: Some(remedy), outlook: Outlook::Stuck, ..cause })
    }

    async fn proved(&self, reached: &Reached<'_>, node: &NodeDoor, cargo: &Cargo) -> Result<(), Ending> {
        let began = Instant::now();
        loop {
            let held = self.held(reached, node).await?;
            let stands = runtime::stands(&held, &cargo.image, cargo.id.as_deref());
            if stands == Standing::There {
                return Ok(());
            }
            if began.elapsed() > LAG {
                let what = match stands {
                    Standing::Other(id) => format!("it still has another image of that name, {}", short(id)),
                    Standing::Untold => "it does not tell which image of that name it has".to_owned(),
                    _ => "it does not have it".to_owned(),
                };
                let message = format!("{} was put into {}, and {what}", cargo.image, node.name);
                return Err(Ending::Failed(failure(self.task, "not-loaded", "NotLoaded", &message)));
            }
            sleep(PAUSE).await;
        }
    }
}

/// What a command said; that the disk is full stands at the end of a line that is longer than what is kept of it.
fn at_the_root(ended: &Ended) -> String {
    if String::from_utf8_lossy(&ended.stderr).contains(FULL) { FULL.to_owned() } else { ended.words() }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_seen_however_long_the_line_is() {
        let ended = |stderr: String| Ended { code: 1, stdout: Vec::new(), stderr: stderr.into_bytes() };
        let path = "/var/lib/containerd/io.containerd.content.v1.content/ingest/".repeat(10);
        assert_eq!(at_the_root(&ended(format!("ctr: write {path}: no space left on device\n"))), FULL);
        assert_eq!(at_the_root(&ended("ctr: unexpected EOF\n".to_owned())), "ctr: unexpected EOF");
    }
}
