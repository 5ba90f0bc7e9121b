//! What the master keeps for those who ask: tasks with all their states, and the latest of what has ended.
//!
//! # Invariants
//! * A task is in one place at a time: its framework's `tasks`, those of an unreachable agent, or its framework's
//!   `completed`, whose number is bounded, as is that of frameworks that have ended.

use super::{Framework, Master, Task};
use crate::local::clock::Time;
use crate::local::resources;
use crate::local::seen::{self, remember};
use crate::local::status::of_master;
use crate::proto::mesos::v1::task_status::Reason;
use crate::proto::mesos::v1::{ExecutorId, FrameworkId, TaskInfo, TaskState, TaskStatus};

/// Mesos' `--max_completed_frameworks` and `--max_completed_tasks_per_framework`.
pub(super) const FRAMEWORKS: usize = 50;
pub(super) const TASKS: usize = 1000;

impl Task {
    /// A task that is launched; its resources are allocated.
    pub(super) fn new(info: &TaskInfo, framework: &str, executor: Option<String>, role: &str) -> Self {
        let seen = Box::new(seen::task(info, framework, executor));
        Self { seen, role: role.into(), resources: resources::of(&info.resources) }
    }

    /// As its agent knows it.
    pub(super) fn state(&self) -> TaskState {
        self.seen.state()
    }

    pub(super) fn agent(&self) -> &str {
        &self.seen.agent_id.value
    }

    /// None if it only runs a command.
    pub(super) fn executor(&self) -> Option<&ExecutorId> {
        self.seen.executor_id.as_ref()
    }

    /// Repeats what was last said of it beside its state.
    pub(super) fn describe(&self, status: &mut TaskStatus) {
        status.executor_id = self.executor().cloned();
        let Some(last) = self.seen.statuses.last() else { return };
        status.container_status.clone_from(&last.container_status);
        status.check_status.clone_from(&last.check_status);
        status.healthy = last.healthy;
    }

    /// The state that was forwarded last, and the update's uuid.
    pub(super) fn forwarded(&self) -> Option<(TaskState, &[u8])> {
        self.seen.status_update_state?;
        Some((self.seen.status_update_state(), self.seen.status_update_uuid()))
    }
}

impl Framework {
    /// A task of it has ended, and nobody waits to hear that any more.
    pub(super) fn complete(&mut self, task: Task) {
        remember(&mut self.completed, *task.seen, TASKS);
    }
}

impl Master {
    /// Whether a framework of this id has ended, as far as is remembered.
    pub(super) fn has_ended(&self, framework: &FrameworkId) -> bool {
        self.completed.iter().any(|known| known.info.id.as_ref() == Some(framework))
    }

    /// A framework has ended, and with it every task that it had: they are killed, and nobody hears how they end.
    pub(super) fn bury_framework(&mut self, now: Time, id: &str, mut framework: Framework) {
        let mut tasks: Vec<(String, Task)> = std::mem::take(&mut framework.tasks).into_iter().collect();
        tasks.iter().for_each(|(_, known)| self.count_end(known, TaskState::TaskKilled));
        for agent in self.unreachable.values_mut() {
            let own = agent.tasks.extract_if(.., |(owner, ..)| owner == id);
            tasks.extend(own.map(|(_, task, known)| (task, known)));
            agent.executors.retain(|(owner, ..)| owner != id);
        }
        for (task, mut known) in tasks {
            let (state, reason) = (TaskState::TaskKilled, Reason::FrameworkRemoved);
            let words = format!("Framework {id} removed");
            let status = of_master(now, &task, Some(known.agent()), state, reason, words);
            if seen::note(&mut known.seen, state, &status) {
                self.task_updated(&known.seen, &status);
            }
            framework.complete(known);
        }
        framework.executors.clear();
        framework.unregistered = Some(now);
        self.framework_removed(&framework.info);
        remember(&mut self.completed, framework, FRAMEWORKS);
    }
}
