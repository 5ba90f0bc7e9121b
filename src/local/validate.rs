//! What the embedded master refuses: calls that lack something, tasks that do not fit where they are to run, and what
//! the embedded cluster cannot do yet. The rest is `crate::validate`'s.
//!
//! # Invariants
//! * Checks come in Mesos' order, as the first that fails gives the message.
//! * What the embedded cluster cannot do yet is refused here, too, never ignored.

use super::resources::{self, Resources, describe};
use crate::proto::mesos::v1::environment::variable::Type as VariableType;
use crate::proto::mesos::v1::scheduler::Call;
use crate::proto::mesos::v1::scheduler::call::Type;
use crate::proto::mesos::v1::{ContainerInfo, FrameworkId, Resource, TaskInfo, container_info};
use crate::validate::{self, Checked, uuid};

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

/// A task of a LAUNCH, whose resources have passed `resources::check` and bear the role that they are allocated to.
pub(crate) fn task(
    task: &TaskInfo,
    agent: &str,
    role: &str,
    duplicate: bool,
    available: &Resources,
) -> Checked {
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
    validate::task(task)?;
    validate::command_or_executor(task, None)?;
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

/// What a real agent would do for the task and this cluster would silently leave out.
fn not_yet(task: &TaskInfo) -> Checked {
    let refuse = |what: &str| Err(format!("The embedded cluster cannot {what} yet"));
    if task.executor.is_some() {
        return refuse("run executors of one's own (TaskInfo.executor)");
    }
    if task.health_check.is_some() || task.check.is_some() {
        return refuse("check a task (TaskInfo.health_check, TaskInfo.check)");
    }
    let command = task.command.as_ref();
    if command.is_some_and(|command| !command.uris.is_empty()) {
        return refuse("fetch files (CommandInfo.uris)");
    }
    let mut variables = command.and_then(|command| command.environment.as_ref()).into_iter();
    let secret = variables.find_map(|environment| {
        environment.variables.iter().find(|variable| variable.r#type() == VariableType::Secret)
    });
    if let Some(secret) = secret {
        return refuse(&format!("resolve the secret of variable '{}'", secret.name));
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
