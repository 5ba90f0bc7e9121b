//! Map fields: the object, its entries and how they change. `map_methods` is what Python sees.
//!
//! Entries stay spans until the map is first looked at; then they are a dict, which nobody else can change: it is
//! never handed out, nor shown to a method of the user's such as `__eq__`.
//!
//! # Invariants
//! * `pending` is empty or `dict` is null.
//! * Keys of the dict are exact `str`; values are what slots hold. Messages among them have the map as parent.

#![expect(unsafe_code, reason = "an object with a Rust vector in it, made and freed by hand")]

use super::boundary::argument;
use super::desc::{Desc, Field};
use super::layout::{COMPLETE, MAP, Message, Node, STUB};
use super::types;
use super::value::Source;
use super::{access, alloc, convert, merge};
use pyo3::exceptions::PyKeyError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::cell::{Cell, UnsafeCell};
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::{self, NonNull};

/// The object behind a map field.
#[repr(C)]
pub(super) struct Entries {
    pub(super) node: Node,
    field: &'static Field,
    owner: *mut ffi::PyObject,
    bytes: *const u8,
    /// offset and length of entries not looked at yet
    pending: UnsafeCell<Vec<(usize, usize)>>,
    dict: Cell<*mut ffi::PyObject>,
}

pub(super) const SIZE: usize = size_of::<Entries>();

/// A map that is alive for `'a`. Owns no reference.
#[derive(Clone, Copy)]
pub(super) struct Map<'a> {
    entries: NonNull<Entries>,
    life: PhantomData<&'a Entries>,
}

impl Deref for Map<'_> {
    type Target = Entries;

    fn deref(&self) -> &Entries {
        // SAFETY: alive for `'a` by construction; what changes is in cells.
        unsafe { self.entries.as_ref() }
    }
}

/// An empty one, without parent.
pub(super) fn empty<'py>(py: Python<'py>, field: &'static Field) -> PyResult<Bound<'py, PyAny>> {
    over(py, field, Source { bytes: &[], owner: ptr::null_mut(), complete: false })
}

/// One without entries yet, for spans of `source`.
pub(super) fn over<'py>(
    py: Python<'py>,
    field: &'static Field,
    source: Source<'_>,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the class is alive for ever and its instances are `Entries`.
    unsafe {
        let object = alloc::zeroed(py, types::map_class(py)?, SIZE)?;
        let entries = object.as_ptr().cast::<Entries>();
        (*entries).node.flags.set(MAP | if source.complete { COMPLETE } else { 0 });
        (&raw mut (*entries).field).write(field);
        ffi::Py_XINCREF(source.owner);
        (&raw mut (*entries).owner).write(source.owner);
        (&raw mut (*entries).bytes).write(source.bytes.as_ptr());
        (*entries).node.len.set(source.bytes.len() as u32);
        (&raw mut (*entries).pending).write(UnsafeCell::new(Vec::new()));
        Ok(object)
    }
}

/// Adds an entry that is a span of the map's bytes.
///
/// # Safety
/// `object` is a map nobody has looked at.
pub(super) unsafe fn push_span(object: *mut ffi::PyObject, offset: usize, len: usize) {
    // SAFETY: the caller's promise.
    unsafe { Map::from_ptr(object) }.with_pending(|pending| pending.push((offset, len)));
}

/// How many entries it has (one key that came twice counts twice, until the map is looked at).
///
/// # Safety
/// `object` is a map.
pub(super) unsafe fn len(object: *mut ffi::PyObject) -> usize {
    // SAFETY: the caller's promise.
    let map = unsafe { Map::from_ptr(object) };
    let dict = map.dict.get();
    if dict.is_null() {
        return map.with_pending(|pending| pending.len());
    }
    // SAFETY: a dict, owned by the map.
    unsafe { ffi::PyDict_Size(dict) as usize }
}

/// Drops all it owns: it is about to be freed.
///
/// # Safety
/// Nobody uses it any more.
pub(super) unsafe fn release_items(object: *mut Entries) {
    // SAFETY: initialised by `over`, and released once; iterators may still hold the dict, so values forget
    // their parent first.
    unsafe {
        let map = Map::from_ptr(object.cast());
        if !map.dict.get().is_null() {
            map.detach_values();
            ffi::Py_DECREF(map.dict.get());
        }
        drop(ptr::read((*object).pending.get()));
        ffi::Py_XDECREF((*object).owner);
    }
}

impl<'a> Map<'a> {
    /// # Safety
    /// `object` is a map, alive for `'a`.
    pub(super) unsafe fn from_ptr(object: *mut ffi::PyObject) -> Self {
        // SAFETY: objects are not null.
        Map { entries: unsafe { NonNull::new_unchecked(object.cast()) }, life: PhantomData }
    }

    /// The map that `object` is, if it is one.
    pub(super) fn of(object: &'a Bound<'_, PyAny>) -> Option<Self> {
        let class = types::map_class(object.py()).ok()?;
        // SAFETY: alive; the type is compared.
        unsafe { (ffi::Py_TYPE(object.as_ptr()) == class).then(|| Map::from_ptr(object.as_ptr())) }
    }

    /// A new reference to it.
    pub(super) fn bound<'py>(self, py: Python<'py>) -> Bound<'py, PyAny> {
        // SAFETY: alive, and a Python object.
        unsafe { Bound::from_borrowed_ptr(py, self.entries.as_ptr().cast()) }
    }

    pub(super) fn as_node(self) -> *mut Node {
        self.entries.as_ptr().cast()
    }

    pub(super) fn field(self) -> &'static Field {
        self.entries().field
    }

    fn entries(&self) -> &Entries {
        self
    }

    /// `body` neither runs Python code nor comes back here.
    fn with_pending<R>(self, body: impl FnOnce(&mut Vec<(usize, usize)>) -> R) -> R {
        // SAFETY: the GIL is held and `body` keeps it.
        body(unsafe { &mut *self.entries().pending.get() })
    }

    /// The entries that nobody looked at; None once somebody has.
    pub(super) fn spans(self) -> Option<Vec<(usize, usize)>> {
        self.dict.get().is_null().then(|| self.with_pending(|pending| pending.clone()))
    }

    /// The bytes that spans are relative to, and their owner.
    pub(super) fn source(self) -> Source<'a> {
        let bytes = if self.entries().bytes.is_null() {
            &[]
        } else {
            // SAFETY: the owner is fixed for the life of the map.
            unsafe { std::slice::from_raw_parts(self.entries().bytes, self.node.len.get() as usize) }
        };
        Source { bytes, owner: self.entries().owner, complete: self.node.is(COMPLETE) }
    }

    /// Key and value of each entry, borrowed from the dict; empty if nobody has looked at the map.
    pub(super) fn pairs(self) -> Vec<(*mut ffi::PyObject, *mut ffi::PyObject)> {
        let mut pairs = Vec::new();
        let (mut position, mut key, mut value) = (0, ptr::null_mut(), ptr::null_mut());
        let dict = self.dict.get();
        if dict.is_null() {
            return pairs;
        }
        // SAFETY: the documented protocol of PyDict_Next; nothing changes the dict meanwhile.
        while unsafe { ffi::PyDict_Next(dict, &raw mut position, &raw mut key, &raw mut value) } != 0 {
            pairs.push((key, value));
        }
        pairs
    }

    pub(super) fn holds_messages(self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.value_field(py)?.wire.message().is_some())
    }

    pub(super) fn value_field(self, py: Python<'_>) -> PyResult<&'static Field> {
        Ok(self.field().child(py)?.field(1))
    }

    fn key_field(self, py: Python<'_>) -> PyResult<&'static Field> {
        Ok(self.field().child(py)?.field(0))
    }

    /// Values that are messages are on their own from now on.
    fn detach_values(self) {
        // the dict's existence implies that the entry's type was made
        let values = self.field().wire.message().and_then(|entry| entry.fields.get(1));
        if values.is_some_and(|value| value.message().is_some()) {
            for (_, value) in self.pairs() {
                // SAFETY: messages begin with `Node`.
                unsafe { (*value.cast::<Node>()).parent.set(ptr::null_mut()) };
            }
        }
    }

    /// What the map holds in a dict that anybody may have.
    pub(super) fn snapshot<'py>(self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.dict(py)?.copy()
    }

    /// The dict, made of the entries if this is the first look.
    pub(super) fn dict<'py>(self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        if self.dict.get().is_null() {
            let dict = PyDict::new(py); // may run Python code: look again
            let entry = self.field().child(py)?;
            let (keys, values) = (entry.field(0), entry.field(1));
            keys.prepare(py)?;
            values.prepare(py)?;
            for (offset, len) in self.with_pending(|pending| pending.clone()) {
                let bytes = self.source().bytes.get(offset..offset + len).unwrap_or_default();
                let (key, value) = self.pair(py, entry, Source { bytes, ..self.source() })?;
                dict.set_item(key, value)?;
            }
            if self.dict.get().is_null() {
                self.with_pending(Vec::clear);
                self.dict.set(dict.into_any().into_ptr());
                for (_, value) in self.pairs() {
                    self.own(py, value)?;
                }
            }
        }
        // SAFETY: owned by the map, and a dict.
        unsafe { Ok(Bound::from_borrowed_ptr(py, self.dict.get()).cast_into_unchecked()) }
    }

    fn own(self, py: Python<'_>, value: *mut ffi::PyObject) -> PyResult<()> {
        if self.holds_messages(py)? {
            // SAFETY: a message in the dict.
            let value = unsafe { argument(py, value) };
            alloc::adopt(&value, self.as_node(), 0);
        }
        Ok(())
    }

    /// Key and value of an entry, which is a message like any other on the wire.
    fn pair<'py>(
        self,
        py: Python<'py>,
        entry: &'static Desc,
        source: Source<'_>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let object = alloc::parsed(py, entry, source)?;
        // SAFETY: just made.
        let message = unsafe { Message::from_ptr(object.as_ptr()) };
        let pair = (access::read(py, message, 0)?, access::read(py, message, 1)?);
        if let Some(value) = Message::of(&pair.1).filter(|value| value.node.is(STUB)) {
            // a value that was left out is an empty one, parsed from no bytes
            value.node.remove(STUB);
            alloc::load(value, Source { bytes: &[], ..source });
        }
        Ok(pair) // the entry goes, and the value forgets it
    }

    pub(super) fn key<'py>(self, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        convert::scalar(self.key_field(key.py())?, key)
    }

    /// The value of a key. A missing message is made, as google.protobuf does.
    pub(super) fn get<'py>(self, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = key.py();
        let key = self.key(key)?;
        let dict = self.dict(py)?;
        if let Some(value) = dict.get_item(&key)? {
            return Ok(value);
        }
        if !self.holds_messages(py)? {
            return Err(PyKeyError::new_err(key.unbind()));
        }
        let value = alloc::empty(py, self.value_field(py)?.child(py)?)?;
        self.put(py, &key, value.clone())?;
        Ok(value)
    }

    /// Puts a converted value under a converted key.
    pub(super) fn put<'py>(
        self,
        py: Python<'py>,
        key: &Bound<'py, PyAny>,
        value: Bound<'py, PyAny>,
    ) -> PyResult<()> {
        self.remove(py, key)?;
        self.own(py, value.as_ptr())?;
        self.dict(py)?.set_item(key, value)?;
        access::touch(self.as_node());
        Ok(())
    }

    /// Takes the value of a key out; None if there is none.
    pub(super) fn remove<'py>(
        self,
        py: Python<'py>,
        key: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let dict = self.dict(py)?;
        let Some(value) = dict.get_item(key)? else { return Ok(None) };
        dict.del_item(key)?;
        if self.holds_messages(py)? {
            access::node(&value).parent.set(ptr::null_mut());
        }
        access::touch(self.as_node());
        Ok(Some(value))
    }

    pub(super) fn clear(self, py: Python<'_>) -> PyResult<()> {
        let dict = self.dict(py)?;
        self.detach_values();
        dict.clear();
        access::touch(self.as_node());
        Ok(())
    }

    /// Sets what a dict or another map holds; messages are replaced.
    pub(super) fn update<'py>(self, py: Python<'py>, value: &Bound<'py, PyAny>) -> PyResult<()> {
        match Map::of(value) {
            Some(other) if ptr::eq(other.field(), self.field()) => self.update_from_own_kind(py, other),
            Some(other) => self.update_from(py, &other.dict(py)?),
            None => match value.cast::<PyDict>() {
                Ok(dict) => self.update_from(py, dict),
                Err(_) => Err(super::errors::wrong_type(self.field(), "a dict", value)),
            },
        }
    }

    /// Keys and values need no conversion, and some would not stand it: keys that are not UTF-8.
    fn update_from_own_kind<'py>(self, py: Python<'py>, other: Map<'_>) -> PyResult<()> {
        for pair in other.dict(py)?.items() {
            let (key, value): (Bound<'py, PyAny>, Bound<'py, PyAny>) = pair.extract()?;
            let value = match Message::of(&value) {
                Some(message) => merge::copy(py, message)?,
                None => value,
            };
            self.put(py, &key, value)?;
        }
        access::touch(self.as_node());
        Ok(())
    }

    fn update_from<'py>(self, py: Python<'py>, other: &Bound<'py, PyDict>) -> PyResult<()> {
        let values = self.value_field(py)?;
        for pair in other.items() {
            let (key, value): (Bound<'py, PyAny>, Bound<'py, PyAny>) = pair.extract()?;
            let value = convert::item(values, &value, convert::TOP)?;
            self.put(py, &self.key(&key)?, value)?;
        }
        access::touch(self.as_node());
        Ok(())
    }
}
