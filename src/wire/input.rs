//! The smallest pieces of the wire format: varints, tags, lengths, and skipping what nobody knows.
//!
//! Each function takes the bytes from where it shall read and returns what it read and the bytes behind it.
//!
//! # Invariants
//! * Accepts and refuses what google.protobuf (upb) does: varints of at most 10 bytes, the last one's high bits
//!   dropped; tags and lengths of at most 5 bytes, below 2^32 and 2^31; wire types 0 to 5, where 4 only ends
//!   the group that 3 began; groups count as levels of nesting.

use super::table::Message;

/// Levels of messages and groups inside the outermost message.
pub(super) const MAX_DEPTH: u32 = 100;
/// Of a whole message and of a part of it.
pub(super) const MAX_SIZE: usize = i32::MAX as usize;

pub(super) const VARINT: u32 = 0;
pub(super) const FIXED64: u32 = 1;
pub(super) const DELIMITED: u32 = 2;
pub(super) const GROUP: u32 = 3;
pub(super) const GROUP_END: u32 = 4;
pub(super) const FIXED32: u32 = 5;

/// Why bytes are not a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("the bytes end inside a field")]
    Truncated,
    #[error("an integer of more than 10 bytes")]
    LongVarint,
    #[error("a field's tag does not fit 32 bits")]
    LongTag,
    #[error("a length of 2 GiB or more")]
    LongLength,
    #[error("field number 0")]
    NumberZero,
    #[error("wire type 6 or 7, which protobuf does not have")]
    WireType,
    #[error("the end of a group that was not begun")]
    GroupEnd,
    #[error("more than 100 levels of nesting")]
    TooDeep,
    #[error("packed values that do not fill their length")]
    Packed,
    #[error("2 GiB or more of bytes")]
    TooLarge,
}

/// A `Fault` and where it is: as an address, since inside a nested message nobody counts from the beginning. Of the
/// address the lower half tells enough, and leaves a result that fits a register.
#[derive(Debug, Clone, Copy)]
pub(super) struct FaultAt {
    fault: Fault,
    address: u32,
}

impl FaultAt {
    #[cold]
    pub(super) fn new(fault: Fault, rest: &[u8]) -> Self {
        FaultAt { fault, address: rest.as_ptr().addr() as u32 }
    }

    /// The error of decoding `whole`, in which the fault lies.
    pub(super) fn within(self, message: &'static Message, whole: &[u8]) -> DecodeError {
        let offset = self.address.wrapping_sub(whole.as_ptr().addr() as u32) as usize;
        DecodeError { message: message.name, offset, fault: self.fault }
    }

    pub(super) fn fault(self) -> Fault {
        self.fault
    }
}

/// Bytes that are not a message of the wanted type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a {message}: {fault}, at byte {offset}")]
pub(crate) struct DecodeError {
    /// full name of the type
    pub(crate) message: &'static str,
    /// where the fault was noticed
    pub(crate) offset: usize,
    pub(crate) fault: Fault,
}

type Read<'a, T> = Result<(T, &'a [u8]), FaultAt>;

/// One varint.
#[inline(always)]
pub(super) fn varint(bytes: &[u8]) -> Read<'_, u64> {
    match bytes {
        [byte, rest @ ..] if *byte < 0x80 => Ok((u64::from(*byte), rest)),
        [low, high, rest @ ..] if *high < 0x80 => Ok((u64::from(*low & 0x7f) | u64::from(*high) << 7, rest)),
        // ports
        [low, middle, high, rest @ ..] if *high < 0x80 => {
            let value = u64::from(*low & 0x7f) | u64::from(*middle & 0x7f) << 7 | u64::from(*high) << 14;
            Ok((value, rest))
        }
        _ => long_varint(bytes, 10, Fault::LongVarint),
    }
}

#[inline(never)]
fn long_varint(bytes: &[u8], longest: usize, too_long: Fault) -> Read<'_, u64> {
    let mut value = 0;
    for (index, byte) in bytes.iter().enumerate().take(longest) {
        value |= u64::from(*byte & 0x7f) << (7 * index);
        if *byte < 0x80 {
            return Ok((value, &bytes[index + 1..]));
        }
    }
    Err(FaultAt::new(if bytes.len() < longest { Fault::Truncated } else { too_long }, bytes))
}

/// A field's tag: its number and wire type.
#[inline]
pub(super) fn tag(bytes: &[u8]) -> Read<'_, u32> {
    let (value, rest) = match bytes {
        [byte, rest @ ..] if *byte < 0x80 => return Ok((u32::from(*byte), rest)),
        _ => long_varint(bytes, 5, Fault::LongTag)?,
    };
    u32::try_from(value).map(|tag| (tag, rest)).map_err(|_| FaultAt::new(Fault::LongTag, bytes))
}

/// A length and that many bytes.
#[inline(always)]
pub(super) fn delimited(bytes: &[u8]) -> Read<'_, &[u8]> {
    let (length, rest) = match bytes {
        [byte, rest @ ..] if *byte < 0x80 => (usize::from(*byte), rest),
        [low, high, rest @ ..] if *high < 0x80 => (usize::from(*low & 0x7f) | usize::from(*high) << 7, rest),
        _ => long_length(bytes)?,
    };
    rest.split_at_checked(length).ok_or_else(|| FaultAt::new(Fault::Truncated, bytes))
}

fn long_length(bytes: &[u8]) -> Read<'_, usize> {
    let (length, rest) = long_varint(bytes, 5, Fault::LongLength)?;
    match usize::try_from(length) {
        Ok(length) if length <= MAX_SIZE => Ok((length, rest)),
        _ => Err(FaultAt::new(Fault::LongLength, bytes)),
    }
}

/// `size` bytes.
#[inline(always)]
pub(super) fn fixed(bytes: &[u8], size: usize) -> Read<'_, &[u8]> {
    bytes.split_at_checked(size).ok_or_else(|| FaultAt::new(Fault::Truncated, bytes))
}

/// What follows the value of a field whose tag was just read. `depth` is how many levels may still begin.
pub(super) fn skip(tag: u32, bytes: &[u8], depth: u32) -> Result<&[u8], FaultAt> {
    match tag & 7 {
        VARINT => Ok(varint(bytes)?.1),
        FIXED64 => Ok(fixed(bytes, 8)?.1),
        DELIMITED => Ok(delimited(bytes)?.1),
        GROUP => Ok(group(tag, bytes, depth)?.1),
        GROUP_END => Err(FaultAt::new(Fault::GroupEnd, bytes)),
        FIXED32 => Ok(fixed(bytes, 4)?.1),
        _ => Err(FaultAt::new(Fault::WireType, bytes)),
    }
}

/// The fields of a group, without the tag that ends it. Anything may be in it, even field number 0.
pub(super) fn group(tag: u32, bytes: &[u8], depth: u32) -> Read<'_, &[u8]> {
    let depth = depth.checked_sub(1).ok_or_else(|| FaultAt::new(Fault::TooDeep, bytes))?;
    let end = tag & !7 | GROUP_END;
    let mut rest = bytes;
    loop {
        let (inner, after) = self::tag(rest)?;
        if inner == end {
            return Ok((&bytes[..bytes.len() - rest.len()], after));
        }
        rest = skip(inner, after, depth)?;
    }
}
