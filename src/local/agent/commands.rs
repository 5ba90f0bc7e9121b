//! Commands from launch to end, as the executors that Mesos would run them in report them.
//!
//! # Invariants
//! * A task's states are STARTING, RUNNING, perhaps KILLING, and one terminal state.
//! * A kill is SIGTERM, then SIGKILL after the grace period. A second kill may shorten that, never lengthen it.
//! * A command by itself has an executor of its own, whose id is the task's.

use super::checker::{self, Checker};
use super::records::command_executor;
use super::{Agent, GRACE, Output, Owner, Reason, RunId, Source, TaskState, period};
use crate::local::action::Action;
use crate::local::clock::Time;
use crate::local::process::{Exit, Launch, Place, Signal};
use crate::proto::mesos::v1::{CheckStatusInfo, ContainerId, KillPolicy, TaskInfo};
use crate::task::is_terminal;
use std::path::PathBuf;
use std::time::Duration;

/// What Mesos' agents give executors to end by themselves.
pub(super) const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// A command that runs, or is about to.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) owner: Owner,
    pub(super) task: String,
    pub(super) executor: String,
    /// of a task group: its number
    pub(super) group: Option<u64>,
    pub(super) container: ContainerId,
    pub(super) pid: Option<u32>,
    policy: Option<KillPolicy>,
    /// when the first kill came, and when it turns into SIGKILL (None once it did)
    killed: Option<(Time, Option<Time>)>,
    /// the grace period of a kill that came before there was a process
    doomed: Option<Duration>,
    /// how long the task may take, and when that is over
    limit: Option<Duration>,
    deadline: Option<Time>,
    /// the deadline has passed
    late: bool,
    pub(super) checkers: Vec<Checker>,
    /// what the check has found, if there is one
    pub(super) check_status: Option<CheckStatusInfo>,
    pub(super) healthy: Option<bool>,
    /// it is killed for its health
    pub(super) unhealthy: bool,
    /// nobody is to hear of it any more
    pub(super) silent: bool,
}

impl Run {
    /// A task by itself, or one of the group with this number.
    pub(super) fn new(
        owner: Owner,
        task: &TaskInfo,
        executor: &str,
        container: ContainerId,
        group: Option<u64>,
        launch: &Launch,
    ) -> Self {
        Self {
            owner,
            task: task.task_id.value.clone(),
            executor: executor.into(),
            group,
            container,
            pid: None,
            policy: task.kill_policy,
            killed: None,
            doomed: None,
            limit: period(task.max_completion_time.as_ref().map(|limit| limit.nanoseconds))
                .filter(|limit| !limit.is_zero()),
            deadline: None,
            late: false,
            checkers: Checker::of(task, launch, group.is_some()),
            check_status: checker::unknown(task),
            healthy: None,
            unhealthy: false,
            silent: false,
        }
    }

    pub(super) fn due(&self) -> Option<Time> {
        let own = [self.killed.and_then(|(_, escalate)| escalate), self.deadline];
        own.into_iter().flatten().chain(self.checkers.iter().filter_map(Checker::due)).min()
    }

    /// How long a kill waits: as the call says, or the task, or Mesos.
    pub(super) fn grace(&self, policy: Option<&KillPolicy>) -> Duration {
        let own = |policy: &KillPolicy| {
            policy.grace_period.as_ref().and_then(|grace| period(Some(grace.nanoseconds)))
        };
        policy.and_then(own).or_else(|| self.policy.as_ref().and_then(own)).unwrap_or(GRACE)
    }
}

/// Mesos' words; the reason is in the sandbox's stderr.
pub(super) fn not_fetched(container: &str) -> String {
    format!(
        "Failed to launch container: Failed to fetch all URIs for container '{container}': exited with status 1"
    )
}

impl Agent {
    pub(super) fn run_command(&mut self, owner: Owner, task: &TaskInfo, out: &mut Vec<Output>) {
        let container = self.new_container();
        let id = task.task_id.value.clone();
        let place = Place {
            agent: self.id(),
            address: self.address,
            socket: self.access.socket.as_deref(),
            owner: &owner,
            executor: &id,
            container: &container,
            grace: SHUTDOWN_GRACE,
        };
        let launch = Launch::task(place, &id, task.command.as_deref(), &task.resources);
        self.records.executor(&owner, &command_executor(owner.id(), task), &container);
        self.records.task(owner.id(), &id, task);
        let container = ContainerId { value: container, parent: None };
        let run = Run::new(owner, task, &id, container, None, &launch);
        let volumes = self.volumes(&task.resources);
        self.start_command(run, launch, volumes, out);
    }

    pub(super) fn start_command(
        &mut self,
        run: Run,
        launch: Launch,
        volumes: Vec<(String, PathBuf)>,
        out: &mut Vec<Output>,
    ) {
        let id = self.next_run();
        out.push(
            Action::Sandbox { task: run.task.clone(), directory: launch.sandbox.clone(), volumes }.into(),
        );
        self.runs.insert(id, run);
        out.push(Action::Start { run: id, launch: Box::new(launch) }.into());
    }

    pub(super) fn find(&self, meant: impl Fn(&Run) -> bool) -> Vec<RunId> {
        self.runs.iter().filter(|(_, run)| meant(run)).map(|(id, _)| *id).collect()
    }

    pub(super) fn command_started(&mut self, now: Time, id: RunId, pid: u32, out: &mut Vec<Output>) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        run.pid = Some(pid);
        let (doomed, alone) = (run.doomed.take(), run.group.is_none());
        if run.silent {
            out.push(Action::Signal { run: id, signal: Signal::Kill }.into());
            return;
        }
        if alone {
            self.report(now, id, TaskState::TaskStarting, None, None, out);
        }
        self.report(now, id, TaskState::TaskRunning, None, None, out);
        if let Some(run) = self.runs.get_mut(&id)
            && let Some(limit) = run.limit
        {
            run.deadline = Some(now + limit);
            self.timed.insert(id);
        }
        self.start_checks(now, id);
        if let Some(grace) = doomed {
            self.terminate(now, id, grace, out);
        }
    }

    pub(super) fn command_not_started(&mut self, now: Time, id: RunId, why: &str, out: &mut Vec<Output>) {
        let Some(run) = self.runs.get(&id) else { return };
        // What Mesos' launcher does, too: it ends with status 1 when there is nothing to execute.
        let message = format!("Command exited with status 1: {why}");
        if run.group.is_none() {
            self.report(now, id, TaskState::TaskStarting, None, None, out);
        }
        self.command_ended(now, id, TaskState::TaskFailed, None, message, out);
    }

    pub(super) fn command_not_fetched(&mut self, now: Time, id: RunId, out: &mut Vec<Output>) {
        self.timed.remove(&id);
        let Some(run) = self.runs.remove(&id) else { return };
        if !run.silent {
            let (state, reason) = (TaskState::TaskFailed, Reason::ContainerLaunchFailed);
            let words = not_fetched(&run.container.value);
            self.say(now, &run.owner, &run.task, Some(&run.executor), state, reason, &words, out);
        }
        self.member_ended(now, &run, TaskState::TaskFailed, out);
    }

    pub(super) fn command_exited(&mut self, now: Time, id: RunId, exit: Exit, out: &mut Vec<Output>) {
        let Some(run) = self.runs.get(&id) else { return };
        let (state, reason) = match run {
            Run { late: true, .. } => (TaskState::TaskFailed, Some(Reason::MaxCompletionTimeReached)),
            Run { killed: Some(_), .. } => (TaskState::TaskKilled, None),
            _ if exit == Exit::Code(0) => (TaskState::TaskFinished, None),
            _ => (TaskState::TaskFailed, None),
        };
        self.command_ended(now, id, state, reason, format!("Command {exit}"), out);
    }

    fn command_ended(
        &mut self,
        now: Time,
        id: RunId,
        state: TaskState,
        reason: Option<Reason>,
        message: String,
        out: &mut Vec<Output>,
    ) {
        self.stop_checks(id, out);
        self.report(now, id, state, reason, Some(message), out);
        self.timed.remove(&id);
        if let Some(run) = self.runs.remove(&id) {
            self.member_ended(now, &run, state, out);
        }
    }

    /// Whether there is such a command.
    pub(super) fn kill_command(
        &mut self,
        now: Time,
        owner: &Owner,
        task: &str,
        policy: Option<&KillPolicy>,
        out: &mut Vec<Output>,
    ) -> bool {
        let meant = |run: &Run| !run.silent && run.task == task && run.owner.id() == owner.id();
        let Some((&id, run)) = self.runs.iter_mut().find(|(_, run)| meant(run)) else { return false };
        let grace = run.grace(policy);
        match (run.pid, run.group) {
            // The default executor has decided, and keeps to it.
            (Some(_), Some(_)) if run.killed.is_some() => {}
            (Some(_), _) => self.terminate(now, id, grace, out),
            // its executor has it already
            (None, Some(_)) => run.doomed = Some(grace),
            (None, None) => {
                run.silent = true;
                let executor = run.executor.clone();
                self.killed_before_delivery(now, owner, task, &executor, out);
            }
        }
        true
    }

    pub(super) fn killed_before_delivery(
        &mut self,
        now: Time,
        owner: &Owner,
        task: &str,
        executor: &str,
        out: &mut Vec<Output>,
    ) {
        let (state, reason) = (TaskState::TaskKilled, Reason::TaskKilledDuringLaunch);
        let words = "Killed before delivery to the executor";
        self.say(now, owner, task, Some(executor), state, reason, words, out);
    }

    /// SIGTERM now, SIGKILL after `grace`.
    pub(super) fn terminate(&mut self, now: Time, id: RunId, grace: Duration, out: &mut Vec<Output>) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        if run.pid.is_none() {
            run.doomed = Some(grace);
            return;
        }
        match &mut run.killed {
            Some((since, escalate)) => {
                if escalate.is_some_and(|escalate| *since + grace < escalate) {
                    *escalate = Some(now.max(*since + grace));
                }
            }
            None => {
                run.killed = Some((now, Some(now + grace)));
                run.deadline = None;
                self.timed.insert(id);
                let announce = run.owner.hears_killing() && !run.late;
                if announce {
                    self.report(now, id, TaskState::TaskKilling, None, None, out);
                }
                self.stop_checks(id, out);
                out.push(Action::Signal { run: id, signal: Signal::Terminate }.into());
            }
        }
    }

    pub(super) fn tick_commands(&mut self, now: Time, out: &mut Vec<Output>) {
        let due = |id: &&RunId| self.runs.get(id).and_then(Run::due).is_some_and(|due| due <= now);
        let due: Vec<RunId> = self.timed.iter().filter(due).copied().collect();
        for id in due {
            let Some(run) = self.runs.get_mut(&id) else { continue };
            if run.deadline.is_some_and(|deadline| deadline <= now) {
                run.late = true;
                self.terminate(now, id, Duration::ZERO, out);
            }
            self.tick_checks(now, id, out);
            let Some(run) = self.runs.get_mut(&id) else { continue };
            if let Some((_, escalate)) = &mut run.killed
                && escalate.is_some_and(|escalate| escalate <= now)
            {
                *escalate = None;
                out.push(Action::Signal { run: id, signal: Signal::Kill }.into());
            }
        }
    }

    /// Queues a status of a run, unless nobody is to hear of it.
    pub(super) fn report(
        &mut self,
        now: Time,
        id: RunId,
        state: TaskState,
        reason: Option<Reason>,
        message: Option<String>,
        out: &mut Vec<Output>,
    ) {
        let Some(run) = self.runs.get(&id).filter(|run| !run.silent) else { return };
        let (framework, task, executor) = (run.owner.id().to_owned(), run.task.clone(), run.executor.clone());
        let (healthy, check_status) = self.health(run, state, reason);
        let mut container = self.container(run.container.clone(), run.pid);
        // The container of a group's task is one in the executor's, and known while it runs.
        if run.group.is_some() && (state == TaskState::TaskStarting || is_terminal(state)) {
            (container.network_infos, container.executor_pid) = (Vec::new(), None);
        }
        let mut status = self.status(now, &task, Some(&executor), state);
        status.message = message;
        status.reason = reason.map(Into::into);
        status.container_status = Some(Box::new(container));
        status.set_source(Source::Executor);
        (status.healthy, status.check_status) = (healthy, check_status.map(Box::new));
        debug_assert!(is_terminal(state) || status.message.is_none());
        self.queue(now, &framework, status, out);
    }
}
