//! Messages from and to their bytes: parsing, merging, serialising, pickles.
//!
//! # Invariants
//! * Bytes become part of a message only after the validating scan.

#![expect(unsafe_code, reason = "methods called by CPython")]

use super::boundary::{answer, argument, arguments, methods, receiver};
use super::desc::Desc;
use super::encode::{self, Mode};
use super::errors::{DecodeError, kind_of};
use super::layout::Message;
use super::types::{keyword_method, method};
use super::value::Source;
use super::{access, alloc, convert, merge};
use crate::wire;
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Checks bytes from Python: exact `bytes`, the same or a copy.
fn checked<'py>(desc: &'static Desc, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    let bytes = convert::exact_bytes(value).map_err(|error| {
        if !error.is_instance_of::<PyTypeError>(value.py()) {
            return error; // out of `__buffer__`, or no memory
        }
        PyTypeError::new_err(format!("{}: expected bytes, got {}", desc.name(), kind_of(value)))
    })?;
    let bytes = bytes.cast_into::<PyBytes>()?;
    wire::validate(desc.wire, bytes.as_bytes()).map_err(|error| DecodeError::new_err(error.to_string()))?;
    Ok(bytes)
}

fn source<'a>(bytes: &'a Bound<'_, PyBytes>) -> Source<'a> {
    Source { bytes: bytes.as_bytes(), owner: bytes.as_ptr(), complete: false }
}

/// A message of bytes from Python.
pub(super) fn parse<'py>(desc: &'static Desc, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    alloc::parsed(value.py(), desc, source(&checked(desc, value)?))
}

/// The encoding as `bytes`.
pub(super) fn serialize<'py>(
    py: Python<'py>,
    message: Message<'_>,
    mode: Mode,
) -> PyResult<Bound<'py, PyAny>> {
    encode::to_bytes(py, message, mode).map_err(|fail| encode::error(py, message, fail))
}

fn number(py: Python<'_>, value: usize) -> PyResult<Bound<'_, PyAny>> {
    Ok(value.into_pyobject(py)?.into_any())
}

methods! {
    self = receiver => Message;
    parse_from_string(py, message, data) {
        let checked = checked(message.desc(), data)?;
        access::touch(message.as_node());
        alloc::clear(message);
        alloc::load(message, source(&checked));
        number(py, checked.as_bytes().len())
    }
    merge_from_string(py, message, data) {
        let checked = checked(message.desc(), data)?;
        let other = alloc::parsed(py, message.desc(), source(&checked))?;
        // SAFETY: just made.
        merge::merge(py, message, unsafe { Message::from_ptr(other.as_ptr()) })?;
        number(py, checked.as_bytes().len())
    }
    byte_size(py, message, _none) {
        let size = encode::encode(py, message, Mode::Partial, <[u8]>::len);
        number(py, size.map_err(|fail| encode::error(py, message, fail))?)
    }
    reduce(py, message, _none) {
        let class = message.desc().class(py);
        let new = py.import("copyreg")?.getattr("__newobj__")?;
        let state = serialize(py, message, Mode::Partial)?;
        Ok((new, (class,), state).into_pyobject(py)?.into_any())
    }
}

/// The bodies of both serialising methods. `deterministic` changes nothing: the encoding is the same each time anyhow.
///
/// # Safety
/// As CPython calls a method with keywords.
unsafe fn serialize_as(
    method: &str,
    mode: Mode,
    object: *mut ffi::PyObject,
    args: *mut ffi::PyObject,
    given: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the caller's promise.
    unsafe {
        answer(|py| {
            let ([], [_]) = arguments(py, method, args, given, ["deterministic"])?;
            serialize(py, receiver(object), mode)
        })
    }
}

unsafe extern "C" fn serialize_full(
    object: *mut ffi::PyObject,
    args: *mut ffi::PyObject,
    given: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: called by CPython, attached, with a message, a tuple, and a dict or null.
    unsafe { serialize_as("SerializeToString", Mode::Full, object, args, given) }
}

unsafe extern "C" fn serialize_partial(
    object: *mut ffi::PyObject,
    args: *mut ffi::PyObject,
    given: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: as above.
    unsafe { serialize_as("SerializePartialToString", Mode::Partial, object, args, given) }
}

/// The type that a class method was called on.
pub(super) unsafe fn class_of(py: Python<'_>, class: *mut ffi::PyObject) -> PyResult<&'static Desc> {
    Desc::of_class(py, class.cast()).ok_or_else(|| PyTypeError::new_err("call it on a message class"))
}

unsafe extern "C" fn from_string(class: *mut ffi::PyObject, data: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: called by CPython, attached, with a class and an object.
    unsafe { answer(|py| parse(class_of(py, class)?, &argument(py, data))) }
}

/// The methods of this file.
pub(super) fn table() -> [ffi::PyMethodDef; 8] {
    let (none, one, class) = (ffi::METH_NOARGS, ffi::METH_O, ffi::METH_O | ffi::METH_CLASS);
    [
        method(c"ParseFromString", parse_from_string, one, c"ParseFromString(data) -> int\n\nReplaces the contents by those encoded in bytes. Raises DecodeError."),
        method(c"MergeFromString", merge_from_string, one, c"MergeFromString(data) -> int\n\nAdds the contents encoded in bytes. Raises DecodeError."),
        method(c"FromString", from_string, class, c"FromString(data)\n\nThe message that bytes encode. Raises DecodeError."),
        keyword_method(c"SerializeToString", serialize_full, c"SerializeToString(*, deterministic=None) -> bytes\n\nThe encoding. Raises EncodeError if a required field is missing. It is the same each time, whatever deterministic says."),
        keyword_method(c"SerializePartialToString", serialize_partial, c"SerializePartialToString(*, deterministic=None) -> bytes\n\nThe encoding, also without required fields."),
        method(c"ByteSize", byte_size, none, c"ByteSize() -> int\n\nThe size of the encoding."),
        method(c"__reduce__", reduce, none, c"For pickle: the class and the encoding."),
        method(c"__setstate__", parse_from_string, one, c"For pickle: the encoding."),
    ]
}
