//! What a framework wants, and what it does not want for a while.

use super::Constraints;
use crate::local::clock::Time;
use crate::local::resources::Resources;
use crate::wire::resources::{Item, role};
use std::collections::{BTreeMap, BTreeSet};

/// Mesos' `--min_allocatable_resources`: less than all of these is not offered. Thousandths.
const MINIMUM: [(&str, i64); 2] = [("cpus", 10), ("mem", 32_000)];

/// Alternatives; each is a list of amounts (in thousandths) that an offer has at least.
pub(crate) type Minimum = Vec<BTreeMap<String, i64>>;

/// What a framework says of itself when it subscribes or changes.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    pub(crate) roles: BTreeSet<String>,
    /// of the roles, those that are to get nothing
    pub(crate) suppressed: BTreeSet<String>,
    /// by role
    pub(crate) minimum: BTreeMap<String, Minimum>,
    /// whether it knows reservations that refine others
    pub(crate) refines: bool,
    pub(crate) constraints: Constraints,
}

/// A refusal: for a while, nothing of an agent that these resources contain.
#[derive(Debug)]
pub(super) struct Filter {
    pub(super) role: String,
    pub(super) agent: String,
    pub(super) refused: Resources,
    pub(super) until: Time,
}

#[derive(Debug, Default)]
pub(super) struct Framework {
    pub(super) active: bool,
    pub(super) wishes: Wishes,
    pub(super) filters: Vec<Filter>,
    /// agents that it is not asked to leave again before a time
    pub(super) leaving: Vec<(String, Time)>,
}

impl Framework {
    /// Takes over what changed.
    pub(super) fn update(&mut self, wishes: Wishes) {
        let revived: BTreeSet<_> = self.wishes.suppressed.difference(&wishes.suppressed).collect();
        self.filters.retain(|filter| wishes.roles.contains(&filter.role) && !revived.contains(&filter.role));
        self.wishes = wishes;
    }

    /// Empty means all roles.
    pub(super) fn suppress(&mut self, roles: &[String]) {
        let meant = |role: &&String| roles.is_empty() || roles.contains(role);
        self.wishes.suppressed.extend(self.wishes.roles.iter().filter(meant).cloned());
    }

    /// Empty means all roles. Filters of the roles go, too.
    pub(super) fn revive(&mut self, roles: &[String]) {
        let meant = |role: &String| roles.is_empty() || roles.contains(role);
        self.wishes.suppressed.retain(|role| !meant(role));
        self.filters.retain(|filter| !meant(&filter.role));
        self.leaving.clear();
    }

    /// Forgets what is over.
    pub(super) fn expire(&mut self, now: Time) {
        self.filters.retain(|filter| filter.until > now);
        self.leaving.retain(|(_, until)| *until > now);
    }

    pub(super) fn due(&self) -> Option<Time> {
        let leaving = self.leaving.iter().map(|(_, until)| *until);
        self.filters.iter().map(|filter| filter.until).chain(leaving).min()
    }

    /// The roles in which it may get something now.
    pub(super) fn open_roles(&self) -> impl Iterator<Item = &str> {
        let open = self.wishes.roles.difference(&self.wishes.suppressed).map(String::as_str);
        open.filter(|_| self.active)
    }

    /// What of these a role can have: what is reserved for it or a role above it, then what is not reserved.
    pub(super) fn part(&self, role: &str, free: &Resources) -> Resources {
        let own = |item: &Item| item.kind.role().is_some_and(|own| own == role || role::is_below(role, own));
        let readable = |item: &Item| self.wishes.refines || item.kind.reservations.len() < 2;
        let mut part = free.filter(|item| own(item) && readable(item));
        part.add(&free.filter(|item| item.kind.role().is_none()));
        part
    }

    /// Whether these are enough for it, and not refused.
    pub(super) fn takes(&self, role: &str, agent: &str, offered: &Resources) -> bool {
        let scalars = offered.scalars();
        let has = |(name, amount): (&str, i64)| scalars.get(name).copied().unwrap_or(0) >= amount;
        let enough = match self.wishes.minimum.get(role) {
            Some(minimum) => {
                let each =
                    |least: &BTreeMap<String, i64>| least.iter().all(|(name, amount)| has((name, *amount)));
                minimum.is_empty() || minimum.iter().any(each)
            }
            None => MINIMUM.into_iter().any(has),
        };
        let refused = |filter: &Filter| {
            filter.role == role && filter.agent == agent && filter.refused.contains(offered)
        };
        enough && !offered.is_empty() && !self.filters.iter().any(refused)
    }
}
