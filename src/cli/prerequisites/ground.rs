//! What prerequisites are judged by, read once. Judging is pure, so that the full screen can do it at every key.

use seaworthy::cluster::Cluster;
use seaworthy::network::{Folder, NoFolder, Proof, Reach, Seen};
use seaworthy::prerequisites::{Assessment, Blocked, Picture, Prerequisite, Wants, assess, shared_path};

use crate::cli::{Failure, Session, pool};

/// Which are asked for, and what is said about them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Empty: all.
    pub(crate) names: Vec<Prerequisite>,
    /// `--pool`.
    pub(crate) pool: Vec<String>,
    /// `--adopt`.
    pub(crate) adopt: Vec<Prerequisite>,
}

/// How they stand.
pub(crate) struct Judged {
    pub(crate) all: Vec<Assessment>,
    /// The addresses for load balancers with their proof, where they had to be known, and whether this machine reaches them.
    pub(crate) pool: Option<(Proof, Option<Reach>)>,
}

/// A cluster, and what is around it as far as a decision hangs on it.
#[derive(Debug, Clone)]
pub(crate) struct Ground {
    pub(crate) picture: Picture,
    /// The addresses around the nodes; `None` where nothing hangs on them.
    pub(crate) seen: Option<Seen>,
    /// The folder that all nodes have; `None` where nothing hangs on it.
    pub(crate) folder: Option<Result<Folder, NoFolder>>,
}

impl Asked {
    /// All of them by their names, each taken over from whoever has it.
    pub(crate) fn everything() -> Self {
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

    /// Only `MetalLB` gives addresses away.
    fn lacks_pool(&self, picture: &Picture) -> bool {
        self.lacks(picture, |it| it.prerequisite == Prerequisite::Metallb && it.wants_pool)
    }
}

impl Ground {
    /// Looks around, where a decision about what is asked for hangs on it: the network only when nothing else decides about load
    /// balancers. `aloud`: with a sign of life, which a full screen has itself.
    pub(crate) async fn look(
        (session, cluster): (&Session, &Cluster),
        picture: Picture,
        asked: &[Asked],
        aloud: bool,
    ) -> Self {
        let seen = if asked.iter().any(|asked| asked.lacks_pool(&picture)) {
            let _busy = aloud.then(|| session.busy(pool::LOOKING));
            Some(pool::look(session, cluster, picture.load_balancers().max(1)).await)
        } else {
            None
        };
        let folder = if asked.iter().any(|asked| asked.lacks(&picture, |it| it.wants_folder)) {
            let _busy = aloud.then(|| session.busy("asking the engines of this machine what the nodes share"));
            Some(shared_path::folder(&picture, &session.shore().await, &cluster.id.server))
        } else {
            None
        };
        Self { picture, seen, folder }
    }

    /// Judges what is asked for.
    ///
    /// # Errors
    /// When what was typed for the pool is not right; a pool that only could not be worked out is missing.
    pub(crate) fn judge(&self, asked: &Asked) -> Result<Judged, Failure> {
        let mut wants = Wants { folder: self.folder.clone(), ..asked.wants() };
        let mut pool = None;
        if let Some(seen) = self.seen.as_ref().filter(|_| asked.lacks_pool(&self.picture)) {
            match pool::prove(seen, &asked.pool) {
                Ok(proof) => {
                    wants.pool = Some(Ok(proof.addresses.iter().map(ToString::to_string).collect()));
                    pool = Some((proof, seen.reach.clone()));
                }
                Err(failure) if !asked.pool.is_empty() => return Err(failure),
                Err(Failure { message, hint, .. }) => {
                    let remedy = hint.unwrap_or_else(|| "name them with --pool FIRST-LAST".to_owned());
                    let because = message.lines().map(str::trim).collect::<Vec<_>>().join("; ").replace(":;", ":");
                    wants.pool = Some(Err(Blocked { because, remedy, blind: false }));
                }
            }
        }
        Ok(Judged { all: asked.prerequisites().map(|it| assess(it, &self.picture, &wants)).collect(), pool })
    }

    /// The pool that would be, with its proof, whether or not one is needed; `None`: nothing hangs on it here.
    pub(crate) fn pool(&self, given: &[String]) -> Option<Result<(Proof, Option<Reach>), Failure>> {
        let seen = self.seen.as_ref()?;
        Some(pool::prove(seen, given).map(|proof| (proof, seen.reach.clone())))
    }
}
