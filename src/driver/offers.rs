//! What a user may write for offers, tasks and operations, as the wire bytes that a call carries.
//!
//! An offer may be an Offer, an OfferID or its text; one or many. A task without `agent_id` gets the one of the
//! Offer, in a copy: the user's object is never changed.
//!
//! # Invariants
//! * Everything is checked here, before anything is sent; an error names the value and what to do.

use crate::exceptions::EncodeError;
use crate::message::{from_wire, to_wire, to_wire_for};
use crate::wire::{self, Message, Value, Writer, field, fields, last_bytes, msg};
use bytes::Bytes;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping, PyString};
use std::collections::HashSet;

/// The offers of one call: their ids, and the agent they are of, as far as whole Offers were given.
pub(crate) struct Offered {
    pub(crate) ids: Vec<Bytes>,
    /// `AgentID`
    agent_id: Option<Bytes>,
}

/// Offers as the user gave them.
pub(crate) fn offers(given: &Bound<'_, PyAny>) -> PyResult<Offered> {
    let mut offered = Offered { ids: Vec::new(), agent_id: None };
    let mut seen = HashSet::new();
    for one in one_or_many(given, "offers")? {
        let id = match if one.is_instance_of::<PyString>() { None } else { part(&one, "id")? } {
            None => to_wire_for("offers", &one, msg::OFFER_ID)?,
            Some(id) => {
                let agent = agent_of(&one)?
                    .map(|agent| to_wire_for("agent_id", &agent, msg::AGENT_ID))
                    .transpose()?;
                match (&offered.agent_id, agent) {
                    (Some(known), Some(agent)) if *known != agent => {
                        return Err(EncodeError::new_err(
                            "offers: they are of different agents; accept the offers of each agent in a call of its own",
                        ));
                    }
                    (None, agent) => offered.agent_id = agent,
                    _ => {}
                }
                to_wire_for("offers", &id, msg::OFFER_ID)?
            }
        };
        if !seen.insert(id.clone()) {
            let words = format!("offers: {} is in it twice", one.repr()?);
            return Err(EncodeError::new_err(words));
        }
        offered.ids.push(id);
    }
    if offered.ids.is_empty() {
        return Err(EncodeError::new_err("offers: it is empty; give at least one offer"));
    }
    Ok(offered)
}

/// `OfferID`s of offers that need not be of one agent, and may be none.
pub(crate) fn offer_ids(given: &Bound<'_, PyAny>) -> PyResult<Vec<Bytes>> {
    let id =
        |one: &Bound<'_, PyAny>| match if one.is_instance_of::<PyString>() { None } else { part(one, "id")? }
        {
            Some(id) => to_wire_for("offers", &id, msg::OFFER_ID),
            None => to_wire_for("offers", one, msg::OFFER_ID),
        };
    one_or_many(given, "offers")?.iter().map(id).collect()
}

impl Offered {
    /// `TaskInfo`s.
    pub(crate) fn tasks(&self, given: &Bound<'_, PyAny>) -> PyResult<Vec<Bytes>> {
        let task = |task: &Bound<'_, PyAny>| {
            if agent_of(task)?.is_some() {
                return to_wire_for("tasks", task, msg::TASK_INFO);
            }
            let filled = self.task(&partial("tasks", task, "TaskInfo")?)?;
            checked(task.py(), msg::TASK_INFO, filled)
        };
        one_or_many(given, "tasks")?.iter().map(task).collect()
    }

    /// `Offer.Operation`s. `framework_id` (`FrameworkID`) is filled in where Mesos does not do it.
    pub(crate) fn operations(
        &self,
        given: &Bound<'_, PyAny>,
        framework_id: Option<&Bytes>,
    ) -> PyResult<Vec<Bytes>> {
        let operation = |operation: &Bound<'_, PyAny>| {
            let launches = part(operation, "launch")?.is_some() || part(operation, "launch_group")?.is_some();
            if !launches {
                return typed(to_wire_for("operations", operation, msg::OFFER_OPERATION)?);
            }
            let given = partial("operations", operation, "Offer.Operation")?;
            let filled = self.operation(&given, framework_id)?;
            typed(checked(operation.py(), msg::OFFER_OPERATION, filled)?)
        };
        one_or_many(given, "operations")?.iter().map(operation).collect()
    }

    fn task(&self, task: &[u8]) -> PyResult<Vec<u8>> {
        if last_bytes(task, field::task_info::AGENT_ID).is_some() {
            return Ok(task.to_vec());
        }
        let Some(agent_id) = &self.agent_id else {
            let id = last_bytes(task, field::task_info::TASK_ID);
            let id = id.and_then(|id| last_bytes(id, field::task_id::VALUE)).unwrap_or_default();
            return Err(EncodeError::new_err(format!(
                "task {:?}: agent_id is not set, and an offer's id does not say it; set agent_id, or give the Offer",
                String::from_utf8_lossy(id)
            )));
        };
        Ok(with_missing(task, field::task_info::AGENT_ID, Some(agent_id)))
    }

    fn operation(&self, operation: &[u8], framework_id: Option<&Bytes>) -> PyResult<Vec<u8>> {
        use field::{
            executor_info, offer_operation, offer_operation_launch, offer_operation_launch_group,
            task_group_info,
        };
        rewrite(operation, |number, inner| match number {
            offer_operation::LAUNCH => rewrite(inner, |number, task| match number {
                offer_operation_launch::TASK_INFOS => self.task(task),
                _ => Ok(task.to_vec()),
            }),
            offer_operation::LAUNCH_GROUP => rewrite(inner, |number, group| match number {
                offer_operation_launch_group::TASK_GROUP => rewrite(group, |number, task| match number {
                    task_group_info::TASKS => self.task(task),
                    _ => Ok(task.to_vec()),
                }),
                offer_operation_launch_group::EXECUTOR => {
                    Ok(with_missing(group, executor_info::FRAMEWORK_ID, framework_id))
                }
                _ => Ok(group.to_vec()),
            }),
            _ => Ok(inner.to_vec()),
        })
    }
}

/// The message with this field, if it lacks it and there is one.
fn with_missing(message: &[u8], number: u32, value: Option<&Bytes>) -> Vec<u8> {
    let mut added = Writer::new();
    if let (None, Some(value)) = (last_bytes(message, number), value) {
        added.bytes(number, value);
    }
    [message, &added.finish()].concat()
}

/// An operation that says which one it is: Mesos ignores any other without a word.
fn typed(operation: Bytes) -> PyResult<Bytes> {
    if fields(&operation).flatten().any(|(number, _)| number == field::offer_operation::TYPE) {
        return Ok(operation);
    }
    Err(EncodeError::new_err("operations: type is not set; say which it is, such as \"LAUNCH\""))
}

/// The message again, with each of its delimited fields as `change` makes it.
fn rewrite(message: &[u8], change: impl Fn(u32, &[u8]) -> PyResult<Vec<u8>>) -> PyResult<Vec<u8>> {
    let mut out = Writer::new();
    for one in fields(message) {
        let (number, value) = one.map_err(|error| EncodeError::new_err(error.to_string()))?;
        match value {
            Value::Varint(value) => out.varint(number, value),
            Value::Fixed64(value) => out.double(number, f64::from_bits(value)),
            Value::Bytes(value) => out.bytes(number, &change(number, value)?),
            Value::Fixed32(_) | Value::Group(_) => continue, // in no message of the schema
        };
    }
    Ok(out.finish())
}

/// The bytes of a message that may lack required fields; a dict becomes the message `class` first.
fn partial(name: &str, given: &Bound<'_, PyAny>, class: &str) -> PyResult<Vec<u8>> {
    let py = given.py();
    let made = match given.cast::<PyDict>() {
        Err(_) => given.clone(),
        Ok(keywords) => {
            let mut maker = py.import("mesos")?.into_any();
            for part in class.split('.') {
                maker = maker.getattr(part)?;
            }
            maker.call((), Some(keywords))?
        }
    };
    let Ok(write) = made.getattr("SerializePartialToString") else {
        let words = format!("{name}: {class} or dict expected, not {}", given.get_type().name()?);
        return Err(PyTypeError::new_err(words));
    };
    write.call0()?.extract()
}

/// Bytes that were put together here, with the checks that every message of the user gets.
fn checked(py: Python<'_>, message: &'static Message, bytes: Vec<u8>) -> PyResult<Bytes> {
    wire::validate(message, &bytes).map_err(|error| EncodeError::new_err(error.to_string()))?;
    to_wire(from_wire(py, message, Bytes::from(bytes))?.bind(py), message)
}

/// A set field of a message or a dict; `None` if it is not set, or if there is none of that name.
pub(crate) fn part<'py>(given: &Bound<'py, PyAny>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    if let Ok(mapping) = given.cast::<PyMapping>() {
        let found = if mapping.contains(name)? { Some(mapping.get_item(name)?) } else { None };
        return Ok(found.filter(|found| !found.is_none()));
    }
    let Some(found) = given.getattr_opt(name)? else { return Ok(None) };
    match given.getattr_opt("HasField")? {
        Some(has) if !has.call1((name,))?.is_truthy()? => Ok(None),
        _ => Ok(Some(found)),
    }
}

/// The agent of an offer, a task or a status, under its old name too.
pub(crate) fn agent_of<'py>(given: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    Ok(match part(given, "agent_id")? {
        None => part(given, "slave_id")?,
        found => found,
    })
}

/// What was given, as a list: text, a dict and a message are one thing, everything else is iterated over.
pub(crate) fn one_or_many<'py>(given: &Bound<'py, PyAny>, name: &str) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let one = given.is_instance_of::<PyString>()
        || given.cast::<PyMapping>().is_ok()
        || given.hasattr("SerializePartialToString")?;
    if one {
        return Ok(vec![given.clone()]);
    }
    let Ok(items) = given.try_iter() else {
        let words = format!("{name}: one or several are expected, not {}", given.get_type().name()?);
        return Err(PyTypeError::new_err(words));
    };
    items.collect()
}
