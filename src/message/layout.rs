//! How a message, a repeated field and a map lie in memory, and what their flags mean.
//!
//! A message is a header followed by one slot for each field of its type. A slot is empty, holds a Python
//! object, or holds a span of the bytes the message was parsed from; a span becomes an object when the
//! field is first read. Everything here is plain reading and writing of these structs: what is consistent
//! with what is the business of the other files.
//!
//! # Invariants
//! * A slot that holds an object owns one reference to it, and has its bit in `live` set.
//! * Objects in slots are exact `str bytes int float bool`, members of our enums, or our own nodes:
//!   dropping one never runs Python code.
//! * Ownership goes down only. A child's `parent` is borrowed; who lets go of a child clears it first.
//!   So there are no cycles, and none of the types takes part in garbage collection.
//! * The span of a repeated field or map covers its items with their tags (`index`), that of any other field the value.
//! * Spans are relative to `bytes`, which `owner` keeps alive, and came through the validating scan.
//! * `RAW` implies `CLEAN`, empty slots and meaningless `has`.
//! * `CLEAN`: `bytes` encodes the message with everything below it. A node that is neither `CLEAN` nor
//!   `STUB` has a parent that is neither.
//! * All of it is touched only by a thread attached to the interpreter, with the GIL held.

#![expect(unsafe_code, reason = "the object layout: headers, slots behind them, borrowed parents")]

use super::alloc;
use super::desc::Desc;
use super::value::Source;
use crate::wire::Bits;
use pyo3::ffi;
use pyo3::prelude::*;
use std::cell::{Cell, UnsafeCell};
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::{self, NonNull};

#[cfg(not(target_pointer_width = "64"))]
compile_error!("a slot keeps offset and length in one 64-bit word");

/// Unchanged since it was parsed.
pub(super) const CLEAN: u16 = 1;
/// Made by reading an unset field: the first change sets the field in the parent.
pub(super) const STUB: u16 = 2;
/// Not yet split into fields.
pub(super) const RAW: u16 = 4;
/// What was parsed is known to have every required field, all the way down: so has each span of it, also after
/// the message was changed.
pub(super) const COMPLETE: u16 = 8;
/// The node is a `Repeated`.
pub(super) const REPEATED: u16 = 16;
/// The node is a `Map`.
pub(super) const MAP: u16 = 32;

/// What messages, repeated fields and maps begin with.
#[repr(C)]
pub(super) struct Node {
    base: UnsafeCell<ffi::PyObject>,
    pub(super) parent: Cell<*mut Node>,
    pub(super) flags: Cell<u16>,
    /// index of the field in the parent, if that is a message
    pub(super) place: Cell<u16>,
    /// of the bytes that spans are relative to
    pub(super) len: Cell<u32>,
}

impl Node {
    pub(super) fn is(&self, flag: u16) -> bool {
        self.flags.get() & flag != 0
    }

    pub(super) fn add(&self, flag: u16) {
        self.flags.set(self.flags.get() | flag);
    }

    pub(super) fn remove(&self, flag: u16) {
        self.flags.set(self.flags.get() & !flag);
    }
}

/// The header of a message.
#[repr(C)]
pub(super) struct Head {
    pub(super) node: Node,
    desc: &'static Desc,
    /// bit i: field i is set
    pub(super) has: Cell<Bits>,
    /// bit i: slot i holds an object
    pub(super) live: Cell<Bits>,
    /// what keeps `bytes` alive; null if nothing was parsed
    pub(super) owner: Cell<*mut ffi::PyObject>,
    pub(super) bytes: Cell<*const u8>,
    /// fields that the type does not have, encoded as they came
    #[expect(clippy::box_collection, reason = "rarely there: one word in the header, not three")]
    unknown: Cell<Option<Box<Vec<u8>>>>,
}

/// One field's place: nothing, an object, or a span (offset and length with the lowest bit set, which no
/// pointer to an object has).
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub(super) struct Slot(*mut ffi::PyObject);

/// What a slot holds.
pub(super) enum View {
    Empty,
    Span(usize, usize),
    Object(*mut ffi::PyObject),
}

impl Slot {
    pub(super) const EMPTY: Slot = Slot(ptr::null_mut());

    pub(super) fn span(offset: usize, len: usize) -> Self {
        Slot(ptr::without_provenance_mut(offset << 32 | len << 1 | 1))
    }

    pub(super) fn object(object: *mut ffi::PyObject) -> Self {
        Slot(object)
    }

    /// The object, if it holds one; else null.
    #[inline]
    pub(super) fn ready(self) -> *mut ffi::PyObject {
        if self.0.addr() & 1 == 0 { self.0 } else { ptr::null_mut() }
    }

    /// The object that it is known to hold.
    #[inline]
    pub(super) fn held(self) -> *mut ffi::PyObject {
        debug_assert!(!self.ready().is_null());
        self.0
    }

    pub(super) fn view(self) -> View {
        let word = self.0.addr();
        if word == 0 {
            View::Empty
        } else if word & 1 == 0 {
            View::Object(self.0)
        } else {
            View::Span(word >> 32, (word & 0xffff_ffff) >> 1)
        }
    }
}

/// A message that is alive for `'a`. Copying it costs nothing; it owns no reference.
#[derive(Clone, Copy)]
pub(super) struct Message<'a> {
    head: NonNull<Head>,
    life: PhantomData<&'a Head>,
}

impl Deref for Message<'_> {
    type Target = Head;

    fn deref(&self) -> &Head {
        // SAFETY: alive for `'a` by construction; every field that changes is a cell.
        unsafe { self.head.as_ref() }
    }
}

impl<'a> Message<'a> {
    /// # Safety
    /// `object` is an instance of one of the message types, alive for `'a`.
    #[inline]
    pub(super) unsafe fn from_ptr(object: *mut ffi::PyObject) -> Self {
        // SAFETY: objects are not null, and all message types begin with `Head`.
        Message { head: unsafe { NonNull::new_unchecked(object.cast()) }, life: PhantomData }
    }

    /// The message that `object` is, if it is one.
    #[inline]
    pub(super) fn of(object: &'a Bound<'_, PyAny>) -> Option<Self> {
        // SAFETY: the type was asked, and the caller's reference keeps the object alive.
        alloc::is_node(object)
            .then(|| unsafe { Message::from_ptr(object.as_ptr()) })
            .filter(|message| !message.node.is(REPEATED | MAP))
    }

    pub(super) fn desc(self) -> &'static Desc {
        self.head().desc
    }

    fn head(&self) -> &Head {
        self
    }

    pub(super) fn as_ptr(self) -> *mut ffi::PyObject {
        self.head.as_ptr().cast()
    }

    pub(super) fn as_node(self) -> *mut Node {
        self.head.as_ptr().cast()
    }

    /// A new reference to it.
    pub(super) fn bound<'py>(self, py: Python<'py>) -> Bound<'py, PyAny> {
        // SAFETY: alive, and a Python object.
        unsafe { Bound::from_borrowed_ptr(py, self.as_ptr()) }
    }

    fn place(self, index: usize) -> *mut Slot {
        debug_assert!(index < self.desc().fields.len());
        // SAFETY: the allocation has one slot for each field behind the header.
        unsafe { self.head.as_ptr().add(1).cast::<Slot>().add(index) }
    }

    #[inline]
    pub(super) fn slot(self, index: usize) -> Slot {
        // SAFETY: within the allocation; slots are written as a whole, by threads that hold the GIL.
        unsafe { self.place(index).read() }
    }

    /// Overwrites the slot. References in and out are the caller's business.
    pub(super) fn set_slot(self, index: usize, slot: Slot) {
        // SAFETY: as for reading.
        unsafe { self.place(index).write(slot) }
    }

    /// Looks at the fields that the type does not have, encoded as they came. `look` does not touch the message.
    #[inline]
    pub(super) fn with_unknown<R>(self, look: impl FnOnce(&[u8]) -> R) -> R {
        let bytes = self.unknown.take();
        let result = look(bytes.as_ref().map_or(&[], |bytes| bytes.as_slice()));
        self.unknown.set(bytes);
        result
    }

    #[inline(never)]
    pub(super) fn add_unknown(self, more: &[u8]) {
        if !more.is_empty() {
            let mut bytes = self.unknown.take().unwrap_or_default();
            bytes.extend_from_slice(more);
            self.unknown.set(Some(bytes));
        }
    }

    pub(super) fn clear_unknown(self) {
        self.unknown.set(None);
    }

    /// Makes an empty message of a fresh object.
    ///
    /// # Safety
    /// `object` has room for the header and the slots of `desc`; all of it is zero behind what Python objects begin with.
    #[inline]
    pub(super) unsafe fn init(object: *mut ffi::PyObject, desc: &'static Desc) -> Self {
        let head = object.cast::<Head>();
        // SAFETY: within the allocation, which nobody else knows. In the other fields zero is null, 0 or None.
        unsafe {
            (&raw mut (*head).desc).write(desc);
            Message::from_ptr(object)
        }
    }

    /// The bytes it was parsed from, with their owner and what is known of them.
    ///
    /// # Safety
    /// As for `parsed`.
    pub(super) unsafe fn source(self) -> Source<'a> {
        // SAFETY: the caller's promise.
        let bytes = unsafe { self.parsed() };
        Source { bytes, owner: self.owner.get(), complete: self.node.is(COMPLETE) }
    }

    /// The bytes it was parsed from.
    ///
    /// # Safety
    /// Not used after `owner` may have changed, that is after the message was written to.
    pub(super) unsafe fn parsed(self) -> &'a [u8] {
        if self.bytes.get().is_null() {
            return &[];
        }
        // SAFETY: `owner` keeps them alive, for as long as the caller promises.
        unsafe { std::slice::from_raw_parts(self.bytes.get(), self.node.len.get() as usize) }
    }
}
