//! What schedulers' calls are made of besides offers: roles, constraints, data, and what a FrameworkInfo says.
//!
//! # Invariants
//! * Everything is checked here, before anything is sent; an error names the argument.

use super::handle::Handle;
use super::lifecycle::lock;
use super::offers::one_or_many;
use crate::error::Error;
use crate::message::to_wire_for;
use crate::wire::{Message, Value, Writer, field, fields, last_bytes, msg};
use bytes::Bytes;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView};
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

/// The roles of a framework: `roles` if it is multi-role, else its one `role`.
pub(super) fn framework_roles(framework: &[u8]) -> Vec<String> {
    use field::framework_info::{ROLE, ROLES};
    let text = |value: Value<'_>| value.bytes().map(|text| String::from_utf8_lossy(text).into_owned());
    let named = |wanted| {
        let all = fields(framework).flatten();
        all.filter(move |(number, _)| *number == wanted).filter_map(move |(_, value)| text(value))
    };
    let roles: Vec<String> = named(ROLES).collect();
    if roles.is_empty() { vec![named(ROLE).last().unwrap_or_else(|| "*".into())] } else { roles }
}
