//! Calls of Python code that the interpreter's end may overtake: a user's handlers.
//!
//! Before 3.14 CPython ends a thread that asks for the GIL once the interpreter is ending: by `pthread_exit`, which
//! unwinds the stack, and the process dies of that as soon as it meets Rust's frames.
//!
//! # Invariants
//! * Such a thread stops in here for ever instead, as CPython itself has it from 3.14 on: no frame of Rust above
//!   is unwound, and nothing that it holds is let go.

use pyo3::ffi::PyObject;
use pyo3::prelude::*;
use pyo3::types::PyString;
use std::{hint, mem, ptr, thread};

/// What the method belongs to, and at most: the handler if that is its class, the driver, three of an event.
const MOST: usize = 6;

/// CPython's `PY_VECTORCALL_ARGUMENTS_OFFSET`: the place in front of the arguments is its own.
const OFFSET: usize = 1 << (usize::BITS - 1);

type Vectorcall =
    unsafe extern "C-unwind" fn(*mut PyObject, *const *mut PyObject, usize, *mut PyObject) -> *mut PyObject;

unsafe extern "C-unwind" {
    // every CPython exports it, although the limited API has it from 3.12 on
    fn PyObject_VectorcallMethod(
        name: *mut PyObject,
        arguments: *const *mut PyObject,
        count: usize,
        names: *mut PyObject,
    ) -> *mut PyObject;
}

/// Stops the thread when it is unwound.
struct Stop;

impl Drop for Stop {
    fn drop(&mut self) {
        loop {
            thread::park();
        }
    }
}

/// Calls the method `name` of `object` with `arguments`, of which there may be `MOST` less one.
pub(crate) fn call_handler<'a, 'py: 'a>(
    object: &'a Bound<'py, PyAny>,
    name: &Bound<'py, PyString>,
    arguments: impl Iterator<Item = &'a Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let mut slots = [ptr::null_mut(); 1 + MOST];
    let all = [object].into_iter().chain(arguments);
    let count = slots[1..].iter_mut().zip(all).map(|(slot, one)| *slot = one.as_ptr()).count();
    // behind a pointer: pyo3's declaration of the same symbol says that it never unwinds
    let vectorcall: Vectorcall = hint::black_box(PyObject_VectorcallMethod);
    let stop = Stop;
    // SAFETY: attached to the interpreter, as `object` proves; name and arguments outlive the call, and the place
    // in front of them may be written to, as the flag says.
    let returned =
        unsafe { vectorcall(name.as_ptr(), slots.as_mut_ptr().add(1), count | OFFSET, ptr::null_mut()) };
    mem::forget(stop);
    // SAFETY: a new reference, or null with an exception set.
    unsafe { Bound::from_owned_ptr_or_err(object.py(), returned) }
}
