//! The one scan that every message passes when it comes in: whether bytes are a message of a type.
//!
//! Nothing is decoded. What later reads the bytes (`spans`, `reader`, `json`) can rely on their structure.
//!
//! # Invariants
//! * Accepts and refuses exactly what google.protobuf's parser (upb) does: a known field in another wire type
//!   is an unknown field, repeated numbers may come packed, text need not be UTF-8, required fields may be
//!   missing (`required` asks for them).
//! * Nesting is bounded, so the recursion is.

use super::input::{self, DecodeError, Fault, FaultAt, MAX_DEPTH, MAX_SIZE};
use super::schema::{Bits, ENUMS, MESSAGES};
use super::table::{Act, Enum, Field, Kind, Label, Message, Step};

/// Whether `bytes` are a message of this type.
pub(crate) fn validate(message: &'static Message, bytes: &[u8]) -> Result<(), DecodeError> {
    scan::<false>(message, bytes).map(drop)
}

/// As `validate`, and says besides whether no required field is missing, at any level: true is sure, false says that
/// some may be, and `missing` knows. (The scan does not see that parts of a message complete each other.)
pub(super) fn check(message: &'static Message, bytes: &[u8]) -> Result<bool, DecodeError> {
    scan::<true>(message, bytes)
}

fn scan<const REQUIRED: bool>(message: &'static Message, bytes: &[u8]) -> Result<bool, DecodeError> {
    if bytes.len() > MAX_SIZE {
        return Err(FaultAt::new(Fault::TooLarge, bytes).within(message, bytes));
    }
    let mut scan = Scan::<REQUIRED> { complete: REQUIRED };
    match scan.level(message, bytes, MAX_DEPTH) {
        Ok(()) => Ok(scan.complete),
        Err(fault) => Err(fault.within(message, bytes)),
    }
}

/// What holds for all levels. Required fields are looked for only if `REQUIRED`: few messages that come in are sent on,
/// and a scan without is a quarter faster.
struct Scan<const REQUIRED: bool> {
    /// whether no required field was missed so far
    complete: bool,
}

impl<const REQUIRED: bool> Scan<REQUIRED> {
    /// One message. `depth` is how many more levels may begin.
    fn level(
        &mut self,
        mut message: &'static Message,
        mut rest: &[u8],
        mut depth: u32,
    ) -> Result<(), FaultAt> {
        let mut present = 0;
        while let [byte, after @ ..] = rest {
            // Nearly every tag is one byte, and it alone says what to do. Asked one by one, since branches are
            // foretold better than a jump by table.
            let step = message.steps.get(usize::from(*byte)).copied().unwrap_or(Step::SLOW);
            if step.act >= Act::Bytes {
                let (inner, behind) = input::delimited(after)?;
                if step.act == Act::Message {
                    let child = &MESSAGES[usize::from(step.child)];
                    if behind.is_empty() {
                        // a third of all messages are the last field of another: no call, no way back
                        if REQUIRED {
                            self.complete &= message.expected & !(present | bit(step)) == 0;
                        }
                        depth = below(depth, inner)?;
                        (message, rest, present) = (child, inner, 0);
                        continue;
                    }
                    self.level(child, inner, below(depth, inner)?)?;
                }
                rest = behind;
            } else if step.act == Act::Fixed64 {
                rest = input::fixed(after, 8)?.1;
            } else if step.act >= Act::Varint {
                let (value, behind) = input::varint(after)?;
                if REQUIRED && step.act == Act::Enum {
                    self.value(&ENUMS[usize::from(step.child)], value);
                }
                rest = behind;
            } else {
                let (bit, behind) = self.any(message, rest, depth)?;
                present |= bit;
                rest = behind;
                continue;
            }
            if REQUIRED {
                present |= bit(step);
            }
        }
        if REQUIRED {
            self.complete &= message.expected & !present == 0;
        }
        Ok(())
    }

    /// A number that is no value of the enum is an unknown field.
    #[inline(always)]
    fn value(&mut self, item: &Enum, number: u64) {
        if !item.contains(number as i32) {
            self.complete = false; // rather look again than test which field it was
        }
    }

    /// One field of any kind, known or not, and its bit if it is known.
    #[inline(never)]
    fn any<'a>(
        &mut self,
        message: &'static Message,
        bytes: &'a [u8],
        depth: u32,
    ) -> Result<(Bits, &'a [u8]), FaultAt> {
        let (tag, after) = input::tag(bytes)?;
        if tag >> 3 == 0 {
            return Err(FaultAt::new(Fault::NumberZero, bytes));
        }
        let known = message.index_of(tag >> 3).map(|index| (index, &message.fields[index]));
        let rest = match known {
            Some((_, field)) if is_packed(field, tag) => return Ok((0, packed(field.kind, after)?)),
            Some((_, field)) if field.tag() == tag => match (field.message(), field.enumeration()) {
                (Some(child), _) => {
                    let (inner, rest) = input::delimited(after)?;
                    self.level(child, inner, below(depth, inner)?)?;
                    rest
                }
                (_, Some(item)) => {
                    let (number, rest) = input::varint(after)?;
                    self.value(item, number);
                    rest
                }
                _ => input::skip(tag, after, depth)?,
            },
            _ => return Ok((0, input::skip(tag, after, depth)?)),
        };
        Ok((known.map_or(0, |(index, _)| 1 << index), rest))
    }
}

/// How many levels may begin in a message where `depth` may begin around it.
#[inline(always)]
fn below(depth: u32, inner: &[u8]) -> Result<u32, FaultAt> {
    depth.checked_sub(1).ok_or_else(|| FaultAt::new(Fault::TooDeep, inner))
}

/// The bit of the field that a tag byte stands for.
#[inline(always)]
fn bit(step: Step) -> Bits {
    1 << (u32::from(step.field) & (Bits::BITS - 1))
}

/// Whether a field with this tag holds several values of a repeated field.
pub(super) fn is_packed(field: &Field, tag: u32) -> bool {
    tag & 7 == input::DELIMITED && field.label == Label::Repeated && field.kind.is_packable()
}

fn packed(kind: Kind, bytes: &[u8]) -> Result<&[u8], FaultAt> {
    let (mut values, rest) = input::delimited(bytes)?;
    if kind.wire_type() == input::FIXED64 as u8 {
        return if values.len() % 8 == 0 { Ok(rest) } else { Err(FaultAt::new(Fault::Packed, bytes)) };
    }
    while !values.is_empty() {
        values = input::varint(values)?.1;
    }
    Ok(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::mesos::v1::scheduler;
    use crate::wire::{Writer, msg, samples};
    use prost::Message as _;

    /// `inner` in `levels` nested ContainerIDs (`parent` is field 2).
    fn nest(levels: usize, inner: &[u8]) -> Vec<u8> {
        (0..levels).fold(inner.to_vec(), |bytes, _| {
            let mut writer = Writer::new();
            writer.bytes(2, &bytes);
            writer.finish()
        })
    }

    fn groups(levels: usize) -> Vec<u8> {
        [vec![0x5b; levels], vec![0x5c; levels]].concat()
    }

    #[test]
    fn accepts_what_protobuf_does() {
        let long = |tag: u8, last: u8| [&[tag][..], &[0xff; 9], &[last]].concat();
        let cases: [(&str, &'static Message, Vec<u8>); 21] = [
            ("nothing", msg::OFFER, vec![]),
            ("text that is not UTF-8", msg::TASK_ID, b"\x0a\x01\xff".into()),
            ("a tag of 5 bytes", msg::TASK_ID, b"\x8a\x80\x80\x80\x00\x01a".into()),
            ("the largest tag", msg::TASK_ID, b"\xfa\xff\xff\xff\x0f\x01a".into()),
            ("a length of 5 bytes", msg::TASK_ID, b"\x0a\x81\x80\x80\x80\x00a".into()),
            ("a length of 5 bytes, unknown", msg::TASK_ID, b"\x5a\x81\x80\x80\x80\x00a".into()),
            ("a varint of 10 bytes", msg::VALUE_RANGE, long(0x08, 0x01)),
            ("a varint with bits to spare", msg::VALUE_RANGE, long(0x08, 0x7f)),
            ("an unknown varint with bits to spare", msg::VALUE_RANGE, long(0x58, 0x7f)),
            ("a known number as a group", msg::TASK_ID, b"\x0b\x0c".into()),
            ("a message as a group", msg::CONTAINER_ID, b"\x13\x0a\x01a\x14".into()),
            ("nonsense in a group", msg::CONTAINER_ID, b"\x5b\x12\x01\xff\x5c".into()),
            ("number 0 in a group", msg::CONTAINER_ID, b"\x5b\x00\x01\x5c".into()),
            (
                "every wire type in a group",
                msg::TASK_ID,
                b"\x5b\x0a\x01a\x5d\0\0\0\0\x59\0\0\0\0\0\0\0\0\x5c".into(),
            ),
            ("text for a double", msg::VALUE_SCALAR, b"\x0a\x03abc".into()),
            ("fixed32 for an integer", msg::VALUE_RANGE, b"\x0d\0\0\0\0".into()),
            ("half a varint as text for an enum", msg::FRAMEWORK_INFO_CAPABILITY, b"\x0a\x02\x01\x81".into()),
            ("100 levels", msg::CONTAINER_ID, nest(100, b"")),
            ("100 groups", msg::CONTAINER_ID, groups(100)),
            ("99 levels and a group", msg::CONTAINER_ID, nest(99, b"\x5b\x5c")),
            ("an unknown value of an enum", msg::TASK_STATUS, b"\x10\x63".into()),
        ];
        for (what, message, bytes) in cases {
            assert_eq!(validate(message, &bytes), Ok(()), "{what}");
        }
    }

    #[test]
    fn refuses_what_protobuf_does() {
        let long = |tag: u8| [&[tag][..], &[0xff; 10], &[1]].concat();
        let cases: [(&str, Vec<u8>, Fault); 27] = [
            ("a tag of 6 bytes", b"\x8a\x80\x80\x80\x80\x00\x01a".into(), Fault::LongTag),
            ("a tag of 33 bits", b"\x8a\x80\x80\x80\x10\x01a".into(), Fault::LongTag),
            ("half a tag", b"\x8a".into(), Fault::Truncated),
            ("a length of 6 bytes", b"\x0a\x81\x80\x80\x80\x80\x00a".into(), Fault::LongLength),
            ("an unknown length of 6 bytes", b"\x5a\x81\x80\x80\x80\x80\x00a".into(), Fault::LongLength),
            ("a length of 2 GiB", b"\x0a\x80\x80\x80\x80\x08".into(), Fault::LongLength),
            ("a length of 4 GiB and 1", b"\x0a\x81\x80\x80\x80\x10a".into(), Fault::LongLength),
            ("a length past the end", b"\x0a\x02a".into(), Fault::Truncated),
            ("no length", b"\x0a".into(), Fault::Truncated),
            ("a varint of 11 bytes", long(0x18), Fault::LongVarint),
            ("an unknown varint of 11 bytes", long(0x58), Fault::LongVarint),
            ("half a varint", b"\x58\xff".into(), Fault::Truncated),
            ("number 0", b"\x00\x01".into(), Fault::NumberZero),
            ("number 0 with a length", b"\x02\x00".into(), Fault::NumberZero),
            ("number 0 in two bytes", b"\x80\x00\x01".into(), Fault::NumberZero),
            ("wire type 6", b"\x0e".into(), Fault::WireType),
            ("wire type 7", b"\x0f".into(), Fault::WireType),
            ("wire type 7 in a group", b"\x5b\x0f\x5c".into(), Fault::WireType),
            ("the end of no group", b"\x5c".into(), Fault::GroupEnd),
            ("the end of another group", b"\x5b\x64".into(), Fault::GroupEnd),
            ("a group without end", b"\x5b\x08\x01".into(), Fault::Truncated),
            ("a group that leaves its message", b"\x12\x01\x5b\x5c".into(), Fault::Truncated),
            ("the end of a group in a message", b"\x12\x01\x14".into(), Fault::GroupEnd),
            ("half of eight bytes", b"\x59\0\0\0\0".into(), Fault::Truncated),
            ("half of four bytes", b"\x5d\0\0".into(), Fault::Truncated),
            ("101 levels", nest(101, b""), Fault::TooDeep),
            ("100 levels and a group", nest(100, b"\x5b\x5c"), Fault::TooDeep),
        ];
        for (what, bytes, fault) in cases {
            let error = validate(msg::CONTAINER_ID, &bytes).expect_err(what);
            assert_eq!(error.fault, fault, "{what}");
        }
        assert_eq!(validate(msg::CONTAINER_ID, &groups(101)).unwrap_err().fault, Fault::TooDeep);
    }

    #[test]
    fn packed_values_must_fill_their_length() {
        // no field of the schema is declared packed, but every repeated number may come so
        let repeated = super::super::MESSAGES.iter().flat_map(|message| {
            message.fields.iter().filter(|field| is_packed(field, 2)).map(move |field| (message, field))
        });
        let mut seen = 0;
        for (message, field) in repeated {
            let check = |values: &[u8]| {
                let mut writer = Writer::new();
                writer.bytes(field.number, values);
                validate(message, &writer.finish()).map_err(|error| error.fault)
            };
            assert_eq!(check(&[]), Ok(()));
            assert_eq!(check(&[1; 8]), Ok(()));
            let cut = if field.kind == Kind::Double { Fault::Packed } else { Fault::Truncated };
            assert_eq!(check(&[0x81; 7]), Err(cut), "{}.{}", message.name, field.name);
            seen += 1;
        }
        assert!(seen > 0);
    }

    #[test]
    fn faults_say_where_they_are() {
        let mut bytes = samples::event(2).encode_to_vec();
        assert_eq!(validate(msg::SCHEDULER_EVENT, &bytes), Ok(()));
        bytes.extend(b"\x0e");
        let error = validate(msg::SCHEDULER_EVENT, &bytes).unwrap_err();
        assert_eq!((error.offset, error.fault), (bytes.len(), Fault::WireType));
        assert_eq!(
            validate(msg::TASK_ID, b"\x0a\x01a\x00").unwrap_err().to_string(),
            "not a mesos.v1.TaskID: field number 0, at byte 3"
        );
    }

    #[test]
    fn every_cut_of_a_message_is_judged_as_by_prost() {
        let whole = samples::event(1).encode_to_vec();
        for end in 0..=whole.len() {
            let bytes = &whole[..end];
            let expected = scheduler::Event::decode(bytes).is_ok();
            assert_eq!(validate(msg::SCHEDULER_EVENT, bytes).is_ok(), expected, "cut at {end}");
        }
    }

    #[test]
    fn random_messages_are_accepted_and_mutated_ones_never_panic() {
        let mut rng = fastrand::Rng::with_seed(20);
        for round in 0..400 {
            let message = &MESSAGES[rng.usize(0..MESSAGES.len())];
            let mut bytes = samples::random(message, &mut rng, 4);
            assert_eq!(validate(message, &bytes), Ok(()), "{} in round {round}", message.name);
            for _ in 0..bytes.len().min(50) {
                let at = rng.usize(0..bytes.len());
                bytes[at] = rng.u8(..);
                let valid = validate(message, &bytes).is_ok();
                let spans = super::super::spans(message, &bytes).map(|span| span.end).last();
                assert!(!valid || spans.unwrap_or(0) as usize == bytes.len());
            }
        }
    }
}
