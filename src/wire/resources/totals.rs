//! How much of each scalar a message lists, straight from its bytes: what schedulers ask of every offer.
//!
//! # Invariants
//! * The short way is taken only where it finds what the long one would.

use super::quantity::thousandths;
use crate::wire::{Message, double, field, msg, spans, varint};

/// Thousandths by name of all scalars in a repeated field of resources, in the order of their first appearance.
/// `index` is the field's position in `message`. Nothing is checked, and each entry counts.
pub(crate) fn totals<'a>(message: &'static Message, level: &'a [u8], index: u8) -> Vec<(&'a [u8], i64)> {
    let mut totals: Vec<(&[u8], i64)> = Vec::new();
    for span in spans(message, level).filter(|span| span.field == Some(index)) {
        let Some((name, amount)) = scalar(span.value(level)) else { continue };
        match totals.iter_mut().find(|(known, _)| *known == name) {
            Some((_, total)) => *total = total.saturating_add(amount),
            None => totals.push((name, amount)),
        }
    }
    totals
}

/// Name and amount of one resource; None if it is no scalar.
#[inline]
fn scalar(resource: &[u8]) -> Option<(&[u8], i64)> {
    plain(resource).unwrap_or_else(|| any(resource)).map(|(name, value)| (name, thousandths(value)))
}

type Scalar<'a> = Option<(&'a [u8], f64)>;

/// The way that everybody writes a resource: name, type, value, and then whatever else. None if it is not so.
#[inline]
fn plain(resource: &[u8]) -> Option<Scalar<'_>> {
    let (&[NAME, length], rest) = resource.split_first_chunk()? else { return None };
    let (name, rest) = rest.split_at_checked(usize::from(length)).filter(|_| length < LONG)?;
    let (&[TYPE, kind], rest) = rest.split_first_chunk()? else { return None };
    let (&[value, length, double], rest) = rest.split_first_chunk()?;
    if kind != 0 || [value, length, double] != SCALAR {
        return None; // another type, or an odd scalar
    }
    let (bits, mut rest) = rest.split_first_chunk()?;
    // nothing behind it may say otherwise
    while let Some((&[tag, length], after)) = rest.split_first_chunk() {
        if !(FIRST_OTHER..LONG).contains(&tag) || tag & 7 != 2 || length >= LONG {
            return None;
        }
        rest = after.get(usize::from(length)..)?;
    }
    rest.is_empty().then_some(Some((name, f64::from_le_bytes(*bits))))
}

/// Lengths and tags from here on take more than one byte.
const LONG: u8 = 0x80;
/// The tag of `name`.
const NAME: u8 = (field::resource::NAME << 3 | 2) as u8;
/// The tag of `type`.
const TYPE: u8 = (field::resource::TYPE << 3) as u8;
/// The tag of `scalar`, its length, and the tag of its `value`.
const SCALAR: [u8; 3] =
    [(field::resource::SCALAR << 3 | 2) as u8, 9, (field::value_scalar::VALUE << 3 | 1) as u8];
/// The first tag that is none of a number up to that of `scalar`.
const FIRST_OTHER: u8 = ((field::resource::SCALAR + 1) << 3) as u8;

/// Any other way.
fn any(resource: &[u8]) -> Scalar<'_> {
    let (mut name, mut is_scalar, mut value) = (&[][..], true, 0.0);
    for span in spans(msg::RESOURCE, resource) {
        let Some(index) = span.field else { continue };
        let bytes = span.value(resource);
        match msg::RESOURCE.fields[usize::from(index)].number {
            field::resource::NAME => name = bytes,
            field::resource::TYPE => is_scalar = varint(bytes) == 0,
            field::resource::SCALAR => {
                let values = spans(msg::VALUE_SCALAR, bytes).filter(|span| span.field.is_some());
                value = values.last().map_or(value, |span| double(span.value(bytes)));
            }
            _ => {}
        }
    }
    is_scalar.then_some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::samples;

    #[test]
    fn the_short_way_and_the_long_way_agree() {
        let mut rng = fastrand::Rng::with_seed(19);
        let whole = b"\x0a\x04cpus\x10\x00\x1a\x09\x09\0\0\0\0\0\0\xf0\x3f\x5a\x05\x0a\x03web";
        assert_eq!(plain(whole), Some(Some((&b"cpus"[..], 1.0))));
        let mut short = 0;
        for round in 0..6000 {
            let mut bytes =
                if round % 2 == 0 { whole.to_vec() } else { samples::random(msg::RESOURCE, &mut rng, 3) };
            let at = rng.usize(0..=bytes.len());
            match rng.u8(0..3) {
                0 => bytes.extend(samples::random(msg::RESOURCE, &mut rng, 2)),
                1 => bytes.truncate(at),
                _ => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = rng.u8(..)),
            }
            if crate::wire::validate(msg::RESOURCE, &bytes).is_ok()
                && let Some(found) = plain(&bytes)
            {
                assert_eq!(
                    found.map(|(name, value)| (name, value.to_bits())),
                    any(&bytes).map(|(name, value)| (name, value.to_bits())),
                    "{bytes:02x?}"
                );
                short += 1;
            }
        }
        assert!(short > 500, "{short}");
    }
}
