//! Which required fields a message lacks. The scan accepts a message without them, as protobuf's parsers do when
//! asked to; Mesos refuses it, and so does whoever speaks for Mesos or sends to it.

use super::input::MAX_DEPTH;
use super::reader::last_bytes;
use super::scan::check;
use super::schema::Bits;
use super::spans::{Span, merged, settled, spans};
use super::table::{Label, Message};

/// The path of the first required field that the message in `bytes` lacks: `offers[3].agent_id.value`. None if it
/// has them all. `bytes` are validated.
pub(crate) fn missing(message: &'static Message, bytes: &[u8]) -> Option<String> {
    level(message, bytes, MAX_DEPTH)
}

/// Whether the message in `bytes`, which are validated, has all its required fields: `missing` without the path, and
/// as fast as `validate` nearly always.
pub(crate) fn is_complete(message: &'static Message, bytes: &[u8]) -> bool {
    check(message, bytes).is_ok_and(|complete| complete || missing(message, bytes).is_none())
}

fn level(message: &'static Message, bytes: &[u8], depth: u32) -> Option<String> {
    let found = settled(message, bytes);
    let present = found.iter().filter_map(|span| span.field).fold(0, |bits: Bits, index| bits | 1 << index);
    if let Some(field) = message.fields.get((message.required & !present).trailing_zeros() as usize) {
        return Some(field.name.to_owned());
    }
    found.chunk_by(|one, next| one.field == next.field).find_map(|values| {
        let field = &message.fields[usize::from(values[0].field?)];
        let child = field.message()?;
        let depth = depth.checked_sub(1)?;
        if field.label == Label::Repeated {
            let mut elements = values.iter().map(|span| span.value(bytes)).enumerate();
            return elements.find_map(|(index, element)| {
                let inner = match child.is_map_entry {
                    true => entry(child, element, &values[index + 1..], bytes, depth)?,
                    false => format!("[{index}].{}", level(child, element, depth)?),
                };
                Some(format!("{}{inner}", field.name))
            });
        }
        let inner = match values {
            [whole] => level(child, whole.value(bytes), depth),
            parts => level(child, &merged(parts, bytes), depth),
        };
        inner.map(|inner| format!("{}.{inner}", field.name))
    })
}

/// One entry of a map: without a value it has an empty one, and it counts only if none of the `later` has its key.
fn entry(message: &'static Message, bytes: &[u8], later: &[Span], map: &[u8], depth: u32) -> Option<String> {
    let child = message.fields.get(1)?.message()?;
    let values: Vec<_> = spans(message, bytes).filter(|span| span.field == Some(1)).collect();
    let inner = level(child, &merged(&values, bytes), depth.checked_sub(1)?)?;
    let key = key(bytes);
    if later.iter().any(|span| self::key(span.value(map)) == key) {
        return None;
    }
    Some(format!("[{:?}].{inner}", String::from_utf8_lossy(key)))
}

fn key(entry: &[u8]) -> &[u8] {
    last_bytes(entry, 1).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{MESSAGES, Writer, field, msg, samples};
    use prost::Message as _;

    fn of(message: &'static Message, fill: impl FnOnce(&mut Writer)) -> Option<String> {
        let mut writer = Writer::new();
        fill(&mut writer);
        let bytes = writer.finish();
        let missing = missing(message, &bytes);
        assert_eq!(is_complete(message, &bytes), missing.is_none(), "both say the same");
        missing
    }

    #[test]
    fn complete_messages_lack_nothing() {
        let event = samples::event(2).encode_to_vec();
        assert_eq!(missing(msg::SCHEDULER_EVENT, &event), None);
        assert_eq!(check(msg::SCHEDULER_EVENT, &event), Ok(true), "the scan alone can tell");
        let mut rng = fastrand::Rng::with_seed(11);
        for message in &MESSAGES {
            let bytes = samples::random(message, &mut rng, 3);
            assert_eq!(missing(message, &bytes), None, "{}", message.name);
            assert!(is_complete(message, &bytes), "{}", message.name);
        }
    }

    #[test]
    fn the_path_leads_to_what_is_missing() {
        assert_eq!(missing(msg::OFFER, b"").as_deref(), Some("id"));
        let mut event = samples::event(3);
        event.offers.iter_mut().for_each(|offers| offers.offers[1].hostname.clear());
        let bytes = event.encode_to_vec();
        assert_eq!(missing(msg::SCHEDULER_EVENT, &bytes), None, "empty is not missing");
        let path = of(msg::SCHEDULER_EVENT, |w| {
            w.message(field::scheduler_event::OFFERS, |w| {
                w.bytes(1, &samples::offer().encode_to_vec()).bytes(1, b"\x0a\x00");
            });
        });
        assert_eq!(path.as_deref(), Some("offers.offers[1].framework_id"));
        let path = of(msg::TASK_INFO, |w| {
            w.string(1, "t").bytes(2, b"\x0a\x01t").bytes(3, b"");
        });
        assert_eq!(path.as_deref(), Some("agent_id.value"));
    }

    #[test]
    fn entries_of_maps_are_named_by_key() {
        let path = of(msg::TASK_INFO, |w| {
            w.string(1, "t").bytes(2, b"\x0a\x01t").bytes(3, b"\x0a\x01a");
            w.bytes(field::task_info::LIMITS, b"\x0a\x04cpus\x12\x09\x09\0\0\0\0\0\0\0\0");
            w.bytes(field::task_info::LIMITS, b"\x0a\x03mem");
        });
        assert_eq!(path.as_deref(), Some("limits[\"mem\"].value"));
        let path = of(msg::OFFER_FILTERS_RESOURCE_QUANTITIES, |w| {
            w.bytes(1, b"").bytes(1, b"\x12\x09\x09\0\0\0\0\0\0\0\0");
        });
        assert_eq!(path, None, "the later entry of the same key counts");
    }

    #[test]
    fn split_messages_count_as_one() {
        let split = of(msg::TASK_STATUS, |w| {
            w.bytes(1, b"").varint(2, 1).bytes(1, b"\x0a\x01a");
        });
        assert_eq!(split, None);
    }

    #[test]
    fn an_unknown_value_of_an_enum_is_none() {
        let path = of(msg::TASK_STATUS, |w| {
            w.bytes(1, b"\x0a\x01a").varint(2, 99);
        });
        assert_eq!(path.as_deref(), Some("state"));
    }
}
