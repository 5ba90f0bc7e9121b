//! What drivers, backends and the embedded cluster all have to know of tasks: which states are final, and which
//! tasks a call launches.

use crate::event::Call;
use crate::proto::mesos::v1::TaskState;
use crate::wire::field::{
    offer_operation, offer_operation_launch, offer_operation_launch_group, task_group_info,
};
use crate::wire::{every_bytes, last_bytes};

/// Whether a task in this state has ended, as Mesos' own `isTerminalState` has it.
pub(crate) fn is_terminal(state: TaskState) -> bool {
    use TaskState::{
        TaskDropped, TaskError, TaskFailed, TaskFinished, TaskGone, TaskGoneByOperator, TaskKilled, TaskLost,
    };
    matches!(
        state,
        TaskFinished
            | TaskFailed
            | TaskKilled
            | TaskLost
            | TaskError
            | TaskDropped
            | TaskGone
            | TaskGoneByOperator
    )
}

/// The `TaskInfo`s that a call launches, those of task groups among them.
pub(crate) fn launched(call: &Call) -> impl Iterator<Item = &[u8]> {
    let operations = match call {
        Call::Accept { operations, .. } => operations.as_slice(),
        _ => &[],
    };
    operations.iter().flat_map(|operation| {
        let launch = last_bytes(operation, offer_operation::LAUNCH).unwrap_or_default();
        let group = last_bytes(operation, offer_operation::LAUNCH_GROUP)
            .and_then(|group| last_bytes(group, offer_operation_launch_group::TASK_GROUP))
            .unwrap_or_default();
        let grouped = every_bytes(group, task_group_info::TASKS);
        every_bytes(launch, offer_operation_launch::TASK_INFOS).chain(grouped)
    })
}
