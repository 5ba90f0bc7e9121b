//! The answer to a launch that no subscription could take: the tasks are lost, said by an update for each of them.
//!
//! Mesos' own driver says so too (its words, its reason), so that a scheduler that waits for its tasks need not
//! guess. Task groups get none, as there.
//!
//! # Invariants
//! * Without a uuid, as of all updates that no agent made: nobody acknowledges them.

use crate::event::{Call, Event};
use crate::proto::mesos::v1::TaskState;
use crate::proto::mesos::v1::framework_info::capability::Type as Capability;
use crate::proto::mesos::v1::task_status::{Reason, Source};
use crate::wire::field::{
    framework_info, framework_info_capability, offer_operation, offer_operation_launch,
};
use crate::wire::field::{task_info, task_status};
use crate::wire::{Value, Writer, fields, last_bytes};
use std::time::{SystemTime, UNIX_EPOCH};

/// The updates for a dropped call of this framework (`FrameworkInfo`); none if it launches nothing.
pub(super) fn updates(call: &Call, framework: &[u8]) -> Vec<Event> {
    let Call::Accept { operations, .. } = call else { return Vec::new() };
    let state = if partition_aware(framework) { TaskState::TaskDropped } else { TaskState::TaskLost };
    let launches = operations.iter().filter_map(|operation| last_bytes(operation, offer_operation::LAUNCH));
    let tasks = launches.flat_map(|launch| all(launch, offer_operation_launch::TASK_INFOS));
    tasks.map(|task| update(task, state)).collect()
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
    let aware = Value::Varint(Capability::PartitionAware as u64);
    all(framework, framework_info::CAPABILITIES)
        .any(|one| fields(one).flatten().any(|field| field == (framework_info_capability::TYPE, aware)))
}

/// The contents of every field of this number.
fn all(message: &[u8], wanted: u32) -> impl Iterator<Item = &[u8]> {
    let of_number = fields(message).flatten().filter(move |(number, _)| *number == wanted);
    of_number.filter_map(|(_, value)| value.bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{msg, validate};
    use bytes::Bytes;

    fn launch() -> Call {
        let mut operation = Writer::new();
        operation.varint(offer_operation::TYPE, 1).message(offer_operation::LAUNCH, |launch| {
            for name in ["a", "b"] {
                launch.message(offer_operation_launch::TASK_INFOS, |task| {
                    task.string(task_info::NAME, name).message(task_info::TASK_ID, |id| {
                        id.string(1, name);
                    });
                    task.message(task_info::AGENT_ID, |id| {
                        id.string(1, "agent");
                    });
                });
            }
        });
        Call::Accept { offer_ids: Vec::new(), operations: vec![operation.finish().into()], filters: None }
    }

    fn states(framework: &[u8]) -> Vec<(Bytes, u64)> {
        let read = |event: Event| {
            let Event::StatusUpdate(status) = event else { panic!("not an update: {event:?}") };
            validate(msg::TASK_STATUS, &status).unwrap();
            assert!(last_bytes(&status, task_status::UUID).is_none());
            let state = fields(&status).flatten().find(|(number, _)| *number == task_status::STATE).unwrap();
            let id = last_bytes(last_bytes(&status, task_status::TASK_ID).unwrap(), 1).unwrap();
            (Bytes::copy_from_slice(id), state.1.varint().unwrap())
        };
        updates(&launch(), framework).into_iter().map(read).collect()
    }

    #[test]
    fn every_task_of_a_dropped_launch_is_lost() {
        let lost = TaskState::TaskLost as u64;
        assert_eq!(states(b""), [(Bytes::from("a"), lost), (Bytes::from("b"), lost)]);
    }

    #[test]
    fn a_partition_aware_framework_hears_dropped() {
        let mut framework = Writer::new();
        framework.message(framework_info::CAPABILITIES, |one| {
            one.varint(framework_info_capability::TYPE, Capability::PartitionAware as u64);
        });
        let dropped = TaskState::TaskDropped as u64;
        assert!(states(&framework.finish()).iter().all(|(_, state)| *state == dropped));
    }

    #[test]
    fn other_calls_are_dropped_in_silence() {
        assert!(updates(&Call::Revive { roles: Vec::new() }, b"").is_empty());
    }
}
