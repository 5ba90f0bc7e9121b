//! How the task statuses of the embedded cluster are put together.
//!
//! # Invariants
//! * Only updates of an agent bear a uuid; what the master says by itself has none and needs no acknowledgement.

use super::clock::Time;
use crate::proto::mesos::v1::task_status::{Reason, Source};
use crate::proto::mesos::v1::{AgentId, TaskId, TaskState, TaskStatus};

/// A status that the master makes.
pub(crate) fn of_master(
    now: Time,
    task: &str,
    agent: Option<&str>,
    state: TaskState,
    reason: Reason,
    message: impl Into<String>,
) -> TaskStatus {
    let mut status = TaskStatus {
        task_id: TaskId { value: task.into() },
        message: Some(message.into()),
        agent_id: agent.map(|agent| AgentId { value: agent.into() }),
        timestamp: Some(now.as_secs_f64()),
        ..TaskStatus::default()
    };
    status.set_state(state);
    status.set_source(Source::Master);
    status.set_reason(reason);
    status
}
