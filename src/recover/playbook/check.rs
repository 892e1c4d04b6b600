//! What no type keeps out of a playbook.

use super::{FORMAT, Part, Sheet, Task};

/// What is wrong with a playbook, in words; `None`: nothing.
pub(super) fn wrong(sheet: &Sheet) -> Option<String> {
    if sheet.format != FORMAT {
        return Some(format!("this program reads format {FORMAT}; the playbook has format {}", sheet.format));
    }
    let checks = [settings, etcd, subject, drill, order];
    checks.iter().find_map(|check| check(sheet))
}

/// Tasks that are about an etcd.
const OF_ETCD: [Task; 7] = [
    Task::Snapshot,
    Task::ReplaceMember,
    Task::MakeSpace,
    Task::Serves,
    Task::Probe,
    Task::WithoutMajority,
    Task::RestoreEtcd,
];
/// Tasks that are about a claim, or its volume.
const OF_A_CLAIM: [Task; 14] = [
    Task::Keep,
    Task::Detach,
    Task::Provision,
    Task::Replace,
    Task::Move,
    Task::Renew,
    Task::Rebind,
    Task::GiveBack,
    Task::Grow,
    Task::Erase,
    Task::CopyOut,
    Task::CopyIn,
    Task::Bound,
    Task::Count,
];
/// Tasks before which the manifests are saved.
const ACTS: [Task; 9] = [
    Task::Erase,
    Task::Finish,
    Task::Grow,
    Task::Replace,
    Task::Move,
    Task::Rebind,
    Task::GiveBack,
    Task::Detach,
    Task::Provision,
];

fn settings(sheet: &Sheet) -> Option<String> {
    for setting in sheet.settings.values() {
        if let Err(error) = regex::Regex::new(&setting.default) {
            return Some(format!("`{}` is no regular expression: {error}", setting.default));
        }
    }
    let follows = sheet.steps.iter().filter_map(|task| match task {
        Task::Follow(follow) => Some([Some(&follow.until), follow.fail.as_ref()]),
        _ => None,
    });
    let unknown = follows.flatten().flatten().find(|name| !sheet.settings.contains_key(*name));
    unknown.map(|name| format!("`follow` names the setting `{name}`, which is not among `settings`"))
}

fn etcd(sheet: &Sheet) -> Option<String> {
    if let Some(task) = sheet.steps.iter().find(|task| OF_ETCD.contains(task) && sheet.etcd.is_none()) {
        return Some(format!("`{}` is about an etcd: say with `etcd` whether about a member or all", name(task)));
    }
    if sheet.etcd != Some(Part::Member) && sheet.steps.contains(&Task::ReplaceMember) {
        return Some("`replace-member` is about one member: `etcd: member` is missing".to_owned());
    }
    let is_of_one = sheet.etcd == Some(Part::Member) && sheet.steps.contains(&Task::RestoreEtcd);
    is_of_one.then(|| "`restore-etcd` is about all members: `etcd: all` is missing".to_owned())
}

fn subject(sheet: &Sheet) -> Option<String> {
    if !sheet.is_of_a_namespace() {
        let finishes = sheet.steps.contains(&Task::Finish);
        return finishes.then(|| "`finish` is about a namespace: `subject: namespace` is missing".to_owned());
    }
    if sheet.claim.is_some() || sheet.etcd.is_some() {
        return Some("a playbook about a namespace names no `claim` and no `etcd`".to_owned());
    }
    let task = sheet.steps.iter().find(|task| OF_A_CLAIM.contains(task))?;
    Some(format!("`{}` is about a claim, and the playbook about a namespace", name(task)))
}

fn drill(sheet: &Sheet) -> Option<String> {
    let drill = sheet.drill.as_ref()?;
    if drill.claim.is_none() && sheet.claim.is_none() && !sheet.is_of_a_namespace() {
        return Some("`drill` names no `claim`, and the playbook has none".to_owned());
    }
    let loss = drill.losses.keys().find(|loss| !sheet.losses.contains(loss))?;
    Some(format!("`drill` practises {}, which is not among `losses`", loss.name()))
}

fn order(sheet: &Sheet) -> Option<String> {
    let place = |wanted: &Task| sheet.steps.iter().position(|task| task == wanted);
    let around = [Task::CopyOut, Task::Move, Task::CopyIn].map(|task| place(&task));
    if around[1].is_some() && !(around.is_sorted() && around[0].is_some()) {
        return Some("`move` stands between `copy-out` and `copy-in`".to_owned());
    }
    match (place(&Task::Export), ACTS.iter().find_map(place)) {
        (None, _) => Some("a playbook saves the manifests first: `export` is missing".to_owned()),
        (Some(export), Some(act)) if export > act => Some("`export` stands behind what changes the volume".to_owned()),
        _ => None,
    }
}

/// As it is written.
fn name(task: &Task) -> String {
    serde_json::to_value(task).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}
