//! What operators do with an agent's resources: RESERVE_RESOURCES, UNRESERVE_RESOURCES, CREATE_VOLUMES, DESTROY_VOLUMES,
//! GROW_VOLUME, SHRINK_VOLUME.
//!
//! # Invariants
//! * Only what nobody uses can be changed. What is on offer is taken back first, and its framework is not offered it
//!   again at once.

use crate::local::clock::Time;
use crate::local::master::operations::{Conversion, upgrade};
use crate::local::master::resize::conversion;
use crate::local::master::{AgentInfo, Master, agent};
use crate::local::reply::Reply;
use crate::local::resources::{describe, unallocated};
use crate::proto::mesos::v1::master::call::{
    CreateVolumes, DestroyVolumes, GrowVolume, ReserveResources, ShrinkVolume, UnreserveResources,
};
use crate::proto::mesos::v1::offer::Operation;
use crate::proto::mesos::v1::offer::operation::{self, Type};
use crate::proto::mesos::v1::{AgentId, Resource};
use crate::validate;

fn operation(r#type: Type) -> Operation {
    let mut operation = Operation::default();
    operation.set_type(r#type);
    operation
}

fn upgraded(mut resources: Vec<Resource>) -> Vec<Resource> {
    resources.iter_mut().for_each(upgrade);
    resources
}

impl Master {
    pub(super) fn reserve(&mut self, now: Time, call: ReserveResources) -> Reply {
        if !call.source.is_empty() {
            return Reply::Refused(501, "The embedded cluster cannot move reservations (source) yet".into());
        }
        let resources = upgraded(call.resources);
        let reserve = operation::Reserve { resources: resources.clone(), ..operation::Reserve::default() };
        let operation = Operation { reserve: Some(Box::new(reserve)), ..operation(Type::Reserve) };
        let conversion = Conversion::new(Type::Reserve, &resources);
        self.order(now, &call.agent_id.value, &operation, conversion)
    }

    pub(super) fn unreserve(&mut self, now: Time, call: UnreserveResources) -> Reply {
        let resources = upgraded(call.resources);
        let unreserve = Some(operation::Unreserve { resources: resources.clone() });
        let operation = Operation { unreserve, ..operation(Type::Unreserve) };
        let conversion = Conversion::new(Type::Unreserve, &resources);
        self.order(now, &call.agent_id.value, &operation, conversion)
    }

    pub(super) fn create_volumes(&mut self, now: Time, call: CreateVolumes) -> Reply {
        let volumes = upgraded(call.volumes);
        let create = Some(operation::Create { volumes: volumes.clone() });
        let operation = Operation { create, ..operation(Type::Create) };
        self.order(now, &call.agent_id.value, &operation, Conversion::new(Type::Create, &volumes))
    }

    pub(super) fn destroy_volumes(&mut self, now: Time, call: DestroyVolumes) -> Reply {
        let volumes = upgraded(call.volumes);
        let destroy = Some(operation::Destroy { volumes: volumes.clone() });
        let operation = Operation { destroy, ..operation(Type::Destroy) };
        self.order(now, &call.agent_id.value, &operation, Conversion::new(Type::Destroy, &volumes))
    }

    pub(super) fn grow_volume(&mut self, now: Time, mut call: GrowVolume) -> Reply {
        upgrade(&mut call.volume);
        upgrade(&mut call.addition);
        let grow = operation::GrowVolume { volume: call.volume, addition: call.addition };
        let operation = Operation { grow_volume: Some(Box::new(grow)), ..operation(Type::GrowVolume) };
        self.resize_volume(now, call.agent_id, &operation)
    }

    pub(super) fn shrink_volume(&mut self, now: Time, mut call: ShrinkVolume) -> Reply {
        upgrade(&mut call.volume);
        let shrink = operation::ShrinkVolume { volume: call.volume, subtract: call.subtract };
        let operation = Operation { shrink_volume: Some(Box::new(shrink)), ..operation(Type::ShrinkVolume) };
        self.resize_volume(now, call.agent_id, &operation)
    }

    fn resize_volume(&mut self, now: Time, agent: Option<AgentId>, operation: &Operation) -> Reply {
        let agent = agent.unwrap_or_default(); // a call without one was refused before
        self.order(now, &agent.value, operation, conversion(operation))
    }

    /// Does an operation on what is free of an agent, or on offer.
    fn order(&mut self, now: Time, agent: &str, operation: &Operation, conversion: Conversion) -> Reply {
        let Some(known) = self.agents.get(agent) else {
            return Reply::Refused(400, "No agent found with specified ID".into());
        };
        let Conversion { taken, made } = conversion;
        let checked = validate::operation(operation).and_then(|()| match operation.r#type() {
            Type::Create if self.has_volume(agent, &made) => {
                let mut volumes = operation.create.iter().flat_map(|create| &create.volumes);
                let id = volumes.find_map(persistence).unwrap_or_default();
                Err(format!("Persistence ID '{id}' is not unique"))
            }
            Type::Destroy if !known.resources.contains(&taken) => Err("Persistent volumes not found".into()),
            _ => Ok(()),
        });
        if let Err(why) = checked {
            return invalid(operation.r#type(), known, &why);
        }
        self.take_offers_for(now, agent, &taken);
        let is_free = self.allocator.convert_free(now, agent, &taken, &made);
        if !is_free && operation.r#type() == Type::Destroy {
            let words = "Invalid DESTROY operation: Persistent volumes in use";
            return Reply::Refused(400, words.into());
        }
        if !is_free {
            let words =
                format!("Not enough of it is free on agent {agent}: {}", describe(&unallocated(&taken)));
            return Reply::Refused(409, words);
        }
        self.convert_agent(agent, &taken, &made);
        // a volume of another size keeps its files
        let (created, destroyed) = match operation.r#type() {
            Type::GrowVolume | Type::ShrinkVolume => Default::default(),
            _ => (made.volumes(), taken.volumes()),
        };
        let (framework, operation) = (String::new(), None);
        self.tell_agent(agent, agent::Input::Convert { framework, operation, created, destroyed });
        Reply::Accepted
    }
}

fn persistence(resource: &Resource) -> Option<&str> {
    Some(&resource.disk.as_ref()?.persistence.as_ref()?.id)
}

/// 400. Of what undoes something Mesos does not say where.
fn invalid(r#type: Type, agent: &AgentInfo, why: &str) -> Reply {
    let (name, AgentInfo { id, address, .. }) = (r#type.as_str_name(), agent);
    let place = match r#type {
        Type::Reserve | Type::Create | Type::GrowVolume | Type::ShrinkVolume => {
            format!(" on agent {id} at slave(1)@{address} ({})", agent.hostname())
        }
        _ => String::new(),
    };
    Reply::Refused(400, format!("Invalid {name} operation{place}: {why}"))
}
