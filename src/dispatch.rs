//! `handle()`: what happens with an event, whatever waits for it. Find the method, call it, acknowledge.
//!
//! A dispatcher (python/mesos/dispatch/) decides who waits and on which thread, then calls `turn`. A handler
//! that returns an awaitable suspends the turn: the dispatcher awaits it, then calls `resume`.
//!
//! # Invariants
//! * One event at a time per driver, in order; a handler cannot be entered again from inside a handler.
//! * Events become Python objects here, on the dispatching thread, and nowhere else.
//! * An acknowledgement follows a handler that ended normally while the driver still runs; never otherwise.
//! * A handler that raises aborts the driver, and the driver object is told at once. Nothing is swallowed.
//! * Nothing here keeps the driver or the handler alive between two turns.

use crate::driver::lifecycle::{Lifecycle, lock};
use crate::driver::reconciliation::Reconciliation;
use crate::event::{Call, Event};
use crate::sys::handler::call_handler;
use crate::trace::forward;
use acknowledgement::acknowledgement;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};
use tracing::{trace, warn};

pub(crate) mod acknowledgement;
pub(crate) mod describe;
mod known;

pub(crate) use known::Known;

/// A handler that keeps the others waiting longer than this is named in a warning.
const LONG_WAIT: Duration = Duration::from_secs(5);

/// Whose events are handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Scheduler,
    Executor,
}

impl Side {
    /// The Python class that answers for what a handler lacks: its module and name.
    fn base(self) -> (&'static str, &'static str) {
        match self {
            Side::Scheduler => ("mesos.scheduler", "Scheduler"),
            Side::Executor => ("mesos.executor", "Executor"),
        }
    }
}

/// One driver's dispatching: what it knows, whose turn it is, what it has counted.
pub(crate) struct Dispatch {
    side: Side,
    pub(crate) known: Mutex<Known>,
    /// acknowledge after the handler
    implicit: bool,
    /// hears of each event before its handler
    reconciliation: Option<Arc<Reconciliation>>,
    /// the methods that the handler lacks: the base class answers for it
    absent: Vec<String>,
    turn: Mutex<Turn>,
    last_handler: Mutex<Method>,
    last_warning: Mutex<Option<Instant>>,
    /// how long the last event waited for its turn, in nanoseconds
    wait: AtomicU64,
    pub(crate) handled: AtomicU64,
    pub(crate) acknowledged: AtomicU64,
}

/// A handler's name; to Python, too, as most events are for the same handler as the one before.
#[derive(Default)]
struct Method {
    name: &'static str,
    interned: Option<Py<PyString>>,
}

/// Who is handling an event.
enum Turn {
    Free,
    Taken(ThreadId),
    /// an awaitable is with the dispatcher; then this is to be sent
    Suspended(Option<Call>),
}

/// What one turn did.
#[derive(Default)]
pub(crate) struct Turned<'py> {
    /// events whose handler was called
    pub(crate) handled: usize,
    /// what the last handler returned, if it is to be awaited: the turn is suspended until `resume`
    pub(crate) awaitable: Option<Bound<'py, PyAny>>,
    /// calls are left to `Lifecycle::flush`
    pub(crate) left: bool,
    /// the last event as `(name, *args)`, if it was asked for
    pub(crate) event: Option<Bound<'py, PyTuple>>,
}

impl Dispatch {
    pub(crate) fn new(
        side: Side,
        known: Known,
        implicit: bool,
        reconciliation: Option<Arc<Reconciliation>>,
        absent: Vec<String>,
    ) -> Self {
        Self {
            side,
            known: Mutex::new(known),
            implicit,
            reconciliation,
            absent,
            turn: Mutex::new(Turn::Free),
            last_handler: Mutex::default(),
            last_warning: Mutex::new(None),
            wait: AtomicU64::new(0),
            handled: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
        }
    }

    /// How long the last event waited for its turn.
    pub(crate) fn wait(&self) -> Duration {
        Duration::from_nanos(self.wait.load(Ordering::Relaxed))
    }

    /// Is the calling thread inside a handler (a synchronous one)?
    pub(crate) fn inside(&self) -> bool {
        matches!(*lock(&self.turn), Turn::Taken(owner) if owner == thread::current().id())
    }

    /// Is no event being handled, nor suspended?
    pub(crate) fn idle(&self) -> bool {
        matches!(*lock(&self.turn), Turn::Free)
    }

    /// Handles what is queued: at most `limit` events, none if nothing is there or another thread does so just now,
    /// up to the first awaitable.
    pub(crate) fn turn<'py>(
        &self,
        life: &Lifecycle,
        driver: &Bound<'py, PyAny>,
        handler: &Bound<'py, PyAny>,
        limit: usize,
        record: bool,
    ) -> PyResult<Turned<'py>> {
        let py = driver.py();
        forward(py)?;
        let mut turned = Turned::default();
        let Some(_taken) = self.take()? else { return Ok(turned) };
        while turned.handled < limit && turned.awaitable.is_none() {
            let Some((queued, event)) = life.receive() else { break };
            if mem::take(&mut turned.left) {
                life.hand_over();
            }
            self.waited(queued.elapsed());
            self.handle(life, driver, handler, event, record, &mut turned)?;
        }
        Ok(turned)
    }

    fn take(&self) -> PyResult<Option<Taken<'_>>> {
        let mut turn = lock(&self.turn);
        let busy = match *turn {
            Turn::Free => {
                *turn = Turn::Taken(thread::current().id());
                return Ok(Some(Taken(&self.turn)));
            }
            Turn::Taken(owner) if owner == thread::current().id() => {
                "events cannot be dispatched from inside a handler: return from it first"
            }
            Turn::Taken(_) => return Ok(None),
            Turn::Suspended(_) => {
                "an async handler of this driver is still running: events are handled one at a time"
            }
        };
        Err(PyRuntimeError::new_err(busy))
    }

    /// The one function for every event, every dispatcher.
    fn handle<'py>(
        &self,
        life: &Lifecycle,
        driver: &Bound<'py, PyAny>,
        handler: &Bound<'py, PyAny>,
        event: Event,
        record: bool,
        turned: &mut Turned<'py>,
    ) -> PyResult<()> {
        let py = driver.py();
        let acknowledgement = if self.implicit { acknowledgement(&event) } else { None };
        if let Event::Error(failure) = &event {
            py.detach(|| life.abort()); // first the abort, then the callback: as Mesos' own driver does
            lock(&self.known).failure = Some(failure.clone());
        }
        turned.left = self.reconciliation.as_ref().is_some_and(|reconciliation| reconciliation.heard(&event));
        let (name, arguments) = match self.describe(py, event) {
            Ok(described) => described,
            Err(error) => return fail(life, driver, error),
        };
        let method = self.method(py, name);
        if record {
            turned.event = Some(tuple(py, &[method.clone().into_any()], &arguments)?);
        }
        turned.handled += 1;
        self.handled.fetch_add(1, Ordering::Relaxed);
        trace!(target: "mesos.dispatch", "{name} is called");
        let returned = self.call(name, &method, driver, handler, &arguments);
        // in a child that the handler has forked, what comes next is the parent's to do
        if let Err(forked) = life.check_process() {
            return Err(returned.err().unwrap_or_else(|| forked.into()));
        }
        match returned {
            Err(error) => fail(life, driver, error),
            Ok(returned) if is_awaitable(&returned)? => {
                trace!(target: "mesos.dispatch", "{name} is awaited");
                *lock(&self.turn) = Turn::Suspended(acknowledgement);
                turned.awaitable = Some(returned);
                Ok(())
            }
            Ok(returned) if is_generator(&returned)? => fail(life, driver, never_ran(name)),
            Ok(_) => {
                trace!(target: "mesos.dispatch", "{name} has returned");
                turned.left |= self.acknowledge(life, acknowledgement)?;
                Ok(())
            }
        }
    }

    /// Ends a suspended turn: what was awaited has returned, or raised `error`.
    pub(crate) fn resume(
        &self,
        life: &Lifecycle,
        driver: &Bound<'_, PyAny>,
        error: Option<PyErr>,
    ) -> PyResult<()> {
        let mut turn = lock(&self.turn);
        let Turn::Suspended(acknowledgement) = &mut *turn else {
            return Err(PyRuntimeError::new_err("no async handler of this driver is running"));
        };
        let acknowledgement = acknowledgement.take();
        *turn = Turn::Free;
        drop(turn);
        match error {
            Some(error) => fail(life, driver, error),
            None => {
                trace!(target: "mesos.dispatch", "{} has returned", lock(&self.last_handler).name);
                if self.acknowledge(life, acknowledgement)? {
                    driver.py().detach(|| life.flush())?;
                }
                Ok(())
            }
        }
    }

    /// True if something is left to `Lifecycle::flush`.
    fn acknowledge(&self, life: &Lifecycle, acknowledgement: Option<Call>) -> PyResult<bool> {
        match acknowledgement {
            Some(call) if life.running() => {
                self.acknowledged.fetch_add(1, Ordering::Relaxed);
                Ok(life.acknowledge(call)?)
            }
            _ => Ok(false),
        }
    }

    /// The name of the handler to call, which from now on was the last one.
    fn method<'py>(&self, py: Python<'py>, name: &'static str) -> Bound<'py, PyString> {
        let mut last = lock(&self.last_handler);
        let interned = last.interned.take().filter(|_| last.name == name).map(|known| known.into_bound(py));
        let interned = interned.unwrap_or_else(|| PyString::intern(py, name));
        *last = Method { name, interned: Some(interned.clone().unbind()) };
        interned
    }

    fn call<'py>(
        &self,
        name: &'static str,
        method: &Bound<'py, PyString>,
        driver: &Bound<'py, PyAny>,
        handler: &Bound<'py, PyAny>,
        arguments: &[Bound<'py, PyAny>],
    ) -> PyResult<Bound<'py, PyAny>> {
        if self.absent.iter().any(|absent| absent == name) {
            let (module, class) = self.side.base();
            let base = driver.py().import(module)?.getattr(class)?;
            return call_handler(&base, method, [handler, driver].into_iter().chain(arguments));
        }
        call_handler(handler, method, [driver].into_iter().chain(arguments))
    }

    /// Notes how long an event waited for its turn, and says which handler made it long; at most once in `LONG_WAIT`.
    fn waited(&self, waited: Duration) {
        let nanos = u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX);
        self.wait.store(nanos, Ordering::Relaxed);
        if waited < LONG_WAIT {
            return;
        }
        let mut warned = lock(&self.last_warning);
        if warned.is_some_and(|at| at.elapsed() < LONG_WAIT) {
            return;
        }
        *warned = Some(Instant::now());
        drop(warned);
        let by = match lock(&self.last_handler).name {
            "" => String::from("nobody dispatched until now"),
            name => format!("the handler before it was `{name}`"),
        };
        // not by `logging` at once: the event is out of the queue, and that may raise
        warn!(target: "mesos.driver", "an event waited {:.1} s to be handled: {by}", waited.as_secs_f64());
    }
}

/// Frees the turn when it ends, unless it was suspended.
struct Taken<'a>(&'a Mutex<Turn>);

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut turn = lock(self.0);
        if matches!(*turn, Turn::Taken(_)) {
            *turn = Turn::Free;
        }
    }
}

/// A handler raised: the driver ends without a word to the master, and its Python object keeps the exception.
fn fail(life: &Lifecycle, driver: &Bound<'_, PyAny>, error: PyErr) -> PyResult<()> {
    let py = driver.py();
    py.detach(|| life.abort());
    trace!(target: "mesos.dispatch", "a handler has raised {}", error.get_type(py));
    let error = error.into_value(py).into_bound(py).into_any();
    call_handler(driver, pyo3::intern!(py, "_failed"), [&error].into_iter()).map(drop)
}

fn tuple<'py>(
    py: Python<'py>,
    first: &[Bound<'py, PyAny>],
    then: &[Bound<'py, PyAny>],
) -> PyResult<Bound<'py, PyTuple>> {
    PyTuple::new(py, [first, then].concat())
}

fn is_awaitable(returned: &Bound<'_, PyAny>) -> PyResult<bool> {
    if returned.is_none() {
        return Ok(false);
    }
    returned.get_type().hasattr(pyo3::intern!(returned.py(), "__await__"))
}

/// Is it one whose code has not run yet?
fn is_generator(returned: &Bound<'_, PyAny>) -> PyResult<bool> {
    if returned.is_none() {
        return Ok(false);
    }
    let (py, class) = (returned.py(), returned.get_type());
    Ok(class.hasattr(pyo3::intern!(py, "gi_frame"))? || class.hasattr(pyo3::intern!(py, "ag_frame"))?)
}

fn never_ran(name: &str) -> PyErr {
    PyTypeError::new_err(format!(
        "{name}: it returned a generator, so that its code did not run: it must not yield"
    ))
}

/// The logger of what happens in a driver.
pub(crate) fn logger(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    py.import("logging")?.call_method1("getLogger", ("mesos.driver",))
}
