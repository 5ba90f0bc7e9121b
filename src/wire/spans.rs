//! One level of a validated message, field by field, without decoding any: where each one's value lies.
//!
//! This is what lazy messages are made of: a level is walked on its first touch, a value read when it is asked for.
//!
//! # Invariants
//! * Spans are offsets into the level's own bytes, follow each other without a gap and cover all of it.
//! * On bytes that `validate` has not seen, the walk ends at the first fault; it never panics.

use super::input::{self, MAX_DEPTH};
use super::scan::is_packed;
use super::schema::ENUMS;
use super::table::{Act, Field, Kind, Message, Step};

/// Where one field lies in the bytes of its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// Index in `Message::fields`. None is an unknown field: an unknown number, a known field in another wire
    /// type, a number that is none of a closed enum's values, or an entry of a map that has more than key and value.
    /// Such a field is kept as it is: `start..end`.
    pub(crate) field: Option<u8>,
    /// Several values of a repeated number in one length-delimited field: read them with `packed`.
    pub(crate) is_packed: bool,
    /// the first byte of the tag
    pub(crate) start: u32,
    /// the first byte of the value, behind a length
    pub(crate) value: u32,
    /// behind the value and the field
    pub(crate) end: u32,
}

impl Span {
    /// The value in the bytes that were walked: one varint, eight bytes, or the contents of what had a length.
    pub(crate) fn value<'a>(&self, level: &'a [u8]) -> &'a [u8] {
        level.get(self.value as usize..self.end as usize).unwrap_or_default()
    }

    /// The whole field, tag included.
    pub(crate) fn whole<'a>(&self, level: &'a [u8]) -> &'a [u8] {
        level.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// Walks one level.
#[derive(Debug, Clone)]
pub(crate) struct Spans<'a> {
    message: &'static Message,
    level: &'a [u8],
    /// where the next field begins
    at: usize,
}

/// The fields of one level of a message, in the order of the bytes.
pub(crate) fn spans<'a>(message: &'static Message, level: &'a [u8]) -> Spans<'a> {
    Spans { message, level, at: 0 }
}

/// The varint that `bytes` begin with; 0 where there is none. int32, uint32 and enums are its low 32 bits, bool is
/// whether it is not 0.
#[inline]
pub(crate) fn varint(bytes: &[u8]) -> u64 {
    input::varint(bytes).map_or(0, |(value, _)| value)
}

/// The double that `bytes` are; 0 where they are not 8.
#[inline]
pub(crate) fn double(bytes: &[u8]) -> f64 {
    bytes.try_into().map_or(0.0, f64::from_le_bytes)
}

/// The single values in a packed field, as spans of its value: each as `Span::value` would be.
pub(crate) fn packed(kind: Kind, mut values: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        if values.is_empty() {
            return None;
        }
        let rest = match kind {
            Kind::Double => input::fixed(values, 8).ok()?.1,
            _ => input::varint(values).ok()?.1,
        };
        let value = &values[..values.len() - rest.len()];
        values = rest;
        Some(value)
    })
}

/// The known fields of one level, by number: what they hold is theirs. Of a oneof only the member that came last is
/// among them. The values of one field keep their order.
pub(crate) fn settled(message: &'static Message, level: &[u8]) -> Vec<Span> {
    let oneof = |span: &Span| span.field.and_then(|index| message.fields[usize::from(index)].oneof);
    let mut known: Vec<Span> = Vec::new();
    for span in spans(message, level).filter(|span| span.field.is_some()) {
        if !message.oneofs.is_empty() && oneof(&span).is_some() {
            known.retain(|other| other.field == span.field || oneof(other) != oneof(&span));
        }
        known.push(span);
    }
    if !known.is_sorted_by_key(|span| span.field) {
        known.sort_by_key(|span| span.field); // a stable sort
    }
    known
}

/// The parts of a message that was split, as one: bytes that follow each other merge.
pub(crate) fn merged(parts: &[Span], level: &[u8]) -> Vec<u8> {
    parts.iter().map(|part| part.value(level)).collect::<Vec<_>>().concat()
}

/// Whether `value` is an entry of a map, with nothing but key and value: more would be lost in the map, and makes
/// it an unknown field as a whole.
fn is_entry(map: &Field, value: &[u8]) -> bool {
    map.message().is_some_and(|entry| spans(entry, value).all(|span| span.field.is_some()))
}

impl Iterator for Spans<'_> {
    type Item = Span;

    #[inline(always)]
    fn next(&mut self) -> Option<Span> {
        let start = self.at;
        let byte = *self.level.get(start)?;
        let step = self.message.steps.get(usize::from(byte)).copied().unwrap_or(Step::SLOW);
        let next = *self.level.get(start + 1)?; // a field has two bytes at least
        let (value, end, known) = if step.act >= Act::Bytes && next < 0x80 {
            (start + 2, start + 2 + usize::from(next), true)
        } else if step.act == Act::Fixed64 {
            (start + 1, start + 9, true)
        } else if step.act == Act::Varint || step.act == Act::Enum {
            let (value, rest) = input::varint(&self.level[start + 1..]).ok()?;
            let known = step.act == Act::Varint || ENUMS[usize::from(step.child)].contains(value as i32);
            (start + 1, self.level.len() - rest.len(), known)
        } else {
            let (found, end) = any(self.message, self.level, start)?;
            self.at = end;
            return Some(found);
        };
        self.at = end;
        // validated bytes are less than 2 GiB: the casts lose nothing
        let field = known.then_some(step.field);
        let span =
            Span { field, is_packed: false, start: start as u32, value: value as u32, end: end as u32 };
        (end <= self.level.len()).then_some(span)
    }
}

/// A field of any kind, and where it ends. Not a method: a walk whose address nobody has stays in registers.
#[inline(never)]
fn any(message: &'static Message, level: &[u8], start: usize) -> Option<(Span, usize)> {
    let (tag, after) = input::tag(&level[start..]).ok()?;
    let index = message.index_of(tag >> 3);
    let field = index.map(|index| &message.fields[index]);
    let is_packed = field.is_some_and(|field| is_packed(field, tag));
    let mut known = is_packed || field.is_some_and(|field| field.tag() == tag);
    if let (Some(item), true, false) = (field.and_then(|field| field.enumeration()), known, is_packed) {
        known = item.contains(varint(after) as i32);
    }
    let (length, rest) = if tag & 7 == input::DELIMITED {
        let (value, rest) = input::delimited(after).ok()?;
        known = known && field.is_none_or(|field| !field.is_map || is_entry(field, value));
        (value.len(), rest)
    } else {
        input::skip(tag, after, MAX_DEPTH).map(|rest| (after.len() - rest.len(), rest)).ok()?
    };
    let end = level.len() - rest.len();
    let field = index.filter(|_| known).map(|index| index as u8);
    Some((Span { field, is_packed, start: start as u32, value: (end - length) as u32, end: end as u32 }, end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{MESSAGES, Writer, field, fields, msg, samples, validate};
    use prost::Message as _;

    fn walk(message: &'static Message, bytes: &[u8]) -> Vec<(Option<&'static str>, Vec<u8>)> {
        let name = |span: &Span| span.field.map(|index| message.fields[usize::from(index)].name);
        spans(message, bytes).map(|span| (name(&span), span.value(bytes).to_vec())).collect()
    }

    #[test]
    fn values_lie_where_they_are_said_to() {
        let offer = samples::offer();
        let bytes = offer.encode_to_vec();
        let walked = walk(msg::OFFER, &bytes);
        let values =
            |name| walked.iter().filter(move |(found, _)| *found == Some(name)).map(|(_, value)| &value[..]);
        assert_eq!(values("hostname").collect::<Vec<_>>(), [offer.hostname.as_bytes()]);
        assert_eq!(values("id").collect::<Vec<_>>(), [offer.id.encode_to_vec()]);
        assert_eq!(values("resources").count(), offer.resources.len());
        for (value, resource) in values("resources").zip(&offer.resources) {
            let scalar = walk(msg::RESOURCE, value).into_iter().find(|(name, _)| *name == Some("scalar"));
            let read = scalar
                .map(|(_, value)| double(spans(msg::VALUE_SCALAR, &value).next().unwrap().value(&value)));
            assert_eq!(read, resource.scalar.as_ref().map(|scalar| scalar.value));
        }
    }

    #[test]
    fn unknown_fields_are_spans_too() {
        let cases: [(&str, &[u8]); 5] = [
            ("an unknown number", b"\xfa\x3f\x03xyz"),
            ("another wire type", b"\x08\x05"),
            ("a number that is no value of the enum", b"\x10\x63"),
            ("a group", b"\x0b\x08\x01\x0c"),
            ("eight bytes for text", b"\x09\x01\x02\x03\x04\x05\x06\x07\x08"),
        ];
        for (what, bytes) in cases {
            assert_eq!(validate(msg::TASK_STATUS, bytes), Ok(()), "{what}");
            let walked: Vec<_> = spans(msg::TASK_STATUS, bytes).collect();
            assert_eq!(walked.len(), 1, "{what}");
            assert_eq!(walked[0].field, None, "{what}");
            assert_eq!(walked[0].whole(bytes), bytes, "{what}");
        }
        assert_eq!(walk(msg::TASK_STATUS, b"\x10\x01"), [(Some("state"), vec![1])]);
    }

    #[test]
    fn an_entry_of_a_map_with_more_than_key_and_value_is_unknown() {
        let known = |entry: &[u8]| {
            let mut writer = Writer::new();
            writer.bytes(field::task_info::LIMITS, entry);
            let bytes = writer.finish();
            assert_eq!(validate(msg::TASK_INFO, &bytes), Ok(()));
            let walked: Vec<_> = spans(msg::TASK_INFO, &bytes).collect();
            assert_eq!(walked.len(), 1);
            assert_eq!(walked[0].whole(&bytes), bytes);
            walked[0].field.is_some()
        };
        assert!(known(b""));
        assert!(known(b"\x12\x00\x0a\x01a"));
        assert!(!known(b"\x0a\x01a\x12\x00\x18\x01"), "another number");
        assert!(!known(b"\x08\x01\x12\x00"), "a key that is no text");
        assert!(known(b"\x0a\x01a\x12\x02\x10\x01"), "inside the value it stays there");
    }

    #[test]
    fn fields_with_long_tags_are_known() {
        let mut writer = Writer::new();
        writer.bytes(field::task_status::LIMITATION, b"\x0a\x00").varint(field::task_status::STATE, 1);
        let bytes = writer.finish();
        const { assert!(field::task_status::LIMITATION > 15) };
        assert_eq!(
            walk(msg::TASK_STATUS, &bytes),
            [(Some("limitation"), b"\x0a\x00".to_vec()), (Some("state"), vec![1])]
        );
    }

    #[test]
    fn packed_values_come_one_by_one() {
        let values = |kind, bytes| packed(kind, bytes).map(<[u8]>::to_vec).collect::<Vec<_>>();
        assert_eq!(
            values(Kind::Uint32, b"\x01\x96\x01\x02"),
            [b"\x01".to_vec(), b"\x96\x01".into(), b"\x02".into()]
        );
        assert_eq!(values(Kind::Double, &[0; 16]), [[0; 8], [0; 8]]);
        assert_eq!(values(Kind::Bool, b""), [[0; 0]; 0]);
        let (message, field) = MESSAGES
            .iter()
            .find_map(|message| {
                message.fields.iter().find(|field| is_packed(field, 2)).map(|field| (message, field))
            })
            .unwrap();
        let mut writer = Writer::new();
        writer.bytes(field.number, &[1, 2, 3]).varint(field.number, 4);
        let bytes = writer.finish();
        let walked: Vec<_> =
            spans(message, &bytes).map(|span| (span.is_packed, span.value(&bytes).to_vec())).collect();
        assert_eq!(walked, [(true, vec![1, 2, 3]), (false, vec![4])]);
    }

    #[test]
    fn the_last_member_of_a_oneof_counts() {
        let message = msg::SCHEDULER_ATTRIBUTE_CONSTRAINT_SELECTOR;
        let members: Vec<_> = message.fields.iter().filter(|field| field.oneof.is_some()).collect();
        let [one, other, ..] = members[..] else { panic!("a oneof has members") };
        let count = |order: &[&super::super::Field]| {
            let mut writer = Writer::new();
            for field in order {
                match field.kind {
                    Kind::String => writer.string(field.number, "a"),
                    _ => writer.varint(field.number, 1),
                };
            }
            settled(message, &writer.finish()).iter().map(|span| span.field).collect::<Vec<_>>()
        };
        let index = |field: &super::super::Field| message.index_of(field.number).map(|index| index as u8);
        assert_eq!(count(&[one, other]), [index(other)]);
        assert_eq!(count(&[other, one]), [index(one)]);
        assert_eq!(count(&[one, other, one]), [index(one)], "what it held before is gone");
        assert_eq!(count(&[one, one]), [index(one); 2]);
    }

    #[test]
    fn spans_cover_the_level_and_agree_with_fields() {
        let mut rng = fastrand::Rng::with_seed(7);
        for _ in 0..300 {
            let message = &MESSAGES[rng.usize(0..MESSAGES.len())];
            let bytes = samples::random(message, &mut rng, 2);
            let mut at = 0;
            for (span, field) in spans(message, &bytes).zip(fields(&bytes)) {
                assert_eq!(span.start, at);
                let (number, value) = field.unwrap();
                assert_eq!(message.fields[usize::from(span.field.unwrap())].number, number);
                match value {
                    super::super::Value::Bytes(value) => assert_eq!(span.value(&bytes), value),
                    super::super::Value::Varint(value) => assert_eq!(varint(span.value(&bytes)), value),
                    super::super::Value::Fixed64(bits) => {
                        assert_eq!(double(span.value(&bytes)).to_bits(), bits);
                    }
                    other => panic!("{other:?} is not in the schema"),
                }
                at = span.end;
            }
            assert_eq!(at as usize, bytes.len());
        }
    }
}
