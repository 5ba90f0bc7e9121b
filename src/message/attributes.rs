//! Attribute access of messages: `tp_getattro` and `tp_setattro`.
//!
//! A field that was read before is answered here, without leaving this file. What is neither a field nor a method takes
//! Python's ordinary way.

#![expect(unsafe_code, reason = "slot functions called by CPython")]

use super::boundary::{answer, argument, optional, receiver};
use super::errors::kind_of;
use super::layout::Message;
use super::{access, bound};
use pyo3::exceptions::{PyAttributeError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;
use std::ffi::c_int;

/// `message.name`
pub(super) unsafe extern "C" fn get(
    object: *mut ffi::PyObject,
    name: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: CPython calls it with a message and a string, attached.
    unsafe {
        let message = receiver(object);
        let Some(at) = message.desc().names.find(name) else {
            return other(object, name);
        };
        let ready = message.slot(at).ready();
        if !ready.is_null() {
            ffi::Py_INCREF(ready);
            return ready;
        }
        first(message, at)
    }
}

/// A field that nobody has read yet.
#[inline(never)]
unsafe fn first(message: Message<'_>, at: usize) -> *mut ffi::PyObject {
    // SAFETY: called by `get`, attached.
    unsafe { answer(|py| access::read(py, message, at)) }
}

/// A name that is not the interned one of a field.
#[inline(never)]
unsafe fn other(object: *mut ffi::PyObject, name: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: as for `get`.
    unsafe {
        let method = bound::bind(Python::assume_attached(), receiver(object).desc(), object, name);
        if !method.is_null() {
            return method;
        }
        let found = ffi::PyObject_GenericGetAttr(object, name);
        if !found.is_null() || ffi::PyErr_ExceptionMatches(ffi::PyExc_AttributeError) == 0 {
            return found;
        }
        let message = receiver(object);
        answer(|py| {
            let error = PyErr::fetch(py); // first: the search may raise, and clear, another
            match message.desc().names.search(&argument(py, name)) {
                // also v0 names, which are no attributes of the class
                Some(at) => access::read(py, message, at),
                None => Err(error),
            }
        })
    }
}

/// `message.name = value`, `del message.name`
pub(super) unsafe extern "C" fn set(
    object: *mut ffi::PyObject,
    name: *mut ffi::PyObject,
    value: *mut ffi::PyObject,
) -> c_int {
    // SAFETY: CPython calls it with a message, a string and a value or null, attached.
    unsafe {
        answer(|py| {
            let message = receiver(object);
            let name = argument(py, name);
            let desc = message.desc();
            let Some(at) = desc.names.search(&name) else {
                let Ok(text) = name.cast::<PyString>() else {
                    return Err(PyTypeError::new_err(format!("attribute name is a {}", kind_of(&name))));
                };
                let text = text.to_string_lossy();
                let hint = desc.names.similar(&text);
                let hint = hint.map_or(String::new(), |known| format!(" (did you mean {known}?)"));
                return Err(PyAttributeError::new_err(format!(
                    "{} has no field {text:?}{hint}",
                    desc.name()
                )));
            };
            let Some(value) = optional(py, value) else {
                let text = format!(
                    "{0} cannot be deleted: ClearField(\"{1}\") unsets it",
                    desc.field(at).full_name(),
                    desc.field(at).wire.name
                );
                return Err(PyAttributeError::new_err(text));
            };
            access::assign(message, at, &value)
        })
    }
}
