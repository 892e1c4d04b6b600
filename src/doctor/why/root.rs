//! What of a report concerns an object: findings that show in it, in what made it, or in what it rests on.

use crate::doctor::check::Severity;
use crate::doctor::checks::ingress;
use crate::doctor::evidence::Evidence;
use crate::doctor::finding::Finding;
use crate::doctor::stall::Look;
use crate::doctor::survey::top;
use crate::engine::ready::judge::{Readiness, judge};
use crate::object::{ObjectRef, text};
use crate::references::{Need, of_pods};
use serde_json::Value;

/// A root of the report that concerns an object, and the finding below it, or the root itself, that does so.
#[derive(Debug, Clone, Copy)]
pub struct Concern<'r> {
    /// The root.
    pub root: &'r Finding,
    /// What shows in the object.
    pub own: &'r Finding,
    /// How near it is; the smaller the nearer.
    near: Near,
}

/// Where a finding shows, seen from an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Near {
    /// In the object itself.
    Itself,
    /// In what made it.
    Above,
    /// In what it made, or rests on.
    Below,
}

impl Concern<'_> {
    /// Whether it shows in the object itself.
    pub(super) fn is_own(&self) -> bool {
        self.near == Near::Itself
    }

    /// Whether something is wrong, or it is only worth knowing.
    pub(super) fn is_wrong(&self) -> bool {
        self.root.worst() > Severity::Info
    }
}

/// What of the roots of a report concerns an object: the nearest first, of equally near ones the worst.
pub fn concerns<'r>(object: &ObjectRef, roots: &'r [Finding], evidence: &Evidence) -> Vec<Concern<'r>> {
    let around = Around::of(object, evidence);
    let mut found: Vec<Concern<'r>> = roots
        .iter()
        .filter_map(|root| {
            let near = root.walk().into_iter().filter_map(|own| Some((around.near(own)?, own)));
            let (near, own) = near.min_by_key(|(near, _)| *near)?;
            Some(Concern { root, own, near })
        })
        .collect();
    found.sort_by_key(|concern| (!concern.is_wrong(), concern.near));
    found
}

/// The root that stands above the finding of one check about an object.
pub fn concerns_by<'r>(id: &str, object: &ObjectRef, roots: &'r [Finding], evidence: &Evidence) -> Option<Concern<'r>> {
    let around = Around::of(object, evidence);
    let concern = |root: &'r Finding| {
        let own = root.walk().into_iter().filter(|own| own.id == id);
        let (near, own) = own.filter_map(|own| Some((around.near(own)?, own))).min_by_key(|(near, _)| *near)?;
        Some(Concern { root, own, near })
    };
    roots.iter().filter_map(concern).min_by_key(|concern| concern.near)
}

/// The objects in which something may show that concerns one of them.
struct Around {
    own: ObjectRef,
    /// What made it.
    above: ObjectRef,
    /// Whether the object itself is as it should be: then what is wrong with its siblings is no concern of its.
    is_well: bool,
    below: Vec<ObjectRef>,
}

impl Around {
    fn of(object: &ObjectRef, evidence: &Evidence) -> Self {
        let snapshot = &evidence.snapshot;
        let live = snapshot.get(object);
        let is_well = live.is_some_and(|live| matches!(judge(live, snapshot), Readiness::Ready { .. }));
        Self { own: object.clone(), above: top(object, snapshot), is_well, below: below(object, evidence) }
    }

    fn near(&self, finding: &Finding) -> Option<Near> {
        let shows = |at: &ObjectRef| {
            std::iter::once(&finding.object)
                .chain(&finding.instances)
                .chain(&finding.symptoms)
                .any(|one| one.same_object(at))
        };
        if shows(&self.own) {
            return Some(Near::Itself);
        }
        let of_others = self.is_well && self.own.kind == "Pod" && !finding.instances.is_empty();
        if !of_others && !self.above.same_object(&self.own) && shows(&self.above) {
            return Some(Near::Above);
        }
        self.below.iter().any(shows).then_some(Near::Below)
    }
}

/// What a pod cannot start without.
fn needs(pod: &Value, namespace: Option<&str>) -> Vec<ObjectRef> {
    let named =
        of_pods(&pod["spec"]).into_iter().filter(|one| one.need == Need::Required && one.kind != "ServiceAccount");
    named.map(|one| ObjectRef::new("v1", one.kind, namespace, one.name)).collect()
}

/// What an object made, stands for or cannot do without.
fn below(object: &ObjectRef, evidence: &Evidence) -> Vec<ObjectRef> {
    let snapshot = &evidence.snapshot;
    let Some(live) = snapshot.get(object) else { return Vec::new() };
    let namespace = object.namespace.as_deref();
    match object.kind.as_str() {
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job" | "CronJob" => {
            let case = super::case::Case { live, object, evidence };
            let pods = super::workloads::pods(&case);
            // A pod that is as it should be suffers from nothing.
            let unready = pods.iter().filter(|pod| !matches!(judge(pod, snapshot), Readiness::Ready { .. }));
            // What they read and mount they go on with, and whatever is gone of it is missed at their next start.
            let needs = pods.iter().flat_map(|pod| needs(pod, namespace));
            let own = snapshot.owned_by(live).filter_map(ObjectRef::of);
            unready.filter_map(|pod| ObjectRef::of(pod)).chain(own).chain(needs).collect()
        }
        "Pod" => needs(live, namespace),
        "Service" => Look::pods_of(live, snapshot).filter_map(ObjectRef::of).collect(),
        "Ingress" => ingress::services(live, namespace).collect(),
        "Endpoints" | "EndpointSlice" => super::network::service_of(live).into_iter().collect(),
        "PersistentVolumeClaim" => text(live, "/spec/volumeName")
            .map(|name| ObjectRef::new("v1", "PersistentVolume", None, name))
            .into_iter()
            .collect(),
        "Lease" if namespace == Some(super::node::LEASES) => vec![ObjectRef::new("v1", "Node", None, &object.name)],
        "VolumeAttachment" => {
            text(live, "/spec/nodeName").map(|name| ObjectRef::new("v1", "Node", None, name)).into_iter().collect()
        }
        // What a custom object owns is how it does what it is there for.
        _ if !crate::kinds::is_builtin_group(&object.api_version) => {
            snapshot.owned_by(live).filter_map(ObjectRef::of).collect()
        }
        _ => Vec::new(),
    }
}
