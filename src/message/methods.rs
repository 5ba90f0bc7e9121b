//! The methods of messages: google.protobuf's Python API, and the table of all methods. Those to do with bytes are in
//! `wire_methods`, those with JSON and dicts in `json_methods`, those for code that knows no fields in `reflection`, those
//! for rich and for notebooks in `display`.

#![expect(unsafe_code, reason = "methods called by CPython")]

use super::access::Seen;
use super::boundary::{answer, argument, methods, receiver};
use super::desc::Shape;
use super::layout::{Message, RAW};
use super::types::{self, method};
use super::{
    access, alloc, convert, display, encode, index, json_methods, merge, reflection, required, wire_methods,
};
use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};

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
            convert::message(message.desc(), value, convert::TOP, &|| name.to_owned())
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

fn truth(py: Python<'_>, value: bool) -> Bound<'_, PyAny> {
    pyo3::types::PyBool::new(py, value).to_owned().into_any()
}

/// Whether a field, or a member of a oneof, is set; a ValueError for what has no presence.
pub(super) fn is_set(message: Message<'_>, name: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = name.py();
    if let Some(at) = message.desc().names.search(name) {
        let field = message.desc().field(at);
        if matches!(field.shape, Shape::Repeated | Shape::Map) {
            let full = field.full_name();
            return Err(PyValueError::new_err(format!("{full} is repeated and has no presence: use len()")));
        }
        return access::is_set(py, message, at);
    }
    match oneof_named(message, name) {
        Some(oneof) => Ok(member_set(py, message, oneof)?.is_some()),
        None => Err(convert::no_such_field(message.desc(), name)),
    }
}

/// `HasField`: of a field without containers, of a message that was split before, at once.
unsafe extern "C" fn has_field(object: *mut ffi::PyObject, name: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: called by CPython, attached, with a message and an object.
    unsafe {
        let message = receiver(object);
        let desc = message.desc();
        if let Some(at) = desc.names.find(name)
            && desc.many >> at & 1 == 0
            && !message.node.is(RAW)
        {
            let found = if message.has.get() >> at & 1 == 1 { ffi::Py_True() } else { ffi::Py_False() };
            ffi::Py_INCREF(found);
            return found;
        }
        has_field_of_any_kind(message, name)
    }
}

#[inline(never)]
unsafe fn has_field_of_any_kind(message: Message<'_>, name: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: called by `has_field`.
    unsafe { answer(|py| Ok(truth(py, is_set(message, &argument(py, name))?))) }
}

methods! {
    self = receiver => Message;
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
    is_initialized(py, message, _none) { Ok(truth(py, required::is_complete(py, message)?)) }
    find_initialization_errors(py, message, _none) {
        Ok(PyList::new(py, required::missing(py, message)?)?.into_any())
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
}

/// All methods of the base class.
pub(super) fn table() -> *const () {
    let (none, one) = (ffi::METH_NOARGS, ffi::METH_O);
    let mut methods = vec![
        method(
            c"HasField",
            has_field,
            one,
            c"HasField(name) -> bool\n\nWhether a field, or a member of a oneof, is set.",
        ),
        method(
            c"ClearField",
            clear_field,
            one,
            c"ClearField(name)\n\nUnsets a field, or the member of a oneof that is set.",
        ),
        method(
            c"WhichOneof",
            which_oneof,
            one,
            c"WhichOneof(name) -> str | None\n\nThe name of the member that is set.",
        ),
        method(
            c"IsInitialized",
            is_initialized,
            none,
            c"IsInitialized() -> bool\n\nWhether all required fields are set.",
        ),
        method(
            c"FindInitializationErrors",
            find_initialization_errors,
            none,
            c"FindInitializationErrors() -> list[str]\n\nThe paths of required fields that are missing.",
        ),
        method(
            c"CopyFrom",
            copy_from,
            one,
            c"CopyFrom(other)\n\nReplaces the contents by those of another message.",
        ),
        method(c"MergeFrom", merge_from, one, c"MergeFrom(other)\n\nAdds the contents of another message."),
        method(c"Clear", clear, none, c"Clear()\n\nUnsets all fields."),
        method(
            c"SetInParent",
            set_in_parent,
            none,
            c"SetInParent()\n\nSets this message, empty as it may be, in the message it was read from.",
        ),
        method(
            c"DiscardUnknownFields",
            discard_unknown_fields,
            none,
            c"DiscardUnknownFields()\n\nForgets fields that the schema does not have.",
        ),
        method(c"__copy__", copied, none, c"A copy."),
        method(c"__deepcopy__", copied, one, c"A copy."),
    ];
    methods.extend(reflection::table());
    methods.extend(display::table());
    methods.extend(wire_methods::table());
    methods.extend(json_methods::table());
    types::table(methods, ffi::PyMethodDef::zeroed())
}
