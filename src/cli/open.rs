//! `open`: the way to a stack on this machine, for as long as the command runs.

use std::process::ExitCode;

use clap::Args;
use seaworthy::engine::forward::{Forward, ForwardError, ForwardState};
use seaworthy::engine::record::InstallRecord;
use seaworthy::plan::Reach;
use seaworthy::stack::stand_in;
use serde_json::json;

use super::uninstall::bare_installation;
use super::{Failure, Session};
use crate::front::plain::cause_text;
use crate::front::say;
use crate::front::signals;

/// `open`
#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    /// Name of the stack
    pub(crate) stack: String,
    /// Its namespace (default: the stack's own)
    #[arg(short, long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// Which of its entries (default: the first)
    #[arg(long, value_name = "NAME")]
    pub(crate) entry: Option<String>,
    /// Port on this machine (default: the entry's own if it is free, else any)
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,
}

pub(crate) async fn run(session: &Session, arguments: &OpenArgs) -> Result<ExitCode, Failure> {
    let bare = bare_installation(session, &arguments.stack, arguments.namespace.as_deref())?;
    let cluster = session.connect().await?;
    let record = InstallRecord::read(&cluster.client, &bare.key()).await.map_err(|error| Failure::kube(&error))?;
    let record = record.ok_or_else(|| {
        let message = format!("{} is not installed in namespace {}", arguments.stack, bare.namespace);
        Failure::input("not-installed", message, format!("`seaworthy install {}` installs it", arguments.stack))
    })?;
    if record.inputs.stand_ins {
        say(stand_in::WARNING);
    }
    let reach = choose(&record.reach, arguments)?;
    let forward = listen(&cluster.client, reach, arguments.port).await?;
    let url = format!("http://{}", forward.address());
    let document =
        json!({"stack": arguments.stack, "entry": reach.name, "title": reach.title, "url": url, "path": reach.path});
    session.print("Open", &document, || format!("{}: {url}{}", reach.title, reach.path));
    say("it stays open, also when pods are replaced; Ctrl-C closes it");
    let signals = signals::watch("closed");
    let stop = signals.token();
    let mut state = forward.state();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            changed = state.changed() => if changed.is_err() { break },
        }
        match &*state.borrow_and_update() {
            ForwardState::Idle => {}
            ForwardState::Connected { pod } => tracing::info!(pod, "connected"),
            ForwardState::Broken { why } => say(format!("a connection was not carried: {why}")),
        }
    }
    Ok(ExitCode::from(signals.code().unwrap_or(0)))
}

fn choose<'a>(ways: &'a [Reach], arguments: &OpenArgs) -> Result<&'a Reach, Failure> {
    let names: Vec<&str> = ways.iter().map(|way| way.name.as_str()).collect();
    let none = || {
        let message = format!("{} has no entry to open", arguments.stack);
        Failure::input("no-entry", message, "the stack says nothing of how it is reached")
    };
    let Some(wanted) = &arguments.entry else { return ways.first().ok_or_else(none) };
    ways.iter().find(|way| &way.name == wanted).ok_or_else(|| {
        let message = format!("{} has no entry `{wanted}`", arguments.stack);
        Failure::input("unknown-entry", message, format!("it has {}", names.join(", ")))
    })
}

/// On the port that was asked for; without one, on the entry's own if it is free, so that the address stays the same
/// from day to day.
pub(super) async fn listen(client: &kube::Client, reach: &Reach, port: Option<u16>) -> Result<Forward, Failure> {
    let refused = |error: ForwardError| {
        let cause = error.cause();
        Failure::input(&cause.id, cause_text(&cause), cause.remedy.unwrap_or_default())
    };
    if let Some(port) = port {
        return Forward::open(client.clone(), reach, port).await.map_err(refused);
    }
    // Below 1024 only root may listen; such ports are moved up by 8000, as people do by hand.
    let own = reach.port.parse::<u16>().unwrap_or(80);
    let friendly = if own < 1024 { own + 8000 } else { own };
    match Forward::open(client.clone(), reach, friendly).await {
        Ok(forward) => Ok(forward),
        Err(_) => Forward::open(client.clone(), reach, 0).await.map_err(refused),
    }
}
