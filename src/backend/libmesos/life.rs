//! The life of a driver over libmesos, a scheduler's or an executor's: one thread that starts Mesos' own driver and
//! waits for its end.
//!
//! # Invariants
//! * The thread constructs libmesos' driver, starts it, joins it and destroys it; everybody else only calls it. So
//!   a stop or an abort never waits for a callback, wherever it comes from.
//! * All signals are blocked in that thread, and so in every thread that libmesos makes: those inherit it.
//! * The queue ends when the driver is destroyed and the thread is done.

use super::ffi::Library;
use super::shared::{Driver, Shared};
use super::{environment, glog};
use crate::backend::End;
use crate::error::{Error, Result};
use crate::event::{Failure, FailureKind};
use crate::sys::signals;
use cxx::SharedPtr;
use std::thread;

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
            state.started();
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
