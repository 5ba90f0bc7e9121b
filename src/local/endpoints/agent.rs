//! What tools read of an agent: `/state`, `/containers`, `/monitor/statistics`.

use super::Page;
use super::master::{attributes, flags, put_roles, version};
use super::model::{self, Object, amounts, fields, full, put, seconds};
use crate::local::agent::{Agent, KnownExecutor as Executor, KnownFramework as Framework};
use crate::local::clock::Time;
use crate::local::operator;
use crate::local::process::sandbox;
use crate::proto::mesos::v1::agent::call::GetContainers;
use crate::proto::mesos::v1::master::response::get_agents;
use crate::proto::mesos::v1::{Resource, Task};
use crate::task::is_terminal;
use crate::wire::msg;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

/// An agent, what its master knows of it, and where its files are.
pub(super) struct Subject<'a> {
    pub(super) agent: &'a Agent,
    /// unless it is gone, or cannot be reached
    pub(super) registered: Option<get_agents::Agent>,
    pub(super) master: &'a str,
    /// the cluster's directory
    pub(super) root: &'a Path,
}

/// All that is known.
pub(super) fn state(subject: &Subject<'_>) -> Page {
    let info = subject.agent.info();
    let known = subject.registered.clone().unwrap_or_default();
    let total = if known.total_resources.is_empty() {
        operator::with_role(info.resources.clone())
    } else {
        known.total_resources
    };
    let (reserved, unreserved) = model::parted(&total);
    let held = operator::with_role(
        subject.agent.frameworks().flat_map(|it| it.executors.values().flat_map(held)).collect(),
    );
    let (held_reserved, held_unreserved) = model::parted(&held);
    let waiting = subject.agent.waiting();
    let framework = |known: &Framework| framework(subject, known, &waiting);
    let since = known.reregistered_time.as_ref().or(known.registered_time.as_ref());
    let mut object = version(&operator::version());
    object.extend(fields(json!({
        "start_time": seconds(since),
        "id": subject.agent.id(),
        "pid": subject.agent.pid(),
        "hostname": info.hostname,
        "capabilities": known.capabilities.iter().map(|it| it.r#type().as_str_name()).collect::<Value>(),
        "resources": amounts(&total),
        "reserved_resources": model::by_role(&reserved, amounts),
        "unreserved_resources": amounts(&unreserved),
        "reserved_resources_full": model::by_role(&reserved, full),
        "unreserved_resources_full": full(&unreserved),
        "reserved_resources_allocated": model::by_role(&held_reserved, amounts),
        "unreserved_resources_allocated": amounts(&held_unreserved),
        "resource_providers": [],
        "attributes": attributes(&info.attributes),
        "master_hostname": subject.master,
        "flags": flags(&subject.agent.flags()),
        "frameworks": subject.agent.frameworks().map(framework).collect::<Value>(),
        "completed_frameworks": subject.agent.completed_frameworks().map(framework).collect::<Value>(),
    })));
    Page::Json(Value::from(object).to_string())
}

/// The containers of executors: who they are, how much they may use, and the process.
pub(super) fn containers(agent: &Agent, now: Time) -> Page {
    Page::Json(container_list(agent, now).map(Value::from).collect::<Value>().to_string())
}

/// The same without the container.
pub(super) fn statistics(agent: &Agent, now: Time) -> Page {
    let list = container_list(agent, now).map(|mut object| {
        object.remove("container_id");
        object.remove("status");
        Value::from(object)
    });
    Page::Json(list.collect::<Value>().to_string())
}

fn container_list(agent: &Agent, now: Time) -> impl Iterator<Item = Object> {
    let containers = agent.get_containers(now, &GetContainers::default()).containers;
    containers.into_iter().map(|it| {
        let (framework, executor) = (
            it.framework_id.as_ref().map_or("", |id| &id.value),
            it.executor_id.as_ref().map_or("", |id| &id.value),
        );
        let known = agent.frameworks().find(|known| known.owner.id() == framework);
        let source = known.and_then(|known| known.executors.get(executor)).map(|known| known.info.source());
        let mut object = fields(json!({
            "container_id": it.container_id.value,
            "framework_id": framework,
            "executor_id": executor,
            "executor_name": it.executor_name(),
            "source": source.unwrap_or_default(),
        }));
        put(
            &mut object,
            "status",
            it.container_status.as_deref().map(|it| model::message(msg::CONTAINER_STATUS, it)),
        );
        let statistics = it.resource_statistics.as_deref();
        put(&mut object, "statistics", statistics.map(|it| model::message(msg::RESOURCE_STATISTICS, it)));
        object
    })
}

/// What an executor has, with its tasks.
fn held(executor: &Executor) -> Vec<Resource> {
    let tasks = executor.tasks.values().filter(|task| !is_terminal(task.state()));
    executor.info.resources.iter().chain(tasks.flat_map(|task| &task.resources)).cloned().collect()
}

fn framework(subject: &Subject<'_>, known: &Framework, waiting: &BTreeSet<(String, String)>) -> Value {
    let (id, info) = (known.owner.id(), known.owner.info());
    let executor = |it: &Executor| executor(subject, id, it, waiting);
    let mut object = fields(json!({
        "id": id,
        "name": info.name,
        "user": info.user,
        "failover_timeout": info.failover_timeout(),
        "checkpoint": info.checkpoint(),
        "hostname": info.hostname(),
        "executors": known.executors.values().map(executor).collect::<Value>(),
        "completed_executors": known.completed.iter().map(executor).collect::<Value>(),
    }));
    put(&mut object, "principal", info.principal.as_deref());
    put_roles(&mut object, info);
    object.into()
}

fn executor(
    subject: &Subject<'_>,
    framework: &str,
    known: &Executor,
    waiting: &BTreeSet<(String, String)>,
) -> Value {
    let (id, info) = (known.info.executor_id.value.as_str(), &known.info);
    let directory = subject.root.join(sandbox(subject.agent.id(), framework, id, &known.container));
    let is_queued = |task: &Task| waiting.contains(&(framework.to_owned(), task.task_id.value.clone()));
    let (ended, current): (Vec<&Task>, Vec<&Task>) =
        known.tasks.values().partition(|task| is_terminal(task.state()));
    let (queued, launched): (Vec<&Task>, Vec<&Task>) = current.into_iter().partition(|task| is_queued(task));
    let tasks = |tasks: Vec<&Task>| tasks.into_iter().map(model::task).collect::<Value>();
    let mut object = model::executor(info);
    for name in ["executor_id", "framework_id", "command"] {
        object.remove(name);
    }
    object.extend(fields(json!({
        "id": id,
        "source": info.source(),
        "container": known.container,
        "directory": directory.display().to_string(),
        "resources": amounts(&held(known)),
        "tasks": tasks(launched),
        "queued_tasks": tasks(queued),
        "completed_tasks": tasks(known.completed.iter().chain(ended).collect()),
    })));
    object.into()
}
