//! The methods of messages: google.protobuf's Python API.
//!
//! # Invariants
//! * Bytes become part of a message only after the validating scan.

#![expect(unsafe_code, reason = "methods called by CPython")]

use super::access::Seen;
use super::boundary::{answer, argument, methods, optional, receiver};
use super::desc::{Desc, Shape};
use super::encode::{self, Mode};
use super::errors::{DecodeError, kind_of};
use super::layout::Message;
use super::types::{self, keyword_method, method};
use super::value::Source;
use super::{access, alloc, convert, index, merge, required};
use crate::wire;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

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
    encode::encode(py, message, mode, |bytes| PyBytes::new(py, bytes).into_any())
        .map_err(|fail| encode::error(py, message, fail))
}

/// The index of a field by the name a user gave; fields of v0 names too.
fn field_named(message: Message<'_>, name: &Bound<'_, PyAny>) -> PyResult<usize> {
    let desc = message.desc();
    desc.names.search(name).ok_or_else(|| convert::no_such_field(desc, name))
}

/// The oneof of this name, by position; None if there is none.
fn oneof_named(message: Message<'_>, name: &Bound<'_, PyAny>) -> Option<usize> {
    let name = name.cast::<PyString>().ok()?.to_str().ok()?;
    message.desc().wire.oneofs.iter().position(|known| *known == name)
}

/// The member of a oneof that is set.
fn member_set(py: Python<'_>, message: Message<'_>, oneof: usize) -> PyResult<Option<&'static str>> {
    index::index(py, message)?;
    let fields = message.desc().fields.iter();
    let mut members = fields.filter(|field| field.wire.oneof.map(usize::from) == Some(oneof));
    Ok(members.find(|field| message.has.get() >> field.index & 1 == 1).map(|field| field.wire.name))
}

/// Another message of the same type, for CopyFrom and MergeFrom: also a dict, a bare value, or google.protobuf's.
fn same_type<'py>(message: Message<'_>, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    match Message::of(value) {
        Some(given) if std::ptr::eq(given.desc(), message.desc()) => Ok(value.clone()),
        _ => {
            let name = message.desc().name();
            convert::message(message.desc(), value, convert::Held::SHARED, &|| name.to_owned())
        }
    }
}

fn discard_unknown(py: Python<'_>, message: Message<'_>, depth: u32) -> PyResult<()> {
    let desc = message.desc();
    let depth = depth.checked_sub(1).ok_or_else(|| encode::too_deep(desc))?;
    index::index(py, message)?;
    if message.with_unknown(|unknown| !unknown.is_empty()) {
        message.clear_unknown();
        access::touch(message.as_node());
    }
    for field in desc.fields.iter().filter(|field| field.shape != Shape::Scalar) {
        if !access::is_set(py, message, usize::from(field.index))? {
            continue;
        }
        let value = access::read(py, message, usize::from(field.index))?;
        match access::see(&value) {
            Seen::Value => {}
            Seen::Message(child) => discard_unknown(py, child, depth)?,
            Seen::Repeated(items) => {
                let mut at = 0;
                while items.holds_messages()
                    && let Some(item) = items.get(py, at)?
                {
                    if let Some(item) = Message::of(&item) {
                        discard_unknown(py, item, depth)?;
                    }
                    at += 1;
                }
            }
            Seen::Map(map) => {
                for value in map.dict(py)?.values() {
                    if let Some(value) = Message::of(&value) {
                        discard_unknown(py, value, depth)?;
                    }
                }
            }
        }
    }
    Ok(())
}

fn none(py: Python<'_>) -> Bound<'_, PyAny> {
    py.None().into_bound(py)
}

fn number(py: Python<'_>, value: usize) -> PyResult<Bound<'_, PyAny>> {
    Ok(value.into_pyobject(py)?.into_any())
}

fn truth(py: Python<'_>, value: bool) -> Bound<'_, PyAny> {
    pyo3::types::PyBool::new(py, value).to_owned().into_any()
}

methods! {
    self = receiver => Message;
    has_field(py, message, name) {
        if let Some(at) = message.desc().names.search(name) {
            let field = message.desc().field(at);
            if matches!(field.shape, Shape::Repeated | Shape::Map) {
                let full = field.full_name();
                return Err(PyValueError::new_err(format!("{full} is repeated and has no presence: use len()")));
            }
            return Ok(truth(py, access::is_set(py, message, at)?));
        }
        match oneof_named(message, name) {
            Some(oneof) => Ok(truth(py, member_set(py, message, oneof)?.is_some())),
            None => Err(convert::no_such_field(message.desc(), name)),
        }
    }
    clear_field(py, message, name) {
        if let Some(oneof) = oneof_named(message, name) {
            if let Some(member) = member_set(py, message, oneof)?
                && let Some(at) = message.desc().names.named(member)
            {
                access::unset(py, message, at)?;
            }
            return Ok(none(py));
        }
        access::unset(py, message, field_named(message, name)?)?;
        Ok(none(py))
    }
    which_oneof(py, message, name) {
        let Some(oneof) = oneof_named(message, name) else {
            let known = message.desc().wire.oneofs.join(", ");
            let known = if known.is_empty() { "none".to_owned() } else { known };
            let text = format!("{} has no oneof {}: it has {known}", message.desc().name(), name.repr()?);
            return Err(PyValueError::new_err(text));
        };
        Ok(member_set(py, message, oneof)?.map_or_else(|| none(py), |name| PyString::new(py, name).into_any()))
    }
    list_fields(py, message, _none) {
        let fields = PyList::empty(py);
        let describe = py.import("mesos._descriptors")?.getattr("field")?;
        for field in &message.desc().fields {
            if access::is_set(py, message, usize::from(field.index))? {
                let descriptor = describe.call1((message.desc().wire.name, field.wire.name))?;
                fields.append((descriptor, access::read(py, message, usize::from(field.index))?))?;
            }
        }
        Ok(fields.into_any())
    }
    is_initialized(py, message, _none) { Ok(truth(py, required::is_complete(py, message)?)) }
    find_initialization_errors(py, message, _none) {
        Ok(PyList::new(py, required::missing(py, message)?)?.into_any())
    }
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
    serialize_partial(py, message, _none) { serialize(py, message, Mode::Partial) }
    byte_size(py, message, _none) {
        let size = encode::encode(py, message, Mode::Partial, <[u8]>::len);
        number(py, size.map_err(|fail| encode::error(py, message, fail))?)
    }
    copy_from(py, message, value) {
        let other = same_type(message, value)?;
        // SAFETY: a message, held here.
        merge::replace(py, message, unsafe { Message::from_ptr(other.as_ptr()) })?;
        Ok(none(py))
    }
    merge_from(py, message, value) {
        let other = same_type(message, value)?;
        if other.as_ptr() == message.as_ptr() {
            return Ok(none(py));
        }
        // SAFETY: a message, held here.
        merge::merge(py, message, unsafe { Message::from_ptr(other.as_ptr()) })?;
        Ok(none(py))
    }
    clear(py, message, _none) {
        access::touch(message.as_node());
        alloc::clear(message);
        Ok(none(py))
    }
    set_in_parent(py, message, _none) {
        access::touch(message.as_node());
        Ok(none(py))
    }
    discard_unknown_fields(py, message, _none) {
        discard_unknown(py, message, encode::LEVELS)?;
        Ok(none(py))
    }
    copied(py, message, _memo) { merge::copy(py, message) }
    reduce(py, message, _none) {
        let class = message.desc().class(py);
        let new = py.import("copyreg")?.getattr("__newobj__")?;
        let state = serialize(py, message, Mode::Partial)?;
        Ok((new, (class,), state).into_pyobject(py)?.into_any())
    }
    to_json(py, message, _none) {
        let text = encode::encode(py, message, Mode::Partial, |bytes| {
            let mut out = Vec::new();
            wire::json::encode(message.desc().wire, bytes, &mut out);
            out
        });
        let text = text.map_err(|fail| encode::error(py, message, fail))?;
        Ok(PyString::new(py, &String::from_utf8_lossy(&text)).into_any())
    }
}

unsafe extern "C" fn serialize_method(
    object: *mut ffi::PyObject,
    args: *mut ffi::PyObject,
    keywords: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: called by CPython, attached, with a message, a tuple, and a dict or null.
    unsafe {
        answer(|py| {
            if !argument(py, args).cast::<PyTuple>()?.is_empty() {
                return Err(PyTypeError::new_err("SerializeToString() takes only the keyword deterministic"));
            }
            // the encoding is the same each time anyhow: `deterministic` changes nothing
            if let Some(keywords) = optional(py, keywords) {
                for key in keywords.cast::<PyDict>()?.keys() {
                    if !key.eq("deterministic")? {
                        let text = format!("SerializeToString() got an unexpected keyword {}", key.repr()?);
                        return Err(PyTypeError::new_err(text));
                    }
                }
            }
            serialize(py, receiver(object), Mode::Full)
        })
    }
}

/// The type that a class method was called on.
unsafe fn class_of(py: Python<'_>, class: *mut ffi::PyObject) -> PyResult<&'static Desc> {
    Desc::of_class(py, class.cast()).ok_or_else(|| PyTypeError::new_err("call it on a message class"))
}

unsafe extern "C" fn from_string(class: *mut ffi::PyObject, data: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: called by CPython, attached, with a class and an object.
    unsafe { answer(|py| parse(class_of(py, class)?, &argument(py, data))) }
}

unsafe extern "C" fn from_json(class: *mut ffi::PyObject, text: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: called by CPython, attached, with a class and an object.
    unsafe {
        answer(|py| {
            let desc = class_of(py, class)?;
            let text = argument(py, text);
            let json = match text.cast::<PyString>() {
                Ok(text) => text.to_str()?.as_bytes().to_vec(),
                Err(_) => convert::exact_bytes(&text)?.cast_into::<PyBytes>()?.as_bytes().to_vec(),
            };
            let bytes = wire::json::decode(desc.wire, &json)
                .map_err(|error| DecodeError::new_err(error.to_string()))?;
            parse(desc, PyBytes::new(py, &bytes).as_any())
        })
    }
}

/// The methods of the base class.
pub(super) fn table() -> *const () {
    let (none, one, class) = (ffi::METH_NOARGS, ffi::METH_O, ffi::METH_O | ffi::METH_CLASS);
    let methods = vec![
        method(c"HasField", has_field, one, c"HasField(name) -> bool\n\nWhether a field, or a member of a oneof, is set."),
        method(c"ClearField", clear_field, one, c"ClearField(name)\n\nUnsets a field, or the member of a oneof that is set."),
        method(c"WhichOneof", which_oneof, one, c"WhichOneof(name) -> str | None\n\nThe name of the member that is set."),
        method(c"ListFields", list_fields, none, c"ListFields() -> list\n\nDescriptor and value of each field that is set."),
        method(c"IsInitialized", is_initialized, none, c"IsInitialized() -> bool\n\nWhether all required fields are set."),
        method(
            c"FindInitializationErrors",
            find_initialization_errors,
            none,
            c"FindInitializationErrors() -> list[str]\n\nThe paths of required fields that are missing.",
        ),
        method(c"ParseFromString", parse_from_string, one, c"ParseFromString(data) -> int\n\nReplaces the contents by those encoded in bytes. Raises DecodeError."),
        method(c"MergeFromString", merge_from_string, one, c"MergeFromString(data) -> int\n\nAdds the contents encoded in bytes. Raises DecodeError."),
        method(c"FromString", from_string, class, c"FromString(data)\n\nThe message that bytes encode. Raises DecodeError."),
        keyword_method(c"SerializeToString", serialize_method, c"SerializeToString(*, deterministic=None) -> bytes\n\nThe encoding. Raises EncodeError if a required field is missing."),
        method(c"SerializePartialToString", serialize_partial, none, c"SerializePartialToString() -> bytes\n\nThe encoding, also without required fields."),
        method(c"ByteSize", byte_size, none, c"ByteSize() -> int\n\nThe size of the encoding."),
        method(c"CopyFrom", copy_from, one, c"CopyFrom(other)\n\nReplaces the contents by those of another message."),
        method(c"MergeFrom", merge_from, one, c"MergeFrom(other)\n\nAdds the contents of another message."),
        method(c"Clear", clear, none, c"Clear()\n\nUnsets all fields."),
        method(c"SetInParent", set_in_parent, none, c"SetInParent()\n\nSets this message, empty as it may be, in the message it was read from."),
        method(c"DiscardUnknownFields", discard_unknown_fields, none, c"DiscardUnknownFields()\n\nForgets fields that the schema does not have."),
        method(c"to_json", to_json, none, c"to_json() -> str\n\nThe message as JSON, as Mesos writes it."),
        method(c"from_json", from_json, class, c"from_json(text)\n\nThe message that Mesos' JSON describes. Raises DecodeError."),
        method(c"__copy__", copied, none, c"A copy."),
        method(c"__deepcopy__", copied, one, c"A copy."),
        method(c"__reduce__", reduce, none, c"For pickle: the class and the encoding."),
        method(c"__setstate__", parse_from_string, one, c"For pickle: the encoding."),
    ];
    types::table(methods, ffi::PyMethodDef::zeroed())
}
