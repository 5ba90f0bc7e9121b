//! How much of each scalar a message lists, straight from its bytes: what schedulers ask of every offer.

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
    is_scalar.then(|| (name, thousandths(value)))
}
