//! The executor API: what executors ask of their agent.
//!
//! # Invariants
//! * An update is acknowledged to its executor as soon as it is in `Updates`, which then sees to its delivery.
//! * A later subscription of an executor replaces the one before.
//! * What was delivered to an executor and is unknown to it when it subscribes again has been lost on the way.

use super::executors::State;
use super::{Agent, Key, Output, Owner, Reason, TaskState, events};
use crate::local::action::Action;
use crate::local::clock::Time;
use crate::local::reply::Reply;
use crate::local::token::Claims;
use crate::proto::mesos::v1::executor::Call;
use crate::proto::mesos::v1::executor::call::{Subscribe, Type};
use crate::proto::mesos::v1::executor::event::Subscribed;
use crate::proto::mesos::v1::{AgentId, ContainerId, ExecutorId, TaskStatus};
use crate::task::is_terminal;
use std::collections::BTreeSet;
use std::time::Duration;

/// How often a stream hears from the agent at least.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(30 * 60);

impl Agent {
    /// A call, after `validate::executor_call`.
    pub(super) fn call(
        &mut self,
        now: Time,
        request: u64,
        call: Call,
        claims: Option<&Claims>,
        out: &mut Vec<Output>,
    ) {
        let key = (call.framework_id.value.clone(), call.executor_id.value.clone());
        if call.r#type() == Type::Heartbeat {
            // Mesos' own executors send it with ids that mean nothing.
            out.push(Action::Reply { request, reply: Reply::Accepted }.into());
            return;
        }
        let refused = match self.executors.get(&key) {
            None if self.has_framework(&key.0) => Some((400, "Executor cannot be found".into())),
            None => Some((400, "Framework cannot be found".into())),
            Some(executor) => {
                let foreign =
                    claims.and_then(|claims| claims.check(&key.0, &key.1, &executor.container).err());
                let early = executor.state == State::Registering && call.r#type() != Type::Subscribe;
                foreign.or(early.then(|| "Executor is not subscribed".into())).map(|text| (403, text))
            }
        };
        if let Some((code, text)) = refused {
            out.push(Action::Reply { request, reply: Reply::Refused(code, text) }.into());
            return;
        }
        match call {
            Call { subscribe: Some(subscribe), .. }
                if call.r#type.is_some_and(|this| this == Type::Subscribe as i32) =>
            {
                out.push(Action::Reply { request, reply: Reply::Stream(None) }.into());
                self.subscribe(now, request, &key, *subscribe, out);
                return;
            }
            Call { update: Some(update), .. } => self.update(now, &key, update.status, out),
            Call { message: Some(message), .. } => {
                let (framework, executor) = key;
                self.records.counters.count("valid_framework_messages");
                out.push(Output::Message { framework, executor, data: message.data });
            }
            _ => {}
        }
        out.push(Action::Reply { request, reply: Reply::Accepted }.into());
    }

    fn has_framework(&self, framework: &str) -> bool {
        self.executors.keys().any(|key| key.0 == framework)
            || self.runs.values().any(|run| run.owner.id() == framework)
    }

    fn subscribe(&mut self, now: Time, stream: u64, key: &Key, subscribe: Subscribe, out: &mut Vec<Output>) {
        let agent = self.info.clone();
        let Some(executor) = self.executors.get_mut(key) else { return };
        out.extend(executor.stream.replace(stream).map(|stream| Action::Close { stream }.into()));
        let has_none = executor.queued.is_empty() && executor.tasks.is_empty();
        if executor.state == State::Terminating || (executor.state == State::Registering && has_none) {
            // Its framework is gone, or all its tasks were killed while it started.
            if executor.state == State::Terminating {
                self.tell(key, [events::shutdown()], out);
                out.push(Action::Close { stream }.into());
            } else {
                self.shut_down(now, key, out);
            }
            return;
        }
        executor.registered();
        executor.heartbeat = Some(now + HEARTBEAT);
        let subscribed = Subscribed {
            executor_info: Box::new(executor.info.clone()),
            framework_info: Box::new(executor.owner.info().clone()),
            agent_info: Box::new(agent),
            container_id: Some(Box::new(ContainerId { value: executor.container.clone(), parent: None })),
        };
        self.tell(key, [events::subscribed(subscribed)], out);
        for update in subscribe.unacknowledged_updates {
            self.update(now, key, update.status, out);
        }
        let known: BTreeSet<String> =
            subscribe.unacknowledged_tasks.into_iter().map(|task| task.task_id.value).collect();
        self.drop_undelivered(now, key, &known, out);
        let Some(executor) = self.executors.get_mut(key) else { return };
        let events = [executor.missed_kills(), executor.deliver()].concat();
        self.tell(key, events, out);
    }

    fn drop_undelivered(&mut self, now: Time, key: &Key, known: &BTreeSet<String>, out: &mut Vec<Output>) {
        let Some(executor) = self.executors.get_mut(key) else { return };
        let owner: Owner = executor.owner.clone();
        let lost = executor
            .tasks
            .iter()
            .filter(|(task, (_, state))| *state == TaskState::TaskStaging && !known.contains(*task));
        let lost: Vec<String> = lost.map(|(task, _)| task.clone()).collect();
        for task in lost {
            if let Some(executor) = self.executors.get_mut(key) {
                executor.tasks.remove(&task);
            }
            let state = if owner.is_partition_aware() { TaskState::TaskDropped } else { TaskState::TaskLost };
            let words = "Task launched during agent restart";
            self.say(now, &owner, &task, Some(&key.1), state, Reason::AgentRestarted, words, out);
        }
    }

    /// A status of an executor, completed by what its agent knows.
    fn update(&mut self, now: Time, key: &Key, mut status: Box<TaskStatus>, out: &mut Vec<Output>) {
        let Some(executor) = self.executors.get_mut(key) else { return };
        let state = status.state();
        if is_terminal(state) {
            executor.tasks.remove(&status.task_id.value);
        } else if let Some((_, known)) = executor.tasks.get_mut(&status.task_id.value) {
            *known = state;
        }
        let (pid, container) = (executor.pid, executor.container.clone());
        let own = self.container(ContainerId { value: container, parent: None }, pid);
        match &mut status.container_status {
            None => status.container_status = Some(Box::new(own)),
            Some(given) => {
                given.container_id.get_or_insert(own.container_id.unwrap_or_default());
                if given.network_infos.is_empty() {
                    given.network_infos = own.network_infos;
                }
                given.executor_pid = given.executor_pid.or(own.executor_pid);
            }
        }
        status.agent_id = Some(AgentId { value: self.id().into() });
        status.executor_id = Some(ExecutorId { value: key.1.clone() });
        status.timestamp.get_or_insert(now.as_secs_f64());
        let (task_id, uuid) = (status.task_id.clone(), status.uuid.clone().unwrap_or_default());
        self.queue(now, &key.0, *status, out);
        self.tell(key, [events::acknowledged(task_id, uuid)], out);
    }

    pub(super) fn closed(&mut self, stream: u64) {
        let own = self.executors.values_mut().find(|executor| executor.stream == Some(stream));
        if let Some(executor) = own {
            (executor.stream, executor.heartbeat) = (None, None);
        }
    }
}
