//! `/state-summary`: frameworks and agents with the number of their tasks in each state, without the tasks.

use super::Page;
use super::master::{agent, framework, framework_id};
use super::model::fields;
use crate::local::master::Master;
use crate::proto::mesos::v1::{Task, TaskState};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The states that are counted.
const STATES: [TaskState; 10] = [
    TaskState::TaskStaging,
    TaskState::TaskStarting,
    TaskState::TaskRunning,
    TaskState::TaskKilling,
    TaskState::TaskFinished,
    TaskState::TaskKilled,
    TaskState::TaskFailed,
    TaskState::TaskLost,
    TaskState::TaskError,
    TaskState::TaskUnreachable,
];

/// Tasks by state, and what else they have to do with.
#[derive(Default)]
struct Count<'a> {
    tasks: BTreeMap<TaskState, u64>,
    others: BTreeSet<&'a str>,
}

impl<'a> Count<'a> {
    fn add(&mut self, task: &Task, other: &'a str) {
        *self.tasks.entry(task.state()).or_default() += 1;
        self.others.insert(other);
    }

    /// Adds what was counted; `others` is the name of what else there is.
    fn put(&self, mut object: super::model::Object, others: &str) -> Value {
        for state in STATES {
            let count = self.tasks.get(&state).copied().unwrap_or(0);
            object.insert(state.as_str_name().into(), count.into());
        }
        object.insert(others.into(), self.others.iter().copied().collect());
        object.into()
    }
}

pub(super) fn summary(master: &Master) -> Page {
    let (all, frameworks, agents) = (master.get_tasks(), master.get_frameworks(), master.get_agents());
    let current: BTreeSet<&str> =
        frameworks.frameworks.iter().map(|known| framework_id(&known.framework_info)).collect();
    let (mut of_framework, mut of_agent) = (BTreeMap::<&str, Count>::new(), BTreeMap::<&str, Count>::new());
    for task in [&all.tasks, &all.unreachable_tasks, &all.completed_tasks].into_iter().flatten() {
        let (framework, agent) = (task.framework_id.value.as_str(), task.agent_id.value.as_str());
        // Those of frameworks that have ended are not counted.
        if current.contains(framework) {
            of_framework.entry(framework).or_default().add(task, agent);
            of_agent.entry(agent).or_default().add(task, framework);
        }
    }
    let none = Count::default();
    let frameworks = frameworks.frameworks.iter().map(|known| {
        let count = of_framework.get(framework_id(&known.framework_info)).unwrap_or(&none);
        count.put(framework(known), "slave_ids")
    });
    let slaves = agents.agents.iter().map(|known| {
        let id = known.agent_info.id.as_ref().map_or("", |id| &id.value);
        of_agent.get(id).unwrap_or(&none).put(fields(agent(known)), "framework_ids")
    });
    let hostname = master.get_master().master_info.map(|info| info.hostname().to_owned());
    let object = json!({
        "hostname": hostname,
        "slaves": slaves.collect::<Value>(),
        "frameworks": frameworks.collect::<Value>(),
    });
    Page::Json(object.to_string())
}
