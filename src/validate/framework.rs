//! What Mesos refuses of a framework: roles, filters, timeouts, constraints, and changes of what cannot change.

use super::{Checked, id, refuse, unless};
use crate::proto::mesos::v1::FrameworkInfo;
use crate::proto::mesos::v1::framework_info::capability::Type as Capability;
use crate::proto::mesos::v1::scheduler::attribute_constraint::selector::{
    PseudoattributeType as Pseudoattribute, Selector,
};
use crate::proto::mesos::v1::scheduler::{AttributeConstraint, OfferConstraints};
use crate::wire::resources::role;
use std::collections::BTreeSet;

/// The longest `failover_timeout` that Mesos can count (nanoseconds in 64 bits).
const LONGEST: f64 = 9_223_372_036.854_776;

/// The roles that a framework subscribes to.
pub(crate) fn roles(info: &FrameworkInfo) -> BTreeSet<String> {
    if is_multi_role(info) {
        return info.roles.iter().cloned().collect();
    }
    BTreeSet::from([info.role().to_owned()])
}

/// Whether it has `roles`, and not one `role`.
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

/// Roles that are to get no offers at first.
pub(crate) fn suppressed_roles(info: &FrameworkInfo, suppressed: &[String]) -> Checked {
    let own = roles(info);
    match suppressed.iter().find(|role| !own.contains(*role)) {
        Some(role) => Err(format!("Suppressed role '{role}' is not contained in the list of roles")),
        None => Ok(()),
    }
}

/// The roles of a REVIVE or SUPPRESS, of which Mesos does nothing if one is wrong.
pub(crate) fn subscribed_roles(info: &FrameworkInfo, named: &[String]) -> Checked {
    let own = roles(info);
    named.iter().try_for_each(|name| {
        role::check(name)?;
        let list = || own.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        if own.contains(name) {
            return Ok(());
        }
        Err(format!("role '{name}' is not one of the framework's subscribed roles ({})", list()))
    })
}

/// Which agents' offers are wanted. Whether a regular expression is one is for Mesos to say.
pub(crate) fn offer_constraints(constraints: &OfferConstraints) -> Checked {
    for (role, constraints) in &constraints.role_constraints {
        if constraints.groups.is_empty() {
            return Err(format!(
                "'OfferConstraints::role_constraints' has an empty 'RoleConstraints::groups' for role {role}"
            ));
        }
        for group in &constraints.groups {
            if group.attribute_constraints.is_empty() {
                return Err(format!(
                    "'OfferConstraints::RoleConstraints::groups' for role {role}contains an empty \
                     RoleConstraints::Group"
                ));
            }
            group
                .attribute_constraints
                .iter()
                .try_for_each(attribute_constraint)
                .map_err(|why| format!("A role {role} has an invalid 'AttributeConstraint': {why}"))?;
        }
    }
    Ok(())
}

fn attribute_constraint(constraint: &AttributeConstraint) -> Checked {
    let known =
        |number: i32| Pseudoattribute::try_from(number).is_ok_and(|found| found != Pseudoattribute::Unknown);
    match &constraint.selector.selector {
        Some(Selector::PseudoattributeType(number)) if !known(*number) => {
            return refuse("Unknown pseudoattribute type");
        }
        Some(_) => {}
        None => {
            return refuse(
                "Exactly one of 'AttributeConstraint::Selector::name' or \
                 'AttributeConstraint::Selector::pseudoattribute_type' must be set",
            );
        }
    }
    unless(constraint.predicate.predicate.is_none(), "Unknown predicate type")
}
