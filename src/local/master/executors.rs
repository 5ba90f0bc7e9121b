//! Executors as the master knows them: what they hold, and that they have ended.
//!
//! # Invariants
//! * An executor is known from the launch of its first task until its agent says that it has ended; its resources are
//!   allocated as long.

use super::launch::Launching;
use super::{Executor, Master, events};
use crate::local::clock::Time;
use crate::local::resources::{self, Resources};
use crate::proto::mesos::v1::ExecutorInfo;

impl Master {
    /// What an executor adds to a launch: nothing if its agent has it already.
    pub(super) fn new_resources(&self, at: &Launching<'_>, info: &ExecutorInfo) -> Resources {
        match self.executor(at, &info.executor_id.value) {
            Some(_) => Resources::default(),
            None => resources::of(&info.resources),
        }
    }

    /// The executor of this id where a launch goes to.
    pub(super) fn executor(&self, at: &Launching<'_>, executor: &str) -> Option<&ExecutorInfo> {
        let framework = self.frameworks.get(at.framework)?;
        let key = (at.place.agent.clone(), executor.to_owned());
        framework.executors.get(&key).map(|executor| &executor.info)
    }

    pub(super) fn note_executor(&mut self, at: &Launching<'_>, info: &ExecutorInfo) {
        let Some(framework) = self.frameworks.get_mut(at.framework) else { return };
        let key = (at.place.agent.clone(), info.executor_id.value.clone());
        framework.executors.entry(key).or_insert_with(|| Executor {
            info: info.clone(),
            role: at.place.role.clone(),
            resources: resources::of(&info.resources),
        });
    }

    pub(super) fn executor_exited(
        &mut self,
        now: Time,
        id: &str,
        agent: &str,
        executor: String,
        status: i32,
    ) {
        self.counters.count("messages_exited_executor");
        let Some(framework) = self.frameworks.get_mut(id) else { return };
        let Some(known) = framework.executors.remove(&(agent.to_owned(), executor.clone())) else { return };
        self.allocator.recover(now, (id, &known.role, agent), &known.resources, None);
        self.send(id, events::executor_lost(agent, executor, status));
    }
}
