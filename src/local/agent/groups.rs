//! Task groups, as Mesos' default executor runs them: commands that belong together.
//!
//! # Invariants
//! * When a task of a group fails or is killed, the others of the group are killed.
//! * The executor ends, with status 0, when its last task has ended; until then it takes further groups.

use super::commands::{Run, SHUTDOWN_GRACE};
use super::{Agent, GRACE, Key, Output, Owner, TaskState, period};
use crate::local::clock::Time;
use crate::local::process::{Launch, Place};
use crate::proto::mesos::v1::{ContainerId, ExecutorInfo, TaskInfo};
use std::time::Duration;

/// A default executor.
#[derive(Debug)]
pub(super) struct Group {
    container: String,
    grace: Duration,
    /// one of its tasks was killed for its health
    pub(super) unhealthy: bool,
}

impl Agent {
    /// A group for the default executor, or for a custom one that has said it takes groups.
    pub(super) fn run_group(
        &mut self,
        now: Time,
        owner: Owner,
        executor: ExecutorInfo,
        tasks: Vec<TaskInfo>,
        out: &mut Vec<Output>,
    ) {
        if executor.command.is_some() {
            return self.run_group_by_executor(now, owner, executor, tasks, out);
        }
        let id = executor.executor_id.value.clone();
        let key = (owner.id().to_owned(), id.clone());
        if !self.groups.contains_key(&key) {
            let grace = executor.shutdown_grace_period.as_ref().map(|grace| grace.nanoseconds);
            let grace = period(grace).unwrap_or(SHUTDOWN_GRACE);
            let group = Group { container: self.new_container(), grace, unhealthy: false };
            self.records.executor(&owner, &executor, &group.container);
            self.groups.insert(key.clone(), group);
        }
        let Some(Group { container, grace, .. }) = self.groups.get(&key) else { return };
        let (container, grace, number) = (container.clone(), *grace, self.started);
        for task in tasks {
            self.records.task(owner.id(), &id, &task);
            let parent = ContainerId { value: container.clone(), parent: None };
            let inner = ContainerId { value: self.new_container(), parent: Some(Box::new(parent)) };
            let place = Place {
                agent: self.id(),
                address: self.address,
                socket: self.access.socket.as_deref(),
                owner: &owner,
                executor: &id,
                container: &container,
                grace,
            };
            let launch = Launch::member(place, &task.task_id.value, task.command.as_deref(), &task.resources);
            let run = Run::new(owner.clone(), &task, &id, inner, Some(number), &launch);
            let volumes = self.volumes(&task.resources);
            self.start_command(run, launch, volumes, out);
        }
        for run in self.find(|run| run.group == Some(number)) {
            self.report(now, run, TaskState::TaskStarting, None, None, out);
        }
    }

    /// What the end of a command means for the others of its group and for their executor.
    pub(super) fn member_ended(&mut self, now: Time, run: &Run, state: TaskState, out: &mut Vec<Output>) {
        let Some(group) = run.group else {
            return self.records.ended(run.owner.id(), &run.executor);
        };
        if state != TaskState::TaskFinished {
            for other in self.find(|other| other.group == Some(group)) {
                // Whatever its own policy says.
                self.terminate(now, other, GRACE, out);
            }
        }
        let key: Key = (run.owner.id().to_owned(), run.executor.clone());
        if self.find(|other| other.owner.id() == key.0 && other.executor == key.1).is_empty() {
            self.groups.remove(&key);
            self.records.ended(&key.0, &key.1);
            if !run.silent {
                let (framework, executor) = key;
                out.push(Output::ExecutorExited { framework, executor, status: 0 });
            }
        }
    }
}
