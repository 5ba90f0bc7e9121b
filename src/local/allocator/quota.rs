//! Quotas: how much roles are guaranteed, and how much they may have at most.
//!
//! What counts is what is reserved for a role or one below it, used or not, and what they have that is not reserved.
//!
//! # Invariants
//! * Only scalars that are neither reserved nor revocable are held back or cut down. All else goes to whom it would go
//!   without quotas.
//! * What is missing to the guarantees stays free, by amount: who has none gets what is left beyond it.
//! * A limit holds for its role, not for each of those below it, as in Mesos.

use crate::local::resources::Resources;
use crate::wire::resources::{Item, Quantity, role};
use std::collections::BTreeMap;

/// Thousandths, by the name of the resource.
pub(crate) type Amounts = BTreeMap<String, i64>;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Quota {
    pub(crate) guarantees: Amounts,
    /// what is not here has no limit
    pub(crate) limits: Amounts,
}

/// Agents are gone through twice if there are guarantees: first for those, then for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Guarantees,
    All,
}

/// What can be given out in one run.
pub(super) struct Budget {
    quotas: BTreeMap<String, Quota>,
    /// by role, of those with a quota
    consumed: BTreeMap<String, Amounts>,
    /// what has to stay free for guarantees
    required: Amounts,
    free: Amounts,
}

/// A role's part of an agent.
pub(super) struct Part {
    pub(super) resources: Resources,
    /// of these, towards the guarantee
    guaranteed: Amounts,
    /// of these, what counts
    counted: Amounts,
}

impl Quota {
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether quotas are about it.
pub(super) fn counts(item: &Item) -> bool {
    matches!(item.quantity, Quantity::Scalar(_)) && item.kind.role().is_none() && !item.kind.revocable
}

/// Whether it is reserved for a role or one below.
pub(super) fn is_reserved_within(item: &Item, role: &str) -> bool {
    item.kind.role().is_some_and(|own| own == role || role::is_below(own, role))
}

/// Whether some amounts are within limits.
pub(crate) fn within(limits: &Amounts, amounts: &Amounts) -> bool {
    limits.iter().all(|(name, limit)| of(amounts, name) <= *limit)
}

pub(crate) fn sum(into: &mut Amounts, resources: &Resources, sign: i64) {
    for (name, amount) in resources.scalars() {
        *into.entry(name.to_owned()).or_insert(0) += sign * amount;
    }
}

fn of(amounts: &Amounts, name: &str) -> i64 {
    amounts.get(name).copied().unwrap_or(0)
}

fn scalars(resources: &Resources) -> Amounts {
    let mut amounts = Amounts::new();
    sum(&mut amounts, resources, 1);
    amounts
}

impl Budget {
    /// `free` is what quotas are about and nobody has.
    pub(super) fn new(
        quotas: BTreeMap<String, Quota>,
        consumed: impl Fn(&str) -> Amounts,
        free: Amounts,
    ) -> Self {
        let consumed: BTreeMap<String, Amounts> =
            quotas.keys().map(|role| (role.clone(), consumed(role))).collect();
        let mut required = Amounts::new();
        for (role, quota) in &quotas {
            for (name, missing) in missing(quota, &consumed[role]) {
                *required.entry(name).or_insert(0) += missing;
            }
        }
        Self { quotas, consumed, required, free }
    }

    pub(super) fn stages(&self) -> &'static [Stage] {
        let guarantees = self.quotas.values().any(|quota| !quota.guarantees.is_empty());
        if guarantees { &[Stage::Guarantees, Stage::All] } else { &[Stage::All] }
    }

    /// What of these, which a role can have, it is to have now; nothing if this is not its turn.
    pub(super) fn part(&self, stage: Stage, role: &str, available: Resources) -> Option<Part> {
        let nothing = Amounts::new();
        if self.quotas.is_empty() {
            return Some(Part { resources: available, guaranteed: nothing.clone(), counted: nothing });
        }
        let (quota, default) = (self.quotas.get(role), Quota::default());
        let (quota, consumed) = (quota.unwrap_or(&default), self.consumed.get(role).unwrap_or(&nothing));
        let mut more = available.filter(counts);
        let mut guaranteed = Resources::default();
        if stage == Stage::Guarantees {
            let missing = missing(quota, consumed);
            guaranteed = cut(&more, |name| of(&missing, name));
            if guaranteed.is_empty() {
                return None;
            }
            more.subtract(&guaranteed);
        }
        let towards = scalars(&guaranteed);
        more = cut(&more, |name| match quota.limits.get(name) {
            Some(limit) => limit - of(consumed, name) - of(&towards, name),
            None => i64::MAX,
        });
        if self.required.values().any(|required| *required > 0) {
            more = cut(&more, |name| of(&self.free, name) - of(&self.required, name));
        }
        // What an ancestor's reservation offers is for the second turn.
        let now = |item: &Item| {
            !counts(item) && (stage == Stage::All || item.kind.role().is_none_or(|own| own == role))
        };
        let mut resources = available.filter(now);
        more.add(&guaranteed);
        resources.add(&more);
        Some(Part { resources, guaranteed: towards, counted: scalars(&more) })
    }

    /// A part was given.
    pub(super) fn spend(&mut self, role: &str, part: &Part) {
        for (name, amount) in &part.counted {
            *self.free.entry(name.clone()).or_insert(0) -= amount;
            if let Some(consumed) = self.consumed.get_mut(role) {
                *consumed.entry(name.clone()).or_insert(0) += amount;
            }
        }
        for (name, amount) in &part.guaranteed {
            *self.required.entry(name.clone()).or_insert(0) -= amount;
        }
    }
}

/// What a guarantee lacks.
fn missing(quota: &Quota, consumed: &Amounts) -> Amounts {
    let lack = |(name, guarantee): (&String, &i64)| (name.clone(), guarantee - of(consumed, name));
    quota.guarantees.iter().map(lack).filter(|(_, lack)| *lack > 0).collect()
}

/// These, up to so many thousandths of each scalar. What is only to be had whole is left out if it is more.
fn cut(resources: &Resources, most: impl Fn(&str) -> i64) -> Resources {
    let mut left = Amounts::new();
    let smaller = |item: &Item| {
        let (name, Quantity::Scalar(amount)) = (&item.kind.name, &item.quantity) else {
            return Some(item.clone());
        };
        let left = left.entry(name.clone()).or_insert_with(|| most(name).max(0));
        let given = (*amount).min(*left);
        if given == 0 || (given < *amount && item.kind.is_whole()) {
            return None;
        }
        *left -= given;
        Some(Item { quantity: Quantity::Scalar(given), ..item.clone() })
    };
    resources.items().iter().filter_map(smaller).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::resources::parse;

    fn amounts(text: &str) -> Amounts {
        if text.is_empty() { Amounts::new() } else { scalars(&parse(text).unwrap()) }
    }

    fn budget(quotas: &[(&str, &str, &str)], consumed: &str, free: &str) -> Budget {
        let quota = |(role, guarantees, limits): &(&str, &str, &str)| {
            let quota = Quota { guarantees: amounts(guarantees), limits: amounts(limits) };
            ((*role).to_owned(), quota)
        };
        let quotas = quotas.iter().map(quota).collect();
        Budget::new(quotas, |_| amounts(consumed), amounts(free))
    }

    fn part(budget: &Budget, stage: Stage, role: &str, available: &str) -> Option<Resources> {
        budget.part(stage, role, parse(available).unwrap()).map(|part| part.resources)
    }

    #[test]
    fn a_limit_cuts_scalars_only() {
        let budget = budget(&[("a", "", "cpus:3")], "cpus:1", "cpus:8;mem:100");
        let all = "cpus:8;mem:100;ports:[1-9];cpus(a):1";
        let cut = parse("cpus:2;mem:100;ports:[1-9];cpus(a):1").unwrap();
        assert_eq!(part(&budget, Stage::All, "a", all), Some(cut));
        assert_eq!(part(&budget, Stage::All, "b", all), Some(parse(all).unwrap()));
        assert_eq!(budget.stages(), [Stage::All]);
    }

    #[test]
    fn what_is_guaranteed_is_kept_for_its_role() {
        let mut budget = budget(&[("a", "cpus:3", "")], "cpus:1", "cpus:4;mem:100");
        assert_eq!(budget.stages(), [Stage::Guarantees, Stage::All]);
        let all = "cpus:4;mem:100";
        assert_eq!(part(&budget, Stage::Guarantees, "b", all), None);
        assert_eq!(part(&budget, Stage::All, "b", all), Some(parse("cpus:2;mem:100").unwrap()));
        let given = budget.part(Stage::Guarantees, "a", parse(all).unwrap()).unwrap();
        assert_eq!(given.resources, parse(all).unwrap(), "and beyond it, as nobody else needs that");
        budget.spend("a", &given);
        assert!(budget.required.values().all(|required| *required == 0));
        assert!(part(&budget, Stage::Guarantees, "a", all).is_none(), "satisfied");
    }

    #[test]
    fn a_guarantee_counts_towards_the_limit() {
        let budget = budget(&[("a", "cpus:2", "cpus:3")], "", "cpus:8");
        assert_eq!(part(&budget, Stage::Guarantees, "a", "cpus:8"), Some(parse("cpus:3").unwrap()));
    }

    #[test]
    fn two_guarantees_leave_each_other_their_part() {
        let budget = budget(&[("a", "cpus:2", ""), ("b", "cpus:1", "")], "", "cpus:4");
        assert_eq!(part(&budget, Stage::Guarantees, "a", "cpus:4"), Some(parse("cpus:3").unwrap()));
        assert_eq!(part(&budget, Stage::Guarantees, "b", "cpus:4"), Some(parse("cpus:2").unwrap()));
    }
}
