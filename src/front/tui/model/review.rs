//! The plan that is looked at before it is run.

use seaworthy::doctor::Cause;
use seaworthy::plan::{self, Plan};

use crate::front::failure::Failure;

/// The plan, and what was decided about it.
#[derive(Default)]
pub(crate) struct Review {
    pub(crate) draft: Draft,
    pub(crate) scroll: usize,
    /// The furthest line from which it was shown; further than any once it was said that there is more.
    pub(crate) seen: usize,
    /// What to do with fields that somebody else owns; `None`: as without `--on-conflict`.
    pub(crate) conflicts: Option<plan::Choice>,
    pub(crate) adopt: bool,
    pub(crate) replan: bool,
    /// The number of the last request.
    pub(crate) ticket: u64,
    /// The images are shown.
    pub(crate) images: bool,
}

/// How far the plan is.
#[derive(Default)]
pub(crate) enum Draft {
    /// Nobody asked for one.
    #[default]
    None,
    /// It is being made.
    Making,
    /// It was made.
    Made(Box<Made>),
    /// It could not be made.
    Refused(Box<Failure>),
}

/// What a plan on the way is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// What the stack needs of the cluster, before it.
    Prerequisites,
    /// Images into the nodes, before the installation.
    Images,
    /// The installation.
    Install,
}

/// A plan as it may be shown.
#[derive(Debug)]
pub(crate) struct Made {
    /// Secrets hold no values.
    pub(crate) plan: Plan,
    /// What is run after it, as one run for the person.
    pub(crate) more: Vec<Plan>,
    /// What for.
    pub(crate) stage: Stage,
    /// What the API server would refuse.
    pub(crate) refusals: Vec<Cause>,
    /// How long it may take, as far as that is known.
    pub(crate) time: String,
    /// What was chosen otherwise than the last finished run recorded.
    pub(crate) differences: Vec<String>,
    /// What is odd, but stops nothing.
    pub(crate) warnings: Vec<String>,
    /// What is made beside the plan, and taken away again, to prove that it works.
    pub(crate) proofs: Vec<String>,
    /// The plan of the stack itself, where all is only shown; or why it cannot be made yet.
    pub(crate) then: Option<Result<Box<Made>, String>>,
    /// The unfinished run that it goes on with.
    pub(crate) goes_on: Option<String>,
    /// The unfinished run that is given up for it.
    pub(crate) gives_up: Option<String>,
}

impl Made {
    /// A plan with what is to be said of it, and nothing else.
    pub(crate) fn of(plan: Plan, warnings: Vec<String>, stage: Stage) -> Self {
        let (more, refusals, differences) = (Vec::new(), Vec::new(), Vec::new());
        let (goes_on, gives_up, time) = (None, None, String::new());
        let (proofs, then) = (Vec::new(), None);
        Self { plan, more, stage, refusals, time, differences, warnings, proofs, then, goes_on, gives_up }
    }

    /// All of it, in the order in which it is run.
    pub(crate) fn plans(&self) -> impl Iterator<Item = &Plan> {
        std::iter::once(&self.plan).chain(&self.more)
    }

    /// Why it cannot be run.
    pub(crate) fn objection(&self) -> Option<&'static str> {
        if self.plans().any(|plan| plan.summary().undecided > 0) {
            return Some("fields of somebody else are in the way: decide about them first (o, d)");
        }
        (!self.refusals.is_empty()).then_some("this plan cannot be run as it is")
    }
}

impl Review {
    /// What decisions look like on the command line.
    pub(crate) fn options(&self) -> Vec<String> {
        let conflicts = self.conflicts.map(|choice| match choice {
            plan::Choice::Keep => "--on-conflict keep",
            plan::Choice::Take => "--on-conflict take",
            plan::Choice::Stop => "--on-conflict stop",
        });
        let adopt = self.adopt.then_some("--adopt");
        let replan = self.replan.then_some("--replan");
        [conflicts, adopt, replan].into_iter().flatten().map(str::to_owned).collect()
    }

    /// The next thing to do with fields of others.
    pub(crate) fn turn(&mut self) {
        self.conflicts = match self.conflicts {
            None => Some(plan::Choice::Keep),
            Some(plan::Choice::Keep) => Some(plan::Choice::Take),
            Some(_) => None,
        };
    }

    /// Shows it from this line on, at most from `most`, where its end is on the screen.
    pub(crate) fn scroll_to(&mut self, line: usize, most: usize) {
        self.scroll = line.min(most);
        self.seen = self.seen.max(self.scroll);
    }

    pub(crate) fn made(&self) -> Option<&Made> {
        match &self.draft {
            Draft::Made(made) => Some(made),
            _ => None,
        }
    }
}
