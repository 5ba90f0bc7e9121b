//! One agent: command tasks from launch to end, and the executor that Mesos would run each of them in.
//!
//! # Invariants
//! * A task's states are STARTING, RUNNING, perhaps KILLING, and one terminal state; each goes through `Updates`.
//! * A kill is SIGTERM, then SIGKILL after the grace period. A second kill may shorten that, never lengthen it.
//! * A framework that was shut down hears nothing more: its tasks are killed in silence.
//! * There is one process, and so one executor, per task; the executor's id is the task's.

use super::clock::{Entropy, Time};
use super::process::{Exit, Launch, RunId, Signal};
use super::updates::{Update, Updates};
use crate::proto::mesos::v1::task_status::{Reason, Source};
use crate::proto::mesos::v1::{
    AgentId, ContainerId, ContainerStatus, ExecutorId, KillPolicy, NetworkInfo, TaskId, TaskInfo, TaskState,
    TaskStatus, network_info,
};
use crate::task::is_terminal;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The grace period of a kill when neither the task nor the call has a policy, and of a shutdown.
const GRACE: Duration = Duration::from_secs(3);

/// What an agent needs to know of a framework.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) id: String,
    /// wants TASK_KILLING
    pub(crate) killing: bool,
    /// wants TASK_DROPPED rather than TASK_LOST
    pub(crate) partition_aware: bool,
}

/// What an agent is told.
#[derive(Debug, PartialEq)]
pub(crate) enum Input {
    Run { owner: Owner, task: Box<TaskInfo> },
    Kill { owner: Owner, task: String, policy: Option<KillPolicy> },
    Acknowledge { framework: String, task: String, uuid: Vec<u8> },
    ShutdownExecutor { framework: String, executor: String },
    ShutdownFramework { framework: String },
    Resume { framework: String },
    Started { run: RunId, pid: u32 },
    NotStarted { run: RunId, why: String },
    Exited { run: RunId, exit: Exit },
    Tick,
}

/// What an agent wants done.
#[derive(Debug, PartialEq)]
pub(crate) enum Output {
    Update(Box<Update>),
    Start { run: RunId, launch: Box<Launch> },
    Signal { run: RunId, signal: Signal },
}

#[derive(Debug)]
struct Run {
    owner: Owner,
    task: String,
    container: String,
    pid: Option<u32>,
    policy: Option<KillPolicy>,
    /// when the first kill came, and when it turns into SIGKILL (None once it did)
    killed: Option<(Time, Option<Time>)>,
    /// when the task must be done
    deadline: Option<Time>,
    /// the deadline has passed
    late: bool,
    /// nobody is to hear of it any more
    silent: bool,
}

fn sent(update: Update) -> Output {
    Output::Update(Box::new(update))
}

/// An agent's state.
pub(crate) struct Agent {
    id: String,
    index: usize,
    ip: String,
    entropy: Box<dyn Entropy>,
    updates: Updates,
    runs: BTreeMap<RunId, Run>,
    /// those that have, or had, something to wait for
    timed: BTreeSet<RunId>,
    started: u64,
}

impl Agent {
    pub(crate) fn new(index: usize, id: String, ip: String, entropy: Box<dyn Entropy>) -> Self {
        Self {
            id,
            index,
            ip,
            entropy,
            updates: Updates::default(),
            runs: BTreeMap::new(),
            timed: BTreeSet::new(),
            started: 0,
        }
    }

    /// Takes one input.
    pub(crate) fn step(&mut self, now: Time, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        match input {
            Input::Run { owner, task } => self.run(now, owner, &task, &mut out),
            Input::Kill { owner, task, policy } => self.kill(now, &owner, &task, policy.as_ref(), &mut out),
            Input::Acknowledge { framework, task, uuid } => {
                out.extend(self.updates.acknowledge(now, &framework, &task, &uuid).map(sent));
            }
            Input::ShutdownExecutor { framework, executor } => {
                for run in self.find(|run| run.owner.id == framework && run.task == executor) {
                    self.terminate(now, run, GRACE, &mut out);
                }
            }
            Input::ShutdownFramework { framework } => {
                self.updates.drop_framework(&framework);
                for run in self.find(|run| run.owner.id == framework) {
                    self.runs.get_mut(&run).into_iter().for_each(|run| run.silent = true);
                    self.terminate(now, run, GRACE, &mut out);
                }
            }
            Input::Resume { framework } => {
                out.extend(self.updates.resume(now, &framework).into_iter().map(sent));
            }
            Input::Started { run, pid } => self.started(now, run, pid, &mut out),
            Input::NotStarted { run, why } => {
                // What Mesos' launcher does, too: it ends with status 1 when there is nothing to execute.
                let message = format!("Command exited with status 1: {why}");
                self.report(now, run, TaskState::TaskStarting, None, None, &mut out);
                self.report(now, run, TaskState::TaskFailed, None, Some(message), &mut out);
                self.remove(run);
            }
            Input::Exited { run, exit } => self.exited(now, run, exit, &mut out),
            Input::Tick => self.tick(now, &mut out),
        }
        out
    }

    /// When the next `Tick` is due.
    pub(crate) fn due(&self) -> Option<Time> {
        let runs = self.timed.iter().filter_map(|id| self.runs.get(id));
        let timers = runs.flat_map(|run| [run.killed.and_then(|(_, escalate)| escalate), run.deadline]);
        timers.flatten().chain(self.updates.due()).min()
    }

    fn remove(&mut self, run: RunId) {
        self.runs.remove(&run);
        self.timed.remove(&run);
    }

    fn find(&self, meant: impl Fn(&Run) -> bool) -> Vec<RunId> {
        self.runs.iter().filter(|(_, run)| meant(run)).map(|(id, _)| *id).collect()
    }

    fn run(&mut self, now: Time, owner: Owner, task: &TaskInfo, out: &mut Vec<Output>) {
        let run = RunId { agent: self.index, number: self.started };
        self.started += 1;
        let container = uuid::Uuid::from_bytes(self.entropy.uuid()).to_string();
        let limit = task.max_completion_time.as_ref().map_or(0, |limit| limit.nanoseconds);
        let launch = Launch::of(&self.id, &owner.id, &container, task);
        if limit > 0 {
            self.timed.insert(run);
        }
        let task = task.clone();
        self.runs.insert(
            run,
            Run {
                owner,
                task: task.task_id.value,
                container,
                pid: None,
                policy: task.kill_policy,
                killed: None,
                deadline: u64::try_from(limit)
                    .ok()
                    .filter(|limit| *limit > 0)
                    .map(|limit| now + Duration::from_nanos(limit)),
                late: false,
                silent: false,
            },
        );
        out.push(Output::Start { run, launch: Box::new(launch) });
    }

    fn started(&mut self, now: Time, id: RunId, pid: u32, out: &mut Vec<Output>) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        run.pid = Some(pid);
        if run.silent {
            out.push(Output::Signal { run: id, signal: Signal::Kill });
            return;
        }
        self.report(now, id, TaskState::TaskStarting, None, None, out);
        self.report(now, id, TaskState::TaskRunning, None, None, out);
    }

    fn exited(&mut self, now: Time, id: RunId, exit: Exit, out: &mut Vec<Output>) {
        let Some(run) = self.runs.get(&id) else { return };
        let (state, reason) = match run {
            Run { late: true, .. } => (TaskState::TaskFailed, Some(Reason::MaxCompletionTimeReached)),
            Run { killed: Some(_), .. } => (TaskState::TaskKilled, None),
            _ if exit == Exit::Code(0) => (TaskState::TaskFinished, None),
            _ => (TaskState::TaskFailed, None),
        };
        self.report(now, id, state, reason, Some(format!("Command {exit}")), out);
        self.remove(id);
    }

    fn kill(
        &mut self,
        now: Time,
        owner: &Owner,
        task: &str,
        policy: Option<&KillPolicy>,
        out: &mut Vec<Output>,
    ) {
        let found = self.runs.iter().find(|(_, run)| run.owner.id == owner.id && run.task == task);
        let Some((&id, run)) = found else {
            // The master knows a task until its end is acknowledged; one that ended needs no killing.
            if !self.updates.knows(&owner.id, task) {
                let state = if owner.partition_aware { TaskState::TaskDropped } else { TaskState::TaskLost };
                let mut status = self.status(now, task, state);
                status.message = Some("Cannot find executor".into());
                status.set_reason(Reason::ExecutorTerminated);
                status.set_source(Source::Agent);
                status.executor_id = None;
                out.extend(self.updates.push(now, &owner.id, status).map(sent));
            }
            return;
        };
        if run.pid.is_none() {
            let mut status = self.status(now, task, TaskState::TaskKilled);
            status.message = Some("Killed before delivery to the executor".into());
            status.set_reason(Reason::TaskKilledDuringLaunch);
            status.set_source(Source::Agent);
            out.extend(self.updates.push(now, &owner.id, status).map(sent));
            self.runs.get_mut(&id).into_iter().for_each(|run| run.silent = true);
            return;
        }
        let period = |policy: &KillPolicy| policy.grace_period.as_ref().map(|period| period.nanoseconds);
        let nanoseconds = policy.and_then(period).or_else(|| run.policy.as_ref().and_then(period));
        let grace = nanoseconds.map_or(GRACE, |period| Duration::from_nanos(period.try_into().unwrap_or(0)));
        self.runs.get_mut(&id).into_iter().for_each(|run| run.deadline = None);
        self.terminate(now, id, grace, out);
    }

    /// SIGTERM now, SIGKILL after `grace`.
    fn terminate(&mut self, now: Time, id: RunId, grace: Duration, out: &mut Vec<Output>) {
        let Some(run) = self.runs.get_mut(&id).filter(|run| run.pid.is_some()) else { return };
        match &mut run.killed {
            Some((since, escalate)) => {
                if escalate.is_some_and(|escalate| *since + grace < escalate) {
                    *escalate = Some(now.max(*since + grace));
                }
            }
            None => {
                run.killed = Some((now, Some(now + grace)));
                self.timed.insert(id);
                let announce = run.owner.killing && !run.late;
                if announce {
                    self.report(now, id, TaskState::TaskKilling, None, None, out);
                }
                out.push(Output::Signal { run: id, signal: Signal::Terminate });
            }
        }
    }

    fn tick(&mut self, now: Time, out: &mut Vec<Output>) {
        for id in self.find(|run| run.deadline.is_some_and(|deadline| deadline <= now)) {
            self.runs.get_mut(&id).into_iter().for_each(|run| (run.late, run.deadline) = (true, None));
            self.terminate(now, id, Duration::ZERO, out);
        }
        for (id, run) in &mut self.runs {
            if let Some((_, escalate)) = &mut run.killed
                && escalate.is_some_and(|escalate| escalate <= now)
            {
                *escalate = None;
                out.push(Output::Signal { run: *id, signal: Signal::Kill });
            }
        }
        out.extend(self.updates.resend(now).into_iter().map(sent));
    }

    /// Queues a status of a run, unless nobody is to hear of it.
    fn report(
        &mut self,
        now: Time,
        id: RunId,
        state: TaskState,
        reason: Option<Reason>,
        message: Option<String>,
        out: &mut Vec<Output>,
    ) {
        let Some(run) = self.runs.get(&id).filter(|run| !run.silent) else { return };
        let (framework, task) = (run.owner.id.clone(), run.task.clone());
        let address = network_info::IpAddress { ip_address: Some(self.ip.clone()), protocol: Some(1) };
        let container = ContainerStatus {
            container_id: Some(Box::new(ContainerId { value: run.container.clone(), parent: None })),
            network_infos: vec![NetworkInfo { ip_addresses: vec![address], ..NetworkInfo::default() }],
            executor_pid: run.pid,
            ..ContainerStatus::default()
        };
        let mut status = self.status(now, &task, state);
        status.message = message;
        status.reason = reason.map(Into::into);
        status.container_status = Some(Box::new(container));
        debug_assert!(is_terminal(state) || status.message.is_none());
        out.extend(self.updates.push(now, &framework, status).map(sent));
    }

    fn status(&mut self, now: Time, task: &str, state: TaskState) -> TaskStatus {
        let mut status = TaskStatus {
            task_id: TaskId { value: task.into() },
            agent_id: Some(AgentId { value: self.id.clone() }),
            executor_id: Some(ExecutorId { value: task.into() }),
            timestamp: Some(now.as_secs_f64()),
            uuid: Some(self.entropy.uuid().to_vec().into()),
            ..TaskStatus::default()
        };
        status.set_state(state);
        status.set_source(Source::Executor);
        status
    }
}
