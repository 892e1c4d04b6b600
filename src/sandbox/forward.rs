//! `pods/portforward` over a websocket: two channels for each port, data and errors, each begun with the port's number.
//! Source: `pkg/kubelet/.../portforward/websocket.go` of Kubernetes.

use futures::{SinkExt as _, StreamExt as _};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::Sandbox;
use super::address::Route;
use super::api::Body;
use super::application;
use super::refusal::Refusal;
use super::select::Query;
use super::websocket;
use crate::object::text;

/// What fits into the pipe of one port.
const PIPE: usize = 64 * 1024;

/// Accepts the upgrade and forwards, or says why not.
pub(super) fn answer(sandbox: &Sandbox, request: Request<Incoming>, route: &Route) -> Result<Response<Body>, Refusal> {
    let name = route.name.clone().unwrap_or_default();
    let pod = sandbox.read(|world| world.store.get(&route.object(&name)).cloned());
    let pod = pod.ok_or_else(|| Refusal::not_found("", "pods", &name))?;
    if text(&pod, "/status/phase") != Some("Running") {
        let phase = text(&pod, "/status/phase").unwrap_or_default();
        return Err(Refusal::new(
            400,
            "BadRequest",
            format!("unable to forward port because pod is not running. Current status={phase}"),
        ));
    }
    let ports = ports(request.uri().query().unwrap_or_default())?;
    let (sandbox, route) = (sandbox.clone(), route.clone());
    websocket::accept(request, "pods/portforward", move |stream| carry(sandbox, route, stream, ports))
}

fn ports(query: &str) -> Result<Vec<u16>, Refusal> {
    let asked = Query::parse(query);
    let bad = || Refusal::new(400, "BadRequest", "query parameter \"ports\" must name ports");
    let text = asked.get("ports").ok_or_else(bad)?;
    text.split(',').map(|port| port.parse().map_err(|_| bad())).collect()
}

async fn carry(sandbox: Sandbox, route: Route, stream: Upgraded, ports: Vec<u16>) {
    let socket = WebSocketStream::from_raw_socket(TokioIo::new(stream), Role::Server, None).await;
    let (mut sink, mut source) = socket.split();
    let (sender, mut receiver) = mpsc::channel::<Message>(16);
    let mut writers = Vec::new();
    for (index, port) in ports.into_iter().enumerate() {
        let channel = u8::try_from(index * 2).unwrap_or(u8::MAX - 1);
        for channel in [channel, channel + 1] {
            let [low, high] = port.to_le_bytes();
            let _ = sender.send(Message::binary(vec![channel, low, high])).await;
        }
        let (near, far) = tokio::io::duplex(PIPE);
        let (reader, writer) = tokio::io::split(near);
        writers.push(writer);
        tokio::spawn(pump(reader, channel, sender.clone()));
        if let Err(why) = application::listen(&sandbox, &route, port, far) {
            let mut bytes = vec![channel + 1];
            bytes.extend(why.into_bytes());
            let _ = sender.send(Message::binary(bytes)).await;
        }
    }
    drop(sender);
    let send = async {
        while let Some(message) = receiver.recv().await {
            if sink.send(message).await.is_err() {
                return;
            }
        }
        // The application has hung up on every port.
        let _ = sink.close().await;
    };
    let receive = async {
        while let Some(Ok(message)) = source.next().await {
            match message {
                Message::Binary(bytes) => {
                    let Some((channel, data)) = bytes.split_first() else { continue };
                    let Some(writer) = writers.get_mut(usize::from(*channel / 2)) else { return };
                    if writer.write_all(data).await.is_err() {
                        return;
                    }
                }
                Message::Close(_) => return,
                _ => {}
            }
        }
    };
    tokio::select! {
        () = send => {}
        () = receive => {}
    }
}

/// What the application sends, as messages of its channel.
async fn pump(mut reader: tokio::io::ReadHalf<DuplexStream>, channel: u8, sender: mpsc::Sender<Message>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count) = reader.read(&mut buffer).await {
        if count == 0 {
            return;
        }
        let mut bytes = vec![channel];
        bytes.extend_from_slice(&buffer[..count]);
        if sender.send(Message::binary(bytes)).await.is_err() {
            return;
        }
    }
}
