//! What acknowledges an update.
//!
//! # Invariants
//! * Only what somebody waits for is acknowledged: an update with a uuid, of an agent or a resource provider.

use crate::event::{Call, Event};
use crate::wire::{field, last_bytes, last_bytes_of};
use bytes::Bytes;

/// What acknowledges an update, if it is to be acknowledged: one with a uuid, from an agent.
pub(crate) fn acknowledgement(event: &Event) -> Option<Call> {
    match event {
        Event::StatusUpdate(status) => task_acknowledgement(status),
        Event::OperationStatusUpdate(status) => operation_acknowledgement(status),
        _ => None,
    }
}

/// The acknowledgement of a `TaskStatus`; none without uuid and agent, for nobody waits for one.
pub(crate) fn task_acknowledgement(status: &Bytes) -> Option<Call> {
    use field::task_status::{AGENT_ID, TASK_ID, UUID};
    let [agent_id, task_id, uuid] = last_bytes_of(status, [AGENT_ID, TASK_ID, UUID]);
    let uuid = uuid.filter(|uuid| !uuid.is_empty())?;
    let part = |found| status.slice_ref(found);
    Some(Call::Acknowledge { agent_id: part(agent_id?), task_id: part(task_id?), uuid: part(uuid) })
}

/// The acknowledgement of an `OperationStatus`; none without uuid and operation id.
pub(crate) fn operation_acknowledgement(status: &Bytes) -> Option<Call> {
    use field::operation_status::{AGENT_ID, OPERATION_ID, RESOURCE_PROVIDER_ID, UUID};
    let part = |number| last_bytes(status, number).map(|found| status.slice_ref(found));
    let uuid = part(UUID)?;
    let uuid = last_bytes(&uuid, field::uuid::VALUE).map(|value| uuid.slice_ref(value))?;
    Some(Call::AcknowledgeOperation {
        agent_id: part(AGENT_ID),
        resource_provider_id: part(RESOURCE_PROVIDER_ID),
        uuid,
        operation_id: part(OPERATION_ID)?,
    })
}
