//! The way from CPython's C calls into Rust and back: results become return values, errors become the
//! thread's current exception, and a panic becomes a `SystemError` in place of unwinding into C.
//!
//! # Invariants
//! * Every `extern "C"` function of src/message does its work inside `answer`, save for paths that
//!   neither fail nor panic.

#![expect(unsafe_code, reason = "C calls come without proof that the thread is attached")]

use super::layout::Message;
use pyo3::exceptions::{PySystemError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

/// What a C function of CPython returns.
pub(super) trait Answer {
    type C;
    const ERROR: Self::C;
    fn into_c(self) -> Self::C;
}

impl Answer for Bound<'_, PyAny> {
    type C = *mut ffi::PyObject;
    const ERROR: Self::C = ptr::null_mut();
    fn into_c(self) -> Self::C {
        self.into_ptr()
    }
}

/// The end of an iterator is a null pointer without an exception.
impl Answer for Option<Bound<'_, PyAny>> {
    type C = *mut ffi::PyObject;
    const ERROR: Self::C = ptr::null_mut();
    fn into_c(self) -> Self::C {
        self.map_or(ptr::null_mut(), Bound::into_ptr)
    }
}

impl Answer for () {
    type C = c_int;
    const ERROR: c_int = -1;
    fn into_c(self) -> c_int {
        0
    }
}

impl Answer for bool {
    type C = c_int;
    const ERROR: c_int = -1;
    fn into_c(self) -> c_int {
        c_int::from(self)
    }
}

/// Runs the body of a C function.
///
/// # Safety
/// The thread is attached to the interpreter, as it is in every call from CPython.
#[inline]
pub(super) unsafe fn answer<'py, T: Answer>(body: impl FnOnce(Python<'py>) -> PyResult<T>) -> T::C {
    // SAFETY: the caller's promise.
    let py = unsafe { Python::assume_attached() };
    // Cells may be left half changed by a panic, which is a bug of this module; they stay valid memory.
    // Made a C value inside: what comes out of `catch_unwind` is copied, and a result with an error in it is large.
    let done = catch_unwind(AssertUnwindSafe(|| match body(py) {
        Ok(value) => value.into_c(),
        Err(error) => {
            raise(py, error);
            T::ERROR
        }
    }));
    done.unwrap_or_else(|_| {
        raise(py, PySystemError::new_err("a bug in mesos' message classes: please report it"));
        T::ERROR
    })
}

/// Makes `error` the current exception. Through `attach`, so that pyo3 drops what it holds at once; while the
/// interpreter ends, which still runs finalizers, nothing can attach and there is nothing left to drop.
#[cold]
fn raise(py: Python<'_>, error: PyErr) {
    let raised = catch_unwind(AssertUnwindSafe(|| {
        let mut error = Some(error);
        Python::try_attach(|py| error.take().map(|error| error.restore(py)));
        if let Some(error) = error {
            error.restore(py);
        }
    }));
    if raised.is_err() {
        // SAFETY: attached; class and text live for ever. A class of ours could not be imported any more.
        unsafe { ffi::PyErr_SetString(ffi::PyExc_SystemError, c"mesos: the interpreter is ending".as_ptr()) };
    }
}

/// An argument of a C call: borrowed for the time of the call.
///
/// # Safety
/// `object` is alive for `'a`, and not null.
#[inline]
pub(super) unsafe fn argument<'a, 'py>(
    py: Python<'py>,
    object: *mut ffi::PyObject,
) -> Borrowed<'a, 'py, PyAny> {
    // SAFETY: the caller's promise.
    unsafe { Borrowed::from_ptr(py, object) }
}

/// The same for one that C leaves null when it is missing.
///
/// # Safety
/// `object` is null or alive for `'a`.
#[inline]
pub(super) unsafe fn optional<'a, 'py>(
    py: Python<'py>,
    object: *mut ffi::PyObject,
) -> Option<Borrowed<'a, 'py, PyAny>> {
    // SAFETY: not null, and the caller's promise.
    (!object.is_null()).then(|| unsafe { Borrowed::from_ptr(py, object) })
}

/// `self` of a method of a message type.
///
/// # Safety
/// `object` is a message and alive for `'a`.
#[inline]
pub(super) unsafe fn receiver<'a>(object: *mut ffi::PyObject) -> Message<'a> {
    // SAFETY: the caller's promise; CPython checks the type of `self` before it calls a method.
    unsafe { Message::from_ptr(object) }
}

/// What was passed by position, and by keyword.
type Arguments<'py, const P: usize, const K: usize> =
    ([Bound<'py, PyAny>; P], [Option<Bound<'py, PyAny>>; K]);

/// The arguments of a method that takes `P` of them by position and others by keyword only.
///
/// # Safety
/// `args` is a tuple, `given` a dict or null, both alive.
pub(super) unsafe fn arguments<'py, const P: usize, const K: usize>(
    py: Python<'py>,
    method: &str,
    args: *mut ffi::PyObject,
    given: *mut ffi::PyObject,
    names: [&str; K],
) -> PyResult<Arguments<'py, P, K>> {
    // SAFETY: the caller's promise.
    let (args, given) = unsafe { (argument(py, args), optional(py, given)) };
    let args = args.cast::<PyTuple>()?;
    let positional: Vec<_> = args.iter().collect();
    let positional = positional.try_into().map_err(|_| {
        PyTypeError::new_err(format!("{method}() takes {P} arguments besides keywords, got {}", args.len()))
    })?;
    let mut named = [const { None }; K];
    if let Some(given) = given {
        for (name, value) in given.cast::<PyDict>()?.iter() {
            let at = names.iter().position(|known| name.eq(*known).unwrap_or(false)).ok_or_else(|| {
                PyTypeError::new_err(format!("{method}() got an unexpected keyword argument '{name}'"))
            })?;
            named[at] = Some(value);
        }
    }
    Ok((positional, named))
}

/// Writes methods that take one argument or none as C functions: `methods! { self = this => Map; … }`, where
/// `this` makes the `self` of a body from CPython's pointer. The argument of a method without one is None.
macro_rules! methods {
    (self = $this:path => $class:ident; $($name:ident($py:ident, $me:ident, $argument:ident) $body:block)*) => {$(
        unsafe extern "C" fn $name(
            object: *mut ::pyo3::ffi::PyObject,
            argument: *mut ::pyo3::ffi::PyObject,
        ) -> *mut ::pyo3::ffi::PyObject {
            fn body<'py>(
                $py: ::pyo3::Python<'py>,
                $me: $class<'_>,
                $argument: &::pyo3::Bound<'py, ::pyo3::PyAny>,
            ) -> ::pyo3::PyResult<::pyo3::Bound<'py, ::pyo3::PyAny>> $body
            // SAFETY: called by CPython, attached, with an object of the class and its argument (null for
            // methods without one), both alive for the time of the call.
            unsafe {
                $crate::message::boundary::answer(|py| {
                    match $crate::message::boundary::optional(py, argument) {
                        Some(argument) => body(py, $this(object), &argument),
                        None => body(py, $this(object), &py.None().into_bound(py)),
                    }
                })
            }
        }
    )*};
}
pub(super) use methods;
