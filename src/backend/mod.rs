//! The seam between a driver and Mesos: a `Backend` takes `Call`s and feeds `Event`s to the queue.
//!
//! # Invariants
//! * No method blocks; every method may be called from any thread.
//! * The backend owns the queue's `Sender`. It has ended when it drops it: every earlier call was answered
//!   or given up, its connections are closed. Nothing else signals the end.
//! * Calls are at most once: nothing is kept for, or replayed on, another subscription.

pub(crate) mod http;
pub(crate) mod libmesos;
pub(crate) mod said;

use crate::error::Result;
use crate::event::Call;
use crate::proto::mesos::v1::FrameworkInfo;
use crate::validate::roles;
use bytes::Bytes;
use prost::Message as _;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// One driver's line to Mesos.
pub(crate) trait Backend: Send + Sync {
    /// Queues a call behind the earlier ones. Dropped (and counted) while there is no subscription, and after `end`.
    /// Fails, and sends nothing, if Mesos has no such call over this backend.
    fn send(&self, call: Call) -> Result<()>;

    /// The same for an acknowledgement, from a thread that holds the GIL: true if it is left to `flush`.
    fn acknowledge(&self, call: Call) -> Result<bool> {
        self.send(call).map(|()| false)
    }

    /// Sends what `acknowledge` left. Not with the GIL held.
    fn flush(&self) -> Result<()> {
        Ok(())
    }

    /// Has another thread do that soon: the calling one has a handler to call.
    fn hand_over(&self) {}

    /// Ends behind the calls sent before. Only the first call has an effect, except that `Abort` cuts the others short.
    fn end(&self, how: End);

    /// What it has done so far.
    fn stats(&self) -> Stats;
}

/// How a backend ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Answer what is queued, then TEARDOWN, then close: the master kills the tasks. Waits `END_TIMEOUT` at most.
    Teardown,
    /// Answer what is queued, then close: the master waits `failover_timeout`. Waits `END_TIMEOUT` at most.
    Failover,
    /// Close now.
    Abort,
}

/// How long a stop waits for Mesos' answers before it closes without them.
pub(crate) const END_TIMEOUT: Duration = Duration::from_secs(5);

/// Counters of one backend, for `driver.stats`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Stats {
    /// calls written to a connection
    pub(crate) calls_sent: u64,
    /// calls the master refused with a 4xx
    pub(crate) calls_rejected: u64,
    /// calls that no subscription could take, or whose connection broke before the answer
    pub(crate) calls_dropped: u64,
    /// subscriptions after the first
    pub(crate) reconnects: u64,
    /// an executor's updates that the agent has not acknowledged
    pub(crate) unacknowledged: u64,
    /// when Mesos last said anything, heartbeats and answers too
    pub(crate) heard: Option<Instant>,
}

/// What a scheduler subscribes with: the fields of `scheduler.Call.Subscribe`.
#[derive(Debug, Clone)]
pub(crate) struct Subscription {
    /// `FrameworkInfo`; with an id when a framework is resumed
    pub(crate) framework: Bytes,
    /// roles that start without offers
    pub(crate) suppressed_roles: Vec<String>,
    /// `scheduler.OfferConstraints`
    pub(crate) offer_constraints: Option<Bytes>,
}

impl Subscription {
    /// The roles that the framework is in.
    fn roles(&self) -> BTreeSet<String> {
        FrameworkInfo::decode(&self.framework[..]).map(|info| roles(&info)).unwrap_or_default()
    }

    /// Notes that these roles, or all of them, are suppressed; sorted, each once.
    pub(crate) fn suppress(&mut self, roles: &[String]) {
        let mut suppressed = BTreeSet::from_iter(std::mem::take(&mut self.suppressed_roles));
        suppressed.extend(if roles.is_empty() { self.roles() } else { roles.iter().cloned().collect() });
        self.suppressed_roles = suppressed.into_iter().collect();
    }

    /// Notes that these roles, or all of them, are not suppressed.
    pub(crate) fn revive(&mut self, roles: &[String]) {
        self.suppressed_roles.retain(|role| !roles.is_empty() && !roles.contains(role));
    }

    /// Forgets suppressed roles that the framework has left: Mesos would refuse them.
    pub(crate) fn forget_left_roles(&mut self) {
        let roles = self.roles();
        self.suppressed_roles.retain(|role| roles.contains(role));
    }

    /// The call that makes it what a running framework is subscribed with.
    pub(crate) fn update(self) -> Call {
        let Self { framework, suppressed_roles, offer_constraints } = self;
        Call::UpdateFramework { framework, suppressed_roles, offer_constraints }
    }
}
