//! What Python does with a map field: the methods and operators of a dict.
//!
//! # Invariants
//! * Keys and values are converted before the map is looked at.

#![expect(unsafe_code, reason = "slot functions and methods called by CPython")]

use super::boundary::{answer, argument, methods, optional};
use super::layout::Message;
use super::map::{self, Map};
use super::types::{self, keyword_method, method, slot};
use super::{alloc, compare, convert, merge};
use pyo3::exceptions::{PyKeyError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

fn none(py: Python<'_>) -> Bound<'_, PyAny> {
    py.None().into_bound(py)
}

/// `self` of a map's method.
unsafe fn this<'a>(object: *mut ffi::PyObject) -> Map<'a> {
    // SAFETY: CPython checked the type; the caller of the method holds a reference.
    unsafe { Map::from_ptr(object) }
}

/// A view over the map itself, as other mappings have it. (The dict's own views would give the dict away.)
fn view<'py>(py: Python<'py>, map: Map<'_>, class: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("collections.abc")?.getattr(class)?.call1((map.bound(py),))
}

methods! {
    self = this => Map;
    subscript(_py, map, key) { map.get(key) }
    keys(py, map, _none) { view(py, map, "KeysView") }
    values(py, map, _none) { view(py, map, "ValuesView") }
    items(py, map, _none) { view(py, map, "ItemsView") }
    clear(py, map, _none) { map.clear(py)?; Ok(none(py)) }
    pop_item(py, map, _none) {
        let last = map.dict(py)?.as_any().call_method0("__reversed__")?.try_iter()?.next().transpose()?;
        let key = last.ok_or_else(|| PyKeyError::new_err("popitem(): the map is empty"))?;
        let value = map.remove(py, &key)?;
        Ok((key, value).into_pyobject(py)?.into_any())
    }
    entry_class(py, map, _none) { Ok(map.field().child(py)?.class(py)) }
    merge_from(py, map, other) {
        map.update(py, other)?;
        Ok(none(py))
    }
    get_or_create(py, map, key) {
        if !map.holds_messages(py)? {
            return Err(PyTypeError::new_err("get_or_create is for maps of messages"));
        }
        map.get(key)
    }
    copied(py, map, _memo) {
        let copy = PyDict::new(py);
        for (key, value) in map.dict(py)?.iter() {
            let value = match Message::of(&value) {
                Some(message) => merge::copy(py, message)?,
                None => value,
            };
            copy.set_item(key, value)?;
        }
        Ok(copy.into_any())
    }
}

unsafe extern "C" fn length(object: *mut ffi::PyObject) -> ffi::Py_ssize_t {
    // SAFETY: called by CPython with a map, attached.
    let counted: std::ffi::c_int = unsafe {
        answer(|py| {
            this(object).dict(py)?;
            Ok(())
        })
    };
    // SAFETY: as above.
    if counted == 0 { unsafe { map::len(object) as ffi::Py_ssize_t } } else { -1 }
}

unsafe extern "C" fn contains(object: *mut ffi::PyObject, key: *mut ffi::PyObject) -> std::ffi::c_int {
    // SAFETY: called by CPython with a map and a key, attached.
    unsafe { answer(|py| this(object).dict(py)?.contains(argument(py, key))) }
}

unsafe extern "C" fn iterate(object: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: called by CPython with a map, attached.
    unsafe { answer(|py| Ok(this(object).dict(py)?.as_any().try_iter()?.into_any())) }
}

unsafe extern "C" fn assign(
    object: *mut ffi::PyObject,
    key: *mut ffi::PyObject,
    value: *mut ffi::PyObject,
) -> std::ffi::c_int {
    // SAFETY: called by CPython with a map, a key and a value or null, attached.
    unsafe {
        answer(|py| {
            let map = this(object);
            let key = map.key(&argument(py, key))?;
            let Some(value) = optional(py, value) else {
                let gone = map.remove(py, &key)?;
                return gone.map(drop).ok_or_else(|| PyKeyError::new_err(key.unbind()));
            };
            if map.holds_messages(py)? {
                return Err(PyValueError::new_err(format!(
                    "{}: messages in a map cannot be assigned: use [key].CopyFrom(...) or update({{key: ...}})",
                    map.field().full_name()
                )));
            }
            let value = convert::scalar(map.value_field(py)?, &value)?;
            map.put(py, &key, value)
        })
    }
}

/// Key and default of `get`, `pop` and `setdefault`.
fn key_and_default<'py>(
    args: &Bound<'py, PyTuple>,
) -> PyResult<(Bound<'py, PyAny>, Option<Bound<'py, PyAny>>)> {
    match args.len() {
        1 => Ok((args.get_item(0)?, None)),
        2 => Ok((args.get_item(0)?, Some(args.get_item(1)?))),
        count => {
            Err(PyTypeError::new_err(format!("expected a key and perhaps a default, got {count} arguments")))
        }
    }
}

macro_rules! with_default {
    ($($name:ident($py:ident, $map:ident, $key:ident, $default:ident) $body:block)*) => {$(
        unsafe extern "C" fn $name(object: *mut ffi::PyObject, args: *mut ffi::PyObject) -> *mut ffi::PyObject {
            fn body<'py>(
                $py: Python<'py>,
                $map: Map<'_>,
                $key: Bound<'py, PyAny>,
                $default: Option<Bound<'py, PyAny>>,
            ) -> PyResult<Bound<'py, PyAny>> $body
            // SAFETY: called by CPython, attached, with a map and a tuple.
            unsafe {
                answer(|py| {
                    let (key, default) = key_and_default(&*argument(py, args).cast::<PyTuple>()?)?;
                    body(py, this(object), this(object).key(&key)?, default)
                })
            }
        }
    )*};
}

with_default! {
    get(py, map, key, default) {
        Ok(map.dict(py)?.get_item(&key)?.or(default).unwrap_or_else(|| none(py)))
    }
    pop(py, map, key, default) {
        map.remove(py, &key)?.or(default).ok_or_else(|| PyKeyError::new_err(key.unbind()))
    }
    set_default(py, map, key, default) {
        if let Some(value) = map.dict(py)?.get_item(&key)? {
            return Ok(value);
        }
        let default = default.unwrap_or_else(|| none(py));
        let value = convert::item(map.value_field(py)?, &default, convert::TOP)?;
        map.put(py, &key, value.clone())?;
        Ok(value)
    }
}

unsafe extern "C" fn update_method(
    object: *mut ffi::PyObject,
    args: *mut ffi::PyObject,
    keywords: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: called by CPython, attached, with a map, a tuple, and a dict or null.
    unsafe {
        answer(|py| {
            for other in argument(py, args).cast::<PyTuple>()?.iter() {
                this(object).update(py, &other)?;
            }
            if let Some(keywords) = optional(py, keywords) {
                this(object).update(py, &keywords)?;
            }
            Ok(none(py))
        })
    }
}

unsafe extern "C" fn repr(object: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: called by CPython with a map, attached.
    unsafe { answer(|py| Ok(this(object).dict(py)?.repr()?.into_any())) }
}

unsafe extern "C" fn compare_maps(
    one: *mut ffi::PyObject,
    other: *mut ffi::PyObject,
    operator: std::ffi::c_int,
) -> *mut ffi::PyObject {
    // SAFETY: called by CPython with a map first, attached.
    unsafe {
        answer(|py| {
            let other = argument(py, other);
            let dict = match Map::of(&other) {
                Some(other) => other.snapshot(py)?,
                None => match other.cast::<PyDict>() {
                    Ok(dict) => dict.to_owned(),
                    Err(_) => return Ok(py.NotImplemented().into_bound(py)),
                },
            };
            compare::answer_equality(py, operator, || {
                this(one).snapshot(py)?.as_any().rich_compare(dict, pyo3::basic::CompareOp::Eq)?.extract()
            })
        })
    }
}

/// What the class is made of.
pub(super) fn slots() -> Vec<ffi::PyType_Slot> {
    let (none, one, many) = (ffi::METH_NOARGS, ffi::METH_O, ffi::METH_VARARGS);
    let methods = vec![
        method(c"keys", keys, none, c"The keys, as a view."),
        method(c"values", values, none, c"The values, as a view."),
        method(c"items", items, none, c"Pairs of key and value, as a view."),
        method(c"get", get, many, c"get(key, default=None)\n\nThe value of a key, or the default."),
        method(c"pop", pop, many, c"pop(key[, default])\n\nTakes a value out and returns it."),
        method(
            c"setdefault",
            set_default,
            many,
            c"setdefault(key, value)\n\nThe value of a key, set first if missing.",
        ),
        method(
            c"popitem",
            pop_item,
            none,
            c"popitem() -> tuple\n\nTakes the last item out and returns it, key and value. KeyError if there is none.",
        ),
        method(
            c"GetEntryClass",
            entry_class,
            none,
            c"GetEntryClass() -> type\n\nThe class of what the map is on the wire: messages of key and value.",
        ),
        method(c"clear", clear, none, c"Removes all items."),
        method(
            c"get_or_create",
            get_or_create,
            one,
            c"get_or_create(key)\n\nThe message of a key, made if it is missing.",
        ),
        method(c"MergeFrom", merge_from, one, c"MergeFrom(other)\n\nSets the items of another map or dict."),
        keyword_method(
            c"update",
            update_method,
            c"update(other=(), /, **items)\n\nSets the items of another map or dict.",
        ),
        method(c"__copy__", copied, none, c"A dict of the items."),
        method(c"__deepcopy__", copied, one, c"A dict of copies of the items."),
    ];
    vec![
        slot(ffi::Py_mp_length, length as *const ()),
        slot(ffi::Py_mp_subscript, subscript as *const ()),
        slot(ffi::Py_mp_ass_subscript, assign as *const ()),
        slot(ffi::Py_sq_contains, contains as *const ()),
        slot(ffi::Py_tp_iter, iterate as *const ()),
        slot(ffi::Py_tp_dealloc, alloc::dealloc as *const ()),
        slot(ffi::Py_tp_repr, repr as *const ()),
        slot(ffi::Py_tp_richcompare, compare_maps as *const ()),
        slot(ffi::Py_tp_hash, ffi::PyObject_HashNotImplemented as *const ()),
        slot(ffi::Py_tp_methods, types::table(methods, ffi::PyMethodDef::zeroed())),
    ]
}
