//! What Mesos refuses of a task, in its order.

use super::check::{check, health_check};
use super::container::{command, container, share_cgroups};
use super::executor::type_of;
use super::resources::{all, of, one_allocation};
use super::{Checked, refuse, unless};
use crate::proto::mesos::v1::TaskInfo;
use crate::proto::mesos::v1::executor_info::Type;
use crate::wire::resources::thousandths;

/// A task of a LAUNCH by itself: its id, and who runs it, are looked at apart.
pub(crate) fn task(task: &TaskInfo) -> Checked {
    body(task, true)?;
    unless(
        share_cgroups(task.container.as_deref()) == Some(false),
        "Only tasks in a task group may have 'share_cgroups' set to 'false'",
    )
}

/// What tasks of a LAUNCH and of a group have in common. `guessed`: see `health_check`.
pub(super) fn body(task: &TaskInfo, guessed: bool) -> Checked {
    let grace = task.kill_policy.as_ref().and_then(|policy| policy.grace_period.as_ref());
    unless(
        grace.is_some_and(|grace| grace.nanoseconds < 0),
        "Task's 'kill_policy.grace_period' must be non-negative",
    )?;
    unless(
        task.max_completion_time.as_ref().is_some_and(|limit| limit.nanoseconds < 0),
        "Task's `max_completion_time` must be non-negative",
    )?;
    if let Some(found) = &task.check {
        check(found).map_err(|words| format!("Task uses invalid check: {words}"))?;
    }
    if let Some(found) = &task.health_check {
        health_check(found, guessed).map_err(|words| format!("Task uses invalid health check: {words}"))?;
    }
    unless(task.resources.is_empty(), "Task uses no resources")?;
    all(&task.resources).map_err(|words| format!("Task uses invalid resources: {words}"))?;
    one_allocation(&task.resources).map_err(|words| format!("Invalid task resources: {words}"))?;
    if let Some(found) = &task.command {
        command(found).map_err(|words| format!("Task's `CommandInfo` is invalid: {words}"))?;
    }
    if let Some(found) = &task.container {
        container(found).map_err(|words| format!("Task's `ContainerInfo` is invalid: {words}"))?;
    }
    limits(task)
}

/// Who runs a task of a LAUNCH: a command, or an executor of the framework's own, whose id this is.
pub(crate) fn command_or_executor(task: &TaskInfo, framework_id: Option<&str>) -> Checked {
    if task.command.is_some() == task.executor.is_some() {
        return refuse("Task should have at least one (but not both) of CommandInfo or ExecutorInfo present");
    }
    let Some(executor) = &task.executor else { return Ok(()) };
    super::executor(executor, framework_id)?;
    if executor.r#type.is_some() && type_of(executor) != Some(Type::Custom) {
        return refuse("'ExecutorInfo.type' must be 'CUSTOM'");
    }
    unless(executor.command.is_none(), "'ExecutorInfo.command' must be set")
}

fn limits(task: &TaskInfo) -> Checked {
    if task.limits.keys().any(|name| name != "cpus" && name != "mem") {
        return refuse("Only cpus and mem may be included in a task's resource limits");
    }
    let asked = of(&task.resources);
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
