//! What is scaled to nothing: no check finds a fault with it, and whoever looks for what it should do has found the cause.

use serde_json::Value;

use super::Site;
use super::expect::Expectation;
use super::form::Step;
use crate::doctor::finding::Finding;
use crate::doctor::stacks::{belongs, is_component};
use crate::doctor::survey::makers;
use crate::object::{ObjectRef, number};

/// The check that says how it is scaled up, and when that is not to be done by hand.
const CHECK: &str = "W010";
/// What is said of it.
pub(super) const SCALED: &str = "scaled to nothing";
/// What makes the pods of a component that are meant to go on running.
const MAKERS: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];

/// Whether a workload is told to have no pods.
pub(super) fn is_scaled_to_nothing(workload: &Value) -> bool {
    matches!(workload["kind"].as_str(), Some("Deployment" | "StatefulSet"))
        && number(workload, "/spec/replicas") == Some(0)
}

impl<'a> Site<'a> {
    /// The workloads behind an object that are scaled to nothing: itself, or what a Service leads to.
    fn scaled(&self, object: &'a Value) -> impl Iterator<Item = &'a Value> + use<'a> {
        let snapshot = &self.evidence.snapshot;
        let behind = (object["kind"] == "Service").then(|| makers(object, snapshot));
        std::iter::once(object).chain(behind.into_iter().flatten()).filter(|one| is_scaled_to_nothing(one))
    }

    /// What the doctor says of a workload that is scaled to nothing, when that is why a step does not hold.
    pub(super) fn scaled_finding(&self, step: &Step, bad: &[&'a Value]) -> Option<&'a Finding> {
        let asks_for_pods = step.expect.iter().any(|one| matches!(one, Expectation::Ready | Expectation::Endpoints));
        let is_found = self.concerning(bad).any(|finding| step.asks_for(&finding.id));
        if is_found || !asks_for_pods && step.checks.is_empty() {
            return None;
        }
        let idle: Vec<ObjectRef> =
            bad.iter().flat_map(|object| self.scaled(object)).filter_map(ObjectRef::of).collect();
        let mut all = self.report.findings.iter().flat_map(Finding::walk);
        all.find(|finding| finding.id == CHECK && idle.iter().any(|one| one.same_object(&finding.object)))
    }

    /// Why a component that is installed has no pods.
    pub(super) fn podless(&self, step: &Step) -> Option<String> {
        let (place, snapshot) = (&step.at, &self.evidence.snapshot);
        if place.kind != "Pod" || place.component.is_none() || !place.only.is_empty() {
            return None;
        }
        let all = MAKERS.iter().flat_map(|kind| snapshot.in_namespace("apps", kind, self.namespace));
        let mut own =
            all.filter(|one| is_component(one, place.component.as_deref()) && belongs(one, self.stack, snapshot));
        let maker = own.next()?;
        let why = if is_scaled_to_nothing(maker) { SCALED } else { "without pods" };
        Some(format!("{} is {why}", ObjectRef::of(maker)?.short()))
    }
}
