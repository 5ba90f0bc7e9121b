//! Tasks that run: updates on their way to the framework, acknowledgements back, kills, reconciliation.

use super::{Capability, Master, agent, events};
use crate::local::clock::Time;
use crate::local::operator::time;
use crate::local::seen;
use crate::local::status::of_master;
use crate::local::updates::Update;
use crate::proto::mesos::v1::TaskState;
use crate::proto::mesos::v1::scheduler::call::{Acknowledge, Kill, reconcile};
use crate::proto::mesos::v1::task_status::Reason;
use crate::task::is_terminal;

impl Master {
    /// An agent's update: the framework hears of it, if it is there; the master remembers it in any case.
    pub(super) fn update(&mut self, now: Time, agent: &str, update: Update) {
        let Update { framework: id, status, latest } = update;
        self.counters.count("messages_status_update");
        let is_here = self.agents.contains_key(agent);
        let Some(framework) = self.frameworks.get_mut(&id).filter(|_| is_here) else {
            // One of them was removed: nobody waits for this any more.
            return self.counters.count("invalid_status_updates");
        };
        let connected = framework.connection.is_some();
        let valid = connected && framework.tasks.contains_key(&status.task_id.value);
        self.counters.count(if valid { "valid_status_updates" } else { "invalid_status_updates" });
        let (mut freed, mut news) = (None, None);
        if let Some(task) = framework.tasks.get_mut(&status.task_id.value) {
            if connected {
                task.seen.set_status_update_state(status.state());
                task.seen.status_update_uuid.clone_from(&status.uuid);
            }
            if !is_terminal(task.state()) && is_terminal(latest) {
                freed = Some((task.role.clone(), task.resources.clone()));
                self.counters.ended(latest);
            }
            if seen::note(&mut task.seen, latest, &status) {
                news = Some(task.seen.clone());
            }
        }
        news.into_iter().for_each(|task| self.task_updated(&task, &status));
        self.send(&id, events::update(status));
        if let Some((role, resources)) = freed {
            self.allocator.recover(now, (&id, &role, agent), &resources, None);
        }
    }

    /// What the master itself has to say of a task that it does not let go: its end.
    #[expect(clippy::too_many_arguments, reason = "they are the fields of a status")]
    pub(super) fn say(
        &mut self,
        now: Time,
        framework: &str,
        task: &str,
        agent: Option<&str>,
        state: TaskState,
        reason: Reason,
        message: String,
    ) {
        let status = of_master(now, task, agent, state, reason, message);
        self.counters.ended(state);
        self.send(framework, events::update(status));
    }

    /// TASK_LOST for a framework that knows no better.
    pub(super) fn lost_or(&self, framework: &str, state: TaskState) -> TaskState {
        let aware = self.frameworks.get(framework).is_some_and(|this| this.can(Capability::PartitionAware));
        if aware { state } else { TaskState::TaskLost }
    }

    /// Nothing if there is nobody to pass it on to, or it is of something that was never sent.
    pub(super) fn acknowledge(&mut self, id: &str, acknowledge: Acknowledge) -> Option<()> {
        let Acknowledge { agent_id, task_id, uuid } = acknowledge;
        self.hears(&agent_id.value).then_some(())?;
        if let Some(framework) = self.frameworks.get_mut(id)
            && let Some(task) =
                framework.tasks.get(&task_id.value).filter(|task| task.agent() == agent_id.value)
        {
            match task.forwarded() {
                None => return None,
                Some((state, sent)) if is_terminal(state) && *sent == *uuid => {
                    let ended = framework.tasks.remove(&task_id.value);
                    ended.into_iter().for_each(|task| framework.complete(task));
                }
                Some(_) => {}
            }
        }
        let input =
            agent::Input::Acknowledge { framework: id.into(), task: task_id.value, uuid: uuid.to_vec() };
        self.tell_agent(&agent_id.value, input);
        Some(())
    }

    pub(super) fn kill(&mut self, now: Time, id: &str, kill: Kill) {
        let Some(framework) = self.frameworks.get(id) else { return };
        let Some(task) = framework.tasks.get(&kill.task_id.value) else {
            let unknown = reconcile::Task { task_id: kill.task_id, agent_id: kill.agent_id };
            return self.reconcile(now, id, &[unknown]);
        };
        if kill.agent_id.is_some_and(|agent| agent.value != task.agent()) {
            return;
        }
        let (agent, owner) = (task.agent().to_owned(), framework.owner());
        let input = agent::Input::Kill { owner, task: kill.task_id.value, policy: kill.kill_policy };
        self.tell_agent(&agent, input);
    }

    /// Without tasks it is implicit: every task that is known.
    pub(super) fn reconcile(&mut self, now: Time, id: &str, asked: &[reconcile::Task]) {
        if asked.is_empty() {
            let known = self.frameworks.get(id).map(|framework| framework.tasks.keys().cloned().collect());
            let known: Vec<String> = known.unwrap_or_default();
            for task in &known {
                self.say_latest(now, id, task);
            }
            return;
        }
        for reconcile::Task { task_id, agent_id } in asked {
            let task = task_id.value.as_str();
            if self.say_latest(now, id, task) {
                continue;
            }
            let agent = agent_id.as_ref().map(|agent| agent.value.as_str());
            let (state, message, unreachable) = match (agent, self.absence(agent)) {
                (_, Some(absence)) => absence,
                (Some(agent), _) if self.agents.contains_key(agent) => {
                    (TaskState::TaskGone, "Reconciliation: Task is unknown to the agent", None)
                }
                _ => (TaskState::TaskUnknown, "Reconciliation: Task is unknown", None),
            };
            let state = self.lost_or(id, state);
            let mut status = of_master(now, task, agent, state, Reason::Reconciliation, message);
            status.unreachable_time = unreachable.map(time);
            self.send(id, events::update(status));
        }
    }

    /// The state of a task that is known: the one that was sent last.
    fn say_latest(&mut self, now: Time, id: &str, task: &str) -> bool {
        let Some(known) = self.frameworks.get(id).and_then(|framework| framework.tasks.get(task)) else {
            return false;
        };
        let state = known.forwarded().map_or(known.state(), |(state, _)| state);
        let message = "Reconciliation: Latest task state";
        let mut status = of_master(now, task, Some(known.agent()), state, Reason::Reconciliation, message);
        known.describe(&mut status);
        self.send(id, events::update(status));
        true
    }
}
