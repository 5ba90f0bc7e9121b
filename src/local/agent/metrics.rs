//! An agent's metrics: GET_METRICS and /metrics/snapshot.
//!
//! # Invariants
//! * An agent that starts again begins at 0.

use super::Agent;
use super::executors::State;
use crate::local::clock::Time;
use crate::local::counters::{self, Counters};
use crate::local::resources::{self, Resources};
use crate::proto::mesos::v1::{Metric, TaskState};

/// What is counted. What cannot happen here stays 0.
const COUNTED: &[&str] = &[
    "container_launch_errors",
    "executors_preempted",
    "executors_terminated",
    "invalid_framework_messages",
    "invalid_status_updates",
    "recovery_errors",
    "tasks_failed",
    "tasks_finished",
    "tasks_gone",
    "tasks_killed",
    "tasks_lost",
    "valid_framework_messages",
    "valid_status_updates",
];

pub(super) fn counters() -> Counters {
    Counters::new(COUNTED)
}

impl Agent {
    pub(in crate::local) fn metrics(&self, now: Time) -> Vec<Metric> {
        let tasks = self.get_tasks();
        let of = |state: TaskState| tasks.launched_tasks.iter().filter(|task| task.state() == state).count();
        let at = |state: State| self.executors.values().filter(|executor| executor.state == state).count();
        let (registering, terminating) = (at(State::Registering), at(State::Terminating));
        let executors = || {
            let all = self.records.frameworks.values().flat_map(|known| known.executors.values());
            all.filter(|executor| !executor.ended)
        };
        let seen = [
            ("executors_registering", registering),
            ("executors_running", executors().count().saturating_sub(registering + terminating)),
            ("executors_terminating", terminating),
            ("frameworks_active", self.records.frameworks.len()),
            ("registered", usize::from(!self.down)),
            ("tasks_killing", of(TaskState::TaskKilling)),
            ("tasks_running", of(TaskState::TaskRunning)),
            ("tasks_staging", tasks.queued_tasks.len() + of(TaskState::TaskStaging)),
            ("tasks_starting", of(TaskState::TaskStarting)),
        ];
        #[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
        let seen = seen.into_iter().map(|(name, count)| (name, count as f64));
        let seen = seen.chain([("uptime_secs", now.saturating_sub(self.since).as_secs_f64())]);
        let mut used = Resources::default();
        executors().for_each(|executor| used.add(&resources::of(&executor.info.resources)));
        let running = tasks.launched_tasks.iter().chain(&tasks.queued_tasks);
        running.for_each(|task| used.add(&resources::of(&task.resources)));
        let total = resources::of(&self.info.resources);
        counters::metrics("slave", seen, (&total, &used), &self.records.counters)
    }
}
