//! Reads the fields of one message by number, for Rust code that wants two or three of them.
//!
//! Knows no schema: what the number means, the caller says (`wire::field` has the numbers). Nothing is copied:
//! `Bytes::slice_ref` makes a `Bytes` of a value that lies in one.
//!
//! # Invariants
//! * Works on bytes that nobody validated: a fault is an `Err`, after which the iterator ends.

use super::input::{self, Fault, FaultAt, MAX_DEPTH};

/// The value of one field, as the wire has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// integers, bool (not 0), enums (by number)
    Varint(u64),
    /// a double: `f64::from_bits`
    Fixed64(u64),
    /// no field of the schema has this
    Fixed32(u32),
    /// text, bytes, a message
    Bytes(&'a [u8]),
    /// no field of the schema has this
    Group(&'a [u8]),
}

impl<'a> Value<'a> {
    /// What text, bytes and messages hold; None for other values.
    pub(crate) fn bytes(self) -> Option<&'a [u8]> {
        if let Value::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    /// What integers, bools and enums hold; None for other values.
    pub(crate) fn varint(self) -> Option<u64> {
        if let Value::Varint(value) = self { Some(value) } else { None }
    }
}

/// Iterates over the fields of a message: number and value, in the order of the bytes.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

/// The fields of the message in `bytes`.
pub(crate) fn fields(bytes: &[u8]) -> Fields<'_> {
    Fields { rest: bytes }
}

/// The contents of the last field of this number, which is the one that counts; None if there is none or the bytes
/// are faulty. For text, bytes, and messages that nobody split.
pub(crate) fn last_bytes(bytes: &[u8], number: u32) -> Option<&[u8]> {
    let [found] = last_bytes_of(bytes, [number]);
    found
}

/// The same for several numbers, in one pass.
pub(crate) fn last_bytes_of<const N: usize>(bytes: &[u8], numbers: [u32; N]) -> [Option<&[u8]>; N] {
    let mut found = [None; N];
    for field in fields(bytes) {
        let Ok((at, value)) = field else { return [None; N] };
        if let Some(place) = numbers.iter().position(|number| *number == at) {
            found[place] = value.bytes();
        }
    }
    found
}

/// The contents of every field of this number: repeated text, bytes and messages.
pub(crate) fn every_bytes(bytes: &[u8], number: u32) -> impl Iterator<Item = &[u8]> {
    let of_number = fields(bytes).flatten().filter(move |(at, _)| *at == number);
    of_number.filter_map(|(_, value)| value.bytes())
}

/// The last integer, bool or enum of this number, which is the one that counts.
pub(crate) fn last_varint(bytes: &[u8], number: u32) -> Option<u64> {
    let of_number = fields(bytes).flatten().filter(|(at, _)| *at == number);
    of_number.filter_map(|(_, value)| value.varint()).last()
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Value<'a>), Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        match field(self.rest) {
            Ok((field, rest)) => {
                self.rest = rest;
                Some(Ok(field))
            }
            Err(fault) => {
                self.rest = &[];
                Some(Err(fault.fault()))
            }
        }
    }
}

type Field<'a> = (u32, Value<'a>);

fn field(bytes: &[u8]) -> Result<(Field<'_>, &[u8]), FaultAt> {
    let (tag, after) = input::tag(bytes)?;
    if tag >> 3 == 0 {
        return Err(FaultAt::new(Fault::NumberZero, bytes));
    }
    let (value, rest) = match tag & 7 {
        input::VARINT => input::varint(after).map(|(value, rest)| (Value::Varint(value), rest))?,
        input::DELIMITED => input::delimited(after).map(|(value, rest)| (Value::Bytes(value), rest))?,
        input::FIXED64 => {
            input::fixed(after, 8).map(|(value, rest)| (Value::Fixed64(little_endian(value)), rest))?
        }
        input::FIXED32 => {
            input::fixed(after, 4).map(|(value, rest)| (Value::Fixed32(little_endian(value) as u32), rest))?
        }
        input::GROUP => {
            input::group(tag, after, MAX_DEPTH).map(|(value, rest)| (Value::Group(value), rest))?
        }
        _ => {
            return Err(input::skip(tag, after, MAX_DEPTH)
                .err()
                .unwrap_or(FaultAt::new(Fault::WireType, bytes)));
        }
    };
    Ok(((tag >> 3, value), rest))
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wire_type_is_read() {
        let bytes = b"\x08\x96\x01\x11\0\0\0\0\0\0\xf0\x3f\x1a\x02hi\x25\x01\x02\0\0\x2b\x08\x01\x2c";
        let read: Vec<_> = fields(bytes).collect::<Result<_, _>>().unwrap();
        let expected = [
            (1, Value::Varint(150)),
            (2, Value::Fixed64(1f64.to_bits())),
            (3, Value::Bytes(b"hi")),
            (4, Value::Fixed32(513)),
            (5, Value::Group(b"\x08\x01")),
        ];
        assert_eq!(read, expected);
    }

    #[test]
    fn a_fault_ends_it() {
        let mut read = fields(b"\x08\x01\x1a\x05hi");
        assert_eq!(read.next(), Some(Ok((1, Value::Varint(1)))));
        assert_eq!(read.next(), Some(Err(Fault::Truncated)));
        assert_eq!(read.next(), None);
        let first = |bytes| fields(bytes).next().unwrap().unwrap_err();
        assert_eq!(first(b"\x00\x01"), Fault::NumberZero);
        assert_eq!(first(b"\x0c"), Fault::GroupEnd);
        assert_eq!(first(b"\x0e"), Fault::WireType);
    }

    #[test]
    fn the_last_one_counts() {
        assert_eq!(last_bytes(b"\x0a\x01a\x12\x01x\x0a\x01b", 1), Some(&b"b"[..]));
        assert_eq!(last_bytes(b"\x0a\x01a", 2), None);
        assert_eq!(last_bytes(b"\x0a\x01a\x0a\x05b", 1), None, "faulty");
    }
}
