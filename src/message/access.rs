//! Reading and writing one field of a message, presence, and how a change makes itself known upwards.
//!
//! # Invariants
//! * Whatever may run Python code (converting a value, making a class) comes before the slots are looked at.
//! * Reading never changes what a message encodes to.
//! * After `touch`, neither the node nor anything above it is `CLEAN` or `STUB`.

#![expect(unsafe_code, reason = "parents are borrowed pointers")]

use super::desc::{Field, Shape, ones};
use super::layout::{CLEAN, MAP, Message, Node, REPEATED, STUB, Slot, View};
use super::map::Map;
use super::repeated::Repeated;
use super::value::{self, Source};
use super::{alloc, convert, index, map, repeated};
use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;

/// What the field reads as. An unset message, repeated field or map is made, linked to its parent, so that writing
/// to it sets it.
#[inline(never)]
pub(super) fn read<'py>(py: Python<'py>, message: Message<'_>, at: usize) -> PyResult<Bound<'py, PyAny>> {
    let field = message.desc().field(at);
    field.prepare(py)?;
    index::index(py, message)?;
    // From here on no Python code runs.
    let object = match message.slot(at).view() {
        // SAFETY: the slot owns it.
        View::Object(object) => return Ok(unsafe { Bound::from_borrowed_ptr(py, object) }),
        View::Span(offset, len) if message.desc().many >> at & 1 == 1 => {
            return index::unroll(py, message, at, (offset, len));
        }
        View::Span(offset, len) => {
            // SAFETY: decoding does not write to the message.
            let whole = unsafe { message.source() };
            let bytes = whole.bytes.get(offset..offset + len).unwrap_or_default();
            let source = Source { bytes, ..whole };
            value::decode(py, field, source, message.as_node())?
        }
        View::Empty => {
            let stub = match field.shape {
                Shape::Scalar => return field.default(py),
                Shape::Message => alloc::empty(py, field.child(py)?)?,
                Shape::Repeated => repeated::empty(py, field)?,
                Shape::Map => map::empty(py, field)?,
            };
            node(&stub).add(STUB);
            alloc::adopt(&stub, message.as_node(), at);
            stub
        }
    };
    message.set_slot(at, Slot::object(object.clone().into_ptr()));
    message.live.set(message.live.get() | 1 << at);
    Ok(object)
}

/// A node and all above it.
pub(super) fn lineage(node: *const Node) -> impl Iterator<Item = *const Node> {
    std::iter::successors(Some(node), |node| {
        // SAFETY: the caller's node is alive, and parents are cleared before they die.
        let parent = unsafe { (**node).parent.get() };
        (!parent.is_null()).then_some(parent.cast_const())
    })
}

/// What a field reads as, by its type.
pub(super) enum Seen<'a> {
    Value,
    Message(Message<'a>),
    Repeated(Repeated<'a>),
    Map(Map<'a>),
}

/// Looks at an object that a field read as, or that is an item of one.
pub(super) fn see<'a>(object: &'a Bound<'_, PyAny>) -> Seen<'a> {
    if let Some(message) = Message::of(object) {
        Seen::Message(message)
    } else if let Some(items) = Repeated::of(object) {
        Seen::Repeated(items)
    } else {
        Map::of(object).map_or(Seen::Value, Seen::Map)
    }
}

/// The node that an object of a message, repeated or map type is.
pub(super) fn node<'a>(object: &'a Bound<'_, PyAny>) -> &'a Node {
    debug_assert!(!object.is_none());
    // SAFETY: callers pass only objects of those types, which begin with `Node`.
    unsafe { &*object.as_ptr().cast::<Node>() }
}

/// Says that the node was, or is about to be, changed: it and all above it no longer are what was parsed,
/// and those that were only stubs are set from now on.
#[inline]
pub(super) fn touch(node: *const Node) {
    // SAFETY: the caller's node is alive.
    if unsafe { (*node).is(CLEAN | STUB) } {
        touch_lineage(node);
    }
}

#[inline(never)]
fn touch_lineage(mut node: *const Node) {
    while !node.is_null() {
        // SAFETY: the caller's node is alive, and parents are cleared before they die.
        let current = unsafe { &*node };
        let flags = current.flags.get();
        if flags & (CLEAN | STUB) == 0 {
            return;
        }
        current.flags.set(flags & !(CLEAN | STUB));
        let parent = current.parent.get();
        // SAFETY: as above.
        if flags & STUB != 0 && !parent.is_null() && unsafe { &*parent }.flags.get() & (REPEATED | MAP) == 0 {
            // SAFETY: a node that is neither repeated nor map is a message.
            let parent = unsafe { Message::from_ptr(parent.cast()) };
            mark_set(parent, current.place.get() as usize);
        }
        node = parent;
    }
}

/// Sets the presence of a field whose slot is filled; clears the other members of its oneof.
#[inline]
fn mark_set(message: Message<'_>, at: usize) {
    let desc = message.desc();
    if desc.oneofs >> at & 1 == 1 {
        let others = message.has.get() & desc.field(at).siblings;
        ones(others).for_each(|other| drop_field(message, other));
    }
    message.has.set(message.has.get() | 1 << at);
}

/// Empties a slot. What was in it is on its own from then on.
fn drop_field(message: Message<'_>, at: usize) {
    let slot = message.slot(at);
    message.set_slot(at, Slot::EMPTY);
    message.has.set(message.has.get() & !(1 << at));
    message.live.set(message.live.get() & !(1 << at));
    if let View::Object(object) = slot.view() {
        // SAFETY: the slot owned the reference, and was emptied first.
        unsafe { alloc::release(object, message.desc().nodes >> at & 1 == 1) };
    }
}

/// Puts a converted value, or a message that has no parent, into the field.
#[inline]
pub(super) fn put(py: Python<'_>, message: Message<'_>, at: usize, object: Bound<'_, PyAny>) -> PyResult<()> {
    index::index(py, message)?;
    let old = message.slot(at).ready();
    let is_node = message.desc().nodes >> at & 1 == 1;
    if is_node {
        alloc::adopt(&object, message.as_node(), at);
    }
    message.set_slot(at, Slot::object(object.into_ptr()));
    message.live.set(message.live.get() | 1 << at);
    mark_set(message, at);
    if !old.is_null() {
        // SAFETY: the slot owned the reference, and holds another one now.
        unsafe { alloc::release(old, is_node) };
    }
    touch(message.as_node());
    Ok(())
}

/// `message.field = value`.
pub(super) fn assign(message: Message<'_>, at: usize, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let field = message.desc().field(at);
    if field.shape != Shape::Scalar {
        // `message.items += ...` ends with the assignment of what is there already
        let same = message.slot(at).ready() == value.as_ptr();
        return if same { Ok(()) } else { Err(not_assignable(field)) };
    }
    let value_object = convert::scalar(field, value)?;
    put(value.py(), message, at, value_object)
}

#[cold]
fn not_assignable(field: &Field) -> PyErr {
    let (full, name) = (field.full_name(), field.wire.name);
    PyAttributeError::new_err(match field.shape {
        Shape::Message => format!(
            "{full} is a message and cannot be assigned: set its fields, use .{name}.CopyFrom(...), or pass \
             {name}=... to the constructor"
        ),
        Shape::Map => {
            format!("{full} is a map and cannot be assigned: set its items, or clear() and MergeFrom() it")
        }
        _ => format!(
            "{full} is a repeated field and cannot be assigned: use append() and extend(), or \
             .{name}[:] = ... for plain values"
        ),
    })
}

/// Whether the field is set; of a repeated field or map, whether it has items.
pub(super) fn is_set(py: Python<'_>, message: Message<'_>, at: usize) -> PyResult<bool> {
    index::index(py, message)?;
    let has = message.has.get() >> at & 1 == 1;
    if !has || message.desc().many >> at & 1 == 0 {
        return Ok(has);
    }
    let View::Object(object) = message.slot(at).view() else {
        return Ok(true);
    };
    // SAFETY: the slot of such a field holds such a container.
    Ok(unsafe {
        match message.desc().field(at).shape {
            Shape::Map => map::len(object) > 0,
            _ => repeated::len(object) > 0,
        }
    })
}

/// Unsets the field. A message or container that was read before is on its own from then on.
pub(super) fn unset(py: Python<'_>, message: Message<'_>, at: usize) -> PyResult<()> {
    index::index(py, message)?;
    drop_field(message, at);
    touch(message.as_node());
    Ok(())
}
