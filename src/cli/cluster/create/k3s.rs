//! `cluster create k3s`: one server on this machine itself, and the commands for further hosts.

use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;

use seaworthy::cluster::Cluster;
use seaworthy::clusters::k3s::{self, Wish, config, decide};
use serde_json::json;

use super::super::picture;
use super::{CreateArgs, Open, misfit, open_run, own_file, sail};
use crate::cli::{Failure, Session, typed};

pub(super) async fn run(session: &Session, arguments: &CreateArgs, place: Cluster) -> Result<ExitCode, Failure> {
    if let Some(option) = for_containers(arguments) {
        let message = format!("{option} is for nodes in containers; k3s runs on this machine itself");
        return Err(Failure::input("not-for-k3s", message, "leave it out, or make a cluster with kind"));
    }
    let ha = arguments.profile.as_deref() == Some("ha");
    let wish = Wish { name: arguments.name.clone(), ha, file: own_file(arguments)? };
    let settings = config(&wish).map_err(|fault| misfit(&fault))?;
    let name = wish.name.clone().unwrap_or_else(|| place.id.server.clone());
    let values = json!({"config": settings});
    if let Open::GoneOn(code) = open_run(session, arguments, ("k3s", &name, &values), &place).await? {
        return Ok(code);
    }
    let ports = k3s::PORTS.map(|port| (IpAddr::V4(Ipv4Addr::UNSPECIFIED), port));
    let picture = picture(session, &ports).await;
    let decision = decide(&picture, (&wish, &settings), &typed(), place.id.clone());
    sail(session, arguments, (place, decision, values), || next(ha)).await
}

/// An option that means nothing without containers.
fn for_containers(arguments: &CreateArgs) -> Option<&'static str> {
    let given = [
        (arguments.engine.is_some(), "--engine"),
        (arguments.image.is_some(), "--image"),
        (!arguments.ports.is_empty(), "--port"),
        (!arguments.mounts.is_empty(), "--mount"),
        (arguments.shared_volumes, "--shared-volumes"),
        (arguments.ca.is_some(), "--ca"),
        (arguments.retain, "--retain"),
        (arguments.nodes.is_some_and(|nodes| nodes != 1), "--nodes"),
        (arguments.stack.is_some(), "--stack"),
    ];
    given.iter().find(|(given, _)| *given).map(|(_, option)| *option)
}

/// What there is to do with a server that was just made.
fn next(ha: bool) -> String {
    let address = "ADDRESS-OF-THIS-MACHINE";
    let mut lines = vec![format!("use it with --kubeconfig {}, which only root may read", k3s::KUBECONFIG)];
    lines.push("further hosts, with k3s on each of them:".to_owned());
    lines.extend(k3s::join(ha, address).iter().map(|line| format!("  {line}")));
    lines.join("\n")
}
