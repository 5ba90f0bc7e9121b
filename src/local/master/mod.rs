//! The master: frameworks and their connections, agents, offers, tasks.
//!
//! `calls.rs` takes the calls of frameworks; `subscribe.rs` lets frameworks come, change and go; `offers.rs` makes offers
//! and takes ACCEPT and DECLINE; `launch.rs` lets tasks go to agents; `tasks.rs` has what concerns a task that runs:
//! updates, acknowledgements, kills, reconciliation; `executors.rs` has the executors, `operations.rs` and `resize.rs` what
//! else can be done with an offer; `inverse.rs` asks frameworks to leave agents; `agents.rs` lets agents go and come back;
//! `records.rs` keeps what operators ask for, `metrics.rs` counts, `operators` answers them.
//!
//! # Invariants
//! * It answers as Apache Mesos 1.11 does: codes, events, the fields that are set in them, and the words.
//! * A framework has at most one connection. What is sent without one is dropped, as Mesos does: reliable is
//!   only what agents send again.
//! * An offer is one agent's resources for one role of one framework; it ends with its answer, its agent, its
//!   role, or the connection.
//! * A task is known from its launch to the acknowledgement of its terminal update. Its resources are free as soon
//!   as the agent knows that it ended.
//!
//! What a real cluster has and this one has not yet: the operations CREATE_DISK and DESTROY_DISK. Tasks that need them end in TASK_ERROR, operations with an id in OPERATION_ERROR, both with a message that says so.

mod agents;
mod calls;
mod events;
mod executors;
mod inverse;
mod launch;
mod metrics;
mod offers;
mod operations;
mod operators;
mod records;
mod resize;
mod subscribe;
mod tasks;

use super::action::Action;
use super::agent;
use super::allocator::Allocator;
use super::clock::{Entropy, Time};
use super::counters::Counters;
use super::operator::Verbosity;
use super::owner::Owner;
use super::reply::Reply;
use super::resources::Resources;
use super::updates::Update;
use crate::proto::mesos::v1::framework_info::capability::Type as Capability;
use crate::proto::mesos::v1::master as operator;
use crate::proto::mesos::v1::scheduler::call::Subscribe;
use crate::proto::mesos::v1::scheduler::{Call, Event};
use crate::proto::mesos::v1::{self, ExecutorInfo, FrameworkInfo, MasterInfo, OperationStatus};
use agents::Unreachable;
pub(crate) use agents::{AgentInfo, Change};
use bytes::Bytes;
pub(crate) use events::VERSION;
use inverse::InverseOffer;
use offers::Tell;
pub(crate) use operations::finished;
use operators::{Drain, Maintenance, Watcher};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// How often a connection hears from the master at least.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(15);

/// What the master is told.
#[derive(Debug)]
pub(crate) enum Input {
    /// A SUBSCRIBE; its request number becomes the number of the stream.
    Subscribe {
        request: u64,
        subscribe: Box<Subscribe>,
    },
    /// Any other call, and the stream id that came with it.
    Call {
        request: u64,
        call: Box<Call>,
        stream_id: Option<String>,
    },
    /// A call of an operator; if it subscribes, the request's number becomes that of the stream.
    Operator {
        request: u64,
        call: Box<operator::Call>,
    },
    /// A stream was closed by its reader.
    Closed {
        stream: u64,
    },
    AddAgent(AgentInfo),
    ChangeAgent {
        agent: String,
        change: Change,
    },
    /// Another master takes over.
    FailOver,
    /// From an agent.
    Update {
        agent: String,
        update: Box<Update>,
    },
    /// from an executor to its scheduler
    Message {
        agent: String,
        framework: String,
        executor: String,
        data: Bytes,
    },
    /// An operation on an agent has succeeded.
    Operation {
        framework: String,
        status: Box<OperationStatus>,
    },
    /// with its status of wait(2)
    ExecutorExited {
        agent: String,
        framework: String,
        executor: String,
        status: i32,
    },
    Tick,
}

/// What the master wants done.
#[derive(Debug, PartialEq)]
pub(crate) enum Output {
    Agent {
        agent: String,
        input: agent::Input,
    },
    /// An operator says that an agent will never be again.
    Gone {
        agent: String,
    },
    /// An agent's machine is taken down.
    Down {
        agent: String,
    },
    Outside(Action),
}

impl From<Action> for Output {
    fn from(action: Action) -> Self {
        Self::Outside(action)
    }
}

#[derive(Debug)]
struct Framework {
    info: Arc<FrameworkInfo>,
    connection: Option<Connection>,
    /// when it is removed if it does not come back; only without a connection
    removal: Option<Time>,
    registered: Time,
    /// when it subscribed last
    reregistered: Time,
    /// when it was removed
    unregistered: Option<Time>,
    /// known to a new master by its agents only, until it subscribes
    recovered: bool,
    tasks: BTreeMap<String, Task>,
    /// the latest of those that have ended
    completed: VecDeque<v1::Task>,
    /// by agent and executor id
    executors: BTreeMap<(String, String), Executor>,
    /// those with an id whose end is not acknowledged, by that id
    operations: BTreeMap<String, v1::Operation>,
}

/// An executor that an agent runs for a framework; not those that only run a command.
#[derive(Debug)]
struct Executor {
    info: ExecutorInfo,
    role: String,
    resources: Resources,
}

#[derive(Debug)]
struct Connection {
    stream: u64,
    id: String,
    /// when to send the next heartbeat
    heartbeat: Time,
}

#[derive(Debug)]
struct Offer {
    framework: String,
    agent: String,
    role: String,
    resources: Resources,
    /// when it is taken back
    timeout: Option<Time>,
}

#[derive(Debug)]
struct Task {
    /// as operators see it
    seen: Box<v1::Task>,
    role: String,
    resources: Resources,
}

/// The master's state.
pub(crate) struct Master {
    info: MasterInfo,
    /// when it was, and when it was elected
    started: Time,
    entropy: Box<dyn Entropy>,
    allocator: Allocator,
    frameworks: BTreeMap<String, Framework>,
    /// the latest of the frameworks that were removed
    completed: VecDeque<Framework>,
    agents: BTreeMap<String, AgentInfo>,
    /// those of the agents that are disconnected
    away: BTreeSet<String>,
    unreachable: BTreeMap<String, Unreachable>,
    gone: BTreeSet<String>,
    offers: BTreeMap<String, Offer>,
    offer_timeout: Option<Duration>,
    inverse_offers: BTreeMap<String, InverseOffer>,
    maintenance: Maintenance,
    /// agents that operators have deactivated
    deactivated: BTreeSet<String>,
    /// those of them that are drained, too
    draining: BTreeMap<String, Drain>,
    /// operators
    watchers: Vec<Watcher>,
    verbosity: Verbosity,
    counters: Counters,
    next_framework: u64,
    next_offer: u64,
    out: Vec<Output>,
}

impl Master {
    pub(crate) fn new(
        now: Time,
        address: SocketAddr,
        mut entropy: Box<dyn Entropy>,
        offer_timeout: Option<Duration>,
    ) -> Self {
        let id = uuid::Uuid::from_bytes(entropy.uuid()).to_string();
        Self {
            info: events::master_info(id, address),
            started: now,
            entropy,
            allocator: Allocator::default(),
            frameworks: BTreeMap::new(),
            completed: VecDeque::new(),
            agents: BTreeMap::new(),
            away: BTreeSet::new(),
            unreachable: BTreeMap::new(),
            gone: BTreeSet::new(),
            offers: BTreeMap::new(),
            offer_timeout,
            inverse_offers: BTreeMap::new(),
            maintenance: Maintenance::default(),
            deactivated: BTreeSet::new(),
            draining: BTreeMap::new(),
            watchers: Vec::new(),
            verbosity: Verbosity::default(),
            counters: metrics::counters(),
            next_framework: 0,
            next_offer: 0,
            out: Vec::new(),
        }
    }

    /// Ids of frameworks, agents and offers begin with this.
    pub(crate) fn id(&self) -> &str {
        &self.info.id
    }

    /// Takes one input.
    pub(crate) fn step(&mut self, now: Time, input: Input) -> Vec<Output> {
        match input {
            Input::Subscribe { request, subscribe } => self.subscribe(now, request, *subscribe),
            Input::Call { request, call, stream_id } => {
                let reply = self.call(now, *call, stream_id.as_deref());
                // Whoever sees the answer may rely on what it says having happened, but not on its events.
                self.out.push(Action::Reply { request, reply }.into());
            }
            Input::Operator { request, call } => self.operate(now, request, *call),
            Input::Closed { stream } => {
                if !self.stopped_watching(stream) {
                    self.disconnected(now, stream);
                }
            }
            Input::AddAgent(agent) => {
                self.allocator.add_agent(now, &agent.id, agent.resources.clone(), agent.traits());
                self.maintenance.inhabit(agent.machine());
                self.counters.count("messages_register_slave");
                self.counters.count("slave_registrations");
                let id = agent.id.clone();
                self.agents.insert(id.clone(), agent);
                self.agent_added(&id);
            }
            Input::ChangeAgent { agent, change } => self.change_agent(now, &agent, change),
            Input::FailOver => self.fail_over(now),
            Input::Update { agent, update } => self.update(now, &agent, *update),
            Input::Message { agent, framework, executor, data } => {
                self.count_message(&agent, &framework);
                self.send(&framework, events::message(&agent, &executor, data));
            }
            Input::Operation { framework, status } => self.operation_update(&framework, *status),
            Input::ExecutorExited { agent, framework, executor, status } => {
                self.executor_exited(now, &framework, &agent, executor, status);
            }
            Input::Tick => self.tick(now),
        }
        self.settle_draining();
        self.offer(now);
        std::mem::take(&mut self.out)
    }

    /// When the next `Tick` is due.
    pub(crate) fn due(&self) -> Option<Time> {
        let framework = |framework: &Framework| {
            framework.removal.or(framework.connection.as_ref().map(|connection| connection.heartbeat))
        };
        let inverse = self.inverse_offers.values().filter_map(|offer| offer.timeout);
        let timeouts = self.offers.values().filter_map(|offer| offer.timeout).chain(inverse);
        let watchers = self.watchers.iter().map(|watcher| watcher.heartbeat);
        let own = self.frameworks.values().filter_map(framework).chain(timeouts).chain(watchers);
        own.chain(self.allocator.due()).min()
    }

    fn tick(&mut self, now: Time) {
        self.tick_watchers(now);
        for framework in self.frameworks.values_mut() {
            if let Some(connection) = framework.connection.as_mut().filter(|this| this.heartbeat <= now) {
                connection.heartbeat = now + HEARTBEAT;
                self.out.push(
                    Action::Event { stream: connection.stream, event: events::heartbeat().into() }.into(),
                );
            }
        }
        self.take_offers_back(now, Tell::Rescind, |offer| {
            offer.timeout.is_some_and(|timeout| timeout <= now)
        });
        self.take_inverse_offers_back(now, Tell::Rescind, |_, _, timeout| {
            timeout.is_some_and(|timeout| timeout <= now)
        });
        let overdue = |framework: &&Framework| framework.removal.is_some_and(|removal| removal <= now);
        let ids: Vec<String> = self.frameworks.values().filter(overdue).map(Framework::id).collect();
        for id in ids {
            self.remove_framework(now, &id);
        }
    }

    fn send(&mut self, framework: &str, event: Event) {
        if let Some(connection) = self.frameworks.get(framework).and_then(|this| this.connection.as_ref()) {
            self.out.push(Action::Event { stream: connection.stream, event: event.into() }.into());
        }
    }

    /// Passes on what an agent should do; there is nobody to tell if it is gone.
    fn tell_agent(&mut self, agent: &str, input: agent::Input) {
        if self.hears(agent) {
            self.out.push(Output::Agent { agent: agent.into(), input });
        }
    }
}

impl Framework {
    fn new(now: Time, info: Arc<FrameworkInfo>) -> Self {
        let (tasks, completed, executors, operations) = Default::default();
        Self {
            info,
            connection: None,
            removal: None,
            registered: now,
            reregistered: now,
            unregistered: None,
            recovered: false,
            tasks,
            completed,
            executors,
            operations,
        }
    }

    fn id(&self) -> String {
        self.info.id.as_ref().map(|id| id.value.clone()).unwrap_or_default()
    }

    fn can(&self, capability: Capability) -> bool {
        super::owner::can(&self.info, capability)
    }

    fn owner(&self) -> Owner {
        Owner::new(self.info.clone())
    }
}
