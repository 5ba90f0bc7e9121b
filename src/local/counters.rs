//! What has happened since a master or an agent started, counted by the names that Mesos has for it.
//!
//! # Invariants
//! * Every name is there from the beginning, with 0: tools take a name that is missing for a fault.
//! * A task's end is counted once, by the state that it ended in. Mesos' master leaves out those whose end overtakes an
//!   update that waits for its acknowledgement; what is counted here is what has happened.

use super::resources::Resources;
use crate::proto::mesos::v1::{Metric, TaskState};
use std::collections::BTreeMap;

/// What of an agent's or a cluster's resources is told in metrics.
const SCALARS: [&str; 4] = ["cpus", "disk", "gpus", "mem"];

/// Figures that only grow.
#[derive(Debug, Default)]
pub(crate) struct Counters(BTreeMap<&'static str, u32>);

impl Counters {
    pub(crate) fn new(names: &[&'static str]) -> Self {
        Self(names.iter().map(|&name| (name, 0)).collect())
    }

    /// One more. A name that was not there from the beginning is none of these counters'.
    pub(crate) fn count(&mut self, name: &str) {
        self.0.get_mut(name).into_iter().for_each(|figure| *figure = figure.saturating_add(1));
    }

    /// A task has ended in this state; the others are not counted but looked at.
    pub(crate) fn ended(&mut self, state: TaskState) {
        self.count(match state {
            TaskState::TaskFinished => "tasks_finished",
            TaskState::TaskFailed => "tasks_failed",
            TaskState::TaskKilled => "tasks_killed",
            TaskState::TaskLost => "tasks_lost",
            TaskState::TaskError => "tasks_error",
            TaskState::TaskDropped => "tasks_dropped",
            TaskState::TaskGone => "tasks_gone",
            TaskState::TaskGoneByOperator => "tasks_gone_by_operator",
            _ => return,
        });
    }

    fn figures(&self) -> impl Iterator<Item = (String, f64)> {
        self.0.iter().map(|(name, figure)| ((*name).to_owned(), f64::from(*figure)))
    }
}

/// What is seen now, and what has happened, as Mesos tells it.
pub(crate) fn metrics(
    whose: &str,
    seen: impl IntoIterator<Item = (&'static str, f64)>,
    (total, used): (&Resources, &Resources),
    counters: &Counters,
) -> Vec<Metric> {
    let seen = seen.into_iter().map(|(name, figure)| (name.to_owned(), figure));
    let all = seen.chain(shares(total, used)).chain(counters.figures());
    all.map(|(name, value)| Metric { name: format!("{whose}/{name}"), value: Some(value) }).collect()
}

/// How much there is of each resource, how much is used, and what part of it. Nothing is revocable here.
fn shares(total: &Resources, used: &Resources) -> Vec<(String, f64)> {
    let mut told = Vec::new();
    for name in SCALARS {
        #[expect(clippy::cast_precision_loss, reason = "so does Mesos")]
        let amount = |of: &Resources| of.scalars().get(name).copied().unwrap_or(0) as f64 / 1000.0;
        let (total, used) = (amount(total), amount(used));
        let percent = if total == 0.0 { 0.0 } else { used / total };
        told.extend(
            [("total", total), ("used", used), ("percent", percent)]
                .map(|(what, figure)| (format!("{name}_{what}"), figure)),
        );
        told.extend(["total", "used", "percent"].map(|what| (format!("{name}_revocable_{what}"), 0.0)));
    }
    told
}
