//! Repeated fields: the object, its items and how they are read. `repeated_methods` is what Python sees.
//!
//! # Invariants
//! * Items are slots like those of a message, never empty; items that are messages have the container as parent.
//! * Spans are relative to `bytes`, which `owner` keeps alive.
//! * `items` is not borrowed while Python code may run: it may change the list.

#![expect(unsafe_code, reason = "an object with a Rust vector in it, made and freed by hand")]

use super::desc::{Field, Shape};
use super::layout::{COMPLETE, Node, REPEATED, Slot, View};
use super::value::{self, Source};
use super::{access, alloc, freelist, types};
use crate::wire::Kind;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyList;
use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::{self, NonNull};

/// The object behind a repeated field.
#[repr(C)]
pub(super) struct Items {
    pub(super) node: Node,
    field: &'static Field,
    owner: *mut ffi::PyObject,
    bytes: *const u8,
    items: UnsafeCell<Vec<Slot>>,
}

/// A repeated field that is alive for `'a`. Owns no reference.
#[derive(Clone, Copy)]
pub(super) struct Repeated<'a> {
    items: NonNull<Items>,
    life: PhantomData<&'a Items>,
}

impl Deref for Repeated<'_> {
    type Target = Items;

    fn deref(&self) -> &Items {
        // SAFETY: alive for `'a` by construction; what changes is in cells.
        unsafe { self.items.as_ref() }
    }
}

/// An empty one, without parent.
pub(super) fn empty<'py>(py: Python<'py>, field: &'static Field) -> PyResult<Bound<'py, PyAny>> {
    over(py, field, Source { bytes: &[], owner: ptr::null_mut(), complete: false })
}

/// One without items yet, for spans of `source`.
pub(super) fn over<'py>(
    py: Python<'py>,
    field: &'static Field,
    source: Source<'_>,
) -> PyResult<Bound<'py, PyAny>> {
    debug_assert_eq!(field.shape, Shape::Repeated);
    // SAFETY: the class is alive for ever and its instances are `Items`; fields live for ever, too.
    unsafe {
        let object = alloc::zeroed(py, types::repeated_class(py)?, size_of::<Items>())?;
        let items = object.as_ptr().cast::<Items>();
        (*items).node.flags.set(REPEATED | if source.complete { COMPLETE } else { 0 });
        (&raw mut (*items).field).write(field);
        ffi::Py_XINCREF(source.owner);
        (&raw mut (*items).owner).write(source.owner);
        (&raw mut (*items).bytes).write(source.bytes.as_ptr());
        (*items).node.len.set(source.bytes.len() as u32);
        (&raw mut (*items).items).write(UnsafeCell::new(freelist::vector(py)));
        Ok(object)
    }
}

/// Adds an item that is a span of the container's bytes.
///
/// # Safety
/// `object` is a repeated field.
pub(super) unsafe fn push_span(object: *mut ffi::PyObject, offset: usize, len: usize) {
    // SAFETY: the caller's promise.
    unsafe { Repeated::from_ptr(object) }.with(|items| items.push(Slot::span(offset, len)));
}

/// How many items it has.
///
/// # Safety
/// `object` is a repeated field.
pub(super) unsafe fn len(object: *mut ffi::PyObject) -> usize {
    // SAFETY: the caller's promise.
    unsafe { Repeated::from_ptr(object) }.len()
}

/// Drops all it owns: it is about to be freed.
///
/// # Safety
/// Nobody uses it any more.
pub(super) unsafe fn release_items(py: Python<'_>, object: *mut Items) {
    // SAFETY: initialised by `over`, and released once.
    unsafe {
        let items = ptr::read((*object).items.get());
        let are_nodes = (*object).field.kind == Kind::Message;
        for slot in &items {
            let item = slot.ready();
            if !item.is_null() {
                alloc::release(item, are_nodes);
            }
        }
        freelist::keep(py, items);
        ffi::Py_XDECREF((*object).owner);
    }
}

impl<'a> Repeated<'a> {
    /// # Safety
    /// `object` is a repeated field, alive for `'a`.
    pub(super) unsafe fn from_ptr(object: *mut ffi::PyObject) -> Self {
        // SAFETY: objects are not null.
        Repeated { items: unsafe { NonNull::new_unchecked(object.cast()) }, life: PhantomData }
    }

    /// The repeated field that `object` is, if it is one.
    pub(super) fn of(object: &'a Bound<'_, PyAny>) -> Option<Self> {
        let class = types::repeated_class(object.py()).ok()?;
        // SAFETY: alive; the type is compared.
        unsafe { (ffi::Py_TYPE(object.as_ptr()) == class).then(|| Repeated::from_ptr(object.as_ptr())) }
    }

    pub(super) fn field(self) -> &'static Field {
        self.object().field
    }

    fn object(&self) -> &Items {
        self
    }

    /// A new reference to it.
    pub(super) fn bound<'py>(self, py: Python<'py>) -> Bound<'py, PyAny> {
        // SAFETY: alive, and a Python object.
        unsafe { Bound::from_borrowed_ptr(py, self.items.as_ptr().cast()) }
    }

    pub(super) fn as_node(self) -> *mut Node {
        self.items.as_ptr().cast()
    }

    /// Works on the items. `body` neither runs Python code nor comes back here.
    pub(super) fn with<R>(self, body: impl FnOnce(&mut Vec<Slot>) -> R) -> R {
        // SAFETY: the GIL is held and `body` keeps it: no second reference can come to be.
        body(unsafe { &mut *self.object().items.get() })
    }

    pub(super) fn len(self) -> usize {
        self.with(|items| items.len())
    }

    pub(super) fn slot(self, at: usize) -> Option<Slot> {
        self.with(|items| items.get(at).copied())
    }

    pub(super) fn holds_messages(self) -> bool {
        self.field().kind == Kind::Message
    }

    /// The bytes that spans are relative to, and their owner.
    pub(super) fn source(self) -> Source<'a> {
        let bytes = if self.object().bytes.is_null() {
            &[]
        } else {
            // SAFETY: the owner is fixed for the life of the container.
            unsafe { std::slice::from_raw_parts(self.object().bytes, self.node.len.get() as usize) }
        };
        Source { bytes, owner: self.object().owner, complete: self.node.is(COMPLETE) }
    }

    /// The bytes of an item that is a span.
    pub(super) fn span(self, offset: usize, len: usize) -> &'a [u8] {
        self.source().bytes.get(offset..offset + len).unwrap_or_default()
    }

    /// The item at `at`; None behind the end.
    pub(super) fn get<'py>(self, py: Python<'py>, at: usize) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self.slot(at).map(Slot::view) {
            None | Some(View::Empty) => Ok(None),
            // SAFETY: the slot owns it.
            Some(View::Object(object)) => Ok(Some(unsafe { Bound::from_borrowed_ptr(py, object) })),
            Some(View::Span(..)) => self.decode(py, at),
        }
    }

    #[inline(never)]
    fn decode<'py>(self, py: Python<'py>, at: usize) -> PyResult<Option<Bound<'py, PyAny>>> {
        let field = self.field();
        field.prepare(py)?; // may run Python code: the slot is looked at again
        match self.slot(at).map(Slot::view) {
            None | Some(View::Empty) => Ok(None),
            // SAFETY: the slot owns it.
            Some(View::Object(object)) => Ok(Some(unsafe { Bound::from_borrowed_ptr(py, object) })),
            Some(View::Span(offset, len)) => {
                let source = Source { bytes: self.span(offset, len), ..self.source() };
                let object = value::decode(py, field, source, self.as_node())?;
                let slot = Slot::object(object.clone().into_ptr());
                self.with(|items| items[at] = slot);
                Ok(Some(object))
            }
        }
    }

    /// All items, as a list.
    pub(super) fn list<'py>(self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        let mut at = 0;
        while let Some(item) = self.get(py, at)? {
            list.append(item)?;
            at += 1;
        }
        Ok(list)
    }

    /// Takes an item that was converted for this field (a message without parent) and puts it at `at`.
    pub(super) fn insert(self, at: usize, object: Bound<'_, PyAny>) {
        if self.holds_messages() {
            alloc::adopt(&object, self.as_node(), 0);
        }
        self.with(|items| items.insert(at.min(items.len()), Slot::object(object.into_ptr())));
        access::touch(self.as_node());
    }

    #[inline]
    pub(super) fn push(self, object: Bound<'_, PyAny>) {
        if self.holds_messages() {
            alloc::adopt(&object, self.as_node(), 0);
        }
        self.with(|items| items.push(Slot::object(object.into_ptr())));
        access::touch(self.as_node());
    }

    /// Takes the items out of a range.
    pub(super) fn remove(self, range: std::ops::Range<usize>) {
        let gone: Vec<Slot> = self.with(|items| items.drain(range).collect());
        for slot in gone {
            self.let_go(slot);
        }
        access::touch(self.as_node());
    }

    /// Takes out the items at these positions, in one pass.
    pub(super) fn remove_places(self, places: impl Iterator<Item = usize>) {
        let mut places: Vec<usize> = places.collect();
        places.sort_unstable();
        let mut at = 0;
        let mut next = places.iter().copied().peekable();
        let gone: Vec<Slot> = self.with(|items| {
            let is_gone = |_: &mut Slot| {
                at += 1;
                next.next_if_eq(&(at - 1)).is_some()
            };
            items.extract_if(.., is_gone).collect()
        });
        gone.into_iter().for_each(|slot| self.let_go(slot));
        access::touch(self.as_node());
    }

    /// Drops what was an item, now taken out of `items`.
    pub(super) fn let_go(self, slot: Slot) {
        if let View::Object(object) = slot.view() {
            // SAFETY: the slot owned the reference and is out of the list.
            unsafe { alloc::release(object, self.holds_messages()) };
        }
    }
}
