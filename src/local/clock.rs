//! Time and chance, the two things that the state machines of the embedded cluster may not take for themselves.
//!
//! This is the only file of `src/local` that reads a clock, waits or draws a number (a test sees to it), so that
//! the machines can run in virtual time with a seed.

use std::time::{Duration, Instant, SystemTime};

/// A point in time, since the Unix epoch. It never goes back, even if the system's clock does.
pub(crate) type Time = Duration;

/// Where random numbers come from.
pub(crate) trait Entropy: Send {
    /// A random UUID (version 4).
    fn uuid(&mut self) -> [u8; 16];
    /// A number below `bound`, which is not 0.
    fn below(&mut self, bound: usize) -> usize;
}

/// The system's time, as it was at the start plus what has passed since.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemClock {
    started: Instant,
    epoch: Time,
}

impl SystemClock {
    pub(crate) fn new() -> Self {
        let epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), epoch }
    }

    pub(crate) fn now(&self) -> Time {
        self.epoch + self.started.elapsed()
    }

    /// Waits for a point in time; `None` never comes.
    pub(crate) async fn reach(&self, time: Option<Time>) {
        match time
            .map(|time| time.saturating_sub(self.epoch))
            .and_then(|after| self.started.checked_add(after))
        {
            Some(instant) => tokio::time::sleep_until(instant.into()).await,
            None => std::future::pending().await,
        }
    }
}

/// The system's random numbers.
#[derive(Debug)]
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn uuid(&mut self) -> [u8; 16] {
        uuid::Uuid::new_v4().into_bytes()
    }

    fn below(&mut self, bound: usize) -> usize {
        fastrand::usize(..bound)
    }
}

/// Waits.
pub(crate) async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Gives up on something that takes longer than `limit`.
pub(crate) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, work).await.ok()
}
