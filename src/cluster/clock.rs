//! The time of a cluster. That of a real one is this machine's; that of a sandbox is virtual, and can leap over waiting.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// What time it is in a cluster. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<Virtual>>);

#[derive(Debug)]
struct Virtual {
    origin: Timestamp,
    began: Instant,
    /// How many times as fast as on the wall it goes while it may leap; 0: it leaps.
    pace: AtomicU32,
}

/// How often time that is played goes on, on the wall.
const STEP: Duration = Duration::from_millis(25);

thread_local! {
    /// How many ask for leaps now: time leaps for the runtime, which has only this thread, and so for all its clusters.
    static LEAPS: Cell<usize> = const { Cell::new(0) };
    /// How many wait for something outside of the runtime, so that time does not leap.
    static HELD: Cell<usize> = const { Cell::new(0) };
    /// What plays time, while it is played.
    static PLAYER: RefCell<Option<AbortHandle>> = const { RefCell::new(None) };
}

impl Clock {
    /// This machine's.
    pub fn real() -> Self {
        Self(None)
    }

    /// A clock that shows `origin` now and goes on with tokio's.
    pub fn starting_at(origin: Timestamp) -> Self {
        Self(Some(Arc::new(Virtual { origin, began: Instant::now(), pace: AtomicU32::new(0) })))
    }

    /// From now on virtual time does not leap: where it might, it goes so many times as fast as on the wall, for a person who
    /// looks on. 0: it leaps.
    pub fn play(&self, times: u32) {
        if let Some(it) = &self.0 {
            it.pace.store(times, Ordering::Relaxed);
        }
    }

    /// The time there.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            None => Timestamp::now(),
            Some(it) => {
                let passed = SignedDuration::try_from(it.began.elapsed()).unwrap_or(SignedDuration::MAX);
                it.origin.saturating_add(passed).unwrap_or(Timestamp::MAX)
            }
        }
    }

    /// As long as the guard lives, virtual time leaps to whatever is due next instead of passing. Only a runtime with a
    /// single thread knows that nothing else is to be done; elsewhere, and on a real clock, time passes as ever.
    #[must_use = "time leaps as long as this lives"]
    pub fn leap(&self) -> Leap {
        let leaps = self.0.is_some()
            && Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::CurrentThread);
        if leaps && LEAPS.replace(LEAPS.get() + 1) == 0 {
            tokio::time::pause();
            let pace = self.0.as_ref().map_or(0, |it| it.pace.load(Ordering::Relaxed));
            if pace > 0 {
                PLAYER.set(Some(tokio::spawn(play(pace)).abort_handle()));
            }
        }
        Leap(leaps)
    }

    /// Whether somebody asks for leaps of this time.
    fn is_leaping(&self) -> bool {
        self.0.is_some() && LEAPS.get() > 0
    }

    /// Lets so much time pass. Who waits for something outside may wait for just this, while time stands still: then it is moved on.
    pub async fn pass(&self, span: Duration) {
        let is_played = PLAYER.with_borrow(Option::is_some);
        if self.is_leaping() && HELD.get() > 0 && !is_played {
            tokio::time::advance(span).await;
        } else {
            tokio::time::sleep(span).await;
        }
    }

    /// Does what waits for a disk: on a thread for such work, and where time leaps here and now. Nothing happens meanwhile then, so
    /// that what happens does not hang on how fast a disk is.
    ///
    /// # Errors
    /// When the work has panicked.
    pub async fn at_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, tokio::task::JoinError> {
        if self.is_leaping() {
            return Ok(work());
        }
        tokio::task::spawn_blocking(work).await
    }

    /// Waits for something outside of the runtime (a disk, a socket), for which virtual time must not leap: to the
    /// runtime such a wait looks as if nothing were to be done.
    pub async fn outside<F: Future>(&self, work: F) -> F::Output {
        if !self.is_leaping() {
            return work.await;
        }
        // What is done already needs no thread, whose speed nothing may hang on in a simulation.
        let mut work = std::pin::pin!(work);
        if let std::task::Poll::Ready(output) = futures::poll!(work.as_mut()) {
            return output;
        }
        // tokio does not advance a paused clock while a blocking task runs.
        let (done, wait) = std::sync::mpsc::channel::<()>();
        let hold = tokio::task::spawn_blocking(move || wait.recv());
        let held = Held::new();
        let output = work.await;
        drop(held);
        drop(done);
        // It ends because its channel is closed; that is what it answers with.
        let _ = hold.await;
        output
    }
}

/// Counts a wait for something outside, however it ends.
struct Held;

impl Held {
    fn new() -> Self {
        HELD.set(HELD.get() + 1);
        Self
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        HELD.set(HELD.get() - 1);
    }
}

/// Lets paused time go on, step by step.
async fn play(times: u32) {
    loop {
        let began = std::time::Instant::now();
        // tokio does not advance a paused clock by itself while a blocking task runs. One that fails has slept, too.
        let _ = tokio::task::spawn_blocking(|| std::thread::sleep(STEP)).await;
        tokio::time::advance(began.elapsed() * times).await;
    }
}

/// See [`Clock::leap`].
#[derive(Debug)]
pub struct Leap(bool);

impl Drop for Leap {
    fn drop(&mut self) {
        // A guard that outlives its runtime has no clock to set.
        if self.0 && LEAPS.replace(LEAPS.get() - 1) == 1 {
            if let Some(player) = PLAYER.take() {
                player.abort();
            }
            if Handle::try_current().is_ok() {
                tokio::time::resume();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn virtual_time_leaps_only_while_it_is_asked_to() {
        let origin: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let (clock, began) = (Clock::starting_at(origin), std::time::Instant::now());
        let leap = clock.leap();
        tokio::time::sleep(Duration::from_secs(3600)).await;
        drop(leap);
        assert!(began.elapsed() < Duration::from_secs(60));
        let passed = clock.now().duration_since(origin).as_secs();
        assert!((3600..3660).contains(&passed), "{passed}");
    }

    #[tokio::test]
    async fn time_that_is_played_does_not_leap() {
        let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
        clock.play(100);
        let began = std::time::Instant::now();
        let leap = clock.leap();
        tokio::time::sleep(Duration::from_secs(10)).await;
        let passed = began.elapsed();
        drop(leap);
        assert!(passed >= Duration::from_millis(75), "it leapt: {passed:?}");
        assert!(clock.now() >= "1970-01-01T00:00:10Z".parse().unwrap());
        // And then it goes as on the wall again.
        let (before, wall) = (clock.now(), std::time::Instant::now());
        tokio::time::sleep(Duration::from_millis(20)).await;
        let difference = clock.now().duration_since(before).as_secs_f64() - wall.elapsed().as_secs_f64();
        assert!(difference.abs() < 1.0, "{difference}");
    }

    #[tokio::test]
    async fn what_happens_outside_takes_no_virtual_time() {
        let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
        let _leap = clock.leap();
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let outside = std::thread::spawn(move || sender.send(()));
        let timer = tokio::time::timeout(Duration::from_secs(3600), clock.outside(receiver));
        timer.await.expect("time leapt while a thread was at work").unwrap();
        outside.join().unwrap().unwrap();
    }
}
