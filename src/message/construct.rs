//! Constructors: keywords, dicts and everything nested in them.
//!
//! # Invariants
//! * A message is filled before anyone else can see it; if filling fails, it is dropped.
//! * None means unset.

#![expect(unsafe_code, reason = "tp_new and tp_vectorcall")]

use super::access;
use super::alloc;
use super::boundary::{answer, argument, optional};
use super::convert::{self, TOP, no_such_field};
use super::desc::{Desc, Field, Shape};
use super::direct;
use super::layout::Message;
use super::map::Map;
use super::repeated::Repeated;
use super::resources;
use crate::wire;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

/// Sets one field to what a keyword or a dict has for it.
#[inline]
pub(super) fn set(message: Message<'_>, at: usize, value: &Bound<'_, PyAny>, depth: u32) -> PyResult<()> {
    if value.is_none() {
        return Ok(());
    }
    let field = message.desc().field(at);
    if field.shape == Shape::Scalar && convert::is_ready(field, value) {
        return access::put(value.py(), message, at, value.clone());
    }
    if matches!(field.shape, Shape::Scalar | Shape::Message) {
        return access::put(value.py(), message, at, convert::item(field, value, depth)?);
    }
    set_many(message, at, value, depth)
}

#[inline(never)]
fn set_many(message: Message<'_>, at: usize, value: &Bound<'_, PyAny>, depth: u32) -> PyResult<()> {
    let (py, field) = (value.py(), message.desc().field(at));
    let container = access::read(py, message, at)?;
    // SAFETY: what such a field reads as, and held here.
    unsafe {
        match field.shape {
            Shape::Map => Map::from_ptr(container.as_ptr()).update(py, value),
            _ => extend(field, Repeated::from_ptr(container.as_ptr()), value, depth),
        }
    }
}

/// Appends all that an iterable yields, or nothing if an item is refused.
pub(super) fn extend(
    field: &'static Field,
    target: Repeated<'_>,
    value: &Bound<'_, PyAny>,
    depth: u32,
) -> PyResult<()> {
    let before = target.len();
    append_each(field, target, value, depth).inspect_err(|_| {
        let after = target.len(); // less than before, if an item's conversion removed some
        target.remove(before.min(after)..after);
    })
}

fn append_each(
    field: &'static Field,
    target: Repeated<'_>,
    value: &Bound<'_, PyAny>,
    depth: u32,
) -> PyResult<()> {
    if let Ok(list) = value.cast_exact::<PyList>() {
        let mut at = 0;
        while at < list.len() {
            target.push(convert::item(field, &list.get_item(at)?, depth)?);
            at += 1;
        }
        return Ok(());
    }
    if let Some(other) = Repeated::of(value)
        && std::ptr::eq(other.field(), field)
    {
        return super::merge::extend(value.py(), target, other);
    }
    if let Some(messages) = resources::messages(value)?
        && field.wire.message().is_some_and(|message| std::ptr::eq(message, wire::msg::RESOURCE))
    {
        messages.into_iter().for_each(|message| target.push(message));
        return Ok(());
    }
    for item in convert::iterate(field, value)? {
        target.push(convert::item(field, &item?, depth)?);
    }
    Ok(())
}

/// A message of the fields that a dict holds.
pub(super) fn from_dict<'py>(
    desc: &'static Desc,
    dict: &Bound<'py, PyDict>,
    depth: u32,
) -> PyResult<Bound<'py, PyAny>> {
    if dict.iter().any(|(_, value)| direct::is_nested(&value))
        && let Some(made) = direct::of_dict(desc, dict)?
    {
        return Ok(made);
    }
    let made = alloc::empty(dict.py(), desc)?;
    // SAFETY: just made.
    fill_from_dict(unsafe { Message::from_ptr(made.as_ptr()) }, dict, depth)?;
    Ok(made)
}

/// Sets what a dict holds.
fn fill_from_dict(message: Message<'_>, dict: &Bound<'_, PyDict>, depth: u32) -> PyResult<()> {
    let (py, desc, size) = (dict.py(), message.desc(), dict.len());
    let (mut position, mut key, mut value) = (0, std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: the documented protocol of PyDict_Next: safe on a changing dict too, which is then reported.
    while unsafe { ffi::PyDict_Next(dict.as_ptr(), &raw mut position, &raw mut key, &raw mut value) } != 0 {
        // SAFETY: borrowed from the dict; looking up a name runs no Python code, and the value is counted before any.
        let (key, value) = unsafe { (argument(py, key), argument(py, value).to_owned()) };
        let at = desc.names.search(&key).ok_or_else(|| no_such_field(desc, &key))?;
        set(message, at, &value, depth)?;
        if dict.len() != size {
            return Err(PyRuntimeError::new_err(format!(
                "{}: the dict changed while it was read",
                desc.name()
            )));
        }
    }
    Ok(())
}

#[cold]
fn positional(desc: &Desc) -> PyErr {
    let example = desc.wire.fields.first().map_or("field", |field| field.name);
    let name = desc.name();
    PyTypeError::new_err(format!("{name} takes its fields by keyword: {name}({example}=...)"))
}

#[cold]
fn no_class() -> PyErr {
    PyTypeError::new_err("mesos.Message is the base of the message classes: use one of them")
}

/// `tp_new`: what pickle and the limited API call.
pub(super) unsafe extern "C" fn new(
    class: *mut ffi::PyTypeObject,
    args: *mut ffi::PyObject,
    keywords: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: called by CPython, attached, with a tuple and a dict or null.
    unsafe {
        answer(|py| {
            let desc = Desc::of_class(py, class).ok_or_else(no_class)?;
            if !argument(py, args).cast::<PyTuple>()?.is_empty() {
                return Err(positional(desc));
            }
            match optional(py, keywords) {
                Some(keywords) => from_dict(desc, &*keywords.cast::<PyDict>()?, TOP),
                None => alloc::empty(py, desc),
            }
        })
    }
}

/// `tp_vectorcall`: what a call of the class comes to.
#[cfg(not(feature = "abi3"))]
pub(super) unsafe extern "C" fn call(
    class: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    count: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: called by CPython, attached; `args` has one value for each name, behind `count` others.
    unsafe {
        answer(|py| {
            let desc = Desc::of_class(py, class.cast()).ok_or_else(no_class)?;
            if ffi::PyVectorcall_NARGS(count) != 0 {
                return Err(positional(desc));
            }
            from_keywords(py, desc, args, names)
        })
    }
}

/// A message of the keywords of a call.
///
/// # Safety
/// `names` is a tuple, with one value for each name in `args`; or null.
pub(super) unsafe fn from_keywords<'py>(
    py: Python<'py>,
    desc: &'static Desc,
    args: *const *mut ffi::PyObject,
    names: *mut ffi::PyObject,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the caller's promises.
    unsafe {
        if names.is_null() {
            return alloc::empty(py, desc); // `args` may be null, too: C code calls so
        }
        let count = ffi::PyTuple_Size(names);
        let values = std::slice::from_raw_parts(args, count as usize);
        if values.iter().any(|value| direct::is_nested(&argument(py, *value)))
            && let Some(made) = direct::of_keywords(py, desc, args, names, count)?
        {
            return Ok(made);
        }
        let made = alloc::empty(py, desc)?;
        let message = Message::from_ptr(made.as_ptr());
        for at in 0..count {
            let name = argument(py, ffi::PyTuple_GetItem(names, at));
            let value = argument(py, *args.add(at as usize));
            let field = desc.names.search(&name).ok_or_else(|| no_such_field(desc, &name))?;
            set(message, field, &value, TOP)?;
        }
        Ok(made)
    }
}
