//! `to_json`, `from_json`, `to_dict` and `from_dict`: messages in Mesos' JSON dialect, as text and as Python objects.
//!
//! # Invariants
//! * One codec, `wire::json`, reads and writes both forms: what is right in one is right in the other.
//! * Only the bytes of messages are touched while the GIL is released.

#![expect(unsafe_code, reason = "methods called by CPython")]

use super::boundary::{answer, arguments, methods, receiver};
use super::convert;
use super::encode::{self, Mode};
use super::errors::{DecodeError, kind_of};
use super::layout::Message;
use super::objects::Objects;
use super::plain::{Plain, Refusal};
use super::types::{keyword_method, method};
use super::wire_methods::{class_of, parse};
use crate::wire::json::{self, Encoded, JsonError, Manner};
use pyo3::exceptions::{PySystemError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use serde::Serialize;
use std::fmt::Display;

/// Bytes of input from which on other threads may run meanwhile: some tenth of a millisecond of work.
const LARGE: usize = 1 << 16;

/// Does what needs no Python, without the GIL if it is much.
fn detached<T: Send>(py: Python<'_>, size: usize, work: impl FnOnce() -> T + Send) -> T {
    if size < LARGE { work() } else { py.detach(work) }
}

/// Spaces for each level of `indent=`; None: all on one line.
fn indentation(value: Option<&Bound<'_, PyAny>>) -> PyResult<Option<&'static [u8]>> {
    const SPACES: &[u8] = b"                ";
    let Some(value) = value.filter(|value| !value.is_none()) else { return Ok(None) };
    let size = value.extract::<usize>().ok().and_then(|size| SPACES.get(..size));
    let wrong = || format!("to_json: indent is None or from 0 to {} spaces", SPACES.len());
    size.map(Some).ok_or_else(|| PyValueError::new_err(wrong()))
}

/// The text of a message.
fn write(message: Encoded<'_>, indent: Option<&[u8]>) -> serde_json::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(message.bytes.len() * 2);
    match indent {
        None => message.serialize(&mut serde_json::Serializer::new(&mut out))?,
        Some(indent) => {
            let layout = serde_json::ser::PrettyFormatter::with_indent(indent);
            message.serialize(&mut serde_json::Serializer::with_formatter(&mut out, layout))?;
        }
    }
    Ok(out)
}

/// Hands the encoding of a message, also of an incomplete one, to `take`.
fn encoded<R>(py: Python<'_>, message: Message<'_>, take: impl FnOnce(Encoded<'_>) -> R) -> PyResult<R> {
    encode::encode(py, message, Mode::Partial, |bytes| take(Encoded { message: message.desc().wire, bytes }))
        .map_err(|fail| encode::error(py, message, fail))
}

unsafe extern "C" fn to_json(
    object: *mut ffi::PyObject,
    args: *mut ffi::PyObject,
    given: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: called by CPython, attached, with a message, a tuple, and a dict or null.
    unsafe {
        answer(|py| {
            let ([], [indent]) = arguments(py, "to_json", args, given, ["indent"])?;
            let indent = indentation(indent.as_ref())?;
            let text = encoded(py, receiver(object), |message| {
                detached(py, message.bytes.len(), || write(message, indent))
            })?;
            let text = text.map_err(|error| PySystemError::new_err(error.to_string()))?;
            Ok(PyString::from_bytes(py, &text)?.into_any())
        })
    }
}

methods! {
    self = receiver => Message;
    to_dict(py, message, _none) {
        encoded(py, message, |message| message.serialize(Objects(py)))?.map_err(Refusal::into_error)
    }
}

/// `ignore_unknown=`, True if it was left out.
fn manner(ignore: Option<&Bound<'_, PyAny>>) -> PyResult<Manner> {
    let ignore = ignore.map_or(Ok(true), |ignore| ignore.is_truthy())?;
    Ok(if ignore { Manner::Lenient } else { Manner::Strict })
}

#[cold]
fn refused<E: Display>(error: &JsonError<E>) -> PyErr {
    DecodeError::new_err(error.to_string())
}

unsafe extern "C" fn from_json(
    class: *mut ffi::PyObject,
    args: *mut ffi::PyObject,
    given: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: called by CPython, attached, with a class, a tuple, and a dict or null.
    unsafe {
        answer(|py| {
            let desc = class_of(py, class)?;
            let ([text], [ignore]) = arguments(py, "from_json", args, given, ["ignore_unknown"])?;
            let manner = manner(ignore.as_ref())?;
            let bytes;
            let json = match text.cast::<PyString>() {
                Ok(text) => {
                    text.to_str().map_err(|error| DecodeError::new_err(error.to_string()))?.as_bytes()
                }
                Err(_) => {
                    bytes = text_as_bytes(&text)?;
                    bytes.as_bytes()
                }
            };
            let schema = desc.wire;
            let message = detached(py, json.len(), || json::decode(schema, json, manner));
            parse(desc, PyBytes::new(py, &message.map_err(|error| refused(&error))?).as_any())
        })
    }
}

fn text_as_bytes<'py>(text: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    let wrong = || PyTypeError::new_err(format!("from_json: expected str or bytes, got {}", kind_of(text)));
    Ok(convert::bytes_like(text)?.ok_or_else(wrong)?.cast_into()?)
}

unsafe extern "C" fn from_dict(
    class: *mut ffi::PyObject,
    args: *mut ffi::PyObject,
    given: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: called by CPython, attached, with a class, a tuple, and a dict or null.
    unsafe {
        answer(|py| {
            let desc = class_of(py, class)?;
            let ([values], [ignore]) = arguments(py, "from_dict", args, given, ["ignore_unknown"])?;
            let message = json::decode_from(desc.wire, Plain(&values), manner(ignore.as_ref())?);
            let bytes = message.map_err(|error| match error.reason {
                Refusal::Raised(error) => error,
                Refusal::Said(_) => refused(&error),
            })?;
            parse(desc, PyBytes::new(py, &bytes).as_any())
        })
    }
}

/// The methods of this file.
pub(super) fn table() -> [ffi::PyMethodDef; 4] {
    let mut table = [
        keyword_method(c"to_json", to_json, c"to_json(*, indent=None) -> str

The message as JSON, as Mesos writes it: names of the schema, enums by name, 64-bit integers as numbers, bytes as
base64, what is set and nothing else. A double that is not finite is the text \"NaN\", \"Infinity\" or \"-Infinity\".

indent: spaces for each level, to be read by people; None puts all on one line.

Fields that the schema does not have are left out. A message without its required fields can be written, but not be
read back."),
        method(c"to_dict", to_dict, ffi::METH_NOARGS, c"to_dict() -> dict

The message as dict, list, str, int, float and bool: what json.loads(message.to_json()) returns."),
        keyword_method(c"from_json", from_json, c"from_json(text, /, *, ignore_unknown=True)

The message that JSON describes, as Mesos writes and reads it: str, or UTF-8 in bytes.

Numbers and booleans may be text, enums may be numbers, one value may stand for a list of one; null is unset. v0's
names (slave_id) are understood.

ignore_unknown: skip fields, and values of enums, that the schema does not have, as Mesos does. False refuses them.

Raises DecodeError, with path, value and place of what is wrong, also if a required field is missing."),
        keyword_method(c"from_dict", from_dict, c"from_dict(values, /, *, ignore_unknown=True)

The message that a dict describes: whatever to_dict() returns and json.loads() makes of Mesos' JSON.

It is read as from_json reads text. Besides, a bytes field takes bytes, an enum its member, a message field a message,
a list any iterable and a dict any mapping. The constructor is stricter: it takes no numbers as text, and refuses
unknown fields.

Raises DecodeError, with path and value of what is wrong, also if a required field is missing."),
    ];
    for of_class in &mut table[2..] {
        of_class.ml_flags |= ffi::METH_CLASS;
    }
    table
}
