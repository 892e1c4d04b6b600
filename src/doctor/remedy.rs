//! What can be done about a finding: a remedy comes to a plan that is shown, run by the engine, and proven by the check itself. A finding
//! without one has words (`fix`): what is to be done on a machine, or needs to be thought about, is not done from here.

mod roll_back;
mod rows;
#[cfg(test)]
mod tests;

use serde::Serialize;

use super::evidence::Evidence;
use super::finding::Finding;
use super::report::Report;
use crate::cluster::ClusterId;
use crate::object::ObjectRef;
use crate::plan::verb::{Field, Standing, Verb};
use crate::plan::{Action, FieldChange, Installation, Plan, Purpose, Step};
use crate::snapshot::Snapshot;

/// What can be done.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Remedy {
    /// In a few words.
    pub title: String,
    /// Whether `--yes` covers it: it can be undone, and nothing comes of it meanwhile that cannot.
    pub is_reversible: bool,
    /// What of it cannot be taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stays: Option<&'static str>,
    /// How.
    #[serde(skip)]
    pub way: Way,
}

/// How something is done about a finding.
#[derive(Debug, Clone, PartialEq)]
pub enum Way {
    /// By changing objects, one after the other.
    Steps(Vec<Verb>),
    /// By a command of ours, which shows its own plan.
    Command(Vec<String>),
}

impl Remedy {
    fn steps(title: impl Into<String>, steps: Vec<Verb>) -> Option<Self> {
        let (is_reversible, stays) = (true, None);
        (!steps.is_empty()).then(|| Self { title: title.into(), is_reversible, stays, way: Way::Steps(steps) })
    }

    fn command(title: &str, words: &[&str]) -> Self {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        Self { title: title.to_owned(), is_reversible: true, stays: None, way: Way::Command(words) }
    }

    /// The same, which is only done when somebody agrees to it, because of what `stays`.
    fn asked(mut self, stays: &'static str) -> Self {
        (self.is_reversible, self.stays) = (false, Some(stays));
        self
    }

    /// What whoever is asked has to know; nothing where it can be taken back.
    pub fn warning(&self) -> Option<String> {
        self.stays.map(|stays| format!("it cannot wholly be taken back: {stays}"))
    }
}

/// What can be done about a finding, when something can.
pub fn of(finding: &Finding, evidence: &Evidence) -> Option<Remedy> {
    rows::ROWS
        .iter()
        .filter(|(ids, _)| ids.contains(&finding.id.as_str()))
        .find_map(|(_, offer)| offer(finding, evidence))
}

/// Whether something can be done about what this check finds, in some clusters.
pub fn is_offered(check: &str) -> bool {
    rows::ROWS.iter().any(|(ids, _)| ids.contains(&check))
}

/// Puts what can be done to what is found.
pub fn offer(report: &mut Report, evidence: &Evidence) {
    fn down(findings: &mut [Finding], evidence: &Evidence) {
        for finding in findings {
            finding.remedy = of(finding, evidence);
            down(&mut finding.causes, evidence);
        }
    }
    down(&mut report.findings, evidence);
}

/// Seconds in which a change of fields is to be proven; what becomes of it then is for the check to say.
const LIMIT: u64 = 30;

/// The plan of a remedy: its steps go one after the other. `limit`: seconds that pods may take to become ready; 0: as long as any object.
pub fn plan(cluster: ClusterId, about: &ObjectRef, steps: Vec<Verb>) -> Plan {
    let (installation, steps) = (installation(about), self::steps(steps));
    Plan { purpose: Purpose::Remedy, installation, cluster, steps, reach: Vec::new(), occasion: None }
}

/// The steps of a remedy, as its plan has them.
pub fn steps(verbs: Vec<Verb>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for verb in verbs {
        let limit = if matches!(verb, Verb::Set { .. }) { LIMIT } else { 0 };
        steps.push(Step {
            id: format!("{}:{}", steps.len() + 1, verb.id()),
            title: verb.title(),
            component: None,
            needs: steps.last().map(|step| step.id.clone()).into_iter().collect(),
            change: verb.change(),
            action: Action::Rescue { verb: Box::new(verb), limit },
        });
    }
    steps
}

/// Whose lock keeps two remedies of the same place apart.
fn installation(about: &ObjectRef) -> Installation {
    let (nothing, namespace) = (String::new, about.namespace.clone().unwrap_or_else(|| "cluster".to_owned()));
    Installation { stack: "remedy".to_owned(), version: nothing(), namespace, release: nothing(), profile: nothing() }
}

/// What of a remedy that did not come to its end is seen in the cluster: of what was begun it is not known whether it was done.
pub fn seen(plan: &Plan, snapshot: &Snapshot) -> Plan {
    let is_done =
        |step: &&Step| step.verb().is_some_and(|verb| matches!(verb.standing(snapshot), Standing::Proven { .. }));
    Plan { steps: plan.steps.iter().filter(is_done).cloned().collect(), ..plan.clone() }
}

/// What brings everything back to how it was before a remedy: its steps backwards. `None` when one of them cannot be taken back.
pub fn undone(plan: &Plan) -> Option<Plan> {
    let is_of_a_template = plan.steps.iter().any(|step| matches!(step.verb(), Some(Verb::RollBack { .. })));
    // Pods that a StatefulSet was stuck with: it makes others by itself.
    let comes_again = |step: &&Step| {
        is_of_a_template && matches!(step.verb(), Some(Verb::Delete { object }) if object.object.kind == "Pod")
    };
    let steps = plan.steps.iter().rev().filter(|step| !comes_again(step));
    let steps = steps.map(|step| back(step.verb()?)).collect::<Option<Vec<Verb>>>()?;
    let about = plan.steps.first().and_then(|step| step.action.object())?;
    Some(self::plan(plan.cluster.clone(), &about, steps))
}

fn back(verb: &Verb) -> Option<Verb> {
    match verb {
        Verb::Set { object, does, fields } => {
            let does = match does.strip_prefix("undo: ") {
                Some(done) => done.to_owned(),
                None => format!("undo: {does}"),
            };
            Some(Verb::Set { object: object.clone(), does, fields: fields.iter().map(Field::back).collect() })
        }
        Verb::RollBack { workload, from, to, fields, .. } => {
            let fields = fields.iter().map(|field| FieldChange {
                path: field.path.clone(),
                now: field.wanted.clone(),
                wanted: field.now.clone(),
            });
            let (fields, ready) = (fields.collect(), false);
            Some(Verb::RollBack { workload: workload.clone(), from: to.clone(), to: from.clone(), fields, ready })
        }
        Verb::Scale { workload, to, original } => {
            Some(Verb::Scale { workload: workload.clone(), to: *original, original: *to })
        }
        _ => None,
    }
}
