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
use super::schema::MESSAGES;
use super::table::{Act, Field, Kind, Label, Message};

/// Whether `bytes` are a message of this type.
pub(crate) fn validate(message: &'static Message, bytes: &[u8]) -> Result<(), DecodeError> {
    if bytes.len() > MAX_SIZE {
        return Err(FaultAt::new(Fault::TooLarge, bytes).within(message, bytes));
    }
    level(message, bytes, MAX_DEPTH).map_err(|fault| fault.within(message, bytes))
}

/// One message, in which `depth` more levels may begin.
fn level(message: &'static Message, mut rest: &[u8], depth: u32) -> Result<(), FaultAt> {
    while let [byte, after @ ..] = rest {
        // Nearly every tag is one byte, and it alone says what to do.
        let step = message.steps.get(usize::from(*byte));
        rest = match step.map_or(Act::Slow, |step| step.act) {
            Act::Varint | Act::Enum => input::varint(after)?.1,
            Act::Fixed64 => input::fixed(after, 8)?.1,
            Act::Bytes => input::delimited(after)?.1,
            Act::Message => {
                let child = step.map_or(0, |step| step.child);
                nested(&MESSAGES[usize::from(child)], after, depth)?
            }
            Act::Slow => any(message, rest, depth)?,
        }
    }
    Ok(())
}

#[inline(always)]
fn nested<'a>(message: &'static Message, bytes: &'a [u8], depth: u32) -> Result<&'a [u8], FaultAt> {
    let (inner, rest) = input::delimited(bytes)?;
    let depth = depth.checked_sub(1).ok_or_else(|| FaultAt::new(Fault::TooDeep, bytes))?;
    level(message, inner, depth)?;
    Ok(rest)
}

/// One field of any kind, known or not.
#[inline(never)]
fn any<'a>(message: &'static Message, bytes: &'a [u8], depth: u32) -> Result<&'a [u8], FaultAt> {
    let (tag, after) = input::tag(bytes)?;
    if tag >> 3 == 0 {
        return Err(FaultAt::new(Fault::NumberZero, bytes));
    }
    match message.field(tag >> 3) {
        Some(field) if is_packed(field, tag) => packed(field.kind, after),
        Some(field) if field.tag() == tag => match field.message() {
            Some(child) => nested(child, after, depth),
            None => input::skip(tag, after, depth),
        },
        _ => input::skip(tag, after, depth),
    }
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
