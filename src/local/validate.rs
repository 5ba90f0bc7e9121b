//! What Mesos refuses, and its words for it: calls, frameworks, tasks.
//!
//! # Invariants
//! * Checks come in Mesos' order, as the first that fails gives the message.
//! * What the embedded cluster cannot do yet is refused here, too, never ignored.

use super::resources::{Resources, describe};
use crate::proto::mesos::v1::environment::variable::Type as VariableType;
use crate::proto::mesos::v1::framework_info::capability::Type as Capability;
use crate::proto::mesos::v1::scheduler::Call;
use crate::proto::mesos::v1::scheduler::call::Type;
use crate::proto::mesos::v1::{CommandInfo, ContainerInfo, FrameworkInfo, TaskInfo, container_info};
use std::collections::BTreeSet;

type Checked = Result<(), String>;

/// The longest id: it is the name of a directory.
const NAME_MAX: usize = 255;
/// The longest `failover_timeout` that Mesos can count (nanoseconds in 64 bits).
const LONGEST: f64 = 9_223_372_036.854_776;

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
        let value = |id: Option<&crate::proto::mesos::v1::FrameworkId>| {
            id.map(|id| id.value.clone()).unwrap_or_default()
        };
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
    if call.acknowledge.as_ref().is_some_and(|acknowledge| !is_uuid(&acknowledge.uuid)) {
        return Err("Not a valid UUID".into());
    }
    if let Some(acknowledge) = &call.acknowledge_operation_status {
        if !is_uuid(&acknowledge.uuid) {
            return Err("Not a valid UUID".into());
        }
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

/// 16 bytes, and of a version that there is.
fn is_uuid(bytes: &[u8]) -> bool {
    bytes.len() == 16 && (1..=5).contains(&(bytes[6] >> 4))
}

/// The roles that a framework subscribes to.
pub(crate) fn roles(info: &FrameworkInfo) -> BTreeSet<String> {
    if is_multi_role(info) {
        return info.roles.iter().cloned().collect();
    }
    BTreeSet::from([info.role().to_owned()])
}

fn is_multi_role(info: &FrameworkInfo) -> bool {
    info.capabilities.iter().any(|capability| capability.r#type() == Capability::MultiRole)
}

/// A FrameworkInfo by itself.
#[expect(deprecated, reason = "FrameworkInfo.role is checked, too")]
pub(crate) fn framework(info: &FrameworkInfo) -> Checked {
    if is_multi_role(info) {
        if info.role.is_some() {
            return Err(
                "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable".into()
            );
        }
        let mut twice: Vec<&str> = Vec::new();
        for (at, name) in info.roles.iter().enumerate() {
            if info.roles[..at].contains(name) && !twice.contains(&name.as_str()) {
                twice.push(name);
            }
        }
        if !twice.is_empty() {
            return Err(format!(
                "'FrameworkInfo.roles' contains duplicate items: {{ {} }}",
                twice.join(", ")
            ));
        }
        for name in &info.roles {
            role(name).map_err(|why| format!("'FrameworkInfo.roles' contains invalid role: {why}"))?;
        }
    } else {
        if !info.roles.is_empty() {
            return Err(
                "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable".into()
            );
        }
        role(info.role()).map_err(|why| format!("'FrameworkInfo.role' is not a valid role: {why}"))?;
    }
    if let Some(framework_id) = info.id.as_ref().filter(|id| !id.value.is_empty()) {
        id(&framework_id.value)?;
    }
    for filters in info.offer_filters.values() {
        for amounts in filters.min_allocatable_resources.iter().flat_map(|least| &least.quantities) {
            if amounts.quantities.is_empty() {
                return Err("Resource quantities must contain at least one quantity".into());
            }
            for (name, amount) in &amounts.quantities {
                let why = match amount.value {
                    value if value.is_infinite() => "Infinite values not supported",
                    value if value.is_nan() => "NaN not supported",
                    value if value < 0.0 => "Negative values not supported",
                    _ => continue,
                };
                return Err(format!("Invalid resource quantity for '{name}': {why}"));
            }
        }
    }
    let timeout = info.failover_timeout();
    if timeout.is_nan() || timeout.abs() > LONGEST {
        return Err(format!("The framework failover_timeout ({}) is invalid", number(timeout)));
    }
    Ok(())
}

/// `1e+300`, as C++ writes it.
fn number(value: f64) -> String {
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((digits, exponent)) if !exponent.starts_with('-') => format!("{digits}e+{exponent:0>2}"),
        _ => text,
    }
}

/// What may not change in a framework that is known.
pub(crate) fn framework_update(old: &FrameworkInfo, new: &FrameworkInfo) -> Checked {
    if old.principal != new.principal {
        return Err("Changing framework's principal is not allowed.".into());
    }
    let refused = |field, old: &dyn std::fmt::Display, new: &dyn std::fmt::Display| {
        Err(format!(
            "Updating 'FrameworkInfo.{field}' is unsupported; attempted to update from '{old}' to '{new}'"
        ))
    };
    if old.user != new.user {
        return refused("user", &old.user, &new.user);
    }
    if old.checkpoint() != new.checkpoint() {
        return refused("checkpoint", &old.checkpoint(), &new.checkpoint());
    }
    Ok(())
}

pub(crate) fn suppressed_roles(info: &FrameworkInfo, suppressed: &[String]) -> Checked {
    let own = roles(info);
    match suppressed.iter().find(|role| !own.contains(*role)) {
        Some(role) => Err(format!("Suppressed role '{role}' is not contained in the list of roles")),
        None => Ok(()),
    }
}

fn role(role: &str) -> Checked {
    let refuse = |why: &str| Err(format!("Role '{role}' {why}"));
    let refuse_component =
        |component: &str, why: &str| Err(format!("Role component '{component}' is invalid because it {why}"));
    if role == "*" {
        return Ok(());
    }
    if role.starts_with('/') {
        return refuse("cannot start with a slash");
    }
    if role.ends_with('/') {
        return refuse("cannot end with a slash");
    }
    if role.contains("//") {
        return refuse("cannot contain two adjacent slashes");
    }
    if role.is_empty() {
        return Err("Role names cannot be the empty string".into());
    }
    for component in role.split('/') {
        match component {
            "." | ".." | "*" => return refuse(&format!("cannot include '{component}' as a component")),
            _ if component.starts_with('-') => return refuse_component(component, "starts with a dash"),
            _ if component.contains(['\t', '\n', '\x0b', '\x0c', '\r', ' ', '\x7f']) => {
                return refuse_component(component, "contains backspace or whitespace");
            }
            _ => {}
        }
    }
    Ok(())
}

/// Ids become names of directories.
fn id(id: &str) -> Checked {
    if id.is_empty() {
        return Err("ID must not be empty".into());
    }
    if id.len() > NAME_MAX {
        return Err(format!("ID must not be greater than {NAME_MAX} characters"));
    }
    if id == "." || id == ".." {
        return Err(format!("'{id}' is disallowed"));
    }
    if id.bytes().any(|byte| byte.is_ascii_control() || byte == b'/' || byte == b'\\') {
        return Err(format!("'{id}' contains invalid characters"));
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
    let used = |resource: &crate::proto::mesos::v1::Resource| {
        resource.allocation_info.as_ref().is_none_or(|allocation| allocation.role() == role)
    };
    if !task.resources.iter().all(used) || !available.contains(&Resources::of(&task.resources)) {
        return Err(format!(
            "Total resources {} required by task and its executor is more than available {}",
            describe(&task.resources),
            describe(&available.to_proto(role))
        ));
    }
    not_yet(task)
}

fn task_resources(task: &TaskInfo) -> Checked {
    if task.resources.is_empty() {
        return Err("Task uses no resources".into());
    }
    let gpus = Resources::of(&task.resources).scalars().get("gpus").copied().unwrap_or(0);
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
    let asked = Resources::of(&task.resources);
    for (name, long, short) in [("cpus", "CPU", "cpu"), ("mem", "memory", "memory")] {
        let Some(limit) = task.limits.get(name) else { continue };
        match asked.scalars().get(name) {
            None => {
                return Err(format!(
                    "When a {long} limit is specified, a {long} request must also be specified"
                ));
            }
            Some(asked) if super::resources::thousandths(limit.value) < *asked => {
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
