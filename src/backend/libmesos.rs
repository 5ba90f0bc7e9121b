//! The backend on the user's own libmesos: finding and loading the library, and Mesos' own drivers in it (`cpp/`).
//!
//! `scheduler` and `executor` are the backends of either driver, `life` is the thread that runs it, `shared` what all of
//! these have, `sink` makes `Event`s of what libmesos says, `calls` calls its methods for `Call`s. `settings` reads what
//! the user gave, `master` finds who is to be told of, `environment` refuses what would end the process, `glog` sets how
//! much libmesos logs, `settle` sees to it that Mesos has heard the last of it.
//!
//! # Invariants
//! * The one bridge to C++, and the only Rust that knows of it.
//! * Across it go bytes, strings, integers and opaque objects; never a protobuf type. v0's messages are v1's on the
//!   wire, so nothing is converted.
//! * No function here needs the GIL: a load takes a tenth of a second, and libmesos' threads know no Python.

#![expect(
    unsafe_code,
    unreachable_pub,
    clippy::panic,
    reason = "code that the bridge generates: calls to C++, all of it `pub`, with panics on what cannot happen"
)]

mod calls;
mod environment;
pub(crate) mod executor;
mod glog;
mod life;
mod master;
pub(crate) mod scheduler;
pub(crate) mod settings;
mod settle;
mod shared;
mod sink;
#[cfg(test)]
mod tests;

use crate::error::{Error, Result};
use crate::wire;
use cxx::SharedPtr;
use pyo3::prelude::*;
use sink::{ExecutorSink, SchedulerSink};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

#[cxx::bridge(namespace = "mesos_native")]
mod ffi {
    /// A message.
    struct Wire<'a> {
        bytes: &'a [u8],
    }

    /// What a scheduler driver is constructed with.
    struct SchedulerSettings<'a> {
        /// `FrameworkInfo`
        framework: &'a [u8],
        /// `host:port` or `zk://…`
        master: &'a str,
        /// `Credential`; empty is none
        credential: &'a [u8],
        suppressed_roles: &'a [String],
        /// `scheduler.OfferConstraints`, to be said later; empty is none
        constraints: &'a [u8],
    }

    // What libmesos calls, in threads of its own; messages are bytes of the class that the name says.
    extern "Rust" {
        type SchedulerSink;

        fn registered(self: &SchedulerSink, framework_id: &[u8], master_info: &[u8]);
        fn reregistered(self: &SchedulerSink, master_info: &[u8]);
        fn disconnected(self: &SchedulerSink);
        fn resource_offers(self: &SchedulerSink, offers: &CxxVector<CxxString>);
        fn offer_rescinded(self: &SchedulerSink, offer_id: &[u8]);
        fn status_update(self: &SchedulerSink, status: &[u8]);
        fn framework_message(self: &SchedulerSink, executor_id: &[u8], agent_id: &[u8], data: &[u8]);
        fn agent_lost(self: &SchedulerSink, agent_id: &[u8]);
        fn executor_lost(self: &SchedulerSink, executor_id: &[u8], agent_id: &[u8], status: i32);
        fn error(self: &SchedulerSink, message: &[u8]);

        type ExecutorSink;

        fn registered(self: &ExecutorSink, executor_info: &[u8], framework_info: &[u8], agent_info: &[u8]);
        fn reregistered(self: &ExecutorSink, agent_info: &[u8]);
        fn disconnected(self: &ExecutorSink);
        fn launch_task(self: &ExecutorSink, task: &[u8]);
        fn kill_task(self: &ExecutorSink, task_id: &[u8]);
        fn framework_message(self: &ExecutorSink, data: &[u8]);
        fn shutdown(self: &ExecutorSink);
        fn error(self: &ExecutorSink, message: &[u8]);
    }

    // SAFETY: all of these may be called from any thread, with any arguments; they throw, or return a value that
    // owns what it holds.
    unsafe extern "C++" {
        include!("mesos/cpp/library.h");
        include!("mesos/cpp/scheduler.h");
        include!("mesos/cpp/executor.h");

        type Library;

        fn open_library(path: &str) -> Result<SharedPtr<Library>>;
        fn version_response(self: &Library) -> Result<Vec<u8>>;
        fn log(self: &Library, severity: i32, directory: &str) -> Result<()>;

        type SchedulerDriver;

        fn check_scheduler_settings(library: &Library, settings: &SchedulerSettings) -> Result<()>;
        fn new_scheduler_driver(
            library: SharedPtr<Library>,
            settings: &SchedulerSettings,
            sink: Box<SchedulerSink>,
        ) -> Result<SharedPtr<SchedulerDriver>>;
        fn start(self: &SchedulerDriver) -> bool;
        fn tear_down(self: &SchedulerDriver);
        fn abort(self: &SchedulerDriver);
        fn join(self: &SchedulerDriver);
        fn accept_offers(
            self: &SchedulerDriver,
            offer_ids: &[Wire],
            operations: &[Wire],
            filters: &[u8],
        ) -> Result<()>;
        fn decline_offer(self: &SchedulerDriver, offer_id: &[u8], filters: &[u8]) -> Result<()>;
        fn revive_offers(self: &SchedulerDriver, roles: &[String]) -> Result<()>;
        fn suppress_offers(self: &SchedulerDriver, roles: &[String]) -> Result<()>;
        fn kill_task(self: &SchedulerDriver, task_id: &[u8]) -> Result<()>;
        fn acknowledge(self: &SchedulerDriver, status: &[u8]) -> Result<()>;
        fn reconcile_tasks(self: &SchedulerDriver, statuses: &[Wire]) -> Result<()>;
        fn send_framework_message(
            self: &SchedulerDriver,
            executor_id: &[u8],
            agent_id: &[u8],
            data: &[u8],
        ) -> Result<()>;
        fn request_resources(self: &SchedulerDriver, requests: &[Wire]) -> Result<()>;
        fn update_framework(
            self: &SchedulerDriver,
            framework: &[u8],
            suppressed_roles: &[String],
            constraints: &[u8],
        ) -> Result<()>;

        type ExecutorDriver;

        fn check_executor(library: &Library) -> Result<()>;
        fn new_executor_driver(
            library: SharedPtr<Library>,
            sink: Box<ExecutorSink>,
        ) -> Result<SharedPtr<ExecutorDriver>>;
        fn start(self: &ExecutorDriver) -> bool;
        fn stop(self: &ExecutorDriver);
        fn abort(self: &ExecutorDriver);
        fn join(self: &ExecutorDriver);
        fn send_status_update(self: &ExecutorDriver, status: &[u8]) -> Result<()>;
        fn send_framework_message(self: &ExecutorDriver, data: &[u8]) -> Result<()>;
    }
}

// SAFETY: a Library is not changed once it is made, and `log` writes only what glog expects to change at any time.
unsafe impl Send for ffi::Library {}
// SAFETY: as above.
unsafe impl Sync for ffi::Library {}
// SAFETY: libmesos' driver is made to be called from any thread, and what stands around it is not changed.
unsafe impl Send for ffi::SchedulerDriver {}
// SAFETY: as above.
unsafe impl Sync for ffi::SchedulerDriver {}
// SAFETY: as above; the one thing that changes is atomic.
unsafe impl Send for ffi::ExecutorDriver {}
// SAFETY: as above.
unsafe impl Sync for ffi::ExecutorDriver {}

/// The process that loaded a libmesos; 0 before.
static LOADER: AtomicU32 = AtomicU32::new(0);

/// Loads a libmesos; an empty path means the one of the environment.
fn open(path: &str) -> Result<SharedPtr<ffi::Library>> {
    let pid = process::id();
    // in a forked child its threads are missing, and what they held at the fork is held for ever
    if ![0, pid].contains(&LOADER.load(Ordering::Acquire)) {
        return Err(Error::ForkedLibrary);
    }
    let library = ffi::open_library(path).map_err(refused)?;
    LOADER.store(pid, Ordering::Release);
    Ok(library)
}

/// What C++ throws says what is wrong, and with which library.
fn refused(error: cxx::Exception) -> Error {
    Error::Configuration(error.what().to_owned())
}

/// The release of Mesos that a libmesos is, like `1.11.0`; an empty `library` means the one of the environment.
pub(crate) fn version(library: &str) -> Result<String> {
    let library = open(library)?;
    let library =
        library.as_ref().ok_or_else(|| Error::Configuration("no libmesos was loaded".to_owned()))?;
    let response = library.version_response().map_err(refused)?;
    // Response.get_version.version_info.version
    let version =
        [4, 1, 1].iter().try_fold(&response[..], |message, &number| wire::last_bytes(message, number));
    version
        .map(|text| String::from_utf8_lossy(text).into_owned())
        .ok_or_else(|| Error::Configuration("libmesos does not tell its version".to_owned()))
}

/// The Python face of `version`: `mesos.libmesos_version` is a wrapper of it.
#[pyfunction]
#[pyo3(name = "libmesos_version")]
pub(crate) fn py_version(py: Python<'_>, library: &str) -> PyResult<String> {
    Ok(py.detach(|| version(library))?)
}
