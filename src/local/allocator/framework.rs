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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::resources::parse;
    use std::sync::Arc;
    use std::time::Duration;

    const LATER: Time = Duration::from_secs(1);

    fn roles(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.into()).collect()
    }

    /// Active in roles a and b, and has refused both four cpus of agent x.
    fn refusing() -> Framework {
        let refused = parse("cpus:4").unwrap();
        let filter = |role: &str| Filter {
            role: role.into(),
            agent: "x".into(),
            refused: refused.clone(),
            until: LATER,
        };
        let wishes = Wishes { roles: roles(&["a", "b"]), ..Wishes::default() };
        let leaving = vec![("x".into(), LATER)];
        Framework { active: true, wishes, filters: vec![filter("a"), filter("b")], leaving }
    }

    #[test]
    fn a_refusal_is_of_one_agent_in_one_role_and_of_no_more_than_was_offered() {
        let mut framework = refusing();
        let takes = |framework: &Framework, role, agent, offered| {
            framework.takes(role, agent, &parse(offered).unwrap())
        };
        assert!(!takes(&framework, "a", "x", "cpus:4") && !takes(&framework, "a", "x", "cpus:3"));
        assert!(takes(&framework, "a", "x", "cpus:5") && takes(&framework, "a", "y", "cpus:4"));
        framework.revive(&["a".into()]);
        assert!(takes(&framework, "a", "x", "cpus:4") && !takes(&framework, "b", "x", "cpus:4"));
        framework.expire(LATER);
        assert!(takes(&framework, "b", "x", "cpus:4"));
    }

    #[test]
    fn roles_that_are_left_or_wanted_again_lose_their_refusals() {
        let mut framework = refusing();
        framework.suppress(&["b".into()]);
        let suppressed = roles(&["b"]);
        framework.update(Wishes { roles: roles(&["a", "b"]), suppressed, ..Wishes::default() });
        assert_eq!(framework.filters.len(), 2, "nothing has changed");
        framework.update(Wishes { roles: roles(&["a", "b"]), ..Wishes::default() });
        assert_eq!(framework.filters.iter().map(|filter| &filter.role).collect::<Vec<_>>(), ["a"]);
        framework.update(Wishes { roles: roles(&["b"]), ..Wishes::default() });
        assert!(framework.filters.is_empty());
    }

    #[test]
    fn what_is_over_is_due_and_a_revival_ends_it_at_once() {
        let mut framework = refusing();
        framework.filters.clear();
        assert_eq!(framework.due(), Some(LATER), "it may be asked to leave again");
        framework.revive(&[]);
        assert_eq!((framework.due(), framework.leaving.len()), (None, 0));
    }

    #[test]
    fn refined_reservations_are_for_those_who_know_them() {
        let mut framework = refusing();
        let refined = |mut item: Item| {
            Arc::make_mut(&mut item.kind).reservations.extend_from_within(..);
            item
        };
        let free: Resources = parse("cpus(a):1").unwrap().items().iter().cloned().map(refined).collect();
        assert!(framework.part("a", &free).is_empty());
        framework.wishes.refines = true;
        assert_eq!(framework.part("a", &free), free);
    }
}
