//! What is practised: every playbook, with each loss that it says how to practise.

use std::fmt;
use std::sync::LazyLock;

use seaworthy::object::ObjectRef;
use seaworthy::recover::compile::claim_of_role;
use seaworthy::recover::drill::Practice;
use seaworthy::recover::{Playbooks, Sighting, subject};
use seaworthy::sandbox::faults::{self, Fault};
use seaworthy::sandbox::{Kind, Sandbox};
use seaworthy::stack::{Catalogue, Choices};

use super::sea::Sea;
use super::stock::Stock;

pub(super) static PLAYBOOKS: LazyLock<Playbooks> =
    LazyLock::new(|| Playbooks::read(&Catalogue::new(Vec::new())).expect("playbooks"));
static ERRANDS: LazyLock<Vec<Errand>> =
    LazyLock::new(|| PLAYBOOKS.0.iter().flat_map(Practice::all).map(Errand::of).collect());

/// A loss, and the playbook for it.
pub(crate) struct Errand {
    pub(crate) practice: Practice,
    pub(crate) fault: &'static Fault,
    pub(crate) stock: Stock,
}

impl Errand {
    /// All of them.
    pub(crate) fn all() -> &'static [Self] {
        &ERRANDS
    }

    fn of(practice: Practice) -> Self {
        let stack = Catalogue::new(Vec::new()).get(&practice.stack).expect("a stack");
        let choices = Choices { set: practice.set.clone(), example: true, ..Choices::default() };
        let fault = faults::find(&practice.fault).expect("a fault");
        Self { fault, stock: Stock::of(&stack, &choices), practice }
    }

    pub(crate) fn kind(&self) -> Kind {
        if self.fault.is_of_a_node() { Kind::Ha } else { Kind::SingleNode }
    }

    /// The claim that is lost; known from the workloads, which stay. Or the namespace, where it is about that.
    pub(crate) fn subject(&self, sea: &Sea) -> ObjectRef {
        let namespace = &self.stock.installation.namespace;
        match &self.practice.claim {
            Some(role) => claim_of_role(&seen(&sea.sandbox), namespace, role).expect("a claim"),
            None => subject::namespace(namespace),
        }
    }
}

/// What is there, as it is.
pub(crate) fn seen(sandbox: &Sandbox) -> Sighting {
    Sighting { snapshot: sandbox.objects().into_iter().collect(), ..Sighting::default() }
}

impl fmt::Debug for Errand {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.practice.playbook, self.practice.loss.name())
    }
}

impl PartialEq for Errand {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}
