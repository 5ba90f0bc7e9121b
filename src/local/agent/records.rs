//! What an agent keeps for those who ask: its frameworks, their executors and tasks, and the latest of what has ended.
//!
//! # Invariants
//! * An executor is over when its process has ended and nothing of its tasks is to be acknowledged any more; a
//!   framework, when the last of its executors is over.
//! * As many as Mesos' agents remember: 50 frameworks, 150 executors of each, 200 tasks of each of those.

use super::Owner;
use crate::local::counters::Counters;
use crate::local::seen::{self, remember};
use crate::proto::mesos::v1::{
    CommandInfo, DurationInfo, ExecutorId, ExecutorInfo, FrameworkId, KillPolicy, Resource, Task, TaskInfo,
    TaskStatus, value,
};
use crate::task::is_terminal;
use std::collections::{BTreeMap, VecDeque};

const FRAMEWORKS: usize = 50;
const EXECUTORS: usize = 150;
const TASKS: usize = 200;

/// What a command executor has longer than its task to end, in nanoseconds.
const ROOM: i64 = 2_000_000_000;

/// What runs commands on a Mesos agent.
const COMMAND_EXECUTOR: &str = "mesos-executor";

#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) counters: Counters,
    /// by id
    pub(super) frameworks: BTreeMap<String, Framework>,
    pub(super) completed: VecDeque<Framework>,
}

#[derive(Debug)]
pub(crate) struct Framework {
    pub(crate) owner: Owner,
    /// by id
    pub(crate) executors: BTreeMap<String, Executor>,
    pub(crate) completed: VecDeque<Executor>,
    is_shut_down: bool,
}

/// A task that has not ended.
pub(super) struct Ongoing {
    pub(super) owner: Owner,
    pub(super) task: String,
    pub(super) policy: Option<KillPolicy>,
}

/// An executor: a process of its own, or what runs commands in the place of Mesos' executors.
#[derive(Debug)]
pub(crate) struct Executor {
    pub(crate) info: ExecutorInfo,
    pub(crate) container: String,
    /// those that have not ended, and those whose end is not acknowledged
    pub(crate) tasks: BTreeMap<String, Task>,
    pub(crate) completed: VecDeque<Task>,
    /// its process has ended
    pub(super) ended: bool,
}

impl Records {
    /// An executor is about to start.
    pub(super) fn executor(&mut self, owner: &Owner, info: &ExecutorInfo, container: &str) {
        let id = owner.id();
        if !self.frameworks.contains_key(id) {
            let known = self.completed.iter().position(|framework| framework.owner.id() == id);
            let completed =
                known.and_then(|at| self.completed.remove(at)).map(|framework| framework.completed);
            let framework = Framework {
                owner: owner.clone(),
                executors: BTreeMap::new(),
                completed: completed.unwrap_or_default(),
                is_shut_down: false,
            };
            self.frameworks.insert(id.into(), framework);
        }
        let Some(framework) = self.frameworks.get_mut(id) else { return };
        framework.owner = owner.clone();
        let executor = Executor {
            info: info.clone(),
            container: container.into(),
            tasks: BTreeMap::new(),
            completed: VecDeque::new(),
            ended: false,
        };
        let before = framework.executors.insert(info.executor_id.value.clone(), executor);
        // Its last words are still to be acknowledged: they go with it.
        before.into_iter().for_each(|before| remember(&mut framework.completed, before, EXECUTORS));
    }

    /// An executor has a task, or is to get it.
    pub(super) fn task(&mut self, framework: &str, executor: &str, info: &TaskInfo) {
        let Some(known) = self.find(framework, executor) else { return };
        let named = info.executor.as_ref().map(|_| executor.to_owned());
        known.tasks.insert(info.task_id.value.clone(), seen::task(info, framework, named));
    }

    /// A status of a task.
    pub(super) fn status(&mut self, framework: &str, status: &TaskStatus) {
        let executor = status.executor_id.as_ref().map_or("", |id| &id.value);
        self.counters.count("valid_status_updates");
        let framework = self.frameworks.get_mut(framework);
        let known = framework.and_then(|known| known.executors.get_mut(executor));
        if let Some(task) = known.and_then(|known| known.tasks.get_mut(&status.task_id.value)) {
            if !is_terminal(task.state()) {
                self.counters.ended(status.state());
            }
            seen::note(task, status.state(), status);
            task.set_status_update_state(status.state());
            task.status_update_uuid.clone_from(&status.uuid);
        }
    }

    /// Nothing of a task is to be acknowledged any more.
    pub(super) fn acknowledged(&mut self, framework: &str, task: &str) {
        let Some(known) = self.frameworks.get_mut(framework) else { return };
        let has_ended =
            |known: &&mut Executor| known.tasks.get(task).is_some_and(|task| is_terminal(task.state()));
        let Some(executor) = known.executors.values_mut().find(has_ended) else { return };
        let ended = executor.tasks.remove(task);
        ended.into_iter().for_each(|task| remember(&mut executor.completed, task, TASKS));
        self.settle(framework);
    }

    /// An executor's process has ended.
    pub(super) fn ended(&mut self, framework: &str, executor: &str) {
        let known = self.find(framework, executor).filter(|executor| !executor.ended);
        if known.map(|executor| executor.ended = true).is_some() {
            self.counters.count("executors_terminated");
        }
        self.settle(framework);
    }

    /// A framework is shut down: nothing of it is acknowledged any more.
    pub(super) fn shut_down(&mut self, framework: &str) {
        if let Some(known) = self.frameworks.get_mut(framework) {
            known.is_shut_down = true;
        }
        self.settle(framework);
    }

    /// The agent ended without a trace of this framework.
    pub(super) fn forget(&mut self, framework: &str) {
        self.frameworks.remove(framework);
    }

    /// Whatever is over is in the past now.
    fn settle(&mut self, framework: &str) {
        let Some(known) = self.frameworks.get_mut(framework) else { return };
        let is_shut_down = known.is_shut_down;
        let over = |executor: &Executor| executor.ended && (is_shut_down || executor.tasks.is_empty());
        let ids: Vec<String> =
            known.executors.iter().filter(|(_, this)| over(this)).map(|(id, _)| id.clone()).collect();
        for id in ids {
            let executor = known.executors.remove(&id);
            executor.into_iter().for_each(|executor| remember(&mut known.completed, executor, EXECUTORS));
        }
        if known.executors.is_empty() {
            let framework = self.frameworks.remove(framework);
            framework.into_iter().for_each(|framework| remember(&mut self.completed, framework, FRAMEWORKS));
        }
    }

    /// Of all frameworks that are not shut down.
    pub(super) fn ongoing(&self) -> Vec<Ongoing> {
        let mut ongoing = Vec::new();
        for framework in self.frameworks.values().filter(|framework| !framework.is_shut_down) {
            let tasks = framework.executors.values().flat_map(|executor| executor.tasks.values());
            ongoing.extend(tasks.filter(|task| !is_terminal(task.state())).map(|task| Ongoing {
                owner: framework.owner.clone(),
                task: task.task_id.value.clone(),
                policy: task.kill_policy,
            }));
        }
        ongoing
    }

    pub(super) fn owner(&self, framework: &str) -> Option<&Owner> {
        self.frameworks.get(framework).map(|framework| &framework.owner)
    }

    pub(super) fn has_executor(&self, framework: &str, executor: &str) -> bool {
        self.frameworks.get(framework).is_some_and(|known| known.executors.contains_key(executor))
    }

    fn find(&mut self, framework: &str, executor: &str) -> Option<&mut Executor> {
        self.frameworks.get_mut(framework)?.executors.get_mut(executor)
    }
}

#[expect(deprecated, reason = "Mesos still says whose source it is")]
/// What Mesos' agents make of a task that only has a command: an executor of its own, with a little extra room.
pub(super) fn command_executor(framework: &str, task: &TaskInfo) -> ExecutorInfo {
    let role = task.resources.iter().find_map(|resource| resource.allocation_info.clone());
    let extra = |name: &str, value| {
        let mut resource = Resource {
            name: name.into(),
            scalar: Some(value::Scalar { value }),
            allocation_info: role.clone(),
            ..Resource::default()
        };
        resource.set_type(value::Type::Scalar);
        resource
    };
    let id = &task.task_id.value;
    let command = task.command.as_deref();
    ExecutorInfo {
        executor_id: ExecutorId { value: id.clone() },
        framework_id: Some(FrameworkId { value: framework.into() }),
        name: Some(format!("Command Executor (Task: {id}) (Command: {})", describe(command))),
        source: Some(id.clone()),
        command: Some(Box::new(CommandInfo {
            shell: Some(false),
            value: Some(COMMAND_EXECUTOR.into()),
            arguments: vec![COMMAND_EXECUTOR.into()],
            uris: command.map(|command| command.uris.clone()).unwrap_or_default(),
            environment: command.and_then(|command| command.environment.clone()),
            user: command.and_then(|command| command.user.clone()),
        })),
        container: task.container.clone(),
        labels: task.labels.clone(),
        discovery: task.discovery.clone(),
        resources: vec![extra("cpus", 0.1), extra("mem", 32.0)],
        shutdown_grace_period: task
            .kill_policy
            .as_ref()
            .and_then(|policy| policy.grace_period)
            .map(|grace| DurationInfo { nanoseconds: grace.nanoseconds.saturating_add(ROOM) }),
        ..ExecutorInfo::default()
    }
}

/// The beginning of a command, as Mesos has it in names.
fn describe(command: Option<&CommandInfo>) -> String {
    let short = |text: &str| match text.char_indices().nth(15) {
        Some(_) => text.chars().take(12).chain("...".chars()).collect(),
        None => text.to_owned(),
    };
    let Some((command, value)) = command.and_then(|this| Some((this, this.value.as_deref()?))) else {
        return if command.is_none_or(CommandInfo::shell) { "NO COMMAND" } else { "NO EXECUTABLE" }.into();
    };
    if command.shell() {
        return format!("sh -c '{}'", short(value));
    }
    format!("[{}]", short(&format!("{value}, {}", command.arguments.join(", "))))
}
