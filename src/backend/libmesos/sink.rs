//! What libmesos says, as `Event`s. These functions run in libmesos' threads, one at a time for a driver.
//!
//! # Invariants
//! * None of them blocks, attaches to Python or panics; the queue takes the event, or drops it after the end.
//! * An event holds validated bytes. What does not validate ends the driver: it is a libmesos that cannot be read.
//! * The sink dies with libmesos' driver, and with it the driver's hold on the queue.

use super::scheduler::Shared;
use crate::driver::lifecycle::lock;
use crate::event::{Event, Failure, FailureKind};
use crate::queue::Sender;
use crate::wire::{Message, msg, validate};
use bytes::Bytes;
use cxx::{CxxString, CxxVector};
use std::sync::Arc;

/// The scheduler that libmesos knows; `ProxyScheduler` in cpp/scheduler.cc owns it.
pub(super) struct SchedulerSink {
    shared: Arc<Shared>,
    _hold: Sender,
}

impl SchedulerSink {
    pub(super) fn new(shared: Arc<Shared>, hold: Sender) -> Self {
        Self { shared, _hold: hold }
    }

    pub(super) fn registered(&self, framework_id: &[u8], master_info: &[u8]) {
        let read = || {
            let framework_id = read(msg::FRAMEWORK_ID, framework_id)?;
            lock(&self.shared.framework_id).clone_from(&framework_id);
            Ok(self.subscribed(framework_id, read(msg::MASTER_INFO, master_info)?))
        };
        self.say(read());
    }

    pub(super) fn reregistered(&self, master_info: &[u8]) {
        let framework_id = lock(&self.shared.framework_id).clone();
        let master_info = read(msg::MASTER_INFO, master_info);
        self.say(master_info.map(|master_info| self.subscribed(framework_id, master_info)));
    }

    fn subscribed(&self, framework_id: Bytes, master_info: Bytes) -> Event {
        self.shared.subscribed(&master_info);
        Event::Subscribed { framework_id, master_info: Some(master_info) }
    }

    pub(super) fn disconnected(&self) {
        self.shared.disconnected();
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
        self.shared.fail(Failure::of_mesos(String::from_utf8_lossy(message).into_owned()));
    }

    fn say(&self, event: Result<Event, String>) {
        match event {
            Ok(event) => self.shared.say(event),
            Err(what) => {
                let message = format!("libmesos said what cannot be read: {what}");
                self.shared.fail(Failure { kind: FailureKind::Mesos, message });
            }
        }
    }
}

fn read(message: &'static Message, bytes: &[u8]) -> Result<Bytes, String> {
    validate(message, bytes).map_err(|error| error.to_string())?;
    Ok(Bytes::copy_from_slice(bytes))
}
