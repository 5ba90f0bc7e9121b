//! What Mesos refuses of operations on resources: reservations, volumes, disks.

use super::resources::{all, of, one_allocation, without_volume};
use super::{Checked, refuse, unless};
use crate::proto::mesos::v1::offer::Operation;
use crate::proto::mesos::v1::offer::operation::{
    CreateDisk, DestroyDisk, GrowVolume, Reserve, ShrinkVolume, Type,
};
use crate::proto::mesos::v1::resource::disk_info::{self, source::Type as SourceType};
use crate::proto::mesos::v1::{Resource, volume};
use crate::wire::resources::{self, thousandths};
use prost::Message as _;

/// Any operation but the launches, of which it only looks at the id: they get no feedback.
pub(crate) fn operation(operation: &Operation) -> Checked {
    match operation.r#type() {
        Type::Launch => unless(operation.id.is_some(), "The `id` field cannot be set on LAUNCH operations"),
        Type::LaunchGroup => {
            unless(operation.id.is_some(), "The `id` field cannot be set on LAUNCH_GROUP operations")
        }
        Type::Reserve => operation.reserve.as_deref().map_or(Ok(()), reserve),
        Type::Unreserve => operation.unreserve.iter().try_for_each(|one| unreserve(&one.resources)),
        Type::Create => operation.create.iter().try_for_each(|one| volumes(&one.volumes)),
        Type::Destroy => operation.destroy.iter().try_for_each(|one| volumes(&one.volumes)),
        Type::GrowVolume => operation.grow_volume.as_deref().map_or(Ok(()), grow),
        Type::ShrinkVolume => operation.shrink_volume.as_deref().map_or(Ok(()), shrink),
        Type::CreateDisk => operation.create_disk.as_deref().map_or(Ok(()), create_disk),
        Type::DestroyDisk => operation.destroy_disk.as_ref().map_or(Ok(()), destroy_disk),
        Type::Unknown => refuse("the type UNKNOWN is ignored"),
    }
}

/// What they are, each and all.
fn together(resources: &[Resource]) -> Checked {
    const PREFIX: &str = "Invalid resources: ";
    let checked = all(resources).and_then(|()| one_provider(resources));
    checked.map_err(|words| if words.starts_with(PREFIX) { words } else { format!("{PREFIX}{words}") })
}

fn reserve(reserve: &Reserve) -> Checked {
    unless(!reserve.source.is_empty(), "Reservation updates are not yet implemented for the scheduler API.")?;
    together(&reserve.resources)?;
    reserve.resources.iter().try_for_each(dynamically_reserved)?;
    one_allocation(&reserve.resources)
}

fn unreserve(given: &[Resource]) -> Checked {
    together(given)?;
    given.iter().try_for_each(|resource| {
        dynamically_reserved(resource)?;
        if is_volume(resource) {
            return Err(format!(
                "A dynamically reserved persistent volume {} cannot be unreserved directly. Please destroy the \
                 persistent volume first then unreserve the resource",
                describe(resource)
            ));
        }
        Ok(())
    })
}

fn dynamically_reserved(resource: &Resource) -> Checked {
    let item = resources::item(&resource.encode_to_vec(), None)?;
    if item.kind.is_dynamically_reserved() {
        return Ok(());
    }
    Err(format!("Resource {} is not dynamically reserved", describe(resource)))
}

/// CREATE and DESTROY.
fn volumes(volumes: &[Resource]) -> Checked {
    together(volumes)?;
    volumes.iter().try_for_each(|volume| {
        persistent(volume).map_err(|words| format!("Not a persistent volume: {words}"))
    })
}

fn persistent(resource: &Resource) -> Checked {
    let words = match &resource.disk {
        None => {
            return Err(format!("Resource {} does not have DiskInfo", describe(resource)));
        }
        Some(disk) if disk.persistence.is_none() => "'persistence' is not set in DiskInfo",
        Some(disk) => match &disk.volume {
            None => "Expecting 'volume' to be set for persistent volume",
            Some(volume) if volume.mode() == volume::Mode::Ro => "Read-only persistent volume not supported",
            Some(_) => return Ok(()),
        },
    };
    refuse(words)
}

fn grow(grow: &GrowVolume) -> Checked {
    for (field, resource) in [("volume", &grow.volume), ("addition", &grow.addition)] {
        resources::check(&resource.encode_to_vec())
            .map_err(|words| format!("Invalid resource in the 'GrowVolume.{field}' field: {words}"))?;
    }
    let amount = grow.addition.scalar.as_ref().map_or(0, |scalar| thousandths(scalar.value));
    unless(amount <= 0, "The size of 'GrowVolume.addition' field must be greater than zero")?;
    unless(grow.volume.provider_id.is_some(), "Growing a volume from a resource provider is not supported")?;
    persistent(&grow.volume)
        .map_err(|words| format!("Invalid persistent volume in the 'GrowVolume.volume' field: {words}"))?;
    unless(grow.volume.shared.is_some(), "Growing a shared persistent volume is not supported")?;
    let together = of(&[without_volume(&grow.volume), (*grow.addition).clone()]);
    unless(
        together.items().len() != 1,
        "Incompatible resources in the 'GrowVolume.volume' and 'GrowVolume.addition' fields",
    )
}

fn shrink(shrink: &ShrinkVolume) -> Checked {
    resources::check(&shrink.volume.encode_to_vec())
        .map_err(|words| format!("Invalid resource in the 'ShrinkVolume.volume' field: {words}"))?;
    let (less, whole) = (thousandths(shrink.subtract.value), &shrink.volume.scalar);
    unless(less <= 0, "Value of 'ShrinkVolume.subtract' must be greater than zero")?;
    unless(
        whole.as_ref().map_or(0, |scalar| thousandths(scalar.value)) <= less,
        "Value of 'ShrinkVolume.subtract' must be smaller than the size of 'ShrinkVolume.volume'",
    )?;
    unless(
        shrink.volume.provider_id.is_some(),
        "Shrinking a volume from a resource provider is not supported",
    )?;
    unless(
        source_type(&shrink.volume) == SourceType::Mount,
        "Shrinking a volume on a MOUNT disk is not supported",
    )?;
    persistent(&shrink.volume)
        .map_err(|words| format!("Invalid persistent volume in the 'ShrinkVolume.volume' field: {words}"))?;
    unless(shrink.volume.shared.is_some(), "Shrinking a shared persistent volume is not supported")
}

fn create_disk(create: &CreateDisk) -> Checked {
    managed(&create.source)?;
    unless(source_type(&create.source) != SourceType::Raw, "'source' is not a RAW disk resource")?;
    unless(
        !matches!(create.target_type(), SourceType::Mount | SourceType::Block),
        "'target_type' is neither MOUNT or BLOCK",
    )?;
    let profile = source(&create.source).is_some_and(|source| source.profile.is_some());
    match (profile, create.target_profile.is_some()) {
        (true, true) => refuse("'target_profile' must not be set when 'source' has a profile"),
        (false, false) => refuse("'target_profile' must be set when 'source' has no profile"),
        _ => Ok(()),
    }
}

fn destroy_disk(destroy: &DestroyDisk) -> Checked {
    managed(&destroy.source)?;
    unless(
        !matches!(source_type(&destroy.source), SourceType::Mount | SourceType::Block | SourceType::Raw),
        "'source' is neither a MOUNT, BLOCK or RAW disk resource",
    )?;
    let id = source(&destroy.source).is_some_and(|source| source.id.is_some());
    unless(!id, "'source' is not backed by a CSI volume")?;
    if is_volume(&destroy.source) {
        return Err(format!(
            "A disk resource containing a persistent volume {} cannot be destroyed directly. Please destroy the \
             persistent volume first then destroy the disk resource",
            describe(&destroy.source)
        ));
    }
    Ok(())
}

fn managed(source: &Resource) -> Checked {
    all(std::slice::from_ref(source))?;
    unless(source.provider_id.is_none(), "'source' is not managed by a resource provider")
}

fn one_provider(given: &[Resource]) -> Checked {
    let mut providers = given.iter().map(|resource| resource.provider_id.as_ref());
    let first = providers.next().flatten();
    unless(
        providers.any(|other| other != first),
        "Invalid resources: all of them must be of one resource provider, or none of any",
    )
}

fn source(resource: &Resource) -> Option<&disk_info::Source> {
    resource.disk.as_ref().and_then(|disk| disk.source.as_deref())
}

fn source_type(resource: &Resource) -> SourceType {
    source(resource).map_or(SourceType::Unknown, |source| source.r#type())
}

fn is_volume(resource: &Resource) -> bool {
    resource.disk.as_ref().is_some_and(|disk| disk.persistence.is_some())
}

fn describe(resource: &Resource) -> String {
    resources::describe(&resources::Reading::new(&resource.encode_to_vec()))
}
