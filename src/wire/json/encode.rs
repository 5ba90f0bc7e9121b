//! Wire to JSON.
//!
//! # Invariants
//! * Fields come in the order of their numbers, whatever the order of the bytes; repeated ones may be scattered, a
//!   singular message may be split, the last of several scalars counts.
//! * Takes validated bytes: their nesting is bounded, so the recursion is. Text in them need not be UTF-8; JSON is,
//!   with U+FFFD in place of what was not.

use crate::wire::spans::{Span, double, merged, packed, settled, spans, varint};
use crate::wire::table::{Field, Kind, Label, Message};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;

/// Appends the message in `bytes`, which `validate` has accepted, to `out`.
pub(crate) fn encode(message: &'static Message, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'{');
    let mut first = true;
    for values in settled(message, bytes).chunk_by(|one, next| one.field == next.field) {
        let Some(field) = values[0].field.map(|index| &message.fields[usize::from(index)]) else { continue };
        if !values.iter().any(|span| has_value(field, span, bytes)) {
            continue;
        }
        comma(&mut first, out);
        put(field.name, out);
        out.push(b':');
        match field.message() {
            Some(entry) if entry.is_map_entry => map(entry, values, bytes, out),
            _ if field.label == Label::Repeated => array(field, values, bytes, out),
            _ => single(field, values, bytes, out),
        }
    }
    out.push(b'}');
}

fn array(field: &Field, values: &[Span], level: &[u8], out: &mut Vec<u8>) {
    let mut first = true;
    out.push(b'[');
    for span in values {
        let value = span.value(level);
        if span.is_packed {
            for value in packed(field.kind, value).filter(|value| is_known(field, value)) {
                comma(&mut first, out);
                scalar(field, value, out);
            }
        } else {
            comma(&mut first, out);
            single(field, std::slice::from_ref(span), level, out);
        }
    }
    out.push(b']');
}

/// A packed field may be empty, or hold only what its enum does not know.
fn has_value(field: &Field, span: &Span, level: &[u8]) -> bool {
    !span.is_packed || packed(field.kind, span.value(level)).any(|value| is_known(field, value))
}

/// Whether an enum has this value; in a packed field nobody has asked yet.
fn is_known(field: &Field, value: &[u8]) -> bool {
    field.enumeration().is_none_or(|item| item.contains(varint(value) as i32))
}

/// Keys are text, build.rs sees to that. Of entries with the same key the last one counts.
fn map(entry: &'static Message, values: &[Span], level: &[u8], out: &mut Vec<u8>) {
    let [_, value_field] = entry.fields else { return };
    let mut entries = BTreeMap::new();
    for span in values {
        let bytes = span.value(level);
        let (mut key, mut values) = (&[][..], Vec::new());
        for part in spans(entry, bytes) {
            match part.field {
                Some(0) => key = part.value(bytes),
                Some(1) => values.push(part),
                _ => {}
            }
        }
        entries.insert(String::from_utf8_lossy(key), (values, bytes));
    }
    let mut first = true;
    out.push(b'{');
    for (key, (values, bytes)) in entries {
        comma(&mut first, out);
        put(&key, out);
        out.push(b':');
        single(value_field, &values, bytes, out);
    }
    out.push(b'}');
}

/// One value, made of what the wire has of it: several parts of a message, or scalars of which the last counts.
fn single(field: &Field, values: &[Span], level: &[u8], out: &mut Vec<u8>) {
    match (field.message(), values) {
        (Some(child), [whole]) => encode(child, whole.value(level), out),
        (Some(child), parts) => encode(child, &merged(parts, level), out),
        (None, values) => scalar(field, values.last().map_or(&[], |last| last.value(level)), out),
    }
}

/// `value` as `Span::value` has it; nothing at all is 0 or empty.
fn scalar(field: &Field, value: &[u8], out: &mut Vec<u8>) {
    match field.kind {
        Kind::Double => match double(value) {
            number if number.is_finite() => put(&number, out),
            number if number.is_nan() => put("NaN", out),
            number => put(if number > 0.0 { "Infinity" } else { "-Infinity" }, out),
        },
        Kind::Int32 => put(&(varint(value) as i32), out),
        Kind::Int64 => put(&(varint(value) as i64), out),
        Kind::Uint32 => put(&(varint(value) as u32), out),
        Kind::Uint64 => put(&varint(value), out),
        Kind::Bool => put(&(varint(value) != 0), out),
        Kind::String => put(&String::from_utf8_lossy(value), out),
        Kind::Bytes => put(&STANDARD.encode(value), out),
        Kind::Enum => {
            let number = varint(value) as i32;
            match field.enumeration().and_then(|item| item.by_number(number)) {
                Some(value) => put(value.name, out),
                None => put(&number, out),
            }
        }
        Kind::Message => {} // never a scalar: `single` has encoded it
    }
}

fn comma(first: &mut bool, out: &mut Vec<u8>) {
    if !std::mem::replace(first, false) {
        out.push(b',');
    }
}

/// Text or a number. Neither they nor a Vec can fail.
fn put<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok());
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
