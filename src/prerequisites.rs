//! What stacks expect of a cluster beside Kubernetes itself: storage, metrics, addresses for load balancers, `CloneSet`s, and
//! volumes that several nodes share.
//!
//! ```text
//! picture (reads) --> assess (pure, one file each) --> verdict: use it | install | upgrade ours | leave it | blocked, because
//!                                                                          '-- values of the stack in `assets/`
//! ```
//!
//! What is to be installed is a stack like any other, in `assets/<name>/`: it is rendered, planned, applied, awaited,
//! journalled and taken away by the code that does so for all stacks. Only what to do about it is decided here, because
//! two of them in one cluster fight with each other.

mod adopt;
mod ground;
mod kruise;
mod local_path;
pub mod manager;
mod metallb;
mod metrics_server;
pub mod picture;
pub mod shared_path;
pub mod smoke;
pub mod users;
pub(crate) mod version;

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::closest;
use crate::network::{Folder, NoFolder};
use crate::object::ObjectRef;
use crate::stack::Catalogue;
pub use ground::{Asked, Ground, Judged};
pub use manager::Manager;
pub use picture::{Picture, look};

/// One of the five.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prerequisite {
    /// Volumes from a folder of the node (rancher.io/local-path).
    LocalPath,
    /// Volumes from a folder that all nodes have.
    SharedPath,
    /// The metrics API, from the kubelets.
    MetricsServer,
    /// Addresses for Services of type `LoadBalancer`, announced in the local network.
    Metallb,
    /// `CloneSet`s, by `OpenKruise`.
    Kruise,
}

impl Prerequisite {
    /// All of them, in the order in which they are installed.
    pub const ALL: [Self; 5] = [Self::LocalPath, Self::SharedPath, Self::MetricsServer, Self::Metallb, Self::Kruise];

    /// Its name, which is that of its folder in `assets/`.
    pub fn name(self) -> &'static str {
        match self {
            Self::LocalPath => "local-path",
            Self::SharedPath => "shared-path",
            Self::MetricsServer => "metrics-server",
            Self::Metallb => "metallb",
            Self::Kruise => "kruise",
        }
    }

    /// The version that this program brings along: that of its stack.
    pub fn version(self) -> Option<Version> {
        let stack = Catalogue::prerequisites().get(self.name()).ok()?;
        Version::parse(&stack.definition().version).ok()
    }
}

impl fmt::Display for Prerequisite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Prerequisite {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|known| known.name() == text);
        known.ok_or_else(|| match closest(text, Self::ALL.into_iter().map(Self::name)) {
            Some(near) => format!("there is no prerequisite `{text}`; did you mean `{near}`?"),
            None => format!("there is no prerequisite `{text}`; there are {}", Self::ALL.map(Self::name).join(", ")),
        })
    }
}

/// What the person asks for.
#[derive(Debug, Clone, Default)]
pub struct Wants {
    /// It was asked for by its name, so something else that would do as well is not enough.
    pub by_name: bool,
    /// Which are to be taken over from whoever has installed them.
    pub adopt: Vec<Prerequisite>,
    /// What `MetalLB` may give away: `first-last` or a CIDR, each; or why that is not known.
    pub pool: Option<Result<Vec<String>, Blocked>>,
    /// The folder that all nodes have, or why none is known; `None`: nobody has looked. With one node nobody needs to.
    pub folder: Option<Result<Folder, NoFolder>>,
}

/// Why something is not done, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Blocked {
    /// Why.
    pub because: String,
    /// What to do.
    pub remedy: String,
    /// What would tell may not be read: it may be there.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub blind: bool,
}

/// Whether what is there works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Health {
    /// It does.
    Healthy,
    /// It does not.
    Unhealthy {
        /// What is wrong.
        why: String,
    },
}

/// What is there of a prerequisite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The version of its image; `None` when the tag is none that can be compared.
    pub version: Option<String>,
    /// Who looks after it.
    pub manager: Manager,
    /// Whether it works.
    pub health: Health,
    /// By what it was recognised.
    pub objects: Vec<ObjectRef>,
}

/// What is to be done about a prerequisite.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Verdict {
    /// What is there is used, and left alone.
    Use {
        /// What that is.
        because: String,
    },
    /// Ours is there, as this program would install it; installing it again only mends it.
    Keep {
        /// Values of its stack.
        values: Value,
    },
    /// It is to be installed.
    Install {
        /// What is missing.
        because: String,
        /// Values of its stack.
        values: Value,
    },
    /// Ours is there, and older.
    Upgrade {
        /// The version that is there.
        from: String,
        /// The version that is to be there.
        to: String,
        /// Values of its stack.
        values: Value,
    },
    /// It could be installed, and nothing is known to need it: only whoever names it gets it.
    Leave {
        /// What it is for.
        because: String,
    },
    /// Nothing is done.
    Blocked(Blocked),
}

impl Verdict {
    fn blocked(because: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Blocked(Blocked { because: because.into(), remedy: remedy.into(), blind: false })
    }

    fn blind(because: String, remedy: &str) -> Self {
        Self::Blocked(Blocked { because, remedy: remedy.to_owned(), blind: true })
    }

    /// The values to install it with, if it is to be.
    pub fn values(&self) -> Option<&Value> {
        match self {
            Self::Keep { values } | Self::Install { values, .. } | Self::Upgrade { values, .. } => Some(values),
            Self::Use { .. } | Self::Leave { .. } | Self::Blocked(_) => None,
        }
    }
}

/// How a prerequisite stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Assessment {
    /// Which.
    pub prerequisite: Prerequisite,
    /// What is there; `None` when nothing is.
    pub found: Option<Found>,
    /// What to do.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Only the addresses that may be given away are missing for a decision.
    #[serde(skip)]
    pub wants_pool: bool,
    /// Only a look at whether the nodes share a folder is missing for a decision.
    #[serde(skip)]
    pub wants_folder: bool,
}

impl Assessment {
    /// Whether a stack that needs it can count on it (`None`: that cannot be told), and why.
    pub fn standing(&self) -> (Option<bool>, String) {
        let there = || self.found.as_ref().and_then(|found| found.version.clone()).unwrap_or_else(|| "yes".to_owned());
        match (&self.verdict, self.found.as_ref().map(|found| &found.health)) {
            // How it would be installed is not what is asked.
            (Verdict::Blocked(_), Some(Health::Healthy)) if self.wants_pool => (Some(true), there()),
            (Verdict::Blocked(_), None) if self.wants_pool => (Some(false), metallb::NOBODY.to_owned()),
            (Verdict::Blocked(blocked), _) if blocked.blind => (None, blocked.because.clone()),
            (Verdict::Blocked(blocked), _) => (Some(false), blocked.because.clone()),
            (Verdict::Install { because, .. } | Verdict::Leave { because }, _) => (Some(false), because.clone()),
            (_, Some(Health::Unhealthy { why })) => (Some(false), why.clone()),
            (Verdict::Use { because }, _) => (Some(true), because.clone()),
            (Verdict::Keep { .. } | Verdict::Upgrade { .. }, _) => (Some(true), there()),
        }
    }
}

/// Decides what is to be done about a prerequisite. Pure.
pub fn assess(prerequisite: Prerequisite, picture: &Picture, wants: &Wants) -> Assessment {
    let (found, verdict) = match prerequisite {
        Prerequisite::LocalPath => local_path::assess(picture, wants),
        Prerequisite::SharedPath => shared_path::assess(picture, wants),
        Prerequisite::MetricsServer => metrics_server::assess(picture),
        Prerequisite::Metallb => metallb::assess(picture, wants),
        Prerequisite::Kruise => kruise::assess(picture),
    };
    let adopted = found.as_ref().filter(|_| wants.adopt.contains(&prerequisite));
    let verdict = adopted.and_then(|found| adopt::adopt(prerequisite, found, picture, wants)).unwrap_or(verdict);
    let wants_pool =
        wants.pool.is_none() && matches!(&verdict, Verdict::Blocked(blocked) if *blocked == metallb::no_pool());
    let shares = prerequisite == Prerequisite::SharedPath && shared_path::needs_look(picture);
    let wants_folder = shares && wants.folder.is_none();
    Assessment { prerequisite, found, verdict, wants_pool, wants_folder }
}

/// Why a check of it has nothing to use, and would only wait for it: `None` when there is something, or that cannot be told. Pure.
pub fn missing(prerequisite: Prerequisite, picture: &Picture) -> Option<String> {
    let wants = Wants { by_name: true, ..Wants::default() };
    let Assessment { found, verdict, wants_pool, .. } = assess(prerequisite, picture, &wants);
    match (verdict, found) {
        // A description of where its volumes would lie is no reason.
        (Verdict::Install { because, .. }, _) if prerequisite != Prerequisite::SharedPath => Some(because),
        (Verdict::Blocked(_), None) if wants_pool => Some(metallb::NOBODY.to_owned()),
        (Verdict::Blocked(blocked), None) if blocked.blind => None,
        (Verdict::Install { .. } | Verdict::Leave { .. } | Verdict::Blocked(_), None) => {
            Some("not installed".to_owned())
        }
        _ => None,
    }
}

/// What is ours, beside the version that this program brings along.
fn ours(prerequisite: Prerequisite, found: &Found, values: Value) -> Verdict {
    match prerequisite.version() {
        Some(wanted) => beside(found, &wanted, values),
        None => Verdict::Keep { values },
    }
}

fn beside(found: &Found, wanted: &Version, values: Value) -> Verdict {
    let Some(there) = found.version.as_deref().and_then(|text| Version::parse(text).ok()) else {
        return Verdict::Keep { values };
    };
    match there.cmp(wanted) {
        Ordering::Equal => Verdict::Keep { values },
        Ordering::Less => Verdict::Upgrade { from: there.to_string(), to: wanted.to_string(), values },
        Ordering::Greater => Verdict::Use {
            because: format!("a newer seaworthy has installed {there}; this one knows {wanted}, and leaves it alone"),
        },
    }
}

#[cfg(test)]
mod tests;
