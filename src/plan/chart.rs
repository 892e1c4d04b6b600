//! Steps that bring a release of helm to a chart, and that take one away. Pure: what the chart renders to and helm's records in, steps out.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::compare::{Changed, compare};
use super::difference::{HIDDEN, hide_values};
use super::install::{await_id, by_hand, is_worth_a_wait};
use super::task::Task;
use super::task::helm::{Deployment, Place};
use super::uninstall::{self, Destroy, Made, by_kubectl};
use super::{Action, Change, Choice, Conflict, FieldChange, Plan, Reach, Step};
use crate::chart::hooks;
use crate::chart::manifest::{events, is_kept};
use crate::chart::release::Status;
use crate::chart::{Manifest, Release, Releases};
use crate::doctor::{Cause, Outlook};
use crate::object::{ObjectRef, text};
use crate::snapshot::Snapshot;
use crate::stack::values::MADE;

/// After how long a revision that is under way may be held to be dead: helm itself gives up after five minutes.
const OLD: i64 = 600;

/// What is wanted of a release, and what there is.
pub struct Wanted<'a> {
    /// The release to be.
    pub deployment: Deployment,
    /// What the chart renders to, with namespaces.
    pub manifest: &'a Manifest,
    /// What helm knows of it.
    pub releases: &'a Releases,
    /// Its objects as they are.
    pub live: &'a Snapshot,
    /// The ways in, those first that lead to one of its Services.
    pub reach: &'a [Reach],
    /// Whether a release that helm holds to be under way may be freed.
    pub unlock: bool,
    /// Whether this helm applies on the server.
    pub on_server: bool,
    /// The time.
    pub now: Timestamp,
}

/// Adds the steps to a plan that makes what has to be there before. What stands in the way is the answer.
pub fn add(plan: &mut Plan, mut wanted: Wanted<'_>) -> Option<Cause> {
    let before: Vec<String> = plan.steps.iter().map(|step| step.id.clone()).collect();
    let freed = match free(&mut wanted) {
        Ok(freed) => freed,
        Err(cause) => return Some(*cause),
    };
    let (by_hand, others) = conflicts(&wanted);
    let on_server = wanted.on_server && wanted.releases.newest().is_some_and(|newest| newest.on_server);
    wanted.deployment.force = on_server && !by_hand.is_empty();
    let change = change(&wanted, by_hand, &others);
    if let Some(other) = others.first().filter(|_| on_server && change.writes()) {
        return Some(owned(&wanted.deployment.place, other));
    }
    let task = Task::DeployRelease { deployment: Box::new(wanted.deployment.clone()) };
    let deploy = host(format!("deploy:{}", wanted.deployment.place.subject()), task, Some(change), before);
    let deployed = deploy.id.clone();
    plan.steps.extend(freed.map(|step| chain(step, &deploy.needs)));
    let needs = plan.steps.iter().map(|step| step.id.clone()).collect();
    plan.steps.push(Step { needs, ..deploy });
    let objects = wanted.manifest.objects.iter().filter_map(|object| Some((object, ObjectRef::of(object)?)));
    let awaited = objects.filter(|(object, reference)| is_worth_a_wait(object, reference)).map(|(_, reference)| Step {
        id: await_id(&reference),
        title: format!("wait for {reference}"),
        component: None,
        needs: vec![deployed.clone()],
        action: Action::Await { object: reference },
        change: Change::Observe,
    });
    plan.steps.extend(awaited);
    if let Some(reach) = wanted.reach.first() {
        let step = super::install::reach_step(reach, &plan.steps, Some(deployed));
        plan.steps.push(step);
    }
    plan.reach = wanted.reach.to_vec();
    None
}

fn chain(step: Step, needs: &[String]) -> Step {
    Step { needs: needs.to_vec(), ..step }
}

/// A step by helm on this machine.
fn host(id: String, task: Task, change: Option<Change>, needs: Vec<String>) -> Step {
    let change = change.unwrap_or_else(|| task.change());
    Step { id, title: task.title(), component: None, needs, action: Action::Host { task: Box::new(task) }, change }
}

/// The step that frees a release which helm holds to be under way; none where it is not.
fn free(wanted: &mut Wanted<'_>) -> Result<Option<Step>, Box<Cause>> {
    let Some(newest) = wanted.releases.newest() else { return Ok(None) };
    let place = wanted.deployment.place.clone();
    if newest.status == Status::Uninstalling {
        let message = format!("release {} is being taken away, or was left on the way", place.release);
        return Err(locked(&place, message, format!("finish it with `{}`", place.shown("uninstall", &[]))));
    }
    if !newest.status.is_pending() {
        return Ok(None);
    }
    let age = newest.begun.map(|begun| wanted.now.as_second() - begun.as_second());
    let since = newest.begun.map_or_else(String::new, |begun| format!(" since {}", begun.strftime("%F %T UTC")));
    let state = format!("revision {} of release {} is {}{since}", newest.revision, place.release, newest.status.word());
    if age.is_some_and(|age| age < OLD) {
        let message = format!("{state}: helm is at it, and refuses every other change");
        let remedy = format!("wait for it; {} minutes after its begin --unlock-release may free it", OLD / 60);
        return Err(locked(&place, message, remedy));
    }
    if !wanted.unlock {
        let message =
            format!("{state}: helm was killed, or is at it elsewhere; it refuses every change until that is over");
        let remedy = "when nobody's helm works on it any more, --unlock-release frees it".to_owned();
        return Err(locked(&place, message, remedy));
    }
    Ok(Some(if let Some(deployed) = wanted.releases.deployed() {
        // Going back is a revision of its own.
        wanted.deployment.before = newest.revision + 1;
        let task = Task::FreeRelease { place: place.clone(), pending: newest.revision, to: deployed.revision };
        host(format!("free:{}", place.subject()), task, None, Vec::new())
    } else {
        wanted.deployment.before = wanted.releases.0.iter().skip(1).map(|it| it.revision).max().unwrap_or(0);
        forget(newest, format!("delete helm's record of revision {}, which never came to its end", newest.revision))
    }))
}

/// Takes one of helm's records away.
fn forget(release: &Release, title: String) -> Step {
    Step {
        id: format!("delete:{}", release.record),
        title,
        component: None,
        needs: Vec::new(),
        action: Action::Delete { object: release.record.clone(), uid: release.uid.clone() },
        change: Change::Delete,
    }
}

fn locked(place: &Place, message: String, remedy: String) -> Box<Cause> {
    Box::new(Cause {
        id: "release-locked".to_owned(),
        object: Some(place.subject()),
        reason: "ReleaseLocked".to_owned(),
        message,
        remedy: Some(remedy),
        outlook: Outlook::Final,
    })
}

/// The field manager of every helm.
const HELM: &str = "helm";

/// Fields of what is there that somebody else owns and that have another value than the chart's: those that were changed by hand, and the rest.
fn conflicts(wanted: &Wanted<'_>) -> (Vec<Conflict>, Vec<Conflict>) {
    let objects = wanted.manifest.objects.iter().filter_map(|object| Some((object, ObjectRef::of(object)?)));
    let there =
        objects.filter_map(|(object, reference)| Some((reference.clone(), object, wanted.live.get(&reference)?)));
    let all = there.flat_map(|(reference, object, live)| {
        compare(object, live).changed.into_iter().filter_map(move |changed| conflict(&reference, changed))
    });
    all.partition(|conflict| conflict.owners.iter().all(|owner| by_hand(owner)))
}

/// What helm takes from its owner; none where nobody but helm owns it.
fn conflict(object: &ObjectRef, changed: Changed) -> Option<Conflict> {
    let Changed { path, pointer, mut now, mut wanted, mut owners, rival } = changed;
    owners.retain(|owner| owner != HELM);
    if owners.is_empty() {
        return None;
    }
    if object.kind == "Secret" {
        hide_values(&path, [&mut now, &mut wanted]);
    }
    Some(Conflict { path: format!("{object} {path}"), pointer, owners, now, wanted, choice: Choice::Take, rival })
}

/// Helm would refuse in the middle of its work what is refused here.
fn owned(place: &Place, conflict: &Conflict) -> Cause {
    let value = |value: &Option<Value>| value.as_ref().map_or_else(|| "nothing".to_owned(), Value::to_string);
    let message = format!(
        "{} is {} and belongs to {}; the chart wants {}, and helm takes nothing from others",
        conflict.path,
        value(&conflict.now),
        conflict.owners.join(", "),
        value(&conflict.wanted)
    );
    let remedy = "set the chart's setting to what is there, or have its owner give the field up";
    Cause {
        id: "field-owned".to_owned(),
        object: Some(place.subject()),
        reason: "FieldOwned".to_owned(),
        message,
        remedy: Some(remedy.to_owned()),
        outlook: Outlook::Final,
    }
}

/// What helm would change, as far as it can be told: nothing when the release is of this chart and these values, all of it is there, and
/// nobody has changed it by hand. What a controller has set is no reason to change anything, and goes with the rest when there is one.
fn change(wanted: &Wanted<'_>, by_hand: Vec<Conflict>, others: &[Conflict]) -> Change {
    let Some(newest) = wanted.releases.newest() else { return Change::Create };
    let mut fields = wanted.manifest.difference(&newest.manifest);
    let known: BTreeSet<String> = fields.iter().map(|field| field.path.clone()).collect();
    let drifted = by_hand.iter().filter(|conflict| !known.contains(&conflict.path));
    fields.extend(drifted.map(|conflict| FieldChange {
        path: conflict.path.clone(),
        now: conflict.now.clone(),
        wanted: conflict.wanted.clone(),
    }));
    fields.extend(hooks::changes(wanted.manifest, newest));
    let now = |text: String| Some(Value::from(text));
    let absent = |object: &&ObjectRef| {
        wanted.live.get(object).is_none() && !fields.iter().any(|field| field.path == object.to_string())
    };
    let references = wanted.manifest.references();
    let missing: Vec<FieldChange> = references
        .iter()
        .filter(absent)
        .map(|object| FieldChange {
            path: object.to_string(),
            now: now("missing".to_owned()),
            wanted: now("created".to_owned()),
        })
        .collect();
    fields.extend(missing);
    let named = format!("{} {}", newest.chart, newest.version);
    if named != wanted.deployment.named {
        fields.push(FieldChange {
            path: "chart".to_owned(),
            now: now(named),
            wanted: now(wanted.deployment.named.clone()),
        });
    }
    if newest.status != Status::Deployed {
        fields.push(FieldChange {
            path: "status".to_owned(),
            now: now(newest.status.word().to_owned()),
            wanted: now("deployed".to_owned()),
        });
    }
    if fields.is_empty() && !same_values(&wanted.deployment.values, &newest.values) {
        fields.push(FieldChange { path: "values that change no object".to_owned(), now: None, wanted: None });
    }
    if fields.is_empty() {
        return Change::Unchanged;
    }
    let conflicts = by_hand.into_iter().chain(others.iter().cloned()).collect();
    Change::Update { fields, conflicts, resource_version: String::new() }
}

/// Whether two trees say the same: numbers by value, because helm counts in floating point, and a secret that is not known here may be any.
pub fn same_values(wanted: &Value, there: &Value) -> bool {
    match (wanted, there) {
        (Value::Number(wanted), Value::Number(there)) => wanted == there || wanted.as_f64() == there.as_f64(),
        (Value::Array(wanted), Value::Array(there)) => {
            wanted.len() == there.len() && wanted.iter().zip(there).all(|(wanted, there)| same_values(wanted, there))
        }
        (Value::Object(wanted), Value::Object(there)) => {
            let same = |(key, value): (&String, &Value)| there.get(key).is_some_and(|there| same_values(value, there));
            wanted.len() == there.len() && wanted.iter().all(same)
        }
        (wanted, _) if wanted == HIDDEN || wanted == MADE => true,
        (wanted, there) => wanted == there,
    }
}

/// How a release stands to what a plan wants of it, once the plan runs.
#[derive(Clone, PartialEq)]
pub enum Standing<'a> {
    /// It is still to be done.
    Due,
    /// It is done: this is the revision.
    Done(&'a Release),
    /// A helm of this plan was killed on the way.
    Left(&'a Release),
    /// Somebody's helm is at it.
    Busy(&'a Release),
    /// Somebody has changed it since the plan was made.
    Moved(&'a Release),
}

/// Judges it.
pub fn standing<'a>(deployment: &Deployment, releases: &'a Releases) -> Standing<'a> {
    let Some(newest) = releases.newest() else { return Standing::Due };
    let pending = newest.status.is_pending() || newest.status == Status::Uninstalling;
    if newest.revision <= deployment.before {
        return if pending { Standing::Busy(newest) } else { Standing::Due };
    }
    // Labels go from revision to revision, so the mark alone proves nothing.
    let same = same_values(&deployment.values, &newest.values);
    let ours = same && deployment.mark.as_ref().is_none_or(|mark| newest.mark.as_ref() == Some(mark));
    match newest.status {
        Status::Deployed if ours => Standing::Done(newest),
        Status::Failed if ours => Standing::Due,
        Status::PendingInstall | Status::PendingUpgrade if ours && deployment.mark.is_some() => Standing::Left(newest),
        _ if pending => Standing::Busy(newest),
        _ => Standing::Moved(newest),
    }
}

/// What is to be known of a plan that takes a release away.
#[derive(Debug, Default)]
pub struct Removal {
    /// What is worth saying.
    pub said: Vec<String>,
    /// What hooks have made and nothing owns.
    pub made: Vec<Made>,
}

/// Adds what takes a release away, before all else of the plan. Helm does it where nothing goes that may hold data; where something would,
/// its objects are deleted one by one instead, and what may hold data stays. `claims`: claims of the namespace.
pub fn add_removal(
    plan: &mut Plan,
    place: &Place,
    releases: &Releases,
    (live, claims): (&Snapshot, &[ObjectRef]),
    destroy: &Destroy,
) -> Removal {
    let Some(newest) = releases.0.first() else { return Removal::default() };
    let (kept, going): (Vec<&Value>, Vec<&Value>) = newest.manifest.objects.iter().partition(|object| is_kept(object));
    let known: BTreeSet<ObjectRef> = plan.steps.iter().filter_map(|step| step.action.object()).collect();
    let there = |objects: &[&Value]| -> Snapshot {
        let mut snapshot = Snapshot::default();
        let references =
            objects.iter().filter_map(|object| ObjectRef::of(object)).filter(|object| !known.contains(object));
        references.filter_map(|object| live.get(&object).cloned()).for_each(|object| snapshot.insert(object));
        snapshot
    };
    let of = |objects: Snapshot| {
        uninstall::plan(plan.installation.clone(), plan.cluster.clone(), (&objects, &[]), destroy).steps
    };
    let mut steps = of(there(&going));
    let by_hand = steps.iter().any(|step| matches!(step.change, Change::Keep { .. }));
    let mut said = Vec::new();
    if by_hand {
        let before: Vec<String> =
            steps.iter().filter(|step| step.change == Change::Delete).map(|step| step.id.clone()).collect();
        let records = releases
            .0
            .iter()
            .map(|release| forget(release, format!("delete helm's record of revision {}", release.revision)));
        steps.extend(records.map(|step| chain(step, &before)));
        said.push(
            "helm would delete what may hold data, so it is not asked: the release's objects go one by one".to_owned(),
        );
        if !newest.farewells.is_empty() {
            said.push(format!("what the chart would run when it goes is not run: {}", newest.farewells.join(", ")));
        }
    } else {
        let id = format!("remove:{}", place.subject());
        for step in &mut steps {
            step.needs.push(id.clone());
        }
        steps.insert(0, host(id, Task::RemoveRelease { place: place.clone() }, None, Vec::new()));
    }
    let all: Vec<String> = steps.iter().map(|step| step.id.clone()).collect();
    let made = claims.iter().filter(|claim| is_made_by(claim, &newest.manifest) && !known.contains(claim));
    let left: Vec<Step> = kept
        .iter()
        .filter_map(|object| ObjectRef::of(object))
        .filter(|object| live.get(object).is_some())
        .map(|object| keep(&object, "the chart says that helm leaves it (helm.sh/resource-policy)".to_owned()))
        .collect();
    for claim in made {
        let Some(object) = live.get(claim) else { continue };
        let mut snapshot = Snapshot::default();
        snapshot.insert(object.clone());
        steps.extend(of(snapshot).into_iter().map(|step| chain(step, &all)));
    }
    steps.extend(left);
    plan.steps.iter_mut().for_each(|step| step.needs.extend(all.iter().cloned()));
    let farewells = if by_hand { Vec::new() } else { farewells(newest) };
    let made = left_by_hooks(releases, live, by_hand);
    steps.extend(farewells);
    plan.steps.splice(0..0, steps);
    Removal { said, made }
}

/// What helm runs when the release goes, and leaves there.
fn farewells(newest: &Release) -> Vec<Step> {
    let run = newest.manifest.hooks.iter().filter(|hook| hooks::is_farewell(hook) && !hooks::goes_by_itself(hook));
    let step = |hook: &Value| {
        let object = ObjectRef::of(hook)?;
        let why = format!(
            "helm runs it when the release goes ({}), and leaves it; afterwards {}",
            events(hook).join(", "),
            by_kubectl(&object)
        );
        Some(keep(&object, why))
    };
    run.filter_map(step).collect()
}

/// What hooks of any revision have made and is still there: helm leaves it when the release goes, but for what it runs then and makes anew.
fn left_by_hooks(releases: &Releases, live: &Snapshot, by_hand: bool) -> Vec<Made> {
    let newest = || releases.0.first().into_iter();
    let anew = newest().flat_map(|newest| &newest.manifest.hooks).filter(|hook| !by_hand && hooks::is_farewell(hook));
    let told = newest().flat_map(|newest| &newest.manifest.objects).chain(anew);
    let mut known: BTreeSet<ObjectRef> = told.filter_map(ObjectRef::of).collect();
    let hooks = releases.0.iter().flat_map(|release| &release.manifest.hooks);
    let made = hooks.filter_map(|hook| {
        let object = ObjectRef::of(hook).filter(|object| known.insert(object.clone()))?;
        let why = format!("helm has made it (hook {}), and leaves it", events(hook).join(", "));
        Some(Made { why, object: live.get(&object)?.clone() })
    });
    made.collect()
}

fn keep(object: &ObjectRef, why: String) -> Step {
    Step {
        id: format!("keep:{object}"),
        title: format!("keep {object}"),
        component: None,
        needs: Vec::new(),
        action: Action::Await { object: object.clone() },
        change: Change::Keep { why },
    }
}

/// Whether a claim was made from a template of one of the manifest's `StatefulSets`: `TEMPLATE-SET-NUMBER`.
fn is_made_by(claim: &ObjectRef, manifest: &Manifest) -> bool {
    let sets = manifest.objects.iter().filter(|object| object["kind"] == "StatefulSet");
    sets.filter_map(|set| Some((set, ObjectRef::of(set)?))).any(|(set, reference)| {
        reference.namespace == claim.namespace
            && crate::object::items(set, "/spec/volumeClaimTemplates")
                .filter_map(|template| text(template, "/metadata/name"))
                .any(|template| {
                    let number = claim.name.strip_prefix(&format!("{template}-{}-", reference.name));
                    number
                        .is_some_and(|number| !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()))
                })
    })
}

#[cfg(test)]
mod tests;
