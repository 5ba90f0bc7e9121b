//! Inverse offers: frameworks are asked to leave agents that will be unavailable, and answer.
//!
//! # Invariants
//! * An inverse offer ends with its answer, its framework's connection, its agent, the unavailability, or its time.

use super::offers::{Tell, refusal};
use super::{Master, events};
use crate::local::allocator::Inverse;
use crate::local::clock::Time;
use crate::local::operator::time;
use crate::proto::mesos::v1::allocator::InverseOfferStatus;
use crate::proto::mesos::v1::allocator::inverse_offer_status::Status;
use crate::proto::mesos::v1::{self, Filters, FrameworkId, OfferId};
use std::collections::BTreeMap;

/// An inverse offer that is not answered.
#[derive(Debug)]
pub(super) struct InverseOffer {
    framework: String,
    agent: String,
    pub(super) timeout: Option<Time>,
}

impl Master {
    /// Makes inverse offers: one event for each framework.
    pub(super) fn ask(&mut self, now: Time, inverse: Vec<Inverse>) {
        let mut events: BTreeMap<String, Vec<v1::InverseOffer>> = BTreeMap::new();
        for Inverse { framework, agent, unavailability } in inverse {
            let Some(info) = self.agents.get(&agent) else { continue };
            let id = format!("{}-O{}", self.info.id, self.next_offer);
            self.next_offer += 1;
            let message = events::inverse_offer(&id, &framework, info, unavailability);
            events.entry(framework.clone()).or_default().push(message);
            let timeout = self.offer_timeout.map(|timeout| now.saturating_add(timeout));
            self.inverse_offers.insert(id, InverseOffer { framework, agent, timeout });
        }
        for (framework, inverse) in events {
            self.send(&framework, events::inverse_offers(inverse));
        }
    }

    pub(super) fn answer_inverse_offers(
        &mut self,
        now: Time,
        framework: &str,
        ids: &[OfferId],
        answer: Status,
        filters: Option<&Filters>,
    ) {
        for OfferId { value: id } in ids {
            let own = self.inverse_offers.get(id).is_some_and(|offer| offer.framework == framework);
            let Some(offer) = self.inverse_offers.remove(id).filter(|_| own) else { continue };
            let status = InverseOfferStatus {
                status: answer.into(),
                framework_id: FrameworkId { value: framework.into() },
                timestamp: time(now),
            };
            self.allocator.answer(now, framework, &offer.agent, Some(status), Some(refusal(filters)));
        }
    }

    /// Ends inverse offers without an answer.
    pub(super) fn take_inverse_offers_back(
        &mut self,
        now: Time,
        tell: Tell,
        meant: impl Fn(&str, &str, Option<Time>) -> bool,
    ) {
        let is_meant = |offer: &InverseOffer| meant(&offer.framework, &offer.agent, offer.timeout);
        let ended = self.inverse_offers.iter().filter(|(_, offer)| is_meant(offer));
        let ended: Vec<String> = ended.map(|(id, _)| id.clone()).collect();
        for id in ended {
            let Some(offer) = self.inverse_offers.remove(&id) else { continue };
            if tell == Tell::Rescind {
                self.send(&offer.framework, events::rescind_inverse(&id));
            }
            self.allocator.answer(now, &offer.framework, &offer.agent, None, None);
        }
    }

    /// Tells of what is planned for an agent: all offers of it are made again.
    pub(super) fn set_unavailability(&mut self, now: Time, agent: &str) {
        self.take_offers_back(now, Tell::Rescind, |offer| offer.agent == agent);
        self.take_inverse_offers_back(now, Tell::Rescind, |_, place, _| place == agent);
        self.allocator.set_unavailability(now, agent, self.unavailability(agent));
    }

    /// An agent's resources go to nobody for now.
    pub(super) fn stop_offering(&mut self, now: Time, agent: &str) {
        self.allocator.set_agent_active(now, agent, false);
        self.take_offers_back(now, Tell::Rescind, |offer| offer.agent == agent);
        self.take_inverse_offers_back(now, Tell::Rescind, |_, place, _| place == agent);
    }
}
