//! What libmesos says, as `Event`s. These functions run in libmesos' threads, one at a time for a driver.
//!
//! # Invariants
//! * None of them blocks, attaches to Python or panics; the queue takes the event, or drops it after the end.
//! * An event holds validated bytes. What does not validate ends the driver: it is a libmesos that cannot be read.
//! * The sink dies with libmesos' driver, and with it the driver's hold on the queue.

use super::executor::Executor;
use super::scheduler::Scheduler;
use super::shared::{Driver, Shared};
use crate::driver::lifecycle::lock;
use crate::event::{Event, Failure, FailureKind, Placement};
use crate::queue::Sender;
use crate::wire::{Message, msg, validate};
use bytes::Bytes;
use cxx::{CxxString, CxxVector};
use std::sync::Arc;

/// The scheduler that libmesos knows; `ProxyScheduler` in cpp/scheduler.cc owns it.
pub(super) struct SchedulerSink {
    scheduler: Arc<Scheduler>,
    _hold: Sender,
}

impl SchedulerSink {
    pub(super) fn new(scheduler: Arc<Scheduler>, hold: Sender) -> Self {
        Self { scheduler, _hold: hold }
    }

    pub(super) fn registered(&self, framework_id: &[u8], master_info: &[u8]) {
        let read = || {
            let framework_id = read(msg::FRAMEWORK_ID, framework_id)?;
            lock(&self.scheduler.framework_id).clone_from(&framework_id);
            self.scheduler.registered(&framework_id).map_err(|error| error.to_string())?;
            Ok(self.subscribed(framework_id, read(msg::MASTER_INFO, master_info)?))
        };
        self.say(read());
    }

    pub(super) fn reregistered(&self, master_info: &[u8]) {
        let framework_id = lock(&self.scheduler.framework_id).clone();
        let master_info = read(msg::MASTER_INFO, master_info);
        self.say(master_info.map(|master_info| self.subscribed(framework_id, master_info)));
    }

    fn subscribed(&self, framework_id: Bytes, master_info: Bytes) -> Event {
        lock(&self.scheduler.master_info).clone_from(&master_info);
        self.scheduler.shared.subscribed();
        Event::Subscribed { framework_id, master_info: Some(master_info) }
    }

    pub(super) fn disconnected(&self) {
        self.scheduler.shared.disconnected();
        self.say(Ok(Event::Disconnected));
    }

    pub(super) fn resource_offers(&self, offers: &CxxVector<CxxString>) {
        let offers: Result<Vec<_>, _> =
            offers.iter().map(|offer| read(msg::OFFER, offer.as_bytes())).collect();
        match offers {
            Ok(offers) if offers.is_empty() => {}
            offers => self.say(offers.map(Event::Offers)),
        }
    }

    pub(super) fn offer_rescinded(&self, offer_id: &[u8]) {
        self.say(read(msg::OFFER_ID, offer_id).map(Event::OfferRescinded));
    }

    pub(super) fn status_update(&self, status: &[u8]) {
        self.say(read(msg::TASK_STATUS, status).map(Event::StatusUpdate));
    }

    pub(super) fn framework_message(&self, executor_id: &[u8], agent_id: &[u8], data: &[u8]) {
        let read = || {
            Ok(Event::FrameworkMessage {
                executor_id: read(msg::EXECUTOR_ID, executor_id)?,
                agent_id: read(msg::AGENT_ID, agent_id)?,
                data: Bytes::copy_from_slice(data),
            })
        };
        self.say(read());
    }

    pub(super) fn agent_lost(&self, agent_id: &[u8]) {
        self.say(read(msg::AGENT_ID, agent_id).map(|agent_id| Event::AgentLost { agent_id }));
    }

    pub(super) fn executor_lost(&self, executor_id: &[u8], agent_id: &[u8], status: i32) {
        let read = || {
            let executor_id = read(msg::EXECUTOR_ID, executor_id)?;
            Ok(Event::ExecutorLost { executor_id, agent_id: read(msg::AGENT_ID, agent_id)?, status })
        };
        self.say(read());
    }

    /// libmesos has aborted its driver.
    pub(super) fn error(&self, message: &[u8]) {
        fail(&self.scheduler.shared, message);
    }

    fn say(&self, event: Result<Event, String>) {
        say(&self.scheduler.shared, event);
    }
}

/// The executor that libmesos knows; `ProxyExecutor` in cpp/executor.cc owns it.
pub(super) struct ExecutorSink {
    executor: Arc<Executor>,
    _hold: Sender,
}

impl ExecutorSink {
    pub(super) fn new(executor: Arc<Executor>, hold: Sender) -> Self {
        Self { executor, _hold: hold }
    }

    pub(super) fn registered(&self, executor_info: &[u8], framework_info: &[u8], agent_info: &[u8]) {
        let read = || {
            let executor_info = read(msg::EXECUTOR_INFO, executor_info)?;
            let framework_info = read(msg::FRAMEWORK_INFO, framework_info)?;
            let agent_info = read(msg::AGENT_INFO, agent_info)?;
            Ok(self.subscribed(Placement { executor_info, framework_info, agent_info }))
        };
        self.say(read());
    }

    pub(super) fn reregistered(&self, agent_info: &[u8]) {
        let before = lock(&self.executor.placement).clone();
        let agent_info = read(msg::AGENT_INFO, agent_info);
        self.say(agent_info.map(|agent_info| self.subscribed(Placement { agent_info, ..before })));
    }

    fn subscribed(&self, placement: Placement) -> Event {
        lock(&self.executor.placement).clone_from(&placement);
        self.executor.shared.subscribed();
        Event::ExecutorSubscribed(placement)
    }

    /// No release says it, to this day.
    pub(super) fn disconnected(&self) {
        self.executor.shared.disconnected();
        self.say(Ok(Event::Disconnected));
    }

    pub(super) fn launch_task(&self, task: &[u8]) {
        self.say(read(msg::TASK_INFO, task).map(Event::Launch));
    }

    pub(super) fn kill_task(&self, task_id: &[u8]) {
        self.say(read(msg::TASK_ID, task_id).map(|task_id| Event::Kill { task_id, kill_policy: None }));
    }

    pub(super) fn framework_message(&self, data: &[u8]) {
        self.say(Ok(Event::SchedulerMessage(Bytes::copy_from_slice(data))));
    }

    pub(super) fn shutdown(&self) {
        self.say(Ok(Event::Shutdown));
    }

    /// libmesos has aborted its driver.
    pub(super) fn error(&self, message: &[u8]) {
        fail(&self.executor.shared, message);
    }

    fn say(&self, event: Result<Event, String>) {
        say(&self.executor.shared, event);
    }
}

fn say<D: Driver>(shared: &Shared<D>, event: Result<Event, String>) {
    match event {
        Ok(event) => shared.say(event),
        Err(what) => {
            let message = format!("libmesos said what cannot be read: {what}");
            shared.fail(Failure { kind: FailureKind::Mesos, message });
        }
    }
}

fn fail<D: Driver>(shared: &Shared<D>, message: &[u8]) {
    shared.fail(Failure::of_mesos(String::from_utf8_lossy(message).into_owned()));
}

fn read(message: &'static Message, bytes: &[u8]) -> Result<Bytes, String> {
    validate(message, bytes).map_err(|error| error.to_string())?;
    Ok(Bytes::copy_from_slice(bytes))
}
