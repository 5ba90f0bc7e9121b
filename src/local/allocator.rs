//! Who is offered what: dominant resource fairness between roles, then between the frameworks of a role.
//!
//! Agents come in random order; each one's free resources go, whole, to the framework that has the smallest share
//! of the cluster, then the fewest allocations, then the first name, and that has neither suppressed the role nor
//! refused as much from that agent. Roles are a tree: `a/b` competes inside `a`.
//!
//! # Invariants
//! * What is allocated to a (framework, role, agent) stays so until `recover`, `remove_framework` or `remove_agent`.
//! * Nothing happens by itself: `due` says when the next `allocate` is worth while.
//! * What is reserved for a role goes to that role or one below it, and to nobody else.
//! * There are no quotas and no weights yet: every role weighs the same.

use super::clock::{Entropy, Time};
use super::resources::Resources;
use crate::wire::resources::{Item, role};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long freed resources may wait to be offered with others, so that nobody gets all by being quick.
/// It is also the least time that a filter lasts.
pub(crate) const INTERVAL: Duration = Duration::from_millis(50);

/// Mesos' `--min_allocatable_resources`: less than all of these is not offered. Thousandths.
const MINIMUM: [(&str, i64); 2] = [("cpus", 10), ("mem", 32_000)];

/// Alternatives; each is a list of amounts (in thousandths) that an offer has at least.
pub(crate) type Minimum = Vec<BTreeMap<String, i64>>;

/// Something to offer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Allocation {
    pub(crate) framework: String,
    pub(crate) role: String,
    pub(crate) agent: String,
    pub(crate) resources: Resources,
}

#[derive(Debug)]
struct Filter {
    role: String,
    agent: String,
    refused: Resources,
    until: Time,
}

#[derive(Debug, Default)]
struct Framework {
    active: bool,
    roles: BTreeSet<String>,
    suppressed: BTreeSet<String>,
    minimum: BTreeMap<String, Minimum>,
    /// knows reservations that refine others
    refines: bool,
    filters: Vec<Filter>,
}

#[derive(Debug)]
struct Agent {
    free: Resources,
    total: Resources,
    /// nothing of it is given out otherwise
    active: bool,
}

/// The shares of one client: a role (with all below it), or a framework in a role.
#[derive(Debug, Default, Clone)]
struct Share {
    scalars: BTreeMap<String, i64>,
    /// how often it was given something: who was served less often comes first
    count: u64,
}

/// The allocator's state.
#[derive(Debug, Default)]
pub(crate) struct Allocator {
    frameworks: BTreeMap<String, Framework>,
    agents: BTreeMap<String, Agent>,
    /// thousandths of each scalar that all agents have
    totals: BTreeMap<String, i64>,
    /// by role, ancestors included
    roles: BTreeMap<String, Share>,
    /// by framework and role
    clients: BTreeMap<(String, String), Share>,
    /// by framework, role and agent
    allocated: BTreeMap<(String, String, String), Resources>,
    /// when to allocate next, if there is a reason to
    next: Option<Time>,
    last: Time,
}

impl Allocator {
    pub(crate) fn add_agent(&mut self, now: Time, id: &str, total: Resources) {
        self.count(&total, 1);
        self.agents.insert(id.into(), Agent { free: total.clone(), total, active: true });
        self.next = Some(now);
    }

    pub(crate) fn remove_agent(&mut self, id: &str) {
        if let Some(agent) = self.agents.remove(id) {
            self.count(&agent.total, -1);
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
        self.track(framework, role, resources, 1);
    }

    /// Adds a framework (inactive), or takes over what changed in it.
    pub(crate) fn update_framework(
        &mut self,
        now: Time,
        id: &str,
        roles: BTreeSet<String>,
        suppressed: BTreeSet<String>,
        minimum: BTreeMap<String, Minimum>,
        refines: bool,
    ) {
        let framework = self.frameworks.entry(id.into()).or_default();
        let revived: BTreeSet<_> = framework.suppressed.difference(&suppressed).cloned().collect();
        framework.filters.retain(|filter| roles.contains(&filter.role) && !revived.contains(&filter.role));
        (framework.roles, framework.suppressed, framework.minimum) = (roles, suppressed, minimum);
        framework.refines = refines;
        self.next = Some(now);
    }

    pub(crate) fn remove_framework(&mut self, now: Time, id: &str) {
        self.frameworks.remove(id);
        self.release(|(framework, _, _)| framework == id);
        self.clients.retain(|(framework, _), _| framework != id);
        let subscribed: BTreeSet<_> =
            self.frameworks.values().flat_map(|framework| &framework.roles).collect();
        let within =
            |role: &str, inner: &str| inner.strip_prefix(role).is_some_and(|rest| rest.starts_with('/'));
        self.roles.retain(|role, _| subscribed.iter().any(|&inner| inner == role || within(role, inner)));
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
            let all = framework.roles.clone();
            framework
                .suppressed
                .extend(all.into_iter().filter(|role| roles.is_empty() || roles.contains(role)));
        }
    }

    /// Empty means all roles. Filters of the roles go, too.
    pub(crate) fn revive(&mut self, now: Time, id: &str, roles: &[String]) {
        if let Some(framework) = self.frameworks.get_mut(id) {
            let meant = |role: &String| roles.is_empty() || roles.contains(role);
            framework.suppressed.retain(|role| !meant(role));
            framework.filters.retain(|filter| !meant(&filter.role));
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
        self.track(framework, role, resources, -1);
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
        agents.iter().flat_map(|agent| self.allocate_agent(agent)).collect()
    }

    /// All that is not reserved goes to one framework, with what is reserved for its role; the rest to others.
    fn allocate_agent(&mut self, agent: &str) -> Vec<Allocation> {
        let mut given = Vec::new();
        let free = |this: &Self| this.agents.get(agent).map(|agent| agent.free.clone()).unwrap_or_default();
        while let Some((framework, role, resources)) = self.next_on(agent, &free(self)) {
            if let Some(agent) = self.agents.get_mut(agent) {
                agent.free.subtract(&resources);
            }
            let key = (framework.clone(), role.clone(), agent.to_owned());
            self.allocated.entry(key).or_default().add(&resources);
            self.track(&framework, &role, &resources, 1);
            given.push(Allocation { framework, role, agent: agent.into(), resources });
        }
        given
    }

    /// Who gets something of what is free on an agent, and what.
    fn next_on(&self, agent: &str, free: &Resources) -> Option<(String, String, Resources)> {
        if free.is_empty() {
            return None;
        }
        self.queue().into_iter().find_map(|(id, role)| {
            let framework = self.frameworks.get(&id)?;
            let part = framework.part(&role, free);
            let fits = !part.is_empty() && framework.takes(&role, agent, &part);
            fits.then_some((id, role, part))
        })
    }

    /// Who may get something, in order.
    fn queue(&self) -> Vec<(String, String)> {
        let mut roles: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (id, framework) in self.frameworks.iter().filter(|(_, framework)| framework.active) {
            for role in framework.roles.difference(&framework.suppressed) {
                roles.entry(role).or_default().push(id);
            }
        }
        let mut queue = Vec::new();
        for role in self.sorted(roles.keys().copied().collect(), "") {
            let mut frameworks = roles.remove(role.as_str()).unwrap_or_default();
            let share = |id: &&str| self.weigh(self.clients.get(&((*id).to_owned(), role.clone())));
            frameworks.sort_by(|a, b| share(a).partial_cmp(&share(b)).unwrap_or(std::cmp::Ordering::Equal));
            queue.extend(frameworks.into_iter().map(|id| (id.to_owned(), role.clone())));
        }
        queue
    }

    /// Roles below `prefix` in the order of their shares, subtree by subtree.
    fn sorted(&self, roles: Vec<&str>, prefix: &str) -> Vec<String> {
        let mut children: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        let mut order: Vec<String> = Vec::new();
        for role in roles {
            let head = match role[prefix.len()..].find('/') {
                Some(slash) => &role[..prefix.len() + slash],
                None => role,
            };
            children.entry(head.into()).or_default().push(role);
        }
        let mut heads: Vec<_> =
            children.keys().map(|head| (self.weigh(self.roles.get(head)), head)).collect();
        heads.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
        for (_, head) in heads {
            let (own, below): (Vec<_>, Vec<_>) =
                children[head].iter().partition(|role| **role == head.as_str());
            order.extend(own.into_iter().map(|role: &str| role.to_owned()));
            if !below.is_empty() {
                order.extend(self.sorted(below, &format!("{head}/")));
            }
        }
        order
    }

    /// Dominant share and number of allocations: smaller comes first.
    #[expect(clippy::cast_precision_loss, reason = "a share is a ratio")]
    fn weigh(&self, share: Option<&Share>) -> (f64, u64) {
        let Some(share) = share else { return (0.0, 0) };
        let part = |(name, held): (&String, &i64)| match self.totals.get(name) {
            None | Some(0) => 0.0,
            Some(total) => *held as f64 / *total as f64,
        };
        (share.scalars.iter().map(part).fold(0.0, f64::max), share.count)
    }

    fn count(&mut self, total: &Resources, sign: i64) {
        for (name, amount) in total.scalars() {
            *self.totals.entry(name.to_owned()).or_insert(0) += sign * amount;
        }
    }

    fn track(&mut self, framework: &str, role: &str, resources: &Resources, sign: i64) {
        let client = self.clients.entry((framework.to_owned(), role.to_owned())).or_default();
        client.count += u64::from(sign > 0);
        for (name, amount) in resources.scalars() {
            *client.scalars.entry(name.to_owned()).or_insert(0) += sign * amount;
        }
        let ancestors = role.match_indices('/').map(|(at, _)| &role[..at]).chain([role]);
        for role in ancestors {
            let share = self.roles.entry(role.to_owned()).or_default();
            share.count += u64::from(sign > 0);
            for (name, amount) in resources.scalars() {
                *share.scalars.entry(name.to_owned()).or_insert(0) += sign * amount;
            }
        }
    }

    fn release(&mut self, meant: impl Fn(&(String, String, String)) -> bool) {
        let keys: Vec<_> = self.allocated.keys().filter(|key| meant(key)).cloned().collect();
        for key in keys {
            let Some(resources) = self.allocated.remove(&key) else { continue };
            if let Some(agent) = self.agents.get_mut(&key.2) {
                agent.free.add(&resources);
            }
            self.track(&key.0, &key.1, &resources, -1);
        }
    }

    /// At once after a quiet time, else at the next turn of the interval.
    fn soon(&mut self, now: Time) {
        let turn = now.max(self.last + INTERVAL);
        self.next = Some(self.next.map_or(turn, |next| next.min(turn)));
    }
}

impl Framework {
    /// What of these a role can have: what is reserved for it or a role above it, then what is not reserved.
    fn part(&self, role: &str, free: &Resources) -> Resources {
        let own = |item: &Item| item.kind.role().is_some_and(|own| own == role || role::is_below(role, own));
        let readable = |item: &Item| self.refines || item.kind.reservations.len() < 2;
        let mut part = free.filter(|item| own(item) && readable(item));
        part.add(&free.filter(|item| item.kind.role().is_none()));
        part
    }

    fn takes(&self, role: &str, agent: &str, free: &Resources) -> bool {
        let scalars = free.scalars();
        let has = |(name, amount): (&str, i64)| scalars.get(name).copied().unwrap_or(0) >= amount;
        let enough = match self.minimum.get(role) {
            Some(minimum) => {
                let each =
                    |least: &BTreeMap<String, i64>| least.iter().all(|(name, amount)| has((name, *amount)));
                minimum.is_empty() || minimum.iter().any(each)
            }
            None => MINIMUM.into_iter().any(has),
        };
        let refused =
            |filter: &Filter| filter.role == role && filter.agent == agent && filter.refused.contains(free);
        enough && !self.filters.iter().any(refused)
    }
}
