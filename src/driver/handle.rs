//! What both native handles have: ends, waits and turns. A handle is the private half of a Python driver.
//!
//! # Invariants
//! * Holds no Python object: the driver and its handler come as arguments of each turn.
//! * Every method fails in a forked child, and releases the GIL where it could wait.
//! * A wait is broken by Ctrl-C at once. On the main thread it also looks for signals every `SLICE`: one may
//!   arrive between Python's last look and the wait, and then nothing interrupts the wait itself.

use super::lifecycle::{Lifecycle, Status};
use crate::backend::End;
use crate::dispatch::{Dispatch, Turned};
use crate::error::Error;
use crate::interrupt::Interrupt;
use crate::message::from_wire;
use crate::queue::Bell;
use crate::sys::forks::forks;
use crate::sys::{Waited, wait_readable};
use crate::wire::msg;
use crate::{driver::lifecycle::lock, trace};
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// How many events are handled before logs and signals get their turn.
const BATCH: usize = 128;
/// How long the main thread waits without looking for signals.
const SLICE: Duration = Duration::from_millis(100);

/// The base of the native handles.
#[pyclass(frozen, subclass, module = "mesos._mesos")]
pub(crate) struct Handle {
    pub(crate) life: Lifecycle,
    pub(crate) dispatch: Dispatch,
    /// what the interrupt dispatcher adds to the descriptor
    interrupt: OnceLock<Interrupt>,
}

#[pymethods]
impl Handle {
    /// Ends behind the calls made so far; returns what mesos.Status says.
    fn stop(&self, py: Python<'_>, failover: bool) -> PyResult<u8> {
        self.life.check_process()?;
        let how = if failover { End::Failover } else { End::Teardown };
        Ok(py.detach(|| self.life.stop(how)) as u8)
    }

    fn abort(&self, py: Python<'_>) -> PyResult<u8> {
        self.life.check_process()?;
        Ok(py.detach(|| self.life.abort()) as u8)
    }

    #[getter]
    fn status(&self) -> PyResult<u8> {
        self.life.check_process()?;
        Ok(self.life.status() as u8)
    }

    /// Was this handle made in another process?
    #[getter]
    fn forked(&self) -> bool {
        self.life.check_process().is_err()
    }

    /// The descriptor that is readable while something is queued.
    fn fileno(&self) -> PyResult<i32> {
        Ok(self.bell()?.raw())
    }

    /// How many events are queued.
    #[getter]
    fn pending(&self) -> PyResult<u64> {
        self.life.check_process()?;
        Ok(self.life.receiver().depth())
    }

    /// The backend has ended and everything was received or discarded.
    #[getter]
    fn ended(&self) -> PyResult<bool> {
        self.life.check_process()?;
        Ok(self.life.ended())
    }

    /// The calling thread is inside a handler.
    #[getter]
    fn inside(&self) -> PyResult<bool> {
        self.life.check_process()?;
        Ok(self.dispatch.inside())
    }

    #[getter]
    fn connected(&self) -> PyResult<bool> {
        self.life.check_process()?;
        Ok(self.life.running() && lock(&self.dispatch.known).connected)
    }

    #[getter]
    fn framework_id(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.life.check_process()?;
        let id = lock(&self.dispatch.known).framework_id.clone();
        id.map(|id| from_wire(py, msg::FRAMEWORK_ID, id)).transpose()
    }

    #[getter]
    fn master_info(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.life.check_process()?;
        let master = lock(&self.dispatch.known).master_info.clone();
        master.map(|master| from_wire(py, msg::MASTER_INFO, master)).transpose()
    }

    /// Why the backend gave up, as the exception for it.
    #[getter]
    fn failure(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.life.check_process()?;
        let failure = lock(&self.dispatch.known).failure.clone();
        Ok(failure.map(|failure| PyErr::from(Error::from(failure)).into_value(py).into_any()))
    }

    /// Handles at most `limit` events; with nothing queued, waits for that first, at most `timeout` seconds, None is
    /// for ever. Without a limit it goes on handling and waiting until the time is over, or the driver has ended. How
    /// many it were, and the awaitable that suspended the turn.
    ///
    /// `driver` refers weakly to the driver, which may be collected during the wait; then events are discarded.
    #[pyo3(signature = (driver, limit, timeout=Some(0.0)))]
    fn turn<'py>(
        &self,
        driver: &Bound<'py, PyAny>,
        limit: Option<usize>,
        timeout: Option<f64>,
    ) -> PyResult<(usize, Option<Bound<'py, PyAny>>)> {
        let Turned { handled, awaitable, .. } = self.wait_for_turn(driver, limit, false, timeout)?;
        Ok((handled, awaitable))
    }

    /// The same with at most one event, which is returned as `(name, *args)`.
    #[pyo3(signature = (driver, timeout=Some(0.0)))]
    #[expect(clippy::type_complexity, reason = "a pair of options")]
    fn turn_once<'py>(
        &self,
        driver: &Bound<'py, PyAny>,
        timeout: Option<f64>,
    ) -> PyResult<(Option<Bound<'py, PyTuple>>, Option<Bound<'py, PyAny>>)> {
        let Turned { event, awaitable, .. } = self.wait_for_turn(driver, Some(1), true, timeout)?;
        Ok((event, awaitable))
    }

    /// Ends a suspended turn; with the exception that came out of the awaitable, if one did.
    #[pyo3(signature = (driver, error=None))]
    fn resume(&self, driver: &Bound<'_, PyAny>, error: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        self.life.check_process()?;
        self.dispatch.resume(&self.life, driver, error.map(PyErr::from_value))
    }

    /// Discards until the backend has ended, at most `timeout` seconds: has it? Only of use when the driver does
    /// not run any more.
    fn settle(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        let deadline = deadline(timeout)?;
        loop {
            self.life.check_process()?;
            let nothing = py.detach(|| self.life.receive()).is_none();
            trace::forward(py)?;
            let Some(bell) = self.life.bell() else { return Ok(self.life.ended()) };
            if self.life.ended() || (nothing && !wait(py, &bell, deadline)?) {
                return Ok(self.life.ended());
            }
        }
    }

    /// No turn is in progress, not even one that an async handler has suspended.
    #[getter]
    fn idle(&self) -> PyResult<bool> {
        self.life.check_process()?;
        Ok(self.dispatch.idle())
    }

    /// From now on what is queued interrupts the main thread: `mesos.dispatch._interrupt` is told of `number`.
    fn interrupt(&self, py: Python<'_>, number: usize) -> PyResult<()> {
        let bell = self.bell()?;
        let interrupt = Interrupt::new(py, number, &bell)?;
        bell.add(Box::new(interrupt.clone()));
        self.interrupt.get_or_init(|| interrupt);
        Ok(())
    }

    /// The dispatcher has returned: closes the descriptor once nobody waits for it.
    fn close(&self) -> PyResult<()> {
        self.life.check_process()?;
        self.life.close();
        Ok(())
    }

    /// The counters, for `driver.stats`.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.life.check_process()?;
        let backend = py.detach(|| self.life.stats());
        let receiver = self.life.receiver();
        let stats = PyDict::new(py);
        stats.set_item("events_received", receiver.sent())?;
        stats.set_item("events_handled", self.dispatch.handled.load(Ordering::Relaxed))?;
        stats.set_item("queue_depth", receiver.depth())?;
        stats.set_item("queue_high_water", receiver.highest())?;
        stats.set_item("seconds_queued", self.dispatch.wait().as_secs_f64())?;
        stats.set_item("calls_sent", backend.calls_sent)?;
        stats.set_item("calls_rejected", backend.calls_rejected)?;
        stats.set_item("calls_dropped", backend.calls_dropped)?;
        stats.set_item("acknowledgements", self.dispatch.acknowledged.load(Ordering::Relaxed))?;
        stats.set_item("reconnects", backend.reconnects)?;
        let silent = backend.heard.map(|heard| heard.elapsed().as_secs_f64());
        stats.set_item("seconds_since_traffic", silent)?;
        Ok(stats)
    }
}

impl Handle {
    pub(crate) fn new(life: Lifecycle, dispatch: Dispatch) -> Self {
        Self { life, dispatch, interrupt: OnceLock::new() }
    }

    /// One native call from the wake-up to the handler: what Python would do in between, an event would wait for.
    fn wait_for_turn<'py>(
        &self,
        driver: &Bound<'py, PyAny>,
        limit: Option<usize>,
        record: bool,
        timeout: Option<f64>,
    ) -> PyResult<Turned<'py>> {
        let py = driver.py();
        let deadline = deadline(timeout)?;
        let mut handled = 0;
        loop {
            self.life.check_process()?; // each time: a handler may have forked, and this be the child
            let turned = self.take_turn(driver, limit.unwrap_or(BATCH), record)?;
            handled += turned.handled;
            let enough = turned.awaitable.is_some() || (limit.is_some() && handled > 0);
            if enough || self.life.ended() || timeout == Some(0.0) {
                return Ok(Turned { handled, ..turned });
            }
            py.check_signals()?;
            let over = deadline.is_some_and(|deadline| deadline <= Instant::now());
            if over || (turned.handled == 0 && !wait(py, &*self.bell()?, deadline)?) {
                return Ok(Turned { handled, ..turned });
            }
        }
    }

    fn take_turn<'py>(
        &self,
        driver: &Bound<'py, PyAny>,
        limit: usize,
        record: bool,
    ) -> PyResult<Turned<'py>> {
        let py = driver.py();
        let driver = driver.call0()?;
        if driver.is_none() {
            self.settle(py, Some(0.0))?;
            return Ok(Turned::default());
        }
        let handler = driver.getattr(intern!(py, "_handler"))?;
        let turned = self.dispatch.turn(&self.life, &driver, &handler, limit, record);
        // also after an exception: what was handled before it is acknowledged
        if turned.as_ref().map_or(true, |turned| turned.left) {
            let flushed = py.detach(|| self.life.flush());
            if turned.is_ok() {
                flushed?;
            }
        }
        if turned.as_ref().is_ok_and(|turned| turned.awaitable.is_none()) {
            trace::forward(py)?;
        }
        if let Some(interrupt) = self.interrupt.get()
            && !self.life.ended()
        {
            interrupt.ask_if_queued(Duration::ZERO); // one that came during the turn did nothing
        }
        turned
    }

    fn bell(&self) -> PyResult<Arc<Bell>> {
        self.life.check_process()?;
        self.life
            .bell()
            .ok_or_else(|| PyValueError::new_err("the driver has ended and its descriptor is closed"))
    }

    /// Native log records wake the dispatcher of this handle from now on.
    pub(crate) fn hear_logs(&self, py: Python<'_>) -> PyResult<()> {
        let bell: Arc<dyn crate::queue::Waker> = self.bell()?;
        trace::install(py, Arc::downgrade(&bell))
    }

    /// The status after `call` was sent, or was not.
    pub(crate) fn sent(&self, py: Python<'_>, call: crate::event::Call) -> PyResult<u8> {
        let status = py.detach(|| self.life.send(call))?;
        if status != Status::Running {
            self.say_refused(py)?;
        }
        Ok(status as u8)
    }

    /// Says once that calls are dropped; `stats` counts each of them.
    pub(crate) fn say_refused(&self, py: Python<'_>) -> PyResult<()> {
        if self.life.first_refusal() {
            let words = "a call was dropped because the driver does not run; further ones are only counted";
            crate::dispatch::logger(py)?.call_method1("warning", (words,))?;
        }
        Ok(())
    }
}

/// The moment `timeout` seconds from now; `None` is never.
fn deadline(timeout: Option<f64>) -> PyResult<Option<Instant>> {
    let Some(seconds) = timeout else { return Ok(None) };
    if seconds.is_nan() {
        return Err(PyValueError::new_err("timeout: a number of seconds, or None, is expected, not nan"));
    }
    // beyond what the clock can say is never
    let time = Duration::try_from_secs_f64(seconds.max(0.0)).ok();
    Ok(time.and_then(|time| Instant::now().checked_add(time)))
}

/// Waits for `bell` with the GIL released; KeyboardInterrupt and its like come out of it at once.
fn wait(py: Python<'_>, bell: &Bell, deadline: Option<Instant>) -> PyResult<bool> {
    let slice = is_main(py)?.then_some(SLICE);
    loop {
        match py.detach(|| wait_readable(bell, deadline, slice)) {
            Waited::Ready => return Ok(true),
            Waited::TimedOut => return Ok(false),
            Waited::Interrupted => py.check_signals()?,
        }
    }
}

/// Is this Python's main thread? Asked once for each thread: only a fork makes a thread the main one.
fn is_main(py: Python<'_>) -> PyResult<bool> {
    thread_local!(static KNOWN: Cell<Option<(u64, bool)>> = const { Cell::new(None) });
    let forks = forks();
    if let Some((known, is_main)) = KNOWN.get()
        && known == forks
    {
        return Ok(is_main);
    }
    let threading = py.import("threading")?;
    let main = threading.call_method0("main_thread")?.getattr("ident")?;
    let is_main = main.eq(threading.call_method0("get_ident")?)?;
    KNOWN.set(Some((forks, is_main)));
    Ok(is_main)
}
