//! Looks at what prerequisites are judged by.

use seaworthy::cluster::Cluster;
use seaworthy::prerequisites::{Asked, Ground, Picture, shared_path};

use crate::cli::{Session, pool};

/// Looks around, where a decision about what is asked for hangs on it: the network only when nothing else decides about load
/// balancers. `aloud`: with a sign of life, which a full screen has itself.
pub(crate) async fn look_around(
    (session, cluster): (&Session, &Cluster),
    picture: Picture,
    asked: &[Asked],
    aloud: bool,
) -> Ground {
    let seen = if asked.iter().any(|asked| asked.lacks_pool(&picture)) {
        let _busy = aloud.then(|| session.busy(pool::LOOKING));
        Some(pool::look(session, cluster, picture.load_balancers().max(1)).await)
    } else {
        None
    };
    let folder = if asked.iter().any(|asked| asked.lacks_folder(&picture)) {
        let _busy = aloud.then(|| session.busy("asking the engines of this machine what the nodes share"));
        Some(shared_path::folder(&picture, &session.shore().await, &cluster.id.server))
    } else {
        None
    };
    Ground { picture, seen, folder }
}
