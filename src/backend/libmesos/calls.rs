//! `Call`s as calls of libmesos' scheduler driver.
//!
//! # Invariants
//! * What that driver has no call for, and what it would answer by ending the process, is refused in words, whatever
//!   the state of the connection. A call that is refused has sent nothing.
//! * An acknowledgement and a reconciliation are made of `TaskStatus`es that say no more than they need.

use super::ffi::{SchedulerDriver, Wire};
use super::refused;
use crate::error::{Error, Result};
use crate::event::Call;
use crate::proto::mesos::v1::TaskState;
use crate::wire::field::{offer_operation, scheduler_call_reconcile_task as reconciled, task_status};
use crate::wire::{Writer, last_bytes};
use bytes::Bytes;

/// Fails if no libmesos has such a call, or would survive it.
pub(super) fn check(call: &Call) -> Result<()> {
    let what = match call {
        Call::AcceptInverseOffers { .. } => "accept_inverse_offers: libmesos' driver has no inverse offers",
        Call::DeclineInverseOffers { .. } => "decline_inverse_offers: libmesos' driver has no inverse offers",
        Call::Shutdown { .. } => "shutdown_executor: libmesos' driver has no such call",
        Call::AcknowledgeOperation { .. } => {
            "acknowledge_operation_status: libmesos' driver hears of no operations"
        }
        Call::ReconcileOperations { .. } => "reconcile_operations: libmesos' driver hears of no operations",
        Call::Update(_) | Call::SchedulerMessage(_) => "a scheduler's driver cannot speak for an executor",
        Call::Kill { kill_policy: Some(_), .. } => {
            "kill_task: kill_policy: libmesos' driver cannot say it (TaskInfo.kill_policy holds there, too)"
        }
        Call::Accept { operations, .. }
            if operations.iter().any(|one| last_bytes(one, offer_operation::ID).is_some()) =>
        {
            "operations: libmesos ends the process over an operation with an id, for it hears of no operations"
        }
        _ => return Ok(()),
    };
    Err(Error::Configuration(format!("{what}; use backend=\"http\"")))
}

/// Calls the driver. Fails, naming the release that has it, if this libmesos lacks the call.
pub(super) fn make(driver: &SchedulerDriver, call: &Call) -> Result<()> {
    let made = match call {
        Call::Accept { offer_ids, operations, filters } => {
            driver.accept_offers(&wires(offer_ids), &wires(operations), bytes(filters.as_ref()))
        }
        Call::Decline { offer_ids, filters } => {
            offer_ids.iter().try_for_each(|id| driver.decline_offer(id, bytes(filters.as_ref())))
        }
        Call::Revive { roles } => driver.revive_offers(roles),
        Call::Suppress { roles } => driver.suppress_offers(roles),
        Call::Kill { task_id, .. } => driver.kill_task(task_id),
        Call::Acknowledge { agent_id, task_id, uuid } => {
            driver.acknowledge(&status(task_id, Some(agent_id), Some(uuid)))
        }
        Call::Reconcile { tasks } => {
            let statuses: Vec<_> = tasks.iter().map(|task| reconciliation(task)).collect();
            driver.reconcile_tasks(&wires(&statuses))
        }
        Call::Message { agent_id, executor_id, data } => {
            driver.send_framework_message(executor_id, agent_id, data)
        }
        Call::Request { requests } => driver.request_resources(&wires(requests)),
        Call::UpdateFramework { framework, suppressed_roles, offer_constraints } => {
            driver.update_framework(framework, suppressed_roles, bytes(offer_constraints.as_ref()))
        }
        Call::AcceptInverseOffers { .. }
        | Call::DeclineInverseOffers { .. }
        | Call::Shutdown { .. }
        | Call::AcknowledgeOperation { .. }
        | Call::ReconcileOperations { .. }
        | Call::Update(_)
        | Call::SchedulerMessage(_) => return check(call),
    };
    made.map_err(refused)
}

/// Does libmesos keep it for the master that it does not have now? It drops the others.
pub(super) fn is_kept(call: &Call) -> bool {
    matches!(call, Call::Revive { .. } | Call::Suppress { .. } | Call::UpdateFramework { .. })
}

fn wires(messages: &[Bytes]) -> Vec<Wire<'_>> {
    messages.iter().map(|bytes| Wire { bytes }).collect()
}

/// A message that is not there has no fields.
fn bytes(message: Option<&Bytes>) -> &[u8] {
    message.map_or(&[], |message| message)
}

/// The `TaskStatus` of a `scheduler.Call.Reconcile.Task`.
fn reconciliation(task: &[u8]) -> Bytes {
    let part = |number| last_bytes(task, number);
    status(part(reconciled::TASK_ID).unwrap_or_default(), part(reconciled::AGENT_ID), None)
}

fn status(task_id: &[u8], agent_id: Option<&[u8]>, uuid: Option<&[u8]>) -> Bytes {
    let mut status = Writer::new();
    // there must be a state; nobody reads it
    status.bytes(task_status::TASK_ID, task_id).varint(task_status::STATE, TaskState::TaskRunning as u64);
    if let Some(agent_id) = agent_id {
        status.bytes(task_status::AGENT_ID, agent_id);
    }
    if let Some(uuid) = uuid {
        status.bytes(task_status::UUID, uuid);
    }
    status.finish().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::mesos::v1::TaskStatus;
    use crate::wire::{msg, validate};
    use prost::Message;

    fn words(call: &Call) -> String {
        check(call).unwrap_err().to_string()
    }

    #[test]
    fn what_libmesos_cannot_say_is_refused_with_what_can() {
        let id = || Bytes::from_static(b"\x0a\x01x");
        let kill = Call::Kill { task_id: id(), agent_id: None, kill_policy: Some(Bytes::new()) };
        let operation = Call::ReconcileOperations { operations: Vec::new() };
        for (call, name) in [
            (Call::Shutdown { executor_id: id(), agent_id: id() }, "shutdown_executor"),
            (Call::AcceptInverseOffers { offer_ids: vec![id()], filters: None }, "accept_inverse_offers"),
            (operation, "reconcile_operations"),
            (kill, "kill_policy"),
        ] {
            assert!(words(&call).contains(name) && words(&call).ends_with("use backend=\"http\""));
        }
        check(&Call::Kill { task_id: id(), agent_id: Some(id()), kill_policy: None }).unwrap();
    }

    #[test]
    fn an_operation_with_an_id_never_reaches_libmesos() {
        let mut operation = Writer::new();
        operation.varint(offer_operation::TYPE, 2);
        let accept = |operation: Bytes| Call::Accept {
            offer_ids: Vec::new(),
            operations: vec![operation],
            filters: None,
        };
        let mut with_id = Writer::new();
        with_id.varint(offer_operation::TYPE, 2).bytes(offer_operation::ID, b"\x0a\x01o");
        check(&accept(operation.finish().into())).unwrap();
        assert!(words(&accept(with_id.finish().into())).contains("ends the process"));
    }

    #[test]
    fn statuses_say_what_is_needed() {
        let made = status(b"\x0a\x01t", Some(b"\x0a\x01a"), Some(&[7; 16]));
        validate(msg::TASK_STATUS, &made).unwrap();
        let made = TaskStatus::decode(&made[..]).unwrap();
        assert_eq!((made.task_id.value.as_str(), made.agent_id.unwrap().value.as_str()), ("t", "a"));
        assert_eq!(made.uuid.unwrap(), [7; 16][..]);
        let made = TaskStatus::decode(&reconciliation(b"\x0a\x03\x0a\x01t")[..]).unwrap();
        assert_eq!((made.task_id.value.as_str(), made.agent_id, made.uuid), ("t", None, None));
    }
}
