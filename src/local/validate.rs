//! What Mesos refuses, and its words for it: calls and frameworks here, tasks in `task`.
//!
//! # Invariants
//! * Checks come in Mesos' order, as the first that fails gives the message.
//! * What the embedded cluster cannot do yet is refused here, too, never ignored.

mod task;

use crate::proto::mesos::v1::framework_info::capability::Type as Capability;
use crate::proto::mesos::v1::scheduler::Call;
use crate::proto::mesos::v1::scheduler::call::Type;
use crate::proto::mesos::v1::{FrameworkId, FrameworkInfo};
use crate::wire::resources::role;
use std::collections::BTreeSet;

pub(crate) use task::task;

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
            role::check(name).map_err(|why| format!("'FrameworkInfo.roles' contains invalid role: {why}"))?;
        }
    } else {
        if !info.roles.is_empty() {
            return Err(
                "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable".into()
            );
        }
        role::check(info.role()).map_err(|why| format!("'FrameworkInfo.role' is not a valid role: {why}"))?;
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
