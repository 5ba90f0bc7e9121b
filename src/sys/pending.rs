//! CPython's pending calls: what its main thread does between two bytecodes. With `handler`, what of `sys`
//! knows Python.
//!
//! # Invariants
//! * Nothing is added after `close`, which comes before finalisation: CPython then frees its queue, and ends
//!   threads that wait for the GIL. `close` waits for whoever is adding or nudging.
//! * Adding needs no GIL and waits for nothing but locks that nobody holds while running Python.
//! * The gate is the process's own: a fork while a thread is inside leaves nothing locked in the child.

use super::process_static::ProcessStatic;
use pyo3::prelude::*;
use std::ffi::{c_int, c_void};
use std::process;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// What is to be called.
pub(crate) trait Pending: Send + Sync {
    /// Called on the main thread; an error comes out of the code that was interrupted.
    fn call(self: Arc<Self>, py: Python<'_>) -> PyResult<()>;
}

/// What CPython said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Added {
    /// it will be called
    Yes,
    /// the queue is full: the main thread has run no bytecode for a while
    Full,
    /// the interpreter is ending
    Closed,
}

struct Gate {
    pid: u32,
    state: Mutex<State>,
    left: Condvar,
}

struct State {
    open: bool,
    nudging: usize,
}

static CURRENT: ProcessStatic<Gate> = ProcessStatic::empty();

impl Gate {
    fn of_this_process() -> &'static Self {
        let pid = process::id();
        loop {
            let seen = CURRENT.get();
            if let Some(gate) = seen.filter(|gate| gate.pid == pid) {
                return gate;
            }
            let state = Mutex::new(State { open: true, nudging: 0 });
            CURRENT.replace(seen, Box::leak(Box::new(Self { pid, state, left: Condvar::new() })));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has the main thread call `pending`; from any thread.
pub(crate) fn add(pending: Arc<dyn Pending>) -> Added {
    let state = Gate::of_this_process().state();
    if !state.open {
        return Added::Closed;
    }
    let argument = Box::into_raw(Box::new(pending));
    // SAFETY: callable from any thread, attached or not, until finalisation, which comes after `close`, which
    // waits for the lock held here.
    if unsafe { pyo3::ffi::Py_AddPendingCall(Some(called), argument.cast()) } == 0 {
        return Added::Yes;
    }
    // SAFETY: made above, and refused by the only other one that could have taken it.
    drop(unsafe { Box::from_raw(argument) });
    Added::Full
}

/// Has the main thread look for pending calls. Waits for the GIL: not for threads of backends.
///
/// Before 3.13 CPython tells the main thread of a pending call only if that thread itself adds it, or when it
/// next takes the GIL. Asking for the GIL makes it let go, and take it again.
pub(crate) fn nudge() {
    let gate = Gate::of_this_process();
    {
        let mut state = gate.state();
        if !state.open {
            return;
        }
        state.nudging += 1;
    }
    Python::try_attach(|_| ());
    gate.state().nudging -= 1;
    gate.left.notify_all();
}

/// Adds nothing any more in this process.
pub(crate) fn close(py: Python<'_>) {
    let gate = Gate::of_this_process();
    py.detach(|| {
        let mut state = gate.state();
        state.open = false;
        while state.nudging > 0 {
            state = gate.left.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    });
}

/// Whether nothing is added any more, and what was added does nothing.
pub(crate) fn closed() -> bool {
    !Gate::of_this_process().state().open
}

extern "C" fn called(argument: *mut c_void) -> c_int {
    // SAFETY: made by `add`, and CPython calls once for each time that it said it would. What it never calls
    // is leaked at interpreter exit.
    let pending = unsafe { Box::from_raw(argument.cast::<Arc<dyn Pending>>()) };
    if closed() {
        return 0;
    }
    let failed = Python::try_attach(|py| match pending.call(py) {
        Ok(()) => false,
        Err(error) => {
            error.restore(py);
            true
        }
    });
    if failed == Some(true) { -1 } else { 0 }
}
