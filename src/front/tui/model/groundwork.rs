//! What has to be there before the stack: what is there, what the person has said about it, and what that comes to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use seaworthy::network::{Proof, Reach, Refusal};
use seaworthy::prepare::Room;
use seaworthy::prepare::sharing::Shares;
use seaworthy::prerequisites::{Asked, Assessment, Ground, Health, Manager, Prerequisite, Verdict};
use seaworthy::stack::Catalogue;
use seaworthy::stack::definition::{Definition, Needs};

use crate::front::first::First;

/// What a cluster has said, once it has; or why nothing is known.
type Answer = Option<Result<Arc<Ground>, String>>;

/// What is asked of the cluster, and what was answered.
#[derive(Default)]
pub(crate) struct Groundwork {
    pub(crate) cursor: usize,
    /// Those that nothing needs are shown, too.
    pub(crate) unfolded: bool,
    /// The context that was asked, and its answer once it is there.
    pub(crate) ground: Option<(String, Answer)>,
    /// Each cluster keeps what was said about it.
    pub(super) answers: BTreeMap<String, Answers>,
    /// The stacks for which the class of shared volumes was named, because what makes them is added.
    pub(crate) named: BTreeSet<String>,
    /// What all that comes to, with the profile that was chosen.
    pub(crate) rows: Vec<Preparation>,
    /// The addresses that would be given away, where anything hangs on them: with their proof, or why there are none.
    pub(crate) pool: Option<Result<(Proof, Option<Reach>), Refusal>>,
}

/// What a person says about the prerequisites of one cluster: no more than the command line can say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answers {
    /// Added or left out, where that was said.
    chosen: BTreeMap<Prerequisite, bool>,
    adopted: BTreeSet<Prerequisite>,
    /// `--pool`, as it was typed; empty: the one that is worked out.
    pub(crate) pool: String,
    /// `--registry`; empty: the registries that the manifests name.
    pub(crate) registry: String,
    /// `--no-check`.
    pub(crate) unchecked: bool,
}

/// One prerequisite.
#[derive(Debug, Clone)]
pub(crate) struct Preparation {
    pub(crate) prerequisite: Prerequisite,
    /// What would be added.
    pub(crate) brought: &'static Brought,
    /// Why it is needed; `None`: nothing is known to need it.
    pub(crate) needed: Option<String>,
    /// How it stands when nobody asks for it by its name.
    pub(crate) usual: Assessment,
    /// How it stands when it is asked for, with what was answered.
    pub(crate) named: Assessment,
    /// How it stands when it is taken over; `None`: there is nothing of anybody else.
    pub(crate) adoption: Option<Assessment>,
    pub(crate) adopted: bool,
    /// Whether it is among what is added.
    pub(crate) chosen: bool,
}

/// What this program brings along of one.
#[derive(Debug)]
pub(crate) struct Brought {
    prerequisite: Prerequisite,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) version: String,
}

/// Read once: they are part of the program.
static BROUGHT: LazyLock<Vec<Brought>> = LazyLock::new(|| {
    let brought = |prerequisite: Prerequisite| {
        let stack = Catalogue::prerequisites().get(prerequisite.name()).ok()?;
        let Definition { title, description, version, .. } = stack.definition().clone();
        Some(Brought { prerequisite, title, description, version })
    };
    Prerequisite::ALL.into_iter().filter_map(brought).collect()
});

/// A line of the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Footing {
    /// On to the settings.
    GoOn,
    /// A prerequisite, by its number.
    One(usize),
    /// The addresses for load balancers.
    Pool,
    /// Those that nothing needs.
    Others,
    /// Where the images of what is added come from.
    Registry,
    /// Whether what was added is proved to work.
    Proof,
}

impl Preparation {
    /// Whether adding it would do anything.
    pub(crate) fn is_work(&self) -> bool {
        does_something(&self.named)
    }

    /// Why it cannot be added, although it is asked for.
    pub(crate) fn obstacle(&self) -> Option<String> {
        match &self.named.verdict {
            Verdict::Blocked(blocked) => Some(format!("{}; {}", blocked.because, blocked.remedy)),
            _ => None,
        }
    }
}

fn does_something(assessment: &Assessment) -> bool {
    let broken = || matches!(assessment.found.as_ref().map(|found| &found.health), Some(Health::Unhealthy { .. }));
    match &assessment.verdict {
        Verdict::Install { .. } | Verdict::Upgrade { .. } => true,
        Verdict::Keep { .. } => broken(),
        Verdict::Use { .. } | Verdict::Leave { .. } | Verdict::Blocked(_) => false,
    }
}

impl Answers {
    /// `--pool`, one for each that was typed.
    fn pools(&self) -> Vec<String> {
        pools(&self.pool)
    }

    fn asked(&self, named: bool) -> Asked {
        let names = if named { Prerequisite::ALL.into() } else { Vec::new() };
        Asked { names, pool: self.pools(), adopt: self.adopted.iter().copied().collect() }
    }
}

/// Which prerequisites a profile needs, and why. `room`: what the cluster offers, where that is known.
pub(crate) fn needed(
    (name, needs): (&str, &Needs),
    shares: &Shares,
    room: Option<&Room>,
) -> BTreeMap<Prerequisite, String> {
    let named = needs.prerequisites.iter().filter_map(|name| name.parse().ok());
    let mut needed: BTreeMap<Prerequisite, String> =
        named.map(|it: Prerequisite| (it, format!("profile {name} needs it"))).collect();
    if room.is_some_and(|room| room.sharing.refuses(shares)) {
        let why = format!("volumes of profile {name} are written to by several nodes, and no class here can do that");
        needed.insert(Prerequisite::SharedPath, why);
    }
    needed
}

/// What was typed into one line, as `--pool` has it.
pub(crate) fn pools(typed: &str) -> Vec<String> {
    typed.split([',', ' ']).map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

impl Groundwork {
    /// Of a cluster that has answered.
    pub(crate) fn of(context: &str, ground: Ground) -> Self {
        Self { ground: Some((context.to_owned(), Some(Ok(Arc::new(ground))))), ..Self::default() }
    }

    /// What is known of the cluster that was asked, once it has said so.
    pub(crate) fn known(&self) -> Option<&Arc<Ground>> {
        match &self.ground {
            Some((_, Some(Ok(ground)))) => Some(ground),
            _ => None,
        }
    }

    /// Whether the cluster still owes an answer.
    pub(crate) fn is_asking(&self) -> bool {
        matches!(self.ground, Some((_, None)))
    }

    fn context(&self) -> Option<&str> {
        self.ground.as_ref().map(|(context, _)| context.as_str())
    }

    /// What was answered about the cluster that was asked.
    pub(crate) fn answers(&self) -> Answers {
        self.context().and_then(|context| self.answers.get(context)).cloned().unwrap_or_default()
    }

    pub(crate) fn answers_mut(&mut self) -> &mut Answers {
        let context = self.context().unwrap_or_default().to_owned();
        self.answers.entry(context).or_default()
    }

    /// Judges anew. `needed`: which are needed, and why.
    pub(crate) fn judge(&mut self, needed: &BTreeMap<Prerequisite, String>) {
        let answers = self.answers();
        let Some(ground) = self.known().cloned() else {
            self.rows.clear();
            self.pool = None;
            return;
        };
        self.pool = ground.pool(&answers.pools());
        let rows = Prerequisite::ALL.into_iter().filter_map(|it| preparation(&ground, &answers, it, needed.get(&it)));
        self.rows = rows.collect();
        let last = self.lines().len().saturating_sub(1);
        self.cursor = self.cursor.min(last);
    }

    /// The lines, in their order.
    pub(crate) fn lines(&self) -> Vec<Footing> {
        let mut lines = vec![Footing::GoOn];
        let numbered = || self.rows.iter().enumerate();
        let add = |index: usize, row: &Preparation, lines: &mut Vec<Footing>| {
            lines.push(Footing::One(index));
            let wants = row.chosen || matches!(row.named.verdict, Verdict::Blocked(_));
            if row.prerequisite == Prerequisite::Metallb && self.pool.is_some() && wants {
                lines.push(Footing::Pool);
            }
        };
        let shown = |row: &Preparation| row.needed.is_some() || row.chosen;
        numbered().filter(|(_, row)| shown(row)).for_each(|(index, row)| add(index, row, &mut lines));
        if self.rows.iter().any(|row| row.chosen && row.is_work()) {
            lines.extend([Footing::Registry, Footing::Proof]);
        }
        if self.rows.iter().any(|row| !shown(row)) {
            lines.push(Footing::Others);
            let others = numbered().filter(|(_, row)| self.unfolded && !shown(row));
            others.for_each(|(index, row)| add(index, row, &mut lines));
        }
        lines
    }

    /// The line that the cursor is on.
    pub(crate) fn line(&self) -> Footing {
        self.lines().get(self.cursor).copied().unwrap_or(Footing::GoOn)
    }

    /// The prerequisite that the cursor is on.
    pub(crate) fn row(&self) -> Option<&Preparation> {
        match self.line() {
            Footing::One(index) => self.rows.get(index),
            Footing::Pool => self.rows.iter().find(|row| row.prerequisite == Prerequisite::Metallb),
            _ => None,
        }
    }

    /// Added, or left out.
    pub(crate) fn choose(&mut self, prerequisite: Prerequisite, chosen: bool) {
        self.answers_mut().chosen.insert(prerequisite, chosen);
    }

    /// Taken over from whoever has it, or not.
    pub(crate) fn adopt(&mut self, prerequisite: Prerequisite, adopted: bool) {
        let answers = self.answers_mut();
        if adopted {
            answers.adopted.insert(prerequisite);
            answers.chosen.insert(prerequisite, true);
        } else {
            answers.adopted.remove(&prerequisite);
            answers.chosen.remove(&prerequisite);
        }
    }

    /// What stands in the way of going on.
    pub(crate) fn objection(&self) -> Option<String> {
        if self.is_asking() {
            let context = self.context().unwrap_or_default();
            return Some(format!("{context} has not answered yet; r asks again"));
        }
        let blocked = self.rows.iter().filter(|row| row.chosen);
        let mut blocked = blocked.filter_map(|row| Some((row.prerequisite, row.obstacle()?)));
        blocked.next().map(|(name, why)| format!("{name} cannot be added: {why}; Space leaves it out"))
    }

    /// What is done before the installation, as the command line has it; `None`: nothing.
    pub(crate) fn order(&self) -> Option<First> {
        let answers = self.answers();
        let due = self.rows.iter().filter(|row| row.chosen && row.is_work());
        let names: Vec<Prerequisite> = due.map(|row| row.prerequisite).collect();
        let pool = if names.contains(&Prerequisite::Metallb) { answers.pools() } else { Vec::new() };
        let adopt = answers.adopted.into_iter().filter(|it| names.contains(it)).collect();
        let registry = Some(answers.registry).filter(|host| !host.is_empty());
        (!names.is_empty()).then_some(First { names, pool, adopt, registry, no_check: answers.unchecked })
    }
}

/// How one stands, and what becomes of it; `None` for one that this program does not bring along.
fn preparation(
    ground: &Ground,
    answers: &Answers,
    prerequisite: Prerequisite,
    needed: Option<&String>,
) -> Option<Preparation> {
    let brought = BROUGHT.iter().find(|brought| brought.prerequisite == prerequisite)?;
    let judge = |asked: Asked| {
        // A pool that was right once and is so no more is told where it stands; all others do without it.
        let judged = ground.judge(&asked).or_else(|_| ground.judge(&Asked { pool: Vec::new(), ..asked }));
        judged.ok()?.all.into_iter().find(|it| it.prerequisite == prerequisite)
    };
    let usual = judge(Asked { adopt: Vec::new(), ..answers.asked(false) })?;
    let named = judge(answers.asked(true))?;
    let of_others = usual.found.as_ref().is_some_and(|found| found.manager != Manager::Seaworthy);
    let taken = || judge(Asked { adopt: vec![prerequisite], ..answers.asked(true) });
    let adoption = if of_others { taken() } else { None };
    // Nobody installs a shared folder that is not asked for, so its need speaks for it.
    let due = needed.is_some() && (does_something(&usual) || prerequisite == Prerequisite::SharedPath);
    let chosen = answers.chosen.get(&prerequisite).copied().unwrap_or(due && does_something(&named));
    Some(Preparation {
        prerequisite,
        brought,
        needed: needed.cloned(),
        usual,
        adopted: answers.adopted.contains(&prerequisite),
        named,
        adoption,
        chosen,
    })
}
