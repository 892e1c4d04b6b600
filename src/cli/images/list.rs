//! `images list`: what a stack pulls, and which nodes have it already.

use std::process::ExitCode;

use clap::Args;
use seaworthy::images::pull::{self, PullSecret, State};
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
    let mut secrets = pull::of_objects(&chosen.objects);
    if !arguments.offline {
        let cluster = session.connect().await?;
        let namespace = &chosen.installation.namespace;
        let asked = async {
            images::locate(&cluster, &mut images).await?;
            pull::look(&cluster, namespace, &mut secrets).await
        };
        asked.await.map_err(|error| Failure::kube(&error))?;
    }
    let document = json!({"stack": arguments.stack, "images": images, "pullSecrets": secrets});
    session.print("Images", &document, || text(&images, &secrets));
    Ok(ExitCode::SUCCESS)
}

fn text(images: &[Image], secrets: &[PullSecret]) -> String {
    let rows: Vec<Vec<String>> = images.iter().map(row).collect();
    let images = table(&["IMAGE", "COMPONENTS", "NODES THAT HAVE IT"], &rows);
    if secrets.is_empty() {
        return images;
    }
    let rows: Vec<Vec<String>> = secrets.iter().map(secret_row).collect();
    format!("{images}\n\n{}", table(&["PULL SECRET", "COMPONENTS", "STATE"], &rows))
}

fn secret_row(secret: &PullSecret) -> Vec<String> {
    let components: Vec<&str> = secret.components.iter().map(String::as_str).collect();
    let state = match &secret.state {
        None => "not asked".to_owned(),
        Some(State::Fit { unnamed }) if unnamed.is_empty() => "there".to_owned(),
        Some(State::Fit { unnamed }) => format!("there, but not for {}", unnamed.join(", ")),
        Some(State::Missing) => "missing: kubectl create secret docker-registry makes it".to_owned(),
        Some(State::Unread { why }) => format!("may not be read: {why}"),
        Some(State::Unfit { why }) => format!("of no use: {why}"),
    };
    vec![secret.name.clone(), components.join(", "), state]
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
