//! What a cluster has, for whoever is about to choose something for it.

use seaworthy::cluster::Cluster;
use seaworthy::prepare::{Room, room};
use seaworthy::prerequisites::{Asked, Ground, Picture, look};

use crate::cli::prerequisites::look_around;
use crate::cli::{Failure, Session};

/// A cluster, what was read of it, and what it offers to a profile.
pub(super) struct Around {
    cluster: Cluster,
    picture: Picture,
    pub(super) room: Room,
}

impl Around {
    /// Reads it.
    pub(super) async fn look(session: &Session, context: &str) -> Result<Self, Failure> {
        let cluster = session.connect_to(Some(context)).await?;
        let picture = look(&cluster).await.map_err(|error| Failure::kube(&error))?;
        let room = room(&cluster, &picture, session.shore()).await;
        Ok(Self { cluster, picture, room })
    }

    /// What decides about the prerequisites, whatever is said about them later.
    pub(super) async fn ground(self, session: &Session) -> Ground {
        let by_name = Asked { adopt: Vec::new(), ..Asked::everything() };
        let asked = [Asked::default(), by_name, Asked::everything()];
        look_around((session, &self.cluster), self.picture, &asked, false).await
    }
}
