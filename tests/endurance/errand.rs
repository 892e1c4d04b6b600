//! What is practised: every playbook, with each loss that it says how to practise.

use std::fmt;
use std::sync::LazyLock;

use seaworthy::object::ObjectRef;
use seaworthy::recover::compile::claim_of_role;
use seaworthy::recover::playbook::{ClaimRole, Playbook, Task};
use seaworthy::recover::{LossKind, Playbooks, Sighting};
use seaworthy::sandbox::faults::{self, Fault};
use seaworthy::sandbox::{Kind, Sandbox};
use seaworthy::stack::{Catalogue, Choices};

use super::sea::Sea;
use super::stock::Stock;

pub(super) static PLAYBOOKS: LazyLock<Playbooks> =
    LazyLock::new(|| Playbooks::read(&Catalogue::new(Vec::new())).expect("playbooks"));
static ERRANDS: LazyLock<Vec<Errand>> = LazyLock::new(|| PLAYBOOKS.0.iter().flat_map(Errand::of).collect());

/// A loss, and the playbook for it.
pub(crate) struct Errand {
    pub(crate) playbook: &'static Playbook,
    pub(crate) loss: LossKind,
    pub(crate) fault: &'static Fault,
    pub(crate) stock: Stock,
    role: ClaimRole,
}

impl Errand {
    /// All of them.
    pub(crate) fn all() -> &'static [Self] {
        &ERRANDS
    }

    fn of(playbook: &'static Playbook) -> Vec<Self> {
        let sheet = &playbook.sheet;
        let Some(drill) = &sheet.drill else { return Vec::new() };
        let stack = drill.stack.as_ref().or(playbook.stack.as_ref()).expect("a stack");
        let role = drill.claim.as_ref().or(sheet.claim.as_ref()).expect("a claim");
        let stack = Catalogue::new(Vec::new()).get(stack).expect("a stack");
        let choices = Choices { set: drill.set.clone(), example: true, ..Choices::default() };
        let one = |(loss, fault): (&LossKind, &String)| Self {
            playbook,
            loss: *loss,
            fault: faults::find(fault).expect("a fault"),
            stock: Stock::of(&stack, &choices),
            role: role.clone(),
        };
        drill.losses.iter().map(one).collect()
    }

    /// Of one node nothing would be left to recover to.
    pub(crate) fn kind(&self) -> Kind {
        if self.is_of_a_node() { Kind::Ha } else { Kind::SingleNode }
    }

    pub(crate) fn is_of_a_node(&self) -> bool {
        self.fault.target == "node"
    }

    /// Whether what was on the volume has to be there afterwards. What an etcd holds comes from its members or a snapshot, and no file of
    /// anybody's with it.
    pub(crate) fn saves(&self) -> bool {
        let sheet = &self.playbook.sheet;
        sheet.brings_back() && !sheet.steps.iter().any(|task| matches!(task, Task::ReplaceMember | Task::RestoreEtcd))
    }

    /// The claim that is lost; known from the workloads, which stay.
    pub(crate) fn claim(&self, sea: &Sea) -> ObjectRef {
        claim_of_role(&seen(&sea.sandbox), &self.stock.installation.namespace, &self.role).expect("a claim")
    }
}

/// What is there, as it is.
pub(crate) fn seen(sandbox: &Sandbox) -> Sighting {
    Sighting { snapshot: sandbox.objects().into_iter().collect(), ..Sighting::default() }
}

impl fmt::Debug for Errand {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.playbook.name, self.loss.name())
    }
}

impl PartialEq for Errand {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}
