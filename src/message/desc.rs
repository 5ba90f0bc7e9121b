//! What the runtime knows of a message type beyond the schema's tables: its Python class, its fields'
//! names as interned strings, their defaults as objects, and which types the fields hold.
//!
//! A `Desc` is made when its type is first needed and lives as long as the process.
//!
//! # Invariants
//! * There is one `Desc` and one Python class for each message, and neither is ever freed.
//! * Making one allocates garbage-collected objects, so any Python code may run meanwhile: whoever calls
//!   `get`, `Field::child` or `Field::prepare` looks at slots afterwards, not before.

#![expect(unsafe_code, reason = "process-wide tables under the GIL; interned names compared by address")]

use super::bound::Looked;
use super::enums::{self, EnumClass};
use super::layout::{Head, Slot};
use super::names::Names;
use super::{scope, types};
use crate::wire::{self, Bits, Kind, Label};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyFloat, PyString};
use std::cell::{Cell, UnsafeCell};
use std::ptr;

/// Static data that only threads attached to the interpreter touch; the GIL is the lock.
pub(super) struct Attached<T>(UnsafeCell<T>);

// SAFETY: `with` demands the token, and the module is marked as using the GIL.
unsafe impl<T> Sync for Attached<T> {}

impl<T> Attached<T> {
    pub(super) const fn new(value: T) -> Self {
        Attached(UnsafeCell::new(value))
    }

    /// `body` neither runs Python code nor comes back here.
    pub(super) fn with<R>(&self, _py: Python<'_>, body: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: the GIL is held, and `body` keeps it: no second reference can come to be.
        body(unsafe { &mut *self.0.get() })
    }
}

/// A message type.
pub(super) struct Desc {
    pub(super) wire: &'static wire::Message,
    /// module and qualified name of the class: ("mesos", "Offer.Operation")
    pub(super) path: (&'static str, &'static str),
    pub(super) class: *mut ffi::PyTypeObject,
    /// of an instance, in bytes
    pub(super) size: usize,
    pub(super) fields: Box<[Field]>,
    pub(super) names: Names,
    pub(super) methods: Looked,
    /// bit i: what slot i holds is a node (message, repeated or map)
    pub(super) nodes: Bits,
    /// bit i: field i is required
    pub(super) required: Bits,
    /// bit i: slot i holds a repeated field or a map
    pub(super) many: Bits,
    /// bit i: field i is a member of a oneof
    pub(super) oneofs: Bits,
    /// the field that a bare value stands for: ids and other messages that are only a `value`
    pub(super) bare: Option<usize>,
}

/// A field of a message type: what reading and writing it needs lies in one cache line.
#[repr(align(64))]
pub(super) struct Field {
    pub(super) wire: &'static wire::Field,
    pub(super) message: &'static wire::Message,
    pub(super) shape: Shape,
    pub(super) kind: Kind,
    pub(super) index: u8,
    pub(super) tag: u32,
    /// bits of the other members of its oneof
    pub(super) siblings: Bits,
    default: Cell<*mut ffi::PyObject>,
    prepared: Cell<bool>,
    child: Cell<Option<&'static Desc>>,
    values: Cell<Option<&'static EnumClass>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shape {
    /// a string, number, ...
    Scalar,
    Message,
    Repeated,
    Map,
}

struct Tables {
    by_id: Vec<Option<&'static Desc>>,
    /// by the address of the class: asked at every call of one. Each is at its `place` or close behind it.
    by_class: Vec<(*mut ffi::PyTypeObject, Option<&'static Desc>)>,
}

// SAFETY: only reached through `Attached`.
unsafe impl Send for Tables {}

static TABLES: Attached<Option<Tables>> = Attached::new(None);

impl Tables {
    /// At most half of the places are ever taken.
    const PLACES: usize = (wire::MESSAGES.len() * 2).next_power_of_two();

    fn new() -> Tables {
        Tables {
            by_id: vec![None; wire::MESSAGES.len()],
            by_class: vec![(ptr::null_mut(), None); Self::PLACES],
        }
    }

    /// Where a class is, or would be.
    #[inline]
    fn place(&self, class: *mut ffi::PyTypeObject) -> usize {
        let hash = (class.addr() as u64 >> 4).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut at = (hash >> (u64::BITS - Self::PLACES.ilog2())) as usize;
        while !self.by_class[at].0.is_null() && self.by_class[at].0 != class {
            at = (at + 1) % Self::PLACES;
        }
        at
    }

    fn add(&mut self, desc: &'static Desc) {
        self.by_id[usize::from(desc.wire.id)] = Some(desc);
        let place = self.place(desc.class);
        self.by_class[place] = (desc.class, Some(desc));
    }
}

impl Desc {
    /// The runtime type of `message`, made if this is its first use.
    pub(super) fn get(py: Python<'_>, message: &'static wire::Message) -> PyResult<&'static Desc> {
        let known = |tables: &mut Option<Tables>| {
            tables.as_ref().and_then(|tables| tables.by_id.get(usize::from(message.id)).copied().flatten())
        };
        if let Some(desc) = TABLES.with(py, known) {
            return Ok(desc);
        }
        let desc = Desc::make(py, message)?;
        if let Some(other) = TABLES.with(py, known) {
            return Ok(other); // made by another thread while this one was busy
        }
        let desc: &'static Desc = Box::leak(Box::new(desc));
        TABLES.with(py, |tables| tables.get_or_insert_with(Tables::new).add(desc));
        scope::add_to_class(py, desc)?;
        Ok(desc)
    }

    fn make(py: Python<'_>, message: &'static wire::Message) -> PyResult<Desc> {
        let fields: Box<[Field]> =
            (0..message.fields.len()).map(|index| Field::new(py, message, index)).collect();
        let those = |is: &dyn Fn(&Field) -> bool| {
            fields.iter().filter(|field| is(field)).fold(0, |bits: Bits, field| bits | 1 << field.index)
        };
        let nodes = those(&|field| field.shape != Shape::Scalar);
        let many = those(&|field| matches!(field.shape, Shape::Repeated | Shape::Map));
        let oneofs = those(&|field| field.wire.oneof.is_some());
        // at least one slot: what adds nothing to its base could be given another class by `__class__`
        let size = size_of::<Head>() + fields.len().max(1) * size_of::<Slot>();
        let path = path(message.name);
        let class = types::message_class(py, message, path, size)?;
        let names = Names::new(py, &fields);
        let required = message.required;
        Ok(Desc {
            wire: message,
            required,
            path,
            class,
            size,
            names,
            methods: Looked::default(),
            nodes,
            many,
            oneofs,
            bare: bare(message),
            fields,
        })
    }

    /// The type that a class stands for.
    #[inline]
    pub(super) fn of_class(py: Python<'_>, class: *mut ffi::PyTypeObject) -> Option<&'static Desc> {
        TABLES.with(py, |tables| tables.as_ref().and_then(|tables| tables.by_class[tables.place(class)].1))
    }

    /// The class as an object.
    pub(super) fn class<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        // SAFETY: the class is never freed.
        unsafe { Bound::from_borrowed_ptr(py, self.class.cast()) }
    }

    /// How messages to the user call it: "Offer.Operation".
    pub(super) fn name(&self) -> &'static str {
        self.path.1
    }

    pub(super) fn field(&self, index: usize) -> &Field {
        &self.fields[index]
    }
}

impl Field {
    fn new(py: Python<'_>, message: &'static wire::Message, index: usize) -> Field {
        let wire = &message.fields[index];
        let shape = match (wire.label, wire.message()) {
            (Label::Repeated, Some(child)) if child.is_map_entry => Shape::Map,
            (Label::Repeated, _) => Shape::Repeated,
            (_, Some(_)) => Shape::Message,
            _ => Shape::Scalar,
        };
        let others =
            message.fields.iter().enumerate().filter(|(other, field)| {
                wire.oneof.is_some() && field.oneof == wire.oneof && *other != index
            });
        Field {
            wire,
            message,
            shape,
            kind: wire.kind,
            index: index as u8,
            tag: wire.tag(),
            siblings: others.fold(0, |bits, (other, _)| bits | 1 << other),
            default: Cell::new(default(py, wire).map_or(ptr::null_mut(), Bound::into_ptr)),
            prepared: Cell::new(false),
            child: Cell::new(None),
            values: Cell::new(None),
        }
    }

    /// The type of the messages it holds (for a map: of its entries).
    #[inline]
    pub(super) fn child(&self, py: Python<'_>) -> PyResult<&'static Desc> {
        if let Some(desc) = self.child.get() {
            return Ok(desc);
        }
        let message = self.wire.message().ok_or_else(|| wrong(self, "message"))?;
        let desc = Desc::get(py, message)?;
        self.child.set(Some(desc));
        Ok(desc)
    }

    /// The same, if it was made before.
    #[inline]
    pub(super) fn made_child(&self) -> Option<&'static Desc> {
        self.child.get()
    }

    /// The class of the enum it holds, if it was made before.
    #[inline]
    pub(super) fn made_values(&self) -> Option<&'static EnumClass> {
        self.values.get()
    }

    /// The class of the enum it holds.
    #[inline]
    pub(super) fn values(&self, py: Python<'_>) -> PyResult<&'static EnumClass> {
        if let Some(values) = self.values.get() {
            return Ok(values);
        }
        let values = enums::get(py, self.wire.enumeration().ok_or_else(|| wrong(self, "enum"))?)?;
        self.values.set(Some(values));
        Ok(values)
    }

    /// Makes whatever class reading the field needs, so that the reading itself runs no Python code.
    #[inline]
    pub(super) fn prepare(&self, py: Python<'_>) -> PyResult<()> {
        if self.prepared.get() { Ok(()) } else { self.prepare_first(py) }
    }

    #[cold]
    fn prepare_first(&self, py: Python<'_>) -> PyResult<()> {
        match self.kind {
            Kind::Message => self.child(py).map(drop)?,
            Kind::Enum => self.values(py).map(drop)?,
            _ => {}
        }
        self.prepared.set(true);
        Ok(())
    }

    /// What an unset scalar reads as.
    pub(super) fn default<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if self.default.get().is_null() {
            let wire::Default::Int(number) = self.wire.default else {
                return Err(wrong(self, "field with a default"));
            };
            let number = i32::try_from(number).map_err(|_| wrong(self, "enum in range"))?;
            let member = self.values(py)?.member(py, number).ok_or_else(|| wrong(self, "closed enum"))?;
            self.default.set(member.into_ptr());
        }
        // SAFETY: owned by the field for ever.
        Ok(unsafe { Bound::from_borrowed_ptr(py, self.default.get()) })
    }

    /// "TaskInfo.task_id", for error messages.
    pub(super) fn full_name(&self) -> String {
        format!("{}.{}", path(self.message.name).1, self.wire.name)
    }

    /// Secrets stay out of error messages and `repr`.
    pub(super) fn is_secret(&self) -> bool {
        self.wire.is_secret(self.message)
    }
}

/// The positions of the bits that are set.
pub(super) fn ones(mut bits: Bits) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = bits.trailing_zeros();
        bits &= bits.wrapping_sub(1);
        (at < Bits::BITS).then_some(at as usize)
    })
}

/// For code that asks a field for what its kind does not have: a bug, not a mistake of the user.
#[cold]
pub(super) fn wrong(field: &Field, expected: &str) -> PyErr {
    pyo3::exceptions::PySystemError::new_err(format!("{} is no {expected}", field.full_name()))
}

fn default<'py>(py: Python<'py>, field: &wire::Field) -> Option<Bound<'py, PyAny>> {
    Some(match field.default {
        wire::Default::None => return None,
        wire::Default::Int(_) if field.kind == Kind::Enum => return None, // when its class is made
        wire::Default::Bool(value) => PyBool::new(py, value).to_owned().into_any(),
        wire::Default::Int(value) => integer(py, value),
        wire::Default::Uint(value) => unsigned(py, value),
        wire::Default::Double(value) => PyFloat::new(py, value).into_any(),
        wire::Default::Str(value) => PyString::new(py, value).into_any(),
        wire::Default::Bytes(value) => PyBytes::new(py, value).into_any(),
    })
}

fn integer(py: Python<'_>, value: i64) -> Bound<'_, PyAny> {
    value.into_pyobject(py).map_or_else(|never| match never {}, Bound::into_any)
}

fn unsigned(py: Python<'_>, value: u64) -> Bound<'_, PyAny> {
    value.into_pyobject(py).map_or_else(|never| match never {}, Bound::into_any)
}

/// The field a bare value stands for: the only one if it is called `value`; of an id, its `value`.
fn bare(message: &wire::Message) -> Option<usize> {
    let is_id = message.name.ends_with("ID");
    let value = message.index_named("value")?;
    let scalar = message.fields[value].message().is_none() && message.fields[value].label != Label::Repeated;
    (scalar && (is_id || message.fields.len() == 1)).then_some(value)
}

/// The module and the qualified name that a full name has in Python.
pub(super) fn path(full_name: &'static str) -> (&'static str, &'static str) {
    let is_upper = |byte: u8| byte.is_ascii_uppercase();
    let bytes = full_name.as_bytes();
    let start = (1..bytes.len()).find(|&at| bytes[at - 1] == b'.' && is_upper(bytes[at])).unwrap_or(0);
    match &full_name[..start.saturating_sub(1)] {
        "mesos.v1" | "google.protobuf" => ("mesos", &full_name[start..]),
        package => (package, &full_name[start..]),
    }
}
