//! The events of a script: tuples like those of `Dispatcher.run_once`, as what a backend says.
//!
//! # Invariants
//! * A tuple that is no event raises, saying what of it is missing or wrong; nothing is made up for it.

use crate::dispatch::Side;
use crate::event::{Event, Failure, Placement};
use crate::message::to_wire;
use crate::wire::{Message, msg};
use bytes::Bytes;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

/// The event that a tuple describes, after the subscription that was said last.
pub(super) fn event(side: Side, said: &Bound<'_, PyAny>, last: Option<&Event>) -> PyResult<Event> {
    let Ok(tuple) = said.cast::<PyTuple>() else {
        let words =
            format!("an event is a tuple such as (\"registered\", \"framework-1\"), not {}", said.repr()?);
        return Err(PyTypeError::new_err(words));
    };
    let said = Said(tuple);
    let name: String = said.item(0)?.extract()?;
    match name.as_str() {
        "disconnected" => Ok(Event::Disconnected),
        "error" => Ok(Event::Error(Failure::of_mesos(said.text(1)?))),
        name => match side {
            Side::Scheduler => said.of_scheduler(name, last),
            Side::Executor => said.of_executor(name, last),
        },
    }
}

/// A tuple that is read item by item.
struct Said<'a, 'py>(&'a Bound<'py, PyTuple>);

impl<'py> Said<'_, 'py> {
    fn item(&self, at: usize) -> PyResult<Bound<'py, PyAny>> {
        let lacks = |_| PyTypeError::new_err(format!("{}: argument {at} of this event is missing", self.0));
        self.0.get_item(at).map_err(lacks)
    }

    fn text(&self, at: usize) -> PyResult<String> {
        self.item(at)?.cast_into::<PyString>()?.extract()
    }

    fn data(&self, at: usize) -> PyResult<Bytes> {
        Ok(Bytes::from(self.item(at)?.extract::<Vec<u8>>()?))
    }

    fn wire(&self, at: usize, message: &'static Message) -> PyResult<Bytes> {
        to_wire(&self.item(at)?, message)
    }

    fn maybe(&self, at: usize, message: &'static Message) -> PyResult<Option<Bytes>> {
        let given = self.0.get_item(at).ok().filter(|given| !given.is_none());
        given.map(|given| to_wire(&given, message)).transpose()
    }

    fn many(&self, message: &'static Message) -> PyResult<Vec<Bytes>> {
        self.item(1)?.try_iter()?.map(|one| to_wire(&one?, message)).collect()
    }

    fn of_scheduler(&self, name: &str, last: Option<&Event>) -> PyResult<Event> {
        Ok(match name {
            "registered" => Event::Subscribed {
                framework_id: self.wire(1, msg::FRAMEWORK_ID)?,
                master_info: self.maybe(2, msg::MASTER_INFO)?,
            },
            "reregistered" => {
                let framework_id = match last {
                    Some(Event::Subscribed { framework_id, .. }) => framework_id.clone(),
                    _ => Bytes::new(),
                };
                Event::Subscribed { framework_id, master_info: self.maybe(1, msg::MASTER_INFO)? }
            }
            "resource_offers" => Event::Offers(self.many(msg::OFFER)?),
            "inverse_offers" => Event::InverseOffers(self.many(msg::INVERSE_OFFER)?),
            "offer_rescinded" => Event::OfferRescinded(self.wire(1, msg::OFFER_ID)?),
            "inverse_offer_rescinded" => Event::InverseOfferRescinded(self.wire(1, msg::OFFER_ID)?),
            "status_update" => Event::StatusUpdate(self.wire(1, msg::TASK_STATUS)?),
            "operation_status_update" => Event::OperationStatusUpdate(self.wire(1, msg::OPERATION_STATUS)?),
            "framework_message" => Event::FrameworkMessage {
                executor_id: self.wire(1, msg::EXECUTOR_ID)?,
                agent_id: self.wire(2, msg::AGENT_ID)?,
                data: self.data(3)?,
            },
            "agent_lost" => Event::AgentLost { agent_id: self.wire(1, msg::AGENT_ID)? },
            "executor_lost" => Event::ExecutorLost {
                executor_id: self.wire(1, msg::EXECUTOR_ID)?,
                agent_id: self.wire(2, msg::AGENT_ID)?,
                status: self.item(3)?.extract()?,
            },
            "call_rejected" => self.call_rejected(msg::SCHEDULER_CALL)?,
            other => return Err(unknown(other, "Scheduler")),
        })
    }

    fn of_executor(&self, name: &str, last: Option<&Event>) -> PyResult<Event> {
        Ok(match name {
            "registered" => Event::ExecutorSubscribed(Placement {
                executor_info: self.wire(1, msg::EXECUTOR_INFO)?,
                framework_info: self.wire(2, msg::FRAMEWORK_INFO)?,
                agent_info: self.wire(3, msg::AGENT_INFO)?,
            }),
            "reregistered" => {
                let Some(Event::ExecutorSubscribed(last)) = last else {
                    return Err(PyValueError::new_err("\"reregistered\" can only follow \"registered\""));
                };
                let agent_info = self.wire(1, msg::AGENT_INFO)?;
                Event::ExecutorSubscribed(Placement { agent_info, ..last.clone() })
            }
            "launch_task" => Event::Launch(self.wire(1, msg::TASK_INFO)?),
            "launch_group" => Event::LaunchGroup(self.wire(1, msg::TASK_GROUP_INFO)?),
            "kill_task" => Event::Kill {
                task_id: self.wire(1, msg::TASK_ID)?,
                kill_policy: self.maybe(2, msg::KILL_POLICY)?,
            },
            "framework_message" => Event::SchedulerMessage(self.data(1)?),
            "shutdown" => Event::Shutdown,
            "call_rejected" => self.call_rejected(msg::EXECUTOR_CALL)?,
            other => return Err(unknown(other, "Executor")),
        })
    }

    fn call_rejected(&self, call: &'static Message) -> PyResult<Event> {
        let (call, code) = (self.wire(1, call)?, self.item(2)?.extract()?);
        Ok(Event::CallRejected { call, code, message: self.text(3)? })
    }
}

fn unknown(name: &str, class: &str) -> PyErr {
    PyValueError::new_err(format!("{name:?} is no event; the names are those of mesos.{class}'s methods"))
}
