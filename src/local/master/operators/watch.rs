//! SUBSCRIBE: the whole state, then what changes.
//!
//! # Invariants
//! * The first event has the state; what follows has happened after it, in order.
//! * Nothing is put together while nobody watches.

use crate::local::action::Action;
use crate::local::clock::Time;
use crate::local::master::{HEARTBEAT, Master};
use crate::local::reply::Reply;
use crate::proto::mesos::v1::master::Event;
use crate::proto::mesos::v1::master::event::{
    AgentAdded, AgentRemoved, FrameworkAdded, FrameworkRemoved, FrameworkUpdated, Subscribed, TaskAdded,
    TaskUpdated, Type,
};
use crate::proto::mesos::v1::master::response::get_frameworks::Framework;
use crate::proto::mesos::v1::{AgentId, FrameworkInfo, Task, TaskStatus, TimeInfo};

/// Somebody who watches.
#[derive(Debug)]
pub(in crate::local::master) struct Watcher {
    pub(in crate::local::master) stream: u64,
    /// when to send the next heartbeat
    pub(in crate::local::master) heartbeat: Time,
}

fn event(r#type: Type) -> Event {
    let mut event = Event::default();
    event.set_type(r#type);
    event
}

impl Master {
    pub(super) fn watch(&mut self, now: Time, stream: u64) {
        self.out.push(Action::Reply { request: stream, reply: Reply::Stream(None) }.into());
        let subscribed = Subscribed {
            get_state: Some(Box::new(self.get_state())),
            heartbeat_interval_seconds: Some(HEARTBEAT.as_secs_f64()),
        };
        let first = Event { subscribed: Some(Box::new(subscribed)), ..event(Type::Subscribed) };
        for event in [first, event(Type::Heartbeat)] {
            self.out.push(Action::Event { stream, event: event.into() }.into());
        }
        self.watchers.push(Watcher { stream, heartbeat: now + HEARTBEAT });
    }

    pub(in crate::local::master) fn tick_watchers(&mut self, now: Time) {
        for watcher in self.watchers.iter_mut().filter(|watcher| watcher.heartbeat <= now) {
            watcher.heartbeat = now + HEARTBEAT;
            let event = event(Type::Heartbeat).into();
            self.out.push(Action::Event { stream: watcher.stream, event }.into());
        }
    }

    /// Whether the stream was one of those who watch.
    pub(in crate::local::master) fn stopped_watching(&mut self, stream: u64) -> bool {
        self.watchers.extract_if(.., |watcher| watcher.stream == stream).count() > 0
    }

    /// Nobody watches a master that is no more.
    pub(in crate::local::master) fn end_watching(&mut self) {
        let streams = std::mem::take(&mut self.watchers).into_iter().map(|watcher| watcher.stream);
        self.out.extend(streams.map(|stream| Action::Close { stream }.into()));
    }

    fn news(&mut self, event: impl Fn(&Self) -> Option<Event>) {
        if self.watchers.is_empty() {
            return;
        }
        let Some(event) = event(self) else { return };
        for Watcher { stream, .. } in &self.watchers {
            self.out.push(Action::Event { stream: *stream, event: event.clone().into() }.into());
        }
    }

    pub(in crate::local::master) fn task_added(&mut self, task: &Task) {
        self.news(|_| {
            let task_added = Some(TaskAdded { task: Box::new(task.clone()) });
            Some(Event { task_added, ..event(Type::TaskAdded) })
        });
    }

    /// `task` has the state that its agent knows, which may be beyond the status.
    pub(in crate::local::master) fn task_updated(&mut self, task: &Task, status: &TaskStatus) {
        self.news(|_| {
            let updated = TaskUpdated {
                framework_id: task.framework_id.clone(),
                status: Box::new(status.clone()),
                state: task.state,
            };
            Some(Event { task_updated: Some(Box::new(updated)), ..event(Type::TaskUpdated) })
        });
    }

    pub(in crate::local::master) fn framework_added(&mut self, id: &str) {
        self.news(|this| {
            let framework = Box::new(this.framework_news(id)?);
            let framework_added = Some(FrameworkAdded { framework });
            Some(Event { framework_added, ..event(Type::FrameworkAdded) })
        });
    }

    pub(in crate::local::master) fn framework_updated(&mut self, id: &str) {
        self.news(|this| {
            let framework = Box::new(this.framework_news(id)?);
            let framework_updated = Some(FrameworkUpdated { framework });
            Some(Event { framework_updated, ..event(Type::FrameworkUpdated) })
        });
    }

    /// A framework as events have it: with a time of its end that is none, and without constraints.
    fn framework_news(&self, id: &str) -> Option<Framework> {
        let known = self.framework_view(self.frameworks.get(id)?);
        let unregistered_time = Some(TimeInfo { nanoseconds: 0 });
        Some(Framework { unregistered_time, offer_constraints: None, ..known })
    }

    pub(in crate::local::master) fn framework_removed(&mut self, info: &FrameworkInfo) {
        self.news(|_| {
            let framework_removed = Some(FrameworkRemoved { framework_info: Box::new(info.clone()) });
            Some(Event { framework_removed, ..event(Type::FrameworkRemoved) })
        });
    }

    pub(in crate::local::master) fn agent_added(&mut self, id: &str) {
        self.news(|this| {
            let agent = Box::new(this.agent_view(this.agents.get(id)?));
            Some(Event { agent_added: Some(AgentAdded { agent }), ..event(Type::AgentAdded) })
        });
    }

    pub(in crate::local::master) fn agent_removed(&mut self, id: &str) {
        self.news(|_| {
            let agent_removed = Some(AgentRemoved { agent_id: AgentId { value: id.into() } });
            Some(Event { agent_removed, ..event(Type::AgentRemoved) })
        });
    }
}
