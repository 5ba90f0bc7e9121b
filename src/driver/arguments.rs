//! What schedulers' calls are made of besides offers: roles, constraints, data, and what a FrameworkInfo says.
//!
//! # Invariants
//! * Everything is checked here, before anything is sent; an error names the argument.

use super::handle::Handle;
use super::lifecycle::lock;
use super::offers::{agent_of, one_or_many, part};
use crate::error::Error;
use crate::message::to_wire_for;
use crate::wire::{Message, Value, Writer, field, fields, last_bytes, msg};
use bytes::Bytes;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView, PyString};
use std::time::Duration;

/// A message, if one was given for the argument `name`.
pub(super) fn optional(
    name: &str,
    given: Option<&Bound<'_, PyAny>>,
    message: &'static Message,
) -> PyResult<Option<Bytes>> {
    given.map(|given| to_wire_for(name, given, message)).transpose()
}

/// `scheduler.OfferConstraints`
pub(super) fn constraints(given: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Bytes>> {
    optional("offer_constraints", given, msg::SCHEDULER_OFFER_CONSTRAINTS)
}

/// `None` = all roles; a single text is one role.
pub(super) fn some_roles(given: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Vec<String>>> {
    given.map(|given| roles(given, "roles")).transpose()
}

/// Names of roles, each once.
pub(super) fn roles(given: &Bound<'_, PyAny>, name: &str) -> PyResult<Vec<String>> {
    let mut names = Vec::new();
    for role in one_or_many(given, name)? {
        let Ok(role) = role.extract::<String>() else {
            let words = format!("{name}: names of roles (str) are expected, not {}", role.get_type().name()?);
            return Err(PyTypeError::new_err(words));
        };
        if names.contains(&role) {
            return Err(Error::Configuration(format!("{name}: {role:?} is in it twice")).into());
        }
        names.push(role);
    }
    Ok(names)
}

/// bytes, bytearray or memoryview.
pub(super) fn data_bytes(data: &Bound<'_, PyAny>) -> PyResult<Bytes> {
    if let Ok(bytes) = data.extract::<PyBackedBytes>() {
        return Ok(Bytes::copy_from_slice(&bytes));
    }
    if data.is_instance_of::<PyByteArray>() || data.is_instance_of::<PyMemoryView>() {
        let bytes = data.py().get_type::<PyBytes>().call1((data,))?;
        return Ok(Bytes::copy_from_slice(bytes.cast::<PyBytes>()?.as_bytes()));
    }
    let words = format!("data: bytes are expected, not {}; encode text first", data.get_type().name()?);
    Err(PyTypeError::new_err(words))
}

/// What a RECONCILE or RECONCILE_OPERATIONS asks about, one `question` for each.
pub(super) fn questions(
    given: &Bound<'_, PyAny>,
    name: &str,
    question: fn(&Bound<'_, PyAny>) -> PyResult<Vec<u8>>,
) -> PyResult<Vec<Bytes>> {
    one_or_many(given, name)?.iter().map(|one| question(one).map(Bytes::from)).collect()
}

/// A `scheduler.Call.Reconcile.Task`, of a status or of the id alone.
pub(super) fn task_question(status: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    use field::scheduler_call_reconcile_task::{AGENT_ID, TASK_ID};
    let mut task = Writer::new();
    let id = if status.is_instance_of::<PyString>() { None } else { part(status, "task_id")? };
    task.bytes(TASK_ID, &to_wire_for("statuses", id.as_ref().unwrap_or(status), msg::TASK_ID)?);
    if let Some(agent) = agent_of(status)? {
        task.bytes(AGENT_ID, &to_wire_for("agent_id", &agent, msg::AGENT_ID)?);
    }
    Ok(task.finish())
}

/// A `scheduler.Call.ReconcileOperations.Operation`, of a status or of the id alone.
pub(super) fn operation_question(status: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    use field::scheduler_call_reconcile_operations_operation as number;
    let mut operation = Writer::new();
    let id = if status.is_instance_of::<PyString>() { None } else { part(status, "operation_id")? };
    let id = to_wire_for("operations", id.as_ref().unwrap_or(status), msg::OPERATION_ID)?;
    operation.bytes(number::OPERATION_ID, &id);
    if let Some(agent) = agent_of(status)? {
        operation.bytes(number::AGENT_ID, &to_wire_for("agent_id", &agent, msg::AGENT_ID)?);
    }
    if let Some(provider) = part(status, "resource_provider_id")? {
        let provider = to_wire_for("resource_provider_id", &provider, msg::RESOURCE_PROVIDER_ID)?;
        operation.bytes(number::RESOURCE_PROVIDER_ID, &provider);
    }
    Ok(operation.finish())
}

/// The framework with the id that Mesos gave it, if it has none of its own.
pub(super) fn with_id(handle: &Handle, framework: Bytes) -> Bytes {
    let id = lock(&handle.dispatch.known).framework_id.clone();
    match id {
        Some(id) if last_bytes(&framework, field::framework_info::ID).is_none() => {
            let mut added = Writer::new();
            added.bytes(field::framework_info::ID, &id);
            Bytes::from([&framework[..], &added.finish()].concat())
        }
        _ => framework,
    }
}

/// `FrameworkInfo.failover_timeout`
pub(super) fn failover_timeout(framework: &[u8]) -> Duration {
    let mut timeout = Duration::ZERO;
    for (number, value) in fields(framework).flatten() {
        if let (field::framework_info::FAILOVER_TIMEOUT, Value::Fixed64(bits)) = (number, value) {
            timeout = Duration::try_from_secs_f64(f64::from_bits(bits)).unwrap_or(Duration::ZERO);
        }
    }
    timeout
}
