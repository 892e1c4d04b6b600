//! `render`: the manifests, and nothing else, on standard output.

use std::process::ExitCode;

use super::choose::choose;
use super::{Failure, Session};
use clap::Args;
use seaworthy::prepare::fill_secret;
use seaworthy::snapshot::Snapshot;

/// `render`
#[derive(Debug, Args)]
pub(crate) struct RenderArgs {
    /// Name of the stack; `seaworthy stacks list` shows them
    pub(crate) stack: String,
    #[command(flatten)]
    pub(crate) choice: super::Choice,
    /// Answer what has no default with the stack's example values
    #[arg(long)]
    pub(crate) example: bool,
}

pub(crate) fn run(session: &Session, arguments: &RenderArgs) -> Result<ExitCode, Failure> {
    let chosen = choose(session, &arguments.stack, &arguments.choice, arguments.example)?;
    let mut objects: Vec<_> = chosen.objects.into_iter().map(|(_, object)| object).collect();
    // No cluster is asked whether it has what is to be made at random, so it is made anew each time.
    for object in &mut objects {
        fill_secret(object, &Snapshot::default());
    }
    let mut text = String::new();
    for object in &objects {
        let broken =
            |error: serde_yaml::SerializeError| Failure::input("unwritable-yaml", error.to_string(), "use -o json");
        let yaml = serde_yaml::to_string(object).map_err(broken)?;
        text = format!("{text}---\n{yaml}");
    }
    session.print_as_it_is("Manifests", &objects, &text);
    Ok(ExitCode::SUCCESS)
}
