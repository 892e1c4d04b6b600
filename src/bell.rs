//! Tells everybody who waits that something has changed, in the order in which they began to wait. tokio's `watch` does the same
//! for more readers than there are here, and wakes them in an order that hangs on chance: a simulation that is to be repeated
//! cannot be told the same story twice by it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// Rung when something has changed. Clones are the same bell.
#[derive(Debug, Clone, Default)]
pub struct Bell(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    rung: AtomicU64,
    notify: Notify,
}

/// Somebody who listens to a bell.
#[derive(Debug)]
pub struct Ear {
    bell: Bell,
    heard: u64,
}

impl Bell {
    /// Something has changed.
    pub fn ring(&self) {
        self.0.rung.fetch_add(1, Ordering::SeqCst);
        self.0.notify.notify_waiters();
    }

    /// Listens from now on.
    pub fn listen(&self) -> Ear {
        Ear { bell: self.clone(), heard: self.0.rung.load(Ordering::SeqCst) }
    }
}

impl Ear {
    /// What was rung up to now is known: whoever looks afterwards sees it.
    pub fn heed(&mut self) {
        self.heard = self.bell.0.rung.load(Ordering::SeqCst);
    }

    /// Until it has been rung since the last [`Ear::heed`].
    pub async fn rung(&self) {
        loop {
            let mut notified = std::pin::pin!(self.bell.0.notify.notified());
            // In line before the look, so that nothing is rung between the two.
            notified.as_mut().enable();
            if self.bell.0.rung.load(Ordering::SeqCst) != self.heard {
                return;
            }
            notified.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::Bell;

    #[tokio::test(start_paused = true)]
    async fn what_was_rung_before_or_while_somebody_waits_is_heard_once() {
        let bell = Bell::default();
        let mut ear = bell.listen();
        assert!(timeout(Duration::from_secs(1), ear.rung()).await.is_err());
        bell.ring();
        ear.rung().await;
        ear.heed();
        let other = bell.clone();
        let ring = tokio::spawn(async move { other.ring() });
        ear.rung().await;
        ring.await.unwrap();
        ear.heed();
        assert!(timeout(Duration::from_secs(1), ear.rung()).await.is_err());
    }
}
