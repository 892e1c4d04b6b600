//! Whether somebody answers behind a socket of this machine, and whether this user may speak to it.

use std::io::{Error, ErrorKind};
use std::path::Path;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::time::timeout;

use super::surroundings::Surroundings;

/// How long taking a connection may take.
const LIMIT: Duration = Duration::from_secs(10);

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Knock {
    /// Somebody listens.
    Open,
    /// It is there, and this user, who is not root, may not speak to it.
    Locked,
    /// Nobody is to be spoken to: why.
    Shut(String),
}

/// Knocks at a socket.
pub(crate) async fn knock(here: &Surroundings, socket: &Path) -> Knock {
    match timeout(LIMIT, UnixStream::connect(here.at_root(socket))).await {
        Ok(Ok(_)) => Knock::Open,
        Err(_) => Knock::Shut(format!("nobody takes a connection within {} s", LIMIT.as_secs())),
        Ok(Err(error)) => refused(&error, here.uid),
    }
}

/// Root has no more to ask for.
fn refused(error: &Error, uid: u32) -> Knock {
    match error.kind() {
        ErrorKind::PermissionDenied if uid != 0 => Knock::Locked,
        ErrorKind::NotFound => Knock::Shut("there is no such socket".to_owned()),
        ErrorKind::ConnectionRefused => Knock::Shut("nobody listens there".to_owned()),
        _ => Knock::Shut(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::testing::in_folder;
    use std::os::unix::net::UnixListener;

    #[tokio::test]
    async fn who_is_there_is_told_from_who_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let here = in_folder(folder.path());
        let (open, stale) = (Path::new("/open.sock"), Path::new("/stale.sock"));
        let listener = UnixListener::bind(here.at_root(open)).unwrap();
        drop(UnixListener::bind(here.at_root(stale)).unwrap());
        assert_eq!(knock(&here, open).await, Knock::Open);
        assert_eq!(knock(&here, stale).await, Knock::Shut("nobody listens there".to_owned()));
        let none = knock(&here, Path::new("/none.sock")).await;
        assert_eq!(none, Knock::Shut("there is no such socket".to_owned()));
        drop(listener);
    }

    #[test]
    fn a_right_is_missing_only_to_who_is_not_root() {
        let denied = Error::from_raw_os_error(13);
        assert_eq!(refused(&denied, 1000), Knock::Locked);
        assert_eq!(refused(&denied, 0), Knock::Shut("Permission denied (os error 13)".to_owned()));
    }
}
