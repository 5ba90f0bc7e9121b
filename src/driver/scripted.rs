//! `mesos.testing.ScriptedBackend`: a backend that says what a test wants, from native threads, and takes notes.
//!
//! # Invariants
//! * Events reach the driver as from any backend: native threads that know no Python, through the real queue.
//! * After its end it says nothing more; its threads do not keep the queue open.

use super::lifecycle::lock;
use crate::backend::http::encode;
use crate::backend::{Backend, End, Stats};
use crate::error::{Error, Result};
use crate::event::{Call, Event, Failure, FailureKind};
use crate::message::{from_wire, to_wire};
use crate::queue::{Sender, WeakSender};
use crate::sys::signals;
use crate::wire::{Message, msg};
use bytes::Bytes;
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyTuple};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{mem, process};

/// How long a wait goes on without looking for signals.
const SLICE: Duration = Duration::from_millis(100);

/// A master of a test's own: it says what the test scripts, and keeps the calls it is sent.
///
/// Give it to a driver as `backend=`; no master is needed then. `play` says events, each call of it from a
/// native thread of its own, through the very queue that real backends use::
///
///     backend = mesos.testing.ScriptedBackend()
///     driver = mesos.SchedulerDriver(MyScheduler(), "test", backend=backend, dispatcher="poll")
///     driver.start()
///     backend.play([("registered", "framework-1"), ("resource_offers", [offer])])
///     driver.run_once()                       # MyScheduler.registered
///     driver.run_once()                       # MyScheduler.resource_offers
///     assert backend.calls[0].accept.operations
///
/// hold_end: after a stop, keep the driver waiting until `release()`, as a slow master would.
///
/// One backend serves one driver. Every method may be called from any thread.
#[pyclass(frozen, module = "mesos.testing")]
pub(crate) struct ScriptedBackend {
    script: Arc<Script>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// The native side of it.
pub(crate) struct Script {
    pid: u32,
    hold_end: bool,
    state: Mutex<State>,
    called: Condvar,
}

#[derive(Default)]
struct State {
    /// from the start to the end
    sender: Option<Sender>,
    started: bool,
    framework_id: Bytes,
    /// `scheduler.Call`s
    calls: Vec<Bytes>,
    ended: Option<End>,
    /// when a script last began
    heard: Option<Instant>,
}

impl Script {
    /// The driver starts.
    pub(crate) fn connect(self: &Arc<Self>, sender: Sender) -> Result<Arc<dyn Backend>> {
        let mut state = lock(&self.state);
        if state.started {
            return Err(Error::Configuration(
                "backend: this ScriptedBackend serves another driver already".into(),
            ));
        }
        state.started = true;
        state.sender = Some(sender);
        drop(state);
        Ok(self.clone())
    }

    fn note(&self, state: &mut State, call: Bytes) {
        state.calls.push(call);
        self.called.notify_all();
    }
}

impl Drop for Script {
    /// In a forked child the queue is left alone, as in `Lifecycle`.
    fn drop(&mut self) {
        if self.pid != process::id()
            && let Ok(state) = self.state.get_mut()
        {
            mem::forget(state.sender.take());
        }
    }
}

impl Backend for Script {
    fn send(&self, call: Call) {
        let mut state = lock(&self.state);
        let call = encode::encode(&state.framework_id, &call);
        self.note(&mut state, call);
    }

    fn end(&self, how: End) {
        let mut state = lock(&self.state);
        if state.ended.is_none() {
            state.ended = Some(how);
            if how == End::Teardown {
                let call = encode::teardown(&state.framework_id);
                self.note(&mut state, call);
            }
        }
        let closed = if self.hold_end && how != End::Abort { None } else { state.sender.take() };
        drop(state);
        drop(closed); // wakes the dispatcher; not under the lock
    }

    fn stats(&self) -> Stats {
        let state = lock(&self.state);
        Stats { calls_sent: state.calls.len() as u64, heard: state.heard, ..Stats::default() }
    }
}

#[pymethods]
impl ScriptedBackend {
    #[new]
    #[pyo3(signature = (*, hold_end=false))]
    fn new(hold_end: bool) -> Self {
        let script = Script { pid: process::id(), hold_end, state: Mutex::default(), called: Condvar::new() };
        Self { script: Arc::new(script), threads: Mutex::default() }
    }

    /// Says the events of `script`, in order, `repeat` times, from a new native thread; returns at once.
    ///
    /// An event is a tuple like those of `Dispatcher.run_once`: the handler's name, then its arguments without
    /// the driver: `("registered", framework_id[, master_info])`, `("reregistered"[, master_info])`,
    /// `("resource_offers", [offer])`, `("status_update", status)`, `("error", text)`. Messages may be dicts.
    /// Everything is checked before the first event is said.
    ///
    /// Raises RuntimeError before the driver has started; after its end, events go nowhere.
    #[pyo3(signature = (script, *, repeat=1))]
    fn play(&self, py: Python<'_>, script: &Bound<'_, PyAny>, repeat: usize) -> PyResult<()> {
        let state = lock(&self.script.state);
        if !state.started {
            return Err(PyRuntimeError::new_err("the driver has not started: there is nobody to play to"));
        }
        let to = state.sender.as_ref().map(Sender::downgrade);
        let mut known = state.framework_id.clone();
        drop(state);
        let mut events = Vec::new();
        for said in script.try_iter()? {
            let event = event(&said?, &known)?;
            if let Event::Subscribed { framework_id, .. } = &event {
                known.clone_from(framework_id);
            }
            events.push(event);
        }
        let mut state = lock(&self.script.state);
        (state.framework_id, state.heard) = (known, Some(Instant::now()));
        drop(state);
        let Some(to) = to else { return Ok(()) };
        let play = move || {
            signals::block_all();
            say(&to, events, repeat);
        };
        let made = py.detach(|| thread::Builder::new().name("mesos-scripted".into()).spawn(play));
        let made = made.map_err(|error| Error::os("starting a thread", &error))?;
        lock(&self.threads).push(made);
        Ok(())
    }

    /// Waits until every script that was started has been said.
    fn join(&self, py: Python<'_>) {
        let threads = mem::take(&mut *lock(&self.threads));
        // a thread only pushes into the queue: it ends by itself and cannot panic
        py.detach(|| threads.into_iter().for_each(|thread| drop(thread.join())));
    }

    /// The calls so far, oldest first, as `mesos.v1.scheduler.Call`. A TEARDOWN is one of them.
    #[getter]
    fn calls<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let calls = lock(&self.script.state).calls.clone();
        let call = |call| from_wire(py, msg::SCHEDULER_CALL, call);
        PyList::new(py, calls.into_iter().map(call).collect::<PyResult<Vec<_>>>()?)
    }

    /// Waits until there are `count` calls, at most `timeout` seconds; returns whether there are.
    #[pyo3(signature = (count, timeout=5.0))]
    fn wait_for_calls(&self, py: Python<'_>, count: usize, timeout: f64) -> PyResult<bool> {
        let time = Duration::try_from_secs_f64(timeout)
            .map_err(|_| PyValueError::new_err("timeout: a number of seconds from 0 up is expected"))?;
        let deadline = Instant::now() + time.min(Duration::from_secs(86_400));
        loop {
            let enough = py.detach(|| {
                let state = lock(&self.script.state);
                let left = deadline.saturating_duration_since(Instant::now()).min(SLICE);
                let waited =
                    self.script.called.wait_timeout_while(state, left, |now| now.calls.len() < count);
                waited.unwrap_or_else(PoisonError::into_inner).0.calls.len() >= count
            });
            if enough || Instant::now() >= deadline {
                return Ok(enough);
            }
            py.check_signals()?;
        }
    }

    /// How the driver ended it: "teardown", "failover", "abort", or None.
    #[getter]
    fn ended(&self) -> Option<&'static str> {
        lock(&self.script.state).ended.map(|how| match how {
            End::Teardown => "teardown",
            End::Failover => "failover",
            End::Abort => "abort",
        })
    }

    /// Lets an end go on that `hold_end` holds; or closes the stream for good, as a backend that gave up.
    fn release(&self, py: Python<'_>) {
        let closed = lock(&self.script.state).sender.take();
        py.detach(|| drop(closed));
    }
}

impl ScriptedBackend {
    pub(crate) fn backend(&self) -> Arc<Script> {
        self.script.clone()
    }
}

fn say(to: &WeakSender, events: Vec<Event>, repeat: usize) {
    for _ in 1..repeat {
        events.iter().for_each(|event| to.send(event.clone()));
    }
    if repeat > 0 {
        events.into_iter().for_each(|event| to.send(event));
    }
}

/// The event that a tuple describes.
fn event(said: &Bound<'_, PyAny>, framework_id: &Bytes) -> PyResult<Event> {
    let Ok(said) = said.cast::<PyTuple>() else {
        let words =
            format!("an event is a tuple such as (\"registered\", \"framework-1\"), not {}", said.repr()?);
        return Err(PyTypeError::new_err(words));
    };
    let item = |at: usize| {
        let lacks = |_| PyTypeError::new_err(format!("{said}: argument {at} of this event is missing"));
        said.get_item(at).map_err(lacks)
    };
    let wire = |at: usize, message: &'static Message| to_wire(&item(at)?, message);
    let maybe = |at: usize, message: &'static Message| {
        let given = said.get_item(at).ok().filter(|given| !given.is_none());
        given.map(|given| to_wire(&given, message)).transpose()
    };
    let many = |message: &'static Message| -> PyResult<Vec<Bytes>> {
        item(1)?.try_iter()?.map(|one| to_wire(&one?, message)).collect()
    };
    let text = |at: usize| item(at)?.cast_into::<PyString>()?.extract::<String>();
    let name: String = item(0)?.extract()?;
    Ok(match name.as_str() {
        "registered" => Event::Subscribed {
            framework_id: wire(1, msg::FRAMEWORK_ID)?,
            master_info: maybe(2, msg::MASTER_INFO)?,
        },
        "reregistered" => {
            Event::Subscribed { framework_id: framework_id.clone(), master_info: maybe(1, msg::MASTER_INFO)? }
        }
        "disconnected" => Event::Disconnected,
        "resource_offers" => Event::Offers(many(msg::OFFER)?),
        "inverse_offers" => Event::InverseOffers(many(msg::INVERSE_OFFER)?),
        "offer_rescinded" => Event::OfferRescinded(wire(1, msg::OFFER_ID)?),
        "inverse_offer_rescinded" => Event::InverseOfferRescinded(wire(1, msg::OFFER_ID)?),
        "status_update" => Event::StatusUpdate(wire(1, msg::TASK_STATUS)?),
        "operation_status_update" => Event::OperationStatusUpdate(wire(1, msg::OPERATION_STATUS)?),
        "framework_message" => Event::FrameworkMessage {
            executor_id: wire(1, msg::EXECUTOR_ID)?,
            agent_id: wire(2, msg::AGENT_ID)?,
            data: Bytes::from(item(3)?.extract::<Vec<u8>>()?),
        },
        "agent_lost" => Event::AgentLost { agent_id: wire(1, msg::AGENT_ID)? },
        "executor_lost" => Event::ExecutorLost {
            executor_id: wire(1, msg::EXECUTOR_ID)?,
            agent_id: wire(2, msg::AGENT_ID)?,
            status: item(3)?.extract()?,
        },
        "call_rejected" => Event::CallRejected {
            call: wire(1, msg::SCHEDULER_CALL)?,
            code: item(2)?.extract()?,
            message: text(3)?,
        },
        "error" => Event::Error(Failure { kind: FailureKind::Mesos, message: text(1)? }),
        other => {
            let words = format!("{other:?} is no event; the names are those of mesos.Scheduler's methods");
            return Err(PyValueError::new_err(words));
        }
    })
}
