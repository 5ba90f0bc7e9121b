//! One agent: what runs on it, and how its framework hears of that.
//!
//! `commands.rs` runs tasks that are a command, in the place of Mesos' command executor; `groups.rs` runs task groups, in
//! the place of its default executor; `checks.rs` has tasks looked at, each as its `checker.rs` says; `executors.rs` has
//! the executors with a process of their own, and `subscription.rs` the API by which those speak; `ends.rs` tells all of
//! these to end, `draining.rs` empties the agent; `operations.rs` what changes the agent's resources; `recovery.rs` lets the
//! agent end and start again; `status.rs` puts statuses together; `records.rs` keeps what operators ask for and
//! `metrics.rs` counts, `operators.rs` answers them.
//!
//! # Invariants
//! * What is said of a task goes through `Updates`: in order, at least once.
//! * A framework that was shut down hears nothing more: what it had is ended in silence.
//! * An executor is known by its framework and its id. It has one run at a time.

mod checker;
mod checks;
mod commands;
mod draining;
mod ends;
mod events;
mod executors;
mod groups;
mod metrics;
mod operations;
mod operators;
mod records;
mod recovery;
mod status;
mod subscription;

use super::action::{Action, Happening};
use super::clock::{Entropy, Time};
use super::operator::Verbosity;
use super::owner::Owner;
use super::probe::Found;
use super::process::{RunId, Signal};
use super::resources::Resources;
use super::token::{Claims, Key as TokenKey};
use super::updates::{Update, Updates};
use crate::proto::mesos::v1::agent as operator;
use crate::proto::mesos::v1::executor;
use crate::proto::mesos::v1::task_status::{Reason, Source};
use crate::proto::mesos::v1::{
    self, AgentInfo, DrainConfig, ExecutorInfo, KillPolicy, OperationStatus, TaskInfo, TaskState,
};
use bytes::Bytes;
use commands::Run;
use executors::Executor;
use groups::Group;
use operations::Pending;
use records::Records;
pub(crate) use records::{Executor as KnownExecutor, Framework as KnownFramework};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The grace period of a kill when neither the task nor the call has a policy, and of a command's shutdown.
const GRACE: Duration = Duration::from_secs(3);

/// What an agent is told.
#[derive(Debug, PartialEq)]
pub(crate) enum Input {
    /// a command, or a task for an executor of its own
    Run {
        owner: Owner,
        task: Box<TaskInfo>,
    },
    RunGroup {
        owner: Owner,
        executor: Box<ExecutorInfo>,
        tasks: Vec<TaskInfo>,
    },
    Kill {
        owner: Owner,
        task: String,
        policy: Option<KillPolicy>,
    },
    Acknowledge {
        framework: String,
        task: String,
        uuid: Vec<u8>,
    },
    /// from the scheduler to an executor
    Message {
        framework: String,
        executor: String,
        data: Bytes,
    },
    /// An operation has changed the agent's resources.
    Convert {
        framework: String,
        /// if its framework wants to hear of it
        operation: Option<Box<v1::Operation>>,
        created: Resources,
        destroyed: Resources,
    },
    AcknowledgeOperation {
        framework: String,
        operation: String,
        uuid: Vec<u8>,
    },
    ShutdownExecutor {
        framework: String,
        executor: String,
    },
    ShutdownFramework {
        framework: String,
    },
    /// Everything on it is to end.
    Drain(DrainConfig),
    Resume {
        framework: String,
    },
    /// A call of an executor; if it subscribes, the request's number becomes that of the stream.
    Call {
        request: u64,
        call: Box<executor::Call>,
        /// of its token, if the agent wants one
        claims: Option<Claims>,
    },
    /// of an operator
    Operator {
        request: u64,
        call: Box<operator::Call>,
    },
    /// An executor's stream was closed by its reader.
    Closed {
        stream: u64,
    },
    Happened {
        run: RunId,
        what: Happening,
    },
    /// The agent's own process ends, without a word.
    Stop,
    Start,
    /// It ends for good, with all that runs on it.
    Destroy,
    Tick,
}

/// What an agent wants done.
#[derive(Debug, PartialEq)]
pub(crate) enum Output {
    Update(Box<Update>),
    /// from an executor to its scheduler
    Message {
        framework: String,
        executor: String,
        data: Bytes,
    },
    /// An operation has succeeded.
    Operation {
        framework: String,
        status: Box<OperationStatus>,
    },
    /// An executor has ended, with this status of wait(2).
    ExecutorExited {
        framework: String,
        executor: String,
        status: i32,
    },
    Outside(Action),
}

impl From<Action> for Output {
    fn from(action: Action) -> Self {
        Self::Outside(action)
    }
}

/// A framework, and the id of one of its executors.
type Key = (String, String);

fn sent(update: Update) -> Output {
    Output::Update(Box::new(update))
}

/// How executors reach an agent, and what they have to show.
#[derive(Debug, Clone, Default)]
pub(crate) struct Access {
    /// the path of its Unix domain socket, if it has one
    pub(crate) socket: Option<PathBuf>,
    /// what signs their tokens, if they need one
    pub(crate) key: Option<TokenKey>,
}

/// An agent's state.
pub(crate) struct Agent {
    info: AgentInfo,
    index: usize,
    address: SocketAddr,
    access: Access,
    entropy: Box<dyn Entropy>,
    updates: Updates,
    /// commands, by themselves or in a group
    runs: BTreeMap<RunId, Run>,
    /// those that have, or had, something to wait for
    timed: BTreeSet<RunId>,
    /// looks at commands that are under way
    looks: BTreeMap<RunId, RunId>,
    groups: BTreeMap<Key, Group>,
    executors: BTreeMap<Key, Executor>,
    operations: Vec<Pending>,
    records: Records,
    /// how it is drained, while it is
    drain: Option<DrainConfig>,
    verbosity: Verbosity,
    /// frameworks that do not checkpoint
    fleeting: BTreeSet<String>,
    down: bool,
    /// when it started last
    since: Time,
    /// what happened while it was down
    missed: Vec<Input>,
    /// runs so far
    started: u64,
}

impl Agent {
    pub(crate) fn new(
        now: Time,
        index: usize,
        address: SocketAddr,
        access: Access,
        info: AgentInfo,
        entropy: Box<dyn Entropy>,
    ) -> Self {
        Self {
            info,
            index,
            address,
            access,
            entropy,
            updates: Updates::default(),
            runs: BTreeMap::new(),
            timed: BTreeSet::new(),
            looks: BTreeMap::new(),
            groups: BTreeMap::new(),
            executors: BTreeMap::new(),
            operations: Vec::new(),
            records: Records { counters: metrics::counters(), ..Records::default() },
            drain: None,
            verbosity: Verbosity::default(),
            fleeting: BTreeSet::new(),
            down: false,
            since: now,
            missed: Vec::new(),
            started: 0,
        }
    }

    /// Takes one input.
    pub(crate) fn step(&mut self, now: Time, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        let Some(input) = self.misses(input, &mut out) else { return out };
        let Some(input) = self.admit(now, input, &mut out) else { return out };
        if let Input::Run { owner, .. } | Input::RunGroup { owner, .. } = &input
            && !owner.checkpoints()
        {
            self.fleeting.insert(owner.id().into());
        }
        match input {
            Input::Run { owner, task } if task.executor.is_some() => {
                self.run_by_executor(now, owner, *task, &mut out);
            }
            Input::Run { owner, task } => self.run_command(owner, &task, &mut out),
            Input::RunGroup { owner, executor, tasks } => {
                self.run_group(now, owner, *executor, tasks, &mut out);
            }
            Input::Kill { owner, task, policy } => self.kill(now, &owner, &task, policy, &mut out),
            Input::Acknowledge { framework, task, uuid } => {
                out.extend(self.updates.acknowledge(now, &framework, &task, &uuid).map(sent));
                if !self.updates.knows(&framework, &task) {
                    self.records.acknowledged(&framework, &task);
                }
            }
            Input::Message { framework, executor, data } => {
                self.message(&(framework, executor), data, &mut out);
            }
            Input::ShutdownExecutor { framework, executor } => {
                self.shut_down_executor(now, &(framework, executor), &mut out);
            }
            Input::ShutdownFramework { framework } => self.shut_down_framework(now, &framework, &mut out),
            Input::Drain(config) => self.drain(now, config, &mut out),
            Input::Resume { framework } => {
                out.extend(self.updates.resume(now, &framework).into_iter().map(sent));
                self.resume_operations(&framework, &mut out);
            }
            Input::Convert { framework, operation, created, destroyed } => {
                self.convert(now, framework, operation, (&created, &destroyed), &mut out);
            }
            Input::AcknowledgeOperation { framework, operation, uuid } => {
                self.acknowledge_operation(&framework, &operation, &uuid);
            }
            Input::Call { request, call, claims } => {
                self.call(now, request, *call, claims.as_ref(), &mut out);
            }
            Input::Operator { request, call } => self.operate(now, request, &call, &mut out),
            Input::Closed { stream } => self.closed(stream),
            Input::Happened { run, what } => self.happened(now, run, what, &mut out),
            Input::Stop => self.stop(&mut out),
            Input::Start => self.start(now, &mut out),
            Input::Destroy => self.destroy(&mut out),
            Input::Tick => {
                self.tick_commands(now, &mut out);
                self.tick_executors(now, &mut out);
                self.tick_operations(now, &mut out);
                out.extend(self.updates.resend(now).into_iter().map(sent));
            }
        }
        self.settle_drain();
        out
    }

    fn happened(&mut self, now: Time, run: RunId, what: Happening, out: &mut Vec<Output>) {
        match what {
            Happening::Started(_) if self.is_stale(run) => {
                out.push(Action::Signal { run, signal: Signal::Kill }.into());
            }
            Happening::Started(pid) => {
                self.command_started(now, run, pid, out);
                self.executor_started(run, pid, out);
            }
            Happening::NotStarted(_) if self.looked(now, run, Found::Nothing, out) => {}
            Happening::NotStarted(why) => {
                self.command_not_started(now, run, &why, out);
                self.executor_exited(now, run, executors::NOT_EXECUTED, out);
            }
            Happening::NotFetched => self.not_fetched(now, run, out),
            Happening::Probed(found) => drop(self.looked(now, run, found, out)),
            Happening::Exited(exit) if self.looked(now, run, exit.into(), out) => {}
            Happening::Exited(exit) => {
                self.command_exited(now, run, exit, out);
                self.executor_exited(now, run, exit.status(), out);
            }
        }
    }

    /// When the next `Tick` is due.
    pub(crate) fn due(&self) -> Option<Time> {
        if self.down {
            return None;
        }
        let commands = self.timed.iter().filter_map(|id| self.runs.get(id)).filter_map(Run::due);
        let executors = self.executors.values().filter_map(Executor::due);
        let operations = self.operations.iter().map(Pending::due);
        commands.chain(executors).chain(operations).chain(self.updates.due()).min()
    }

    pub(crate) fn id(&self) -> &str {
        self.info.id.as_ref().map_or("", |id| &id.value)
    }

    fn next_run(&mut self) -> RunId {
        let run = RunId { agent: self.index, number: self.started };
        self.started += 1;
        run
    }

    fn new_container(&mut self) -> String {
        uuid::Uuid::from_bytes(self.entropy.uuid()).to_string()
    }
}

/// How long, if it is set and not negative.
fn period(nanoseconds: Option<i64>) -> Option<Duration> {
    nanoseconds.map(|nanoseconds| Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0)))
}
