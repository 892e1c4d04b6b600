//! How long a step may take that has no limit of its own: `--timeout`, as the command line told it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Seconds; what `--timeout` is where nothing was told.
static SECONDS: AtomicU64 = AtomicU64::new(600);

/// All plans are to tell this from now on.
pub(crate) fn set(limit: Duration) {
    SECONDS.store(limit.as_secs(), Ordering::Relaxed);
}

/// The limit, in seconds.
pub(crate) fn seconds() -> u64 {
    SECONDS.load(Ordering::Relaxed)
}
