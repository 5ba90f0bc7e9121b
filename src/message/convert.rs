//! From what the user passes to what a slot holds.
//!
//! # Invariants
//! * The result is an exact `str bytes int float bool`, a member of the field's enum, or a message without parent.
//! * May run Python code (`__index__`, `__float__`, iteration), so it comes before slots are looked at.
//! * A refusal names the field, what was expected and what came.

#![expect(unsafe_code, reason = "exact objects from CPython's own conversions, and reference counts")]

use super::desc::{Desc, Field};
use super::errors::{describe, kind_of, shown, wanted, wrong_type, wrong_value};
use super::layout::Message;
use super::{alloc, construct, encode, merge, strings, wire_methods};
use crate::wire::Kind;
use pyo3::exceptions::{PyAttributeError, PyOverflowError, PyTypeError, PyUnicodeEncodeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyInt, PyMemoryView, PyString};

/// A value for one scalar of the field.
#[inline]
pub(super) fn scalar<'py>(field: &'static Field, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if is_ready(field, value) { Ok(value.clone()) } else { other(field, value) }
}

/// Whether the value is what a slot holds, as it is: nearly all are.
#[inline]
pub(super) fn is_ready(field: &Field, value: &Bound<'_, PyAny>) -> bool {
    match field.kind {
        Kind::String => {
            value.is_exact_instance_of::<PyString>()
                && value.cast::<PyString>().is_ok_and(|text| strings::is_ascii(text))
        }
        Kind::Double => value.is_exact_instance_of::<PyFloat>(),
        Kind::Bytes => value.is_exact_instance_of::<PyBytes>(),
        Kind::Bool => value.is_exact_instance_of::<PyBool>(),
        _ => false,
    }
}

#[inline(never)]
fn other<'py>(field: &'static Field, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    let kind = field.kind;
    match kind {
        Kind::String => {
            if let Ok(value) = value.cast::<PyString>() {
                let plain = text(field, value)?;
                if value.is_exact_instance_of::<PyString>() {
                    return Ok(value.clone().into_any());
                }
                return Ok(PyString::new(py, plain).into_any());
            }
            let bytes = value.cast::<PyBytes>().map_err(|_| wrong_type(field, wanted(kind), value))?;
            let text = std::str::from_utf8(bytes.as_bytes())
                .map_err(|_| wrong_value(field, "is not UTF-8", value))?;
            Ok(PyString::new(py, text).into_any())
        }
        Kind::Bytes => bytes_like(value)?.ok_or_else(|| wrong_type(field, wanted(kind), value)),
        Kind::Double => {
            // SAFETY: alive; an error is taken up at once.
            let number = unsafe { ffi::PyFloat_AsDouble(value.as_ptr()) };
            if number == -1.0
                && let Some(error) = PyErr::take(py)
            {
                return Err(refused(py, error, || wrong_type(field, wanted(kind), value)));
            }
            Ok(PyFloat::new(py, number).into_any())
        }
        Kind::Bool => {
            let number = exact_int(value)?.ok_or_else(|| wrong_type(field, wanted(kind), value))?;
            Ok(PyBool::new(py, number.is_truthy()?).to_owned().into_any())
        }
        Kind::Enum => enumerator(field, value),
        _ => integer(field, kind, value),
    }
}

/// The text of a string. UTF-8 is what will be sent, so a lone surrogate shows here.
#[inline]
fn text<'a>(field: &Field, value: &'a Bound<'_, PyString>) -> PyResult<&'a str> {
    value.to_str().map_err(|error| {
        let ours = || wrong_value(field, "has a lone surrogate, which no UTF-8 text has", value);
        if error.is_instance_of::<PyUnicodeEncodeError>(value.py()) { ours() } else { error }
    })
}

/// Takes an error of a conversion: a refusal becomes ours, anything else (an exception out of `__float__`, a
/// number too large for a float) stays.
fn refused(py: Python<'_>, error: PyErr, ours: impl FnOnce() -> PyErr) -> PyErr {
    if error.is_instance_of::<PyTypeError>(py) { ours() } else { error }
}

/// A copy of a bytes-like object; None for any other.
pub(super) fn bytes_like<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let known = value.is_instance_of::<PyBytes>()
        || value.is_instance_of::<PyByteArray>()
        || value.is_instance_of::<PyMemoryView>();
    if known { exact_bytes(value).map(Some) } else { Ok(None) }
}

/// Any object with the buffer protocol as exact `bytes`: itself, or a copy.
pub(super) fn exact_bytes<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if value.is_exact_instance_of::<PyBytes>() {
        return Ok(value.clone());
    }
    let view = PyMemoryView::from(value)?;
    // SAFETY: a memoryview is contiguous or the call fails; the result is a new reference or null with an error.
    unsafe { Bound::from_owned_ptr_or_err(value.py(), ffi::PyBytes_FromObject(view.as_ptr())) }
}

/// An int, or what `__index__` makes of the value, whose exceptions are the caller's; None if it is no integer.
fn exact_int<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    if value.is_exact_instance_of::<PyInt>() {
        return Ok(Some(value.clone()));
    }
    // SAFETY: alive; a new reference, or null with an error.
    unsafe {
        if ffi::PyIndex_Check(value.as_ptr()) == 0 {
            return Ok(None);
        }
        let number = Bound::from_owned_ptr_or_err(value.py(), ffi::PyNumber_Index(value.as_ptr()))?;
        if number.is_exact_instance_of::<PyInt>() {
            return Ok(Some(number));
        }
        // a subclass that __index__ returned (an IntEnum): its plain value
        let plain = Bound::from_owned_ptr_or_err(value.py(), ffi::PyNumber_Long(number.as_ptr()))?;
        Ok(Some(plain).filter(|plain| plain.is_exact_instance_of::<PyInt>()))
    }
}

fn integer<'py>(field: &'static Field, kind: Kind, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if value.is_exact_instance_of::<PyBool>() {
        return Err(wrong_type(field, wanted(kind), value));
    }
    let number = exact_int(value)?.ok_or_else(|| wrong_type(field, wanted(kind), value))?;
    let fits = match kind {
        Kind::Uint64 => number.extract::<u64>().map(drop),
        Kind::Uint32 => number.extract::<u32>().map(drop),
        Kind::Int64 => number.extract::<i64>().map(drop),
        _ => number.extract::<i32>().map(drop),
    };
    match fits {
        Ok(()) => Ok(number),
        Err(error) if error.is_instance_of::<PyOverflowError>(value.py()) => {
            let kind = format!("{kind:?}").to_lowercase();
            Err(wrong_value(field, &format!("is out of range for {kind}"), value))
        }
        Err(error) => Err(error),
    }
}

fn enumerator<'py>(field: &'static Field, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    let values = field.values(py)?;
    // a member too, by its number: what `int.__new__` makes of the class need not be one
    let member = if let Ok(name) = value.cast::<PyString>() {
        values.named(name)
    } else {
        let number = match value {
            member if member.get_type().is(values.class(py)) => Some(member.clone()),
            bool if bool.is_exact_instance_of::<PyBool>() => None,
            other => exact_int(other)?,
        };
        let number = number.ok_or_else(|| wrong_type(field, wanted(Kind::Enum), value))?;
        number.extract::<i32>().ok().and_then(|number| values.member(py, number))
    };
    member.ok_or_else(|| {
        let names: Vec<_> = values.wire().values.iter().map(|value| value.name).collect();
        let (_, name) = super::desc::path(values.wire().name);
        wrong_value(field, &format!("is no value of {name}: it has {}", names.join(", ")), value)
    })
}

/// The depth of a value that lies in no dict.
pub(super) const TOP: u32 = 0;

/// A message of type `desc` without parent, of a message, a dict, a bare value or a message of google.protobuf.
/// `context` names what it is for, `depth` counts the dicts that the value lies in. A message is always copied: C code
/// may keep what it passes without counting it once more.
#[inline]
pub(super) fn message<'py>(
    desc: &'static Desc,
    value: &Bound<'py, PyAny>,
    depth: u32,
    context: &dyn Fn() -> String,
) -> PyResult<Bound<'py, PyAny>> {
    if let Ok(dict) = value.cast::<PyDict>() {
        let depth = depth + 1;
        if depth >= encode::LEVELS {
            let text = format!("{}: dicts in dicts, too many or without end", context());
            return Err(PyValueError::new_err(text));
        }
        return construct::from_dict(desc, dict, depth);
    }
    message_of_other(desc, value, context)
}

#[inline(never)]
fn message_of_other<'py>(
    desc: &'static Desc,
    value: &Bound<'py, PyAny>,
    context: &dyn Fn() -> String,
) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    if let Some(given) = Message::of(value) {
        if !std::ptr::eq(given.desc(), desc) {
            let (wanted, got) = (desc.name(), given.desc().name());
            return Err(PyTypeError::new_err(format!("{}: expected {wanted}, got {got}", context())));
        }
        return merge::copy(py, given);
    }
    if let Some(at) = desc.bare
        && !value.is_none()
        && !is_foreign(value)?
    {
        let inner =
            scalar(desc.field(at), value).map_err(|error| bare_refused(py, error, desc, value, context))?;
        let made = alloc::empty(py, desc)?;
        // SAFETY: just made.
        super::access::put(py, unsafe { Message::from_ptr(made.as_ptr()) }, at, inner)?;
        return Ok(made);
    }
    foreign(desc, value, context)
}

/// The refusal of a bare value, in terms of the field the user wrote.
#[cold]
fn bare_refused(
    py: Python<'_>,
    error: PyErr,
    desc: &'static Desc,
    value: &Bound<'_, PyAny>,
    context: &dyn Fn() -> String,
) -> PyErr {
    if !error.is_instance_of::<PyTypeError>(py) {
        return error;
    }
    let inner = desc.bare.map_or("a value", |at| wanted(desc.field(at).wire.kind));
    let text = format!("{}: expected {}, a dict or {inner}, got {}", context(), desc.name(), describe(value));
    PyTypeError::new_err(text)
}

/// Whether it looks like a message of another library.
pub(super) fn is_foreign(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    let plain = value.is_instance_of::<PyString>()
        || value.is_instance_of::<PyBytes>()
        || value.is_instance_of::<PyInt>()
        || value.is_instance_of::<PyFloat>();
    Ok(!plain && value.hasattr("DESCRIPTOR")?)
}

/// A message of google.protobuf, by its bytes. Its type must have the same name (v0 names count as well).
fn foreign<'py>(
    desc: &'static Desc,
    value: &Bound<'py, PyAny>,
    context: &dyn Fn() -> String,
) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    let no_message = || {
        let got = if desc.wire.is_secret() { kind_of(value) } else { describe(value) };
        let name = desc.name();
        let has_value = value.is_instance_of::<PyString>() && desc.names.named("value").is_some();
        let hint = if has_value { format!("; write {name}(value=…)") } else { String::new() };
        PyTypeError::new_err(format!("{}: expected {name} or a dict, got {got}{hint}", context()))
    };
    if !is_foreign(value)? {
        return Err(no_message());
    }
    let name = value.getattr("DESCRIPTOR")?.getattr("full_name").and_then(|name| name.extract::<String>());
    let name = name.map_err(|error| match error {
        error if error.is_instance_of::<PyAttributeError>(py) => no_message(),
        error => refused(py, error, no_message),
    })?;
    let current = name.replace("Slave", "Agent");
    if unversioned(&current) != unversioned(desc.wire.name) {
        let text = format!("{}: expected {}, got a {name}", context(), desc.name());
        return Err(PyTypeError::new_err(text));
    }
    let bytes = value.call_method0("SerializePartialToString")?;
    wire_methods::parse(desc, &bytes)
}

/// "mesos.v1.scheduler.Call" and v0's "mesos.scheduler.Call" are the same message.
fn unversioned(name: &str) -> &str {
    name.strip_prefix("mesos.v1.").or_else(|| name.strip_prefix("mesos.")).unwrap_or(name)
}

/// A message for one place in the field.
pub(super) fn child<'py>(
    field: &'static Field,
    value: &Bound<'py, PyAny>,
    depth: u32,
) -> PyResult<Bound<'py, PyAny>> {
    message(field.child(value.py())?, value, depth, &|| field.full_name())
}

/// One value of a field, or item of a repeated one.
#[inline]
pub(super) fn item<'py>(
    field: &'static Field,
    value: &Bound<'py, PyAny>,
    depth: u32,
) -> PyResult<Bound<'py, PyAny>> {
    if field.kind == Kind::Message { child(field, value, depth) } else { scalar(field, value) }
}

/// What may be iterated over for a repeated field: not text or bytes, whose parts nobody means, and no dict.
pub(super) fn iterate<'py>(
    field: &'static Field,
    value: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, pyo3::types::PyIterator>> {
    let single = value.is_instance_of::<PyString>()
        || value.is_instance_of::<PyBytes>()
        || value.is_instance_of::<PyDict>();
    if single {
        let (name, got) = (field.full_name(), shown(field, value));
        let is_resources = field.wire.message().is_some_and(|item| item.name == "mesos.v1.Resource");
        let hint = if is_resources { "; mesos.Resources(cpus=…, mem=…) makes one" } else { "" };
        let text = format!("{name}: expected several values in a list, got {got}{hint}");
        return Err(PyTypeError::new_err(text));
    }
    value.try_iter().map_err(|error| {
        refused(value.py(), error, || wrong_type(field, "an iterable (a list of values)", value))
    })
}

/// So many fields are listed to somebody who named none of them.
const FEW: usize = 16;

/// An unknown keyword or key of a dict.
#[cold]
pub(super) fn no_such_field(desc: &Desc, name: &Bound<'_, PyAny>) -> PyErr {
    let Ok(name) = name.cast::<PyString>() else {
        let text = format!("{}: names of fields are str, got {}", desc.name(), kind_of(name));
        return PyTypeError::new_err(text);
    };
    let name = name.to_string_lossy();
    let hint = match desc.names.similar(&name) {
        Some(known) => format!(" (did you mean {known}?)"),
        None if (1..=FEW).contains(&desc.fields.len()) => {
            let known: Vec<_> = desc.fields.iter().map(|field| field.wire.name).collect();
            format!(": it has {}", known.join(", "))
        }
        None => String::new(),
    };
    PyValueError::new_err(format!("{} has no field {name:?}{hint}", desc.name()))
}
