//! The events of the master, each with the fields that Mesos sets in it.

use super::{AgentInfo, Offer};
use crate::local::resources;
use crate::proto::mesos::v1::resource::{AllocationInfo, reservation_info};
use crate::proto::mesos::v1::scheduler::Event;
use crate::proto::mesos::v1::scheduler::event::{
    Error, Failure, InverseOffers, Message, Offers, Rescind, RescindInverseOffer, Subscribed, Type, Update,
    UpdateOperationStatus,
};
use crate::proto::mesos::v1::{
    self, Address, AgentId, ExecutorId, FrameworkId, MasterInfo, OfferId, OperationId, OperationState,
    OperationStatus, Resource, TaskStatus, Unavailability, Url,
};
use bytes::Bytes;
use std::net::{IpAddr, SocketAddr};

/// The version of Mesos whose behaviour this is.
pub(crate) const VERSION: &str = "1.11.0";

fn event(r#type: Type) -> Event {
    let mut event = Event::default();
    event.set_type(r#type);
    event
}

pub(super) fn heartbeat() -> Event {
    event(Type::Heartbeat)
}

pub(super) fn subscribed(framework: &str, master: &MasterInfo) -> Event {
    let subscribed = Subscribed {
        framework_id: FrameworkId { value: framework.into() },
        heartbeat_interval_seconds: Some(super::HEARTBEAT.as_secs_f64()),
        master_info: Some(Box::new(master.clone())),
    };
    Event { subscribed: Some(Box::new(subscribed)), ..event(Type::Subscribed) }
}

pub(super) fn offers(offers: Vec<v1::Offer>) -> Event {
    Event { offers: Some(Offers { offers }), ..event(Type::Offers) }
}

pub(super) fn rescind(offer: &str) -> Event {
    Event { rescind: Some(Rescind { offer_id: OfferId { value: offer.into() } }), ..event(Type::Rescind) }
}

pub(super) fn inverse_offers(inverse_offers: Vec<v1::InverseOffer>) -> Event {
    Event { inverse_offers: Some(InverseOffers { inverse_offers }), ..event(Type::InverseOffers) }
}

pub(super) fn rescind_inverse(offer: &str) -> Event {
    let rescind = RescindInverseOffer { inverse_offer_id: OfferId { value: offer.into() } };
    Event { rescind_inverse_offer: Some(rescind), ..event(Type::RescindInverseOffer) }
}

pub(super) fn update(status: TaskStatus) -> Event {
    Event { update: Some(Update { status: Box::new(status) }), ..event(Type::Update) }
}

pub(super) fn operation(
    id: Option<OperationId>,
    state: OperationState,
    message: Option<String>,
    agent_id: Option<AgentId>,
) -> Event {
    let mut status = OperationStatus { operation_id: id, message, agent_id, ..OperationStatus::default() };
    status.set_state(state);
    operation_status(status)
}

pub(super) fn operation_status(status: OperationStatus) -> Event {
    let update = UpdateOperationStatus { status: Box::new(status) };
    Event { update_operation_status: Some(update), ..event(Type::UpdateOperationStatus) }
}

pub(super) fn agent_lost(agent: &str) -> Event {
    let failure = Failure { agent_id: Some(AgentId { value: agent.into() }), ..Failure::default() };
    Event { failure: Some(Box::new(failure)), ..event(Type::Failure) }
}

pub(super) fn executor_lost(agent: &str, executor: String, status: i32) -> Event {
    let failure = Failure {
        agent_id: Some(AgentId { value: agent.into() }),
        executor_id: Some(ExecutorId { value: executor }),
        status: Some(status),
    };
    Event { failure: Some(Box::new(failure)), ..event(Type::Failure) }
}

pub(super) fn message(agent: &str, executor: &str, data: Bytes) -> Event {
    let message = Message {
        agent_id: AgentId { value: agent.into() },
        executor_id: ExecutorId { value: executor.into() },
        data,
    };
    Event { message: Some(Box::new(message)), ..event(Type::Message) }
}

pub(super) fn error(message: impl Into<String>) -> Event {
    Event { error: Some(Error { message: message.into() }), ..event(Type::Error) }
}

/// How the master introduces itself.
pub(super) fn master_info(id: String, address: SocketAddr) -> MasterInfo {
    let ip = match address.ip() {
        // in network byte order, read as a number of this machine
        IpAddr::V4(ip) => u32::from_ne_bytes(ip.octets()),
        IpAddr::V6(_) => 0,
    };
    let host = address.ip().to_string();
    MasterInfo {
        id,
        ip,
        port: u32::from(address.port()),
        pid: Some(format!("master@{address}")),
        hostname: Some(host.clone()),
        version: Some(VERSION.into()),
        address: Some(Box::new(Address {
            hostname: Some(host.clone()),
            ip: Some(host),
            port: i32::from(address.port()),
        })),
        ..MasterInfo::default()
    }
}

/// Brings a reservation into the form that frameworks without RESERVATION_REFINEMENT read.
#[expect(deprecated, reason = "it is the older form")]
fn downgrade(resource: &mut Resource) {
    let Some(mut reservation) = resource.reservations.pop() else {
        resource.role = Some("*".into());
        return;
    };
    resource.role = reservation.role.take();
    if reservation.r#type() == reservation_info::Type::Dynamic {
        reservation.r#type = None;
        resource.reservation = Some(Box::new(reservation));
    }
}

/// That an agent will be unavailable, as the framework sees it that has something there: all of it is meant.
pub(super) fn inverse_offer(
    id: &str,
    framework: &str,
    agent: &AgentInfo,
    unavailability: Unavailability,
) -> v1::InverseOffer {
    v1::InverseOffer {
        id: OfferId { value: id.into() },
        url: Some(Box::new(url(agent))),
        framework_id: FrameworkId { value: framework.into() },
        agent_id: Some(AgentId { value: agent.id.clone() }),
        unavailability: Box::new(unavailability),
        ..v1::InverseOffer::default()
    }
}

/// Where an agent answers.
fn url(agent: &AgentInfo) -> Url {
    let host = agent.hostname();
    let address =
        Address { hostname: Some(host.clone()), ip: Some(host), port: i32::from(agent.address.port()) };
    Url {
        scheme: "http".into(),
        address: Box::new(address),
        // the name of the agent's part in its process, as in its pid
        path: Some("/slave(1)".into()),
        ..Url::default()
    }
}

/// An offer as its framework sees it: who is not MULTI_ROLE is not told of allocations, who does not know
/// refined reservations finds the role where it used to be.
pub(super) fn offer(
    id: &str,
    offer: &Offer,
    agent: &AgentInfo,
    multi_role: bool,
    refined: bool,
) -> v1::Offer {
    let mut resources = resources::to_proto(&offer.resources, &offer.role);
    for resource in &mut resources {
        if !multi_role {
            resource.allocation_info = None;
        }
        if !refined {
            downgrade(resource);
        }
    }
    v1::Offer {
        id: OfferId { value: id.into() },
        framework_id: FrameworkId { value: offer.framework.clone() },
        agent_id: AgentId { value: offer.agent.clone() },
        hostname: agent.hostname(),
        url: Some(Box::new(url(agent))),
        resources,
        attributes: agent.attributes.clone(),
        allocation_info: multi_role.then(|| AllocationInfo { role: Some(offer.role.clone()) }),
        ..v1::Offer::default()
    }
}
