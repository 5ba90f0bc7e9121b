//! How what runs on an agent is told to end: one task, an executor, all of a framework.

use super::{Agent, Executor, GRACE, Key, Output, Owner, Reason, RunId, TaskState};
use crate::local::clock::Time;
use crate::proto::mesos::v1::KillPolicy;

impl Agent {
    /// A KILL: of a command, or of a task that an executor has or is to get.
    pub(super) fn kill(
        &mut self,
        now: Time,
        owner: &Owner,
        task: &str,
        policy: Option<KillPolicy>,
        out: &mut Vec<Output>,
    ) {
        if self.kill_command(now, owner, task, policy.as_ref(), out)
            || self.kill_by_executor(now, owner, task, policy, out)
            // The master knows a task until its end is acknowledged; one that ended needs no killing.
            || self.updates.knows(owner.id(), task)
        {
            return;
        }
        let state = if owner.is_partition_aware() { TaskState::TaskDropped } else { TaskState::TaskLost };
        let words = "Cannot find executor";
        self.say(now, owner, task, None, state, Reason::ExecutorTerminated, words, out);
    }

    /// Neither a command nor an executor can start without its files.
    pub(super) fn not_fetched(&mut self, now: Time, run: RunId, out: &mut Vec<Output>) {
        self.command_not_fetched(now, run, out);
        self.executor_not_fetched(now, run, out);
    }

    pub(super) fn shut_down_executor(&mut self, now: Time, key: &Key, out: &mut Vec<Output>) {
        for run in self.find(|run| run.owner.id() == key.0 && run.executor == key.1) {
            self.terminate(now, run, GRACE, out);
        }
        self.shut_down(now, key, out);
    }

    pub(super) fn shut_down_framework(&mut self, now: Time, framework: &str, out: &mut Vec<Output>) {
        self.updates.drop_framework(framework);
        self.records.shut_down(framework);
        self.fleeting.remove(framework);
        self.operations.retain(|pending| !pending.is_of(framework));
        for run in self.find(|run| run.owner.id() == framework) {
            self.runs.get_mut(&run).into_iter().for_each(|run| run.silent = true);
            self.terminate(now, run, GRACE, out);
        }
        let own = self.executors.keys().filter(|key| key.0 == framework);
        for key in own.cloned().collect::<Vec<_>>() {
            self.executors.get_mut(&key).into_iter().for_each(Executor::silence);
            self.shut_down(now, &key, out);
        }
    }
}
