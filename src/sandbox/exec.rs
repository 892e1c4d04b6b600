//! `pods/exec` over a websocket: standard output is channel 1, standard error 2, and channel 3 says how it ended.
//! Source: `k8s.io/apimachinery/pkg/util/remotecommand` and `pkg/kubelet/.../remotecommand/websocket.go` of Kubernetes.
//!
//! Nothing runs in a simulated container. It knows one program, the one by which files on a volume are counted.

use futures::{SinkExt as _, StreamExt as _};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

use super::address::Route;
use super::api::Body;
use super::refusal::Refusal;
use super::select::Query;
use super::world::World;
use super::{Sandbox, containers, websocket};
use crate::engine::rescue::count_script;
use crate::object::{items, text};

/// The channels, by number.
const OUT: u8 = 1;
const ERR: u8 = 2;
const STATUS: u8 = 3;

/// How a program ended.
struct Ended {
    out: String,
    err: String,
    code: i32,
}

/// Accepts the upgrade and answers as the program would, or says why not.
pub(super) fn answer(sandbox: &Sandbox, request: Request<Incoming>, route: &Route) -> Result<Response<Body>, Refusal> {
    let name = route.name.clone().unwrap_or_default();
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let command: Vec<String> = query.all("command").into_iter().map(str::to_owned).collect();
    let ended = sandbox.read(|world| {
        let pod = world.store.get(&route.object(&name)).ok_or_else(|| Refusal::not_found("", "pods", &name))?;
        let container = running(pod, query.get("container"))?;
        Ok(run(world, pod, container, &command))
    })?;
    websocket::accept(request, "pods/exec", |stream| tell(stream, ended))
}

/// The container that is meant: the first unless one is named. It has to run.
fn running<'a>(pod: &'a Value, name: Option<&str>) -> Result<&'a Value, Refusal> {
    let bad = |said: String| Refusal::new(400, "BadRequest", said);
    let mut all = items(pod, "/spec/containers");
    let found = all.find(|container| name.is_none_or(|name| container["name"] == name));
    let container = found.ok_or_else(|| bad(format!("container {} is not valid for pod", name.unwrap_or_default())))?;
    let name = text(container, "/name").unwrap_or_default();
    let runs = containers::status(pod, name).is_some_and(|status| status["state"].get("running").is_some());
    if runs { Ok(container) } else { Err(bad(format!("container not found (\"{name}\")"))) }
}

fn run(world: &World, pod: &Value, container: &Value, command: &[String]) -> Ended {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let script = count_script();
    match words.as_slice() {
        ["sh", "-c", asked, "sh", path] if *asked == script => count(world, pod, container, path),
        _ => Ended {
            out: String::new(),
            err: "the sandbox: nothing runs here, and nothing but counting files is simulated\n".to_owned(),
            code: 127,
        },
    }
}

/// What `ls -di` and `find | wc -l` would say of a mounted claim.
fn count(world: &World, pod: &Value, container: &Value, path: &str) -> Ended {
    let mut folders = containers::folders(world, pod, container).into_iter();
    let found = folders.find(|(mounted, _)| *mounted == path);
    let found = found.and_then(|(_, place)| Some((inode(&place), world.disks.files(&place)?)));
    match found {
        Some((inode, files)) => {
            Ended { out: format!("{inode} {path}\n{}\n", files.len()), err: String::new(), code: 0 }
        }
        None => Ended { out: String::new(), err: format!("ls: {path}: No such file or directory\n"), code: 1 },
    }
}

/// A number that stays the same for a folder, as an inode does (FNV-1a).
fn inode(place: &str) -> u32 {
    place.bytes().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

async fn tell(stream: Upgraded, ended: Ended) {
    let mut socket = WebSocketStream::from_raw_socket(TokioIo::new(stream), Role::Server, None).await;
    let status = if ended.code == 0 {
        json!({"metadata": {}, "status": "Success"})
    } else {
        json!({"metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
            "message": format!("command terminated with non-zero exit code: exit status {}", ended.code),
            "details": {"causes": [{"reason": "ExitCode", "message": ended.code.to_string()}]}})
    };
    for (channel, said) in [(OUT, ended.out), (ERR, ended.err), (STATUS, status.to_string())] {
        let mut bytes = vec![channel];
        bytes.extend(said.into_bytes());
        // Whoever hangs up early has heard enough.
        if bytes.len() > 1 && socket.send(Message::binary(bytes)).await.is_err() {
            return;
        }
    }
    // kubectl takes an end without a code for a broken connection.
    let end = CloseFrame { code: CloseCode::Normal, reason: Utf8Bytes::default() };
    if socket.close(Some(end)).await.is_ok() {
        // Whoever closes first hears the other's word, so that nothing that was said is lost.
        while let Some(Ok(_)) = socket.next().await {}
    }
}
