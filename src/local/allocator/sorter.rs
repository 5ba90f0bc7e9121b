//! The order in which roles are served, and in each role its frameworks: who has the smallest share comes first.
//!
//! A share is the largest part of any resource of the cluster that somebody has, divided by the weight. Roles are a
//! tree: all that is in `a` and below competes as `a` with the other roles at the top, then inside of `a`. There, a role's
//! own frameworks stand for one more child, which weighs 1.
//!
//! # Invariants
//! * Of equal shares the one that was served less often comes first, then the one with the first name.
//! * What is tracked for a role is also tracked for every role above it.

use crate::local::resources::Resources;
use crate::wire::resources::role::is_below;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// What one client has: a role, a role with all below it, or a framework in a role.
#[derive(Debug, Default, Clone)]
struct Share {
    scalars: BTreeMap<String, i64>,
    /// how often it was given something
    count: u64,
}

#[derive(Debug, Default)]
pub(super) struct Sorter {
    /// thousandths of each scalar that all agents have
    totals: BTreeMap<String, i64>,
    /// of roles; one that is not here weighs 1
    weights: BTreeMap<String, f64>,
    /// of each role without those below it
    roles: BTreeMap<String, Share>,
    /// of each role with all below it
    trees: BTreeMap<String, Share>,
    /// by role and framework
    clients: BTreeMap<(String, String), Share>,
}

impl Share {
    fn track(&mut self, resources: &Resources, sign: i64) {
        self.count += u64::from(sign > 0);
        for (name, amount) in resources.scalars() {
            *self.scalars.entry(name.to_owned()).or_insert(0) += sign * amount;
        }
    }
}

impl Sorter {
    /// Agents come (1) or go (-1) with these resources.
    pub(super) fn count(&mut self, total: &Resources, sign: i64) {
        for (name, amount) in total.scalars() {
            *self.totals.entry(name.to_owned()).or_insert(0) += sign * amount;
        }
    }

    /// Something is given (1) or taken back (-1).
    pub(super) fn track(&mut self, framework: &str, role: &str, resources: &Resources, sign: i64) {
        let client = self.clients.entry((role.to_owned(), framework.to_owned())).or_default();
        client.track(resources, sign);
        self.roles.entry(role.to_owned()).or_default().track(resources, sign);
        let ancestors = role.match_indices('/').map(|(at, _)| &role[..at]);
        for tree in ancestors.chain([role]) {
            self.trees.entry(tree.to_owned()).or_default().track(resources, sign);
        }
    }

    /// Forgets a framework that has nothing, and the roles that are in use no more.
    pub(super) fn forget(&mut self, framework: &str, in_use: &BTreeSet<&str>) {
        self.clients.retain(|(_, client), _| client != framework);
        self.roles.retain(|role, _| in_use.contains(role.as_str()));
        self.trees.retain(|role, _| in_use.contains(role.as_str()) || has_below(in_use, role));
    }

    pub(super) fn set_weight(&mut self, role: &str, weight: f64) {
        self.weights.insert(role.into(), weight);
    }

    /// Those that were set.
    pub(super) fn weights(&self) -> &BTreeMap<String, f64> {
        &self.weights
    }

    /// These roles in order.
    pub(super) fn roles(&self, roles: &BTreeSet<&str>) -> Vec<String> {
        let leaf = |role: &&str| {
            let path = if has_below(roles, role) { format!("{role}/.") } else { (*role).to_owned() };
            Leaf { path, role: (*role).to_owned() }
        };
        let mut order = Vec::with_capacity(roles.len());
        self.descend(0, roles.iter().map(leaf).collect(), &mut order);
        order
    }

    /// These frameworks of a role in order.
    pub(super) fn frameworks<'a>(&self, role: &str, frameworks: &[&'a str]) -> Vec<&'a str> {
        let rank = |framework: &&'a str| {
            let share = self.clients.get(&(role.to_owned(), (*framework).to_owned()));
            (self.dominant(share), share.map_or(0, |share| share.count), *framework)
        };
        let mut ranked: Vec<_> = frameworks.iter().map(rank).collect();
        ranked.sort_by(|a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal));
        ranked.into_iter().map(|(_, _, framework)| framework).collect()
    }

    /// Puts leaves in order whose paths agree in the first `depth` bytes.
    fn descend(&self, depth: usize, leaves: Vec<Leaf>, order: &mut Vec<String>) {
        let mut children: BTreeMap<String, Vec<Leaf>> = BTreeMap::new();
        for leaf in leaves {
            let end = leaf.path[depth..].find('/').map_or(leaf.path.len(), |slash| depth + slash);
            children.entry(leaf.path[..end].to_owned()).or_default().push(leaf);
        }
        let rank = |(path, leaves): (String, Vec<Leaf>)| {
            let share = match path.strip_suffix("/.") {
                Some(role) => self.roles.get(role),
                None => self.trees.get(&path),
            };
            let weight = self.weights.get(&path).copied().unwrap_or(1.0);
            (self.dominant(share) / weight, share.map_or(0, |share| share.count), path, leaves)
        };
        let mut ranked: Vec<_> = children.into_iter().map(rank).collect();
        ranked.sort_by(|a, b| (a.0, a.1, &a.2).partial_cmp(&(b.0, b.1, &b.2)).unwrap_or(Ordering::Equal));
        for (_, _, path, leaves) in ranked {
            match <[Leaf; 1]>::try_from(leaves) {
                Ok([leaf]) => order.push(leaf.role),
                Err(leaves) => self.descend(path.len() + 1, leaves, order),
            }
        }
    }

    /// What it has counted: the totals, what each role has with all below it, and each framework in a role.
    #[cfg(test)]
    pub(super) fn counted(&self) -> Counted {
        let of = |share: &Share| share.scalars.clone();
        let trees = self.trees.iter().map(|(role, share)| (role.clone(), of(share)));
        let clients = self.clients.iter().map(|(client, share)| (client.clone(), of(share)));
        (self.totals.clone(), trees.collect(), clients.collect())
    }

    #[expect(clippy::cast_precision_loss, reason = "a share is a ratio")]
    fn dominant(&self, share: Option<&Share>) -> f64 {
        let part = |(name, held): (&String, &i64)| match self.totals.get(name) {
            None | Some(0) => 0.0,
            Some(total) => *held as f64 / *total as f64,
        };
        share.map_or(0.0, |share| share.scalars.iter().map(part).fold(0.0, f64::max))
    }
}

#[cfg(test)]
pub(super) type Counted = (
    BTreeMap<String, i64>,
    BTreeMap<String, BTreeMap<String, i64>>,
    BTreeMap<(String, String), BTreeMap<String, i64>>,
);

/// A role where it competes: `a/.` for the frameworks of `a`, if there are roles below.
struct Leaf {
    path: String,
    role: String,
}

/// Whether one of these is below a role.
fn has_below(roles: &BTreeSet<&str>, role: &str) -> bool {
    let first = format!("{role}/");
    let mut after = roles.range::<str, _>((Bound::Included(first.as_str()), Bound::Unbounded));
    after.next().is_some_and(|next| is_below(next, role))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::resources::parse;

    fn sorter(total: &str, given: &[(&str, &str, &str)]) -> Sorter {
        let mut sorter = Sorter::default();
        sorter.count(&parse(total).unwrap(), 1);
        for (framework, role, resources) in given {
            sorter.track(framework, role, &parse(resources).unwrap(), 1);
        }
        sorter
    }

    #[test]
    fn the_dominant_resource_counts() {
        let sorter =
            sorter("cpus:10;mem:1000", &[("f", "a", "cpus:3;mem:250"), ("g", "b", "cpus:1;mem:400")]);
        assert_eq!(sorter.roles(&BTreeSet::from(["a", "b", "c"])), ["c", "a", "b"]);
    }

    #[test]
    fn a_weight_divides_the_share() {
        let mut sorter = sorter("cpus:10", &[("f", "a", "cpus:3"), ("g", "b", "cpus:2")]);
        assert_eq!(sorter.roles(&BTreeSet::from(["a", "b"])), ["b", "a"]);
        sorter.set_weight("a", 2.0);
        assert_eq!(sorter.roles(&BTreeSet::from(["a", "b"])), ["a", "b"]);
    }

    #[test]
    fn equal_shares_go_by_count_and_name() {
        let mut sorter = sorter("cpus:10", &[("f", "a", "cpus:1"), ("g", "b", "cpus:1")]);
        assert_eq!(sorter.roles(&BTreeSet::from(["b", "a"])), ["a", "b"]);
        sorter.track("f", "a", &parse("cpus:1").unwrap(), 1);
        sorter.track("f", "a", &parse("cpus:1").unwrap(), -1);
        assert_eq!(sorter.roles(&BTreeSet::from(["b", "a"])), ["b", "a"], "a was served twice");
        assert_eq!(sorter.frameworks("a", &["h", "f", "g"]), ["g", "h", "f"]);
    }

    #[test]
    fn what_is_taken_back_is_not_served() {
        let half = ("g", "a", "cpus:0.5");
        let mut sorter = sorter("cpus:10", &[half, half, ("f", "b", "cpus:2")]);
        sorter.track("f", "b", &parse("cpus:1").unwrap(), -1);
        assert_eq!(sorter.roles(&BTreeSet::from(["a", "b"])), ["b", "a"], "b was served once");
    }

    #[test]
    fn the_frameworks_of_a_role_compete_with_the_roles_below_it() {
        let given = [("f", "a", "cpus:2"), ("g", "a/b", "cpus:1"), ("h", "c", "cpus:4")];
        let mut sorter = sorter("cpus:10", &given);
        let roles = BTreeSet::from(["a", "a/b", "c"]);
        assert_eq!(sorter.roles(&roles), ["a/b", "a", "c"]);
        sorter.set_weight("a", 0.5);
        assert_eq!(sorter.roles(&roles), ["c", "a/b", "a"], "the weight is that of all in a");
        sorter.set_weight("a/b", 0.1);
        assert_eq!(sorter.roles(&roles), ["c", "a", "a/b"], "and here a weighs 1");
    }

    #[test]
    fn what_is_forgotten_has_no_share_and_no_count() {
        let mut sorter = sorter("cpus:10", &[("f", "a/b", "cpus:1"), ("g", "c", "cpus:1")]);
        sorter.track("f", "a/b", &parse("cpus:1").unwrap(), -1);
        sorter.forget("f", &BTreeSet::from(["c"]));
        assert_eq!(sorter.roles(&BTreeSet::from(["a/b", "c"])), ["a/b", "c"]);
        assert!(!sorter.trees.contains_key("a") && sorter.trees.contains_key("c"));
    }
}
