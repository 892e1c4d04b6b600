//! `images list|load|save`: what stacks pull, which nodes have it already, and how it gets there without a registry.

mod list;
pub(crate) mod load;
mod save;

use std::collections::BTreeSet;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use seaworthy::images::{self, Image};
use seaworthy::stack::{Catalogue, Choices};
use serde_json::Value;

use super::choose::{choose, choose_of};
use super::{Choice, Failure, Session};

/// `images ...`
#[derive(Debug, Subcommand)]
pub(crate) enum ImagesCommand {
    /// The images of a stack, and which nodes have them already
    List(Box<list::ListArgs>),
    /// Put the images of stacks into the nodes of this machine that lack them, from its engines or an archive
    Load(Box<load::LoadArgs>),
    /// Save the images of stacks to one archive, for a machine without network
    Save(Box<save::SaveArgs>),
}

/// Whose images.
#[derive(Debug, Args)]
pub(crate) struct Whose {
    /// Names of stacks; `seaworthy stacks list` shows them
    #[arg(required_unless_present = "prerequisites")]
    pub(crate) stack: Vec<String>,
    /// Those of the prerequisites as well, and of what proves that they work
    #[arg(long)]
    pub(crate) prerequisites: bool,
    #[command(flatten)]
    pub(crate) choice: Choice,
    /// Answer what has no default with the stack's example values
    #[arg(long)]
    pub(crate) example: bool,
}

pub(crate) async fn run(session: &Session, command: &ImagesCommand) -> Result<ExitCode, Failure> {
    match command {
        ImagesCommand::List(arguments) => list::run(session, arguments).await,
        ImagesCommand::Load(arguments) => Box::pin(load::run(session, arguments)).await,
        ImagesCommand::Save(arguments) => Box::pin(save::run(session, arguments)).await,
    }
}

/// Every image of these, and a name for all of them together.
fn gather(session: &Session, whose: &Whose) -> Result<(Vec<Image>, String), Failure> {
    let Whose { stack: stacks, choice, .. } = whose;
    let of_one = !choice.files.is_empty() || !choice.set.is_empty() || !choice.set_file.is_empty();
    if stacks.len() > 1 && (of_one || !choice.secret.is_empty() || choice.name.is_some() || choice.namespace.is_some())
    {
        let message = format!("values are given, and {} stacks named", stacks.len());
        return Err(Failure::input("values-of-which", message, "name the stacks one by one, each with its values"));
    }
    let mut objects: Vec<(Option<String>, Value)> = Vec::new();
    let mut names: BTreeSet<String> = BTreeSet::new();
    for stack in stacks {
        objects.extend(choose(session, stack, choice, whose.example)?.objects);
        names.insert(stack.clone());
    }
    if whose.prerequisites {
        objects.extend(prerequisites(choice)?);
        names.insert("prerequisites".to_owned());
    }
    Ok((images::of_objects(&objects), Vec::from_iter(names).join("+")))
}

/// What the prerequisites come to where every value has its default; an image depends on none of those that have none.
fn prerequisites(choice: &Choice) -> Result<Vec<(Option<String>, Value)>, Failure> {
    let catalogue = Catalogue::prerequisites();
    let choice = Choice { registry: choice.registry.clone(), ..Choice::default() };
    let choices = Choices { example: true, ..Choices::default() };
    let mut objects = Vec::new();
    for name in catalogue.names() {
        objects.extend(choose_of(&catalogue.get(&name)?, &choice, &choices)?.objects);
    }
    Ok(objects)
}

/// The names of images, as manifests write them.
fn named(images: &[Image]) -> Vec<&str> {
    images.iter().map(|image| image.image.as_str()).collect()
}

/// A name that files can have.
fn filed(name: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.+".contains(letter);
    name.chars().map(|letter| if plain(letter) { letter } else { '-' }).collect()
}

/// In a sandbox there is nothing that images could be put into, or come from.
fn no_sandbox(session: &Session, what: &str) -> Result<(), Failure> {
    if session.globals.sandbox.is_none() {
        return Ok(());
    }
    let message = format!("--sandbox is a cluster inside this program, in which nothing is pulled, so {what}");
    Err(Failure::input("sandbox-images", message, "leave --sandbox out"))
}
