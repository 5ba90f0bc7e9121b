//! Iterators over repeated fields.
//!
//! # Invariants
//! * Like a list's iterator: looks at the items as they are at each step, and once at the end stays there.
//! * Owns its field; nothing that a field owns leads back to an iterator, so there are no cycles.

#![expect(unsafe_code, reason = "an object made and freed by hand; slot functions called by CPython")]

use super::alloc;
use super::boundary::answer;
use super::freelist;
use super::repeated::Repeated;
use super::types::{self, slot};
use pyo3::ffi;
use pyo3::prelude::*;
use std::cell::Cell;
use std::ptr;

/// The object.
#[repr(C)]
pub(super) struct Iterator {
    base: ffi::PyObject,
    /// owned; null once it came to the end
    field: Cell<*mut ffi::PyObject>,
    next: Cell<usize>,
}

/// `tp_iter` of repeated fields.
pub(super) unsafe extern "C" fn begin(field: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: called by CPython with a repeated field, attached; instances of the class are `Iterator`s.
    unsafe {
        answer(|py| {
            let object = alloc::zeroed(py, types::iterator_class(py)?, size_of::<Iterator>())?;
            ffi::Py_INCREF(field);
            (*object.as_ptr().cast::<Iterator>()).field.set(field);
            Ok(object)
        })
    }
}

/// `tp_iternext`
unsafe extern "C" fn next(object: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: called by CPython with an iterator, attached; the iterator owns the field.
    unsafe {
        let iterator = &*object.cast::<Iterator>();
        let field = iterator.field.get();
        if field.is_null() {
            return ptr::null_mut();
        }
        let (items, at) = (Repeated::from_ptr(field), iterator.next.get());
        let Some(slot) = items.slot(at) else {
            iterator.field.set(ptr::null_mut());
            ffi::Py_DECREF(field);
            return ptr::null_mut();
        };
        iterator.next.set(at + 1);
        let ready = slot.ready();
        if !ready.is_null() {
            ffi::Py_INCREF(ready);
            return ready;
        }
        first(items, at)
    }
}

/// An item that nobody has read yet.
#[inline(never)]
unsafe fn first(items: Repeated<'_>, at: usize) -> *mut ffi::PyObject {
    // SAFETY: called by `next`, attached.
    unsafe { answer(|py| items.get(py, at)) }
}

unsafe extern "C" fn dealloc(object: *mut ffi::PyObject) {
    // SAFETY: called once, attached, with an iterator that nobody has any more.
    unsafe {
        let py = Python::assume_attached();
        ffi::Py_XDECREF((*object.cast::<Iterator>()).field.get());
        freelist::give(py, object.cast(), size_of::<Iterator>());
    }
}

/// How many items are left: what `list()` asks for before it begins.
unsafe extern "C" fn length_hint(
    object: *mut ffi::PyObject,
    _none: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: called by CPython with an iterator, attached.
    unsafe {
        answer(|py| {
            let iterator = &*object.cast::<Iterator>();
            let field = iterator.field.get();
            let len = if field.is_null() { 0 } else { Repeated::from_ptr(field).len() };
            Ok(len.saturating_sub(iterator.next.get()).into_pyobject(py)?.into_any())
        })
    }
}

/// What the class is made of.
pub(super) fn slots() -> Vec<ffi::PyType_Slot> {
    let methods =
        vec![types::method(c"__length_hint__", length_hint, ffi::METH_NOARGS, c"How many are left.")];
    vec![
        slot(ffi::Py_tp_iter, ffi::PyObject_SelfIter as *const ()),
        slot(ffi::Py_tp_iternext, next as *const ()),
        slot(ffi::Py_tp_dealloc, dealloc as *const ()),
        slot(ffi::Py_tp_methods, types::table(methods, ffi::PyMethodDef::zeroed())),
    ]
}
