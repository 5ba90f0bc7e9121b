//! Executors with a process of their own, from the first task to their end.
//!
//! # Invariants
//! * A task waits in `queued` until its executor has subscribed, then it is delivered once.
//! * An executor that is told to shut down is killed when its grace period is over, and gets no more tasks.
//! * When an executor ends, whatever of its tasks has not ended has failed.

use super::commands::SHUTDOWN_GRACE;
use super::{Agent, Key, Output, Owner, Reason, RunId, TaskState, events, period};
use crate::local::action::Action;
use crate::local::clock::Time;
use crate::local::process::{Exit, Launch, Place, Signal};
use crate::local::token::Claims;
use crate::proto::mesos::v1::executor::Event;
use crate::proto::mesos::v1::{ExecutorInfo, KillPolicy, TaskInfo};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// How long an executor may take from its start to SUBSCRIBE.
const REGISTRATION: Duration = Duration::from_secs(60);

/// The status of an executor that could not be executed: what Mesos' launcher ends with then, in the place where
/// wait(2) has an exit status.
pub(super) const NOT_EXECUTED: i32 = 1001 << 8;

/// Tasks that are delivered together.
#[derive(Debug)]
pub(super) enum Delivery {
    Task(Box<TaskInfo>),
    Group(Vec<TaskInfo>),
}

impl Delivery {
    pub(super) fn tasks(&self) -> &[TaskInfo] {
        match self {
            Self::Task(task) => std::slice::from_ref(task),
            Self::Group(tasks) => tasks,
        }
    }

    fn into_event(self) -> Event {
        match self {
            Self::Task(task) => events::launch(*task),
            Self::Group(tasks) => events::launch_group(tasks),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// it has not subscribed yet
    Registering,
    Running,
    /// it is to end
    Terminating,
}

/// An executor that runs, or is about to.
#[derive(Debug)]
pub(super) struct Executor {
    pub(super) owner: Owner,
    pub(super) info: ExecutorInfo,
    pub(super) run: RunId,
    pub(super) container: String,
    pub(super) pid: Option<u32>,
    pub(super) state: State,
    pub(super) stream: Option<u64>,
    /// when to send the next heartbeat; only with a stream
    pub(super) heartbeat: Option<Time>,
    pub(super) queued: Vec<Delivery>,
    /// kills that came while its agent was not heard
    pub(super) kills: Vec<(String, Option<KillPolicy>)>,
    /// what was delivered and has not ended: its number in the order of delivery, and its state
    pub(super) tasks: BTreeMap<String, (u64, TaskState)>,
    deliveries: u64,
    sandbox: PathBuf,
    /// when it is killed: it has not registered, or not ended
    deadline: Option<Time>,
    /// why it was killed
    cause: Option<(Reason, String)>,
    /// nobody is to hear of it any more
    silent: bool,
}

impl Executor {
    pub(super) fn due(&self) -> Option<Time> {
        [self.deadline, self.heartbeat].into_iter().flatten().min()
    }

    /// Nobody is to hear of it, or of its tasks, any more.
    pub(super) fn silence(&mut self) {
        self.silent = true;
        self.queued.clear();
    }

    fn grace(&self) -> Duration {
        let grace = self.info.shutdown_grace_period.as_ref().map(|grace| grace.nanoseconds);
        period(grace).unwrap_or(SHUTDOWN_GRACE)
    }

    /// It has subscribed, and is no longer waited for.
    pub(super) fn registered(&mut self) {
        (self.state, self.deadline) = (State::Running, None);
    }

    /// It has to subscribe again until then; the agent does not wait while it is down.
    pub(super) fn expect(&mut self, deadline: Option<Time>) {
        self.deadline = deadline;
    }

    /// What is queued, as events; from now on it is with the executor.
    pub(super) fn deliver(&mut self) -> Vec<Event> {
        let queued = std::mem::take(&mut self.queued);
        for task in queued.iter().flat_map(Delivery::tasks) {
            self.tasks.insert(task.task_id.value.clone(), (self.deliveries, TaskState::TaskStaging));
            self.deliveries += 1;
        }
        queued.into_iter().map(Delivery::into_event).collect()
    }

    /// The kills that it has missed, of tasks that it has.
    pub(super) fn missed_kills(&mut self) -> Vec<Event> {
        let missed = std::mem::take(&mut self.kills).into_iter();
        let missed = missed.filter(|(task, _)| self.tasks.contains_key(task));
        missed.map(|(task, policy)| events::kill(&task, policy)).collect()
    }

    /// The tasks that have not ended: what was delivered in that order, then what waits.
    fn unfinished(&self) -> Vec<String> {
        let mut delivered: Vec<_> = self.tasks.iter().map(|(task, (number, _))| (number, task)).collect();
        delivered.sort();
        let queued = self.queued.iter().flat_map(Delivery::tasks).map(|task| &task.task_id.value);
        delivered.into_iter().map(|(_, task)| task).chain(queued).cloned().collect()
    }
}

impl Agent {
    pub(super) fn run_by_executor(
        &mut self,
        now: Time,
        owner: Owner,
        mut task: TaskInfo,
        out: &mut Vec<Output>,
    ) {
        let Some(info) = task.executor.take() else { return };
        task.executor = Some(info.clone());
        self.entrust(now, owner, *info, Delivery::Task(Box::new(task)), out);
    }

    pub(super) fn run_group_by_executor(
        &mut self,
        now: Time,
        owner: Owner,
        info: ExecutorInfo,
        tasks: Vec<TaskInfo>,
        out: &mut Vec<Output>,
    ) {
        self.entrust(now, owner, info, Delivery::Group(tasks), out);
    }

    /// Hands tasks to an executor, which is started if there is none yet.
    fn entrust(
        &mut self,
        now: Time,
        owner: Owner,
        info: ExecutorInfo,
        delivery: Delivery,
        out: &mut Vec<Output>,
    ) {
        let id = info.executor_id.value.clone();
        let key = (owner.id().to_owned(), id.clone());
        if self.executors.get(&key).is_some_and(|executor| executor.state == State::Terminating) {
            let state = if owner.is_partition_aware() { TaskState::TaskDropped } else { TaskState::TaskLost };
            for task in delivery.tasks() {
                let (task, words) = (&task.task_id.value, "Executor terminating");
                self.say(now, &owner, task, Some(&id), state, Reason::ExecutorTerminated, words, out);
            }
            return;
        }
        if !self.executors.contains_key(&key) {
            self.start_executor(now, key.clone(), owner, info, out);
        }
        let Some(executor) = self.executors.get(&key) else { return };
        for task in delivery.tasks() {
            self.records.task(&key.0, &id, task);
            let (task, directory, volumes) =
                (task.task_id.value.clone(), executor.sandbox.clone(), self.volumes(&task.resources));
            out.push(Action::Sandbox { task, directory, volumes }.into());
        }
        let Some(executor) = self.executors.get_mut(&key) else { return };
        executor.queued.push(delivery);
        if executor.state == State::Running {
            let events = executor.deliver();
            self.tell(&key, events, out);
        }
    }

    fn start_executor(
        &mut self,
        now: Time,
        key: Key,
        owner: Owner,
        info: ExecutorInfo,
        out: &mut Vec<Output>,
    ) {
        let (run, container) = (self.next_run(), self.new_container());
        let grace = info.shutdown_grace_period.as_ref().map(|grace| grace.nanoseconds);
        let place = Place {
            agent: self.id(),
            address: self.address,
            socket: self.access.socket.as_deref(),
            owner: &owner,
            executor: &info.executor_id.value,
            container: &container,
            grace: period(grace).unwrap_or(SHUTDOWN_GRACE),
        };
        let mut launch = Launch::executor(place, info.command.as_deref(), &info.resources);
        if let Some(signer) = &self.access.key {
            let claims = Claims { cid: container.clone(), eid: key.1.clone(), fid: key.0.clone() };
            launch.told.push(("MESOS_EXECUTOR_AUTHENTICATION_TOKEN", signer.sign(&claims)));
        }
        let executor = Executor {
            owner,
            info,
            run,
            container,
            pid: None,
            state: State::Registering,
            stream: None,
            heartbeat: None,
            queued: Vec::new(),
            kills: Vec::new(),
            tasks: BTreeMap::new(),
            deliveries: 0,
            sandbox: launch.sandbox.clone(),
            deadline: Some(now + REGISTRATION),
            cause: None,
            silent: false,
        };
        self.records.executor(&executor.owner, &executor.info, &executor.container);
        self.executors.insert(key, executor);
        out.push(Action::Start { run, launch: Box::new(launch) }.into());
    }

    pub(super) fn executor_started(&mut self, run: RunId, pid: u32, out: &mut Vec<Output>) {
        let Some(executor) = self.executors.values_mut().find(|executor| executor.run == run) else { return };
        executor.pid = Some(pid);
        if executor.silent && executor.queued.is_empty() && executor.stream.is_none() {
            out.push(Action::Signal { run, signal: Signal::Kill }.into());
        }
    }

    /// Sends events to an executor; without a stream they are lost.
    pub(super) fn tell(&self, key: &Key, events: impl IntoIterator<Item = Event>, out: &mut Vec<Output>) {
        let Some(stream) = self.executors.get(key).and_then(|executor| executor.stream) else { return };
        out.extend(events.into_iter().map(|event| Action::Event { stream, event: event.into() }.into()));
    }

    /// A message of the scheduler: only for one that listens.
    pub(super) fn message(&mut self, key: &Key, data: Bytes, out: &mut Vec<Output>) {
        if self.executors.get(key).is_some_and(|executor| executor.state == State::Running) {
            self.records.counters.count("valid_framework_messages");
            self.tell(key, [events::message(data)], out);
        } else {
            self.records.counters.count("invalid_framework_messages");
        }
    }

    /// Whether an executor has the task, or is to get it.
    pub(super) fn kill_by_executor(
        &mut self,
        now: Time,
        owner: &Owner,
        task: &str,
        policy: Option<KillPolicy>,
        out: &mut Vec<Output>,
    ) -> bool {
        let has = |delivery: &Delivery| delivery.tasks().iter().any(|queued| queued.task_id.value == task);
        let own = self.executors.iter_mut().filter(|(key, _)| key.0 == owner.id());
        for (key, executor) in own {
            let key = key.clone();
            if executor.tasks.contains_key(task) {
                match executor.stream {
                    None => executor.kills.push((task.into(), policy)),
                    Some(_) if executor.state == State::Running => {
                        self.tell(&key, [events::kill(task, policy)], out);
                    }
                    Some(_) => {}
                }
                return true;
            }
            if let Some(at) = executor.queued.iter().position(has) {
                let delivery = executor.queued.remove(at);
                // The tasks of a group run together or not at all.
                for task in delivery.tasks() {
                    self.killed_before_delivery(now, owner, &task.task_id.value, &key.1, out);
                }
                return true;
            }
        }
        false
    }

    /// Tells an executor to end, and sees to it that it does.
    pub(super) fn shut_down(&mut self, now: Time, key: &Key, out: &mut Vec<Output>) {
        let Some(executor) = self.executors.get_mut(key) else { return };
        if executor.state == State::Terminating {
            return;
        }
        executor.state = State::Terminating;
        executor.deadline = Some(now + executor.grace());
        self.tell(key, [events::shutdown()], out);
    }

    pub(super) fn tick_executors(&mut self, now: Time, out: &mut Vec<Output>) {
        for executor in self.executors.values_mut() {
            if executor.deadline.is_some_and(|deadline| deadline <= now) {
                executor.deadline = None;
                executor.cause = match executor.state {
                    State::Registering => Some((
                        Reason::ExecutorRegistrationTimeout,
                        "Executor did not register within 1mins".into(),
                    )),
                    // after a start of the agent
                    State::Running => Some((
                        Reason::ExecutorReregistrationTimeout,
                        "Executor did not re-register within 2secs".into(),
                    )),
                    State::Terminating => None,
                };
                executor.state = State::Terminating;
                out.push(Action::Signal { run: executor.run, signal: Signal::Kill }.into());
            }
            if let (Some(stream), Some(due)) = (executor.stream, executor.heartbeat)
                && due <= now
            {
                executor.heartbeat = Some(now + super::subscription::HEARTBEAT);
                out.push(Action::Event { stream, event: events::heartbeat().into() }.into());
            }
        }
    }

    pub(super) fn executor_not_fetched(&mut self, now: Time, run: RunId, out: &mut Vec<Output>) {
        let Some(executor) = self.executors.values_mut().find(|executor| executor.run == run) else { return };
        executor.cause =
            Some((Reason::ContainerLaunchFailed, super::commands::not_fetched(&executor.container)));
        self.executor_exited(now, run, Exit::Code(1).status(), out);
    }

    /// The process is gone.
    pub(super) fn executor_exited(&mut self, now: Time, run: RunId, status: i32, out: &mut Vec<Output>) {
        let Some(key) = self.executors.iter().find(|(_, executor)| executor.run == run) else { return };
        let key = key.0.clone();
        let Some(executor) = self.executors.remove(&key) else { return };
        out.extend(executor.stream.map(|stream| Action::Close { stream }.into()));
        if executor.silent {
            return self.records.ended(&key.0, &key.1);
        }
        let (framework, id) = key;
        out.push(Output::ExecutorExited { framework, executor: id.clone(), status });
        let (reason, words) = executor
            .cause
            .clone()
            .unwrap_or_else(|| (Reason::ExecutorTerminated, "Executor terminated".into()));
        for task in executor.unfinished() {
            let state = TaskState::TaskFailed;
            self.say(now, &executor.owner, &task, Some(&id), state, reason, &words, out);
        }
        self.records.ended(executor.owner.id(), &id);
    }
}
