//! Who is offered what: dominant resource fairness between roles, then between the frameworks of a role.
//!
//! Agents come in random order. Each one's free resources go to the first framework in the order of `sorter.rs` that does
//! not refuse them (`framework.rs`, `constraints.rs`), all that its role may have (`quota.rs`); the rest to the next one.
//! Who holds something of an agent that will be unavailable is asked to leave it (`maintenance.rs`).
//!
//! # Invariants
//! * What is allocated to a (framework, role, agent) stays so until `recover`, `remove_framework` or `remove_agent`.
//! * Nothing happens by itself: `due` says when the next `allocate` is worth while.
//! * What is reserved for a role goes to that role or one below it, and to nobody else.

mod constraints;
mod framework;
mod maintenance;
mod quota;
mod sorter;
#[cfg(test)]
mod tests;

use super::clock::{Entropy, Time};
use super::resources::Resources;
use crate::wire::resources::role::is_below;
pub(crate) use constraints::{Constraints, Traits};
use framework::{Filter, Framework};
pub(crate) use framework::{Minimum, Wishes};
pub(crate) use maintenance::Inverse;
use maintenance::Maintenance;
pub(crate) use quota::{Amounts, Quota, sum, within};
use quota::{Budget, Stage, counts, is_reserved_within};
use sorter::Sorter;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long freed resources may wait to be offered with others, so that nobody gets all by being quick.
/// It is also the least time that a filter lasts.
pub(crate) const INTERVAL: Duration = Duration::from_millis(50);

/// By framework, role and agent.
type Held = BTreeMap<(String, String, String), Resources>;

/// Something to offer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Allocation {
    pub(crate) framework: String,
    pub(crate) role: String,
    pub(crate) agent: String,
    pub(crate) resources: Resources,
}

#[derive(Debug)]
struct Agent {
    free: Resources,
    total: Resources,
    traits: Traits,
    /// nothing of it is given out otherwise
    active: bool,
    /// that it will be unavailable
    maintenance: Option<Maintenance>,
}

/// The allocator's state.
#[derive(Debug, Default)]
pub(crate) struct Allocator {
    frameworks: BTreeMap<String, Framework>,
    agents: BTreeMap<String, Agent>,
    sorter: Sorter,
    quotas: BTreeMap<String, Quota>,
    allocated: Held,
    /// when to allocate next, if there is a reason to
    next: Option<Time>,
    last: Time,
}

impl Allocator {
    pub(crate) fn add_agent(&mut self, now: Time, id: &str, total: Resources, traits: Traits) {
        self.sorter.count(&total, 1);
        self.agents
            .insert(id.into(), Agent { free: total.clone(), total, traits, active: true, maintenance: None });
        self.next = Some(now);
    }

    pub(crate) fn remove_agent(&mut self, id: &str) {
        if let Some(agent) = self.agents.remove(id) {
            self.sorter.count(&agent.total, -1);
        }
        self.release(|(_, _, agent)| agent == id);
        for framework in self.frameworks.values_mut() {
            framework.filters.retain(|filter| filter.agent != id);
        }
    }

    pub(crate) fn set_agent_active(&mut self, now: Time, id: &str, active: bool) {
        if let Some(agent) = self.agents.get_mut(id) {
            agent.active = active;
            self.next = Some(now);
        }
    }

    /// What somebody has, who was not given it here: an agent has come back with it.
    pub(crate) fn occupy(&mut self, (framework, role, agent): (&str, &str, &str), resources: &Resources) {
        let Some(place) = self.agents.get_mut(agent) else { return };
        place.free.subtract(resources);
        let key = (framework.to_owned(), role.to_owned(), agent.to_owned());
        self.allocated.entry(key).or_default().add(resources);
        self.sorter.track(framework, role, resources, 1);
    }

    /// Adds a framework (inactive), or takes over what changed in it.
    pub(crate) fn update_framework(&mut self, now: Time, id: &str, wishes: Wishes) {
        self.frameworks.entry(id.into()).or_default().update(wishes);
        self.next = Some(now);
    }

    pub(crate) fn remove_framework(&mut self, now: Time, id: &str) {
        self.frameworks.remove(id);
        self.release(|(framework, _, _)| framework == id);
        let subscribed = self.frameworks.values().flat_map(|framework| &framework.wishes.roles);
        let held = self.allocated.keys().map(|(_, role, _)| role);
        self.sorter.forget(id, &subscribed.chain(held).map(String::as_str).collect());
        self.soon(now);
    }

    /// Counts from the next `allocate` on.
    pub(crate) fn set_weight(&mut self, role: &str, weight: f64) {
        self.sorter.set_weight(role, weight);
    }

    /// Those that were set; all other roles weigh 1.
    pub(crate) fn weights(&self) -> &BTreeMap<String, f64> {
        self.sorter.weights()
    }

    /// Counts from the next `allocate` on.
    pub(crate) fn set_quota(&mut self, now: Time, role: &str, quota: Quota) {
        self.quotas.insert(role.into(), quota);
        self.soon(now);
    }

    /// Those that were set.
    pub(crate) fn quotas(&self) -> &BTreeMap<String, Quota> {
        &self.quotas
    }

    /// What counts against the quota of a role, offers included.
    pub(crate) fn consumed(&self, role: &str) -> Amounts {
        let mut amounts = Amounts::new();
        for agent in self.agents.values() {
            sum(&mut amounts, &agent.total.filter(|item| is_reserved_within(item, role)), 1);
        }
        let own = self.allocated.iter().filter(|((_, own, _), _)| own == role || is_below(own, role));
        own.for_each(|(_, held)| sum(&mut amounts, &held.filter(counts), 1));
        amounts
    }

    /// A framework that is not active keeps what it has and gets nothing more.
    pub(crate) fn set_active(&mut self, now: Time, id: &str, active: bool) {
        if let Some(framework) = self.frameworks.get_mut(id) {
            framework.active = active;
            self.next = Some(now);
        }
    }

    /// Empty means all roles.
    pub(crate) fn suppress(&mut self, id: &str, roles: &[String]) {
        if let Some(framework) = self.frameworks.get_mut(id) {
            framework.suppress(roles);
        }
    }

    /// Empty means all roles. Filters of the roles go, too.
    pub(crate) fn revive(&mut self, now: Time, id: &str, roles: &[String]) {
        if let Some(framework) = self.frameworks.get_mut(id) {
            framework.revive(roles);
            self.next = Some(now);
        }
    }

    /// Gives back resources; `refuse` says for how long the framework does not want them again.
    pub(crate) fn recover(
        &mut self,
        now: Time,
        (framework, role, agent): (&str, &str, &str),
        resources: &Resources,
        refuse: Option<Duration>,
    ) {
        let key = (framework.to_owned(), role.to_owned(), agent.to_owned());
        let Some(held) = self.allocated.get_mut(&key) else { return };
        held.subtract(resources);
        if held.is_empty() {
            self.allocated.remove(&key);
        }
        if let Some(agent) = self.agents.get_mut(agent) {
            agent.free.add(resources);
        }
        self.sorter.track(framework, role, resources, -1);
        let refuse = refuse.filter(|refuse| !refuse.is_zero() && !resources.is_empty());
        if let (Some(refuse), Some(framework)) = (refuse, self.frameworks.get_mut(framework)) {
            framework.filters.push(Filter {
                role: role.into(),
                agent: agent.into(),
                refused: resources.clone(),
                until: now + refuse.max(INTERVAL),
            });
        }
        self.soon(now);
    }

    /// What is allocated here has become something else.
    pub(crate) fn convert(
        &mut self,
        (framework, role, agent): (&str, &str, &str),
        taken: &Resources,
        made: &Resources,
    ) {
        let key = (framework.to_owned(), role.to_owned(), agent.to_owned());
        let held = self.allocated.get_mut(&key);
        let total = self.agents.get_mut(agent).map(|agent| &mut agent.total);
        for resources in held.into_iter().chain(total) {
            resources.subtract(taken);
            resources.add(made);
        }
    }

    /// The same for what nobody has; not if not all of it is free.
    pub(crate) fn convert_free(
        &mut self,
        now: Time,
        agent: &str,
        taken: &Resources,
        made: &Resources,
    ) -> bool {
        let Some(agent) = self.agents.get_mut(agent).filter(|agent| agent.free.contains(taken)) else {
            return false;
        };
        for resources in [&mut agent.free, &mut agent.total] {
            resources.subtract(taken);
            resources.add(made);
        }
        self.soon(now);
        true
    }

    /// When `allocate` should be called next.
    pub(crate) fn due(&self) -> Option<Time> {
        self.frameworks.values().filter_map(Framework::due).chain(self.next).min()
    }

    /// Gives out what is free and asks for what is to become so, if it is time.
    pub(crate) fn allocate(
        &mut self,
        now: Time,
        entropy: &mut dyn Entropy,
    ) -> (Vec<Allocation>, Vec<Inverse>) {
        if self.due().is_none_or(|due| due > now) {
            return Default::default();
        }
        (self.next, self.last) = (None, now);
        self.frameworks.values_mut().for_each(|framework| framework.expire(now));
        let active = self.agents.iter().filter(|(_, agent)| agent.active);
        let mut agents: Vec<String> = active.map(|(id, _)| id.clone()).collect();
        let (mut budget, mut given) = (self.budget(), Held::new());
        for stage in budget.stages() {
            for left in (1..agents.len()).rev() {
                agents.swap(left, entropy.below(left + 1));
            }
            for agent in &agents {
                self.allocate_agent(agent, *stage, &mut budget, &mut given);
            }
        }
        let allocation =
            |((framework, role, agent), resources)| Allocation { framework, role, agent, resources };
        (given.into_iter().map(allocation).collect(), self.ask())
    }

    /// What can be given out now.
    fn budget(&self) -> Budget {
        let quotas = self.quotas.iter().filter(|(_, quota)| !quota.is_default());
        let quotas = quotas.map(|(role, quota)| (role.clone(), quota.clone())).collect();
        let mut free = Amounts::new();
        self.agents.values().for_each(|agent| sum(&mut free, &agent.free.filter(counts), 1));
        Budget::new(quotas, |role| self.consumed(role), free)
    }

    /// What is free of an agent, to one after the other.
    fn allocate_agent(&mut self, agent: &str, stage: Stage, budget: &mut Budget, given: &mut Held) {
        for (framework, role) in self.queue() {
            let (Some(place), Some(known)) = (self.agents.get_mut(agent), self.frameworks.get(&framework))
            else {
                continue;
            };
            if place.free.is_empty() {
                return;
            }
            if known.wishes.constraints.excludes(&role, &place.traits) {
                continue;
            }
            let Some(part) = budget.part(stage, &role, known.part(&role, &place.free)) else { continue };
            if !known.takes(&role, agent, &part.resources) {
                continue;
            }
            budget.spend(&role, &part);
            place.free.subtract(&part.resources);
            self.sorter.track(&framework, &role, &part.resources, 1);
            let key = (framework, role, agent.to_owned());
            given.entry(key.clone()).or_default().add(&part.resources);
            self.allocated.entry(key).or_default().add(&part.resources);
        }
    }

    /// Who may get something, and in which role, in order.
    fn queue(&self) -> Vec<(String, String)> {
        let mut open: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (id, framework) in &self.frameworks {
            framework.open_roles().for_each(|role| open.entry(role).or_default().push(id));
        }
        let roles = self.sorter.roles(&open.keys().copied().collect());
        let frameworks = |role: &String| {
            let frameworks = self.sorter.frameworks(role, &open[role.as_str()]).into_iter();
            frameworks.map(|framework| (framework.to_owned(), role.clone())).collect::<Vec<_>>()
        };
        roles.iter().flat_map(frameworks).collect()
    }

    fn release(&mut self, meant: impl Fn(&(String, String, String)) -> bool) {
        let keys: Vec<_> = self.allocated.keys().filter(|key| meant(key)).cloned().collect();
        for key in keys {
            let Some(resources) = self.allocated.remove(&key) else { continue };
            if let Some(agent) = self.agents.get_mut(&key.2) {
                agent.free.add(&resources);
            }
            self.sorter.track(&key.0, &key.1, &resources, -1);
        }
    }

    /// At once after a quiet time, else at the next turn of the interval.
    fn soon(&mut self, now: Time) {
        let turn = now.max(self.last + INTERVAL);
        self.next = Some(self.next.map_or(turn, |next| next.min(turn)));
    }
}
