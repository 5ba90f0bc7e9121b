//! What the embedded cluster refuses: calls that lack something (those of executors in `executor`), tasks that do not
//! fit where they are to run, and what it cannot do yet. The rest is `crate::validate`'s.
//!
//! # Invariants
//! * Checks come in Mesos' order, as the first that fails gives the message.
//! * What the embedded cluster cannot do yet is refused here, too, never ignored.

mod executor;
mod operation;
mod operator;

use crate::proto::mesos::v1::environment::variable::Type as VariableType;
use crate::proto::mesos::v1::offer::operation::LaunchGroup;
use crate::proto::mesos::v1::scheduler::Call;
use crate::proto::mesos::v1::scheduler::call::Type;
use crate::proto::mesos::v1::{
    ContainerInfo, ExecutorInfo, FrameworkId, TaskInfo, command_info, container_info,
};
use crate::validate::{self, Checked, uuid};
pub(crate) use executor::call as executor_call;
pub(crate) use operation::operation;
pub(crate) use operator::{agent_call, master_call};

/// A call before anything is known about its framework.
pub(crate) fn call(call: &Call) -> Checked {
    let Some(Ok(r#type)) = call.r#type.map(Type::try_from) else {
        return Err("Expecting 'type' to be present".into());
    };
    if r#type == Type::Subscribe {
        let Some(subscribe) = &call.subscribe else {
            return Err("Expecting 'subscribe' to be present".into());
        };
        // An absent id equals an empty one.
        let value = |id: Option<&FrameworkId>| id.map(|id| id.value.clone()).unwrap_or_default();
        return match value(subscribe.framework_info.id.as_ref()) == value(call.framework_id.as_ref()) {
            true => Ok(()),
            false => Err("'framework_id' differs from 'subscribe.framework_info.id'".into()),
        };
    }
    if call.framework_id.is_none() {
        return Err("Expecting 'framework_id' to be present".into());
    }
    let (body, present) = match r#type {
        Type::Accept => ("accept", call.accept.is_some()),
        Type::Decline => ("decline", call.decline.is_some()),
        Type::AcceptInverseOffers => ("accept_inverse_offers", call.accept_inverse_offers.is_some()),
        Type::DeclineInverseOffers => ("decline_inverse_offers", call.decline_inverse_offers.is_some()),
        Type::Kill => ("kill", call.kill.is_some()),
        Type::Shutdown => ("shutdown", call.shutdown.is_some()),
        Type::Acknowledge => ("acknowledge", call.acknowledge.is_some()),
        Type::AcknowledgeOperationStatus => {
            ("acknowledge_operation_status", call.acknowledge_operation_status.is_some())
        }
        Type::Reconcile => ("reconcile", call.reconcile.is_some()),
        Type::ReconcileOperations => ("reconcile_operations", call.reconcile_operations.is_some()),
        Type::Message => ("message", call.message.is_some()),
        Type::Request => ("request", call.request.is_some()),
        Type::UpdateFramework => ("update_framework", call.update_framework.is_some()),
        Type::Subscribe | Type::Teardown | Type::Revive | Type::Suppress | Type::Unknown => ("", true),
    };
    if !present {
        return Err(format!("Expecting '{body}' to be present"));
    }
    if let Some(acknowledge) = &call.acknowledge {
        uuid(&acknowledge.uuid)?;
    }
    if let Some(acknowledge) = &call.acknowledge_operation_status {
        uuid(&acknowledge.uuid)?;
        if acknowledge.agent_id.is_none() {
            return Err("Expecting 'agent_id' to be present".into());
        }
    }
    let updated = call.update_framework.as_ref().map(|update| &update.framework_info.id);
    if updated.is_some_and(|id| *id != call.framework_id) {
        return Err("'framework_id' differs from 'update_framework.framework_info.id'".into());
    }
    Ok(())
}

/// A task of a LAUNCH on this agent, for a framework of this id.
pub(crate) fn task(task: &TaskInfo, agent: &str, framework: &str, duplicate: bool) -> Checked {
    placed(task, agent, duplicate)?;
    validate::task(task)?;
    validate::command_or_executor(task, Some(framework))
}

/// A LAUNCH_GROUP on this agent, for a framework of this id; `duplicate` tells whether a task's id is taken.
pub(crate) fn group(
    group: &LaunchGroup,
    agent: &str,
    framework: &str,
    duplicate: impl Fn(&TaskInfo) -> bool,
) -> Checked {
    let tasks = &group.task_group.tasks;
    for (index, task) in tasks.iter().enumerate() {
        let twice = tasks[..index].iter().any(|other| other.task_id == task.task_id);
        placed(task, agent, twice || duplicate(task))
            .map_err(|why| format!("Task '{}' is invalid: {why}", task.task_id.value))?;
    }
    // A driver may leave it to its master to know; a master wants it.
    if group.executor.framework_id.is_none() {
        return Err("'ExecutorInfo.framework_id' must be set".into());
    }
    validate::group(group, Some(framework))?;
    if tasks.is_empty() { Err("Task group cannot be empty".into()) } else { Ok(()) }
}

/// The id of a task, and where it is to run.
fn placed(task: &TaskInfo, agent: &str, duplicate: bool) -> Checked {
    validate::id(&task.task_id.value)?;
    if duplicate {
        return Err(format!("Task has duplicate ID: {}", task.task_id.value));
    }
    if task.agent_id.value != agent {
        return Err(format!(
            "Task uses invalid agent {} while agent {agent} is expected",
            task.agent_id.value
        ));
    }
    Ok(())
}

/// An executor beside the one of the same id that is there already, if there is one.
pub(crate) fn compatible(executor: &ExecutorInfo, known: Option<&ExecutorInfo>) -> Checked {
    match known {
        Some(known) if known != executor => {
            Err("ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID".into())
        }
        _ => Ok(()),
    }
}

/// What a real agent would do for the task and this cluster would silently leave out.
pub(crate) fn not_yet(task: &TaskInfo) -> Checked {
    let refuse = |what: &str| Err(format!("The embedded cluster cannot {what} yet"));
    let executor = task.executor.as_deref();
    let commands = task.command.iter().chain(executor.and_then(|executor| executor.command.as_ref()));
    // Executors of a framework's own check their tasks themselves.
    let checks = executor
        .is_none_or(|executor| executor.command.is_none())
        .then_some((&task.check, &task.health_check));
    let (check, health) = checks.map_or((None, None), |(check, health)| (check.as_ref(), health.as_ref()));
    if health.and_then(|health| health.http.as_ref()).is_some_and(|http| http.scheme() == "https") {
        return refuse("check health over https");
    }
    let looks = check.and_then(|check| check.command.as_ref()).map(|check| &*check.command);
    let looks = looks.into_iter().chain(health.and_then(|health| health.command.as_deref()));
    for command in commands.map(|command| &**command).chain(looks) {
        let known = |uri: &command_info::Uri| {
            ["/", "file://", "http://"].iter().any(|scheme| uri.value.starts_with(scheme))
        };
        if let Some(uri) = command.uris.iter().find(|uri| !known(uri)) {
            return refuse(&format!("fetch '{}', but files of this machine and http:// only,", uri.value));
        }
        let variables = command.environment.iter().flat_map(|environment| &environment.variables);
        let secret = variables.into_iter().find(|variable| variable.r#type() == VariableType::Secret);
        if let Some(secret) = secret {
            return refuse(&format!("resolve the secret of variable '{}'", secret.name));
        }
    }
    if task.container.as_deref().is_some_and(|container| !is_plain(container)) {
        return refuse("make containers (TaskInfo.container)");
    }
    match executor.and_then(|executor| executor.container.as_deref()) {
        Some(container) if !is_plain(container) => refuse("make containers (ExecutorInfo.container)"),
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
