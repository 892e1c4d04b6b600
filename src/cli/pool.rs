//! `prerequisites pool`: the address pool, with the proof, before anything is installed.

use std::process::ExitCode;

use clap::Args;
use seaworthy::cluster::Cluster;
use seaworthy::network::{self, Proof, Reach, Seen};
use seaworthy::object::printable;
use serde_json::json;

use super::{Failure, Session};
use crate::front::paint::Paint;
use crate::front::say;

/// What is said meanwhile.
pub(crate) const LOOKING: &str = "asking the cluster, engines and interfaces for their addresses";

/// `prerequisites pool ...`
#[derive(Debug, Args)]
pub(crate) struct PoolArgs {
    /// Check this range instead of working one out: FIRST-LAST or a CIDR; may be repeated
    #[arg(long, value_name = "RANGE")]
    pool: Vec<String>,
    /// How many addresses are needed of each family: one for every Service of type LoadBalancer
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    needed: u32,
}

pub(crate) async fn run(session: &Session, arguments: &PoolArgs) -> Result<ExitCode, Failure> {
    // What was typed is looked at before anything is asked.
    network::read(&arguments.pool).map_err(Failure::refused)?;
    let cluster = session.connect().await?;
    let (proof, reach) = work_out(session, &cluster, &arguments.pool, arguments.needed).await?;
    let document = json!({"cluster": cluster.id, "pool": proof, "reachable": reach});
    session.print("Pool", &document, || text(&proof, reach.as_ref(), session.style().paint));
    Ok(ExitCode::SUCCESS)
}

/// The pool with its proof, and whether this machine reaches it. `given` with `--pool` is checked instead.
///
/// # Errors
/// When there is none: bad input, with the numbers and what to type.
pub(crate) async fn work_out(
    session: &Session,
    cluster: &Cluster,
    given: &[String],
    needed: u32,
) -> Result<(Proof, Option<Reach>), Failure> {
    network::read(given).map_err(Failure::refused)?;
    let busy = session.busy(LOOKING);
    let seen = look(session, cluster, needed).await;
    drop(busy);
    Ok((network::prove(&seen.inputs, given).map_err(Failure::refused)?, seen.reach))
}

/// Whether the pool that a cluster has from us still fits, now that its nodes may have other addresses.
pub(super) async fn check_again(session: &Session, context: &str) -> Result<(), Failure> {
    let cluster = session.connect_to(Some(context)).await?;
    let Seen { inputs, .. } = look(session, &cluster, 1).await;
    match network::kept(&inputs) {
        None => {}
        Some(Ok(proof)) => {
            let ranges: Vec<String> = proof.addresses.iter().map(ToString::to_string).collect();
            say(format!("the address pool still fits: {}", ranges.join(", ")));
        }
        Some(Err(refusal)) => {
            say(format!("warning: the address pool does not fit any more: {}", printable(&refusal.to_string())));
            refusal.lines().iter().for_each(|line| say(format!("  {}", printable(line))));
            say(format!("  another one: seaworthy prerequisites install metallb --context {context}"));
        }
    }
    Ok(())
}

/// Looks without a sign of life: a full screen has its own.
pub(crate) async fn look(session: &Session, cluster: &Cluster, needed: u32) -> Seen {
    if session.globals.sandbox.is_some() {
        let shore = session.shore().await;
        return network::see(&network::snapshot(cluster).await, &shore, &cluster.id.server, needed);
    }
    let kubeconfig = session.globals.kubeconfig.as_deref();
    network::look(cluster, &session.here, kubeconfig, needed).await
}

/// The proof as people read it.
pub(super) fn text(proof: &Proof, reach: Option<&Reach>, paint: Paint) -> String {
    let heads = |line: &String| !line.starts_with(' ');
    let proved = proof.lines().into_iter().map(|line| {
        let shown = printable(&line);
        if heads(&line) { paint.strong(&shown) } else { shown }
    });
    let reached = reach.into_iter().flat_map(Reach::lines).map(|line| format!("  {}", printable(&line)));
    let warned =
        proof.warnings.iter().map(|warning| format!("{} {}", paint.careful("warning:"), printable(&warning.message)));
    proved.chain(reached).chain(warned).collect::<Vec<_>>().join("\n")
}
