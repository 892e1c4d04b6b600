//! The ways to make a cluster on this machine, with what stands in the way of each, before anybody chooses one.

use std::net::{IpAddr, Ipv4Addr};

use jiff::Timestamp;
use seaworthy::clusters::kind::config::{Wish, config};
use seaworthy::clusters::kind::create::{Options, decide};
use seaworthy::clusters::{Decision, Picture, found, k3s, look};
use seaworthy::host::engines::Product;

use super::{LOOK, place};
use crate::cli::{Failure, Session};
use crate::front::yard::{Maker, Yard};

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

#[cfg(test)]
mod tests {
    use super::*;

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
