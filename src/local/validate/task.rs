//! What Mesos refuses of a task, in its order and words; and what the embedded cluster cannot do for one yet.

use super::{Checked, id};
use crate::local::resources::{self, Resources, describe, thousandths};
use crate::proto::mesos::v1::environment::variable::Type as VariableType;
use crate::proto::mesos::v1::{CommandInfo, ContainerInfo, Resource, TaskInfo, container_info};

/// A task of a LAUNCH, whose resources have passed `resources::check` and bear the role that they are allocated to.
pub(crate) fn task(
    task: &TaskInfo,
    agent: &str,
    role: &str,
    duplicate: bool,
    available: &Resources,
) -> Checked {
    id(&task.task_id.value)?;
    if duplicate {
        return Err(format!("Task has duplicate ID: {}", task.task_id.value));
    }
    if task.agent_id.value != agent {
        return Err(format!(
            "Task uses invalid agent {} while agent {agent} is expected",
            task.agent_id.value
        ));
    }
    let grace = task.kill_policy.as_ref().and_then(|policy| policy.grace_period.as_ref());
    if grace.is_some_and(|grace| grace.nanoseconds < 0) {
        return Err("Task's 'kill_policy.grace_period' must be non-negative".into());
    }
    if task.max_completion_time.as_ref().is_some_and(|limit| limit.nanoseconds < 0) {
        return Err("Task's `max_completion_time` must be non-negative".into());
    }
    task_resources(task)?;
    if let Some(command) = &task.command {
        environment(command).map_err(|why| format!("Task's `CommandInfo` is invalid: {why}"))?;
    }
    limits(task)?;
    if task.command.is_some() == task.executor.is_some() {
        return Err(
            "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present".into()
        );
    }
    let used = |resource: &Resource| {
        resource.allocation_info.as_ref().is_none_or(|allocation| allocation.role() == role)
    };
    if !task.resources.iter().all(used) || !available.contains(&resources::of(&task.resources)) {
        return Err(format!(
            "Total resources {} required by task and its executor is more than available {}",
            describe(&task.resources),
            describe(&resources::to_proto(available, role))
        ));
    }
    not_yet(task)
}

fn task_resources(task: &TaskInfo) -> Checked {
    if task.resources.is_empty() {
        return Err("Task uses no resources".into());
    }
    let gpus = resources::of(&task.resources).scalars().get("gpus").copied().unwrap_or(0);
    if gpus % 1000 != 0 {
        return Err("Task uses invalid resources: Invalid 'gpus' resource: The 'gpus' resource must be an \
                    unsigned integer"
            .into());
    }
    let mut roles = task.resources.iter().filter_map(|resource| resource.allocation_info.as_ref());
    if let Some(first) = roles.next()
        && let Some(other) = roles.find(|other| other.role() != first.role())
    {
        return Err(format!(
            "Invalid task resources: The resources have multiple allocation roles ('{}' and '{}') but only one \
             allocation role is allowed",
            other.role(),
            first.role()
        ));
    }
    Ok(())
}

fn environment(command: &CommandInfo) -> Checked {
    for variable in command.environment.iter().flat_map(|environment| &environment.variables) {
        let name = &variable.name;
        match variable.r#type() {
            VariableType::Value if variable.value.is_none() => {
                return Err(format!("Environment variable '{name}' of type 'VALUE' must have a value set"));
            }
            VariableType::Value if variable.secret.is_some() => {
                return Err(format!(
                    "Environment variable '{name}' of type 'VALUE' must not have a secret set"
                ));
            }
            VariableType::Value => {}
            VariableType::Secret if variable.secret.is_none() => {
                return Err(format!("Environment variable '{name}' of type 'SECRET' must have a secret set"));
            }
            VariableType::Secret if variable.value.is_some() => {
                return Err(format!(
                    "Environment variable '{name}' of type 'SECRET' must not have a value set"
                ));
            }
            VariableType::Secret => {
                return Err(format!(
                    "The embedded cluster cannot resolve the secret of variable '{name}' yet"
                ));
            }
            VariableType::Unknown => {
                return Err("Environment variable of type 'UNKNOWN' is not allowed".into());
            }
        }
    }
    Ok(())
}

fn limits(task: &TaskInfo) -> Checked {
    if task.limits.keys().any(|name| name != "cpus" && name != "mem") {
        return Err("Only cpus and mem may be included in a task's resource limits".into());
    }
    let asked = resources::of(&task.resources);
    for (name, long, short) in [("cpus", "CPU", "cpu"), ("mem", "memory", "memory")] {
        let Some(limit) = task.limits.get(name) else { continue };
        match asked.scalars().get(name) {
            None => {
                return Err(format!(
                    "When a {long} limit is specified, a {long} request must also be specified"
                ));
            }
            Some(asked) if thousandths(limit.value) < *asked => {
                return Err(format!(
                    "The {short} limit must be greater than or equal to the {short} request"
                ));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// What a real agent would do for the task and this cluster would silently leave out.
fn not_yet(task: &TaskInfo) -> Checked {
    let refuse = |what: &str| Err(format!("The embedded cluster cannot {what} yet"));
    if task.executor.is_some() {
        return refuse("run executors of one's own (TaskInfo.executor)");
    }
    if task.health_check.is_some() || task.check.is_some() {
        return refuse("check a task (TaskInfo.health_check, TaskInfo.check)");
    }
    if task.command.as_ref().is_some_and(|command| !command.uris.is_empty()) {
        return refuse("fetch files (CommandInfo.uris)");
    }
    match &task.container {
        Some(container) if !is_plain(container) => refuse("make containers (TaskInfo.container)"),
        _ => Ok(()),
    }
}

/// A container that asks for nothing but a process.
fn is_plain(container: &ContainerInfo) -> bool {
    let mut plain = ContainerInfo::default();
    plain.set_type(container_info::Type::Mesos);
    let mut asked = container.clone();
    asked.mesos = asked.mesos.filter(|mesos| mesos.image.is_some());
    asked == plain
}
