//! From the wire bytes of one value to the Python object it reads as.
//!
//! # Invariants
//! * Runs no Python code, once `Field::prepare` was called for the field.
//! * Spans come from the validating scan: an incomplete one cannot happen, and would read as zero.

#![expect(unsafe_code, reason = "objects made by CPython's own constructors, without their checks")]

use super::alloc;
use super::desc::{self, Field};
use super::layout::Node;
use super::strings;
use crate::wire::{Kind, double, varint};
use pyo3::exceptions::PyUnicodeDecodeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyFloat};
#[cfg(not(feature = "abi3"))]
use std::ffi::c_int;
use std::ptr;

/// Bytes, and the object that keeps them alive (null: nobody needs to).
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) owner: *mut ffi::PyObject,
    /// whether no required field is known to be missing in them, or in the message they are part of
    pub(super) complete: bool,
}

impl Source<'_> {
    /// With what is known of the whole, if this is the same.
    pub(super) fn knowing(self, whole: Source<'_>) -> Self {
        let same = ptr::eq(self.bytes, whole.bytes);
        Source { complete: self.complete || (same && whole.complete), ..self }
    }
}

/// The object for the value in `source`; a message gets `parent` and `place`.
#[inline(always)]
pub(super) fn decode<'py>(
    py: Python<'py>,
    field: &'static Field,
    source: Source<'_>,
    parent: *mut Node,
) -> PyResult<Bound<'py, PyAny>> {
    if field.kind != Kind::Message {
        return plain(py, field, source.bytes);
    }
    let message = alloc::parsed(py, field.child(py)?, source)?;
    alloc::adopt(&message, parent, usize::from(field.index));
    Ok(message)
}

/// The object for a value that is no message.
#[inline(never)]
fn plain<'py>(py: Python<'py>, field: &'static Field, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    Ok(match field.kind {
        Kind::String => return text(py, bytes),
        Kind::Bytes => PyBytes::new(py, bytes).into_any(),
        Kind::Double => PyFloat::new(py, double(bytes)).into_any(),
        Kind::Message => return Err(desc::wrong(field, "plain value")),
        Kind::Bool => PyBool::new(py, varint(bytes) != 0).to_owned().into_any(),
        Kind::Enum => match field.values(py)?.member(py, varint(bytes) as i32) {
            Some(member) => member,
            None => field.default(py)?, // filtered where the message was split into fields
        },
        Kind::Int32 => (varint(bytes) as i32).into_pyobject(py)?.into_any(),
        Kind::Uint32 => (varint(bytes) as u32).into_pyobject(py)?.into_any(),
        Kind::Int64 => (varint(bytes) as i64).into_pyobject(py)?.into_any(),
        Kind::Uint64 => varint(bytes).into_pyobject(py)?.into_any(),
    })
}

/// A string; `bytes` for what is not UTF-8, as google.protobuf reads it.
pub(super) fn text<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    strings::get(py, bytes, || new_text(py, bytes))
}

fn new_text<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    #[cfg(not(feature = "abi3"))]
    if bytes.is_ascii() {
        // copied as a whole, where the decoder looks at each byte
        const KIND: c_int = ffi::PyUnicode_1BYTE_KIND as c_int;
        // SAFETY: as below.
        return unsafe {
            let object =
                ffi::PyUnicode_FromKindAndData(KIND, bytes.as_ptr().cast(), bytes.len() as ffi::Py_ssize_t);
            Bound::from_owned_ptr_or_err(py, object)
        };
    }
    // SAFETY: pointer and length are those of a slice; the result is a new reference, or null with an error.
    let text = unsafe {
        let object =
            ffi::PyUnicode_DecodeUTF8(bytes.as_ptr().cast(), bytes.len() as ffi::Py_ssize_t, ptr::null());
        Bound::from_owned_ptr_or_err(py, object)
    };
    match text {
        Err(error) if error.is_instance_of::<PyUnicodeDecodeError>(py) => {
            Ok(PyBytes::new(py, bytes).into_any())
        }
        text => text,
    }
}

/// The varint as the field's kind has it: 32-bit kinds are cut to 32 bits, a bool is 0 or 1.
pub(super) fn normal(kind: Kind, value: u64) -> u64 {
    match kind {
        Kind::Int32 | Kind::Enum => value as i32 as i64 as u64,
        Kind::Uint32 => u64::from(value as u32),
        Kind::Bool => u64::from(value != 0),
        _ => value,
    }
}
