//! Tasks as operators see them, on the master and on an agent, and how much of the past is remembered.
//!
//! # Invariants
//! * Of several statuses in a row with the same state only the last is kept, and no data of any, as in Mesos: what a
//!   task says may be large.
//! * A state that is terminal stays.

use crate::proto::mesos::v1::task_status::Reason;
use crate::proto::mesos::v1::{CommandInfo, ExecutorId, FrameworkId, Task, TaskInfo, TaskState, TaskStatus};
use crate::task::is_terminal;
use std::collections::VecDeque;

/// A task that is launched.
pub(crate) fn task(info: &TaskInfo, framework: &str, executor: Option<String>) -> Task {
    let user = |command: &CommandInfo| command.user.clone();
    let of_executor = info.executor.as_ref().and_then(|executor| executor.command.as_deref());
    let mut task = Task {
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
        ..Task::default()
    };
    task.set_state(TaskState::TaskStaging);
    task
}

/// Takes a status, and how far the task really is. Whether this is news for those who watch.
pub(crate) fn note(task: &mut Task, latest: TaskState, status: &TaskStatus) -> bool {
    if !is_terminal(task.state()) {
        task.set_state(latest);
    }
    let is_check =
        matches!(status.reason(), Reason::TaskCheckStatusUpdated | Reason::TaskHealthCheckStatusUpdated);
    let again = task.statuses.pop_if(|last| last.state == status.state).is_some();
    task.statuses.push(TaskStatus { data: None, ..status.clone() });
    is_check || !again
}

/// Adds what is the latest, and drops what has become too much.
pub(crate) fn remember<T>(past: &mut VecDeque<T>, latest: T, most: usize) {
    past.push_back(latest);
    past.drain(..past.len().saturating_sub(most));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(state: TaskState, message: &str) -> TaskStatus {
        let mut status = TaskStatus { message: Some(message.into()), ..TaskStatus::default() };
        status.data = Some(vec![0; 10].into());
        status.set_state(state);
        status
    }

    #[test]
    fn statuses_of_one_state_count_once() {
        let mut task = task(&TaskInfo::default(), "f", None);
        assert!(note(&mut task, TaskState::TaskRunning, &status(TaskState::TaskRunning, "one")));
        assert!(!note(&mut task, TaskState::TaskFinished, &status(TaskState::TaskRunning, "two")));
        let mut healthy = status(TaskState::TaskRunning, "three");
        healthy.set_reason(Reason::TaskHealthCheckStatusUpdated);
        assert!(note(&mut task, TaskState::TaskFinished, &healthy));
        assert!(note(&mut task, TaskState::TaskFinished, &status(TaskState::TaskFinished, "four")));
        assert!(note(&mut task, TaskState::TaskLost, &status(TaskState::TaskLost, "five")));
        assert_eq!(task.state(), TaskState::TaskFinished);
        let words: Vec<&str> = task.statuses.iter().map(TaskStatus::message).collect();
        assert_eq!(words, ["three", "four", "five"]);
        assert!(task.statuses.iter().all(|status| status.data.is_none()));
    }

    #[test]
    fn only_the_latest_are_remembered() {
        let mut past = VecDeque::new();
        (0..5).for_each(|number| remember(&mut past, number, 3));
        assert_eq!(past, [2, 3, 4]);
    }
}
