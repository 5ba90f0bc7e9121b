//! What Python does with a repeated field: the methods and operators of a list.
//!
//! # Invariants
//! * A value is converted, which may run Python code, before the items are changed; positions are checked after.

#![expect(unsafe_code, reason = "slot functions and methods called by CPython")]

use super::boundary::{answer, argument, methods, optional};
use super::convert::{self, TOP};
use super::layout::{Message, Slot};
use super::positions::{Places, index_of, no_such_index, position};
use super::repeated::Repeated;
use super::types::{self, fast_method, keyword_method, method, slot};
use super::{access, alloc, compare, construct, display, iterate, merge};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PySlice, PyTuple};
use std::ffi::c_int;

/// `self` of a method.
unsafe fn this<'a>(object: *mut ffi::PyObject) -> Repeated<'a> {
    // SAFETY: CPython checked the type; the caller of the method holds a reference.
    unsafe { Repeated::from_ptr(object) }
}

fn changed_while_sorted() -> PyErr {
    PyRuntimeError::new_err("the field was changed while it was sorted")
}

fn fetch<'py>(items: Repeated<'_>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = key.py();
    if let Ok(slice) = key.cast::<PySlice>() {
        let list = PyList::empty(py);
        for at in Places::of(items, slice)?.iter() {
            list.append(items.get(py, at)?.ok_or_else(no_such_index)?)?;
        }
        return Ok(list.into_any());
    }
    items.get(py, position(items, index_of(key)?)?)?.ok_or_else(no_such_index)
}

/// `items[key] = value`, for plain values; messages are changed in place, not replaced.
fn store(items: Repeated<'_>, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let field = items.field();
    if items.holds_messages() {
        return Err(PyTypeError::new_err(format!(
            "{}: messages in it cannot be assigned: use [i].CopyFrom(...), or del and insert()",
            field.full_name()
        )));
    }
    if let Ok(slice) = key.cast::<PySlice>() {
        let mut new = Vec::new();
        for item in convert::iterate(field, value)? {
            new.push(convert::scalar(field, &item?)?);
        }
        return store_slice(items, slice, new);
    }
    let object = convert::scalar(field, value)?;
    let at = position(items, index_of(key)?)?;
    let old = items.with(|slots| std::mem::replace(&mut slots[at], Slot::object(object.into_ptr())));
    items.let_go(old);
    access::touch(items.as_node());
    Ok(())
}

fn store_slice(items: Repeated<'_>, slice: &Bound<'_, PySlice>, new: Vec<Bound<'_, PyAny>>) -> PyResult<()> {
    let places = Places::of(items, slice)?;
    if places.step != 1 && new.len() != places.count {
        let text = format!("cannot put {} values in the place of {}", new.len(), places.count);
        return Err(PyValueError::new_err(text));
    }
    let new: Vec<Slot> = new.into_iter().map(|object| Slot::object(object.into_ptr())).collect();
    let old: Vec<Slot> = items.with(|slots| match places.range().filter(|_| places.step == 1) {
        Some(range) => slots.splice(range, new).collect(),
        None => places.iter().zip(new).map(|(at, slot)| std::mem::replace(&mut slots[at], slot)).collect(),
    });
    old.into_iter().for_each(|slot| items.let_go(slot));
    access::touch(items.as_node());
    Ok(())
}

fn delete(items: Repeated<'_>, key: &Bound<'_, PyAny>) -> PyResult<()> {
    if let Ok(slice) = key.cast::<PySlice>() {
        let places = Places::of(items, slice)?;
        match places.range() {
            Some(range) => items.remove(range),
            None => items.remove_places(places.iter()),
        }
        access::touch(items.as_node());
        return Ok(());
    }
    let at = position(items, index_of(key)?)?;
    items.remove(at..at + 1);
    Ok(())
}

/// The position of a value that is equal; None if there is none.
fn find<'py>(items: Repeated<'_>, value: &Bound<'py, PyAny>) -> PyResult<Option<usize>> {
    let mut at = 0;
    while let Some(item) = items.get(value.py(), at)? {
        if item.is(value) || item.eq(value)? {
            return Ok(Some(at));
        }
        at += 1;
    }
    Ok(None)
}

fn none(py: Python<'_>) -> Bound<'_, PyAny> {
    py.None().into_bound(py)
}

methods! {
    self = this => Repeated;
    subscript(_py, items, key) { fetch(items, key) }
    append(py, items, value) {
        // always a copy: `append(*args)` and functools.partial keep the only reference, and use it again
        let object = convert::item(items.field(), value, TOP)?;
        items.push(object);
        Ok(none(py))
    }
    extend(py, items, values) {
        if !values.is_none() {
            construct::extend(items.field(), items, values, TOP)?;
        }
        access::touch(items.as_node()); // adding nothing sets the parent all the same, as in google.protobuf
        Ok(none(py))
    }
    add_all(py, items, values) {
        construct::extend(items.field(), items, values, TOP)?;
        Ok(items.bound(py))
    }
    remove(py, items, value) {
        let at = find(items, value)?.filter(|at| *at < items.len());
        let at = at.ok_or_else(|| PyValueError::new_err("remove(x): x not in the field"))?;
        items.remove(at..at + 1);
        Ok(none(py))
    }
    index(py, items, value) {
        let at = find(items, value)?.ok_or_else(|| PyValueError::new_err("index(x): x not in the field"))?;
        Ok(at.into_pyobject(py)?.into_any())
    }
    count(py, items, value) {
        let mut count = 0_usize;
        let mut at = 0;
        while let Some(item) = items.get(py, at)? {
            count += usize::from(item.is(value) || item.eq(value)?);
            at += 1;
        }
        Ok(count.into_pyobject(py)?.into_any())
    }
    clear(py, items, _none) {
        if items.len() > 0 {
            items.remove(0..items.len()); // of nothing, it would set the parent, which google.protobuf's does not
        }
        Ok(none(py))
    }
    reverse(py, items, _none) {
        items.with(|slots| slots.reverse());
        access::touch(items.as_node());
        Ok(none(py))
    }
    copied(py, items, _memo) {
        let list = PyList::empty(py);
        let mut at = 0;
        while let Some(item) = items.get(py, at)? {
            list.append(match Message::of(&item) {
                Some(message) => merge::copy(py, message)?,
                None => item,
            })?;
            at += 1;
        }
        Ok(list.into_any())
    }
    html(py, items, _none) { display::html(&items.bound(py)) }
    shallow(py, items, _none) { Ok(items.list(py)?.into_any()) }
}

unsafe extern "C" fn insert(object: *mut ffi::PyObject, args: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: called by CPython, attached, with a repeated field and a tuple.
    unsafe {
        answer(|py| {
            let items = this(object);
            let (at, value): (isize, Bound<'_, PyAny>) = argument(py, args).extract()?;
            let object = convert::item(items.field(), &value, TOP)?;
            let len = items.len();
            let at = if at < 0 { at.saturating_add_unsigned(len).max(0) } else { at };
            items.insert(at as usize, object);
            Ok(none(py))
        })
    }
}

unsafe extern "C" fn pop(object: *mut ffi::PyObject, args: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: called by CPython, attached, with a repeated field and a tuple.
    unsafe {
        answer(|py| {
            let items = this(object);
            let args = argument(py, args);
            let args = args.cast::<PyTuple>()?;
            if args.len() > 1 {
                return Err(PyTypeError::new_err("pop() takes at most one index"));
            }
            let index = if args.is_empty() { -1 } else { index_of(&args.get_item(0)?)? };
            let value = items.get(py, position(items, index)?)?.ok_or_else(no_such_index)?;
            let at = position(items, index)?; // making the object may have run Python code
            items.remove(at..at + 1);
            Ok(value)
        })
    }
}

unsafe extern "C" fn add(
    object: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: called by CPython, attached, with a repeated field; `args` has one value for each name, behind
    // `count` others.
    unsafe {
        answer(|py| {
            let items = this(object);
            let wrong = |what| PyTypeError::new_err(format!("{}: add() {what}", items.field().full_name()));
            if !items.holds_messages() {
                return Err(wrong("is for messages: use append()"));
            }
            if count != 0 {
                return Err(wrong("takes fields by keyword"));
            }
            let desc = items.field().child(py)?;
            let message = construct::from_keywords(py, desc, args, names)?;
            items.push(message.clone());
            Ok(message)
        })
    }
}

unsafe extern "C" fn sort(
    object: *mut ffi::PyObject,
    args: *mut ffi::PyObject,
    keywords: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: called by CPython, attached, with a repeated field, a tuple, and a dict or null.
    unsafe {
        answer(|py| {
            let items = this(object);
            let sorted = items.list(py)?;
            let before = items.with(|slots| slots.clone());
            if !before.iter().map(|slot| slot.ready()).eq(sorted.iter().map(|item| item.as_ptr())) {
                return Err(changed_while_sorted()); // by a finalizer, while the list was made
            }
            let keywords = optional(py, keywords);
            let keywords = keywords.as_deref().map(|keywords| keywords.cast::<PyDict>()).transpose()?;
            sorted.call_method("sort", argument(py, args).cast::<PyTuple>()?.to_owned(), keywords)?;
            // the list holds every item, so none of these addresses can belong to another object by now
            if items.with(|slots| *slots != before) {
                return Err(changed_while_sorted());
            }
            let order: Vec<Slot> = sorted.iter().map(|item| Slot::object(item.as_ptr())).collect();
            if !order.is_empty() {
                items.with(|slots| *slots = order);
                access::touch(items.as_node());
            }
            Ok(none(py))
        })
    }
}

unsafe extern "C" fn length(object: *mut ffi::PyObject) -> ffi::Py_ssize_t {
    // SAFETY: called by CPython with a repeated field, attached.
    unsafe { this(object).len() as ffi::Py_ssize_t }
}

/// What iteration asks for: the item at a position that CPython has made positive.
unsafe extern "C" fn item(object: *mut ffi::PyObject, index: ffi::Py_ssize_t) -> *mut ffi::PyObject {
    // SAFETY: called by CPython with a repeated field, attached.
    unsafe {
        let items = this(object);
        if let Ok(at) = usize::try_from(index)
            && let Some(slot) = items.slot(at)
            && !slot.ready().is_null()
        {
            ffi::Py_INCREF(slot.ready());
            return slot.ready();
        }
        answer(|py| {
            let at = usize::try_from(index).map_err(|_| no_such_index())?;
            items.get(py, at)?.ok_or_else(no_such_index)
        })
    }
}

unsafe extern "C" fn contains(object: *mut ffi::PyObject, value: *mut ffi::PyObject) -> c_int {
    // SAFETY: called by CPython with a repeated field and a value, attached.
    unsafe { answer(|py| Ok(find(this(object), &argument(py, value))?.is_some())) }
}

unsafe extern "C" fn assign(
    object: *mut ffi::PyObject,
    key: *mut ffi::PyObject,
    value: *mut ffi::PyObject,
) -> c_int {
    // SAFETY: called by CPython with a repeated field, a key, and a value or null, attached.
    unsafe {
        answer(|py| {
            let (items, key) = (this(object), argument(py, key));
            match optional(py, value) {
                Some(value) => store(items, &key, &value),
                None => delete(items, &key),
            }
        })
    }
}

unsafe extern "C" fn repr(object: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: called by CPython with a repeated field, attached.
    unsafe { answer(|py| Ok(this(object).list(py)?.repr()?.into_any())) }
}

unsafe extern "C" fn compare_items(
    one: *mut ffi::PyObject,
    other: *mut ffi::PyObject,
    operator: c_int,
) -> *mut ffi::PyObject {
    // SAFETY: called by CPython with a repeated field first, attached.
    unsafe {
        answer(|py| {
            let other = argument(py, other);
            if Repeated::of(&other).is_none() && !other.is_instance_of::<PyList>() {
                return Ok(py.NotImplemented().into_bound(py));
            }
            let other = match Repeated::of(&other) {
                Some(other) => other.list(py)?.into_any(),
                None => other.to_owned(),
            };
            compare::answer_equality(py, operator, || {
                this(one).list(py)?.rich_compare(other, pyo3::basic::CompareOp::Eq)?.extract()
            })
        })
    }
}

/// What the class is made of.
pub(super) fn slots() -> Vec<ffi::PyType_Slot> {
    let (nothing, one, many) = (ffi::METH_NOARGS, ffi::METH_O, ffi::METH_VARARGS);
    let methods = vec![
        method(
            c"append",
            append,
            one,
            c"append(value)\n\nAdds a value at the end: a message (copied), a dict, or a plain value.",
        ),
        method(c"extend", extend, one, c"extend(values)\n\nAdds all values of an iterable at the end."),
        method(
            c"MergeFrom",
            extend,
            one,
            c"MergeFrom(other)\n\nAdds all values of another repeated field at the end.",
        ),
        method(c"insert", insert, many, c"insert(index, value)\n\nPuts a value in front of a position."),
        method(c"pop", pop, many, c"pop(index=-1)\n\nTakes a value out and returns it."),
        method(c"remove", remove, one, c"remove(value)\n\nRemoves the first value that is equal."),
        method(c"index", index, one, c"index(value)\n\nThe position of the first value that is equal."),
        method(c"count", count, one, c"count(value)\n\nHow many values are equal."),
        method(c"clear", clear, nothing, c"Removes all values."),
        method(c"reverse", reverse, nothing, c"Turns the order around."),
        fast_method(c"add", add, c"add(**fields)\n\nAdds a new message with these fields and returns it."),
        keyword_method(c"sort", sort, c"sort(*, key=None, reverse=False)\n\nSorts the values in place."),
        method(c"_repr_html_", html, nothing, c"For notebooks: a table of the messages, or None."),
        method(c"__copy__", shallow, nothing, c"A list of the values."),
        method(c"__deepcopy__", copied, one, c"A list of copies of the values."),
    ];
    vec![
        slot(ffi::Py_sq_length, length as *const ()),
        slot(ffi::Py_sq_item, item as *const ()),
        slot(ffi::Py_tp_iter, iterate::begin as *const ()),
        slot(ffi::Py_sq_contains, contains as *const ()),
        slot(ffi::Py_sq_inplace_concat, add_all as *const ()),
        slot(ffi::Py_mp_length, length as *const ()),
        slot(ffi::Py_mp_subscript, subscript as *const ()),
        slot(ffi::Py_mp_ass_subscript, assign as *const ()),
        slot(ffi::Py_tp_dealloc, alloc::dealloc as *const ()),
        slot(ffi::Py_tp_repr, repr as *const ()),
        slot(ffi::Py_tp_richcompare, compare_items as *const ()),
        slot(ffi::Py_tp_hash, ffi::PyObject_HashNotImplemented as *const ()),
        slot(ffi::Py_tp_methods, types::table(methods, ffi::PyMethodDef::zeroed())),
    ]
}
