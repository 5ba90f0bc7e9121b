//! What Mesos refuses of the resources of one task, executor or operation, taken together.

use super::{Checked, refuse};
use crate::proto::mesos::v1::Resource;
use crate::wire::resources::{self, Item, Resources};
use prost::Message as _;

/// Of messages that `each` accepted, without whom they are allocated to; what it would refuse counts as nothing.
pub(crate) fn of(resources: &[Resource]) -> Resources {
    let items = resources.iter().filter_map(|resource| resources::item(&resource.encode_to_vec(), None).ok());
    items.map(|item| Item { allocation: None, ..item }).collect()
}

/// Each resource by itself, then all of them.
pub(super) fn all(resources: &[Resource]) -> Checked {
    for resource in resources {
        let words = resources::check(&resource.encode_to_vec());
        words.map_err(|words| format!("Invalid resources: {words}"))?;
    }
    let gpus = of(resources).scalars().get("gpus").copied().unwrap_or(0);
    if gpus % 1000 != 0 {
        return refuse("Invalid 'gpus' resource: The 'gpus' resource must be an unsigned integer");
    }
    resources.iter().try_for_each(disk).map_err(|words| format!("Invalid DiskInfo: {words}"))
}

/// Allocated to one role, as far as it is said: what says nothing takes over the offer's.
pub(super) fn one_allocation(resources: &[Resource]) -> Checked {
    let mut roles = resources.iter().filter_map(|resource| resource.allocation_info.as_ref());
    if let Some(first) = roles.next()
        && let Some(other) = roles.find(|other| other.role() != first.role())
    {
        return Err(format!(
            "The resources have multiple allocation roles ('{}' and '{}') but only one allocation role is allowed",
            other.role(),
            first.role()
        ));
    }
    Ok(())
}

fn disk(resource: &Resource) -> Checked {
    let Some(disk) = &resource.disk else { return Ok(()) };
    let Some(persistence) = &disk.persistence else {
        return match (&disk.volume, &disk.source) {
            (Some(_), _) => refuse("Non-persistent volume not supported"),
            (None, None) => refuse("DiskInfo is set but empty"),
            (None, Some(_)) => Ok(()),
        };
    };
    if resource.revocable.is_some() {
        return refuse("Persistent volumes cannot be created from revocable resources");
    }
    if is_unreserved(resource) {
        return refuse("Persistent volumes cannot be created from unreserved resources");
    }
    let Some(volume) = &disk.volume else {
        return refuse("Expecting 'volume' to be set for persistent volume");
    };
    if volume.host_path.is_some() {
        return refuse("Expecting 'host_path' to be unset for persistent volume");
    }
    super::id(&persistence.id)
        .map_err(|words| format!("Invalid persistence ID for persistent volume: {words}"))
}

fn is_unreserved(resource: &Resource) -> bool {
    resources::item(&resource.encode_to_vec(), None).is_ok_and(|item| item.kind.reservations.is_empty())
}

/// The disk that a persistent volume was made of.
pub(crate) fn without_volume(volume: &Resource) -> Resource {
    let mut disk = volume.clone();
    if let Some(info) = &mut disk.disk {
        (info.persistence, info.volume) = (None, None);
    }
    disk.disk = disk.disk.filter(|info| info.source.is_some());
    disk.shared = None;
    disk
}
