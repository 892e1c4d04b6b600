//! `images list`: what a stack pulls, and which nodes have it already.

use std::process::ExitCode;

use clap::Args;
use seaworthy::images::{self, Image, Presence};
use serde_json::json;

use crate::cli::choose::choose;
use crate::cli::{Choice, Failure, Session};
use crate::front::paint::{count, table};

/// `images list`
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Name of the stack; `seaworthy stacks list` shows them
    pub(crate) stack: String,
    #[command(flatten)]
    pub(crate) choice: Choice,
    /// Answer what has no default with the stack's example values
    #[arg(long)]
    pub(crate) example: bool,
    /// Ask no cluster
    #[arg(long)]
    pub(crate) offline: bool,
}

pub(super) async fn run(session: &Session, arguments: &ListArgs) -> Result<ExitCode, Failure> {
    let chosen = choose(session, &arguments.stack, &arguments.choice, arguments.example)?;
    let mut images = images::of_objects(&chosen.objects);
    if !arguments.offline {
        let cluster = session.connect().await?;
        images::locate(&cluster, &mut images).await.map_err(|error| Failure::kube(&error))?;
    }
    session.print("Images", &json!({"stack": arguments.stack, "images": images}), || text(&images));
    Ok(ExitCode::SUCCESS)
}

fn text(images: &[Image]) -> String {
    let rows: Vec<Vec<String>> = images.iter().map(row).collect();
    table(&["IMAGE", "COMPONENTS", "NODES THAT HAVE IT"], &rows)
}

fn row(image: &Image) -> Vec<String> {
    let components: Vec<&str> = image.components.iter().map(String::as_str).collect();
    let never = if image.never_pulled { ", and it is never pulled" } else { "" };
    let nodes = image.nodes.as_ref().map_or_else(|| "not asked".to_owned(), nodes);
    vec![image.image.clone(), components.join(", "), format!("{nodes}{never}")]
}

fn nodes(presence: &Presence) -> String {
    let all = presence.there.len() + presence.missing.len() + presence.unknown.len();
    let known = format!("{} of {}", presence.there.len(), count(all, "node"));
    match (presence.missing.is_empty(), presence.unknown.is_empty()) {
        (true, true) => known,
        (false, true) => format!("{known}, not {}", presence.missing.join(", ")),
        (_, false) => format!("{known}; {} do not tell of all", count(presence.unknown.len(), "other")),
    }
}
