//! GROW_VOLUME and SHRINK_VOLUME: a persistent volume takes up free disk, or gives some back, and keeps its files.
//!
//! # Invariants
//! * What comes out is of use only after the ACCEPT: no other operation of it finds it among the remaining resources.

use super::launch::Launching;
use super::operations::{Conversion, upgrade};
use super::{Master, agent};
use crate::local::resources::{self, Resources, describe};
use crate::proto::mesos::v1::Resource;
use crate::proto::mesos::v1::offer::Operation;
use crate::proto::mesos::v1::offer::operation::{GrowVolume, ShrinkVolume};
use crate::proto::mesos::v1::resource::AllocationInfo;
use crate::proto::mesos::v1::value::Scalar;
use crate::validate;
use crate::validate::resources::without_volume;
use crate::wire::resources::{number, thousandths};

impl Master {
    pub(super) fn resize(
        &mut self,
        at: &Launching<'_>,
        mut operation: Operation,
        remaining: &mut Resources,
        resized: &mut Resources,
    ) {
        let (grow, shrink) = (operation.grow_volume.as_deref_mut(), operation.shrink_volume.as_deref_mut());
        let given = grow
            .map(|grow| vec![&mut grow.volume, &mut grow.addition])
            .or(shrink.map(|shrink| vec![&mut shrink.volume]));
        for resource in given.into_iter().flatten() {
            upgrade(resource);
            resource.allocation_info.get_or_insert(AllocationInfo { role: Some(at.place.role.clone()) });
        }
        if let Err(why) = validate::operation(&operation) {
            let why = self.on_agent(&at.place.agent, &why);
            return self.refuse_operation(at.framework, operation, why);
        }
        let Conversion { taken, made } = conversion(&operation);
        if !remaining.contains(&taken) {
            let role = &at.place.role;
            let why = format!(
                "Invalid {} operation: {} does not contain {}",
                operation.r#type().as_str_name(),
                describe(&resources::to_proto(remaining, role)),
                describe(&resources::to_proto(&taken, role))
            );
            return self.refuse_operation(at.framework, operation, why);
        }
        remaining.subtract(&taken);
        resized.add(&made);
        let agent = at.place.agent.as_str();
        self.allocator.convert((at.framework, &at.place.role, agent), &taken, &made);
        self.convert_agent(agent, &taken, &made);
        let (nothing, operation) = (Resources::default(), self.note_operation(at, operation));
        let framework = at.framework.into();
        let input =
            agent::Input::Convert { framework, operation, created: nothing.clone(), destroyed: nothing };
        self.tell_agent(agent, input);
    }
}

/// What an operation takes, and what it makes of that.
pub(super) fn conversion(operation: &Operation) -> Conversion {
    let (taken, made) = match (operation.grow_volume.as_deref(), operation.shrink_volume.as_deref()) {
        (Some(GrowVolume { volume, addition }), _) => {
            let taken = [(**volume).clone(), (**addition).clone()];
            (taken.to_vec(), vec![of_size(volume, size(volume) + size(addition))])
        }
        (None, Some(ShrinkVolume { volume, subtract })) => {
            let less = thousandths(subtract.value);
            let made = [of_size(volume, size(volume) - less), of_size(&without_volume(volume), less)];
            (vec![(**volume).clone()], made.to_vec())
        }
        (None, None) => Default::default(), // refused before
    };
    Conversion { taken: resources::of(&taken), made: resources::of(&made) }
}

fn size(disk: &Resource) -> i64 {
    disk.scalar.as_ref().map_or(0, |scalar| thousandths(scalar.value))
}

fn of_size(disk: &Resource, size: i64) -> Resource {
    Resource { scalar: Some(Scalar { value: number(size) }), ..disk.clone() }
}
