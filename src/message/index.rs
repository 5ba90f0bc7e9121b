//! Splits the bytes of a message into its fields, one level, on the first touch.
//!
//! # Invariants
//! * Runs no Python code and cannot fail but for memory: the bytes passed the validating scan.
//! * Afterwards each slot holds a span or nothing, and `has` tells which. That of a repeated field or map is a run:
//!   the span of all its items, tags included, which becomes a container when it is read. Only items that are apart,
//!   or not delimited, are in a container at once.
//! * What google.protobuf does with odd bytes is done here: the last scalar wins, a member of a oneof clears
//!   the others, a message in several parts is their sum, unknown fields are kept as they are.

#![expect(unsafe_code, reason = "spans of bytes that an owner keeps alive")]

use super::buffer::Buffer;
use super::desc::{Shape, ones};
use super::layout::{CLEAN, MAP, Message, RAW, Slot, View};
use super::{access, alloc, map, repeated};
use crate::wire::{self, Bits, Span};
use bytes::Bytes;
use pyo3::prelude::*;

/// Splits the message into fields, if that was not done yet.
#[inline]
pub(super) fn index(py: Python<'_>, message: Message<'_>) -> PyResult<()> {
    if message.node.is(RAW) { split(py, message) } else { Ok(()) }
}

#[inline(never)]
fn split(py: Python<'_>, message: Message<'_>) -> PyResult<()> {
    while !fields(py, message)? {
        let whole = join(py, message)?;
        alloc::clear(message);
        alloc::load(message, whole.source());
    }
    Ok(())
}

/// Fills the slots; false, leaving the work half done, if a message comes in several parts.
#[inline(always)]
fn fields(py: Python<'_>, message: Message<'_>) -> PyResult<bool> {
    // SAFETY: the owner does not change in this function.
    let level = unsafe { message.parsed() };
    message.node.remove(RAW);
    let desc = message.desc();
    let special = desc.many | desc.oneofs;
    let mut has: Bits = 0;
    for span in wire::spans(desc.wire, level) {
        let Some(index) = span.field.map(usize::from) else {
            message.add_unknown(span.whole(level));
            continue;
        };
        let bit: Bits = 1 << index;
        if (special | has & desc.nodes) & bit != 0 {
            if desc.many & bit != 0 {
                if !extend_run(message, index, span) {
                    add_item(py, message, index, span.is_packed, span.value(level))
                        .inspect_err(|_| message.has.set(has))?;
                }
                has |= bit;
                continue;
            }
            if has & desc.nodes & bit != 0 {
                return Ok(false);
            }
            has &= !drop_others(message, index, has);
        }
        has |= bit;
        message.set_slot(index, Slot::span(span.value as usize, (span.end - span.value) as usize));
    }
    message.has.set(has);
    Ok(true)
}

/// Empties the slots of the other members of a oneof, and says which they were.
fn drop_others(message: Message<'_>, index: usize, has: Bits) -> Bits {
    let others = has & message.desc().field(index).siblings;
    ones(others).for_each(|other| message.set_slot(other, Slot::EMPTY));
    others
}

/// Begins a run of items with one, or adds one that follows it; false if it does not.
#[inline]
fn extend_run(message: Message<'_>, index: usize, span: Span) -> bool {
    let (start, end) = (span.start as usize, span.end as usize);
    let begin = match message.slot(index).view() {
        View::Empty if message.desc().field(index).kind.wire_type() == 2 => start,
        View::Span(offset, len) if offset + len == start => offset,
        _ => return false,
    };
    message.set_slot(index, Slot::span(begin, end - begin));
    true
}

/// Makes a container of a run. Nothing is looked at but the run: what it holds stays spans.
pub(super) fn unroll<'py>(
    py: Python<'py>,
    message: Message<'_>,
    index: usize,
    (offset, len): (usize, usize),
) -> PyResult<Bound<'py, PyAny>> {
    let container = container(py, message, index)?;
    // SAFETY: the owner does not change in here.
    let run = unsafe { message.parsed() }.get(offset..offset + len).unwrap_or_default();
    for span in wire::spans(message.desc().wire, run) {
        // SAFETY: a container of this field, just made.
        unsafe { push(&container, offset + span.value as usize, (span.end - span.value) as usize) };
    }
    Ok(container)
}

/// An empty container for the field, in its slot.
fn container<'py>(py: Python<'py>, message: Message<'_>, index: usize) -> PyResult<Bound<'py, PyAny>> {
    let field = message.desc().field(index);
    // SAFETY: the owner does not change in here.
    let source = unsafe { message.source() };
    let container = match field.shape {
        Shape::Map => map::over(py, field, source)?,
        _ => repeated::over(py, field, source)?,
    };
    access::node(&container).add(CLEAN);
    alloc::adopt(&container, message.as_node(), index);
    message.set_slot(index, Slot::object(container.clone().into_ptr()));
    message.live.set(message.live.get() | 1 << index);
    Ok(container)
}

/// Adds an item that is a span.
///
/// # Safety
/// `container` is a repeated field or a map that nobody has looked at.
unsafe fn push(container: &Bound<'_, PyAny>, offset: usize, len: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        if access::node(container).is(MAP) {
            map::push_span(container.as_ptr(), offset, len);
        } else {
            repeated::push_span(container.as_ptr(), offset, len);
        }
    }
}

/// Adds a value, or the values in a packed field, to the container of a repeated field. Without the span they are from:
/// whose address a call has, that is no longer in registers.
#[cold]
fn add_item(
    py: Python<'_>,
    message: Message<'_>,
    index: usize,
    is_packed: bool,
    value: &[u8],
) -> PyResult<()> {
    let field = message.desc().field(index);
    let place = match message.slot(index).view() {
        // SAFETY: the slot owns it.
        View::Object(object) => unsafe { Bound::from_borrowed_ptr(py, object) },
        View::Span(offset, len) => unroll(py, message, index, (offset, len))?,
        View::Empty => container(py, message, index)?,
    };
    let base = message.bytes.get().addr();
    // SAFETY: a container that nobody has looked at yet.
    let push = |item: &[u8]| unsafe { push(&place, item.as_ptr().addr() - base, item.len()) };
    if !is_packed {
        push(value);
        return Ok(());
    }
    for item in wire::packed(field.kind, value) {
        if field.wire.enumeration().is_none_or(|values| values.contains(wire::varint(item) as i32)) {
            push(item);
        } else {
            let mut unknown = wire::Writer::new();
            unknown.varint(field.wire.number, wire::varint(item));
            message.add_unknown(&unknown.finish());
        }
    }
    Ok(())
}

/// Encodes the level anew with the parts of each message put together: the encoding of a sum is the
/// encodings one behind the other.
#[cold]
fn join<'py>(py: Python<'py>, message: Message<'_>) -> PyResult<Buffer<'py>> {
    // SAFETY: copied from, and the owner is replaced later.
    let level = unsafe { message.parsed() };
    let desc = message.desc();
    let mut parts: Vec<Vec<u8>> = vec![Vec::new(); desc.fields.len()];
    let mut seen: Bits = 0;
    let mut rest = Vec::with_capacity(level.len());
    for span in wire::spans(desc.wire, level) {
        match span.field.map(|index| desc.field(usize::from(index))) {
            Some(field) if matches!(field.shape, Shape::Message | Shape::Scalar) => {
                for (index, part) in parts.iter_mut().enumerate() {
                    if field.siblings >> index & 1 == 1 {
                        part.clear();
                    }
                }
                seen = seen & !field.siblings | 1 << field.index;
                let part = &mut parts[usize::from(field.index)];
                if field.shape == Shape::Scalar {
                    part.clear();
                }
                part.extend_from_slice(span.value(level));
            }
            _ => rest.extend_from_slice(span.whole(level)),
        }
    }
    let mut joined = wire::Writer::new();
    for (index, part) in parts.iter().enumerate().filter(|(index, _)| seen >> index & 1 == 1) {
        let field = &desc.wire.fields[index];
        match field.kind.wire_type() {
            0 => joined.varint(field.number, wire::varint(part)),
            1 => joined.double(field.number, wire::double(part)),
            _ => joined.bytes(field.number, part),
        };
    }
    let mut joined = joined.finish();
    joined.append(&mut rest);
    Buffer::new(py, Bytes::from(joined))
}
