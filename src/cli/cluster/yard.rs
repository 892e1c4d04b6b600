//! The ways to make a cluster on this machine, with what stands in the way of each, before anybody chooses one.

use std::net::{IpAddr, Ipv4Addr};

use jiff::Timestamp;
use seaworthy::clusters::kind::config::{Wish, config};
use seaworthy::clusters::kind::create::{Options, decide};
use seaworthy::clusters::{Decision, Picture, found, k3s, look};
use seaworthy::host::engines::Product;
use seaworthy::stack::names::is_label;

use super::{LOOK, place};
use crate::cli::{Failure, Session};

/// What makes it, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Maker {
    /// kind, with nodes in containers of this engine.
    Kind(Product),
    /// k3s, on this machine itself.
    K3s,
}

/// A place where one could be made.
#[derive(Debug, Clone)]
pub(crate) struct Yard {
    pub(crate) maker: Maker,
    /// The name that it would have, unless another is typed.
    pub(crate) name: String,
    /// What stands in the way, and what to do about it.
    pub(crate) refusals: Vec<String>,
    /// What is good to know before.
    pub(crate) warnings: Vec<String>,
}

impl Yard {
    /// Whether nothing stands in the way.
    pub(crate) fn is_free(&self) -> bool {
        self.refusals.is_empty()
    }
}

/// All of them, in the order in which they are offered.
pub(crate) async fn yards(session: &Session) -> Vec<Yard> {
    let ports = k3s::PORTS.map(|port| (IpAddr::V4(Ipv4Addr::UNSPECIFIED), port));
    let picture = look(&session.here, &ports, LOOK).await;
    let of_kind = |product| yard(Maker::Kind(product), session, &picture);
    vec![of_kind(Product::Docker), of_kind(Product::Podman), yard(Maker::K3s, session, &picture)]
}

fn yard(maker: Maker, session: &Session, picture: &Picture) -> Yard {
    let name = match maker {
        Maker::Kind(_) => free_name(picture),
        Maker::K3s => place(session).id.server,
    };
    let (mut refusals, mut warnings) = (Vec::new(), Vec::new());
    match decision(maker, session, picture, &name) {
        Ok(decision) => {
            let said = |cause: &seaworthy::doctor::Cause| match &cause.remedy {
                Some(remedy) => format!("{}; {remedy}", cause.message),
                None => cause.message.clone(),
            };
            refusals.extend(decision.refusals.iter().map(said));
            warnings.extend(decision.warnings);
        }
        Err(failure) => refusals.push(failure.message),
    }
    Yard { maker, name, refusals, warnings }
}

fn decision(maker: Maker, session: &Session, picture: &Picture, name: &str) -> Result<Decision, Failure> {
    let place = place(session).id;
    match maker {
        Maker::Kind(product) => {
            let wish = Wish { name: Some(name.to_owned()), ..Wish::default() };
            let config = config(&wish).map_err(|fault| super::create::misfit(&fault))?;
            let kubeconfig = session.globals.kubeconfig.clone();
            let options = Options { engine: Some(product), kubeconfig, ..Options::default() };
            Ok(decide(picture, (&config, &options), (&session.state_dir()?, Timestamp::now()), place))
        }
        Maker::K3s => {
            let wish = k3s::Wish { name: Some(name.to_owned()), ..k3s::Wish::default() };
            let settings = k3s::config(&wish).map_err(|fault| super::create::misfit(&fault))?;
            let command = format!("seaworthy {}", maker.command(name, "1").join(" "));
            Ok(k3s::decide(picture, (&wish, &settings), &command, place))
        }
    }
}

/// A name that no cluster of kind has here.
fn free_name(picture: &Picture) -> String {
    let taken: Vec<String> = found(picture).into_iter().map(|there| there.name).collect();
    let names = std::iter::once("kind".to_owned()).chain((2..).map(|number| format!("kind-{number}")));
    names.into_iter().find(|name| !taken.contains(name)).unwrap_or_default()
}

impl Maker {
    /// For people, in a few words.
    pub(crate) fn title(self) -> String {
        match self {
            Self::Kind(product) => format!("kind in {product}: nodes in containers"),
            Self::K3s => "k3s: one node, this machine itself".to_owned(),
        }
    }

    /// Whether it can have more than one node.
    pub(crate) fn has_nodes(self) -> bool {
        matches!(self, Self::Kind(_))
    }

    /// What is wrong with a name, or a number of nodes, in the words of the command that would be given them.
    pub(crate) fn objection(self, name: &str, nodes: &str) -> Option<String> {
        let Ok(count) = nodes.parse::<usize>() else {
            return Some(format!("`{nodes}` is no number of nodes: a whole number from 1 on"));
        };
        match self {
            _ if count == 0 => Some("a cluster has at least one node".to_owned()),
            Self::Kind(_) => {
                let wish = Wish { name: Some(name.to_owned()), nodes: Some(count), ..Wish::default() };
                config(&wish).err().map(|fault| fault.to_string())
            }
            Self::K3s => (!is_label(name)).then(|| format!("`{name}` is not a name that a node can have")),
        }
    }

    /// The command that makes it.
    pub(crate) fn command(self, name: &str, nodes: &str) -> Vec<String> {
        let words: Vec<String> = match self {
            Self::Kind(product) => vec!["kind".to_owned(), format!("--engine={product}"), format!("--nodes={nodes}")],
            Self::K3s => vec!["k3s".to_owned()],
        };
        let first = ["cluster", "create"].map(str::to_owned).into_iter();
        first.chain(words).chain([format!("--name={name}")]).collect()
    }

    /// The context that it has then, and the kubeconfig file where that is not the usual one.
    pub(crate) fn context(self, name: &str) -> (String, Option<&'static str>) {
        match self {
            Self::Kind(_) => (format!("kind-{name}"), None),
            Self::K3s => (k3s::CONTEXT.to_owned(), Some(k3s::KUBECONFIG)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_judged_as_the_command_judges_it() {
        let kind = Maker::Kind(Product::Docker);
        assert_eq!(kind.objection("sea", "3"), None);
        for (name, nodes) in [("Sea Monster", "1"), ("sea", "0"), ("sea", "many"), ("sea", "-1"), ("", "1")] {
            assert!(kind.objection(name, nodes).is_some(), "{name} {nodes}");
        }
        assert!(Maker::K3s.objection("sea monster", "1").is_some());
    }

    #[test]
    fn the_command_is_one_that_can_be_typed() {
        let words = |maker: Maker| maker.command("sea", "3").join(" ");
        assert_eq!(words(Maker::Kind(Product::Podman)), "cluster create kind --engine=podman --nodes=3 --name=sea");
        assert_eq!(words(Maker::K3s), "cluster create k3s --name=sea");
        for maker in [Maker::Kind(Product::Docker), Maker::K3s] {
            let typed = ["seaworthy".to_owned()].into_iter().chain(maker.command("sea", "1"));
            assert!(<crate::cli::Cli as clap::Parser>::try_parse_from(typed).is_ok(), "{maker:?}");
        }
    }
}
