//! `/roles`: what is reserved for each role, what its frameworks have, and what they are offered.
//!
//! # Invariants
//! * A role has all that the roles below it have.

use super::Page;
use super::model::{quantities, reserved_for};
use crate::local::master::Master;
use crate::proto::mesos::v1::{Resource, Role};
use serde_json::{Value, json};

pub(super) fn roles(master: &Master) -> Page {
    let (frameworks, agents) = (master.get_frameworks().frameworks, master.get_agents().agents);
    let allocated: Vec<&Resource> = frameworks.iter().flat_map(|known| &known.allocated_resources).collect();
    let offered: Vec<&Resource> = frameworks.iter().flat_map(|known| &known.offered_resources).collect();
    let total: Vec<&Resource> = agents.iter().flat_map(|known| &known.total_resources).collect();
    let role = |role: &Role| {
        let name = role.name.as_str();
        let within =
            |of: &str| of.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let is_own = |it: &&Resource| it.allocation_info.as_ref().is_some_and(|it| within(it.role()));
        let is_reserved = |it: &&Resource| reserved_for(it).is_some_and(within);
        let own: Vec<&Resource> = allocated.iter().copied().filter(is_own).collect();
        let offers: Vec<&Resource> = offered.iter().copied().filter(is_own).collect();
        let reserved: Vec<&Resource> = total.iter().copied().filter(is_reserved).collect();
        let bound = own.iter().filter(|it| reserved_for(it).is_none()).chain(&reserved);
        json!({
            "name": name,
            "weight": role.weight,
            "quota": {"role": name, "guarantee": {}, "limit": {}, "consumed": quantities(bound.copied())},
            "resources": quantities(own.iter().chain(&offers).copied()),
            "allocated": quantities(own),
            "offered": quantities(offers),
            "reserved": quantities(reserved),
            "frameworks": role.frameworks.iter().map(|id| id.value.as_str()).collect::<Value>(),
        })
    };
    let roles: Value = master.get_roles().roles.iter().map(role).collect();
    Page::Json(json!({"roles": roles}).to_string())
}
