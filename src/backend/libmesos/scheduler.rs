//! The libmesos backend of a scheduler driver.
//!
//! # Invariants
//! * What libmesos would lose without a word is answered here: launches that no master can get.
//! * Its constructor takes no offer constraints. A framework that has some subscribes with all its roles suppressed, and
//!   says the rest as soon as it is registered: an offer that they exclude it never gets.
//! * libmesos is not called with the GIL held. What a handler's end acknowledges is left until its turn has ended, or made
//!   by a thread for that if another handler comes first: to release the GIL for each would cost a busy program dearly.
//! * Before its driver runs, what the framework says of itself is kept for it: libmesos keeps that, too, once it runs.

use super::ffi::{self, Library, SchedulerDriver, SchedulerSettings};
use super::life::{self, Life};
use super::settings::Settings;
use super::settle::settle;
use super::shared::{Driver, Shared, State};
use super::sink::SchedulerSink;
use super::{calls, master, open, refused};
use crate::backend::http::detect::of_info;
use crate::backend::http::lost;
use crate::backend::http::master::Scheme;
use crate::backend::http::settings::Settings as Wanted;
use crate::backend::{Backend, END_TIMEOUT, End, Stats, Subscription};
use crate::driver::lifecycle::lock;
use crate::error::{Error, Result};
use crate::event::{Call, Failure, FailureKind};
use crate::queue::{Sender, WeakSender};
use crate::runtime;
use bytes::Bytes;
use cxx::SharedPtr;
use std::mem;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tracing::warn;

/// Loads libmesos and starts the thread; whatever happens then is an event.
///
/// Fails if there is no libmesos that can do what is wanted.
pub(crate) fn connect(
    settings: Settings,
    mut subscription: Subscription,
    sender: Sender,
) -> Result<Arc<dyn Backend>> {
    let constraints = subscription.offer_constraints.as_ref().filter(|constraints| !constraints.is_empty());
    let wanted = constraints.map(|_| Wanted::new(subscription.clone()));
    if wanted.is_some() {
        subscription.suppress(&[]);
    }
    let runtime = runtime::handle()?;
    let library = open(&settings.library)?;
    let said = said("", &settings, &subscription);
    ffi::check_scheduler_settings(&library, &said).map_err(refused)?;
    let scheduler = Arc::new(Scheduler::new(subscription.framework.clone(), wanted, sender.downgrade()));
    if let Some(limit) = settings.connect_timeout {
        runtime.spawn(give_up_after(Arc::downgrade(&scheduler), limit));
    }
    runtime.spawn(acknowledge(Arc::downgrade(&scheduler), scheduler.handed_over.clone()));
    let scheduled = scheduler.clone();
    life::spawn(SchedulerLife { library, settings, subscription, scheduler, sender, runtime })?;
    Ok(scheduled)
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
        constraints: subscription.offer_constraints.as_ref().map_or(&[], |constraints| constraints),
    }
}

/// What the driver, its thread and its sink have in common.
pub(super) struct Scheduler {
    pub(super) shared: Shared<SchedulerDriver>,
    /// acknowledgements that are to be made
    left: Mutex<Vec<Call>>,
    handed_over: Arc<Notify>,
    /// calls that wait for libmesos' driver to run
    early: Mutex<Vec<Call>>,
    /// `FrameworkInfo`, as it was at the start
    framework: Bytes,
    /// `FrameworkID`, once there is one
    pub(super) framework_id: Mutex<Bytes>,
    /// `MasterInfo`, likewise
    pub(super) master_info: Mutex<Bytes>,
    /// what is to be said once the framework is registered, if it could not be said before
    wanted: Mutex<Option<Wanted>>,
}

impl Scheduler {
    fn new(framework: Bytes, wanted: Option<Wanted>, events: WeakSender) -> Self {
        Self {
            shared: Shared::new(events),
            left: Mutex::default(),
            handed_over: Arc::default(),
            early: Mutex::default(),
            framework,
            framework_id: Mutex::default(),
            master_info: Mutex::default(),
            wanted: Mutex::new(wanted),
        }
    }

    /// Says what has waited for this `FrameworkID`.
    pub(super) fn registered(&self, framework_id: &[u8]) -> Result<()> {
        let state = self.shared.state();
        match (lock(&self.wanted).take(), &state.driver) {
            (Some(mut wanted), Some(driver)) => {
                wanted.registered(framework_id);
                calls::make(driver, &wanted.update())
            }
            _ => Ok(()),
        }
    }

    /// Makes a call, or says what became of it.
    fn make(&self, state: &State<SchedulerDriver>, call: &Call) -> Result<()> {
        let waits = lock(&self.wanted).as_mut().is_some_and(|wanted| wanted.absorb(call));
        // it may say that the framework is registered before it is known to run
        let driver = state.driver.as_ref().filter(|_| state.runs() || self.shared.connected());
        let heard = if waits {
            true
        } else if let Some(driver) = driver {
            self.make_early(driver)?;
            calls::make(driver, call)?;
            self.shared.connected() || calls::is_kept(call)
        } else if calls::is_kept(call) && state.end.is_none() {
            lock(&self.early).push(call.clone());
            return Ok(());
        } else {
            // what libmesos says of a launch without a master
            lost::updates(call, &self.framework).into_iter().for_each(|lost| self.shared.say(lost));
            false
        };
        self.shared.count(1, heard);
        Ok(())
    }

    /// Makes the calls that have waited.
    fn make_early(&self, driver: &SchedulerDriver) -> Result<()> {
        let early = mem::take(&mut *lock(&self.early));
        self.shared.count(early.len() as u64, true);
        early.iter().try_for_each(|call| calls::make(driver, call))
    }

    /// Makes the acknowledgements that are left.
    fn make_left(&self, state: &State<SchedulerDriver>) -> Result<()> {
        let left = mem::take(&mut *lock(&self.left));
        left.iter().try_for_each(|call| self.make(state, call))
    }

    fn fail(&self, error: &Error) {
        self.shared.fail(Failure { kind: FailureKind::Mesos, message: error.to_string() });
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        self.handed_over.notify_one(); // who waits for it sees that nobody is left
    }
}

impl Backend for Scheduler {
    fn send(&self, call: Call) -> Result<()> {
        calls::check(&call)?;
        let state = self.shared.state();
        self.make_left(&state)?; // what was acknowledged before the call goes before it
        self.make(&state, &call)
    }

    fn acknowledge(&self, call: Call) -> Result<bool> {
        calls::check(&call)?;
        lock(&self.left).push(call);
        Ok(true)
    }

    fn flush(&self) -> Result<()> {
        self.make_left(&self.shared.state()) // until all are made: no end comes in between
    }

    fn hand_over(&self) {
        self.handed_over.notify_one();
    }

    fn end(&self, how: End) {
        if let Err(error) = self.flush() {
            warn!(target: "mesos.libmesos", "an acknowledgement was not made before the end: {error}");
        }
        self.shared.end(how);
    }

    fn stats(&self) -> Stats {
        self.shared.stats()
    }
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

/// Makes the acknowledgements that are handed over, as long as there is a driver.
async fn acknowledge(scheduler: Weak<Scheduler>, handed_over: Arc<Notify>) {
    loop {
        handed_over.notified().await;
        let Some(scheduler) = scheduler.upgrade() else { return };
        let flush = move || {
            scheduler.flush().inspect_err(|error| {
                scheduler.fail(error);
                scheduler.shared.end(End::Abort);
            })
        };
        // what the driver has heard; or a panic, which has been shown
        drop(spawn_blocking(flush).await);
    }
}

/// Fails if the framework is not registered then.
async fn give_up_after(scheduler: Weak<Scheduler>, limit: Duration) {
    tokio::time::sleep(limit).await;
    let Some(scheduler) = scheduler.upgrade() else { return };
    if scheduler.shared.subscriptions() == 0 {
        let message =
            format!("no master has registered the framework in {} s (connect_timeout)", limit.as_secs_f64());
        scheduler.shared.fail(Failure { kind: FailureKind::Connection, message });
        scheduler.shared.end(End::Abort);
    }
}

/// What the thread of one driver has.
struct SchedulerLife {
    library: SharedPtr<Library>,
    settings: Settings,
    subscription: Subscription,
    scheduler: Arc<Scheduler>,
    sender: Sender,
    runtime: Handle,
}

impl Life for SchedulerLife {
    type Driver = SchedulerDriver;

    fn shared(&self) -> &Shared<SchedulerDriver> {
        &self.scheduler.shared
    }

    fn construct(&self) -> Result<Option<SharedPtr<SchedulerDriver>>, Failure> {
        let find = master::find(self.settings.master.clone(), self.settings.failover_timeout);
        let found = self.runtime.block_on(async {
            tokio::select! {
                found = find => Some(found),
                () = self.shared().has_ended() => None,
            }
        });
        let Some(master) = found.transpose()? else { return Ok(None) };
        let sink = Box::new(SchedulerSink::new(self.scheduler.clone(), self.sender.clone()));
        let said = said(&master, &self.settings, &self.subscription);
        life::construct(&self.library, || ffi::new_scheduler_driver(self.library.clone(), &said, sink))
    }

    fn started(&self, driver: &SchedulerDriver) {
        if let Err(error) = self.scheduler.make_early(driver) {
            self.scheduler.fail(&error);
        }
    }

    /// Sees a TEARDOWN through.
    fn settle(&self) {
        let torn_down = self.shared().state().end == Some(End::Teardown);
        let master = of_info(&lock(&self.scheduler.master_info), Scheme::Http);
        if let Ok(master) = master
            && torn_down
            && self.shared().connected()
        {
            self.runtime.block_on(async {
                tokio::select! {
                    () = settle(&master, "/master/health", END_TIMEOUT) => {}
                    () = self.shared().aborted() => {}
                }
            });
        }
    }
}

impl Drop for SchedulerLife {
    /// Whatever still waits for libmesos' driver waits in vain.
    fn drop(&mut self) {
        let early = mem::take(&mut *lock(&self.scheduler.early));
        self.shared().count(early.len() as u64, false);
    }
}
