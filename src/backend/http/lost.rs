//! The answer to a launch that no subscription could take: the tasks are lost, said by an update for each of them.
//!
//! Mesos' own driver says so too (its words, its reason), so that a scheduler that waits for its tasks need not
//! guess. It says nothing of task groups, but a master that cannot launch one does, for each of its tasks: so here.
//!
//! # Invariants
//! * Without a uuid, as of all updates that no agent made: nobody acknowledges them.

use crate::event::{Call, Event};
use crate::proto::mesos::v1::TaskState;
use crate::proto::mesos::v1::framework_info::capability::Type as Capability;
use crate::proto::mesos::v1::task_status::{Reason, Source};
use crate::task::launched;
use crate::wire::field::{framework_info, framework_info_capability, task_info, task_status};
use crate::wire::{Writer, every_bytes, last_bytes, last_varint};
use std::time::{SystemTime, UNIX_EPOCH};

/// The updates for a dropped call of this framework (`FrameworkInfo`); none if it launches nothing.
pub(in crate::backend) fn updates(call: &Call, framework: &[u8]) -> Vec<Event> {
    let state = if partition_aware(framework) { TaskState::TaskDropped } else { TaskState::TaskLost };
    launched(call).map(|task| update(task, state)).collect()
}

fn update(task: &[u8], state: TaskState) -> Event {
    let mut status = Writer::new();
    status.bytes(task_status::TASK_ID, last_bytes(task, task_info::TASK_ID).unwrap_or_default());
    status.varint(task_status::STATE, state as u64);
    status.string(task_status::MESSAGE, "Master disconnected");
    if let Some(agent_id) = last_bytes(task, task_info::AGENT_ID) {
        status.bytes(task_status::AGENT_ID, agent_id);
    }
    if let Ok(now) = SystemTime::now().duration_since(UNIX_EPOCH) {
        status.double(task_status::TIMESTAMP, now.as_secs_f64());
    }
    status.varint(task_status::SOURCE, Source::Master as u64);
    status.varint(task_status::REASON, Reason::MasterDisconnected as u64);
    Event::StatusUpdate(status.finish().into())
}

fn partition_aware(framework: &[u8]) -> bool {
    every_bytes(framework, framework_info::CAPABILITIES).any(|one| {
        last_varint(one, framework_info_capability::TYPE) == Some(Capability::PartitionAware as u64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::mesos::v1::offer::{Operation, operation};
    use crate::proto::mesos::v1::{AgentId, TaskGroupInfo, TaskId, TaskInfo, TaskStatus};
    use crate::wire::{msg, validate};
    use prost::Message;

    fn task(id: &str) -> TaskInfo {
        let (name, agent_id) = (id.to_owned(), AgentId { value: "agent".into() });
        TaskInfo { name, task_id: TaskId { value: id.into() }, agent_id, ..Default::default() }
    }

    /// Two tasks, a reservation and a group of two more.
    fn launch() -> Call {
        let launch = operation::Launch { task_infos: vec![task("a"), task("b")] };
        let task_group = TaskGroupInfo { tasks: vec![task("c"), task("d")] };
        let group = operation::LaunchGroup { task_group, ..Default::default() };
        let operations = [
            Operation { launch: Some(launch), ..Default::default() },
            Operation { reserve: Some(Box::default()), ..Default::default() },
            Operation { launch_group: Some(group.into()), ..Default::default() },
        ];
        let operations = operations.map(|operation| operation.encode_to_vec().into()).to_vec();
        Call::Accept { offer_ids: Vec::new(), operations, filters: None }
    }

    fn statuses(framework: &[u8]) -> Vec<TaskStatus> {
        let read = |event: Event| {
            let Event::StatusUpdate(status) = event else { panic!("not an update: {event:?}") };
            validate(msg::TASK_STATUS, &status).unwrap();
            TaskStatus::decode(status).unwrap()
        };
        updates(&launch(), framework).into_iter().map(read).collect()
    }

    #[test]
    fn every_task_of_a_dropped_call_is_lost() {
        let expected = |id: &str, said: &TaskStatus| TaskStatus {
            task_id: TaskId { value: id.into() },
            state: TaskState::TaskLost.into(),
            message: Some("Master disconnected".into()),
            agent_id: Some(AgentId { value: "agent".into() }),
            timestamp: said.timestamp,
            source: Some(Source::Master.into()),
            reason: Some(Reason::MasterDisconnected.into()),
            ..TaskStatus::default()
        };
        let statuses = statuses(b"");
        let all: Vec<_> =
            ["a", "b", "c", "d"].iter().zip(&statuses).map(|(id, said)| expected(id, said)).collect();
        assert_eq!(statuses, all);
        assert!(statuses.iter().all(|status| status.timestamp > Some(1e9)), "seconds since 1970");
    }

    #[test]
    fn a_partition_aware_framework_hears_dropped() {
        let mut framework = Writer::new();
        framework.message(framework_info::CAPABILITIES, |one| {
            one.varint(framework_info_capability::TYPE, Capability::PartitionAware as u64);
        });
        let statuses = statuses(&framework.finish());
        assert_eq!(statuses.len(), 4);
        assert!(statuses.iter().all(|status| status.state() == TaskState::TaskDropped));
    }

    #[test]
    fn other_calls_are_dropped_in_silence() {
        assert!(updates(&Call::Revive { roles: Vec::new() }, b"").is_empty());
    }
}
