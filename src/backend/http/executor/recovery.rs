//! When an executor whose agent is away tries again, and when it gives up: Mesos' own rules.
//!
//! A checkpointing executor outlives its agent for the recovery timeout. Any other ends when it loses its agent, which
//! takes it for dead. An agent that was started again waits for its executors only for the time within which each of
//! them promises to try once (MESOS_SUBSCRIPTION_BACKOFF_MAX).
//!
//! # Invariants
//! * No clock, no randomness: both come with the calls.
//! * Trying again never begins the time anew: only a subscription does.

use std::time::Duration;
use tokio::time::Instant;

/// How long an agent waits for an executor that it has started (its `executor_registration_timeout`).
const REGISTRATION_TIMEOUT: Duration = Duration::from_secs(60);

/// Whatever the environment says, attempts are no busy loop.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// What an executor's environment says about it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    /// MESOS_CHECKPOINT
    pub(crate) checkpoint: bool,
    /// MESOS_RECOVERY_TIMEOUT
    pub(crate) recovery_timeout: Duration,
    /// MESOS_SUBSCRIPTION_BACKOFF_MAX
    pub(crate) backoff_max: Duration,
}

/// Where one executor is with that.
#[derive(Debug)]
pub(super) struct Recovery {
    policy: Policy,
    /// when it gives up; `None` while there is a subscription, or if that is never
    deadline: Option<Instant>,
    tried: bool,
}

/// What to do without a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// try, after this pause
    Try(Duration),
    /// the agent is taken for lost
    GiveUp,
}

impl Recovery {
    /// An executor that starts at `now`.
    pub(super) fn new(policy: Policy, now: Instant) -> Self {
        let limit = if policy.checkpoint { policy.recovery_timeout } else { REGISTRATION_TIMEOUT };
        Self { policy, deadline: now.checked_add(limit), tried: false }
    }

    pub(super) fn subscribed(&mut self) {
        self.deadline = None;
    }

    /// The subscription has ended.
    pub(super) fn lost(&mut self, now: Instant) {
        let limit = if self.policy.checkpoint { self.policy.recovery_timeout } else { Duration::ZERO };
        self.deadline = now.checked_add(limit);
    }

    /// `random` is anything from 0 to 1.
    pub(super) fn next(&mut self, now: Instant, random: f64) -> Next {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            return Next::GiveUp;
        }
        if !std::mem::replace(&mut self.tried, true) {
            return Next::Try(Duration::ZERO);
        }
        // half of what is promised is left for the attempt itself
        Next::Try(self.policy.backoff_max.mul_f64(random / 2.0).max(SHORTEST_PAUSE))
    }

    /// When trying is over.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn policy(checkpoint: bool) -> Policy {
        Policy { checkpoint, recovery_timeout: 900 * SECOND, backoff_max: 2 * SECOND }
    }

    /// How long it tries from `from` on, when every attempt fails at once; and the longest pause.
    fn tries(recovery: &mut Recovery, from: Instant) -> (Duration, Duration) {
        let mut random = fastrand::Rng::with_seed(1);
        let (mut now, mut longest) = (from, Duration::ZERO);
        while let Next::Try(pause) = recovery.next(now, random.f64()) {
            longest = longest.max(pause);
            now += pause;
        }
        (now - from, longest)
    }

    #[test]
    fn the_first_attempt_is_at_once() {
        let now = Instant::now();
        assert_eq!(Recovery::new(policy(false), now).next(now, 0.9), Next::Try(Duration::ZERO));
    }

    #[test]
    fn with_checkpoints_it_tries_for_the_recovery_timeout() {
        let now = Instant::now();
        let mut recovery = Recovery::new(policy(true), now);
        for lost in [now, now + 5000 * SECOND, now + 9000 * SECOND] {
            recovery.subscribed();
            assert_eq!(recovery.deadline(), None);
            recovery.lost(lost);
            let (tried, longest) = tries(&mut recovery, lost);
            assert!(tried >= 900 * SECOND && tried <= 901 * SECOND, "{tried:?}");
            assert!(longest <= SECOND, "it promises an attempt within 2 s: {longest:?}");
        }
    }

    #[test]
    fn without_checkpoints_a_lost_agent_is_the_end() {
        let now = Instant::now();
        let mut recovery = Recovery::new(policy(false), now);
        assert!(tries(&mut recovery, now).0 >= REGISTRATION_TIMEOUT, "at first the agent may be busy");
        recovery.subscribed();
        recovery.lost(now + SECOND);
        assert_eq!(recovery.next(now + SECOND, 0.0), Next::GiveUp);
    }

    #[test]
    fn the_time_does_not_begin_anew_with_each_attempt() {
        let now = Instant::now();
        let mut recovery = Recovery::new(policy(true), now);
        recovery.subscribed();
        recovery.lost(now);
        assert!(matches!(recovery.next(now + 899 * SECOND, 0.5), Next::Try(_)));
        assert_eq!(recovery.next(now + 900 * SECOND, 0.5), Next::GiveUp);
        recovery.subscribed();
        recovery.lost(now + 1000 * SECOND);
        assert!(matches!(recovery.next(now + 1899 * SECOND, 0.5), Next::Try(_)));
    }

    #[test]
    fn a_timeout_beyond_the_clock_is_never() {
        let now = Instant::now();
        let policy = Policy { recovery_timeout: Duration::MAX, ..policy(true) };
        let mut recovery = Recovery::new(policy, now);
        assert!(matches!(recovery.next(now + 1_000_000 * SECOND, 1.0), Next::Try(_)));
    }
}
