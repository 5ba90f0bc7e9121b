//! What differs between the APIs that drivers speak: where they are, whose they are, what a call says besides itself.
//!
//! # Invariants
//! * Everything else on the wire is the same for both: `attempt`, `subscription` and `calls` know no API by name.

use super::master::SCHEDULER_API;

/// One API of Mesos'.
#[derive(Debug)]
pub(super) struct Api {
    /// below an endpoint's prefix
    pub(super) path: &'static str,
    /// who serves it, for messages
    pub(super) server: &'static str,
    /// whether an accepted SUBSCRIBE names the stream, and every call has to name it, too
    pub(super) names_streams: bool,
    /// what says to it who asks
    pub(super) login: &'static str,
    /// what a 403 to SUBSCRIBE means
    pub(super) forbidden: &'static str,
}

/// A master's, for schedulers.
pub(super) static SCHEDULER: Api = Api {
    path: SCHEDULER_API,
    server: "master",
    names_streams: true,
    login: "credential or token",
    forbidden: "the principal may not subscribe this framework",
};

/// An agent's, for executors.
pub(super) static EXECUTOR: Api = Api {
    path: "/api/v1/executor",
    server: "agent",
    names_streams: false,
    login: "MESOS_EXECUTOR_AUTHENTICATION_TOKEN",
    forbidden: "MESOS_EXECUTOR_AUTHENTICATION_TOKEN is not that of this executor",
};
