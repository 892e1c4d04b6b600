//! What keeps a process from writing when the lock that it writes under has run out: a machine that was asleep wakes in the middle
//! of a step, and somebody else may have the lock by then.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::Clock;

/// Until when each lock of this process is surely its own.
#[derive(Clone, Default)]
pub(crate) struct Fence(Arc<Mutex<Posts>>);

/// By numbers: who gives a lock back late must not take away what stands for the next one of the same name.
#[derive(Default)]
struct Posts {
    next: u64,
    all: BTreeMap<u64, Post>,
}

struct Post {
    key: String,
    clock: Clock,
    until: Timestamp,
    lost: CancellationToken,
}

/// A lock that writes stand under. Dropped, they do no longer.
pub(crate) struct Fenced {
    fence: Fence,
    number: u64,
}

/// A request that could change something was about to leave after the lock had run out.
#[derive(Debug, thiserror::Error)]
#[error("the lock of {0} was not renewed in time, and may be somebody else's by now: nothing more is written")]
pub(crate) struct RunOut(String);

impl Fence {
    /// From now on nothing is written after `until`, unless it is moved. `lost` is told when something was to be.
    pub(crate) fn put(&self, key: &str, clock: &Clock, until: Timestamp, lost: CancellationToken) -> Fenced {
        let post = Post { key: key.to_owned(), clock: clock.clone(), until, lost };
        let number = self.posts(|posts| {
            posts.next += 1;
            posts.all.insert(posts.next, post);
            posts.next
        });
        Fenced { fence: self.clone(), number }
    }

    /// Why nothing may be written now, where that is so.
    pub(crate) fn objection(&self) -> Option<RunOut> {
        self.posts(|posts| {
            let post = posts.all.values().find(|post| post.clock.now() >= post.until)?;
            post.lost.cancel();
            Some(RunOut(post.key.clone()))
        })
    }

    fn posts<T>(&self, look: impl FnOnce(&mut Posts) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Fenced {
    /// The lock was renewed.
    pub(crate) fn move_to(&self, until: Timestamp) {
        self.fence.posts(|posts| {
            if let Some(post) = posts.all.get_mut(&self.number) {
                post.until = until;
            }
        });
    }
}

impl Drop for Fenced {
    fn drop(&mut self) {
        self.fence.posts(|posts| posts.all.remove(&self.number));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nothing_is_written_under_a_lock_that_has_run_out() {
        let (fence, clock) = (Fence::default(), Clock::starting_at(Timestamp::UNIX_EPOCH));
        let lost = CancellationToken::new();
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let fenced = fence.put("sea.shop", &clock, at(50), lost.clone());
        assert!(fence.objection().is_none());
        tokio::time::advance(Duration::from_secs(49)).await;
        fenced.move_to(at(99));
        tokio::time::advance(Duration::from_secs(49)).await;
        assert!(fence.objection().is_none() && !lost.is_cancelled());
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(fence.objection().unwrap().to_string().starts_with("the lock of sea.shop was not renewed in time"));
        assert!(lost.is_cancelled(), "whoever runs under it is told");
        drop(fenced);
        assert!(fence.objection().is_none(), "it was given back");
    }
}
