//! RESERVE, UNRESERVE, CREATE and DESTROY: operations that turn offered resources into others.
//!
//! # Invariants
//! * An operation takes what it turns into something else from the offer, and gives the result back to it: what comes
//!   after it in the same ACCEPT can use that.
//! * Who gave an operation an id hears how it ended: of a refusal once, of success until it is acknowledged.

use super::launch::{Launching, launched};
use super::{Master, agent, events};
use crate::local::resources::{self, Resources, check, describe};
use crate::local::validate;
use crate::proto::mesos::v1::offer::Operation;
use crate::proto::mesos::v1::offer::operation::Type;
use crate::proto::mesos::v1::resource::AllocationInfo;
use crate::proto::mesos::v1::scheduler::call::{AcknowledgeOperationStatus, reconcile_operations};
use crate::proto::mesos::v1::{
    self, AgentId, FrameworkId, OperationId, OperationState, OperationStatus, Resource,
};
use crate::validate::resources::without_volume;

/// What an operation is about, or that it does not say so.
fn subjects(operation: &Operation) -> Result<Vec<Resource>, String> {
    let (field, given) = match operation.r#type() {
        Type::Reserve => ("reserve", operation.reserve.as_ref().map(|this| &this.resources)),
        Type::Unreserve => ("unreserve", operation.unreserve.as_ref().map(|this| &this.resources)),
        Type::Create => ("create", operation.create.as_ref().map(|this| &this.volumes)),
        Type::Destroy => ("destroy", operation.destroy.as_ref().map(|this| &this.volumes)),
        // These two have their own words for it.
        Type::GrowVolume if operation.grow_volume.is_none() => {
            return Err("A GROW_VOLUME operation must have the Offer.Operation.grow_volume field set".into());
        }
        Type::ShrinkVolume if operation.shrink_volume.is_none() => {
            return Err(
                "A SHRINK_VOLUME offer operation must have the Offer.Operation.shrink_volume field set"
                    .into(),
            );
        }
        Type::GrowVolume => {
            let grow = operation.grow_volume.iter();
            return Ok(grow.flat_map(|grow| [&*grow.volume, &*grow.addition]).cloned().collect());
        }
        Type::ShrinkVolume => {
            return Ok(operation.shrink_volume.iter().map(|shrink| (*shrink.volume).clone()).collect());
        }
        Type::Launch | Type::LaunchGroup => return Ok(launched(operation)),
        _ => return Ok(Vec::new()),
    };
    given.cloned().ok_or_else(|| {
        let name = operation.r#type().as_str_name();
        format!("A {name} offer operation must have the Offer.Operation.{field} field set.")
    })
}

/// Why the resources of an operation are none: Mesos looks at all of an ACCEPT before it does any of it.
pub(super) fn invalid(operation: &Operation) -> Option<String> {
    if operation.reserve.as_ref().is_some_and(|reserve| !reserve.source.is_empty()) {
        return Some("Reservation updates are not yet implemented for the scheduler API.".into());
    }
    match subjects(operation) {
        Err(why) => Some(why),
        Ok(subjects) => subjects.iter().find_map(check),
    }
}

/// What an operation takes, and what it makes of that.
pub(super) struct Conversion {
    pub(super) taken: Resources,
    pub(super) made: Resources,
}

impl Conversion {
    /// `subjects` as they are said to be after the operation, or before it if it undoes something.
    pub(super) fn new(operation: Type, subjects: &[Resource]) -> Self {
        let base: Vec<Resource> = subjects.iter().map(|resource| before(operation, resource)).collect();
        let (all, base) = (resources::of(subjects), resources::of(&base));
        match operation {
            Type::Reserve | Type::Create => Self { taken: base, made: all },
            _ => Self { taken: all, made: base },
        }
    }
}

impl Master {
    pub(super) fn convert(&mut self, at: &Launching<'_>, operation: Operation, remaining: &mut Resources) {
        let conversion = match self.conversion(at, &operation, remaining) {
            Ok(conversion) => conversion,
            Err(why) => return self.refuse_operation(at.framework, operation, why),
        };
        let Conversion { taken, made } = conversion;
        remaining.subtract(&taken);
        remaining.add(&made);
        let agent = at.place.agent.as_str();
        self.allocator.convert((at.framework, &at.place.role, agent), &taken, &made);
        self.convert_agent(agent, &taken, &made);
        let operation = self.note_operation(at, operation);
        let input = agent::Input::Convert {
            framework: at.framework.into(),
            operation,
            created: made.volumes(),
            destroyed: taken.volumes(),
        };
        self.tell_agent(agent, input);
    }

    /// Some of an agent's resources have become others.
    pub(super) fn convert_agent(&mut self, agent: &str, taken: &Resources, made: &Resources) {
        if let Some(info) = self.agents.get_mut(agent) {
            info.resources.subtract(taken);
            info.resources.add(made);
        }
    }

    /// Only what has an id is waited for.
    pub(super) fn note_operation(
        &mut self,
        at: &Launching<'_>,
        operation: Operation,
    ) -> Option<Box<v1::Operation>> {
        let id = operation.id.clone()?;
        let agent_id = Some(AgentId { value: at.place.agent.clone() });
        let mut latest = OperationStatus { operation_id: Some(id.clone()), ..OperationStatus::default() };
        latest.set_state(OperationState::OperationPending);
        let known = v1::Operation {
            framework_id: Some(FrameworkId { value: at.framework.into() }),
            agent_id,
            info: Box::new(operation),
            latest_status: Box::new(latest),
            uuid: v1::Uuid { value: self.entropy.uuid().to_vec().into() },
            ..v1::Operation::default()
        };
        let framework = self.frameworks.get_mut(at.framework)?;
        framework.operations.insert(id.value, known.clone());
        Some(Box::new(known))
    }

    /// The words of a refusal that concerns an agent.
    pub(super) fn on_agent(&self, id: &str, why: &str) -> String {
        let known = self.agents.get(id).map(|agent| (agent.address.to_string(), agent.hostname()));
        let (address, host) = known.unwrap_or_default();
        format!("{why}; on agent {id} at slave(1)@{address} ({host})")
    }

    fn conversion(
        &self,
        at: &Launching<'_>,
        operation: &Operation,
        remaining: &Resources,
    ) -> Result<Conversion, String> {
        let role = at.place.role.as_str();
        let on_agent = |why: String| self.on_agent(&at.place.agent, &why);
        let mut subjects = subjects(operation)?;
        if subjects.is_empty() {
            // That there is not one provider is how Mesos notices that there are no resources.
            let words = "Invalid resources: The resources have multiple resource providers: ";
            return Err(on_agent(words.into()));
        }
        for resource in &mut subjects {
            upgrade(resource);
            resource.allocation_info.get_or_insert(AllocationInfo { role: Some(role.into()) });
        }
        let principal =
            self.frameworks.get(at.framework).and_then(|framework| framework.info.principal.clone());
        validate::operation(operation, &subjects, role, principal.as_deref()).map_err(on_agent)?;
        let Conversion { taken, made } = Conversion::new(operation.r#type(), &subjects);
        if operation.r#type() == Type::Create && self.has_volume(&at.place.agent, &made) {
            return Err(on_agent("A persistent volume of this id exists already".into()));
        }
        let here = self.agents.get(&at.place.agent).is_some_and(|agent| agent.resources.contains(&taken));
        if operation.r#type() == Type::Destroy && !here {
            return Err(on_agent("Persistent volumes not found".into()));
        }
        if !remaining.contains(&taken) {
            return Err(format!(
                "{} does not contain {}",
                describe(&resources::to_proto(remaining, role)),
                describe(&resources::to_proto(&taken, role))
            ));
        }
        Ok(Conversion { taken, made })
    }

    /// Whether the agent has a volume of the same role and id as one of these.
    pub(super) fn has_volume(&self, agent: &str, volumes: &Resources) -> bool {
        let name = |item: &crate::wire::resources::Item| {
            let disk = item.kind.disk.as_ref().and_then(|disk| disk.persistence.clone());
            disk.map(|id| (item.kind.role().map(str::to_owned), id))
        };
        let new: Vec<_> = volumes.items().iter().filter_map(name).collect();
        let known = self.agents.get(agent).map(|agent| agent.resources.items()).unwrap_or_default();
        known.iter().filter_map(name).any(|volume| new.contains(&volume))
    }

    /// Only who gave the operation an id wants to know.
    pub(super) fn refuse_operation(&mut self, framework: &str, operation: Operation, why: String) {
        if operation.id.is_some() {
            let state = OperationState::OperationError;
            self.send(framework, events::operation(operation.id, state, Some(why), None));
        }
    }

    /// From an agent: how an operation ended.
    pub(super) fn operation_update(&mut self, framework: &str, status: OperationStatus) {
        let Some(known) = self.frameworks.get_mut(framework) else { return };
        let id = status.operation_id.as_ref().map_or("", |id| &id.value);
        if let Some(operation) = known.operations.get_mut(id) {
            *operation.latest_status = status.clone();
            operation.statuses = vec![status.clone()];
        }
        self.send(framework, events::operation_status(status));
    }

    pub(super) fn acknowledge_operation(&mut self, framework: &str, call: AcknowledgeOperationStatus) {
        let AcknowledgeOperationStatus { agent_id: Some(agent), uuid, operation_id, .. } = call else {
            return;
        };
        if let Some(known) = self.frameworks.get_mut(framework)
            && known.operations.get(&operation_id.value).is_some_and(|known| is(&known.latest_status, &uuid))
        {
            known.operations.remove(&operation_id.value);
        }
        let input = agent::Input::AcknowledgeOperation {
            framework: framework.into(),
            operation: operation_id.value,
            uuid: uuid.to_vec(),
        };
        self.tell_agent(&agent.value, input);
    }

    /// Without operations it is implicit: every operation that is known.
    pub(super) fn reconcile_operations(&mut self, id: &str, asked: &[reconcile_operations::Operation]) {
        let known = self.frameworks.get(id).map(|framework| &framework.operations);
        if asked.is_empty() {
            let all: Vec<OperationStatus> =
                known.into_iter().flat_map(|known| known.values()).map(latest).collect();
            all.into_iter().for_each(|status| self.send(id, events::operation_status(status)));
            return;
        }
        for operation in asked {
            let known = self.frameworks.get(id).map(|framework| &framework.operations);
            if let Some(known) = known.and_then(|known| known.get(&operation.operation_id.value)) {
                let event = events::operation_status(latest(known));
                self.send(id, event);
                continue;
            }
            let message = match &operation.agent_id {
                Some(agent) if self.agents.contains_key(&agent.value) => {
                    "Reconciliation: Operation is unknown"
                }
                Some(_) => "Reconciliation: Both operation and agent are unknown",
                None => "Reconciliation: Operation is unknown and no 'agent_id' was provided",
            };
            let (operation_id, agent) = (Some(operation.operation_id.clone()), operation.agent_id.clone());
            let state = OperationState::OperationUnknown;
            self.send(id, events::operation(operation_id, state, Some(message.into()), agent));
        }
    }
}

fn is(status: &OperationStatus, uuid: &[u8]) -> bool {
    status.uuid.as_ref().is_some_and(|own| own.value == uuid)
}

/// What is said again needs no acknowledgement.
fn latest(operation: &v1::Operation) -> OperationStatus {
    OperationStatus { uuid: None, ..(*operation.latest_status).clone() }
}

/// A status of success.
pub(crate) fn finished(operation: &str, agent: &str, uuid: [u8; 16]) -> OperationStatus {
    let mut status = OperationStatus {
        operation_id: Some(OperationId { value: operation.into() }),
        agent_id: Some(AgentId { value: agent.into() }),
        uuid: Some(v1::Uuid { value: uuid.to_vec().into() }),
        ..OperationStatus::default()
    };
    status.set_state(OperationState::OperationFinished);
    status
}

/// Brings the older form of a reservation, `role` and `reservation`, into the newer.
#[expect(deprecated, reason = "the older form is what is brought into the newer")]
pub(super) fn upgrade(resource: &mut Resource) {
    use crate::proto::mesos::v1::resource::{ReservationInfo, reservation_info};
    let role = resource.role.take().filter(|role| role != "*");
    let dynamic = resource.reservation.take();
    if let (Some(role), true) = (role, resource.reservations.is_empty()) {
        let kind =
            if dynamic.is_some() { reservation_info::Type::Dynamic } else { reservation_info::Type::Static };
        let mut reservation =
            ReservationInfo { role: Some(role), ..dynamic.map(|this| *this).unwrap_or_default() };
        reservation.set_type(kind);
        resource.reservations.push(reservation);
    }
}

/// The resource as it is without the operation's effect: less reserved, or no volume.
fn before(operation: Type, resource: &Resource) -> Resource {
    if !matches!(operation, Type::Reserve | Type::Unreserve) {
        return without_volume(resource);
    }
    let mut base = resource.clone();
    base.reservations.pop();
    base
}
