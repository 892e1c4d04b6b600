//! `cluster list`: the clusters whose nodes are containers of this machine.

use std::process::ExitCode;

use seaworthy::clusters::{Found, found, k3s};
use seaworthy::plan::Purpose;
use serde_json::json;

use super::picture;
use crate::cli::{Failure, Session};
use crate::front::paint::table;
use crate::front::say;

pub(super) async fn run(session: &Session) -> Result<ExitCode, Failure> {
    let picture = picture(session, &[]).await;
    let clusters = found(&picture);
    let unread: Vec<String> = picture.engines.iter().flat_map(|engine| engine.unread.clone()).collect();
    if !session.is_json() {
        let noteworthy = picture.unusable.iter().filter(|engine| engine.is_noteworthy()).map(ToString::to_string);
        noteworthy.chain(unread.iter().cloned()).for_each(|line| say(format!("not seen: {line}")));
    }
    let open = half_made(session)?;
    let unusable: Vec<_> = picture.unusable.iter().filter(|engine| engine.is_noteworthy()).collect();
    let halves: Vec<_> = open.iter().map(|(name, run)| json!({"name": name, "run": run})).collect();
    let document =
        json!({"items": clusters, "k3s": picture.k3s, "halfMade": halves, "unusable": unusable, "unread": unread});
    session.print("Clusters", &document, || {
        if clusters.is_empty() && picture.k3s.active.is_none() {
            return "no cluster has its nodes in containers of this machine; `seaworthy cluster create` makes one, `seaworthy detect` shows all that answer"
                .to_owned();
        }
        let rows: Vec<Vec<String>> = clusters.iter().map(row).chain(k3s_row(&picture.k3s)).collect();
        table(&["NAME", "MADE BY", "WHERE", "NODES", "STATE", "CONTEXT"], &rows)
    });
    if !session.is_json() {
        for (name, run) in &open {
            say(format!(
                "{name} was not made to its end: `seaworthy runs resume {run}` goes on, `seaworthy cluster create --name {name} --replan` begins anew"
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Clusters of kind whose creation was stopped, and its run.
fn half_made(session: &Session) -> Result<Vec<(String, String)>, Failure> {
    let (runs, _) = session.runs()?.list()?;
    let open = runs.into_iter().filter(|run| run.state.is_unfinished() && run.plan.purpose == Purpose::CreateCluster);
    Ok(open.map(|run| (run.plan.installation.release, run.run)).collect())
}

fn row(cluster: &Found) -> Vec<String> {
    let (running, all) = (cluster.running(), cluster.nodes.len());
    let state = match running {
        0 => "stopped".to_owned(),
        _ if running == all => "running".to_owned(),
        _ => format!("{running} of {all} run"),
    };
    vec![
        cluster.name.clone(),
        cluster.distribution.to_owned(),
        cluster.engine.product.to_string(),
        all.to_string(),
        state,
        cluster.context.clone().unwrap_or_else(|| "none".to_owned()),
    ]
}

fn k3s_row(facts: &k3s::Facts) -> Option<Vec<String>> {
    let state = if facts.active? { "running" } else { "stopped" };
    let context = format!("{} in {}", k3s::CONTEXT, k3s::KUBECONFIG);
    Some(["k3s", "k3s", "this machine", "1", state, &context].map(str::to_owned).to_vec())
}
