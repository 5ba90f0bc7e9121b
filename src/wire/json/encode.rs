//! Wire to JSON: a message as something that serde can serialise, to text or to another form of the same tree.
//!
//! # Invariants
//! * Fields come in the order of their numbers, whatever the order of the bytes; repeated ones may be scattered, a
//!   singular message may be split, the last of several scalars counts.
//! * Takes validated bytes: their nesting is bounded, so the recursion is. Text in them need not be UTF-8; JSON is,
//!   with U+FFFD in place of what was not.
//! * What JSON has no values for is text in every form: bytes as base64, doubles that are not finite by name.

use crate::wire::spans::{Span, double, merged, packed, settled, spans, varint};
use crate::wire::table::{Field, Kind, Label, Message};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{Serialize, Serializer};
use std::collections::BTreeMap;

/// Appends the message in `bytes`, which `validate` has accepted, to `out`.
pub(crate) fn encode(message: &'static Message, bytes: &[u8], out: &mut Vec<u8>) {
    let written = serde_json::to_writer(out, &Encoded { message, bytes });
    debug_assert!(written.is_ok(), "neither the values nor a Vec can fail");
}

/// A message, in bytes that `validate` has accepted.
pub(crate) struct Encoded<'a> {
    pub(crate) message: &'static Message,
    pub(crate) bytes: &'a [u8],
}

impl Serialize for Encoded<'_> {
    fn serialize<S: Serializer>(&self, sink: S) -> Result<S::Ok, S::Error> {
        let settled = settled(self.message, self.bytes);
        sink.collect_map(settled.chunk_by(|one, next| one.field == next.field).filter_map(|spans| {
            let first = spans.first()?;
            let field = &self.message.fields[usize::from(first.field?)];
            let values = Values { field, spans, level: self.bytes };
            (!first.is_packed || values.each().next().is_some()).then_some((field.name, values))
        }))
    }
}

/// What the wire has of one field.
struct Values<'a> {
    field: &'static Field,
    spans: &'a [Span],
    /// what the spans lie in
    level: &'a [u8],
}

impl<'a> Values<'a> {
    /// The values one by one. A packed field may be empty; whether an enum has its values nobody has asked yet.
    fn each(&self) -> impl Iterator<Item = One<'a>> + use<'a> {
        let (field, level) = (self.field, self.level);
        let is_known =
            move |value: &&[u8]| field.enumeration().is_none_or(|item| item.contains(varint(value) as i32));
        let values = self.spans.iter().flat_map(move |span| {
            let value = span.value(level);
            let (one, several) = if span.is_packed { (&[][..], value) } else { (value, &[][..]) };
            let one = (!span.is_packed).then_some(one);
            one.into_iter().chain(packed(field.kind, several).filter(is_known))
        });
        values.map(move |value| One { field, value })
    }
}

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, sink: S) -> Result<S::Ok, S::Error> {
        match self.field.message() {
            Some(entry) if entry.is_map_entry => self.map(entry, sink),
            _ if self.field.label == Label::Repeated => sink.collect_seq(self.each()),
            Some(_) if self.spans.len() > 1 => {
                let value = &merged(self.spans, self.level);
                One { field: self.field, value }.serialize(sink)
            }
            // of several scalars the last; of a map's value that is not there, what is empty or 0
            _ => {
                let value = self.spans.last().map_or(&[][..], |last| last.value(self.level));
                One { field: self.field, value }.serialize(sink)
            }
        }
    }
}

impl Values<'_> {
    /// Keys are text, build.rs sees to that. Of entries with the same key the last one counts.
    fn map<S: Serializer>(&self, entry: &'static Message, sink: S) -> Result<S::Ok, S::Error> {
        let mut entries = BTreeMap::new();
        for One { value: level, .. } in self.each() {
            let (mut key, mut parts) = (&[][..], Vec::new());
            for part in spans(entry, level) {
                match part.field {
                    Some(0) => key = part.value(level),
                    Some(_) => parts.push(part),
                    None => {}
                }
            }
            entries.insert(String::from_utf8_lossy(key), (parts, level));
        }
        let field = entry.fields.last().unwrap_or(self.field);
        sink.collect_map(entries.iter().map(|(key, (spans, level))| (key, Values { field, spans, level })))
    }
}

/// One value, as `Span::value` has it; nothing at all is 0 or empty.
struct One<'a> {
    field: &'static Field,
    value: &'a [u8],
}

impl Serialize for One<'_> {
    fn serialize<S: Serializer>(&self, sink: S) -> Result<S::Ok, S::Error> {
        let One { field, value } = *self;
        match field.kind {
            Kind::Double => match double(value) {
                number if number.is_finite() => sink.serialize_f64(number),
                number if number.is_nan() => sink.serialize_str("NaN"),
                number => sink.serialize_str(if number > 0.0 { "Infinity" } else { "-Infinity" }),
            },
            Kind::Int32 => sink.serialize_i32(varint(value) as i32),
            Kind::Int64 => sink.serialize_i64(varint(value) as i64),
            Kind::Uint32 => sink.serialize_u32(varint(value) as u32),
            Kind::Uint64 => sink.serialize_u64(varint(value)),
            Kind::Bool => sink.serialize_bool(varint(value) != 0),
            Kind::String => sink.serialize_str(&String::from_utf8_lossy(value)),
            Kind::Bytes => sink.serialize_str(&STANDARD.encode(value)),
            Kind::Enum => {
                let number = varint(value) as i32;
                match field.enumeration().and_then(|item| item.by_number(number)) {
                    Some(value) => sink.serialize_str(value.name),
                    None => sink.serialize_i32(number),
                }
            }
            Kind::Message => match field.message() {
                Some(message) => Encoded { message, bytes: value }.serialize(sink),
                None => sink.serialize_unit(), // never: a field of this kind has one
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Writer, field, msg};

    fn json(message: &'static Message, fill: impl FnOnce(&mut Writer)) -> String {
        let mut writer = Writer::new();
        fill(&mut writer);
        let mut out = Vec::new();
        encode(message, &writer.finish(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_look_as_in_mesos() {
        use field::task_status as f;
        let text = json(msg::TASK_STATUS, |w| {
            w.message(f::TASK_ID, |w| {
                w.string(field::task_id::VALUE, "a\"b\n\u{e9}");
            });
            w.varint(f::STATE, 1).bytes(f::DATA, &[0, 0xff]).double(f::TIMESTAMP, 4.0).varint(f::HEALTHY, 1);
        });
        assert_eq!(
            text,
            r#"{"task_id":{"value":"a\"b\né"},"state":"TASK_RUNNING","data":"AP8=","timestamp":4.0,"healthy":true}"#
        );
        let range = json(msg::VALUE_RANGE, |w| {
            w.varint(1, 0).varint(2, u64::MAX);
        });
        assert_eq!(range, r#"{"begin":0,"end":18446744073709551615}"#);
        let grace = json(msg::DURATION_INFO, |w| {
            w.varint(1, -5i64 as u64);
        });
        assert_eq!(grace, r#"{"nanoseconds":-5}"#);
        let scalar = |value| {
            json(msg::VALUE_SCALAR, |w| {
                w.double(1, value);
            })
        };
        assert_eq!(scalar(0.1), r#"{"value":0.1}"#);
        assert_eq!(scalar(f64::INFINITY), r#"{"value":"Infinity"}"#);
        assert_eq!(scalar(f64::NEG_INFINITY), r#"{"value":"-Infinity"}"#);
        assert_eq!(scalar(f64::NAN), r#"{"value":"NaN"}"#);
        assert_eq!(json(msg::OFFER, |_| ()), "{}");
    }

    #[test]
    fn the_order_of_the_bytes_does_not_matter() {
        use field::offer as f;
        let text = json(msg::OFFER, |w| {
            w.bytes(f::EXECUTOR_IDS, b"\x0a\x01a").string(f::HOSTNAME, "old");
            w.bytes(f::EXECUTOR_IDS, b"\x0a\x01b").string(f::HOSTNAME, "new");
            w.bytes(f::ID, b"\x0a\x01o");
        });
        assert_eq!(
            text,
            r#"{"id":{"value":"o"},"hostname":"new","executor_ids":[{"value":"a"},{"value":"b"}]}"#
        );
    }

    #[test]
    fn split_messages_are_merged_and_unknown_fields_left_out() {
        let text = json(msg::TASK_STATUS, |w| {
            w.bytes(1, b"\x0a\x01a").bytes(1, b"\x0a\x01b").varint(2, 99).varint(60, 1);
        });
        assert_eq!(text, r#"{"task_id":{"value":"b"}}"#);
    }

    #[test]
    fn packed_values_are_elements() {
        let services = |values: &[u8]| {
            json(msg::CSI_PLUGIN_CONTAINER_INFO, |w| {
                w.bytes(1, values);
            })
        };
        assert_eq!(services(&[1, 99, 2]), r#"{"services":["CONTROLLER_SERVICE","NODE_SERVICE"]}"#);
        assert_eq!(services(&[99]), "{}");
        assert_eq!(services(&[]), "{}");
    }

    #[test]
    fn maps_are_objects_with_each_key_once() {
        use field::task_info as f;
        let text = json(msg::TASK_INFO, |w| {
            for (key, value) in [("mem", 1.0), ("cpus", 2.5), ("mem", 3.0)] {
                w.message(f::LIMITS, |w| {
                    w.string(1, key).message(2, |w| {
                        w.double(1, value);
                    });
                });
            }
            w.bytes(f::LIMITS, b"");
        });
        assert_eq!(text, r#"{"limits":{"":{},"cpus":{"value":2.5},"mem":{"value":3.0}}}"#);
    }

    #[test]
    fn text_that_is_not_utf8_is_replaced() {
        let text = json(msg::TASK_ID, |w| {
            w.bytes(1, b"a\xff");
        });
        assert_eq!(text, "{\"value\":\"a\u{fffd}\"}");
    }
}
