//! `uninstall --all`: every stack, then the prerequisites that nothing needs any more, then what the program keeps in the cluster for itself; and what
//! its runs have left on this machine, with the commands that take it back.

use std::process::ExitCode;

use seaworthy::cluster::Cluster;
use seaworthy::engine::journal::{Trace, ledger};
use seaworthy::engine::record::{Swept, sweep};
use seaworthy::object::ObjectRef;
use seaworthy::plan::install::is_protected;
use seaworthy::plan::uninstall::{Destroy, add_made};
use seaworthy::plan::{Installation, Plan};
use seaworthy::prepare::discover::Sought;
use seaworthy::prerequisites::Prerequisite;
use serde_json::{Value, json};

use super::{Removal, Traces, UninstallArgs, slip, take_all_away, tell_runs};
use crate::cli::prerequisites::uninstall as prerequisites;
use crate::cli::status::installations;
use crate::cli::voyage::tell_dry_run;
use crate::cli::{Failure, Session};
use crate::front::paint::Paint;
use crate::front::plan_text::plan_text;
use crate::front::say;

pub(super) async fn run(session: &Session, arguments: &UninstallArgs) -> Result<ExitCode, Failure> {
    let cluster = session.connect().await?;
    let destroy = Destroy(arguments.destroy_data.iter().cloned().collect());
    let busy = session.busy("looking for everything that was installed");
    let (ours, stacks) = found(session, &cluster).await?;
    let mut removals = Vec::new();
    for installation in stacks {
        removals.push(removal(session, &cluster, installation, (&destroy, arguments.runtime)).await?);
    }
    let left = on_this_machine(session)?;
    drop(busy);
    if let Some(slip) = slip(&destroy, &removals.iter().collect::<Vec<_>>()) {
        let message = format!("{} is not there, or not part of any installation; nothing was deleted", slip.name);
        return Err(Failure::input("unknown-data", message, "--dry-run shows what would go and what would stay"));
    }
    removals.retain(|removal| removal.prepared.plan.writes() || removal.traces.record.is_some());
    if arguments.dry_run {
        let going = prerequisites::going(session, &cluster, &ours).await?;
        return Ok(show(session, &cluster, (&removals, &going), &left));
    }
    let mut document = json!({"cluster": cluster.id});
    let (data, others): (Vec<ObjectRef>, Vec<ObjectRef>) =
        removals.iter().flat_map(Removal::kept).partition(|object| is_protected(&object.kind));
    let (runs, mut code) = take_all_away(session, removals, None).await?;
    tell_runs(&mut document, "runs", runs);
    if code == 0 {
        code = without_need(session, &cluster, &ours, &mut document).await?;
    } else if !ours.is_empty() {
        let names: Vec<String> = ours.iter().map(ToString::to_string).collect();
        say(format!("not begun: the prerequisites ({})", names.join(", ")));
    }
    if code == 0 {
        clear(&cluster, &mut document).await?;
    }
    let names = |objects: &[ObjectRef]| objects.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (data, others) = (names(&data), names(&others));
    document["kept"] = json!([data.clone(), others.clone()].concat());
    document["leftOnThisMachine"] = json!(left);
    if session.is_json() {
        session.print("UninstallAll", &document, String::new);
    } else {
        if !data.is_empty() {
            say(format!("kept in the cluster, because it may hold data: {}", data.join(", ")));
        }
        if !others.is_empty() {
            say(format!(
                "left in the cluster, because nothing owns it, and `kubectl delete` takes it away: {}",
                others.join(", ")
            ));
        }
        tell(&left);
    }
    Ok(ExitCode::from(code))
}

/// The prerequisites that are ours, and all other installations; what only left data behind is among them, so that it is named.
async fn found(session: &Session, cluster: &Cluster) -> Result<(Vec<Prerequisite>, Vec<Installation>), Failure> {
    let all = installations(session, cluster, &Sought::default()).await?;
    let (mut ours, mut stacks) = (Vec::new(), Vec::new());
    for found in all {
        match found.installation.stack.parse() {
            Ok(prerequisite) => ours.push(prerequisite),
            Err(_) => stacks.push(found.installation),
        }
    }
    Ok((ours, stacks))
}

async fn removal(
    session: &Session,
    cluster: &Cluster,
    installation: Installation,
    (destroy, runtime): (&Destroy, bool),
) -> Result<Removal, Failure> {
    let traces = Traces::read(session, cluster.clone(), installation).await?;
    let made = traces.made(session).await?;
    let mut removal = traces.removal(destroy, &made).await?;
    let hooks = removal.take_release(session, destroy).await?;
    add_made(&mut removal.prepared.plan, &[made, hooks].concat(), runtime, destroy);
    Ok(removal)
}

/// The prerequisites, looked at again now that the stacks are gone: what something still needs stays, and is named.
async fn without_need(
    session: &Session,
    cluster: &Cluster,
    ours: &[Prerequisite],
    document: &mut Value,
) -> Result<u8, Failure> {
    let going = prerequisites::going(session, cluster, ours).await?;
    let (free, needed): (Vec<_>, Vec<_>) = going.into_iter().partition(|going| going.users.is_empty());
    for going in &needed {
        say(format!("{} stays, because it is needed: {}", going.prerequisite, going.users.join("; ")));
    }
    let kept: Vec<Value> =
        needed.iter().map(|going| json!({"prerequisite": going.prerequisite, "users": going.users})).collect();
    document["keptPrerequisites"] = json!(kept);
    let (runs, code) = prerequisites::take_away(session, free, None).await?;
    tell_runs(document, "prerequisites", runs);
    Ok(code)
}

/// What the program keeps in the cluster for itself.
async fn clear(cluster: &Cluster, document: &mut Value) -> Result<(), Failure> {
    if cluster.meter.is_read_only() {
        return Ok(());
    }
    let swept = sweep(&cluster.client).await.map_err(|error| Failure::kube(&error))?;
    let told = match &swept {
        Swept::Absent => "there is no namespace of records".to_owned(),
        Swept::Deleted => "the namespace of records is deleted".to_owned(),
        Swept::Going => {
            "the namespace of records is being deleted; until it is gone nothing can be installed".to_owned()
        }
        Swept::Kept { because } => format!("the namespace of records stays: {because}"),
    };
    document["records"] = json!(told);
    say(told);
    Ok(())
}

/// What runs have left here; a file that is gone is no trace of anything.
fn on_this_machine(session: &Session) -> Result<Vec<Trace>, Failure> {
    let (runs, _) = session.runs()?.list()?;
    let there = |trace: &Trace| trace.file.as_ref().is_none_or(|file| file.exists());
    Ok(ledger(&runs).into_iter().filter(there).collect())
}

fn tell(left: &[Trace]) {
    if left.is_empty() {
        say("nothing is known to be left on this machine");
        return;
    }
    say("left on this machine by earlier runs, and taken back with:");
    for trace in left {
        say(format!("  {} (run {}): {}", trace.what, trace.run, trace.undo));
    }
}

fn show(
    session: &Session,
    cluster: &Cluster,
    (removals, going): (&[Removal], &[prerequisites::Going]),
    left: &[Trace],
) -> ExitCode {
    let plans: Vec<Plan> = removals.iter().map(|removal| removal.prepared.plan.without_secrets()).collect();
    let others: Vec<Value> = going.iter().map(prerequisites::Going::document).collect();
    let document = json!({"cluster": cluster.id, "plans": plans, "prerequisites": others, "leftOnThisMachine": left});
    session.print("UninstallAll", &document, || {
        let stacks = plans.iter().map(|plan| plan_text(plan, Paint(false)));
        let others = going.iter().map(prerequisites::Going::text);
        let all: Vec<String> = stacks.chain(others).collect();
        if all.is_empty() { format!("nothing is installed in {}", cluster.id.context) } else { all.join("\n") }
    });
    if !session.is_json() {
        tell(left);
    }
    let all: Vec<&Plan> = plans.iter().chain(going.iter().map(prerequisites::Going::plan)).collect();
    tell_dry_run(session, cluster, &all);
    ExitCode::SUCCESS
}
