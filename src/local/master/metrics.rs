//! The master's metrics: GET_METRICS and /metrics/snapshot.
//!
//! # Invariants
//! * A new master, after a fail-over, begins at 0.

use super::{Framework, Master, Task};
use crate::local::clock::Time;
use crate::local::counters::{self, Counters};
use crate::local::resources::Resources;
use crate::proto::mesos::v1::scheduler::call::Type;
use crate::proto::mesos::v1::{Metric, TaskState};
use crate::task::is_terminal;

/// What is counted. What cannot happen here stays 0: there is no queue, no libprocess message, no registrar.
const COUNTED: &[&str] = &[
    "dropped_messages",
    "http_cache_hits",
    "invalid_executor_to_framework_messages",
    "invalid_framework_to_executor_messages",
    "invalid_status_update_acknowledgements",
    "invalid_status_updates",
    "messages_authenticate",
    "messages_deactivate_framework",
    "messages_decline_offers",
    "messages_executor_to_framework",
    "messages_exited_executor",
    "messages_framework_to_executor",
    "messages_kill_task",
    "messages_launch_tasks",
    "messages_operation_status_update_acknowledgement",
    "messages_reconcile_operations",
    "messages_reconcile_tasks",
    "messages_register_framework",
    "messages_register_slave",
    "messages_reregister_framework",
    "messages_reregister_slave",
    "messages_resource_request",
    "messages_revive_offers",
    "messages_status_update",
    "messages_status_update_acknowledgement",
    "messages_suppress_offers",
    "messages_unregister_framework",
    "messages_unregister_slave",
    "messages_update_slave",
    "recovery_slave_removals",
    "slave_registrations",
    "slave_removals",
    "slave_removals/reason_registered",
    "slave_removals/reason_unhealthy",
    "slave_removals/reason_unregistered",
    "slave_reregistrations",
    "slave_shutdowns_canceled",
    "slave_shutdowns_completed",
    "slave_shutdowns_scheduled",
    "slave_unreachable_canceled",
    "slave_unreachable_completed",
    "slave_unreachable_scheduled",
    "tasks_dropped",
    "tasks_error",
    "tasks_failed",
    "tasks_finished",
    "tasks_gone",
    "tasks_gone_by_operator",
    "tasks_killed",
    "tasks_lost",
    "valid_executor_to_framework_messages",
    "valid_framework_to_executor_messages",
    "valid_status_update_acknowledgements",
    "valid_status_updates",
];

pub(super) fn counters() -> Counters {
    Counters::new(COUNTED)
}

/// How Mesos counts a call; of those that are not here it counts what they lead to.
pub(super) fn message(call: Type) -> Option<&'static str> {
    Some(match call {
        Type::Decline => "messages_decline_offers",
        Type::Revive => "messages_revive_offers",
        Type::Suppress => "messages_suppress_offers",
        Type::Kill => "messages_kill_task",
        Type::Acknowledge => "messages_status_update_acknowledgement",
        Type::AcknowledgeOperationStatus => "messages_operation_status_update_acknowledgement",
        Type::Reconcile => "messages_reconcile_tasks",
        Type::ReconcileOperations => "messages_reconcile_operations",
        Type::Message => "messages_framework_to_executor",
        Type::Request => "messages_resource_request",
        _ => return None,
    })
}

impl Master {
    /// Whether an agent hears what it is told.
    pub(super) fn hears(&self, agent: &str) -> bool {
        self.agents.contains_key(agent) && !self.away.contains(agent)
    }

    /// An executor's message, which is dropped if its framework is not connected.
    pub(super) fn count_message(&mut self, agent: &str, framework: &str) {
        let connected = self.frameworks.get(framework).is_some_and(|known| known.connection.is_some());
        self.counters.count("messages_executor_to_framework");
        self.counters.count(if connected && self.agents.contains_key(agent) {
            "valid_executor_to_framework_messages"
        } else {
            "invalid_executor_to_framework_messages"
        });
    }

    /// A task ends, unless it has ended already.
    pub(super) fn count_end(&mut self, known: &Task, state: TaskState) {
        if !is_terminal(known.state()) {
            self.counters.ended(state);
        }
    }

    pub(in crate::local) fn metrics(&self, now: Time) -> Vec<Metric> {
        let tasks = || self.frameworks.values().flat_map(|known| known.tasks.values());
        let of = |state: TaskState| tasks().filter(|task| task.state() == state).count();
        let connected = self.frameworks.values().filter(|known| known.connection.is_some()).count();
        let unreachable = self.get_tasks().unreachable_tasks;
        let unreachable =
            unreachable.iter().filter(|task| task.state() == TaskState::TaskUnreachable).count();
        let active = self.agents.values().filter(|agent| self.is_active(agent)).count();
        let seen = [
            ("event_queue_dispatches", 0),
            ("event_queue_http_requests", 0),
            ("event_queue_messages", 0),
            ("frameworks_active", connected),
            ("frameworks_connected", connected),
            ("frameworks_disconnected", self.frameworks.len() - connected),
            ("frameworks_inactive", self.frameworks.len() - connected),
            ("operator_event_stream_subscribers", self.watchers.len()),
            ("outstanding_offers", self.offers.len()),
            ("slaves_active", active),
            ("slaves_connected", self.agents.len() - self.away.len()),
            ("slaves_disconnected", self.away.len()),
            ("slaves_inactive", self.agents.len() - active),
            ("slaves_unreachable", self.unreachable.len()),
            ("tasks_killing", of(TaskState::TaskKilling)),
            ("tasks_running", of(TaskState::TaskRunning)),
            ("tasks_staging", of(TaskState::TaskStaging)),
            ("tasks_starting", of(TaskState::TaskStarting)),
            ("tasks_unreachable", unreachable),
        ];
        #[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
        let seen = seen.into_iter().map(|(name, count)| (name, count as f64));
        let uptime = now.saturating_sub(self.started).as_secs_f64();
        let (mut total, mut used) = (Resources::default(), Resources::default());
        self.agents.values().for_each(|agent| total.add(&agent.resources));
        self.frameworks.values().for_each(|known| known.add_used(&mut used));
        let seen = seen.chain([("elected", 1.0), ("uptime_secs", uptime)]);
        counters::metrics("master", seen, (&total, &used), &self.counters)
    }
}

impl Framework {
    fn add_used(&self, used: &mut Resources) {
        let tasks = self.tasks.values().filter(|task| !is_terminal(task.state()));
        tasks.for_each(|task| used.add(&task.resources));
        self.executors.values().for_each(|executor| used.add(&executor.resources));
    }
}
