//! An agent that is to be emptied: what runs on it is killed, and nothing new is taken, until it has nothing more.
//!
//! # Invariants
//! * Whatever is killed meanwhile says that this is why.
//! * It is over when the agent has no executor, and nothing that is to be acknowledged. An executor that is idle is not
//!   ended: while it runs, the agent takes nothing.

use super::records::Ongoing;
use super::{Agent, Input, Output, Owner, Reason, TaskState, period};
use crate::local::clock::Time;
use crate::proto::mesos::v1::{DrainConfig, DurationInfo, KillPolicy, TaskInfo, TaskStatus};

impl Agent {
    pub(super) fn drain(&mut self, now: Time, config: DrainConfig, out: &mut Vec<Output>) {
        if self.is_empty() {
            return;
        }
        let longest = config.max_grace_period;
        self.drain = Some(config);
        for Ongoing { owner, task, policy } in self.records.ongoing() {
            let policy = shortened(longest, policy.as_ref());
            self.kill(now, &owner, &task, policy, out);
        }
    }

    /// Forgets that it is drained once it is.
    pub(super) fn settle_drain(&mut self) {
        if self.drain.is_some() && self.is_empty() {
            self.drain = None;
        }
    }

    /// What it takes, if it takes anything; the tasks that came are dropped otherwise.
    pub(super) fn admit(&mut self, now: Time, input: Input, out: &mut Vec<Output>) -> Option<Input> {
        if self.drain.is_none() {
            return Some(input);
        }
        match input {
            Input::Run { owner, task } => {
                let executor = task.executor.as_ref().map(|info| info.executor_id.value.clone());
                self.drop_tasks(now, &owner, executor, &[*task], out);
            }
            Input::RunGroup { owner, executor, tasks } => {
                self.drop_tasks(now, &owner, Some(executor.executor_id.value), &tasks, out);
            }
            other => return Some(other),
        }
        None
    }

    fn drop_tasks(
        &mut self,
        now: Time,
        owner: &Owner,
        executor: Option<String>,
        tasks: &[TaskInfo],
        out: &mut Vec<Output>,
    ) {
        let state = if owner.is_partition_aware() { TaskState::TaskDropped } else { TaskState::TaskLost };
        let words = "Task was received while agent was already draining";
        for task in tasks {
            let id = &task.task_id.value;
            self.say(now, owner, id, executor.as_deref(), state, Reason::AgentDraining, words, out);
        }
        // The master expects one that it does not have yet.
        if let Some(executor) = executor.filter(|id| !self.records.has_executor(owner.id(), id)) {
            out.push(Output::ExecutorExited { framework: owner.id().into(), executor, status: NO_STATUS });
        }
    }

    /// Gives a status the reason for which a task is killed now.
    pub(super) fn explain(&self, framework: &str, status: &mut TaskStatus) {
        let Some(config) = &self.drain else { return };
        if !matches!(status.state(), TaskState::TaskKilling | TaskState::TaskKilled) {
            return;
        }
        status.set_reason(Reason::AgentDraining);
        let owner = self.records.owner(framework);
        if config.mark_gone() && owner.is_some_and(Owner::is_partition_aware) {
            status.set_state(TaskState::TaskGoneByOperator);
        }
    }

    fn is_empty(&self) -> bool {
        self.records.frameworks.is_empty() && self.operations.is_empty()
    }
}

/// Of an executor that never was.
const NO_STATUS: i32 = -1;

/// The policy of a kill, if it is to be another than the task's own: at most so long.
fn shortened(longest: Option<DurationInfo>, own: Option<&KillPolicy>) -> Option<KillPolicy> {
    let longest = longest?;
    let own = own.and_then(|policy| policy.grace_period.as_ref()).map(|grace| grace.nanoseconds);
    let is_shorter =
        period(own).is_none_or(|own| period(Some(longest.nanoseconds)).is_some_and(|this| this < own));
    is_shorter.then_some(KillPolicy { grace_period: Some(longest) })
}
