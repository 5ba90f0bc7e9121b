//! The life of a driver over libmesos, a scheduler's or an executor's: one thread that starts Mesos' own driver and
//! waits for its end.
//!
//! # Invariants
//! * The thread constructs libmesos' driver, starts it, joins it and destroys it; everybody else only calls it. So
//!   a stop or an abort never waits for a callback, wherever it comes from.
//! * All signals are blocked in that thread, and so in every thread that libmesos makes: those inherit it.
//! * `Error` is the last event. The queue ends when the driver is destroyed and the thread is done.

use super::ffi::{ExecutorDriver, Library, SchedulerDriver};
use super::{environment, glog};
use crate::backend::{End, Stats};
use crate::driver::lifecycle::lock;
use crate::error::{Error, Result};
use crate::event::{Event, Failure, FailureKind};
use crate::queue::WeakSender;
use crate::sys::signals;
use cxx::SharedPtr;
use cxx::memory::SharedPtrTarget;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::Instant;
use tokio::sync::Notify;

/// libmesos' driver.
pub(super) trait Driver: SharedPtrTarget + Send + Sync {
    /// Whether it runs now.
    fn start(&self) -> bool;

    /// Tells it to end; what was called before is said before.
    fn end(&self, how: End);

    /// Waits until it was told to, and what it said last is written.
    fn join(&self);
}

impl Driver for SchedulerDriver {
    fn start(&self) -> bool {
        self.start()
    }

    fn end(&self, how: End) {
        match how {
            End::Teardown => self.tear_down(),
            // a stop for a failover would tell the master nothing; as libmesos keeps its connection for as long as
            // the process lives, the master would go on making offers to nobody
            End::Failover | End::Abort => self.abort(),
        }
    }

    fn join(&self) {
        self.join();
    }
}

impl Driver for ExecutorDriver {
    fn start(&self) -> bool {
        self.start()
    }

    fn end(&self, how: End) {
        match how {
            End::Teardown | End::Failover => self.stop(),
            End::Abort => self.abort(),
        }
    }

    fn join(&self) {
        self.join();
    }
}

/// What a driver, its thread and its sink have in common.
pub(super) struct Shared<D: Driver> {
    state: Mutex<State<D>>,
    /// an end has come: for the thread, when it waits for something else
    ended: Notify,
    /// `None` when the last word was said; the strong ends are the thread's and the sink's
    events: Mutex<Option<WeakSender>>,
    connected: AtomicBool,
    sent: AtomicU64,
    dropped: AtomicU64,
    subscriptions: AtomicU64,
    /// when libmesos last said anything
    heard: Mutex<Option<Instant>>,
}

pub(super) struct State<D: Driver> {
    /// from its construction to its end
    pub(super) driver: Option<SharedPtr<D>>,
    /// it can be told of an end: one that comes earlier waits for it
    started: bool,
    pub(super) end: Option<End>,
}

impl<D: Driver> State<D> {
    /// Tells libmesos' driver of the end, once there are both.
    fn pass_on(&self) {
        if let (Some(how), Some(driver), true) = (self.end, &self.driver, self.started) {
            driver.end(how);
        }
    }
}

impl<D: Driver> Shared<D> {
    pub(super) fn new(events: WeakSender) -> Self {
        Self {
            state: Mutex::new(State { driver: None, started: false, end: None }),
            ended: Notify::new(),
            events: Mutex::new(Some(events)),
            connected: AtomicBool::new(false),
            sent: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            subscriptions: AtomicU64::new(0),
            heard: Mutex::default(),
        }
    }

    /// While this is held, the driver neither appears nor goes.
    pub(super) fn state(&self) -> MutexGuard<'_, State<D>> {
        lock(&self.state)
    }

    /// Counts calls: libmesos has them, or they are dropped.
    pub(super) fn count(&self, calls: u64, heard: bool) {
        let counter = if heard { &self.sent } else { &self.dropped };
        counter.fetch_add(calls, Ordering::Relaxed);
    }

    pub(super) fn end(&self, how: End) {
        let mut state = self.state();
        if state.end.is_none_or(|before| before != End::Abort && how == End::Abort) {
            state.end = Some(how);
            state.pass_on();
            self.ended.notify_one();
        }
    }

    /// Waits until an end has come.
    pub(super) async fn has_ended(&self) {
        while self.state().end.is_none() {
            self.ended.notified().await;
        }
    }

    /// Waits until the driver is aborted.
    pub(super) async fn aborted(&self) {
        while self.state().end != Some(End::Abort) {
            self.ended.notified().await;
        }
    }

    pub(super) fn stats(&self) -> Stats {
        Stats {
            calls_sent: self.sent.load(Ordering::Relaxed),
            calls_dropped: self.dropped.load(Ordering::Relaxed),
            reconnects: self.subscriptions().saturating_sub(1),
            heard: *lock(&self.heard),
            ..Stats::default()
        }
    }

    pub(super) fn subscribed(&self) {
        self.connected.store(true, Ordering::Relaxed);
        self.subscriptions.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn disconnected(&self) {
        self.connected.store(false, Ordering::Relaxed);
    }

    pub(super) fn connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    /// How often Mesos has accepted it.
    pub(super) fn subscriptions(&self) -> u64 {
        self.subscriptions.load(Ordering::Relaxed)
    }

    /// Says something, unless the last word was said.
    pub(super) fn say(&self, event: Event) {
        *lock(&self.heard) = Some(Instant::now());
        if let Some(events) = &*lock(&self.events) {
            events.send(event);
        }
    }

    /// Says the last word.
    pub(super) fn fail(&self, failure: Failure) {
        if let Some(events) = lock(&self.events).take() {
            events.send(Event::Error(failure));
        }
    }
}

/// What is a scheduler's or an executor's own in it. It holds the queue's sender.
pub(super) trait Life: Send + 'static {
    type Driver: Driver;

    fn shared(&self) -> &Shared<Self::Driver>;

    /// A driver that was not started; none if the end came before.
    fn construct(&self) -> Result<Option<SharedPtr<Self::Driver>>, Failure>;

    /// Is it to be started, with this end to come?
    fn begins(&self, end: Option<End>) -> bool {
        end.is_none()
    }

    /// The driver runs. The state is held, and an end that has come is about to be passed on.
    fn started(&self, _driver: &Self::Driver) {}

    /// Waits for its end.
    fn join(&self, driver: &Self::Driver) {
        driver.join();
    }

    /// The driver was joined: sees its end through.
    fn settle(&self);
}

/// Starts the thread of a driver.
pub(super) fn spawn(life: impl Life) -> Result<()> {
    let started = thread::Builder::new().name("mesos-libmesos".into()).spawn(|| {
        signals::block_all();
        live(life);
    });
    started.map(drop).map_err(|error| Error::os("starting the thread of libmesos' driver", &error))
}

fn live(life: impl Life) {
    let shared = life.shared();
    let driver = match life.construct() {
        Ok(Some(driver)) => driver,
        Ok(None) => return,
        Err(failure) => return shared.fail(failure),
    };
    if publish(&life, &driver) {
        if driver.start() {
            let mut state = shared.state();
            life.started(&driver);
            state.started = true;
            state.pass_on();
            drop(state);
            life.join(&driver);
            life.settle();
        } else {
            // it has said why, in most cases
            let message = "libmesos' driver did not start".into();
            shared.fail(Failure { kind: FailureKind::Mesos, message });
        }
    }
    // once nobody can call it any more, it is destroyed, and then the queue's last sender dropped
    shared.state().driver = None;
}

/// Lets the driver be called, unless the end came before.
fn publish<L: Life>(life: &L, driver: &SharedPtr<L::Driver>) -> bool {
    let mut state = life.shared().state();
    let begins = life.begins(state.end);
    if begins {
        state.driver = Some(driver.clone());
    }
    begins
}

/// Constructs a driver, the first one of the process only where libmesos survives it and with its log set.
pub(super) fn construct<D: Driver>(
    library: &Library,
    construct: impl FnOnce() -> Result<SharedPtr<D>, cxx::Exception>,
) -> Result<Option<SharedPtr<D>>, Failure> {
    let construct = || construct().map(Some).map_err(|error| error.what().to_owned());
    let log = || glog::apply(library).map_err(|error| error.to_string());
    environment::first(construct, log).map_err(|message| Failure { kind: FailureKind::Connection, message })
}
