//! Operations on resources of an offer: what they are by themselves, and whether they are for the offer's role.

use crate::proto::mesos::v1::Resource;
use crate::proto::mesos::v1::offer::Operation;
use crate::proto::mesos::v1::offer::operation::Type;
use crate::validate::{self, Checked};

/// An operation of a framework with this principal on an offer to `role`; `resources` are its own, in the newer form
/// and allocated.
pub(crate) fn operation(
    operation: &Operation,
    resources: &[Resource],
    role: &str,
    principal: Option<&str>,
) -> Checked {
    let mut named = operation.clone();
    match named.r#type() {
        Type::Reserve => named.reserve.iter_mut().for_each(|this| this.resources = resources.into()),
        Type::Unreserve => named.unreserve.iter_mut().for_each(|this| this.resources = resources.into()),
        Type::Create => named.create.iter_mut().for_each(|this| this.volumes = resources.into()),
        // Of volumes to destroy Mesos speaks as they were given.
        _ => {}
    }
    validate::operation(&named)?;
    if named.r#type() == Type::Reserve {
        resources.iter().try_for_each(|resource| reserve(resource, role, principal))?;
    }
    Ok(())
}

fn reserve(resource: &Resource, role: &str, principal: Option<&str>) -> Checked {
    let Some(reservation) = resource.reservations.last() else { return Ok(()) };
    let own = reservation.role();
    if own != role {
        return Err(format!(
            "A reserve operation was attempted for a resource with role '{own}', but the resource was allocated to \
             role '{role}'"
        ));
    }
    match (principal, &reservation.principal) {
        (Some(principal), Some(other)) if principal != other => Err(format!(
            "A reserve operation was attempted by principal '{principal}', but there is a reserved resource in the \
             request with principal '{other}'"
        )),
        (Some(principal), None) => Err(format!(
            "A reserve operation was attempted by principal '{principal}', but there is a reserved resource in the \
             request with no principal set"
        )),
        _ => Ok(()),
    }
}
