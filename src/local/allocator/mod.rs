//! Who is offered what: dominant resource fairness between roles, then between the frameworks of a role.
//!
//! Agents come in random order. Each one's free resources go, whole, to the first framework in the order of `sorter.rs`
//! that does not refuse them (`framework.rs`); what is reserved for other roles goes to those.
//!
//! # Invariants
//! * What is allocated to a (framework, role, agent) stays so until `recover`, `remove_framework` or `remove_agent`.
//! * Nothing happens by itself: `due` says when the next `allocate` is worth while.
//! * What is reserved for a role goes to that role or one below it, and to nobody else.

mod constraints;
mod framework;
mod sorter;

use super::clock::{Entropy, Time};
use super::resources::Resources;
pub(crate) use constraints::{Constraints, Traits};
use framework::{Filter, Framework};
pub(crate) use framework::{Minimum, Wishes};
use sorter::Sorter;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long freed resources may wait to be offered with others, so that nobody gets all by being quick.
/// It is also the least time that a filter lasts.
pub(crate) const INTERVAL: Duration = Duration::from_millis(50);

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
}

/// The allocator's state.
#[derive(Debug, Default)]
pub(crate) struct Allocator {
    frameworks: BTreeMap<String, Framework>,
    agents: BTreeMap<String, Agent>,
    sorter: Sorter,
    /// by framework, role and agent
    allocated: BTreeMap<(String, String, String), Resources>,
    /// when to allocate next, if there is a reason to
    next: Option<Time>,
    last: Time,
}

impl Allocator {
    pub(crate) fn add_agent(&mut self, now: Time, id: &str, total: Resources, traits: Traits) {
        self.sorter.count(&total, 1);
        self.agents.insert(id.into(), Agent { free: total.clone(), total, traits, active: true });
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
        let filters = self.frameworks.values().flat_map(|framework| &framework.filters);
        filters.map(|filter| filter.until).chain(self.next).min()
    }

    /// Gives out what is free, if it is time.
    pub(crate) fn allocate(&mut self, now: Time, entropy: &mut dyn Entropy) -> Vec<Allocation> {
        if self.due().is_none_or(|due| due > now) {
            return Vec::new();
        }
        (self.next, self.last) = (None, now);
        for framework in self.frameworks.values_mut() {
            framework.filters.retain(|filter| filter.until > now);
        }
        let active = self.agents.iter().filter(|(_, agent)| agent.active);
        let mut agents: Vec<String> = active.map(|(id, _)| id.clone()).collect();
        for left in (1..agents.len()).rev() {
            agents.swap(left, entropy.below(left + 1));
        }
        let mut given = Vec::new();
        for agent in &agents {
            self.allocate_agent(agent, &mut given);
        }
        given
    }

    /// All that is not reserved goes to one framework, with what is reserved for its role; the rest to others.
    fn allocate_agent(&mut self, agent: &str, given: &mut Vec<Allocation>) {
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
            let resources = known.part(&role, &place.free);
            if !known.takes(&role, agent, &resources) {
                continue;
            }
            place.free.subtract(&resources);
            let key = (framework.clone(), role.clone(), agent.to_owned());
            self.allocated.entry(key).or_default().add(&resources);
            self.sorter.track(&framework, &role, &resources, 1);
            given.push(Allocation { framework, role, agent: agent.into(), resources });
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
