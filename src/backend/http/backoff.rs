//! How long to wait after a failed attempt: a random part of a bound that doubles.
//!
//! The whole wait is random, so that the frameworks of a cluster whose master came back do not come back at once.
//! Where masters are there and only have to elect one of them, or it to get ready, the bound stays where it is: the
//! wait is for them, and the framework's tasks wait too.

use super::Timing;
use std::time::Duration;

/// A bound below this would make a busy loop of a short `failover_timeout`.
const SHORTEST_BOUND: Duration = Duration::from_millis(100);

/// The pauses of one driver.
#[derive(Debug)]
pub(in crate::backend) struct Backoff {
    first: Duration,
    longest: Duration,
    bound: Duration,
}

impl Backoff {
    /// Pauses up to `timing.longest_pause`, and up to a tenth of `failover_timeout` if there is one: whoever
    /// waits longer finds its tasks killed.
    pub(in crate::backend) fn new(timing: &Timing, failover_timeout: Duration) -> Self {
        let tenth = failover_timeout / 10;
        let longest = match tenth.max(SHORTEST_BOUND) {
            _ if tenth.is_zero() => timing.longest_pause,
            tenth => tenth.min(timing.longest_pause),
        };
        let first = timing.pause.min(longest);
        Self { first, longest, bound: first }
    }

    /// The next pause: anything from nothing to the bound.
    pub(in crate::backend) fn pause(&mut self) -> Duration {
        let pause = self.bound.mul_f64(fastrand::f64());
        self.bound = (self.bound * 2).min(self.longest);
        pause
    }

    /// The next pause while masters get ready: anything from nothing to the shortest bound.
    pub(super) fn short_pause(&self) -> Duration {
        self.first.mul_f64(fastrand::f64())
    }

    /// Things went well: begin again with the shortest bound.
    pub(super) fn reset(&mut self) {
        self.bound = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(failover_timeout: Duration) -> Vec<u128> {
        let mut backoff = Backoff::new(&Timing::default(), failover_timeout);
        let next = |_| {
            let bound = backoff.bound;
            assert!(backoff.pause() <= bound);
            bound.as_millis()
        };
        (0..7).map(next).collect()
    }

    #[test]
    fn bounds_double_up_to_a_minute() {
        assert_eq!(bounds(Duration::ZERO), [2000, 4000, 8000, 16000, 32000, 60000, 60000]);
        assert_eq!(bounds(Duration::from_secs(604_800)), bounds(Duration::ZERO));
    }

    #[test]
    fn a_short_failover_timeout_shortens_them() {
        assert_eq!(bounds(Duration::from_secs(50)), [2000, 4000, 5000, 5000, 5000, 5000, 5000]);
        assert_eq!(bounds(Duration::from_secs(10)), [1000; 7]);
        assert_eq!(bounds(Duration::from_millis(1)), [100; 7]);
    }

    #[test]
    fn masters_that_get_ready_are_asked_every_two_seconds() {
        let mut backoff = Backoff::new(&Timing::default(), Duration::ZERO);
        assert!((0..7).map(|_| backoff.pause()).sum::<Duration>() > Duration::ZERO);
        let pauses: Vec<_> = (0..200).map(|_| backoff.short_pause().as_millis()).collect();
        assert!(pauses.iter().all(|pause| *pause <= 2000) && pauses.iter().any(|pause| *pause > 1500));
        assert_eq!(backoff.bound.as_millis(), 60_000, "what fails otherwise is not asked more often");
    }

    #[test]
    fn pauses_are_spread_and_a_reset_begins_again() {
        let mut backoff = Backoff::new(&Timing::default(), Duration::ZERO);
        let pauses: Vec<_> = (0..200)
            .map(|_| {
                backoff.reset();
                backoff.pause().as_millis()
            })
            .collect();
        assert!(pauses.iter().all(|pause| *pause <= 2000));
        assert!(pauses.iter().any(|pause| *pause < 500) && pauses.iter().any(|pause| *pause > 1500));
    }
}
