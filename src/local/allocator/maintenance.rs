//! Agents that will be unavailable: who is asked to leave them, and what was answered.
//!
//! # Invariants
//! * Only frameworks that hold something of an agent, or are offered it, are asked: each once until it has answered, and
//!   again when its answer's filter is over.
//! * A new unavailability is a new question.

use super::{Allocator, INTERVAL};
use crate::local::clock::Time;
use crate::proto::mesos::v1::Unavailability;
use crate::proto::mesos::v1::allocator::InverseOfferStatus;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// An agent's unavailability.
#[derive(Debug)]
pub(super) struct Maintenance {
    unavailability: Unavailability,
    /// frameworks that have not answered yet
    asked: BTreeSet<String>,
    answers: BTreeMap<String, InverseOfferStatus>,
}

/// An inverse offer to make.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Inverse {
    pub(crate) framework: String,
    pub(crate) agent: String,
    pub(crate) unavailability: Unavailability,
}

impl Allocator {
    pub(crate) fn set_unavailability(
        &mut self,
        now: Time,
        agent: &str,
        unavailability: Option<Unavailability>,
    ) {
        for framework in self.frameworks.values_mut() {
            framework.leaving.retain(|(place, _)| place != agent);
        }
        if let Some(agent) = self.agents.get_mut(agent) {
            agent.maintenance = unavailability.map(|unavailability| Maintenance {
                unavailability,
                asked: BTreeSet::new(),
                answers: BTreeMap::new(),
            });
            self.next = Some(now);
        }
    }

    /// A framework has answered, or (without a status) its inverse offer has ended otherwise. `refuse` says for how long
    /// it is not asked again.
    pub(crate) fn answer(
        &mut self,
        now: Time,
        framework: &str,
        agent: &str,
        status: Option<InverseOfferStatus>,
        refuse: Option<Duration>,
    ) {
        let place = self.agents.get_mut(agent);
        if let Some(maintenance) = place.and_then(|place| place.maintenance.as_mut())
            && maintenance.asked.remove(framework)
            && let Some(status) = status
        {
            maintenance.answers.insert(framework.into(), status);
        }
        let refuse = refuse.filter(|refuse| !refuse.is_zero());
        if let (Some(refuse), Some(known)) = (refuse, self.frameworks.get_mut(framework)) {
            known.leaving.push((agent.into(), now + refuse.max(INTERVAL)));
        }
        self.soon(now);
    }

    /// The last answers about an agent.
    pub(crate) fn answers(&self, agent: &str) -> impl Iterator<Item = &InverseOfferStatus> {
        let maintenance = self.agents.get(agent).and_then(|agent| agent.maintenance.as_ref());
        maintenance.into_iter().flat_map(|maintenance| maintenance.answers.values())
    }

    /// Whom to ask now.
    pub(super) fn ask(&mut self) -> Vec<Inverse> {
        let mut inverse = Vec::new();
        for (id, agent) in self.agents.iter_mut().filter(|(_, agent)| agent.active) {
            let Some(maintenance) = &mut agent.maintenance else { continue };
            let holders = self.allocated.keys().filter(|(_, _, place)| place == id);
            for framework in holders.map(|(framework, _, _)| framework).collect::<BTreeSet<_>>() {
                let willing = self
                    .frameworks
                    .get(framework)
                    .is_some_and(|known| known.active && !known.leaving.iter().any(|(place, _)| place == id));
                if willing && maintenance.asked.insert(framework.clone()) {
                    let unavailability = maintenance.unavailability;
                    inverse.push(Inverse { framework: framework.clone(), agent: id.clone(), unavailability });
                }
            }
        }
        inverse
    }
}
