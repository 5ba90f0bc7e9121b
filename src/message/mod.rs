//! The message classes: Python objects over the wire format, for every message of the schema.
//!
//! A message is parsed by one validating scan and keeps the bytes; fields are decoded when they are read, and what
//! was not changed is written back by copying it. `layout` says how a message lies in memory; each other file adds
//! one ability and says what it relies on. The wire format itself is `crate::wire`'s.
//!
//! For Rust: `from_wire` makes a message of bytes that were validated, `to_wire` the bytes of what a user passed.
//!
//! # Invariants
//! * Everything here happens under the GIL; nothing is kept per thread.
//! * A message is right or an exception: bad values are refused where they are set, missing fields where they
//!   are sent.

mod access;
mod alloc;
mod attributes;
mod backward;
mod bound;
mod boundary;
mod buffer;
mod compare;
mod construct;
mod convert;
mod desc;
mod direct;
mod display;
mod docs;
mod encode;
mod enums;
mod errors;
mod extras;
mod freelist;
mod index;
mod interned;
mod iterate;
mod json_methods;
mod layout;
mod map;
mod map_methods;
mod merge;
mod methods;
mod module;
mod names;
mod objects;
mod plain;
mod positions;
mod reflection;
mod repeated;
mod repeated_methods;
mod required;
mod resources;
mod scope;
mod strings;
mod text;
mod types;
mod value;
mod wire_methods;

use crate::wire;
use bytes::Bytes;
use desc::Desc;
use encode::Mode;
use layout::Message;
pub(crate) use module::register;
use pyo3::prelude::*;

/// A message over bytes that passed `wire::validate` for its type. Nothing is copied: the message keeps `bytes`.
pub(crate) fn from_wire(
    py: Python<'_>,
    message: &'static wire::Message,
    bytes: Bytes,
) -> PyResult<Py<PyAny>> {
    let desc = Desc::get(py, message)?;
    let buffer = buffer::Buffer::new(py, bytes)?;
    alloc::parsed(py, desc, buffer.source()).map(Bound::unbind)
}

/// The class of a message.
#[cfg(fuzzing)]
pub(crate) fn class<'py>(py: Python<'py>, message: &'static wire::Message) -> PyResult<Bound<'py, PyAny>> {
    Desc::get(py, message).map(|desc| desc.class(py))
}

/// The encoding of what a user passed for a message: the message, a dict, a bare value where the message is only a
/// `value`, or google.protobuf's message. Errors name the field and the value; a missing required field is an
/// `EncodeError`.
pub(crate) fn to_wire(value: &Bound<'_, PyAny>, message: &'static wire::Message) -> PyResult<Bytes> {
    to_wire_for("", value, message)
}

/// The same for the argument `name` of a call, which errors then name.
pub(crate) fn to_wire_for(
    name: &str,
    value: &Bound<'_, PyAny>,
    message: &'static wire::Message,
) -> PyResult<Bytes> {
    let py = value.py();
    let desc = Desc::get(py, message)?;
    let context = || if name.is_empty() { desc.name() } else { name }.to_owned();
    let converted;
    let given = match Message::of(value).filter(|given| std::ptr::eq(given.desc(), desc)) {
        Some(given) => given,
        None => {
            converted = convert::message(desc, value, convert::TOP, &context)?;
            Message::of(&converted)
                .ok_or_else(|| pyo3::exceptions::PySystemError::new_err("not a message"))?
        }
    };
    encode::encode(py, given, Mode::Full, |bytes| {
        buffer::share(py, given.owner.get(), bytes).unwrap_or_else(|| Bytes::copy_from_slice(bytes))
    })
    .map_err(|fail| encode::error(py, given, fail))
}
