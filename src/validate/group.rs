//! What Mesos refuses of a task group: its tasks, and the executor that runs them.

use super::container::share_cgroups;
use super::executor::type_of;
use super::resources::of;
use super::task::body;
use super::{Checked, executor, refuse, unless};
use crate::proto::mesos::v1::executor_info::Type;
use crate::proto::mesos::v1::health_check::Type as HealthCheckType;
use crate::proto::mesos::v1::offer::operation::LaunchGroup;
use crate::proto::mesos::v1::{ContainerInfo, ExecutorInfo, TaskInfo, container_info};
use crate::wire::resources::number;

/// The least that an executor of a group has, in thousandths.
const LEAST: [(&str, &str, &str, i64); 2] = [("cpus", "CPUs", "0.01", 10), ("mem", "memory", "32MB", 32_000)];

/// A LAUNCH_GROUP of the framework with this id.
pub(crate) fn group(group: &LaunchGroup, framework_id: Option<&str>) -> Checked {
    for one in &group.task_group.tasks {
        super::id(&one.task_id.value)
            .and_then(|()| task(one))
            .map_err(|words| format!("Task '{}' is invalid: {words}", one.task_id.value))?;
        same_executor(one, &group.executor)?;
    }
    executor(&group.executor, framework_id)?;
    executor_of_a_group(&group.executor)?;
    let mut shared =
        group.task_group.tasks.iter().map(|task| share_cgroups(task.container.as_deref()) != Some(false));
    let first = shared.next();
    unless(
        shared.any(|other| Some(other) != first),
        "If set, the value of 'share_cgroups' must be the same for all tasks in each task group and under a \
         single executor",
    )
}

fn task(task: &TaskInfo) -> Checked {
    body(task, false)?;
    if let Some(container) = &task.container {
        let network = !container.network_infos.is_empty();
        let check = task.health_check.as_ref().map(|check| check.r#type());
        unless(
            network && matches!(check, Some(HealthCheckType::Http | HealthCheckType::Tcp)),
            "HTTP and TCP health checks are not supported for nested containers not joining parent's network",
        )?;
        unless(is_docker(container), "Docker ContainerInfo is not supported on the task")?;
    }
    unless(
        !task.limits.is_empty() && share_cgroups(task.container.as_deref()) != Some(false),
        "Resource limits may only be set for tasks within a task group when the 'share_cgroups' field is set to \
         'false'.",
    )
}

fn same_executor(task: &TaskInfo, executor: &ExecutorInfo) -> Checked {
    // Mesos compares all of them; two with different ids are different in any case
    match &task.executor {
        Some(own) if own.executor_id != executor.executor_id => Err(format!(
            "The `ExecutorInfo` of task '{}' is different from executor '{}'",
            task.task_id.value, executor.executor_id.value
        )),
        _ => Ok(()),
    }
}

fn executor_of_a_group(executor: &ExecutorInfo) -> Checked {
    match type_of(executor) {
        None => return refuse("'ExecutorInfo.type' must be set"),
        Some(Type::Unknown) => return refuse("Unknown executor type"),
        Some(Type::Default | Type::Custom) => {}
    }
    unless(
        executor.container.as_deref().is_some_and(is_docker),
        "Docker ContainerInfo is not supported on the executor",
    )?;
    let id = &executor.executor_id.value;
    let resources = of(&executor.resources);
    let has = resources.scalars();
    for (name, words, least, thousandths) in LEAST {
        let amount = has.get(name).copied();
        if amount.is_none_or(|amount| amount < thousandths) {
            let said = |amount| if name == "mem" { megabytes(amount) } else { number(amount).to_string() };
            let amount = amount.map_or("None".into(), said);
            return Err(format!(
                "Executor '{id}' uses less {words} ({amount}) than the minimum required ({least})"
            ));
        }
    }
    if !has.contains_key("disk") {
        return Err(format!("Executor '{id}' uses no disk"));
    }
    Ok(())
}

/// Thousandths of a megabyte in the words of Mesos, which counts whole ones.
fn megabytes(thousandths: i64) -> String {
    match thousandths / 1000 {
        0 => "0B".into(),
        whole => format!("{whole}MB"),
    }
}

fn is_docker(container: &ContainerInfo) -> bool {
    container.r#type() == container_info::Type::Docker
}
