//! The libmesos backend of an executor driver. Who it is and where its agent is libmesos reads in the environment.
//!
//! # Invariants
//! * No update is lost: what is sent before libmesos' driver runs waits for that, as libmesos would drop it. From then on
//!   libmesos keeps each until its agent has acknowledged it.
//! * A stop is seen through when the agent has seen what was sent before; that it has acknowledged it libmesos tells
//!   nobody.
//! * libmesos itself ends the process group when the grace period after a `Shutdown` is over.

use super::ffi::{self, ExecutorDriver, Library};
use super::life::{self, Life};
use super::master::resolve;
use super::settle::settle;
use super::shared::{Driver, Shared};
use super::sink::ExecutorSink;
use super::{open, refused};
use crate::backend::http::master::Endpoint;
use crate::backend::{Backend, END_TIMEOUT, End, Stats};
use crate::driver::lifecycle::lock;
use crate::error::{Error, Result};
use crate::event::{Call, Failure, FailureKind, Placement};
use crate::queue::Sender;
use crate::runtime;
use crate::wire::Writer;
use crate::wire::field::{agent_info, executor_info, framework_info};
use bytes::Bytes;
use cxx::SharedPtr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Handle;

/// What of an executor's environment is of interest here, too.
pub(crate) struct Settings {
    /// the path of the library; empty is the one of the environment
    pub(crate) library: String,
    pub(crate) agent: Endpoint,
    /// `FrameworkID`
    pub(crate) framework_id: Bytes,
    /// `ExecutorID`
    pub(crate) executor_id: Bytes,
    /// from `Shutdown` to the end of the process group; `None` = nobody ends it
    pub(crate) grace_period: Option<Duration>,
}

/// Loads libmesos and starts the thread; whatever happens then is an event.
///
/// Fails if there is no libmesos, or none with an executor's driver.
pub(crate) fn connect(settings: Settings, sender: Sender) -> Result<Arc<dyn Backend>> {
    let runtime = runtime::handle()?;
    let library = open(&settings.library)?;
    ffi::check_executor(&library).map_err(refused)?;
    let executor = Arc::new(Executor {
        shared: Shared::new(sender.downgrade()),
        early: Mutex::new(Some(Vec::new())),
        placement: Mutex::new(placement(&settings)),
    });
    let connected = executor.clone();
    life::spawn(ExecutorLife { library, settings, executor, sender, runtime })?;
    Ok(connected)
}

/// As much as is known before the agent says it: it may never, if it was started again in between.
fn placement(settings: &Settings) -> Placement {
    let (mut executor, mut framework, mut agent) = (Writer::new(), Writer::new(), Writer::new());
    executor
        .bytes(executor_info::EXECUTOR_ID, &settings.executor_id)
        .bytes(executor_info::FRAMEWORK_ID, &settings.framework_id);
    framework
        .string(framework_info::USER, "")
        .string(framework_info::NAME, "")
        .bytes(framework_info::ID, &settings.framework_id);
    agent.string(agent_info::HOSTNAME, "");
    Placement {
        executor_info: executor.finish().into(),
        framework_info: framework.finish().into(),
        agent_info: agent.finish().into(),
    }
}

/// What the driver, its thread and its sink have in common.
pub(super) struct Executor {
    pub(super) shared: Shared<ExecutorDriver>,
    /// calls that wait for libmesos' driver to run; `None` from then on
    early: Mutex<Option<Vec<Call>>>,
    /// of the last registration
    pub(super) placement: Mutex<Placement>,
}

impl Backend for Executor {
    fn send(&self, call: Call) -> Result<()> {
        let state = self.shared.state();
        let heard = match (&mut *lock(&self.early), &state.driver) {
            (Some(early), _) => {
                early.push(call);
                return Ok(());
            }
            (None, Some(driver)) => {
                make(driver, &call)?;
                true
            }
            (None, None) => false,
        };
        self.shared.count(1, heard);
        Ok(())
    }

    fn end(&self, how: End) {
        self.shared.end(how);
    }

    fn stats(&self) -> Stats {
        self.shared.stats()
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

/// Calls the driver.
fn make(driver: &ExecutorDriver, call: &Call) -> Result<()> {
    let made = match call {
        Call::Update(status) => driver.send_status_update(status),
        Call::SchedulerMessage(data) => driver.send_framework_message(data),
        _ => return Err(Error::Configuration("an executor's driver cannot speak for a scheduler".into())),
    };
    made.map_err(refused)
}

/// What the thread of one driver has.
struct ExecutorLife {
    library: SharedPtr<Library>,
    settings: Settings,
    executor: Arc<Executor>,
    sender: Sender,
    runtime: Handle,
}

impl Life for ExecutorLife {
    type Driver = ExecutorDriver;

    fn shared(&self) -> &Shared<ExecutorDriver> {
        &self.executor.shared
    }

    fn construct(&self) -> Result<Option<SharedPtr<ExecutorDriver>>, Failure> {
        // libmesos ends the process over an agent that it cannot find
        self.runtime.block_on(resolve(&self.settings.agent)).map_err(|what| Failure {
            kind: FailureKind::Connection,
            message: format!("MESOS_SLAVE_PID: {}: {what}", self.settings.agent),
        })?;
        let sink = Box::new(ExecutorSink::new(self.executor.clone(), self.sender.clone()));
        life::construct(&self.library, || ffi::new_executor_driver(self.library.clone(), sink))
    }

    /// What was sent before a stop is sent.
    fn begins(&self, end: Option<End>) -> bool {
        end != Some(End::Abort)
    }

    /// Makes the calls that have waited.
    fn started(&self, driver: &ExecutorDriver) {
        for call in lock(&self.executor.early).take().unwrap_or_default() {
            match make(driver, &call) {
                Ok(()) => self.shared().count(1, true),
                Err(error) => {
                    let message = error.to_string();
                    self.shared().fail(Failure { kind: FailureKind::Mesos, message });
                }
            }
        }
    }

    fn join(&self, driver: &ExecutorDriver) {
        if self.settings.grace_period.is_none() {
            // with MESOS_LOCAL libmesos' driver is gone after a `Shutdown`, and never wakes who joined it before
            self.runtime.block_on(self.shared().has_ended());
        }
        driver.join();
    }

    /// Sees a stop through, in a part of the time that a `Shutdown` leaves.
    fn settle(&self) {
        let limit = self.settings.grace_period.map_or(END_TIMEOUT, |grace| END_TIMEOUT.min(grace / 5));
        if self.shared().state().end != Some(End::Abort) {
            self.runtime.block_on(async {
                tokio::select! {
                    () = settle(&self.settings.agent, "/health", limit) => {}
                    () = self.shared().aborted() => {}
                }
            });
        }
    }
}

impl Drop for ExecutorLife {
    /// Whatever still waits for libmesos' driver waits in vain.
    fn drop(&mut self) {
        let early = lock(&self.executor.early).take().unwrap_or_default();
        self.shared().count(early.len() as u64, false);
    }
}
