//! What an event is in Python: the handler's name, and what follows the driver in its arguments.
//!
//! # Invariants
//! * What the handlers are told is known of the driver from that moment on, not earlier.

use super::{Dispatch, Side};
use crate::driver::lifecycle::lock;
use crate::event::{Event, Placement};
use crate::message::from_wire;
use crate::wire::{Message, Value, field, fields, last_bytes, msg};
use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString};

/// A handler's name and arguments.
type Described<'py> = (&'static str, Vec<Bound<'py, PyAny>>);

impl Dispatch {
    /// The method for an event and what follows the driver in its arguments.
    pub(super) fn describe<'py>(&self, py: Python<'py>, event: Event) -> PyResult<Described<'py>> {
        let many = |message, all: Vec<Bytes>| -> PyResult<_> {
            let all = all.into_iter().map(|one| from_wire(py, message, one)).collect::<PyResult<Vec<_>>>()?;
            Ok(PyList::new(py, all)?.into_any())
        };
        let one = |message, bytes| one(py, message, bytes);
        Ok(match event {
            Event::Subscribed { framework_id, master_info } => {
                let first = {
                    let mut known = lock(&self.known);
                    known.connected = true;
                    known.framework_id = Some(framework_id.clone());
                    known.master_info.clone_from(&master_info);
                    !std::mem::replace(&mut known.registered, true)
                };
                let master = match master_info {
                    Some(bytes) => one(msg::MASTER_INFO, bytes)?,
                    None => py.None().into_bound(py),
                };
                if first {
                    ("registered", vec![one(msg::FRAMEWORK_ID, framework_id)?, master])
                } else {
                    ("reregistered", vec![master])
                }
            }
            Event::Disconnected => {
                lock(&self.known).connected = false;
                ("disconnected", Vec::new())
            }
            Event::Offers(offers) => ("resource_offers", vec![many(msg::OFFER, offers)?]),
            Event::InverseOffers(offers) => ("inverse_offers", vec![many(msg::INVERSE_OFFER, offers)?]),
            Event::OfferRescinded(id) => ("offer_rescinded", vec![one(msg::OFFER_ID, id)?]),
            Event::InverseOfferRescinded(id) => ("inverse_offer_rescinded", vec![one(msg::OFFER_ID, id)?]),
            Event::StatusUpdate(status) => ("status_update", vec![one(msg::TASK_STATUS, status)?]),
            Event::OperationStatusUpdate(status) => {
                ("operation_status_update", vec![one(msg::OPERATION_STATUS, status)?])
            }
            Event::FrameworkMessage { executor_id, agent_id, data } => {
                let executor = one(msg::EXECUTOR_ID, executor_id)?;
                let agent = one(msg::AGENT_ID, agent_id)?;
                ("framework_message", vec![executor, agent, PyBytes::new(py, &data).into_any()])
            }
            Event::AgentLost { agent_id } => ("agent_lost", vec![one(msg::AGENT_ID, agent_id)?]),
            Event::ExecutorLost { executor_id, agent_id, status } => {
                let executor = one(msg::EXECUTOR_ID, executor_id)?;
                let agent = one(msg::AGENT_ID, agent_id)?;
                ("executor_lost", vec![executor, agent, status.into_pyobject(py)?.into_any()])
            }
            Event::CallRejected { call, code, message } => {
                lock(&self.known).rejected(&call);
                let call = one(self.side.call(), call)?;
                let code = code.into_pyobject(py)?.into_any();
                ("call_rejected", vec![call, code, PyString::new(py, &message).into_any()])
            }
            Event::ExecutorSubscribed(placement) => return self.describe_placement(py, placement),
            Event::Launch(task) => {
                self.remember_kill_policy(&task);
                ("launch_task", vec![one(msg::TASK_INFO, task)?])
            }
            Event::LaunchGroup(group) => {
                tasks(&group).for_each(|task| self.remember_kill_policy(&task));
                ("launch_group", vec![one(msg::TASK_GROUP_INFO, group)?])
            }
            Event::Kill { task_id, kill_policy } => {
                if let Some(policy) = kill_policy {
                    lock(&self.known).kill_policies.insert(task_name(&task_id), policy);
                }
                ("kill_task", vec![one(msg::TASK_ID, task_id)?])
            }
            Event::SchedulerMessage(data) => ("framework_message", vec![PyBytes::new(py, &data).into_any()]),
            Event::Shutdown => ("shutdown", Vec::new()),
            Event::Error(failure) => ("error", vec![PyString::new(py, &failure.message).into_any()]),
        })
    }

    fn describe_placement<'py>(&self, py: Python<'py>, placement: Placement) -> PyResult<Described<'py>> {
        let first = {
            let mut known = lock(&self.known);
            known.connected = true;
            known.placement = Some(placement.clone());
            !std::mem::replace(&mut known.registered, true)
        };
        let agent = one(py, msg::AGENT_INFO, placement.agent_info)?;
        if !first {
            return Ok(("reregistered", vec![agent]));
        }
        let executor = one(py, msg::EXECUTOR_INFO, placement.executor_info)?;
        let framework = one(py, msg::FRAMEWORK_INFO, placement.framework_info)?;
        Ok(("registered", vec![executor, framework, agent]))
    }

    /// A kill need not name a policy: then it is that of the task.
    fn remember_kill_policy(&self, task: &Bytes) {
        let part = |number| last_bytes(task, number).map(|found| task.slice_ref(found));
        if let (Some(id), Some(policy)) =
            (part(field::task_info::TASK_ID), part(field::task_info::KILL_POLICY))
        {
            lock(&self.known).kill_policies.insert(task_name(&id), policy);
        }
    }
}

impl Side {
    /// The message of its calls.
    pub(crate) fn call(self) -> &'static Message {
        match self {
            Side::Scheduler => msg::SCHEDULER_CALL,
            Side::Executor => msg::EXECUTOR_CALL,
        }
    }
}

fn one<'py>(py: Python<'py>, message: &'static Message, bytes: Bytes) -> PyResult<Bound<'py, PyAny>> {
    from_wire(py, message, bytes).map(|made| made.into_bound(py))
}

/// The text of a `TaskID`.
pub(crate) fn task_name(id: &Bytes) -> Bytes {
    last_bytes(id, field::task_id::VALUE).map(|name| id.slice_ref(name)).unwrap_or_default()
}

/// The `TaskInfo`s of a `TaskGroupInfo`.
fn tasks(group: &Bytes) -> impl Iterator<Item = Bytes> {
    fields(group).flatten().filter_map(|field| match field {
        (field::task_group_info::TASKS, Value::Bytes(task)) => Some(group.slice_ref(task)),
        _ => None,
    })
}
