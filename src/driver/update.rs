//! What an executor says of a task, checked and completed: the `TaskStatus` that an agent takes.
//!
//! # Invariants
//! * What an agent would refuse raises here, naming the field and the value.
//! * Every update is one of its own: its uuid is new, even if the same status is sent again.

use crate::exceptions::EncodeError;
use crate::proto::mesos::v1::TaskState;
use crate::proto::mesos::v1::task_status::Source;
use crate::task::is_terminal;
use crate::wire::{Writer, field, fields, last_bytes, last_varint};
use bytes::Bytes;
use pyo3::PyResult;
use std::time::{SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// Where updates come from.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    /// `ExecutorID`
    pub(super) executor_id: Bytes,
    /// `AgentID`
    pub(super) agent_id: Bytes,
}

/// An update that can be sent.
#[derive(Debug)]
pub(super) struct Update {
    /// `TaskStatus`
    pub(super) status: Bytes,
    /// the text of its `TaskID`
    pub(super) task: Bytes,
    pub(super) is_terminal: bool,
}

/// Makes an update of a `TaskStatus` of the user's, which is not changed.
pub(super) fn update(given: &Bytes, origin: Option<&Origin>) -> PyResult<Update> {
    use field::task_status as n;
    let id = last_bytes(given, n::TASK_ID).unwrap_or_default();
    let task = text(id);
    if task.is_empty() {
        return Err(EncodeError::new_err("status.task_id: it is empty; name the task"));
    }
    let state = last_varint(given, n::STATE).and_then(|state| i32::try_from(state).ok());
    let state = state.and_then(|state| TaskState::try_from(state).ok());
    if state == Some(TaskState::TaskStaging) {
        return Err(EncodeError::new_err(
            "status.state: TASK_STAGING is what Mesos says before an executor has the task; the first state of an \
             executor's is TASK_STARTING or TASK_RUNNING",
        ));
    }
    // the last field of a number counts, so that appending it is setting it
    let mut more = Writer::new();
    if let Some(origin) = origin {
        own(&mut more, given, "executor_id", n::EXECUTOR_ID, &origin.executor_id)?;
        own(&mut more, given, "agent_id", n::AGENT_ID, &origin.agent_id)?;
    }
    if !fields(given).flatten().any(|(number, _)| number == n::TIMESTAMP)
        && let Ok(now) = SystemTime::now().duration_since(UNIX_EPOCH)
    {
        more.double(n::TIMESTAMP, now.as_secs_f64());
    }
    more.varint(n::SOURCE, Source::Executor as u64);
    more.bytes(n::UUID, Uuid::new_v4().as_bytes());
    Ok(Update {
        status: [given, &more.finish()[..]].concat().into(),
        task: Bytes::copy_from_slice(task),
        is_terminal: state.is_some_and(is_terminal),
    })
}

/// Sets an id that is not set; one that is must be ours.
fn own(more: &mut Writer, given: &Bytes, name: &str, number: u32, ours: &Bytes) -> PyResult<()> {
    match last_bytes(given, number) {
        None => {
            more.bytes(number, ours);
            Ok(())
        }
        Some(id) if text(id) == text(ours) => Ok(()),
        Some(id) => {
            let show = |id| String::from_utf8_lossy(text(id)).into_owned();
            let words = format!(
                "status.{name}: {:?} is another one's; leave it out, or write {:?}",
                show(id),
                show(ours)
            );
            Err(EncodeError::new_err(words))
        }
    }
}

/// What an id of any kind says.
fn text(id: &[u8]) -> &[u8] {
    last_bytes(id, field::task_id::VALUE).unwrap_or_default()
}
