//! The operator API, of the master and of agents alike: calls, answers, and what both say of themselves.
//!
//! # Invariants
//! * An answer is a function of the state that is asked: `master/operators` and `agent/operators.rs` make it. Of files
//!   `operator/files.rs` makes it, as they are outside.

mod files;
mod text;

use super::clock::Time;
use super::master::VERSION;
use super::reply::Reply;
use crate::proto::mesos::v1::resource::{ReservationInfo, reservation_info};
use crate::proto::mesos::v1::{Flag, Resource, TimeInfo, VersionInfo};
use crate::proto::mesos::v1::{agent, master};
use crate::wire::{Message, msg};
pub(crate) use files::Wanted;
use prost::Message as _;
use std::time::Duration;
pub(crate) use text::json;

/// A call that was read and is whole.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Call {
    Master(Box<master::Call>),
    Agent(Box<agent::Call>),
}

/// An answer with a body.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Response {
    Master(Box<master::Response>),
    Agent(Box<agent::Response>),
}

impl Response {
    /// Its type, and its bytes.
    pub(crate) fn encode(&self) -> (&'static Message, Vec<u8>) {
        match self {
            Self::Master(response) => (msg::MASTER_RESPONSE, response.encode_to_vec()),
            Self::Agent(response) => (msg::AGENT_RESPONSE, response.encode_to_vec()),
        }
    }
}

/// How much is logged, as an operator has asked. The embedded cluster has one log, which does not depend on it.
#[derive(Debug, Default)]
pub(crate) struct Verbosity {
    level: u32,
    until: Time,
}

impl Verbosity {
    pub(crate) fn get(&self, now: Time) -> u32 {
        if now < self.until { self.level } else { 0 }
    }

    pub(crate) fn set(&mut self, now: Time, level: u32, nanoseconds: i64) -> Reply {
        let duration = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0));
        (self.level, self.until) = (level, now + duration);
        Reply::Ok
    }
}

/// 501, naming the call.
pub(crate) fn not_there(call: &str) -> Reply {
    Reply::Refused(501, format!("501 Not Implemented. The embedded cluster cannot do {call}."))
}

pub(crate) fn version() -> VersionInfo {
    let build_user = Some(format!("mesos (Python) {}", env!("CARGO_PKG_VERSION")));
    VersionInfo { version: VERSION.into(), build_user, ..VersionInfo::default() }
}

pub(crate) fn flags(flags: &[(&str, String)]) -> Vec<Flag> {
    flags.iter().map(|(name, value)| Flag { name: (*name).into(), value: Some(value.clone()) }).collect()
}

pub(crate) fn time(time: Time) -> TimeInfo {
    TimeInfo { nanoseconds: i64::try_from(time.as_nanos()).unwrap_or(i64::MAX) }
}

/// Resources with their role where older tools look for it, too.
#[expect(deprecated, reason = "it is where older tools look")]
pub(crate) fn with_role(mut resources: Vec<Resource>) -> Vec<Resource> {
    for resource in &mut resources {
        match &resource.reservations[..] {
            [] => resource.role = Some("*".into()),
            [only] => {
                resource.role = only.role.clone();
                if only.r#type() == reservation_info::Type::Dynamic {
                    let (principal, labels) = (only.principal.clone(), only.labels.clone());
                    let old = ReservationInfo { principal, labels, ..ReservationInfo::default() };
                    resource.reservation = Some(Box::new(old));
                }
            }
            _ => {} // refined: there was no such thing
        }
    }
    resources
}
