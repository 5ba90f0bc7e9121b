//! What the master keeps for those who ask: tasks with all their states, and the latest of what has ended.
//!
//! # Invariants
//! * A task is in one place at a time: its framework's `tasks`, those of an unreachable agent, or its framework's
//!   `completed`, whose number is bounded, as is that of frameworks that have ended.
//! * Of several statuses in a row with the same state only the last is kept, and no data of any, as in Mesos: what a
//!   task says may be large.

use super::{Framework, Master, Task};
use crate::local::clock::Time;
use crate::local::resources;
use crate::local::status::of_master;
use crate::proto::mesos::v1::task_status::Reason;
use crate::proto::mesos::v1::{
    self, ContainerStatus, ExecutorId, FrameworkId, TaskInfo, TaskState, TaskStatus,
};
use crate::task::is_terminal;
use std::collections::VecDeque;

/// Mesos' `--max_completed_frameworks` and `--max_completed_tasks_per_framework`.
pub(super) const FRAMEWORKS: usize = 50;
pub(super) const TASKS: usize = 1000;

/// Adds what is the latest, and drops what has become too much.
pub(crate) fn remember<T>(past: &mut VecDeque<T>, latest: T, most: usize) {
    past.push_back(latest);
    past.drain(..past.len().saturating_sub(most));
}

impl Task {
    /// A task that is launched; its resources are allocated.
    pub(super) fn new(info: &TaskInfo, framework: &str, executor: Option<String>, role: &str) -> Self {
        let user = |command: &v1::CommandInfo| command.user.clone();
        let of_executor = info.executor.as_ref().and_then(|executor| executor.command.as_deref());
        let mut seen = v1::Task {
            name: info.name.clone(),
            task_id: info.task_id.clone(),
            framework_id: FrameworkId { value: framework.into() },
            executor_id: executor.map(|value| ExecutorId { value }),
            agent_id: info.agent_id.clone(),
            resources: info.resources.clone(),
            labels: info.labels.clone(),
            discovery: info.discovery.clone(),
            container: info.container.clone(),
            health_check: info.health_check.clone(),
            kill_policy: info.kill_policy,
            user: info.command.as_deref().and_then(user).or_else(|| of_executor.and_then(user)),
            limits: info.limits.clone(),
            ..v1::Task::default()
        };
        seen.set_state(TaskState::TaskStaging);
        Self { seen: Box::new(seen), role: role.into(), resources: resources::of(&info.resources) }
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

    /// What was last said of its container.
    pub(super) fn container(&self) -> Option<&ContainerStatus> {
        self.seen.statuses.last()?.container_status.as_deref()
    }

    /// The state that was forwarded last, and the update's uuid.
    pub(super) fn forwarded(&self) -> Option<(TaskState, &[u8])> {
        self.seen.status_update_state?;
        Some((self.seen.status_update_state(), self.seen.status_update_uuid()))
    }

    /// Takes a status, and how far the task really is. Whether this is news for those who watch.
    pub(super) fn note(&mut self, latest: TaskState, status: &TaskStatus) -> bool {
        if !is_terminal(self.state()) {
            self.seen.set_state(latest);
        }
        let is_check =
            matches!(status.reason(), Reason::TaskCheckStatusUpdated | Reason::TaskHealthCheckStatusUpdated);
        let statuses = &mut self.seen.statuses;
        let again = statuses.pop_if(|last| last.state == status.state).is_some();
        statuses.push(TaskStatus { data: None, ..status.clone() });
        is_check || !again
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
        for agent in self.unreachable.values_mut() {
            let own = agent.tasks.extract_if(.., |(owner, ..)| owner == id);
            tasks.extend(own.map(|(_, task, known)| (task, known)));
            agent.executors.retain(|(owner, ..)| owner != id);
        }
        for (task, mut known) in tasks {
            let (state, reason) = (TaskState::TaskKilled, Reason::FrameworkRemoved);
            let words = format!("Framework {id} removed");
            let mut status = of_master(now, &task, Some(known.agent()), state, reason, words);
            status.executor_id = known.executor().cloned();
            known.note(state, &status);
            framework.complete(known);
        }
        framework.executors.clear();
        framework.unregistered = Some(now);
        remember(&mut self.completed, framework, FRAMEWORKS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_latest_are_remembered() {
        let mut past = VecDeque::new();
        (0..5).for_each(|number| remember(&mut past, number, 3));
        assert_eq!(past, [2, 3, 4]);
    }
}
