//! Equality of messages, as google.protobuf has it: the same fields set to the same values, unknown fields
//! included. A NaN equals itself, and 0.0 is not -0.0: doubles are compared by their bits.
//!
//! # Invariants
//! * Parts that were never read are compared as bytes first, and made objects only if those differ.

#![expect(unsafe_code, reason = "slot functions called by CPython; bytes a message was parsed from")]

use super::access::Seen;
use super::boundary::{answer, argument, receiver};
use super::desc::Field;
use super::encode::{LEVELS, too_deep};
use super::layout::{CLEAN, Message, Slot, View};
use super::map::Map;
use super::repeated::Repeated;
use super::value::normal;
use super::{access, index};
use crate::wire::{self, Kind};
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyFloat;
use std::ffi::c_int;

/// The result of `==` or `!=`; other operators are not for messages.
pub(super) fn answer_equality<'py>(
    py: Python<'py>,
    operator: c_int,
    equal: impl FnOnce() -> PyResult<bool>,
) -> PyResult<Bound<'py, PyAny>> {
    if operator != ffi::Py_EQ && operator != ffi::Py_NE {
        return Ok(py.NotImplemented().into_bound(py));
    }
    let result = equal()? == (operator == ffi::Py_EQ);
    Ok(pyo3::types::PyBool::new(py, result).to_owned().into_any())
}

/// `tp_richcompare`
pub(super) unsafe extern "C" fn compare(
    one: *mut ffi::PyObject,
    other: *mut ffi::PyObject,
    operator: c_int,
) -> *mut ffi::PyObject {
    // SAFETY: called by CPython with a message first, attached.
    unsafe {
        answer(|py| {
            let one = receiver(one);
            let other = argument(py, other);
            match Message::of(&other).filter(|other| std::ptr::eq(other.desc(), one.desc())) {
                None => Ok(py.NotImplemented().into_bound(py)),
                Some(other) => answer_equality(py, operator, || equal(py, one, other, LEVELS)),
            }
        })
    }
}

/// `tp_hash`: messages have none, and the error says what to use.
pub(super) unsafe extern "C" fn hash(object: *mut ffi::PyObject) -> ffi::Py_hash_t {
    // SAFETY: called by CPython with a message, attached.
    unsafe {
        answer::<()>(|_| {
            let desc = receiver(object).desc();
            let name = desc.name();
            let hint = if desc.bare.is_some() {
                "use its .value as the key"
            } else {
                "use one of its fields as the key"
            };
            Err(PyTypeError::new_err(format!("unhashable type: '{name}': messages can change; {hint}")))
        });
    }
    -1
}

fn equal(py: Python<'_>, one: Message<'_>, other: Message<'_>, depth: u32) -> PyResult<bool> {
    if one.as_ptr() == other.as_ptr() {
        return Ok(true);
    }
    if one.node.is(CLEAN) && other.node.is(CLEAN) {
        // SAFETY: compared at once.
        if unsafe { one.parsed() == other.parsed() } {
            return Ok(true);
        }
    }
    let desc = one.desc();
    let depth = depth.checked_sub(1).ok_or_else(|| too_deep(desc))?;
    // what is held here cannot go while a class is made below
    let (_one, _other) = (one.bound(py), other.bound(py));
    index::index(py, one)?;
    index::index(py, other)?;
    let unknown = one.with_unknown(<[u8]>::to_vec);
    if !other.with_unknown(|bytes| {
        *bytes == unknown || by_number(desc.wire, bytes) == by_number(desc.wire, &unknown)
    }) {
        return Ok(false);
    }
    for at in 0..desc.fields.len() {
        let set = access::is_set(py, one, at)?;
        if set != access::is_set(py, other, at)? {
            return Ok(false);
        }
        if set && !same_field(py, one, other, at, depth)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The fields in bytes of unknown ones, by ascending number: the order between different numbers means nothing.
fn by_number<'a>(message: &'static wire::Message, unknown: &'a [u8]) -> Vec<(u64, &'a [u8])> {
    let fields = wire::spans(message, unknown).map(|span| span.whole(unknown));
    let mut fields: Vec<_> = fields.map(|field| (wire::varint(field) >> 3, field)).collect();
    fields.sort_by_key(|(number, _)| *number);
    fields
}

fn same_field(py: Python<'_>, one: Message<'_>, other: Message<'_>, at: usize, depth: u32) -> PyResult<bool> {
    let field = one.desc().field(at);
    // SAFETY: compared at once.
    let bytes = unsafe { (one.parsed(), other.parsed()) };
    if same_bytes(field, one.slot(at), bytes.0, other.slot(at), bytes.1) {
        return Ok(true);
    }
    let (one, other) = (access::read(py, one, at)?, access::read(py, other, at)?);
    match (access::see(&one), access::see(&other)) {
        (Seen::Repeated(one), Seen::Repeated(other)) => same_items(py, one, other, depth),
        (Seen::Map(one), Seen::Map(other)) => same_entries(py, one, other, depth),
        _ => same_value(py, field, &one, &other, depth),
    }
}

/// Whether two values that were never read are the same bytes. False says nothing.
fn same_bytes(field: &Field, one: Slot, one_source: &[u8], other: Slot, other_source: &[u8]) -> bool {
    let (View::Span(start, len), View::Span(other_start, other_len)) = (one.view(), other.view()) else {
        return false;
    };
    let one = one_source.get(start..start + len).unwrap_or_default();
    let other = other_source.get(other_start..other_start + other_len).unwrap_or_default();
    if field.kind.wire_type() == 0 {
        let kind = field.kind;
        return normal(kind, wire::varint(one)) == normal(kind, wire::varint(other));
    }
    one == other
}

fn same_value<'py>(
    py: Python<'py>,
    field: &Field,
    one: &Bound<'py, PyAny>,
    other: &Bound<'py, PyAny>,
    depth: u32,
) -> PyResult<bool> {
    match field.kind {
        Kind::Message => match (Message::of(one), Message::of(other)) {
            (Some(one), Some(other)) => equal(py, one, other, depth),
            _ => Ok(false),
        },
        Kind::Double => Ok(bits(one)? == bits(other)?),
        _ => one.eq(other),
    }
}

fn bits(value: &Bound<'_, PyAny>) -> PyResult<u64> {
    Ok(value.cast::<PyFloat>()?.value().to_bits())
}

fn same_items(py: Python<'_>, one: Repeated<'_>, other: Repeated<'_>, depth: u32) -> PyResult<bool> {
    if one.len() != other.len() {
        return Ok(false);
    }
    for at in 0..one.len() {
        let (Some(first), Some(second)) = (one.slot(at), other.slot(at)) else { return Ok(false) };
        if same_bytes(one.field(), first, one.source().bytes, second, other.source().bytes) {
            continue;
        }
        let (Some(first), Some(second)) = (one.get(py, at)?, other.get(py, at)?) else { return Ok(false) };
        if !same_value(py, one.field(), &first, &second, depth)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn same_entries(py: Python<'_>, one: Map<'_>, other: Map<'_>, depth: u32) -> PyResult<bool> {
    let (dict, other) = (one.dict(py)?, other.dict(py)?);
    if dict.len() != other.len() {
        return Ok(false);
    }
    let field = one.value_field(py)?;
    for pair in dict.items() {
        let (key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair.extract()?;
        match other.get_item(key)? {
            Some(second) if same_value(py, field, &value, &second, depth)? => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}
