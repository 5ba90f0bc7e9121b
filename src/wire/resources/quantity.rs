//! How much of a resource there is: Mesos' three types of values, and what adding and taking away does to them.
//!
//! # Invariants
//! * Scalars are fixed point with three decimals: nothing is lost or made by adding and subtracting, and nothing is
//!   negative.
//! * Ranges are sorted, disjoint and not adjacent. Both ends belong to a range.

use std::collections::BTreeSet;

/// What is larger is refused: a double holds every thousandth up to here.
pub(crate) const LARGEST: i64 = 1 << 53;

/// A quantity, by its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Quantity {
    /// thousandths
    Scalar(i64),
    Ranges(Vec<(u64, u64)>),
    Set(BTreeSet<String>),
}

impl Quantity {
    /// Of ranges in any order, overlapping or not.
    pub(crate) fn ranges(mut ranges: Vec<(u64, u64)>) -> Self {
        ranges.sort_unstable();
        let mut out: Vec<(u64, u64)> = Vec::with_capacity(ranges.len());
        for (begin, end) in ranges {
            match out.last_mut() {
                Some(last) if begin <= last.1.saturating_add(1) => last.1 = last.1.max(end),
                _ => out.push((begin, end)),
            }
        }
        Self::Ranges(out)
    }

    /// What Mesos does not keep.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Scalar(thousandths) => *thousandths == 0,
            Self::Ranges(ranges) => ranges.is_empty(),
            Self::Set(items) => items.is_empty(),
        }
    }

    pub(super) fn same_type(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// Adds a quantity of the same type. Scalars end at the largest there is.
    pub(super) fn add(&mut self, other: &Self) {
        match (self, other) {
            (Self::Scalar(mine), Self::Scalar(more)) => *mine = mine.saturating_add(*more).min(LARGEST),
            (Self::Ranges(mine), Self::Ranges(more)) => {
                let mut all = std::mem::take(mine);
                all.extend(more);
                if let Self::Ranges(all) = Self::ranges(all) {
                    *mine = all;
                }
            }
            (Self::Set(mine), Self::Set(more)) => mine.extend(more.iter().cloned()),
            _ => {}
        }
    }

    /// Takes away what both have.
    pub(super) fn subtract(&mut self, other: &Self) {
        match (self, other) {
            (Self::Scalar(mine), Self::Scalar(less)) => *mine = mine.saturating_sub(*less).max(0),
            (Self::Ranges(mine), Self::Ranges(less)) => *mine = without(mine, less),
            (Self::Set(mine), Self::Set(less)) => mine.retain(|item| !less.contains(item)),
            _ => {}
        }
    }

    /// What both have.
    pub(super) fn common(&self, other: &Self) -> Self {
        let (mut rest, mut common) = (self.clone(), self.clone());
        rest.subtract(other);
        common.subtract(&rest);
        common
    }

    /// Whether all of `other` is in here.
    pub(super) fn contains(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Scalar(mine), Self::Scalar(wanted)) => wanted <= mine,
            (Self::Ranges(mine), Self::Ranges(wanted)) => wanted.iter().all(|(begin, end)| {
                let candidate = mine.partition_point(|(_, last)| last < begin);
                mine.get(candidate).is_some_and(|(first, last)| first <= begin && end <= last)
            }),
            (Self::Set(mine), Self::Set(wanted)) => wanted.is_subset(mine),
            _ => false,
        }
    }
}

/// What is left of `ranges` without `less`, in one pass over both.
fn without(ranges: &[(u64, u64)], less: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut out = Vec::with_capacity(ranges.len());
    let mut less = less.iter().copied().peekable();
    'next: for &(mut begin, end) in ranges {
        while less.next_if(|(_, last)| *last < begin).is_some() {}
        while let Some((first, last)) = less.next_if(|(first, last)| *first <= end && *last < end) {
            if begin < first {
                out.push((begin, first - 1));
            }
            begin = last + 1;
        }
        // what reaches beyond this range may also cut the next one
        if let Some(&(first, _)) = less.peek().filter(|(first, _)| *first <= end) {
            if begin < first {
                out.push((begin, first - 1));
            }
            continue 'next;
        }
        out.push((begin, end));
    }
    out
}

/// Mesos rounds to thousandths. (What is too large ends at the ends of the type, NaN is 0.)
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "saturating is what is wanted, and what is not exact is rounded"
)]
#[inline]
pub(crate) fn thousandths(value: f64) -> i64 {
    let scaled = value * 1000.0;
    let whole = scaled as i64;
    // nearly always there is nothing to round, and rounding is a call of the C library
    if whole as f64 == scaled { whole } else { scaled.round() as i64 }
}

/// The number of so many thousandths.
#[expect(clippy::cast_precision_loss, reason = "there are no more than `LARGEST`")]
pub(crate) fn number(thousandths: i64) -> f64 {
    thousandths as f64 / 1000.0
}

/// A number as an amount, or why it is none.
pub(crate) fn amount(value: f64) -> Result<i64, &'static str> {
    match thousandths(value) {
        _ if !value.is_finite() || value < 0.0 => Err("it must be finite and not negative"),
        0 if value != 0.0 => Err("Mesos counts in thousandths"),
        amount if amount > LARGEST => Err("it is too large"),
        amount => Ok(amount),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_agree_with_sets_of_numbers() {
        let mut rng = fastrand::Rng::with_seed(11);
        let random = |rng: &mut fastrand::Rng| {
            let range = |rng: &mut fastrand::Rng| {
                let begin = rng.u64(0..60);
                (begin, begin + rng.u64(0..9))
            };
            Quantity::ranges((0..rng.usize(0..6)).map(|_| range(rng)).collect())
        };
        let numbers = |quantity: &Quantity| -> BTreeSet<u64> {
            let Quantity::Ranges(ranges) = quantity else { panic!("{quantity:?}") };
            let gaps = ranges.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0);
            assert!(gaps, "{ranges:?} are not sorted, disjoint and apart");
            ranges.iter().flat_map(|&(begin, end)| begin..=end).collect()
        };
        for _ in 0..3000 {
            let (one, other) = (random(&mut rng), random(&mut rng));
            let (mut sum, mut rest) = (one.clone(), one.clone());
            sum.add(&other);
            rest.subtract(&other);
            let (first, second) = (numbers(&one), numbers(&other));
            assert_eq!(numbers(&sum), &first | &second, "{one:?} + {other:?}");
            assert_eq!(numbers(&rest), &first - &second, "{one:?} - {other:?}");
            assert_eq!(one.contains(&other), second.is_subset(&first), "{other:?} in {one:?}");
        }
    }

    #[test]
    fn ranges_reach_the_ends_of_their_type() {
        let mut all = Quantity::ranges(vec![(0, u64::MAX)]);
        all.subtract(&Quantity::ranges(vec![(0, 0), (7, 7), (u64::MAX, u64::MAX)]));
        assert_eq!(all, Quantity::Ranges(vec![(1, 6), (8, u64::MAX - 1)]));
        all.add(&Quantity::ranges(vec![(0, u64::MAX)]));
        assert_eq!(all, Quantity::Ranges(vec![(0, u64::MAX)]));
    }

    #[test]
    fn numbers_become_thousandths() {
        for (value, amount) in [(0.1, 100), (0.0005, 1), (1.0005, 1001), (4096.5, 4_096_500), (0.0, 0)] {
            assert_eq!(super::amount(value), Ok(amount), "{value}");
        }
        for value in [-1.0, -0.0004, f64::NAN, f64::INFINITY, 0.0004, 1e13, f64::MAX] {
            assert!(super::amount(value).is_err(), "{value}");
        }
        let mut sum = Quantity::Scalar(0);
        (0..10).for_each(|_| sum.add(&Quantity::Scalar(thousandths(0.1))));
        assert_eq!(sum, Quantity::Scalar(1000));
    }
}
