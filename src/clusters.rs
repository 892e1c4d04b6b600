//! Clusters of this machine: which there are, and the plans that make, delete and bring them back. Reads, and decides.

mod before;
pub mod change;
pub mod found;
pub mod k3s;
pub mod kind;
mod look;
#[cfg(test)]
mod testing;

pub use before::before;
pub use found::{Found, found};
pub use look::{Picture, look};

use crate::doctor::{Cause, Outlook};
use crate::plan::task::Task;
use crate::plan::{Action, Plan, Step};

/// The label by which kind knows the containers of a cluster; its value is the cluster's name.
pub const KIND_LABEL: &str = "io.x-k8s.kind.cluster";
/// The label that says what a container of kind is: `control-plane`, `worker` or `external-load-balancer`.
pub const KIND_ROLE: &str = "io.x-k8s.kind.role";

/// `1 node`, `3 nodes`.
pub(crate) fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// What stands in the way of a plan.
pub(crate) fn refusal(id: &str, reason: &str, message: &str, remedy: &str) -> Cause {
    Cause {
        id: id.to_owned(),
        object: None,
        reason: reason.to_owned(),
        message: message.to_owned(),
        remedy: Some(remedy.to_owned()),
        outlook: Outlook::Final,
    }
}

/// What was decided.
#[derive(Debug, Clone, Default)]
pub struct Decision {
    /// The plan, when there is one.
    pub plan: Option<Plan>,
    /// What stands in its way.
    pub refusals: Vec<Cause>,
    /// What may go wrong, and what is good to know before.
    pub warnings: Vec<String>,
}

/// A step of this machine.
pub(crate) fn step(id: String, task: Task, needs: Vec<String>) -> Step {
    let (title, change) = (task.title(), task.change());
    Step { id, title, component: None, needs, action: Action::Host { task: Box::new(task) }, change }
}
