//! What prerequisites are judged by, read once. Judging is pure, so that the full screen can do it at every key.

use super::{Assessment, Blocked, Picture, Prerequisite, Wants, assess};
use crate::error::Explain as _;
use crate::network::{self, Folder, NoFolder, Proof, Reach, Refusal, Seen};

/// Which are asked for, and what is said about them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Empty: all.
    pub names: Vec<Prerequisite>,
    /// `--pool`.
    pub pool: Vec<String>,
    /// `--adopt`.
    pub adopt: Vec<Prerequisite>,
}

/// How they stand.
pub struct Judged {
    /// Each that was asked for.
    pub all: Vec<Assessment>,
    /// The addresses for load balancers with their proof, where they had to be known, and whether this machine reaches them.
    pub pool: Option<(Proof, Option<Reach>)>,
}

/// A cluster, and what is around it as far as a decision hangs on it.
#[derive(Debug, Clone)]
pub struct Ground {
    /// What of them is there.
    pub picture: Picture,
    /// The addresses around the nodes; `None` where nothing hangs on them.
    pub seen: Option<Seen>,
    /// The folder that all nodes have; `None` where nothing hangs on it.
    pub folder: Option<Result<Folder, NoFolder>>,
}

impl Asked {
    /// All of them by their names, each taken over from whoever has it.
    pub fn everything() -> Self {
        Self { names: Prerequisite::ALL.into(), pool: Vec::new(), adopt: Prerequisite::ALL.into() }
    }

    fn wants(&self) -> Wants {
        Wants { by_name: !self.names.is_empty(), adopt: self.adopt.clone(), ..Wants::default() }
    }

    fn prerequisites(&self) -> impl Iterator<Item = Prerequisite> {
        let named = |it: &Prerequisite| self.names.is_empty() || self.names.contains(it);
        Prerequisite::ALL.into_iter().filter(named)
    }

    /// Whether something is missing for a decision about one of them.
    fn lacks(&self, picture: &Picture, what: impl Fn(&Assessment) -> bool) -> bool {
        self.prerequisites().any(|it| what(&assess(it, picture, &self.wants())))
    }

    /// Whether addresses for load balancers are missing: only `MetalLB` gives them away.
    pub fn lacks_pool(&self, picture: &Picture) -> bool {
        self.lacks(picture, |it| it.prerequisite == Prerequisite::Metallb && it.wants_pool)
    }

    /// Whether a folder that all nodes have is missing.
    pub fn lacks_folder(&self, picture: &Picture) -> bool {
        self.lacks(picture, |it| it.wants_folder)
    }
}

impl Ground {
    /// Judges what is asked for.
    ///
    /// # Errors
    /// When what was typed for the pool is not right; a pool that only could not be worked out is missing.
    pub fn judge(&self, asked: &Asked) -> Result<Judged, Refusal> {
        let mut wants = Wants { folder: self.folder.clone(), ..asked.wants() };
        let mut pool = None;
        if let Some(seen) = self.seen.as_ref().filter(|_| asked.lacks_pool(&self.picture)) {
            match network::prove(&seen.inputs, &asked.pool) {
                Ok(proof) => {
                    wants.pool = Some(Ok(proof.addresses.iter().map(ToString::to_string).collect()));
                    pool = Some((proof, seen.reach.clone()));
                }
                Err(refusal) if !asked.pool.is_empty() => return Err(refusal),
                Err(refusal) => {
                    let remedy = refusal.hint().unwrap_or_else(|| "name them with --pool FIRST-LAST".to_owned());
                    let because = refusal.to_string();
                    let because = because.lines().map(str::trim).collect::<Vec<_>>().join("; ").replace(":;", ":");
                    wants.pool = Some(Err(Blocked { because, remedy, blind: false }));
                }
            }
        }
        Ok(Judged { all: asked.prerequisites().map(|it| assess(it, &self.picture, &wants)).collect(), pool })
    }

    /// The pool that would be, with its proof, whether or not one is needed; `None`: nothing hangs on it here.
    pub fn pool(&self, given: &[String]) -> Option<Result<(Proof, Option<Reach>), Refusal>> {
        let seen = self.seen.as_ref()?;
        Some(network::prove(&seen.inputs, given).map(|proof| (proof, seen.reach.clone())))
    }
}
