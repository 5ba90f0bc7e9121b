//! `mesos.testing.ScriptedBackend`: a backend that says what a test wants, from native threads, and takes notes.
//!
//! # Invariants
//! * Events reach the driver as from any backend: native threads that know no Python, through the real queue.
//! * After its end it says nothing more; its threads do not keep the queue open.

use super::lifecycle::lock;
use crate::backend::http::encode::{self, Caller};
use crate::backend::{Backend, End, Stats};
use crate::dispatch::Side;
use crate::error::{Error, Result};
use crate::event::{Call, Event};
use crate::message::from_wire;
use crate::queue::{Sender, WeakSender};
use crate::sys::signals;
use crate::wire::{field, last_bytes};
use bytes::Bytes;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyList;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use std::{mem, process};

mod script;

/// How long a wait goes on without looking for signals.
const SLICE: Duration = Duration::from_millis(100);

/// A master, or an agent, of a test's own: it says what the test scripts, and keeps the calls it is sent.
///
/// Give it to a driver as `backend=`; no master is needed then, and an executor's needs no environment. `play` says events, each call of it from a
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
    /// whose driver it serves, from the start on
    side: Option<Side>,
    /// the last subscription that was said
    subscription: Option<Event>,
    /// `scheduler.Call`s or `executor.Call`s
    calls: Vec<Bytes>,
    /// how many threads wait for more of them
    waiting: usize,
    /// how many scripts are being said
    playing: usize,
    ended: Option<End>,
    /// when a script last began
    heard: Option<Instant>,
}

impl State {
    fn caller(&self) -> Caller<'_> {
        match &self.subscription {
            Some(Event::Subscribed { framework_id, .. }) => Caller::scheduler(framework_id),
            Some(Event::ExecutorSubscribed(at)) => Caller {
                framework_id: last_bytes(&at.framework_info, field::framework_info::ID).unwrap_or_default(),
                executor_id: last_bytes(&at.executor_info, field::executor_info::EXECUTOR_ID)
                    .unwrap_or_default(),
            },
            _ => Caller::scheduler(&[]),
        }
    }
}

impl Script {
    /// The driver starts.
    pub(crate) fn connect(self: &Arc<Self>, side: Side, sender: Sender) -> Result<Arc<dyn Backend>> {
        let mut state = lock(&self.state);
        if state.side.is_some() {
            return Err(Error::Configuration(
                "backend: this ScriptedBackend serves another driver already".into(),
            ));
        }
        state.side = Some(side);
        state.sender = Some(sender);
        drop(state);
        Ok(self.clone())
    }

    fn note(&self, state: &mut State, call: Bytes) {
        state.calls.push(call);
        if state.waiting > 0 {
            self.called.notify_all(); // a system call, even when nobody waits
        }
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
    fn send(&self, call: Call) -> Result<()> {
        let mut state = lock(&self.state);
        let call = encode::encode(state.caller(), &call);
        self.note(&mut state, call);
        Ok(())
    }

    fn end(&self, how: End) {
        let mut state = lock(&self.state);
        if state.ended.is_none() {
            state.ended = Some(how);
            if how == End::Teardown && state.side == Some(Side::Scheduler) {
                let call = encode::teardown(state.caller().framework_id);
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
        Self { script: Arc::new(script) }
    }

    /// Says the events of `script`, in order, `repeat` times, from a new native thread; returns at once.
    ///
    /// interval: seconds from one event to the next.
    ///
    /// An event is a tuple like those of `Dispatcher.run_once`: the handler's name, then its arguments without
    /// the driver: `("registered", framework_id[, master_info])`, `("reregistered"[, master_info])`,
    /// `("resource_offers", [offer])`, `("status_update", status)`, `("error", text)`; for an executor's driver
    /// `("registered", executor_info, framework_info, agent_info)`, `("launch_task", task)`, `("kill_task", task_id[,
    /// kill_policy])`. Messages may be dicts. Everything is checked before the first event is said.
    ///
    /// Raises RuntimeError before the driver has started; after its end, events go nowhere.
    #[pyo3(signature = (script, *, repeat=1, interval=0.0))]
    fn play(&self, py: Python<'_>, script: &Bound<'_, PyAny>, repeat: usize, interval: f64) -> PyResult<()> {
        let interval = Duration::try_from_secs_f64(interval)
            .map_err(|_| PyValueError::new_err("interval: a number of seconds from 0 up is expected"))?;
        let state = lock(&self.script.state);
        let Some(side) = state.side else {
            return Err(PyRuntimeError::new_err("the driver has not started: there is nobody to play to"));
        };
        let to = state.sender.as_ref().map(Sender::downgrade);
        let mut subscription = state.subscription.clone();
        drop(state);
        let mut events = Vec::new();
        for said in script.try_iter()? {
            let event = script::event(side, &said?, subscription.as_ref())?;
            if let Event::Subscribed { .. } | Event::ExecutorSubscribed(_) = &event {
                subscription = Some(event.clone());
            }
            events.push(event);
        }
        let mut state = lock(&self.script.state);
        (state.subscription, state.heard) = (subscription, Some(Instant::now()));
        let Some(to) = to else { return Ok(()) };
        state.playing += 1;
        drop(state);
        let playing = Playing(self.script.clone());
        let play = move || {
            signals::block_all();
            say(&to, &events, repeat, interval);
            drop(playing);
        };
        let made = py.detach(|| thread::Builder::new().name("mesos-scripted".into()).spawn(play));
        made.map_err(|error| Error::os("starting a thread", &error))?;
        Ok(())
    }

    /// Waits until every script that was started has been said. Ctrl-C breaks it.
    fn join(&self, py: Python<'_>) -> PyResult<()> {
        if self.script.pid != process::id() {
            return Err(Error::Forked("ScriptedBackend").into());
        }
        while py.detach(|| {
            let state = lock(&self.script.state);
            let waited = self.script.called.wait_timeout_while(state, SLICE, |now| now.playing > 0);
            waited.unwrap_or_else(PoisonError::into_inner).0.playing > 0
        }) {
            py.check_signals()?;
        }
        Ok(())
    }

    /// The calls so far, oldest first, as `mesos.v1.scheduler.Call`, or `mesos.v1.executor.Call` if it serves an
    /// executor's driver. A TEARDOWN is one of them.
    #[getter]
    fn calls<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let state = lock(&self.script.state);
        let (side, calls) = (state.side.unwrap_or(Side::Scheduler), state.calls.clone());
        drop(state);
        let call = |call| from_wire(py, side.call(), call);
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
                let mut state = lock(&self.script.state);
                state.waiting += 1;
                let left = deadline.saturating_duration_since(Instant::now()).min(SLICE);
                let waited =
                    self.script.called.wait_timeout_while(state, left, |now| now.calls.len() < count);
                let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
                state.waiting -= 1;
                state.calls.len() >= count
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

/// A script that is being said.
struct Playing(Arc<Script>);

impl Drop for Playing {
    fn drop(&mut self) {
        lock(&self.0.state).playing -= 1;
        self.0.called.notify_all();
    }
}

fn say(to: &WeakSender, events: &[Event], repeat: usize, interval: Duration) {
    for (number, event) in (0..repeat).flat_map(|_| events).enumerate() {
        if number > 0 && !interval.is_zero() {
            thread::sleep(interval);
        }
        if !to.send(event.clone()) {
            return;
        }
    }
}
