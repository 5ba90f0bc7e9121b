//! Offers: made from what the allocator gives, answered by ACCEPT and DECLINE.

use super::launch::Launching;
use super::{Capability, Master, Offer, events, operations};
use crate::local::clock::Time;
use crate::local::resources::Resources;
use crate::proto::mesos::v1::offer::operation::Type;
use crate::proto::mesos::v1::scheduler::call::{Accept, Decline};
use crate::proto::mesos::v1::task_status::Reason;
use crate::proto::mesos::v1::{self, Filters, OfferId, TaskInfo, TaskState};
use crate::validate;
use std::collections::BTreeMap;
use std::time::Duration;

/// The longest that a filter lasts.
const LONGEST_FILTER: f64 = 365.0 * 24.0 * 3600.0;
/// What a filter without (valid) `refuse_seconds` lasts.
const DEFAULT_FILTER: f64 = 5.0;

/// Whether the framework is told that its offers ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tell {
    Rescind,
    /// it knows already, or cannot hear
    Nothing,
}

/// Where offers came from that are accepted together.
pub(super) struct Place {
    pub(super) agent: String,
    pub(super) role: String,
}

impl Master {
    /// Offers what the allocator gives: one event for each framework.
    pub(super) fn offer(&mut self, now: Time) {
        let mut offers: BTreeMap<String, Vec<v1::Offer>> = BTreeMap::new();
        let (given, inverse) = self.allocator.allocate(now, self.entropy.as_mut());
        for given in given {
            let (Some(framework), Some(agent)) =
                (self.frameworks.get(&given.framework), self.agents.get(&given.agent))
            else {
                continue;
            };
            let id = format!("{}-O{}", self.info.id, self.next_offer);
            self.next_offer += 1;
            let (multi_role, refined) =
                (framework.can(Capability::MultiRole), framework.can(Capability::ReservationRefinement));
            let offer = Offer {
                framework: given.framework.clone(),
                agent: given.agent,
                role: given.role,
                resources: given.resources,
                timeout: self.offer_timeout.map(|timeout| now.saturating_add(timeout)),
            };
            let mut message = events::offer(&id, &offer, agent, multi_role, refined);
            message.unavailability = self.unavailability(&offer.agent).map(Box::new);
            offers.entry(given.framework).or_default().push(message);
            self.offers.insert(id, offer);
        }
        for (framework, offers) in offers {
            self.send(&framework, events::offers(offers));
        }
        self.ask(now, inverse);
    }

    /// A framework is not there any more, or is another one now.
    pub(super) fn take_all_offers_back(&mut self, now: Time, framework: &str) {
        self.take_offers_back(now, Tell::Nothing, |offer| offer.framework == framework);
        self.take_inverse_offers_back(now, Tell::Nothing, |own, _, _| own == framework);
    }

    pub(super) fn rescind(&mut self, now: Time, id: &str) {
        if let Some(offer) = self.offers.remove(id) {
            self.send(&offer.framework, events::rescind(id));
            self.return_offer(now, &offer, None);
        }
    }

    /// Ends offers without an answer.
    pub(super) fn take_offers_back(&mut self, now: Time, tell: Tell, meant: impl Fn(&Offer) -> bool) {
        let ids: Vec<String> =
            self.offers.iter().filter(|(_, offer)| meant(offer)).map(|(id, _)| id.clone()).collect();
        for id in ids {
            let Some(offer) = self.offers.remove(&id) else { continue };
            if tell == Tell::Rescind {
                self.send(&offer.framework, events::rescind(&id));
            }
            self.return_offer(now, &offer, None);
        }
    }

    /// Takes offers of an agent back that hold something of this, until they hold all of it.
    pub(super) fn take_offers_for(&mut self, now: Time, agent: &str, resources: &Resources) {
        let mut missing = resources.clone();
        let ids: Vec<String> =
            self.offers.iter().filter(|(_, offer)| offer.agent == agent).map(|(id, _)| id.clone()).collect();
        for id in ids {
            let Some(offer) = self.offers.get(&id) else { continue };
            let mut left = missing.clone();
            left.subtract(&offer.resources);
            if left == missing {
                continue;
            }
            missing = left;
            let Some(offer) = self.offers.remove(&id) else { continue };
            self.send(&offer.framework, events::rescind(&id));
            self.return_offer(now, &offer, Some(refusal(None)));
            if missing.is_empty() {
                return;
            }
        }
    }

    fn return_offer(&mut self, now: Time, offer: &Offer, refuse: Option<Duration>) {
        let place = (offer.framework.as_str(), offer.role.as_str(), offer.agent.as_str());
        self.allocator.recover(now, place, &offer.resources, refuse);
    }

    /// As with Mesos, whoever names an offer ends it, whosever it is.
    pub(super) fn decline(&mut self, now: Time, decline: &Decline) {
        let refuse = Some(refusal(decline.filters.as_ref()));
        for id in &decline.offer_ids {
            if let Some(offer) = self.offers.remove(&id.value) {
                self.return_offer(now, &offer, refuse);
            }
        }
    }

    pub(super) fn accept(&mut self, now: Time, framework: &str, accept: Accept) {
        for operation in accept.operations.iter().filter(|this| this.r#type() == Type::Launch) {
            let launches = operation.launch.as_ref().is_some_and(|launch| !launch.task_infos.is_empty());
            self.counters.count(if launches { "messages_launch_tasks" } else { "messages_decline_offers" });
        }
        let place = match self.check_offers(framework, &accept.offer_ids) {
            Ok(place) => place,
            Err(why) => return self.accept_nothing(now, framework, &accept, &why),
        };
        let mut remaining = Resources::default();
        for id in &accept.offer_ids {
            if let Some(offer) = self.offers.remove(&id.value) {
                remaining.add(&offer.resources);
            }
        }
        let (offered, mut resized) = (remaining.clone(), Resources::default());
        // Mesos looks at the resources of all operations before it does any of them.
        let (refused, operations): (Vec<_>, Vec<_>) =
            accept.operations.into_iter().partition(|operation| operations::invalid(operation).is_some());
        for operation in refused {
            let why = operations::invalid(&operation).unwrap_or_default();
            self.refuse_invalid(now, framework, operation, why);
        }
        for operation in operations {
            match operation.r#type() {
                Type::Launch => self.launch(now, framework, &place, operation, &mut remaining),
                Type::LaunchGroup => self.launch_group(now, framework, &place, operation, &mut remaining),
                Type::Reserve | Type::Unreserve | Type::Create | Type::Destroy => {
                    let at = Launching { framework, place: &place };
                    self.convert(&at, operation, &mut remaining);
                }
                Type::GrowVolume | Type::ShrinkVolume => {
                    let at = Launching { framework, place: &place };
                    self.resize(&at, operation, &mut remaining, &mut resized);
                }
                Type::Unknown => {}
                other => {
                    let why = match validate::operation(&operation) {
                        Err(why) => self.on_agent(&place.agent, &why),
                        Ok(()) => format!("The embedded cluster cannot do {} yet", other.as_str_name()),
                    };
                    self.refuse_operation(framework, operation, why);
                }
            }
        }
        // What operations have made was not refused.
        let mut made = remaining.clone();
        made.add(&resized);
        made.subtract(&offered);
        remaining.subtract(&made);
        let place = (framework, place.role.as_str(), place.agent.as_str());
        self.allocator.recover(now, place, &remaining, Some(refusal(accept.filters.as_ref())));
        self.allocator.recover(now, place, &made, None);
    }

    /// Offers that can be accepted together, or why they cannot.
    fn check_offers(&self, framework: &str, ids: &[OfferId]) -> Result<Place, String> {
        if ids.is_empty() {
            return Err("No offers specified".into());
        }
        if let Some((_, twice)) = ids.iter().enumerate().find(|(at, id)| ids[..*at].contains(id)) {
            return Err(format!("Duplicate offer {} in offer list", twice.value));
        }
        let mut offers = Vec::with_capacity(ids.len());
        for OfferId { value: id } in ids {
            match self.offers.get(id) {
                Some(offer) => offers.push((id, offer)),
                None => return Err(format!("Offer {id} is no longer valid")),
            }
        }
        if let Some((id, offer)) = offers.iter().find(|(_, offer)| offer.framework != framework) {
            return Err(format!(
                "Offer {id} has invalid framework {} while framework {framework} is expected",
                offer.framework
            ));
        }
        let (_, first) = offers[0];
        if let Some((id, offer)) = offers.iter().find(|(_, offer)| offer.role != first.role) {
            return Err(format!(
                "Aggregated offers must be allocated to the same role. Offer {id} uses role '{} but another is \
                 using role '{}",
                offer.role, first.role
            ));
        }
        if let Some((id, offer)) = offers.iter().find(|(_, offer)| offer.agent != first.agent) {
            return Err(format!(
                "Aggregated offers must belong to one single agent. Offer {id} uses agent {} and agent {}",
                offer.agent, first.agent
            ));
        }
        Ok(Place { agent: first.agent.clone(), role: first.role.clone() })
    }

    /// Every operation fails, and the offers that do exist are over.
    fn accept_nothing(&mut self, now: Time, framework: &str, accept: &Accept, why: &str) {
        for id in &accept.offer_ids {
            if let Some(offer) = self.offers.remove(&id.value) {
                self.return_offer(now, &offer, None);
            }
        }
        let state = self.lost_or(framework, TaskState::TaskDropped);
        for operation in &accept.operations {
            let tasks: &[TaskInfo] = match operation.r#type() {
                Type::Launch => operation.launch.as_ref().map_or(&[], |launch| &launch.task_infos),
                Type::LaunchGroup => {
                    operation.launch_group.as_ref().map_or(&[], |launch| &launch.task_group.tasks)
                }
                _ => {
                    let why = format!("Operation attempted with invalid offers: {why}");
                    self.refuse_operation(framework, operation.clone(), why);
                    continue;
                }
            };
            for task in tasks {
                let why = format!("Task launched with invalid offers: {why}");
                let agent = Some(task.agent_id.value.as_str());
                self.say(now, framework, &task.task_id.value, agent, state, Reason::InvalidOffers, why);
            }
        }
    }
}

/// How long declined resources stay away.
pub(super) fn refusal(filters: Option<&Filters>) -> Duration {
    let seconds = filters.and_then(|filters| filters.refuse_seconds).unwrap_or(DEFAULT_FILTER);
    let seconds = if seconds >= 0.0 { seconds.min(LONGEST_FILTER) } else { DEFAULT_FILTER };
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(5))
}
