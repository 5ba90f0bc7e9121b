//! Agents that go, for a while or for good, and come back; and the master's own fail-over.
//!
//! # Invariants
//! * An agent that is disconnected keeps the tasks of frameworks that checkpoint; the others' are lost.
//! * Of one that is unreachable the master remembers the tasks: when it comes back they run again.
//! * One that is gone does not come back.

use super::offers::Tell;
use super::{Executor, Master, Output, Task, agent, events, metrics};
use crate::local::action::Action;
use crate::local::allocator::Traits;
use crate::local::clock::Time;
use crate::local::operator::time;
use crate::local::resources::{self, Resources};
use crate::local::seen;
use crate::local::status::of_master;
use crate::proto::mesos::v1::task_status::Reason;
use crate::proto::mesos::v1::{self, AgentId, Attribute, MachineId, TaskState, TaskStatus};
use crate::task::is_terminal;
use std::net::SocketAddr;
use std::time::Duration;

/// An agent as frameworks see it.
#[derive(Debug, Clone)]
pub(crate) struct AgentInfo {
    pub(crate) id: String,
    pub(crate) address: SocketAddr,
    /// what operations have made of its own
    pub(crate) resources: Resources,
    /// as it registered
    pub(crate) own: Resources,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) registered: Time,
    /// when it came back last
    pub(crate) reregistered: Option<Time>,
}

impl AgentInfo {
    pub(crate) fn hostname(&self) -> String {
        self.address.ip().to_string()
    }

    /// The machine that it is on, as maintenance schedules name it.
    pub(super) fn machine(&self) -> MachineId {
        MachineId { hostname: Some(self.hostname()), ip: Some(self.address.ip().to_string()) }
    }

    /// What offer constraints look at.
    pub(super) fn traits(&self) -> Traits {
        Traits { hostname: self.hostname(), attributes: self.attributes.clone() }
    }

    /// As executors are told.
    pub(crate) fn to_proto(&self) -> v1::AgentInfo {
        v1::AgentInfo {
            hostname: self.hostname(),
            port: Some(i32::from(self.address.port())),
            resources: resources::unallocated(&self.own),
            attributes: self.attributes.clone(),
            id: Some(AgentId { value: self.id.clone() }),
            ..v1::AgentInfo::default()
        }
    }
}

/// What happens to an agent, as its master sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// its connection is broken
    Disconnected,
    /// it has not answered for too long
    Unreachable,
    /// it is there again
    Back,
    /// an operator says that it will never be again
    Gone,
    /// an operator takes its machine down
    Down,
}

/// What is remembered of an agent that is unreachable.
#[derive(Debug)]
pub(super) struct Unreachable {
    info: AgentInfo,
    pub(super) since: Time,
    /// with their framework and id
    pub(super) tasks: Vec<(String, String, Task)>,
    pub(super) executors: Vec<(String, String, Executor)>,
}

impl Master {
    pub(super) fn change_agent(&mut self, now: Time, agent: &str, change: Change) {
        match change {
            Change::Disconnected => self.disconnect_agent(now, agent),
            Change::Unreachable => self.lose_agent(now, agent),
            Change::Back => self.welcome_agent(now, agent),
            Change::Gone => self.bury_agent(now, agent),
            Change::Down => self.remove_agent(now, agent),
        }
    }

    fn disconnect_agent(&mut self, now: Time, agent: &str) {
        if !self.agents.contains_key(agent) {
            return;
        }
        self.away.insert(agent.into());
        self.stop_offering(now, agent);
        let checkpoints = |master: &Self, id: &str| {
            master.frameworks.get(id).is_some_and(|framework| framework.info.checkpoint())
        };
        let lost = self.take_tasks(now, agent, |master, id| !checkpoints(master, id));
        self.take_executors(now, agent, |master, id| !checkpoints(master, id));
        let host = self.agents.get(agent).map(AgentInfo::hostname).unwrap_or_default();
        for (framework, task, known) in lost {
            let words = format!("Agent {host} disconnected");
            let status = about(now, &task, &known, TaskState::TaskLost, Reason::AgentDisconnected, &words);
            self.count_end(&known, TaskState::TaskLost);
            self.end_task(&framework, known, status);
        }
    }

    fn lose_agent(&mut self, now: Time, agent: &str) {
        let Some(info) = self.agents.get(agent).cloned() else { return };
        let tasks = self.take_tasks(now, agent, |_, _| true);
        let executors = self.take_executors(now, agent, |_, _| true);
        self.forget_agent(now, agent);
        let removal = ["slave_removals", "slave_removals/reason_unhealthy"];
        let unreachable = ["slave_unreachable_scheduled", "slave_unreachable_completed"];
        removal.into_iter().chain(unreachable).for_each(|name| self.counters.count(name));
        for (framework, task, known) in &tasks {
            let status = self.unreachable_status(now, (framework, task, known));
            self.count_end(known, status.state());
            let mut seen = known.seen.clone();
            seen.set_state(status.state());
            self.task_updated(&seen, &status);
            self.send(framework, events::update(status));
        }
        self.tell_all(&events::agent_lost(agent));
        self.agent_removed(agent);
        self.unreachable.insert(agent.into(), Unreachable { info, since: now, tasks, executors });
    }

    fn bury_agent(&mut self, now: Time, agent: &str) {
        let was_here = self.agents.contains_key(agent);
        let mut tasks = self.take_tasks(now, agent, |_, _| true);
        self.take_executors(now, agent, |_, _| true);
        self.forget_agent(now, agent);
        for (framework, _, known) in &tasks {
            self.count_end(known, self.lost_or(framework, TaskState::TaskGoneByOperator));
        }
        tasks.extend(self.unreachable.remove(agent).into_iter().flat_map(|known| known.tasks));
        for (framework, task, known) in tasks {
            let state = self.lost_or(&framework, TaskState::TaskGoneByOperator);
            // Who knows no such state is told of no such reason.
            let reason = match state {
                TaskState::TaskLost => Reason::AgentRemoved,
                _ => Reason::AgentRemovedByOperator,
            };
            let status = about(now, &task, &known, state, reason, "Agent has been marked gone");
            self.end_task(&framework, known, status);
        }
        self.tell_all(&events::agent_lost(agent));
        if was_here {
            self.counters.count("slave_removals");
            self.agent_removed(agent);
        }
        self.gone.insert(agent.into());
    }

    fn remove_agent(&mut self, now: Time, agent: &str) {
        let Some(host) = self.agents.get(agent).map(AgentInfo::hostname) else { return };
        let tasks = self.take_tasks(now, agent, |_, _| true);
        self.take_executors(now, agent, |_, _| true);
        for (framework, task, known) in tasks {
            let words = format!("Agent {host} removed: Operator initiated 'Machine DOWN'");
            let status = about(now, &task, &known, TaskState::TaskLost, Reason::AgentRemoved, &words);
            self.end_task(&framework, known, status);
        }
        self.forget_agent(now, agent);
        self.tell_all(&events::agent_lost(agent));
        self.agent_removed(agent);
        self.deactivated.remove(agent);
        self.draining.remove(agent);
    }

    fn welcome_agent(&mut self, now: Time, agent: &str) {
        let lost = self.unreachable.get(agent).map(|known| known.info.machine());
        if lost.is_some_and(|machine| self.maintenance.is_down(&machine)) {
            return self.out.push(Output::Down { agent: agent.into() }); // it may not register there
        }
        self.away.remove(agent);
        self.count_return();
        self.agents.get_mut(agent).into_iter().for_each(|known| known.reregistered = Some(now));
        if let Some(Unreachable { mut info, tasks, executors, .. }) = self.unreachable.remove(agent) {
            self.allocator.add_agent(now, agent, info.resources.clone(), info.traits());
            info.reregistered = Some(now);
            self.agents.insert(agent.into(), info);
            self.agent_added(agent);
            for (framework, id, executor) in executors {
                let place = (framework.as_str(), executor.role.as_str(), agent);
                self.allocator.occupy(place, &executor.resources);
                if let Some(known) = self.frameworks.get_mut(&framework) {
                    known.executors.insert((agent.into(), id), executor);
                }
            }
            for (framework, id, task) in tasks {
                let place = (framework.as_str(), task.role.as_str(), agent);
                if !is_terminal(task.state()) {
                    self.allocator.occupy(place, &task.resources);
                }
                let (reason, words) = (Reason::AgentReregistered, "Unreachable agent re-reregistered");
                let mut status = about(now, &id, &task, task.state(), reason, words);
                task.describe(&mut status);
                self.send(&framework, events::update(status));
                self.task_added(&task.seen);
                if let Some(known) = self.frameworks.get_mut(&framework) {
                    known.tasks.insert(id, task);
                }
            }
        }
        self.set_unavailability(now, agent);
        self.allocator.set_agent_active(now, agent, !self.deactivated.contains(agent));
        let frameworks: Vec<String> = self.frameworks.keys().cloned().collect();
        for framework in frameworks {
            self.tell_agent(agent, agent::Input::Resume { framework });
        }
        self.tell_to_drain(agent);
    }

    fn count_return(&mut self) {
        self.counters.count("messages_reregister_slave");
        self.counters.count("slave_reregistrations");
    }

    /// Another master takes over, at the same address. Frameworks are known by what the agents tell of them.
    pub(super) fn fail_over(&mut self, now: Time) {
        self.info.id = uuid::Uuid::from_bytes(self.entropy.uuid()).to_string();
        (self.started, self.next_offer) = (now, 0);
        self.counters = metrics::counters();
        (0..self.agents.len()).for_each(|_| self.count_return());
        for agent in self.agents.values_mut() {
            (agent.registered, agent.reregistered) = (now, Some(now));
        }
        self.take_offers_back(now, Tell::Nothing, |_| true);
        self.end_watching();
        self.resume_draining();
        let ids: Vec<String> = self.frameworks.keys().cloned().collect();
        for id in ids {
            self.allocator.set_active(now, &id, false);
            let Some(framework) = self.frameworks.get_mut(&id) else { continue };
            (framework.registered, framework.reregistered, framework.recovered) = (now, now, true);
            let timeout = framework.info.failover_timeout();
            let timeout = Duration::try_from_secs_f64(timeout).unwrap_or_default();
            if let Some(connection) = framework.connection.take() {
                framework.removal = Some(now.saturating_add(timeout));
                self.out.push(Action::Close { stream: connection.stream }.into());
            }
        }
    }

    /// How an agent that is not here is spoken of in a reconciliation.
    pub(super) fn absence(&self, agent: Option<&str>) -> Option<(TaskState, &'static str, Option<Time>)> {
        let agent = agent?;
        if let Some(known) = self.unreachable.get(agent) {
            let words = "Reconciliation: Task is unreachable";
            return Some((TaskState::TaskUnreachable, words, Some(known.since)));
        }
        let words = "Reconciliation: Task is gone";
        self.gone.contains(agent).then_some((TaskState::TaskGoneByOperator, words, None))
    }

    fn forget_agent(&mut self, now: Time, agent: &str) {
        self.stop_offering(now, agent);
        self.allocator.remove_agent(agent);
        self.agents.remove(agent);
        self.away.remove(agent);
    }

    fn tell_all(&mut self, event: &crate::proto::mesos::v1::scheduler::Event) {
        let ids: Vec<String> = self.frameworks.keys().cloned().collect();
        ids.iter().for_each(|id| self.send(id, event.clone()));
    }

    /// The tasks on an agent of those frameworks that are meant; their resources are free.
    fn take_tasks(
        &mut self,
        now: Time,
        agent: &str,
        meant: impl Fn(&Self, &str) -> bool,
    ) -> Vec<(String, String, Task)> {
        let ids: Vec<String> = self.frameworks.keys().filter(|id| meant(self, id)).cloned().collect();
        let mut taken = Vec::new();
        for id in ids {
            let Some(framework) = self.frameworks.get_mut(&id) else { continue };
            let tasks = std::mem::take(&mut framework.tasks).into_iter();
            let (lost, kept): (Vec<_>, Vec<_>) = tasks.partition(|(_, task)| task.agent() == agent);
            framework.tasks = kept.into_iter().collect();
            for (task, known) in lost {
                if !is_terminal(known.state()) {
                    self.allocator.recover(now, (&id, &known.role, agent), &known.resources, None);
                }
                taken.push((id.clone(), task, known));
            }
        }
        taken
    }

    /// The same for executors.
    fn take_executors(
        &mut self,
        now: Time,
        agent: &str,
        meant: impl Fn(&Self, &str) -> bool,
    ) -> Vec<(String, String, Executor)> {
        let ids: Vec<String> = self.frameworks.keys().filter(|id| meant(self, id)).cloned().collect();
        let mut taken = Vec::new();
        for id in ids {
            let Some(framework) = self.frameworks.get_mut(&id) else { continue };
            let executors = std::mem::take(&mut framework.executors).into_iter();
            let (lost, kept): (Vec<_>, Vec<_>) = executors.partition(|((place, _), _)| place == agent);
            framework.executors = kept.into_iter().collect();
            for ((_, executor), known) in lost {
                self.allocator.recover(now, (&id, &known.role, agent), &known.resources, None);
                taken.push((id.clone(), executor, known));
            }
        }
        taken
    }

    /// A task is over, as its agent is.
    fn end_task(&mut self, framework: &str, mut known: Task, status: TaskStatus) {
        if seen::note(&mut known.seen, status.state(), &status) {
            self.task_updated(&known.seen, &status);
        }
        if let Some(framework) = self.frameworks.get_mut(framework) {
            framework.complete(known);
        }
        self.send(framework, events::update(status));
    }

    /// What is said of a task on an agent that is unreachable.
    pub(super) fn unreachable_status(
        &self,
        since: Time,
        (framework, task, known): (&str, &str, &Task),
    ) -> TaskStatus {
        let state = self.lost_or(framework, TaskState::TaskUnreachable);
        let mut status = about(since, task, known, state, Reason::AgentRemoved, "health check timed out");
        status.unreachable_time = Some(time(since));
        status
    }
}

/// What the master says of a task that it knows.
fn about(now: Time, task: &str, known: &Task, state: TaskState, reason: Reason, message: &str) -> TaskStatus {
    let mut status = of_master(now, task, Some(known.agent()), state, reason, message);
    status.executor_id = known.executor().cloned();
    status
}
