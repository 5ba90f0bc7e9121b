//! The Python classes: one for each message, made when first needed, and the classes of containers.
//!
//! # Invariants
//! * Classes and what their specifications point to live as long as the process.
//! * No class but the empty base can be subclassed, and containers cannot be made by calling their class:
//!   an instance always has the layout its methods rely on.

#![expect(unsafe_code, reason = "PyType_FromSpec and the tables it wants")]

use super::boundary::{answer, optional, receiver};
use super::desc::Attached;
use super::docs::c_string;
use super::layout::Head;
use super::repeated::Items;
use super::{
    access, alloc, attributes, bound, compare, construct, docs, extras, iterate, map, map_methods, methods,
    reflection, repeated_methods, text,
};
use crate::wire;
use pyo3::exceptions::{PyImportError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use std::ffi::{CStr, c_int, c_ulong, c_void};
use std::ptr;

#[derive(Clone, Copy)]
struct Classes {
    message: *mut ffi::PyTypeObject,
    repeated: *mut ffi::PyTypeObject,
    map: *mut ffi::PyTypeObject,
    iterator: *mut ffi::PyTypeObject,
}

static CLASSES: Attached<Option<Classes>> = Attached::new(None);

/// The interpreter that imported the module first. Its classes and objects are in statics: no other may use them.
static INTERPRETER: Attached<Option<i64>> = Attached::new(None);

/// Makes the classes that all share, at import. Refuses subinterpreters.
pub(super) fn set_up(py: Python<'_>) -> PyResult<()> {
    // SAFETY: attached, so there is a current interpreter.
    let current = unsafe { ffi::PyInterpreterState_GetID(ffi::PyInterpreterState_Get()) };
    if INTERPRETER.with(py, |first| *first.get_or_insert(current)) != current {
        return Err(PyImportError::new_err(
            "mesos cannot be imported into a subinterpreter: use it in the main interpreter of the process",
        ));
    }
    if CLASSES.with(py, |classes| classes.is_some()) {
        return Ok(());
    }
    let made = Classes {
        message: base_class(py)?,
        repeated: container_class(
            py,
            c"mesos._mesos.Repeated",
            c"The values of a repeated field: a list that converts and checks what is put into it.",
            size_of::<Items>(),
            repeated_methods::slots(),
        )?,
        map: container_class(
            py,
            c"mesos._mesos.Map",
            c"The items of a map field: a dict that converts and checks what is put into it.",
            map::SIZE,
            map_methods::slots(),
        )?,
        iterator: container_class(
            py,
            c"mesos._mesos.RepeatedIterator",
            c"An iterator over the values of a repeated field.",
            size_of::<iterate::Iterator>(),
            iterate::slots(),
        )?,
    };
    CLASSES.with(py, |classes| *classes = Some(made));
    Ok(())
}

fn classes(py: Python<'_>) -> PyResult<Classes> {
    let missing = || pyo3::exceptions::PySystemError::new_err("mesos._mesos was not imported");
    CLASSES.with(py, |classes| *classes).ok_or_else(missing)
}

/// The base of all message classes.
pub(super) fn message_base(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: never freed.
    classes(py).map(|classes| unsafe { Bound::from_borrowed_ptr(py, classes.message.cast()) })
}

pub(super) fn repeated_class(py: Python<'_>) -> PyResult<*mut ffi::PyTypeObject> {
    classes(py).map(|classes| classes.repeated)
}

pub(super) fn map_class(py: Python<'_>) -> PyResult<*mut ffi::PyTypeObject> {
    classes(py).map(|classes| classes.map)
}

pub(super) fn iterator_class(py: Python<'_>) -> PyResult<*mut ffi::PyTypeObject> {
    classes(py).map(|classes| classes.iterator)
}

/// The class of repeated fields, or of maps, as an object.
pub(super) fn container(py: Python<'_>, map: bool) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: never freed.
    classes(py).map(|classes| unsafe {
        Bound::from_borrowed_ptr(py, if map { classes.map } else { classes.repeated }.cast())
    })
}

/// One entry of a type's specification.
pub(super) fn slot(slot: c_int, value: *const ()) -> ffi::PyType_Slot {
    ffi::PyType_Slot { slot, pfunc: value.cast_mut().cast::<c_void>() }
}

/// A method of no arguments or of one.
pub(super) fn method(
    name: &'static CStr,
    function: ffi::PyCFunction,
    flags: c_int,
    doc: &'static CStr,
) -> ffi::PyMethodDef {
    ffi::PyMethodDef {
        ml_name: name.as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunction: function },
        ml_flags: flags,
        ml_doc: docs::method(name, flags, doc).as_ptr(),
    }
}

/// A method with positional and keyword arguments.
pub(super) fn keyword_method(
    name: &'static CStr,
    function: ffi::PyCFunctionWithKeywords,
    doc: &'static CStr,
) -> ffi::PyMethodDef {
    ffi::PyMethodDef {
        ml_name: name.as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunctionWithKeywords: function },
        ml_flags: ffi::METH_VARARGS | ffi::METH_KEYWORDS,
        ml_doc: docs::method(name, ffi::METH_KEYWORDS, doc).as_ptr(),
    }
}

/// The same, called without a tuple and a dict.
pub(super) fn fast_method(
    name: &'static CStr,
    function: ffi::PyCFunctionFastWithKeywords,
    doc: &'static CStr,
) -> ffi::PyMethodDef {
    ffi::PyMethodDef {
        ml_name: name.as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: function },
        ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
        ml_doc: docs::method(name, ffi::METH_KEYWORDS, doc).as_ptr(),
    }
}

/// A table that ends with zeros, for ever.
pub(super) fn table<T>(mut entries: Vec<T>, end: T) -> *const () {
    entries.push(end);
    Box::leak(entries.into_boxed_slice()).as_ptr().cast()
}

/// Makes a class.
///
/// # Safety
/// `slots` fit instances of `size` bytes.
unsafe fn make(
    py: Python<'_>,
    name: &'static CStr,
    size: usize,
    flags: c_ulong,
    mut slots: Vec<ffi::PyType_Slot>,
    base: Option<*mut ffi::PyTypeObject>,
) -> PyResult<*mut ffi::PyTypeObject> {
    slots.push(ffi::PyType_Slot { slot: 0, pfunc: ptr::null_mut() });
    let mut spec = ffi::PyType_Spec {
        name: name.as_ptr(),
        basicsize: size as c_int,
        itemsize: 0,
        flags: (ffi::Py_TPFLAGS_DEFAULT | flags) as u32,
        slots: slots.as_mut_ptr(),
    };
    // SAFETY: the specification is complete; a new reference, or null with an error. It is kept for ever.
    unsafe {
        let bases = match base {
            Some(base) => ffi::PyTuple_Pack(1, base),
            None => ptr::null_mut(),
        };
        let class = ffi::PyType_FromSpecWithBases(&raw mut spec, bases);
        ffi::Py_XDECREF(bases);
        Bound::from_owned_ptr_or_err(py, class).map(|class| class.into_ptr().cast())
    }
}

fn base_class(py: Python<'_>) -> PyResult<*mut ffi::PyTypeObject> {
    let methods = methods::table();
    let slots = vec![
        slot(ffi::Py_tp_doc, c"The base of all Mesos messages.

Made with fields as keywords: mesos.TaskInfo(task_id=\"t\", command={\"value\": \"true\"}). A message is also taken
as a dict, an id or another message that is only a value also as that value, an enum also as a name.
Read, write and test fields as with google.protobuf: .name, .name = ..., HasField(\"name\"). An unset field reads
as its default; None leaves it unset.

Raises ValueError for names and values that the message does not have, TypeError for wrong types, naming the
field. Messages can change, and so are no keys of a dict; use their .value. One message must not be changed by
several threads at a time.".as_ptr().cast()),
        slot(ffi::Py_tp_dealloc, alloc::dealloc as *const ()),
        slot(ffi::Py_tp_new, construct::new as *const ()),
        slot(ffi::Py_tp_getattro, attributes::get as *const ()),
        slot(ffi::Py_tp_setattro, attributes::set as *const ()),
        slot(ffi::Py_tp_richcompare, compare::compare as *const ()),
        slot(ffi::Py_tp_hash, compare::hash as *const ()),
        slot(ffi::Py_tp_repr, text::repr as *const ()),
        slot(ffi::Py_sq_contains, reflection::contains as *const ()),
        slot(ffi::Py_tp_methods, methods),
    ];
    // SAFETY: `new` refuses to make an instance of the base or of a user's subclass, so methods see messages only.
    unsafe {
        let class = make(py, c"mesos.Message", size_of::<Head>(), ffi::Py_TPFLAGS_BASETYPE, slots, None)?;
        bound::set_up(&Bound::from_borrowed_ptr(py, class.cast()), methods.cast_mut().cast())?;
        Ok(class)
    }
}

fn container_class(
    py: Python<'_>,
    name: &'static CStr,
    doc: &'static CStr,
    size: usize,
    mut slots: Vec<ffi::PyType_Slot>,
) -> PyResult<*mut ffi::PyTypeObject> {
    slots.push(slot(ffi::Py_tp_doc, doc.as_ptr().cast()));
    // SAFETY: instances come from `repeated::over`, `map::over` and `iterate::begin` only.
    unsafe { make(py, name, size, ffi::Py_TPFLAGS_DISALLOW_INSTANTIATION, slots, None) }
}

/// The class of a message.
pub(super) fn message_class(
    py: Python<'_>,
    message: &'static wire::Message,
    (module, name): (&'static str, &'static str),
    size: usize,
) -> PyResult<*mut ffi::PyTypeObject> {
    let fields = message.fields.iter().enumerate().map(|(index, field)| ffi::PyGetSetDef {
        name: c_string(field.name.to_owned()).as_ptr(),
        get: Some(get_field),
        set: Some(set_field),
        doc: c_string(docs::field(field)).as_ptr(),
        closure: ptr::without_provenance_mut(index),
    });
    let mut slots = vec![
        slot(ffi::Py_tp_doc, c_string(docs::class(message, name)).as_ptr().cast()),
        slot(ffi::Py_tp_getset, table(fields.collect(), ffi::PyGetSetDef::default())),
        // not inherited as one would wish: a heap type's own defaults stand in between
        slot(ffi::Py_tp_dealloc, alloc::dealloc as *const ()),
        slot(ffi::Py_tp_new, construct::new as *const ()),
    ];
    slots.extend(extras::table(message).map(|methods| slot(ffi::Py_tp_methods, methods)));
    let full = c_string(format!("{module}.{name}"));
    // SAFETY: `size` has room for the header and one slot for each field, which is what the slots rely on.
    let class = unsafe { make(py, full, size, 0, slots, Some(classes(py)?.message))? };
    #[cfg(not(feature = "abi3"))]
    // SAFETY: nobody has called the class yet.
    unsafe {
        (*class).tp_vectorcall = Some(construct::call);
    }
    // SAFETY: alive.
    let object = unsafe { Bound::from_borrowed_ptr(py, class.cast()) };
    object.setattr("__module__", module)?;
    object.setattr("__qualname__", name)?;
    Ok(class)
}

/// The getter that `dir()`, `help()` and `inspect` see; attribute access does not come here.
unsafe extern "C" fn get_field(object: *mut ffi::PyObject, index: *mut c_void) -> *mut ffi::PyObject {
    // SAFETY: CPython checked the type of `object`; the closure is the index that was put there.
    unsafe { answer(|py| access::read(py, receiver(object), index.addr())) }
}

unsafe extern "C" fn set_field(
    object: *mut ffi::PyObject,
    value: *mut ffi::PyObject,
    index: *mut c_void,
) -> c_int {
    // SAFETY: as above; a null value means deletion.
    unsafe {
        answer(|py| {
            let value =
                optional(py, value).ok_or_else(|| PyTypeError::new_err("use ClearField to unset it"))?;
            access::assign(receiver(object), index.addr(), &value)
        })
    }
}
