//! What was installed and is not there any more, by the records that the cluster keeps of installations.

use serde_json::Value;

use super::looks;
use crate::doctor::check::{Check, Severity, Verdict};
use crate::doctor::evidence::{Evidence, inventory};
use crate::doctor::finding::Finding;
use crate::engine::record::named;
use crate::object::{ObjectRef, text};
use crate::snapshot::Snapshot;

/// The rows.
pub(super) const ROWS: &[Check] = &[looks(
    ("W017", Severity::Error, "an installed object is not there any more"),
    [
        "The record of an installation names an object that is gone: somebody deleted it, or its whole namespace. Whatever it did is not done \
        any more, and nothing makes it anew by itself.",
        "`seaworthy upgrade STACK` makes anew what is missing, with the values of before; of a namespace that is gone `seaworthy recover` first \
        says what is left of its data.",
        "an installation that was taken away with `uninstall`, a namespace that is on its way out, objects of other makers, and claims, Secrets and ConfigMaps, which checks about \
        the pods that want them tell of (V028, F011).",
    ],
    &["ConfigMap", "Namespace"],
    gone,
)];

/// The workloads that a Service may lead to.
const WORKLOADS: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];
/// The other kinds whose absence nothing else tells of.
const OTHERS: [&str; 5] = ["CronJob", "Service", "Ingress", "HorizontalPodAutoscaler", "PodDisruptionBudget"];

fn is_told(object: &ObjectRef) -> bool {
    WORKLOADS.iter().chain(&OTHERS).any(|kind| *kind == object.kind)
}

fn gone(evidence: &Evidence) -> Verdict {
    let records = evidence.snapshot.of_kind("", "ConfigMap").filter_map(Record::of);
    let (mut looked, mut findings) = (0, Vec::new());
    for record in records {
        looked += record.inventory.len();
        findings.extend(record.gone(evidence));
    }
    Verdict::of(looked, findings)
}

/// A record of an installation, as far as it is read here.
struct Record {
    namespace: String,
    stack: String,
    inventory: Vec<ObjectRef>,
}

impl Record {
    fn of(map: &Value) -> Option<Self> {
        let inventory = inventory(map)?;
        let (namespace, stack) = named(text(map, "/metadata/name")?)?;
        Some(Self { namespace: namespace.to_owned(), stack: stack.to_owned(), inventory })
    }

    fn gone(&self, evidence: &Evidence) -> Vec<Finding> {
        let home = ObjectRef::new("v1", "Namespace", None, &self.namespace);
        let Some(live) = evidence.snapshot.get(&home) else { return vec![self.homeless(home)] };
        // One that was told to go takes all with it; that is told of the namespace.
        if live["metadata"].get("deletionTimestamp").is_some() {
            return Vec::new();
        }
        let told = self.inventory.iter().filter(|one| is_told(one) && evidence.gap(&one.kind).is_none());
        let gone = told.filter(|one| evidence.snapshot.get(one).is_none());
        gone.map(|one| self.missing(one)).collect()
    }

    /// With its namespace all of it is gone; that is one thing.
    fn homeless(&self, home: ObjectRef) -> Finding {
        let (stack, namespace) = (&self.stack, &self.namespace);
        let message = format!("{stack} is installed in the namespace {namespace}, and that is not there any more");
        let fix = format!(
            "What is left of its data says `seaworthy recover -n {namespace}`; `seaworthy upgrade {stack} -n {namespace}` installs it anew."
        );
        Finding::new(home, "Missing", message).fix(fix)
    }

    fn missing(&self, object: &ObjectRef) -> Finding {
        let message = format!("{} was installed with {}, and is not there any more", object.short(), self.stack);
        let fix = format!(
            "Put back what is missing: `seaworthy upgrade {} -n {}`, with the values of before.",
            self.stack, self.namespace
        );
        Finding::new(object.clone(), "Missing", message).fix(fix)
    }
}

/// The stack whose installation brought an object, by the records in the cluster.
pub(super) fn stack_of(object: &ObjectRef, snapshot: &Snapshot) -> Option<String> {
    let mut records = snapshot.of_kind("", "ConfigMap").filter_map(Record::of);
    let of_it = records.find(|record| record.inventory.iter().any(|one| one.same_object(object)));
    of_it.map(|record| record.stack)
}

/// The workload that would be behind a Service that has none, by its name, where it was installed and is gone.
pub(in crate::doctor) fn namesakes(service: &ObjectRef, snapshot: &Snapshot) -> Vec<ObjectRef> {
    let of = |kind: &str| ObjectRef::new("apps/v1", kind, service.namespace.as_deref(), &service.name);
    WORKLOADS.into_iter().map(of).filter(|workload| snapshot.get(workload).is_none()).collect()
}
