//! The libmesos backend of a scheduler driver: one thread that starts Mesos' own driver and waits for its end.
//!
//! # Invariants
//! * The thread constructs libmesos' driver, starts it, joins it and destroys it; everybody else only calls it. So
//!   a stop or an abort never waits for a callback, wherever it comes from.
//! * All signals are blocked in that thread, and so in every thread that libmesos makes: those inherit it.
//! * `Error` is the last event. The queue ends when the driver is destroyed and the thread is done.

use super::ffi::{self, Library, SchedulerDriver, SchedulerSettings};
use super::settings::Settings;
use super::sink::SchedulerSink;
use super::{calls, environment, glog, master, open, refused};
use crate::backend::http::lost;
use crate::backend::{Backend, End, Stats, Subscription};
use crate::driver::lifecycle::lock;
use crate::error::{Error, Result};
use crate::event::{Call, Event, Failure, FailureKind};
use crate::queue::{Sender, WeakSender};
use crate::runtime;
use crate::sys::signals;
use bytes::Bytes;
use cxx::SharedPtr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::Notify;

/// Loads libmesos and starts the thread; whatever happens then is an event.
///
/// Fails if there is no libmesos that can do what is wanted.
pub(crate) fn connect(
    settings: Settings,
    subscription: Subscription,
    sender: Sender,
) -> Result<Arc<dyn Backend>> {
    if subscription.offer_constraints.is_some() {
        return Err(Error::Configuration(
            "offer_constraints: libmesos takes them only from a registered framework; call update_framework in \
             `registered`, or use backend=\"http\""
                .into(),
        ));
    }
    let runtime = runtime::handle()?;
    let library = open(&settings.library)?;
    let said = said("", &settings, &subscription);
    ffi::check_scheduler_settings(&library, &said).map_err(refused)?;
    let shared = Arc::new(Shared::new(subscription.framework.clone(), sender.downgrade()));
    if let Some(limit) = settings.connect_timeout {
        runtime.spawn(Shared::give_up_after(Arc::downgrade(&shared), limit));
    }
    let life = Life { library, settings, subscription, shared: shared.clone(), sender, runtime };
    let started = thread::Builder::new().name("mesos-libmesos".into()).spawn(|| {
        signals::block_all();
        life.live();
    });
    started.map_err(|error| Error::os("starting the thread of libmesos' driver", &error))?;
    Ok(shared)
}

fn said<'a>(
    master: &'a str,
    settings: &'a Settings,
    subscription: &'a Subscription,
) -> SchedulerSettings<'a> {
    SchedulerSettings {
        framework: &subscription.framework,
        master,
        credential: &settings.credential,
        suppressed_roles: &subscription.suppressed_roles,
    }
}

/// What the driver, its thread and its sink have in common.
pub(super) struct Shared {
    /// `FrameworkInfo`, as it was at the start
    framework: Bytes,
    state: Mutex<State>,
    /// an end has come: for the thread, when it waits for the master
    ended: Notify,
    /// `FrameworkID`, once there is one
    pub(super) framework_id: Mutex<Bytes>,
    /// `MasterInfo`, likewise
    master_info: Mutex<Bytes>,
    /// `None` when the last word was said; the strong ends are the thread's and the sink's
    events: Mutex<Option<WeakSender>>,
    connected: AtomicBool,
    sent: AtomicU64,
    dropped: AtomicU64,
    subscriptions: AtomicU64,
    /// when libmesos last said anything
    heard: Mutex<Option<Instant>>,
}

#[derive(Default)]
struct State {
    /// from its construction to its end
    driver: Option<SharedPtr<SchedulerDriver>>,
    /// it can be told of an end: one that comes earlier waits for it
    started: bool,
    end: Option<End>,
}

impl Backend for Shared {
    fn send(&self, call: Call) -> Result<()> {
        calls::check(&call)?;
        let heard = {
            let state = lock(&self.state);
            if let Some(driver) = &state.driver {
                calls::make(driver, &call)?;
            } else {
                // what libmesos says of a launch without a master
                lost::updates(&call, &self.framework).into_iter().for_each(|lost| self.say(lost));
            }
            state.driver.is_some() && (self.connected.load(Ordering::Relaxed) || calls::is_kept(&call))
        };
        let counter = if heard { &self.sent } else { &self.dropped };
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn end(&self, how: End) {
        let mut state = lock(&self.state);
        if state.end.is_none_or(|before| before != End::Abort && how == End::Abort) {
            state.end = Some(how);
            state.pass_on();
            self.ended.notify_one();
        }
    }

    fn stats(&self) -> Stats {
        Stats {
            calls_sent: self.sent.load(Ordering::Relaxed),
            calls_dropped: self.dropped.load(Ordering::Relaxed),
            reconnects: self.subscriptions.load(Ordering::Relaxed).saturating_sub(1),
            heard: *lock(&self.heard),
            ..Stats::default()
        }
    }
}

impl State {
    /// Tells libmesos' driver of the end, once there are both.
    fn pass_on(&self) {
        match (self.end, self.driver.as_ref().filter(|_| self.started)) {
            (Some(End::Teardown), Some(driver)) => driver.tear_down(),
            // a stop for a failover would tell the master nothing; as libmesos keeps its connection for as long as
            // the process lives, the master would go on making offers to nobody
            (Some(End::Failover | End::Abort), Some(driver)) => driver.abort(),
            _ => {}
        }
    }
}

impl Shared {
    fn new(framework: Bytes, events: WeakSender) -> Self {
        Self {
            framework,
            state: Mutex::default(),
            ended: Notify::new(),
            framework_id: Mutex::default(),
            master_info: Mutex::default(),
            events: Mutex::new(Some(events)),
            connected: AtomicBool::new(false),
            sent: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            subscriptions: AtomicU64::new(0),
            heard: Mutex::default(),
        }
    }

    fn started(&self) {
        let mut state = lock(&self.state);
        state.started = true;
        state.pass_on();
    }

    /// Waits until the driver is aborted.
    async fn aborted(&self) {
        while lock(&self.state).end != Some(End::Abort) {
            self.ended.notified().await;
        }
    }

    /// This master has registered the framework.
    pub(super) fn subscribed(&self, master_info: &Bytes) {
        lock(&self.master_info).clone_from(master_info);
        self.connected.store(true, Ordering::Relaxed);
        self.subscriptions.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn disconnected(&self) {
        self.connected.store(false, Ordering::Relaxed);
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

    /// Fails if the framework is not registered then.
    async fn give_up_after(this: Weak<Self>, limit: Duration) {
        tokio::time::sleep(limit).await;
        let Some(this) = this.upgrade() else { return };
        if this.subscriptions.load(Ordering::Relaxed) == 0 {
            let message = format!(
                "no master has registered the framework in {} s (connect_timeout)",
                limit.as_secs_f64()
            );
            this.fail(Failure { kind: FailureKind::Connection, message });
            this.end(End::Abort);
        }
    }
}

/// The thread of one driver.
struct Life {
    library: SharedPtr<Library>,
    settings: Settings,
    subscription: Subscription,
    shared: Arc<Shared>,
    sender: Sender,
    runtime: Handle,
}

impl Life {
    fn live(self) {
        let driver = match self.construct() {
            Ok(Some(driver)) => driver,
            Ok(None) => return,
            Err(failure) => return self.shared.fail(failure),
        };
        if self.publish(&driver) {
            if driver.start() {
                self.shared.started();
                driver.join();
                self.settle();
            } else {
                // it has said why, in most cases
                let message = "libmesos' driver did not start".into();
                self.shared.fail(Failure { kind: FailureKind::Mesos, message });
            }
        }
        // once nobody can call it any more, it is destroyed, and then the queue's last sender dropped
        lock(&self.shared.state).driver = None;
    }

    /// A driver that was not started; none if the end came before.
    fn construct(&self) -> Result<Option<SharedPtr<SchedulerDriver>>, Failure> {
        let find = master::find(self.settings.master.clone(), self.settings.failover_timeout);
        let found = self.runtime.block_on(async {
            tokio::select! {
                found = find => Some(found),
                () = self.shared.ended.notified() => None,
            }
        });
        let Some(master) = found.transpose()? else { return Ok(None) };
        let sink = Box::new(SchedulerSink::new(self.shared.clone(), self.sender.clone()));
        let said = said(&master, &self.settings, &self.subscription);
        let failed = |message| Failure { kind: FailureKind::Connection, message };
        let construct = || {
            let made = ffi::new_scheduler_driver(self.library.clone(), &said, sink);
            made.map(Some).map_err(|error| error.what().to_owned())
        };
        let log = || glog::apply(&self.library).map_err(|error| error.to_string());
        environment::first(construct, log).map_err(failed)
    }

    /// Sees a TEARDOWN through.
    fn settle(&self) {
        let torn_down = lock(&self.shared.state).end == Some(End::Teardown);
        let master = lock(&self.shared.master_info).clone();
        if torn_down && self.shared.connected.load(Ordering::Relaxed) {
            self.runtime.block_on(async {
                tokio::select! {
                    () = master::settle(&master) => {}
                    () = self.shared.aborted() => {}
                }
            });
        }
    }

    /// Lets the driver be called, unless the end came before.
    fn publish(&self, driver: &SharedPtr<SchedulerDriver>) -> bool {
        let mut state = lock(&self.shared.state);
        if state.end.is_none() {
            state.driver = Some(driver.clone());
        }
        state.end.is_none()
    }
}
