//! How often a cluster that is watched is judged: soon where something has changed, and never so often that it costs a core.

use std::time::Duration;

use seaworthy::bell::Ear;
use tokio::time::sleep;

/// Where changes never end, a look is followed by so many times what it took: the machine has other things to do, too.
const BREATH: u32 = 4;
/// Where nothing changes, looks may take one part in so many of the time: somebody may watch all day.
const QUIET: u32 = 400;
/// At the latest it is looked again after so long: a pod that is stuck changes nothing.
const LATEST: Duration = Duration::from_secs(60);

/// The shortest times between two looks.
pub(super) struct Pace {
    /// After a change: those that come together are judged together.
    pub(super) together: Duration,
    /// Without one, for what hangs on the time alone.
    pub(super) again: Duration,
}

impl Pace {
    /// Waits until it is to be looked again, after a look that took so long; whether something has changed.
    pub(super) async fn rest(&self, ear: &Ear, took: Duration) -> bool {
        tokio::select! {
            () = ear.rung() => {
                sleep(self.together.max(took * BREATH)).await;
                true
            }
            () = sleep((took * QUIET).clamp(self.again, LATEST)) => false,
        }
    }
}
