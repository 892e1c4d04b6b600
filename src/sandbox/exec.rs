//! `pods/exec` over a websocket: standard output is channel 1, standard error 2, and channel 3 says how it ended.
//! Source: `k8s.io/apimachinery/pkg/util/remotecommand` and `pkg/kubelet/.../remotecommand/websocket.go` of Kubernetes.
//!
//! Nothing runs in a simulated container. It knows the programs by which files on a volume are counted and copied.

mod copying;

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
use super::disks::Refusing;
use super::refusal::Refusal;
use super::select::Query;
use super::world::World;
use super::{Sandbox, containers, websocket};
use crate::engine::rescue::count_script;
use crate::object::{items, text};

/// The channels, by number.
const IN: u8 = 0;
const OUT: u8 = 1;
const ERR: u8 = 2;
const STATUS: u8 = 3;

/// What fits on a disk, KiB.
const SIZE: u64 = 10 * 1024 * 1024;
/// What fits into one message, bytes.
const MESSAGE: usize = 32 * 1024;

/// How a program ended.
struct Ended {
    out: Vec<u8>,
    err: String,
    code: i32,
}

impl Ended {
    fn well(out: impl Into<Vec<u8>>) -> Self {
        Self { out: out.into(), err: String::new(), code: 0 }
    }

    fn badly(code: i32, err: impl Into<String>) -> Self {
        Self { out: Vec::new(), err: err.into(), code }
    }
}

/// What a command comes to.
enum Course {
    /// It ends by itself.
    Ends(Ended),
    /// It hears so many bytes first, and does something with them in a folder.
    Hears(String, usize, Then),
}

/// What is done with what was heard.
enum Then {
    /// It is an archive, and is unpacked.
    Unpack,
    /// It becomes the snapshot of an etcd, if it has this checksum.
    Keep(String),
}

/// Accepts the upgrade and answers as the program would, or says why not.
pub(super) fn answer(sandbox: &Sandbox, request: Request<Incoming>, route: &Route) -> Result<Response<Body>, Refusal> {
    let name = route.name.clone().unwrap_or_default();
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let command: Vec<String> = query.all("command").into_iter().map(str::to_owned).collect();
    let course = sandbox.change(|world| {
        let pod = world.store.get(&route.object(&name)).ok_or_else(|| Refusal::not_found("", "pods", &name))?.clone();
        let container = running(&pod, query.get("container"))?;
        Ok::<_, Refusal>(run(world, &pod, container, &command))
    })?;
    let sandbox = sandbox.clone();
    websocket::accept(request, "pods/exec", move |stream| carry(sandbox, stream, course))
}

/// The container that is meant: the first unless one is named. It has to run.
fn running<'a>(pod: &'a Value, name: Option<&str>) -> Result<&'a Value, Refusal> {
    let bad = |said: String| Refusal::new(400, "BadRequest", said);
    let mut all = items(pod, "/spec/containers").chain(items(pod, "/spec/initContainers"));
    let found = all.find(|container| name.is_none_or(|name| container["name"] == name));
    let container = found.ok_or_else(|| bad(format!("container {} is not valid for pod", name.unwrap_or_default())))?;
    let name = text(container, "/name").unwrap_or_default();
    let runs = containers::status(pod, name).is_some_and(|status| status["state"].get("running").is_some());
    if runs { Ok(container) } else { Err(bad(format!("container not found (\"{name}\")"))) }
}

fn run(world: &mut World, pod: &Value, container: &Value, command: &[String]) -> Course {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let script = count_script();
    match words.as_slice() {
        ["sh", "-c", asked, "sh", path] if *asked == script => Course::Ends(count(world, pod, container, path)),
        ["sh", "-c", asked, "sh", path, rest @ ..] => match folder(world, pod, container, path) {
            Ok(place) => copying::run(world, container, &place, (asked, rest)),
            Err(ended) => Course::Ends(ended),
        },
        _ => Course::Ends(copying::unknown()),
    }
}

/// The folder on a disk that is mounted at a path.
fn folder(world: &mut World, pod: &Value, container: &Value, path: &str) -> Result<String, Ended> {
    if let Some(own) = containers::own_folder(pod, container, path) {
        world.disks.make(&own);
        return Ok(own);
    }
    let mut folders = containers::folders(world, pod, container).into_iter();
    let found = folders.find(|(mounted, _)| *mounted == path).map(|(_, place)| place);
    let found = found.filter(|place| world.disks.files(place).is_some());
    found.ok_or_else(|| Ended::badly(1, format!("cd: {path}: No such file or directory\n")))
}

/// What `df -P` and `/proc/self/mountinfo` would say of a place: every disk has 10 GiB.
fn file_system(world: &World, place: &str, path: &str) -> String {
    let (free, flag) = match world.disk_refuses(place) {
        Some(Refusing::ReadOnly) => (SIZE / 2, "ro"),
        Some(Refusing::Full) => (0, "rw"),
        None => (SIZE / 2, "rw"),
    };
    let (used, percent) = (SIZE - free, (SIZE - free) * 100 / SIZE);
    format!("/dev/disk {SIZE} {used} {free} {percent}% {path}\n1 2 8:1 / {path} rw - ext4 /dev/disk {flag}\n")
}

/// What `ls -di` and `find | wc -l` would say of a mounted claim.
fn count(world: &mut World, pod: &Value, container: &Value, path: &str) -> Ended {
    match folder(world, pod, container, path) {
        Ok(place) => {
            let files =
                world.disks.files(&place).map_or(0, |files| files.keys().filter(|name| !is_folder(name)).count());
            Ended::well(format!("{} {path}\n{files}\n{}", inode(&place), file_system(world, &place, path)))
        }
        Err(ended) => ended,
    }
}

/// An empty folder is a name that ends so.
fn is_folder(name: &str) -> bool {
    name.ends_with('/')
}

/// A number that stays the same for a folder, as an inode does (FNV-1a).
fn inode(place: &str) -> u32 {
    place.bytes().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

async fn carry(sandbox: Sandbox, stream: Upgraded, course: Course) {
    let mut socket = WebSocketStream::from_raw_socket(TokioIo::new(stream), Role::Server, None).await;
    let ended = match course {
        Course::Ends(ended) => ended,
        Course::Hears(place, length, then) => {
            let heard = hear(&mut socket, length).await;
            sandbox.change(|world| match then {
                Then::Unpack => copying::unpack(world, &place, &heard),
                Then::Keep(sum) => copying::keep(world, &place, heard, &sum),
            })
        }
    };
    tell(socket, ended).await;
}

/// So many bytes of standard input, or fewer when whoever sends them has gone.
async fn hear(socket: &mut WebSocketStream<TokioIo<Upgraded>>, length: usize) -> Vec<u8> {
    let mut heard = Vec::new();
    while heard.len() < length {
        match socket.next().await {
            Some(Ok(Message::Binary(bytes))) => {
                if let Some((&IN, data)) = bytes.split_first() {
                    heard.extend(data);
                }
            }
            None | Some(Err(_) | Ok(Message::Close(_))) => break,
            Some(Ok(_)) => {}
        }
    }
    heard.truncate(length);
    heard
}

async fn tell(mut socket: WebSocketStream<TokioIo<Upgraded>>, ended: Ended) {
    let status = if ended.code == 0 {
        json!({"metadata": {}, "status": "Success"})
    } else {
        json!({"metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
            "message": format!("command terminated with non-zero exit code: exit status {}", ended.code),
            "details": {"causes": [{"reason": "ExitCode", "message": ended.code.to_string()}]}})
    };
    for (channel, said) in [(OUT, ended.out), (ERR, ended.err.into_bytes()), (STATUS, status.to_string().into_bytes())]
    {
        for piece in said.chunks(MESSAGE) {
            let mut bytes = vec![channel];
            bytes.extend(piece);
            // Whoever hangs up early has heard enough.
            if socket.send(Message::binary(bytes)).await.is_err() {
                return;
            }
        }
    }
    // kubectl takes an end without a code for a broken connection.
    let end = CloseFrame { code: CloseCode::Normal, reason: Utf8Bytes::default() };
    if socket.close(Some(end)).await.is_ok() {
        // Whoever closes first hears the other's word, so that nothing that was said is lost.
        while let Some(Ok(_)) = socket.next().await {}
    }
}
