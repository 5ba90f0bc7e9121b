//! What Mesos refuses of an executor, whether of a task or of a task group.

use super::container::{command, container, share_cgroups};
use super::resources::{all, one_allocation};
use super::{Checked, refuse, unless};
use crate::proto::mesos::v1::executor_info::Type;
use crate::proto::mesos::v1::{ExecutorInfo, container_info};

/// An executor of the framework with this id. Mesos fills the id in for executors of tasks, not for those of groups.
pub(crate) fn executor(executor: &ExecutorInfo, framework_id: Option<&str>) -> Checked {
    by_type(executor)?;
    super::id(&executor.executor_id.value)?;
    let grace = executor.shutdown_grace_period.as_ref();
    unless(
        grace.is_some_and(|grace| grace.nanoseconds < 0),
        "ExecutorInfo's 'shutdown_grace_period' must be non-negative",
    )?;
    if let Some(found) = &executor.command {
        command(found).map_err(|words| format!("Executor's `CommandInfo` is invalid: {words}"))?;
    }
    if let Some(found) = &executor.container {
        container(found).map_err(|words| format!("Executor's `ContainerInfo` is invalid: {words}"))?;
    }
    if let (Some(own), Some(expected)) = (&executor.framework_id, framework_id)
        && own.value != expected
    {
        return Err(format!(
            "ExecutorInfo has an invalid FrameworkID (Actual: {} vs Expected: {expected})",
            own.value
        ));
    }
    all(&executor.resources).map_err(|words| format!("Executor uses invalid resources: {words}"))?;
    one_allocation(&executor.resources).map_err(|words| format!("Invalid executor resources: {words}"))?;
    unless(
        share_cgroups(executor.container.as_deref()) == Some(true),
        "The 'share_cgroups' field cannot be set to 'true' on executor containers",
    )
}

/// Its type, if that is known.
pub(super) fn type_of(executor: &ExecutorInfo) -> Option<Type> {
    executor.r#type.and_then(|number| Type::try_from(number).ok())
}

fn by_type(executor: &ExecutorInfo) -> Checked {
    match type_of(executor) {
        Some(Type::Default) => {
            unless(
                executor.command.is_some(),
                "'ExecutorInfo.command' must not be set for 'DEFAULT' executor",
            )?;
            let Some(container) = &executor.container else { return Ok(()) };
            if container.r#type() != container_info::Type::Mesos {
                return refuse("'ExecutorInfo.container.type' must be 'MESOS' for 'DEFAULT' executor");
            }
            let image = container.mesos.as_ref().is_some_and(|mesos| mesos.image.is_some());
            unless(image, "'ExecutorInfo.container.mesos.image' must not be set for 'DEFAULT' executor")
        }
        Some(Type::Custom) => {
            unless(executor.command.is_none(), "'ExecutorInfo.command' must be set for 'CUSTOM' executor")
        }
        Some(Type::Unknown) | None => Ok(()),
    }
}
