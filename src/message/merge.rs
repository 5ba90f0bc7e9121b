//! Copying and merging messages.
//!
//! # Invariants
//! * A copy shares no node with its source, only bytes and immutable objects.
//! * Merging keeps the target's children the objects they are.

#![expect(unsafe_code, reason = "moves what slots hold between messages")]

use super::access::Seen;
use super::desc::{Shape, ones};
use super::encode::{self, LEVELS, Mode, too_deep};
use super::layout::{CLEAN, Message, RAW, Slot, View};
use super::repeated::Repeated;
use super::value::Source;
use super::{access, alloc, index};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// A message of its own with the same contents. One that was changed and has others in it is copied by its encoding:
/// nearly every copy is sent, and read by nobody.
pub(super) fn copy<'py>(py: Python<'py>, source: Message<'_>) -> PyResult<Bound<'py, PyAny>> {
    let desc = source.desc();
    if source.node.is(CLEAN) {
        // SAFETY: the copy takes a reference to the owner at once.
        return alloc::parsed(py, desc, unsafe { source.source() });
    }
    if source.has.get() & desc.nodes == 0 {
        return copy_flat(py, source);
    }
    let copied = encode::encode(py, source, Mode::Partial, |bytes| {
        let bytes = PyBytes::new(py, bytes);
        let complete = false;
        alloc::parsed(py, desc, Source { bytes: bytes.as_bytes(), owner: bytes.as_ptr(), complete })
    });
    copied.map_err(|fail| encode::error(py, source, fail))?
}

/// The same for a message that holds only plain values, or spans of them.
fn copy_flat<'py>(py: Python<'py>, source: Message<'_>) -> PyResult<Bound<'py, PyAny>> {
    let made = alloc::empty(py, source.desc())?;
    // SAFETY: just made; spans stay relative to the same bytes.
    let target = unsafe {
        let target = Message::from_ptr(made.as_ptr());
        alloc::load(target, source.source());
        target
    };
    target.node.remove(RAW | CLEAN);
    source.with_unknown(|unknown| target.add_unknown(unknown));
    for at in ones(source.has.get()) {
        let slot = source.slot(at);
        target.set_slot(at, slot);
        if let View::Object(object) = slot.view() {
            // SAFETY: alive in the other slot.
            unsafe { ffi::Py_INCREF(object) };
            target.live.set(target.live.get() | 1 << at);
        }
    }
    target.has.set(source.has.get());
    Ok(made)
}

/// Appends copies of another repeated field's items.
pub(super) fn extend(py: Python<'_>, target: Repeated<'_>, source: Repeated<'_>) -> PyResult<()> {
    for at in 0..source.len() {
        let Some(item) = source.get(py, at)? else { break };
        target.push(match Message::of(&item) {
            Some(message) => copy(py, message)?,
            None => item,
        });
    }
    access::touch(target.as_node());
    Ok(())
}

/// Makes the message equal to another of its type.
pub(super) fn replace(py: Python<'_>, target: Message<'_>, source: Message<'_>) -> PyResult<()> {
    if target.as_ptr() == source.as_ptr() {
        return Ok(());
    }
    // the source may lie below the target: copied before the target is emptied
    let copied = copy(py, source)?;
    access::touch(target.as_node());
    alloc::clear(target);
    // SAFETY: just made.
    move_into(py, target, unsafe { Message::from_ptr(copied.as_ptr()) })
}

/// Moves the contents of a message nobody else has into an empty one of its type.
pub(super) fn move_into(py: Python<'_>, target: Message<'_>, source: Message<'_>) -> PyResult<()> {
    // SAFETY: used at once.
    let bytes = unsafe { source.source() };
    alloc::load(target, bytes);
    if source.node.is(CLEAN) && source.live.get() == 0 {
        return Ok(());
    }
    index::index(py, source)?;
    target.node.remove(RAW | CLEAN);
    source.with_unknown(|unknown| target.add_unknown(unknown));
    let nodes = target.desc().nodes;
    for at in 0..target.desc().fields.len() {
        let slot = source.slot(at);
        source.set_slot(at, Slot::EMPTY);
        target.set_slot(at, slot);
        if let View::Object(object) = slot.view()
            && nodes >> at & 1 == 1
        {
            // SAFETY: owned by the slot it now lies in.
            let object = unsafe { Bound::from_borrowed_ptr(py, object) };
            alloc::adopt(&object, target.as_node(), at);
        }
    }
    target.has.set(source.has.replace(0));
    target.live.set(source.live.replace(0));
    Ok(())
}

/// Adds what another message of the same type has: its scalars win, messages are merged, repeated fields appended.
pub(super) fn merge(py: Python<'_>, target: Message<'_>, source: Message<'_>) -> PyResult<()> {
    if is_above(target, source) || is_above(source, target) {
        let source = copy(py, source)?; // or it would grow while it is read
        // SAFETY: just made.
        return merge_below(py, target, unsafe { Message::from_ptr(source.as_ptr()) }, LEVELS);
    }
    merge_below(py, target, source, LEVELS)
}

/// Whether one message lies anywhere below the other.
fn is_above(above: Message<'_>, below: Message<'_>) -> bool {
    access::lineage(below.as_node()).any(|node| node == above.as_node().cast_const())
}

fn merge_below(py: Python<'_>, target: Message<'_>, source: Message<'_>, depth: u32) -> PyResult<()> {
    let desc = target.desc();
    let depth = depth.checked_sub(1).ok_or_else(|| too_deep(desc))?;
    index::index(py, source)?;
    index::index(py, target)?;
    access::touch(target.as_node());
    source.with_unknown(|unknown| target.add_unknown(unknown));
    for at in 0..desc.fields.len() {
        if !access::is_set(py, source, at)? {
            continue;
        }
        let from = access::read(py, source, at)?;
        let field = desc.field(at);
        if field.shape == Shape::Scalar {
            access::put(py, target, at, from)?;
            continue;
        }
        let into = access::read(py, target, at)?;
        match (access::see(&into), access::see(&from)) {
            (Seen::Repeated(into), Seen::Repeated(from)) => extend(py, into, from)?,
            (Seen::Map(into), Seen::Map(_)) => into.update(py, &from)?,
            (Seen::Message(into), Seen::Message(from)) => {
                access::touch(into.as_node());
                merge_below(py, into, from, depth)?;
            }
            _ => {}
        }
    }
    Ok(())
}
