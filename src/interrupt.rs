//! The waker of the interrupt dispatcher: what is queued interrupts the main thread between two bytecodes.
//!
//! # Invariants
//! * A backend thread only adds a pending call to CPython's: it attaches to nothing and waits for nothing.
//! * One driver has one call under way, however many events come meanwhile.
//! * A call that CPython's short queue refuses is tried again until it is taken.
//! * While something is queued and no turn is in progress, a call is under way. All that this takes is native: a
//!   KeyboardInterrupt anywhere in Python loses no wake-up.
//! * Python is known by a number: nothing here points back at it.

use crate::queue::{Bell, Waker};
use crate::runtime;
use crate::sys::pending::{self, Added, Pending};
use crate::sys::{Waited, wait_readable};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::time::sleep;

/// How long a full queue is given before the next attempt.
const RETRY: Duration = Duration::from_millis(1);

/// One driver's interrupts; all clones are one.
#[derive(Clone)]
pub(crate) struct Interrupt(Arc<Shared>);

struct Shared {
    number: usize,
    bell: Weak<Bell>,
    /// a call is under way: queued with CPython, about to be, or running
    asked: AtomicBool,
    runtime: Handle,
    /// this CPython has to be nudged to see what was added
    nudge: bool,
}

impl Interrupt {
    /// For the dispatcher that Python knows by `number`. Raises RuntimeError when the interpreter is ending.
    pub(crate) fn new(py: Python<'_>, number: usize, bell: &Arc<Bell>) -> PyResult<Self> {
        if pending::closed() {
            return Err(PyRuntimeError::new_err("the interpreter is ending: nothing interrupts it any more"));
        }
        Ok(Self(Arc::new(Shared {
            number,
            bell: Arc::downgrade(bell),
            asked: AtomicBool::new(false),
            runtime: runtime::handle()?,
            nudge: py.version_info() < (3, 13),
        })))
    }

    /// Interrupts the main thread after `delay` if something is queued, unless a call is under way.
    pub(crate) fn ask_if_queued(&self, delay: Duration) {
        let queued = |bell: Arc<Bell>| wait_readable(&*bell, None, Some(Duration::ZERO)) == Waited::Ready;
        if self.0.bell.upgrade().is_some_and(queued) {
            self.ask(delay);
        }
    }

    fn ask(&self, delay: Duration) {
        if self.0.asked.swap(true, Ordering::AcqRel) {
            return;
        }
        if !delay.is_zero() || !self.0.clone().add() {
            self.ask_later(delay.max(RETRY));
        }
    }

    fn ask_later(&self, delay: Duration) {
        let shared = Arc::downgrade(&self.0);
        self.0.runtime.spawn(async move {
            sleep(delay).await;
            // a driver that is gone waits for nothing any more
            while let Some(shared) = shared.upgrade()
                && !shared.add()
            {
                sleep(RETRY).await;
            }
        });
    }
}

impl Shared {
    /// Hands the call to CPython; false if it has no room for it.
    fn add(self: Arc<Self>) -> bool {
        let added = pending::add(self.clone());
        if added == Added::Yes && self.nudge {
            self.runtime.spawn_blocking(pending::nudge);
        }
        added != Added::Full
    }
}

impl Waker for Interrupt {
    fn wake(&self) {
        self.ask(Duration::ZERO);
    }

    fn clear(&self) {}
}

impl Pending for Shared {
    fn call(self: Arc<Self>, py: Python<'_>) -> PyResult<()> {
        static INTERRUPTED: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let began = Instant::now();
        let told = INTERRUPTED
            .import(py, "mesos.dispatch._interrupt", "interrupted")
            .and_then(|interrupted| interrupted.call1((self.number,))?.extract::<bool>());
        self.asked.store(false, Ordering::Release);
        // false: a turn is in progress, and its end asks; or all has ended
        if *told.as_ref().unwrap_or(&true) {
            Interrupt(self).ask_if_queued(began.elapsed());
        }
        told.map(drop)
    }
}

/// Interrupts nobody any more: the interpreter is about to end.
#[pyfunction]
pub(crate) fn end_interrupts(py: Python<'_>) {
    pending::close(py);
}
