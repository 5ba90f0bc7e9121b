//! Resource arithmetic as Mesos does it, on the wire form of `Resource`: for schedulers, for `mesos.Resources` and
//! for the embedded cluster.
//!
//! `Resources` is a bag: what can be one is one, and nothing in it is empty. Two resources of the same name and type
//! * **add up** if they also have the same reservations (all of them, in order: type, role, principal, labels),
//!   provider, kind of disk (source, and id of a persistent volume), allocation, and are both revocable or not. What
//!   is only to be had whole stays apart: MOUNT and BLOCK disks, RAW disks with an id, persistent volumes.
//! * **can be taken away** from each other under the same conditions; of what is only to be had whole, the whole.
//! * that are shared are counted: adding an equal one counts up, taking it away counts down.
//!
//! Where a task sees a volume (`disk.volume`) makes no difference. One rule is the master's: a task's resources that
//! do not say whom they are allocated to take over what the offer says. So what is looked for or taken away, and has
//! no `allocation_info`, is found under any. Adding and `==` tell allocations apart.
//!
//! Scalars are thousandths, rounded where they are read: see `quantity`. Taking away more than there is leaves
//! nothing; it is no error here, as it is none in Mesos.
//!
//! # Invariants
//! * Items are valid as Mesos validates them, have a quantity, and no two of them could be one.

mod check;
mod item;
mod parse;
mod print;
mod quantity;
mod read;
pub(crate) mod role;
#[cfg(test)]
mod tests;
mod totals;

pub(crate) use check::check;
pub(crate) use item::Item;
pub(crate) use parse::{item, named, parse, quantity as parse_quantity};
pub(crate) use print::{describe, text};
pub(crate) use quantity::{Quantity, amount, number, thousandths};
pub(crate) use read::Reading;
use std::collections::BTreeMap;
use std::sync::Arc;
pub(crate) use totals::totals;

/// A bag of resources. Copying one is cheap.
#[derive(Debug, Clone, Default)]
pub(crate) struct Resources {
    items: Vec<Item>,
}

impl Resources {
    /// In the order in which they were added.
    pub(crate) fn items(&self) -> &[Item] {
        &self.items
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(crate) fn put(&mut self, item: Item) {
        if item.is_empty() {
            return;
        }
        match self.items.iter_mut().find(|mine| mine.is_addable(&item)) {
            Some(mine) => mine.add(&item),
            None => self.items.push(item),
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        other.items.iter().for_each(|item| self.put(item.clone()));
    }

    /// Takes away what both have.
    pub(crate) fn subtract(&mut self, other: &Self) {
        for item in &other.items {
            self.take(item);
        }
    }

    /// Whether all of `other` is in here.
    pub(crate) fn contains(&self, other: &Self) -> bool {
        let mut left = self.clone();
        other.items.iter().all(|item| left.take(item))
    }

    /// Takes away one item, preferably where all of it is, and where it is allocated alike. Whether all of it was.
    fn take(&mut self, item: &Item) -> bool {
        let candidates = self.items.iter().enumerate().filter(|(_, mine)| mine.is_subtractable(item));
        let best =
            candidates.min_by_key(|(_, mine)| (!mine.contains(item), mine.allocation != item.allocation));
        let Some((at, mine)) = best else { return false };
        let whole = mine.contains(item);
        self.items[at].subtract(item);
        if self.items[at].is_empty() {
            self.items.remove(at);
        }
        whole
    }

    /// Of these, what makes up for `other` whatever it is reserved for: reserved for the role that `other` names, then
    /// unreserved, then any. None if there is not enough.
    pub(crate) fn find(&self, other: &Self) -> Option<Self> {
        let (mut left, mut found) = (self.clone(), Self::default());
        for item in &other.items {
            let mut missing = item.unreserved();
            let mut candidates = left.items.clone();
            candidates.sort_by_key(|mine| match mine.kind.role() {
                Some(role) if item.kind.role() == Some(role) => 0,
                None => 1,
                Some(_) => 2,
            });
            for mine in candidates {
                let Some(part) = mine.part(&missing) else { continue };
                missing.subtract(&part);
                left.take(&part);
                found.put(part);
            }
            if !missing.is_empty() {
                return None;
            }
        }
        Some(found)
    }

    /// Thousandths of each scalar. A shared volume counts once, however often it is there.
    pub(crate) fn scalars(&self) -> BTreeMap<&str, i64> {
        let mut totals = BTreeMap::new();
        for item in &self.items {
            if let Quantity::Scalar(thousandths) = item.quantity {
                *totals.entry(item.kind.name.as_str()).or_insert(0) += thousandths;
            }
        }
        totals
    }

    /// Those that are `meant`.
    pub(crate) fn filter(&self, meant: impl Fn(&Item) -> bool) -> Self {
        Self { items: self.items.iter().filter(|item| meant(item)).cloned().collect() }
    }

    /// The persistent volumes.
    pub(crate) fn volumes(&self) -> Self {
        self.filter(|item| item.kind.is_volume())
    }

    /// All of them, allocated to a role, or to nobody.
    pub(crate) fn allocated(&self, role: Option<&str>) -> Self {
        let role: Option<Arc<str>> = role.map(Arc::from);
        self.items.iter().map(|item| Item { allocation: role.clone(), ..item.clone() }).collect()
    }

    /// The wire form of each: of a shared one, as often as it is there.
    pub(crate) fn encode(&self) -> Vec<Vec<u8>> {
        let each = self.items.iter().flat_map(|item| std::iter::repeat_n(item, item.uses.into()));
        each.map(Item::encode).collect()
    }
}

impl FromIterator<Item> for Resources {
    fn from_iter<T: IntoIterator<Item = Item>>(items: T) -> Self {
        let mut all = Self::default();
        items.into_iter().for_each(|item| all.put(item));
        all
    }
}

/// Whether the same is there, whatever the order.
impl PartialEq for Resources {
    fn eq(&self, other: &Self) -> bool {
        let mut left: Vec<&Item> = other.items.iter().collect();
        let found = |item: &Item| {
            left.iter().position(|other| *other == item).is_some_and(|at| {
                left.swap_remove(at);
                true
            })
        };
        self.items.len() == other.items.len() && self.items.iter().all(found)
    }
}
