//! Amounts of resources: what an agent has, what an offer holds, what a task asks for.
//!
//! # Invariants
//! * Scalars are fixed point with three decimals, as in Mesos: nothing is lost or made by adding and subtracting.
//! * Amounts are never negative and never zero: an empty scalar, range list or set is not kept.
//! * Ranges are sorted, disjoint and not adjacent.
//! * Two amounts combine only if they are the same kind: name, type and everything else that Mesos tells apart
//!   (reservation, disk, revocable, shared). The allocation role is not part of an amount: who holds it knows it.

mod text;

use crate::proto::mesos::v1::resource::AllocationInfo;
use crate::proto::mesos::v1::{Resource, value};
use std::collections::{BTreeMap, BTreeSet};

use text::text;
pub(crate) use text::{describe, parse};

/// What a quantity is a quantity of.
#[derive(Debug, Clone, PartialEq)]
struct Kind {
    name: String,
    /// the message without name, type, role and value, if anything is left: reservations, disk, …
    extra: Option<Box<Resource>>,
}

/// A quantity, by Mesos' value types.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Quantity {
    /// thousandths
    Scalar(i64),
    /// inclusive
    Ranges(Vec<(u64, u64)>),
    Set(BTreeSet<String>),
}

/// A bag of resources.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Resources {
    items: Vec<(Kind, Quantity)>,
}

impl Resources {
    /// Of messages that `check` accepted; what it would refuse counts as nothing.
    pub(crate) fn of(resources: &[Resource]) -> Self {
        let mut all = Self::default();
        for resource in resources {
            if let Some(quantity) = quantity(resource) {
                all.put(kind(resource), quantity);
            }
        }
        all
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (kind, quantity) in &other.items {
            self.put(kind.clone(), quantity.clone());
        }
    }

    /// Takes away what both have.
    pub(crate) fn subtract(&mut self, other: &Self) {
        for (kind, quantity) in &other.items {
            let same = |(mine, held): &&mut (Kind, Quantity)| mine == kind && held.comparable(quantity);
            if let Some((_, held)) = self.items.iter_mut().find(same) {
                held.subtract(quantity);
            }
        }
        self.items.retain(|(_, quantity)| !quantity.is_empty());
    }

    /// Whether all of `other` is in here.
    pub(crate) fn contains(&self, other: &Self) -> bool {
        other.items.iter().all(|(kind, quantity)| {
            self.items.iter().any(|(mine, held)| mine == kind && held.contains(quantity))
        })
    }

    /// Thousandths of each scalar, for shares and minimal amounts.
    pub(crate) fn scalars(&self) -> BTreeMap<&str, i64> {
        let mut totals = BTreeMap::new();
        for (kind, quantity) in &self.items {
            if let Quantity::Scalar(thousandths) = quantity {
                *totals.entry(kind.name.as_str()).or_insert(0) += thousandths;
            }
        }
        totals
    }

    /// As messages allocated to `role`, in the order in which Mesos offers them: scalars last.
    pub(crate) fn to_proto(&self, role: &str) -> Vec<Resource> {
        let message = |(kind, quantity): &(Kind, Quantity)| {
            let mut resource = kind.extra.as_deref().cloned().unwrap_or_default();
            resource.name.clone_from(&kind.name);
            resource.allocation_info = Some(AllocationInfo { role: Some(role.into()) });
            quantity.fill(&mut resource);
            resource
        };
        let (scalars, others): (Vec<_>, Vec<_>) =
            self.items.iter().partition(|(_, quantity)| matches!(quantity, Quantity::Scalar(_)));
        others.into_iter().chain(scalars).map(message).collect()
    }

    fn put(&mut self, kind: Kind, quantity: Quantity) {
        let same = |(mine, held): &&mut (Kind, Quantity)| *mine == kind && held.comparable(&quantity);
        match self.items.iter_mut().find(same) {
            Some((_, held)) => held.add(quantity),
            None if quantity.is_empty() => {}
            None => self.items.push((kind, quantity)),
        }
    }
}

impl Quantity {
    fn is_empty(&self) -> bool {
        match self {
            Self::Scalar(thousandths) => *thousandths <= 0,
            Self::Ranges(ranges) => ranges.is_empty(),
            Self::Set(items) => items.is_empty(),
        }
    }

    fn comparable(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    fn add(&mut self, other: Self) {
        match (self, other) {
            (Self::Scalar(mine), Self::Scalar(more)) => *mine = mine.saturating_add(more),
            (Self::Ranges(mine), Self::Ranges(more)) => {
                mine.extend(more);
                *mine = coalesced(std::mem::take(mine));
            }
            (Self::Set(mine), Self::Set(more)) => mine.extend(more),
            _ => {}
        }
    }

    fn subtract(&mut self, other: &Self) {
        match (self, other) {
            (Self::Scalar(mine), Self::Scalar(less)) => *mine = mine.saturating_sub(*less).max(0),
            (Self::Ranges(mine), Self::Ranges(less)) => {
                for &(begin, end) in less {
                    *mine = mine.iter().flat_map(|&range| without(range, begin, end)).collect();
                }
            }
            (Self::Set(mine), Self::Set(less)) => mine.retain(|item| !less.contains(item)),
            _ => {}
        }
    }

    fn contains(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Scalar(mine), Self::Scalar(wanted)) => wanted <= mine,
            (Self::Ranges(mine), Self::Ranges(wanted)) => {
                let inside = |&(begin, end): &(u64, u64)| mine.iter().any(|&(b, e)| b <= begin && end <= e);
                wanted.iter().all(inside)
            }
            (Self::Set(mine), Self::Set(wanted)) => wanted.is_subset(mine),
            _ => false,
        }
    }

    fn fill(&self, resource: &mut Resource) {
        match self {
            Self::Scalar(thousandths) => {
                resource.set_type(value::Type::Scalar);
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "amounts beyond 2^53 thousandths do not occur"
                )]
                let value = *thousandths as f64 / 1000.0;
                resource.scalar = Some(value::Scalar { value });
            }
            Self::Ranges(ranges) => {
                resource.set_type(value::Type::Ranges);
                let range = ranges.iter().map(|&(begin, end)| value::Range { begin, end }).collect();
                resource.ranges = Some(value::Ranges { range });
            }
            Self::Set(items) => {
                resource.set_type(value::Type::Set);
                resource.set = Some(value::Set { item: items.iter().cloned().collect() });
            }
        }
    }
}

/// Why Mesos would refuse a resource, in its words.
pub(crate) fn check(resource: &Resource) -> Option<String> {
    fault(resource).map(|why| format!("Resource '{}' is invalid: {why}", text(resource)))
}

fn fault(resource: &Resource) -> Option<&'static str> {
    let (scalar, ranges, set) = (&resource.scalar, &resource.ranges, &resource.set);
    if resource.name.is_empty() {
        return Some("Empty resource name");
    }
    match value::Type::try_from(resource.r#type) {
        Ok(value::Type::Scalar) => match scalar {
            Some(scalar) if ranges.is_none() && set.is_none() => (scalar.value != 0.0
                && thousandths(scalar.value) <= 0)
                .then_some("Invalid scalar resource: value <= 0"),
            _ => Some("Invalid scalar resource"),
        },
        Ok(value::Type::Ranges) => match ranges {
            Some(ranges) if scalar.is_none() && set.is_none() => {
                let mut sorted: Vec<_> = ranges.range.iter().map(|range| (range.begin, range.end)).collect();
                sorted.sort_unstable();
                if sorted.iter().any(|&(begin, end)| begin > end) {
                    return Some("Invalid ranges resource: begin > end");
                }
                let overlap = sorted.windows(2).any(|pair| pair[1].0 <= pair[0].1);
                overlap.then_some("Invalid ranges resource: overlapping ranges")
            }
            _ => Some("Invalid ranges resource"),
        },
        Ok(value::Type::Set) => match set {
            Some(set) if scalar.is_none() && ranges.is_none() => {
                let distinct: BTreeSet<_> = set.item.iter().collect();
                (distinct.len() < set.item.len()).then_some("Invalid set resource: duplicated elements")
            }
            _ => Some("Invalid set resource"),
        },
        _ => Some("Unsupported resource type"),
    }
}

fn kind(resource: &Resource) -> Kind {
    let mut rest = resource.clone();
    rest.name = String::new();
    rest.r#type = 0;
    (rest.scalar, rest.ranges, rest.set, rest.allocation_info) = (None, None, None, None);
    #[expect(deprecated, reason = "the format before reservation refinement, which Mesos accepts")]
    if rest.role.as_deref() == Some("*") {
        rest.role = None;
    }
    let plain = rest == Resource::default();
    Kind { name: resource.name.clone(), extra: (!plain).then(|| Box::new(rest)) }
}

fn quantity(resource: &Resource) -> Option<Quantity> {
    if fault(resource).is_some() {
        return None;
    }
    Some(match (&resource.scalar, &resource.ranges, &resource.set) {
        (Some(scalar), ..) => Quantity::Scalar(thousandths(scalar.value)),
        (_, Some(ranges), _) => {
            Quantity::Ranges(coalesced(ranges.range.iter().map(|range| (range.begin, range.end)).collect()))
        }
        (.., Some(set)) => Quantity::Set(set.item.iter().cloned().collect()),
        _ => return None,
    })
}

/// Mesos rounds to thousandths. (Infinities saturate, NaN is 0.)
#[expect(clippy::cast_possible_truncation, reason = "saturating is what is wanted")]
pub(crate) fn thousandths(value: f64) -> i64 {
    (value * 1000.0).round() as i64
}

fn coalesced(mut ranges: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    ranges.sort_unstable();
    let mut out: Vec<(u64, u64)> = Vec::with_capacity(ranges.len());
    for (begin, end) in ranges {
        match out.last_mut() {
            Some(last) if begin <= last.1.saturating_add(1) => last.1 = last.1.max(end),
            _ => out.push((begin, end)),
        }
    }
    out
}

/// What is left of a range without `begin..=end`.
fn without(range: (u64, u64), begin: u64, end: u64) -> impl Iterator<Item = (u64, u64)> {
    let below = (range.0 < begin).then(|| (range.0, range.1.min(begin.saturating_sub(1))));
    let above = (range.1 > end).then(|| (range.0.max(end.saturating_add(1)), range.1));
    // a range that misses begin..=end altogether is all below or all above it
    below.into_iter().chain(above)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(resources: &Resources) -> String {
        let mut messages = resources.to_proto("r");
        messages.iter_mut().for_each(|resource| resource.allocation_info = None);
        describe(&messages)
    }

    #[test]
    fn text_form_and_arithmetic() {
        let mut all = parse("cpus:4;mem:4096.5; ports:[31000-32000, 5-6];devices:{a,b}").unwrap();
        assert_eq!(shown(&all), "ports:[5-6, 31000-32000]; devices:{a, b}; cpus:4; mem:4096.5");
        let part = parse("cpus:0.1;ports:[31000-31000,31005-31006];devices:{a}").unwrap();
        assert!(all.contains(&part));
        for _ in 0..3 {
            all.subtract(&part);
        }
        assert_eq!(shown(&all), "ports:[5-6, 31001-31004, 31007-32000]; devices:{b}; cpus:3.7; mem:4096.5");
        assert!(!all.contains(&part));
        all.add(&part);
        assert_eq!(shown(&all), "ports:[5-6, 31000-32000]; devices:{a, b}; cpus:3.8; mem:4096.5");
        let whole = all.clone();
        all.subtract(&whole);
        assert!(all.is_empty() && whole.contains(&all));
    }

    #[test]
    fn tenths_never_drift() {
        let mut all = parse("cpus:1").unwrap();
        let tenth = parse("cpus:0.1").unwrap();
        for _ in 0..10 {
            assert!(all.contains(&tenth));
            all.subtract(&tenth);
        }
        assert!(all.is_empty());
    }

    #[test]
    fn bad_text_is_named() {
        for (text, word) in [
            ("cpus", "NAME:AMOUNT"),
            ("cpus:x", "not a number"),
            ("cpus:-1", "not a number"),
            ("cpus:nan", "not a number"),
            ("ports:[2-1]", "BEGIN-END"),
            ("ports:[a]", "BEGIN-END"),
            ("cpus(web):1", "reserved"),
            ("cpus:1;cpus:2", "twice"),
            (":1", "no name"),
            ("", "none"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn refusals_in_mesos_words() {
        let scalar = |value| Resource {
            name: "cpus".into(),
            scalar: Some(value::Scalar { value }),
            ..Resource::default()
        };
        assert_eq!(check(&scalar(1.0)), None);
        assert_eq!(check(&scalar(0.0)), None);
        let why = "Resource 'cpus:-1' is invalid: Invalid scalar resource: value <= 0";
        assert_eq!(check(&scalar(-1.0)).as_deref(), Some(why));
        assert!(check(&scalar(0.0001)).is_some());
        let nothing = Resource { name: "x".into(), ..Resource::default() };
        assert_eq!(check(&nothing).as_deref(), Some("Resource 'x:0' is invalid: Invalid scalar resource"));
    }

    #[test]
    fn another_kind_is_not_contained() {
        let all = parse("cpus:4").unwrap();
        let mut reserved = parse("cpus:1").unwrap().to_proto("*");
        assert!(all.contains(&Resources::of(&reserved)));
        #[expect(deprecated, reason = "what old frameworks send")]
        {
            reserved[0].role = Some("*".into());
            assert!(all.contains(&Resources::of(&reserved)));
            reserved[0].role = Some("web".into());
        }
        assert!(!all.contains(&Resources::of(&reserved)));
    }
}
