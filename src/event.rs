//! What a backend can say (`Event`) and what a program can say (`Call`): the two arrows of ARCHITECTURE.md.
//!
//! Plain Rust, for every backend and for both drivers. Messages that belong to the user travel as wire
//! bytes, validated by `wire::validate` where they came in (`Bytes` slices of one record, no copies).
//!
//! # Invariants
//! * An `Event` holds only validated bytes: turning one into a Python object cannot fail on its contents.
//! * A `Call` is complete and checked: a backend has nothing to ask back and nothing to refuse.
//! * Neither knows Python, C++ or a transport.

use bytes::Bytes;

/// Everything that Mesos, through a backend, can tell a driver. Each `Bytes` names its message type.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// A (re)subscription was accepted. The driver decides whether it is `registered` or `reregistered`.
    Subscribed {
        /// `FrameworkID`
        framework_id: Bytes,
        /// `MasterInfo`; masters before 1.1 send none
        master_info: Option<Bytes>,
    },
    /// The stream is gone: offers are void, calls are dropped until the next `Subscribed`.
    /// Sent once per subscription that had been announced.
    Disconnected,
    /// `Offer`s, never empty
    Offers(Vec<Bytes>),
    /// `InverseOffer`s, never empty
    InverseOffers(Vec<Bytes>),
    /// `OfferID`
    OfferRescinded(Bytes),
    /// `OfferID`
    InverseOfferRescinded(Bytes),
    /// `TaskStatus`
    StatusUpdate(Bytes),
    /// `OperationStatus`
    OperationStatusUpdate(Bytes),
    /// A message from an executor.
    FrameworkMessage {
        /// `ExecutorID`
        executor_id: Bytes,
        /// `AgentID`
        agent_id: Bytes,
        /// what the executor sent, as it sent it
        data: Bytes,
    },
    /// An agent was removed.
    AgentLost {
        /// `AgentID`
        agent_id: Bytes,
    },
    /// An executor ended.
    ExecutorLost {
        /// `ExecutorID`
        executor_id: Bytes,
        /// `AgentID`
        agent_id: Bytes,
        /// raw wait status
        status: i32,
    },
    /// The master refused one call with a 4xx; the driver goes on.
    CallRejected {
        /// `scheduler.Call` or `executor.Call`, as it was sent
        call: Bytes,
        /// HTTP status code
        code: u16,
        /// the master's words
        message: String,
    },
    /// An executor's (re)subscription was accepted. The driver decides whether it is `registered` or `reregistered`.
    ExecutorSubscribed(Placement),
    /// `TaskInfo`, to be run by this executor
    Launch(Bytes),
    /// `TaskGroupInfo`, to be run by this executor, all or none
    LaunchGroup(Bytes),
    /// A task of this executor is to end.
    Kill {
        /// `TaskID`
        task_id: Bytes,
        /// `KillPolicy`, instead of the task's own
        kill_policy: Option<Bytes>,
    },
    /// What the scheduler sent to this executor, as it sent it.
    SchedulerMessage(Bytes),
    /// This executor is to end its tasks and itself; nothing else comes after it.
    Shutdown,
    /// The end: the driver aborts, then `error` is called. The backend sends nothing after it.
    Error(Failure),
}

/// Where an executor runs, and for whom.
#[derive(Debug, Clone)]
pub(crate) struct Placement {
    /// `ExecutorInfo`
    pub(crate) executor_info: Bytes,
    /// `FrameworkInfo`
    pub(crate) framework_info: Bytes,
    /// `AgentInfo`
    pub(crate) agent_info: Bytes,
}

/// Why a backend gave up; decides the type of the Python exception.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// which exception it becomes
    pub(crate) kind: FailureKind,
    /// what was wrong and what to do; never holds a secret
    pub(crate) message: String,
}

impl Failure {
    /// What Mesos has refused or reported, by its words: who asks, and what that one may do, is a kind of its own.
    pub(crate) fn of_mesos(message: String) -> Self {
        let about_who_asks = ["uthenticat", "ot authorized"].iter().any(|words| message.contains(words));
        let kind = if about_who_asks { FailureKind::Authentication } else { FailureKind::Mesos };
        Self { kind, message }
    }
}

/// The kinds of `Failure`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// an ERROR event of the master (`DriverAbortedError`)
    Mesos,
    /// who asks, or what that one may not do: 401, or 403 on SUBSCRIBE (`AuthenticationError`)
    Authentication,
    /// not Mesos, or not its v1 API; or no master within `connect_timeout` (`MasterConnectionError`)
    Connection,
}

/// Everything that a program can tell Mesos. Each `Bytes` names its message type.
#[derive(Debug, Clone)]
pub(crate) enum Call {
    /// `OfferID`s, `Offer.Operation`s, `Filters`
    Accept { offer_ids: Vec<Bytes>, operations: Vec<Bytes>, filters: Option<Bytes> },
    /// `OfferID`s, `Filters`
    Decline { offer_ids: Vec<Bytes>, filters: Option<Bytes> },
    /// `OfferID`s, `Filters`
    AcceptInverseOffers { offer_ids: Vec<Bytes>, filters: Option<Bytes> },
    /// `OfferID`s, `Filters`
    DeclineInverseOffers { offer_ids: Vec<Bytes>, filters: Option<Bytes> },
    /// empty = all roles
    Revive { roles: Vec<String> },
    /// empty = all roles
    Suppress { roles: Vec<String> },
    /// `TaskID`, `AgentID`, `KillPolicy`
    Kill { task_id: Bytes, agent_id: Option<Bytes>, kill_policy: Option<Bytes> },
    /// `ExecutorID`, `AgentID`
    Shutdown { executor_id: Bytes, agent_id: Bytes },
    /// `AgentID`, `TaskID`, the update's uuid
    Acknowledge { agent_id: Bytes, task_id: Bytes, uuid: Bytes },
    /// `AgentID`, `ResourceProviderID`, the update's uuid, `OperationID`
    AcknowledgeOperation {
        agent_id: Option<Bytes>,
        resource_provider_id: Option<Bytes>,
        uuid: Bytes,
        operation_id: Bytes,
    },
    /// `scheduler.Call.Reconcile.Task`s; empty = implicit reconciliation
    Reconcile { tasks: Vec<Bytes> },
    /// `scheduler.Call.ReconcileOperations.Operation`s; empty = implicit
    ReconcileOperations { operations: Vec<Bytes> },
    /// `AgentID`, `ExecutorID`
    Message { agent_id: Bytes, executor_id: Bytes, data: Bytes },
    /// `Request`s
    Request { requests: Vec<Bytes> },
    /// `FrameworkInfo` (with its id), `scheduler.OfferConstraints`
    UpdateFramework { framework: Bytes, suppressed_roles: Vec<String>, offer_constraints: Option<Bytes> },
    /// an executor's: `TaskStatus` with all that the agent wants in it
    Update(Bytes),
    /// an executor's: data for its scheduler
    SchedulerMessage(Bytes),
}
