//! What a driver over libmesos, its thread and its sink have in common, for schedulers and executors alike.
//!
//! # Invariants
//! * `Error` is the last event.
//! * libmesos' driver hears of one end, and of an abort after it; of none before it runs.

use crate::backend::{End, Stats};
use crate::driver::lifecycle::lock;
use crate::event::{Event, Failure};
use crate::queue::WeakSender;
use cxx::SharedPtr;
use cxx::memory::SharedPtrTarget;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
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
    /// Is the driver known to run, or to have run?
    pub(super) fn runs(&self) -> bool {
        self.started
    }

    /// From now on the driver can be told of an end, and is if there is one.
    pub(super) fn started(&mut self) {
        self.started = true;
        self.pass_on();
    }

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
