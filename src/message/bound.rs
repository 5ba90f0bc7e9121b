//! Methods of messages, bound without a search of the class: `message.HasField` by the address of its name.
//!
//! CPython does the same in its specialised bytecode, but not for objects with a `tp_getattro` of their own.
//!
//! # Invariants
//! * A method is bound only if the class was seen to have it, and did not change since: CPython gives a class a new
//!   version with each change. What a user put in its place is found in the ordinary way.

#![expect(unsafe_code, reason = "method definitions, class versions")]

use super::desc::{Attached, Desc};
use super::interned::Interned;
use pyo3::ffi;
use pyo3::prelude::*;
use std::cell::Cell;
use std::ffi::{CStr, c_int, c_uint};
use std::ptr;

#[derive(Clone, Copy)]
struct Definition(*mut ffi::PyMethodDef);

impl Default for Definition {
    fn default() -> Self {
        Definition(ptr::null_mut())
    }
}

struct Methods {
    by_name: Interned<Definition>,
    /// each name, and what the base class has there
    found: Vec<(String, Py<PyAny>)>,
}

// SAFETY: only reached through `Attached`; definitions live for ever.
unsafe impl Send for Methods {}
// SAFETY: the same.
unsafe impl Sync for Methods {}

static METHODS: Attached<Option<&'static Methods>> = Attached::new(None);

/// The version of a class that was looked at, and whether it had all methods of the base class.
#[derive(Default)]
pub(super) struct Looked(Cell<(c_uint, bool)>);

/// Learns the methods of the base class, at import.
///
/// # Safety
/// `table` is the one that `class` was made with: definitions up to one that is zero, for ever.
pub(super) unsafe fn set_up(class: &Bound<'_, PyAny>, mut table: *mut ffi::PyMethodDef) -> PyResult<()> {
    const SELF: c_int = ffi::METH_CLASS | ffi::METH_STATIC;
    let mut definitions = Vec::new();
    let mut found = Vec::new();
    // SAFETY: the caller's promise.
    unsafe {
        while !(*table).ml_name.is_null() {
            if (*table).ml_flags & SELF == 0 {
                let name = String::from_utf8(CStr::from_ptr((*table).ml_name).to_bytes().to_vec())?;
                found.push((name.clone(), class.getattr(name.as_str())?.unbind()));
                definitions.push((name, Definition(table)));
            }
            table = table.add(1);
        }
    }
    let by_name =
        Interned::new(class.py(), definitions.iter().map(|(name, method)| (name.as_str(), *method)));
    let methods: &'static Methods = Box::leak(Box::new(Methods { by_name, found }));
    METHODS.with(class.py(), |known| *known = Some(methods));
    Ok(())
}

/// `object.name`, if that is a method of all messages and the class of the object still has it: a new reference, or
/// null without an exception.
///
/// # Safety
/// `object` is a message of type `desc`.
pub(super) unsafe fn bind(
    py: Python<'_>,
    desc: &'static Desc,
    object: *mut ffi::PyObject,
    name: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    let Some(methods) = METHODS.with(py, |methods| *methods) else { return ptr::null_mut() };
    match methods.by_name.find(name) {
        // SAFETY: the definition lives for ever, and is one for messages.
        Some(method) if has_all(py, desc, methods) => unsafe {
            ffi::PyCFunction_NewEx(method.0, object, ptr::null_mut())
        },
        _ => ptr::null_mut(),
    }
}

/// Whether the class has all methods of the base class: asked once for each version.
#[inline]
fn has_all(py: Python<'_>, desc: &'static Desc, methods: &Methods) -> bool {
    let version = version(desc);
    let (looked_at, has_all) = desc.methods.0.get();
    if version == looked_at { has_all } else { look(py, desc, methods, version) }
}

#[cold]
fn look(py: Python<'_>, desc: &'static Desc, methods: &Methods, version_before: c_uint) -> bool {
    let class = desc.class(py);
    let has_all = methods.found.iter().all(|(name, method)| {
        class.getattr(name.as_str()).is_ok_and(|found| found.is(method)) // an error is for those who ask for that name
    });
    let unchanged = version(desc) == version_before && version_before != 0;
    if unchanged {
        desc.methods.0.set((version_before, has_all));
    }
    has_all && unchanged
}

/// The version of a message's class; 0 if it has none, as after a change, until it is searched again.
#[cfg(not(feature = "abi3"))]
fn version(desc: &Desc) -> c_uint {
    // SAFETY: the class lives for ever.
    unsafe { (*desc.class).tp_version_tag }
}

/// The limited API does not tell.
#[cfg(feature = "abi3")]
fn version(_desc: &Desc) -> c_uint {
    0
}
