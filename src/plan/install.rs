//! The plan that brings an installation to what its stack and values say. Pure: desired state and pictures in, plan out.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::compare::{Changed, Comparison, UNNAMED_SCALER, compare, contradicts};
use super::difference::{difference, hide_values};
use super::order::{defined_kinds, rank, references};
use super::replace::Replacement;
use super::restart;
use super::{Action, Change, Choice, Conflict, FIELD_MANAGER, FieldChange, Installation, Plan, Purpose, Reach, Step};
use crate::cluster::ClusterId;
use crate::engine::{apply::without_kept, ready};
use crate::object::{ObjectRef, items, text};
use crate::snapshot::Snapshot;

/// Everything that a stack with its values wants of a cluster.
#[derive(Debug, Clone, Default)]
pub struct Desired {
    /// The objects, with the component that each belongs to.
    pub objects: Vec<(Option<String>, Value)>,
    /// Labels of the installation's namespace, when it is made.
    pub namespace_labels: BTreeMap<String, String>,
    /// Component to the components that must be ready before it is applied.
    pub after: BTreeMap<String, Vec<String>>,
    /// The ways in; the first is proven by the plan.
    pub reach: Vec<Reach>,
    /// What the last run had applied: what is no longer wanted of it is pruned.
    pub inventory: Vec<ObjectRef>,
}

impl Desired {
    /// What a plan has applied, wanted again: its objects, and which component comes after which.
    pub fn of_plan(plan: &Plan) -> Self {
        let applied = plan.steps.iter().filter_map(|step| match &step.action {
            Action::Apply { object } => Some((step.component.clone(), object.clone())),
            _ => None,
        });
        let mut after: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for step in &plan.steps {
            let Some(component) = &step.component else { continue };
            let before = step.needs.iter().filter_map(|need| plan.step(need)?.component.as_ref());
            let known = after.entry(component.clone()).or_default();
            for other in before.filter(|other| *other != component) {
                if !known.contains(other) {
                    known.push(other.clone());
                }
            }
        }
        Self { objects: applied.collect(), after, reach: plan.reach.clone(), ..Self::default() }
    }
}

/// What the server answered when it was asked what an update would make of an object (`dryRun=All`).
pub type Rehearsals = BTreeMap<ObjectRef, Rehearsal>;

/// One such answer.
#[derive(Debug, Clone)]
pub enum Rehearsal {
    /// The object as it would be.
    After(Value),
    /// A field can no longer be changed, and the object may be replaced.
    Fixed(Box<Replacement>),
}

/// What to do about fields that somebody else owns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The same answer for all; `None`: take back what was changed by hand, stop at anything else.
    pub conflicts: Option<Choice>,
    /// Take over objects that are there and not ours.
    pub adopt: bool,
    /// Delete and make anew what can no longer be changed.
    #[serde(default)]
    pub recreate: bool,
}

/// How one object stands.
enum Standing<'a> {
    Missing,
    Ours(&'a Value),
    Foreign(&'a Value),
    Enough,
}

/// The objects that are there and are not known to be as wanted: those to rehearse before the plan is made.
pub fn to_rehearse<'a>(objects: impl Iterator<Item = &'a Value>, snapshot: &Snapshot) -> Vec<&'a Value> {
    let differs = |object: &&Value| {
        ObjectRef::of(object).is_some_and(|reference| match standing(&reference, snapshot) {
            Standing::Ours(live) | Standing::Foreign(live) => {
                let comparison = compare(object, live);
                // What has to make room first cannot be rehearsed: the server would refuse the rest.
                !comparison.is_same() && !comparison.has_rivals() && !contradicts(object, live)
            }
            Standing::Missing | Standing::Enough => false,
        })
    };
    objects.filter(differs).collect()
}

/// Makes the plan.
pub fn plan(
    desired: &Desired,
    installation: Installation,
    cluster: ClusterId,
    (snapshot, rehearsals): (&Snapshot, &Rehearsals),
    policy: Policy,
) -> Plan {
    let mut steps: Vec<Step> = Vec::new();
    let definitions = defined_kinds(desired.objects.iter().map(|(_, object)| object));
    let mut objects: Vec<(&Option<String>, &Value, ObjectRef)> = desired
        .objects
        .iter()
        .filter_map(|(component, object)| Some((component, object, ObjectRef::of(object)?)))
        .collect();
    objects.sort_by_key(|(_, _, reference)| rank(reference));
    let wanted: BTreeSet<&ObjectRef> = objects.iter().map(|(_, _, reference)| reference).collect();

    for (component, object, reference) in &objects {
        let mut needs: Vec<String> = references(object).iter().filter(|r| wanted.contains(r)).map(apply_id).collect();
        if let Some(definition) = definitions.get(&(reference.group().to_owned(), reference.kind.clone())) {
            needs.push(await_id(definition));
        }
        for earlier in component.iter().filter_map(|component| desired.after.get(component)).flatten() {
            needs.extend(awaits_of(&objects, earlier));
        }
        needs.sort();
        needs.dedup();
        let change = change(object, reference, snapshot, rehearsals.get(reference), policy);
        let title = format!("{} {reference}", verb(&change));
        let action = Action::Apply { object: (*object).clone() };
        steps.push(Step { id: apply_id(reference), title, component: (*component).clone(), needs, action, change });
    }
    steps.extend(await_steps(&objects));
    restart::add(&mut steps, snapshot);
    steps.extend(prune_steps(&desired.inventory, &wanted, snapshot));
    if let Some(reach) = desired.reach.first() {
        let step = reach_step(reach, &steps, None);
        steps.push(step);
    }
    Plan { purpose: Purpose::Install, installation, cluster, steps, reach: desired.reach.clone(), occasion: None }
}

/// A recorded plan as it stands now: the same steps, each with what it would change in the cluster as it is. The cluster
/// decides what is done, not the journal.
pub fn refresh(recorded: &Plan, (snapshot, rehearsals): (&Snapshot, &Rehearsals), policy: Policy) -> Plan {
    let mut plan = recorded.clone();
    for step in &mut plan.steps {
        let change = match (&step.action, &step.change) {
            (Action::Apply { object }, _) => ObjectRef::of(object)
                .map(|reference| change(object, &reference, snapshot, rehearsals.get(&reference), policy)),
            (Action::Delete { object, uid }, Change::Delete) => {
                let still_there = snapshot.get(object).is_some_and(|live| text(live, "/metadata/uid") == Some(uid));
                Some(if still_there { Change::Delete } else { Change::Unchanged })
            }
            _ => None,
        };
        if let Some(change) = change {
            let (_, about) = step.title.split_once(' ').unwrap_or_default();
            step.title = format!("{} {about}", verb(&change));
            step.change = change;
        }
    }
    plan
}

/// The proof that the application answers: after all that is waited for, and after `also`.
pub(super) fn reach_step(reach: &Reach, steps: &[Step], also: impl IntoIterator<Item = String>) -> Step {
    let needs = steps.iter().filter(|step| matches!(step.action, Action::Await { .. })).map(|s| s.id.clone());
    Step {
        id: format!("reach:{}", reach.name),
        title: format!("reach {} at Service/{}/{}", reach.title, reach.namespace, reach.service),
        component: None,
        needs: needs.chain(also).collect(),
        action: Action::Reach { reach: reach.clone() },
        change: Change::Observe,
    }
}

/// The id of the step that applies an object.
pub fn apply_id(reference: &ObjectRef) -> String {
    format!("apply:{reference}")
}

pub(super) fn await_id(reference: &ObjectRef) -> String {
    format!("await:{reference}")
}

fn verb(change: &Change) -> &'static str {
    match change {
        Change::Create => "create",
        Change::Update { .. } => "update",
        Change::Replace { .. } => "replace",
        Change::Delete => "delete",
        Change::Keep { .. } => "keep",
        Change::Unchanged | Change::Observe => "check",
    }
}

fn awaits_of(objects: &[(&Option<String>, &Value, ObjectRef)], component: &str) -> Vec<String> {
    objects
        .iter()
        .filter(|(owner, object, reference)| owner.as_deref() == Some(component) && is_worth_a_wait(object, reference))
        .map(|(_, _, reference)| await_id(reference))
        .collect()
}

/// A Service is there when it is applied, unless somebody has to give it an address.
pub(super) fn is_worth_a_wait(object: &Value, reference: &ObjectRef) -> bool {
    let plain_service = reference.kind == "Service" && object["spec"]["type"] != "LoadBalancer";
    ready::is_awaited(reference) && !plain_service
}

fn await_steps(objects: &[(&Option<String>, &Value, ObjectRef)]) -> Vec<Step> {
    let awaited = objects.iter().filter(|(_, object, reference)| is_worth_a_wait(object, reference));
    let step = |(component, _, reference): &(&Option<String>, &Value, ObjectRef)| Step {
        id: await_id(reference),
        title: format!("wait for {reference}"),
        component: (*component).clone(),
        needs: vec![apply_id(reference)],
        action: Action::Await { object: reference.clone() },
        change: Change::Observe,
    };
    awaited.map(step).collect()
}

fn is_going(live: &Value) -> bool {
    live.pointer("/metadata/deletionTimestamp").is_some()
}

fn standing<'a>(reference: &ObjectRef, snapshot: &'a Snapshot) -> Standing<'a> {
    let Some(live) = snapshot.get(reference).filter(|live| !is_going(live)) else { return Standing::Missing };
    let ours = items(live, "/metadata/managedFields").any(|entry| text(entry, "/manager") == Some(FIELD_MANAGER));
    match (ours, reference.kind.as_str()) {
        (true, _) => Standing::Ours(live),
        // Somebody made the namespace for us: that it is there is all that is asked of it.
        (false, "Namespace") => Standing::Enough,
        (false, _) => Standing::Foreign(live),
    }
}

fn change(
    object: &Value,
    reference: &ObjectRef,
    snapshot: &Snapshot,
    rehearsal: Option<&Rehearsal>,
    policy: Policy,
) -> Change {
    let (live, foreign) = match standing(reference, snapshot) {
        Standing::Missing => return Change::Create,
        Standing::Enough => return Change::Unchanged,
        Standing::Ours(live) => (live, false),
        Standing::Foreign(live) => (live, !policy.adopt),
    };
    let comparison = compare(object, live);
    let rehearsal = match rehearsal {
        Some(Rehearsal::After(after)) => Some(after),
        Some(Rehearsal::Fixed(replacement)) if !foreign => {
            return Change::Replace { replacement: replacement.clone() };
        }
        Some(Rehearsal::Fixed(_)) | None => None,
    };
    if comparison.is_same() || rehearsal.is_some_and(|after| changes_nothing(live, after)) {
        return Change::Unchanged;
    }
    let mut conflicts = conflicts(&comparison, policy);
    // What was kept by an earlier run is not ours any more, and the rest may be as wanted.
    if !foreign && conflicts.iter().any(|c| c.choice == Choice::Keep) {
        let rest = without_kept(object, &conflicts);
        if compare(&rest, live).is_same() {
            return Change::Unchanged;
        }
    }
    if foreign {
        conflicts.push(not_ours(live));
    }
    let mut fields = match rehearsal {
        Some(after) => difference(live, after),
        None => comparison.changed.into_iter().map(field_change).collect(),
    };
    if reference.kind == "Secret" {
        for it in &mut conflicts {
            hide_values(&it.path, [&mut it.now, &mut it.wanted]);
        }
        for it in &mut fields {
            hide_values(&it.path, [&mut it.now, &mut it.wanted]);
        }
    }
    let resource_version = text(live, "/metadata/resourceVersion").unwrap_or_default().to_owned();
    Change::Update { fields, conflicts, resource_version }
}

/// What a plan leaves as somebody else has set it, in objects in which it changes nothing: the object, and the field.
pub fn kept(plan: &Plan, snapshot: &Snapshot) -> Vec<(ObjectRef, Conflict)> {
    let keep = Policy { conflicts: Some(Choice::Keep), ..Policy::default() };
    let unchanged = plan.steps.iter().filter(|step| step.change == Change::Unchanged);
    let of = |step: &Step| {
        let Action::Apply { object } = &step.action else { return Vec::new() };
        let Some(reference) = ObjectRef::of(object) else { return Vec::new() };
        let Standing::Ours(live) = standing(&reference, snapshot) else { return Vec::new() };
        let mut kept = conflicts(&compare(object, live), keep);
        if reference.kind == "Secret" {
            for it in &mut kept {
                hide_values(&it.path, [&mut it.now, &mut it.wanted]);
            }
        }
        kept.into_iter().map(|conflict| (reference.clone(), conflict)).collect()
    };
    unchanged.flat_map(of).collect()
}

/// Whether an apply would leave the object as it is, ownership included. The server answers an apply that changes nothing
/// with the object as stored; only the time in our entry of the managed fields may differ in a rehearsal.
fn changes_nothing(live: &Value, after: &Value) -> bool {
    let owned = |object: &Value| -> Vec<(String, Value)> {
        let entry = |entry: &Value| {
            let who = format!("{:?} {:?}", text(entry, "/manager"), text(entry, "/operation"));
            (who, entry.get("fieldsV1").cloned().unwrap_or_default())
        };
        let mut entries: Vec<_> = items(object, "/metadata/managedFields").map(entry).collect();
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        entries
    };
    difference(live, after).is_empty() && owned(live) == owned(after)
}

pub(super) fn field_change(changed: Changed) -> FieldChange {
    FieldChange { path: changed.path, now: changed.now, wanted: changed.wanted }
}

fn conflicts(comparison: &Comparison, policy: Policy) -> Vec<Conflict> {
    let conflict = |changed: &Changed| Conflict {
        path: changed.path.clone(),
        pointer: changed.pointer.clone(),
        owners: changed.owners.clone(),
        now: changed.now.clone(),
        wanted: changed.wanted.clone(),
        rival: changed.rival.clone(),
        choice: policy.conflicts.unwrap_or(if changed.owners.iter().all(|owner| by_hand(owner)) {
            Choice::Take
        } else {
            Choice::Stop
        }),
    };
    comparison.conflicts().map(conflict).collect()
}

/// Field managers of kubectl's own commands: a person at a keyboard, whom no controller will contradict in a second.
pub(super) fn by_hand(manager: &str) -> bool {
    manager == "kubectl" || manager.starts_with("kubectl-") || manager == UNNAMED_SCALER
}

/// The object is there and was not made by us: a conflict over the whole of it.
fn not_ours(live: &Value) -> Conflict {
    let mut owners: Vec<String> =
        items(live, "/metadata/managedFields").filter_map(|entry| text(entry, "/manager").map(str::to_owned)).collect();
    owners.dedup();
    Conflict {
        path: "the whole object".to_owned(),
        pointer: String::new(),
        owners,
        now: None,
        wanted: None,
        choice: Choice::Stop,
        rival: None,
    }
}

/// Kinds that are never deleted by implication: they hold data, or other people's objects.
pub fn is_protected(kind: &str) -> bool {
    matches!(kind, "PersistentVolumeClaim" | "PersistentVolume" | "Namespace" | "Secret" | "CustomResourceDefinition")
}

fn prune_steps(inventory: &[ObjectRef], wanted: &BTreeSet<&ObjectRef>, snapshot: &Snapshot) -> Vec<Step> {
    let leftover = inventory.iter().filter(|old| !wanted.iter().any(|new| new.same_object(old)));
    leftover.filter_map(|reference| prune_step(reference, snapshot)).collect()
}

fn prune_step(reference: &ObjectRef, snapshot: &Snapshot) -> Option<Step> {
    let live = snapshot.get(reference).filter(|live| !is_going(live))?;
    let uid = text(live, "/metadata/uid").unwrap_or_default().to_owned();
    let ours = items(live, "/metadata/managedFields").any(|entry| text(entry, "/manager") == Some(FIELD_MANAGER));
    let change = if is_protected(&reference.kind) {
        Change::Keep { why: "it is no longer wanted, but it is never deleted by implication".to_owned() }
    } else if ours {
        Change::Delete
    } else {
        Change::Keep { why: "it is no longer wanted, but somebody else has made it anew since".to_owned() }
    };
    Some(Step {
        id: format!("prune:{reference}"),
        title: format!("{} {reference}", verb(&change)),
        component: None,
        needs: Vec::new(),
        action: Action::Delete { object: reference.clone(), uid },
        change,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_secret_that_somebody_else_owns_is_not_shown_in_a_conflict() {
        let live = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "n", "resourceVersion": "1",
            "managedFields": [{"manager": "helm", "operation": "Apply", "fieldsV1": {"f:stringData": {"f:password": {}}}}]},
            "stringData": {"password": "marlin"}});
        let wanted = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "n"}, "stringData": {"password": "swordfish"}});
        let mut snapshot = Snapshot::default();
        snapshot.insert(live);
        let reference = ObjectRef::new("v1", "Secret", Some("n"), "s");
        let change = change(&wanted, &reference, &snapshot, None, Policy::default());
        let told = serde_json::to_string(&change).unwrap();
        assert!(told.contains("stringData.password") && told.contains("<secret>"), "{told}");
        assert!(!told.contains("swordfish") && !told.contains("marlin"), "{told}");
    }
}
