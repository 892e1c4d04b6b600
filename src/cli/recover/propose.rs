//! What is lost, and what could be done about it: `recover` without a name.

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use jiff::Timestamp;
use seaworthy::engine::journal::RunRecord;
use seaworthy::engine::rescue::backup::{self, Manifest};
use seaworthy::object::ObjectRef;
use seaworthy::plan::Purpose;
use seaworthy::recover::compile::{can_grow, can_move, claim_of_role, is_of_role};
use seaworthy::recover::former::Former;
use seaworthy::recover::occasion::last_good;
use seaworthy::recover::playbook::Task;
use seaworthy::recover::subject::{self, claims, companions};
use seaworthy::recover::{Loss, Playbook, etcd};
use serde_json::{Value, json};

use super::Scene;
use super::instead::{has_namespace, instead};
use crate::cli::Session;
use crate::cli::backup::usual_root;
use crate::front::paint::Paint;
use crate::front::recover_text::{FromBackup, Gone, Offer, Proposal, gone_text, losses_text};
use crate::front::say;

/// The exit code when something is lost.
const LOST: u8 = 3;

/// What is lost, and for each what could be done about it.
pub(super) fn propose(session: &Session, scene: &Scene) -> ExitCode {
    let offers = offers(session, scene);
    let with = |(loss, offer): (&Loss, &Offer)| json!({"loss": loss, "meaning": loss.meaning(), "advice": loss.advice(), "guide": loss.kind.guide(), "proposals": offer.proposals, "backup": offer.backup, "instead": offer.instead});
    let items: Vec<Value> = scene.losses.iter().zip(&offers).map(with).collect();
    let unread = &scene.sighting.snapshot.unread;
    let open = unfinished(session, scene);
    let runs: Vec<&String> = open.iter().map(|run| &run.run).collect();
    let gone = gone(session, scene);
    let document = json!({"cluster": scene.cluster.id, "losses": items, "gone": gone, "unread": unread, "records": scene.sighting.records.len(), "unfinished": runs});
    let records = scene.sighting.records.len();
    session.print("Recover", &document, || {
        let paint = Paint(session.is_colourful());
        let losses = losses_text(&scene.losses, &offers, records, paint);
        std::iter::once(losses).chain(gone.iter().map(|one| gone_text(one, paint))).collect::<Vec<_>>().join("\n\n")
    });
    for run in &open {
        let what = run.plan.occasion.as_ref().map_or("a recovery", |occasion| &occasion.playbook);
        say(format!(
            "run {0} of {what} is not finished: `seaworthy runs resume {0}` goes on with it, `seaworthy runs report {0}` tells what it has left behind, `seaworthy runs abort {0}` closes it",
            run.run
        ));
    }
    if scene.losses.iter().any(|loss| loss.certain) { ExitCode::from(LOST) } else { ExitCode::SUCCESS }
}

/// The recoveries of this cluster that did not come to their end, and after which none of the same installation did.
pub(in crate::cli) fn unfinished(session: &Session, scene: &Scene) -> Vec<RunRecord> {
    let Ok((runs, _)) = session.runs().and_then(|runs| Ok(runs.list()?)) else { return Vec::new() };
    let mut latest: BTreeMap<String, RunRecord> = BTreeMap::new();
    for run in runs.into_iter().filter(|run| run.plan.cluster.uid == scene.cluster.id.uid) {
        latest.insert(run.plan.installation.key(), run);
    }
    let open = |run: &RunRecord| !run.state.is_over();
    latest.into_values().filter(|run| run.plan.purpose == Purpose::Recover && open(run)).collect()
}

/// What could be done about each loss. The backups are only read where one is wanted, and once.
pub(in crate::cli) fn offers(session: &Session, scene: &Scene) -> Vec<Offer> {
    let whole = LazyCell::new(|| backups(session, scene));
    let offer = |loss: &Loss| {
        let proposals = proposals(scene, loss);
        let is_wanted = loss.certain && !proposals.iter().any(|proposal| proposal.brings_back);
        let backup = loss
            .claim
            .as_ref()
            .filter(|_| is_wanted)
            .and_then(|claim| in_backup(&whole, claim, last_good(claim, &scene.sighting)));
        let mut instead = if proposals.is_empty() && loss.certain { instead(scene, loss) } else { Vec::new() };
        if is_wanted && loss.has_no_data() && backup.is_none() && loss.claim.is_some() {
            instead.insert(0, "no backup that is kept here has what is lost; one that was made with --to: `seaworthy backup list --to DIR`".to_owned());
        }
        Offer { proposals, backup, instead }
    };
    scene.losses.iter().map(offer).collect()
}

/// What earlier losses have left without data, and the backups that have it: an installation that is well again does not show it.
fn gone(session: &Session, scene: &Scene) -> Vec<Gone> {
    let recorded = scene.sighting.records.iter().flat_map(|record| &record.gone);
    let told = |former: &&Former| !scene.losses.iter().any(|loss| loss.claim.as_ref() == Some(&former.claim));
    let is_here =
        |former: &&Former| scene.sighting.namespace.is_none() || scene.sighting.namespace == former.claim.namespace;
    let all: Vec<&Former> = recorded.filter(told).filter(is_here).collect();
    if all.is_empty() {
        return Vec::new();
    }
    let whole = backups(session, scene);
    all.into_iter()
        .map(|former| Gone { former: former.clone(), backup: in_backup(&whole, &former.claim, Some(former.at)) })
        .collect()
}

/// The whole backups of the cluster that are kept where they are by default, the newest first.
fn backups(session: &Session, scene: &Scene) -> Vec<(PathBuf, Manifest)> {
    let all = usual_root(session, &scene.cluster).map(|root| backup::all(&root)).unwrap_or_default();
    all.into_iter().filter_map(|(folder, known)| Some((folder, known.ok()?))).collect()
}

/// The newest whole backup that has files of a claim and is from when it was well (`until`), among those that are kept where they are by default. `whole`: the newest first.
fn in_backup(whole: &[(PathBuf, Manifest)], claim: &ObjectRef, until: Option<Timestamp>) -> Option<FromBackup> {
    let has = |manifest: &Manifest| manifest.claims().any(|(own, files)| own == claim && files > 0);
    let is_before = |manifest: &Manifest| until.is_none_or(|until| manifest.at <= until);
    let (folder, manifest) = whole.iter().find(|(_, manifest)| has(manifest) && is_before(manifest))?;
    let of = &manifest.head.installation;
    let newest =
        whole.iter().find(|(_, other)| other.head.installation.key() == of.key() && other.head.losses.is_empty());
    // The newest one of all is what `restore` takes by itself.
    let from = if newest.is_some_and(|(newest, _)| newest == folder) {
        String::new()
    } else {
        format!(" --from {}", folder.display())
    };
    let (stack, namespace, name) = (&of.stack, &of.namespace, &claim.name);
    let command = format!("seaworthy restore {stack} -n {namespace} --claim {namespace}/{name}{from}");
    Some(FromBackup { command, folder: folder.clone(), at: manifest.at })
}

/// The commands that would bring it back: first what saves the data, then what the stack knows, then what fits all. Of what is only
/// suspected nothing is proposed.
fn proposals(scene: &Scene, loss: &Loss) -> Vec<Proposal> {
    if !loss.certain {
        return Vec::new();
    }
    if let Some(namespace) = &loss.namespace {
        let fits = |playbook: &&Playbook| playbook.sheet.losses.contains(&loss.kind);
        return scene.playbooks.0.iter().filter(fits).map(|one| Proposal::of(one, namespace.clone(), loss)).collect();
    }
    let Some(claim) = &loss.claim else { return Vec::new() };
    let fits_here = |playbook: &&Playbook| {
        let steps = &playbook.sheet.steps;
        (has_namespace(scene, loss) || steps.contains(&Task::Erase))
            && (!steps.contains(&Task::Grow) || can_grow(&scene.sighting.snapshot, claim))
            && (!steps.contains(&Task::Move)
                || can_move(&scene.sighting, &claims(playbook, claim, (&scene.losses, &scene.sighting))))
    };
    let fits = |playbook: &&Playbook| {
        let role = playbook.sheet.claim.as_ref();
        let its = |role| {
            if playbook.sheet.etcd.is_none() && is_of_role(&scene.sighting, role, claim) {
                return true;
            }
            let namespace = claim.namespace.as_deref().unwrap_or_default();
            let with = companions(playbook, claim, (&scene.losses, &scene.sighting.snapshot));
            let same = |found: &ObjectRef| {
                found == claim || with.contains(found) || etcd::is_same(&scene.sighting.snapshot, found, claim)
            };
            claim_of_role(&scene.sighting, namespace, role).is_ok_and(|found| same(&found))
        };
        playbook.sheet.losses.contains(&loss.kind)
            && role.is_none_or(its)
            && etcd::suits(&scene.sighting, &playbook.sheet, loss)
    };
    let mut fitting: Vec<&Playbook> = scene.playbooks.0.iter().filter(fits).filter(fits_here).collect();
    let saves = |playbook: &Playbook| playbook.sheet.brings_back();
    fitting.sort_by_key(|playbook| (!saves(playbook), playbook.stack.is_none()));
    let namespace = claim.namespace.as_deref().unwrap_or_default();
    let command = |playbook: &&Playbook| {
        if playbook.sheet.is_of_a_namespace() {
            return Proposal::of(playbook, subject::namespace(namespace), loss);
        }
        // Of what was lost together, the playbook's own claim leads.
        let role = playbook.sheet.claim.as_ref();
        let role = role.filter(|role| playbook.sheet.etcd.is_some() || !is_of_role(&scene.sighting, role, claim));
        let own = role.and_then(|role| claim_of_role(&scene.sighting, namespace, role).ok());
        Proposal::of(playbook, own.unwrap_or_else(|| claim.clone()), loss)
    };
    fitting.iter().map(command).collect()
}
