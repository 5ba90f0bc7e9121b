//! Methods for code that looks at messages without knowing their fields: descriptors, unknown fields, extensions (of
//! which the schema has none).

#![expect(unsafe_code, reason = "methods called by CPython")]

use super::boundary::{answer, argument, methods, receiver};
use super::errors::kind_of;
use super::layout::Message;
use super::methods::is_set;
use super::types::method;
use super::{access, index};
use crate::wire::{self, Value};
use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};
use std::ffi::c_int;

/// What class attributes with the numbers of fields end with: google.protobuf's names.
pub(super) const NUMBER: &str = "_FIELD_NUMBER";

fn no_extensions(message: Message<'_>, extension: &Bound<'_, PyAny>) -> PyErr {
    let text = format!("{} has no extensions, got {}", message.desc().name(), kind_of(extension));
    PyKeyError::new_err(text)
}

/// Encoded fields as objects: number, wire type and value of each. They were validated before, and so are not too deep.
fn unknown<'py>(make: &Bound<'py, PyAny>, fields: &[u8]) -> PyResult<Bound<'py, PyTuple>> {
    let py = make.py();
    let list = PyList::empty(py);
    for field in wire::fields(fields) {
        let (number, value) = field.map_err(|fault| PyValueError::new_err(fault.to_string()))?;
        let (wire_type, value) = match value {
            Value::Varint(value) => (0, value.into_pyobject(py)?.into_any()),
            Value::Fixed64(value) => (1, value.into_pyobject(py)?.into_any()),
            Value::Bytes(value) => (2, PyBytes::new(py, value).into_any()),
            Value::Group(value) => (3, unknown(make, value)?.into_any()),
            Value::Fixed32(value) => (5, value.into_pyobject(py)?.into_any()),
        };
        list.append(make.call1((number, wire_type, value))?)?;
    }
    Ok(list.to_tuple())
}

methods! {
    self = receiver => Message;
    list_fields(py, message, _none) {
        let fields = PyList::empty(py);
        let describe = py.import("mesos._reflection")?.getattr("field")?;
        for field in &message.desc().fields {
            if access::is_set(py, message, usize::from(field.index))? {
                let descriptor = describe.call1((message.desc().wire.name, field.wire.name))?;
                fields.append((descriptor, access::read(py, message, usize::from(field.index))?))?;
            }
        }
        Ok(fields.into_any())
    }
    unknown_fields(py, message, _none) {
        let make = py.import("mesos._descriptors")?.getattr("UnknownField")?;
        index::index(py, message)?;
        let fields = message.with_unknown(<[u8]>::to_vec);
        Ok(unknown(&make, &fields)?.into_any())
    }
    has_extension(_py, message, extension) { Err(no_extensions(message, extension)) }
    clear_extension(_py, message, extension) { Err(no_extensions(message, extension)) }
    names(py, message, _none) {
        let class = message.desc().class(py);
        let all = class.getattr("__base__")?.getattr("__base__")?.call_method1("__dir__", (message.bound(py),))?;
        let names = PyList::empty(py);
        for name in all.try_iter()? {
            let name = name?;
            if !name.cast::<PyString>()?.to_str()?.ends_with(NUMBER) {
                names.append(name)?;
            }
        }
        Ok(names.into_any())
    }
}

/// `name in message`
pub(super) unsafe extern "C" fn contains(object: *mut ffi::PyObject, name: *mut ffi::PyObject) -> c_int {
    // SAFETY: called by CPython, attached, with a message and an object.
    unsafe { answer(|py| is_set(receiver(object), &argument(py, name))) }
}

/// The methods of this file.
pub(super) fn table() -> [ffi::PyMethodDef; 5] {
    let (none, one) = (ffi::METH_NOARGS, ffi::METH_O);
    [
        method(c"ListFields", list_fields, none, c"ListFields() -> list

Descriptor and value of each field that is set, by number. A descriptor has name, number, type, doc, ..."),
        method(c"UnknownFields", unknown_fields, none, c"UnknownFields() -> tuple

The fields that the schema does not have, each with .field_number, .wire_type and .data: an int, bytes, or a tuple of
the same for a group. A value that an enum does not have counts as one, too."),
        method(c"HasExtension", has_extension, one, c"HasExtension(extension)

Raises KeyError: Mesos' messages have no extensions."),
        method(c"ClearExtension", clear_extension, one, c"ClearExtension(extension)

Raises KeyError: Mesos' messages have no extensions."),
        method(c"__dir__", names, none, c"The names of fields and methods."),
    ]
}
