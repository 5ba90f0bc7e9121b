//! Birth and death of messages, and the link between parent and child.
//!
//! # Invariants
//! * Nothing here runs Python code: slots hold only objects whose end is silent (see `layout`).
//! * Freeing a deep message does not recurse without bound: below `NESTED` levels the rest is queued, and
//!   the outermost call frees it.

#![expect(unsafe_code, reason = "object allocation, reference counts, tp_dealloc")]

use super::desc::{Attached, Desc, ones};
use super::freelist;
use super::layout::{CLEAN, COMPLETE, MAP, Message, Node, RAW, REPEATED, Slot, View};
use super::value::Source;
use super::{map, repeated};
use pyo3::ffi;
use pyo3::prelude::*;
use std::ptr;

/// A new, empty message.
#[inline]
pub(super) fn empty<'py>(py: Python<'py>, desc: &'static Desc) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the class lives for ever, and `size` is its instances' size: a header and slots.
    unsafe {
        let object = zeroed(py, desc.class, desc.size)?;
        Message::init(object.as_ptr(), desc);
        Ok(object)
    }
}

#[cold]
fn no_memory() -> PyErr {
    pyo3::exceptions::PyMemoryError::new_err("no memory for a message")
}

/// A message over validated bytes, read when it is looked at.
#[inline]
pub(super) fn parsed<'py>(
    py: Python<'py>,
    desc: &'static Desc,
    source: Source<'_>,
) -> PyResult<Bound<'py, PyAny>> {
    let object = empty(py, desc)?;
    // SAFETY: just made, so there is no other owner to let go; the message takes a reference of its own.
    unsafe {
        let message = Message::from_ptr(object.as_ptr());
        ffi::Py_XINCREF(source.owner);
        message.owner.set(source.owner);
        message.bytes.set(source.bytes.as_ptr());
        message.node.len.set(source.bytes.len() as u32);
        message.node.flags.set(RAW | CLEAN | if source.complete { COMPLETE } else { 0 });
    }
    Ok(object)
}

/// Makes an empty message one over validated bytes.
pub(super) fn load(message: Message<'_>, source: Source<'_>) {
    // SAFETY: alive; the message takes a reference of its own.
    unsafe { ffi::Py_XINCREF(source.owner) };
    let old = message.owner.replace(source.owner);
    message.bytes.set(source.bytes.as_ptr());
    message.node.len.set(source.bytes.len() as u32);
    message.node.remove(COMPLETE);
    message.node.add(RAW | CLEAN | if source.complete { COMPLETE } else { 0 });
    // SAFETY: the message owned it; owners are `bytes` or our own buffers.
    unsafe { ffi::Py_XDECREF(old) };
}

/// An object of `class`, with zeros behind its base.
///
/// # Safety
/// `size` is the `tp_basicsize` of `class`, which is a class that is never freed.
#[inline]
pub(super) unsafe fn zeroed<'py>(
    py: Python<'py>,
    class: *mut ffi::PyTypeObject,
    size: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let memory = freelist::take(py, size);
    if memory.is_null() {
        return Err(no_memory());
    }
    // SAFETY: the memory has `size` bytes and belongs to nobody else.
    unsafe {
        const BASE: usize = size_of::<ffi::PyObject>();
        ptr::write_bytes(memory.add(BASE), 0, size - BASE);
        Ok(Bound::from_owned_ptr(py, born(memory.cast(), class)))
    }
}

/// Makes an object of memory. It owns no reference to its class, since classes live for ever.
///
/// # Safety
/// `object` is memory for an instance of `class`.
#[inline]
unsafe fn born(object: *mut ffi::PyObject, class: *mut ffi::PyTypeObject) -> *mut ffi::PyObject {
    // count and class are all there is, but in free-threaded builds; the limited API does not say
    const IS_PLAIN: bool = cfg!(not(feature = "abi3")) && size_of::<ffi::PyObject>() == 16;
    // SAFETY: what PyObject_Init does, without counting the class, or with that count given back.
    unsafe {
        if IS_PLAIN {
            object.write(ffi::PyObject { ob_type: class, ..ffi::PyObject_HEAD_INIT });
            object
        } else {
            let object = ffi::PyObject_Init(object, class);
            ffi::Py_DECREF(class.cast());
            object
        }
    }
}

/// Puts a node below another.
pub(super) fn adopt(child: &Bound<'_, PyAny>, parent: *mut Node, place: usize) {
    // SAFETY: callers pass messages, repeated fields and maps, which all begin with `Node`.
    let node = unsafe { &*child.as_ptr().cast::<Node>() };
    node.parent.set(parent);
    node.place.set(place as u16);
}

/// Lets go of an object that was in a slot: forgets the parent if it is a node, and drops the reference.
///
/// # Safety
/// The reference is owned by the caller, and `is_node` tells whether it is a node.
#[inline]
pub(super) unsafe fn release(object: *mut ffi::PyObject, is_node: bool) {
    // SAFETY: the caller's promises.
    unsafe {
        if is_node {
            (*object.cast::<Node>()).parent.set(ptr::null_mut());
            if ffi::Py_REFCNT(object) == 1 {
                return dealloc(object); // at once, as CPython would: most children are nobody else's
            }
        }
        ffi::Py_DECREF(object);
    }
}

/// Empties all slots and forgets the parsed bytes and unknown fields; what the parent knows is not touched.
pub(super) fn clear(message: Message<'_>) {
    let mut live = message.live.replace(0);
    message.has.set(0);
    message.node.remove(RAW | CLEAN | COMPLETE);
    message.clear_unknown();
    let desc = message.desc();
    for index in 0..desc.fields.len() {
        let slot = message.slot(index);
        message.set_slot(index, Slot::EMPTY);
        if let View::Object(object) = slot.view() {
            debug_assert!(live >> index & 1 == 1);
            live &= !(1 << index);
            // SAFETY: the slot owned the reference, and was emptied first.
            unsafe { release(object, desc.nodes >> index & 1 == 1) };
        }
    }
    message.bytes.set(ptr::null());
    message.node.len.set(0);
    // SAFETY: the message owned it; owners are `bytes` or our own buffers.
    unsafe { ffi::Py_XDECREF(message.owner.replace(ptr::null_mut())) };
}

/// Drops what the slots own: the message is about to be freed.
fn release_slots(message: Message<'_>) {
    let nodes = message.desc().nodes;
    for index in ones(message.live.get()) {
        // SAFETY: the slot owns the reference, and nobody looks at it any more.
        unsafe { release(message.slot(index).held(), nodes >> index & 1 == 1) };
    }
}

/// How deep deallocations may nest before they are queued.
const NESTED: u32 = 100;

struct Graveyard {
    depth: u32,
    /// linked by `Node::parent`, which the dead no longer need
    first: *mut Node,
}

// SAFETY: only reached through `Attached`.
unsafe impl Send for Graveyard {}

static GRAVEYARD: Attached<Graveyard> = Attached::new(Graveyard { depth: 0, first: ptr::null_mut() });

/// Whether it is a message, a repeated field or a map: nothing else is freed by `dealloc`.
#[inline]
pub(super) fn is_node(object: &Bound<'_, PyAny>) -> bool {
    // SAFETY: alive, as the reference shows.
    let class = unsafe { ffi::Py_TYPE(object.as_ptr()) };
    #[cfg(not(feature = "abi3"))]
    // SAFETY: a type lives as long as its instances.
    let free = unsafe { (*class).tp_dealloc };
    #[cfg(feature = "abi3")]
    // SAFETY: the same; the slot holds a `tp_dealloc` or null.
    let free = unsafe {
        std::mem::transmute::<*mut std::ffi::c_void, Option<ffi::destructor>>(ffi::PyType_GetSlot(
            class,
            ffi::Py_tp_dealloc,
        ))
    };
    free.is_some_and(|free| std::ptr::fn_addr_eq(free, dealloc as ffi::destructor))
}

/// `tp_dealloc` of messages, repeated fields and maps.
pub(super) unsafe extern "C" fn dealloc(object: *mut ffi::PyObject) {
    // SAFETY: deallocation happens attached.
    let py = unsafe { Python::assume_attached() };
    let node = object.cast::<Node>();
    let queued = GRAVEYARD.with(py, |graveyard| {
        if graveyard.depth >= NESTED {
            // SAFETY: the node is dead but not freed; nobody else has a pointer to it.
            unsafe { (*node).parent.set(graveyard.first) };
            graveyard.first = node;
            return true;
        }
        graveyard.depth += 1;
        false
    });
    if queued {
        return;
    }
    // SAFETY: dead, and freed exactly once.
    unsafe { bury(py, node) };
    let outermost = GRAVEYARD.with(py, |graveyard| {
        graveyard.depth -= 1;
        graveyard.depth == 0
    });
    if !outermost {
        return;
    }
    loop {
        let next = GRAVEYARD.with(py, |graveyard| {
            let next = graveyard.first;
            if !next.is_null() {
                // SAFETY: queued nodes are not freed yet.
                graveyard.first = unsafe { (*next).parent.get() };
                graveyard.depth = 1;
            }
            next
        });
        if next.is_null() {
            break;
        }
        // SAFETY: dead, and taken out of the queue.
        unsafe { bury(py, next) };
        GRAVEYARD.with(py, |graveyard| graveyard.depth = 0);
    }
}

/// Frees one node and drops what it owns.
///
/// # Safety
/// Its reference count is 0, and this is called once.
unsafe fn bury(py: Python<'_>, node: *mut Node) {
    // SAFETY: still allocated until the last line; the flags tell its type.
    unsafe {
        let flags = (*node).flags.get();
        let size = if flags & REPEATED != 0 {
            repeated::release_items(py, node.cast());
            size_of::<repeated::Items>()
        } else if flags & MAP != 0 {
            map::release_items(node.cast());
            map::SIZE
        } else {
            let message = Message::from_ptr(node.cast());
            release_slots(message);
            message.clear_unknown();
            ffi::Py_XDECREF(message.owner.get());
            message.desc().size
        };
        freelist::give(py, node.cast(), size);
    }
}
