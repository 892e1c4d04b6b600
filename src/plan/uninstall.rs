//! The plan that takes an installation away, but never its data.

use std::collections::BTreeSet;
use std::str::FromStr;

use serde_json::Value;

use super::install::is_protected;
use super::order::rank;
use super::{Action, Change, Installation, Plan, Purpose, Step};
use crate::cluster::ClusterId;
use crate::object::{ObjectRef, text};
use crate::snapshot::Snapshot;

/// The data that is to be destroyed, each named by the user: `KIND/NAMESPACE/NAME`, or `KIND/NAME` in no namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Destroy(pub BTreeSet<DataName>);

/// An object that holds data, as the user types it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DataName {
    /// `PersistentVolumeClaim`, `Secret`, ...
    pub kind: String,
    /// `None` for cluster-scoped objects.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl From<&ObjectRef> for DataName {
    fn from(object: &ObjectRef) -> Self {
        Self { kind: object.kind.clone(), namespace: object.namespace.clone(), name: object.name.clone() }
    }
}

impl FromStr for DataName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let own = Self::of_any_kind(text)?;
        let known = KINDS.iter().any(|(kind, _)| *kind == own.kind) || own.kind == NODE;
        if known {
            return Ok(own);
        }
        let known: Vec<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
        Err(format!("`{}` holds no data: one of {}", own.kind, known.join(", ")))
    }
}

/// The kinds that hold data, with the short names that kubectl has for them.
const KINDS: [(&str, &str); 5] = [
    ("PersistentVolumeClaim", "pvc"),
    ("PersistentVolume", "pv"),
    ("Namespace", "ns"),
    ("Secret", "secret"),
    ("CustomResourceDefinition", "crd"),
];
/// A node holds no data itself; a recovery that gives one up wants its name all the same.
const NODE: &str = "Node";

impl DataName {
    /// The same where whatever goes is typed, data or not: a recovery also takes finalizers off objects of any kind.
    ///
    /// # Errors
    /// When it is not `KIND/NAMESPACE/NAME` nor `KIND/NAME`, in words.
    pub fn of_any_kind(text: &str) -> Result<Self, String> {
        let (kind, namespace, name) = match text.split('/').collect::<Vec<_>>().as_slice() {
            [kind, namespace, name] => (*kind, Some((*namespace).to_owned()), *name),
            [kind, name] => (*kind, None, *name),
            _ => return Err(format!("`{text}` is not KIND/NAMESPACE/NAME")),
        };
        let full = KINDS.iter().map(|(full, _)| *full).chain([NODE]).find(|full| full.eq_ignore_ascii_case(kind));
        let full =
            full.or_else(|| KINDS.iter().find(|(_, short)| short.eq_ignore_ascii_case(kind)).map(|(full, _)| *full));
        let kind = full.unwrap_or(kind);
        if name.is_empty() || namespace.as_deref() == Some("") {
            return Err(format!("`{text}` names no object"));
        }
        Ok(Self { kind: kind.to_owned(), namespace, name: name.to_owned() })
    }
}

impl Destroy {
    /// Whether the user named this object.
    pub fn names(&self, reference: &ObjectRef) -> bool {
        self.0.contains(&DataName::from(reference))
    }
}

/// Makes the plan from everything that carries the installation's labels, and from the neighbours: data of others in a
/// namespace that is to be destroyed. What is applied last goes first.
pub fn plan(
    installation: Installation,
    cluster: ClusterId,
    (belongings, neighbours): (&Snapshot, &[ObjectRef]),
    destroy: &Destroy,
) -> Plan {
    let mut found: Vec<(ObjectRef, &Value)> = belongings
        .objects()
        .filter(|object| !is_a_controllers(object))
        .filter_map(|object| Some((ObjectRef::of(object)?, object)))
        .collect();
    found.sort_by_key(|(reference, _)| (std::cmp::Reverse(rank(reference)), reference.clone()));
    let mut steps: Vec<Step> = Vec::new();
    let mut earlier: Vec<String> = Vec::new();
    let mut wave: (u8, Vec<String>) = (u8::MAX, Vec::new());
    for (reference, object) in found {
        if rank(&reference) != wave.0 {
            earlier = std::mem::take(&mut wave.1);
            wave.0 = rank(&reference);
        }
        let mut step = step(&reference, object, destroy, &earlier);
        if reference.kind == "Namespace" && step.change == Change::Delete {
            keep_if_it_holds_data(&mut step, &reference, &steps, neighbours);
        }
        wave.1.push(step.id.clone());
        steps.push(step);
    }
    Plan { purpose: Purpose::Uninstall, installation, cluster, steps, reach: Vec::new(), occasion: None }
}

/// Something that was made while an installation was there, and that nothing owns.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// By whom, and what it is, for people: `the application has made it (kernels)`.
    pub why: String,
    /// The object.
    pub object: Value,
}

/// Adds what was made: after everything that could make it anew, and kept unless it is to be taken.
pub fn add_made(plan: &mut Plan, made: &[Made], take: bool, destroy: &Destroy) {
    let before: Vec<String> =
        plan.steps.iter().filter(|step| step.change == Change::Delete).map(|step| step.id.clone()).collect();
    let known: BTreeSet<ObjectRef> = plan.steps.iter().filter_map(|step| step.action.object()).collect();
    for Made { why, object } in made.iter().filter(|made| !is_a_controllers(&made.object)) {
        let Some(reference) = ObjectRef::of(object).filter(|reference| !known.contains(reference)) else { continue };
        let mut step = step(&reference, object, destroy, &before);
        if !take && step.change == Change::Delete && !is_protected(&reference.kind) {
            step.change = Change::Keep {
                why: format!("{why}; --runtime takes it away, and afterwards {}", by_kubectl(&reference)),
            };
            step.title = format!("keep {reference}");
        }
        plan.steps.push(step);
    }
}

/// The command that deletes an object once nothing here knows of it any more.
pub(super) fn by_kubectl(object: &ObjectRef) -> String {
    let place = object.namespace.as_ref().map(|namespace| format!(" -n {namespace}")).unwrap_or_default();
    // With its group, where another could have a kind of that name.
    let group = object.api_version.split_once('/').map(|(group, _)| format!(".{group}")).unwrap_or_default();
    format!("`kubectl delete {}{group} {}{place}`", object.kind.to_lowercase(), object.name)
}

/// A namespace takes everything in it along: it goes only when nothing in it stays.
fn keep_if_it_holds_data(step: &mut Step, namespace: &ObjectRef, steps: &[Step], neighbours: &[ObjectRef]) {
    let kept = steps.iter().filter(|step| matches!(step.change, Change::Keep { .. }));
    let inside = kept.filter_map(|step| step.action.object()).chain(neighbours.iter().cloned());
    let names: Vec<String> = inside
        .filter(|object| object.namespace.as_deref() == Some(&namespace.name))
        .map(|object| object.to_string())
        .collect();
    if !names.is_empty() {
        step.title = format!("keep {namespace}");
        step.change = Change::Keep { why: format!("it holds data that was not named: {}", names.join(", ")) };
    }
}

/// What a controller made (a ReplicaSet of a Deployment) goes with what it was made for.
fn is_a_controllers(object: &Value) -> bool {
    crate::object::items(object, "/metadata/ownerReferences").any(|owner| owner["controller"] == true)
}

fn step(reference: &ObjectRef, object: &Value, destroy: &Destroy, earlier: &[String]) -> Step {
    let uid = text(object, "/metadata/uid").unwrap_or_default().to_owned();
    let kept = is_protected(&reference.kind) && !destroy.names(reference);
    let change = if kept {
        Change::Keep { why: format!("it may hold data; to delete it: --destroy-data={reference}") }
    } else {
        Change::Delete
    };
    Step {
        id: format!("delete:{reference}"),
        title: format!("{} {reference}", if kept { "keep" } else { "delete" }),
        component: text(object, "/metadata/labels/app.kubernetes.io~1component").map(str::to_owned),
        needs: earlier.to_vec(),
        action: Action::Delete { object: reference.clone(), uid },
        change,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(api_version: &str, kind: &str, name: &str) -> Value {
        json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "n", "uid": format!("u-{name}")}})
    }

    fn installation() -> Installation {
        Installation {
            stack: "s".to_owned(),
            version: "1".to_owned(),
            namespace: "n".to_owned(),
            release: "s".to_owned(),
            profile: "single-node".to_owned(),
        }
    }

    #[test]
    fn data_stays_unless_it_is_named_and_workloads_go_first() {
        let cluster = ClusterId { context: "c".to_owned(), server: String::new(), uid: "u".to_owned() };
        let mut belongings = Snapshot::default();
        for (api_version, kind, name) in [
            ("v1", "PersistentVolumeClaim", "data"),
            ("v1", "PersistentVolumeClaim", "old"),
            ("apps/v1", "Deployment", "web"),
            ("v1", "ConfigMap", "conf"),
        ] {
            belongings.insert(object(api_version, kind, name));
        }
        let mut made = object("apps/v1", "ReplicaSet", "web-1");
        made["metadata"]["ownerReferences"] = json!([{"controller": true, "uid": "u-web"}]);
        belongings.insert(made);
        let destroy = Destroy([DataName::from_str("pvc/n/old").unwrap()].into());
        let plan = plan(installation(), cluster, (&belongings, &[]), &destroy);
        let lines: Vec<&str> = plan.steps.iter().map(|step| step.title.as_str()).collect();
        assert_eq!(
            lines,
            [
                "delete Deployment/n/web",
                "delete ConfigMap/n/conf",
                "keep PersistentVolumeClaim/n/data",
                "delete PersistentVolumeClaim/n/old"
            ]
        );
        assert_eq!(plan.steps[3].needs, ["delete:Deployment/n/web"]);
    }

    #[test]
    fn a_namespace_that_holds_data_stays_although_it_was_named() {
        let cluster = ClusterId { context: "c".to_owned(), server: String::new(), uid: "u".to_owned() };
        let mut namespace = object("v1", "Namespace", "n");
        namespace["metadata"].as_object_mut().unwrap().remove("namespace");
        let mut belongings = Snapshot::default();
        belongings.insert(namespace);
        belongings.insert(object("v1", "PersistentVolumeClaim", "data"));
        let neighbour = ObjectRef::new("v1", "PersistentVolumeClaim", Some("n"), "theirs");
        let name = |text: &str| DataName::from_str(text).unwrap();
        let last = |destroy: Destroy, neighbours: &[ObjectRef]| {
            plan(installation(), cluster.clone(), (&belongings, neighbours), &destroy).steps.pop().unwrap().change
        };
        assert!(matches!(last(Destroy([name("ns/n")].into()), &[]), Change::Keep { why } if why.contains("n/data")));
        let both = Destroy([name("ns/n"), name("pvc/n/data")].into());
        assert!(matches!(last(both.clone(), &[neighbour]), Change::Keep { why } if why.contains("theirs")));
        assert_eq!(last(both, &[]), Change::Delete);
    }

    #[test]
    fn what_the_application_has_made_goes_last_and_only_when_it_is_asked_for() {
        let cluster = ClusterId { context: "c".to_owned(), server: String::new(), uid: "u".to_owned() };
        let mut belongings = Snapshot::default();
        belongings.insert(object("apps/v1", "Deployment", "scheduler"));
        let runner = || Made {
            why: "the application has made it (runners)".to_owned(),
            object: object("v1", "Pod", "runner-1"),
        };
        let mut owned = runner();
        owned.object["metadata"]["name"] = json!("runner-2");
        owned.object["metadata"]["ownerReferences"] = json!([{"controller": true, "uid": "u"}]);
        let titles = |take| {
            let mut plan = plan(installation(), cluster.clone(), (&belongings, &[]), &Destroy::default());
            add_made(&mut plan, &[runner(), owned.clone()], take, &Destroy::default());
            plan.steps.iter().map(|step| (step.title.clone(), step.needs.len())).collect::<Vec<_>>()
        };
        let own = |text: &str, needs| (text.to_owned(), needs);
        assert_eq!(titles(true), [own("delete Deployment/n/scheduler", 0), own("delete Pod/n/runner-1", 1)]);
        let mut plan = plan(installation(), cluster.clone(), (&belongings, &[]), &Destroy::default());
        let claim = |name: &str| Made { why: "made".to_owned(), object: object("v1", "PersistentVolumeClaim", name) };
        let destroy = Destroy([DataName::from_str("pvc/n/old").unwrap()].into());
        add_made(&mut plan, &[runner(), claim("old"), claim("new")], false, &destroy);
        let whys = plan.steps.iter().map(|step| match &step.change {
            Change::Keep { why } => why.clone(),
            other => format!("{other:?}"),
        });
        let kept = "the application has made it (runners); --runtime takes it away, and afterwards `kubectl delete pod runner-1 -n n`";
        let data = "it may hold data; to delete it: --destroy-data=PersistentVolumeClaim/n/new";
        assert_eq!(whys.collect::<Vec<_>>(), ["Delete", kept, "Delete", data]);
        assert_eq!(by_kubectl(&ObjectRef::new("batch/v1", "Job", Some("n"), "j")), "`kubectl delete job.batch j -n n`");
        assert_eq!(titles(false), [own("delete Deployment/n/scheduler", 0), own("keep Pod/n/runner-1", 1)]);
    }

    #[test]
    fn only_kinds_that_hold_data_can_be_named_for_destruction() {
        for bad in ["Deployment/n/a", "pvc", "pvc//a", "pvc/n/", "a/b/c/d"] {
            assert!(DataName::from_str(bad).is_err(), "{bad}");
        }
        assert_eq!(DataName::from_str("Namespace/n").unwrap().namespace, None);
    }
}
